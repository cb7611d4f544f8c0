/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why something did not work: a stable code for machines, a sentence for
 * people, a remedy, and where in a file. A plain value on the caller's stack;
 * nothing to free. Text is UTF-8 without control characters, whatever was put
 * into it.
 */
#ifndef FETTLE_BASE_ERR_H
#define FETTLE_BASE_ERR_H

#include "base.h"

struct err {
	char code[48];		/* `yaml.depth`, `docker_unreachable`; "" = no error */
	char text[1500];	/* what was attempted, on what, why it failed */
	char remedy[700];	/* what to do next, or "" */
	char file[300];		/* the file the position belongs to, or "" */
	uint32_t line, column;	/* 1-based, 0 = no position */
	bool may_pass;		/* nothing asked for is wrong: it was no time for it */
};

/* Each fills *err completely (all the rest is cleared) and returns -1. */
int err_set(struct err *err, const char *code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* As err_set, then adds `: strerror(errno)`. errno is read on entry. */
int err_errno(struct err *err, const char *code, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* Add to an error that is already set; each returns -1. context puts `fmt: ` in front.
 */
int err_context(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
int err_remedy(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
int err_at(struct err *err, const char *file, uint32_t line, uint32_t column);

/* `file:line:column: text` or just the text. buf is always terminated. */
const char *err_format(const struct err *err, char *buf, size_t size);

#endif
