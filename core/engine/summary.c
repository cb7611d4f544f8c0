/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ending a run. See summary.h. */
#include "base/base.h"

#include "engine/summary.h"

#include "base/diff.h"
#include "engine/difference.h"

static const char *
end_state(const struct ending *ending)
{
	if (ending->unwound == UNWOUND_NOT)
		return "rollback_failed";
	switch (ending->state) {
	case ENDING_SUCCEEDED:
		return "succeeded";
	case ENDING_CANCELLED:
		return "cancelled";
	case ENDING_DENIED:
		return ending->unwound == UNWOUND_ALL ? "rolled_back" : "denied";
	case ENDING_FAILED:
	case ENDING_INTERRUPTED:
		return ending->unwound == UNWOUND_ALL ? "rolled_back" : "failed";
	case ENDING_ORDERED:
		return "rolled_back";
	case ENDING_FAILED_FINALLY:
	case ENDING_WAITING: /* never gets here */
		return "failed";
	}
	return "failed";
}

static json_t *
err_json(const struct err *err)
{
	return err->code[0] ? json_pack("{s:s, s:s, s:s}", "code", err->code, "message",
					err->text, "remedy", err->remedy)
			    : json_null();
}

static void
add_edit(struct run *run, json_t *files, const json_t *edit)
{
	const char *pre = json_text(edit, "pre"), *post = json_text(edit, "post");
	AUTO_FREE char *before = NULL;
	AUTO_FREE char *after = NULL;
	struct diff_side sides[2] = { { NULL, 0 }, { NULL, 0 } };
	struct err ignored = { 0 };
	unsigned added = 0, removed = 0;

	if (*pre && store_blob_get(run->engine->store, pre, &before, &sides[0].len,
				   &ignored) == 0)
		sides[0].bytes = before;
	if (*post && store_blob_get(run->engine->store, post, &after, &sides[1].len,
				    &ignored) == 0)
		sides[1].bytes = after;
	diff_count(sides[0], sides[1], &added, &removed);
	json_array_append_new(files, json_pack("{s:s, s:i, s:i}", "path",
					       json_text(edit, "path"), "added",
					       (int)added, "removed", (int)removed));
}

/* All that was changed on the way, whether it still stands or not. */
static int
add_changes(struct run *run, json_t *detail, struct err *err)
{
	AUTO(difference) struct difference difference = { 0 };
	AUTO(json_ref) json_t *files = json_array();
	AUTO(json_ref) json_t *effects = json_array();
	const json_t *item;
	size_t i;

	if (difference_init(&difference, run->engine->store, run->claim.run, err) < 0)
		return -1;
	json_array_foreach (difference.edits, i, item)
		add_edit(run, files, item);
	json_array_foreach (difference.effects, i, item)
		json_array_append(effects, json_object_get(item, "summary"));
	json_object_set(detail, "files", files);
	json_object_set(detail, "effects", effects);
	return 0;
}

int
summary_end(struct run *run, const struct ending *ending, struct err *err)
{
	static const char *const unwound[] = { [UNWOUND_NOTHING] = "nothing",
					       [UNWOUND_ALL] = "all",
					       [UNWOUND_NOT] = "not" };
	const struct err *cause = &ending->cause;
	json_t *detail =
		json_pack("{s:s, s:s, s:o, s:o}", "diagnosis", str_get(&run->diagnosis),
			  "unwound", unwound[ending->unwound], "rollback",
			  err_json(&ending->rollback), "cause", err_json(cause));
	json_t *body =
		json_pack("{s:s, s:o}", "state", end_state(ending), "detail", detail);

	if (add_changes(run, detail, err) < 0) {
		json_decref(body);
		return -1;
	}
	if (json_is_object(json_object_get(detail, "cause")))
		json_object_set_new(json_object_get(detail, "cause"), "step",
				    json_string(ending->step));
	if (cause->code[0]) {
		json_object_set_new(body, "code", json_string(cause->code));
		json_object_set_new(body, "message", json_string(cause->text));
		json_object_set_new(body, "remedy", json_string(cause->remedy));
		json_object_set_new(body, "step", json_string(ending->step));
	}
	return run_append(run, "run.ended", body, err);
}
