#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion knows exactly the verbs and options that the parser knows, and what
# there is: runs, services, pipelines, modules. Tried with the shells themselves.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
PATH=$FETTLE_BINDIR:$PATH
export PATH
help=$(fettle --help)

# column HEADING: the first columns below a heading of the help.
column()
{
	printf '%s\n' "$help" | awk -v heading="$1" 'index($0, heading) == 1 { on = 1; next }
		/^$/ { on = 0 } on' | sed 's/^ *//; s/  .*//'
}

run_fails 1 'a shell that is none' fettle completion csh
like 'those there are, are named' "$err" 'bash, zsh and fish'
for shell in bash zsh fish; do
	run_ok "a script for $shell" fettle completion $shell
	printf '%s\n' "$out" >"fettle.$shell"
	is "$shell: every long option is in it" \
		"$(column options | grep -oE -- '--[a-z-]+' | while read -r option; do
			grep -qE -- "(--|-l )${option#--}( |\$|\"|'|\)|:)" "fettle.$shell" || echo "$option"
		done)" ''
	is "$shell: every verb is in it" "$(column verbs | sed 's/ [A-Z[].*//' | while read -r verb; do
		grep -qE -- "(^|[ '])${verb##* }[ ':]" "fettle.$shell" || echo "$verb"
	done)" ''
	if command -v "$shell" >/dev/null 2>&1; then
		ok "$shell reads it" "$shell" -n "fettle.$shell"
	else
		skip "$shell reads it" "$shell is not installed"
	fi
done
for file in bash-completion/completions/fettle zsh/site-functions/_fettle \
	fish/vendor_completions.d/fettle.fish; do
	ok "$file is installed" test -s "$FETTLE_DATADIR/../$file"
done
same_file 'as the program prints it' "$FETTLE_DATADIR/../bash-completion/completions/fettle" fettle.bash

command -v bash >/dev/null 2>&1 || {
	done_testing
}

# one_line: what is offered, sorted, in one line.
one_line()
{
	sed 's/ *$//' | LC_ALL=C sort | tr '\n' ' '
}

# offers WORD...: what bash offers for the last word, one line each, sorted.
offers()
{
	# shellcheck disable=SC2016
	bash -c '. ./fettle.bash
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_fettle
		printf "%s\n" "${COMPREPLY[@]}"' bash fettle "$@" 2>&1 | one_line
}

offers_fish() # WORD...
{
	# shellcheck disable=SC2016
	fish -c 'source fettle.fish; complete -C "$argv"' "fettle $*" 2>&1 | cut -f 1 | sed 's/^--[a-z]*=//' |
		one_line
}

# What the completion system of zsh would be given, by stand-ins for its functions;
# it offers what begins as the last word does.
offers_zsh() # WORD...
{
	# shellcheck disable=SC2016
	zsh -f -c '
		compadd() { print -rl -- ${(P)2} }
		_describe() { print -rl -- ${(@)${(@P)@[-1]}%%:*} }
		_files() { print -rl -- *(N) }
		compset() { PREFIX=${PREFIX#*=} }
		words=("$@") CURRENT=$# PREFIX=$@[-1]
		. ./fettle.zsh | while read -r word; do
			[[ $word == ${${@[-1]}##*=}* ]] && print -r -- $word
		done' zsh fettle "$@" 2>&1 | one_line
}

cat >docker-compose.yml <<'YAML'
services: { web: { image: x }, worker: { image: x } }
YAML
cat >fettle.yaml <<'YAML'
fettle: 1
project: t
compose: { files: [docker-compose.yml] }
services: { web: {}, worker: {} }
pipelines: { deploy: deploy.yaml }
YAML
cat >one.yaml <<'YAML'
fettle: 1
name: one
steps: [{ id: look, uses: analyze/command, with: { argv: ['true'] } }]
YAML
fettle run -q -p ./one.yaml >/dev/null
run=$(fettle runs -q)
mkdir folder

is 'verbs by their beginning' "$(offers ru)" 'run runs '
is 'a group by its own' "$(offers plugin '')" 'check new '
is 'a second word' "$(offers store re)" 'rebuild restore '
is 'options of a verb' "$(offers runs --o)" '--offset '
is 'not those of another' "$(offers runs --u)" ' '
is 'those of all verbs' "$(offers store gc --no)" '--no-color '
is 'runs' "$(offers show '')" "$run last "
is 'by their beginning' "$(offers logs 2)" "$run "
is 'services of the project' "$(offers run -s w)" 'web worker '
is 'with an equal sign, too' "$(offers run --service = wo)" 'worker '
is 'pipelines and files' "$(offers run -p '' | tr ' ' '\n' | grep -cE '^(deploy|repair|one.yaml)$')" 3
is 'states' "$(offers runs --state r)" 'rollback_failed rolled_back rolling_back running '
is 'kinds of modules' "$(offers plugin new x --kind '')" 'policy rollback step '
is 'modules' "$(offers plugins build/)" 'build/command build/compose '
is 'files' "$(offers plugin check one)" 'one.yaml '
touch folly
is 'directories only' "$(offers -C fol)" 'folder '
is 'an option does not hide the verb' "$(offers -C folder runs --lim)" '--limit '
is 'shells' "$(offers completion z)" 'zsh '
is 'an instruction is free text' "$(offers run '')" ' '

offered() # CLAIM WORDS WANT: by $shell
{
	if command -v "$shell" >/dev/null 2>&1; then
		is "$shell: $1" "$("offers_$shell" $2)" "$3"
	else
		skip "$shell: $1" "$shell is not installed"
	fi
}
for shell in zsh fish; do
	offered 'verbs by their beginning' 'ru' 'run runs '
	offered 'a second word' 'store re' 'rebuild restore '
	offered 'options of a verb' 'runs --o' '--offset '
	offered 'those of all verbs' 'store gc --no' '--no-color '
	offered 'by its beginning a run' 'logs 2' "$run "
	offered 'services of the project' 'run -s w' 'web worker '
	offered 'with an equal sign, too' 'run --service=wo' 'worker '
	offered 'states' 'runs --state r' 'rollback_failed rolled_back rolling_back running '
	offered 'modules' 'plugins build/' 'build/command build/compose '
	offered 'files' 'plugin check one' 'one.yaml '
	offered 'an option does not hide the verb' '-C folder runs --lim' '--limit '
	offered 'nor does help' 'help sto' 'store '
done
rm fettle.yaml
is 'without a project there are no services' "$(offers run -s '')" ' '
FETTLE_STATE_DIR=$T/nowhere
is 'without a store there are no runs' "$(offers show '')" 'last '
is 'and none is made' "$(find "$T/nowhere" 2>/dev/null)" ''
done_testing
