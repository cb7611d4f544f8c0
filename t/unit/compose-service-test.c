/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a service is, from all that compose and the engine say, and whether it
 * may be recreated.
 */
#include "module.h"

#include <string.h>

#include "plugins/common/drift.h"
#include "plugins/common/program.h"
#include "plugins/common/renamed.h"
#include "plugins/common/services.h"
#include "plugins/common/target.h"
#include "plugins/common/yaml.h"

static json_t *
want(const char *json)
{
	json_t *value = json_of(json);

	ck_assert_ptr_nonnull(value);
	return value;
}

/* ---- what a service is -------------------------------------------------- */

/* A container of service api in /srv/shop, with more members. */
#define API_LABELS                                                                     \
	"\"labels\":{\"com.docker.compose.project.working_dir\":\"/srv/shop\","        \
	"\"com.docker.compose.project.config_files\":\"docker-compose.yml\","          \
	"\"com.docker.compose.config-hash\":\"h1\"}"
#define API(more)                                                                      \
	"{\"id\":\"c1\",\"name\":\"shop_api_1\",\"service\":\"api\",\"image_id\":"     \
	"\"sha256:1\","                                                                \
	"\"level\":\"running\"," API_LABELS more "}"
#define BUILT "{\"services\":{\"api\":{\"build\":{\"context\":\"/srv/shop/api\"}}}}"

static json_t *
describe(const char *config, const char *containers, const char *hashes,
	 const char *images)
{
	AUTO_JSON json_t *c = want(config), *all = want(containers), *h = want(hashes);
	AUTO_JSON json_t *ids = want(images), *files = want("[\"docker-compose.yml\"]");
	struct services_input in = { .project = "shop",
				     .workspace = "/srv/shop",
				     .directory = "/srv/shop",
				     .files = files,
				     .config = c,
				     .hashes = h,
				     .containers = all,
				     .image_ids = ids,
				     .own_id = "own",
				     .version = "1.29.2",
				     .is_v1 = true };
	AUTO_JSON json_t *services = services_describe(&in);

	return json_incref(json_object_get(services, "api"));
}

START_TEST(a_built_service_is_described)
{
	AUTO_JSON json_t *d =
		describe(BUILT, "[" API("") "]", "{\"api\":[\"h1\"]}",
			 "{\"shop_api\":\"sha256:1\",\"sha256:1\":\"sha256:1\"}");
	AUTO_JSON json_t *allow = want(
		"[\"api/Dockerfile\",\"api/requirements*.txt\",\"api/"
		"pyproject.toml\",\"api/Pipfile\",\"api/setup.cfg\",\"api/"
		"package.json\",\"api/Gemfile\",\"api/go.mod\",\"api/composer.json\"]");

	ck_assert_str_eq(json_member(d, "image"), "shop_api");
	ck_assert_str_eq(json_member(d, "context"), "api");
	ck_assert_str_eq(json_member(d, "dockerfile"), "api/Dockerfile");
	ck_assert_str_eq(json_member(d, "image_id"), "sha256:1");
	ck_assert_str_eq(json_member(d, "tag_id"), "sha256:1");
	ck_assert_str_eq(json_member(d, "level"), "running");
	ck_assert_int_eq(json_member_int(d, "replicas", 0), 1);
	ck_assert(json_equal(json_object_get(d, "default_allow"), allow));
	ck_assert(json_member_true(d, "has_build"));
	ck_assert(!json_member_true(d, "drift"));
	ck_assert(json_is_null(json_object_get(d, "foreign")));
	ck_assert_uint_eq(json_array_size(json_object_get(d, "shared_by")), 0);
	struct fault fault = { 0 };
	ck_assert_int_eq(target_check(d, "docker compose", &fault), 0);
	ck_assert_int_eq(target_check_build(d, &fault), 0);
}
END_TEST

