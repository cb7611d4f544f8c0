/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The processes below this one, as /proc shows them. For where there is no
 * PID namespace that could be emptied with one call: the caller is a child
 * subreaper, so whatever loses its parent becomes a child of the caller.
 */
#ifndef FETTLE_WIRE_TREE_H
#define FETTLE_WIRE_TREE_H

#include "base/base.h"

struct pids {
	pid_t *v;
	size_t count;
};
#define PIDS_INIT                                                                      \
	{                                                                              \
		NULL, 0                                                                \
	}

void pids_done(struct pids *pids);

/* Has this process a child, running or not yet waited for? */
bool tree_has_children(void);

/* Has this child ended? It is not reaped. */
bool tree_has_ended(pid_t child);

/* The direct children. -1 when /proc is not that of our PID namespace. */
int tree_children(struct pids *ret);

/* Are there more descendants than this? */
bool tree_is_above(size_t limit);

/* Signals every descendant. */
void tree_signal(int signal);

/*
 * Kills and reaps every descendant, until none is left but the children in
 * `keep` (may be NULL) and theirs.
 */
void tree_kill(const struct pids *keep);

#endif
