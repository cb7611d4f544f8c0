#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A Node service whose package.json does not name a package that it needs is
# repaired by the rules; and put back when that was not all.
#
# Real: node, its error, the image, the build. No registry can be reached here, so
# install.js stands in for `npm install`: it brings what package.json names into
# node_modules, out of a directory of the project, and fails for what is not there.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/docker.sh"
. "$FETTLE_SRC/t/stack.sh"

command -v node >/dev/null 2>&1 || {
	[ "${CI:-}" != true ] || bail 'node is not installed: apt-get install nodejs'
	skip_all 'node is not installed'
}
docker_engine
stack node
# shellcheck disable=SC2046
set -- $(free_ports)
desk_port=$1
cd "$stack" || bail "no stack"
# Debian's node has some of its own modules here, and other builds have none.
modules=/usr/share/nodejs
[ -d "$modules" ] || modules=
# shellcheck disable=SC2086
"$FETTLE_SRC/t/make-image" "fettle-test/$project-base" node sh ${modules:+-- $modules $modules} ||
	bail 'the base image cannot be made'

cat >docker-compose.yml <<-END
	services:
	  shop:
	    build: { context: shop, network: none }
	    network_mode: host
	    stop_grace_period: 1s
	    environment: { PORT: "$port" }
	  desk:
	    build: { context: desk, network: none }
	    network_mode: host
	    stop_grace_period: 1s
	    environment: { PORT: "$desk_port" }
	  till:
	    image: fettle-test/$project-base
	    network_mode: none
	    stop_grace_period: 1s
	    command: [node, -e, "setInterval(() => {}, 1000)"]
END
cat >fettle.yaml <<-END
	fettle: 1
	project: $project
	services:
	  shop:
	    health: [{ http: "http://127.0.0.1:$port/", expect: 200, match: "price 7" }]
	  desk:
	    health: [{ http: "http://127.0.0.1:$desk_port/", expect: 200, match: hello }]
END
mkdir -p shop/packages/dotenv
cat >shop/Dockerfile <<-END
	FROM fettle-test/$project-base
	LABEL fettle.stack=$project
	WORKDIR /srv
	COPY package.json install.js ./
	COPY packages ./packages
	RUN node install.js
	COPY server.js prices.env ./
	CMD ["node", "server.js"]
END
cat >shop/package.json <<-'END'
	{
	  "name": "shop",
	  "version": "1.0.0",
	  "private": true,
	  "dependencies": {
	    "ws": "*"
	  }
	}
END
cat >shop/install.js <<-'END'
	const fs = require('fs')
	for (const name of Object.keys(JSON.parse(fs.readFileSync('package.json')).dependencies)) {
	  fs.cpSync(`packages/${name}`, `node_modules/${name}`, { recursive: true })
	  console.log(`added ${name}`)
	}
END
cat >shop/server.js <<-'END'
	require('ws')
	require('dotenv').config('prices.env')
	require('http').createServer((request, response) => {
	  response.end(`price ${process.env.PRICE}\n`)
	}).listen(Number(process.env.PORT), '127.0.0.1')
END
echo 'PRICE=7' >shop/prices.env
mkdir -p shop/packages/ws
echo 'module.exports = {}' >shop/packages/ws/index.js
cat >shop/packages/dotenv/index.js <<-'END'
	exports.config = path => {
	  for (const line of require('fs').readFileSync(path, 'utf8').split('\n')) {
	    const at = line.indexOf('=')
	    if (at > 0) process.env[line.slice(0, at)] = line.slice(at + 1)
	  }
	}
END

# The desk has all it needs, and a Dockerfile that does not copy it.
mkdir -p desk/lib
cat >desk/Dockerfile <<-END
	FROM fettle-test/$project-base
	LABEL fettle.stack=$project
	WORKDIR /srv
	COPY package.json server.js ./
	CMD ["node", "server.js"]
