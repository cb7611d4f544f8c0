#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Shell programs: they parse, tests can be started, shellcheck is content.

: "${FETTLE_SRC:=$(cd "$(dirname "$0")/../.." && pwd)}"
. "$FETTLE_SRC/t/lib.sh"
. "$FETTLE_SRC/t/lint/lint.sh"

shell_files >"$T/shell"
ok 'there are shell programs' [ -s "$T/shell" ]

nobody 'every shell program parses' "$(
	while read -r file; do
		case $(head -n 1 "$file") in
		*bash*) bash -n "$file" 2>&1 ;;
		*) sh -n "$file" 2>&1 ;;
		esac
	done <"$T/shell")"

nobody 'every shell program may be executed' "$(
	while read -r file; do
		! head -n 1 "$file" | grep -q '^#!' || [ -x "$file" ] || echo "$file"
	done <"$T/shell")"

# A test that no fragment names is never run.
nobody 'every shell test is part of make check' "$(
	all_files -name '*.sh' | grep -E '^t/(t[0-9]{4}-|lint/)' |
	while read -r file; do
		all_files -name '*.inc' | xargs grep -qF "$file" || echo "$file"
	done)"

if command -v shellcheck >/dev/null; then
	nobody 'shellcheck finds nothing' "$(
		xargs shellcheck -x -P "$FETTLE_SRC" -S warning -e SC1090,SC1091 -f gcc \
			<"$T/shell" 2>&1)"
else
	skip 'shellcheck finds nothing' 'shellcheck is not installed'
fi
done_testing
