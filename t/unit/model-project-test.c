/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Projects of core/model: fettle.yaml, finding the target of an instruction. */
#include "model.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/path.h"
#include "model/probe.h"
#include "model/project.h"

static char *directory; /* of the running test */

static void
begin(void)
{
	directory = unit_directory();
}

static void
end(void)
{
	unit_remove(directory);
	free(directory);
}

static void
write_file(const char *name, const char *text)
{
	AUTO_FREE char *path = path_join(directory, name);
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(file_write_all(fd, text, strlen(text)), 0);
}

static struct project *
load(const char *text, struct err *err)
{
	AUTO_FREE char *path = path_join(directory, "fettle.yaml");

	write_file("fettle.yaml", text);
	return project_load(path, err);
}

static struct project *
load_good(const char *text)
{
	struct err err = { "" };
	struct project *p = load(text, &err);

	ck_assert_msg(p != NULL, "%s: %s", text, err.text);
	return p;
}

#define HEAD "fettle: 1\nproject: shop\n"

static const struct {
	const char *text, *code;
	uint32_t line, column;
} refusals[] = {
	{ "fettle: 2\nproject: shop\n", "project.version", 1, 9 },
	{ "fettle: 1\n", "project.name", 1, 1 },
	{ "fettle: 1\nproject: Shop\n", "project.name", 2, 10 },
	{ "fettle: 1\nproject: -shop\n", "project.name", 2, 10 },
	{ "fettle: 1\nproject: ''\n", "project.name", 2, 10 },
	{ "fettle: 1\nproject: [x]\n", "project.name", 2, 10 },
	{ "fettle: 1\nproject: null\n", "project.name", 2, 10 },
	{ HEAD "service: {}\n", "key.unknown", 3, 1 },
	/* compose */
	{ HEAD "compose: []\n", "type.map", 3, 10 },
	{ HEAD "compose: { file: x }\n", "key.unknown", 3, 12 },
	{ HEAD "compose: { files: x }\n", "type.list", 3, 19 },
	{ HEAD "compose: { files: [../x] }\n", "path.invalid", 3, 20 },
	{ HEAD "compose: { files: [[x]] }\n", "type.string", 3, 20 },
	{ HEAD "compose: { env: [PATH] }\n", "env.denied", 3, 18 },
	{ HEAD "compose: { env: [A, COMPOSE_FILE] }\n", "env.denied", 3, 21 },
	{ HEAD "compose: { env: ['A=B'] }\n", "env.name", 3, 18 },
	{ HEAD "compose: { env_file: /etc/passwd }\n", "path.invalid", 3, 22 },
	{ HEAD "compose: { profiles: [--all] }\n", "service.grammar", 3, 23 },
	{ HEAD "compose: { docker_host: 'tcp://evil:2375' }\n", "url.policy", 3, 25 },
	{ HEAD "compose: { docker_host: 'unix://' }\n", "url.policy", 3, 25 },
	{ HEAD "compose: { docker_config: ../x }\n", "path.invalid", 3, 27 },
	{ HEAD "compose: { buildkit: maybe }\n", "type.bool", 3, 22 },
	{ HEAD "compose: { directory: ../x }\n", "path.invalid", 3, 23 },
	/* secrets */
	{ HEAD "secrets: []\n", "type.map", 3, 10 },
	{ HEAD "secrets: { A: hunter2 }\n", "secret.ref", 3, 15 },
	{ HEAD "secrets: { A: 'env:' }\n", "secret.ref", 3, 15 },
	{ HEAD "secrets: { A: 'env:A B' }\n", "secret.ref", 3, 15 },
	{ HEAD "secrets: { A: 'file:' }\n", "secret.ref", 3, 15 },
	{ HEAD "secrets: { a.b: env:A }\n", "secret.name", 3, 12 },
	/* services */
	{ HEAD "services: []\n", "type.map", 3, 11 },
	{ HEAD "services: { _x: }\n", "service.grammar", 3, 13 },
	{ HEAD "services: { api: [] }\n", "type.map", 3, 18 },
	{ HEAD "services: { api: { allowed: [] } }\n", "key.unknown", 3, 20 },
	{ HEAD "services: { api: { allow: x } }\n", "type.list", 3, 27 },
	{ HEAD "services: { api: { allow: [a, [b]] } }\n", "type.string", 3, 31 },
	{ HEAD "services: { api: { allow: [~] } }\n", "type.string", 3, 28 },
	{ HEAD "services: { api: { protected: 1 } }\n", "type.bool", 3, 31 },
	{ HEAD "services: { api: { aliases: x } }\n", "type.list", 3, 29 },
	{ HEAD "services: { api: { aliases: ['a b'] } }\n", "service.grammar", 3, 30 },
	{ HEAD "services: { api: { aliases: [web] }, web: }\n", "service.alias", 3,
	  30 },
	{ HEAD "services: { a: { aliases: [x] }, b: { aliases: [x] } }\n",
	  "service.alias", 3, 49 },
	/* health */
	{ HEAD "services: { api: { health: {} } }\n", "type.list", 3, 28 },
	{ HEAD "services: { api: { health: [{}] } }\n", "key.missing", 3, 29 },
	{ HEAD "services: { api: { health: [{ http: 'file:///x' }] } }\n", "url.policy",
	  3, 37 },
	{ HEAD "services: { api: { health: [{ http: ':80', status: 2 }] } }\n",
	  "key.unknown", 3, 44 },
	{ HEAD "services: { api: { health: [{ http: ':80', method: get }] } }\n",
	  "type.choice", 3, 52 },
	{ HEAD "services: { api: { health: [{ http: ':80', expect: ok }] } }\n",
	  "type.int", 3, 52 },
	{ HEAD "services: { api: { health: [{ http: ':80', expect: 99 }] } }\n",
	  "type.range", 3, 52 },
	{ HEAD "services: { api: { health: [{ http: ':80', expect: 600 }] } }\n",
	  "type.range", 3, 52 },
	{ HEAD "services: { api: { health: [{ http: ':80', match: [] }] } }\n",
	  "type.string", 3, 51 },
	{ HEAD "services: { api: { health: [{ http: ':80', tcp: ':81' }] } }\n",
	  "key.conflict", 3, 49 },
	{ HEAD "services: { api: { health: [{ log: ok, command: [true] }] } }\n",
	  "key.conflict", 3, 36 },
	{ HEAD "services: { api: { health: [{ timeout: 5s }] } }\n",
	  "key.missing", 3, 29 },
	{ HEAD "services: { api: { health: [{ htp: ':80' }] } }\n",
	  "key.unknown", 3, 31 },
	{ HEAD "services: { api: { health: [{ tcp: ':80', expect: 200 }] } }\n",
	  "key.unknown", 3, 43 },
	{ HEAD "services: { api: { health: [{ tcp: ':80/x' }] } }\n",
	  "url.policy", 3, 36 },
	{ HEAD "services: { api: { health: [{ tcp: '80' }] } }\n",
	  "url.policy", 3, 36 },
	{ HEAD "services: { api: { health: [{ tcp: 'db' }] } }\n",
	  "url.policy", 3, 36 },
	{ HEAD "services: { api: { health: [{ tcp: '169.254.169.254:80' }] } }\n",
	  "url.policy", 3, 36 },
	{ HEAD "services: { api: { health: [{ tcp: '[fe80::1]:80' }] } }\n",
	  "url.policy", 3, 36 },
	{ HEAD "services: { api: { health: [{ tcp: '[::1]' }] } }\n",
	  "url.policy", 3, 36 },
	{ HEAD "services: { api: { health: [{ tcp: ':2375' }] } }\n",
	  "url.policy", 3, 36 },
	{ HEAD "services: { api: { health: [{ tcp: ':70000' }] } }\n",
	  "url.policy", 3, 36 },
	{ HEAD "services: { api: { health: [{ tcp: [] }] } }\n",
	  "type.string", 3, 36 },
	{ HEAD "services: { api: { health: [{ command: pg_isready }] } }\n",
	  "type.list", 3, 40 },
	{ HEAD "services: { api: { health: [{ command: [] }] } }\n",
	  "type.range", 3, 40 },
	{ HEAD "services: { api: { health: [{ command: [''] }] } }\n",
	  "type.range", 3, 41 },
	{ HEAD "services: { api: { health: [{ command: [sh, []] }] } }\n",
	  "type.string", 3, 45 },
	{ HEAD "services: { api: { health: [{ command: [sh], match: x }] } }\n",
	  "key.unknown", 3, 46 },
	{ HEAD "services: { api: { health: [{ log: '' }] } }\n",
	  "type.range", 3, 36 },
	{ HEAD "services: { api: { health: [{ log: [a] }] } }\n",
	  "type.string", 3, 36 },
	{ HEAD "services: { api: { health: [{ log: x, redirects: true }] } }\n",
	  "key.unknown", 3, 39 },
	{ HEAD "services: { api: { health: [{ http: ':80', expect: [] }] } }\n",
	  "type.range", 3, 52 },
	{ HEAD "services: { api: { health: [{ http: ':80', expect: [200, 600] }] } }\n",
	  "type.range", 3, 58 },
	{ HEAD "services: { api: { health: [{ http: ':80', expect: [200, ok] }] } }\n",
	  "type.int", 3, 58 },
	{ HEAD "services: { api: { health: [{ http: ':80', match: '' }] } }\n",
	  "type.range", 3, 51 },
	{ HEAD "services: { api: { health: [{ http: ':80', redirects: 1 }] } }\n",
	  "type.bool", 3, 55 },
	{ HEAD "services: { api: { health: [{ http: ':80', timeout: 6m }] } }\n",
	  "type.range", 3, 53 },
	{ HEAD "services: { api: { health: [{ log: x, timeout: -1s }] } }\n",
	  "type.range", 3, 48 },
	{ HEAD "services: { api: { health: [{ http: ':80', timeout: 0 }] } }\n",
	  "type.range", 3, 53 },
	/* pipelines */
	{ HEAD "pipelines: []\n", "type.map", 3, 12 },
	{ HEAD "pipelines: { repair: /x.yaml }\n", "path.invalid", 3, 22 },
	{ HEAD "pipelines: { repair: [x] }\n", "type.string", 3, 22 },
	{ HEAD "pipelines: { repair: ops/r.yaml }\nservices: { api: { allow: "
	       "['ops/*.yaml'] } }\n",
	  "allow.self", 4, 28 },
};

