/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Several processes on one store: claims, locks, waiting for the writer. */
#include "store-kit.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>

#include "base/clock.h"

/* Starts a child that runs `work` with a store of its own; its exit status is what
   `work` returns. The parent's store must be closed. */
static pid_t
spawn(int (*work)(int argument), int argument)
{
	ck_assert_ptr_null(store);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	store = store_open(dir, STORE_WRITE, &err);
	if (!store)
		_exit(99);
	int status = work(argument);
	store_close(store);
	_exit(status);
}

static int
await(pid_t pid)
{
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* Children wait for each other behind a pipe that the parent closes. */
static int gate[2];

static void
pass_gate(void)
{
	char byte;
	close(gate[1]);
	(void)!read(gate[0], &byte, 1);
}

static void
open_gate(void)
{
	close(gate[1]);
	close(gate[0]);
}

/* ---- claims ---- */

START_TEST(stale_epoch_stops_the_old_owner)
{
	start_run();
	struct store_claim old = claim;
	int old_fd = lock_fd;
	lock_fd = -1;
	close(old_fd);	/* the old owner's lock is gone, it does not know */
	claim_run(old.run);
	ck_assert_int_eq(claim.epoch, old.epoch + 1);

	AUTO(json_ref) json_t *body = object("{'state':'rolling_back'}");
	FAILS(store_append(store, &old, "engine", "run.state", body, &err),
	      "store.stale_epoch");
	char holder[RUN_ID_SIZE];
	FAILS(store_lock(store, &old, "shop:api", holder, &err), "store.stale_epoch");
	OK(append("run.state", "{'state':'rolling_back'}"));

	struct store_claim future = claim;
	future.epoch++;
	FAILS(store_append(store, &future, "engine", "run.state", body, &err),
	      "store.stale_epoch");
}
END_TEST

START_TEST(claimed_run_is_busy_and_its_owner_named)
{
	struct store_claim second = { .epoch = 77 };
	int second_fd = -1;
	start_run();
	FAILS(store_claim(store, claim.run, "host/2", &second, &second_fd, &err),
	      "run.busy");
	ck_assert_ptr_nonnull(strstr(err.text, "host/1"));
	ck_assert_int_eq(second.epoch, 77);
	ck_assert_int_eq(second_fd, -1);
	OK(append("run.state", "{'state':'rolling_back'}"));
}
END_TEST

START_TEST(lock_lives_as_long_as_its_last_holder)
{
	struct store_claim second;
	int second_fd = -1;
	start_run();
	int host_fd = dup(lock_fd);	/* what a host inherits */
	close(lock_fd);
	lock_fd = -1;
	FAILS(store_claim(store, claim.run, "host/2", &second, &second_fd, &err),
	      "run.busy");
	close(host_fd);
	OK(store_claim(store, claim.run, "host/2", &second, &second_fd, &err));
	ck_assert_int_ne(fcntl(second_fd, F_GETFD) & FD_CLOEXEC, 0);
	close(second_fd);
}
END_TEST

static char contested[RUN_ID_SIZE];

static int
claim_contested(int argument)
{
	struct store_claim mine;
	int fd;
	pass_gate();
	if (store_claim(store, contested, "host/n", &mine, &fd, &err) < 0)
		return str_eq(err.code, "run.busy") ? 1 : 2;
	/* Holds it until all others have been refused. */
	poll(NULL, 0, 300);
	return 0;
}

START_TEST(one_of_many_claims_wins)
{
	pid_t pids[8];
	queue_run(contested);
	close_store();
	ck_assert_int_eq(pipe(gate), 0);
	for (size_t i = 0; i < ARRAY_LEN(pids); i++)
		pids[i] = spawn(claim_contested, 0);
	open_gate();
	int won = 0, refused = 0;
	for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
		int status = await(pids[i]);
		won += status == 0;
		refused += status == 1;
	}
	ck_assert_int_eq(won, 1);
	ck_assert_int_eq(refused, (int)ARRAY_LEN(pids) - 1);
	open_store();
	ck_assert_int_eq(
		raw_number("SELECT count(*) FROM events WHERE kind = 'run.claimed'"),
		1);
}
END_TEST

/* ---- writing at once ---- */

