#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What runs the tests: a test that hangs is ended and named, and nothing of it is
# left; a time for all tests is kept.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
run_test=$FETTLE_BUILD/t/run-test
[ -x "$run_test" ] || bail "$run_test is not built"
unset FETTLE_TEST_LIMIT FETTLE_TEST_DEADLINE FETTLE_TEST_TIMES

run_fails 2 'without a test' "$run_test"
FETTLE_TEST_LIMIT=soon run_fails 99 'a limit that is no number' "$run_test" true
like 'is named' "$out" "^Bail out! FETTLE_TEST_LIMIT is 'soon'"
run_fails 99 'a test that is not there' "$run_test" ./nonesuch
like 'is named' "$out" '^Bail out! ./nonesuch cannot be run: No such file'

# ---- a test that hangs

cat >hangs <<'END'
#!/bin/sh
trap 'echo "# cleaned up"; exit 1' TERM
printf 'ok 1 - and now '
setsid sh -c 'echo $$ >stray; trap "" TERM; exec sleep 1000' &
sleep 1000 &
wait
END
chmod +x hangs
FETTLE_TEST_LIMIT=1 run_fails 99 'a test that hangs is ended' "$run_test" ./hangs
like 'which is said' "$out" '^Bail out! it was ended after 1 s$'
like 'it may clean up' "$out" '^# cleaned up$'
not_ok 'what it started elsewhere is gone' kill -0 "$(cat stray)"

# ---- a test that leaves something running, which has its output open

cat >leaves <<'END'
#!/bin/sh
setsid sh -c 'echo $$ >stray; exec sleep 1000' &
until [ -s stray ]; do :; done
exit 3
END
chmod +x leaves
rm stray
is 'its reader comes to the end' "$("$run_test" ./leaves | cat; echo end)" end
not_ok 'and nothing is left' kill -0 "$(cat stray)"
run_fails 3 'its exit status is passed on' "$run_test" ./leaves
run_fails 134 'and a signal' "$run_test" sh -c 'kill -ABRT $$'

# ---- one that is ended from outside

"$run_test" ./hangs >"$T/ended" 2>&1 &
runner=$!
rm -f stray
ok 'a test runs' wait_for 10 test -s stray
kill -TERM "$runner"
wait "$runner"
is 'a signal ends it' $? 143
not_ok 'and all of it' kill -0 "$(cat stray)"

# ---- the time for all tests

deadline=$(($(date +%s) + 2))
FETTLE_TEST_DEADLINE=$deadline run_fails 99 'a test that reaches the end of all time' \
	"$run_test" sleep 60
like 'is ended' "$out" '^Bail out! it was ended after [0-9] s$'
FETTLE_TEST_DEADLINE=$deadline run_fails 99 'the next one is not begun' \
	"$run_test" touch begun
like 'which is said' "$out" '^Bail out! not begun'
not_ok 'and true' test -e begun

# ---- how it runs

FETTLE_TEST_TIMES=$T/times run_ok 'a test that is well' "$run_test" true
like 'its time is told' "$(cat "$T/times")" '^ +0\.[0-9] +0\.[0-9]  true$'
is 'it has nothing to read' "$(echo something | "$run_test" cat)" ''
is 'and is the first of its session' "$("$run_test" sh -c '
	[ "$(cut -d " " -f 6 /proc/$$/stat)" = $$ ] && echo yes')" yes
done_testing
