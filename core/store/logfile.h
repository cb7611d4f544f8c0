/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SQLite's own files, but for the write-ahead log: it is emptied and used again
 * where it lies. See the end of ARCHITECTURE.md for why.
 */
#ifndef FETTLE_STORE_LOGFILE_H
#define FETTLE_STORE_LOGFILE_H

/*
 * The name of a virtual file system for sqlite3_open_v2(), registered by the
 * first call; NULL when SQLite has none that this one could stand on.
 */
const char *logfile_vfs(void);

#endif
