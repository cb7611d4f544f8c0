/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs that roll back another: who may begin, what they have, what is told of them. */
#include "store-kit.h"

/* A run that succeeded, with an edit of `a` and an image standing. */
static void
succeed(char run[RUN_ID_SIZE])
{
	start_run();
	start_step();
	OK(append("step.ended", "{'step':'patch','attempt':1,'state':'succeeded'}"));
	OK(append("run.ended", "{'state':'succeeded'}"));
	memcpy(run, claim.run, RUN_ID_SIZE);
}

static int
queue_undo(const char *of, char ret_run[RUN_ID_SIZE])
{
	AUTO(json_ref) json_t *body = json_pack(
		"{s:s, s:s, s:s, s:s}", "service", "api", "workspace", "/srv/shop",
		"rolls_back", of, "reason", "it was the wrong one");

	return store_queue(store, "operator:bob", body, ret_run, &err);
}

/* The claimed run begins to put back what stands of the other. */
static void
begin_undo(const char *of)
{
	char run[RUN_ID_SIZE];
	AUTO(json_ref) json_t *standing = store_standing(store, of, &err);
	AUTO(json_ref) json_t *body = json_pack(
		"{s:s, s:i, s:s, s:{s:[], s:[], s:[], s:O}}", "step", "undo", "attempt",
		1, "sha256", "bb", "proposal", "edits", "effects", "commands", "undoes",
		standing);

	OK(queue_undo(of, run));
	claim_run(run);
	OK(append("run.state", "{'state':'running'}"));
	OK(store_append(store, &claim, "engine", "step.proposed", body, &err));
	OK(append("step.verdict",
		  "{'step':'undo','attempt':1,'verdict':'allow','answers':[]}"));
	OK(append("step.intent", "{'step':'undo','attempt':1}"));
	OK(append("step.ended", "{'step':'undo','attempt':1,'state':'succeeded'}"));
	OK(append("run.state", "{'state':'rolling_back'}"));
}

static size_t
standing_of(const char *run)
{
	AUTO(json_ref) json_t *rows = store_standing(store, run, &err);

	return json_array_size(rows);
}

/* What the chain of a run ends with: its last event, of that kind. */
static json_t *
last_of(const char *run, const char *kind)
{
	AUTO(json_ref) json_t *event = store_last_event(store, run, kind, &err);

	ck_assert_ptr_nonnull(event);
	return json_incref(json_object_get(event, "body"));
}

static const char *
value_of(const char *run, const char *key)
{
	static char value[64];
	AUTO(json_ref) json_t *row = store_run(store, run, &err);

	snprintf(value, sizeof(value), "%s", json_text(row, key));
	return value;
}

START_TEST(only_what_stands_of_an_ended_run_is_rolled_back)
{
	char run[RUN_ID_SIZE], by[RUN_ID_SIZE];

	FAILS(queue_undo("20200101-000000-000000", by), "run_not_found");
	start_run();
	FAILS(queue_undo(claim.run, by), "rollback_not_applicable");
	OK(append("run.ended", "{'state':'succeeded'}"));
	FAILS(queue_undo(claim.run, by), "rollback_not_applicable");
	succeed(run);
	OK(store_may_undo(store, run, by, &err));
	OK(queue_undo(run, by));
	ck_assert_str_eq(value_of(by, "rolls_back"), run);
}
END_TEST

START_TEST(latest_change_of_a_service_goes_back_first)
{
	char first[RUN_ID_SIZE], second[RUN_ID_SIZE], by[RUN_ID_SIZE];

	succeed(first);
	succeed(second);
	FAILS(queue_undo(first, by), "rollback_conflict");
	ck_assert_ptr_nonnull(strstr(err.text, second));
	begin_undo(second);
	FAILS(queue_undo(first, by), "rollback_conflict");
	OK(append("unwind.files", "{'restored':['a']}"));
	OK(append("effect.undone", "{'effects':[2]}"));
	OK(append("run.ended", "{'state':'succeeded'}"));
	OK(queue_undo(first, by));
}
END_TEST

