#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What t6050 does, with BuildKit: a service that was never built is repaired by what
# its build says in BuildKit's words.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/docker.sh"

docker_engine
docker_can() # PROGRAM: it builds with BuildKit
{
	printf 'FROM scratch\nLABEL fettle.probe=%s\n' "$$" |
		DOCKER_BUILDKIT=1 "$1" build --quiet - >/dev/null 2>&1
}

# buildx_of PROGRAM: a plug-in buildx that has this docker program do the work.
buildx_of()
{
	DOCKER_CONFIG=$T/docker
	mkdir -p "$DOCKER_CONFIG/cli-plugins"
	cat >"$DOCKER_CONFIG/cli-plugins/docker-buildx" <<-END
		#!/bin/sh
		if [ "\$1" = docker-cli-plugin-metadata ]; then
			echo '{ "SchemaVersion": "0.1.0", "Vendor": "t6055", "Version": "v0" }'
			exit
		fi
		shift 2
		DOCKER_BUILDKIT=1 exec $1 build "\$@"
	END
	chmod +x "$DOCKER_CONFIG/cli-plugins/docker-buildx"
	export DOCKER_CONFIG
}

# Version 2 of Compose builds with BuildKit itself. Version 1 has the docker program
# do it: one before 23 can, a later one needs its plug-in.
if [ -n "${with_compose_v2:-}" ]; then
	compose_v2
	dash=-
else
	dash=_
	PATH=/usr/local/bin:/usr/bin:/bin	# as modules have it
	docker_can docker || {
		plugin=none
		for program in $(which -a docker); do
			docker_can "$program" && plugin=$program
		done
		[ "$plugin" != none ] || skip_all 'no docker program here builds with BuildKit'
		buildx_of "$plugin"
		docker_can docker || bail "docker does not take $plugin for its plug-in"
	}
	docker images --quiet --filter "label=fettle.probe=$$" |
		xargs -r docker rmi --force >/dev/null
fi
diag "$(docker --version), $compose_program"

shop kit
cd "$shop" || bail "no shop"
sed -i 's/^compose:$/&\n  buildkit: true/' fettle.yaml
instruction='repair the api service'
# Only BuildKit takes this; no build of it is in the cache, and its manifest asks for
# what nobody has.
sed -i 's/^RUN pip /RUN --mount=type=tmpfs,target=\/kit pip /' api/Dockerfile
printf '# %s\nPyYAML==99.1\npython-dotenv\n' "$project" >api/requirements.txt
ok 'the neighbours run' compose up -d db web
neighbours=$(peers)

# state: all there is of the api.
state()
{
	printf '%s|%s\n' "$(container api '{{.Id}}')" \
		"$(docker image inspect --format '{{.Id}}' "${project}${dash}api" 2>/dev/null)"
}

# ends STATE CODE CLAIM: how the last run ended; it is in $out.
ends()
{
	run_ok "$3: the run is shown" fettle show last --json
	is "$3: its state" "$(json .state)" "$1"
	is "$3: its cause" "$(json '.cause.code // ""')" "$2"
}

# ---- repaired: a version that is not there

cp -p api/requirements.txt "$T/requirements.txt"
cp -p api/Dockerfile "$T/Dockerfile"
tree=$(tree_hash .)
run_ok 'the run succeeds' fettle run "$instruction"
is 'the service answers' "$(http_status /healthz)" 200
ends succeeded '' 'repaired'
like 'by a rule, from what the build said' "$(json .diagnosis)" \
	"no version of 'PyYAML' fits.*of its build's output"
like 'the manifest was repaired' "$(cat api/requirements.txt)" '^PyYAML==[0-9.]*$'
log=$(fettle artifacts last analyze.log)
like 'the log is that of BuildKit' "$log" '^#[0-9]+ [0-9.]+ ERROR: Could not find a version'
like 'so is that of the build step' "$(fettle artifacts last build.log)" '^#[0-9]+ \[.*RUN --mount'
is 'the neighbours are untouched' "$(peers)" "$neighbours"
run_ok 'it can be rolled back' fettle rollback last
is 'to no container and no image' "$(state)" '|'
is 'and the files of before' "$(tree_hash .)" "$tree"

# ---- repaired in three rounds: a name, a version, and a package

sed -i 's/^COPY requirements.txt/COPY requirement.txt/' api/Dockerfile
sed -i '/^python-dotenv/d' api/requirements.txt
tree=$(tree_hash .)
run_ok 'three things that are wrong' fettle run "$instruction"
is 'the service answers' "$(http_status /healthz)" 200
ends succeeded '' 'three rounds'
is 'each had its rule' "$(json '[.findings[].rule] | unique | join(" ")')" \
	'image.copy_missing python.missing_module python.version_pin'
run_ok 'it can be rolled back' fettle rollback last
is 'to no container and no image' "$(state)" '|'
is 'and the files of before the first round' "$(tree_hash .)" "$tree"
cp -p "$T/requirements.txt" api/requirements.txt
cp -p "$T/Dockerfile" api/Dockerfile

# ---- a tool that a RUN lacks goes before that RUN

sed -i 's/^RUN --mount.*/&\nRUN echo one \&\& \\\n    fettle-nonesuch two/' api/Dockerfile
sed -i 's/^PyYAML.*/PyYAML/' api/requirements.txt
run_fails 3 'a tool that nobody knows' fettle run "$instruction"
ends failed needs_operator 'unknown tool'
like 'is named' "$(json .cause.message)" "program 'fettle-nonesuch' is not in the image"
is 'no rollback was needed' "$(json '[.steps[] | select(.step == "rollback")] | length')" 0
is 'the api is still absent' "$(state)" '|'
cp -p "$T/Dockerfile" api/Dockerfile
cp -p "$T/requirements.txt" api/requirements.txt

# ---- nothing known

sed -i 's/^RUN --mount.*/RUN echo something odd \&\& exit 9/' api/Dockerfile
run_fails 3 'a build that no rule knows' fettle run "$instruction"
ends failed no_diagnosis 'unknown'
like 'with the evidence' "$(json .cause.message)" 'exit code: 9'
cp -p "$T/Dockerfile" api/Dockerfile

# ---- the project does not ask for it, or it is not there

sed -i 's/^  buildkit: true$/  buildkit: false/' fettle.yaml
run_fails 3 'what only BuildKit takes, without it' fettle run "$instruction"
ends failed needs_operator 'without BuildKit'
like 'is told' "$(json .cause.message)" 'the Dockerfile uses --mount, which only BuildKit knows'
like 'with what to do' "$(json .cause.remedy)" '`buildkit: true` under `compose:`'

if [ -z "${plugin:-}" ]; then
	skip 'a docker program that lacks its plug-in' 'this one needs none'
else
	sed -i -e 's/^  buildkit: false$/  buildkit: true/' -e '/^  docker_config:/d' fettle.yaml
	run_fails 3 'a docker program that lacks its plug-in' fettle run "$instruction"
	ends rolled_back buildkit_missing 'no buildx'
	like 'with what to do' "$(json .cause.remedy)" 'docker-buildx'
	is 'the api is as absent as before' "$(state)" '|'
fi
done_testing
