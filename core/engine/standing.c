/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands of a run. See standing.h. */
#include "base/base.h"

#include "engine/standing.h"

bool
standing_is_edit(const json_t *row)
{
	return str_eq(json_text(row, "kind"), "edit");
}

bool
standing_has_effect(const json_t *effects, const json_t *effect)
{
	const json_t *known;
	size_t i;

	json_array_foreach (effects, i, known)
		if (str_eq(json_text(known, "kind"), json_text(effect, "kind")) &&
		    str_eq(json_text(known, "target"), json_text(effect, "target")))
			return true;
	return false;
}
