/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a fettle and kills one process of its tree, or all of it, when a process
 * of a role enters the N-th of the system calls asked for. It sees every process
 * of the tree, so it also says which of them outlive the command.
 *
 *	engine --exec--> nursery		roles, by who forked whom
 *	   `- outer --> init --> module --exec--> program
 *
 * strace can inject a kill as well, but counts calls by thread and knows no roles.
 */
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"

#define LEAVE_MS 2000	/* a tree that is still there after so long has outlived it */
#define TICK_MS 10
#define OPTIONS                                                                    \
	(PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |          \
	 PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)

enum role { ENGINE, NURSERY, OUTER, INIT, MODULE, PROGRAM, ROLES, UNKNOWN = ROLES };

static const char *const role_names[] = { "engine", "nursery", "outer",	 "init",
					  "module", "program", "any" };

/* What changes something outside of the process; pages of the store apart. */
static const long mutating[] = {
	SYS_write,	 SYS_writev,	SYS_renameat2,	SYS_unlinkat,  SYS_linkat,
	SYS_mkdirat,	 SYS_fsync,	SYS_fdatasync,	SYS_ftruncate, SYS_fchmod,
	SYS_fchown,	 SYS_fallocate, SYS_sendto,	SYS_sendmsg,   SYS_clone,
	SYS_clone3,	 SYS_execve,	SYS_mount,	SYS_unshare,   SYS_kill,
	SYS_exit_group,	 SYS_symlinkat, SYS_utimensat,
#ifdef SYS_rename
	SYS_rename,	 SYS_unlink,	SYS_link,	SYS_mkdir,     SYS_rmdir,
	SYS_fork,	 SYS_vfork,	SYS_chmod,	SYS_chown,
#endif
};
static const long pages[] = { SYS_pwrite64 };

static const struct {
	const char *name;
	const long *calls;
	size_t count; /* 0: all there are */
} classes[] = {
	{ "any", NULL, 0 },
	{ "mutating", mutating, ARRAY_LEN(mutating) },
	{ "pages", pages, ARRAY_LEN(pages) },
};

struct process {
	pid_t pid;	/* 0: the place is free */
	enum role role;
	bool is_held;	/* stopped at birth, until its parent's event names it */
};

struct watch {
	enum role role;
	size_t class;
	uint64_t at;	/* 0: at none */
	uint64_t after_ms; /* kills the command so long after its start; 0: not */
	bool kills_all;
	struct process *v;
	size_t room, alive;
	pid_t root;
	int root_status;
	uint64_t seen;
	bool has_killed;
	long call;	/* at which it killed; -1: at none */
	enum role victim;
	int64_t begun_ms, since_ms, gone_ms; /* since: the kill, or the command's end */
};

/* ---- processes --------------------------------------------------------- */

static struct process *
find(struct watch *w, pid_t pid)
{
	for (size_t i = 0; i < w->room; i++)
		if (w->v[i].pid == pid)
			return &w->v[i];
	return NULL;
}

static struct process *
add(struct watch *w, pid_t pid)
{
	struct process *process = find(w, 0);

	if (!process) {
		w->v = x_realloc(w->v, w->room + 1, sizeof(*w->v));
		process = &w->v[w->room++];
	}
	*process = (struct process){ .pid = pid, .role = UNKNOWN };
	w->alive++;
	return process;
}

/* A namespace of its own shows as a second number of the process. */
static bool
is_in_namespace(pid_t pid)
{
	AUTO_FREE char *path = x_asprintf("/proc/%d/status", (int)pid);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[4096];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return false;
	text[n] = '\0';
	const char *line = strstr(text, "\nNSpid:\t");
	return line && strchr(line + 8, '\t') &&
	       strchr(line + 8, '\t') < strchr(line + 1, '\n');
}

/* A worker forks its slots, which are engines; what is to be a program, no engine. */
static enum role
role_of_child(enum role parent, int event, pid_t child)
{
	switch (parent) {
	case ENGINE:
		return event == PTRACE_EVENT_VFORK ? NURSERY : ENGINE;
	case NURSERY:
		return OUTER;
	case OUTER:
		return is_in_namespace(child) ? INIT : MODULE;
	case INIT:
	case MODULE:
		return MODULE;
	case PROGRAM:
	case UNKNOWN:
		break;
	}
	return PROGRAM;
}

static void
resume(const struct watch *w, const struct process *process, int signal)
{
	bool is_watched = w->role == ROLES || process->role == w->role;

	(void)ptrace(is_watched && !w->has_killed ? PTRACE_SYSCALL : PTRACE_CONT,
		     process->pid, NULL, (long)signal);
}

static void
name_child(struct watch *w, enum role parent, int event, pid_t pid)
{
	struct process *child = find(w, pid);

	if (!child)
		child = add(w, pid);
	child->role = role_of_child(parent, event, pid);
	if (child->is_held) {
		child->is_held = false;
		resume(w, child, 0);
	}
}

/* ---- the kill ---------------------------------------------------------- */

static bool
is_counted(const struct watch *w, long call)
{
	if (classes[w->class].count == 0)
		return true;
	for (size_t i = 0; i < classes[w->class].count; i++)
		if (classes[w->class].calls[i] == call)
			return true;
	return false;
}

static void
kill_all(const struct watch *w)
{
	for (size_t i = 0; i < w->room; i++)
		if (w->v[i].pid > 0)
			(void)kill(w->v[i].pid, SIGKILL);
}

static void
kill_one(struct watch *w, pid_t pid, enum role role)
{
	w->has_killed = true;
	w->victim = role;
	w->since_ms = clock_boot_ms();
	if (w->kills_all)
		kill_all(w);
	else
		(void)kill(pid, SIGKILL);
}

/* A process that is killed while it stands at the entry of a call does not make it. */
static void
at_call(struct watch *w, const struct process *process)
{
	struct __ptrace_syscall_info info = { 0 };

	if (w->has_killed ||
	    ptrace(PTRACE_GET_SYSCALL_INFO, process->pid, sizeof(info), &info) < 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY ||
	    !is_counted(w, (long)info.entry.nr) || ++w->seen != w->at)
		return;
	w->call = (long)info.entry.nr;
	kill_one(w, process->pid, process->role);
}

static void
at_tick(struct watch *w)
{
	if (w->after_ms > 0 && w->root > 0 && !w->has_killed &&
	    clock_boot_ms() - w->begun_ms >= (int64_t)w->after_ms)
		kill_one(w, w->root, ENGINE);
}

/* ---- stops ------------------------------------------------------------- */

static void
at_exec(struct process *process)
{
	/* The nursery is the one program that the engine starts. */
	if (process->role == MODULE || process->role == UNKNOWN)
		process->role = PROGRAM;
}

static void
at_stop(struct watch *w, pid_t pid, int status)
{
	struct process *process = find(w, pid);
	int event = status >> 16, signal = WSTOPSIG(status);
	unsigned long child = 0;

	if (!process) {
		/* It was born before we heard of it, perhaps after all were killed. */
		add(w, pid)->is_held = true;
		if (w->has_killed && w->kills_all)
			(void)kill(pid, SIGKILL);
		return;
	}
	if (signal == (SIGTRAP | 0x80)) {
		at_call(w, process);
		signal = 0;
	} else if (event == PTRACE_EVENT_STOP) {
		if (signal != SIGTRAP) {
			(void)ptrace(PTRACE_LISTEN, pid, NULL, NULL);
			return;
		}
		signal = 0;
	} else if (event) {
		if (event == PTRACE_EVENT_EXEC)
			at_exec(process);
		else if (ptrace(PTRACE_GETEVENTMSG, pid, NULL, &child) == 0)
			name_child(w, process->role, event, (pid_t)child);
		process = find(w, pid);
		signal = 0;
	}
	resume(w, process, signal);
}

static void
at_end(struct watch *w, pid_t pid, int status)
{
	struct process *process = find(w, pid);

	if (process) {
		process->pid = 0;
		w->alive--;
	}
	w->gone_ms = clock_boot_ms();
	if (pid != w->root)
		return;
	w->root = 0;
	w->root_status = WIFEXITED(status) ? WEXITSTATUS(status) :
					     128 + WTERMSIG(status);
	w->since_ms = clock_boot_ms();
}

/* Until all have ended, or the command has and the rest had its time. */
static void
follow(struct watch *w)
{
	while (w->alive > 0) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL);

		at_tick(w);
		if (w->root == 0 && clock_boot_ms() - w->since_ms > LEAVE_MS)
			return;
		if (pid < 0 && errno == ECHILD)
			return;
		if (pid < 0)
			continue;
		if (WIFSTOPPED(status))
			at_stop(w, pid, status);
		else
			at_end(w, pid, status);
	}
}

/* ---- beginning and end ------------------------------------------------- */

static void
wake_up(int signal)
{
	(void)signal; /* waitpid() returns, which is all that is wanted */
}

static int
start(struct watch *w, char **argv)
{
	struct sigaction action = { .sa_handler = wake_up };
	struct itimerval tick = { { 0, TICK_MS * 1000 }, { 0, TICK_MS * 1000 } };
	int ends[2];
	char go;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		if (read(ends[0], &go, 1) == 1)
			execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || ptrace(PTRACE_SEIZE, pid, NULL, (long)OPTIONS) < 0)
		return -1;
	w->root = pid;
	w->begun_ms = clock_boot_ms();
	add(w, pid)->role = ENGINE;
	/* Only a seized process that is stopped can be asked for its calls. */
	(void)ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &tick, NULL);
	return write(ends[1], "", 1) == 1 ? 0 : -1;
}

/* One line that a shell can read. */
static int
report(const struct watch *w, const char *file)
{
	FILE *out = fopen(file, "we");

	if (!out)
		return -1;
	fprintf(out, "seen=%llu victim=%s at=%ld left=%zu gone_ms=%lld took_ms=%lld\n",
		(unsigned long long)w->seen,
		w->has_killed ? role_names[w->victim] : "", w->call, w->alive,
		(long long)(w->gone_ms - w->since_ms),
		(long long)(w->gone_ms - w->begun_ms));
	for (size_t i = 0; i < w->room; i++)
		if (w->v[i].pid)
			fprintf(stderr, "kill-at: left: %s, pid %d\n",
				role_names[w->v[i].role], (int)w->v[i].pid);
	return fclose(out);
}

static int
usage(void)
{
	fputs("usage: kill-at [-r ROLE] [-c any|mutating|pages] [-n N | -t MS] [-a] "
	      "-o REPORT PROGRAM [ARGUMENT]...\n"
	      "-r engine|nursery|outer|init|module|program|any: whose calls count\n"
	      "-t kills the command so many ms after its start\n"
	      "-a kills all processes at once, not only that one\n",
	      stderr);
	return 99;
}

static bool
find_name(const char *name, size_t *ret, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(name, names[i])) {
			*ret = i;
			return true;
		}
	return false;
}

int
main(int argc, char **argv)
{
	const char *const class_names[] = { classes[0].name, classes[1].name,
					    classes[2].name };
	struct watch w = { .role = ENGINE, .class = 1, .call = -1 };
	const char *file = NULL;
	bool is_good = true;
	size_t role;
	int option;

	while ((option = getopt(argc, argv, "+r:c:n:t:ao:")) != -1) {
		if (option == 'r' && find_name(optarg, &role, role_names, ROLES + 1))
			w.role = (enum role)role;
		else if (option == 'c')
			is_good &= find_name(optarg, &w.class, class_names,
					     ARRAY_LEN(class_names));
		else if (option == 'n')
			is_good &= num_u64(optarg, &w.at) == 0;
		else if (option == 't')
			is_good &= num_u64(optarg, &w.after_ms) == 0;
		else if (option == 'a')
			w.kills_all = true;
		else if (option == 'o')
			file = optarg;
		else
			is_good = false;
	}
	if (!is_good || !file || optind == argc)
		return usage();
	if (start(&w, argv + optind) < 0) {
		perror("kill-at");
		return 99;
	}
	follow(&w);
	if (report(&w, file) < 0) {
		perror(file);
		return 99;
	}
	kill_all(&w);
	return w.root_status;
}
