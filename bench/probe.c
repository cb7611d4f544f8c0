/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The stopwatch of `make bench`: does one thing COUNT times and prints how many
 * microseconds each took, a line each. What fails is not measured: it ends the
 * program.
 *
 *	probe run COUNT PROGRAM ARGUMENT...	a program to its end, output dropped
 *	probe memory COUNT PROGRAM ARGUMENT...	and how many KiB it had at most
 *	probe append COUNT DIR			one event of a run, durable
 *	probe sync COUNT DIR			4 KiB to the end of a file, durable
 *	probe open COUNT DIR			a new store in DIR/N
 *	probe host COUNT DIR LIB_DIR MODULE	one question to a module
 */
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "base/path.h"
#include "engine/host.h"
#include "engine/module.h"
#include "store/store.h"

static struct err err;

static int64_t
now_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void
took(int64_t began_us)
{
	printf("%lld\n", (long long)(now_us() - began_us));
}

static int
complain(const char *doing)
{
	fprintf(stderr, "probe: %s: %s\n", doing,
		err.text[0] ? err.text : strerror(errno));
	return -1;
}

/* The peak of the program itself or of one process below it, whichever is more. */
static int
run_once(char **argv, long *ret_kib)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int status = 0;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	errno = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (errno)
		return complain(argv[0]);
	struct rusage usage = { 0 };
	if (wait4(pid, &status, 0, &usage) == pid && WIFEXITED(status) &&
	    WEXITSTATUS(status) == 0) {
		*ret_kib = usage.ru_maxrss;
		return 0;
	}
	fprintf(stderr, "probe: '%s' failed (status %d)\n", argv[0], status);
	return -1;
}

static int
measure_run(unsigned count, char **argv)
{
	long kib;

	for (unsigned i = 0; i < count; i++) {
		int64_t began = now_us();
		if (run_once(argv, &kib) < 0)
			return -1;
		took(began);
	}
	return 0;
}

static int
measure_memory(unsigned count, char **argv)
{
	long kib;

	for (unsigned i = 0; i < count; i++) {
		if (run_once(argv, &kib) < 0)
			return -1;
		printf("%ld\n", kib);
	}
	return 0;
}

static int
append(struct store *store, const struct store_claim *claim, const char *kind,
       json_t *body)
{
	int rc = store_append(store, claim, "bench", kind, body, &err);
	json_decref(body);
	return rc;
}

static int
append_many(struct store *store, unsigned count)
{
	struct store_claim claim;
	char run[RUN_ID_SIZE];
	AUTO_CLOSE int lock = -1;
	AUTO(json_ref) json_t *queued = json_pack("{s:s}", "service", "api");

	if (store_queue(store, "bench", queued, run, &err) < 0 ||
	    store_claim(store, run, "bench", &claim, &lock, &err) < 0 ||
	    append(store, &claim, "run.state", json_pack("{s:s}", "state", "running")) <
		    0)
		return complain("begin a run");
	for (unsigned i = 0; i < count; i++) {
		json_t *body = json_pack("{s:s, s:s, s:s}", "step", "build", "level",
					 "info", "text", "Step 3/7 : RUN pip install");
		int64_t began = now_us();
		if (append(store, &claim, "step.note", body) < 0)
			return complain("append");
		took(began);
	}
	return 0;
}

static int
measure_append(unsigned count, char **argv)
{
	struct store *store = store_open(argv[0], STORE_WRITE, &err);
	if (!store)
		return complain("open the store");
	int rc = append_many(store, count);
	store_close(store);
	return rc;
}

static int
measure_sync(unsigned count, char **argv)
{
	static const char page[4096] = "page";
	AUTO_FREE char *name = path_join(argv[0], "sync");
	AUTO_CLOSE int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return complain(name);
	for (unsigned i = 0; i < count; i++) {
		int64_t began = now_us();
		if (file_write_all(fd, page, sizeof(page)) < 0 || fdatasync(fd) < 0)
			return complain(name);
		took(began);
	}
	return 0;
}

static int
measure_open(unsigned count, char **argv)
{
	for (unsigned i = 0; i < count; i++) {
		AUTO_FREE char *directory = x_asprintf("%s/%u", argv[0], i);
		int64_t began = now_us();
		struct store *store = store_open(directory, STORE_WRITE, &err);
		if (!store)
			return complain("open a new store");
		took(began);
		store_close(store);
	}
	return 0;
}

static int
accept_event(void *self, const json_t *event, int scratch_fd, struct err *event_err)
{
	return 0;
}

static int
measure_host(unsigned count, char **argv)
{
	AUTO(json_ref) json_t *request = json_object();
	AUTO(engine) struct engine engine = { .lib_dir = argv[1] };
	json_t *modules = json_array();
	json_array_append_new(modules, module_request(argv[2], NULL, NULL, NULL));
	json_object_set_new(request, "modules", modules);
	host_prepare(&engine);
	struct host_call call = {
		.nursery = engine.nursery,
		.state_dir = argv[0],
		.call = "describe",
		.attempt = "bench/describe/1",
		.request = request,
		.lock_fd = -1,
		.cancel_fd = -1,
		.timeout_ms = 10000,
		.event = accept_event,
	};

	for (unsigned i = 0; i < count; i++) {
		struct host_answer answer = { 0 };
		int64_t began = now_us();
		int rc = host_ask(&call, &answer, &err);
		if (rc == 0 && answer.end != HOST_ANSWERED) {
			err = answer.err;
			rc = -1;
		}
		host_answer_done(&answer);
		if (rc < 0)
			return complain("ask the module");
		took(began);
	}
	return 0;
}

static const struct {
	const char *name;
	int arguments;	/* behind the count, at least */
	int (*measure)(unsigned count, char **argv);
} measures[] = {
	{ "run", 1, measure_run },	 { "memory", 1, measure_memory },
	{ "append", 1, measure_append }, { "sync", 1, measure_sync },
	{ "open", 1, measure_open },	 { "host", 3, measure_host },
};

int
main(int argc, char **argv)
{
	uint64_t count;

	for (size_t i = 0; argc > 2 && i < ARRAY_LEN(measures); i++)
		if (str_eq(argv[1], measures[i].name) &&
		    num_u64(argv[2], &count) == 0 && argc - 3 >= measures[i].arguments)
			return measures[i].measure((unsigned)count, argv + 3) < 0
				       ? EXIT_FAILURE
				       : EXIT_SUCCESS;
	fprintf(stderr, "usage: probe run|memory|append|sync|open|host COUNT "
			"ARGUMENT...\n");
	return 2;
}
