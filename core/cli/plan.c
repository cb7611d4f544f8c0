/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `fettle plan`: what a run would do, as far as that is known before its first
 * change. The same plan and the same diff as the run that follows.
 */
#include "base/base.h"

#include "base/json.h"
#include "base/num.h"
#include "cli/report.h"
#include "cli/signals.h"
#include "cli/view.h"

/* The run would do nothing with these; the reader would not miss them. */
static bool
says_nothing(const json_t *report)
{
	const json_t *proposal = json_object_get(report, "proposal");

	return !json_array_size(json_object_get(proposal, "edits")) &&
	       !json_array_size(json_object_get(proposal, "effects")) &&
	       !json_array_size(json_object_get(proposal, "commands")) &&
	       !json_array_size(json_object_get(report, "answers")) &&
	       !json_array_size(json_object_get(report, "findings")) &&
	       !*json_text(json_object_get(report, "outputs"), "diagnosis") &&
	       !*json_text(report, "message");
}

static void
add_labelled(struct cli *cli, struct str *text, const char *label, enum tone tone,
	     const char *value)
{
	if (!*value)
		return;
	report_label(&cli->out, text, label);
	out_add_wrapped(&cli->out, text, tone, value, REPORT_INDENT);
	str_add_c(text, '\n');
}

static void
add_head(struct cli *cli, struct str *text, const json_t *plan)
{
	const char *service = json_text(plan, "service");

	out_addf(&cli->out, text, TONE_STRONG, "plan: %s", json_text(plan, "pipeline"));
	if (*service)
		out_addf(&cli->out, text, TONE_STRONG, " of service %s", service);
	str_add_c(text, '\n');
	add_labelled(cli, text, "asked", TONE_PLAIN, json_text(plan, "instruction"));
	add_labelled(cli, text, "made by", TONE_PLAIN, json_text(plan, "generated_by"));
	add_labelled(cli, text, "workspace", TONE_PLAIN, json_text(plan, "workspace"));
}

static const char *
limit_text(const json_t *step, const char *key, char buf[32])
{
	int64_t ms = json_int_or(step, key, 0);

	return ms > 0 ? num_format_ms((uint64_t)ms, buf) : "none";
}

static void
add_steps(struct cli *cli, struct str *text, const json_t *plan)
{
	AUTO(table) struct table table = { .columns = 5 };
	static const char *const heads[] = { "STEP", "USES", "TIMEOUT", "IDLE",
					     "WHEN" };
	json_t *step;
	size_t i;

	for (i = 0; i < ARRAY_LEN(heads); i++)
		table_add(&table, TONE_DIM, heads[i]);
	json_array_foreach (json_object_get(plan, "steps"), i, step) {
		const char *section = json_text(step, "section");
		char buf[32];

		table_add(&table, TONE_STRONG, json_text(step, "id"));
		table_add(&table, TONE_PLAIN, json_text(step, "uses"));
		table_add(&table, TONE_PLAIN, limit_text(step, "timeout_ms", buf));
		table_add(&table, TONE_PLAIN, limit_text(step, "idle_timeout_ms", buf));
		table_add(&table, TONE_DIM,
			  str_eq(section, "on_failure") ? "on failure" :
			  str_eq(section, "finally")	? "always, at the end" :
							  "");
	}
	str_add_c(text, '\n');
	table_print(&table, &cli->out, text, 2);
}

static void
add_command(struct cli *cli, struct str *text, const json_t *argv)
{
	AUTO(str) struct str line = STR_INIT;
	json_t *word;
	size_t i;

	json_array_foreach (argv, i, word) {
		if (i)
			str_add_c(&line, ' ');
		cli_add_quoted(&line, json_string_value(word));
	}
	report_label(&cli->out, text, "command");
	out_add_wrapped(&cli->out, text, TONE_PLAIN, str_get(&line), REPORT_INDENT);
	str_add_c(text, '\n');
}

