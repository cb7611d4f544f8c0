/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An operator's retry of a run that ended: where it begins, what of the steps
 * before is still good, and on from there. Attempts are added, nothing that
 * happened is rewritten.
 */
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>

#include "base/path.h"
#include "base/sha256.h"
#include "engine/continue.h"
#include "engine/host.h"
#include "engine/pause.h"
#include "engine/rules.h"

struct retry_run {
	struct takeover t;
	const char *failed;	/* the step it ended at, "" when at none; borrowed */
	json_t *steps;		/* rows of the store */
	json_t *undone;		/* what was put back */
	size_t from;		/* index in the plan */
	const char *why;	/* why not at the failing step, or NULL */
	uint32_t round;
};

static void
retry_done(struct retry_run *retry)
{
	takeover_done(&retry->t);
	json_decref(retry->steps);
	json_decref(retry->undone);
}

/* ---- may it be retried? ---- */

static int
check_state(const json_t *row, struct err *err)
{
	static const char *const retryable[] = { "failed", "rolled_back", "denied",
						 "cancelled" };
	const char *run = json_text(row, "run"), *state = json_text(row, "state");
	const char *other = json_text(row, "rolls_back");

	if (*other) {
		err_set(err, "retry_not_allowed", "run %s is the rollback of run %s",
			run, other);
		if (str_eq(state, "succeeded"))
			return err_remedy(
				err, "`fettle show %s` tells what it put back", run);
		return err_remedy(err, "`fettle rollback %s` tries again", other);
	}

	for (size_t i = 0; i < ARRAY_LEN(retryable); i++)
		if (str_eq(state, retryable[i]))
			return 0;
	err_set(err, "retry_not_allowed", "run %s is %s: only a run that failed, was "
		"rolled back, denied or cancelled is retried", run, state);
	if (str_eq(state, "rollback_failed"))
		return err_remedy(err, "put back what still stands first: "
				       "`fettle rollback %s`", run);
	if (str_eq(state, "succeeded") || str_eq(state, "no_work"))
		return err_remedy(err, "start a new one with `fettle run`");
	return err_remedy(err, "wait until it has ended: `fettle logs -f %s`", run);
}

/* What was irreversible on purpose is not waited for. */
static int
check_nothing_stands(const struct takeover *t, struct err *err)
{
	const char *run = t->run.claim.run;
	AUTO(json_ref)
	json_t *standing = store_standing(t->run.engine->store, run, err);
	const json_t *row;
	size_t i;

	if (!standing)
		return -1;
	json_array_foreach (standing, i, row) {
		const struct plan_step *step =
			plan_find_step(t->plan, json_text(row, "step"));

		if (step && step->is_irreversible)
			continue;
		err_set(err, "retry_not_allowed",
			"%s '%s', changed by step '%s' of run %s, still stands",
			json_text(row, "kind"), json_text(row, "target"),
			json_text(row, "step"), run);
		return err_remedy(err, "put it back first: `fettle rollback %s`", run);
	}
	return 0;
}

/* ---- where does it begin? ---- */

/* A step counts as done when it succeeded, was skipped, or failed and was forgiven. */
static bool
is_done(const struct retry_run *retry, const struct plan_step *step)
{
	const json_t *row = json_find(retry->steps, "step", step->id);
	const char *state = json_text(row, "state");

	return str_eq(state, "succeeded") || str_eq(state, "skipped") ||
	       (str_eq(state, "failed") && step->continue_on_error);
}

static bool
is_later_section(const struct retry_run *retry)
{
	const struct plan_step *step = plan_find_step(retry->t.plan, retry->failed);

	return step && step->section == SECTION_FINALLY;
}

/* 0, or -1 when there is nothing to do again. */
static int
find_default(struct retry_run *retry, struct err *err)
{
	const struct plan *plan = retry->t.plan;

	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];
		bool is_failed = str_eq(step->id, retry->failed);

		if (step->section != SECTION_STEPS && !is_later_section(retry))
			continue;
		retry->from = i;
		if (is_failed)
			return 0;
		if (json_find(retry->undone, "step", step->id)) {
			retry->why = "its changes were put back";
			return 0;
		}
		if (!is_done(retry, step))
			return 0;
	}
	err_set(err, "retry_not_allowed", "no step of run %s failed",
		retry->t.run.claim.run);
	return err_remedy(err, "`--whole` does all of it again");
}

static size_t
first_step(const struct plan *plan)
{
	size_t i = 0;

	while (i + 1 < plan->step_count && plan->steps[i].section != SECTION_STEPS)
		i++;
	return i;
}

/* What was learnt in several rounds is of no use without what they changed. */
static void
find_round(struct retry_run *retry)
{
	retry->round = retry->t.run.round;
	if (retry->round <= 1 || json_array_size(retry->undone) == 0)
		return;
	retry->round = 1;
	retry->from = first_step(retry->t.plan);
	retry->why = "what the rounds before it changed was put back";
}

