/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Large members of an event as files of the scratch directory. */
#include "base/base.h"
#include "wire/spill.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/path.h"
#include "base/sha256.h"
#include "wire/event.h"
#include "wire/shape.h"

static const struct shape_member MEMBERS[] = {
	{ "file", SHAPE_TEXT },
	{ "bytes", SHAPE_INT },
	{ "sha256", SHAPE_SHA256 },
};

bool
is_spill(const json_t *value)
{
	return json_object_size(value) == 1 && json_object_get(value, "spill");
}

json_t *
spill_save(int scratch_fd, const json_t *value, struct err *err)
{
	static unsigned serial;
	AUTO_FREE char *text = json_canonical(value);
	AUTO_CLOSE int fd = -1;
	char name[64], sha256[SHA256_HEX_SIZE];
	size_t len;

	len = strlen(text);
	if (len > EVENT_SPILL_MAX_BYTES) {
		err_set(err, "event.size",
			"a value of %zu bytes is above the limit of %u", len,
			EVENT_SPILL_MAX_BYTES);
		return NULL;
	}

	snprintf(name, sizeof(name), ".fettle-spill-%ld-%u", (long)getpid(), serial++);
	fd = openat(scratch_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || file_write_all(fd, text, len) < 0) {
		err_errno(err, "event.spill", "write '%s' in the scratch directory",
			  name);
		return NULL;
	}
	sha256_hex(text, len, sha256);
	return json_pack("{s:{s:s, s:I, s:s}}", "spill", "file", name, "bytes",
			 (json_int_t)len, "sha256", sha256);
}

/* The bytes of a file that a module may have tampered with. */
static char *
read_spill(int scratch_fd, const char *name, size_t *ret_len, struct err *err)
{
	AUTO_CLOSE int fd = -1;
	char *bytes;

	if (strchr(name, '/')) {
		err_set(err, "path.invalid", "'%s' is not a file name", name);
		return NULL;
	}
	fd = path_open_beneath(scratch_fd, name, O_RDONLY | O_NONBLOCK, 0, err);
	if (fd < 0 ||
	    file_read_fd(fd, name, EVENT_SPILL_MAX_BYTES, &bytes, ret_len, err) < 0)
		return NULL;
	return bytes;
}

json_t *
spill_load(int scratch_fd, const json_t *spill, struct err *err)
{
	const json_t *where = json_object_get(spill, "spill");
	const char *name = json_text(where, "file");
	AUTO_FREE char *bytes = NULL;
	char sha256[SHA256_HEX_SIZE];
	json_t *value;
	size_t len;

	if (shape_check(where, MEMBERS, ARRAY_LEN(MEMBERS), "event.garbage", "a spill",
			err) < 0)
		return NULL;
	bytes = read_spill(scratch_fd, name, &len, err);
	if (!bytes) {
		err_set(err, "event.garbage", "a spilled value cannot be read");
		return NULL;
	}

	sha256_hex(bytes, len, sha256);
	if ((json_int_t)len != json_int_or(where, "bytes", -1) ||
	    !str_eq(sha256, json_text(where, "sha256"))) {
		err_set(err, "event.garbage", "spill '%s' is not what was announced",
			name);
		return NULL;
	}
	value = json_parse(bytes, len, err);
	if (!value)
		err_set(err, "event.garbage", "spill '%s' is not JSON", name);
	(void)unlinkat(scratch_fd, name,
		       0); /* The engine removes the directory anyway. */
	return value;
}
