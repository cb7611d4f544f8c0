/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a module says of itself, as the host reported it: name, stage, flags,
 * effects, parameter and output tables. Pure data with a JSON form (the form
 * that is cached by the module's SHA-256 and frozen into plans).
 *
 * JSON: {"kind":"step"|"policy","name","version","summary","stage"|"stages":int,
 *  "flags":int,"effects":[..],"undoes":[..],"callbacks":["check","propose",..],
 *  "params":[{"name","type":int,"flags":int,"preset":str|null,"accept":str|null,
 *             "help"}],
 *  "outputs":[..same..]}
 */
#ifndef FETTLE_MODEL_DESCRIPTION_H
#define FETTLE_MODEL_DESCRIPTION_H

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "model/effect.h"
#include "model/node.h"

struct description_param {
	char *name;
	uint32_t type, flags;	/* enum fettle_type, enum fettle_param_flag */
	char *preset, *accept, *help;
	json_t *preset_value;	/* typed; NULL: there is no preset */
};

enum description_callback {
	CALLBACK_CHECK = 1 << 0,
	CALLBACK_PROPOSE = 1 << 1,
	CALLBACK_RUN = 1 << 2,
	CALLBACK_OBSERVE = 1 << 3,
	CALLBACK_JUDGE = 1 << 4,
};

struct description {
	bool is_policy;
	char *name, *version, *summary;
	uint32_t stages;	/* a step: exactly one bit */
	uint32_t flags;
	uint32_t callbacks;
	struct effect *effects;
	size_t effect_count;
	struct strv undoes;
	struct description_param *params, *outputs;
	size_t param_count, output_count;
	json_t *json;		/* owned: the form above */
};

/* NULL with `plugin.description` when the JSON is not of the form above. */
struct description *description_new(const json_t *json, struct err *err);
void description_free(struct description *d);

/* The kinds of effect that a step with these parameters can cause, each once. */
void description_effects(const struct description *d, const json_t *with,
			 struct strv *ret);

/* `patch` for FETTLE_PATCH and so on; "" for none or several. And back; 0 = unknown. */
const char *stage_name(uint32_t stage);
uint32_t stage_find(const char *name);
const char *param_type_name(uint32_t type);

/*
 * Types one step's `with:` mapping (NULL: nothing given) by the parameter
 * table: every key known, required ones present, presets filled in, values
 * checked against type and `accept`. A value that holds `${{ }}` stays a
 * string (checked by expr_check) and is typed by description_type_value once
 * known. Bool, int, real -> JSON of that type; duration -> integer ms; size ->
 * integer bytes; list -> array of strings; map -> object of strings. Position
 * errors as in node.h, `type.*`, `param.unknown`, `param.required` (without a
 * line when there is no `with:`), `param.choice`, `path.invalid`,
 * `secret.name`, `template.position` for ${{ }} as a program or a secret's
 * name, `template.shell` for ${{ }} in program text of a FETTLE_PROGRAM list
 * (the argument behind `sh -c`, `bash -c`, `python3 -c`, `perl -e`, `node -e`...).
 * New reference, or NULL.
 */
json_t *description_type_with(const struct description *d, const struct node *with,
			      const char *file, struct err *err);

/*
 * A value that has become known: coerced and checked as above, without a
 * position. A whole number for a duration or size is ms or bytes already. New
 * reference or NULL.
 */
json_t *description_type_value(const struct description_param *param,
			       const json_t *value, struct err *err);

#endif
