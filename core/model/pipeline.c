/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A pipeline from its nodes. What a module takes under `with:` is for the
 * module's own description to say; here it is only kept.
 */
#include "base/base.h"

#include "model/pipeline.h"

#include "base/ascii.h"
#include "base/sha256.h"
#include "model/env.h"
#include "model/expr.h"
#include "model/form.h"
#include "model/input.h"
#include "model/scalar.h"
#include "model/uses.h"

#define MAX_NAME_BYTES 200u
#define MAX_ROUNDS 10
#define MAX_ID_BYTES 63u

static const struct form_key step_keys[] = {
	{ "id", { FORM_TEXT, "^[a-z][a-z0-9-]{0,62}$" }, true, "the step's name" },
	{ "uses", { FORM_STEP_TYPE }, true, "the step type" },
	{ "with", { FORM_WITH }, false, "its parameters" },
	{ "if", { FORM_TEXT }, false, "a condition: else the step is skipped" },
	{ "env", { FORM_ENV }, false, "environment variables" },
	{ "timeout", { FORM_DURATION }, false, "how long it may take" },
	{ "idle_timeout", { FORM_DURATION }, false, "how long it may be silent" },
	{ "retry", { FORM_MAPPING, .form = &retry_form }, false,
	  "a failed step is tried again" },
	{ "continue_on_error", { FORM_BOOL }, false, "its failure is forgiven" },
	{ "irreversible", { FORM_BOOL }, false, "nothing has to undo it" },
	{ NULL },
};
static const struct form step_form = { "step", step_keys, NULL };
static const struct form_value a_step = { FORM_MAPPING, .form = &step_form };

static const struct form_key policy_keys[] = {
	{ "uses", { FORM_POLICY }, true, "the policy" },
	{ "with", { FORM_WITH }, false, "its parameters" },
	{ NULL },
};
static const struct form policy_form = { "policy", policy_keys, NULL };

static const struct form_key keys[] = {
	{ "fettle", { FORM_CHOICE, "1" }, true, "the version of this format" },
	{ "name", { FORM_TEXT }, false, "the pipeline's name" },
	{ "description", { FORM_TEXT }, false, "a sentence for people" },
	{ "inputs",
	  { FORM_MAP, "^[A-Za-z0-9_-]+$",
	    .items = &(const struct form_value){ FORM_MAPPING, .form = &input_form,
						 .may_be_empty = true } },
	  false,
	  "what a run is given" },
	{ "env", { FORM_ENV }, false, "environment variables of every step" },
	{ "policies",
	  { FORM_LIST,
	    .items = &(const struct form_value){ FORM_MAPPING, .form = &policy_form },
	    .may_be_empty = true },
	  false,
	  "who judges each step before it runs" },
	{ "rounds", { FORM_INT, "1..10" }, false, "how often `steps` may be tried" },
	{ "steps", { FORM_LIST, "1..", .items = &a_step }, true, "what a run does" },
	{ "on_failure", { FORM_LIST, .items = &a_step, .may_be_empty = true }, false,
	  "what undoes it" },
	{ "finally", { FORM_LIST, .items = &a_step, .may_be_empty = true }, false,
	  "what is done in any case" },
	{ NULL },
};
const struct form pipeline_form = { "pipeline", keys, NULL };

static const char *const section_names[SECTION_COUNT] = {
	[SECTION_STEPS] = "steps",
	[SECTION_ON_FAILURE] = "on_failure",
	[SECTION_FINALLY] = "finally",
};

const char *
section_name(enum section section)
{
	return section_names[section];
}

/* Keys that the language has, but this version does not carry out. */
static int
check_later_keys(const struct node *mapping, const char *file, struct err *err)
{
	static const char *const later[] = { "repeat" };

	for (size_t i = 0; mapping->kind == NODE_MAPPING && i < mapping->count; i++)
		for (size_t j = 0; j < ARRAY_LEN(later); j++) {
			if (!str_eq(mapping->keys[i], later[j]))
				continue;
			err_set(err, "key.unsupported",
				"'%s' is not carried out by this version of Fettle",
				later[j]);
			err_remedy(err, "leave it out: ignoring it could do harm");
			return node_at_key(mapping, i, file, err);
		}
	return 0;
}

