/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Diagnostics on stderr: one write a line, harmless for a terminal. */
#include "base/base.h"

#include "base/log.h"

#include <stdarg.h>

#include "base/str.h"

static const char *program = "fettle";

void
log_name(const char *name)
{
	program = name;
}

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
	(void)fputs(line.s, stderr);	/* there is nowhere left to complain */
}

void
log_warn(const char *fmt, ...)
{
	AUTO_FREE char *text = NULL;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	put_line("warning", text);
}

void
log_err(const struct err *err)
{
	char where[sizeof(err->text) + sizeof(err->file) + 32];
	AUTO_FREE char *text = NULL;

	err_format(err, where, sizeof(where));
	text = err->code[0] ? x_asprintf("%s [%s]", where, err->code) : x_strdup(where);
	put_line("error", text);
	if (err->remedy[0] != '\0')
		put_line("what to do", err->remedy);
}
