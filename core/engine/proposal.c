/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a module's statements to a stored proposal. See proposal.h. */
#include "base/base.h"

#include "engine/proposal.h"

#include <fettle/plugin.h>
#include <strings.h>

#include "base/diff.h"
#include "base/path.h"
#include "engine/image.h"
#include "wire/event.h"

/* ---- edits ---- */

/* `.git` and its disguises, at any depth. */
static bool
is_vcs_path(const char *path)
{
	for (const char *part = path; part; part = strchr(part, '/')) {
		if (*part == '/')
			part++;
		size_t n = strcspn(part, "/");

		if (n >= 4 && strncasecmp(part, ".git", 4) == 0 &&
		    (n == 4 || part[4] == ' ' || part[4] == '.'))
			return true;
		if (n == 5 && strncasecmp(part, "git~1", 5) == 0)
			return true;
	}
	return false;
}

static int
check_path(const struct run *run, const json_t *edits, const char *path,
	   struct err *err)
{
	if (path_check(path, err) < 0)
		return err_context(err, "edit");
	bool is_vcs = is_vcs_path(path);
	if (is_vcs || (run->project && project_is_own_file(run->project, path))) {
		err_set(err, "edit.forbidden",
			"'%s' can never be edited by a step: it is %s", path,
			is_vcs ? "inside .git" : "Fettle's own configuration");
		return err_remedy(err, "change it by hand if that is what you want");
	}
	if (json_find(edits, "path", path))
		return err_set(err, "edit.duplicate",
			       "'%s' is edited twice in one proposal", path);
	return 0;
}

/* The module computed its edit from certain bytes; they must still be there. */
static int
check_pre(const json_t *event, const struct image *image, struct err *err)
{
	const json_t *pre = json_object_get(event, "pre");
	const char *path = json_text(event, "path");
	bool is_delete = str_eq(json_text(event, "op"), "delete");

	if (is_delete && !image->exists)
		return err_set(err, "apply.missing",
			       "'%s' cannot be deleted: it does not exist", path);
	if (!pre)
		return 0;
	if (str_eq(json_is_string(pre) ? json_string_value(pre) : "", image->sha256))
		return 0;
	err_set(err, "edit.stale", "'%s' changed while the edit was being computed",
		path);
	return err_remedy(err, "run again");
}

static json_t *
sha_or_null(const char *sha256)
{
	return *sha256 ? json_string(sha256) : json_null();
}

static bool
has_secret(const struct run *run, const char *bytes, size_t n)
{
	AUTO(str) struct str masked = STR_INIT;

	if (n > 0)
		mask_bytes(run->mask, bytes, n, &masked);
	return masked.len != n || (n > 0 && memcmp(masked.s, bytes, n) != 0);
}

/* Not even the image of such a file is stored. */
static int
refuse_secret(const char *path, struct err *err)
{
	err_set(err, "secret_in_diff",
		"the edit of '%s' contains the value of a secret", path);
	return err_remedy(err, "let the file refer to the secret, by a variable of the "
			       "environment or a file, instead of holding it");
}

static int
add_edit(struct run *run, json_t *edits, const json_t *event, struct err *err)
{
	__attribute__((cleanup(image_done))) struct image image = { 0 };
	const char *path = json_text(event, "path"), *op = json_text(event, "op");
	char post[SHA256_HEX_SIZE] = "", pre[SHA256_HEX_SIZE] = "";
	AUTO_FREE char *bytes = NULL;
	size_t len = 0;

	if (check_path(run, edits, path, err) < 0 ||
	    image_read(run->workspace_fd, path, &image, err) < 0 ||
	    check_pre(event, &image, err) < 0)
		return -1;
	if (str_eq(op, "write")) {
		if (event_get_content(event, &bytes, &len, err) < 0)
			return -1;
		if (len > IMAGE_MAX_BYTES)
			return err_set(err, "apply.size",
				       "the new '%s' is larger than %u MiB", path,
				       IMAGE_MAX_BYTES >> 20);
		if (image.exists && image.len == len &&
		    memcmp(image.bytes, bytes, len) == 0)
			return 0; /* nothing would change */
		if (has_secret(run, bytes, len) &&
		    !has_secret(run, image.bytes, image.len))
			return refuse_secret(path, err);
		if (store_blob_put(run->engine->store, bytes, len, post, err) < 0)
			return -1;
	}
	if (image.exists &&
	    store_blob_put(run->engine->store, image.bytes, image.len, pre, err) < 0)
		return -1;
	json_t *edit = json_pack("{s:s, s:s, s:o, s:o, s:i}", "path", path, "op", op,
				 "pre", sha_or_null(pre), "post", sha_or_null(post),
				 "mode", (int)(image.exists ? image.mode : 0644));
	if (image.exists) {
		json_object_set_new(edit, "uid", json_integer(image.uid));
		json_object_set_new(edit, "gid", json_integer(image.gid));
	}
	json_array_append_new(edits, edit);
	return 0;
}

