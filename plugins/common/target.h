/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * May this service be rebuilt and recreated at all? The refusals that
 * build/compose and restart/compose share, from fact project.service, and what
 * the service is right now.
 */
#ifndef FETTLE_COMMON_TARGET_H
#define FETTLE_COMMON_TARGET_H

#include "plugins/common/compose.h"
#include "plugins/common/container.h"

/*
 * -1 with `no_service`, `own_container`, `project_moved`, `compose_version`,
 * `shared_namespace`, `mixed_images`, `previous_image_gone` or `compose_drift`.
 * command: what the remedies tell to type, see program_command().
 */
int target_check(const json_t *service, const char *command, struct fault *fault);
/* -1 with `no_build_section`. */
int target_check_build(const json_t *service, struct fault *fault);

/* Fact project.service, or NULL with `no_service`. New reference. */
json_t *target_fact(struct fettle_ctx *ctx, struct fault *fault);

/* A service as the engine has it now. */
struct target {
	json_t *service;	/* fact project.service */
	const char *name, *image; /* borrowed from it */
	json_t *containers;	/* as container_list gives them */
	char *image_id;		/* the containers' own, or NULL */
	char *tag_id;		/* what the reference points at, or NULL */
	char *project;		/* the compose project's normal name */
};

/*
 * Reads it. -1 with `service_changed` when the containers run another image
 * than when the run was planned: somebody else is at work.
 */
int target_open(struct fettle_ctx *ctx, struct engine_api *api, struct target *ret,
		struct fault *fault);
void target_close(struct target *target);
#define AUTO_TARGET __attribute__((cleanup(target_close)))

/* The level recorded before the first change. */
enum level target_level(const struct target *target);

/*
 * What an effect records of it as its before-state: service, image, tag_id,
 * image_id, level, replicas, containers (IDs). New reference.
 */
json_t *target_record(const struct target *target);

#endif
