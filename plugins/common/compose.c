/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See compose.h. */
#include "plugins/common/compose.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugins/common/program.h"

bool
compose_is_v1(const struct compose *compose)
{
	return compose->version[0] == '1' && compose->version[1] == '.';
}

char *
compose_normal_name(const char *name)
{
	struct text normal = { 0 };

	text_add(&normal, "");
	for (; *name; name++) {
		char c = (char)tolower((unsigned char)*name);
		bool may_begin = isalnum((unsigned char)c) != 0;
		if (may_begin || (normal.len > 0 && (c == '-' || c == '_')))
			text_add_n(&normal, &c, 1);
	}
	return normal.s;
}

/* ---- the exact environment ---------------------------------------------- */

static bool
is_ours(const char *name)
{
	return text_starts(name, "COMPOSE_") || text_starts(name, "DOCKER_");
}

static void
fill_env(struct compose *compose)
{
	const char *host = json_member(compose->options, "docker_host");
	const char *config = json_member(compose->options, "docker_config");
	size_t i;
	json_t *name;

	json_array_foreach(json_object_get(compose->options, "env"), i, name) {
		const char *variable = json_string_value(name);
		const char *value =
			variable ? fettle_secret(compose->ctx, variable) : NULL;

		if (value && !is_ours(variable))
			argv_addf(&compose->env, "%s=%s", variable, value);
	}
	argv_addf(&compose->env, "DOCKER_HOST=%s",
		  host ? host : "unix:///var/run/docker.sock");
	argv_add(&compose->env, "COMPOSE_INTERACTIVE_NO_CLI=1");
	if (config && *config == '/')
		argv_addf(&compose->env, "DOCKER_CONFIG=%s", config);
	else if (config)
		argv_addf(&compose->env, "DOCKER_CONFIG=%s/%s", compose->workspace,
			  config);
}

void
compose_use_buildkit(struct compose *compose, bool wanted)
{
	argv_addf(&compose->env, "DOCKER_BUILDKIT=%d", wanted);
	if (wanted)	/* older versions 1 do not call the docker program unasked */
		argv_add(&compose->env, "COMPOSE_DOCKER_CLI_BUILD=1");
}

/* As the project says, else as the program does; of version 1 that is known. */
static void
choose_builder(struct compose *compose)
{
	const json_t *wanted = json_object_get(compose->options, "buildkit");

	if (json_is_boolean(wanted))
		compose_use_buildkit(compose, json_is_true(wanted));
	else if (compose_is_v1(compose))
		compose_use_buildkit(compose, false);
}

int
compose_open_as(struct fettle_ctx *ctx, const char *made_by, struct compose *ret,
		struct fault *fault)
{
	struct compose compose = {
		.ctx = ctx,
		.project = fettle_fact(ctx, "project.name"),
		.workspace = fettle_fact(ctx, "project.directory"),
		.data_dir = fettle_fact(ctx, "fettle.data_dir"),
		.options = json_of(fettle_fact(ctx, "project.compose")),
		.program = json_of(fettle_fact(ctx, "project.compose_program")),
		.version = text_copy(fettle_fact(ctx, "project.compose_version"))
	};

	if (!compose.project || !compose.workspace ||
	    !json_is_object(compose.options)) {
		fault_set(fault, FETTLE_WHY_INPUT, "project_missing",
			  "this step needs a Compose project, and there is none");
		fault_remedy(fault,
			     "run it where fettle.yaml is, or make one: `fettle init`");
		compose_close(&compose);
		return -1;
	}
	fill_env(&compose);
	if (!compose.program || !compose.version) {
		struct program found = { 0 };
		if (program_find(ctx, argv_get(&compose.env), made_by, &found, fault) <
		    0) {
			compose_close(&compose);
			return -1;
		}
		json_decref(compose.program);
		free(compose.version);
		compose.program = found.argv;
		compose.version = found.version;
	}
	compose.name = program_text(compose.program);
	choose_builder(&compose);
	*ret = compose;
	return 0;
}

int
compose_open(struct fettle_ctx *ctx, struct compose *ret, struct fault *fault)
{
	return compose_open_as(ctx, NULL, ret, fault);
}

