/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One run as the store knows it, gathered into one JSON document: what
 * `fettle show --json` prints, and what all texts about a run are made of.
 *
 * {"run","state","exit":int,"is_orphan":bool,"service","pipeline","instruction",
 *  "workspace","requested_by","queued_ms","started_ms","ended_ms","duration_ms",
 *  "owner","code","message","remedy","detail","diagnosis",
 *  "cause": null | {"step","code","message","remedy"},
 *  "rollback": null | {"code","message","remedy"},       why it is not complete
 *  "level": null | {"before","after"},     of the service: absent .. healthy
 *  "changes":[{"step","kind":"edit"|KIND,"target","summary","added","removed",
 *              "standing":bool}],
 *  "findings":[..],"warnings":[..],
 *  "steps":[..store_steps, each with "attempts":[{"attempt","state","started_ms",
 *            "ended_ms","duration_ms","result","why","code","message","remedy"}]..],
 *  "artifacts":[..],"missing":[..],"artifacts_dir"}
 */
#ifndef FETTLE_CLI_SUMMARY_H
#define FETTLE_CLI_SUMMARY_H

#include "store/store.h"

/* New reference, or NULL. */
json_t *summary_new(struct store *store, const char *run, struct err *err);

/*
 * True when a run that is not at its end was left by its process: nobody
 * holds the run's lock, and the owner it names does not exist.
 */
bool run_is_orphan(struct store *store, const json_t *run);
bool state_is_final(const char *state);
/* An ordered rollback that came to its end: it did what was asked. */
bool summary_is_rollback(const json_t *summary);

/* The name of a step's log in the run's folder. Caller owns. */
char *step_log_name(const char *step, int64_t attempt);

/*
 * A file of the run's folder, NULL when there is none or it is above
 * max_bytes. Caller owns.
 */
char *run_file(struct store *store, const char *run, const char *name, size_t max_bytes,
	       size_t *ret_len);

#endif
