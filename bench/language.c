/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How long a pipeline takes from bytes to frozen plan, beside libyaml reading
 * the same bytes and doing nothing with them. Modules are a table in here: no
 * process is started. The limits for files of users are lifted.
 *
 *	language time STEPS RUNS	microseconds, a line each: `yaml N`, `plan N`
 *	language memory STEPS		peak of the process in KiB, before and after
 */
#include "base/base.h"

#include <sys/resource.h>
#include <time.h>
#include <yaml.h>

#include "base/num.h"
#include "base/str.h"
#include "model/plan.h"

static const struct node_limits no_limits = { .bytes = SIZE_MAX,
					      .depth = 64,
					      .nodes = UINT32_MAX };

/* As the stock modules describe themselves. */
static const struct {
	const char *uses, *json;
} modules[] = {
	{ "analyze/command",
	  "{\"kind\":\"step\",\"name\":\"analyze/command\",\"version\":\"1\","
	  "\"summary\":\"any program\",\"stage\":2,\"flags\":0,"
	  "\"callbacks\":[\"propose\",\"run\"],\"params\":["
	  "{\"name\":\"argv\",\"type\":9,\"flags\":3,\"help\":\"the program\"},"
	  "{\"name\":\"expect\",\"type\":2,\"flags\":0,\"preset\":\"0\","
	  "\"accept\":\"0..255\",\"help\":\"the status\"}],\"outputs\":["
	  "{\"name\":\"values\",\"type\":10,\"flags\":0,\"help\":\"what it says\"}]}" },
	{ "verify/service",
	  "{\"kind\":\"step\",\"name\":\"verify/service\",\"version\":\"1\","
	  "\"summary\":\"is it well\",\"stage\":32,\"flags\":2,"
	  "\"callbacks\":[\"check\",\"run\"],\"params\":["
	  "{\"name\":\"for\",\"type\":6,\"flags\":0,\"preset\":\"5s\","
	  "\"help\":\"how long\"},"
	  "{\"name\":\"within\",\"type\":6,\"flags\":0,\"preset\":\"2m\","
	  "\"accept\":\"1s..1h\",\"help\":\"until when\"}]}" },
};

static int
complain(const struct err *err)
{
	fprintf(stderr, "language: %s\n", err->text);
	return -1;
}

/* Of the processor: neither side waits for anything. */
static int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Two kinds of steps in turns; every second one reads the one before. */
static void
write_pipeline(struct str *text, size_t count)
{
	str_add(text,
		"fettle: 1\nname: many\ninputs: { size: { type: int } }\nsteps:\n");
	for (size_t i = 0; i < count; i += 2)
		str_addf(text,
			 "  - id: ask%zu\n    uses: analyze/command\n"
			 "    with: { argv: [measure, --size, \"${{ inputs.size }}\"] "
			 "}\n"
			 "  - id: see%zu\n    uses: verify/service\n"
			 "    if: steps.ask%zu.outputs.values.level != 'high'\n"
			 "    timeout: 5m\n    with: { within: 90s }\n",
			 i, i, i);
}

static const struct plan_module *
add_module(struct plan *plan, const char *uses, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(modules); i++) {
		AUTO(json_ref) json_t *json = NULL;
		struct description *d;

		if (!str_eq(modules[i].uses, uses))
			continue;
		json = json_parse(modules[i].json, strlen(modules[i].json), err);
		d = json != NULL ? description_new(json, err) : NULL;
		return d != NULL ? plan_add_module(plan, uses, "/m.so", "00", d) : NULL;
	}
	err_set(err, "bench", "there is no module '%s'", uses);
	return NULL;
}

static int
add_steps(struct plan *plan, const struct pipeline *p, struct err *err)
{
	for (size_t i = 0; i < p->step_count; i++) {
		const char *uses = p->steps[i].uses;
		const struct plan_module *module = plan_find_module(plan, uses);

		if (module == NULL)
			module = add_module(plan, uses, err);
		if (module == NULL || plan_add_step(plan, p, module, err) < 0)
			return -1;
	}
	return plan_check(plan, p, NULL, err);
}

/* *ret_us: until the plan is frozen; giving the memory back is not counted. */
static int
make_plan(const struct str *text, int64_t *ret_us)
{
	struct plan *plan = x_calloc(1, sizeof(*plan));
	int64_t begin = now_us();
	struct pipeline *p;
	struct err err;
	int result = -1;

	p = pipeline_parse_within(str_get(text), text->len, "many.yaml", &no_limits,
				  &err);
	if (p != NULL)
		result = add_steps(plan, p, &err);
	if (result == 0)
		plan_freeze(plan);
	*ret_us = now_us() - begin;
	plan_free(plan);
	pipeline_free(p);
	return result == 0 ? 0 : complain(&err);
}

static int
read_events(const struct str *text)
{
	yaml_parser_t yaml;
	yaml_event_t event;
	bool is_end = false;

	if (!yaml_parser_initialize(&yaml))
		return -1;
	yaml_parser_set_input_string(&yaml, (const unsigned char *)str_get(text),
				     text->len);
	while (!is_end && yaml_parser_parse(&yaml, &event)) {
		is_end = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&yaml);
	return is_end ? 0 : -1;
}

/* In turns, so that a busy moment of the machine hits both sides. */
static int
measure_time(const struct str *text, uint64_t runs)
{
	for (uint64_t i = 0; i < runs; i++) {
		int64_t begin = now_us(), yaml_us, plan_us;

		if (read_events(text) < 0)
			return -1;
		yaml_us = now_us() - begin;
		if (make_plan(text, &plan_us) < 0)
			return -1;
		printf("yaml %lld\nplan %lld\n", (long long)yaml_us,
		       (long long)plan_us);
	}
	return 0;
}

static long
peak_kib(void)
{
	struct rusage usage = { 0 };

	(void)getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static int
measure_memory(const struct str *text)
{
	long before = peak_kib();
	int64_t took_us;

	if (make_plan(text, &took_us) < 0)
		return -1;
	printf("before %ld\nafter %ld\n", before, peak_kib());
	return 0;
}

int
main(int argc, char **argv)
{
	AUTO(str) struct str text = STR_INIT;
	uint64_t steps, runs;
	int result = 2;

	if (argc == 4 && str_eq(argv[1], "time") && num_u64(argv[2], &steps) == 0 &&
	    num_u64(argv[3], &runs) == 0) {
		write_pipeline(&text, steps);
		result = measure_time(&text, runs) < 0;
	} else if (argc == 3 && str_eq(argv[1], "memory") &&
		   num_u64(argv[2], &steps) == 0) {
		write_pipeline(&text, steps);
		result = measure_memory(&text) < 0;
	} else {
		fprintf(stderr, "usage: language time STEPS RUNS | memory STEPS\n");
	}
	return result;
}
