/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the store tells: runs, steps, plans, proposals, standing rows, events. */
#include "store-kit.h"

#include "base/sha256.h"

START_TEST(run_is_told_with_all_its_members)
{
	static const char *const keys[] = {
		"run",		"state",       "code",		"message",  "remedy",
		"step",		"service",     "instruction",	"pipeline", "workspace",
		"requested_by", "queued_ms",   "started_ms",	"ended_ms", "owner",
		"epoch",	"plan_sha256", "due_ms",	"detail",   "worker",
		"crashes",	"cancel_by",   "cancel_reason", "priority", "position",
		"rolls_back",	"rolled_back_by",
	};
	start_run();
	OK(append("run.ended",
		  "{'state':'failed','code':'c','message':'m','remedy':'r',"
		  "'step':'s','detail':{'files':[1]}}"));
	AUTO(json_ref) json_t *run = store_run(store, claim.run, &err);
	ck_assert_uint_eq(json_object_size(run), ARRAY_LEN(keys));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		ck_assert_msg(json_object_get(run, keys[i]) != NULL, "%s", keys[i]);
	ck_assert_str_eq(json_text(run, "code"), "c");
	ck_assert_str_eq(json_text(run, "message"), "m");
	ck_assert_str_eq(json_text(run, "remedy"), "r");
	ck_assert_str_eq(json_text(run, "step"), "s");
	ck_assert_str_eq(json_text(run, "workspace"), "/srv/shop");
	ck_assert_int_eq(json_int_or(run, "epoch", 0), 1);
	ck_assert_int_gt(json_int_or(run, "ended_ms", 0), 0);
	ck_assert_int_le(json_int_or(run, "queued_ms", 0),
			 json_int_or(run, "started_ms", 0));
	ck_assert_uint_eq(json_array_size(json_object_get(
				  json_object_get(run, "detail"), "files")),
			  1);
	ck_assert(json_is_null(json_object_get(run, "plan_sha256")));
}
END_TEST

START_TEST(runs_are_listed_newest_first_and_filtered)
{
	char ids[5][RUN_ID_SIZE];
	for (int i = 0; i < 5; i++) {
		start_run();
		memcpy(ids[i], claim.run, RUN_ID_SIZE);
		if (i == 2)
			OK(append("run.ended", "{'state':'succeeded'}"));
	}
	AUTO(json_ref) json_t *all = store_runs(store, NULL, &err);
	ck_assert_uint_eq(json_array_size(all), 5);
	ck_assert_str_eq(json_text(json_array_get(all, 0), "run"), ids[4]);

	struct store_filter page = { .limit = 2, .offset = 1 };
	AUTO(json_ref) json_t *some = store_runs(store, &page, &err);
	ck_assert_uint_eq(json_array_size(some), 2);
	ck_assert_str_eq(json_text(json_array_get(some, 0), "run"), ids[3]);

	struct store_filter good = { .state = "succeeded", .service = "api" };
	AUTO(json_ref) json_t *ended = store_runs(store, &good, &err);
	ck_assert_uint_eq(json_array_size(ended), 1);
	ck_assert_str_eq(json_text(json_array_get(ended, 0), "run"), ids[2]);

	struct store_filter other = { .service = "worker" };
	AUTO(json_ref) json_t *nothing = store_runs(store, &other, &err);
	ck_assert_uint_eq(json_array_size(nothing), 0);

	AUTO(json_ref) json_t *unfinished = store_unfinished(store, &err);
	ck_assert_uint_eq(json_array_size(unfinished), 4);
	ck_assert_str_eq(json_text(json_array_get(unfinished, 0), "run"), ids[0]);
}
END_TEST

START_TEST(run_that_nobody_claimed_is_waiting_not_unfinished)
{
	char run[RUN_ID_SIZE];
	queue_run(run);
	AUTO(json_ref) json_t *none = store_unfinished(store, &err);
	ck_assert_uint_eq(json_array_size(none), 0);
	claim_run(run);
	AUTO(json_ref) json_t *one = store_unfinished(store, &err);
	ck_assert_uint_eq(json_array_size(one), 1);
}
END_TEST

