/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asking a callback and understanding how it ended. See inquiry.h. */
#include "base/base.h"

#include "engine/inquiry.h"

#include <sys/wait.h>

#include "base/num.h"
#include "engine/host.h"

#define LIST_MAX 5000 /* edits, effects, commands or outputs one callback may state */

static const char *const result_names[] = {
	[REPLY_OK] = "ok",	 [REPLY_NOOP] = "noop",		  [REPLY_FAIL] = "fail",
	[REPLY_ERROR] = "error", [REPLY_CANCELLED] = "cancelled",
};

const char *
reply_result_name(enum reply_result result)
{
	return result_names[result];
}

void
reply_done(struct reply *reply)
{
	json_decref(reply->outputs);
	json_decref(reply->edits);
	json_decref(reply->effects);
	json_decref(reply->commands);
	json_decref(reply->observed);
	json_decref(reply->verdicts);
	json_decref(reply->checked);
	*reply = (struct reply){ 0 };
}

/* A conversation going on. */
struct talk {
	const struct inquiry *inquiry;
	struct reply reply;
	unsigned kept;		/* notes, findings and artifacts so far */
	int signal;		/* that a process of the host was killed by */
};

static int
talk_collect(json_t *list, const json_t *event, struct err *err)
{
	if (json_array_size(list) >= LIST_MAX)
		return err_set(err, "event.limit",
			       "module stated more than %d '%s' events", LIST_MAX,
			       json_text(event, "e"));
	json_array_append(list, (json_t *)(uintptr_t)event);
	return 0;
}

static int
talk_output(struct talk *talk, const json_t *event, struct err *err)
{
	if (json_object_size(talk->reply.outputs) >= LIST_MAX)
		return err_set(err, "event.limit", "module set more than %d outputs",
			       LIST_MAX);
	json_object_set(talk->reply.outputs, json_text(event, "name"),
			json_object_get(event, "value"));
	return 0;
}

/* What is stored of an event for good, one by one. */
static bool
is_kept(const char *kind)
{
	return str_eq(kind, "note") || str_eq(kind, "finding");
}

static int
talk_count(struct talk *talk, const json_t *event, struct err *err)
{
	if (++talk->kept <= LIST_MAX)
		return 0;
	return err_set(err, "event.limit",
		       "module told more than %d notes, findings and artifacts; the "
		       "last is a '%s'",
		       LIST_MAX, json_text(event, "e"));
}

static int
talk_event(void *self, const json_t *event, int scratch_fd, struct err *err)
{
	struct talk *talk = self;
	const struct inquiry *inquiry = talk->inquiry;
	const char *kind = json_text(event, "e");
	const struct {
		const char *kind;
		json_t *list;
	} lists[] = {
		{ "edit", talk->reply.edits },
		{ "effect", talk->reply.effects },
		{ "command", talk->reply.commands },
		{ "observed", talk->reply.observed },
		{ "verdict", talk->reply.verdicts },
		{ "checked", talk->reply.checked },
	};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (str_eq(kind, lists[i].kind))
			return talk_collect(lists[i].list, event, err);
	if (str_eq(kind, "output"))
		return talk_output(talk, event, err);
	if (str_eq(kind, "killed")) {
		talk->signal = (int)json_int_or(event, "signal", 0);
		return 0;
	}
	if (str_eq(kind, "artifact")) {
		if (inquiry->artifact)
			inquiry->artifact(inquiry->self, event, scratch_fd);
		return talk_count(talk, event, err);
	}
	if (inquiry->note)
		inquiry->note(inquiry->self, event);
	return is_kept(kind) ? talk_count(talk, event, err) : 0;
}

static void
talk_log(void *self, const char *bytes, size_t n)
{
	struct talk *talk = self;

	if (talk->inquiry->log)
		talk->inquiry->log(talk->inquiry->self, bytes, n);
}

static bool
talk_tick(void *self)
{
	struct talk *talk = self;

	return !talk->inquiry->tick || talk->inquiry->tick(talk->inquiry->self);
}

static void
talk_idle(void *self)
{
	struct talk *talk = self;

	if (talk->inquiry->idle)
		talk->inquiry->idle(talk->inquiry->self);
}

static void
understand_result(struct reply *reply, const json_t *result)
{
	const char *name = json_text(result, "result");

	reply->is_answered = true;
	reply->result = REPLY_ERROR;
	for (size_t i = REPLY_OK; i <= REPLY_ERROR; i++)
		if (str_eq(name, result_names[i]))
			reply->result = (enum reply_result)i;
	snprintf(reply->why, sizeof reply->why, "%s",
		 reply->result == REPLY_ERROR ? json_text_or(result, "why", "bug") :
						"");
	if (reply->result == REPLY_FAIL || reply->result == REPLY_ERROR) {
		err_set(&reply->err,
			json_text_or(result, "code",
				     reply->result == REPLY_FAIL ? "step_failed" :
								   "step_error"),
			"%s",
			json_text_or(result, "text", "the module gave no message"));
		err_remedy(&reply->err, "%s", json_text(result, "remedy"));
		reply->err.may_pass = str_eq(reply->why, "transient") ||
				      str_eq(reply->why, "host");
	}
}

void
reply_of_check(const json_t *checked, const char *what, struct reply *ret)
{
	const char *ended = json_text(checked, "ended");

	understand_result(ret, checked);
	if (!*ended)
		return;
	ret->is_answered = false;
	err_set(&ret->err, "module_crashed", "%s %s", what, ended);
	err_remedy(&ret->err, "a module that ends without an answer is a defect of the "
			      "module");
}

