/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See composefile.h. A walk over libyaml's events with a short stack. */
#include "base/base.h"

#include "cli/composefile.h"

#include <ctype.h>
#include <yaml.h>

#include "base/num.h"
#include "base/path.h"

#define FILE_MAX_BYTES (1u << 20)
#define DEPTH_MAX 64

/* One open mapping or sequence. */
struct level {
	bool is_mapping, is_value_next;
	char *key; /* the last one read; owned */
};

struct walk {
	struct composefile *c;
	struct level levels[DEPTH_MAX];
	size_t depth;
};

static struct compose_service *
service_get(struct composefile *c, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (str_eq(c->services[i].name, name))
			return &c->services[i];
	c->services = x_realloc(c->services, c->count + 1, sizeof(*c->services));
	c->services[c->count] = (struct compose_service){ .name = x_strdup(name) };
	return &c->services[c->count++];
}

/* `80`, `8080:80`, `127.0.0.1:8080:80/tcp` -> 80; ranges are left alone. */
static char *
container_port(const char *text)
{
	const char *colon = strrchr(text, ':'), *begin = colon ? colon + 1 : text;
	AUTO_FREE char *port = x_strndup(begin, strcspn(begin, "/"));
	uint64_t number;

	if (num_u64(port, &number) != NUM_OK || number == 0 || number > 65535)
		return NULL;
	return STEAL(port);
}

static bool
key_is(const struct walk *walk, size_t depth, const char *key)
{
	return depth < walk->depth && walk->levels[depth].is_mapping &&
	       walk->levels[depth].key && str_eq(walk->levels[depth].key, key);
}

static struct compose_service *
current_service(struct walk *walk)
{
	if (walk->depth < 3 || !key_is(walk, 0, "services") || !walk->levels[1].key)
		return NULL;
	return service_get(walk->c, walk->levels[1].key);
}

static void
on_key(struct walk *walk)
{
	const struct level *top = &walk->levels[walk->depth - 1];
	struct compose_service *service;

	if (walk->depth == 2 && key_is(walk, 0, "services") &&
	    !str_starts(top->key, "x-") && !str_eq(top->key, "<<"))
		(void)service_get(walk->c, top->key);
	service = current_service(walk);
	if (!service || walk->depth != 3)
		return;
	service->has_build |= str_eq(top->key, "build");
	service->is_partial |= str_eq(top->key, "<<") || str_eq(top->key, "extends");
}

/* `./api/` -> `api`; what is not below the project is left out. */
static void
set_context(struct compose_service *service, const char *text)
{
	size_t len = strlen(text);

	while (str_starts(text, "./")) {
		text += 2;
		len -= 2;
	}
	while (len > 1 && text[len - 1] == '/')
		len--;
	if (*text == '/' || str_starts(text, "..") || strpbrk(text, "$:\"\n"))
		return;
	free(service->context);
	service->context = len ? x_strndup(text, len) : x_strdup(".");
}

static void
on_value(struct walk *walk, const char *text)
{
	struct compose_service *service = current_service(walk);
	bool is_port;

	if (walk->depth == 1 && key_is(walk, 0, "name") && !walk->c->name && *text)
		walk->c->name = x_strdup(text);
	is_port = walk->depth == 4 && !walk->levels[3].is_mapping &&
		  (key_is(walk, 2, "ports") || key_is(walk, 2, "expose"));
	is_port = is_port || (walk->depth == 5 && key_is(walk, 2, "ports") &&
			      key_is(walk, 4, "target"));
	if (service && is_port && !service->port)
		service->port = container_port(text);
	if (service && key_is(walk, 2, "build") &&
	    (walk->depth == 3 || (walk->depth == 4 && key_is(walk, 3, "context"))))
		set_context(service, text);
}

/* A value of the innermost level is complete. */
static void
value_ended(struct walk *walk)
{
	if (walk->depth)
		walk->levels[walk->depth - 1].is_value_next = false;
}

static void
on_scalar(struct walk *walk, const yaml_event_t *event)
{
	AUTO_FREE char *text = x_strndup((const char *)event->data.scalar.value,
					 event->data.scalar.length);
	struct level *top = walk->depth ? &walk->levels[walk->depth - 1] : NULL;

	if (top && top->is_mapping && !top->is_value_next) {
		free(top->key);
		top->key = STEAL(text);
		top->is_value_next = true;
		on_key(walk);
		return;
	}
	on_value(walk, text);
	value_ended(walk);
}

/* 1 at the end of the document, 0 to go on, -1 when it is too deep. */
static int
on_event(struct walk *walk, const yaml_event_t *event)
{
	switch ((int)event->type) {
	case YAML_SCALAR_EVENT:
		on_scalar(walk, event);
		return 0;
	case YAML_ALIAS_EVENT:
		if (walk->depth == 2 && key_is(walk, 0, "services") &&
		    walk->levels[1].key && !str_eq(walk->levels[1].key, "<<"))
			service_get(walk->c, walk->levels[1].key)->is_partial = true;
		value_ended(walk);
		return 0;
	case YAML_MAPPING_START_EVENT:
	case YAML_SEQUENCE_START_EVENT:
		if (walk->depth == DEPTH_MAX)
			return -1;
		walk->levels[walk->depth++] = (struct level){
			.is_mapping = event->type == YAML_MAPPING_START_EVENT,
		};
		return 0;
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		free(walk->levels[--walk->depth].key);
		value_ended(walk);
		return 0;
	case YAML_DOCUMENT_END_EVENT:
	case YAML_STREAM_END_EVENT:
		return 1;
	}
	return 0;
}

