/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Takes more than its share, or speaks out of turn: parameter `sin` says how. Most
 * of it goes around the SDK, as a hostile module would.
 */
#include "misbehave.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define CHANNEL 4

enum { SIN };

static void
say(const char *packet)
{
	if (send(CHANNEL, packet, strlen(packet), MSG_NOSIGNAL) < 0)
		_exit(9);
}

/* ---- more than its share ------------------------------------------------ */

static void
bomb_forks(struct fettle_ctx *ctx)
{
	(void)ctx;
	for (;;)
		(void)!fork();
}

/* One that does not mind what its children are told. */
static void
bomb_deaf_forks(struct fettle_ctx *ctx)
{
	for (int i = 1; i < 32; i++)
		signal(i, SIG_IGN);
	setsid();
	bomb_forks(ctx);
}

static void *
wait_for_ever(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return NULL;
}

static void
bomb_threads(struct fettle_ctx *ctx)
{
	pthread_attr_t small;
	pthread_t thread;

	(void)ctx;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 64 << 10);
	for (;;)
		if (pthread_create(&thread, &small, wait_for_ever, NULL) != 0)
			usleep(1000);
}

/* What is asked for and not touched costs nothing, and counts. */
static void
bomb_memory(struct fettle_ctx *ctx)
{
	size_t gib = (size_t)1 << 30;

	for (int i = 0; i < 1 << 20; i++)
		if (mmap(NULL, gib, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			 0) == MAP_FAILED)
			_exit(8);
	fettle_info(ctx, "there is no end to memory");
}

static void
bomb_file(struct fettle_ctx *ctx)
{
	int fd = open(getenv("TMPDIR"), O_TMPFILE | O_RDWR, 0600);
	if (fd < 0 || pwrite(fd, "x", 1, (off_t)1 << 42) < 0)
		_exit(8);
	fettle_info(ctx, "a file of 4 TiB");
}

static void
bomb_descriptors(struct fettle_ctx *ctx)
{
	while (open("/dev/null", O_RDONLY) >= 0)
		;
	char *large = calloc(1, 1 << 20);
	memset(large, 'x', (1 << 20) - 1);
	fettle_info(ctx, "%s", large);	/* it needs a file */
	_exit(8);
}

static int
recurse(int depth)
{
	volatile char frame[4096];

	frame[0] = (char)depth;
	return depth < 1 << 30 ? recurse(depth + 1) + frame[0] : 0;
}

static void
bomb_stack(struct fettle_ctx *ctx)
{
	(void)ctx;
	_exit(recurse(0) == 0);
}

/* ---- what stays ---------------------------------------------------------- */

static void
leave_daemon(struct fettle_ctx *ctx)
{
	(void)ctx;
	if (fork() > 0)
		_exit(8);
	setsid();
	if (fork() > 0)
		_exit(0);
	for (int i = 1; i < 32; i++)
		signal(i, SIG_IGN);
	for (;;)
		pause();
}

/* Ends without an answer; a child holds the log and the channel. */
static void
hold_pipes(struct fettle_ctx *ctx)
{
	(void)ctx;
	if (fork() > 0)
		_exit(8);
	signal(SIGTERM, SIG_IGN);
	for (;;)
		pause();
}

static void
stop_itself(struct fettle_ctx *ctx)
{
	(void)ctx;
	raise(SIGSTOP);
}

static void
spin(struct fettle_ctx *ctx)
{
	(void)ctx;
	for (int i = 1; i < 32; i++)
		signal(i, SIG_IGN);
	for (;;)
		;
}

/* ---- signals ------------------------------------------------------------- */

static void
signal_all(struct fettle_ctx *ctx)
{
	(void)ctx;
	for (int i = 1; i < 65; i++)
		if (i != SIGCHLD && i != SIGCONT) {
			kill(getppid(), i);
			kill(1, i);
		}
	kill(-1, SIGSTOP);
	kill(-1, SIGKILL);
	kill(0, SIGKILL);
	_exit(8);
}

/* ---- out of turn ---------------------------------------------------------- */

static void
flood_notes(struct fettle_ctx *ctx)
{
	for (;;)
		fettle_info(ctx, "I have something to say");
}

static void
flood_progress(struct fettle_ctx *ctx)
{
	(void)ctx;
	for (;;)
		say("{\"e\":\"progress\",\"done\":1,\"total\":2}");
}

static void
flood_outputs(struct fettle_ctx *ctx)
{
	char packet[100];

	(void)ctx;
	for (unsigned i = 0;; i++) {
		snprintf(packet, sizeof(packet),
			 "{\"e\":\"output\",\"name\":\"n%u\",\"value\":1}", i);
		say(packet);
	}
}

static void
say_too_much(struct fettle_ctx *ctx)
{
	size_t n = 100000;
	char *packet = malloc(n + 1);

	(void)ctx;
	memset(packet, ' ', n);
	packet[n] = '\0';
	say(packet);
}

