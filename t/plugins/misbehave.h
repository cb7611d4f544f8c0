/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The shortest way to a module that does one wrong thing in its run() or its
 * judge(). Includes what all of them need.
 */
#ifndef FETTLE_PLUGINS_MISBEHAVE_H
#define FETTLE_PLUGINS_MISBEHAVE_H

#include <fettle/plugin.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEST_STEP(ident, run_function)                                         \
	static const struct fettle_step ident = {                              \
		FETTLE_STEP_HEAD,                                              \
		.name = "test/" #ident,                                        \
		.version = "1.0",                                              \
		.summary = "Misbehaves on purpose.",                           \
		.stage = FETTLE_BUILD,                                         \
		.run = run_function,                                           \
	};                                                                     \
	FETTLE_STEP(ident)

#define TEST_POLICY(ident, judge_function)                                     \
	static const struct fettle_policy ident = {                            \
		FETTLE_POLICY_HEAD,                                            \
		.name = #ident,                                                \
		.version = "1.0",                                              \
		.summary = "Judges for a test.",                               \
		.stages = FETTLE_ALL_STAGES,                                   \
		.judge = judge_function,                                       \
	};                                                                     \
	FETTLE_POLICY(ident)

/* For the few that only tell one text. */
#define TEST_STEP_TELLING(ident, run_function)                                 \
	static const struct fettle_param ident##_outputs[] = {                 \
		{ "text", FETTLE_STRING, 0, NULL, NULL, "What it found." },    \
	};                                                                     \
	static const struct fettle_step ident = {                              \
		FETTLE_STEP_HEAD,                                              \
		.name = "test/" #ident,                                        \
		.version = "1.0",                                              \
		.summary = "Tells what it could do.",                          \
		.stage = FETTLE_BUILD,                                         \
		.outputs = FETTLE_TABLE(ident##_outputs),                      \
		.run = run_function,                                           \
	};                                                                     \
	FETTLE_STEP(ident)

#endif
