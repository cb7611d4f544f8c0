#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SIGKILL in the middle of an approved repair of a protected service: of the
# engine at a write, at a time, when Docker does something, of all its processes
# at a time. When the next ones have come, file, image and container are all as
# before or all as approved; the neighbour is not touched, every end is told truly.
#
# FETTLE_KILL_DOCKER: how many points of each kind.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/docker.sh"
. "$FETTLE_SRC/t/lab.sh"
. "$FETTLE_SRC/t/kill.sh"
[ "$(id -u)" -eq 0 ] || skip_all 'only root can be somebody else here'
: "${FETTLE_KILL_DOCKER:=1}"

docker_engine
lab kills
people='  bob: { users: [bob], roles: [sre] }'
site
sed -i 's/^  api:$/  api:\n    protected: true/' "$lab/fettle.yaml"
pipeline serve
cat >"$T/next.yaml" <<'YAML'
fettle: 1
name: next
steps: [{ id: nothing, uses: verify/command, with: { argv: ['true'] } }]
YAML
cd "$lab" || bail 'no lab'
echo sick >api/mode
ok 'a service that is not well' lab_compose up -d --build
W=$T/w1
mkdir "$W"
: >"$W/points"
: >"$W/complaints"

neighbour()
{
	docker ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$project" \
		--filter label=com.docker.compose.service=db |
		xargs -r docker inspect --format '{{.Id}} {{.Image}} {{.State.StartedAt}} {{.RestartCount}}'
}

# What can be asked of the service, in one line.
scene()
{
	echo "$(tree_hash "$lab") $(api '{{.Image}} {{.State.Status}} {{.Name}}' | tr '\n' ' ')$(tag_id)"
}

before=$(scene)
peer=$(neighbour)
capture fettle run -p "$T/serve.yaml" -s api
is 'its repair waits' "$rc" 5
run=$(fettle runs -q -n 1)
digest=$(fettle show "$run" --json | jq -r .hold.digest)
cp -a "$FETTLE_STATE_DIR" "$T/warm"

as_bob()
{
	SUDO_USER=bob "$FETTLE_BINDIR/fettle" "$@"
}

# once OPTIONS: the approved run from the warm store, under the tracer.
once()
{
	rm -rf "$FETTLE_STATE_DIR"
	cp -a "$T/warm" "$FETTLE_STATE_DIR"
	# shellcheck disable=SC2086
	SUDO_USER=bob "$kill_at" $1 -o "$W/report" "$FETTLE_BINDIR/fettle" \
		approve "$run" --digest "$digest" >"$W/killed" 2>&1 </dev/null
	. "$W/report"
}

state()
{
	fettle show "$run" --json | jq -r .state
}

# Whoever comes: another run, a worker, the same person, an order to put it back.
# A worker goes on with what was agreed to and waits, which the others do not.
come_by() # N
{
	case $(($1 % 4)) in
	0) fettle -C "$T" run -p ./next.yaml ;;
	1) ;;
	2) as_bob approve "$run" --digest "$digest" ;;
	3) as_bob rollback "$run" ;;
	esac >"$W/next" 2>&1
	fettle work --drain >>"$W/next" 2>&1
}

judge()
{
	end=$(state)
	now=$(scene)
	echo "$end" >>"$W/ends"
	case $end in
	succeeded) [ "$now" = "$after" ] || echo "succeeded, but it is $now, not $after" ;;
	rolled_back | failed | awaiting_approval) [ "$now" = "$before" ] || {
		echo "$end, but it is $now, not $before: $(cat "$W/killed" "$W/next")"
		echo sick >api/mode
		lab_compose up -d --build >/dev/null
	} ;;
	*) echo "the run is $end: $(cat "$W/killed" "$W/next"; fettle show "$run"; fettle logs "$run" rollback)" ;;
	esac
	[ "$(neighbour)" = "$peer" ] || echo 'the neighbour was touched'
	whole
}

# As it was, for the next point. (Fettle itself would ask people again.)
put_back()
{
	[ "$(state)" = succeeded ] || return
	echo sick >api/mode
	lab_compose up -d --build >"$W/back" || cat "$W/back"
	[ "$(scene)" = "$before" ] || echo "put back, it is $(scene), not $before"
}

# aftermath NAME N: what became of it, and all as it was again.
aftermath()
{
	# The machine may be faster now than when it was measured.
	[ -z "$victim" ] || echo "$1 $victim $gone_ms" >>"$W/points"
	{
		[ "$left" -eq 0 ] || echo "$left processes are left: $(tail -n 3 "$W/killed")"
		come_by "$2"
		judge
	} >"$W/complaint" 2>&1
	put_back >>"$W/complaint" 2>&1
	[ ! -s "$W/complaint" ] || sed "s/^/$1 $2: /" "$W/complaint" >>"$W/complaints"
}

point() # NAME N OPTIONS
{
	[ "$(scene)" = "$before" ] || echo "it did not stay so: $(scene)" >>"$W/complaints"
	once "$3"
	aftermath "$1" "$2"
}

# What a killed Compose had asked for, the engine still does: killed at the N-th event
# of the service's containers (kill, die, stop, rename, create, start, destroy).
event_point() # N
{
	docker events --filter "label=com.docker.compose.project=$project" \
		--filter label=com.docker.compose.service=api --filter type=container \
		--format '{{.Action}}' >"$W/events" 2>&1 &
	events=$!
	rm -rf "$FETTLE_STATE_DIR"
	cp -a "$T/warm" "$FETTLE_STATE_DIR"
	SUDO_USER=bob "$FETTLE_BINDIR/fettle" approve "$run" --digest "$digest" \
		>"$W/killed" 2>&1 </dev/null &
	victim=$!
	has_come() { [ "$(wc -l <"$W/events")" -ge "$1" ] || ! kill -0 "$victim"; }
	wait_for 60 has_come "$1"
	kill -9 "$victim" 2>/dev/null
	wait "$victim"
	kill "$events"
	victim=engine left=0 gone_ms=0
	aftermath event "$1"
}

once '-c mutating'
is 'when nobody kills it, it succeeds' "$(state)" succeeded
# shellcheck disable=SC2154
calls=$seen ms=$took_ms
after=$(scene)
isnt 'and it is another service' "$after" "$before"
is 'which can be put back' "$(put_back)" ''
once '-c pages'
is 'again and again' "$(state)$(put_back)" succeeded
written=$seen
diag "$calls mutating calls and $written pages in $ms ms"

n=1
while [ "$n" -le "$FETTLE_KILL_DOCKER" ]; do
	share=$((FETTLE_KILL_DOCKER + 1))
	point call "$n" "-n $((n * calls / share)) -c mutating"
	point page "$((n + 1))" "-n $((n * written / share)) -c pages"
	point time "$((n + 2))" "-t $((n * ms / share))"
	point all-at-time "$((n + 3))" "-a -t $((n * ms / share - ms / share / 2))"
	n=$((n + 1))
done
n=1
while [ "$n" -le "$((FETTLE_KILL_DOCKER + 1))" ]; do
	event_point "$n"
	n=$((n + 1))
done
diag "the runs ended as: $(sort "$W/ends" | uniq -c | sort -rn | tr -s ' \n' ' ')"
killed_enough "$((FETTLE_KILL_DOCKER * 3))"
done_testing
