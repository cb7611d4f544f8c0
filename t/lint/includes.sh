#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Who may include whom. Arrows point downward only:
# base <- model <- wire <- sdk <- host, and base, model <- store <- engine <- cli.

: "${FETTLE_SRC:=$(cd "$(dirname "$0")/../.." && pwd)}"
. "$FETTLE_SRC/t/lib.sh"
. "$FETTLE_SRC/t/lint/lint.sh"

# FILE:NUMBER:INCLUDED, with the quotes or brackets.
c_files | xargs grep -HnoE '^[[:blank:]]*#[[:blank:]]*include[[:blank:]]*[<"][^>"]*[>"]' |
	sed 's/#[[:blank:]]*include[[:blank:]]*//; s/[[:blank:]]//g' >"$T/includes"
ok 'there are includes to look at' [ "$(wc -l <"$T/includes")" -gt 100 ]

# in_folder REGEX: the includes of files below the folders.
in_folder()
{
	grep -E "^($1)/" "$T/includes"
}

# may FOLDER OTHER...: a folder of core and the others it may include.
may()
{
	echo "$1" >>"$T/known"
	others=$(printf '%s|' "$@")
	nobody "core/$1 includes only: $*" "$(in_folder "core/$1" | grep ':"' |
		grep -Ev ":\"((${others%|})/)?[a-z0-9_]+\.h\"\$")"
}
may base
may model base
may wire base model
may sdk base model wire
may host base model wire sdk
may store base model
may engine base model wire store
may cli base model store engine

nobody 'every folder of core has its rule here' "$(
	find core -mindepth 1 -maxdepth 1 -type d | sed 's,^core/,,' | grep -vxFf "$T/known")"

nobody 'the public header needs no other header of ours' "$(
	in_folder include | grep -E ':"|<fettle/')"

# A file of the own folder may also be named from the top.
nobody 'modules include only plugins/common and their own folder' "$(
	in_folder 'plugins|policies' | grep ':"' |
	grep -Ev ':"([a-z0-9_]+|plugins/common/[a-z0-9_]+)\.h"$' |
	awk -F: '{
		folder = $1
		sub("[^/]*$", "", folder)
		if (index($3, "\"" folder) != 1)
			print
	}')"

nobody 'modules know nothing of core' "$(
	in_folder 'plugins|policies' |
	grep -E '[<"](core|base|model|wire|sdk|store|engine)/')"

# A window of time is about a given moment; its zone is a file of the tz database.
nobody 'policies reach for no file, clock or program' "$(
	in_folder policies | grep -v '^policies/window\.c:' |
	grep -E '<(curl/|dirent|fcntl|netdb|poll|spawn|sys/|time|unistd)')"

# The first include of a file decides what it may name: see base/banned.h.
nobody 'base/base.h comes first in every file of core' "$(
	awk -F: '$1 ~ /^core\/.*\.c$/ && !seen[$1]++ && $3 != "\"base/base.h\""' \
		"$T/includes")"

# library HEADER FOLDER...: what may include a library's header.
library()
{
	header=$1
	shift
	places=$(printf '%s|' "$@")
	nobody "<$header> is included only in: $*" "$(
		grep -E ":<${header}[./]" "$T/includes" | grep -Ev "^(${places%|})/")"
}
library sqlite3 core/store t bench
library yaml bench core/cli core/model plugins/common t
library nettle core/base core/wire plugins
library curl plugins
library pcre2 plugins
library git2 plugins
library check t
done_testing
