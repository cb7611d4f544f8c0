/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `fettle check`: is what was written a pipeline that could run? */
#include "base/base.h"

#include "cli/cli.h"

static void
print_summary(struct cli *cli, const json_t *summary)
{
	AUTO(table) struct table table = { .columns = 4 };
	AUTO(str) struct str text = STR_INIT;
	json_t *step;
	size_t i;

	out_add(&cli->out, &text, TONE_GOOD, "ok");
	out_addf(&cli->out, &text, TONE_PLAIN, "  pipeline %s in %s\n",
		 json_text(summary, "pipeline"), json_text(summary, "workspace"));
	json_array_foreach (json_object_get(summary, "steps"), i, step) {
		const char *section = json_text(step, "section");

		table_add(&table, TONE_STRONG, json_text(step, "step"));
		table_add(&table, TONE_PLAIN, json_text(step, "uses"));
		table_add(&table, TONE_DIM, json_text(step, "stage"));
		table_add(&table, TONE_DIM, str_eq(section, "steps") ? "" : section);
	}
	if (!cli->options.quiet)
		table_print(&table, &cli->out, &text, 2);
	out_write(&cli->out, &text);
}

int
verb_check(struct cli *cli)
{
	AUTO(json_ref) json_t *summary = NULL;
	AUTO(str) struct str words = STR_INIT;
	AUTO(engine) struct engine engine = { 0 };
	struct order order;
	struct err err;

	if (cli_open_store(cli, STORE_WRITE, &err) < 0)
		return cli_fail(cli, &err, EXIT_REFUSED);
	cli_order(cli, &words, &order);
	engine = cli_engine(cli, "operator");
	if (engine_check(&engine, &order, &summary, &err) < 0)
		return cli_fail(cli, &err, EXIT_REFUSED);
	if (cli->options.json)
		out_json(&cli->out, summary);
	else
		print_summary(cli, summary);
	return EXIT_DONE;
}
