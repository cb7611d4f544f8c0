/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Exports the right symbol, with something else behind it. */
#include "misbehave.h"

static const struct fettle_head badmagic = { 0x12345678, 0, 1, 16, FETTLE_KIND_STEP };
const struct fettle_head *const fettle_plugin = &badmagic;
