/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fettle.yaml: found, read, checked. It decides what repairs may touch, so it
 * is itself out of their reach.
 */
#include "base/base.h"

#include "model/project.h"

#include <fcntl.h>
#include <unistd.h>

#include "model/allow.h"
#include "base/path.h"
#include "model/compose.h"
#include "model/env.h"
#include "model/form.h"
#include "model/probe.h"
#include "model/scalar.h"

#define PROJECT_FILE "fettle.yaml"

/* ---- what the file may hold ------------------------------------------------ */

static const struct form_value texts = { FORM_TEXT };
static const struct form_key service_keys[] = {
	{ "allow",
	  { FORM_LIST, .items = &texts, .may_be_empty = true },
	  false,
	  "patterns of the files a repair may change" },
	{ "protected",
	  { FORM_BOOL },
	  false,
	  "a policy must allow each step expressly" },
	{ "health",
	  { FORM_LIST,
	    .items = &(const struct form_value){ FORM_MAPPING, .form = &probe_form },
	    .may_be_empty = true },
	  false,
	  "probes that must all succeed" },
	{ "aliases",
	  { FORM_LIST, .items = &texts, .may_be_empty = true },
	  false,
	  "other words by which an instruction may name it" },
	{ NULL },
};
static const struct form service_form = { "service", service_keys, NULL };

static const struct form_key keys[] = {
	{ "fettle", { FORM_CHOICE, "1" }, true, "the version of this format" },
	{ "project", { FORM_TEXT, "^[a-z0-9][a-z0-9_-]{0,99}$" }, true,
	  "the Compose project's name" },
	{ "compose", { FORM_MAPPING, .form = &compose_form, .may_be_empty = true },
	  false, "what Compose is given" },
	{ "secrets",
	  { FORM_MAP, "^[A-Za-z_][A-Za-z0-9_]*$",
	    .items = &(const struct form_value){ FORM_TEXT, "^(env|file):." },
	    .may_be_empty = true },
	  false,
	  "names of secrets and where their values are" },
	{ "services",
	  { FORM_MAP, "^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$",
	    .items = &(const struct form_value){ FORM_MAPPING, .form = &service_form,
						 .may_be_empty = true },
	    .may_be_empty = true },
	  false,
	  "what may be done to each service" },
	{ ONLY_NAMED,
	  { FORM_BOOL },
	  false,
	  "no service may be repaired that is not named under services" },
	{ "pipelines",
	  { FORM_MAP, .items = &(const struct form_value){ FORM_TEXT, "^[^/]" },
	    .may_be_empty = true },
	  false,
	  "names of pipelines and their files" },
	{ NULL },
};
const struct form project_form = { "project", keys, NULL };

/* ---- files no repair may touch -------------------------------------------- */

static bool
has_git_component(const char *path)
{
	while (*path != 0) {
		size_t n = strcspn(path, "/");

		if (n == 4 && strncasecmp(path, ".git", 4) == 0)
			return true;
		path += n;
		path += strspn(path, "/");
	}
	return false;
}

bool
project_is_own_file(const struct project *p, const char *path)
{
	const char *slash = strrchr(path, '/'), *name;
	json_t *file;

	/* A new fettle.yaml further down would be found before ours. */
	if (str_eq(slash ? slash + 1 : path, PROJECT_FILE) || has_git_component(path))
		return true;
	if (p == NULL)
		return false;
	json_object_foreach (p->pipelines, name, file)
		if (str_eq(json_string_value(file), path))
			return true;
	return false;
}

/* The own file a pattern would allow, or NULL. */
static const char *
find_own_match(const struct project *p, const char *pattern)
{
	const char *name;
	json_t *file;

	if (path_matches(pattern, PROJECT_FILE))
		return PROJECT_FILE;
	json_object_foreach (p->pipelines, name, file)
		if (path_matches(pattern, json_string_value(file)))
			return json_string_value(file);
	return NULL;
}

/* ---- services --------------------------------------------------------------- */

static int
read_allow(const struct project *p, const struct node *list, struct strv *ret,
	   struct err *err)
{
	if (list == NULL || node_is_null(list))
		return 0;
	if (list->kind != NODE_SEQUENCE)
		return node_err(list, p->file, err, "type.list",
				"'allow' must be a list of patterns");
	for (size_t i = 0; i < list->count; i++) {
		const char *pattern = list->items[i]->text, *own;

		/* An empty entry is a pattern too: one that leads nowhere. */
		if (pattern == NULL ||
		    (node_is_null(list->items[i]) && *pattern != 0)) {
			(void)node_text(list->items[i], p->file, "allow", err);
			return -1;
		}
		if (allow_check(pattern, err) < 0)
			return node_at(list->items[i], p->file, err);
		own = find_own_match(p, pattern);
		if (own != NULL) {
			node_err(list->items[i], p->file, err, "allow.self",
				 "pattern '%.80s' allows '%s', which no repair may "
				 "change",
				 pattern, own);
			return err_remedy(err, "write a narrower pattern");
		}
		strv_add(ret, pattern);
	}
	return 0;
}

