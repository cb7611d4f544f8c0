/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a run waits for. See hold.h. */
#include "base/base.h"

#include "cli/hold.h"

#include "cli/report.h"

static void
add_names(struct str *out, const json_t *names, const char *glue)
{
	const json_t *name;
	size_t i;

	json_array_foreach (names, i, name)
		str_addf(out, "%s%s", i ? glue : "", json_string_value(name));
}

static void
add_need(struct cli *cli, struct str *out, const json_t *need, const char *label)
{
	AUTO(str) struct str text = STR_INIT;
	const json_t *roles = json_object_get(need, "roles");
	const json_t *approved = json_object_get(need, "approved");
	int64_t quorum = json_int_or(need, "quorum", 1);

	str_addf(&text, "%lld %s", (long long)quorum,
		 quorum == 1 ? "person" : "people");
	if (json_array_size(roles) > 0) {
		str_add(&text, " with role ");
		add_names(&text, roles, " or ");
	}
	if (!json_flag(need, "self_approval"))
		str_add(&text, ", not who asked");
	str_addf(&text, " (policy %s: %s)", json_text(need, "policy"),
		 json_text(need, "reason"));
	if (json_array_size(approved) > 0) {
		str_add(&text, "; agreed: ");
		add_names(&text, approved, ", ");
	}
	report_paragraph(cli, out, label, TONE_PLAIN, str_get(&text));
}

static void
add_needs(struct cli *cli, struct str *out, const json_t *hold)
{
	const json_t *need;
	char until[32];
	size_t i;

	json_array_foreach (json_object_get(hold, "needs"), i, need)
		add_need(cli, out, need, i ? "" : "needs");
	report_paragraph(cli, out, "until", TONE_PLAIN,
			 time_local(json_int_or(hold, "expires_ms", 0), until));
}

/* Twelve digits tell two hashes apart; what is no hash is short. */
static const char *
short_hash(const char *hash, char buf[24])
{
	if (str_starts(hash, "sha256:"))
		hash += strlen("sha256:");
	snprintf(buf, 24, "%.12s", *hash ? hash : "nothing");
	return buf;
}

/* What was agreed to before is void: the reader looks for what is new. */
static void
add_again(struct cli *cli, struct str *out, const json_t *again)
{
	const json_t *change;
	size_t i;

	if (!again)
		return;
	report_paragraph(cli, out, "again", TONE_WARN, json_text(again, "why"));
	json_array_foreach (json_object_get(again, "changed"), i, change) {
		char was[24], is[24];
		AUTO_FREE char *text =
			x_asprintf("%s: %s, now %s", json_text(change, "what"),
				   short_hash(json_text(change, "was"), was),
				   short_hash(json_text(change, "is"), is));

		report_paragraph(cli, out, "", TONE_PLAIN, text);
	}
}

static void
add_effects(struct cli *cli, struct str *out, const json_t *proposal)
{
	const json_t *effect, *argv;
	size_t i;

	json_array_foreach (json_object_get(proposal, "effects"), i, effect) {
		AUTO_FREE char *text = x_asprintf(
			"%s %s: %s", json_text(effect, "kind"),
			json_text(effect, "target"), json_text(effect, "summary"));

		report_paragraph(cli, out, i ? "" : "effects", TONE_PLAIN, text);
	}
	json_array_foreach (json_object_get(proposal, "commands"), i, argv) {
		AUTO(str) struct str text = STR_INIT;
		const json_t *word;
		size_t k;

		json_array_foreach (argv, k, word) {
			if (k)
				str_add_c(&text, ' ');
			cli_add_quoted(&text, json_string_value(word));
		}
		report_paragraph(cli, out, i ? "" : "runs", TONE_PLAIN, str_get(&text));
	}
}

void
hold_show(struct cli *cli, struct str *out, const json_t *hold)
{
	const char *diff = json_text(hold, "diff");
	AUTO(str) struct str asked = STR_INIT;

	add_names(&asked, json_object_get(hold, "requesters"), ", ");
	report_paragraph(cli, out, "step", TONE_STRONG, json_text(hold, "step"));
	report_paragraph(cli, out, "asked by", TONE_PLAIN, str_get(&asked));
	add_again(cli, out, json_object_get(hold, "again"));
	add_needs(cli, out, hold);
	add_effects(cli, out, json_object_get(hold, "proposal"));
	if (*diff) {
		AUTO(str) struct str visible = STR_INIT;

		/* Here it is read, not applied: nothing in it may hide or steer. */
		str_add_visible(&visible, diff, strlen(diff));
		str_add_c(out, '\n');
		out_add_diff(&cli->out, out, str_get(&visible), visible.len);
	}
	str_add_c(out, '\n');
	report_paragraph(cli, out, "digest", TONE_PLAIN, json_text(hold, "digest"));
}

json_t *
hold_json(struct cli *cli, const char *run)
{
	AUTO(engine) struct engine engine = cli_engine(cli, "operator");
	json_t *hold = NULL;
	struct err ignored;

	if (engine_hold(&engine, run, &hold, &ignored) < 0)
		return json_null();
	return hold;
}

void
hold_report(struct cli *cli, struct str *out, const json_t *summary)
{
	const char *run = json_text(summary, "run");
	AUTO(str) struct str command = STR_INIT;

	if (!str_eq(json_text(summary, "state"), "awaiting_approval"))
		return;
	AUTO(json_ref) json_t *hold = hold_json(cli, run);
	if (!json_flag(hold, "present"))
		return;
	report_paragraph(cli, out, "waits at", TONE_STRONG, json_text(hold, "step"));
	add_again(cli, out, json_object_get(hold, "again"));
	add_needs(cli, out, hold);
	report_paragraph(cli, out, "missing", TONE_WARN, json_text(hold, "missing"));
	report_paragraph(cli, out, "digest", TONE_PLAIN, json_text(hold, "digest"));
	cli_add_command(cli, &command, "approve", run);
	report_paragraph(cli, out, "to agree", TONE_STRONG, str_get(&command));
	str_truncate(&command, 0);
	cli_add_command(cli, &command, "reject", run);
	str_add(&command, " --reason TEXT");
	report_paragraph(cli, out, "or not", TONE_PLAIN, str_get(&command));
}
