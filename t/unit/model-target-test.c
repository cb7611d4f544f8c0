/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Instructions of core/model: which are taken, and which service they mean. */
#include "model.h"

#include "base/str.h"
#include "model/project.h"

/* want: a service of api, api.v2, web, pi; or a code. */
static const struct {
	const char *wanted, *instruction, *want, *says;
} target_cases[] = {
	{ NULL, "repair missing dependency for the api service", "api", "" },
	{ NULL, "fix api.", "api", "" },
	{ NULL, "fix api...", "api", "" },
	{ NULL, "fix api.v2.", "api.v2", "" },
	{ NULL, "(web)", "web", "" },
	{ NULL, "web's broken", "web", "" },
	{ NULL, "api: api, and again api", "api", "" },
	{ NULL, "edit api/Dockerfile", "api", "" },
	{ NULL,
	  "fix \xe2\x80\x9c"
	  "api\xe2\x80\x9d",
	  "api", "" },
	{ NULL, "mend the frontend", "web", "" },
	{ "api", NULL, "api", "" },
	{ "frontend", "fix api", "web", "" },
	{ "web", "fix api", "web", "" },
	{ NULL, "fix the API", "unknown_service",
	  "known services: api, api.v2, web, pi" },
	{ NULL, "fix wbe", "unknown_service", "did you mean web?" },
	{ NULL, "fix \xd0\xb0pi", "unknown_service", "" },
	{ NULL, "fix everything", "unknown_service", "names no service" },
	{ NULL, "", "unknown_service", "no service is named" },
	{ NULL, NULL, "unknown_service", "no service is named" },
	{ NULL, "fix api and web", "ambiguous_service", "api, web" },
	{ NULL, "fix api; rm -rf / # frontend", "ambiguous_service", "api, web" },
	{ "wbe", "fix api", "unknown_service", "did you mean web?" },
	{ "ghost", "fix api", "unknown_service", "no service 'ghost'" },
	{ "-f", NULL, "unknown_service", "no service '-f'" },
};

START_TEST(the_target_is_found_by_exact_name)
{
	struct project_service services[] = { { .name = (char[]){ "web" } },
					      { .name = (char[]){ "ghost" } } };
	struct project p = { .services = services, .service_count = 2 };
	AUTO(strv) struct strv known = STRV_INIT;
	struct err err = { "" };
	const char *got;

	strv_add(&services[0].aliases, "frontend");
	strv_add(&services[1].aliases, "everything");
	strv_add(&known, "api");
	strv_add(&known, "api.v2");
	strv_add(&known, "web");
	strv_add(&known, "pi");
	got = project_target(&p, &known, target_cases[_i].wanted,
			     target_cases[_i].instruction, &err);
	ck_assert_str_eq(got ? got : err.code, target_cases[_i].want);
	ck_assert_msg(strstr(err.text, target_cases[_i].says) != NULL, "%s", err.text);
	ck_assert(got != NULL || strstr(err.remedy, "-s SERVICE") != NULL);
	strv_done(&services[0].aliases);
	strv_done(&services[1].aliases);
}
END_TEST

START_TEST(without_a_project_names_alone_count)
{
	AUTO(strv) struct strv known = STRV_INIT;
	struct err err = { "" };

	strv_add(&known, "api");
	ck_assert_ptr_eq(project_target(NULL, &known, NULL, "fix api", &err),
			 known.v[0]);
	strv_clear(&known);
	ck_assert_ptr_null(project_target(NULL, &known, NULL, "fix api", &err));
	ck_assert_str_eq(err.code, "unknown_service");
	ck_assert_ptr_nonnull(strstr(err.text, "no services"));
}
END_TEST

static const struct {
	const char *text, *want; /* NULL: refused */
} instruction_cases[] = {
	{ "fix api", "fix api" },
	{ " \t\n fix api\r\n", "fix api" },
	{ "fix\n\tapi", "fix\n\tapi" },
	{ "fix api; rm -rf /", "fix api; rm -rf /" },
	{ "r\xc3\xa9parer api", "r\xc3\xa9parer api" },
	{ "", NULL },
	{ " \t\r\n ", NULL },
	{ "fix \xff", NULL },
	{ "fix \x1b[31m", NULL },
	{ "fix \x7f", NULL },
	{ "fix \xc2\x9b", NULL },
	{ "a\rb", NULL },
};

START_TEST(an_instruction_is_trimmed_and_clean)
{
	struct err err = { "" };
	AUTO_FREE char *got = instruction_check(instruction_cases[_i].text, &err);

	if (instruction_cases[_i].want != NULL) {
		ck_assert_msg(got != NULL, "%s", err.text);
		ck_assert_str_eq(got, instruction_cases[_i].want);
		return;
	}
	ck_assert_ptr_null(got);
	expect_err(instruction_cases[_i].text, &err, "invalid_instruction", 0, 0);
	ck_assert_str_ne(err.remedy, "");
}
END_TEST

START_TEST(an_instruction_has_at_most_8_kib)
{
	AUTO_FREE char *text = x_malloc(8194), *kept = NULL;
	struct err err = { "" };

	memset(text, 'x', 8193);
	text[8193] = 0;
	ck_assert_ptr_null(instruction_check(text, &err));
	text[8192] = ' ';
	kept = instruction_check(text, &err);
	ck_assert_uint_eq(strlen(kept), 8192);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("model-target");
	TCase *target = tcase_create("target"), *text = tcase_create("instruction");

	tcase_add_loop_test(target, the_target_is_found_by_exact_name, 0,
			    ARRAY_LEN(target_cases));
	tcase_add_test(target, without_a_project_names_alone_count);
	suite_add_tcase(suite, target);
	tcase_add_loop_test(text, an_instruction_is_trimmed_and_clean, 0,
			    ARRAY_LEN(instruction_cases));
	tcase_add_test(text, an_instruction_has_at_most_8_kib);
	suite_add_tcase(suite, text);
	return unit_run(suite);
}
