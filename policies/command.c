/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * command: which programs a step may start. It judges what the step states; the
 * engine lets it start nothing else.
 */
#include <string.h>

#include "plugins/common/glob.h"
#include "plugins/common/text.h"
#include "policies/need.h"
#include "policies/scope.h"

enum { ALLOW, DENY, OVER };

static const struct fettle_param params[] = {
	{ "allow", FETTLE_LIST, 0, NULL, NULL,
	  "Programs that may be started, by name or path, with * and ?; none: all that "
	  "`deny` leaves." },
	{ "deny", FETTLE_LIST, 0, NULL, NULL,
	  "Programs that may not be started, listed in `allow` or not." },
	OVER_ROW,
	NEED_ROWS("1", "1..20", "60m"),
};

/* A pattern with a slash is about the path, one without about the last component. */
static bool
is_listed(const char *const *patterns, const char *program)
{
	const char *slash = strrchr(program, '/');
	const char *name = slash ? slash + 1 : program;

	for (size_t i = 0; patterns[i]; i++)
		if (glob_matches(patterns[i],
				 strchr(patterns[i], '/') ? program : name))
			return true;
	return false;
}

/* Why the program may not be started; NULL when it may. Caller owns. */
static char *
refusal(struct fettle_ctx *ctx, const char *program)
{
	const char *const *allow = fettle_param_list(ctx, ALLOW);

	if (is_listed(fettle_param_list(ctx, DENY), program))
		return text_format("program '%s' may not be started: it is listed in "
				   "`deny`", program);
	if (!allow[0])
		return NULL;
	if (is_listed(allow, program))
		return NULL;
	return text_format(
		"program '%s' may not be started: it is not listed in `allow`",
		program);
}

static int
judge(struct fettle_ctx *ctx)
{
	const char *text = fettle_fact(ctx, "proposal");
	AUTO_JSON json_t *proposal = text ? json_of(text) : NULL;
	const json_t *commands = json_object_get(proposal, "commands");
	const json_t *command;
	size_t i;

	if (!json_is_array(commands))
		return fettle_deny(ctx,
				   "the proposal cannot be read, so nothing can be "
				   "allowed");
	json_array_foreach(commands, i, command) {
		const char *program = json_string_value(json_array_get(command, 0));
		AUTO_FREE char *why =
			program ? refusal(ctx, program)
				: text_copy("a command without a program was proposed");

		if (why)
			return need_refuse(ctx, OVER, why);
	}
	return FETTLE_ABSTAIN;
}

static const struct fettle_policy policy = {
	.head = FETTLE_POLICY_HEAD,
	.name = "command",
	.version = FETTLE_VERSION,
	.summary = "Says which programs a step may start.",
	.stages = FETTLE_ALL_STAGES,
	.params = FETTLE_TABLE(params),
	.judge = judge,
};

FETTLE_POLICY(policy)
