#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# rollback/compose: back to the recorded state, wherever the service came from
# and whatever happens meanwhile.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/docker.sh"
. "$FETTLE_SRC/t/lab.sh"

docker_engine own
lab rollback
cd "$lab" || bail "no lab"
pipeline sick
pipeline die

# run_sick STATUS CLAIM: a run that makes the api sick; leaves $run and $end.
run_sick()
{
	capture fettle run --json -p "$T/sick.yaml" -s api
	is "$2" "$rc" "$1"
	end=$(tail -n 1 "$T/out")
	run=$(printf '%s' "$end" | jq -r '.run // .body.run')
}

# ---- there was nothing before

ok 'the neighbour is started alone' lab_compose up -d db
neighbour=$(docker ps --quiet --no-trunc)
run_sick 3 'a service that had no container'
is 'has none again' "$(api '{{.Id}}')" ''
is 'and no image' "$(tag_id)" ''
is 'its files are back' "$(cat api/mode)" serve

# ---- it was running

ok 'the lab is started' lab_compose up -d --build
ran=$(api '{{.Image}}')
run_sick 3 'a service that ran'
is 'runs its image again' "$(api '{{.Image}} {{.State.Status}}')" "$ran running"
is 'which has its name' "$(tag_id)" "$ran"

run_fails 2 'what is rolled back is not rolled back again' fettle rollback "$run"
is 'and nothing changes' "$(api '{{.Image}} {{.State.Status}}') $(tag_id)" "$ran running $ran"

# ---- its name stood for another image than it ran

echo sleep >api/mode
ok 'an image is built that nobody runs' lab_compose build api
built=$(tag_id)
echo serve >api/mode
run_sick 3 'a service whose name stands for another image'
is 'runs the image it ran' "$(api '{{.Image}}')" "$ran"
is 'and its name stands for the other one again' "$(tag_id)" "$built"
ok 'for the next trials it is made one' lab_compose up -d --build

# ---- the new image cannot even be started

sed -i 's/^CMD.*/CMD ["python3", "-u", "\/srv\/api.py"]/' api/Dockerfile
cat >"$T/unstartable.yaml" <<-'END'
	fettle: 1
	name: unstartable
	inputs: { service: { type: service } }
	steps:
	  - id: patch
	    uses: patch/apply
	    with: { edits: [{ op: add_line, path: api/Dockerfile, line: 'ENTRYPOINT ["/nonesuch"]' }] }
	  - { id: build, uses: build/compose }
	  - { id: restart, uses: restart/compose }
	on_failure:
	  - { id: rollback, uses: rollback/compose }
END
ran=$(api '{{.Image}}')
run_fails 3 'an image that cannot be started' fettle run --json -p "$T/unstartable.yaml" -s api
like "is told in the engine's words" "$out" 'restart_failed.*nonesuch'
is 'and the old one runs again' "$(api '{{.Image}} {{.State.Status}}')" "$ran running"
is 'in one container' "$(api '{{.Id}}' | wc -l)" 1

# ---- a build that fails

sed 's/ENTRYPOINT.*/RUN echo no wheel for spam >\&2 \&\& exit 7'"'"' }] }/' \
	"$T/unstartable.yaml" >"$T/unbuildable.yaml"
before=$(api '{{.Id}}')
run_fails 3 'a build that fails' fettle run --json -p "$T/unbuildable.yaml" -s api
like 'is told with its last lines' "$out" 'build_failed.*returned a non-zero code: 7'
is 'and the container is not touched' "$(api '{{.Id}}')" "$before"

# ---- Fettle dies in the middle of the restart

cat >"$T/next.yaml" <<-'END'
	fettle: 1
	name: next
	steps:
	  - { id: nothing, uses: verify/command, with: { argv: ["true"] } }
END
tree=$(tree_hash "$lab")
ran=$(api '{{.Image}}')
docker events --filter event=rename --format '{{.Action}}' >"$T/events" 2>&1 &
events=$!
at_exit "kill $events 2>/dev/null"
"$FETTLE_BINDIR/fettle" run --json -p "$T/sick.yaml" -s api >"$T/killed.out" 2>&1 &
killed=$!
wait_for 60 grep -q rename "$T/events"
kill -KILL "$killed"
wait "$killed"
is 'Fettle is killed while the container is recreated' $? 137
run=$(jq -rs '[.[] | .run? // empty] | first' "$T/killed.out")
run_ok 'the next process finishes the unwinding' fettle run -p "$T/next.yaml"
is 'the run is rolled back' "$(fettle show --json "$run" | jq -r .state)" rolled_back
is 'the service runs its image' "$(api '{{.Image}} {{.State.Status}}')" "$ran running"
is 'under its name' "$(tag_id)" "$ran"
is 'in one container, which has its name again' "$(api '{{.Name}}')" "/${project}_api_1"
is 'and the files are as they were' "$(tree_hash "$lab")" "$tree"

