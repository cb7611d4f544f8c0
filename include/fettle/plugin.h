/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fettle/plugin.h - the whole contract between Fettle and a module.
 *
 * A module is a shared object with one exported symbol, fettle_plugin, that
 * points at a constant table: a step type (struct fettle_step) or a policy
 * (struct fettle_policy). Write the table, then FETTLE_STEP(my_step) or
 * FETTLE_POLICY(my_policy).
 *
 * EACH CALLBACK IS A NEW PROCESS. What propose() left in a static variable is
 * gone in run(). What run() needs of it, it reads back from the approved
 * proposal: fettle_proposed_edit(), _effect(), _command(). The process lives
 * in a jail: the workspace is read-only, $HOME and $TMPDIR are a scratch
 * directory that disappears, standard output is the step's log and never a
 * command, and every process the callback leaves behind is killed. A module
 * may not change a file of the workspace: it proposes edits, and the engine
 * applies them after the policies have judged.
 *
 * Ownership: every `const char *` and `const void *` a fettle_ function gives
 * out lives until the callback returns. What is handed in is copied. Strings
 * are UTF-8 and end with NUL. Times are in milliseconds. No function here is
 * safe to call from two threads at once. A call that must not be (reading what
 * is not known, an undeclared output, a wrong index) ends the attempt as a bug.
 * ABI history (a line a change; structs only grow, at the end):
 *	0.1	first version
 *	0.2	FETTLE_COMMAND, FETTLE_LONG_TAIL
 *	0.3	fettle_need.flags; what a policy is shown, in its flags
 *	0.4	effects of some parameters only; formats; lists of numbers; _INSTALLED
 */
#ifndef FETTLE_PLUGIN_H
#define FETTLE_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define FETTLE_EXPORT __attribute__((visibility("default")))
#define FETTLE_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#else
#define FETTLE_EXPORT
#define FETTLE_PRINTF(fmt, first)
#endif

#define FETTLE_MAGIC     0x464C5454u /* "FLTT" */
#define FETTLE_ABI_MAJOR 0           /* another major is refused */
#define FETTLE_ABI_MINOR 4           /* an older minor is understood */

/* ---- the frozen part: these two never change, in no version ---------- */

struct fettle_head {
	uint32_t magic;			/* FETTLE_MAGIC */
	uint16_t abi_major, abi_minor;	/* what the module was built against */
	uint32_t size;			/* sizeof the whole table */
	uint32_t kind;			/* enum fettle_kind */
};

struct fettle_table {
	const void *items;
	uint32_t count, stride;		/* stride: sizeof one item */
};

/* ---- what a module is ------------------------------------------------ */

enum fettle_kind { FETTLE_KIND_STEP = 1, FETTLE_KIND_POLICY = 2 };

/* What a step is for; a policy names the stages it judges as bits. */
enum fettle_stage {
	FETTLE_PROJECT  = 1 << 0, FETTLE_ANALYZE = 1 << 1, FETTLE_PATCH   = 1 << 2,
	FETTLE_BUILD    = 1 << 3, FETTLE_RESTART = 1 << 4, FETTLE_VERIFY  = 1 << 5,
	FETTLE_ROLLBACK = 1 << 6, FETTLE_PUBLISH = 1 << 7, FETTLE_CONTROL = 1 << 8,
	FETTLE_ALL_STAGES = (1 << 9) - 1
};

/* What a step needs of its jail, and what the engine may do with it. */
enum fettle_step_flag {
	FETTLE_NETWORK         = 1 << 0, /* reaches the network */
	FETTLE_DOCKER          = 1 << 1, /* reaches Docker: trusted like root */
	FETTLE_REPEATABLE      = 1 << 2, /* run() may simply run again after a crash */
	FETTLE_WORKSPACE_WRITE = 1 << 3, /* writes it; not in service pipelines */
	FETTLE_GIT_WRITE       = 1 << 4  /* writes .git; not in service pipelines */
};

/* What a policy is asked about, and shown: fettle-facts(7). */
enum fettle_policy_flag {
	FETTLE_JUDGES_EDITS_ONLY = 1 << 0, /* asked only when there is an edit */
	FETTLE_JUDGES_CONTENT    = 1 << 1, /* is shown the edits: fact `edits` */
	FETTLE_JUDGES_HISTORY    = 1 << 2, /* the service's runs: fact `history` */
	FETTLE_JUDGES_VERDICTS   = 1 << 3  /* asked last, about a denial: `verdicts` */
};

