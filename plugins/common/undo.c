/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See undo.h. */
#include "plugins/common/undo.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/common/image.h"
#include "plugins/common/neighbours.h"
#include "plugins/common/program.h"

#define UP_TRIES 2
#define UP_REST_MS 2000

/* ---- what should be ----------------------------------------------------- */

static enum level
recorded_level(const json_t *before)
{
	return level_find(json_member(before, "level"));
}

/* What the image reference pointed at before the run's first change. */
static const char *
recorded_tag(const struct undo_service *s)
{
	return json_member(s->image_before ? s->image_before : s->container_before,
			   "tag_id");
}

bool
undo_is_untouched(const json_t *before, const json_t *now)
{
	const json_t *ids = json_object_get(before, "containers");
	size_t i;
	json_t *c;

	if (json_array_size(ids) != json_array_size(now))
		return false;
	json_array_foreach(now, i, c)
		if (!json_has_text(ids, json_member(c, "id")))
			return false;
	return container_level(now) >= recorded_level(before);
}

static void
add(struct text *text, char *reason)
{
	text_addf(text, "%s%s", text->len > 0 ? "; " : "", reason);
	free(reason);
}

char *
undo_difference(const json_t *before, const json_t *now, const char *image,
		const char *tag_id, const char *want_tag_id)
{
	const char *image_id = json_member(before, "image_id");
	size_t n = json_array_size(now), replicas = 0, i;
	struct text found = { 0 };
	json_t *c;

	if (image_id)
		replicas = (size_t)json_member_int(before, "replicas", 1);
	if (before && n != replicas)
		add(&found,
		    text_format("there are %zu containers, not %zu", n, replicas));
	json_array_foreach(now, i, c)
		if (before && image_id &&
		    !text_equal(image_id, json_member(c, "image_id")))
			add(&found, text_format("%s runs image %s, not %s",
						json_member(c, "name"),
						json_member(c, "image_id"), image_id));
	if (before && n > 0 && container_level(now) < recorded_level(before))
		add(&found, text_format("the service is %s, and was %s before",
					level_name(container_level(now)),
					level_name(recorded_level(before))));
	if (!text_equal(tag_id, want_tag_id))
		add(&found, text_format("%s stands for %s, not %s", image,
					tag_id ? tag_id : "nothing",
					want_tag_id ? want_tag_id : "nothing"));
	return found.s;
}

/* ---- images ------------------------------------------------------------- */

static int
image_gone(const struct undo *undo, const struct undo_service *s, const char *id,
	   struct fault *fault)
{
	AUTO_FREE char *command = program_command(undo->compose->ctx);

	fault_no(fault, "previous_image_gone",
		 "the previous image %s of service '%s' no longer exists: it cannot be "
		 "put "
		 "back",
		 id, s->name);
	return fault_remedy(
		fault,
		"the files are as they were: build that image again and start it: "
		"`%s build %s`, then `%s up -d --no-deps --force-recreate %s`",
		command, s->name, command, s->name);
}

static int
point_tag(const struct undo *undo, const struct undo_service *s, const char *id,
	  struct fault *fault)
{
	AUTO_FREE char *now = NULL;

	if (image_find(undo->api, s->image, &now, fault) < 0)
		return -1;
	if (text_equal(now, id) || strchr(s->image, '@')) /* a digest never moves */
		return 0;
	if (!id)
		return image_untag(undo->api, s->image, fault) < 0 ? -1 : 0;
	int tagged = image_tag(undo->api, id, s->image, fault);
	if (tagged == 1)
		fettle_info(undo->compose->ctx, "%s stands for %s again", s->image, id);
	return tagged == 0 ? image_gone(undo, s, id, fault) : tagged < 0 ? -1 : 0;
}

/* ---- containers --------------------------------------------------------- */

/* There was none before: what came since goes again. */
static int
remove_containers(const struct undo *undo, const json_t *now, struct fault *fault)
{
	size_t i;
	json_t *c;

	json_array_foreach(now, i, c) {
		AUTO_FREE char *path =
			text_format("/containers/%s?force=1&v=1", json_member(c, "id"));
		if (engine_delete(undo->api, path, fault) < 0)
			return -1;
		fettle_info(undo->compose->ctx,
			    "%s is removed: there was no container before",
			    json_member(c, "name"));
	}
	return 0;
}

static void
tell_neighbours(const struct undo *undo, const json_t *found)
{
	size_t i;
	json_t *one;

	json_array_foreach(found, i, one) {
		const char *name = json_member(one, "name"),
			   *what = json_member(one, "what");

		if (!json_member_true(one, "is_warning"))
			text_addf(undo->touched, "%s%s (%s)",
				  undo->touched->len > 0 ? ", " : "", name, what);
		else
			fettle_warn(
				undo->compose->ctx,
				"peer_flapping: container %s (%s) while the service "
				"was put back",
				name, what);
	}
}

