/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random histories of runs that wait for people: approve, reject, expire, replay,
 * edit, cancel, kill, in any order and in the middle of each other, with the
 * engine and the store as they are. No step that is held may begin unless a full,
 * valid set of approvals for exactly it was used in the same transaction, and with
 * one it does begin.
 *
 *	FETTLE_HISTORY_SEED=N	another seed (printed)
 *	FETTLE_HISTORIES=N	so many histories
 *
 * History I of seed S is history 0 of seed S + I: that is how one is told again.
 */
#include "history-acts.h"

#include "unit.h"

#include "base/num.h"

#define HISTORIES 10000
#define SEED 20261121

static enum act
some_act(void)
{
	static const unsigned char weights[ACT_COUNT] = {
		[ACT_BEGIN] = 6,   [ACT_APPROVE] = 40, [ACT_REJECT] = 3,
		[ACT_CLOCK] = 12,  [ACT_EDIT] = 4,     [ACT_CONFIG] = 3,
		[ACT_MOOD] = 4,	   [ACT_MODULES] = 1,  [ACT_PERSON] = 8,
		[ACT_RESUME] = 30, [ACT_CANCEL] = 2,   [ACT_RECOVER] = 4,
		[ACT_RETRY] = 4,   [ACT_TABLES] = 2,   [ACT_FORGE] = 1,
	};
	unsigned all = 0, i = 0;

	for (size_t k = 0; k < ACT_COUNT; k++)
		all += weights[k];
	for (unsigned n = draw(all); n >= weights[i]; i++)
		n -= weights[i];
	return (enum act)i;
}

/* What goes through the engine, on a run that there is. */
static void
act_on(enum act act, struct told_run *r)
{
	acts[act]++;
	switch (act) {
	case ACT_APPROVE:
	case ACT_REJECT:
		answer(r, act == ACT_APPROVE);
		break;
	case ACT_TABLES:
		damage_tables(r);
		break;
	case ACT_FORGE:
		forge_events(r);
		break;
	default:
		carry_on(act, r);
	}
}

static void
begin_another(void)
{
	for (int i = 0; i < RUNS && !is_meanwhile; i++) {
		struct told_run *r = &world.runs[i];

		if (r->id[0])
			continue;
		acts[ACT_BEGIN]++;
		*r = (struct told_run){ .config = world.config, .retrier = PEOPLE };
		world.starting = i;
		carry_on(ACT_BEGIN, r);
		world.starting = -1;
		return;
	}
}

static void
act_once(void)
{
	enum act act = some_act();
	struct told_run *r = some_run();

	switch (act) {
	case ACT_BEGIN:
		begin_another();
		break;
	case ACT_CLOCK:
		acts[act]++;
		move_clock();
		break;
	case ACT_EDIT:
	case ACT_CONFIG:
	case ACT_MOOD:
	case ACT_MODULES:
		acts[act]++;
		change_world(act);
		break;
	case ACT_PERSON:
		acts[act]++;
		change_person();
		break;
	default:
		if (r)
			act_on(act, r);
	}
}

void
meanwhile(void)
{
	if (is_meanwhile || draw(2))
		return;
	world_observe();
	is_meanwhile = true;
	acts[ACT_MEANWHILE]++;
	act_once();
	is_meanwhile = false;
	world_observe();
}

/* What is alive is cancelled; what was damaged so that it cannot end, removed. */
static void
end_run(struct told_run *r)
{
	struct err err = { 0 };

	if (!r->id[0])
		return;
	if (!r->is_forged && store_verify(world.stores[0], r->id, &err) < 0)
		world_broken("the log of run %s: %s", r->id, err.text);
	if (!is_over(r))
		cancel(r);
	recover(); /* what was killed while it was being put back */
	world_observe();
	if (!is_over(r) && !r->is_damaged)
		world_broken("run %s is %s and cannot be ended", r->id, r->state);
	if (r->is_damaged)
		world_remove(r->id);
	count_outcome(r->is_damaged ? "end: damaged" : r->state);
}

static unsigned
live_through(uint64_t seed)
{
	unsigned n;

	random_state = seed * 0x9e3779b97f4a7c15u;
	world_begin(&random_state);
	world_tell("FETTLE_HISTORY_SEED=%llu FETTLE_HISTORIES=1",
		   (unsigned long long)seed);
	n = 5 + draw(36) * draw(36) / 35;
	begin_another();
	for (unsigned i = 1; i < n; i++)
		act_once();
	for (size_t i = 0; i < RUNS; i++)
		end_run(&world.runs[i]);
	return n;
}

static uint64_t
number(const char *name, uint64_t preset)
{
	const char *text = getenv(name);
	uint64_t n;

	return text && num_u64(text, &n) == 0 ? n : preset;
}

START_TEST(nothing_held_begins_without_its_approvals)
{
	uint64_t seed = number("FETTLE_HISTORY_SEED", SEED);
	uint64_t count = number("FETTLE_HISTORIES", HISTORIES), steps = 0;
	unsigned opened = 0, consumed = 0;

	world_init();
	for (uint64_t i = 0; i < count; i++) {
		steps += live_through(seed + i);
		for (size_t k = 0; k < RUNS; k++) {
			opened += world.runs[k].opened;
			consumed += world.runs[k].consumed;
		}
	}
	world_done();
	printf("# seed %llu: %llu histories, %llu operations, %u holds opened, %u "
	       "used\n",
	       (unsigned long long)seed, (unsigned long long)count,
	       (unsigned long long)steps, opened, consumed);
	for (size_t i = 0; i < ACT_COUNT; i++)
		printf("# operation %s: %u\n", act_names[i], acts[i]);
	for (struct outcome *o = outcomes; o->name; o++)
		printf("# outcome %s: %u\n", o->name, o->count);
	fflush(stdout);
	ck_assert_uint_gt(consumed, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("approval-history");
	TCase *tcase = tcase_create("histories");

	tcase_set_timeout(tcase, 600);
	tcase_add_test(tcase, nothing_held_begins_without_its_approvals);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