enum fettle_type {
	FETTLE_BOOL = 1, FETTLE_INT, FETTLE_REAL, /* accept "MIN..MAX", or half of it */
	FETTLE_STRING,	 /* accept: a length "MIN..MAX", or a format: "git-ref" */
	FETTLE_CHOICE,	 /* accept: "auto|container|build" */
	FETTLE_DURATION, FETTLE_SIZE, /* 5m30s, 250ms; 64KiB; accept "MIN..MAX" */
	FETTLE_PATH,	 /* relative to the workspace, canonical */
	FETTLE_LIST, FETTLE_MAP, /* of strings; accept of a LIST of numbers */
	FETTLE_JSON, FETTLE_SECRET /* anything; a name, to read with fettle_secret() */
};

enum fettle_param_flag {
	FETTLE_REQUIRED = 1 << 0,
	FETTLE_PROGRAM  = 1 << 1, /* a LIST, an argv: no ${{ }} in program text */
	FETTLE_COMMAND  = 1 << 2, /* and run() starts it: proposed without propose() */
	FETTLE_INSTALLED = 1 << 3, /* and must be there: looked for before the run */
	FETTLE_ENVIRONMENT = 1 << 4 /* a MAP of variables; some names are denied */
};

/* One parameter or one output. `help` is one true sentence a user would say. */
struct fettle_param {
	const char *name;		/* [a-z][a-z0-9_]* */
	uint32_t type;			/* enum fettle_type */
	uint32_t flags;			/* enum fettle_param_flag */
	const char *preset;		/* the default as in YAML, or NULL */
	const char *accept;		/* see enum fettle_type, or NULL */
	const char *help;
};

/* ---- how a callback answers ------------------------------------------ */

/* A step's callbacks return one of these; 0 and unknown values are errors. */
enum fettle_result {
	FETTLE_OK = 1,
	FETTLE_NOOP,	/* there was nothing to do */
	FETTLE_FAIL,	/* it worked, and the answer is no */
	FETTLE_ERROR	/* it could not work; fettle_error() says why */
};

/* judge() returns one of these; 0 and unknown values deny. */
enum fettle_verdict { FETTLE_ABSTAIN = 17, FETTLE_ALLOW, FETTLE_HOLD, FETTLE_DENY };

/* Choose the why as if a retry cost money: only TRANSIENT is tried again. */
enum fettle_why {
	FETTLE_WHY_INPUT = 1,	/* parameters or project are wrong */
	FETTLE_WHY_HOST,	/* this machine lacks something */
	FETTLE_WHY_TRANSIENT,	/* may work a moment later */
	FETTLE_WHY_BUG		/* must not happen */
};

/* What observe() found the world to be, for one effect. */
enum fettle_observed {
	FETTLE_BEFORE = 1,	/* as it was before the effect */
	FETTLE_AFTER,		/* as the effect leaves it */
	FETTLE_PARTIAL,		/* in between */
	FETTLE_OTHER		/* somebody else changed it */
};

struct fettle_ctx;	/* the callback's view of the run; opaque */
struct fettle_step {
	struct fettle_head head;
	const char *name;		/* `build/compose`: in YAML and on disk */
	const char *version, *summary;
	uint32_t stage;			/* exactly one enum fettle_stage */
	uint32_t flags;			/* enum fettle_step_flag */
	const char *const *effects;	/* run()'s: "KIND" or "KIND PARAM=A|B"; NULL */
	const char *const *undoes;	/* ROLLBACK: kinds it puts back, then NULL */
	struct fettle_table params, outputs;
	/* NULL: no process is started. Without propose() the step proposes its
	   FETTLE_COMMAND parameters, in order. Only run() changes anything. */
	int (*check)(struct fettle_ctx *ctx);	/* could I work? */
	int (*propose)(struct fettle_ctx *ctx);	/* state edits, effects, commands */
	int (*run)(struct fettle_ctx *ctx);	/* do what was proposed */
	int (*observe)(struct fettle_ctx *ctx);	/* fettle_observed() each effect */
};

struct fettle_policy {
	struct fettle_head head;
	const char *name, *version, *summary;
	uint32_t stages;		/* which it judges: enum fettle_stage bits */
	uint32_t flags;			/* enum fettle_policy_flag */
	struct fettle_table params;
	int (*judge)(struct fettle_ctx *ctx);	/* a pure function of facts */
};

/* The one symbol a module exports. */
extern FETTLE_EXPORT const struct fettle_head *const fettle_plugin;

#define FETTLE_HEAD(type, kind)                                                \
	{ FETTLE_MAGIC, FETTLE_ABI_MAJOR, FETTLE_ABI_MINOR,                    \
	  (uint32_t)sizeof(struct type), kind }
#define FETTLE_STEP_HEAD   FETTLE_HEAD(fettle_step, FETTLE_KIND_STEP)
#define FETTLE_POLICY_HEAD FETTLE_HEAD(fettle_policy, FETTLE_KIND_POLICY)
#define FETTLE_TABLE(array)                                                    \
	{ (array), (uint32_t)(sizeof(array) / sizeof(*(array))), sizeof(*(array)) }
