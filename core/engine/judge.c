/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One policy asked outside of a run: `fettle policy test`. */
#include "base/base.h"

#include "engine/engine.h"

#include "engine/host.h"
#include "engine/inquiry.h"
#include "engine/module.h"

#define JUDGE_TIMEOUT_MS 30000

static int
ask(struct engine *engine, const char *policy, json_t *modules, const json_t *facts,
    struct reply *ret, struct err *err)
{
	AUTO_FREE char *what = x_asprintf("policy '%s'", policy);
	struct inquiry inquiry = { .engine = engine,
				   .call = "judge",
				   .what = what,
				   .modules = modules,
				   .run = "policy-test",
				   .step = "policy-test",
				   .attempt = 1,
				   .facts = facts,
				   .timeout_ms = JUDGE_TIMEOUT_MS,
				   .lock_fd = -1,
				   .cancel_fd = -1 };

	return inquiry_ask(&inquiry, ret, err);
}

int
engine_judge(struct engine *engine, const char *policy, const struct node *with,
	     const char *file, const json_t *facts, json_t **ret, struct err *err)
{
	AUTO(json_ref) json_t *modules = json_array();
	AUTO(reply) struct reply reply = { 0 };

	host_prepare(engine);
	AUTO(module) struct module *module = module_find(engine, policy, true, err);
	if (!module)
		return -1;
	AUTO(json_ref)
	json_t *params = description_type_with(module->description, with, file, err);
	if (!params)
		return -1;
	json_array_append_new(
		modules, module_request(module->path, module->sha256, params, NULL));
	if (ask(engine, policy, modules, facts, &reply, err) < 0)
		return -1;
	const json_t *answer = json_array_get(reply.verdicts, 0);
	bool is_answered = answer && reply.result == REPLY_OK;
	*ret = json_pack("{s:s, s:s}", "verdict",
			 is_answered ? json_text(answer, "verdict") : "error", "reason",
			 is_answered ? json_text(answer, "reason") : reply.err.text);
	return 0;
}
