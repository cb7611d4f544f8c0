/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Does a container still have the configuration it was made with? Compose labels
 * each with a hash of it, and prints the hash that it would give now.
 */
#ifndef FETTLE_COMMON_DRIFT_H
#define FETTLE_COMMON_DRIFT_H

#include "plugins/common/compose.h"

/*
 * {"api": [HASH...]}: the hashes that containers made of this configuration may
 * have. Version 2 hashes services otherwise for a label than for `config
 * --hash`: with the contents of their env_file and, up to 2.3x, without
 * depends_on after `up --no-deps`. What those give is asked for only when a
 * container does not have the plain one. config: what `config` printed.
 */
int drift_hashes(struct compose *compose, const json_t *config,
		 const json_t *containers, json_t **ret, struct fault *fault);

/*
 * The pure part: does one of the containers have none of the hashes? tag_id: what
 * the image reference points at; the hash of version 1 covers the image ID, so
 * with another image it tells nothing. No hashes: no.
 */
bool drift_found(const json_t *hashes, const json_t *containers, const char *tag_id,
		 bool is_v1);

/* Adds lines `api HASH` to {"api": [HASH...]}. */
void drift_add_hashes(json_t *hashes, const char *text);

#endif
