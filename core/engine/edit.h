/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The edits of a proposal: applied all or not at all, and put back one by one
 * as far as the files are still ours. The images are blobs of the store.
 */
#ifndef FETTLE_ENGINE_EDIT_H
#define FETTLE_ENGINE_EDIT_H

#include "engine/run.h"

/* 0 when every file is as it was proposed upon, else `workspace_changed`. */
int edits_check(struct run *run, const json_t *edits, struct err *err);

/*
 * Applies: every new content is staged before the first file is exchanged.
 * On failure nothing is certain but what unwinding will find by hash.
 */
int edits_apply(struct run *run, const json_t *edits, struct err *err);

/* 0 when every file still is what the edits made of it, else `workspace_changed`. */
int edits_verify(struct run *run, const json_t *edits, struct err *err);

/*
 * Puts a file back to before the standing edits of it, oldest first. `restored` (also
 * when there was nothing to do), `conflict` with *err filled, or -1 when it could not
 * be done.
 */
enum restored { RESTORED_YES = 0, RESTORED_CONFLICT = 1, RESTORED_ERROR = -1 };
enum restored edit_restore(struct run *run, const json_t *edits, struct err *err);

#endif
