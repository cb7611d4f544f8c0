/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which blobs are referred to, and which of them are needed. See blob.h. */
#include "base/base.h"

#include "store/blob.h"

/* One row for each image, before and after, of each edit in `documents`. */
#define IMAGES_OF(documents)                                                           \
	"SELECT DISTINCT sha256 FROM ("                                                \
	" SELECT json_extract(e.value, '$.pre') AS sha256 FROM (" documents            \
	") d, json_each(d.edits) e"                                                    \
	" UNION ALL"                                                                   \
	" SELECT json_extract(e.value, '$.post') FROM (" documents                     \
	") d, json_each(d.edits) e)"                                                   \
	" WHERE sha256 IS NOT NULL ORDER BY sha256"

static int
load(struct store *store, sqlite3_stmt *owned, struct strv *ret, struct err *err)
{
	AUTO(rows) sqlite3_stmt *rows = owned;
	int rc;

	while ((rc = db_next(rows)) == 1)
		if (blob_is_name(db_text(rows, 0)))
			strv_add(ret, db_text(rows, 0));
	return rc < 0 ? db_error(store, err, "read what is referred to") : 0;
}

int
blob_referenced(struct store *store, struct strv *ret, struct err *err)
{
	static const char sql[] = IMAGES_OF(
		"SELECT json_extract(proposal, '$.edits') AS edits FROM proposals");

	return load(store, db_query(store, sql, ""), ret, err);
}

int
blob_needed(struct store *store, int64_t since_ms, struct strv *ret, struct err *err)
{
	static const char sql[] = IMAGES_OF(
		"SELECT json_extract(proposal, '$.edits') AS edits"
		" FROM proposals JOIN runs USING (run)"
		" WHERE ended_ms IS NULL OR ended_ms >= ?1 OR state IN"
		"  ('pending', 'running', 'awaiting_approval', 'rolling_back')"
		" UNION ALL SELECT json_array(json(body)) FROM standing"
		" WHERE kind = 'edit' AND undone_seq IS NULL");

	return load(store, db_query(store, sql, "i", since_ms), ret, err);
}

bool
blob_is_among(const struct strv *sorted, const char *name)
{
	size_t low = 0, high = sorted->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, sorted->v[middle]);

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}