void
compose_close(struct compose *compose)
{
	free(compose->name);
	json_decref(compose->options);
	json_decref(compose->program);
	free(compose->version);
	free(compose->said);
	text_done(&compose->log);
	argv_done(&compose->env);
	*compose = (struct compose){ 0 };
}

/* ---- arguments ---------------------------------------------------------- */

static void
add_each(struct argv *argv, const char *option, const json_t *list)
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item) {
		argv_add(argv, option);
		argv_add(argv, json_string_value(item));
	}
}

char *
compose_directory(const struct compose *compose)
{
	const char *below = json_member(compose->options, "directory");

	return below ? text_format("%s/%s", compose->workspace, below) :
		       text_copy(compose->workspace);
}

void
compose_argv(const struct compose *compose, struct argv *ret)
{
	const char *env_file = json_member(compose->options, "env_file");
	AUTO_FREE char *project = compose_normal_name(compose->project);
	AUTO_FREE char *directory = compose_directory(compose);
	size_t i;
	json_t *word;

	json_array_foreach(compose->program, i, word)
		argv_add(ret, json_string_value(word));
	argv_add(ret, "--ansi");
	argv_add(ret, "never");
	argv_add(ret, "-p");
	argv_add(ret, project);	/* version 2 refuses what version 1 makes so itself */
	argv_add(ret, "--project-directory");
	argv_add(ret, directory);
	add_each(ret, "-f", json_object_get(compose->options, "files"));
	argv_add(ret, "--env-file"); /* an empty one, so that no .env is read unasked */
	if (env_file)	/* whole: versions 1 and 2 look for it in different places */
		argv_addf(ret, "%s/%s", compose->workspace, env_file);
	else
		argv_addf(ret, "%s/empty.env",
			  compose->data_dir ? compose->data_dir : "");
	add_each(ret, "--profile", json_object_get(compose->options, "profiles"));
}

void
compose_up_argv(const struct compose *compose, const char *service, int64_t replicas,
		struct argv *ret)
{
	compose_argv(compose, ret);
	argv_add(ret, "up");
	argv_add(ret, "-d");
	argv_add(ret, "--no-deps");
	argv_add(ret, "--no-build");
	argv_add(ret, "--force-recreate");
	argv_add(ret, "--scale");
	argv_addf(ret, "%s=%lld", service, (long long)replicas);
	argv_add(ret, service);
}

/* ---- what compose says -------------------------------------------------- */

char *
compose_unset_variable(const char *errors)
{
	static const char tail[] = " variable is not set";
	const char *end = strstr(errors, tail);

	if (!end)
		return NULL;
	while (end > errors && (end[-1] == '"' || end[-1] == '\\'))
		end--;
	const char *begin = end;
	while (begin > errors &&
	       (isalnum((unsigned char)begin[-1]) || begin[-1] == '_'))
		begin--;
	return begin < end ? text_copy_n(begin, (size_t)(end - begin)) : NULL;
}

/*
 * What a line of compose's says: of `time=... level=... msg="TEXT"` the text, of
 * `ERROR: TEXT` too, of warnings nothing. Caller owns.
 */
static char *
line_text(const char *line)
{
	const char *msg = strstr(line, "level=") ? strstr(line, "msg=\"") : NULL;
	struct text text = { 0 };

	text_add(&text, "");
	if (strstr(line, "level=warning") || strstr(line, "option is deprecated"))
		return text.s;
	if (!msg) {
		text_add(&text, text_starts(line, "ERROR: ") ? line + 7 : line);
		return text.s;
	}
	for (msg += 5; *msg && *msg != '"'; msg++) {
		msg += msg[0] == '\\' && msg[1];
		text_add_n(&text, msg, 1);
	}
	return text.s;
}

