#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A protected service stays as it is (files, images, containers) on every route, at
# every time, whoever tries, until everybody who has to agree did; then it is changed
# once. On the engine of t/liar; `t5620-protected.sh PATTERN` plays some scenes only.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
need python3 unshare mount

modules=${FETTLE_MODULES:-$FETTLE_BUILD/t/modules}
[ -d "$modules/plugins/test" ] || bail 'the test modules are not built'

# What modules find in PATH is fixed, so what stands for compose is mounted there,
# in a mount namespace of the test's own.
mkdir bin
for name in docker docker-compose; do
	cp "$FETTLE_SRC/t/liar/compose" "bin/$name"
done
mkdir scenes
own=--mount
[ "$(id -u)" -eq 0 ] || own='--mount --map-root-user'
[ -d /usr/local/sbin ] || skip_all 'there is no /usr/local/sbin to mount upon'
# shellcheck disable=SC2086
unshare $own true 2>"$T/err" || skip_all "$(cat "$T/err")"
# shellcheck disable=SC2016,SC2086
unshare $own sh -c '
	mount --bind bin /usr/local/sbin && exec "$@"
' sh "$FETTLE_SRC/t/liar/protected" "$T/scenes" "$FETTLE_BINDIR/fettle" "$modules" "$@"
