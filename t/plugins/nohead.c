/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A shared object like any other. */
#include "misbehave.h"

FETTLE_EXPORT int nohead_function(void);

int
nohead_function(void)
{
	return 1;
}
