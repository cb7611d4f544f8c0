/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kinds of events, the moves between states of a run, the hash. */
#include "base/base.h"

#include "store/event.h"

#include <assert.h>

#include "base/str.h"

static const struct event_kind kinds[] = {
	{ "run.queued", 0, true,
	  "pipeline? service? instruction? inputs{}? workspace? requested_by?"
	  " order{}? priority? until? rolls_back? reason?" },
	{ "run.claimed", PHASE_ANY, true, "owner epoch# worker?" },
	{ "run.released", PHASE_PENDING, false, "service?" },
	{ "run.cancel", PHASE_ALIVE, true, "by reason?" },
	{ "run.locked", PHASE_ANY, true, "name ticket#" },
	{ "run.waiting", PHASE_ANY, true, "name ticket#" },
	{ "run.unlocked", PHASE_ANY, false, "name" },
	{ "run.planned", PHASE_PENDING | PHASE_RUNNING, false, "plan{} sha256" },
	{ "run.state", PHASE_ANY, false,
	  "state code? message? due_ms#? step? tries#?" },
	{ "run.round", PHASE_RUNNING, false, "round# earlier{} facts{}?" },
	{ "run.retried", PHASE_RUNNING, false, "from by steps[] round# message?" },
	{ "run.renewed", PHASE_ANY, false, "changed[] rules{}" },
	{ "run.ended", PHASE_ALIVE, false,
	  "state code? message? remedy? step? detail*?" },
	{ "run.undone", PHASE_ENDED, true, "by state effects[]" },
	{ "step.proposed", PHASE_ALIVE, false,
	  "step attempt# proposal{} sha256 section? stage?" },
	{ "step.verdict", PHASE_ALIVE, false, "step attempt# verdict answers[]" },
	{ "step.intent", PHASE_WORKING, false, "step attempt# section? stage?" },
	{ "hold.opened", PHASE_RUNNING | PHASE_AWAITING, false,
	  "step attempt# digest basis{}? needs[] requesters[] expires_ms#" },
	{ "hold.approved", PHASE_AWAITING, true,
	  "step attempt# digest by roles[] comment? full*?" },
	{ "hold.rejected", PHASE_AWAITING, true, "step attempt# digest by reason" },
	{ "hold.expired", PHASE_AWAITING, false, "step attempt# digest" },
	{ "hold.voided", PHASE_ALIVE, false,
	  "step attempt# digest why changed[]?" },
	{ "hold.consumed", PHASE_RUNNING, false, "step attempt# digest by[]" },
	{ "step.ended", PHASE_ALIVE, false,
	  "step attempt# state result? why? code? message? remedy? outputs{}? "
	  "masked*? duration_ms#? section? stage?" },
	{ "step.skipped", PHASE_ALIVE, false, "step section? stage? code? message?" },
	{ "step.note", PHASE_ANY, false, "step attempt#? level text" },
	{ "step.finding", PHASE_ANY, false,
	  "step attempt#? rule confidence# title evidence*?" },
	{ "artifact.added", PHASE_ANY, false,
	  "name step? attempt#? type? path bytes# sha256" },
	{ "artifact.missing", PHASE_ANY, false, "name step? message?" },
	{ "unwind.files", PHASE_WORKING, false, "restored[] conflicts[]? kept[]?" },
	{ "effect.undone", PHASE_WORKING, false, "effects[]" },
	{ "site.paused", PHASE_ANY, true, "reason?" },
	{ "site.resumed", PHASE_ANY, true, "" },
	{ "site.collected", PHASE_ANY, true,
	  "keep_days# runs# files# blobs# bytes#" },
};

/* From a state to the states behind it, each with a blank on both sides. */
static const struct {
	const char *from, *to;
} moves[] = {
	/* One that sleeps before it tries a step again is pending once more, and longer
	 * when it cannot go on in time. */
	{ "pending", " pending running rolling_back failed denied cancelled no_work"
		     " rollback_failed " },
	/* rollback_failed at once: what is needed to begin a rollback is lost. */
	{ "running", " running pending awaiting_approval rolling_back succeeded failed"
		     " denied cancelled no_work rollback_failed " },
	{ "awaiting_approval", " awaiting_approval running rolling_back failed denied"
			       " cancelled rollback_failed " },
	{ "rolling_back", " rolling_back rolled_back rollback_failed failed denied"
			  " cancelled succeeded " },
}, operator_moves[] = {
	{ "failed", " running " },
	{ "rolled_back", " running " },
	{ "rollback_failed", " rolling_back " },
	{ "denied", " running " },
	{ "cancelled", " running " },
};

