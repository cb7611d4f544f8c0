/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * People's answers to a run that waits for them: who they are, whether they may
 * say it, and whether they saw what it is about.
 */
#include "base/base.h"

#include "engine/engine.h"

#include "engine/hold.h"
#include "engine/proposal.h"
#include "engine/quorum.h"

/* ---- what it is about ---- */

static void
add_counts(json_t *hold, const struct site *site)
{
	AUTO(str) struct str missing = STR_INIT;
	json_t *need;
	size_t i;

	json_array_foreach (json_object_get(hold, "needs"), i, need)
		json_object_set_new(need, "approved", quorum_count(hold, need, site));
	quorum_add_missing(hold, site, &missing);
	json_object_set_new(hold, "missing", json_string(str_get(&missing)));
}

static int
add_proposal(struct engine *engine, const char *run, json_t *hold, struct err *err)
{
	AUTO(str) struct str diff = STR_INIT;
	AUTO(json_ref)
	json_t *row = store_proposal(engine->store, run, json_text(hold, "step"), err);
	const json_t *proposal = json_object_get(row, "proposal");

	if (!row || edits_diff(engine->store, json_object_get(proposal, "edits"), &diff,
			       err) < 0)
		return -1;
	json_object_set(hold, "proposal", json_object_get(row, "proposal"));
	json_object_set_new(hold, "diff", json_string_lossy(str_get(&diff), diff.len));
	return 0;
}

static int
refuse_state(struct engine *engine, const char *run, struct err *err)
{
	AUTO(json_ref) json_t *row = store_run(engine->store, run, err);

	if (!row)
		return -1;
	err_set(err, "approval_not_applicable",
		"run %s is %s: it does not wait for anybody", run,
		json_text(row, "state"));
	return err_remedy(err, "`fettle show %s` tells about it", run);
}

static bool
is_present(const json_t *row, const json_t *hold)
{
	return str_eq(json_text(row, "state"), "awaiting_approval") &&
	       str_eq(json_text(hold, "state"), "open");
}

int
engine_hold(struct engine *engine, const char *run, json_t **ret, struct err *err)
{
	AUTO(json_ref) json_t *row = store_run(engine->store, run, err);
	AUTO(json_ref) json_t *hold = row ? hold_find(engine->store, run, err) : NULL;
	AUTO(site) struct site *site = hold ? hold_site(engine, err) : NULL;

	if (!site)
		return -1;
	if (!json_is_object(hold))
		return refuse_state(engine, run, err);
	add_counts(hold, site);
	json_object_set_new(hold, "present", json_boolean(is_present(row, hold)));
	if (add_proposal(engine, run, hold, err) < 0)
		return -1;
	*ret = STEAL(hold);
	return 0;
}

/* ---- who says so ---- */

static int
find_person(const struct engine *engine, const struct site *site,
	    const struct engine_answer *answer, const struct principal **ret,
	    struct err *err)
{
	const char *who = answer->account ? answer->account : answer->principal;
	const struct principal *person = answer->account ?
						 site_user(site, answer->account) :
						 site_principal(site, who);

	if (!person || person->is_disabled) {
		err_set(err, "approver_unknown", "'%s' is %s here", who,
			person ? "disabled" : "nobody who may agree");
		return err_remedy(err, "the site file %s%snames people under "
				       "`principals:`",
				  engine->site_file ? engine->site_file : "",
				  engine->site_file ? " " : "");
	}
	if (person->class != PRINCIPAL_HUMAN) {
		err_set(err, "approver_class", "'%s' is of class %s: only a human may "
			"agree to anything", person->name,
			principal_class_name(person->class));
		return err_remedy(err, "let somebody look at it");
	}
	*ret = person;
	return 0;
}

static json_t *
roles_of(const struct principal *person)
{
	json_t *roles = json_array();

	for (size_t i = 0; i < person->roles.count; i++)
		json_array_append_new(roles, json_string(person->roles.v[i]));
	return roles;
}

/* The hold as it would be with one more approval. */
static json_t *
with_approval(const json_t *hold, const struct principal *person)
{
	json_t *more = json_deep_copy(hold);

	json_array_append_new(json_object_get(more, "approvals"),
			      json_pack("{s:s, s:o}", "by", person->name, "roles",
					roles_of(person)));
	return more;
}

/* How many needs the approvals of this hold help to satisfy. */
static size_t
counted(const json_t *hold, const struct site *site, const char *by)
{
	const json_t *need, *name;
	size_t i, k, count = 0;

	json_array_foreach (json_object_get(hold, "needs"), i, need) {
		AUTO(json_ref) json_t *names = quorum_count(hold, need, site);

		json_array_foreach (names, k, name)
			count += str_eq(json_string_value(name), by);
	}
	return count;
}

static int
check_counts(const json_t *hold, const struct site *site,
	     const struct principal *person, struct err *err)
{
	AUTO(json_ref) json_t *more = with_approval(hold, person);
	AUTO(str) struct str missing = STR_INIT;
	AUTO(json_ref) json_t *nobody_asked = NULL;

	if (counted(more, site, person->name) > 0)
		return 0;
	nobody_asked = json_deep_copy(more);
	json_object_set_new(nobody_asked, "requesters", json_array());
	quorum_add_missing(hold, site, &missing);
	if (counted(nobody_asked, site, person->name) > 0)
		err_set(err, "self_approval",
			"'%s' asked for this run: somebody else has to agree to it",
			person->name);
	else
		err_set(err, "approver_role", "'%s' has none of the roles that count",
			person->name);
	return err_remedy(err, "needed: %s", str_get(&missing));
}

