/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See engine_exec.h. */
#include "plugins/common/engine_exec.h"

#include <stdio.h>
#include <string.h>

#include "plugins/common/engine_stream.h"

#define STATE_INTERVAL_MS 10

/* What is above the limit is read and dropped: a full pipe would stop the command. */
static bool
keep(void *to, const char *bytes, size_t n)
{
	struct text *output = to;
	size_t room = EXEC_OUTPUT_MAX_BYTES - output->len;

	text_add_n(output, bytes, n < room ? n : room);
	return true;
}

static int
create(struct engine_api *api, const char *container, const json_t *argv,
       struct exec_end *ret, struct fault *fault)
{
	AUTO_FREE char *path = text_format("/containers/%s/exec", container);
	AUTO_JSON json_t *body = json_pack("{s:b, s:b, s:O}", "AttachStdout", 1,
					   "AttachStderr", 1, "Cmd", argv);
	AUTO_JSON json_t *made = NULL;
	struct engine_call call = { .method = "POST", .path = path, .body = body };

	int found = engine_send(api, &call, &made, fault);
	if (found != 1)
		return found;
	const char *id = json_member(made, "Id");
	if (!id || strlen(id) >= sizeof(ret->id))
		return fault_set(fault, FETTLE_WHY_HOST, "docker_error",
				 "the Docker engine gave no ID for a command");
	(void)snprintf(ret->id, sizeof(ret->id), "%s", id);
	return 1;
}

int
engine_exec_look(struct engine_api *api, const char *exec_id, struct exec_end *ret,
		 struct fault *fault)
{
	AUTO_FREE char *path = text_format("/exec/%s/json", exec_id);
	AUTO_JSON json_t *state = NULL;
	int found = engine_get(api, path, &state, fault);

	if (found != 1)
		return found;
	ret->is_running = json_member_true(state, "Running");
	/* Null or missing: it never began. */
	ret->status = json_member_int(state, "ExitCode", 126);
	return 1;
}

int
engine_exec(struct engine_api *api, const char *container, const json_t *argv,
	    int64_t limit_ms, struct text *output, struct exec_end *ret,
	    struct fault *fault)
{
	int found = create(api, container, argv, ret, fault);

	if (found != 1)
		return found;
	AUTO_FREE char *path = text_format("/exec/%s/start", ret->id);
	AUTO_JSON json_t *body = json_pack("{s:b, s:b}", "Detach", 0, "Tty", 0);
	struct engine_stream stream = { .take = keep, .to = output };
	bool is_cut = false;
	struct engine_call call = { .method = "POST",
				    .path = path,
				    .body = body,
				    .limit_ms = limit_ms,
				    .take = engine_stream_take,
				    .to = &stream,
				    .is_cut = &is_cut };

	output->len = 0;
	int64_t end_ms = clock_boot_ms() + limit_ms;
	found = engine_send(api, &call, NULL, fault);
	/* Other refusals are of what cannot be started: the state says 126 or 127. */
	if (found < 0 && text_equal(fault->code, "docker_unreachable"))
		return -1;
	while ((found = engine_exec_look(api, ret->id, ret, fault)) == 1 &&
	       ret->is_running && !is_cut && clock_boot_ms() < end_ms)
		clock_sleep_ms(STATE_INTERVAL_MS); /* output ends a moment earlier */
	return found;
}