/*
 * What a Compose that was killed has asked of the engine may still be going on, and
 * get in the way of this one: it fails at a container that is just being removed.
 */
static int
bring_up(const struct undo *undo, const struct argv *argv, struct fault *fault)
{
	const char *name = undo->compose->name;

	for (int tries = 1;; tries++) {
		int status = -1;

		if (compose_run(undo->compose, argv, &status, fault) < 0)
			return -1;
		if (status == 0)
			return 0;
		/* What it left undone is seen when we look. */
		fettle_warn(undo->compose->ctx, "%s failed%s: %s", name,
			    tries < UP_TRIES ? " and is tried again" : "",
			    undo->compose->said ? undo->compose->said :
						  "it did not say why");
		if (tries == UP_TRIES)
			return 0;
		clock_sleep_ms(UP_REST_MS);
	}
}

static int
recreate(const struct undo *undo, const struct undo_service *s, struct fault *fault)
{
	AUTO_ARGV struct argv argv = { 0 };
	AUTO_JSON json_t *found = NULL;
	struct neighbours others = { 0 };

	compose_up_argv(undo->compose, s->name,
			json_member_int(s->container_before, "replicas", 1), &argv);
	int ok = neighbours_note(undo->api, undo->project, s->name, &others, fault);
	if (ok == 0)
		ok = bring_up(undo, &argv, fault);
	if (ok == 0)
		ok = neighbours_check(undo->api, undo->project, s->name, &others,
				      &found, fault);
	neighbours_done(&others);
	if (ok < 0)
		return -1;
	tell_neighbours(undo, found);
	return 0;
}

/* A health check that has not spoken yet may take longer than anybody waits. */
static bool
is_undecided(const json_t *containers)
{
	size_t i;
	json_t *c;

	json_array_foreach(containers, i, c)
		if (text_equal(json_member(c, "health"), "starting"))
			return true;
	return false;
}

/*
 * Waits until the service is as well as it was, and stays so for a moment. One
 * that was broken is given the same moment to show that it still is.
 */
static int
wait_for_level(const struct undo *undo, const struct undo_service *s,
	       struct fault *fault)
{
	enum level wanted = recorded_level(s->container_before);
	int64_t begin_ms = clock_boot_ms(), good_ms = -1, rest_ms = 50;
	bool was_broken = wanted < LEVEL_RUNNING;

	while (fettle_time_left(undo->compose->ctx) > 0) {
		AUTO_JSON json_t *now = NULL;

		if (container_list(undo->api, undo->project, s->name, &now, fault) < 0)
			return -1;
		int64_t now_ms = clock_boot_ms();
		enum level level = container_level(now);
		if (was_broken && level < LEVEL_RUNNING)
			break;
		if (level < wanted)
			good_ms = -1;
		else if (good_ms < 0)
			good_ms = now_ms;
		if (good_ms >= 0 && now_ms - good_ms >= undo->for_ms)
			break;
		if (good_ms < 0 && now_ms - begin_ms >= undo->within_ms &&
		    !is_undecided(now))
			break;
		clock_sleep_ms(rest_ms);
		rest_ms = rest_ms < 1000 ? rest_ms * 2 : 1000;
	}
	return 0;
}

/*
 * The previous image is gone: its like is built from the restored files, and
 * the service started on it. That is no rollback, and it says so: always -1.
 */
static int
rebuild(const struct undo *undo, const struct undo_service *s, struct fault *fault)
{
	const char *image_id = json_member(s->container_before, "image_id");
	AUTO_JSON json_t *fact =
		json_of(fettle_fact(undo->compose->ctx, "project.service"));
	AUTO_JSON json_t *now = NULL;
	AUTO_ARGV struct argv argv = { 0 };
	int status = -1;

	if (!json_member_true(fact, "has_build"))
		return image_gone(undo, s, image_id, fault);
	fettle_warn(undo->compose->ctx,
		    "the previous image %s is gone: it is built anew from the files",
		    image_id);
	compose_argv(undo->compose, &argv);
	argv_add(&argv, "build");
	argv_add(&argv, s->name);
	if (compose_run(undo->compose, &argv, &status, fault) < 0)
		return -1;
	if (status != 0)
		return image_gone(undo, s, image_id, fault);
	if (recreate(undo, s, fault) < 0 || wait_for_level(undo, s, fault) < 0 ||
	    container_list(undo->api, undo->project, s->name, &now, fault) < 0)
		return -1;
	fault_no(fault, "previous_image_gone",
		 "the previous image %s of service '%s' no longer exists; it was built "
		 "anew "
		 "from the files as they are, and the service is %s now, %s before",
		 image_id, s->name, level_name(container_level(now)),
		 level_name(recorded_level(s->container_before)));
	return fault_remedy(
		fault, "look whether the service is well; what it runs is not the very "
		       "image it ran before");
}

