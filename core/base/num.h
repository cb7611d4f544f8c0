/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Numbers, durations (ms) and sizes (bytes) from text. The whole string must be the
 * value: no leading blanks, no sign where none is allowed, no suffix left over. Each
 * returns NUM_OK, or another result and leaves *ret as it was.
 */
#ifndef FETTLE_BASE_NUM_H
#define FETTLE_BASE_NUM_H

#include "base.h"

enum num_result { NUM_OK = 0, NUM_SYNTAX = -1, NUM_RANGE = -2 };

int num_u64(const char *s, uint64_t *ret);	/* decimal digits, no leading zero */
int num_i64(const char *s, int64_t *ret);	/* optional `-` */
int num_real(const char *s, double *ret);	/* digits[.digits], no exponent */
/* `1h30m`, `5m30s`, `250ms`: units h, m, s, ms, each at most once, in this order. */
int num_duration_ms(const char *s, uint64_t *ret);
int num_size(const char *s, uint64_t *ret);	/* `512`, `64KiB`, `10MiB`, `2GiB` */

/* `1h30m`, `2.4s`, `87ms`: for people. */
const char *num_format_ms(uint64_t ms, char buf[32]);
const char *num_format_size(uint64_t bytes, char buf[32]);

#endif
