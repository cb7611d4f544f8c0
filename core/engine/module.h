/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An installed module as the engine sees it: a file, its SHA-256, and what it
 * says of itself (asked once, then cached in the store by that SHA-256). The
 * engine never loads one; fettle-host does.
 */
#ifndef FETTLE_ENGINE_MODULE_H
#define FETTLE_ENGINE_MODULE_H

#include "engine/engine.h"

struct module {
	char *name;	/* `build/compose`, `allow-list` */
	bool is_policy;
	char *path;
	char sha256[65];
	struct description *description;
};

/* NULL with `pipeline.step_type` (nearest and known names), or why it does not load. */
struct module *module_find(struct engine *engine, const char *name, bool is_policy,
			   struct err *err);
void module_free(struct module *module);
void module_done(struct module **module); /* AUTO(module) */

/* Names of all installed modules of a kind, sorted. */
void module_names(const struct engine *engine, bool is_policy, struct strv *ret);

/* One "modules" entry of a request (wire/request.h). New reference. */
json_t *module_request(const char *path, const char *sha256, const json_t *params,
		       const json_t *unknown);

#endif
