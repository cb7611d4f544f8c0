/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is true before anything happens: the project step's outputs become
 * facts, the target service is found among them, and every module is asked
 * whether it could work.
 */
#ifndef FETTLE_ENGINE_SURVEY_H
#define FETTLE_ENGINE_SURVEY_H

#include "engine/draft.h"

#define PROJECT_STEP "project/compose"

/* Runs the project step and fills plan->facts, service, allow, is_protected. */
int survey_project(struct draft *draft, struct err *err);

/* `policy.service`: project or site (NULL: none) lets only named ones be repaired. */
int survey_check_service(const struct site *site, const struct project *project,
			 const char *service, struct err *err);

/* The first list of globs that says something: the profile's (or NULL), else that of
 * the project step's facts. New reference. */
json_t *survey_allow(const struct project_service *profile, const json_t *service);

/*
 * The project's facts as they are now, for looking again in the middle of a
 * run. New reference, or NULL.
 */
json_t *survey_now(struct engine *engine, const struct plan *plan,
		   const json_t *secrets, struct err *err);

/* All `check` callbacks of the plan, in its order; the first "no" is the answer. */
int survey_checks(struct draft *draft, struct err *err);
/* The same in the middle of a run. now: what survey_now said, or NULL. */
int survey_checks_again(struct engine *engine, const struct plan *plan,
			const json_t *secrets, const json_t *now, struct err *err);

#endif
