#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Modules that crash, hang, lie and leak fail their step, never the engine,
# and leave no process. Policies that break deny.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
need jq

[ -d "${FETTLE_MODULES:-$FETTLE_BUILD/t/modules}/plugins/test" ] ||
	bail 'the misbehaving modules are not built'
FETTLE_LIBDIR=${FETTLE_MODULES:-$FETTLE_BUILD/t/modules}
export FETTLE_LIBDIR
mkdir work
cd work || bail 'no workspace'
echo one >a.txt

# Every process of a step carries FETTLE_ATTEMPT in its environment.
leftovers()
{
	for p in /proc/[0-9]*; do
		tr '\0' '\n' <"$p/environ" 2>/dev/null | grep -q '^FETTLE_ATTEMPT=2' &&
			cat "$p/comm"
	done
	true
}

misbehave() # MODULE CODE [KEYS]
{
	cat >m.yaml <<YAML
fettle: 1
name: m
steps:
  - { id: before, uses: verify/command, with: { argv: ['true'] } }
  - { id: bad, uses: test/$1, timeout: 2s $3 }
  - { id: behind, uses: verify/command, with: { argv: ['true'] } }
finally:
  - { id: last, uses: verify/command, with: { argv: ['true'] } }
YAML
	before=$(tree_hash .)
	run_fails 3 "$1: the run fails" fettle run -p ./m.yaml
	json=$(fettle show last --json)
	is "$1: with code $2" "$(printf '%s' "$json" | jq -r .code)" "$2"
	is "$1: the step before is kept, the one behind not started, finally ran" \
		"$(printf '%s' "$json" | jq -r '[.steps[] | "\(.step)=\(.state)"] | join(" ")')" \
		'before=succeeded bad=failed behind=skipped last=succeeded'
	is "$1: no process is left" "$(leftovers)" ''
	is "$1: no byte changed" "$(tree_hash .)" "$before"
}

misbehave crash module_crashed ''
misbehave hang timeout ''
misbehave exit0 module_crashed ''
done_testing