static void
add_answer(struct cli *cli, struct str *text, const json_t *answer)
{
	const char *verdict = json_text(answer, "verdict");
	enum tone tone = str_eq(verdict, "allow")   ? TONE_GOOD :
			 str_eq(verdict, "abstain") ? TONE_DIM :
						      TONE_BAD;

	report_label(&cli->out, text, "policy");
	out_addf(&cli->out, text, tone, "%s: %s", json_text(answer, "policy"), verdict);
	if (*json_text(answer, "reason"))
		out_addf(&cli->out, text, TONE_PLAIN, ": %s",
			 json_text(answer, "reason"));
	str_add_c(text, '\n');
}

/* What one step would do. */
static void
add_report(struct cli *cli, struct str *text, const json_t *report)
{
	const json_t *proposal = json_object_get(report, "proposal");
	const char *state = json_text(report, "state"),
		   *diff = json_text(report, "diff");
	json_t *item;
	size_t i;

	str_add_c(text, '\n');
	out_add(&cli->out, text, TONE_STRONG, json_text(report, "step"));
	out_addf(&cli->out, text, state_tone(state), "  %s", state_words(state));
	str_add_c(text, '\n');
	add_labelled(cli, text, "diagnosis", TONE_PLAIN,
		     json_text(json_object_get(report, "outputs"), "diagnosis"));
	json_array_foreach (json_object_get(report, "findings"), i, item)
		add_labelled(cli, text, "found", TONE_PLAIN, json_text(item, "title"));
	add_labelled(cli, text, "message",
		     str_eq(state, "planned") ? TONE_PLAIN : TONE_BAD,
		     json_text(report, "message"));
	add_labelled(cli, text, "what to do", TONE_STRONG, json_text(report, "remedy"));
	json_array_foreach (json_object_get(proposal, "effects"), i, item) {
		const char *summary = json_text(item, "summary");
		AUTO_FREE char *plain = x_asprintf("%s %s", json_text(item, "kind"),
						   json_text(item, "target"));

		add_labelled(cli, text, "effect", TONE_PLAIN,
			     *summary ? summary : plain);
	}
	json_array_foreach (json_object_get(proposal, "commands"), i, item)
		add_command(cli, text, item);
	json_array_foreach (json_object_get(report, "answers"), i, item)
		add_answer(cli, text, item);
	if (*diff) {
		str_add_c(text, '\n');
		out_add_diff(&cli->out, text, diff, strlen(diff));
	}
}

/* The same order as a run. */
static void
add_run_command(struct cli *cli, struct str *text)
{
	const char *const options[][2] = { { " -p ", cli->options.pipeline },
					   { " -s ", cli->options.service },
					   { " -C ", cli->options.directory } };
	AUTO(str) struct str words = STR_INIT;
	struct order order;
	const char *key;
	json_t *value;

	cli_add_command(cli, text, "run", NULL);
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (!options[i][1])
			continue;
		str_add(text, options[i][0]);
		cli_add_quoted(text, options[i][1]);
	}
	json_object_foreach (cli->options.inputs, key, value) {
		AUTO_FREE char *pair =
			x_asprintf("%s=%s", key, json_string_value(value));

		str_add(text, " -i ");
		cli_add_quoted(text, pair);
	}
	cli_order(cli, &words, &order);
	if (order.instruction) {
		str_add_c(text, ' ');
		cli_add_quoted(text, order.instruction);
	}
}

/* A plan that a policy or a step refuses would not get any further as a run. */
static int
plan_exit(const json_t *document)
{
	const json_t *steps = json_object_get(document, "steps");
	const json_t *last = json_array_get(steps, json_array_size(steps) - 1);
	const char *state = json_text(last, "state");

	if (str_eq(state, "cancelled"))
		return EXIT_CANCELLED;
	if (str_eq(json_text(last, "verdict"), "deny"))
		return EXIT_DENIED;
	return str_eq(state, "failed") ? EXIT_REFUSED : EXIT_DONE;
}

