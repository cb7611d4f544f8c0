/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a finding to what is to be done for this very service: the edits that
 * repair it, or what a person has to do and why Fettle does not.
 */
#ifndef FETTLE_ANALYZE_RESOLVE_H
#define FETTLE_ANALYZE_RESOLVE_H

#include "plugins/analyze/finding.h"

/* What is known of the service. Everything is borrowed. */
struct site {
	const char *service;
	const char *directory;		/* of the project, absolute; NULL: unknown */
	bool may_guess;			/* that a package is called like its import */
	const json_t *own;		/* fact project.service */
	const json_t *services;		/* fact project.services */
	const json_t *health;		/* fact service.health */
	const char *build_log;		/* NULL: it is not a build that is looked at */
	const json_t *images;		/* of the engine, as it lists them; or NULL */
	/* A file of the project, NULL when there is none. */
	const char *(*read)(void *arg, const char *path, size_t *ret_len);
	/* Adds the names in a directory of the project; NULL: it cannot be told. */
	void (*list)(void *arg, const char *directory, struct argv *ret);
	void *arg;
};

/*
 * Sets title, diagnosis, remedy and, where the repair is certain enough,
 * edits; adjusts confidence; or drops the finding when it means nothing here.
 */
void finding_resolve(struct finding *finding, const struct site *site);

#endif
