/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See build.h. */
#include "plugins/common/build.h"

#include <string.h>

#include "plugins/common/image.h"
#include "plugins/common/target.h"
#include "plugins/common/undo.h"

/* ---- propose ---------------------------------------------------------------- */

static bool
any_is_mounted(const json_t *containers)
{
	size_t i;
	json_t *c;

	json_array_foreach(containers, i, c)
		if (json_member_true(c, "is_mounted"))
			return true;
	return false;
}

/* The command that lets go of what pin() keeps, for `fettle store gc` to tell. */
static json_t *
discard(const struct compose *compose, const char *keep, bool has_tag)
{
	const char *host = json_member(compose->options, "docker_host");
	json_t *argv = json_pack("[s]", "docker");

	if (host) {
		json_array_append_new(argv, json_string("--host"));
		json_array_append_new(argv, json_string(host));
	}
	json_array_append_new(argv, json_string("image"));
	json_array_append_new(argv, json_string("rm"));
	json_array_append_new(argv, json_string(keep));
	if (has_tag)
		json_array_append_new(argv, json_sprintf("%s-tag", keep));
	return argv;
}

static void
state_effect(struct fettle_ctx *ctx, const struct compose *compose,
	     const struct target *target, const char *purpose)
{
	const char *run_id = fettle_fact(ctx, "run.id");
	bool has_previous = target->image_id || target->tag_id;
	AUTO_FREE char *keep =
		has_previous ? text_format("fettle/keep:%s", run_id ? run_id : "run") :
			       NULL;
	AUTO_JSON json_t *before = target_record(target);
	json_object_set_new(before, "keep", json_text_or_null(keep));
	json_object_set_new(before, "is_mounted",
			    json_boolean(any_is_mounted(target->containers)));
	if (keep)
		json_object_set_new(before, "discard",
				    discard(compose, keep,
					    target->image_id && target->tag_id &&
						    strcmp(target->image_id,
							   target->tag_id) != 0));
	AUTO_FREE char *text = json_dumps(before, JSON_COMPACT | JSON_SORT_KEYS);
	const char *dockerfile = json_member(target->service, "dockerfile");
	AUTO_FREE char *summary = text_format(
		"image %s is %s%s%s%s", target->image,
		target->tag_id ? "rebuilt" : "built", dockerfile ? " from " : "",
		dockerfile ? dockerfile : "", purpose ? purpose : "");

	fettle_effect(ctx, "image", target->image, text, summary);
}

static void
state_command(struct fettle_ctx *ctx, const struct compose *compose,
	      const struct build_order *order, const char *service)
{
	AUTO_ARGV struct argv argv = { 0 };

	compose_argv(compose, &argv);
	argv_add(&argv, "build");
	if (order->no_cache)
		argv_add(&argv, "--no-cache");
	if (order->pull)
		argv_add(&argv, "--pull");
	if (compose_is_v1(compose))	/* else what a failed RUN ran in stays behind */
		argv_add(&argv, "--force-rm");
	argv_add(&argv, service);
	fettle_command(ctx, argv_get(&argv));
}

int
build_propose(struct fettle_ctx *ctx, struct engine_api *api,
	      const struct build_order *order, struct fault *fault)
{
	AUTO_COMPOSE struct compose compose = { 0 };
	AUTO_TARGET struct target target = { 0 };

	if (compose_open(ctx, &compose, fault) < 0 ||
	    target_open(ctx, api, &target, fault) < 0)
		return -1;
	state_effect(ctx, &compose, &target, order->purpose);
	state_command(ctx, &compose, order, target.name);
	return 0;
}

/* ---- run -------------------------------------------------------------------- */

int
build_open(struct fettle_ctx *ctx, struct engine_api *api, struct build *ret,
	   struct fault *fault)
{
	struct fettle_proposed_effect effect;

