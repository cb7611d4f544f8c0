/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a module can reach, and when its time is over. */
#include "base/base.h"

#include <grp.h>
#include <sys/wait.h>

#include <fettle/plugin.h>

#include "ask.h"
#include "base/path.h"
#include "unit.h"

/* ---- the jail ---------------------------------------------------------- */

START_TEST(module_has_no_descriptor_of_others)
{
	AUTO(answer)
	struct answer answer = ask(&(struct question){
		.call = "run",
		.modules = { "test/fdlist" },
		.flags = ASK_WITH_LOCK | ASK_WITH_STRAYS,
	});
	const char *text = answer_output(&answer, "text");

	ck_assert_msg(!strstr(text, "/dev/zero"), "the lock is open:\n%s", text);
	ck_assert_msg(!strstr(text, "memfd"), "request or secrets are open:\n%s", text);
	ck_assert_msg(str_starts(text, "0 /dev/null\n1 pipe:"), "%s", text);
	/* 3 is what the shell opened to look. */
	ck_assert_msg(strstr(text, "program: 0 1 2 3\n"), "%s", text);
}
END_TEST

START_TEST(workspace_is_read_only)
{
	AUTO_FREE char *real = ask_workspace();
	AUTO_FREE char *link = x_asprintf("%s-link", real);
	AUTO_FREE char *file = path_join(real, "a.txt");
	AUTO_FREE char *after = NULL;
	const char *workspace = _i ? link : real;
	AUTO(json_ref)
	json_t *facts = json_pack("{s:s}", "project.directory", workspace);
	ck_assert_int_eq(symlink(real, link), 0);
	AUTO(answer)
	struct answer answer = ask(&(struct question){ .call = "run",
						       .modules = { "test/writer" },
						       .facts = facts,
						       .workspace = workspace });
	AUTO(answer)
	struct answer other =
		ask(&(struct question){ .call = "check", .modules = { "test/good" } });
	struct err err;

	if (str_eq(answer_level(&answer), "tree")) {
		ck_assert_str_eq(
			answer_output(&answer, "text"),
			"write:refused chmod:refused mount:refused program:refused");
		ck_assert_int_eq(file_read(file, 100, &after, NULL, &err), 0);
		ck_assert_str_eq(after, "old\n");
	}
	/* What keeps the level low is the machine, not the workspace. */
	ck_assert_str_eq(answer_level(&answer), answer_level(&other));
	unlink(link);
	unit_remove(real);
}
END_TEST

START_TEST(declared_writer_may_write_the_workspace)
{
	AUTO_FREE char *workspace = ask_workspace();
	AUTO(json_ref)
	json_t *facts = json_pack("{s:s}", "project.directory", workspace);
	AUTO(answer)
	struct answer answer = ask(&(struct question){
		.call = "run",
		.modules = { "test/writer" },
		.facts = facts,
		.workspace = workspace,
		.jail_flags = FETTLE_WORKSPACE_WRITE,
	});

	ck_assert_ptr_nonnull(strstr(answer_output(&answer, "text"), "program:done"));
	unit_remove(workspace);
}
END_TEST

START_TEST(killed_host_takes_all_with_it)
{
	AUTO(answer)
	struct answer answer = ask(&(struct question){ .call = "run",
						       .modules = { "test/sleeper" },
						       .await_log = "started",
						       .kill_after_ms = 1 });

	ck_assert(WIFSIGNALED(answer.status));
	if (str_eq(answer_level(&answer), "tree"))
		ck_assert_uint_eq(ask_survivors(answer.attempt), 0);
}
END_TEST

