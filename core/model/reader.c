/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads YAML into nodes from libyaml's events, one at a time, so that every
 * limit cuts off while reading. The document loader of libyaml is not used:
 * it resolves aliases, and hostile input keeps it busy for seconds.
 *
 * An anchor is refused at the end only: when its alias turns up, the alias
 * is the better thing to point at.
 */
#include "base/base.h"

#include "model/node.h"

#include <stdarg.h>
#include <yaml.h>

#include "base/ascii.h"
#include "base/map.h"
#include "model/scan.h"

#define MAX_SCALAR_BYTES (64u << 10)
#define MAX_KEY_BYTES 256u

/* More keys than this are not compared each with each. */
#define FEW_KEYS 16u

const struct node_limits node_limits = { .bytes = 1u << 20,
					 .depth = 64,
					 .nodes = 20000 };

/* What belongs to a list or mapping whose end has not been read yet. */
struct member {
	struct node *value;
	char *key;
	struct node_place place;
};

struct reader {
	yaml_parser_t yaml;
	const char *text;
	size_t len;
	const char *file;
	const struct node_limits *limits;
	struct err *err;
	struct arena arena;	/* of the tree */
	struct member *open;	/* of all that is open, the innermost last */
	size_t open_count, open_room;
	unsigned depth, nodes;
	struct node_place anchor; /* the first one; line 0: none */
};

static void
event_done(yaml_event_t *event)
{
	yaml_event_delete(event);
}

static int PRINTF_LIKE(4, 5) read_err(struct reader *r, yaml_mark_t at,
				      const char *code, const char *fmt, ...)
{
	char text[400];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	err_set(r->err, code, "%s", text);
	return err_at(r->err, r->file, (uint32_t)at.line + 1, (uint32_t)at.column + 1);
}

static struct node_place
place_of(yaml_mark_t at)
{
	return (struct node_place){ (uint32_t)at.line + 1, (uint32_t)at.column + 1 };
}

/* libyaml has one kind of error; we tell a few apart by what it says. */
static const char *
error_code(const yaml_parser_t *yaml)
{
	const char *problem = yaml->problem ? yaml->problem : "";
	const char *context = yaml->context ? yaml->context : "";

	if (strstr(problem, "directive") || strstr(context, "directive"))
		return "yaml.directive";
	if (strstr(problem, " tag") || strstr(context, " tag"))
		return "yaml.tag";
	if (strstr(problem, "Unicode character escape"))
		return "yaml.utf8";
	return "yaml.syntax";
}

static bool
is_indented_by_tab(const struct reader *r, size_t line)
{
	const char *p = r->text, *end = r->text + r->len;

	for (; line > 0 && p < end; line--) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));

		p = newline ? newline + 1 : end;
	}
	while (p < end && *p == ' ')
		p++;
	return p < end && *p == '\t';
}

static int
syntax_err(struct reader *r)
{
	const yaml_parser_t *yaml = &r->yaml;
	yaml_mark_t at = yaml->problem_mark;
	const char *problem = yaml->problem ? yaml->problem : "it cannot be read";

	if (yaml->context == NULL)
		read_err(r, at, error_code(yaml), "not YAML: %s", problem);
	else
		read_err(r, at, error_code(yaml), "not YAML: %s (%s begun at %zu:%zu)",
			 problem, yaml->context, yaml->context_mark.line + 1,
			 yaml->context_mark.column + 1);
	if (is_indented_by_tab(r, at.line))
		return err_remedy(r->err,
				  "indent with blanks: YAML takes no tab there");
	return err_remedy(r->err,
			  "mend the file there; often the cause is just before");
}

static int
next_event(struct reader *r, yaml_event_t *event)
{
	return yaml_parser_parse(&r->yaml, event) ? 0 : syntax_err(r);
}

