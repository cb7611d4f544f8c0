/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the unit tests of plugins/ and policies/ share: like unit.h, without core/. */
#ifndef FETTLE_UNIT_MODULE_H
#define FETTLE_UNIT_MODULE_H

#include <check.h>
#include <stdlib.h>

#include "plugins/common/text.h"

/* Runs the suite, which it frees. The value for main() to return. */
static inline int
module_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* JSON written with single quotes. New reference. */
static inline json_t *
json_quoted(const char *text)
{
	AUTO_FREE char *copy = text_copy(text);
	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	json_t *json = json_of(copy);
	ck_assert_msg(json, "the test's own JSON: %s", text);
	return json;
}

#endif
