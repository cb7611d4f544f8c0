/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See retry.h. Knows nothing of how a step is tried again. */
#include "base/base.h"

#include "model/retry.h"

#include "base/json.h"
#include "model/form.h"
#include "model/scalar.h"

#define MIN_ATTEMPTS 2
#define MAX_ATTEMPTS 10
#define DEFAULT_BACKOFF_MS 1000u
#define DEFAULT_MAX_MS 60000u

static const struct form_key keys[] = {
	{ "attempts", { FORM_INT, "2..10" }, true, "how often in all" },
	{ "backoff", { FORM_DURATION }, false, "the wait before the second try" },
	{ "max", { FORM_DURATION }, false, "the longest wait" },
	{ "on", { FORM_CHOICE, "transient|any" }, false, "after which failures" },
	{ NULL },
};
const struct form retry_form = { "retry", keys, NULL };

static int
read_attempts(const struct node *mapping, const char *file, uint32_t *ret,
	      struct err *err)
{
	const struct node *node = node_find(mapping, "attempts");
	const char *text;
	int64_t number;

	if (node == NULL) {
		node_err(mapping, file, err, "key.missing",
			 "'attempts' is missing here");
		return err_remedy(err, "say how often the step is tried in all, such "
				       "as attempts: 3");
	}
	text = node_text(node, file, "attempts", err);
	if (text == NULL)
		return -1;
	if (scalar_int(text, &number, err) < 0)
		return node_at(node, file, err);
	if (number < MIN_ATTEMPTS || number > MAX_ATTEMPTS) {
		node_err(node, file, err, "type.range",
			 "'attempts' is %lld, not from %d to %d", (long long)number,
			 MIN_ATTEMPTS, MAX_ATTEMPTS);
		return err_remedy(err, "attempts counts all tries, the first one too");
	}
	*ret = (uint32_t)number;
	return 0;
}

static int
read_waits(const struct node *mapping, const char *file, struct retry *retry,
	   struct err *err)
{
	const struct node *max = node_find(mapping, "max");

	retry->backoff_ms = DEFAULT_BACKOFF_MS;
	if (node_get_ms(mapping, file, "backoff", &retry->backoff_ms, err) < 0)
		return -1;
	retry->max_ms = retry->backoff_ms > DEFAULT_MAX_MS ? retry->backoff_ms
							   : DEFAULT_MAX_MS;
	if (node_get_ms(mapping, file, "max", &retry->max_ms, err) < 0)
		return -1;
	if (retry->max_ms >= retry->backoff_ms)
		return 0;
	node_err(max, file, err, "type.range", "'max' is less than 'backoff'");
	return err_remedy(err, "the wait begins with backoff and doubles up to max");
}

static int
read_on(const struct node *mapping, const char *file, bool *ret, struct err *err)
{
	const struct node *node = node_find(mapping, "on");
	const char *text = node ? node_text(node, file, "on", err) : "transient";

	if (text == NULL)
		return -1;
	if (str_eq(text, "transient") || str_eq(text, "any")) {
		*ret = text[0] == 'a';
		return 0;
	}
	node_err(node, file, err, "type.choice",
		 "'%.80s' does not say after which failures", text);
	return err_remedy(err, "write one of: transient, any");
}

int
retry_read(const struct node *node, const char *file, struct retry *ret,
	   struct err *err)
{
	struct retry retry = { 0 };

	if (node == NULL)
		return 0;
	if (node->kind != NODE_MAPPING) {
		node_err(node, file, err, "type.map", "'retry' must be a mapping");
		return err_remedy(err, "write retry: { attempts: 3 }");
	}
	if (form_check(node, file, &retry_form, err) < 0 ||
	    read_attempts(node, file, &retry.attempts, err) < 0 ||
	    read_waits(node, file, &retry, err) < 0 ||
	    read_on(node, file, &retry.on_any, err) < 0)
		return -1;
	*ret = retry;
	return 0;
}

json_t *
retry_json(const struct retry *retry)
{
	json_t *json = json_object();

	json_object_set_new(json, "attempts", json_integer(retry->attempts));
	json_object_set_new(json, "backoff_ms",
			    json_integer((json_int_t)retry->backoff_ms));
	json_object_set_new(json, "max_ms", json_integer((json_int_t)retry->max_ms));
	json_object_set_new(json, "on",
			    json_string(retry->on_any ? "any" : "transient"));
	return json;
}

int
retry_parse(const json_t *json, struct retry *ret, struct err *err)
{
	int64_t attempts = json_int_or(json, "attempts", 0);
	int64_t backoff_ms = json_int_or(json, "backoff_ms", -1);
	int64_t max_ms = json_int_or(json, "max_ms", -1);

	if (attempts < MIN_ATTEMPTS || attempts > MAX_ATTEMPTS || backoff_ms < 0 ||
	    max_ms < backoff_ms)
		return err_set(err, "plan.corrupt", "a 'retry' is of no known form");
	*ret = (struct retry){
		.attempts = (uint32_t)attempts,
		.backoff_ms = (uint64_t)backoff_ms,
		.max_ms = (uint64_t)max_ms,
		.on_any = str_eq(json_text(json, "on"), "any"),
	};
	return 0;
}
