/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protected services. See protection.h. */
#include "base/base.h"

#include "engine/protection.h"

#include <fettle/plugin.h>

#include "base/path.h"

static bool
states(const json_t *proposal, const char *list)
{
	return json_array_size(json_object_get(proposal, list)) > 0;
}

static bool
is_changing(const struct plan_step *step, const json_t *proposal)
{
	if (plan_is_revert(step))
		return true;
	/* It puts back what was changed, and that was allowed. */
	if (step->section == SECTION_ON_FAILURE)
		return false;
	/* A program that reaches the engine can do anything with it. */
	if ((step->flags & (FETTLE_DOCKER | FETTLE_NETWORK)) &&
	    states(proposal, "commands"))
		return true;
	/* An analysis changes something only when it said so this time. */
	if (step->stage == FETTLE_ANALYZE)
		return states(proposal, "effects");
	return step->stage == FETTLE_PATCH || step->description->effect_count > 0;
}

/* ---- without a service: whose files are they? ---- */

/* The project of a directory, or of the nearest one above it that is there. */
static struct project *
find_project(char *directory, struct err *err)
{
	struct project *found = project_find(directory, err);
	char *slash;

	while (!found && str_eq(err->code, "path.open") &&
	       (slash = strrchr(directory, '/')) && slash != directory) {
		*slash = '\0';
		found = project_find(directory, err);
	}
	return found;
}

/* A project that cannot be read may protect anything. Shortens `directory`. */
static char *
find_protected(char *directory)
{
	struct err why = { 0 };
	struct project *project = find_project(directory, &why);
	char *name = NULL;

	if (!project)
		return str_eq(why.code, "project.missing") ? NULL : x_strdup("?");
	for (size_t i = 0; i < project->service_count && !name; i++)
		if (project->services[i].is_protected)
			name = x_strdup(project->services[i].name);
	project_free(project);
	return name;
}

static char *
find_among_files(const struct run *run, const json_t *proposal)
{
	AUTO_FREE char *workspace = x_strdup(run->plan->workspace);
	char *name = find_protected(workspace);
	const json_t *edit;
	size_t i;

	json_array_foreach (json_object_get(proposal, "edits"), i, edit) {
		AUTO_FREE char *file =
			path_join(run->plan->workspace, json_text(edit, "path"));

		if (name)
			break;
		*strrchr(file, '/') = '\0';
		name = find_protected(file);
	}
	return name;
}

char *
protection_find(const struct run *run, const struct plan_step *step,
		const json_t *proposal)
{
	const struct plan *plan = run->plan;

	if (!is_changing(step, proposal))
		return NULL;
	if (!*plan->service)
		return find_among_files(run, proposal);
	return plan->is_protected ? x_strdup(plan->service) : NULL;
}
