/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The pure parts of the Compose modules: reading what compose and the engine
 * print, levels, which containers are whose, and what a probe asks.
 */
#include "module.h"

#include <string.h>

#include "plugins/common/compose.h"
#include "plugins/common/container.h"
#include "plugins/common/image.h"
#include "plugins/common/own.h"
#include "plugins/common/yaml.h"

static json_t *
want(const char *json)
{
	json_t *value = json_of(json);

	ck_assert_ptr_nonnull(value);
	return value;
}

/* ---- YAML that compose prints ------------------------------------------- */

static const struct {
	const char *yaml, *json;
} yaml_cases[] = {
	{ "services:\n  api:\n    command:\n    - sleep\n    - '1000000'\n    init: "
	  "true\n",
	  "{\"services\":{\"api\":{\"command\":[\"sleep\",\"1000000\"],\"init\":true}}"
	  "}" },
	{ "a: ''\nb: null\nc: 3\nd: -4\ne: 1.5\nf: \"yes\"\ng: 2.4.1\nh: 1e3\n",
	  "{\"a\":\"\",\"b\":null,\"c\":3,\"d\":-4,\"e\":1.5,\"f\":\"yes\",\"g\":\"2.4."
	  "1\",\"h\":\"1e3\"}" },
	{ "a: &id001\n  x: 1\nb: *id001\n", "{\"a\":{\"x\":1},\"b\":{\"x\":1}}" },
	{ "{\"name\": \"shop\", \"services\": {\"api\": {\"image\": null, \"n\": [1, "
	  "true]}}}",
	  "{\"name\":\"shop\",\"services\":{\"api\":{\"image\":null,\"n\":[1,true]}}"
	  "}" },
	{ "a: 99999999999999999999\n", "{\"a\":\"99999999999999999999\"}" },
	{ "a: \"caf\\xe9 \\u20ac\"\n", "{\"a\":\"caf\u00e9 \u20ac\"}" },
	{ "a: |\n  one\n  two\n", "{\"a\":\"one\\ntwo\\n\"}" },
	{ "{}\n", "{}" },
};

START_TEST(yaml_becomes_json)
{
	struct fault fault = { 0 };
	const char *text = yaml_cases[_i].yaml;
	AUTO_JSON json_t *got = yaml_read(text, strlen(text), &fault);
	AUTO_JSON json_t *wanted = want(yaml_cases[_i].json);

	ck_assert_msg(got != NULL, "%s", fault.text);
	AUTO_FREE char *shown = json_dumps(got, JSON_SORT_KEYS);
	ck_assert_msg(json_equal(got, wanted), "%s", shown);
}
END_TEST

static const char *const bad_yaml[] = {
	"",	    "a: b: c\n",    "a: *nobody\n",   "[1, 2",	      "a: [}\n",
	"\tx: 1\n", "? [a]\n: 1\n", "a: \"x\\0y\"\n", "a: &a [*a]\n",
};

START_TEST(yaml_refuses)
{
	struct fault fault = { 0 };

	ck_assert_ptr_null(yaml_read(bad_yaml[_i], strlen(bad_yaml[_i]), &fault));
	ck_assert_str_eq(fault.code, "compose_output");
}
END_TEST

START_TEST(yaml_depth_is_limited)
{
	struct fault fault = { 0 };
	char deep[2000];

	memset(deep, '[', sizeof(deep));
	ck_assert_ptr_null(yaml_read(deep, sizeof(deep), &fault));
	ck_assert_ptr_nonnull(strstr(fault.text, "deeply"));
}
END_TEST

/* ---- what compose says -------------------------------------------------- */

