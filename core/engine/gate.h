/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The gate before a step: every policy that is concerned is asked about the
 * stored proposal, the strictest answer wins, all reasons are kept. A policy
 * that breaks in any way denies.
 */
#ifndef FETTLE_ENGINE_GATE_H
#define FETTLE_ENGINE_GATE_H

#include "engine/run.h"

enum gate_verdict { GATE_ALLOW, GATE_HOLD, GATE_DENY };
const char *gate_verdict_name(enum gate_verdict verdict);

struct gate {
	enum gate_verdict verdict;
	json_t *answers;	/* array of {policy, verdict, reason, need?}; owned */
	json_t *needs;		/* of those that hold, all to be satisfied; owned */
	struct err err;		/* for HOLD and DENY: the reasons */
};
void gate_done(struct gate *gate);

/*
 * proposal may be NULL. -1 when the policies could not even be asked, or with
 * `cancelled`: somebody wanted the run to end meanwhile.
 */
int gate_ask(struct run *run, const struct plan_step *step, const json_t *facts,
	     const json_t *proposal, struct gate *ret, struct err *err);

#endif
