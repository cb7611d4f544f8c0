#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Modules that crash, hang, lie and leak fail their step, never the engine,
# and leave no process. Policies that break deny. What no module may propose
# is refused by the engine itself.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"

test_modules
mkdir -p work/sub work/.git
cd work || bail 'no workspace'
echo one >a.txt
echo two >sub/twin.txt
ln sub/twin.txt sub/again.txt
ln -s ../a.txt sub/link.txt
ln -s /tmp outside
mkfifo fifo

# ---- steps ----

misbehave() # MODULE CODE
{
	cat >../m.yaml <<YAML
fettle: 1
name: m
steps:
  - { id: before, uses: verify/command, with: { argv: ['true'] } }
  - { id: bad, uses: test/$1, timeout: 3s }
  - { id: behind, uses: verify/command, with: { argv: ['true'] } }
finally:
  - { id: last, uses: verify/command, with: { argv: ['true'] } }
YAML
	before=$(tree_hash .)
	run_fails 3 "$1: the run fails" fettle run -p ../m.yaml
	is "$1: with code $2" "$(of_last .code)" "$2"
	is "$1: steps before and finally ran, the one behind did not" \
		"$(steps last)" \
		'before=succeeded bad=failed behind=skipped last=succeeded'
	is "$1: no process is left" "$(leftovers "$(of_last .run)")" ''
	is "$1: no byte changed" "$(tree_hash .)" "$before"
}

misbehave crash module_crashed
like 'crash: the signal is told' "$(of_last .message)" 'was killed by signal 11$'
misbehave exit137 module_crashed
like 'exit137: an exit status is no signal' "$(of_last .message)" \
	'ended without a result \(exit status 137\)$'
like 'exit137: nor for people' "$(fettle show last)" 'exit status 137'
misbehave hang timeout
misbehave exit0 module_crashed
misbehave rawexit0 module_crashed
misbehave wrongenum plugin.bug
misbehave garbage event.garbage

# ---- an effect that is declared for some parameters only ----

sometimes() # WITH [MORE]
{
	printf 'fettle: 1\nname: m\ninputs: { how: { type: choice, choices: [quiet, loud], default: quiet } }\n' >../m.yaml
	printf 'steps: [ { id: bad, uses: test/sometimes, with: { mode: %s }%s } ]\n' "$1" "${2-}" >>../m.yaml
}
sometimes loud
run_fails 2 'an effect that these parameters allow needs its undoing' fettle check -p ../m.yaml
like 'which is told' "$err" "effect 'noise' that no step of on_failure undoes"
sometimes loud ', irreversible: true'
run_ok 'it can be stated' fettle run -p ../m.yaml
sometimes quiet
run_ok 'one that they do not allow needs none' fettle check -p ../m.yaml
run_fails 3 'and cannot be stated' fettle run -p ../m.yaml
is 'which is a code of its own' "$(of_last .code)" effect.undeclared
is 'before run() is called' "$(of_last '[.steps[] | select(.step == "bad") | .state] | join(" ")')" failed
unlike 'so that nothing was done' "$(fettle logs last)" 'noise was made'
sometimes quiet ', retry: { attempts: 2 }'
run_ok 'what changes nothing can be tried again' fettle check -p ../m.yaml
sometimes shrill ', irreversible: true, retry: { attempts: 2 }'
run_fails 2 'what may change something cannot' fettle check -p ../m.yaml
like 'as it could be half done' "$err" 'step\.effects'
sometimes '"${{ inputs.how }}"'
run_fails 2 'a parameter that is not known may allow anything' fettle check -p ../m.yaml
sometimes '"${{ inputs.how }}"' ', irreversible: true'
run_fails 3 'until it is known' fettle run -p ../m.yaml
is 'then it does not' "$(of_last .code)" effect.undeclared
run_ok 'or does' fettle run -p ../m.yaml -i how=loud

harmless() # MODULE: does its work and leaves a mess, which is cleaned up
{
	printf 'fettle: 1\nname: m\nsteps: [ { id: bad, uses: test/%s, timeout: 60s } ]\n' "$1" \
		>../m.yaml
	run_ok "$1: its own answer counts" fettle run -p ../m.yaml
	is "$1: no process is left" "$(leftovers "$(of_last .run)")" ''
}
harmless forker
harmless holdpipe
harmless killer

