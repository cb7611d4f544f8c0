/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Each rule of each pack on a realistic excerpt of a log, what comes of it, and a
 * line that looks like it and is none. Python's own older rules: rules-test.c.
 */
#include "module.h"

#include <stdio.h>

#include "plugins/analyze/buildlog.h"
#include "plugins/analyze/resolve.h"
#include "plugins/common/file.h"
#include "plugins/common/yaml.h"

/* A row of rules-cases.yaml. */
struct pack_case {
	const char *rule, *log, *no, *says;
	const json_t *edits;		       /* or NULL: for a person */
	const char *dockerfile, *file, *bytes; /* of the context, or NULL */
	bool is_build;			       /* the log is a build's */
};

static json_t *rows; /* lives as long as the program */

static struct pack_case
case_get(size_t i)
{
	const json_t *row = json_array_get(json_object_get(rows, "cases"), i);

	return (struct pack_case){
		.rule = json_text(row, "rule"),
		.log = json_text(row, "log"),
		.no = json_text(row, "no"),
		.says = json_text(row, "says"),
		.edits = json_object_get(row, "edits"),
		.dockerfile = json_member(row, "dockerfile"),
		.file = json_member(row, "file"),
		.bytes = json_member(row, "bytes"),
		.is_build = text_starts(json_text(row, "log"), "Step ") ||
			    text_starts(json_text(row, "log"), "#"),
	};
}

static size_t
case_count(void)
{
	return json_array_size(json_object_get(rows, "cases"));
}

static const char *
read_case(void *arg, const char *path, size_t *ret_len)
{
	const struct pack_case *c = arg;
	const char *bytes = NULL;

	if (text_equal(path, "api/Dockerfile"))
		bytes = c->dockerfile;
	if (c->file && text_starts(path, "api/") && text_equal(path + 4, c->file))
		bytes = c->bytes;
	*ret_len = bytes ? strlen(bytes) : 0;
	return bytes;
}

static void
list_case(void *arg, const char *directory, struct argv *ret)
{
	const struct pack_case *c = arg;

	if (text_equal(directory, "api/.") && c->file)
		argv_add(ret, c->file);
	argv_add(ret, "Dockerfile");
}

static void
load(struct packs *packs)
{
	struct fault fault = { 0 };

	ck_assert_msg(packs_load(RULES, packs, &fault) == 0, "%s", fault.text);
}

static void
find(const struct packs *packs, const char *log, const struct site *site,
     struct findings *ret)
{
	AUTO_TEXT struct text clean = { 0 };
	size_t gave_up = 0;

	(site->build_log ? buildlog_clean : log_clean)(log, strlen(log), &clean);
	for (size_t i = 0; i < packs->count; i++)
		findings_match(&packs->v[i], &clean, ret, &gave_up);
	ck_assert_uint_eq(gave_up, 0);
	for (size_t i = 0; i < ret->count; i++)
		finding_resolve(&ret->v[i], site);
	findings_rank(ret);
}

/* The finding says what it should, and edits what it should. */
static void
check_finding(const struct pack_case *c, const struct finding *f)
{
	AUTO_FREE char *got =
		f->edits ? json_dumps(f->edits, JSON_COMPACT) : text_copy("none");

	ck_assert_msg(text_equal(f->rule->id, c->rule), "%s: %s: %s", c->rule,
		      f->rule->id, f->diagnosis);
	ck_assert_msg(!c->edits == !f->edits &&
			      (!c->edits || json_equal(c->edits, f->edits)),
		      "%s: %s: %s", c->rule, got, f->diagnosis);
	ck_assert_msg(strstr(f->diagnosis, c->says) || strstr(f->remedy, c->says),
		      "%s: %s; %s", c->rule, f->diagnosis, f->remedy);
	ck_assert_msg(f->edits || !strstr(f->diagnosis, "know no repair"), "%s: %s",
		      c->rule, f->diagnosis);
	ck_assert_msg(!strchr(f->title, '{') && !strchr(f->remedy, '{') &&
			      !strstr(f->diagnosis, "'{"),
		      "%s: %s; %s; %s", c->rule, f->title, f->diagnosis, f->remedy);
}

static struct site
site_of(const struct pack_case *c, const json_t *own, const json_t *services)
{
	return (struct site){ .service = "api",
			      .may_guess = true,
			      .own = own,
			      .services = services,
			      .build_log = c->is_build ? c->log : NULL,
			      .images = json_object_get(rows, "images"),
			      .read = read_case,
			      .list = list_case,
			      .arg = (void *)c };
}

#define OWN                                                                            \
	"{'name':'api','has_build':true,'context':'api','dockerfile':'api/"            \
	"Dockerfile',"                                                                 \
	"'ports':['18080:8080/tcp']}"