/* The build folder may be below a directory that is not for everybody, as /root is. */
static bool
nobody_may_run_the_host(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(setgroups(0, NULL) == 0 && setgid(65534) == 0 &&
				      setuid(65534) == 0 &&
				      access(TEST_HOST, X_OK) == 0 ?
			      0 :
			      1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status == 0;
}

START_TEST(ordinary_user_is_served)
{
	if (geteuid() != 0 || !nobody_may_run_the_host())
		return; /* An ordinary user: then all other tests show it. */
	AUTO(answer)
	struct answer answer = ask(&(struct question){
		.call = "run", .modules = { "test/forker" }, .flags = ASK_AS_NOBODY });

	ck_assert_str_eq(answer_result(&answer), "ok");
	ck_assert_uint_eq(ask_survivors(answer.attempt), 0);
}
END_TEST

START_TEST(kernel_without_novelties_is_enough)
{
	AUTO(answer)
	struct answer policies =
		ask(&(struct question){ .call = "judge",
					.modules = { "abstain", "pcrash" },
					.flags = ASK_WITHOUT_NOVELTIES });
	AUTO(answer)
	struct answer answer = ask(&(struct question){
		.call = "run",
		.modules = { "test/fdlist" },
		.flags = ASK_WITHOUT_NOVELTIES | ASK_WITH_LOCK | ASK_WITH_STRAYS,
	});
	AUTO(answer)
	struct answer held = ask(&(struct question){
		.call = "run",
		.modules = { "test/holdpipe" },
		.flags = ASK_WITHOUT_NOVELTIES,
	});

	ck_assert_uint_eq(answer_count(&policies, "verdict"), 2);
	ck_assert_ptr_nonnull(
		strstr(answer_output(&answer, "text"), "program: 0 1 2 3\n"));
	ck_assert_str_eq(answer_output(&held, "text"), "out\n");
}
END_TEST

START_TEST(jail_event_comes_first)
{
	AUTO(answer) struct answer answer = ask_run("test/sleeper-none");
	AUTO(answer)
	struct answer good =
		ask(&(struct question){ .call = "check", .modules = { "test/good" } });

	ck_assert_uint_eq(answer_count(&answer, "jail"), 0);
	ck_assert_str_eq(json_text(json_array_get(good.events, 0), "e"), "jail");
	ck_assert_uint_ge(json_array_size(json_object_get(
				  answer_event(&good, "jail", 0), "techniques")),
			  10);
}
END_TEST

/* ---- time -------------------------------------------------------------- */

START_TEST(program_is_ended_at_its_timeout)
{
	AUTO(json_ref) json_t *facts = json_pack("{s:b}", "timeout", 1);
	AUTO(answer)
	struct answer answer =
		ask(&(struct question){ .call = "run",
					.modules = { "test/sleeper" },
					.facts = facts,
					.flags = _i ? ASK_WITHOUT_NAMESPACES : 0 });

	ck_assert_str_eq(answer_output(&answer, "text"),
			 "status -1 signal 15 timed_out 1 time left");
	ck_assert_int_lt(answer.took_ms, 10000);
}
END_TEST

START_TEST(program_is_ended_at_the_deadline_of_the_step)
{
	AUTO(answer)
	struct answer answer = ask(&(struct question){
		.call = "run", .modules = { "test/sleeper" }, .time_ms = 1500 });

	ck_assert_str_eq(answer_output(&answer, "text"),
			 "status -1 signal 15 timed_out 1 time over");
	ck_assert_str_eq(answer_result(&answer), "ok");
}
END_TEST

START_TEST(cancelled_step_ends_its_program_and_answers)
{
	AUTO(answer)
	struct answer answer =
		ask(&(struct question){ .call = "run",
					.modules = { "test/sleeper" },
					.await_log = "started",
					.term_after_ms = 1,
					.flags = _i ? ASK_WITHOUT_NAMESPACES : 0 });

	ck_assert_str_eq(answer_output(&answer, "text"),
			 "status -1 signal 15 timed_out 1 time over");
	ck_assert_str_eq(answer_result(&answer), "ok");
	ck_assert_int_lt(answer.took_ms, 10000);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("host-jail");
	TCase *tcase = tcase_create("jail");

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, module_has_no_descriptor_of_others);
	tcase_add_loop_test(tcase, workspace_is_read_only, 0, 2);
	tcase_add_test(tcase, declared_writer_may_write_the_workspace);
	tcase_add_test(tcase, killed_host_takes_all_with_it);
	tcase_add_test(tcase, ordinary_user_is_served);
	tcase_add_test(tcase, kernel_without_novelties_is_enough);
	tcase_add_test(tcase, jail_event_comes_first);
	tcase_add_loop_test(tcase, program_is_ended_at_its_timeout, 0, 2);
	tcase_add_test(tcase, program_is_ended_at_the_deadline_of_the_step);
	tcase_add_loop_test(tcase, cancelled_step_ends_its_program_and_answers, 0, 2);
	return unit_run(suite);
}
