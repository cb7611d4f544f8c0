/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests, and the processes below this one. */
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/path.h"
#include "unit.h"
#include "wire/request.h"
#include "wire/tree.h"

static json_t *
good_request(void)
{
	return json_pack(
		"{s:i, s:s, s:[{s:s, s:n, s:{}, s:[s]}], s:s, s:s, s:s, s:i, s:s, s:s, "
		"s:i, s:{}, s:{s:s}, s:{s:[], s:[], s:[[s]]}, s:{s:i, s:s}}",
		"fettle", 1, "call", "run", "modules", "path", "/lib/x.so", "sha256",
		"params", "unknown", "p", "run", "R", "step", "s", "operation", "o",
		"attempt", 1, "workspace", "/w", "scratch", "/s", "deadline_ms", 5,
		"facts", "env", "A", "b", "proposal", "edits", "effects", "commands",
		"true", "jail", "flags", 3, "minimum", "tree");
}

START_TEST(request_is_read_as_it_was_sealed)
{
	AUTO(json_ref) json_t *request = good_request();
	AUTO(json_ref) json_t *read = NULL;
	struct err err;
	AUTO_CLOSE int fd = request_seal("request", request, &err);

	ck_assert_int_ge(fd, 0);
	read = request_read(fd, &err);
	ck_assert_msg(read != NULL, "%s", err.text);
	ck_assert(json_equal(request, read));
}
END_TEST

START_TEST(sealed_request_cannot_be_changed)
{
	AUTO(json_ref) json_t *request = good_request();
	struct err err;
	AUTO_CLOSE int fd = request_seal("request", request, &err);

	ck_assert_int_eq(pwrite(fd, "x", 1, 0), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(ftruncate(fd, 0), -1);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
}
END_TEST

START_TEST(smallest_request_is_valid)
{
	AUTO(json_ref)
	json_t *request =
		json_pack("{s:i, s:s, s:[{s:s}], s:s}", "fettle", 1, "call", "describe",
			  "modules", "path", "/lib/x.so", "scratch", "/s");
	struct err err;

	ck_assert_int_eq(request_check(request, &err), 0);
}
END_TEST

/* A member and a value that it must not have. */
static const struct {
	const char *member, *value;
} WRONG[] = {
	{ "fettle", "2" },
	{ "fettle", "\"1\"" },
	{ "call", "\"destroy\"" },
	{ "modules", "[]" },
	{ "modules", "{}" },
	{ "modules", "[{\"path\":\"relative.so\"}]" },
	{ "modules", "[{\"path\":\"/x.so\",\"sha256\":\"short\"}]" },
	{ "modules", "[{\"path\":\"/x.so\",\"surprise\":1}]" },
	{ "modules", "[{\"path\":\"/x.so\"},{\"path\":\"/y.so\"}]" },
	{ "scratch", "\"relative\"" },
	{ "scratch", "null" },
	{ "workspace", "\"relative\"" },
	{ "workspace", "\"\"" },
	{ "deadline_ms", "\"soon\"" },
	{ "facts", "[]" },
	{ "env", "{\"A\":1}" },
	{ "proposal", "[]" },
	{ "proposal", "{\"commands\":[[]]}" },
	{ "proposal", "{\"commands\":[[1]]}" },
	{ "proposal", "{\"edits\":{}}" },
	{ "jail", "{\"minimum\":\"none\"}" },
	{ "jail", "{\"flags\":\"all\"}" },
	{ "surprise", "1" },
};

START_TEST(wrong_request_is_refused)
{
	AUTO(json_ref) json_t *request = good_request();
	struct err err;

	json_object_set_new(request, WRONG[_i].member,
			    json_parse(WRONG[_i].value, strlen(WRONG[_i].value), &err));
	ck_assert_msg(request_check(request, &err) == -1, "%s: %s", WRONG[_i].member,
		      WRONG[_i].value);
	ck_assert_str_eq(err.code, "request.invalid");
	ck_assert_str_ne(err.text, "");
}
END_TEST

START_TEST(request_that_is_no_json_is_refused)
{
	AUTO_FREE char *directory = unit_directory();
	AUTO_FREE char *path = path_join(directory, "request");
	AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct err err;

	ck_assert_ptr_null(request_read(fd, &err));
	ck_assert_str_eq(err.code, "request.invalid");
	ck_assert_int_eq(file_write_all(fd, "{\"fettle\":", 10), 0);
	ck_assert_ptr_null(request_read(fd, &err));
	ck_assert_str_eq(err.code, "request.invalid");
	unit_remove(directory);
}
END_TEST

START_TEST(secrets_are_text_or_none)
{
	AUTO(json_ref) json_t *good = json_pack("{s:s}", "TOKEN", "x");
	AUTO(json_ref) json_t *bad = json_pack("{s:i}", "TOKEN", 1);
	AUTO(json_ref) json_t *read = NULL;
	AUTO(json_ref)
	json_t *none = request_read_secrets(-1, &(struct err){ .code = "" });
	struct err err;
	AUTO_CLOSE int good_fd = request_seal("secrets", good, &err);
	AUTO_CLOSE int bad_fd = request_seal("secrets", bad, &err);

	read = request_read_secrets(good_fd, &err);
	ck_assert_str_eq(json_text(read, "TOKEN"), "x");
	ck_assert_uint_eq(json_object_size(none), 0);
	ck_assert_ptr_null(request_read_secrets(bad_fd, &err));
	ck_assert_ptr_null(strstr(err.text, "TOKEN"));
}
END_TEST

/* ---- processes ---------------------------------------------------------------------
 */

/* A child with a daemon below it that has left its session. Tells the daemon's pid. */
static pid_t
start_pair(pid_t *ret_daemon)
{
	int ends[2];
	pid_t child, below;

	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		signal(SIGTERM, SIG_DFL); /* Check's own handler would end us all. */
		below = fork();
		if (below == 0)
			setsid();
		else
			(void)!write(ends[1], &below, sizeof(below));
		close(ends[1]);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(ends[0], ret_daemon, sizeof(*ret_daemon)),
			 sizeof(*ret_daemon));
	close(ends[0]);
	close(ends[1]);
	return child;
}

