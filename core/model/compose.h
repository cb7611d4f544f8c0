/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The `compose:` of a project: which files and variables Compose is given.
 * What Compose makes of them is not known here.
 */
#ifndef FETTLE_MODEL_COMPOSE_H
#define FETTLE_MODEL_COMPOSE_H

#include "model/node.h"

/*
 * The JSON form said at struct project; node NULL: all defaults, with the
 * compose files found in `directory`. New reference, or NULL.
 */
json_t *compose_read(const struct node *node, const char *file, const char *directory,
		     struct err *err);

#endif
