/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting for one child, passing TERM on, and leaving nothing behind. */
#ifndef FETTLE_HOST_SUPERVISE_H
#define FETTLE_HOST_SUPERVISE_H

#include "base/base.h"

#include <sys/types.h>

enum scope {
	SCOPE_CHILD,	 /* the child is PID 1 of a namespace and cleans up itself */
	SCOPE_NAMESPACE, /* we are that PID 1 */
	SCOPE_TREE,	 /* there is no namespace: we are a subreaper */
};

/* Blocks the signals that supervise() takes; before the first fork. */
void supervise_prepare(void);

/* All signals unblocked again, in a child. */
void supervise_release(void);

/* All signals unblocked and as by default: what a program may count on. */
void supervise_reset(void);

/* Processes a module may have at a time; threads count where there is a namespace. */
#define PROCESSES_MAX 2048

/* How a child ended. */
struct ended {
	int status;	 /* its exit status; for a signal as a shell has it: 128 + N */
	int signal;	 /* what killed it, or 0 */
	bool is_crowded; /* it was ended for having more than PROCESSES_MAX */
};

/* Returns when the child has ended and nothing of the scope is left. */
struct ended supervise(pid_t child, enum scope scope);

#endif
