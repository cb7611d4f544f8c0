/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the store to the view. See follow.h. */
#include "base/base.h"

#include "cli/follow.h"

#include "cli/summary.h"

#define EVENTS_AT_ONCE 500

int
follow_read(struct follow *follow, struct err *err)
{
	struct engine_watch watch = view_watch(follow->view);
	/* Asked before reading: what was appended before the end is shown. */
	AUTO(json_ref) json_t *run = store_run(follow->cli->store, follow->run, err);
	size_t count, i;

	if (!run)
		return -1;
	do {
		AUTO(json_ref)
		json_t *events = store_events(follow->cli->store, follow->run,
					      follow->after, EVENTS_AT_ONCE, err);
		json_t *event;

		if (!events)
			return -1;
		count = json_array_size(events);
		json_array_foreach (events, i, event) {
			follow->after = json_int_or(event, "seq", follow->after);
			watch.event(watch.self, follow->run, json_text(event, "kind"),
				    json_object_get(event, "body"));
		}
	} while (count == EVENTS_AT_ONCE);
	watch.tick(watch.self);
	return state_is_final(json_text(run, "state"));
}
