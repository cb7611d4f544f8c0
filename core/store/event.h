/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an event is: its kinds and what their bodies must hold, when each may
 * happen, and how an event is hashed. Pure data, no database.
 */
#ifndef FETTLE_STORE_EVENT_H
#define FETTLE_STORE_EVENT_H

#include "base/err.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/str.h"

/* Where a run stands, as a set: what a kind of event allows. */
enum phase {
	PHASE_PENDING = 1 << 0,
	PHASE_RUNNING = 1 << 1,
	PHASE_AWAITING = 1 << 2,
	PHASE_UNWINDING = 1 << 3,
	PHASE_ENDED = 1 << 4,

	PHASE_ALIVE = PHASE_PENDING | PHASE_RUNNING | PHASE_AWAITING | PHASE_UNWINDING,
	PHASE_WORKING = PHASE_RUNNING | PHASE_UNWINDING,
	PHASE_ANY = PHASE_ALIVE | PHASE_ENDED,
};

struct event_kind {
	const char *name;
	unsigned phases;	/* enum phase: when it may happen */
	bool is_internal;	/* appended by the store alone */
	/* Members of the body: NAME text, NAME# integer, NAME{} object, NAME[] array,
	   NAME* any; `?` behind: may be missing or null. */
	const char *members;
};

const struct event_kind *event_find(const char *name);	/* may be NULL */
/* Refuses a body that lacks a member or has one of another type: `store.body`. */
int event_check_body(const struct event_kind *kind, const json_t *body,
		     struct err *err);

enum phase event_phase(const char *state);	/* 0 for a word that is no state */
/*
 * May a run go from one state to another? is_reclaimed: the writer claimed the
 * run after it had ended, which is how an operator's rollback or retry begins.
 */
bool event_can_move(const char *from, const char *to, bool is_reclaimed);

/* An event as it is stored. Strings borrowed. */
struct event {
	const char *run;
	int64_t seq, time_ms;
	const char *kind, *actor;
	const char *body;	/* canonical JSON text */
	const char *prev; /* hash of the event before, EVENT_NO_PREV for the first */
};
#define SITE "site" /* stands in `run` of events that belong to none */
#define EVENT_NO_PREV "0000000000000000000000000000000000000000000000000000000000000000"

/* Adds the canonical JSON of {actor, body, kind, prev, run, seq, time_ms}. */
void event_text(const struct event *event, struct str *out);
/* SHA-256 of that text. */
void event_hash(const struct event *event, char ret_hex[SHA256_HEX_SIZE]);

#endif
