#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The package against the installed Fettle: a release that is good, one that is
# not and is undone, one that is denied. `make check` runs it; TAP.
set -u
umask 022
fettle=${FETTLE:-fettle}
lib=${FETTLE_LIBDIR:-$("${PKG_CONFIG:-pkg-config}" --variable=pkglibdir fettle)}
T=$(mktemp -d) && trap 'rm -rf "$T"' EXIT || exit 1
count=0
bad=0

# is CLAIM GOT WANT
is()
{
	count=$((count + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $count - $1"
	else
		bad=$((bad + 1))
		printf 'not ok %s - %s\n# got  %s\n# want %s\n' "$count" "$1" "$2" "$3"
		sed 's/^/# /' "$T/out"
	fi
}

# Fettle's modules and ours in one directory, so that nothing has to be installed.
mkdir "$T/lib" && ln -s "$lib/fettle-host" "$T/lib" || exit 1
cp -R "$lib/plugins" "$lib/policies" "$T/lib" || exit 1
for module; do
	mkdir -p "$T/lib/${module%/*}" && cp "$module" "$T/lib/$module" || exit 1
done
cp release.yaml "$T"
FETTLE_LIBDIR=$T/lib FETTLE_STATE_DIR=$T/state
export FETTLE_LIBDIR FETTLE_STATE_DIR

app=$T/app
for release in 1 2 3; do
	mkdir -p "$app/releases/$release"
	echo true >"$app/releases/$release/healthy"
	chmod +x "$app/releases/$release/healthy"
done
echo false >"$app/releases/3/healthy"
ln -s releases/1 "$app/current"
mkdir "$T/work" && cd "$T/work" || exit 1

# release N INSTRUCTION...: $rc, and what was printed in $T/out.
release()
{
	n=$1
	shift
	"$fettle" run -p ../release.yaml -i "directory=$app" -i "release=$n" "$@" >"$T/out" 2>&1
	rc=$?
}

release 2 'make it faster'
is 'a release without a ticket is denied' $rc 6
is 'and nothing has changed' "$(readlink "$app/current")" releases/1
release 9 'OPS-7: nine'
is 'a release that is not there is refused' $rc 2
release 3 'OPS-8: three'
is 'a release that is not healthy fails' $rc 3
is 'and the link leads back' "$(readlink "$app/current")" releases/1
release 2 'OPS-9: two'
is 'a good release succeeds' $rc 0
is 'and is current' "$(readlink "$app/current")" releases/2
release 2 'OPS-9: two'
is 'once more there is nothing to do' $rc 0
good=$("$fettle" runs -q | sed -n 2p)
"$fettle" rollback "$good" >"$T/out" 2>&1
is 'taking a release back needs a ticket too' $? 6
"$fettle" rollback "$good" --reason 'OPS-9: it was the wrong one' >"$T/out" 2>&1
is 'with one a good release can be taken back' $? 0
is 'to where it was' "$(readlink "$app/current")" releases/1
rm "$app/current"
release 3 'OPS-10: three'
is 'where there was no link' $rc 3
is 'there is none after a failure' "$(ls "$app")" releases
echo "1..$count"
[ $bad -eq 0 ]
