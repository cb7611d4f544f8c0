/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bytes of a YAML file, looked at before libyaml sees them: size,
 * encoding, control characters, line breaks. Knows no YAML.
 */
#ifndef FETTLE_MODEL_SCAN_H
#define FETTLE_MODEL_SCAN_H

#include "base/base.h"
#include "base/err.h"

/*
 * 0, or -1 with `yaml.size`, `yaml.encoding`, `yaml.utf8`, `yaml.syntax` (NUL,
 * a byte order mark inside), `yaml.control_char` or `yaml.line_break`, at line
 * and column (counted in characters, as libyaml counts).
 */
int scan_check(const char *text, size_t len, size_t max_bytes, const char *file,
	       struct err *err);

#endif
