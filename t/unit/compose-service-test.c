/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The pure judgements of the Compose modules: what a service is, whether it
 * may be recreated, whether it is well, where a probe asks, and whether an
 * undoing came out as recorded.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/common/probe.h"
#include "plugins/common/services.h"
#include "plugins/common/target.h"
#include "plugins/common/undo.h"
#include "plugins/common/watch.h"

static json_t *
want(const char *json)
{
	json_t *value = json_of(json);

	ck_assert_ptr_nonnull(value);
	return value;
}

/* ---- what a service is -------------------------------------------------------- */

/* A container of service api in /srv/shop, with more members. */
#define API_LABELS "\"labels\":{\"com.docker.compose.project.working_dir\":\"/srv/shop\"," \
		   "\"com.docker.compose.project.config_files\":\"docker-compose.yml\"," \
		   "\"com.docker.compose.config-hash\":\"h1\"}"
#define API(more) "{\"id\":\"c1\",\"name\":\"shop_api_1\",\"service\":\"api\",\"image_id\":\"sha256:1\"," \
		  "\"level\":\"running\"," API_LABELS more "}"
#define BUILT "{\"services\":{\"api\":{\"build\":{\"context\":\"/srv/shop/api\"}}}}"

static json_t *
describe(const char *config, const char *containers, const char *hashes, const char *images)
{
	AUTO_JSON json_t *c = want(config), *all = want(containers), *h = want(hashes);
	AUTO_JSON json_t *ids = want(images), *files = want("[\"docker-compose.yml\"]");
	struct services_input in = { .project = "shop", .directory = "/srv/shop", .files = files,
				     .config = c, .hashes = h, .containers = all, .image_ids = ids,
				     .own_id = "own", .is_v1 = true };
	AUTO_JSON json_t *services = services_describe(&in);

	return json_incref(json_object_get(services, "api"));
}

START_TEST(a_built_service_is_described)
{
	AUTO_JSON json_t *d = describe(BUILT, "[" API("") "]", "{\"api\":\"h1\"}",
				       "{\"shop_api\":\"sha256:1\",\"sha256:1\":\"sha256:1\"}");
	AUTO_JSON json_t *allow = want("[\"api/Dockerfile\",\"api/requirements*.txt\","
				       "\"api/pyproject.toml\",\"api/Pipfile\",\"api/setup.cfg\","
				       "\"api/package.json\",\"api/Gemfile\",\"api/go.mod\","
				       "\"api/composer.json\"]");

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
	ck_assert_int_eq(target_check(d, &fault), 0);
	ck_assert_int_eq(target_check_build(d, &fault), 0);
}
END_TEST

static const struct {
	const char *config, *containers, *code, *in_text;
} refusal_cases[] = {
	{ "{\"services\":{\"api\":{\"image\":\"redis:7\"}}}", "[]", "no_build_section", "'api'" },
	{ BUILT, "[{\"id\":\"own\",\"name\":\"x\",\"service\":\"api\",\"image_id\":\"sha256:1\"," API_LABELS
		 "}]", "own_container", "itself" },
	{ BUILT, "[{\"id\":\"c\",\"service\":\"api\",\"image_id\":\"sha256:1\",\"labels\":{"
		 "\"com.docker.compose.project.working_dir\":\"/old/shop\","
		 "\"com.docker.compose.project.config_files\":\"docker-compose.yml\"}}]",
	  "project_moved", "/old/shop" },
	{ BUILT, "[{\"id\":\"c\",\"service\":\"api\",\"image_id\":\"sha256:1\",\"labels\":{"
		 "\"com.docker.compose.project.working_dir\":\"/srv/shop\","
		 "\"com.docker.compose.project.config_files\":\"docker-compose.yml,override.yml\"}}]",
	  "project_moved", "override.yml" },
	{ BUILT, "[{\"id\":\"c\",\"service\":\"api\",\"image_id\":\"sha256:1\",\"labels\":{}}]",
	  "project_moved", "does not say" },
	{ "{\"services\":{\"api\":{\"build\":{\"context\":\"/srv/shop/api\"}},\"side\":{\"network_mode\":"
	  "\"service:api\"},\"other\":{\"network_mode\":\"service:db\"}}}", "[" API("") "]",
	  "shared_namespace", "'side' shares" },
	{ "{\"services\":{\"api\":{\"build\":\"/srv/shop\"},\"s\":{\"volumes_from\":[\"api:ro\"]},"
	  "\"t\":{\"pid\":\"service:api\"}}}", "[]", "shared_namespace", "'s', 't' share " },
	{ BUILT, "[" API("") ",{\"id\":\"c2\",\"service\":\"side\",\"shares\":\"c1\"}]",
	  "shared_namespace", "'side'" },
	{ BUILT, "[" API("") ",{\"id\":\"c2\",\"service\":\"api\",\"image_id\":\"sha256:2\"," API_LABELS
		 "}]", "mixed_images", "different images" },
	{ BUILT, "[{\"id\":\"c1\",\"service\":\"api\",\"image_id\":\"sha256:gone\"," API_LABELS "}]",
	  "previous_image_gone", "sha256:gone" },
	{ BUILT, "[{\"id\":\"c1\",\"service\":\"api\",\"image_id\":\"sha256:1\",\"labels\":{"
		 "\"com.docker.compose.project.working_dir\":\"/srv/shop\","
		 "\"com.docker.compose.project.config_files\":\"/srv/shop/docker-compose.yml\","
		 "\"com.docker.compose.config-hash\":\"older\"}}]", "compose_drift", "configuration" },
};

