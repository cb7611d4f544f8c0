/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rate: a service that is repaired again and again is not being repaired. Too
 * many runs in a period are refused; too many that did not help need people.
 */
#include <stdlib.h>

#include "plugins/common/text.h"
#include "policies/need.h"
#include "policies/scope.h"

enum { STAGES, SERVICES, MAX_RUNS, MAX_FAILED, PER, OVER };

static const struct fettle_param params[] = {
	{ "stages", FETTLE_LIST, 0, "[patch]", NULL,
	  "The stages at which runs are counted." },
	SERVICES_ROW,
	{ "max_runs", FETTLE_INT, 0, "6", "1..99",
	  "How many runs of a service may begin in a period." },
	{ "max_failed", FETTLE_INT, 0, "2", "0..99",
	  "How many of them may have ended without success before the next one waits "
	  "for people." },
	{ "per", FETTLE_DURATION, 0, "1h", "1m..720h", "The period." },
	OVER_ROW,
	NEED_ROWS("1", "1..20", "60m"),
};

struct count {
	int64_t runs, failed;
};

static bool
is_failed(const char *state)
{
	return text_equal(state, "failed") || text_equal(state, "rolled_back") ||
	       text_equal(state, "rollback_failed");
}

static struct count
count_since(const json_t *history, int64_t since)
{
	struct count count = { 0, 0 };
	const json_t *run;
	size_t i;

	json_array_foreach(history, i, run) {
		if (json_member_int(run, "queued_ms", INT64_MAX) < since)
			continue;
		count.runs++;
		count.failed += is_failed(json_member(run, "state"));
	}
	return count;
}

static int
judge(struct fettle_ctx *ctx)
{
	const char *text = fettle_fact(ctx, "history"), *now = fettle_fact(ctx, "now");
	const char *unknown = scope_unknown_stage(ctx, STAGES);
	AUTO_JSON json_t *history = text ? json_of(text) : NULL;
	uint64_t per = fettle_param_ms(ctx, PER);
	char period[32];

	if (unknown)
		return fettle_deny(ctx,
				   "parameter `stages` names '%s', which is no stage",
				   unknown);
	/* Who goes back ends the repairing. */
	if (scope_is_rollback(ctx))
		return FETTLE_ABSTAIN;
	if (!scope_has_stage(ctx, STAGES) || !scope_has_service(ctx, SERVICES))
		return FETTLE_ABSTAIN;
	if (!json_is_array(history) || !now)
		return fettle_deny(ctx,
				   "the runs before cannot be read, so they cannot be "
				   "counted");
	struct count count =
		count_since(history, strtoll(now, NULL, 10) - (int64_t)per);
	text_ms((int64_t)per, period);
	/* This run is one more. */
	if (count.runs + 1 > fettle_param_int(ctx, MAX_RUNS)) {
		AUTO_FREE char *why = text_format(
			"%lld runs of this service began in the last %s, and at most "
			"%lld may",
			(long long)count.runs + 1, period,
			(long long)fettle_param_int(ctx, MAX_RUNS));
		return need_refuse(ctx, OVER, why);
	}
	if (count.failed > fettle_param_int(ctx, MAX_FAILED)) {
		AUTO_FREE char *why = text_format(
			"%lld runs of this service failed in the last %s: somebody "
			"should look at it before it is changed again",
			(long long)count.failed, period);
		return need_hold(ctx, OVER + 1, 0, why);
	}
	return FETTLE_ABSTAIN;
}

static const struct fettle_policy policy = {
	.head = FETTLE_POLICY_HEAD,
	.name = "rate",
	.version = FETTLE_VERSION,
	.summary = "Limits how often a service is repaired; lets a flapping one wait.",
	.stages = FETTLE_ALL_STAGES,
	.flags = FETTLE_JUDGES_HISTORY,
	.params = FETTLE_TABLE(params),
	.judge = judge,
};

FETTLE_POLICY(policy)
