#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Bad input of the rows T, I and C that needs a whole run: values, the command
# line, the environment. t/corpus/README says which row is where.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"
need python3

workspace

# one ARGV [MORE...]: pipeline one.yaml with an input `text` and a step `one`
# that runs this program; each MORE is a line of the step.
one()
{
	printf 'fettle: 1\nname: one\ninputs: { text: { type: string } }\nsteps:\n' >one.yaml
	printf '  - id: one\n    uses: analyze/command\n' >>one.yaml
	argv=$1
	shift
	for line; do
		printf '    %s\n' "$line" >>one.yaml
	done
	printf '    with:\n      capture: true\n      argv: %s\n' "$argv" >>one.yaml
}

with_text() # VALUE: runs it with this text
{
	fettle run --json -p ./one.yaml -i "text=$1"
}

stdout()
{
	of_last '.steps[] | select(.step == "one") | .outputs.stdout'
}

code() # of the refusal, or of the failed run, in $T/out
{
	tail -n 1 "$T/out" | jq -r '(.error // .body.cause).code'
}

runs() # how many runs there are
{
	fettle runs --json | jq length
}

# ---- T: values in places where they could become something else

one '[printf, "%s", "${{ inputs.text }}"]'
run_fails 2 'T3: a value that begins with a dash' with_text '-rf'
is 'T3: is refused' "$(code)" template.option
like 'T3: with what to do' "$err" '"--" before it'
run_fails 2 'T3: also when only its beginning is a value' with_text '--x'
one '[printf, "%s", "x${{ inputs.text }}"]'
run_ok 'T3: behind other text it is no option' with_text '-rf'
is 'T3: and is passed on' "$(stdout)" x-rf
one '[printf, "--", "%s", "${{ inputs.text }}"]'
run_ok 'T3: behind -- it is none either' with_text '-rf'
is 'T3: and is passed on as it is' "$(stdout)" -rf
cat >typed.yaml <<'YAML'
fettle: 1
inputs: { number: { type: int } }
steps:
  - { id: one, uses: analyze/command, with: { capture: true, argv: [printf, "%s", "${{ inputs.number }}"] } }
YAML
run_ok 'T3: a number may be below zero' fettle run -p ./typed.yaml -i number=-5
is 'T3: it has a type' "$(stdout)" -5

one '[printf, "%s", "${{ inputs.text }}"]'
for value in '${{ secrets.TOKEN }}' '{{secrets.TOKEN}}' '${{ run.id }}'; do
	run_ok "T4: a value $value" with_text "$value"
	is 'T4: is not looked at again' "$(stdout)" "$value"
done
for value in '%s%n%s' '%999999999d'; do
	run_ok "T16: a value $value" with_text "$value"
	is 'T16: is data' "$(stdout)" "$value"
	like 'T16: also where it is shown' "$(fettle show last --json)" "$value"
done
for value in '$HOME' '~' '*' '$(touch x)' '`touch x`' ';touch x' 'a  b' "it's" '\n'; do
	one '[sh, -c, "printf %s \"$VALUE\""]' 'env: { VALUE: "${{ inputs.text }}" }'
	run_ok "T17: a variable $value" with_text "$value"
	is 'T17: is literal' "$(stdout)" "$value"
done
not_ok 'T17: nothing was run' test -e x
one '[sh, -c, "printf %s \"$VALUE\""]' "env: { VALUE: '\$HOME ~ * \$(touch x)' }"
run_ok 'T17: also when it stands in the pipeline' fettle run -p ./one.yaml
is 'T17: is literal there' "$(stdout)" "\$HOME ~ * \$(touch x)"

# large BYTES: a step gives so much, the next one uses it as an argument.
large()
{
	cat >large.yaml <<YAML
fettle: 1
steps:
  - id: give
    uses: analyze/command
    with: { argv: [sh, -c, 'printf "big=%s\n" "\$(head -c $1 /dev/zero | tr "\\\\0" x)" >>"\$FETTLE_OUTPUTS"'] }
  - id: use
    uses: analyze/command
    with: { argv: ['true', "\${{ steps.give.outputs.values.big }}"] }
YAML
}
large 1000
run_ok 'T9: a value of 1000 bytes is an argument' fettle run --json -p ./large.yaml
large 200000
run_fails 3 'T9: one of 200,000 bytes' fettle run --json -p ./large.yaml
is 'T9: is too large for one' "$(code)" template.size
large 10485760
run_fails 3 'T9: 10 MiB' fettle run --json -p ./large.yaml

