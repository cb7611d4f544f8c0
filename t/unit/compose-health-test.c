/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The pure judgements of restart, verify and rollback: which neighbours were
 * touched, whether a service is well, where a probe asks, and whether an undoing
 * came out as recorded.
 */
#include "module.h"

#include <string.h>

#include "plugins/common/engine_stream.h"
#include "plugins/common/neighbours.h"
#include "plugins/common/probe.h"
#include "plugins/common/undo.h"
#include "plugins/common/watch.h"

static json_t *
want(const char *json)
{
	json_t *value = json_of(json);

	ck_assert_ptr_nonnull(value);
	return value;
}

/* ---- is it well? -------------------------------------------------------- */

#define UP                                                                             \
	"{\"id\":\"n\",\"name\":\"api_1\",\"state\":\"running\",\"level\":"            \
	"\"running\","                                                                 \
	"\"image_id\":\"sha256:2\",\"restart_count\":0,\"started_at\":\"t1\""
static const struct {
	const char *containers;
	bool is_good, is_final;
	const char *in_text;
} watch_cases[] = {
	{ "[" UP "}]", true, false, "runs" },
	{ "[" UP ",\"healthcheck\":true,\"health\":\"healthy\"}]", true, false,
	  "healthy" },
	{ "[" UP ",\"healthcheck\":true,\"health\":\"starting\"}]", false, false,
	  "starting" },
	{ "[" UP ",\"healthcheck\":true,\"health\":\"unhealthy\"}]", false, false,
	  "unhealthy" },
	{ "[]", false, true, "no container" },
	{ "[" UP "}," UP "}]", false, false, "2 containers, not 1" },
	{ "[{\"id\":\"o\",\"name\":\"api_1\",\"state\":\"running\"}]", false, true,
	  "did not make" },
	{ "[{\"id\":\"n\",\"name\":\"api_1\",\"state\":\"running\",\"image_id\":"
	  "\"sha256:1\"}]",
	  false, true, "runs image 1" },
	{ "[{\"id\":\"n\",\"name\":\"api_1\",\"state\":\"exited\",\"image_id\":"
	  "\"sha256:2\",\"exit_code\":1,\"restart_policy\":\"no\"}]",
	  false, true, "exited with status 1" },
	{ "[{\"id\":\"n\",\"name\":\"api_1\",\"state\":\"exited\",\"image_id\":"
	  "\"sha256:2\",\"exit_code\":1,\"restart_policy\":\"always\"}]",
	  false, false, "exited with status 1" },
	{ "[{\"id\":\"n\",\"name\":\"api_1\",\"state\":\"exited\",\"image_id\":"
	  "\"sha256:2\",\"exit_code\":0,\"restart_policy\":\"on-failure\"}]",
	  false, true, "exited with status 0" },
	{ "[{\"id\":\"n\",\"name\":\"api_1\",\"state\":\"exited\",\"image_id\":"
	  "\"sha256:2\",\"exit_code\":1,\"restart_policy\":\"on-failure\",\"restart_"
	  "limit\":3,\"restart_count\":3}]",
	  false, true, "exited with status 1" },
	{ "[{\"id\":\"n\",\"name\":\"api_1\",\"state\":\"restarting\",\"image_id\":"
	  "\"sha256:2\",\"exit_code\":1}]",
	  false, false, "is being restarted" },
	{ "[{\"id\":\"n\",\"name\":\"api_1\",\"state\":\"paused\",\"image_id\":"
	  "\"sha256:2\"}]",
	  false, false, "paused" },
	{ "[{\"id\":\"n\",\"name\":\"api_1\",\"state\":\"running\",\"level\":"
	  "\"exited\",\"image_id\":\"sha256:2\",\"restart_count\":4}]",
	  false, false, "restarted (4 times" },
};

