/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading the site file. See site.h. */
#include "base/base.h"

#include "model/site.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/sha256.h"
#include "model/project.h"
#include "model/scalar.h"

static const char *const class_names[] = {
	[PRINCIPAL_HUMAN] = "human",
	[PRINCIPAL_AGENT] = "agent",
	[PRINCIPAL_WORKER] = "worker",
	[PRINCIPAL_WEBHOOK] = "webhook",
};

const char *
principal_class_name(enum principal_class class)
{
	return class_names[class];
}

/* ---- principals ------------------------------------------------------------- */

static int
read_words(const struct site *site, const struct node *mapping, const char *key,
	   struct strv *ret, struct err *err)
{
	const struct node *list = node_find(mapping, key);

	if (list == NULL || node_is_null(list))
		return 0;
	if (list->kind != NODE_SEQUENCE)
		return node_err(list, site->file, err, "type.list",
				"'%s' must be a list of words", key);
	for (size_t i = 0; i < list->count; i++) {
		const char *word = node_text(list->items[i], site->file, key, err);

		if (word == NULL)
			return -1;
		if (!scalar_is_service_name(word)) {
			node_err(list->items[i], site->file, err, "site.principal",
				 "'%.80s' is no name to be used in '%s'", word, key);
			return err_remedy(err, "names are made of A-Z a-z 0-9 _ . -, "
					       "beginning with a letter or digit");
		}
		strv_add(ret, word);
	}
	return 0;
}

static int
read_class(const struct site *site, const struct node *mapping,
	   enum principal_class *ret, struct err *err)
{
	const struct node *node = node_find(mapping, "class");
	const char *text;

	if (node == NULL)
		return 0;
	text = node_text(node, site->file, "class", err);
	if (text == NULL)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(class_names); i++)
		if (str_eq(class_names[i], text)) {
			*ret = (enum principal_class)i;
			return 0;
		}
	node_err(node, site->file, err, "site.principal",
		 "'%.80s' is no class of a principal", text);
	return err_remedy(err, "classes are human, agent, worker and webhook");
}

/* One account is one person: else a person could agree twice. */
static int
check_users(const struct site *site, const struct principal *own,
	    const struct node *node, struct err *err)
{
	for (size_t i = 0; i < own->users.count; i++) {
		const struct principal *other = site_user(site, own->users.v[i]);

		if (other == NULL || other == own)
			continue;
		node_err(node_find(node, "users"), site->file, err, "site.user",
			 "account '%s' belongs to '%s' already", own->users.v[i],
			 other->name);
		return err_remedy(err, "give it to one of the two");
	}
	return 0;
}

static int
read_principal(struct site *site, const struct node *list, size_t i, struct err *err)
{
	static const char *const allowed[] = { "users", "class", "roles", "disabled",
					       NULL };
	struct principal *own = &site->principals[site->principal_count++];
	const struct node *node = list->items[i];

	own->name = list->keys[i];
	if (!scalar_is_service_name(own->name)) {
		err_set(err, "site.principal", "'%.80s' is no name of a principal",
			own->name);
		err_remedy(err, "names are made of A-Z a-z 0-9 _ . -, beginning with a "
				"letter or digit");
		return node_at_key(list, i, site->file, err);
	}
	if (node_check_keys(node, site->file, allowed, err) < 0 ||
	    read_words(site, node, "users", &own->users, err) < 0 ||
	    read_words(site, node, "roles", &own->roles, err) < 0 ||
	    read_class(site, node, &own->class, err) < 0 ||
	    node_get_bool(node, site->file, "disabled", &own->is_disabled, err) < 0)
		return -1;
	return check_users(site, own, node, err);
}

static int
read_principals(struct site *site, const struct node *list, struct err *err)
{
	if (list == NULL || node_is_null(list))
		return 0;
	if (list->kind != NODE_MAPPING)
		return node_err(list, site->file, err, "type.map",
				"'principals' must be a mapping of names");
	site->principals = x_calloc(list->count + 1, sizeof(*site->principals));
	for (size_t i = 0; i < list->count; i++)
		if (read_principal(site, list, i, err) < 0)
			return -1;
	return 0;
}

/* ---- the file ----------------------------------------------------------------- */

static int
read_site(struct site *site, struct err *err)
{
	static const char *const allowed[] = { "fettle", "principals", "policies",
					       ONLY_NAMED, "metrics", NULL };
	const struct node *version = node_find(site->root, "fettle");

	if (version == NULL || version->kind != NODE_SCALAR ||
	    !str_eq(version->text, "1")) {
		node_err(version ? version : site->root, site->file, err,
			 "site.version", "'fettle: 1' is missing");
		return err_remedy(err, "begin the site file with `fettle: 1`");
	}
	if (node_check_keys(site->root, site->file, allowed, err) < 0 ||
	    node_get_bool(site->root, site->file, ONLY_NAMED, &site->only_named, err) <
		    0 ||
	    read_principals(site, node_find(site->root, "principals"), err) < 0 ||
	    sink_read(node_find(site->root, "metrics"), site->file, &site->sink, err) <
		    0)
		return -1;
	return policies_read(node_find(site->root, "policies"), site->file,
			     &site->policies, &site->policy_count, err);
}

/* It says who may agree to what: nobody else may have written it. */
static int
check_owner(int fd, const char *file, struct err *err)
{
	struct stat info;

	if (fstat(fd, &info) < 0)
		return err_errno(err, "file.open", "look at '%s'", file);
	if (S_ISREG(info.st_mode) && (info.st_uid == 0 || info.st_uid == geteuid()) &&
	    (info.st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return 0;
	err_set(err, "site.unsafe",
		"'%s' is not a file that only root or you can write", file);
	return err_remedy(err, "chown root:root '%s' && chmod 644 '%s'", file, file);
}

static int
load(struct site *site, struct err *err)
{
	AUTO_FREE char *text = NULL;
	size_t len = 0;

	AUTO_CLOSE int fd =
		open(site->file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		sha256_hex("", 0, site->sha256);
		return 0;
	}
	if (fd < 0)
		return err_errno(err, "file.open", "open '%s'", site->file);
	if (check_owner(fd, site->file, err) < 0 ||
	    file_read_fd(fd, site->file, node_limits.bytes, &text, &len, err) < 0)
		return -1;
	sha256_hex(text, len, site->sha256);
	site->root = node_parse(text, len, site->file, err);
	return site->root ? read_site(site, err) : -1;
}

struct site *
site_load(const char *file, struct err *err)
{
	struct site *site = x_calloc(1, sizeof(*site));

	site->file = x_strdup(file);
	if (load(site, err) == 0)
		return site;
	site_free(site);
	return NULL;
}

void
site_free(struct site *site)
{
	if (site == NULL)
		return;
	for (size_t i = 0; i < site->principal_count; i++) {
		strv_done(&site->principals[i].users);
		strv_done(&site->principals[i].roles);
	}
	free(site->principals);
	free(site->policies);
	sink_done(&site->sink);
	free(site->file);
	node_free(site->root);
	free(site);
}

void
site_done(struct site **site)
{
	site_free(*site);
}

const struct principal *
site_principal(const struct site *site, const char *name)
{
	for (size_t i = 0; i < site->principal_count; i++)
		if (str_eq(site->principals[i].name, name))
			return &site->principals[i];
	return NULL;
}

const struct principal *
site_user(const struct site *site, const char *user)
{
	for (size_t i = 0; i < site->principal_count; i++)
		if (strv_has(&site->principals[i].users, user))
			return &site->principals[i];
	return NULL;
}
