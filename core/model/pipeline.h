/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A pipeline as written: parsed and checked as far as that works without
 * asking the modules. Keeps the node tree, so that later checks can point at
 * line and column.
 */
#ifndef FETTLE_MODEL_PIPELINE_H
#define FETTLE_MODEL_PIPELINE_H

#include "base/map.h"
#include "model/node.h"
#include "model/retry.h"

/* Those of parameters (enum fettle_type), and one of their own. */
enum input_type {
	INPUT_BOOL = 1, INPUT_INT, INPUT_REAL, INPUT_STRING, INPUT_CHOICE,
	INPUT_DURATION, INPUT_SIZE, INPUT_PATH, INPUT_LIST, INPUT_MAP, INPUT_JSON,
	INPUT_SERVICE = 100,
};

struct pipeline_input {
	char *name;
	enum input_type type;
	bool is_required;
	char *accept;		/* as of parameters: "MIN..MAX", "a|b"; NULL: all */
	json_t *preset;		/* typed; NULL: none */
};

enum section { SECTION_STEPS, SECTION_ON_FAILURE, SECTION_FINALLY };
#define SECTION_COUNT 3
const char *section_name(enum section section); /* "steps", "on_failure", "finally" */

struct pipeline_step {
	const char *id, *uses;	/* id: [a-z][a-z0-9-]{0,62} */
	enum section section;
	const struct node *node;	/* the step's mapping, for positions */
	const struct node *with;	/* or NULL */
	json_t *env;			/* of strings (may hold ${{ }}), or NULL */
	uint64_t timeout_ms, idle_timeout_ms;	/* 0: not given */
	bool is_irreversible;
	const char *condition;	/* text of `if:`, or NULL */
	struct formula *parsed;	/* the same */
	bool continue_on_error;
	struct retry retry;
};

struct pipeline_policy {
	const char *uses;
	const struct node *node, *with;
};

struct pipeline {
	char *file;		/* as it is called in errors */
	bool is_builtin;	/* there is no such file */
	char *name, *description;
	uint32_t rounds;	/* how often analyze to verify may be tried; 1: once */
	char sha256[65];	/* of the file's bytes */
	json_t *env;		/* object of strings or NULL */
	struct pipeline_input *inputs;
	size_t input_count;
	struct pipeline_step *steps;	/* in order steps, on_failure, finally */
	size_t step_count;
	struct pipeline_policy *policies;
	size_t policy_count;
	struct node *root;	/* borrowed texts above are its */
	struct map ids;		/* of steps -> the step's mapping */
};

/*
 * Codes: those of node.h, `pipeline.version`, `pipeline.empty`,
 * `pipeline.duplicate_id`, `pipeline.step_type` and `pipeline.policy` (a
 * `uses:` that is no name of one), `id.grammar`, `key.unknown`, `key.missing`,
 * `type.*`, `env.name`, `env.denied`, `template.position`, `template.syntax` of
 * an `if:`, `input.duplicate_service`. Keys of the language that this version does not
 * carry out (repeat) are refused as `key.unsupported`.
 */
struct pipeline *pipeline_parse(const char *text, size_t len, const char *name,
				struct err *err);
struct pipeline *pipeline_parse_within(const char *text, size_t len, const char *name,
				       const struct node_limits *limits,
				       struct err *err);
struct pipeline *pipeline_load(const char *path, struct err *err);
void pipeline_free(struct pipeline *p);

/*
 * A list under `policies:`, here or in the site file; missing is empty. *ret is
 * the caller's to free, also after a failure; its texts are the nodes'.
 */
int policies_read(const struct node *list, const char *file,
		  struct pipeline_policy **ret, size_t *ret_count, struct err *err);
bool pipeline_has_input(const struct pipeline *p, enum input_type type);

/* The built-in pipeline of that name as YAML text (`repair`), or NULL. */
const char *pipeline_builtin(const char *name);

/*
 * Types the given inputs and fills presets: `input.unknown`, `input.required`,
 * `type.*`, `param.choice`, `path.invalid`, `service.grammar`. `given` is an
 * object by name, of texts as on a command line (a list, map or JSON is
 * written as YAML) or of values that fit. What is neither given nor preset is
 * "", 0, false, empty or null. New reference or NULL.
 */
json_t *pipeline_type_inputs(const struct pipeline *p, const json_t *given,
			     struct err *err);

#endif