static int
append_many(int count)
{
	pass_gate();
	start_run();
	for (int i = 0; i < count; i++) {
		AUTO_FREE char *body =
			x_asprintf("{'step':'s','level':'info','text':'%d'}", i);
		if (append("step.note", body) < 0)
			return 1;
	}
	return store_verify(store, claim.run, &err) < 0 ? 2 : 0;
}

START_TEST(four_processes_append_without_loss)
{
	pid_t pids[4];
	close_store();
	ck_assert_int_eq(pipe(gate), 0);
	for (size_t i = 0; i < ARRAY_LEN(pids); i++)
		pids[i] = spawn(append_many, 200);
	open_gate();
	for (size_t i = 0; i < ARRAY_LEN(pids); i++)
		ck_assert_int_eq(await(pids[i]), 0);
	open_store();
	ck_assert_int_eq(raw_number("SELECT count(*) FROM events"), 4 * (200 + 3));
	ck_assert_int_eq(
		raw_number("SELECT count(DISTINCT json_extract(body, '$.text')) FROM"
			   " events WHERE kind = 'step.note'"),
		200);
	AUTO(json_ref) json_t *runs = store_runs(store, NULL, &err);
	ck_assert_uint_eq(json_array_size(runs), 4);
	for (size_t i = 0; i < 4; i++)
		OK(store_verify(store, json_text(json_array_get(runs, i), "run"),
				&err));
	OK(store_rebuild(store, &err));
}
END_TEST

static int
open_and_queue(int argument)
{
	char run[RUN_ID_SIZE];
	pass_gate();
	store_close(store);
	AUTO_FREE char *fresh = x_asprintf("%s/fresh", dir);
	store = store_open(fresh, STORE_WRITE, &err);
	if (!store)
		return 1;
	queue_run(run);
	return 0;
}

START_TEST(new_store_is_made_once_by_many)
{
	pid_t pids[8];
	close_store();
	ck_assert_int_eq(pipe(gate), 0);
	for (size_t i = 0; i < ARRAY_LEN(pids); i++)
		pids[i] = spawn(open_and_queue, 0);
	open_gate();
	for (size_t i = 0; i < ARRAY_LEN(pids); i++)
		ck_assert_int_eq(await(pids[i]), 0);
	AUTO_FREE char *fresh = x_asprintf("%s/fresh", dir);
	struct store *made = store_open(fresh, STORE_READ, &err);
	AUTO(json_ref) json_t *runs = store_runs(made, NULL, &err);
	ck_assert_uint_eq(json_array_size(runs), ARRAY_LEN(pids));
	store_close(made);
}
END_TEST

static int
write_for_a_while(int milliseconds)
{
	pass_gate();
	if (store_begin(store, &err) < 0)
		return 1;
	begin_run();
	poll(NULL, 0, milliseconds);
	return store_commit(store, &err) < 0;
}

START_TEST(writer_waits_for_the_writer_before_it)
{
	close_store();
	ck_assert_int_eq(pipe(gate), 0);
	pid_t first = spawn(write_for_a_while, 300),
	      second = spawn(write_for_a_while, 300);
	int64_t began = clock_boot_ms();
	open_gate();
	ck_assert_int_eq(await(first), 0);
	ck_assert_int_eq(await(second), 0);
	ck_assert_int_ge(clock_boot_ms() - began, 600);
	open_store();
	ck_assert_int_eq(raw_number("SELECT count(*) FROM runs"), 2);
}
END_TEST

/* ---- locks ---- */

static struct store_claim claims[3];
static int fds[3];

static void
three_runs(void)
{
	for (size_t i = 0; i < ARRAY_LEN(claims); i++) {
		lock_fd = -1;
		start_run();
		claims[i] = claim;
		fds[i] = lock_fd;
	}
	lock_fd = -1;
}

static int
ask(int i, char holder[RUN_ID_SIZE])
{
	int rc = store_lock(store, &claims[i], "shop:api", holder, &err);
	ck_assert_msg(rc >= 0, "%s", err.text);
	return rc;
}

static void
end_run(int i)
{
	claim = claims[i];
	OK(append("run.ended", "{'state':'failed'}"));
}

