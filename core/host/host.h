/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Program fettle-host: one question to one module (or, for judge, several),
 * in a jail.
 *
 *	nursery         waits for questions, forks an outer host for each
 *	outer host      the engine's child: jails, opens and checks module files
 *	 `- init        PID 1 of the namespace: passes TERM on, reaps, kills the rest
 *	     `- module  loads, runs the callback, tells the result
 *
 * Where the nursery may make namespaces, the outer host is born as PID 1 and init
 * at once. Without a PID namespace it does init's work as a subreaper.
 */
#ifndef FETTLE_HOST_HOST_H
#define FETTLE_HOST_HOST_H

#include "base/err.h"
#include "base/json.h"
#include "host/jail.h"
#include "host/module.h"

#define LOCK_FD 6 /* behind the descriptors of wire/request.h; may be absent */

struct host {
	json_t *request; /* checked */
	const char *call;
	int scratch_fd;
	struct module *modules;
	size_t module_count;
	struct jail jail;
};

/*
 * Reads descriptor 3 and answers on 4. is_init: the caller is PID 1 of new PID and
 * mount namespaces. Returns the exit status of the program.
 */
int host_serve(bool is_init);

/*
 * `fettle-host --nursery`: waits on descriptor 3 (wire/start.h) and forks a host
 * for each question. Returns when the engine is gone: the exit status.
 */
int nursery(void);

/* The module process: never returns. */
_Noreturn void call_serve(struct host *host);

/* The last event for what went wrong before a callback could answer. */
void host_send_error(const struct host *host, const char *why, const struct err *err);

/* `fettle-host --replay FILE`: repeats a kept request, events to standard output. */
int replay(const char *file);

#endif
