/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks fettle-host one question, as the engine does. */
#include "base/base.h"
#include "ask.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/path.h"
#include "unit.h"
#include "wire/event.h"
#include "wire/request.h"
#include "wire/start.h"

#define NOBODY 65534
#define LOG_KEPT_BYTES 65536

/* ---- the host's side --------------------------------------------------- */

#define FIRST_ARGUMENT                                                                 \
	(offsetof(struct seccomp_data, args[0]) +                                      \
	 (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0))

/*
 * As the seccomp filter of a container does, or as an old kernel: a call, when its
 * first argument has one of these bits.
 */
static void
refuse_call(int number, uint32_t bits, int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIRST_ARGUMENT),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, bits ? 1 : 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_LEN(code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(125);
}

/* Whose children the hosts are is this process, as the engine's are the engine's. */
static _Noreturn void
become_nursery(const struct question *question, int channel)
{
	char *const argv[] = { (char *)TEST_HOST, (char *)"--nursery", NULL };
	char *const env[] = { (char *)"FETTLE_ATTEMPT="
				      "                                              "
				      "                                              ",
			      (char *)"LD_DEBUG_OUTPUT=/nowhere", NULL };

	if (dup2(channel, 64) < 0 || dup2(64, 3) < 0 ||
	    dup2(open("/dev/null", O_RDWR | O_CLOEXEC), 0) < 0)
		_exit(125);
	if (!(question->flags & ASK_WITH_STRAYS))
		close_range(4, ~0u, 0);
	if (question->flags & ASK_AS_NOBODY)
		if (setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
			_exit(125);
	if (question->flags & ASK_WITHOUT_NAMESPACES) {
		refuse_call(SYS_unshare, 0, EPERM);
		refuse_call(SYS_clone, CLONE_NEWPID | CLONE_NEWNS, EPERM);
	}
	if (question->flags & ASK_WITHOUT_NOVELTIES) {
		refuse_call(SYS_pidfd_open, 0, ENOSYS);
		refuse_call(SYS_close_range, 0, ENOSYS);
	}
	execve(TEST_HOST, argv, env);
	_exit(125);
}

struct host_process {
	pid_t nursery, pid;
};

static struct host_process
start_host(const struct question *question, const struct start *start)
{
	struct host_process process;
	struct err err;
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends),
			 0);
	process.nursery = fork();
	if (process.nursery == 0)
		become_nursery(question, ends[1]);
	ck_assert_int_gt(process.nursery, 0);
	close(ends[1]);
	ck_assert_int_eq(start_send(ends[0], start, &err), 0);
	ck_assert_int_eq(start_await_reply(ends[0], &process.pid, &err), 0);
	close(ends[0]);
	return process;
}

/* At the end of its channel it ends by itself. */
static void
await_nursery(pid_t nursery)
{
	int status = -1;

	ck_assert_int_eq(waitpid(nursery, &status, 0), nursery);
	ck_assert_int_eq(status, 0);
}

/* ---- the engine's side ------------------------------------------------- */

char *
ask_module_path(const char *name)
{
	if (name[0] == '/')
		return x_strdup(name);
	return x_asprintf("%s/%s/%s.so", TEST_MODULES,
			  strchr(name, '/') ? "plugins" : "policies", name);
}

static json_t *
request_modules(const struct question *question)
{
	json_t *modules = json_array();

	for (size_t i = 0; i < ARRAY_LEN(question->modules) && question->modules[i];
	     i++) {
		AUTO_FREE char *path = ask_module_path(question->modules[i]);
		json_t *module = json_pack("{s:s}", "path", path);

		if (i == 0 && question->sha256)
			json_object_set_new(module, "sha256",
					    json_string(question->sha256));
		if (i == 0 && question->params)
			json_object_set(module, "params", question->params);
		if (i == 0 && question->unknown)
			json_object_set(module, "unknown", question->unknown);
		json_array_append_new(modules, module);
	}
	return modules;
}

