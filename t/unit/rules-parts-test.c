/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requirements, versions, Dockerfiles, logs, packs: the parts of analyze/logs. */
#include "module.h"

#include "plugins/analyze/dockerfile.h"
#include "plugins/analyze/finding.h"
#include "plugins/analyze/requirement.h"

/* ---- requirements ---------------------------------------------------------- */

static const struct {
	const char *line;
	bool is_one;
	const char *name, *spec;
} lines[] = {
	{ "flask", true, "flask", "" },
	{ "flask==2.0", true, "flask", "==2.0" },
	{ "  Flask >= 2.0 , < 3  # web", true, "Flask", ">= 2.0 , < 3" },
	{ "uvicorn[standard]~=0.2 ; python_version>'3.8'", true, "uvicorn", "~=0.2" },
	{ "a==1.* --hash=sha256:0", true, "a", "==1.*" },
	{ "zope.interface!=5", true, "zope.interface", "!=5" },
	{ "a @ https://example.org/a.whl", true, "a", "" },
	{ "a==2.0+cu118", true, "a", "==2.0+cu118" },
	{ "a===2.0", true, "a", "===2.0" },
	{ "flask=2.0", false, NULL, NULL },
	{ "flask 2.0", false, NULL, NULL },
	{ "flask==", false, NULL, NULL },
	{ "flask>=2,,<3", false, NULL, NULL },
	{ "flask[async", false, NULL, NULL },
	{ "flask;", false, NULL, NULL },
	{ "# flask", false, NULL, NULL },
	{ "-r base.txt", false, NULL, NULL },
	{ "", false, NULL, NULL },
};

START_TEST(test_requirement)
{
	const char *line = lines[_i].line;
	struct requirement r = { 0 };

	ck_assert_msg(requirement_parse(line, &r) == lines[_i].is_one, "%s", line);
	if (!lines[_i].is_one)
		return;
	AUTO_FREE char *name =
		text_copy_n(line + r.name_begin, r.name_end - r.name_begin);
	AUTO_FREE char *spec =
		text_copy_n(line + r.spec_begin, r.spec_end - r.spec_begin);
	ck_assert_str_eq(name, lines[_i].name);
	ck_assert_str_eq(spec, lines[_i].spec);
}
END_TEST

static const struct {
	const char *line, *repaired; /* NULL: nobody can tell */
} repairs[] = {
	{ "flask=2.0", "flask==2.0" },
	{ "flask = 2.0", "flask==2.0" },
	{ "flask=>2.0", "flask>=2.0" },
	{ "flask =< 2.0", "flask<=2.0" },
	{ "flask=~2.0", "flask~=2.0" },
	{ "flask: 2.0", "flask==2.0" },
	{ "flask 2.0.1", "flask==2.0.1" },
	{ "flask[async]=2.0", "flask[async]==2.0" },
	{ "flask==2.0,", "flask==2.0" },
	{ "flask==2.0;", "flask==2.0" },
	{ "\"flask==2.0\",", "flask==2.0" },
	{ "'flask=2.0'", "flask==2.0" },
	{ "pip install flask==2.0", "flask==2.0" },
	{ "```", "" },
	{ "```text", "" },
	{ "<<<<<<< HEAD", NULL },
	{ "flask redis", NULL },
	{ "pip install flask redis", NULL },
	{ "flask 2", NULL },
	{ "flask==2.0 redis==3", NULL },
	{ "=2.0", NULL },
	{ "flask==", NULL },
	{ "import flask", NULL },
	{ "flask==2.0", NULL },
	{ "", NULL },
};

START_TEST(test_repair)
{
	AUTO_FREE char *made = requirement_repair(repairs[_i].line);

	if (!repairs[_i].repaired)
		ck_assert_msg(!made, "'%s' became '%s'", repairs[_i].line, made);
	else
		ck_assert_msg(made && text_equal(made, repairs[_i].repaired),
			      "'%s' became '%s'", repairs[_i].line,
			      made ? made : "nothing");
}
END_TEST

START_TEST(test_package_names)
{
	ck_assert(package_equal("Flask_SQLAlchemy", "flask-sqlalchemy"));
	ck_assert(package_equal("ruamel.yaml", "ruamel--yaml"));
	ck_assert(!package_equal("flask", "flask-login"));
	ck_assert(!package_equal("py-yaml", "pyyaml"));
	ck_assert(!package_equal("a", ""));
}
END_TEST

