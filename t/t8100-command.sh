#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# STAGE/command: how a program is run, what it hands over, how it fails.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"

workspace

# pipe USES WITH...: a pipeline of one step `one`, each WITH a line of its `with:`.
pipe()
{
	printf 'fettle: 1\nname: one\nsteps:\n  - id: one\n    uses: %s\n    with:\n' "$1" >one.yaml
	shift
	printf '      %s\n' "$@" >>one.yaml
}

# value FILTER: of the outputs of step `one`.
value()
{
	of_last ".steps[] | select(.step == \"one\") | .outputs | $1"
}

# ---- it cannot work, and says so before anything runs

pipe analyze/command 'argv: [no-such-program-here, x]'
run_fails 2 'a program that is not there is refused' fettle run -p ./one.yaml
like 'by its name' "$err" "program 'no-such-program-here'"
pipe analyze/command 'argv: []'
run_fails 2 'an empty command is refused' fettle run -p ./one.yaml
cat >later.yaml <<'YAML'
fettle: 1
name: later
steps:
  - { id: one, uses: build/command, irreversible: true, with: { argv: [printf, '%s', '[]'], capture: true } }
  - { id: two, uses: verify/command, with: { argv: [echo, "${{ steps.one.outputs.stdout }}"] } }
YAML
run_ok 'what only a run can know is no fault of a plan' fettle plan --json -p ./later.yaml
is 'a command with it is shown as it is written' \
	"$(json '.steps[1].proposal.commands[0] | join(" ")')" \
	'echo ${{ steps.one.outputs.stdout }}'
pipe analyze/command 'argv: ["true"]' 'expect: [300]'
run_fails 2 'an exit status that cannot be is refused' fettle run -p ./one.yaml
like 'with the range' "$err" '255 is the most'
pipe analyze/command 'argv: ["true"]' 'env: { FETTLE_OUTPUTS: /etc/passwd }'
run_fails 2 "Fettle's own variables cannot be set" fettle run -p ./one.yaml
for name in LD_PRELOAD PATH GIT_DIR DOCKER_HOST COMPOSE_FILE BASH_ENV; do
	pipe analyze/command 'argv: ["true"]' "env: { $name: x }"
	run_fails 2 "nor can $name: it changes what runs" fettle run -p ./one.yaml
done
pipe analyze/command 'argv: [sh, -c, "echo ${{ run.id }}"]'
run_fails 2 'no ${{ }} inside a program text' fettle run -p ./one.yaml

# ---- it fails

pipe analyze/command "argv: [sh, -c, 'seq 1 9000; echo last words >&2; exit 7']"
run_fails 3 'a program that fails is a failed step' fettle run -p ./one.yaml
is 'the code' "$(of_last .code)" command_failed
is 'the message has the status and the last lines' "$(of_last .message)" \
	"'sh' ended with exit status 7: 8997 / 8998 / 8999 / 9000 / last words"
is 'the log has all lines' "$(fettle artifacts last one.log | grep -c '^[0-9]*$')" 9000
is 'in their order' "$(fettle artifacts last one.log | grep -A 1 '^9000$' | tail -n 1)" \
	'last words'
pipe analyze/command "argv: [sh, -c, 'kill -SEGV \$\$']"
run_fails 3 'a program that is killed is a failed step' fettle run -p ./one.yaml
like 'the signal is named' "$(of_last .message)" 'killed by signal 11'
pipe analyze/command "argv: [sh, -c, 'echo nonsense >>\"\$FETTLE_OUTPUTS\"']"
run_fails 3 'outputs of another form are refused' fettle run -p ./one.yaml
is 'by their code' "$(of_last .code)" command_outputs
like 'and their line' "$(of_last .message)" 'line 1: neither NAME=VALUE nor NAME<<END'
pipe analyze/command "argv: [sh, -c, 'rm -f \"\$FETTLE_OUTPUTS\"; mkfifo \"\$FETTLE_OUTPUTS\"']"
run_fails 3 'outputs that are no file are refused' fettle run -p ./one.yaml
pipe analyze/command "argv: [sh, -c, 'head -c 2000000 /dev/zero >>\"\$FETTLE_OUTPUTS\"']"
run_fails 3 'outputs without end are refused' fettle run -p ./one.yaml
pipe analyze/command "argv: [sh, -c, 'touch here']"
run_fails 3 'a program cannot write the workspace' fettle run -p ./one.yaml
not_ok 'nothing was written' test -e here

