#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The example of fettle-plugin(3), built as its reader would, works, and so does
# the package examples/out-of-tree. `make installcheck` runs this, too.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
need cc pkg-config jq

prefix_dir=${FETTLE_LIBDIR%/fettle}
export PKG_CONFIG_PATH="$prefix_dir/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$FETTLE_STAGE"

# request CALL [JQ-FILTER]: a request for the module, as the engine would keep it.
request()
{
	mkdir -p ws
	jq -n --arg call "$1" --arg so "$T/greet.so" --arg ws "$T/ws" '{
		fettle: 1, call: $call, scratch: "/nowhere", workspace: $ws,
		modules: [{ path: $so, params: { file: "hello.txt", whom: "Ada" } }],
		facts: { "project.directory": $ws }
	}'" ${2:+| $2}" >request.json
}

replay()
{
	"$FETTLE_LIBDIR/fettle-host" --replay request.json
}

sed -n '/^=head1 EXAMPLE/,/^In a pipeline/s/^    //p' "$FETTLE_SRC/doc/fettle-plugin.pod" >greet.c
# shellcheck disable=SC2046 # The flags are words.
ok 'the example compiles without a warning' cc -std=c99 -Wall -Wextra -Werror -Wno-missing-field-initializers \
	-shared -fPIC -fvisibility=hidden $(pkg-config --cflags fettle) -o greet.so greet.c \
	$(pkg-config --libs fettle)
is 'pkg-config knows where modules go' "$(pkg-config --variable=pluginsdir fettle)" \
	"$FETTLE_STAGE${FETTLE_LIBDIR#"$FETTLE_STAGE"}/plugins"

request describe
run_ok 'it can be described' replay
is 'under its name' "$(json 'select(.e == "describe").description.name')" patch/greet
is 'after the jail was told' "$(printf '%s\n' "$out" | head -n 1 | jq -r .e)" jail

request check
run_ok 'its check says yes' replay

request propose
run_ok 'it proposes' replay
is 'a greeting' "$(json 'select(.e == "edit").content')" 'hello Ada'
is 'of a file that is not there' "$(json 'select(.e == "edit").pre')" null
is 'and a command' "$(json 'select(.e == "command").argv | join(" ")')" 'wc -l'

echo 'hello' >ws/hello.txt
run_ok 'it finds nothing to do when somebody is greeted' replay
is 'and says so' "$(json 'select(.e == "result").result')" noop

request run
run_fails 1 'a run is never replayed' replay
like 'and the reason is told' "$err" 'not repeated'
request check '.modules[0].params = {} | .workspace = "relative"'
run_fails 1 'a wrong request is refused' replay
like 'and the reason is told' "$err" 'workspace'
run_fails 1 'a request that is missing is refused' "$FETTLE_LIBDIR/fettle-host" --replay none.json
run_fails 1 'the host is not for people' "$FETTLE_LIBDIR/fettle-host"
like 'and says how it is used' "$err" 'usage'

chmod g+w greet.so
request check
run_fails 1 'a module that others may write is refused' replay
is 'with its code' "$(json 'select(.e == "result").code')" plugin.trust

# A package needs the header and fettle.pc, and nothing of the source.
need make
cp -R "$FETTLE_SRC/examples/out-of-tree" package
chmod -R u+w package
cd package || bail 'no package'
PATH=$FETTLE_BINDIR:$PATH
export PATH
run_ok 'the package builds without a warning' make CFLAGS='-O2 -Wall -Wextra -Werror'
run_ok 'the loader finds nothing wrong, and all its tests pass' make check
like 'one run is denied' "$out" 'ok [0-9]+ - a release without a ticket is denied'
like 'one fails and is undone' "$out" 'ok [0-9]+ - and the link leads back'
like 'one succeeds' "$out" 'ok [0-9]+ - a good release succeeds'
is 'none of them fails' "$(printf '%s\n' "$out" | grep -c '^not ok')" 0
run_ok 'it can be installed' make install DESTDIR="$T/root" pkglibdir=/lib
is 'all three modules, where Fettle looks' "$(cd "$T/root/lib" && find . -name '*.so' | sort | tr '\n' ' ')" \
	'./plugins/restart/symlink.so ./plugins/rollback/symlink.so ./policies/ticket.so '
done_testing
