#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# verify/service: containers in good and bad health, as they come.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/docker.sh"
. "$FETTLE_SRC/t/lab.sh"

docker_engine
lab verify
cd "$lab" || bail "no lab"

# only VALUES: a pipeline that verifies and does nothing else.
only()
{
	cat >"$T/only.yaml" <<-END
		fettle: 1
		name: only
		inputs: { service: { type: service } }
		steps:
		  - { id: verify, uses: verify/service, with: { $1 } }
	END
}

# start MODE [COMPOSE-LINE]: the api in this mode, with a line more in its service.
start()
{
	echo "$1" >api/mode
	sed -i '/ADDED/d' docker-compose.yml
	[ $# -eq 1 ] || sed -i "/build:/a\\    $2 # ADDED" docker-compose.yml
	lab_compose up -d --build >"$T/start.log" || bail "the lab does not start"
}

# verify STATUS CLAIM: leaves $message (of a failure) and $log.
verify()
{
	capture fettle run --json -p "$T/only.yaml" -s api
	is "$2" "$rc" "$1"
	message=$(jq -rs '[.[] | .body.cause? // empty] | last | "\(.code): \(.message)"' "$T/out")
	run=$(jq -rs '[.[] | .run? // empty] | first' "$T/out")
	log=$(fettle logs "$run" 2>&1)
}

# ---- bad

start die
only 'within: 20s, for: 1s'
begin=$(date +%s)
verify 3 'a container that has ended is not well'
like 'with its exit status' "$message" 'not_healthy: .*exited with status 3'
ok 'and what will not come back is not waited for' test $(($(date +%s) - begin)) -lt 10
like 'the log ends with what it wrote' "$log" '^.*mode die'

start flap 'restart: always'
only 'within: 3s, for: 1s'
verify 3 'a container in a restart loop is not well'
like 'with what it does' "$message" 'not_healthy: .*restarted'

only 'within: 3s, for: 0s'
verify 3 'nor is it when no dwell time is asked for'

start sick
only 'within: 1s, for: 0s'
verify 3 'a service that answers 500 is not well'
like 'with what was asked and answered' "$message" "not_healthy: .*GET http://127.0.0.1:$port/: 500"

sed -i 's/match: hello/match: welcome/' fettle.yaml
start serve
verify 3 'a service that answers something else is not well'
like 'with what was looked for' "$message" "not_healthy: .*'welcome' is not in the body"
sed -i 's/match: welcome/match: hello/' fettle.yaml

check='healthcheck: { test: ["CMD", "false"], interval: 1s, retries: 1 }'
start serve "$check"
only 'within: 3s, for: 0s'
verify 3 "a container whose health check fails is not well"
like 'with what it says' "$message" 'not_healthy: .*health check says'

lab_compose rm --stop --force api >/dev/null
only 'within: 5s, for: 0s'
verify 3 'a service without a container is not well'
like 'which is told' "$message" 'not_healthy: .*no container'

# ---- good

start serve
only 'within: 10s, for: 1s'
verify 0 'a service that answers well is well'
like 'each look that is new is one line' "$log" 'after [0-9.]+m?s good: '

start serve 'healthcheck: { test: ["CMD", "python3", "-c", ""], interval: 1s }'
only 'within: 20s, for: 0s'
verify 0 'a health check is waited for'
like 'until it is healthy' "$log" 'good: .*healthy'

sed -i '/health:/d' fettle.yaml
start sick
only 'within: 5s, for: 0s'
verify 0 'without a probe the container counts'
like 'and that is said' "$log" 'no health probe is configured'
done_testing