static const struct {
	const char *config, *containers, *code, *in_text;
} refusal_cases[] = {
	{ "{\"services\":{\"api\":{\"image\":\"redis:7\"}}}", "[]", "no_build_section",
	  "'api'" },
	{ BUILT,
	  "[{\"id\":\"own\",\"name\":\"x\",\"service\":\"api\",\"image_id\":\"sha256:"
	  "1\"," API_LABELS "}]",
	  "own_container", "itself" },
	{ BUILT,
	  "[{\"id\":\"c\",\"service\":\"api\",\"image_id\":\"sha256:1\",\"labels\":{"
	  "\"com.docker.compose.project.working_dir\":\"/old/"
	  "shop\",\"com.docker.compose.project.config_files\":\"docker-compose.yml\"}}"
	  "]",
	  "project_moved", "/old/shop" },
	{ BUILT,
	  "[{\"id\":\"c\",\"service\":\"api\",\"image_id\":\"sha256:1\",\"labels\":{"
	  "\"com.docker.compose.project.working_dir\":\"/srv/"
	  "shop\",\"com.docker.compose.project.config_files\":\"docker-compose.yml,"
	  "override.yml\"}}]",
	  "project_moved", "override.yml" },
	{ BUILT,
	  "[{\"id\":\"c\",\"service\":\"api\",\"image_id\":\"sha256:1\",\"labels\":{}}"
	  "]",
	  "project_moved", "does not say" },
	{ "{\"services\":{\"api\":{\"build\":{\"context\":\"/srv/shop/"
	  "api\"}},\"side\":{\"network_mode\":\"service:api\"},\"other\":{\"network_"
	  "mode\":\"service:db\"}}}",
	  "[" API("") "]", "shared_namespace", "'side' shares" },
	{ "{\"services\":{\"api\":{\"build\":\"/srv/"
	  "shop\"},\"s\":{\"volumes_from\":[\"api:ro\"]},\"t\":{\"pid\":\"service:"
	  "api\"}}}",
	  "[]", "shared_namespace", "'s', 't' share " },
	{ BUILT, "[" API("") ",{\"id\":\"c2\",\"service\":\"side\",\"shares\":\"c1\"}]",
	  "shared_namespace", "'side'" },
	{ BUILT,
	  "[" API("") ",{\"id\":\"c2\",\"service\":\"api\",\"image_id\":\"sha256:"
		      "2\"," API_LABELS "}]",
	  "mixed_images", "different images" },
	{ BUILT,
	  "[{\"id\":\"c1\",\"service\":\"api\",\"image_id\":\"sha256:gone\"," API_LABELS
	  "}]",
	  "previous_image_gone", "sha256:gone" },
	{ BUILT,
	  "[{\"id\":\"c1\",\"service\":\"api\",\"image_id\":\"sha256:1\",\"labels\":{"
	  "\"com.docker.compose.project.working_dir\":\"/srv/"
	  "shop\",\"com.docker.compose.project.config_files\":\"/srv/shop/"
	  "docker-compose.yml\",\"com.docker.compose.config-hash\":\"older\"}}]",
	  "compose_drift", "configuration" },
	{ BUILT,
	  "[{\"id\":\"c1\",\"service\":\"api\",\"image_id\":\"sha256:1\","
	  "\"labels\":{\"com.docker.compose.project.working_dir\":\"/srv/shop\","
	  "\"com.docker.compose.project.config_files\":\"docker-compose.yml\","
	  "\"com.docker.compose.config-hash\":\"older\","
	  "\"com.docker.compose.version\":\"2.26.1\"}}]",
	  "compose_version", "2.26.1" },
};

