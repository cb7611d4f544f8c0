#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# On a terminal: painted in place, cut to its size, and harmless whatever a
# program prints.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
need jq script python3

esc=$(printf '\033')
PATH=$FETTLE_BINDIR:$PATH
export PATH TERM=xterm-256color
unset NO_COLOR

# on_terminal COLUMNS ROWS COMMAND: runs it on a terminal of that size; what it
# wrote is in $T/tty, its exit status in $rc.
on_terminal()
{
	rc=0
	script -qec "stty cols $1 rows $2; $3" "$T/typescript" >"$T/tty" </dev/null || rc=$?
}

# screen COLUMNS ROWS: what the terminal shows at the end (a small emulation:
# cursor up, erase to the end of line and screen, colours).
screen()
{
	python3 - "$T/tty" "$1" "$2" <<-'PY'
		import re, sys
		raw = open(sys.argv[1], encoding="utf-8", newline="").read()
		columns, height = int(sys.argv[2]), int(sys.argv[3])
		lines, y, x = [""], 0, 0
		for token in re.findall(r"\033\[[0-9;?]*[A-Za-z]|[\r\n]|.", raw):
		    if token == "\n":
		        y, x = y + 1, x
		        while len(lines) <= y: lines.append("")
		    elif token == "\r":
		        x = 0
		    elif token.endswith("A") and token[0] == "\033":
		        y -= int(token[2:-1])
		        if y < max(0, len(lines) - height): sys.exit("above the screen")
		    elif token == "\033[K":
		        lines[y] = lines[y][:x]
		    elif token == "\033[J":
		        lines[y] = lines[y][:x]
		        del lines[y + 1:]
		    elif re.fullmatch(r"\033\[[0-9;]*m", token):
		        pass
		    elif token[0] == "\033" or ord(token) < 32 or 127 <= ord(token) < 160:
		        sys.exit("a terminal would obey %r" % token)
		    else:
		        if x == columns:
		            y, x = y + 1, 0
		            while len(lines) <= y: lines.append("")
		        lines[y] = lines[y][:x].ljust(x) + token + lines[y][x + 1:]
		        x += 1
		print("\n".join(lines))
	PY
}

cat >shop.yaml <<'YAML'
fettle: 1
name: shop
steps:
  - id: analyze
    uses: analyze/command
    with: { argv: [printf, '\033]0;owned\007\033[2J\033[31mred\033[0m \342\200\256bidi \233\n'] }
  - id: compile
    uses: build/command
    with: { argv: [sh, -c, 'for i in 1 2 3; do echo line $i of very many words that no terminal of fifty columns can hold; sleep 0.15; done'] }
  - id: verify
    uses: verify/command
    with: { argv: [sh, -c, 'test -e well || { echo not at all; exit 1; }'], within: 100ms }
on_failure:
  - { id: rollback, uses: rollback/command, with: { argv: ['true'] } }
YAML

on_terminal 50 20 'fettle run -p ./shop.yaml'
is 'a run on a terminal ends as elsewhere' "$rc" 3
ok 'it was painted in place' grep -q "$esc\[[0-9]*A" "$T/tty"
run_ok 'nothing printed reaches the terminal as a command' screen 50 20
shown=$out
is 'each step stands there once' "$(printf '%s\n' "$shown" | grep -cE '^  [^ ] (analyze|compile|verify|rollback) ')" 4
like 'what was good and bad, with its time' "$shown" '^  ✔ compile +[0-9]+ms'
like 'and why' "$shown" '^  ✘ verify +[0-9.]+m?s  .*…$'
like 'the outcome' "$shown" '^✘ failed, rolled back: '
unlike 'no hint of a key that does nothing any more' "$shown" 'Ctrl-C'
ok 'no line of the list is broken' test \
	"$(printf '%s\n' "$shown" | sed '/failed, rolled back/,$d' | wc -L)" -lt 50
ok 'the last log line was seen while it ran' grep -q '| line 2 of very many' "$T/tty"

on_terminal 40 8 'fettle run -p ./shop.yaml'
run_ok 'a small terminal is never painted above its edge' screen 40 8
like 'and shows the outcome at the bottom' "$(printf '%s\n' "$out" | sed '/^ *$/d' | tail -n 2)" \
	'failed, rolled back'

