/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The site's kill switch, as runs meet it. */
#ifndef FETTLE_ENGINE_PAUSE_H
#define FETTLE_ENGINE_PAUSE_H

#include "store/store.h"

/* May a run begin? 0, or -1 `paused`: by whom, since when, why. */
int pause_check(struct store *store, struct err *err);

#endif
