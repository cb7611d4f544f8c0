/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What policies are shown beside the facts of the run: the step and what it
 * proposes, and, to those whose flags ask for it, the text of the edits and the
 * runs of the service before.
 *
 *  edits	[{"path","op","before","after","is_text","added","removed"}]; before and
 *		after are text, null for a file that is not there, and both missing when
 *		is_text is false: bytes that are no UTF-8, or more than 256 KiB
 *  history	[{"run","state","queued_ms","ended_ms"}], newest first, at most 100
 */
#ifndef FETTLE_ENGINE_EVIDENCE_H
#define FETTLE_ENGINE_EVIDENCE_H

#include "base/diff.h"
#include "engine/run.h"

/* New reference, or NULL when the store cannot be read. flags: of all policies. */
json_t *evidence_facts(const struct run *run, const struct plan_step *step,
		       const json_t *facts, const json_t *proposal, uint32_t flags,
		       struct err *err);

/* One of `edits`. New reference. */
json_t *evidence_edit(const char *path, const char *op, struct diff_side before,
		      struct diff_side after);

#endif
