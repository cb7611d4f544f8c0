#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Health probes of a service other than HTTP: tcp, command, log. And both kinds
# of secret headers of verify/http, which need a project.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/docker.sh"
. "$FETTLE_SRC/t/lab.sh"

docker_engine
lab probes
cd "$lab" || bail "no lab"

# step USES VALUES: a pipeline of this step alone.
step()
{
	cat >"$T/step.yaml" <<-END
		fettle: 1
		name: step
		inputs: { service: { type: service } }
		steps:
		  - { id: verify, uses: $1, with: { $2 } }
	END
}

# probe STATUS CLAIM PROBES: with these probes; leaves $message (of a failure) and $log.
probe()
{
	sed -i "s|^ *health:.*|    health: [$3]|" fettle.yaml
	begin=$(date +%s)
	capture timeout 60 "$FETTLE_BINDIR/fettle" run --json -p "$T/step.yaml" -s api
	took=$(($(date +%s) - begin))
	is "$2" "$rc" "$1"
	[ "$rc" -eq "$1" ] || diag "$out$err"
	message=$(jq -rs '[.[] | .body.cause? // empty] | last | "\(.code): \(.message)"' "$T/out")
	run=$(jq -rs '[.[] | .run? // empty] | first' "$T/out")
	log=$(fettle logs "$run" 2>&1)
}

# sleepers: how many of the probes' sleeping commands run in the container.
sleepers()
{
	docker top "$(api '{{.Id}}')" -eo pid,args | grep -c 'time.sleep(77)'
}

no_sleeper()
{
	[ "$(sleepers)" -eq 0 ]
}

lab_compose up -d --build >"$T/start.log" || bail "the lab does not start"
quick='for: 0s, within: 1s'
step verify/service "$quick"

# ---- tcp

other=$(free_ports | cut -d ' ' -f 1)
probe 3 'a port where nobody listens is bad' "{ tcp: \":$other\" }"
like 'with where it was asked' "$message" "not_healthy: .*tcp 127.0.0.1:$other: "
probe 0 'one where somebody listens is good' "{ tcp: \":$port\" }"
probe 0 'at a host that is named too' "{ tcp: \"127.0.0.1:$port\" }"
probe 2 'a link-local host is refused' '{ tcp: "169.254.169.254:80" }'
like 'with its place' "$out$err" 'fettle.yaml:[0-9]+:[0-9]+.*url.policy|url.policy'

# ---- command

probe 0 'a command that ends with 0 is good' '{ command: [python3, -c, ""] }'
probe 3 'any other status is bad' \
	'{ command: [python3, -c, "print(7); print(chr(27) + chr(98)); exit(7)"] }'
like 'with the status and its last line, harmless' "$message" 'not_healthy: .*status 7:  ?b$'
probe 3 'a program that is not there is bad' '{ command: [pg_isready] }'
like 'with what the engine says' "$message" 'not_healthy: .*pg_isready.*status 12[67]'
probe 0 'it runs in the container, not here' \
	'{ command: [sh, -c, "test -e /srv/mode"] }'
probe 0 'much output does no harm' \
	'{ command: [python3, -c, "print(4000000 * chr(120))"] }'

slow='{ command: [python3, -c, "import time; time.sleep(77)"], timeout: 500ms }'
step verify/service 'for: 0s, within: 3s'
probe 3 'a command that does not end is bad' "$slow"
like 'which is said' "$message" 'not_healthy: .*(not done within 500ms|the one before is not done yet)'
ok 'soon' test "$took" -lt 20
is 'without timeout in the container it goes on, but only once' "$(sleepers)" 1

cp "$(command -v timeout)" api/timeout
sed -i 's|^COPY .*|&\nCOPY timeout /usr/bin/timeout|' api/Dockerfile
lab_compose up -d --build >"$T/start.log" || bail "the lab does not start"
probe 3 'with timeout in the container it is bad too' "$slow"
ok 'and nothing of it is left' wait_for 10 no_sleeper
probe 0 'and a good command is good' '{ command: [python3, -c, ""] }'
step verify/service "$quick"

# ---- log

probe 0 'a pattern that the log has is good' '{ log: "^mode s.rve$" }'
probe 3 'one that it has not is bad' '{ log: "^mode other$" }'
like 'which is said' "$message" "not_healthy: .*'\\^mode other\\$' is not in what .* wrote"
probe 2 'what is no pattern is refused before the run' '{ log: "(" }'
like 'with why' "$out$err" 'health_invalid|no regular expression'

sed -i 's|^print("mode", mode)|print("start", mode); mode == "long" and [print("x" * 99) for _ in range(20000)]|' api/api.py
echo long >api/mode
lab_compose up -d --build >"$T/start.log" || bail "the lab does not start"
step verify/service 'for: 1s, within: 10s'
probe 0 'the first line of a long log is found' '{ log: "^start long$" }'
step verify/service "$quick"

id=$(api '{{.Id}}')
sed 's/"start"/"again"/' api/api.py >"$T/api.py"
docker cp "$T/api.py" "$id:/srv/api.py" >/dev/null
docker restart --time 1 "$id" >/dev/null
probe 0 'what it wrote after a restart is found' '{ log: "^again long$" }'
probe 3 'what it wrote before is not' '{ log: "^start long$" }'

# ---- all of them

probe 3 'one bad probe among good ones is enough' \
	"{ http: \":$port/\", match: \"^hel+o\" }, { tcp: \":$port\" }, { command: [\"false\"] }"
sleep_free='{ command: [sh, -c, "exit 0"] }'
probe 0 'all of them good is good' \
	"{ http: \":$port/\", expect: [200, 204] }, { tcp: \":$port\" }, $sleep_free, { log: again }"
like 'and one line' "$log" 'good: .*all its probes are good'

# ---- secrets of verify/http

sed -i '/^services:/i secrets: { API_TOKEN: env:API_TOKEN }' fettle.yaml
API_TOKEN=correct-horse-battery
export API_TOKEN
"$FETTLE_SRC/t/fixtures/http-server" "$T/port" "$T/requests" >"$T/server.log" 2>&1 &
server=$!
at_exit "kill $server 2>/dev/null; wait $server 2>/dev/null"
wait_for 20 test -s "$T/port" || bail "the server does not start"
url=http://127.0.0.1:$(cat "$T/port")
step verify/http "url: \"$url/ok\", secret_headers: { X-Test: Bearer API_TOKEN }, for: 0s"
probe 0 'a secret header is sent by its name' ''
like 'with what stands before it' "$(cat "$T/requests")" '^GET /ok Bearer correct-horse-battery$'
not_ok 'its value is nowhere in what is stored' grep -rq correct-horse "$FETTLE_STATE_DIR"
step verify/http "url: \"$url/ok\", secret_headers: { X-Test: API_TOKEN }, redirects: true"
probe 2 'a secret is not taken along on redirects' ''
done_testing
