/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Windows of time: what is read lies where it says, leads to no file outside of
 * the time zones, and is the same each week.
 */
#include "fuzz.h"

#include "policies/window.h"

#define WEEK_MS (7 * 86400000LL)

const char *const fuzz_seeds[] = {
	"Fri 16:00 - Mon 08:00 Europe/Berlin",
	"22:00 - 06:00",
	"Mon-Fri 09:00 - 17:00 UTC",
	"Sat,Sun 00:00 - 24:00",
	"2026-12-20 - 2027-01-03",
	"2026-12-24 12:00 - 2026-12-27 06:00 UTC",
	NULL,
};

const char *const fuzz_words[] = {
	"Mon",	 "Sun",	   "Fri",	 "-",	  " - ",   ",",	       "00:00",
	"24:00", "23:59",  "2026-12-20", "UTC",	  "../",   "/",	       "Europe/Berlin",
	"9",	 "99:99",  " ",		 "-Fri",  "Sat,Sun", "0000-00-00", NULL,
};

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char *text = strndup((const char *)bytes, n);
	struct window window;
	const char *why = NULL;
	const int64_t now = 1795276800000; /* 2026-11-21 */

	if (!text)
		abort();
	int rc = window_parse(text, &window, &why);
	FUZZ_CHECK(rc == 0 || why);
	if (rc == 0) {
		FUZZ_CHECK(window.zone[0] && window.zone[0] != '/');
		FUZZ_CHECK(!strstr(window.zone, ".."));
		FUZZ_CHECK(window.from != window.to);
		FUZZ_CHECK(window.kind == WINDOW_DATES ||
			   (window.from >= 0 && window.to <= 7 * 1440));
	}
	if (rc == 0 && strcmp(window.zone, "UTC") == 0 && window.kind != WINDOW_DATES)
		FUZZ_CHECK(window_holds(&window, now) ==
			   window_holds(&window, now + WEEK_MS));
	free(text);
	return 0;
}
