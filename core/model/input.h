/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The `inputs:` of a pipeline. */
#ifndef FETTLE_MODEL_INPUT_H
#define FETTLE_MODEL_INPUT_H

#include "model/pipeline.h"

/*
 * Fills p->inputs from the node (NULL: there are none). What was filled
 * belongs to p, also on failure. Codes: `key.unknown`, `id.grammar`,
 * `type.*`, `type.choice`, `input.duplicate_service`.
 */
int input_read(struct pipeline *p, const struct node *node, struct err *err);
void input_done(struct pipeline_input *input);

#endif
