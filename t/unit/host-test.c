/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What modules that behave get and tell; the verdicts of policies. */
#include "base/base.h"

#include <fettle/plugin.h>

#include "ask.h"
#include "base/sha256.h"
#include "unit.h"

static json_t *
good_params(void)
{
	return json_pack(
		"{s:b, s:i, s:f, s:s, s:s, s:i, s:i, s:[ss], s:{s:s}, s:{s:[i]}, s:s}",
		"flag", 1, "number", 7, "real", 1.5, "text", "hi", "choice", "b",
		"time", 5000, "size", 1024, "list", "x", "y", "map", "k", "v", "json",
		"a", 1, "secret", "TOKEN");
}

/* ---- a module that behaves --------------------------------------------- */

START_TEST(description_is_complete)
{
	AUTO(answer)
	struct answer answer = ask(
		&(struct question){ .call = "describe", .modules = { "test/good" } });
	const json_t *description =
		json_object_get(answer_event(&answer, "describe", 0), "description");

	ck_assert_str_eq(answer_result(&answer), "ok");
	ck_assert_str_eq(json_text(description, "kind"), "step");
	ck_assert_str_eq(json_text(description, "name"), "test/good");
	ck_assert_int_eq(json_int_or(description, "stage", 0), FETTLE_PATCH);
	ck_assert_uint_eq(json_array_size(json_object_get(description, "params")), 12);
	ck_assert_uint_eq(json_array_size(json_object_get(description, "outputs")), 4);
	ck_assert_uint_eq(json_array_size(json_object_get(description, "callbacks")),
			  4);
}
END_TEST

START_TEST(policy_is_described_as_one)
{
	AUTO(answer)
	struct answer answer =
		ask(&(struct question){ .call = "describe", .modules = { "allow" } });
	const json_t *description =
		json_object_get(answer_event(&answer, "describe", 0), "description");

	ck_assert_str_eq(json_text(description, "kind"), "policy");
	ck_assert_int_eq(json_int_or(description, "stages", 0), FETTLE_ALL_STAGES);
}
END_TEST

START_TEST(check_answers_as_it_returns)
{
	static const struct {
		const char *fact, *result, *code, *why;
	} cases[] = {
		{ "none", "ok", "", "" },
		{ "fail", "fail", "test_fail", "" },
		{ "error", "error", "", "transient" },
		{ "error_code", "error", "test_error", "host" },
	};
	AUTO(json_ref) json_t *facts = json_pack("{s:b}", cases[_i].fact, 1);
	AUTO(answer)
	struct answer answer = ask(&(struct question){
		.call = "check", .modules = { "test/good" }, .facts = facts });

	ck_assert_str_eq(answer_result(&answer), cases[_i].result);
	ck_assert_str_eq(answer_code(&answer), cases[_i].code);
	ck_assert_str_eq(json_text(answer_event(&answer, "result", 0), "why"),
			 cases[_i].why);
}
END_TEST

START_TEST(unknown_parameter_can_be_told)
{
	AUTO(json_ref) json_t *unknown = json_pack("[s]", "text");
	AUTO(answer)
	struct answer answer = ask(&(struct question){
		.call = "check", .modules = { "test/good" }, .unknown = unknown });

	ck_assert_str_eq(json_text(answer_event(&answer, "note", 0), "text"),
			 "text is not known yet");
}
END_TEST

START_TEST(proposal_is_bound_to_what_was_read)
{
	AUTO_FREE char *workspace = ask_workspace();
	AUTO(answer)
	struct answer answer = ask(&(struct question){ .call = "propose",
						       .modules = { "test/good" },
						       .workspace = workspace });
	const json_t *edit;
	char sha256[SHA256_HEX_SIZE];

	ck_assert_msg(str_eq(answer_result(&answer), "ok"), "%s",
		      json_text(answer_event(&answer, "result", 0), "text"));
	ck_assert_uint_eq(answer_count(&answer, "edit"), 4);
	sha256_hex("old\n", 4, sha256);
	edit = answer_event(&answer, "edit", 0);
	ck_assert_str_eq(json_text(edit, "pre"), sha256);
	ck_assert_str_eq(json_text(edit, "content"), "new\n");
	edit = answer_event(&answer, "edit", 1);
	ck_assert(json_is_null(json_object_get(edit, "pre")));
	edit = answer_event(&answer, "edit", 2);
	ck_assert_ptr_null(json_object_get(edit, "pre"));
	ck_assert_str_eq(json_text(edit, "base64"), "YQD/");
	ck_assert_str_eq(json_text(answer_event(&answer, "edit", 3), "op"), "delete");

	ck_assert_uint_eq(answer_count(&answer, "effect"), 2);
	ck_assert_int_eq(json_int_or(json_object_get(answer_event(&answer, "effect", 0),
						     "before"),
				     "was", 0),
			 1);
	ck_assert_uint_eq(answer_count(&answer, "command"), 1);
	unit_remove(workspace);
}
END_TEST

