/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The formats, a function each that says what is wrong. See format.h. */
#include "base/base.h"

#include "model/format.h"

#include <arpa/inet.h>
#include <assert.h>

#include "base/str.h"
#include "model/probe.h"

#define MAX_REF_BYTES 1024u
#define MAX_IMAGE_NAME_BYTES 255u
#define MAX_TAG_BYTES 128u
#define MAX_HOST_BYTES 253u
#define MAX_LABEL_BYTES 63u

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define HEX DIGITS "abcdef"

/* ---- git ------------------------------------------------------------------ */

static bool
ends_with(const char *text, size_t n, const char *end)
{
	size_t len = strlen(end);

	return n >= len && memcmp(text + n - len, end, len) == 0;
}

/*
 * The rules of git-check-ref-format(1) with --allow-onelevel, and a rule that git
 * has for the names of branches alone: what begins with '-' is an option.
 */
static const char *
git_ref_fault(const char *text)
{
	if (*text == 0)
		return "it is empty";
	if (strlen(text) > MAX_REF_BYTES)
		return "it is longer than 1024 bytes";
	if (text[0] == '-')
		return "it begins with '-'";
	if (str_eq(text, "@"))
		return "'@' alone stands for HEAD";
	for (const char *c = text; *c != 0; c++)
		if ((unsigned char)*c <= 0x20 || *c == 0x7F ||
		    strchr("~^:?*[\\", *c) != NULL)
			return "it has a space, a control character or one of ~ ^ : ? "
			       "* [ \\";
	if (strstr(text, "..") != NULL || strstr(text, "@{") != NULL)
		return "it has '..' or '@{'";
	if (ends_with(text, strlen(text), "."))
		return "it ends with '.'";
	for (const char *part = text;; part++) {
		size_t n = strcspn(part, "/");

		if (n == 0)
			return "it has a '/' with nothing before or behind it";
		if (part[0] == '.' || ends_with(part, n, ".lock"))
			return "a part of it begins with '.' or ends with '.lock'";
		part += n;
		if (*part == 0)
			return NULL;
	}
}

/* A whole object name, of SHA-1 or SHA-256: what is shorter may become ambiguous. */
static const char *
commit_fault(const char *text)
{
	size_t n = strspn(text, HEX);

	if (text[n] != 0)
		return "it has something else than 0-9 a-f";
	return n == 40 || n == 64 ? NULL : "it has neither 40 nor 64 digits";
}

/* ---- hosts ------------------------------------------------------------------ */

/* Labels of RFC 1123, 2.1, between dots; addresses of IPv4 look like that too. */
static const char *
host_fault(const char *text, size_t len)
{
	if (len == 0 || len > MAX_HOST_BYTES)
		return len == 0 ? "it is empty" : "it is longer than 253 bytes";
	for (const char *label = text, *end = text + len; label <= end; label++) {
		size_t n = strspn(label, LOWER UPPER DIGITS "-");
		bool is_whole =
			label + n == end || (label + n < end && label[n] == '.');

		if (!is_whole)
			return "it has something else than A-Z a-z 0-9 - .";
		if (n == 0 || n > MAX_LABEL_BYTES)
			return "a label of it is empty or longer than 63 bytes";
		if (label[0] == '-' || label[n - 1] == '-')
			return "a label of it begins or ends with '-'";
		label += n;
	}
	return NULL;
}

static const char *
hostname_fault(const char *text)
{
	return host_fault(text, strlen(text));
}

/* ---- images ------------------------------------------------------------------- */

/*
 * The grammar of github.com/distribution/reference:
 *
 *	reference      := name [ ":" tag ] [ "@" digest ]
 *	name           := [ domain "/" ] path-component { "/" path-component }
 *	domain         := ( host-name | "[" IPv6 "]" ) [ ":" port ]
 *	path-component := alphanumeric { ( "." | "_" | "__" | "-"... ) alphanumeric }
 *	tag            := [A-Za-z0-9_] { [A-Za-z0-9_.-] }, at most 128
 *
 * As there, what stands before the first slash is a domain when it has a '.' or a
 * ':' or is `localhost`. A digest is sha256 or sha512, and whole. A name of 64
 * digits would be taken for an image's ID.
 */
static bool
is_domain(const char *text, size_t n)
{
	return strcspn(text, ".:") < n ||
	       (n == strlen("localhost") && strncmp(text, "localhost", n) == 0);
}

static const char *
domain_fault(const char *text, size_t n)
{
	size_t host = strcspn(text, ":/"), port;

	if (text[0] == '[') {
		struct in6_addr address;
		size_t close = strcspn(text, "]/");
		AUTO_FREE char *inner = x_strndup(text + 1, close > 0 ? close - 1 : 0);

		if (text[close] != ']' || inet_pton(AF_INET6, inner, &address) != 1)
			return "its registry is no address in brackets";
		host = close + 1;
	} else if (host_fault(text, host) != NULL) {
		return "its registry is no name of a host";
	}
	if (host == n)
		return NULL;
	port = strspn(text + host + 1, DIGITS);
	return text[host] == ':' && port > 0 && host + 1 + port == n ?
		       NULL :
		       "what stands behind its registry is no port";
}

