/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One callback's context: memory, events, what may be called when. */
#include "base/base.h"
#include "sdk/ctx.h"

#include <signal.h>
#include <stdarg.h>
#include <unistd.h>

#include "wire/event.h"

static volatile sig_atomic_t cancelled;

static void
note_cancel(int signal)
{
	(void)signal;
	cancelled = 1;
}

bool
ctx_is_cancelled(void)
{
	return cancelled;
}

struct fettle_ctx *
fettle__begin(const struct fettle__call *call)
{
	struct fettle_ctx *ctx = x_calloc(1, sizeof(*ctx));
	/* No SA_RESTART: whatever the module waits in, it gets to know. */
	struct sigaction action = { .sa_handler = note_cancel };

	ctx->call = *call;
	ctx->module =
		json_array_get(json_object_get(call->request, "modules"), call->index);
	ctx->workspace_fd = -1;
	sigaction(SIGTERM, &action, NULL);
	return ctx;
}

void *
ctx_keep(struct fettle_ctx *ctx, void *memory)
{
	ctx->kept = x_realloc(ctx->kept, ctx->kept_count + 1, sizeof(*ctx->kept));
	ctx->kept[ctx->kept_count++] = memory;
	return memory;
}

const char *
ctx_keep_format(struct fettle_ctx *ctx, const char *fmt, va_list args)
{
	return ctx_keep(ctx, x_vasprintf(fmt, args));
}

void
ctx_send(struct fettle_ctx *ctx, json_t *event)
{
	AUTO(json_ref) json_t *owned = event;
	struct err err;

	if (event_send(ctx->call.event_fd, ctx->call.scratch_fd, owned, &err) == 0)
		return;
	if (str_eq(err.code, "event.size"))
		fettle__bug(ctx, "%s", err.text);
	/* The engine is gone, or the scratch disk is full: a host without result. */
	fprintf(stderr, "fettle-host: %s\n", err.text);
	fflush(NULL);
	_exit(71);
}

const char *
ctx_callback_name(const struct fettle_ctx *ctx)
{
	switch (ctx->call.callback) {
	case IN_CHECK:
		return "check";
	case IN_PROPOSE:
		return "propose";
	case IN_RUN:
		return "run";
	case IN_OBSERVE:
		return "observe";
	case IN_JUDGE:
		return "judge";
	case IN_STEP:
		break;
	}
	return "";
}

void
ctx_only_in(struct fettle_ctx *ctx, unsigned callbacks, const char *function)
{
	if (!(ctx->call.callback & callbacks))
		fettle__bug(ctx, "%s() is not for %s()", function,
			    ctx_callback_name(ctx));
}

json_t *
ctx_text(const char *text)
{
	return json_string_lossy(text ? text : "", text ? strlen(text) : 0);
}

json_t *
ctx_exact_text(struct fettle_ctx *ctx, const char *text, const char *function)
{
	if (!text || !utf8_is_valid(text, strlen(text)))
		fettle__bug(ctx, "%s() was given text that is %s", function,
			    text ? "not UTF-8" : "NULL");
	return json_string(text);
}

json_t *
ctx_text_list(struct fettle_ctx *ctx, const char *const *list, const char *function)
{
	json_t *json = json_array();

	for (size_t i = 0; list && list[i]; i++)
		json_array_append_new(json, ctx_exact_text(ctx, list[i], function));
	return json;
}

const char *const *
ctx_keep_list(struct fettle_ctx *ctx, const json_t *list)
{
	const char **texts =
		ctx_keep(ctx, x_calloc(json_array_size(list) + 1, sizeof(*texts)));
	size_t i;
	json_t *entry;

	json_array_foreach (list, i, entry)
		texts[i] = json_string_value(entry);
	return texts;
}

static void
ctx_free(struct fettle_ctx *ctx)
{
	for (size_t i = 0; i < ctx->kept_count; i++)
		free(ctx->kept[i]);
	free(ctx->kept);
	files_free(ctx->files);
	if (ctx->workspace_fd >= 0)
		close(ctx->workspace_fd);
	json_decref(ctx->need);
	free(ctx);
}

