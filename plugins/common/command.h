/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * STAGE/command: any program as a step. All five modules are this one; a
 * stage's file has the table of its struct fettle_step and nothing else.
 */
#ifndef FETTLE_COMMON_COMMAND_H
#define FETTLE_COMMON_COMMAND_H

#include <fettle/plugin.h>

/*
 * The first parameters of each command step, in this order. FETTLE_COMMAND for a
 * step that proposes its command and nothing else.
 */
enum { COMMAND_ARGV, COMMAND_ENV, COMMAND_EXPECT, COMMAND_CAPTURE, COMMAND_PARAMS };

#define COMMAND_PARAM_ROWS(flag)						\
	[COMMAND_ARGV] = {							\
		"argv", FETTLE_LIST,						\
		FETTLE_REQUIRED | FETTLE_PROGRAM | FETTLE_INSTALLED | (flag),	\
		NULL, NULL,							\
		"The program and its arguments; no shell reads them." },	\
	[COMMAND_ENV] = {							\
		"env", FETTLE_MAP, FETTLE_ENVIRONMENT, NULL, NULL,		\
		"Environment variables for the program." },			\
	[COMMAND_EXPECT] = {							\
		"expect", FETTLE_LIST, 0, "[\"0\"]", "0..255",			\
		"The exit statuses that mean success." },			\
	[COMMAND_CAPTURE] = {							\
		"capture", FETTLE_BOOL, 0, "false", NULL,			\
		"Keep standard output as output `stdout` instead of logging it." }

#define COMMAND_OUTPUT_ROWS                                                            \
	{ "values", FETTLE_MAP, 0, NULL, NULL,                                         \
	  "What the program wrote to the file $FETTLE_OUTPUTS." },                     \
	{ "stdout", FETTLE_STRING, 0, NULL, NULL,                                      \
	  "Standard output without its last line break, when captured." },            \
	{ "status", FETTLE_INT, 0, NULL, NULL, "The exit status." }

/* States the command, and an effect of this kind on the run's service. */
int command_propose_effect(struct fettle_ctx *ctx, const char *kind, const char *what);

/* Runs the stated command once. */
int command_run(struct fettle_ctx *ctx);

/* Runs it until it succeeds, every interval_ms, for at most within_ms (0: once). */
int command_run_within(struct fettle_ctx *ctx, uint64_t within_ms,
		       uint64_t interval_ms);

/* Runs it with the standing effects in the file $FETTLE_EFFECTS. */
int command_run_effects(struct fettle_ctx *ctx);

#endif
