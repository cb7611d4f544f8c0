/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A well-behaved step that uses every function of the SDK a step may call, and
 * tells what it got, so that the test can compare.
 */
#include <fettle/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BOOL, INT, REAL, STRING, CHOICE, DURATION, SIZE, PATH, LIST, MAP, JSON, SECRET };

static const struct fettle_param PARAMS[] = {
	{ "flag", FETTLE_BOOL, 0, "true", NULL, "A truth." },
	{ "number", FETTLE_INT, 0, NULL, "0..100", "A number." },
	{ "real", FETTLE_REAL, 0, NULL, NULL, "A real number." },
	{ "text", FETTLE_STRING, FETTLE_REQUIRED, NULL, NULL, "A text." },
	{ "choice", FETTLE_CHOICE, 0, "a", "a|b", "One of two." },
	{ "time", FETTLE_DURATION, 0, "5s", NULL, "A time." },
	{ "size", FETTLE_SIZE, 0, "1KiB", NULL, "A size." },
	{ "path", FETTLE_PATH, 0, NULL, NULL, "A file." },
	{ "list", FETTLE_LIST, 0, NULL, NULL, "Some words." },
	{ "map", FETTLE_MAP, 0, NULL, NULL, "Some pairs." },
	{ "json", FETTLE_JSON, 0, NULL, NULL, "Anything." },
	{ "secret", FETTLE_SECRET, 0, NULL, NULL, "The name of a secret." },
};

static const struct fettle_param OUTPUTS[] = {
	{ "seen", FETTLE_STRING, 0, NULL, NULL,
	  "The parameters as the step saw them." },
	{ "captured", FETTLE_STRING, 0, NULL, NULL, "What the program printed." },
	{ "count", FETTLE_INT, 0, NULL, NULL, "How many commands were proposed." },
	{ "large", FETTLE_STRING, 0, NULL, NULL, "More than fits into a packet." },
};

static int
good_check(struct fettle_ctx *ctx)
{
	if (!fettle_param_known(ctx, STRING))
		fettle_info(ctx, "text is not known yet");
	if (fettle_fact(ctx, "fail"))
		return fettle_fail(ctx, "test_fail", "do not ask for it",
				   "asked to fail");
	if (fettle_fact(ctx, "error"))
		return fettle_error(ctx, FETTLE_WHY_TRANSIENT, "asked for an %s",
				    "error");
	if (fettle_fact(ctx, "error_code"))
		return fettle_error_code(ctx, FETTLE_WHY_HOST, "test_error", "stop it",
					 "coded");
	return FETTLE_OK;
}

static int
good_propose(struct fettle_ctx *ctx)
{
	static const char *const argv[] = { "sh", "-c", "echo \"$GREETING\"; exit 3",
					    NULL };
	static const char binary[] = { 'a', '\0', '\xff' };
	const char *old;
	size_t len;

	old = fettle_file(ctx, "a.txt", &len);
	if (!old || strlen(old) != len)
		return fettle_error(ctx, FETTLE_WHY_INPUT, "a.txt: %s",
				    fettle_file_error(ctx));
	if (fettle_file(ctx, "missing.txt", NULL) || fettle_file_error(ctx))
		return fettle_error(ctx, FETTLE_WHY_BUG, "missing.txt is there");
	if (fettle_file(ctx, "link.txt", NULL) || !fettle_file_error(ctx))
		return fettle_error(ctx, FETTLE_WHY_BUG, "a symlink was followed");
	if (fettle_file(ctx, "../a.txt", NULL) || !fettle_file_error(ctx))
		return fettle_error(ctx, FETTLE_WHY_BUG,
				    "a path led out of the workspace");

	fettle_edit_write(ctx, "a.txt", "new\n", 4);
	fettle_edit_write(ctx, "missing.txt", "", 0);
	fettle_edit_write(ctx, "unread.bin", binary, sizeof(binary));
	fettle_edit_delete(ctx, "gone.txt");
	fettle_effect(ctx, "thing", "the thing", "{\"was\": 1}", "the thing changes");
	fettle_effect(ctx, "thing", "another", NULL, "another changes");
	fettle_command(ctx, argv);
	return FETTLE_OK;
}