START_TEST(tree_is_killed_to_the_last_daemon)
{
	pid_t below, other_below;

	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	start_pair(&below);
	kill(start_pair(&other_below), SIGKILL); /* Its daemon becomes ours. */
	ck_assert(tree_has_children());
	tree_kill(NULL);
	ck_assert(!tree_has_children());
	ck_assert_int_eq(kill(below, 0), -1);
	ck_assert_int_eq(kill(other_below, 0), -1);
}
END_TEST

START_TEST(kept_children_and_theirs_are_spared)
{
	AUTO(pids) struct pids keep = PIDS_INIT;
	pid_t kept_below, below, kept;

	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	kept = start_pair(&kept_below);
	ck_assert_int_eq(tree_children(&keep), 0);
	ck_assert_uint_eq(keep.count, 1);
	start_pair(&below);
	tree_kill(&keep);
	ck_assert_int_eq(kill(below, 0), -1);
	ck_assert_int_eq(kill(kept, 0), 0);
	ck_assert_int_eq(kill(kept_below, 0), 0);
	tree_kill(NULL);
}
END_TEST

START_TEST(signal_reaches_every_descendant)
{
	pid_t below, child;
	int status;

	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	child = start_pair(&below);
	tree_signal(SIGTERM);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	ck_assert_int_eq(waitpid(below, &status, 0), below);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("wire-request");
	TCase *requests = tcase_create("requests");
	TCase *processes = tcase_create("processes");

	suite_add_tcase(suite, requests);
	tcase_add_test(requests, request_is_read_as_it_was_sealed);
	tcase_add_test(requests, sealed_request_cannot_be_changed);
	tcase_add_test(requests, smallest_request_is_valid);
	tcase_add_loop_test(requests, wrong_request_is_refused, 0, ARRAY_LEN(WRONG));
	tcase_add_test(requests, request_that_is_no_json_is_refused);
	tcase_add_test(requests, secrets_are_text_or_none);
	suite_add_tcase(suite, processes);
	tcase_add_test(processes, tree_is_killed_to_the_last_daemon);
	tcase_add_test(processes, kept_children_and_theirs_are_spared);
	tcase_add_test(processes, signal_reaches_every_descendant);
	return unit_run(suite);
}
