/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* New instructions of a Dockerfile, and those that are gone. */
#include <string.h>
#include <strings.h>

#include "policies/content.h"

#define SHELLS                                                                         \
	"(sudo +)?(/[a-z/]*/)?(env "                                                   \
	"+)?(sh|bash|dash|ash|zsh|ksh|python[0-9.]*|perl|node|ruby|php)"

static const struct rule instructions[] = {
	{ "^FROM ", LEVEL_HOLD, "content.base", "another base image" },
	{ "^# *(syntax|check) *=", LEVEL_HOLD, "content.frontend",
	  "another program would read the file" },
	{ "^# *escape *=", LEVEL_HOLD, "content.frontend",
	  "another character would join lines" },
	{ "^ADD .*((https?|ftp|git|ssh)://|git@)", LEVEL_HOLD, "content.remote",
	  "something is fetched into the image" },
	{ "^ONBUILD ", LEVEL_HOLD, "content.onbuild",
	  "an instruction for images that are built on this one" },
	{ "^SHELL ", LEVEL_HOLD, "content.shell",
	  "another program would read the RUN instructions" },
	{ "^USER +(root|0)(:|$)", LEVEL_HOLD, "content.user",
	  "the service would run as root" },
	{ "^HEALTHCHECK +NONE", LEVEL_DENY, "content.healthcheck",
	  "the health check is switched off" },
	{ "^HEALTHCHECK .*(exit +0|\\|\\| *true|\\|\\| *:|CMD +\\[? *\"?(/bin/)?true|"
	  "CMD +:( |$))",
	  LEVEL_DENY, "content.healthcheck", "the health check can only succeed" },
	{ "^RUN .*--security[= ]*insecure", LEVEL_DENY, "content.mount",
	  "a build step without its confinement" },
	{ "^RUN .*--network[= ]*host", LEVEL_DENY, "content.mount",
	  "a build step in the host's network" },
	{ "^RUN .*(curl|wget|fetch|base64|openssl|xxd|nc|ncat) .*\\| *" SHELLS "( |$)",
	  LEVEL_HOLD, "content.pipe", "what is fetched or decoded is run at once" },
	{ "^RUN .*(<\\(|\\$\\(|`|eval ) *[^)`]*(curl|wget|base64) ", LEVEL_HOLD,
	  "content.pipe", "what is fetched or decoded is run at once" },
	{ "^(RUN|COPY) .*<<", LEVEL_HOLD, "content.heredoc",
	  "a program within the file" },
	{ "^(RUN|ENV|ARG) .*(--index-url|--extra-index-url|--find-links|--trusted-host|"
	  "--registry|PIP_[A-Z_]*INDEX_URL|PIP_FIND_LINKS|PIP_TRUSTED_HOST|"
	  "NPM_CONFIG_REGISTRY|YARN_REGISTRY|GOPROXY|GONOSUMDB|GONOSUMCHECK|GOFLAGS|"
	  "GOINSECURE|GEM_SOURCE|BUNDLE_MIRROR)",
	  LEVEL_DENY, "content.index", "packages would come from another place" },
	{ "^RUN .*(pip3?|npm|yarn|gem|go) +(install|add|get|i) "
	  ".*(git\\+|https?://|file:)",
	  LEVEL_DENY, "content.index", "a package would come from another place" },
	{ "^RUN .*(sources\\.list|apt-key|add-apt-repository|/etc/apk/repositories|"
	  "yum\\.repos\\.d)",
	  LEVEL_HOLD, "content.index", "packages would come from another place" },
	{ "^RUN .*(--allow-unauthenticated|--allow-untrusted|--no-check-certificate|"
	  "--insecure|--nogpgcheck|curl +(-[a-z]* +)*-[a-z]*k|strict-ssl +false|"
	  "sslverify +false)",
	  LEVEL_HOLD, "content.trust", "where it comes from would not be checked" },
	{ "^RUN .*chmod +(-[a-z]+ "
	  "+)*([0-7]?777|[0-7]*[4-7][0-7][0-7][0-7]|[ugoa]*\\+[rwx]*s)",
	  LEVEL_HOLD, "content.permissions",
	  "a file that anybody may write, or that gives its owner's rights away" },
	{ "^ENV .*(LD_PRELOAD|LD_LIBRARY_PATH|PYTHONPATH|NODE_OPTIONS|RUBYOPT|PERL5OPT|"
	  "JAVA_TOOL_OPTIONS|BASH_ENV|https?_proxy|all_proxy)",
	  LEVEL_HOLD, "content.env",
	  "a variable that changes what programs load or reach" },
};

/* `--mount=...` of anything but a cache or a tmpfs, which stay in the builder. */
static bool
has_foreign_mount(const char *line)
{
	const char *mount = line;

	while ((mount = strcasestr(mount, "--mount")) != NULL) {
		size_t n = strcspn(mount, " \t");
		AUTO_FREE char *option = text_copy_n(mount, n);

		if (!line_matches(option, "[=,]type=(cache|tmpfs)(,|$)") ||
		    line_matches(option, "[=,]from="))
			return true;
		mount += n;
	}
	return false;
}

/* The stages the file itself makes: `FROM image AS name`. */
static bool
is_own_stage(const char *after, const char *name)
{
	AUTO_FREE char *pattern =
		text_format("(^|\n)[ \t]*FROM [^\n]* AS +%s[ \t\r]*(\n|$)", name);

	return name[strspn(name, "0123456789")] == '\0' ||
	       (name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789_-")] == '\0' &&
		line_matches(after, pattern));
}

static bool
copies_from_elsewhere(const char *line, const char *after)
{
	const char *from = strcasestr(line, "--from=");

	if (strncasecmp(line, "COPY ", 5) != 0 || !from)
		return false;
	from += strlen("--from=");
	AUTO_FREE char *name = text_copy_n(from, strcspn(from, " \t"));
	return !is_own_stage(after, name);
}

static void
added(struct review *review, const char *line, void *after)
{
	review_match(review, instructions, COUNT_OF(instructions), line);
	if (strncasecmp(line, "RUN ", 4) == 0 && has_foreign_mount(line))
		review_add(review, LEVEL_DENY, "content.mount",
			   "a build step would see what lies outside of the build",
			   line);
	if (copies_from_elsewhere(line, after))
		review_add(review, LEVEL_HOLD, "content.remote",
			   "files of another image come into this one", line);
}

static void
removed(struct review *review, const char *line, void *more)
{
	const char *after = more ? more : "";

	if (strncasecmp(line, "HEALTHCHECK ", 12) == 0 &&
	    !line_matches(after, "(^|\n)[ \t]*HEALTHCHECK "))
		review_add(review, LEVEL_DENY, "content.healthcheck",
			   "the health check is gone", line);
	if (strncasecmp(line, "USER ", 5) == 0 &&
	    !line_matches(after, "(^|\n)[ \t]*USER "))
		review_add(review, LEVEL_HOLD, "content.user",
			   "the service would run as the base image's user", line);
}

void
content_dockerfile(struct review *review, const char *before, const char *after)
{
	each_new_line(before, after, true, review, added, (char *)(uintptr_t)after);
	each_new_line(after, before, true, review, removed, (char *)(uintptr_t)after);
}
