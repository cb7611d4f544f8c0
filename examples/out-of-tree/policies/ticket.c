/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ticket: denies what changes something when the instruction names no ticket,
 * such as OPS-123. A pure function of facts, as every policy.
 */
#include <fettle/plugin.h>

#include <ctype.h>
#include <string.h>

enum { PROJECTS };	/* index of the table */

static const struct fettle_param params[] = {
	{ "projects", FETTLE_LIST, FETTLE_REQUIRED, NULL, NULL,
	  "The projects whose tickets count: OPS stands for OPS-1, OPS-2 and so on." },
};

/* PROJECT-NUMBER somewhere in the text, as a word of its own. */
static int
names_ticket(const char *text, const char *project)
{
	size_t n = strlen(project);

	for (const char *at = text; n && (at = strstr(at, project)) != NULL; at++) {
		if (at > text && isalnum((unsigned char)at[-1]))
			continue;
		if (at[n] == '-' && isdigit((unsigned char)at[n + 1]))
			return 1;
	}
	return 0;
}

static int
judge(struct fettle_ctx *ctx)
{
	const char *instruction = fettle_fact(ctx, "instruction");
	const char *const *projects = fettle_param_list(ctx, PROJECTS);

	if (!fettle_fact(ctx, "proposal"))
		return FETTLE_ABSTAIN;	/* the step changes nothing */
	for (size_t i = 0; instruction && projects[i]; i++)
		if (names_ticket(instruction, projects[i]))
			return fettle_allow(ctx, "the instruction names a ticket of %s",
					    projects[i]);
	return fettle_deny(ctx,
			   "the instruction names no ticket; begin it with one, such "
			   "as `%s-1: ...`",
			   projects[0] ? projects[0] : "OPS");
}

static const struct fettle_policy policy = {
	.head = FETTLE_POLICY_HEAD,
	.name = "ticket",
	.version = "1.0",
	.summary = "Denies a change whose instruction names no ticket.",
	.stages = FETTLE_RESTART | FETTLE_PUBLISH,
	.params = FETTLE_TABLE(params),
	.judge = judge,
};

FETTLE_POLICY(policy)