START_TEST(a_target_is_refused)
{
	AUTO_JSON json_t *d =
		describe(refusal_cases[_i].config, refusal_cases[_i].containers,
			 "{\"api\":[\"h1\"]}",
			 "{\"shop_api\":\"sha256:1\",\"sha256:1\":"
			 "\"sha256:1\",\"sha256:2\":\"sha256:2\"}");
	struct fault fault = { 0 };

	if (target_check(d, "docker compose", &fault) == 0)
		ck_assert_int_eq(target_check_build(d, &fault), -1);
	ck_assert_str_eq(fault.code, refusal_cases[_i].code);
	ck_assert_msg(strstr(fault.text, refusal_cases[_i].in_text) != NULL, "%s",
		      fault.text);
	ck_assert_int_gt((int)strlen(fault.remedy), 0);
}
END_TEST

/* A container as the engine lists it: of a project, a directory and a file. */
#define LISTED(project, directory, file)                                               \
	"{\"Id\":\"c1\",\"Labels\":{\"com.docker.compose.project\":\"" project         \
	"\",\"com.docker.compose.project.working_dir\":\"" directory                   \
	"\",\"com.docker.compose.project.config_files\":\"" file "\"}}"

static const struct {
	const char *listed, *project;
} renamed_cases[] = {
	{ "[]", NULL },
	{ "[{\"Id\":\"c1\",\"Labels\":null},{\"Id\":\"c2\"}]", NULL },
	{ "[" LISTED("shop", "/srv/shop", "docker-compose.yml") "]", NULL },
	{ "[" LISTED("mall", "/srv/mall", "docker-compose.yml") "]", NULL },
	{ "[" LISTED("mall", "/srv/shop", "compose.test.yml") "]", NULL },
	{ "[" LISTED("a", "/srv/a", "x") "," LISTED("mall", "/srv/shop",
						    "docker-compose.yml") "]",
	  "mall" },
	{ "[" LISTED("mall", "/srv/shop", "/srv/shop/docker-compose.yml") "]", "mall" },
};

START_TEST(a_project_that_runs_under_another_name_is_found)
{
	AUTO_JSON json_t *files = want("[\"docker-compose.yml\"]");
	AUTO_JSON json_t *listed = want(renamed_cases[_i].listed);
	struct services_input in = { .project = "shop",
				     .workspace = "/srv/shop",
				     .directory = "/srv/shop",
				     .files = files };

	ck_assert_pstr_eq(renamed_find(&in, listed), renamed_cases[_i].project);
}
END_TEST

START_TEST(another_image_is_no_drift_for_compose_1)
{
	AUTO_JSON json_t *d =
		describe(BUILT, "[" API("") "]", "{\"api\":[\"h2\"]}",
			 "{\"shop_api\":\"sha256:newer\",\"sha256:1\":\"sha256:1\"}");

	ck_assert(!json_member_true(d, "drift"));
}
END_TEST

/* `docker compose config --format json`, as version 2 prints it, and its labels. */
START_TEST(compose_2_is_read)
{
	static const char text[] =
		"{\"name\":\"shop\",\"services\":{\"api\":{\"build\":{\"context\":\"/"
		"srv/shop/api\","
		"\"dockerfile\":\"Dockerfile\"},\"command\":null,\"entrypoint\":null,"
		"\"networks\":{\"default\":null},\"ports\":[{\"mode\":\"ingress\","
		"\"target\":8080,"
		"\"published\":\"18080\",\"protocol\":\"tcp\"}]}},\"networks\":{"
		"\"default\":"
		"{\"name\":\"shop_default\",\"ipam\":{}}}}";
	struct fault fault = { 0 };
	AUTO_JSON json_t *config = yaml_read(text, strlen(text), &fault);
	AUTO_JSON json_t *containers = want(
		"[{\"id\":\"c1\",\"service\":\"api\",\"image_id\":\"sha256:1\","
		"\"level\":"
		"\"running\",\"labels\":{\"com.docker.compose.project.working_dir\":"
		"\"/srv/shop\",\"com.docker.compose.project.config_files\":"
		"\"/srv/shop/docker-compose.yml\",\"com.docker.compose.config-hash\":"
		"\"h1\"}}]");
	AUTO_JSON json_t *files = want("[\"docker-compose.yml\"]"),
			 *hashes = want("{\"api\":[\"h2\"]}");
	AUTO_JSON json_t *images =
		want("{\"shop-api\":\"sha256:2\",\"sha256:1\":\"sha256:1\"}");
	struct services_input in = { .project = "shop",
				     .workspace = "/srv/shop",
				     .directory = "/srv/shop",
				     .files = files,
				     .config = config,
				     .hashes = hashes,
				     .containers = containers,
				     .image_ids = images };
	AUTO_JSON json_t *services = services_describe(&in);
	json_t *d = json_object_get(services, "api");

	ck_assert_msg(config != NULL, "%s", fault.text);
	ck_assert_str_eq(json_member(d, "image"), "shop-api");
	ck_assert_str_eq(json_member(d, "dockerfile"), "api/Dockerfile");
	ck_assert_str_eq(
		json_string_value(json_array_get(json_object_get(d, "ports"), 0)),
		"18080:8080/tcp");
	ck_assert(json_is_null(json_object_get(d, "foreign")));
	/* Its hash does not cover the image: another image hides no drift. */
	ck_assert(json_member_true(d, "drift"));
}
END_TEST

