/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the unit tests share: running a suite as TAP, a directory that is gone
 * afterwards, and a generator of the same random numbers every time.
 */
#ifndef FETTLE_UNIT_UNIT_H
#define FETTLE_UNIT_UNIT_H

#include "base/base.h"

#include <check.h>
#include <ftw.h>
#include <unistd.h>

/* Runs the suite, which it frees. The value for main() to return. */
static inline int
unit_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* A new empty directory. Caller owns the name. */
static inline char *
unit_directory(void)
{
	const char *parent = getenv("TMPDIR");
	char *name = x_asprintf("%s/fettle-unit-XXXXXX", parent ? parent : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(name));
	return name;
}

static inline int
unit_remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return remove(path);
}

static inline void
unit_remove(const char *directory)
{
	ck_assert_int_eq(nftw(directory, unit_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* A number below `limit`; `state` starts as any seed. */
static inline unsigned
unit_random(uint64_t *state, unsigned limit)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*state >> 33) % limit;
}

#endif