START_TEST(a_wrong_project_is_refused_at_its_place)
{
	struct err err = { "" };

	ck_assert_msg(load(refusals[_i].text, &err) == NULL, "%s was taken",
		      refusals[_i].text);
	expect_err(refusals[_i].text, &err, refusals[_i].code, refusals[_i].line,
		   refusals[_i].column);
}
END_TEST

START_TEST(the_value_of_a_secret_is_not_repeated)
{
	struct err err = { "" };

	ck_assert_ptr_null(load(HEAD "secrets: { A: hunter2 }\n", &err));
	ck_assert_ptr_null(strstr(err.text, "hunter2"));
	ck_assert_ptr_null(strstr(err.remedy, "hunter2"));
}
END_TEST

START_TEST(a_compose_directory_has_the_default_files)
{
	struct project *p = load_good(HEAD "compose: { directory: deploy }\n");

	ck_assert_str_eq(json_text(p->compose, "directory"), "deploy");
	expect_json("files", json_incref(json_object_get(p->compose, "files")),
		    "[\"deploy/docker-compose.yml\"]");
	project_free(p);
}
END_TEST

START_TEST(a_project_is_read)
{
	struct project *p = load_good(
		HEAD "compose: { files: [a.yml, b/c.yml], env: [DB], profiles: [web], "
		     "docker_host: 'unix:///run/d.sock', docker_config: /etc/docker, "
		     "buildkit: true }\n"
		     "secrets: { DB: env:DB_PASSWORD, T: 'file:/run/t' }\n"
		     "services:\n"
		     "  api:\n"
		     "    allow: [api/Dockerfile, 'api/**/req*.txt']\n"
		     "    protected: true\n"
		     "    aliases: [API]\n"
		     "    health: [{ http: ':80/x', expect: 204, method: HEAD, match: "
		     "ok, "
		     "timeout: 250ms }]\n"
		     "  9to5:\n"
		     "pipelines: { repair: ops/repair.yaml }\n");
	const struct project_service *api = project_find_service(p, "api");

	ck_assert_str_eq(p->directory, directory);
	ck_assert_uint_eq(strlen(p->file), strlen(directory) + strlen("/fettle.yaml"));
	ck_assert_str_eq(p->name, "shop");
	expect_json("compose", json_incref(p->compose),
		    "{\"buildkit\":true,\"directory\":null,\"docker_config\":\"/etc/"
		    "docker\",\"docker_host\":\"unix:///run/"
		    "d.sock\","
		    "\"env\":[\"DB\"],\"env_file\":null,\"files\":[\"a.yml\",\"b/"
		    "c.yml\"],"
		    "\"profiles\":[\"web\"]}");
	expect_json("secrets", json_incref(p->secrets),
		    "{\"DB\":\"env:DB_PASSWORD\",\"T\":\"file:/run/t\"}");
	expect_json("pipelines", json_incref(p->pipelines),
		    "{\"repair\":\"ops/repair.yaml\"}");
	ck_assert_uint_eq(p->service_count, 2);
	ck_assert_uint_eq(api->allow.count, 2);
	ck_assert_str_eq(api->allow.v[1], "api/**/req*.txt");
	ck_assert(api->is_protected);
	expect_json("health", json_incref(api->health),
		    "[{\"expect\":204,\"http\":\":80/"
		    "x\",\"match\":\"ok\",\"method\":\"HEAD\","
		    "\"timeout_ms\":250}]");
	ck_assert_ptr_null(project_find_service(p, "9to5")->health);
	ck_assert_ptr_null(project_find_service(p, "API"));
	project_free(p);
}
END_TEST

