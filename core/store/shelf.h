/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Going through the files of a store: blobs, and what runs left. */
#ifndef FETTLE_STORE_SHELF_H
#define FETTLE_STORE_SHELF_H

#include <sys/stat.h>

#include "base/err.h"

/* dirfd/name is a regular file, `parent` the name of its directory. 0, -1 to stop. */
typedef int shelf_visit(void *self, int dirfd, const char *parent, const char *name,
			const struct stat *st, struct err *err);

/*
 * Each regular file two levels below `root`: blobs/ab/abcd..., runs/RUN/NAME. A
 * directory that does not exist has none. 0 or -1.
 */
int shelf_each(const char *root, shelf_visit *visit, void *self, struct err *err);

struct shelf_sum {
	int64_t count, bytes;
};
int shelf_count(const char *root, struct shelf_sum *ret, struct err *err);

#endif
