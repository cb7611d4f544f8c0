/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* New lines of a Compose file. It is read by line: what is odd is for people. */
#include "policies/content.h"

#define KEY(names) "(^|[{,\"' \t-])(" names ")[\"']? *: *"

static const struct rule lines[] = {
	{ KEY("privileged") "[\"']?(true|yes|on)", LEVEL_DENY, "content.privileged",
	  "the container would own the host" },
	{ KEY("network_mode|pid|ipc|uts|userns_mode|cgroup") "[\"']?host", LEVEL_DENY,
	  "content.privileged", "the container would share the host's" },
	{ "docker\\.sock|containerd\\.sock|podman\\.sock", LEVEL_DENY, "content.mount",
	  "the container would command the engine" },
	{ "(^|[\"' \t-])(/|~|\\.\\./)[^:\"' ]*:/", LEVEL_DENY, "content.mount",
	  "a directory of the host would be seen in the container" },
	{ KEY("source|device") "[\"']?(/|~|\\.\\./)", LEVEL_DENY, "content.mount",
	  "a directory of the host would be seen in the container" },
	{ KEY("cap_add|security_opt|devices|device_cgroup_rules|group_add|sysctls"),
	  LEVEL_HOLD, "content.privileged", "the container would get more rights" },
	{ KEY("disable") "[\"']?(true|yes|on)", LEVEL_DENY, "content.healthcheck",
	  "the health check is switched off" },
	{ KEY("test") ".*(exit +0|\\|\\| *true|NONE|\\[ *[\"']?CMD(-SHELL)?[\"']? *, *"
		      "[\"']?(/bin/)?true)",
	  LEVEL_DENY, "content.healthcheck", "the health check can only succeed" },
	{ KEY("image"), LEVEL_HOLD, "content.base", "another image" },
	{ KEY("user") "[\"']?(root|0)([\"': ]|$)", LEVEL_HOLD, "content.user",
	  "the service would run as root" },
	{ KEY("extends|include|external_links|volumes_from"), LEVEL_HOLD,
	  "content.include", "the configuration would come from elsewhere" },
	{ KEY("entrypoint|command") ".*(curl|wget).*\\|", LEVEL_HOLD, "content.pipe",
	  "what is fetched is run at once" },
	{ "(^|[ \t])[*&][A-Za-z_]|<<:", LEVEL_HOLD, "content.include",
	  "an alias says something that does not stand here" },
};

static void
added(struct review *review, const char *line, void *more)
{
	(void)more;
	if (*line != '#')
		review_match(review, lines, COUNT_OF(lines), line);
}

static void
removed(struct review *review, const char *line, void *more)
{
	(void)more;
	if (line_matches(line, "^healthcheck *:"))
		review_add(review, LEVEL_DENY, "content.healthcheck",
			   "a health check is gone", line);
}

void
content_compose(struct review *review, const char *before, const char *after)
{
	each_new_line(before, after, false, review, added, NULL);
	each_new_line(after, before, false, review, removed, NULL);
}
