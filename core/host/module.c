/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens, checks and loads a module file. */
#include "base/base.h"
#include "host/module.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sha256.h"

#define TABLE_MAX 256u /* parameters or outputs of one module */

/* ---- open: no code of the module runs ---------------------------------- */

static int
refuse_trust(struct err *err, const char *path, const char *why, const char *remedy)
{
	err_set(err, "plugin.trust", "module '%s' is not trusted: %s", path, why);
	return err_remedy(err, "%s", remedy);
}

static int
check_directory(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, "plugin.trust", "look at the directory of '%s'",
				 path);
	if (st.st_mode & S_IWOTH)
		return refuse_trust(err, path, "everybody may write its directory",
				    "chmod o-w the directory");
	return 0;
}

static int
check_file(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, "plugin.trust", "look at module '%s'", path);
	if (!S_ISREG(st.st_mode))
		return refuse_trust(err, path, "it is not a regular file",
				    "install the module file itself");
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return refuse_trust(err, path, "it belongs to somebody else",
				    "chown it to root, or to the user Fettle runs as");
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return refuse_trust(err, path, "its group or everybody may write it",
				    "chmod go-w it");
	if (st.st_nlink != 1)
		return refuse_trust(err, path, "it has more than one hard link",
				    "install a copy of its own");
	return 0;
}

static int
open_file(const char *path, int *ret_fd, struct err *err)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *directory = x_strndup(path, (size_t)(slash - path) + 1);
	AUTO_CLOSE int dir = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int fd = -1;

	/* O_NONBLOCK: a FIFO is refused below and must not block us here. */
	if (dir >= 0)
		fd = openat(dir, slash + 1,
			    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ELOOP)
		return refuse_trust(err, path, "it is a symbolic link",
				    "install the module file itself");
	if (fd < 0) {
		err_errno(err, "plugin.missing", "open module '%s'", path);
		return err_remedy(err,
				  "install the module, or correct its name in `uses:`");
	}
	if (check_directory(dir, path, err) < 0 || check_file(fd, path, err) < 0)
		return -1;
	*ret_fd = STEAL_FD(fd);
	return 0;
}

static int
check_digest(int fd, const char *path, const char *expected, struct err *err)
{
	char actual[SHA256_HEX_SIZE];

	if (sha256_fd(fd, actual, NULL, err) < 0)
		return err_context(err, "hash module '%s'", path);
	if (str_eq(actual, expected))
		return 0;
	err_set(err, "plugin.digest",
		"module '%s' has changed: its SHA-256 is %s, not %s", path, actual,
		expected);
	return err_remedy(err,
			  "plan again, so that the plan holds the module as it is now");
}

int
module_open(struct module *module, const json_t *entry, struct err *err)
{
	const char *path = json_text(entry, "path");
	const char *sha256 = json_text_or(entry, "sha256", NULL);
	AUTO_CLOSE int fd = -1;

	if (open_file(path, &fd, err) < 0)
		return -1;
	if (sha256 && check_digest(fd, path, sha256, err) < 0)
		return -1;
	*module = (struct module){ .path = path, .fd = STEAL_FD(fd) };
	return 0;
}

/* ---- load -------------------------------------------------------------- */

/* The very file that was checked, whatever now lies at its path. */
static void *
open_object(const struct module *module, struct err *err)
{
	char name[40];
	const char *text;
	void *object;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", module->fd);
	object = dlopen(access(name, R_OK) == 0 ? name : module->path,
			RTLD_NOW | RTLD_LOCAL);
	if (object)
		return object;
	text = dlerror();
	if (str_starts(text, name))
		text += strlen(name) + strspn(text + strlen(name), ": ");
	err_set(err, "plugin.load", "load module '%s': %s", module->path, text);
	err_remedy(err, "build the module for this machine and link all it needs");
	return NULL;
}

static int
check_head(const struct module *module, const struct fettle_head *head, struct err *err)
{
	if (head->magic != FETTLE_MAGIC)
		err_set(err, "plugin.abi",
			"'%s' is not a module of Fettle: wrong magic number",
			module->path);
	else if (head->abi_major != FETTLE_ABI_MAJOR ||
		 head->abi_minor > FETTLE_ABI_MINOR)
		err_set(err, "plugin.abi",
			"module '%s' is built for ABI %u.%u, this is %u.%u",
			module->path, head->abi_major, head->abi_minor,
			FETTLE_ABI_MAJOR, FETTLE_ABI_MINOR);
	else if (head->kind != FETTLE_KIND_STEP && head->kind != FETTLE_KIND_POLICY)
		err_set(err, "plugin.abi",
			"module '%s' is of kind %u, which is unknown", module->path,
			head->kind);
	else
		return 0;
	return err_remedy(err, "build it against this version's <fettle/plugin.h>");
}

/* Copies what the module has; the rest of ours is zero. */
static int
copy_table(struct module *module, const struct fettle_head *head, struct err *err)
{
	bool is_policy = head->kind == FETTLE_KIND_POLICY;
	size_t own = is_policy ? sizeof(module->policy) : sizeof(module->step);
	size_t least = is_policy ? offsetof(struct fettle_policy, judge) :
				   offsetof(struct fettle_step, check);
	void *copy = is_policy ? (void *)&module->policy : (void *)&module->step;

	if (head->size < least || head->size > 65536)
		return err_set(err, "plugin.abi",
			       "module '%s' says its table has %u bytes", module->path,
			       head->size);
	module->is_policy = is_policy;
	memcpy(copy, head, head->size < own ? head->size : own);
	return 0;
}

static int
copy_params(const struct module *module, const struct fettle_table *table,
	    struct fettle_param **ret, uint32_t *ret_count, struct err *err)
{
	size_t size = table->stride < sizeof(**ret) ? table->stride : sizeof(**ret);
	const char *item = table->items;

	if (table->count == 0)
		return 0;
	if (table->count > TABLE_MAX || !item)
		return err_set(err, "plugin.description",
			       "module '%s' has a table of %u entries; the limit is %u",
			       module->path, table->count, TABLE_MAX);
	if (table->stride < offsetof(struct fettle_param, preset) ||
	    table->stride > 4096)
		return err_set(err, "plugin.abi",
			       "module '%s' has table entries of %u bytes",
			       module->path, table->stride);
	*ret = x_calloc(table->count, sizeof(**ret));
	*ret_count = table->count;
	for (uint32_t i = 0; i < table->count; i++, item += table->stride)
		memcpy(&(*ret)[i], item, size);
	return 0;
}

int
module_load(struct module *module, struct err *err)
{
	const struct fettle_head *const *symbol;
	void *object = open_object(module, err);

	if (!object)
		return -1;
	symbol = dlsym(object, "fettle_plugin");
	if (!symbol || !*symbol) {
		err_set(err, "plugin.symbol", "module '%s' exports no 'fettle_plugin'",
			module->path);
		return err_remedy(
			err, "end its source with FETTLE_STEP() or FETTLE_POLICY()");
	}
	if (check_head(module, *symbol, err) < 0 ||
	    copy_table(module, *symbol, err) < 0)
		return -1;

	const struct fettle_table *params =
		module->is_policy ? &module->policy.params : &module->step.params;

	if (copy_params(module, params, &module->params, &module->param_count, err) < 0)
		return -1;
	if (!module->is_policy &&
	    copy_params(module, &module->step.outputs, &module->outputs,
			&module->output_count, err) < 0)
		return -1;
	module->description = module_describe(module, err);
	return module->description ? 0 : -1;
}
