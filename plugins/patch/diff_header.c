/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See diff_header.h. Every line is read once; then all must agree. */
#include "plugins/patch/diff_header.h"

#include "plugins/patch/diff_name.h"

/* Lines of git's that may stand once each, in any order. */
enum extended {
	OLD_MODE = 1 << 0,
	NEW_MODE = 1 << 1,
	DELETED = 1 << 2,
	CREATED = 1 << 3,
	RENAME_FROM = 1 << 4,
	RENAME_TO = 1 << 5,
	COPY = 1 << 6,
	SIMILAR = 1 << 7,
	DISSIMILAR = 1 << 8,
	INDEX = 1 << 9,
};

struct header {
	struct diff_lines *lines;
	unsigned line;	 /* where it starts */
	const char *git; /* behind `diff --git `, or NULL */
	size_t git_len;
	unsigned seen; /* enum extended */
	bool has_names;
	const char *index_old, *index_new; /* of the index line; borrowed */
	size_t index_old_len, index_new_len;
	char *old, *new; /* of --- and +++; NULL: /dev/null */
	char *from, *to; /* of rename */
};

static void
header_done(struct header *header)
{
	free(header->old);
	free(header->new);
	free(header->from);
	free(header->to);
}

static int
mismatch(const struct header *header, const char *what)
{
	return diff_fault_set(header->lines->fault, header->line,
			      "diff.header_mismatch", "%s", what);
}

/* ---- names ----------------------------------------------------------------- */

static bool
digits_are(const char *s, size_t n, const char *form)
{
	for (size_t i = 0; form[i]; i++)
		if (i >= n ||
		    (form[i] == '0' ? s[i] < '0' || s[i] > '9' : s[i] != form[i]))
			return false;
	return true;
}

/*
 * What stands behind the tab behind a name: nothing, or the time that diff -u
 * writes. Times at the epoch mean that there is no file, to some tools only.
 */
static int
stamp_check(struct diff_lines *lines, const char *s, size_t n)
{
	static const char *const forms[] = { "0000-00-00 00:00:00", " +0000",
					     " -0000" };
	size_t at = strlen(forms[0]);

	if (n == 0)
		return 0;
	if (digits_are(s, n, "1970-01-01") || digits_are(s, n, "1969-12-31"))
		return diff_fail(lines, "diff.header_mismatch",
				 "a time of 1970 instead of /dev/null");
	if (digits_are(s, n, forms[0])) {
		if (at < n && s[at] == '.')
			for (at++; at < n && s[at] >= '0' && s[at] <= '9';)
				at++;
		if (n - at == 6 && (digits_are(s + at, n - at, forms[1]) ||
				    digits_are(s + at, n - at, forms[2])))
			at = n;
		if (at == n)
			return 0;
	}
	return diff_fail(lines, "diff.path", "something else than a time behind a tab");
}

/* The name in `--- NAME`; NULL for /dev/null. */
static int
name_read(struct diff_lines *lines, const char *prefix, char **ret)
{
	const char *s = lines->s + 4, *end = lines->s + lines->n, *tab;
	AUTO_TEXT struct text name = { 0 };
	size_t took;

	if (diff_header_check(lines) < 0)
		return -1;
	if (s < end && *s == '"') {
		took = name_unquote(s, (size_t)(end - s), &name);
		tab = s + took;
		if (took == 0 || (tab < end && *tab != '\t'))
			return diff_fail(lines, "diff.syntax",
					 "the quoting of a file's name is broken");
	} else {
		tab = memchr(s, '\t', (size_t)(end - s));
		if (!tab)
			tab = end;
		text_add_n(&name, s, (size_t)(tab - s));
		if (tab == end && memchr(s, ' ', (size_t)(end - s)))
			return diff_fail(lines, "diff.path",
					 "a name with a blank has no tab behind it");
	}
	if (tab < end && stamp_check(lines, tab + 1, (size_t)(end - tab - 1)) < 0)
		return -1;
	if (text_equal(text_get(&name), "/dev/null") && *s != '"')
		return 0;
	return name_check(&name, prefix, lines->number, ret, lines->fault);
}