END
echo '{ "name": "desk", "private": true }' >desk/package.json
echo "exports.text = require('./word').text" >desk/lib/greeting.js
echo "exports.text = 'hello'" >desk/lib/word.js
cat >desk/server.js <<-'END'
	const { text } = require('./lib/greeting')
	require('http').createServer((request, response) => response.end(text))
	  .listen(Number(process.env.PORT), '127.0.0.1')
END

ok 'the project is built and started' stack_compose up -d --build
ok 'the service dies' wait_for 30 is_dead shop
like 'of a missing package' "$(said shop)" "^Error: Cannot find module 'dotenv'"
tree=$(tree_hash "$stack")
broken=$(of shop '{{.Image}}')
neighbour=$(all till)

# ---- the package cannot be had: nothing stays

mv shop/packages/dotenv "$T"
without=$(tree_hash "$stack")
run_fails 3 'without the package the build fails' fettle run 'repair the shop service'
like 'which is told with its words' "$out$err" 'packages/dotenv'
is 'every file is as before' "$(tree_hash "$stack")" "$without"
is 'the service has its image' "$(of shop '{{.Image}}')" "$broken"
mv "$T/dotenv" shop/packages/

# ---- it can be had, and does not help: rolled back

sed -i 's/PRICE=7/PRICE=8/' shop/prices.env
wrong=$(tree_hash "$stack")
cat >"$T/quick.yaml" <<-'END'
	fettle: 1
	name: quick
	inputs: { instruction: { type: string }, service: { type: service } }
	steps:
	  - { id: analyze, uses: analyze/logs }
	  - { id: patch, uses: patch/apply, with: { edits: "${{ steps.analyze.outputs.edits }}" } }
	  - { id: build, uses: build/compose }
	  - { id: restart, uses: restart/compose }
	  - { id: verify, uses: verify/service, with: { for: 0s, within: 3s } }
	on_failure:
	  - { id: rollback, uses: rollback/compose }
END
run_fails 3 'a service that answers otherwise is no success' \
	fettle run -p "$T/quick.yaml" -s shop 'repair it'
run_ok 'the run is shown' fettle show last --json
is 'as rolled back' "$(json .state)" rolled_back
is 'the manifest and every other file is as before' "$(tree_hash "$stack")" "$wrong"
is 'the service is on its old image' "$(of shop '{{.Image}}')" "$broken"
is 'which has its name' "$(docker image inspect --format '{{.Id}}' "${project}_shop")" "$broken"
is 'the neighbour is untouched' "$(all till)" "$neighbour"
sed -i 's/PRICE=8/PRICE=7/' shop/prices.env

# ---- repaired

run_ok 'the service is repaired by the rules' fettle run 'repair the shop service'
is 'it answers' "$(answer)" 'price 7'
is 'package.json names the package, beside the one it had' \
	"$(jq -c .dependencies shop/package.json)" '{"dotenv":"*","ws":"*"}'
run_ok 'the change is one' fettle diff last
is 'of one file' "$(printf '%s\n' "$out" | grep -c '^diff ')" 1
like 'in the order that npm keeps' "$out" '^\+ *"dotenv": "\*",$'
is 'the neighbour is untouched' "$(all till)" "$neighbour"

# ---- and put back by the operator

run_ok 'the repair can be rolled back' fettle rollback last
is 'to the file it was' "$(tree_hash "$stack")" "$tree"
is 'and the image it was' "$(of shop '{{.Image}}')" "$broken"

# ---- a file of the project's own that the image lacks

ok 'the desk dies' wait_for 30 is_dead desk
like 'of a file of its own' "$(said desk)" "^Error: Cannot find module './lib/greeting'"
neighbour=$(all till shop)
cp desk/Dockerfile "$T/Dockerfile"
run_ok 'the desk is repaired by the rules' fettle run 'repair the desk service'
is 'it answers' "$(curl --silent "http://127.0.0.1:$desk_port/")" hello
is 'its Dockerfile copies the directory' \
	"$(diff "$T/Dockerfile" desk/Dockerfile | grep '^[<>]')" '> COPY lib /srv/lib/'
is 'the others are untouched' "$(all till shop)" "$neighbour"
done_testing
