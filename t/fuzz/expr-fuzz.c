/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Expressions: names looked up are names found, all that is known gives a value
 * or an error of its own, and what a name stands for is never expanded again.
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
	"\"${{ a == 'x' && !(b.c < 1.5) || contains(d, 'e''f') }}\"",
	"\"${{ format('{0}{1}}}', a, failure() != true) }} ${{ null == -7 }}\"",
	"steps.build.state == 'succeeded' && (inputs.n >= 10 || success())",
	"${{ !!!((((true)))) && contains(a, b) }}",
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
	"&&", "||", "!", "==", "!=", "<", "<=", ">", ">=", "(", ")", ",",
	"'", "''", "true", "false", "null", "0", "-1", "0.5",
	"success()", "failure()", "contains(", "format(", "{0}", "'{0}'",
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

/* `&&` and `||` leave names out, but add none. */
static void
check_within(const struct strv *some, const struct strv *all)
{
	for (size_t i = 0; i < some->count; i++)
		FUZZ_CHECK(strv_has(all, some->v[i]));
}

static bool
is_own_code(const struct err *err)
{
	return str_starts(err->code, "template.") && err->remedy[0] != '\0';
}

static void
try_condition(const char *bytes, size_t n)
{
	AUTO_FREE char *text = x_strndup(bytes, n);
	struct names looked_up = { STRV_INIT };
	struct expr_scope scope = { .lookup = look_up, .self = &looked_up };
	struct err err = { "" };
	bool flag = false;
	struct formula *parsed = expr_parse_condition(text, &err);
	bool is_parsed = parsed != NULL;

	expr_condition_free(parsed);
	if (expr_condition(text, &scope, &flag, &err) < 0)
		FUZZ_CHECK(is_own_code(&err));
	else
		FUZZ_CHECK(is_parsed);
	strv_done(&looked_up.seen);
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

	if (!memchr(bytes, '\0', n))
		try_condition((const char *)bytes, n);
	/* What is no JSON is tried as one text. */
	if (!value && !memchr(bytes, '\0', n))
		value = json_string_lossy((const char *)bytes, n);
	if (!value)
		return 0;

	int scanned = expr_each(value, note_name, &found, &err);
	int expanded = expr_expand(value, &scope, &out, &is_known, &err);
	if (scanned < 0) {
		FUZZ_CHECK(expanded < 0 && is_own_code(&err));
	} else if (expanded == 0) {
		FUZZ_CHECK(is_known);
		check_within(&looked_up.seen, &found.seen);
		/* Without texts of its own an expression makes no new names. */
		if (!memchr(bytes, '\'', n)) {
			FUZZ_CHECK(expr_each(out, note_name, &left, &err) == 0);
			check_within(&left.seen, &found.seen);
		}
		if (expr_expand(value, &nothing, &unknown, &is_known, &err) < 0)
			FUZZ_CHECK(str_eq(err.code, "template.type"));
		else
			FUZZ_CHECK(is_known ? found.seen.count == 0 ||
						      json_equal(out, unknown)
					    : json_is_null(unknown));
	} else {
		FUZZ_CHECK(is_own_code(&err));
	}
	strv_done(&found.seen);
	strv_done(&looked_up.seen);
	strv_done(&left.seen);
	return 0;
}
