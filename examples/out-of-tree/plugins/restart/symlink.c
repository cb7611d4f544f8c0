/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * restart/symlink: lets DIRECTORY/current lead to DIRECTORY/releases/RELEASE.
 * What it changes is an effect of kind `symlink`, whose before-state is where
 * the link led; rollback/symlink puts it back.
 */
#include <fettle/plugin.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "link.h"

enum { DIRECTORY, RELEASE, LINK };	/* indexes of the table */

static const struct fettle_param params[] = {
	{ "directory", FETTLE_STRING, FETTLE_REQUIRED, NULL, "1..500",
	  "The absolute directory that holds the link and `releases`." },
	{ "release", FETTLE_STRING, FETTLE_REQUIRED, NULL, "1..200",
	  "The release to lead to: a directory below `releases`." },
	{ "link", FETTLE_STRING, 0, "current", "1..200", "The name of the link." },
};

static const struct fettle_param outputs[] = {
	{ "release", FETTLE_STRING, 0, NULL, NULL, "The release that is current now." },
	{ "previous", FETTLE_STRING, 0, NULL, NULL,
	  "Where the link led before; empty when there was none." },
};

static const char *const effects[] = { "symlink", NULL };

/* One name, of characters that need no quoting anywhere. */
static int
is_name(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return text[strspn(text, allowed)] == '\0' && text[0] != '.';
}

static int
is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int
check(struct fettle_ctx *ctx)
{
	const char *directory, *release, *link = fettle_param_text(ctx, LINK);
	char path[LINK_MAX];

	if (!is_name(link))
		return fettle_error(ctx, FETTLE_WHY_INPUT, "'%s' is no name of a link",
				    link);
	if (!fettle_param_known(ctx, DIRECTORY))
		return FETTLE_OK;	/* propose() asks again */
	directory = fettle_param_text(ctx, DIRECTORY);
	if (directory[0] != '/' || strpbrk(directory, "\"\\\n"))
		return fettle_error(ctx, FETTLE_WHY_INPUT,
				    "directory '%s' is not an absolute path without "
				    "quotes and backslashes",
				    directory);
	if (!is_directory(directory))
		return fettle_error_code(ctx, FETTLE_WHY_INPUT, "directory_missing",
					 "create it, or correct `directory`",
					 "there is no directory '%s'", directory);
	if (!fettle_param_known(ctx, RELEASE))
		return FETTLE_OK;
	release = fettle_param_text(ctx, RELEASE);
	snprintf(path, sizeof(path), "%s/releases/%s", directory, release);
	if (!is_name(release) || !is_directory(path))
		return fettle_error_code(ctx, FETTLE_WHY_INPUT, "release_missing",
					 "unpack the release there first",
					 "there is no release '%s'", path);
	return FETTLE_OK;
}

/* Where the link is, and where it shall lead. */
static void
name_paths(struct fettle_ctx *ctx, char ret_path[LINK_MAX], char ret_to[LINK_MAX])
{
	snprintf(ret_path, LINK_MAX, "%s/%s", fettle_param_text(ctx, DIRECTORY),
		 fettle_param_text(ctx, LINK));
	snprintf(ret_to, LINK_MAX, "releases/%s", fettle_param_text(ctx, RELEASE));
}

static int
propose(struct fettle_ctx *ctx)
{
	char path[LINK_MAX], to[LINK_MAX], now[LINK_MAX], before[LINK_MAX + 2],
		summary[3 * LINK_MAX + 40];
	int answer = check(ctx);

	if (answer != FETTLE_OK)
		return answer;
	name_paths(ctx, path, to);
	if (link_read(path, now) < 0)
		return fettle_error(ctx, FETTLE_WHY_INPUT, "'%s' is no link: %s", path,
				    strerror(errno));
	if (strpbrk(now, "\"\\\n"))
		return fettle_error(ctx, FETTLE_WHY_INPUT,
				    "'%s' leads to a name with quotes or backslashes",
				    path);
	if (strcmp(now, to) == 0)
		return FETTLE_NOOP;
	snprintf(before, sizeof(before), *now ? "\"%s\"" : "null", now);
	snprintf(summary, sizeof(summary), "%s leads to %s instead of %s", path, to,
		 *now ? now : "nothing");
	fettle_effect(ctx, "symlink", path, before, summary);
	return FETTLE_OK;
}

static int
run(struct fettle_ctx *ctx)
{
	char path[LINK_MAX], to[LINK_MAX], now[LINK_MAX], before[LINK_MAX];
	struct fettle_proposed_effect effect;

	name_paths(ctx, path, to);
	if (!fettle_proposed_effect(ctx, 0, &effect) ||
	    link_of_json(effect.before, before) < 0)
		return fettle_error(ctx, FETTLE_WHY_BUG, "the proposal is not ours");
	if (link_read(path, now) < 0 || strcmp(now, before) != 0)
		return fettle_fail(ctx, "link_changed",
				   "find out who changes it, and run again",
				   "somebody changed '%s' meanwhile", path);
	if (link_put(path, to) < 0)
		return fettle_error(ctx, FETTLE_WHY_HOST, "let '%s' lead to '%s': %s",
				    path, to, strerror(errno));
	fettle_info(ctx, "%s leads to %s", path, to);
	fettle_set_output_text(ctx, "release", fettle_param_text(ctx, RELEASE));
	fettle_set_output_text(ctx, "previous", before);
	return FETTLE_OK;
}

/* Asked when run() said no: is there anything to undo? */
static int
observe(struct fettle_ctx *ctx)
{
	char path[LINK_MAX], to[LINK_MAX], now[LINK_MAX] = "", before[LINK_MAX];
	struct fettle_proposed_effect effect;
	enum fettle_observed state = FETTLE_OTHER;

	if (!fettle_proposed_effect(ctx, 0, &effect) ||
	    link_of_json(effect.before, before) < 0)
		return fettle_error(ctx, FETTLE_WHY_BUG, "the proposal is not ours");
	name_paths(ctx, path, to);
	if (link_read(path, now) == 0 && strcmp(now, before) == 0)
		state = FETTLE_BEFORE;
	else if (strcmp(now, to) == 0)
		state = FETTLE_AFTER;
	fettle_observed(ctx, 0, state, now);
	return FETTLE_OK;
}

static const struct fettle_step step = {
	.head = FETTLE_STEP_HEAD,
	.name = "restart/symlink",
	.version = "1.0",
	.summary = "Lets a symbolic link lead to another release.",
	.stage = FETTLE_RESTART,
	.effects = effects,
	.params = FETTLE_TABLE(params),
	.outputs = FETTLE_TABLE(outputs),
	.check = check,
	.propose = propose,
	.run = run,
	.observe = observe,
};

FETTLE_STEP(step)
