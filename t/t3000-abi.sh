#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What modules of others were built against does not change.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
need cc nm

header=$FETTLE_SRC/include
library=${FETTLE_LIBDIR%/fettle}/libfettle.so

exported()
{
	nm -D --defined-only "$1" | sed -n 's/^[0-9a-f]* [TDRBV] \([^@]*\).*/\1/p' | LC_ALL=C sort
}

for std in c99 c11 c17; do
	ok "the header is clean $std" cc "-std=$std" -pedantic -Wall -Wextra -Werror \
		-fsyntax-only -x c "$header/fettle/plugin.h"
done
for std in c++11 c++14 c++17 c++20; do
	if command -v c++ >/dev/null 2>&1; then
		ok "the header is clean $std" c++ "-std=$std" -pedantic -Wall -Wextra -Werror \
			-fsyntax-only -x c++ "$header/fettle/plugin.h"
	else
		skip "the header is clean $std" 'no C++ compiler'
	fi
done
ok 'every member is where it was' cc -std=c11 -I"$header" -fsyntax-only \
	"$FETTLE_SRC/t/abi/layout.c"
is 'libfettle exports these functions and no other' "$(exported "$library" | grep '^fettle_')" \
	"$(cat "$FETTLE_SRC/t/abi/symbols")"
is 'and nothing of another name' "$(exported "$library" | grep -v '^fettle_')" ''
ok 'the header says what changed in the ABI' grep -q '^ \*	0\.4	' "$header/fettle/plugin.h"

for module in "$FETTLE_LIBDIR"/plugins/*/*.so "$FETTLE_LIBDIR"/policies/*.so; do
	is "${module#"$FETTLE_LIBDIR"/} exports its table only" "$(exported "$module")" fettle_plugin
done
done_testing
