/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See pack.h. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "plugins/analyze/pack.h"

#include <dirent.h>
#include <errno.h>
#include <pcre2.h>

#include "plugins/common/file.h"
#include "plugins/common/yaml.h"

#define NAME_MAX_BYTES 64

void
pack_done(struct pack *pack)
{
	for (size_t i = 0; i < pack->rule_count; i++) {
		for (size_t k = 0; k < pack->rules[i].pattern_count; k++)
			pcre2_code_free(pack->rules[i].patterns[k]);
		free(pack->rules[i].patterns);
	}
	free(pack->rules);
	json_decref(pack->json);
	*pack = (struct pack){ 0 };
}

static int
invalid(struct fault *fault, const char *name, const char *id, const char *why)
{
	(void)fault_set(fault, FETTLE_WHY_HOST, "rules_invalid",
			"rule pack '%s', rule '%s': %s", name, id, why);
	return fault_remedy(fault, "install Fettle again, or correct the file");
}

static int
rule_compile(struct rule *rule, const json_t *patterns, const char *name,
	     struct fault *fault)
{
	const json_t *pattern;
	size_t i;

	rule->patterns =
		x_calloc(json_array_size(patterns), sizeof(struct pcre2_real_code_8 *));
	json_array_foreach (patterns, i, pattern) {
		const char *text = json_string_value(pattern);
		PCRE2_UCHAR message[128];
		PCRE2_SIZE offset;
		int error = 0;

		if (!text)
			return invalid(fault, name, rule->id, "a pattern is no text");
		rule->patterns[i] =
			pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
				      PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error,
				      &offset, NULL);
		if (!rule->patterns[i]) {
			(void)pcre2_get_error_message(error, message, sizeof(message));
			return invalid(fault, name, rule->id, (const char *)message);
		}
		rule->pattern_count++;
	}
	return 0;
}

static int
rule_read(struct rule *rule, const json_t *json, const char *name, struct fault *fault)
{
	const json_t *patterns = json_object_get(json, "patterns");

	*rule = (struct rule){
		.id = json_text(json, "id"),
		.kind = json_text(json, "kind"),
		.title = json_text(json, "title"),
		.fix = json_text(json, "fix"),
		.remedy = json_text(json, "remedy"),
		.because = json_text(json, "because"),
		.about = json_text(json, "about"),
		.confidence =
			(int)json_integer_value(json_object_get(json, "confidence")),
	};
	if (!*rule->id || !*rule->kind || !*rule->title || !*rule->remedy)
		return invalid(fault, name, rule->id,
			       "id, kind, title and remedy are needed");
	if (rule->confidence < 1 || rule->confidence > 100)
		return invalid(fault, name, rule->id,
			       "confidence is not between 1 and 100");
	if (json_array_size(patterns) == 0)
		return invalid(fault, name, rule->id, "there is no pattern");
	return rule_compile(rule, patterns, name, fault);
}

int
pack_parse(const char *text, size_t len, const char *name, struct pack *ret,
	   struct fault *fault)
{
	AUTO(pack) struct pack pack = { .json = yaml_read(text, len, fault) };
	const json_t *rules = json_object_get(pack.json, "rules"), *rule;
	size_t i;

	if (!pack.json)
		return invalid(fault, name, "", "it is no YAML that we read");
	if (json_integer_value(json_object_get(pack.json, "fettle")) != 1)
		return invalid(fault, name, "", "it does not say `fettle: 1`");
	pack.rules = x_calloc(json_array_size(rules), sizeof(*pack.rules));
	json_array_foreach (rules, i, rule) {
		pack.rule_count++;
		if (rule_read(&pack.rules[i], rule, name, fault) < 0)
			return -1;
	}
	if (pack.rule_count == 0)
		return invalid(fault, name, "", "it has no rules");
	*ret = pack;
	pack = (struct pack){ 0 };
	return 0;
}

int
pack_load(const char *file, struct pack *ret, struct fault *fault)
{
	AUTO_TEXT struct text text = { 0 };

	if (file_load(file, PACK_MAX_BYTES, &text) < 0) {
		(void)fault_set(fault, FETTLE_WHY_HOST, "rules_invalid",
				"read rule pack '%s': %s", file, strerror(errno));
		return fault_remedy(fault, "install Fettle again, with its data files");
	}
	return pack_parse(text_get(&text), text.len, file, ret, fault);
}

