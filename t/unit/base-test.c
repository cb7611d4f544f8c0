/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strings, UTF-8, errors and memory of core/base. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/ed25519.h"
#include "base/hex.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "base/stream.h"

START_TEST(cleanup_attributes_free_and_close)
{
	int seen;
	{
		AUTO_FREE char *text = x_strdup("x");
		AUTO_CLOSE int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		AUTO_CLOSE int none = -1;
		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(none, -1);
		ck_assert_str_eq(text, "x");
		seen = fd;
		errno = ENOTTY;
	}
	ck_assert_int_eq(errno, ENOTTY);
	ck_assert_int_eq(fcntl(seen, F_GETFD), -1);
}
END_TEST

START_TEST(steal_leaves_an_empty_variable)
{
	AUTO_FREE char *from = x_strdup("owned");
	AUTO_FREE char *to = STEAL(from);
	int fd = 5, taken = STEAL_FD(fd);

	ck_assert_ptr_null(from);
	ck_assert_str_eq(to, "owned");
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(taken, 5);
}
END_TEST

START_TEST(allocation_of_nothing_is_not_null)
{
	AUTO_FREE void *a = x_malloc(0), *b = x_calloc(0, 8),
		       *c = x_realloc(NULL, 0, 8);
	ck_assert_ptr_nonnull(a);
	ck_assert_ptr_nonnull(b);
	ck_assert_ptr_nonnull(c);
	ck_assert_ptr_null(x_strdup(NULL));
	AUTO_FREE char *cut = x_strndup("abc", 2), *all = x_strndup("abc", 9);
	ck_assert_str_eq(cut, "ab");
	ck_assert_str_eq(all, "abc");
}
END_TEST

START_TEST(realloc_ends_the_process_on_overflow)
{
	free(x_realloc(NULL, SIZE_MAX / 4, 8));
}
END_TEST

START_TEST(str_grows_and_stays_terminated)
{
	AUTO(str) struct str str = STR_INIT;
	ck_assert_str_eq(str_get(&str), "");
	str_truncate(&str, 0);
	for (int i = 0; i < 1000; i++) {
		str_addf(&str, "%d,", i);
		ck_assert_uint_eq(strlen(str.s), str.len);
		ck_assert_uint_lt(str.len, str.cap);
	}
	ck_assert_uint_eq(str.len, 3890);
	str_truncate(&str, 4);
	ck_assert_str_eq(str.s, "0,1,");
	str_add_n(&str, "a\0b", 3);
	str_add_n(&str, NULL, 0);
	str_add_c(&str, 'c');
	ck_assert_uint_eq(str.len, 8);
	ck_assert_mem_eq(str.s, "0,1,a\0bc", 9);
}
END_TEST

START_TEST(str_addf_takes_texts_of_any_length)
{
	for (int n = 0; n < 300; n++) {
		AUTO(str) struct str str = STR_INIT;
		str_add(&str, "x");
		str_addf(&str, "%*s|", n, "");
		ck_assert_uint_eq(str.len, (size_t)n + 2);
		ck_assert_int_eq(str.s[str.len - 1], '|');
	}
}
END_TEST

START_TEST(str_take_hands_over_and_empties)
{
	AUTO(str) struct str str = STR_INIT;
	AUTO_FREE char *nothing = str_take(&str);
	str_add(&str, "text");
	AUTO_FREE char *text = str_take(&str);

	ck_assert_str_eq(nothing, "");
	ck_assert_str_eq(text, "text");
	ck_assert_uint_eq(str.len, 0);
	ck_assert_ptr_null(str.s);
}
END_TEST

START_TEST(strv_is_an_argv)
{
	AUTO(strv) struct strv strv = STRV_INIT;
	ck_assert_ptr_null(strv.v);
	ck_assert(!strv_has(&strv, "a"));
	strv_add(&strv, "a");
	strv_addf(&strv, "b%d", 1);
	strv_add_n(&strv, "cdef", 2);
	ck_assert_uint_eq(strv.count, 3);
	ck_assert_str_eq(strv.v[1], "b1");
	ck_assert_str_eq(strv.v[2], "cd");
	ck_assert_ptr_null(strv.v[3]);
	ck_assert(strv_has(&strv, "cd"));
	ck_assert(!strv_has(&strv, "c"));
	strv_clear(&strv);
	ck_assert_uint_eq(strv.count, 0);
	ck_assert_ptr_null(strv.v[0]);
}
END_TEST

static const struct {
	const char *word, *nearest;
} nearest_cases[] = {
	{ "buidl", "build" },		/* two letters swapped */
	{ "biuld", "build" },
	{ "restrat", "restart" },
	{ "servce", "service" },
	{ "verfy", "verify" },
	{ "build", "build" },
	{ "instructoin", "instruction" },
	{ "apo", "api" },
	{ "zzzzz", NULL },
	{ "x", NULL },
	{ "", NULL },
};

