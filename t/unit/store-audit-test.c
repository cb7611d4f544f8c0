/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The audit log: every damage is found, and the record it is in is named. */
#include "store-kit.h"

#include "base/num.h"
#include "base/str.h"
#include "store/audit.h"

/* Lines of a log, with their newlines. */
struct log {
	struct str *lines;
	size_t count;
};

static void
log_done(struct log *log)
{
	for (size_t i = 0; i < log->count; i++)
		str_done(&log->lines[i]);
	free(log->lines);
}

static int
take(void *self, const char *line, size_t n, struct err *ret)
{
	struct log *log = self;

	log->lines = x_realloc(log->lines, log->count + 1, sizeof(*log->lines));
	log->lines[log->count] = (struct str)STR_INIT;
	str_add_n(&log->lines[log->count++], line, n);
	return 0;
}

/* Two runs with a checkpoint each. */
static struct log
make_log(void)
{
	struct log log = { NULL, 0 };

	for (int i = 0; i < 2; i++) {
		start_run();
		start_step();
		OK(append("step.ended",
			  "{'step':'patch','attempt':1,'state':'succeeded'}"));
		OK(append("run.ended", "{'state':'succeeded'}"));
	}
	OK(store_export(store, NULL, take, &log, &err));
	return log;
}

/* Lines i in the order given; -1 ends it. The number of the record that is bad; 0:
 * none. */
static uint64_t
verify_lines(const struct log *log, const size_t *order, size_t count)
{
	struct audit_result result;
	struct audit *audit = audit_new(NULL);
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = audit_line(audit, log->lines[order[i]].s,
				log->lines[order[i]].len, &err);
	if (rc == 0)
		rc = audit_end(audit, &result, &err);
	audit_free(audit);
	if (rc == 0)
		return 0;
	ck_assert_str_eq(err.code, "audit.broken");
	return strtoull(err.text + strlen("record "), NULL, 10);
}

/* The same for a text that is cut into lines anew. */
static uint64_t
verify_text(const char *text, size_t n)
{
	struct audit_result result;
	struct audit *audit = audit_new(NULL);
	int rc = 0;

	while (rc == 0 && n > 0) {
		const char *end = memchr(text, '\n', n);
		size_t len = end ? (size_t)(end - text) + 1 : n;

		rc = audit_line(audit, text, len, &err);
		text += len;
		n -= len;
	}
	if (rc == 0)
		rc = audit_end(audit, &result, &err);
	audit_free(audit);
	return rc == 0 ? 0 : strtoull(err.text + strlen("record "), NULL, 10);
}

static size_t *
identity(size_t count)
{
	size_t *order = x_calloc(count + 2, sizeof(*order));

	for (size_t i = 0; i < count; i++)
		order[i] = i;
	return order;
}

START_TEST(test_intact)
{
	AUTO(log) struct log log = make_log();
	AUTO_FREE size_t *order = identity(log.count);
	struct audit_result result;

	ck_assert_uint_eq(verify_lines(&log, order, log.count), 0);
	OK(store_audit(store, NULL, &result, &err));
	ck_assert_int_eq(result.runs, 2);
	ck_assert_int_eq(result.checkpoints, 2);
	ck_assert_int_eq(result.unsigned_events, 0);
	ck_assert_int_eq((int64_t)log.count, result.events + result.checkpoints + 2);
}
END_TEST

/* Each byte of the log, changed. What the header says is held by the last line. */
START_TEST(test_each_byte)
{
	AUTO(log) struct log log = make_log();
	AUTO(str) struct str text = STR_INIT;
	size_t at = 0;

	for (size_t i = 0; i < log.count; i++)
		str_add_n(&text, log.lines[i].s, log.lines[i].len);
	for (size_t i = 0; i < log.count; i++)
		for (size_t k = 0; k < log.lines[i].len; k++, at++) {
			text.s[at] ^= 1;
			uint64_t bad = verify_text(text.s, text.len);
			text.s[at] ^= 1;
			ck_assert_msg(bad == i + 1 || (i == 0 && bad == log.count),
				      "byte %zu of record %zu: record %llu was named",
				      k, i + 1, (unsigned long long)bad);
		}
	printf("# %zu changed bytes\n", at);
}
END_TEST

