#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SIGKILL at the mutating system calls of a run that rolls back another, of its order
# when it waits for people, and of the approval that lets it go on. What has begun is
# finished by the next process, what has not is ended with nothing changed and can be
# ordered again: never half, never twice.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/kill.sh"
[ "$(id -u)" -eq 0 ] || skip_all 'only root can be somebody else here'
: "${FETTLE_KILL_POINTS:=20}"
test_modules
people='  bob: { users: [bob], roles: [sre] }'

# A repair that stands: three files, one of them twice, and an effect.
begin() # [POLICIES]: of the site, from then on
{
	rm -rf "$W/work" "$FETTLE_STATE_DIR" "$W/warm"
	mkdir -p "$W/work/sub"
	printf 'one\ntwo\n' >"$W/work/sub/a.txt"
	printf 'here' >"$W/work/gone.txt"
	chmod 0700 "$W/work/gone.txt"
	: >"$W/world"
	cat >"$W/work/p.yaml" <<YAML
fettle: 1
name: p
steps:
  - id: patch
    uses: patch/apply
    with:
      edits:
        - { op: replace, path: sub/a.txt, find: one, with: changed }
        - { op: write, path: new.txt, content: "made" }
        - { op: delete, path: gone.txt }
  - id: more
    uses: patch/apply
    with: { edits: [{ op: replace, path: sub/a.txt, find: two, with: also }] }
  - { id: restart, uses: restart/command, with: { argv: [sh, -c, 'echo up >>$W/world'] } }
on_failure:
  - { id: undo, uses: rollback/command, with: { argv: [sh, -c, 'echo down >>$W/world'] } }
YAML
	FETTLE_SITE_FILE=$W/site.yaml
	site
	clean=$(tree_hash "$W/work")
	fettle -C "$W/work" run -p ./p.yaml >"$W/out" 2>&1 || bail "$(cat "$W/out")"
	repair=$(fettle runs -q -n 1)
	changed=$(tree_hash "$W/work")
	site "${1:-}"
}

keep_warm()
{
	cp -a "$FETTLE_STATE_DIR" "$W/warm"
	cp -a "$W/work" "$W/world" "$W/warm"
}

fresh()
{
	rm -rf "$FETTLE_STATE_DIR" "$W/work"
	cp -a "$W/warm" "$FETTLE_STATE_DIR"
	mv "$FETTLE_STATE_DIR/work" "$FETTLE_STATE_DIR/world" "$W"
}

newest() # the state of the latest rollback, or nothing
{
	sql "SELECT state FROM runs WHERE rolls_back = '$repair' ORDER BY n DESC LIMIT 1"
}

# One that has not begun leaves all as it was; one that ended well has put it back.
judge()
{
	state=$(newest)
	tree=$(tree_hash "$W/work")
	down=$(grep -c down "$W/world")
	case $state in
	succeeded)
		[ "$tree" = "$clean" ] || { echo 'succeeded, and the tree is mixed'; ls -laR "$W/work"; }
		[ "$down" -ge 1 ] || echo 'succeeded, and the effect stands'
		;;
	'' | failed | awaiting_approval)
		[ "$tree" = "$changed" ] || echo "'$state', and the tree is another one"
		[ "$down" -eq 0 ] || echo "'$state', and the effect was undone"
		;;
	*) echo "it is $state" ;;
	esac
}

