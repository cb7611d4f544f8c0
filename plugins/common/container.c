/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See container.h. */
#include "plugins/common/container.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A container up for less than this that was restarted before is in a loop. */
#define FLAP_SECONDS 10

static const char *const level_names[] = { "absent", "created", "exited", "running",
					   "healthy" };

const char *
level_name(enum level level)
{
	return level_names[level];
}

enum level
level_find(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(level_names); i++)
		if (text_equal(level_names[i], name))
			return (enum level)i;
	return LEVEL_ABSENT;
}

const char *
short_id(const char *id, char buf[13])
{
	if (text_starts(id, "sha256:"))
		id += 7;
	strncpy(buf, id, 12);
	buf[12] = '\0';
	return buf;
}

int64_t
engine_time_s(const char *text)
{
	struct tm tm = { 0 };

	if (!text || !strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) || tm.tm_year < 70)
		return 0;
	return (int64_t)timegm(&tm);
}

static enum level
level_of(const json_t *c, int64_t now_s)
{
	const char *state = json_member(c, "state"), *health = json_member(c, "health");

	if (text_equal(state, "created"))
		return LEVEL_CREATED;
	if (!text_equal(state, "running"))
		return LEVEL_EXITED;
	int64_t up_s = now_s - engine_time_s(json_member(c, "started_at"));
	if (json_member_int(c, "restart_count", 0) > 0 && up_s < FLAP_SECONDS)
		return LEVEL_EXITED;
	return text_equal(health, "healthy") ? LEVEL_HEALTHY : LEVEL_RUNNING;
}

static const char *
first_address(const json_t *inspection)
{
	const char *name;
	json_t *network;

	json_object_foreach (json_path(inspection, "NetworkSettings.Networks"), name,
			     network) {
		const char *ip = json_member(network, "IPAddress");
		if (ip && *ip)
			return ip;
	}
	return NULL;
}

/* {"8080/tcp": 18080} of what is published on this host. */
static json_t *
published_ports(const json_t *inspection)
{
	const char *port;
	json_t *bindings, *ports = json_object();

	json_object_foreach (json_path(inspection, "NetworkSettings.Ports"), port,
			     bindings) {
		const char *host = json_member(json_array_get(bindings, 0), "HostPort");
		if (host && *host)
			json_object_set_new(ports, port,
					    json_integer(strtol(host, NULL, 10)));
	}
	return ports;
}

/* The ID behind `container:ID` of a namespace this container shares, or NULL. */
static const char *
shares(const json_t *inspection)
{
	static const char *const modes[] = { "HostConfig.NetworkMode",
					     "HostConfig.IpcMode",
					     "HostConfig.PidMode" };

	for (size_t i = 0; i < COUNT_OF(modes); i++) {
		const char *mode = json_path_text(inspection, modes[i]);
		if (mode && text_starts(mode, "container:"))
			return mode + strlen("container:");
	}
	return NULL;
}

static bool
has_healthcheck(const json_t *inspection)
{
	const char *first = json_string_value(
		json_array_get(json_path(inspection, "Config.Healthcheck.Test"), 0));

	return first && strcmp(first, "NONE") != 0;
}

/* Does it see files of the host, which no image holds? */
static bool
has_bind_mount(const json_t *inspection)
{
	size_t i;
	json_t *mount;

	json_array_foreach(json_object_get(inspection, "Mounts"), i, mount)
		if (text_equal(json_member(mount, "Type"), "bind"))
			return true;
	return false;
}