before=$(date +%s)
harmless flood
ok 'a flood of output is taken in reasonable time' test $(($(date +%s) - before)) -lt 30
size=$(of_last '.artifacts[] | select(.name == "bad.log") | .bytes')
ok 'and its log is cut at the limit' test "$size" -le $((65 * 1024 * 1024))

# ---- modules that do not load ----

for module in nohead wrongabi badmagic badtable ctor; do
	printf 'fettle: 1\nname: m\nsteps: [ { id: bad, uses: test/%s } ]\n' "$module" >../m.yaml
	run_fails 2 "$module: refused before anything runs" fettle run -p ../m.yaml
	like "$module: with a reason" "$err" '\[plugin\.'
done

# ---- proposals ----

propose() # CLAIM SIN PATH CODE
{
	cat >../p.yaml <<YAML
fettle: 1
name: p
steps: [ { id: bad, uses: test/evil, with: { sin: $2, path: '$3' } } ]
YAML
	before=$(tree_hash .)
	run_fails 3 "$1: the step fails" fettle run -p ../p.yaml
	is "$1: with code $4" "$(of_last .code)" "$4"
	is "$1: no byte changed" "$(tree_hash .)" "$before"
}
propose 'out of the workspace' write ../evil path.invalid
propose 'an absolute path' write /tmp/evil path.invalid
propose 'not canonical' write sub/./a.txt path.invalid
propose 'through a symlink' write outside/evil apply.symlink
propose 'a symlink' write sub/link.txt apply.symlink
propose 'a hard link' write sub/twin.txt apply.hardlink
propose 'a FIFO' write fifo apply.type
propose 'a directory' write sub apply.type
propose 'no such directory' write nowhere/a.txt apply.missing_dir
propose '.git' write .git/config edit.forbidden
propose '.git in disguise' write 'sub/.GIT/hooks/x' edit.forbidden
propose 'delete what is not there' delete nothing apply.missing
propose 'one file twice' twice a.txt edit.duplicate
propose 'an effect nobody declared' effect a.txt plugin.bug

# ---- the process that hosts are forked from ----

waiting() # STEP
{
	echo "  - id: $1"
	echo '    uses: verify/command'
	echo "    with: { argv: [sh, -c, 'echo >$T/ready.$1; while [ ! -e $T/go.$1 ]; do sleep 0.02; done'] }"
}
printf 'fettle: 1\nname: n\nsteps:\n%s\n%s\n' "$(waiting one)" "$(waiting two)" >../n.yaml
# It alone has no attempt yet.
nursery_in() # STEP
{
	wait_for 20 test -e "$T/ready.$1" || bail "the step did not start: $(cat ../n.out)"
	for child in $(cat "/proc/$engine/task/$engine/children"); do
		! grep -qzs '^FETTLE_ATTEMPT= ' "/proc/$child/environ" || echo "$child"
	done
}
"$FETTLE_BINDIR/fettle" run -p ../n.yaml >../n.out 2>&1 </dev/null &
engine=$!
first=$(nursery_in one)
kill -9 "$first"
touch "$T/go.one"
second=$(nursery_in two)
isnt 'a nursery that is killed is replaced' "$second" "$first"
touch "$T/go.two"
wait "$engine"
is 'without harm to its hosts or the run' \
	"$? $(steps last)" \
	'0 one=succeeded two=succeeded'
is 'and it ends with the run' "$(kill -0 "$second" 2>/dev/null && echo "$second")" ''

# ---- policies ----

judge() # POLICY [EXIT STATE]
{
	cat >../j.yaml <<YAML
fettle: 1
name: j
policies: [ { uses: allow }, { uses: $1 } ]
steps: [ { id: patch, uses: test/evil, with: { path: a.txt } } ]
YAML
	before=$(tree_hash .)
	run_fails "${2:-6}" "policy $1: ${3:-denied}" fettle run -p ../j.yaml
	is "policy $1: no byte changed" "$(tree_hash .)" "$before"
	is "policy $1: the run says so" "$(of_last .state)" "${3:-denied}"
	is "policy $1: no process is left" "$(leftovers "$(of_last .run)")" ''
}
judge deny
judge hold
judge pcrash
judge pexit
judge pwrong
judge pforge

printf 'fettle: 1\nname: j\npolicies: [ { uses: %s } ]\nsteps: [ %s ]\n' allow \
	'{ id: patch, uses: test/evil, with: { path: a.txt } }' >../j.yaml
run_ok 'a policy that allows lets the edit through' fettle run -p ../j.yaml
is 'and it is made' "$(cat a.txt)" evil
done_testing
