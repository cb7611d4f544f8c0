/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What may happen in a history. See history-acts.h. */
#include "history-acts.h"

#include "unit.h"

#include <signal.h>
#include <sys/wait.h>

#include "engine/continue.h"

uint64_t random_state;
bool is_meanwhile;

unsigned
draw(unsigned limit)
{
	return unit_random(&random_state, limit);
}

static bool
one_in(unsigned n)
{
	return draw(n) == 0;
}

/* ---- what is counted ---- */

const char *const act_names[] = {
	"begin", "approve", "reject", "clock", "edit", "config", "policies", "modules",
	"person", "resume", "cancel", "recover", "retry", "tables by hand",
	"events by hand", "killed in the middle", "in the middle of another"
};
unsigned acts[ACT_COUNT];
struct outcome outcomes[OUTCOMES];

void
count_outcome(const char *name)
{
	struct outcome *o = outcomes;

	while (o->name && !str_eq(o->name, name))
		o++;
	ck_assert(o < outcomes + ARRAY_LEN(outcomes) - 1);
	if (!o->name)
		o->name = x_strdup(name);
	o->count++;
}

/* ---- whom and what it is about ---- */

struct told_run *
some_run(void)
{
	struct told_run *r = &world.runs[draw(RUNS)];

	return r->id[0] ? r : NULL;
}

static bool
is_waiting(const struct told_run *r)
{
	return str_eq(r->state, "awaiting_approval");
}

bool
is_over(const struct told_run *r)
{
	return !is_waiting(r) && !str_eq(r->state, "running") &&
	       !str_eq(r->state, "pending") && !str_eq(r->state, "rolling_back");
}

/* What can be foretold of this run exactly. */
static bool
is_plain(const struct told_run *r)
{
	return !r->is_damaged && !r->is_forged && !r->is_cancelled && !is_meanwhile;
}

static struct engine *
engine(void)
{
	return &world.engines[is_meanwhile];
}

/* ---- people ---- */

static const char *
some_digest(const struct told_run *r)
{
	switch (draw(12)) {
	case 0:
		return "";
	case 1:
		return "0000";
	case 2:
		return world.runs[r == world.runs].hold.digest;
	default:
		return r->hold.digest;
	}
}

/* Rather somebody whose word is new and counts. */
static size_t
some_person(const struct told_run *r, const char *digest)
{
	size_t i = draw(PEOPLE + 1);

	for (int tries = 0; tries < 4; tries++) {
		if (i < PEOPLE && !r->hold.has_said[i] &&
		    !*rule_answer(&r->hold, world.people, i, digest, is_waiting(r),
				  world.now_ms))
			return i;
		i = draw(PEOPLE + 1);
	}
	return i;
}

void
answer(struct told_run *r, bool is_yes)
{
	const char *digest = some_digest(r);
	size_t i = some_person(r, digest);
	const char *account = i < PEOPLE ? world.people[i].accounts[draw(2)] : "nobody";
	struct engine_answer answer = { .run = r->id,
					.account = account,
					.digest = digest,
					.text = "because" };
	struct rule_hold before = r->hold;
	const char *want = rule_answer(&before, world.people, i, answer.digest,
				       is_waiting(r), world.now_ms);
	struct err err = { 0 };
	bool is_full = false;
	int failed;

	world_tell("%s %s %s by %s: %.8s", is_meanwhile ? "  meanwhile" : "",
		   is_yes ? "approve" : "reject", r->id, account, answer.digest);
	/* Who asked for it may not say yes alone, but may say no. */
	if (!is_yes && str_eq(want, "self_approval"))
		want = "";
	failed = is_yes ? engine_approve(engine(), &answer, &is_full, &err) :
			  engine_reject(engine(), &answer, &err);
	count_outcome(failed ? err.code : is_yes ? "approved" : "rejected");
	world_observe();
	if (r->is_damaged || r->is_forged)
		return;
	if (!str_eq(want, failed ? err.code : ""))
		world_broken("the answer came to '%s', not '%s'",
			     failed ? err.code : "", want);
	if (!failed && is_yes && !r->hold.has_said[i])
		world_broken("an approval was not recorded");
	if (!failed && is_yes && is_full != rule_is_full(&r->hold, world.people))
		world_broken("full is %d", is_full);
	if (!failed && !is_yes && r->hold.state != HOLD_REJECTED)
		world_broken("a rejection was not recorded");
}

void
change_person(void)
{
	struct person *p = &world.people[draw(PEOPLE)];

	switch (draw(4)) {
	case 0:
		p->roles ^= 1u << draw(2);
		break;
	case 1:
		p->is_human = one_in(4) ? !p->is_human : p->is_human;
		break;
	default:
		p->is_disabled = !p->is_disabled;
	}
	world_tell("%s %s: roles %u, human %d, disabled %d",
		   is_meanwhile ? "  meanwhile" : "", p->name, p->roles, p->is_human,
		   p->is_disabled);
	world_write_site();
}

/* ---- the world goes on ---- */

