/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The small world in which approval-history-test.c lets histories happen: people,
 * a file, a project, two runs, a clock. Stands in, by the linker's --wrap, for
 * what the engine asks of the outside: modules, policies, the project, the time.
 * What the engine wrote is read from the event log alone and held against the
 * rules, event by event.
 */
#ifndef FETTLE_UNIT_HISTORY_WORLD_H
#define FETTLE_UNIT_HISTORY_WORLD_H

#include "history-rules.h"

#include "base/json.h"
#include "engine/engine.h"

#define RUNS 2

/* What the policies of the site say; the first two with needs of their own. */
enum mood { MOOD_HOLD, MOOD_HOLD_OTHERS, MOOD_ALLOW, MOOD_DENY };

/* A run as the event log tells it. */
struct told_run {
	char id[RUN_ID_SIZE];	/* "" not begun */
	char state[24];
	unsigned config;	/* at its plan */
	bool has_service;	/* a process that died leaves it to recovery */
	bool is_damaged;	/* somebody wrote into its tables */
	bool is_forged;		/* or into its events */
	bool is_cancelled;	/* it is asked for */
	size_t requester, retrier; /* people; PEOPLE: none */
	char before[65];	/* of the file, in the latest proposal */
	char file[65];		/* the file when somebody went on with it */
	struct rule_hold hold;	/* the latest */
	int64_t verdict_seq, consumed_seq;
	bool is_allowed, is_held; /* by that verdict */
	unsigned opened, consumed; /* how often */
};

struct world {
	char *state_dir, *workspace, *site_file;
	struct person people[PEOPLE];
	unsigned config, modules, contents; /* versions */
	struct matter seen;	/* what the engine was told last; not the file */
	enum mood mood;
	struct need needs[2][NEEDS];
	size_t need_count[2];
	uint32_t stages;	/* which the policies judge */
	int64_t now_ms, newest_ms;
	struct told_run runs[RUNS];
	int starting;		/* the run that is being begun, or -1 */
	unsigned kill_in;	/* writes left to live; 0: for ever */
	void (*meanwhile)(void); /* others act while the engine waits; or NULL */
	struct store *stores[2];	/* one a process */
	struct engine engines[2];
};
extern struct world world;

/* How it broke: says so, tells the history, and ends the test. */
void world_broken(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));
/* A line of the history, told when it breaks. */
void world_tell(const char *fmt, ...) PRINTF_LIKE(1, 2);

void world_init(void);
void world_done(void);
/* Both processes begin (again) with the store. */
void world_connect(void);
void world_disconnect(void);
/* People, policies, file as at the beginning, no runs. */
void world_begin(uint64_t *random);
void world_write_site(void);
void world_write_file(const char *text);
void world_file_hash(char ret[65]);
int64_t world_now(void);	/* the latest time that is known */
void world_open_log(void);
void world_close_log(void);
/* SQL behind everybody's back. */
void world_sql(const char *sql);
/* The same to events, which triggers forbid. */
void world_forge(const char *sql);
/* As if it had never been. */
void world_remove(const char *run);

/* Reads the events that are new and checks each against the rules. */
void world_observe(void);
/* Events that are none of Fettle's. */
void world_skip(void);
/* The person an account belongs to, or PEOPLE. */
size_t world_person(const char *account);
/* The plan of a run that begins now. New reference. */
json_t *world_plan(void);

#endif
