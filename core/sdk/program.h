/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One program, from fork to the end of its last descendant. Knows nothing of
 * contexts and events; exec.c does.
 */
#ifndef FETTLE_SDK_PROGRAM_H
#define FETTLE_SDK_PROGRAM_H

#include "base/err.h"
#include "base/str.h"

#define CAPTURE_MAX_BYTES (16u << 20)
#define TAIL_BYTES (4u << 10)
#define LONG_TAIL_BYTES (1u << 20)

struct capture {
	int fd; /* our end of the pipe, -1 when it ended */
	struct str bytes;
	bool is_cut;  /* there was more than CAPTURE_MAX_BYTES */
	size_t tail_bytes; /* not 0: passed on to our own output, so many kept */
};

struct program {
	/* in */
	char *const *argv, *const *env;
	const char *base_directory; /* `directory` is relative to it */
	const char *directory;	    /* NULL: base_directory itself */
	bool captures_out, captures_err;
	size_t tail_bytes; /* to keep of what is not captured, in err; or 0 */
	bool in_own_namespace;
	uint64_t limit_ms; /* UINT64_MAX: none */
	bool (*is_cancelled)(void);
	/* out */
	int status, signal; /* -1 and what killed it, or the exit status and 0 */
	bool timed_out;	    /* ended by us: time is over, or cancelled */
	struct capture out, err;
};

/* 0 when it was started (and has ended, with its descendants), or -1. */
int program_run(struct program *program, struct err *err);
void program_done(struct program *program);

#endif
