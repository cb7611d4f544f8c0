/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See neighbours.h. */
#include "plugins/common/neighbours.h"

#include <string.h>
#include <time.h>

static double
wall_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int
list_others(struct engine_api *api, const char *project, const char *service,
	    json_t **ret, struct fault *fault)
{
	AUTO_JSON json_t *all = NULL;
	size_t i;
	json_t *c;

	if (container_list(api, project, NULL, &all, fault) < 0)
		return -1;
	*ret = json_array();
	json_array_foreach(all, i, c)
		if (!text_equal(json_member(c, "service"), service))
			json_array_append(*ret, c);
	return 0;
}

int
neighbours_note(struct engine_api *api, const char *project, const char *service,
		struct neighbours *ret, struct fault *fault)
{
	ret->since = wall_now();
	return list_others(api, project, service, &ret->before, fault);
}

void
neighbours_done(struct neighbours *neighbours)
{
	json_decref(neighbours->before);
	neighbours->before = NULL;
}

static void
report(json_t *found, const json_t *c, const char *what, bool is_warning)
{
	json_array_append_new(found, json_pack("{s:O, s:O, s:s, s:b}", "name",
					       json_object_get(c, "name"), "id",
					       json_object_get(c, "id"), "what", what,
					       "is_warning", is_warning));
}

/* The first thing somebody did to the container, or NULL. */
static const char *
deed(const json_t *events, const char *id)
{
	static const char *const deeds[] = { "kill",   "stop",	 "restart", "rename",
					     "update", "destroy" };
	size_t i;
	json_t *event;

	json_array_foreach(events, i, event) {
		const char *action = json_member(event, "Action");

		if (!action || !text_equal(json_path_text(event, "Actor.ID"), id))
			continue;
		for (size_t k = 0; k < COUNT_OF(deeds); k++)
			if (strcmp(action, deeds[k]) == 0)
				return deeds[k];
	}
	return NULL;
}

static bool
has_event(const json_t *events, const char *id, const char *wanted)
{
	size_t i;
	json_t *event;

	json_array_foreach(events, i, event)
		if (text_equal(json_member(event, "Action"), wanted) &&
		    text_equal(json_path_text(event, "Actor.ID"), id))
			return true;
	return false;
}

static const json_t *
with_id(const json_t *containers, const char *id)
{
	size_t i;
	json_t *c;

	json_array_foreach(containers, i, c)
		if (text_equal(json_member(c, "id"), id))
			return c;
	return NULL;
}

/*
 * What shows that it was touched, though no event tells: an engine keeps few.
 * One that died and was started again by its own policy has been counted.
 */
static const char *
change(const json_t *events, const json_t *was, const json_t *now)
{
	const char *id = json_member(was, "id");
	bool ran = text_equal(json_member(was, "state"), "running"),
	     runs = text_equal(json_member(now, "state"), "running");

	if (has_event(events, id, "die") ||
	    json_member_int(now, "restart_count", 0) >
		    json_member_int(was, "restart_count", 0))
		return NULL;
	if (ran && !runs)
		return json_member(now, "state");
	return ran && !text_equal(json_member(was, "started_at"),
				  json_member(now, "started_at")) ?
		       "restart" :
		       NULL;
}

json_t *
neighbours_judge(const json_t *before, const json_t *after, const json_t *events)
{
	json_t *found = json_array();
	size_t i;
	json_t *c;

	json_array_foreach(before, i, c) {
		const char *id = json_member(c, "id");
		const json_t *now = with_id(after, id);
		const char *what = deed(events, id);

		if (what)
			report(found, c, what, false);
		else if (!now)
			report(found, c, "gone", false);
		else if (change(events, c, now))
			report(found, c, change(events, c, now), false);
		else if (has_event(events, id, "die") ||
			 !text_equal(json_member(c, "started_at"),
				     json_member(now, "started_at")))
			report(found, c, "peer_flapping", true);
	}
	return found;
}

int
neighbours_check(struct engine_api *api, const char *project, const char *service,
		 const struct neighbours *neighbours, json_t **ret, struct fault *fault)
{
	AUTO_FREE char *label = text_format("com.docker.compose.project=%s", project);
	AUTO_JSON json_t *labels = json_pack("[s]", label), *after = NULL,
			 *events = NULL;

	if (list_others(api, project, service, &after, fault) < 0 ||
	    engine_events(api, labels, neighbours->since, wall_now(), &events, fault) <
		    0)
		return -1;
	*ret = neighbours_judge(neighbours->before, after, events);
	return 0;
}
