/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two clocks, and wall time as text. */
#include "base/base.h"

#include "base/clock.h"

#include <assert.h>
#include <inttypes.h>
#include <time.h>

static int64_t
read_ms(clockid_t clock)
{
	struct timespec now;
	int failed = clock_gettime(clock, &now);
	assert(!failed);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
clock_wall_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

int64_t
clock_boot_ms(void)
{
	return read_ms(CLOCK_BOOTTIME);
}

const char *
clock_format(int64_t wall_ms, char buf[32])
{
	int64_t seconds = wall_ms / 1000, ms = wall_ms % 1000;
	if (ms < 0) {
		ms += 1000;
		seconds--;
	}
	time_t moment = (time_t)seconds;
	struct tm tm;
	if (!gmtime_r(&moment, &tm))
		memset(&tm, 0, sizeof(tm));
	char day[24];
	if (strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		day[0] = '\0';
	snprintf(buf, 32, "%s.%03dZ", day, (int)ms);
	return buf;
}
