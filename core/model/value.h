/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values of parameters that the author of a module set. */
#ifndef FETTLE_MODEL_VALUE_H
#define FETTLE_MODEL_VALUE_H

#include "model/description.h"

/* The typed preset. New reference, or NULL with why it does not fit. */
json_t *value_preset(const struct description_param *param, struct err *err);

#endif
