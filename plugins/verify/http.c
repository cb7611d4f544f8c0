/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * verify/http - does a URL answer as it should, and goes on doing so? For
 * pipelines without Docker; verify/service asks the probes of a service.
 */
#include <fettle/plugin.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plugins/common/dwell.h"
#include "plugins/common/reach.h"
#include "plugins/common/text.h"

#define MAX_HEADERS 32
#define MAX_HEADER_BYTES 4096
#define TOKEN_CHARS                                                                    \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~"

enum {
	PARAM_URL,
	PARAM_METHOD,
	PARAM_EXPECT,
	PARAM_MATCH,
	PARAM_HEADERS,
	PARAM_SECRET_HEADERS,
	PARAM_REDIRECTS,
	PARAM_REQUEST_TIMEOUT,
	PARAM_WITHIN,
	PARAM_FOR,
	PARAM_INTERVAL
};
static const struct fettle_param params[] = {
	{ "url", FETTLE_STRING, FETTLE_REQUIRED, NULL, "url",
	  "The http or https URL to ask." },
	{ "method", FETTLE_CHOICE, 0, "GET", "GET|HEAD|POST|PUT|OPTIONS",
	  "The method to ask with." },
	{ "expect", FETTLE_JSON, 0, NULL, NULL,
	  "The status that is due, or a list of them; not given: 200 to 299." },
	{ "match", FETTLE_STRING, 0, NULL, "1..1000",
	  "A regular expression that the first 64 KiB of the body must match." },
	{ "headers", FETTLE_MAP, 0, NULL, NULL,
	  "Headers to send, none of them with a credential." },
	{ "secret_headers", FETTLE_MAP, 0, NULL, NULL,
	  "Headers to send whose last word is the name of a secret." },
	{ "redirects", FETTLE_BOOL, 0, "false", NULL,
	  "Whether up to five redirects are followed." },
	{ "request_timeout", FETTLE_DURATION, 0, "5s", "10ms..5m",
	  "How long one request may take." },
	{ "within", FETTLE_DURATION, 0, "2m", "0s..1h",
	  "How long to wait for the answer to be good." },
	{ "for", FETTLE_DURATION, 0, "5s", "0s..10m",
	  "How long it must then stay good; a bad one starts this time anew." },
	{ "interval", FETTLE_DURATION, 0, "2s", "10ms..1m",
	  "How far apart requests are while nothing changes." },
};

static const struct fettle_param outputs[] = {
	{ "waited_ms", FETTLE_INT, 0, NULL, NULL,
	  "How long it took until the answer was good." },
	{ "looks", FETTLE_INT, 0, NULL, NULL, "How often it was asked." },
	{ "last", FETTLE_STRING, 0, NULL, NULL, "What the last request got." },
};

struct visit {
	struct fettle_ctx *ctx;
	struct http_request request;
	const char *url;
	json_t *expect;
	struct argv headers;
	int64_t timeout_ms;
};

/* ---- headers ------------------------------------------------------------- */

static bool
is_header(const char *name, const char *value)
{
	if (*name == '\0' || name[strspn(name, TOKEN_CHARS)] != '\0' ||
	    strlen(name) + strlen(value) > MAX_HEADER_BYTES)
		return false;
	for (const char *c = value; *c != '\0'; c++)
		if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7F)
			return false;
	return true;
}

/* Headers that hold a credential, or that say where a request ends. */
static bool
is_credential(const char *name)
{
	static const char *const names[] = { "Authorization", "Proxy-Authorization",
					     "Cookie", "X-Api-Key", "X-Auth-Token" };

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (strcasecmp(names[i], name) == 0)
			return true;
	return false;
}

static bool
is_framing(const char *name)
{
	return strcasecmp(name, "Content-Length") == 0 ||
	       strcasecmp(name, "Transfer-Encoding") == 0 ||
	       strcasecmp(name, "Connection") == 0;
}

static int
check_header(const char *name, const char *value, struct fault *fault)
{
	if (is_header(name, value) && !is_framing(name))
		return 0;
	fault_set(fault, FETTLE_WHY_INPUT, "header_invalid",
		  "header '%.80s' cannot be sent", name);
	return fault_remedy(fault, "headers are names with one line of text each, and "
				   "none that says how long the request is");
}

