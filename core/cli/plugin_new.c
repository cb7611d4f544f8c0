/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `fettle plugin new`: a package outside of Fettle's source that builds, has a
 * test, and does something small. The text is in templates/; @WORDS@ of it are
 * replaced here. The directory appears whole or not at all.
 */
#include "base/base.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "cli/cli.h"
#include "engine/scratch.h"
#include "model/description.h"

#define TEMPLATE_MAX_BYTES 65536
#define NAME_MAX_BYTES 40

/* What a template is asked to become. Owned. */
struct package {
	const char *kind;
	char *name, *base, *stage;	/* restart/greet, greet, FETTLE_RESTART */
	char *modules;			/* what the Makefile builds */
};

static void
package_done(struct package *package)
{
	free(package->name);
	free(package->base);
	free(package->stage);
	free(package->modules);
}

/* A file of the package, made of one template, or of two one after the other. */
struct package_file {
	const char *kind;	/* NULL: of every kind */
	const char *first, *second;
	const char *file;	/* @WORDS@ in it */
};

static const struct package_file files[] = {
	{ NULL, "module.mk", NULL, "Makefile" },
	{ NULL, "README", NULL, "README" },
	{ "step", "step.c", NULL, "plugins/@NAME@.c" },
	{ "step", "step.yaml", NULL, "@BASE@.yaml" },
	{ "step", "test-begin.sh", "step-test.sh", "test.sh" },
	{ "policy", "policy.c", NULL, "policies/@NAME@.c" },
	{ "policy", "policy.yaml", NULL, "@BASE@.yaml" },
	{ "policy", "test-begin.sh", "policy-test.sh", "test.sh" },
	{ "rollback", "effect.c", NULL, "plugins/restart/@BASE@.c" },
	{ "rollback", "rollback.c", NULL, "plugins/rollback/@BASE@.c" },
	{ "rollback", "rollback.yaml", NULL, "@BASE@.yaml" },
	{ "rollback", "test-begin.sh", "rollback-test.sh", "test.sh" },
};

static bool
is_name(const char *name, size_t n)
{
	return n > 0 && n <= NAME_MAX_BYTES && islower((unsigned char)name[0]) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") >= n;
}

static int
refuse_name(const char *name, const char *kind, const char *example, struct err *err)
{
	(void)err_set(err, "usage", "'%s' is no name for a %s", name, kind);
	return err_remedy(err, "write it like `%s`: small letters, digits and dashes",
			  example);
}

static int
name_step(struct package *package, const char *name, struct err *err)
{
	const char *slash = strchr(name, '/');
	AUTO_FREE char *stage =
		x_strndup(name, slash ? (size_t)(slash - name) : strlen(name));
	uint32_t bit = stage_find(stage);

	if (!slash || !is_name(slash + 1, strlen(slash + 1)))
		return refuse_name(name, "step", "patch/greet", err);
	if (str_eq(stage, "rollback") || str_eq(stage, "project")) {
		(void)err_set(err, "usage", "a step of stage '%s' is not made this way",
			      stage);
		return err_remedy(err, "--kind rollback makes what undoes an effect; "
				       "there is no template for a project step");
	}
	if (!bit) {
		(void)err_set(err, "usage", "'%s' is no stage", stage);
		return err_remedy(err, "stages are analyze, patch, build, restart, "
				       "verify, publish, control");
	}
	package->base = x_strdup(slash + 1);
	package->name = x_strdup(name);
	package->stage = x_asprintf("FETTLE_%s", stage);
	for (char *p = package->stage; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	package->modules = x_asprintf("plugins/%s.so", name);
	return 0;
}

static int
name_package(struct package *package, const char *kind, const char *name,
	     struct err *err)
{
	bool is_rollback = str_eq(kind, "rollback");

	package->kind = kind;
	if (str_eq(kind, "step"))
		return name_step(package, name, err);
	if (!is_rollback && !str_eq(kind, "policy")) {
		(void)err_set(err, "usage", "there is no kind '%s' of module", kind);
		return err_remedy(err, "--kind is step, policy or rollback");
	}
	if (is_rollback && str_starts(name, "rollback/"))
		name += strlen("rollback/");
	if (!is_name(name, strlen(name)))
		return refuse_name(name, kind, "greet", err);
	package->base = x_strdup(name);
	package->name = is_rollback ? x_asprintf("rollback/%s", name) : x_strdup(name);
	package->stage = x_strdup("FETTLE_ROLLBACK");
	package->modules =
		is_rollback ? x_asprintf("plugins/restart/%s.so plugins/rollback/%s.so",
					 name, name) :
			      x_asprintf("policies/%s.so", name);
	return 0;
}

/* Adds the text with every @WORD@ that is known replaced. */
static void
fill_in(const struct package *package, const char *text, struct str *out)
{
	const struct {
		const char *word, *value;
	} words[] = {
		{ "@NAME@", package->name },
		{ "@BASE@", package->base },
		{ "@STAGE@", package->stage },
		{ "@MODULES@", package->modules },
	};

	while (*text) {
		size_t i = 0;

		while (i < ARRAY_LEN(words) && !str_starts(text, words[i].word))
			i++;
		if (i < ARRAY_LEN(words)) {
			str_add(out, words[i].value);
			text += strlen(words[i].word);
		} else {
			str_add_c(out, *text++);
		}
	}
}

static int
add_template(const struct cli *cli, const struct package *package, const char *name,
	     struct str *out, struct err *err)
{
	AUTO_FREE char *path = x_asprintf("%s/templates/%s.in", cli->data_dir, name);
	AUTO_FREE char *text = NULL;

	if (file_read(path, TEMPLATE_MAX_BYTES, &text, NULL, err) < 0) {
		(void)err_context(err, "read a template");
		return err_remedy(err,
				  "install Fettle completely, or name the place of "
				  "its files with $FETTLE_DATADIR");
	}
	fill_in(package, text, out);
	return 0;
}

/* The directories above a file of the package, as the umask wants them. */
static int
make_parents(char *path, size_t from, struct err *err)
{
	for (char *slash = strchr(path + from + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0777) < 0 && errno != EEXIST)
			return err_errno(err, "output", "make directory '%s'", path);
		*slash = '/';
	}
	return 0;
}