static int
names_read(struct header *header)
{
	struct diff_lines *lines = header->lines;

	header->has_names = true;
	if (name_read(lines, "a/", &header->old) < 0 || diff_next(lines) < 0)
		return -1;
	if (!diff_line_starts(lines, "+++ "))
		return diff_fail(lines, "diff.syntax",
				 "no +++ line follows the --- line");
	return name_read(lines, "b/", &header->new) < 0 ? -1 : diff_next(lines);
}

/* ---- git's lines ------------------------------------------------------------ */

static int
mode_check(struct diff_lines *lines, const char *s, size_t n, const char *allowed)
{
	if (n == 6 && (memcmp(s, "100644", 6) == 0 || memcmp(s, allowed, 6) == 0))
		return 0;
	return diff_fail(lines, "diff.mode",
			 "a file that is made with another mode than 100644, or that "
			 "is no regular file");
}

static int
rename_read(struct diff_lines *lines, const char *s, size_t n, char **ret)
{
	AUTO_TEXT struct text name = { 0 };

	if (n > 0 && *s == '"') {
		if (name_unquote(s, n, &name) != n)
			return diff_fail(lines, "diff.syntax",
					 "the quoting of a file's name is broken");
	} else {
		text_add_n(&name, s, n);
	}
	return name_check(&name, "", lines->number, ret, lines->fault);
}

static int
percent_check(struct diff_lines *lines, const char *s, size_t n)
{
	unsigned value = 0;
	size_t at = 0;

	for (; at < n && at < 3 && s[at] >= '0' && s[at] <= '9'; at++)
		value = value * 10 + (unsigned)(s[at] - '0');
	if (at == 0 || at + 1 != n || s[at] != '%' || value > 100)
		return diff_fail(lines, "diff.syntax", "this is no percentage");
	return 0;
}

/* `OLD..NEW` or `OLD..NEW MODE`. */
static int
index_read(struct header *header, const char *s, size_t n)
{
	struct diff_lines *lines = header->lines;
	static const char hex[] = "0123456789abcdef";
	size_t old = 0, new = 0, at;

	while (old < n && strchr(hex, s[old]))
		old++;
	for (at = old + 2; at < n && strchr(hex, s[at]); at++)
		new ++;
	if (old < 4 || old > 64 || new < 4 || new > 64 || memcmp(s + old, "..", 2) != 0)
		return diff_fail(lines, "diff.syntax", "this is no index line");
	header->index_old = s;
	header->index_old_len = old;
	header->index_new = s + old + 2;
	header->index_new_len = new;
	if (at == n)
		return 0;
	if (s[at] != ' ')
		return diff_fail(lines, "diff.syntax", "this is no index line");
	return mode_check(lines, s + at + 1, n - at - 1, "100755");
}

static int
extended_read(struct header *header, enum extended which, const char *s, size_t n)
{
	struct diff_lines *lines = header->lines;

	switch (which) {
	case OLD_MODE:
	case NEW_MODE:
	case DELETED:
		return mode_check(lines, s, n, "100755");
	case CREATED:
		return mode_check(lines, s, n, "100644");
	case RENAME_FROM:
		return rename_read(lines, s, n, &header->from);
	case RENAME_TO:
		return rename_read(lines, s, n, &header->to);
	case COPY:
		return diff_fail(lines, "diff.copy", "a copy of another file");
	case SIMILAR:
	case DISSIMILAR:
		return percent_check(lines, s, n);
	case INDEX:
		return index_read(header, s, n);
	}
	return -1;
}

/* 1: the line is one of git's, and read. 0: it is not. */
static int
extended_next(struct header *header)
{
	static const struct {
		const char *word;
		enum extended which;
	} known[] = {
		{ "old mode ", OLD_MODE },
		{ "new mode ", NEW_MODE },
		{ "deleted file mode ", DELETED },
		{ "new file mode ", CREATED },
		{ "rename from ", RENAME_FROM },
		{ "rename to ", RENAME_TO },
		{ "copy from ", COPY },
		{ "copy to ", COPY },
		{ "similarity index ", SIMILAR },
		{ "dissimilarity index ", DISSIMILAR },
		{ "index ", INDEX },
	};
	struct diff_lines *lines = header->lines;

	for (size_t i = 0; i < COUNT_OF(known); i++) {
		size_t skip = strlen(known[i].word);

		if (!diff_line_starts(lines, known[i].word))
			continue;
		if (diff_header_check(lines) < 0)
			return -1;
		if (header->seen & known[i].which)
			return diff_fail(lines, "diff.syntax", "'%s' twice",
					 known[i].word);
		header->seen |= known[i].which;
		if (extended_read(header, known[i].which, lines->s + skip,
				  lines->n - skip) < 0)
			return -1;
		return diff_next(lines) < 0 ? -1 : 1;
	}
	return 0;
}

