/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `fettle store ...`: how the store is, copies of it, and taking away what is old. */
#include "base/base.h"

#include "base/num.h"
#include "base/path.h"
#include "cli/cli.h"
#include "engine/scratch.h"
#include "store/admin.h"

#define KEEP_DAYS 90
#define KEEP_DAYS_MAX 36500

/* A store that must be there. 0 or -1. */
static int
open_store(struct cli *cli, enum store_mode mode, struct err *err)
{
	if (!cli_has_store(cli)) {
		(void)err_set(err, "store.missing", "there is no store in '%s' yet",
			      cli->state_dir);
		return err_remedy(err, "`fettle run` makes it with the first run; name "
				       "another place with --state-dir");
	}
	return cli_open_store(cli, mode, err);
}

static const char *
size_of(const json_t *object, const char *key, char buf[32])
{
	return num_format_size((uint64_t)json_int_or(object, key, 0), buf);
}

static void
add_pair(struct table *table, const char *label, enum tone tone, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
static void
add_pair(struct table *table, const char *label, enum tone tone, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	AUTO_FREE char *text = x_vasprintf(fmt, args);
	va_end(args);
	table_add(table, TONE_DIM, label);
	table_add(table, tone, text);
}

static void
print_table(struct cli *cli, struct table *table, struct str *text)
{
	table_print(table, &cli->out, text, 0);
	out_write(&cli->out, text);
}

/* ---- status, verify, rebuild ------------------------------------------- */

static void
print_status(struct cli *cli, const json_t *status)
{
	const json_t *blobs = json_object_get(status, "blobs"),
		     *artifacts = json_object_get(status, "artifacts");
	const char *integrity = json_text(status, "integrity"), *state;
	AUTO(table) struct table table = { .columns = 2 };
	AUTO(str) struct str text = STR_INIT, states = STR_INIT;
	bool is_whole = str_eq(integrity, "ok");
	char buf[32], size[32];
	json_t *count;

	json_object_foreach (json_object_get(status, "runs"), state, count)
		str_addf(&states, "%s%lld %s", states.len ? ", " : "",
			 (long long)json_integer_value(count), state);
	add_pair(&table, "directory", TONE_STRONG, "%s",
		 json_text(status, "state_dir"));
	add_pair(&table, "integrity", is_whole ? TONE_GOOD : TONE_BAD, "%s", integrity);
	add_pair(&table, "schema", TONE_PLAIN, "%lld, SQLite %s",
		 (long long)json_int_or(status, "schema", 0),
		 json_text(status, "sqlite"));
	add_pair(&table, "database", TONE_PLAIN, "%s, and %s in its log",
		 size_of(status, "database_bytes", buf),
		 size_of(status, "log_bytes", size));
	add_pair(&table, "events", TONE_PLAIN, "%lld",
		 (long long)json_int_or(status, "events", 0));
	add_pair(&table, "runs", TONE_PLAIN, "%s",
		 states.len ? str_get(&states) : "none");
	add_pair(&table, "not ended", TONE_PLAIN, "%lld",
		 (long long)json_int_or(status, "unfinished", 0));
	add_pair(&table, "standing", TONE_PLAIN, "%lld changes that can be put back",
		 (long long)json_int_or(status, "standing", 0));
	add_pair(&table, "oldest run", TONE_PLAIN, "%s",
		 time_local(json_int_or(status, "oldest_ms", 0), buf));
	add_pair(&table, "newest run", TONE_PLAIN, "%s",
		 time_local(json_int_or(status, "newest_ms", 0), buf));
	add_pair(&table, "blobs", TONE_PLAIN, "%lld, %s",
		 (long long)json_int_or(blobs, "count", 0),
		 size_of(blobs, "bytes", size));
	add_pair(&table, "artifacts", TONE_PLAIN, "%lld, %s",
		 (long long)json_int_or(artifacts, "count", 0),
		 size_of(artifacts, "bytes", size));
	print_table(cli, &table, &text);
}

int
verb_store_status(struct cli *cli)
{
	AUTO(json_ref) json_t *status = NULL;
	struct err err;

	if (open_store(cli, STORE_READ, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	status = store_status(cli->store, &err);
	if (!status)
		return cli_fail(cli, &err, EXIT_USAGE);
	if (cli->options.json)
		out_json(&cli->out, status);
	else
		print_status(cli, status);
	return str_eq(json_text(status, "integrity"), "ok") ? EXIT_DONE : EXIT_REFUSED;
}

int
verb_store_verify(struct cli *cli)
{
	AUTO(json_ref) json_t *checked = NULL;
	AUTO(str) struct str text = STR_INIT;
	const json_t *problem;
	struct err err;
	size_t i;

	if (open_store(cli, STORE_READ, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	checked = store_check(cli->store, &err);
	if (!checked)
		return cli_fail(cli, &err, EXIT_USAGE);
	if (cli->options.json) {
		out_json(&cli->out, checked);
	} else {
		json_array_foreach (json_object_get(checked, "problems"), i, problem)
			out_addf(&cli->out, &text, TONE_BAD, "%s [%s]\n",
				 json_text(problem, "text"),
				 json_text(problem, "code"));
		if (!i && !cli->options.quiet)
			out_addf(&cli->out, &text, TONE_GOOD,
				 "whole: %lld runs, %lld blobs that may be needed, "
				 "%lld artifacts\n",
				 (long long)json_int_or(checked, "runs", 0),
				 (long long)json_int_or(checked, "blobs", 0),
				 (long long)json_int_or(checked, "artifacts", 0));
		out_write(&cli->out, &text);
	}
	return json_flag(checked, "ok") ? EXIT_DONE : EXIT_REFUSED;
}

int
verb_store_rebuild(struct cli *cli)
{
	AUTO(json_ref) json_t *json = NULL;
	AUTO(str) struct str text = STR_INIT;
	struct err err;

	if (open_store(cli, STORE_WRITE, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	if (store_rebuild(cli->store, &err) < 0)
		return cli_fail(cli, &err, EXIT_REFUSED);
	if (cli->options.json) {
		json = json_pack("{s:b}", "ok", 1);
		out_json(&cli->out, json);
	} else if (!cli->options.quiet) {
		str_add(&text, "all tables are derived from the events again\n");
		out_write(&cli->out, &text);
	}
	return EXIT_DONE;
}

/* ---- backup, restore --------------------------------------------------- */

static void
add_copied(struct cli *cli, struct str *text, const char *what, const json_t *told)
{
	char size[32];

	out_addf(&cli->out, text, TONE_PLAIN, "%s %s: %lld runs, %lld blobs, "
		 "%lld artifacts, %s in files\n",
		 what, json_text(told, "directory"),
		 (long long)json_int_or(told, "runs", 0),
		 (long long)json_int_or(told, "blobs", 0),
		 (long long)json_int_or(told, "artifacts", 0),
		 size_of(told, "bytes", size));
}

/* 0 or EXIT_REFUSED: a copy without what putting back needs is not a good one. */
static int
report_missing(struct cli *cli, struct str *text, const json_t *told)
{
	const json_t *name;
	size_t i;

	json_array_foreach (json_object_get(told, "missing"), i, name)
		out_addf(&cli->out, text, TONE_BAD,
			 "missing or damaged in the store: %s\n",
			 json_string_value(name));
	return i ? EXIT_REFUSED : EXIT_DONE;
}

int
verb_store_backup(struct cli *cli)
{
	AUTO_FREE char *directory = path_join(cli->directory, cli_arg(cli, 0));
	AUTO(json_ref) json_t *told = NULL;
	AUTO(str) struct str text = STR_INIT;
	struct err err;
	int code;

	if (open_store(cli, STORE_READ, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	while (strlen(directory) > 1 && directory[strlen(directory) - 1] == '/')
		directory[strlen(directory) - 1] = '\0';
	told = store_backup(cli->store, directory, &err);
	if (!told)
		return cli_fail(cli, &err, EXIT_USAGE);
	if (!cli->options.quiet)
		add_copied(cli, &text, "backed up to", told);
	code = report_missing(cli, &text, told);
	if (cli->options.json)
		out_json(&cli->out, told);
	else
		out_write(&cli->out, &text);
	return code;
}

int
verb_store_restore(struct cli *cli)
{
	AUTO_FREE char *directory = path_join(cli->directory, cli_arg(cli, 0));
	AUTO(json_ref) json_t *told = NULL;
	AUTO(str) struct str text = STR_INIT;
	int64_t unfinished;
	struct err err;

	if (cli_open_store(cli, STORE_WRITE, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	told = store_restore(cli->store, directory, cli->options.replace, &err);
	if (!told)
		return cli_fail(cli, &err, EXIT_REFUSED);
	/* An older backup is brought up to date by opening it. */
	cli_close_store(cli);
	if (cli_open_store(cli, STORE_WRITE, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	if (cli->options.json) {
		out_json(&cli->out, told);
		return EXIT_DONE;
	}
	if (!cli->options.quiet)
		add_copied(cli, &text, "restored from", told);
	if (*json_text(told, "replaced"))
		out_addf(&cli->out, &text, TONE_PLAIN,
			 "the database that was here is kept in %s\n",
			 json_text(told, "replaced"));
	unfinished = json_int_or(told, "unfinished", 0);
	if (unfinished)
		out_addf(&cli->out, &text, TONE_WARN,
			 "%lld run%s under way when the backup was made: the next "
			 "`fettle run` puts back what is recorded of %s; see "
			 "`fettle doctor`\n",
			 (long long)unfinished, unfinished == 1 ? " was" : "s were",
			 unfinished == 1 ? "it" : "them");
	out_write(&cli->out, &text);
	return EXIT_DONE;
}

/* ---- gc ---------------------------------------------------------------- */

static void
print_collected(struct cli *cli, const json_t *told)
{
	AUTO(str) struct str text = STR_INIT;
	const json_t *discard = json_object_get(told, "discard"), *row, *word;
	char size[32];
	size_t i, j;

	if (!cli->options.quiet)
		str_addf(&text, "%s %lld files of %zu runs that ended more than %lld "
			 "days ago, and %lld blobs: %s\n",
			 json_flag(told, "dry_run") ? "would remove" : "removed",
			 (long long)json_int_or(told, "files", 0),
			 json_array_size(json_object_get(told, "runs")),
			 (long long)json_int_or(told, "keep_days", 0),
			 (long long)json_int_or(told, "blobs", 0),
			 size_of(told, "bytes", size));
	if (json_array_size(discard) && !cli->options.quiet)
		str_add(&text, "kept by modules for runs that are put back; these "
			       "commands remove it:\n");
	json_array_foreach (discard, i, row) {
		AUTO(str) struct str line = STR_INIT;

		json_array_foreach (json_object_get(row, "argv"), j, word) {
			str_add(&line, j ? " " : "");
			cli_add_quoted(&line, json_string_value(word) ?
						      json_string_value(word) :
						      "");
		}
		out_addf(&cli->out, &text, TONE_STRONG, "  %s\n", str_get(&line));
	}
	out_write(&cli->out, &text);
}

static int
parse_keep(const char *text, int64_t *ret_days, struct err *err)
{
	uint64_t days = KEEP_DAYS;

	if (text && (num_u64(text, &days) != NUM_OK || days > KEEP_DAYS_MAX)) {
		(void)err_set(err, "usage", "--keep takes a number, not '%s'", text);
		return err_remedy(err, "give a number of days from 0 to %d",
				  KEEP_DAYS_MAX);
	}
	*ret_days = (int64_t)days;
	return 0;
}

int
verb_store_gc(struct cli *cli)
{
	AUTO(str) struct str actor = STR_INIT;
	AUTO(json_ref) json_t *told = NULL;
	struct collecting order;
	struct err err;

	cli_actor(&actor);
	order = (struct collecting){
		.actor = str_get(&actor),
		.is_dry = cli->options.dry_run,
	};
	if (parse_keep(cli->options.keep, &order.keep_days, &err) < 0 ||
	    open_store(cli, STORE_WRITE, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	told = store_collect(cli->store, &order, &err);
	if (!told)
		return cli_fail(cli, &err, EXIT_USAGE);
	if (!order.is_dry)
		scratch_sweep_old(cli->state_dir);
	if (cli->options.json)
		out_json(&cli->out, told);
	else
		print_collected(cli, told);
	return EXIT_DONE;
}
