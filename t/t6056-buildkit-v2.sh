#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# t6055 with the real `docker compose`, version 2.
# shellcheck disable=SC2034
with_compose_v2=1
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/t6055-buildkit.sh"
