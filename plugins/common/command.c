/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See command.h. */
#include "plugins/common/command.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "plugins/common/file.h"
#include "plugins/common/outputs.h"

#define TAIL_LINES 5
#define TAIL_BYTES 2000

/* ---- propose ----------------------------------------------------------------- */

int
command_propose_effect(struct fettle_ctx *ctx, const char *kind, const char *what)
{
	const char *service = fettle_fact(ctx, "service.name");
	const char *const *argv = fettle_param_list(ctx, COMMAND_ARGV);
	AUTO_JSON json_t *before = json_pack("{s:s?}", "service", service);
	AUTO_FREE char *text = json_dumps(before, JSON_COMPACT);
	AUTO_FREE char *summary = NULL;

	if (service)
		summary =
			text_format("service %s is %s by `%s`", service, what, argv[0]);
	else
		summary = text_format("something is %s by `%s`", what, argv[0]);
	fettle_effect(ctx, kind, service ? service : argv[0], text, summary);
	fettle_command(ctx, argv);
	return FETTLE_OK;
}

/* ---- run ------------------------------------------------------------------- */

/* Everything around one start of the program. */
struct command {
	struct argv env; /* NAME=VALUE, one each */
	char *outputs;	 /* the file named by FETTLE_OUTPUTS */
	struct fettle_exited exited;
};

static void
command_done(struct command *command)
{
	argv_done(&command->env);
	free(command->outputs);
}

static void
command_init(struct fettle_ctx *ctx, struct command *command)
{
	AUTO_JSON json_t *env = NULL;
	const char *name;
	json_t *value;

	if (fettle_param_given(ctx, COMMAND_ENV))
		env = json_loads(fettle_param_json(ctx, COMMAND_ENV), 0, NULL);
	json_object_foreach(env, name, value)
		argv_addf(&command->env, "%s=%s", name, json_string_value(value));
	command->outputs = text_format("%s/outputs", fettle_scratch(ctx));
	argv_addf(&command->env, "FETTLE_OUTPUTS=%s", command->outputs);
}

static bool
status_is_expected(struct fettle_ctx *ctx, const struct fettle_exited *exited)
{
	const char *const *expect = fettle_param_list(ctx, COMMAND_EXPECT);

	for (size_t i = 0; exited->status >= 0 && expect[i]; i++)
		if (strtol(expect[i], NULL, 10) == exited->status)
			return true;
	return false;
}

/* The last few lines of some output, as one. */
static void
add_tail(struct text *text, const char *s, size_t len)
{
	size_t begin, lines = 0;

	while (len > 0 && (s[len - 1] == '\n' || s[len - 1] == '\r'))
		len--;
	for (begin = len; begin > 0 && len - begin < TAIL_BYTES; begin--)
		if (s[begin - 1] == '\n' && ++lines == TAIL_LINES)
			break;
	if (begin < len)
		text_add(text, ": ");
	for (; begin < len; begin++)
		text_add_n(text, s[begin] == '\n' ? " / " : s + begin,
			   s[begin] == '\n' ? 3 : 1);
}

/* How the program ended, with the last it said. */
static int
fail_exited(struct fettle_ctx *ctx, const struct fettle_exited *exited)
{
	const char *program = fettle_proposed_command(ctx, 0)[0];
	AUTO_TEXT struct text how = { 0 };

	if (exited->timed_out)
		text_add(&how, "did not end in time and was killed");
	else if (exited->signal)
		text_addf(&how, "was killed by signal %d", exited->signal);
	else
		text_addf(&how, "ended with exit status %d", exited->status);
	if (exited->err_len)
		add_tail(&how, exited->err, exited->err_len);
	else if (exited->out_len)
		add_tail(&how, exited->out, exited->out_len);
	return fettle_fail(
		ctx, "command_failed",
		"read the step's log, run the command by hand, or list the status in "
		"`expect` when it means success",
		"'%s' %s", program, text_get(&how));
}

/* Starts the program once. FETTLE_OK when it ran to some end. */
static int
command_start(struct fettle_ctx *ctx, struct command *command, uint64_t timeout_ms)
{
	struct fettle_exec exec = {
		.size = sizeof(exec),
		.flags = FETTLE_TAIL |
			 (fettle_param_bool(ctx, COMMAND_CAPTURE) ? FETTLE_CAPTURE : 0),
		.env = argv_get(&command->env),
		.timeout_ms = timeout_ms,
	};

	if (unlink(command->outputs) < 0 && errno != ENOENT)
		return fettle_error(ctx, FETTLE_WHY_HOST, "remove '%s': %s",
				    command->outputs, strerror(errno));
	command->exited = (struct fettle_exited){ .size = sizeof(command->exited) };
	if (fettle_exec_proposed(ctx, 0, &exec, &command->exited) < 0)
		return fettle_error_code(
			ctx, FETTLE_WHY_HOST, "program_missing",
			"install it, or correct `argv`", "start '%s': %s",
			fettle_proposed_command(ctx, 0)[0],
			command->exited.err ? command->exited.err : "");
	return FETTLE_OK;
}