# ---- it works

pipe analyze/command "argv: [sh, -c, 'exit 3']" 'expect: [0, 3]'
run_ok 'another status may mean success' fettle run -p ./one.yaml
is 'and is an output' "$(value .status)" 3
pipe analyze/command "argv: [printf, 'a b\\nc\\n']" 'capture: true'
run_ok 'standard output may be captured' fettle run -p ./one.yaml
is 'without its last line break' "$(value .stdout)" 'a b
c'
pipe analyze/command "argv: [sh, -c, 'printf %s \"\$GREETING\"; pwd; echo \$HOME']" \
	'env: { GREETING: "ho ho; $(touch x) " }' 'capture: true'
run_ok 'variables reach the program as they are' fettle run -p ./one.yaml
is 'in the workspace, with a home of its own' "$(value .stdout | head -n 1)" \
	"ho ho; \$(touch x) $PWD"
isnt 'which is not ours' "$(value .stdout | tail -n 1)" "$HOME"
pipe analyze/command "argv: [sh, -c, 'cat; readlink /proc/self/fd/0']" 'capture: true'
run_ok 'standard input is empty' fettle run -p ./one.yaml
is 'and nothing else' "$(value .stdout)" /dev/null

cat >pass.yaml <<'YAML'
fettle: 1
name: pass
steps:
  - id: one
    uses: analyze/command
    with:
      argv:
        - sh
        - -c
        - |
          echo word=uno >>"$FETTLE_OUTPUTS"
          printf 'text<<END\nfirst\nsecond\nEND\n' >>"$FETTLE_OUTPUTS"
  - id: two
    uses: verify/command
    with:
      argv: [sh, -c, 'test "$WORD" = uno && test "$TEXT" = "$(printf "first\nsecond")"']
      env:
        WORD: "${{ steps.one.outputs.values.word }}"
        TEXT: "${{ steps.one.outputs.values.text }}"
YAML
run_ok 'outputs reach later steps' fettle run -p ./pass.yaml

# ---- trying again

cat >"$T/third" <<'SH'
#!/bin/sh
echo x >>"$COUNT"
[ "$(wc -l <"$COUNT")" -ge 3 ]
SH
chmod +x "$T/third"
pipe verify/command "argv: [$T/third]" "env: { COUNT: $T/count }" 'within: 30s' 'interval: 20ms'
run_ok 'verify tries again until it succeeds' fettle run -p ./one.yaml
is 'and not once more' "$(wc -l <"$T/count")" 3
rm "$T/count"
pipe verify/command "argv: [$T/third]" "env: { COUNT: $T/count }"
run_fails 3 'without `within` it tries once' fettle run -p ./one.yaml
is 'only' "$(wc -l <"$T/count")" 1
pipe verify/command "argv: [sh, -c, 'echo not yet; exit 1']" 'within: 300ms' 'interval: 50ms'
run_fails 3 'it gives up in time' fettle run -p ./one.yaml
like 'with the last answer' "$(of_last .message)" 'exit status 1: not yet'
pipe verify/command "argv: [sleep, '600']" 'within: 300ms' 'interval: 50ms'
run_fails 3 'one try cannot outlive the whole time' fettle run -p ./one.yaml
like 'and is killed' "$(of_last .message)" 'did not end in time'

# ---- rolling back

cat >back.yaml <<YAML
fettle: 1
name: back
steps:
  - { id: build, uses: build/command, with: { argv: ['true'] } }
  - { id: restart, uses: restart/command, with: { argv: ['true'] } }
  - { id: verify, uses: verify/command, with: { argv: ['false'] } }
on_failure:
  - id: undo
    uses: rollback/command
    with: { argv: [sh, -c, 'cat "\$FETTLE_EFFECTS" >$T/effects'] }
YAML
run_fails 3 'a failure rolls back' fettle run -p ./back.yaml
is 'the program is handed all that was done, oldest first' \
	"$(jq -r '.[] | "\(.kind) \(.step)"' "$T/effects")" \
	"$(printf 'build-command build\nrestart-command restart')"
sed -i '/on_failure/,$d' back.yaml
run_fails 2 'an effect that nothing undoes is refused' fettle check -p ./back.yaml
done_testing
