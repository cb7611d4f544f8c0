/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What goes from the engine to its nursery, and what comes back. */
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/err.h"
#include "unit.h"
#include "wire/start.h"

static int near_end, far_end;

static void
set_up(void)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends),
			 0);
	near_end = ends[0];
	far_end = ends[1];
}

static void
tear_down(void)
{
	auto_close(&near_end);
	auto_close(&far_end);
}

static bool
is_same_file(int a, int b)
{
	struct stat one, other;

	return fstat(a, &one) == 0 && fstat(b, &other) == 0 &&
	       one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

START_TEST(every_descriptor_comes_to_its_place)
{
	/* _i: a mask of those that are there. */
	struct start sent = { .attempt = "RUN/step/1" }, got;
	struct err err;

	for (int i = 0; i < START_FDS; i++)
		sent.fds[i] = _i & 1 << i ? open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC,
						 0600) :
					    -1;
	ck_assert_int_eq(start_send(near_end, &sent, &err), 0);
	ck_assert_int_eq(start_receive(far_end, &got, &err), 1);
	ck_assert_str_eq(got.attempt, "RUN/step/1");
	for (int i = 0; i < START_FDS; i++) {
		if (sent.fds[i] < 0) {
			ck_assert_int_eq(got.fds[i], -1);
			continue;
		}
		ck_assert(is_same_file(got.fds[i], sent.fds[i]));
		ck_assert_int_eq(fcntl(got.fds[i], F_GETFD), FD_CLOEXEC);
	}
	start_close(&sent);
	start_close(&got);
}
END_TEST

START_TEST(end_of_the_channel_is_no_error)
{
	struct start got;
	struct err err;

	close(STEAL_FD(near_end));
	ck_assert_int_eq(start_receive(far_end, &got, &err), 0);
}
END_TEST

START_TEST(packet_without_its_descriptors_is_refused)
{
	char packet[sizeof(uint32_t) + sizeof(((struct start *)NULL)->attempt)] = {
		7
	};
	struct start got;
	struct err err;

	ck_assert_int_eq(send(near_end, packet, sizeof(packet), 0), sizeof(packet));
	ck_assert_int_eq(start_receive(far_end, &got, &err), -1);
	ck_assert_str_eq(err.code, "spawn_failed");
}
END_TEST

START_TEST(packet_of_another_size_is_refused)
{
	struct start got;
	struct err err;

	ck_assert_int_eq(send(near_end, "RUN", 3, 0), 3);
	ck_assert_int_eq(start_receive(far_end, &got, &err), -1);
	ck_assert_str_eq(err.code, "spawn_failed");
}
END_TEST

START_TEST(pid_comes_back)
{
	struct err err;
	pid_t pid = 0;

	ck_assert_int_eq(start_reply(far_end, 1234, &err), 0);
	ck_assert_int_eq(start_await_reply(near_end, &pid, &err), 0);
	ck_assert_int_eq(pid, 1234);
}
END_TEST

START_TEST(what_kept_a_host_from_starting_comes_back)
{
	struct err err;
	pid_t pid = 0;

	ck_assert_int_eq(start_reply(far_end, -EAGAIN, &err), 0);
	ck_assert_int_eq(start_await_reply(near_end, &pid, &err), -1);
	ck_assert_int_eq(pid, 0);
	ck_assert_ptr_nonnull(strstr(err.text, strerror(EAGAIN)));
}
END_TEST

START_TEST(nursery_that_is_gone_is_an_error)
{
	struct err err;
	pid_t pid = 0;

	close(STEAL_FD(far_end));
	ck_assert_int_eq(start_await_reply(near_end, &pid, &err), -1);
	ck_assert_str_eq(err.code, "spawn_failed");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("wire-start");
	TCase *starts = tcase_create("starts");

	suite_add_tcase(suite, starts);
	tcase_add_checked_fixture(starts, set_up, tear_down);
	tcase_add_loop_test(starts, every_descriptor_comes_to_its_place, 0,
			    1 << START_FDS);
	tcase_add_test(starts, end_of_the_channel_is_no_error);
	tcase_add_test(starts, packet_without_its_descriptors_is_refused);
	tcase_add_test(starts, packet_of_another_size_is_refused);
	tcase_add_test(starts, pid_comes_back);
	tcase_add_test(starts, what_kept_a_host_from_starting_comes_back);
	tcase_add_test(starts, nursery_that_is_gone_is_an_error);
	return unit_run(suite);
}
