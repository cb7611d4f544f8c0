/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The `observe` callback. See observe.h. */
#include "base/base.h"

#include "engine/observe.h"

#include "engine/inquiry.h"
#include "engine/module.h"
#include "engine/scope.h"
#include "engine/standing.h"

#define OBSERVE_TIMEOUT_MS 60000

/* The step's own standing effects, as observe() numbers them, and their rows. */
static json_t *
own_effects(const struct plan_step *step, const json_t *standing, json_t *rows)
{
	json_t *effects = json_array();
	const json_t *row;
	size_t i;

	json_array_foreach (standing, i, row) {
		if (!str_eq(json_text(row, "step"), step->id) ||
		    standing_is_edit(row))
			continue;
		json_array_append(effects, json_object_get(row, "body"));
		json_array_append(rows, json_object_get(row, "n"));
	}
	return effects;
}

static int
ask(struct run *run, const struct plan_step *step, const json_t *effects,
    struct reply *ret)
{
	AUTO(json_ref) json_t *params = NULL;
	AUTO(json_ref) json_t *unknown = NULL;
	AUTO(json_ref) json_t *facts = scope_facts(run);
	AUTO(json_ref) json_t *modules = json_array();
	AUTO(json_ref) json_t *proposal =
		json_pack("{s:[], s:O, s:[]}", "edits", "effects", effects, "commands");
	AUTO_FREE char *what =
		x_asprintf("observing step '%s' (%s)", step->id, step->uses);
	struct err ignored = { 0 };

	if (scope_params(run, step, &params, &unknown, &ignored) < 0)
		return -1;
	json_array_append_new(modules,
			      module_request(step->module_path, step->module_sha256,
					     params, unknown));
	struct inquiry inquiry = { .engine = run->engine,
				   .call = "observe",
				   .what = what,
				   .modules = modules,
				   .run = run->claim.run,
				   .step = step->id,
				   .attempt = 1,
				   .workspace = run->plan->workspace,
				   .flags = step->flags,
				   .facts = facts,
				   .proposal = proposal,
				   .secrets = run->secrets,
				   .timeout_ms = OBSERVE_TIMEOUT_MS,
				   .lock_fd = run->lock_fd,
				   .cancel_fd = -1 };
	return inquiry_ask(&inquiry, ret, &ignored);
}

/* The numbers of those that observe() finds to be as before, in ret_rows. */
static void
find_untouched(struct run *run, const struct plan_step *step, const json_t *standing,
	       json_t *ret_rows)
{
	AUTO(json_ref) json_t *rows = json_array();
	AUTO(json_ref) json_t *effects = own_effects(step, standing, rows);
	AUTO(reply) struct reply reply = { 0 };
	const json_t *event;
	size_t i;

	if (!(step->callbacks & CALLBACK_OBSERVE) || json_array_size(effects) == 0 ||
	    ask(run, step, effects, &reply) < 0 || reply.result != REPLY_OK)
		return;
	json_array_foreach (reply.observed, i, event) {
		size_t n = (size_t)json_int_or(event, "effect", -1);

		if (str_eq(json_text(event, "state"), "before") &&
		    n < json_array_size(rows))
			json_array_append(ret_rows, json_array_get(rows, n));
	}
}

int
observe_drop_untouched(struct run *run, const struct plan_step *step, struct err *err)
{
	AUTO(json_ref) json_t *rows = json_array();

	if (run_flush(run, err) < 0)
		return -1;
	AUTO(json_ref)
	json_t *standing = store_standing(run->engine->store, run->claim.run, err);
	if (!standing)
		return -1;
	find_untouched(run, step, standing, rows);
	if (json_array_size(rows) == 0)
		return 0;
	return run_append(run, "effect.undone", json_pack("{s:O}", "effects", rows),
			  err);
}
