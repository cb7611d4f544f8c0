/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Structured edits of patch/apply: edits that cannot be applied say why, those
 * that can leave files that the same additions do not change again.
 */
#include "fuzz.h"

#include <jansson.h>

#include "plugins/patch/edits.h"

const char *const fuzz_seeds[] = {
	"[{\"op\":\"add_line\",\"path\":\"a\",\"line\":\"new\"}]",
	"[{\"op\":\"add_line\",\"path\":\"a\",\"line\":\"new\",\"after\":\"two\"}]",
	"[{\"op\":\"remove_line\",\"path\":\"a\",\"line\":\"one\"},"
	"{\"op\":\"add_line\",\"path\":\"empty\",\"line\":\"x\"}]",
	"[{\"op\":\"replace\",\"path\":\"crlf\",\"find\":\"two\",\"with\":\"\"}]",
	"[{\"op\":\"write\",\"path\":\"new\",\"content\":\"x\\ny\"},{\"op\":\"delete\","
	"\"path\":\"a\"}]",
	"[{\"op\":\"create\",\"path\":\"b/c\",\"content\":\"\"}]",
	"[]",
	NULL,
};

const char *const fuzz_words[] = {
	"{\"op\":\"add_line\",\"path\":\"a\",\"line\":\"x\"},",
	"\"op\":",
	"\"path\":",
	"\"line\":",
	"\"after\":",
	"\"find\":",
	"\"with\":",
	"\"content\":",
	"\"a\"",
	"\"crlf\"",
	"\"empty\"",
	"\"open\"",
	"\"none\"",
	"\"../x\"",
	"\"\"",
	"\\n",
	"\\r\\n",
	"\\u0000",
	"\"delete\"",
	"\"write\"",
	"\"create\"",
	"\"replace\"",
	"\"remove_line\"",
	",",
	"{",
	"}",
	"null",
	"1",
	NULL,
};

static int
read_file(void *self, const char *path, const char **bytes, size_t *len,
	  const char **why)
{
	static const struct {
		const char *path, *bytes;
	} files[] = {
		{ "a", "one\ntwo\nthree\n" },
		{ "crlf", "one\r\ntwo\r\n" },
		{ "empty", "" },
		{ "open", "one\ntwo" },
	};

	for (size_t i = 0; i < COUNT_OF(files); i++) {
		if (!text_equal(path, files[i].path))
			continue;
		*bytes = files[i].bytes;
		*len = strlen(files[i].bytes);
		return 1;
	}
	*why = "it is not to be read";
	return text_equal(path, "forbidden") ? -1 : 0;
}

static void
check_fault(const struct edit_fault *fault)
{
	FUZZ_CHECK(fault->code && text_starts(fault->code, "patch."));
	FUZZ_CHECK(fault->message.len > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	AUTO_JSON json_t *edits =
		json_loadb((const char *)bytes, n, JSON_DECODE_ANY, NULL);
	AUTO(edit_set) struct edit_set set = EDIT_SET_INIT;
	AUTO(edit_fault)
	struct edit_fault fault = EDIT_FAULT_INIT,
			  more = EDIT_FAULT_INIT;

	if (!edits)
		return 0;
	int checked = edits_check(edits, &fault);
	int computed = edits_compute(edits, read_file, NULL, &set, &more);
	FUZZ_CHECK(checked == 0 || computed < 0);
	if (checked < 0)
		check_fault(&fault);
	if (computed < 0) {
		check_fault(&more);
		return 0;
	}
	FUZZ_CHECK(set.count <= json_array_size(edits));
	for (size_t i = 0; i < set.count; i++) {
		const struct edit_file *file = &set.files[i];
		FUZZ_CHECK(file->path[0] != '/' && !strstr(file->path, "//"));
		if (!file->existed && !file->exists)
			FUZZ_CHECK(!edit_file_changed(file));
		if (file->existed != file->exists)
			FUZZ_CHECK(edit_file_changed(file));
	}
	return 0;
}
