/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a run waits for (engine_hold), as text for people. */
#ifndef FETTLE_CLI_HOLD_H
#define FETTLE_CLI_HOLD_H

#include "cli/cli.h"

/* All of it: who asked, who has to agree, the diff, effects, commands, digest. */
void hold_show(struct cli *cli, struct str *out, const json_t *hold);

/* What engine_hold says, or JSON null. New reference. */
json_t *hold_json(struct cli *cli, const char *run);

/* Who has to agree to what, and how they do, for the end of a run that waits. */
void hold_report(struct cli *cli, struct str *out, const json_t *summary);

#endif
