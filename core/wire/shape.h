/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What members a JSON object must have, as a table: the one way in which
 * request and events are checked before anybody looks inside.
 */
#ifndef FETTLE_WIRE_SHAPE_H
#define FETTLE_WIRE_SHAPE_H

#include "base/err.h"
#include "base/json.h"

enum shape_type {
	SHAPE_ANY = 1,
	SHAPE_TEXT,
	SHAPE_CHOICE, /* text, one of `choices` */
	SHAPE_SHA256, /* 64 lower-case hexadecimal digits */
	SHAPE_INT,
	SHAPE_BOOL,
	SHAPE_OBJECT,
	SHAPE_LIST,
	SHAPE_TEXTS,	/* a list of text */
	SHAPE_TEXT_MAP, /* an object of text */
};

enum shape_flag {
	SHAPE_OPTIONAL = 1 << 0, /* may be missing */
	SHAPE_NULL = 1 << 1,	 /* may be null */
};

struct shape_member {
	const char *name;
	enum shape_type type;
	unsigned flags;	     /* enum shape_flag */
	const char *choices; /* `|ok|noop|`: a bar before and behind each */
};

/*
 * Every member there, of its type, and no other. 0, or -1 with `code` and a
 * text that names `what` (`event 'edit'`) and the member.
 */
int shape_check(const json_t *object, const struct shape_member *members, size_t count,
		const char *code, const char *what, struct err *err);

#endif