START_TEST(test_rule)
{
	const struct pack_case row = case_get((size_t)_i), *c = &row;
	AUTO(packs) struct packs packs = { 0 };
	AUTO(findings) struct findings findings = { 0 };
	AUTO_JSON json_t *own = json_quoted(OWN);
	AUTO_JSON json_t *services =
		json_quoted("{'api':{},'database':{'ports':['18081:80/tcp']}}");
	struct site site = site_of(c, own, services);

	load(&packs);
	find(&packs, c->log, &site, &findings);
	ck_assert_msg(findings.count > 0, "%s: nothing found", c->rule);
	check_finding(c, &findings.v[0]);
	findings_done(&findings);
	find(&packs, c->no, &site, &findings);
	for (size_t i = 0; i < findings.count; i++)
		ck_assert_msg(!text_equal(findings.v[i].rule->id, c->rule),
			      "%s finds something in: %s", c->rule, c->no);
}
END_TEST

/* What rules-test.c shows. */
static bool
is_shown_elsewhere(const char *id)
{
	static const char *const shown[] = {
		"python.missing_module",   "python.missing_distribution",
		"python.version_pin",	   "python.manifest_syntax",
		"python.port_in_use",	   "python.wrong_port",
		"python.missing_variable",
	};

	for (size_t i = 0; i < COUNT_OF(shown); i++)
		if (text_equal(shown[i], id))
			return true;
	return false;
}

START_TEST(test_each_rule_is_shown)
{
	AUTO(packs) struct packs packs = { 0 };

	load(&packs);
	ck_assert_uint_ge(packs.rule_count, 90);
	printf("# %zu rules, %zu excerpts here\n", packs.rule_count, case_count());
	fflush(stdout);
	for (size_t i = 0; i < packs.count; i++)
		for (size_t k = 0; k < packs.v[i].rule_count; k++) {
			const char *id = packs.v[i].rules[k].id;
			bool is_shown = is_shown_elsewhere(id);

			for (size_t n = 0; n < case_count(); n++)
				is_shown |= text_equal(case_get(n).rule, id);
			ck_assert_msg(is_shown, "no test shows %s", id);
		}
}
END_TEST

START_TEST(test_each_rule_is_in_the_manual)
{
	AUTO(packs) struct packs packs = { 0 };
	AUTO_TEXT struct text page = { 0 };

	load(&packs);
	ck_assert_int_eq(file_load(PAGE, PACK_MAX_BYTES, &page), 0);
	for (size_t i = 0; i < packs.count; i++)
		for (size_t k = 0; k < packs.v[i].rule_count; k++) {
			AUTO_FREE char *item =
				text_format("B<%s>", packs.v[i].rules[k].id);

			ck_assert_msg(strstr(page.s, item), "%s is missing", item);
		}
}
END_TEST

START_TEST(test_no_packs)
{
	AUTO(packs) struct packs packs = { 0 };
	struct fault fault = { 0 };

	ck_assert_int_eq(packs_load("/nowhere", &packs, &fault), -1);
	ck_assert_ptr_nonnull(strstr(fault.text, "no rule packs in '/nowhere'"));
	ck_assert_ptr_null(packs.v);
}
END_TEST

/* Two MiB of lines that nearly match end, and find nothing. */
START_TEST(test_long_log_ends)
{
	static const struct pack_case none = { 0 };
	AUTO(packs) struct packs packs = { 0 };
	AUTO(findings) struct findings findings = { 0 };
	AUTO_TEXT struct text log = { 0 }, clean = { 0 };
	AUTO_JSON json_t *own = json_quoted(OWN);
	struct site site = site_of(&none, own, own);
	size_t gave_up = 0;

	load(&packs);
	while (log.len < 2 * LOG_MAX_BYTES)
		text_add(&log, "npm ERR! code File \"a\", line 1 sh: 1: 2: requires x "
			       "found listening on GET /index 200 exec: \"\n");
	log_clean(text_get(&log), log.len, &clean);
	for (size_t i = 0; i < packs.count; i++)
		findings_match(&packs.v[i], &clean, &findings, &gave_up);
	for (size_t i = 0; i < findings.count; i++)
		finding_resolve(&findings.v[i], &site);
	findings_rank(&findings);
	ck_assert_msg(findings.count == 0, "%s",
		      findings.count ? findings.v[0].rule->id : "");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("rules-pack");
	TCase *tc = tcase_create("rules-pack");
	AUTO_TEXT struct text text = { 0 };
	struct fault fault = { 0 };

	if (file_load(CASES, PACK_MAX_BYTES, &text) < 0 ||
	    !(rows = yaml_read(text_get(&text), text.len, &fault))) {
		printf("Bail out! %s: %s\n", CASES, fault.text);
		return EXIT_FAILURE;
	}

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_rule, 0, (int)case_count());
	tcase_add_test(tc, test_each_rule_is_shown);
	tcase_add_test(tc, test_each_rule_is_in_the_manual);
	tcase_add_test(tc, test_no_packs);
	tcase_add_test(tc, test_long_log_ends);
	suite_add_tcase(suite, tc);
	int failed = module_run(suite);

	json_decref(rows);
	return failed;
}
