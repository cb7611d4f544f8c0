#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The JSON Schemas: a real validator takes what Fettle takes, and refuses what
# a schema can refuse of bad input.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
need jq python3
python3 -W ignore -c 'import jsonschema, yaml; jsonschema.Draft202012Validator' 2>/dev/null ||
	skip_all 'python3-jsonschema or python3-yaml is not installed'

run_ok 'the schema of a pipeline' fettle schema pipeline
cp "$T/out" "$T/pipeline.json"
run_ok 'the schema of a project file' fettle schema project
cp "$T/out" "$T/project.json"
is 'every step type is in it' \
	"$(jq -r '."$defs".step.properties.uses.enum[]' "$T/pipeline.json" | LC_ALL=C sort)" \
	"$(fettle plugins --json | jq -r '.[] | select(.kind == "step") | .name' | LC_ALL=C sort)"
is 'and every parameter of each' \
	"$(jq -r '."$defs" | to_entries[] | select(.key | startswith("with-")) | .value.properties | keys[]' \
		"$T/pipeline.json" | LC_ALL=C sort)" \
	"$(fettle plugins --json | jq -r '.[].description.params[].name' | LC_ALL=C sort)"

cat >"$T/validate.py" <<'PYTHON'
"""Prints `FILE: ok`, or `FILE: why`, for each file; YAML as its version 1.2 has it."""
import json, re, sys, warnings
warnings.simplefilter("ignore")
import jsonschema, yaml

class Loader(yaml.SafeLoader):
    pass

Loader.yaml_implicit_resolvers = {}
for tag, regex, first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
     "-+0123456789."),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
):
    Loader.add_implicit_resolver("tag:yaml.org,2002:" + tag, re.compile("^(?:" + regex + ")$"), first)

def integer(loader, node):
    return int(node.value, 0) if node.value[:2] in ("0o", "0x") else int(node.value)

Loader.add_constructor("tag:yaml.org,2002:int", integer)

schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
for name in sys.argv[2:]:
    try:
        document = yaml.load(open(name, encoding="utf-8"), Loader)
    except Exception as error:
        print(f"{name}: not YAML")
        continue
    errors = sorted(validator.iter_errors(document), key=str)
    print(f"{name}: {errors[0].message[:200] if errors else 'ok'}")
PYTHON
validate() # SCHEMA FILE...
{
	schema=$T/$1.json
	shift
	python3 "$T/validate.py" "$schema" "$@" 2>&1
}
run_ok 'both are schemas of draft 2020-12' sh -c '
	python3 "$1" "$2" && python3 "$1" "$3"' sh "$T/validate.py" "$T/pipeline.json" "$T/project.json"

# ---- what Fettle takes

corpus=$FETTLE_SRC/t/corpus/yaml
of_corpus() # READS CODE-REGEX: the files of the cases that are read so and give this code
{
	for expect in "$corpus"/*.expect; do
		file=${expect%.expect}.yaml
		grep -Eq "^reads ($1)\$" "$expect" && grep -Eq "^code ($2)\$" "$expect" &&
			[ -f "$file" ] && printf '%s\n' "$file"
	done
}

# taken SCHEMA FILE...: each is a claim.
taken()
{
	validate "$@" >"$T/validated"
	while read -r line; do
		is "taken: ${line%%: *}" "${line#*: }" ok
	done <"$T/validated"
}
sed -n 's/^[\t ]*"\(.*\)\\n".*/\1/p' "$FETTLE_SRC/core/model/builtin.c" >"$T/builtin.yaml"
# shellcheck disable=SC2046
taken pipeline "$T/builtin.yaml" $(of_corpus 'pipeline|plan|inputs' ok)
# shellcheck disable=SC2046
taken project $(of_corpus project ok) $(find "$FETTLE_SRC/examples" -name fettle.yaml)
for page in pipeline project; do
	sed -n '/^=head1 SYNOPSIS/,/^=head1 DESCRIPTION/s/^  //p' "$FETTLE_SRC/doc/fettle-$page.pod" \
		>"$T/synopsis-$page.yaml"
	taken "$page" "$T/synopsis-$page.yaml"
done

# ---- what it refuses, as far as a schema can know

refusable='key\.(unknown|missing|unsupported)|type\.(string|bool|int|real|duration|size|list|map|choice)'
refusable="$refusable|id\\.grammar|pipeline\\.(version|empty|step_type)|env\\.(name|denied)"
refusable="$refusable|project\\.(version|name)|param\\..*|secret\\.ref|yaml\\.root_type"
# Known to `fettle check` alone: empty texts and numbers out of a range that depends.
beyond='Y53-quoted-empty|T11-allow'
refused()
{
	schema=$1
	shift
	validate "$schema" "$@" >"$T/validated"
	while read -r line; do
		isnt "refused: ${line%%: *}" "${line#*: }" ok
	done <"$T/validated"
}
# shellcheck disable=SC2046
refused pipeline $(of_corpus 'pipeline|plan' "$refusable" | grep -Ev "/($beyond)\.yaml")
# shellcheck disable=SC2046
refused project $(of_corpus project "$refusable" | grep -Ev "/($beyond)\.yaml")

one() # WITH CLAIM [USES]: a step with this is refused by the schema and by check
{
	printf 'fettle: 1\nsteps:\n  - { id: a, uses: %s, with: %s }\n' "${3:-verify/command}" "$1" >one.yaml
	isnt "$2: refused by the schema" "$(validate pipeline one.yaml)" 'one.yaml: ok'
	run_fails 2 "$2: refused by check" fettle check -p ./one.yaml
}
one '{ argv: [x], agrv: [x] }' 'an unknown parameter'
one '{}' 'a missing parameter'
one '{ argv: x }' 'a text where a list is due'
one '{ argv: [x], within: 5 }' 'a duration without its unit'
one '{ argv: [x], capture: yes }' 'a boolean that is none' analyze/command
one '{ source: lgos }' 'none of the choices' analyze/logs
printf 'fettle: 1\nsteps:\n  - { id: a, uses: verify/command, with: { argv: [x], within: "${{ inputs.t }}" } }\ninputs: { t: { type: duration } }\n' >one.yaml
is 'an expression stands for any value' "$(validate pipeline one.yaml)" 'one.yaml: ok'
run_ok 'also for check' fettle check -p ./one.yaml
done_testing
