# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# What the lint tests share: which files there are, and one claim per rule
# that lists who breaks it. Sourced behind t/lib.sh. Everything is looked up
# below $FETTLE_SRC, so a changed copy of the tree can be tried:
# FETTLE_SRC=/copy /copy/t/lint/text.sh

cd "$FETTLE_SRC" || bail "cannot enter $FETTLE_SRC"

# Only the folders of the project: not a build below it, nor what configure made.
lint_folders='include core plugins policies t bench doc examples init completions packaging'

# all_files FIND-CONDITION...: names of files, relative to the source.
all_files()
{
	for lint_folder in $lint_folders; do
		[ ! -d "$lint_folder" ] || find "$lint_folder" -name __pycache__ -prune -o \
			-type f "$@" ! -name '*.o' ! -name '*.lo' -print
	done | grep -Ev '/\.(libs|deps)/' | LC_ALL=C sort
}

c_files()
{
	all_files \( -name '*.c' -o -name '*.h' \)
}

headers()
{
	all_files -name '*.h'
}

# Shell programs, by name or by their first line.
shell_files()
{
	all_files ! -name '*.c' ! -name '*.h' >"$T/candidates"
	for lint_file in bootstrap quickstart .ci/run; do
		[ ! -f "$lint_file" ] || echo "$lint_file"
	done >>"$T/candidates"
	while read -r lint_file; do
		case $lint_file in
		*.sh) echo "$lint_file" ;;
		*) ! head -n 1 "$lint_file" | grep -aq '^#!.*/\(env \)\?\(ba\|da\)\?sh\b' ||
			echo "$lint_file" ;;
		esac
	done <"$T/candidates"
}

# Everything somebody wrote as a program or a build rule.
source_files()
{
	c_files
	shell_files
	all_files \( -name '*.py' -o -name '*.inc' -o -name '*.awk' \) | grep -v '^examples/.*\.py'
	echo Makefile.am
	echo configure.ac
}

# nobody CLAIM SINNERS: the text names those who break the rule, one a line.
nobody()
{
	if [ -z "$2" ]; then
		pass "$1"
		return
	fi
	fail "$1"
	diag "$(printf '%s\n' "$2" | head -n 40)"
	lint_more=$(($(printf '%s\n' "$2" | wc -l) - 40))
	[ "$lint_more" -le 0 ] || diag "and $lint_more more"
	return 1
}
