/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A run's summary (summary.h) as text for people. */
#ifndef FETTLE_CLI_REPORT_H
#define FETTLE_CLI_REPORT_H

#include "cli/cli.h"

/* What became of a run: one strong line, changes, cause, artifacts, next commands. */
void report_end(struct cli *cli, struct str *out, const json_t *summary);
/* A step's or a run's state as a short word and its tone. */
enum tone state_tone(const char *state);
const char *state_words(const char *state);

/* `  label   ` in a fixed width; what follows begins in column REPORT_INDENT. */
#define REPORT_INDENT 13
void report_label(const struct out *out, struct str *str, const char *label);

/* A labelled paragraph; nothing for an empty text. */
void report_paragraph(struct cli *cli, struct str *out, const char *label,
		      enum tone tone, const char *text);

/* The parts of a report. */
void report_headline(struct cli *cli, struct str *out, const json_t *summary);
void report_causes(struct cli *cli, struct str *out, const json_t *summary);
void report_level(struct cli *cli, struct str *out, const json_t *summary);
void report_changes(struct cli *cli, struct str *out, const json_t *summary);
enum report_from { REPORT_END, REPORT_SHOW };
void report_next(struct cli *cli, struct str *out, const json_t *summary,
		 enum report_from from);

#endif
