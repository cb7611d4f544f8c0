/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of the corpus that are too large or too special to be kept. */
#include "base/base.h"

#include "corpus-make.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"

static void
repeat(struct str *out, const char *text, size_t count)
{
	for (size_t i = 0; i < count; i++)
		str_add(out, text);
}

static void
make_brackets(struct str *out)
{
	repeat(out, "[", 1000000);
}

static void
make_braces(struct str *out)
{
	repeat(out, "{a: ", 20000);
}

static void
make_dashes(struct str *out)
{
	str_add(out, "a:\n");
	repeat(out, "- ", 3000);
	str_add(out, "x\n");
}

static void
make_anchors(struct str *out)
{
	for (unsigned i = 0; i < 60000; i++)
		str_addf(out, "k%x: &a%x 1\n", i, i);
}

static void
make_binary(struct str *out)
{
	str_add(out, "a: !!binary ");
	repeat(out, "QUJD", 250000);
}

static void
make_scalar(struct str *out, size_t len)
{
	str_add(out, "a: ");
	repeat(out, "x", len);
	str_add_c(out, '\n');
}

static void
make_scalar_16_mib(struct str *out)
{
	make_scalar(out, 16 << 20);
}

static void
make_scalar_65537(struct str *out)
{
	make_scalar(out, 65537);
}

static void
make_scalar_65536(struct str *out)
{
	make_scalar(out, 65536);
}

/* A file of exactly 1 MiB, most of it comment. */
static void
make_file_full(struct str *out)
{
	str_add(out, "a: 1\n");
	while (out->len < (1 << 20))
		str_add(out, out->len % 64 == 63 ? "\n" : "#");
}

static void
make_file_over(struct str *out)
{
	make_file_full(out);
	str_add_c(out, '\n');
}

static void
make_keys(struct str *out)
{
	for (unsigned i = 0; i < 100000; i++)
		str_addf(out, "%x: 1\n", i);
}

/* The root, its key, the list: three nodes before the entries. */
static void
make_nodes(struct str *out, size_t count)
{
	str_add(out, "a:\n");
	repeat(out, "- x\n", count - 3);
}

static void
make_nodes_full(struct str *out)
{
	make_nodes(out, 20000);
}

static void
make_nodes_over(struct str *out)
{
	make_nodes(out, 20001);
}

static void
make_stars(struct str *out)
{
	str_add(out, "fettle: 1\nproject: shop\nservices:\n  api:\n    allow:\n      - "
		     "\"");
	repeat(out, "a*", 1000);
	str_add(out, "b\"\n");
}

static const struct {
	const char *name;
	void (*make)(struct str *out);
} makers[] = {
	{ "brackets", make_brackets },
	{ "braces", make_braces },
	{ "dashes", make_dashes },
	{ "anchors", make_anchors },
	{ "binary", make_binary },
	{ "scalar-16MiB", make_scalar_16_mib },
	{ "scalar-65537", make_scalar_65537 },
	{ "scalar-65536", make_scalar_65536 },
	{ "file-full", make_file_full },
	{ "file-over", make_file_over },
	{ "keys", make_keys },
	{ "nodes-full", make_nodes_full },
	{ "nodes-over", make_nodes_over },
	{ "stars", make_stars },
};

int
corpus_write(const char *path, const char *bytes, size_t len, mode_t mode)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	return fd < 0 || file_write_all(fd, bytes, len) < 0 || fchmod(fd, mode) < 0 ?
		       -1 :
		       0;
}

static int
make_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, strlen(path) + 1);
	return fd < 0 ? -1 : bind(fd, (struct sockaddr *)&address, sizeof(address));
}

/* What is no ordinary file. 1 when `make` names nothing of the kind. */
static int
make_special(const char *make, const char *path)
{
	static const char good[] = "a: 1\n";

	if (str_eq(make, "fifo"))
		return mkfifo(path, 0600);
	if (str_eq(make, "device"))
		return mknod(path, S_IFCHR | 0600, 0x103) == 0 ?
			       0 :
			       symlink("/dev/null", path);
	if (str_eq(make, "directory"))
		return mkdir(path, 0700);
	if (str_eq(make, "symlink"))
		return symlink("/etc/hostname", path);
	if (str_eq(make, "socket"))
		return make_socket(path);
	if (str_eq(make, "unreadable"))
		return corpus_write(path, good, strlen(good), 0000);
	if (str_eq(make, "writable"))
		return corpus_write(path, good, strlen(good), 0646);
	return str_eq(make, "missing") ? 0 : 1;
}

int
corpus_make(const char *make, const char *path)
{
	int result = make_special(make, path);

	if (result <= 0)
		return result;
	for (size_t i = 0; i < ARRAY_LEN(makers); i++) {
		AUTO(str) struct str bytes = STR_INIT;

		if (!str_eq(makers[i].name, make))
			continue;
		makers[i].make(&bytes);
		return corpus_write(path, bytes.s, bytes.len, 0600);
	}
	return -1;
}
