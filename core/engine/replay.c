/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Past runs before today's policies: each proposal that was judged is judged once
 * more, with what was known and the time it was then, by the policies of its
 * pipeline and by those the site has now. Nothing is carried out or recorded.
 */
#include "base/base.h"

#include "engine/engine.h"

#include "engine/gate.h"
#include "engine/hold.h"
#include "engine/host.h"
#include "engine/policies.h"
#include "engine/scope.h"

/* A run on its way through its own events. */
struct replay {
	struct run run;
	struct plan *plan;
	json_t *proposals;	/* step -> the latest */
	bool is_approved;	/* the next verdict stands on people's agreement */
	json_t *rows;		/* what is answered; borrowed */
};

static void
replay_done(struct replay *r)
{
	plan_free(r->plan);
	json_decref(r->proposals);
	json_decref(r->run.outputs);
	json_decref(r->run.states);
}

/* ---- one run ---- */

static int
replay_open(struct replay *r, struct engine *engine, const char *run, struct err *err)
{
	static const struct mask no_mask;
	AUTO(json_ref) json_t *stored = store_plan(engine->store, run, err);

	if (!stored)
		return -1;
	r->plan =
		plan_parse(json_text(stored, "text"), json_text(stored, "sha256"), err);
	AUTO(site) struct site *site = r->plan ? hold_site(engine, err) : NULL;
	if (!site || policies_renew(engine, r->plan, site, err) < 0)
		return -1;
	r->proposals = json_object();
	r->run = (struct run){ .engine = engine,
			       .plan = r->plan,
			       .mask = &no_mask,
			       .lock_fd = -1,
			       .workspace_fd = -1,
			       .outputs = json_object(),
			       .states = json_object(),
			       .round = 1,
			       .is_undoing = true };
	snprintf(r->run.claim.run, sizeof r->run.claim.run, "%s", run);
	return 0;
}

static int
judge(struct replay *r, const json_t *event, struct err *err)
{
	const json_t *body = json_object_get(event, "body");
	const char *id = json_text(body, "step");
	const struct plan_step *step = plan_find_step(r->plan, id);
	AUTO(json_ref) json_t *facts = NULL;
	struct gate gate = { 0 };

	if (!step)
		return 0;
	r->run.judged_ms = json_int_or(event, "time_ms", 0);
	facts = scope_facts(&r->run);
	if (gate_ask(&r->run, step, facts, json_object_get(r->proposals, id), &gate,
		     err) < 0)
		return -1;
	/* What people let pass was a wait to the policies. */
	const char *then = r->is_approved ? "hold" : json_text(body, "verdict");
	r->is_approved = false;
	json_array_append_new(
		r->rows,
		json_pack("{s:s, s:s, s:O, s:I, s:s, s:s, s:s, s:O}", "run",
			  r->run.claim.run, "step", id, "attempt",
			  json_object_get(body, "attempt"), "time_ms",
			  (json_int_t)r->run.judged_ms, "then",
			  then, "now",
			  gate_verdict_name(gate.verdict), "reason", gate.err.text,
			  "answers", gate.answers));
	gate_done(&gate);
	return 0;
}

/* What became known by an event, as far as policies were told. */
static int
follow(struct replay *r, const json_t *event, struct err *err)
{
	const char *kind = json_text(event, "kind");
	const json_t *body = json_object_get(event, "body");
	const char *step = json_text(body, "step");

	if (str_eq(kind, "step.proposed"))
		json_object_set(r->proposals, step, json_object_get(body, "proposal"));
	else if (str_eq(kind, "step.ended") && json_object_get(body, "outputs"))
		json_object_set(r->run.outputs, step, json_object_get(body, "outputs"));
	else if (str_eq(kind, "hold.consumed"))
		r->run.is_agreed = r->is_approved = true;
	else if (str_eq(kind, "step.verdict"))
		return judge(r, event, err);
	return 0;
}

static int
replay_run(struct engine *engine, const char *run, json_t *rows, struct err *err)
{
	__attribute__((cleanup(replay_done))) struct replay r = { .rows = rows };
	AUTO(json_ref) json_t *events = store_events(engine->store, run, 0, 0, err);
	const json_t *event;
	size_t i;

	if (!events || replay_open(&r, engine, run, err) < 0)
		return -1;
	json_array_foreach (events, i, event)
		if (follow(&r, event, err) < 0)
			return -1;
	return 0;
}

int
engine_replay(struct engine *engine, const char *run, uint32_t limit, json_t **ret,
	      struct err *err)
{
	const struct store_filter newest = { .limit = limit };
	AUTO(json_ref) json_t *rows = json_array();
	AUTO(json_ref) json_t *runs = NULL;
	const json_t *row;
	size_t i;

	host_prepare(engine);
	if (run) {
		if (replay_run(engine, run, rows, err) < 0)
			return -1;
	} else if (!(runs = store_runs(engine->store, &newest, err))) {
		return -1;
	}
	json_array_foreach (runs, i, row)
		if (*json_text(row, "plan_sha256") &&
		    replay_run(engine, json_text(row, "run"), rows, err) < 0)
			return err_context(err, "run %s", json_text(row, "run"));
	*ret = STEAL(rows);
	return 0;
}
