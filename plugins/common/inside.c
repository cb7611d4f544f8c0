/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See inside.h. */
#include "plugins/common/inside.h"

#include <string.h>

#include "plugins/common/container.h"
#include "plugins/common/engine_exec.h"
#include "plugins/common/engine_stream.h"
#include "plugins/common/text.h"

#define LINE_MAX_BYTES (16u << 10)
#define SHOWN_BYTES 200

/* ---- command ------------------------------------------------------------- */

/* Commands end by themselves where the container has `timeout`. */
static json_t *
with_timeout(const json_t *command, int64_t timeout_ms)
{
	AUTO_FREE char *seconds =
		text_format("%lld", (long long)((timeout_ms + 999) / 1000));
	json_t *argv = json_pack("[s, s, s, s]", "timeout", "-s", "KILL", seconds);

	if (!argv || json_array_extend(argv, (json_t *)command) < 0)
		abort();
	return argv;
}

static bool
is_not_found(const struct exec_end *end)
{
	return !end->is_running && (end->status == 126 || end->status == 127);
}

/* A piece of a text as it may be shown: short, UTF-8, nothing a terminal obeys. */
static char *
shown(char *text)
{
	if (strlen(text) > SHOWN_BYTES)
		text[SHOWN_BYTES] = '\0';
	for (char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7F)
			*c = ' ';
	AUTO_JSON json_t *clean = json_text_or_null(text);
	free(text);
	return text_copy(json_string_value(clean));
}

/* `pg_isready -q`, for people. */
static char *
command_text(const json_t *command)
{
	struct text text = { 0 };
	size_t i;
	json_t *word;

	json_array_foreach(command, i, word)
		text_addf(&text, "%s%s", i > 0 ? " " : "", json_string_value(word));
	return shown(text_take(&text));
}

/* The last line that says something. */
static char *
last_line(const struct text *output)
{
	const char *begin = text_get(output), *end = begin + output->len;

	while (end > begin && (unsigned char)end[-1] <= ' ')
		end--;
	const char *line = end;
	while (line > begin && line[-1] != '\n' && end - line < SHOWN_BYTES)
		line--;
	return shown(text_copy_n(line, (size_t)(end - line)));
}

/* True when the command of an earlier look is still at it. */
static bool
is_still_running(struct engine_api *api, json_t *memory, const char *key)
{
	const char *exec_id = json_member(memory, key);
	struct exec_end end = { 0 };
	struct fault ignored = { 0 };

	if (!exec_id)
		return false;
	if (engine_exec_look(api, exec_id, &end, &ignored) == 1 && end.is_running)
		return true;
	json_object_del(memory, key);
	return false;
}

static bool
judge_command(const struct exec_end *end, const struct text *output, const char *what,
	      int64_t timeout_ms, char **ret_text)
{
	AUTO_FREE char *line = last_line(output);
	char limit[32];

	if (end->is_running)
		*ret_text = text_format("`%s`: not done within %s", what,
					text_ms(timeout_ms, limit));
	else
		*ret_text = text_format("`%s`: status %lld%s%s", what,
					(long long)end->status, *line ? ": " : "",
					line);
	return !end->is_running && end->status == 0;
}

static bool
ask_command(struct engine_api *api, const json_t *probe, const json_t *container,
	    json_t *memory, int64_t timeout_ms, char **ret_text)
{
	const json_t *command = json_object_get(probe, "command");
	const char *id = json_text(container, "id");
	AUTO_FREE char *what = command_text(command);
	AUTO_FREE char *argv_text = json_dumps(command, JSON_COMPACT);
	AUTO_FREE char *key = text_format("command %s %s", id, argv_text);
	AUTO_JSON json_t *bounded = with_timeout(command, timeout_ms);
	AUTO_TEXT struct text output = { 0 };
	struct exec_end end = { 0 };
	struct fault fault = { 0 };
	int64_t begin_ms = clock_boot_ms();

	if (is_still_running(api, memory, key)) {
		*ret_text = text_format("`%s`: the one before is not done yet", what);
		return false;
	}
	int found = engine_exec(api, id, bounded, timeout_ms, &output, &end, &fault);
	int64_t left_ms = timeout_ms - (clock_boot_ms() - begin_ms);
	if (found == 1 && is_not_found(&end) && left_ms > 0)
		found = engine_exec(api, id, command, left_ms, &output, &end, &fault);
	if (found != 1) {
		*ret_text = text_format("`%s`: %s", what,
					found == 0 ? "its container is gone" :
						     fault.text);
		return false;
	}
	if (end.is_running)
		json_object_set_new(memory, key, json_string(end.id));
	return judge_command(&end, &output, what, timeout_ms, ret_text);
}

