/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The grammar of module names: nothing that could lead out of their folder. */
#include "base/base.h"

#include "model/uses.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define MAX_NAME_BYTES 63u

bool
uses_is_policy(const char *uses)
{
	size_t n = strspn(uses, LOWER "0123456789-");

	return n > 0 && n <= MAX_NAME_BYTES && uses[n] == 0;
}

bool
uses_is_step(const char *uses)
{
	size_t n = strspn(uses, LOWER);

	return n > 0 && n <= MAX_NAME_BYTES && uses[n] == '/' &&
	       uses_is_policy(uses + n + 1);
}
