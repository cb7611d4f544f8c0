/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See services.h. */
#include "plugins/common/services.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "plugins/common/drift.h"
#include "plugins/common/program.h"

/* ---- paths -------------------------------------------------------------- */

/* Without `.`, `..` and empty parts; NULL when `..` leads out. `.` when nothing is
 * left. */
static char *
path_normal(const char *path)
{
	struct argv parts = { 0 };
	struct text out = { 0 };
	bool is_out = false;

	while (*path && !is_out) {
		size_t n = strcspn(path, "/");
		AUTO_FREE char *part = text_copy_n(path, n);

		if (strcmp(part, "..") == 0 && parts.count == 0)
			is_out = true;
		else if (strcmp(part, "..") == 0)
			free(parts.v[--parts.count]);
		else if (n > 0 && strcmp(part, ".") != 0)
			argv_add(&parts, part);
		path += n + (path[n] == '/');
	}
	for (size_t i = 0; i < parts.count; i++)
		text_addf(&out, "%s%s", i > 0 ? "/" : "", parts.v[i]);
	argv_done(&parts);
	if (is_out) {
		text_done(&out);
		return NULL;
	}
	return out.s ? out.s : text_copy(".");
}

static char *
path_absolute(const char *directory, const char *path)
{
	AUTO_FREE char *joined =
		*path == '/' ? text_copy(path) : text_format("%s/%s", directory, path);
	AUTO_FREE char *normal = path_normal(joined);

	return normal ? text_format("/%s", strcmp(normal, ".") == 0 ? "" : normal) :
			text_copy(joined);
}

char *
path_relative(const char *directory, const char *path)
{
	AUTO_FREE char *root = path_absolute(directory, ".");
	AUTO_FREE char *whole = path_absolute(directory, path);
	size_t n = strcmp(root, "/") == 0 ? 0 : strlen(root);

	if (strcmp(root, whole) == 0)
		return text_copy(".");
	if (strncmp(root, whole, n) != 0 || whole[n] != '/')
		return NULL;
	return text_copy(whole + n + 1);
}

