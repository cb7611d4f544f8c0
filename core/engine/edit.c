/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Applying and restoring edits. See edit.h. */
#include "base/base.h"

#include "engine/edit.h"

#include "engine/image.h"
#include "engine/swap.h"

static int
prepare(struct swap *swap, struct run *run, const json_t *edit, const char *direction,
	struct err *err)
{
	bool is_undo = str_eq(direction, "old");

	if (swap_init(swap, run->workspace_fd, run->claim.run, json_text(edit, "path"),
		      direction, err) < 0)
		return -1;
	snprintf(swap->from, sizeof swap->from, "%s",
		 json_text(edit, is_undo ? "post" : "pre"));
	snprintf(swap->to, sizeof swap->to, "%s",
		 json_text(edit, is_undo ? "pre" : "post"));
	swap->mode = (mode_t)json_int_or(edit, "mode", 0644);
	swap->uid = (uid_t)json_int_or(edit, "uid", (json_int_t)swap->uid);
	swap->gid = (gid_t)json_int_or(edit, "gid", (json_int_t)swap->gid);
	return 0;
}

static int
stage(struct swap *swap, struct run *run, struct err *err)
{
	AUTO_FREE char *bytes = NULL;
	size_t len = 0;

	if (swap->to[0] &&
	    store_blob_get(run->engine->store, swap->to, &bytes, &len, err) < 0)
		return -1;
	return swap_stage(swap, bytes, len, err);
}

int
edits_apply(struct run *run, const json_t *edits, struct err *err)
{
	size_t count = json_array_size(edits), staged = 0, committed = 0;
	struct swap *swaps = x_calloc(count ? count : 1, sizeof *swaps);
	int failed = 0;

	for (size_t i = 0; i < count; i++)
		swaps[i].dirfd = -1;
	for (; staged < count && !failed; staged++)
		if ((failed = prepare(&swaps[staged], run,
				      json_array_get(edits, staged), "new", err)) == 0)
			failed = stage(&swaps[staged], run, err);
	for (; committed < count && !failed; committed++)
		failed = swap_commit(&swaps[committed], err);
	for (size_t i = failed ? committed : count; i < count; i++)
		if (swaps[i].dirfd >= 0 && swaps[i].temp)
			swap_abandon(&swaps[i]);
	for (size_t i = 0; i < count; i++)
		swap_done(&swaps[i]);
	free(swaps);
	return failed;
}

int
edits_check(struct run *run, const json_t *edits, struct err *err)
{
	const json_t *edit;
	size_t i;

	json_array_foreach (edits, i, edit) {
		__attribute__((cleanup(image_done))) struct image image = { 0 };

		if (image_read(run->workspace_fd, json_text(edit, "path"), &image,
			       err) < 0)
			return -1;
		if (str_eq(image.sha256, json_text(edit, "pre")))
			continue;
		err_set(err, "workspace_changed",
			"'%s' was changed by somebody else since the edit was proposed",
			json_text(edit, "path"));
		return err_remedy(err, "look at the file, then run again");
	}
	return 0;
}

int
edits_verify(struct run *run, const json_t *edits, struct err *err)
{
	const json_t *edit;
	size_t i;

	json_array_foreach (edits, i, edit) {
		const char *path = json_text(edit, "path"),
			   *want = json_text(edit, "post");
		__attribute__((cleanup(image_done))) struct image image = { 0 };

		if (image_read(run->workspace_fd, path, &image, err) < 0)
			return -1;
		if (str_eq(image.sha256, want))
			continue;
		err_set(err, "workspace_changed",
			"'%s' was changed while the step ran: it is "
			"%.12s, and the step left it as %.12s",
			path, image.exists ? image.sha256 : "missing",
			*want ? want : "missing");
		return err_remedy(err, "find out who writes that file, then run again");
	}
	return 0;
}

static enum restored
conflict(const json_t *edit, const struct image *now, struct err *err)
{
	const char *post = json_text(edit, "post");

	err_set(err, "rollback_conflict",
		"'%s' was changed after Fettle changed it (it is "
		"%.12s, we left %.12s): it is left as it is",
		json_text(edit, "path"), now->exists ? now->sha256 : "missing",
		*post ? post : "missing");
	err_remedy(
		err,
		"merge by hand; the content before the run is an artifact of the run");
	return RESTORED_CONFLICT;
}

/* Whether one of the edits left the file like that. */
static bool
is_ours(const json_t *edits, const char *sha256)
{
	return json_find(edits, "post", sha256) != NULL;
}

/* What a crash left half done: only the latest edit can have been cut off. */
static int
settle_applied(struct run *run, const json_t *last, struct err *err)
{
	__attribute__((cleanup(swap_done))) struct swap swap = { .dirfd = -1 };

	if (prepare(&swap, run, last, "new", err) < 0)
		return -1;
	return swap_settle(&swap, err);
}

/*
 * From wherever the edits left the file to where the first one found it, at once: an
 * image between the two is never there, to be taken for somebody's change after a
 * crash. What an exchange that was cut off took out may be any of ours.
 */
static int
prepare_restore(struct swap *swap, struct run *run, const json_t *edits,
		struct err *err)
{
	size_t count = json_array_size(edits);
	char left[SHA256_HEX_SIZE] = "";

	if (prepare(swap, run, json_array_get(edits, 0), "old", err) < 0)
		return -1;
	snprintf(swap->from, sizeof swap->from, "%s",
		 json_text(json_array_get(edits, count - 1), "post"));
	if (image_hash_at(swap->dirfd, swap->temp, left) == 0 && is_ours(edits, left))
		memcpy(swap->from, left, sizeof left);
	return swap_settle(swap, err);
}

enum restored
edit_restore(struct run *run, const json_t *edits, struct err *err)
{
	__attribute__((cleanup(swap_done))) struct swap swap = { .dirfd = -1 };
	__attribute__((cleanup(image_done))) struct image now = { 0 };
	const json_t *last = json_array_get(edits, json_array_size(edits) - 1);

	if (settle_applied(run, last, err) < 0 ||
	    prepare_restore(&swap, run, edits, err) < 0 ||
	    image_read(run->workspace_fd, json_text(last, "path"), &now, err) < 0)
		return RESTORED_ERROR;
	if (str_eq(now.sha256, swap.to))
		return RESTORED_YES;
	if (!is_ours(edits, now.sha256))
		return conflict(last, &now, err);
	memcpy(swap.from, now.sha256, sizeof swap.from);
	if (stage(&swap, run, err) < 0) {
		swap_abandon(&swap);
		return RESTORED_ERROR;
	}
	if (swap_commit(&swap, err) < 0)
		return str_eq(err->code, "workspace_changed") ? RESTORED_CONFLICT
							      : RESTORED_ERROR;
	return RESTORED_YES;
}
