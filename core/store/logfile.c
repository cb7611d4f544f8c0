/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See logfile.h. Facts about the log: https://sqlite.org/fileformat2.html#walformat */
#include "base/base.h"

#include "store/logfile.h"

#include <sqlite3.h>
#include <sys/stat.h>

#define HEADER_BYTES 32
#define KEPT_MAX_BYTES ((sqlite3_int64)4 << 20)	/* of an empty log */

static const sqlite3_io_methods *file_methods;
static sqlite3_io_methods log_methods;
static sqlite3_vfs *below;
static sqlite3_vfs vfs;

/*
 * An emptied log keeps its blocks, and gets a header that is none: what follows
 * it is then no content, just as in a log of no bytes. To write over blocks that
 * are there costs a third of freeing them and finding others.
 */
static int
log_truncate(sqlite3_file *file, sqlite3_int64 bytes)
{
	static const char no_header[HEADER_BYTES];
	sqlite3_int64 now = 0;

	if (bytes == 0 && file_methods->xFileSize(file, &now) == SQLITE_OK &&
	    now >= HEADER_BYTES && now <= KEPT_MAX_BYTES)
		return file_methods->xWrite(file, no_header, HEADER_BYTES, 0);
	return file_methods->xTruncate(file, bytes);
}

/*
 * SQLite syncs the directory with the header of any log that it was told to make
 * if it is not there. One with more than a header has been through that.
 */
static bool
is_in_directory(const char *name)
{
	struct stat st;

	return name && stat(name, &st) == 0 && st.st_size > HEADER_BYTES;
}

static int
open_file(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags,
	  int *ret_flags)
{
	bool is_log = (flags & SQLITE_OPEN_WAL) != 0;
	int rc;

	if (is_log && is_in_directory(name))
		flags &= ~SQLITE_OPEN_CREATE;
	rc = below->xOpen(below, name, file, flags, ret_flags);
	if (rc != SQLITE_OK || !is_log)
		return rc;
	if (!file_methods) {
		file_methods = file->pMethods;
		log_methods = *file_methods;
		log_methods.xTruncate = log_truncate;
	}
	if (file->pMethods == file_methods)
		file->pMethods = &log_methods;
	return SQLITE_OK;
}

const char *
logfile_vfs(void)
{
	if (vfs.zName)
		return vfs.zName;
	below = sqlite3_vfs_find(NULL);
	if (!below)
		return NULL;
	vfs = *below;
	vfs.pNext = NULL;
	vfs.zName = "fettle";
	vfs.xOpen = open_file;
	return sqlite3_vfs_register(&vfs, 0) == SQLITE_OK ? vfs.zName : NULL;
}
