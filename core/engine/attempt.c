/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The life of one attempt. See attempt.h. */
#include "base/base.h"

#include "engine/attempt.h"

#include <fettle/plugin.h>

#include "base/clock.h"
#include "engine/artifact.h"
#include "engine/cancel.h"
#include "engine/edit.h"
#include "engine/gate.h"
#include "engine/hold.h"
#include "engine/host.h"
#include "engine/inquiry.h"
#include "engine/module.h"
#include "engine/observe.h"
#include "engine/outcome.h"
#include "engine/pause.h"
#include "engine/proposal.h"
#include "engine/revert.h"
#include "engine/scope.h"

#define PROPOSE_TIMEOUT_MS (2 * 60 * 1000)

static void
attempt_done(struct attempt *a)
{
	free(a->what);
	json_decref(a->params);
	json_decref(a->unknown);
	json_decref(a->env);
	json_decref(a->facts);
	json_decref(a->proposal);
	json_decref(a->findings);
	gate_done(&a->gate);
	held_done(&a->held);
	reply_done(&a->reply);
	host_forget(a->ahead);
}

/* ---- asking the module ---- */

static void
hear_log(void *self, const char *bytes, size_t n)
{
	struct attempt *a = self;

	step_log_write(&a->log, bytes, n);
}

static void
hear_note(void *self, const json_t *event)
{
	struct attempt *a = self;
	const char *kind = json_text(event, "e");
	json_t *body;

	if (str_eq(kind, "progress"))
		run_progress(a->run, a->step->id, event);
	if (!str_eq(kind, "note") && !str_eq(kind, "finding"))
		return;
	body = json_copy((json_t *)(uintptr_t)event);
	json_object_del(body, "e");
	json_object_set_new(body, "step", json_string(a->step->id));
	json_object_set_new(body, "attempt", json_integer(a->number));
	if (str_eq(kind, "finding")) {
		json_array_append(a->findings, body);
		run_note(a->run, "step.finding", body);
		return;
	}
	step_log_line(&a->log, "%s%s",
		      str_eq(json_text(event, "level"), "warn") ? "warning: " : "",
		      json_text(event, "text"));
	run_note(a->run, "step.note", body);
}

static void
hear_artifact(void *self, const json_t *event, int scratch_fd)
{
	struct attempt *a = self;

	artifact_copy(a->run, a->step->id, a->number, event, scratch_fd);
}

static bool
hear_tick(void *self)
{
	struct attempt *a = self;
	const struct engine_watch *watch = &a->run->engine->watch;
	struct err err = { 0 };

	/* A store that fails here fails again at the outcome, where it counts. */
	(void)run_flush(a->run, &err);
	if (watch->tick)
		watch->tick(watch->self);
	return !cancel_is_asked(a->run, 0);
}

static void
rehearse(void *self)
{
	struct attempt *a = self;

	artifact_plan(a->run);
	store_rehearse(a->run->engine->store);
	a->run->has_rehearsed = true;
}

static json_t *
module_of(const struct attempt *a)
{
	return json_pack("[o]", module_request(a->step->module_path,
					       a->step->module_sha256, a->params,
					       a->unknown));
}

static struct inquiry
inquiry_of(struct attempt *a, const char *call, json_t *modules,
	   const json_t *proposal)
{
	const struct plan_step *step = a->step;
	bool is_run = str_eq(call, "run");

	return (struct inquiry){
		.engine = a->run->engine,
		.call = call,
		.what = a->what,
		.modules = modules,
		.run = a->run->claim.run,
		.step = step->id,
		.attempt = a->number,
		.workspace = a->run->plan->workspace,
		.flags = step->flags,
		.facts = a->facts,
		.env = a->env,
		.proposal = proposal,
		.secrets = a->run->secrets,
		.timeout_ms = is_run ? step->timeout_ms : PROPOSE_TIMEOUT_MS,
		.idle_ms = is_run ? step->idle_timeout_ms : 0,
		.lock_fd = a->run->lock_fd,
		.cancel_fd = cancel_fd(a->run),
		.note = hear_note,
		.artifact = hear_artifact,
		.log = hear_log,
		.tick = hear_tick,
		.idle = is_run && !a->run->has_rehearsed ? rehearse : NULL,
		.self = a
	};
}

