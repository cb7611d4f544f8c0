/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Refusing what a paused site must not begin. See pause.h. */
#include "base/base.h"

#include "engine/pause.h"

#include "base/clock.h"

int
pause_check(struct store *store, struct err *err)
{
	AUTO(json_ref) json_t *paused = store_paused(store, err);
	char since[32];

	if (!paused)
		return -1;
	if (json_is_null(paused))
		return 0;
	const char *reason = json_text(paused, "reason");
	err_set(err, "paused", "the site was paused by %s at %s%s%s",
		json_text(paused, "by"),
		clock_format(json_int_or(paused, "time_ms", 0), since),
		*reason ? ": " : "", reason);
	return err_remedy(err, "`fettle resume` lets runs begin again; until then "
			       "`fettle run --queue` puts one in the queue");
}