static json_t *
good_proposal(void)
{
	return json_pack(
		"{s:[{s:s, s:n, s:s}], s:[{s:s, s:s, s:{s:i}, s:s, s:s}], s:[[s, s, "
		"s]]}",
		"edits", "path", "a.txt", "pre", "post", "x", "effects", "kind",
		"thing", "target", "t", "before", "was", 1, "summary", "s", "step",
		"patch", "commands", "sh", "-c",
		"echo \"$GREETING $STEP $HOME\" | sed \"s|$TMPDIR|scratch|\"; exit 3");
}

START_TEST(run_sees_parameters_secrets_and_proposal)
{
	AUTO(json_ref) json_t *params = good_params();
	AUTO(json_ref) json_t *secrets = json_pack("{s:s}", "TOKEN", "s3cret");
	AUTO(json_ref)
	json_t *env = json_pack("{s:s, s:s}", "STEP", "mine", "GREETING", "lost");
	AUTO(json_ref) json_t *proposal = good_proposal();
	AUTO(answer)
	struct answer answer = ask(&(struct question){ .call = "run",
						       .modules = { "test/good" },
						       .params = params,
						       .secrets = secrets,
						       .env = env,
						       .proposal = proposal });
	const json_t *finding = answer_event(&answer, "finding", 0);

	ck_assert_msg(str_eq(answer_result(&answer), "ok"), "%s",
		      json_text(answer_event(&answer, "result", 0), "text"));
	ck_assert_str_eq(
		answer_output(&answer, "seen"),
		"1 7 1.50 hi b 5000 1024 - x+y {\"k\":\"v\"} {\"a\":[1]} TOKEN s3cret");
	ck_assert_str_eq(answer_output(&answer, "captured"), "hello mine scratch\n");
	ck_assert_uint_eq(strlen(answer_output(&answer, "large")), 300000);
	ck_assert_int_eq(json_int_or(finding, "confidence", 0), 100);
	ck_assert_str_eq(json_text(finding, "evidence"), "line 1\nline 2 \xef\xbf\xbd");
	ck_assert_str_eq(json_text(answer_event(&answer, "artifact", 0), "file"),
			 "note.txt");
	ck_assert_int_eq(json_int_or(answer_event(&answer, "exited", 0), "status", 0),
			 3);
	ck_assert_uint_eq(answer_count(&answer, "progress"), 1);
	ck_assert_uint_eq(answer_count(&answer, "note"), 2);
}
END_TEST

START_TEST(scratch_inside_the_workspace_is_writable)
{
	AUTO_FREE char *workspace = ask_workspace();
	AUTO(json_ref) json_t *params = good_params();
	AUTO(json_ref) json_t *secrets = json_pack("{s:s}", "TOKEN", "s3cret");
	AUTO(json_ref) json_t *proposal = good_proposal();

	setenv("TMPDIR", workspace, 1);
	AUTO(answer)
	struct answer answer = ask(&(struct question){ .call = "run",
						       .modules = { "test/good" },
						       .params = params,
						       .secrets = secrets,
						       .proposal = proposal,
						       .workspace = workspace });
	unsetenv("TMPDIR");

	ck_assert_str_eq(answer_result(&answer), "ok");
	ck_assert_uint_eq(answer_count(&answer, "artifact"), 1);
	unit_remove(workspace);
}
END_TEST

START_TEST(log_shows_output_and_commands_in_order)
{
	AUTO(json_ref) json_t *params = good_params();
	AUTO(json_ref) json_t *secrets = json_pack("{s:s}", "TOKEN", "s3cret");
	AUTO(json_ref)
	json_t *proposal =
		json_pack("{s:[{s:s}], s:[{s:s}], s:[[s, s, s]]}", "edits", "path", "a",
			  "effects", "kind", "thing", "commands", "sh", "-c",
			  "echo 'it is' >&2; exit 3");
	AUTO(answer)
	struct answer answer = ask(&(struct question){ .call = "run",
						       .modules = { "test/good" },
						       .params = params,
						       .secrets = secrets,
						       .proposal = proposal });

	ck_assert_str_eq(str_get(&answer.log),
			 "said on standard output\n"
			 "+ sh -c 'echo '\\''it is'\\'' >&2; exit 3'\n"
			 "it is\n");
}
END_TEST