touch well
on_terminal 80 24 'fettle run -p ./shop.yaml'
is 'a good run' "$rc" 0
ok 'has colours' grep -q "$esc\[32m" "$T/tty"
on_terminal 80 24 'NO_COLOR=1 fettle run -p ./shop.yaml'
ok 'but not with NO_COLOR' sh -c '! grep -q "$1\[[0-9;]*m" "$2"' sh "$esc" "$T/tty"
on_terminal 80 24 'fettle --no-color run -p ./shop.yaml'
ok 'nor with --no-color' sh -c '! grep -q "$1\[[0-9;]*m" "$2"' sh "$esc" "$T/tty"
on_terminal 80 24 'TERM=dumb fettle run -p ./shop.yaml'
ok 'and a dumb terminal gets plain lines' sh -c '! grep -q "$1" "$2"' sh "$esc" "$T/tty"
like 'one for each news' "$(cat "$T/tty")" '^analyze: succeeded after '
on_terminal 80 24 'NO_COLOR=1 LC_ALL=C fettle run -p ./shop.yaml'
ok 'without UTF-8 it is drawn in ASCII' sh -c 'grep -q "+ compile" "$1" &&
	! LC_ALL=C grep -q "[^ -~[:cntrl:]]" "$1"' sh "$T/tty"

# How far a step is, what it changes, which attempt and round it is. A step cannot
# write where it stands, only beside it.
mkdir ws && cd ws || bail 'no directory'
cat >long.yaml <<YAML
fettle: 1
name: long
rounds: 2
steps:
  - id: look
    uses: analyze/command
    retry: { attempts: 2, backoff: 10ms, on: any }
    with: { argv: [sh, -c, 'test -e $T/built || { touch $T/built; exit 1; }'] }
  - { id: make, uses: build/command, with: { argv: [sleep, '0.3'] } }
  - { id: wait, uses: verify/command, with: { argv: [sh, -c, 'sleep 0.2; test -e never'], within: 900ms, interval: 100ms } }
on_failure:
  - { id: back, uses: rollback/command, with: { argv: ['true'] } }
YAML
on_terminal 80 24 'fettle run -p ./long.yaml'
is 'a run with rounds and attempts' "$rc" 3
ok 'how far a step is, is told' grep -q 'wait .*not yet, trying again' "$T/tty"
ok 'and what it is about to change' grep -q 'make .*0s  .*built' "$T/tty"
ok 'the round is counted' grep -q '^.*long.*  round 1 of 2  ' "$T/tty"
ok 'the attempt is counted' grep -q 'look .*attempt 2' "$T/tty"
run_ok 'all of it stays on the screen' screen 80 24
is 'each step stands there once' "$(printf '%s\n' "$out" | grep -cE '^  [^ ] (look|make|wait|back)( |$)')" 4

# Stopped and continued: what was written meanwhile is not painted over.
cat >stop.yaml <<YAML
fettle: 1
name: stop
steps:
  - { id: one, uses: analyze/command, with: { argv: [sh, -c, 'touch $T/on; until test -e go; do sleep 0.02; done'] } }
YAML
on_terminal 80 24 'fettle run -p ./stop.yaml & until test -e ../on; do sleep 0.05; done
	kill -STOP $!; echo; echo somebody else writes; kill -CONT $!; sleep 0.4; touch go; wait $!'
is 'a run that was stopped for a while' "$rc" 0
run_ok 'is painted anew' screen 80 24
like 'below what was written meanwhile' "$out" '^somebody else writes'
is 'and its end once' "$(printf '%s\n' "$out" | grep -c 'succeeded')" 1
cd .. || bail 'no way back'
on_terminal 80 24 'fettle run -p ./shop.yaml'

for verb in 'logs last' 'logs -f last' 'artifacts last analyze.log' show runs \
	'plan -p ./shop.yaml' 'show --json' 'logs --json'; do
	on_terminal 80 24 "fettle $verb"
	is "fettle $verb works on a terminal" "$rc" 0
	run_ok "fettle $verb is harmless too" screen 80 1000
done
on_terminal 80 24 'fettle logs last analyze'
like 'what was printed is still told' "$(cat "$T/tty")" 'red .u\{202e\}bidi .x9b'
on_terminal 80 24 'fettle diff'
like 'a run without edits says so' "$(cat "$T/tty")" 'changes no file'
done_testing
