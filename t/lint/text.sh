#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What source files look like: licence line, guards, sizes, words.

: "${FETTLE_SRC:=$(cd "$(dirname "$0")/../.." && pwd)}"
. "$FETTLE_SRC/t/lib.sh"
. "$FETTLE_SRC/t/lint/lint.sh"

source_files >"$T/sources"
c_files >"$T/c"
ok 'there are files to look at' [ "$(wc -l <"$T/sources")" -gt 50 ]

# in_sources GREP-ARGUMENT...: FILE:NUMBER:LINE of every source.
in_sources()
{
	xargs grep -Hn "$@" <"$T/sources"
}

in_c()
{
	xargs grep -Hn "$@" <"$T/c"
}

nobody 'every source says its licence at the top' "$(
	while read -r file; do
		head -n 3 "$file" | grep -q 'SPDX-License-Identifier: LGPL-2\.1-or-later' ||
			echo "$file"
	done <"$T/sources")"

# guard FILE: core/wire/event.h is guarded by FETTLE_WIRE_EVENT_H.
guard()
{
	folder=$(basename "$(dirname "$1")")_
	[ "$folder" != fettle_ ] || folder=
	echo "FETTLE_$folder$(basename "$1" .h)_H" | tr 'a-z.-' 'A-Z__'
}

nobody 'every header has the guard of its folder and name' "$(
	headers | while read -r file; do
		want=$(guard "$file")
		grep '^#' "$file" >"$T/directives"
		[ "$(sed -n 1,2p "$T/directives" | tr '\n' ' ')" = \
			"#ifndef $want #define $want " ] &&
			[ "$(tail -n 1 "$T/directives")" = '#endif' ] ||
			echo "$file: not guarded by $want"
	done)"

nobody 'no file is longer than 500 lines' "$(
	xargs wc -l <"$T/sources" | awk '$2 != "total" && $1 > 500 { print $2 ": " $1 " lines" }')"

# Characters, not bytes: bytes that continue a character do not count. The
# program t/lint/wrap breaks such lines and touches no others.
nobody 'no line of C is wider than 88 columns' "$(
	while read -r file; do
		expand -t 8 "$file" | LC_ALL=C tr -d '\200-\277' |
			LC_ALL=C awk -v file="$file" \
			'length > 88 { print file ":" NR ": " length " columns" }'
	done <"$T/c")"

nobody 'no line ends in blanks' "$(in_sources -E '[[:blank:]]+$')"

nobody 'every file ends in a newline' "$(
	while read -r file; do
		[ -z "$(tail -c 1 "$file")" ] || echo "$file"
	done <"$T/sources")"

nobody 'C is indented with tabs' "$(in_c -E '^ {8}')"

nobody 'the brace of a function stands on its own line' "$(
	in_c -E '^[a-z].*\) ?\{$' | grep -Ev ':[0-9]+:(struct|enum|union) ')"

# Brackets keep the patterns from finding themselves.
nobody 'no path of the machine it was written on' "$(
	in_sources -E "(^|[[:blank:]\"'=:(])(/wor[k]|/tmp/(w[t]|b|d[k]))/")"

nobody 'what is left to do has the number of its issue' "$(
	in_sources -wE 'TOD[O]|FIXM[E]|XX[X]' | grep -Ev 'TOD[O]\(#[0-9]+\)')"

# core/base/banned.h stops the others at compile time.
nobody 'modules call nothing that core/base/banned.h bans' "$(
	grep -E '^(plugins|policies|examples)/' "$T/c" | xargs grep -HnE \
	'\b(strcpy|strcat|v?sprintf|gets|strtok|sscanf|ato[il]|atoll|system|popen) ?\(')"

nobody 'no merge was left half done' "$(in_sources -E '^(<<<<<<<|>>>>>>>) ')"
done_testing
