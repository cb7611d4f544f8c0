/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * References: names found are names looked up, each once and in order; and
 * what a reference stands for is never expanded again.
 */
#include "base/base.h"

#include "fuzz.h"

#include "base/json.h"
#include "base/str.h"
#include "model/expr.h"

const char *const fuzz_seeds[] = {
	"{\"a\":\"${{ inputs.service }}\",\"b\":[\"x ${{ steps.a.outputs.n }} "
	"y\",1,null]}",
	"\"${{ a }}${{b}}  ${{\\tc.d-e_f\\n}}\"",
	"\"$ { {{ }} ${ ${{x}} }}\"",
	"[\"${{ a\", \"}}\", \"${{ }}\", \"${{ ${{ a }} }}\"]",
	"\"${{ secrets.TOKEN }}:${{ secrets.TOKEN }}\"",
	NULL,
};

const char *const fuzz_words[] = {
	"${{",
	"}}",
	"${{ a }}",
	"${{b.c}}",
	"{{",
	"$",
	"{",
	"}",
	".",
	"..",
	"a",
	"-",
	"\\n",
	" ",
	"\\t",
	"\"",
	"\",\"",
	"[",
	"]",
	"\\u0000",
	"\xc3\xa9",
	"\xff",
	"${{ a.b.c.d.e.f.g }}",
	"$${{ a }}",
	"${{{ a }}}",
	"${{ a || b }}",
	"${{ 'a' }}",
	NULL,
};

struct names {
	struct strv seen;
};

static int
note_name(void *self, const char *name, struct err *err)
{
	FUZZ_CHECK(name[0] != '\0' && !strpbrk(name, "${} \t\n"));
	strv_add(&((struct names *)self)->seen, name);
	return 0;
}

/* A value that looks like a reference itself. */
static json_t *
look_up(void *self, const char *name)
{
	(void)note_name(self, name, NULL);
	return json_sprintf("${{ %s }}", name);
}

static json_t *
look_up_nothing(void *self, const char *name)
{
	return NULL;
}

static void
check_same(const struct strv *a, const struct strv *b)
{
	FUZZ_CHECK(a->count == b->count);
	for (size_t i = 0; i < a->count; i++)
		FUZZ_CHECK(str_eq(a->v[i], b->v[i]));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct err err = { "" };
	struct names found = { STRV_INIT }, looked_up = { STRV_INIT },
		     left = { STRV_INIT };
	struct expr_scope scope = { .lookup = look_up, .self = &looked_up };
	struct expr_scope nothing = { .lookup = look_up_nothing };
	AUTO(json_ref) json_t *value = json_parse((const char *)bytes, n, &err);
	AUTO(json_ref) json_t *out = NULL, *unknown = NULL;
	bool is_known = false;

	/* What is no JSON is tried as one text. */
	if (!value && !memchr(bytes, '\0', n))
		value = json_string_lossy((const char *)bytes, n);
	if (!value)
		return 0;

	int scanned = expr_each(value, note_name, &found, &err);
	int expanded = expr_expand(value, &scope, &out, &is_known, &err);
	if (scanned < 0) {
		FUZZ_CHECK(expanded < 0 && str_eq(err.code, "template.syntax"));
	} else if (expanded < 0) {
		FUZZ_CHECK(str_eq(err.code, "template.size"));
	} else {
		FUZZ_CHECK(is_known);
		check_same(&found.seen, &looked_up.seen);
		FUZZ_CHECK(expr_each(out, note_name, &left, &err) == 0);
		check_same(&found.seen, &left.seen);
		FUZZ_CHECK(found.seen.count > 0 || json_equal(value, out));
		FUZZ_CHECK(expr_expand(value, &nothing, &unknown, &is_known, &err) ==
			   0);
		FUZZ_CHECK(is_known == (found.seen.count == 0));
		FUZZ_CHECK(is_known || json_is_null(unknown));
	}
	strv_done(&found.seen);
	strv_done(&looked_up.seen);
	strv_done(&left.seen);
	return 0;
}