void
move_clock(void)
{
	const struct told_run *r = &world.runs[draw(RUNS)];

	switch (draw(5)) {
	case 0:
		world.now_ms -= draw(2000);
		break;
	case 1:
	case 2:
		/* To the moment before its time is up, that moment, or behind it. */
		if (r->hold.state == HOLD_OPEN)
			world.now_ms = r->hold.expires_ms - 1 + draw(3);
		break;
	default:
		world.now_ms += draw(150);
	}
	world_tell("%s clock %lld", is_meanwhile ? "  meanwhile" : "",
		   (long long)world.now_ms);
}

void
change_world(enum act act)
{
	AUTO_FREE char *text = x_asprintf("edited %u\n", ++world.contents);

	switch (act) {
	case ACT_EDIT:
		world_write_file(text);
		break;
	case ACT_CONFIG:
		world.config++;
		break;
	case ACT_MODULES:
		world.modules++;
		break;
	default:
		world.mood = draw(8) < 6 ? world.mood ^ (world.mood < MOOD_ALLOW) :
					   draw(4);
	}
	world_tell("%s %s: config %u, modules %u, mood %u",
		   is_meanwhile ? "  meanwhile" : "", act_names[act], world.config,
		   world.modules, world.mood);
}

void
damage_tables(struct told_run *r)
{
	static const char *const ways[] = {
		"INSERT OR REPLACE INTO approvals SELECT run, opened_seq, 'bob',"
		" '[\"a\",\"b\"]', 0 FROM holds WHERE run = '%s' AND state = 'open'",
		"UPDATE holds SET state = 'consumed' WHERE run = '%s' AND state = "
		"'open'",
		"UPDATE holds SET expires_ms = expires_ms * 2, needs = '[]'"
		" WHERE run = '%s'",
		"UPDATE runs SET state = 'running', due_ms = NULL WHERE run = '%s'",
		"UPDATE runs SET due_ms = 1 WHERE run = '%s'"
		" AND state = 'awaiting_approval'",
		"UPDATE verdicts SET verdict = 'allow' WHERE run = '%s'",
	};
	AUTO_FREE char *sql = x_strdup(ways[draw(ARRAY_LEN(ways))]);
	char *place = strstr(sql, "%s");
	AUTO_FREE char *all = x_asprintf("%.*s%s%s", (int)(place - sql), sql, r->id,
					 place + 2);

	world_tell("by hand: %s", all);
	r->is_damaged = true;
	world_sql(all);
}

void
forge_events(struct told_run *r)
{
	static const char *const ways[] = {
		"UPDATE events SET body = replace(body, '\"quorum\":', '\"quorum\":0')"
		" WHERE kind = 'hold.opened' AND run = '%s'",
		"UPDATE events SET body = replace(body, '\"expires_ms\":',"
		" '\"expires_ms\":9') WHERE kind = 'hold.opened' AND run = '%s'",
		"UPDATE events SET body = replace(body, '\"ann\"', '\"eve\"')"
		" WHERE kind = 'hold.approved' AND run = '%s'",
		"UPDATE events SET kind = 'step.note' WHERE kind = 'hold.rejected'"
		" AND run = '%s'",
		"INSERT INTO events (run, seq, time_ms, kind, actor, body, prev, hash)"
		" SELECT run, max(seq) + 1, 0, 'hold.approved', 'x', '{\"by\":"
		"\"eve\",\"roles\":[\"a\",\"b\"],\"full\":true}', hash, hash FROM "
		"events"
		" WHERE run = '%s'",
	};
	size_t way = draw(ARRAY_LEN(ways));
	AUTO_FREE char *sql = x_strdup(ways[way]);
	char *place = strstr(sql, "%s");
	AUTO_FREE char *all = x_asprintf("%.*s%s%s", (int)(place - sql), sql, r->id,
					 place + 2);
	struct err err = { 0 };

	world_tell("by hand: %s", all);
	world_observe();
	world_forge(all);
	/* Only what changed something is a forgery. */
	r->is_forged |= store_verify(world.stores[0], r->id, &err) < 0;
	r->is_damaged |= r->is_forged;
	world_skip();
}

/* ---- the engine goes on ---- */

static void
begin_run(struct told_run *r, const char *account)
{
	__attribute__((cleanup(takeover_done))) struct takeover t = TAKEOVER_INIT;
	struct engine *e = &world.engines[0];
	AUTO_FREE char *by = x_asprintf("operator:%s", account);
	AUTO(json_ref)
	json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:{}, s:s}", "pipeline", "p",
				 "service", "api", "instruction", "", "workspace",
				 world.workspace, "inputs", "requested_by", by);
	AUTO(json_ref) json_t *plan = world_plan(), *planned = NULL;
	char run[RUN_ID_SIZE], sha256[65], holder[RUN_ID_SIZE];
	struct err err = { 0 };

	json_sha256(plan, sha256);
	planned = json_pack("{s:O, s:s}", "plan", plan, "sha256", sha256);
	if (store_queue(e->store, by, body, run, &err) < 0 ||
	    takeover_claim(&t, e, run, &err) < 0 ||
	    store_append(e->store, &t.run.claim, "engine", "run.planned", planned,
			 &err) < 0 ||
	    takeover_open(&t, &err) < 0)
		world_broken("a run could not begin: %s", err.text);
	int busy = takeover_lock(&t, holder, &err);
	if (busy == 0 && run_carry_out(&t.run, &err) < 0)
		count_outcome("begin cut short");
	if (busy == 1) /* the other run's change stands: it is not its turn */
		run_append(&t.run, "run.ended", json_pack("{s:s}", "state", "failed"),
			   &err);
}

