/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ed25519 by libcrypto's EVP. As with hashes, a failure inside libcrypto on a
 * key of the right size is a lack of memory or a broken installation: it ends
 * the process, no signature is ever made up.
 */
#include "base/base.h"

#include "base/ed25519.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/random.h>

static void
must(bool ok)
{
	if (!ok) {
		fputs("fettle: libcrypto cannot do Ed25519\n", stderr);
		abort();
	}
}

static void
begin(void)
{
	/* Reading openssl.cnf costs more than all else at start-up. */
	must(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1);
}

int
ed25519_make(struct ed25519_secret *ret, struct err *err)
{
	/* Up to 256 bytes come whole or not at all. */
	if (getrandom(ret->bytes, sizeof(ret->bytes), 0) !=
	    (ssize_t)sizeof(ret->bytes))
		return err_errno(err, "key.random", "draw a random key");
	return 0;
}

static EVP_PKEY *
secret_key(const struct ed25519_secret *secret)
{
	begin();
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(
		EVP_PKEY_ED25519, NULL, secret->bytes, sizeof(secret->bytes));
	must(key != NULL);
	return key;
}

struct ed25519_public
ed25519_public(const struct ed25519_secret *secret)
{
	EVP_PKEY *key = secret_key(secret);
	struct ed25519_public public;
	size_t n = sizeof(public.bytes);

	must(EVP_PKEY_get_raw_public_key(key, public.bytes, &n) == 1);
	EVP_PKEY_free(key);
	return public;
}

struct ed25519_signature
ed25519_sign(const struct ed25519_secret *secret, const void *bytes, size_t n)
{
	EVP_PKEY *key = secret_key(secret);
	EVP_MD_CTX *evp = EVP_MD_CTX_new();
	struct ed25519_signature signature = { .bytes = { 0 } };
	size_t size = sizeof(signature.bytes);

	must(evp != NULL && EVP_DigestSignInit(evp, NULL, NULL, NULL, key) == 1 &&
	     EVP_DigestSign(evp, signature.bytes, &size, bytes, n) == 1);
	EVP_MD_CTX_free(evp);
	EVP_PKEY_free(key);
	return signature;
}

bool
ed25519_is_good(const struct ed25519_public *public,
		const struct ed25519_signature *signature, const void *bytes, size_t n)
{
	begin();
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(
		EVP_PKEY_ED25519, NULL, public->bytes, sizeof(public->bytes));
	EVP_MD_CTX *evp = EVP_MD_CTX_new();
	must(key != NULL && evp != NULL &&
	     EVP_DigestVerifyInit(evp, NULL, NULL, NULL, key) == 1);
	bool is_good = EVP_DigestVerify(evp, signature->bytes,
					sizeof(signature->bytes), bytes, n) == 1;
	EVP_MD_CTX_free(evp);
	EVP_PKEY_free(key);
	return is_good;
}
