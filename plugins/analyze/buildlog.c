/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See buildlog.h. */
#include "plugins/analyze/buildlog.h"

#include <ctype.h>
#include <strings.h>

#include "plugins/analyze/finding.h"
#include "plugins/common/lines.h"

/* ---- what was printed -------------------------------------------------------- */

/* How much of a line BuildKit put before it: `#7 0.123 `. */
static size_t
clock_len(const char *line)
{
	size_t n = strspn(line + 1, "0123456789") + 1, digits;

	if (line[0] != '#' || n == 1 || line[n] != ' ')
		return 0;
	digits = strspn(line + n + 1, "0123456789");
	n += 1 + digits;
	if (digits == 0 || line[n] != '.')
		return 0;
	digits = strspn(line + n + 1, "0123456789");
	n += 1 + digits;
	return digits > 0 && line[n] == ' ' ? n + 1 : 0;
}

void
buildlog_clean(const char *log, size_t len, struct text *ret)
{
	AUTO_TEXT struct text clean = { 0 };
	size_t at = 0;
	struct line line;

	log_clean(log, len, &clean);
	while (line_next(&clean, &at, &line)) {
		size_t before = clock_len(clean.s + line.begin);

		text_add_n(ret, clean.s + line.begin + before,
			   at - line.begin - before);
	}
}

/* ---- where it stopped ---------------------------------------------------------- */

/* `Step 3/7 : RUN make`: the last one that was begun. */
static size_t
failed_step(const struct dockerfile *file, const char *line)
{
	char *end;
	unsigned long n = strtoul(line + strlen("Step "), &end, 10), of;

	if (*end != '/')
		return file->count;
	of = strtoul(end + 1, &end, 10);
	if (of != file->count || n < 1 || n > of || !text_starts(end, " : "))
		return file->count;
	end += strlen(" : ");
	const char *keyword = file->v[n - 1].keyword;

	return strncasecmp(end, keyword, strlen(keyword)) == 0 ? n - 1 : file->count;
}

/* BuildKit quotes the Dockerfile: `  12 | >>> RUN make`. */
static size_t
failed_line(const struct dockerfile *file, const char *line)
{
	char *end;
	unsigned long wanted = strtoul(line, &end, 10);
	size_t at = 0;
	struct line one;

	if (end == line || !text_starts(end, " | >>> "))
		return file->count;
	while (wanted > 0 && line_next(&file->text, &at, &one))
		wanted--;
	for (size_t i = 0; i < file->count && wanted == 0 && at > 0; i++)
		if (one.begin >= file->v[i].begin && one.begin < file->v[i].end)
			return i;
	return file->count;
}

/* The same but for blanks. */
static bool
same_words(const char *a, size_t len, const char *b)
{
	const char *end = a + len;

	for (;; a++, b++) {
		while (a < end && isspace((unsigned char)*a))
			a++;
		while (isspace((unsigned char)*b))
			b++;
		if (a == end || *b == '\0')
			return a == end && *b == '\0';
		if (*a != *b)
			return false;
	}
}

/* What a RUN runs, behind its flags. */
static const char *
run_command(const struct instruction *run)
{
	const char *command = run->arguments;

	while (text_starts(command, "--")) {
		command += strcspn(command, " \t");
		command += strspn(command, " \t");
	}
	return command;
}

/* BuildKit before it quoted: `executor failed running [/bin/sh -c make]: exit code: 2`.
 */
static size_t
failed_command(const struct dockerfile *file, const char *line)
{
	static const char head[] = "executor failed running [/bin/sh -c ";
	size_t len = strcspn(line, "\n"), failed = file->count;
	const char *end;

	if (!text_starts(line, head))
		return file->count;
	line += strlen(head);
	end = memmem(line, len - strlen(head), "]: exit code", strlen("]: exit code"));
	for (size_t i = 0; end && i < file->count; i++) {
		if (!text_equal(file->v[i].keyword, "RUN") ||
		    !same_words(line, (size_t)(end - line), run_command(&file->v[i])))
			continue;
		if (failed < file->count)
			return file->count; /* which of the two cannot be told */
		failed = i;
	}
	return failed;
}

size_t
buildlog_failed(const struct dockerfile *file, const char *build_log)
{
	size_t failed = file->count;

	for (const char *line = build_log; line && *line;
	     line += strcspn(line, "\n"), line += *line == '\n') {
		size_t told = failed_line(file, line);

		if (told == file->count)
			told = failed_command(file, line);
		if (text_starts(line, "Step "))
			failed = failed_step(file, line);
		else if (told < file->count)
			return told;
	}
	return failed;
}
