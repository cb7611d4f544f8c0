/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `fettle plugins`: what step types and policies are installed, and what one takes. */
#include "base/base.h"

#include <fettle/plugin.h>

#include "cli/cli.h"

static void
print_list(struct cli *cli, const json_t *modules)
{
	AUTO(table) struct table table = { .columns = 3 };
	AUTO(str) struct str text = STR_INIT;
	json_t *row;
	size_t i;

	json_array_foreach (modules, i, row) {
		const json_t *d = json_object_get(row, "description");
		const char *error = json_text(row, "error");

		if (cli->options.quiet) {
			out_addf(&cli->out, &text, TONE_PLAIN, "%s\n",
				 json_text(row, "name"));
			continue;
		}
		table_add(&table, *error ? TONE_BAD : TONE_STRONG,
			  json_text(row, "name"));
		table_add(&table, TONE_DIM,
			  str_eq(json_text(row, "kind"), "policy") ?
				  "policy" :
				  stage_name((uint32_t)json_int_or(d, "stage", 0)));
		table_add(&table, *error ? TONE_BAD : TONE_PLAIN,
			  *error ? error : json_text(d, "summary"));
	}
	if (!cli->options.quiet)
		table_print(&table, &cli->out, &text, 0);
	if (!i)
		str_addf(&text, "no modules in %s\n", cli->lib_dir);
	out_write(&cli->out, &text);
}

static void
add_params(struct cli *cli, struct str *text, const char *title, const json_t *params)
{
	AUTO(table) struct table table = { .columns = 3 };
	json_t *param;
	size_t i;

	if (!json_array_size(params))
		return;
	out_addf(&cli->out, text, TONE_DIM, "\n%s\n", title);
	json_array_foreach (params, i, param) {
		const char *preset = json_text(param, "preset"),
			   *accept = json_text(param, "accept");
		bool is_required = json_int_or(param, "flags", 0) & FETTLE_REQUIRED;

		table_add(&table, TONE_STRONG, json_text(param, "name"));
		table_addf(&table, TONE_DIM, "%s%s%s%s",
			   *accept ? accept :
				     param_type_name(
					     (uint32_t)json_int_or(param, "type", 0)),
			   is_required ? ", required" : "", *preset ? " = " : "",
			   preset);
		table_add(&table, TONE_PLAIN, json_text(param, "help"));
	}
	table_print(&table, &cli->out, text, 2);
}

static void
print_one(struct cli *cli, const json_t *row)
{
	const json_t *d = json_object_get(row, "description");
	bool is_policy = str_eq(json_text(row, "kind"), "policy");
	AUTO(str) struct str text = STR_INIT;

	out_add(&cli->out, &text, TONE_STRONG, json_text(row, "name"));
	out_addf(&cli->out, &text, TONE_PLAIN, " %s  %s\n", json_text(d, "version"),
		 json_text(d, "summary"));
	if (*json_text(row, "error"))
		out_addf(&cli->out, &text, TONE_BAD, "%s\n", json_text(row, "error"));
	out_addf(&cli->out, &text, TONE_DIM, "%s, %s\n",
		 is_policy ? "policy" :
			     stage_name((uint32_t)json_int_or(d, "stage", 0)),
		 json_text(row, "path"));
	add_params(cli, &text, "parameters (with:)", json_object_get(d, "params"));
	add_params(cli, &text, "outputs", json_object_get(d, "outputs"));
	out_write(&cli->out, &text);
}

static json_t *
find_module(const json_t *modules, const char *name, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	const char *near;
	json_t *row;
	size_t i;

	json_array_foreach (modules, i, row) {
		if (str_eq(json_text(row, "name"), name))
			return row;
		strv_add(&names, json_text(row, "name"));
	}
	near = strv_nearest(&names, name);
	(void)err_set(err, "usage", "no step type or policy '%s' is installed", name);
	(void)err_remedy(err, "%s%s%s`fettle plugins` lists all",
			 near ? "did you mean '" : "", near ? near : "",
			 near ? "'? " : "");
	return NULL;
}

int
verb_plugins(struct cli *cli)
{
	AUTO(json_ref) json_t *modules = NULL;
	const char *name = cli_arg(cli, 0);
	AUTO(engine) struct engine engine = { 0 };
	struct err err;
	json_t *row;

	if (cli_open_store(cli, STORE_WRITE, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	engine = cli_engine(cli, "operator");
	modules = engine_modules(&engine, &err);
	if (!modules)
		return cli_fail(cli, &err, EXIT_USAGE);
	row = name ? find_module(modules, name, &err) : NULL;
	if (name && !row)
		return cli_fail(cli, &err, EXIT_USAGE);
	if (cli->options.json)
		out_json(&cli->out, row ? row : modules);
	else if (row)
		print_one(cli, row);
	else
		print_list(cli, modules);
	return EXIT_DONE;
}
