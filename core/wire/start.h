/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the engine hands its nursery to start one host: the descriptors that
 * the host shall have, and the name of the attempt. The nursery answers with
 * the host's pid. Both ends are of the same build.
 */
#ifndef FETTLE_WIRE_START_H
#define FETTLE_WIRE_START_H

#include "base/err.h"

enum start_fd {
	START_LOG, /* becomes the host's 1 and 2 */
	START_REQUEST,
	START_EVENTS,
	START_SECRETS,
	START_LOCK,
	START_FDS
};

struct start {
	int fds[START_FDS]; /* -1: the host shall have none */
	char attempt[256];  /* FETTLE_ATTEMPT of every process */
};

/* 0, or -1 with `spawn_failed`. The descriptors stay the caller's. */
int start_send(int channel, const struct start *start, struct err *err);

/* 1 and *ret, whose descriptors are the caller's; 0 at the end of the channel; -1. */
int start_receive(int channel, struct start *ret, struct err *err);

void start_close(struct start *start);

/* The answer: a pid, or the negative errno of what kept it from starting. */
int start_reply(int channel, pid_t pid, struct err *err);
int start_await_reply(int channel, pid_t *ret, struct err *err);

#endif
