/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Proof from the audit log alone: an export of all events and signed
 * checkpoints as lines of JSON, and the check that nothing in it was edited,
 * deleted, reordered, cut off, spliced or doubled. A store is checked through
 * its own export, so that there is one check.
 *
 * An export, one JSON object a line:
 *
 *	{"fettle_audit":1,"run":RUN|null,"time_ms":..}
 *	{"hash":HASH,"event":EVENT}		HASH: SHA-256 of the bytes of EVENT
 *	{"signature":HEX,"checkpoint":TEXT}	HEX: Ed25519 of the bytes of TEXT
 *	{"lines":N,"sha256":HASH}		of all lines above, with their ends
 */
#ifndef FETTLE_STORE_AUDIT_H
#define FETTLE_STORE_AUDIT_H

#include "base/sha256.h"
#include "store/store.h"

#define AUDIT_KEY_SIZE 65 /* a public key in hexadecimal digits, and the NUL */

/* The public key of this store's checkpoints. -1 `audit.key`: there is none yet. */
int store_audit_key(struct store *store, char ret_hex[AUDIT_KEY_SIZE], struct err *err);

/* Is handed each line, with its newline. -1 ends the export. */
typedef int (*audit_sink)(void *self, const char *line, size_t n, struct err *err);
/* As of one moment, while others write. run NULL: all of them. */
int store_export(struct store *store, const char *run, audit_sink sink, void *self,
		 struct err *err);

/* The check: line by line, in any number of pieces of whole lines. */
struct audit;

struct audit_result {
	int64_t events, runs, checkpoints;
	int64_t unsigned_events;	/* behind the last checkpoint */
	int64_t signed_ms;		/* when the last checkpoint was made; 0: none */
	char key[AUDIT_KEY_SIZE];	/* that signed; "" without a checkpoint */
};

/* want_key: the only key to be believed, or NULL: that of the first checkpoint. */
struct audit *audit_new(const char *want_key);
/* -1 `audit.broken` naming the first bad record; nothing behind it is looked at. */
int audit_line(struct audit *audit, const char *line, size_t n, struct err *err);
/* The end of it: was it all there? */
int audit_end(struct audit *audit, struct audit_result *ret, struct err *err);
void audit_free(struct audit *audit);

/*
 * All of the above on a store, and that its tables say what its events say:
 * `audit.tables` names the first that does not. Changes nothing.
 */
int store_audit(struct store *store, const char *want_key, struct audit_result *ret,
		struct err *err);

#endif