# ---- somebody interrupts

"$FETTLE_BINDIR/fettle" run --json -p "$T/sick.yaml" -s api >"$T/cancelled.out" 2>&1 &
cancelled=$!
wait_for 60 grep -q '"step.intent".*"step":"restart"' "$T/cancelled.out"
kill -INT "$cancelled"
wait "$cancelled"
is 'an interrupted run is cancelled' $? 7
is 'and unwound: the image' "$(api '{{.Image}} {{.State.Status}}') $(tag_id)" \
	"$ran running $ran"
is 'and the files' "$(tree_hash "$lab")" "$tree"

# ---- the engine dies in the middle of the build

cat >"$T/slow.yaml" <<-'END'
	fettle: 1
	name: slow
	inputs: { service: { type: service } }
	steps:
	  - id: patch
	    uses: patch/apply
	    with: { edits: [{ op: add_line, path: api/Dockerfile, line: 'RUN sleep 60' }] }
	  - { id: build, uses: build/compose }
	  - { id: restart, uses: restart/compose }
	on_failure:
	  - { id: rollback, uses: rollback/compose, with: { within: 2s } }
END
if [ -n "${FETTLE_TEST_DOCKER:-}" ]; then
	skip 'an engine that dies in mid-build' 'the engine is not ours'
else
	tree=$(tree_hash "$lab")
	"$FETTLE_BINDIR/fettle" run --json -p "$T/slow.yaml" -s api >"$T/slow.out" 2>"$T/slow.err" &
	slow=$!
	wait_for 60 grep -rqs '^Step .* RUN sleep 60' "$FETTLE_STATE_DIR/runs"
	engine=$(cat "$T/engine/docker.pid")
	kill "$engine"
	wait_gone 30 "$engine"
	wait "$slow"
	is 'an engine that dies in mid-build: the run fails and says not rolled back' $? 4
	like 'because of the engine' "$(cat "$T/slow.out")" docker_unreachable
	is 'the files are as they were' "$(tree_hash "$lab")" "$tree"
	"$FETTLE_SRC/t/docker-engine" start "$T/engine" >"$T/again" 2>&1 ||
		bail "$(tail -n 1 "$T/again")"
	run=$(jq -rs '[.[] | .run? // empty] | first' "$T/slow.out")
	run_ok 'when it is back, the rollback can be had' fettle rollback "$run"
	is 'and the image is as recorded' "$(tag_id)" "$ran"
	ok 'the lab is started again' lab_compose up -d
fi

# ---- the previous image is gone

# An image that others were built on cannot be removed; on this one there is none.
sed -i 's/^FROM.*/&\nENV FRESH=1/' api/Dockerfile
ok 'the lab runs a fresh image' lab_compose up -d --build
ran=$(api '{{.Image}}')
cat >"$T/meddle.yaml" <<-END
	fettle: 1
	name: meddle
	inputs: { service: { type: service } }
	steps:
	  - id: patch
	    uses: patch/apply
	    with: { edits: [{ op: replace, path: api/Dockerfile, find: "COPY", with: "ENV A=1\\nCOPY" }] }
	  - { id: build, uses: build/compose }
	  - { id: restart, uses: restart/compose }
	  - id: verify
	    uses: verify/command
	    with: { argv: [sh, -c, "docker -H $DOCKER_HOST rmi --force $ran; exit 1"] }
	on_failure:
	  - { id: rollback, uses: rollback/compose }
END
run_fails 4 'a previous image that is gone cannot be put back' \
	fettle run --json -p "$T/meddle.yaml" -s api
like 'which is said' "$out" 'previous_image_gone'
is 'but its like is built from the files' \
	"$(api '{{.State.Status}}') $(curl --silent "http://127.0.0.1:$port/")" 'running hello'
is 'which are back' "$(grep -c "ENV A" api/Dockerfile)" 0

is 'and through all this the neighbour was never touched' \
	"$(docker ps --quiet --no-trunc --filter "id=$neighbour" | wc -l)" 1
done_testing
