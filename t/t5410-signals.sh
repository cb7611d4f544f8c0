#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Signals to what Fettle runs and to Fettle itself: a step that is killed says by
# which signal, whichever of its processes it was; SIGTERM to who goes on with a
# run unwinds it; a storm of signals ends in one true state.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"
need sqlite3

workspace
there_and_back slow "touch $T/ready; while [ ! -e $T/go ]; do sleep 0.02; done; test -e $T/good"
echo one >a.txt
before=$(tree_hash .)

# start COMMAND...: in $pid, until the waiting step waits.
start()
{
	rm -f "$T/ready" "$T/go"
	: >"$T/world"
	fettle_until "$T/ready" "$@"
}

is_back()
{
	is "$1: everything is back" "$(tree_hash .)" "$before"
	is "$1: the effect was undone" "$(cat "$T/world")" "$(printf 'up\ndown')"
}

# ---- one of the processes of a step ----

# below PID: its children.
below()
{
	cat "/proc/$1/task/$1/children" 2>/dev/null
}

# The outer host is the engine's one child with the name of an attempt.
outer()
{
	for child in $(below "$pid"); do
		! grep -qzs '^FETTLE_ATTEMPT=2' "/proc/$child/environ" || echo "$child"
	done
}

# victim ROLE: its pid. The program is a child of the module, the module of PID 1.
victim()
{
	found=$(outer)
	case $1 in outer) echo "$found"; return ;; esac
	# As root the outer host is PID 1 itself.
	[ "$(awk '/^NSpid:/ { print $NF }' "/proc/${found% }/status")" = 1 ] ||
		found=$(below "${found% }")
	case $1 in init) echo "$found"; return ;; esac
	found=$(below "${found% }")
	case $1 in module) echo "$found"; return ;; esac
	below "${found% }"
}

start run -p ./slow.yaml
touch "$T/go"
wait "$pid"
for role in program module init outer; do
	start run -p ./slow.yaml
	victim=$(victim $role)
	[ -n "$victim" ] || bail "there is no $role"
	# shellcheck disable=SC2086
	kill -9 $victim
	wait "$pid"
	is "$role killed: the run fails and is put back" "$? $(of_last .state)" '3 rolled_back'
	like "$role killed: the signal is told" "$(of_last .message)" 'killed by signal 9'
	is_back "$role killed"
done

# ---- who goes on with a run, and is told to stop ----

start retry last
kill -TERM "$pid"
wait "$pid"
is 'SIGTERM to a retry ends it as cancelled' "$? $(of_last .state)" '7 cancelled'
is_back 'SIGTERM to a retry'
touch "$T/go" "$T/good"
run_ok 'and it can be retried' fettle retry last
is 'to its end' "$(of_last .state) $(cat a.txt)" 'succeeded two'
run_ok 'and put back' fettle rollback last
rm "$T/good"

# ---- storms ----

# As of a supervisor that has lost patience: any signal at any time, from planning
# to the last event. The first that counts cancels; nothing else does harm.
storm() # SEED
{
	"$FETTLE_BINDIR/fettle" run -p ./slow.yaml >"$T/run.out" 2>&1 </dev/null &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		seed=$(((seed * 1103515245 + 12345) % 2147483648))
		case $((seed / 65536 % 8)) in
		0) signal=INT ;; 1) signal=TERM ;; 2) signal=HUP ;; 3) signal=WINCH ;;
		4) signal=CONT ;; 5) signal=PIPE ;; 6) signal=TSTP ;; 7) signal=URG ;;
		esac
		sleep "0.00$((seed / 1048576 % 10))"
		kill -$signal "$pid" 2>/dev/null
		[ "$signal" != TSTP ] || { sleep 0.01; kill -CONT "$pid" 2>/dev/null; }
	done
	wait "$pid"
	code=$?
}
touch "$T/go"
seed=20261121
storms=0
: >"$T/complaints"
: >"$T/codes"
while [ $storms -lt 25 ]; do
	: >"$T/world"
	storm
	echo "$code" >>"$T/codes"
	case $code in
	3 | 7 | 130 | 143 | 129 | 141) ;;
	*) echo "ended with $code: $(cat "$T/run.out")" ;;
	esac >>"$T/complaints"
	{
		[ "$(tree_hash .)" = "$before" ] || echo "the tree is mixed"
		[ "$(grep -c up "$T/world")" -le "$(grep -c down "$T/world")" ] || cat "$T/world"
	} >>"$T/complaints"
	storms=$((storms + 1))
done
diag "$storms storms ended with: $(sort "$T/codes" | uniq -c | tr -s ' \n' ' ')"
is 'every storm ends, and everything is back' "$(cat "$T/complaints")" ''
is 'no run is left in the middle' "$(sql 'SELECT count(*) FROM runs WHERE ended_ms IS NULL')" 0
run_ok 'and the log is whole' fettle audit verify
done_testing