static const struct {
	const char *files[3], *want;
} default_cases[] = {
	{ { NULL }, "[\"docker-compose.yml\"]" },
	{ { "docker-compose.yaml" }, "[\"docker-compose.yaml\"]" },
	{ { "compose.yaml" }, "[\"compose.yaml\"]" },
	{ { "compose.yaml", "docker-compose.yml" }, "[\"docker-compose.yml\"]" },
	{ { "docker-compose.yml", "docker-compose.override.yml" },
	  "[\"docker-compose.yml\",\"docker-compose.override.yml\"]" },
	{ { "docker-compose.override.yml" }, "[\"docker-compose.yml\"]" },
};

START_TEST(compose_files_are_those_compose_would_find)
{
	struct project *p;

	for (size_t i = 0; i < 3 && default_cases[_i].files[i] != NULL; i++)
		write_file(default_cases[_i].files[i], "services: {}\n");
	p = load_good(HEAD "compose:\nservices:\nsecrets:\npipelines:\n");
	expect_json("files", json_incref(json_object_get(p->compose, "files")),
		    default_cases[_i].want);
	project_free(p);
}
END_TEST

START_TEST(a_project_is_found_from_below)
{
	AUTO_FREE char *below = path_join(directory, "a/b");
	struct err err = { "" };
	struct project *p;

	ck_assert_int_eq(path_make_dirs(below, &err), 0);
	write_file("fettle.yaml", HEAD);
	p = project_find(below, &err);
	ck_assert_msg(p != NULL, "%s", err.text);
	ck_assert_str_eq(p->directory, directory);
	project_free(p);
}
END_TEST

