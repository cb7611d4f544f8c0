/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `fettle show` and `fettle diff`: one run, read from the store. */
#include "base/base.h"

#include "cli/report.h"
#include "cli/summary.h"

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
		out_json(&cli->out, summary);
		return EXIT_DONE;
	}
	if (cli->options.quiet)
		str_addf(&text, "%s\n", json_text(summary, "state"));
	else
		report_show(cli, &text, summary);
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
