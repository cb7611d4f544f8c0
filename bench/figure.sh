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

# figure NAME UNIT SCALE BAR FILE [PEER FILE]...: medians of one run of the bench;
# a bar of - is none, and ok says whether the median is at or below it.
figure()
{
	named=$1 unit=$2 scale=$3 bar=$4 file=$5
	shift 5
	peers='[]'
	while [ $# -gt 1 ]; do
		other=$(stats "$2" "$scale")
		peers=$(echo "$peers" | jq -c --arg name "$1" \
			--argjson median "${other%% *}" '. + [{ name: $name, median: $median }]')
		shift 2
	done
	# shellcheck disable=SC2046
	set -- $(stats "$file" "$scale")
	if [ $# -eq 0 ]; then
		skipped "$named" 'it could not be measured'
		return
	fi
	jq -cn --arg name "$named" --arg unit "$unit" --argjson median "$1" \
		--argjson spread "$2" --argjson runs "$3" --arg bar "$bar" \
		--argjson peers "$peers" '
		($bar | if . == "-" then null else tonumber end) as $bar |
		{ name: $name, median: $median, unit: $unit, runs: $runs,
		  spread: $spread, bar: $bar,
		  ok: (if $bar == null then null else $median <= $bar end),
		  peers: $peers }'
}

# skipped NAME REASON
skipped()
{
	jq -cn --arg name "$1" --arg reason "$2" \
		'{ name: $name, skipped: $reason }'
}