/* By name, or, when both exist, by what they are: a symlink may lead there. */
static bool
is_same_file(const char *a, const char *b)
{
	struct stat x, y;

	if (strcmp(a, b) == 0)
		return true;
	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* Compose doubles every `$` of a value it prints. */
static char *
undollar(const char *s)
{
	struct text out = { 0 };

	text_add(&out, "");
	for (; *s; s++) {
		text_add_n(&out, s, 1);
		if (s[0] == '$' && s[1] == '$')
			s++;
	}
	return out.s;
}

/* ---- one service's configuration ---------------------------------------- */

char *
service_image(const json_t *service, const char *project, const char *name, bool is_v1)
{
	const char *image = json_member(service, "image");

	if (image)
		return undollar(image);
	return text_format("%s%c%s", project, is_v1 ? '_' : '-', name);
}

/* The directory and Dockerfile a service is built from, relative to the workspace;
 * NULL: elsewhere. */
static void
build_paths(const json_t *build, const char *directory, char **ret_context,
	    char **ret_dockerfile)
{
	const char *raw = json_is_string(build) ? json_string_value(build) :
						  json_member(build, "context");
	const char *dockerfile = json_member(build, "dockerfile");
	AUTO_FREE char *context = undollar(raw ? raw : ".");
	AUTO_FREE char *file = undollar(dockerfile ? dockerfile : "Dockerfile");

	*ret_context = *ret_dockerfile = NULL;
	if (strstr(context, "://") || text_starts(context, "git@"))
		return;
	*ret_context = path_relative(directory, context);
	if (json_member(build, "dockerfile_inline"))
		return;
	AUTO_FREE char *absolute = path_absolute(directory, context);
	AUTO_FREE char *whole = path_absolute(absolute, file);
	*ret_dockerfile = path_relative(directory, whole);
}

/* The text as a glob that matches only itself. */
static void
add_literal(struct text *glob, const char *s)
{
	for (; *s; s++) {
		if (*s == '*' || *s == '?' || *s == '[')
			text_addf(glob, "[%c]", *s);
		else
			text_add_n(glob, s, 1);
	}
}

static json_t *
default_allow(const char *context, const char *dockerfile)
{
	static const char *const manifests[] = {
		"requirements*.txt", "pyproject.toml", "Pipfile", "setup.cfg",
		"package.json",	     "Gemfile",	       "go.mod",  "composer.json"
	};
	json_t *allow = json_array();

	if (dockerfile) {
		AUTO_TEXT struct text glob = { 0 };
		add_literal(&glob, dockerfile);
		json_array_append_new(allow, json_text_or_null(glob.s));
	}
	for (size_t i = 0; context && i < COUNT_OF(manifests); i++) {
		AUTO_TEXT struct text glob = { 0 };
		if (strcmp(context, ".") != 0) {
			add_literal(&glob, context);
			text_add(&glob, "/");
		}
		text_add(&glob, manifests[i]);
		json_array_append_new(allow, json_text_or_null(glob.s));
	}
	return allow;
}

static int64_t
configured_replicas(const json_t *service)
{
	int64_t n = json_member_int(service, "scale",
				    json_member_int(json_object_get(service, "deploy"),
						    "replicas", 1));
	return n > 0 ? n : 1;
}

/* `18080:8080/tcp`, whichever form compose printed. */
static json_t *
port_texts(const json_t *service)
{
	json_t *texts = json_array(), *port;
	size_t i;

	json_array_foreach(json_object_get(service, "ports"), i, port) {
		if (json_is_string(port)) {
			json_array_append(texts, port);
			continue;
		}
		json_t *published = json_object_get(port, "published");
		const char *protocol = json_member(port, "protocol");
		AUTO_FREE char *from = json_is_string(published) ?
			text_copy(json_string_value(published)) :
			text_format("%lld", (long long)json_integer_value(published));
		AUTO_FREE char *text = text_format(
			"%s%s%lld/%s", published ? from : "", published ? ":" : "",
			(long long)json_member_int(port, "target", 0),
			protocol ? protocol : "tcp");
		json_array_append_new(texts, json_text_or_null(text));
	}
	return texts;
}

/* ---- who shares the target's namespaces --------------------------------- */

/* `service:api`, `container:shop_api_1`, `api`, `api:ro` name the service or its
 * container. */
static bool
names_target(const char *value, const char *name, const char *container_name)
{
	if (!value)
		return false;
	if (text_starts(value, "service:"))
		return strcmp(value + 8, name) == 0;
	if (text_starts(value, "container:"))
		return container_name && text_starts(value + 10, container_name) &&
		       (value[10 + strlen(container_name)] == '\0' ||
			value[10 + strlen(container_name)] == ':');
	size_t n = strcspn(value, ":");
	return strlen(name) == n && strncmp(value, name, n) == 0;
}

static bool
config_shares(const json_t *other, const char *name, const char *container_name)
{
	static const char *const modes[] = { "network_mode", "ipc", "pid" };
	json_t *from;
	size_t i;

	for (i = 0; i < COUNT_OF(modes); i++) {
		const char *mode = json_member(other, modes[i]);
		if (mode &&
		    (text_starts(mode, "service:") ||
		     text_starts(mode, "container:")) &&
		    names_target(mode, name, container_name))
			return true;
	}
	json_array_foreach(json_object_get(other, "volumes_from"), i, from)
		if (names_target(json_string_value(from), name, container_name))
			return true;
	return false;
}

static json_t *
shared_by(const struct services_input *in, const char *name, const json_t *own)
{
	const char *container_name = json_member(
		json_object_get(json_object_get(in->config, "services"), name),
		"container_name");
	json_t *sharers = json_array(), *other, *c;
	const char *other_name;
	size_t i;

	if (!container_name)
		container_name = json_member(json_array_get(own, 0), "name");
	json_object_foreach(json_object_get(in->config, "services"), other_name, other)
		if (strcmp(other_name, name) != 0 &&
		    config_shares(other, name, container_name))
			json_array_append_new(sharers, json_text_or_null(other_name));
	json_array_foreach(in->containers, i, c) {
		const char *shares = json_member(c, "shares"),
			   *by = json_member(c, "service");
		if (shares && by && strcmp(by, name) != 0 &&
		    container_has_id(own, shares) && !json_has_text(sharers, by))
			json_array_append_new(sharers, json_text_or_null(by));
	}
	return sharers;
}

/* ---- whose containers they are ------------------------------------------ */

/* Version 1 labels files as they were named: below its directory, or where it was
 * called. */
static bool
is_our_file(const struct services_input *in, const char *theirs, const char *ours)
{
	AUTO_FREE char *a = path_absolute(in->directory, theirs);
	AUTO_FREE char *b = path_absolute(in->workspace, theirs);
	AUTO_FREE char *whole = path_absolute(in->workspace, ours);

	return is_same_file(a, whole) || is_same_file(b, whole);
}

static char *
foreign_files(const struct services_input *in, const char *label)
{
	AUTO_FREE char *copy = text_copy(label);
	char *next = NULL, *one = strtok_r(copy, ",", &next);
	bool is_same = true;
	size_t i;
	json_t *file;

	json_array_foreach(in->files, i, file) {
		is_same = is_same && one &&
			  is_our_file(in, one, json_string_value(file));
		one = one ? strtok_r(NULL, ",", &next) : NULL;
	}
	if (is_same && !one)
		return NULL;
	return text_format("its container was created from other compose files: %s",
			   label);
}

char *
services_foreign(const struct services_input *in, const json_t *own)
{
	size_t i;
	json_t *c;

	json_array_foreach(own, i, c) {
		json_t *labels = json_object_get(c, "labels");
		const char *dir =
			json_member(labels, "com.docker.compose.project.working_dir");
		const char *files =
			json_member(labels, "com.docker.compose.project.config_files");

		if (!dir || !files)
			return text_format(
				"its container does not say from which directory and "
				"compose files it was created");
		if (!is_same_file(dir, in->directory))
			return text_format("its container was created in directory "
					   "'%s', and this project is '%s'",
					   dir, in->directory);
		char *text = foreign_files(in, files);
		if (text)
			return text;
	}
	return NULL;
}

/* The version that made its containers, when that is another major one, or NULL. */
static const char *
other_compose(const struct services_input *in, const json_t *own)
{
	size_t i;
	json_t *c;

	json_array_foreach(own, i, c) {
		const char *made_by = json_member(json_object_get(c, "labels"),
						  "com.docker.compose.version");
		if (made_by && in->version &&
		    !program_same_major(made_by, in->version))
			return made_by;
	}
	return NULL;
}

/* ---- all together ------------------------------------------------------- */

static json_t *
containers_of(const json_t *containers, const char *name)
{
	json_t *own = json_array(), *c;
	size_t i;

	json_array_foreach(containers, i, c)
		if (text_equal(json_member(c, "service"), name))
			json_array_append(own, c);
	return own;
}

/* As in output `services`: what later steps need, and nothing of the labels. */
static json_t *
public_containers(const json_t *own)
{
	static const char *const members[] = {
		"id",	 "name",	  "number", "image_id",	  "state",
		"level", "restart_count", "health", "started_at", "exit_code",
		"ip"
	};
	json_t *list = json_array(), *c;
	size_t i;

	json_array_foreach(own, i, c) {
		json_t *one = json_object();
		for (size_t k = 0; k < COUNT_OF(members); k++)
			json_object_set(one, members[k],
					json_object_get(c, members[k]));
		json_array_append_new(list, one);
	}
	return list;
}

static bool
any_healthcheck(const json_t *service, const json_t *own)
{
	const json_t *check = json_object_get(service, "healthcheck");
	size_t i;
	json_t *c;

	json_array_foreach(own, i, c)
		if (json_member_true(c, "healthcheck"))
			return true;
	return json_array_size(own) == 0 && json_is_object(check) &&
	       !json_member_true(check, "disable");
}

static void
set_text(json_t *object, const char *key, const char *text)
{
	json_object_set_new(object, key, json_text_or_null(text));
}

static json_t *
describe_one(const struct services_input *in, const char *name, const json_t *service)
{
	AUTO_JSON json_t *own = containers_of(in->containers, name);
	const json_t *build = json_object_get(service, "build");
	AUTO_FREE char *image = service_image(service, in->project, name, in->is_v1);
	AUTO_FREE char *strange = services_foreign(in, own);
	AUTO_FREE char *context = NULL, *dockerfile = NULL;
	bool has_build = json_is_object(build) || json_is_string(build), is_mixed;
	const char *image_id = container_image_id(own, &is_mixed);
	const char *tag_id = json_member(in->image_ids, image);
	json_t *d = json_object();

	if (has_build)
		build_paths(build, in->workspace, &context, &dockerfile);
	set_text(d, "name", name);
	set_text(d, "image", image);
	json_object_set_new(d, "has_build", json_boolean(has_build));
	set_text(d, "context", context);
	set_text(d, "dockerfile", dockerfile);
	json_object_set_new(d, "replicas",
			    json_integer(json_array_size(own) > 0 ?
						 (json_int_t)json_array_size(own) :
						 configured_replicas(service)));
	json_object_set_new(d, "default_allow", default_allow(context, dockerfile));
	json_t *hashes = json_object_get(in->hashes, name);
	set_text(d, "config_hash", json_string_value(json_array_get(hashes, 0)));
	json_object_set_new(
		d, "drift", json_boolean(drift_found(hashes, own, tag_id, in->is_v1)));
	json_object_set_new(d, "shared_by", shared_by(in, name, own));
	set_text(d, "foreign", strange);
	set_text(d, "other_compose", other_compose(in, own));
	json_object_set_new(d, "healthcheck",
			    json_boolean(any_healthcheck(service, own)));
	json_object_set_new(d, "ports", port_texts(service));
	set_text(d, "network_mode", json_member(service, "network_mode"));
	json_object_set_new(d, "containers", public_containers(own));
	json_object_set_new(d, "level", json_string(level_name(container_level(own))));
	set_text(d, "image_id", image_id);
	set_text(d, "tag_id", tag_id);
	json_object_set_new(d, "mixed_images", json_boolean(is_mixed));
	json_object_set_new(
		d, "image_gone",
		json_boolean(image_id && !json_object_get(in->image_ids, image_id)));
	json_object_set_new(
		d, "own",
		json_boolean(in->own_id && container_has_id(own, in->own_id)));
	return d;
}

/* Version 1 prints all services, version 2 those of the active profiles. */
static bool
is_active(const struct services_input *in, const json_t *service)
{
	const json_t *profiles = json_object_get(service, "profiles");
	size_t i;
	json_t *profile;

	json_array_foreach(profiles, i, profile)
		if (json_has_text(in->profiles, json_string_value(profile)))
			return true;
	return json_array_size(profiles) == 0;
}

json_t *
services_describe(const struct services_input *in)
{
	json_t *all = json_object(), *service;
	const char *name;

	json_object_foreach(json_object_get(in->config, "services"), name, service)
		if (is_active(in, service))
			json_object_set_new(all, name, describe_one(in, name, service));
	return all;
}