START_TEST(a_target_is_refused)
{
	AUTO_JSON json_t *d = describe(refusal_cases[_i].config, refusal_cases[_i].containers,
				       "{\"api\":\"h1\"}",
				       "{\"shop_api\":\"sha256:1\",\"sha256:1\":\"sha256:1\",\"sha256:2\":"
				       "\"sha256:2\"}");
	struct fault fault = { 0 };

	if (target_check(d, &fault) == 0)
		ck_assert_int_eq(target_check_build(d, &fault), -1);
	ck_assert_str_eq(fault.code, refusal_cases[_i].code);
	ck_assert_msg(strstr(fault.text, refusal_cases[_i].in_text) != NULL, "%s", fault.text);
	ck_assert_int_gt((int)strlen(fault.remedy), 0);
}
END_TEST

START_TEST(another_image_is_no_drift_for_compose_1)
{
	AUTO_JSON json_t *d = describe(BUILT, "[" API("") "]", "{\"api\":\"h2\"}",
				       "{\"shop_api\":\"sha256:newer\",\"sha256:1\":\"sha256:1\"}");

	ck_assert(!json_member_true(d, "drift"));
}
END_TEST

START_TEST(a_context_elsewhere_has_no_default_paths)
{
	AUTO_JSON json_t *d =
		describe("{\"services\":{\"api\":{\"build\":{\"context\":\"/srv/other\"}}}}", "[]", "{}", "{}");

	ck_assert(json_is_null(json_object_get(d, "context")));
	ck_assert_uint_eq(json_array_size(json_object_get(d, "default_allow")), 0);
	ck_assert_str_eq(json_member(d, "level"), "absent");
}
END_TEST

