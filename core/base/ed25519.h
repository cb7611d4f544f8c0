/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ed25519 signatures (RFC 8032) by nettle. Keys and signatures are plain
 * bytes; in texts they are lower-case hexadecimal digits.
 */
#ifndef FETTLE_BASE_ED25519_H
#define FETTLE_BASE_ED25519_H

#include "base.h"
#include "err.h"

#define ED25519_KEY_SIZE 32	   /* of a secret and of a public key */
#define ED25519_SIGNATURE_SIZE 64

struct ed25519_secret {
	unsigned char bytes[ED25519_KEY_SIZE];
};
struct ed25519_public {
	unsigned char bytes[ED25519_KEY_SIZE];
};
struct ed25519_signature {
	unsigned char bytes[ED25519_SIGNATURE_SIZE];
};

/* A fresh key of the kernel's random numbers. 0, or -1 `key.random`. */
int ed25519_make(struct ed25519_secret *ret, struct err *err);
struct ed25519_public ed25519_public(const struct ed25519_secret *secret);
/* public: that of the secret. */
struct ed25519_signature ed25519_sign(const struct ed25519_secret *secret,
				      const struct ed25519_public *public,
				      const void *bytes, size_t n);
bool ed25519_is_good(const struct ed25519_public *key,
		     const struct ed25519_signature *signature, const void *bytes,
		     size_t n);

#endif
