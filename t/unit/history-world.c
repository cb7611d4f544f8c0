/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The world of the histories. See history-world.h. */
#include "history-world.h"

#include "unit.h"

#include <fcntl.h>
#include <fettle/plugin.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "base/path.h"
#include "base/sha256.h"
#include "engine/inquiry.h"
#include "engine/module.h"
#include "engine/survey.h"
#include "store/db.h"

#define BEGIN_MS 1900000000000

struct world world;
static struct str history = STR_INIT;

void
world_tell(const char *fmt, ...)
{
	va_list args;
	char line[300];

	va_start(args, fmt);
	vsnprintf(line, sizeof line, fmt, args);
	va_end(args);
	str_addf(&history, "# %s\n", line);
}

void
world_broken(const char *fmt, ...)
{
	va_list args;
	char why[500];

	va_start(args, fmt);
	vsnprintf(why, sizeof why, fmt, args);
	va_end(args);
	printf("%s# broken: %s\n", str_get(&history), why);
	fflush(stdout);
	ck_abort_msg("%s", why);
}

/* ---- what the engine asks of the outside ---- */

static void
let_others_act(void)
{
	if (world.meanwhile)
		world.meanwhile();
}

/* Before the engine sees more: what it did so far is judged by what it saw then. */
static void
look(void)
{
	if (world.kill_in == 0)
		world_observe();
}

int64_t __wrap_clock_wall_ms(void);
int64_t
__wrap_clock_wall_ms(void)
{
	return world.now_ms;
}

void __wrap_host_prepare(struct engine *engine);
void
__wrap_host_prepare(struct engine *engine)
{
	(void)engine;
}

/* A process that was killed did nothing from this write on. */
static void
live_on(void)
{
	if (world.kill_in > 0 && --world.kill_in == 0)
		raise(SIGKILL);
}

int __real_db_begin(struct store *store, struct err *err);
int __wrap_db_begin(struct store *store, struct err *err);
int
__wrap_db_begin(struct store *store, struct err *err)
{
	live_on();
	return __real_db_begin(store, err);
}

int __real_db_commit(struct store *store, struct err *err);
int __wrap_db_commit(struct store *store, struct err *err);
int
__wrap_db_commit(struct store *store, struct err *err)
{
	live_on();
	int failed = __real_db_commit(store, err);
	live_on();
	return failed;
}

struct run;
int __real_run_begin(struct run *run, struct err *err);
int __wrap_run_begin(struct run *run, struct err *err);
int
__wrap_run_begin(struct run *run, struct err *err)
{
	let_others_act();
	live_on();
	return __real_run_begin(run, err);
}

static json_t *
describe_step(const char *name)
{
	bool is_patch = str_starts(name, "patch/");

	return json_pack(
		"{s:s, s:s, s:s, s:s, s:i, s:i, s:[], s:[], s:[s*], s:[], s:[]}",
		"kind", "step", "name", name, "version", "1", "summary", "", "stage",
		(int)(is_patch ? FETTLE_PATCH : FETTLE_VERIFY), "flags", 0, "effects",
		"undoes", "callbacks", is_patch ? "propose" : NULL, "params",
		"outputs");
}

/* The allow-list every service has says nothing here. */
static uint32_t
stages_of(const char *policy)
{
	return str_eq(policy, "allow-list") ? FETTLE_PUBLISH : world.stages;
}

static json_t *
describe_policy(const char *name)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:[s], s:[]}", "kind",
			 "policy", "name", name, "version", "1", "summary", "",
			 "stages", (int)stages_of(name), "flags", 0, "callbacks",
			 "judge", "params");
}

struct module *__wrap_module_find(struct engine *engine, const char *name,
				  bool is_policy, struct err *err);
struct module *
__wrap_module_find(struct engine *engine, const char *name, bool is_policy,
		   struct err *err)
{
	struct module *module = x_calloc(1, sizeof *module);
	AUTO(json_ref)
	json_t *json = is_policy ? describe_policy(name) : describe_step(name);

	module->name = x_strdup(name);
	module->is_policy = is_policy;
	module->path = x_strdup(is_policy ? "/p.so" : "/m.so");
	module->description = description_new(json, err);
	ck_assert_msg(module->description != NULL, "%s", err->text);
	snprintf(module->sha256, sizeof module->sha256, "module %u", world.modules);
	look();
	world.seen.modules = world.modules;
	return module;
}

json_t *__wrap_survey_now(struct engine *engine, const struct plan *plan,
			  const json_t *secrets, struct err *err);
