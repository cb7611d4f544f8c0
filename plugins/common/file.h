/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that are not of the workspace: those are read with fettle_file(). */
#ifndef FETTLE_COMMON_FILE_H
#define FETTLE_COMMON_FILE_H

#include "plugins/common/text.h"

/* Reads a whole regular file of at most max_bytes. -1 with errno (EFBIG above). */
int file_load(const char *path, size_t max_bytes, struct text *ret);

#endif
