/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fettle_exec(): a program with a clean environment, seen in log and events. */
#include "base/base.h"
#include "sdk/ctx.h"

#include <unistd.h>

#include "sdk/program.h"

/* ---- what a person sees ------------------------------------------------ */

static bool
is_plain(const char *word)
{
	return word[0] &&
	       word[strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				 "0123456789_@%+=:,./-")] == '\0';
}

static void
add_quoted(struct str *line, const char *word)
{
	if (is_plain(word)) {
		str_add(line, word);
		return;
	}
	str_add_c(line, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			str_add(line, "'\\''");
		else
			str_add_c(line, *word);
	}
	str_add_c(line, '\'');
}

/* `+ docker compose build api`, as one could type it. */
static void
log_command(const char *const *argv)
{
	AUTO(str) struct str line = STR_INIT;
	AUTO(str) struct str visible = STR_INIT;

	str_add_c(&line, '+');
	for (size_t i = 0; argv[i]; i++) {
		str_add_c(&line, ' ');
		add_quoted(&line, argv[i]);
	}
	str_add_c(&line, '\n');
	str_add_visible(&visible, line.s, line.len);
	(void)!write(1, visible.s, visible.len); /* A log that is gone stops nothing. */
}

/* ---- environment ------------------------------------------------------- */

/* Sets NAME=VALUE; `entry` replaces an earlier one of the same name. */
static void
env_set(struct strv *env, const char *entry)
{
	size_t name_len = strcspn(entry, "=") + 1;

	for (size_t i = 0; i < env->count; i++) {
		if (strncmp(env->v[i], entry, name_len) != 0)
			continue;
		free(env->v[i]);
		env->v[i] = x_strdup(entry);
		return;
	}
	strv_add(env, entry);
}

static void
env_build(struct fettle_ctx *ctx, const struct fettle_exec *exec, struct strv *env)
{
	static const char *const inherited[] = { "PATH", "LANG", "FETTLE_ATTEMPT" };
	const char *key;
	json_t *value;

	for (size_t i = 0; i < ARRAY_LEN(inherited); i++)
		if (getenv(inherited[i]))
			strv_addf(env, "%s=%s", inherited[i], getenv(inherited[i]));
	strv_addf(env, "HOME=%s", fettle_scratch(ctx));
	strv_addf(env, "TMPDIR=%s", fettle_scratch(ctx));
	json_object_foreach (json_object_get(ctx->call.request, "env"), key, value) {
		AUTO_FREE char *entry =
			x_asprintf("%s=%s", key, json_string_value(value));

		env_set(env, entry);
	}
	for (size_t i = 0; exec->env && exec->env[i]; i++) {
		if (!strchr(exec->env[i], '='))
			fettle__bug(ctx,
				    "fettle_exec() with '%s' in env, which is no "
				    "NAME=VALUE",
				    exec->env[i]);
		env_set(env, exec->env[i]);
	}
}

/* ---- the call ---------------------------------------------------------- */

static uint64_t
limit_of(struct fettle_ctx *ctx, const struct fettle_exec *exec)
{
	uint64_t left = fettle_time_left(ctx);

	return exec->timeout_ms && exec->timeout_ms < left ? exec->timeout_ms : left;
}

static const char *
keep_capture(struct fettle_ctx *ctx, struct capture *capture, const char *program,
	     size_t *ret_len)
{
	if (capture->is_cut)
		fettle_warn(ctx, "output of '%s' above %u MiB was dropped", program,
			    CAPTURE_MAX_BYTES >> 20);
	*ret_len = capture->bytes.len;
	return ctx_keep(ctx, str_take(&capture->bytes));
}

static int
refuse(struct fettle_ctx *ctx, struct fettle_exited *exited, const char *why)
{
	exited->err = ctx_keep(ctx, x_strdup(why));
	exited->err_len = strlen(why);
	return -1;
}

/* Of what is captured nothing is logged, so there is no tail. */
static size_t
tail_bytes(uint32_t flags)
{
	if ((flags & (FETTLE_TAIL | FETTLE_CAPTURE_ERROR)) != FETTLE_TAIL)
		return 0;
	return flags & FETTLE_LONG_TAIL ? LONG_TAIL_BYTES : TAIL_BYTES;
}

