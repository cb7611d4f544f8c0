/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The callback's view of the run, from inside libfettle. */
#ifndef FETTLE_SDK_CTX_H
#define FETTLE_SDK_CTX_H

#include <stdarg.h>

#include "base/str.h"
#include "sdk/private.h"

struct workspace_file; /* file.c */

struct fettle_ctx {
	struct fettle__call call;
	const json_t *module; /* the request's entry; borrowed */

	void **kept; /* what was given out; freed at the end */
	size_t kept_count;

	int workspace_fd; /* -1 until a file is read */
	struct workspace_file *files;
	const char *file_error;

	enum fettle_why why; /* the last answer's reasons; NULL: none */
	const char *code, *text, *remedy;
	json_t *need; /* of fettle_hold; owned */
};

/* Hands over heap memory that is to live until the callback returns. */
void *ctx_keep(struct fettle_ctx *ctx, void *memory);
const char *ctx_keep_format(struct fettle_ctx *ctx, const char *fmt, va_list args)
	PRINTF_LIKE(2, 0);

/* Sends an event and drops the reference. Ends the process when nobody listens. */
void ctx_send(struct fettle_ctx *ctx, json_t *event);

/* Ends the attempt as a bug unless the callback is one of these. */
void ctx_only_in(struct fettle_ctx *ctx, unsigned callbacks, const char *function);

const char *ctx_callback_name(const struct fettle_ctx *ctx);

/* Has the engine cancelled the callback? */
bool ctx_is_cancelled(void);

/* Text of a module as JSON: never invalid, never NULL. New reference. */
json_t *ctx_text(const char *text);
/* The same for what must arrive byte for byte: not UTF-8 is a bug. */
json_t *ctx_exact_text(struct fettle_ctx *ctx, const char *text, const char *function);
/* A JSON list of a NULL-terminated one. New reference. */
json_t *
ctx_text_list(struct fettle_ctx *ctx, const char *const *list, const char *function);

/* A JSON list of text as a NULL-terminated list that lives as promised. */
const char *const *ctx_keep_list(struct fettle_ctx *ctx, const json_t *list);

void files_free(struct workspace_file *files);
/* `pre` of an edit: sha256, null, or NULL when the file was not read. New reference. */
json_t *files_pre(const struct fettle_ctx *ctx, const char *path);

#endif
