/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events: their forms, spills, and what comes from a peer that lies. */
#include "base/base.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/path.h"
#include "base/sha256.h"
#include "unit.h"
#include "wire/event.h"

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char *scratch;
static int scratch_fd, near_end, far_end;

static void
set_up(void)
{
	struct err err;
	int ends[2];

	scratch = unit_directory();
	scratch_fd = path_open_dir(scratch, &err);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends),
			 0);
	near_end = ends[0];
	far_end = ends[1];
}

static void
tear_down(void)
{
	auto_close(&near_end);
	auto_close(&far_end);
	auto_close(&scratch_fd);
	unit_remove(scratch);
	free(scratch);
}

static json_t *
parse(const char *text)
{
	struct err err;
	json_t *json = json_parse(text, strlen(text), &err);

	ck_assert_msg(json != NULL, "%s: %s", text, err.text);
	return json;
}

static size_t
count_files(void)
{
	size_t count = 0;
	DIR *directory = opendir(scratch);

	while (readdir(directory))
		count++;
	closedir(directory);
	return count - 2; /* `.` and `..` */
}

/* Sends, receives, and gives out what arrived. */
static json_t *
round_trip(const json_t *event)
{
	json_t *arrived = NULL;
	struct err err;

	ck_assert_msg(event_send(far_end, scratch_fd, event, &err) == 0, "%s",
		      err.text);
	ck_assert_int_eq(event_receive(near_end, scratch_fd, &arrived, &err), 1);
	return arrived;
}

/* What the receiver makes of a packet. */
static int
receive_packet(const void *packet, size_t n, struct err *err)
{
	json_t *event = NULL;
	int got;

	ck_assert_int_eq(send(far_end, packet, n, 0), (ssize_t)n);
	got = event_receive(near_end, scratch_fd, &event, err);
	json_decref(event);
	return got;
}

static void
assert_garbage(const char *packet)
{
	struct err err;

	ck_assert_msg(receive_packet(packet, strlen(packet), &err) == -1, "taken: %s",
		      packet);
	ck_assert_str_eq(err.code, "event.garbage");
}

/* ---- forms ------------------------------------------------------------- */

static const char *const GOOD[] = {
	"{\"e\":\"describe\",\"description\":{}}",
	"{\"e\":\"jail\",\"level\":\"tree\",\"techniques\":[\"umask\"]}",
	"{\"e\":\"edit\",\"path\":\"a\",\"op\":\"write\",\"pre\":null,\"content\":"
	"\"\"}",
	"{\"e\":\"edit\",\"path\":\"a\",\"op\":\"write\",\"pre\":\"" SHA
	"\",\"base64\":\"YQ==\"}",
	"{\"e\":\"edit\",\"path\":\"a\",\"op\":\"delete\"}",
	"{\"e\":\"effect\",\"kind\":\"k\",\"target\":\"t\",\"before\":[1],\"summary\":"
	"\"s\"}",
	"{\"e\":\"command\",\"argv\":[\"true\"]}",
	"{\"e\":\"observed\",\"effect\":0,\"state\":\"partial\",\"detail\":\"d\"}",
	"{\"e\":\"output\",\"name\":\"n\",\"value\":null}",
	"{\"e\":\"finding\",\"rule\":\"r\",\"confidence\":1,\"title\":\"t\","
	"\"evidence\":\"e\"}",
	"{\"e\":\"artifact\",\"name\":\"n\",\"type\":\"t\",\"file\":\"f\"}",
	"{\"e\":\"note\",\"level\":\"warn\",\"text\":\"t\"}",
	"{\"e\":\"progress\",\"done\":1,\"total\":2,\"text\":\"t\"}",
	"{\"e\":\"exec\",\"argv\":[\"a\",\"\"]}",
	"{\"e\":\"exited\",\"status\":-1,\"signal\":9,\"timed_out\":true}",
	"{\"e\":\"verdict\",\"module\":0,\"policy\":\"p\",\"verdict\":\"deny\","
	"\"reason\":\"r\"}",
	"{\"e\":\"verdict\",\"module\":0,\"policy\":\"p\",\"verdict\":\"hold\","
	"\"reason\":\"r\","
	"\"need\":{\"roles\":[],\"quorum\":1,\"valid_ms\":0}}",
	"{\"e\":\"result\",\"result\":\"ok\"}",
	"{\"e\":\"result\",\"result\":\"error\",\"why\":\"bug\",\"code\":\"c\","
	"\"text\":\"t\","
	"\"remedy\":\"r\"}",
};

