# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lies: what the scripted engine and its compose do and say that is not so.

A Lie takes part in four places, each of which tells the truth unless it says
otherwise:

    wire()     how an answer is put on the connection (transport lies)
    act()      what an API call does and answers instead
    reply()    what of the true answer is changed
    compose()  what compose does and answers instead
"""
import json
import time

from engine import Gone, respond, said, sleep_while_open

NOBODY = "f" * 64


class Lie:
    """`says`: a pattern that what the run says at its end must match. `ends`: the end
    states it may have besides being true; None: any that is true."""

    def __init__(self, name, says=".", ends=None, rounds=1, **world):
        self.name, self.says, self.ends, self.rounds = name, says, ends, rounds
        self.world = dict(dict(before="dies", after="good"), **world)
        self.count = 0

    def wire(self, engine, phase, request):
        return None

    def act(self, engine, phase, request):
        return None

    def reply(self, engine, phase, request, status, body):
        return status, body

    def compose(self, engine, phase, verb):
        return None

    def http(self, engine):
        """(status, headers, body) of the health probe instead of the true one."""
        return None

    def begin(self, engine):
        pass


# ---- transport: how an answer comes ------------------------------------------


def wire_500(engine, connection, status, body):
    respond(connection, 500, b'{"message": "the cellar is on fire"}')


def wire_closed(engine, connection, status, body):
    raise Gone


def wire_half(engine, connection, status, body):
    connection.sendall(b"HTTP/1.1 %d Said\r\nContent-Length: %d\r\n\r\n%s"
                       % (status, len(body) + 8, body[:len(body) // 2]))
    raise Gone


def wire_too_long(engine, connection, status, body):
    connection.sendall(b"HTTP/1.1 %d Said\r\nContent-Length: %d\r\n\r\n%s"
                       % (status, len(body) + 100, body))
    sleep_while_open(connection, 60)


def wire_too_short(engine, connection, status, body):
    connection.sendall(b"HTTP/1.1 %d Said\r\nContent-Length: %d\r\n\r\n%s"
                       % (status, len(body) // 2, body))
    raise Gone


def wire_endless(engine, connection, status, body):
    connection.sendall(b"HTTP/1.1 %d Said\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n"
                       % (status, len(body) + 1, body + b"\n"))
    sleep_while_open(connection, 60)


def wire_flood(engine, connection, status, body):
    respond(connection, 200, b"\xfe{[" * (10 << 20 >> 1))


def wire_deluge(engine, connection, status, body):
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"100000\r\n%s\r\n" % (b" " * (1 << 20)))


def wire_drip(engine, connection, status, body):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(60):
        connection.sendall(b" ")
        time.sleep(1)


def wire_hang(engine, connection, status, body):
    sleep_while_open(connection, 60)


def wire_not_http(engine, connection, status, body):
    connection.sendall(b"220 mail.example ESMTP\r\n")
    raise Gone


def wire_text(engine, connection, status, body):
    respond(connection, 200, b"<html>It works!</html>")


def wire_empty(engine, connection, status, body):
    respond(connection, 200, b"")


def wire_null(engine, connection, status, body):
    respond(connection, 200, b"null")


def wire_object(engine, connection, status, body):
    respond(connection, 200, b"{}")


def wire_list(engine, connection, status, body):
    respond(connection, 200, b"[]")


def wire_of_nulls(engine, connection, status, body):
    respond(connection, 200, b'[null, 1, "a", [], {}]')


def wire_not_found(engine, connection, status, body):
    respond(connection, 404, b'{"message": "never heard of it"}')


def wire_deep(engine, connection, status, body):
    respond(connection, 200, b"[" * 100000 + b"]" * 100000)


def wire_cut(engine, connection, status, body):
    respond(connection, status, body[:len(body) * 2 // 3])


WIRES = {
    "HTTP 500": wire_500, "closed connection": wire_closed, "half an answer": wire_half,
    "Content-Length too long": wire_too_long, "Content-Length too short": wire_too_short,
    "chunks without end": wire_endless, "10 MiB of garbage": wire_flood,
    "endless bytes": wire_deluge, "a byte a second": wire_drip, "a hang": wire_hang,
    "no HTTP": wire_not_http, "no JSON": wire_text, "an empty answer": wire_empty,
    "null": wire_null, "an empty object": wire_object, "an empty list": wire_list,
    "a list of nonsense": wire_of_nulls, "404 for all": wire_not_found,
    "JSON too deep": wire_deep, "cut JSON": wire_cut,
}


class Wire(Lie):
    """One way to answer badly, for all reading calls of a phase, or some kinds."""

    def __init__(self, how, phase, kinds=("list", "inspect", "image", "events"), **more):
        super().__init__("%s, at %s%s" % (how, phase, "" if len(kinds) > 2 else
                                          " (%s)" % " ".join(kinds)), **more)
        self.how, self.phase, self.kinds = WIRES[how], phase, kinds

    def wire(self, engine, phase, request):
        return self.how if phase == self.phase and request.kind in self.kinds else None


# ---- replies that are not so -------------------------------------------------


class Inspect(Lie):
    """Changes what inspecting a container of the api answers, in one phase."""

    def __init__(self, name, change, phase="verify", **more):
        super().__init__("%s, at %s" % (name, phase), **more)
        self.change, self.phase = change, phase

    def reply(self, engine, phase, request, status, body):
        if phase != self.phase or request.kind != "inspect" or status != 200:
            return status, body
        container = json.loads(body)
        if container["Config"]["Labels"]["com.docker.compose.service"] != "api":
            return status, body
        self.count += 1
        self.change(self, container)
        return status, json.dumps(container).encode()


def state(**members):
    def change(lie, container):
        container["State"].update(members)
    return change


def member(name, value):
    def change(lie, container):
        container[name] = value
    return change


def label(name, value):
    def change(lie, container):
        container["Config"]["Labels"]["com.docker.compose." + name] = value
    return change


def without(name):
    def change(lie, container):
        del container[name]
    return change


def in_turns(first, second):
    def change(lie, container):
        (first if lie.count % 2 else second)(lie, container)
    return change


def health(*statuses):
    def change(lie, container):
        container["State"]["Health"] = {"Status": statuses[lie.count % len(statuses)]}
        container["Config"]["Healthcheck"] = {"Test": ["CMD", "true"]}
    return change


def health_alone(lie, container):
    container["State"]["Health"] = {"Status": "unhealthy"}


def counting(lie, container):
    container["RestartCount"] = lie.count


def started_anew(lie, container):
    container["State"]["StartedAt"] = "2026-01-01T00:00:%02dZ" % (lie.count % 60)


class Reply(Lie):
    """Changes a whole answer of one kind, in one phase."""

    def __init__(self, name, kind, change, phase, **more):
        super().__init__("%s, at %s" % (name, phase), **more)
        self.kind, self.change, self.phase = kind, change, phase

    def reply(self, engine, phase, request, status, body):
        if phase != self.phase or request.kind != self.kind:
            return status, body
        return self.change(engine, status, body)


def twice(engine, status, body):
    return status, json.dumps(json.loads(body) * 2).encode()


def emptied(engine, status, body):
    return 200, b"[]"


def with_stranger(engine, status, body):
    return status, json.dumps(json.loads(body) + [{"Id": NOBODY}]).encode()


def without_ids(engine, status, body):
    return status, json.dumps([{"Names": ["/x"]} for _ in json.loads(body)]).encode()


def strange_id(engine, status, body):
    return 200, json.dumps({"Id": "sha256:" + NOBODY}).encode()


def id_of_number(engine, status, body):
    return 200, b'{"Id": 7}'


class Done(Lie):
    """An API call that says it did what it did not."""

    def __init__(self, name, kind, phase, answer, **more):
        super().__init__("%s, at %s" % (name, phase), **more)
        self.kind, self.phase, self.answer = kind, phase, answer

    def act(self, engine, phase, request):
        is_it = request.kind == self.kind and phase in (self.phase, "plan")
        return self.answer if is_it else None


# ---- compose that does not do it ---------------------------------------------


class Compose(Lie):
    """Instead of what compose is asked: `does(engine, world, nth)`; None: the truth."""

    def __init__(self, name, verb, does, on=(1,), **more):
        super().__init__(name, **more)
        self.verb, self.does, self.on = verb, does, on

    def compose(self, engine, phase, verb):
        if verb != self.verb:
            return None
        self.count += 1
        if self.on and self.count not in self.on:
            return None
        return self.does(engine, engine.world)


def nothing(engine, world):
    return said(0, "", "Recreating api ... done\n")


def nothing_but_error(engine, world):
    return said(0, "", "ERROR: for api  Cannot start service api\n")


def refuses(engine, world):
    return said(1, "", "ERROR: it is Sunday\n")


def hangs(engine, world):
    time.sleep(20)
    return said(0, "")


def removes_and_hangs(engine, world):
    with world.lock:
        removes_container(world)
    return hangs(engine, world)


def dies_of_signal(engine, world):
    return said(-9, "", "Killed\n")


def restarts_old(engine, world):
    for c in world.of("api"):
        world.restart(c)
    return said(0, "", "Restarting api ... done\n")


def recreates_on(choose):
    def does(engine, world):
        for c in world.of("api"):
            world.remove(c)
        image = choose(world)
        for n in range(world.replicas):
            world.start_container("api", n + 1, image, world.image)
        return said(0, "", "Recreating api ... done\n")
    return does


def and_then(deed):
    """What is asked, and then something that nobody asked for."""
    def does(engine, world):
        answer = said(0, "", world.up(world.replicas))
        deed(world)
        return answer
    return does


def built_and_then(deed):
    def does(engine, world):
        answer = said(0, world.build())
        deed(world)
        return answer
    return does


def neighbour(world):
    return world.of("db")[0]


def restarts_neighbour(world):
    world.restart(neighbour(world))


def restarts_neighbour_unseen(world):
    seen = list(world.events)
    restarts_neighbour(world)
    world.events[:] = seen


def recreates_neighbour(world):
    image = neighbour(world)["image"]
    world.remove(neighbour(world))
    world.start_container("db", 1, image, "base:1")


def recreates_neighbour_unseen(world):
    seen = list(world.events)
    recreates_neighbour(world)
    world.events[:] = seen


def stops_neighbour(world):
    world.stop(neighbour(world))


def stops_neighbour_unseen(world):
    seen = list(world.events)
    stops_neighbour(world)
    world.events[:] = seen


def removes_neighbour(world):
    world.remove(neighbour(world))


def removes_container(world):
    for c in world.of("api"):
        world.remove(c)


def removes_one(world):
    world.remove(world.of("api")[0])


def adds_one(world):
    c = world.of("api")[0]
    world.start_container("api", 9, c["image"], c["reference"])


def kills_container(world):
    for c in world.of("api"):
        world.die(c, 137)


def creates_only(world):
    for c in world.of("api"):
        c["status"] = "created"


def removes_old_image(world):
    world.remove_image(world.start["tag"])


def moves_tag_to_base(world):
    world.tags[world.image] = world.tags["base:1"]


def removes_tag(world):
    del world.tags[world.image]


def builds_nothing(engine, world):
    return said(0, "Successfully built 000000000000\n")


# ---- an engine that goes away ------------------------------------------------


class Dies(Lie):
    """The engine ends when it is asked for something; comes back after a while, or
    never (None)."""

    def __init__(self, name, verb=None, kind=None, phase=None, back_s=None, **more):
        super().__init__(name, **more)
        self.verb, self.kind, self.phase, self.back_s = verb, kind, phase, back_s
        self.is_dead = False

    def die(self, engine):
        self.is_dead = True
        engine.stop()
        if self.back_s is not None:
            time.sleep(self.back_s)
            engine.listen()
        raise Gone

    def compose(self, engine, phase, verb):
        if self.verb == verb and not self.is_dead:
            if verb == "build":
                engine.spare_pings = 1
                engine.built()
            else:
                engine.recreated()
            self.die(engine)

    def wire(self, engine, phase, request):
        if self.kind == request.kind and self.phase == phase and not self.is_dead:
            return lambda engine, connection, status, body: self.die(engine)
        return None


# ---- the probe ---------------------------------------------------------------


class Probe(Inspect):
    """The service answers this to health probes, whatever is true; and inspecting its
    container may change too."""

    def __init__(self, name, answer, change=lambda lie, container: None, **more):
        super().__init__("probe: " + name, change, **more)
        self.answer = answer

    def http(self, engine):
        return self.answer
