/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * diff-size: a repair is small. More files or lines than that are another kind of
 * change, which somebody should look at.
 */
#include "plugins/common/text.h"
#include "policies/need.h"
#include "policies/scope.h"

enum { MAX_FILES, MAX_LINES, OVER };

static const struct fettle_param params[] = {
	{ "max_files", FETTLE_INT, 0, "5", "0..", "How many files a step may edit." },
	{ "max_lines", FETTLE_INT, 0, "50", "0..",
	  "How many lines it may add and remove, together." },
	OVER_ROW,
	NEED_ROWS("1", "1..20", "60m"),
};

static int
judge(struct fettle_ctx *ctx)
{
	const char *text = fettle_fact(ctx, "edits");
	AUTO_JSON json_t *edits = text ? json_of(text) : NULL;
	int64_t max_files = fettle_param_int(ctx, MAX_FILES);
	int64_t max_lines = fettle_param_int(ctx, MAX_LINES), lines = 0;
	const json_t *edit;
	size_t i;

	if (!json_is_array(edits))
		return fettle_deny(ctx, "the edits cannot be read, so they cannot be "
					"measured");
	json_array_foreach(edits, i, edit)
		lines += json_member_int(edit, "added", INT32_MAX) +
			 json_member_int(edit, "removed", INT32_MAX);
	if ((int64_t)i <= max_files && lines <= max_lines)
		return FETTLE_ABSTAIN;
	AUTO_FREE char *why = text_format("%zu files and %lld lines would change, and "
					  "at most %lld files and %lld "
					  "lines may",
					  i, (long long)lines, (long long)max_files,
					  (long long)max_lines);
	return need_refuse(ctx, OVER, why);
}

static const struct fettle_policy policy = {
	.head = FETTLE_POLICY_HEAD,
	.name = "diff-size",
	.version = FETTLE_VERSION,
	.summary = "Limits how many files and lines one step may change.",
	.stages = FETTLE_ALL_STAGES,
	.flags = FETTLE_JUDGES_EDITS_ONLY | FETTLE_JUDGES_CONTENT,
	.params = FETTLE_TABLE(params),
	.judge = judge,
};

FETTLE_POLICY(policy)
