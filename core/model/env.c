/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of environment variables, and the `env:` mappings of a pipeline. */
#include "base/base.h"

#include "model/env.h"

#include "model/scalar.h"

/* A name that ends in `*` stands for all that begin so. */
static const char *const denied[] = {
	"LD_*",		 "PATH",
	"BASH_ENV",	 "SHELLOPTS",
	"BASHOPTS",	 "GIT_*",
	"DOCKER_HOST",	 "DOCKER_CONTEXT",
	"DOCKER_CONFIG", "DOCKER_CERT_PATH",
	"COMPOSE_*",	 "DOCKER_TLS_VERIFY",
	"FETTLE_*",	 "GCONV_PATH",
	"LOCPATH",	 "GLIBC_TUNABLES",
};

static bool
is_denied(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(denied); i++) {
		size_t n = strcspn(denied[i], "*");

		if (denied[i][n] == '*' ? strncmp(name, denied[i], n) == 0
					: str_eq(name, denied[i]))
			return true;
	}
	return false;
}

void
env_add_denied_pattern(struct str *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(denied); i++) {
		size_t n = strcspn(denied[i], "*");

		str_add(ret, i == 0 ? "^(" : "|");
		str_add_n(ret, denied[i], n);
		str_add(ret, denied[i][n] == '*' ? ".*" : "");
	}
	str_add(ret, ")$");
}

int
env_check_name(const char *name, struct err *err)
{
	if (!scalar_is_variable_name(name)) {
		err_set(err, "env.name",
			"'%.80s' is no name of an environment variable", name);
		return err_remedy(err, "names are made of A-Z a-z 0-9 _, not beginning "
				       "with a digit");
	}
	if (!is_denied(name))
		return 0;
	err_set(err, "env.denied", "environment variable '%.80s' may not be set", name);
	return err_remedy(err, "it changes which code runs or which machine is spoken "
			       "to; the compose settings of fettle.yaml have keys of "
			       "their own");
}

int
env_read(const struct node *node, const char *file, json_t **ret, struct err *err)
{
	AUTO(json_ref) json_t *env = NULL;

	if (node == NULL)
		return 0;
	if (node->kind != NODE_MAPPING)
		return node_err(node, file, err, "type.map",
				"'env' must be a mapping of names to texts");
	env = json_object();
	for (size_t i = 0; i < node->count; i++) {
		const char *text;

		if (env_check_name(node->keys[i], err) < 0)
			return node_at_key(node, i, file, err);
		text = node_text(node->items[i], file, node->keys[i], err);
		if (text == NULL)
			return -1;
		json_object_set_new_nocheck(env, node->keys[i],
					    json_string_nocheck(text));
	}
	*ret = STEAL(env);
	return 0;
}
