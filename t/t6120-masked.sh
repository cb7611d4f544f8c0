#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Outputs that held a secret are stored without it: whoever takes the run over
# does not know them, and says so instead of working with what is left. And an
# edit never writes a secret's value.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"
. "$FETTLE_SRC/t/docker.sh"

docker_engine
shop masked
FETTLE_TEST_TOKEN=hunter2-hunter2
export FETTLE_TEST_TOKEN
printf 'secrets:\n  TOKEN: env:FETTLE_TEST_TOKEN\n' >>"$shop/fettle.yaml"
cd "$shop" || bail 'no shop'
"$FETTLE_SRC/t/fixtures/statsd" "$T/port" "$T/metrics" 2>"$T/sink.err" &
sink=$!
at_exit "kill $sink 2>/dev/null"
wait_for 10 test -s "$T/port" || bail "no sink: $(cat "$T/sink.err")"
STATSD_HOST=127.0.0.1
STATSD_PORT=$(cat "$T/port")
export STATSD_HOST STATSD_PORT
cat >"$T/p.yaml" <<YAML
fettle: 1
name: p
inputs:
  instruction: { type: string, required: true }
  service: { type: service }
steps:
  - id: find
    uses: analyze/command
    env: { TOKEN: "\${{ secrets.TOKEN }}" }
    with: { argv: [sh, -c, 'echo x >>$T/found; echo "key=\$TOKEN" >>"\$FETTLE_OUTPUTS"; echo other=plain >>"\$FETTLE_OUTPUTS"'] }
  - id: plain
    uses: analyze/command
    with: { argv: [sh, -c, 'echo size=3 >>"\$FETTLE_OUTPUTS"'] }
  - id: size
    uses: verify/command
    env: { SIZE: "\${{ steps.plain.outputs.values.size }}" }
    with: { argv: [sh, -c, 'test "\$SIZE" = 3 && test -e $T/good'] }
  - id: use
    uses: verify/command
    env: { KEY: "\${{ steps.find.outputs.values.key }}" }
    with: { argv: [sh, -c, 'test "\${#KEY}" = 15'] }
YAML
run_fails 3 'a run whose outputs hold a secret fails behind them' \
	fettle run -p "$T/p.yaml" 'look at the api service'
is 'it is nowhere in the store' "$(grep -rc hunter2 "$FETTLE_STATE_DIR" | grep -v ':0$')" ''
is 'the event says so' "$(fettle audit export last |
	jq -r 'select(.event.kind? == "step.ended" and .event.body.masked) | .event.body.step')" find
touch "$T/good"
run_fails 3 'retried, the step that needs them fails' fettle retry last
is 'by that name' "$(of_last .code)" outputs_masked
is 'what needs other outputs works' "$(of_last '.steps[] | select(.step == "size") | .state')" succeeded
like 'and it says what to do' "$(of_last .remedy)" '^`fettle retry 2.* --from find`'
run_ok 'which helps' fettle retry last --from find
is 'and made them anew' "$(wc -l <"$T/found")" 2

cat >"$T/leak.yaml" <<'YAML'
fettle: 1
name: leak
inputs:
  instruction: { type: string, required: true }
  service: { type: service }
steps:
  - id: find
    uses: analyze/command
    env: { TOKEN: "${{ secrets.TOKEN }}" }
    with: { argv: [sh, -c, 'echo "line=ENV TOKEN=$TOKEN" >>"$FETTLE_OUTPUTS"'] }
  - id: patch
    uses: patch/apply
    with: { edits: [{ op: add_line, path: api/Dockerfile, line: "${{ steps.find.outputs.values.line }}" }] }
YAML
tree=$(tree_hash "$shop")
run_fails 6 'an edit with the value of a secret is denied' \
	fettle run -p "$T/leak.yaml" 'look at the api service'
is 'by that name' "$(of_last .code)" secret_in_diff
is 'no file has changed' "$(tree_hash "$shop")" "$tree"
is 'and none holds it' "$(grep -rl hunter2 "$FETTLE_STATE_DIR")" ''

# A step that is called like the secret would be in the names of metrics.
sed 's/id: find/id: hunter2-hunter2/; s/steps\.find/steps.hunter2-hunter2/' "$T/leak.yaml" >"$T/named.yaml"
run_fails 2 'a step that is called like a secret is refused' \
	fettle run --json -p "$T/named.yaml" 'look at the api service'
is 'by that name' "$(tail -n 1 "$T/out" | jq -r .error.code)" secret_in_plan
ok 'metrics were sent of all runs' wait_for 10 grep -q 'runs\.status\.denied' "$T/metrics"
is 'and none holds it' "$(grep -c hunter2 "$T/metrics")" 0
done_testing
