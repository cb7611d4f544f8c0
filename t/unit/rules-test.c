/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rule pack on logs as services write them: which rule wins, and what it
 * makes of the service's files.
 */
#include "module.h"

#include "plugins/analyze/resolve.h"

#define API                                                                            \
	"{'name':'api','has_build':true,'context':'api',"                              \
	"'dockerfile':'api/Dockerfile','ports':['18080:8080/tcp']}"
#define DOCKERFILE                                                                     \
	"FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt ./\n"              \
	"RUN pip install -r requirements.txt\nCOPY . .\nCMD [\"python\",\"app.py\"]\n"
#define TRACEBACK                                                                      \
	"Traceback (most recent call last):\n"                                         \
	"  File \"/app/app.py\", line 7, in <module>\n"
#define MODULE(import, name)                                                           \
	TRACEBACK "    " import "\nModuleNotFoundError: No module named '" name "'\n"
#define PIP_PIN                                                                        \
	"ERROR: Could not find a version that satisfies the requirement flask==9.9.9 " \
	"(from versions: 0.1, 0.12.5, 2.3.3, 3.0.0rc1, 3.0.3, 3.1.0.dev1)\n"           \
	"ERROR: No matching distribution found for flask==9.9.9\n"
#define ADD(package)                                                                   \
	"[{'op':'add_line','path':'api/requirements.txt','line':'" package "'}]"
#define REPLACE(file, find, with)                                                      \
	"[{'op':'replace','path':'api/" file "','find':'" find "','with':'" with "'}]"

