/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asking the policies. See gate.h. */
#include "base/base.h"

#include "engine/gate.h"

#include <fettle/plugin.h>

#include "engine/cancel.h"
#include "engine/evidence.h"
#include "engine/inquiry.h"
#include "engine/module.h"
#include "engine/proposal.h"
#include "engine/protection.h"
#include "engine/revert.h"

#define JUDGE_TIMEOUT_MS 30000

const char *
gate_verdict_name(enum gate_verdict verdict)
{
	static const char *const names[] = {
		[GATE_ALLOW] = "allow", [GATE_HOLD] = "hold", [GATE_DENY] = "deny"
	};

	return names[verdict];
}

void
gate_done(struct gate *gate)
{
	json_decref(gate->answers);
	json_decref(gate->needs);
	*gate = (struct gate){ 0 };
}

static bool
is_concerned(const struct plan_policy *policy, const struct plan_step *step,
	     const json_t *proposal)
{
	bool has_edits = json_array_size(json_object_get(proposal, "edits")) > 0;

	/* A rollback does what the steps of all stages did. */
	return ((policy->stages & step->stage) || plan_is_revert(step)) &&
	       (has_edits || !(policy->flags & FETTLE_JUDGES_EDITS_ONLY));
}

/* Who has to agree, as it is stored with a hold. */
static json_t *
need_of(const json_t *event, const char *policy)
{
	const json_t *need = json_object_get(event, "need");

	return json_pack("{s:s, s:O, s:I, s:b, s:I, s:s}", "policy", policy, "roles",
			 json_object_get(need, "roles"), "quorum",
			 (json_int_t)json_int_or(need, "quorum", 1), "self_approval",
			 json_flag(need, "self_approval"), "valid_ms",
			 (json_int_t)json_int_or(need, "valid_ms", 0), "reason",
			 json_text(event, "reason"));
}

/* One policy's answer; what is not a clear answer is a denial. */
static void
add_answer(struct gate *gate, const char *policy, const json_t *event,
	   const char *why_not, bool *is_allowed)
{
	const char *verdict = event ? json_text(event, "verdict") : "error";
	const char *reason = event ? json_text(event, "reason") : why_not;
	enum gate_verdict strictness = GATE_DENY;

	if (str_eq(verdict, "abstain") || str_eq(verdict, "allow"))
		strictness = GATE_ALLOW;
	else if (str_eq(verdict, "hold"))
		strictness = GATE_HOLD;
	*is_allowed |= str_eq(verdict, "allow");
	json_array_append_new(gate->answers,
			      json_pack("{s:s, s:s, s:s, s:O*}", "policy", policy,
					"verdict", verdict, "reason", reason, "need",
					json_object_get(event, "need")));
	if (strictness == GATE_HOLD)
		json_array_append_new(gate->needs, need_of(event, policy));
	if (strictness == GATE_ALLOW)
		return;
	if (strictness > gate->verdict)
		gate->verdict = strictness;
	AUTO_FREE char *earlier = x_strdup(gate->err.text);
	err_set(&gate->err, "policy_denied", "%s%spolicy '%s' says %s: %s", earlier,
		*earlier ? "; " : "", policy, str_eq(verdict, "hold") ? "wait" : "no",
		reason);
}

static const json_t *
find_verdict(const struct reply *reply, size_t module)
{
	const json_t *event;
	size_t i;

	json_array_foreach (reply->verdicts, i, event)
		if (json_int_or(event, "module", -1) == (int64_t)module)
			return event;
	return NULL;
}

static bool
hear_tick(void *self)
{
	struct run *run = self;

	if (run->engine->watch.tick)
		run->engine->watch.tick(run->engine->watch.self);
	return !cancel_is_asked(run, 0);
}

