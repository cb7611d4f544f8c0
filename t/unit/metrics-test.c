/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Metrics: names and lines as StatsD wants them, datagrams, addresses in time. */
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "engine/resolve.h"
#include "engine/statsd.h"

static int sink_fd;
static struct statsd statsd;

/* A sink of our own, and a client that is told to send there. */
static void
begin(void)
{
	struct sockaddr_in *address = (struct sockaddr_in *)&statsd.address;
	socklen_t size = sizeof *address;
	struct err err;

	statsd = (struct statsd)STATSD_INIT;
	*address = (struct sockaddr_in){ .sin_family = AF_INET,
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	sink_fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(sink_fd, 0);
	ck_assert_int_eq(bind(sink_fd, (struct sockaddr *)address, size), 0);
	ck_assert_int_eq(getsockname(sink_fd, (struct sockaddr *)address, &size), 0);
	statsd.address_len = size;
	ck_assert_int_eq(sink_set_prefix(&statsd.sink, "f", &err), 0);
}

static void
close_sink(void)
{
	if (sink_fd >= 0)
		close(STEAL_FD(sink_fd));
}

static void
end(void)
{
	close_sink();
	statsd_done(&statsd);
}

/* The next datagram as text, or "" when there is none. */
static const char *
datagram(void)
{
	static char bytes[65536];
	ssize_t n = recv(sink_fd, bytes, sizeof bytes - 1, MSG_DONTWAIT);

	bytes[n > 0 ? n : 0] = '\0';
	return bytes;
}

/* The same port again, for somebody else. */
static void
listen_again(void)
{
	sink_fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(sink_fd, (struct sockaddr *)&statsd.address,
			      statsd.address_len), 0);
}

static void
count_one(void)
{
	statsd_count(&statsd, "a");
	statsd_send(&statsd);
}

/* ---- names ---- */

static const struct {
	const char *word, *want;
} words[] = {
	{ "api", "api" },
	{ "rolled_back", "rolled_back" },
	{ "A-z9", "A-z9" },
	{ "web.api", "web_api" },
	{ "a:1|c", "a_1_c" },
	{ "a@0.1", "a_0_1" },
	{ "a\nb:2|g", "a_b_2_g" },
	{ "a#b,c", "a_b_c" },
	{ "\x01\x7f \t/", "_____" },
	{ "\xc3\xa9", "__" },
	{ "", "_" },
};

START_TEST(nothing_of_a_word_means_something_to_statsd)
{
	AUTO(str) struct str name = STR_INIT;

	statsd_add_word(&name, words[_i].word);
	ck_assert_str_eq(str_get(&name), words[_i].want);
}
END_TEST

START_TEST(no_byte_but_those_of_names_gets_through)
{
	for (int byte = 1; byte < 256; byte++) {
		AUTO(str) struct str name = STR_INIT;
		char word[] = { 'a', (char)byte, 'b', '\0' };

		statsd_add_word(&name, word);
		ck_assert_uint_eq(name.len, 3);
		ck_assert_msg(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvw"
				     "xyz0123456789-_", name.s[1]) != NULL,
			      "byte %d became %d", byte, name.s[1]);
	}
}
END_TEST

START_TEST(a_long_word_is_cut)
{
	AUTO(str) struct str name = STR_INIT;
	char word[1000];

	memset(word, 'x', sizeof word);
	word[sizeof word - 1] = '\0';
	statsd_add_word(&name, word);
	ck_assert_uint_eq(name.len, 128);
}
END_TEST

/* ---- lines and datagrams ---- */

START_TEST(lines_of_one_event_are_one_datagram)
{
	statsd_count(&statsd, "runs.queued");
	statsd_time(&statsd, "steps.a.duration", 12);
	ck_assert_str_eq(datagram(), "");
	statsd_send(&statsd);
	ck_assert_str_eq(datagram(), "f.runs.queued:1|c\nf.steps.a.duration:12|ms");
	statsd_send(&statsd);
	ck_assert_str_eq(datagram(), "");
}
END_TEST

