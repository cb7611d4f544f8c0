/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rollback/symlink: lets every link that the run has changed lead where it led
 * before. It may run twice, and a link that somebody turned into something
 * else is left alone and told.
 */
#include <fettle/plugin.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "link.h"

static const struct fettle_param outputs[] = {
	{ "restored", FETTLE_INT, 0, NULL, NULL, "How many links lead back." },
};

static const char *const undoes[] = { "symlink", NULL };

static int
restore(struct fettle_ctx *ctx, const struct fettle_proposed_effect *effect)
{
	char before[LINK_MAX], now[LINK_MAX];

	if (link_of_json(effect->before, before) < 0)
		return fettle_error(ctx, FETTLE_WHY_BUG, "the effect is not ours");
	if (link_read(effect->target, now) < 0)
		return fettle_fail(ctx, "link_replaced",
				   "look at it, and make the link by hand",
				   "'%s' is no link any more: %s", effect->target,
				   strerror(errno));
	if (strcmp(now, before) != 0 && link_put(effect->target, before) < 0)
		return fettle_error(ctx, FETTLE_WHY_HOST, "let '%s' lead back: %s",
				    effect->target, strerror(errno));
	fettle_info(ctx, "%s leads to %s again", effect->target,
		    *before ? before : "nothing");
	return FETTLE_OK;
}

/* Newest first: what the oldest effect on a link recorded was there at the start. */
static int
run(struct fettle_ctx *ctx)
{
	struct fettle_proposed_effect effect;
	char count_text[16];
	uint32_t count = 0;

	while (fettle_proposed_effect(ctx, count, &effect))
		count++;
	for (uint32_t i = count; i-- > 0;) {
		int answer;

		(void)fettle_proposed_effect(ctx, i, &effect);
		if (strcmp(effect.kind, undoes[0]) != 0)
			continue;
		answer = restore(ctx, &effect);
		if (answer != FETTLE_OK)
			return answer;
	}
	snprintf(count_text, sizeof(count_text), "%u", (unsigned)count);
	fettle_set_output(ctx, "restored", count_text);
	return FETTLE_OK;
}

static const struct fettle_step step = {
	.head = FETTLE_STEP_HEAD,
	.name = "rollback/symlink",
	.version = "1.0",
	.summary = "Lets symbolic links lead where they led before.",
	.stage = FETTLE_ROLLBACK,
	.flags = FETTLE_REPEATABLE,
	.undoes = undoes,
	.params = FETTLE_NO_TABLE,
	.outputs = FETTLE_TABLE(outputs),
	.run = run,
};

FETTLE_STEP(step)