/* ---- a directory of them ------------------------------------------------------ */

void
packs_done(struct packs *packs)
{
	for (size_t i = 0; i < packs->count; i++)
		pack_done(&packs->v[i]);
	free(packs->v);
	*packs = (struct packs){ 0 };
}

static int
is_pack(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && dot && text_equal(dot, ".yaml");
}

int
packs_load(const char *directory, struct packs *ret, struct fault *fault)
{
	AUTO(packs) struct packs packs = { 0 };
	struct dirent **entries = NULL;
	int count = scandir(directory, &entries, is_pack, alphasort), result = 0;

	packs.v = x_calloc(count > 0 ? (size_t)count : 1, sizeof(*packs.v));
	for (int i = 0; i < count; i++) {
		AUTO_FREE char *file =
			text_format("%s/%s", directory, entries[i]->d_name);

		free(entries[i]);
		if (result == 0)
			result = pack_load(file, &packs.v[packs.count], fault);
		if (result == 0)
			packs.rule_count += packs.v[packs.count++].rule_count;
	}
	free(entries);
	if (result < 0)
		return -1;
	if (packs.count == 0) {
		(void)fault_set(fault, FETTLE_WHY_HOST, "rules_invalid",
				"there are no rule packs in '%s'", directory);
		return fault_remedy(fault, "install Fettle again, with its data files");
	}
	*ret = packs;
	packs = (struct packs){ 0 };
	return 0;
}

/* ---- what a pack knows -------------------------------------------------------- */

/* The value of the longest dotted beginning of `module` that the mapping has. */
static const char *
lookup_dotted(const json_t *mapping, const char *module)
{
	AUTO_FREE char *name = text_copy(module);

	for (;;) {
		const char *value = json_string_value(json_object_get(mapping, name));
		char *dot = strrchr(name, '.');

		if (value || !dot)
			return value;
		*dot = '\0';
	}
}

const char *
pack_package(const struct pack *pack, const char *module)
{
	const char *package =
		lookup_dotted(json_object_get(pack->json, "packages"), module);
	size_t top = strcspn(module, "."), i;
	const json_t *name;

	if (package)
		return package;
	json_array_foreach (json_object_get(pack->json, "same"), i, name) {
		const char *s = json_string_value(name);

		if (s && strlen(s) == top && strncmp(s, module, top) == 0)
			return s;
	}
	return NULL;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters to change, drop, add or swap with the next, to get from a to b. */
static size_t
edit_distance(const char *a, const char *b)
{
	size_t rows[3][NAME_MAX_BYTES + 1], n = strlen(a), m = strlen(b);

	for (size_t j = 0; j <= m; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3];
		const size_t *swapped = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			row[j] = least(above[j - 1] + (a[i - 1] != b[j - 1]),
				       least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				row[j] = least(row[j], swapped[j - 2] + 1);
		}
	}
	return rows[n % 3][m];
}

/* One letter is wrong; two, in a long word. */
bool
is_slip_of(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);

	return n >= 4 && n <= NAME_MAX_BYTES && m <= NAME_MAX_BYTES &&
	       edit_distance(a, b) <= (n < 8 ? 1u : 2u);
}

const char *
pack_nearest(const struct pack *pack, const char *module)
{
	AUTO_FREE char *top = text_copy_n(module, strcspn(module, "."));
	const char *known;
	json_t *value;
	size_t i;

	json_object_foreach (json_object_get(pack->json, "packages"), known, value)
		if (is_slip_of(top, known))
			return known;
	json_array_foreach (json_object_get(pack->json, "same"), i, value)
		if (json_is_string(value) && is_slip_of(top, json_string_value(value)))
			return json_string_value(value);
	return NULL;
}

const char *
pack_not_package(const struct pack *pack, const char *module)
{
	const char *last = strrchr(module, '.');

	if (last && text_equal(last, ".__main__"))
		module = "__main__";
	return lookup_dotted(json_object_get(pack->json, "not_packages"), module);
}

const char *
pack_lookup(const struct pack *pack, const char *mapping, const char *key)
{
	return json_string_value(
		json_object_get(json_object_get(pack->json, mapping), key));
}
