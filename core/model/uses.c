/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The grammar of module names: nothing that could lead out of their folder. */
#include "base/base.h"

#include "model/uses.h"

#include "base/ascii.h"

#define MAX_NAME_BYTES 63u

bool
uses_is_policy(const char *uses)
{
	size_t n = 0;

	while (ascii_is_lower(uses[n]) || ascii_is_digit(uses[n]) || uses[n] == '-')
		n++;
	return n > 0 && n <= MAX_NAME_BYTES && uses[n] == 0;
}

bool
uses_is_step(const char *uses)
{
	size_t n = 0;

	while (ascii_is_lower(uses[n]))
		n++;
	return n > 0 && n <= MAX_NAME_BYTES && uses[n] == '/' &&
	       uses_is_policy(uses + n + 1);
}
