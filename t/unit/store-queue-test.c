/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The queue, cancelling from outside, pausing the site, the list of workers. */
#include "store-kit.h"

#include <sys/wait.h>
#include <unistd.h>

/* A queued run of a service; service NULL: of none. */
static void
queue_for(const char *service, const char *priority, char run[RUN_ID_SIZE])
{
	AUTO(json_ref) json_t *body =
		json_pack("{s:s, s:s*, s:s, s:s*}", "pipeline", "repair", "service",
			  service, "workspace", "/srv/shop", "priority", priority);
	OK(store_queue(store, "operator:ann", body, run, &err));
}

static int
take(void)
{
	if (lock_fd >= 0)
		close(lock_fd);
	lock_fd = -1;
	return store_take(store, "pid 1", "host/9", &claim, &lock_fd, &err);
}

#define TAKES(want)                                 \
	do {                                        \
		ck_assert_int_eq(take(), 1);        \
		ck_assert_str_eq(claim.run, (want));\
	} while (0)

static void
end_run(void)
{
	OK(append("run.ended", "{'state':'failed'}"));
}

static enum cancelling
cancel(const char *run)
{
	enum cancelling how;
	OK(store_cancel(store, run, "operator:bob", "wrong one", &how, &err));
	return how;
}

static int64_t
position(const char *run)
{
	AUTO(json_ref) json_t *row = store_run(store, run, &err);
	return json_int_or(row, "position", 0);
}

/* ---- the queue ---- */

START_TEST(first_come_first_served)
{
	char a[RUN_ID_SIZE], b[RUN_ID_SIZE];
	ck_assert_int_eq(take(), 0);
	queue_for("api", "normal", a);
	queue_for("web", "normal", b);
	ck_assert_int_eq(position(a), 1);
	ck_assert_int_eq(position(b), 2);
	ck_assert_int_eq(store_queued(store), 2);
	TAKES(a);
	ck_assert_str_eq(run_value("worker"), "host/9");
	ck_assert_int_eq(position(a), 0);
	ck_assert_int_eq(position(b), 1);
	TAKES(b);
	ck_assert_int_eq(take(), 0);
	ck_assert_int_eq(store_queued(store), 0);
}
END_TEST

START_TEST(high_priority_comes_first)
{
	char a[RUN_ID_SIZE], b[RUN_ID_SIZE];
	queue_for("api", "normal", a);
	queue_for("web", "high", b);
	ck_assert_int_eq(position(a), 2);
	ck_assert_int_eq(position(b), 1);
	TAKES(b);
	ck_assert_str_eq(run_value("priority"), "high");
	TAKES(a);
	ck_assert_str_eq(run_value("priority"), "normal");
}
END_TEST

START_TEST(busy_service_is_skipped_and_keeps_its_order)
{
	char a1[RUN_ID_SIZE], a2[RUN_ID_SIZE], a3[RUN_ID_SIZE], b[RUN_ID_SIZE];
	queue_for("api", NULL, a1);
	queue_for("api", NULL, a2);
	queue_for("api", NULL, a3);
	queue_for("web", NULL, b);
	TAKES(a1);	/* claimed, its lock not yet taken */
	struct store_claim first = claim;
	TAKES(b);
	ck_assert_int_eq(take(), 0);
	claim = first;
	end_run();
	TAKES(a2);
	ck_assert_int_eq(take(), 0);
}
END_TEST

START_TEST(service_locked_by_a_run_in_the_foreground_is_busy)
{
	char holder[RUN_ID_SIZE], a[RUN_ID_SIZE];
	start_run();
	ck_assert_int_eq(store_lock(store, &claim, "/srv/shop:api", holder, &err), 1);
	struct store_claim other = claim;
	queue_for("api", "high", a);
	ck_assert_int_eq(take(), 0);
	claim = other;
	end_run();
	TAKES(a);
}
END_TEST