START_TEST(run_is_found_by_id_prefix_or_last)
{
	char found[RUN_ID_SIZE] = "as it was";
	FAILS(store_find_run(store, "last", found, &err), "run_not_found");
	begin_run();
	char first[RUN_ID_SIZE];
	memcpy(first, claim.run, RUN_ID_SIZE);
	begin_run();

	FAILS(store_find_run(store, "2", found, &err), "run.ambiguous");
	ck_assert_ptr_nonnull(strstr(err.text, first));
	FAILS(store_find_run(store, "../x", found, &err), "run_not_found");
	FAILS(store_find_run(store, "", found, &err), "run_not_found");
	FAILS(store_find_run(store, "20991231", found, &err), "run_not_found");
	FAILS(store_find_run(store, "2%", found, &err), "run_not_found");
	ck_assert_str_eq(found, "as it was");

	OK(store_find_run(store, "last", found, &err));
	ck_assert_str_eq(found, claim.run);
	OK(store_find_run(store, first, found, &err));
	ck_assert_str_eq(found, first);
	char prefix[RUN_ID_SIZE];
	snprintf(prefix, sizeof(prefix), "%.21s", first);
	if (strncmp(prefix, claim.run, 21) != 0) {
		OK(store_find_run(store, prefix, found, &err));
		ck_assert_str_eq(found, first);
	}
}
END_TEST

START_TEST(unknown_run_is_told)
{
	ck_assert_ptr_null(store_run(store, "20990101-000000-abcdef", &err));
	ck_assert_str_eq(err.code, "run_not_found");
	ck_assert_ptr_null(store_run_dir(store, "../../etc", &err));
	ck_assert_str_eq(err.code, "run_not_found");
	FAILS(store_verify(store, "20990101-000000-abcdef", &err), "run_not_found");
	FAILS(store_claim(store, "20990101-000000-abcdef", "h/1", &claim, &lock_fd,
			  &err),
	      "run_not_found");
}
END_TEST

START_TEST(steps_are_told_in_order_with_their_outcome)
{
	start_run();
	start_step();
	OK(append("step.ended",
		  "{'step':'patch','attempt':1,'state':'failed','result':'error',"
		  "'why':'transient','code':'c','message':'m','remedy':'r',"
		  "'outputs':{'x':[1]},'duration_ms':7}"));
	OK(append("step.skipped", "{'step':'build','section':'steps'}"));
	OK(append("step.ended",
		  "{'step':'a','attempt':1,'state':'failed','stage':'verify'}"));

	AUTO(json_ref) json_t *steps = store_steps(store, claim.run, &err);
	ck_assert_uint_eq(json_array_size(steps), 3);
	json_t *step = json_array_get(steps, 0);
	ck_assert_str_eq(json_text(step, "step"), "patch");
	ck_assert_str_eq(json_text(step, "section"), "steps");
	ck_assert_str_eq(json_text(step, "stage"), "patch");
	ck_assert_str_eq(json_text(step, "state"), "failed");
	ck_assert_str_eq(json_text(step, "why"), "transient");
	ck_assert_int_eq(json_int_or(step, "duration_ms", 0), 7);
	ck_assert_int_gt(json_int_or(step, "started_ms", 0), 0);
	ck_assert_uint_eq(
		json_array_size(json_object_get(json_object_get(step, "outputs"), "x")),
		1);
	ck_assert_str_eq(json_text(json_array_get(steps, 1), "state"), "skipped");
	ck_assert_str_eq(json_text(json_array_get(steps, 2), "stage"), "verify");
}
END_TEST

