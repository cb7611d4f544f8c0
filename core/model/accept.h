/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The narrower demands of a parameter beyond its type. What they mean for each
 * type stands at enum fettle_type in fettle/plugin.h.
 */
#ifndef FETTLE_MODEL_ACCEPT_H
#define FETTLE_MODEL_ACCEPT_H

#include "model/description.h"

/* Whether `accept` can be understood for the parameter's type. NULL can. */
bool accept_is_valid(const struct description_param *param);

/* `type.range`; the number is in ms or bytes. */
int accept_check_number(const struct description_param *param, double number,
			struct err *err);

/* A STRING: `type.range` of its characters, or the codes of its format (format.h). */
int accept_check_text(const struct description_param *param, const char *text,
		      struct err *err);

/* One text of a list: `type.int`, `type.range`. */
int accept_check_item(const struct description_param *param, const char *text,
		      struct err *err);

/* `param.choice`, with the nearest choice. */
int accept_check_choice(const struct description_param *param, const char *text,
			struct err *err);

#endif