START_TEST(one_rollback_at_a_time_and_the_other_is_named)
{
	char run[RUN_ID_SIZE], first[RUN_ID_SIZE], by[RUN_ID_SIZE];

	succeed(run);
	OK(queue_undo(run, first));
	FAILS(queue_undo(run, by), "workflow_conflict");
	ck_assert_ptr_nonnull(strstr(err.text, first));
	FAILS(store_may_undo(store, run, by, &err), "workflow_conflict");
	ck_assert_str_eq(by, first);
	/* And whatever the code above believes. */
	ck_assert_int_ne(raw_sql("INSERT INTO runs (run, state, rolls_back, queued_ms,"
				 " priority, crashes, epoch, seq, head) SELECT 'x',"
				 " 'pending', rolls_back, 1, 0, 0, 0, 0, '' FROM runs"
				 " WHERE rolls_back IS NOT NULL"), 0);
	claim_run(first);
	OK(append("run.ended", "{'state':'cancelled'}"));
	OK(queue_undo(run, by));
}
END_TEST

START_TEST(rollback_has_what_stands_and_its_end_is_told_to_the_other)
{
	char run[RUN_ID_SIZE], by[RUN_ID_SIZE];

	succeed(run);
	begin_undo(run);
	ck_assert_uint_eq(standing_of(claim.run), 2);
	ck_assert_uint_eq(standing_of(run), 2);
	OK(append("unwind.files", "{'restored':['a']}"));
	OK(append("effect.undone", "{'effects':[2]}"));
	ck_assert_uint_eq(standing_of(claim.run), 0);
	ck_assert_uint_eq(standing_of(run), 2);
	OK(append("run.ended", "{'state':'succeeded'}"));
	ck_assert_uint_eq(standing_of(run), 0);
	ck_assert_str_eq(value_of(run, "state"), "succeeded");
	ck_assert_str_eq(value_of(run, "rolled_back_by"), claim.run);
	AUTO(json_ref) json_t *told = last_of(run, "run.undone");
	ck_assert_str_eq(json_text(told, "by"), claim.run);
	ck_assert_str_eq(json_text(told, "state"), "succeeded");
	ck_assert_uint_eq(json_array_size(json_object_get(told, "effects")), 2);
	FAILS(queue_undo(run, by), "rollback_not_applicable");
	ck_assert_ptr_nonnull(strstr(err.text, claim.run));
	FAILS(queue_undo(claim.run, by), "rollback_not_applicable");
	OK(store_verify(store, run, &err));
	OK(store_rebuild(store, &err));
	ck_assert_str_eq(value_of(run, "rolled_back_by"), claim.run);
	ck_assert_uint_eq(standing_of(run), 0);
}
END_TEST

START_TEST(what_a_failed_rollback_did_not_put_back_stands_of_the_other)
{
	char run[RUN_ID_SIZE], by[RUN_ID_SIZE], first[RUN_ID_SIZE];

	succeed(run);
	begin_undo(run);
	memcpy(first, claim.run, sizeof(first));
	OK(append("unwind.files", "{'restored':['a']}"));
	OK(append("run.ended", "{'state':'rollback_failed'}"));
	ck_assert_uint_eq(standing_of(first), 0);
	AUTO(json_ref) json_t *left = store_standing(store, run, &err);
	ck_assert_uint_eq(json_array_size(left), 1);
	ck_assert_str_eq(json_text(json_array_get(left, 0), "kind"), "image");
	ck_assert_str_eq(value_of(run, "rolled_back_by"), "");
	FAILS(queue_undo(first, by), "rollback_not_applicable");
	ck_assert_ptr_nonnull(strstr(err.remedy, run));
	begin_undo(run);
	OK(append("effect.undone", "{'effects':[2]}"));
	OK(append("run.ended", "{'state':'succeeded'}"));
	ck_assert_str_eq(value_of(run, "rolled_back_by"), claim.run);
	ck_assert_uint_eq(standing_of(run), 0);
	OK(store_rebuild(store, &err));
	ck_assert_uint_eq(standing_of(run), 0);
	ck_assert_uint_eq(standing_of(first), 0);
}
END_TEST

