/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What policies are shown. See evidence.h. */
#include "base/base.h"

#include "engine/evidence.h"

#include <fettle/plugin.h>

#include "base/clock.h"

#define TEXT_MAX_BYTES ((size_t)256 << 10)
#define HISTORY_MAX 100

static bool
is_text(struct diff_side side)
{
	return !side.bytes || (side.len <= TEXT_MAX_BYTES &&
			       !memchr(side.bytes, 0, side.len) &&
			       utf8_is_valid(side.bytes, side.len));
}

static json_t *
side_json(struct diff_side side)
{
	return side.bytes ? json_stringn(side.bytes, side.len) : json_null();
}

json_t *
evidence_edit(const char *path, const char *op, struct diff_side before,
	      struct diff_side after)
{
	bool is_shown = is_text(before) && is_text(after);
	unsigned added = 0, removed = 0;

	diff_count(before, after, &added, &removed);
	json_t *edit = json_pack("{s:s, s:s, s:b, s:i, s:i}", "path", path, "op", op,
				 "is_text", is_shown, "added", (int)added, "removed",
				 (int)removed);
	if (is_shown) {
		json_object_set_new(edit, "before", side_json(before));
		json_object_set_new(edit, "after", side_json(after));
	}
	return edit;
}

/* A side of an edit, "" for a file that is not there. */
static int
read_side(struct store *store, const json_t *edit, const char *which, char **ret_bytes,
	  struct diff_side *ret, struct err *err)
{
	const char *sha256 = json_text(edit, which);
	size_t len = 0;

	if (!*sha256)
		return 0;
	if (store_blob_get(store, sha256, ret_bytes, &len, err) < 0)
		return -1;
	*ret = (struct diff_side){ *ret_bytes, len };
	return 0;
}

static json_t *
edits_shown(const struct run *run, const json_t *proposal, struct err *err)
{
	AUTO(json_ref) json_t *list = json_array();
	const json_t *edit;
	size_t i;

	json_array_foreach (json_object_get(proposal, "edits"), i, edit) {
		AUTO_FREE char *pre = NULL;
		AUTO_FREE char *post = NULL;
		struct diff_side before = { NULL, 0 }, after = { NULL, 0 };
		struct store *store = run->engine->store;

		if (read_side(store, edit, "pre", &pre, &before, err) < 0 ||
		    read_side(store, edit, "post", &post, &after, err) < 0)
			return NULL;
		json_array_append_new(list, evidence_edit(json_text(edit, "path"),
							  json_text(edit, "op"), before,
							  after));
	}
	return STEAL(list);
}

static json_t *
history(const struct run *run, struct err *err)
{
	const struct plan *plan = run->plan;
	struct store *past = run->engine->past;
	const struct store_filter filter = { .service = plan->service,
					     .cursor = past ? NULL : run->claim.run,
					     .limit = HISTORY_MAX };
	AUTO(json_ref) json_t *list = json_array();
	AUTO(json_ref)
	json_t *rows = store_runs(past ? past : run->engine->store, &filter, err);
	const json_t *row;
	size_t i;

	if (!rows)
		return NULL;
	json_array_foreach (rows, i, row) {
		/* What puts back is no repair, and what was put back did not help. */
		if (!str_eq(json_text(row, "workspace"), plan->workspace) ||
		    *json_text(row, "rolls_back"))
			continue;
		bool is_undone = *json_text(row, "rolled_back_by");
		json_array_append_new(
			list, json_pack("{s:O, s:s, s:O, s:O}", "run",
					json_object_get(row, "run"), "state",
					is_undone ? "rolled_back" :
						    json_text(row, "state"),
					"queued_ms",
					json_object_get(row, "queued_ms"), "ended_ms",
					json_object_get(row, "ended_ms")));
	}
	return STEAL(list);
}

json_t *
evidence_facts(const struct run *run, const struct plan_step *step, const json_t *facts,
	       const json_t *proposal, uint32_t flags, struct err *err)
{
	AUTO(json_ref) json_t *all = json_copy((json_t *)(uintptr_t)facts);
	json_t *shown;

	json_object_set_new(all, "step.id", json_string(step->id));
	json_object_set_new(all, "step.uses", json_string(step->uses));
	json_object_set_new(all, "step.stage", json_string(stage_name(step->stage)));
	json_object_set_new(all, "now", json_integer(run->judged_ms ? run->judged_ms
								    : clock_wall_ms()));
	if (proposal)
		json_object_set(all, "proposal", (json_t *)(uintptr_t)proposal);
	if (flags & FETTLE_JUDGES_CONTENT) {
		if (!(shown = edits_shown(run, proposal, err)))
			return NULL;
		json_object_set_new(all, "edits", shown);
	}
	if (flags & FETTLE_JUDGES_HISTORY) {
		if (!(shown = history(run, err)))
			return NULL;
		json_object_set_new(all, "history", shown);
	}
	return STEAL(all);
}
