/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Holds. See hold.h. */
#include "base/base.h"

#include "engine/hold.h"

#include "base/clock.h"
#include "base/num.h"
#include "base/sha256.h"
#include "engine/continue.h"
#include "engine/digest.h"
#include "engine/edit.h"
#include "engine/quorum.h"

#define VALID_MS (24 * 60 * 60 * 1000)

/* What a hold is made of. */
#define HOLD_KINDS \
	"|hold.opened|hold.approved|hold.rejected|hold.expired|hold.voided|" \
	"hold.consumed|run.ended|"

/* ---- from the events ---- */

/* Who is asked once more is told why. */
static json_t *
opened(const json_t *event, const json_t *before)
{
	json_t *hold = json_deep_copy(json_object_get(event, "body"));

	json_object_set(hold, "opened_ms", json_object_get(event, "time_ms"));
	json_object_set(hold, "opened_seq", json_object_get(event, "seq"));
	json_object_set_new(hold, "state", json_string("open"));
	json_object_set_new(hold, "approvals", json_array());
	if (str_eq(json_text(before, "state"), "voided"))
		json_object_set_new(
			hold, "again",
			json_pack("{s:O*, s:O*}", "why", json_object_get(before, "why"),
				  "changed", json_object_get(before, "changed")));
	return hold;
}

static void
add_approval(json_t *hold, const json_t *event)
{
	json_t *approval = json_copy(json_object_get(event, "body"));

	json_object_set(approval, "time_ms", json_object_get(event, "time_ms"));
	json_array_append_new(json_object_get(hold, "approvals"), approval);
}

static void
end(json_t *hold, const char *state, const json_t *body)
{
	json_object_set_new(hold, "state", json_string(state));
	json_object_set(hold, "by", json_object_get(body, "by"));
	json_object_set(hold, "reason", json_object_get(body, "reason"));
	json_object_set(hold, "why", json_object_get(body, "why"));
	json_object_set(hold, "changed", json_object_get(body, "changed"));
}

json_t *
hold_find(struct store *store, const char *run, struct err *err)
{
	AUTO(json_ref)
	json_t *events = store_events_of(store, run, HOLD_KINDS, 0, UINT32_MAX, err);
	json_t *hold = json_null();
	const json_t *event;
	size_t i;

	if (!events)
		return NULL;
	json_array_foreach (events, i, event) {
		const char *kind = json_text(event, "kind");
		const json_t *body = json_object_get(event, "body");

		if (str_eq(kind, "hold.opened")) {
			json_t *before = hold;

			hold = opened(event, before);
			json_decref(before);
		} else if (!str_eq(json_text(hold, "state"), "open")) {
			continue;
		} else if (str_eq(kind, "hold.approved")) {
			add_approval(hold, event);
		} else if (str_eq(kind, "run.ended")) {
			end(hold, "over", body);
		} else if (str_starts(kind, "hold.")) {
			end(hold, kind + strlen("hold."), body);
		}
	}
	return hold;
}

bool
hold_is_late(struct store *store, const char *run, const json_t *hold)
{
	return store_latest(store, run, json_int_or(hold, "opened_seq", 0)) >=
	       json_int_or(hold, "expires_ms", 0);
}

struct site *
hold_site(const struct engine *engine, struct err *err)
{
	if (!engine->site_file)
		return x_calloc(1, sizeof(struct site));
	return site_load(engine->site_file, err);
}

bool
hold_is_of(const struct run *run, const struct plan_step *step)
{
	return run->hold && str_eq(json_text(run->hold, "step"), step->id);
}

/* ---- its life ---- */

/* Whose run it is, of an actor as events name it. Borrowed from either. */
static const char *
person_of(const struct site *site, const char *actor)
{
	const char *account = str_starts(actor, "operator:") ?
				      actor + strlen("operator:") :
				      actor;
	const struct principal *person = site_user(site, account);

	if (!person)
		person = site_principal(site, account);
	return person ? person->name : account;
}

