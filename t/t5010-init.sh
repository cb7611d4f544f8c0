#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# `fettle init` writes a project file from a Compose file, and never over one.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
need jq
unset DOCKER_HOST COMPOSE_PROJECT_NAME DB_PASSWORD TAG

run_fails 1 'a directory without a Compose file is refused' fettle init
like 'with what to do' "$err" 'what to do: .*docker-compose\.yml'
not_ok 'and nothing is written' test -e fettle.yaml

mkdir 'My Shop' && cd 'My Shop' || bail 'no directory'
printf 'services:\n  api: [\n' >docker-compose.yml
run_fails 1 'a broken Compose file is refused' fettle init
like 'with line and column' "$err" 'docker-compose\.yml:[0-9]+:[0-9]+: '
printf 'version: "3"\n' >docker-compose.yml
run_fails 1 'a Compose file without services is refused' fettle init
not_ok 'and nothing is written for either' test -e fettle.yaml

cat >docker-compose.yml <<-END
	version: "3.7"
	x-base: &base
	  restart: always
	  ports: ["9999:9999"]
	services:
	  api:
	    <<: *base
	    build: { context: ./api/ }
	    ports: ["127.0.0.1:8080:8000/tcp"]
	    environment:
	      DB_PASSWORD: \${DB_PASSWORD}
	      PORT: \${DB_PORT}
	      PRICE: \$\${NOT_A_VARIABLE}
	      # \$IN_A_COMMENT
	  web:
	    build: .
	    image: shop/web:\${TAG:-latest}
	  db:
	    image: postgres:15
END
printf 'DB_PORT=5432\nCOMPOSE_PROJECT_NAME="Blue Shop"\n' >.env
printf 'services:\n  db:\n    restart: always\n  cache:\n    image: redis\n' \
	>docker-compose.override.yml

run_ok 'init works' fettle init
like 'and says what it wrote' "$out" "^wrote $T/My Shop/fettle\.yaml\$"
like 'all of it' "$out" '^project: blueshop$'
like 'and what comes next' "$out" '^  fettle plan "repair missing dependency for the api service"$'
written=$(cat fettle.yaml)
like 'the override file is used too' "$written" \
	'^  files: \[docker-compose\.yml, docker-compose\.override\.yml\]$'
like 'exactly the variables that nobody else gives' "$written" '^  env: \[DB_PASSWORD\] '
like 'the env file is named' "$written" '^  env_file: \.env$'
is 'all services are there, and nothing else' \
	"$(grep -E '^  [a-z]+:( |$)' fettle.yaml | sed -n 's/^  \([a-z]*\):.*/\1/p' |
		grep -vE '^(files|env)$' | tr '\n' ' ')" 'api web db cache '
like 'a port is suggested for probes' "$written" '# +- \{ http: ":8000/", expect: 200 \}'
like 'the allow-list is shown below its build context' "$written" '# allow: \["api/Dockerfile"'
like 'or beside the file' "$written" '# allow: \["Dockerfile"'

echo '# mine' >>fettle.yaml
cp fettle.yaml "$T/mine"
run_fails 1 'a second init is refused' fettle init
like 'with what to do' "$err" 'what to do: .*move it away'
same_file 'and the file is untouched' fettle.yaml "$T/mine"
rm fettle.yaml
ln -s "$T/elsewhere" fettle.yaml
run_fails 1 'a symlink is not followed' fettle init
not_ok 'to anywhere' test -e "$T/elsewhere"
rm fettle.yaml

TAG=7 DOCKER_HOST=unix:///run/other.sock COMPOSE_PROJECT_NAME=green
export TAG DOCKER_HOST COMPOSE_PROJECT_NAME
run_ok 'init takes what the environment says' fettle -C "$T/My Shop" init --json
is 'the project' "$(json .project)" green
is 'the services' "$(json '.services | join(" ")')" 'api web db cache'
like 'an optional variable that is set' "$(json .text)" '^  env: \[DB_PASSWORD, TAG\]'
like 'the Docker engine' "$(json .text)" '^  docker_host: "unix:///run/other\.sock"$'
is 'and writes what it says' "$(cat fettle.yaml)" "$(json .text)"

# ---- what a file leaves to others, and what .env says to Compose

mkdir "$T/parts" && cd "$T/parts" || bail 'no directory'
cat >base.yml <<-'END'
	x-built: &built { build: api, ports: ["8000"] }
	services:
	  merged: { <<: *built, restart: always }
	  same: *built
	  further: { extends: { file: common.yml, service: api } }
	  db: { image: postgres:15 }
END
printf 'services:\n  db: { restart: always }\n' >production.yml
printf 'COMPOSE_FILE=base.yml:production.yml\nCOMPOSE_PROFILES=mail,debug\n' >.env
run_ok 'init works without a file of the usual name' fettle init
written=$(cat fettle.yaml)
like 'the files are those that Compose reads' "$written" '^  files: \[base\.yml, production\.yml\]$'
like 'and its profiles' "$written" '^  profiles: \[mail, debug\]$'
is 'only what has no build for sure is called so' \
	"$(printf '%s\n' "$written" | grep 'has no build section')" '  db: {}   # has no build section'
like 'a service that may have one is the example' "$out" 'for the merged service"$'
done_testing