static const struct node *
required_member(const struct node *mapping, const char *file, const char *key,
		struct err *err)
{
	const struct node *member = node_find(mapping, key);

	if (member == NULL)
		node_err(mapping, file, err, "key.missing", "'%s' is missing here",
			 key);
	return member;
}

static bool
is_step_id(const char *id)
{
	size_t n = 0;

	while (ascii_is_lower(id[n]) || ascii_is_digit(id[n]) || id[n] == '-')
		n++;
	return ascii_is_lower(id[0]) && n <= MAX_ID_BYTES && id[n] == 0;
}

static int
read_id(struct pipeline *p, struct pipeline_step *step, struct err *err)
{
	const struct node *node = required_member(step->node, p->file, "id", err);
	const struct node *first;

	if (node == NULL)
		return -1;
	if (node->kind != NODE_SCALAR || !is_step_id(node->text)) {
		node_err(node, p->file, err, "id.grammar", "'%.80s' is no id of a step",
			 node->kind == NODE_SCALAR ? node->text
						   : "(a list or mapping)");
		return err_remedy(err,
				  "an id begins with a-z, goes on with a-z 0-9 -, and "
				  "has at most %u characters",
				  MAX_ID_BYTES);
	}
	step->id = node->text;
	first = map_add(&p->ids, step->id, node);
	if (first == NULL)
		return 0;
	node_err(node, p->file, err, "pipeline.duplicate_id",
		 "step '%s' at %u:%u is there already at %u:%u", step->id, node->line,
		 node->column, first->line, first->column);
	return err_remedy(err, "give one of the two another id");
}

/* `uses:` of a step or a policy. */
static int
read_uses(const struct node *mapping, const char *file, enum uses_kind kind,
	  const char **ret, struct err *err)
{
	const struct node *node = required_member(mapping, file, "uses", err);
	const char *uses = node ? node_text(node, file, "uses", err) : NULL;
	bool is_policy = kind == USES_POLICY;

	if (uses == NULL)
		return -1;
	if (expr_has(uses)) {
		node_err(node, file, err, "template.position",
			 "'uses' may not hold a reference: '%.80s'", uses);
		return err_remedy(err, "write the module's name");
	}
	if (is_policy && !uses_is_policy(uses)) {
		node_err(node, file, err, "pipeline.policy",
			 "'%.80s' is no name of a policy", uses);
		return err_remedy(err, "write NAME, such as allow-list; `fettle "
				       "plugins` lists them");
	}
	if (!is_policy && !uses_is_step(uses)) {
		node_err(node, file, err, "pipeline.step_type",
			 "'%.80s' is no name of a step type", uses);
		return err_remedy(err, "write STAGE/NAME, such as build/compose; "
				       "`fettle plugins` lists them");
	}
	*ret = uses;
	return 0;
}

static int
read_with(const struct node *mapping, const char *file, const struct node **ret,
	  struct err *err)
{
	const struct node *with = node_find(mapping, "with");

	if (with == NULL || node_is_null(with))
		return 0;
	if (with->kind != NODE_MAPPING)
		return node_err(with, file, err, "type.map",
				"'with' must be a mapping of parameters");
	*ret = with;
	return 0;
}

static int
read_condition(struct pipeline_step *step, const char *file, struct err *err)
{
	const struct node *node = node_find(step->node, "if");

	if (node == NULL)
		return 0;
	step->condition = node_text(node, file, "if", err);
	if (step->condition == NULL)
		return -1;
	step->parsed = expr_parse_condition(step->condition, err);
	return step->parsed != NULL ? 0 : node_at(node, file, err);
}

