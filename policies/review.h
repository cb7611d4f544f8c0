/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a reader of an edit would stumble over, by file, and how bad it is. All of
 * it is collected, so that a person is told everything at once.
 */
#ifndef FETTLE_POLICIES_REVIEW_H
#define FETTLE_POLICIES_REVIEW_H

#include <stdbool.h>

#include "plugins/common/text.h"

enum level { LEVEL_ALLOW, LEVEL_HOLD, LEVEL_DENY };

struct review {
	enum level level;	/* the worst so far */
	struct text reasons;
	size_t count;		/* of remarks; the first ones are in reasons */
	const char *path;	/* of the edit at hand */
	enum level new_dependency;
};

/* `PATH: WHY: LINE [content.CODE]`; line may be NULL. LEVEL_ALLOW adds nothing. */
void review_add(struct review *review, enum level level, const char *code,
		const char *why, const char *line);

/* A pattern (POSIX extended, upper and lower case alike) and what a match means. */
struct rule {
	const char *pattern;
	enum level level;
	const char *code, *why;
};
/* A table's patterns are compiled once: it must be the same one each time. */
void review_match(struct review *review, const struct rule *rules, size_t count,
		  const char *line);
/* The same for a pattern that is used now and then. */
bool line_matches(const char *line, const char *pattern);

/*
 * The lines of `after` that are not in `before`, each as often as it came anew;
 * either may be NULL. Blanks at both ends are not compared. logical: a line that
 * ends in a backslash goes on in the next, and comments are left out.
 */
typedef void (*line_handler)(struct review *review, const char *line, void *more);
void each_new_line(const char *before, const char *after, bool is_logical,
		   struct review *review, line_handler handle, void *more);

#endif
