/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ed25519 by nettle's public-key half, hogweed. None of it can fail. */
#include "base/base.h"

#include "base/ed25519.h"

#include <nettle/eddsa.h>
#include <sys/random.h>

int
ed25519_make(struct ed25519_secret *ret, struct err *err)
{
	/* Up to 256 bytes come whole or not at all. */
	if (getrandom(ret->bytes, sizeof(ret->bytes), 0) !=
	    (ssize_t)sizeof(ret->bytes))
		return err_errno(err, "key.random", "draw a random key");
	return 0;
}

struct ed25519_public
ed25519_public(const struct ed25519_secret *secret)
{
	struct ed25519_public public;

	ed25519_sha512_public_key(public.bytes, secret->bytes);
	return public;
}

struct ed25519_signature
ed25519_sign(const struct ed25519_secret *secret, const struct ed25519_public *public,
	     const void *bytes, size_t n)
{
	struct ed25519_signature signature;

	ed25519_sha512_sign(public->bytes, secret->bytes, n, bytes, signature.bytes);
	return signature;
}

bool
ed25519_is_good(const struct ed25519_public *public,
		const struct ed25519_signature *signature, const void *bytes, size_t n)
{
	return ed25519_sha512_verify(public->bytes, n, bytes, signature->bytes) == 1;
}
