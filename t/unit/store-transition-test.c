/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What may follow what: states of runs, kinds of events, steps and attempts. */
#include "store-kit.h"

enum { PENDING, RUNNING, AWAITING, ROLLING_BACK, FIRST_END };

/*
 * From each state (a row) to each (a column, in the same order): `x` may be, `o`
 * only for one who claimed the run after its end.
 */
static const struct {
	const char *state, *to;
} moves[] = {
	{ "pending",		".x.x.x.xxxx" },
	{ "running",		".xxxxx.xxxx" },
	{ "awaiting_approval",	".xxx.x.xxx." },
	{ "rolling_back",	"...x.xxxxx." },
	{ "succeeded",		"..........." },
	{ "failed",		".o........." },
	{ "rolled_back",	".o........." },
	{ "rollback_failed",	"...o......." },
	{ "denied",		".o........." },
	{ "cancelled",		".o........." },
	{ "no_work",		"..........." },
};

static int
move(size_t to)
{
	AUTO_FREE char *text = x_asprintf("{'state':'%s'}", moves[to].state);
	return append(to >= FIRST_END ? "run.ended" : "run.state", text);
}

/* A new run in that state. */
static void
bring_to(size_t state)
{
	begin_run();
	if (state == PENDING)
		return;
	OK(move(RUNNING));
	if (state == RUNNING)
		return;
	bool is_after_rollback = str_eq(moves[state].state, "rolled_back");
	if (is_after_rollback)
		OK(move(ROLLING_BACK));
	OK(move(state));
}

START_TEST(run_moves_between_states_as_the_table_says)
{
	for (size_t from = 0; from < ARRAY_LEN(moves); from++) {
		for (size_t to = 0; to < ARRAY_LEN(moves); to++) {
			bring_to(from);
			char may = moves[from].to[to];
			int rc = move(to);
			ck_assert_msg((rc == 0) == (may == 'x'), "%s -> %s: %s",
				      moves[from].state, moves[to].state, err.text);
			if (rc < 0)
				ck_assert_str_eq(err.code, "store.transition");
			ck_assert_str_eq(run_value("state"),
					 moves[rc == 0 ? to : from].state);
		}
	}
}
END_TEST

START_TEST(run_claimed_after_its_end_rolls_back_or_is_retried)
{
	for (size_t from = FIRST_END; from < ARRAY_LEN(moves); from++) {
		for (size_t to = 0; to < ARRAY_LEN(moves); to++) {
			bring_to(from);
			claim_run(claim.run);
			char may = moves[from].to[to];
			int rc = move(to);
			ck_assert_msg((rc == 0) == (may == 'o'), "%s -> %s: %s",
				      moves[from].state, moves[to].state, err.text);
		}
	}
}
END_TEST

START_TEST(run_rolled_back_by_its_operator_ends_again)
{
	start_run();
	start_step();
	OK(append("step.ended", "{'step':'patch','attempt':1,'state':'failed'}"));
	OK(append("run.state", "{'state':'rolling_back'}"));
	OK(append("run.ended", "{'state':'rollback_failed','message':'bad'}"));
	FAILS(append("run.state", "{'state':'rolling_back'}"), "store.transition");

	claim_run(claim.run);
	OK(append("run.state", "{'state':'rolling_back','code':'ordered'}"));
	OK(append("unwind.files", "{'restored':['a']}"));
	OK(append("effect.undone", "{'effects':[2]}"));
	OK(append("run.ended", "{'state':'rolled_back'}"));
	FAILS(append("run.state", "{'state':'rolling_back'}"), "store.transition");
	claim_run(claim.run);
	FAILS(append("run.state", "{'state':'rolling_back'}"), "store.transition");
	OK(store_verify(store, claim.run, &err));
}
END_TEST

START_TEST(word_that_is_no_state_is_refused)
{
	start_run();
	FAILS(append("run.state", "{'state':'fine'}"), "store.transition");
	FAILS(append("run.state", "{'state':'succeeded'}"), "store.transition");
	FAILS(append("run.ended", "{'state':'running'}"), "store.transition");
	FAILS(append("run.ended", "{'state':''}"), "store.transition");
}
END_TEST

/* One good body of each kind, and the phases it may happen in: pending, running,
   awaiting, rolling back, ended. */
