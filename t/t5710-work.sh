#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Workers: every queued run is carried out once, one at a time for a service,
# whatever is killed meanwhile.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"
need sqlite3 flock

# Services without Docker: a project step of the tests' own.
[ -d "$FETTLE_BUILD/t/modules/plugins/test" ] || bail 'the modules of the tests are not built'
cp -R "$FETTLE_BUILD/t/modules" "$T/lib"
cp "$FETTLE_BUILD/t/libfettle.so.0" "$T"
cp "$T/lib/plugins/test/services.so" "$T/lib/plugins/project/compose.so"
FETTLE_LIBDIR=$T/lib
export FETTLE_LIBDIR

workspace
cat >fettle.yaml <<'YAML'
fettle: 1
project: shop
services: { a: {}, b: {}, c: {}, d: {}, e: {} }
YAML
touch docker-compose.yml
# A step that holds the lock of its service's file proves that it is alone.
cat >quick.yaml <<YAML
fettle: 1
name: quick
inputs: { service: { type: service }, instruction: { type: string, default: "" } }
steps:
  - id: work
    uses: verify/command
    env: { S: "\${{ inputs.service }}", R: "\${{ run.id }}" }
    with:
      argv:
        - sh
        - -c
        - |
          exec 9>"$T/busy.\$S"
          flock -n 9 || echo "\$S \$R" >>$T/overlaps
          echo "\$S \$R" >>$T/log
          sleep 0.1
YAML
cat >slow.yaml <<YAML
fettle: 1
name: slow
inputs: { service: { type: service }, instruction: { type: string, default: "" } }
steps:
  - { id: patch, uses: restart/command, with: { argv: [sh, -c, 'echo up >>$T/world'] } }
  - { id: wait, uses: verify/command, with: { argv: [sh, -c, 'echo \$\$ >$T/ready; while [ ! -e $T/go ]; do sleep 0.05; done'] } }
on_failure:
  - { id: undo, uses: rollback/command, with: { argv: [sh, -c, 'echo down >>$T/world'] } }
YAML
cat >nop.yaml <<'YAML'
fettle: 1
name: nop
steps: [ { id: one, uses: verify/command, with: { argv: ['true'] } } ]
YAML

state() # RUN
{
	fettle show "$1" --json | jq -r '.state + " " + (.code // "")'
}
is_in() # STATE RUN
{
	[ "$(sql "SELECT state FROM runs WHERE run = '$2'")" = "$1" ]
}
worker() # [OPTION]...: in the background, its pid in $worker
{
	"$FETTLE_BINDIR/fettle" work "$@" >>"$T/worker.out" 2>&1 </dev/null &
	worker=$!
}

# ---- one slot, in order ----

capture fettle work --once
is 'an empty queue is no work' "$rc" 8
for service in a b a; do
	fettle run --queue -p ./quick.yaml -s $service >>"$T/ids"
done
high=$(fettle run --queue --priority high -p ./quick.yaml 'look after c please' -i service=c)
run_ok 'a queue is drained' fettle work --drain
is 'high priority first, then in order' "$(cut -d' ' -f2 <"$T/log" | tr '\n' ' ')" \
	"$high $(tr '\n' ' ' <"$T/ids")"
like 'the worker tells what it does' "$out" "^run $high: begins, service c"
like 'and how it ended' "$out" "^run $high: succeeded"
is 'all succeeded' "$(fettle runs --state succeeded --json | jq length)" 4
like 'the list tells the worker' "$(fettle runs)" "$(hostname)/[0-9]+"
run_ok 'so does a second drain, with nothing to do' fettle work --drain
is 'the workers are gone' "$(fettle workers --json | jq length)" 0

# ---- what can only be refused when it is planned ----

run=$(fettle run --queue -p ./nop.yaml)
echo '# changed' >>nop.yaml
run_ok 'a run that cannot be planned any more' fettle work --once
is 'ends as failed' "$(state "$run")" 'failed pipeline_changed'
like 'with what to do' "$(fettle show "$run" --json | jq -r .remedy)" 'queue the run again'
run=$(fettle run --queue -p ./quick.yaml -s nobody)
fettle work --once >/dev/null
is 'an unknown service too' "$(state "$run")" 'failed unknown_service'

# ---- draining by signal ----