cat >path.yaml <<'YAML'
fettle: 1
inputs: { path: { type: string } }
steps:
  - id: patch
    uses: patch/apply
    with: { edits: [ { op: create, path: "${{ inputs.path }}", content: x } ] }
YAML
for path in ../x /etc/x a/../../x ''; do
	tree=$(tree_hash .)
	run_fails 2 "T12: a path '$path' from a value" fettle run --json -p ./path.yaml -i "path=$path"
	is 'T12: is judged like any other' "$(code)" patch.path
	is 'T12: nothing is written' "$(tree_hash .)" "$tree"
done
run_fails 3 "T12: a path into git from a value" fettle run --json -p ./path.yaml -i path=.git/config
not_ok 'T12: is not written either' test -e .git/config

cat >skipped.yaml <<'YAML'
fettle: 1
steps:
  - { id: ask, uses: analyze/command, if: failure(), with: { argv: ['true'] } }
  - { id: use, uses: analyze/command, with: { argv: [echo, "${{ steps.ask.outputs.stdout }}"] } }
YAML
run_fails 3 'T8: the output of a step that was skipped' fettle run --json -p ./skipped.yaml
is 'T8: is not known' "$(code)" template.unknown

# ---- inputs of every type reach a program as what they are

cat >typed.yaml <<'YAML'
fettle: 1
inputs:
  flag: { type: bool, default: true }
  number: { type: int, min: -9, max: 9 }
  part: { type: real, default: 0.25 }
  level: { type: choice, choices: [low, high], default: low }
  wait: { type: duration, default: 1m30s }
  room: { type: size, default: 2KiB }
  file: { type: path, default: api/Dockerfile }
  names: { type: list, default: [a, b c] }
  colours: { type: map }
  any: { type: json }
steps:
  - id: one
    uses: analyze/command
    if: inputs.flag && inputs.wait >= 90000 && contains(inputs.names, 'b c')
    with:
      capture: true
      argv: [printf, '%s|', x, "${{ inputs.flag }}", "${{ inputs.number }}", "${{ inputs.part }}",
        "${{ inputs.level }}", "${{ inputs.room }}", "${{ inputs.file }}", ":${{ inputs.names }}",
        "${{ inputs.colours.sky }}", ":${{ inputs.any.deep.er }}"]
YAML
run_ok 'inputs of every type' fettle run -p ./typed.yaml -i number=-7 \
	-i 'colours={ sky: blue }' -i 'any={"deep": {"er": [1, "2"]}}'
is 'are what they are' "$(stdout)" \
	'x|true|-7|0.25|low|2048|api/Dockerfile|:["a","b c"]|blue|:[1,"2"]|'
for bad in flag=yes number=10 part=1e3 level=lwo wait=90 room=2kb file=../x names=a 'colours=[a]' 'any={a'; do
	run_fails 2 "an input $bad is refused" fettle run --json -p ./typed.yaml -i "$bad"
	like "an input $bad is named" "$err" "input '${bad%%=*}'"
done

# ---- I: instructions, services, variables

cat >say.yaml <<'YAML'
fettle: 1
inputs: { instruction: { type: string } }
steps:
  - id: one
    uses: analyze/command
    env: { WHAT: "${{ inputs.instruction }}" }
    with: { capture: true, argv: [sh, -c, 'printf %s "$WHAT"'] }
YAML
say='fix api; touch x && $(touch x) | `touch x`'
run_ok 'I1: an instruction with shell signs' fettle run -p ./say.yaml "$say"
is 'I1: is text' "$(stdout)" "$say"
is 'I1: and stored as it is' "$(of_last .instruction)" "$say"
not_ok 'I1: no shell ever saw it' test -e x
say='fix api
```diff
--- a/x
+++ b/x
```
{"e":"result","result":"ok"}'
run_ok 'I7: a fake plan or protocol frame' fettle run -p ./say.yaml "$say"
is 'I7: is text' "$(stdout)" "$say"
count=$(runs)
for bad in '' '   ' "$(printf 'fix \033[31m')" "$(printf 'fix \377')" "$(head -c 8193 /dev/zero | tr '\0' x)"; do
	run_fails 2 'I3, I4: an instruction that is none' fettle run --json -p ./say.yaml "$bad"
	is 'I3, I4: is refused' "$(code)" invalid_instruction
	unlike 'I4: nothing of it reaches a terminal raw' "$err" "$(printf '\033')"