/* Who asked for the run, and who for trying it again. */
static json_t *
requesters(const struct run *run, struct err *err)
{
	struct store *store = run->engine->store;
	const char *id = run->claim.run;
	AUTO(site) struct site *site = hold_site(run->engine, err);
	AUTO(json_ref) json_t *row = store_run(store, id, err);
	AUTO(json_ref)
	json_t *retried = store_last_event(store, id, "run.retried", err);

	if (!site || !row || !retried)
		return NULL;
	const char *by = json_text(json_object_get(retried, "body"), "by");
	json_t *names = json_array();
	json_array_append_new(
		names, json_string(person_of(site, json_text(row, "requested_by"))));
	if (*by)
		json_array_append_new(names, json_string(person_of(site, by)));
	return names;
}

static int64_t
expiry(struct store *store, const json_t *needs)
{
	int64_t valid = INT64_MAX;
	const json_t *need;
	size_t i;

	json_array_foreach (needs, i, need) {
		int64_t own = json_int_or(need, "valid_ms", 0);

		if (own <= 0)
			own = VALID_MS;
		if (own < valid)
			valid = own;
	}
	int64_t now = store_now(store);
	return valid < INT64_MAX - now ? now + valid : INT64_MAX;
}

int
hold_open(struct run *run, const struct plan_step *step, int attempt,
	  const struct gate *gate, const struct held *held, struct err *err)
{
	char digest[SHA256_HEX_SIZE];
	AUTO(json_ref) json_t *who = requesters(run, err);
	int64_t expires = expiry(run->engine->store, gate->needs);

	json_sha256(held->basis, digest);
	if (!who ||
	    run_append(run, "hold.opened",
		       json_pack("{s:s, s:i, s:s, s:O, s:O, s:O, s:I}", "step",
				 step->id, "attempt", attempt, "digest", digest,
				 "basis", held->basis, "needs", gate->needs,
				 "requesters", who, "expires_ms", (json_int_t)expires),
		       err) < 0 ||
	    run_append(run, "run.state",
		       json_pack("{s:s, s:s, s:s, s:s, s:I}", "state",
				 "awaiting_approval", "step", step->id, "code",
				 "approval_needed", "message", gate->err.text, "due_ms",
				 (json_int_t)expires),
		       err) < 0)
		return -1;
	return continue_unlock(run, err);
}

static json_t *
reference(const json_t *hold)
{
	return json_pack("{s:O, s:O, s:O}", "step", json_object_get(hold, "step"),
			 "attempt", json_object_get(hold, "attempt"), "digest",
			 json_object_get(hold, "digest"));
}

static int
void_hold(struct run *run, const char *why, json_t *changed, struct err *err)
{
	AUTO(json_ref) json_t *now = hold_find(run->engine->store, run->claim.run, err);

	if (!now)
		return -1;
	if (!str_eq(json_text(now, "state"), "open"))
		return 0; /* somebody said no meanwhile: it is over already */
	json_t *body = reference(run->hold);
	json_object_set_new(body, "why", json_string(why));
	json_object_set(body, "changed", changed);
	return run_append(run, "hold.voided", body, err);
}

static int
consume(struct run *run, struct err *err)
{
	json_t *body = reference(run->hold), *names = json_array();
	const json_t *approval;
	size_t i;

	json_array_foreach (json_object_get(run->hold, "approvals"), i, approval)
		json_array_append(names, json_object_get(approval, "by"));
	json_object_set_new(body, "by", names);
	return run_append(run, "hold.consumed", body, err);
}

/*
 * Full and in time, by the events and their whole chain: somebody may have
 * written into the tables behind our back.
 */
static int
is_satisfied(const struct run *run, bool *ret, struct err *err)
{
	struct store *store = run->engine->store;

	if (store_verify(store, run->claim.run, err) < 0)
		return -1;
	AUTO(json_ref) json_t *hold = hold_find(store, run->claim.run, err);
	AUTO(site) struct site *site = hold_site(run->engine, err);
	if (!hold || !site)
		return -1;
	*ret = str_eq(json_text(hold, "state"), "open") &&
	       !hold_is_late(store, run->claim.run, hold) && quorum_is_full(hold, site);
	return 0;
}