START_TEST(nearest_finds_what_was_meant)
{
	AUTO(strv) struct strv words = STRV_INIT;
	const char *const all[] = { "build", "restart", "service", "verify",
				    "instruction", "api", "a" };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		strv_add(&words, all[i]);
	const char *nearest = strv_nearest(&words, nearest_cases[_i].word);
	if (nearest_cases[_i].nearest)
		ck_assert_str_eq(nearest, nearest_cases[_i].nearest);
	else
		ck_assert_ptr_null(nearest);
}
END_TEST

START_TEST(nearest_leaves_long_words_alone)
{
	AUTO(strv) struct strv words = STRV_INIT;
	char word[200];
	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	strv_add(&words, word);
	ck_assert_ptr_null(strv_nearest(&words, word));
	ck_assert_ptr_null(strv_nearest(&words, "a"));
}
END_TEST

static const struct {
	const char *bytes;
	bool is_valid;
} utf8_cases[] = {
	{ "", true },
	{ "plain", true },
	{ "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x92\xa9", true },
	{ "\xef\xbf\xbf", true },
	{ "\xf4\x8f\xbf\xbf", true },		/* U+10FFFF */
	{ "\xf4\x90\x80\x80", false },		/* above */
	{ "\xf8\x88\x80\x80\x80", false },	/* five bytes */
	{ "\xc0\xaf", false },			/* overlong slash */
	{ "\xc1\xbf", false },
	{ "\xe0\x80\xaf", false },
	{ "\xe0\x9f\xbf", false },
	{ "\xf0\x80\x80\xaf", false },
	{ "\xf0\x8f\xbf\xbf", false },
	{ "\xed\xa0\x80", false },		/* surrogates */
	{ "\xed\xbf\xbf", false },
	{ "\xed\x9f\xbf", true },
	{ "\xee\x80\x80", true },
	{ "\x80", false },
	{ "a\xbf", false },
	{ "\xc3", false },			/* cut off */
	{ "\xe2\x82", false },
	{ "\xf0\x9f\x92", false },
	{ "\xc3x", false },
	{ "\xfe", false },
	{ "\xff", false },
};

START_TEST(utf8_is_checked_strictly)
{
	const char *bytes = utf8_cases[_i].bytes;
	ck_assert_int_eq(utf8_is_valid(bytes, strlen(bytes)), utf8_cases[_i].is_valid);
}
END_TEST

static const struct {
	const char *bytes, *shown;
} visible_cases[] = {
	{ "plain \xc3\xa9", "plain \xc3\xa9" },
	{ "tab\tand\nnewline", "tab\tand\nnewline" },
	{ "\x1b[31mred\x1b]0;x\x07", "\\x1b[31mred\\x1b]0;x\\x07" },
	{ "over\rwrite\b", "over\\x0dwrite\\x08" },
	{ "\x7f", "\\x7f" },
	{ "\xc2\x9b" "31m", "\\u{009b}31m" },		/* C1 CSI */
	{ "\xe2\x80\xae" "txt.exe", "\\u{202e}txt.exe" }, /* right-to-left override */
	{ "\xe2\x81\xa6x\xe2\x81\xa9", "\\u{2066}x\\u{2069}" },
	{ "\xd8\x9c\xe2\x80\x8f", "\\u{061c}\\u{200f}" },
	{ "\xf3\xa0\x81\x81", "\\u{e0041}" },		/* tag letter */
	{ "bad\xff\xc3", "bad\\xff\\xc3" },
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
};

START_TEST(visible_text_cannot_drive_a_terminal)
{
	AUTO(str) struct str str = STR_INIT;
	str_add_visible(&str, visible_cases[_i].bytes, strlen(visible_cases[_i].bytes));
	ck_assert_str_eq(str.s, visible_cases[_i].shown);
}
END_TEST

START_TEST(visible_text_shows_nul)
{
	AUTO(str) struct str str = STR_INIT;
	str_add_visible(&str, "a\0b", 3);
	ck_assert_str_eq(str.s, "a\\x00b");
}
END_TEST

START_TEST(visible_text_is_utf8_whatever_the_bytes)
{
	uint64_t random = 7;
	for (int round = 0; round < 2000; round++) {
		AUTO(str) struct str str = STR_INIT;
		char bytes[16];
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (char)unit_random(&random, 256);
		str_add_visible(&str, bytes, sizeof(bytes));
		ck_assert(utf8_is_valid(str.s, str.len));
		for (size_t i = 0; i < str.len; i++)
			ck_assert((unsigned char)str.s[i] >= 32 || str.s[i] == '\t' ||
				  str.s[i] == '\n');
	}
}
END_TEST

