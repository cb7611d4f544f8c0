/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checking an audit log, record by record. See audit.h. */
#include "base/base.h"

#include "store/audit.h"

#include <stdarg.h>

#include "base/ed25519.h"
#include "base/hex.h"
#include "base/str.h"
#include "store/event.h"

struct audit {
	struct sha256 *sum;	/* of the lines so far; NULL behind the last */
	int64_t lines;
	char run[RUN_ID_SIZE];	/* the only one exported, or "" */
	json_t *heads;		/* run -> {seq, hash} of its last event so far */
	json_t *fresh;		/* those with an event behind the last checkpoint */
	int64_t checkpoint;	/* number of the last one */
	char checkpoint_sha256[SHA256_HEX_SIZE];
	struct audit_result result;
};

struct audit *
audit_new(const char *want_key)
{
	struct audit *audit = x_calloc(1, sizeof(*audit));

	audit->sum = sha256_new();
	audit->heads = json_object();
	audit->fresh = json_object();
	snprintf(audit->checkpoint_sha256, sizeof(audit->checkpoint_sha256), "%s",
		 EVENT_NO_PREV);
	if (want_key)
		snprintf(audit->result.key, sizeof(audit->result.key), "%s", want_key);
	return audit;
}

void
audit_free(struct audit *audit)
{
	char unused[SHA256_HEX_SIZE];

	if (!audit)
		return;
	if (audit->sum)
		sha256_end(audit->sum, unused);
	json_decref(audit->heads);
	json_decref(audit->fresh);
	free(audit);
}

/* What is wrong with the record at hand. */
static int PRINTF_LIKE(3, 4)
broken(const struct audit *audit, struct err *err, const char *fmt, ...)
{
	char why[500];
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	err_set(err, "audit.broken", "record %lld: %s", (long long)audit->lines, why);
	return err_remedy(err, "somebody or something changed the log behind Fettle's "
			       "back: compare it with a backup or an earlier export");
}

/* ---- events ---- */

#define HASH_PREFIX "{\"hash\":\""
#define EVENT_PREFIX "\",\"event\":"

static int
check_place(const struct audit *audit, const char *run, int64_t seq, const char *hash,
	    struct err *err)
{
	const json_t *head = json_object_get(audit->heads, run);
	int64_t last = json_int_or(head, "seq", 0);

	if (audit->run[0] && !str_eq(audit->run, run))
		return broken(audit, err, "an event of run '%s' in the log of run '%s'",
			      run, audit->run);
	if (seq == last && str_eq(hash, json_text(head, "hash")))
		return broken(audit, err, "run '%s': event %lld is there twice", run,
			      (long long)seq);
	if (seq <= last)
		return broken(audit, err,
			      "run '%s': event %lld stands behind event %lld", run,
			      (long long)seq, (long long)last);
	if (seq > last + 1)
		return broken(audit, err, "run '%s': event %lld is missing", run,
			      (long long)last + 1);
	return 0;
}

/* Whether what stands behind the first `head` bytes is said by `prefix`, the last of
 * them, and ends with the line. */
static bool
is_framed(const char *line, size_t n, size_t head, const char *prefix)
{
	size_t len = strlen(prefix);

	return n >= head + 3 && memcmp(line + head - len, prefix, len) == 0 &&
	       memcmp(line + n - 2, "}\n", 2) == 0;
}