static const struct {
	const char *kind, *body, *phases;
} kinds[] = {
	{ "step.proposed", "{'step':'x','attempt':1,'proposal':{},'sha256':'s'}",
	  "xxxx." },
	{ "step.verdict", "{'step':'patch','attempt':1,'verdict':'deny','answers':[]}",
	  "xxxx." },
	{ "step.intent", "{'step':'patch','attempt':1}", ".x.x." },
	{ "step.ended", "{'step':'patch','attempt':1,'state':'failed'}", "xxxx." },
	{ "step.skipped", "{'step':'x'}", "xxxx." },
	{ "step.note", "{'step':'x','level':'info','text':'t'}", "xxxxx" },
	{ "step.finding", "{'step':'x','rule':'r','confidence':9,'title':'t'}",
	  "xxxxx" },
	{ "artifact.added", "{'name':'n','path':'n','bytes':1,'sha256':'s'}", "xxxxx" },
	{ "artifact.missing", "{'name':'n','message':'m'}", "xxxxx" },
	{ "run.round", "{'round':2,'earlier':{}}", ".x..." },
	{ "run.retried", "{'from':'x','by':'b','steps':[],'round':1}", ".x..." },
	{ "run.renewed", "{'changed':[],'rules':{}}", "xxxxx" },
	{ "run.unlocked", "{'name':'x'}", "xxxxx" },
	{ "unwind.files", "{'restored':[]}", ".x.x." },
	{ "effect.undone", "{'effects':[]}", ".x.x." },
};

START_TEST(kind_of_event_happens_in_its_phases_only)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		for (size_t phase = PENDING; phase <= FIRST_END; phase++) {
			begin_run();
			judge_step("allow");
			if (phase != PENDING)
				OK(move(RUNNING));
			if (phase > RUNNING)
				OK(move(phase));
			bool may = kinds[i].phases[phase] == 'x';
			int rc = append(kinds[i].kind, kinds[i].body);
			ck_assert_msg((rc == 0) == may, "%s while %s: %s",
				      kinds[i].kind, moves[phase].state, err.text);
			if (rc < 0)
				ck_assert_str_eq(err.code, "store.transition");
		}
	}
}
END_TEST

static const struct {
	const char *kind, *body;
} bad_bodies[] = {
	{ "run.state", "{}" },
	{ "run.state", "{'state':null}" },
	{ "run.state", "{'state':1}" },
	{ "run.state", "{'state':'rolling_back','code':1}" },
	{ "run.state", "['state']" },
	{ "run.planned", "{'plan':'text','sha256':'s'}" },
	{ "step.proposed", "{'step':'x','attempt':'1','proposal':{},'sha256':'s'}" },
	{ "step.proposed", "{'step':'x','attempt':1,'proposal':[],'sha256':'s'}" },
	{ "step.verdict",
	  "{'step':'patch','attempt':1,'verdict':'allow','answers':{}}" },
	{ "step.ended", "{'step':'x','attempt':1,'state':'failed','outputs':[]}" },
	{ "step.ended", "{'step':'x','attempt':1,'state':'failed','duration_ms':1.5}" },
	{ "step.note", "{'step':'x','level':'info'}" },
	{ "artifact.added", "{'name':'n','path':'n','bytes':'1','sha256':'s'}" },
	{ "unwind.files", "{'restored':'a'}" },
	{ "run.queued", "{}" },
	{ "run.claimed", "{'owner':'me','epoch':9}" },
	{ "run.locked", "{'name':'x','ticket':1}" },
	{ "run.waiting", "{'name':'x','ticket':1}" },
	{ "run.exploded", "{}" },
	{ "", "{}" },
};

START_TEST(body_of_the_wrong_shape_is_refused)
{
	start_run();
	FAILS(append(bad_bodies[_i].kind, bad_bodies[_i].body), "store.body");
	ck_assert_str_eq(run_value("state"), "running");
}
END_TEST

START_TEST(plan_is_stored_once_and_only_under_its_hash)
{
	begin_run();
	FAILS(append("run.planned", "{'plan':{'a':1},'sha256':'aa'}"),
	      "store.transition");
	AUTO(json_ref) json_t *plan = object("{'a':1}");
	char sha256[65];
	json_sha256(plan, sha256);
	AUTO_FREE char *text = x_asprintf("{'plan':{'a':1},'sha256':'%s'}", sha256);
	OK(append("run.planned", text));
	FAILS(append("run.planned", text), "store.transition");
	ck_assert_int_eq(raw_sql("UPDATE events SET body = '{}'"
				 " WHERE kind = 'run.planned'"), -1);
}
END_TEST

