/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a step tells: outputs, findings, artifacts, notes, progress. */
#include "base/base.h"
#include "sdk/ctx.h"

static bool
is_of_type(const json_t *value, uint32_t type)
{
	switch ((enum fettle_type)type) {
	case FETTLE_BOOL:
		return json_is_boolean(value);
	case FETTLE_INT:
	case FETTLE_DURATION:
	case FETTLE_SIZE:
		return json_is_integer(value);
	case FETTLE_REAL:
		return json_is_number(value);
	case FETTLE_STRING:
	case FETTLE_CHOICE:
	case FETTLE_PATH:
	case FETTLE_SECRET:
		return json_is_string(value);
	case FETTLE_LIST:
		return json_is_array(value);
	case FETTLE_MAP:
		return json_is_object(value);
	case FETTLE_JSON:
		return true;
	}
	return false;
}

static const struct fettle_param *
find_output(struct fettle_ctx *ctx, const char *name, const char *function)
{
	for (uint32_t i = 0; i < ctx->call.output_count; i++)
		if (str_eq(ctx->call.outputs[i].name, name))
			return &ctx->call.outputs[i];
	fettle__bug(ctx, "%s('%s'): there is no such output in the table", function,
		    name);
}

static void
send_output(struct fettle_ctx *ctx, const char *name, json_t *value,
	    const char *function)
{
	const struct fettle_param *output = find_output(ctx, name, function);

	if (!is_of_type(value, output->type))
		fettle__bug(ctx, "%s('%s'): the value is not of the declared type",
			    function, name);
	ctx_send(ctx, json_pack("{s:s, s:s, s:o}", "e", "output", "name", name, "value",
				value));
}

void
fettle_set_output(struct fettle_ctx *ctx, const char *name, const char *json)
{
	struct err err;
	json_t *value;

	ctx_only_in(ctx, IN_STEP, __func__);
	value = json_parse(json, strlen(json), &err);
	if (!value)
		fettle__bug(ctx, "%s('%s'): %s", __func__, name, err.text);
	send_output(ctx, name, value, __func__);
}

void
fettle_set_output_text(struct fettle_ctx *ctx, const char *name, const char *text)
{
	ctx_only_in(ctx, IN_STEP, __func__);
	send_output(ctx, name, ctx_text(text), __func__);
}

void
fettle_add_finding(struct fettle_ctx *ctx, const char *rule, uint32_t confidence,
		   const char *title, const char *evidence)
{
	ctx_only_in(ctx, IN_STEP, __func__);
	if (confidence > 100)
		confidence = 100;
	ctx_send(ctx,
		 json_pack("{s:s, s:o, s:I, s:o, s:o}", "e", "finding", "rule",
			   ctx_text(rule), "confidence", (json_int_t)confidence,
			   "title", ctx_text(title), "evidence", ctx_text(evidence)));
}

void
fettle_add_artifact(struct fettle_ctx *ctx, const char *name, const char *type,
		    const char *scratch_file)
{
	const char *scratch = fettle_scratch(ctx);
	size_t len = strlen(scratch);

	ctx_only_in(ctx, IN_STEP, __func__);
	if (scratch_file && str_starts(scratch_file, scratch) &&
	    scratch_file[len] == '/')
		scratch_file += len + 1;
	ctx_send(ctx, json_pack("{s:s, s:o, s:o, s:o}", "e", "artifact", "name",
				ctx_exact_text(ctx, name, __func__), "type",
				ctx_exact_text(ctx, type, __func__), "file",
				ctx_exact_text(ctx, scratch_file, __func__)));
}

static void PRINTF_LIKE(3, 0)
send_note(struct fettle_ctx *ctx, const char *level, const char *fmt, va_list args)
{
	const char *text = ctx_keep_format(ctx, fmt, args);

	ctx_send(ctx, json_pack("{s:s, s:s, s:o}", "e", "note", "level", level, "text",
				ctx_text(text)));
}

void
fettle_info(struct fettle_ctx *ctx, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	send_note(ctx, "info", fmt, args);
	va_end(args);
}

void
fettle_warn(struct fettle_ctx *ctx, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	send_note(ctx, "warn", fmt, args);
	va_end(args);
}

static json_int_t
clamp(uint64_t n)
{
	return n < INT64_MAX ? (json_int_t)n : INT64_MAX;
}

void
fettle_progress(struct fettle_ctx *ctx, uint64_t done, uint64_t total, const char *text)
{
	ctx_send(ctx,
		 json_pack("{s:s, s:I, s:I, s:o}", "e", "progress", "done", clamp(done),
			   "total", clamp(total), "text", ctx_text(text)));
}

void
fettle_abi_anchor(const struct fettle_step *step, const struct fettle_policy *policy)
{
	(void)step;
	(void)policy;
}
