/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `fettle init`: writes a fettle.yaml beside the Compose file that is here. A
 * file that exists is never touched.
 */
#include "base/base.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/path.h"
#include "cli/cli.h"
#include "cli/composefile.h"
#include "model/project.h"

#define PROJECT_FILE "fettle.yaml"

/* The names Compose looks for, in its order, each with its override file. */
static const struct {
	const char *file, *overrides[2];
} candidates[] = {
	{ "compose.yaml", { "compose.override.yaml", "compose.override.yml" } },
	{ "compose.yml", { "compose.override.yml", "compose.override.yaml" } },
	{ "docker-compose.yml",
	  { "docker-compose.override.yml", "docker-compose.override.yaml" } },
	{ "docker-compose.yaml",
	  { "docker-compose.override.yaml", "docker-compose.override.yml" } },
};

/* What Compose takes from its environment, `here`, else from .env; or NULL. Owned. */
static char *
compose_setting(const char *name, const char *here)
{
	AUTO_FREE char *found = here ? x_strdup(here) : env_file_get(".env", name);

	return found && *found ? STEAL(found) : NULL;
}

static void
add_split(struct strv *list, const char *text, const char *separators)
{
	while (*(text += strspn(text, separators))) {
		AUTO_FREE char *word = x_strndup(text, strcspn(text, separators));

		strv_add(list, word);
		text += strlen(word);
	}
}

static int
find_files(struct strv *files, const char *directory, struct err *err)
{
	AUTO_FREE char *named = compose_setting("COMPOSE_FILE", getenv("COMPOSE_FILE"));

	if (named) {
		AUTO_FREE char *separator = compose_setting(
			"COMPOSE_PATH_SEPARATOR", getenv("COMPOSE_PATH_SEPARATOR"));

		add_split(files, named, separator ? separator : ":");
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(candidates); i++) {
		if (access(candidates[i].file, F_OK) < 0)
			continue;
		strv_add(files, candidates[i].file);
		for (size_t j = 0; j < ARRAY_LEN(candidates[i].overrides); j++)
			if (access(candidates[i].overrides[j], F_OK) == 0) {
				strv_add(files, candidates[i].overrides[j]);
				break;
			}
		return 0;
	}
	(void)err_set(err, "init.no_compose", "there is no Compose file in '%s'",
		      directory);
	return err_remedy(err, "go to the directory of your docker-compose.yml, "
			       "or name it: `fettle -C DIR init`");
}

/* As Compose makes a project's name of anything. */
static char *
project_name_of(const char *text)
{
	AUTO(str) struct str name = STR_INIT;

	for (; *text; text++) {
		int c = tolower((unsigned char)*text);

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    (name.len && (c == '-' || c == '_')))
			str_add_c(&name, (char)c);
	}
	return str_take(&name);
}

/* In the order Compose asks: environment, .env, the file's `name`, the directory. */
static char *
find_project_name(const struct composefile *c, const char *directory)
{
	AUTO_FREE char *named =
		compose_setting("COMPOSE_PROJECT_NAME", getenv("COMPOSE_PROJECT_NAME"));
	const char *slash = strrchr(directory, '/');
	const char *name = slash ? slash + 1 : directory;

	if (named)
		name = named;
	else if (c->name)
		name = c->name;
	return project_name_of(name);
}

/* What Compose has to be given: needed and not in .env, or set here on purpose. */
static void
find_env(const struct composefile *c, struct strv *ret)
{
	AUTO(strv) struct strv given = STRV_INIT;

	env_file_names(".env", &given);
	for (size_t i = 0; i < c->needed.count; i++)
		if (!strv_has(&given, c->needed.v[i]))
			strv_add(ret, c->needed.v[i]);
	for (size_t i = 0; i < c->optional.count; i++)
		if (getenv(c->optional.v[i]) && !strv_has(ret, c->optional.v[i]))
			strv_add(ret, c->optional.v[i]);
}

static void
add_list(struct str *text, const char *key, const struct strv *list,
	 const char *comment)
{
	if (!list->count)
		return;
	str_addf(text, "  %s: [", key);
	for (size_t i = 0; i < list->count; i++)
		str_addf(text, "%s%s", i ? ", " : "", list->v[i]);
	str_addf(text, "]%s\n", comment);
}

static void
add_service(struct str *text, const struct compose_service *service)
{
	const char *name = service->name, *context = service->context;
	bool is_below = context && !str_eq(context, ".");

	if (!service->has_build && !service->is_partial) {
		str_addf(text, "  %s: {}   # has no build section\n", name);
		return;
	}
	str_addf(text, "  %s:\n    protected: false\n", name);
	if (context)
		str_addf(text,
			 "    # allow: [\"%s%sDockerfile\", \"%s%srequire*.txt\"]\n",
			 is_below ? context : "", is_below ? "/" : "",
			 is_below ? context : "", is_below ? "/" : "");
	str_addf(text, "    # health:\n    #   - { http: \":%s/\", expect: 200 }\n",
		 service->port ? service->port : "8080");
}

