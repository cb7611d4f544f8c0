/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Findings: where a rule of the pack matched a service's log, what it caught
 * there, and, once resolved (resolve.h), what that means for this service.
 */
#ifndef FETTLE_ANALYZE_FINDING_H
#define FETTLE_ANALYZE_FINDING_H

#include "plugins/analyze/pack.h"

#define LOG_MAX_BYTES	   (1u << 20)
#define LOG_LINE_MAX_BYTES 4096u

struct finding {
	const struct rule *rule;	/* belongs to the pack */
	const struct pack *pack;	/* borrowed */
	json_t *names;			/* {name: text}: for the texts of the rule */
	char *evidence;			/* the lines it rests on */
	size_t line, lines_behind;	/* its number; how many come behind */
	int confidence;

	/* By resolving. */
	bool is_dropped;		/* means nothing here after all */
	json_t *edits;			/* what repairs it; NULL: a person has to */
	char *title, *diagnosis, *remedy;
};

struct findings {
	struct finding *v;
	size_t count;
};
void findings_done(struct findings *findings);

/*
 * A log as a program wrote it, made fit for matching and showing: no terminal
 * escapes, no control characters, no over-long lines, the last LOG_MAX_BYTES.
 */
void log_clean(const char *log, size_t len, struct text *ret);

/*
 * Adds what the pack finds in a clean log; the last time a thing is said counts.
 * *ret_gave_up grows by how many patterns were too costly for it.
 */
void findings_match(const struct pack *pack, const struct text *log,
		    struct findings *ret, size_t *ret_gave_up);

/* Drops what is_dropped, and sorts: most confident first, then what came later. */
void findings_rank(struct findings *findings);

/* The text with each {name} replaced by its value. Caller owns. */
char *names_fill(const json_t *names, const char *text);
const char *names_get(const json_t *names, const char *name);	/* "" when missing */

#endif
