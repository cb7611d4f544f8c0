/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is agreed to. See digest.h. */
#include "base/base.h"

#include "engine/digest.h"

#include "base/sha256.h"
#include "engine/hold.h"
#include "engine/image.h"
#include "engine/mask.h"
#include "engine/survey.h"

/* ---- the basis ---- */

static void
set_text(json_t *basis, const char *key, const char *text)
{
	json_object_set_new(basis, key, json_string(text));
}

static void
set_hash(json_t *basis, const char *key, const json_t *value)
{
	char sha256[SHA256_HEX_SIZE];

	json_sha256(value, sha256);
	set_text(basis, key, sha256);
}

/* "" for one that is not there, or cannot be read. */
static void
set_file(const struct run *run, json_t *basis, const char *key, const char *path)
{
	__attribute__((cleanup(image_done))) struct image now = { 0 };
	struct err ignored;

	if (*path && image_read(run->workspace_fd, path, &now, &ignored) < 0)
		now.sha256[0] = '\0';
	set_text(basis, key, now.sha256);
}

static void
set_files(const struct run *run, json_t *basis, const json_t *edits)
{
	const json_t *edit;
	size_t i;

	json_array_foreach (edits, i, edit) {
		const char *path = json_text(edit, "path");
		AUTO_FREE char *key = x_asprintf("file:%s", path);

		set_file(run, basis, key, path);
	}
}

/* Who goes on from a hold has just looked; what was seen before is too old. */
static int
look(struct run *run, const struct plan_step *step, struct err *err)
{
	if (!*run->plan->service || hold_is_of(run, step))
		return 0;
	json_t *fresh = survey_now(run->engine, run->plan, run->secrets, err);
	if (!fresh)
		return -1;
	json_decref(run->fresh);
	run->fresh = fresh;
	return 0;
}

json_t *
digest_world(struct run *run, const struct plan_step *step, const json_t *edits,
	     struct err *err)
{
	char attempt[24];

	if (look(run, step, err) < 0)
		return NULL;
	json_t *basis = plan_rules(run->plan);
	snprintf(attempt, sizeof attempt, "%lld",
		 (long long)json_int_or(run->attempts, step->id, 1));
	set_text(basis, "run", run->claim.run);
	set_text(basis, "plan", run->plan->sha256);
	set_text(basis, "step", step->id);
	set_text(basis, "attempt", attempt);
	set_files(run, basis, edits);
	if (*run->plan->service) {
		const json_t *service = json_object_get(run->fresh, "project.service");

		set_text(basis, "compose",
			 json_text(run->fresh, "project.config_sha256"));
		set_file(run, basis, "dockerfile", json_text(service, "dockerfile"));
		set_text(basis, "image", json_text(service, "image_id"));
		set_text(basis, "tag", json_text(service, "tag_id"));
	}
	return basis;
}

/* Who has to agree; why may be told in other words each time ("2 runs in 1h"). */
static json_t *
without_reasons(const json_t *needs)
{
	json_t *list = json_deep_copy(needs), *need;
	size_t i;

	json_array_foreach (list, i, need)
		json_object_del(need, "reason");
	return list;
}

json_t *
digest_basis(struct run *run, const struct plan_step *step, const json_t *proposal,
	     const json_t *needs, struct err *err)
{
	json_t *basis = digest_world(run, step, json_object_get(proposal, "edits"),
				     err);
	/* As it is stored and shown: without secrets. */
	AUTO(json_ref) json_t *shown = basis ? mask_json(run->mask, proposal) : NULL;

	AUTO(json_ref) json_t *who = without_reasons(needs);

	if (!basis)
		return NULL;
	set_hash(basis, "proposal", shown);
	set_hash(basis, "needs", who);
	return basis;
}

json_t *
digest_without_proposal(const json_t *basis)
{
	json_t *world = basis ? json_copy((json_t *)(uintptr_t)basis) : json_object();

	json_object_del(world, "proposal");
	json_object_del(world, "needs");
	return world;
}

/* ---- what has changed ---- */

static char *
words_of(const char *key)
{
	static const struct {
		const char *key, *words;
	} known[] = {
		{ "file:", "file '%s'" },
		{ "module:", "module '%s'" },
		{ "policy:", "the module of policy '%s'" },
		{ "rules:", "the parameters of policy '%s'" },
		{ "site:", "the parameters of the site's policy '%s'" },
		{ "allow", "the allow-list of the service" },
		{ "protected", "whether the service is protected" },
		{ "compose", "the Compose configuration" },
		{ "dockerfile", "the Dockerfile" },
		{ "image", "the image the service runs" },
		{ "tag", "the image that its name stands for" },
		{ "proposal", "the proposal" },
		{ "needs", "who has to agree" },
	};
	const char *colon = strchr(key, ':');
	size_t n = colon ? (size_t)(colon - key) + 1 : strlen(key);

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strlen(known[i].key) != n || strncmp(known[i].key, key, n) != 0)
			continue;
		const char *gap = strstr(known[i].words, "%s");
		return gap ? x_asprintf("%.*s%s%s", (int)(gap - known[i].words),
					known[i].words, key + n, gap + 2) :
			     x_strdup(known[i].words);
	}
	return x_strdup(key);
}

static void
add_change(json_t *changes, const char *key, const json_t *was, const json_t *is)
{
	AUTO_FREE char *what = words_of(key);

	json_array_append_new(changes, json_pack("{s:s, s:s, s:s, s:s}", "key", key,
						 "what", what, "was",
						 json_text(was, key), "is",
						 json_text(is, key)));
}

json_t *
digest_changes(const json_t *was, const json_t *is)
{
	json_t *changes = json_array(), *value;
	const char *key;

	json_object_foreach ((json_t *)(uintptr_t)was, key, value)
		if (!json_equal(value, json_object_get(is, key)))
			add_change(changes, key, was, is);
	json_object_foreach ((json_t *)(uintptr_t)is, key, value)
		if (!json_object_get(was, key))
			add_change(changes, key, was, is);
	return changes;
}

void
digest_add_words(const json_t *changes, struct str *out)
{
	const json_t *change;
	size_t i;

	json_array_foreach (changes, i, change)
		str_addf(out, "%s%s", i ? ", " : "", json_text(change, "what"));
}
