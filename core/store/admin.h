/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keeping a store: how it is, whether it is whole, copies of it, and taking away
 * what nobody needs. Every answer is a JSON document (new reference), NULL with
 * err on failure. A process that is killed in the middle of any of it leaves a
 * valid store.
 */
#ifndef FETTLE_STORE_ADMIN_H
#define FETTLE_STORE_ADMIN_H

#include "store/store.h"

/*
 * {"state_dir","schema","sqlite","database_bytes","log_bytes","events","runs":
 * {STATE: count},"unfinished","standing","oldest_ms","newest_ms","blobs":{"count",
 * "bytes"},"artifacts":{"count","bytes"},"integrity": "ok"|text}
 */
json_t *store_status(struct store *store, struct err *err);

/*
 * Everything that can be proved: the database's own structure, each chain, each
 * blob that putting back would need, each artifact there is. {"ok":bool,"runs",
 * "blobs","artifacts","problems":[{"run"?,"code","text"}]}
 */
json_t *store_check(struct store *store, struct err *err);

/*
 * A copy of database, blobs and artifacts as they are at one moment, in a new
 * directory, while others work on. {"directory","runs","unfinished","blobs",
 * "artifacts","bytes","missing":[name]}
 */
json_t *store_backup(struct store *store, const char *directory, struct err *err);

/*
 * Makes the store what a backup says, after proving that the backup is whole.
 * `store.exists` over a store that has events, unless is_replacing: then its
 * database is kept beside it. `store.busy` while anybody works here. As
 * store_backup, and "replaced": path or null.
 */
json_t *store_restore(struct store *store, const char *directory, bool is_replacing,
		      struct err *err);

struct collecting {
	const char *actor;
	int64_t keep_days;
	bool is_dry;	/* count only */
};
/*
 * Removes artifacts of runs that ended longer ago, and blobs nobody needs; no
 * event, nothing of a run that has not ended, nothing that still stands.
 * {"keep_days","dry_run","runs":[id],"files","blobs","bytes","discard":[{"run",
 * "kind","target","argv":[..]}]}: commands for what modules keep outside.
 */
json_t *store_collect(struct store *store, const struct collecting *order,
		      struct err *err);

/* What automation saved since then; doc/fettle.pod says what is counted. */
json_t *store_stats(struct store *store, int64_t since_ms, struct err *err);

#endif
