/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See dwell.h. */
#include "plugins/common/dwell.h"

#include <stdlib.h>

#define FIRST_INTERVAL_MS 50

void
dwell_begin(struct dwell *dwell, int64_t within_ms, int64_t for_ms)
{
	*dwell = (struct dwell){ .within_ms = within_ms,
				 .for_ms = for_ms,
				 .interval_ms = DWELL_INTERVAL_MS,
				 .begin_ms = clock_boot_ms(),
				 .good_since_ms = -1 };
}

void
dwell_done(struct dwell *dwell)
{
	free(dwell->last);
	dwell->last = NULL;
}

static void
tell(struct dwell *dwell, struct fettle_ctx *ctx, const struct look *at)
{
	char after[32];

	if (text_equal(dwell->last, at->text))
		return;
	fettle_info(ctx, "after %s %s: %s",
		    text_ms(clock_boot_ms() - dwell->begin_ms, after),
		    at->is_good ? "good" : "bad", at->text);
	free(dwell->last);
	dwell->last = text_copy(at->text);
}

/* True when it is decided, with the answer in *ret_is_well. */
static bool
decide(struct dwell *dwell, const struct look *at, bool *ret_is_well)
{
	int64_t now_ms = clock_boot_ms();

	if (!at->is_good)
		dwell->good_since_ms = -1;
	else if (dwell->good_since_ms < 0)
		dwell->good_since_ms = now_ms;
	dwell->in_a_row = at->is_final ? dwell->in_a_row + 1 : 0;
	*ret_is_well = at->is_good && now_ms - dwell->good_since_ms >= dwell->for_ms;
	if (*ret_is_well || dwell->in_a_row >= 2)
		return true;
	return !at->is_good && now_ms - dwell->begin_ms >= dwell->within_ms;
}

static void
rest(const struct dwell *dwell, bool is_good, int64_t interval_ms)
{
	int64_t until_ms = is_good ? dwell->good_since_ms + dwell->for_ms :
				     dwell->begin_ms + dwell->within_ms;
	int64_t rest_ms = until_ms - clock_boot_ms();

	clock_sleep_ms(rest_ms < interval_ms && rest_ms > 0 ? rest_ms : interval_ms);
}

/* What a person who waits wants to know: how much longer. */
static void
tell_progress(const struct dwell *dwell, struct fettle_ctx *ctx, bool is_good)
{
	int64_t all_ms = is_good ? dwell->for_ms : dwell->within_ms;
	int64_t done_ms = clock_boot_ms() -
			  (is_good ? dwell->good_since_ms : dwell->begin_ms);
	char done[32], all[32];
	AUTO_FREE char *text = NULL;

	text_ms(done_ms / 1000 * 1000, done);
	text_ms(all_ms, all);
	text = is_good ? text_format("good for %s of %s", done, all) :
			 text_format("not good yet: %s of %s", done, all);
	fettle_progress(ctx, (uint64_t)done_ms, (uint64_t)all_ms, text);
}

bool
dwell_watch(struct dwell *dwell, struct fettle_ctx *ctx, struct look (*look)(void *at),
	    void *at)
{
	int64_t interval_ms = FIRST_INTERVAL_MS;

	for (;;) {
		struct look now = look(at);
		bool is_well = false, is_new = !text_equal(dwell->last, now.text);

		dwell->looks++;
		tell(dwell, ctx, &now);
		free(now.text);
		if (decide(dwell, &now, &is_well) || fettle_time_left(ctx) == 0)
			return is_well;
		interval_ms = is_new ? FIRST_INTERVAL_MS : interval_ms * 2;
		if (interval_ms > dwell->interval_ms)
			interval_ms = dwell->interval_ms;
		tell_progress(dwell, ctx, now.is_good);
		rest(dwell, now.is_good, interval_ms);
	}
}

int64_t
dwell_waited_ms(const struct dwell *dwell)
{
	return (dwell->good_since_ms < 0 ? clock_boot_ms() : dwell->good_since_ms) -
	       dwell->begin_ms;
}

void
dwell_set_outputs(const struct dwell *dwell, struct fettle_ctx *ctx)
{
	AUTO_FREE char *waited =
		text_format("%lld", (long long)dwell_waited_ms(dwell));
	AUTO_FREE char *looks = text_format("%lld", (long long)dwell->looks);

	fettle_set_output(ctx, "waited_ms", waited);
	fettle_set_output(ctx, "looks", looks);
	fettle_set_output_text(ctx, "last", dwell->last ? dwell->last : "");
}
