/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A whole store on trial: its log by the same check as an export, and its
 * tables by deriving them once more from the events, which is then undone.
 */
#include "base/base.h"

#include "base/str.h"
#include "store/audit.h"
#include "store/db.h"
#include "store/schema.h"
#include "store/verify.h"

static int
hand_line(void *self, const char *line, size_t n, struct err *err)
{
	return audit_line(self, line, n, err);
}

static int
check_log(struct store *store, const char *want_key, struct audit_result *ret,
	  struct err *err)
{
	struct audit *audit = audit_new(want_key);
	int rc = store_export(store, NULL, hand_line, audit, err);

	if (rc == 0)
		rc = audit_end(audit, ret, err);
	audit_free(audit);
	return rc;
}

/* Names and columns come from the schema, not from outside. */
static char *
table_query(const char *table)
{
	return x_asprintf("SELECT * FROM \"%s\" ORDER BY 1, 2, 3", table);
}

/* All rows of a table as one hash; floating point is used in none. */
static int
table_hash(struct store *store, const char *table, char ret_hex[SHA256_HEX_SIZE],
	   struct err *err)
{
	AUTO_FREE char *sql = table_query(table);
	sqlite3_stmt *rows = NULL;
	int rc;

	if (sqlite3_prepare_v2(store->db, sql, -1, &rows, NULL) != SQLITE_OK)
		return db_error(store, err, "read the tables");
	struct sha256 *sum = sha256_new();
	while ((rc = sqlite3_step(rows)) == SQLITE_ROW)
		for (int i = 0; i < sqlite3_column_count(rows); i++) {
			const char *text = db_text(rows, i);
			int type = sqlite3_column_type(rows, i);
			sha256_add(sum, &type, sizeof(type));
			sha256_add(sum, text, strlen(text) + 1);
		}
	sqlite3_finalize(rows);
	sha256_end(sum, ret_hex);
	return rc == SQLITE_DONE ? 0 : db_error(store, err, "read the tables");
}

/* Table name -> hash, of all tables that are derived. */
static json_t *
table_hashes(struct store *store, struct err *err)
{
	AUTO(json_ref) json_t *hashes = json_object();
	char hex[SHA256_HEX_SIZE];

	for (const char *const *table = schema_derived; *table; table++) {
		if (table_hash(store, *table, hex, err) < 0)
			return NULL;
		json_object_set_new(hashes, *table, json_string(hex));
	}
	return STEAL(hashes);
}

static int
compare(const json_t *found, const json_t *derived, struct err *err)
{
	for (const char *const *table = schema_derived; *table; table++) {
		if (str_eq(json_text(found, *table), json_text(derived, *table)))
			continue;
		err_set(err, "audit.tables",
			"table '%s' does not say what the events say: somebody or "
			"something changed it behind Fettle's back",
			*table);
		return err_remedy(err, "`fettle store rebuild` derives all tables from "
				       "the events again");
	}
	return 0;
}

static int
check_tables(struct store *store, struct err *err)
{
	AUTO(json_ref) json_t *found = table_hashes(store, err);
	AUTO(json_ref) json_t *derived = NULL;

	if (!found || tables_derive(store, err) < 0 ||
	    !(derived = table_hashes(store, err)))
		return -1;
	return compare(found, derived, err);
}

int
store_audit(struct store *store, const char *want_key, struct audit_result *ret,
	    struct err *err)
{
	if (check_log(store, want_key, ret, err) < 0 || db_begin(store, err) < 0)
		return -1;
	int rc = check_tables(store, err);
	db_abandon(store);
	return rc;
}