char *
compose_complaint(const char *errors)
{
	struct text said = { 0 };
	const char *line = errors;

	text_add(&said, "");
	while (*line) {
		size_t n = strcspn(line, "\n");
		AUTO_FREE char *one = text_copy_n(line, n);
		AUTO_FREE char *text = line_text(one);
		const char *first = text;
		size_t last = strlen(text);

		while (last > 0 && isspace((unsigned char)text[last - 1]))
			last--;
		if (last > 0) {
			for (; isspace((unsigned char)*first); first++)
				last--;
			if (said.len > 0)
				text_add(&said, " ");
			text_add_n(&said, first, last);
		}
		line += n + (line[n] == '\n');
	}
	if (said.len == 0)
		text_add(&said, "no reason given");
	return said.s;
}

static int
variable_unset(const struct compose *compose, const char *name, struct fault *fault)
{
	if (json_has_text(json_object_get(compose->options, "env"), name)) {
		fault_set(fault, FETTLE_WHY_INPUT, "compose_variable_unset",
			  "the compose file uses variable '%s', which compose.env "
			  "names, but which is not set where Fettle runs",
			  name);
		return fault_remedy(
			fault, "set %s in Fettle's environment and run again", name);
	}
	fault_set(fault, FETTLE_WHY_INPUT, "compose_variable_unset",
		  "the compose file uses variable '%s', which is not set", name);
	return fault_remedy(fault,
			    "name %s under compose.env in fettle.yaml and set it, or "
			    "name the file that sets it under compose.env_file",
			    name);
}

/* A name in compose.files that leads nowhere: Compose is asked in the workspace. */
static const char *
missing_file(const struct compose *compose)
{
	json_t *file;
	size_t i;

	json_array_foreach(json_object_get(compose->options, "files"), i, file)
		if (access(json_string_value(file), F_OK) < 0)
			return json_string_value(file);
	return NULL;
}

static int
refused(const struct compose *compose, const char *errors, struct fault *fault)
{
	AUTO_FREE char *complaint = compose_complaint(errors);
	AUTO_FREE char *directory = compose_directory(compose);
	const char *missing = missing_file(compose);

	if (missing) {
		fault_set(fault, FETTLE_WHY_INPUT, "compose_invalid",
			  "there is no Compose file '%s' in %s", missing,
			  compose->workspace);
		return fault_remedy(fault, "correct `files:` under `compose:` of "
					   "fettle.yaml, or make the file");
	}
	fault_set(fault, FETTLE_WHY_INPUT, "compose_invalid",
		  "compose refuses the project: %s", complaint);
	return fault_remedy(fault,
			    "mend the compose file; `%s config` in %s shows the same",
			    compose->name, directory);
}

int
compose_config(struct compose *compose, const char *const *words, char **ret,
	       size_t *ret_len, struct fault *fault)
{
	AUTO_ARGV struct argv argv = { 0 };
	struct fettle_exited exited = { .size = sizeof(exited) };

	compose_argv(compose, &argv);
	argv_add(&argv, "config");
	for (; *words; words++)
		argv_add(&argv, *words);
	struct fettle_exec exec = { .size = sizeof(exec), .argv = argv_get(&argv),
				    .env = argv_get(&compose->env), .timeout_ms = 60000,
				    .flags = FETTLE_CAPTURE | FETTLE_CAPTURE_ERROR };
	if (fettle_exec(compose->ctx, &exec, &exited) < 0)
		return fault_set(fault, FETTLE_WHY_HOST, "compose_missing",
				 "%s cannot be run: %s", compose->name,
				 exited.err ? exited.err : "not found");
	if (exited.timed_out) {
		fault_set(fault, FETTLE_WHY_TRANSIENT, "compose_timeout",
			  "`%s config` did not end within a minute", compose->name);
		return fault_remedy(fault, "run it by hand to see where it hangs");
	}
	if (exited.signal)
		return fault_set(fault, FETTLE_WHY_TRANSIENT, "compose_killed",
				 "`%s config` was killed by signal %d", compose->name,
				 exited.signal);
	AUTO_FREE char *errors =
		text_copy_n(exited.err ? exited.err : "", exited.err_len);
	AUTO_FREE char *unset = compose_unset_variable(errors);
	if (unset)
		return variable_unset(compose, unset, fault);
	if (exited.status != 0)
		return refused(compose, errors, fault);
	*ret = text_copy_n(exited.out ? exited.out : "", exited.out_len);
	*ret_len = strlen(*ret);
	return 0;
}