static const char *
result_name(int returned)
{
	switch (returned) {
	case FETTLE_OK:
		return "ok";
	case FETTLE_NOOP:
		return "noop";
	case FETTLE_FAIL:
		return "fail";
	case FETTLE_ERROR:
		return "error";
	}
	return NULL;
}

static const char *
why_name(enum fettle_why why)
{
	switch (why) {
	case FETTLE_WHY_INPUT:
		return "input";
	case FETTLE_WHY_HOST:
		return "host";
	case FETTLE_WHY_TRANSIENT:
		return "transient";
	case FETTLE_WHY_BUG:
		return "bug";
	}
	return "bug";
}

static void
send_result(struct fettle_ctx *ctx, int returned)
{
	const char *result = result_name(returned);
	bool is_bad = returned == FETTLE_FAIL || returned == FETTLE_ERROR;
	json_t *event;

	if (!result)
		fettle__bug(ctx, "%s() returned %d, which is no result",
			    ctx_callback_name(ctx), returned);
	event = json_pack("{s:s, s:s}", "e", "result", "result", result);
	if (returned == FETTLE_ERROR)
		json_object_set_new(event, "why", json_string(why_name(ctx->why)));
	if (is_bad)
		json_object_set_new(
			event, "text",
			ctx_text(ctx->text ? ctx->text : "the module gave no reason"));
	if (is_bad && ctx->code)
		json_object_set_new(event, "code", ctx_text(ctx->code));
	if (is_bad && ctx->remedy)
		json_object_set_new(event, "remedy", ctx_text(ctx->remedy));
	ctx_send(ctx, event);
}

static const char *
verdict_name(int returned)
{
	switch (returned) {
	case FETTLE_ABSTAIN:
		return "abstain";
	case FETTLE_ALLOW:
		return "allow";
	case FETTLE_HOLD:
		return "hold";
	case FETTLE_DENY:
		return "deny";
	}
	return NULL;
}

static json_t *
verdict_event(struct fettle_ctx *ctx, const char *verdict, const char *reason)
{
	return json_pack("{s:s, s:I, s:s, s:s, s:o}", "e", "verdict", "module",
			 (json_int_t)ctx->call.index, "policy", ctx->call.name,
			 "verdict", verdict, "reason", ctx_text(reason));
}

static void
send_verdict(struct fettle_ctx *ctx, int returned)
{
	const char *verdict = verdict_name(returned);
	json_t *event;

	if (!verdict)
		fettle__bug(ctx, "judge() returned %d, which is no verdict", returned);
	if (returned == FETTLE_HOLD && !ctx->need)
		fettle__bug(ctx, "judge() holds, but did not call fettle_hold()");
	event = verdict_event(ctx, verdict, ctx->text);
	if (returned == FETTLE_HOLD)
		json_object_set(event, "need", ctx->need);
	ctx_send(ctx, event);
}

void
fettle__end(struct fettle_ctx *ctx, int returned)
{
	fflush(NULL);
	if (ctx->call.callback == IN_JUDGE)
		send_verdict(ctx, returned);
	else
		send_result(ctx, returned);
	ctx_free(ctx);
}

void
fettle__bug(struct fettle_ctx *ctx, const char *fmt, ...)
{
	const char *what, *text;
	va_list args;

	va_start(args, fmt);
	what = ctx_keep_format(ctx, fmt, args);
	va_end(args);
	text = ctx_keep(ctx,
			x_asprintf("module '%s' has a bug: %s", ctx->call.name, what));

	fflush(NULL);
	if (ctx->call.callback == IN_JUDGE)
		ctx_send(ctx, verdict_event(ctx, "error", text));
	else
		ctx_send(ctx, json_pack("{s:s, s:s, s:s, s:s, s:o, s:s}", "e", "result",
					"result", "error", "why", "bug", "code",
					"plugin.bug", "text", ctx_text(text), "remedy",
					"tell the author of the module"));
	_exit(70);
}