/* ---- what they saw ---- */

static int
check_digest(const struct engine_answer *answer, const json_t *hold, struct err *err)
{
	const char *digest = json_text(hold, "digest");

	if (!answer->digest || !*answer->digest) {
		err_set(err, "approval.digest_required",
			"what is agreed to has to be named by its digest");
		return err_remedy(err, "look at it with `fettle approve %s` on a "
				       "terminal, or give `--digest %s`",
				  answer->run, digest);
	}
	if (str_eq(answer->digest, digest))
		return 0;
	err_set(err, "approval_invalid",
		"what was agreed to is not, or not any more, what run %s waits for: "
		"that has the digest %s",
		answer->run, digest);
	return err_remedy(err, "look at it again with `fettle approve %s`",
			  answer->run);
}

static json_t *
answer_body(const json_t *hold, const char *by)
{
	return json_pack("{s:O, s:O, s:O, s:s}", "step", json_object_get(hold, "step"),
			 "attempt", json_object_get(hold, "attempt"), "digest",
			 json_object_get(hold, "digest"), "by", by);
}

static bool
has_approved(const json_t *hold, const char *by)
{
	return json_find(json_object_get(hold, "approvals"), "by", by) != NULL;
}

/* One look at the store and one event: a transaction of the caller's. */
struct hearing {
	struct engine *engine;
	const struct engine_answer *answer;
	const struct site *site;
	const struct principal *person;
	json_t *row, *hold;
};

static void
hearing_done(struct hearing *h)
{
	json_decref(h->row);
	json_decref(h->hold);
}

static int
look(struct hearing *h, struct err *err)
{
	struct store *store = h->engine->store;
	const char *run = h->answer->run;

	if (!(h->row = store_run(store, run, err)) ||
	    !(h->hold = hold_find(store, run, err)))
		return -1;
	if (!is_present(h->row, h->hold))
		return refuse_state(h->engine, run, err);
	if (hold_is_late(store, run, h->hold)) {
		err_set(err, "approval_expired", "the time to agree to run %s is over",
			run);
		const char *other = json_text(h->row, "rolls_back");
		return err_remedy(err, "`fettle %s %s` asks again once it has ended",
				  *other ? "rollback" : "retry", *other ? other : run);
	}
	return check_digest(h->answer, h->hold, err);
}

static int
approve(struct hearing *h, bool *ret_is_full, struct err *err)
{
	const char *by = h->person->name;

	if (look(h, err) < 0)
		return -1;
	if (has_approved(h->hold, by)) {
		*ret_is_full = quorum_is_full(h->hold, h->site);
		return 0;
	}
	if (check_counts(h->hold, h->site, h->person, err) < 0)
		return -1;
	AUTO(json_ref) json_t *more = with_approval(h->hold, h->person);
	AUTO(json_ref) json_t *body = answer_body(h->hold, by);
	*ret_is_full = quorum_is_full(more, h->site);
	json_object_set_new(body, "roles", roles_of(h->person));
	json_object_set_new(body, "full", json_boolean(*ret_is_full));
	if (h->answer->text)
		json_object_set_new(body, "comment", json_string(h->answer->text));
	return store_answer(h->engine->store, h->answer->run, h->engine->actor,
			    "hold.approved", body, err);
}

static int
reject(struct hearing *h, bool *ret_is_full, struct err *err)
{
	AUTO(json_ref) json_t *body = NULL;

	*ret_is_full = true;
	if (look(h, err) < 0 ||
	    (!has_approved(h->hold, h->person->name) &&
	     check_counts(h->hold, h->site, h->person, err) < 0 &&
	     !str_eq(err->code, "self_approval")))
		return -1;
	body = answer_body(h->hold, h->person->name);
	json_object_set_new(body, "reason",
			    json_string(h->answer->text ? h->answer->text : ""));
	return store_answer(h->engine->store, h->answer->run, h->engine->actor,
			    "hold.rejected", body, err);
}

static int
hear(struct engine *engine, const struct engine_answer *answer,
     int (*say)(struct hearing *h, bool *ret_is_full, struct err *err),
     bool *ret_is_full, struct err *err)
{
	AUTO(site) struct site *site = hold_site(engine, err);
	__attribute__((cleanup(hearing_done))) struct hearing h = {
		.engine = engine, .answer = answer, .site = site
	};

	if (!site || find_person(engine, site, answer, &h.person, err) < 0 ||
	    store_begin(engine->store, err) < 0)
		return -1;
	if (say(&h, ret_is_full, err) < 0) {
		store_rollback(engine->store);
		return -1;
	}
	return store_commit(engine->store, err);
}

int
engine_approve(struct engine *engine, const struct engine_answer *answer,
	       bool *ret_is_full, struct err *err)
{
	return hear(engine, answer, approve, ret_is_full, err);
}

int
engine_reject(struct engine *engine, const struct engine_answer *answer,
	      struct err *err)
{
	bool ignored;

	return hear(engine, answer, reject, &ignored, err);
}
