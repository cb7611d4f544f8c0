/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counting the people who agreed. See quorum.h. */
#include "base/base.h"

#include "engine/quorum.h"

static bool
has_text(const json_t *list, const char *text)
{
	const json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (str_eq(json_string_value(item), text))
			return true;
	return false;
}

static bool
has_role(const json_t *need, const struct principal *person)
{
	const json_t *roles = json_object_get(need, "roles");

	for (size_t i = 0; i < person->roles.count; i++)
		if (has_text(roles, person->roles.v[i]))
			return true;
	return json_array_size(roles) == 0;
}

/* Whether who said it had such a role then. */
static bool
had_role(const json_t *need, const json_t *approval)
{
	const json_t *roles = json_object_get(need, "roles"), *role;
	size_t i;

	json_array_foreach (json_object_get(approval, "roles"), i, role)
		if (has_text(roles, json_string_value(role)))
			return true;
	return json_array_size(roles) == 0;
}

json_t *
quorum_count(const json_t *hold, const json_t *need, const struct site *site)
{
	const json_t *requesters = json_object_get(hold, "requesters");
	json_t *names = json_array();
	const json_t *approval;
	size_t i;

	json_array_foreach (json_object_get(hold, "approvals"), i, approval) {
		const char *by = json_text(approval, "by");
		const struct principal *person = site_principal(site, by);

		/* What was right when it was said must be right when it is used. */
		if (!person || person->is_disabled || has_text(names, by) ||
		    person->class != PRINCIPAL_HUMAN || !has_role(need, person) ||
		    !had_role(need, approval) ||
		    (has_text(requesters, by) && !json_flag(need, "self_approval")))
			continue;
		json_array_append_new(names, json_string(by));
	}
	return names;
}

static int64_t
missing(const json_t *hold, const json_t *need, const struct site *site)
{
	AUTO(json_ref) json_t *names = quorum_count(hold, need, site);

	return json_int_or(need, "quorum", 1) - (int64_t)json_array_size(names);
}

bool
quorum_is_full(const json_t *hold, const struct site *site)
{
	const json_t *needs = json_object_get(hold, "needs");
	const json_t *need;
	size_t i;

	json_array_foreach (needs, i, need)
		if (missing(hold, need, site) > 0)
			return false;
	return json_array_size(needs) > 0;
}

void
quorum_add_missing(const json_t *hold, const struct site *site, struct str *out)
{
	const json_t *need;
	const char *glue = "";
	size_t i;

	json_array_foreach (json_object_get(hold, "needs"), i, need) {
		const json_t *roles = json_object_get(need, "roles"), *role;
		int64_t left = missing(hold, need, site);
		size_t k;

		if (left <= 0)
			continue;
		str_addf(out, "%s%lld more of %lld", glue, (long long)left,
			 (long long)json_int_or(need, "quorum", 1));
		json_array_foreach (roles, k, role)
			str_addf(out, "%s%s", k ? " or " : " with role ",
				 json_string_value(role));
		str_addf(out, " (policy %s)", json_text(need, "policy"));
		glue = ", ";
	}
}

int64_t
quorum_possible(const struct site *site, const json_t *need, const json_t *requesters)
{
	int64_t count = 0;

	for (size_t i = 0; i < site->principal_count; i++) {
		const struct principal *person = &site->principals[i];

		count += person->class == PRINCIPAL_HUMAN && !person->is_disabled &&
			 has_role(need, person) &&
			 (!has_text(requesters, person->name) ||
			  json_flag(need, "self_approval"));
	}
	return count;
}
