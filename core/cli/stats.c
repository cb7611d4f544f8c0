/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `fettle stats`: what automation saved. The counting is in store/stats.c. */
#include "base/base.h"

#include <time.h>

#include "base/clock.h"
#include "base/num.h"
#include "cli/cli.h"
#include "cli/report.h"
#include "store/admin.h"

#define DAY_MS ((int64_t)86400000)

/* `2026-11-01`, midnight of local time. 0 or -1. */
static int
parse_day(const char *text, int64_t *ret_ms)
{
	struct tm tm = { .tm_isdst = -1 };
	const char *end = strptime(text, "%Y-%m-%d", &tm);
	time_t at;

	if (!end || *end || strlen(text) != strlen("2026-11-01"))
		return -1;
	at = mktime(&tm);
	if (at == (time_t)-1)
		return -1;
	*ret_ms = (int64_t)at * 1000;
	return 0;
}

/* `30d`, a duration, or a day. 0 or -1. */
static int
parse_since(const char *text, int64_t *ret_ms, struct err *err)
{
	size_t n = strlen(text);
	uint64_t number;

	if (n > 1 && text[n - 1] == 'd') {
		AUTO_FREE char *days = x_strndup(text, n - 1);

		if (num_u64(days, &number) == NUM_OK && number <= 36500) {
			*ret_ms = clock_wall_ms() - (int64_t)number * DAY_MS;
			return 0;
		}
	}
	if (num_duration_ms(text, &number) == NUM_OK && number < INT64_MAX / 2) {
		*ret_ms = clock_wall_ms() - (int64_t)number;
		return 0;
	}
	if (parse_day(text, ret_ms) == 0)
		return 0;
	(void)err_set(err, "usage", "'%s' is no period", text);
	return err_remedy(err, "give days as `30d`, a duration as `12h`, or a day as "
			       "`2026-11-01`");
}

/* `96.5 %`, `-` for null. */
static const char *
percent_of(const json_t *object, const char *key, char buf[32])
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_number(value))
		return "-";
	(void)snprintf(buf, 32, "%.1f %%", json_number_value(value));
	return buf;
}

static const char *
time_of(const json_t *object, const char *key, char buf[32])
{
	int64_t ms = json_int_or(object, key, -1);

	return ms < 0 ? "-" : num_format_ms((uint64_t)ms, buf);
}

static void
add_services(struct cli *cli, struct str *text, const json_t *stats)
{
	static const char *const heads[] = { "SERVICE", "RUNS",	    "SUCCEEDED",
					     "FAILED",	"SUCCESS",  "COMMANDS",
					     "LEFT",	"LESS WORK" };
	AUTO(table) struct table table = { .columns = ARRAY_LEN(heads) };
	const json_t *row;
	char buf[32];
	size_t i;

	for (i = 0; i < ARRAY_LEN(heads); i++)
		table_add(&table, TONE_DIM, heads[i]);
	json_array_foreach (json_object_get(stats, "services"), i, row) {
		const json_t *commands = json_object_get(row, "commands");
		const char *name = json_text(row, "service");

		table_add(&table, TONE_STRONG, *name ? name : "(none)");
		table_addf(&table, TONE_PLAIN, "%lld",
			   (long long)json_int_or(row, "runs", 0));
		table_addf(&table, TONE_GOOD, "%lld",
			   (long long)json_int_or(row, "succeeded", 0));
		table_addf(&table, TONE_PLAIN, "%lld",
			   (long long)json_int_or(row, "failed", 0));
		table_add(&table, TONE_PLAIN, percent_of(row, "success_percent", buf));
		table_addf(&table, TONE_PLAIN, "%lld",
			   (long long)json_int_or(commands, "by_fettle", 0));
		table_addf(&table, TONE_PLAIN, "%lld",
			   (long long)json_int_or(commands, "left", 0));
		table_add(&table, TONE_PLAIN,
			  percent_of(row, "less_manual_percent", buf));
	}
	if (!i)
		return;
	str_add_c(text, '\n');
	table_print(&table, &cli->out, text, 0);
}

static void
print_stats(struct cli *cli, const json_t *stats)
{
	const json_t *commands = json_object_get(stats, "commands");
	AUTO(str) struct str text = STR_INIT;
	const char *state;
	char buf[32];
	json_t *count;
	int64_t since = json_int_or(stats, "since_ms", 0);

	out_addf(&cli->out, &text, TONE_STRONG, "%lld runs",
		 (long long)json_int_or(stats, "runs", 0));
	if (since)
		str_addf(&text, " since %s", time_local(since, buf));
	str_add_c(&text, '\n');
	json_object_foreach (json_object_get(stats, "states"), state, count) {
		str_addf(&text, "  %6lld ", (long long)json_integer_value(count));
		out_addf(&cli->out, &text, state_tone(state), "%s\n", state);
	}
	str_addf(&text, "and  %lld rollbacks that were ordered\n",
		 (long long)json_int_or(stats, "rollbacks", 0));
	str_addf(&text, "\nsucceeded, of those that succeeded or failed  %s\n",
		 percent_of(stats, "success_percent", buf));
	str_addf(&text, "median time of a run that succeeded           %s\n",
		 time_of(stats, "median_run_ms", buf));
	str_addf(&text, "median time from patch to verified            %s\n",
		 time_of(stats, "median_patch_to_verify_ms", buf));
	str_addf(&text, "verified within 20 minutes                    %s\n",
		 percent_of(stats, "within_20m_percent", buf));
	str_addf(&text, "\ncommands done by Fettle                       %lld\n",
		 (long long)json_int_or(commands, "by_fettle", 0));
	str_addf(&text, "the same jobs by hand                         %lld\n",
		 (long long)json_int_or(commands, "by_hand", 0));
	str_addf(&text, "commands left to people                       %lld\n",
		 (long long)json_int_or(commands, "left", 0));
	str_addf(&text, "less manual work                              %s\n",
		 percent_of(stats, "less_manual_percent", buf));
	add_services(cli, &text, stats);
	out_write(&cli->out, &text);
}

int
verb_stats(struct cli *cli)
{
	AUTO(json_ref) json_t *stats = NULL;
	int64_t since_ms = 0;
	struct err err;

	if ((cli->options.since &&
	     parse_since(cli->options.since, &since_ms, &err) < 0) ||
	    cli_open_store(cli, STORE_READ, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	stats = store_stats(cli->store, since_ms, &err);
	if (!stats)
		return cli_fail(cli, &err, EXIT_USAGE);
	if (cli->options.json)
		out_json(&cli->out, stats);
	else
		print_stats(cli, stats);
	return EXIT_DONE;
}
