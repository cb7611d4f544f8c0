/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a mapping may hold, as a table: the readers take their keys from it,
 * and the JSON Schema that editors use is made of it (schema.h). What a value
 * must be beyond its kind is for its reader to say.
 */
#ifndef FETTLE_MODEL_FORM_H
#define FETTLE_MODEL_FORM_H

#include "model/node.h"

enum form_kind {
	FORM_TEXT,	/* accept: a regular expression, or NULL */
	FORM_BOOL,
	FORM_INT,	/* accept: MIN..MAX */
	FORM_DURATION,
	FORM_CHOICE,	/* accept: a|b */
	FORM_LIST,	/* of items; accept: "1..", or NULL */
	FORM_MAP,	/* of items; accept: a regular expression of the names */
	FORM_ENV,	/* names of variables to texts */
	FORM_VARIABLE,	/* one such name */
	FORM_MAPPING,	/* of form */
	FORM_STEP_TYPE, FORM_POLICY, /* names of modules */
	FORM_WITH,	/* parameters of the module in `uses` */
	FORM_STATUS,	/* a status of HTTP, or a list of them */
	FORM_ANY,
};

struct form_value {
	enum form_kind kind;
	const char *accept;
	const struct form *form;
	const struct form_value *items;
	bool may_be_empty;	/* nothing at all behind the colon */
};

struct form_key {
	const char *name;
	struct form_value value;
	bool is_required;
	const char *help;
};

struct form {
	const char *name;	/* in the schema */
	const struct form_key *keys;	/* the last one has no name */
	const char *one_of;	/* a|b: exactly one of these is there; NULL: none */
};

/* node_check_keys with the keys of the form. */
int form_check(const struct node *mapping, const char *file, const struct form *form,
	       struct err *err);

extern const struct form pipeline_form, project_form;
/* Parts of them, each in the file that reads it. */
extern const struct form input_form, retry_form, compose_form, probe_form;

#endif