START_TEST(lock_is_held_by_one_and_goes_on_in_order)
{
	char holder[RUN_ID_SIZE] = "";
	three_runs();
	ck_assert_int_eq(ask(1, holder), 1);
	ck_assert_int_eq(ask(1, holder), 1);
	ck_assert_str_eq(holder, "");
	ck_assert_int_eq(ask(2, holder), 0);
	ck_assert_str_eq(holder, claims[1].run);
	ck_assert_int_eq(ask(0, holder), 0);
	ck_assert_str_eq(holder, claims[1].run);
	ck_assert_int_eq(store_lock(store, &claims[0], "shop:db", holder, &err), 1);

	end_run(1);
	ck_assert_int_eq(ask(0, holder), 0);	/* 2 asked before */
	ck_assert_str_eq(holder, claims[2].run);
	ck_assert_int_eq(ask(2, holder), 1);
	end_run(2);
	ck_assert_int_eq(ask(0, holder), 1);
	end_run(0);
	ck_assert_int_eq(raw_number("SELECT count(*) FROM locks"), 0);
	ck_assert_int_eq(
		raw_number("SELECT count(*) FROM events WHERE kind = 'run.waiting'"),
		2);
	FAILS(store_lock(store, &claims[0], "shop:api", holder, &err),
	      "store.transition");
}
END_TEST

START_TEST(dead_waiter_is_passed_over)
{
	char holder[RUN_ID_SIZE] = "";
	three_runs();
	ck_assert_int_eq(ask(0, holder), 1);
	ck_assert_int_eq(ask(1, holder), 0);
	ck_assert_int_eq(ask(2, holder), 0);
	end_run(0);
	close(fds[1]);
	ck_assert_int_eq(ask(2, holder), 1);
}
END_TEST

START_TEST(dead_holder_that_has_begun_is_unwound_first)
{
	char holder[RUN_ID_SIZE] = "";
	three_runs();
	ck_assert_int_eq(ask(0, holder), 1);
	close(fds[0]);
	ck_assert_int_eq(ask(1, holder), 0);
	ck_assert_str_eq(holder, claims[0].run);
}
END_TEST

START_TEST(dead_holder_that_never_began_is_passed_over)
{
	char holder[RUN_ID_SIZE] = "";
	three_runs();
	begin_run();
	ck_assert_int_eq(store_lock(store, &claim, "shop:api", holder, &err), 1);
	ck_assert_int_eq(ask(0, holder), 0);
	close(lock_fd);
	lock_fd = -1;
	ck_assert_int_eq(ask(0, holder), 1);
	OK(store_rebuild(store, &err));
	ck_assert_int_eq(ask(0, holder), 1);
}
END_TEST

START_TEST(run_claimed_after_its_end_takes_its_lock_again)
{
	char holder[RUN_ID_SIZE] = "";
	three_runs();
	ck_assert_int_eq(ask(0, holder), 1);
	end_run(0);
	close(fds[0]);
	OK(store_claim(store, claims[0].run, "host/3", &claims[0], &fds[0], &err));
	ck_assert_int_eq(ask(0, holder), 1);
	claim = claims[0];
	OK(append("run.state", "{'state':'running'}"));
	ck_assert_int_eq(ask(1, holder), 0);
	ck_assert_int_eq(raw_sql("UPDATE locks SET held = 1"), -1);
	OK(append("run.ended", "{'state':'failed'}"));
	ck_assert_int_eq(ask(1, holder), 1);
}
END_TEST

int
main(void)
{
	const TTest *const claiming[] = {
		stale_epoch_stops_the_old_owner,
		claimed_run_is_busy_and_its_owner_named,
		lock_lives_as_long_as_its_last_holder, one_of_many_claims_wins,
	}, *const writing[] = {
		four_processes_append_without_loss, new_store_is_made_once_by_many,
		writer_waits_for_the_writer_before_it,
	}, *const locking[] = {
		lock_is_held_by_one_and_goes_on_in_order, dead_waiter_is_passed_over,
		dead_holder_that_has_begun_is_unwound_first,
		dead_holder_that_never_began_is_passed_over,
		run_claimed_after_its_end_takes_its_lock_again,
	};
	Suite *suite = suite_create("store-process");
	kit_case(suite, "claims", claiming, ARRAY_LEN(claiming));
	kit_case(suite, "writing", writing, ARRAY_LEN(writing));
	kit_case(suite, "locks", locking, ARRAY_LEN(locking));
	return unit_run(suite);
}
