/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why a diff is refused: a code, where in the diff, and what to do. All codes
 * and their remedies are in one table, diff_fault.c.
 */
#ifndef FETTLE_PATCH_DIFF_FAULT_H
#define FETTLE_PATCH_DIFF_FAULT_H

#include <stddef.h>

struct diff_fault {
	const char *code, *remedy;
	unsigned line;	   /* of the diff, from 1; 0: no line is to blame */
	char message[600]; /* printable ASCII */
};

/*
 * Fills *fault and returns -1. The code must be in the table. Bytes of the
 * message that are not printable ASCII become `?`.
 */
int diff_fault_set(struct diff_fault *fault, unsigned line, const char *code,
		   const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
