/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers, clocks, hashes, maps and arenas of core/base. */
#include "unit.h"

#include <fcntl.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/num.h"
#include "base/sha256.h"
#include "base/str.h"

enum reader { U64, DURATION, SIZE };

static int (*const readers[])(const char *, uint64_t *) = {
	[U64] = num_u64,
	[DURATION] = num_duration_ms,
	[SIZE] = num_size,
};

static const struct {
	enum reader reader;
	const char *text;
	int result;
	uint64_t value;
} num_cases[] = {
	{ U64, "0", NUM_OK, 0 },
	{ U64, "7", NUM_OK, 7 },
	{ U64, "18446744073709551615", NUM_OK, UINT64_MAX },
	{ U64, "18446744073709551616", NUM_RANGE, 0 },
	{ U64, "184467440737095516150", NUM_RANGE, 0 },
	{ U64, "99999999999999999999999999999999", NUM_RANGE, 0 },
	{ U64, "99999999999999999999999999999999x", NUM_SYNTAX, 0 },
	{ U64, "", NUM_SYNTAX, 0 },
	{ U64, "-1", NUM_SYNTAX, 0 },
	{ U64, "+1", NUM_SYNTAX, 0 },
	{ U64, " 1", NUM_SYNTAX, 0 },
	{ U64, "1 ", NUM_SYNTAX, 0 },
	{ U64, "01", NUM_SYNTAX, 0 },
	{ U64, "00", NUM_SYNTAX, 0 },
	{ U64, "0x10", NUM_SYNTAX, 0 },
	{ U64, "1e3", NUM_SYNTAX, 0 },
	{ U64, "1_000", NUM_SYNTAX, 0 },
	{ U64, "\xd9\xa1", NUM_SYNTAX, 0 },		/* an Arabic digit */

	{ DURATION, "0s", NUM_OK, 0 },
	{ DURATION, "250ms", NUM_OK, 250 },
	{ DURATION, "5s", NUM_OK, 5000 },
	{ DURATION, "5m", NUM_OK, 300000 },
	{ DURATION, "5m30s", NUM_OK, 330000 },
	{ DURATION, "1h30m", NUM_OK, 5400000 },
	{ DURATION, "1h2m3s4ms", NUM_OK, 3723004 },
	{ DURATION, "1h4ms", NUM_OK, 3600004 },
	{ DURATION, "90m", NUM_OK, 5400000 },
	{ DURATION, "18446744073709551615ms", NUM_OK, UINT64_MAX },
	{ DURATION, "18446744073709551616ms", NUM_RANGE, 0 },
	{ DURATION, "18446744073709551s616ms", NUM_RANGE, 0 },
	{ DURATION, "5124095576031h", NUM_RANGE, 0 },
	{ DURATION, "5124095576031hx", NUM_SYNTAX, 0 },
	{ DURATION, "", NUM_SYNTAX, 0 },
	{ DURATION, "5", NUM_SYNTAX, 0 },
	{ DURATION, "0", NUM_SYNTAX, 0 },
	{ DURATION, "5 m", NUM_SYNTAX, 0 },
	{ DURATION, "5m ", NUM_SYNTAX, 0 },
	{ DURATION, "5m 30s", NUM_SYNTAX, 0 },
	{ DURATION, "5mm", NUM_SYNTAX, 0 },
	{ DURATION, "5M", NUM_SYNTAX, 0 },
	{ DURATION, "5m30", NUM_SYNTAX, 0 },
	{ DURATION, "30s5m", NUM_SYNTAX, 0 },
	{ DURATION, "5m5m", NUM_SYNTAX, 0 },
	{ DURATION, "1.5s", NUM_SYNTAX, 0 },
	{ DURATION, "-5s", NUM_SYNTAX, 0 },
	{ DURATION, "05s", NUM_SYNTAX, 0 },
	{ DURATION, "s", NUM_SYNTAX, 0 },
	{ DURATION, "5d", NUM_SYNTAX, 0 },
	{ DURATION, "5us", NUM_SYNTAX, 0 },
	{ DURATION, "5sec", NUM_SYNTAX, 0 },

	{ SIZE, "0", NUM_OK, 0 },
	{ SIZE, "512", NUM_OK, 512 },
	{ SIZE, "64KiB", NUM_OK, 65536 },
	{ SIZE, "10MiB", NUM_OK, 10485760 },
	{ SIZE, "2GiB", NUM_OK, 2147483648u },
	{ SIZE, "17179869183GiB", NUM_OK, UINT64_MAX - 1073741823u },
	{ SIZE, "17179869184GiB", NUM_RANGE, 0 },
	{ SIZE, "18446744073709551616", NUM_RANGE, 0 },
	{ SIZE, "", NUM_SYNTAX, 0 },
	{ SIZE, "KiB", NUM_SYNTAX, 0 },
	{ SIZE, "64K", NUM_SYNTAX, 0 },
	{ SIZE, "64KB", NUM_SYNTAX, 0 },
	{ SIZE, "64kib", NUM_SYNTAX, 0 },
	{ SIZE, "64 KiB", NUM_SYNTAX, 0 },
	{ SIZE, "1.5MiB", NUM_SYNTAX, 0 },
	{ SIZE, "64KiBx", NUM_SYNTAX, 0 },
};