START_TEST(no_time_is_less_than_none)
{
	statsd_time(&statsd, "a", -5);
	statsd_send(&statsd);
	ck_assert_str_eq(datagram(), "f.a:0|ms");
}
END_TEST

START_TEST(without_prefix_there_is_no_dot)
{
	struct err err;

	ck_assert_int_eq(sink_set_prefix(&statsd.sink, "", &err), 0);
	count_one();
	ck_assert_str_eq(datagram(), "a:1|c");
}
END_TEST

START_TEST(tags_stand_behind_every_line)
{
	struct err err;

	ck_assert_int_eq(sink_add_tag(&statsd.sink, "env", "prod", &err), 0);
	ck_assert_int_eq(sink_add_tag(&statsd.sink, "team", "a", &err), 0);
	statsd_count(&statsd, "a");
	statsd_time(&statsd, "b", 1);
	statsd_send(&statsd);
	ck_assert_str_eq(datagram(), "f.a:1|c|#env:prod,team:a\n"
				     "f.b:1|ms|#env:prod,team:a");
}
END_TEST

START_TEST(no_datagram_is_too_large_and_no_line_is_lost)
{
	AUTO(str) struct str name = STR_INIT;
	unsigned lines = 0, datagrams = 0;
	char word[300];
	struct err err;

	memset(word, 'x', sizeof word);
	word[128] = '\0';
	ck_assert_int_eq(sink_set_prefix(&statsd.sink, word, &err), 0);
	statsd_add_word(&name, word);
	statsd.dropped = UINT32_MAX;	/* that is told as well */
	for (unsigned i = 0; i < 200; i++)
		statsd_time(&statsd, str_get(&name), INT64_MAX);
	statsd_send(&statsd);
	for (const char *s = datagram(); *s; s = datagram()) {
		ck_assert_uint_le(strlen(s), STATSD_MAX_BYTES);
		datagrams++;
		for (lines++; (s = strchr(s, '\n')); s++)
			lines++;
	}
	ck_assert_uint_eq(lines, 201);
	ck_assert_uint_gt(datagrams, 1);
}
END_TEST

/* ---- sinks that are not there ---- */

START_TEST(without_an_address_nothing_is_sent)
{
	statsd.address_len = 0;
	count_one();
	ck_assert_int_eq(statsd.fd, -1);
	ck_assert_str_eq(datagram(), "");
}
END_TEST

/* To all of the network nobody may send who does not ask for that. */
START_TEST(a_socket_that_cannot_be_connected_is_not_used)
{
	struct sockaddr_in *address = (struct sockaddr_in *)&statsd.address;

	address->sin_addr.s_addr = htonl(INADDR_BROADCAST);
	count_one();
	ck_assert_int_eq(statsd.fd, -1);
	ck_assert_uint_eq(statsd.dropped, 1);
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	count_one();
	ck_assert_str_eq(datagram(), "f.a:1|c\nf.metrics.dropped:1|c");
}
END_TEST

START_TEST(what_was_lost_is_told_when_somebody_listens_again)
{
	count_one();
	ck_assert_str_eq(datagram(), "f.a:1|c");
	close_sink();
	count_one();	/* nobody knows yet that it is lost */
	count_one();	/* the refusal of the one before comes back; lost, too */
	listen_again();
	count_one();
	ck_assert_str_eq(datagram(), "f.a:1|c\nf.metrics.dropped:1|c");
	count_one();
	ck_assert_str_eq(datagram(), "f.a:1|c\nf.metrics.dropped:1|c");
	count_one();
	ck_assert_str_eq(datagram(), "f.a:1|c");
}
END_TEST

START_TEST(without_descriptors_lines_are_counted)
{
	struct rlimit few = { 0, 0 }, usual;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &usual), 0);
	few.rlim_max = usual.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	count_one();
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &usual), 0);
	count_one();
	ck_assert_str_eq(datagram(), "f.a:1|c\nf.metrics.dropped:1|c");
}
END_TEST

