/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hearing that a run is to end. See cancel.h. */
#include "base/base.h"

#include "engine/cancel.h"

#include <poll.h>

static bool
is_signalled(const struct run *run, int wait_ms)
{
	struct pollfd signal = { run->engine->cancel_fd, POLLIN, 0 };

	return poll(&signal, 1, wait_ms) > 0;
}

/*
 * The store is asked when somebody else has written to it since the last look.
 * Of a run that is not committed yet nobody else knows.
 */
static bool
is_requested(struct run *run)
{
	struct cancel *cancel = &run->cancel;
	struct err ignored;

	if (run->is_being_made)
		return false;
	int64_t version = store_version(run->engine->store);
	if (version == cancel->version)
		return false;
	AUTO(json_ref)
	json_t *row = store_run(run->engine->store, run->claim.run, &ignored);
	/* What cannot be read now is looked at again. */
	if (!row)
		return false;
	cancel->version = version;
	if (!*json_text(row, "cancel_by"))
		return false;
	cancel->by = x_strdup(json_text(row, "cancel_by"));
	cancel->reason = x_strdup(json_text(row, "cancel_reason"));
	return true;
}

int
cancel_fd(const struct run *run)
{
	return run->is_undoing ? -1 : run->engine->cancel_fd;
}

bool
cancel_is_asked(struct run *run, int wait_ms)
{
	struct cancel *cancel = &run->cancel;

	if (run->is_undoing) {
		(void)poll(NULL, 0, wait_ms);
		return false;
	}
	if (!cancel->is_asked)
		cancel->is_asked = is_signalled(run, wait_ms) || is_requested(run);
	return cancel->is_asked;
}

void
cancel_explain(const struct run *run, struct err *err)
{
	const struct cancel *cancel = &run->cancel;

	if (!str_eq(err->code, "cancelled") || !cancel->by)
		return;
	AUTO_FREE char *text = x_strdup(err->text);
	err_set(err, "cancelled", "%s by %s%s%s", text, cancel->by,
		*cancel->reason ? ": " : "", cancel->reason);
}

void
cancel_before(const struct run *run, const char *step, struct ending *ending)
{
	ending->state = ENDING_CANCELLED;
	ending->is_attempted = false;
	snprintf(ending->step, sizeof ending->step, "%s", step);
	(void)err_set(&ending->cause, "cancelled", "cancelled before step '%s'",
		      step);
	cancel_explain(run, &ending->cause);
}
