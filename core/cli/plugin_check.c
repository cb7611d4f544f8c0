/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `fettle plugin check`: what the loader makes of module files, wherever they
 * lie. fettle-host describes each one in its jail, as it does before a run.
 */
#include "base/base.h"

#include <fettle/plugin.h>

#include <fcntl.h>
#include <stdlib.h>

#include "base/path.h"
#include "cli/cli.h"
#include "engine/scratch.h"

/* The row of a module that would not load. */
static json_t *
fault_row(const char *path, const struct err *err)
{
	return json_pack("{s:s, s:b, s:s, s:s, s:s}", "path", path, "ok", 0, "code",
			 err->code, "text", err->text, "remedy", err->remedy);
}

static bool
is_undone_by(const json_t *rows, const char *kind)
{
	const json_t *row, *undone;
	size_t i, j;

	json_array_foreach (rows, i, row)
		json_array_foreach (
			json_object_get(json_object_get(row, "description"), "undoes"),
			j, undone)
			if (str_eq(json_string_value(undone), kind))
				return true;
	return false;
}

/* An effect that nothing here undoes is no fault, but worth a word. */
static void
add_notes(json_t *rows)
{
	json_t *row, *kind;
	size_t i, j;

	json_array_foreach (rows, i, row) {
		json_t *notes = json_array();

		json_array_foreach (
			json_object_get(json_object_get(row, "description"), "effects"),
			j, kind) {
			const char *name = json_string_value(kind);

			if (!is_undone_by(rows, name))
				json_array_append_new(
					notes,
					json_sprintf(
						"nothing among these files undoes "
						"effect kind '%s'; a pipeline needs "
						"a rollback module that does, or "
						"`irreversible: true`",
						name));
		}
		(void)json_object_set_new(row, "notes", notes);
	}
}

static void
add_words(struct str *text, const char *label, const json_t *words)
{
	json_t *word;
	size_t i;

	json_array_foreach (words, i, word)
		str_addf(text, "%s%s", i ? " " : label, json_string_value(word));
}

static void
add_count(struct str *text, const json_t *list, const char *what)
{
	size_t count = json_array_size(list);

	str_addf(text, "%zu %s%s", count, what, count == 1 ? "" : "s");
}

static void
add_fault(const struct cli *cli, struct str *text, const json_t *row)
{
	out_add(&cli->out, text, TONE_BAD, "bad  ");
	out_addf(&cli->out, text, TONE_STRONG, "%s\n", json_text(row, "path"));
	str_add(text, "     ");
	out_add_wrapped(&cli->out, text, TONE_BAD, json_text(row, "text"), 5);
	out_addf(&cli->out, text, TONE_DIM, " [%s]\n", json_text(row, "code"));
	if (!*json_text(row, "remedy"))
		return;
	str_add(text, "     what to do: ");
	out_add_wrapped(&cli->out, text, TONE_STRONG, json_text(row, "remedy"), 17);
	str_add_c(text, '\n');
}

static void
add_module(const struct cli *cli, struct str *text, const json_t *row)
{
	const json_t *d = json_object_get(row, "description");
	bool is_policy = str_eq(json_text(row, "kind"), "policy");
	json_t *note;
	size_t i;

	out_add(&cli->out, text, TONE_GOOD, "ok   ");
	out_addf(&cli->out, text, TONE_STRONG, "%s\n", json_text(row, "path"));
	out_addf(&cli->out, text, TONE_PLAIN, "     %s %s, %s: %s\n",
		 json_text(row, "name"), json_text(d, "version"),
		 is_policy ? "policy" :
			     stage_name((uint32_t)json_int_or(d, "stage", 0)),
		 json_text(d, "summary"));
	str_add(text, "     ");
	add_words(text, "", json_object_get(d, "callbacks"));
	add_words(text, "; effects ", json_object_get(d, "effects"));
	add_words(text, "; undoes ", json_object_get(d, "undoes"));
	str_add(text, "; ");
	add_count(text, json_object_get(d, "params"), "parameter");
	str_add(text, ", ");
	add_count(text, json_object_get(d, "outputs"), "output");
	str_add_c(text, '\n');
	json_array_foreach (json_object_get(row, "notes"), i, note) {
		str_add(text, "     note: ");
		out_add_wrapped(&cli->out, text, TONE_WARN, json_string_value(note),
				11);
		str_add_c(text, '\n');
	}
}

static json_t *
check_files(const struct cli *cli, const char *scratch_dir, bool *ret_is_well)
{
	AUTO(engine) struct engine engine = { .lib_dir = cli->lib_dir };
	json_t *rows = json_array();

	*ret_is_well = true;
	for (size_t i = 0; i < cli->args.count; i++) {
		AUTO_FREE char *path = path_join(cli->directory, cli->args.v[i]);
		struct err err;
		json_t *row = engine_describe(&engine, scratch_dir, path, &err);

		if (row)
			(void)json_object_set_new(row, "ok", json_true());
		else
			row = fault_row(path, &err);
		*ret_is_well = *ret_is_well && json_flag(row, "ok");
		(void)json_array_append_new(rows, row);
	}
	add_notes(rows);
	return rows;
}

int
verb_plugin_check(struct cli *cli)
{
	const char *parent = getenv("TMPDIR");
	AUTO_FREE char *scratch_dir = x_asprintf(
		"%s/fettle-check-XXXXXX", parent && *parent == '/' ? parent : "/tmp");
	AUTO(json_ref) json_t *rows = NULL;
	AUTO(str) struct str text = STR_INIT;
	bool is_well;
	struct err err;
	json_t *row;
	size_t i;

	if (!mkdtemp(scratch_dir)) {
		(void)err_errno(&err, "store_unavailable", "make a directory '%s'",
				scratch_dir);
		(void)err_remedy(&err, "name a place that can be written in $TMPDIR");
		return cli_fail(cli, &err, EXIT_USAGE);
	}
	rows = check_files(cli, scratch_dir, &is_well);
	tree_remove(AT_FDCWD, scratch_dir);
	if (cli->options.json) {
		out_json(&cli->out, rows);
	} else {
		json_array_foreach (rows, i, row)
			if (!json_flag(row, "ok"))
				add_fault(cli, &text, row);
			else if (!cli->options.quiet)
				add_module(cli, &text, row);
		out_write(&cli->out, &text);
	}
	return is_well ? EXIT_DONE : EXIT_REFUSED;
}
