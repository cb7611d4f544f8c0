# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Docker Engine API of one World on a unix socket, as far as Fettle asks for
it, and what `compose` asks. A lie may change what is done and what is answered,
or take the connection over. The phase the repair is in is told from the calls:

    plan      until the old image is pinned
    build     until compose has built
    restart   until compose has recreated the container
    check     until the restart has seen what came of it: its last question is
              what the image's name stands for
    verify    until the rollback asks whether the engine is there
    rollback  to the end
"""
import json
import os
import re
import socket
import struct
import threading
import urllib.parse


class Gone(Exception):
    """The connection is to be closed."""


class Request:
    def __init__(self, head, body):
        line = head.split("\r\n")[0].split(" ")
        url = urllib.parse.urlsplit(line[1])
        self.method, self.path, self.body = line[0], url.path, body
        self.query = {k: v[0] for k, v in urllib.parse.parse_qs(url.query).items()}
        self.kind, self.name = self.classify()

    def classify(self):
        routes = (
            ("ping", "GET", r"/_ping"),
            ("compose", "POST", r"/compose"),
            ("list", "GET", r"/containers/json"),
            ("inspect", "GET", r"/containers/(.+)/json"),
            ("logs", "GET", r"/containers/(.+)/logs"),
            ("remove", "DELETE", r"/containers/(.+)"),
            ("image", "GET", r"/images/(.+)/json"),
            ("tag", "POST", r"/images/(.+)/tag"),
            ("untag", "DELETE", r"/images/(.+)"),
            ("events", "GET", r"/events"),
        )
        for kind, method, pattern in routes:
            match = re.fullmatch(pattern, self.path)
            if match and method == self.method:
                name = match.group(1) if match.groups() else None
                return kind, name and urllib.parse.unquote(name)
        return "unknown", None

    def labels(self):
        filters = json.loads(self.query.get("filters", "{}"))
        return [label.split("=", 1) for label in filters.get("label", [])]


def inspection(c):
    state = {"Status": c["status"], "ExitCode": c["exit"], "Error": c["error"],
             "StartedAt": c["started_at"], "FinishedAt": c["finished_at"]}
    config = {"Image": c["reference"], "Labels": c["labels"]}
    if c["health"]:
        state["Health"] = {"Status": c["health"]}
        config["Healthcheck"] = {"Test": ["CMD", "true"]}
    return {"Id": c["id"], "Name": "/" + c["name"], "Image": c["image"],
            "RestartCount": c["restart_count"], "State": state, "Config": config,
            "HostConfig": {"NetworkMode": "host", "IpcMode": "private", "PidMode": "",
                           "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}},
            "NetworkSettings": {"Networks": {"host": {"IPAddress": ""}}, "Ports": {}}}


class Engine:
    def __init__(self, world, path, lie):
        self.world, self.path, self.lie = world, path, lie
        self.connections = set()
        self.listener = None
        self.asked = []         # (phase, kind), for who wants to know
        self.spare_pings = 0    # a build that failed asks once, to tell why
        self.listen()

    # ---- sockets -----------------------------------------------------------

    def listen(self):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        listener.listen(64)
        self.listener = listener
        threading.Thread(target=self.accept, args=(listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections.add(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def stop(self):
        """As when dockerd is killed: nobody listens, and all connections end."""
        if os.path.exists(self.path):
            os.unlink(self.path)
        for one in [self.listener] + list(self.connections):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.listener.close()

    def serve(self, connection):
        try:
            with connection, connection.makefile("rb") as stream:
                while self.serve_one(connection, stream):
                    pass
        except (OSError, Gone):
            pass
        finally:
            self.connections.discard(connection)

    def serve_one(self, connection, stream):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = stream.readline()
            if not line:
                return False
            head += line
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        body = stream.read(int(length.group(1))) if length else b""
        request = Request(head.decode("latin-1"), body)
        with self.world.lock:
            self.enter_phase(request)
            phase = self.world.phase
            self.asked.append((phase, request.kind))
        wire = self.lie.wire(self, phase, request)
        status, reply = self.answer(phase, request)
        if wire:
            wire(self, connection, status, reply)
        else:
            respond(connection, status, reply)
        with self.world.lock:
            if phase == "check" and request.kind == "image":
                self.world.phase = "verify"
        return request.kind != "compose"

    # ---- phases ------------------------------------------------------------

    def enter_phase(self, request):
        w = self.world
        if request.kind == "tag" and request.query.get("repo") == "fettle/keep" and \
                w.phase == "plan":
            w.phase = "build"
        if request.kind == "ping" and w.phase != "plan":
            if self.spare_pings:
                self.spare_pings -= 1
            else:
                w.phase = "rollback"

    def built(self):
        if self.world.phase in ("plan", "build"):
            self.world.phase = "restart"

    def recreated(self):
        if self.world.phase in ("plan", "build", "restart"):
            self.world.phase = "check"

    # ---- answers -----------------------------------------------------------

    def answer(self, phase, request):
        """(status, bytes): what is true, as the lie has it."""
        if request.kind == "compose":
            return 200, json.dumps(self.compose(json.loads(request.body))).encode()
        with self.world.lock:
            instead = self.lie.act(self, phase, request)
            status, reply = instead or getattr(self, "do_" + request.kind)(request)
            return self.lie.reply(self, phase, request, status, reply)

    def do_ping(self, _):
        return 200, b"OK"

    def do_unknown(self, request):
        return 404, json.dumps({"message": "page not found: " + request.path}).encode()

    def matching(self, request):
        return [c for c in self.world.containers
                if all(c["labels"].get(k) == v for k, v in request.labels())]

    def do_list(self, request):
        found = [{"Id": c["id"], "Names": ["/" + c["name"]], "Labels": c["labels"]}
                 for c in self.matching(request)]
        return 200, json.dumps(found).encode()

    def do_inspect(self, request):
        c = self.world.find(request.name)
        return (200, json.dumps(inspection(c)).encode()) if c else no_such(request)

    def do_logs(self, request):
        c = self.world.find(request.name)
        if not c:
            return no_such(request)
        text = c["log"].encode()
        return 200, struct.pack(">BxxxL", 2, len(text)) + text

    def do_remove(self, request):
        c = self.world.find(request.name)
        if not c:
            return no_such(request)
        self.world.remove(c)
        return 204, b""

    def do_image(self, request):
        image = self.world.image_id(request.name)
        if not image:
            return no_such(request)
        return 200, json.dumps({"Id": image, "RepoTags": []}).encode()

    def do_tag(self, request):
        image = self.world.image_id(request.name)
        reference = request.query["repo"]
        if request.query.get("tag", "latest") != "latest":
            reference += ":" + request.query["tag"]
        return (201, b"") if image and self.world.tag(image, reference) else \
            no_such(request)

    def do_untag(self, request):
        if self.world.tags.pop(request.name, None) is None:
            return no_such(request)
        return 200, b"[]"

    def do_events(self, request):
        since, until = float(request.query["since"]), float(request.query["until"])
        # What is asked is a time with a fraction; all of one second are sent too many.
        lines = [json.dumps(e) + "\n" for e in self.world.events
                 if since - 0.001 <= e["timeNano"] / 1e9 <= until + 0.001]
        return 200, "".join(lines).encode()

    # ---- compose -----------------------------------------------------------

    def compose(self, asked):
        argv, w = asked["argv"], self.world
        if (argv[0] == "docker") != w.is_v2:
            return said(1, "", "docker: 'compose' is not a docker command.\n")
        verb = next((v for v in ("version", "config", "build", "up") if v in argv[1:]), "")
        instead = self.lie.compose(self, w.phase, verb)
        if instead:
            answer = instead
        else:
            with w.lock:
                answer = self.do_compose(verb, argv)
        if verb == "build":
            if answer["status"] != 0 and w.phase != "rollback":
                self.spare_pings = 1
            self.built()
        elif verb == "up":
            self.recreated()
        return answer

    def do_compose(self, verb, argv):
        w = self.world
        if verb == "version":
            return said(0, "2.20.2\n")
        if verb == "config":
            return said(0, w.hashes() if "--hash" in argv else w.config())
        if verb == "build":
            return said(0, w.build())
        scale = argv[argv.index("--scale") + 1]
        return said(0, "", w.up(int(scale.split("=")[1])))


def said(status, out, err=""):
    return {"status": status, "out": out, "err": err}


def no_such(request):
    return 404, json.dumps({"message": "No such %s: %s" % (request.kind,
                                                           request.name)}).encode()


def respond(connection, status, body):
    connection.sendall(b"HTTP/1.1 %d Said\r\nApi-Version: 1.41\r\n"
                       b"Content-Type: application/json\r\n"
                       b"Content-Length: %d\r\n\r\n%s" % (status, len(body), body))


def sleep_while_open(connection, seconds):
    """Until the other side has hung up, at most so long."""
    connection.settimeout(seconds)
    try:
        connection.recv(1)
    except OSError:
        pass
    raise Gone
