/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A plan (ActionPlan): a checked pipeline frozen for one run. Its canonical
 * JSON is stored before execution and hashed; a run executes only what its
 * plan says. Knows nothing of how it is executed.
 */
#ifndef FETTLE_MODEL_PLAN_H
#define FETTLE_MODEL_PLAN_H

#include "base/arena.h"
#include "base/map.h"
#include "model/description.h"
#include "model/pipeline.h"

/* A module that steps of the plan use: described once, however many do. */
struct plan_module {
	char *uses, *path, *sha256;
	struct description *description;
};

struct plan_step {
	const char *id;		/* of its plan's texts, as is the condition */
	const char *uses, *module_sha256, *module_path;	/* of its plan_module */
	const struct description *description;
	enum section section;
	uint32_t stage, flags, callbacks;	/* of the description */
	bool is_irreversible;
	json_t *with;		/* typed; references are still ${{ }} */
	json_t *env;		/* object or NULL */
	uint64_t timeout_ms, idle_timeout_ms;	/* idle 0: none */
	const char *condition;	/* text of `if:`, or NULL */
	bool continue_on_error;
	struct retry retry;
};

struct plan_policy {
	char *uses, *module_sha256, *module_path;
	uint32_t stages, flags;
	json_t *with;
	bool is_of_site;	/* of the site file, and not of the pipeline */
};

struct plan {
	char *pipeline, *pipeline_sha256;
	char *instruction, *service;	/* "" when there is none */
	char *workspace;		/* absolute directory */
	uint32_t rounds;		/* how often `steps` may be tried */
	char *rolls_back;		/* the run it puts back, or "" */
	/* Whose steps these are: "operator", of a pipeline file; "rules", of the
	   built-in one; "system", of a rollback. */
	char *generated_by;
	int64_t generated_at_ms;
	json_t *inputs;			/* typed */
	json_t *allow;			/* the service's globs; NULL: no project */
	json_t *facts;			/* name -> value: project.*, service.* */
	bool is_protected;
	struct plan_module **modules;
	size_t module_count;
	struct plan_step *steps;
	size_t step_count;
	struct map by_id;		/* id -> its plan_step */
	struct plan_policy *policies;
	size_t policy_count;
	char *text, sha256[65];		/* canonical JSON, and its hash */
	json_t *json;			/* of plan_json; NULL: not asked for yet */
	struct arena texts;		/* of the steps */
};

/* NULL when no step uses it yet. */
const struct plan_module *plan_find_module(const struct plan *plan, const char *uses);
/* Takes the description over. */
const struct plan_module *plan_add_module(struct plan *plan, const char *uses,
					  const char *path, const char *sha256,
					  struct description *description);

/*
 * Adds the next step of the pipeline, in its order, with its parameters typed.
 * -1 with the codes of description_type_with.
 */
int plan_add_step(struct plan *plan, const struct pipeline *pipeline,
		  const struct plan_module *module, struct err *err);

/*
 * The plan that rolls back the run `run`, which `of` was the plan of, up to its
 * steps: all that does not depend on what the project is by now. Its first step,
 * `revert`, is no module's: the engine states there what is to be put back, has it
 * judged, and puts it back behind.
 */
struct plan *plan_revert(const struct plan *of, const char *run,
			 const char *instruction);
bool plan_is_revert(const struct plan_step *step);
bool plan_rolls_back(const struct plan *plan);
/* Adds a step of on_failure of that plan, with the module as it is now. */
void plan_revert_add(struct plan *plan, const struct plan_step *of,
		     const struct plan_module *module);

/* Fills plan->text and plan->sha256 from the other members. */
void plan_freeze(struct plan *plan);
/* The same as a tree, made when it is asked for. Borrowed. */
json_t *plan_json(struct plan *plan);
/* A text that lives as long as the plan; NULL stays NULL. */
char *plan_copy(struct plan *plan, const char *text);

/* The plan of a stored JSON text; `plan.corrupt` when it hashes to something else. */
struct plan *plan_parse(const char *text, const char *want_sha256, struct err *err);
void plan_free(struct plan *plan);

/*
 * A frozen plan that is gone on with later (plan_renew.c); text and hash stay.
 *
 * Typed values once more, for another version of their module. NULL with
 * `param.unknown`, `param.required` or why one does not fit.
 */
json_t *plan_type_again(const struct description *d, const json_t *with,
			struct err *err);
/*
 * Another file of a module of the plan. Takes the description over. -1 when the
 * plan does not fit it, and then nothing has changed.
 */
int plan_renew_module(struct plan *plan, const char *uses, const char *path,
		      const char *sha256, struct description *description,
		      struct err *err);
/* The two plans change their policies. */
void plan_take_policies(struct plan *plan, struct plan *from);
/*
 * What it is judged by and carried out with, by name, each a hash: `module:USES`,
 * `policy:USES` (its module), `rules:USES` or `site:USES` (its parameters; #2 for the
 * second of that name), `allow`; and `protected`. New reference.
 */
json_t *plan_rules(const struct plan *plan);

const struct plan_step *plan_find_step(const struct plan *plan, const char *id);

/*
 * The check over the whole plan: every name in `${{ }}` and `if:` is an input,
 * an output of an earlier step that declares it or that step's state, a
 * secret, service, project or run name (`template.name`, with the nearest;
 * `template.secret` for a secret outside of `env:`); no step that changes
 * something is retried or continued behind (`step.effects`); secrets that
 * parameters name exist (`secret.unknown`); policies take no references
 * (`template.position`); every effect kind has a step in on_failure that
 * undoes it (`effect.no_undo`) unless irreversible; a rollback stands in
 * on_failure only (`pipeline.rollback`); no step of a service's pipeline
 * writes the workspace itself (`step.workspace_write`). `secrets` is an object
 * by name, or NULL. Positions come from the pipeline, whose steps and policies
 * stand in the same order as the plan's.
 */
int plan_check(const struct plan *plan, const struct pipeline *pipeline,
	       const json_t *secrets, struct err *err);

/* A proposal: what a step stated. JSON form in core/engine/proposal; shown by cli. */

#endif