static const struct {
	const char *list, *newest;
} newest[] = {
	{ "0.9, 0.10, 0.2", "0.10" },
	{ "1.0, 2.0rc1, 1.9", "1.9" },
	{ "1.0a1, 1.0b2, 1.0.dev3", "1.0b2" },
	{ "1.0, 1.0.post1", "1.0.post1" },
	{ "2024.1, 1!1.0", "1!1.0" },
	{ "1.0, 1.0.0.1", "1.0.0.1" },
	{ "99999999999999999999999.1, 2", "99999999999999999999999.1" },
	{ "none", NULL },
	{ "", NULL },
	{ ", ,", NULL },
};

START_TEST(test_newest)
{
	AUTO_FREE char *got = version_newest(newest[_i].list);

	if (!newest[_i].newest)
		ck_assert_ptr_null(got);
	else
		ck_assert_str_eq(got ? got : "", newest[_i].newest);
}
END_TEST

/* ---- Dockerfiles ----------------------------------------------------------- */

static const struct {
	const char *dockerfile, *files, *manifest; /* files: what the context has */
} manifests[] = {
	{ "FROM a\nRUN pip install -r requirements.txt\n", "requirements.txt",
	  "requirements.txt" },
	{ "FROM a\nCOPY deps/prod.txt /tmp/requirements.txt\n"
	  "RUN pip install --no-cache-dir -r /tmp/requirements.txt\n",
	  "deps/prod.txt requirements.txt", "deps/prod.txt" },
	{ "FROM a\nCOPY requirements/ /r/\nRUN pip install -r requirements/web.txt\n",
	  "requirements/web.txt requirements.txt", "requirements/web.txt" },
	{ "FROM a\nCOPY [\"x\", \"y\"]\nRUN pip3 install \\\n  # a comment\n  "
	"--requirement=base.txt"
	  " \\\n  && true\n",
	  "base.txt", "base.txt" },
	{ "FROM a\nCOPY --chown=1:1 ./requirements-prod.txt /app/\n"
	  "run python -m pip install -r/app/requirements-prod.txt\n",
	  "requirements-prod.txt requirements.txt", "requirements-prod.txt" },
	{ "FROM a\nCOPY --from=b /x/requirements.txt /y/\nRUN pip install flask\n",
	  "requirements.txt", "requirements.txt" },
	{ "FROM a\nRUN pip install -r ../requirements.txt\n", "x", NULL },
	{ "FROM a\nRUN pip install -r $FILE\n", "requirements.txt",
	  "requirements.txt" },
	{ "FROM a\nRUN pip install .\n", "pyproject.toml", NULL },
	{ "", "requirements.txt", "requirements.txt" },
};

static bool
has_file(void *arg, const char *path)
{
	const char *files = arg, *found = strstr(files, path);
	size_t len = strlen(path);

	return found && (found == files || found[-1] == ' ') &&
	       (found[len] == '\0' || found[len] == ' ');
}

START_TEST(test_manifest)
{
	AUTO(dockerfile) struct dockerfile file = { 0 };
	const char *text = manifests[_i].dockerfile;

	dockerfile_parse(text, strlen(text), &file);
	AUTO_FREE char *got =
		dockerfile_manifest(&file, has_file, (void *)manifests[_i].files);
	if (!manifests[_i].manifest)
		ck_assert_msg(!got, "%s", got);
	else
		ck_assert_str_eq(got ? got : "", manifests[_i].manifest);
}
END_TEST

#define NEW_RUN                                                                        \
	"RUN apt-get update && apt-get install -y --no-install-recommends libgl1 && "  \
	"rm -rf /var/lib/apt/lists/*"