START_TEST(numbers_are_read_whole_or_not_at_all)
{
	uint64_t value = 4711;
	ck_assert_int_eq(readers[num_cases[_i].reader](num_cases[_i].text, &value),
			 num_cases[_i].result);
	ck_assert_uint_eq(value,
			  num_cases[_i].result == NUM_OK ? num_cases[_i].value : 4711);
}
END_TEST

static const struct {
	const char *text;
	int result;
	int64_t value;
} i64_cases[] = {
	{ "0", NUM_OK, 0 },
	{ "-1", NUM_OK, -1 },
	{ "9223372036854775807", NUM_OK, INT64_MAX },
	{ "9223372036854775808", NUM_RANGE, 0 },
	{ "-9223372036854775808", NUM_OK, INT64_MIN },
	{ "-9223372036854775809", NUM_RANGE, 0 },
	{ "-0", NUM_SYNTAX, 0 },
	{ "-", NUM_SYNTAX, 0 },
	{ "--1", NUM_SYNTAX, 0 },
	{ "- 1", NUM_SYNTAX, 0 },
	{ "", NUM_SYNTAX, 0 },
};

START_TEST(signed_numbers_know_their_range)
{
	int64_t value = 4711;
	ck_assert_int_eq(num_i64(i64_cases[_i].text, &value), i64_cases[_i].result);
	ck_assert_int_eq(value,
			 i64_cases[_i].result == NUM_OK ? i64_cases[_i].value : 4711);
}
END_TEST

static const struct {
	const char *text;
	int result;
	double value;
} real_cases[] = {
	{ "0", NUM_OK, 0 },	 { "1.5", NUM_OK, 1.5 },   { "0.25", NUM_OK, 0.25 },
	{ "10", NUM_OK, 10 },	 { "", NUM_SYNTAX, 0 },	   { ".5", NUM_SYNTAX, 0 },
	{ "1.", NUM_SYNTAX, 0 }, { "1e5", NUM_SYNTAX, 0 }, { "nan", NUM_SYNTAX, 0 },
	{ "inf", NUM_SYNTAX, 0 },{ "0x1p3", NUM_SYNTAX, 0 }, { "-1", NUM_SYNTAX, 0 },
	{ "1,5", NUM_SYNTAX, 0 },{ "01.5", NUM_SYNTAX, 0 }, { "1.5.2", NUM_SYNTAX, 0 },
};

START_TEST(reals_are_plain_decimals)
{
	double value = 4711;
	ck_assert_int_eq(num_real(real_cases[_i].text, &value), real_cases[_i].result);
	double want = real_cases[_i].result == NUM_OK ? real_cases[_i].value : 4711;
	ck_assert_double_eq(value, want);
}
END_TEST

START_TEST(real_too_large_is_out_of_range)
{
	char digits[401];
	double value = 4711;
	memset(digits, '9', 400);
	digits[400] = '\0';
	ck_assert_int_eq(num_real(digits, &value), NUM_RANGE);
	ck_assert_double_eq(value, 4711);
}
END_TEST

static const struct {
	uint64_t value;
	const char *ms, *size;
} format_cases[] = {
	{ 0, "0ms", "0B" },
	{ 87, "87ms", "87B" },
	{ 999, "999ms", "999B" },
	{ 1000, "1s", "1000B" },
	{ 1024, "1s", "1KiB" },
	{ 2450, "2.4s", "2.3KiB" },
	{ 59999, "59.9s", "58.5KiB" },
	{ 60000, "1m", "58.5KiB" },
	{ 330000, "5m30s", "322.2KiB" },
	{ 3600000, "1h", "3.4MiB" },
	{ 5400000, "1h30m", "5.1MiB" },
	{ 10485760, "2h54m", "10MiB" },
	{ UINT64_MAX, "5124095576030h25m", "16777215.9TiB" },
};

START_TEST(numbers_are_shown_for_people)
{
	char buf[32];
	ck_assert_str_eq(num_format_ms(format_cases[_i].value, buf),
			 format_cases[_i].ms);
	ck_assert_str_eq(num_format_size(format_cases[_i].value, buf),
			 format_cases[_i].size);
}
END_TEST

START_TEST(wall_time_is_rfc3339)
{
	char buf[32];
	ck_assert_str_eq(clock_format(0, buf), "1970-01-01T00:00:00.000Z");
	ck_assert_str_eq(clock_format(1795262421123, buf), "2026-11-21T12:00:21.123Z");
	ck_assert_str_eq(clock_format(1709208000007, buf), "2024-02-29T12:00:00.007Z");
	ck_assert_str_eq(clock_format(-1, buf), "1969-12-31T23:59:59.999Z");
	ck_assert_uint_lt(strlen(clock_format(INT64_MAX, buf)), 32);
	ck_assert_uint_lt(strlen(clock_format(INT64_MIN, buf)), 32);
}
END_TEST