static const struct {
	const char *errors, *name;
} unset_cases[] = {
	{ "The WCVAR variable is not set. Defaulting to a blank string.\n", "WCVAR" },
	{ "time=\"2026-11-21T12:00:00Z\" level=warning msg=\"The \\\"DB_PORT\\\" "
	  "variable is not set. Defaulting to a blank string.\"\n",
	  "DB_PORT" },
	{ "WARNING: The A variable is not set. Defaulting to a blank string.\nThe B "
	  "variable is not set.\n",
	  "A" },
	{ "Some services (api) use the 'deploy' key\n", NULL },
	{ "", NULL },
};

START_TEST(unset_variable_is_found)
{
	AUTO_FREE char *name = compose_unset_variable(unset_cases[_i].errors);

	if (unset_cases[_i].name)
		ck_assert_str_eq(name, unset_cases[_i].name);
	else
		ck_assert_ptr_null(name);
}
END_TEST

static const struct {
	const char *errors, *text;
} complaint_cases[] = {
	{ "ERROR: yaml.scanner.ScannerError: mapping values are not allowed here\n  in "
	  "\"./docker-compose.yml\", line 3, column 10\n",
	  "yaml.scanner.ScannerError: mapping values are not allowed here in "
	  "\"./docker-compose.yml\", line 3, column 10" },
	{ "--no-ansi option is deprecated and will be removed\nERROR: no such file\n",
	  "no such file" },
	{ "time=\"x\" level=error msg=\"services.api Additional property buidl is not "
	  "allowed\"\n",
	  "services.api Additional property buidl is not allowed" },
	{ "time=\"x\" level=warning msg=\"/s/c.yml: the attribute `version` is "
	  "obsolete\"\nyaml: line 12: mapping values are not allowed\n",
	  "yaml: line 12: mapping values are not allowed" },
	{ "time=\"x\" level=error msg=\"no \\\"x\\\" here\"\n", "no \"x\" here" },
	{ "", "no reason given" },
};

START_TEST(complaint_is_composes_own)
{
	AUTO_FREE char *text = compose_complaint(complaint_cases[_i].errors);

	ck_assert_str_eq(text, complaint_cases[_i].text);
}
END_TEST

static const struct {
	const char *text;
	size_t count;
	const char *lines;
} last_cases[] = {
	{ "Step 1/2\nStep 2/2\nERROR: no such wheel\n\nERROR: Service 'api' failed to "
	  "build\n",
	  2, "ERROR: no such wheel ERROR: Service 'api' failed to build" },
	{ "one\ntwo\nthree", 1, "three" },
	{ "one  \n\n  \n", 3, "one" },
	{ "one\n", 3, "one" },
	{ "\033[91mno wheel\n\033[0mcode: 7\n\033[0m", 2, "no wheel code: 7" },
	{ " \n\n", 3, NULL },
	{ "", 3, NULL },
};

START_TEST(the_last_lines_are_joined)
{
	const char *text = last_cases[_i].text;
	AUTO_FREE char *got =
		compose_last_lines(text, strlen(text), last_cases[_i].count);

	if (last_cases[_i].lines)
		ck_assert_str_eq(got, last_cases[_i].lines);
	else
		ck_assert_ptr_null(got);
}
END_TEST

static const struct {
	const char *program, *options, *line;
} argv_cases[] = {
	{ "[\"docker-compose\"]",
	  "{\"files\":[\"docker-compose.yml\"],\"env_file\":null}",
	  "docker-compose --ansi never -p shop --project-directory /srv/shop "
	  "-f docker-compose.yml --env-file /usr/share/fettle/empty.env "
	  "up -d --no-deps --no-build --force-recreate --scale api=2 api" },
	{ "[\"docker\",\"compose\"]",
	  "{\"files\":[\"a.yml\",\"b.yml\"],\"env_file\":\".env\",\"profiles\":[\"x\","
	  "\"y\"]}",
	  "docker compose --ansi never -p shop --project-directory /srv/shop "
	  "-f a.yml -f b.yml --env-file /srv/shop/.env --profile x --profile y "
	  "up -d --no-deps --no-build --force-recreate --scale api=2 api" },
	{ "[\"docker-compose\"]",
	  "{\"directory\":\"deploy\",\"files\":[\"deploy/a.yml\"]}",
	  "docker-compose --ansi never -p shop --project-directory /srv/shop/deploy "
	  "-f deploy/a.yml --env-file /usr/share/fettle/empty.env "
	  "up -d --no-deps --no-build --force-recreate --scale api=2 api" },
};

