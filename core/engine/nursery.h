/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The process of fettle-host that hosts are forked from (core/host/nursery.c).
 * A host is our own child all the same. One an engine; it dies with us.
 */
#ifndef FETTLE_ENGINE_NURSERY_H
#define FETTLE_ENGINE_NURSERY_H

#include "base/err.h"
#include "wire/start.h"

struct nursery;

/* Starts no process yet. lib_dir, where fettle-host is, is borrowed. */
struct nursery *nursery_new(const char *lib_dir) MUST_USE;
void nursery_free(struct nursery *nursery); /* ends the process; NULL is nothing */

/* Nothing is asked for a while: it goes, and nobody waits for that. */
void nursery_rest(struct nursery *nursery);

/* So that it is ready when the first question comes. What fails is told then. */
void nursery_warm(struct nursery *nursery);

/*
 * A host for one question: it is sent, and then the host's pid received. One at a
 * time. -1 with `spawn_failed`.
 */
int nursery_send(struct nursery *nursery, const struct start *question,
		 struct err *err);
pid_t nursery_receive(struct nursery *nursery, struct err *err);

/* Its pid, which is no child of a question; 0 when there is none. */
pid_t nursery_pid(const struct nursery *nursery);

#endif
