/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls that have caused too many defects elsewhere. Naming one of them
 * stops the build; the comment says what to use. Included behind the headers
 * that declare them.
 */
#ifndef FETTLE_BASE_BANNED_H
#define FETTLE_BASE_BANNED_H

/* With _FORTIFY_SOURCE some of them are macros. */
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat sprintf vsprintf	/* str_add, snprintf */
#pragma GCC poison gets strtok sscanf			/* num_*, own parsing */
#pragma GCC poison atoi atol atoll			/* num_* */
#pragma GCC poison system popen tmpnam mktemp		/* argv arrays, mkostemp */

#endif
