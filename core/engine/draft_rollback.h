/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The draft of a run that rolls back another: from the other's plan. */
#ifndef FETTLE_ENGINE_DRAFT_ROLLBACK_H
#define FETTLE_ENGINE_DRAFT_ROLLBACK_H

#include "engine/draft.h"

/* As draft_read, for an order with rolls_back. */
int draft_rollback(struct draft *draft, struct engine *engine,
		   const struct order *order, struct err *err);

#endif
