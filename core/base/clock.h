/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two clocks: wall time for records, boot time for deadlines. */
#ifndef FETTLE_BASE_CLOCK_H
#define FETTLE_BASE_CLOCK_H

#include "base.h"

int64_t clock_wall_ms(void);	/* CLOCK_REALTIME, ms since 1970 */
int64_t clock_boot_ms(void);	/* CLOCK_BOOTTIME: counts sleep, never jumps */

/* RFC 3339 in UTC with milliseconds, `2026-11-21T12:00:21.123Z`. */
const char *clock_format(int64_t wall_ms, char buf[32]);

#endif