static int
ask(struct attempt *a, const char *call, const json_t *proposal, struct err *err)
{
	AUTO(json_ref) json_t *modules = module_of(a);
	struct inquiry inquiry = inquiry_of(a, call, modules, proposal);

	reply_done(&a->reply);
	/* What was done before is durable and told before a process takes its time. */
	if (run_flush(a->run, err) < 0)
		return -1;
	inquiry.ahead = STEAL(a->ahead);
	return inquiry_ask(&inquiry, &a->reply, err);
}

/* Takes over how the last call ended; true when the step may go on. */
static bool
reply_is_good(struct attempt *a)
{
	if (a->reply.result == REPLY_OK || a->reply.result == REPLY_NOOP)
		return true;
	a->err = a->reply.err;
	cancel_explain(a->run, &a->err);
	a->state = a->reply.result == REPLY_CANCELLED ? "cancelled" : "failed";
	return false;
}

static int
fail(struct attempt *a, const struct err *why)
{
	a->err = *why;
	a->state = "failed";
	return -1;
}

/* ---- the stages; -1 ends the attempt with a->err and a->state set ---- */

static int
resolve(struct attempt *a)
{
	struct run *run = a->run;
	struct err err = { 0 };

	if (scope_params(run, a->step, &a->params, &a->unknown, &err) < 0 ||
	    scope_env(run, a->step, &a->env, &err) < 0)
		return fail(a, &err);
	if (json_array_size(a->unknown) > 0 && run->mode == RUN_CARRY_OUT) {
		err_set(&err, "template.unknown",
			"%s: parameter '%s' has no value: an earlier "
			"step gave no such output",
			a->what, json_string_value(json_array_get(a->unknown, 0)));
		return fail(a, &err);
	}
	a->facts = scope_facts(run);
	return 0;
}

static int
propose(struct attempt *a)
{
	struct err err = { 0 };

	/* What people agreed to is not computed anew. */
	a->proposal = hold_proposal(a->run, a->step, &err);
	if (a->proposal || err.code[0])
		return a->proposal ? 0 : fail(a, &err);
	if (plan_is_revert(a->step)) {
		a->proposal = revert_propose(a->run, a->step, a->number, &err);
		return a->proposal ? 0 : fail(a, &err);
	}
	if (!(a->step->callbacks & CALLBACK_PROPOSE)) {
		a->proposal = proposal_of_commands(a->step, a->params, &err);
		return a->proposal ? 0 : fail(a, &err);
	}
	if (ask(a, "propose", NULL, &err) < 0)
		return fail(a, &err);
	if (!reply_is_good(a))
		return -1;
	if (!(a->proposal = proposal_make(a->run, a->step, a->params, &a->reply,
				      &err)))
		return fail(a, &err);
	artifact_keep_diff(a->run, a->step->id, a->number,
			   json_object_get(a->proposal, "edits"));
	return 0;
}

static size_t
effect_count(const struct attempt *a)
{
	return json_array_size(json_object_get(a->proposal, "effects"));
}

/* A preview analyses, as long as that changes nothing. */
static bool
is_to_carry_out(const struct attempt *a)
{
	return a->run->mode == RUN_CARRY_OUT ||
	       (a->step->stage == FETTLE_ANALYZE && effect_count(a) == 0);
}

/* What run() is told was approved: for a rollback with the standing effects. */
static json_t *
approved(const struct attempt *a)
{
	json_t *proposal = json_copy(a->proposal);

	if (a->standing)
		json_object_set(proposal, "effects",
				(json_t *)(uintptr_t)a->standing->effects);
	return proposal;
}

