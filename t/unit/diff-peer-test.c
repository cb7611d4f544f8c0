/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What git and GNU patch make of the diffs we let through. Good diffs are
 * damaged at random, by pieces of diffs more than by bytes; whenever we take
 * one, both must take it too and leave exactly our files.
 *
 * DIFF_PEER_ACCEPTED: how many taken diffs to compare (preset 120), and
 * DIFF_PEER_SEED: where to start. A disagreement leaves its diff in
 * diff-peer-N.diff.
 */
#include "diff-tree.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/wait.h>

#define MAX_DIFF 8192
#define SECONDS 12

static const struct {
	const char *path, *bytes;
} files[] = {
	{ "one", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\nn\no\np\n" },
	{ "two", "x\nx\nx\nx\nx\nx\nx\nx\nx\nx\n" },
	{ "dir/open", "first\nsecond\nthird\nlast" },
	{ "crlf", "one\r\ntwo\r\nthree\nfour\r\n" },
	{ "empty", "" },
	{ "old", "gone\nsoon\n" },
	{ "with space", "a\nb\nc\n" },
	{ "dev/null", "not null\n" },
};

static const char *const seeds[] = {
	"diff --git a/one b/one\nindex 1234567..89abcde 100644\n--- a/one\n+++ b/one\n"
	"@@ -2,7 +2,8 @@ a\n b\n c\n d\n-e\n+E\n+EE\n f\n g\n h\n"
	"@@ -11,6 +12,5 @@\n k\n l\n m\n-n\n o\n p\n",
	"--- a/two\t2024-01-01 10:00:00.000000000 +0000\n"
	"+++ b/two\t2024-01-01 10:00:01.000000000 +0000\n"
	"@@ -3,4 +3,5 @@\n x\n x\n+y\n x\n x\n",
	"--- a/dir/open\n+++ b/dir/open\n@@ -2,3 +2,3 @@\n second\n third\n-last\n"
	"\\ No newline at end of file\n+end\n",
	"--- a/dir/open\n+++ b/dir/open\n@@ -2,3 +2,4 @@\n second\n third\n-last\n"
	"\\ No newline at end of file\n+last\n+more\n\\ No newline at end of file\n",
	"--- a/crlf\n+++ b/crlf\n@@ -1,4 +1,4 @@\n one\r\n-two\r\n+2\r\n three\n "
	"four\r\n",
	"--- a/empty\n+++ b/empty\n@@ -0,0 +1,2 @@\n+now\n+full\n",
	"diff --git a/old b/old\ndeleted file mode 100644\nindex 1234567..0000000\n"
	"--- a/old\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-gone\n-soon\n",
	"diff --git a/new b/new\nnew file mode 100644\nindex 0000000..1234567\n"
	"--- /dev/null\n+++ b/new\n@@ -0,0 +1,2 @@\n+a\n+b\n",
	"--- /dev/null\n+++ b/sub/new\n@@ -0,0 +1 @@\n+a\n\\ No newline at end of "
	"file\n",
	"diff --git a/old b/renamed\nsimilarity index 100%\nrename from old\n"
	"rename to renamed\n",
	"diff --git a/old b/dir/renamed\nsimilarity index 60%\nrename from old\n"
	"rename to dir/renamed\n--- a/old\n+++ b/dir/renamed\n@@ -1,2 +1,2 @@\n gone\n"
	"-soon\n+later\n",
	"diff --git a/with space b/with space\n--- a/with space\t\n+++ b/with space\t\n"
	"@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n",
	"diff --git a/none b/none\nnew file mode 100644\nindex 0000000..e69de29\n",
	"diff --git a/empty b/empty\ndeleted file mode 100644\nindex "
	"e69de29..0000000\n",
	"Description: why\n it changes\nAuthor: nobody\nIndex: one\n=====\n--- a/one\n"
	"+++ b/one\n@@ -1,4 +1,5 @@\n+0\n a\n b\n c\n d\n-- \n2.39.5\n\n",
	"--- a/one\n+++ b/one\n@@ -13,4 +13,3 @@\n m\n n\n o\n-p\n"
	"--- a/two\n+++ b/two\n@@ -8,3 +8,4 @@\n x\n x\n x\n+z\n",
	"diff --git \"a/\\344\\270\\255\" \"b/\\344\\270\\255\"\nnew file mode 100644\n"
	"--- /dev/null\n+++ \"b/\\344\\270\\255\"\n@@ -0,0 +1 @@\n+x\n",
	"--- a/dev/null\n+++ b/dev/null\n@@ -1 +1 @@\n-not null\n+null\n",
};

static const char *const lines[] = {
	"--- a/one\n",
	"+++ b/one\n",
	"--- /dev/null\n",
	"+++ /dev/null\n",
	"@@ -1 +1 @@\n",
	"@@ -0,0 +1 @@\n",
	"@@ -3,0 +4 @@\n",
	"diff --git a/one b/one\n",
	"diff --git a/two b/two\n",
	"new file mode 100644\n",
	"deleted file mode 100644\n",
	"rename from old\n",
	"rename to other\n",
	"similarity index 90%\n",
	"index 1234567..89abcde 100644\n",
	"Index: two\n",
	"Prereq: x\n",
	"\\ No newline at end of file\n",
	" x\n",
	"-x\n",
	"+x\n",
	" a\n",
	"\n",
	"+\n",
	"-- \n",
	"text\n",
	"1d\n",
	"3a\n",
	"*** a/one\n",
	"GIT binary patch\n",
	"Only in a: b\n",
	"old mode 100644\n",
	"diff -u a/two b/two\n",
	" last\n",
	"+last",
	"=======\n",
	"From: me\n",
	"---\n",
};

static uint64_t random_state;

static size_t
pick(size_t limit)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return limit ? (size_t)(random_state >> 33) % limit : 0;
}

