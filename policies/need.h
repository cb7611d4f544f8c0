/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What policies that wait for people have in common: the parameters `roles`,
 * `quorum` and `valid_for`, and, for those that may deny or wait, `over`. They
 * are the last rows of a table, from the index `first` on.
 */
#ifndef FETTLE_POLICIES_NEED_H
#define FETTLE_POLICIES_NEED_H

#include <fettle/plugin.h>

#define NEED_ROWS(quorum_preset, quorum_accept, valid_preset)                     \
	{ "roles", FETTLE_LIST, 0, NULL, NULL,                                    \
	  "The roles that may agree, any of them; none: every known person." },   \
	{ "quorum", FETTLE_INT, 0, quorum_preset, quorum_accept,                  \
	  "How many people must agree." },                                        \
	{ "valid_for", FETTLE_DURATION, 0, valid_preset, "1m..720h",               \
	  "How long it waits for them before the answer is no." }
#define NEED_ROW_COUNT 3

#define OVER_ROW                                                                  \
	{ "over", FETTLE_CHOICE, 0, "deny", "deny|hold",                          \
	  "Whether what goes over the limit is denied, or waits for people." }

/* FETTLE_HOLD with the parameters from `first` on. flags: enum fettle_need_flag. */
int need_hold(struct fettle_ctx *ctx, uint32_t first, uint32_t flags, const char *why);

/* As parameter `over` says, at the index `over`; the need's rows follow it. */
int need_refuse(struct fettle_ctx *ctx, uint32_t over, const char *why);

#endif