START_TEST(compose_is_called_like_this)
{
	AUTO_JSON json_t *program = want(argv_cases[_i].program);
	AUTO_JSON json_t *options = want(argv_cases[_i].options);
	struct compose compose = { .project = "shop", .workspace = "/srv/shop",
				   .data_dir = "/usr/share/fettle", .options = options,
				   .program = program };
	AUTO_ARGV struct argv argv = { 0 };
	AUTO_TEXT struct text line = { 0 };

	compose_up_argv(&compose, "api", 2, &argv);
	for (size_t i = 0; i < argv.count; i++)
		text_addf(&line, "%s%s", i > 0 ? " " : "", argv.v[i]);
	ck_assert_str_eq(text_get(&line), argv_cases[_i].line);
}
END_TEST

START_TEST(project_name_is_as_compose_makes_it)
{
	AUTO_FREE char *plain = compose_normal_name("shop");
	AUTO_FREE char *odd = compose_normal_name("My Shop.v2_x-y");
	AUTO_FREE char *begin = compose_normal_name("_-Shop");

	ck_assert_str_eq(plain, "shop");
	ck_assert_str_eq(odd, "myshopv2_x-y");
	ck_assert_str_eq(begin, "shop");
}
END_TEST

/* ---- containers --------------------------------------------------------- */

#define NOW 1795263800 /* 2026-11-21T12:23:20Z */
static const struct {
	const char *state, *level;
} level_cases[] = {
	{ "\"State\":{\"Status\":\"running\",\"StartedAt\":\"2026-11-21T12:23:19Z\"}",
	  "running" },
	{ "\"State\":{\"Status\":\"running\",\"StartedAt\":\"2026-11-21T12:23:19Z\","
	  "\"Health\":{\"Status\":\"healthy\"}}",
	  "healthy" },
	{ "\"State\":{\"Status\":\"running\",\"StartedAt\":\"2026-11-21T12:23:19Z\","
	  "\"Health\":{\"Status\":\"unhealthy\"}}",
	  "running" },
	{ "\"State\":{\"Status\":\"running\",\"StartedAt\":\"2026-11-21T12:23:19Z\"},"
	  "\"RestartCount\":3",
	  "exited" },
	{ "\"State\":{\"Status\":\"running\",\"StartedAt\":\"2026-11-21T12:20:19Z\"},"
	  "\"RestartCount\":3",
	  "running" },
	{ "\"State\":{\"Status\":\"restarting\"}", "exited" },
	{ "\"State\":{\"Status\":\"exited\",\"ExitCode\":1}", "exited" },
	{ "\"State\":{\"Status\":\"paused\"}", "exited" },
	{ "\"State\":{\"Status\":\"dead\"}", "exited" },
	{ "\"State\":{\"Status\":\"created\"}", "created" },
};

START_TEST(level_of_a_container)
{
	AUTO_FREE char *text = text_format("{\"Id\":\"c\",%s}", level_cases[_i].state);
	AUTO_JSON json_t *inspection = want(text);
	AUTO_JSON json_t *c = container_read(inspection, NOW);

	ck_assert_str_eq(json_member(c, "level"), level_cases[_i].level);
}
END_TEST

START_TEST(levels_are_ordered)
{
	ck_assert_int_lt(level_find("absent"), level_find("created"));
	ck_assert_int_lt(level_find("created"), level_find("exited"));
	ck_assert_int_lt(level_find("exited"), level_find("running"));
	ck_assert_int_lt(level_find("running"), level_find("healthy"));
	ck_assert_int_eq(level_find(NULL), LEVEL_ABSENT);
}
END_TEST

