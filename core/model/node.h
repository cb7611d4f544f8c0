/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A YAML document as a tree of nodes that know their place in the file. Reads
 * with libyaml's events under our own limits; knows nothing of pipelines.
 * Error codes: `yaml.size`, `yaml.depth`, `yaml.alias`, `yaml.anchor`,
 * `yaml.duplicate_key`, `yaml.key_charset`, `yaml.tag`, `yaml.directive`,
 * `yaml.multidoc`, `yaml.empty`, `yaml.root_type`, `yaml.syntax`,
 * `yaml.control_char`, `yaml.utf8`, `yaml.encoding`, `yaml.line_break`,
 * `yaml.scalar_size`, `yaml.nodes`. Loading adds `file.missing`, `file.type`
 * (also a symbolic link), `file.mode` (writable by everybody) and `file.open`.
 */
#ifndef FETTLE_MODEL_NODE_H
#define FETTLE_MODEL_NODE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

enum node_kind { NODE_SCALAR, NODE_SEQUENCE, NODE_MAPPING };

struct node_place {
	uint32_t line, column;	/* 1-based */
};

struct node {
	enum node_kind kind;
	uint32_t line, column;	/* 1-based */
	bool is_plain;		/* scalar without quotes or block style */
	char *text;		/* scalar, NUL-terminated */
	size_t len;
	char **keys;		/* mapping: the names, in file order */
	struct node_place *key_places;
	struct node **items;	/* sequence: entries; mapping: values */
	size_t count;
	struct arena *arena;	/* of the root: where the whole tree lives */
};

/* What is read at most. Files of users have node_limits. */
struct node_limits {
	size_t bytes;
	unsigned depth, nodes;
};
extern const struct node_limits node_limits;

/* The root is always a mapping. `name` is used in errors (err.file). */
struct node *node_parse(const char *text, size_t len, const char *name,
			struct err *err);
struct node *node_parse_within(const char *text, size_t len, const char *name,
			       const struct node_limits *limits, struct err *err);
struct node *node_load(const char *path, struct err *err);
/* The bytes alone, for who hashes them first. Caller owns *ret. */
int node_read_file(const char *path, char **ret, size_t *ret_len, struct err *err);
void node_free(struct node *root);
void node_done(struct node **node); /* for AUTO(node) struct node *x = NULL */

/* The value of a key, or NULL. */
const struct node *node_find(const struct node *mapping, const char *key);

/* A plain scalar that YAML takes for null: nothing, `~`, `null`. */
bool node_is_null(const struct node *node);

/* Borrowed text of a scalar, or NULL with `type.string`; the error names `what`. */
const char *node_text(const struct node *node, const char *file, const char *what,
		      struct err *err);

/* Put an error that is already set at a node, or at the i-th key; each returns -1. */
int node_at(const struct node *node, const char *file, struct err *err);
int node_at_key(const struct node *mapping, size_t i, const char *file,
		struct err *err);

/* An error at this node; returns -1. file is the name given to node_parse. */
int node_err(const struct node *node, const char *file, struct err *err,
	     const char *code,
	     const char *fmt, ...) PRINTF_LIKE(5, 6);

/*
 * Refuses keys that are not in the NULL-terminated list: `key.unknown`, with
 * the position and the nearest allowed name; and a node that is no mapping.
 */
int node_check_keys(const struct node *mapping, const char *file,
		    const char *const *allowed, struct err *err);

/*
 * Reads of a member that may be missing (then *ret stays as it was). -1 with
 * `type.string`, `type.bool`, `type.int`, `type.duration`, `type.range`,
 * `type.list`, `type.map` at the member's position.
 */
int node_get_text(const struct node *mapping, const char *file, const char *key,
		  char **ret,
		  struct err *err);			/* frees the old *ret */
int node_get_bool(const struct node *mapping, const char *file, const char *key,
		  bool *ret, struct err *err);
int node_get_ms(const struct node *mapping, const char *file, const char *key,
		uint64_t *ret, struct err *err);

/*
 * The tree as JSON: plain true/false and plain decimal integers typed, all
 * else strings. New reference. Only for values whose schema is `JSON`.
 */
json_t *node_to_json(const struct node *node);

#endif
