/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON: what is taken has one canonical form that reads back as itself; and
 * the forms of requests, events and descriptions are checked without harm.
 */
#include "base/base.h"

#include "fuzz.h"

#include "base/json.h"
#include "base/str.h"
#include "model/description.h"
#include "wire/event.h"
#include "wire/request.h"

const char *const fuzz_seeds[] = {
	"{\"b\":[1,2.5,-3e2,true,false,null],\"a\":{\"\\u00e9\":\"\\n\\\"\\\\\\/\"}}",
	"{\"kind\":\"step\",\"name\":\"build/"
	"compose\",\"version\":\"1\",\"summary\":\"Builds.\","
	"\"stage\":8,\"flags\":3,\"effects\":[\"image\"],\"undoes\":[],"
	"\"callbacks\":[\"check\",\"propose\",\"run\"],"
	"\"params\":[{\"name\":\"limit\",\"type\":6,\"flags\":1,\"preset\":\"5s\","
	"\"accept\":\"1s..5m\",\"help\":\"How long.\"}],\"outputs\":[]}",
	"{\"fettle\":1,\"call\":\"run\",\"modules\":[{\"path\":\"/"
	"m.so\",\"sha256\":null,"
	"\"params\":{},\"unknown\":[]}],\"run\":\"r\",\"step\":\"s\",\"operation\":"
	"\"o\","
	"\"attempt\":1,\"workspace\":null,\"scratch\":\"/"
	"s\",\"deadline_ms\":0,\"facts\":{},"
	"\"env\":{},\"proposal\":{\"edits\":[],\"effects\":[],\"commands\":[[\"a\"]]},"
	"\"jail\":{\"flags\":0,\"minimum\":\"basic\"}}",
	"{\"e\":\"edit\",\"path\":\"a/"
	"b\",\"op\":\"write\",\"pre\":null,\"content\":\"x\"}",
	"{\"e\":\"edit\",\"path\":\"a\",\"op\":\"write\",\"base64\":\"AAECAw==\"}",
	"{\"e\":\"result\",\"result\":\"ok\",\"why\":\"bug\",\"code\":\"\",\"text\":"
	"\"\","
	"\"remedy\":\"\"}",
	"\"text\"",
	"[[[[[[]]]]]]",
	NULL,
};

const char *const fuzz_words[] = {
	"{",
	"}",
	"[",
	"]",
	":",
	",",
	"\"",
	"\"\"",
	"null",
	"true",
	"0",
	"-1",
	"1e308",
	"1e-400",
	"-0",
	"0.1",
	"9223372036854775807",
	"9223372036854775808",
	"\\u0000",
	"\\ud83d\\udca9",
	"\\ud800",
	"\\u00",
	"\xff",
	"\xed\xa0\x80",
	"\"e\":",
	"\"edit\"",
	"\"path\":",
	"\"pre\":",
	"\"base64\":",
	"\"params\":",
	"\"type\":",
	"\"stage\":",
	"\"modules\":",
	"\"proposal\":",
	"{}",
	"[]",
	"\"spill\":",
	"\"..\"",
	"\"accept\":\"..\"",
	"\"a|b\"",
	"//",
	"=",
	NULL,
};

static void
check_forms(const json_t *json)
{
	struct err err = { "" };

	if (request_check(json, &err) < 0)
		FUZZ_CHECK(str_eq(err.code, "request.invalid"));
	struct description *description = description_new(json, &err);
	if (!description)
		FUZZ_CHECK(err.code[0] != '\0');
	description_free(description);

	if (event_check(json, &err) < 0)
		FUZZ_CHECK(str_eq(err.code, "event.garbage"));
	else if (str_eq(json_text(json, "e"), "edit") &&
		 str_eq(json_text(json, "op"), "write")) {
		AUTO_FREE char *content = NULL;
		size_t len = 0;
		if (event_get_content(json, &content, &len, &err) == 0)
			FUZZ_CHECK(content[len] == '\0');
		else
			FUZZ_CHECK(!content && str_eq(err.code, "event.garbage"));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct err err = { "" };
	AUTO(json_ref) json_t *json = json_parse((const char *)bytes, n, &err);

	if (!json) {
		FUZZ_CHECK(str_starts(err.code, "json."));
		return 0;
	}
	AUTO_FREE char *once = json_canonical(json);
	FUZZ_CHECK(utf8_is_valid(once, strlen(once)));
	AUTO(json_ref) json_t *again = json_parse(once, strlen(once), &err);
	FUZZ_CHECK(again && json_equal(json, again));
	AUTO_FREE char *twice = json_canonical(again);
	FUZZ_CHECK(str_eq(once, twice));
	check_forms(json);
	return 0;
}