/* ---- steps ---- */

START_TEST(intent_needs_a_verdict_that_allows)
{
	start_run();
	FAILS(append("step.intent", "{'step':'patch','attempt':1}"),
	      "store.transition");
	judge_step("hold");
	FAILS(append("step.intent", "{'step':'patch','attempt':1}"),
	      "store.transition");
	ck_assert_ptr_nonnull(strstr(err.text, "hold"));
	OK(append("step.verdict",
		  "{'step':'patch','attempt':1,'verdict':'deny','answers':[]}"));
	FAILS(append("step.intent", "{'step':'patch','attempt':1}"),
	      "store.transition");
	FAILS(append("step.verdict", "{'step':'patch','attempt':1,'verdict':'yes',"
				     "'answers':[]}"), "store.transition");
	OK(append("step.verdict", "{'step':'patch','attempt':1,'verdict':'allow',"
				  "'answers':[]}"));
	FAILS(append("step.intent", "{'step':'patch','attempt':2}"),
	      "store.transition");
	FAILS(append("step.intent", "{'step':'build','attempt':1}"),
	      "store.transition");
	OK(append("step.intent", "{'step':'patch','attempt':1}"));
	FAILS(append("step.intent", "{'step':'patch','attempt':1}"),
	      "store.transition");
}
END_TEST

START_TEST(verdict_needs_a_proposal)
{
	start_run();
	FAILS(append("step.verdict", "{'step':'patch','attempt':1,'verdict':'allow',"
				     "'answers':[]}"), "store.transition");
}
END_TEST

START_TEST(new_proposal_voids_the_verdict_on_the_old_one)
{
	start_run();
	judge_step("allow");
	OK(append("step.proposed", "{'step':'patch','attempt':1,'proposal':{'edits':["
				   "{'path':'evil'}]},'sha256':'bb'}"));
	FAILS(append("step.intent", "{'step':'patch','attempt':1}"),
	      "store.transition");
}
END_TEST

START_TEST(verdict_and_proposal_stay_once_the_attempt_has_begun)
{
	start_run();
	start_step();
	FAILS(append("step.verdict", "{'step':'patch','attempt':1,'verdict':'deny',"
				     "'answers':[]}"), "store.transition");
	FAILS(append("step.proposed", "{'step':'patch','attempt':1,'proposal':{},"
				      "'sha256':'s'}"), "store.transition");
	FAILS(append("step.proposed", "{'step':'patch','attempt':2,'proposal':{},"
				      "'sha256':'s'}"), "store.transition");
}
END_TEST

START_TEST(step_ends_once)
{
	start_run();
	start_step();
	FAILS(append("step.skipped", "{'step':'patch'}"), "store.transition");
	FAILS(append("step.ended", "{'step':'patch','attempt':1,'state':'skipped'}"),
	      "store.transition");
	FAILS(append("step.ended", "{'step':'patch','attempt':2,'state':'failed'}"),
	      "store.transition");
	OK(append("step.ended", "{'step':'patch','attempt':1,'state':'succeeded'}"));
	FAILS(append("step.ended", "{'step':'patch','attempt':1,'state':'failed'}"),
	      "store.transition");
	FAILS(append("step.skipped", "{'step':'patch'}"), "store.transition");
	FAILS(append("step.proposed", "{'step':'patch','attempt':1,'proposal':{},"
				      "'sha256':'s'}"), "store.transition");
	OK(append("step.proposed",
		  "{'step':'patch','attempt':2,'proposal':{},'sha256':'s'}"));
	FAILS(append("step.ended", "{'step':'patch','attempt':1,'state':'failed'}"),
	      "store.transition");
}
END_TEST

START_TEST(step_that_proposed_nothing_may_end)
{
	start_run();
	FAILS(append("step.ended", "{'step':'a','attempt':0,'state':'failed'}"),
	      "store.transition");
	OK(append("step.ended", "{'step':'a','attempt':1,'state':'failed'}"));
	OK(append("step.skipped", "{'step':'b'}"));
	OK(append("step.skipped", "{'step':'b'}"));
}
END_TEST

