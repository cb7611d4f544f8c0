/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a fuzz target without libFuzzer: every seed as it is, then mutants of
 * them. A child does the work, so that a crash is a failed test with its
 * input in a file. `X-fuzz FILE...` tries files instead.
 *
 * FUZZ_ROUNDS and FUZZ_SEED choose how long and where to start. Plain C, for
 * targets are of core and of modules, and the two share nothing.
 */
#include "fuzz.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define INPUT_MAX (96u << 10)
#define ROUNDS 8000
#define HANG_SECONDS 60
#define SLOW_MS 2000

/* Shared with the child: what it was doing when it died. */
struct progress {
	uint64_t round;
	int64_t slowest_ms;
	size_t len;
	uint8_t input[INPUT_MAX];
};

static uint64_t random_state;

static size_t
pick(size_t limit)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return limit ? (size_t)(random_state >> 33) % limit : 0;
}

static size_t
count_texts(const char *const *texts)
{
	size_t count = 0;
	while (texts[count])
		count++;
	return count;
}

/* Puts n bytes at `at`, as many as there is room for. Not from the input itself. */
static void
insert(struct progress *it, size_t at, const void *bytes, size_t n)
{
	if (n > INPUT_MAX - it->len)
		n = INPUT_MAX - it->len;
	memmove(it->input + at + n, it->input + at, it->len - at);
	memcpy(it->input + at, bytes, n);
	it->len += n;
}

static void
remove_range(struct progress *it, size_t at, size_t n)
{
	memmove(it->input + at, it->input + at + n, it->len - at - n);
	it->len -= n;
}

/* A piece again and again: what is deep or long. */
static void
repeat(struct progress *it)
{
	uint8_t piece[64];
	size_t at = pick(it->len), n = 1 + pick(sizeof(piece)), times = 1 + pick(3000);

	if (n > it->len - at)
		n = it->len - at;
	memcpy(piece, it->input + at, n);
	while (times-- > 0)
		insert(it, at, piece, n);
}

static void
mutate(struct progress *it)
{
	static const uint8_t telling[] = { 0,	 1,    '\t', '\n', '\r', 27,   ' ',
					   '"',	 '\'', '*',  '/',  ':',	 '[',  ']',
					   '{',	 '}',  '$',  '\\', 127,	 0x80, 0xc0,
					   0xc2, 0xe2, 0xed, 0xef, 0xf4, 0xff };
	size_t kind = it->len > 0 ? pick(100) : 60, at = pick(it->len);

	if (kind < 15) {
		it->input[at] ^= (uint8_t)(1u << pick(8));
	} else if (kind < 30) {
		it->input[at] = telling[pick(sizeof(telling))];
	} else if (kind < 45) {
		remove_range(it, at, 1 + pick(it->len - at < 16 ? it->len - at : 16));
	} else if (kind < 80) {
		const char *word = fuzz_words[pick(count_texts(fuzz_words))];
		insert(it, pick(it->len + 1), word, strlen(word));
	} else if (kind < 90) {
		const char *other = fuzz_seeds[pick(count_texts(fuzz_seeds))];
		size_t from = pick(strlen(other));
		insert(it, at, other + from, 1 + pick(strlen(other) - from));
	} else if (kind < 97) {
		it->len = at;
	} else {
		repeat(it);
	}
}

/* The time we used ourselves: on a busy machine all takes longer. */
static int64_t
used_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
try_input(struct progress *it)
{
	/* A copy of exactly its size, so that reading beyond it is seen. */
	uint8_t *exact = malloc(it->len ? it->len : 1);
	FUZZ_CHECK(exact);
	memcpy(exact, it->input, it->len);
	int64_t start = used_ms();
	alarm(HANG_SECONDS);
	LLVMFuzzerTestOneInput(exact, it->len);
	alarm(0);
	int64_t took = used_ms() - start;
	if (took > it->slowest_ms)
		it->slowest_ms = took;
	FUZZ_CHECK(took < SLOW_MS);
	free(exact);
}

static void
run_rounds(struct progress *it, uint64_t rounds)
{
	size_t seeds = count_texts(fuzz_seeds);

	for (it->round = 0; it->round < seeds + rounds; it->round++) {
		const char *seed =
			fuzz_seeds[it->round < seeds ? it->round : pick(seeds)];
		it->len = 0;
		insert(it, 0, seed, strlen(seed));
		if (it->round >= seeds)
			for (size_t n = 1 + pick(8); n > 0; n--)
				mutate(it);
		try_input(it);
	}
}

static int
run_files(struct progress *it, char **names)
{
	for (; *names; names++) {
		FILE *file = fopen(*names, "re");
		if (!file) {
			perror(*names);
			return EXIT_FAILURE;
		}
		it->len = fread(it->input, 1, INPUT_MAX, file);
		fclose(file);
		try_input(it);
	}
	return EXIT_SUCCESS;
}

static void
save_input(const struct progress *it, const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), "%s.crash", name);
	FILE *file = fopen(path, "we");
	if (file && fwrite(it->input, 1, it->len, file) == it->len)
		printf("# the input is in %s\n", path);
	if (file)
		fclose(file);
}

static uint64_t
setting(const char *name, uint64_t preset)
{
	const char *text = getenv(name);
	return text ? strtoull(text, NULL, 10) : preset;
}

int
main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
	uint64_t rounds = setting("FUZZ_ROUNDS", ROUNDS);
	struct progress *it = mmap(NULL, sizeof(*it), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0;

	if (it == MAP_FAILED)
		return EXIT_FAILURE;
	if (argc > 1)
		return run_files(it, argv + 1);
	random_state = setting("FUZZ_SEED", 20261121);
	puts("1..1");
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		run_rounds(it, rounds);
		exit(EXIT_SUCCESS); /* not _exit: sanitizers look for leaks now */
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return EXIT_FAILURE;
	printf("%s 1 - %s: nothing breaks it\n", status ? "not ok" : "ok", name);
	printf("# %ju inputs, the slowest took %jd ms\n", (uintmax_t)it->round,
	       (intmax_t)it->slowest_ms);
	if (status) {
		printf("# it ended with wait status 0x%x\n", (unsigned)status);
		save_input(it, name);
	}
	return status ? EXIT_FAILURE : EXIT_SUCCESS;
}
