#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A Docker engine and a compose that lie: whatever they say, a run never ends as
# succeeded when the service is not well, nor as rolled back when it is not.
# All in t/liar; `t8250-liar.sh PATTERN` tells only the lies that match.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
need python3 unshare mount

# What modules find in PATH is fixed, so what stands for compose is mounted there,
# in a mount namespace of the test's own.
mkdir bin
for name in docker docker-compose; do
	cp "$FETTLE_SRC/t/liar/compose" "bin/$name"
done
mkdir cells
own=--mount
[ "$(id -u)" -eq 0 ] || own='--mount --map-root-user'
[ -d /usr/local/sbin ] || skip_all 'there is no /usr/local/sbin to mount upon'
# shellcheck disable=SC2086
unshare $own true 2>"$T/err" || skip_all "$(cat "$T/err")"
# shellcheck disable=SC2016,SC2086
unshare $own sh -c '
	mount --bind bin /usr/local/sbin && exec "$@"
' sh "$FETTLE_SRC/t/liar/liar" "$T/cells" "$FETTLE_BINDIR/fettle" "$@"
