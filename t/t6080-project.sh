#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A grown project: services with dots and dashes, profiles, an override file, env
# files, replicas, in a directory below the workspace and under a name that is
# not the directory's. One service is repaired, the others are left alone.
# t6085 runs the same with `docker compose`, version 2.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/docker.sh"

docker_engine
[ -z "${with_compose_v2:-}" ] || compose_v2
site=$T/site
project=site-$$
# shellcheck disable=SC2046
set -- $(free_ports)
api_port=$1
SITE_PORT=$api_port
export SITE_PORT
unset SITE_MOTTO

# site_compose ARGUMENT...: as the operator calls it, in the project's directory.
site_compose()
{
	(cd "$site/deploy" &&
		$compose_program -p "$project" -f base.yml -f production.yml \
			--env-file "$site/deploy/site.env" --profile mail "$@" 2>&1)
}

site_end()
{
	docker ps --all --quiet --filter "label=com.docker.compose.project=$project" |
		xargs -r docker rm --force --volumes >/dev/null
	docker images --all --quiet --filter "label=fettle.site=$project" |
		xargs -r docker rmi --force >/dev/null 2>&1
	docker images --all --quiet --filter "label=fettle.site=$project" |
		xargs -r docker rmi --force >/dev/null 2>&1
}
at_exit site_end

mkdir -p "$site/deploy" "$site/services/api" "$site/services/worker" "$site/services/mail"
"$FETTLE_SRC/examples/make-wheels" "$site/services/api/wheels"
cp -R "$site/services/api/wheels" "$site/services/worker/"
cat >"$site/deploy/base.yml" <<-'END'
	x-idle: &idle
	  image: fettle-demo/python:3
	  network_mode: none
	  stop_grace_period: 1s
	  command: ["python3", "-c", "import signal; signal.pause()"]
	services:
	  api.v1:
	    build: { context: ../services/api, network: none }
	    network_mode: host
	    stop_grace_period: 1s
	    env_file: [api.env]
	    environment: { PORT: "${SITE_PORT}", MOTTO: "${SITE_MOTTO}" }
	    depends_on: [db-main]
	  db-main: *idle
	  web_1: *idle
	  work-er:
	    build: { context: ../services/worker, network: none }
	    network_mode: none
	    stop_grace_period: 1s
	    scale: 2
	  mail.out:
	    build: { context: ../services/mail, network: none }
	    network_mode: none
	    stop_grace_period: 1s
	    profiles: [mail, all]
	  debug:
	    <<: *idle
	    profiles: [debug]
END
cat >"$site/deploy/production.yml" <<-'END'
	services:
	  api.v1:
	    environment: { STAGE: production }
END
echo 'COLOUR=red or blue' >"$site/deploy/api.env"
echo 'SITE_MOTTO=from the named file' >"$site/deploy/site.env"
echo 'SITE_MOTTO=from a file nobody named' >"$site/deploy/.env"
cp "$site/deploy/.env" "$site/.env"
cat >"$site/fettle.yaml" <<-END
	fettle: 1
	project: $project
	compose:
	  directory: deploy
	  files: [deploy/base.yml, deploy/production.yml]
	  env: [SITE_PORT]
	  env_file: deploy/site.env
	  profiles: [mail]
	${DOCKER_CONFIG:+  docker_config: $DOCKER_CONFIG}
	services:
	  api.v1:
	    health: [{ http: "http://127.0.0.1:$api_port/", expect: 200, match: production }]
END
for service in api worker mail; do
	cat >"$site/services/$service/Dockerfile" <<-END
		FROM fettle-demo/python:3
		LABEL fettle.site=$project
		WORKDIR /srv
		COPY . ./
		RUN if [ -d wheels ]; then pip install --no-index --find-links wheels -r requirements.txt; fi
		STOPSIGNAL SIGINT
		CMD ["python3", "-u", "$service.py"]
	END
	echo "# $project" >"$site/services/$service/requirements.txt"
