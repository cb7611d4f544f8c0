/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `fettle runs`: the history as a table. */
#include "base/base.h"

#include "base/clock.h"
#include "base/num.h"
#include "cli/pause.h"
#include "cli/report.h"
#include "cli/summary.h"

/* `3m`, `5h`, `12d`: how long ago. */
static const char *
age(int64_t since_ms, char buf[32])
{
	static const struct {
		int64_t ms;
		char unit;
	} units[] = {
		{ 86400000, 'd' }, { 3600000, 'h' }, { 60000, 'm' }, { 1000, 's' }
	};
	int64_t ms = clock_wall_ms() - since_ms;

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (ms >= units[i].ms) {
			(void)snprintf(buf, 32, "%lld%c", (long long)(ms / units[i].ms),
				       units[i].unit);
			return buf;
		}
	(void)snprintf(buf, 32, "now");
	return buf;
}

static void
add_row(struct cli *cli, struct table *table, const json_t *run)
{
	const char *state = json_text(run, "state");
	int64_t queued = json_int_or(run, "queued_ms", 0);
	int64_t started = json_int_or(run, "started_ms", 0);
	int64_t ended = json_int_or(run, "ended_ms", 0);
	char buf[32];

	table_add(table, TONE_STRONG, json_text(run, "run"));
	if (run_is_orphan(cli->store, run))
		table_add(table, TONE_BAD, "interrupted");
	else
		table_add(table, state_tone(state), state);
	table_add(table, TONE_PLAIN,
		  *json_text(run, "service") ? json_text(run, "service") : "-");
	if (json_is_integer(json_object_get(run, "position")))
		table_addf(table, TONE_PLAIN, "queue %lld%s",
			   (long long)json_int_or(run, "position", 0),
			   str_eq(json_text(run, "priority"), "high") ? " high" : "");
	else
		table_add(table, TONE_DIM,
			  *json_text(run, "worker") ? json_text(run, "worker") : "-");
	table_add(table, TONE_DIM, age(queued, buf));
	table_add(table, TONE_PLAIN,
		  started && ended ? num_format_ms((uint64_t)(ended - started), buf) :
				     "-");
	const char *asked = *json_text(run, "instruction") ?
				    json_text(run, "instruction") :
				    json_text(run, "pipeline");
	const char *by = json_text(run, "rolled_back_by");
	table_addf(table, TONE_PLAIN, "%s%s%s%s", asked, *by ? " (rolled back by " : "",
		   by, *by ? ")" : "");
}

/* Of those that were asked for. */
static void
add_none(struct cli *cli, struct str *text)
{
	const struct options *options = &cli->options;

	str_add(text, options->cursor || options->offset ? "no more runs" : "no runs");
	if (options->service)
		out_addf(&cli->out, text, TONE_PLAIN, " of service %s",
			 options->service);
	if (options->state)
		str_addf(text, " in state %s", options->state);
	out_addf(&cli->out, text, TONE_PLAIN, " in %s\n", cli->state_dir);
}

static void
print_runs(struct cli *cli, const json_t *runs)
{
	static const char *const heads[] = { "RUN", "STATE", "SERVICE", "WORKER",
					     "AGE", "TOOK",  "ASKED" };
	AUTO(table) struct table table = { .columns = ARRAY_LEN(heads) };
	AUTO(str) struct str text = STR_INIT;
	json_t *run;
	size_t i;

	for (i = 0; i < ARRAY_LEN(heads); i++)
		table_add(&table, TONE_DIM, heads[i]);
	json_array_foreach (runs, i, run) {
		add_row(cli, &table, run);
		if (cli->options.quiet)
			str_addf(&text, "%s\n", json_text(run, "run"));
	}
	if (!cli->options.quiet && i)
		table_print(&table, &cli->out, &text, 0);
	else if (!cli->options.quiet)
		add_none(cli, &text);
	out_write(&cli->out, &text);
}

/* Behind the list, where it is not overlooked. */
static void
print_pause(struct cli *cli)
{
	AUTO(json_ref) json_t *paused = NULL;
	AUTO(str) struct str text = STR_INIT, line = STR_INIT;
	struct err ignored;

	if (cli->store)
		paused = store_paused(cli->store, &ignored);
	if (!json_is_object(paused))
		return;
	pause_describe(paused, &line);
	out_addf(&cli->out, &text, TONE_WARN, "\n%s (`fettle resume` ends that)\n",
		 str_get(&line));
	out_write(&cli->out, &text);
}

int
verb_runs(struct cli *cli)
{
	struct store_filter filter = {
		.state = cli->options.state,
		.service = cli->options.service,
		.limit = (uint32_t)cli->options.limit,
		.offset = (uint32_t)cli->options.offset,
	};
	char cursor[RUN_ID_SIZE];
	AUTO(json_ref) json_t *runs = NULL;
	struct err err;

	if (!cli_has_store(cli)) {
		runs = json_array();
	} else {
		if (cli_open_store(cli, STORE_READ, &err) < 0)
			return cli_fail(cli, &err, EXIT_USAGE);
		if (cli->options.cursor) {
			if (store_find_run(cli->store, cli->options.cursor, cursor,
					   &err) < 0)
				return cli_fail(cli, &err, EXIT_USAGE);
			filter.cursor = cursor;
		}
		runs = store_runs(cli->store, &filter, &err);
	}
	if (!runs)
		return cli_fail(cli, &err, EXIT_USAGE);
	if (cli->options.json)
		out_json(&cli->out, runs);
	else
		print_runs(cli, runs);
	if (!cli->options.json && !cli->options.quiet)
		print_pause(cli);
	return EXIT_DONE;
}