START_TEST(runs_without_a_service_are_never_in_each_others_way)
{
	char a[RUN_ID_SIZE], b[RUN_ID_SIZE];
	queue_for(NULL, NULL, a);
	queue_for(NULL, NULL, b);
	TAKES(a);
	TAKES(b);
}
END_TEST

START_TEST(released_run_is_at_its_old_place_again)
{
	char a[RUN_ID_SIZE], b[RUN_ID_SIZE], holder[RUN_ID_SIZE];
	queue_for(NULL, NULL, a);
	queue_for("api", NULL, b);
	TAKES(a);
	/* Only now it is known which service it is for, and that one is busy. */
	struct store_claim early = claim;
	TAKES(b);
	struct store_claim busy = claim;
	ck_assert_int_eq(store_lock(store, &busy, "/srv/shop:api", holder, &err), 1);
	ck_assert_int_eq(store_lock(store, &early, "/srv/shop:api", holder, &err), 0);
	claim = early;
	OK(append("run.released", "{'service':'api'}"));
	ck_assert_int_eq(position(a), 1);
	ck_assert_int_eq(take(), 0);
	claim = busy;
	end_run();
	TAKES(a);
	AUTO(json_ref) json_t *row = store_run(store, a, &err);
	ck_assert_int_eq(json_int_or(row, "crashes", -1), 0);
}
END_TEST

START_TEST(claims_without_an_end_are_counted)
{
	char a[RUN_ID_SIZE];
	queue_for("api", NULL, a);
	TAKES(a);
	for (int i = 0; i < 3; i++) {
		AUTO(json_ref) json_t *row = store_run(store, a, &err);
		ck_assert_int_eq(json_int_or(row, "crashes", -1), i);
		claim_run(a);
		if (i == 0)
			OK(append("run.state", "{'state':'running'}"));
	}
	end_run();
	claim_run(a);
	AUTO(json_ref) json_t *row = store_run(store, a, &err);
	ck_assert_int_eq(json_int_or(row, "crashes", -1), 0);
}
END_TEST

START_TEST(cursor_continues_a_list)
{
	char a[RUN_ID_SIZE], b[RUN_ID_SIZE], c[RUN_ID_SIZE];
	queue_for("api", NULL, a);
	queue_for("web", NULL, b);
	queue_for("api", NULL, c);
	struct store_filter page = { .cursor = c, .service = "api" };
	AUTO(json_ref) json_t *older = store_runs(store, &page, &err);
	ck_assert_uint_eq(json_array_size(older), 1);
	ck_assert_str_eq(json_text(json_array_get(older, 0), "run"), a);
}
END_TEST

/* ---- cancelling ---- */

START_TEST(cancel_goes_between_two_events_of_the_claimant)
{
	start_run();
	ck_assert_int_eq(cancel(claim.run), CANCELLING_NOW);
	ck_assert_str_eq(run_value("cancel_by"), "operator:bob");
	ck_assert_str_eq(run_value("cancel_reason"), "wrong one");
	start_step();
	OK(append("run.state", "{'state':'rolling_back'}"));
	OK(append("run.ended", "{'state':'cancelled'}"));
	OK(store_verify(store, claim.run, &err));
	ck_assert_str_eq(run_value("cancel_by"), "");
}
END_TEST

START_TEST(second_cancel_adds_nothing)
{
	start_run();
	ck_assert_int_eq(cancel(claim.run), CANCELLING_NOW);
	ck_assert_int_eq(cancel(claim.run), CANCELLING_AGAIN);
	ck_assert_int_eq(raw_number("SELECT count(*) FROM events"
				    " WHERE kind = 'run.cancel'"), 1);
}
END_TEST

START_TEST(cancel_of_a_run_that_is_unwound_adds_nothing)
{
	start_run();
	OK(append("run.state", "{'state':'rolling_back'}"));
	ck_assert_int_eq(cancel(claim.run), CANCELLING_LATE);
	ck_assert_str_eq(run_value("cancel_by"), "");
}
END_TEST