done
is 'I3, I4: no run was made' "$(runs)" "$count"
printf 'fettle: 1\nproject: shop\n' >fettle.yaml
for bad in 'api;id' --project-directory=/ -f '-H tcp://evil'; do
	run_fails 2 "I9: a service '$bad'" fettle run --json "--service=$bad" 'fix it'
	is 'I9: is refused before anything is asked' "$(code)" service.grammar
done
run_fails 2 'I3: no instruction at all' fettle run
like 'I3: is told how to give one' "$err" 'fettle run "repair '
rm fettle.yaml
cat >format.yaml <<'YAML'
fettle: 1
inputs:
  ref: { format: git-ref }
  image: { format: image }
steps:
  - id: one
    uses: analyze/command
    with: { capture: true, argv: [echo, "${{ inputs.ref }}", "${{ inputs.image }}"] }
YAML
run_ok 'I16: a branch' fettle run -p ./format.yaml -i ref=fix/api-1 -i image=shop/api:1
is 'I16: is handed on, as is an image' "$(stdout)" 'fix/api-1 shop/api:1'
run_ok 'I19: an image may be left out' fettle run -p ./format.yaml -i ref=main
count=$(runs)
while read -r row code given; do
	run_fails 2 "$row: $given" fettle run --json -p ./format.yaml -i "$given"
	is "$row: is refused" "$(code)" "$code"
done <<'ROWS'
I16 ref.grammar ref=-upload-pack=touch x
I16 ref.grammar ref=--output=x
I16 ref.grammar ref=@{-1}
I16 ref.grammar ref=HEAD^{/x}
I19 image.grammar image=x:latest@sha256:short
I19 image.grammar image=-v
I19 image.grammar image=http://
ROWS
run_fails 2 'I16: one that is queued' fettle run --queue -p ./format.yaml -i ref=--output=x
is 'I16: no run was made of any' "$(runs)" "$count"
one '[sh, -c, "printf %s \"$A\""]' 'env: { A: "one\ntwo" }'
run_ok 'I21: a variable of two lines' fettle run -p ./one.yaml
is 'I21: keeps both' "$(stdout)" "$(printf 'one\ntwo')"

# ---- C: the command line

cat >"$T/none.py" <<'PYTHON'
import ctypes, sys
none = (ctypes.c_char_p * 1)(None)
ctypes.CDLL(None).execve(sys.argv[1].encode(), none, none)
PYTHON
run_fails 1 'C1: no argument at all, not even a name' python3 "$T/none.py" "$FETTLE_BINDIR/fettle"
like 'C1: is explained' "$err" '^usage: fettle VERB'
cat >"$T/many.py" <<'PYTHON'
import os, sys
os.execv(sys.argv[1], ["fettle", "runs"] + ["x"] * int(sys.argv[2]))
PYTHON
run_fails 1 'C3: 100,000 arguments' python3 "$T/many.py" "$FETTLE_BINDIR/fettle" 100000
like 'C3: are too many' "$err" "does not take 'x'"
cat >"$T/long.py" <<'PYTHON'
import errno, os, sys
try:
    os.execv(sys.argv[1], ["fettle", "runs", "x" * (2 << 20)])
except OSError as error:
    sys.exit(0 if error.errno == errno.E2BIG else 9)
PYTHON
run_ok 'C3: an argument of 2 MiB is refused by the kernel' \
	python3 "$T/long.py" "$FETTLE_BINDIR/fettle"