# What holds of the two runs when all is over.
judge_end()
{
	[ "$(tree_hash "$W/work")" = "$clean" ] || echo 'in the end the tree is mixed'
	[ "$(grep -c up "$W/world")" -eq 1 ] || echo 'the effect was caused again'
	[ "$(grep -c down "$W/world")" -le 2 ] || echo 'undone more often than it was cut off'
	sql "SELECT 'the repair is ' || state || ', put back by ' || coalesce(rolled_back_by, 'nobody')
			FROM runs r WHERE run = '$repair' AND NOT (state = 'succeeded' AND EXISTS
			(SELECT 1 FROM runs b WHERE b.run = r.rolled_back_by AND b.state = 'succeeded'
			AND b.rolls_back = r.run));
		SELECT 'told ' || count(*) || ' times' FROM events WHERE kind = 'run.undone'
			AND run = '$repair' HAVING count(*) <> 1;
		SELECT 'something stands of ' || run FROM standing WHERE undone_seq IS NULL;
		SELECT 'put back twice: ' || run FROM events WHERE kind = 'step.ended'
			AND json_extract(body, '\$.step') = 'undo'
			AND json_extract(body, '\$.state') = 'succeeded' GROUP BY 1 HAVING count(*) > 1"
	whole
}

# ---- nobody is asked ----

settle()
{
	fettle work --drain >"$W/next" 2>&1 || echo "next: $(cat "$W/next")"
	judge
	# Who got no answer asks again.
	[ "$state" = succeeded ] ||
		fettle rollback "$repair" >"$W/again" 2>&1 || echo "again: $(cat "$W/again")"
	judge_end
}

plain()
{
	begin
	keep_warm
	goal=succeeded
	sweep plain 0 '-c mutating' "$FETTLE_BINDIR/fettle" rollback "$repair" --reason why
	sweep plain "$FETTLE_KILL_POINTS" '-c pages' "$FETTLE_BINDIR/fettle" rollback "$repair"
}

# ---- people are ----

agree() # with what waits now, if anything does
{
	waits=$(sql "SELECT run FROM runs WHERE rolls_back = '$repair' AND state = 'awaiting_approval'")
	[ -z "$waits" ] || as bob approve "$waits" --digest \
		"$(fettle show "$waits" --json | jq -r .hold.digest)" >"$W/agreed" 2>&1 ||
		echo "agreed: $(cat "$W/agreed")"
}

settle_held()
{
	fettle work --drain >"$W/next" 2>&1 || echo "next: $(cat "$W/next")"
	judge
	was=$state
	[ "$state" = awaiting_approval ] || [ "$state" = succeeded ] ||
		fettle rollback "$repair" >"$W/again" 2>&1
	agree
	judge
	[ "$state" = succeeded ] || echo "agreed to, it is $state"
	judge_end
	sql "SELECT 'begun without a yes: ' || run FROM events i WHERE kind = 'step.intent'
		AND json_extract(body, '\$.step') = 'revert' AND NOT EXISTS (SELECT 1 FROM events c
		WHERE c.run = i.run AND c.kind = 'hold.consumed' AND c.seq < i.seq)"
	state=$was
}

policy='policies: [{ uses: ask, with: { before: rollback } }]
'

ordered()
{
	settle() { settle_held; }
	begin "$policy"
	keep_warm
	goal=awaiting_approval
	sweep ordered 0 '-c mutating' "$FETTLE_BINDIR/fettle" rollback "$repair"
	sweep ordered "$FETTLE_KILL_POINTS" '-c pages' "$FETTLE_BINDIR/fettle" rollback "$repair"
}

agreed()
{
	settle() { settle_held; }
	begin "$policy"
	fettle rollback "$repair" >"$W/out" 2>&1
	[ "$(newest)" = awaiting_approval ] || bail "$(cat "$W/out")"
	run=$(fettle runs -q -n 1)
	digest=$(fettle show "$run" --json | jq -r .hold.digest)
	keep_warm
	goal=succeeded
	SUDO_USER=bob
	export SUDO_USER
	sweep agreed 0 '-c mutating' "$FETTLE_BINDIR/fettle" approve "$run" --digest "$digest"
	sweep agreed "$FETTLE_KILL_POINTS" '-c pages' "$FETTLE_BINDIR/fettle" approve "$run" \
		--digest "$digest"
}

in_turn 1 plain &
first=$!
in_turn 2 ordered agreed
wait "$first"
killed_enough 100
done_testing