static int
check_event(struct audit *audit, const char *line, size_t n, struct err *err)
{
	const size_t head = strlen(HASH_PREFIX) + 64 + strlen(EVENT_PREFIX);
	char hash[SHA256_HEX_SIZE], given[SHA256_HEX_SIZE];

	if (!is_framed(line, n, head, EVENT_PREFIX))
		return broken(audit, err, "it is no event");
	snprintf(given, sizeof(given), "%.64s", line + strlen(HASH_PREFIX));
	const char *text = line + head;
	size_t len = n - head - 2;

	AUTO(json_ref) json_t *event = json_loadb(text, len, JSON_ALLOW_NUL, NULL);
	const char *run = json_text(event, "run");
	int64_t seq = json_int_or(event, "seq", 0);
	sha256_hex(text, len, hash);
	if (!event || !str_eq(hash, given))
		return broken(audit, err,
			      "run '%s': event %lld was changed: its hash is not that "
			      "of its content",
			      run, (long long)seq);
	if (check_place(audit, run, seq, hash, err) < 0)
		return -1;
	const char *before = json_text_or(json_object_get(audit->heads, run), "hash",
					  EVENT_NO_PREV);
	if (!str_eq(json_text(event, "prev"), before))
		return broken(audit, err,
			      "run '%s': event %lld does not follow event %lld: one of "
			      "the two was replaced",
			      run, (long long)seq, (long long)seq - 1);
	if (seq == 1)
		audit->result.runs++;
	audit->result.events++;
	audit->result.unsigned_events++;
	json_object_set_new(
		audit->heads, run,
		json_pack("{s:I, s:s}", "seq", (json_int_t)seq, "hash", hash));
	json_object_set_new(audit->fresh, run, json_true());
	return 0;
}

/* ---- checkpoints ---- */

#define SIGNATURE_PREFIX "{\"signature\":\""
#define CHECKPOINT_PREFIX "\",\"checkpoint\":"
#define SIGNATURE_DIGITS (2 * (size_t)ED25519_SIGNATURE_SIZE)

/* That the very bytes were signed, with the one key. */
static int
check_signature(struct audit *audit, const json_t *json, const char *hex,
		const char *text, size_t len, struct err *err)
{
	const char *key = json_text(json, "key");
	struct ed25519_public public;
	struct ed25519_signature signature;

	if (hex_decode(key, public.bytes, sizeof(public.bytes)) < 0 ||
	    hex_decode(hex, signature.bytes, sizeof(signature.bytes)) < 0)
		return broken(audit, err, "it is no checkpoint");
	if (audit->result.key[0] && !str_eq(audit->result.key, key))
		return broken(audit, err,
			      "checkpoint %lld is signed with the key %s, not %s",
			      (long long)json_int_or(json, "n", 0), key,
			      audit->result.key);
	if (!ed25519_is_good(&public, &signature, text, len))
		return broken(audit, err,
			      "checkpoint %lld was changed: its signature is not that "
			      "of its content",
			      (long long)json_int_or(json, "n", 0));
	snprintf(audit->result.key, sizeof(audit->result.key), "%s", key);
	return 0;
}

/* The log of one run has only those checkpoints that name it. */
static int
check_sequence(const struct audit *audit, const json_t *json, struct err *err)
{
	int64_t n = json_int_or(json, "n", 0);

	if (n <= audit->checkpoint)
		return broken(audit, err,
			      "checkpoint %lld stands behind checkpoint %lld",
			      (long long)n, (long long)audit->checkpoint);
	if (audit->run[0])
		return 0;
	if (n > audit->checkpoint + 1)
		return broken(audit, err, "checkpoint %lld is missing",
			      (long long)audit->checkpoint + 1);
	if (!str_eq(json_text(json, "prev"), audit->checkpoint_sha256))
		return broken(audit, err,
			      "checkpoint %lld does not follow the one before",
			      (long long)n);
	return 0;
}

static int
check_head(const struct audit *audit, const json_t *json, const char *run,
	   const json_t *signed_head, struct err *err)
{
	const json_t *head = json_object_get(audit->heads, run);
	int64_t seq = json_int_or(head, "seq", 0);
	int64_t want = json_int_or(signed_head, "seq", 0);
	long long n = json_int_or(json, "n", 0);

	if (seq < want)
		return broken(audit, err,
			      "run '%s': event %lld is missing: checkpoint %lld signed "
			      "%lld events",
			      run, (long long)seq + 1, n, (long long)want);
	if (seq > want)
		return broken(audit, err,
			      "run '%s': event %lld was not there when checkpoint %lld "
			      "was signed",
			      run, (long long)want + 1, n);
	if (!str_eq(json_text(head, "hash"), json_text(signed_head, "hash")))
		return broken(audit, err,
			      "run '%s': event %lld is not the one that checkpoint "
			      "%lld signed: the run was made up again",
			      run, (long long)seq, n);
	return 0;
}