static int
name_err(struct err *err, const char *what, const char *name)
{
	err_set(err, "service.grammar", "'%.80s' is no name of %s", name, what);
	return err_remedy(err, "names are made of A-Z a-z 0-9 _ . -, beginning with a "
			       "letter or digit");
}

/* A word that leads to two services would never find its target. */
static const struct project_service *
find_alias(const struct project *p, const char *alias)
{
	for (size_t i = 0; i < p->service_count; i++)
		if (str_eq(p->services[i].name, alias) ||
		    strv_has(&p->services[i].aliases, alias))
			return &p->services[i];
	return NULL;
}

static int
read_aliases(const struct project *p, const struct node *list, struct strv *ret,
	     struct err *err)
{
	if (list == NULL || node_is_null(list))
		return 0;
	if (list->kind != NODE_SEQUENCE)
		return node_err(list, p->file, err, "type.list",
				"'aliases' must be a list of words");
	for (size_t i = 0; i < list->count; i++) {
		const char *alias = node_text(list->items[i], p->file, "aliases", err);
		const struct project_service *other;

		if (alias == NULL)
			return -1;
		if (!scalar_is_service_name(alias)) {
			name_err(err, "an alias", alias);
			return node_at(list->items[i], p->file, err);
		}
		other = find_alias(p, alias);
		if (other != NULL)
			return node_err(list->items[i], p->file, err, "service.alias",
					"'%s' leads to service '%s' already", alias,
					other->name);
		strv_add(ret, alias);
	}
	return 0;
}

static int
read_service(struct project *p, struct project_service *service,
	     const struct node *node, struct err *err)
{
	const struct node *health;

	if (node_is_null(node))
		return 0;
	if (form_check(node, p->file, &service_form, err) < 0 ||
	    read_allow(p, node_find(node, "allow"), &service->allow, err) < 0 ||
	    node_get_bool(node, p->file, "protected", &service->is_protected, err) <
		    0 ||
	    read_aliases(p, node_find(node, "aliases"), &service->aliases, err) < 0)
		return -1;
	health = node_find(node, "health");
	if (health == NULL || node_is_null(health))
		return 0;
	service->health = probe_read_list(health, p->file, err);
	return service->health != NULL ? 0 : -1;
}

static int
read_services(struct project *p, const struct node *services, struct err *err)
{
	if (services == NULL || node_is_null(services))
		return 0;
	if (services->kind != NODE_MAPPING)
		return node_err(services, p->file, err, "type.map",
				"'services' must be a mapping of services");
	p->services = x_calloc(services->count + 1, sizeof(*p->services));
	/* All names first: an alias must not be the name of a later service. */
	for (size_t i = 0; i < services->count; i++) {
		if (!scalar_is_service_name(services->keys[i])) {
			name_err(err, "a service", services->keys[i]);
			return node_at_key(services, i, p->file, err);
		}
		p->services[p->service_count++].name = x_strdup(services->keys[i]);
	}
	for (size_t i = 0; i < services->count; i++)
		if (read_service(p, &p->services[i], services->items[i], err) < 0)
			return -1;
	return 0;
}

/* ---- the other keys ----------------------------------------------------------- */

static int
check_version(const struct project *p, const struct node *root, struct err *err)
{
	const struct node *node = node_find(root, "fettle");

	if (node != NULL && node->kind == NODE_SCALAR && str_eq(node->text, "1"))
		return 0;
	if (node == NULL)
		node_err(root, p->file, err, "project.version",
			 "'fettle: 1' is missing");
	else
		node_err(node, p->file, err, "project.version",
			 "the project file is of another version than 1");
	return err_remedy(err, "write `fettle: 1`, or use a Fettle that knows this "
			       "version");
}

static int
read_name(struct project *p, const struct node *root, struct err *err)
{
	const struct node *node = node_find(root, "project");
	const char *name = node && node->kind == NODE_SCALAR ? node->text : "";
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	if (n > 0 && n <= 100 && name[n] == 0 && strchr("_-", name[0]) == NULL &&
	    !node_is_null(node)) {
		p->name = x_strdup(name);
		return 0;
	}
	if (node == NULL)
		node_err(root, p->file, err, "project.name", "'project' is missing");
	else
		node_err(node, p->file, err, "project.name",
			 "'%.80s' is no name of a compose project", name);
	return err_remedy(err, "write the compose project's name: a-z 0-9 _ -, "
			       "beginning with a letter or digit");
}

static bool
is_secret_reference(const char *text)
{
	if (str_starts(text, "env:"))
		return scalar_is_variable_name(text + 4);
	if (!str_starts(text, "file:") || text[5] == 0)
		return false;
	for (const char *c = text + 5; *c != 0; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7F)
			return false;
	return true;
}

