#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every policy by its table, t/policies/NAME.yaml, in its jail.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
need jq

cases=0
for table in "$FETTLE_SRC"/t/policies/*.yaml; do
	name=${table##*/}
	run_ok "${name%.yaml} as its table says" fettle policy test --json "$table"
	is 'all of it' "$(printf '%s' "$out" | jq -r '.cases[] | select(.ok | not) |
		"\(.name): \(.verdict) \(.reason)"')" ''
	cases=$((cases + $(printf '%s' "$out" | jq .passed)))
done
diag "$cases cases of $(ls "$FETTLE_SRC"/t/policies/*.yaml | wc -l) policies"

# ---- the tool itself

cat >bad.yaml <<'YAML'
fettle: 1
policy: freeze
with: { windows: ["Fri 00:00 - 24:00"] }
cases:
  - { name: right, facts: { step.stage: patch, now: "2026-11-20T12:00:00Z" }, expect: deny }
  - { name: wrong, facts: { step.stage: patch, now: "2026-11-21T12:00:00Z" }, expect: deny }
YAML
run_fails 2 'a case that differs fails' fettle policy test bad.yaml
like 'it is shown' "$out" '^not ok +wrong: deny, but abstain'
like 'and counted' "$out" '^1 passed, 1 failed$'
run_fails 1 'a table that is none' fettle policy test "$FETTLE_SRC/README.md"
printf 'fettle: 1\npolicy: freeze\ncases: [{ name: x, expect: deny, with: { window: [a] } }]\n' >key.yaml
run_fails 1 'a parameter that is none' fettle policy test key.yaml
like 'is told with its place' "$err" '^fettle: error: key\.yaml:3:'
printf 'fettle: 1\npolicy: frieze\ncases: [{ name: x, expect: deny }]\n' >name.yaml
run_fails 1 'a policy that is not there' fettle policy test name.yaml
like 'is told with the nearest' "$err" "did you mean 'freeze'"
done_testing
