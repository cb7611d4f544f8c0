/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See program.h. */
#include "plugins/common/program.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/common/compose.h"

void
program_done(struct program *program)
{
	json_decref(program->argv);
	free(program->version);
	*program = (struct program){ 0 };
}

char *
program_text(const json_t *argv)
{
	struct text text = { 0 };
	size_t i;
	json_t *word;

	text_add(&text, "");
	json_array_foreach(argv, i, word)
		text_addf(&text, "%s%s", i > 0 ? " " : "", json_string_value(word));
	return text.s;
}

/* A word as a shell reads it. */
static void
add_word(struct text *text, const char *word)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789_./:@%+=,-";

	text_add(text, " ");
	if (*word && word[strspn(word, plain)] == '\0') {
		text_add(text, word);
		return;
	}
	text_add(text, "'");
	for (; *word; word++) {
		if (*word == '\'')
			text_add(text, "'\\'");
		text_add_n(text, word, 1);
	}
	text_add(text, "'");
}

static void
add_option(struct text *text, const char *option, const char *value)
{
	text_addf(text, " %s", option);
	add_word(text, value);
}

static void
add_options(struct text *text, const char *option, const json_t *values)
{
	const json_t *value;
	size_t i;

	json_array_foreach(values, i, value)
		add_option(text, option, json_string_value(value));
}

char *
program_command(struct fettle_ctx *ctx)
{
	AUTO_JSON json_t *argv = json_of(fettle_fact(ctx, "project.compose_program"));
	AUTO_JSON json_t *options = json_of(fettle_fact(ctx, "project.compose"));
	AUTO_FREE char *program = json_array_size(argv) > 0 ?
					  program_text(argv) :
					  text_copy("docker-compose");
	const char *name = fettle_fact(ctx, "project.name");
	const char *workspace = fettle_fact(ctx, "project.directory");
	const char *below = json_member(options, "directory");
	const char *env_file = json_member(options, "env_file");
	struct text text = { 0 };

	text_add(&text, program);
	if (name) {
		AUTO_FREE char *project = compose_normal_name(name);

		add_option(&text, "-p", project);
	}
	if (below)
		add_option(&text, "--project-directory", below);
	add_options(&text, "-f", json_object_get(options, "files"));
	if (env_file) {	/* whole: versions 1 and 2 look for it in different places */
		AUTO_FREE char *path =
			text_format("%s/%s", workspace ? workspace : ".", env_file);

		add_option(&text, "--env-file", path);
	}
	add_options(&text, "--profile", json_object_get(options, "profiles"));
	return text.s;
}

bool
program_same_major(const char *version, const char *other)
{
	size_t n = version ? strcspn(version, ".") : 0;

	return n > 0 && other && strcspn(other, ".") == n &&
	       strncmp(version, other, n) == 0;
}

char *
program_script_version(const char *script)
{
	static const char mark[] = "docker-compose==";
	const char *found = text_starts(script, "#!") ? strstr(script, mark) : NULL;

	if (!found)
		return NULL;
	found += strlen(mark);
	size_t n = strspn(found, "0123456789.");
	return n > 0 ? text_copy_n(found, n) : NULL;
}

/*
 * docker-compose 1 is a Python script that takes a third of a second to say
 * its version, and has it in plain text.
 */
static char *
script_version(void)
{
	const char *dirs = getenv("PATH");

	while (dirs && *dirs) {
		size_t n = strcspn(dirs, ":");
		AUTO_FREE char *path = text_format("%.*s/docker-compose", (int)n, dirs);
		FILE *file = fopen(path, "re");
		char script[1024];

		if (file) {
			size_t len = fread(script, 1, sizeof(script) - 1, file);
			script[len] = '\0';
			(void)fclose(file);	/* only read */
			return program_script_version(script);
		}
		dirs += n + (dirs[n] == ':');
	}
	return NULL;
}

/* The first word of what a program prints, `v` taken off, or NULL when it fails. */
static char *
asked_version(struct fettle_ctx *ctx, const char *const *argv, const char *const *env)
{
	struct fettle_exec exec = { .size = sizeof(exec),
				    .argv = argv,
				    .env = env,
				    .timeout_ms = 20000,
				    .flags = FETTLE_CAPTURE | FETTLE_CAPTURE_ERROR |
					     FETTLE_QUIET };
	struct fettle_exited exited = { .size = sizeof(exited) };

	if (fettle_exec(ctx, &exec, &exited) < 0 || exited.status != 0 || !exited.out)
		return NULL;
	const char *from = exited.out + (exited.out_len > 0 && exited.out[0] == 'v');
	size_t n = strcspn(from, " \r\n");
	return n > 0 && isdigit((unsigned char)*from) ? text_copy_n(from, n) : NULL;
}

static bool
find_plugin(struct fettle_ctx *ctx, const char *const *env, struct program *ret)
{
	static const char *const argv[] = { "docker", "compose", "version", "--short",
					    NULL };

	ret->version = asked_version(ctx, argv, env);
	if (ret->version)
		ret->argv = json_pack("[s, s]", "docker", "compose");
	return ret->version != NULL;
}

static bool
find_standalone(struct fettle_ctx *ctx, const char *const *env, struct program *ret)
{
	static const char *const argv[] = { "docker-compose", "version", "--short",
					    NULL };

	ret->version = script_version();
	if (!ret->version)
		ret->version = asked_version(ctx, argv, env);
	if (ret->version)
		ret->argv = json_pack("[s]", "docker-compose");
	return ret->version != NULL;
}

int
program_find(struct fettle_ctx *ctx, const char *const *env, const char *made_by,
	     struct program *ret, struct fault *fault)
{
	struct program plugin = { 0 }, standalone = { 0 };

	/* Asked last, only when needed: each answer costs a process. */
	if (made_by && program_same_major(made_by, "1") &&
	    find_standalone(ctx, env, &standalone) &&
	    program_same_major(made_by, standalone.version)) {
		*ret = standalone;
		return 0;
	}
	if (find_plugin(ctx, env, &plugin)) {
		program_done(&standalone);
		*ret = plugin;
		return 0;
	}
	if (standalone.version || find_standalone(ctx, env, &standalone)) {
		*ret = standalone;
		return 0;
	}
	fault_set(fault, FETTLE_WHY_HOST, "compose_missing",
		  "neither `docker compose` nor `docker-compose` can be run");
	return fault_remedy(fault, "install Docker Compose: package docker-compose, or "
				   "docker-compose-plugin from Docker");
}
