/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See image.h. */
#include "plugins/common/image.h"

#include <string.h>

int
image_find(struct engine_api *api, const char *ref, char **ret_id, struct fault *fault)
{
	AUTO_FREE char *path = text_format("/images/%s/json", ref);
	AUTO_JSON json_t *image = NULL;
	int found = engine_get(api, path, &image, fault);

	if (found != 1)
		return found;
	const char *id = json_member(image, "Id");
	if (!id || !text_starts(id, "sha256:") ||
	    (text_starts(ref, "sha256:") && strcmp(ref, id) != 0))
		return fault_set(fault, FETTLE_WHY_HOST, "docker_error",
				 "what the Docker engine says of image %s cannot be: "
				 "its ID is %s",
				 ref, id ? id : "missing");
	*ret_id = text_copy(id);
	return 1;
}

void
image_split(const char *ref, char **ret_repository, char **ret_tag)
{
	const char *slash = strrchr(ref, '/');
	const char *colon = strrchr(slash ? slash : ref, ':');

	*ret_repository =
		colon ? text_copy_n(ref, (size_t)(colon - ref)) : text_copy(ref);
	*ret_tag = text_copy(colon ? colon + 1 : "latest");
}

int
image_tag(struct engine_api *api, const char *id, const char *ref, struct fault *fault)
{
	AUTO_FREE char *repository = NULL, *tag = NULL;

	image_split(ref, &repository, &tag);
	AUTO_FREE char *r = engine_escape(repository);
	AUTO_FREE char *t = engine_escape(tag);
	AUTO_FREE char *path = text_format("/images/%s/tag?repo=%s&tag=%s", id, r, t);
	return engine_post(api, path, fault);
}

int
image_untag(struct engine_api *api, const char *ref, struct fault *fault)
{
	AUTO_FREE char *path = text_format("/images/%s?noprune=1", ref);

	return engine_delete(api, path, fault);
}
