/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events on their way from a transaction to who listens. See store.h. */
#include "base/base.h"

#include "store/listen.h"

void
store_listen(struct store *store, const struct store_listener *listener)
{
	store->listener = listener ? *listener : (struct store_listener){ 0 };
}

void
listen_keep(struct store *store, const char *run, const char *kind, const json_t *body)
{
	if (!store->listener.event)
		return;
	if (!store->unheard)
		store->unheard = json_array();
	json_array_append_new(store->unheard, json_pack("{s:s, s:s, s:O}", "run", run,
							"kind", kind, "body", body));
}

void
listen_tell(struct store *store)
{
	AUTO(json_ref) json_t *events = STEAL(store->unheard);
	const json_t *event;
	size_t i;

	json_array_foreach (events, i, event)
		/* Who listens may have heard enough. */
		if (store->listener.event)
			store->listener.event(store->listener.self,
					      json_text(event, "run"),
					      json_text(event, "kind"),
					      json_object_get(event, "body"));
}

void
listen_forget(struct store *store)
{
	json_decref(STEAL(store->unheard));
}
