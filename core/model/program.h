/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An argv as it is written in a pipeline, and where in it a program text
 * stands: `sh -c TEXT`, `python3 -c TEXT`. A reference there would let a value
 * become code.
 */
#ifndef FETTLE_MODEL_PROGRAM_H
#define FETTLE_MODEL_PROGRAM_H

#include "base/err.h"
#include "base/json.h"

/*
 * The first argument that must not hold `${{ }}` but does: a program text, an
 * option or script of an interpreter; count when all is well.
 */
size_t program_find_template(const char *const *argv, size_t count);

/*
 * The same argv as written and with its expressions replaced (JSON arrays): a
 * text that begins with `-` where an expression stood would be an option, so
 * it is refused (`template.option`) unless `--` was written before it.
 */
int program_check_values(const json_t *written, const json_t *replaced,
			 struct err *err);

#endif