static json_t *
build_request(const struct question *question, const char *scratch)
{
	json_t *request = json_pack(
		"{s:i, s:s, s:o, s:s, s:s, s:s, s:i, s:s?, s:s, s:I, s:{s:i, s:s}}",
		"fettle", 1, "call", question->call, "modules",
		request_modules(question), "run", "RUN", "step", "step", "operation",
		"operation-1", "attempt", 1, "workspace", question->workspace,
		"scratch", scratch, "deadline_ms",
		(json_int_t)(question->time_ms ? clock_boot_ms() + question->time_ms :
						 0),
		"jail", "flags", question->jail_flags, "minimum",
		question->minimum ? question->minimum : "basic");

	if (question->each_ms)
		json_object_set_new(request, "each_ms",
				    json_integer(question->each_ms));
	if (question->facts)
		json_object_set(request, "facts", question->facts);
	if (question->env)
		json_object_set(request, "env", question->env);
	if (question->proposal)
		json_object_set(request, "proposal", question->proposal);
	return request;
}

struct channel {
	int events, log, pidfd, scratch;
	pid_t pid;
};

static void
take_events(const struct channel *channel, struct answer *answer)
{
	json_t *event;
	struct err err;
	int got;

	while ((got = event_receive(channel->events, channel->scratch, &event, &err)) !=
	       0) {
		if (got > 0)
			json_array_append_new(answer->events, event);
		else if (str_eq(err.code, "event.closed"))
			return;
		else
			answer->garbage_count++;
	}
}

static void
take_log(const struct channel *channel, struct answer *answer)
{
	char bytes[65536];
	ssize_t n;

	while ((n = read(channel->log, bytes, sizeof(bytes))) > 0) {
		size_t room = LOG_KEPT_BYTES - answer->log.len;

		answer->log_bytes += (size_t)n;
		str_add_n(&answer->log, bytes, (size_t)n < room ? (size_t)n : room);
	}
}

/* Until the host has ended; nobody waits for the end of the log. */
static void
follow(const struct question *question, const struct channel *channel,
       struct answer *answer)
{
	int64_t begin = clock_boot_ms(), since = begin;
	bool is_termed = !question->term_after_ms, is_killed = !question->kill_after_ms;
	bool is_waiting = question->await_log;
	struct pollfd fds[] = { { .fd = channel->pidfd, .events = POLLIN },
				{ .fd = channel->events, .events = POLLIN },
				{ .fd = channel->log, .events = POLLIN } };

	while (!(fds[0].revents & POLLIN)) {
		int64_t passed = clock_boot_ms() - since;

		if (is_waiting && strstr(str_get(&answer->log), question->await_log)) {
			is_waiting = false;
			since = clock_boot_ms();
			continue;
		}
		if (!is_waiting && !is_termed && passed >= question->term_after_ms)
			is_termed = kill(channel->pid, SIGTERM) == 0;
		if (!is_waiting && !is_killed && passed >= question->kill_after_ms)
			is_killed = kill(channel->pid, SIGKILL) == 0;
		/* A stream that has ended would be ready for ever. */
		if (fds[1].revents & (POLLHUP | POLLERR))
			fds[1].fd = -1;
		if (fds[2].revents & (POLLHUP | POLLERR))
			fds[2].fd = -1;
		poll(fds, 3, 20);
		take_events(channel, answer);
		take_log(channel, answer);
	}
	while (waitpid(channel->pid, &answer->status, 0) < 0 && errno == EINTR)
		;
	take_events(channel, answer);
	take_log(channel, answer);
	answer->took_ms = clock_boot_ms() - begin;
}

