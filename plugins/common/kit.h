/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A few more plain tools for modules, on top of text.h: memory, descriptors, files. */
#ifndef FETTLE_COMMON_KIT_H
#define FETTLE_COMMON_KIT_H

#include <stdlib.h>
#include <string.h>

#include "plugins/common/text.h"

/* These never return NULL: they end the process when there is no memory. */
void *x_calloc(size_t count, size_t size);
void *x_realloc(void *ptr, size_t count, size_t size);	/* checks count * size */

void auto_close(int *fd);	/* closes when >= 0, keeps errno */
#define AUTO_CLOSE __attribute__((cleanup(auto_close)))
/* AUTO(edit_set): at the end of the scope edit_set_done(&x) is called. */
#define AUTO(type) __attribute__((cleanup(type##_done)))
#define STEAL(p)                                                               \
	({                                                                     \
		__auto_type steal_ = (p);                                      \
		(p) = NULL;                                                    \
		steal_;                                                        \
	})

/* What the text holds, owned by the caller, never NULL; the text is empty after. */
char *text_take(struct text *text);

/* Moves `from` into `to`; what was in `to` is gone, `from` is empty after. */
void text_move(struct text *to, struct text *from);

/* The member's text, or "" when it is missing or no string. Borrowed. */
const char *json_text(const json_t *object, const char *key);

/* Reads a whole regular file of at most max_bytes. -1 with errno (EFBIG above). */
int file_load(const char *path, size_t max_bytes, struct text *ret);

#endif
