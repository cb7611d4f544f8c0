/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The `compose:` mapping, and the files Compose would find by itself. */
#include "base/base.h"

#include "model/compose.h"

#include <unistd.h>

#include "base/path.h"
#include "model/env.h"
#include "model/form.h"
#include "model/scalar.h"

/* The order in which docker-compose 1.29 looks for them. */
static const char *const file_names[] = {
	"docker-compose.yml",
	"docker-compose.yaml",
	"compose.yml",
	"compose.yaml",
};
static const char *const override_names[] = {
	"docker-compose.override.yml",
	"docker-compose.override.yaml",
	"compose.override.yml",
	"compose.override.yaml",
};

static const struct form_value texts = { FORM_TEXT }, variable = { FORM_VARIABLE };
static const struct form_key keys[] = {
	{ "directory", { FORM_TEXT, "^[^/]", .may_be_empty = true }, false,
	  "where the Compose files are" },
	{ "files", { FORM_LIST, .items = &texts, .may_be_empty = true }, false,
	  "the Compose files, in order" },
	{ "env", { FORM_LIST, .items = &variable, .may_be_empty = true }, false,
	  "names of variables that Compose gets" },
	{ "env_file", { FORM_TEXT, "^[^/]", .may_be_empty = true }, false,
	  "a file of variables" },
	{ "profiles", { FORM_LIST, .items = &texts, .may_be_empty = true }, false,
	  "the profiles that are active" },
	{ "docker_host", { FORM_TEXT, "^unix:///.", .may_be_empty = true }, false,
	  "the Docker engine's socket" },
	{ "docker_config", { FORM_TEXT, "^.", .may_be_empty = true }, false,
	  "the directory with the credentials of registries" },
	{ "buildkit", { FORM_BOOL }, false, "build with BuildKit, or without" },
	{ NULL },
};
const struct form compose_form = { "compose", keys, NULL };

static const char *
first_existing(const char *directory, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		AUTO_FREE char *path = path_join(directory, names[i]);

		if (access(path, F_OK) == 0)
			return names[i];
	}
	return NULL;
}

static void
append_path(json_t *files, const char *below, const char *name)
{
	AUTO_FREE char *path = below ? path_join(below, name) : x_strdup(name);

	json_array_append_new(files, json_string(path));
}

/*
 * What plain `docker-compose up` would read in the workspace, or in `below` of
 * it, when that is not NULL.
 */
static json_t *
default_files(const char *workspace, const char *below)
{
	AUTO_FREE char *directory = below ? path_join(workspace, below) :
					    x_strdup(workspace);
	const char *file = first_existing(directory, file_names, ARRAY_LEN(file_names));
	const char *override =
		first_existing(directory, override_names, ARRAY_LEN(override_names));
	json_t *files = json_array();

	append_path(files, below, file ? file : file_names[0]);
	if (file != NULL && override != NULL)
		append_path(files, below, override);
	return files;
}

static int
check_profile(const char *name, struct err *err)
{
	if (scalar_is_service_name(name))
		return 0;
	err_set(err, "service.grammar", "'%.80s' is no name of a profile", name);
	return err_remedy(err, "names are made of A-Z a-z 0-9 _ . -, beginning with a "
			       "letter or digit");
}

/* A list of texts, each looked at by `check`. New reference, or NULL. */
static json_t *
read_list(const struct node *node, const char *file, const char *key,
	  int (*check)(const char *text, struct err *err), struct err *err)
{
	AUTO(json_ref) json_t *list = json_array();

	if (node == NULL || node_is_null(node))
		return STEAL(list);
	if (node->kind != NODE_SEQUENCE) {
		node_err(node, file, err, "type.list", "'%s' must be a list", key);
		return NULL;
	}
	for (size_t i = 0; i < node->count; i++) {
		const char *text = node_text(node->items[i], file, key, err);

		if (text == NULL)
			return NULL;
		if (check(text, err) < 0) {
			node_at(node->items[i], file, err);
			return NULL;
		}
		json_array_append_new(list, json_string(text));
	}
	return STEAL(list);
}

/* Compose is reached through a local socket only: all our questions go there too. */
static int
check_docker_host(const char *text, struct err *err)
{
	if (str_starts(text, "unix:///") && text[8] != 0 &&
	    strpbrk(text, " \t\n") == NULL)
		return 0;
	err_set(err, "url.policy", "'%.120s' is no local Docker socket", text);
	return err_remedy(err, "write unix:///var/run/docker.sock or another socket's "
			       "path");
}

static int
check_docker_config(const char *text, struct err *err)
{
	return text[0] == '/' && text[1] != 0 ? path_check(text + 1, err)
					      : path_check(text, err);
}

/* An optional text; JSON null when it is missing. New reference, or NULL. */
static json_t *
read_text(const struct node *compose, const char *file, const char *key,
	  int (*check)(const char *text, struct err *err), struct err *err)
{
	const struct node *node = compose ? node_find(compose, key) : NULL;
	const char *text;

	if (node == NULL || node_is_null(node))
		return json_null();
	text = node_text(node, file, key, err);
	if (text == NULL)
		return NULL;
	if (check(text, err) < 0) {
		node_at(node, file, err);
		return NULL;
	}
	return json_string(text);
}

static int
fill(json_t *compose, const char *key, json_t *value)
{
	return value == NULL ? -1 : json_object_set_new(compose, key, value);
}

/* No member when it is not said: then as the Compose program does. */
static int
read_buildkit(json_t *compose, const struct node *node, const char *file,
	      struct err *err)
{
	bool wanted = false;

	if (node == NULL || node_find(node, "buildkit") == NULL)
		return 0;
	if (node_get_bool(node, file, "buildkit", &wanted, err) < 0)
		return -1;
	return json_object_set_new(compose, "buildkit", json_boolean(wanted));
}

json_t *
compose_read(const struct node *node, const char *file, const char *directory,
	     struct err *err)
{
	AUTO(json_ref) json_t *compose = json_object();
	const struct node *files = node ? node_find(node, "files") : NULL;
	const struct node *env = node ? node_find(node, "env") : NULL;
	const struct node *profiles = node ? node_find(node, "profiles") : NULL;

	if (node != NULL && form_check(node, file, &compose_form, err) < 0)
		return NULL;
	if (fill(compose, "directory",
		 read_text(node, file, "directory", path_check, err)) < 0 ||
	    fill(compose, "files", read_list(files, file, "files", path_check, err)) <
		    0 ||
	    fill(compose, "env", read_list(env, file, "env", env_check_name, err)) <
		    0 ||
	    fill(compose, "env_file",
		 read_text(node, file, "env_file", path_check, err)) < 0 ||
	    fill(compose, "profiles",
		 read_list(profiles, file, "profiles", check_profile, err)) < 0 ||
	    fill(compose, "docker_host",
		 read_text(node, file, "docker_host", check_docker_host, err)) < 0 ||
	    fill(compose, "docker_config",
		 read_text(node, file, "docker_config", check_docker_config, err)) <
		    0 ||
	    read_buildkit(compose, node, file, err) < 0)
		return NULL;
	if (json_array_size(json_object_get(compose, "files")) == 0)
		json_object_set_new(compose, "files",
				    default_files(directory,
						  json_string_value(json_object_get(
							  compose, "directory"))));
	return STEAL(compose);
}
