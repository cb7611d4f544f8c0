/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See watch.h. */
#include "plugins/common/watch.h"

#include <string.h>

static struct look
bad(bool is_final, char *text)
{
	return (struct look){ .is_final = is_final, .text = text };
}

/* Will its restart policy start a container that has ended? */
static bool
comes_back(const json_t *c)
{
	const char *policy = json_member(c, "restart_policy");

	if (text_equal(policy, "always") || text_equal(policy, "unless-stopped"))
		return true;
	if (!text_equal(policy, "on-failure") ||
	    json_member_int(c, "exit_code", 0) == 0)
		return false;
	int64_t limit = json_member_int(c, "restart_limit", 0);
	return limit == 0 || json_member_int(c, "restart_count", 0) < limit;
}

static struct look
not_running(const json_t *c)
{
	const char *name = json_member(c, "name"), *state = json_member(c, "state");
	int64_t status = json_member_int(c, "exit_code", 0);

	if (text_equal(state, "exited") || text_equal(state, "dead"))
		return bad(!comes_back(c), text_format("%s has exited with status %lld",
						       name, (long long)status));
	if (text_equal(state, "restarting"))
		return bad(
			false,
			text_format(
				"%s has died with status %lld and is being restarted",
				name, (long long)status));
	return bad(false,
		   text_format("%s is %s", name, state ? state : "in no known state"));
}

/* True when it was started again since the last look, or since it was made by the
 * restart. */
static bool
has_restarted(struct watch *watch, const json_t *c)
{
	const json_t *last = json_object_get(watch->seen, json_member(c, "id"));

	if (!last)
		return false;
	return json_member_int(c, "restart_count", 0) >
		       json_member_int(last, "restart_count", 0) ||
	       !text_equal(json_member(c, "started_at"),
			   json_member(last, "started_at"));
}

static struct look
look_at(struct watch *watch, const json_t *c)
{
	const char *id = json_member(c, "id"), *name = json_member(c, "name");
	const char *image_id = json_member(c, "image_id"),
		   *health = json_member(c, "health");
	char have[13], want[13];

	if (watch->ids && !json_has_text(watch->ids, id))
		return bad(true,
			   text_format("%s is %s, a container the restart did not make",
				       name, short_id(id, have)));
	if (watch->image_id && !text_equal(watch->image_id, image_id))
		return bad(true,
			   text_format("%s runs image %s, not %s, which was built",
				       name, short_id(image_id ? image_id : "", have),
				       short_id(watch->image_id, want)));
	if (!text_equal(json_member(c, "state"), "running"))
		return not_running(c);
	if (has_restarted(watch, c) ||
	    level_find(json_member(c, "level")) < LEVEL_RUNNING)
		return bad(
			false,
			text_format("%s has been restarted (%lld times so far)", name,
				    (long long)json_member_int(c, "restart_count", 0)));
	bool has_check = json_member_true(c, "healthcheck") ||
			 (health && strcmp(health, "none") != 0);
	if (has_check && !text_equal(health, "healthy"))
		return bad(false, text_format("%s runs, but its health check says '%s'",
					      name, health ? health : "nothing"));
	return (struct look){ .is_good = true };
}

static void
remember(struct watch *watch, const json_t *containers)
{
	size_t i;
	json_t *c;

	if (!watch->seen)
		watch->seen = json_object();
	json_array_foreach(containers, i, c) {
		const char *id = json_member(c, "id");
		if (id)
			json_object_set_new(
				watch->seen, id,
				json_pack("{s:O, s:O}", "restart_count",
					  json_object_get(c, "restart_count"),
					  "started_at",
					  json_object_get(c, "started_at")));
	}
}

struct look
watch_containers(struct watch *watch, const json_t *containers)
{
	size_t n = json_array_size(containers), i;
	struct look look = { .is_good = true };
	bool has_check = false;
	json_t *c;

	if (n == 0)
		return bad(true, text_copy("it has no container"));
	if (watch->replicas > 0 && (int64_t)n != watch->replicas)
		return bad(false, text_format("it has %zu containers, not %lld", n,
					      (long long)watch->replicas));
	json_array_foreach(containers, i, c) {
		look = look_at(watch, c);
		if (!look.is_good)
			break;
		has_check = has_check || json_member_true(c, "healthcheck");
	}
	remember(watch, containers);
	if (look.is_good)
		look.text = text_format(
			"%s%s", n == 1 ? "its container runs" : "its containers run",
			has_check ? " and is healthy" : "");
	return look;
}