#define FETTLE_NO_TABLE { NULL, 0, 0 }
#define FETTLE_STEP(step)                                                      \
	const struct fettle_head *const fettle_plugin = &(step).head;
#define FETTLE_POLICY(policy) FETTLE_STEP(policy)

/* ---- parameters: by index in the table, checked before the call ------ */

/* 0 when the value is a reference that is not known yet (check, propose). */
int fettle_param_known(struct fettle_ctx *ctx, uint32_t i);
/* 0 when neither given nor preset; the getters then give 0, NULL or an empty list. */
int fettle_param_given(struct fettle_ctx *ctx, uint32_t i);
int fettle_param_bool(struct fettle_ctx *ctx, uint32_t i);
int64_t fettle_param_int(struct fettle_ctx *ctx, uint32_t i);
double fettle_param_real(struct fettle_ctx *ctx, uint32_t i);
uint64_t fettle_param_ms(struct fettle_ctx *ctx, uint32_t i);	 /* DURATION */
uint64_t fettle_param_bytes(struct fettle_ctx *ctx, uint32_t i); /* SIZE */
/* STRING CHOICE PATH SECRET; LIST, NULL-terminated; and any type as JSON text. */
const char *fettle_param_text(struct fettle_ctx *ctx, uint32_t i);
const char *const *fettle_param_list(struct fettle_ctx *ctx, uint32_t i);
const char *fettle_param_json(struct fettle_ctx *ctx, uint32_t i);

/* ---- the run so far --------------------------------------------------- */

/* A fact of fettle-facts(7), which grows without a change of ABI, such as
   "service.name", or NULL. Text as it is, everything else as JSON text. */
const char *fettle_fact(struct fettle_ctx *ctx, const char *name);
/* The value of a secret this step was granted, or NULL. Never write it anywhere. */
const char *fettle_secret(struct fettle_ctx *ctx, const char *name);
/* The same for every attempt of a step of a run: an idempotency key for outside. */
const char *fettle_operation_id(struct fettle_ctx *ctx);
/* A directory of this callback alone, empty at its start, gone after its end. */
const char *fettle_scratch(struct fettle_ctx *ctx);
/* Until the engine ends this callback; 0 when the time is over or cancelled. */
uint64_t fettle_time_left(struct fettle_ctx *ctx);

/* A file of the workspace, beneath it and not through a symlink. NULL when it does
   not exist (fettle_file_error() is NULL then) or cannot be read (it says why). An
   edit of the same path is then bound to exactly these bytes. */
const char *fettle_file(struct fettle_ctx *ctx, const char *path, size_t *ret_len);
const char *fettle_file_error(struct fettle_ctx *ctx);

/* ---- propose: what would change --------------------------------------- */

/* One file's new content. A file that does not exist is created with mode 0644. */
void fettle_edit_write(struct fettle_ctx *ctx, const char *path, const void *bytes,
		       size_t len);
void fettle_edit_delete(struct fettle_ctx *ctx, const char *path);

/* Anything else that changes. `target` and `summary`, a line, are for people;
   `before` is JSON with all that is needed to put it back. */
void fettle_effect(struct fettle_ctx *ctx, const char *kind, const char *target,
		   const char *before, const char *summary);
/* A program run() will start, exactly so. argv ends with NULL. */
void fettle_command(struct fettle_ctx *ctx, const char *const *argv);

/* ---- run, observe: what was approved ---------------------------------- */

struct fettle_proposed_edit {
	const char *path;
	const char *pre_sha256;		/* NULL: the file did not exist */
	const char *post_sha256;	/* NULL: the file is deleted */
};

/* Rollback modules see the run's standing effects, oldest first; others their own. */
struct fettle_proposed_effect {
	const char *kind, *target;
	const char *before;		/* the JSON that fettle_effect() was given */
	const char *step;		/* the id of the step that proposed it */
};
/* 1 and the i-th one, or 0 when there are fewer; a command is NULL then. */
int fettle_proposed_edit(struct fettle_ctx *ctx, uint32_t i,
			 struct fettle_proposed_edit *ret);
int fettle_proposed_effect(struct fettle_ctx *ctx, uint32_t i,
			   struct fettle_proposed_effect *ret);
const char *const *fettle_proposed_command(struct fettle_ctx *ctx, uint32_t i);
void fettle_observed(struct fettle_ctx *ctx, uint32_t effect,
		     enum fettle_observed state, const char *detail);

/* ---- programs ---------------------------------------------------------- */

