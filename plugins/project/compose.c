/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * project/compose - what a Compose project is right now: its services, their
 * containers, images and levels. Runs once before a plan is made; its outputs
 * are facts for all steps. Judges no service: it fails only where nothing at
 * all could be repaired.
 */
#include <fettle/plugin.h>

#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plugins/common/compose.h"
#include "plugins/common/container.h"
#include "plugins/common/drift.h"
#include "plugins/common/image.h"
#include "plugins/common/own.h"
#include "plugins/common/renamed.h"
#include "plugins/common/services.h"
#include "plugins/common/yaml.h"

static const struct fettle_param outputs[] = {
	{ "services", FETTLE_JSON, FETTLE_REQUIRED, NULL, NULL,
	  "The services by name, each with its image, build, containers and level." },
	{ "config_sha256", FETTLE_STRING, FETTLE_REQUIRED, NULL, NULL,
	  "The SHA-256 of the configuration as compose resolves it." },
	{ "compose_version", FETTLE_STRING, FETTLE_REQUIRED, NULL, NULL,
	  "The version of the compose program in use." },
	{ "compose_program", FETTLE_LIST, FETTLE_REQUIRED, NULL, NULL,
	  "The compose program: docker compose, or docker-compose." },
};

static void
sha256_hex(const char *bytes, size_t n, char hex[65])
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx state;

	sha256_init(&state);
	sha256_update(&state, n, (const uint8_t *)bytes);
	sha256_digest(&state, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

static int
read_config(struct compose *compose, json_t **ret, char hex[65], struct fault *fault)
{
	static const char *const plain[] = { NULL };
	static const char *const as_json[] = { "--format", "json", NULL };
	bool is_v1 = compose_is_v1(compose);
	AUTO_FREE char *text = NULL;
	size_t n = 0;

	if (compose_config(compose, is_v1 ? plain : as_json, &text, &n, fault) < 0)
		return -1;
	*ret = yaml_read(text, n, fault);	/* JSON is YAML too */
	sha256_hex(text, n, hex);
	return *ret ? 0 : -1;
}

static int
add_image(struct engine_api *api, json_t *ids, const char *ref, struct fault *fault)
{
	AUTO_FREE char *id = NULL;

	if (!ref || json_object_get(ids, ref))
		return 0;
	int found = image_find(api, ref, &id, fault);
	if (found == 1)
		json_object_set_new(ids, ref, json_text_or_null(id));
	return found < 0 ? -1 : 0;
}

/* What every reference of the configuration and every container's image stand for. */
static int
read_images(struct engine_api *api, const struct services_input *in, json_t **ret,
	    struct fault *fault)
{
	AUTO_JSON json_t *ids = json_object();
	const char *name;
	json_t *service, *c;
	size_t i;

	json_object_foreach(json_object_get(in->config, "services"), name, service) {
		AUTO_FREE char *ref =
			service_image(service, in->project, name, in->is_v1);
		if (add_image(api, ids, ref, fault) < 0)
			return -1;
	}
	json_array_foreach(in->containers, i, c)
		if (add_image(api, ids, json_member(c, "image_id"), fault) < 0)
			return -1;
	*ret = json_incref(ids);
	return 0;
}

static int
describe(struct compose *compose, struct engine_api *api, const json_t *containers,
	 json_t **ret, char hex[65], struct fault *fault)
{
	AUTO_FREE char *project = compose_normal_name(compose->project), *own_id = NULL;
	AUTO_FREE char *directory = compose_directory(compose);
	AUTO_JSON json_t *config = NULL, *hashes = NULL, *images = NULL;

	if (own_container(api, &own_id, fault) < 0 ||
	    read_config(compose, &config, hex, fault) < 0)
		return -1;
	if (json_array_size(containers) > 0 &&
	    drift_hashes(compose, config, containers, &hashes, fault) < 0)
		return -1;
	struct services_input in = { .project = project,
				     .workspace = compose->workspace,
				     .directory = directory,
				     .files =
					     json_object_get(compose->options, "files"),
				     .profiles = json_object_get(compose->options,
								 "profiles"),
				     .config = config,
				     .hashes = hashes,
				     .containers = containers,
				     .own_id = own_id,
				     .version = compose->version,
				     .is_v1 = compose_is_v1(compose) };
	if (renamed_check(api, &in, fault) < 0 ||
	    read_images(api, &in, &images, fault) < 0)
		return -1;
	in.image_ids = images;
	*ret = services_describe(&in);
	return 0;
}

static int
check(struct fettle_ctx *ctx)
{
	struct fault fault = { 0 };
	AUTO_ENGINE struct engine_api *api = engine_open(ctx, &fault);

	if (!api || engine_ping(api, &fault) < 0)
		return fault_end(ctx, &fault);
	return FETTLE_OK;
}

static void
set_json(struct fettle_ctx *ctx, const char *name, const json_t *value)
{
	AUTO_FREE char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);

	fettle_set_output(ctx, name, text);
}

/* The containers of the project, and the version of Compose that made them, or NULL. */
static int
read_containers(struct fettle_ctx *ctx, struct engine_api *api, json_t **ret,
		const char **ret_made_by, struct fault *fault)
{
	const char *name = fettle_fact(ctx, "project.name");
	AUTO_FREE char *project = compose_normal_name(name ? name : "");

	if (container_list(api, project, NULL, ret, fault) < 0)
		return -1;
	*ret_made_by = json_member(json_object_get(json_array_get(*ret, 0), "labels"),
				   "com.docker.compose.version");
	return 0;
}

static int
run(struct fettle_ctx *ctx)
{
	struct fault fault = { 0 };
	AUTO_COMPOSE struct compose compose = { 0 };
	AUTO_ENGINE struct engine_api *api = engine_open(ctx, &fault);
	AUTO_JSON json_t *containers = NULL, *services = NULL;
	const char *made_by = NULL;
	char hex[65];

	if (!api || engine_ping(api, &fault) < 0 ||
	    read_containers(ctx, api, &containers, &made_by, &fault) < 0 ||
	    compose_open_as(ctx, made_by, &compose, &fault) < 0 ||
	    describe(&compose, api, containers, &services, hex, &fault) < 0)
		return fault_end(ctx, &fault);
	set_json(ctx, "services", services);
	set_json(ctx, "compose_program", compose.program);
	fettle_set_output_text(ctx, "config_sha256", hex);
	fettle_set_output_text(ctx, "compose_version", compose.version);
	return FETTLE_OK;
}

static const struct fettle_step step = {
	.head = FETTLE_STEP_HEAD,
	.name = "project/compose",
	.version = FETTLE_VERSION,
	.summary = "Reads a Docker Compose project: services, containers, images and "
		   "levels.",
	.stage = FETTLE_PROJECT,
	.flags = FETTLE_DOCKER | FETTLE_REPEATABLE,
	.params = FETTLE_NO_TABLE,
	.outputs = FETTLE_TABLE(outputs),
	.check = check,
	.run = run,
};
FETTLE_STEP(step)
