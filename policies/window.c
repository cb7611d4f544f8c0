/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading a window, and comparing a moment's local time with it. See window.h. */
#include "policies/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define ZONES "/usr/share/zoneinfo/"
#define MINUTES_A_DAY 1440

/* ---- reading ---- */

static void
skip_blanks(const char **at)
{
	while (**at == ' ')
		(*at)++;
}

static bool
skip_char(const char **at, char c)
{
	skip_blanks(at);
	if (**at != c)
		return false;
	(*at)++;
	skip_blanks(at);
	return true;
}

/* Exactly n digits. */
static bool
read_digits(const char **at, int n, int *ret)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		char c = (*at)[i];

		if (c < '0' || c > '9')
			return false;
		value = value * 10 + (c - '0');
	}
	*at += n;
	*ret = value;
	return true;
}

/* `HH:MM`, up to 24:00. */
static bool
read_time(const char **at, int *ret)
{
	const char *p = *at;
	int hour, minute;

	if (!read_digits(&p, 2, &hour) || *p++ != ':' || !read_digits(&p, 2, &minute) ||
	    minute > 59 || hour * 60 + minute > MINUTES_A_DAY)
		return false;
	*at = p;
	*ret = hour * 60 + minute;
	return true;
}

static bool
read_day(const char **at, int *ret)
{
	static const char *const names[] = { "Sun", "Mon", "Tue", "Wed",
					     "Thu", "Fri", "Sat" };

	for (int i = 0; i < 7; i++)
		if (strncasecmp(*at, names[i], 3) == 0) {
			*at += 3;
			*ret = i;
			return true;
		}
	return false;
}

static bool
read_date(const char **at, int64_t *ret)
{
	static const int lengths[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	const char *p = *at;
	int year, month, day;

	if (!read_digits(&p, 4, &year) || *p++ != '-' || !read_digits(&p, 2, &month) ||
	    *p++ != '-' || !read_digits(&p, 2, &day) || month < 1 || month > 12 ||
	    day < 1 || day > lengths[month - 1])
		return false;
	*at = p;
	*ret = (int64_t)year * 10000 + month * 100 + day;
	return true;
}

/* A zone's name leads to a file below ZONES and nowhere else. */
static int
read_zone(const char *at, struct window *ret, const char **ret_why)
{
	size_t n = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			      "0123456789_+-/");

	if (*at == '\0') {
		snprintf(ret->zone, sizeof(ret->zone), "UTC");
		return 0;
	}
	if (at[n] != '\0' || n >= sizeof(ret->zone) || at[0] == '/') {
		*ret_why = "what follows is no name of a time zone";
		return -1;
	}
	snprintf(ret->zone, sizeof(ret->zone), "%s", at);
	return 0;
}

static int
parse_dates(const char *at, struct window *ret, const char **ret_why)
{
	int64_t from, to;
	int from_minute = 0, to_minute = MINUTES_A_DAY;

	*ret_why = "dates are written YYYY-MM-DD [HH:MM] - YYYY-MM-DD [HH:MM] [ZONE]";
	if (!read_date(&at, &from))
		return -1;
	skip_blanks(&at);
	(void)read_time(&at, &from_minute);
	if (!skip_char(&at, '-') || !read_date(&at, &to))
		return -1;
	skip_blanks(&at);
	(void)read_time(&at, &to_minute);
	skip_blanks(&at);
	ret->kind = WINDOW_DATES;
	ret->from = from * 10000 + from_minute / 60 * 100 + from_minute % 60;
	ret->to = to * 10000 + to_minute / 60 * 100 + to_minute % 60;
	if (ret->from >= ret->to) {
		*ret_why = "it ends before it begins";
		return -1;
	}
	return read_zone(at, ret, ret_why);
}

