/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SHA-256 by nettle, as 64 lower-case hexadecimal digits. */
#ifndef FETTLE_BASE_SHA256_H
#define FETTLE_BASE_SHA256_H

#include "base.h"
#include "err.h"

#define SHA256_HEX_SIZE 65 /* 64 digits and the NUL */

struct sha256;	/* one hash in the making; heap */
struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *hash, const void *bytes, size_t n);
void sha256_end(struct sha256 *hash, char ret_hex[SHA256_HEX_SIZE]); /* frees hash */

void sha256_hex(const void *bytes, size_t n, char ret_hex[SHA256_HEX_SIZE]);

/* Hashes the file behind fd from offset 0 with pread; the offset stays. */
int sha256_fd(int fd, char ret_hex[SHA256_HEX_SIZE], uint64_t *ret_size,
	      struct err *err);

#endif
