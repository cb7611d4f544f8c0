/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs that wait: what is known of them meanwhile, and how they go on. */
#include "store-kit.h"

#include "base/clock.h"

/* A run that sleeps until due_ms. */
static void
sleep_until(int64_t due_ms)
{
	start_run();
	AUTO_FREE char *text = x_asprintf("{'state':'pending','due_ms':%lld,"
					  "'step':'build','tries':2}",
					  (long long)due_ms);
	OK(append("run.state", text));
}

static size_t
count(json_t *rows)
{
	ck_assert_msg(rows != NULL, "%s", err.text);
	size_t n = json_array_size(rows);
	json_decref(rows);
	return n;
}

START_TEST(sleeping_run_is_due_at_its_time)
{
	sleep_until(5000);
	ck_assert_uint_eq(count(store_due(store, 4999, &err)), 0);
	ck_assert_uint_eq(count(store_due(store, 5000, &err)), 1);
	ck_assert_str_eq(run_value("state"), "pending");

	OK(append("run.state", "{'state':'running','step':'build'}"));
	ck_assert_uint_eq(count(store_due(store, 6000, &err)), 0);
}
END_TEST

START_TEST(run_that_ends_is_not_due)
{
	sleep_until(5000);
	OK(append("run.ended", "{'state':'cancelled'}"));
	ck_assert_uint_eq(count(store_due(store, 6000, &err)), 0);
}
END_TEST

START_TEST(sleeping_run_is_not_unfinished)
{
	sleep_until(5000);
	ck_assert_uint_eq(count(store_unfinished(store, &err)), 0);
	OK(append("run.state", "{'state':'running'}"));
	ck_assert_uint_eq(count(store_unfinished(store, &err)), 1);
}
END_TEST

START_TEST(nobody_sleeps_for_ever)
{
	start_run();
	FAILS(append("run.state", "{'state':'pending'}"), "store.transition");
	ck_assert_str_eq(run_value("state"), "running");
}
END_TEST

START_TEST(sleeping_run_keeps_its_lock_unless_it_gave_it_away)
{
	char holder[RUN_ID_SIZE] = "", sleeper[RUN_ID_SIZE];

	start_run();
	snprintf(sleeper, sizeof(sleeper), "%s", claim.run);
	struct store_claim asleep = claim;
	ck_assert_int_eq(store_lock(store, &claim, "api", holder, &err), 1);
	OK(append("run.state", "{'state':'pending','due_ms':5}"));
	close(lock_fd);
	lock_fd = -1;

	start_run();
	ck_assert_int_eq(store_lock(store, &claim, "api", holder, &err), 0);
	ck_assert_str_eq(holder, sleeper);

	AUTO(json_ref) json_t *body = object("{'name':'api'}");
	OK(store_append(store, &asleep, "engine", "run.unlocked", body, &err));
	ck_assert_int_eq(store_lock(store, &claim, "api", holder, &err), 1);
}
END_TEST

START_TEST(latest_event_of_a_kind_is_found)
{
	start_run();
	OK(append("run.round", "{'round':2,'earlier':{'a':{'x':1}}}"));
	OK(append("run.round", "{'round':3,'earlier':{}}"));
	AUTO(json_ref)
	json_t *last = store_last_event(store, claim.run, "run.round", &err);
	ck_assert_int_eq(json_int_or(json_object_get(last, "body"), "round", 0), 3);
	AUTO(json_ref)
	json_t *none = store_last_event(store, claim.run, "run.retried", &err);
	ck_assert(json_is_null(none));
}
END_TEST

/* The row of a step, as text. */
static const char *
step_value(const char *step, const char *key)
{
	static char value[100];
	AUTO(json_ref) json_t *steps = store_steps(store, claim.run, &err);
	const json_t *row;
	size_t i;

	json_array_foreach (steps, i, row)
		if (str_eq(json_text(row, "step"), step))
			snprintf(value, sizeof(value), "%s", json_text(row, key));
	return value;
}

START_TEST(retried_step_is_as_good_as_not_begun_and_counts_on)
{
	start_run();
	start_step();
	OK(append("step.ended", "{'step':'patch','attempt':1,'state':'failed',"
				"'message':'no','masked':true}"));
	OK(append("step.skipped", "{'step':'undo','section':'on_failure'}"));
	OK(append("unwind.files", "{'restored':['a']}"));
	OK(append("run.state", "{'state':'rolling_back'}"));
	OK(append("effect.undone", "{'effects':[2]}"));
	OK(append("run.ended", "{'state':'rolled_back'}"));
	ck_assert_uint_eq(count(store_undone(store, claim.run, &err)), 2);
	FAILS(append("run.state", "{'state':'running'}"), "store.transition");

	claim_run(claim.run);
	OK(append("run.state", "{'state':'running','step':'patch'}"));
	OK(append("run.retried", "{'from':'patch','by':'me','steps':['patch','undo'],"
				 "'round':1}"));
	ck_assert_str_eq(step_value("patch", "state"), "pending");
	ck_assert_str_eq(step_value("patch", "message"), "");
	ck_assert_str_eq(step_value("undo", "state"), "skipped");
	OK(append("step.skipped", "{'step':'patch'}"));
	OK(append("step.proposed", "{'step':'patch','attempt':2,'sha256':'aa',"
				   "'proposal':{}}"));
	OK(append("step.verdict",
		  "{'step':'patch','attempt':2,'verdict':'allow','answers':[]}"));
	OK(append("step.intent", "{'step':'patch','attempt':2,'section':'steps'}"));
	OK(append("step.ended", "{'step':'patch','attempt':2,'state':'succeeded'}"));
	OK(append("run.ended", "{'state':'succeeded'}"));
	OK(store_verify(store, claim.run, &err));
	OK(store_rebuild(store, &err));
	ck_assert_str_eq(step_value("patch", "state"), "succeeded");
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		sleeping_run_is_due_at_its_time,
		run_that_ends_is_not_due,
		sleeping_run_is_not_unfinished,
		nobody_sleeps_for_ever,
		sleeping_run_keeps_its_lock_unless_it_gave_it_away,
		latest_event_of_a_kind_is_found,
		retried_step_is_as_good_as_not_begun_and_counts_on,
	};
	Suite *suite = suite_create("store-wait");

	kit_case(suite, "waiting", tests, ARRAY_LEN(tests));
	return unit_run(suite);
}
