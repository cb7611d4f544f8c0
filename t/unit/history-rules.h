/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rules of holds and approvals once more, as short as they can be said and
 * without a look at the engine: what approval-history-test.c compares it with.
 * Knows neither store nor engine.
 */
#ifndef FETTLE_UNIT_HISTORY_RULES_H
#define FETTLE_UNIT_HISTORY_RULES_H

#include "base/base.h"

#define PEOPLE 6
#define NEEDS 2

struct person {
	const char *name, *accounts[2];
	unsigned roles;		/* a bit each */
	bool is_human, is_disabled;
};

struct need {
	unsigned roles, quorum;	/* roles 0: anybody's */
	bool self_approval;
	int64_t valid_ms;
};

/* What people agree to. Two are the same when all of it is. */
struct matter {
	char before[65];	/* of the file that is to be changed */
	unsigned config, asked, modules;	/* which version of it */
};

struct rule_hold {
	enum { HOLD_NONE, HOLD_OPEN, HOLD_REJECTED, HOLD_OVER } state;
	char step[16], digest[65];
	struct matter matter;
	struct need needs[NEEDS];
	size_t need_count;
	unsigned requesters;	/* a bit a person */
	int64_t expires_ms, latest_ms; /* latest: any time that was seen since */
	bool has_said[PEOPLE];
	unsigned roles_said[PEOPLE]; /* those the person had then */
};

bool rule_is_in_time(const struct rule_hold *hold, int64_t now_ms);
/* Whether a person who said yes counts for a need now. */
bool rule_counts(const struct rule_hold *hold, const struct need *need,
		 const struct person *people, size_t i);
bool rule_is_full(const struct rule_hold *hold, const struct person *people);
/* Whether the step may be carried out, of a run that found that matter. */
bool rule_may_open(const struct rule_hold *hold, const struct person *people,
		   const struct matter *matter, int64_t now_ms);
bool rule_is_same(const struct matter *a, const struct matter *b);

/*
 * What comes of an answer: the code it is refused with, or "". person: PEOPLE
 * for somebody unknown. is_waiting: the run does.
 */
const char *rule_answer(const struct rule_hold *hold, const struct person *people,
			size_t person, const char *digest, bool is_waiting,
			int64_t now_ms);

#endif
