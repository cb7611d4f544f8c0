/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * restart/compose - recreates the containers of one service on its present
 * image, and shows by IDs and events that no other container of the project
 * was touched.
 */
#include <fettle/plugin.h>

#include <string.h>

#include "plugins/common/compose.h"
#include "plugins/common/image.h"
#include "plugins/common/neighbours.h"
#include "plugins/common/program.h"
#include "plugins/common/target.h"

static const struct fettle_param outputs[] = {
	{ "container_ids", FETTLE_LIST, 0, NULL, NULL,
	  "The IDs of the new containers." },
	{ "image_id", FETTLE_STRING, 0, NULL, NULL, "The ID of the image they run." },
	{ "level", FETTLE_STRING, 0, NULL, NULL,
	  "How well the service was right after." },
	{ "neighbours", FETTLE_INT, 0, NULL, NULL,
	  "How many other containers were watched." },
};

static const char *const effects[] = { "container", NULL };

static int
check(struct fettle_ctx *ctx)
{
	struct fault fault = { 0 };
	AUTO_JSON json_t *service = target_fact(ctx, &fault);
	AUTO_FREE char *command = program_command(ctx);

	if (!service || target_check(service, command, &fault) < 0)
		return fault_end(ctx, &fault);
	return FETTLE_OK;
}

static char *
summary_of(const struct target *target, int64_t replicas)
{
	if (json_array_size(target->containers) == 0)
		return text_format("service %s, which has no container, is started",
				   target->name);
	if (replicas == 1)
		return text_format("the container of service %s, now %s, is recreated",
				   target->name, level_name(target_level(target)));
	return text_format("the %lld containers of service %s, now %s, are recreated",
			   (long long)replicas, target->name,
			   level_name(target_level(target)));
}

static int
propose(struct fettle_ctx *ctx)
{
	struct fault fault = { 0 };
	AUTO_COMPOSE struct compose compose = { 0 };
	AUTO_TARGET struct target target = { 0 };
	AUTO_ENGINE struct engine_api *api = engine_open(ctx, &fault);

	if (!api || compose_open(ctx, &compose, &fault) < 0 ||
	    target_open(ctx, api, &target, &fault) < 0)
		return fault_end(ctx, &fault);
	int64_t replicas = json_member_int(target.service, "replicas", 1);
	AUTO_JSON json_t *before = target_record(&target);
	AUTO_FREE char *text = json_dumps(before, JSON_COMPACT | JSON_SORT_KEYS);
	AUTO_FREE char *summary = summary_of(&target, replicas);
	fettle_effect(ctx, "container", target.name, text, summary);
	AUTO_ARGV struct argv argv = { 0 };
	compose_up_argv(&compose, target.name, replicas, &argv);
	fettle_command(ctx, argv_get(&argv));
	return FETTLE_OK;
}

/* Says each neighbour that was touched. -1 with `neighbour_touched` when somebody did.
 */
static int
tell_neighbours(struct fettle_ctx *ctx, const json_t *found, struct fault *fault)
{
	AUTO_TEXT struct text touched = { 0 };
	size_t i;
	json_t *one;

	json_array_foreach(found, i, one) {
		const char *name = json_member(one, "name"),
			   *what = json_member(one, "what");

		if (json_member_true(one, "is_warning"))
			fettle_warn(ctx,
				    "peer_flapping: %s died and was started again by "
				    "its own"
				    " restart policy meanwhile",
				    name);
		else
			text_addf(&touched, "%s%s (%s)", touched.len > 0 ? ", " : "",
				  name, what);
	}
	if (touched.len == 0)
		return 0;
	/* No answer about the service: another round would not undo it. */
	fault_set(fault, FETTLE_WHY_HOST, "neighbour_touched",
		  "other containers of the project were touched during the restart: %s",
		  touched.s);
	return fault_remedy(
		fault, "see who did: `docker events`; no other service may change while"
		       " one is repaired");
}

/* New containers only, as many as before, all on the image the reference stands for. */
static int
judge_containers(const json_t *before, const json_t *now, const char *tag_id,
		 struct fault *fault)
{
	size_t replicas = (size_t)json_member_int(before, "replicas", 1), i;
	const char *service = json_member(before, "service");
	json_t *c;

	if (json_array_size(now) != replicas)
		return fault_no(
			fault, "restart_incomplete",
			"service '%s' has %zu containers after the restart, not %zu",
			service, json_array_size(now), replicas);
	json_array_foreach(now, i, c) {
		const char *id = json_member(c, "id"),
			   *image_id = json_member(c, "image_id");

		if (json_has_text(json_object_get(before, "containers"), id))
			return fault_no(
				fault, "restart_incomplete",
				"container %s of service '%s' was not recreated",
				json_member(c, "name"), service);
		if (!text_equal(image_id, tag_id))
			return fault_no(fault, "restart_incomplete",
					"container %s runs image %s, not %s, which "
					"'%s' stands for",
					json_member(c, "name"), image_id,
					tag_id ? tag_id : "none",
					json_member(before, "image"));
	}
	return 0;
}

/* `up` did not end well: the engine's own reason is in the container that does not
 * start. */