json_t *
container_read(const json_t *in, int64_t now_wall_s)
{
	json_t *labels = json_path(in, "Config.Labels");
	const char *number = json_member(labels, "com.docker.compose.container-number");
	const char *name = json_member(in, "Name");
	json_t *exit_code = json_path(in, "State.ExitCode");
	json_t *c = json_object();

	json_object_set_new(c, "id", json_text_or_null(json_member(in, "Id")));
	json_object_set_new(c, "name",
			    json_text_or_null(name && *name == '/' ? name + 1 : name));
	json_object_set_new(
		c, "service",
		json_text_or_null(json_member(labels, "com.docker.compose.service")));
	json_object_set_new(c, "number",
			    json_integer(number ? strtol(number, NULL, 10) : 1));
	json_object_set_new(c, "image",
			    json_text_or_null(json_path_text(in, "Config.Image")));
	json_object_set_new(c, "image_id", json_text_or_null(json_member(in, "Image")));
	json_object_set_new(c, "state",
			    json_text_or_null(json_path_text(in, "State.Status")));
	json_object_set_new(c, "restart_count",
			    json_integer(json_member_int(in, "RestartCount", 0)));
	json_object_set_new(
		c, "health",
		json_text_or_null(json_path_text(in, "State.Health.Status")));
	json_object_set_new(c, "started_at",
			    json_text_or_null(json_path_text(in, "State.StartedAt")));
	json_object_set(c, "exit_code", exit_code ? exit_code : json_null());
	json_object_set_new(c, "error",
			    json_text_or_null(json_path_text(in, "State.Error")));
	json_object_set_new(c, "ip", json_text_or_null(first_address(in)));
	json_object_set_new(
		c, "restart_policy",
		json_text_or_null(json_path_text(in, "HostConfig.RestartPolicy.Name")));
	json_object_set_new(
		c, "restart_limit",
		json_integer(json_member_int(json_path(in, "HostConfig.RestartPolicy"),
					     "MaximumRetryCount", 0)));
	json_object_set_new(
		c, "network_mode",
		json_text_or_null(json_path_text(in, "HostConfig.NetworkMode")));
	json_object_set_new(c, "healthcheck", json_boolean(has_healthcheck(in)));
	json_object_set_new(c, "ports", published_ports(in));
	json_object_set(c, "labels", labels ? labels : json_null());
	json_object_set_new(c, "shares", json_text_or_null(shares(in)));
	json_object_set_new(c, "is_mounted", json_boolean(has_bind_mount(in)));
	json_object_set_new(c, "level",
			    json_string(level_name(level_of(c, now_wall_s))));
	return c;
}

static int
by_service_and_number(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	const char *p = json_member(x, "service"), *q = json_member(y, "service");
	int order = strcmp(p ? p : "", q ? q : "");

	if (order != 0)
		return order;
	int64_t m = json_member_int(x, "number", 0),
		n = json_member_int(y, "number", 0);
	return m < n ? -1 : m > n;
}

static json_t *
sorted(json_t *found)
{
	size_t n = json_array_size(found);
	json_t **items = calloc(n + 1, sizeof(*items));
	json_t *array = json_array();

	if (!items)
		abort();
	for (size_t i = 0; i < n; i++)
		items[i] = json_array_get(found, i);
	qsort(items, n, sizeof(*items), by_service_and_number);
	for (size_t i = 0; i < n; i++)
		json_array_append(array, items[i]);
	free(items);
	return array;
}

/* ---- the engine's word, as far as it can be checked ------------------------ */

#define LISTINGS 3	/* containers come and go while we look */

static int
implausible(const char *id, const char *what, struct fault *fault)
{
	char buf[13];

	fault_set(fault, FETTLE_WHY_HOST, "docker_error",
		  "what the Docker engine says of container %s cannot be: %s",
		  short_id(id, buf), what);
	return fault_remedy(fault, "see what the engine is and what it says: `docker "
				   "version`, `docker inspect %s`",
			    buf);
}

static bool
is_id(const char *id)
{
	return id && *id && strspn(id, "0123456789abcdefABCDEF") == strlen(id);
}

static bool
has_label(const json_t *c, const char *name, const char *wanted)
{
	AUTO_FREE char *label = text_format("com.docker.compose.%s", name);

	return text_equal(json_member(json_object_get(c, "labels"), label), wanted);
}

/* Is this the container that was asked for, with all that is relied upon? */
static int
check_container(const json_t *c, const char *id, const char *project,
		const char *service, struct fault *fault)
{
	if (!text_equal(json_member(c, "id"), id))
		return implausible(id, "it answers for another container", fault);
	if (!json_member(c, "name") || !json_member(c, "state"))
		return implausible(id, "it has no name or no state", fault);
	if (!json_member(c, "image_id") ||
	    !text_starts(json_member(c, "image_id"), "sha256:"))
		return implausible(id, "it does not say which image it runs", fault);
	if (!has_label(c, "project", project) ||
	    (service && !has_label(c, "service", service)))
		return implausible(id, "it belongs to another project or service",
				   fault);
	return 0;
}

