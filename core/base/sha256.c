/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SHA-256 by nettle, which needs no setting up: a hash costs what it hashes. */
#include "base/base.h"

#include "base/sha256.h"

#include <errno.h>
#include <nettle/sha2.h>
#include <unistd.h>

#include "base/hex.h"

struct sha256 {
	struct sha256_ctx state;
};

static void
finish(struct sha256_ctx *state, char ret_hex[SHA256_HEX_SIZE])
{
	unsigned char bytes[SHA256_DIGEST_SIZE];

	sha256_digest(state, sizeof(bytes), bytes);
	hex_encode(bytes, sizeof(bytes), ret_hex);
}

struct sha256 *
sha256_new(void)
{
	struct sha256 *hash = x_malloc(sizeof(*hash));

	sha256_init(&hash->state);
	return hash;
}

void
sha256_add(struct sha256 *hash, const void *bytes, size_t n)
{
	sha256_update(&hash->state, n, bytes);
}

void
sha256_end(struct sha256 *hash, char ret_hex[SHA256_HEX_SIZE])
{
	finish(&hash->state, ret_hex);
	free(hash);
}

void
sha256_hex(const void *bytes, size_t n, char ret_hex[SHA256_HEX_SIZE])
{
	struct sha256_ctx state;

	sha256_init(&state);
	sha256_update(&state, n, bytes);
	finish(&state, ret_hex);
}

int
sha256_fd(int fd, char ret_hex[SHA256_HEX_SIZE], uint64_t *ret_size, struct err *err)
{
	struct sha256_ctx state;
	char buf[32768];
	uint64_t size = 0;

	sha256_init(&state);
	for (;;) {
		ssize_t n = pread(fd, buf, sizeof(buf), (off_t)size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "file.read", "read a file to hash it");
		if (n == 0)
			break;
		sha256_update(&state, (size_t)n, (const uint8_t *)buf);
		size += (uint64_t)n;
	}
	finish(&state, ret_hex);
	if (ret_size)
		*ret_size = size;
	return 0;
}
