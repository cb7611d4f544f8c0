/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One scalar's text as a value of the type its place asks for. Scalars are
 * typed by the schema, never by look. Errors have no position: the caller
 * knows it.
 */
#ifndef FETTLE_MODEL_SCALAR_H
#define FETTLE_MODEL_SCALAR_H

#include "base/base.h"
#include "base/err.h"

/* Each 0, or -1 with *ret as it was. */
int scalar_bool(const char *text, bool *ret, struct err *err);	/* `type.bool` */
/* `type.int`, `type.range` */
int scalar_int(const char *text, int64_t *ret, struct err *err);
int scalar_real(const char *text, double *ret, struct err *err); /* `type.real` */

/*
 * `type.duration`; `type.range` below zero or above a year; `type.int` for a
 * number in a notation that is not ours (0x10, 1_000, 1e3, +5, .inf).
 */
int scalar_ms(const char *text, uint64_t *ret, struct err *err);
/* `type.size`, `type.range` */
int scalar_bytes(const char *text, uint64_t *ret, struct err *err);

/* `[A-Za-z_][A-Za-z0-9_]*`: environment variables and secrets. */
bool scalar_is_variable_name(const char *text);

/* `[A-Za-z0-9][A-Za-z0-9_.-]*`, at most 255 bytes: services and their profiles. */
bool scalar_is_service_name(const char *text);

#endif