START_TEST(event_arrives_as_it_was_sent)
{
	AUTO(json_ref) json_t *event = parse(GOOD[_i]);
	AUTO(json_ref) json_t *arrived = round_trip(event);

	ck_assert_msg(json_equal(event, arrived), "%s", GOOD[_i]);
	ck_assert_uint_eq(count_files(), 0);
}
END_TEST

/* Each member taken away in turn: only optional ones may be missing. */
START_TEST(event_without_a_member_is_garbage_or_still_whole)
{
	static const char *const optional[] = { "pre",	"detail", "evidence",
						"text", "code",	  "remedy" };
	AUTO(json_ref) json_t *event = parse(GOOD[_i]);
	const char *key;
	json_t *value;

	json_object_foreach (event, key, value) {
		AUTO(json_ref) json_t *less = json_copy(event);
		bool is_optional = false;
		struct err err;

		for (size_t i = 0; i < ARRAY_LEN(optional); i++)
			is_optional |= str_eq(optional[i], key);
		/* A note is its text. */
		is_optional &= !str_eq(json_text(event, "e"), "note");
		json_object_del(less, key);
		ck_assert_msg((event_check(less, &err) == 0) == is_optional,
			      "%s without %s", GOOD[_i], key);
	}
}
END_TEST

START_TEST(event_with_a_member_of_another_type_is_garbage)
{
	AUTO(json_ref) json_t *event = parse(GOOD[_i]);
	const char *key;
	json_t *value;

	json_object_foreach (event, key, value) {
		AUTO(json_ref) json_t *other = json_copy(event);
		struct err err;

		if (str_eq(key, "value") || str_eq(key, "before"))
			continue; /* Those may be anything. */
		json_object_set_new(other, key, json_real(1.5));
		ck_assert_msg(event_check(other, &err) == -1, "%s with %s", GOOD[_i],
			      key);
		ck_assert_str_eq(err.code, "event.garbage");
	}
}
END_TEST

static const char *const BAD[] = {
	"",
	" ",
	"rubbish",
	"{",
	"[]",
	"\"text\"",
	"{}",
	"{\"e\":\"unknown\"}",
	"{\"e\":1}",
	"{\"e\":\"result\",\"e\":\"result\",\"result\":\"ok\"}",
	"{\"e\":\"result\",\"result\":\"maybe\"}",
	"{\"e\":\"result\",\"result\":\"ok|noop\"}",
	"{\"e\":\"result\",\"result\":\"error\"}",
	"{\"e\":\"result\",\"result\":\"ok\",\"surprise\":1}",
	"{\"e\":\"edit\",\"path\":\"a\",\"op\":\"write\"}",
	"{\"e\":\"edit\",\"path\":\"a\",\"op\":\"write\",\"content\":\"\",\"base64\":"
	"\"\"}",
	"{\"e\":\"edit\",\"path\":\"a\",\"op\":\"delete\",\"content\":\"\"}",
	"{\"e\":\"edit\",\"path\":\"a\",\"op\":\"delete\",\"pre\":\"ABC\"}",
	"{\"e\":\"command\",\"argv\":[]}",
	"{\"e\":\"command\",\"argv\":[1]}",
	"{\"e\":\"verdict\",\"module\":0,\"policy\":\"p\",\"verdict\":\"hold\","
	"\"reason\":\"r\"}",
	"{\"e\":\"verdict\",\"module\":0,\"policy\":\"p\",\"verdict\":\"hold\","
	"\"reason\":\"r\","
	"\"need\":{\"roles\":[]}}",
	"{\"e\":\"verdict\",\"module\":0,\"policy\":\"p\",\"verdict\":\"allow\","
	"\"reason\":\"r\","
	"\"need\":{\"roles\":[],\"quorum\":1,\"valid_ms\":0}}",
	"{\"e\":\"note\",\"level\":\"info\",\"text\":\"\xff\"}",
	"{\"e\":\"note\",\"level\":\"info\",\"text\":\"\\u0000\"}",
};

START_TEST(packet_that_is_no_event_is_garbage)
{
	assert_garbage(BAD[_i]);
}
END_TEST

START_TEST(garbage_is_not_sent)
{
	AUTO(json_ref) json_t *event = parse("{\"e\":\"result\",\"result\":\"maybe\"}");
	json_t *arrived;
	struct err err;

	ck_assert_int_eq(event_send(far_end, scratch_fd, event, &err), -1);
	ck_assert_int_eq(event_receive(near_end, scratch_fd, &arrived, &err), 0);
}
END_TEST

/* ---- the channel ------------------------------------------------------------------
 */

