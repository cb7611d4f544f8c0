/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs that wait in the queue: putting one there, taking the next and carrying
 * it out. Whoever takes it plans it afresh, from what was ordered, not from how
 * the world was then.
 */
#include "base/base.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "engine/cancel.h"
#include "engine/host.h"
#include "engine/order.h"
#include "engine/pause.h"
#include "engine/secret.h"

/* ---- putting one there ---- */

static json_t *
order_json(const struct draft *draft)
{
	const struct order *order = draft->order;
	AUTO_FREE char *file =
		order->pipeline && pipeline_is_file_name(order->pipeline) ?
			path_join(order->directory, order->pipeline) :
			NULL;

	return json_pack("{s:s, s:s*, s:s, s:s*, s:s*, s:O*, s:s*}", "directory",
			 order->directory, "pipeline", file ? file : order->pipeline,
			 "pipeline_sha256", draft->pipeline->sha256, "service",
			 order->service, "instruction", order->instruction, "inputs",
			 order->inputs, "until", order->until);
}

/*
 * The service as far as it can be told without asking the project: enough to
 * keep the order of its runs. The planning finds it for sure.
 */
static const char *
likely_service(const struct draft *draft)
{
	AUTO(strv) struct strv known = STRV_INIT;
	struct err ignored;

	if (draft->order->service || !draft->project)
		return draft->order->service;
	for (size_t i = 0; i < draft->project->service_count; i++)
		strv_add(&known, draft->project->services[i].name);
	const char *found = project_target(draft->project, &known, NULL,
					   draft->instruction, &ignored);
	return found ? project_find_service(draft->project, found)->name : NULL;
}

static json_t *
queue_body(const struct draft *draft, enum priority priority)
{
	return json_pack("{s:s, s:s*, s:s, s:O, s:s, s:s, s:o, s:s}", "pipeline",
			 draft->pipeline->name, "service", likely_service(draft),
			 "instruction", draft->instruction, "inputs", draft->inputs,
			 "workspace", draft->directory, "requested_by",
			 draft->engine->actor, "order", order_json(draft), "priority",
			 priority == PRIORITY_HIGH ? "high" : "normal");
}

/* What is queued can be read by all who can read the store. */
static int
check_no_secret(struct draft *draft, const json_t *body, struct err *err)
{
	struct err ignored;

	/* What only the worker's environment holds is found when it plans. */
	if (draft->project)
		draft->secrets =
			secrets_resolve(draft->project, &draft->mask, &ignored);
	if (!mask_hides(&draft->mask, body))
		return 0;
	err_set(err, "secret_in_plan",
		"the order would hold the value of a secret in plain text");
	return err_remedy(err, "keep it out of instruction and inputs, and pass it as "
			       "${{ secrets.NAME }} in a step's `env`");
}

int
engine_queue(struct engine *engine, const struct order *order, enum priority priority,
	     char ret_run[RUN_ID_SIZE], struct err *err)
{
	__attribute__((cleanup(draft_done))) struct draft draft = { 0 };

	host_prepare(engine);
	if (draft_read(&draft, engine, order, err) < 0)
		return -1;
	AUTO(json_ref) json_t *body = queue_body(&draft, priority);
	if (!body)
		return err_set(err, "usage", "the order is not UTF-8");
	if (check_no_secret(&draft, body, err) < 0)
		return -1;
	return store_queue(engine->store, engine->actor, body, ret_run, err);
}

/* ---- carrying one out ---- */

/* Text of an order, NULL for what was not given. */
static const char *
given(const json_t *order, const char *key)
{
	return json_string_value(json_object_get(order, key));
}

static int
tell_queued(struct engine *engine, const char *run, json_t **ret_body, struct err *err)
{
	AUTO(json_ref) json_t *events = store_events(engine->store, run, 0, 1, err);
	json_t *body = json_object_get(json_array_get(events, 0), "body");

	if (!events)
		return -1;
	if (engine->watch.event)
		engine->watch.event(engine->watch.self, run, "run.queued", body);
	*ret_body = json_incref(body);
	return 0;
}

/* From the order to a draft; -1 with why there is none. */
static int
plan_anew(struct run *run, const struct order *order, struct draft *draft,
	  struct err *why)
{
	if (cancel_is_asked(run, 0)) {
		err_set(why, "cancelled", "cancelled before it was begun");
		cancel_explain(run, why);
		return -1;
	}
	draft->run = run;
	if (draft_make(draft, run->engine, order, why) < 0) {
		cancel_explain(run, why);
		return -1;
	}
	order_adopt(run, draft);
	return run_open(run, why);
}

static int
carry_out(struct engine *engine, struct store_claim *claim, int lock_fd,
	  struct err *err)
{
	__attribute__((cleanup(draft_done))) struct draft draft = { 0 };
	__attribute__((cleanup(run_close))) struct run run = {
		.engine = engine,
		.claim = *claim,
		.lock_fd = lock_fd,
		.workspace_fd = -1,
	};
	AUTO(json_ref) json_t *body = NULL;
	struct err why = { 0 };

	if (tell_queued(engine, claim->run, &body, err) < 0)
		return -1;
	const json_t *json = json_object_get(body, "order");
	const struct order order = {
		.directory = json_text(json, "directory"),
		.pipeline = given(json, "pipeline"),
		.pipeline_sha256 = given(json, "pipeline_sha256"),
		.service = given(json, "service"),
		.instruction = given(json, "instruction"),
		.inputs = json_object_get(json, "inputs"),
		.until = given(json, "until"),
	};
	if (plan_anew(&run, &order, &draft, &why) < 0)
		return run_end_closed(engine, claim, order_end(&why), err);
	return order_carry_out(&run, &draft, BUSY_GIVE_WAY, err);
}

/*
 * What waits and is due comes before what was not begun: 1 one, 0 none, -1. One
 * that cannot be continued keeps no other waiting.
 */
static int
continue_due(struct engine *engine, char ret_run[RUN_ID_SIZE], struct strv *ret_left,
	     struct err *err)
{
	AUTO(json_ref)
	json_t *due = store_due(engine->store, clock_wall_ms(), err);
	struct err paused;
	const json_t *row;
	size_t i;

	if (!due)
		return -1;
	if (json_array_size(due) == 0 || pause_check(engine->store, &paused) < 0)
		return 0;
	json_array_foreach (due, i, row) {
		const char *run = json_text(row, "run");
		struct err why = { 0 };
		int done = engine_continue(engine, run, &why);

		if (done < 0)
			strv_addf(ret_left, "go on with run %s: %s [%s]", run, why.text,
				  why.code);
		if (done != 0)
			continue;
		snprintf(ret_run, RUN_ID_SIZE, "%s", run);
		return 1;
	}
	return 0;
}

int
engine_work(struct engine *engine, const char *worker, char ret_run[RUN_ID_SIZE],
	    struct strv *ret_left, struct err *err)
{
	char owner[64];
	int done;

	snprintf(owner, sizeof owner, "pid %d", (int)getpid());
	engine->is_worker = true;
	done = continue_due(engine, ret_run, ret_left, err);
	if (done != 0)
		return done;
	do {
		struct store_claim claim;
		int lock_fd = -1;
		int taken = store_take(engine->store, owner, worker, &claim, &lock_fd,
				       err);

		if (taken <= 0)
			return taken;
		snprintf(ret_run, RUN_ID_SIZE, "%s", claim.run);
		host_prepare(engine);
		done = carry_out(engine, &claim, lock_fd, err);
	} while (done > 0);
	return done < 0 ? -1 : 1;
}
