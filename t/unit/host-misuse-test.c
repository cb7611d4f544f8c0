/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Modules that misbehave: they fail, and nobody else is harmed. */
#include "base/base.h"

#include <sys/wait.h>

#include <fettle/plugin.h>

#include "ask.h"
#include "unit.h"

/* ---- modules that misbehave in ask_run() ----------------------------------- */

static const char *const DYING[] = { "test/crash", "test/exit0", "test/rawexit0" };

START_TEST(module_that_dies_gives_no_result)
{
	AUTO(answer) struct answer answer = ask_run(DYING[_i]);

	ck_assert(ask_died(&answer));
}
END_TEST

START_TEST(crash_is_told_by_the_exit_status)
{
	AUTO(answer) struct answer answer = ask_run("test/crash");

	/* A sanitizer turns the signal into an exit of its own. */
	ck_assert(WIFEXITED(answer.status) && WEXITSTATUS(answer.status) != 0);
	ck_assert_str_eq(json_text(answer_event(&answer, "note", 0), "text"),
			 "about to crash");
}
END_TEST

START_TEST(module_that_hangs_is_killed_with_its_host)
{
	AUTO(answer)
	struct answer answer = ask(&(struct question){
		.call = "run",
		.modules = { "test/hang" },
		.term_after_ms = 100,
		.kill_after_ms = 300,
		.flags = _i ? ASK_WITHOUT_NAMESPACES : 0,
	});

	ck_assert(WIFSIGNALED(answer.status));
	ck_assert(ask_died(&answer));
}
END_TEST

START_TEST(unknown_result_is_a_bug)
{
	AUTO(answer) struct answer answer = ask_run("test/wrongenum");

	ck_assert_str_eq(answer_result(&answer), "error");
	ck_assert_str_eq(json_text(answer_event(&answer, "result", 0), "why"), "bug");
	ck_assert_str_eq(answer_code(&answer), "plugin.bug");
}
END_TEST

START_TEST(daemons_are_dead_when_the_host_has_ended)
{
	AUTO(answer)
	struct answer answer =
		ask(&(struct question){ .call = "run",
					.modules = { "test/forker" },
					.flags = _i ? ASK_WITHOUT_NAMESPACES : 0 });

	ck_assert_str_eq(answer_result(&answer), "ok");
	ck_assert_uint_eq(ask_survivors(answer.attempt), 0);
	if (_i)
		ck_assert_str_eq(answer_level(&answer), "basic");
}
END_TEST

START_TEST(grandchild_that_holds_the_pipe_delays_nobody)
{
	AUTO(answer)
	struct answer answer =
		ask(&(struct question){ .call = "run",
					.modules = { "test/holdpipe" },
					.flags = _i ? ASK_WITHOUT_NAMESPACES : 0 });

	ck_assert_str_eq(answer_result(&answer), "ok");
	ck_assert_str_eq(answer_output(&answer, "text"), "out\n");
	ck_assert_int_lt(answer.took_ms, 10000);
	ck_assert_uint_eq(ask_survivors(answer.attempt), 0);
}
END_TEST

START_TEST(flood_of_output_passes)
{
	AUTO(answer) struct answer answer = ask_run("test/flood");

	ck_assert_str_eq(answer_result(&answer), "ok");
	ck_assert_uint_ge(answer.log_bytes, 100u << 20);
	ck_assert_str_eq(answer_output(&answer, "text"), "0 16777216");
	ck_assert_uint_eq(answer_count(&answer, "note"), 1);
}
END_TEST

START_TEST(rubbish_on_the_channel_is_no_event)
{
	AUTO(answer) struct answer answer = ask_run("test/garbage");

	ck_assert_uint_eq(answer.garbage_count, 4);
	ck_assert_str_eq(answer_result(&answer), "ok");
	ck_assert_uint_eq(answer_count(&answer, "result"), 1);
}
END_TEST

START_TEST(module_cannot_kill_its_supervisor)
{
	AUTO(answer) struct answer answer = ask_run("test/killer");

	if (str_eq(answer_level(&answer), "tree"))
		ck_assert_str_eq(answer_result(&answer), "ok");
	ck_assert_uint_eq(ask_survivors(answer.attempt), 0);
}
END_TEST

START_TEST(fork_bomb_is_ended)
{
	AUTO(json_ref) json_t *params = json_pack("{s:s}", "sin", "bomb_forks");
	AUTO(answer)
	struct answer answer =
		ask(&(struct question){ .call = "run",
					.modules = { "test/bomb" },
					.params = params,
					.kill_after_ms = 30000,
					.flags = _i ? ASK_WITHOUT_NAMESPACES : 0 });

	ck_assert_str_eq(answer_code(&answer), "process_limit");
	ck_assert_uint_eq(ask_survivors(answer.attempt), 0);
	ck_assert_int_lt(answer.took_ms, 30000);
	if (_i)
		ck_assert_str_eq(answer_level(&answer), "basic");
}
END_TEST

static const char *const SINS[] = {
	"unknown_param",     "wrong_type",   "wrong_index", "edit_in_run",
	"undeclared_output", "wrong_output", "bad_json",    "judge_in_step",
	"no_program",	     "no_size",	     "no_command",  "observed_in_run",
};

START_TEST(misuse_of_the_sdk_ends_the_attempt_as_a_bug)
{
	AUTO(json_ref) json_t *facts = json_pack("{s:s}", "sin", SINS[_i]);
	AUTO(json_ref) json_t *unknown = json_pack("[s]", _i == 0 ? "text" : "number");
	AUTO(answer)
	struct answer answer = ask(&(struct question){ .call = "run",
						       .modules = { "test/sinner" },
						       .facts = facts,
						       .unknown = unknown });

	ck_assert_msg(str_eq(answer_code(&answer), "plugin.bug"), "%s: code '%s'",
		      SINS[_i], answer_code(&answer));
	ck_assert_uint_eq(answer_count(&answer, "result"), 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("host-misuse");
	TCase *tcase = tcase_create("misuse");

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, module_that_dies_gives_no_result, 0,
			    ARRAY_LEN(DYING));
	tcase_add_test(tcase, crash_is_told_by_the_exit_status);
	tcase_add_loop_test(tcase, module_that_hangs_is_killed_with_its_host, 0, 2);
	tcase_add_test(tcase, unknown_result_is_a_bug);
	tcase_add_loop_test(tcase, daemons_are_dead_when_the_host_has_ended, 0, 2);
	tcase_add_loop_test(tcase, grandchild_that_holds_the_pipe_delays_nobody, 0, 2);
	tcase_add_loop_test(tcase, fork_bomb_is_ended, 0, 2);
	tcase_add_test(tcase, flood_of_output_passes);
	tcase_add_test(tcase, rubbish_on_the_channel_is_no_event);
	tcase_add_test(tcase, module_cannot_kill_its_supervisor);
	tcase_add_loop_test(tcase, misuse_of_the_sdk_ends_the_attempt_as_a_bug, 0,
			    ARRAY_LEN(SINS));
	return unit_run(suite);
}
