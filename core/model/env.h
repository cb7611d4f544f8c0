/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Environment variables a pipeline or project may name. Those that would
 * change which code runs, or which machine it talks to, are denied.
 */
#ifndef FETTLE_MODEL_ENV_H
#define FETTLE_MODEL_ENV_H

#include "base/str.h"
#include "model/node.h"

/* 0, or -1 with `env.name` or `env.denied`, without position. */
int env_check_name(const char *name, struct err *err);

/* The denied names as one regular expression. */
void env_add_denied_pattern(struct str *ret);

/*
 * An `env:` mapping as an object of strings; NULL stays NULL. -1 also with
 * `type.map`, `type.string`. *ret is a new reference.
 */
int env_read(const struct node *node, const char *file, json_t **ret, struct err *err);

#endif
