/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory and descriptors of modules: allocation that does not fail, and what ends with
 * its scope.
 */
#ifndef FETTLE_COMMON_MEMORY_H
#define FETTLE_COMMON_MEMORY_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/* These never return NULL: they end the process when there is no memory. */
void *x_calloc(size_t count, size_t size);
void *x_realloc(void *ptr, size_t count, size_t size);	/* checks count * size */
void *x_must(void *ptr);	/* what somebody else allocated */

void auto_free(void *p);	/* p points at the pointer */
void auto_close(int *fd);	/* closes when >= 0, keeps errno */
#define AUTO_FREE __attribute__((cleanup(auto_free)))
#define AUTO_CLOSE __attribute__((cleanup(auto_close)))
/* AUTO(edit_set): at the end of the scope edit_set_done(&x) is called. */
#define AUTO(type) __attribute__((cleanup(type##_done)))
#define STEAL(p)                                                               \
	({                                                                     \
		__auto_type steal_ = (p);                                      \
		(p) = NULL;                                                    \
		steal_;                                                        \
	})

#endif
