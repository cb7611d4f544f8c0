/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding modules and asking them who they are. See module.h. */
#include "base/base.h"

#include "engine/module.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/path.h"
#include "base/sha256.h"
#include "engine/host.h"

#define DESCRIBE_TIMEOUT_MS 10000

void
module_free(struct module *module)
{
	if (!module)
		return;
	free(module->name);
	free(module->path);
	description_free(module->description);
	free(module);
}

void
module_done(struct module **module)
{
	module_free(*module);
}

json_t *
module_request(const char *path, const char *sha256, const json_t *params,
	       const json_t *unknown)
{
	json_t *module = json_object();

	json_object_set_new(module, "path", json_string(path));
	json_object_set_new(module, "sha256", json_string(sha256));
	json_object_set_new(module, "params",
			    params ? json_deep_copy(params) : json_object());
	json_object_set_new(module, "unknown",
			    unknown ? json_deep_copy(unknown) : json_array());
	return module;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The `.so` files of one folder as `PREFIX` + base name. */
static void
add_names(const char *folder, const char *prefix, struct strv *ret)
{
	DIR *dir = opendir(folder);

	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		size_t n = strlen(entry->d_name);

		if (n > 3 && str_eq(entry->d_name + n - 3, ".so"))
			strv_addf(ret, "%s%.*s", prefix, (int)(n - 3), entry->d_name);
	}
	closedir(dir);
}

void
module_names(const struct engine *engine, bool is_policy, struct strv *ret)
{
	AUTO_FREE char *root =
		path_join(engine->lib_dir, is_policy ? "policies" : "plugins");

	if (is_policy)
		add_names(root, "", ret);
	DIR *dir = is_policy ? NULL : opendir(root);
	for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		AUTO_FREE char *folder = path_join(root, entry->d_name);
		AUTO_FREE char *prefix = x_asprintf("%s/", entry->d_name);

		add_names(folder, prefix, ret);
	}
	if (dir)
		closedir(dir);
	if (ret->count > 1)
		qsort(ret->v, ret->count, sizeof ret->v[0], by_name);
}

static int
no_such_module(const struct engine *engine, const char *name, bool is_policy,
	       struct err *err)
{
	AUTO(strv) struct strv known = STRV_INIT;
	AUTO(str) struct str list = STR_INIT;

	module_names(engine, is_policy, &known);
	const char *near = strv_nearest(&known, name);
	for (size_t i = 0; i < known.count; i++)
		str_addf(&list, "%s%s", i ? ", " : "", known.v[i]);
	err_set(err, is_policy ? "pipeline.policy" : "pipeline.step_type",
		"no %s '%s' is installed%s%s%s", is_policy ? "policy" : "step type",
		name, near ? "; did you mean '" : "", near ? near : "",
		near ? "'?" : "");
	return err_remedy(err, "installed are: %s",
			  known.count ? str_get(&list) : "none");
}

/* What describe sends, while it is coming. */
struct asking {
	json_t *description;
	struct str log;
};

static int
take_description(void *self, const json_t *event, int scratch_fd, struct err *err)
{
	struct asking *asking = self;

	(void)scratch_fd;
	(void)err;
	if (str_eq(json_text(event, "e"), "describe") && !asking->description)
		asking->description =
			json_incref(json_object_get(event, "description"));
	return 0;
}

static void
take_log(void *self, const char *bytes, size_t n)
{
	struct asking *asking = self;

	if (asking->log.len < 4096)
		str_add_n(&asking->log, bytes, n < 4096 ? n : 4096);
}

static int
judge_answer(const char *path, const struct host_answer *answer, const struct str *log,
	     struct err *err)
{
	const json_t *result = answer->result;

	if (answer->end == HOST_REFUSED) {
		*err = answer->err;
		return err_context(err, "module '%s'", path);
	}
	if (answer->end == HOST_TIMED_OUT)
		return err_set(err, "plugin.timeout",
			       "module '%s' did not describe itself "
			       "within %d ms",
			       path, DESCRIBE_TIMEOUT_MS);
	if (answer->end != HOST_ANSWERED)
		return err_set(err, "plugin.crashed",
			       "module '%s' ended while it was loaded: %s", path,
			       log->len ? str_get(log) : "no message");
	if (!str_eq(json_text(result, "result"), "ok")) {
		err_set(err, json_text_or(result, "code", "plugin.load"), "%s",
			json_text(result, "text"));
		return err_remedy(err, "%s", json_text(result, "remedy"));
	}
	return 0;
}

static json_t *
ask_description(struct nursery *nursery, const char *state_dir, const char *path,
		const char *sha256, struct err *err)
{
	AUTO(json_ref) json_t *request = json_object();
	json_t *modules = json_array();
	struct asking asking = { NULL, STR_INIT };
	struct host_answer answer = { 0 };
	struct host_call call = { .nursery = nursery,
				  .state_dir = state_dir,
				  .call = "describe",
				  .attempt = "describe/describe/1",
				  .request = request,
				  .lock_fd = -1,
				  .cancel_fd = -1,
				  .timeout_ms = DESCRIBE_TIMEOUT_MS,
				  .event = take_description,
				  .log = take_log,
				  .self = &asking };

	json_array_append_new(modules, module_request(path, sha256, NULL, NULL));
	json_object_set_new(request, "modules", modules);
	int failed = host_ask(&call, &answer, err);
	if (!failed)
		failed = judge_answer(path, &answer, &asking.log, err);
	if (!failed && !asking.description)
		failed = err_set(err, "plugin.description",
				 "module '%s' described nothing", path);
	host_answer_done(&answer);
	str_done(&asking.log);
	if (failed) {
		json_decref(asking.description);
		return NULL;
	}
	return asking.description;
}

