#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Rows D of bad input that need a service: a unified diff against its
# allow-list.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/docker.sh"
. "$FETTLE_SRC/t/lab.sh"

docker_engine
lab allow
cd "$lab" || bail 'no lab'
printf 'one\ntwo\n' | tee api/a api/b .env .dockerignore api/.dockerignore web >/dev/null
mkdir pipelines .fettle
printf 'one\ntwo\n' | tee pipelines/repair.yaml .fettle/x >/dev/null

# profile ALLOW: the service's list.
profile()
{
	cat >fettle.yaml <<-END
		fettle: 1
		project: $project
		compose: { files: [docker-compose.yml], env: [GREETING] }
		pipelines: { other: pipelines/repair.yaml }
		services: { api: { allow: $1 } }
	END
}

# diff [LINE...]: a pipeline of a patch, LINE... under its policies; the diff is standard input.
diff()
{
	{
		printf 'fettle: 1\ninputs: { service: { type: service } }\n'
		[ $# -eq 0 ] || printf 'policies:\n'
		for line; do
			printf '  - %s\n' "$line"
		done
		printf 'steps:\n  - id: patch\n    uses: patch/apply\n    with:\n'
		printf '      allow_delete: true\n      diff: |\n'
		sed 's/^/        /'
	} >"$T/diff.yaml"
}

# change PATH: adds a line between the two lines.
change()
{
	printf -- '--- a/%s\n+++ b/%s\n@@ -1,2 +1,3 @@\n one\n+new\n two\n' "$1" "$1"
}

# denied CLAIM WHY: the run of $T/diff.yaml is denied, and no byte has changed.
denied()
{
	tree=$(tree_hash .)
	run_fails 6 "$1: denied" fettle run --json -s api -p "$T/diff.yaml"
	like "$1: why" "$(tail -n 1 "$T/out" | jq -r '.error // .body.cause | "\(.code) \(.text // .message)"')" "$2"
	is "$1: no byte has changed" "$(tree_hash .)" "$tree"
}

profile '["api/a", "api/*.txt"]'
change web | diff
denied 'a file that is not listed' "'web' is not in the allow-list"
printf -- '--- /dev/null\n+++ b/api/A\n@@ -0,0 +1 @@\n+x\n' | diff
denied 'D11: a listed name in other letters' "'api/A' is not in the allow-list"
for path in .env .dockerignore api/.dockerignore; do
	change "$path" | diff
	denied "D20: $path" "'$path' is not in the allow-list"
done
printf -- '--- a/docker-compose.yml\n+++ b/docker-compose.yml\n@@ -1,2 +1,3 @@\n version: "2.4"\n+# new\n services:\n' |
	tee "$T/compose.diff" | diff
denied 'D20: the compose file' "'docker-compose.yml' is not in the allow-list"
printf 'diff --git a/api/a b/api/b2\nsimilarity index 100%%\nrename from api/a\nrename to api/b2\n' | diff
denied 'D29: a listed file renamed to one that is not' "'api/b2' is not in the allow-list"
printf 'diff --git a/api/b b/api/b.txt\nsimilarity index 100%%\nrename from api/b\nrename to api/b.txt\n' | diff
denied 'D29: one that is not listed renamed to one that is' "'api/b' is not in the allow-list"
{ change api/a && change web; } | diff
denied 'one of two files' "'web' is not in the allow-list"

profile '["api/**", ".fettle/**", "docker*"]'
change .fettle/x | diff
denied "D19: Fettle's own directory, though listed" 'no list can allow it'
diff <"$T/compose.diff"
denied 'D20: the compose file by a wildcard' 'by a wildcard only'
for path in pipelines/repair.yaml fettle.yaml; do
	profile '["api/**", "'"$path"'"]'
	change "$path" | diff
	run_fails 2 "D19: a list that names $path is refused" fettle run --json -s api -p "$T/diff.yaml"
	is 'D19: by its code' "$(json .error.code)" allow.self
done
profile '["pipelines/other.yaml", "api/a"]'
{
	sed -n '1,2p' "$T/diff.yaml"
	change pipelines/repair.yaml
} | sed '1,2d' | diff
tree=$(tree_hash .)
capture fettle run --json -s api -p "$T/diff.yaml"
isnt 'D19: a pipeline of the project is not edited' "$rc" 0
is 'D19: really' "$(tree_hash .)" "$tree"

# ---- what is listed is done, and nothing but the content changes

profile '["api/a", ".env", "docker-compose.yml"]'
{ change .env && cat "$T/compose.diff"; } | diff
run_ok 'D20: what is listed by name is changed' fettle run --json -s api -p "$T/diff.yaml"
is 'D20: really' "$(cat .env)" "$(printf 'one\nnew\ntwo')"
chmod 0604 api/a
touch -d @1000000000 api/a
meta() # all but the content and the times of it
{
	stat -c '%a %u:%g %h %F' api/a
	getfattr -d -m - --absolute-names api/a 2>/dev/null
}
before=$(meta)
change api/a | diff
run_ok 'D45: a listed file is changed' fettle run --json -s api -p "$T/diff.yaml"
is 'D45: its mode, owner and links are as before' "$(meta)" "$before"
if [ "$(id -u)" -eq 0 ]; then
	printf 'one\ntwo\n' >api/a
	chown 12345:12345 api/a
	change api/a | diff
	tree=$(tree_hash .)
	capture fettle run --json -s api -p "$T/diff.yaml"
	if [ "$rc" -eq 0 ]; then
		is 'D45: the owner of a foreign file is kept' "$(stat -c %u:%g api/a)" 12345:12345
	else
		is 'D45: a foreign file is refused whole' "$(tree_hash .)" "$tree"
	fi
	chown 0:0 api/a
else
	skip 'D45: a foreign file' 'only root can make one'
fi

done_testing
