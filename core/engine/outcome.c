/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How an attempt ended: kept, recorded, reported. See outcome.h. */
#include "base/base.h"

#include "engine/outcome.h"

#include <fettle/plugin.h>

#include "base/clock.h"
#include "engine/proposal.h"

json_t *
attempt_body(const struct attempt *a)
{
	return json_pack("{s:s, s:i}", "step", a->step->id, "attempt", a->number);
}

/* Only what the module declared; the plan was checked against that table. */
void
outcome_keep(struct attempt *a)
{
	const struct description *d = a->step->description;
	json_t *outputs = json_object();

	for (size_t i = 0; i < d->output_count; i++) {
		json_t *value = json_object_get(a->reply.outputs, d->outputs[i].name);

		if (value)
			json_object_set(outputs, d->outputs[i].name, value);
	}
	run_diagnose(a->run, json_text(outputs, "diagnosis"));
	json_object_set_new(a->run->outputs, a->step->id, outputs);
}

static json_t *
outcome_body(const struct attempt *a)
{
	json_t *body = attempt_body(a);

	json_object_set_new(body, "state", json_string(a->state));
	json_object_set_new(body, "result",
			    json_string(a->reply.is_answered
						? reply_result_name(a->reply.result)
					: a->err.code[0] ? "error"
							 : "ok"));
	if (a->reply.why[0])
		json_object_set_new(body, "why", json_string(a->reply.why));
	if (a->err.code[0]) {
		json_object_set_new(body, "code", json_string(a->err.code));
		json_object_set_new(body, "message", json_string(a->err.text));
		json_object_set_new(body, "remedy", json_string(a->err.remedy));
	}
	json_t *outputs = json_object_get(a->run->outputs, a->step->id);
	if (outputs) {
		json_object_set(body, "outputs", outputs);
		if (mask_hides(a->run->mask, outputs))
			json_object_set_new(body, "masked", json_true());
	}
	json_object_set_new(body, "duration_ms",
			    json_integer(clock_boot_ms() - a->started_ms));
	return body;
}

/*
 * A rollback's success and the end of what it undid are one fact. The plain
 * success of a step goes with whatever comes next: the intent of another step,
 * or the end of the run.
 */
int
outcome_record(struct attempt *a, struct err *err)
{
	struct run *run = a->run;
	bool has_undone = a->standing && json_array_size(a->standing->rows) > 0 &&
			  str_eq(a->state, "succeeded");

	if (str_eq(a->state, "succeeded") && !has_undone && !hold_is_of(run, a->step)) {
		run_note(run, "step.ended", outcome_body(a));
		return 0;
	}
	if (run_begin(run, err) < 0)
		return -1;
	if (hold_record_failed(run, a->step, &a->err, err) < 0 ||
	    run_append(run, "step.ended", outcome_body(a), err) < 0 ||
	    (has_undone &&
	     run_append(run, "effect.undone",
			json_pack("{s:O}", "effects", a->standing->rows), err) < 0)) {
		run_abort(run);
		return -1;
	}
	return run_commit(run, err);
}

void
outcome_report(struct attempt *a)
{
	AUTO(str) struct str diff = STR_INIT;
	struct err err = { 0 };
	json_t *outputs = json_object_get(a->run->outputs, a->step->id);

	if (a->proposal)
		(void)edits_diff(a->run->engine->store,
				 json_object_get(a->proposal, "edits"), &diff, &err);
	bool is_left_out = a->step->stage == FETTLE_ANALYZE && !a->err.code[0] &&
			   !a->has_intent;
	json_t *report = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:O, s:O*, s:O*, s:O*}",
		"step", a->step->id, "uses", a->step->uses, "stage",
		stage_name(a->step->stage), "state",
		a->has_intent || a->err.code[0] ? a->state : "planned", "code",
		a->err.code, "message",
		is_left_out ? "a plan changes nothing, so it does not carry this out" :
			      a->err.text,
		"remedy", a->err.remedy, "verdict",
		a->gate.answers ? gate_verdict_name(a->gate.verdict) : "", "findings",
		a->findings, "proposal", a->proposal, "answers", a->gate.answers,
		"outputs", outputs);
	json_object_set_new(report, "diff",
			    json_string_lossy(str_get(&diff), diff.len));
	json_array_append_new(a->run->report, mask_json(a->run->mask, report));
	json_decref(report);
}

void
outcome_tell(const struct attempt *a, struct ending *ending)
{
	if (a->held.state == HELD_OPEN)
		ending->state = ENDING_WAITING;
	if (!a->err.code[0])
		return;
	ending->state = str_eq(a->state, "cancelled") ? ENDING_CANCELLED :
			(a->gate.answers && a->gate.verdict != GATE_ALLOW) ||
					str_eq(a->err.code, "secret_in_diff") ?
							ENDING_DENIED :
							ENDING_FAILED;
	ending->is_attempted = true;
	ending->is_transient = str_eq(a->reply.why, "transient");
	ending->is_answer = a->reply.is_answered && a->reply.result == REPLY_FAIL;
	ending->cause = a->err;
	snprintf(ending->step, sizeof ending->step, "%s", a->step->id);
}