/* What holds for every node, keys included. */
static int
check_node(struct reader *r, yaml_mark_t at, const yaml_char_t *anchor,
	   const yaml_char_t *tag)
{
	if (anchor != NULL && r->anchor.line == 0)
		r->anchor = place_of(at);
	if (tag != NULL)
		return read_err(r, at, "yaml.tag", "tag '%.80s': tags are not taken",
				(const char *)tag);
	if (++r->nodes > r->limits->nodes)
		return read_err(r, at, "yaml.nodes", "more than %u keys and values",
				r->limits->nodes);
	return 0;
}

static struct node *
node_new(struct reader *r, enum node_kind kind, yaml_mark_t at)
{
	struct node *node = arena_alloc(&r->arena, sizeof(*node));

	node->kind = kind;
	node->line = (uint32_t)at.line + 1;
	node->column = (uint32_t)at.column + 1;
	return node;
}

static int
read_scalar(struct reader *r, const yaml_event_t *event, struct node **ret)
{
	const char *value = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	struct node *node;

	if (check_node(r, event->start_mark, event->data.scalar.anchor,
		       event->data.scalar.tag) < 0)
		return -1;
	if (len > MAX_SCALAR_BYTES)
		return read_err(r, event->start_mark, "yaml.scalar_size",
				"a value of %zu bytes, at most %u are taken", len,
				MAX_SCALAR_BYTES);
	if (memchr(value, 0, len) != NULL)
		return read_err(r, event->start_mark, "yaml.control_char",
				"a value with a NUL character");
	node = node_new(r, NODE_SCALAR, event->start_mark);
	node->text = arena_strndup(&r->arena, value, len);
	node->len = len;
	node->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	*ret = node;
	return 0;
}

static void
add_open(struct reader *r, struct member member)
{
	if (r->open_count == r->open_room) {
		r->open_room = r->open_room ? r->open_room * 2 : 64;
		r->open = x_realloc(r->open, r->open_room, sizeof(*r->open));
	}
	r->open[r->open_count++] = member;
}

/* All that was opened since `first` belongs to this list or mapping. */
static void
close_members(struct reader *r, struct node *node, size_t first)
{
	node->count = r->open_count - first;
	node->items = arena_alloc(&r->arena, node->count * sizeof(*node->items));
	for (size_t i = 0; i < node->count; i++)
		node->items[i] = r->open[first + i].value;
	r->open_count = first;
	if (node->kind != NODE_MAPPING)
		return;
	node->keys = arena_alloc(&r->arena, node->count * sizeof(*node->keys));
	node->key_places =
		arena_alloc(&r->arena, node->count * sizeof(*node->key_places));
	for (size_t i = 0; i < node->count; i++) {
		node->keys[i] = r->open[first + i].key;
		node->key_places[i] = r->open[first + i].place;
	}
}

static bool
is_key_char(char c)
{
	return ascii_is_letter(c) || ascii_is_digit(c) || c == '_' || c == '.' ||
	       c == '-';
}

/* A dash or dot in front would look like an option or a hidden file. */
static bool
is_identifier(const char *key, size_t len)
{
	size_t n = 0;

	while (n < len && is_key_char(key[n]))
		n++;
	return n > 0 && n == len && key[0] != '.' && key[0] != '-';
}

static int
check_key(struct reader *r, const yaml_event_t *event)
{
	const char *key = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;

	if (event->type == YAML_ALIAS_EVENT)
		return read_err(r, event->start_mark, "yaml.alias",
				"alias '*%.80s': aliases are not taken",
				(const char *)event->data.alias.anchor);
	if (event->type != YAML_SCALAR_EVENT)
		return read_err(r, event->start_mark, "yaml.key_charset",
				"a list or mapping as a key");
	if (check_node(r, event->start_mark, event->data.scalar.anchor,
		       event->data.scalar.tag) < 0)
		return -1;
	if (len > MAX_KEY_BYTES)
		return read_err(r, event->start_mark, "yaml.scalar_size",
				"a key of %zu bytes, at most %u are taken", len,
				MAX_KEY_BYTES);
	if (is_identifier(key, len))
		return 0;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)key[i] < 0x20 || key[i] == 0x7F)
			return read_err(r, event->start_mark, "yaml.control_char",
					"a key with a control character");
	if (str_eq(key, "<<"))
		return read_err(r, event->start_mark, "yaml.alias",
				"merge key '<<': aliases are not taken");
	return read_err(r, event->start_mark, "yaml.key_charset",
			"key '%.80s': keys are made of A-Z a-z 0-9 _ . -", key);
}

