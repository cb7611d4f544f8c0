/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a compose project's services are: the resolved configuration and the
 * containers put together into output `services` of project/compose. Pure:
 * everything comes in as JSON.
 */
#ifndef FETTLE_COMMON_SERVICES_H
#define FETTLE_COMMON_SERVICES_H

#include "plugins/common/container.h"

struct services_input {
	const char *project;	/* as compose makes it of the name */
	const char *workspace;	/* absolute */
	const char *directory;	/* compose's project directory, absolute */
	const json_t *files;	/* the compose files, relative to the workspace */
	const json_t *profiles;	/* the active ones; NULL: none */
	const json_t *config;	/* what `config` printed */
	const json_t *hashes;	/* as drift_hashes gives them; NULL: not asked */
	const json_t *containers; /* of the whole project */
	const json_t
		*image_ids;	/* {"REF or ID": "sha256:.."}; missing: no such image */
	const char *own_id;	/* the container Fettle runs in, or NULL */
	const char *version;	/* of Compose; NULL: not known */
	bool is_v1;
};

/* {NAME: {...}}; see fettle-project-compose(7). New reference. */
json_t *services_describe(const struct services_input *in);

/* In what containers are not of this project as it lies here: created in another
 * directory or from other compose files. NULL: in nothing. Caller owns. */
char *services_foreign(const struct services_input *in, const json_t *containers);

/* The reference a service's containers use: its `image`, else what compose calls a
 * built one. Caller owns. */
char *
service_image(const json_t *service, const char *project, const char *name, bool is_v1);

/* `path` below `directory` as a relative path, `.` for itself; NULL when outside.
 * Caller owns. */
char *path_relative(const char *directory, const char *path);

#endif
