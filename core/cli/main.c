/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Program fettle: makes standard descriptors and paths sane, reads the
 * command line, and calls one verb.
 */
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "base/path.h"
#include "cli/options.h"

#define MIN_STACK_BYTES (1u << 20)

/* A closed standard descriptor would be taken by the first file we open. */
static int
open_standard_fds(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return -1;
	return 0;
}

/*
 * SIGPIPE is caught, not ignored: what is ignored stays ignored in every
 * program that is started from here.
 */
static void
on_pipe(int number)
{
	(void)number;
}

/* Where the stack may not grow, the end would come without a word. */
static int
check_stack(struct err *err)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_STACK, &limit) < 0 || limit.rlim_cur >= MIN_STACK_BYTES)
		return 0;
	(void)err_set(err, "usage", "the stack is limited to %llu KiB, %u are needed",
		      (unsigned long long)limit.rlim_cur >> 10, MIN_STACK_BYTES >> 10);
	return err_remedy(err, "raise the limit, such as `ulimit -s 8192`");
}

static const char *
env_or(const char *name, const char *fallback)
{
	const char *value = getenv(name);

	return value && *value ? value : fallback;
}

/*
 * What the site says cannot be taken away: another file is looked at only where
 * there is none.
 */
static const char *
find_site_file(void)
{
	return access(FETTLE_SITE_FILE, F_OK) < 0 && errno == ENOENT
		       ? env_or("FETTLE_SITE_FILE", FETTLE_SITE_FILE)
		       : FETTLE_SITE_FILE;
}

/* An absolute path, so that it means the same in every process we start. */
static char *
absolute(const struct cli *cli, const char *path)
{
	return path_join(cli->directory, path);
}

static int
find_state_dir(struct cli *cli, struct err *err)
{
	const char *given = cli->options.state_dir;

	if (!given)
		given = env_or("FETTLE_STATE_DIR", NULL);
	if (given) {
		cli->state_dir = absolute(cli, given);
		return 0;
	}
	if (geteuid() == 0) {
		cli->state_dir = x_strdup("/var/lib/fettle");
		return 0;
	}
	given = env_or("XDG_STATE_HOME", NULL);
	if (given && *given == '/') {
		cli->state_dir = path_join(given, "fettle");
		return 0;
	}
	given = env_or("HOME", NULL);
	if (!given || *given != '/') {
		(void)err_set(err, "usage", "no place to keep runs: $HOME is not set");
		return err_remedy(
			err, "name a directory with --state-dir or $FETTLE_STATE_DIR");
	}
	cli->state_dir = path_join(given, ".local/state/fettle");
	return 0;
}

static int
find_places(struct cli *cli, struct err *err)
{
	const char *directory = cli->options.directory;

	if (directory && chdir(directory) < 0) {
		(void)err_errno(err, "usage", "change to directory '%s'", directory);
		return err_remedy(err, "name an existing directory with -C");
	}
	cli->directory = realpath(".", NULL);
	if (!cli->directory) {
		(void)err_errno(err, "usage", "find the current directory");
		return err_remedy(err,
				  "go to a directory that exists, or name one with -C");
	}
	cli->lib_dir = env_or("FETTLE_LIBDIR", FETTLE_LIBDIR);
	cli->data_dir = env_or("FETTLE_DATADIR", FETTLE_DATADIR);
	cli->site_file = find_site_file();
	return find_state_dir(cli, err);
}

static int
call_verb(struct cli *cli, const struct verb *verb)
{
	AUTO(str) struct str text = STR_INIT;
	struct err err;

	if (cli->options.version) {
		str_add(&text, "fettle " FETTLE_VERSION "\n");
		out_write(&cli->out, &text);
		return EXIT_DONE;
	}
	if (cli->options.help || !verb) {
		options_help(&cli->out, verb, cli->group, &text);
		if (cli->options.help) {
			out_write(&cli->out, &text);
			return EXIT_DONE;
		}
		(void)file_write_all(STDERR_FILENO, str_get(&text), text.len);
		return EXIT_USAGE;
	}
	if (find_places(cli, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	return verb->call(cli);
}

static void
cli_done(struct cli *cli)
{
	cli_close_store(cli);
	stream_done(&cli->out.stream);
	free(cli->state_dir);
	free(cli->directory);
	strv_done(&cli->args);
	json_decref(cli->options.inputs);
}

int
main(int argc, char **argv)
{
	AUTO(cli) struct cli cli = { 0 };
	const struct sigaction pipe_action = { .sa_handler = on_pipe,
					       .sa_flags = SA_RESTART };
	const struct verb *verb = NULL;
	struct err err;
	int status;

	if (open_standard_fds() < 0)
		return EXIT_USAGE;
	(void)sigaction(SIGPIPE, &pipe_action, NULL);
	log_name("fettle");
	if (check_stack(&err) < 0 ||
	    options_parse(&cli, argc, argv, &verb, &err) < 0) {
		out_init(&cli.out, false);
		return cli_fail(&cli, &err, EXIT_USAGE);
	}
	out_init(&cli.out, !cli.options.no_color);
	status = call_verb(&cli, verb);
	/* A reader that left early (`fettle runs | head -1`) is no failure of ours. */
	if (cli.out.stream.is_broken && cli.out.stream.error != EPIPE &&
	    !cli.out.is_tty) {
		errno = cli.out.stream.error;
		(void)err_errno(&err, "output", "write to standard output");
		log_err(&err);
		if (status == EXIT_DONE && !cli.is_end_told)
			status = EXIT_USAGE;
	}
	return status;
}