static const struct {
	const char *state;
	enum phase phase;
} phases[] = {
	{ "pending", PHASE_PENDING },
	{ "running", PHASE_RUNNING },
	{ "awaiting_approval", PHASE_AWAITING },
	{ "rolling_back", PHASE_UNWINDING },
	{ "succeeded", PHASE_ENDED },
	{ "failed", PHASE_ENDED },
	{ "rolled_back", PHASE_ENDED },
	{ "rollback_failed", PHASE_ENDED },
	{ "denied", PHASE_ENDED },
	{ "cancelled", PHASE_ENDED },
	{ "no_work", PHASE_ENDED },
};

const struct event_kind *
event_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_eq(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

static const char *
type_name(char type)
{
	switch (type) {
	case '#':
		return "an integer";
	case '{':
		return "an object";
	case '[':
		return "an array";
	default:
		return "a string";
	}
}

static bool
is_of_type(const json_t *value, char type)
{
	switch (type) {
	case '#':
		return json_is_integer(value);
	case '{':
		return json_is_object(value);
	case '[':
		return json_is_array(value);
	case '*':
		return true;
	default:
		return json_is_string(value);
	}
}

/* One word of `members`, of n bytes. */
static int
check_member(const char *kind, const char *word, size_t n, const json_t *body,
	     struct err *err)
{
	char name[32];
	size_t len = strcspn(word, "#{[*? ");
	assert(len < sizeof(name) && len <= n);
	snprintf(name, sizeof(name), "%.*s", (int)len, word);
	char type = len < n ? word[len] : ' ';

	const json_t *value = json_object_get(body, name);
	if (!value || json_is_null(value)) {
		if (word[n - 1] == '?')
			return 0;
		return err_set(err, "store.body", "append %s: its body lacks '%s'",
			       kind, name);
	}
	if (is_of_type(value, type))
		return 0;
	return err_set(err, "store.body", "append %s: '%s' of its body must be %s",
		       kind, name, type_name(type));
}

int
event_check_body(const struct event_kind *kind, const json_t *body, struct err *err)
{
	if (!json_is_object(body))
		return err_set(err, "store.body",
			       "append %s: its body must be an object", kind->name);
	for (const char *word = kind->members; *word;) {
		size_t n = strcspn(word, " ");
		if (check_member(kind->name, word, n, body, err) < 0)
			return -1;
		word += n + strspn(word + n, " ");
	}
	return 0;
}

enum phase
event_phase(const char *state)
{
	for (size_t i = 0; i < ARRAY_LEN(phases); i++)
		if (str_eq(phases[i].state, state))
			return phases[i].phase;
	return 0;
}

static bool
has_word(const char *words, const char *word)
{
	char padded[40];
	snprintf(padded, sizeof(padded), " %s ", word);
	return strstr(words, padded) != NULL;
}

bool
event_can_move(const char *from, const char *to, bool is_reclaimed)
{
	for (size_t i = 0; i < ARRAY_LEN(moves); i++)
		if (str_eq(moves[i].from, from))
			return has_word(moves[i].to, to);
	for (size_t i = 0; is_reclaimed && i < ARRAY_LEN(operator_moves); i++)
		if (str_eq(operator_moves[i].from, from))
			return has_word(operator_moves[i].to, to);
	return false;
}

static void
add_text(struct str *out, const char *key, const char *value)
{
	json_t *json = json_string_lossy(value, strlen(value));
	AUTO_FREE char *text = json_canonical(json);
	json_decref(json);
	str_addf(out, "\"%s\":%s,", key, text);
}

/*
 * The text is put together by hand, keys in order, so that the bytes of the
 * body that are hashed are those that are stored, blanks and all.
 */
void
event_text(const struct event *event, struct str *out)
{
	str_add_c(out, '{');
	add_text(out, "actor", event->actor);
	str_addf(out, "\"body\":%s,", event->body);
	add_text(out, "kind", event->kind);
	add_text(out, "prev", event->prev);
	add_text(out, "run", event->run);
	str_addf(out, "\"seq\":%lld,\"time_ms\":%lld}", (long long)event->seq,
		 (long long)event->time_ms);
}

void
event_hash(const struct event *event, char ret_hex[SHA256_HEX_SIZE])
{
	AUTO(str) struct str text = STR_INIT;

	event_text(event, &text);
	sha256_hex(text.s, text.len, ret_hex);
}
