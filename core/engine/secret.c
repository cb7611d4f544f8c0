/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Resolving secret references. See secret.h. */
#include "base/base.h"

#include "engine/secret.h"

#include <strings.h>

#include "base/path.h"

#define SECRET_MAX_BYTES (64u << 10)
#define ENV_FILE_MAX_BYTES (1u << 20)

static const char *const telling_words[] = { "PASS",	   "SECRET",  "TOKEN", "KEY",
					     "CREDENTIAL", "PRIVATE", "DSN" };

static bool
name_tells(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(telling_words); i++)
		if (strcasestr(name, telling_words[i]))
			return true;
	return false;
}

/* The value behind `env:NAME` or `file:PATH`; caller owns. */
static char *
resolve(const struct project *project, const char *name, const char *ref,
	struct err *err)
{
	if (str_starts(ref, "env:")) {
		const char *value = getenv(ref + strlen("env:"));

		if (!value) {
			err_set(err, "secret.missing",
				"secret '%s': environment variable '%s' "
				"is not set",
				name, ref + strlen("env:"));
			err_remedy(err, "set it in the environment of fettle");
			return NULL;
		}
		return x_strdup(value);
	}
	AUTO_FREE char *path = path_join(project->directory, ref + strlen("file:"));
	char *value = NULL;
	size_t n = 0;
	if (file_read(path, SECRET_MAX_BYTES, &value, &n, err) < 0) {
		err_context(err, "secret '%s'", name);
		return NULL;
	}
	/* A file written by an editor ends with a newline nobody means. */
	while (n > 0 && (value[n - 1] == '\n' || value[n - 1] == '\r'))
		value[--n] = '\0';
	return value;
}

static int
add_declared(const struct project *project, json_t *values, struct mask *mask,
	     struct err *err)
{
	const char *name;
	json_t *ref;

	json_object_foreach (project->secrets, name, ref) {
		AUTO_FREE char *value =
			resolve(project, name, json_string_value(ref), err);

		if (!value)
			return -1;
		if (!mask_add(mask, value)) {
			err_set(err, "secret.short",
				"secret '%s' is shorter than %d bytes or "
				"a common word: it cannot be masked",
				name, MASK_MIN_BYTES);
			return err_remedy(err,
					  "use a real secret, or pass it as a plain "
					  "variable under compose.env");
		}
		json_object_set_new(values, name,
				    json_string_lossy(value, strlen(value)));
	}
	return 0;
}

static void
add_environment(const struct project *project, json_t *values, struct mask *mask)
{
	json_t *name;
	size_t i;

	json_array_foreach (json_object_get(project->compose, "env"), i, name) {
		const char *value = getenv(json_string_value(name));

		if (!value || json_object_get(values, json_string_value(name)))
			continue;
		if (name_tells(json_string_value(name)))
			(void)mask_add(mask, value);
		json_object_set_new(values, json_string_value(name),
				    json_string_lossy(value, strlen(value)));
	}
}

/* Compose reads the file itself; we only have to know what not to show. */
static void
mask_env_file(const struct project *project, struct mask *mask)
{
	const char *file = json_text(project->compose, "env_file");
	AUTO_FREE char *path = path_join(project->directory, file);
	AUTO_FREE char *text = NULL;
	struct err ignored = { 0 };
	size_t n;

	if (!*file || file_read(path, ENV_FILE_MAX_BYTES, &text, &n, &ignored) < 0)
		return;
	for (char *line = text, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		char *value = strchr(line, '=');
		if (!value)
			continue;
		*value++ = '\0';
		size_t length = strcspn(value, "\r");
		value[length] = '\0';
		if (length >= 2 && (*value == '"' || *value == '\'') &&
		    value[length - 1] == *value) {
			value[length - 1] = '\0';
			value++;
		}
		if (name_tells(line))
			(void)mask_add(mask, value);
	}
}

json_t *
secrets_resolve(const struct project *project, struct mask *mask, struct err *err)
{
	AUTO(json_ref) json_t *values = json_object();

	if (add_declared(project, values, mask, err) < 0)
		return NULL;
	add_environment(project, values, mask);
	mask_env_file(project, mask);
	return STEAL(values);
}
