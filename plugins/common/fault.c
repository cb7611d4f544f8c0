/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See fault.h. */
#include "plugins/common/fault.h"

#include <stdarg.h>
#include <stdio.h>

static void __attribute__((format(printf, 4, 0)))
fill(struct fault *fault, enum fettle_why why, const char *code, const char *fmt,
     va_list ap)
{
	struct fault next = { .why = why };

	snprintf(next.code, sizeof(next.code), "%s", code);
	vsnprintf(next.text, sizeof(next.text), fmt, ap);
	*fault = next;
}

int
fault_set(struct fault *fault, enum fettle_why why, const char *code, const char *fmt,
	  ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(fault, why, code, fmt, ap);
	va_end(ap);
	return -1;
}

int
fault_no(struct fault *fault, const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(fault, 0, code, fmt, ap);
	va_end(ap);
	return -1;
}

int
fault_remedy(struct fault *fault, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fault->remedy, sizeof(fault->remedy), fmt, ap);
	va_end(ap);
	return -1;
}

int
fault_end(struct fettle_ctx *ctx, const struct fault *fault)
{
	const char *remedy = fault->remedy[0] ? fault->remedy : NULL;

	if (fault->why == 0)
		return fettle_fail(ctx, fault->code, remedy, "%s", fault->text);
	return fettle_error_code(ctx, fault->why, fault->code, remedy, "%s",
				 fault->text);
}

int64_t
time_left_ms(struct fettle_ctx *ctx)
{
	uint64_t left_ms = fettle_time_left(ctx), day_ms = 24 * 3600 * 1000;

	return (int64_t)(left_ms < day_ms ? left_ms : day_ms);
}
