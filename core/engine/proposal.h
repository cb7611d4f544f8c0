/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a step states in advance: edits with both images stored, effects, and
 * commands. Made once, stored, judged, and then the only thing that may be
 * done.
 *
 * {"edits":[{"path","op":"write"|"delete","pre":sha or null,"post":sha or null,
 *   "mode","uid","gid"}],
 *  "effects":[{"kind","target","before","summary","step"}], "commands":[[argv]]}
 */
#ifndef FETTLE_ENGINE_PROPOSAL_H
#define FETTLE_ENGINE_PROPOSAL_H

#include "engine/inquiry.h"
#include "engine/run.h"

/*
 * The proposal a reply states, its images in the store. New reference, or
 * NULL: `apply.*` (see image.h), `edit.forbidden` (.git, Fettle's own files),
 * `edit.stale` (the module read other bytes than are there now),
 * `edit.duplicate`, `secret_in_diff`, `edit.place`, `effect.undeclared`.
 */
json_t *proposal_make(struct run *run, const struct plan_step *step,
		      const json_t *params,
		      const struct reply *reply, struct err *err);

/*
 * That of a step without propose(): its commands as the parameters have them
 * (FETTLE_COMMAND), no edit and no effect. New reference, or NULL: `command_empty`.
 */
json_t *proposal_of_commands(const struct plan_step *step, const json_t *params,
			     struct err *err);

/* The unified diff of edits, from the stored images. */
int edits_diff(struct store *store, const json_t *edits, struct str *out,
	       struct err *err);

#endif