static void
understand_crash(struct talk *talk, int status)
{
	struct reply *reply = &talk->reply;
	int signal = WIFSIGNALED(status) ? WTERMSIG(status) : talk->signal;

	if (signal)
		err_set(&reply->err, "module_crashed", "%s was killed by signal %d",
			talk->inquiry->what, signal);
	else
		err_set(&reply->err, "module_crashed",
			"%s ended without a result (exit status %d)",
			talk->inquiry->what, WEXITSTATUS(status));
	err_remedy(&reply->err, "the step's log has its last words; a module that ends "
				"without an answer is a defect of the module");
}

static void
understand(struct talk *talk, struct host_answer *answer)
{
	const struct inquiry *inquiry = talk->inquiry;
	struct reply *reply = &talk->reply;
	char took[32];

	reply->result = REPLY_ERROR;
	snprintf(reply->why, sizeof reply->why, "bug");
	switch (answer->end) {
	case HOST_ANSWERED:
		understand_result(reply, answer->result);
		break;
	case HOST_CRASHED:
		understand_crash(talk, answer->status);
		break;
	case HOST_TIMED_OUT:
		snprintf(reply->why, sizeof reply->why, "transient");
		err_set(&reply->err, "timeout",
			"%s took longer than %s and was stopped", inquiry->what,
			num_format_ms(inquiry->timeout_ms, took));
		err_remedy(&reply->err,
			   "raise the step's `timeout` if it needs more time");
		break;
	case HOST_IDLE:
		snprintf(reply->why, sizeof reply->why, "transient");
		err_set(&reply->err, "idle_timeout",
			"%s was silent for %s and was stopped", inquiry->what,
			num_format_ms(inquiry->idle_ms, took));
		err_remedy(&reply->err,
			   "raise the step's `idle_timeout` if silence is normal");
		break;
	case HOST_CANCELLED:
		reply->result = REPLY_CANCELLED;
		reply->why[0] = '\0';
		err_set(&reply->err, "cancelled", "%s was cancelled", inquiry->what);
		break;
	case HOST_REFUSED:
		reply->err = answer->err;
		err_context(&reply->err, "%s", inquiry->what);
		break;
	}
}

static void
set_copy(json_t *request, const char *key, const json_t *value)
{
	json_object_set(request, key, value ? (json_t *)(uintptr_t)value : json_null());
}

static json_t *
make_request(const struct inquiry *inquiry)
{
	json_t *request = json_object(), *jail = json_object();

	json_object_set_new(jail, "flags", json_integer(inquiry->flags));
	json_object_set_new(jail, "minimum", json_string("basic"));
	json_object_set_new(request, "jail", jail);
	json_object_set(request, "modules", inquiry->modules);
	json_object_set_new(request, "run", json_string(inquiry->run));
	json_object_set_new(request, "step", json_string(inquiry->step));
	json_object_set_new(request, "operation",
			    json_sprintf("%s/%s", inquiry->run, inquiry->step));
	json_object_set_new(request, "attempt", json_integer(inquiry->attempt));
	json_object_set_new(request, "workspace",
			    inquiry->workspace ? json_string(inquiry->workspace) :
						 json_null());
	if (inquiry->facts)
		set_copy(request, "facts", inquiry->facts);
	else
		json_object_set_new(request, "facts", json_object());
	if (inquiry->env)
		set_copy(request, "env", inquiry->env);
	else
		json_object_set_new(request, "env", json_object());
	set_copy(request, "proposal", inquiry->proposal);
	if (inquiry->each_ms)
		json_object_set_new(request, "each_ms",
				    json_integer((json_int_t)inquiry->each_ms));
	return request;
}

static struct host_call
make_call(const struct inquiry *inquiry, const char *attempt)
{
	return (struct host_call){ .nursery = inquiry->engine->nursery,
				   .state_dir = store_dir(inquiry->engine->store),
				   .call = inquiry->call,
				   .attempt = attempt,
				   .secrets = inquiry->secrets,
				   .lock_fd = inquiry->lock_fd,
				   .cancel_fd = inquiry->cancel_fd,
				   .ahead = inquiry->ahead,
				   .timeout_ms = inquiry->timeout_ms,
				   .idle_ms = inquiry->idle_ms };
}

static char *
attempt_name(const struct inquiry *inquiry)
{
	return x_asprintf("%s/%s/%d", inquiry->run, inquiry->step, inquiry->attempt);
}

struct host_ahead *
inquiry_begin(const struct inquiry *inquiry)
{
	AUTO(json_ref) json_t *request = make_request(inquiry);
	AUTO_FREE char *attempt = attempt_name(inquiry);
	struct host_call call = make_call(inquiry, attempt);

	call.request = request;
	return host_begin(&call);
}

int
inquiry_ask(const struct inquiry *inquiry, struct reply *ret, struct err *err)
{
	AUTO(json_ref) json_t *request = inquiry->ahead ? NULL : make_request(inquiry);
	AUTO_FREE char *attempt = attempt_name(inquiry);
	AUTO(host_answer) struct host_answer answer = { 0 };
	struct talk talk = { .inquiry = inquiry,
			     .reply = { .outputs = json_object(),
					.edits = json_array(),
					.effects = json_array(),
					.commands = json_array(),
					.observed = json_array(),
					.verdicts = json_array(),
					.checked = json_array() } };
	struct host_call call = make_call(inquiry, attempt);

	call.request = request;
	call.event = talk_event;
	call.log = talk_log;
	call.tick = talk_tick;
	call.idle = talk_idle;
	call.self = &talk;
	if (host_ask(&call, &answer, err) < 0) {
		reply_done(&talk.reply);
		return -1;
	}
	understand(&talk, &answer);
	*ret = talk.reply;
	return 0;
}
