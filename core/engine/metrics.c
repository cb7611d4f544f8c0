/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is counted, and where that goes. See metrics.h. */
#include "base/base.h"

#include "engine/metrics.h"

#include <errno.h>

#include "base/log.h"
#include "engine/resolve.h"
#include "engine/statsd.h"

struct metrics {
	struct store *store;	/* that is listened to; borrowed */
	const char *site_file;	/* NULL: none */
	bool is_known;		/* where they go; `sink.host` NULL: nowhere */
	bool is_of_site;	/* the site file says it */
	bool is_resolved;	/* tried, at least */
	struct statsd statsd;
};

/* ---- where they go ---- */

static const char *
env_given(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* Of two variables the one that is meant for us and for nobody else counts. */
static int
read_environment(struct sink *sink, struct err *err)
{
	const struct {
		const char *names[2], *values[2];
		int (*set)(struct sink *sink, const char *text, struct err *err);
	} settings[] = {
		{ { "SPEC_WORKFLOW_METRICS_HOST", "STATSD_HOST" },
		  { env_given("SPEC_WORKFLOW_METRICS_HOST"), env_given("STATSD_HOST") },
		  sink_set_host },
		{ { "SPEC_WORKFLOW_METRICS_PORT", "STATSD_PORT" },
		  { env_given("SPEC_WORKFLOW_METRICS_PORT"), env_given("STATSD_PORT") },
		  sink_set_port },
		{ { "SPEC_WORKFLOW_METRICS_PREFIX", "STATSD_PREFIX" },
		  { env_given("SPEC_WORKFLOW_METRICS_PREFIX"),
		    env_given("STATSD_PREFIX") },
		  sink_set_prefix },
	};

	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		size_t which = settings[i].values[0] ? 0 : 1;
		const char *value = settings[i].values[which];

		if (value && settings[i].set(sink, value, err) < 0)
			return err_context(err, "environment variable %s",
					   settings[i].names[which]);
		/* A port without a host may be meant for others. */
		if (!sink->host)
			return 0;
	}
	return 0;
}

static void
copy_sink(const struct sink *from, struct sink *to)
{
	*to = (struct sink){ .host = x_strdup(from->host),
			     .port = from->port,
			     .prefix = x_strdup(from->prefix) };
	str_add(&to->tags, str_get(&from->tags));
}

int
metrics_learn(struct metrics *metrics, const struct site *site, struct err *err)
{
	struct sink *sink;

	if (!metrics || metrics->is_known)
		return 0;
	sink = &metrics->statsd.sink;
	metrics->is_of_site = site && site->sink.host;
	if (metrics->is_of_site)
		copy_sink(&site->sink, sink);
	else if (read_environment(sink, err) < 0) {
		sink_done(sink);
		return -1;
	}
	metrics->is_known = true;
	if (!sink->port)
		sink->port = SINK_PORT;
	if (!sink->prefix)
		sink->prefix = x_strdup(SINK_PREFIX);
	return 0;
}

static int
learn(struct metrics *metrics, struct err *err)
{
	AUTO(site) struct site *site = NULL;

	if (metrics->is_known)
		return 0;
	if (metrics->site_file && !(site = site_load(metrics->site_file, err)))
		return -1;
	return metrics_learn(metrics, site, err);
}

/* Once: who does not answer in time is not asked again by this process. */
static int
find_address(struct metrics *metrics, struct err *err)
{
	struct statsd *statsd = &metrics->statsd;

	metrics->is_resolved = true;
	return resolve(statsd->sink.host, statsd->sink.port, &statsd->address,
		       &statsd->address_len, err);
}

/* With the first event: no run is ended, cancelled or put back because of metrics. */
static bool
is_on(struct metrics *metrics)
{
	struct err err;

	if (!metrics->is_known && learn(metrics, &err) < 0) {
		metrics->is_known = true;
		err_context(&err, "no metrics are sent");
		log_warn("%s", err.text);
	}
	if (!metrics->statsd.sink.host) {
		store_listen(metrics->store, NULL);
		return false;
	}
	/* `fettle doctor` tells what is wrong with a name. */
	if (!metrics->is_resolved)
		(void)find_address(metrics, &err);
	return true;
}

/* ---- what is counted ---- */

/* GROUP.WORD[.LAST], the word being somebody's name for a thing. */
static char *
name_of(const char *group, const char *word, const char *last)
{
	AUTO(str) struct str name = STR_INIT;

	str_addf(&name, "%s.", group);
	statsd_add_word(&name, word);
	if (last) {
		str_add_c(&name, '.');
		statsd_add_word(&name, last);
	}
	return str_take(&name);
}