static void
tell_params(struct fettle_ctx *ctx)
{
	const char *const *list = fettle_param_list(ctx, LIST);
	char seen[1024];

	snprintf(seen, sizeof(seen), "%d %ld %.2f %s %s %lu %lu %s %s+%s %s %s %s %s",
		 fettle_param_bool(ctx, BOOL), (long)fettle_param_int(ctx, INT),
		 fettle_param_real(ctx, REAL), fettle_param_text(ctx, STRING),
		 fettle_param_text(ctx, CHOICE),
		 (unsigned long)fettle_param_ms(ctx, DURATION),
		 (unsigned long)fettle_param_bytes(ctx, SIZE),
		 fettle_param_given(ctx, PATH) ? fettle_param_text(ctx, PATH) : "-",
		 list[0], list[1], fettle_param_json(ctx, MAP),
		 fettle_param_json(ctx, JSON), fettle_param_text(ctx, SECRET),
		 fettle_secret(ctx, fettle_param_text(ctx, SECRET)));
	fettle_set_output_text(ctx, "seen", seen);
}

static int
run_proposed(struct fettle_ctx *ctx)
{
	static const char *const env[] = { "GREETING=hello", NULL };
	struct fettle_exec exec = { sizeof(exec), FETTLE_CAPTURE, NULL, env, NULL, 0 };
	struct fettle_exited exited = { .size = sizeof(exited) };
	struct fettle_proposed_effect effect;
	struct fettle_proposed_edit edit;
	char count[20];
	uint32_t n = 0;

	while (fettle_proposed_command(ctx, n))
		n++;
	snprintf(count, sizeof(count), "%u", n);
	fettle_set_output(ctx, "count", count);
	if (!fettle_proposed_edit(ctx, 0, &edit) ||
	    fettle_proposed_edit(ctx, 9, &edit) ||
	    !fettle_proposed_effect(ctx, 0, &effect))
		return fettle_error(ctx, FETTLE_WHY_BUG, "the proposal is not here");
	if (fettle_exec_proposed(ctx, 0, &exec, &exited) < 0)
		return fettle_error(ctx, FETTLE_WHY_HOST, "%s", exited.err);
	fettle_set_output_text(ctx, "captured", exited.out);
	if (exited.status != 3)
		return fettle_error(ctx, FETTLE_WHY_BUG, "status %d", exited.status);
	return FETTLE_OK;
}

static int
good_run(struct fettle_ctx *ctx)
{
	char *large = calloc(1, 300001), path[4096];
	FILE *file;

	memset(large, 'x', 300000);
	fettle_set_output_text(ctx, "large", large);
	free(large);
	tell_params(ctx);

	snprintf(path, sizeof(path), "%s/note.txt", fettle_scratch(ctx));
	file = fopen(path, "w");
	if (!file)
		return fettle_error(ctx, FETTLE_WHY_HOST,
				    "the scratch directory is not writable");
	fputs("artifact\n", file);
	fclose(file);
	fettle_add_artifact(ctx, "note.txt", "text/plain", path);

	fettle_add_finding(ctx, "test.rule", 250, "A finding", "line 1\nline 2 \xff");
	fettle_info(ctx, "operation %s", fettle_operation_id(ctx));
	fettle_warn(ctx, "time left: %s", fettle_time_left(ctx) ? "yes" : "no");
	fettle_progress(ctx, 1, 2, "half");
	printf("said on standard output\n");
	return run_proposed(ctx);
}

static int
good_observe(struct fettle_ctx *ctx)
{
	struct fettle_proposed_effect effect;

	for (uint32_t i = 0; fettle_proposed_effect(ctx, i, &effect); i++)
		fettle_observed(ctx, i, FETTLE_AFTER, effect.before);
	return FETTLE_OK;
}

static const char *const EFFECTS[] = { "thing", NULL };

static const struct fettle_step good = {
	FETTLE_STEP_HEAD,
	.name = "test/good",
	.version = "1.0",
	.summary = "Does everything a step may do.",
	.stage = FETTLE_PATCH,
	.flags = FETTLE_REPEATABLE,
	.effects = EFFECTS,
	.params = FETTLE_TABLE(PARAMS),
	.outputs = FETTLE_TABLE(OUTPUTS),
	.check = good_check,
	.propose = good_propose,
	.run = good_run,
	.observe = good_observe,
};
FETTLE_STEP(good)
