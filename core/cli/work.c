/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `fettle work`: keeps slots going, each a process of its own that carries out
 * one run and is followed by a fresh one. The worker itself holds no store: what
 * kills a slot cannot hurt it. Also `fettle workers`.
 */
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "cli/slot.h"

#define FIRST_PAUSE_MS 100 /* before a crashed slot is followed; doubles */
#define LAST_PAUSE_MS 10000

struct seat {
	pid_t pid;		/* 0: nobody sits here */
	unsigned crashes;	/* in a row */
	int64_t due_ms;		/* when the next may come */
	bool is_closed;		/* nobody comes any more */
};

struct worker {
	struct cli *cli;
	char name[64];
	int lock_fd;
	int drain[2];		/* its write end closed: the slots take nothing more */
	enum slot_mode mode;
	struct seat *seats;
	size_t seat_count;
	unsigned stops;		/* how often somebody asked us to end */
	bool has_worked;
};

static void
worker_done(struct worker *worker)
{
	auto_close(&worker->lock_fd);
	auto_close(&worker->drain[0]);
	auto_close(&worker->drain[1]);
	free(worker->seats);
}

/* ---- slots ---- */

static void
seat_fill(struct worker *worker, struct seat *seat)
{
	const struct slot slot = { .worker = worker->name,
				   .mode = worker->mode,
				   .drain_fd = worker->drain[0] };
	pid_t pid = fork();

	if (pid > 0) {
		seat->pid = pid;
		return;
	}
	if (pid < 0) {
		log_warn("start a slot: %s", strerror(errno));
		seat->due_ms = clock_boot_ms() + LAST_PAUSE_MS;
		return;
	}
	/* The worker's life is not ours; its end of the pipe says when it is over. */
	auto_close(&worker->lock_fd);
	auto_close(&worker->drain[1]);
	exit(slot_main(worker->cli, &slot));
}

static int64_t
pause_ms(unsigned crashes)
{
	int64_t pause = FIRST_PAUSE_MS;

	for (unsigned i = 1; i < crashes && pause < LAST_PAUSE_MS; i++)
		pause *= 2;
	return pause < LAST_PAUSE_MS ? pause : LAST_PAUSE_MS;
}

static void
seat_crashed(struct seat *seat, int status)
{
	int64_t pause = pause_ms(++seat->crashes);
	char took[32];

	num_format_ms((uint64_t)pause, took);
	if (WIFSIGNALED(status))
		log_warn("a slot (pid %d) was ended by signal %d; another in %s",
			 (int)seat->pid, WTERMSIG(status), took);
	else
		log_warn("a slot (pid %d) ended with status %d; another in %s",
			 (int)seat->pid, WEXITSTATUS(status), took);
	seat->due_ms = clock_boot_ms() + pause;
}

static void
seat_empty(struct worker *worker, struct seat *seat, int status)
{
	bool has_worked = WIFEXITED(status) && WEXITSTATUS(status) == SLOT_WORKED;
	bool was_idle = WIFEXITED(status) && WEXITSTATUS(status) == SLOT_IDLE;

	if (has_worked || was_idle)
		seat->crashes = 0;
	else
		seat_crashed(seat, status);
	seat->pid = 0;
	worker->has_worked |= has_worked;
	/* One that was idle came to the end of what there is to wait for. */
	seat->is_closed |= was_idle || worker->mode == SLOT_ONCE;
}

static void
reap(struct worker *worker)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < worker->seat_count; i++)
			if (worker->seats[i].pid == pid)
				seat_empty(worker, &worker->seats[i], status);
}

/* Fills the seats that are due. False when all are empty for good. */
static bool
fill(struct worker *worker, int64_t *ret_wait_ms)
{
	int64_t now = clock_boot_ms();
	bool is_open = false;

	*ret_wait_ms = LAST_PAUSE_MS;
	for (size_t i = 0; i < worker->seat_count; i++) {
		struct seat *seat = &worker->seats[i];
		bool is_closed = seat->is_closed || worker->stops > 0;

		if (!seat->pid && !is_closed && seat->due_ms <= now)
			seat_fill(worker, seat);
		if (!seat->pid && !is_closed && seat->due_ms - now < *ret_wait_ms)
			*ret_wait_ms = seat->due_ms - now;
		is_open |= seat->pid || !is_closed;
	}
	return is_open;
}

/* ---- the worker ---- */

static size_t
busy(const struct worker *worker)
{
	size_t n = 0;

	for (size_t i = 0; i < worker->seat_count; i++)
		n += worker->seats[i].pid != 0;
	return n;
}

static void
stop(struct worker *worker)
{
	if (worker->stops++ == 0) {
		auto_close(&worker->drain[1]);
		log_warn("runs that are going on come to their end first; a second "
			 "signal cancels them");
		return;
	}
	if (worker->stops == 2)
		log_warn("cancelling %zu slot%s: what was changed is put back",
			 busy(worker), busy(worker) == 1 ? "" : "s");
	for (size_t i = 0; i < worker->seat_count; i++)
		if (worker->seats[i].pid)
			(void)kill(worker->seats[i].pid, SIGUSR1);
}

