/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A callback asked and its answer understood: collects what a module says on
 * the event channel and reduces every way a call can end to one reply. Knows
 * neither store nor workspace.
 */
#ifndef FETTLE_ENGINE_INQUIRY_H
#define FETTLE_ENGINE_INQUIRY_H

#include "engine/engine.h"

struct inquiry {
	struct engine *engine;
	const char *call;	/* "check", "propose", "run", "observe", "judge" */
	const char *what;	/* for messages: `step 'build' (build/compose)` */
	json_t *modules;	/* array of module_request(); borrowed */
	const char *run, *step;
	int attempt;
	const char *workspace;	/* NULL: none */
	uint32_t flags;		/* enum fettle_step_flag */
	const json_t *facts, *env, *proposal, *secrets; /* borrowed; may be NULL */
	uint64_t timeout_ms, idle_ms;
	uint64_t each_ms;	/* of several checks, the time that one may take */
	int lock_fd, cancel_fd;
	/* As they come; any may be NULL. */
	void (*note)(void *self, const json_t *event); /* note, finding, progress */
	void (*artifact)(void *self, const json_t *event, int scratch_fd);
	void (*log)(void *self, const char *bytes, size_t n);
	bool (*tick)(void *self); /* false: cancelled */
	void (*idle)(void *self); /* once, while the module begins to work */
	void *self;
	struct host_ahead *ahead; /* of inquiry_begin; or NULL */
};

enum reply_result { REPLY_OK, REPLY_NOOP, REPLY_FAIL, REPLY_ERROR, REPLY_CANCELLED };
const char *reply_result_name(enum reply_result result);

struct reply {
	enum reply_result result;
	char why[16];		/* for REPLY_ERROR: input, host, transient, bug */
	struct err err;		/* for FAIL and ERROR */
	json_t *outputs;	/* object; owned, as the rest */
	json_t *edits, *effects, *commands;	/* arrays of events, as are these */
	json_t *observed, *verdicts, *checked;
	bool is_answered;	/* the module itself spoke: outputs may be used */
};
void reply_done(struct reply *reply);

/* What one of several checks said: a `checked` event. `what` as in the inquiry. */
void reply_of_check(const json_t *checked, const char *what, struct reply *ret);

/*
 * Gets a host ready for an inquiry that will be asked soon, and hands it over as
 * `ahead` of the same. No code of the module runs before. NULL: it did not work,
 * and the asking will tell why.
 */
struct host_ahead *inquiry_begin(const struct inquiry *inquiry);

/* 0 and *ret when the module was asked, whatever came of it; else -1. */
int inquiry_ask(const struct inquiry *inquiry, struct reply *ret, struct err *err);

#endif
