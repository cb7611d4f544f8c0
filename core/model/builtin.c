/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pipelines Fettle brings along, as anybody could have written them. */
#include "base/base.h"

#include "model/pipeline.h"

static const char repair[] =
	"fettle: 1\n"
	"name: repair\n"
	"description: Find what broke a service, mend it, and prove it or undo it.\n"
	"rounds: 3\n"
	"inputs:\n"
	"  instruction: { type: string, required: true }\n"
	"  service: { type: service }\n"
	"steps:\n"
	"  - id: analyze\n"
	"    uses: analyze/logs\n"
	"  - id: patch\n"
	"    uses: patch/apply\n"
	"    with:\n"
	"      edits: ${{ steps.analyze.outputs.edits }}\n"
	"  - id: build\n"
	"    uses: build/compose\n"
	"  - id: restart\n"
	"    uses: restart/compose\n"
	"  - id: verify\n"
	"    uses: verify/service\n"
	"on_failure:\n"
	"  - id: rollback\n"
	"    uses: rollback/compose\n";

static const struct {
	const char *name, *text;
} builtins[] = {
	{ "repair", repair },
};

const char *
pipeline_builtin(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(builtins); i++)
		if (str_eq(builtins[i].name, name))
			return builtins[i].text;
	return NULL;
}
