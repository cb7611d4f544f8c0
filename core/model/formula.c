/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Expressions from text. See formula.h. */
#include "base/base.h"

#include "model/formula.h"

#include "base/ascii.h"
#include "model/scalar.h"

#define MAX_BYTES 4096u
#define MAX_TERMS 256u
#define MAX_DEPTH 32u
#define FIRST_TERMS 4u		/* room for; a power of two */
#define MAX_NAME_BYTES 400u
#define MAX_DIGITS 40u

#define DIGITS "0123456789"

static const struct {
	const char *name;
	enum formula_op op;
	uint32_t min, max;
} functions[] = {
	{ "success", OP_SUCCESS, 0, 0 },
	{ "failure", OP_FAILURE, 0, 0 },
	{ "contains", OP_CONTAINS, 2, 2 },
	{ "format", OP_FORMAT, 1, 11 },
};

/* Longer signs first: `<` is the beginning of `<=`. */
static const struct {
	const char *sign;
	enum formula_op op;
} comparisons[] = {
	{ "==", OP_EQ }, { "!=", OP_NE }, { "<=", OP_LE },
	{ ">=", OP_GE }, { "<", OP_LT },  { ">", OP_GT },
};

struct parser {
	const char *text, *at;
	unsigned depth;
	struct formula *formula;
	struct err *err;
};

/* ---- errors ------------------------------------------------------------------ */

