/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One slot of a worker: a process that carries out one run and ends. */
#ifndef FETTLE_CLI_SLOT_H
#define FETTLE_CLI_SLOT_H

#include "cli/cli.h"

enum slot_mode {
	SLOT_STAY,	/* wait until there is a run */
	SLOT_DRAIN,	/* until the queue is empty */
	SLOT_ONCE,	/* take what is there now */
};

/* How a slot's process ends; anything else is a crash. */
enum slot_end {
	SLOT_WORKED = 0,
	SLOT_IDLE = 10,		/* there was nothing for it, and will not be */
};

struct slot {
	const char *worker;	/* `HOST/PID` */
	enum slot_mode mode;
	int drain_fd;		/* readable, or at its end: take nothing more */
};

/*
 * What the slot's process does, from its fork on: SIGUSR1 cancels its run, other
 * signals are the worker's business. Returns how it is to end.
 */
int slot_main(struct cli *cli, const struct slot *slot);

#endif
