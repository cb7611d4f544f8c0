/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The write-ahead log: emptied where it lies, and never laid over another file. */
#include "store-kit.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include "base/path.h"
#include "store/admin.h"

#define EMPTY_HEADER 32
#define MANY_BYTES (100 * 1024)

static char *
read_bytes(const char *name, size_t *ret_len)
{
	AUTO_FREE char *path = path_join(dir, name);
	char *bytes = NULL;

	OK(file_read(path, (size_t)1 << 26, &bytes, ret_len, &err));
	return bytes;
}

/* Puts bytes over the file, as `cp` does. */
static void
overwrite(const char *directory, const char *bytes, size_t len)
{
	AUTO_FREE char *path = path_join(directory, "fettle.db");
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
	ck_assert_int_eq(fclose(file), 0);
}

static size_t
count_runs(struct store *of)
{
	AUTO(json_ref) json_t *runs =
		store_runs(of, &(struct store_filter){ .limit = 1000 }, &err);

	ck_assert_msg(runs != NULL, "%s", err.text);
	return json_array_size(runs);
}

static void
queue_some(void)
{
	char run[RUN_ID_SIZE];

	for (int i = 0; i < 3; i++)
		queue_run(run);
}

START_TEST(log_is_emptied_where_it_lies)
{
	static const char none[EMPTY_HEADER];

	for (int i = 0; i < 3; i++) {
		size_t len = 0;

		queue_some();
		close_store();
		AUTO_FREE char *log = read_bytes("fettle.db-wal", &len);
		ck_assert_uint_gt(len, EMPTY_HEADER);
		ck_assert_int_eq(memcmp(log, none, EMPTY_HEADER), 0);
		open_store();
		ck_assert_uint_eq(count_runs(store), 3 * ((size_t)i + 1));
	}
}
END_TEST

START_TEST(file_without_its_log_is_the_whole_store)
{
	AUTO_FREE char *elsewhere = path_join(dir, "copy");
	size_t len = 0;

	queue_some();
	close_store();
	AUTO_FREE char *bytes = read_bytes("fettle.db", &len);
	ck_assert_int_eq(mkdir(elsewhere, 0700), 0);
	overwrite(elsewhere, bytes, len);
	struct store *copy = store_open(elsewhere, STORE_READ, &err);
	ck_assert_msg(copy != NULL, "%s", err.text);
	ck_assert_uint_eq(count_runs(copy), 3);
	store_close(copy);
}
END_TEST

START_TEST(backup_in_the_place_of_the_file_is_what_counts)
{
	size_t len = 0;

	queue_some();
	close_store();
	AUTO_FREE char *backup = read_bytes("fettle.db", &len);
	open_store();
	queue_some();
	close_store();
	overwrite(dir, backup, len);
	open_store();
	ck_assert_uint_eq(count_runs(store), 3);
	queue_some();
	ck_assert_uint_eq(count_runs(store), 6);
	AUTO(json_ref) json_t *proved = store_check(store, &err);
	ck_assert_int_eq(json_flag(proved, "ok"), 1);
}
END_TEST

START_TEST(log_of_a_dead_process_is_read)
{
	size_t len = 0;

	queue_some();
	close_store();
	pid_t child = fork();
	if (child == 0) {
		open_store();
		queue_some();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	AUTO_FREE char *log = read_bytes("fettle.db-wal", &len);
	ck_assert_int_ne(log[0], 0);
	open_store();
	ck_assert_uint_eq(count_runs(store), 6);
}
END_TEST

START_TEST(long_log_is_cut)
{
	AUTO_FREE char *instruction = x_malloc(MANY_BYTES + 1);
	char run[RUN_ID_SIZE];
	size_t len = 1;

	memset(instruction, 'x', MANY_BYTES);
	instruction[MANY_BYTES] = '\0';
	AUTO(json_ref) json_t *body = json_pack(
		"{s:s, s:s, s:s, s:{}, s:s, s:s}", "pipeline", "repair", "service",
		"api", "instruction", instruction, "inputs", "workspace", "/srv",
		"requested_by", "operator:ann");
	OK(store_begin(store, &err));
	for (int i = 0; i < 50; i++)
		OK(store_queue(store, "operator:ann", body, run, &err));
	OK(store_commit(store, &err));
	close_store();
	AUTO_FREE char *log = read_bytes("fettle.db-wal", &len);
	ck_assert_uint_eq(len, 0);
	open_store();
	ck_assert_uint_eq(count_runs(store), 50);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		log_is_emptied_where_it_lies,
		file_without_its_log_is_the_whole_store,
		backup_in_the_place_of_the_file_is_what_counts,
		log_of_a_dead_process_is_read,
		long_log_is_cut,
	};
	Suite *suite = suite_create("store-log");

	kit_case(suite, "log", tests, ARRAY_LEN(tests));
	return unit_run(suite);
}
