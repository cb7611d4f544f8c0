/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store: opening, transactions, blobs. */
#include "store-kit.h"

#include "base/str.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "store/directory.h"

/* ---- opening ---- */

START_TEST(missing_store_is_not_made_by_a_reader)
{
	AUTO_FREE char *missing = x_asprintf("%s/none", dir);
	ck_assert_ptr_null(store_open(missing, STORE_READ, &err));
	ck_assert_str_eq(err.code, "store.missing");
	ck_assert_str_ne(err.remedy, "");
	ck_assert_int_eq(access(missing, F_OK), -1);

	ck_assert_int_eq(mkdir(missing, 0700), 0);
	ck_assert_ptr_null(store_open(missing, STORE_READ, &err));
	ck_assert_str_eq(err.code, "store.missing");
	ck_assert_int_eq(rmdir(missing), 0);
}
END_TEST

START_TEST(newer_schema_is_refused)
{
	store_close(store);
	OK(raw_sql("PRAGMA user_version = 99"));
	store = store_open(dir, STORE_WRITE, &err);
	ck_assert_ptr_null(store);
	ck_assert_str_eq(err.code, "store.version");
	ck_assert_ptr_nonnull(strstr(err.text, "99"));
	ck_assert_ptr_null(store_open(dir, STORE_READ, &err));
	ck_assert_str_eq(err.code, "store.version");
}
END_TEST

START_TEST(database_of_another_program_is_refused)
{
	store_close(store);
	OK(raw_sql("PRAGMA application_id = 1"));
	store = store_open(dir, STORE_WRITE, &err);
	ck_assert_ptr_null(store);
	ck_assert_str_eq(err.code, "store.version");
}
END_TEST

START_TEST(file_that_is_no_database_is_refused)
{
	AUTO_FREE char *file = x_asprintf("%s/fettle.db", dir);
	store_close(store);
	FILE *f = fopen(file, "w");
	for (int i = 0; i < 1000; i++)
		fputs("no database ", f);
	fclose(f);
	store = store_open(dir, STORE_WRITE, &err);
	ck_assert_ptr_null(store);
	ck_assert_str_eq(err.code, "store.corrupt");
}
END_TEST

START_TEST(directory_that_others_may_write_is_refused)
{
	AUTO_FREE char *open_to_all = x_asprintf("%s/open", dir);
	ck_assert_int_eq(mkdir(open_to_all, 0700), 0);
	ck_assert_int_eq(chmod(open_to_all, 0777), 0);
	ck_assert_ptr_null(store_open(open_to_all, STORE_WRITE, &err));
	ck_assert_str_eq(err.code, "store_unavailable");
	ck_assert_ptr_nonnull(strstr(err.remedy, "chmod go-w"));
}
END_TEST

START_TEST(directory_of_somebody_else_is_refused)
{
	AUTO_FREE char *theirs = x_asprintf("%s/theirs", dir);
	ck_assert_int_eq(mkdir(theirs, 0700), 0);
	if (chown(theirs, 12345, 12345) < 0)
		return;		/* only root can give a directory away */
	ck_assert_ptr_null(store_open(theirs, STORE_WRITE, &err));
	ck_assert_str_eq(err.code, "store_unavailable");
	ck_assert_ptr_nonnull(strstr(err.text, "12345"));
}
END_TEST

START_TEST(file_in_place_of_the_directory_is_refused)
{
	AUTO_FREE char *file = x_asprintf("%s/fettle.db", dir);
	ck_assert_ptr_null(store_open(file, STORE_WRITE, &err));
	ck_assert_str_eq(err.code, "store_unavailable");
	ck_assert_str_ne(err.remedy, "");
}
END_TEST

START_TEST(network_file_systems_are_known)
{
	ck_assert_str_eq(directory_network(0x6969), "NFS");
	ck_assert_str_eq(directory_network(0xff534d42), "CIFS");
	ck_assert_str_eq(directory_network((unsigned long)(int)0xfe534d42), "SMB2");
	ck_assert_ptr_null(directory_network(0xef53));		/* ext4 */
	ck_assert_ptr_null(directory_network(0x01021994));	/* tmpfs */
}
END_TEST

START_TEST(store_is_private_and_its_log_is_written_ahead)
{
	AUTO_FREE char *made = x_asprintf("%s/a/b", dir);
	struct store *other = store_open(made, STORE_WRITE, &err);
	ck_assert_ptr_nonnull(other);
	ck_assert_str_eq(store_dir(other), made);

	static const struct {
		const char *name;
		mode_t mode;
	} files[] = { { "", 0700 },
		      { "/fettle.db", 0600 },
		      { "/fettle.db-wal", 0600 } };
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct stat st;
		AUTO_FREE char *path = x_asprintf("%s%s", made, files[i].name);
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_int_eq(st.st_mode & 0777, files[i].mode);
	}
	store_close(other);
}
END_TEST