/* 1 inspected into *ret, 0 it has gone, -1. */
static int
inspect(struct engine_api *api, const char *id, const char *project,
	const char *service, json_t **ret, struct fault *fault)
{
	AUTO_FREE char *path = text_format("/containers/%s/json", id);
	AUTO_JSON json_t *inspection = NULL;
	int found = engine_get(api, path, &inspection, fault);

	if (found != 1)
		return found;
	json_t *c = container_read(inspection, (int64_t)time(NULL));
	if (check_container(c, id, project, service, fault) < 0) {
		json_decref(c);
		return -1;
	}
	*ret = c;
	return 1;
}

/* All of the listed ones; 1, 0 when one of them has gone, -1. */
static int
inspect_all(struct engine_api *api, const json_t *listed, const char *project,
	    const char *service, json_t **ret, struct fault *fault)
{
	AUTO_JSON json_t *found = json_array();
	json_t *entry, *c = NULL;
	size_t i;

	if (!json_is_array(listed))
		return fault_set(fault, FETTLE_WHY_HOST, "docker_error",
				 "the Docker engine's list of containers is no list");
	json_array_foreach(listed, i, entry) {
		const char *id = json_member(entry, "Id");

		if (!is_id(id))
			return fault_set(fault, FETTLE_WHY_HOST, "docker_error",
					 "the Docker engine lists a container without "
					 "an ID");
		if (container_has_id(found, id))
			return implausible(id, "it is listed twice", fault);
		int there = inspect(api, id, project, service, &c, fault);
		if (there != 1)
			return there;
		json_array_append_new(found, c);
	}
	*ret = sorted(found);
	return 1;
}

int
container_list(struct engine_api *api, const char *project, const char *service,
	       json_t **ret, struct fault *fault)
{
	AUTO_JSON json_t *filters =
		json_pack("{s:[s]}", "label", "com.docker.compose.oneoff=False");
	json_t *labels = json_object_get(filters, "label");
	AUTO_FREE char *of_project =
		text_format("com.docker.compose.project=%s", project);
	AUTO_FREE char *of_service =
		service ? text_format("com.docker.compose.service=%s", service) : NULL;

	json_array_append_new(labels, json_text_or_null(of_project));
	if (of_service)
		json_array_append_new(labels, json_text_or_null(of_service));
	AUTO_FREE char *text = json_dumps(filters, JSON_COMPACT);
	AUTO_FREE char *escaped = engine_escape(text);
	AUTO_FREE char *path =
		text_format("/containers/json?all=1&filters=%s", escaped);

	for (int i = 0; i < LISTINGS; i++) {
		AUTO_JSON json_t *listed = NULL;
		int found = engine_get(api, path, &listed, fault);

		if (found == 1)
			found = inspect_all(api, listed, project, service, ret, fault);
		if (found != 0)
			return found < 0 ? -1 : 0;
	}
	return fault_set(fault, FETTLE_WHY_TRANSIENT, "docker_error",
			 "the Docker engine lists containers that it says do not "
			 "exist");
}

enum level
container_level(const json_t *containers)
{
	enum level lowest = LEVEL_HEALTHY;
	size_t i;
	json_t *c;

	if (json_array_size(containers) == 0)
		return LEVEL_ABSENT;
	json_array_foreach(containers, i, c) {
		enum level level = level_find(json_member(c, "level"));
		if (level < lowest)
			lowest = level;
	}
	return lowest;
}

const char *
container_image_id(const json_t *containers, bool *ret_is_mixed)
{
	const char *first = json_member(json_array_get(containers, 0), "image_id");
	size_t i;
	json_t *c;

	*ret_is_mixed = false;
	json_array_foreach(containers, i, c)
		if (!text_equal(first, json_member(c, "image_id")))
			*ret_is_mixed = true;
	return first;
}

json_t *
container_ids(const json_t *containers)
{
	json_t *ids = json_array();
	size_t i;
	json_t *c;

	json_array_foreach(containers, i, c)
		json_array_append(ids, json_object_get(c, "id"));
	return ids;
}

bool
container_has_id(const json_t *containers, const char *id)
{
	size_t i;
	json_t *c;

	json_array_foreach(containers, i, c)
		if (text_equal(json_member(c, "id"), id))
			return true;
	return false;
}