	if (!fettle_proposed_effect(ctx, 0, &effect))
		return fault_set(fault, FETTLE_WHY_BUG, "no_effect",
				 "the approved proposal has no effect");
	if (compose_open(ctx, &ret->compose, fault) < 0)
		return -1;
	ret->api = api;
	ret->before = json_of(effect.before);
	ret->service = json_member(ret->before, "service");
	ret->image = effect.target;
	return 0;
}

void
build_close(struct build *build)
{
	compose_close(&build->compose);
	json_decref(build->before);
	*build = (struct build){ 0 };
}

static int
check_pin(struct engine_api *api, const char *keep, const char *id, struct fault *fault)
{
	AUTO_FREE char *kept = NULL;

	if (image_find(api, keep, &kept, fault) < 0)
		return -1;
	if (text_equal(kept, id))
		return 0;
	fault_set(fault, FETTLE_WHY_HOST, "docker_error",
		  "the Docker engine says it has named image %s %s, and that name "
		  "stands for %s: the pin would not hold",
		  id, keep, kept ? kept : "nothing");
	return fault_remedy(fault, "see what the engine is: `docker version`");
}

/*
 * Both what the service runs and what its tag points at get a name of ours:
 * an image nothing names may be pruned at any moment.
 */
static int
pin(struct build *build, struct fault *fault)
{
	const char *keep = json_member(build->before, "keep");
	const char *image_id = json_member(build->before, "image_id");
	const char *tag_id = json_member(build->before, "tag_id");
	AUTO_FREE char *keep_tag = keep ? text_format("%s-tag", keep) : NULL;
	AUTO_FREE char *kept = NULL;
	const char *first = image_id ? image_id : tag_id;

	if (!keep)
		return 0;
	if (image_find(build->api, keep, &kept, fault) < 0)
		return -1;
	/* A later build of the run: what was there before the first stays pinned. */
	if (kept)
		return 0;
	int pinned = image_tag(build->api, first, keep, fault);
	if (pinned == 1 && tag_id && strcmp(first, tag_id) != 0)
		pinned = image_tag(build->api, tag_id, keep_tag, fault);
	if (pinned == 1)
		return check_pin(build->api, keep, first, fault);
	if (pinned == 0) {
		fault_no(fault, "previous_image_gone",
			 "image %s, which the service ran, no longer exists: nothing "
			 "could be put back",
			 first);
		return fault_remedy(fault, "build and start the service by hand first");
	}
	return -1;
}

/* The docker program since 23 builds with BuildKit only by a plug-in of its own. */
static int
check_builder(const struct build *build, struct fault *fault)
{
	if (!build->compose.said ||
	    !strstr(build->compose.said, "Install the buildx component"))
		return 0;
	fault_set(fault, FETTLE_WHY_HOST, "buildkit_missing",
		  "building service '%s' needs BuildKit, and the docker program here "
		  "has no plug-in buildx",
		  build->service);
	return fault_remedy(fault, "install it (package docker-buildx or "
				   "docker-buildx-plugin), or build without: "
				   "`buildkit: false` under `compose:` of fettle.yaml");
}

int
build_run(struct build *build, int *ret, struct fault *fault)
{
	if (pin(build, fault) < 0 ||
	    compose_run_proposed(&build->compose, 0, ret, fault) < 0)
		return -1;
	if (*ret == 0)
		return 0;
	return engine_ping(build->api, fault) < 0 ? -1 : check_builder(build, fault);
}

/* ---- observe ---------------------------------------------------------------- */

int
build_observe(struct fettle_ctx *ctx)
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
		AUTO_FREE char *tag_id = NULL;

		if (image_find(api, effect.target, &tag_id, &fault) < 0 ||
		    container_list(api, project, json_member(before, "service"), &now,
				   &fault) < 0)
			return fault_end(ctx, &fault);
		/* A build that reached for the container has touched it, too. */
		bool is_before = text_equal(tag_id, json_member(before, "tag_id")) &&
				 undo_is_untouched(before, now);
		fettle_observed(ctx, i, is_before ? FETTLE_BEFORE : FETTLE_AFTER,
				tag_id ? tag_id : "no such image");
	}
	return FETTLE_OK;
}
