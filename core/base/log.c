/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Diagnostics on stderr: one write a line, harmless for a terminal. */
#include "base/base.h"

#include "base/log.h"

#include <stdarg.h>
#include <unistd.h>

#include "base/stream.h"

static const char *program = "fettle";
static struct stream stream = STREAM_INIT(STDERR_FILENO);

void
log_name(const char *name)
{
	program = name;
}

/* When it fails there is nowhere left to complain. */
static void
put_line(const char *kind, const char *text)
{
	AUTO(str) struct str line = STR_INIT;
	str_addf(&line, "%s: %s: ", program, kind);
	str_add_visible(&line, text, strlen(text));
	for (char *p = line.s; *p != '\0'; p++)
		if (*p == '\n')
			*p = ' ';
	str_add_c(&line, '\n');
	stream_write(&stream, line.s, line.len);
}

/* Who reads again is told how much is missing, in front of what comes next. */
static void
tell_dropped(void)
{
	uint64_t count = stream.dropped;

	if (count == 0 || !stream_is_ready(&stream))
		return;
	stream.dropped = 0;
	AUTO_FREE char *text = x_asprintf("%llu line%s left out before this one: %s "
					  "not read in time",
					  (unsigned long long)count,
					  count == 1 ? " is" : "s are",
					  count == 1 ? "it was" : "they were");
	put_line("warning", text);
}

void
log_go_live(void)
{
	stream_go_live(&stream);
}

void
log_settle(void)
{
	stream_settle(&stream);
	tell_dropped();
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *text = x_vasprintf(fmt, ap);
	va_end(ap);
	tell_dropped();
	put_line("warning", text);
}

void
log_err(const struct err *err)
{
	char where[sizeof(err->text) + sizeof(err->file) + 32];
	AUTO_FREE char *text = NULL;

	err_format(err, where, sizeof(where));
	text = err->code[0] ? x_asprintf("%s [%s]", where, err->code) : x_strdup(where);
	tell_dropped();
	put_line("error", text);
	if (err->remedy[0] != '\0')
		put_line("what to do", err->remedy);
}