static int
add_plain(const json_t *plain, struct argv *ret, struct fault *fault)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)plain, name, value) {
		const char *text = json_string_value(value);

		if (check_header(name, text ? text : "\n", fault) < 0)
			return -1;
		if (is_credential(name)) {
			fault_set(fault, FETTLE_WHY_INPUT, "header_secret",
				  "header '%s' holds a credential, which does not "
				  "belong into a pipeline",
				  name);
			return fault_remedy(fault,
					    "name a secret of fettle.yaml instead: "
					    "secret_headers: { %s: \"Bearer NAME\" }",
					    name);
		}
		argv_addf(ret, "%s: %s", name, text);
	}
	return 0;
}

/* `Bearer API_TOKEN`: the last word is a secret's name. */
static int
add_secret(struct fettle_ctx *ctx, const char *name, const char *text,
	   struct argv *ret, struct fault *fault)
{
	const char *space = strrchr(text, ' ');
	const char *secret = space ? space + 1 : text;
	const char *value = *secret ? fettle_secret(ctx, secret) : NULL;

	if (!value) {
		fault_set(fault, FETTLE_WHY_INPUT, "header_secret",
			  "header '%s' needs secret '%.80s', which there is not", name,
			  secret);
		return fault_remedy(fault, "name it under `secrets:` in fettle.yaml; "
					   "a pipeline without a service has none");
	}
	AUTO_FREE char *line =
		text_format("%.*s%s", (int)(secret - text), text, value);
	if (check_header(name, line, fault) < 0)
		return -1;
	argv_addf(ret, "%s: %s", name, line);
	return 0;
}

static int
add_headers(struct fettle_ctx *ctx, struct argv *ret, struct fault *fault)
{
	AUTO_JSON json_t *plain = json_of(fettle_param_json(ctx, PARAM_HEADERS));
	AUTO_JSON json_t *secret =
		json_of(fettle_param_json(ctx, PARAM_SECRET_HEADERS));
	const char *name;
	json_t *value;

	if (json_object_size(plain) + json_object_size(secret) > MAX_HEADERS)
		return fault_set(fault, FETTLE_WHY_INPUT, "header_invalid",
				 "there are more than %d headers", MAX_HEADERS);
	if (json_object_size(secret) > 0 && fettle_param_bool(ctx, PARAM_REDIRECTS)) {
		fault_set(fault, FETTLE_WHY_INPUT, "header_secret",
			  "a redirect could take a secret header to somebody else");
		return fault_remedy(fault, "ask the URL that the redirect leads to, "
					   "without `redirects`");
	}
	if (add_plain(plain, ret, fault) < 0)
		return -1;
	json_object_foreach(secret, name, value)
		if (add_secret(ctx, name, json_string_value(value) ?: "", ret, fault) <
		    0)
			return -1;
	return 0;
}

/* ---- one look ------------------------------------------------------------ */

static bool
is_status(const json_t *value)
{
	return json_is_integer(value) && json_integer_value(value) >= 100 &&
	       json_integer_value(value) <= 599;
}

static int
check_expect(const json_t *expect, struct fault *fault)
{
	bool is_good = !expect || is_status(expect) || json_array_size(expect) > 0;
	size_t i;
	json_t *one;

	json_array_foreach((json_t *)expect, i, one)
		is_good = is_good && is_status(one);
	if (is_good)
		return 0;
	fault_set(fault, FETTLE_WHY_INPUT, "expect_invalid",
		  "'expect' is no HTTP status and no list of them");
	return fault_remedy(fault, "write 200, or [200, 204]");
}

static int
check_match(const char *match, struct fault *fault)
{
	char *why = NULL;
	struct pattern *pattern = match ? pattern_new(match, &why) : NULL;

	pattern_free(pattern);
	if (!match || pattern)
		return 0;
	fault_set(fault, FETTLE_WHY_INPUT, "match_invalid",
		  "'match' is no regular expression: %s", why);
	free(why);
	return -1;
}