done
cat >"$site/services/api/api.py" <<-'END'
	import http.server, os, yaml
	class Told(http.server.BaseHTTPRequestHandler):
	    def do_GET(self):
	        self.send_response(200)
	        self.end_headers()
	        names = ("STAGE", "MOTTO", "COLOUR")
	        self.wfile.write("|".join(os.environ[n] for n in names).encode())
	http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Told).serve_forever()
END
printf 'import dotenv, signal\nsignal.pause()\n' >"$site/services/worker/worker.py"
printf 'import signal\nsignal.pause()\n' >"$site/services/mail/mail.py"

# of SERVICE FORMAT: docker inspect of all its containers, sorted.
of()
{
	docker ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$project" \
		--filter "label=com.docker.compose.service=$1" |
		xargs -r docker inspect --format "$2" | LC_ALL=C sort
}

# others SERVICE: all containers of the project but the service's, so that any
# touch shows: IDs, start times, states.
others()
{
	for other in api.v1 db-main web_1 work-er mail.out debug; do
		[ "$other" = "$1" ] || of "$other" \
			'{{.Id}} {{.Image}} {{.State.Status}} {{.State.StartedAt}} {{.RestartCount}}'
	done
}

# touches SINCE SERVICE: events of the project's containers that are not the service's.
touches()
{
	docker events --since "$1" --until "$(date +%s.%N)" --filter type=container \
		--filter "label=com.docker.compose.project=$project" \
		--format '{{.Action}} {{index .Actor.Attributes "com.docker.compose.service"}}' |
		grep -v -e " $2\$" -e '^exec_'
}

are_dead()
{
	[ "$(of "$1" '{{.State.Status}}' | sort -u)" = exited ]
}

# refused CODE CLAIM ARGUMENT...: no byte and no container has changed; leaves $message.
refused()
{
	code=$1
	claim=$2
	shift 2
	tree=$(tree_hash "$site")
	world=$(world)
	capture fettle run --json "$@"
	is "$claim is refused" "$rc" 2
	end=$(tail -n 1 "$T/out" | jq -c '.error // .body.cause')
	is "$claim: the code" "$(printf '%s' "$end" | jq -r .code)" "$code"
	message=$(printf '%s' "$end" | jq -r '(.text // .message) + " " + .remedy')
	is "$claim: nothing has changed" "$(world) $(tree_hash "$site")" "$world $tree"
}

cd "$site" || bail "no site"
ok 'the project is built and started' site_compose up -d --build
ok 'the api dies' wait_for 20 are_dead api.v1
ok 'both workers die' wait_for 20 are_dead work-er
is 'there are two of them' "$(of work-er '{{.Id}}' | wc -l)" 2
is 'the service of the active profile runs' "$(of mail.out '{{.State.Status}}')" running
is 'that of another profile has no container' "$(of debug '{{.Id}}')" ''

# ---- what cannot be a target

refused unknown_service 'a service of a profile that is not active' -s debug 'repair it'
like 'with what makes it known' "$err" '`profiles:` under `compose:`'
like 'the services that are active are listed' "$message" \
	'api\.v1.*db-main.*mail\.out.*web_1.*work-er'
refused no_build_section 'a service that is not built' -s db-main 'repair it'

# ---- drift, and where values come from

cp deploy/production.yml "$T/production.yml"
sed -i 's/production }/production, EXTRA: "1" }/' deploy/production.yml
refused compose_drift 'a change in the override file' -s api.v1 'repair it'
cp "$T/production.yml" deploy/production.yml
cp deploy/api.env "$T/api.env"
echo 'MORE=1' >>deploy/api.env
refused compose_drift "a change in a service's env_file" -s api.v1 'repair it'
cp "$T/api.env" deploy/api.env
sed -i 's/SITE_MOTTO=.*/SITE_MOTTO=other/' deploy/site.env
refused compose_drift "a change in the project's env_file" -s api.v1 'repair it'
: >deploy/site.env
SITE_MOTTO='from an environment nobody named'
export SITE_MOTTO
refused compose_variable_unset 'a variable that is set, but not named,' -s api.v1 'repair it'
like 'it is told by name' "$message" SITE_MOTTO
unset SITE_MOTTO
echo 'SITE_MOTTO=from the named file' >deploy/site.env

# ---- one service is repaired