/* When a step runs, and what its failure means. */
static int
read_course(struct pipeline_step *step, const char *file, struct err *err)
{
	const struct node *node = step->node;

	if (read_condition(step, file, err) < 0 ||
	    node_get_bool(node, file, "continue_on_error", &step->continue_on_error,
			  err) < 0)
		return -1;
	return retry_read(node_find(node, "retry"), file, &step->retry, err);
}

static int
read_step(struct pipeline *p, enum section section, const struct node *node,
	  struct err *err)
{
	struct pipeline_step *step = &p->steps[p->step_count++];

	step->section = section;
	step->node = node;
	if (check_later_keys(node, p->file, err) < 0 ||
	    form_check(node, p->file, &step_form, err) < 0 ||
	    read_id(p, step, err) < 0 ||
	    read_uses(node, p->file, USES_STEP, &step->uses, err) < 0 ||
	    read_with(node, p->file, &step->with, err) < 0 ||
	    env_read(node_find(node, "env"), p->file, &step->env, err) < 0 ||
	    node_get_ms(node, p->file, "timeout", &step->timeout_ms, err) < 0 ||
	    node_get_ms(node, p->file, "idle_timeout", &step->idle_timeout_ms, err) <
		    0 ||
	    node_get_bool(node, p->file, "irreversible", &step->is_irreversible, err) <
		    0 ||
	    read_course(step, p->file, err) < 0)
		return -1;
	return 0;
}

static int
read_section(struct pipeline *p, enum section section, struct err *err)
{
	const struct node *list = node_find(p->root, section_names[section]);

	if (section == SECTION_STEPS && (list == NULL || node_is_null(list)))
		return node_err(list ? list : p->root, p->file, err, "pipeline.empty",
				"the pipeline has no steps");
	if (list == NULL || node_is_null(list))
		return 0;
	if (list->kind != NODE_SEQUENCE)
		return node_err(list, p->file, err, "type.list",
				"'%s' must be a list of steps", section_names[section]);
	if (section == SECTION_STEPS && list->count == 0)
		return node_err(list, p->file, err, "pipeline.empty",
				"the pipeline has no steps");
	p->steps =
		x_realloc(p->steps, p->step_count + list->count + 1, sizeof(*p->steps));
	memset(p->steps + p->step_count, 0, (list->count + 1) * sizeof(*p->steps));
	map_reserve(&p->ids, p->step_count + list->count);
	for (size_t i = 0; i < list->count; i++)
		if (read_step(p, section, list->items[i], err) < 0)
			return -1;
	return 0;
}

int
policies_read(const struct node *list, const char *file, struct pipeline_policy **ret,
	      size_t *ret_count, struct err *err)
{

	if (list == NULL || node_is_null(list))
		return 0;
	if (list->kind != NODE_SEQUENCE)
		return node_err(list, file, err, "type.list",
				"'policies' must be a list of policies");
	*ret = x_calloc(list->count + 1, sizeof(**ret));
	for (size_t i = 0; i < list->count; i++) {
		struct pipeline_policy *policy = &(*ret)[(*ret_count)++];

		policy->node = list->items[i];
		if (form_check(policy->node, file, &policy_form, err) < 0 ||
		    read_uses(policy->node, file, USES_POLICY, &policy->uses, err) <
			    0 ||
		    read_with(policy->node, file, &policy->with, err) < 0)
			return -1;
	}
	return 0;
}

static int
check_version(const struct pipeline *p, struct err *err)
{
	const struct node *node = node_find(p->root, "fettle");

	if (node == NULL) {
		node_err(p->root, p->file, err, "pipeline.version",
			 "'fettle: 1' is missing");
		return err_remedy(err, "begin the pipeline with `fettle: 1`");
	}
	if (node->kind == NODE_SCALAR && str_eq(node->text, "1"))
		return 0;
	node_err(node, p->file, err, "pipeline.version",
		 "the pipeline is of another version than 1");
	return err_remedy(err, "write `fettle: 1`, or use a Fettle that knows this "
			       "version");
}

