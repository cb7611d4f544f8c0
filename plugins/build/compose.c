/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * build/compose - builds the image of one service through Compose, and only
 * that. The image the service runs is pinned first, so that it can come back.
 */
#include <fettle/plugin.h>

#include <string.h>

#include "plugins/common/compose.h"
#include "plugins/common/image.h"
#include "plugins/common/program.h"
#include "plugins/common/target.h"
#include "plugins/common/undo.h"

enum { PARAM_NO_CACHE, PARAM_PULL, PARAM_BUILDKIT };
static const struct fettle_param params[] = {
	{ "no_cache", FETTLE_BOOL, 0, "false", NULL, "Build every layer anew." },
	{ "pull", FETTLE_BOOL, 0, "false", NULL,
	  "Ask the registry for newer base images." },
	{ "buildkit", FETTLE_BOOL, 0, NULL, NULL,
	  "Build with BuildKit; not given: as the compose program does, and off for "
	  "1.29." },
};

static const struct fettle_param outputs[] = {
	{ "image_id", FETTLE_STRING, 0, NULL, NULL,
	  "The ID of the image that was built." },
	{ "previous_image_id", FETTLE_STRING, 0, NULL, NULL,
	  "The ID of the image the service ran before; missing when it ran none." },
	{ "rebuilt", FETTLE_BOOL, 0, NULL, NULL,
	  "Whether the image differs from the one before." },
};

static const char *const effects[] = { "image", NULL };

static int
check(struct fettle_ctx *ctx)
{
	struct fault fault = { 0 };
	AUTO_JSON json_t *service = target_fact(ctx, &fault);
	AUTO_FREE char *program = program_fact(ctx);

	if (!service || target_check(service, program, &fault) < 0 ||
	    target_check_build(service, &fault) < 0)
		return fault_end(ctx, &fault);
	return FETTLE_OK;
}

