/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Numbers, durations and sizes from text. The whole string must be the value:
 * no leading blanks, no sign where none is allowed, no suffix left over.
 * Each returns 0, or -1 and leaves *ret as it was.
 */
#ifndef FETTLE_BASE_NUM_H
#define FETTLE_BASE_NUM_H

#include "base.h"

enum num_result { NUM_OK = 0, NUM_SYNTAX = -1, NUM_RANGE = -2 };

int num_u64(const char *s, uint64_t *ret);	/* decimal digits, no leading zero */
int num_i64(const char *s, int64_t *ret);	/* optional `-` */
int num_real(const char *s, double *ret);	/* digits[.digits]; finite; no exponent */
int num_duration_ms(const char *s, uint64_t *ret); /* `1h30m`, `5m30s`, `250ms`; descending units h m s ms */
int num_size(const char *s, uint64_t *ret);	/* `512`, `64KiB`, `10MiB`, `2GiB` in bytes */

/* `1h30m`, `2.4s`, `87ms`: for people. */
const char *num_format_ms(uint64_t ms, char buf[32]);
const char *num_format_size(uint64_t bytes, char buf[32]);

#endif