/* ---- effects and commands ---- */

static int
add_effect(const struct plan_step *step, const struct strv *declared, json_t *effects,
	   const json_t *event, struct err *err)
{
	const char *kind = json_text(event, "kind");
	json_t *before = json_object_get(event, "before");

	if (!strv_has(declared, kind)) {
		err_set(err, "effect.undeclared",
			"step '%s' (%s) states an effect of kind '%s', which the "
			"module does not declare for these parameters",
			step->id, step->uses, kind);
		return err_remedy(err, "the module must be corrected by its author");
	}
	json_array_append_new(effects,
			      json_pack("{s:s, s:s, s:O, s:s, s:s}", "kind", kind,
					"target", json_text(event, "target"), "before",
					before ? before : json_null(), "summary",
					json_text(event, "summary"), "step", step->id));
	return 0;
}

json_t *
proposal_make(struct run *run, const struct plan_step *step, const json_t *params,
	      const struct reply *reply, struct err *err)
{
	AUTO(strv) struct strv declared = STRV_INIT;
	AUTO(json_ref) json_t *edits = json_array();
	AUTO(json_ref) json_t *effects = json_array();
	AUTO(json_ref) json_t *commands = json_array();
	const json_t *event;
	size_t i;

	if (json_array_size(reply->edits) > 0 && step->section != SECTION_STEPS) {
		err_set(err, "edit.place", "step '%s' (%s) edits files under `%s`",
			step->id, step->uses, section_name(step->section));
		return NULL;
	}
	json_array_foreach (reply->edits, i, event)
		if (add_edit(run, edits, event, err) < 0)
			return NULL;
	description_effects(step->description, params, &declared);
	json_array_foreach (reply->effects, i, event)
		if (add_effect(step, &declared, effects, event, err) < 0)
			return NULL;
	json_array_foreach (reply->commands, i, event)
		json_array_append(commands, json_object_get(event, "argv"));
	return json_pack("{s:O, s:O, s:O}", "edits", edits, "effects", effects,
			 "commands", commands);
}

json_t *
proposal_of_commands(const struct plan_step *step, const json_t *params,
		     struct err *err)
{
	const struct description *d = step->description;
	AUTO(json_ref) json_t *commands = json_array();

	for (size_t i = 0; i < d->param_count; i++) {
		const char *name = d->params[i].name;
		json_t *argv = json_object_get(params, name);

		if (!(d->params[i].flags & FETTLE_COMMAND))
			continue;
		/* Of a plan: not known yet, and shown as it is written. */
		if (!argv)
			argv = json_object_get(step->with, name);
		if (!json_is_array(argv))
			continue;
		const char *program = json_string_value(json_array_get(argv, 0));
		if (!program || !*program) {
			err_set(err, "command_empty",
				"parameter '%s' of step '%s' names no program", name,
				step->id);
			err_remedy(err, "give the program and its arguments as a list");
			return NULL;
		}
		json_array_append(commands, argv);
	}
	return json_pack("{s:[], s:[], s:O}", "edits", "effects", "commands", commands);
}

static int
load_side(struct store *store, const char *sha256, char **ret_bytes,
	  struct diff_side *ret, struct err *err)
{
	size_t len;

	if (!*sha256)
		return 0;
	if (store_blob_get(store, sha256, ret_bytes, &len, err) < 0)
		return -1;
	*ret = (struct diff_side){ *ret_bytes, len };
	return 0;
}

int
edits_diff(struct store *store, const json_t *edits, struct str *out, struct err *err)
{
	const json_t *edit;
	size_t i;

	json_array_foreach (edits, i, edit) {
		AUTO_FREE char *pre = NULL;
		AUTO_FREE char *post = NULL;
		struct diff_side before = { 0 }, after = { 0 };

		if (load_side(store, json_text(edit, "pre"), &pre, &before, err) < 0 ||
		    load_side(store, json_text(edit, "post"), &post, &after, err) < 0)
			return -1;
		diff_unified(out, json_text(edit, "path"), before, after,
			     (unsigned)json_int_or(edit, "mode", 0644));
	}
	return 0;
}