START_TEST(the_level_of_a_service_is_its_lowest)
{
	AUTO_JSON json_t *none = json_array();
	AUTO_JSON json_t *two =
		want("[{\"level\":\"healthy\"},{\"level\":\"exited\"}]");

	ck_assert_int_eq(container_level(none), LEVEL_ABSENT);
	ck_assert_int_eq(container_level(two), LEVEL_EXITED);
}
END_TEST

START_TEST(a_container_is_read)
{
	AUTO_JSON json_t *inspection = want(
		"{\"Id\":\"d06c\",\"Name\":\"/"
		"shop_api_1\",\"Image\":\"sha256:aa\",\"RestartCount\":2,\"State\":{"
		"\"Status\":\"exited\",\"ExitCode\":137,\"StartedAt\":\"2026-11-21T12:"
		"22:41Z\"},\"Config\":{\"Image\":\"shop_api\",\"Healthcheck\":{"
		"\"Test\":[\"CMD\",\"x\"]},\"Labels\":{\"com.docker.compose.service\":"
		"\"api\",\"com.docker.compose.container-number\":\"3\"}},"
		"\"HostConfig\":{\"NetworkMode\":\"container:beef\",\"RestartPolicy\":{"
		"\"Name\":\"on-failure\",\"MaximumRetryCount\":5}},\"NetworkSettings\":"
		"{\"Ports\":{\"8080/tcp\":[{\"HostPort\":\"18080\"}],\"9/"
		"tcp\":null},\"Networks\":{\"a\":{\"IPAddress\":\"\"},\"b\":{"
		"\"IPAddress\":\"10.0.0.2\"}}}}");
	AUTO_JSON json_t *c = container_read(inspection, NOW);

	ck_assert_str_eq(json_member(c, "name"), "shop_api_1");
	ck_assert_str_eq(json_member(c, "service"), "api");
	ck_assert_str_eq(json_member(c, "ip"), "10.0.0.2");
	ck_assert_str_eq(json_member(c, "shares"), "beef");
	ck_assert_int_eq(json_member_int(c, "number", 0), 3);
	ck_assert_int_eq(json_member_int(c, "exit_code", 0), 137);
	ck_assert_int_eq(json_member_int(c, "restart_limit", 0), 5);
	ck_assert_int_eq(json_member_int(json_object_get(c, "ports"), "8080/tcp", 0),
			 18080);
	ck_assert_ptr_null(json_object_get(json_object_get(c, "ports"), "9/tcp"));
	ck_assert(json_member_true(c, "healthcheck"));
}
END_TEST

START_TEST(an_image_reference_is_split)
{
	static const char *const cases[][3] = {
		{ "shop_api", "shop_api", "latest" },
		{ "shop_api:2", "shop_api", "2" },
		{ "host:5000/a/b", "host:5000/a/b", "latest" },
		{ "host:5000/a/b:x", "host:5000/a/b", "x" },
	};
	AUTO_FREE char *repository = NULL, *tag = NULL;

	image_split(cases[_i][0], &repository, &tag);
	ck_assert_str_eq(repository, cases[_i][1]);
	ck_assert_str_eq(tag, cases[_i][2]);
}
END_TEST

START_TEST(log_frames_are_taken_out)
{
	static const char framed[] = "\1\0\0\0\0\0\0\4one\n\2\0\0\0\0\0\0\4two\n";
	size_t n;
	AUTO_FREE char *text = engine_log_text(framed, sizeof(framed) - 1, &n);
	AUTO_FREE char *cut = engine_log_text(framed, 10, &n);
	AUTO_FREE char *plain = engine_log_text("tty text\n", 9, &n);

	ck_assert_str_eq(text, "one\ntwo\n");
	ck_assert_str_eq(cut, "on");
	ck_assert_str_eq(plain, "tty text\n");
}
END_TEST