static int
set_values(struct fettle_ctx *ctx, const struct command *command)
{
	AUTO_TEXT struct text bytes = { 0 }, why = { 0 };
	AUTO_JSON json_t *values = NULL;
	AUTO_FREE char *text = NULL;

	if (file_load(command->outputs, OUTPUTS_MAX_BYTES, &bytes) < 0 &&
	    errno != ENOENT)
		return fettle_fail(
			ctx, "command_outputs",
			"write a plain file of at most 1 MiB to $FETTLE_OUTPUTS",
			"read the program's outputs: %s", strerror(errno));
	values = outputs_parse(text_get(&bytes), bytes.len, &why);
	if (!values)
		return fettle_fail(ctx, "command_outputs",
				   "write NAME=VALUE lines or NAME<<END blocks to "
				   "$FETTLE_OUTPUTS",
				   "the program's outputs, %s", text_get(&why));
	text = json_dumps(values, JSON_COMPACT);
	fettle_set_output(ctx, "values", text);
	return FETTLE_OK;
}

/* A JSON string of whatever a program printed: what is not UTF-8 becomes `?`. */
static char *
json_quote(const char *s, size_t len)
{
	AUTO_TEXT struct text clean = { 0 };
	AUTO_JSON json_t *json = NULL;

	while (len && (s[len - 1] == '\n' || s[len - 1] == '\r'))
		len--;
	json = json_stringn(s, len);
	if (!json) {
		text_add_n(&clean, s, len);
		for (size_t i = 0; i < clean.len; i++)
			if ((unsigned char)clean.s[i] > 0x7f)
				clean.s[i] = '?';
		json = json_stringn(clean.s, clean.len);
	}
	return json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);
}

static int
command_finish(struct fettle_ctx *ctx, const struct command *command)
{
	const struct fettle_exited *exited = &command->exited;
	AUTO_FREE char *status = text_format("%d", exited->status);
	AUTO_FREE char *out = NULL;
	int result;

	fettle_set_output(ctx, "status", status);
	if (exited->out) {
		out = json_quote(exited->out, exited->out_len);
		fettle_set_output(ctx, "stdout", out);
	}
	result = set_values(ctx, command);
	if (result != FETTLE_OK)
		return result;
	return status_is_expected(ctx, exited) ? FETTLE_OK : fail_exited(ctx, exited);
}

int
command_run(struct fettle_ctx *ctx)
{
	return command_run_within(ctx, 0, 0);
}

int
command_run_within(struct fettle_ctx *ctx, uint64_t within_ms, uint64_t interval_ms)
{
	AUTO(command) struct command command = { 0 };
	int64_t until = clock_boot_ms() + (int64_t)within_ms;
	int result;

	command_init(ctx, &command);
	for (;;) {
		int64_t left = until - clock_boot_ms();

		result = command_start(ctx, &command,
				       within_ms ? (uint64_t)(left > 0 ? left : 1) : 0);
		if (result != FETTLE_OK)
			return result;
		if (status_is_expected(ctx, &command.exited) || within_ms == 0)
			break;
		if (until - clock_boot_ms() <= (int64_t)interval_ms ||
		    fettle_time_left(ctx) <= interval_ms)
			break;
		fettle_progress(ctx, within_ms - (uint64_t)left, within_ms,
				"not yet, trying again");
		clock_sleep_ms((int64_t)interval_ms);
	}
	return command_finish(ctx, &command);
}

/* The standing effects as a file in the scratch directory. -1 with errno. */
static int
effects_save(struct fettle_ctx *ctx, const char *path)
{
	AUTO_JSON json_t *effects = json_array();
	struct fettle_proposed_effect effect;

	for (uint32_t i = 0; fettle_proposed_effect(ctx, i, &effect); i++) {
		json_t *before = json_loads(effect.before ? effect.before : "null",
					    JSON_DECODE_ANY, NULL);

		json_array_append_new(effects,
				      json_pack("{s:s, s:s, s:o?, s:s?}", "kind",
						effect.kind, "target", effect.target,
						"before", before, "step", effect.step));
	}
	return json_dump_file(effects, path, JSON_INDENT(1));
}

int
command_run_effects(struct fettle_ctx *ctx)
{
	AUTO_FREE char *path = text_format("%s/effects.json", fettle_scratch(ctx));
	AUTO(command) struct command command = { 0 };
	int result;

	if (effects_save(ctx, path) < 0)
		return fettle_error(ctx, FETTLE_WHY_HOST, "write '%s': %s", path,
				    strerror(errno));
	command_init(ctx, &command);
	argv_addf(&command.env, "FETTLE_EFFECTS=%s", path);
	result = command_start(ctx, &command, 0);
	return result == FETTLE_OK ? command_finish(ctx, &command) : result;
}