/* ---- log ----------------------------------------------------------------- */

struct search {
	struct pattern *pattern;
	struct text line;
	bool is_found;
};

static void
search_line(struct search *search)
{
	search->is_found = search->is_found ||
			   pattern_finds(search->pattern, text_get(&search->line),
					 search->line.len);
	search->line.len = 0;
}

/* False when no more is wanted. A line that is too long is searched in pieces. */
static bool
search_take(void *to, const char *bytes, size_t n)
{
	struct search *search = to;

	while (n > 0 && !search->is_found) {
		const char *newline = memchr(bytes, '\n', n);
		size_t len = newline ? (size_t)(newline - bytes) : n;
		size_t room = LINE_MAX_BYTES - search->line.len;
		size_t part = len < room ? len : room;

		text_add_n(&search->line, bytes, part);
		if (part == room || newline)
			search_line(search);
		if (newline && part == len)
			part++;
		bytes += part;
		n -= part;
	}
	return !search->is_found;
}

/*
 * When the container ended last: what it wrote since is of this start. (The
 * start's own time is taken a moment after the first line.) NULL: never.
 */
static char *
last_end(struct engine_api *api, const char *id)
{
	AUTO_FREE char *path = text_format("/containers/%s/json", id);
	AUTO_JSON json_t *inspection = NULL;
	struct fault ignored = { 0 };

	if (engine_get(api, path, &inspection, &ignored) != 1)
		return NULL;
	const char *end = json_path_text(inspection, "State.FinishedAt");
	return engine_time_s(end) > 0 ? text_copy(end) : NULL;
}

static bool
ask_log(struct engine_api *api, const json_t *probe, const json_t *container,
	json_t *memory, int64_t timeout_ms, char **ret_text)
{
	const char *wanted = json_text(probe, "log");
	const char *id = json_text(container, "id"),
		   *started = json_text(container, "started_at");
	AUTO_FREE char *key = text_format("log %s %s %s", id, started, wanted);
	struct search search = { .is_found = json_object_get(memory, key) != NULL };
	struct fault fault = { 0 };
	int found = 1;

	if (!search.is_found && (search.pattern = pattern_new(wanted, NULL))) {
		AUTO_FREE char *since = last_end(api, id);
		found = engine_log_each(api, id, since, timeout_ms, search_take,
					&search, &fault);
		if (search.line.len > 0)
			search_line(&search);
	}
	pattern_free(search.pattern);
	text_done(&search.line);
	if (search.is_found)
		json_object_set_new(memory, key, json_true());
	*ret_text = search.is_found ?
			    text_format("log: '%s' was seen", wanted) :
		    found < 0 ? text_format("log: %s", fault.text) :
				text_format("log: '%s' is not in what %s wrote since "
					    "its start",
					    wanted, json_text(container, "name"));
	return search.is_found;
}

bool
inside_ask(struct engine_api *api, const json_t *probe, const json_t *container,
	   json_t *memory, int64_t limit_ms, char **ret_text)
{
	int64_t timeout_ms = probe_timeout_ms(probe, limit_ms);

	if (probe_kind(probe) == PROBE_COMMAND)
		return ask_command(api, probe, container, memory, timeout_ms, ret_text);
	return ask_log(api, probe, container, memory, timeout_ms, ret_text);
}
