/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Large members of an event travel as files of the scratch directory. Only
 * event.c uses this.
 */
#ifndef FETTLE_WIRE_SPILL_H
#define FETTLE_WIRE_SPILL_H

#include "base/err.h"
#include "base/json.h"

/* Is it {"spill": ...} and nothing else? A module's own value may look so too. */
bool is_spill(const json_t *value);

/* Writes `value` to a new file and gives out what stands for it. New reference or NULL.
 */
json_t *spill_save(int scratch_fd, const json_t *value, struct err *err);

/*
 * The value behind a spill that came from outside. Checks name, type, size and
 * hash, and removes the file. New reference, or NULL with `event.garbage`.
 */
json_t *spill_load(int scratch_fd, const json_t *spill, struct err *err);

#endif
