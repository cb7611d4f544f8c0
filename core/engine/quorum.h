/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether enough of the right people agreed to a hold (hold.h). Approvals are
 * counted here and nowhere else; a policy only says who must agree.
 */
#ifndef FETTLE_ENGINE_QUORUM_H
#define FETTLE_ENGINE_QUORUM_H

#include "base/json.h"
#include "model/site.h"

/* The approvals that count for a need by what the site says now: array of names. */
json_t *quorum_count(const json_t *hold, const json_t *need, const struct site *site);
/* Whether every need has its quorum. */
bool quorum_is_full(const json_t *hold, const struct site *site);
/* Adds who is still needed, for people. */
void quorum_add_missing(const json_t *hold, const struct site *site, struct str *out);

/* How many people there are whose agreement would count for a need. */
int64_t quorum_possible(const struct site *site, const json_t *need,
			const json_t *requesters);

#endif
