/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `fettle schema`: what editors and CI need to know of our files. */
#include "base/base.h"

#include "cli/cli.h"
#include "model/schema.h"

struct modules {
	struct description **list;
	size_t count;
};

static void
modules_done(struct modules *modules)
{
	for (size_t i = 0; i < modules->count; i++)
		description_free(modules->list[i]);
	free(modules->list);
}

/* Every module that describes itself; the others are `fettle plugins`' to name. */
static int
find_modules(struct cli *cli, struct modules *ret, struct err *err)
{
	AUTO(engine) struct engine engine = cli_engine(cli, "operator");
	AUTO(json_ref) json_t *rows = engine_modules(&engine, err);
	json_t *row;
	size_t i;

	if (rows == NULL)
		return -1;
	ret->list = x_calloc(json_array_size(rows) + 1, sizeof(*ret->list));
	json_array_foreach (rows, i, row) {
		const json_t *json = json_object_get(row, "description");
		struct description *d = json ? description_new(json, err) : NULL;

		if (d != NULL)
			ret->list[ret->count++] = d;
	}
	return 0;
}

static int
print_schema(struct cli *cli, const struct form *form, const char *title)
{
	AUTO(modules) struct modules modules = { NULL, 0 };
	AUTO(json_ref) json_t *schema = NULL;
	struct err err;

	if (cli_open_store(cli, STORE_WRITE, &err) < 0 ||
	    find_modules(cli, &modules, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	schema = schema_of(form, title,
			   (const struct description *const *)modules.list,
			   modules.count);
	out_json(&cli->out, schema);
	return EXIT_DONE;
}

int
verb_schema_pipeline(struct cli *cli)
{
	return print_schema(cli, &pipeline_form, "a pipeline of Fettle");
}

int
verb_schema_project(struct cli *cli)
{
	return print_schema(cli, &project_form, "fettle.yaml of Fettle");
}
