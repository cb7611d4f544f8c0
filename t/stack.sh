# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2034,SC2154
#
# For tests that repair a Compose project of their own in some language. Source
# after t/docker.sh.

# stack NAME: an empty project in $stack, as $project; $port is free. All its
# containers and images are removed at the end.
stack()
{
	stack=$T/$1
	project=$1-$$
	# shellcheck disable=SC2046
	set -- $(free_ports)
	port=$1
	mkdir -p "$stack"
	at_exit stack_end
}

stack_compose()
{
	docker-compose -p "$project" --project-directory "$stack" \
		-f "$stack/docker-compose.yml" "$@" 2>&1
}

stack_end()
{
	docker ps --all --quiet --filter "label=com.docker.compose.project=$project" |
		xargs -r docker rm --force --volumes >/dev/null
	# Newest first; what others were built on goes in the next round.
	for t_round in 1 2 3; do
		docker images --all --quiet --filter "label=fettle.stack=$project" |
			xargs -r docker rmi --force >/dev/null 2>&1
	done
	docker images --quiet --filter "reference=fettle-test/$project-*" |
		xargs -r docker rmi --force >/dev/null
}

# of SERVICE FORMAT: docker inspect of its container, dead or alive.
of()
{
	docker ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$project" \
		--filter "label=com.docker.compose.service=$1" |
		xargs -r docker inspect --format "$2"
}

# all SERVICE...: what changes when one of their containers is touched.
all()
{
	for t_service; do
		of "$t_service" '{{.Id}} {{.Image}} {{.State.Status}} {{.State.StartedAt}}'
	done
}

is_dead()
{
	[ "$(of "$1" '{{.State.Status}}')" = exited ]
}

# said SERVICE: its log.
said()
{
	docker logs "$(of "$1" '{{.Id}}')" 2>&1
}

# answer: what the service on $port says.
answer()
{
	curl --silent --max-time 5 "http://127.0.0.1:$port/"
}
