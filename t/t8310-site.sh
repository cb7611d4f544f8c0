#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The site file: its policies judge every run, and a broken one lets none begin.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"

test_modules
workspace
echo one >a.txt
cat >p.yaml <<'YAML'
fettle: 1
name: p
steps:
  - id: patch
    uses: patch/apply
    with: { edits: [{ op: replace, path: a.txt, find: one, with: two }] }
YAML

run_ok 'without a site file a run begins' fettle run -q -p ./p.yaml
is 'and does its work' "$(cat a.txt)" two

echo one >a.txt
printf 'fettle: 1\npolicies:\n  - { uses: deny }\n' >../site.yaml
chmod 644 ../site.yaml
run_fails 6 'a policy of the site denies what a pipeline does not forbid' \
	fettle run -p ./p.yaml
is 'nothing is changed' "$(cat a.txt)" one
is 'the policy is recorded with its answer' \
	"$(fettle audit export last | jq -r '.event.body.answers[]?.policy')" deny
run_fails 6 'plan says so too' fettle plan --json -p ./p.yaml
is 'with its verdict' "$(printf '%s' "$out" | jq -r '.steps[0].verdict')" deny

run_ok 'past runs before the policies of today' fettle policy replay --json
is 'the one that was allowed would be denied' \
	"$(printf '%s' "$out" | jq -r '.[-1] | "\(.step) \(.then) \(.now)"')" 'patch allow deny'
is 'the one that was denied still is' \
	"$(printf '%s' "$out" | jq -r '.[0] | "\(.step) \(.then) \(.now)"')" 'patch deny deny'
run_ok 'for people' fettle policy replay
like 'with a count' "$out" '^2 verdicts, 1 of them would be others today$'
is 'and nothing is recorded by it' "$(fettle runs -q | wc -l)" 2

# Both are asked, the strictest wins, all reasons are told.
cat >both.yaml <<'YAML'
fettle: 1
name: both
policies: [{ uses: allow }]
steps:
  - id: patch
    uses: patch/apply
    with: { edits: [{ op: replace, path: a.txt, find: one, with: two }] }
YAML
run_fails 6 'an allowing policy of the pipeline does not outweigh it' \
	fettle run -p ./both.yaml

chmod 666 ../site.yaml
run_fails 2 'a site file that others could have written' fettle run -p ./p.yaml
like 'is refused, with every run' "$err" 'site\.unsafe'
chmod 644 ../site.yaml
printf 'fettle: 1\npolicies:\n  - { uses: nosuch }\n' >../site.yaml
run_fails 2 'a policy of the site that is not installed' fettle run -p ./p.yaml
like 'is named with its place' "$err" 'site\.yaml:3:13: '
printf 'fettle: 1\npolicy: []\n' >../site.yaml
run_fails 2 'a word that is no key of the site file' fettle run -p ./p.yaml
like 'is refused, with the nearest one' "$err" "policies"
run_ok 'what was done before can still be looked at' fettle runs
rm ../site.yaml
mkdir ../site.yaml
run_fails 2 'a site file that cannot be read' fettle run -p ./p.yaml
is 'nothing is changed by any of it' "$(cat a.txt)" one
done_testing
