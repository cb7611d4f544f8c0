/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The techniques of the jail, as a table. */
#include "base/base.h"
#include "host/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/path.h"
#include "host/host.h"
#include "host/mounts.h"
#include "wire/request.h"

#ifdef __SANITIZE_ADDRESS__
#define HAS_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN
#endif
#endif

/* ---- everywhere -------------------------------------------------------- */

static int
close_others(struct jail *jail)
{
	closefrom(LOCK_FD + 1);
	return 0;
}

static int
forbid_new_privileges(struct jail *jail)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static int
die_with_engine(struct jail *jail)
{
	struct pollfd pollfd = { .fd = EVENT_FD };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -1;
	/* The engine may have died before that: then the channel is hung up. */
	if (poll(&pollfd, 1, 0) == 1 && (pollfd.revents & POLLHUP))
		_exit(71);
	return 0;
}

static int
die_with_supervisor(struct jail *jail)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -1;
	if (getppid() != jail->supervisor)
		_exit(71);
	return 0;
}

/* No memory image on disk, no ptrace by the same user. Inherited over fork. */
static int
forbid_dumps(struct jail *jail)
{
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static int
limit_resources(struct jail *jail)
{
	static const struct {
		int resource;
		rlim_t most;
	} limits[] = {
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_NOFILE, 1024 },
		{ RLIMIT_MSGQUEUE, 0 },
		{ RLIMIT_RTPRIO, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		struct rlimit limit;

		if (getrlimit(limits[i].resource, &limit) < 0)
			return -1;
		if (limit.rlim_max > limits[i].most)
			limit.rlim_max = limits[i].most;
		if (limit.rlim_cur > limit.rlim_max)
			limit.rlim_cur = limit.rlim_max;
		if (setrlimit(limits[i].resource, &limit) < 0)
			return -1;
	}
	return 0;
}

/* When the machine has no memory left, it is the module that goes, not the engine. */
static int
be_first_victim(struct jail *jail)
{
	AUTO_CLOSE int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -1 : file_write_all(fd, "1000", 4);
}

static rlim_t
half_of(unsigned long long count, unsigned long long size)
{
	return (rlim_t)(count / 2 * size);
}

/*
 * What one process may take at most: half of the memory, and of the disk that the
 * scratch directory is on. Address space is none: runtimes reserve far more of it
 * than they use, and so do sanitizers of what counts as data.
 */
static int
limit_module(struct jail *jail)
{
	struct statvfs disk;
	struct rlimit limit;

	if (statvfs(jail->scratch, &disk) < 0)
		return -1;
	limit.rlim_cur = limit.rlim_max = half_of(disk.f_bavail, disk.f_frsize);
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		return -1;
#ifndef HAS_ASAN
	limit.rlim_cur = limit.rlim_max =
		half_of((unsigned long long)sysconf(_SC_PHYS_PAGES),
			(unsigned long long)sysconf(_SC_PAGESIZE));
	if (setrlimit(RLIMIT_DATA, &limit) < 0)
		return -1;
#endif
	return 0;
}

/* Ours may lie in the workspace, on the mount that stays writable. */
static int
leave_directory(struct jail *jail)
{
	return chdir("/");
}

static int
set_umask(struct jail *jail)
{
	umask(077);
	return 0;
}

static int
clean_environment(struct jail *jail)
{
	AUTO_FREE char *attempt = x_strdup(getenv("FETTLE_ATTEMPT"));

	clearenv();
	setenv("PATH", PROGRAM_PATH, 1);
	setenv("LANG", "C.UTF-8", 1);
	setenv("HOME", jail->scratch, 1);
	setenv("TMPDIR", jail->scratch, 1);
	if (attempt)
		setenv("FETTLE_ATTEMPT", attempt, 1); /* For a sweep of /proc. */
	return 0;
}

/* ---- the module process ------------------------------------------------ */

static int
leave_session(struct jail *jail)
{
	return setsid() < 0 ? -1 :
			      0; /* No terminal, so nobody asks for a password there. */
}

static int
reap_descendants(struct jail *jail)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/* What undoes the jail, or reaches the machine below it. */
static const unsigned char FORBIDDEN_CAPABILITIES[] = {
	CAP_SYS_ADMIN,
	CAP_SYS_PTRACE,
	CAP_SYS_MODULE,
	CAP_SYS_RAWIO,
	CAP_SYS_BOOT,
	CAP_SYS_TIME,
	CAP_SYSLOG,
	CAP_MKNOD,
	CAP_MAC_ADMIN,
	CAP_MAC_OVERRIDE,
	CAP_AUDIT_CONTROL,
	CAP_LINUX_IMMUTABLE,
	CAP_DAC_READ_SEARCH,
	CAP_PERFMON,
	CAP_BPF,
	CAP_CHECKPOINT_RESTORE,
};

static int
drop_capabilities(struct jail *jail)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, sets) < 0)
		return -1;
	if ((sets[0].permitted | sets[1].permitted) == 0)
		return 0; /* None to drop, and none to win: no_new_privs. */
	for (size_t i = 0; i < ARRAY_LEN(FORBIDDEN_CAPABILITIES); i++) {
		unsigned char capability = FORBIDDEN_CAPABILITIES[i];
		uint32_t others = ~(UINT32_C(1) << (capability % 32));

		/* EINVAL: a kernel that does not know it. */
		if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 && errno != EINVAL)
			return -1;
		sets[capability / 32].effective &= others;
		sets[capability / 32].permitted &= others;
		sets[capability / 32].inheritable &= others;
	}
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return syscall(SYS_capset, &header, sets) < 0 ? -1 : 0;
}

