#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Networks in which metrics get nowhere: no run takes longer for it, ends otherwise or
# says a word. In a network of its own, without Internet and without name servers.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"
need ip unshare

if [ -z "${FETTLE_TEST_NETWORK:-}" ]; then
	own='--net --mount'
	[ "$(id -u)" -eq 0 ] || own="$own --map-root-user"
	# shellcheck disable=SC2086
	unshare $own sh -c 'ip link add here type veth peer name there' 2>"$T/err" ||
		skip_all "no network of our own: $(cat "$T/err")"
	# shellcheck disable=SC2086
	FETTLE_TEST_NETWORK=1 unshare $own sh "$FETTLE_SRC/t/t5735-no-sink.sh"
	exit
fi

unset STATSD_HOST STATSD_PORT STATSD_PREFIX
workspace
cat >p.yaml <<'YAML'
fettle: 1
name: p
steps:
  - { id: first, uses: verify/command, with: { argv: ['true'] } }
  - { id: second, uses: verify/command, with: { argv: ['true'] } }
YAML

# In a veth whose other end is nobody's: 10.9.9.0/24 is asked for and never answers.
ip link set lo up
ip link add here type veth peer name there
ip link set here up
ip link set there up
ip address add 10.9.9.1/24 dev here
ip route add blackhole 10.8.8.0/24
ip route add unreachable 10.7.7.0/24
printf 'nameserver 10.9.9.53\n' >"$T/resolv.conf"
printf '127.0.0.1 localhost\n' >"$T/hosts"
mount --bind "$T/resolv.conf" "$(readlink -f /etc/resolv.conf)" || bail 'no resolv.conf of our own'
mount --bind "$T/hosts" /etc/hosts || bail 'no hosts of our own'

took() # COMMAND...: its status in $took_rc, its milliseconds in $took_ms
{
	took_begin=$(date +%s%3N)
	"$@" >"$T/out" 2>"$T/err" </dev/null
	took_rc=$?
	took_ms=$(($(date +%s%3N) - took_begin))
}

fettle run -q -p ./p.yaml >/dev/null 2>&1	# modules are described once
took fettle run -q -p ./p.yaml
[ "$took_rc" -eq 0 ] || bail "a run does not work here: $(cat "$T/err")"
plain=$took_ms
diag "without metrics: $plain ms"

tried() # CLAIM HOST
{
	took env STATSD_HOST="$2" "$FETTLE_BINDIR/fettle" run -q -p ./p.yaml
	diag "$1: $took_ms ms"
	is "$1 a run ends as ever" "$took_rc" 0
	is "$1 it says nothing" "$(cat "$T/err")" ''
	# A name server that says nothing would cost ten seconds and more.
	ok "$1 it takes no longer" test "$took_ms" -lt $((plain + 4000))
}
tried 'with a sink whose port is closed' 127.0.0.1
tried 'with a sink that never answers' 10.9.9.9
tried 'with a sink behind a black hole' 10.8.8.8
tried 'with an unreachable sink' 10.7.7.7
tried 'with a sink no route leads to' 10.6.6.6
tried 'with a sink no route leads to, of IPv6' 2001:db8::1
tried 'with a name that nobody knows' nobody.invalid
tried 'with a name that the name server is silent about' statsd.example
capture env STATSD_HOST=statsd.example "$FETTLE_BINDIR/fettle" doctor --json
like 'doctor says that names are not found in time' \
	"$(json '.[] | select(.name == "metrics") | "\(.ok) \(.text)"')" \
	"^false .*'statsd.example' was not found within 250 ms"
done_testing