cat >"$T/restart.yaml" <<-'END'
	fettle: 1
	name: restart
	inputs: { service: { type: service } }
	steps:
	  - { id: restart, uses: restart/compose }
	on_failure:
	  - { id: rollback, uses: rollback/compose }
END
neighbours=$(others api.v1)
isnt 'it has neighbours' "$neighbours" ''
since=$(date +%s.%N)
before=$(of api.v1 '{{.Id}} {{.Image}}')
run_ok 'the api is repaired' fettle run -s api.v1 'repair missing dependency'
is 'it answers with what the override and the named files say' \
	"$(curl --silent "http://127.0.0.1:$api_port/")" 'production|from the named file|red or blue'
isnt 'in a new container' "$(of api.v1 '{{.Id}} {{.Image}}')" "$before"
is 'the other containers are the very same' "$(others api.v1)" "$neighbours"
is 'and nothing happened to them' "$(touches "$since" api.v1)" ''
like 'its manifest has the package' "$(cat services/api/requirements.txt)" '^PyYAML$'
ok 'no other file has changed' test -z "$(find . -newer "$T/api.env" -type f \
	! -path './services/api/requirements.txt' ! -path './deploy/*')"
is 'the new container is of this project and directory' \
	"$(of api.v1 '{{index .Config.Labels "com.docker.compose.project.working_dir"}}')" \
	"$site/deploy"
run_ok 'it is no drift for the next run' \
	fettle plan -p "$T/restart.yaml" -s api.v1

# ---- two containers of one service

since=$(date +%s.%N)
neighbours=$(others work-er)
before=$(of work-er '{{.Id}}')
run_ok 'both containers of a service are repaired' fettle run 'repair the work-er service'
is 'there are two' "$(of work-er '{{.State.Status}}' | tr '\n' ' ')" 'running running '
is 'both new' "$(of work-er '{{.Id}}' | grep -cF "$before")" 0
is 'of one image' "$(of work-er '{{.Image}}' | sort -u | wc -l)" 1
is 'the others are the very same' "$(others work-er)" "$neighbours"
is 'nothing happened to them either' "$(touches "$since" work-er)" ''
run_ok 'the repair is rolled back' fettle rollback last
is 'there are two again' "$(of work-er '{{.Id}}' | wc -l)" 2
is 'the others are still the very same' "$(others work-er)" "$neighbours"

# ---- a service that is there because of a profile

cat >"$T/again.yaml" <<-'END'
	fettle: 1
	name: again
	inputs: { instruction: { type: string }, service: { type: service } }
	steps:
	  - id: patch
	    uses: patch/apply
	    with: { edits: [{ op: add_line, path: services/mail/requirements.txt, line: "# seen" }] }
	  - { id: build, uses: build/compose }
	  - { id: restart, uses: restart/compose }
	  - { id: verify, uses: verify/service, with: { for: 0s, within: 10s } }
	on_failure:
	  - { id: rollback, uses: rollback/compose }
END
since=$(date +%s.%N)
neighbours=$(others mail.out)
before=$(of mail.out '{{.Id}}')
run_ok 'the service of the active profile can be changed' \
	fettle run -p "$T/again.yaml" 'restart mail.out.'
is 'it runs' "$(of mail.out '{{.State.Status}}')" running
isnt 'in a new container' "$(of mail.out '{{.Id}}')" "$before"
is 'the others are the very same' "$(others mail.out)" "$neighbours"
is 'nothing happened to them' "$(touches "$since" mail.out)" ''

# ---- the same files under another name are another project, when they lie elsewhere

sed -i "s/^project: .*/project: other-$$/" fettle.yaml
run_fails 2 'another project name than that of the containers is refused' \
	fettle plan --json -p "$T/again.yaml" -s mail.out
is 'by its code' "$(json .error.code)" project_renamed
cp -a "$PWD" "$T/elsewhere"
cd "$T/elsewhere" || bail "no copy"
run_ok 'elsewhere the services have no containers' \
	fettle plan --json -p "$T/again.yaml" -s mail.out
like 'and their images other names' "$out" "other-$$[-_]mail.out"
done_testing