/* ---- in an attempt ---- */

/* Nothing was left out of what is stored, and there is something to carry out. */
static bool
is_whole(const struct run *run, const json_t *row)
{
	static const char *const lists[] = { "edits", "effects", "commands" };
	const json_t *proposal = json_object_get(row, "proposal");
	char sha256[SHA256_HEX_SIZE];
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		count += json_array_size(json_object_get(proposal, lists[i]));
	json_sha256(proposal, sha256);
	return count > 0 && str_eq(sha256, json_text(row, "sha256"));
}

/*
 * What was agreed to rests on, and is not as it was, as far as can be told without
 * proposing. `edits` are those that were agreed to.
 */
static json_t *
changed_since(struct run *run, const struct plan_step *step, const json_t *edits,
	      struct err *err)
{
	AUTO(json_ref)
	json_t *was = digest_without_proposal(json_object_get(run->hold, "basis"));
	AUTO(json_ref) json_t *is = digest_world(run, step, edits, err);

	return is ? digest_changes(was, is) : NULL;
}

json_t *
hold_proposal(struct run *run, const struct plan_step *step, struct err *err)
{
	AUTO(json_ref) json_t *row = NULL;
	json_t *proposal;
	struct err stale = { 0 };

	if (!hold_is_of(run, step))
		return NULL;
	row = store_proposal(run->engine->store, run->claim.run, step->id, err);
	proposal = json_object_get(row, "proposal");
	if (!row)
		return NULL;
	AUTO(json_ref)
	json_t *changed = changed_since(run, step, json_object_get(proposal, "edits"),
					err);
	if (!changed || json_array_size(changed) > 0 || !is_whole(run, row) ||
	    edits_check(run, json_object_get(proposal, "edits"), &stale) < 0)
		return NULL;
	return json_incref(proposal);
}

/* Waiting for people who are not there would be worse than a no. */
static int
refuse_hopeless(const struct run *run, struct gate *gate, struct err *err)
{
	AUTO(site) struct site *site = hold_site(run->engine, err);
	AUTO(json_ref) json_t *who = site ? requesters(run, err) : NULL;
	const json_t *need;
	size_t i;

	if (!who)
		return -1;
	json_array_foreach (gate->needs, i, need) {
		int64_t quorum = json_int_or(need, "quorum", 1);
		int64_t there = quorum_possible(site, need, who);

		if (there >= quorum)
			continue;
		AUTO_FREE char *reasons = x_strdup(gate->err.text);
		gate->verdict = GATE_DENY;
		err_set(&gate->err, "approval_unavailable",
			"%s; of the %lld who must agree %lld are known here", reasons,
			(long long)quorum, (long long)there);
		err_remedy(&gate->err,
			   "write them into the site file, see fettle-site(5), and "
			   "start a new run");
		return 0;
	}
	return 0;
}

void
held_done(struct held *held)
{
	json_decref(held->basis);
	json_decref(held->changed);
	free(held->void_why);
	*held = (struct held){ .state = HELD_NOT };
}

static void
set_void(struct held *held, const char *why)
{
	free(held->void_why);
	held->void_why = x_strdup(why);
}

/* The same basis, hash for hash? Else the hold is void, for what has changed. */
static bool
is_the_same(const struct run *run, struct held *held)
{
	const json_t *was = json_object_get(run->hold, "basis");
	AUTO(str) struct str why = STR_INIT;
	char digest[SHA256_HEX_SIZE];

	json_sha256(held->basis, digest);
	if (str_eq(digest, json_text(run->hold, "digest")))
		return true;
	held->changed = digest_changes(was, held->basis);
	str_add(&why, "what was agreed to has changed: ");
	digest_add_words(held->changed, &why);
	set_void(held, str_get(&why));
	return false;
}