START_TEST(observe_tells_each_effect)
{
	AUTO(json_ref) json_t *proposal = good_proposal();
	AUTO(answer)
	struct answer answer = ask(&(struct question){
		.call = "observe", .modules = { "test/good" }, .proposal = proposal });
	const json_t *observed = answer_event(&answer, "observed", 0);

	ck_assert_uint_eq(answer_count(&answer, "observed"), 1);
	ck_assert_str_eq(json_text(observed, "state"), "after");
	ck_assert_str_eq(json_text(observed, "detail"), "{\"was\":1}");
}
END_TEST

/* ---- policies ---------------------------------------------------------- */

static const char *
verdict(const struct answer *answer, size_t i)
{
	const json_t *event = answer_event(answer, "verdict", i);

	ck_assert_int_eq(json_int_or(event, "module", -1), (json_int_t)i);
	return json_text(event, "verdict");
}

START_TEST(policies_are_judged_apart)
{
	AUTO(json_ref) json_t *facts = json_pack("{s:s}", "step.id", "patch");
	AUTO(answer)
	struct answer answer = ask(&(struct question){
		.call = "judge",
		.modules = { "allow", "pcrash", "pwrong", "pexit", "abstain", "hold",
			     "deny" },
		.facts = facts,
	});
	const json_t *need =
		json_object_get(answer_event(&answer, "verdict", 5), "need");

	ck_assert_str_eq(answer_result(&answer), "ok");
	ck_assert_uint_eq(answer_count(&answer, "verdict"), 7);
	ck_assert_str_eq(verdict(&answer, 0), "allow");
	ck_assert_str_eq(verdict(&answer, 1), "error");
	ck_assert_str_eq(verdict(&answer, 2), "error");
	ck_assert_str_eq(verdict(&answer, 3), "error");
	ck_assert_str_eq(verdict(&answer, 4), "abstain");
	ck_assert_str_eq(verdict(&answer, 5), "hold");
	ck_assert_str_eq(verdict(&answer, 6), "deny");
	ck_assert_int_eq(json_int_or(need, "quorum", 0), 2);
	ck_assert_int_eq(json_int_or(need, "valid_ms", 0), 3600000);
	ck_assert_uint_eq(json_array_size(json_object_get(need, "roles")), 2);
	ck_assert_str_eq(json_text(answer_event(&answer, "verdict", 6), "reason"),
			 "step patch may not");
}
END_TEST

START_TEST(policy_cannot_answer_for_another)
{
	AUTO(json_ref) json_t *facts = json_pack("{s:s}", "step.id", "patch");
	AUTO(answer)
	struct answer answer = ask(&(struct question){
		.call = "judge", .modules = { "deny", "pforge" }, .facts = facts });

	ck_assert_uint_eq(answer_count(&answer, "verdict"), 2);
	ck_assert_str_eq(verdict(&answer, 0), "deny");
	ck_assert_str_eq(verdict(&answer, 1), "error");
}
END_TEST

START_TEST(policy_that_hangs_is_an_error_in_time)
{
	AUTO(answer)
	struct answer answer = ask(&(struct question){
		.call = "judge", .modules = { "phang", "abstain" }, .time_ms = 600 });

	ck_assert_str_eq(verdict(&answer, 0), "error");
	ck_assert_ptr_nonnull(strstr(
		json_text(answer_event(&answer, "verdict", 0), "reason"), "in time"));
	ck_assert_str_eq(answer_result(&answer), "ok");
	ck_assert_uint_eq(ask_survivors(answer.attempt), 0);
}
END_TEST

/* ---- several checks ---- */

static const char *
checked(const struct answer *answer, size_t i)
{
	const json_t *event = answer_event(answer, "checked", i);

	ck_assert_int_eq(json_int_or(event, "module", -1), (json_int_t)i);
	return json_text(event, "result");
}

START_TEST(checks_leave_nothing_to_each_other)
{
	AUTO(answer)
	struct answer answer = ask(&(struct question){
		.call = "check",
		.modules = { "test/litter", "test/good", "test/litter", "test/older" },
		.flags = _i ? ASK_WITHOUT_NAMESPACES : 0,
	});

	ck_assert_uint_eq(answer_count(&answer, "checked"), 4);
	ck_assert_str_eq(checked(&answer, 0), "ok");
	ck_assert_str_eq(checked(&answer, 1), "ok");
	ck_assert_str_eq(checked(&answer, 2), "ok");
	ck_assert_str_eq(checked(&answer, 3), "noop");
	ck_assert_str_eq(answer_result(&answer), "ok");
	ck_assert_uint_eq(ask_survivors(answer.attempt), 0);
}
END_TEST