/* Each returns 0, which is no term. */
static uint32_t PRINTF_LIKE(2, 3) syntax_err(struct parser *p, const char *fmt, ...)
{
	char why[200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	if (*p->at == 0)
		err_set(p->err, "template.syntax", "%s at the end of '%.80s'", why,
			p->text);
	else
		err_set(p->err, "template.syntax", "%s at '%.30s' of '%.80s'", why,
			p->at, p->text);
	err_remedy(p->err, "write names (inputs.service), 'texts', numbers, == != < <= "
			   "> >= && || ! ( ), success(), failure(), contains(), "
			   "format()");
	return 0;
}

static uint32_t
size_err(struct parser *p, const char *what, unsigned limit)
{
	err_set(p->err, "template.size", "more than %u %s in one expression: '%.80s'",
		limit, what, p->text);
	err_remedy(p->err, "split it up, or let a step compute the value");
	return 0;
}

/* ---- terms ------------------------------------------------------------------- */

static uint32_t
add_term(struct parser *p, enum formula_op op)
{
	struct formula *f = p->formula;

	if (f->count > MAX_TERMS)
		return size_err(p, "terms", MAX_TERMS);
	if (f->count >= FIRST_TERMS && (f->count & (f->count - 1)) == 0)
		f->terms = x_realloc(f->terms, f->count * 2, sizeof(*f->terms));
	f->terms[f->count] = (struct formula_term){ .op = op };
	return f->count++;
}

/* Takes the reference. */
static uint32_t
add_value(struct parser *p, json_t *value)
{
	uint32_t term = add_term(p, OP_VALUE);

	if (term == 0)
		json_decref(value);
	else
		p->formula->terms[term].value = value;
	return term;
}

static uint32_t
add_group(struct parser *p, enum formula_op op, uint32_t first)
{
	uint32_t term = add_term(p, op);

	if (term != 0)
		p->formula->terms[term].first = first;
	return term;
}

/* ---- literals and names ------------------------------------------------------ */

static void
skip_blanks(struct parser *p)
{
	while (ascii_is_blank(*p->at))
		p->at++;
}

static bool
is_name_char(char c)
{
	return ascii_is_letter(c) || ascii_is_digit(c) || c == '_' || c == '-';
}

static bool
take(struct parser *p, const char *sign)
{
	size_t n = 0;

	skip_blanks(p);
	while (sign[n] != 0 && p->at[n] == sign[n])
		n++;
	if (sign[n] != 0)
		return false;
	p->at += n;
	return true;
}

/* `'it''s'`: two quotes are one. */
static uint32_t
parse_text(struct parser *p)
{
	AUTO(str) struct str text = STR_INIT;
	const char *from = p->at + 1;
	json_t *value;

	for (;;) {
		size_t len = strcspn(from, "'");

		str_add_n(&text, from, len);
		if (from[len] == 0)
			return syntax_err(p, "a text without a closing quote");
		from += len + 1;
		if (*from != '\'')
			break;
		str_add_c(&text, *from++);
	}
	p->at = from;
	value = json_stringn(str_get(&text), text.len);
	return add_value(p, value ? value : json_string_lossy(str_get(&text),
							      text.len));
}

static uint32_t
parse_number(struct parser *p)
{
	size_t sign = *p->at == '-', len = sign + strspn(p->at + sign, DIGITS ".");
	AUTO_FREE char *text = x_strndup(p->at, len);
	struct err ignored;
	int64_t whole = 0;
	double real = 0;

	if (len > MAX_DIGITS || is_name_char(p->at[len]))
		return syntax_err(p, "what is no number");
	if (scalar_int(text, &whole, &ignored) == 0) {
		p->at += len;
		return add_value(p, json_integer(whole));
	}
	if (strchr(text, '.') == NULL || scalar_real(text, &real, &ignored) < 0)
		return syntax_err(p, "what is no number");
	p->at += len;
	return add_value(p, json_real(real));
}

static uint32_t parse_or(struct parser *p);

/* Behind `(`. */
static uint32_t
parse_arguments(struct parser *p, size_t function)
{
	uint32_t call = add_term(p, functions[function].op), last = 0, count = 0;
	const char *name = functions[function].name;

	if (call == 0)
		return 0;
	for (; !take(p, ")"); count++) {
		uint32_t argument;

		if (count > 0 && !take(p, ","))
			return syntax_err(p, "no ',' or ')'");
		argument = parse_or(p);
		if (argument == 0)
			return 0;
		if (last == 0)
			p->formula->terms[call].first = argument;
		else
			p->formula->terms[last].next = argument;
		last = argument;
	}
	if (count < functions[function].min)
		return syntax_err(p, "too few arguments of %s()", name);
	if (count > functions[function].max)
		return syntax_err(p, "too many arguments of %s()", name);
	return call;
}

static uint32_t
parse_call(struct parser *p, const char *name)
{
	AUTO(strv) struct strv names = STRV_INIT;
	const char *near;

	for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
		if (str_eq(functions[i].name, name))
			return parse_arguments(p, i);
		strv_add(&names, functions[i].name);
	}
	near = strv_nearest(&names, name);
	err_set(p->err, "template.name", "there is no function '%.80s'%s%s%s", name,
		near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
	err_remedy(p->err, "functions are success, failure, contains, format");
	return 0;
}

/* The length of `steps.build.outputs.image`, or 0. */
static size_t
name_len(const char *text)
{
	size_t len = 0;

	while (is_name_char(text[len])) {
		while (is_name_char(text[len]))
			len++;
		if (text[len] != '.')
			return len;
		len++;
	}
	return 0;
}

static uint32_t
parse_name(struct parser *p)
{
	size_t len = name_len(p->at);
	AUTO_FREE char *name = x_strndup(p->at, len);
	uint32_t term;

	if (len == 0)
		return syntax_err(p, "what is no name");
	if (len > MAX_NAME_BYTES)
		return syntax_err(p, "too long a name");
	p->at += len;
	if (str_eq(name, "true") || str_eq(name, "false"))
		return add_value(p, json_boolean(name[0] == 't'));
	if (str_eq(name, "null"))
		return add_value(p, json_null());
	if (take(p, "("))
		return parse_call(p, name);
	term = add_term(p, OP_NAME);
	if (term != 0)
		p->formula->terms[term].name = STEAL(name);
	return term;
}

/* ---- operators --------------------------------------------------------------- */

static uint32_t
parse_operand(struct parser *p)
{
	uint32_t term;

	if (take(p, "(")) {
		term = parse_or(p);
		if (term != 0 && !take(p, ")"))
			return syntax_err(p, "no ')'");
		return term;
	}
	if (*p->at == '\'')
		return parse_text(p);
	if (*p->at == '-' || ascii_is_digit(*p->at))
		return parse_number(p);
	if (ascii_is_letter(*p->at) || *p->at == '_')
		return parse_name(p);
	if (str_starts(p->at, FORMULA_OPEN) || str_starts(p->at, "{{"))
		return syntax_err(p, "'{{' inside of an expression");
	return syntax_err(p, "no value");
}

/* Every way down leads through here, so this is where depth is counted. */
static uint32_t
parse_not(struct parser *p)
{
	uint32_t term;

	if (p->depth >= MAX_DEPTH)
		return size_err(p, "levels", MAX_DEPTH);
	p->depth++;
	if (take(p, "!")) {
		term = parse_not(p);
		if (term != 0)
			term = add_group(p, OP_NOT, term);
	} else {
		term = parse_operand(p);
	}
	p->depth--;
	return term;
}

static bool
take_comparison(struct parser *p, enum formula_op *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(comparisons); i++)
		if (take(p, comparisons[i].sign)) {
			*ret = comparisons[i].op;
			return true;
		}
	return false;
}