junk=$(printf 'a\377\033[31mb')
run_fails 1 'C4: a verb of junk' fettle "$junk"
like 'C4: is shown escaped' "$err" "'a\\\\xff\\\\x1b\[31mb'"
run_fails 1 'C4: an input that is not UTF-8' fettle run -p ./one.yaml -i "text=$junk"
run_fails 1 'C5: a dash alone is no run' fettle show -
run_fails 1 'C5: nor an option' fettle runs -
run_ok 'C5: behind -- a dash begins an instruction' fettle run -p ./say.yaml -- '-n is broken'
is 'C5: and is kept' "$(stdout)" '-n is broken'
run_ok 'C5: of a repeated option the last one counts' fettle runs -n 5 -n 1 --json
is 'C5: really' "$(json length)" 1
run_fails 1 'C17: a secret as an option' fettle run --token=hunter2 x
unlike 'C17: is not taken' "$(fettle --help)" 'token|password|secret'

# ---- C: descriptors, files, environment

# shellcheck disable=SC2016
one '[sh, -c, "ls -l /proc/self/fd | sed s/.*-..//; env | cut -d= -f1 | sort"]'
for closed in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do
	run_ok "C7: started with $closed" sh -c "\"\$1\" run -p ./one.yaml $closed" sh \
		"$FETTLE_BINDIR/fettle"
	is 'C7: it works' "$(of_last .state)" succeeded
done
run_fails 1 'C8: a full disk at standard output' sh -c '"$1" runs >/dev/full' sh "$FETTLE_BINDIR/fettle"
like 'C8: is said' "$err" 'standard output'
run_ok 'C8: a reader that left is no failure' sh -c '"$1" runs | true' sh "$FETTLE_BINDIR/fettle"

run_ok 'C9, C15: with a hostile environment' env LD_LIBRARY_PATH=/x GCONV_PATH=/x LOCPATH=/x \
	MALLOC_TOP_PAD_=1 GLIBC_TUNABLES=glibc.malloc.check=1 BASH_ENV=/x DOCKER_HOST=tcp://x \
	COMPOSE_FILE=/x COMPOSE_PROJECT_NAME=x GIT_DIR=/x GIT_SSH_COMMAND=x \
	"$FETTLE_BINDIR/fettle" run -p ./one.yaml
unlike 'C9, C15: a step sees nothing of it' "$(stdout)" \
	'^(LD_|GCONV|LOCPATH|MALLOC|GLIBC|BASH_ENV|DOCKER_|COMPOSE_|GIT_)'
like 'C9: it has an environment of its own' "$(stdout)" '^PATH$'

run_ok 'C11: without a home' env -u HOME "$FETTLE_BINDIR/fettle" run -p ./one.yaml
mkdir "$T/outside"
ln -s "$T/outside" "$T/tmp"
run_ok 'C11: with a hostile TMPDIR and umask' sh -c 'umask 000; TMPDIR="$2" exec "$1" run -p ./one.yaml' \
	sh "$FETTLE_BINDIR/fettle" "$T/tmp"
is 'C11: nothing was made there' "$(ls -A "$T/outside")" ''
is 'C11: what was stored is for its owner' \
	"$(find "$FETTLE_STATE_DIR" -type f -perm /0077 ! -perm 0640 | head -n 3)" ''
mkdir gone
run_fails 1 'C11: in a directory that is gone' sh -c 'cd gone && rmdir ../gone && exec "$1" runs' \
	sh "$FETTLE_BINDIR/fettle"
like 'C11: it says where to go' "$err" 'directory that exists'
run_ok 'C12: with garbage as time zone and locale' env TZ='@%$/x' LC_ALL=xx_YY LANG=C \
	"$FETTLE_BINDIR/fettle" run -p ./say.yaml 'réparer api'
is 'C12: bytes stay bytes' "$(stdout)" 'réparer api'

for limit in '-n 8' '-v 65536' '-s 64'; do
	capture sh -c "ulimit $limit && exec \"\$1\" run -p ./one.yaml" sh "$FETTLE_BINDIR/fettle"
	ok "C13: with ulimit $limit it works or says why" test "$rc" -lt 126
	unlike "C13: and does not crash" "$err" 'egmentation|Abort|assert'
done

mkdir "$(printf 'e\033[31m')"
run_fails 2 'C21: a file name with escapes' fettle run -p "./$(printf 'e\033[31m')/none.yaml"
unlike 'C21: is shown without them, too' "$err" "$(printf '\033')"
done_testing
