#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A service that was never built has no log: what its build says is analysed, as
# an effect that was stated, and the service is repaired or left as absent as it
# was.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/docker.sh"

docker_engine
shop never
cd "$shop" || bail "no shop"
instruction='repair the api service'
# No build of it is in the cache, and its manifest asks for what nobody has. What
# pip says of that is far from the end.
printf '# %s\nPyYAML==99.1\npython-dotenv\n' "$project" >api/requirements.txt
sed -i 's/^RUN pip .*/& || { python3 -c "for i in range(3001): print(i)"; exit 1; }/' api/Dockerfile
ok 'the neighbours run' compose up -d db web

# state: all there is of the api.
state()
{
	printf '%s|%s\n' "$(container api '{{.Id}}')" \
		"$(docker image inspect --format '{{.Id}}' "${project}_api" 2>/dev/null)"
}

# ends STATE CODE CLAIM: how the last run ended; it is in $out.
ends()
{
	run_ok "$3: the run is shown" fettle show last --json
	is "$3: its state" "$(json .state)" "$1"
	is "$3: its cause" "$(json '.cause.code // ""')" "$2"
}

tree=$(tree_hash .)
neighbours=$(peers)
is 'the api has neither a container nor an image' "$(state)" '|'

# ---- plan: states the build, and does not do it

world=$(world)
run_ok 'a plan is made' fettle plan "$instruction"
like 'it says that a build is needed' "$out" "image ${project}_api is built from api/Dockerfile"
like 'and that a plan does not do it' "$out" 'does not carry this out'
is 'no image and no container came of it' "$(world)" "$world"
is 'no byte of the workspace was written' "$(tree_hash .)" "$tree"

# ---- a repair that does not help: absent again

sed 's/^CMD .*/CMD ["python3", "-c", "raise SystemExit(3)"]/' api/Dockerfile >"$T/Dockerfile"
cp -p api/Dockerfile "$T/Dockerfile.good"
cp "$T/Dockerfile" api/Dockerfile
tree_dies=$(tree_hash .)
run_fails 3 'a service that dies all the same' fettle run "$instruction"
like 'is rolled back' "$out" 'rolled back'
ends rolled_back not_healthy 'rolled back'
is 'the files are as they were' "$(tree_hash .)" "$tree_dies"
is 'the api has neither container nor image again' "$(state)" '|'
is 'the neighbours are untouched' "$(peers)" "$neighbours"
cp -p "$T/Dockerfile.good" api/Dockerfile

# ---- nothing known: nothing changed, nothing undone

cp -p api/Dockerfile "$T/Dockerfile"
sed -i 's/^RUN pip .*/RUN echo something odd \&\& exit 9/' api/Dockerfile
tree_odd=$(tree_hash .)
run_fails 3 'a build that no rule knows' fettle run "$instruction"
ends failed no_diagnosis 'unknown'
like 'with the evidence' "$(json .cause.message)" 'returned a non-zero code: 9'
is 'no rollback was needed' "$(json '[.steps[] | select(.step == "rollback")] | length')" 0
is 'the files are as they were' "$(tree_hash .)" "$tree_odd"
is 'the api is still absent' "$(state)" '|'
cp -p "$T/Dockerfile" api/Dockerfile

# ---- the build is not what is wrong

cp -p api/requirements.txt "$T/requirements.txt"
printf '# %s\nPyYAML\npython-dotenv\n' "$project" >api/requirements.txt
run_fails 3 'a build that works' fettle run "$instruction"
ends rolled_back build_works 'works'
like 'with what to do' "$(json .cause.remedy)" 'up -d --no-deps --build api'
is 'the image of the trial is gone again' "$(state)" '|'
cp -p "$T/requirements.txt" api/requirements.txt

# ---- repaired: one thing after the other

sed -i 's/^COPY requirements.txt/COPY requirement.txt/' api/Dockerfile
sed -i '/^python-dotenv/d' api/requirements.txt
tree_thrice=$(tree_hash .)
run_ok 'three things that are wrong' fettle run "$instruction"
is 'the service answers' "$(http_status /healthz)" 200
ends succeeded '' 'three rounds'
is 'the third looked again' "$(json '.steps[] | select(.step == "analyze") | .attempt')" 3
is 'each had its rule' "$(json '[.findings[].rule] | unique | join(" ")')" \
	'image.copy_missing python.missing_module python.version_pin'
run_ok 'its diff is one' fettle diff last
like 'of a name' "$out" '^\+COPY requirements.txt'
like 'a version' "$out" '^\+PyYAML=='
like 'and a package that only the running service missed' "$out" '^\+python-dotenv'
run_ok 'it can be rolled back' fettle rollback last
is 'to no container and no image' "$(state)" '|'
is 'and the files of before the first round' "$(tree_hash .)" "$tree_thrice"
cp -p "$T/requirements.txt" api/requirements.txt
cp -p "$T/Dockerfile" api/Dockerfile

# ---- repaired: at once

run_ok 'the run succeeds' fettle run "$instruction"
is 'the service answers' "$(http_status /healthz)" 200
ends succeeded '' 'repaired'
like 'with the cause in words' "$(json .diagnosis)" \
	"no version of 'PyYAML' fits.*of its build's output"
like 'the manifest was repaired' "$(cat api/requirements.txt)" '^PyYAML==[0-9.]*$'
unlike 'nothing else in it' "$(cat api/requirements.txt)" '99'
is 'the container runs the image of its name' "$(container api '{{.Image}}')" \
	"$(docker image inspect --format '{{.Id}}' "${project}_api")"
like 'the log of the analysis has the build' "$(fettle artifacts last analyze.log)" '^3000$'
is 'the effect of the analysis stands no more' \
	"$(json '[.changes[] | select(.step == "analyze" and .standing)] | length')" 0
is 'the neighbours are untouched' "$(peers)" "$neighbours"

run_ok 'it can be rolled back' fettle rollback last
is 'to no container and no image' "$(state)" '|'
is 'and the files of before' "$(tree_hash .)" "$tree"
is 'the neighbours are still untouched' "$(peers)" "$neighbours"
done_testing