/* ---- damage ----------------------------------------------------------------- */

static void
put(struct text *text, size_t at, size_t n, const char *s, size_t s_len)
{
	AUTO_TEXT struct text made = { 0 };

	text_add_n(&made, text_get(text), at);
	text_add_n(&made, s, s_len);
	text_add_n(&made, text_get(text) + at + n, text->len - at - n);
	text_move(text, &made);
}

/* The start of a line that is picked. */
static size_t
pick_line(const struct text *text)
{
	size_t at = pick(text->len + 1);

	while (at > 0 && text->s[at - 1] != '\n')
		at--;
	return at;
}

static size_t
length_of_line(const struct text *text, size_t at)
{
	const char *end = memchr(text->s + at, '\n', text->len - at);

	return end ? (size_t)(end - text->s) + 1 - at : text->len - at;
}

static void
mutate(struct text *text)
{
	static const char bytes[] = " +-\\@,0123456789abx/\t\r\n\".:";
	size_t kind = pick(100), at = pick_line(text), n = length_of_line(text, at);

	if (kind < 12) {
		put(text, at, n, "", 0);
	} else if (kind < 24) {
		AUTO_FREE char *copy = text_copy_n(text->s + at, n);
		size_t to = pick_line(text);
		put(text, to, 0, copy, strlen(copy));
	} else if (kind < 44) {
		const char *line = lines[pick(COUNT_OF(lines))];
		put(text, at, kind < 36 ? 0 : n, line, strlen(line));
	} else if (kind < 60) {
		const char *seed = seeds[pick(COUNT_OF(seeds))];
		put(text, kind < 54 ? text->len : at, 0, seed, strlen(seed));
	} else if (kind < 70 && n > 1) {
		put(text, at, 1, &bytes[pick(4)], 1);
	} else if (kind < 85) { /* a digit: the numbers of hunks */
		for (size_t i = pick(text->len + 1); i < text->len; i++)
			if (text->s[i] >= '0' && text->s[i] <= '9') {
				text->s[i] = (char)('0' + pick(10));
				break;
			}
	} else if (kind < 97 && text->len > 0) {
		at = pick(text->len);
		put(text, at, pick(2), &bytes[pick(sizeof(bytes) - 1)], pick(2));
	} else {
		put(text, at, text->len - at, "", 0);
	}
}

static void
make_diff(struct text *ret)
{
	text_done(ret);
	text_add(ret, seeds[pick(COUNT_OF(seeds))]);
	for (size_t n = pick(5); n > 0 && ret->len > 0; n--)
		mutate(ret);
}

/* ---- trees ------------------------------------------------------------------ */

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return remove(path);
}

static void
tree_fill(const char *directory)
{
	(void)nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	(void)mkdir(directory, 0755);
	for (size_t i = 0; i < COUNT_OF(files); i++)
		(void)tree_write(directory, files[i].path, files[i].bytes,
				 strlen(files[i].bytes));
}

static struct text listing;
static size_t listing_skip;

static int
list_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	AUTO_TEXT struct text held = { 0 };

	if (kind == FTW_D)
		return 0;
	if (kind != FTW_F || file_load(path, EDITS_MAX_BYTES, &held) < 0)
		text_add(&held, "(unreadable)");
	text_addf(&listing, "%s %o %zu\n", path + listing_skip,
		  (unsigned)st->st_mode & 07777, held.len);
	text_add_n(&listing, text_get(&held), held.len);
	return 0;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct argv tree_names;

static int
name_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	if (kind != FTW_D && kind != FTW_DP)
		argv_add(&tree_names, path);
	return 0;
}

/* Every file below with its mode and bytes, in order. */
static void
tree_list(const char *directory, struct text *ret)
{
	struct stat st;

	argv_done(&tree_names);
	(void)nftw(directory, name_one, 16, FTW_PHYS);
	if (tree_names.count > 0)
		qsort(tree_names.v, tree_names.count, sizeof(*tree_names.v),
		      compare_names);
	listing_skip = strlen(directory);
	for (size_t i = 0; i < tree_names.count; i++)
		if (lstat(tree_names.v[i], &st) == 0)
			(void)list_one(tree_names.v[i], &st,
				       S_ISREG(st.st_mode) ? FTW_F : FTW_SL, NULL);
	text_move(ret, &listing);
}

