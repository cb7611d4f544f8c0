/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which programs are interpreters, and which of their options take code. An
 * interpreter counts wherever it stands (`env sh -c`, `timeout 5 sh -c`,
 * `docker exec x sh -c`): refusing too much costs the user an `env:` entry,
 * refusing too little costs the machine.
 */
#include "base/base.h"

#include "model/program.h"

#include "model/expr.h"

/* letters: short options that take code; words: long ones, blank-separated. */
struct interpreter {
	const char *name, *letters, *words;
	bool is_all_code; /* every argument behind it is code */
};

static const struct interpreter interpreters[] = {
	{ "sh", "c", "", false },
	{ "bash", "c", "--rcfile --init-file", false },
	{ "dash", "c", "", false },
	{ "ash", "c", "", false },
	{ "ksh", "c", "", false },
	{ "mksh", "c", "", false },
	{ "zsh", "c", "", false },
	{ "fish", "cC", "--command --init-command", false },
	{ "csh", "c", "", false },
	{ "tcsh", "c", "", false },
	{ "su", "c", "--command --session-command", false },
	{ "runuser", "c", "--command --session-command", false },
	{ "script", "c", "--command", false },
	{ "flock", "c", "--command", false },
	{ "python", "c", "", false },
	{ "pypy", "c", "", false },
	{ "perl", "eEMm", "", false },
	{ "ruby", "e", "", false },
	{ "lua", "e", "", false },
	{ "php", "rBREF", "--run --process-begin --process-code --process-end", false },
	{ "node", "ep", "--eval --print --import --require", false },
	{ "nodejs", "ep", "--eval --print --import --require", false },
	{ "bun", "ep", "--eval --print", false },
	{ "deno", "e", "eval", false },
	{ "Rscript", "e", "", false },
	{ "osascript", "e", "", false },
	{ "pwsh", "cC", "-Command -EncodedCommand", false },
	{ "sed", "e", "--expression", false },
	{ "awk", "e", "--source", false },
	{ "gawk", "e", "--source", false },
	{ "mawk", "", "", false },
	{ "jq", "", "", false },
	{ "sqlite3", "", "-cmd", false },
	{ "psql", "c", "--command", false },
	{ "mysql", "e", "--execute", false },
	{ "mariadb", "e", "--execute", false },
	{ "eval", "", "", true },
	{ "ssh", "", "", true },
	{ "watch", "", "", true },
};

/* `python3.11` is python, `/usr/bin/perl5` is perl. */
static const struct interpreter *
find_interpreter(const char *arg)
{
	const char *slash = strrchr(arg, '/'), *name = slash ? slash + 1 : arg;

	for (size_t i = 0; i < ARRAY_LEN(interpreters); i++) {
		size_t n;

		if (name[0] != interpreters[i].name[0])
			continue;
		n = strlen(interpreters[i].name);
		if (strncmp(name, interpreters[i].name, n) == 0 &&
		    name[n + strspn(name + n, "0123456789.")] == 0)
			return &interpreters[i];
	}
	return NULL;
}

static bool
is_word_of(const char *words, const char *arg)
{
	size_t n = strcspn(arg, "=");

	for (const char *p = words; *p != 0; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");

		if (len == n && strncmp(p, arg, n) == 0)
			return true;
		p += len;
	}
	return false;
}

/* `-c`, `-lc`, `-cTEXT`, `--command`, `--command=TEXT`. */
static bool
takes_code(const struct interpreter *interpreter, const char *arg)
{
	if (is_word_of(interpreter->words, arg))
		return true;
	return arg[0] == '-' && arg[1] != '-' && arg[1] != 0 &&
	       strpbrk(arg + 1, interpreter->letters) != NULL;
}

/* Behind the interpreter at `at`: its options, script and program texts. */
static size_t
find_behind(const char *const *argv, size_t count, size_t at,
	    const struct interpreter *interpreter)
{
	bool is_script_seen = false, is_code = false;

	for (size_t i = at + 1; i < count; i++) {
		const char *arg = argv[i];
		bool is_guarded = is_code || !is_script_seen ||
				  interpreter->is_all_code ||
				  takes_code(interpreter, arg);

		if (is_guarded && expr_has(arg))
			return i;
		if (is_code || arg[0] != '-')
			is_script_seen = true;
		is_code = !is_code && takes_code(interpreter, arg);
	}
	return count;
}

/* `sh -c TEXT sh ARG`: the second sh is a name, the `$0` of TEXT. */
static bool
is_own_name(const char *const *argv, size_t i, const struct interpreter *interpreter)
{
	return interpreter != NULL && i >= 3 && takes_code(interpreter, argv[i - 2]);
}

size_t
program_find_template(const char *const *argv, size_t count)
{
	const struct interpreter *interpreter = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct interpreter *found = find_interpreter(argv[i]);
		size_t at;

		if (found == NULL || is_own_name(argv, i, interpreter))
			continue;
		interpreter = found;
		at = find_behind(argv, count, i, interpreter);
		if (at < count)
			return at;
	}
	return count;
}

int
program_check_values(const json_t *written, const json_t *replaced, struct err *err)
{
	for (size_t i = 0; i < json_array_size(replaced); i++) {
		const char *text = json_string_value(json_array_get(written, i));
		const char *value = json_string_value(json_array_get(replaced, i));

		if (text != NULL && str_eq(text, "--"))
			return 0;
		/* A number may be below zero: it has a type and is no option. */
		if (text == NULL || value == NULL || text[0] == '-' || value[0] != '-')
			continue;
		err_set(err, "template.option",
			"'%.80s' became '%.80s', which a program takes for an option",
			text, value);
		return err_remedy(err, "write \"--\" before it, if the program "
				       "understands that; or pass it through 'env'");
	}
	return 0;
}