static int
ask_policies(struct run *run, const struct plan_step *step, const json_t *facts,
	     json_t *modules, struct reply *ret, struct err *err)
{
	AUTO_FREE char *what = x_asprintf("policies before step '%s'", step->id);
	struct inquiry inquiry = { .engine = run->engine,
				   .call = "judge",
				   .what = what,
				   .modules = modules,
				   .run = run->claim.run,
				   .step = step->id,
				   .attempt = 1,
				   .facts = facts,
				   .timeout_ms = JUDGE_TIMEOUT_MS,
				   .lock_fd = run->lock_fd,
				   .cancel_fd = cancel_fd(run),
				   .tick = hear_tick,
				   .self = run };

	if (run_flush(run, err) < 0 || inquiry_ask(&inquiry, ret, err) < 0)
		return -1;
	if (ret->result != REPLY_CANCELLED)
		return 0;
	*err = ret->err;
	cancel_explain(run, err);
	return -1;
}

/* What the engine itself says no to. */
static void
refuse(struct gate *gate, const char *policy, const char *code, const char *reason)
{
	json_array_append_new(gate->answers,
			      json_pack("{s:s, s:s, s:s}", "policy", policy, "verdict",
					"deny", "reason", reason));
	gate->verdict = GATE_DENY;
	gate->err = (struct err){ 0 };
	err_set(&gate->err, code, "%s", reason);
}

/*
 * Nobody could review, and everybody could read, what hides a secret. Edits whose
 * bytes are lost or damaged hide everything.
 */
static void
judge_secrets(const struct run *run, const json_t *proposal, struct gate *gate)
{
	const json_t *edits = json_object_get(proposal, "edits");
	AUTO(str) struct str diff = STR_INIT, masked = STR_INIT;
	struct err why = { 0 };

	if (json_array_size(edits) == 0)
		return;
	if (edits_diff(run->engine->store, edits, &diff, &why) < 0) {
		err_context(&why, "the edits cannot be read");
		refuse(gate, "edits", "edits_unreadable", why.text);
		err_remedy(&gate->err, "`fettle retry %s` proposes them once more",
			   run->claim.run);
		return;
	}
	mask_bytes(run->mask, str_get(&diff), diff.len, &masked);
	if (masked.len == diff.len && memcmp(masked.s, diff.s, diff.len) == 0)
		return;
	refuse(gate, "secrets", "secret_in_diff",
	       "the edits contain the value of a secret");
	err_remedy(&gate->err, "let the file refer to the secret, by a variable of the "
			       "environment or a file, instead of holding it");
}

static void
require_explicit_allow(struct run *run, const struct plan_step *step,
		       const json_t *proposal, struct gate *gate, bool is_allowed)
{
	/* People who agree say yes explicitly, and to the plan behind the step. */
	if (is_allowed || run->is_agreed || gate->verdict != GATE_ALLOW)
		return;
	AUTO_FREE char *service = protection_find(run, step, proposal);
	if (!service)
		return;
	gate->verdict = GATE_DENY;
	err_set(&gate->err, "protected_service",
		"service '%s' is protected and no policy allows what step '%s' "
		"could change",
		service, step->id);
	err_remedy(&gate->err,
		   "a protected service needs a policy that says yes, for example "
		   "an `approval` that waits before stage %s; or drop "
		   "`protected: true` in fettle.yaml",
		   stage_name(step->stage));
}

/* ---- asking ---- */

/* Policies to be asked together, and what they want to be shown. */
struct panel {
	struct strv names;
	json_t *modules;
	uint32_t flags;
};

static void
panel_done(struct panel *panel)
{
	strv_done(&panel->names);
	json_decref(panel->modules);
}

static void
panel_add(struct panel *panel, const struct plan_policy *policy)
{
	panel->flags |= policy->flags;
	strv_add(&panel->names, policy->uses);
	json_array_append_new(panel->modules, module_request(policy->module_path,
							     policy->module_sha256,
							     policy->with, NULL));
}

/* Whether it is asked about other policies' denials, and not about the step. */
static bool
is_override(const struct plan_policy *policy)
{
	return policy->flags & FETTLE_JUDGES_VERDICTS;
}

static struct panel
panel_make(const struct run *run, const struct plan_step *step, const json_t *proposal,
	   bool of_overrides)
{
	struct panel panel = { .modules = json_array() };

	for (size_t i = 0; i < run->plan->policy_count; i++) {
		const struct plan_policy *policy = &run->plan->policies[i];

		if (is_override(policy) == of_overrides &&
		    is_concerned(policy, step, proposal))
			panel_add(&panel, policy);
	}
	return panel;
}

