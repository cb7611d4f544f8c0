#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# `fettle plugin check` says what the loader would; `fettle plugin new` writes a
# package that builds and whose own test passes.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
need cc make pkg-config jq

export PKG_CONFIG_PATH="${FETTLE_LIBDIR%/fettle}/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$FETTLE_STAGE"
PATH=$FETTLE_BINDIR:$PATH
export PATH
umask 022

# ---- check: what is wrong, and where -----------------------------------

cat >good.c <<'C'
#include <fettle/plugin.h>
static int run(struct fettle_ctx *ctx) { (void)ctx; return FETTLE_OK; }
#ifndef STAGE
#define STAGE FETTLE_BUILD
#endif
#ifndef NAME
#define NAME "build/good"
#endif
#ifndef PARAM
#define PARAM { "count", FETTLE_INT, 0, "3", "1..9", "How many." }
#endif
#ifndef MORE
#define MORE
#endif
#ifndef HEAD
#define HEAD FETTLE_STEP_HEAD
#endif
static const char *const kinds[] __attribute__((unused)) = { "odd", NULL };
static const struct fettle_param params[] = { PARAM };
static const struct fettle_step step = {
	.head = HEAD, .name = NAME, .version = "1", .summary = "Works.",
	.stage = STAGE, .params = FETTLE_TABLE(params), .run = run MORE };
#ifndef NOTHING
FETTLE_STEP(step)
#endif
C

# module FILE FLAG...: builds good.c as that file.
module()
{
	file=$1
	shift
	# shellcheck disable=SC2046
	cc -shared -fPIC -fvisibility=hidden $(pkg-config --cflags fettle) "$@" \
		-o "$file" good.c $(pkg-config --libs fettle) || bail "good.c does not build"
}

# refused CLAIM CODE REGEX: good.so is refused so, as text and as JSON.
refused()
{
	run_fails 2 "$1: refused" fettle plugin check good.so
	like "$1: the reason is told" "$out" "$3"
	like "$1: and the file is named" "$out" '^bad +.*good\.so'
	run_fails 2 "$1: as JSON, too" fettle plugin check --json good.so
	is "$1: with its code" "$(json '.[0] | [.ok, .code] | join(" ")')" "false $2"
}

module good.so '-DPARAM={ "count", FETTLE_INT, 0, "30", "1..9", "How many." }'
refused 'a preset that is not accepted' plugin.description "preset of 'count'"
module good.so '-DPARAM={ "count", 99, 0, 0, 0, "How many." }'
refused 'a type that is none' plugin.description "'count' of its params has an unknown type"
module good.so '-DPARAM={ "Count", FETTLE_INT, 0, 0, 0, "How many." }'
refused 'a parameter without a proper name' plugin.description 'no proper name'
module good.so '-DPARAM={ "go", FETTLE_LIST, FETTLE_COMMAND, 0, 0, "What to run." }'
refused 'a command that is no program' plugin.description "'go' of its params is a command, but no program"
module good.so '-DPARAM={ "go", FETTLE_LIST, FETTLE_INSTALLED, 0, 0, "What to run." }'
refused 'what is to be there and is no program' plugin.description "'go' of its params is a command, but no program"
module good.so '-DPARAM={ "env", FETTLE_LIST, FETTLE_ENVIRONMENT, 0, 0, "Variables." }'
refused 'an environment that is no map' plugin.description "'env' of its params is an environment, but no map"
module good.so '-DPARAM={ "codes", FETTLE_LIST, 0, 0, "few", "Numbers." }'
refused 'a list of what is no number' plugin.description "'accept' of 'codes' does not fit its type"
module good.so '-DPARAM={ "codes", FETTLE_LIST, 0, "[7]", "1..5", "Numbers." }'
refused 'a preset with a number out of it' plugin.description "preset of 'codes'"
module good.so '-DPARAM={ "go", FETTLE_LIST, FETTLE_PROGRAM | FETTLE_COMMAND, 0, 0, "What to run." }' \
	'-DMORE=, .propose = run'
