/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A symbolic link that is replaced in one step: who opens it sees where it led
 * before, or where it leads afterwards, and never nothing. What both modules
 * of effect kind `symlink` share.
 */
#ifndef FETTLE_OUT_OF_TREE_LINK_H
#define FETTLE_OUT_OF_TREE_LINK_H

#include <stddef.h>

#define LINK_MAX 1024

/* Where the link leads, "" for nothing. 0, or -1 and errno (EINVAL: no link). */
int link_read(const char *path, char ret[LINK_MAX]);

/* Lets it lead there, durably; "" removes it. 0, or -1 and errno. */
int link_put(const char *path, const char *to);

/* The text of a JSON string that needs no escapes, or "" for null. 0 or -1. */
int link_of_json(const char *json, char ret[LINK_MAX]);

#endif
