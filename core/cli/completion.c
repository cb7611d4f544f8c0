/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `fettle completion`: scripts for shells, made of the tables that the parser
 * uses, so that they never know another verb or option than it does. What is
 * only known when somebody types (runs, services, pipelines, modules) the script
 * asks for by `fettle completion WORDS`.
 */
#include "base/base.h"

#include "cli/completion.h"
#include "engine/module.h"
#include "model/project.h"

static const struct completion_source sources[] = {
	{ "pipeline", "NAME|FILE", "pipelines", true, false },
	{ "service", "NAME", "services", false, false },
	{ NULL, "RUN", "runs", false, false },
	{ NULL, "STATE", "states", false, false },
	{ NULL, "KIND", "kinds", false, false },
	{ NULL, "high|normal", "priorities", false, false },
	{ NULL, "SHELL", "shells", false, false },
	{ NULL, "FILE", NULL, true, false },
	{ NULL, "DIR", NULL, false, true },
};

/* ---- words ------------------------------------------------------------- */

static const char *const kinds[] = { "step", "policy", "rollback", NULL };
static const char *const shells[] = { "bash", "zsh", "fish", NULL };

static const struct {
	const char *name;
	const char *const *words;
} lists[] = {
	{ "states", option_states },
	{ "kinds", kinds },
	{ "priorities", option_priorities },
	{ "shells", shells },
};

/* Whatever cannot be told is no word: completion never complains. */
static void
add_runs(struct cli *cli, struct strv *words)
{
	const struct store_filter filter = { .limit = 50 };
	AUTO(json_ref) json_t *runs = NULL;
	struct err ignored;
	json_t *run;
	size_t i;

	strv_add(words, "last");
	if (!cli_has_store(cli) || cli_open_store(cli, STORE_READ, &ignored) < 0)
		return;
	runs = store_runs(cli->store, &filter, &ignored);
	json_array_foreach (runs, i, run)
		strv_add(words, json_text(run, "run"));
}

static void
add_of_project(struct cli *cli, bool wants_services, struct strv *words)
{
	struct err ignored;
	struct project *project = project_find(cli->directory, &ignored);
	const char *name;
	json_t *file;

	if (!wants_services)
		strv_add(words, "repair");
	if (!project)
		return;
	for (size_t i = 0; wants_services && i < project->service_count; i++)
		strv_add(words, project->services[i].name);
	json_object_foreach (project->pipelines, name, file)
		if (!wants_services && !strv_has(words, name))
			strv_add(words, name);
	project_free(project);
}

/* 0, or -1: there is no such list. */
static int
list_words(struct cli *cli, const char *name, struct strv *words)
{
	const struct engine engine = { .lib_dir = cli->lib_dir };

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		if (!str_eq(lists[i].name, name))
			continue;
		for (const char *const *word = lists[i].words; *word; word++)
			strv_add(words, *word);
		return 0;
	}
	if (str_eq(name, "runs")) {
		add_runs(cli, words);
	} else if (str_eq(name, "services") || str_eq(name, "pipelines")) {
		add_of_project(cli, str_eq(name, "services"), words);
	} else if (str_eq(name, "modules")) {
		module_names(&engine, false, words);
		module_names(&engine, true, words);
	} else {
		return -1;
	}
	return 0;
}

/* ---- what the tables say ------------------------------------------------ */

const struct completion_source *
completion_of_option(const struct option_row *row)
{
	for (size_t i = 0; row->value && i < ARRAY_LEN(sources); i++)
		if (str_eq(sources[i].value, row->value) &&
		    (!sources[i].option || str_eq(sources[i].option, row->name)))
			return &sources[i];
	return NULL;
}

/* The source of a verb's arguments: that of the first word they begin with. */
const struct completion_source *
completion_of_verb(const struct verb *verb)
{
	static const struct completion_source modules = { .ask = "modules" };
	const char *args = verb->args + strspn(verb->args, "[");

	if (str_eq(verb->name, "plugins"))
		return &modules;
	for (size_t i = 0; i < ARRAY_LEN(sources); i++)
		if (!sources[i].option && str_starts(args, sources[i].value))
			return &sources[i];
	return NULL;
}

int
verb_completion(struct cli *cli)
{
	const char *what = cli_arg(cli, 0);
	AUTO(strv) struct strv words = STRV_INIT;
	AUTO(str) struct str text = STR_INIT;

	if (!completion_script(what, &text) && list_words(cli, what, &words) < 0)
		return cli_misuse(cli, "completion",
				  "there is no completion for '%s'; there is one for "
				  "bash, zsh and fish",
				  what);
	for (size_t i = 0; i < words.count; i++)
		out_addf(&cli->out, &text, TONE_PLAIN, "%s\n", words.v[i]);
	out_write(&cli->out, &text);
	return EXIT_DONE;
}