enum fettle_exec_flag {
	FETTLE_CAPTURE	     = 1 << 0, /* keep standard output (16 MiB), no log */
	FETTLE_CAPTURE_ERROR = 1 << 1, /* the same for standard error */
	FETTLE_QUIET	     = 1 << 2, /* do not write the command line to the log */
	FETTLE_TAIL	     = 1 << 3, /* log it, and keep its last 4 KiB in err */
	FETTLE_LONG_TAIL     = 1 << 4  /* with TAIL: its last MiB */
};

struct fettle_exec {
	uint32_t size;			/* sizeof(struct fettle_exec) */
	uint32_t flags;			/* enum fettle_exec_flag */
	const char *const *argv;	/* ends with NULL; argv[0] is found in PATH */
	const char *const *env;		/* NAME=VALUE, to a clean environment */
	const char *directory;		/* NULL: the workspace, or else the scratch */
	uint64_t timeout_ms;		/* 0: what is left of the step's own time */
};

struct fettle_exited {
	uint32_t size;			/* sizeof(struct fettle_exited) */
	int status, signal;		/* exit status or -1; what killed it or 0 */
	int timed_out;			/* 1: we killed it, with its descendants */
	const char *out, *err;		/* captured, or NULL; may hold NUL bytes */
	size_t out_len, err_len;
};

/* Runs a program to its end, with standard input from /dev/null, and kills what it
   leaves behind. 0 and *ret when it was started, else -1 with the reason in
   ret->err. The second starts the i-th command of the approved proposal; exec->argv
   is ignored then, and exec may be NULL. */
int fettle_exec(struct fettle_ctx *ctx, const struct fettle_exec *exec,
		struct fettle_exited *ret);
int fettle_exec_proposed(struct fettle_ctx *ctx, uint32_t i,
			 const struct fettle_exec *exec, struct fettle_exited *ret);

/* ---- what the step tells ------------------------------------------------ */

/* `json` is JSON text of the declared type; text values in quotes. */
void fettle_set_output(struct fettle_ctx *ctx, const char *name, const char *json);
void fettle_set_output_text(struct fettle_ctx *ctx, const char *name, const char *text);
/* A diagnosis. confidence in percent; evidence: the log lines it rests on. */
void fettle_add_finding(struct fettle_ctx *ctx, const char *rule, uint32_t confidence,
			const char *title, const char *evidence);
/* Keeps a file of the scratch directory with the run. type: a MIME type. */
void fettle_add_artifact(struct fettle_ctx *ctx, const char *name, const char *type,
			 const char *scratch_file);
void fettle_info(struct fettle_ctx *ctx, const char *fmt, ...) FETTLE_PRINTF(2, 3);
void fettle_warn(struct fettle_ctx *ctx, const char *fmt, ...) FETTLE_PRINTF(2, 3);
void fettle_progress(struct fettle_ctx *ctx, uint64_t done, uint64_t total,
		     const char *text);

/* They return FETTLE_FAIL, FETTLE_ERROR. code: a stable name, remedy: what to do. */
int fettle_fail(struct fettle_ctx *ctx, const char *code, const char *remedy,
		const char *fmt, ...) FETTLE_PRINTF(4, 5);
int fettle_error(struct fettle_ctx *ctx, enum fettle_why why, const char *fmt, ...)
	FETTLE_PRINTF(3, 4);
int fettle_error_code(struct fettle_ctx *ctx, enum fettle_why why, const char *code,
		      const char *remedy, const char *fmt, ...) FETTLE_PRINTF(5, 6);

/* ---- judge: they return FETTLE_ALLOW, FETTLE_DENY, FETTLE_HOLD ----------- */

enum fettle_need_flag { FETTLE_SELF_APPROVAL = 1 << 0 }; /* the requester counts */

struct fettle_need {
	uint32_t size;			/* sizeof(struct fettle_need) */
	uint32_t quorum;		/* distinct people */
	const char *const *roles;	/* any of them, then NULL; NULL: anybody */
	uint64_t valid_ms;		/* then the answer is no; 0: a day */
	uint32_t flags;			/* enum fettle_need_flag */
};

int fettle_allow(struct fettle_ctx *ctx, const char *fmt, ...) FETTLE_PRINTF(2, 3);
int fettle_deny(struct fettle_ctx *ctx, const char *fmt, ...) FETTLE_PRINTF(2, 3);
int fettle_hold(struct fettle_ctx *ctx, const struct fettle_need *need,
		const char *fmt, ...) FETTLE_PRINTF(3, 4);
/* Keeps the tables above visible to tools that compare ABIs. */
void fettle_abi_anchor(const struct fettle_step *, const struct fettle_policy *);

#ifdef __cplusplus
}
#endif
#endif
