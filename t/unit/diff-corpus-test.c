/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Diffs as files: t/corpus/diff/ID.diff is read and applied to the files below
 * tree/, or to a file `f` that is ID.before; ID.expect says what must come of
 * it. One line of TAP a case. Then a good diff is cut off at every byte.
 */
#include "diff-tree.h"

#include <dirent.h>

struct expectation {
	char code[48], note[16], file[64], make[32];
	unsigned line, flags;
};

/* Where the files of a case come from. */
struct source {
	struct tree tree;
	struct text before; /* of `f`, when has_before */
	bool has_before;
};

static unsigned case_count, failure_count;

static void
report(bool is_ok, const char *name, const char *claim)
{
	case_count++;
	failure_count += !is_ok;
	printf("%s %u - %s: %s\n", is_ok ? "ok" : "not ok", case_count, name, claim);
}

/* ---- large diffs ------------------------------------------------------------ */

static void
add_create(struct text *diff, const char *path, const char *line)
{
	text_addf(diff, "--- /dev/null\n+++ b/%s\n@@ -0,0 +1 @@\n+%s\n", path, line);
}

static char *
letters(size_t n)
{
	char *s = x_calloc(n + 1, 1);

	memset(s, 'x', n);
	return s;
}

static void
make_hunks(struct text *diff, size_t count)
{
	text_add(diff, "--- a/hunks\n+++ b/hunks\n");
	for (size_t i = 0; i < count; i++)
		text_addf(diff, "@@ -%zu,3 +%zu,3 @@\n a\n-b\n+c\n a\n", i * 3 + 1,
			  i * 3 + 1);
}

/* A path of n bytes whose components are short. */
static char *
long_path(size_t n)
{
	char *path = letters(n);

	for (size_t at = 100; at + 1 < n; at += 101)
		path[at] = '/';
	return path;
}

/* `NAME-below`, `NAME-limit` or `NAME-over`: a diff of that size. */
static int
make_diff(const char *name, struct text *diff)
{
	const char *size = strchr(name, '-');
	size_t more = text_equal(size, "-below") ? 0 :
		      text_equal(size, "-limit") ? 1 :
						   2;
	AUTO_FREE char *s = NULL;

	if (text_starts(name, "files-")) {
		for (size_t i = 0; i < UNIFIED_MAX_FILES - 1 + more; i++) {
			AUTO_FREE char *path = text_format("new%zu", i);
			add_create(diff, path, "x");
		}
	} else if (text_starts(name, "line-")) {
		s = letters(UNIFIED_MAX_LINE - 3 + more);
		add_create(diff, "new", s);
	} else if (text_starts(name, "bytes-")) {
		add_create(diff, "new", "x");
		while (diff->len < UNIFIED_MAX_BYTES - 1000)
			text_add(diff, "text text text text text text text text\n");
		s = letters(UNIFIED_MAX_BYTES - 2 + more - diff->len);
		text_addf(diff, "%s\n", s);
	} else if (text_starts(name, "hunks-")) {
		make_hunks(diff, UNIFIED_MAX_HUNKS - 1 + more);
	} else if (text_starts(name, "path-")) {
		s = long_path(4095 + more);
		add_create(diff, s, "x");
	} else if (text_starts(name, "component-")) {
		s = letters(254 + more);
		add_create(diff, s, "x");
	} else {
		return -1;
	}
	return 0;
}

/* ---- one case --------------------------------------------------------------- */

static int
read_file(void *arg, const char *path, const char **bytes, size_t *len,
	  const char **why)
{
	struct source *source = arg;

	if (text_equal(path, "hunks")) {
		text_done(&source->tree.held);
		for (size_t i = 0; i < UNIFIED_MAX_HUNKS; i++)
			text_add(&source->tree.held, "a\nb\na\n");
		*bytes = source->tree.held.s;
		*len = source->tree.held.len;
		return 1;
	}
	if (source->has_before && text_equal(path, "f")) {
		*bytes = text_get(&source->before);
		*len = source->before.len;
		return 1;
	}
	if (strlen(path) > 200) /* no file system has it */
		return 0;
	return tree_read(&source->tree, path, bytes, len, why);
}

static bool
is_as_after(const struct edit_set *set, const char *path, const struct text *after)
{
	for (size_t i = 0; i < set->count; i++)
		if (text_equal(set->files[i].path, path))
			return set->files[i].exists &&
			       set->files[i].after.len == after->len &&
			       memcmp(text_get(&set->files[i].after), text_get(after),
				      after->len) == 0;
	return false;
}

/* Reads and applies. "ok", "no_change" or the code of the refusal. */
static const char *
outcome(const struct text *bytes, unsigned flags, struct source *source,
	struct unified *diff, struct edit_set *set, struct diff_fault *fault)
{
	/* A copy of exactly its size, so that reading beyond it is seen. */
	AUTO_FREE char *exact = x_calloc(bytes->len ? bytes->len : 1, 1);
	int result;

	memcpy(exact, text_get(bytes), bytes->len);
	*fault = (struct diff_fault){ .code = NULL };
	result = unified_parse(exact, bytes->len, flags, diff, fault);
	if (result == 0)
		result = unified_apply(diff, read_file, source, set, fault);
	text_done(&source->tree.held);
	if (result < 0)
		return fault->code;
	return diff->count == 0 ? "no_change" : "ok";
}

