/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making checkpoints, and the key they are signed with. See checkpoint.h. */
#include "base/base.h"

#include "store/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ed25519.h"
#include "base/hex.h"
#include "base/path.h"
#include "store/audit.h"
#include "store/directory.h"
#include "store/event.h"

#define KEY_FILE "audit.key"
#define KEY_TEXT_SIZE (2 * ED25519_KEY_SIZE + 1)

/* ---- the key ---- */

static int
refuse_key(const struct store *store, const char *why, struct err *err)
{
	err_set(err, "audit.key", "'%s/" KEY_FILE "' %s", store->dir, why);
	return err_remedy(err, "restore it from a backup: what is signed with "
			       "another key cannot be verified together");
}

static int
read_key(const struct store *store, int fd, struct ed25519_secret *ret, struct err *err)
{
	AUTO_FREE char *text = NULL;
	struct stat info;
	size_t len = 0;

	if (fstat(fd, &info) < 0 || info.st_uid != geteuid() || (info.st_mode & 077))
		return refuse_key(store, "is not a file of ours alone (mode 0600)",
				  err);
	if (file_read_fd(fd, KEY_FILE, KEY_TEXT_SIZE, &text, &len, err) < 0)
		return -1;
	if (len > 0 && text[len - 1] == '\n')
		text[len - 1] = '\0';
	if (hex_decode(text, ret->bytes, sizeof(ret->bytes)) < 0)
		return refuse_key(store, "does not hold a key", err);
	return 0;
}

/* The first checkpoint makes it; the transaction keeps others out meanwhile. */
static int
make_key(int dir, struct ed25519_secret *ret, struct err *err)
{
	char text[KEY_TEXT_SIZE];

	if (ed25519_make(ret, err) < 0)
		return -1;
	hex_encode(ret->bytes, sizeof(ret->bytes), text);
	text[KEY_TEXT_SIZE - 1] = '\n';
	return file_replace(dir, KEY_FILE, text, sizeof(text), 0600, err);
}

static int
load_key(struct store *store, bool may_make, struct ed25519_secret *ret,
	 struct err *err)
{
	AUTO_CLOSE int dir = directory_open(store->dir, err);
	if (dir < 0)
		return -1;
	AUTO_CLOSE int fd =
		openat(dir, KEY_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		return read_key(store, fd, ret, err);
	if (errno == ENOENT && may_make)
		return make_key(dir, ret, err);
	return err_errno(err, "audit.key", "read '%s/" KEY_FILE "'", store->dir);
}

static int
load_signer(struct store *store, bool may_make, struct signer *ret, struct err *err)
{
	ret->is_known = load_key(store, may_make, &ret->secret, err) == 0;
	if (!ret->is_known)
		return -1;
	ret->public = ed25519_public(&ret->secret);
	return 0;
}

/* For one signature: the key may be another one at the next. */
static int
take_signer(struct store *store, struct signer *ret, struct err *err)
{
	*ret = store->signer;
	explicit_bzero(&store->signer, sizeof(store->signer));
	return ret->is_known ? 0 : load_signer(store, true, ret, err);
}

int
store_audit_key(struct store *store, char ret_hex[AUDIT_KEY_SIZE], struct err *err)
{
	struct signer signer;

	if (load_signer(store, false, &signer, err) < 0)
		return -1;
	hex_encode(signer.public.bytes, sizeof(signer.public.bytes), ret_hex);
	return 0;
}

/* ---- the checkpoint ---- */

static const char find_last[] =
	"SELECT n, event, text FROM checkpoints ORDER BY n DESC LIMIT 1";
static const char find_heads[] =
	"SELECT run, seq, hash, id FROM events WHERE id > ? ORDER BY id";
static const char add[] =
	"INSERT INTO checkpoints (n, event, text, signature) VALUES (?, ?, ?, ?)";

struct last {
	int64_t n, event;
	char sha256[SHA256_HEX_SIZE];
};

static int
load_last(struct store *store, struct last *ret, struct err *err)
{
	*ret = (struct last){ .sha256 = EVENT_NO_PREV };
	AUTO(rows) sqlite3_stmt *rows = db_query(store, find_last, "");
	int rc = db_next(rows);
	if (rc < 0)
		return db_error(store, err, "read the last checkpoint");
	if (rc == 0)
		return 0;
	ret->n = sqlite3_column_int64(rows, 0);
	ret->event = sqlite3_column_int64(rows, 1);
	sha256_hex(db_text(rows, 2), strlen(db_text(rows, 2)), ret->sha256);
	return 0;
}

/* The last event of each run that has one behind the last checkpoint. */
static int
load_heads(struct store *store, int64_t behind, json_t *ret_heads, int64_t *ret_event,
	   struct err *err)
{
	int rc;

	AUTO(rows) sqlite3_stmt *rows = db_query(store, find_heads, "i", behind);
	while ((rc = db_next(rows)) == 1) {
		json_object_set_new(
			ret_heads, db_text(rows, 0),
			json_pack("{s:I, s:s}", "seq",
				  (json_int_t)sqlite3_column_int64(rows, 1), "hash",
				  db_text(rows, 2)));
		*ret_event = sqlite3_column_int64(rows, 3);
	}
	return rc < 0 ? db_error(store, err, "read the events to sign") : 0;
}

static char *
checkpoint_text(const struct last *last, json_t *heads, const char *key)
{
	AUTO(json_ref) json_t *json = json_pack(
		"{s:i, s:O, s:s, s:I, s:s, s:I}", "fettle_checkpoint", 1, "heads",
		heads, "key", key, "n", (json_int_t)(last->n + 1), "prev", last->sha256,
		"time_ms", (json_int_t)clock_wall_ms());

	return json_canonical(json);
}

int
checkpoint_append(struct store *store, struct err *err)
{
	AUTO(json_ref) json_t *heads = json_object();
	struct signer signer;
	struct err no_key = { 0 };
	struct last last;
	char key[AUDIT_KEY_SIZE], signed_hex[2 * ED25519_SIGNATURE_SIZE + 1];
	int64_t event = 0;

	if (load_last(store, &last, err) < 0 ||
	    load_heads(store, last.event, heads, &event, err) < 0)
		return -1;
	if (json_object_size(heads) == 0 || take_signer(store, &signer, &no_key) < 0)
		return 0;
	hex_encode(signer.public.bytes, sizeof(signer.public.bytes), key);
	AUTO_FREE char *text = checkpoint_text(&last, heads, key);
	struct ed25519_signature signature =
		ed25519_sign(&signer.secret, &signer.public, text, strlen(text));
	hex_encode(signature.bytes, sizeof(signature.bytes), signed_hex);
	return db_run(store, err, add, "iitt", last.n + 1, event, text, signed_hex);
}

void
checkpoint_rehearse(struct store *store)
{
	struct err ignored;

	(void)db_query(store, find_last, "");
	(void)db_query(store, find_heads, "i", (int64_t)0);
	(void)db_run(store, &ignored, add, "");
	(void)load_signer(store, false, &store->signer, &ignored);
}