START_TEST(end_of_the_run_closes_what_is_open)
{
	start_run();
	start_step();
	OK(append("step.proposed",
		  "{'step':'b','attempt':1,'proposal':{},'sha256':'s'}"));
	OK(append("run.ended", "{'state':'failed'}"));
	AUTO(json_ref) json_t *steps = store_steps(store, claim.run, &err);
	ck_assert_str_eq(json_text(json_array_get(steps, 0), "state"), "interrupted");
	ck_assert_str_eq(json_text(json_array_get(steps, 1), "state"), "cancelled");
	ck_assert_int_eq(
		raw_number("SELECT count(*) FROM attempts WHERE ended_ms IS NULL"), 0);
}
END_TEST

/* Behind the store's back, by a connection without foreign keys. */
static const char *const forbidden[] = {
	"INSERT INTO attempts (run, step, attempt, verdict, started_ms)"
	" SELECT run, 'none', 1, 'allow', 1 FROM runs",
	"INSERT INTO attempts (run, step, attempt, verdict, started_ms)"
	" SELECT run, 'held', 1, 'allow', 1 FROM runs",
	"INSERT INTO attempts (run, step, attempt, verdict, started_ms)"
	" SELECT run, 'held', 1, 'hold', 1 FROM runs",
	"INSERT INTO attempts (run, step, attempt, verdict, started_ms)"
	" SELECT run, 'held', 1, NULL, 1 FROM runs",
	"INSERT INTO events (run, seq, time_ms, kind, actor, body, prev, hash)"
	" SELECT run, seq + 1, 1, 'step.intent', 'engine',"
	" '{\"step\":\"held\",\"attempt\":1}', head, 'x' FROM runs",
	"UPDATE verdicts SET verdict = 'deny' WHERE step = 'patch'",
	"UPDATE attempts SET verdict = 'deny'",
	"UPDATE attempts SET step = 'held'",
	"DELETE FROM verdicts WHERE step = 'patch'",
	"DELETE FROM events WHERE seq = 1",
	"UPDATE events SET body = '{}' WHERE seq = 2",
	"PRAGMA foreign_keys = ON; INSERT INTO attempts (run, step, attempt, verdict,"
	" started_ms) SELECT run, 'none', 1, 'allow', 1 FROM runs",
	"PRAGMA foreign_keys = ON; DROP TRIGGER attempts_need_verdict;"
	" INSERT INTO attempts (run, step, attempt, verdict, started_ms)"
	" SELECT run, 'held', 1, 'allow', 1 FROM runs",
};

START_TEST(not_even_raw_sql_starts_what_was_not_allowed)
{
	start_run();
	OK(append("step.proposed",
		  "{'step':'held','attempt':1,'proposal':{},'sha256':'s'}"));
	OK(append("step.verdict",
		  "{'step':'held','attempt':1,'verdict':'hold','answers':[]}"));
	start_step();
	ck_assert_msg(raw_sql(forbidden[_i]) == -1, "%s", forbidden[_i]);
	ck_assert_int_eq(raw_number("SELECT count(*) FROM attempts"), 1);
}
END_TEST

int
main(void)
{
	const TTest *const runs[] = {
		run_moves_between_states_as_the_table_says,
		run_claimed_after_its_end_rolls_back_or_is_retried,
		run_rolled_back_by_its_operator_ends_again,
		word_that_is_no_state_is_refused,
		kind_of_event_happens_in_its_phases_only,
		plan_is_stored_once_and_only_under_its_hash,
	}, *const steps[] = {
		intent_needs_a_verdict_that_allows, verdict_needs_a_proposal,
		new_proposal_voids_the_verdict_on_the_old_one,
		verdict_and_proposal_stay_once_the_attempt_has_begun, step_ends_once,
		step_that_proposed_nothing_may_end, end_of_the_run_closes_what_is_open,
	};
	Suite *suite = suite_create("store-transition");
	TCase *tcase = kit_case(suite, "runs", runs, ARRAY_LEN(runs));
	tcase_add_loop_test(tcase, body_of_the_wrong_shape_is_refused, 0,
			    ARRAY_LEN(bad_bodies));
	tcase = kit_case(suite, "steps", steps, ARRAY_LEN(steps));
	tcase_add_loop_test(tcase, not_even_raw_sql_starts_what_was_not_allowed, 0,
			    ARRAY_LEN(forbidden));
	return unit_run(suite);
}
