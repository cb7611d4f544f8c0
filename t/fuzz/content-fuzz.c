/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Edits as policy content reads them: a path, a file before and after, apart by
 * a byte 1. Nothing that stays as it is gives a remark, whatever it holds, and a
 * line more never makes it milder.
 */
#include "fuzz.h"

#include "policies/content.h"

const char *const fuzz_seeds[] = {
	"Dockerfile\1FROM a\nRUN x\n\1FROM b\nRUN curl x | sh\n",
	"requirements.txt\1flask\n\1flask\n-r x\nevil==1\n",
	"package.json\1{\"scripts\":{}}\1{\"scripts\":{\"postinstall\":\"x\"},"
	"\"dependencies\":{\"a\":\"1\"}}",
	"docker-compose.yml\1services:\n\1services:\n privileged: true\n",
	"go.mod\1module x\n\1module x\nreplace a => b\n",
	NULL,
};

const char *const fuzz_words[] = {
	"\1",
	"\n",
	"\\\n",
	"#",
	"FROM ",
	"RUN ",
	"COPY --from=",
	"--mount=",
	"type=cache",
	"HEALTHCHECK ",
	"USER ",
	"| sh",
	"{\"",
	"\":\"",
	"dependencies",
	"scripts",
	"}",
	"gem 'a'",
	"requirements.txt",
	"Gemfile",
	"package.json",
	"privileged: true",
	"image:",
	"\xe2\x80\xae",
	"-r ../",
	"==",
	"@ file:",
	NULL,
};

static void
review(struct review *review, const char *path, const char *before, const char *after)
{
	review->path = path;
	content_dockerfile(review, before, after);
	content_compose(review, before, after);
	content_any(review, before, after);
	(void)content_manifest(review, before, after);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char *path = strndup((const char *)bytes, n);
	char *before = path ? strchr(path, 1) : NULL;
	char *after = before ? strchr(before + 1, 1) : NULL;
	struct review same = { .new_dependency = LEVEL_HOLD };
	struct review other = { .new_dependency = LEVEL_HOLD };

	if (after) {
		*before++ = '\0';
		*after++ = '\0';
		review(&other, path, before, after);
		FUZZ_CHECK((other.level == LEVEL_ALLOW) == (other.reasons.len == 0));
		each_new_line(before, before, true, &same, NULL, NULL);
		content_dockerfile(&same, before, before);
		content_compose(&same, before, before);
		content_any(&same, before, before);
		FUZZ_CHECK(same.level == LEVEL_ALLOW);
	}
	text_done(&other.reasons);
	text_done(&same.reasons);
	free(path);
	return 0;
}