/* `Mon-Fri`, `Sat,Sun`, `Fri`; *ret_last is the last day that was named. */
static bool
read_days(const char **at, unsigned *ret, int *ret_last)
{
	int first, last;

	*ret = 0;
	do {
		if (!read_day(at, &first))
			return false;
		last = first;
		if (**at == '-' && strncmp(*at, "- ", 2) != 0) {
			(*at)++;
			if (!read_day(at, &last))
				return false;
		}
		for (int day = first;; day = (day + 1) % 7) {
			*ret |= 1u << day;
			if (day == last)
				break;
		}
	} while (**at == ',' && (*at)++);
	*ret_last = last;
	return true;
}

static int
parse_hours(const char *at, struct window *ret, const char **ret_why)
{
	int from, to, first = 0, second = 0;
	unsigned days = 0x7F, one;

	*ret_why = "a window is [DAYS] HH:MM - HH:MM [ZONE] or DAY HH:MM - DAY HH:MM "
		   "[ZONE]";
	if (*at > '9' && !read_days(&at, &days, &first))
		return -1;
	skip_blanks(&at);
	if (!read_time(&at, &from) || !skip_char(&at, '-'))
		return -1;
	bool is_weekly = read_days(&at, &one, &second);
	skip_blanks(&at);
	if (!read_time(&at, &to))
		return -1;
	skip_blanks(&at);
	ret->kind = is_weekly ? WINDOW_WEEKLY : WINDOW_DAILY;
	ret->days = days;
	ret->from = is_weekly ? first * MINUTES_A_DAY + from : from;
	ret->to = is_weekly ? second * MINUTES_A_DAY + to : to;
	if (is_weekly && (days != 1u << first || one != 1u << second))
		return -1;
	if (ret->from == ret->to) {
		*ret_why = "it begins and ends at the same minute";
		return -1;
	}
	return read_zone(at, ret, ret_why);
}

int
window_parse(const char *text, struct window *ret, const char **ret_why)
{
	int64_t date;

	*ret = (struct window){ .kind = WINDOW_DAILY };
	skip_blanks(&text);
	const char *p = text;
	return read_date(&p, &date) ? parse_dates(text, ret, ret_why)
				    : parse_hours(text, ret, ret_why);
}

/* ---- comparing ---- */

/* glibc takes a zone it does not know for UTC, without a word. */
static bool
is_known(const char *zone)
{
	char file[sizeof(ZONES) + 64];

	if (strcmp(zone, "UTC") == 0)
		return true;
	snprintf(file, sizeof(file), ZONES "%s", zone);
	return access(file, R_OK) == 0;
}

static bool
is_between(int64_t at, int64_t from, int64_t to)
{
	return from < to ? at >= from && at < to : at >= from || at < to;
}

static bool
is_in_hours(const struct window *window, const struct tm *local)
{
	int64_t minute = local->tm_hour * 60 + local->tm_min;
	unsigned today = 1u << local->tm_wday,
		 yesterday = 1u << (local->tm_wday + 6) % 7;

	if (window->kind == WINDOW_WEEKLY)
		return is_between(local->tm_wday * MINUTES_A_DAY + minute, window->from,
				  window->to);
	if (window->from < window->to)
		return (window->days & today) && minute >= window->from &&
		       minute < window->to;
	/* Over midnight it belongs to the day on which it began. */
	return ((window->days & today) && minute >= window->from) ||
	       ((window->days & yesterday) && minute < window->to);
}

int
window_holds(const struct window *window, int64_t now_ms)
{
	time_t now = (time_t)(now_ms / 1000);
	struct tm local;

	if (!is_known(window->zone))
		return -1;
	if (setenv("TZ", window->zone, 1) < 0)
		return -1;
	tzset();
	if (!localtime_r(&now, &local))
		return -1;
	if (window->kind != WINDOW_DATES)
		return is_in_hours(window, &local);
	int64_t at = (local.tm_year + 1900) * 100000000LL +
		     (local.tm_mon + 1) * 1000000LL + local.tm_mday * 10000LL +
		     local.tm_hour * 100 + local.tm_min;
	return at >= window->from && at < window->to;
}
