#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What runs is not what the files say, or they only look younger: the build tells
# which, and a person gets the command that is right for this project.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/docker.sh"

docker_engine
shop stale
cd "$shop" || bail "no shop"
shop_up
ok 'the api dies' wait_for 20 api_is_dead
broken=$(container api '{{.Image}}')
command="docker-compose -p $project -f docker-compose.yml --env-file $shop/.env"

# ---- somebody has repaired the manifest already, and built nothing

printf 'PyYAML\npython-dotenv\n' >api/requirements.txt
tree=$(tree_hash .)
run_fails 3 'a manifest that is right already' fettle run 'repair the api service'
run_ok 'the run is shown' fettle show last --json
is 'is said to build' "$(json .cause.code)" build_works
like 'with the command that brings it in' "$(json .cause.remedy)" \
	"\`$command up -d --no-deps --build api\`"
unlike 'and not with what is done already' "$(json .cause.message)" 'add'
is 'nothing of the trial is left' "$(container api '{{.Image}}') $(tree_hash .)" "$broken $tree"
ok 'that command' sh -c "DOCKER_BUILDKIT=0 $(json .cause.remedy | cut -d '`' -f 2)"
ok 'repairs it' wait_for 20 api_answers

# ---- the files are younger, as after a checkout, and say what runs

touch api/Dockerfile api/requirements.txt
world=$(world | grep -v fettle/keep)
run_fails 3 'a service that is well' fettle run 'repair the api service'
run_ok 'the run is shown' fettle show last --json
is 'is not to be built' "$(json .cause.code)" no_diagnosis
like 'with what was looked at' "$(json .cause.message)" 'level running'
cat >built.yaml <<'END'
fettle: 1
name: built
inputs: { service: { type: service } }
steps:
  - { id: analyze, uses: analyze/logs, with: { source: build } }
on_failure:
  - { id: rollback, uses: rollback/compose }
END
run_fails 3 'its build alone' fettle run -p ./built.yaml -s api
like 'tells nothing either' "$out" 'gives the image that it runs.*\[build_works\]'
rm built.yaml
is 'it is left alone' "$(world | grep -v fettle/keep)" "$world"
done_testing