/* As `docker-compose config` of version 1 prints them: all. */
START_TEST(services_of_other_profiles_are_left_out)
{
	AUTO_JSON json_t *config =
		want("{\"services\":{\"api\":{},\"a\":{\"profiles\":[\"x\",\"y\"]},"
		     "\"b\":{\"profiles\":[\"z\"]},\"c\":{\"profiles\":[]}}}");
	AUTO_JSON json_t *profiles = want("[\"y\"]"), *none = json_array();
	struct services_input in = { .project = "shop",
				     .workspace = "/srv/shop",
				     .directory = "/srv/shop",
				     .profiles = profiles,
				     .config = config,
				     .containers = none };
	AUTO_JSON json_t *services = services_describe(&in);

	ck_assert_uint_eq(json_object_size(services), 3);
	ck_assert_ptr_nonnull(json_object_get(services, "a"));
	ck_assert_ptr_null(json_object_get(services, "b"));
}
END_TEST

START_TEST(a_context_elsewhere_has_no_default_paths)
{
	AUTO_JSON json_t *d = describe(
		"{\"services\":{\"api\":{\"build\":{\"context\":\"/srv/other\"}}}}",
		"[]", "{}", "{}");

	ck_assert(json_is_null(json_object_get(d, "context")));
	ck_assert_uint_eq(json_array_size(json_object_get(d, "default_allow")), 0);
	ck_assert_str_eq(json_member(d, "level"), "absent");
}
END_TEST

START_TEST(paths_are_relative_to_the_workspace)
{
	static const char *const cases[][2] = {
		{ "/srv/shop", "." },
		{ "/srv/shop/", "." },
		{ "/srv/shop/a/../b/./c", "b/c" },
		{ "api", "api" },
		{ "./api", "api" },
		{ "..", NULL },
		{ "/srv/shopping", NULL },
		{ "/", NULL },
		{ "a/../..", NULL },
	};
	AUTO_FREE char *got = path_relative("/srv/shop", cases[_i][0]);

	if (cases[_i][1])
		ck_assert_str_eq(got, cases[_i][1]);
	else
		ck_assert_ptr_null(got);
}
END_TEST

START_TEST(a_built_image_has_composes_name)
{
	AUTO_JSON json_t *none = json_object(),
			 *named = want("{\"image\":\"a/b$$c:1\"}");
	AUTO_FREE char *v1 = service_image(none, "shop", "api", true);
	AUTO_FREE char *v2 = service_image(none, "shop", "api", false);
	AUTO_FREE char *own = service_image(named, "shop", "api", true);

	ck_assert_str_eq(v1, "shop_api");
	ck_assert_str_eq(v2, "shop-api");
	ck_assert_str_eq(own, "a/b$c:1");
}
END_TEST