START_TEST(test_each_line)
{
	AUTO(log) struct log log = make_log();
	size_t tried = 0;

	for (size_t i = 0; i < log.count; i++) {
		AUTO_FREE size_t *order = identity(log.count);

		/* Deleted: the next record of its run, or its checkpoint, tells. */
		memmove(order + i, order + i + 1,
			(log.count - i - 1) * sizeof(*order));
		uint64_t bad = verify_lines(&log, order, log.count - 1);
		ck_assert_msg(bad >= i + 1 && bad <= log.count, "without %zu: %llu",
			      i + 1, (unsigned long long)bad);

		/* Doubled: the second of the two. */
		for (size_t k = 0; k < log.count + 1; k++)
			order[k] = k <= i ? k : k - 1;
		bad = verify_lines(&log, order, log.count + 1);
		ck_assert_msg(bad == i + 2, "twice %zu: %llu", i + 1,
			      (unsigned long long)bad);

		/* Cut off behind it. */
		bad = verify_lines(&log, order, i);
		ck_assert_msg(bad == i + 1, "cut before %zu: %llu", i + 1,
			      (unsigned long long)bad);
		tried += 3;
		/* Each pair of records, exchanged. */
		for (size_t k = i + 1; k < log.count; k++, tried++) {
			for (size_t m = 0; m < log.count; m++)
				order[m] = m == i ? k : m == k ? i : m;
			bad = verify_lines(&log, order, log.count);
			ck_assert_msg(bad >= i + 1 && bad <= k + 2,
				      "%zu and %zu: %llu", i + 1, k + 1,
				      (unsigned long long)bad);
		}
	}
	printf("# %zu logs with a line taken out, doubled, cut or moved\n", tried);
}
END_TEST

/* Lines of another store's log, each in each place. */
START_TEST(test_splice)
{
	AUTO(log) struct log log = make_log();
	size_t own = log.count, tried = 0;

	kit_teardown();
	kit_setup();
	AUTO(log) struct log other = make_log();
	for (size_t i = 0; i < other.count; i++)
		OK(take(&log, other.lines[i].s, other.lines[i].len, &err));
	for (size_t i = 1; i < own; i++)
		for (size_t k = own + 1; k < log.count; k++, tried++) {
			AUTO_FREE size_t *order = identity(log.count);

			for (size_t m = 0; m < own + 1; m++)
				order[m] = m < i ? m : m == i ? k : m - 1;
			uint64_t bad = verify_lines(&log, order, own + 1);
			ck_assert_msg(bad > i && bad <= own + 1, "%zu at %zu: %llu", k,
				      i, (unsigned long long)bad);
		}
	printf("# %zu logs with a foreign line\n", tried);
}
END_TEST

/* A store of the version before the checkpoints gets them, and stays as it was. */
START_TEST(test_upgrade)
{
	struct audit_result result;

	start_run();
	OK(append("run.ended", "{'state':'succeeded'}"));
	ck_assert_int_eq(raw_sql("DROP TABLE checkpoints; PRAGMA user_version = 1"), 0);
	store_close(store);
	FAILS((store = store_open(dir, STORE_READ, &err)) ? 0 : -1, "store.version");
	store = store_open(dir, STORE_WRITE, &err);
	ck_assert_msg(store != NULL, "%s", err.text);
	OK(store_audit(store, NULL, &result, &err));
	ck_assert_int_eq(result.checkpoints, 0);
	start_run();
	OK(append("run.ended", "{'state':'succeeded'}"));
	OK(store_audit(store, NULL, &result, &err));
	ck_assert_int_eq(result.checkpoints, 1);
	ck_assert_int_eq(result.unsigned_events, 0);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		test_intact, test_each_byte, test_each_line, test_splice, test_upgrade,
	};
	Suite *suite = suite_create("store-audit");

	kit_case(suite, "audit", tests, ARRAY_LEN(tests));
	return unit_run(suite);
}
