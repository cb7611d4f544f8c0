/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policies of a draft's plan: the site's first, then those of the pipeline, then
 * what a service has of itself.
 */
#ifndef FETTLE_ENGINE_DRAFT_POLICIES_H
#define FETTLE_ENGINE_DRAFT_POLICIES_H

#include "engine/draft.h"

int draft_policies(struct draft *draft, struct err *err);
/* The same for a run that rolls back one of plan `of`: the modules are today's. */
int draft_policies_again(struct draft *draft, const struct plan *of, struct err *err);

/* When it is known whether the service is protected. */
int draft_protection(struct draft *draft, struct err *err);

#endif
