/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which events there are and what each must hold: a table and its check. */
#include "base/base.h"
#include "wire/event.h"
#include "wire/shape.h"

#define MEMBERS_MAX 8

struct event_kind {
	const char *name;
	int (*check_more)(const json_t *event, struct err *err);
	struct shape_member members[MEMBERS_MAX];
};

static int
check_edit(const json_t *event, struct err *err)
{
	bool has_content = json_object_get(event, "content");
	bool has_base64 = json_object_get(event, "base64");

	if (str_eq(json_text(event, "op"), "write") && has_content == has_base64)
		return err_set(err, "event.garbage",
			       "event 'edit' must have either 'content' or 'base64'");
	if (str_eq(json_text(event, "op"), "delete") && (has_content || has_base64))
		return err_set(err, "event.garbage",
			       "event 'edit' deletes, but has content");
	return 0;
}

static int
check_command(const json_t *event, struct err *err)
{
	if (json_array_size(json_object_get(event, "argv")) == 0)
		return err_set(err, "event.garbage", "event '%s' names no program",
			       json_text(event, "e"));
	return 0;
}

static const struct shape_member NEED_MEMBERS[] = {
	{ "roles", SHAPE_TEXTS },
	{ "quorum", SHAPE_INT },
	{ "valid_ms", SHAPE_INT },
	{ "self_approval", SHAPE_BOOL, SHAPE_OPTIONAL },
};

static int
check_verdict(const json_t *event, struct err *err)
{
	const json_t *need = json_object_get(event, "need");

	if (str_eq(json_text(event, "verdict"), "hold") != (need != NULL))
		return err_set(
			err, "event.garbage",
			"event 'verdict' must have 'need' exactly when it is a hold");
	if (!need)
		return 0;
	return shape_check(need, NEED_MEMBERS, ARRAY_LEN(NEED_MEMBERS), "event.garbage",
			   "member 'need' of event 'verdict'", err);
}

static int
check_result(const json_t *event, struct err *err)
{
	if (str_eq(json_text(event, "result"), "error") &&
	    !json_object_get(event, "why"))
		return err_set(err, "event.garbage",
			       "event 'result' is an error without 'why'");
	return 0;
}

static const struct event_kind KINDS[] = {
	{ "describe", NULL, { { "description", SHAPE_OBJECT } } },
	{ "jail",
	  NULL,
	  {
		  { "level", SHAPE_CHOICE, 0, "|basic|tree|" },
		  { "techniques", SHAPE_TEXTS },
	  } },
	{ "edit",
	  check_edit,
	  {
		  { "path", SHAPE_TEXT },
		  { "op", SHAPE_CHOICE, 0, "|write|delete|" },
		  { "pre", SHAPE_SHA256, SHAPE_OPTIONAL | SHAPE_NULL },
		  { "content", SHAPE_TEXT, SHAPE_OPTIONAL },
		  { "base64", SHAPE_TEXT, SHAPE_OPTIONAL },
	  } },
	{ "effect",
	  NULL,
	  {
		  { "kind", SHAPE_TEXT },
		  { "target", SHAPE_TEXT },
		  { "before", SHAPE_ANY },
		  { "summary", SHAPE_TEXT },
	  } },
	{ "command", check_command, { { "argv", SHAPE_TEXTS } } },
	{ "observed",
	  NULL,
	  {
		  { "effect", SHAPE_INT },
		  { "state", SHAPE_CHOICE, 0, "|before|after|partial|other|" },
		  { "detail", SHAPE_TEXT, SHAPE_OPTIONAL },
	  } },
	{ "output", NULL, { { "name", SHAPE_TEXT }, { "value", SHAPE_ANY } } },
	{ "finding",
	  NULL,
	  {
		  { "rule", SHAPE_TEXT },
		  { "confidence", SHAPE_INT },
		  { "title", SHAPE_TEXT },
		  { "evidence", SHAPE_TEXT, SHAPE_OPTIONAL },
	  } },
	{ "artifact",
	  NULL,
	  {
		  { "name", SHAPE_TEXT },
		  { "type", SHAPE_TEXT },
		  { "file", SHAPE_TEXT },
	  } },
	{ "note",
	  NULL,
	  {
		  { "level", SHAPE_CHOICE, 0, "|info|warn|" },
		  { "text", SHAPE_TEXT },
	  } },
	{ "progress",
	  NULL,
	  {
		  { "done", SHAPE_INT },
		  { "total", SHAPE_INT },
		  { "text", SHAPE_TEXT, SHAPE_OPTIONAL },
	  } },
	{ "exec", check_command, { { "argv", SHAPE_TEXTS } } },
	{ "exited",
	  NULL,
	  {
		  { "status", SHAPE_INT },
		  { "signal", SHAPE_INT },
		  { "timed_out", SHAPE_BOOL },
	  } },
	{ "checked",
	  check_result,
	  {
		  { "module", SHAPE_INT },
		  { "result", SHAPE_CHOICE, 0, "|ok|noop|fail|error|" },
		  { "why", SHAPE_CHOICE, SHAPE_OPTIONAL,
		    "|input|host|transient|bug|" },
		  { "code", SHAPE_TEXT, SHAPE_OPTIONAL },
		  { "text", SHAPE_TEXT, SHAPE_OPTIONAL },
		  { "remedy", SHAPE_TEXT, SHAPE_OPTIONAL },
		  { "ended", SHAPE_TEXT, SHAPE_OPTIONAL },
	  } },
	{ "verdict",
	  check_verdict,
	  {
		  { "module", SHAPE_INT },
		  { "policy", SHAPE_TEXT },
		  { "verdict", SHAPE_CHOICE, 0, "|abstain|allow|hold|deny|error|" },
		  { "reason", SHAPE_TEXT },
		  { "need", SHAPE_OBJECT, SHAPE_OPTIONAL },
	  } },
	{ "killed", NULL, { { "signal", SHAPE_INT } } },
	{ "result",
	  check_result,
	  {
		  { "result", SHAPE_CHOICE, 0, "|ok|noop|fail|error|" },
		  { "why", SHAPE_CHOICE, SHAPE_OPTIONAL, "|input|host|transient|bug|" },
		  { "code", SHAPE_TEXT, SHAPE_OPTIONAL },
		  { "text", SHAPE_TEXT, SHAPE_OPTIONAL },
		  { "remedy", SHAPE_TEXT, SHAPE_OPTIONAL },
	  } },
};

static const struct event_kind *
find_kind(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(KINDS); i++)
		if (str_eq(KINDS[i].name, name))
			return &KINDS[i];
	return NULL;
}

int
event_check(const json_t *event, struct err *err)
{
	const struct event_kind *kind = find_kind(json_text(event, "e"));
	struct shape_member members[MEMBERS_MAX + 1] = { { "e", SHAPE_TEXT } };
	size_t count = 1;
	char what[40];

	if (!kind)
		return err_set(err, "event.garbage", "there is no event '%.40s'",
			       json_text(event, "e"));

	for (size_t i = 0; i < MEMBERS_MAX && kind->members[i].name; i++)
		members[count++] = kind->members[i];
	snprintf(what, sizeof(what), "event '%s'", kind->name);
	if (shape_check(event, members, count, "event.garbage", what, err) < 0)
		return -1;
	return kind->check_more ? kind->check_more(event, err) : 0;
}
