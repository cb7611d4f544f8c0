/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See diff_fault.h. */
#include "plugins/patch/diff_fault.h"

#include "plugins/common/text.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
	const char *code, *remedy;
} faults[] = {
	{ "diff.binary", "leave binary files out of the diff" },
	{ "diff.case_collision", "give files names that differ in more than case" },
	{ "diff.copy", "write the copy as a new file, with `--- /dev/null`" },
	{ "diff.delete", "set allow_delete: true if the file may go" },
	{ "diff.duplicate_file", "put all hunks of a file below one header" },
	{ "diff.eol", "write the diff's own lines with LF, not CRLF" },
	{ "diff.format", "give a unified diff, as `git diff` or `diff -u` writes it" },
	{ "diff.header_mismatch", "name the same file in every header line of a file, "
				  "and /dev/null for what does not exist" },
	{ "diff.hunk", "make the hunk's lines agree with its @@ line" },
	{ "diff.hunk_order", "make the diff anew: hunks come in order, do not overlap, "
			     "and their line numbers agree" },
	{ "diff.limits", "split the change into smaller diffs" },
	{ "diff.mode", "leave file modes alone: only regular files, made with 100644" },
	{ "diff.mode_change", "leave the mode out of the diff and change it by hand" },
	{ "diff.number", "write line numbers as plain decimal numbers" },
	{ "diff.path", "name files relative to the project, without `.`, `..`, "
		       "backslashes, colons and control characters" },
	{ "diff.path_charset", "name files in plain letters, composed, without "
			       "invisible characters" },
	{ "diff.path_utf8", "name files in UTF-8" },
	{ "diff.prefix", "name the old file a/PATH and the new one b/PATH" },
	{ "diff.syntax", "make the diff anew with `git diff`, and pass it whole, "
			 "with its last newline, which the $( ) of a shell drops" },
	{ "diff.vcs_path", "leave the files of version control alone" },
	{ "apply.binary", "leave files out that are not text" },
	{ "apply.context", "make the diff anew from the files as they are now" },
	{ "apply.exists", "make the diff anew: the file is there already" },
	{ "apply.missing", "make the diff anew: the file is not there" },
	{ "apply.mode", "rename the file by hand: Fettle makes files with mode 0644" },
	{ "apply.offset", "make the diff anew: the same text now has another line" },
	{ "apply.read", "make the file readable, or leave it out" },
	{ "apply.size", "leave out files of more than 16 MiB" },
	{ "apply.symlink", "name the file itself, not a symbolic link" },
	{ "apply.type", "name a regular file" },
};

static const char *
remedy_of(const char *code)
{
	for (size_t i = 0; i < COUNT_OF(faults); i++)
		if (text_equal(faults[i].code, code))
			return faults[i].remedy;
	abort();
}

int
diff_fault_set(struct diff_fault *fault, unsigned line, const char *code,
	       const char *fmt, ...)
{
	size_t used = 0;
	va_list ap;

	*fault = (struct diff_fault){ code, remedy_of(code), line, "" };
	if (line > 0)
		used = (size_t)snprintf(fault->message, sizeof(fault->message),
					"line %u of the diff: ", line);
	va_start(ap, fmt);
	(void)vsnprintf(fault->message + used, sizeof(fault->message) - used, fmt, ap);
	va_end(ap);
	for (char *p = fault->message; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	return -1;
}
