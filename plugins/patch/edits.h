/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Structured edits: what they mean for the bytes of files. Pure: files come
 * from a reader, results stay in memory, and nobody here knows a run.
 *
 *	{"op":"add_line","path","line"[,"after"]}	no change when the line is there
 *	{"op":"remove_line","path","line"}		exactly one such line
 *	{"op":"replace","path","find","with"}		find occurs exactly once
 *	{"op":"write","path","content"}			whole file, new or not
 *	{"op":"create","path","content"}		whole file, must not exist
 *	{"op":"delete","path"}
 *
 * Edits are applied in order, each to what the ones before it made. Lines
 * compare without their ending; a new line takes the ending of its file.
 */
#ifndef FETTLE_PATCH_EDITS_H
#define FETTLE_PATCH_EDITS_H

#include "plugins/common/text.h"

#define EDITS_MAX 1000
#define EDITS_MAX_BYTES (16u << 20)	/* of one file, before and after */

struct edit_file {
	char *path;
	bool existed, exists;		/* before the first edit; now */
	struct text before, after;
};

struct edit_set {
	struct edit_file *files;
	size_t count;
};
#define EDIT_SET_INIT { NULL, 0 }
void edit_set_done(struct edit_set *set);

/* Why edits cannot be applied: `patch.op`, `.path`, `.find`, `.line`, `.exists`, ... */
struct edit_fault {
	const char *code, *remedy;
	struct text message;
};
#define EDIT_FAULT_INIT { NULL, NULL, { 0 } }
void edit_fault_done(struct edit_fault *fault);

/*
 * Gives a file's bytes: 1 and *bytes (borrowed until the next call), 0 when
 * there is no such file, -1 and *why when it may not or cannot be read.
 */
typedef int edit_reader(void *arg, const char *path, const char **bytes, size_t *len,
			const char **why);

/* Is this a list of well-formed edits? -1 and *fault. Reads no file. */
int edits_check(const json_t *edits, struct edit_fault *fault);

/* edits_check, then each file's post-image, in order of first use. -1 and *fault. */
int edits_compute(const json_t *edits, edit_reader *read, void *arg,
		  struct edit_set *ret, struct edit_fault *fault);

/* True when the edits made a difference to this file. */
bool edit_file_changed(const struct edit_file *file);

#endif