START_TEST(new_store_opens_fast)
{
	int64_t best = 1000;
	for (int i = 0; i < 5; i++) {
		AUTO_FREE char *made = x_asprintf("%s/new%d", dir, i);
		int64_t began = clock_boot_ms();
		struct store *other = store_open(made, STORE_WRITE, &err);
		int64_t took = clock_boot_ms() - began;
		ck_assert_ptr_nonnull(other);
		store_close(other);
		best = took < best ? took : best;
	}
	/* 10 ms is the aim and bench/ measures it; this only catches a blunder. */
	ck_assert_int_lt(best, 200);
}
END_TEST

START_TEST(reader_sees_what_was_written_and_writes_nothing)
{
	begin_run();
	struct store *reader = store_open(dir, STORE_READ, &err);
	ck_assert_ptr_nonnull(reader);
	AUTO(json_ref) json_t *run = store_run(reader, claim.run, &err);
	ck_assert_str_eq(json_text(run, "state"), "pending");

	AUTO(json_ref) json_t *body = object("{'state':'running'}");
	FAILS(store_append(reader, &claim, "engine", "run.state", body, &err),
	      "store_unavailable");
	store_close(reader);
}
END_TEST

START_TEST(reader_opens_a_store_nobody_else_has_open)
{
	begin_run();
	store_close(store);
	store = store_open(dir, STORE_READ, &err);
	ck_assert_msg(store != NULL, "%s", err.text);
	ck_assert_str_eq(run_value("state"), "pending");
}
END_TEST

START_TEST(reader_does_not_wait_for_a_writer)
{
	begin_run();
	struct store *reader = store_open(dir, STORE_READ, &err);
	int64_t version = store_version(reader);

	OK(store_begin(store, &err));
	OK(append("run.state", "{'state':'running'}"));
	int64_t began = clock_boot_ms();
	AUTO(json_ref) json_t *before = store_run(reader, claim.run, &err);
	ck_assert_int_lt(clock_boot_ms() - began, 1000);
	ck_assert_str_eq(json_text(before, "state"), "pending");
	ck_assert_int_eq(store_version(reader), version);

	OK(store_commit(store, &err));
	AUTO(json_ref) json_t *after = store_run(reader, claim.run, &err);
	ck_assert_str_eq(json_text(after, "state"), "running");
	ck_assert_int_ne(store_version(reader), version);
	store_close(reader);
}
END_TEST

/* ---- transactions ---- */

START_TEST(transaction_is_whole_or_nothing)
{
	begin_run();
	OK(store_begin(store, &err));
	OK(append("run.state", "{'state':'running'}"));
	OK(append("step.note", "{'step':'','level':'info','text':'hello'}"));
	store_rollback(store);
	ck_assert_str_eq(run_value("state"), "pending");

	OK(store_begin(store, &err));
	OK(append("run.state", "{'state':'running'}"));
	OK(store_commit(store, &err));
	ck_assert_str_eq(run_value("state"), "running");
	OK(store_verify(store, claim.run, &err));
}
END_TEST

START_TEST(transaction_with_a_refused_append_is_not_kept)
{
	begin_run();
	OK(store_begin(store, &err));
	OK(append("run.state", "{'state':'running'}"));
	FAILS(append("run.state", "{'state':'succeeded'}"), "store.transition");
	FAILS(store_commit(store, &err), "store.transition");
	ck_assert_str_eq(run_value("state"), "pending");
	OK(append("run.state", "{'state':'running'}"));
}
END_TEST

START_TEST(run_may_be_queued_and_claimed_in_one_transaction)
{
	OK(store_begin(store, &err));
	begin_run();
	store_rollback(store);
	AUTO(json_ref) json_t *none = store_runs(store, NULL, &err);
	ck_assert_uint_eq(json_array_size(none), 0);

	OK(store_begin(store, &err));
	begin_run();
	OK(store_commit(store, &err));
	ck_assert_str_eq(run_value("owner"), "host/1");
}
END_TEST

/* ---- blobs and directories ---- */

START_TEST(blob_comes_back_byte_for_byte)
{
	static const char bytes[] = "a\0b\xff\n";
	char sha256[65], again[65];
	AUTO_FREE char *found = NULL;
	size_t len = 0;

	OK(store_blob_put(store, bytes, sizeof(bytes), sha256, &err));
	OK(store_blob_put(store, bytes, sizeof(bytes), again, &err));
	ck_assert_str_eq(sha256, again);
	OK(store_blob_get(store, sha256, &found, &len, &err));
	ck_assert_uint_eq(len, sizeof(bytes));
	ck_assert_mem_eq(found, bytes, len);
	ck_assert_int_eq(found[len], '\0');
	OK(store_blob_put(store, "", 0, sha256, &err));
}
END_TEST

