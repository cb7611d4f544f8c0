/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why something in a module did not work, carried up to the callback, which
 * ends with it. A plain value; nothing to free.
 */
#ifndef FETTLE_COMMON_FAULT_H
#define FETTLE_COMMON_FAULT_H

#include <fettle/plugin.h>

struct fault {
	enum fettle_why why;	/* 0: the answer is no (FETTLE_FAIL) */
	char code[48];
	char text[1500];
	char remedy[700];	/* "" when there is nothing to say */
};

/* Each fills *fault and returns -1. `no`: it worked, and the answer is no. */
int fault_set(struct fault *fault, enum fettle_why why, const char *code,
	      const char *fmt, ...) FETTLE_PRINTF(4, 5);
int fault_no(struct fault *fault, const char *code, const char *fmt, ...)
	FETTLE_PRINTF(3, 4);
int fault_remedy(struct fault *fault, const char *fmt, ...) FETTLE_PRINTF(2, 3);

/* Ends a callback with it: FETTLE_FAIL or FETTLE_ERROR. */
int fault_end(struct fettle_ctx *ctx, const struct fault *fault);

/* fettle_time_left() as a signed number: a day when there is no limit. */
int64_t time_left_ms(struct fettle_ctx *ctx);

#endif
