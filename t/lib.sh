# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2034
#
# What every shell test starts with: TAP, a directory of its own that
# disappears, the staged fettle, and waiting with a deadline. t/README is the
# handbook. Source it first:
#
#	. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"

set -u

: "${FETTLE_SRC:=$(cd "$(dirname "$0")/.." && pwd)}"
: "${FETTLE_BUILD:=$FETTLE_SRC/build}"
: "${FETTLE_STAGE:=$FETTLE_BUILD/stage}"
: "${FETTLE_PREFIX:=/usr}"
: "${FETTLE_BINDIR:=$FETTLE_STAGE$FETTLE_PREFIX/bin}"
: "${FETTLE_LIBDIR:=$FETTLE_STAGE$FETTLE_PREFIX/lib/fettle}"
: "${FETTLE_DATADIR:=$FETTLE_STAGE$FETTLE_PREFIX/share/fettle}"
export FETTLE_SRC FETTLE_BUILD FETTLE_STAGE FETTLE_PREFIX
export FETTLE_BINDIR FETTLE_LIBDIR FETTLE_DATADIR
export LC_ALL=C.UTF-8
unset FETTLE_STATE_DIR FETTLE_PROJECT

# ---- TAP ---------------------------------------------------------------

t_count=0
t_failed=0
t_planned=

# plan N: says how many claims follow. Or call done_testing at the end.
plan()
{
	t_planned=$1
	echo "1..$1"
}

done_testing()
{
	[ -n "$t_planned" ] || plan "$t_count"
	[ "$t_failed" -eq 0 ]
	exit
}

# diag TEXT: lines for people; the harness does not read them.
diag()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

pass()
{
	t_count=$((t_count + 1))
	echo "ok $t_count - $1"
}

fail()
{
	t_count=$((t_count + 1))
	t_failed=$((t_failed + 1))
	echo "not ok $t_count - $1"
	return 1
}

# skip CLAIM REASON: one claim that cannot be tried here.
skip()
{
	t_count=$((t_count + 1))
	echo "ok $t_count - $1 # SKIP $2"
}

# skip_all REASON: the whole script, before any claim.
skip_all()
{
	echo "1..0 # SKIP $1"
	exit 0
}

# bail REASON: nothing can be said about anything any more.
bail()
{
	echo "Bail out! $1"
	exit 99
}

# ok CLAIM COMMAND...: the command succeeds.
ok()
{
	t_claim=$1
	shift
	if "$@" >"$T/ok.out" 2>&1; then
		pass "$t_claim"
		return
	fi
	fail "$t_claim"
	diag "failed: $*"
	t_show "$T/ok.out"
	return 1
}

# not_ok CLAIM COMMAND...: the command fails.
not_ok()
{
	t_claim=$1
	shift
	if ! "$@" >"$T/ok.out" 2>&1; then
		pass "$t_claim"
		return
	fi
	fail "$t_claim"
	diag "succeeded: $*"
	t_show "$T/ok.out"
	return 1
}

# is CLAIM GOT WANT: the same text.
is()
{
	if [ "$2" = "$3" ]; then
		pass "$1"
		return
	fi
	fail "$1"
	diag "got:  $2"
	diag "want: $3"
	return 1
}

# isnt CLAIM GOT OTHER: another text.
isnt()
{
	if [ "$2" != "$3" ]; then
		pass "$1"
		return
	fi
	fail "$1"
	diag "got, and should not have: $2"
	return 1
}

# like CLAIM TEXT REGEX: some line of the text matches (extended).
like()
{
	if printf '%s\n' "$2" | grep -Eq -e "$3"; then
		pass "$1"
		return
	fi
	fail "$1"
	diag "no line matches: $3"
	diag "$2"
	return 1
}

# unlike CLAIM TEXT REGEX: no line of the text matches.
unlike()
{
	if ! printf '%s\n' "$2" | grep -Eq -e "$3"; then
		pass "$1"
		return
	fi
	fail "$1"
	diag "a line matches: $3"
	diag "$2"
	return 1
}