/* Adds what each says to the gate. -1 when they could not even be asked. */
static int
hear(struct run *run, const struct plan_step *step, const struct panel *panel,
     const json_t *facts, struct gate *gate, bool *is_allowed, struct err *err)
{
	AUTO(reply) struct reply reply = { 0 };

	if (panel->names.count == 0)
		return 0;
	if (ask_policies(run, step, facts, panel->modules, &reply, err) < 0)
		return -1;
	for (size_t i = 0; i < panel->names.count; i++)
		add_answer(gate, panel->names.v[i],
			   reply.result == REPLY_OK ? find_verdict(&reply, i) : NULL,
			   reply.err.text[0] ? reply.err.text :
					       "the policy gave no answer",
			   is_allowed);
	return 0;
}

/*
 * Breaking the glass: a denial becomes a wait when a policy that may says so. Each
 * of those that do has its need added; all answers stay on the record.
 */
static int
hear_overrides(struct run *run, const struct plan_step *step, const json_t *proposal,
	       const json_t *facts, struct gate *gate, struct err *err)
{
	AUTO(panel) struct panel panel = panel_make(run, step, proposal, true);
	struct gate own = { .verdict = GATE_ALLOW,
			    .answers = json_array(),
			    .needs = json_array() };
	AUTO(json_ref) json_t *all = json_copy((json_t *)(uintptr_t)facts);
	bool is_allowed = false;

	json_object_set_new(all, "verdicts", json_deep_copy(gate->answers));
	int rc = hear(run, step, &panel, all, &own, &is_allowed, err);
	if (rc == 0)
		json_array_extend(gate->answers, own.answers);
	if (rc == 0 && own.verdict == GATE_HOLD) {
		json_array_extend(gate->needs, own.needs);
		gate->verdict = GATE_HOLD;
		AUTO_FREE char *denial = x_strdup(gate->err.text);
		err_set(&gate->err, "policy_denied", "%s; %s", denial, own.err.text);
	}
	gate_done(&own);
	return rc;
}

static int
hear_all(struct run *run, const struct plan_step *step, const json_t *facts,
	 const json_t *proposal, struct gate *gate, bool *is_allowed, struct err *err)
{
	AUTO(panel) struct panel panel = panel_make(run, step, proposal, false);
	AUTO(json_ref)
	json_t *shown = evidence_facts(run, step, facts, proposal, panel.flags, err);

	if (!shown || hear(run, step, &panel, shown, gate, is_allowed, err) < 0)
		return -1;
	if (gate->verdict != GATE_DENY)
		return 0;
	return hear_overrides(run, step, proposal, shown, gate, err);
}

int
gate_ask(struct run *run, const struct plan_step *step, const json_t *facts,
	 const json_t *proposal, struct gate *ret, struct err *err)
{
	struct gate gate = { .verdict = GATE_ALLOW,
			     .answers = json_array(),
			     .needs = json_array() };
	bool is_allowed = false;
	int covered = revert_covers(run, step, proposal, err);

	/* It was judged, and agreed to, as a part of the whole. */
	if (covered > 0) {
		*ret = gate;
		return 0;
	}
	if (covered < 0 ||
	    hear_all(run, step, facts, proposal, &gate, &is_allowed, err) < 0) {
		gate_done(&gate);
		return -1;
	}
	if (gate.verdict == GATE_HOLD && step->section != SECTION_STEPS) {
		/* What puts things back does not wait for anybody: it fails at once. */
		gate.verdict = GATE_DENY;
		snprintf(gate.err.code, sizeof gate.err.code, "approval_unavailable");
	}
	judge_secrets(run, proposal, &gate);
	if (gate.verdict == GATE_DENY && !gate.err.remedy[0])
		err_remedy(&gate.err,
			   "change the proposal or the policy's configuration; "
			   "no flag goes around a policy");
	require_explicit_allow(run, step, proposal, &gate, is_allowed);
	*ret = gate;
	return 0;
}
