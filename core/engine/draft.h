/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An order on its way to a plan: what was read, asked and resolved for it.
 *
 *	order -> pipeline, project -> modules -> project step -> target
 *	      -> typed `with:` -> frozen plan -> checks
 *
 * Nothing here changes anything; a refusal leaves no trace.
 */
#ifndef FETTLE_ENGINE_DRAFT_H
#define FETTLE_ENGINE_DRAFT_H

#include "engine/engine.h"
#include "engine/mask.h"
#include "model/plan.h"
#include "model/project.h"
#include "model/site.h"

struct run;

struct draft {
	struct engine *engine;
	const struct order *order;
	struct run *run;	/* whose plan it will be; NULL: there is no run yet */
	struct project *project; /* NULL: a pipeline without a service */
	struct pipeline *pipeline;
	struct site *site;	/* NULL: an engine without a site file */
	char *instruction;	/* checked; "" when there is none */
	char *directory;	/* the workspace, absolute */
	json_t *inputs;		/* typed */
	json_t *secrets;	/* NAME -> value */
	struct mask mask;
	struct str project_log;	/* masked log of the project step */
	struct plan *plan;	/* frozen */
};

/* Everything up to the frozen, checked plan. On failure *draft is empty. */
int draft_make(struct draft *draft, struct engine *engine, const struct order *order,
	       struct err *err);
/* The same without asking any module's `check`, for `fettle check`. */
int draft_read(struct draft *draft, struct engine *engine, const struct order *order,
	       struct err *err);
void draft_done(struct draft *draft);

/* Is it given as a file, and not by its name in the project? */
bool pipeline_is_file_name(const char *pipeline);

/* The facts of a plan as modules get them: flat names. New reference. */
json_t *plan_facts(const struct engine *engine, const struct plan *plan,
		   const char *run);

#endif