START_TEST(nothing_there_is_not_the_end)
{
	json_t *event = NULL;
	struct err err;

	ck_assert_int_eq(event_receive(near_end, scratch_fd, &event, &err), 0);
	ck_assert_ptr_null(event);
}
END_TEST

START_TEST(end_comes_after_the_last_event)
{
	AUTO(json_ref) json_t *event = parse(GOOD[0]);
	AUTO(json_ref) json_t *arrived = NULL;
	struct err err;

	ck_assert_int_eq(event_send(far_end, scratch_fd, event, &err), 0);
	close(STEAL_FD(far_end));
	ck_assert_int_eq(event_receive(near_end, scratch_fd, &arrived, &err), 1);
	ck_assert_int_eq(event_receive(near_end, scratch_fd, &arrived, &err), -1);
	ck_assert_str_eq(err.code, "event.closed");
}
END_TEST

START_TEST(peer_that_is_gone_is_an_error_and_no_signal)
{
	AUTO(json_ref) json_t *event = parse(GOOD[0]);
	struct err err;

	close(STEAL_FD(near_end));
	ck_assert_int_eq(event_send(far_end, scratch_fd, event, &err), -1);
	ck_assert_str_eq(err.code, "event.closed");
}
END_TEST

START_TEST(packet_above_the_limit_is_garbage)
{
	AUTO_FREE char *packet = x_calloc(1, EVENT_MAX_BYTES + 2);
	struct err err;

	memset(packet, ' ', EVENT_MAX_BYTES + 1);
	memcpy(packet, GOOD[0], strlen(GOOD[0]));
	ck_assert_int_eq(receive_packet(packet, EVENT_MAX_BYTES, &err), 1);
	ck_assert_int_eq(receive_packet(packet, EVENT_MAX_BYTES + 1, &err), -1);
	ck_assert_str_eq(err.code, "event.garbage");
}
END_TEST

START_TEST(changed_bytes_never_do_harm)
{
	uint64_t state = 20261121;
	struct err err;

	for (int round = 0; round < 20000; round++) {
		AUTO_FREE char *packet =
			x_strdup(GOOD[unit_random(&state, ARRAY_LEN(GOOD))]);
		size_t len = strlen(packet);

		for (unsigned n = unit_random(&state, 4) + 1; n > 0; n--)
			packet[unit_random(&state, (unsigned)len)] =
				(char)unit_random(&state, 256);
		if (receive_packet(packet, len, &err) == -1)
			ck_assert_str_eq(err.code, "event.garbage");
	}
}
END_TEST

/* ---- spills ------------------------------------------------------------ */

static json_t *
large_output(size_t n)
{
	AUTO_FREE char *text = x_malloc(n + 1);

	memset(text, 'x', n);
	text[n] = '\0';
	return json_pack("{s:s, s:s, s:s}", "e", "output", "name", "n", "value", text);
}

START_TEST(large_member_arrives_whole_and_leaves_no_file)
{
	static const size_t sizes[] = { 16000, 16384, 17000, 70000, 5000000 };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		AUTO(json_ref) json_t *event = large_output(sizes[i]);
		AUTO(json_ref) json_t *arrived = round_trip(event);

		ck_assert(json_equal(event, arrived));
		ck_assert_uint_eq(count_files(), 0);
	}
}
END_TEST

START_TEST(many_middling_members_arrive_whole)
{
	AUTO_FREE char *text = x_calloc(1, 15001);
	AUTO(json_ref) json_t *event = NULL;
	AUTO(json_ref) json_t *arrived = NULL;

	memset(text, '\n', 7500); /* Two bytes each as JSON. */
	event = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "e", "result", "result",
			  "error", "why", "bug", "code", text, "text", text, "remedy",
			  text);
	json_object_set_new(event, "text",
			    json_sprintf("%s%s%s%s", text, text, text, text));
	arrived = round_trip(event);
	ck_assert(json_equal(event, arrived));
}
END_TEST

START_TEST(value_that_looks_like_a_spill_is_only_a_value)
{
	AUTO(json_ref)
	json_t *event = parse("{\"e\":\"output\",\"name\":\"n\",\"value\":{\"spill\":"
			      "{\"file\":\"/etc/passwd\",\"bytes\":1,\"sha256\":"
			      "\"" SHA "\"}}}");
	AUTO(json_ref) json_t *arrived = round_trip(event);

	ck_assert(json_equal(event, arrived));
}
END_TEST