refused 'a command that is proposed twice' plugin.description 'and it has propose\(\) as well'
module good.so '-DSTAGE=FETTLE_BUILD | FETTLE_PATCH'
refused 'two stages' plugin.description 'not exactly one'
module good.so '-DNAME="good"'
refused 'a name without a stage' plugin.description 'STAGE/NAME'
module good.so '-DNAME="build/better"'
refused 'another name than its file' plugin.name "called 'better.so'"
module good.so -DNOTHING
refused 'no module at all' plugin.symbol "exports no 'fettle_plugin'"
module good.so '-DHEAD={ FETTLE_MAGIC, 9, 0, sizeof(struct fettle_step), FETTLE_KIND_STEP }'
refused 'another ABI' plugin.abi 'built for ABI 9.0, this is 0\.'
module good.so
chmod g+w good.so
refused 'a file that others may write' plugin.trust 'may write it'
rm good.so
printf 'no shared object' >good.so
refused 'a file that is something else' plugin.load 'good.so'
rm good.so
refused 'a file that is not there' plugin.missing 'good.so'

module good.so
cp good.so better.so
run_fails 2 'one bad file among good ones is enough' fettle plugin check good.so better.so
like 'the good one is told' "$out" '^ok +.*good\.so'
like 'and the bad one' "$out" '^bad +.*better\.so'
run_ok 'a good module' fettle plugin check good.so
like 'is told with its name, stage and summary' "$out" 'build/good 1, build: Works\.'
like 'with callbacks and tables' "$out" 'run; 1 parameter, 0 outputs'
run_ok 'as JSON' fettle plugin check --json good.so
is 'with where it belongs' "$(json '.[0].install')" plugins/build/good.so
is 'and the whole description' "$(json '.[0].description.params[0].name')" count
module good.so '-DMORE=, .propose = run, .effects = kinds'
run_ok 'an effect nobody undoes is no fault' fettle plugin check good.so
like 'but worth a word' "$out" "undoes effect kind 'odd'"
run_ok "Fettle's own modules are good" fettle plugin check -q "$FETTLE_LIBDIR"/plugins/*/*.so \
	"$FETTLE_LIBDIR"/policies/*.so
is 'and there is nothing to say about them' "$out" ''
is 'nothing is left behind' "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'fettle-check-*' -user "$(id -un)" -mmin -1 | wc -l)" 0

# ---- new ----------------------------------------------------------------

run_fails 1 'a step needs a stage' fettle plugin new greet
like 'and an example is told' "$err" 'patch/greet'
run_fails 1 'one that exists' fettle plugin new patches/greet
like 'they are listed' "$err" 'stages are analyze, patch,'
run_fails 1 'no rollback step without an effect' fettle plugin new rollback/greet
like 'the way is told' "$err" 'kind rollback'
run_fails 1 'no kind that is none' fettle plugin new greet --kind module
run_fails 1 'no name of dots' fettle plugin new patch/../greet
run_fails 1 'a second word is needed' fettle plugin
like 'and listed' "$err" 'goes on with new, check'
run_fails 1 'one that exists' fettle plugin chek
like 'the nearest is told' "$err" 'did you mean `check`'
mkdir greet
run_fails 1 'what exists is never touched' fettle plugin new patch/greet
is 'not even added to' "$(ls -A greet)" ''
rmdir greet
FETTLE_DATADIR=$T/nowhere run_fails 1 'without templates' fettle plugin new patch/greet
is 'nothing is half done' "$(find . -name '*greet*')" ''

# package CLAIM ARGUMENT...: makes one, builds it and runs its test.
package()
{
	claim=$1
	shift
	run_ok "$claim: written" fettle plugin new "$@"
	like "$claim: what is next is told" "$out" '^next: cd '
	cd "$(printf '%s\n' "$out" | sed -n 's/^next: cd \([^ ]*\).*/\1/p')" || bail 'no package'
	run_ok "$claim: builds without a warning" make CFLAGS='-O2 -Wall -Wextra -Werror'
	is "$claim: nothing is left to fill in" "$(grep -rlE '@[A-Z]+@' . | wc -l)" 0
	run_ok "$claim: its test passes" make check
	like "$claim: and claims something" "$out" '^1\.\.[2-9]'
	cd ..
}
package 'a step' patch/greet
package 'a step of another stage' analyze/look-around
package 'a policy' no-wiping --kind policy
package 'a rollback module' --kind rollback mark
is 'and the step whose effect it undoes' "$(ls mark/plugins/restart/mark.c)" mark/plugins/restart/mark.c
run_ok 'as JSON' fettle plugin new --json verify/look
is 'the files are listed' "$(json '.files | index("look/plugins/verify/look.c") != null')" true
done_testing
