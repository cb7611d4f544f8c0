/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What exactly people are asked to agree to. The basis names each thing it rests
 * on, with its hash: the run, its plan, the step and its proposal, who has to agree,
 * the policies and modules, the files, and what the outcome depends on outside of
 * the plan: Compose's configuration, the images, the Dockerfile. The digest is the
 * hash of the basis; two bases tell what has changed.
 */
#ifndef FETTLE_ENGINE_DIGEST_H
#define FETTLE_ENGINE_DIGEST_H

#include "engine/run.h"

/*
 * What can be told without proposing; `edits` says which files. Looks at the project
 * unless who goes on from a hold has just looked. New reference.
 */
json_t *digest_world(struct run *run, const struct plan_step *step, const json_t *edits,
		     struct err *err);
/* All of it. New reference. */
json_t *digest_basis(struct run *run, const struct plan_step *step,
		     const json_t *proposal, const json_t *needs, struct err *err);
/* A basis without what cannot be told without proposing. New reference. */
json_t *digest_without_proposal(const json_t *basis);

/* [{"key","what": in words,"was","is"}], "" for what is not there. New reference. */
json_t *digest_changes(const json_t *was, const json_t *is);
/* Their words, as a list for people. */
void digest_add_words(const json_t *changes, struct str *out);

#endif