static struct description *
describe(struct engine *engine, const struct module *module, struct err *err)
{
	AUTO(json_ref)
	json_t *json = store_description_find(engine->store, module->sha256);
	bool is_cached = json != NULL;

	if (!json &&
	    !(json = ask_description(engine->nursery, store_dir(engine->store),
				     module->path, module->sha256, err)))
		return NULL;
	struct description *d = description_new(json, err);
	if (!d)
		return NULL;
	if (d->is_policy != module->is_policy || !str_eq(d->name, module->name)) {
		err_set(err, "plugin.name",
			"file '%s' holds the %s '%s', not the %s '%s'", module->path,
			d->is_policy ? "policy" : "step type", d->name,
			module->is_policy ? "policy" : "step type", module->name);
		description_free(d);
		return NULL;
	}
	struct err ignored = { 0 };
	if (!is_cached) /* Only a cache: not having it costs time, nothing else. */
		(void)store_description_add(engine->store, module->sha256, json,
					    &ignored);
	return d;
}

struct module *
module_find(struct engine *engine, const char *name, bool is_policy, struct err *err)
{
	AUTO(module) struct module *module = x_calloc(1, sizeof *module);
	AUTO_FREE char *file = x_asprintf("%s/%s/%s.so", engine->lib_dir,
					  is_policy ? "policies" : "plugins", name);
	AUTO_CLOSE int fd = -1;

	module->name = x_strdup(name);
	module->is_policy = is_policy;
	if (path_check(name, err) < 0) {
		no_such_module(engine, name, is_policy, err);
		return NULL;
	}
	if ((fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			no_such_module(engine, name, is_policy, err);
		else
			err_errno(err, "plugin.missing", "open '%s'", file);
		return NULL;
	}
	module->path = STEAL(file);
	if (sha256_fd(fd, module->sha256, NULL, err) < 0) {
		err_context(err, "module '%s'", module->path);
		return NULL;
	}
	if (!(module->description = describe(engine, module, err)))
		return NULL;
	return STEAL(module);
}

/* `plugins/patch/greet.so`: where the module must lie to be found by its name. */
static char *
install_name(const struct description *d)
{
	return x_asprintf("%s/%s.so", d->is_policy ? "policies" : "plugins", d->name);
}

static int
check_file_name(const char *path, const char *install, struct err *err)
{
	const char *wanted = strrchr(install, '/');

	if (str_eq(strrchr(path, '/'), wanted))
		return 0;
	err_set(err, "plugin.name",
		"file '%s' holds what is looked for in a file called '%s'", path,
		wanted + 1);
	return err_remedy(err, "rename it, and install it as `%s`", install);
}

json_t *
engine_describe(struct engine *engine, const char *scratch_dir, const char *path,
		struct err *err)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char sha256[SHA256_HEX_SIZE];

	if (fd < 0) {
		err_errno(err, "plugin.missing", "open '%s'", path);
		return NULL;
	}
	if (sha256_fd(fd, sha256, NULL, err) < 0) {
		err_context(err, "module '%s'", path);
		return NULL;
	}
	host_prepare(engine);
	AUTO(json_ref)
	json_t *json =
		ask_description(engine->nursery, scratch_dir, path, sha256, err);
	if (!json)
		return NULL;
	struct description *d = description_new(json, err);
	if (!d) {
		err_context(err, "module '%s'", path);
		return NULL;
	}
	AUTO_FREE char *install = install_name(d);
	json_t *row = NULL;
	if (check_file_name(path, install, err) == 0)
		row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:O}", "name", d->name,
				"kind", d->is_policy ? "policy" : "step", "path", path,
				"sha256", sha256, "install", install, "description",
				d->json);
	description_free(d);
	return row;
}

json_t *
engine_modules(struct engine *engine, struct err *err)
{
	json_t *list = json_array();

	(void)err;
	host_prepare(engine);
	for (int is_policy = 0; is_policy < 2; is_policy++) {
		AUTO(strv) struct strv names = STRV_INIT;

		module_names(engine, is_policy, &names);
		for (size_t i = 0; i < names.count; i++) {
			struct err why = { 0 };
			AUTO(module) struct module *module =
				module_find(engine, names.v[i], is_policy, &why);
			json_t *row = json_object();

			json_object_set_new(row, "name", json_string(names.v[i]));
			json_object_set_new(row, "kind",
					    json_string(is_policy ? "policy" : "step"));
			if (module) {
				json_object_set_new(row, "path",
						    json_string(module->path));
				json_object_set_new(row, "sha256",
						    json_string(module->sha256));
				json_object_set(row, "description",
						module->description->json);
			} else {
				json_object_set_new(row, "error",
						    json_string(why.text));
				json_object_set_new(row, "code", json_string(why.code));
			}
			json_array_append_new(list, row);
		}
	}
	return list;
}