static void
propose_command(struct fettle_ctx *ctx, const struct compose *compose,
		const char *service)
{
	AUTO_ARGV struct argv argv = { 0 };

	compose_argv(compose, &argv);
	argv_add(&argv, "build");
	if (fettle_param_known(ctx, PARAM_NO_CACHE) &&
	    fettle_param_bool(ctx, PARAM_NO_CACHE))
		argv_add(&argv, "--no-cache");
	if (fettle_param_known(ctx, PARAM_PULL) && fettle_param_bool(ctx, PARAM_PULL))
		argv_add(&argv, "--pull");
	argv_add(&argv, service);
	fettle_command(ctx, argv_get(&argv));
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
	const char *run_id = fettle_fact(ctx, "run.id");
	bool has_previous = target.image_id || target.tag_id;
	AUTO_FREE char *keep =
		has_previous ? text_format("fettle/keep:%s", run_id ? run_id : "run") :
			       NULL;
	AUTO_JSON json_t *before = target_record(&target);
	json_object_set_new(before, "keep", json_text_or_null(keep));
	json_object_set_new(before, "is_mounted",
			    json_boolean(any_is_mounted(target.containers)));
	if (keep)
		json_object_set_new(before, "discard",
				    discard(&compose, keep,
					    target.image_id && target.tag_id &&
						    strcmp(target.image_id,
							   target.tag_id) != 0));
	AUTO_FREE char *text = json_dumps(before, JSON_COMPACT | JSON_SORT_KEYS);
	const char *dockerfile = json_member(target.service, "dockerfile");
	AUTO_FREE char *summary =
		text_format("image %s is rebuilt%s%s", target.image,
			    dockerfile ? " from " : "", dockerfile ? dockerfile : "");
	fettle_effect(ctx, "image", target.image, text, summary);
	propose_command(ctx, &compose, target.name);
	return FETTLE_OK;
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
pin(struct engine_api *api, const json_t *before, struct fault *fault)
{
	const char *keep = json_member(before, "keep");
	const char *image_id = json_member(before, "image_id");
	const char *tag_id = json_member(before, "tag_id");
	AUTO_FREE char *keep_tag = keep ? text_format("%s-tag", keep) : NULL;
	AUTO_FREE char *kept = NULL;
	const char *first = image_id ? image_id : tag_id;

	if (!keep)
		return 0;
	if (image_find(api, keep, &kept, fault) < 0)
		return -1;
	/* A later round of the run: what was there before the first stays pinned. */
	if (kept)
		return 0;
	int pinned = image_tag(api, first, keep, fault);
	if (pinned == 1 && tag_id && strcmp(first, tag_id) != 0)
		pinned = image_tag(api, tag_id, keep_tag, fault);
	if (pinned == 1)
		return check_pin(api, keep, first, fault);
	if (pinned == 0) {
		fault_no(fault, "previous_image_gone",
			 "image %s, which the service ran, no longer exists: nothing "
			 "could be put back",
			 first);
		return fault_remedy(fault, "build and start the service by hand first");
	}
	return -1;
}

static int
build(struct fettle_ctx *ctx, struct compose *compose, struct engine_api *api,
      const char *service, struct fault *fault)
{
	const char *buildkit[2] = { NULL, NULL };
	int status = -1;

	if (fettle_param_given(ctx, PARAM_BUILDKIT))
		buildkit[0] = fettle_param_bool(ctx, PARAM_BUILDKIT) ?
				      "DOCKER_BUILDKIT=1" :
				      "DOCKER_BUILDKIT=0";
	if (compose_run_proposed(compose, 0, buildkit, &status, fault) < 0)
		return -1;
	if (status == 0)
		return 0;
	if (engine_ping(api, fault) < 0)
		return -1;
	fault_no(fault, "build_failed", "building service '%s' failed: %s", service,
		 compose->said ? compose->said : "compose did not say why");
	return fault_remedy(fault, "the step's log ends with the command that failed");
}

static bool
is_below(const char *directory, const char *path)
{
	size_t n = strlen(directory);

	return strcmp(directory, ".") == 0 ||
	       (strncmp(path, directory, n) == 0 && path[n] == '/');
}

/* Do all files that were patched in this run go into the image, and nowhere else? */
static bool
is_patch_for_image(struct fettle_ctx *ctx, const json_t *before)
{
	AUTO_JSON json_t *files =
		json_of(fettle_fact(ctx, "steps.patch.outputs.files"));
	AUTO_JSON json_t *service = json_of(fettle_fact(ctx, "project.service"));
	AUTO_JSON json_t *compose = json_of(fettle_fact(ctx, "project.compose"));
	const char *context = json_member(service, "context");
	const char *dockerfile = json_member(service, "dockerfile");
	size_t i;
	json_t *file;

	if (json_member_true(before, "is_mounted") || json_array_size(files) == 0)
		return false;
	json_array_foreach(files, i, file) {
		const char *path = json_string_value(file);

		if (!path || json_has_text(json_object_get(compose, "files"), path) ||
		    text_equal(json_member(compose, "env_file"), path))
			return false;
		if (!text_equal(path, dockerfile) &&
		    !(context && is_below(context, path)))
			return false;
	}
	return true;
}

static int
changed_nothing(struct fettle_ctx *ctx, const char *image, const char *id)
{
	return fettle_fail(
		ctx, "build_changed_nothing",
		"see whether the patched files get into the image: the "
		"Dockerfile's COPY, .dockerignore, the build's cache",
		"the build ended well, but %s still stands for %s, which the "
		"service ran before: the patch is not in it",
		image, id);
}

static int
run(struct fettle_ctx *ctx)
{
	struct fault fault = { 0 };
	AUTO_COMPOSE struct compose compose = { 0 };
	AUTO_ENGINE struct engine_api *api = engine_open(ctx, &fault);
	struct fettle_proposed_effect effect;
	AUTO_FREE char *image_id = NULL;

	if (!fettle_proposed_effect(ctx, 0, &effect))
		return fettle_error(ctx, FETTLE_WHY_BUG,
				    "the approved proposal has no effect");
	AUTO_JSON json_t *before = json_of(effect.before);
	const char *previous = json_member(before, "image_id");
	if (!api || compose_open(ctx, &compose, &fault) < 0 ||
	    pin(api, before, &fault) < 0 ||
	    build(ctx, &compose, api, json_member(before, "service"), &fault) < 0)
		return fault_end(ctx, &fault);
	int found = image_find(api, effect.target, &image_id, &fault);
	if (found < 0)
		return fault_end(ctx, &fault);
	if (found == 0)
		return fettle_fail(ctx, "build_left_no_image",
				   "see the step's log for what was built",
				   "the build ended well, but there is no image %s",
				   effect.target);
	if (text_equal(image_id, previous) && is_patch_for_image(ctx, before))
		return changed_nothing(ctx, effect.target, image_id);
	bool is_new = !text_equal(image_id, json_member(before, "tag_id"));
	char id[13];
	fettle_info(ctx, "image %s is %s%s", effect.target, short_id(image_id, id),
		    is_new ? "" : ", as before");
	fettle_set_output_text(ctx, "image_id", image_id);
	if (previous)
		fettle_set_output_text(ctx, "previous_image_id", previous);
	fettle_set_output(ctx, "rebuilt", is_new ? "true" : "false");
	return FETTLE_OK;
}

static int
observe(struct fettle_ctx *ctx)
{
	struct fault fault = { 0 };
	AUTO_ENGINE struct engine_api *api = engine_open(ctx, &fault);
	struct fettle_proposed_effect effect;

	const char *name = fettle_fact(ctx, "project.name");
	AUTO_FREE char *project = compose_normal_name(name ? name : "");

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

static const struct fettle_step step = {
	.head = FETTLE_STEP_HEAD,
	.name = "build/compose",
	.version = FETTLE_VERSION,
	.summary = "Builds the image of the target service, and only that, through "
		   "Compose.",
	.stage = FETTLE_BUILD,
	.flags = FETTLE_DOCKER | FETTLE_NETWORK | FETTLE_REPEATABLE,
	.effects = effects,
	.params = FETTLE_TABLE(params),
	.outputs = FETTLE_TABLE(outputs),
	.check = check,
	.propose = propose,
	.run = run,
	.observe = observe,
};
FETTLE_STEP(step)
