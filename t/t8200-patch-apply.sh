#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# patch/apply: what is proposed is what is written, or nothing is.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"

workspace

# edits EDIT...: a pipeline of one patch step.
edits()
{
	printf 'fettle: 1\nname: edit\nsteps:\n  - id: patch\n    uses: patch/apply\n' >"$T/edit.yaml"
	printf '    with:\n      edits:\n' >>"$T/edit.yaml"
	printf '        - %s\n' "$@" >>"$T/edit.yaml"
}

# refused STATUS CODE CLAIM: the pipeline ends so, and no byte has changed.
refused()
{
	tree=$(tree_hash .)
	capture fettle run --json -p "$T/edit.yaml"
	is "$3: refused" "$rc" "$1"
	is "$3: the code" "$(tail -n 1 "$T/out" | jq -r '(.error // .body.cause).code')" "$2"
	isnt "$3: there is a remedy" \
		"$(tail -n 1 "$T/out" | jq -r '(.error // .body.cause).remedy')" ''
	is "$3: no byte has changed" "$(tree_hash .)" "$tree"
}

printf 'one\ntwo\n' >a
printf 'one\r\ntwo' >dos
printf 'a\0b' >binary
mkfifo pipe

# ---- refused before the run

edits '{ op: chmod, path: a }'
refused 2 patch.op 'an unknown operation'
edits '{ op: replace, path: a, find: one }'
refused 2 patch.op 'a missing member'
edits '{ op: write, path: a, content: x, mode: "0777" }'
refused 2 patch.op 'an unknown member'
edits '{ op: write, path: ../a, content: x }'
refused 2 patch.path 'a path that leaves the workspace'
edits '{ op: write, path: /etc/a, content: x }'
refused 2 patch.path 'an absolute path'

# ---- refused when proposing: all or nothing

edits '{ op: add_line, path: a, line: three }' '{ op: replace, path: dos, find: x, with: y }'
refused 3 patch.find 'a text that is not there'
edits '{ op: add_line, path: a, line: three }' '{ op: replace, path: a, find: t, with: y }'
refused 3 patch.find 'a text that is there twice'
edits '{ op: remove_line, path: a, line: three }'
refused 3 patch.line 'a line that is not there'
edits '{ op: add_line, path: b, line: x }'
refused 3 patch.missing 'a file that is not there'
edits '{ op: create, path: a, content: x }'
refused 3 patch.exists 'a file that is there'
edits '{ op: add_line, path: binary, line: x }'
refused 3 patch.binary 'a file that is no text'
edits '{ op: add_line, path: pipe, line: x }'
refused 3 patch.path 'a file that is no file'
rm pipe

# ---- done

edits '{ op: add_line, path: a, line: three }' '{ op: replace, path: a, find: one, with: uno }' \
	'{ op: add_line, path: dos, line: three }' '{ op: write, path: sub/new, content: "x\n" }' \
	'{ op: delete, path: binary }'
mkdir sub
chmod 0640 a
run_ok 'several edits of several files are one change' fettle run -p "$T/edit.yaml"
is 'each on what the one before made' "$(cat a)" "$(printf 'uno\ntwo\nthree')"
is 'the mode stays' "$(stat -c %a a)" 640
is 'line endings stay' "$(od -An -c dos | tr -d ' \n')" 'one\r\ntwo\r\nthree\r\n'
is 'a new file is made' "$(cat sub/new)" x
not_ok 'a deleted one is gone' test -e binary
is 'the paths are an output, in order' \
	"$(fettle show last --json | jq -c '.steps[0].outputs.files')" \
	'["a","dos","sub/new","binary"]'

edits '{ op: add_line, path: a, line: three }'
tree=$(tree_hash .)
run_ok 'a line that is there already is no failure' fettle run -p "$T/edit.yaml"
is 'and no change' "$(tree_hash .)" "$tree"
edits '{ op: add_line, path: a, line: four }' '{ op: remove_line, path: a, line: four }'
run_ok 'edits that cancel each other out are no failure' fettle run -p "$T/edit.yaml"
is 'and no change either' "$(tree_hash .)" "$tree"

cat >"$T/edit.yaml" <<'YAML'
fettle: 1
name: edit
steps:
  - id: ask
    uses: analyze/command
    with:
      argv: [sh, -c, 'echo "edits=[{\"op\":\"add_line\",\"path\":\"a\",\"line\":\"told\"}]" >>"$FETTLE_OUTPUTS"']
  - { id: patch, uses: patch/apply, with: { edits: "${{ steps.ask.outputs.values.edits }}" } }
YAML
run_ok 'edits may come from a program' fettle run -p "$T/edit.yaml"
is 'as JSON' "$(tail -n 1 a)" told
sed -i 's/edits=/edits=x/' "$T/edit.yaml"
refused 3 patch.op 'what is no JSON'
sed -i 's/values.edits/values.other/' "$T/edit.yaml"
tree=$(tree_hash .)
run_fails 3 'what the program did not say' fettle run -p "$T/edit.yaml"
is 'and nothing was changed' "$(tree_hash .)" "$tree"
done_testing