/* ---- peers ------------------------------------------------------------------ */

static int
run(const char *directory, const char *const *argv)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		if (chdir(directory) == 0)
			execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const char *const git_argv[] = { "git", "apply", "../diff", NULL };
static const char *const patch_argv[] = {
	"patch",	   "-p1", "--fuzz=0", "--force", "--no-backup-if-mismatch",
	"--input=../diff", NULL
};

static const struct {
	const char *name;
	const char *const *argv;
} peers[] = { { "git", git_argv }, { "patch", patch_argv } };

/* The name of the peer that reads the diff differently, or NULL. */
static const char *
compare(const char *work, const struct text *ours)
{
	AUTO_FREE char *directory = text_format("%s/peer", work);

	for (size_t i = 0; i < COUNT_OF(peers); i++) {
		AUTO_TEXT struct text theirs = { 0 };

		tree_fill(directory);
		if (run(directory, peers[i].argv) != 0)
			return peers[i].name;
		tree_list(directory, &theirs);
		if (theirs.len != ours->len ||
		    memcmp(text_get(&theirs), text_get(ours), ours->len) != 0)
			return peers[i].name;
	}
	return NULL;
}

/* 1: taken, and the result in *ret. 0: refused. */
static int
apply_ours(const char *work, const struct text *bytes, struct text *ret)
{
	AUTO_FREE char *directory = text_format("%s/ours", work);
	struct tree tree = { directory, { 0 } };
	AUTO(edit_set) struct edit_set set = EDIT_SET_INIT;
	AUTO(unified) struct unified diff = UNIFIED_INIT;
	struct diff_fault fault;
	int result = unified_parse(text_get(bytes), bytes->len, UNIFIED_ALLOW_DELETE,
				   &diff, &fault);

	if (result < 0 || diff.count == 0)
		return 0;
	tree_fill(directory);
	result = unified_apply(&diff, tree_read, &tree, &set, &fault);
	text_done(&tree.held);
	if (result < 0)
		return 0;
	if (tree_store(directory, &set) < 0) {
		printf("# storing our result failed\n");
		return 0;
	}
	tree_list(directory, ret);
	return 1;
}

static uint64_t
setting(const char *name, uint64_t preset)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : preset;
}

int
main(void)
{
	char work[] = "/tmp/fettle-peer-XXXXXX";
	uint64_t wanted = setting("DIFF_PEER_ACCEPTED", 120), tried = 0, taken = 0;
	bool is_bounded = getenv("DIFF_PEER_ACCEPTED") == NULL;
	unsigned wrong = 0;
	int64_t begin = clock_boot_ms();
	const char *const git[] = { "git", "--version", NULL };
	const char *const patch[] = { "patch", "--version", NULL };

	if (run("/", git) != 0 || run("/", patch) != 0) {
		printf("1..0 # SKIP needs git and patch\n");
		return EXIT_SUCCESS;
	}
	if (!mkdtemp(work))
		return EXIT_FAILURE;
	(void)umask(022);
	(void)setenv("GIT_CEILING_DIRECTORIES", "/tmp", 1);
	(void)setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	(void)setenv("HOME", work, 1);
	(void)setenv("LC_ALL", "C.UTF-8", 1);
	random_state = setting("DIFF_PEER_SEED", 20261121);
	printf("1..1\n");
	while (taken < wanted && tried < wanted * 100 && wrong < 20 &&
	       !(is_bounded && clock_boot_ms() - begin > SECONDS * 1000)) {
		AUTO_TEXT struct text bytes = { 0 }, ours = { 0 };
		const char *other;

		if (tried < COUNT_OF(seeds))
			text_add(&bytes, seeds[tried]);
		else
			make_diff(&bytes);
		tried++;
		if (bytes.len > MAX_DIFF)
			continue;
		int is_taken = apply_ours(work, &bytes, &ours);
		if (!is_taken && tried <= COUNT_OF(seeds)) {
			printf("# seed %d is refused\n", (int)tried - 1);
			wrong++;
		}
		if (!is_taken ||
		    tree_write(work, "diff", text_get(&bytes), bytes.len) < 0)
			continue;
		taken++;
		other = compare(work, &ours);
		if (other) {
			AUTO_FREE char *name =
				text_format("diff-peer-%u.diff", ++wrong);
			(void)tree_write(".", name, text_get(&bytes), bytes.len);
			printf("# %s reads it differently: %s\n", other, name);
		}
	}
	printf("%s 1 - git and patch read what we take as we do\n",
	       wrong ? "not ok" : "ok");
	printf("# %d diffs, %d taken and compared\n", (int)tried, (int)taken);
	argv_done(&tree_names);
	(void)nftw(work, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
