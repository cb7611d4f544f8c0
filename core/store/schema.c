/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tables. `events` is the truth, `checkpoints` what was signed of it,
 * `descriptions` a cache of files, `workers` a list of processes; all the rest is
 * derived from events by project.c and may be dropped at any time. That is how a
 * store of an older version becomes one of this: its tables are derived again.
 *
 * The triggers and keys say what must stay true even when the code above is
 * wrong: events, and with them plans, are never changed, one run holds a lock, and
 * nothing is intended that was not allowed.
 */
#include "base/base.h"

#include "store/schema.h"

#include <fcntl.h>
#include <unistd.h>

#define SCHEMA_VERSION 5
#define APPLICATION_ID 0x46747465 /* `Ftte`: file(1) and we can tell whose it is */

static const char truth[] =
	"CREATE TABLE events ("
	"  id INTEGER PRIMARY KEY,"	/* the order over all runs */
	"  run TEXT NOT NULL,"
	"  seq INTEGER NOT NULL CHECK (seq > 0),"
	"  time_ms INTEGER NOT NULL,"
	"  kind TEXT NOT NULL,"
	"  actor TEXT NOT NULL,"
	"  body TEXT NOT NULL,"
	"  prev TEXT NOT NULL,"
	"  hash TEXT NOT NULL,"
	"  UNIQUE (run, seq));"
	"CREATE TRIGGER events_keep BEFORE UPDATE ON events BEGIN"
	"  SELECT RAISE(ABORT, 'an event is never changed'); END;"
	"CREATE TRIGGER events_stay BEFORE DELETE ON events BEGIN"
	"  SELECT RAISE(ABORT, 'an event is never removed'); END;"
	"CREATE TRIGGER events_need_verdict BEFORE INSERT ON events"
	"  WHEN NEW.kind = 'step.intent' AND NOT EXISTS (SELECT 1 FROM verdicts"
	"    WHERE run = NEW.run AND step = json_extract(NEW.body, '$.step')"
	"      AND attempt = json_extract(NEW.body, '$.attempt') AND verdict = 'allow')"
	"  BEGIN SELECT RAISE(ABORT, 'an intent needs a verdict that allows it'); END;"
	"CREATE TABLE descriptions ("
	"  sha256 TEXT PRIMARY KEY,"
	"  description TEXT NOT NULL) WITHOUT ROWID;";

/* Came later than the rest, and is kept when that is derived again. */
static const char kept[] =
	"CREATE TABLE IF NOT EXISTS checkpoints ("
	"  n INTEGER PRIMARY KEY,"
	"  event INTEGER NOT NULL,"	/* events.id of the last one it signs */
	"  text TEXT NOT NULL,"		/* the very bytes that are signed */
	"  signature TEXT NOT NULL);"
	"CREATE TRIGGER IF NOT EXISTS checkpoints_keep BEFORE UPDATE ON checkpoints"
	"  BEGIN SELECT RAISE(ABORT, 'a checkpoint is never changed'); END;"
	"CREATE TRIGGER IF NOT EXISTS checkpoints_stay BEFORE DELETE ON checkpoints"
	"  BEGIN SELECT RAISE(ABORT, 'a checkpoint is never removed'); END;"
	/* Who is there: each holds a lock while it lives. */
	"CREATE TABLE IF NOT EXISTS workers ("
	"  name TEXT PRIMARY KEY, slots INTEGER NOT NULL,"
	"  started_ms INTEGER NOT NULL) WITHOUT ROWID;";

/*
 * What an intent and its approvals must be, whatever the code above believes. The
 * tables these look at come and go; what older versions had besides does not.
 */
static const char guards[] =
	"DROP TABLE IF EXISTS plans;"
	"DROP TRIGGER IF EXISTS events_need_approval;"
	"DROP TRIGGER IF EXISTS events_need_quorum;"
	"CREATE TRIGGER events_need_approval BEFORE INSERT ON events"
	"  WHEN NEW.kind = 'step.intent' AND EXISTS (SELECT 1 FROM holds"
	"    WHERE run = NEW.run AND step = json_extract(NEW.body, '$.step')"
	"      AND attempt = json_extract(NEW.body, '$.attempt')"
	"      AND state NOT IN ('consumed', 'voided'))"
	"  BEGIN SELECT RAISE(ABORT, 'an intent needs what its hold waits for'); END;";