static bool
has_both(const struct header *header, unsigned pair)
{
	return (header->seen & pair) == pair;
}

/* Do git's lines go together? */
static int
extended_check(const struct header *header)
{
	const unsigned modes = OLD_MODE | NEW_MODE, renames = RENAME_FROM | RENAME_TO;
	const char *wrong = NULL;
	unsigned kinds = 0;

	if ((header->seen & modes) && !has_both(header, modes))
		wrong = "an old mode without a new one, or the other way round";
	if ((header->seen & renames) && !has_both(header, renames))
		wrong = "a rename without its other name";
	if ((header->seen & SIMILAR) && !(header->seen & renames))
		wrong = "a similarity without a rename";
	kinds += (header->seen & CREATED) != 0;
	kinds += (header->seen & DELETED) != 0;
	kinds += (header->seen & renames) != 0;
	if (kinds > 1)
		wrong = "a file that is created, deleted or renamed at once";
	if (wrong)
		return diff_fault_set(header->lines->fault, header->line, "diff.syntax",
				      "%s", wrong);
	if (header->seen & modes)
		return diff_fault_set(header->lines->fault, header->line,
				      "diff.mode_change", "a file's mode would change");
	return 0;
}

/* ---- what `diff --git` says --------------------------------------------------- */

/* `a/X b/X` without quotes: X is what makes both halves equal. */
static int
git_halves(struct header *header, char **ret)
{
	const char *s = header->git;
	size_t half = header->git_len / 2;
	AUTO_TEXT struct text old = { 0 }, new = { 0 };
	AUTO_FREE char *again = NULL;

	if (header->git_len % 2 == 0 || s[half] != ' ')
		return mismatch(header, "two names that differ");
	text_add_n(&old, s, half);
	text_add_n(&new, s + half + 1, half);
	if (memchr(s, ' ', half))
		return diff_fault_set(header->lines->fault, header->line, "diff.path",
				      "a name with a blank and no --- line");
	if (name_check(&old, "a/", header->line, ret, header->lines->fault) < 0 ||
	    name_check(&new, "b/", header->line, &again, header->lines->fault) < 0)
		return -1;
	return text_equal(*ret, again) ? 0 : mismatch(header, "two names that differ");
}

/* Do the two names in it say `a/OLD` and `b/NEW`? Each may be quoted. */
static int
git_line_check(const struct header *header, const char *old, const char *new)
{
	const char *s = header->git;
	size_t n = header->git_len, at;
	AUTO_TEXT struct text got = { 0 }, want = { 0 };

	text_addf(&want, "a/%s b/%s", old, new);
	if (n > 0 && s[0] == '"') {
		at = name_unquote(s, n, &got);
		if (at == 0)
			return diff_fault_set(header->lines->fault, header->line,
					      "diff.syntax",
					      "the quoting of a file's name is broken");
	} else {
		at = strlen(old) + 2 < n ? strlen(old) + 2 : n;
		text_add_n(&got, s, at);
	}
	if (at < n && s[at] == ' ') {
		text_add(&got, " ");
		at++;
	}
	if (at < n && s[at] == '"') {
		size_t took = name_unquote(s + at, n - at, &got);

		if (took != n - at)
			return diff_fault_set(header->lines->fault, header->line,
					      "diff.syntax",
					      "the quoting of a file's name is broken");
	} else {
		text_add_n(&got, s + at, n - at);
	}
	if (got.len != want.len || memcmp(text_get(&got), want.s, want.len) != 0)
		return mismatch(header, "'diff --git' names other files than the lines "
					"below it");
	return 0;
}

/* ---- what the index line says -------------------------------------------------- */

static bool
is_nothing(const char *hash, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (hash[i] != '0')
			return false;
	return true;
}