static int
check_heads(const struct audit *audit, const json_t *json, struct err *err)
{
	json_t *heads = json_object_get(json, "heads");
	const char *run;
	json_t *value;

	json_object_foreach (heads, run, value)
		if ((!audit->run[0] || str_eq(audit->run, run)) &&
		    check_head(audit, json, run, value, err) < 0)
			return -1;
	json_object_foreach (audit->fresh, run, value)
		if (!json_object_get(heads, run))
			return broken(audit, err,
				      "run '%s' has events that were not there when "
				      "checkpoint %lld was signed",
				      run, (long long)json_int_or(json, "n", 0));
	return 0;
}

static int
check_checkpoint(struct audit *audit, const char *line, size_t n, struct err *err)
{
	const size_t head = strlen(SIGNATURE_PREFIX) + SIGNATURE_DIGITS +
			    strlen(CHECKPOINT_PREFIX);
	char hex[2 * ED25519_SIGNATURE_SIZE + 1];

	if (!is_framed(line, n, head, CHECKPOINT_PREFIX))
		return broken(audit, err, "it is no checkpoint");
	snprintf(hex, sizeof(hex), "%s", line + strlen(SIGNATURE_PREFIX));
	const char *text = line + head;
	size_t len = n - head - 2;

	AUTO(json_ref) json_t *json = json_loadb(text, len, 0, NULL);
	if (!json)
		return broken(audit, err, "it is no checkpoint");
	if (check_signature(audit, json, hex, text, len, err) < 0 ||
	    check_sequence(audit, json, err) < 0 || check_heads(audit, json, err) < 0)
		return -1;
	audit->checkpoint = json_int_or(json, "n", 0);
	sha256_hex(text, len, audit->checkpoint_sha256);
	audit->result.checkpoints++;
	audit->result.unsigned_events = 0;
	audit->result.signed_ms = json_int_or(json, "time_ms", 0);
	json_object_clear(audit->fresh);
	return 0;
}

/* ---- the frame ---- */

static int
check_header(struct audit *audit, const char *line, size_t n, struct err *err)
{
	AUTO(json_ref) json_t *json = json_loadb(line, n, 0, NULL);

	if (json_int_or(json, "fettle_audit", 0) != 1)
		return broken(audit, err, "this is no audit log of Fettle, version 1");
	snprintf(audit->run, sizeof(audit->run), "%s", json_text(json, "run"));
	return 0;
}

static int
check_trailer(struct audit *audit, const char *line, size_t n, struct err *err)
{
	AUTO(json_ref) json_t *json = json_loadb(line, n, 0, NULL);
	char sum[SHA256_HEX_SIZE];

	sha256_end(audit->sum, sum);
	audit->sum = NULL;
	if (json_int_or(json, "lines", -1) != audit->lines - 1 ||
	    !str_eq(json_text(json, "sha256"), sum))
		return broken(
			audit, err,
			"the last line speaks of other lines than stand above it: "
			"some were added, removed or replaced");
	return 0;
}

static bool
starts(const char *line, size_t n, const char *prefix)
{
	return n > strlen(prefix) && memcmp(line, prefix, strlen(prefix)) == 0;
}

int
audit_line(struct audit *audit, const char *line, size_t n, struct err *err)
{
	audit->lines++;
	if (n == 0 || line[n - 1] != '\n')
		return broken(audit, err, "it is cut off in the middle of its line");
	if (!audit->sum)
		return broken(audit, err, "it stands behind the last line");
	if (audit->lines > 1 && starts(line, n, "{\"lines\":"))
		return check_trailer(audit, line, n, err);
	sha256_add(audit->sum, line, n);
	if (audit->lines == 1)
		return check_header(audit, line, n, err);
	if (starts(line, n, HASH_PREFIX))
		return check_event(audit, line, n, err);
	if (starts(line, n, SIGNATURE_PREFIX))
		return check_checkpoint(audit, line, n, err);
	return broken(audit, err, "it is neither an event nor a checkpoint");
}

int
audit_end(struct audit *audit, struct audit_result *ret, struct err *err)
{
	if (audit->sum) {
		audit->lines++;
		return broken(audit, err, "it is missing: the log is cut off here");
	}
	*ret = audit->result;
	return 0;
}
