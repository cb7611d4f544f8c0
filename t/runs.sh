# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2034,SC2154
#
# What tests of whole runs source second: where a run works, what is recorded of it,
# the site and its people, and a run in the background.

need jq
FETTLE_SITE_FILE=$T/site.yaml
export FETTLE_SITE_FILE

# ---- where it works ----------------------------------------------------

# workspace: an empty one, entered.
workspace()
{
	mkdir "$T/work" && cd "$T/work" || bail 'no workspace'
}

# test_modules: those of t/plugins and of the tests' policies, beside the real ones.
test_modules()
{
	FETTLE_LIBDIR=${FETTLE_MODULES:-$FETTLE_BUILD/t/modules}
	export FETTLE_LIBDIR
	[ -d "$FETTLE_LIBDIR/plugins/test" ] || bail 'the test modules are not built'
}

# there_and_back NAME WAIT [UNDO]: NAME.yaml changes a.txt from one to two, has an
# effect, which says `up` in $T/world, and then does what the shell words WAIT say.
# What undoes it says `down` there and does UNDO.
there_and_back()
{
	cat >"$1.yaml" <<-YAML
		fettle: 1
		name: $1
		steps:
		  - id: patch
		    uses: patch/apply
		    with: { edits: [{ op: replace, path: a.txt, find: one, with: two }] }
		  - { id: restart, uses: restart/command, with: { argv: [sh, -c, 'echo up >>$T/world'] } }
		  - { id: wait, uses: verify/command, with: { argv: [sh, -c, '$2'] } }
		on_failure:
		  - { id: undo, uses: rollback/command, with: { argv: [sh, -c, 'echo down >>$T/world; ${3:-}'] } }
	YAML
}

# ---- what is recorded of it --------------------------------------------

sql() # QUERY
{
	sqlite3 "$FETTLE_STATE_DIR/fettle.db" "$1"
}

of_run() # RUN FILTER
{
	fettle show "$1" --json | jq -r "$2"
}

of_last() # FILTER
{
	of_run last "$1"
}

steps() # RUN: `id=state` of each, in order
{
	of_run "$1" '[.steps[] | "\(.step)=\(.state)"] | join(" ")'
}

# Every process of a step carries FETTLE_ATTEMPT=RUN/STEP/N in its environment.
leftovers() # RUN
{
	grep -lzs "^FETTLE_ATTEMPT=$1" /proc/[0-9]*/environ || true
}

# ---- the site and its people -------------------------------------------

people=

# site LINE...: the site file: $people, which are lines of YAML, and these lines.
site()
{
	{
		printf '%s\n' 'fettle: 1' 'principals:' "$people"
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} >"$FETTLE_SITE_FILE"
	chmod 644 "$FETTLE_SITE_FILE"
}

# Root acts for the account it was called from; in a user namespace anybody can.
need_people()
{
	[ "$(id -u)" -eq 0 ] || unshare -r true 2>/dev/null || skip_all 'nobody can be somebody else here'
}

as() # ACCOUNT ARGUMENT...: fettle, called from that account
{
	as_who=$1
	shift
	if [ "$(id -u)" -eq 0 ]; then
		SUDO_USER=$as_who "$FETTLE_BINDIR/fettle" "$@"
	else
		unshare -r env SUDO_USER="$as_who" "$FETTLE_BINDIR/fettle" "$@"
	fi
}

# ---- in the background -------------------------------------------------

# fettle_until FILE ARGUMENT...: in $pid, until the file is there; what it says is in
# $T/run.out. The process is fettle itself: a shell around it would get the signals.
fettle_until()
{
	t_file=$1
	shift
	"$FETTLE_BINDIR/fettle" "$@" >"$T/run.out" 2>&1 </dev/null &
	pid=$!
	wait_for 20 test -e "$t_file" || bail "fettle $* did not come so far: $(cat "$T/run.out")"
}
