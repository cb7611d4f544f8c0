/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See drift.h. */
#include "plugins/common/drift.h"

#include <string.h>

void
drift_add_hashes(json_t *hashes, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n"), name = strcspn(text, " \n");

		if (name < n) {
			AUTO_FREE char *key = text_copy_n(text, name);
			AUTO_FREE char *hash =
				text_copy_n(text + name + 1, n - name - 1);
			if (!json_object_get(hashes, key))
				json_object_set_new(hashes, key, json_array());
			json_array_append_new(json_object_get(hashes, key),
					      json_text_or_null(hash));
		}
		text += n + (text[n] == '\n');
	}
}

bool
drift_found(const json_t *hashes, const json_t *containers, const char *tag_id,
	    bool is_v1)
{
	size_t i;
	json_t *c;

	if (json_array_size(hashes) == 0)
		return false;
	json_array_foreach(containers, i, c) {
		const char *label = json_member(json_object_get(c, "labels"),
						"com.docker.compose.config-hash");
		if (is_v1 && !text_equal(json_member(c, "image_id"), tag_id))
			continue;
		if (!label || !json_has_text(hashes, label))
			return true;
	}
	return false;
}

/* Does some container of the project have none of its service's hashes? */
static bool
any_differs(const json_t *hashes, const json_t *containers)
{
	size_t i;
	json_t *c;

	json_array_foreach(containers, i, c) {
		AUTO_JSON json_t *one = json_pack("[O]", c);
		const char *name = json_member(c, "service");
		if (name &&
		    drift_found(json_object_get(hashes, name), one, NULL, false))
			return true;
	}
	return false;
}

static int
ask(struct compose *compose, json_t *hashes, struct fault *fault)
{
	static const char *const words[] = { "--hash", "*", NULL };
	AUTO_FREE char *text = NULL;
	size_t n = 0;

	if (compose_config(compose, words, &text, &n, fault) < 0)
		return -1;
	drift_add_hashes(hashes, text);
	return 0;
}

/* The same of a resolved configuration, in which nothing is left to be looked up. */
static int
ask_of(struct compose *compose, const json_t *config, json_t *hashes,
       struct fault *fault)
{
	AUTO_FREE char *path =
		text_format("%s/resolved.json", fettle_scratch(compose->ctx));
	AUTO_JSON json_t *options = json_copy(compose->options);
	struct compose resolved = *compose;

	if (json_dump_file(config, path, JSON_COMPACT) < 0)
		return fault_set(fault, FETTLE_WHY_HOST, "scratch_unwritable",
				 "%s cannot be written", path);
	json_object_set_new(options, "files", json_pack("[s]", path));
	resolved.options = options;
	return ask(&resolved, hashes, fault);
}

static json_t *
without_dependencies(const json_t *config)
{
	json_t *copy = json_deep_copy(config), *service;
	const char *name;

	json_object_foreach(json_object_get(copy, "services"), name, service)
		json_object_del(service, "depends_on");
	return copy;
}

int
drift_hashes(struct compose *compose, const json_t *config, const json_t *containers,
	     json_t **ret, struct fault *fault)
{
	AUTO_JSON json_t *hashes = json_object();

	if (ask(compose, hashes, fault) < 0)
		return -1;
	bool is_v1 = compose_is_v1(compose);
	if (!is_v1 && any_differs(hashes, containers) &&
	    ask_of(compose, config, hashes, fault) < 0)
		return -1;
	if (!is_v1 && any_differs(hashes, containers)) {
		AUTO_JSON json_t *alone = without_dependencies(config);
		if (ask_of(compose, alone, hashes, fault) < 0)
			return -1;
	}
	*ret = json_incref(hashes);
	return 0;
}
