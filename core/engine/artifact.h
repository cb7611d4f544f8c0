/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files of a run, below its directory, registered once with size and SHA-256.
 * Losing one never stops a run: what is missing is recorded as missing.
 */
#ifndef FETTLE_ENGINE_ARTIFACT_H
#define FETTLE_ENGINE_ARTIFACT_H

#include "engine/run.h"

/* The log of one attempt, written masked while it comes. */
struct step_log {
	struct run *run;
	const char *step;
	int attempt;
	char *name;		/* `build.log`; owned */
	int fd;			/* -1: could not be opened; the run goes on */
	struct err err;		/* why it is missing */
	struct mask_stream stream;
	uint64_t bytes, dropped;
};

#define STEP_LOG_MAX_BYTES (64u << 20)

void step_log_open(struct step_log *log, struct run *run, const char *step,
		   int attempt);
void step_log_write(struct step_log *log, const char *bytes, size_t n);
/* A line of the engine's own, between the step's. */
void step_log_line(struct step_log *log, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Closes and registers it. */
void step_log_close(struct step_log *log);
/* Registers what a killed engine wrote of the log of a step that has not ended. */
int step_log_adopt(struct run *run, const char *step, int attempt, struct err *err);

/* Stores bytes (masked) under a name. step NULL: of the run itself. */
void artifact_store(struct run *run, const char *step, int attempt, const char *name,
		    const char *type, const char *bytes, size_t n);

/* STEP.diff of proposed edits; nothing when there is none. */
void artifact_keep_diff(struct run *run, const char *step, int attempt,
			const json_t *edits);

/* Copies a file of a module's scratch directory (masked when it is text). */
void artifact_copy(struct run *run, const char *step, int attempt, const json_t *event,
		   int scratch_fd);

/*
 * plan.json, once. The plan is in the store from the first commit on; the file is
 * made when there is time for it, at the latest before the run ends or waits.
 */
void artifact_plan(struct run *run);

#endif