START_TEST(plan_is_kept_as_it_was_hashed)
{
	start_run();
	ck_assert_ptr_null(store_plan(store, claim.run, &err));
	ck_assert_str_eq(err.code, "missing_action_plan");

	AUTO(json_ref) json_t *plan =
		object("{'b':1,'a':{'real':0.1,'text':'\xc3\xa4'}}");
	char sha256[SHA256_HEX_SIZE];
	json_sha256(plan, sha256);
	AUTO(json_ref) json_t *body =
		json_pack("{s:O, s:s}", "plan", plan, "sha256", sha256);
	OK(store_append(store, &claim, "engine", "run.planned", body, &err));

	AUTO(json_ref) json_t *stored = store_plan(store, claim.run, &err);
	char found[SHA256_HEX_SIZE];
	const char *text = json_text(stored, "text");
	sha256_hex(text, strlen(text), found);
	ck_assert_str_eq(found, sha256);
	ck_assert_str_eq(json_text(stored, "sha256"), sha256);
	ck_assert(json_equal(json_object_get(stored, "plan"), plan));
	ck_assert_str_eq(run_value("plan_sha256"), sha256);
}
END_TEST

START_TEST(latest_proposal_is_told)
{
	start_run();
	AUTO(json_ref) json_t *none = store_proposal(store, claim.run, "patch", &err);
	ck_assert(json_is_null(none));
	start_step();
	OK(append("step.ended", "{'step':'patch','attempt':1,'state':'failed'}"));
	OK(append("step.proposed",
		  "{'step':'patch','attempt':2,'proposal':{'edits':[]},"
		  "'sha256':'bb'}"));
	AUTO(json_ref) json_t *latest = store_proposal(store, claim.run, "patch", &err);
	ck_assert_int_eq(json_int_or(latest, "attempt", 0), 2);
	ck_assert_str_eq(json_text(latest, "sha256"), "bb");
	ck_assert(json_is_object(json_object_get(latest, "proposal")));
}
END_TEST

START_TEST(what_an_intent_allows_stands_until_it_is_put_back)
{
	start_run();
	judge_step("allow");
	AUTO(json_ref) json_t *none = store_standing(store, claim.run, &err);
	ck_assert_uint_eq(json_array_size(none), 0);

	OK(append("step.intent", "{'step':'patch','attempt':1}"));
	AUTO(json_ref) json_t *both = store_standing(store, claim.run, &err);
	ck_assert_uint_eq(json_array_size(both), 2);
	json_t *edit = json_array_get(both, 0), *image = json_array_get(both, 1);
	ck_assert_str_eq(json_text(edit, "kind"), "edit");
	ck_assert_str_eq(json_text(edit, "target"), "a");
	ck_assert_str_eq(json_text(json_object_get(edit, "body"), "post"), "q");
	ck_assert_str_eq(json_text(image, "kind"), "image");
	ck_assert_str_eq(json_text(image, "step"), "patch");
	ck_assert_int_eq(json_int_or(image, "n", 0), 2);

	FAILS(append("effect.undone", "{'effects':[3]}"), "store.transition");
	FAILS(append("effect.undone", "{'effects':[1]}"), "store.transition");
	OK(append("run.state", "{'state':'rolling_back'}"));
	OK(append("unwind.files", "{'restored':['a','b'],'conflicts':[],'kept':[]}"));
	AUTO(json_ref) json_t *one = store_standing(store, claim.run, &err);
	ck_assert_uint_eq(json_array_size(one), 1);
	OK(append("effect.undone", "{'effects':[2]}"));
	AUTO(json_ref) json_t *left = store_standing(store, claim.run, &err);
	ck_assert_uint_eq(json_array_size(left), 0);
}
END_TEST

START_TEST(artifact_of_the_same_name_replaces)
{
	start_run();
	OK(append("artifact.missing",
		  "{'name':'build.log','step':'build','message':'full'}"));
	OK(append("artifact.added",
		  "{'name':'a.log','type':'text/plain','path':'a.log',"
		  "'bytes':1,'sha256':'x','step':'a','attempt':1}"));
	OK(append("artifact.added", "{'name':'build.log','path':'build.log','bytes':3,"
				    "'sha256':'y'}"));
	AUTO(json_ref) json_t *list = store_artifacts(store, claim.run, &err);
	ck_assert_uint_eq(json_array_size(list), 2);
	json_t *first = json_array_get(list, 0);
	ck_assert_str_eq(json_text(first, "name"), "build.log");
	ck_assert(json_is_false(json_object_get(first, "missing")));
	ck_assert_int_eq(json_int_or(first, "bytes", 0), 3);
	FAILS(append("artifact.added",
		     "{'name':'x','path':'../x','bytes':1,'sha256':'y'}"),
	      "path.invalid");
}
END_TEST