# same_file CLAIM GOT WANT: byte for byte.
same_file()
{
	if cmp -s "$2" "$3"; then
		pass "$1"
		return
	fi
	fail "$1"
	diag "$(diff -u "$3" "$2" 2>&1 | head -40)"
	return 1
}

t_show()
{
	head -c 8000 "$1" | sed 's/^/#   /'
}

# ---- running things ----------------------------------------------------

# The staged fettle, as an operator would call it.
fettle()
{
	"$FETTLE_BINDIR/fettle" "$@"
}

# capture COMMAND...: $out, $err (text) and $rc of a command.
capture()
{
	rc=0
	"$@" >"$T/out" 2>"$T/err" </dev/null || rc=$?
	out=$(cat "$T/out")
	err=$(cat "$T/err")
}

# run_ok CLAIM COMMAND...: exit status 0; leaves $out, $err, $rc.
run_ok()
{
	t_claim=$1
	shift
	run_fails 0 "$t_claim" "$@"
}

# run_fails CODE CLAIM COMMAND...: exactly this exit status; leaves $out, $err, $rc.
run_fails()
{
	t_want=$1
	t_claim=$2
	shift 2
	capture "$@"
	if [ "$rc" -eq "$t_want" ]; then
		pass "$t_claim"
		return
	fi
	fail "$t_claim"
	diag "exit status $rc, not $t_want: $*"
	diag "standard output:"
	t_show "$T/out"
	diag "standard error:"
	t_show "$T/err"
	return 1
}

# json FILTER [FILE]: jq -r over $out or a file.
json()
{
	if [ $# -gt 1 ]; then
		jq -r "$1" "$2"
	else
		printf '%s\n' "$out" | jq -r "$1"
	fi
}

# need PROGRAM...: skips the script when one is missing.
need()
{
	for t_program; do
		command -v "$t_program" >/dev/null 2>&1 ||
			skip_all "$t_program is not installed"
	done
}

# ---- the state of the world --------------------------------------------

# tree_hash DIRECTORY: one line that changes with any name, byte, mode, owner
# or link target below it.
tree_hash()
{
	(cd "$1" && {
		find . -printf '%P %y %m %U:%G %n %l\n'
		find . -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum
	} | LC_ALL=C sort | sha256sum)
}

# ---- waiting: with a deadline, never for a fixed time -------------------

# wait_for SECONDS COMMAND...: until it succeeds; 1 when it did not in time.
wait_for()
{
	t_deadline=$(($(date +%s) + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$t_deadline" ] || return 1
		sleep 0.05
	done
}

# wait_gone SECONDS PID: until no such process is left.
wait_gone()
{
	timeout "$1" tail --pid="$2" -f /dev/null
}

# ---- beginning and end -------------------------------------------------

t_at_exit=

# at_exit COMMAND: a shell line run at the end, newest first.
at_exit()
{
	t_at_exit="$1
$t_at_exit"
}

t_end()
{
	t_status=$?
	trap - EXIT
	eval "$t_at_exit"
	cd /
	if [ -n "${FETTLE_TEST_KEEP:-}" ]; then
		diag "kept: $T"
	else
		rm -rf "$T"
	fi
	if [ -n "$t_planned" ] && [ "$t_planned" -ne "$t_count" ]; then
		diag "planned $t_planned claims, made $t_count"
		[ "$t_status" -ne 0 ] || t_status=1
	fi
	exit "$t_status"
}

# $T: a directory of this script alone. The path has no symlink in it.
T=$(cd "${TMPDIR:-/tmp}" && mktemp -d "$PWD/fettle-test-XXXXXX") || bail "no temporary directory"
trap t_end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
FETTLE_STATE_DIR=$T/state
export FETTLE_STATE_DIR
HOME=$T
export HOME
cd "$T" || bail "cannot enter $T"
