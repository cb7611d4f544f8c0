/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See stale.h. */
#include "plugins/analyze/stale.h"

#include <dirent.h>
#include <sys/stat.h>

#include "plugins/common/container.h"
#include "plugins/common/glob.h"
#include "plugins/common/text.h"

static bool
is_younger(const char *path, int64_t since_s)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_mtime > since_s;
}

static char *
younger_file(const json_t *own, int64_t since_s)
{
	const json_t *manifests = json_object_get(own, "default_allow");
	const char *dockerfile = json_text(own, "dockerfile");
	const char *context = json_text(own, "context");
	const struct dirent *entry;
	char *found = NULL;
	DIR *dir;

	if (*dockerfile && is_younger(dockerfile, since_s))
		return text_copy(dockerfile);
	dir = *context ? opendir(context) : NULL;
	while (dir && !found && (entry = readdir(dir))) {
		AUTO_FREE char *path = text_equal(context, ".") ?
					       text_copy(entry->d_name) :
					       text_format("%s/%s", context,
							   entry->d_name);

		if (glob_list_matches(manifests, path) && is_younger(path, since_s))
			found = STEAL(path);
	}
	if (dir)
		(void)closedir(dir);
	return found;
}

int
stale_reason(const json_t *own, struct engine_api *api, char **ret, struct fault *fault)
{
	const char *image = json_text(own, "image");
	const char *tag_id = json_text(own, "tag_id");
	const char *image_id = json_text(own, "image_id");
	enum level level = level_find(json_text(own, "level"));
	AUTO_FREE char *path = text_format("/images/%s/json", image_id);
	AUTO_FREE char *file = NULL;
	AUTO_JSON json_t *inspection = NULL;

	if (level <= LEVEL_CREATED)
		*ret = text_copy(level == LEVEL_ABSENT ? "it has no container" :
							 "its container never ran");
	else if (!*tag_id)
		*ret = text_format("there is no image %s", image);
	else if (!text_equal(tag_id, image_id))
		*ret = text_format("it runs another image than %s stands for now",
				   image);
	if (*ret)
		return 0;
	if (engine_get(api, path, &inspection, fault) < 0)
		return -1;
	file = younger_file(own, engine_time_s(json_text(inspection, "Created")));
	if (file)
		*ret = text_format("'%s' is younger than the image it runs", file);
	return 0;
}
