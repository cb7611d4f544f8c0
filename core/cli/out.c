/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See out.h: the stream itself, tones, and text that is safe to show. */
#include "base/base.h"

#include "cli/out.h"

#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>


#define ESCAPE_MAX 512

static const char *const tone_codes[TONE_COUNT] = {
	[TONE_PLAIN] = "",
	[TONE_GOOD] = "\033[32m",
	[TONE_BAD] = "\033[31m",
	[TONE_WARN] = "\033[33m",
	[TONE_DIM] = "\033[2m",
	[TONE_STRONG] = "\033[1m",
	[TONE_LOUD] = "\033[1;97;41m",
	[TONE_NAME] = "\033[36m",
};

static bool
env_given(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

void
out_init(struct out *out, bool with_colour)
{
	const char *term = getenv("TERM");
	bool is_capable = term && *term && !str_eq(term, "dumb");

	*out = (struct out){ .stream = STREAM_INIT(STDOUT_FILENO),
			     .is_terminal = isatty(STDOUT_FILENO) == 1 };
	out->is_tty = out->is_terminal && is_capable;
	out->has_colour = out->is_tty && with_colour && !env_given("NO_COLOR");
	if (!out->is_tty)
		return;
	/* For the widths of characters and for what the terminal can draw. */
	(void)setlocale(LC_CTYPE, "");
	out->has_utf8 = str_eq(nl_langinfo(CODESET), "UTF-8");
}

void
out_write(struct out *out, struct str *str)
{
	stream_write(&out->stream, str_get(str), str->len);
	str_truncate(str, 0);
}

static void
out_json_flags(struct out *out, const json_t *json, size_t flags)
{
	AUTO(str) struct str text = STR_INIT;
	AUTO_FREE char *dump = NULL;

	if (out->is_terminal)
		flags |= JSON_ENSURE_ASCII;
	dump = json_dumps(json, flags | JSON_ENCODE_ANY);
	if (!dump)
		return;
	str_add(&text, dump);
	str_add_c(&text, '\n');
	out_write(out, &text);
}

void
out_json(struct out *out, const json_t *json)
{
	out_json_flags(out, json, JSON_INDENT(2));
}

void
out_json_line(struct out *out, const json_t *json)
{
	out_json_flags(out, json, JSON_COMPACT);
}

void
out_size(const struct out *out, unsigned *ret_width, unsigned *ret_height)
{
	struct winsize size = { 0 };

	if (!out->is_tty || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		size = (struct winsize){ 0 };
	*ret_width = size.ws_col ? size.ws_col : 80;
	*ret_height = size.ws_row ? size.ws_row : 24;
}

void
out_add(const struct out *out, struct str *str, enum tone tone, const char *text)
{
	bool is_toned = out->has_colour && tone != TONE_PLAIN;

	if (is_toned)
		str_add(str, tone_codes[tone]);
	str_add_visible(str, text, strlen(text));
	if (is_toned)
		str_add(str, "\033[0m");
}

void
out_addf(const struct out *out, struct str *str, enum tone tone, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	AUTO_FREE char *text = x_vasprintf(fmt, args);
	va_end(args);
	out_add(out, str, tone, text);
}

/*
 * How many bytes of a CSI (colours) or OSC (titles, links) sequence begin
 * here; 0 when no whole one does. Text must not be hidden by half of one.
 */
static size_t
escape_length(const char *s, size_t n)
{
	size_t i = 2, most = n < ESCAPE_MAX ? n : ESCAPE_MAX;

	if (n < 3 || s[0] != '\033')
		return 0;
	if (s[1] == '[') {
		while (i < most && s[i] >= 0x20 && s[i] <= 0x3f)
			i++;
		return i < most && s[i] >= 0x40 && s[i] <= 0x7e ? i + 1 : 0;
	}
	if (s[1] != ']')
		return 0;
	while (i < most && s[i] != '\n' && s[i] != '\a' && s[i] != '\033')
		i++;
	if (i < most && s[i] == '\a')
		return i + 1;
	return i + 1 < most && s[i] == '\033' && s[i + 1] == '\\' ? i + 2 : 0;
}

void
out_add_safe(const struct out *out, struct str *str, const char *bytes, size_t n)
{
	size_t i = 0, begin = 0, skip;

	if (!out->is_terminal) {
		str_add_n(str, bytes, n);
		return;
	}
	while (i < n) {
		skip = escape_length(bytes + i, n - i);
		/* A program that repaints its line with \r: each state is a line. */
		if (!skip && bytes[i] == '\r')
			skip = 1;
		if (!skip) {
			i++;
			continue;
		}
		str_add_visible(str, bytes + begin, i - begin);
		if (bytes[i] == '\r' && i + 1 < n && bytes[i + 1] != '\n')
			str_add_c(str, '\n');
		i += skip;
		begin = i;
	}
	str_add_visible(str, bytes + begin, n - begin);
}

void
out_add_line(struct str *str, const char *bytes, size_t n)
{
	AUTO(str) struct str plain = STR_INIT;
	size_t i = 0, skip;

	while (i < n) {
		skip = escape_length(bytes + i, n - i);
		if (skip) {
			i += skip;
			continue;
		}
		if (strchr("\n\t\r", bytes[i]) && bytes[i])
			str_add_c(&plain, ' ');
		else
			str_add_c(&plain, bytes[i]);
		i++;
	}
	str_add_visible(str, str_get(&plain), plain.len);
}

/* Where a line of visible text is to be broken: past the last word that fits. */
static size_t
break_at(const char *line, unsigned room)
{
	size_t fits = 0, end = 0, len = strlen(line);

	while (end < len) {
		AUTO_FREE char *head = NULL;

		end += strspn(line + end, " ");
		end += strcspn(line + end, " ");
		head = x_strndup(line, end);
		if (fits && text_width(head) > room)
			break;
		fits = end;
	}
	return fits;
}

static void
add_wrapped_line(const struct out *out, struct str *str, enum tone tone,
		 const char *line, unsigned indent)
{
	unsigned width, height, room;

	out_size(out, &width, &height);
	room = width > indent + 10 ? width - indent : 10;
	while (out->is_tty && text_width(line) > room) {
		size_t n = break_at(line, room);
		AUTO_FREE char *head = x_strndup(line, n);

		line += n + strspn(line + n, " ");
		out_add(out, str, tone, head);
		if (!*line)
			return;
		str_addf(str, "\n%*s", (int)indent, "");
	}
	out_add(out, str, tone, line);
}

void
out_add_wrapped(const struct out *out, struct str *str, enum tone tone,
		const char *text, unsigned indent)
{
	AUTO(str) struct str visible = STR_INIT;
	const char *line, *end;

	str_add_visible(&visible, text, strlen(text));
	for (line = str_get(&visible); (end = strchr(line, '\n')); line = end + 1) {
		AUTO_FREE char *head = x_strndup(line, (size_t)(end - line));

		add_wrapped_line(out, str, tone, head, indent);
		if (!end[1])
			return;
		str_addf(str, "\n%*s", (int)indent, "");
	}
	add_wrapped_line(out, str, tone, line, indent);
}

static enum tone
diff_tone(const char *line)
{
	static const struct {
		const char *prefix;
		enum tone tone;
	} tones[] = {
		{ "diff --git ", TONE_STRONG },
		{ "index ", TONE_STRONG },
		{ "--- ", TONE_STRONG },
		{ "+++ ", TONE_STRONG },
		{ "new file", TONE_STRONG },
		{ "deleted file", TONE_STRONG },
		{ "@@", TONE_NAME },
		{ "+", TONE_GOOD },
		{ "-", TONE_BAD },
	};

	for (size_t i = 0; i < ARRAY_LEN(tones); i++)
		if (str_starts(line, tones[i].prefix))
			return tones[i].tone;
	return TONE_PLAIN;
}

void
out_add_diff(const struct out *out, struct str *str, const char *diff, size_t n)
{
	const char *end = diff + n, *next;

	if (!out->is_terminal) {
		str_add_n(str, diff, n);
		return;
	}
	for (; diff < end; diff = next) {
		const char *stop = memchr(diff, '\n', (size_t)(end - diff));
		AUTO_FREE char *line = NULL;

		next = stop ? stop + 1 : end;
		line = x_strndup(diff, (size_t)((stop ? stop : end) - diff));
		out_add(out, str, diff_tone(line), line);
		str_add_c(str, '\n');
	}
}

const char *
time_local(int64_t wall_ms, char buf[32])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm parts;

	if (!wall_ms || !localtime_r(&seconds, &parts) ||
	    !strftime(buf, 32, "%Y-%m-%d %H:%M:%S", &parts))
		(void)snprintf(buf, 32, "-");
	return buf;
}

const char *
time_of_day(int64_t wall_ms, char buf[32])
{
	const char *time = strchr(time_local(wall_ms, buf), ' ');

	if (time)
		memmove(buf, time + 1, strlen(time));
	return buf;
}