json_t *
__wrap_survey_now(struct engine *engine, const struct plan *plan, const json_t *secrets,
		  struct err *err)
{
	let_others_act();
	look();
	world.seen.config = world.config;
	return json_pack("{s:o, s:{s:s}}", "project.config_sha256",
			 json_sprintf("config %u", world.config), "project.service",
			 "image_id", "sha256:1");
}

static json_t *
roles_json(unsigned roles)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < 2; i++)
		if (roles >> i & 1)
			json_array_append_new(list, json_string(i ? "b" : "a"));
	return list;
}

static json_t *
verdict(size_t policy)
{
	static const char *const words[] = { "hold", "hold", "allow", "deny" };
	const char *word = words[world.mood];
	json_t *event;

	if (world.mood <= MOOD_HOLD_OTHERS && policy >= world.need_count[world.mood])
		word = "abstain";
	event = json_pack("{s:i, s:s, s:s}", "module", (int)policy, "verdict", word,
			  "reason", "so it is");
	if (str_eq(word, "hold")) {
		const struct need *need = &world.needs[world.mood][policy];

		json_object_set_new(event, "need",
				    json_pack("{s:o, s:i, s:b, s:I}", "roles",
					      roles_json(need->roles), "quorum",
					      (int)need->quorum, "self_approval",
					      need->self_approval, "valid_ms",
					      (json_int_t)need->valid_ms));
	}
	return event;
}

static json_t *
propose(void)
{
	return json_pack("[{s:s, s:s, s:o}]", "path", "a.txt", "op", "write", "content",
			 json_sprintf("mended %u\n", ++world.contents));
}

struct host_ahead *__wrap_inquiry_begin(const struct inquiry *inquiry);
struct host_ahead *
__wrap_inquiry_begin(const struct inquiry *inquiry)
{
	return NULL;
}

int __wrap_inquiry_ask(const struct inquiry *inquiry, struct reply *ret,
		       struct err *err);
int
__wrap_inquiry_ask(const struct inquiry *inquiry, struct reply *ret, struct err *err)
{
	*ret = (struct reply){ .result = REPLY_OK, .is_answered = true };
	if (str_eq(inquiry->call, "propose"))
		ret->edits = propose();
	let_others_act();
	if (!str_eq(inquiry->call, "judge"))
		return 0;
	look();
	world.seen.asked = world.mood;
	ret->verdicts = json_array();
	for (size_t i = 0; i < NEEDS; i++)
		json_array_append_new(ret->verdicts, verdict(i));
	if (inquiry->tick && !inquiry->tick(inquiry->self)) {
		ret->result = REPLY_CANCELLED;
		err_set(&ret->err, "cancelled", "%s: cancelled", inquiry->what);
	}
	return 0;
}

/* ---- its things ---- */

