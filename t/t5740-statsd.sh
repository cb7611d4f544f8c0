#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The real StatsD server understands what is sent: its own counters and timers say so.
# FETTLE_TEST_STATSD names its stats.js; t/statsd-server fetches it.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"
[ -n "${FETTLE_TEST_STATSD:-}" ] || skip_all 'FETTLE_TEST_STATSD names no StatsD server'
need node python3


# free_port: one that nobody has now, for UDP and TCP.
free_port()
{
	python3 -c 'import socket
with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
	while True:
		tcp.bind(("127.0.0.1", 0))
		port = tcp.getsockname()[1]
		udp.bind(("127.0.0.1", port))
		print(port)
		break'
}
port=$(free_port) || bail 'no free port'
admin=$(free_port) || bail 'no free port'
cat >config.js <<JS
{ port: $port, address: "127.0.0.1", mgmt_port: $admin, mgmt_address: "127.0.0.1",
  backends: ["./backends/console"], flushInterval: 3600000, dumpMessages: true }
JS
node "$FETTLE_TEST_STATSD" "$T/config.js" >server.log 2>&1 &
server=$!
at_exit "kill $server 2>/dev/null"

# ask WORD: what the server answers on its administration port.
ask()
{
	python3 -c 'import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5) as admin:
	admin.sendall(sys.argv[2].encode() + b"\n")
	answer = b""
	while not answer.rstrip().endswith(b"END"):
		more = admin.recv(65536)
		if not more:
			break
		answer += more
	print(answer.decode())' "$admin" "$1"
}
wait_for 20 ask counters || bail "the server does not answer: $(cat server.log)"

counter() # NAME: its value, or nothing
{
	ask counters | sed -n "s/^ *'\{0,1\}$1'\{0,1\}: \([0-9]*\),\{0,1\}\$/\1/p"
}
is_counted() # NAME VALUE
{
	[ "$(counter "$1")" = "$2" ]
}
counts() # NAME VALUE
{
	if wait_for 10 is_counted "$1" "$2"; then
		pass "$1 is $2"
	else
		is "$1 is $2" "$(counter "$1")" "$2"
	fi
}

cat >good.yaml <<'YAML'
fettle: 1
name: good
steps:
  - { id: analyze, uses: analyze/command, with: { argv: ['true'] } }
  - { id: verify, uses: verify/command, with: { argv: ['true'] } }
YAML
sed "s/verify\/command, with: { argv: \['true'\]/verify\/command, with: { argv: ['false']/" good.yaml >bad.yaml
cat >served.yaml <<'YAML'
fettle: 1
name: served
inputs: { service: { type: service } }
steps:
  - { id: verify, uses: verify/command, with: { argv: ['true'] } }
YAML
mkdir shop
printf 'fettle: 1\nproject: shop\nservices: { web.api: {} }\n' >shop/fettle.yaml

STATSD_HOST=localhost
STATSD_PORT=$port
export STATSD_HOST STATSD_PORT
run_ok 'a run that succeeds' fettle run -q -p ./good.yaml
run_ok 'another one' fettle run -q -p ./good.yaml
run_fails 3 'one that fails' fettle run -q -p ./bad.yaml
cp served.yaml shop/
run_ok 'one that is queued' fettle -C shop run -q --queue -s web.api -p ./served.yaml
run_fails 7 'and cancelled' fettle cancel -q "$out"

counts fettle.runs.queued 4
counts fettle.runs.queued.service.web_api 1
counts fettle.runs.status.running 3
counts fettle.runs.status.succeeded 2
counts fettle.runs.status.failed 1
counts fettle.runs.status.cancelled 1
counts fettle.steps.analyze.started 3
counts fettle.steps.analyze.succeeded 3
counts fettle.steps.verify.started 3
counts fettle.steps.verify.succeeded 2
counts fettle.steps.verify.failed 1
timers=$(ask timers | tr -d " \n'")
like 'each duration of a step is a timer' "$timers" \
	'fettle\.steps\.analyze\.duration:\[[0-9]+,[0-9]+,[0-9]+\]'
like 'and each of a run' "$timers" 'fettle\.runs\.duration\.succeeded:\[[0-9]+,[0-9]+\]'
like 'by how it ended' "$timers" 'fettle\.runs\.duration\.failed:\[[0-9]+\]'
is 'it counts nothing else of ours' \
	"$(ask counters | grep -c 'fettle\.')" 11
capture fettle doctor --json
is 'doctor finds it' "$(json '.[] | select(.name == "metrics") | .ok')" true
is 'no line was bad' "$(counter statsd.bad_lines_seen)" 0
done_testing
