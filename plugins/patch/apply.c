/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * patch/apply: structured edits become post-images. Proposing is all of it;
 * once the policies have agreed the engine itself writes the files.
 */
#include <fettle/plugin.h>

#include "plugins/patch/edits.h"

enum { EDITS };

static const struct fettle_param params[] = {
	[EDITS] = { "edits", FETTLE_JSON, FETTLE_REQUIRED, NULL, NULL,
		    "The edits to make, a list as analyze/logs puts it out." },
};

static const struct fettle_param outputs[] = {
	{ "files", FETTLE_LIST, 0, NULL, NULL, "The paths that change, in order." },
};

static int
fail(struct fettle_ctx *ctx, const struct edit_fault *fault)
{
	return fettle_fail(ctx, fault->code, fault->remedy, "%s",
			   text_get(&fault->message));
}

static int
read_file(void *arg, const char *path, const char **bytes, size_t *len,
	  const char **why)
{
	struct fettle_ctx *ctx = arg;

	*bytes = fettle_file(ctx, path, len);
	if (*bytes)
		return 1;
	*why = fettle_file_error(ctx);
	return *why ? -1 : 0;
}

/* The list, also when it comes as the text that a program printed. New reference. */
static json_t *
edits_load(struct fettle_ctx *ctx)
{
	AUTO_JSON json_t *edits = json_of(fettle_param_json(ctx, EDITS));

	if (json_is_string(edits))
		return json_of(json_string_value(edits));
	return STEAL(edits);
}

static int
check(struct fettle_ctx *ctx)
{
	AUTO(edit_fault) struct edit_fault fault = EDIT_FAULT_INIT;
	AUTO_JSON json_t *edits = NULL;

	if (!fettle_param_known(ctx, EDITS))
		return FETTLE_OK;
	edits = edits_load(ctx);
	return edits_check(edits, &fault) < 0 ? fail(ctx, &fault) : FETTLE_OK;
}

static int
propose(struct fettle_ctx *ctx)
{
	AUTO(edit_fault) struct edit_fault fault = EDIT_FAULT_INIT;
	AUTO(edit_set) struct edit_set set = EDIT_SET_INIT;
	AUTO_JSON json_t *edits = edits_load(ctx);
	size_t changed = 0;

	if (edits_compute(edits, read_file, ctx, &set, &fault) < 0)
		return fail(ctx, &fault);
	for (size_t i = 0; i < set.count; i++) {
		const struct edit_file *file = &set.files[i];

		if (!edit_file_changed(file))
			continue;
		if (file->exists)
			fettle_edit_write(ctx, file->path, text_get(&file->after),
					  file->after.len);
		else
			fettle_edit_delete(ctx, file->path);
		changed++;
	}
	if (changed == 0) {
		fettle_info(ctx,
			    "no_change: the files are already as the edits want them");
		return FETTLE_NOOP;
	}
	fettle_info(ctx, "%zu of %zu files change", changed, set.count);
	return FETTLE_OK;
}

/* The engine has written the files already: says which. */
static int
run(struct fettle_ctx *ctx)
{
	AUTO_JSON json_t *files = json_array();
	AUTO_FREE char *text = NULL;
	struct fettle_proposed_edit edit;

	for (uint32_t i = 0; fettle_proposed_edit(ctx, i, &edit); i++) {
		fettle_info(ctx, "%s '%s'", edit.post_sha256 ? "wrote" : "deleted",
			    edit.path);
		json_array_append_new(files, json_string(edit.path));
	}
	text = json_dumps(files, JSON_COMPACT);
	fettle_set_output(ctx, "files", text);
	return FETTLE_OK;
}

static const struct fettle_step step = {
	.head = FETTLE_STEP_HEAD,
	.name = "patch/apply",
	.version = FETTLE_VERSION,
	.summary = "Changes files of the project by structured edits.",
	.stage = FETTLE_PATCH,
	.flags = FETTLE_REPEATABLE,
	.params = FETTLE_TABLE(params),
	.outputs = FETTLE_TABLE(outputs),
	.check = check,
	.propose = propose,
	.run = run,
};

FETTLE_STEP(step)
