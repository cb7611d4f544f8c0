/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bad input as files: t/corpus/yaml/ID.yaml is read, ID.expect says what must
 * come of it. One line of TAP a case; t/corpus/README has the form of a case.
 * Large and special files are made here, by the name in `make`.
 */
#include "base/base.h"

#include "corpus-make.h"
#include "corpus-plan.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/str.h"
#include "model/pipeline.h"
#include "model/project.h"
#include "model/site.h"

#define MAX_MS 1000
#define MAX_RSS_KIB (64 << 10)

struct expectation {
	char reads[16], code[48], make[32], says[200];
	uint32_t line, column;
	json_t *given; /* what is given as inputs, by name */
};

static unsigned case_count, failure_count;
static unsigned row_counts[26]; /* of A to Z: rows of bad input */

static void
report(bool is_ok, const char *name, const char *claim)
{
	case_count++;
	failure_count += !is_ok;
	printf("%s %u - %s: %s\n", is_ok ? "ok" : "not ok", case_count, name, claim);
}

/* ---- one case ------------------------------------------------------------ */

/* A pipeline is given inputs. */
static int
read_inputs(const char *path, const json_t *given, struct err *err)
{
	struct pipeline *p = pipeline_load(path, err);
	AUTO(json_ref)
	json_t *typed = p != NULL ? pipeline_type_inputs(p, given, err) : NULL;

	pipeline_free(p);
	return typed != NULL ? 0 : -1;
}

/* A sentence about a project of three services. */
static int
read_instruction(const char *path, struct err *err)
{
	AUTO_FREE char *text = NULL, *instruction = NULL;
	AUTO(strv) struct strv known = STRV_INIT;

	if (file_read(path, 1 << 20, &text, NULL, err) < 0)
		return -1;
	instruction = instruction_check(text, err);
	if (instruction == NULL)
		return -1;
	strv_add(&known, "api");
	strv_add(&known, "db");
	strv_add(&known, "web");
	return project_target(NULL, &known, NULL, instruction, err) ? 0 : -1;
}

/* A project of three services, and the one that is to be repaired. */
static int
read_target(const char *path, const json_t *given, struct err *err)
{
	struct project *p = project_load(path, err);
	AUTO(strv) struct strv known = STRV_INIT;
	const char *target = NULL;
	int result = -1;

	strv_add(&known, "api");
	strv_add(&known, "db");
	strv_add(&known, "web");
	if (p != NULL)
		target = project_target(p, &known, json_text(given, "service"),
					json_text(given, "instruction"), err);
	if (target != NULL && project_check_spelling(p, &known, target, err) == 0)
		result = p->only_named ? project_check_named(p, target, p->file, err)
				       : 0;
	project_free(p);
	return result;
}

/* Reads the file as what it should be. 0, or -1 with err. */
static int
read_as(const char *reads, const json_t *given, const char *path, struct err *err)
{
	bool is_read;

	if (str_eq(reads, "plan"))
		return corpus_plan(path, err);
	if (str_eq(reads, "inputs"))
		return read_inputs(path, given, err);
	if (str_eq(reads, "target"))
		return read_target(path, given, err);
	if (str_eq(reads, "instruction"))
		return read_instruction(path, err);
	if (str_eq(reads, "pipeline")) {
		struct pipeline *p = pipeline_load(path, err);

		is_read = p != NULL;
		pipeline_free(p);
	} else if (str_eq(reads, "project")) {
		struct project *p = project_load(path, err);

		is_read = p != NULL;
		project_free(p);
	} else if (str_eq(reads, "site")) {
		AUTO(site) struct site *site = site_load(path, err);

		is_read = site != NULL;
	} else {
		struct node *node = node_load(path, err);

		is_read = node != NULL;
		node_free(node);
	}
	return is_read ? 0 : -1;
}

static unsigned
count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	while (dir != NULL && readdir(dir) != NULL)
		count++;
	if (dir != NULL)
		closedir(dir);
	return count;
}