START_TEST(clocks_run)
{
	int64_t first = clock_boot_ms();
	ck_assert_int_ge(clock_boot_ms(), first);
	ck_assert_int_gt(clock_wall_ms(), 1700000000000);
}
END_TEST

static const struct {
	const char *text, *hex;
} sha_cases[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

START_TEST(sha256_gives_the_known_values)
{
	char hex[SHA256_HEX_SIZE];
	sha256_hex(sha_cases[_i].text, strlen(sha_cases[_i].text), hex);
	ck_assert_str_eq(hex, sha_cases[_i].hex);
}
END_TEST

START_TEST(sha256_of_a_million_letters_in_parts_and_by_fd)
{
	static const char want[] =
		"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
	char hex[SHA256_HEX_SIZE], part[1000];
	struct err err;
	uint64_t size = 0;
	AUTO_CLOSE int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct sha256 *hash = sha256_new();

	ck_assert_int_ge(fd, 0);
	memset(part, 'a', sizeof(part));
	for (int i = 0; i < 1000; i++) {
		sha256_add(hash, part, sizeof(part));
		ck_assert_int_eq(write(fd, part, sizeof(part)), sizeof(part));
	}
	sha256_end(hash, hex);
	ck_assert_str_eq(hex, want);

	memset(hex, 0, sizeof(hex));
	ck_assert_int_eq(lseek(fd, 17, SEEK_SET), 17);
	ck_assert_int_eq(sha256_fd(fd, hex, &size, &err), 0);
	ck_assert_str_eq(hex, want);
	ck_assert_uint_eq(size, 1000000);
	ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 17);
}
END_TEST

START_TEST(sha256_of_a_directory_is_an_error)
{
	char hex[SHA256_HEX_SIZE] = "as it was";
	struct err err;
	AUTO_CLOSE int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(sha256_fd(fd, hex, NULL, &err), -1);
	ck_assert_str_eq(err.code, "file.read");
	ck_assert_str_eq(hex, "as it was");
}
END_TEST

START_TEST(a_map_finds_what_was_added)
{
	AUTO(map) struct map map = MAP_INIT;
	char names[2000][8];

	map_reserve(&map, (size_t)_i * 150);
	ck_assert_ptr_null(map_find(&map, "x"));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(names[i], sizeof(names[i]), "n%zu", i);
		ck_assert_ptr_null(map_add(&map, names[i], names[i]));
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO_FREE char *name = x_strdup(names[i]);

		ck_assert_ptr_eq(map_find(&map, name), names[i]);
		ck_assert_ptr_eq(map_add(&map, name, "other"), names[i]);
	}
	ck_assert_uint_eq(map.count, ARRAY_LEN(names));
	ck_assert_ptr_null(map_find(&map, "n2000"));
	ck_assert_ptr_null(map_find(&map, ""));
}
END_TEST

START_TEST(what_an_arena_gives_is_zeroed_aligned_and_apart)
{
	AUTO(arena) struct arena arena = { NULL, 0, 0 };
	char *last = NULL;

	for (size_t size = 1; size < 3000; size += 7) {
		char *bytes = arena_alloc(&arena, size);

		ck_assert_uint_eq((uintptr_t)bytes % sizeof(void *), 0);
		for (size_t i = 0; i < size; i++)
			ck_assert_int_eq(bytes[i], 0);
		memset(bytes, 0xFF, size);
		ck_assert_ptr_ne(bytes, last);
		last = bytes;
	}
	ck_assert_ptr_nonnull(arena_alloc(&arena, 1 << 20));
	ck_assert_str_eq(arena_strndup(&arena, "abcd", 3), "abc");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base-value");
	TCase *tcase = tcase_create("num");
	tcase_add_loop_test(tcase, numbers_are_read_whole_or_not_at_all, 0,
			    ARRAY_LEN(num_cases));
	tcase_add_loop_test(tcase, signed_numbers_know_their_range, 0,
			    ARRAY_LEN(i64_cases));
	tcase_add_loop_test(tcase, reals_are_plain_decimals, 0, ARRAY_LEN(real_cases));
	tcase_add_test(tcase, real_too_large_is_out_of_range);
	tcase_add_loop_test(tcase, numbers_are_shown_for_people, 0,
			    ARRAY_LEN(format_cases));
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("clock");
	tcase_add_test(tcase, wall_time_is_rfc3339);
	tcase_add_test(tcase, clocks_run);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("sha256");
	tcase_add_loop_test(tcase, sha256_gives_the_known_values, 0,
			    ARRAY_LEN(sha_cases));
	tcase_add_test(tcase, sha256_of_a_million_letters_in_parts_and_by_fd);
	tcase_add_test(tcase, sha256_of_a_directory_is_an_error);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("memory");
	tcase_add_loop_test(tcase, a_map_finds_what_was_added, 0, 20);
	tcase_add_test(tcase, what_an_arena_gives_is_zeroed_aligned_and_apart);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
