/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What keeps a module from harming others: a table of techniques, applied in
 * three places. Some machines cannot do all of them; what was done is told in
 * the `jail` event, and its level is compared with the request's minimum.
 *
 *	basic	clean and limited, its tree killed by a subreaper
 *	tree	own PID namespace, and the workspace read-only where it should be
 */
#ifndef FETTLE_HOST_JAIL_H
#define FETTLE_HOST_JAIL_H

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

enum jail_place {
	JAIL_OUTER,  /* the outer host, before module files are opened */
	JAIL_SPLIT,  /* the outer host, after that: namespaces and mounts */
	JAIL_INIT,   /* PID 1 of the new namespace */
	JAIL_MODULE, /* the module process */
};

struct jail {
	const char *workspace; /* "" when there is none */
	const char *scratch;
	bool may_write_workspace;
	pid_t supervisor; /* the parent of the module process, as it sees it */
	bool has_namespace, has_read_only_workspace; /* results */
	struct strv techniques;			     /* results: names, in order */
};

/* Applies one place's techniques. -1 with `jail.failed` when a necessary one fails. */
int jail_apply(struct jail *jail, enum jail_place place, struct err *err);

const char *jail_level(const struct jail *jail);

/* Is the level at least `minimum`? -1 with `jail.minimum`. */
int jail_check_minimum(const struct jail *jail, const char *minimum, struct err *err);

#endif
