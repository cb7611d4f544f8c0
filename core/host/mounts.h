/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Techniques of the jail that make and use namespaces. Each: 0, or -1 with errno. */
#ifndef FETTLE_HOST_MOUNTS_H
#define FETTLE_HOST_MOUNTS_H

#include "host/jail.h"

/* The caller is PID 1 of a new namespace, or its next child is. */
int mounts_unshare(struct jail *jail);
int mounts_make_private(struct jail *jail);
int mounts_protect_workspace(struct jail *jail);
int mounts_own_proc(struct jail *jail);

#endif
