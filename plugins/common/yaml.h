/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads the YAML that compose writes (`config`) into JSON. Not for YAML of
 * people: no positions, and what is not the plain subset a program dumps is
 * refused. Plain scalars become null, booleans, integers and reals where they
 * look so; quoted ones stay text.
 */
#ifndef FETTLE_COMMON_YAML_H
#define FETTLE_COMMON_YAML_H

#include "plugins/common/fault.h"
#include "plugins/common/text.h"

#define YAML_MAX_DEPTH 64
#define YAML_MAX_NODES 500000

/* A new reference, or NULL with `compose_output`. */
json_t *yaml_read(const char *text, size_t n, struct fault *fault);

#endif
