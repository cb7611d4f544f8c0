#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# patch/apply with a diff: what it says is what is written, or nothing is.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"

workspace

# diff [PARAMETER]: a pipeline of one patch step; the diff is standard input.
diff()
{
	printf 'fettle: 1\nname: diff\nsteps:\n  - id: patch\n    uses: patch/apply\n' >"$T/diff.yaml"
	printf '    with:\n' >>"$T/diff.yaml"
	[ $# -eq 0 ] || printf '      %s\n' "$1" >>"$T/diff.yaml"
	printf '      diff: |\n' >>"$T/diff.yaml"
	sed 's/^/        /' >>"$T/diff.yaml"
}

# change PATH: adds a line behind line one of the two lines.
change()
{
	printf -- '--- a/%s\n+++ b/%s\n@@ -1,2 +1,3 @@\n one\n+new\n two\n' "$1" "$1"
}

# refused STATUS CODE CLAIM: the pipeline ends so, and no byte has changed.
refused()
{
	tree=$(tree_hash .)
	capture fettle run --json -p "$T/diff.yaml"
	is "$3: refused" "$rc" "$1"
	is "$3: the code" "$(tail -n 1 "$T/out" | jq -r '(.error // .body.cause).code')" "$2"
	is "$3: no byte has changed" "$(tree_hash .)" "$tree"
}

printf 'one\ntwo\n' | tee a b c >gone
mkdir sub
printf 'one\ntwo\n' >sub/d

# ---- refused before the run

change .git/hooks/x | diff
refused 2 diff.vcs_path 'a file of version control'
change ../a | diff
refused 2 diff.path 'a path that leaves the workspace'
printf -- '--- a/gone\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-one\n-two\n' >"$T/delete"
diff <"$T/delete"
refused 2 diff.delete 'a file that is deleted'
echo 'hello' | diff
refused 2 diff.format 'what is no diff'
change a | diff 'edits: []'
refused 2 patch.input 'edits and a diff'
cat >"$T/diff.yaml" <<'YAML'
fettle: 1
name: diff
steps:
  - { id: patch, uses: patch/apply, with: { allow_delete: true } }
YAML
refused 2 patch.input 'neither edits nor a diff'

# ---- refused when proposing: all or nothing

{ change a && change none; } | diff
refused 3 apply.missing 'one file of two that is not there'
change a | sed 's/one/uno/' | diff
refused 3 apply.context 'a line that is another one'
printf -- '--- /dev/null\n+++ b/a\n@@ -0,0 +1 @@\n+x\n' | diff
refused 3 apply.exists 'a new file that is there'
ln -s a link
change link | diff
refused 3 apply.symlink 'a symbolic link'
rm link
ln -s sub linked
change linked/d | diff
refused 3 apply.symlink 'a path through a symbolic link'
rm linked
mkfifo pipe
change pipe | diff
refused 3 apply.type 'what is no file'
rm pipe
ln b other
change b | diff
refused 3 apply.hardlink 'a file with two names'
rm other
chmod u+s b
change b | diff
refused 3 apply.metadata 'a file with a set-id bit'
chmod 0644 b
truncate -s 1T huge
change huge | diff
run_fails 3 'a sparse file of a terabyte is refused' fettle run --json -p "$T/diff.yaml"
is 'and not read' "$(tail -n 1 "$T/out" | jq -r '(.error // .body.cause).code')" apply.size
rm huge
printf 'diff --git a/b b/e\nsimilarity index 100%%\nrename from b\nrename to e\n' >"$T/rename"
chmod 0755 b
diff <"$T/rename"
refused 3 apply.mode 'a program that is renamed'
chmod 0644 b

# ---- done

{ change a && change sub/d && printf -- '--- /dev/null\n+++ b/made\n@@ -0,0 +1 @@\n+x\n'; } | diff
chmod 0640 a
run_ok 'several files are one change' fettle run -p "$T/diff.yaml"
is 'one is changed' "$(cat a)" "$(printf 'one\nnew\ntwo')"
is 'its mode stays' "$(stat -c %a a)" 640
is 'one below is changed' "$(cat sub/d)" "$(printf 'one\nnew\ntwo')"
is 'one is made' "$(cat made)" x
refused 3 apply.context 'the same diff again'
diff 'allow_delete: true' <"$T/delete"
run_ok 'a file may be deleted when the pipeline says so' fettle run -p "$T/diff.yaml"
not_ok 'it is gone' test -e gone
diff <"$T/rename"
run_ok 'a file is renamed' fettle run -p "$T/diff.yaml"
is 'to its new name' "$(cat e)" "$(printf 'one\ntwo')"
not_ok 'from its old one' test -e b
change c | sed "s/new/a$(printf '\342\200\256')b/" | diff
run_ok 'hidden characters are taken' fettle run --json -p "$T/diff.yaml"
like 'and told' "$(cat "$T/out" "$T/err")" 'review_flag bidi'

printf 'fettle: 1\nname: diff\nsteps:\n  - { id: patch, uses: patch/apply, with: { diff: "" } }\n' >"$T/diff.yaml"
tree=$(tree_hash .)
run_ok 'an empty diff is no failure' fettle run --json -p "$T/diff.yaml"
like 'it changes nothing' "$(cat "$T/out" "$T/err")" 'no_change'
is 'really' "$(tree_hash .)" "$tree"

# ---- row D69: the file changes between the proposal and the edit

test_modules
printf 'one\ntwo\n' >a
{
	printf 'fettle: 1\nname: diff\npolicies: [ { uses: pslow } ]\n'
	printf 'steps:\n  - id: patch\n    uses: patch/apply\n    with:\n      diff: |\n'
	change a | sed 's/new/late/; s/^/        /'
} >"$T/diff.yaml"
blob=$(printf 'one\nlate\ntwo\n' | sha256sum | cut -c 3-64)
proposed() # what it would become is stored before anybody judges it
{
	find "$FETTLE_STATE_DIR/blobs" -name "*$blob*" | grep .
}
fettle run --json -p "$T/diff.yaml" >"$T/late" 2>"$T/err" &
run=$!
ok 'D69: the change is proposed, and being judged' wait_for 20 proposed
printf 'one\ntwo\nthree\n' >a
rc=0
wait "$run" || rc=$?
is 'D69: a file that has changed since is not overwritten' "$rc" 3
is 'D69: the code' "$(tail -n 1 "$T/late" | jq -r '(.error // .body.cause).code')" workspace_changed
is 'D69: what somebody else wrote stays' "$(cat a)" "$(printf 'one\ntwo\nthree')"
done_testing
