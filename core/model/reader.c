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

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <yaml.h>

#include "base/path.h"
#include "model/scan.h"

#define MAX_DEPTH 64u
#define MAX_NODES 20000u
#define MAX_SCALAR_BYTES (64u << 10)
#define MAX_KEY_BYTES 256u

#define KEY_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"

struct reader {
	yaml_parser_t yaml;
	const char *text;
	size_t len;
	const char *file;
	struct err *err;
	unsigned depth, nodes;
	uint32_t anchor_line, anchor_column; /* the first anchor; 0: none */
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
	if (anchor != NULL && r->anchor_line == 0) {
		r->anchor_line = (uint32_t)at.line + 1;
		r->anchor_column = (uint32_t)at.column + 1;
	}
	if (tag != NULL)
		return read_err(r, at, "yaml.tag", "tag '%.80s': tags are not taken",
				(const char *)tag);
	if (++r->nodes > MAX_NODES)
		return read_err(r, at, "yaml.nodes", "more than %u keys and values",
				MAX_NODES);
	return 0;
}

static struct node *
node_new(enum node_kind kind, yaml_mark_t at)
{
	struct node *node = x_calloc(1, sizeof(*node));

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
	node = node_new(NODE_SCALAR, event->start_mark);
	node->text = x_strndup(value, len);
	node->len = len;
	node->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	*ret = node;
	return 0;
}

/* Arrays double whenever their count is a power of two. */
static bool
is_full(size_t count)
{
	return (count & (count - 1)) == 0;
}

static void
add_item(struct node *node, struct node *item)
{
	if (is_full(node->count))
		node->items = x_realloc(node->items, node->count ? node->count * 2 : 1,
					sizeof(struct node *));
	node->items[node->count] = item;
}

static void
add_key(struct node *node, const char *key, yaml_mark_t at)
{
	size_t i = node->count, room = i ? i * 2 : 1;

	if (is_full(i)) {
		node->keys = x_realloc(node->keys, room, sizeof(char *));
		node->key_lines = x_realloc(node->key_lines, room, sizeof(uint32_t));
		node->key_columns =
			x_realloc(node->key_columns, room, sizeof(uint32_t));
	}
	node->keys[i] = x_strdup(key);
	node->key_lines[i] = (uint32_t)at.line + 1;
	node->key_columns[i] = (uint32_t)at.column + 1;
}

/* A dash or dot in front would look like an option or a hidden file. */
static bool
is_identifier(const char *key)
{
	return key[0] != 0 && key[0] != '.' && key[0] != '-' &&
	       key[strspn(key, KEY_CHARS)] == 0;
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
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)key[i] < 0x20 || key[i] == 0x7F)
			return read_err(r, event->start_mark, "yaml.control_char",
					"a key with a control character");
	if (str_eq(key, "<<"))
		return read_err(r, event->start_mark, "yaml.alias",
				"merge key '<<': aliases are not taken");
	if (!is_identifier(key))
		return read_err(r, event->start_mark, "yaml.key_charset",
				"key '%.80s': keys are made of A-Z a-z 0-9 _ . -", key);
	return 0;
}

struct key_place {
	const char *key;
	size_t index;
};

