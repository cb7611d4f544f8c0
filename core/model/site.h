/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The site file, /etc/fettle/fettle.yaml: who people are here, the policies that
 * no pipeline can drop, and where metrics go.
 *
 *	fettle: 1
 *	principals:
 *	  ann: { users: [ann, ann-admin], roles: [sre, lead] }	# a human
 *	  fixer: { users: [fixer], class: agent }
 *	policies:
 *	  - { uses: freeze, with: { windows: [...] } }
 *	metrics:
 *	  statsd: { host: 10.0.0.5 }
 */
#ifndef FETTLE_MODEL_SITE_H
#define FETTLE_MODEL_SITE_H

#include "base/str.h"
#include "model/pipeline.h"
#include "model/sink.h"

/* Only a human may agree to anything. */
enum principal_class {
	PRINCIPAL_HUMAN, PRINCIPAL_AGENT, PRINCIPAL_WORKER, PRINCIPAL_WEBHOOK
};
const char *principal_class_name(enum principal_class class);

/* An authenticated identity: one person, whatever accounts they have. */
struct principal {
	const char *name;
	enum principal_class class;
	struct strv users;	/* accounts of this machine */
	struct strv roles;
	bool is_disabled;
};

struct site {
	char *file;		/* as it is called in errors */
	char sha256[65];	/* of the file's bytes; of none when there is no file */
	struct principal *principals;
	size_t principal_count;
	struct pipeline_policy *policies;
	size_t policy_count;
	bool only_named;	/* of every project, only services its file names */
	struct sink sink;
	struct node *root;	/* NULL when there is no file */
};

/*
 * A file that does not exist is a site without rules. One that exists and
 * cannot be read is an error, never a site without rules: `site.unsafe` when
 * others than root and ourselves could have written it, `site.version`,
 * `site.principal`, `site.user`, `metrics.invalid`, `type.*`, `key.*`,
 * `pipeline.policy`, and those of node.h.
 */
struct site *site_load(const char *file, struct err *err);
void site_free(struct site *site);
void site_done(struct site **site); /* for AUTO(site) struct site *x = NULL */

/* NULL when there is none of that name, or with that account. */
const struct principal *site_principal(const struct site *site, const char *name);
const struct principal *site_user(const struct site *site, const char *user);

#endif