static void
supervise(struct worker *worker, const sigset_t *signals)
{
	int64_t wait_ms;

	while (fill(worker, &wait_ms)) {
		struct timespec wait = { .tv_sec = wait_ms / 1000,
					 .tv_nsec = wait_ms % 1000 * 1000000 };
		int number = sigtimedwait(signals, NULL, &wait);

		if (number == SIGTERM || number == SIGINT)
			stop(worker);
		reap(worker);
	}
}

/* So that it can be listed; the store is closed again before the first fork. */
static int
enrol(struct worker *worker, struct err *err)
{
	struct cli *cli = worker->cli;
	char host[40] = "localhost";

	(void)gethostname(host, sizeof(host) - 1);
	(void)snprintf(worker->name, sizeof(worker->name), "%s/%d", host,
		       (int)getpid());
	if (cli_open_store(cli, STORE_WRITE, err) < 0 ||
	    store_worker_add(cli->store, worker->name, (uint32_t)worker->seat_count,
			     &worker->lock_fd, err) < 0)
		return -1;
	cli_close_store(cli);
	return 0;
}

static void
leave(struct worker *worker)
{
	struct err err;

	/* Who stays in the list without its lock is known to be dead. */
	if (cli_open_store(worker->cli, STORE_WRITE, &err) < 0 ||
	    store_worker_remove(worker->cli->store, worker->name, &err) < 0)
		log_err(&err);
}

/* From here on they are waited for, in supervise. */
static void
block_signals(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGINT);
	sigaddset(ret, SIGHUP); /* nobody watches any more: work goes on */
	sigaddset(ret, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, ret, NULL);
}

int
verb_work(struct cli *cli)
{
	const struct options *options = &cli->options;
	AUTO(worker) struct worker worker = {
		.cli = cli,
		.lock_fd = -1,
		.drain = { -1, -1 },
		.mode = options->once  ? SLOT_ONCE :
			options->drain ? SLOT_DRAIN :
					 SLOT_STAY,
		.seat_count = options->slots && !options->once ? options->slots : 1,
	};
	sigset_t signals;
	struct err err;

	if (options->once && (options->drain || options->slots > 1))
		return cli_misuse(cli, "work", "--once takes one run: it goes neither "
					       "with --drain nor with several slots");
	worker.seats = x_calloc(worker.seat_count, sizeof(*worker.seats));
	log_go_live();
	if (pipe2(worker.drain, O_CLOEXEC) < 0) {
		(void)err_errno(&err, "host.pipe", "make a pipe for the slots");
		return cli_fail(cli, &err, EXIT_REFUSED);
	}
	if (enrol(&worker, &err) < 0)
		return cli_fail(cli, &err, EXIT_REFUSED);
	block_signals(&signals);
	supervise(&worker, &signals);
	leave(&worker);
	return worker.mode == SLOT_ONCE && !worker.has_worked ? EXIT_NO_WORK :
								EXIT_DONE;
}

/* ---- listing ---- */

static void
add_worker(struct table *table, const json_t *worker)
{
	const json_t *runs = json_object_get(worker, "runs");
	AUTO(str) struct str text = STR_INIT;
	json_t *run;
	char since[32];
	size_t i;

	json_array_foreach (runs, i, run)
		str_addf(&text, "%s%s", i ? " " : "", json_string_value(run));
	table_add(table, TONE_STRONG, json_text(worker, "name"));
	table_addf(table, TONE_PLAIN, "%zu of %lld", json_array_size(runs),
		   (long long)json_int_or(worker, "slots", 0));
	table_add(table, TONE_DIM,
		  time_local(json_int_or(worker, "started_ms", 0), since));
	table_add(table, TONE_PLAIN, text.len ? str_get(&text) : "-");
}

static void
print_workers(struct cli *cli, const json_t *workers)
{
	static const char *const heads[] = { "WORKER", "BUSY", "SINCE", "RUNS" };
	AUTO(table) struct table table = { .columns = ARRAY_LEN(heads) };
	AUTO(str) struct str text = STR_INIT;
	json_t *worker;
	size_t i;

	for (i = 0; i < ARRAY_LEN(heads); i++)
		table_add(&table, TONE_DIM, heads[i]);
	json_array_foreach (workers, i, worker) {
		add_worker(&table, worker);
		if (cli->options.quiet)
			str_addf(&text, "%s\n", json_text(worker, "name"));
	}
	if (!cli->options.quiet && i)
		table_print(&table, &cli->out, &text, 0);
	else if (!cli->options.quiet)
		str_add(&text, "no worker is running: `fettle work` starts one\n");
	out_write(&cli->out, &text);
}

int
verb_workers(struct cli *cli)
{
	AUTO(json_ref) json_t *workers = NULL;
	struct err err;

	if (!cli_has_store(cli))
		workers = json_array();
	else if (cli_open_store(cli, STORE_READ, &err) < 0 ||
		 !(workers = store_workers(cli->store, &err)))
		return cli_fail(cli, &err, EXIT_USAGE);
	if (cli->options.json)
		out_json(&cli->out, workers);
	else
		print_workers(cli, workers);
	return EXIT_DONE;
}
