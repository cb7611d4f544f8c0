/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What nobody would notice in a diff, or would not want to: in any file. */
#include <string.h>

#include "policies/content.h"

#define IS_TEST                                                                        \
	"(^|/)(tests?|spec|__tests__)/|(^|/)test_[^/]*$|[._-](test|spec)\\.[a-z]+$"

/* In UTF-8: U+00AD, 061C, 200B-200F, 202A-202E, 2060-2069, FEFF. */
static bool
has_hidden(const char *line)
{
	for (const unsigned char *s = (const unsigned char *)line; *s; s++) {
		if (s[0] == 0xC2 && s[1] == 0xAD)
			return true;
		if (s[0] == 0xD8 && s[1] == 0x9C)
			return true;
		if (s[0] == 0xEF && s[1] == 0xBB && s[2] == 0xBF)
			return true;
		if (s[0] != 0xE2)
			continue;
		if ((s[1] == 0x80 && s[2] >= 0x8B && s[2] <= 0x8F) ||
		    (s[1] == 0x80 && s[2] >= 0xAA && s[2] <= 0xAE) ||
		    (s[1] == 0x81 && s[2] >= 0xA0 && s[2] <= 0xA9))
			return true;
	}
	return false;
}

static void
added(struct review *review, const char *line, void *more)
{
	(void)more;
	if (has_hidden(line))
		review_add(review, LEVEL_HOLD, "content.bidi",
			   "characters that do not show, or turn the text around",
			   NULL);
}

static void
removed(struct review *review, const char *line, void *more)
{
	(void)more;
	if (line_matches(line,
			 "(logging|logger|log)\\.[a-z]+ *\\(|console\\.[a-z]+ *\\("))
		review_add(review, LEVEL_HOLD, "content.logging",
			   "a line that logs is gone", line);
}

void
content_any(struct review *review, const char *before, const char *after)
{
	each_new_line(before, after, false, review, added, NULL);
	each_new_line(after, before, false, review, removed, NULL);
	if (before && !after && line_matches(review->path, IS_TEST))
		review_add(review, LEVEL_HOLD, "content.tests", "a test is deleted",
			   NULL);
}
