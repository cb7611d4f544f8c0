/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end of a module process: one callback of a step that is loaded. */
#ifndef FETTLE_HOST_CALL_H
#define FETTLE_HOST_CALL_H

#include "host/host.h"

/* Calls what the host is asked for, of one module, and tells what came of it. */
_Noreturn void call_step(struct host *host, size_t index, const json_t *request,
			 const json_t *secrets);

/* What kept the callback from being called. */
_Noreturn void
call_end_with_error(struct host *host, const char *why, const struct err *err);

#endif
