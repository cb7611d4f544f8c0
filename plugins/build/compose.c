/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * build/compose - builds the image of one service through Compose, and only
 * that. The image the service runs is pinned first, so that it can come back.
 */
#include <fettle/plugin.h>

#include <string.h>

#include "plugins/common/build.h"
#include "plugins/common/image.h"
#include "plugins/common/program.h"
#include "plugins/common/target.h"

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
	AUTO_FREE char *command = program_command(ctx);

	if (!service || target_check(service, command, &fault) < 0 ||
	    target_check_build(service, &fault) < 0)
		return fault_end(ctx, &fault);
	return FETTLE_OK;
}

static int
propose(struct fettle_ctx *ctx)
{
	struct fault fault = { 0 };
	AUTO_ENGINE struct engine_api *api = engine_open(ctx, &fault);
	struct build_order order = {
		.no_cache = fettle_param_known(ctx, PARAM_NO_CACHE) &&
			    fettle_param_bool(ctx, PARAM_NO_CACHE),
		.pull = fettle_param_known(ctx, PARAM_PULL) &&
			fettle_param_bool(ctx, PARAM_PULL),
	};

	if (!api || build_propose(ctx, api, &order, &fault) < 0)
		return fault_end(ctx, &fault);
	return FETTLE_OK;
}

static int
carry_out(struct fettle_ctx *ctx, struct build *build, struct fault *fault)
{
	int status = -1;

	if (fettle_param_given(ctx, PARAM_BUILDKIT))
		compose_use_buildkit(&build->compose,
				     fettle_param_bool(ctx, PARAM_BUILDKIT));
	if (build_run(build, &status, fault) < 0)
		return -1;
	if (status == 0)
		return 0;
	fault_no(fault, "build_failed", "building service '%s' failed: %s",
		 build->service,
		 build->compose.said ? build->compose.said :
				       "compose did not say why");
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
	AUTO_ENGINE struct engine_api *api = engine_open(ctx, &fault);
	AUTO_BUILD struct build build = { 0 };
	AUTO_FREE char *image_id = NULL;

	if (!api || build_open(ctx, api, &build, &fault) < 0 ||
	    carry_out(ctx, &build, &fault) < 0)
		return fault_end(ctx, &fault);
	const char *previous = json_member(build.before, "image_id");
	int found = image_find(api, build.image, &image_id, &fault);
	if (found < 0)
		return fault_end(ctx, &fault);
	if (found == 0)
		return fettle_fail(ctx, "build_left_no_image",
				   "see the step's log for what was built",
				   "the build ended well, but there is no image %s",
				   build.image);
	if (text_equal(image_id, previous) && is_patch_for_image(ctx, build.before))
		return changed_nothing(ctx, build.image, image_id);
	bool is_new = !text_equal(image_id, json_member(build.before, "tag_id"));
	char id[13];
	fettle_info(ctx, "image %s is %s%s", build.image, short_id(image_id, id),
		    is_new ? "" : ", as before");
	fettle_set_output_text(ctx, "image_id", image_id);
	if (previous)
		fettle_set_output_text(ctx, "previous_image_id", previous);
	fettle_set_output(ctx, "rebuilt", is_new ? "true" : "false");
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
	.observe = build_observe,
};
FETTLE_STEP(step)