struct answer
ask(const struct question *question)
{
	static unsigned serial;
	struct answer answer = { .events = json_array(), .log = STR_INIT };
	AUTO_FREE char *scratch = unit_directory();
	AUTO(json_ref) json_t *request = build_request(question, scratch);
	AUTO(json_ref) json_t *none = json_object();
	int channel_ends[2], log_ends[2];
	struct channel channel;
	struct err err;

	if (question->flags & ASK_AS_NOBODY)
		ck_assert_int_eq(chown(scratch, NOBODY, NOBODY), 0);
	snprintf(answer.attempt, sizeof(answer.attempt), "test/%d/%u", getpid(),
		 serial++);
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel_ends), 0);
	ck_assert_int_eq(pipe2(log_ends, O_CLOEXEC), 0);
	fcntl(log_ends[0], F_SETFL, O_NONBLOCK);

	struct start start = { .fds = {
		[START_LOG] = log_ends[1],
		[START_REQUEST] = request_seal("request", request, &err),
		[START_EVENTS] = channel_ends[1],
		[START_SECRETS] = request_seal(
			"secrets", question->secrets ? question->secrets : none, &err),
		[START_LOCK] = question->flags & ASK_WITH_LOCK ?
				       open("/dev/zero", O_RDONLY | O_CLOEXEC) :
				       -1,
	} };
	snprintf(start.attempt, sizeof(start.attempt), "%s", answer.attempt);
	struct host_process process = start_host(question, &start);
	start_close(&start);
	channel = (struct channel){ channel_ends[0], log_ends[0],
				    pidfd_open(process.pid, 0),
				    path_open_dir(scratch, &err), process.pid };
	ck_assert_int_ge(channel.pidfd, 0);

	follow(question, &channel, &answer);
	await_nursery(process.nursery);
	close(channel.events);
	close(channel.log);
	close(channel.pidfd);
	close(channel.scratch);
	unit_remove(scratch);
	return answer;
}

void
answer_done(struct answer *answer)
{
	json_decref(answer->events);
	str_done(&answer->log);
}

/* ---- short cuts -------------------------------------------------------- */

struct answer
ask_run(const char *module)
{
	return ask(&(struct question){ .call = "run", .modules = { module } });
}

void
ask_write_file(const char *directory, const char *name, const char *text)
{
	AUTO_FREE char *path = path_join(directory, name);
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

char *
ask_workspace(void)
{
	char *workspace = unit_directory();
	AUTO_FREE char *link = path_join(workspace, "link.txt");

	ask_write_file(workspace, "a.txt", "old\n");
	ask_write_file(workspace, "gone.txt", "going\n");
	ck_assert_int_eq(symlink("a.txt", link), 0);
	ck_assert_int_eq(chmod(workspace, 0755), 0);
	return workspace;
}

/* ---- looking at an answer ---------------------------------------------- */

const json_t *
answer_event(const struct answer *answer, const char *kind, size_t i)
{
	size_t n;
	json_t *event;

	json_array_foreach (answer->events, n, event)
		if (str_eq(json_text(event, "e"), kind) && i-- == 0)
			return event;
	return NULL;
}

size_t
answer_count(const struct answer *answer, const char *kind)
{
	size_t count = 0;

	while (answer_event(answer, kind, count))
		count++;
	return count;
}

const char *
answer_output(const struct answer *answer, const char *name)
{
	const json_t *event;

	for (size_t i = 0; (event = answer_event(answer, "output", i)); i++)
		if (str_eq(json_text(event, "name"), name))
			return json_text(event, "value");
	return "";
}

const char *
answer_result(const struct answer *answer)
{
	return json_text(answer_event(answer, "result", 0), "result");
}

const char *
answer_code(const struct answer *answer)
{
	return json_text(answer_event(answer, "result", 0), "code");
}

const char *
answer_level(const struct answer *answer)
{
	return json_text(answer_event(answer, "jail", 0), "level");
}

/* ---- who is left ------------------------------------------------------- */

static bool
belongs_to(const char *pid, const char *attempt)
{
	AUTO_FREE char *path = x_asprintf("/proc/%s/environ", pid);
	AUTO_FREE char *wanted = x_asprintf("FETTLE_ATTEMPT=%s", attempt);
	AUTO_FREE char *variables = NULL;
	struct err err;
	size_t len;

	if (file_read(path, 1u << 20, &variables, &len, &err) < 0)
		return false;
	for (size_t i = 0; i < len; i += strlen(variables + i) + 1)
		if (str_eq(variables + i, wanted))
			return true;
	return false;
}

static size_t
count_survivors(const char *attempt)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	size_t count = 0;

	while ((entry = readdir(proc)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			count += belongs_to(entry->d_name, attempt);
	closedir(proc);
	return count;
}

size_t
ask_survivors(const char *attempt)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	int64_t end = clock_boot_ms() + 2000;

	while (count_survivors(attempt) > 0 && clock_boot_ms() < end)
		nanosleep(&pause, NULL);
	return count_survivors(attempt);
}

bool
ask_died(const struct answer *answer)
{
	return answer_result(answer)[0] == '\0' && ask_survivors(answer->attempt) == 0;
}