START_TEST(first_check_that_says_no_is_the_last)
{
	AUTO(json_ref) json_t *facts = json_pack("{s:b}", "fail", 1);
	AUTO(answer)
	struct answer answer = ask(&(struct question){
		.call = "check",
		.modules = { "test/litter", "test/good", "test/litter" },
		.facts = facts,
	});

	ck_assert_uint_eq(answer_count(&answer, "checked"), 2);
	ck_assert_str_eq(checked(&answer, 1), "fail");
	ck_assert_str_eq(json_text(answer_event(&answer, "checked", 1), "code"),
			 "test_fail");
	ck_assert_str_eq(answer_result(&answer), "ok");
}
END_TEST

/* A module that does not answer harms its own check, and answers for no other. */
START_TEST(check_without_an_answer_is_told)
{
	static const struct {
		const char *sin, *ended;
	} cases[] = {
		{ "hang", "did not answer in time" },
		{ "crash", "crashed: Aborted" },
		{ "forge", "ended without a result" },
	};
	AUTO(json_ref) json_t *facts = json_pack("{s:b}", cases[_i].sin, 1);
	AUTO(answer)
	struct answer answer = ask(&(struct question){
		.call = "check",
		.modules = { "test/good", "test/litter", "test/good" },
		.facts = facts,
		.time_ms = 5000,
		.each_ms = 600,
	});

	ck_assert_uint_eq(answer_count(&answer, "checked"), 2);
	ck_assert_str_eq(checked(&answer, 0), "ok");
	ck_assert_str_eq(checked(&answer, 1), "error");
	ck_assert_str_eq(json_text(answer_event(&answer, "checked", 1), "ended"),
			 cases[_i].ended);
	ck_assert_str_eq(answer_result(&answer), "ok");
	ck_assert_uint_eq(ask_survivors(answer.attempt), 0);
}
END_TEST

START_TEST(step_is_no_policy)
{
	AUTO(answer)
	struct answer answer =
		ask(&(struct question){ .call = "judge", .modules = { "test/good" } });

	ck_assert_str_eq(verdict(&answer, 0), "error");
}
END_TEST

/* ---- cost -------------------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

START_TEST(empty_callback_is_cheap)
{
	int64_t took[21];

	for (size_t i = 0; i < ARRAY_LEN(took); i++) {
		AUTO(answer)
		struct answer answer = ask(&(struct question){
			.call = "check", .modules = { "test/good" } });

		took[i] = answer.took_ms;
	}
	qsort(took, ARRAY_LEN(took), sizeof(took[0]), compare);
	printf("# an empty callback takes %d ms\n", (int)took[ARRAY_LEN(took) / 2]);
	fflush(stdout);
	/* About 3 ms; the bar is for a busy machine and a sanitizer. */
	ck_assert_int_lt(took[ARRAY_LEN(took) / 2], 200);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("host");
	TCase *tcase = tcase_create("host");

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, description_is_complete);
	tcase_add_test(tcase, policy_is_described_as_one);
	tcase_add_loop_test(tcase, check_answers_as_it_returns, 0, 4);
	tcase_add_test(tcase, unknown_parameter_can_be_told);
	tcase_add_test(tcase, proposal_is_bound_to_what_was_read);
	tcase_add_test(tcase, run_sees_parameters_secrets_and_proposal);
	tcase_add_test(tcase, scratch_inside_the_workspace_is_writable);
	tcase_add_test(tcase, log_shows_output_and_commands_in_order);
	tcase_add_test(tcase, observe_tells_each_effect);
	tcase_add_test(tcase, policies_are_judged_apart);
	tcase_add_test(tcase, policy_cannot_answer_for_another);
	tcase_add_test(tcase, policy_that_hangs_is_an_error_in_time);
	tcase_add_loop_test(tcase, checks_leave_nothing_to_each_other, 0, 2);
	tcase_add_test(tcase, first_check_that_says_no_is_the_last);
	tcase_add_loop_test(tcase, check_without_an_answer_is_told, 0, 3);
	tcase_add_test(tcase, step_is_no_policy);
	tcase_add_test(tcase, empty_callback_is_cheap);
	return unit_run(suite);
}