START_TEST(events_are_told_oldest_first_from_a_number)
{
	start_run();
	OK(append("step.note",
		  "{'step':'','attempt':0,'level':'warn','text':'n\xc3\xb6'}"));
	AUTO(json_ref) json_t *all = store_events(store, claim.run, 0, 0, &err);
	ck_assert_uint_eq(json_array_size(all), 4);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(json_int_or(json_array_get(all, i), "seq", 0),
				 (int64_t)i + 1);
	json_t *note = json_array_get(all, 3);
	ck_assert_str_eq(json_text(note, "kind"), "step.note");
	ck_assert_str_eq(json_text(note, "actor"), "engine");
	ck_assert_uint_eq(strlen(json_text(note, "hash")), 64);
	ck_assert_str_eq(json_text(json_object_get(note, "body"), "text"), "n\xc3\xb6");
	AUTO(json_ref) json_t *two = store_events(store, claim.run, 1, 2, &err);
	ck_assert_uint_eq(json_array_size(two), 2);
	ck_assert_int_eq(json_int_or(json_array_get(two, 0), "seq", 0), 2);
}
END_TEST

START_TEST(events_of_some_kinds_are_told_alone)
{
	const char *kinds = "|x|step.note|artifact.missing|";

	start_run();
	OK(append("step.note", "{'step':'','level':'warn','text':'one'}"));
	OK(append("run.state", "{'state':'running'}"));
	OK(append("step.note", "{'step':'','level':'warn','text':'two'}"));
	AUTO(json_ref)
	json_t *first = store_events_of(store, claim.run, kinds, 0, 1, &err);
	const json_t *one = json_array_get(first, 0);
	ck_assert_uint_eq(json_array_size(first), 1);
	ck_assert_str_eq(json_text(json_object_get(one, "body"), "text"), "one");
	AUTO(json_ref)
	json_t *rest = store_events_of(store, claim.run, kinds,
				       json_int_or(one, "seq", 0), 9, &err);
	ck_assert_uint_eq(json_array_size(rest), 1);
	ck_assert_str_eq(json_text(json_object_get(json_array_get(rest, 0), "body"),
				   "text"), "two");
	AUTO(json_ref)
	json_t *none = store_events_of(store, claim.run, "|step|note|", 0, 9, &err);
	ck_assert_uint_eq(json_array_size(none), 0);
}
END_TEST

START_TEST(descriptions_are_cached_by_hash)
{
	AUTO(json_ref) json_t *first = object("{'name':'patch/apply'}");
	AUTO(json_ref) json_t *second = object("{'name':'other'}");
	ck_assert_ptr_null(store_description_find(store, "aa"));
	OK(store_description_add(store, "aa", first, &err));
	OK(store_description_add(store, "aa", second, &err));
	AUTO(json_ref) json_t *found = store_description_find(store, "aa");
	ck_assert(json_equal(found, second));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		run_is_told_with_all_its_members,
		runs_are_listed_newest_first_and_filtered,
		run_that_nobody_claimed_is_waiting_not_unfinished,
		run_is_found_by_id_prefix_or_last,
		unknown_run_is_told,
		steps_are_told_in_order_with_their_outcome,
		plan_is_kept_as_it_was_hashed,
		latest_proposal_is_told,
		what_an_intent_allows_stands_until_it_is_put_back,
		artifact_of_the_same_name_replaces,
		events_are_told_oldest_first_from_a_number,
		events_of_some_kinds_are_told_alone,
		descriptions_are_cached_by_hash,
	};
	Suite *suite = suite_create("store-query");
	kit_case(suite, "reading", tests, ARRAY_LEN(tests));
	return unit_run(suite);
}
