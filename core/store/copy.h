/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What backup and restore share: a database file, and files between directories. */
#ifndef FETTLE_STORE_COPY_H
#define FETTLE_STORE_COPY_H

#include "base/str.h"
#include "store/db.h"

struct copy_sum {
	int64_t blobs, artifacts, bytes;
	json_t *missing;	/* array of names; owned by who made it */
};

/*
 * A database that is no store in use: the file of a backup. is_new: it is made.
 * NULL with err; ended by copy_close.
 */
struct store *copy_open(const char *directory, bool is_new, struct err *err);
void copy_close(struct store **copy);	/* cleanup attribute */

/* All pages of one into the other, as one transaction of it. */
int copy_database(struct store *from, struct store *to, struct err *err);

/*
 * The named blobs, those that are not there already. What is gone or damaged is
 * told in sum->missing when it is among `needed` (sorted).
 */
int copy_blobs(const char *from_dir, struct store *to, const struct strv *names,
	       const struct strv *needed, struct copy_sum *sum, struct err *err);

/* The key that the log is signed with, when there is one. */
int copy_key(const char *from_dir, const char *to_dir, struct err *err);

/* What table artifacts of `list` names and is there, between state directories. */
int copy_artifacts(struct store *list, const char *from_dir, const char *to_dir,
		   struct copy_sum *sum, struct err *err);

#endif
