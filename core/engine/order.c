/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From an order to a run and its end: the public verbs of engine.h that begin
 * something new.
 */
#include "base/base.h"

#include "engine/order.h"

#include <unistd.h>

#include "engine/artifact.h"
#include "engine/cancel.h"
#include "engine/host.h"
#include "engine/nursery.h"
#include "engine/pause.h"
#include "engine/recover.h"

#define LOCK_POLL_MS 200

static json_t *
queue_body(const struct engine *engine, const struct draft *draft)
{
	const struct plan *plan = draft->plan;
	const struct order *order = draft->order;
	json_t *body = json_pack(
		"{s:s, s:s, s:s, s:O, s:s, s:s, s:s*, s:s*, s:s*}", "pipeline",
		plan->pipeline, "service", plan->service, "instruction",
		plan->instruction, "inputs", plan->inputs, "workspace",
		plan->workspace, "requested_by", engine->actor, "until", order->until,
		"rolls_back", order->rolls_back, "reason",
		order->rolls_back ? order->instruction : NULL);
	json_t *masked = mask_json(&draft->mask, body);

	json_decref(body);
	return masked;
}

/* Between two looks at a lock: 0, or -1 when cancelled meanwhile. */
static int
wait_a_little(struct run *run)
{
	const struct engine_watch *watch = &run->engine->watch;

	if (watch->tick)
		watch->tick(watch->self);
	return cancel_is_asked(run, LOCK_POLL_MS) ? -1 : 0;
}

enum taken { TAKEN_FAILED = -1, TAKEN_AT_ONCE, TAKEN_AFTER_WAITING, TAKEN_NOT };

/*
 * One run per service at a time. TAKEN_FAILED: `cancelled` while waiting, or the
 * store failed. TAKEN_NOT: another has it, and who is in the way of others there
 * does not wait.
 */
static enum taken
take_service(struct run *run, const struct plan *plan, enum when_busy when_busy,
	     struct err *err)
{
	AUTO_FREE char *name = run_lock_name(plan);
	char holder[RUN_ID_SIZE] = "", told[RUN_ID_SIZE] = "";
	AUTO(recovery) struct recovery ignored = { 0 };
	bool has_waited = false;

	while (name) {
		int got =
			store_lock(run->engine->store, &run->claim, name, holder, err);

		if (got != 0)
			return got < 0	  ? TAKEN_FAILED :
			       has_waited ? TAKEN_AFTER_WAITING :
					    TAKEN_AT_ONCE;
		/* That it is there, and waits, others may know. */
		if (run_flush(run, err) < 0)
			return TAKEN_FAILED;
		if (!str_eq(holder, told)) {
			/* Its engine may be dead; then it is ours to finish first. */
			if (recover_run(run->engine, holder, err) == 0)
				continue;
			if (when_busy == BUSY_GIVE_WAY)
				return TAKEN_NOT;
			snprintf(told, sizeof told, "%s", holder);
			run_note(
				run, "step.note",
				json_pack(
					"{s:s, s:i, s:s, s:o}", "step", "", "attempt",
					0, "level", "info", "text",
					json_sprintf(
						"waiting: service '%s' is being worked "
						"on by run %s",
						plan->service, holder)));
			if (run_flush(run, err) < 0)
				return TAKEN_FAILED;
		}
		has_waited = true;
		/* It may wait for people whose time is up. */
		if (recover_refused(run->engine, &ignored, err) < 0)
			return TAKEN_FAILED;
		if (wait_a_little(run) < 0) {
			err_set(err, "cancelled",
				"cancelled while waiting for run %s, which "
				"works on service '%s'",
				holder, plan->service);
			cancel_explain(run, err);
			return TAKEN_FAILED;
		}
	}
	return TAKEN_AT_ONCE;
}

json_t *
order_end(const struct err *why)
{
	const char *state = str_eq(why->code, "cancelled") ? "cancelled" : "failed";

	return json_pack("{s:s, s:s, s:s, s:s}", "state", state, "code", why->code,
			 "message", why->text, "remedy", why->remedy);
}

/* Back to the queue: whoever takes it next knows its service by then. */
static int
give_way(struct run *run, struct err *err)
{
	return run_append(run, "run.released",
			  json_pack("{s:s}", "service", run->plan->service), err);
}