/* `name:`, else the file's own name without folder and ending. */
static int
read_name(struct pipeline *p, struct err *err)
{
	const struct node *node = node_find(p->root, "name");
	const char *slash = strrchr(p->file, '/'), *base = slash ? slash + 1 : p->file;

	if (node == NULL) {
		p->name = x_strndup(base, strcspn(base, "."));
		return 0;
	}
	if (node_get_text(p->root, p->file, "name", &p->name, err) < 0)
		return -1;
	if (node->len == 0)
		return node_err(node, p->file, err, "type.string", "'name' is empty");
	if (node->len > MAX_NAME_BYTES)
		return node_err(node, p->file, err, "type.range",
				"'name' is longer than %u bytes", MAX_NAME_BYTES);
	for (const char *c = node->text; *c != 0; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7F)
			return node_err(node, p->file, err, "yaml.control_char",
					"'name' has a control character");
	return 0;
}

static int
read_rounds(struct pipeline *p, struct err *err)
{
	const struct node *node = node_find(p->root, "rounds");
	int64_t rounds = 1;

	if (node != NULL) {
		if (node->kind != NODE_SCALAR)
			return node_err(node, p->file, err, "type.int",
					"'rounds' is not a whole number");
		if (scalar_int(node->text, &rounds, err) < 0)
			return node_at(node, p->file, err);
		if (rounds < 1 || rounds > MAX_ROUNDS)
			return node_err(node, p->file, err, "type.range",
					"'rounds' is not between 1 and %d", MAX_ROUNDS);
	}
	p->rounds = (uint32_t)rounds;
	return 0;
}

static int
read_pipeline(struct pipeline *p, struct err *err)
{

	if (check_version(p, err) < 0 || check_later_keys(p->root, p->file, err) < 0 ||
	    form_check(p->root, p->file, &pipeline_form, err) < 0 ||
	    read_name(p, err) < 0 || read_rounds(p, err) < 0 ||
	    node_get_text(p->root, p->file, "description", &p->description, err) < 0 ||
	    input_read(p, node_find(p->root, "inputs"), err) < 0 ||
	    env_read(node_find(p->root, "env"), p->file, &p->env, err) < 0 ||
	    policies_read(node_find(p->root, "policies"), p->file, &p->policies,
			  &p->policy_count, err) < 0)
		return -1;
	for (int section = 0; section < SECTION_COUNT; section++)
		if (read_section(p, (enum section)section, err) < 0)
			return -1;
	return 0;
}

struct pipeline *
pipeline_parse_within(const char *text, size_t len, const char *name,
		      const struct node_limits *limits, struct err *err)
{
	struct node *root = node_parse_within(text, len, name, limits, err);
	struct pipeline *p;

	if (root == NULL)
		return NULL;
	p = x_calloc(1, sizeof(*p));
	p->root = root;
	p->file = x_strdup(name);
	sha256_hex(text, len, p->sha256);
	if (read_pipeline(p, err) == 0)
		return p;
	pipeline_free(p);
	return NULL;
}

struct pipeline *
pipeline_parse(const char *text, size_t len, const char *name, struct err *err)
{
	return pipeline_parse_within(text, len, name, &node_limits, err);
}

struct pipeline *
pipeline_load(const char *path, struct err *err)
{
	AUTO_FREE char *text = NULL;
	size_t len = 0;

	if (node_read_file(path, &text, &len, err) < 0)
		return NULL;
	return pipeline_parse(text, len, path, err);
}

void
pipeline_free(struct pipeline *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->input_count; i++)
		input_done(&p->inputs[i]);
	for (size_t i = 0; i < p->step_count; i++) {
		expr_condition_free(p->steps[i].parsed);
		json_decref(p->steps[i].env);
	}
	map_done(&p->ids);
	free(p->inputs);
	free(p->steps);
	free(p->policies);
	free(p->file);
	free(p->name);
	free(p->description);
	json_decref(p->env);
	node_free(p->root);
	free(p);
}