rm -f "$T/ready" "$T/go"
run=$(fettle run --queue -p ./slow.yaml -s a)
next=$(fettle run --queue -p ./quick.yaml -s b)
worker
wait_for 20 test -e "$T/ready" || bail "the run did not begin: $(cat "$T/worker.out")"
is 'the worker is listed' "$(fettle workers --json | jq -r '.[0].name')" "$(hostname)/$worker"
is 'with its run' "$(fettle workers --json | jq -r '.[0].runs[0]')" "$run"
like 'also for people' "$(fettle workers)" "$(hostname)/$worker +1 of 1 .*$run"
kill -TERM "$worker"
sleep 0.3
ok 'SIGTERM lets the run go on' kill -0 "$worker"
touch "$T/go"
wait "$worker"
is 'and ends the worker with 0' "$?" 0
is 'the run succeeded' "$(state "$run")" 'succeeded '
is 'no other was taken' "$(state "$next")" 'pending '
is 'the worker has left the list' "$(fettle workers --json | jq length)" 0
fettle cancel "$next" >/dev/null

rm -f "$T/ready" "$T/go" "$T/world"
run=$(fettle run --queue -p ./slow.yaml -s a)
worker
wait_for 20 test -e "$T/ready" || bail 'the run did not begin'
for signal in TERM INT HUP TERM INT TERM INT; do
	kill -$signal "$worker" 2>/dev/null
	sleep 0.02
done
wait "$worker"
is 'a storm of signals: the worker ends' "$?" 0
is 'the second one cancels' "$(state "$run")" 'cancelled cancelled'
is 'and all is put back, once' "$(cat "$T/world")" "$(printf 'up\ndown')"

# ---- a busy service keeps nobody else waiting ----

rm -f "$T/ready" "$T/go"
run=$(fettle run --queue -p ./slow.yaml -s a)
behind=$(fettle run --queue -p ./quick.yaml -s a)
other=$(fettle run --queue -p ./quick.yaml -s b)
# Nobody knows its service until it is planned.
late=$(cd /; fettle -C "$T/work" run --queue -p ./quick.yaml 'the a service')
worker --slots 2
wait_for 20 is_in succeeded "$other" || bail 'the other service waited'
pass 'a run for another service goes on'
is 'one for the busy service waits' "$(state "$behind")" 'pending '
is 'and one whose service is in the sentence' "$(state "$late")" 'pending '
touch "$T/go"
wait_for 20 is_in succeeded "$late" || bail 'the waiting runs were not taken'
is 'in their order' "$(sql "SELECT group_concat(run, ' ') FROM (SELECT run FROM runs
	WHERE run IN ('$behind', '$late') ORDER BY started_ms)")" "$behind $late"
kill "$worker"
wait "$worker"

# ---- what waits holds no slot ----

# Who may agree: the worker has to know them too.
people='  bob: { users: [bob], roles: [sre] }'
site
cat >nap.yaml <<YAML
fettle: 1
name: nap
steps:
  - id: flaky
    uses: verify/command
    retry: { attempts: 2, backoff: 3500ms, on: any }
    with: { argv: [sh, -c, 'test -e $T/napped || { touch $T/napped; exit 1; }'] }
YAML
run=$(fettle run --queue -p ./nap.yaml)
worker
sleeps()
{
	[ "$(sql "SELECT due_ms IS NOT NULL FROM runs WHERE run = '$run' AND state = 'pending'")" = 1 ]
}
wait_for 20 sleeps || bail 'the run did not sleep'
other=$(fettle run --queue -p ./nop.yaml)
wait_for 3 is_in succeeded "$other"
is 'a run that sleeps before a retry holds no slot' "$(state "$other")" 'succeeded '
wait_for 20 is_in succeeded "$run"
is 'and is gone on with when it is due' "$(state "$run")" 'succeeded '

cat >held.yaml <<YAML
fettle: 1
name: held
policies: [ { uses: ask } ]
steps:
  - id: patch
    uses: patch/apply
    with: { edits: [ { op: write, path: held.txt, content: x } ] }
YAML
if [ "$(id -u)" -eq 0 ]; then
	run=$(fettle run --queue -p ./held.yaml)
	wait_for 20 is_in awaiting_approval "$run"
	is 'a run that waits for people holds none either' "$(state "$run" | cut -d' ' -f1)" awaiting_approval
	digest=$(fettle show "$run" --json | jq -r .hold.digest)
	ok 'somebody agrees' as bob approve "$run" --digest "$digest" --no-wait
	wait_for 20 is_in succeeded "$run"
	is 'and a worker goes on' "$(state "$run")" 'succeeded '
else
	skip 'a run that waits for people' 'only root can be somebody else here'
fi
rm "$FETTLE_SITE_FILE"
kill "$worker"
wait "$worker"

# ---- kill -9: a slot ----