START_TEST(err_set_fills_completely)
{
	struct err err;
	memset(&err, 'x', sizeof(err));
	ck_assert_int_eq(err_set(&err, "some.code", "open '%s'", "a"), -1);
	ck_assert_str_eq(err.code, "some.code");
	ck_assert_str_eq(err.text, "open 'a'");
	ck_assert_str_eq(err.remedy, "");
	ck_assert_str_eq(err.file, "");
	ck_assert_uint_eq(err.line, 0);
	ck_assert_uint_eq(err.column, 0);
}
END_TEST

START_TEST(err_errno_says_why)
{
	struct err err;
	errno = ENOENT;
	ck_assert_int_eq(err_errno(&err, "x", "open '%s'", "a"), -1);
	ck_assert_str_eq(err.text, "open 'a': No such file or directory");
}
END_TEST

START_TEST(err_context_remedy_and_place_add_up)
{
	struct err err;
	char buf[200];
	err_set(&err, "x", "inner");
	ck_assert_int_eq(err_remedy(&err, "do %d", 1), -1);
	ck_assert_int_eq(err_at(&err, "a.yaml", 3, 9), -1);
	ck_assert_int_eq(err_context(&err, "outer %d", 2), -1);
	ck_assert_str_eq(err.text, "outer 2: inner");
	ck_assert_str_eq(err.remedy, "do 1");
	ck_assert_str_eq(err_format(&err, buf, sizeof(buf)),
			 "a.yaml:3:9: outer 2: inner");
	ck_assert_str_eq(err_format(&err, buf, 16), "a.yaml:3:9: ...");
	err_at(&err, "a.yaml", 3, 0);
	ck_assert_str_eq(err_format(&err, buf, sizeof(buf)),
			 "a.yaml:3: outer 2: inner");
	err_at(&err, "", 0, 0);
	ck_assert_str_eq(err_format(&err, buf, sizeof(buf)), "outer 2: inner");
}
END_TEST

START_TEST(err_may_be_made_of_itself)
{
	struct err err;
	err_set(&err, "first", "inner");
	err_set(&err, err.code, "again: %s", err.text);
	ck_assert_str_eq(err.code, "first");
	ck_assert_str_eq(err.text, "again: inner");
	err_context(&err, "%s", err.text);
	ck_assert_str_eq(err.text, "again: inner: again: inner");
}
END_TEST

START_TEST(err_text_is_cut_on_a_whole_character)
{
	struct err err;
	AUTO(str) struct str text = STR_INIT;
	for (int i = 0; i < 1000; i++)
		str_add(&text, "\xe2\x82\xac");
	for (int shift = 0; shift < 3; shift++) {
		err_set(&err, "x", "%.*s%s", shift, "abc", text.s);
		ck_assert(utf8_is_valid(err.text, strlen(err.text)));
		ck_assert_uint_gt(strlen(err.text), sizeof(err.text) - 8);
		ck_assert_str_eq(err.text + strlen(err.text) - 3, "...");
	}
}
END_TEST

START_TEST(err_text_is_harmless)
{
	struct err err;
	err_set(&err, "x", "open '%s'", "\x1b[2J\xff");
	ck_assert_str_eq(err.text, "open '\\x1b[2J\\xff'");
}
END_TEST

START_TEST(log_writes_one_line_each)
{
	struct err err;
	char shown[300] = "";
	int pipe_fds[2];
	ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
	ck_assert_int_ge(dup2(pipe_fds[1], STDERR_FILENO), 0);
	err_set(&err, "a.code", "went\nwrong");
	err_remedy(&err, "mend it");
	log_err(&err);
	log_name("fettle-host");
	log_warn("%s", "\x1b[2J");
	ck_assert_int_gt(read(pipe_fds[0], shown, sizeof(shown) - 1), 0);
	ck_assert_str_eq(shown, "fettle: error: went wrong [a.code]\n"
				"fettle: what to do: mend it\n"
				"fettle-host: warning: \\x1b[2J\n");
}
END_TEST