START_TEST(paths_are_relative_to_the_workspace)
{
	static const char *const cases[][2] = {
		{ "/srv/shop", "." },	    { "/srv/shop/", "." },	{ "/srv/shop/a/../b/./c", "b/c" },
		{ "api", "api" },	    { "./api", "api" },		{ "..", NULL },
		{ "/srv/shopping", NULL }, { "/", NULL },		{ "a/../..", NULL },
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
	AUTO_JSON json_t *none = json_object(), *named = want("{\"image\":\"a/b$$c:1\"}");
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
	AUTO_JSON json_t *d = describe(
		"{\"services\":{\"api\":{\"image\":\"x\",\"ports\":[\"80:8080/tcp\",{\"target\":9,\"published\":"
		"\"90\",\"protocol\":\"udp\"},{\"target\":7,\"published\":70},{\"target\":5}]}}}",
		"[]", "{}", "{}");
	AUTO_JSON json_t *wanted = want("[\"80:8080/tcp\",\"90:9/udp\",\"70:7/tcp\",\"5/tcp\"]");

	ck_assert(json_equal(json_object_get(d, "ports"), wanted));
}
END_TEST

START_TEST(hashes_are_read_by_line)
{
	AUTO_JSON json_t *got = services_hashes("api ab12\ndb cd34\n\nbroken\n");
	AUTO_JSON json_t *wanted = want("{\"api\":\"ab12\",\"db\":\"cd34\"}");

	ck_assert(json_equal(got, wanted));
}
END_TEST

/* ---- is it well? ------------------------------------------------------------------ */

#define UP "{\"id\":\"n\",\"name\":\"api_1\",\"state\":\"running\",\"level\":\"running\"," \
	   "\"image_id\":\"sha256:2\",\"restart_count\":0,\"started_at\":\"t1\""
static const struct {
	const char *containers;
	bool is_good, is_final;
	const char *in_text;
} watch_cases[] = {
	{ "[" UP "}]", true, false, "runs" },
	{ "[" UP ",\"healthcheck\":true,\"health\":\"healthy\"}]", true, false, "healthy" },
	{ "[" UP ",\"healthcheck\":true,\"health\":\"starting\"}]", false, false, "starting" },
	{ "[" UP ",\"healthcheck\":true,\"health\":\"unhealthy\"}]", false, false, "unhealthy" },
	{ "[]", false, true, "no container" },
	{ "[" UP "}," UP "}]", false, false, "2 containers, not 1" },
	{ "[{\"id\":\"o\",\"name\":\"api_1\",\"state\":\"running\"}]", false, true, "did not make" },
	{ "[{\"id\":\"n\",\"name\":\"api_1\",\"state\":\"running\",\"image_id\":\"sha256:1\"}]", false, true,
	  "runs image 1" },
	{ "[{\"id\":\"n\",\"name\":\"api_1\",\"state\":\"exited\",\"image_id\":\"sha256:2\",\"exit_code\":1,"
	  "\"restart_policy\":\"no\"}]", false, true, "exited with status 1" },
	{ "[{\"id\":\"n\",\"name\":\"api_1\",\"state\":\"exited\",\"image_id\":\"sha256:2\",\"exit_code\":1,"
	  "\"restart_policy\":\"always\"}]", false, false, "exited with status 1" },
	{ "[{\"id\":\"n\",\"name\":\"api_1\",\"state\":\"exited\",\"image_id\":\"sha256:2\",\"exit_code\":0,"
	  "\"restart_policy\":\"on-failure\"}]", false, true, "exited with status 0" },
	{ "[{\"id\":\"n\",\"name\":\"api_1\",\"state\":\"exited\",\"image_id\":\"sha256:2\",\"exit_code\":1,"
	  "\"restart_policy\":\"on-failure\",\"restart_limit\":3,\"restart_count\":3}]", false, true,
	  "exited with status 1" },
	{ "[{\"id\":\"n\",\"name\":\"api_1\",\"state\":\"restarting\",\"image_id\":\"sha256:2\","
	  "\"exit_code\":1}]", false, false, "restarting" },
	{ "[{\"id\":\"n\",\"name\":\"api_1\",\"state\":\"paused\",\"image_id\":\"sha256:2\"}]", false, false,
	  "paused" },
	{ "[{\"id\":\"n\",\"name\":\"api_1\",\"state\":\"running\",\"level\":\"exited\",\"image_id\":"
	  "\"sha256:2\",\"restart_count\":4}]", false, false, "restarted (4 times" },
};

START_TEST(one_look_is_judged)
{
	AUTO_JSON json_t *ids = want("[\"n\"]"), *now = want(watch_cases[_i].containers);
	struct watch watch = { .ids = ids, .image_id = "sha256:2", .replicas = 1 };
	struct look look = watch_containers(&watch, now);

	ck_assert_msg(strstr(look.text, watch_cases[_i].in_text) != NULL, "%s", look.text);
	ck_assert_int_eq(look.is_good, watch_cases[_i].is_good);
	ck_assert_int_eq(look.is_final, watch_cases[_i].is_final);
	free(look.text);
	json_decref(watch.seen);
}
END_TEST

START_TEST(a_restart_between_two_looks_is_seen)
{
	AUTO_JSON json_t *first = want("[" UP "}]");
	AUTO_JSON json_t *again = want("[{\"id\":\"n\",\"name\":\"api_1\",\"state\":\"running\",\"level\":"
				       "\"running\",\"restart_count\":0,\"started_at\":\"t2\"}]");
	struct watch watch = { 0 };
	struct look looks[] = { watch_containers(&watch, first), watch_containers(&watch, again),
				watch_containers(&watch, again) };

	ck_assert(looks[0].is_good);
	ck_assert(!looks[1].is_good);
	ck_assert(looks[2].is_good);
	for (size_t i = 0; i < 3; i++)
		free(looks[i].text);
	json_decref(watch.seen);
}
END_TEST

/* ---- probes ---------------------------------------------------------------------------- */

static const struct {
	const char *probe, *container, *urls;
} url_cases[] = {
	{ "{\"http\":\":8080/healthz\"}", "{\"ip\":\"10.0.0.2\"}", "http://10.0.0.2:8080/healthz" },
	{ "{\"http\":\":8080\"}", "{\"ip\":\"10.0.0.2\"}", "http://10.0.0.2:8080/" },
	{ "{\"http\":\":8080?x=/y\"}", "{\"ip\":\"10.0.0.2\"}", "http://10.0.0.2:8080/?x=/y" },
	{ "{\"http\":\":8080/x\"}", "{\"ip\":\"fd00::2\"}", "http://[fd00::2]:8080/x" },
	{ "{\"http\":\":8080/x\"}", "{\"network_mode\":\"host\"}", "http://127.0.0.1:8080/x" },
	{ "{\"http\":\":8080/x\"}", "{\"ports\":{\"8080/tcp\":18080}}", "http://127.0.0.1:18080/x" },
	{ "{\"http\":\":8080/x\"}", "{\"ip\":\"10.0.0.2\",\"ports\":{\"8080/tcp\":18080}}",
	  "http://10.0.0.2:8080/x http://127.0.0.1:18080/x" },
	{ "{\"http\":\":8080/x\"}", "{\"network_mode\":\"none\",\"ports\":{\"80/tcp\":1}}", "" },
	{ "{\"http\":\"https://shop.example/x\"}", "{\"ip\":\"10.0.0.2\"}", "https://shop.example/x" },
};

START_TEST(a_probe_asks_here)
{
	AUTO_JSON json_t *probe = want(url_cases[_i].probe), *c = want(url_cases[_i].container);
	AUTO_ARGV struct argv urls = { 0 };
	AUTO_TEXT struct text joined = { 0 };

	probe_urls(probe, c, &urls);
	for (size_t i = 0; i < urls.count; i++)
		text_addf(&joined, "%s%s", i > 0 ? " " : "", urls.v[i]);
	ck_assert_str_eq(text_get(&joined), url_cases[_i].urls);
}
END_TEST

START_TEST(a_probe_that_cannot_be_asked_is_refused)
{
	static const char *const bad[] = { "[{\"http\":\"8080/x\"}]", "[{\"http\":\"/healthz\"}]",
					   "[{\"http\":\":0/x\"}]", "[{\"http\":\":70000/\"}]",
					   "[{\"http\":\":80/\"},{}]", "[{\"http\":\"ftp://x/\"}]" };
	AUTO_JSON json_t *probes = want(bad[_i]);
	struct fault fault = { 0 };

	ck_assert_int_eq(probe_check(probes, &fault), -1);
	ck_assert_str_eq(fault.code, "health_invalid");
}
END_TEST

START_TEST(a_probe_never_asks_link_local_addresses)
{
	static const char *const urls[] = { "http://169.254.169.254/latest/", "http://2852039166/",
					    "http://[fe80::1]/", "http://[::ffff:169.254.1.1]/",
					    "http://[fd00:ec2::254]/" };
	AUTO_JSON json_t *probe = want("{\"http\":\"x\"}");
	AUTO_ARGV struct argv argv = { 0 };
	AUTO_FREE char *text = NULL;

	argv_add(&argv, urls[_i]);
	int64_t begin_ms = clock_boot_ms();
	ck_assert(!probe_ask(probe, &argv, 3000, &text));
	ck_assert_msg(strstr(text, "Couldn't connect") != NULL, "%s", text);
	ck_assert_int_lt(clock_boot_ms() - begin_ms, 2000);
}
END_TEST

START_TEST(a_probe_without_a_place_is_bad)
{
	AUTO_JSON json_t *probe = want("{\"http\":\":80/\"}");
	AUTO_ARGV struct argv urls = { 0 };
	AUTO_FREE char *text = NULL;

	ck_assert(!probe_ask(probe, &urls, 100, &text));
	ck_assert_ptr_nonnull(strstr(text, "no address"));
}
END_TEST

/* ---- undoing ---------------------------------------------------------------------------- */

#define RAN "{\"service\":\"api\",\"image_id\":\"sha256:1\",\"level\":\"running\",\"replicas\":1," \
	    "\"containers\":[\"c1\"],\"tag_id\":\"sha256:1\"}"
#define BROKEN "{\"service\":\"api\",\"image_id\":\"sha256:1\",\"level\":\"exited\",\"replicas\":1," \
	       "\"containers\":[\"c1\"]}"
#define ABSENT "{\"service\":\"api\",\"image_id\":null,\"level\":\"absent\",\"replicas\":1," \
	       "\"containers\":[]}"
#define C(id, image, level) "[{\"id\":\"" id "\",\"name\":\"api_1\",\"image_id\":\"" image "\",\"level\":\"" \
			    level "\"}]"
static const struct {
	const char *before, *now, *tag_id, *want_tag_id, *in_text;
} undo_cases[] = {
	{ RAN, C("c2", "sha256:1", "running"), "sha256:1", "sha256:1", NULL },
	{ RAN, C("c2", "sha256:1", "healthy"), "sha256:1", "sha256:1", NULL },
	{ RAN, C("c2", "sha256:1", "exited"), "sha256:1", "sha256:1", "is exited, and was running" },
	{ RAN, C("c2", "sha256:2", "running"), "sha256:1", "sha256:1", "runs image sha256:2" },
	{ RAN, "[]", "sha256:1", "sha256:1", "0 containers, not 1" },
	{ RAN, C("c2", "sha256:1", "running"), "sha256:2", "sha256:1", "stands for sha256:2" },
	{ RAN, C("c2", "sha256:1", "running"), NULL, "sha256:1", "stands for nothing" },
	{ RAN, C("c2", "sha256:1", "running"), "sha256:0", "sha256:0", NULL },
	{ BROKEN, C("c2", "sha256:1", "exited"), NULL, NULL, NULL },
	{ BROKEN, C("c2", "sha256:1", "running"), NULL, NULL, NULL },
	{ BROKEN, C("c2", "sha256:1", "created"), NULL, NULL, "is created, and was exited" },
	{ ABSENT, "[]", NULL, NULL, NULL },
	{ ABSENT, C("c2", "sha256:2", "running"), NULL, NULL, "1 containers, not 0" },
	{ ABSENT, "[]", "sha256:2", NULL, "not nothing" },
};

START_TEST(an_undoing_is_compared)
{
	AUTO_JSON json_t *before = want(undo_cases[_i].before), *now = want(undo_cases[_i].now);
	AUTO_FREE char *text = undo_difference(before, now, "shop_api", undo_cases[_i].tag_id,
					       undo_cases[_i].want_tag_id);

	if (!undo_cases[_i].in_text)
		ck_assert_msg(text == NULL, "%s", text);
	else
		ck_assert_msg(text && strstr(text, undo_cases[_i].in_text), "%s", text);
}
END_TEST

START_TEST(only_the_recorded_containers_are_untouched)
{
	AUTO_JSON json_t *ran = want(RAN), *absent = want(ABSENT), *none = json_array();
	AUTO_JSON json_t *same = want(C("c1", "sha256:1", "running"));
	AUTO_JSON json_t *dead = want(C("c1", "sha256:1", "exited"));
	AUTO_JSON json_t *other = want(C("c2", "sha256:1", "running"));

	ck_assert(undo_is_untouched(ran, same));
	ck_assert(!undo_is_untouched(ran, dead));
	ck_assert(!undo_is_untouched(ran, other));
	ck_assert(!undo_is_untouched(ran, none));
	ck_assert(undo_is_untouched(absent, none));
	ck_assert(!undo_is_untouched(absent, other));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("compose-service");
	TCase *tc = tcase_create("service");

	tcase_add_test(tc, a_built_service_is_described);
	tcase_add_loop_test(tc, a_target_is_refused, 0, (int)COUNT_OF(refusal_cases));
	tcase_add_test(tc, another_image_is_no_drift_for_compose_1);
	tcase_add_test(tc, a_context_elsewhere_has_no_default_paths);
	tcase_add_loop_test(tc, paths_are_relative_to_the_workspace, 0, 9);
	tcase_add_test(tc, a_built_image_has_composes_name);
	tcase_add_test(tc, ports_are_text);
	tcase_add_test(tc, hashes_are_read_by_line);
	suite_add_tcase(suite, tc);
	tc = tcase_create("health");
	tcase_add_loop_test(tc, one_look_is_judged, 0, (int)COUNT_OF(watch_cases));
	tcase_add_test(tc, a_restart_between_two_looks_is_seen);
	tcase_add_loop_test(tc, a_probe_asks_here, 0, (int)COUNT_OF(url_cases));
	tcase_add_loop_test(tc, a_probe_that_cannot_be_asked_is_refused, 0, 6);
	tcase_add_loop_test(tc, a_probe_never_asks_link_local_addresses, 0, 5);
	tcase_add_test(tc, a_probe_without_a_place_is_bad);
	suite_add_tcase(suite, tc);
	tc = tcase_create("undo");
	tcase_add_loop_test(tc, an_undoing_is_compared, 0, (int)COUNT_OF(undo_cases));
	tcase_add_test(tc, only_the_recorded_containers_are_untouched);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