static int
write_file(const struct cli *cli, const struct package *package, const char *directory,
	   const struct package_file *file, struct err *err)
{
	AUTO(str) struct str name = STR_INIT, text = STR_INIT;
	AUTO_FREE char *path = NULL;

	fill_in(package, file->file, &name);
	path = path_join(directory, str_get(&name));
	if (add_template(cli, package, file->first, &text, err) < 0 ||
	    (file->second &&
	     add_template(cli, package, file->second, &text, err) < 0) ||
	    make_parents(path, strlen(directory), err) < 0)
		return -1;

	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0 || file_write_all(fd, text.s, text.len) < 0)
		return err_errno(err, "output", "write '%s'", path);
	return 0;
}

static int
write_package(const struct cli *cli, const struct package *package,
	      const char *directory, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if ((!files[i].kind || str_eq(files[i].kind, package->kind)) &&
		    write_file(cli, package, directory, &files[i], err) < 0)
			return -1;
	return 0;
}

/* Written aside, then renamed: nothing that exists is touched. */
static int
make_package(const struct cli *cli, const struct package *package, struct err *err)
{
	AUTO_FREE char *aside = x_asprintf("%s/.%s.XXXXXX", cli->directory,
					   package->base);
	mode_t mask = umask(0);
	int failed;

	(void)umask(mask);
	if (access(package->base, F_OK) == 0) {
		(void)err_set(err, "usage", "'%s' exists already in '%s'",
			      package->base, cli->directory);
		return err_remedy(err, "choose another name, or another place with -C");
	}
	if (!mkdtemp(aside))
		return err_errno(err, "output", "make a directory in '%s'",
				 cli->directory);
	failed = write_package(cli, package, aside, err);
	if (!failed && (chmod(aside, 0777 & ~mask) < 0 ||
			renameat2(AT_FDCWD, aside, AT_FDCWD, package->base,
				  RENAME_NOREPLACE) < 0))
		failed = err_errno(err, "output", "make the directory '%s'",
				   package->base);
	if (failed)
		tree_remove(AT_FDCWD, aside);
	return failed;
}

static void
print_package(struct cli *cli, const struct package *package)
{
	AUTO(str) struct str text = STR_INIT;
	AUTO(json_ref) json_t *written = json_array();

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		AUTO(str) struct str name = STR_INIT;

		if (files[i].kind && !str_eq(files[i].kind, package->kind))
			continue;
		str_addf(&name, "%s/", package->base);
		fill_in(package, files[i].file, &name);
		(void)json_array_append_new(written, json_string(str_get(&name)));
		if (!cli->options.quiet)
			out_addf(&cli->out, &text, TONE_PLAIN, "wrote %s\n",
				 str_get(&name));
	}
	if (cli->options.json) {
		AUTO(json_ref)
		json_t *json = json_pack("{s:s, s:s, s:s, s:O}", "name", package->name,
					 "kind", package->kind, "directory",
					 package->base, "files", written);

		out_json(&cli->out, json);
		return;
	}
	if (!cli->options.quiet)
		str_addf(&text, "next: cd %s && make check\n", package->base);
	out_write(&cli->out, &text);
}

int
verb_plugin_new(struct cli *cli)
{
	__attribute__((cleanup(package_done))) struct package package = { 0 };
	struct err err;

	if (name_package(&package, cli->options.kind ? cli->options.kind : "step",
			 cli_arg(cli, 0), &err) < 0 ||
	    make_package(cli, &package, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	print_package(cli, &package);
	return EXIT_DONE;
}
