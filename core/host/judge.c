/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All policies of a gate, one after the other. */
#include "base/base.h"
#include "host/judge.h"

#include <unistd.h>

#include "host/trial.h"
#include "sdk/private.h"
#include "wire/event.h"
#include "wire/request.h"

static int
send_error(const struct trial *trial, const char *reason, struct err *err)
{
	AUTO(json_ref)
	json_t *event =
		json_pack("{s:s, s:I, s:s, s:s, s:o}", "e", "verdict", "module",
			  (json_int_t)trial->index, "policy",
			  trial->host->modules[trial->index].path, "verdict", "error",
			  "reason", json_string_lossy(reason, strlen(reason)));

	return event_send(EVENT_FD, trial->host->scratch_fd, event, err);
}

/* ---- the policy's process ---------------------------------------------- */

static int
load_policy(struct module *module, struct err *err)
{
	if (module_load(module, err) < 0)
		return -1;
	if (!module->is_policy)
		return err_set(err, "plugin.abi", "'%s' is a step, not a policy",
			       module->path);
	return 0;
}

static void
serve_policy(struct trial *trial)
{
	struct host *host = trial->host;
	struct module *module = &host->modules[trial->index];
	struct fettle_ctx *ctx;
	struct err err;

	if (load_policy(module, &err) < 0)
		_exit(send_error(trial, err.text, &err) < 0);

	struct fettle__call call = {
		.callback = IN_JUDGE,
		.name = module->policy.name,
		.params = module->params,
		.param_count = module->param_count,
		.request = host->request,
		.index = trial->index,
		.event_fd = EVENT_FD,
		.scratch_fd = host->scratch_fd,
		.in_own_namespace = host->jail.has_namespace,
	};

	ctx = fettle__begin(&call);
	fettle__end(ctx, module->policy.judge(ctx));
	_exit(0);
}

/* ---- the other side ---------------------------------------------------- */

static int
pass_on(struct trial *trial, const json_t *event, struct err *err)
{
	const char *kind = json_text(event, "e");

	if (!str_eq(kind, "note") && !str_eq(kind, "progress"))
		return 1;
	return event_send(EVENT_FD, trial->host->scratch_fd, event, err);
}

static int
send_verdict(struct trial *trial, struct err *err)
{
	if (trial->answer && json_int_or(trial->answer, "module", -1) !=
				     (json_int_t)trial->index)
		trial->is_garbage = true;
	AUTO_FREE char *complaint = trial_complaint(trial);
	AUTO_FREE char *reason =
		complaint ? x_asprintf("policy '%s' %s",
				       trial->host->modules[trial->index].path,
				       complaint) :
			    NULL;

	if (reason)
		return send_error(trial, reason, err);
	return event_send(EVENT_FD, trial->host->scratch_fd, trial->answer, err);
}

int
judge_all(struct host *host, struct err *err)
{
	for (size_t i = 0; i < host->module_count; i++) {
		AUTO(trial)
		struct trial trial = {
			.host = host,
			.index = i,
			.scratch_fd = host->scratch_fd,
			.deadline_ms = json_int_or(host->request, "deadline_ms", 0),
			.serve = serve_policy,
			.pass_on = pass_on,
			.answers = "verdict",
			.channel = -1,
		};

		if (trial_run(&trial, err) < 0 || send_verdict(&trial, err) < 0)
			return -1;
	}
	return 0;
}