static uint32_t
parse_comparison(struct parser *p)
{
	uint32_t left = parse_not(p), right;
	enum formula_op op;

	if (left == 0 || !take_comparison(p, &op))
		return left;
	right = parse_not(p);
	if (right == 0)
		return 0;
	p->formula->terms[left].next = right;
	if (take_comparison(p, &(enum formula_op){ OP_EQ }))
		return syntax_err(p, "a second comparison without parentheses");
	return add_group(p, op, left);
}

/* One or more of what `below` parses, with `sign` between. */
static uint32_t
parse_chain(struct parser *p, enum formula_op op, const char *sign,
	    uint32_t (*below)(struct parser *p))
{
	uint32_t first = below(p), last = first, next;

	if (first == 0 || !take(p, sign))
		return first;
	do {
		next = below(p);
		if (next == 0)
			return 0;
		p->formula->terms[last].next = next;
		last = next;
	} while (take(p, sign));
	return add_group(p, op, first);
}

static uint32_t
parse_and(struct parser *p)
{
	return parse_chain(p, OP_AND, "&&", parse_comparison);
}

static uint32_t
parse_or(struct parser *p)
{
	return parse_chain(p, OP_OR, "||", parse_and);
}

/* ---- the whole --------------------------------------------------------------- */

/* Parses at p->at up to `close` and past it. */
static struct formula *
parse_whole(struct parser *p, const char *close)
{
	AUTO(formula) struct formula *f = x_calloc(1, sizeof(*f));
	size_t len;

	f->count = 1;
	f->terms = x_calloc(FIRST_TERMS, sizeof(*f->terms));
	p->formula = f;
	skip_blanks(p);
	if (*p->at == 0 || (*close != 0 && str_starts(p->at, close)))
		return syntax_err(p, "nothing where an expression is due"), NULL;
	f->root = parse_or(p);
	if (f->root == 0)
		return NULL;
	skip_blanks(p);
	if (*p->at == 0 && *close != 0)
		return syntax_err(p, "'${{' without '}}'"), NULL;
	if (*close != 0 ? !str_starts(p->at, close) : *p->at != 0)
		return syntax_err(p, "no operator"), NULL;
	p->at += strlen(close);
	len = (size_t)(p->at - p->text);
	if (len > MAX_BYTES)
		return size_err(p, "bytes", MAX_BYTES), NULL;
	f->text = x_strndup(p->text, len);
	return STEAL(f);
}

struct formula *
formula_parse(const char *text, struct err *err)
{
	struct parser p = { .text = text, .at = text, .err = err };

	return parse_whole(&p, "");
}

struct formula *
formula_parse_braced(const char *text, const char **ret_end, struct err *err)
{
	struct parser p = { .text = text,
			    .at = text + strlen(FORMULA_OPEN),
			    .err = err };
	struct formula *f = parse_whole(&p, FORMULA_CLOSE);

	if (f != NULL)
		*ret_end = p.at;
	return f;
}

void
formula_done(struct formula **formula)
{
	struct formula *f = *formula;

	if (f == NULL)
		return;
	for (uint32_t i = 0; i < f->count; i++) {
		json_decref(f->terms[i].value);
		free(f->terms[i].name);
	}
	free(f->terms);
	free(f->text);
	free(f);
	*formula = NULL;
}