static int
walk_text(struct composefile *c, const char *text, size_t len, const char *path,
	  struct err *err)
{
	struct walk walk = { .c = c };
	yaml_parser_t parser;
	yaml_event_t event;
	int state = 0;

	if (!yaml_parser_initialize(&parser))
		abort();
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	while (state == 0) {
		if (!yaml_parser_parse(&parser, &event)) {
			(void)err_set(err, "compose.file", "%s",
				      parser.problem ? parser.problem : "no YAML");
			(void)err_at(err, path, (uint32_t)parser.problem_mark.line + 1,
				     (uint32_t)parser.problem_mark.column + 1);
			state = -1;
			break;
		}
		state = on_event(&walk, &event);
		if (state < 0)
			(void)err_set(err, "compose.file", "'%s' is nested too deeply",
				      path);
		yaml_event_delete(&event);
	}
	while (walk.depth)
		free(walk.levels[--walk.depth].key);
	yaml_parser_delete(&parser);
	return state < 0 ? -1 : 0;
}

/* One `$NAME` or `${NAME...}` behind a dollar; returns where it ends. */
static const char *
read_variable(struct composefile *c, const char *s)
{
	bool is_braced = *s == '{';
	const char *begin = is_braced ? s + 1 : s, *end = begin;
	AUTO_FREE char *name = NULL;
	bool has_preset;

	while (isalnum((unsigned char)*end) || *end == '_')
		end++;
	if (end == begin || isdigit((unsigned char)*begin))
		return s;
	name = x_strndup(begin, (size_t)(end - begin));
	has_preset = is_braced && (*end == '-' || *end == '+' ||
				   (*end == ':' && (end[1] == '-' || end[1] == '+')));
	if (has_preset && !strv_has(&c->optional, name))
		strv_add(&c->optional, name);
	if (!has_preset && !strv_has(&c->needed, name))
		strv_add(&c->needed, name);
	return end;
}

static void
read_variables(struct composefile *c, const char *text)
{
	for (const char *s = text; *s;) {
		/* Whole-line comments mention what nobody needs. */
		if (s == text || s[-1] == '\n') {
			const char *word = s + strspn(s, " \t");

			if (*word == '#') {
				s = word + strcspn(word, "\n");
				continue;
			}
		}
		if (s[0] == '$' && s[1] == '$')
			s += 2;
		else if (s[0] == '$')
			s = read_variable(c, s + 1);
		else
			s++;
	}
}

int
composefile_read(struct composefile *c, const char *path, struct err *err)
{
	AUTO_FREE char *text = NULL;
	size_t len;

	if (file_read(path, FILE_MAX_BYTES, &text, &len, err) < 0)
		return -1;
	if (walk_text(c, text, len, path, err) < 0)
		return err_remedy(err, "mend the Compose file; `docker compose config` "
				       "says whether it is valid");
	read_variables(c, text);
	return 0;
}

void
composefile_done(struct composefile *c)
{
	for (size_t i = 0; i < c->count; i++) {
		free(c->services[i].name);
		free(c->services[i].port);
		free(c->services[i].context);
	}
	free(c->services);
	free(c->name);
	strv_done(&c->needed);
	strv_done(&c->optional);
}

/* Calls `each` with name and value of every assignment of an env file. */
static void
env_file_each(const char *path,
	      void (*each)(void *self, const char *name, const char *value), void *self)
{
	AUTO_FREE char *text = NULL;
	struct err err;
	char *line, *next;
	size_t len;

	if (file_read(path, FILE_MAX_BYTES, &text, &len, &err) < 0)
		return;
	for (line = text; line; line = next) {
		char *equals;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		line += strspn(line, " \t");
		if (str_starts(line, "export "))
			line += strlen("export ");
		equals = strchr(line, '=');
		if (*line == '#' || !equals)
			continue;
		*equals = '\0';
		each(self, line, equals + 1);
	}
}

static void
add_name(void *self, const char *name, const char *value)
{
	(void)value;
	strv_add(self, name);
}

void
env_file_names(const char *path, struct strv *ret)
{
	env_file_each(path, add_name, ret);
}

struct wanted {
	const char *name;
	char *value;
};

static void
take_value(void *self, const char *name, const char *value)
{
	struct wanted *wanted = self;
	size_t len = strcspn(value, "\r");

	if (!str_eq(name, wanted->name))
		return;
	if (len >= 2 && (*value == '"' || *value == '\'') && value[len - 1] == *value) {
		value++;
		len -= 2;
	}
	free(wanted->value);
	wanted->value = x_strndup(value, len);
}

char *
env_file_get(const char *path, const char *name)
{
	struct wanted wanted = { .name = name };

	env_file_each(path, take_value, &wanted);
	return wanted.value;
}
