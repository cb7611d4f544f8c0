#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The helpers of the shell tests themselves.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"

# inner SCRIPT: a test script of its own; leaves $out and $rc.
inner()
{
	printf '. "%s/t/lib.sh"\n%s\n' "$FETTLE_SRC" "$1" >"$T/inner.sh"
	capture sh "$T/inner.sh"
}

inner 'plan 2; pass one; pass two'
is 'a script that keeps its plan ends well' "$rc" 0

inner 'plan 2; pass one'
isnt 'a script that breaks its plan fails' "$rc" 0

inner 'fail one; done_testing'
is 'a failed claim fails the script' "$rc" 1
like 'and is named' "$out" '^not ok 1 - one$'

inner 'skip_all "no moon"; fail unreachable'
is 'skip_all is the whole plan' "$out" '1..0 # SKIP no moon'

inner 'run_fails 3 "exit three" sh -c "echo shown; exit 4"'
like 'run_fails wants exactly its status' "$out" '^not ok 1 - exit three$'
like 'and shows what was printed' "$out" '^#   shown$'

inner 'run_fails 4 "exit four" sh -c "echo no >&2; exit 4"; is err "$err" no; done_testing'
is 'run_fails keeps standard error' "$rc" 0

inner 'echo "$T" >"$OLDPWD/where"; [ -d "$T" ]; done_testing'
ok 'a script has a directory' test -s "$T/where"
not_ok 'which is gone afterwards' test -d "$(cat "$T/where")"

inner 'at_exit "echo last"; at_exit "echo first"; done_testing'
is 'at_exit runs newest first' "$(echo "$out" | tail -2 | tr '\n' ' ')" 'first last '

mkdir "$T/tree"
echo a >"$T/tree/a"
before=$(tree_hash "$T/tree")
is 'tree_hash is stable' "$(tree_hash "$T/tree")" "$before"
chmod 600 "$T/tree/a"
isnt 'tree_hash sees a mode' "$(tree_hash "$T/tree")" "$before"

(sleep 0.2 && : >"$T/late") &
ok 'wait_for waits' wait_for 10 test -e "$T/late"
not_ok 'wait_for has a deadline' wait_for 1 test -e "$T/never"
done_testing