static int
run_program(struct fettle_ctx *ctx, const struct fettle_exec *exec,
	    struct fettle_exited *exited)
{
	AUTO(strv) struct strv env = STRV_INIT;
	const char *workspace = json_text(ctx->call.request, "workspace");
	struct program program = {
		.argv = (char *const *)exec->argv,
		.base_directory = workspace[0] ? workspace : fettle_scratch(ctx),
		.directory = exec->directory,
		.captures_out = exec->flags & FETTLE_CAPTURE,
		.captures_err = exec->flags & FETTLE_CAPTURE_ERROR,
		.tail_bytes = tail_bytes(exec->flags),
		.in_own_namespace = ctx->call.in_own_namespace,
		.limit_ms = limit_of(ctx, exec),
		.is_cancelled = ctx_is_cancelled,
	};
	struct err err;
	int result;

	env_build(ctx, exec, &env);
	program.env = env.v;
	result = program_run(&program, &err);
	if (result < 0) {
		refuse(ctx, exited, err.text);
	} else {
		exited->status = program.status;
		exited->signal = program.signal;
		exited->timed_out = program.timed_out;
		if (program.captures_out)
			exited->out = keep_capture(ctx, &program.out, exec->argv[0],
						   &exited->out_len);
		if (program.captures_err || program.tail_bytes)
			exited->err = keep_capture(ctx, &program.err, exec->argv[0],
						   &exited->err_len);
	}
	program_done(&program);
	return result;
}

static int
exec_told(struct fettle_ctx *ctx, const struct fettle_exec *exec,
	  struct fettle_exited *exited)
{
	json_t *argv = json_array();
	int result;

	for (size_t i = 0; exec->argv[i]; i++)
		json_array_append_new(argv, ctx_text(exec->argv[i]));
	ctx_send(ctx, json_pack("{s:s, s:o}", "e", "exec", "argv", argv));
	fflush(NULL); /* What the module wrote comes before what the program writes. */
	if (!(exec->flags & FETTLE_QUIET))
		log_command(exec->argv);
	if (limit_of(ctx, exec) == 0)
		return refuse(ctx, exited, "the time of the step is over");

	result = run_program(ctx, exec, exited);
	if (result == 0)
		ctx_send(ctx, json_pack("{s:s, s:i, s:i, s:b}", "e", "exited", "status",
					exited->status, "signal", exited->signal,
					"timed_out", exited->timed_out));
	return result;
}

/* The caller's struct may be older and shorter than ours, or newer and longer. */
static size_t
shared_size(struct fettle_ctx *ctx, uint32_t theirs, size_t ours, const char *what)
{
	if (theirs < sizeof(uint64_t))
		fettle__bug(ctx, "fettle_exec(): the size of struct %s is not set",
			    what);
	return theirs < ours ? theirs : ours;
}

int
fettle_exec(struct fettle_ctx *ctx, const struct fettle_exec *exec,
	    struct fettle_exited *ret)
{
	struct fettle_exec own = { .size = 0 };
	struct fettle_exited exited = { .status = -1 };
	uint32_t ret_size;
	int result;

	ctx_only_in(ctx, IN_STEP, __func__);
	memcpy(&own, exec, shared_size(ctx, exec->size, sizeof(own), "fettle_exec"));
	ret_size = ret->size;
	if (!own.argv || !own.argv[0])
		fettle__bug(ctx, "%s() without a program", __func__);

	result = exec_told(ctx, &own, &exited);
	exited.size = ret_size;
	memcpy(ret, &exited,
	       shared_size(ctx, ret_size, sizeof(exited), "fettle_exited"));
	return result;
}

int
fettle_exec_proposed(struct fettle_ctx *ctx, uint32_t i, const struct fettle_exec *exec,
		     struct fettle_exited *ret)
{
	struct fettle_exec own = { .size = sizeof(own) };

	ctx_only_in(ctx, IN_RUN | IN_OBSERVE, __func__);
	if (exec)
		memcpy(&own, exec,
		       shared_size(ctx, exec->size, sizeof(own), "fettle_exec"));
	own.size = sizeof(own);
	own.argv = fettle_proposed_command(ctx, i);
	if (!own.argv)
		fettle__bug(ctx, "%s(%u): the approved proposal has no such command",
			    __func__, i);
	return fettle_exec(ctx, &own, ret);
}