START_TEST(damaged_blob_is_never_given_out_and_mends_when_put_again)
{
	char sha256[65];
	char *found = NULL;
	size_t len = 0;

	OK(store_blob_put(store, "content", 7, sha256, &err));
	AUTO_FREE char *file = x_asprintf("%s/blobs/%.2s/%s", dir, sha256, sha256);
	ck_assert_int_eq(chmod(file, 0600), 0);
	FILE *f = fopen(file, "r+");
	fputc('C', f);
	fclose(f);
	FAILS(store_blob_get(store, sha256, &found, &len, &err), "store.corrupt");
	ck_assert_ptr_null(found);
	ck_assert_str_ne(err.remedy, "");

	OK(store_blob_put(store, "content", 7, sha256, &err));
	OK(store_blob_get(store, sha256, &found, &len, &err));
	ck_assert_str_eq(found, "content");
	free(found);
}
END_TEST

START_TEST(missing_blob_is_told)
{
	char *found = NULL;
	size_t len = 0;
	AUTO_FREE char *none = x_asprintf("%064d", 0);
	FAILS(store_blob_get(store, none, &found, &len, &err), "store.corrupt");
	FAILS(store_blob_get(store, "../../etc/passwd", &found, &len, &err),
	      "store.corrupt");
	FAILS(store_blob_get(store, "", &found, &len, &err), "store.corrupt");
}
END_TEST

START_TEST(run_has_a_directory_of_its_own)
{
	struct stat st;
	begin_run();
	AUTO_FREE char *own = store_run_dir(store, claim.run, &err);
	AUTO_FREE char *want = x_asprintf("%s/runs/%s", dir, claim.run);
	ck_assert_str_eq(own, want);
	ck_assert_int_eq(stat(own, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0700);
}
END_TEST

/* ---- listening ---- */

static struct str heard;

static void
hear(void *self, const char *run, const char *kind, const json_t *body)
{
	ck_assert_ptr_eq(self, &heard);
	ck_assert_uint_gt(strlen(run), 0);
	str_addf(&heard, "%s(%s) ", kind, json_text(body, "state"));
}

static void
listen(void)
{
	const struct store_listener listener = { hear, &heard };

	str_truncate(&heard, 0);
	store_listen(store, &listener);
}

START_TEST(committed_events_are_told_in_order)
{
	listen();
	begin_run();
	ck_assert_str_eq(str_get(&heard), "run.queued() run.claimed() ");
	str_truncate(&heard, 0);
	OK(store_begin(store, &err));
	OK(append("run.state", "{'state':'running'}"));
	OK(append("run.ended", "{'state':'failed'}"));
	ck_assert_str_eq(str_get(&heard), "");
	OK(store_commit(store, &err));
	ck_assert_str_eq(str_get(&heard), "run.state(running) run.ended(failed) ");
	str_done(&heard);
}
END_TEST

START_TEST(what_is_not_committed_is_not_told)
{
	begin_run();
	listen();
	OK(store_begin(store, &err));
	OK(append("run.state", "{'state':'running'}"));
	store_rollback(store);
	FAILS(append("run.state", "{'state':'nowhere'}"), "store.transition");
	OK(store_begin(store, &err));
	OK(append("run.state", "{'state':'running'}"));
	FAILS(append("run.state", "{'state':'nowhere'}"), "store.transition");
	FAILS(store_commit(store, &err), "store.transition");
	ck_assert_str_eq(str_get(&heard), "");
	OK(append("run.state", "{'state':'running'}"));
	ck_assert_str_eq(str_get(&heard), "run.state(running) ");
	str_done(&heard);
}
END_TEST

START_TEST(who_listens_no_more_hears_nothing)
{
	listen();
	begin_run();
	store_listen(store, NULL);
	str_truncate(&heard, 0);
	OK(append("run.state", "{'state':'running'}"));
	ck_assert_str_eq(str_get(&heard), "");
	str_done(&heard);
}
END_TEST

int
main(void)
{
	const TTest *const opening[] = {
		missing_store_is_not_made_by_a_reader, newer_schema_is_refused,
		database_of_another_program_is_refused,
		file_that_is_no_database_is_refused,
		directory_that_others_may_write_is_refused,
		directory_of_somebody_else_is_refused,
		file_in_place_of_the_directory_is_refused,
		network_file_systems_are_known,
		store_is_private_and_its_log_is_written_ahead, new_store_opens_fast,
		reader_sees_what_was_written_and_writes_nothing,
		reader_opens_a_store_nobody_else_has_open,
		reader_does_not_wait_for_a_writer,
	}, *const transactions[] = {
		transaction_is_whole_or_nothing,
		transaction_with_a_refused_append_is_not_kept,
		run_may_be_queued_and_claimed_in_one_transaction,
	}, *const files[] = {
		blob_comes_back_byte_for_byte,
		damaged_blob_is_never_given_out_and_mends_when_put_again,
		missing_blob_is_told, run_has_a_directory_of_its_own,
	}, *const listening[] = {
		committed_events_are_told_in_order, what_is_not_committed_is_not_told,
		who_listens_no_more_hears_nothing,
	};
	Suite *suite = suite_create("store");
	kit_case(suite, "opening", opening, ARRAY_LEN(opening));
	kit_case(suite, "transactions", transactions, ARRAY_LEN(transactions));
	kit_case(suite, "files", files, ARRAY_LEN(files));
	kit_case(suite, "listening", listening, ARRAY_LEN(listening));
	return unit_run(suite);
}