static const struct rule_case {
	const char *name, *log, *rule; /* rule: that comes first; NULL: none */
	const char *edits, *says; /* edits or NULL; a part of the diagnosis or NULL */
	const char *requirements; /* NULL: "flask==3.0.3\n" */
	const char *dockerfile;	  /* NULL: DOCKERFILE */
	const char *own;	  /* NULL: API */
} rule_cases[] = {
	/* missing module */
	{ "import name is another than the package", MODULE("import yaml", "yaml"),
	  "python.missing_module", ADD("PyYAML"),
	  "`ModuleNotFoundError: No module named 'yaml'` "
	  "(line 4 of its log); 'PyYAML' is added to api/requirements.txt" },
	{ "one word", MODULE("import requests", "requests"), "python.missing_module",
	  ADD("requests"), NULL },
	{ "submodule", MODULE("from dateutil.parser import parse", "dateutil.parser"),
	  "python.missing_module", ADD("python-dateutil"), NULL },
	{ "namespace package",
	  MODULE("from google.cloud import storage", "google.cloud.storage"),
	  "python.missing_module", ADD("google-cloud-storage"), NULL },
	{ "ruamel.yaml is not yaml", MODULE("import ruamel.yaml", "ruamel.yaml"),
	  "python.missing_module", ADD("ruamel.yaml"), NULL },
	{ "python -m", "/usr/local/bin/python: No module named gunicorn\n",
	  "python.missing_module", ADD("gunicorn"), NULL },
	{ "python -m of a package without __main__",
	  "/usr/bin/python3: No module named worker.__main__; 'worker' is a package "
	  "and cannot be "
	  "directly executed\n",
	  "python.missing_module", NULL, "cannot be run with `python -m`" },
	{ "Python 2", TRACEBACK "    import bs4\nImportError: No module named bs4\n",
	  "python.missing_module", ADD("beautifulsoup4"), NULL },
	{ "log prefix of gunicorn",
	  "[2026-11-21 10:00:01 +0000] [7] [ERROR] Exception in worker process\n"
	  "[2026-11-21 10:00:01 +0000] [7] [ERROR] ModuleNotFoundError: No module "
	  "named 'PIL'\n",
	  "python.missing_module", ADD("Pillow"), NULL },
	{ "unknown name is a guess", MODULE("import acme_metrics", "acme_metrics"),
	  "python.missing_module", ADD("acme_metrics"), NULL },
	{ "a slip is not installed", MODULE("import reqeusts", "reqeusts"),
	  "python.missing_module", NULL, "'requests' may be meant" },
	{ "nor one letter too many", MODULE("import numpyy", "numpyy"),
	  "python.missing_module", NULL, "'numpy' may be meant" },
	{ "the last one counts",
	  MODULE("import cv2", "cv2") MODULE("import jwt", "jwt"),
	  "python.missing_module", ADD("PyJWT"), NULL },
	{ "listed already", MODULE("import flask", "flask"), "python.missing_module",
	  NULL, "'Flask >= 2' stands in api/requirements.txt already", "Flask >= 2\n" },
	{ "pinned by hash", MODULE("import yaml", "yaml"), "python.missing_module",
	  NULL, "pins by hash", "flask==3.0.3 --hash=sha256:aa\n" },
	{ "removed from Python", MODULE("import distutils.util", "distutils.util"),
	  "python.missing_module", NULL, "setuptools" },
	{ "most likely the project's own", MODULE("import settings", "settings"),
	  "python.missing_module", NULL, "module of the project itself" },
	{ "no requirements file", MODULE("import yaml", "yaml"),
	  "python.missing_module", NULL, "installs from no requirements file", "" },
	{ "no build section", MODULE("import yaml", "yaml"), "python.missing_module",
	  NULL, "no `build:` section", NULL, NULL,
	  "{'name':'api','has_build':false,'context':null,'dockerfile':null}" },
	{ "built from elsewhere", MODULE("import yaml", "yaml"),
	  "python.missing_module", NULL, "outside the project", NULL, NULL,
	  "{'name':'api','has_build':true,'context':null,'dockerfile':null}" },
	{ "distribution",
	  "pkg_resources.DistributionNotFound: The 'itsdangerous>=2.0' distribution"
	  " was not found and is required by flask\n",
	  "python.missing_distribution", ADD("itsdangerous"), NULL },
	{ "metadata",
	  "importlib.metadata.PackageNotFoundError: No package metadata was found for "
	  "email-validator\n",
	  "python.missing_distribution", ADD("email-validator"), NULL },

	/* wrong version pin */
	{ "newest final version", PIP_PIN, "python.version_pin",
	  REPLACE("requirements.txt", "flask==9.9.9", "flask==3.0.3"),
	  "'flask==9.9.9' becomes 'flask==3.0.3'", "flask==9.9.9\n" },
	{ "extras, marker and comment stay", PIP_PIN, "python.version_pin",
	  REPLACE("requirements.txt",
		  "Flask[async] == 9.9.9 ; python_version > \\u00223\\u0022  # web",
		  "Flask[async] ==3.0.3 ; python_version > \\u00223\\u0022  # web"),
	  NULL, "Flask[async] == 9.9.9 ; python_version > \"3\"  # web\n" },
	{ "old pip says where",
	  "ERROR: Could not find a version that satisfies the requirement "
	  "redis>=99 (from -r requirements.txt (line 2)) (from versions: 4.6.0, "
	  "5.0.1)\n"
	  "ERROR: No matching distribution found for redis>=99 (from -r "
	  "requirements.txt (line 2))\n",
	  "python.version_pin",
	  REPLACE("requirements.txt", "redis>=99", "redis==5.0.1"), NULL,
	  "flask==3.0.3\nredis>=99\n" },
	{ "no versions at all",
	  "ERROR: Could not find a version that satisfies the requirement "
	  "flaskk==1.0 (from versions: none)\nERROR: No matching distribution found "
	  "for flaskk==1.0\n",
	  "python.version_pin", NULL,
	  "the name is wrong, or the package index cannot be reached",
	  "flaskk==1.0\n" },
	{ "wanted by another package",
	  "ERROR: Could not find a version that satisfies the "
	  "requirement click>=99 (from flask) (from versions: 8.1.7)\n",
	  "python.version_pin", NULL, "wanted by flask" },
	{ "part of another line", PIP_PIN, "python.version_pin",
	  REPLACE("requirements.txt", "\\nflask==9.9.9\\n", "\\nflask==3.0.3\\n"), NULL,
	  "my-flask==9.9.9\nflask==9.9.9\n" },

	/* missing system library */
	{ "new RUN",
	  TRACEBACK
	  "    import cv2\nImportError: libGL.so.1: cannot open shared object "
	  "file: No such file or directory\n",
	  "system.missing_library",
	  "[{'op':'add_line','path':'api/Dockerfile','after':'FROM "
	  "python:3.12-slim','line':'RUN "
	  "apt-get update && apt-get install -y --no-install-recommends libgl1 && rm "
	  "-rf "
	  "/var/lib/apt/lists/*'}]",
	  "libgl1" },
	{ "existing apt-get",
	  "OSError: libpq.so.5: cannot open shared object file: No such file or "
	  "directory\n",
	  "system.missing_library",
	  REPLACE("Dockerfile", "RUN apt-get update && apt-get install -y curl && true",
		  "RUN apt-get update && apt-get install -y libpq5 curl && true"),
	  NULL, NULL,
	  "FROM python:3\nRUN apt-get update && apt-get install -y curl && true\n" },
	{ "cffi",
	  "OSError: cannot load library 'pango-1.0-0': pango-1.0-0: cannot open shared "
	  "object file: No such file or directory.\n",
	  "system.missing_library",
	  REPLACE("Dockerfile", "RUN apt-get install -y curl",
		  "RUN apt-get install -y libpango-1.0-0 curl"),
	  NULL, NULL, "FROM python:3\nRUN apt-get install -y curl\n" },
	{ "Alpine",
	  "ImportError: libGL.so.1: cannot open shared object file: No such file\n",
	  "system.missing_library", NULL, "no Debian or Ubuntu", NULL,
	  "FROM python:3-alpine\n" },
	{ "unknown library",
	  "ImportError: libacme.so.7: cannot open shared object file: No such "
	  "file or directory\n",
	  "system.missing_library", NULL, "do not know which" },
	{ "installed already",
	  "ImportError: libGL.so.1: cannot open shared object file: No such\n",
	  "system.missing_library", NULL, "already: the image is older", NULL,
	  "FROM python:3\nRUN apt-get install -y \\\n  libgl1 \\\n  curl\n" },

	/* syntax error in the manifest */
	{ "single equals sign",
	  "ERROR: Invalid requirement: 'flask=2.0' (from line 1 of "
	  "requirements.txt)\nHint: = is not a valid operator. Did you mean == ?\n",
	  "python.manifest_syntax",
	  REPLACE("requirements.txt", "flask=2.0", "flask==2.0"),
	  "'flask=2.0' becomes 'flask==2.0'", "flask=2.0\nredis\n" },
	{ "new pip",
	  "ERROR: Invalid requirement: 'flask=>2.0': Expected end or semicolon (after "
	  "name and no valid version specifier)\n    flask=>2.0\n         ^ (from "
	  "line 1 of "
	  "requirements.txt)\n",
	  "python.manifest_syntax",
	  REPLACE("requirements.txt", "flask=>2.0", "flask>=2.0"), NULL,
	  "flask=>2.0\n" },
	{ "a fence goes",
	  "ERROR: Invalid requirement: '```' (from line 2 of requirements.txt)\n",
	  "python.manifest_syntax",
	  "[{'op':'remove_line','path':'api/requirements.txt','line':'```'}]",
	  "is removed", "flask\n```\n" },
	{ "a merge conflict is for a person",
	  "ERROR: Invalid requirement: '<<<<<<< HEAD' (from line "
	  "1 of requirements.txt)\n",
	  "python.manifest_syntax", NULL, "cannot be told for certain",
	  "<<<<<<< HEAD\nflask\n" },
	{ "the line is another now",
	  "ERROR: Invalid requirement: 'flask=2.0' (from line 1 of "
	  "requirements.txt)\n",
	  "python.manifest_syntax", NULL, "does not stand exactly once",
	  "flask==2.0\n" },

	/* ports */
	{ "uvicorn",
	  "ERROR:    [Errno 98] error while attempting to bind on address ('0.0.0.0', "
	  "8000): address already in use\n",
	  "python.port_in_use", NULL, "cannot be seen from here" },
	{ "gunicorn",
	  "[2026-11-21 10:00:00 +0000] [1] [ERROR] Connection in use: ('0.0.0.0', 5000)"
	  "\n",
	  "python.port_in_use", NULL, "port 5000 is already in use" },
	{ "the engine names a neighbour's",
	  "driver failed programming external connectivity on "
	  "endpoint shop_api_1: Bind for 0.0.0.0:18081 failed: port is already "
	  "allocated\n",
	  "system.port_in_use", NULL,
	  "service 'web' of this project publishes port 18081 too" },
	{ "plain socket", TRACEBACK "OSError: [Errno 98] Address already in use\n",
	  "python.port_in_use", NULL, "in use" },
	{ "another port than published",
	  " * Running on http://0.0.0.0:5000/ (Press CTRL+C to quit)"
	  "\n",
	  "python.wrong_port", NULL, "disagree about the port" },
	{ "loopback only",
	  "INFO:     Uvicorn running on http://127.0.0.1:8080 (Press CTRL+C)\n",
	  "python.wrong_port", NULL, "nobody outside the container can reach" },
	{ "as expected",
	  "INFO:     Uvicorn running on http://0.0.0.0:8080 (Press CTRL+C)\n", NULL },
	{ "loopback of the host", "Running on http://127.0.0.1:8080\n", NULL, NULL,
	  NULL, NULL, NULL,
	  "{'name':'api','has_build':true,'context':'api','dockerfile':'x',"
	  "'network_mode':'host','ports':['8080/tcp']}" },

	/* environment */
	{ "os.environ",
	  TRACEBACK
	  "    DB = os.environ['DATABASE_URL']\n         ~~~~~~~~~~^^^^\n"
	  "  File \"/usr/local/lib/python3.12/os.py\", line 685, in __getitem__\n"
	  "    raise KeyError(key) from None\nKeyError: 'DATABASE_URL'\n",
	  "python.missing_variable", NULL, "DATABASE_URL is not set" },
	{ "frozen os",
	  TRACEBACK "  File \"<frozen os>\", line 714, in __getitem__\n"
		    "KeyError: 'API_PORT'\n",
	  "python.missing_variable", NULL, "API_PORT is not set" },
	{ "decouple",
	  "decouple.UndefinedValueError: SECRET_KEY not found. Declare it as envvar or "
	  "define a default value.\n",
	  "python.missing_variable", NULL, "SECRET_KEY" },
	{ "a KeyError of the program's own",
	  TRACEBACK "    x = prices['bread']\nKeyError: 'bread'\n", NULL },

	/* nothing */
	{ "healthy", "INFO: started\nGET /healthz 200\n", NULL },
	{ "empty", "", NULL },
};