START_TEST(value_above_the_limit_is_not_sent)
{
	AUTO(json_ref) json_t *event = large_output(EVENT_SPILL_MAX_BYTES);
	struct err err;

	ck_assert_int_eq(event_send(far_end, scratch_fd, event, &err), -1);
	ck_assert_str_eq(err.code, "event.size");
	ck_assert_uint_eq(count_files(), 0);
}
END_TEST

/* Writes a file into the scratch directory and announces it so. */
static void
announce(const char *file, const char *bytes, const char *claimed, size_t claimed_bytes)
{
	char sha256[SHA256_HEX_SIZE];
	AUTO_FREE char *packet = NULL;

	if (bytes) {
		AUTO_CLOSE int fd =
			openat(scratch_fd, file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		ck_assert_int_eq(file_write_all(fd, bytes, strlen(bytes)), 0);
	}
	sha256_hex(claimed, strlen(claimed), sha256);
	packet = x_asprintf("{\"e\":\"output\",\"name\":\"n\",\"value\":{\"spill\":{"
			    "\"file\":\"%s\","
			    "\"bytes\":%zu,\"sha256\":\"%s\"}}}",
			    file, claimed_bytes, sha256);
	ck_assert_int_eq(send(far_end, packet, strlen(packet), 0),
			 (ssize_t)strlen(packet));
}

static void
assert_refused(void)
{
	json_t *event = NULL;
	struct err err;

	ck_assert_int_eq(event_receive(near_end, scratch_fd, &event, &err), -1);
	ck_assert_str_eq(err.code, "event.garbage");
}

START_TEST(spill_as_announced_is_taken)
{
	AUTO(json_ref) json_t *event = NULL;
	struct err err;

	announce("f", "[1]", "[1]", 3);
	ck_assert_int_eq(event_receive(near_end, scratch_fd, &event, &err), 1);
	ck_assert_uint_eq(json_array_size(json_object_get(event, "value")), 1);
}
END_TEST

START_TEST(spill_that_lies_is_garbage)
{
	announce("other-bytes", "[1]", "[2]", 3);
	assert_refused();
	announce("other-length", "[1]", "[1]", 4);
	assert_refused();
	announce("no-json", "[1", "[1", 2);
	assert_refused();
	announce("missing", NULL, "[1]", 3);
	assert_refused();
	announce("../escape", NULL, "[1]", 3);
	assert_refused();
	announce("/etc/passwd", NULL, "[1]", 3);
	assert_refused();
	announce(".", NULL, "[1]", 3);
	assert_refused();
}
END_TEST

START_TEST(spill_that_is_no_file_is_garbage)
{
	ck_assert_int_eq(mkfifoat(scratch_fd, "fifo", 0600), 0);
	ck_assert_int_eq(symlinkat("/etc/hostname", scratch_fd, "link"), 0);
	announce("fifo", NULL, "[1]", 3);
	assert_refused();
	announce("link", NULL, "[1]", 3);
	assert_refused();
	assert_garbage("{\"e\":\"output\",\"name\":\"n\",\"value\":{\"spill\":1}}");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("wire");
	TCase *tcase = tcase_create("events");

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, event_arrives_as_it_was_sent, 0, ARRAY_LEN(GOOD));
	tcase_add_loop_test(tcase, event_without_a_member_is_garbage_or_still_whole, 0,
			    ARRAY_LEN(GOOD));
	tcase_add_loop_test(tcase, event_with_a_member_of_another_type_is_garbage, 0,
			    ARRAY_LEN(GOOD));
	tcase_add_loop_test(tcase, packet_that_is_no_event_is_garbage, 0,
			    ARRAY_LEN(BAD));
	tcase_add_test(tcase, garbage_is_not_sent);
	tcase_add_test(tcase, nothing_there_is_not_the_end);
	tcase_add_test(tcase, end_comes_after_the_last_event);
	tcase_add_test(tcase, peer_that_is_gone_is_an_error_and_no_signal);
	tcase_add_test(tcase, packet_above_the_limit_is_garbage);
	tcase_add_test(tcase, changed_bytes_never_do_harm);
	tcase_add_test(tcase, large_member_arrives_whole_and_leaves_no_file);
	tcase_add_test(tcase, many_middling_members_arrive_whole);
	tcase_add_test(tcase, value_that_looks_like_a_spill_is_only_a_value);
	tcase_add_test(tcase, value_above_the_limit_is_not_sent);
	tcase_add_test(tcase, spill_as_announced_is_taken);
	tcase_add_test(tcase, spill_that_lies_is_garbage);
	tcase_add_test(tcase, spill_that_is_no_file_is_garbage);
	return unit_run(suite);
}
