/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is agreed to. See digest.h. */
#include "base/base.h"

#include "engine/digest.h"

#include "base/sha256.h"
#include "engine/hold.h"
#include "engine/image.h"
#include "engine/mask.h"
#include "engine/survey.h"

static json_t *
or_null(json_t *value)
{
	return value ? json_incref(value) : json_null();
}

/* The image is made by it, whatever the proposal edits. */
static json_t *
dockerfile_sha256(const struct run *run, const json_t *service)
{
	__attribute__((cleanup(image_done))) struct image now = { 0 };
	const char *path = json_text(service, "dockerfile");
	struct err ignored;

	if (!*path || image_read(run->workspace_fd, path, &now, &ignored) < 0)
		return json_null();
	return json_string(now.sha256);
}

int
digest_make(struct run *run, const struct plan_step *step, const json_t *proposal,
	    const json_t *needs, char ret[65], struct err *err)
{
	/* Who goes on from a hold has just looked; what was seen before is too old. */
	if (*run->plan->service && !hold_is_of(run, step)) {
		json_t *fresh =
			survey_now(run->engine, run->plan, run->secrets, err);

		if (!fresh)
			return -1;
		json_decref(run->fresh);
		run->fresh = fresh;
	}
	const json_t *service = json_object_get(run->fresh, "project.service");
	json_t *config = json_object_get(run->fresh, "project.config_sha256");
	/* As it is stored and shown: without secrets. */
	AUTO(json_ref) json_t *shown = mask_json(run->mask, proposal);
	AUTO(json_ref)
	json_t *what = json_pack(
		"{s:s, s:s, s:s, s:O, s:O, s:o, s:o, s:o, s:o}", "run", run->claim.run,
		"plan", run->plan->sha256, "step", step->id, "proposal", shown, "needs",
		needs, "config", or_null(config), "dockerfile",
		dockerfile_sha256(run, service), "image",
		or_null(json_object_get(service, "image_id")), "tag",
		or_null(json_object_get(service, "tag_id")));
	json_sha256(what, ret);
	return 0;
}