static int
read_secrets(struct project *p, const struct node *node, struct err *err)
{
	p->secrets = json_object();
	if (node == NULL || node_is_null(node))
		return 0;
	if (node->kind != NODE_MAPPING)
		return node_err(node, p->file, err, "type.map",
				"'secrets' must be a mapping of names to references");
	for (size_t i = 0; i < node->count; i++) {
		const char *text =
			node_text(node->items[i], p->file, node->keys[i], err);

		if (text == NULL)
			return -1;
		if (!scalar_is_variable_name(node->keys[i])) {
			err_set(err, "secret.name", "'%s' is no name of a secret",
				node->keys[i]);
			err_remedy(err, "names are made of A-Z a-z 0-9 _");
			return node_at_key(node, i, p->file, err);
		}
		if (!is_secret_reference(text)) {
			/* The text may be the secret itself: it is not repeated. */
			node_err(node->items[i], p->file, err, "secret.ref",
				 "secret '%s' is no reference", node->keys[i]);
			return err_remedy(err, "write env:VARIABLE or file:PATH, never "
					       "the value");
		}
		json_object_set_new(p->secrets, node->keys[i], json_string(text));
	}
	return 0;
}

static int
read_pipelines(struct project *p, const struct node *node, struct err *err)
{
	p->pipelines = json_object();
	if (node == NULL || node_is_null(node))
		return 0;
	if (node->kind != NODE_MAPPING)
		return node_err(node, p->file, err, "type.map",
				"'pipelines' must be a mapping of names to files");
	for (size_t i = 0; i < node->count; i++) {
		const char *path =
			node_text(node->items[i], p->file, node->keys[i], err);

		if (path == NULL)
			return -1;
		if (path_check(path, err) < 0)
			return node_at(node->items[i], p->file, err);
		json_object_set_new(p->pipelines, node->keys[i], json_string(path));
	}
	return 0;
}

static int
read_project(struct project *p, const struct node *root, struct err *err)
{
	const struct node *compose = node_find(root, "compose");

	if (check_version(p, root, err) < 0 ||
	    form_check(root, p->file, &project_form, err) < 0 ||
	    read_name(p, root, err) < 0 ||
	    node_get_bool(root, p->file, ONLY_NAMED, &p->only_named, err) < 0)
		return -1;
	if (compose != NULL && node_is_null(compose))
		compose = NULL;
	p->compose = compose_read(compose, p->file, p->directory, err);
	if (p->compose == NULL ||
	    read_secrets(p, node_find(root, "secrets"), err) < 0 ||
	    read_pipelines(p, node_find(root, "pipelines"), err) < 0)
		return -1;
	return read_services(p, node_find(root, "services"), err);
}

/* ---- finding and loading --------------------------------------------------------- */

struct project *
project_load(const char *file, struct err *err)
{
	const char *slash = strrchr(file, '/');
	AUTO_FREE char *folder =
		slash ? x_strndup(file, (size_t)(slash - file) + 1) : x_strdup(".");
	AUTO(node) struct node *root = NULL;
	struct project *p;

	root = node_load(file, err);
	if (root == NULL)
		return NULL;
	p = x_calloc(1, sizeof(*p));
	p->directory = realpath(folder, NULL);
	if (p->directory == NULL) {
		err_errno(err, "path.open", "find directory '%s'", folder);
	} else if (!utf8_is_valid(p->directory, strlen(p->directory))) {
		/* Plans and events are UTF-8: such a path could not be stored. */
		err_set(err, "path.invalid",
			"directory '%s' has a name that is not UTF-8", p->directory);
		err_remedy(err, "rename the directory");
	} else {
		p->file = path_join(p->directory, slash ? slash + 1 : file);
		if (read_project(p, root, err) == 0)
			return p;
	}
	project_free(p);
	return NULL;
}

struct project *
project_find(const char *directory, struct err *err)
{
	AUTO_FREE char *folder = realpath(directory, NULL);

	if (folder == NULL) {
		err_errno(err, "path.open", "find directory '%s'", directory);
		return NULL;
	}
	for (;;) {
		AUTO_FREE char *file = path_join(folder, PROJECT_FILE);
		char *slash = strrchr(folder, '/');

		if (faccessat(AT_FDCWD, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return project_load(file, err);
		if (slash == NULL || folder[1] == 0)
			break;
		slash[slash == folder ? 1 : 0] = 0;
	}
	err_set(err, "project.missing", "there is no fettle.yaml in '%s' or above",
		directory);
	err_remedy(err, "go to the folder of the compose file and run `fettle init`");
	return NULL;
}

void
project_free(struct project *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->service_count; i++) {
		free(p->services[i].name);
		strv_done(&p->services[i].allow);
		strv_done(&p->services[i].aliases);
		json_decref(p->services[i].health);
	}
	free(p->services);
	free(p->directory);
	free(p->file);
	free(p->name);
	json_decref(p->compose);
	json_decref(p->secrets);
	json_decref(p->pipelines);
	free(p);
}

const struct project_service *
project_find_service(const struct project *p, const char *name)
{
	for (size_t i = 0; i < p->service_count; i++)
		if (str_eq(p->services[i].name, name))
			return &p->services[i];
	return NULL;
}