/* RFC 8032, section 7.1, TEST 2. */
START_TEST(ed25519_gives_the_known_values)
{
	struct ed25519_secret secret;
	char hex[2 * ED25519_SIGNATURE_SIZE + 1];

	ck_assert_int_eq(hex_decode("4ccd089b28ff96da9db6c346ec114e0f"
				    "5b8a319f35aba624da8cf6ed4fb8a6fb",
				    secret.bytes, sizeof(secret.bytes)), 0);
	struct ed25519_public key = ed25519_public(&secret);
	hex_encode(key.bytes, sizeof(key.bytes), hex);
	ck_assert_str_eq(hex, "3d4017c3e843895a92b70aa74d1b7ebc"
			      "9c982ccf2ec4968cc0cd55f12af4660c");
	struct ed25519_signature signature = ed25519_sign(&secret, &key, "\x72", 1);
	hex_encode(signature.bytes, sizeof(signature.bytes), hex);
	ck_assert_str_eq(hex, "92a009a9f0d4cab8720e820b5f642540"
			      "a2b27b5416503f8fb3762223ebdb69da"
			      "085ac1e43e15996e458f3613d0f11d8c"
			      "387b2eaeb4302aeeb00d291612bb0c00");
	ck_assert(ed25519_is_good(&key, &signature, "\x72", 1));
	ck_assert(!ed25519_is_good(&key, &signature, "\x73", 1));
	signature.bytes[0] ^= 1;
	ck_assert(!ed25519_is_good(&key, &signature, "\x72", 1));
}
END_TEST

START_TEST(hexadecimal_digits_are_exactly_so_many)
{
	static const char *const bad[] = { "0", "000", "0g", "AB", " 0", "0x" };
	unsigned char byte = 7;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_int_eq(hex_decode(bad[i], &byte, 1), -1);
	ck_assert_int_eq(hex_decode("af", &byte, 1), 0);
	ck_assert_int_eq(byte, 0xaf);
}
END_TEST

/* ---- streams ---- */

static size_t
drain(int fd)
{
	char buf[4096];
	size_t total = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		total += (size_t)n;
	return total;
}

START_TEST(no_reader_holds_up_a_live_stream)
{
	AUTO(str) struct str text = STR_INIT;
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	size_t room = (size_t)fcntl(ends[1], F_SETPIPE_SZ, 8192);
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	while (text.len < room + 100)
		str_add_c(&text, 'x');
	struct stream stream = STREAM_INIT(ends[1]);

	signal(SIGPIPE, SIG_IGN);
	stream_go_live(&stream);
	stream_write(&stream, text.s, text.len);
	ck_assert_uint_eq(stream.rest.len, 100);
	stream_write(&stream, "dropped", 7);
	stream_write(&stream, "as well", 7);
	ck_assert_uint_eq(stream.dropped, 2);
	ck_assert_uint_eq(drain(ends[0]), room);
	ck_assert(stream_is_ready(&stream));
	ck_assert_uint_eq(drain(ends[0]), 100);
	stream_write(&stream, "again", 5);
	stream_settle(&stream);
	ck_assert_uint_eq(drain(ends[0]), 5);
	close(ends[0]);
	stream_write(&stream, "broken", 6);
	ck_assert(stream.is_broken && stream.error == EPIPE);
	stream_done(&stream);
	close(ends[1]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base");
	TCase *tcase = tcase_create("memory");
	tcase_add_test(tcase, cleanup_attributes_free_and_close);
	tcase_add_test(tcase, steal_leaves_an_empty_variable);
	tcase_add_test(tcase, allocation_of_nothing_is_not_null);
	tcase_add_test_raise_signal(tcase, realloc_ends_the_process_on_overflow, 6);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("str");
	tcase_add_test(tcase, str_grows_and_stays_terminated);
	tcase_add_test(tcase, str_addf_takes_texts_of_any_length);
	tcase_add_test(tcase, str_take_hands_over_and_empties);
	tcase_add_test(tcase, strv_is_an_argv);
	tcase_add_loop_test(tcase, nearest_finds_what_was_meant, 0,
			    ARRAY_LEN(nearest_cases));
	tcase_add_test(tcase, nearest_leaves_long_words_alone);
	tcase_add_loop_test(tcase, utf8_is_checked_strictly, 0, ARRAY_LEN(utf8_cases));
	tcase_add_loop_test(tcase, visible_text_cannot_drive_a_terminal, 0,
			    ARRAY_LEN(visible_cases));
	tcase_add_test(tcase, visible_text_shows_nul);
	tcase_add_test(tcase, visible_text_is_utf8_whatever_the_bytes);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("err");
	tcase_add_test(tcase, err_set_fills_completely);
	tcase_add_test(tcase, err_errno_says_why);
	tcase_add_test(tcase, err_context_remedy_and_place_add_up);
	tcase_add_test(tcase, err_may_be_made_of_itself);
	tcase_add_test(tcase, err_text_is_cut_on_a_whole_character);
	tcase_add_test(tcase, err_text_is_harmless);
	tcase_add_test(tcase, log_writes_one_line_each);
	tcase_add_test(tcase, no_reader_holds_up_a_live_stream);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("keys");
	tcase_add_test(tcase, ed25519_gives_the_known_values);
	tcase_add_test(tcase, hexadecimal_digits_are_exactly_so_many);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
