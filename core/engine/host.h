/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One question to a module: starts fettle-host, feeds it the request, hands
 * its events and log to the caller, keeps the time, and returns only when the
 * host is reaped and no process of its tree is left. Knows nothing of runs.
 */
#ifndef FETTLE_ENGINE_HOST_H
#define FETTLE_ENGINE_HOST_H

#include "base/err.h"
#include "base/json.h"
#include "engine/engine.h"

struct nursery;
struct host_ahead;

struct host_call {
	struct nursery *nursery; /* where hosts come from; borrowed */
	const char *state_dir;	/* where the scratch directory goes */
	const char *call;	/* "describe", "check", ... */
	const char *attempt;	/* `RUN/STEP/N`: FETTLE_ATTEMPT of every process */
	json_t *request;	/* wire/request.h, less what host.c adds; borrowed */
	const json_t *secrets;	/* object of strings, or NULL; borrowed */
	int lock_fd;		/* the run's lock, or -1 */
	int cancel_fd;		/* readable: end the call; -1 none */
	struct host_ahead *ahead; /* of host_begin, which this ends; or NULL */
	uint64_t timeout_ms, idle_ms;	/* idle 0: none */
	/*
	 * Any may be NULL. event returns -1 to end the call (err says why), tick
	 * false: it was cancelled.
	 */
	int (*event)(void *self, const json_t *event, int scratch_fd, struct err *err);
	void (*log)(void *self, const char *bytes, size_t n);
	bool (*tick)(void *self);
	void (*idle)(void *self); /* once, while the module begins to work */
	void *self;
};

enum host_end {
	HOST_ANSWERED,		/* result holds the result event */
	HOST_CRASHED,		/* ended without a result */
	HOST_TIMED_OUT,
	HOST_IDLE,		/* silent for longer than idle_ms */
	HOST_CANCELLED,
	HOST_REFUSED,		/* an event was not acceptable; err says why */
};

struct host_answer {
	enum host_end end;
	json_t *result;		/* owned; NULL unless HOST_ANSWERED */
	int status;		/* as waitpid gives it */
	struct err err;		/* for HOST_REFUSED */
};
void host_answer_done(struct host_answer *answer);

#define HOST_GRACE_MS 10000	/* between SIGTERM and SIGKILL */

/*
 * Starts a host that loads no module before host_ask() is called with it, so that
 * it gets ready while the caller does what must be done before. NULL when that
 * did not work: host_ask() starts one itself then, and says why not.
 */
struct host_ahead *host_begin(const struct host_call *call);
void host_forget(struct host_ahead *ahead); /* NULL is nothing */

/* 0 and *ret when a host was started, else -1. */
int host_ask(const struct host_call *call, struct host_answer *ret, struct err *err);

/*
 * Before the first question: makes the process a subreaper, so that orphans come
 * to us, and gives the engine its nursery.
 */
void host_prepare(struct engine *engine);

#endif
