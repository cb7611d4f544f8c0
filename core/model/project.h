/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fettle.yaml: the project beside a compose file. Parsed and checked; what
 * compose itself says of the project is not known here.
 */
#ifndef FETTLE_MODEL_PROJECT_H
#define FETTLE_MODEL_PROJECT_H

#include "base/str.h"
#include "model/node.h"

#define ONLY_NAMED "only_named_services" /* a key here and in the site file */

struct project_service {
	char *name;
	struct strv allow, aliases;	/* allow: globs; empty = the default list */
	bool is_protected;
	json_t *health;		/* [{http, method?, expect?, ...}] or NULL */
};

struct project {
	char *directory;	/* absolute, real path: the workspace */
	char *file;		/* path of fettle.yaml, absolute */
	char *name;		/* the compose project's name */
	json_t *compose;	/* {"files":[],"env":[],"env_file":str|null,
				    "profiles":[],
				    "docker_host":str|null,"docker_config":str|null,
				    "buildkit"?:bool} */
	json_t *secrets;	/* {"NAME":"env:X"|"file:PATH"} or empty object */
	json_t *pipelines;	/* {"repair":"pipelines/repair.yaml"} or empty object */
	struct project_service *services;
	size_t service_count;
	bool only_named;	/* no other service may be repaired */
};

/*
 * Looks for fettle.yaml in `directory` and its parents up to the file system
 * root. NULL with `project.missing` (remedy: fettle init) or the codes of
 * node.h, `project.version`, `project.name`, `service.grammar`,
 * `service.alias`, `allow.too_wide`, `allow.path`, `allow.self`,
 * `allow.pattern`, `secret.ref`, `secret.name`, `env.name`, `env.denied`,
 * `path.invalid`, `url.policy`, `key.missing`, `type.*`.
 */
struct project *project_find(const char *directory, struct err *err);
struct project *project_load(const char *file, struct err *err);
void project_free(struct project *p);

const struct project_service *project_find_service(const struct project *p,
						   const char *name);

/*
 * Workspace-relative paths no edit may ever touch: fettle.yaml and .git at any
 * depth, the project's pipelines. p may be NULL: no project.
 */
bool project_is_own_file(const struct project *p, const char *path);

/*
 * Finds the target in an instruction (A1): the only known service whose name
 * or alias stands in the sentence as a word. `known` are all services
 * (profiles and compose). Returns a borrowed string of `known`, or NULL with
 * `unknown_service` listing near and known names, or `ambiguous_service`.
 * Given a wanted name, checks just that one.
 */
const char *project_target(const struct project *p, const struct strv *known,
			   const char *wanted,
			   const char *instruction, struct err *err);

/*
 * Whether the service is named in the file, where `rule` (a file) says that only
 * such may be repaired: 0, or -1 with `policy.service`, which lists them.
 */
int project_check_named(const struct project *p, const char *service, const char *rule,
			struct err *err);

/*
 * Whether what the file says of `service`, one of `known`, stands under another
 * name: 0, or -1 with `service.misspelt`, when the file does not name it and has a
 * name so near that nobody has.
 */
int project_check_spelling(const struct project *p, const struct strv *known,
			   const char *service, struct err *err);

/*
 * Trims; refuses blank, > 8 KiB, not UTF-8, control characters:
 * `invalid_instruction`. Caller owns.
 */
char *instruction_check(const char *text, struct err *err);

#endif
