/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a program says through the file in $FETTLE_OUTPUTS:
 *
 *	NAME=VALUE
 *	NAME<<END
 *	any lines
 *	END
 */
#ifndef FETTLE_COMMON_OUTPUTS_H
#define FETTLE_COMMON_OUTPUTS_H

#include "plugins/common/text.h"

#define OUTPUTS_MAX_BYTES (1u << 20)

/*
 * An object of texts (new reference), or NULL and *why (a sentence with the
 * line). A later value of a name wins. Names are letters, digits and `_`.
 */
json_t *outputs_parse(const char *bytes, size_t len, struct text *why);

#endif
