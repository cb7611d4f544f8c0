/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A client of StatsD: lines into datagrams, and datagrams on their way. It never
 * waits and never fails: what cannot be sent is dropped, and told as counter
 * `metrics.dropped` with what gets through next.
 */
#ifndef FETTLE_ENGINE_STATSD_H
#define FETTLE_ENGINE_STATSD_H

#include <sys/socket.h>

#include "base/str.h"
#include "model/sink.h"

#define STATSD_MAX_BYTES 1432 /* of a datagram: what every network passes whole */

struct statsd {
	struct sink sink;
	struct sockaddr_storage address;
	socklen_t address_len;	/* 0: nobody is there to be told */
	int fd;			/* connected, or -1: not yet */
	struct str lines;	/* of the datagram that is being made */
	uint64_t line_count;
	uint64_t last_count;	/* of the datagram before, dropped ones it told too */
	uint64_t dropped;	/* lines that are not told of yet */
};
#define STATSD_INIT { .fd = -1 }
void statsd_done(struct statsd *statsd);

/* Adds one word of a name: nothing gets through that means something to StatsD. */
void statsd_add_word(struct str *name, const char *word);

/* Names are words with dots between them. What does not fit is sent first. */
void statsd_count(struct statsd *statsd, const char *name);
void statsd_time(struct statsd *statsd, const char *name, int64_t ms);
void statsd_send(struct statsd *statsd);

/*
 * Sends nothing that counts and listens for a refusal: false and errno when there
 * is one at once.
 */
bool statsd_is_heard(struct statsd *statsd);

#endif