static const char derived[] =
	"CREATE TABLE runs ("
	"  n INTEGER PRIMARY KEY,"	/* the order of queueing */
	"  run TEXT NOT NULL UNIQUE,"
	"  state TEXT NOT NULL,"
	"  code TEXT, message TEXT, remedy TEXT, step TEXT, detail TEXT,"
	"  service TEXT, instruction TEXT, pipeline TEXT, workspace TEXT,"
	"  requested_by TEXT,"
	"  queued_ms INTEGER NOT NULL, started_ms INTEGER, ended_ms INTEGER,"
	"  priority INTEGER NOT NULL,"	/* 1 high, 0 normal */
	"  owner TEXT,"		/* NULL: nobody took it yet, or it was released */
	"  worker TEXT,"	/* whose slot the owner is */
	"  crashes INTEGER NOT NULL,"	/* claims that came to no end */
	"  cancel_by TEXT, cancel_reason TEXT,"	/* asked for, and not yet done */
	"  epoch INTEGER NOT NULL,"	/* of the latest claim */
	"  ended_epoch INTEGER,"	/* that of the claim that ended it */
	"  due_ms INTEGER,"	/* when it waits: when somebody has to look */
	"  rolls_back TEXT,"	/* the run whose changes this one puts back */
	"  rolled_back_by TEXT,"	/* the run that did so with this one's */
	"  plan_sha256 TEXT,"
	"  seq INTEGER NOT NULL,"	/* the last event, and its hash */
	"  head TEXT NOT NULL);"
	"CREATE INDEX runs_state ON runs (state, n);"
	"CREATE INDEX runs_service ON runs (service, n);"
	"CREATE INDEX runs_due ON runs (due_ms) WHERE due_ms IS NOT NULL;"
	/* One at a time. */
	"CREATE UNIQUE INDEX runs_rolls_back ON runs (rolls_back)"
	"  WHERE rolls_back IS NOT NULL AND ended_ms IS NULL;"
	"CREATE TABLE steps ("
	"  run TEXT NOT NULL, step TEXT NOT NULL, n INTEGER NOT NULL,"
	"  section TEXT, stage TEXT,"
	"  state TEXT NOT NULL CHECK (state IN ('pending', 'in_progress',"
	"    'awaiting_approval', 'succeeded', 'failed', 'skipped', 'interrupted',"
	"    'cancelled')),"
	"  attempt INTEGER NOT NULL,"
	"  result TEXT, why TEXT, code TEXT, message TEXT, remedy TEXT, outputs TEXT,"
	"  started_ms INTEGER, ended_ms INTEGER, duration_ms INTEGER,"
	"  masked INTEGER NOT NULL DEFAULT 0,"	/* a secret was in the outputs */
	"  PRIMARY KEY (run, step)) WITHOUT ROWID;"
	"CREATE TABLE proposals ("
	"  run TEXT NOT NULL, step TEXT NOT NULL, attempt INTEGER NOT NULL,"
	"  proposal TEXT NOT NULL, sha256 TEXT NOT NULL,"
	"  PRIMARY KEY (run, step, attempt)) WITHOUT ROWID;"
	"CREATE TABLE verdicts ("
	"  run TEXT NOT NULL, step TEXT NOT NULL, attempt INTEGER NOT NULL,"
	"  verdict TEXT NOT NULL CHECK (verdict IN ('allow', 'hold', 'deny')),"
	"  answers TEXT NOT NULL, time_ms INTEGER NOT NULL,"
	"  PRIMARY KEY (run, step, attempt),"
	"  UNIQUE (run, step, attempt, verdict),"
	"  FOREIGN KEY (run, step, attempt) REFERENCES proposals) WITHOUT ROWID;"
	"CREATE TABLE attempts ("
	"  run TEXT NOT NULL, step TEXT NOT NULL, attempt INTEGER NOT NULL,"
	"  verdict TEXT NOT NULL CHECK (verdict = 'allow'),"
	"  started_ms INTEGER NOT NULL, ended_ms INTEGER, state TEXT,"
	"  PRIMARY KEY (run, step, attempt),"
	"  FOREIGN KEY (run, step, attempt, verdict)"
	"    REFERENCES verdicts (run, step, attempt, verdict)) WITHOUT ROWID;"
	/* For connections that switch foreign keys off, as sqlite3(1) does. */
	"CREATE TRIGGER attempts_need_verdict BEFORE INSERT ON attempts"
	"  WHEN NOT EXISTS (SELECT 1 FROM verdicts WHERE run = NEW.run"
	"    AND step = NEW.step AND attempt = NEW.attempt AND verdict = 'allow')"
	"  BEGIN SELECT RAISE(ABORT, 'an attempt needs a verdict that allows it'); END;"
	"CREATE TRIGGER attempts_keep BEFORE UPDATE OF run, step, attempt, verdict"
	"  ON attempts BEGIN"
	"  SELECT RAISE(ABORT, 'an attempt keeps its verdict'); END;"
	"CREATE TRIGGER verdicts_keep BEFORE UPDATE ON verdicts"
	"  WHEN EXISTS (SELECT 1 FROM attempts WHERE run = OLD.run"
	"    AND step = OLD.step AND attempt = OLD.attempt)"
	"  BEGIN SELECT RAISE(ABORT, 'an attempt keeps its verdict'); END;"
	"CREATE TRIGGER verdicts_stay BEFORE DELETE ON verdicts"
	"  WHEN EXISTS (SELECT 1 FROM attempts WHERE run = OLD.run"
	"    AND step = OLD.step AND attempt = OLD.attempt)"
	"  BEGIN SELECT RAISE(ABORT, 'an attempt keeps its verdict'); END;"
	"CREATE TABLE holds ("
	"  run TEXT NOT NULL, opened_seq INTEGER NOT NULL,"
	"  step TEXT NOT NULL, attempt INTEGER NOT NULL, digest TEXT NOT NULL,"
	"  needs TEXT NOT NULL, requesters TEXT NOT NULL, expires_ms INTEGER NOT NULL,"
	"  state TEXT NOT NULL CHECK (state IN ('open', 'rejected', 'expired',"
	"    'voided', 'consumed')),"
	"  PRIMARY KEY (run, opened_seq)) WITHOUT ROWID;"
	"CREATE UNIQUE INDEX holds_open ON holds (run) WHERE state = 'open';"
	"CREATE TABLE approvals ("
	"  run TEXT NOT NULL, opened_seq INTEGER NOT NULL, principal TEXT NOT NULL,"
	"  roles TEXT NOT NULL, time_ms INTEGER NOT NULL,"
	"  PRIMARY KEY (run, opened_seq, principal)," /* a person counts once */
	"  FOREIGN KEY (run, opened_seq) REFERENCES holds) WITHOUT ROWID;"
	/*
	 * A hold is used once, for what was approved, by enough people with a role
	 * that counts; not who asked, unless that was agreed to.
	 */
	"CREATE TRIGGER holds_need_quorum BEFORE UPDATE ON holds"
	"  WHEN NEW.state = 'consumed' AND (NOT EXISTS (SELECT 1 FROM events"
	"    WHERE run = OLD.run AND seq > OLD.opened_seq AND kind = 'hold.consumed'"
	"     AND time_ms < OLD.expires_ms"
	"     AND json_extract(body, '$.digest') = OLD.digest)"
	"   OR EXISTS (SELECT 1 FROM json_each(OLD.needs) need"
	"    WHERE json_extract(need.value, '$.quorum') > (SELECT count(*)"
	"     FROM approvals a WHERE a.run = OLD.run AND a.opened_seq = OLD.opened_seq"
	"      AND (json_array_length(need.value, '$.roles') = 0"
	"       OR EXISTS (SELECT 1 FROM json_each(a.roles) has,"
	"        json_each(need.value, '$.roles') counts"
	"        WHERE has.value = counts.value))"
	"      AND (json_extract(need.value, '$.self_approval')"
	"       OR a.principal NOT IN (SELECT value FROM json_each(OLD.requesters))))))"
	"  BEGIN SELECT RAISE(ABORT, 'a hold needs its quorum before its time is up');"
	"  END;"
	/* What was said to a hold stays said. */
	"CREATE TRIGGER holds_once BEFORE UPDATE ON holds WHEN OLD.state <> 'open'"
	"  BEGIN SELECT RAISE(ABORT, 'a hold that is over stays so'); END;"
	"CREATE TRIGGER approvals_keep BEFORE UPDATE ON approvals"
	"  BEGIN SELECT RAISE(ABORT, 'an approval is never changed'); END;"
	"CREATE TABLE standing ("
	"  run TEXT NOT NULL, n INTEGER NOT NULL,"
	"  step TEXT NOT NULL, attempt INTEGER NOT NULL, kind TEXT NOT NULL,"
	"  target TEXT NOT NULL, body TEXT NOT NULL,"
	"  undone_seq INTEGER,"		/* the event that says it is put back */
	"  PRIMARY KEY (run, n)) WITHOUT ROWID;"
	"CREATE TABLE artifacts ("
	"  run TEXT NOT NULL, n INTEGER NOT NULL, name TEXT NOT NULL,"
	"  step TEXT, attempt INTEGER, type TEXT, path TEXT, bytes INTEGER,"
	"  sha256 TEXT, message TEXT, missing INTEGER NOT NULL,"
	"  time_ms INTEGER NOT NULL,"
	"  PRIMARY KEY (run, name)) WITHOUT ROWID;"
	"CREATE TABLE locks ("
	"  name TEXT NOT NULL, run TEXT NOT NULL,"
	"  ticket INTEGER NOT NULL,"	/* the order of asking */
	"  held INTEGER NOT NULL CHECK (held IN (0, 1)),"
	"  PRIMARY KEY (name, run)) WITHOUT ROWID;"
	"CREATE UNIQUE INDEX locks_held ON locks (name) WHERE held = 1;"
	"CREATE INDEX locks_run ON locks (run);"
	/* At most one row, from the first event of the site on. */
	"CREATE TABLE site ("
	"  run TEXT PRIMARY KEY CHECK (run = 'site'),"
	"  paused_ms INTEGER, paused_by TEXT, paused_reason TEXT,"
	"  seq INTEGER NOT NULL, head TEXT NOT NULL) WITHOUT ROWID;";