static const char *
read_case(void *arg, const char *path, size_t *ret_len)
{
	const struct rule_case *c = arg;
	const char *bytes = NULL;

	if (text_equal(path, "api/requirements.txt"))
		bytes = c->requirements ? c->requirements : "flask==3.0.3\n";
	if (text_equal(path, "api/Dockerfile"))
		bytes = c->dockerfile ? c->dockerfile : DOCKERFILE;
	if (bytes && !*bytes)
		bytes = NULL; /* "": there is none */
	*ret_len = bytes ? strlen(bytes) : 0;
	return bytes;
}

static void
load(struct packs *packs)
{
	struct fault fault = { 0 };

	ck_assert_msg(packs_load(RULES, packs, &fault) == 0, "%s", fault.text);
}

/* Everything that happens between a log and its ranked findings. */
static void
find(const struct packs *packs, const char *log, const struct site *site,
     struct findings *ret)
{
	AUTO_TEXT struct text clean = { 0 };
	size_t gave_up = 0;

	log_clean(log, strlen(log), &clean);
	for (size_t i = 0; i < packs->count; i++)
		findings_match(&packs->v[i], &clean, ret, &gave_up);
	ck_assert_uint_eq(gave_up, 0);
	for (size_t i = 0; i < ret->count; i++)
		finding_resolve(&ret->v[i], site);
	findings_rank(ret);
}

