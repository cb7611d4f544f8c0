/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * verify/service - is the service well, and does it stay so? Container state,
 * restart count, Docker's health check and all probes must be good at once, for
 * a dwell time, inside a window.
 */
#include <fettle/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/common/compose.h"
#include "plugins/common/container.h"
#include "plugins/common/dwell.h"
#include "plugins/common/inside.h"
#include "plugins/common/probe.h"
#include "plugins/common/target.h"
#include "plugins/common/watch.h"

#define LOG_LINES 20

enum { PARAM_WITHIN, PARAM_FOR, PARAM_IMAGE_ID, PARAM_CONTAINER_IDS };
static const struct fettle_param params[] = {
	{ "within", FETTLE_DURATION, 0, "2m", "1s..1h",
	  "How long to wait for the service to be well." },
	{ "for", FETTLE_DURATION, 0, "5s", "0s..10m",
	  "How long it must then stay well; a bad look starts this time anew." },
	{ "image_id", FETTLE_STRING, 0, NULL, NULL,
	  "The image its containers must run; not given: what step `build` built." },
	{ "container_ids", FETTLE_LIST, 0, NULL, NULL,
	  "The containers it must have; not given: what step `restart` made." },
};

static const struct fettle_param outputs[] = {
	{ "level", FETTLE_STRING, 0, NULL, NULL,
	  "How well the service is: running or healthy." },
	{ "waited_ms", FETTLE_INT, 0, NULL, NULL,
	  "How long it took until the service was well." },
	{ "looks", FETTLE_INT, 0, NULL, NULL, "How often the service was looked at." },
	{ "last", FETTLE_STRING, 0, NULL, NULL, "What the last look saw." },
};

struct vigil {
	struct fettle_ctx *ctx;
	struct engine_api *api;
	char *project;
	const char *service;
	json_t *probes, *profile, *wanted_ids, *containers;
	json_t *memory;		/* of inside_ask() */
	struct watch watch;
	struct dwell dwell;
	struct fault fault;	/* why the engine did not answer the last look, if so */
};

/* ---- one look ----------------------------------------------------------- */

/* Where a container answers when it lives in the network of another one. */
static json_t *
network_owner(struct vigil *v, const json_t *c)
{
	const char *mode = json_member(c, "network_mode");
	struct fault ignored;
	AUTO_JSON json_t *inspection = NULL;

	if (!mode || !text_starts(mode, "container:"))
		return json_incref((json_t *)c);
	AUTO_FREE char *path =
		text_format("/containers/%s/json", mode + strlen("container:"));
	if (engine_get(v->api, path, &inspection, &ignored) != 1)
		return json_incref((json_t *)c);
	return container_read(inspection, 0);
}

static bool
ask_from_outside(struct vigil *v, const json_t *probe, const json_t *c, char **ret_text)
{
	AUTO_JSON json_t *at = c ? network_owner(v, c) : NULL;
	AUTO_ARGV struct argv urls = { 0 };

	probe_urls(probe, at, &urls);
	return probe_ask(probe, &urls, time_left_ms(v->ctx), ret_text);
}

static bool
ask_one(struct vigil *v, const json_t *probe, const json_t *c, struct text *said)
{
	enum probe_kind kind = probe_kind(probe);
	AUTO_FREE char *text = NULL;
	bool is_good;

	if (kind == PROBE_COMMAND || kind == PROBE_LOG)
		is_good = inside_ask(v->api, probe, c, v->memory, time_left_ms(v->ctx),
				     &text);
	else
		is_good = ask_from_outside(v, probe, c, &text);
	if (!is_good) {
		text_done(said);
		text_add(said, text);
	}
	return is_good;
}

static bool
ask_probes(struct vigil *v, struct text *said)
{
	size_t i, k;
	json_t *probe, *c;

	json_array_foreach(v->probes, i, probe) {
		if (probe_is_literal(probe)) {
			if (!ask_one(v, probe, NULL, said))
				return false;
			continue;
		}
		json_array_foreach(v->containers, k, c)
			if (!ask_one(v, probe, c, said))
				return false;
	}
	return true;
}

static struct look
look(void *vigil)
{
	struct vigil *v = vigil;
	AUTO_TEXT struct text said = { 0 };
	json_t *now = NULL;

	v->fault = (struct fault){ 0 };
	if (container_list(v->api, v->project, v->service, &now, &v->fault) < 0)
		return (struct look){ .text = text_copy(v->fault.text) };
	json_decref(v->containers);
	v->containers = now;
	struct look at = watch_containers(&v->watch, now);
	if (!at.is_good || json_array_size(v->probes) == 0)
		return at;
	bool is_good = ask_probes(v, &said);
	size_t n = json_array_size(v->probes);
	char *text = is_good ? text_format("%s and %s", at.text,
					   n == 1 ? "its probe is good" :
						    "all its probes are good") :
			       text_copy(text_get(&said));
	free(at.text);
	return (struct look){ .is_good = is_good, .text = text };
}