/*
 * While the intent gets durable, a host gets ready. It loads no module before it is
 * told to, and is forgotten when that never comes.
 */
static void
begin_run(struct attempt *a)
{
	bool is_due = a->gate.verdict == GATE_ALLOW && !a->is_stale &&
		      a->run->mode == RUN_CARRY_OUT && a->reply.result != REPLY_NOOP;

	if (!is_due || !(a->step->callbacks & CALLBACK_RUN))
		return;
	AUTO(json_ref) json_t *modules = module_of(a);
	AUTO(json_ref) json_t *proposal = approved(a);
	struct inquiry inquiry = inquiry_of(a, "run", modules, proposal);

	a->ahead = inquiry_begin(&inquiry);
}

/* Proposal, verdict and intent are one transaction; without `allow` no intent. */
static int
record_intent(struct attempt *a, struct err *err)
{
	struct run *run = a->run;
	json_t *body;
	char sha256[65];

	if (run_begin(run, err) < 0)
		return -1;
	if (hold_settle(run, a->step, &a->gate, &a->held, err) < 0 ||
	    hold_record_before(run, a->step, &a->held, err) < 0)
		goto out;
	json_sha256(a->proposal, sha256);
	body = attempt_body(a);
	json_object_set(body, "proposal", a->proposal);
	json_object_set_new(body, "sha256", json_string(sha256));
	if (a->held.state == HELD_CONSUMED)
		json_decref(body); /* it is the very one that is stored */
	else if (run_append(run, "step.proposed", body, err) < 0)
		goto out;
	body = attempt_body(a);
	json_object_set_new(body, "verdict",
			    json_string(gate_verdict_name(a->gate.verdict)));
	json_object_set(body, "answers", a->gate.answers);
	if (run_append(run, "step.verdict", body, err) < 0 ||
	    (a->held.state == HELD_OPEN &&
	     hold_open(run, a->step, a->number, &a->gate, &a->held, err) < 0))
		goto out;
	bool is_due = a->gate.verdict == GATE_ALLOW && !a->is_stale &&
		      is_to_carry_out(a);
	if (is_due && a->reply.result != REPLY_NOOP)
		a->is_paused = pause_stops(run, a->step, a->proposal, &a->err);
	if (is_due && !a->is_paused) {
		body = attempt_body(a);
		json_object_set_new(body, "section",
				    json_string(section_name(a->step->section)));
		json_object_set_new(body, "stage",
				    json_string(stage_name(a->step->stage)));
		if (run_append(run, "step.intent", body, err) < 0)
			goto out;
		a->has_intent = true;
	}
	return run_commit(run, err);
out:
	run_abort(run);
	return -1;
}

static int
carry_out(struct attempt *a)
{
	const json_t *edits = json_object_get(a->proposal, "edits");
	AUTO(json_ref) json_t *proposal = approved(a);
	struct err err = { 0 };

	/* From here on it stands as begun; the run carries it out behind its steps. */
	if (plan_is_revert(a->step)) {
		step_log_line(&a->log, "fettle: rolls back run %s",
			      a->run->plan->rolls_back);
		return 0;
	}
	if (json_array_size(edits) > 0 && edits_apply(a->run, edits, &err) < 0)
		return fail(a, &err);
	if ((a->step->callbacks & CALLBACK_RUN)) {
		if (ask(a, "run", proposal, &err) < 0)
			return fail(a, &err);
		if (!reply_is_good(a))
			return -1;
	}
	if (json_array_size(edits) > 0 && edits_verify(a->run, edits, &err) < 0)
		return fail(a, &err);
	return 0;
}

/* ---- the line ---- */