START_TEST(ended_run_is_not_cancelled)
{
	enum cancelling how;
	start_run();
	end_run();
	FAILS(store_cancel(store, claim.run, "operator:bob", NULL, &how, &err),
	      "workflow_conflict");
	FAILS(store_cancel(store, "20000101-000000-aaaaaa", "operator:bob", NULL, &how,
			   &err), "run_not_found");
	FAILS(store_cancel(store, claim.run, "", NULL, &how, &err), "store.body");
}
END_TEST

START_TEST(cancel_is_not_for_store_append)
{
	start_run();
	FAILS(append("run.cancel", "{'by':'x'}"), "store.body");
	FAILS(append("site.paused", "{}"), "store.body");
}
END_TEST

/* ---- the site ---- */

START_TEST(paused_site_gives_no_run_away)
{
	char a[RUN_ID_SIZE];
	queue_for("api", NULL, a);
	ck_assert_int_eq(store_pause(store, "operator:ann", "maintenance", &err), 1);
	ck_assert_int_eq(take(), 0);
	AUTO(json_ref) json_t *paused = store_paused(store, &err);
	ck_assert_str_eq(json_text(paused, "by"), "operator:ann");
	ck_assert_str_eq(json_text(paused, "reason"), "maintenance");
	ck_assert_int_gt(json_int_or(paused, "time_ms", 0), 0);
	ck_assert_int_eq(store_resume(store, "operator:bob", &err), 1);
	AUTO(json_ref) json_t *resumed = store_paused(store, &err);
	ck_assert(json_is_null(resumed));
	TAKES(a);
}
END_TEST

START_TEST(pause_and_resume_are_a_chain_of_their_own)
{
	ck_assert_int_eq(store_resume(store, "operator:ann", &err), 0);
	ck_assert_int_eq(store_pause(store, "operator:ann", NULL, &err), 1);
	ck_assert_int_eq(store_pause(store, "operator:bob", "again", &err), 0);
	ck_assert_int_eq(store_resume(store, "operator:bob", &err), 1);
	ck_assert_int_eq(store_pause(store, "operator:ann", "third", &err), 1);
	OK(store_verify(store, "site", &err));
	OK(store_rebuild(store, &err));
	OK(store_verify(store, "site", &err));
	AUTO(json_ref) json_t *events = store_events(store, "site", 0, 0, &err);
	ck_assert_uint_eq(json_array_size(events), 3);
	AUTO(json_ref) json_t *runs = store_runs(store, NULL, &err);
	ck_assert_uint_eq(json_array_size(runs), 0);
	OK(tamper("UPDATE events SET actor = 'operator:eve' WHERE seq = 2"));
	FAILS(store_verify(store, "site", &err), "audit.broken");
}
END_TEST

START_TEST(older_store_is_brought_up_to_date)
{
	char run[RUN_ID_SIZE];
	queue_run(run);
	store_close(store);
	store = NULL;
	OK(raw_sql("PRAGMA user_version = 1; DROP TABLE site; DROP TABLE workers;"
		   "ALTER TABLE runs DROP COLUMN worker;"));
	ck_assert_ptr_null(store_open(dir, STORE_READ, &err));
	ck_assert_str_eq(err.code, "store.version");
	store = store_open(dir, STORE_WRITE, &err);
	ck_assert_msg(store != NULL, "%s", err.text);
	memcpy(claim.run, run, sizeof(run));
	ck_assert_str_eq(run_value("service"), "api");
	ck_assert_int_eq(store_pause(store, "operator:ann", NULL, &err), 1);
}
END_TEST

/* ---- workers ---- */

