/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What fettle-host and libfettle share, and nobody else may use: begin one
 * callback, end it. Not installed; both come from the same build.
 */
#ifndef FETTLE_SDK_PRIVATE_H
#define FETTLE_SDK_PRIVATE_H

#include <fettle/plugin.h>

#include "base/base.h"
#include "base/json.h"

enum fettle__callback {
	IN_CHECK = 1 << 0,
	IN_PROPOSE = 1 << 1,
	IN_RUN = 1 << 2,
	IN_OBSERVE = 1 << 3,
	IN_JUDGE = 1 << 4,
	IN_STEP = IN_CHECK | IN_PROPOSE | IN_RUN | IN_OBSERVE,
};

/* Borrowed throughout, and longer-lived than the context. */
struct fettle__call {
	enum fettle__callback callback;
	const char *name; /* the module's */
	const struct fettle_param *params, *outputs;
	uint32_t param_count, output_count;
	const char *const *effects; /* NULL-terminated, or NULL */
	const json_t *request;	    /* checked */
	size_t index;		    /* which of the request's modules */
	const json_t *secrets;	    /* object of text */
	int event_fd, scratch_fd;
	bool in_own_namespace; /* kill(-1) reaches this callback's processes only */
};

/* Also installs the SIGTERM handler: from here on TERM means cancelled. */
struct fettle_ctx *fettle__begin(const struct fettle__call *call);

/*
 * Sends the last event, for what the callback returned (a result or, from
 * judge, a verdict), and frees the context.
 */
void fettle__end(struct fettle_ctx *ctx, int returned);

/* The module did what it must not: sends that as the last event and ends the process.
 */
_Noreturn void
fettle__bug(struct fettle_ctx *ctx, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