static void
compose_text(struct str *text, const char *project, const struct strv *files,
	     const struct composefile *c)
{
	const char *docker_host = getenv("DOCKER_HOST");
	AUTO_FREE char *named =
		compose_setting("COMPOSE_PROFILES", getenv("COMPOSE_PROFILES"));
	AUTO(strv) struct strv env = STRV_INIT, profiles = STRV_INIT;

	find_env(c, &env);
	if (named)
		add_split(&profiles, named, ", ");
	str_addf(text,
		 "# What Fettle may do here; fettle(1) explains it.\n"
		 "fettle: 1\nproject: %s\ncompose:\n",
		 project);
	add_list(text, "files", files, "");
	add_list(text, "profiles", &profiles, "");
	add_list(text, "env", &env, "   # variables that Compose is given");
	if (access(".env", F_OK) == 0)
		str_add(text, "  env_file: .env\n");
	if (docker_host && str_starts(docker_host, "unix://") &&
	    !strpbrk(docker_host, "\"\\\n"))
		str_addf(text, "  docker_host: \"%s\"\n", docker_host);
	str_add(text, "# Without `allow`: the service's Dockerfile and dependency "
		      "manifests.\n"
		      "# Without `health`: the state of its container decides alone.\n"
		      "services:\n");
	for (size_t i = 0; i < c->count; i++)
		add_service(text, &c->services[i]);
}

/* Written anew or not at all; read back, so that what stands there is valid. */
static int
write_project(const char *directory, const struct str *text, struct err *err)
{
	AUTO_FREE char *path = path_join(directory, PROJECT_FILE);
	AUTO_CLOSE int fd =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	struct project *project;

	if (fd < 0 && errno == EEXIST) {
		(void)err_set(err, "init.exists", "'%s' exists already", path);
		return err_remedy(
			err, "edit it, or move it away and run `fettle init` again");
	}
	if (fd < 0) {
		(void)err_errno(err, "init.write", "create '%s'", path);
		return err_remedy(err, "make the directory writable for you");
	}
	if (file_write_all(fd, text->s, text->len) < 0 || fsync(fd) < 0) {
		(void)err_errno(err, "init.write", "write '%s'", path);
		(void)unlink(path);
		return err_remedy(err, "make room on the disk, then try again");
	}
	project = project_load(path, err);
	if (!project) {
		(void)unlink(path);
		(void)err_context(
			err, "a project file for this Compose file would not be valid");
		return err_remedy(err,
				  "write fettle.yaml by hand; fettle(1) explains it");
	}
	project_free(project);
	return 0;
}

static const char *
first_built(const struct composefile *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->services[i].has_build || c->services[i].is_partial)
			return c->services[i].name;
	return c->services[0].name;
}

static void
print_written(struct cli *cli, const char *project, const struct composefile *c,
	      const struct str *text)
{
	AUTO(json_ref) json_t *document = NULL;
	AUTO(json_ref) json_t *services = json_array();
	AUTO(str) struct str out = STR_INIT;

	for (size_t i = 0; i < c->count; i++)
		(void)json_array_append_new(services, json_string(c->services[i].name));
	if (cli->options.json) {
		document = json_pack("{s:o, s:s, s:O, s:s}", "file",
				     json_sprintf("%s/" PROJECT_FILE, cli->directory),
				     "project", project, "services", services, "text",
				     text->s);
		out_json(&cli->out, document);
		return;
	}
	out_addf(&cli->out, &out, TONE_STRONG, "wrote %s/" PROJECT_FILE "\n",
		 cli->directory);
	if (!cli->options.quiet) {
		str_add_c(&out, '\n');
		out_add(&cli->out, &out, TONE_DIM, text->s);
		str_addf(&out,
			 "\nnext\n  fettle doctor\n"
			 "  fettle plan \"repair missing dependency for the %s "
			 "service\"\n",
			 first_built(c));
	}
	out_write(&cli->out, &out);
}

int
verb_init(struct cli *cli)
{
	AUTO(composefile) struct composefile c = { 0 };
	AUTO(strv) struct strv files = STRV_INIT;
	AUTO(str) struct str text = STR_INIT;
	AUTO_FREE char *project = NULL;
	struct err err;

	if (find_files(&files, cli->directory, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	for (size_t i = 0; i < files.count; i++)
		if (composefile_read(&c, files.v[i], &err) < 0)
			return cli_fail(cli, &err, EXIT_USAGE);
	if (!c.count) {
		(void)err_set(&err, "init.no_service", "'%s' has no services",
			      files.v[0]);
		(void)err_remedy(&err, "write the services first; Fettle repairs them");
		return cli_fail(cli, &err, EXIT_USAGE);
	}
	project = find_project_name(&c, cli->directory);
	compose_text(&text, project, &files, &c);
	if (write_project(cli->directory, &text, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	print_written(cli, project, &c, &text);
	return EXIT_DONE;
}
