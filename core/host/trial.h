/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One of several modules, asked in a process and on a channel of its own, so
 * that none can answer for another. What it says is checked before it is passed
 * on, and nothing of it is left when the next one is asked.
 */
#ifndef FETTLE_HOST_TRIAL_H
#define FETTLE_HOST_TRIAL_H

#include "host/host.h"

struct trial {
	struct host *host;
	size_t index;	     /* of the host's modules */
	int scratch_fd;	     /* where it spills; borrowed */
	int64_t deadline_ms; /* CLOCK_BOOTTIME; 0 none */
	/* In the new process, with its channel as EVENT_FD. Does not return. */
	void (*serve)(struct trial *trial);
	/* For each event but the answer: 0, 1 when it is none, or -1 with err. */
	int (*pass_on)(struct trial *trial, const json_t *event, struct err *err);
	const char *answers; /* the kind of event that is the answer */

	json_t *answer; /* the first one; owned */
	bool is_over_time, is_garbage;
	int status; /* of waitpid */
	int channel;
};

/* -1 when it could not be asked at all. */
int trial_run(struct trial *trial, struct err *err);
void trial_done(struct trial *trial);

/* Why there is no answer of its own, `crashed: killed`; or NULL when there is. */
char *trial_complaint(const struct trial *trial);

#endif
