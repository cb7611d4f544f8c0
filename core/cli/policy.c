/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `fettle policy test FILE...`: tables of facts and the verdicts a policy must
 * give on them, by the installed module in its jail. See fettle-policy-test(5).
 * `fettle policy replay [RUN]`: what today's policies say of past runs.
 */
#include "base/base.h"

#include <time.h>

#include "base/num.h"
#include "cli/cli.h"
#include "engine/evidence.h"
#include "model/node.h"

struct tally {
	int64_t passed, failed;
	json_t *rows;
};

/* ---- facts as people write them ---- */

/* `Z`, `+01:00`, `-0530`: seconds east of Greenwich. 0 or -1. */
static int
parse_offset(const char *text, int64_t *ret)
{
	const char *p = text + 1;
	int64_t digits = 0;
	int count = 0;

	*ret = 0;
	if (str_eq(text, "Z"))
		return 0;
	if (*text != '+' && *text != '-')
		return -1;
	for (; *p; p++) {
		if (*p == ':' && count == 2)
			continue;
		if (*p < '0' || *p > '9' || ++count > 4)
			return -1;
		digits = digits * 10 + (*p - '0');
	}
	*ret = (digits / 100 * 60 + digits % 100) * (*text == '+' ? 60 : -60);
	return count == 4 ? 0 : -1;
}

/* `2026-11-20T16:00:00Z`, `...+01:00`: wall clock in milliseconds. 0 or -1. */
static int
parse_time(const char *text, int64_t *ret)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int64_t east;

	if (!rest || parse_offset(rest, &east) < 0)
		return -1;
	*ret = (timegm(&tm) - east) * 1000;
	return 0;
}

static struct diff_side
side(const json_t *edit, const char *which)
{
	const char *text = json_string_value(json_object_get(edit, which));

	return (struct diff_side){ text, text ? strlen(text) : 0 };
}

/* What the engine would show of the edits: their lines counted. */
static json_t *
complete_edits(const json_t *edits)
{
	json_t *list = json_array();
	const json_t *edit;
	size_t i;

	json_array_foreach (edits, i, edit)
		json_array_append_new(
			list, evidence_edit(json_text(edit, "path"),
					    json_text_or(edit, "op", "write"),
					    side(edit, "before"), side(edit, "after")));
	return list;
}

/* `edits` and `commands` alone stand for a proposal of them. */
static void
complete(json_t *facts)
{
	json_t *edits = json_object_get(facts, "edits");
	json_t *commands = json_object_get(facts, "commands");
	const char *now = json_text(facts, "now");
	int64_t ms;

	if (json_is_array(edits)) {
		json_object_set_new(facts, "edits", complete_edits(edits));
		edits = json_object_get(facts, "edits");
	}
	if (!json_object_get(facts, "proposal"))
		json_object_set_new(facts, "proposal",
				    json_pack("{s:O*, s:[], s:O*}", "edits", edits,
					      "effects", "commands", commands));
	json_t *proposal = json_object_get(facts, "proposal");
	for (size_t i = 0; i < 2; i++) {
		const char *key = i ? "commands" : "edits";

		if (!json_object_get(proposal, key))
			json_object_set_new(proposal, key, json_array());
	}
	json_object_del(facts, "commands");
	if (*now && parse_time(now, &ms) == 0)
		json_object_set_new(facts, "now", json_integer(ms));
}

/* The table's own facts with those of the case over them. */
static json_t *
case_facts(const struct node *root, const struct node *node)
{
	const struct node *common = node_find(root, "facts");
	const struct node *own = node_find(node, "facts");
	json_t *facts = common ? node_to_json(common) : json_object();
	AUTO(json_ref) json_t *over = own ? node_to_json(own) : NULL;

	if (over)
		json_object_update(facts, over);
	complete(facts);
	return facts;
}

/* ---- one case ---- */

struct expected {
	const char *name, *verdict, *reason; /* reason: part of it, or NULL */
};

static int
read_expected(const struct node *node, const char *file, struct expected *ret,
	      struct err *err)
{
	static const char *const allowed[] = { "name",	 "with",   "facts",
					       "expect", "reason", NULL };
	const struct node *name = node_find(node, "name");
	const struct node *verdict = node_find(node, "expect");
	const struct node *reason = node_find(node, "reason");

	if (node_check_keys(node, file, allowed, err) < 0)
		return -1;
	if (!name || !verdict)
		return node_err(node, file, err, "key.missing",
				"a case needs `name` and `expect`");
	ret->name = node_text(name, file, "name", err);
	ret->verdict = node_text(verdict, file, "expect", err);
	ret->reason = reason ? node_text(reason, file, "reason", err) : NULL;
	return ret->name && ret->verdict && (!reason || ret->reason) ? 0 : -1;
}

