/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * patch/apply: structured edits or a diff become post-images. Proposing is all
 * of it; once the policies have agreed the engine itself writes the files.
 */
#include <fettle/plugin.h>

#include <sys/stat.h>

#include "plugins/patch/edits.h"
#include "plugins/patch/hunks.h"

enum { EDITS, DIFF, ALLOW_DELETE };

static const struct fettle_param params[] = {
	[EDITS] = { "edits", FETTLE_JSON, 0, NULL, NULL,
		    "The edits to make, a list as analyze/logs puts it out." },
	[DIFF] = { "diff", FETTLE_STRING, 0, NULL, NULL,
		   "The change as a unified diff, as git writes it; instead of "
		   "edits." },
	[ALLOW_DELETE] = { "allow_delete", FETTLE_BOOL, 0, "false", NULL,
			   "Lets a diff delete files." },
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
fail_diff(struct fettle_ctx *ctx, const struct diff_fault *fault)
{
	return fettle_fail(ctx, fault->code, fault->remedy, "%s", fault->message);
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

/* ---- the diff -------------------------------------------------------------- */

static int
diff_load(struct fettle_ctx *ctx, struct unified *ret, struct diff_fault *fault)
{
	const char *diff = fettle_param_text(ctx, DIFF);
	unsigned flags =
		fettle_param_bool(ctx, ALLOW_DELETE) ? UNIFIED_ALLOW_DELETE : 0;

	return unified_parse(diff, strlen(diff), flags, ret, fault);
}

/* Puts a sharper code on a path that could not be read. We are in the workspace. */
static void
path_explain(const char *path, struct diff_fault *fault)
{
	AUTO_FREE char *name = text_copy(path);
	unsigned line = fault->line;
	struct stat st;

	for (char *slash = name; slash;) {
		slash = strchr(slash == name ? name : slash + 1, '/');
		if (slash)
			*slash = '\0';
		if (lstat(name, &st) < 0)
			return;
		if (S_ISLNK(st.st_mode)) {
			(void)diff_fault_set(fault, line, "apply.symlink",
					     "'%.200s' leads through a symbolic link",
					     path);
			return;
		}
		if (slash)
			*slash = '/';
	}
	if (!S_ISREG(st.st_mode))
		(void)diff_fault_set(fault, line, "apply.type",
				     "'%.200s' is no regular file", path);
	else if (st.st_size > EDITS_MAX_BYTES)
		(void)diff_fault_set(fault, line, "apply.size",
				     "'%.200s' has more than %u bytes", path,
				     EDITS_MAX_BYTES);
}

static void
fault_explain(const struct unified *diff, struct diff_fault *fault)
{
	for (size_t i = 0; i < diff->count; i++) {
		const struct change *change = &diff->changes[i];

		if (change->line != fault->line)
			continue;
		path_explain(change->from ? change->from : change->path, fault);
		if (change->from && text_equal(fault->code, "apply.read"))
			path_explain(change->path, fault);
	}
}

/* A new name would lose the mode of the old one. */
static int
renames_check(const struct unified *diff, struct diff_fault *fault)
{
	struct stat st;

	for (size_t i = 0; i < diff->count; i++) {
		const struct change *change = &diff->changes[i];

		if (!change->from)
			continue;
		if (lstat(change->from, &st) < 0 || (st.st_mode & 07777) != 0644)
			return diff_fault_set(fault, change->line, "apply.mode",
					      "'%.200s' would be renamed, and has not "
					      "mode 0644",
					      change->from);
	}
	return 0;
}

static int
diff_compute(struct fettle_ctx *ctx, struct edit_set *ret)
{
	AUTO(unified) struct unified diff = UNIFIED_INIT;
	struct diff_fault fault;

	if (diff_load(ctx, &diff, &fault) < 0)
		return fail_diff(ctx, &fault);
	if (unified_apply(&diff, read_file, ctx, ret, &fault) < 0) {
		if (text_equal(fault.code, "apply.read"))
			fault_explain(&diff, &fault);
		return fail_diff(ctx, &fault);
	}
	if (renames_check(&diff, &fault) < 0)
		return fail_diff(ctx, &fault);
	for (size_t i = 0; i < diff.count; i++)
		if (diff.changes[i].has_hidden)
			fettle_warn(ctx,
				    "review_flag bidi: '%s' gets lines with characters "
				    "that reorder text or are not seen",
				    diff.changes[i].path);
	return FETTLE_OK;
}

/* ---- callbacks ------------------------------------------------------------- */

static int
check(struct fettle_ctx *ctx)
{
	AUTO(edit_fault) struct edit_fault fault = EDIT_FAULT_INIT;
	AUTO(unified) struct unified diff = UNIFIED_INIT;
	AUTO_JSON json_t *edits = NULL;
	struct diff_fault why;

	if (fettle_param_given(ctx, EDITS) == fettle_param_given(ctx, DIFF))
		return fettle_fail(ctx, "patch.input", "give one of the two",
				   "patch/apply needs either edits or a diff");
	if (fettle_param_given(ctx, DIFF)) {
		if (!fettle_param_known(ctx, DIFF) ||
		    !fettle_param_known(ctx, ALLOW_DELETE))
			return FETTLE_OK;
		return diff_load(ctx, &diff, &why) < 0 ? fail_diff(ctx, &why) :
							 FETTLE_OK;
	}
	if (!fettle_param_known(ctx, EDITS))
		return FETTLE_OK;
	edits = edits_load(ctx);
	return edits_check(edits, &fault) < 0 ? fail(ctx, &fault) : FETTLE_OK;
}

static int
edits_propose(struct fettle_ctx *ctx, struct edit_set *ret)
{
	AUTO(edit_fault) struct edit_fault fault = EDIT_FAULT_INIT;
	AUTO_JSON json_t *edits = edits_load(ctx);

	if (edits_compute(edits, read_file, ctx, ret, &fault) < 0)
		return fail(ctx, &fault);
	return FETTLE_OK;
}

static int
propose(struct fettle_ctx *ctx)
{
	AUTO(edit_set) struct edit_set set = EDIT_SET_INIT;
	size_t changed = 0;

	/* A preview, in which what finds the edits was not carried out. */
	if (!fettle_param_known(ctx, EDITS) || !fettle_param_known(ctx, DIFF))
		return FETTLE_OK;
	int result = fettle_param_given(ctx, DIFF) ? diff_compute(ctx, &set) :
						     edits_propose(ctx, &set);

	if (result != FETTLE_OK)
		return result;
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
		fettle_set_output(ctx, "files", "[]");
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
	.summary = "Changes files of the project by structured edits or a diff.",
	.stage = FETTLE_PATCH,
	.flags = FETTLE_REPEATABLE,
	.params = FETTLE_TABLE(params),
	.outputs = FETTLE_TABLE(outputs),
	.check = check,
	.propose = propose,
	.run = run,
};

FETTLE_STEP(step)
