/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See target.h. */
#include "plugins/common/target.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/common/image.h"

json_t *
target_fact(struct fettle_ctx *ctx, struct fault *fault)
{
	json_t *service = json_of(fettle_fact(ctx, "project.service"));

	if (json_is_object(service))
		return service;
	json_decref(service);
	fault_set(fault, FETTLE_WHY_INPUT, "no_service",
		  "this step works on a service, and the run has none");
	fault_remedy(fault, "name the service: `fettle run -s SERVICE ...`");
	return NULL;
}

static int
refuse_shared(const json_t *service, const char *name, struct fault *fault)
{
	AUTO_TEXT struct text names = { 0 };
	size_t i;
	json_t *sharer;

	json_array_foreach(json_object_get(service, "shared_by"), i, sharer)
		text_addf(&names, "%s'%s'", i > 0 ? ", " : "",
			  json_string_value(sharer));
	if (i == 0)
		return 0;
	fault_no(fault, "shared_namespace",
		 "service '%s' cannot be recreated alone: %s share%s its network, IPC "
		 "or PID namespace or its volumes",
		 name, names.s, i == 1 ? "s" : "");
	return fault_remedy(fault,
			    "recreate them together by hand, or give %s its own "
			    "namespace in the compose file",
			    names.s);
}

static int
refuse_other_compose(const char *name, const char *made_by, const char *command,
		     struct fault *fault)
{
	fault_no(fault, "compose_version",
		 "the containers of service '%s' were made by Compose %s, and here is "
		 "only another version: it would give them and their image other names",
		 name, made_by);
	return fault_remedy(fault,
			    "install Compose %s again, or hand the project over to "
			    "this one first: `%s up -d`",
			    made_by, command);
}

int
target_check(const json_t *service, const char *command, struct fault *fault)
{
	const char *name = json_member(service, "name");
	const char *foreign = json_member(service, "foreign");
	const char *made_by = json_member(service, "other_compose");

	if (json_member_true(service, "own")) {
		fault_no(fault, "own_container",
			 "service '%s' is the container Fettle itself runs in: "
			 "recreating it would end the repair half way",
			 name);
		return fault_remedy(
			fault, "repair it from the host, or from another container");
	}
	if (foreign) {
		fault_no(fault, "project_moved",
			 "service '%s' is not of this project as it lies here: %s",
			 name, foreign);
		return fault_remedy(
			fault,
			"run Fettle with the project at the same absolute path and "
			"with the same compose files as it was started with; inside a "
			"container, mount it at the same absolute path as on the host");
	}
	if (made_by)
		return refuse_other_compose(name, made_by, command, fault);
	if (refuse_shared(service, name, fault) < 0)
		return -1;
	if (json_member_true(service, "mixed_images")) {
		fault_no(fault, "mixed_images",
			 "the containers of service '%s' run different images: there "
			 "is no one image to come back to",
			 name);
		return fault_remedy(fault,
				    "bring them onto one image first: `%s up -d "
				    "--no-deps --force-recreate %s`",
				    command, name);
	}
	if (json_member_true(service, "image_gone")) {
		fault_no(fault, "previous_image_gone",
			 "the image %s of the running service '%s' no longer exists: "
			 "nothing could be put back",
			 json_member(service, "image_id"), name);
		return fault_remedy(fault,
				    "build and start it by hand first: `%s up -d "
				    "--no-deps --build %s`",
				    command, name);
	}
	if (json_member_true(service, "drift")) {
		fault_no(fault, "compose_drift",
			 "service '%s' runs with another configuration than the "
			 "compose file and its environment say now: a restart would "
			 "apply that change too",
			 name);
		return fault_remedy(
			fault,
			"apply the configuration first (`%s up -d --no-deps %s`) or "
			"undo its change; name variables it uses under compose.env or "
			"compose.env_file in fettle.yaml",
			command, name);
	}
	return 0;
}

int
target_check_build(const json_t *service, struct fault *fault)
{
	const char *name = json_member(service, "name");

	if (json_member_true(service, "has_build"))
		return 0;
	fault_no(fault, "no_build_section",
		 "service '%s' has no build section in the compose file: there is "
		 "nothing to build",
		 name);
	return fault_remedy(
		fault, "give '%s' a `build:`, or use a pipeline without a build step",
		name);
}

static int
refuse_changed(const struct target *target, struct fault *fault)
{
	const char *planned = json_member(target->service, "image_id");

	if (text_equal(planned, target->image_id))
		return 0;
	fault_no(fault, "service_changed",
		 "service '%s' runs image %s, and ran %s when this run was planned: "
		 "somebody else changed it",
		 target->name, target->image_id ? target->image_id : "none",
		 planned ? planned : "none");
	return fault_remedy(fault, "see who did, then start a new run");
}

int
target_open(struct fettle_ctx *ctx, struct engine_api *api, struct target *ret,
	    struct fault *fault)
{
	struct target t = { .service = target_fact(ctx, fault) };
	const char *project = fettle_fact(ctx, "project.name");
	bool is_mixed;

	if (!t.service)
		return -1;
	t.name = json_member(t.service, "name");
	t.image = json_member(t.service, "image");
	t.project = compose_normal_name(project ? project : "");
	if (container_list(api, t.project, t.name, &t.containers, fault) < 0 ||
	    image_find(api, t.image, &t.tag_id, fault) < 0) {
		target_close(&t);
		return -1;
	}
	t.image_id = text_copy(container_image_id(t.containers, &is_mixed));
	*ret = t;
	if (refuse_changed(ret, fault) < 0) {
		target_close(ret);
		return -1;
	}
	return 0;
}

void
target_close(struct target *target)
{
	json_decref(target->service);
	json_decref(target->containers);
	free(target->image_id);
	free(target->tag_id);
	free(target->project);
	*target = (struct target){ 0 };
}

enum level
target_level(const struct target *target)
{
	return level_find(json_member(target->service, "level"));
}

json_t *
target_record(const struct target *target)
{
	json_t *before = json_object();

	json_object_set_new(before, "service", json_text_or_null(target->name));
	json_object_set_new(before, "image", json_text_or_null(target->image));
	json_object_set_new(before, "tag_id", json_text_or_null(target->tag_id));
	json_object_set_new(before, "image_id", json_text_or_null(target->image_id));
	json_object_set_new(before, "level",
			    json_string(level_name(target_level(target))));
	json_object_set_new(
		before, "replicas",
		json_integer(json_member_int(target->service, "replicas", 1)));
	json_object_set_new(before, "containers", container_ids(target->containers));
	return before;
}