static int
duplicate_key(struct reader *r, const struct node *mapping, size_t i,
	      const struct node_place *first)
{
	const struct node_place *second = &mapping->key_places[i];

	err_set(r->err, "yaml.duplicate_key",
		"key '%s' at %u:%u is there already at %u:%u", mapping->keys[i],
		second->line, second->column, first->line, first->column);
	err_remedy(r->err, "keep one of the two");
	return err_at(r->err, r->file, second->line, second->column);
}

/* A file may have ten thousand keys in one mapping. */
static int
check_many_unique(struct reader *r, const struct node *mapping)
{
	AUTO(map) struct map seen = MAP_INIT;

	for (size_t i = 0; i < mapping->count; i++) {
		const struct node_place *first =
			map_add(&seen, mapping->keys[i], &mapping->key_places[i]);

		if (first != NULL)
			return duplicate_key(r, mapping, i, first);
	}
	return 0;
}

static int
check_unique(struct reader *r, const struct node *mapping)
{
	if (mapping->count > FEW_KEYS)
		return check_many_unique(r, mapping);
	for (size_t i = 1; i < mapping->count; i++)
		for (size_t j = 0; j < i; j++)
			if (str_eq(mapping->keys[i], mapping->keys[j]))
				return duplicate_key(r, mapping, i,
						     &mapping->key_places[j]);
	return 0;
}

static int read_node(struct reader *r, const yaml_event_t *event, struct node **ret);

static int
read_mapping(struct reader *r, struct node *mapping)
{
	size_t first = r->open_count;

	for (;;) {
		AUTO(event) yaml_event_t key = { 0 }, value = { 0 };
		struct member member = { NULL };

		if (next_event(r, &key) < 0)
			return -1;
		if (key.type == YAML_MAPPING_END_EVENT) {
			close_members(r, mapping, first);
			return check_unique(r, mapping);
		}
		if (check_key(r, &key) < 0 || next_event(r, &value) < 0 ||
		    read_node(r, &value, &member.value) < 0)
			return -1;
		member.key = arena_strndup(&r->arena,
					   (const char *)key.data.scalar.value,
					   key.data.scalar.length);
		member.place = place_of(key.start_mark);
		add_open(r, member);
	}
}

static int
read_sequence(struct reader *r, struct node *sequence)
{
	size_t first = r->open_count;

	for (;;) {
		AUTO(event) yaml_event_t event = { 0 };
		struct member member = { NULL };

		if (next_event(r, &event) < 0)
			return -1;
		if (event.type == YAML_SEQUENCE_END_EVENT) {
			close_members(r, sequence, first);
			return 0;
		}
		if (read_node(r, &event, &member.value) < 0)
			return -1;
		add_open(r, member);
	}
}

static int
read_collection(struct reader *r, const yaml_event_t *event, struct node **ret)
{
	bool is_mapping = event->type == YAML_MAPPING_START_EVENT;
	struct node *node;

	if (check_node(r, event->start_mark,
		       is_mapping ? event->data.mapping_start.anchor
				  : event->data.sequence_start.anchor,
		       is_mapping ? event->data.mapping_start.tag
				  : event->data.sequence_start.tag) < 0)
		return -1;
	if (++r->depth > r->limits->depth)
		return read_err(r, event->start_mark, "yaml.depth",
				"nested more than %u deep", r->limits->depth);
	node = node_new(r, is_mapping ? NODE_MAPPING : NODE_SEQUENCE,
			event->start_mark);
	if ((is_mapping ? read_mapping(r, node) : read_sequence(r, node)) < 0)
		return -1;
	r->depth--;
	*ret = node;
	return 0;
}

