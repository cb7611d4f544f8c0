/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Myers' O(ND) difference in linear space: search from both ends until the
 * two meet in the middle of a shortest edit script, then do the same on both
 * sides of that point. In the grid x counts lines of the old text and y of
 * the new one; a diagonal is x - y; a step along it is an equal line.
 */
#include "base/base.h"

#include "base/diff_lines.h"

/* Edits after which two texts count as having nothing in common. */
#define MAX_EDITS 8192

static void
split(const char *text, size_t len, struct lines *ret)
{
	size_t count = 0;
	for (size_t i = 0; i < len; i++)
		count += text[i] == '\n' || i + 1 == len;
	ret->v = x_calloc(count, sizeof(*ret->v));
	ret->count = count;
	for (size_t i = 0; i < count; i++) {
		const char *newline = memchr(text, '\n', len);
		size_t n = newline ? (size_t)(newline - text) + 1 : len;
		ret->v[i].s = text;
		ret->v[i].len = n;
		text += n;
		len -= n;
	}
}

static int
order_lines(const void *a, const void *b)
{
	const struct line *x = *(const struct line *const *)a;
	const struct line *y = *(const struct line *const *)b;
	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return memcmp(x->s, y->s, x->len);
}

/* Equal lines get equal numbers. By sorting: no input makes it slow. */
static void
number_lines(struct lines *before, struct lines *after)
{
	size_t count = before->count + after->count, id = 0;
	AUTO_FREE struct line **all = x_calloc(count, sizeof(struct line *));

	for (size_t i = 0; i < count; i++)
		all[i] = i < before->count ? &before->v[i] :
					     &after->v[i - before->count];
	qsort(all, count, sizeof(struct line *), order_lines);
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && order_lines(&all[i - 1], &all[i]) != 0)
			id++;
		all[i]->id = id;
	}
}

/* A part of the grid: lines x0..x1 of the old text, y0..y1 of the new one. */
struct box {
	ptrdiff_t x0, x1, y0, y1;
};

struct search {
	struct line *before, *after;
	/* By diagonal: the furthest x reached from the start, and from the end. */
	ptrdiff_t *ahead, *back;
};

/* A front of diagonals that widens by one at each end per edit. */
struct front {
	ptrdiff_t first, last;
};

/*
 * Widens the front within the box. Beyond its ends stands `nowhere`, so that
 * no path comes from there; at the box's edge the end moves back instead, for
 * only every second diagonal is reached with one number of edits.
 */
static void
widen(struct front *front, ptrdiff_t *reached, const struct box *box, ptrdiff_t nowhere)
{
	if (front->first > box->x0 - box->y1)
		reached[--front->first - 1] = nowhere;
	else
		front->first++;
	if (front->last < box->x1 - box->y0)
		reached[++front->last + 1] = nowhere;
	else
		front->last--;
}

static bool
is_within(const struct front *front, ptrdiff_t diagonal)
{
	return diagonal >= front->first && diagonal <= front->last;
}

/* One edit more on diagonal k from the start: right, or down, then equal lines. */
static ptrdiff_t
advance(const struct search *search, const struct box *box, ptrdiff_t k)
{
	ptrdiff_t right = search->ahead[k - 1] + 1, down = search->ahead[k + 1];
	ptrdiff_t x = right > down ? right : down, y = x - k;
	while (x < box->x1 && y < box->y1 &&
	       search->before[x].id == search->after[y].id) {
		x++;
		y++;
	}
	return x;
}

/* The same from the end. */
static ptrdiff_t
retreat(const struct search *search, const struct box *box, ptrdiff_t k)
{
	ptrdiff_t left = search->back[k + 1] - 1, up = search->back[k - 1];
	ptrdiff_t x = left < up ? left : up, y = x - k;
	while (x > box->x0 && y > box->y0 &&
	       search->before[x - 1].id == search->after[y - 1].id) {
		x--;
		y--;
	}
	return x;
}

/*
 * A point in the middle of a shortest edit script; false when it is longer
 * than MAX_EDITS. The box is trimmed and not empty: at least two edits.
 */
static bool
find_middle(const struct search *search, const struct box *box, ptrdiff_t *ret_x,
	    ptrdiff_t *ret_y)
{
	ptrdiff_t *ahead = search->ahead, *back = search->back;
	ptrdiff_t start = box->x0 - box->y0, end = box->x1 - box->y1;
	struct front from_start = { start, start }, from_end = { end, end };
	bool is_odd = (start - end) % 2 != 0;

	ahead[start] = box->x0;
	back[end] = box->x1;
	for (size_t edits = 1; edits <= MAX_EDITS / 2; edits++) {
		widen(&from_start, ahead, box, PTRDIFF_MIN / 2);
		for (ptrdiff_t k = from_start.last; k >= from_start.first; k -= 2) {
			ahead[k] = advance(search, box, k);
			if (is_odd && is_within(&from_end, k) && back[k] <= ahead[k]) {
				*ret_x = ahead[k];
				*ret_y = ahead[k] - k;
				return true;
			}
		}
		widen(&from_end, back, box, PTRDIFF_MAX / 2);
		for (ptrdiff_t k = from_end.last; k >= from_end.first; k -= 2) {
			back[k] = retreat(search, box, k);
			if (!is_odd && is_within(&from_start, k) &&
			    back[k] <= ahead[k]) {
				*ret_x = back[k];
				*ret_y = back[k] - k;
				return true;
			}
		}
	}
	return false;
}

/* Each half has half of the edits: the recursion is as deep as their logarithm. */
static void
mark_changes(const struct search *search, struct box box)
{
	const struct line *before = search->before, *after = search->after;
	ptrdiff_t x, y;

	while (box.x0 < box.x1 && box.y0 < box.y1 &&
	       before[box.x0].id == after[box.y0].id) {
		box.x0++;
		box.y0++;
	}
	while (box.x0 < box.x1 && box.y0 < box.y1 &&
	       before[box.x1 - 1].id == after[box.y1 - 1].id) {
		box.x1--;
		box.y1--;
	}
	if (box.x0 < box.x1 && box.y0 < box.y1 && find_middle(search, &box, &x, &y)) {
		mark_changes(search, (struct box){ box.x0, x, box.y0, y });
		mark_changes(search, (struct box){ x, box.x1, y, box.y1 });
		return;
	}
	for (x = box.x0; x < box.x1; x++)
		search->before[x].is_changed = true;
	for (y = box.y0; y < box.y1; y++)
		search->after[y].is_changed = true;
}

void
diff_lines(const char *before, size_t before_len, const char *after, size_t after_len,
	   struct lines *ret_before, struct lines *ret_after)
{
	split(before, before_len, ret_before);
	split(after, after_len, ret_after);
	number_lines(ret_before, ret_after);

	/* Diagonals run from -y to x, and one more at each end is looked at. */
	size_t x = ret_before->count, y = ret_after->count, diagonals = x + y + 3;
	AUTO_FREE ptrdiff_t *ahead = x_calloc(diagonals, sizeof(ptrdiff_t));
	AUTO_FREE ptrdiff_t *back = x_calloc(diagonals, sizeof(ptrdiff_t));
	struct search search = {
		.before = ret_before->v,
		.after = ret_after->v,
		.ahead = ahead + y + 1,
		.back = back + y + 1,
	};
	mark_changes(&search, (struct box){ 0, (ptrdiff_t)x, 0, (ptrdiff_t)y });
}

void
lines_done(struct lines *lines)
{
	free(lines->v);
	*lines = (struct lines){ 0 };
}
