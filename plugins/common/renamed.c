/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See renamed.h. */
#include "plugins/common/renamed.h"

#include <stdlib.h>

/* Every container that some Compose made, one-off ones left out. */
#define ALL_OF_COMPOSE                                                                 \
	"{\"label\":[\"com.docker.compose.project\",\"com.docker.compose.oneoff="      \
	"False\"]}"

const char *
renamed_find(const struct services_input *in, const json_t *listed)
{
	size_t i;
	json_t *entry;

	json_array_foreach(listed, i, entry) {
		json_t *labels = json_object_get(entry, "Labels");
		const char *project = json_member(labels, "com.docker.compose.project");
		AUTO_JSON json_t *one = json_pack("[{s:O?}]", "labels", labels);
		AUTO_FREE char *strange = services_foreign(in, one);

		if (project && !text_equal(project, in->project) && !strange)
			return project;
	}
	return NULL;
}

int
renamed_check(struct engine_api *api, const struct services_input *in,
	      struct fault *fault)
{
	AUTO_FREE char *filters = engine_escape(ALL_OF_COMPOSE);
	AUTO_FREE char *path =
		text_format("/containers/json?all=1&filters=%s", filters);
	AUTO_JSON json_t *listed = NULL;

	if (json_array_size(in->containers) > 0)
		return 0;
	if (engine_get(api, path, &listed, fault) < 0)
		return -1;
	const char *other = renamed_find(in, listed);
	if (!other)
		return 0;
	fault_no(fault, "project_renamed",
		 "project '%s' has no containers; those that were made in '%s' from "
		 "these compose files run as project '%s'",
		 in->project, in->directory, other);
	return fault_remedy(fault,
			    "say `project: %s` in fettle.yaml; if a second project "
			    "named '%s' is meant, start it by hand first",
			    other, in->project);
}