static int
restore_containers(const struct undo *undo, const struct undo_service *s,
		   struct fault *fault)
{
	const char *image_id = json_member(s->container_before, "image_id");
	AUTO_JSON json_t *now = NULL;
	AUTO_FREE char *previous = NULL;

	if (container_list(undo->api, undo->project, s->name, &now, fault) < 0)
		return -1;
	/*
	 * A recreation that was cut off may have asked the engine for a stop that is
	 * still to come: that the old container runs on proves nothing.
	 */
	if (!s->is_recreated) {
		if (undo_is_untouched(s->container_before, now))
			return 0;
		AUTO_FREE char *difference = undo_difference(s->container_before, now,
							     s->image, NULL, NULL);
		if (!difference)	/* somebody else has recreated it as it was */
			return 0;
		fettle_warn(undo->compose->ctx,
			    "service %s is not as it was before the build: %s", s->name,
			    difference);
	}
	if (!image_id)
		return remove_containers(undo, now, fault);
	int found = image_find(undo->api, image_id, &previous, fault);
	if (found == 0)
		return rebuild(undo, s, fault);
	if (found < 0 || point_tag(undo, s, image_id, fault) < 0)
		return -1;
	return recreate(undo, s, fault);
}

/* ---- the end ------------------------------------------------------------ */

static char *
sentence(const struct undo_service *s, const json_t *now)
{
	const json_t *before = s->container_before;
	char id[13];

	if (!before || (!s->is_recreated && undo_is_untouched(before, now)))
		return text_format("image %s is as before; service %s was not touched",
				   s->image, s->name);
	const char *image_id = json_member(before, "image_id");
	if (!image_id)
		return text_format("service %s has no container, as before", s->name);
	return text_format("service %s runs image %s again: %s now, %s before", s->name,
			   short_id(image_id, id), level_name(container_level(now)),
			   level_name(recorded_level(before)));
}

static int
incomplete(const struct undo *undo, const struct undo_service *s, const char *what,
	   struct fault *fault)
{
	const char *image_id = json_member(s->container_before, "image_id");
	const char *tag_id = image_id ? image_id : recorded_tag(s);
	AUTO_FREE char *command = program_command(undo->compose->ctx);

	fault_no(fault, "rollback_incomplete", "service '%s' is not back as it was: %s",
		 s->name, what);
	if (!tag_id)
		return fault_remedy(
			fault,
			"remove what is left by hand: `%s rm -sf %s`",
			command, s->name);
	return fault_remedy(
		fault,
		"put it back by hand: `docker tag %s %s`, then `%s up -d --no-deps "
		"--no-build --force-recreate %s`",
		tag_id, s->image, command, s->name);
}

/* The service is back; what it took on the way is not ours to put back. */
static int
others_touched(const struct undo *undo, const struct undo_service *s,
	       struct fault *fault)
{
	fault_no(fault, "neighbour_touched",
		 "service '%s' is back as it was, but other containers of the project "
		 "were touched: %s",
		 s->name, text_get(undo->touched));
	return fault_remedy(fault, "see whether they are well, and who did it: `docker "
				   "ps -a`, `docker events`");
}

int
undo_service(const struct undo *undo, const struct undo_service *s, struct undone *ret,
	     struct fault *fault)
{
	const char *want_tag_id = recorded_tag(s);
	AUTO_FREE char *tag_id = NULL, *difference = NULL;
	AUTO_JSON json_t *now = NULL;
	bool is_mixed;

	if (s->container_before && (restore_containers(undo, s, fault) < 0 ||
				    wait_for_level(undo, s, fault) < 0))
		return -1;
	if (s->image_before || json_member(s->container_before, "image_id"))
		if (point_tag(undo, s, want_tag_id, fault) < 0)
			return -1;
	if (image_find(undo->api, s->image, &tag_id, fault) < 0 ||
	    container_list(undo->api, undo->project, s->name, &now, fault) < 0)
		return -1;
	difference = undo_difference(s->container_before, now, s->image, tag_id,
				     want_tag_id);
	if (difference)
		return incomplete(undo, s, difference, fault);
	if (undo->touched->len > 0)
		return others_touched(undo, s, fault);
	ret->level = container_level(now);
	ret->image_id = text_copy(container_image_id(now, &is_mixed));
	ret->text = sentence(s, now);
	return 0;
}
