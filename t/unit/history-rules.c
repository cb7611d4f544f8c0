/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules of holds and approvals. See history-rules.h. */
#include "history-rules.h"

/* A time that was seen once is not undone by setting the clock back. */
bool
rule_is_in_time(const struct rule_hold *hold, int64_t now_ms)
{
	return now_ms < hold->expires_ms && hold->latest_ms < hold->expires_ms;
}

static bool
has_role(const struct need *need, unsigned roles)
{
	return need->roles == 0 || (need->roles & roles) != 0;
}

/* What was right when it was said must still be right when it is used. */
bool
rule_counts(const struct rule_hold *hold, const struct need *need,
	    const struct person *people, size_t i)
{
	bool is_requester = hold->requesters >> i & 1;

	return hold->has_said[i] && people[i].is_human && !people[i].is_disabled &&
	       has_role(need, people[i].roles) &&
	       has_role(need, hold->roles_said[i]) &&
	       (need->self_approval || !is_requester);
}

bool
rule_is_full(const struct rule_hold *hold, const struct person *people)
{
	for (size_t n = 0; n < hold->need_count; n++) {
		unsigned count = 0;

		for (size_t i = 0; i < PEOPLE; i++)
			count += rule_counts(hold, &hold->needs[n], people, i);
		if (count < hold->needs[n].quorum)
			return false;
	}
	return true;
}

bool
rule_is_same(const struct matter *a, const struct matter *b)
{
	return strcmp(a->before, b->before) == 0 && a->config == b->config &&
	       a->asked == b->asked && a->modules == b->modules;
}

bool
rule_may_open(const struct rule_hold *hold, const struct person *people,
	      const struct matter *matter, int64_t now_ms)
{
	return hold->state == HOLD_OPEN && rule_is_in_time(hold, now_ms) &&
	       rule_is_full(hold, people) && rule_is_same(&hold->matter, matter);
}

/* The hold as it is when that person has said yes, now. */
static bool
would_count(const struct rule_hold *hold, const struct person *people, size_t person)
{
	struct rule_hold with = *hold;

	with.has_said[person] = true;
	with.roles_said[person] = people[person].roles;
	for (size_t n = 0; n < hold->need_count; n++)
		if (rule_counts(&with, &hold->needs[n], people, person))
			return true;
	return false;
}

const char *
rule_answer(const struct rule_hold *hold, const struct person *people, size_t person,
	    const char *digest, bool is_waiting, int64_t now_ms)
{
	if (person == PEOPLE || people[person].is_disabled)
		return "approver_unknown";
	if (!people[person].is_human)
		return "approver_class";
	if (!is_waiting || hold->state != HOLD_OPEN)
		return "approval_not_applicable";
	if (!rule_is_in_time(hold, now_ms))
		return "approval_expired";
	if (!*digest)
		return "approval.digest_required";
	if (strcmp(digest, hold->digest) != 0)
		return "approval_invalid";
	if (hold->has_said[person] || would_count(hold, people, person))
		return "";

	struct rule_hold of_nobody = *hold;
	of_nobody.requesters = 0;
	return would_count(&of_nobody, people, person) ? "self_approval" :
							 "approver_role";
}