static void
count(struct cli *cli, struct tally *tally, const char *file,
      const struct expected *expected, const json_t *answer)
{
	const char *verdict = json_text(answer, "verdict");
	const char *reason = json_text(answer, "reason");
	bool is_good = str_eq(verdict, expected->verdict) &&
		       (!expected->reason || strstr(reason, expected->reason));
	AUTO(str) struct str text = STR_INIT;

	tally->passed += is_good;
	tally->failed += !is_good;
	json_array_append_new(tally->rows,
			      json_pack("{s:s, s:s, s:b, s:s, s:s, s:s}", "file", file,
					"name", expected->name, "ok", is_good, "expect",
					expected->verdict, "verdict", verdict, "reason",
					reason));
	if (cli->options.json || (is_good && cli->options.quiet))
		return;
	out_add(&cli->out, &text, is_good ? TONE_GOOD : TONE_BAD,
		is_good ? "ok       " : "not ok   ");
	out_addf(&cli->out, &text, TONE_PLAIN, "%s: ", expected->name);
	if (!is_good)
		out_addf(&cli->out, &text, TONE_PLAIN, "%s%s%s, but ",
			 expected->verdict, expected->reason ? " with " : "",
			 expected->reason ? expected->reason : "");
	out_addf(&cli->out, &text, TONE_PLAIN, "%s%s%s\n", verdict,
		 *reason ? ": " : "", reason);
	out_write(&cli->out, &text);
}

static int
test_case(struct cli *cli, struct engine *engine, const char *file,
	  const struct node *root, const struct node *node, struct tally *tally,
	  struct err *err)
{
	const char *policy = node_text(node_find(root, "policy"), file, "policy", err);
	const struct node *with = node_find(node, "with");
	AUTO(json_ref) json_t *answer = NULL;
	struct expected expected = { NULL, NULL, NULL };

	if (!policy || read_expected(node, file, &expected, err) < 0)
		return -1;
	AUTO(json_ref) json_t *facts = case_facts(root, node);
	if (engine_judge(engine, policy, with ? with : node_find(root, "with"), file,
			 facts, &answer, err) < 0)
		return err->line ? -1 : node_at(node, file, err);
	count(cli, tally, file, &expected, answer);
	return 0;
}

/* ---- a file of them ---- */

static int
test_file(struct cli *cli, struct engine *engine, const char *file, struct tally *tally,
	  struct err *err)
{
	static const char *const allowed[] = { "fettle", "policy", "with",
					       "facts",	 "cases",  NULL };
	AUTO(node) struct node *root = node_load(file, err);

	if (!root || node_check_keys(root, file, allowed, err) < 0)
		return -1;
	const struct node *cases = node_find(root, "cases");
	if (!node_find(root, "policy") || !cases)
		return node_err(root, file, err, "key.missing",
				"a table needs `policy` and `cases`");
	if (cases->kind != NODE_SEQUENCE || cases->count == 0)
		return node_err(cases, file, err, "type.list",
				"'cases' must be a list of cases");
	for (size_t i = 0; i < cases->count; i++)
		if (test_case(cli, engine, file, root, cases->items[i], tally, err) < 0)
			return -1;
	return 0;
}

static void
print_tally(struct cli *cli, const struct tally *tally)
{
	AUTO(str) struct str text = STR_INIT;

	if (cli->options.json) {
		AUTO(json_ref)
		json_t *json = json_pack("{s:I, s:I, s:O}", "passed",
					 (json_int_t)tally->passed, "failed",
					 (json_int_t)tally->failed, "cases",
					 tally->rows);

		out_json(&cli->out, json);
		return;
	}
	str_addf(&text, "%lld passed, %lld failed\n", (long long)tally->passed,
		 (long long)tally->failed);
	out_write(&cli->out, &text);
}

int
verb_policy_test(struct cli *cli)
{
	AUTO(json_ref) json_t *rows = json_array();
	AUTO(engine) struct engine engine = { 0 };
	struct tally tally = { .rows = rows };
	struct err err;

	if (cli_open_store(cli, STORE_WRITE, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	engine = cli_engine(cli, "operator");
	for (size_t i = 0; cli_arg(cli, i); i++)
		if (test_file(cli, &engine, cli_arg(cli, i), &tally, &err) < 0)
			return cli_fail(cli, &err, EXIT_USAGE);
	print_tally(cli, &tally);
	return tally.failed ? EXIT_REFUSED : EXIT_DONE;
}

/* ---- replay ---- */

static void
print_replay(struct cli *cli, const json_t *rows)
{
	AUTO(table) struct table table = { .columns = 5 };
	AUTO(str) struct str text = STR_INIT;
	size_t i, different = 0;
	const json_t *row;

	json_array_foreach (rows, i, row) {
		const char *then = json_text(row, "then"), *now = json_text(row, "now");
		bool is_same = str_eq(then, now);

		different += !is_same;
		if (is_same && cli->options.quiet)
			continue;
		table_add(&table, TONE_PLAIN, json_text(row, "run"));
		table_add(&table, TONE_STRONG, json_text(row, "step"));
		table_add(&table, TONE_DIM, then);
		table_add(&table, is_same ? TONE_DIM : TONE_WARN, now);
		table_add(&table, TONE_PLAIN, json_text(row, "reason"));
	}
	table_print(&table, &cli->out, &text, 0);
	str_addf(&text, "%zu verdicts, %zu of them would be others today\n", i,
		 different);
	out_write(&cli->out, &text);
}

int
verb_policy_replay(struct cli *cli)
{
	const char *name = cli_arg(cli, 0);
	AUTO(engine) struct engine engine = { 0 };
	AUTO(json_ref) json_t *rows = NULL;
	char run[RUN_ID_SIZE];
	struct err err;

	if (name && cli_find_run(cli, name, run, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	cli_close_store(cli);
	if (cli_open_store(cli, STORE_WRITE, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	engine = cli_engine(cli, "operator");
	if (engine_replay(&engine, name ? run : NULL, (uint32_t)cli->options.limit,
			  &rows, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	if (cli->options.json)
		out_json(&cli->out, rows);
	else
		print_replay(cli, rows);
	return EXIT_DONE;
}
