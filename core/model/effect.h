/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a module declares to cause: "KIND", or "KIND PARAM=A|B", which is
 * caused only when that parameter (a CHOICE or BOOL) has one of these values.
 */
#ifndef FETTLE_MODEL_EFFECT_H
#define FETTLE_MODEL_EFFECT_H

#include "base/json.h"
#include "base/str.h"

struct effect {
	char *kind, *param;	/* param NULL: in any case */
	struct strv values;
};

/* 0, or -1 with *ret empty: the text is not of the form above. */
int effect_parse(const char *text, struct effect *ret);
void effect_done(struct effect *effect);

/*
 * Whether a step with these parameters can cause it. One that is not there, or
 * holds a `${{ }}`, is not known yet: then it can.
 */
bool effect_is_possible(const struct effect *effect, const json_t *with);

#endif