static void
count(struct metrics *metrics, const char *group, const char *word, const char *last)
{
	AUTO_FREE char *name = name_of(group, word, last);

	statsd_count(&metrics->statsd, name);
}

static void
count_queued(struct metrics *metrics, const char *run, const json_t *body)
{
	const char *service = json_text(body, "service");

	(void)run;
	statsd_count(&metrics->statsd, "runs.queued");
	if (*service)
		count(metrics, "runs.queued.service", service, NULL);
}

static void
count_state(struct metrics *metrics, const char *run, const json_t *body)
{
	(void)run;
	count(metrics, "runs.status", json_text(body, "state"), NULL);
}

static void
count_end(struct metrics *metrics, const char *run, const json_t *body)
{
	struct err ignored;
	AUTO(json_ref) json_t *row = store_run(metrics->store, run, &ignored);
	const char *state = json_text(body, "state");
	AUTO_FREE char *name = name_of("runs.duration", state, NULL);

	count_state(metrics, run, body);
	/* A run that never began has an end, but took no time. */
	if (json_is_integer(json_object_get(row, "started_ms")))
		statsd_time(&metrics->statsd, name,
			    json_int_or(row, "ended_ms", 0) -
				    json_int_or(row, "started_ms", 0));
}

static void
count_step_begin(struct metrics *metrics, const char *run, const json_t *body)
{
	(void)run;
	count(metrics, "steps", json_text(body, "step"), "started");
}

static void
count_step_end(struct metrics *metrics, const char *run, const json_t *body)
{
	const char *step = json_text(body, "step"), *state = json_text(body, "state");
	AUTO_FREE char *name = name_of("steps", step, "duration");

	(void)run;
	count(metrics, "steps", step, state);
	/* How long an attempt went on that died with its engine nobody knows. */
	if (!str_eq(state, "interrupted"))
		statsd_time(&metrics->statsd, name,
			    json_int_or(body, "duration_ms", 0));
}

static void
count_step_skipped(struct metrics *metrics, const char *run, const json_t *body)
{
	(void)run;
	count(metrics, "steps", json_text(body, "step"), "skipped");
}

static const struct {
	const char *kind;
	void (*count)(struct metrics *metrics, const char *run, const json_t *body);
} kinds[] = {
	{ "run.queued", count_queued },
	{ "run.state", count_state },
	{ "run.ended", count_end },
	{ "step.intent", count_step_begin },
	{ "step.ended", count_step_end },
	{ "step.skipped", count_step_skipped },
};

static void
hear(void *self, const char *run, const char *kind, const json_t *body)
{
	struct metrics *metrics = self;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!str_eq(kinds[i].kind, kind) || !is_on(metrics))
			continue;
		kinds[i].count(metrics, run, body);
		statsd_send(&metrics->statsd);
	}
}

/* ---- for others ---- */

struct metrics *
metrics_new(struct store *store, const char *site_file)
{
	struct metrics *metrics = x_malloc(sizeof *metrics);
	const struct store_listener listener = { hear, metrics };

	*metrics = (struct metrics){ .store = store,
				     .site_file = site_file,
				     .statsd = STATSD_INIT };
	store_listen(store, &listener);
	return metrics;
}

void
metrics_free(struct metrics *metrics)
{
	if (!metrics)
		return;
	store_listen(metrics->store, NULL);
	statsd_done(&metrics->statsd);
	free(metrics);
}

int
metrics_look(struct metrics *metrics, struct str *ret_where, struct err *err)
{
	struct statsd *statsd = &metrics->statsd;
	const struct sink *sink = &statsd->sink;

	if (learn(metrics, err) < 0) {
		/* Told once, not again by what else is looked at. */
		metrics->is_known = true;
		return -1;
	}
	if (!sink->host)
		return 0;
	str_addf(ret_where, "StatsD at %s, port %u, names begin with '%s'%s%s, as %s",
		 sink->host, (unsigned)sink->port, sink->prefix,
		 sink->tags.len ? ", tags " : "", str_get(&sink->tags),
		 metrics->is_of_site ? "the site file says" : "the environment says");
	if (find_address(metrics, err) < 0)
		return err_context(err, "%s", str_get(ret_where));
	if (statsd_is_heard(statsd))
		return 1;
	err_errno(err, "metrics.refused", "%s", str_get(ret_where));
	return err_remedy(err, "start it, or correct the address; runs are not "
			       "affected, and what is sent meanwhile is lost");
}