START_TEST(without_a_project_init_is_the_remedy)
{
	struct err err = { "" };

	ck_assert_ptr_null(project_find(directory, &err));
	expect_err("none", &err, "project.missing", 0, 0);
	ck_assert_ptr_nonnull(strstr(err.remedy, "fettle init"));
}
END_TEST

START_TEST(a_linked_project_file_is_refused)
{
	AUTO_FREE char *link = path_join(directory, "fettle.yaml");
	struct err err = { "" };

	write_file("other.yaml", HEAD);
	ck_assert_int_eq(symlink("other.yaml", link), 0);
	ck_assert_ptr_null(project_find(directory, &err));
	expect_err("link", &err, "file.type", 0, 0);
}
END_TEST

static const struct {
	const char *path;
	bool is_own;
} own_cases[] = {
	{ "fettle.yaml", true },
	{ "api/fettle.yaml", true },
	{ "ops/repair.yaml", true },
	{ ".git/config", true },
	{ "api/.git/hooks/x", true },
	{ "vendor/.GIT/config", true },
	{ ".git", true },
	{ "ops/other.yaml", false },
	{ ".gitignore", false },
	{ "api/.github/x", false },
	{ "fettle.yml", false },
	{ "api/Dockerfile", false },
};

START_TEST(own_files_are_out_of_reach)
{
	struct project *p = load_good(HEAD "pipelines: { repair: ops/repair.yaml }\n");

	ck_assert_msg(project_is_own_file(p, own_cases[_i].path) ==
			      own_cases[_i].is_own,
		      "%s", own_cases[_i].path);
	project_free(p);
}
END_TEST

START_TEST(without_a_project_git_is_still_out_of_reach)
{
	ck_assert(project_is_own_file(NULL, ".git/config"));
	ck_assert(!project_is_own_file(NULL, "ops/repair.yaml"));
}
END_TEST