static int
refuse_step(const struct retry_run *retry, const char *from, struct err *err)
{
	const struct plan *plan = retry->t.plan;
	AUTO(strv) struct strv ids = STRV_INIT;
	AUTO(str) struct str list = STR_INIT;

	for (size_t i = 0; i < plan->step_count; i++)
		if (plan->steps[i].section == SECTION_STEPS) {
			str_addf(&list, "%s%s", ids.count ? ", " : "",
				 plan->steps[i].id);
			strv_add(&ids, plan->steps[i].id);
		}
	const char *near = strv_nearest(&ids, from);
	err_set(err, "invalid_resume_step", "run %s has no step '%s' to begin at%s%s%s",
		retry->t.run.claim.run, from, near ? "; did you mean '" : "",
		near ? near : "", near ? "'?" : "");
	return err_remedy(err, "its steps are: %s", str_get(&list));
}

/* Somebody's own choice: earlier than need be is fine, later is not. */
static int
choose(struct retry_run *retry, const char *from, struct err *err)
{
	const struct plan *plan = retry->t.plan;
	const struct plan_step *step = plan_find_step(plan, from);

	if (!step || step->section != SECTION_STEPS)
		return refuse_step(retry, from, err);
	size_t wanted = (size_t)(step - plan->steps);
	if (wanted > retry->from) {
		const char *first = plan->steps[retry->from].id;

		err_set(err, "invalid_resume_step",
			"it cannot begin at '%s': step '%s' has to be done again "
			"before (%s)",
			from, first,
			retry->why ? retry->why : "it did not succeed");
		return err_remedy(err, "`fettle retry %s --from %s`",
				  retry->t.run.claim.run, first);
	}
	retry->from = wanted;
	retry->why = NULL;
	return 0;
}

static int
find_begin(struct retry_run *retry, const char *from, enum retry_extent extent,
	   struct err *err)
{
	if (extent == RETRY_WHOLE) {
		retry->from = first_step(retry->t.plan);
		retry->round = 1;
		return 0;
	}
	if (find_default(retry, err) < 0)
		return -1;
	find_round(retry);
	return from ? choose(retry, from, err) : 0;
}

/* ---- is what is kept still good? ---- */

static void PRINTF_LIKE(2, 3)
warn(struct retry_run *retry, const char *fmt, ...)
{
	struct run *run = &retry->t.run;
	const char *step = retry->t.plan->steps[retry->from].id;
	va_list args;

	va_start(args, fmt);
	AUTO_FREE char *text = x_vasprintf(fmt, args);
	va_end(args);
	run_note(run, "step.note",
		 json_pack("{s:s, s:i, s:s, s:s}", "step", step, "attempt",
			   (int)json_int_or(run->attempts, step, 0) + 1, "level",
			   "warn", "text", text));
}

/* Whether a value names the file, alone or at the end of a path. */
static bool
names_file(const json_t *value, const char *name)
{
	const json_t *item;
	const char *key;
	size_t i;

	if (json_is_string(value)) {
		const char *text = json_string_value(value);
		size_t n = strlen(text), len = strlen(name);

		return n >= len && str_eq(text + n - len, name) &&
		       (n == len || text[n - len - 1] == '/');
	}
	json_array_foreach (value, i, item)
		if (names_file(item, name))
			return true;
	json_object_foreach ((json_t *)(uintptr_t)value, key, item)
		if (names_file(item, name))
			return true;
	return false;
}

/* NULL when the file is as it was stored. */
static const char *
find_damage(int dirfd, const json_t *row)
{
	struct err ignored = { 0 };
	char sha256[SHA256_HEX_SIZE];
	uint64_t bytes;
	AUTO_CLOSE int fd = path_open_beneath(dirfd, json_text(row, "path"),
					      O_RDONLY | O_NONBLOCK, 0, &ignored);

	if (fd < 0)
		return "missing";
	if (sha256_fd(fd, sha256, &bytes, &ignored) < 0)
		return "unreadable";
	return str_eq(sha256, json_text(row, "sha256")) ? NULL : "changed";
}

static bool
is_kept(const struct retry_run *retry, const char *step)
{
	const struct plan_step *found = plan_find_step(retry->t.plan, step);

	return found && found->section == SECTION_STEPS &&
	       (size_t)(found - retry->t.plan->steps) < retry->from;
}

/* A kept step whose outputs name a damaged file is done again, and all behind it. */
static void
judge_damage(struct retry_run *retry, const json_t *row, const char *damage)
{
	const struct plan *plan = retry->t.plan;
	const char *name = json_text(row, "name");

	warn(retry, "artifact '%s' of step '%s' is %s", name, json_text(row, "step"),
	     damage);
	for (size_t i = 0; i < retry->from; i++) {
		const json_t *outputs =
			json_object_get(retry->t.run.outputs, plan->steps[i].id);

		if (plan->steps[i].section != SECTION_STEPS ||
		    !names_file(outputs, name))
			continue;
		retry->from = i;
		retry->why = "an artifact it made is damaged";
	}
}