static void
write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(file_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

void
world_write_file(const char *text)
{
	AUTO_FREE char *path = path_join(world.workspace, "a.txt");

	write_text(path, text);
}

void
world_file_hash(char ret[65])
{
	AUTO_FREE char *path = path_join(world.workspace, "a.txt");
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct err err = { 0 };
	uint64_t bytes;

	ck_assert_int_eq(sha256_fd(fd, ret, &bytes, &err), 0);
}

void
world_write_site(void)
{
	AUTO(str) struct str text = STR_INIT;

	str_add(&text, "fettle: 1\nprincipals:\n");
	for (size_t i = 0; i < PEOPLE; i++) {
		const struct person *p = &world.people[i];

		str_addf(&text,
			 "  %s: { users: [%s, %s], class: %s, roles: [%s%s%s]%s }\n",
			 p->name, p->accounts[0], p->accounts[1],
			 p->is_human ? "human" : "agent", p->roles & 1 ? "a" : "",
			 p->roles == 3 ? ", " : "", p->roles & 2 ? "b" : "",
			 p->is_disabled ? ", disabled: true" : "");
	}
	write_text(world.site_file, str_get(&text));
}

int64_t
world_now(void)
{
	return world.now_ms > world.newest_ms ? world.now_ms : world.newest_ms;
}

size_t
world_person(const char *account)
{
	size_t i = 0;

	while (i < PEOPLE && !str_eq(world.people[i].accounts[0], account) &&
	       !str_eq(world.people[i].accounts[1], account))
		i++;
	return i;
}

json_t *
world_plan(void)
{
	static const char *const uses[] = { "patch/apply", "verify/command" };
	static const char *const ids[] = { "patch", "check" };
	static const char *const names[] = { "first", "second", "allow-list" };
	json_t *modules = json_object(), *steps = json_array();
	json_t *policies = json_array();
	char sha256[65];

	snprintf(sha256, sizeof sha256, "module %u", world.modules);
	world.seen.modules = world.modules;
	for (size_t i = 0; i < ARRAY_LEN(uses); i++) {
		json_object_set_new(modules, uses[i],
				    json_pack("{s:s, s:s, s:o}", "path", "/m.so",
					      "sha256", sha256, "description",
					      describe_step(uses[i])));
		json_array_append_new(
			steps, json_pack("{s:s, s:s, s:s, s:s, s:{}, s:i, s:i}", "id",
					 ids[i], "uses", uses[i], "section", "steps",
					 "stage", i ? "verify" : "patch", "with",
					 "timeout_ms", 1000, "idle_timeout_ms", 0));
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		json_array_append_new(
			policies, json_pack("{s:s, s:s, s:s, s:i, s:i, s:{}}", "uses",
					    names[i], "module_path", "/p.so",
					    "module_sha256", sha256, "stages",
					    (int)stages_of(names[i]), "flags", 0,
					    "with"));
	return json_pack(
		"{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:{}, s:[s], s:{s:o},"
		" s:b, s:o, s:o, s:o}",
		"fettle", 1, "pipeline", "p", "pipeline_sha256", "", "instruction", "",
		"service", "api", "workspace", world.workspace, "generated_by",
		"operator", "generated_at_ms", 1, "inputs", "allow", "a.txt", "facts",
		"project.config_sha256", json_sprintf("config %u", world.config),
		"protected", 0, "modules", modules, "steps", steps, "policies",
		policies);
}

/* ---- begin and end ---- */

void
world_connect(void)
{
	struct err err = { 0 };
	for (size_t i = 0; i < 2; i++) {
		world.stores[i] = store_open(world.state_dir, STORE_WRITE, &err);
		ck_assert_msg(world.stores[i] != NULL, "%s", err.text);
		world.engines[i] = (struct engine){ .lib_dir = "/nowhere",
						    .data_dir = "/nowhere",
						    .site_file = world.site_file,
						    .store = world.stores[i],
						    .cancel_fd = -1,
						    .actor = "operator:ann1",
						    .is_worker = true };
	}
	world_open_log();
}

void
world_disconnect(void)
{
	world_close_log();
	store_close(world.stores[0]);
	store_close(world.stores[1]);
}

void
world_init(void)
{
	static const char project[] =
		"fettle: 1\nproject: shop\nservices:\n  api: { allow: [a.txt] }\n";
	/* Each commit is synced: in memory that costs nothing. */
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
	char *top = unit_directory();

	world.state_dir = path_join(top, "state");
	world.workspace = path_join(top, "work");
	world.site_file = path_join(top, "site.yaml");
	ck_assert_int_eq(mkdir(world.workspace, 0755), 0);
	AUTO_FREE char *file = path_join(world.workspace, "fettle.yaml");
	write_text(file, project);
	free(top);
	world.now_ms = world.newest_ms = BEGIN_MS;
	world.starting = -1;
	world_connect();
}

void
world_done(void)
{
	AUTO_FREE char *top = x_strdup(world.state_dir);

	*strrchr(top, '/') = '\0';
	world_disconnect();
	unit_remove(top);
	free(world.state_dir);
	free(world.workspace);
	free(world.site_file);
	str_done(&history);
}

static void
draw_needs(uint64_t *random, size_t set)
{
	world.need_count[set] = 1 + unit_random(random, NEEDS);
	for (size_t i = 0; i < NEEDS; i++)
		world.needs[set][i] = (struct need){
			.roles = unit_random(random, 4),
			.quorum =
				1 + unit_random(random, 3) * unit_random(random, 3) / 2,
			.self_approval = unit_random(random, 2),
			.valid_ms = 200 + unit_random(random, 1800),
		};
}

void
world_begin(uint64_t *random)
{
	static const struct person people[PEOPLE] = {
		{ "ann", { "ann1", "ann2" }, 1, true, false },
		{ "bob", { "bob1", "bob2" }, 1, true, false },
		{ "eve", { "eve1", "eve2" }, 3, true, false },
		{ "kim", { "kim1", "kim2" }, 2, true, false },
		{ "gus", { "gus1", "gus2" }, 3, true, true },
		{ "bot", { "bot1", "bot2" }, 3, false, false },
	};

	str_done(&history);
	memcpy(world.people, people, sizeof people);
	memset(world.runs, 0, sizeof world.runs);
	world.mood = unit_random(random, 2) ? MOOD_HOLD : MOOD_HOLD_OTHERS;
	world.stages = FETTLE_PATCH | (unit_random(random, 2) ? FETTLE_VERIFY : 0);
	world.now_ms = world.newest_ms + 1000;
	draw_needs(random, MOOD_HOLD);
	draw_needs(random, MOOD_HOLD_OTHERS);
	world_write_site();
	world_write_file("broken\n");
}
