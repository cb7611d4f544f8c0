/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state directory: ours, private, on a disk that keeps its promises. */
#ifndef FETTLE_STORE_DIRECTORY_H
#define FETTLE_STORE_DIRECTORY_H

#include "base/err.h"

/* Makes what is missing (0700) and refuses what is unsafe. A descriptor, or -1. */
int directory_make(const char *directory, struct err *err);
/* As above, but makes nothing: -1 `store.missing`. */
int directory_open(const char *directory, struct err *err);

/*
 * A directory of ours below another, made when missing (0700): one whose loss in
 * a power cut is no harm, and one that must stay. A descriptor, or -1.
 */
int directory_below(int dirfd, const char *name, struct err *err);
int directory_below_durable(int dirfd, const char *name, struct err *err);

/* The name of a network file system by its statfs magic, or NULL: a local one. */
const char *directory_network(unsigned long magic);

#endif
