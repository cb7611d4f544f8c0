/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The event channel: SOCK_SEQPACKET, one JSON object a packet, at most
 * EVENT_MAX_BYTES, host to engine only. "e" is the kind:
 *
 *  describe  {"description": {...}}                        see model/description.h
 *  jail      {"level": "basic"|"tree", "techniques": [..]}  first event of every call
 *  edit      {"path", "op": "write"|"delete", "pre": sha or null|absent,
 *             "content": text | "base64": text}           neither when it deletes
 *  effect    {"kind", "target", "before": any, "summary"}
 *  command   {"argv": [..]}
 *  observed  {"effect": int, "state": "before"|"after"|"partial"|"other", "detail"}
 *  output    {"name", "value": any}
 *  finding   {"rule", "confidence": int, "title", "evidence"}
 *  artifact  {"name", "type", "file": name in scratch}
 *  note      {"level": "info"|"warn", "text"}
 *  progress  {"done", "total", "text"}
 *  exec      {"argv": [..]}      exited {"status", "signal", "timed_out"}
 *  verdict   {"module": int, "policy",
 *             "verdict": "abstain"|"allow"|"hold"|"deny"|"error",
 *             "reason", "need": {"roles", "quorum", "valid_ms"}}  need: for hold only
 *  checked   {"module": int, as result, "ended": how, when it did not answer}
 *  killed    {"signal": int}      of whom a supervisor waited for, instead of result
 *  result    {"result": "ok"|"noop"|"fail"|"error",
 *             "why": "input"|"host"|"transient"|"bug",
 *             "code", "text", "remedy"}                     last; exactly one a call
 *
 * A member too large for a packet is written to a file in the scratch
 * directory and replaced by {"spill": {"file", "bytes", "sha256"}}; the
 * channel puts it back when reading, removes the file. "pre" absent: the module did not
 * read the file, any pre-image will do.
 */
#ifndef FETTLE_WIRE_EVENT_H
#define FETTLE_WIRE_EVENT_H

#include "base/err.h"
#include "base/json.h"

#define EVENT_MAX_BYTES (64u << 10)
#define EVENT_SPILL_MAX_BYTES (32u << 20)

/* One of the above, complete, every member of its type; else `event.garbage`. */
int event_check(const json_t *event, struct err *err);

/* Sets `content` or `base64` of an edit event. */
void event_set_content(json_t *edit, const void *bytes, size_t n);
/* The post-image of a checked edit event that writes; caller owns, a NUL behind. */
int event_get_content(const json_t *edit, char **ret, size_t *ret_len, struct err *err);

/*
 * Sends one event (borrowed). Members whose JSON is above 16 KiB are spilled
 * into scratch_fd first. -1 when the peer is gone or a limit is hit.
 */
int event_send(int fd, int scratch_fd, const json_t *event, struct err *err);

/*
 * Receives one packet without waiting. 1 and a new reference; 0 when nothing
 * is there; -1 with `event.closed` at the end of the stream, `event.garbage`
 * when the packet is no valid event (over-long, not JSON, unknown kind,
 * member missing or of the wrong type, spill that does not match).
 */
int event_receive(int fd, int scratch_fd, json_t **ret, struct err *err);

#endif