START_TEST(ports_are_text)
{
	AUTO_JSON json_t *d =
		describe("{\"services\":{\"api\":{\"image\":\"x\",\"ports\":[\"80:8080/"
			 "tcp\",{\"target\":9,\"published\":\"90\",\"protocol\":"
			 "\"udp\"},{\"target\":7,\"published\":70},{\"target\":5}]}}}",
			 "[]", "{}", "{}");
	AUTO_JSON json_t *wanted =
		want("[\"80:8080/tcp\",\"90:9/udp\",\"70:7/tcp\",\"5/tcp\"]");

	ck_assert(json_equal(json_object_get(d, "ports"), wanted));
}
END_TEST

START_TEST(hashes_are_read_by_line)
{
	AUTO_JSON json_t *got = json_object();
	AUTO_JSON json_t *wanted =
		want("{\"api\":[\"ab12\",\"ef56\"],\"db\":[\"cd34\"]}");

	drift_add_hashes(got, "api ab12\ndb cd34\n\nbroken\n");
	drift_add_hashes(got, "api ef56\n");
	ck_assert(json_equal(got, wanted));
}
END_TEST

/* Version 2: the label may have the hash of the configuration told otherwise. */
START_TEST(one_of_the_hashes_is_enough)
{
	AUTO_JSON json_t *hashes = want("[\"h0\",\"h1\"]");
	AUTO_JSON json_t *own = want("[" API("") "]");

	ck_assert(!drift_found(hashes, own, NULL, false));
	json_array_remove(hashes, 1);
	ck_assert(drift_found(hashes, own, NULL, false));
	ck_assert(!drift_found(NULL, own, NULL, false));
}
END_TEST

START_TEST(a_major_version_is_compared)
{
	ck_assert(program_same_major("2.26.1-4", "2.40.3"));
	ck_assert(program_same_major("1.29.2", "1"));
	ck_assert(!program_same_major("1.29.2", "2.26.1"));
	ck_assert(!program_same_major("2.26.1", "20.1"));
	ck_assert(!program_same_major(NULL, NULL));
	ck_assert(!program_same_major("1.29.2", NULL));
}
END_TEST

START_TEST(version_is_in_the_script)
{
	AUTO_FREE char *script = program_script_version(
		"#!/usr/bin/python3\n# EASY-INSTALL-ENTRY-SCRIPT: "
		"'docker-compose==1.29.2','x'\n");
	AUTO_FREE char *other =
		program_script_version("#!/bin/sh\nexec docker compose \"$@\"\n");
	AUTO_FREE char *binary =
		program_script_version("\177ELF docker-compose==1.0\n");

	ck_assert_str_eq(script, "1.29.2");
	ck_assert_ptr_null(other);
	ck_assert_ptr_null(binary);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("compose-service");
	TCase *tc = tcase_create("service");

	tcase_add_test(tc, a_built_service_is_described);
	tcase_add_loop_test(tc, a_target_is_refused, 0, (int)COUNT_OF(refusal_cases));
	tcase_add_loop_test(tc, a_project_that_runs_under_another_name_is_found, 0,
			    (int)COUNT_OF(renamed_cases));
	tcase_add_test(tc, another_image_is_no_drift_for_compose_1);
	tcase_add_test(tc, compose_2_is_read);
	tcase_add_test(tc, services_of_other_profiles_are_left_out);
	tcase_add_test(tc, a_context_elsewhere_has_no_default_paths);
	tcase_add_loop_test(tc, paths_are_relative_to_the_workspace, 0, 9);
	tcase_add_test(tc, a_built_image_has_composes_name);
	tcase_add_test(tc, ports_are_text);
	tcase_add_test(tc, hashes_are_read_by_line);
	tcase_add_test(tc, one_of_the_hashes_is_enough);
	tcase_add_test(tc, version_is_in_the_script);
	tcase_add_test(tc, a_major_version_is_compared);
	suite_add_tcase(suite, tc);
	return module_run(suite);
}
