/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The workload of t2100-store-kill.sh, and the look at what is left of it.
 *
 *	store-driver write DIR COUNT	appends, says `ack TEXT` after each commit
 *	store-driver check DIR		says `have TEXT` for all that is there
 *
 * `check` fails when the database is damaged, a chain is broken, a transaction is
 * half there, a stored file is damaged, or nothing can be appended any more.
 */
#include "base/base.h"

#include <sqlite3.h>
#include <unistd.h>

#include "base/json.h"
#include "base/num.h"
#include "store/store.h"

static struct err err;

static int
complain(const char *doing)
{
	fprintf(stderr, "%s: %s [%s]\n", doing, err.text, err.code);
	return -1;
}

/* Straight to the descriptor: what was said survives the kill. */
static void
say(const char *word, const char *text)
{
	AUTO_FREE char *line = x_asprintf("%s %s\n", word, text);
	if (write(STDOUT_FILENO, line, strlen(line)) < 0)
		exit(EXIT_FAILURE);
}

static int
note(struct store *store, const struct store_claim *claim, const char *text)
{
	json_t *body =
		json_pack("{s:s, s:s, s:s}", "step", "", "level", "info", "text", text);
	int rc = store_append(store, claim, "engine", "step.note", body, &err);
	json_decref(body);
	return rc;
}

static int
begin(struct store *store, struct store_claim *ret, int *ret_lock)
{
	char run[RUN_ID_SIZE];
	json_t *body = json_pack("{s:s}", "service", "api");
	int rc = store_queue(store, "operator:t", body, run, &err);
	json_decref(body);
	if (rc < 0 || store_claim(store, run, "host/1", ret, ret_lock, &err) < 0)
		return complain("begin a run");
	say("ack", run);
	return 0;
}

static int
write_one(struct store *store, const struct store_claim *claim, unsigned i)
{
	char single[32], sha256[65];

	snprintf(single, sizeof(single), "single-%u", i);
	if (note(store, claim, single) < 0)
		return complain("append");
	say("ack", single);

	if (store_begin(store, &err) < 0)
		return complain("begin");
	for (unsigned part = 1; part <= 3; part++) {
		char text[32];
		snprintf(text, sizeof(text), "group-%u-%u", i, part);
		if (note(store, claim, text) < 0)
			return complain("append in a transaction");
	}
	if (store_commit(store, &err) < 0)
		return complain("commit");
	for (unsigned part = 1; part <= 3; part++) {
		char text[32];
		snprintf(text, sizeof(text), "group-%u-%u", i, part);
		say("ack", text);
	}

	if (store_blob_put(store, single, strlen(single), sha256, &err) < 0)
		return complain("store a file");
	say("blob", sha256);
	return 0;
}

static int
write_all(const char *dir, unsigned count)
{
	struct store_claim claim;
	char holder[RUN_ID_SIZE];
	AUTO_CLOSE int lock = -1;
	struct store *store = store_open(dir, STORE_WRITE, &err);
	if (!store)
		return complain("open");
	int rc = begin(store, &claim, &lock);
	if (rc == 0 && store_lock(store, &claim, "shop:api", holder, &err) != 1)
		rc = complain("lock");
	for (unsigned i = 1; i <= count && rc == 0; i++)
		rc = write_one(store, &claim, i);
	store_close(store);
	return rc;
}

static int
is_whole(const char *dir)
{
	AUTO_FREE char *file = x_asprintf("%s/fettle.db", dir);
	sqlite3 *db = NULL;
	sqlite3_stmt *rows = NULL;
	static const char sql[] = "PRAGMA integrity_check";
	bool is_ok = sqlite3_open(file, &db) == SQLITE_OK &&
		     sqlite3_prepare_v2(db, sql, -1, &rows, NULL) == SQLITE_OK &&
		     sqlite3_step(rows) == SQLITE_ROW &&
		     str_eq((const char *)sqlite3_column_text(rows, 0), "ok");
	sqlite3_finalize(rows);
	sqlite3_close(db);
	return is_ok ? 0 : -1;
}

static int
check_run(struct store *store, const char *run)
{
	AUTO(json_ref) json_t *events = store_events(store, run, 0, 0, &err);
	size_t i, grouped = 0;
	json_t *event;

	if (!events || store_verify(store, run, &err) < 0)
		return complain("verify");
	say("have", run);
	json_array_foreach(events, i, event) {
		const char *text = json_text(json_object_get(event, "body"), "text");
		if (text[0])
			say("have", text);
		grouped += str_starts(text, "group-");
	}
	if (grouped % 3 == 0)
		return 0;
	fprintf(stderr, "run %s: a transaction is half there\n", run);
	return -1;
}

/* The next process takes the run over and ends it. */
static int
end_run(struct store *store, const char *run)
{
	struct store_claim claim;
	AUTO_CLOSE int lock = -1;

	if (store_claim(store, run, "host/2", &claim, &lock, &err) < 0)
		return complain("claim");
	json_t *body = json_pack("{s:s}", "state", "failed");
	int rc = store_append(store, &claim, "engine", "run.ended", body, &err);
	json_decref(body);
	return rc < 0 ? complain("append after the kill") : 0;
}

static int
check_all(const char *dir)
{
	struct store *store = store_open(dir, STORE_WRITE, &err);
	if (!store)
		return complain("open after the kill");
	AUTO(json_ref) json_t *runs = store_runs(store, NULL, &err);
	int rc = runs ? 0 : complain("list");
	size_t i;
	json_t *run;

	json_array_foreach(runs, i, run)
		if (rc == 0)
			rc = check_run(store, json_text(run, "run"));
	json_array_foreach(runs, i, run)
		if (rc == 0)
			rc = end_run(store, json_text(run, "run"));
	if (rc == 0 && store_rebuild(store, &err) < 0)
		rc = complain("rebuild");
	store_close(store);
	if (rc == 0 && is_whole(dir) < 0) {
		fprintf(stderr, "the database is damaged\n");
		rc = -1;
	}
	return rc;
}

int
main(int argc, char **argv)
{
	uint64_t count;

	if (argc == 4 && str_eq(argv[1], "write") && num_u64(argv[3], &count) == 0)
		return write_all(argv[2], (unsigned)count) < 0 ? EXIT_FAILURE : 0;
	if (argc == 3 && str_eq(argv[1], "check"))
		return check_all(argv[2]) < 0 ? EXIT_FAILURE : 0;
	fprintf(stderr, "usage: store-driver write DIR COUNT | check DIR\n");
	return 2;
}
