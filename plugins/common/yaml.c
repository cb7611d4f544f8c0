/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See yaml.h. libyaml's events, with own limits. */
#include "plugins/common/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct reader {
	yaml_parser_t parser;
	json_t *anchors;	/* name -> value; values are shared, not copied */
	size_t nodes;
	const char *problem;	/* what is wrong, or NULL */
};

static json_t *read_node(struct reader *r, const yaml_event_t *event, int depth);

static bool
next(struct reader *r, yaml_event_t *event)
{
	if (yaml_parser_parse(&r->parser, event))
		return true;
	r->problem = r->parser.problem ? r->parser.problem : "not YAML";
	return false;
}

static json_t *
plain_scalar(const char *s)
{
	char *end = NULL;

	if (strcmp(s, "null") == 0 || strcmp(s, "~") == 0 || *s == '\0')
		return json_null();
	if (strcmp(s, "true") == 0 || strcmp(s, "false") == 0)
		return json_boolean(*s == 't');
	errno = 0;
	long long number = strtoll(s, &end, 10);
	if (errno == 0 && *end == '\0' && strcmp(s, "-") != 0)
		return json_integer(number);
	if (strspn(s, "-0123456789.") == strlen(s) && strchr(s, '.')) {
		double real = strtod(s, &end);
		if (*end == '\0')
			return json_real(real);
	}
	return json_text_or_null(s);
}

static json_t *
read_scalar(struct reader *r, const yaml_event_t *event)
{
	const char *s = (const char *)event->data.scalar.value;

	if (strlen(s) != event->data.scalar.length) {
		r->problem = "a NUL byte in a value";
		return NULL;
	}
	if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	    !event->data.scalar.tag)
		return plain_scalar(s);
	return json_text_or_null(s);
}

static json_t *
read_sequence(struct reader *r, int depth)
{
	json_t *array = json_array();

	for (;;) {
		yaml_event_t event;

		if (!next(r, &event))
			break;
		if (event.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&event);
			return array;
		}
		json_t *item = read_node(r, &event, depth + 1);
		yaml_event_delete(&event);
		if (!item)
			break;
		json_array_append_new(array, item);
	}
	json_decref(array);
	return NULL;
}

static json_t *
read_mapping(struct reader *r, int depth)
{
	json_t *object = json_object();

	for (;;) {
		yaml_event_t event;

		if (!next(r, &event))
			break;
		if (event.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&event);
			return object;
		}
		AUTO_FREE char *key = event.type == YAML_SCALAR_EVENT ?
			text_copy((const char *)event.data.scalar.value) : NULL;
		yaml_event_delete(&event);
		if (!key) {
			r->problem = "a key that is no text";
			break;
		}
		if (!next(r, &event))
			break;
		json_t *value = read_node(r, &event, depth + 1);
		yaml_event_delete(&event);
		if (!value)
			break;
		json_object_set_new(object, key, value);
	}
	json_decref(object);
	return NULL;
}

static const char *
anchor_of(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return (const char *)event->data.scalar.anchor;
	case YAML_SEQUENCE_START_EVENT:
		return (const char *)event->data.sequence_start.anchor;
	case YAML_MAPPING_START_EVENT:
		return (const char *)event->data.mapping_start.anchor;
	default:
		return NULL;
	}
}

static json_t *
read_node(struct reader *r, const yaml_event_t *event, int depth)
{
	AUTO_FREE char *anchor = text_copy(anchor_of(event));
	json_t *value = NULL;

	if (depth > YAML_MAX_DEPTH || ++r->nodes > YAML_MAX_NODES) {
		r->problem = depth > YAML_MAX_DEPTH ? "nested too deeply" :
						      "too many values";
		return NULL;
	}
	if (event->type == YAML_SCALAR_EVENT)
		value = read_scalar(r, event);
	else if (event->type == YAML_SEQUENCE_START_EVENT)
		value = read_sequence(r, depth);
	else if (event->type == YAML_MAPPING_START_EVENT)
		value = read_mapping(r, depth);
	else if (event->type == YAML_ALIAS_EVENT)
		value = json_incref(json_object_get(
			r->anchors, (const char *)event->data.alias.anchor));
	if (value && anchor)
		json_object_set(r->anchors, anchor, value);
	if (!value && !r->problem)
		r->problem = "an unknown alias or an unexpected event";
	return value;
}

/* The events up to the root node, the node, and nothing behind it. */
static json_t *
read_document(struct reader *r)
{
	static const yaml_event_type_t begin[] = { YAML_STREAM_START_EVENT,
						   YAML_DOCUMENT_START_EVENT };
	yaml_event_t event;

	for (size_t i = 0; i < COUNT_OF(begin); i++) {
		if (!next(r, &event))
			return NULL;
		bool is_due = event.type == begin[i];
		yaml_event_delete(&event);
		if (!is_due) {
			r->problem = "no document";
			return NULL;
		}
	}
	if (!next(r, &event))
		return NULL;
	json_t *root = read_node(r, &event, 0);
	yaml_event_delete(&event);
	return root;
}

json_t *
yaml_read(const char *text, size_t n, struct fault *fault)
{
	struct reader r = { .anchors = json_object() };

	if (!yaml_parser_initialize(&r.parser))
		abort();
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, n);
	json_t *root = read_document(&r);
	if (!root)
		fault_set(fault, FETTLE_WHY_HOST, "compose_output",
			  "what compose printed cannot be read: %s at line %zu",
			  r.problem ? r.problem : "not YAML", r.parser.mark.line + 1);
	yaml_parser_delete(&r.parser);
	json_decref(r.anchors);
	return root;
}