rm -f "$T/ready" "$T/go" "$T/world"
run=$(fettle run --queue -p ./slow.yaml -s a)
worker --slots 2
wait_for 20 test -e "$T/ready" || bail 'the run did not begin'
slot=$(sql "SELECT replace(owner, 'pid ', '') FROM runs WHERE run = '$run'")
begin=$(date +%s%N)
kill -9 "$slot"
wait_for 20 is_in rolled_back "$run"
took=$((($(date +%s%N) - begin) / 1000000))
is 'a run whose slot is killed is put back by another' "$(state "$run")" 'rolled_back interrupted'
diag "after $took ms"
ok 'within two seconds' test "$took" -lt 3000
is 'once' "$(cat "$T/world")" "$(printf 'up\ndown')"
like 'the worker tells of the slot' "$(cat "$T/worker.out")" "slot \(pid $slot\) was ended by signal 9"

# ---- poison ----

touch slow
run=$(fettle run --queue -p ./quick.yaml -s e)
good=$(fettle run --queue -p ./nop.yaml)
killed=0
while [ "$killed" -lt 3 ]; do
	slot=
	is_planning()
	{
		slot=$(sql "SELECT replace(owner, 'pid ', '') FROM runs WHERE run = '$run' AND state = 'pending'")
		[ -n "$slot" ] && kill -0 "$slot"
	}
	wait_for 20 is_planning || break
	kill -9 "$slot"
	wait_gone 10 "$slot"
	killed=$((killed + 1))
done
wait_for 20 is_in failed "$run"
is 'three crashes are enough' "$(state "$run")" 'failed poison'
is "it was tried $killed times" "$killed" 3
rm slow
is 'others are carried out' "$(state "$good")" 'succeeded '
kill "$worker"
wait "$worker"

# ---- four workers, forty runs, and kills ----

rm -f "$T/log" "$T/overlaps" "$T/ids"
n=0
while [ $n -lt 40 ]; do
	case $((n % 5)) in 0) s=a ;; 1) s=b ;; 2) s=c ;; 3) s=d ;; 4) s=e ;; esac
	fettle run --queue -p ./quick.yaml -s $s >>"$T/ids" || bail 'it was not queued'
	n=$((n + 1))
done
workers=
for _ in 1 2 3 4; do
	worker --slots 1
	workers="$workers $worker"
done
kills=0
while [ "$kills" -lt 6 ]; do
	sleep 0.2
	# A slot at work, and every third time the worker itself.
	slot=$(sql "SELECT replace(owner, 'pid ', '') FROM runs WHERE state = 'running' LIMIT 1")
	[ -n "$slot" ] && kill -9 "$slot" 2>/dev/null || continue
	kills=$((kills + 1))
	[ $((kills % 3)) -ne 0 ] || {
		set -- $workers
		kill -9 "$1" && wait "$1" 2>/dev/null
		shift
		worker --slots 1
		workers="$* $worker"
	}
done
all_ended()
{
	[ "$(sql "SELECT count(*) FROM runs WHERE ended_ms IS NULL")" -eq 0 ]
}
wait_for 60 all_ended
is 'every run came to an end' "$(sql 'SELECT count(*) FROM runs WHERE ended_ms IS NULL')" 0
is 'every run ended once' "$(sql "SELECT count(*) FROM (SELECT 1 FROM events WHERE kind = 'run.ended'
	GROUP BY run HAVING count(*) <> 1)")" 0
is 'no run is lost' "$(sort "$T/ids" | comm -23 - "$(sql 'SELECT run FROM runs ORDER BY run' >"$T/known"; echo "$T/known")")" ''
interrupted=$(sql "SELECT count(*) FROM runs WHERE code = 'interrupted' AND state = 'failed'")
diag "$kills kills, $interrupted runs interrupted"
ok 'only killed ones did not succeed' test "$interrupted" -le "$kills"
is 'the rest succeeded' "$(sql "SELECT count(*) FROM runs WHERE run IN ($(sed "s/.*/'&'/" "$T/ids" | paste -sd,))
	AND state = 'succeeded'")" "$((40 - interrupted))"
ok 'no two runs of a service at a time' test ! -e "$T/overlaps"
is 'no step was done twice' "$(sort "$T/log" | uniq -d)" ''
is 'the chains have no gap' "$(sql 'SELECT count(*) FROM (SELECT 1 FROM events GROUP BY run
	HAVING count(*) <> max(seq))')" 0
is 'four workers are listed' "$(fettle workers --json | jq length)" 4
pss=0
for pid in $workers $(for w in $workers; do pgrep -P "$w"; done); do
	part=$(awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup" 2>/dev/null)
	pss=$((pss + ${part:-0}))
done
diag "an idle worker with its slot: $((pss / 4)) KiB (PSS)"
kill $workers
for w in $workers; do
	wait "$w" || fail "worker $w ended with $?"
done
ok 'the tables follow from the events' fettle store rebuild
done_testing
