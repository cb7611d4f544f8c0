/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images of the Docker engine: what a reference points at, and moving references. */
#ifndef FETTLE_COMMON_IMAGE_H
#define FETTLE_COMMON_IMAGE_H

#include "plugins/common/engine_api.h"

/* 1 with the image ID a reference (or an ID) stands for (caller owns), 0 when none, -1.
 */
int
image_find(struct engine_api *api, const char *ref, char **ret_id, struct fault *fault);

/* Points `ref` at an image. 1; 0 when that image does not exist; -1. */
int
image_tag(struct engine_api *api, const char *id, const char *ref, struct fault *fault);

/* Takes a reference away; the image goes with its last one. 1, 0 when there was none,
 * -1. */
int image_untag(struct engine_api *api, const char *ref, struct fault *fault);

/* Splits `host:5000/a/b:tag` into repository and tag (`latest` when none). Caller owns
 * both. */
void image_split(const char *ref, char **ret_repository, char **ret_tag);

#endif