static int
up_failed(struct engine_api *api, const char *project, const char *service,
	  const char *said, struct fault *fault)
{
	AUTO_JSON json_t *now = NULL;
	const char *why = said;
	size_t i;
	json_t *c;

	if (container_list(api, project, service, &now, fault) < 0)
		return -1;
	json_array_foreach(now, i, c)
		if (json_member(c, "error") && *json_member(c, "error"))
			why = json_member(c, "error");
	fault_no(fault, "restart_failed", "recreating service '%s' failed: %s", service,
		 why ? why : "compose did not say why");
	return fault_remedy(fault, "the step's log ends with what the engine refused");
}

static int
recreate(struct fettle_ctx *ctx, struct compose *compose, struct engine_api *api,
	 const json_t *before, json_t **ret_now, struct fault *fault)
{
	AUTO_FREE char *project = compose_normal_name(compose->project), *tag_id = NULL;
	const char *service = json_member(before, "service");
	struct neighbours others = { 0 };
	AUTO_JSON json_t *found = NULL;
	int status = -1;

	int ok = neighbours_note(api, project, service, &others, fault);
	if (ok == 0)
		ok = compose_run_proposed(compose, 0, &status, fault);
	if (ok == 0)
		ok = neighbours_check(api, project, service, &others, &found, fault);
	if (ok == 0) {
		AUTO_FREE char *n = text_format("%zu", json_array_size(others.before));
		fettle_set_output(ctx, "neighbours", n);
	}
	neighbours_done(&others);
	if (ok < 0 || tell_neighbours(ctx, found, fault) < 0)
		return -1;
	if (status != 0)
		return up_failed(api, project, service, compose->said, fault);
	if (container_list(api, project, service, ret_now, fault) < 0 ||
	    image_find(api, json_member(before, "image"), &tag_id, fault) < 0)
		return -1;
	return judge_containers(before, *ret_now, tag_id, fault);
}

static int
run(struct fettle_ctx *ctx)
{
	struct fault fault = { 0 };
	AUTO_COMPOSE struct compose compose = { 0 };
	AUTO_ENGINE struct engine_api *api = engine_open(ctx, &fault);
	struct fettle_proposed_effect effect;
	AUTO_JSON json_t *now = NULL;
	bool is_mixed;

	if (!fettle_proposed_effect(ctx, 0, &effect))
		return fettle_error(ctx, FETTLE_WHY_BUG,
				    "the approved proposal has no effect");
	AUTO_JSON json_t *before = json_of(effect.before);
	if (!api || compose_open(ctx, &compose, &fault) < 0 ||
	    recreate(ctx, &compose, api, before, &now, &fault) < 0)
		return fault_end(ctx, &fault);
	AUTO_JSON json_t *ids = container_ids(now);
	AUTO_FREE char *text = json_dumps(ids, JSON_COMPACT);
	fettle_set_output(ctx, "container_ids", text);
	const char *image_id = container_image_id(now, &is_mixed);
	if (image_id)
		fettle_set_output_text(ctx, "image_id", image_id);
	fettle_set_output_text(ctx, "level", level_name(container_level(now)));
	return FETTLE_OK;
}

static enum fettle_observed
state_of(const json_t *before, const json_t *now)
{
	const json_t *ids = json_object_get(before, "containers");
	size_t kept = 0, i;
	json_t *c;

	json_array_foreach(now, i, c)
		kept += json_has_text(ids, json_member(c, "id"));
	if (kept == json_array_size(ids) && kept == json_array_size(now))
		return FETTLE_BEFORE;
	if (kept == 0 &&
	    (int64_t)json_array_size(now) == json_member_int(before, "replicas", 1))
		return FETTLE_AFTER;
	return FETTLE_PARTIAL;
}

static int
observe(struct fettle_ctx *ctx)
{
	struct fault fault = { 0 };
	AUTO_ENGINE struct engine_api *api = engine_open(ctx, &fault);
	const char *name = fettle_fact(ctx, "project.name");
	AUTO_FREE char *project = compose_normal_name(name ? name : "");
	struct fettle_proposed_effect effect;

	if (!api)
		return fault_end(ctx, &fault);
	for (uint32_t i = 0; fettle_proposed_effect(ctx, i, &effect); i++) {
		AUTO_JSON json_t *before = json_of(effect.before), *now = NULL;

		if (container_list(api, project, effect.target, &now, &fault) < 0)
			return fault_end(ctx, &fault);
		fettle_observed(ctx, i, state_of(before, now),
				level_name(container_level(now)));
	}
	return FETTLE_OK;
}

static const struct fettle_step step = {
	.head = FETTLE_STEP_HEAD,
	.name = "restart/compose",
	.version = FETTLE_VERSION,
	.summary = "Recreates the target service alone on its present image, through "
		   "Compose.",
	.stage = FETTLE_RESTART,
	.flags = FETTLE_DOCKER | FETTLE_REPEATABLE,
	.effects = effects,
	.params = FETTLE_NO_TABLE,
	.outputs = FETTLE_TABLE(outputs),
	.check = check,
	.propose = propose,
	.run = run,
	.observe = observe,
};
FETTLE_STEP(step)