static void
live(struct attempt *a, struct err *store_err, int *store_failed)
{
	struct err err = { 0 };

	if (resolve(a) < 0 || propose(a) < 0)
		return;
	if (gate_ask(a->run, a->step, a->facts, a->proposal, &a->gate, &err) < 0) {
		(void)fail(a, &err);
		if (str_eq(err.code, "cancelled"))
			a->state = "cancelled";
		return;
	}
	if (hold_judge(a->run, a->step, a->proposal, &a->gate, &a->held, &err) < 0) {
		(void)fail(a, &err);
		return;
	}
	/* Policies take their time: what has changed meanwhile is not touched. */
	a->is_stale = (a->gate.verdict == GATE_ALLOW ||
		       a->held.state == HELD_CONSUMED) &&
		      edits_check(a->run, json_object_get(a->proposal, "edits"),
				  &err) < 0;
	begin_run(a);
	if ((*store_failed = record_intent(a, store_err)) < 0)
		return;
	if (a->gate.verdict == GATE_HOLD) {
		step_log_line(&a->log, "fettle: waits for approval: %s",
			      a->gate.err.text);
		a->state = "succeeded"; /* as far as a preview can tell */
		return;
	}
	if (a->gate.verdict != GATE_ALLOW || a->is_stale) {
		(void)fail(a, a->is_stale ? &err : &a->gate.err);
		return;
	}
	if (a->is_paused) {
		a->state = "cancelled";
		return;
	}
	/* The module's word on propose is not its word on run: unless it is NOOP. */
	if (a->has_intent && a->reply.result != REPLY_NOOP) {
		reply_done(&a->reply);
		if (carry_out(a) < 0)
			return;
	}
	a->state = "succeeded";
}

json_t *
attempt_propose(struct run *run, const struct plan_step *step, struct err *err)
{
	__attribute__((cleanup(attempt_done))) struct attempt a = {
		.run = run,
		.step = step,
		.number = 1,
		.what = x_asprintf("step '%s' (%s)", step->id, step->uses),
		.log = { .run = run,
			 .step = step->id,
			 .fd = -1,
			 .stream = { .mask = run->mask } },
		.findings = json_array(),
	};

	if (resolve(&a) == 0 && propose(&a) == 0)
		return json_incref(a.proposal);
	*err = a.err;
	return NULL;
}

int
attempt_step(struct run *run, const struct plan_step *step,
	     const struct standing *standing, struct ending *ending, struct err *err)
{
	__attribute__((cleanup(attempt_done))) struct attempt a = {
		.run = run,
		.step = step,
		.standing = standing,
		.number = (int)json_int_or(run->attempts, step->id, 0) +
			  !hold_is_of(run, step),
		.started_ms = clock_boot_ms(),
		.what = x_asprintf("step '%s' (%s)", step->id, step->uses),
		.findings = json_array(),
		.state = "failed",
	};
	int store_failed = 0;

	json_object_set_new(run->attempts, step->id, json_integer(a.number));
	step_log_open(&a.log, run, step->id, a.number);
	live(&a, err, &store_failed);
	if (a.err.code[0]) {
		step_log_line(&a.log, "fettle: %s [%s]", a.err.text, a.err.code);
		if (a.err.remedy[0])
			step_log_line(&a.log, "fettle: what to do: %s", a.err.remedy);
	}
	step_log_close(&a.log);
	if (store_failed)
		return -1;
	if (a.held.state != HELD_OPEN)
		json_object_set_new(run->states, step->id, json_string(a.state));
	if (a.has_intent || (run->mode == RUN_CARRY_OUT && a.held.state != HELD_OPEN)) {
		outcome_keep(&a);
		if (outcome_record(&a, err) < 0)
			return -1;
		/* A build that failed left all as it was: no reason to unwind. */
		if (step->stage == FETTLE_ANALYZE && effect_count(&a) > 0 &&
		    a.reply.is_answered && a.reply.result <= REPLY_FAIL &&
		    observe_drop_untouched(run, step, err) < 0)
			return -1;
	}
	if (run->mode == RUN_PREVIEW)
		outcome_report(&a);
	outcome_tell(&a, ending);
	return 0;
}
