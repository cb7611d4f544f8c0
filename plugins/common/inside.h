/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Probes that ask inside a container: a command that must end with status 0,
 * and a pattern its log must hold. Through the Engine API.
 */
#ifndef FETTLE_COMMON_INSIDE_H
#define FETTLE_COMMON_INSIDE_H

#include "plugins/common/engine_api.h"
#include "plugins/common/probe.h"

/*
 * What is remembered from look to look, an object the caller owns: patterns
 * that were seen, and commands that did not end in time (ending our side of an
 * exec does not end the command: it is not started again while it runs).
 */
bool inside_ask(struct engine_api *api, const json_t *probe, const json_t *container,
		json_t *memory, int64_t limit_ms, char **ret_text);

#endif