/* ---- build and up ------------------------------------------------------- */

/* Without colours, which the classic builder sends whatever it is told. */
static void
add_plain(struct text *plain, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] != '\033' || i + 1 == n || text[i + 1] != '[') {
			text_add_n(plain, text + i, 1);
			continue;
		}
		for (i += 2; i < n && !isalpha((unsigned char)text[i]);)
			i++;
	}
}

char *
compose_last_lines(const char *said, size_t said_len, size_t count)
{
	AUTO_TEXT struct text plain = { 0 };
	struct text joined = { 0 };

	add_plain(&plain, said, said_len);
	const char *text = text_get(&plain);
	size_t n = plain.len;
	size_t begin = n, found = 0;

	/* Backwards to where `count` lines that say something begin. */
	for (size_t end = n; end > 0 && found<count; end = begin> 0 ? begin - 1 : 0) {
		begin = end;
		while (begin > 0 && text[begin - 1] != '\n')
			begin--;
		for (size_t i = begin; i < end; i++)
			if (!isspace((unsigned char)text[i])) {
				found++;
				break;
			}
		if (begin == 0)
			break;
	}
	for (size_t i = begin; i < n; i++) {
		bool is_blank = isspace((unsigned char)text[i]);
		if (!is_blank)
			text_add_n(&joined, text + i, 1);
		else if (joined.len > 0 && joined.s[joined.len - 1] != ' ')
			text_add(&joined, " ");
	}
	if (joined.len > 0 && joined.s[joined.len - 1] == ' ')
		joined.s[--joined.len] = '\0';
	return joined.s;
}

/* The last lines, and first what Compose cannot say itself. Caller owns. */
static char *
last_words(const struct fettle_exited *exited)
{
	AUTO_FREE char *lines =
		exited->err ? compose_last_lines(exited->err, exited->err_len, 3) :
			      NULL;

	if (!exited->signal)
		return lines ? text_copy(lines) : NULL;
	return text_format("it was killed by signal %d%s%s", exited->signal,
			   lines ? ": " : "", lines ? lines : "");
}

static int
ended(struct compose *compose, const struct fettle_exited *exited, int started,
      int *ret, struct fault *fault)
{
	if (started < 0) {
		fault_set(fault, FETTLE_WHY_HOST, "compose_missing",
			  "%s cannot be run: %s", compose->name,
			  exited->err ? exited->err : "not found");
		return fault_remedy(fault,
				    "install Docker Compose: package docker-compose, "
				    "or docker-compose-plugin from Docker");
	}
	if (exited->timed_out) {
		fault_set(fault, FETTLE_WHY_TRANSIENT, "step_timeout",
			  "%s was still running when the step's time was over",
			  compose->name);
		return fault_remedy(fault, "give the step more `timeout:`, or see its "
					   "log for what it waits for");
	}
	free(compose->said);
	compose->said = last_words(exited);
	text_done(&compose->log);
	if (compose->keeps_log && exited->err)
		text_add_n(&compose->log, exited->err, exited->err_len);
	*ret = exited->status;
	return 0;
}

int
compose_run_proposed(struct compose *compose, uint32_t i, int *ret, struct fault *fault)
{
	struct fettle_exited exited = { .size = sizeof(exited) };
	struct fettle_exec exec = { .size = sizeof(exec),
				    .flags = FETTLE_TAIL |
					     (compose->keeps_log ? FETTLE_LONG_TAIL :
								   0),
				    .env = argv_get(&compose->env) };
	int started = fettle_exec_proposed(compose->ctx, i, &exec, &exited);

	return ended(compose, &exited, started, ret, fault);
}

int
compose_run(struct compose *compose, const struct argv *argv, int *ret,
	    struct fault *fault)
{
	struct fettle_exited exited = { .size = sizeof(exited) };
	struct fettle_exec exec = { .size = sizeof(exec),
				    .flags = FETTLE_TAIL,
				    .argv = argv_get(argv),
				    .env = argv_get(&compose->env) };
	int started = fettle_exec(compose->ctx, &exec, &exited);

	return ended(compose, &exited, started, ret, fault);
}