/* What decides whether the service is well; nobody need read the YAML for it. */
static void
add_health(struct cli *cli, struct str *text, const json_t *plan)
{
	const json_t *health =
		json_object_get(json_object_get(plan, "facts"), "service.health");
	const char *label = "health";
	json_t *probe;
	size_t i;

	if (!*json_text(plan, "service"))
		return;
	str_add_c(text, '\n');
	if (!json_array_size(health))
		add_labelled(cli, text, label, TONE_PLAIN,
			     "no probe is configured: the state of its container alone "
			     "decides");
	json_array_foreach (health, i, probe) {
		AUTO(str) struct str line = STR_INIT;
		const char *key;
		json_t *value;

		json_object_foreach (probe, key, value) {
			str_addf(&line, "%s%s ", line.len ? ", " : "", key);
			if (json_is_string(value))
				str_add(&line, json_string_value(value));
			else
				json_add(&line, value);
		}
		add_labelled(cli, text, label, TONE_PLAIN, str_get(&line));
		label = "";
	}
}

static void
print_plan(struct cli *cli, const json_t *document)
{
	const json_t *plan = json_object_get(document, "plan");
	AUTO(str) struct str text = STR_INIT;
	AUTO(strv) struct strv quiet = STRV_INIT;
	json_t *report;
	size_t i;

	add_head(cli, &text, plan);
	if (!cli->options.quiet) {
		add_steps(cli, &text, plan);
		add_health(cli, &text, plan);
	}
	json_array_foreach (json_object_get(document, "steps"), i, report) {
		if (says_nothing(report))
			strv_add(&quiet, json_text(report, "step"));
		else
			add_report(cli, &text, report);
	}
	str_add_c(&text, '\n');
	if (quiet.count) {
		str_add(&text, "known only while it runs:");
		for (i = 0; i < quiet.count; i++)
			out_addf(&cli->out, &text, TONE_PLAIN, "%s %s", i ? "," : "",
				 quiet.v[i]);
		str_add_c(&text, '\n');
	}
	if (*json_text(plan, "service"))
		out_add(&cli->out, &text, TONE_WARN,
			"Data in volumes is not rolled back.\n");
	if (plan_exit(document) != EXIT_DONE) {
		str_add(&text, "Nothing was changed. A run would come no further.\n");
	} else {
		str_add(&text, "Nothing was changed. To do it:\n  ");
		add_run_command(cli, &text);
		str_add_c(&text, '\n');
	}
	out_write(&cli->out, &text);
}

int
verb_plan(struct cli *cli)
{
	AUTO(json_ref) json_t *document = NULL;
	AUTO(str) struct str words = STR_INIT, actor = STR_INIT;
	AUTO(view) struct view view = { 0 };
	AUTO(engine) struct engine engine = { 0 };
	struct order order;
	struct err err;
	int failed;

	if (cli_open_store(cli, STORE_WRITE, &err) < 0)
		return cli_fail(cli, &err, EXIT_REFUSED);
	cli_actor(&actor);
	cli_order(cli, &words, &order);
	engine = cli_engine(cli, str_get(&actor));
	view_init(&view, cli);
	/* Only a terminal is kept informed; what is piped is the plan alone. */
	if (view.mode == VIEW_LIVE)
		engine.watch = view_watch(&view);
	if (signals_install(&engine.cancel_fd, &err) < 0)
		return cli_fail(cli, &err, EXIT_REFUSED);
	failed = engine_plan(&engine, &order, &document, &err);
	view_erase(&view);
	if (failed < 0)
		return cli_fail(cli, &err,
				str_eq(err.code, "cancelled") ? EXIT_CANCELLED :
								EXIT_REFUSED);
	if (cli->options.json)
		out_json(&cli->out, document);
	else
		print_plan(cli, document);
	return plan_exit(document);
}