static const struct {
	const char *dockerfile, *edit, *why;
} installs[] = {
	{ "FROM a\nRUN apt-get update && apt-get install -y curl\n",
	  "{'op':'replace','path':'D','find':'RUN apt-get update && apt-get install "
	  "-y curl',"
	  "'with':'RUN apt-get update && apt-get install -y libgl1 curl'}",
	  NULL },
	{ "FROM a\nRUN apt-get update \\\n && apt-get -qq install -y -t stable \\\n   "
	" curl \\\n"
	  "    git\n",
	  "{'op':'replace','path':'D','find':' && apt-get -qq install -y -t stable "
	  "\\\\',"
	  "'with':' && apt-get -qq install -y -t stable libgl1 \\\\'}",
	  NULL },
	{ "FROM a\r\nRUN apt install curl\r\n",
	  "{'op':'replace','path':'D','find':'RUN apt install curl',"
	  "'with':'RUN apt install libgl1 curl'}",
	  NULL },
	{ "FROM a AS build\nRUN apt-get install -y gcc\nFROM a\nCOPY x y\n",
	  "{'op':'add_line','path':'D','after':'FROM a','line':'" NEW_RUN "'}", NULL },
	{ "FROM a\nRUN pip install x\n",
	  "{'op':'add_line','path':'D','after':'FROM a','line':'" NEW_RUN "'}", NULL },
	{ "FROM a\nRUN apt-get update && rm x && install y\n",
	  "{'op':'add_line','path':'D','after':'FROM a','line':'" NEW_RUN "'}", NULL },
	{ "FROM a\n#RUN apt-get install -y curl\n",
	  "{'op':'add_line','path':'D','after':'FROM a','line':'" NEW_RUN "'}", NULL },
	{ "FROM a\nCOPY x y\nFROM a\n", NULL, "FROM line" },
	{ "FROM python:3-alpine\n", NULL, "no Debian" },
	{ "FROM a\nRUN apk add curl\n", NULL, "another tool" },
	{ "FROM a\nRUN apt-get install -y libgl1=1.0 curl\n", NULL, "already" },
	{ "RUN apt-get install -y curl\n", NULL, "no FROM" },
};

START_TEST(test_install)
{
	AUTO(dockerfile) struct dockerfile file = { 0 };
	const char *text = installs[_i].dockerfile, *why = NULL;

	dockerfile_parse(text, strlen(text), &file);
	AUTO_JSON json_t *got =
		dockerfile_install(&file, "D", "libgl1", file.count, &why);
	AUTO_JSON json_t *want =
		installs[_i].edit ? json_quoted(installs[_i].edit) : NULL;
	AUTO_FREE char *shown =
		got ? json_dumps(got, JSON_COMPACT) : text_copy("nothing");
	ck_assert_msg(!want == !got && (!want || json_equal(want, got)), "%s: %s", text,
		      shown);
	if (!want)
		ck_assert_msg(strstr(why, installs[_i].why), "%s: %s", text, why);
}
END_TEST

/* ---- logs and rule packs ---------------------------------------------------- */

START_TEST(test_log_is_cleaned)
{
	static const char dirty[] =
		"\033[1;31mred\033[0m\r\n\033]0;title\atab\there\001\033\n";
	AUTO_TEXT struct text clean = { 0 };

	log_clean(dirty, sizeof(dirty) - 1, &clean);
	ck_assert_str_eq(text_get(&clean), "red\ntab\there \n");
}
END_TEST

/* Patterns compile, kinds are known, every name in a text is one that can be filled. */
START_TEST(test_pack_is_complete)
{
	AUTO(pack) struct pack pack = { 0 };
	struct fault fault = { 0 };

	ck_assert_msg(pack_load(RULES "/python.yaml", &pack, &fault) == 0, "%s",
		      fault.text);
	ck_assert_uint_ge(pack.rule_count, 6);
	ck_assert_uint_ge(json_object_size(json_object_get(pack.json, "packages")), 60);
	ck_assert_str_eq(pack_package(&pack, "sklearn.linear_model"), "scikit-learn");
	ck_assert_str_eq(pack_package(&pack, "cv2"), "opencv-python");
	ck_assert_str_eq(pack_package(&pack, "flask.cli"), "flask");
	ck_assert_ptr_null(pack_package(&pack, "flas"));
	ck_assert_ptr_null(pack_package(&pack, "google.cloud.acme"));
	ck_assert_ptr_nonnull(pack_not_package(&pack, "google.cloud.acme"));
}
END_TEST

