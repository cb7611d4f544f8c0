/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The request document: sealed by the engine, checked by the host. */
#include "base/base.h"
#include "wire/request.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "wire/shape.h"

static const struct shape_member REQUEST_MEMBERS[] = {
	{ "fettle", SHAPE_INT },
	{ "call", SHAPE_CHOICE, 0, "|describe|check|propose|run|observe|judge|" },
	{ "modules", SHAPE_LIST },
	{ "run", SHAPE_TEXT, SHAPE_OPTIONAL | SHAPE_NULL },
	{ "step", SHAPE_TEXT, SHAPE_OPTIONAL | SHAPE_NULL },
	{ "operation", SHAPE_TEXT, SHAPE_OPTIONAL | SHAPE_NULL },
	{ "attempt", SHAPE_INT, SHAPE_OPTIONAL },
	{ "workspace", SHAPE_TEXT, SHAPE_OPTIONAL | SHAPE_NULL },
	{ "scratch", SHAPE_TEXT },
	{ "deadline_ms", SHAPE_INT, SHAPE_OPTIONAL },
	{ "waits", SHAPE_BOOL, SHAPE_OPTIONAL },
	{ "each_ms", SHAPE_INT, SHAPE_OPTIONAL },
	{ "facts", SHAPE_OBJECT, SHAPE_OPTIONAL },
	{ "env", SHAPE_TEXT_MAP, SHAPE_OPTIONAL },
	{ "proposal", SHAPE_OBJECT, SHAPE_OPTIONAL | SHAPE_NULL },
	{ "jail", SHAPE_OBJECT, SHAPE_OPTIONAL },
};

static const struct shape_member MODULE_MEMBERS[] = {
	{ "path", SHAPE_TEXT },
	{ "sha256", SHAPE_SHA256, SHAPE_OPTIONAL | SHAPE_NULL },
	{ "params", SHAPE_OBJECT, SHAPE_OPTIONAL },
	{ "unknown", SHAPE_TEXTS, SHAPE_OPTIONAL },
	{ "step", SHAPE_TEXT, SHAPE_OPTIONAL },
};

static const struct shape_member JAIL_MEMBERS[] = {
	{ "flags", SHAPE_INT, SHAPE_OPTIONAL },
	{ "minimum", SHAPE_CHOICE, SHAPE_OPTIONAL, "|basic|tree|" },
};

static const struct shape_member PROPOSAL_MEMBERS[] = {
	{ "edits", SHAPE_LIST, SHAPE_OPTIONAL },
	{ "effects", SHAPE_LIST, SHAPE_OPTIONAL },
	{ "commands", SHAPE_LIST, SHAPE_OPTIONAL },
};

static int
check_modules(const json_t *modules, const char *call, struct err *err)
{
	size_t i;
	json_t *module;

	if (json_array_size(modules) == 0)
		return err_set(err, "request.invalid", "the request names no module");
	if (json_array_size(modules) > 1 && !str_eq(call, "judge") &&
	    !str_eq(call, "check"))
		return err_set(err, "request.invalid", "call '%s' is for one module",
			       call);
	json_array_foreach (modules, i, module) {
		if (shape_check(module, MODULE_MEMBERS, ARRAY_LEN(MODULE_MEMBERS),
				"request.invalid", "a module of the request", err) < 0)
			return -1;
		if (json_text(module, "path")[0] != '/')
			return err_set(err, "request.invalid",
				       "module path '%s' is not absolute",
				       json_text(module, "path"));
	}
	return 0;
}

static int
check_proposal(const json_t *proposal, struct err *err)
{
	static const struct shape_member argv = { "argv", SHAPE_TEXTS };
	size_t i;
	json_t *command;

	if (!proposal || json_is_null(proposal))
		return 0;
	if (shape_check(proposal, PROPOSAL_MEMBERS, ARRAY_LEN(PROPOSAL_MEMBERS),
			"request.invalid", "the proposal of the request", err) < 0)
		return -1;
	json_array_foreach (json_object_get(proposal, "commands"), i, command) {
		AUTO(json_ref) json_t *wrapped = json_pack("{s:O}", "argv", command);

		if (json_array_size(command) == 0 ||
		    shape_check(wrapped, &argv, 1, "request.invalid", "a command",
				err) < 0)
			return err_set(
				err, "request.invalid",
				"command %zu of the proposal is not a list of text", i);
	}
	return 0;
}

int
request_check(const json_t *request, struct err *err)
{
	const json_t *jail = json_object_get(request, "jail");

	if (shape_check(request, REQUEST_MEMBERS, ARRAY_LEN(REQUEST_MEMBERS),
			"request.invalid", "the request", err) < 0)
		return -1;
	if (json_int_or(request, "fettle", 0) != 1)
		return err_set(err, "request.invalid",
			       "the request is of another version");
	if (json_text(request, "scratch")[0] != '/')
		return err_set(err, "request.invalid",
			       "the scratch directory is not absolute");
	if (json_is_string(json_object_get(request, "workspace")) &&
	    json_text(request, "workspace")[0] != '/')
		return err_set(err, "request.invalid", "the workspace is not absolute");
	if (jail &&
	    shape_check(jail, JAIL_MEMBERS, ARRAY_LEN(JAIL_MEMBERS), "request.invalid",
			"member 'jail' of the request", err) < 0)
		return -1;
	if (check_proposal(json_object_get(request, "proposal"), err) < 0)
		return -1;
	return check_modules(json_object_get(request, "modules"),
			     json_text(request, "call"), err);
}

int
request_seal(const char *name, const json_t *object, struct err *err)
{
	AUTO_FREE char *text = json_canonical(object);
	AUTO_CLOSE int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (strlen(text) > REQUEST_MAX_BYTES)
		return err_set(err, "request.size",
			       "the %s is above the limit of %u bytes", name,
			       REQUEST_MAX_BYTES);
	if (fd < 0)
		return err_errno(err, "request.seal", "create memory for the %s", name);
	if (file_write_all(fd, text, strlen(text)) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_errno(err, "request.seal", "write the %s", name);
	if (fcntl(fd, F_ADD_SEALS,
		  F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return err_errno(err, "request.seal", "seal the %s", name);
	return STEAL_FD(fd);
}

static json_t *
read_json(int fd, const char *name, struct err *err)
{
	AUTO_FREE char *text = NULL;
	size_t len;
	json_t *json = NULL;

	if (file_read_fd(fd, name, REQUEST_MAX_BYTES, &text, &len, err) == 0)
		json = json_parse(text, len, err);
	if (!json) {
		err_context(err, "read the %s", name);
		snprintf(err->code, sizeof(err->code), "request.invalid");
	}
	return json;
}

json_t *
request_read(int fd, struct err *err)
{
	AUTO(json_ref) json_t *request = read_json(fd, "request", err);

	if (!request || request_check(request, err) < 0)
		return NULL;
	return STEAL(request);
}

json_t *
request_read_secrets(int fd, struct err *err)
{
	static const struct shape_member member = { "secrets", SHAPE_TEXT_MAP };
	AUTO(json_ref) json_t *secrets = NULL;
	AUTO(json_ref) json_t *wrapped = NULL;
	struct stat st;

	if (fstat(fd, &st) < 0 || (S_ISREG(st.st_mode) && st.st_size == 0))
		return json_object();
	secrets = read_json(fd, "secrets", err);
	if (!secrets)
		return NULL;
	wrapped = json_pack("{s:O}", "secrets", secrets);
	if (shape_check(wrapped, &member, 1, "request.invalid", "descriptor 5", err) <
	    0)
		return NULL;
	return STEAL(secrets);
}
