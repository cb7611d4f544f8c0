/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The request document: all that fettle-host is told, as one JSON object in
 * descriptor 3. Written by the engine, read by the host. Secrets are not in
 * it; they travel as {"NAME":"value"} in the sealed memfd 5.
 *
 * {
 *  "fettle": 1,
 *  "call": "describe"|"check"|"propose"|"run"|"observe"|"judge",
 *  "modules": [{"path": abs, "sha256": hex or null, "params": {NAME: typed value},
 *               "unknown": [NAME], "step": text}],   one; several for judge and check
 *  "run", "step", "operation": text, "attempt": int,
 *  "workspace": abs dir or null, "scratch": abs dir (made by the engine, empty),
 *  "deadline_ms": CLOCK_BOOTTIME ms or 0,
 *  "waits": true or absent: no module is loaded before the deadline comes as a
 *               packet on the event channel, eight bytes in the machine's order
 *  "each_ms": of several checks, the time that one may take
 *  "facts": {NAME: any}, "env": {NAME: text},    env: for programs of the step
 *  "proposal": {"edits":[{"path","pre","post"}],
 *               "effects":[{"kind","target","before","summary","step"}],
 *               "commands":[[argv]]} or null,
 *  "jail": {"flags": int (enum fettle_step_flag), "minimum": "basic"|"tree"}
 * }
 *
 * For undoing, proposal.effects are all standing effects of the run.
 */
#ifndef FETTLE_WIRE_REQUEST_H
#define FETTLE_WIRE_REQUEST_H

#include "base/err.h"
#include "base/json.h"

#define REQUEST_FD 3
#define EVENT_FD   4
#define SECRET_FD  5
/* Where programs are looked for, by modules and for them. */
#define PROGRAM_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define REQUEST_MAX_BYTES (16u << 20)

/* A sealed memfd (CLOEXEC) holding the JSON text, offset 0; or -1. */
int request_seal(const char *name, const json_t *object, struct err *err);

/* A request, checked against the form above; or NULL with `request.invalid`. */
json_t *request_read(int fd, struct err *err);
int request_check(const json_t *request, struct err *err);

/* The secrets: an object of text; empty when fd is closed or empty. NULL on error. */
json_t *request_read_secrets(int fd, struct err *err);

#endif
