/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A module in the common subset of C99 and C++11, without a system header of
 * its own: headers.sh compiles it to see that plugin.h asks for nothing more.
 */
#include <fettle/plugin.h>
#include <fettle/plugin.h>

enum { GREETING, LIMIT };
static const struct fettle_param params[] = {
	{ "greeting", FETTLE_STRING, FETTLE_REQUIRED, NULL, "1..80", "Text to say." },
	{ "limit", FETTLE_DURATION, 0, "5s", NULL, "How long to wait." },
};

static const char *const effects[] = { "word", NULL };

static int
propose(struct fettle_ctx *ctx)
{
	if (!fettle_param_known(ctx, GREETING))
		return FETTLE_OK;
	fettle_effect(ctx, "word", fettle_param_text(ctx, GREETING), "{}",
		      "a word is said");
	return FETTLE_OK;
}

static int
run(struct fettle_ctx *ctx)
{
	if (fettle_time_left(ctx) < fettle_param_ms(ctx, LIMIT))
		return fettle_error(ctx, FETTLE_WHY_TRANSIENT, "only %d ms are left",
				    (int)fettle_time_left(ctx));
	fettle_info(ctx, "%s", fettle_param_text(ctx, GREETING));
	return FETTLE_OK;
}

static const struct fettle_step greet = {
	FETTLE_STEP_HEAD, "control/greet", "1.0", "Says a word.", FETTLE_CONTROL,
	FETTLE_REPEATABLE, effects, NULL, FETTLE_TABLE(params), FETTLE_NO_TABLE,
	NULL, propose, run, NULL,
};
FETTLE_STEP(greet)