START_TEST(one_look_is_judged)
{
	AUTO_JSON json_t *ids = want("[\"n\"]"),
			 *now = want(watch_cases[_i].containers);
	struct watch watch = { .ids = ids, .image_id = "sha256:2", .replicas = 1 };
	struct look look = watch_containers(&watch, now);

	ck_assert_msg(strstr(look.text, watch_cases[_i].in_text) != NULL, "%s",
		      look.text);
	ck_assert_int_eq(look.is_good, watch_cases[_i].is_good);
	ck_assert_int_eq(look.is_final, watch_cases[_i].is_final);
	free(look.text);
	json_decref(watch.seen);
}
END_TEST

START_TEST(a_restart_between_two_looks_is_seen)
{
	AUTO_JSON json_t *first = want("[" UP "}]");
	AUTO_JSON json_t *again = want(
		"[{\"id\":\"n\",\"name\":\"api_1\",\"state\":\"running\",\"level\":"
		"\"running\",\"restart_count\":0,\"started_at\":\"t2\"}]");
	struct watch watch = { 0 };
	struct look looks[] = { watch_containers(&watch, first),
				watch_containers(&watch, again),
				watch_containers(&watch, again) };

	ck_assert(looks[0].is_good);
	ck_assert(!looks[1].is_good);
	ck_assert(looks[2].is_good);
	for (size_t i = 0; i < 3; i++)
		free(looks[i].text);
	json_decref(watch.seen);
}
END_TEST

/* ---- probes ------------------------------------------------------------- */

static const struct {
	const char *probe, *container, *urls;
} url_cases[] = {
	{ "{\"http\":\":8080/healthz\"}", "{\"ip\":\"10.0.0.2\"}",
	  "http://10.0.0.2:8080/healthz" },
	{ "{\"http\":\":8080\"}", "{\"ip\":\"10.0.0.2\"}", "http://10.0.0.2:8080/" },
	{ "{\"http\":\":8080?x=/y\"}", "{\"ip\":\"10.0.0.2\"}",
	  "http://10.0.0.2:8080/?x=/y" },
	{ "{\"http\":\":8080/x\"}", "{\"ip\":\"fd00::2\"}", "http://[fd00::2]:8080/x" },
	{ "{\"http\":\":8080/x\"}", "{\"network_mode\":\"host\"}",
	  "http://127.0.0.1:8080/x" },
	{ "{\"http\":\":8080/x\"}", "{\"ports\":{\"8080/tcp\":18080}}",
	  "http://127.0.0.1:18080/x" },
	{ "{\"http\":\":8080/x\"}",
	  "{\"ip\":\"10.0.0.2\",\"ports\":{\"8080/tcp\":18080}}",
	  "http://10.0.0.2:8080/x http://127.0.0.1:18080/x" },
	{ "{\"http\":\":8080/x\"}",
	  "{\"network_mode\":\"none\",\"ports\":{\"80/tcp\":1}}", "" },
	{ "{\"http\":\"https://shop.example/x\"}", "{\"ip\":\"10.0.0.2\"}",
	  "https://shop.example/x" },
	{ "{\"tcp\":\":5432\"}", "{\"network_mode\":\"host\"}", "127.0.0.1:5432" },
	{ "{\"tcp\":\":5432\"}",
	  "{\"ip\":\"fd00::2\",\"ports\":{\"5432/tcp\":15432}}",
	  "[fd00::2]:5432 127.0.0.1:15432" },
	{ "{\"tcp\":\"db:5432\"}", "{\"ip\":\"10.0.0.2\"}", "db:5432" },
};