static void
run_case(const char *folder, const char *id, const struct expectation *want,
	 const struct text *bytes)
{
	AUTO_FREE char *tree = text_format("%s/tree", folder);
	AUTO_FREE char *before = text_format("%s/%s.before", folder, id);
	AUTO_FREE char *after_name = text_format("%s/%s.after", folder, id);
	AUTO_TEXT struct text after = { 0 };
	struct source source = { .tree = { tree, { 0 } } };
	AUTO(edit_set) struct edit_set set = EDIT_SET_INIT;
	AUTO(unified) struct unified diff = UNIFIED_INIT;
	struct diff_fault fault;
	int64_t begin = clock_boot_ms();

	source.has_before = file_load(before, 1 << 20, &source.before) == 0;
	const char *got = outcome(bytes, want->flags, &source, &diff, &set, &fault);
	bool has_hidden = false, is_good = text_equal(got, want->code);
	for (size_t i = 0; i < diff.count; i++)
		has_hidden |= diff.changes[i].has_hidden;
	is_good &= fault.line == want->line && has_hidden == (want->note[0] != '\0');
	if (file_load(after_name, 1 << 20, &after) == 0)
		is_good &= is_as_after(&set, want->file[0] ? want->file : "f", &after);
	if (fault.code)
		is_good &= fault.message[0] && fault.remedy && set.count == 0;
	is_good &= clock_boot_ms() - begin < 1000 || getenv("FETTLE_TEST_SLOW");
	report(is_good, id, want->code);
	if (!is_good)
		printf("# want %s at line %u, got %s at line %u: %s\n", want->code,
		       want->line, got, fault.line, fault.code ? fault.message : "");
	text_done(&source.before);
}

static int
read_expectation(char *text, struct expectation *ret)
{
	char *line, *rest = text;

	while ((line = strsep(&rest, "\n"))) {
		char *value = strchr(line, ' ');

		if (!*line)
			continue;
		if (!value)
			return -1;
		*value++ = '\0';
		if (text_equal(line, "code"))
			snprintf(ret->code, sizeof(ret->code), "%s", value);
		else if (text_equal(line, "note"))
			snprintf(ret->note, sizeof(ret->note), "%s", value);
		else if (text_equal(line, "file"))
			snprintf(ret->file, sizeof(ret->file), "%s", value);
		else if (text_equal(line, "make"))
			snprintf(ret->make, sizeof(ret->make), "%s", value);
		else if (text_equal(line, "line"))
			ret->line = (unsigned)strtoul(value, NULL, 10);
		else if (text_equal(line, "flags") && text_equal(value, "delete"))
			ret->flags = UNIFIED_ALLOW_DELETE;
		else
			return -1;
	}
	return ret->code[0] ? 0 : -1;
}

static void
run_file(const char *folder, const char *id)
{
	AUTO_FREE char *name = text_format("%s/%s.expect", folder, id);
	AUTO_FREE char *diff = text_format("%s/%s.diff", folder, id);
	AUTO_TEXT struct text expect = { 0 }, bytes = { 0 };
	struct expectation want = { .line = 0 };

	if (file_load(name, 4096, &expect) < 0 || !expect.s ||
	    read_expectation(expect.s, &want) < 0)
		report(false, id, "its .expect can be read");
	else if ((want.make[0] ? make_diff(want.make, &bytes) :
				 file_load(diff, 1 << 20, &bytes)) < 0)
		report(false, id, "its diff can be read");
	else
		run_case(folder, id, &want, &bytes);
}

static int
is_expectation(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && text_equal(dot, ".expect");
}

/* ---- damage ------------------------------------------------------------------ */

static void
run_cuts(const char *folder, const char *id)
{
	AUTO_FREE char *name = text_format("%s/%s.diff", folder, id);
	AUTO_FREE char *tree = text_format("%s/tree", folder);
	AUTO_TEXT struct text bytes = { 0 };
	struct source source = { .tree = { tree, { 0 } } };
	bool is_good = file_load(name, 1 << 20, &bytes) == 0;

	for (size_t whole = bytes.len; bytes.len > 0;) {
		AUTO(edit_set) struct edit_set set = EDIT_SET_INIT;
		AUTO(unified) struct unified diff = UNIFIED_INIT;
		struct diff_fault fault;

		bytes.len--;
		is_good &= bytes.len < whole &&
			   !text_equal(outcome(&bytes, 0, &source, &diff, &set, &fault),
				       "ok");
	}
	report(is_good, "D64",
	       "cut off at every byte it is refused or changes nothing");
}

int
main(void)
{
	const char *top = getenv("FETTLE_SRC");
	AUTO_FREE char *folder = text_format("%s/t/corpus/diff", top ? top : ".");
	struct dirent **entries = NULL;
	int count = scandir(folder, &entries, is_expectation, versionsort);

	for (int i = 0; i < count; i++) {
		*strrchr(entries[i]->d_name, '.') = '\0';
		run_file(folder, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	report(count > 100, folder, "its cases are found");
	run_cuts(folder, "good");
	printf("1..%u\n", case_count);
	return failure_count > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
