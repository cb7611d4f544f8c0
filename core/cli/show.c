/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `fettle show` and `fettle diff`: one run, read from the store. */
#include "base/base.h"

#include "base/num.h"
#include "cli/hold.h"
#include "cli/report.h"
#include "cli/summary.h"

static void
add_times(struct cli *cli, struct str *out, const json_t *summary)
{
	AUTO(str) struct str text = STR_INIT;
	int64_t queued = json_int_or(summary, "queued_ms", 0), ended;
	char buf[32];

	str_add(&text, time_local(json_int_or(summary, "started_ms", queued), buf));
	ended = json_int_or(summary, "ended_ms", 0);
	if (ended)
		str_addf(&text, " to %s", time_local(ended, buf));
	report_paragraph(cli, out, "time", TONE_PLAIN, str_get(&text));
}

/* `name` is "" in the rows of a step that follow its first. */
static void
add_attempt(struct table *table, const char *name, const json_t *attempt,
	    bool is_only)
{
	const char *state = json_text(attempt, "state");
	const char *message = json_text(attempt, "message");
	int64_t duration = json_int_or(attempt, "duration_ms", -1);
	AUTO_FREE char *numbered =
		is_only ? NULL :
			  x_asprintf("attempt %lld%s%s",
				     (long long)json_int_or(attempt, "attempt", 1),
				     *message ? ": " : "", message);
	char buf[32];

	table_add(table, TONE_STRONG, name);
	table_add(table, state_tone(state),
		  str_eq(json_text(attempt, "result"), "noop") ? "nothing to do" :
								 state_words(state));
	table_add(table, TONE_DIM,
		  time_of_day(json_int_or(attempt, "started_ms", 0), buf));
	table_add(table, TONE_PLAIN,
		  duration < 0 ? "-" : num_format_ms((uint64_t)duration, buf));
	table_add(table, TONE_PLAIN, numbered ? numbered : message);
}

/* The attempts before the last one; that is the step itself. */
static void
add_steps(struct cli *cli, struct str *out, const json_t *summary)
{
	AUTO(table) struct table table = { .columns = 5 };
	json_t *step, *attempt;
	size_t i, j;

	json_array_foreach (json_object_get(summary, "steps"), i, step) {
		int64_t last = json_int_or(step, "attempt", 1);
		const char *name = json_text(step, "step");

		json_array_foreach (json_object_get(step, "attempts"), j, attempt) {
			if (json_int_or(attempt, "attempt", 1) >= last)
				break;
			add_attempt(&table, name, attempt, false);
			name = "";
		}
		add_attempt(&table, name, step, last <= 1);
	}
	str_add(out, "\nsteps\n");
	table_print(&table, &cli->out, out, 2);
}

static void
add_findings(struct cli *cli, struct str *out, const json_t *summary)
{
	json_t *item;
	size_t i;

	if (json_array_size(json_object_get(summary, "findings")))
		str_add(out, "\nfindings\n");
	json_array_foreach (json_object_get(summary, "findings"), i, item) {
		str_add(out, "  ");
		out_add(&cli->out, out, TONE_STRONG, json_text(item, "title"));
		out_addf(&cli->out, out, TONE_DIM, "  %s, %lld%%",
			 json_text(item, "rule"),
			 (long long)json_int_or(item, "confidence", 0));
		str_add(out, "\n    ");
		out_add_wrapped(&cli->out, out, TONE_DIM, json_text(item, "evidence"),
				4);
		str_add_c(out, '\n');
	}
	json_array_foreach (json_object_get(summary, "warnings"), i, item) {
		AUTO_FREE char *text = x_asprintf("%s: %s", json_text(item, "step"),
						  json_text(item, "text"));

		report_paragraph(cli, out, i ? "" : "warnings", TONE_WARN, text);
	}
}

