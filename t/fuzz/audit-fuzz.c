/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Audit logs of all kinds: one is intact, or refused with the record that is
 * wrong. Without a signature of ours nothing of it is ever signed.
 */
#include "base/base.h"

#include "fuzz.h"

#include "base/err.h"
#include "store/audit.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define NONE "0000000000000000000000000000000000000000000000000000000000000000"

const char *const fuzz_seeds[] = {
	"{\"fettle_audit\":1,\"run\":null,\"time_ms\":1}\n"
	"{\"hash\":\"" HASH "\",\"event\":{\"actor\":\"a\",\"body\":{},\"kind\":\"k\","
	"\"prev\":\"" NONE "\",\"run\":\"r\",\"seq\":1,\"time_ms\":2}}\n"
	"{\"signature\":\"" HASH HASH "\",\"checkpoint\":{\"fettle_checkpoint\":1,"
	"\"heads\":{\"r\":{\"hash\":\"" HASH "\",\"seq\":1}},\"key\":\"" HASH "\","
	"\"n\":1,\"prev\":\"" NONE "\",\"time_ms\":3}}\n"
	"{\"lines\":3,\"sha256\":\"" HASH "\"}\n",
	"{\"fettle_audit\":1,\"run\":\"r\",\"time_ms\":1}\n",
	NULL,
};

const char *const fuzz_words[] = {
	"{\"fettle_audit\":1,\"run\":null,\"time_ms\":1}\n",
	"{\"hash\":\"",
	"\",\"event\":",
	"{\"signature\":\"",
	"\",\"checkpoint\":",
	"{\"lines\":2,\"sha256\":\"",
	"\"}\n",
	"}\n",
	"\n",
	HASH,
	NONE,
	"\"run\":\"r\",",
	"\"seq\":1,",
	"\"seq\":9223372036854775807,",
	"\"n\":1,",
	"\"heads\":{}",
	NULL,
};

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	const char *text = (const char *)bytes;
	struct audit *audit = audit_new(NULL);
	struct audit_result result = { 0 };
	struct err err = { 0 };
	int rc = 0;

	while (rc == 0 && n > 0) {
		const char *end = memchr(text, '\n', n);
		size_t len = end ? (size_t)(end - text) + 1 : n;

		rc = audit_line(audit, text, len, &err);
		text += len;
		n -= len;
	}
	if (rc == 0)
		rc = audit_end(audit, &result, &err);
	audit_free(audit);
	FUZZ_CHECK(rc == 0 || str_eq(err.code, "audit.broken"));
	FUZZ_CHECK(rc == 0 || str_starts(err.text, "record "));
	FUZZ_CHECK(result.checkpoints == 0);
	return 0;
}
