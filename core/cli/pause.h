/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the pause of the site is told (store_paused). */
#ifndef FETTLE_CLI_PAUSE_H
#define FETTLE_CLI_PAUSE_H

#include "cli/cli.h"

/* Who paused it, since when, why. */
void pause_describe(const json_t *paused, struct str *out);

#endif