static int
enter_workspace(struct jail *jail)
{
	return chdir(jail->workspace[0] ? jail->workspace : jail->scratch);
}

/* ---- the table --------------------------------------------------------- */

struct technique {
	const char *name;
	enum jail_place place;
	bool is_necessary;
	int (*apply)(struct jail *jail); /* 0, or -1 with errno */
};

static const struct technique TECHNIQUES[] = {
	{ "descriptors", JAIL_OUTER, true, close_others },
	{ "no_new_privs", JAIL_OUTER, true, forbid_new_privileges },
	{ "parent_death_signal", JAIL_OUTER, true, die_with_engine },
	{ "rlimits", JAIL_OUTER, true, limit_resources },
	{ "first_victim", JAIL_OUTER, false, be_first_victim },
	{ "root_directory", JAIL_OUTER, true, leave_directory },
	{ "umask", JAIL_OUTER, true, set_umask },
	{ "environment", JAIL_OUTER, true, clean_environment },

	{ "pid_namespace", JAIL_SPLIT, false, mounts_unshare },
	{ "private_mounts", JAIL_SPLIT, false, mounts_make_private },
	{ "read_only_workspace", JAIL_SPLIT, false, mounts_protect_workspace },
	{ "not_dumpable", JAIL_SPLIT, true, forbid_dumps },

	{ "own_proc", JAIL_INIT, false, mounts_own_proc },

	{ "supervisor_death_signal", JAIL_MODULE, true, die_with_supervisor },
	{ "own_session", JAIL_MODULE, true, leave_session },
	{ "subreaper", JAIL_MODULE, true, reap_descendants },
	{ "module_limits", JAIL_MODULE, false, limit_module },
	{ "capabilities", JAIL_MODULE, false, drop_capabilities },
	{ "directory", JAIL_MODULE, true, enter_workspace },
};

int
jail_apply(struct jail *jail, enum jail_place place, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(TECHNIQUES); i++) {
		const struct technique *technique = &TECHNIQUES[i];

		if (technique->place != place)
			continue;
		if (technique->apply(jail) == 0)
			strv_add(&jail->techniques, technique->name);
		else if (technique->is_necessary)
			return err_errno(err, "jail.failed", "apply '%s' of the jail",
					 technique->name);
	}
	return 0;
}

const char *
jail_level(const struct jail *jail)
{
	bool must_protect = jail->workspace[0] && !jail->may_write_workspace;

	if (!jail->has_namespace || (must_protect && !jail->has_read_only_workspace))
		return "basic";
	return "tree";
}

int
jail_check_minimum(const struct jail *jail, const char *minimum, struct err *err)
{
	if (!str_eq(minimum, "tree") || str_eq(jail_level(jail), "tree"))
		return 0;
	err_set(err, "jail.minimum",
		"the configuration demands jail level 'tree', and this machine allows "
		"'%s' only",
		jail_level(jail));
	return err_remedy(
		err,
		"run Fettle with CAP_SYS_ADMIN (in a container: cap_add: "
		"[SYS_ADMIN]) or allow user namespaces; `fettle doctor` tells more");
}
