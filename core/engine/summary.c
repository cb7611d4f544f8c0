/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ending a run. See summary.h. */
#include "base/base.h"

#include "engine/summary.h"

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

/* All that was changed on the way, whether it still stands or not. */
static int
add_changes(struct run *run, json_t *detail, struct err *err)
{
	AUTO(json_ref)
	json_t *changes = difference_changes(run->engine->store, run->claim.run, err);
	json_t *files = json_array(), *effects = json_array(), *change;
	size_t i;

	json_object_set_new(detail, "files", files);
	json_object_set_new(detail, "effects", effects);
	if (!changes)
		return -1;
	json_array_foreach (changes, i, change) {
		if (!str_eq(json_text(change, "kind"), "edit")) {
			json_array_append(effects, json_object_get(change, "summary"));
			continue;
		}
		json_array_append_new(
			files,
			json_pack("{s:O, s:I, s:I}", "path",
				  json_object_get(change, "target"), "added",
				  (json_int_t)json_int_or(change, "added", 0),
				  "removed",
				  (json_int_t)json_int_or(change, "removed", 0)));
	}
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
