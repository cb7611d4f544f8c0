/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Putting one service back to its recorded before-state: image references,
 * then its containers once, then looking. Does the same however often it is
 * called and wherever an earlier call was cut off.
 */
#ifndef FETTLE_COMMON_UNDO_H
#define FETTLE_COMMON_UNDO_H

#include "plugins/common/compose.h"
#include "plugins/common/container.h"

struct undo {
	struct compose *compose;
	struct engine_api *api;
	const char *project;	/* the compose project's normal name */
	int64_t within_ms, for_ms; /* for a service that ran before: to run again, and
				      to stay up */
	struct text *touched; /* the neighbours that were touched, in words; added to */
};

/* The standing effects on one service; each is a `before` of the module that caused it.
 */
struct undo_service {
	const char *name, *image;
	const json_t *image_before;	/* or NULL: the image was not built */
	const json_t *container_before;	/* or NULL: its containers are not looked at */
	bool is_recreated;		/* by the run; else they were only recorded */
};

/* What was found at the end. */
struct undone {
	enum level level;
	char *image_id;		/* of the containers, or NULL; owned */
	char *text;		/* one sentence for people; owned */
};

/*
 * 0 when everything was observed as recorded, *ret filled. -1 with
 * `previous_image_gone`, `rollback_incomplete` (all that differs in the text),
 * `neighbour_touched` (the service is back, and others paid for it),
 * or why the engine or compose could not be asked.
 */
int undo_service(const struct undo *undo, const struct undo_service *service,
		 struct undone *ret, struct fault *fault);

/* The pure part: are these the very containers that were recorded, and not worse? */
bool undo_is_untouched(const json_t *container_before, const json_t *now);

/*
 * The pure part: what is not as recorded, or NULL. Caller owns. tag_id: what the image
 * reference points at now, want_tag_id: what it should.
 */
char *undo_difference(const json_t *container_before, const json_t *now,
		      const char *image, const char *tag_id, const char *want_tag_id);

#endif
