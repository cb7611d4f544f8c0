#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What is typed wrong is refused with what was meant, and nothing is made.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
need jq

# refused CLAIM TEXT REMEDY ARGUMENT...: exit status 1, both lines on stderr match.
refused()
{
	claim=$1
	text=$2
	remedy=$3
	shift 3
	run_fails 1 "$claim is refused" fettle "$@"
	like "$claim: what is wrong" "$err" "^fettle: error: .*$text"
	like "$claim: what to do" "$err" "^fettle: what to do: .*$remedy"
	is "$claim: nothing on standard output" "$out" ''
}

refused 'an unknown verb' "'rum' is no verb" 'fettle run' rum
refused 'a verb far from all others' "'xyzzy' is no verb" 'fettle --help' xyzzy
refused 'an unknown option' "no option '--pipelin'" '--pipeline' run --pipelin x
refused 'an unknown letter' "no option '-z'" 'fettle --help' runs -z
refused 'an option without its value' 'needs a value' 'NAME' run x --service
refused 'an empty value' 'needs a value' 'NAME' run x --service=
refused 'a value for a switch' 'takes no value' 'json' runs --json=yes
refused 'an option of another verb' 'takes no --follow' 'runs --help' runs -f
refused 'an argument too many' "does not take 'b'" 'fettle show' show a b
refused 'an argument too few' 'needs RUN' 'fettle rollback RUN' rollback
refused 'an input that is no pair' 'not KEY=VALUE' 'name=value' run -i version
refused 'an input given twice' 'given twice' 'once' run -i a=1 -i a=2
refused 'a limit that is no number' 'takes a number' '1 to 100' runs -n many
refused 'a limit out of range' 'takes a number' '1 to 100' runs --limit 101
refused 'a state that does not exist' "state 'succeded'" 'succeeded' runs --state succeded
refused 'a directory that does not exist' 'no/where' '-C' -C no/where runs
refused 'a file without an artifact' 'needs the name' 'artifacts --help' artifacts -o x

run_fails 1 'no verb at all is refused' fettle
like 'and explained' "$err" '^usage: fettle VERB'
is 'on standard error only' "$out" ''

run_fails 1 'with --json' fettle rum --json
like 'an error is still told to people' "$err" "'rum' is no verb"
run_fails 1 'and with --json before it' fettle --json runs -n 0
is 'also told to machines' "$(json .error.code)" usage
is 'with the exit status' "$(json .error.exit)" 1

run_ok 'help' fettle --help
like 'lists the verbs' "$out" '^  rollback RUN '
run_ok 'help of a verb by option' fettle run --help
like 'shows its options' "$out" '^  -i, --input KEY=VALUE '
unlike 'and no others' "$out" '\-\-follow'
run_ok 'help of a verb by word' fettle help logs
like 'does the same' "$out" '^  -f, --follow '
run_ok 'the version' fettle --version
like 'is told' "$out" '^fettle [0-9]'

# ---- a state directory that does not exist yet

run_ok 'no runs yet is no error' fettle runs
like 'but said' "$out" "^no runs in $FETTLE_STATE_DIR\$"
run_ok 'none of some kind' fettle runs -s api --state failed
like 'neither' "$out" "^no runs of service api in state failed in $FETTLE_STATE_DIR\$"
run_ok 'as JSON it is' fettle runs --json
is 'an empty list' "$(json length)" 0
for verb in show logs diff artifacts 'rollback last'; do
	# shellcheck disable=SC2086
	run_fails 1 "fettle $verb without a run is refused" fettle $verb
	like "fettle $verb: how to get one" "$err" 'what to do: .*fettle run'
done
not_ok 'reading made no state directory' test -e "$FETTLE_STATE_DIR"

# ---- where the state directory is

unset FETTLE_STATE_DIR
XDG_STATE_HOME=$T/xdg
export XDG_STATE_HOME
run_ok 'an option names it' fettle --state-dir "$T/there" runs
like 'first' "$out" "$T/there"
run_ok 'a relative one' fettle -C / --state-dir there runs
like 'is seen from -C' "$out" ' /there$'
FETTLE_STATE_DIR=$T/env
export FETTLE_STATE_DIR
run_ok 'the environment names it' fettle runs
like 'second' "$out" "$T/env"

# ---- closed descriptors

FETTLE_STATE_DIR=$T/state
ok 'closed standard descriptors hurt nothing' sh -c '"$1/fettle" runs <&- >&- 2>&-' sh \
	"$FETTLE_BINDIR"
not_ok 'a full disk is no success' sh -c '"$1/fettle" --help >/dev/full' sh "$FETTLE_BINDIR"
ok 'a reader that left early is no failure' \
	sh -c '{ "$1/fettle" --help; echo $? >"$2"; } | true; grep -qx 0 "$2"' sh \
	"$FETTLE_BINDIR" "$T/status"
done_testing