static int
compare_keys(const void *a, const void *b)
{
	const struct key_place *x = a, *y = b;
	int order = strcmp(x->key, y->key);

	return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

/* Sorted, not compared each with each: a file may have ten thousand keys. */
static int
check_unique(struct reader *r, const struct node *mapping)
{
	AUTO_FREE struct key_place *places = NULL;

	if (mapping->count < 2)
		return 0;
	places = x_calloc(mapping->count, sizeof(*places));
	for (size_t i = 0; i < mapping->count; i++)
		places[i] = (struct key_place){ mapping->keys[i], i };
	qsort(places, mapping->count, sizeof(*places), compare_keys);
	for (size_t i = 1; i < mapping->count; i++) {
		size_t first = places[i - 1].index, second = places[i].index;

		if (!str_eq(places[i - 1].key, places[i].key))
			continue;
		err_set(r->err, "yaml.duplicate_key",
			"key '%s' at %u:%u is there already at %u:%u", places[i].key,
			mapping->key_lines[second], mapping->key_columns[second],
			mapping->key_lines[first], mapping->key_columns[first]);
		err_remedy(r->err, "keep one of the two");
		return err_at(r->err, r->file, mapping->key_lines[second],
			      mapping->key_columns[second]);
	}
	return 0;
}

static int read_node(struct reader *r, const yaml_event_t *event, struct node **ret);

static int
read_mapping(struct reader *r, struct node *mapping)
{
	for (;;) {
		AUTO(event) yaml_event_t key = { 0 }, value = { 0 };
		struct node *item = NULL;

		if (next_event(r, &key) < 0)
			return -1;
		if (key.type == YAML_MAPPING_END_EVENT)
			return check_unique(r, mapping);
		if (check_key(r, &key) < 0 || next_event(r, &value) < 0 ||
		    read_node(r, &value, &item) < 0)
			return -1;
		add_key(mapping, (const char *)key.data.scalar.value, key.start_mark);
		add_item(mapping, item);
		mapping->count++;
	}
}

static int
read_sequence(struct reader *r, struct node *sequence)
{
	for (;;) {
		AUTO(event) yaml_event_t event = { 0 };
		struct node *item = NULL;

		if (next_event(r, &event) < 0)
			return -1;
		if (event.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		if (read_node(r, &event, &item) < 0)
			return -1;
		add_item(sequence, item);
		sequence->count++;
	}
}

static int
read_collection(struct reader *r, const yaml_event_t *event, struct node **ret)
{
	bool is_mapping = event->type == YAML_MAPPING_START_EVENT;
	AUTO(node) struct node *node = NULL;

	if (check_node(r, event->start_mark,
		       is_mapping ? event->data.mapping_start.anchor
				  : event->data.sequence_start.anchor,
		       is_mapping ? event->data.mapping_start.tag
				  : event->data.sequence_start.tag) < 0)
		return -1;
	if (++r->depth > MAX_DEPTH)
		return read_err(r, event->start_mark, "yaml.depth",
				"nested more than %u deep", MAX_DEPTH);
	node = node_new(is_mapping ? NODE_MAPPING : NODE_SEQUENCE, event->start_mark);
	if ((is_mapping ? read_mapping(r, node) : read_sequence(r, node)) < 0)
		return -1;
	r->depth--;
	*ret = STEAL(node);
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
	AUTO(node) struct node *root = NULL;

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
		return err_at(r->err, r->file, 1, 1);
	}
	if (root->kind != NODE_MAPPING)
		return node_err(root, r->file, r->err, "yaml.root_type",
				"the file must be a mapping of keys to values");
	*ret = STEAL(root);
	return 0;
}

struct node *
node_parse(const char *text, size_t len, const char *name, struct err *err)
{
	struct reader r = { .text = text, .len = len, .file = name, .err = err };
	struct node *root = NULL;
	int result;

	if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
		r.text += 3;
		r.len -= 3;
	}
	if (scan_check(r.text, r.len, name, err) < 0)
		return NULL;
	if (!yaml_parser_initialize(&r.yaml)) {
		err_set(err, "yaml.syntax", "read '%s': out of memory", name);
		return NULL;
	}
	yaml_parser_set_encoding(&r.yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.yaml, (const unsigned char *)r.text, r.len);
	result = read_stream(&r, &root);
	if (r.anchor_line != 0 && (result == 0 || !str_eq(err->code, "yaml.alias"))) {
		node_done(&root);
		err_set(err, "yaml.anchor", "anchors are not taken");
		err_remedy(err, "write the value out wherever it is needed");
		err_at(err, name, r.anchor_line, r.anchor_column);
	}
	yaml_parser_delete(&r.yaml);
	return root;
}

/* Whoever may write these files decides what Fettle changes. */
static int
check_mode(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, "file.open", "stat '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, "file.type", "'%s' is not a regular file", path);
	if ((st.st_mode & 0444) == 0) {
		err_set(err, "file.mode", "'%s' is readable by nobody", path);
		return err_remedy(err, "chmod u+r '%s'", path);
	}
	if (st.st_mode & S_IWOTH) {
		err_set(err, "file.mode", "'%s' is writable by everybody", path);
		return err_remedy(err, "chmod o-w '%s'", path);
	}
	return 0;
}

struct node *
node_load(const char *path, struct err *err)
{
	AUTO_FREE char *text = NULL;
	size_t len = 0;

	if (node_read_file(path, &text, &len, err) < 0)
		return NULL;
	return node_parse(text, len, path, err);
}

int
node_read_file(const char *path, char **ret, size_t *ret_len, struct err *err)
{
	AUTO_CLOSE int fd =
		open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && errno == ELOOP)
		return err_set(err, "file.type", "'%s' is a symbolic link", path);
	if (fd < 0 && errno == ENXIO)
		return err_set(err, "file.type", "'%s' is not a regular file", path);
	if (fd < 0 && errno == ENOENT)
		return err_set(err, "file.missing", "there is no file '%s'", path);
	if (fd < 0)
		return err_errno(err, errno == EACCES ? "file.mode" : "file.open",
				 "open '%s'", path);
	if (check_mode(fd, path, err) < 0)
		return -1;
	if (file_read_fd(fd, path, YAML_MAX_BYTES, ret, ret_len, err) < 0) {
		if (!str_eq(err->code, "file.size"))
			return -1;
		err_set(err, "yaml.size",
			"'%s' is larger than the %u bytes that are read", path,
			YAML_MAX_BYTES);
		return -1;
	}
	return 0;
}
