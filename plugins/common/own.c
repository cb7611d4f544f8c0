/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See own.h. An engine mounts its own /etc/hostname, /etc/hosts and
 * /etc/resolv.conf over those of the image, from .../containers/ID/. A file
 * /.dockerenv alone means little: root file systems of machines are made from
 * images too; it counts only when the root is an overlay.
 */
#include "plugins/common/own.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The ID in `.../containers/ID/hostname` into ret, or false. */
static bool
id_in_root(const char *root, char ret[65])
{
	const char *p = strstr(root, "/containers/");

	if (!p)
		return false;
	p += strlen("/containers/");
	for (size_t i = 0; i < 64; i++)
		if (!isxdigit((unsigned char)p[i]))
			return false;
	if (p[64] != '/')
		return false;
	memcpy(ret, p, 64);
	ret[64] = '\0';
	return true;
}

static bool
is_engines_file(const char *mount_point)
{
	return strcmp(mount_point, "/etc/hostname") == 0 ||
	       strcmp(mount_point, "/etc/hosts") == 0 ||
	       strcmp(mount_point, "/etc/resolv.conf") == 0;
}

/* A line: ID PARENT MAJOR:MINOR ROOT POINT OPTIONS... - TYPE SOURCE OPTIONS */
enum own_place
own_read(const char *mountinfo, bool has_marker, char ret_id[65])
{
	AUTO_FREE char *copy = text_copy(mountinfo);
	char *next_line = NULL;
	bool is_inside = false;

	for (char *line = strtok_r(copy, "\n", &next_line); line;
	     line = strtok_r(NULL, "\n", &next_line)) {
		bool is_overlay = strstr(line, " - overlay ") != NULL;
		char *word = NULL, *fields[5] = { 0 };

		for (size_t i = 0; i < 5; i++)
			fields[i] = strtok_r(i == 0 ? line : NULL, " ", &word);
		if (!fields[4])
			continue;
		if (strcmp(fields[4], "/") == 0 && is_overlay && has_marker)
			is_inside = true;
		if (!is_engines_file(fields[4]))
			continue;
		if (id_in_root(fields[3], ret_id))
			return OWN_KNOWN;
		if (has_marker)
			is_inside = true;
	}
	return is_inside ? OWN_UNKNOWN : OWN_NONE;
}

static char *
read_mountinfo(void)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	struct text text = { 0 };
	char buf[4096];
	size_t n;

	if (!file)
		return NULL;
	text_add(&text, "");
	while ((n = fread(buf, 1, sizeof(buf), file)) > 0)
		text_add_n(&text, buf, n);
	(void)fclose(file);	/* only read */
	return text.s;
}

int
own_container(struct engine_api *api, char **ret, struct fault *fault)
{
	AUTO_FREE char *mountinfo = read_mountinfo();
	bool has_marker = access("/.dockerenv", F_OK) == 0 ||
			  access("/run/.containerenv", F_OK) == 0;
	char id[65];
	enum own_place place =
		mountinfo ? own_read(mountinfo, has_marker, id) : OWN_UNKNOWN;

	*ret = NULL;
	if (place == OWN_NONE)
		return 0;
	if (place == OWN_UNKNOWN) {
		fault_set(fault, FETTLE_WHY_HOST, "own_container_unknown",
			  "Fettle runs in a container and cannot tell which: it might "
			  "recreate itself");
		return fault_remedy(fault,
				    "run Fettle on the host, or in a container started "
				    "by the Docker engine whose services it repairs");
	}
	AUTO_FREE char *path = text_format("/containers/%s/json", id);
	int found = engine_get(api, path, NULL, fault);
	if (found == 1)
		*ret = text_copy(id);
	return found < 0 ? -1 : 0;
}
