/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SHA-256 by libcrypto's EVP. A failure inside libcrypto is a lack of memory
 * or a broken installation: it ends the process, no hash is ever made up.
 */
#include "base/base.h"

#include "base/sha256.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "base/hex.h"

struct sha256 {
	EVP_MD_CTX *evp;
};

static void
must(int ok)
{
	if (ok != 1) {
		fputs("fettle: libcrypto cannot compute SHA-256\n", stderr);
		abort();
	}
}

struct sha256 *
sha256_new(void)
{
	/* Reading openssl.cnf costs more than all else at start-up. */
	must(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL));
	struct sha256 *hash = x_malloc(sizeof(*hash));
	hash->evp = EVP_MD_CTX_new();
	must(hash->evp != NULL);
	must(EVP_DigestInit_ex(hash->evp, EVP_sha256(), NULL));
	return hash;
}

void
sha256_add(struct sha256 *hash, const void *bytes, size_t n)
{
	must(EVP_DigestUpdate(hash->evp, bytes, n));
}

static void
drop(struct sha256 *hash)
{
	EVP_MD_CTX_free(hash->evp);
	free(hash);
}

void
sha256_end(struct sha256 *hash, char ret_hex[SHA256_HEX_SIZE])
{
	unsigned char bytes[32];

	must(EVP_DigestFinal_ex(hash->evp, bytes, NULL));
	hex_encode(bytes, sizeof(bytes), ret_hex);
	drop(hash);
}

void
sha256_hex(const void *bytes, size_t n, char ret_hex[SHA256_HEX_SIZE])
{
	struct sha256 *hash = sha256_new();
	sha256_add(hash, bytes, n);
	sha256_end(hash, ret_hex);
}

int
sha256_fd(int fd, char ret_hex[SHA256_HEX_SIZE], uint64_t *ret_size, struct err *err)
{
	struct sha256 *hash = sha256_new();
	char buf[32768];
	uint64_t size = 0;

	for (;;) {
		ssize_t n = pread(fd, buf, sizeof(buf), (off_t)size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_errno(err, "file.read", "read a file to hash it");
			drop(hash);
			return -1;
		}
		if (n == 0)
			break;
		sha256_add(hash, buf, (size_t)n);
		size += (uint64_t)n;
	}
	sha256_end(hash, ret_hex);
	if (ret_size)
		*ret_size = size;
	return 0;
}
