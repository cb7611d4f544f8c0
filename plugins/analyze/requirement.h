/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lines of a requirements.txt (PEP 508 names and specifiers, pip's options
 * around them): reading, finding, repairing. No file, no service.
 */
#ifndef FETTLE_ANALYZE_REQUIREMENT_H
#define FETTLE_ANALYZE_REQUIREMENT_H

#include "plugins/common/lines.h"
#include "plugins/common/text.h"

/* Where things stand in the line; begin == end when there is none. */
struct requirement {
	size_t name_begin, name_end;
	size_t spec_begin, spec_end;	/* `==1.2`, `>=1,<2`; without blanks around */
	bool has_hash, has_url;
};

/* False when the line asks for no package by name: a comment, an option, nonsense. */
bool requirement_parse(const char *line, struct requirement *ret);

/* PEP 503: `Flask_SQLAlchemy` and `flask-sqlalchemy` are one package. */
bool package_equal(const char *a, const char *b);

/* The name that a line like `flask[async]>=2` asks for. Caller owns; NULL when none. */
char *requirement_name(const char *line);

/* The line that asks for the package; false when none does. */
bool requirements_find(const struct text *manifest, const char *package,
		       struct line *ret);

/* True when the manifest pins by hash: then no line can be added by guessing. */
bool requirements_have_hashes(const struct text *manifest);

/*
 * A line that pip refuses, as it was surely meant: `flask=2.0` becomes
 * `flask==2.0`. "" when the line says nothing and can go; NULL when nobody but
 * its author can tell. Caller owns.
 */
char *requirement_repair(const char *line);

/*
 * The newest of `1.0, 1.1rc1, 1.1` as pip lists them; a pre-release only when
 * there is nothing else. Caller owns; NULL when there is none.
 */
char *version_newest(const char *list);

#endif
