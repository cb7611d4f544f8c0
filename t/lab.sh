# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2034,SC2154
#
# A Compose project that does what a test wants: `api`, which is built and does
# what api/mode says, and `db`, which only runs. Source after t/docker.sh.

# lab NAME: the project in $lab, as $project; nothing is built or started.
lab()
{
	lab=$T/$1
	project=l$$$1
	# shellcheck disable=SC2046
	set -- $(free_ports)
	port=$1
	mkdir -p "$lab/api"
	cat >"$lab/docker-compose.yml" <<-END
		version: "2.4"
		services:
		  api:
		    build: { context: api, network: none }
		    network_mode: host
		    stop_grace_period: 1s
		    environment: { GREETING: "\${GREETING}" }
		  db:
		    image: fettle-demo/python:3
		    network_mode: host
		    stop_grace_period: 1s
		    command: ["python3", "-c", "import signal; signal.pause()"]
	END
	cat >"$lab/fettle.yaml" <<-END
		fettle: 1
		project: $project
		compose: { files: [docker-compose.yml], env: [GREETING] }
		services:
		  api:
		    allow: ["api/**"]
		    health: [{ http: ":$port/", expect: 200, match: hello }]
	END
	cat >"$lab/api/Dockerfile" <<-END
		FROM fettle-demo/python:3
		LABEL fettle.lab=$project
		COPY api.py mode /srv/
		CMD ["python3", "-u", "/srv/api.py"]
	END
	cat >"$lab/api/api.py" <<-END
		import http.server, signal, sys, time
		mode = open("/srv/mode").read().strip()
		print("mode", mode)
		if mode == "die":
		    sys.exit(3)
		if mode == "flap":
		    time.sleep(0.3)
		    sys.exit(4)
		if mode == "sleep":
		    signal.pause()
		class Hello(http.server.BaseHTTPRequestHandler):
		    def do_GET(self):
		        self.send_response(500 if mode == "sick" else 200)
		        self.end_headers()
		        self.wfile.write(b"hello")
		http.server.HTTPServer(("127.0.0.1", $port), Hello).serve_forever()
	END
	echo serve >"$lab/api/mode"
	GREETING=hello
	export GREETING
	at_exit "lab=$lab project=$project lab_end"
}

lab_compose()
{
	docker-compose --project-name "$project" --project-directory "$lab" \
		-f "$lab/docker-compose.yml" "$@" 2>&1
}

lab_end()
{
	docker ps --all --quiet --filter "label=com.docker.compose.project=$project" |
		xargs -r docker rm --force --volumes >/dev/null
	# Newest first; what others were built on goes in the next round.
	for t_round in 1 2 3 4 5 6; do
		docker images --all --quiet --filter "label=fettle.lab=$project" |
			xargs -r docker rmi --force >/dev/null 2>&1
	done
}

# pipeline MODE [VERIFY]: the whole cycle, which makes the api so; verify takes `with:` values.
pipeline()
{
	cat >"$T/$1.yaml" <<-END
		fettle: 1
		name: $1
		inputs: { service: { type: service } }
		steps:
		  - id: patch
		    uses: patch/apply
		    with: { edits: [{ op: write, path: api/mode, content: "$1\\n" }] }
		  - { id: build, uses: build/compose }
		  - { id: restart, uses: restart/compose }
		  - { id: verify, uses: verify/service, with: { ${2:-for: 0s, within: 5s} } }
		on_failure:
		  - { id: rollback, uses: rollback/compose }
	END
}

# service FORMAT: docker inspect of all containers of the api, one a line.
api()
{
	docker ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$project" \
		--filter label=com.docker.compose.service=api |
		xargs -r docker inspect --format "$1" | LC_ALL=C sort
}

# tag_id: what the api's image reference points at.
tag_id()
{
	docker image inspect --format '{{.Id}}' "${project}_api" 2>/dev/null
}