static void
say_deep(struct fettle_ctx *ctx)
{
	size_t n = 60000;
	char *packet = malloc(n + 1);

	(void)ctx;
	memset(packet, '[', n);
	packet[n] = '\0';
	say(packet);
}

static void
say_deep_value(struct fettle_ctx *ctx)
{
	char packet[60000] = "{\"e\":\"output\",\"name\":\"text\",\"value\":";
	size_t begin = strlen(packet);

	(void)ctx;
	memset(packet + begin, '[', 20000);
	memset(packet + begin + 20000, ']', 20000);
	strcpy(packet + begin + 40000, "}");
	say(packet);
}

static void
say_nothing(struct fettle_ctx *ctx)
{
	(void)ctx;
	(void)!send(CHANNEL, "", 0, 0);
}

static void
note_in_latin(struct fettle_ctx *ctx)
{
	(void)ctx;
	say("{\"e\":\"note\",\"level\":\"info\",\"text\":\"caf\xe9\"}");
}

static void
output_in_latin(struct fettle_ctx *ctx)
{
	(void)ctx;
	say("{\"e\":\"output\",\"name\":\"text\",\"value\":\"\xff\xfe\"}");
}

static void
artifact_in_latin(struct fettle_ctx *ctx)
{
	(void)ctx;
	say("{\"e\":\"artifact\",\"name\":\"\xc0\xaf\",\"type\":\"text/plain\","
	    "\"file\":\"x\"}");
}

static void
answer_twice(struct fettle_ctx *ctx)
{
	(void)ctx;
	say("{\"e\":\"result\",\"result\":\"ok\"}");
	say("{\"e\":\"result\",\"result\":\"ok\"}");
	pause();
}

static void
answer_and_go_on(struct fettle_ctx *ctx)
{
	(void)ctx;
	say("{\"e\":\"result\",\"result\":\"ok\"}");
	say("{\"e\":\"note\",\"level\":\"info\",\"text\":\"by the way\"}");
	pause();
}

/* The true answer comes second. */
static void
answer_before(struct fettle_ctx *ctx)
{
	(void)ctx;
	say("{\"e\":\"result\",\"result\":\"ok\"}");
}

static void
answer_and_hang(struct fettle_ctx *ctx)
{
	(void)ctx;
	say("{\"e\":\"result\",\"result\":\"ok\"}");
	signal(SIGTERM, SIG_IGN);
	for (;;)
		pause();
}

static void
close_channel(struct fettle_ctx *ctx)
{
	shutdown(CHANNEL, SHUT_RDWR);
	close(CHANNEL);
	fettle_info(ctx, "does anybody hear me?");
}

/* A name that leads out of the scratch directory. */
static void
spill_elsewhere(struct fettle_ctx *ctx)
{
	(void)ctx;
	say("{\"e\":\"output\",\"name\":\"text\",\"value\":{\"spill\":{\"file\":"
	    "\"../../../etc/passwd\",\"bytes\":1,\"sha256\":\"e3b0c44298fc1c149afbf4c8"
	    "996fb92427ae41e4649b934ca495991b7852b855\"}}}");
}

#define SINS(X)                                                                        \
	X(bomb_forks) X(bomb_deaf_forks) X(bomb_threads) X(bomb_memory) X(bomb_file)   \
	X(bomb_descriptors) X(bomb_stack) X(leave_daemon) X(hold_pipes)                \
	X(stop_itself) X(spin) X(signal_all) X(flood_notes) X(flood_progress)          \
	X(flood_outputs) X(say_too_much) X(say_deep) X(say_deep_value) X(say_nothing)  \
	X(note_in_latin) X(output_in_latin) X(artifact_in_latin) X(answer_twice)       \
	X(answer_and_go_on) X(answer_before) X(answer_and_hang) X(close_channel)       \
	X(spill_elsewhere)
#define ENTRY(name) { #name, name },

static const struct {
	const char *name;
	void (*commit)(struct fettle_ctx *ctx);
} sins[] = { SINS(ENTRY) };

static const struct fettle_param params[] = {
	[SIN] = { "sin", FETTLE_STRING, FETTLE_REQUIRED, NULL, NULL, "What to do." },
};

static const struct fettle_param outputs[] = {
	{ "text", FETTLE_STRING, 0, NULL, NULL, "A text." },
};

static int
run(struct fettle_ctx *ctx)
{
	const char *sin = fettle_param_text(ctx, SIN);

	for (size_t i = 0; i < sizeof(sins) / sizeof(sins[0]); i++)
		if (strcmp(sins[i].name, sin) == 0) {
			sins[i].commit(ctx);
			return FETTLE_OK;
		}
	return fettle_error(ctx, FETTLE_WHY_INPUT, "nobody knows how to %s", sin);
}

static const struct fettle_step bomb = {
	FETTLE_STEP_HEAD,
	.name = "test/bomb",
	.version = "1.0",
	.summary = "Takes more than its share, or speaks out of turn.",
	.stage = FETTLE_BUILD,
	.params = FETTLE_TABLE(params),
	.outputs = FETTLE_TABLE(outputs),
	.run = run,
};
FETTLE_STEP(bomb)