static const struct {
	const char *url;
	bool is_taken;
} url_cases[] = {
	{ ":8080", true },
	{ ":8080/healthz?full=1", true },
	{ "http://127.0.0.1:8080/x", true },
	{ "http://[::1]:8080/", true },
	{ "https://shop.example", true },
	{ "", false },
	{ ":", false },
	{ ":0/x", false },
	{ ":65536/x", false },
	{ ":8080x", false },
	{ ":2375/", false },
	{ "8080", false },
	{ "/healthz", false },
	{ "file:///etc/passwd", false },
	{ "gopher://host/", false },
	{ "HTTP://host/", false },
	{ "http://", false },
	{ "http:///x", false },
	{ "http://user:pw@host/", false },
	{ "http://host:x/", false },
	{ "http://host:2375/", false },
	{ "http://[::1]:2375/", false },
	{ "http://[::1/", false },
	{ "http://[x]/", false },
	{ "http://[::1]x/", false },
	{ "http://ho st/", false },
	{ "http://host/a b", false },
	{ "http://host/\xc3\xa9", false },
	{ "http://169.254.169.254/latest/", false },
	{ "http://169.254.169.254:80/", false },
	{ "http://2852039166/", false },
	{ "http://0xA9FEA9FE/", false },
	{ "http://0251.0376.0251.0376/", false },
	{ "http://169.254.43518/", false },
	{ "http://[::ffff:169.254.169.254]/", false },
	{ "http://[fe80::1]/", false },
	{ "http://[fd00:ec2::254]/", false },
	{ "http://metadata.google.internal/", false },
};

START_TEST(probes_ask_no_one_they_should_not)
{
	struct err err = { "" };
	int result = probe_check_http(url_cases[_i].url, &err);

	ck_assert_msg((result == 0) == url_cases[_i].is_taken, "%s", url_cases[_i].url);
	expect_err(url_cases[_i].url, &err, url_cases[_i].is_taken ? "" : "url.policy",
		   0, 0);
}
END_TEST

static const struct {
	const char *entry, *json;
} probe_cases[] = {
	{ "{ http: ':80' }", "{\"http\":\":80\"}" },
	{ "{ http: ':80', expect: [200, 204], redirects: true, match: '^ok$' }",
	  "{\"expect\":[200,204],\"http\":\":80\",\"match\":\"^ok$\","
	  "\"redirects\":true}" },
	{ "{ http: ':80', redirects: false }", "{\"http\":\":80\"}" },
	{ "{ tcp: ':5432' }", "{\"tcp\":\":5432\"}" },
	{ "{ tcp: 'db.example:5432', timeout: 1ms }",
	  "{\"tcp\":\"db.example:5432\",\"timeout_ms\":1}" },
	{ "{ tcp: '[::1]:1' }", "{\"tcp\":\"[::1]:1\"}" },
	{ "{ command: [sh, -c, 'exit 0', ''] }",
	  "{\"command\":[\"sh\",\"-c\",\"exit 0\",\"\"]}" },
	{ "{ log: 'ready to (accept|serve)', timeout: 5m }",
	  "{\"log\":\"ready to (accept|serve)\",\"timeout_ms\":300000}" },
};

START_TEST(a_probe_is_read)
{
	char text[200];
	struct err err = { "" };

	(void)snprintf(text, sizeof(text), "health: [%s]\n", probe_cases[_i].entry);
	AUTO(node) struct node *root = node_parse(text, strlen(text), "f", &err);

	ck_assert_ptr_nonnull(root);
	json_t *list = probe_read_list(node_find(root, "health"), "f", &err);
	ck_assert_msg(list != NULL, "%s: %s", text, err.text);
	expect_json(text, json_incref(json_array_get(list, 0)), probe_cases[_i].json);
	json_decref(list);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("model-project");
	TCase *project = tcase_create("project");

	tcase_add_checked_fixture(project, begin, end);
	tcase_add_loop_test(project, a_wrong_project_is_refused_at_its_place, 0,
			    ARRAY_LEN(refusals));
	tcase_add_test(project, the_value_of_a_secret_is_not_repeated);
	tcase_add_test(project, without_a_project_init_is_the_remedy);
	tcase_add_test(project, a_linked_project_file_is_refused);
	tcase_add_test(project, a_compose_directory_has_the_default_files);
	tcase_add_test(project, a_project_is_read);
	tcase_add_loop_test(project, compose_files_are_those_compose_would_find, 0,
			    ARRAY_LEN(default_cases));
	tcase_add_test(project, a_project_is_found_from_below);
	tcase_add_loop_test(project, own_files_are_out_of_reach, 0,
			    ARRAY_LEN(own_cases));
	tcase_add_test(project, without_a_project_git_is_still_out_of_reach);
	tcase_add_loop_test(project, a_probe_is_read, 0, ARRAY_LEN(probe_cases));
	tcase_add_loop_test(project, probes_ask_no_one_they_should_not, 0,
			    ARRAY_LEN(url_cases));
	suite_add_tcase(suite, project);
	return unit_run(suite);
}
