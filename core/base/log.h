/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Diagnostics of a program on stderr, one line each. For cli, serve and host/main. */
#ifndef FETTLE_BASE_LOG_H
#define FETTLE_BASE_LOG_H

#include "base.h"
#include "err.h"

/* From here on nobody waits long for who does not read it: see stream.h. */
void log_go_live(void);
/* The end of that. */
void log_settle(void);

void log_name(const char *program);	/* the prefix; borrowed */
void log_warn(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* `fettle: error: TEXT [code]` and, on a line of its own, the remedy. */
void log_err(const struct err *err);

#endif
