/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Packets of a hostile host process: each is an event of a known form or
 * garbage, none touches a file outside of the scratch directory, and what is
 * taken can be sent on.
 */
#include "base/base.h"

#include "fuzz.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "wire/event.h"

const char *const fuzz_seeds[] = {
	"{\"e\":\"jail\",\"level\":\"tree\",\"techniques\":[\"close_range\"]}",
	"{\"e\":\"edit\",\"path\":\"a/b\",\"op\":\"delete\",\"pre\":null}",
	"{\"e\":\"edit\",\"path\":\"a\",\"op\":\"write\",\"base64\":\"AAECAw==\"}",
	"{\"e\":\"effect\",\"kind\":\"image\",\"target\":\"t\",\"before\":{},"
	"\"summary\":\"s\"}",
	"{\"e\":\"command\",\"argv\":[\"docker\",\"ps\"]}",
	"{\"e\":\"output\",\"name\":\"n\",\"value\":{\"spill\":{\"file\":\"spilled\","
	"\"bytes\":3,"
	"\"sha256\":"
	"\"a665a45920422f9d417e4867efdc4fb8a04a1f3fff1fa07e998e86f7f7a27ae3\"}}}",
	"{\"e\":\"output\",\"name\":\"n\",\"value\":{\"spill\":{\"file\":\"../"
	"outside\",\"bytes\":3,"
	"\"sha256\":"
	"\"a665a45920422f9d417e4867efdc4fb8a04a1f3fff1fa07e998e86f7f7a27ae3\"}}}",
	"{\"e\":\"finding\",\"rule\":\"r\",\"confidence\":90,\"title\":\"t\","
	"\"evidence\":\"v\"}",
	"{\"e\":\"artifact\",\"name\":\"n\",\"type\":\"text/plain\",\"file\":\"f\"}",
	"{\"e\":\"note\",\"level\":\"info\",\"text\":\"t\"}",
	"{\"e\":\"progress\",\"done\":1,\"total\":2,\"text\":\"t\"}",
	"{\"e\":\"exec\",\"argv\":[\"a\"]}",
	"{\"e\":\"exited\",\"status\":0,\"signal\":0,\"timed_out\":false}",
	"{\"e\":\"verdict\",\"module\":0,\"policy\":\"p\",\"verdict\":\"hold\","
	"\"reason\":\"r\","
	"\"need\":{\"roles\":[\"sre\"],\"quorum\":1,\"valid_ms\":1}}",
	"{\"e\":\"result\",\"result\":\"error\",\"why\":\"bug\",\"code\":\"c\","
	"\"text\":\"t\","
	"\"remedy\":\"\"}",
	NULL,
};

const char *const fuzz_words[] = {
	"{",
	"}",
	"[",
	"]",
	":",
	",",
	"\"\"",
	"null",
	"true",
	"0",
	"-1",
	"9223372036854775807",
	"\"e\":",
	"\"edit\"",
	"\"verdict\"",
	"\"result\"",
	"{\"spill\":{\"file\":\"spilled\",\"bytes\":3,"
	"\"sha256\":"
	"\"a665a45920422f9d417e4867efdc4fb8a04a1f3fff1fa07e998e86f7f7a27ae3\"}}",
	"\"link\"",
	"\"fifo\"",
	"\"folder\"",
	"\"..\"",
	"\"/etc/passwd\"",
	"/",
	"../",
	".",
	"\\u0000",
	"\xff",
	"\"bytes\":-1",
	"\"bytes\":1e9",
	"\"need\":",
	"\"path\":\"../x\"",
	"\"base64\":\"=\"",
	NULL,
};

static int scratch_fd, outside_fd, channel[2];

static void
put_file(int dir, const char *name)
{
	AUTO_CLOSE int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FUZZ_CHECK(fd >= 0 && file_write_all(fd, "123", 3) == 0);
}

/* DIRECTORY/outside and, as scratch, DIRECTORY/scratch with every kind of file. */
static void
set_up(void)
{
	char directory[] = "/tmp/fettle-fuzz-XXXXXX";
	struct err err;

	FUZZ_CHECK(mkdtemp(directory));
	outside_fd = path_open_dir(directory, &err);
	FUZZ_CHECK(mkdirat(outside_fd, "scratch", 0700) == 0);
	scratch_fd = openat(outside_fd, "scratch", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put_file(outside_fd, "outside");
	FUZZ_CHECK(symlinkat("../outside", scratch_fd, "link") == 0);
	FUZZ_CHECK(mkfifoat(scratch_fd, "fifo", 0600) == 0);
	FUZZ_CHECK(mkdirat(scratch_fd, "folder", 0700) == 0);
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) == 0);
}

/* Nobody needs the names: everything is reached by descriptor. */
static void
tear_down(void)
{
	AUTO_FREE char *link = x_asprintf("/proc/self/fd/%d", outside_fd);
	char directory[4096] = "";
	FUZZ_CHECK(readlink(link, directory, sizeof(directory) - 1) > 0);
	static const char *const names[] = { "link", "fifo", "spilled" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)unlinkat(scratch_fd, names[i], 0);
	(void)unlinkat(scratch_fd, "folder", AT_REMOVEDIR);
	(void)unlinkat(outside_fd, "scratch", AT_REMOVEDIR);
	(void)unlinkat(outside_fd, "outside", 0);
	(void)rmdir(directory);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static bool is_set_up;
	struct err err = { "" };
	AUTO(json_ref) json_t *event = NULL, *same = NULL;

	if (!is_set_up) {
		set_up();
		atexit(tear_down);
		is_set_up = true;
	}
	put_file(scratch_fd, "spilled");
	FUZZ_CHECK(send(channel[0], bytes, n, MSG_NOSIGNAL) == (ssize_t)n);
	int received = event_receive(channel[1], scratch_fd, &event, &err);
	FUZZ_CHECK(faccessat(outside_fd, "outside", F_OK, 0) == 0);
	if (received < 0) {
		FUZZ_CHECK(str_eq(err.code, "event.garbage"));
		FUZZ_CHECK(event == NULL && err.text[0] != '\0');
		return 0;
	}
	FUZZ_CHECK(received == 1 && event_check(event, &err) == 0);
	FUZZ_CHECK(event_send(channel[0], scratch_fd, event, &err) == 0);
	FUZZ_CHECK(event_receive(channel[1], scratch_fd, &same, &err) == 1);
	FUZZ_CHECK(json_equal(event, same));
	FUZZ_CHECK(event_receive(channel[1], scratch_fd, &same, &err) == 0);
	return 0;
}