START_TEST(rollback_that_never_began_is_not_told)
{
	char run[RUN_ID_SIZE], by[RUN_ID_SIZE];

	succeed(run);
	int64_t events = raw_number("SELECT count(*) FROM events");
	OK(queue_undo(run, by));
	claim_run(by);
	OK(append("run.state", "{'state':'running'}"));
	OK(append("run.ended", "{'state':'denied'}"));
	ck_assert_int_eq(raw_number("SELECT count(*) FROM events"), events + 4);
	ck_assert_uint_eq(standing_of(run), 2);
}
END_TEST

START_TEST(only_a_rollback_ends_well_by_putting_back)
{
	start_run();
	OK(append("run.state", "{'state':'rolling_back'}"));
	FAILS(append("run.ended", "{'state':'succeeded'}"), "store.transition");
	/* Nor has any other run what it says it undoes. */
	start_run();
	OK(append("step.proposed",
		  "{'step':'patch','attempt':1,'sha256':'aa','proposal':{'undoes':"
		  "[{'n':1,'step':'x','attempt':1,'kind':'image','target':'t',"
		  "'body':{}}]}}"));
	OK(append("step.verdict",
		  "{'step':'patch','attempt':1,'verdict':'allow','answers':[]}"));
	OK(append("step.intent", "{'step':'patch','attempt':1}"));
	ck_assert_uint_eq(standing_of(claim.run), 0);
	FAILS(append("run.undone", "{'by':'x','state':'succeeded','effects':[1]}"),
	      "store.body");
}
END_TEST

START_TEST(run_that_is_retried_is_rolled_back_no_more)
{
	char run[RUN_ID_SIZE], by[RUN_ID_SIZE];

	/* Its work stands: what failed came behind it. */
	start_run();
	start_step();
	OK(append("step.ended", "{'step':'patch','attempt':1,'state':'succeeded'}"));
	OK(append("run.ended", "{'state':'failed'}"));
	memcpy(run, claim.run, sizeof(run));
	begin_undo(run);
	OK(append("unwind.files", "{'restored':['a']}"));
	OK(append("effect.undone", "{'effects':[2]}"));
	OK(append("run.ended", "{'state':'succeeded'}"));
	ck_assert_str_eq(value_of(run, "rolled_back_by"), claim.run);
	claim_run(run);
	OK(append("run.state", "{'state':'running'}"));
	OK(append("run.retried",
		  "{'from':'patch','by':'operator:ann','steps':['patch'],'round':1}"));
	ck_assert_str_eq(value_of(run, "rolled_back_by"), "");
	OK(append("step.proposed",
		  "{'step':'patch','attempt':2,'sha256':'aa','proposal':{'edits':"
		  "[{'path':'a','pre':'p','post':'q'}],'effects':[]}}"));
	OK(append("step.verdict",
		  "{'step':'patch','attempt':2,'verdict':'allow','answers':[]}"));
	OK(append("step.intent", "{'step':'patch','attempt':2}"));
	OK(append("step.ended", "{'step':'patch','attempt':2,'state':'succeeded'}"));
	OK(append("run.ended", "{'state':'succeeded'}"));
	OK(store_may_undo(store, run, by, &err));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		only_what_stands_of_an_ended_run_is_rolled_back,
		latest_change_of_a_service_goes_back_first,
		one_rollback_at_a_time_and_the_other_is_named,
		rollback_has_what_stands_and_its_end_is_told_to_the_other,
		what_a_failed_rollback_did_not_put_back_stands_of_the_other,
		rollback_that_never_began_is_not_told,
		only_a_rollback_ends_well_by_putting_back,
		run_that_is_retried_is_rolled_back_no_more,
	};
	Suite *suite = suite_create("store-undone");

	kit_case(suite, "undone", tests, ARRAY_LEN(tests));
	return unit_run(suite);
}
