/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The site file of core/model: principals, policies, and whose it must be. */
#include "model.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/path.h"
#include "model/site.h"

static char *directory; /* of the running test */

static void
begin(void)
{
	directory = unit_directory();
}

static void
end(void)
{
	unit_remove(directory);
	free(directory);
}

static struct site *
load(const char *text, mode_t mode, struct err *err)
{
	AUTO_FREE char *path = path_join(directory, "site.yaml");
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(file_write_all(fd, text, strlen(text)), 0);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	return site_load(path, err);
}

#define HEAD "fettle: 1\n"

START_TEST(test_good)
{
	struct err err = { "" };
	AUTO(site) struct site *site = load(
		HEAD "principals:\n"
		"  ann: { users: [ann, ann-admin], roles: [sre, lead] }\n"
		"  fixer: { users: [fixer], class: agent }\n"
		"  bob: { users: [bob], disabled: true }\n"
		"policies:\n"
		"  - { uses: freeze, with: { windows: [always] } }\n", 0644, &err);

	ck_assert_msg(site != NULL, "%s", err.text);
	ck_assert_uint_eq(site->principal_count, 3);
	const struct principal *ann = site_user(site, "ann-admin");
	ck_assert_ptr_nonnull(ann);
	ck_assert_str_eq(ann->name, "ann");
	ck_assert(strv_has(&ann->roles, "lead") && !ann->is_disabled);
	ck_assert_int_eq(ann->class, PRINCIPAL_HUMAN);
	ck_assert_int_eq(site_principal(site, "fixer")->class, PRINCIPAL_AGENT);
	ck_assert(site_principal(site, "bob")->is_disabled);
	ck_assert_ptr_null(site_user(site, "eve"));
	ck_assert_uint_eq(site->policy_count, 1);
	ck_assert_str_eq(site->policies[0].uses, "freeze");
	ck_assert_ptr_nonnull(site->policies[0].with);
}
END_TEST

START_TEST(test_only_named)
{
	struct err err = { "" };
	AUTO(site) struct site *yes =
		load(HEAD "only_named_services: true\n", 0644, &err);
	AUTO(site) struct site *no = load(HEAD, 0644, &err);

	ck_assert(yes != NULL && yes->only_named);
	ck_assert(no != NULL && !no->only_named);
}
END_TEST

START_TEST(test_missing)
{
	struct err err = { "" };
	AUTO_FREE char *path = path_join(directory, "none.yaml");
	AUTO(site) struct site *site = site_load(path, &err);

	ck_assert_ptr_nonnull(site);
	ck_assert_uint_eq(site->principal_count + site->policy_count, 0);
}
END_TEST

