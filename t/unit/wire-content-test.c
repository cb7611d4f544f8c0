/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The content of edits: any bytes, as text where they are text. */
#include "base/base.h"

#include <sys/socket.h>

#include "unit.h"
#include "wire/event.h"

static const struct {
	const char *bytes;
	size_t len;
	const char *member;
} CONTENTS[] = {
	{ "", 0, "content" },
	{ "text\n", 5, "content" },
	{ "\xc3\xa9", 2, "content" },
	{ "\xff", 1, "base64" },
	{ "a\0b", 3, "base64" },
	{ "\0\0\0\0", 4, "base64" },
	{ "\xc3\xa9\xfe!", 4, "base64" },
};

START_TEST(content_arrives_byte_for_byte)
{
	AUTO(json_ref) json_t *event =
		json_pack("{s:s, s:s, s:s}", "e", "edit", "path", "a", "op", "write");
	AUTO(json_ref) json_t *arrived = NULL;
	AUTO_FREE char *bytes = NULL;
	struct err err;
	size_t len;
	int ends[2];

	event_set_content(event, CONTENTS[_i].bytes, CONTENTS[_i].len);
	ck_assert_ptr_nonnull(json_object_get(event, CONTENTS[_i].member));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	ck_assert_int_eq(event_send(ends[0], -1, event, &err), 0);
	ck_assert_int_eq(event_receive(ends[1], -1, &arrived, &err), 1);
	close(ends[0]);
	close(ends[1]);
	ck_assert_int_eq(event_get_content(arrived, &bytes, &len, &err), 0);
	ck_assert_uint_eq(len, CONTENTS[_i].len);
	ck_assert_mem_eq(bytes, CONTENTS[_i].bytes, len + 1);
}
END_TEST

START_TEST(content_that_is_no_base64_is_refused)
{
	static const char *const bad[] = { "YQ",       "YQ=",  "Y===", "====",
					   "YQ==YQ==", "Y Q=", "YQ!=" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(json_ref) json_t *event = json_pack("{s:s}", "base64", bad[i]);
		char *bytes;
		struct err err;
		size_t len;

		ck_assert_msg(event_get_content(event, &bytes, &len, &err) == -1, "%s",
			      bad[i]);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("wire-content");
	TCase *tcase = tcase_create("content");

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, content_arrives_byte_for_byte, 0,
			    ARRAY_LEN(CONTENTS));
	tcase_add_test(tcase, content_that_is_no_base64_is_refused);
	return unit_run(suite);
}