START_TEST(a_probe_asks_here)
{
	AUTO_JSON json_t *probe = want(url_cases[_i].probe),
			 *c = want(url_cases[_i].container);
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
	static const char *const bad[] = {
		"[{\"http\":\"8080/x\"}]",  "[{\"http\":\"/healthz\"}]",
		"[{\"http\":\":0/x\"}]",    "[{\"http\":\":70000/\"}]",
		"[{\"http\":\":80/\"},{}]", "[{\"http\":\"ftp://x/\"}]",
		"[{\"http\":\":80/\",\"match\":\"(\"}]",
		"[{\"tcp\":\"db\"}]",	    "[{\"tcp\":\":x\"}]",
		"[{\"command\":[]}]",	    "[{\"command\":\"true\"}]",
		"[{\"log\":\"[\"}]",	    "[{\"log\":1}]",
	};
	AUTO_JSON json_t *probes = want(bad[_i]);
	struct fault fault = { 0 };

	ck_assert_int_eq(probe_check(probes, &fault), -1);
	ck_assert_str_eq(fault.code, "health_invalid");
}
END_TEST

START_TEST(a_probe_never_asks_link_local_addresses)
{
	static const char *const urls[] = { "http://169.254.169.254/latest/",
					    "http://2852039166/", "http://[fe80::1]/",
					    "http://[::ffff:169.254.1.1]/",
					    "http://[fd00:ec2::254]/" };
	AUTO_JSON json_t *probe = want("{\"http\":\"x\"}");
	AUTO_ARGV struct argv argv = { 0 };
	AUTO_FREE char *text = NULL;

	argv_add(&argv, urls[_i]);
	int64_t begin_ms = clock_boot_ms();
	ck_assert(!probe_ask(probe, &argv, 3000, &text));
	ck_assert_msg(strstr(text, "never asked") != NULL, "%s", text);
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

/* ---- patterns and streams ------------------------------------------------ */

static const struct {
	const char *pattern, *text;
	bool is_found;
} pattern_cases[] = {
	{ "hello", "say hello", true },
	{ "^ok$", "first\nok\nlast", true },
	{ "^ok$", "not ok", false },
	{ "caf.$", "caf\xc3\xa9", true },
	{ "ready", "\xff\xfe ready", true },
	{ "(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", false },
};

START_TEST(a_pattern_is_found)
{
	struct pattern *pattern = pattern_new(pattern_cases[_i].pattern, NULL);
	const char *text = pattern_cases[_i].text;

	ck_assert_ptr_nonnull(pattern);
	ck_assert(pattern_finds(pattern, text, strlen(text)) ==
		  pattern_cases[_i].is_found);
	pattern_free(pattern);
}
END_TEST

START_TEST(what_is_no_pattern_is_said)
{
	AUTO_FREE char *why = NULL;

	ck_assert_ptr_null(pattern_new("a(b", &why));
	ck_assert_msg(strstr(why, "at character 4") != NULL, "%s", why);
}
END_TEST

static bool
add(void *to, const char *bytes, size_t n)
{
	text_add_n(to, bytes, n);
	return true;
}

#define FRAME(length, bytes) "\1\0\0\0\0\0\0" length bytes
static const struct {
	const char *bytes;
	size_t n;
	const char *text;
} stream_cases[] = {
	{ "", 0, "" },
	{ FRAME("\2", "ab") "\2\0\0\0\0\0\0\3" "cde", 21, "abcde" },
	{ FRAME("\0", "") FRAME("\1", "x"), 17, "x" },
	{ FRAME("\5", "ab"), 10, "ab" },
	{ "OCI runtime exec failed", 23, "OCI runtime exec failed" },
	{ "\1x", 2, "\1x" },
};

/* However the bytes are cut on their way. */
START_TEST(frames_are_taken_off)
{
	for (size_t step = 1; step <= stream_cases[_i].n + 1; step++) {
		AUTO_TEXT struct text got = { 0 };
		struct engine_stream stream = { .take = add, .to = &got };

		for (size_t at = 0; at < stream_cases[_i].n; at += step) {
			size_t left = stream_cases[_i].n - at;

			ck_assert(engine_stream_take(&stream,
						     stream_cases[_i].bytes + at,
						     left < step ? left : step));
		}
		ck_assert_str_eq(text_get(&got), stream_cases[_i].text);
	}
}
END_TEST

/* ---- undoing ------------------------------------------------------------ */

#define RAN                                                                            \
	"{\"service\":\"api\",\"image_id\":\"sha256:1\",\"level\":\"running\","        \
	"\"replicas\":1,"                                                              \
	"\"containers\":[\"c1\"],\"tag_id\":\"sha256:1\"}"
#define BROKEN                                                                         \
	"{\"service\":\"api\",\"image_id\":\"sha256:1\",\"level\":\"exited\","         \
	"\"replicas\":1,"                                                              \
	"\"containers\":[\"c1\"]}"
#define ABSENT                                                                         \
	"{\"service\":\"api\",\"image_id\":null,\"level\":\"absent\",\"replicas\":1,"  \
	"\"containers\":[]}"
#define C(id, image, level)                                                            \
	"[{\"id\":\"" id "\",\"name\":\"api_1\",\"image_id\":\"" image                 \
	"\",\"level\":\"" level "\"}]"
static const struct {
	const char *before, *now, *tag_id, *want_tag_id, *in_text;
} undo_cases[] = {
	{ RAN, C("c2", "sha256:1", "running"), "sha256:1", "sha256:1", NULL },
	{ RAN, C("c2", "sha256:1", "healthy"), "sha256:1", "sha256:1", NULL },
	{ RAN, C("c2", "sha256:1", "exited"), "sha256:1", "sha256:1",
	  "is exited, and was running" },
	{ RAN, C("c2", "sha256:2", "running"), "sha256:1", "sha256:1",
	  "runs image sha256:2" },
	{ RAN, "[]", "sha256:1", "sha256:1", "0 containers, not 1" },
	{ RAN, C("c2", "sha256:1", "running"), "sha256:2", "sha256:1",
	  "stands for sha256:2" },
	{ RAN, C("c2", "sha256:1", "running"), NULL, "sha256:1", "stands for nothing" },
	{ RAN, C("c2", "sha256:1", "running"), "sha256:0", "sha256:0", NULL },
	{ BROKEN, C("c2", "sha256:1", "exited"), NULL, NULL, NULL },
	{ BROKEN, C("c2", "sha256:1", "running"), NULL, NULL, NULL },
	{ BROKEN, C("c2", "sha256:1", "created"), NULL, NULL,
	  "is created, and was exited" },
	{ ABSENT, "[]", NULL, NULL, NULL },
	{ ABSENT, C("c2", "sha256:2", "running"), NULL, NULL, "1 containers, not 0" },
	{ ABSENT, "[]", "sha256:2", NULL, "not nothing" },
};

START_TEST(an_undoing_is_compared)
{
	AUTO_JSON json_t *before = want(undo_cases[_i].before),
			 *now = want(undo_cases[_i].now);
	AUTO_FREE char *text =
		undo_difference(before, now, "shop_api", undo_cases[_i].tag_id,
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

/* ---- neighbours --------------------------------------------------------- */

#define EVENT(action, id) "{\"Action\":\"" action "\",\"Actor\":{\"ID\":\"" id "\"}}"
/* A container, its state, when it was started, how often it was restarted. */
#define PEER(id, state, at, restarts)                                                  \
	"{\"id\":\"" id "\",\"state\":\"" state "\",\"started_at\":\"" at              \
	"\",\"restart_count\":" restarts "}"
#define RUNS(id, at) PEER(id, "running", at, "0")
static const struct {
	const char *after, *events, *found;
} neighbour_cases[] = {
	{ "[" RUNS("a", "1") "," RUNS("b", "1") "]",
	  "[]", "[]" },
	{ "[" RUNS("a", "1") "," RUNS("b", "1") "]",
	  "[" EVENT("kill", "other") "," EVENT("exec_create: x", "a") "," EVENT(
		  "health_status: healthy", "b") "]",
	  "[]" },
	{ "[" RUNS("a", "1") "]", "[]", "[\"B gone false\"]" },
	{ "[" RUNS("a", "1") "," RUNS("b", "2") "]",
	  "[" EVENT("die", "b") "," EVENT("start", "b") "]",
	  "[\"B peer_flapping true\"]" },
	{ "[" RUNS("a", "1") "," PEER("b", "running", "2", "1") "]",
	  "[]", "[\"B peer_flapping true\"]" },
	{ "[" RUNS("a", "1") "," RUNS("b", "2") "]", "[]", "[\"B restart false\"]" },
	{ "[" RUNS("a", "1") "," PEER("b", "exited", "1", "0") "]", "[]",
	  "[\"B exited false\"]" },
	{ "[" RUNS("a", "1") "," PEER("b", "exited", "1", "0") "]",
	  "[" EVENT("die", "b") "]", "[\"B peer_flapping true\"]" },
	{ "[" RUNS("a", "2") "," RUNS("b", "1") "]",
	  "[" EVENT("kill", "a") "," EVENT("die", "a") "," EVENT("restart", "a") "]",
	  "[\"A kill false\"]" },
	{ "[" RUNS("a", "1") "," RUNS("b", "1") "]",
	  "[" EVENT("rename", "a") "," EVENT("update", "b") "]",
	  "[\"A rename false\",\"B update false\"]" },
};

START_TEST(neighbours_are_judged)
{
	AUTO_JSON json_t *before =
		want("[{\"id\":\"a\",\"name\":\"A\",\"state\":\"running\","
		     "\"started_at\":\"1\"},{\"id\":\"b\",\"name\":\"B\",\"state\":"
		     "\"running\",\"started_at\":\"1\"}]");
	AUTO_JSON json_t *after = want(neighbour_cases[_i].after);
	AUTO_JSON json_t *events = want(neighbour_cases[_i].events);
	AUTO_JSON json_t *wanted = want(neighbour_cases[_i].found), *got = json_array();
	AUTO_JSON json_t *found = neighbours_judge(before, after, events);
	size_t i;
	json_t *one;

	json_array_foreach(found, i, one) {
		AUTO_FREE char *line = text_format(
			"%s %s %s", json_member(one, "name"), json_member(one, "what"),
			json_member_true(one, "is_warning") ? "true" : "false");
		json_array_append_new(got, json_string(line));
	}
	AUTO_FREE char *shown = json_dumps(got, 0);
	ck_assert_msg(json_equal(got, wanted), "%s", shown);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("compose-health");
	TCase *tc = tcase_create("health");

	tcase_add_loop_test(tc, one_look_is_judged, 0, (int)COUNT_OF(watch_cases));
	tcase_add_test(tc, a_restart_between_two_looks_is_seen);
	tcase_add_loop_test(tc, a_probe_asks_here, 0, (int)COUNT_OF(url_cases));
	tcase_add_loop_test(tc, a_probe_that_cannot_be_asked_is_refused, 0, 13);
	tcase_add_loop_test(tc, a_probe_never_asks_link_local_addresses, 0, 5);
	tcase_add_test(tc, a_probe_without_a_place_is_bad);
	tcase_add_loop_test(tc, a_pattern_is_found, 0, (int)COUNT_OF(pattern_cases));
	tcase_add_test(tc, what_is_no_pattern_is_said);
	tcase_add_loop_test(tc, frames_are_taken_off, 0, (int)COUNT_OF(stream_cases));
	suite_add_tcase(suite, tc);
	tc = tcase_create("undo");
	tcase_add_loop_test(tc, neighbours_are_judged, 0,
			    (int)COUNT_OF(neighbour_cases));
	tcase_add_loop_test(tc, an_undoing_is_compared, 0, (int)COUNT_OF(undo_cases));
	tcase_add_test(tc, only_the_recorded_containers_are_untouched);
	suite_add_tcase(suite, tc);
	return module_run(suite);
}