static void
resume(struct told_run *r)
{
	struct err err = { 0 };

	if (engine_continue(engine(), r->id, &err) == 0 || !err.code[0])
		return;
	count_outcome(err.code);
	if (!r->is_damaged && !r->is_forged && str_eq(err.code, "store.transition"))
		world_broken("going on was refused by the store: %s", err.text);
}

void
recover(void)
{
	AUTO(recovery) struct recovery recovery = { 0 };
	struct err err = { 0 };

	if (engine_recover(engine(), &recovery, &err) < 0)
		count_outcome(err.code);
	for (size_t i = 0; i < recovery.left.count; i++)
		count_outcome("left as it is");
}

void
cancel(struct told_run *r)
{
	enum cancelling how;
	struct err err = { 0 };

	if (store_cancel(engine()->store, r->id, "operator:ann1", NULL, &how, &err) <
		    0 ||
	    engine_cancel(engine(), r->id, &err) < 0)
		count_outcome(err.code);
}

static void
retry(struct told_run *r)
{
	AUTO_FREE char *actor = x_asprintf("operator:%s",
					   world.people[draw(PEOPLE)].accounts[0]);
	struct err err = { 0 };

	engine()->actor = actor;
	if (engine_retry(engine(), r->id, NULL, RETRY_REST, &err) < 0)
		count_outcome(err.code);
	engine()->actor = "operator:ann1";
}

static void
go(enum act act, struct told_run *r, const char *account)
{
	switch (act) {
	case ACT_BEGIN:
		begin_run(r, account);
		break;
	case ACT_RESUME:
		resume(r);
		break;
	case ACT_RECOVER:
		recover();
		break;
	case ACT_CANCEL:
		cancel(r);
		break;
	default:
		retry(r);
	}
}

/* In a process of its own that dies at one of its writes. */
static void
go_and_die(enum act act, struct told_run *r, const char *account)
{
	unsigned kill_in = 1 + draw(24);
	int status = 0;

	world_tell("  in a process killed at its write %u", kill_in);
	world.seen = (struct matter){ .config = world.config,
				      .asked = world.mood,
				      .modules = world.modules };
	world_disconnect();
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		world_connect();
		world.kill_in = kill_in;
		go(act, r, account);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	world_connect();
	acts[ACT_KILLED] += WIFSIGNALED(status);
	ck_assert(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : status == 0);
}

/* What must come of going on with a run that waits, when nobody interferes. */
static void
check_resumed(const struct told_run *before, const struct told_run *r)
{
	const struct rule_hold *hold = &before->hold;
	const struct told_run *other = &world.runs[r == world.runs];
	struct matter matter = { .config = world.config,
				 .asked = world.mood,
				 .modules = world.modules };
	int64_t now = world.now_ms;

	if (str_eq(hold->step, "patch"))
		memcpy(matter.before, before->file, sizeof matter.before);
	if (hold->state == HOLD_REJECTED || !rule_is_in_time(hold, now)) {
		if (!is_over(r))
			world_broken("a run nobody can agree to goes on");
		count_outcome("refused: ended");
		return;
	}
	if (!rule_is_full(hold, world.people)) {
		if (!is_waiting(r) || r->hold.state != HOLD_OPEN)
			world_broken("a run that is not agreed to does not wait");
		count_outcome("not full: waits");
		return;
	}
	if (other->has_service || other->is_damaged) {
		count_outcome("full, but the service is not free");
		return;
	}
	bool is_opened = r->consumed > before->consumed;
	if (is_opened != rule_may_open(hold, world.people, &matter, now))
		world_broken("a full, valid set opens the gate: %d", is_opened);
	count_outcome(is_opened ? "full: gate opened" : "full, but changed: void");
}

void
carry_on(enum act act, struct told_run *r)
{
	const char *account = world.people[draw(PEOPLE)].accounts[draw(2)];
	bool is_killed = !is_meanwhile && one_in(16);
	bool is_disturbed = !is_meanwhile && !is_killed && one_in(3);

	world_file_hash(r->file);
	struct told_run before = *r;

	world_tell("%s %s %s", is_meanwhile ? "  meanwhile" : "", act_names[act],
		   r->id);
	if (is_killed)
		go_and_die(act, r, account);
	else {
		world.meanwhile = is_disturbed ? meanwhile : world.meanwhile;
		go(act, r, account);
		world.meanwhile = is_meanwhile ? world.meanwhile : NULL;
	}
	world_observe();
	if (act == ACT_RESUME && is_plain(&before) && is_waiting(&before) &&
	    !is_killed && !is_disturbed)
		check_resumed(&before, r);
}
