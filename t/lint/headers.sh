#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Every header compiles alone and twice; the public one in every language
# a module may be written in.

: "${FETTLE_SRC:=$(cd "$(dirname "$0")/../.." && pwd)}"
. "$FETTLE_SRC/t/lib.sh"
. "$FETTLE_SRC/t/lint/lint.sh"
need cc

flags=$(pkg-config --cflags yaml-0.1 jansson sqlite3 nettle hogweed libcurl libpcre2-8)

# alone HEADER: what the compiler says about it.
alone()
{
	printf '#include "%s"\n#include "%s"\n' "$1" "$1" >"$T/alone.c"
	# shellcheck disable=SC2086
	cc -std=gnu11 -fsyntax-only -Wall -Wextra -Wno-unused-parameter -Werror \
		-D_GNU_SOURCE -I. -Icore -Iinclude $flags "$T/alone.c" 2>&1 ||
		echo "$1 does not compile alone"
}

# t/unit needs Check, which configure may have done without.
nobody 'every header compiles alone, and twice, as C11' "$(
	headers | grep -v '^t/unit/' | while read -r header; do
		alone "$header"
	done)"

# compiles COMPILER STANDARD LANGUAGE: the public header, and a module made with it.
compiles()
{
	claim="plugin.h is clean with $1 as $2"
	if ! command -v "$1" >/dev/null; then
		skip "$claim" "$1 is not installed"
	elif ! "$1" "-std=$2" -fsyntax-only -x "$3" /dev/null 2>/dev/null; then
		skip "$claim" "$1 does not know $2"
	else
		ok "$claim" "$1" "-std=$2" -fsyntax-only -Wall -Wextra -pedantic -Werror \
			-Iinclude -x "$3" t/lint/module.c
	fi
}
for standard in c99 c11 c17 c2x; do
	compiles gcc $standard c
	compiles clang $standard c
done
for standard in c++11 c++17 c++20; do
	compiles g++ $standard c++
	compiles clang++ $standard c++
done
done_testing
