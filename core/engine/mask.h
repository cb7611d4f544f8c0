/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Secrets out of everything that is shown or stored: by exact value, and by
 * each line of a value of several lines. Works on a stream: a value split
 * over two reads is found, at the price of holding back a few bytes.
 */
#ifndef FETTLE_ENGINE_MASK_H
#define FETTLE_ENGINE_MASK_H

#include "base/json.h"
#include "base/str.h"

#define MASK_MIN_BYTES 4 /* shorter values would shred every log */

struct mask {
	struct strv values; /* longest first */
	size_t longest;
};

/* Adds a value and its lines; false when it is too short or too common to mask. */
bool mask_add(struct mask *mask, const char *value);
void mask_done(struct mask *mask);

/* Appends the bytes with every value replaced by `***`. */
void mask_bytes(const struct mask *mask, const char *bytes, size_t n, struct str *out);

/*
 * One stream. feed appends what is certain to *out and keeps the rest;
 * end appends what was kept.
 */
struct mask_stream {
	const struct mask *mask;
	struct str held;
};
void mask_feed(struct mask_stream *stream, const char *bytes, size_t n,
	       struct str *out);
void mask_end(struct mask_stream *stream, struct str *out);

/* A deep copy with every string masked (keys are ours and stay). New reference. */
json_t *mask_json(const struct mask *mask, const json_t *value);

/* Whether a value is in there that mask_json would replace. */
bool mask_hides(const struct mask *mask, const json_t *value);

#endif