START_TEST(a_full_sink_does_not_hold_us_up)
{
	int64_t begin_ms = clock_boot_ms();
	const int least = 1;

	ck_assert_int_eq(setsockopt(sink_fd, SOL_SOCKET, SO_RCVBUF, &least,
				    sizeof least), 0);
	for (unsigned i = 0; i < 20000; i++)
		count_one();
	ck_assert_int_lt(clock_boot_ms() - begin_ms, 10000);
}
END_TEST

START_TEST(a_refusal_is_seen_by_who_asks)
{
	ck_assert(statsd_is_heard(&statsd));
	close_sink();
	ck_assert(!statsd_is_heard(&statsd));
}
END_TEST

/* ---- addresses ---- */

START_TEST(an_address_is_taken_as_it_is)
{
	struct sockaddr_storage address;
	socklen_t len = 0;
	char text[INET6_ADDRSTRLEN] = "";
	struct err err;

	ck_assert_int_eq(resolve("10.1.2.3", 8125, &address, &len, &err), 0);
	const struct sockaddr_in *four = (const struct sockaddr_in *)&address;
	ck_assert_int_eq(address.ss_family, AF_INET);
	ck_assert_uint_eq(ntohl(four->sin_addr.s_addr), 0x0a010203);
	ck_assert_uint_eq(ntohs(four->sin_port), 8125);
	ck_assert_int_eq(resolve("2001:db8::1", 9, &address, &len, &err), 0);
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&address;
	ck_assert_int_eq(address.ss_family, AF_INET6);
	inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof text);
	ck_assert_str_eq(text, "2001:db8::1");
}
END_TEST

START_TEST(a_name_is_asked_for)
{
	struct sockaddr_storage address;
	socklen_t len = 0;
	struct err err;

	ck_assert_msg(resolve("localhost", 8125, &address, &len, &err) == 0, "%s",
		      err.text);
	ck_assert_uint_gt(len, 0);
}
END_TEST

START_TEST(an_unknown_name_is_told_in_time)
{
	struct sockaddr_storage address;
	socklen_t len = 0;
	int64_t begin_ms = clock_boot_ms();
	struct err err;

	ck_assert_int_lt(resolve("nobody.invalid", 8125, &address, &len, &err), 0);
	ck_assert_str_eq(err.code, "metrics.unresolved");
	ck_assert_str_ne(err.remedy, "");
	ck_assert_int_lt(clock_boot_ms() - begin_ms, 5000);
	ck_assert_uint_eq(len, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("metrics");
	TCase *tcase = tcase_create("statsd");

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, nothing_of_a_word_means_something_to_statsd, 0,
			    ARRAY_LEN(words));
	tcase_add_test(tcase, no_byte_but_those_of_names_gets_through);
	tcase_add_test(tcase, a_long_word_is_cut);
	tcase_add_test(tcase, lines_of_one_event_are_one_datagram);
	tcase_add_test(tcase, no_time_is_less_than_none);
	tcase_add_test(tcase, without_prefix_there_is_no_dot);
	tcase_add_test(tcase, tags_stand_behind_every_line);
	tcase_add_test(tcase, no_datagram_is_too_large_and_no_line_is_lost);
	tcase_add_test(tcase, without_an_address_nothing_is_sent);
	tcase_add_test(tcase, a_socket_that_cannot_be_connected_is_not_used);
	tcase_add_test(tcase, what_was_lost_is_told_when_somebody_listens_again);
	tcase_add_test(tcase, without_descriptors_lines_are_counted);
	tcase_add_test(tcase, a_full_sink_does_not_hold_us_up);
	tcase_add_test(tcase, a_refusal_is_seen_by_who_asks);
	tcase_add_test(tcase, an_address_is_taken_as_it_is);
	tcase_add_test(tcase, a_name_is_asked_for);
	tcase_add_test(tcase, an_unknown_name_is_told_in_time);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
