/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `fettle run` and a worker share between a draft and the end of its run. */
#ifndef FETTLE_ENGINE_ORDER_H
#define FETTLE_ENGINE_ORDER_H

#include "engine/draft.h"
#include "engine/run.h"

/* The run goes by the draft from now on; both stay with the caller. */
void order_adopt(struct run *run, const struct draft *draft);

/* The body of run.ended for a run that never came to be planned. New reference. */
json_t *order_end(const struct err *why);

enum when_busy {
	BUSY_WAIT,	/* for the service, as long as it takes */
	BUSY_GIVE_WAY,	/* back to the queue */
};

/*
 * A claimed run with its draft: the service's lock, the plan, all the way to the
 * end. 0; 1 it gave way and is not ours any more; -1.
 */
int order_carry_out(struct run *run, struct draft *draft, enum when_busy when_busy,
		    struct err *err);

#endif
