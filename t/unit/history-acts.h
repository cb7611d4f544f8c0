/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What may happen in a history: one function an act, which counts what came of
 * it and checks what can be foretold.
 */
#ifndef FETTLE_UNIT_HISTORY_ACTS_H
#define FETTLE_UNIT_HISTORY_ACTS_H

#include "history-world.h"

enum act {
	ACT_BEGIN, ACT_APPROVE, ACT_REJECT, ACT_CLOCK, ACT_EDIT, ACT_CONFIG, ACT_MOOD,
	ACT_MODULES, ACT_PERSON, ACT_RESUME, ACT_CANCEL, ACT_RECOVER, ACT_RETRY,
	ACT_TABLES, ACT_FORGE, ACT_KILLED, ACT_MEANWHILE, ACT_COUNT
};
extern const char *const act_names[];
extern unsigned acts[ACT_COUNT];

#define OUTCOMES 40
struct outcome {
	char *name;
	unsigned count;
};
extern struct outcome outcomes[OUTCOMES];
void count_outcome(const char *name);

extern uint64_t random_state;
unsigned draw(unsigned limit);
/* A second process acts, while the first is in the middle of something. */
extern bool is_meanwhile;
void meanwhile(void);

struct told_run *some_run(void);	/* NULL: it has not begun */
bool is_over(const struct told_run *r);

void answer(struct told_run *r, bool is_yes);
void change_person(void);
void move_clock(void);
void change_world(enum act act);
void damage_tables(struct told_run *r);
void forge_events(struct told_run *r);
void cancel(struct told_run *r);
void recover(void);
/* Begin, resume, recover, cancel, retry; now and then killed or disturbed. */
void carry_on(enum act act, struct told_run *r);

#endif
