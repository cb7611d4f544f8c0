/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A rule pack: a YAML file of what services say when they are broken
 * (rules/python.yaml tells its form), read and compiled. Knows no service.
 */
#ifndef FETTLE_ANALYZE_PACK_H
#define FETTLE_ANALYZE_PACK_H

#include "plugins/common/fault.h"
#include "plugins/common/text.h"

#define PACK_MAX_BYTES (1u << 20)

struct pcre2_real_code_8;

/* The texts belong to the pack's JSON. */
struct rule {
	const char *id, *kind, *title, *fix, *remedy;
	const char *because, *about;		/* "" when not given */
	int confidence;				/* percent */
	struct pcre2_real_code_8 **patterns;
	size_t pattern_count;
};

struct pack {
	json_t *json;
	struct rule *rules;
	size_t rule_count;
};
void pack_done(struct pack *pack);

/* 0, or -1 with `rules_invalid`: the installation is broken. `name`: for messages. */
int pack_parse(const char *text, size_t len, const char *name, struct pack *ret,
	       struct fault *fault);
int pack_load(const char *file, struct pack *ret, struct fault *fault);

/* All packs of a directory, by name. Packs stay where they are while in use. */
struct packs {
	struct pack *v;
	size_t count, rule_count;
};
void packs_done(struct packs *packs);
int packs_load(const char *directory, struct packs *ret, struct fault *fault);

/* The package that brings this import name; NULL when only a guess is left. */
const char *pack_package(const struct pack *pack, const char *module);

/* The known import name that this one looks like a slip of, or NULL. */
const char *pack_nearest(const struct pack *pack, const char *module);

/* What a module is that no package has, or NULL. */
const char *pack_not_package(const struct pack *pack, const char *module);

/* What one of the pack's mappings (`libraries`, `tools`...) says, or NULL. */
const char *pack_lookup(const struct pack *pack, const char *mapping, const char *key);

/* Does this look like a slip of the known name? */
bool is_slip_of(const char *name, const char *known);

#endif