/* With the first thing that the run does. */
static void
note_plan(struct run *run, struct draft *draft)
{
	json_t *plan = plan_json(draft->plan);

	run->unwritten_plan = json_incref(plan);
	if (draft->project_log.len > 0)
		artifact_store(run, NULL, 0, "project.log", "text/plain",
			       str_get(&draft->project_log), draft->project_log.len);
	run_note(run, "run.planned",
		 json_pack("{s:O, s:s}", "plan", plan, "sha256", draft->plan->sha256));
}

void
order_adopt(struct run *run, const struct draft *draft)
{
	run->plan = draft->plan;
	run->project = draft->project;
	run->until = draft->order->until;
	run->secrets = draft->secrets;
	run->mask = &draft->mask;
}

int
order_carry_out(struct run *run, struct draft *draft, enum when_busy when_busy,
		struct err *err)
{
	const struct order *order = draft->order;
	struct err why = { 0 };

	switch (take_service(run, draft->plan, when_busy, &why)) {
	case TAKEN_AT_ONCE:
		break;
	case TAKEN_AFTER_WAITING:
		/* The world may have moved on meanwhile: plan again from scratch. */
		draft_done(draft);
		if (draft_make(draft, run->engine, order, &why) < 0)
			return run_append(run, "run.ended", order_end(&why), err);
		order_adopt(run, draft);
		break;
	case TAKEN_NOT:
		return give_way(run, err) < 0 ? -1 : 1;
	case TAKEN_FAILED:
		return run_append(run, "run.ended", order_end(&why), err);
	}
	note_plan(run, draft);
	return run_carry_out(run, err);
}

/* What was done is put back while the site is paused, too. */
static int
check_pause(struct store *store, const struct order *order, struct err *err)
{
	return order->rolls_back ? 0 : pause_check(store, err);
}

/*
 * At once: a run queued here and claimed by nobody would wait for ever. It is
 * committed, and told, with the first thing that it does.
 */
static int
queue_and_claim(struct run *run, const struct draft *draft, struct err *err)
{
	struct store *store = run->engine->store;
	AUTO(json_ref) json_t *body = queue_body(run->engine, draft);
	char id[RUN_ID_SIZE], owner[64];

	snprintf(owner, sizeof owner, "pid %d", (int)getpid());
	if (store_begin(store, err) < 0)
		return -1;
	if (check_pause(store, draft->order, err) < 0 ||
	    store_queue(store, run->engine->actor, body, id, err) < 0 ||
	    store_claim(store, id, owner, &run->claim, &run->lock_fd, err) < 0 ||
	    run_open(run, err) < 0) {
		store_rollback(store);
		return -1;
	}
	run->is_being_made = true;
	json_array_append_new(run->queued, json_pack("{s:s, s:O}", "kind", "run.queued",
						     "body", body));
	return 0;
}

int
engine_run(struct engine *engine, const struct order *order, char ret_run[RUN_ID_SIZE],
	   struct err *err)
{
	__attribute__((cleanup(draft_done))) struct draft draft = { 0 };
	__attribute__((cleanup(run_close))) struct run run = { .engine = engine,
							       .lock_fd = -1,
							       .workspace_fd = -1 };

	if (check_pause(engine->store, order, err) < 0)
		return -1;
	engine_warm(engine);
	if (draft_make(&draft, engine, order, err) < 0)
		return -1;
	order_adopt(&run, &draft);
	if (queue_and_claim(&run, &draft, err) < 0)
		return -1;
	snprintf(ret_run, RUN_ID_SIZE, "%s", run.claim.run);
	draft.run = &run;
	int result = order_carry_out(&run, &draft, BUSY_WAIT, err);
	nursery_rest(engine->nursery);
	return result;
}

int
engine_check(struct engine *engine, const struct order *order, json_t **ret_summary,
	     struct err *err)
{
	__attribute__((cleanup(draft_done))) struct draft draft = { 0 };

	host_prepare(engine);
	if (draft_read(&draft, engine, order, err) < 0)
		return -1;
	json_t *steps = json_array();
	for (size_t i = 0; i < draft.plan->step_count; i++) {
		const struct plan_step *step = &draft.plan->steps[i];

		json_array_append_new(steps,
				      json_pack("{s:s, s:s, s:s, s:s}", "step",
						step->id, "uses", step->uses, "section",
						section_name(step->section), "stage",
						stage_name(step->stage)));
	}
	*ret_summary = json_pack("{s:s, s:s, s:o}", "pipeline", draft.plan->pipeline,
				 "workspace", draft.plan->workspace, "steps", steps);
	return 0;
}
