/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asks fettle-host one question, as the engine does, and gathers all it says.
 * The host and the modules are those of t/modules in the build folder.
 */
#ifndef FETTLE_UNIT_ASK_H
#define FETTLE_UNIT_ASK_H

#include "base/json.h"
#include "base/str.h"

enum ask_flag {
	ASK_WITHOUT_NAMESPACES = 1 << 0, /* unshare() is refused, as in a container */
	ASK_WITHOUT_NOVELTIES = 1 << 4,	 /* no pidfds, no close_range */
	ASK_AS_NOBODY = 1 << 1,		 /* as user 65534 */
	ASK_WITH_LOCK = 1 << 2,		 /* something is in descriptor 6 */
	ASK_WITH_STRAYS = 1 << 3,	 /* and in some above */
};

struct question {
	const char *call;
	const char *modules[8];	  /* `test/good`, `allow`, or a file's path */
	const char *sha256;	  /* pinned for the first one */
	json_t *params, *unknown; /* for the first one; borrowed */
	json_t *facts, *env, *proposal, *secrets; /* borrowed */
	const char *workspace, *minimum;
	int jail_flags;	       /* enum fettle_step_flag */
	int64_t time_ms;       /* the deadline, from now; 0 none */
	int64_t each_ms;       /* of several checks, of each one; 0 none */
	const char *await_log; /* the times below begin when the log has it */
	int64_t term_after_ms, kill_after_ms; /* signals to the host; 0 none */
	unsigned flags;			      /* enum ask_flag */
};

struct answer {
	json_t *events;	      /* in order; owned */
	size_t garbage_count; /* packets that were no event */
	struct str log;	      /* its first 64 KiB */
	size_t log_bytes;     /* all of it */
	int status;	      /* of waitpid */
	int64_t took_ms;
	char attempt[64]; /* FETTLE_ATTEMPT */
};

struct answer ask(const struct question *question);
struct answer ask_run(const char *module); /* its run(), and nothing else */
void answer_done(struct answer *answer);

/* The file of a module by its name. Caller owns. */
char *ask_module_path(const char *name);

/* A workspace with a.txt, gone.txt and link.txt. Caller owns the name, and removes. */
char *ask_workspace(void);
void ask_write_file(const char *directory, const char *name, const char *text);

/* The i-th event of a kind, or NULL; and how many there are. */
const json_t *answer_event(const struct answer *answer, const char *kind, size_t i);
size_t answer_count(const struct answer *answer, const char *kind);
/* The text value of an output; "" when it was not set. */
const char *answer_output(const struct answer *answer, const char *name);
/* `ok`, `error`...; "" when the host ended without a result. */
const char *answer_result(const struct answer *answer);
const char *answer_code(const struct answer *answer);
const char *answer_level(const struct answer *answer);

/* How many processes with this FETTLE_ATTEMPT are left, after up to 2 s of waiting. */
size_t ask_survivors(const char *attempt);

/* Did the host end without a result, and without leaving a process? */
bool ask_died(const struct answer *answer);

#endif
