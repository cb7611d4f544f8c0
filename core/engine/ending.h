/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a run is going to end, and why: filled by the first thing that went wrong. */
#ifndef FETTLE_ENGINE_ENDING_H
#define FETTLE_ENGINE_ENDING_H

#include "base/err.h"

enum ending_state {
	ENDING_SUCCEEDED,
	ENDING_FAILED,
	ENDING_DENIED,
	ENDING_CANCELLED,
	ENDING_INTERRUPTED,	/* the engine died; found by recovery */
	ENDING_ORDERED,		/* somebody asked for the rollback */
	ENDING_FAILED_FINALLY,	/* the work stands, a `finally` step failed */
	ENDING_WAITING,		/* no end: it goes on later, in some process */
};

enum unwound {
	UNWOUND_NOTHING,	/* nothing had changed */
	UNWOUND_ALL,		/* everything is as it was before */
	UNWOUND_NOT,		/* something still stands */
};

struct ending {
	enum ending_state state;
	enum unwound unwound;
	bool is_attempted;	/* a step was begun when it ended */
	bool is_transient;	/* it may work a moment later */
	bool is_answer;		/* that step ran to its end and said no */
	char step[64];		/* where it ended, or "" */
	struct err cause;	/* why */
	struct err rollback;	/* why not all is put back; code "" when it is */
};

#endif