static long
peak_kib(void)
{
	struct rusage usage = { 0 };

	(void)getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

/* FETTLE_TEST_SLOW=50 under valgrind: how many times slower all is there. */
static int64_t
max_ms(void)
{
	const char *slow = getenv("FETTLE_TEST_SLOW");

	return MAX_MS * (slow ? strtol(slow, NULL, 10) : 1);
}

/* NULL when all is as expected, else what is not. */
static const char *
compare(const struct expectation *want, int result, const struct err *err)
{
	if (result == 0)
		return str_eq(want->code, "ok") ? NULL : "it was taken";
	if (str_eq(want->code, "ok"))
		return "it was refused";
	if (!str_eq(want->code, err->code))
		return "another code";
	if (want->line != err->line || want->column != err->column)
		return "another position";
	if (strstr(err->text, want->says) == NULL &&
	    strstr(err->remedy, want->says) == NULL)
		return "the text does not say it";
	return NULL;
}

static void
run_case(const char *id, const struct expectation *want, const char *path)
{
	struct err err = { "" };
	unsigned fds = count_fds();
	long kib = peak_kib();
	int64_t begin = clock_boot_ms();
	int result = read_as(want->reads, want->given, path, &err);
	int64_t took = clock_boot_ms() - begin;
	const char *wrong = compare(want, result, &err);
	char shown[2500];

	if (wrong == NULL && took > max_ms())
		wrong = "it took longer than a second";
	if (wrong == NULL && peak_kib() - kib > MAX_RSS_KIB)
		wrong = "it took more than 64 MiB";
	if (wrong == NULL && count_fds() != fds)
		wrong = "it left a descriptor open";
	report(wrong == NULL, id, want->code);
	if (wrong != NULL)
		printf("# %s: want %s at %u:%u, got %s at %u:%u after %d ms: %s\n",
		       wrong, want->code, want->line, want->column,
		       result == 0 ? "ok" : err.code, err.line, err.column, (int)took,
		       err_format(&err, shown, sizeof(shown)));
}

/* ---- expectations -------------------------------------------------------- */

static void
copy_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

static int
read_position(const char *text, struct expectation *ret)
{
	char *end = NULL;

	ret->line = (uint32_t)strtoul(text, &end, 10);
	if (*end != ':')
		return -1;
	ret->column = (uint32_t)strtoul(end + 1, &end, 10);
	return *end == 0 ? 0 : -1;
}

/* NAME=VALUE */
static int
read_given(char *text, struct expectation *ret)
{
	char *value = strchr(text, '=');

	if (value == NULL)
		return -1;
	*value++ = 0;
	return json_object_set_new(ret->given, text, json_string(value));
}

/* Lines of `key value`. */
static int
read_expectation(char *text, struct expectation *ret)
{
	char *line, *rest = text;

	while ((line = strsep(&rest, "\n")) != NULL) {
		char *value = strchr(line, ' ');

		if (*line == 0)
			continue;
		if (value == NULL)
			return -1;
		*value++ = 0;
		if (str_eq(line, "reads"))
			copy_text(ret->reads, sizeof(ret->reads), value);
		else if (str_eq(line, "code"))
			copy_text(ret->code, sizeof(ret->code), value);
		else if (str_eq(line, "make"))
			copy_text(ret->make, sizeof(ret->make), value);
		else if (str_eq(line, "says"))
			copy_text(ret->says, sizeof(ret->says), value);
		else if (str_eq(line, "given")) {
			if (read_given(value, ret) < 0)
				return -1;
		} else if (!str_eq(line, "at") || read_position(value, ret) < 0)
			return -1;
	}
	return ret->code[0] != 0 && ret->reads[0] != 0 ? 0 : -1;
}

static int
copy_case(const char *folder, const char *id, const char *path)
{
	AUTO_FREE char *name = x_asprintf("%s/%s.yaml", folder, id), *bytes = NULL;
	struct err err;
	size_t len = 0;

	if (access(name, F_OK) < 0)
		snprintf(strrchr(name, '.'), strlen(".yaml") + 1, ".text");
	if (file_read(name, 16 << 20, &bytes, &len, &err) < 0)
		return -1;
	return corpus_write(path, bytes, len, 0600);
}

static void
run_file(const char *folder, const char *id, const char *directory)
{
	AUTO_FREE char *path = x_asprintf("%s/fettle.yaml", directory), *text = NULL;
	AUTO_FREE char *name = x_asprintf("%s/%s.expect", folder, id);
	struct expectation want = { .given = json_object() };
	struct err err;

	if (id[0] >= 'A' && id[0] <= 'Z')
		row_counts[id[0] - 'A']++;
	(void)remove(path);
	if (file_read(name, 4096, &text, NULL, &err) < 0 ||
	    read_expectation(text, &want) < 0)
		report(false, id, "its .expect can be read");
	else if ((want.make[0] != 0 ? corpus_make(want.make, path) :
				      copy_case(folder, id, path)) < 0)
		report(false, id, "its file can be made");
	else
		run_case(id, &want, path);
	json_decref(want.given);
}

static int
is_expectation(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot != NULL && str_eq(dot, ".expect");
}

static void
run_folder(const char *folder, const char *directory)
{
	struct dirent **entries = NULL;
	int count = scandir(folder, &entries, is_expectation, versionsort);

	for (int i = 0; i < count; i++) {
		*strrchr(entries[i]->d_name, '.') = 0;
		run_file(folder, entries[i]->d_name, directory);
		free(entries[i]);
	}
	free(entries);
	if (count < 100)
		report(false, folder, "its cases are found");
}

/* ---- damage ---------------------------------------------------------------- */

/* Damaged text is read or refused with a code. What else it does, sanitizers see. */
static bool
is_survived(const char *reads, const char *path, const char *bytes, size_t len)
{
	struct err err = { "" };

	if (str_eq(reads, "pipeline")) {
		struct pipeline *p = pipeline_parse(bytes, len, path, &err);
		bool is_read = p != NULL;

		pipeline_free(p);
		return is_read || (err.code[0] != 0 && err.text[0] != 0);
	}
	if (corpus_write(path, bytes, len, 0600) < 0)
		return false;
	return read_as(reads, NULL, path, &err) == 0 ||
	       (err.code[0] != 0 && err.text[0] != 0);
}

static void
run_damage(const char *folder, const char *id, const char *reads, const char *directory)
{
	static const char damage[] = "\0\t\r\"{&*!\xff";
	AUTO_FREE char *name = x_asprintf("%s/%s.yaml", folder, id), *bytes = NULL;
	AUTO_FREE char *path = x_asprintf("%s/fettle.yaml", directory);
	bool is_cut_ok = true, is_damage_ok = true;
	struct err err;
	size_t len = 0;

	(void)remove(path);
	if (file_read(name, 1 << 20, &bytes, &len, &err) < 0) {
		report(false, id, "it can be read");
		return;
	}
	for (size_t cut = 0; cut < len; cut++)
		is_cut_ok &= is_survived(reads, path, bytes, cut);
	report(is_cut_ok, id, "cut off at every byte it is read or refused");
	for (size_t i = 0; i < len; i++) {
		char kept = bytes[i];

		for (size_t j = 0; j + 1 < sizeof(damage); j++) {
			bytes[i] = damage[j];
			is_damage_ok &= is_survived(reads, path, bytes, len);
		}
		bytes[i] = kept;
	}
	report(is_damage_ok, id, "with any byte damaged it is read or refused");
}

int
main(void)
{
	const char *source = getenv("FETTLE_SRC");
	AUTO_FREE char *folder = x_asprintf("%s/t/corpus/yaml", source ? source : ".");
	char directory[] = "/tmp/fettle-corpus-XXXXXX";

	if (mkdtemp(directory) == NULL) {
		printf("Bail out! there is no directory to work in\n");
		return EXIT_FAILURE;
	}
	run_folder(folder, directory);
	run_damage(folder, "good-pipeline", "pipeline", directory);
	run_damage(folder, "good-project", "project", directory);
	AUTO_FREE char *left = x_asprintf("%s/fettle.yaml", directory);
	(void)remove(left);
	(void)rmdir(directory);
	for (size_t i = 0; i < ARRAY_LEN(row_counts); i++)
		if (row_counts[i] > 0)
			printf("# cases of rows %c: %u\n", (int)('A' + i),
			       row_counts[i]);
	printf("1..%u\n", case_count);
	return failure_count > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
