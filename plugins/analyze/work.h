/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One finding being resolved: the service's files as they are needed, and what
 * came of it so far. Each kind of rule is one function over it.
 */
#ifndef FETTLE_ANALYZE_WORK_H
#define FETTLE_ANALYZE_WORK_H

#include "plugins/analyze/dockerfile.h"
#include "plugins/analyze/resolve.h"

struct work {
	struct finding *finding;
	const struct pack *pack;
	const struct site *site;
	struct dockerfile dockerfile;
	char *manifest;		/* path in the project, or NULL */
	struct text manifest_text;
	char *why; /* why a person has to act, or NULL */
};
void work_done(struct work *work);

/* What a group of the pattern caught, "" when it did not; and setting it. */
const char *work_name(const struct work *work, const char *key);
void work_name_set(struct work *work, const char *key, const char *value);

/* This one is for a person, because: the sentence. */
void work_leave(struct work *work, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Takes the edit (stolen). */
void work_repair(struct work *work, json_t *edit);

/* A path of the build context as one of the project. Caller owns. */
char *work_in_context(const struct work *work, const char *path);

/* Is there such a file in the build context? The work as `arg`. */
bool work_context_has(void *arg, const char *path);

/* The file's bytes, false when the context has none. */
bool work_context_read(const struct work *work, const char *path, struct text *ret);

/* Reads the Dockerfile. False, and left to a person, when there is none to edit. */
bool work_load(struct work *work);
const char *work_dockerfile(const struct work *work);	/* its path */

/* As work_load, and that manifest of the build context. */
bool work_load_manifest(struct work *work, const char *path);
/* As work_load, and the requirements file that the Dockerfile installs. */
bool work_load_requirements(struct work *work);

/* ---- the kinds, by what they edit ------------------------------------------- */

/*
 * A file that another file of the image asks for by a relative path, and that only
 * the build context has: resolve_copy.c. False, and nothing is said, when it is not
 * that.
 */
bool resolve_copy(struct work *work, const char *path, const char *asker);

/* Python's requirements: resolve_python.c. */
void resolve_add_requirement(struct work *work, const char *package);
void resolve_missing_module(struct work *work);
void resolve_missing_distribution(struct work *work);
void resolve_version_pin(struct work *work);
void resolve_manifest_syntax(struct work *work);

/* Other manifests: resolve_manifest.c. */
void resolve_npm_module(struct work *work);
void resolve_composer_class(struct work *work);
void resolve_gem(struct work *work);
void resolve_json_syntax(struct work *work);
void resolve_go_version(struct work *work);

/* The Dockerfile: resolve_image.c. */
void resolve_missing_library(struct work *work);
void resolve_missing_tool(struct work *work);
void resolve_missing_executable(struct work *work);
void resolve_missing_header(struct work *work);
void resolve_php_extension(struct work *work);
void resolve_not_executable(struct work *work);
void resolve_apt_update(struct work *work);
void resolve_apt_yes(struct work *work);
void resolve_instruction(struct work *work);

/* What only a build lacks: resolve_build.c. */
void resolve_copy_missing(struct work *work);
void resolve_base_image(struct work *work);

#endif
