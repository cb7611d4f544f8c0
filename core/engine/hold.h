/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A step that waits for people: what exactly they are asked to agree to (the
 * digest), and how it goes on. Whether enough of them have is told by quorum.h.
 */
#ifndef FETTLE_ENGINE_HOLD_H
#define FETTLE_ENGINE_HOLD_H

#include "engine/gate.h"
#include "engine/run.h"
#include "model/site.h"

/*
 * The latest hold of a run, made of its events alone, or JSON null. New reference.
 * {"step","attempt","digest","needs":[{policy, roles, quorum, self_approval,
 *  reason}],"requesters":[],"basis":{} (digest.h),"opened_ms","opened_seq",
 *  "expires_ms","state": open|rejected|expired|voided|consumed|over,"by","reason",
 *  "approvals":[{by, roles, comment, time_ms}],
 *  "again": why the one before is void: {"why","changed":[] (digest.h)}}
 */
json_t *hold_find(struct store *store, const char *run, struct err *err);

/* Whether its time is up. */
bool hold_is_late(struct store *store, const char *run, const json_t *hold);

/* The site an engine lives by; one without a file has no principals. */
struct site *hold_site(const struct engine *engine, struct err *err);

/* What a hold means for an attempt. */
enum held_state { HELD_NOT, HELD_OPEN, HELD_CONSUMED };
struct held {
	enum held_state state;
	json_t *basis;	/* of what is to be agreed to */
	char *void_why;	/* the hold the run goes on from is over, or NULL */
	json_t *changed;	/* since that one was opened */
};
void held_done(struct held *held);

/* Whether the run goes on from a hold of that step. */
bool hold_is_of(const struct run *run, const struct plan_step *step);
/*
 * The stored proposal of that hold, if it can be carried out as it is. NULL with
 * err's code "" when there is none, or the step has to propose again.
 */
json_t *hold_proposal(struct run *run, const struct plan_step *step, struct err *err);
/* After the gate: what the hold means. -1 when it cannot be told. */
int hold_judge(struct run *run, const struct plan_step *step, const json_t *proposal,
	       struct gate *gate, struct held *ret, struct err *err);
/*
 * In the transaction of the intent: a satisfied hold turns HOLD into ALLOW. What
 * was said, or who was disabled, while the policies thought counts; a no denies.
 */
int hold_settle(struct run *run, const struct plan_step *step, struct gate *gate,
		struct held *held, struct err *err);
void hold_explain_no(const json_t *hold, struct err *why);
/* In a transaction: the step failed before it was judged again. */
int hold_record_failed(struct run *run, const struct plan_step *step,
		       const struct err *why, struct err *err);
/* In a transaction, before proposal and verdict: the hold before is used or void. */
int hold_record_before(struct run *run, const struct plan_step *step,
		       const struct held *held, struct err *err);

/* In a transaction, behind the verdict: the hold, and the run waits for it. */
int hold_open(struct run *run, const struct plan_step *step, int attempt,
	      const struct gate *gate, const struct held *held, struct err *err);

#endif
