/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Signals of a run in the foreground: SIGINT and SIGTERM ask the engine to
 * cancel and unwind, SIGHUP means that nobody watches any more.
 */
#ifndef FETTLE_CLI_SIGNALS_H
#define FETTLE_CLI_SIGNALS_H

#include "base/err.h"

/*
 * Installs the handlers once. *ret_cancel_fd becomes readable with the first
 * SIGINT or SIGTERM and stays open until the program ends. 0 or -1.
 */
int signals_install(int *ret_cancel_fd, struct err *err);

/*
 * For a slot of a worker: SIGUSR1 alone makes *ret_cancel_fd readable; what the
 * terminal or a service manager sends to all processes is the worker's business.
 */
int signals_install_slot(int *ret_cancel_fd, struct err *err);

unsigned signals_cancels(void); /* how often a person asked to stop */
bool signals_hung_up(void);	/* the terminal is gone */
unsigned signals_continues(void); /* how often it was stopped and went on: `fg` */

#endif