/* True when all parameters are known, as they are not always before the run. */
static bool
is_known(struct fettle_ctx *ctx)
{
	for (uint32_t i = 0; i < COUNT_OF(params); i++)
		if (!fettle_param_known(ctx, i))
			return false;
	return true;
}

static int
open_visit(struct fettle_ctx *ctx, struct visit *v, struct fault *fault)
{
	*v = (struct visit){ .ctx = ctx, .url = fettle_param_text(ctx, PARAM_URL) };
	if (fettle_param_given(ctx, PARAM_EXPECT))
		v->expect = json_of(fettle_param_json(ctx, PARAM_EXPECT));
	v->timeout_ms = (int64_t)fettle_param_ms(ctx, PARAM_REQUEST_TIMEOUT);
	v->request.method = fettle_param_text(ctx, PARAM_METHOD);
	v->request.expect = v->expect;
	v->request.match = fettle_param_given(ctx, PARAM_MATCH) ?
				   fettle_param_text(ctx, PARAM_MATCH) :
				   NULL;
	v->request.headers = &v->headers;
	v->request.follows = fettle_param_bool(ctx, PARAM_REDIRECTS);
	if (reach_check_url(v->url, fault) < 0 || check_expect(v->expect, fault) < 0 ||
	    check_match(v->request.match, fault) < 0)
		return -1;
	return add_headers(ctx, &v->headers, fault);
}

static void
close_visit(struct visit *v)
{
	json_decref(v->expect);
	argv_done(&v->headers);
}

static struct look
look(void *visit)
{
	struct visit *v = visit;
	int64_t left_ms = time_left_ms(v->ctx);

	v->request.timeout_ms = v->timeout_ms < left_ms ? v->timeout_ms : left_ms;
	struct reach reach = reach_http(&v->request, v->url);
	/* How long a good answer took is news only once. */
	if (reach.is_good) {
		char *in = strstr(reach.text + strlen(v->url), " in ");
		if (in)
			*in = '\0';
	}
	return (struct look){ .is_good = reach.is_good, .text = reach.text };
}

/* ---- callbacks ----------------------------------------------------------- */

static int
run(struct fettle_ctx *ctx)
{
	struct fault fault = { 0 };
	struct dwell dwell;
	struct visit v;
	int result = FETTLE_OK;
	char after[32];

	if (open_visit(ctx, &v, &fault) < 0) {
		close_visit(&v);
		return fault_end(ctx, &fault);
	}
	dwell_begin(&dwell, (int64_t)fettle_param_ms(ctx, PARAM_WITHIN),
		    (int64_t)fettle_param_ms(ctx, PARAM_FOR));
	dwell.interval_ms = (int64_t)fettle_param_ms(ctx, PARAM_INTERVAL);
	if (!dwell_watch(&dwell, ctx, look, &v))
		result = fettle_fail(
			ctx, "not_healthy",
			"the step's log has each change of what was answered",
			"no good answer that lasts after %s: %s",
			text_ms(dwell_waited_ms(&dwell), after), dwell.last);
	dwell_set_outputs(&dwell, ctx);
	dwell_done(&dwell);
	close_visit(&v);
	return result;
}

static int
check(struct fettle_ctx *ctx)
{
	struct fault fault = { 0 };
	struct visit v;

	if (!is_known(ctx))
		return FETTLE_OK;
	int result = open_visit(ctx, &v, &fault);
	close_visit(&v);
	return result < 0 ? fault_end(ctx, &fault) : FETTLE_OK;
}

static const struct fettle_step step = {
	.head = FETTLE_STEP_HEAD,
	.name = "verify/http",
	.version = FETTLE_VERSION,
	.summary = "Waits until a URL answers as it should, and goes on doing so.",
	.stage = FETTLE_VERIFY,
	.flags = FETTLE_NETWORK | FETTLE_REPEATABLE,
	.params = FETTLE_TABLE(params),
	.outputs = FETTLE_TABLE(outputs),
	.check = check,
	.run = run,
};
FETTLE_STEP(step)
