/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rollback/compose - puts back the images and containers that build/compose
 * and restart/compose changed. Receives all standing effects at once; newest
 * first would bring the bad image up again.
 */
#include <fettle/plugin.h>

#include <stdlib.h>
#include <string.h>

#include "plugins/common/undo.h"

#define ENGINE_REST_MS 250

enum { PARAM_WITHIN, PARAM_FOR };
static const struct fettle_param params[] = {
	{ "within", FETTLE_DURATION, 0, "1m", "0s..1h",
	  "How long to wait for the engine to answer, and for a service that ran "
	  "before to run again." },
	{ "for", FETTLE_DURATION, 0, "1s", "0s..10m",
	  "How long it must then stay up." },
};

static const struct fettle_param outputs[] = {
	{ "level", FETTLE_STRING, 0, NULL, NULL,
	  "How well the service is after the rollback." },
	{ "image_id", FETTLE_STRING, 0, NULL, NULL,
	  "The ID of the image it runs again." },
	{ "text", FETTLE_STRING, 0, NULL, NULL, "What was put back, in one sentence." },
};

static const char *const undoes[] = { "image", "container", NULL };

/*
 * {SERVICE: {"image": REF, "image_before": {..}, "container_before": {..}}} of
 * the standing effects; of several of a kind the oldest counts. New reference.
 */
static json_t *
by_service(struct fettle_ctx *ctx)
{
	json_t *services = json_object();
	struct fettle_proposed_effect effect;

	for (uint32_t i = 0; fettle_proposed_effect(ctx, i, &effect); i++) {
		bool is_image = strcmp(effect.kind, "image") == 0;
		AUTO_JSON json_t *before = json_of(effect.before);
		const char *name = json_member(before, "service");
		const char *key = is_image ? "image_before" : "container_before";

		if (!name || (!is_image && strcmp(effect.kind, "container") != 0))
			continue;
		if (!json_object_get(services, name))
			json_object_set_new(
				services, name,
				json_pack("{s:O}", "image",
					  json_object_get(before, "image")));
		json_t *service = json_object_get(services, name);
		if (!json_object_get(service, key))
			json_object_set(service, key, before);
	}
	return services;
}

/*
 * Who built has recorded the containers as well: nobody recreated them, and
 * they must still be there, and as well as they were.
 */
static const json_t *
container_before(const json_t *effects)
{
	const json_t *recreated = json_object_get(effects, "container_before");
	const json_t *built = json_object_get(effects, "image_before");

	/* What came where there was none, and not by us, is not ours to remove. */
	return recreated || !json_member(built, "image_id") ||
			       !json_object_get(built, "containers") ?
		       recreated :
		       built;
}

static int
undo_one(struct fettle_ctx *ctx, const struct undo *undo, const char *name,
	 const json_t *effects, struct fault *fault)
{
	struct undo_service service = {
		.name = name,
		.image = json_member(effects, "image"),
		.image_before = json_object_get(effects, "image_before"),
		.container_before = container_before(effects),
		.is_recreated = json_object_get(effects, "container_before") != NULL
	};
	struct undone undone = { 0 };

	if (undo_service(undo, &service, &undone, fault) < 0)
		return -1;
	fettle_info(ctx, "%s", undone.text);
	fettle_set_output_text(ctx, "level", level_name(undone.level));
	if (undone.image_id)
		fettle_set_output_text(ctx, "image_id", undone.image_id);
	fettle_set_output_text(ctx, "text", undone.text);
	free(undone.image_id);
	free(undone.text);
	return 0;
}

/* An engine that was restarted in the middle of the run needs a moment. */
static int
wait_for_engine(struct fettle_ctx *ctx, struct engine_api *api, struct fault *fault)
{
	int64_t until_ms =
		clock_boot_ms() + (int64_t)fettle_param_ms(ctx, PARAM_WITHIN);
	bool is_told = false;

	while (engine_ping(api, fault) < 0) {
		if (clock_boot_ms() >= until_ms || fettle_time_left(ctx) == 0)
			return -1;
		if (!is_told)
			fettle_warn(ctx, "%s; waiting for it", fault->text);
		is_told = true;
		clock_sleep_ms(ENGINE_REST_MS);
	}
	return 0;
}

/* What the step that failed says of the project's other containers, or nothing. */
static void
recall_touched(struct fettle_ctx *ctx, struct text *touched)
{
	const char *code = fettle_fact(ctx, "failure.code");
	const char *message = fettle_fact(ctx, "failure.message");

	if (text_equal(code, "neighbour_touched") && message)
		text_add(touched, strstr(message, ": ") ? strstr(message, ": ") + 2 :
							  message);
}

static int
run(struct fettle_ctx *ctx)
{
	struct fault fault = { 0 };
	AUTO_COMPOSE struct compose compose = { 0 };
	AUTO_ENGINE struct engine_api *api = engine_open(ctx, &fault);
	AUTO_JSON json_t *services = by_service(ctx);
	AUTO_TEXT struct text touched = { 0 };
	const char *name;
	json_t *effects;

	if (json_object_size(services) == 0) {
		fettle_info(
			ctx,
			"no image and no container was changed: nothing to put back");
		return FETTLE_NOOP;
	}
	if (!api || wait_for_engine(ctx, api, &fault) < 0 ||
	    compose_open(ctx, &compose, &fault) < 0)
		return fault_end(ctx, &fault);
	AUTO_FREE char *project = compose_normal_name(compose.project);
	recall_touched(ctx, &touched);
	struct undo undo = { .compose = &compose,
			     .api = api,
			     .project = project,
			     .within_ms = (int64_t)fettle_param_ms(ctx, PARAM_WITHIN),
			     .for_ms = (int64_t)fettle_param_ms(ctx, PARAM_FOR),
			     .touched = &touched };
	json_object_foreach(services, name, effects)
		if (undo_one(ctx, &undo, name, effects, &fault) < 0)
			return fault_end(ctx, &fault);
	return FETTLE_OK;
}

static const struct fettle_step step = {
	.head = FETTLE_STEP_HEAD,
	.name = "rollback/compose",
	.version = FETTLE_VERSION,
	.summary = "Puts a service back on its previous image, and looks whether it is "
		   "as it was.",
	.stage = FETTLE_ROLLBACK,
	.flags = FETTLE_DOCKER | FETTLE_REPEATABLE,
	.undoes = undoes,
	.params = FETTLE_TABLE(params),
	.outputs = FETTLE_TABLE(outputs),
	.run = run,
};
FETTLE_STEP(step)
