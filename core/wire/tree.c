/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The processes below this one. */
#include "base/base.h"
#include "wire/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/num.h"
#include "base/path.h"

#define CHILDREN_MAX_BYTES (1u << 20)

struct process {
	pid_t pid, parent;
	bool is_below;
};

struct table {
	struct process *v;
	size_t count;
};

static void
table_done(struct table *table)
{
	free(table->v);
}

void
pids_done(struct pids *pids)
{
	free(pids->v);
}

static void
pids_add(struct pids *pids, pid_t pid)
{
	pids->v = x_realloc(pids->v, pids->count + 1, sizeof(*pids->v));
	pids->v[pids->count++] = pid;
}

static bool
pids_has(const struct pids *pids, pid_t pid)
{
	for (size_t i = 0; pids && i < pids->count; i++)
		if (pids->v[i] == pid)
			return true;
	return false;
}

/* The fourth field of /proc/PID/stat; the second, in brackets, may hold anything. */
static pid_t
parent_of(int proc, const char *pid)
{
	AUTO_FREE char *name = x_asprintf("%s/stat", pid);
	AUTO_CLOSE int fd = openat(proc, name, O_RDONLY | O_CLOEXEC);
	char stat[512];
	ssize_t n = fd < 0 ? -1 : read(fd, stat, sizeof(stat) - 1);
	char *end;

	if (n <= 0)
		return -1;
	stat[n] = '\0';
	end = strrchr(stat, ')');
	return end && strlen(end) > 4 ? (pid_t)strtol(end + 4, NULL, 10) : -1;
}

static bool
is_own_proc(void)
{
	char link[32] = "";
	uint64_t pid;

	return readlink("/proc/self", link, sizeof(link) - 1) > 0 &&
	       num_u64(link, &pid) == 0 && pid == (uint64_t)getpid();
}

static int
table_load(struct table *table)
{
	DIR *proc = is_own_proc() ? opendir("/proc") : NULL;
	struct dirent *entry;
	uint64_t pid;

	if (!proc)
		return -1;
	while ((entry = readdir(proc))) {
		if (num_u64(entry->d_name, &pid) < 0)
			continue;
		table->v = x_realloc(table->v, table->count + 1, sizeof(*table->v));
		table->v[table->count++] = (struct process){
			.pid = (pid_t)pid,
			.parent = parent_of(dirfd(proc), entry->d_name),
		};
	}
	closedir(proc);
	return 0;
}

static bool
is_child_of_marked(const struct table *table, pid_t parent)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->v[i].pid == parent)
			return table->v[i].is_below;
	return false;
}

/* Marks our descendants, except the children in `keep` and what is below those. */
static size_t
table_mark(struct table *table, const struct pids *keep)
{
	size_t marked = 0, before;

	do {
		before = marked;
		for (size_t i = 0; i < table->count; i++) {
			struct process *process = &table->v[i];

			if (process->is_below || pids_has(keep, process->pid))
				continue;
			if (process->parent != getpid() &&
			    !is_child_of_marked(table, process->parent))
				continue;
			process->is_below = true;
			marked++;
		}
	} while (marked > before);
	return marked;
}

static bool
is_marked(const struct table *table, pid_t pid)
{
	return is_child_of_marked(table, pid);
}

/*
 * One by one, those that fork faster than we look are never caught; the kernel
 * kills a whole group at once. Only groups whose leader is one of ours.
 */
static void
kill_groups(const struct table *table)
{
	pid_t last = getpgrp();

	for (size_t i = 0; i < table->count; i++) {
		pid_t group = table->v[i].is_below ? getpgid(table->v[i].pid) : -1;

		if (group <= 1 || group == last || group == getpgrp() ||
		    !is_marked(table, group))
			continue;
		(void)kill(-group, SIGKILL); /* It may have ended by itself. */
		last = group;
	}
}

static size_t
signal_below(int signal, const struct pids *keep)
{
	AUTO(table) struct table table = { NULL, 0 };
	size_t marked;

	if (table_load(&table) < 0)
		return 0;
	marked = table_mark(&table, keep);
	if (signal == SIGKILL && !keep)
		kill_groups(&table);
	for (size_t i = 0; i < table.count; i++)
		if (table.v[i].is_below)
			(void)kill(table.v[i].pid,
				   signal); /* It may have ended by itself. */
	for (size_t i = 0; signal == SIGKILL && i < table.count; i++)
		if (table.v[i].is_below && table.v[i].parent == getpid())
			(void)waitpid(table.v[i].pid, NULL, 0);
	return marked;
}

bool
tree_has_children(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

bool
tree_has_ended(pid_t child)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	       info.si_pid == child;
}

/* Of one of our threads, as /proc/self/task/ID/children lists them. */
static int
add_children_of(const char *thread, struct pids *ret)
{
	AUTO_FREE char *path = x_asprintf("/proc/self/task/%s/children", thread);
	AUTO_FREE char *list = NULL;
	struct err ignored;
	char *end;

	if (file_read(path, CHILDREN_MAX_BYTES, &list, NULL, &ignored) < 0)
		return -1;
	for (char *p = list; *p && *p != '\n'; p = end) {
		long pid = strtol(p, &end, 10);

		if (end == p)
			break;
		pids_add(ret, (pid_t)pid);
		end += *end == ' ';
	}
	return 0;
}

/* Without looking at all processes; not every kernel can. */
static int
list_children(struct pids *ret)
{
	DIR *threads = is_own_proc() ? opendir("/proc/self/task") : NULL;
	struct dirent *entry;
	int failed = threads ? 0 : -1;

	while (!failed && (entry = readdir(threads)))
		if (entry->d_name[0] != '.')
			failed = add_children_of(entry->d_name, ret);
	if (threads)
		closedir(threads);
	return failed;
}

int
tree_children(struct pids *ret)
{
	AUTO(table) struct table table = { NULL, 0 };

	if (list_children(ret) == 0)
		return 0;
	ret->count = 0;
	if (table_load(&table) < 0)
		return -1;
	for (size_t i = 0; i < table.count; i++)
		if (table.v[i].parent == getpid())
			pids_add(ret, table.v[i].pid);
	return 0;
}

bool
tree_is_above(size_t limit)
{
	AUTO(table) struct table table = { NULL, 0 };

	return table_load(&table) == 0 && table_mark(&table, NULL) > limit;
}

void
tree_signal(int signal)
{
	signal_below(signal, NULL);
}

void
tree_kill(const struct pids *keep)
{
	/* What is killed may have forked meanwhile, and its children become ours. */
	while (tree_has_children() && signal_below(SIGKILL, keep) > 0)
		;
}
