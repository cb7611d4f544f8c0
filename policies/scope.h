/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which steps and services a policy is about, by its parameters. */
#ifndef FETTLE_POLICIES_SCOPE_H
#define FETTLE_POLICIES_SCOPE_H

#include <fettle/plugin.h>
#include <stdbool.h>

#define SERVICES_ROW                                                              \
	{ "services", FETTLE_LIST, 0, NULL, NULL,                                 \
	  "The services it is about; none: all." }

/* Whether the step puts back what another run changed, because somebody ordered it. */
bool scope_is_rollback(struct fettle_ctx *ctx);
/*
 * Whether the step's stage is in the list of names at `param`. An ordered rollback
 * changes files, images and containers at once: it is of the stages rollback, patch,
 * build and restart, and of every other one whose changes it puts back.
 */
bool scope_has_stage(struct fettle_ctx *ctx, uint32_t param);
/*
 * Whether patch is in the list of stages at `param`, and the step is an analysis that
 * changes a protected service before any patch: one that tries its build.
 */
bool scope_is_early_change(struct fettle_ctx *ctx, uint32_t param);
/* Whether the service is in the list at `param`, or the list is empty. */
bool scope_has_service(struct fettle_ctx *ctx, uint32_t param);

/* The first name in the list that is no stage, or NULL: a typing error would pass. */
const char *scope_unknown_stage(struct fettle_ctx *ctx, uint32_t param);

#endif
