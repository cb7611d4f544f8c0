/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The audit log as lines of JSON. See audit.h. */
#include "base/base.h"

#include "base/clock.h"
#include "base/str.h"
#include "store/audit.h"
#include "store/db.h"
#include "store/event.h"

struct export {
	audit_sink sink;
	void *self;
	struct sha256 *sum;
	int64_t lines;
};

static int
put(struct export *out, struct str *line, struct err *err)
{
	str_add_c(line, '\n');
	sha256_add(out->sum, line->s, line->len);
	out->lines++;
	return out->sink(out->self, line->s, line->len, err);
}

static int
put_header(struct export *out, const char *run, struct err *err)
{
	AUTO(json_ref) json_t *json =
		json_pack("{s:i, s:s?, s:I}", "fettle_audit", 1, "run", run, "time_ms",
			  (json_int_t)clock_wall_ms());
	AUTO_FREE char *text = json_canonical(json);
	AUTO(str) struct str line = STR_INIT;

	str_add(&line, text);
	return put(out, &line, err);
}

static int
put_event(struct export *out, sqlite3_stmt *rows, struct err *err)
{
	AUTO(str) struct str line = STR_INIT;
	struct event event = {
		.run = db_text(rows, 0),
		.seq = sqlite3_column_int64(rows, 1),
		.time_ms = sqlite3_column_int64(rows, 2),
		.kind = db_text(rows, 3),
		.actor = db_text(rows, 4),
		.body = db_text(rows, 5),
		.prev = db_text(rows, 6),
	};

	str_addf(&line, "{\"hash\":\"%s\",\"event\":", db_text(rows, 7));
	event_text(&event, &line);
	str_add_c(&line, '}');
	return put(out, &line, err);
}

static int
put_checkpoint(struct export *out, sqlite3_stmt *rows, struct err *err)
{
	AUTO(str) struct str line = STR_INIT;

	str_addf(&line, "{\"signature\":\"%s\",\"checkpoint\":%s}", db_text(rows, 7),
		 db_text(rows, 5));
	return put(out, &line, err);
}

static int
put_trailer(struct export *out, struct err *err)
{
	AUTO(str) struct str line = STR_INIT;
	char sum[SHA256_HEX_SIZE];

	sha256_end(out->sum, sum);
	out->sum = NULL;
	str_addf(&line, "{\"lines\":%lld,\"sha256\":\"%s\"}\n", (long long)out->lines,
		 sum);
	return out->sink(out->self, line.s, line.len, err);
}

/* One statement sees one moment of the store. A checkpoint follows what it signs. */
static int
put_records(struct export *out, struct store *store, const char *run, struct err *err)
{
	int rc;

	AUTO(rows) sqlite3_stmt *rows = db_query(
		store,
		"SELECT run, seq, time_ms, kind, actor, body, prev, hash, 0 AS rank,"
		" id AS place FROM events WHERE ?1 IS NULL OR run = ?1"
		" UNION ALL SELECT NULL, n, 0, '', '', text, '', signature, 1, event"
		" FROM checkpoints WHERE ?1 IS NULL"
		"  OR json_type(text, '$.heads.\"' || ?1 || '\"') IS NOT NULL"
		" ORDER BY place, rank",
		"t", run);
	while ((rc = db_next(rows)) == 1)
		if ((sqlite3_column_int(rows, 8) ? put_checkpoint(out, rows, err)
						 : put_event(out, rows, err)) < 0)
			return -1;
	return rc < 0 ? db_error(store, err, "export the audit log") : 0;
}

int
store_export(struct store *store, const char *run, audit_sink sink, void *self,
	     struct err *err)
{
	struct export out = { .sink = sink, .self = self, .sum = sha256_new() };
	int rc = put_header(&out, run, err);

	if (rc == 0)
		rc = put_records(&out, store, run, err);
	if (rc == 0)
		return put_trailer(&out, err);
	char unused[SHA256_HEX_SIZE];
	sha256_end(out.sum, unused);
	return -1;
}
