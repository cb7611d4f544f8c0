/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See work.h. */
#include "plugins/analyze/work.h"

void
work_done(struct work *work)
{
	dockerfile_done(&work->dockerfile);
	free(work->manifest);
	text_done(&work->manifest_text);
	free(work->why);
}

const char *
work_name(const struct work *work, const char *key)
{
	return names_get(work->finding->names, key);
}

void
work_name_set(struct work *work, const char *key, const char *value)
{
	json_object_set_new(work->finding->names, key, json_text_or_null(value));
}

void
work_leave(struct work *work, const char *fmt, ...)
{
	va_list ap;

	free(work->why);
	va_start(ap, fmt);
	work->why = text_vformat(fmt, ap);
	va_end(ap);
}

void
work_repair(struct work *work, json_t *edit)
{
	work->finding->edits = json_pack("[o]", edit);
}

char *
work_in_context(const struct work *work, const char *path)
{
	const char *context = json_text(work->site->own, "context");

	return text_equal(context, ".") ? text_copy(path) :
					  text_format("%s/%s", context, path);
}

static const char *
context_bytes(const struct work *work, const char *path, size_t *ret_len)
{
	AUTO_FREE char *full = work_in_context(work, path);

	return work->site->read(work->site->arg, full, ret_len);
}

bool
work_context_has(void *arg, const char *path)
{
	size_t len;

	return context_bytes(arg, path, &len) != NULL;
}

bool
work_context_read(const struct work *work, const char *path, struct text *ret)
{
	size_t len;
	const char *bytes = context_bytes(work, path, &len);

	if (bytes)
		text_add_n(ret, bytes, len);
	return bytes != NULL;
}

const char *
work_dockerfile(const struct work *work)
{
	return json_text(work->site->own, "dockerfile");
}

bool
work_load(struct work *work)
{
	const json_t *own = work->site->own;
	const char *path = work_dockerfile(work), *bytes;
	size_t len;

	if (!json_is_true(json_object_get(own, "has_build"))) {
		work_leave(
			work,
			"the service runs a ready image and has no `build:` section");
		return false;
	}
	if (!*path || !*json_text(own, "context")) {
		work_leave(work,
			   "the service is built from outside the project directory");
		return false;
	}
	bytes = work->site->read(work->site->arg, path, &len);
	if (!bytes) {
		work_leave(work, "the Dockerfile '%s' cannot be read", path);
		return false;
	}
	dockerfile_done(&work->dockerfile);
	dockerfile_parse(bytes, len, &work->dockerfile);
	work_name_set(work, "dockerfile", path);
	return true;
}

static void
take_manifest(struct work *work, const char *path)
{
	free(work->manifest);
	text_done(&work->manifest_text);
	work->manifest = work_in_context(work, path);
	work_name_set(work, "manifest", work->manifest);
	(void)work_context_read(work, path, &work->manifest_text);
}

bool
work_load_manifest(struct work *work, const char *path)
{
	work_name_set(work, "manifest", path);
	if (!work_load(work))
		return false;
	if (!work_context_has(work, path)) {
		work_leave(work, "there is no %s in the build context", path);
		return false;
	}
	take_manifest(work, path);
	return true;
}

bool
work_load_requirements(struct work *work)
{
	AUTO_FREE char *manifest = NULL;

	if (!work_load(work))
		return false;
	manifest = dockerfile_manifest(&work->dockerfile, work_context_has, work);
	if (manifest)
		take_manifest(work, manifest);
	else
		work_leave(
			work,
			"'%s' installs from no requirements file in the build context",
			work_dockerfile(work));
	return manifest != NULL;
}