static const struct {
	const char *pack, *says;
} bad_packs[] = {
	{ "rules: [", "no YAML" },
	{ "rules: []", "`fettle: 1`" },
	{ "fettle: 1\nrules: []", "no rules" },
	{ "fettle: 1\nrules: [{id: a, kind: b, title: c}]", "remedy are needed" },
	{ "fettle: 1\nrules: [{id: a, kind: b, title: c, remedy: d}]", "confidence" },
	{ "fettle: 1\nrules: [{id: a, kind: b, title: c, remedy: d, confidence: 9}]",
	  "no pattern" },
	{ "fettle: 1\nrules: [{id: a, kind: b, title: c, remedy: d, confidence: 9, "
	"patterns: ['(']}]",
	  "missing closing parenthesis" },
};

START_TEST(test_bad_pack)
{
	AUTO(pack) struct pack pack = { 0 };
	struct fault fault = { 0 };

	ck_assert_int_eq(pack_parse(bad_packs[_i].pack, strlen(bad_packs[_i].pack),
				    "x.yaml", &pack, &fault),
			 -1);
	ck_assert_str_eq(fault.code, "rules_invalid");
	ck_assert_msg(strstr(fault.text, bad_packs[_i].says), "%s", fault.text);
	ck_assert_ptr_null(pack.rules);
}
END_TEST

/* ---- anything at all ------------------------------------------------------- */

/* Pieces that these parsers look for, in any order: nothing is read out of bounds. */
START_TEST(test_any_input)
{
	static const char *const pieces[] = {
		"flask",
		"==",
		"=",
		"2.0",
		" ",
		",",
		";",
		"[",
		"]",
		"\"",
		"'",
		"#",
		"\\",
		"\n",
		"\r\n",
		"RUN ",
		"FROM ",
		"COPY ",
		"apt-get ",
		"install ",
		"-y ",
		"-t ",
		"-r ",
		"pip install ",
		"requirements.txt",
		"@",
		"--hash",
		"!",
		"rc",
		".",
		"1",
		"/",
		"..",
		"\xc3\xa9",
		"\xff",
		"\t",
		"```",
		"-",
		"$X",
		"--from=a ",
	};
	unsigned state = 20261121 + (unsigned)_i;

	for (int i = 0; i < 400; i++) {
		AUTO(dockerfile) struct dockerfile file = { 0 };
		AUTO_TEXT struct text input = { 0 };
		const char *why = NULL;

		for (int n = rand_r(&state) % 24; n >= 0; n--)
			text_add(&input,
				 pieces[(unsigned)rand_r(&state) % COUNT_OF(pieces)]);
		AUTO_FREE char *repaired = requirement_repair(text_get(&input));
		AUTO_FREE char *newest_one = version_newest(text_get(&input));
		if (repaired && *repaired) {
			AUTO_FREE char *again = requirement_repair(repaired);
			ck_assert_msg(!again,
				      "'%s' was repaired to '%s' and then to '%s'",
				      text_get(&input), repaired, again);
		}
		dockerfile_parse(text_get(&input), input.len, &file);
		AUTO_FREE char *manifest = dockerfile_manifest(
			&file, has_file, (void *)"requirements.txt");
		AUTO_JSON json_t *edit =
			dockerfile_install(&file, "D", "libgl1", file.count, &why);
		ck_assert(edit || why || strstr(input.s, "\xff"));
		(void)newest_one;
		(void)manifest;
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("rules-parts");
	TCase *tc = tcase_create("parts");

	tcase_add_loop_test(tc, test_requirement, 0, (int)COUNT_OF(lines));
	tcase_add_loop_test(tc, test_repair, 0, (int)COUNT_OF(repairs));
	tcase_add_test(tc, test_package_names);
	tcase_add_loop_test(tc, test_newest, 0, (int)COUNT_OF(newest));
	tcase_add_loop_test(tc, test_manifest, 0, (int)COUNT_OF(manifests));
	tcase_add_loop_test(tc, test_install, 0, (int)COUNT_OF(installs));
	tcase_add_test(tc, test_log_is_cleaned);
	tcase_add_test(tc, test_pack_is_complete);
	tcase_add_loop_test(tc, test_bad_pack, 0, (int)COUNT_OF(bad_packs));
	tcase_add_loop_test(tc, test_any_input, 0, 50);
	suite_add_tcase(suite, tc);
	return module_run(suite);
}