static int
check_artifacts(struct retry_run *retry, struct err *err)
{
	struct run *run = &retry->t.run;
	AUTO(json_ref)
	json_t *artifacts = store_artifacts(run->engine->store, run->claim.run, err);
	AUTO_CLOSE int dirfd = path_open_dir(run->directory, err);
	const json_t *row;
	size_t i;

	if (!artifacts || dirfd < 0)
		return -1;
	json_array_foreach (artifacts, i, row) {
		if (json_flag(row, "missing") ||
		    !is_kept(retry, json_text(row, "step")))
			continue;
		const char *damage = find_damage(dirfd, row);
		if (damage)
			judge_damage(retry, row, damage);
	}
	return 0;
}

static void
tell_drift(struct retry_run *retry, const char *what, const char *member)
{
	const struct takeover *t = &retry->t;
	const char *then =
		json_text(json_object_get(t->plan->facts, "project.service"), member);
	const char *now =
		json_text(json_object_get(t->run.fresh, "project.service"), member);

	if (!str_eq(then, now))
		warn(retry,
		     "%s of service '%s' is %s; it was %s when the run was planned",
		     what, t->plan->service, *now ? now : "unknown",
		     *then ? then : "unknown");
}

/* The plan was made for one compose configuration. */
static int
check_drift(struct retry_run *retry, struct err *err)
{
	static const char name[] = "project.config_sha256";
	const struct takeover *t = &retry->t;
	const char *then = json_text(t->plan->facts, name);
	const char *now = json_text(t->run.fresh, name);

	if (!t->run.fresh)
		return 0;
	tell_drift(retry, "the level", "level");
	tell_drift(retry, "the image", "image");
	if (str_eq(then, now))
		return 0;
	err_set(err, "plan_stale",
		"the Compose project is another one than when the run was planned: "
		"its resolved configuration has SHA-256 %s, the plan has %s",
		now, then);
	return err_remedy(err, "start a new run with `fettle run`");
}

/* ---- on ---- */

/* Everything that is not kept, whatever became of it before. */
static json_t *
retried_body(struct retry_run *retry)
{
	const struct plan *plan = retry->t.plan;
	struct run *run = &retry->t.run;
	json_t *again = json_array();

	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];

		if (step->section == SECTION_STEPS && i < retry->from)
			continue;
		json_array_append_new(again, json_string(step->id));
		json_object_del(run->outputs, step->id);
		json_object_del(run->states, step->id);
	}
	if (retry->round == 1) {
		json_decref(run->earlier);
		run->earlier = NULL;
	}
	run->round = retry->round;
	/* An approval is good for one time. */
	run->is_agreed = false;
	json_t *body = json_pack("{s:s, s:s, s:o, s:i}", "from",
				 plan->steps[retry->from].id, "by", run->engine->actor,
				 "steps", again, "round", (int)retry->round);
	if (retry->why)
		json_object_set_new(body, "message", json_string(retry->why));
	return body;
}

static int
prepare(struct retry_run *retry, const char *from, enum retry_extent extent,
	struct err *err)
{
	struct takeover *t = &retry->t;
	struct store *store = t->run.engine->store;

	if (takeover_open(t, err) < 0)
		return -1;
	if (t->missing.code[0]) {
		*err = t->missing;
		return -1;
	}
	retry->steps = store_steps(store, t->run.claim.run, err);
	retry->undone = store_undone(store, t->run.claim.run, err);
	if (!retry->steps || !retry->undone || check_nothing_stands(t, err) < 0 ||
	    find_begin(retry, from, extent, err) < 0 ||
	    check_artifacts(retry, err) < 0 || continue_lock(t, err) < 0)
		return -1;
	if (rules_renew(t, RULES_ASKED, err) == 0 && continue_look(t, err) == 0 &&
	    check_drift(retry, err) == 0)
		return 0;
	struct err ignored = { 0 };
	(void)continue_unlock(&t->run, &ignored);
	return -1;
}

int
engine_retry(struct engine *engine, const char *run, const char *from,
	     enum retry_extent extent, struct err *err)
{
	__attribute__((cleanup(retry_done))) struct retry_run retry = {
		.t = TAKEOVER_INIT
	};
	AUTO(json_ref) json_t *row = store_run(engine->store, run, err);
	AUTO(json_ref) json_t *plan = NULL;

	host_prepare(engine);
	if (!row || pause_check(engine->store, err) < 0 || check_state(row, err) < 0 ||
	    !(plan = store_plan(engine->store, run, err)) ||
	    takeover_claim(&retry.t, engine, run, err) < 0)
		return -1;
	/* It may have been retried by somebody else meanwhile. */
	json_decref(row);
	row = store_run(engine->store, run, err);
	if (!row || check_state(row, err) < 0)
		return -1;
	retry.failed = json_text(row, "step");
	if (prepare(&retry, from, extent, err) < 0)
		return -1;
	continue_introduce(&retry.t, row);
	json_t *body = retried_body(&retry);
	return continue_from(&retry.t, retry.t.plan->steps[retry.from].id, body, err);
}
