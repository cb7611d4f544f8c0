/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Looking at something until it has been good for a while, or for too long was
 * not. Looks come quickly after a change and further apart while nothing
 * changes. Knows nothing of what is looked at.
 */
#ifndef FETTLE_COMMON_DWELL_H
#define FETTLE_COMMON_DWELL_H

#include "plugins/common/fault.h"
#include "plugins/common/text.h"

#define DWELL_INTERVAL_MS 2000

struct look {
	bool is_good;
	bool is_final;		/* bad, and nothing will bring it back by itself */
	char *text;		/* for people; owned by the caller */
};

struct dwell {
	int64_t within_ms, for_ms;
	int64_t interval_ms;	/* looks are at most this far apart */
	int64_t begin_ms;
	int64_t good_since_ms;	/* -1: not good */
	int64_t looks;
	int in_a_row;		/* looks in a row that were final */
	char *last;		/* the last look's text */
};

void dwell_begin(struct dwell *dwell, int64_t within_ms, int64_t for_ms);
void dwell_done(struct dwell *dwell);

/*
 * Looks, again and again, until it is decided; true when it is well. Each
 * change of what is seen is a line of the step's log. ctx: for the time that
 * is left.
 */
bool dwell_watch(struct dwell *dwell, struct fettle_ctx *ctx,
		 struct look (*look)(void *at), void *at);

/* How long it took until it was well, or all the time when it was not. */
int64_t dwell_waited_ms(const struct dwell *dwell);

/* Outputs waited_ms, looks and last. */
void dwell_set_outputs(const struct dwell *dwell, struct fettle_ctx *ctx);

#endif
