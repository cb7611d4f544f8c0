/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a step would change, and what of it was approved. */
#include "base/base.h"
#include "sdk/ctx.h"

#include "wire/event.h"

/* ---- stating ----------------------------------------------------------- */

static json_t *
edit_event(struct fettle_ctx *ctx, const char *path, const char *op,
	   const char *function)
{
	json_t *event, *pre;

	ctx_only_in(ctx, IN_PROPOSE, function);
	event = json_pack("{s:s, s:o, s:s}", "e", "edit", "path",
			  ctx_exact_text(ctx, path, function), "op", op);
	pre = files_pre(ctx, path);
	if (pre)
		json_object_set_new(event, "pre", pre);
	return event;
}

void
fettle_edit_write(struct fettle_ctx *ctx, const char *path, const void *bytes,
		  size_t len)
{
	json_t *event = edit_event(ctx, path, "write", __func__);

	event_set_content(event, bytes, len);
	ctx_send(ctx, event);
}

void
fettle_edit_delete(struct fettle_ctx *ctx, const char *path)
{
	ctx_send(ctx, edit_event(ctx, path, "delete", __func__));
}

/* Whether the parameters let it be is for the engine to see. */
static bool
has_kind(const char *const *list, const char *kind)
{
	for (size_t i = 0; list && list[i]; i++)
		if (strcspn(list[i], " ") == strlen(kind) && str_starts(list[i], kind))
			return true;
	return false;
}

void
fettle_effect(struct fettle_ctx *ctx, const char *kind, const char *target,
	      const char *before, const char *summary)
{
	json_t *state;
	struct err err;

	ctx_only_in(ctx, IN_PROPOSE, __func__);
	if (!kind || !has_kind(ctx->call.effects, kind))
		fettle__bug(ctx, "%s() of kind '%s', which the step does not declare",
			    __func__, kind ? kind : "");
	state = before ? json_parse(before, strlen(before), &err) : json_null();
	if (!state)
		fettle__bug(ctx, "%s() of kind '%s': the before-state is %s", __func__,
			    kind, err.text);
	ctx_send(ctx, json_pack("{s:s, s:s, s:o, s:o, s:o}", "e", "effect", "kind",
				kind, "target", ctx_exact_text(ctx, target, __func__),
				"before", state, "summary", ctx_text(summary)));
}

void
fettle_command(struct fettle_ctx *ctx, const char *const *argv)
{
	ctx_only_in(ctx, IN_PROPOSE, __func__);
	if (!argv || !argv[0])
		fettle__bug(ctx, "%s() without a program", __func__);
	ctx_send(ctx, json_pack("{s:s, s:o}", "e", "command", "argv",
				ctx_text_list(ctx, argv, __func__)));
}

/* ---- reading back ------------------------------------------------------ */

/* The i-th entry of one list of the approved proposal, or NULL. Borrowed. */
static const json_t *
proposed(struct fettle_ctx *ctx, const char *list, uint32_t i, const char *function)
{
	const json_t *proposal = json_object_get(ctx->call.request, "proposal");

	ctx_only_in(ctx, IN_STEP, function);
	return json_array_get(json_object_get(proposal, list), i);
}

int
fettle_proposed_edit(struct fettle_ctx *ctx, uint32_t i,
		     struct fettle_proposed_edit *ret)
{
	const json_t *edit = proposed(ctx, "edits", i, __func__);

	if (!edit)
		return 0;
	ret->path = json_text(edit, "path");
	ret->pre_sha256 = json_text_or(edit, "pre", NULL);
	ret->post_sha256 = json_text_or(edit, "post", NULL);
	return 1;
}

int
fettle_proposed_effect(struct fettle_ctx *ctx, uint32_t i,
		       struct fettle_proposed_effect *ret)
{
	const json_t *effect = proposed(ctx, "effects", i, __func__);
	const json_t *before = json_object_get(effect, "before");

	if (!effect)
		return 0;
	ret->kind = json_text(effect, "kind");
	ret->target = json_text(effect, "target");
	ret->before = before ? ctx_keep(ctx, json_canonical(before)) : "null";
	ret->step = json_text(effect, "step");
	return 1;
}

const char *const *
fettle_proposed_command(struct fettle_ctx *ctx, uint32_t i)
{
	const json_t *argv = proposed(ctx, "commands", i, __func__);

	return argv ? ctx_keep_list(ctx, argv) : NULL;
}

static const char *
observed_name(enum fettle_observed state)
{
	switch (state) {
	case FETTLE_BEFORE:
		return "before";
	case FETTLE_AFTER:
		return "after";
	case FETTLE_PARTIAL:
		return "partial";
	case FETTLE_OTHER:
		return "other";
	}
	return NULL;
}

void
fettle_observed(struct fettle_ctx *ctx, uint32_t effect, enum fettle_observed state,
		const char *detail)
{
	const char *name = observed_name(state);

	ctx_only_in(ctx, IN_OBSERVE, __func__);
	if (!name)
		fettle__bug(ctx, "%s() with state %d", __func__, (int)state);
	if (!proposed(ctx, "effects", effect, __func__))
		fettle__bug(ctx, "%s() of effect %u, which is not there", __func__,
			    effect);
	ctx_send(ctx, json_pack("{s:s, s:I, s:s, s:o}", "e", "observed", "effect",
				(json_int_t)effect, "state", name, "detail",
				ctx_text(detail)));
}