static const struct {
	const char *text, *code;
	mode_t mode;
	uint32_t line, column;
} bad[] = {
	{ HEAD, "site.unsafe", 0664, 0, 0 },
	{ HEAD, "site.unsafe", 0646, 0, 0 },
	{ "principals: {}\n", "site.version", 0644, 1, 1 },
	{ "fettle: 2\n", "site.version", 0644, 1, 9 },
	{ HEAD "principal: {}\n", "key.unknown", 0644, 2, 1 },
	{ HEAD "principals: [ann]\n", "type.map", 0644, 2, 13 },
	{ HEAD "principals: { _ann: {} }\n", "site.principal", 0644, 2, 15 },
	{ HEAD "principals: { ann: { class: robot } }\n", "site.principal", 0644, 2,
	  29 },
	{ HEAD "principals: { ann: { rolls: [x] } }\n", "key.unknown", 0644, 2, 22 },
	{ HEAD "principals: { ann: { roles: sre } }\n", "type.list", 0644, 2, 29 },
	{ HEAD "principals: { ann: { roles: ['a b'] } }\n", "site.principal", 0644, 2,
	  30 },
	{ HEAD "principals: { ann: { users: [a] }, bob: { users: [b, a] } }\n",
	  "site.user", 0644, 2, 50 },
	{ HEAD "policies: { uses: freeze }\n", "type.list", 0644, 2, 11 },
	{ HEAD "policies: [{ with: {} }]\n", "key.missing", 0644, 2, 12 },
	{ HEAD "policies: [{ uses: build/compose }]\n", "pipeline.policy", 0644, 2,
	  20 },
	{ HEAD "only_named_services: api\n", "type.bool", 0644, 2, 22 },
	{ HEAD "metrics: [a]\n", "type.map", 0644, 2, 10 },
	{ HEAD "metrics: { graphite: {} }\n", "key.unknown", 0644, 2, 12 },
	{ HEAD "metrics: { statsd: x }\n", "type.map", 0644, 2, 20 },
	{ HEAD "metrics: { statsd: { hosts: a } }\n", "key.unknown", 0644, 2, 22 },
	{ HEAD "metrics: { statsd: {} }\n", "metrics.invalid", 0644, 2, 20 },
	{ HEAD "metrics: { statsd: { port: 8125 } }\n", "metrics.invalid", 0644, 2,
	  20 },
	{ HEAD "metrics: { statsd: { host: [a] } }\n", "type.string", 0644, 2, 28 },
	{ HEAD "metrics: { statsd: { host: 'a;b' } }\n", "metrics.invalid", 0644, 2,
	  28 },
	{ HEAD "metrics: { statsd: { host: '' } }\n", "metrics.invalid", 0644, 2, 28 },
	{ HEAD "metrics: { statsd: { host: a, port: 0 } }\n", "metrics.invalid", 0644,
	  2, 37 },
	{ HEAD "metrics: { statsd: { host: a, prefix: 'a|b' } }\n", "metrics.invalid",
	  0644, 2, 39 },
	{ HEAD "metrics: { statsd: { host: a, tags: [a] } }\n", "type.map", 0644, 2,
	  37 },
	{ HEAD "metrics: { statsd: { host: a, tags: { a: 'b,c' } } }\n",
	  "metrics.invalid", 0644, 2, 39 },
	{ "", "yaml.empty", 0644, 0, 0 },
};

START_TEST(test_metrics)
{
	struct err err = { "" };
	AUTO(site) struct site *site =
		load(HEAD "metrics: { statsd: { host: stats_d.example, port: 9125, "
			  "prefix: a.b., tags: { env: prod, team: x/y } } }\n",
		     0644, &err);

	ck_assert_msg(site != NULL, "%s", err.text);
	ck_assert_str_eq(site->sink.host, "stats_d.example");
	ck_assert_uint_eq(site->sink.port, 9125);
	ck_assert_str_eq(site->sink.prefix, "a.b");
	ck_assert_str_eq(str_get(&site->sink.tags), "env:prod,team:x/y");
}
END_TEST

START_TEST(test_no_metrics)
{
	struct err err = { "" };
	AUTO(site) struct site *site = load(HEAD "metrics: {}\n", 0644, &err);

	ck_assert_msg(site != NULL, "%s", err.text);
	ck_assert_ptr_null(site->sink.host);
}
END_TEST

