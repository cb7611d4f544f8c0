#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A compiled service whose image has not the shared library it needs, and a shell
# service whose image has not a program it calls: the rules install the Debian
# packages in their Dockerfiles.
#
# Real: the programs, what the loader and the shell say, the images, .deb files
# and dpkg-deb. No mirror can be reached here, so a script stands in for apt-get:
# it unpacks packages of /packages, which the test makes of this machine's files.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/docker.sh"
. "$FETTLE_SRC/t/stack.sh"

need cc dpkg-deb
docker_engine
stack compiled
cd "$stack" || bail "no stack"

# package NAME PROGRAM|LIBRARY: packages/NAME.deb with it and the libraries it needs.
package()
{
	mkdir -p "$T/deb/$1/DEBIAN" packages
	cat >"$T/deb/$1/DEBIAN/control" <<-END
		Package: $1
		Version: 1.0
		Architecture: $(dpkg --print-architecture)
		Maintainer: Test <test@example.org>
		Description: files of this machine
	END
	for file in "$2" $(ldd "$2" | grep -o '/[^ ]*' | grep -v -e 'libc\.so' -e 'ld-linux'); do
		mkdir -p "$T/deb/$1$(dirname "$file")"
		cp -L "$file" "$T/deb/$1$file"
	done
	dpkg-deb --root-owner-group --build "$T/deb/$1" "packages/$1.deb" >/dev/null ||
		bail "no package $1"
}

cat >"$T/calc.c" <<-'END'
	#include <arpa/inet.h>
	#include <stdio.h>
	#include <stdlib.h>
	#include <unistd.h>
	#include <yaml.h>

	int
	main(void)
	{
		struct sockaddr_in at = { .sin_family = AF_INET };
		int major, minor, patch, one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

		at.sin_port = htons((unsigned short)atoi(getenv("PORT")));
		at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		yaml_get_version(&major, &minor, &patch);
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 8) < 0)
			return 1;
		for (;;) {
			char asked[4096];
			int peer = accept(fd, NULL, NULL);

			if (read(peer, asked, sizeof(asked)) > 0)
				dprintf(peer, "HTTP/1.0 200 OK\r\n\r\nlibyaml %d\n", major);
			close(peer);
		}
	}
END
mkdir -p calc report
cc -o calc/calc "$T/calc.c" -lyaml || bail 'no calc'
library=$(ldd calc/calc | awk '/libyaml-0/ { print $3 }')
[ -n "$library" ] || bail 'calc is not linked with libyaml'
package libyaml-0-2 "$library"
package jq "$(command -v jq)"
cat >"$T/apt-get" <<-'END'
	#!/bin/sh
	# Stands in for apt-get: see t6070.
	[ "$1" = install ] || exit 0
	shift
	for word; do
		case $word in
		-*) ;;
		*)
			[ -f "/packages/$word.deb" ] || {
				echo "E: Unable to locate package $word" >&2
				exit 100
			}
			dpkg-deb --extract "/packages/$word.deb" / && echo "Unpacking $word"
			;;
		esac
	done
END
chmod +x "$T/apt-get"
"$FETTLE_SRC/t/make-image" "fettle-test/$project-base" sh sleep rm tar dpkg-deb \
	-- "$T/apt-get" /usr/bin/apt-get packages /packages || bail 'the base image cannot be made'

cat >docker-compose.yml <<-END
	services:
	  calc:
	    build: { context: calc, network: none }
	    network_mode: host
	    stop_grace_period: 1s
	    environment: { PORT: "$port" }
	  report:
	    build: { context: report, network: none }
	    network_mode: none
	    stop_grace_period: 1s
END
cat >fettle.yaml <<-END
	fettle: 1
	project: $project
	services:
	  calc:
	    health: [{ http: "http://127.0.0.1:$port/", expect: 200, match: libyaml }]
	  report:
	    health: [{ log: "^the sum is 42\$" }]
END
for service in calc report; do
	cat >"$service/Dockerfile" <<-END
		FROM fettle-test/$project-base
		LABEL fettle.stack=$project
		COPY $service /usr/bin/
		CMD ["$service"]
	END
done
cat >report/report <<-'END'
	#!/bin/sh
	set -e
	sum=$(echo '[40, 2]' | jq add)
	echo "the sum is $sum"
	exec sleep 1000000
END
chmod +x report/report

ok 'the project is built and started' stack_compose up -d --build
ok 'the compiled service dies' wait_for 30 is_dead calc
like 'of its library' "$(said calc)" \
	'error while loading shared libraries: libyaml-0\.so\.2: cannot open shared object file'
ok 'the shell service dies' wait_for 30 is_dead report
like 'of its program' "$(said report)" 'jq: not found$'

# repaired SERVICE PACKAGE OTHER: by one line of its Dockerfile, and nothing else.
repaired()
{
	neighbour=$(all "$3")
	run_ok "$1 is repaired" fettle run "repair the $1 service"
	is "$1 runs" "$(of "$1" '{{.State.Status}}')" running
	run_ok "$1: the change is told" fettle diff last
	is "$1: of one file" "$(printf '%s\n' "$out" | grep '^diff ')" \
		"diff --git a/$1/Dockerfile b/$1/Dockerfile"
	is "$1: by one line" "$(printf '%s\n' "$out" | grep -c '^[-+][^-+]')" 1
	like "$1: which installs the package" "$out" "^\+RUN apt-get .*install .*\b$2\b"
	is "$1: the other service is untouched" "$(all "$3")" "$neighbour"
}

broken=$(of calc '{{.Image}}')
cp calc/Dockerfile "$T/Dockerfile"
repaired calc libyaml-0-2 report
is 'the compiled service answers' "$(answer)" 'libyaml 0'
run_ok 'its repair is rolled back' fettle rollback last
same_file 'its Dockerfile is as it was' calc/Dockerfile "$T/Dockerfile"
is 'its image too' "$(of calc '{{.Image}}')" "$broken"
repaired calc libyaml-0-2 report
repaired report jq calc
like 'the shell service says what it is for' "$(said report)" '^the sum is 42$'
is 'the compiled service still answers' "$(answer)" 'libyaml 0'
done_testing