/* How many bytes of separator stand here; 0: none that is allowed. */
static size_t
separator(const char *text)
{
	size_t dashes = strspn(text, "-"), lines = strspn(text, "_");

	if (dashes > 0)
		return dashes;
	if (lines > 0)
		return lines <= 2 ? lines : 0;
	return text[0] == '.';
}

static const char *
component_fault(const char *text, size_t n)
{
	static const char wrong[] = "a part of its name is not a-z 0-9 with single . _ "
				    "or - between";
	size_t at = 0;

	for (;;) {
		size_t word = strspn(text + at, LOWER DIGITS), gap;

		if (word == 0)
			return wrong;
		at += word;
		if (at == n)
			return NULL;
		gap = separator(text + at);
		if (gap == 0)
			return wrong;
		at += gap;
	}
}

static const char *
name_fault(const char *name, size_t len)
{
	size_t n = strcspn(name, "/"), at = 0;
	bool has_domain = n < len && is_domain(name, n);

	if (len > MAX_IMAGE_NAME_BYTES)
		return "its name is longer than 255 bytes";
	if (len == 64 && strspn(name, HEX) == 64)
		return "it is the ID of an image";
	if (has_domain) {
		const char *fault = domain_fault(name, n);

		if (fault != NULL)
			return fault;
		at = n + 1;
	}
	for (;; at += n + 1) {
		const char *fault;

		n = strcspn(name + at, "/");
		n = n < len - at ? n : len - at;
		fault = component_fault(name + at, n);
		if (fault != NULL || at + n == len)
			return fault;
	}
}

static const char *
tag_fault(const char *tag, size_t n)
{
	size_t good = strspn(tag, LOWER UPPER DIGITS "_.-");

	if (n == 0 || n > MAX_TAG_BYTES || good < n || tag[0] == '.' || tag[0] == '-')
		return "its tag is not 1 to 128 of A-Z a-z 0-9 _ . -, beginning with "
		       "none of . -";
	return NULL;
}

static const char *
digest_fault(const char *digest)
{
	size_t want = str_starts(digest, "sha256:") ? 64 :
		      str_starts(digest, "sha512:") ? 128 :
						      0;
	const char *hex = digest + strlen("sha256:");

	return want > 0 && strspn(hex, HEX) == want && hex[want] == 0 ?
		       NULL :
		       "its digest is not sha256: and 64 digits of 0-9 a-f";
}

static const char *
image_fault(const char *text)
{
	size_t len = strcspn(text, "@"), name = len;
	const char *fault;

	if (*text == 0)
		return "it is empty";
	/* A colon behind the last slash begins the tag. */
	while (name > 0 && strchr(":/", text[name - 1]) == NULL)
		name--;
	name = name > 0 && text[name - 1] == ':' ? name - 1 : len;
	fault = name_fault(text, name);
	if (fault == NULL && name < len)
		fault = tag_fault(text + name + 1, len - name - 1);
	if (fault == NULL && text[len] == '@')
		fault = digest_fault(text + len + 1);
	return fault;
}

/* ---- all of them --------------------------------------------------------------- */

/* Without fault(): who checks it sets the whole error. */
static const struct format {
	const char *name, *code, *what, *remedy;
	const char *(*fault)(const char *text);
} formats[] = {
	{ "git-ref", "ref.grammar", "reference of git",
	  "write the name of a branch or tag, such as main or refs/tags/v1.2",
	  git_ref_fault },
	{ "commit", "sha.grammar", "commit",
	  "write all 40 digits, as `git rev-parse HEAD` prints them", commit_fault },
	{ "image", "image.grammar", "reference of an image",
	  "write it as [HOST[:PORT]/]NAME[:TAG][@sha256:DIGEST], the name in lower "
	  "case",
	  image_fault },
	{ "url", "url.policy", "URL",
	  "write an http:// or https:// URL without user name", NULL },
	{ "hostname", "host.grammar", "name of a host",
	  "write a name such as db.example.org, without scheme and port",
	  hostname_fault },
};

static const struct format *
find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (str_eq(formats[i].name, name))
			return &formats[i];
	return NULL;
}

bool
format_is_known(const char *name)
{
	return find(name) != NULL;
}

/* What a probe may ask: no metadata of a cloud, no engine, nobody's password. */
static int
check_url(const char *text, struct err *err)
{
	if (text[0] != ':')
		return probe_check_http(text, err);
	return err_set(err, "url.policy", "'%.120s' names no host", text);
}

int
format_check(const char *name, const char *text, struct err *err)
{
	const struct format *format = find(name);
	const char *fault;

	assert(format != NULL);
	if (format->fault == NULL) {
		if (check_url(text, err) == 0)
			return 0;
		return err_remedy(err, "%s", format->remedy);
	}
	fault = format->fault(text);
	if (fault == NULL)
		return 0;
	err_set(err, format->code, "'%.80s' is no %s: %s", text, format->what, fault);
	return err_remedy(err, "%s", format->remedy);
}
