/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON Schema (draft 2020-12) of the files people write, for editors and CI.
 * It refuses less than `fettle check` does, and never more.
 */
#ifndef FETTLE_MODEL_SCHEMA_H
#define FETTLE_MODEL_SCHEMA_H

#include "model/description.h"
#include "model/form.h"

/*
 * The schema of a form. Modules (may be none) say which names `uses` has and
 * what `with` holds. New reference.
 */
json_t *schema_of(const struct form *form, const char *title,
		  const struct description *const *modules, size_t count);

#endif
