/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A window of time as people write it, and whether a moment lies in it. The first
 * minute belongs to it, the last does not.
 *
 *	Fri 16:00 - Mon 08:00 Europe/Berlin	each week
 *	22:00 - 06:00				each day; over midnight
 *	Mon-Fri 09:00 - 17:00 Europe/Berlin	on these days (Sat,Sun works too)
 *	2026-12-20 - 2027-01-03			both days whole
 *	2026-12-24 12:00 - 2026-12-27 06:00 UTC
 *
 * A zone is a name of the tz database; without one it is UTC.
 */
#ifndef FETTLE_POLICIES_WINDOW_H
#define FETTLE_POLICIES_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

enum window_kind { WINDOW_WEEKLY, WINDOW_DAILY, WINDOW_DATES };

struct window {
	enum window_kind kind;
	char zone[64];
	unsigned days;		/* daily: bit 0 is Sunday; weekly: none */
	int64_t from, to;	/* minutes of the day or week; YYYYMMDDHHMM */
};

/* 0, or -1 with *ret_why, a literal, when the text is no window. */
int window_parse(const char *text, struct window *ret, const char **ret_why);
/* 1 inside, 0 outside, -1: the zone is not known here. now: wall clock in ms. */
int window_holds(const struct window *window, int64_t now_ms);

#endif
