#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Modules that take more than their share, that leave something behind, or that
# speak out of turn: the step fails with a code, what was changed is put back,
# the rest of the run goes on, nothing is left, and the store is whole.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"

test_modules

# start SIN: runs it in a workspace and a store of its own.
start()
{
	mkdir -p "$T/$1/work"
	cd "$T/$1/work" || bail 'no workspace'
	echo one >a.txt
	cat >../b.yaml <<-END
		fettle: 1
		name: b
		steps:
		  - { id: patch, uses: test/evil, with: { path: a.txt } }
		  - { id: bad, uses: test/bomb, with: { sin: $1 }, timeout: 2s }
		  - { id: behind, uses: verify/command, with: { argv: ['true'] } }
		on_failure:
		  - { id: undo, uses: verify/command, with: { argv: [touch, '$T/$1/undone'] } }
		finally:
		  - { id: last, uses: verify/command, with: { argv: ['true'] } }
	END
	FETTLE_STATE_DIR=$T/$1/state
	begin=$(date +%s)
	timeout 60 "$FETTLE_BINDIR/fettle" run -p ../b.yaml >../out 2>&1 </dev/null
	echo "$? $(($(date +%s) - begin))" >../status
}

# judge SIN CODE CLAIM: the step failed, with a code that matches.
judge()
{
	cd "$T/$1/work" || bail 'no workspace'
	FETTLE_STATE_DIR=$T/$1/state
	read -r status took <../status
	is "$3: the run fails" "$status" 3 || t_show ../out
	fettle show last --json >../show
	like "$3: with code $2" "$(json .code ../show)" "^($2)\$"
	is "$3: the run is rolled back" "$(json .state ../show)" rolled_back
	is "$3: the steps around it ended as they should" \
		"$(json '[.steps[] | "\(.step)=\(.state)"] | join(" ")' ../show)" \
		'patch=succeeded bad=failed behind=skipped undo=succeeded last=succeeded'
	ok "$3: the rollback ran" test -e ../undone
	is "$3: the file is back" "$(cat a.txt)" one
	is "$3: no process is left" "$(leftovers "$(json .run ../show)")" ''
	run_ok "$3: the store is whole" fettle audit verify
	ok "$3: and it did not take long" test "$took" -lt 30
}

bomb()
{
	(start "$1")
	judge "$@"
}

# Those that are deaf are waited for; all at once.
deaf='stop_itself spin flood_progress answer_and_hang'
for sin in $deaf; do
	(start "$sin") &
done

# ---- more than its share

bomb bomb_forks process_limit 'a fork bomb'
bomb bomb_deaf_forks process_limit 'a fork bomb that hears no signal'
bomb bomb_threads 'process_limit|timeout' 'threads without end'
bomb bomb_memory module_crashed 'memory without end'
bomb bomb_file module_crashed 'a file of 4 TiB'
bomb bomb_descriptors 'module_crashed|plugin.bug|event.spill' 'no descriptor left'
bomb bomb_stack module_crashed 'a stack without end'

# ---- what stays

bomb leave_daemon module_crashed 'a daemon'
bomb hold_pipes module_crashed 'a child that holds all pipes'
bomb signal_all module_crashed 'signals for everybody'

# ---- out of turn

bomb flood_notes event.limit 'notes without end'
bomb flood_outputs event.limit 'outputs without end'
bomb say_too_much event.garbage 'an event above the limit'
bomb say_deep event.garbage 'an event that is too deep'
bomb say_deep_value event.garbage 'a value that is too deep'
bomb say_nothing event.garbage 'an empty packet'
bomb note_in_latin event.garbage 'a note that is not UTF-8'
bomb output_in_latin event.garbage 'an output that is not UTF-8'
bomb artifact_in_latin event.garbage 'an artifact whose name is not UTF-8'
bomb answer_twice event.garbage 'two answers'
bomb answer_before event.garbage 'an answer before the answer'
bomb answer_and_go_on event.garbage 'an event after the answer'
bomb close_channel module_crashed 'a channel closed too early'
bomb spill_elsewhere event.garbage 'a value in a file of somebody else'

# ---- what does not hear

wait
judge stop_itself timeout 'a module that stops itself'
judge spin timeout 'a module that hears nothing and never rests'
judge flood_progress timeout 'progress without end'
judge answer_and_hang timeout 'an answer and no end'

# ---- a file that is none

modules=$FETTLE_LIBDIR
FETTLE_LIBDIR=$T/modules
cp -R "$modules" "$FETTLE_LIBDIR"
cp "$modules/../libfettle.so.0" "$T"
for size in 0 1 64 4096 10000; do
	head -c "$size" "$modules/plugins/test/good.so" >"$FETTLE_LIBDIR/plugins/test/cut.so"
	printf 'fettle: 1\nname: m\nsteps: [ { id: bad, uses: test/cut } ]\n' >"$T/m.yaml"
	run_fails 2 "a module cut after $size bytes is refused" fettle run -p "$T/m.yaml"
	like "cut after $size bytes: with a reason" "$err" '\[(plugin\.|module_)'
done
printf 'fettle: 1\nname: m\nsteps: [ { id: good, uses: test/forker } ]\n' >"$T/m.yaml"
run_ok 'a whole one is run' fettle run -p "$T/m.yaml"
done_testing
