/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One module: a file that may be trusted, then a loaded table. Opening runs no
 * code of the module; loading does, so only a jailed process loads.
 */
#ifndef FETTLE_HOST_MODULE_H
#define FETTLE_HOST_MODULE_H

#include <fettle/plugin.h>

#include "base/err.h"
#include "base/json.h"

struct module {
	const char *path; /* borrowed from the request */
	int fd;
	bool is_policy;
	/* Our copies: what the module's older, shorter structs lack is zero. */
	struct fettle_step step;
	struct fettle_policy policy;
	struct fettle_param *params, *outputs;
	uint32_t param_count, output_count;
	json_t *description; /* model/description.h */
};

/*
 * Opens and checks the file, and its hash when the request's entry pins one.
 * `plugin.missing`, `plugin.trust` or `plugin.digest`.
 */
int module_open(struct module *module, const json_t *entry, struct err *err);

/*
 * dlopen, then the table: `plugin.load`, `plugin.symbol`, `plugin.abi` or
 * `plugin.description`. What is loaded stays loaded until the process ends.
 */
int module_load(struct module *module, struct err *err);

/* Checks and describes the copied table; module_load calls it. NULL on error. */
json_t *module_describe(const struct module *module, struct err *err);

#endif