static const struct {
	int (*set)(struct sink *sink, const char *text, struct err *err);
	const char *text;
	bool is_good;
} settings[] = {
	{ sink_set_host, "127.0.0.1", true },
	{ sink_set_host, "::1", true },
	{ sink_set_host, "statsd", true },
	{ sink_set_host, "metrics_sink.shop.internal", true },
	{ sink_set_host, "4ward.example", true },
	{ sink_set_host, "", false },
	{ sink_set_host, "-h", false },
	{ sink_set_host, "a.-b", false },
	{ sink_set_host, "a;b", false },
	{ sink_set_host, "a:8125", false },
	{ sink_set_host, "[::1]", false },
	{ sink_set_host, "udp://a", false },
	{ sink_set_host, "a b", false },
	{ sink_set_host, "a\nb", false },
	{ sink_set_host, "a..b", false },
	{ sink_set_host, ".a", false },
	{ sink_set_host, "a.", false },
	{ sink_set_host, "1", false },
	{ sink_set_host, "1.2.3", false },
	{ sink_set_host, "127.0.0.256", false },
	{ sink_set_host, "h\xc3\xa9", false },
	{ sink_set_port, "1", true },
	{ sink_set_port, "65535", true },
	{ sink_set_port, "0", false },
	{ sink_set_port, "65536", false },
	{ sink_set_port, "text", false },
	{ sink_set_port, "8125x", false },
	{ sink_set_port, "-1", false },
	{ sink_set_port, "0x1f", false },
	{ sink_set_port, "99999999999999999999999", false },
	{ sink_set_prefix, "", true },
	{ sink_set_prefix, "shop", true },
	{ sink_set_prefix, "a-b.c_d.E9", true },
	{ sink_set_prefix, "a.", true },
	{ sink_set_prefix, ".", false },
	{ sink_set_prefix, ".a", false },
	{ sink_set_prefix, "a..", false },
	{ sink_set_prefix, "a..b", false },
	{ sink_set_prefix, "a b", false },
	{ sink_set_prefix, "a:1|c\nb", false },
	{ sink_set_prefix, "a@b", false },
};

START_TEST(test_setting)
{
	AUTO(sink) struct sink sink = { 0 };
	struct err err = { "" };
	int result = settings[_i].set(&sink, settings[_i].text, &err);

	ck_assert_msg((result == 0) == settings[_i].is_good, "'%s': %s",
		      settings[_i].text, err.text);
	if (settings[_i].is_good)
		return;
	ck_assert_str_eq(err.code, "metrics.invalid");
	ck_assert_str_ne(err.remedy, "");
	ck_assert(!sink.host && !sink.port && !sink.prefix);
}
END_TEST

START_TEST(test_longest)
{
	AUTO(sink) struct sink sink = { 0 };
	struct err err = { "" };
	char text[300];

	memset(text, 'a', sizeof text);
	text[129] = 0;
	ck_assert_int_lt(sink_set_prefix(&sink, text, &err), 0);
	text[128] = 0;
	ck_assert_int_eq(sink_set_prefix(&sink, text, &err), 0);
	ck_assert_int_lt(sink_set_host(&sink, text, &err), 0); /* a word of 128 */
	text[63] = 0;
	ck_assert_int_eq(sink_set_host(&sink, text, &err), 0);
	for (int i = 0; i < 7; i++)
		ck_assert_int_eq(sink_add_tag(&sink, "a", "0123456789012345678901234567"
							  "8901", &err), 0);
	ck_assert_int_lt(sink_add_tag(&sink, "a", "0123456789012345678901234567890",
				      &err), 0);
}
END_TEST

START_TEST(test_bad)
{
	struct err err = { "" };
	struct site *site = load(bad[_i].text, bad[_i].mode, &err);

	ck_assert_msg(site == NULL, "%s", bad[_i].text);
	ck_assert_msg(str_eq(err.code, bad[_i].code), "%s: %s: %s", bad[_i].text,
		      err.code, err.text);
	if (bad[_i].line) {
		ck_assert_msg(err.line == bad[_i].line && err.column == bad[_i].column,
			      "%s: at %u:%u", bad[_i].text, err.line, err.column);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("model-site");
	TCase *tcase = tcase_create("site");

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, test_good);
	tcase_add_test(tcase, test_only_named);
	tcase_add_test(tcase, test_missing);
	tcase_add_loop_test(tcase, test_bad, 0, ARRAY_LEN(bad));
	tcase_add_test(tcase, test_metrics);
	tcase_add_test(tcase, test_no_metrics);
	tcase_add_loop_test(tcase, test_setting, 0, ARRAY_LEN(settings));
	tcase_add_test(tcase, test_longest);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