static void
add_artifacts(struct cli *cli, struct str *out, const json_t *summary)
{
	AUTO(table) struct table table = { .columns = 3 };
	json_t *item;
	size_t i;

	out_addf(&cli->out, out, TONE_PLAIN, "\nartifacts in %s\n",
		 json_text(summary, "artifacts_dir"));
	json_array_foreach (json_object_get(summary, "artifacts"), i, item) {
		char buf[32];

		table_add(&table, TONE_STRONG, json_text(item, "name"));
		table_add(
			&table, TONE_PLAIN,
			num_format_size((uint64_t)json_int_or(item, "bytes", 0), buf));
		table_addf(&table, TONE_DIM, "sha256 %.12s", json_text(item, "sha256"));
	}
	table_print(&table, &cli->out, out, 2);
	json_array_foreach (json_object_get(summary, "missing"), i, item)
		out_addf(&cli->out, out, TONE_WARN, "  %s  missing: %s\n",
			 json_text(item, "name"), json_text(item, "message"));
}

/* What became of it later. */
static void
add_rolled_back(struct cli *cli, struct str *out, const json_t *summary)
{
	const char *by = json_text(summary, "rolled_back_by");
	AUTO_FREE char *text = x_asprintf("rolled back by run %s", by);

	report_paragraph(cli, out, "later", TONE_STRONG, *by ? text : "");
}

static void
print_all(struct cli *cli, struct str *out, const json_t *summary)
{
	report_headline(cli, out, summary);
	report_paragraph(cli, out, "run", TONE_PLAIN, json_text(summary, "run"));
	report_paragraph(cli, out, "asked", TONE_PLAIN,
			 json_text(summary, "instruction"));
	report_paragraph(cli, out, "by", TONE_PLAIN,
			 json_text(summary, "requested_by"));
	report_paragraph(cli, out, "pipeline", TONE_PLAIN,
			 json_text(summary, "pipeline"));
	report_paragraph(cli, out, "workspace", TONE_PLAIN,
			 json_text(summary, "workspace"));
	report_paragraph(cli, out, "rolls back", TONE_PLAIN,
			 json_text(summary, "rolls_back"));
	add_times(cli, out, summary);
	add_rolled_back(cli, out, summary);
	report_causes(cli, out, summary);
	report_paragraph(cli, out, "why", TONE_PLAIN, json_text(summary, "diagnosis"));
	report_level(cli, out, summary);
	report_changes(cli, out, summary);
	hold_report(cli, out, summary);
	add_steps(cli, out, summary);
	add_findings(cli, out, summary);
	add_artifacts(cli, out, summary);
	str_add_c(out, '\n');
	report_next(cli, out, summary, REPORT_SHOW);
}

int
verb_show(struct cli *cli)
{
	AUTO(json_ref) json_t *summary = NULL;
	AUTO(json_ref) json_t *plan = NULL;
	AUTO(str) struct str text = STR_INIT;
	char run[RUN_ID_SIZE];
	struct err err;

	if (cli_find_run(cli, cli_arg(cli, 0), run, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	summary = summary_new(cli->store, run, &err);
	if (!summary)
		return cli_fail(cli, &err, EXIT_USAGE);
	if (cli->options.json) {
		plan = store_plan(cli->store, run, &err);
		(void)json_object_set(summary, "plan",
				      plan ? json_object_get(plan, "plan") : NULL);
		(void)json_object_set_new(summary, "hold", hold_json(cli, run));
		out_json(&cli->out, summary);
		return EXIT_DONE;
	}
	if (cli->options.quiet)
		str_addf(&text, "%s\n", json_text(summary, "state"));
	else
		print_all(cli, &text, summary);
	out_write(&cli->out, &text);
	return EXIT_DONE;
}

int
verb_diff(struct cli *cli)
{
	AUTO(json_ref) json_t *json = NULL;
	AUTO(str) struct str diff = STR_INIT, text = STR_INIT;
	char run[RUN_ID_SIZE];
	struct err err;

	if (cli_find_run(cli, cli_arg(cli, 0), run, &err) < 0 ||
	    engine_diff(cli->store, run, &diff, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	if (cli->options.json) {
		json = json_pack("{s:s, s:o}", "run", run, "diff",
				 json_string_lossy(str_get(&diff), diff.len));
		out_json(&cli->out, json);
		return EXIT_DONE;
	}
	out_add_diff(&cli->out, &text, str_get(&diff), diff.len);
	if (!diff.len && cli->out.is_tty)
		str_addf(&text, "run %s changes no file\n", run);
	out_write(&cli->out, &text);
	return EXIT_DONE;
}
