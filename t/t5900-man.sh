#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The manual page and the program's own tables say the same.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"

pod=$FETTLE_SRC/doc/fettle.pod
help=$(fettle --help)

# section FROM: the items of one section of the manual, without markup.
items()
{
	sed -n "/^=head1 $1\$/,/^=head1 /s/^=item //p" "$pod" | sed 's/[BIC]<\([^>]*\)>/\1/g'
}

# help_lines HEADING: the first columns below a heading of the help text.
help_lines()
{
	printf '%s\n' "$help" | awk -v heading="$1" '
		index($0, heading) == 1 { on = 1; next }
		/^$/ { on = 0 }
		on' | sed 's/^ *//; s/  .*//'
}

is 'every verb is in the manual with its arguments, and no other' \
	"$(items VERBS)" "$(help_lines verbs)"
is 'every option is in the manual with its value, and no other' \
	"$(items OPTIONS | LC_ALL=C sort)" "$(help_lines options | LC_ALL=C sort)"

capture fettle runs --state nonsense
is 'every run state is in the manual, and no other' \
	"$(items 'RUN STATES' | LC_ALL=C sort)" \
	"$(printf '%s\n' "$err" | sed -n 's/.*it is one of //p' | tr -d ',' | tr ' ' '\n' |
		LC_ALL=C sort)"
is 'every exit status is in the manual' "$(items 'EXIT STATUS' | tr '\n' ' ')" \
	"$(sed -n 's/^\tEXIT_[A-Z_]* = \([0-9]*\),.*/\1/p' "$FETTLE_SRC/core/cli/cli.h" |
		tr '\n' ' ')"
is 'every environment variable that is asked for is in the manual, and no other' \
	"$(items ENVIRONMENT | tr ',' '\n' | tr -d ' ' | LC_ALL=C sort)" \
	"$(grep -rhoE '(getenv|env_or|env_given)\("[A-Z_]+"' "$FETTLE_SRC/core/cli" "$FETTLE_SRC/core/engine" |
		grep -oE '[A-Z_]{3,}' | LC_ALL=C sort -u)"
if command -v podchecker >/dev/null 2>&1; then
	ok 'the manual is well-formed' podchecker "$pod"
else
	skip 'the manual is well-formed' 'podchecker is not installed'
fi
done_testing
