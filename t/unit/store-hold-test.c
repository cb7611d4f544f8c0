/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Holds and approvals: what may follow what, and what SQL alone forbids. */
#include "store-kit.h"

#include "base/clock.h"

#define FAR 99999999999999

/* A run whose step `patch` waits for people. */
static void
open_hold(const char *needs, int64_t expires_ms)
{
	start_run();
	judge_step("hold");
	AUTO_FREE char *text = x_asprintf(
		"{'step':'patch','attempt':1,'digest':'d1','requesters':['ann'],"
		"'needs':%s,'expires_ms':%lld}",
		needs, (long long)expires_ms);
	OK(append("hold.opened", text));
	text = (free(text), x_asprintf("{'state':'awaiting_approval','due_ms':%lld}",
				       (long long)expires_ms));
	OK(append("run.state", text));
}

#define TWO "[{'policy':'p','roles':['sre'],'quorum':2,'self_approval':false}]"
#define ONE "[{'policy':'p','roles':['sre'],'quorum':1,'self_approval':false}]"

static int
answer(const char *kind, const char *by, const char *more)
{
	AUTO_FREE char *text =
		x_asprintf("{'step':'patch','attempt':1,'digest':'d1','by':'%s',%s}",
			   by, more);
	AUTO(json_ref) json_t *body = object(text);

	return store_answer(store, claim.run, "person", kind, body, &err);
}

static int
approve(const char *by)
{
	return answer("hold.approved", by, "'roles':['sre','x']");
}

static int
consume(void)
{
	OK(append("run.state", "{'state':'running'}"));
	return append("hold.consumed",
		      "{'step':'patch','attempt':1,'digest':'d1','by':[]}");
}

static int
start(void)
{
	OK(append("step.verdict",
		  "{'step':'patch','attempt':1,'verdict':'allow','answers':[]}"));
	return append("step.intent", "{'step':'patch','attempt':1}");
}

START_TEST(held_step_starts_when_its_quorum_was_used)
{
	open_hold(TWO, FAR);
	OK(approve("bob"));
	OK(approve("eve"));
	OK(consume());
	OK(start());
	FAILS(append("hold.consumed",
		     "{'step':'patch','attempt':1,'digest':'d1','by':[]}"),
	      "store.transition");
	OK(store_verify(store, claim.run, &err));
	OK(store_rebuild(store, &err));
	ck_assert_int_eq(raw_number("SELECT count(*) FROM approvals"), 2);
}
END_TEST

START_TEST(held_step_never_starts_without)
{
	open_hold(ONE, FAR);
	OK(approve("bob"));
	OK(append("run.state", "{'state':'running'}"));
	ck_assert_int_eq(start(), -1);
	ck_assert_msg(strstr(err.text, "hold") != NULL, "%s", err.text);
}
END_TEST

START_TEST(one_person_of_two_is_not_enough)
{
	open_hold(TWO, FAR);
	OK(approve("bob"));
	ck_assert_int_eq(consume(), -1);
}
END_TEST

START_TEST(a_person_counts_once)
{
	open_hold(TWO, FAR);
	OK(approve("bob"));
	FAILS(approve("bob"), "store.transition");
	ck_assert_int_eq(consume(), -1);
}
END_TEST

START_TEST(who_asked_does_not_count)
{
	open_hold(ONE, FAR);
	OK(approve("ann"));
	ck_assert_int_eq(consume(), -1);
}
END_TEST

START_TEST(who_asked_counts_where_that_was_agreed_to)
{
	open_hold("[{'policy':'p','roles':[],'quorum':1,'self_approval':true}]", FAR);
	OK(approve("ann"));
	OK(consume());
}
END_TEST

START_TEST(another_role_does_not_count)
{
	open_hold(ONE, FAR);
	OK(answer("hold.approved", "bob", "'roles':['cook']"));
	ck_assert_int_eq(consume(), -1);
}
END_TEST

START_TEST(every_need_counts)
{
	open_hold("[{'policy':'p','roles':['sre'],'quorum':1,'self_approval':false},"
		  "{'policy':'q','roles':['boss'],'quorum':1,'self_approval':false}]",
		  FAR);
	OK(approve("bob"));
	ck_assert_int_eq(consume(), -1);
}
END_TEST

START_TEST(not_even_raw_sql_uses_a_hold)
{
	open_hold(ONE, FAR);
	ck_assert_int_eq(raw_sql("UPDATE holds SET state = 'consumed'"), -1);
	OK(approve("bob"));
	ck_assert_int_eq(raw_sql("UPDATE holds SET state = 'consumed'"), -1);
	OK(consume());
	ck_assert_int_eq(raw_number("SELECT count(*) FROM holds"
				    " WHERE state = 'consumed'"), 1);
}
END_TEST

