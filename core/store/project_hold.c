/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Holds and the approvals of people. See project.h. */
#include "base/base.h"

#include "store/project.h"

static int
opened(struct store *store, const struct event *event, const json_t *body,
       struct err *err)
{
	return db_run(
		store, err,
		"INSERT INTO holds (run, opened_seq, step, attempt, digest, needs,"
		" requesters, expires_ms, state)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'open')",
		"tititjji", event->run, event->seq, project_text(body, "step"),
		json_int_or(body, "attempt", 0), project_text(body, "digest"),
		project_member(body, "needs"), project_member(body, "requesters"),
		json_int_or(body, "expires_ms", 0));
}

/* Somebody has to look at the run now: what it waited for came. */
static int
wake(struct store *store, const struct event *event, struct err *err)
{
	return db_run(store, err,
		      "UPDATE runs SET due_ms = min(due_ms, ?) WHERE run = ?", "it",
		      event->time_ms, event->run);
}

static int
approved(struct store *store, const struct event *event, const json_t *body,
	 struct err *err)
{
	if (db_run(store, err,
		   "INSERT INTO approvals (run, opened_seq, principal, roles, time_ms)"
		   " SELECT run, opened_seq, ?1, ?2, ?3 FROM holds"
		   " WHERE run = ?4 AND state = 'open'",
		   "tjit", project_text(body, "by"), project_member(body, "roles"),
		   event->time_ms, event->run) < 0)
		return -1;
	return json_flag(body, "full") ? wake(store, event, err) : 0;
}

static int
set_state(struct store *store, const struct event *event, const char *state,
	  struct err *err)
{
	return db_run(store, err,
		      "UPDATE holds SET state = ? WHERE run = ? AND state = 'open'",
		      "tt", state, event->run);
}

static int
rejected(struct store *store, const struct event *event, const json_t *body,
	 struct err *err)
{
	if (set_state(store, event, "rejected", err) < 0)
		return -1;
	return wake(store, event, err);
}

static int
expired(struct store *store, const struct event *event, const json_t *body,
	struct err *err)
{
	return set_state(store, event, "expired", err);
}

static int
voided(struct store *store, const struct event *event, const json_t *body,
       struct err *err)
{
	return set_state(store, event, "voided", err);
}

static int
consumed(struct store *store, const struct event *event, const json_t *body,
	 struct err *err)
{
	return set_state(store, event, "consumed", err);
}

const struct projection hold_projections[] = {
	{ "hold.opened", opened },     { "hold.approved", approved },
	{ "hold.rejected", rejected }, { "hold.expired", expired },
	{ "hold.voided", voided },     { "hold.consumed", consumed },
};
const size_t hold_projection_count = ARRAY_LEN(hold_projections);
