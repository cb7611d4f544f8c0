#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# verify/http: a server that answers well, badly, slowly, too much, and elsewhere.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"

need python3 jq

server_start()
{
	"$FETTLE_SRC/t/fixtures/http-server" "$T/port" "$T/requests" >"$T/server.log" 2>&1 &
	server=$!
	at_exit "kill $server 2>/dev/null; wait $server 2>/dev/null"
	wait_for 20 test -s "$T/port" || bail "the server does not start"
	port=$(cat "$T/port")
	url=http://127.0.0.1:$port
}

# visit STATUS CLAIM VALUES [URL]: a pipeline with this step alone, and input `url`;
# leaves $message and $log.
visit()
{
	cat >"$T/visit.yaml" <<-END
		fettle: 1
		name: visit
		steps:
		  - { id: verify, uses: verify/http, with: { $3 } }
		inputs: { url: { type: string, default: "${4:-}" } }
	END
	: >"$T/requests"
	begin=$(date +%s)
	capture timeout 60 "$FETTLE_BINDIR/fettle" run --json -p "$T/visit.yaml"
	took=$(($(date +%s) - begin))
	is "$2" "$rc" "$1"
	[ "$rc" -eq "$1" ] || diag "$out$err"
	message=$(jq -rs '[.[] | .body.cause? // empty] | last | "\(.code): \(.message)"' \
		"$T/out" 2>/dev/null)
	run=$(jq -rs '[.[] | .run? // empty] | first' "$T/out" 2>/dev/null)
	log=$(fettle logs "$run" 2>&1)
}

requests()
{
	grep -c . "$T/requests"
}

server_start
quick='for: 0s, within: 1s'

# ---- refused before anything is asked

visit 2 'a file is no URL to ask' 'url: "file:///etc/passwd"'
like 'which is said' "$out$err" 'url\.policy.*neither a port nor http'
run_fails 2 'nothing has to run for that' fettle check -p "$T/visit.yaml"
like 'and the place is told' "$err" 'visit\.yaml:4:[0-9]+: .*neither a port nor http'
visit 2 'nor is gopher' 'url: "gopher://127.0.0.1/"'
visit 2 'nor one with a password' 'url: "http://me:hunter22@127.0.0.1/"'
unlike 'which is not repeated' "$err" 'hunter22'
run_fails 2 'nor by a check' fettle check -p "$T/visit.yaml"
unlike 'which does not repeat it either' "$out$err" 'hunter22'
visit 2 'a cloud is not asked' 'url: "http://169.254.169.254/latest"'
visit 2 'nor a Docker engine' 'url: "http://127.0.0.1:2375/"'
visit 2 'an input is held against the same' 'url: "${{ inputs.url }}"' 'file:///etc/passwd'
like 'with the same code' "$out$err" 'url\.policy'
visit 2 'a pattern must be one' "url: \"$url/ok\", match: \"(\""
visit 2 'a status must be one' "url: \"$url/ok\", expect: [200, 2000]"
visit 2 'a credential is refused in plain' \
	"url: \"$url/ok\", headers: { authorization: Bearer abcdefgh }"
like 'and the remedy names the place for it' "$out$err" 'secret_headers'
visit 2 'a header of two lines is refused' "url: \"$url/ok\", headers: { X-Test: \"a\\nb\" }"
visit 2 'a secret must be known' "url: \"$url/ok\", secret_headers: { X-Test: NOBODY }"
is 'no request was made for any of them' "$(requests)" 0

# ---- bad answers

visit 3 'a wrong status is not well' "url: \"$url/wrong\", $quick"
like 'with what was asked and answered' "$message" "not_healthy: .*GET $url/wrong: 503, not 2xx"
visit 3 'nor is a good status that is not the one' "url: \"$url/ok\", expect: [204, 301], $quick"
visit 3 'nor a body without the pattern' "url: \"$url/ok\", match: \"^hell\$\", $quick"
like 'with the pattern' "$message" "'\\^hell\\$' is not in the body"
visit 3 'what flaps is not well for a second' "url: \"$url/flap\", for: 1s, within: 2s"
ok 'though it was asked often' test "$(requests)" -gt 4
visit 3 'a server that drips ends at the time limit' \
	"url: \"$url/drip\", request_timeout: 500ms, for: 0s, within: 0s"
like 'and that is said' "$message" 'no whole answer within 500ms'
visit 3 'so does one that says nothing' \
	"url: \"$url/slow\", request_timeout: 500ms, for: 0s, within: 0s"
ok 'soon' test "$took" -lt 10
visit 3 'what is no HTTP is not well' "url: \"$url/garbage\", $quick"
visit 3 'nor is a port where nobody is' 'url: "http://127.0.0.1:1/", for: 0s, within: 0s'

# ---- bodies

visit 0 'of 1 GB the first 64 KiB are enough' "url: \"$url/big\", match: hello, for: 0s"
ok 'and it takes no time' test "$took" -lt 10
visit 3 'behind 64 KiB nothing is looked for' "url: \"$url/tail\", match: hello, $quick"
like 'and that is said' "$message" 'first 64 KiB'
visit 3 'a compressed body is not unpacked' "url: \"$url/gzip\", match: hello, $quick"

# ---- redirects

visit 3 'a redirect is not followed' "url: \"$url/to/$url/ok\", $quick"
unlike 'the other place is not asked' "$(cat "$T/requests")" '^GET /ok'
visit 0 'unless that is wanted' "url: \"$url/to/$url/ok\", redirects: true, match: hello, for: 0s"
visit 3 'never to a link-local address' \
	"url: \"$url/to/http://169.254.169.254/latest/\", redirects: true, $quick"
like 'and that is said' "$message" 'never asked'
visit 3 'nor to one in disguise' \
	"url: \"$url/to/http://[::ffff:169.254.169.254]/\", redirects: true, $quick"
like 'which is seen' "$message" 'never asked'
visit 3 "nor to a Docker engine's port" \
	"url: \"$url/to/http://127.0.0.1:2375/\", redirects: true, $quick"
like 'which is seen' "$message" 'never asked'
visit 3 'nor to a file' "url: \"$url/to/file:///etc/passwd\", redirects: true, $quick"
visit 3 'a loop of redirects ends' "url: \"$url/loop\", redirects: true, for: 0s, within: 0s"
ok 'after a few' test "$(requests)" -le 6

# ---- good answers

visit 0 'a good answer is well' "url: \"$url/ok\", match: \"^hel+o\$\", expect: 200, $quick"
is 'one request is enough when it need not last' "$(requests)" 1
visit 0 'it is waited for' "url: \"$url/later/4\", for: 0s, within: 20s"
is 'and no longer than needed' "$(requests)" 4
visit 0 'it must last' "url: \"$url/ok\", for: 1s, interval: 100ms"
ok 'while it is asked again and again' test "$(requests)" -gt 5
is 'which is one line of the log' "$(printf '%s\n' "$log" | grep -c ' good: ')" 1
visit 0 'HEAD is a method' "url: \"$url/ok\", method: HEAD, $quick"
like 'and the one that is used' "$(cat "$T/requests")" '^HEAD /ok'
visit 0 'a header is sent' "url: \"$url/ok\", headers: { X-Test: from fettle }, $quick"
like 'as it is' "$(cat "$T/requests")" '^GET /ok from fettle$'
done_testing