/* Children before parents: a dropped table first deletes its rows. */
const char *const schema_derived[] = {
	"approvals", "holds", "attempts", "verdicts", "proposals", "steps", "standing",
	"artifacts", "locks", "site", "runs", NULL,
};

static int
refuse_version(const struct store *store, int64_t version, struct err *err)
{
	err_set(err, "store.version",
		"open the store in '%s': it has version %lld, this Fettle "
		"knows up to %d",
		store->dir, (long long)version, SCHEMA_VERSION);
	return err_remedy(err,
			  "use the newer Fettle that wrote it, or another --state-dir");
}

static int
refuse_foreign(const struct store *store, struct err *err)
{
	err_set(err, "store.version",
		"open the store in '%s': fettle.db is a database of another program",
		store->dir);
	return err_remedy(err, "name another directory with --state-dir");
}

static int
set_version(struct store *store, struct err *err)
{
	char sql[100];
	snprintf(sql, sizeof(sql),
		 "PRAGMA application_id = %d; PRAGMA user_version = %d", APPLICATION_ID,
		 SCHEMA_VERSION);
	return db_script(store, sql, err);
}

/*
 * Made without syncing. The tables are in the log and get synced with the first
 * commit; the file it belongs to, and their names, have to be there by then: of
 * an empty file the log would be thrown away.
 */