START_TEST(test_rule)
{
	struct rule_case c = rule_cases[_i];
	AUTO(packs) struct packs packs = { 0 };
	AUTO(findings) struct findings findings = { 0 };
	AUTO_JSON json_t *own = json_quoted(c.own ? c.own : API);
	AUTO_JSON json_t *services =
		json_quoted("{'api':{},'web':{'ports':['18081:80/tcp']}}");
	struct site site = { .service = "api", .may_guess = true,
			     .own = own,
			     .services = services,
			     .read = read_case,
			     .arg = &c };

	load(&packs);
	find(&packs, c.log, &site, &findings);
	if (!c.rule) {
		ck_assert_msg(findings.count == 0, "%s: found %s", c.name,
			      findings.count ? findings.v[0].rule->id : "");
		return;
	}
	ck_assert_msg(findings.count > 0, "%s: nothing found", c.name);
	const struct finding *f = &findings.v[0];

	ck_assert_msg(text_equal(f->rule->id, c.rule), "%s: %s", c.name, f->rule->id);
	AUTO_FREE char *got =
		f->edits ? json_dumps(f->edits, JSON_COMPACT | JSON_SORT_KEYS) :
			   text_copy("none");
	AUTO_JSON json_t *edits = c.edits ? json_quoted(c.edits) : NULL;
	ck_assert_msg(!edits == !f->edits && (!edits || json_equal(edits, f->edits)),
		      "%s: %s: %s", c.name, got, f->diagnosis);
	ck_assert_msg(!c.says || strstr(f->diagnosis, c.says), "%s: %s", c.name,
		      f->diagnosis);
	ck_assert_msg(!strchr(f->title, '{') && !strchr(f->remedy, '{'), "%s: %s, %s",
		      c.name, f->title, f->remedy);
	ck_assert_uint_gt(strlen(f->evidence), 0);
}
END_TEST

