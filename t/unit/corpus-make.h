/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making the files of the corpus. Each 0, or -1. */
#ifndef FETTLE_UNIT_CORPUS_MAKE_H
#define FETTLE_UNIT_CORPUS_MAKE_H

#include "base/base.h"

int corpus_write(const char *path, const char *bytes, size_t len, mode_t mode);

/* The file of that name in the table of corpus-make.c; `missing` makes none. */
int corpus_make(const char *make, const char *path);

#endif