static int
make_durable(struct store *store, struct err *err)
{
	if (db_sync(store, err) < 0)
		return -1;
	AUTO_CLOSE int dir = open(store->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int parent = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || parent < 0 || fsync(dir) < 0 || fsync(parent) < 0)
		return err_errno(err, "store_unavailable", "sync '%s'", store->dir);
	return 0;
}

int
schema_renew(struct store *store, struct err *err)
{
	for (const char *const *table = schema_derived; *table; table++) {
		AUTO_FREE char *drop = x_asprintf("DROP TABLE IF EXISTS %s", *table);

		if (db_script(store, drop, err) < 0)
			return -1;
	}
	if (db_script(store, kept, err) < 0 ||
	    db_script(store, derived, err) < 0 || db_script(store, guards, err) < 0)
		return -1;
	return set_version(store, err);
}

static int
create(struct store *store, struct err *err)
{
	if (db_number(store, "SELECT count(*) FROM sqlite_schema") != 0)
		return refuse_foreign(store, err);
	if (db_script(store, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	if (db_script(store, truth, err) < 0 || schema_renew(store, err) < 0 ||
	    db_script(store, "COMMIT", err) < 0) {
		db_abandon(store);
		return -1;
	}
	return make_durable(store, err);
}

static int
refuse_old(const struct store *store, int64_t version, struct err *err)
{
	err_set(err, "store.version",
		"read the store in '%s': it has version %lld, this Fettle reads %d",
		store->dir, (long long)version, SCHEMA_VERSION);
	return err_remedy(err, "`fettle doctor` brings it up to date");
}

int
schema_check(struct store *store, bool *ret_is_old, struct err *err)
{
	int64_t version = db_number(store, "PRAGMA user_version");
	if (version < 0)
		return db_error(store, err, "open the store");
	if (version == 0 && store->mode == STORE_WRITE)
		return create(store, err);
	if (version == 0) {
		err_set(err, "store.missing", "there is no store in '%s' yet",
			store->dir);
		return err_remedy(err, "`fettle run` makes it with the first run");
	}
	if (db_number(store, "PRAGMA application_id") != APPLICATION_ID)
		return refuse_foreign(store, err);
	if (version > SCHEMA_VERSION)
		return refuse_version(store, version, err);
	if (version < SCHEMA_VERSION && store->mode == STORE_READ)
		return refuse_old(store, version, err);
	*ret_is_old = version < SCHEMA_VERSION;
	return 0;
}