/* ---- the callback ------------------------------------------------------- */

static int
open_vigil(struct fettle_ctx *ctx, struct vigil *v, struct fault *fault)
{
	const char *project = fettle_fact(ctx, "project.name");

	*v = (struct vigil){ .ctx = ctx, .memory = json_object() };
	dwell_begin(&v->dwell, (int64_t)fettle_param_ms(ctx, PARAM_WITHIN),
		    (int64_t)fettle_param_ms(ctx, PARAM_FOR));
	v->project = compose_normal_name(project ? project : "");
	v->profile = target_fact(ctx, fault);
	v->api = engine_open(ctx, fault);
	v->probes = json_of(fettle_fact(ctx, "service.health"));
	if (!v->profile || !v->api || probe_check(v->probes, fault) < 0)
		return -1;
	v->service = json_member(v->profile, "name");
	v->watch.replicas = json_member_int(v->profile, "replicas", 0);
	v->watch.image_id = fettle_param_given(ctx, PARAM_IMAGE_ID) ?
				    fettle_param_text(ctx, PARAM_IMAGE_ID) :
				    fettle_fact(ctx, "steps.build.outputs.image_id");
	v->wanted_ids = json_of(
		fettle_param_given(ctx, PARAM_CONTAINER_IDS) ?
			fettle_param_json(ctx, PARAM_CONTAINER_IDS) :
			fettle_fact(ctx, "steps.restart.outputs.container_ids"));
	v->watch.ids = v->wanted_ids;
	return 0;
}

static void
close_vigil(struct vigil *v)
{
	engine_close(v->api);
	json_decref(v->probes);
	json_decref(v->profile);
	json_decref(v->wanted_ids);
	json_decref(v->containers);
	json_decref(v->watch.seen);
	json_decref(v->memory);
	free(v->project);
	dwell_done(&v->dwell);
}

static void
tell_probes(struct vigil *v)
{
	size_t n = json_array_size(v->probes);

	if (n > 0)
		fettle_info(v->ctx,
			    "watching '%s': its containers and %zu health probe%s",
			    v->service, n, n == 1 ? "" : "s");
	else
		fettle_info(v->ctx,
			    "no health probe is configured for '%s': only the state of "
			    "its container is watched",
			    v->service);
}

/* The end of what each container wrote, into the step's log. */
static void
show_logs(struct vigil *v)
{
	size_t i;
	json_t *c;

	json_array_foreach(v->containers, i, c) {
		AUTO_FREE char *lines = NULL;
		struct fault ignored;

		if (engine_logs(v->api, json_member(c, "id"), LOG_LINES, NULL, &lines,
				&ignored) == 1)
			printf("--- the last lines of %s\n%s%s", json_member(c, "name"),
			       lines,
			       *lines && lines[strlen(lines) - 1] != '\n' ? "\n" : "");
	}
	fflush(stdout);
}

static int
unwell(struct vigil *v)
{
	char after[32];

	if (v->fault.code[0])
		return fault_end(v->ctx, &v->fault);
	show_logs(v);
	return fettle_fail(v->ctx, "not_healthy",
			   "the step's log ends with what the container wrote last",
			   "service '%s' is not well after %s: %s", v->service,
			   text_ms(dwell_waited_ms(&v->dwell), after), v->dwell.last);
}

static int
run(struct fettle_ctx *ctx)
{
	struct fault fault = { 0 };
	struct vigil v;
	int result;

	if (open_vigil(ctx, &v, &fault) < 0) {
		close_vigil(&v);
		return fault_end(ctx, &fault);
	}
	tell_probes(&v);
	bool is_well = dwell_watch(&v.dwell, ctx, look, &v);
	dwell_set_outputs(&v.dwell, ctx);
	if (v.containers)
		fettle_set_output_text(ctx, "level",
				       level_name(container_level(v.containers)));
	result = is_well ? FETTLE_OK : unwell(&v);
	close_vigil(&v);
	return result;
}

static int
check(struct fettle_ctx *ctx)
{
	struct fault fault = { 0 };
	AUTO_JSON json_t *service = target_fact(ctx, &fault);
	AUTO_JSON json_t *probes = json_of(fettle_fact(ctx, "service.health"));

	if (!service || probe_check(probes, &fault) < 0)
		return fault_end(ctx, &fault);
	return FETTLE_OK;
}

static const struct fettle_step step = {
	.head = FETTLE_STEP_HEAD,
	.name = "verify/service",
	.version = FETTLE_VERSION,
	.summary = "Waits until the service's containers and health probes are good, "
		   "and stay so.",
	.stage = FETTLE_VERIFY,
	.flags = FETTLE_DOCKER | FETTLE_NETWORK | FETTLE_REPEATABLE,
	.params = FETTLE_TABLE(params),
	.outputs = FETTLE_TABLE(outputs),
	.check = check,
	.run = run,
};
FETTLE_STEP(step)