START_TEST(worker_is_listed_with_its_runs_while_it_lives)
{
	char a[RUN_ID_SIZE];
	int fd;
	queue_for("api", NULL, a);
	OK(store_worker_add(store, "host/9", 4, &fd, &err));
	TAKES(a);
	AUTO(json_ref) json_t *workers = store_workers(store, &err);
	const json_t *worker = json_array_get(workers, 0);
	ck_assert_uint_eq(json_array_size(workers), 1);
	ck_assert_str_eq(json_text(worker, "name"), "host/9");
	ck_assert_int_eq(json_int_or(worker, "slots", 0), 4);
	ck_assert_str_eq(json_string_value(json_array_get(
				 json_object_get(worker, "runs"), 0)), a);
	close(fd);
	AUTO(json_ref) json_t *living = store_workers(store, &err);
	ck_assert_uint_eq(json_array_size(living), 0);
}
END_TEST

START_TEST(dead_worker_is_dropped_when_another_comes)
{
	int dead, alive;
	OK(store_worker_add(store, "host/9", 1, &dead, &err));
	close(dead);
	OK(store_worker_add(store, "host/10", 1, &alive, &err));
	ck_assert_int_eq(raw_number("SELECT count(*) FROM workers"), 1);
	AUTO_FREE char *file = x_asprintf("%s/workers/host.9", dir);
	ck_assert_int_ne(access(file, F_OK), 0);
	OK(store_worker_remove(store, "host/10", &err));
	ck_assert_int_eq(raw_number("SELECT count(*) FROM workers"), 0);
	close(alive);
}
END_TEST

/* Four processes take from one queue: every run is taken once. */
START_TEST(no_run_is_taken_twice)
{
	char run[RUN_ID_SIZE];
	enum { RUNS = 24, TAKERS = 4 };
	pid_t pids[TAKERS];

	for (int i = 0; i < RUNS; i++)
		queue_for(NULL, NULL, run);
	store_close(store);
	store = NULL;
	for (int i = 0; i < TAKERS; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] > 0)
			continue;
		store = store_open(dir, STORE_WRITE, &err);
		int got = 1;
		while (store && (got = take()) == 1)
			end_run();
		_exit(store && got == 0 ? 0 : 1);
	}
	for (int i = 0; i < TAKERS; i++) {
		int status;
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	store = store_open(dir, STORE_WRITE, &err);
	ck_assert_int_eq(raw_number("SELECT count(*) FROM events"
				    " WHERE kind = 'run.claimed'"), RUNS);
	ck_assert_int_eq(raw_number("SELECT count(*) FROM runs"
				    " WHERE state = 'failed'"), RUNS);
}
END_TEST

int
main(void)
{
	const TTest *const queue[] = {
		first_come_first_served, high_priority_comes_first,
		busy_service_is_skipped_and_keeps_its_order,
		service_locked_by_a_run_in_the_foreground_is_busy,
		runs_without_a_service_are_never_in_each_others_way,
		released_run_is_at_its_old_place_again,
		claims_without_an_end_are_counted, cursor_continues_a_list,
		no_run_is_taken_twice,
	}, *const cancelling[] = {
		cancel_goes_between_two_events_of_the_claimant,
		second_cancel_adds_nothing,
		cancel_of_a_run_that_is_unwound_adds_nothing,
		ended_run_is_not_cancelled, cancel_is_not_for_store_append,
	}, *const site[] = {
		paused_site_gives_no_run_away,
		pause_and_resume_are_a_chain_of_their_own,
		older_store_is_brought_up_to_date,
	}, *const workers[] = {
		worker_is_listed_with_its_runs_while_it_lives,
		dead_worker_is_dropped_when_another_comes,
	};
	Suite *suite = suite_create("store-queue");
	kit_case(suite, "queue", queue, ARRAY_LEN(queue));
	kit_case(suite, "cancel", cancelling, ARRAY_LEN(cancelling));
	kit_case(suite, "site", site, ARRAY_LEN(site));
	kit_case(suite, "workers", workers, ARRAY_LEN(workers));
	return unit_run(suite);
}