/* Nobody is asked any more, or nobody can say yes. */
static void
judge_unheld(const struct gate *gate, struct held *held)
{
	AUTO_FREE char *no = x_asprintf("it is denied now: %s", gate->err.text);

	set_void(held, gate->verdict == GATE_ALLOW ? "no policy asks for it any more" :
						     no);
}

int
hold_judge(struct run *run, const struct plan_step *step, const json_t *proposal,
	   struct gate *gate, struct held *ret, struct err *err)
{
	bool is_mine = hold_is_of(run, step), is_good = false;

	if (run->mode == RUN_PREVIEW || (gate->verdict != GATE_HOLD && !is_mine))
		return 0;
	ret->basis = digest_basis(run, step, proposal, gate->needs, err);
	if (!ret->basis)
		return -1;
	bool is_same = is_mine && is_the_same(run, ret);
	if (gate->verdict == GATE_HOLD && !is_same &&
	    refuse_hopeless(run, gate, err) < 0)
		return -1;
	if (gate->verdict != GATE_HOLD) {
		if (is_mine)
			judge_unheld(gate, ret);
		return 0;
	}
	ret->state = HELD_OPEN;
	if (!is_same)
		return 0;
	if (is_satisfied(run, &is_good, err) < 0)
		return -1;
	if (!is_good) {
		set_void(ret, "an approval does not count any more");
		return 0;
	}
	ret->state = HELD_CONSUMED;
	return 0;
}

void
hold_explain_no(const json_t *hold, struct err *why)
{
	(void)err_set(why, "approval_rejected", "rejected by %s: %s",
		      json_text(hold, "by"), json_text(hold, "reason"));
}

int
hold_settle(struct run *run, const struct plan_step *step, struct gate *gate,
	    struct held *held, struct err *err)
{
	bool is_good = false;

	if (!hold_is_of(run, step))
		return 0;
	AUTO(json_ref) json_t *hold =
		hold_find(run->engine->store, run->claim.run, err);
	if (!hold)
		return -1;
	if (str_eq(json_text(hold, "state"), "rejected")) {
		held_done(held);
		gate->verdict = GATE_DENY;
		gate->err = (struct err){ 0 };
		hold_explain_no(hold, &gate->err);
	}
	if (held->state != HELD_CONSUMED)
		return 0;
	if (is_satisfied(run, &is_good, err) < 0)
		return -1;
	if (is_good) {
		gate->verdict = GATE_ALLOW;
		gate->err = (struct err){ 0 };
		return 0;
	}
	held->state = HELD_OPEN;
	set_void(held, "an approval does not count any more");
	return 0;
}

int
hold_record_failed(struct run *run, const struct plan_step *step,
		   const struct err *why, struct err *err)
{
	struct err ignored = { 0 };
	AUTO(held) struct held held = {
		.void_why = x_asprintf("the step failed before it was judged again: %s",
				       why->text),
	};

	if (!hold_is_of(run, step))
		return 0;
	AUTO(json_ref)
	json_t *row = store_proposal(run->engine->store, run->claim.run, step->id, err);
	if (!row)
		return -1;
	held.changed = changed_since(
		run, step,
		json_object_get(json_object_get(row, "proposal"), "edits"), &ignored);
	return hold_record_before(run, step, &held, err);
}

int
hold_record_before(struct run *run, const struct plan_step *step,
		   const struct held *held, struct err *err)
{
	bool is_mine = hold_is_of(run, step);
	int failed = 0;

	if (is_mine && held->void_why)
		failed = void_hold(run, held->void_why, held->changed, err);
	if (!failed && held->state != HELD_OPEN)
		failed = run_wake(run, step->id, err);
	if (!failed && held->state == HELD_CONSUMED)
		failed = consume(run, err);
	run->is_agreed |= held->state == HELD_CONSUMED;
	if (is_mine) {
		/* It is used once, also when the step is tried again. */
		json_decref(run->hold);
		run->hold = NULL;
	}
	return failed;
}
