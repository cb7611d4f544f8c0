#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the installed objects show to the world, and what they load.

: "${FETTLE_SRC:=$(cd "$(dirname "$0")/../.." && pwd)}"
. "$FETTLE_SRC/t/lib.sh"
. "$FETTLE_SRC/t/lint/lint.sh"
need cc nm readelf

# defined OBJECT: names of exported symbols; those of sanitizers do not count.
defined()
{
	nm -D --defined-only "$1" | awk '{ sub("@.*", "", $NF); print $NF }' |
		grep -Ev '^(FETTLE_|__(asan|odr_asan|ubsan|start|stop))' | LC_ALL=C sort -u
}

find "$FETTLE_LIBDIR/plugins" "$FETTLE_LIBDIR/policies" -name '*.so' 2>/dev/null |
	LC_ALL=C sort >"$T/modules"
ok 'modules are installed' [ -s "$T/modules" ]

nobody 'a module exports fettle_plugin and nothing else' "$(
	while read -r module; do
		names=$(defined "$module")
		[ "$names" = fettle_plugin ] || printf '%s: %s\n' "$module" "$names"
	done <"$T/modules")"

nobody 'every module is linked with libfettle.so.0' "$(
	while read -r module; do
		readelf -d "$module" | grep -q 'NEEDED.*\[libfettle\.so\.0\]' ||
			echo "$module"
	done <"$T/modules")"

library=$FETTLE_LIBDIR/../libfettle.so.0
ok 'libfettle.so.0 is installed' [ -e "$library" ]
nobody 'libfettle exports only fettle_ and fettle__' "$(defined "$library" | grep -v '^fettle_')"

# Without comments, every such name before a parenthesis is a function.
cc -fpreprocessed -E -P include/fettle/plugin.h 2>/dev/null |
	grep -v '^#' | grep -oE '\bfettle_[a-z_0-9]+\(' | tr -d '(' |
	LC_ALL=C sort -u >"$T/declared"
defined "$library" | grep -v '^fettle__' >"$T/exported"
nobody 'libfettle exports exactly the functions of plugin.h' \
	"$(diff "$T/declared" "$T/exported")"

# weak OBJECT: what a hardened one has not.
weak()
{
	segments=$(readelf -lW "$1" 2>/dev/null) || return
	dynamic=$(readelf -dW "$1")
	case $segments in *GNU_RELRO*) ;; *) echo "$1: no relro" ;; esac
	case $segments in *'RWE '*) echo "$1: executable stack" ;; esac
	case $dynamic in *NOW*) ;; *) echo "$1: bound late" ;; esac
	case $dynamic in *TEXTREL*) echo "$1: text relocations" ;; esac
}
nobody 'every object is hardened' "$(
	find "$FETTLE_BINDIR" "$FETTLE_LIBDIR" "$library" -type f -perm -100 |
	while read -r object; do
		weak "$object"
	done)"

# Start-up time is paid at every call of the program.
fettle=$FETTLE_BINDIR/fettle
unlike 'fettle loads nothing that is slow to start' \
	"$(readelf -d "$fettle" | sed -n 's/.*NEEDED.*\[\(.*\)\.so.*/\1/p')" \
	'^lib(curl|pq|git2|microhttpd|pcre2|ssl|fettle)'
unlike 'fettle itself never calls dlopen' "$(nm -D --undefined-only "$fettle")" \
	' dlm?open(@|$)'
done_testing