START_TEST(time_is_up_in_sql_too)
{
	open_hold(ONE, clock_wall_ms() - 1);
	OK(approve("bob"));
	ck_assert_int_eq(consume(), -1);
}
END_TEST

START_TEST(hold_that_is_over_takes_no_answer)
{
	static const char *const ends[] = { "hold.expired", "hold.voided" };

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		open_hold(ONE, FAR);
		OK(append(ends[i], "{'step':'patch','attempt':1,'digest':'d1',"
				   "'why':'x'}"));
		FAILS(approve("bob"), "store.transition");
	}
	open_hold(ONE, FAR);
	OK(answer("hold.rejected", "bob", "'reason':'no'"));
	FAILS(approve("eve"), "store.transition");
	ck_assert_int_eq(consume(), -1);
	open_hold(ONE, FAR);
	OK(append("run.ended", "{'state':'cancelled'}"));
	FAILS(approve("bob"), "store.transition");
}
END_TEST

START_TEST(answer_to_another_digest_is_none)
{
	open_hold(ONE, FAR);
	AUTO(json_ref)
	json_t *body = object("{'step':'patch','attempt':1,'digest':'d2','by':'bob',"
			      "'roles':[]}");
	FAILS(store_answer(store, claim.run, "bob", "hold.approved", body, &err),
	      "store.transition");
}
END_TEST

START_TEST(only_answers_need_no_claim)
{
	open_hold(ONE, FAR);
	AUTO(json_ref) json_t *body = object("{'state':'cancelled'}");
	FAILS(store_answer(store, claim.run, "bob", "run.ended", body, &err),
	      "store.body");
}
END_TEST

START_TEST(last_approval_makes_the_run_due)
{
	open_hold(ONE, FAR);
	OK(answer("hold.approved", "bob", "'roles':['sre'],'full':true"));
	AUTO(json_ref) json_t *due = store_due(store, clock_wall_ms(), &err);
	ck_assert_uint_eq(json_array_size(due), 1);
}
END_TEST

START_TEST(approvals_of_a_hold_before_do_not_count)
{
	open_hold(ONE, FAR);
	OK(approve("bob"));
	OK(append("hold.voided", "{'step':'patch','attempt':1,'digest':'d1',"
				 "'why':'x'}"));
	OK(append("hold.opened",
		  "{'step':'patch','attempt':1,'digest':'d1','requesters':[],"
		  "'needs':" ONE ",'expires_ms':99999999999999}"));
	ck_assert_int_eq(consume(), -1);
}
END_TEST

START_TEST(time_never_goes_back)
{
	start_run();
	OK(tamper("UPDATE events SET time_ms = 88888888888888 WHERE id ="
		  " (SELECT max(id) FROM events)"));
	ck_assert_int_eq(store_now(store), 88888888888888);
}
END_TEST

START_TEST(what_was_too_late_once_stays_so)
{
	start_run();
	int64_t seq = raw_number("SELECT max(seq) FROM events");
	OK(append("step.note", "{'step':'patch','level':'info','text':'late'}"));
	OK(append("step.note", "{'step':'patch','level':'info','text':'set back'}"));
	OK(tamper("UPDATE events SET time_ms = 88888888888888"
		  " WHERE body LIKE '%\"late\"%'"));
	ck_assert_int_eq(store_latest(store, claim.run, seq), 88888888888888);
	ck_assert_int_lt(store_latest(store, claim.run, seq + 2), 88888888888888);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		held_step_starts_when_its_quorum_was_used,
		held_step_never_starts_without,
		one_person_of_two_is_not_enough,
		a_person_counts_once,
		who_asked_does_not_count,
		who_asked_counts_where_that_was_agreed_to,
		another_role_does_not_count,
		every_need_counts,
		not_even_raw_sql_uses_a_hold, time_is_up_in_sql_too,
		hold_that_is_over_takes_no_answer,
		answer_to_another_digest_is_none,
		only_answers_need_no_claim,
		last_approval_makes_the_run_due,
		approvals_of_a_hold_before_do_not_count,
		time_never_goes_back,
		what_was_too_late_once_stays_so,
	};
	Suite *suite = suite_create("store-hold");

	kit_case(suite, "holds", tests, ARRAY_LEN(tests));
	return unit_run(suite);
}
