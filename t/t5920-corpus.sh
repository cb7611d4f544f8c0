#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each row of bad input has a case, where t/corpus/README says; each code of the
# language has one too.
# shellcheck disable=SC2034
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"

readme=$FETTLE_SRC/t/corpus/README
rows_Y='1 3 4 5 7 8 9 11 12 13 15 16 17 19 20 21 23 24 25 27 28 29 31 32 33 35 36 37 39 40
	41 43 44 45 47 48 49 51 52 53 55 56 57 59 60 61 63 64 65 67'
rows_D='1 3 4 5 7 8 9 11 12 13 15 16 17 19 20 21 23 24 25 27 28 29 31 32 33 35 36 37 39 40
	41 43 44 45 47 48 49 51 52 53 55 56 57 59 60 61 63 64 65 67 68 69 71 72 73'
rows_T='1 3 4 5 7 8 9 11 12 13 15 16 17'
rows_I='1 3 4 5 7 8 9 11 12 13 15 16 17 19 20 21'
rows_C='1 3 4 5 7 8 9 11 12 13 15 16 17 19 20 21'
rows_A='1 3 4 5 7 8 9 11 12 13 15 16 17'

files() # ROW: how many case files it has
{
	find "$FETTLE_SRC/t/corpus" \( -name "$1.expect" -o -name "$1-*.expect" \) | wc -l
}

claims() # ROW: how many lines of the test that README names are about it
{
	where=$(sed -n "s/^	$1	//p" "$readme")
	file=${where%%: *}
	words=${where#"$file"}
	words=${words#: }
	[ -n "$where" ] || { echo 0; return; }
	grep -c -w -F -e "${words:-$1}" "$FETTLE_SRC/$file"
}

for letter in Y D T I C A; do
	eval "numbers=\$rows_$letter"
	cases=0
	none=
	# shellcheck disable=SC2154
	for number in $numbers; do
		row=$letter$number
		here=$(($(files "$row") + $(claims "$row")))
		[ "$here" -gt 0 ] || none="$none $row"
		cases=$((cases + here))
	done
	# shellcheck disable=SC2086
	set -- $numbers
	is "every row of $letter has a case" "$none" ''
	diag "$letter: $# rows, $cases cases"
done

sed -n 's/^	\([A-Z][0-9]*\)	\([^:]*\).*/\1 \2/p' "$readme" >"$T/list"
while read -r row file; do
	ok "$row: $file is there" test -f "$FETTLE_SRC/$file"
done <"$T/list"

# Not the author's of a file: file.open and path.open are the machine's, file.size
# becomes yaml.size, plan.corrupt is the store's.
for code in $(grep -hoE '"(yaml|key|type|pipeline|id|param|path|secret|env|input|service|ref|sha|image|host|template|effect|step|project|policy|allow|url|file|plan|metrics)\.[a-z_]+"' \
	"$FETTLE_SRC"/core/model/*.c | LC_ALL=C sort -u | tr -d '"'); do
	case $code in
	file.open | path.open | file.size | plan.corrupt) continue ;;
	esac
	ok "$code is tried" grep -rqwF "$code" "$FETTLE_SRC/t/unit" "$FETTLE_SRC/t/corpus" \
		"$FETTLE_SRC/t/t5600-input.sh"
done
done_testing
