/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One attempt while it lives (attempt.c), and what becomes of how it ended: the
 * outputs, the event, a preview's report, the run's ending.
 */
#ifndef FETTLE_ENGINE_OUTCOME_H
#define FETTLE_ENGINE_OUTCOME_H

#include "engine/artifact.h"
#include "engine/attempt.h"
#include "engine/hold.h"
#include "engine/inquiry.h"

struct attempt {
	struct run *run;
	const struct plan_step *step;
	const struct standing *standing;
	int number;
	int64_t started_ms;
	char *what;		/* `step 'build' (build/compose)` */
	struct step_log log;
	json_t *params, *unknown, *env, *facts, *proposal;
	bool has_intent, is_stale;
	bool is_paused;		/* the site is, and this would be the first change */
	struct gate gate;
	struct held held;
	struct host_ahead *ahead; /* gets ready to run; NULL: not begun */
	struct reply reply;	/* of run, or of propose when it ended there */
	json_t *findings;	/* preview */
	struct err err;		/* why it did not succeed; code "" when it did */
	const char *state;	/* succeeded, failed, cancelled */
};

/* {step, attempt}: how the body of an event about it begins. New reference. */
json_t *attempt_body(const struct attempt *a);

void outcome_keep(struct attempt *a);	/* the outputs, for the steps behind */
/* Appends step.ended, and the end of what a rollback has undone. */
int outcome_record(struct attempt *a, struct err *err);
void outcome_report(struct attempt *a);	/* adds to a preview's report */
void outcome_tell(const struct attempt *a, struct ending *ending);

#endif