/* ---- what the table cannot say --------------------------------------------- */

static const struct rule_case plain = { .name = "plain" };

static struct site
plain_site(const json_t *own)
{
	return (struct site){
		.service = "api", .may_guess = true, .own = own, .read = read_case,
		.arg = (void *)&plain
	};
}

START_TEST(test_surest_comes_first)
{
	AUTO(packs) struct packs packs = { 0 };
	AUTO(findings) struct findings findings = { 0 };
	AUTO_JSON json_t *own = json_quoted(API);
	struct site site = plain_site(own);

	load(&packs);
	find(&packs,
	     MODULE("import acme",
		    "acme") " * Running on http://0.0.0.0:5000/\n" MODULE("import yaml",
									  "yaml"),
	     &site, &findings);
	ck_assert_uint_eq(findings.count, 3);
	ck_assert_str_eq(names_get(findings.v[0].names, "module"), "yaml");
	ck_assert_int_eq(findings.v[0].confidence, 95);
	ck_assert_str_eq(names_get(findings.v[1].names, "module"), "acme");
	ck_assert_int_eq(findings.v[1].confidence, 70);
	ck_assert_str_eq(findings.v[2].rule->id, "python.wrong_port");
}
END_TEST

START_TEST(test_guessing_can_be_forbidden)
{
	AUTO(packs) struct packs packs = { 0 };
	AUTO(findings) struct findings findings = { 0 };
	AUTO_JSON json_t *own = json_quoted(API);
	struct site site = plain_site(own);

	site.may_guess = false;
	load(&packs);
	find(&packs, MODULE("import acme_metrics", "acme_metrics"), &site, &findings);
	ck_assert_ptr_null(findings.v[0].edits);
	ck_assert_ptr_nonnull(strstr(findings.v[0].diagnosis, "rules do not know"));
	findings_done(&findings);
	find(&packs, MODULE("import yaml", "yaml"), &site, &findings);
	ck_assert_ptr_nonnull(findings.v[0].edits);
}
END_TEST

