/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `${{ }}` and modules can see of a run: values by name. */
#ifndef FETTLE_ENGINE_SCOPE_H
#define FETTLE_ENGINE_SCOPE_H

#include "engine/run.h"
#include "model/expr.h"

/* What the expressions of a run are told. */
struct expr_scope scope_names(struct run *run);

/*
 * The step's `with:` with every reference replaced and typed. *ret_unknown
 * (array of names) are those without a value yet. -1 when a value is of the
 * wrong type or a name does not exist.
 */
int scope_params(struct run *run, const struct plan_step *step, json_t **ret,
		 json_t **ret_unknown, struct err *err);

/* The step's environment, secrets in it. New reference in *ret. */
int scope_env(struct run *run, const struct plan_step *step, json_t **ret,
	      struct err *err);

/*
 * -1 `outputs_masked` when the text needs outputs that a run taken over does not
 * know any more.
 */
int scope_refuse_lost(const struct run *run, const char *text, struct err *err);

/* All facts as a step is told them, with the outputs so far. New reference. */
json_t *scope_facts(const struct run *run);

#endif
