/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A command inside a running container, through the Engine API. */
#ifndef FETTLE_COMMON_ENGINE_EXEC_H
#define FETTLE_COMMON_ENGINE_EXEC_H

#include "plugins/common/engine_api.h"

#define EXEC_OUTPUT_MAX_BYTES (64u << 10)

struct exec_end {
	char id[65];
	bool is_running;	/* the time was over first: it goes on */
	int64_t status;		/* 126, 127: it could not be started */
};

/*
 * Starts argv (a list of words) and reads what it writes until it ends or the
 * time is over. *output: its first 64 KiB. 1, 0 no such container, -1.
 */
int engine_exec(struct engine_api *api, const char *container, const json_t *argv,
		int64_t limit_ms, struct text *output, struct exec_end *ret,
		struct fault *fault);

/* How it is now. 1, 0 when the engine knows it no more, -1. */
int engine_exec_look(struct engine_api *api, const char *exec_id, struct exec_end *ret,
		     struct fault *fault);

#endif
