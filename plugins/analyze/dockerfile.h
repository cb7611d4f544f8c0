/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A Dockerfile, as far as a repair needs it: its instructions with where they
 * lie, the requirements file it installs, and where a Debian package goes.
 */
#ifndef FETTLE_ANALYZE_DOCKERFILE_H
#define FETTLE_ANALYZE_DOCKERFILE_H

#include "plugins/common/text.h"

struct instruction {
	char *keyword;		/* upper case */
	char *arguments;	/* joined over continuations, without comments */
	size_t begin, end;	/* its bytes in the file, whole lines */
};

struct dockerfile {
	struct text text;
	struct instruction *v;
	size_t count;
};
void dockerfile_parse(const char *bytes, size_t len, struct dockerfile *ret);
void dockerfile_done(struct dockerfile *file);

/* Is there such a file in the build context? */
typedef bool dockerfile_has(void *arg, const char *path);

/*
 * The requirements file (relative to the context) that `pip install -r` reads,
 * found through COPY and ADD, else `requirements.txt`; NULL when the context
 * has none. Caller owns.
 */
char *dockerfile_manifest(const struct dockerfile *file, dockerfile_has *has,
			  void *arg);

/*
 * One edit ({"op":...} as in patch/edits.h, new reference) after which instruction
 * `before` has the Debian package; `count`: what runs in the end has. NULL and *why
 * (static) when it cannot be.
 */
json_t *dockerfile_install(const struct dockerfile *file, const char *path,
			   const char *package, size_t before, const char **why);

/* The FROM of the last stage; `count` when there is none. */
size_t dockerfile_last_from(const struct dockerfile *file);

/* An edit that adds a line behind instruction i; NULL and *why (static) as above. */
json_t *dockerfile_add(const struct dockerfile *file, const char *path, size_t i,
		       const char *added, const char **why);

/* An edit that replaces one line of a text, or NULL when no unique quote tells it. */
json_t *edit_line(const struct text *text, const char *path, size_t begin, size_t len,
		  const char *line);

#endif
