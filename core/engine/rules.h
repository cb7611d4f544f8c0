/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a run goes on under that another process began: the policies of the site,
 * the rules of the service and the modules as they are today. The plan says what is
 * done, and stays as it was frozen; who judges it, and the files that carry it out,
 * are today's. What is not as it was is the event run.renewed.
 */
#ifndef FETTLE_ENGINE_RULES_H
#define FETTLE_ENGINE_RULES_H

#include "engine/takeover.h"

enum rules_for {
	RULES_ASKED,	/* people are asked, or asked again, before anything happens */
	RULES_UNASKED,	/* what people agreed to is gone on with */
	RULES_UNDO,	/* it is put back, with what there is */
};

/*
 * -1 `plan_stale` when the plan cannot go on: a module does not fit it any more, or
 * is another one than when people agreed; `policy.service` when today's site does not
 * let the service be repaired. Any other code: today's rules cannot be told now. What
 * could be renewed is; for RULES_UNDO that is enough, and -1 means the store.
 */
int rules_renew(struct takeover *t, enum rules_for whom, struct err *err);

#endif
