/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From committed events to metrics. What is counted is what the store knows, masked
 * as it is there, whoever appended it and why: a run that was carried out, one
 * that was only queued, one that ended without being begun. Nothing here can fail
 * or hold up a run. Names: fettle(1), METRICS.
 */
#ifndef FETTLE_ENGINE_METRICS_H
#define FETTLE_ENGINE_METRICS_H

#include "engine/engine.h"
#include "model/site.h"

/*
 * For what begins something: where metrics go, by this site or else by the
 * environment. 0 also when they go nowhere; -1 `metrics.invalid`. Others need not
 * ask: with the first event the same is found out, and a fault only told.
 */
int metrics_learn(struct metrics *metrics, const struct site *site, struct err *err);

/*
 * For people: 1 and where they go, 0 nowhere, -1 when they cannot go there
 * (`metrics.invalid`, `metrics.unresolved`, `metrics.refused`, and those of
 * site_load).
 */
int metrics_look(struct metrics *metrics, struct str *ret_where, struct err *err);

#endif