/* ---- our own container -------------------------------------------------- */

#define ID64 "d06c50ed796d5098cc4d0bec3e1f9443b60d2bce447d890c7027bf03a2f51a15"
#define DISK_ROOT "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
#define OVERLAY_ROOT "600 500 0:57 / / rw,relatime - overlay overlay rw\n"
static const struct {
	const char *mountinfo;
	bool has_marker;
	enum own_place place;
} own_cases[] = {
	{ DISK_ROOT, false, OWN_NONE },
	{ DISK_ROOT, true, OWN_NONE },
	{ DISK_ROOT
	  "31 27 0:5 /run/netns/resolv.conf /etc/resolv.conf rw - tmpfs tmpfs rw\n",
	  false, OWN_NONE },
	{ DISK_ROOT
	  "46 42 0:39 / /var/lib/docker/overlay2/5/merged rw - overlay overlay rw\n",
	  true, OWN_NONE },
	{ OVERLAY_ROOT "610 600 8:1 /var/lib/docker/containers/" ID64
		       "/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n",
	  true, OWN_KNOWN },
	{ OVERLAY_ROOT "610 600 8:1 /containers/" ID64
		       "/hosts /etc/hosts rw - ext4 /dev/sda1 rw\n",
	  false, OWN_KNOWN },
	{ OVERLAY_ROOT "610 600 8:1 /data /data/containers/" ID64
		       "/x rw - ext4 /dev/sda1 rw\n",
	  true, OWN_UNKNOWN },
	{ OVERLAY_ROOT
	  "610 600 8:1 /containers/short/hosts /etc/hosts rw - ext4 /dev/sda1 rw\n",
	  true, OWN_UNKNOWN },
	{ OVERLAY_ROOT, true, OWN_UNKNOWN },
	{ OVERLAY_ROOT, false, OWN_NONE },
	{ "garbage\n\n1 2\n", true, OWN_NONE },
};

START_TEST(own_container_is_read)
{
	char id[65] = "";

	ck_assert_int_eq(
		own_read(own_cases[_i].mountinfo, own_cases[_i].has_marker, id),
		own_cases[_i].place);
	if (own_cases[_i].place == OWN_KNOWN)
		ck_assert_str_eq(id, ID64);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("compose");
	TCase *tc = tcase_create("reading");

	tcase_add_loop_test(tc, yaml_becomes_json, 0, (int)COUNT_OF(yaml_cases));
	tcase_add_loop_test(tc, yaml_refuses, 0, (int)COUNT_OF(bad_yaml));
	tcase_add_test(tc, yaml_depth_is_limited);
	tcase_add_loop_test(tc, unset_variable_is_found, 0, (int)COUNT_OF(unset_cases));
	tcase_add_loop_test(tc, complaint_is_composes_own, 0,
			    (int)COUNT_OF(complaint_cases));
	tcase_add_loop_test(tc, the_last_lines_are_joined, 0,
			    (int)COUNT_OF(last_cases));
	tcase_add_loop_test(tc, compose_is_called_like_this, 0,
			    (int)COUNT_OF(argv_cases));
	tcase_add_test(tc, project_name_is_as_compose_makes_it);
	suite_add_tcase(suite, tc);
	tc = tcase_create("containers");
	tcase_add_loop_test(tc, level_of_a_container, 0, (int)COUNT_OF(level_cases));
	tcase_add_test(tc, levels_are_ordered);
	tcase_add_test(tc, the_level_of_a_service_is_its_lowest);
	tcase_add_test(tc, a_container_is_read);
	tcase_add_loop_test(tc, an_image_reference_is_split, 0, 4);
	tcase_add_test(tc, log_frames_are_taken_out);
	tcase_add_loop_test(tc, own_container_is_read, 0, (int)COUNT_OF(own_cases));
	suite_add_tcase(suite, tc);
	return module_run(suite);
}
