# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# One JSON line a figure. A file of values has one number a line.

# stats FILE SCALE: median, spread and number of the values, multiplied. The
# spread is the distance between the quartiles.
stats()
{
	sort -n "$1" | awk -v scale="$2" '
		{ value[NR] = $1 * scale }
		function at(part) { return value[int(1 + part * (NR - 1) + 0.5)] }
		END { if (NR)
			printf "%.6g %.6g %d\n", at(0.5), at(0.75) - at(0.25), NR }'
}

# figure NAME UNIT SCALE FILE [PEER FILE]: ratio is the value over the peer's.
figure()
{
	peer=
	[ $# -lt 6 ] || peer=$(stats "$6" "$3")
	# shellcheck disable=SC2046,SC2086
	set -- "$1" "$2" "${5:-}" $(stats "$4" "$3") $peer
	if [ $# -lt 6 ]; then
		skipped "$1" 'it could not be measured'
		return
	fi
	jq -cn --arg figure "$1" --arg unit "$2" --arg peer "$3" --argjson value "$4" \
		--argjson spread "$5" --argjson runs "$6" --argjson other "${7:-null}" '
		{ figure: $figure, value: $value, unit: $unit, runs: $runs,
		  spread: $spread,
		  peer: (if $other then { name: $peer, value: $other } else null end),
		  ratio: (if $other and $other > 0
			  then ($value / $other * 100 | round / 100) else null end) }'
}

# skipped NAME REASON
skipped()
{
	jq -cn --arg figure "$1" --arg reason "$2" \
		'{ figure: $figure, skipped: $reason }'
}