static bool
is_empty_file(const char *hash, size_t n)
{
	static const char empty[] = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";

	return n >= 7 && n < sizeof(empty) && memcmp(hash, empty, n) == 0;
}

/*
 * GNU patch takes zeros for a file that does not exist, and needs them where
 * no other line says it.
 */
static int
index_check(const struct header *header, const struct change *change)
{
	const bool is_new = change->kind == CHANGE_CREATE,
		   is_gone = change->kind == CHANGE_DELETE;
	const char *old = header->index_old, *new = header->index_new;
	size_t old_len = header->index_old_len, new_len = header->index_new_len;

	if (old &&
	    (is_nothing(old, old_len) != is_new || is_nothing(new, new_len) != is_gone))
		return mismatch(header,
				"the index line and the mode lines do not agree");
	if (header->has_names || (!is_new && !is_gone))
		return 0;
	if (!old ||
	    !(is_new ? is_empty_file(new, new_len) : is_empty_file(old, old_len)))
		return diff_fault_set(header->lines->fault, header->line, "diff.syntax",
				      "neither lines nor the index of an empty file");
	return 0;
}

/* ---- all of it ----------------------------------------------------------------- */

static int
git_resolve(struct header *header, struct change *change)
{
	const bool is_rename = header->from != NULL;
	AUTO_FREE char *path = NULL;

	change->kind = header->seen & CREATED ? CHANGE_CREATE :
		       header->seen & DELETED ? CHANGE_DELETE :
		       is_rename	      ? CHANGE_RENAME :
						CHANGE_EDIT;
	if (!header->has_names && change->kind == CHANGE_EDIT)
		return diff_fault_set(header->lines->fault, header->line, "diff.syntax",
				      "a header without a change");
	if (header->has_names &&
	    ((header->old == NULL) != (change->kind == CHANGE_CREATE) ||
	     (header->new == NULL) != (change->kind == CHANGE_DELETE)))
		return mismatch(header, "/dev/null and the mode lines do not agree");
	if (is_rename && header->has_names &&
	    (!text_equal(header->from, header->old) ||
	     !text_equal(header->to, header->new)))
		return mismatch(header,
				"the rename names other files than --- and +++");
	if (is_rename)
		path = text_copy(header->to);
	else if (header->has_names)
		path = text_copy(header->new ? header->new : header->old);
	else if (git_halves(header, &path) < 0)
		return -1;
	if (change->kind == CHANGE_EDIT && !text_equal(header->old, header->new))
		return mismatch(header, "--- and +++ name different files");
	if (index_check(header, change) < 0)
		return -1;
	if (git_line_check(header, is_rename ? header->from : path, path) < 0)
		return -1;
	change->path = STEAL(path);
	if (is_rename)
		change->from = STEAL(header->from);
	return 0;
}

static int
plain_resolve(struct header *header, struct change *change)
{
	if (!header->old && !header->new)
		return mismatch(header, "both files are /dev/null");
	change->kind = !header->old ? CHANGE_CREATE :
		       !header->new ? CHANGE_DELETE :
				      CHANGE_EDIT;
	if (change->kind == CHANGE_EDIT && !text_equal(header->old, header->new))
		return mismatch(header, "--- and +++ name different files");
	change->path = header->new ? STEAL(header->new) : STEAL(header->old);
	return 0;
}

int
diff_header_read(struct diff_lines *lines, struct change *change, bool *ret_has_hunks)
{
	AUTO(header) struct header header = { .lines = lines, .line = lines->number };
	int more = 1;

	if (diff_line_starts(lines, "diff --git ")) {
		header.git = lines->s + strlen("diff --git ");
		header.git_len = lines->n - strlen("diff --git ");
		if (diff_header_check(lines) < 0 || diff_next(lines) < 0)
			return -1;
		while (more > 0)
			more = extended_next(&header);
		if (more < 0 || extended_check(&header) < 0)
			return -1;
		if (diff_line_starts(lines, "GIT binary") ||
		    diff_line_starts(lines, "Binary files "))
			return diff_fail(lines, "diff.binary", "a binary file");
	}
	if (diff_line_starts(lines, "--- ") && names_read(&header) < 0)
		return -1;
	*ret_has_hunks = header.has_names;
	return header.git ? git_resolve(&header, change) :
			    plain_resolve(&header, change);
}
