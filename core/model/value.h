/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values of parameters that the author of a module set, and of inputs. */
#ifndef FETTLE_MODEL_VALUE_H
#define FETTLE_MODEL_VALUE_H

#include "model/description.h"

/* The typed preset. New reference, or NULL with why it does not fit. */
json_t *value_preset(const struct description_param *param, struct err *err);

/* A node as the parameter's type; errors stand at the node. New reference, or NULL. */
json_t *value_of_node(const struct description_param *param, const struct node *node,
		      const char *file, struct err *err);

/* A text as somebody gives it: YAML for a list, map or JSON. New reference, or NULL. */
json_t *value_of_text(const struct description_param *param, const char *text,
		      struct err *err);

#endif