static int
read_node(struct reader *r, const yaml_event_t *event, struct node **ret)
{
	if (event->type == YAML_SCALAR_EVENT)
		return read_scalar(r, event, ret);
	if (event->type == YAML_ALIAS_EVENT)
		return read_err(r, event->start_mark, "yaml.alias",
				"alias '*%.80s': aliases are not taken",
				(const char *)event->data.alias.anchor);
	return read_collection(r, event, ret);
}

static int
check_document_start(struct reader *r, const yaml_event_t *event)
{
	if (event->data.document_start.version_directive != NULL ||
	    event->data.document_start.tag_directives.start !=
		    event->data.document_start.tag_directives.end)
		return read_err(r, event->start_mark, "yaml.directive",
				"%%YAML and %%TAG directives are not taken");
	return 0;
}

/* Stream start, one document, stream end. */
static int
read_stream(struct reader *r, struct node **ret)
{
	struct node *root = NULL;

	for (;;) {
		AUTO(event) yaml_event_t event = { 0 };

		if (next_event(r, &event) < 0)
			return -1;
		if (event.type == YAML_STREAM_END_EVENT)
			break;
		if (event.type == YAML_STREAM_START_EVENT ||
		    event.type == YAML_DOCUMENT_END_EVENT)
			continue;
		if (event.type == YAML_DOCUMENT_START_EVENT && root != NULL)
			return read_err(r, event.start_mark, "yaml.multidoc",
					"a second document: one file holds one");
		if (event.type == YAML_DOCUMENT_START_EVENT) {
			if (check_document_start(r, &event) < 0)
				return -1;
			continue;
		}
		if (read_node(r, &event, &root) < 0)
			return -1;
	}
	if (root == NULL || node_is_null(root)) {
		err_set(r->err, "yaml.empty", "the file holds nothing");
		err_remedy(r->err, "begin it with `fettle: 1`");
		return err_at(r->err, r->file, 1, 1);
	}
	if (root->kind != NODE_MAPPING)
		return node_err(root, r->file, r->err, "yaml.root_type",
				"the file must be a mapping of keys to values");
	*ret = root;
	return 0;
}

/* The reader's own part of node_parse_within. The root, or NULL. */
static struct node *
read_tree(struct reader *r)
{
	struct node *root = NULL;
	int result;

	yaml_parser_set_encoding(&r->yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r->yaml, (const unsigned char *)r->text, r->len);
	result = read_stream(r, &root);
	if (r->anchor.line != 0 &&
	    (result == 0 || !str_eq(r->err->code, "yaml.alias"))) {
		err_set(r->err, "yaml.anchor", "anchors are not taken");
		err_remedy(r->err, "write the value out wherever it is needed");
		result = err_at(r->err, r->file, r->anchor.line, r->anchor.column);
	}
	return result == 0 ? root : NULL;
}

struct node *
node_parse_within(const char *text, size_t len, const char *name,
		  const struct node_limits *limits, struct err *err)
{
	struct reader r = {
		.text = text, .len = len, .file = name, .limits = limits, .err = err
	};
	struct node *root;

	if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
		r.text += 3;
		r.len -= 3;
	}
	if (scan_check(r.text, r.len, limits->bytes, name, err) < 0)
		return NULL;
	if (!yaml_parser_initialize(&r.yaml)) {
		err_set(err, "yaml.syntax", "read '%s': out of memory", name);
		return NULL;
	}
	root = read_tree(&r);
	yaml_parser_delete(&r.yaml);
	free(r.open);
	if (root == NULL) {
		arena_done(&r.arena);
		return NULL;
	}
	root->arena = arena_alloc(&r.arena, sizeof(r.arena));
	*root->arena = r.arena;
	return root;
}

struct node *
node_parse(const char *text, size_t len, const char *name, struct err *err)
{
	return node_parse_within(text, len, name, &node_limits, err);
}
