/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policies of a plan: the site's, the pipeline's, and those that a service
 * has without anybody's word. What a plan does is frozen; what judges it is what
 * the site says when it is judged.
 */
#ifndef FETTLE_ENGINE_POLICIES_H
#define FETTLE_ENGINE_POLICIES_H

#include "engine/draft.h"

/* All that are known before the project is looked at. */
int policies_draft(struct draft *draft, struct err *err);
/* The same for a run that rolls back one of plan `of`. */
int policies_draft_again(struct draft *draft, const struct plan *of, struct err *err);

/*
 * `protected: true` is a gate of its own, unless the site says which: a pipeline
 * can ask for more people, and not for fewer. `file` stands in errors.
 */
int policies_protect(struct engine *engine, struct plan *plan, const char *file,
		     struct err *err);

/*
 * The policies a frozen plan has today: the site's as its file says now, those of
 * the pipeline as they were frozen, all with the modules that are installed now. -1
 * with the plan as it was: `plan_stale` when a policy of the pipeline does not fit
 * its module any more, else why the site's cannot be had.
 */
int policies_renew(struct engine *engine, struct plan *plan, const struct site *site,
		   struct err *err);

#endif