START_TEST(test_what_is_long_past_counts_less)
{
	AUTO(packs) struct packs packs = { 0 };
	AUTO(findings) struct findings findings = { 0 };
	AUTO_TEXT struct text log = { 0 };
	AUTO_JSON json_t *own = json_quoted(API);
	struct site site = plain_site(own);

	load(&packs);
	text_add(&log, "WARNING ModuleNotFoundError: No module named 'ujson'\n");
	for (int i = 0; i < 100; i++)
		text_addf(&log, "GET /page/%d 200\n", i);
	text_add(&log, "KeyError: x\nos.environ['TOKEN']\nKeyError: 'TOKEN'\n");
	find(&packs, text_get(&log), &site, &findings);
	ck_assert_uint_eq(findings.count, 2);
	ck_assert_str_eq(findings.v[0].rule->id, "python.missing_variable");
	ck_assert_int_eq(findings.v[1].confidence, 75);
}
END_TEST

START_TEST(test_local_module_is_no_package)
{
	char root[] = "/tmp/fettle-rules-XXXXXX";
	AUTO(packs) struct packs packs = { 0 };
	AUTO(findings) struct findings findings = { 0 };
	AUTO_JSON json_t *own = json_quoted(API);
	struct site site = plain_site(own);

	ck_assert_ptr_nonnull(mkdtemp(root));
	AUTO_FREE char *make =
		text_format("mkdir -p %s/api/shop/billing %s/api/yaml && touch "
			    "%s/api/shop/billing/vat.py",
			    root, root, root);
	AUTO_FREE char *clear = text_format("rm -r %s", root);
	ck_assert_int_eq(system(make), 0);
	site.directory = root;
	load(&packs);
	find(&packs, MODULE("import billing.vat", "billing.vat"), &site, &findings);
	ck_assert_ptr_null(findings.v[0].edits);
	ck_assert_ptr_nonnull(strstr(findings.v[0].diagnosis,
				     "'shop/billing/' in the build context"));
	findings_done(&findings);
	/* A directory without Python in it is no module: yaml is PyYAML still. */
	find(&packs, MODULE("import yaml", "yaml"), &site, &findings);
	ck_assert_ptr_nonnull(findings.v[0].edits);
	ck_assert_int_eq(system(clear), 0);
}
END_TEST

START_TEST(test_hostile_log_ends)
{
	AUTO(packs) struct packs packs = { 0 };
	AUTO(findings) struct findings findings = { 0 };
	AUTO_TEXT struct text log = { 0 }, clean = { 0 };
	size_t gave_up = 0;

	load(&packs);
	for (int i = 0; i < 20000; i++)
		text_add(
			&log,
			"File \"/os.py\", line 1, in __getitem__ lib.so.lib.so.lib "
			"('a'(\n");
	log_clean(text_get(&log), log.len, &clean);
	ck_assert_uint_le(clean.len, LOG_MAX_BYTES);
	for (size_t i = 0; i < packs.count; i++)
		findings_match(&packs.v[i], &clean, &findings, &gave_up);
	ck_assert_uint_eq(findings.count, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("rules");
	TCase *tc = tcase_create("rules");

	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, test_rule, 0, (int)COUNT_OF(rule_cases));
	tcase_add_test(tc, test_surest_comes_first);
	tcase_add_test(tc, test_guessing_can_be_forbidden);
	tcase_add_test(tc, test_what_is_long_past_counts_less);
	tcase_add_test(tc, test_local_module_is_no_package);
	tcase_add_test(tc, test_hostile_log_ends);
	suite_add_tcase(suite, tc);
	return module_run(suite);
}
