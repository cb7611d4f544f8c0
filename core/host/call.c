/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The module process: loads, calls, and tells what came of it. */
#include "base/base.h"
#include "host/call.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/check.h"
#include "host/judge.h"
#include "sdk/private.h"
#include "wire/event.h"
#include "wire/request.h"

static _Noreturn void
end(struct host *host, const json_t *event)
{
	struct err err;

	fflush(NULL);
	if (event_send(EVENT_FD, host->scratch_fd, event, &err) < 0)
		fprintf(stderr, "fettle-host: %s\n", err.text);
	_exit(0);
}

static _Noreturn void
end_with(struct host *host, const char *result)
{
	AUTO(json_ref)
	json_t *event = json_pack("{s:s, s:s}", "e", "result", "result", result);

	end(host, event);
}

_Noreturn void
call_end_with_error(struct host *host, const char *why, const struct err *err)
{
	fflush(NULL);
	host_send_error(host, why, err);
	_exit(0);
}

static int
send_jail(struct host *host, struct err *err)
{
	AUTO(json_ref) json_t *techniques = json_array();
	AUTO(json_ref) json_t *event = NULL;

	for (size_t i = 0; i < host->jail.techniques.count; i++)
		json_array_append_new(techniques,
				      json_string(host->jail.techniques.v[i]));
	event = json_pack("{s:s, s:s, s:O}", "e", "jail", "level",
			  jail_level(&host->jail), "techniques", techniques);
	return event_send(EVENT_FD, host->scratch_fd, event, err);
}

static _Noreturn void
serve_describe(struct host *host)
{
	AUTO(json_ref)
	json_t *event = json_pack("{s:s, s:O}", "e", "describe", "description",
				  host->modules[0].description);
	struct err err;

	if (event_send(EVENT_FD, host->scratch_fd, event, &err) < 0)
		call_end_with_error(host, "bug", &err);
	end_with(host, "ok");
}

/* ---- a step's callbacks ------------------------------------------------ */

struct route {
	const char *call;
	enum fettle__callback callback;
	int (*function)(struct fettle_ctx *);
};

static struct route
find_route(const struct fettle_step *step, const char *call)
{
	const struct route routes[] = {
		{ "check", IN_CHECK, step->check },
		{ "propose", IN_PROPOSE, step->propose },
		{ "run", IN_RUN, step->run },
		{ "observe", IN_OBSERVE, step->observe },
	};

	for (size_t i = 0; i < ARRAY_LEN(routes); i++)
		if (str_eq(routes[i].call, call))
			return routes[i];
	return (struct route){ .call = NULL };
}

_Noreturn void
call_step(struct host *host, size_t index, const json_t *request,
	  const json_t *secrets)
{
	const struct module *module = &host->modules[index];
	struct route route = find_route(&module->step, host->call);
	struct err err;

	if (module->is_policy) {
		err_set(&err, "request.invalid", "'%s' is a policy, not a step",
			module->path);
		call_end_with_error(host, "input", &err);
	}
	if (!route.function)
		end_with(host, "noop");

	struct fettle__call call = {
		.callback = route.callback,
		.name = module->step.name,
		.params = module->params,
		.outputs = module->outputs,
		.param_count = module->param_count,
		.output_count = module->output_count,
		.effects = module->step.effects,
		.request = request,
		.index = index,
		.secrets = secrets,
		.event_fd = EVENT_FD,
		.scratch_fd = host->scratch_fd,
		.in_own_namespace = host->jail.has_namespace,
	};
	struct fettle_ctx *ctx = fettle__begin(&call);

	fettle__end(ctx, route.function(ctx));
	_exit(0);
}

static _Noreturn void
serve_step(struct host *host)
{
	struct err err;
	json_t *secrets = request_read_secrets(SECRET_FD, &err);

	if (!secrets)
		call_end_with_error(host, "bug", &err);
	close(SECRET_FD);
	call_step(host, 0, host->request, secrets);
}

/* Several modules, each in a process of its own. */
static _Noreturn void
serve_all(struct host *host)
{
	struct err err;
	int result;

	if (str_eq(host->call, "judge")) {
		close(SECRET_FD);
		result = judge_all(host, &err);
	} else
		result = check_all(host, &err);
	if (result < 0)
		call_end_with_error(host, "host", &err);
	end_with(host, "ok");
}

/* Until now no code of the module has run. An engine that is gone wants none. */
static void
await_go(struct host *host)
{
	int64_t deadline_ms = 0;
	ssize_t n;

	do
		n = recv(EVENT_FD, &deadline_ms, sizeof(deadline_ms), 0);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(deadline_ms))
		_exit(71);
	json_object_set_new(host->request, "deadline_ms", json_integer(deadline_ms));
}

void
call_serve(struct host *host)
{
	struct err err;

	setvbuf(stdout, NULL, _IOLBF, 0); /* A log that people follow. */
	if (send_jail(host, &err) < 0)
		call_end_with_error(host, "bug", &err);
	if (json_is_true(json_object_get(host->request, "waits")))
		await_go(host);
	if (str_eq(host->call, "judge") || host->module_count > 1)
		serve_all(host);
	if (module_load(&host->modules[0], &err) < 0)
		call_end_with_error(host, "host", &err);
	if (str_eq(host->call, "describe"))
		serve_describe(host);
	serve_step(host);
}
