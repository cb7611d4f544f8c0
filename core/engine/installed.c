/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looking for the programs of a plan. See installed.h. */
#include "base/base.h"

#include "engine/installed.h"

#include <fettle/plugin.h>
#include <unistd.h>

#include "wire/request.h"

static bool
is_in_path(const char *program)
{
	const char *at = PROGRAM_PATH;
	bool is_there = false;

	while (*at && !is_there) {
		size_t len = strcspn(at, ":");
		AUTO_FREE char *file = x_asprintf("%.*s/%s", (int)len, at, program);

		is_there = access(file, X_OK) == 0;
		at += len + (at[len] == ':');
	}
	return is_there;
}

static bool
is_missing(const char *program)
{
	if (!strchr(program, '/'))
		return !is_in_path(program);
	return program[0] == '/' && access(program, X_OK) < 0;
}

int
installed_check(const struct plan_step *step, struct err *err)
{
	const struct description *d = step->description;

	for (size_t i = 0; i < d->param_count; i++) {
		const json_t *argv = json_object_get(step->with, d->params[i].name);
		const char *program = json_string_value(json_array_get(argv, 0));

		if (!(d->params[i].flags & FETTLE_INSTALLED) || !program || !*program ||
		    !is_missing(program))
			continue;
		err_set(err, "program_missing",
			"step '%s' (%s) needs program '%s', which is not on this "
			"machine",
			step->id, step->uses, program);
		return err_remedy(err, "install it, or correct `%s`",
				  d->params[i].name);
	}
	return 0;
}
