/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A run that another process carries out, shown as if it were carried out here. */
#ifndef FETTLE_CLI_FOLLOW_H
#define FETTLE_CLI_FOLLOW_H

#include "cli/view.h"

struct follow {
	struct cli *cli;
	struct view *view;
	char run[RUN_ID_SIZE];
	int64_t after;	/* the last event shown */
};

/* Shows what happened since the last call. 1 the run is over, 0 not yet, -1. */
int follow_read(struct follow *follow, struct err *err);

#endif
