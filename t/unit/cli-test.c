/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text for terminals and shells: widths, cutting, what is made harmless. */
#include "base/base.h"

#include "unit.h"

#include <locale.h>

#include "cli/cli.h"

static const struct out terminal = { .is_terminal = true,
				     .is_tty = true,
				     .has_colour = true,
				     .has_utf8 = true };
static const struct out pipe_end = { 0 };

START_TEST(widths)
{
	static const struct {
		const char *text;
		unsigned width;
	} rows[] = {
		{ "", 0 },
		{ "plain", 5 },
		{ "\033[32mok\033[0m", 2 },
		{ "\033[1;97;41m loud \033[0m", 6 },
		{ "gr\u00fc\u00dfe", 5 },
		{ "\u65e5\u672c", 4 },
		{ "e\u0301", 1 },
		{ "\u2714 done", 6 },
	};

	ck_assert_uint_eq(text_width(rows[_i].text), rows[_i].width);
}
END_TEST

START_TEST(cutting)
{
	static const struct {
		const char *text;
		unsigned width;
		const char *want;
	} rows[] = {
		{ "short", 5, "short" },
		{ "longer", 5, "long\u2026" },
		{ "longer", 1, "\u2026" },
		{ "longer", 0, "" },
		{ "", 0, "" },
		{ "\u65e5\u672c\u8a9e", 6, "\u65e5\u672c\u8a9e" },
		{ "\u65e5\u672c\u8a9e", 5, "\u65e5\u672c\u2026" },
		{ "\u65e5\u672c\u8a9e", 4, "\u65e5\u2026" },
		{ "\033[32mgreen\033[0m", 5, "\033[32mgreen\033[0m" },
		{ "\033[32mgreen\033[0m", 3, "\033[32mgr\u2026\033[0m" },
	};
	AUTO(str) struct str line = STR_INIT;

	str_add(&line, rows[_i].text);
	text_trim(&terminal, &line, rows[_i].width);
	ck_assert_str_eq(str_get(&line), rows[_i].want);
	ck_assert_uint_le(text_width(str_get(&line)), rows[_i].width);
}
END_TEST

START_TEST(harmless)
{
	static const struct {
		const char *bytes, *want;
	} rows[] = {
		{ "\033[31mred\033[0m", "red" },
		{ "\033]0;title\aafter", "after" },
		{ "\033]0;title\033\\after", "after" },
		{ "\033[31", "\\x1b[31" },
		{ "\033[1\nhidden? no", "\\x1b[1\nhidden? no" },
		{ "\033]0;never ends\nmore", "\\x1b]0;never ends\nmore" },
		{ "\033c", "\\x1bc" },
		{ "one\rtwo\r\nthree", "one\ntwo\nthree" },
		{ "\a\b", "\\x07\\x08" },
		{ "\xff\xc3", "\\xff\\xc3" },
		{ "\u202eevil", "\\u{202e}evil" },
	};
	AUTO(str) struct str shown = STR_INIT, piped = STR_INIT;

	out_add_safe(&terminal, &shown, rows[_i].bytes, strlen(rows[_i].bytes));
	ck_assert_str_eq(str_get(&shown), rows[_i].want);
	out_add_safe(&pipe_end, &piped, rows[_i].bytes, strlen(rows[_i].bytes));
	ck_assert_str_eq(str_get(&piped), rows[_i].bytes);
}
END_TEST

START_TEST(one_line_of_anything)
{
	AUTO(str) struct str line = STR_INIT;
	static const char bytes[] = "a\tb\nc\r\033[2Jd\0e";

	out_add_line(&line, bytes, sizeof(bytes) - 1);
	ck_assert_str_eq(str_get(&line), "a b c d\\x00e");
}
END_TEST

START_TEST(quoting)
{
	static const struct {
		const char *word, *want;
	} rows[] = {
		{ "plain-1.0_a/b:c", "plain-1.0_a/b:c" },
		{ "", "''" },
		{ "two words", "'two words'" },
		{ "it's", "'it'\\''s'" },
		{ "$HOME", "'$HOME'" },
		{ "~", "'~'" },
	};
	AUTO(str) struct str out = STR_INIT;

	cli_add_quoted(&out, rows[_i].word);
	ck_assert_str_eq(str_get(&out), rows[_i].want);
}
END_TEST

START_TEST(paragraphs_in_a_pipe_are_not_broken)
{
	AUTO(str) struct str out = STR_INIT;

	out_add_wrapped(&pipe_end, &out, TONE_BAD,
			"a line that is far longer than any terminal that anybody "
			"ever had on a desk or in a pocket\nsecond\n",
			4);
	ck_assert_str_eq(str_get(&out),
			 "a line that is far longer than any terminal that anybody "
			 "ever had on a desk or in a pocket\n    second");
}
END_TEST

START_TEST(a_table_ends_its_lines_without_blanks)
{
	AUTO(table) struct table table = { .columns = 2 };
	AUTO(str) struct str out = STR_INIT;

	table_add(&table, TONE_STRONG, "name");
	table_add(&table, TONE_PLAIN, "value");
	table_addf(&table, TONE_PLAIN, "%s", "longer name");
	table_add(&table, TONE_PLAIN, "");
	table_print(&table, &pipe_end, &out, 2);
	ck_assert_str_eq(str_get(&out), "  name         value\n  longer name\n");
}
END_TEST

START_TEST(states_have_exit_codes)
{
	ck_assert_int_eq(cli_exit_of_state("succeeded"), EXIT_DONE);
	ck_assert_int_eq(cli_exit_of_state("rolled_back"), EXIT_FAILED);
	ck_assert_int_eq(cli_exit_of_state("failed"), EXIT_FAILED);
	ck_assert_int_eq(cli_exit_of_state("rollback_failed"), EXIT_NOT_ROLLED_BACK);
	/* What is not known to be back is not reported as back. */
	ck_assert_int_eq(cli_exit_of_state("running"), EXIT_NOT_ROLLED_BACK);
	ck_assert_int_eq(cli_exit_of_state("no such state"), EXIT_NOT_ROLLED_BACK);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cli");
	TCase *text = tcase_create("text");

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	tcase_add_loop_test(text, widths, 0, 8);
	tcase_add_loop_test(text, cutting, 0, 10);
	tcase_add_loop_test(text, harmless, 0, 11);
	tcase_add_test(text, one_line_of_anything);
	tcase_add_loop_test(text, quoting, 0, 6);
	tcase_add_test(text, paragraphs_in_a_pipe_are_not_broken);
	tcase_add_test(text, a_table_ends_its_lines_without_blanks);
	tcase_add_test(text, states_have_exit_codes);
	suite_add_tcase(suite, text);
	return unit_run(suite);
}
