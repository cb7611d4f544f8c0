# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every lie that is told, and where. A cell whose lie cannot be seen from outside
(an engine that tells one story everywhere) is none: nobody could know."""
import lies
from lies import (Compose, Dies, Done, Inspect, Lie, Probe, Reply, Wire, and_then,
                  built_and_then, in_turns, label, member, recreates_on,
                  state, without)

BACK = {"rolled_back"}
LOST = {"rollback_failed"}
REFUSED = {"refused", "failed"}         # nothing was changed
HEALTHY = {"before": "good"}            # the service ran well, and the repair is good
WORSE = {"before": "good", "after": "sick"}     # the repair makes it worse
UNDO = {"before": "dies", "after": "sick"}
NONE = {"before": None, "after": "sick"}        # there was no container


def honest():
    """Without a lie all ends as it should: what follows is because of the lies."""
    return [
        Lie("a repair that helps", ends={"succeeded"}),
        Lie("one that helps two containers", ends={"succeeded"}, replicas=2),
        Lie("one of a service that ran", ends={"succeeded"}, **HEALTHY),
        Lie("one with docker compose v2", ends={"succeeded"}, is_v2=True),
        Lie("a repair that does not help", "not_healthy.* 503", BACK, after="sick"),
        Lie("one that kills a healthy service", "not_healthy.*exited", BACK,
            before="good", after="dies"),
        Lie("one that kills two", "not_healthy", BACK, before="good", after="dies",
            replicas=2),
        Lie("one of a service without a container", "not_healthy", BACK, **NONE),
        Lie("one that does not help, with v2", "not_healthy", BACK, is_v2=True, **UNDO),
        Compose("a build that fails", "build", lies.refuses, says="it is Sunday",
                ends=BACK),
        Compose("an up that fails", "up", lies.refuses, says="it is Sunday", ends=BACK),
    ]


# What a lie looks like when it is well-formed.
SAYS = {
    ("404 for all", "build"): "would not hold",
    ("404 for all", "restart"): "build_left_no_image",
    ("an empty list", "verify"): "no container",
}


def transport():
    cells = []
    for n, how in enumerate(lies.WIRES):
        # All three would take long and show little more.
        for phase in (("build", "restart", "check")[n % 3], "verify", "rollback"):
            world = WORSE if phase == "rollback" else {}
            cells.append(Wire(how, phase, ends=LOST if phase == "rollback" else BACK,
                              says=SAYS.get((how, phase), "docker_"),
                              **world))
    for how in ("HTTP 500", "closed connection", "no JSON", "a hang", "404 for all"):
        cells.append(Wire(how, "plan", ends=REFUSED, says="docker_"))
        cells.append(Wire(how, "rollback", ("ping", "image"), ends=LOST, **WORSE))
        cells.append(Wire(how, "plan", ("logs", "tag"), ends=REFUSED))
        cells.append(Wire(how, "rollback", ("tag", "untag"),
                          ends=None if how == "no JSON" else LOST, **WORSE))
        cells.append(Wire(how, "rollback", ("remove", "untag"), **NONE))
    for how in ("a hang", "closed connection"):
        for phase, kind in (("restart", "inspect"), ("check", "events"), ("check", "image"),
                            ("verify", "inspect"), ("rollback", "events"),
                            ("rollback", "inspect"), ("rollback", "image")):
            world = WORSE if phase == "rollback" else {}
            cells.append(Wire(how, phase, (kind,), says="docker_unreachable",
                              ends=LOST if phase == "rollback" else BACK, **world))
    return cells


def events():
    def answer(body):
        return lambda engine, status, true: (200, body)

    some = b'{"Type": "container", "Action": "start", "Actor": {"ID": "x"}}\n'
    bodies = (("garbage", b"\x00\xff not JSON"), ("garbage behind one", some + b"{{{"),
              ("cut in one", some + some[:20]), ("no objects", b"1 2 3"),
              ("objects without members", b"{}{}"), ("a list", b"[]"))
    cells = [Reply("events: " + name, "events", answer(body), phase, says="docker_error",
                   ends=BACK if phase == "check" else LOST,
                   **({} if phase == "check" else WORSE))
             for name, body in bodies for phase in ("check", "rollback")]
    return cells


def inspecting():
    lied = [
        ("another ID", member("Id", lies.NOBODY), "docker_error"),
        ("no ID", without("Id"), "docker_error"),
        ("another project", label("project", "other"), "docker_error"),
        ("another service", label("service", "db"), "docker_error"),
        ("no state", without("State"), "docker_error|no known state"),
        ("no image", without("Image"), "docker_error"),
        ("the image by name only", member("Image", "base:1"), "docker_error"),
        ("state restarting", state(Status="restarting"), "being restarted"),
        ("state paused", state(Status="paused"), "is paused"),
        ("state dead", state(Status="dead", ExitCode=9), "exited with status 9"),
        ("a state nobody knows", state(Status="blissful"), "is blissful"),
        ("a number as state", state(Status=7), "docker_error|no known state"),
        ("running and restarting in turns",
         in_turns(state(), state(Status="restarting")), "being restarted"),
        ("running and exited in turns", in_turns(state(), state(Status="exited")),
         "exited"),
        ("a rising restart count", lies.counting, "restarted"),
        ("a start in turns", lies.started_anew, "restarted"),
        ("no time of start", in_turns(state(), state(StartedAt="yesterday")),
         "restarted|docker_error"),
        ("health that is starting for ever", lies.health("starting"), "says 'starting'"),
        ("unhealthy", lies.health("unhealthy"), "says 'unhealthy'"),
        ("health that flaps", lies.health("healthy", "unhealthy"), "says 'unhealthy'"),
        ("a health nobody knows", lies.health("splendid"), "says 'splendid'"),
        ("unhealthy without a check", lies.health_alone, "says 'unhealthy'"),
    ]
    cells = [Inspect(name, change, says=says, ends=BACK) for name, change, says in lied]
    future = in_turns(state(), state(StartedAt="2999-01-01T00:00:00Z"))
    cells.append(Inspect("a start in the future", future, says="restarted", ends=BACK))
    for name, change, _ in lied[:7]:
        cells.append(Inspect(name, change, "rollback", ends=LOST, **WORSE))
    for name in ("another ID", "another project"):
        change = dict((n, c) for n, c, _ in lied)[name]
        cells.append(Inspect(name, change, "plan", says="docker_error", ends=REFUSED))
    return cells


def listing():
    return [
        Reply("each container twice", "list", lies.twice, "verify",
              says="docker_error", ends=BACK),
        Reply("each container twice, of two", "list", lies.twice, "verify",
              says="docker_error", ends=BACK, replicas=2),
        Reply("no containers", "list", lies.emptied, "verify", says="0 containers|no cont",
              ends=BACK),
        Reply("no containers", "list", lies.emptied, "rollback", ends=LOST, **WORSE),
        Reply("a container nobody knows", "list", lies.with_stranger, "verify",
              says="docker_error", ends=BACK),
        Reply("a container nobody knows", "list", lies.with_stranger, "rollback",
              says="docker_error", ends=LOST, **NONE),
        Reply("containers without IDs", "list", lies.without_ids, "verify",
              says="docker_error", ends=BACK),
        Reply("containers without IDs", "list", lies.without_ids, "rollback",
              says="docker_error", ends=LOST, **NONE),
        Reply("another image ID", "image", lies.strange_id, "check", ends=BACK),
        Reply("another image ID", "image", lies.strange_id, "rollback", ends=LOST, **WORSE),
        Reply("a number as image ID", "image", lies.id_of_number, "restart",
              says="docker_error", ends=BACK),
        Reply("a number as image ID", "image", lies.id_of_number, "rollback", ends=LOST,
              **WORSE),
        Done("a pin that is none", "tag", "build", (201, b""), says="pin", ends=REFUSED | BACK),
        Done("a name that is not put back", "tag", "rollback", (201, b""), ends=LOST,
             **WORSE),
        Done("a container that is not removed", "remove", "rollback", (204, b""),
             ends=LOST, **NONE),
        Done("a name that is not taken away", "untag", "rollback", (200, b"[]"),
             ends=LOST, **NONE),
    ]


def building():
    def after(name, deed, says=".", **more):
        return Compose(name, "build", built_and_then(deed), says=says, **more)

    none = lies.builds_nothing
    return [
        Compose("a build that does nothing", "build", none, ends=BACK),
        Compose("a build that does nothing for a service that runs", "build", none,
                says="build_changed_nothing", ends=BACK, **HEALTHY),
        after("a build that leaves no image", lies.removes_tag, "build_left_no_image",
              ends=BACK),
        after("a build of another image", lies.moves_tag_to_base, ends=None),
        after("a build that kills the container", lies.kills_container, ends={"succeeded"},
              **HEALTHY),
        Compose("a build that fails and kills the container", "build",
                lambda e, w: lies.kills_container(w) or lies.refuses(e, w), **HEALTHY),
        Compose("a build that fails and removes the container", "build",
                lambda e, w: lies.removes_container(w) or lies.refuses(e, w), **HEALTHY),
        Compose("a build that fails and moves the name", "build",
                lambda e, w: lies.moves_tag_to_base(w) or lies.refuses(e, w), ends=BACK,
                **HEALTHY),
        after("a build that removes the old image", lies.removes_old_image,
              ends=LOST, **WORSE),
        Compose("a build that hangs", "build", lies.hangs, says="timeout", ends=BACK),
        Compose("a build that is killed", "build", lies.dies_of_signal,
                says="killed by signal 9", ends=BACK),
    ]


def restarting():
    def up(name, does, says=".", ends=None, **more):
        return Compose(name, "up", does, says=says, ends=ends, **more)

    def old(world):
        return world.start["tag"]

    def base(world):
        return world.tags["base:1"]

    again = "not recreated"
    alone = "neighbour_touched.*db"
    return [
        up("up does nothing", lies.nothing, again, BACK),
        up("up does nothing where it ran", lies.nothing, again, BACK, **HEALTHY),
        up("up says an error and status 0", lies.nothing_but_error, again, BACK, **HEALTHY),
        up("up restarts the old container", lies.restarts_old, again, BACK, **HEALTHY),
        up("up keeps the old image", recreates_on(old), "runs image", BACK, **HEALTHY),
        up("up takes another image", recreates_on(base), "runs image", BACK),
        up("up creates and does not start", and_then(lies.creates_only), "is created", BACK),
        up("up leaves it dead", and_then(lies.kills_container), "exited", BACK),
        up("up leaves none", and_then(lies.removes_container), "0 containers", BACK),
        up("up leaves one of two", and_then(lies.removes_one), "1 containers", BACK,
           replicas=2),
        up("up leaves one too many", and_then(lies.adds_one), "2 containers", BACK),
        up("up hangs", lies.hangs, "timeout", BACK, **HEALTHY),
        up("up hangs half way", lies.removes_and_hangs, "timeout", BACK, **HEALTHY),
        up("up is killed half way", lambda e, w: lies.removes_container(w) or
           lies.dies_of_signal(e, w), "restart_failed", BACK, **HEALTHY),
        up("up restarts a neighbour", and_then(lies.restarts_neighbour), alone, LOST),
        up("up restarts a neighbour, without events",
           and_then(lies.restarts_neighbour_unseen), alone, LOST),
        up("up recreates a neighbour", and_then(lies.recreates_neighbour), alone, LOST),
        up("up recreates a neighbour, without events",
           and_then(lies.recreates_neighbour_unseen), alone, LOST),
        up("up stops a neighbour", and_then(lies.stops_neighbour), alone, LOST),
        up("up stops a neighbour, without events",
           and_then(lies.stops_neighbour_unseen), alone, LOST),
        up("up removes a neighbour", and_then(lies.removes_neighbour), alone, LOST),
        up("up removes the old image", and_then(lies.removes_old_image),
           "previous_image_gone", LOST, **WORSE),
    ]


def undoing():
    def up(name, does, says=".", ends=LOST, **more):
        return Compose("rollback: " + name, "up", does, says=says, ends=ends,
                       **dict({"on": (2,), **WORSE}, **more))

    def candidate(world):
        return next(i for i in world.images if i not in (world.start["tag"],
                                                         world.tags["base:1"]))

    return [
        up("up does nothing", lies.nothing, "rollback_incomplete"),
        up("up does nothing where it was dead", lies.nothing, before="dies"),
        up("up fails", lies.refuses, "rollback_incomplete", on=(2, 3)),
        up("up fails once", lies.refuses, ends=BACK),
        up("up hangs", lies.hangs, "timeout"),
        up("up brings the bad image again", recreates_on(candidate), "runs image"),
        up("up leaves it dead", and_then(lies.kills_container), "exited, and was running"),
        up("up leaves it created", and_then(lies.creates_only), "created, and was running"),
        up("up leaves none", and_then(lies.removes_container), "0 containers"),
        up("up leaves one of two", and_then(lies.removes_one), "1 containers", replicas=2),
        up("up leaves one too many", and_then(lies.adds_one), "2 containers"),
        up("up moves the name", and_then(lies.moves_tag_to_base), ends=None),
        up("up removes the name", and_then(lies.removes_tag), ends=None),
        up("up removes the image", and_then(lies.removes_old_image)),
        up("up restarts a neighbour", and_then(lies.restarts_neighbour),
           "neighbour_touched.*db"),
        up("up restarts a neighbour, without events",
           and_then(lies.restarts_neighbour_unseen), "neighbour_touched.*db"),
        up("up recreates a neighbour", and_then(lies.recreates_neighbour),
           "neighbour_touched.*db"),
        up("up stops a neighbour", and_then(lies.stops_neighbour), "neighbour_touched.*db"),
        up("up removes a neighbour", and_then(lies.removes_neighbour),
           "neighbour_touched.*db"),
    ]


def in_rounds():
    """As the built-in pipeline does it: what did not help is looked at once more."""
    more = {"rounds": 3}
    return [
        Lie("three rounds: it helps", ends={"succeeded"}, **more),
        Lie("three rounds: it does not help", "not_healthy", BACK, after="sick", **more),
        Compose("three rounds: up does nothing", "up", lies.nothing, on=(1, 2, 3),
                says="not recreated", ends=BACK, **more),
        Compose("three rounds: up does nothing at first", "up", lies.nothing, **more),
        Compose("three rounds: up restarts a neighbour", "up",
                and_then(lies.restarts_neighbour), says="neighbour_touched.*db",
                ends=LOST, **more),
        Compose("three rounds: up removes the old image", "up",
                and_then(lies.removes_old_image), says="previous_image_gone", ends=LOST,
                **dict(WORSE, **more)),
        Inspect("three rounds: state restarting", state(Status="restarting"),
                says="being restarted", ends=BACK, **more),
    ]


def going_away():
    return [
        Dies("the engine dies in mid-build", "build", ends=LOST, says="docker_unreachable"),
        Dies("the engine dies in mid-build and comes back", "build", back_s=0.2),
        Dies("the engine dies in mid-build and comes back late", "build", back_s=1.5),
        Dies("the engine dies in mid-up", "up", ends=LOST, says="docker_unreachable"),
        Dies("the engine dies in mid-up and comes back", "up", back_s=0.2),
        Dies("the engine dies at verify", kind="list", phase="verify", ends=LOST),
        Dies("the engine dies at verify and comes back", kind="list", phase="verify",
             back_s=0.2),
        Dies("the engine dies at the rollback", kind="list", phase="rollback", ends=LOST,
             **WORSE),
        Dies("the engine dies at the rollback's tag", kind="tag", phase="rollback",
             ends=LOST, **WORSE),
        Dies("the engine dies in the plan", kind="list", phase="plan", ends=REFUSED),
    ]


def probing():
    ok = (200, [], b"ok")
    there = [("Location", "http://127.0.0.1:1/")]
    return [
        Probe("200 while the container restarts", ok, state(Status="restarting"),
              says="being restarted", ends=BACK, **UNDO),
        Probe("200 while the restart count rises", ok, lies.counting, says="restarted",
              ends=BACK, **UNDO),
        Probe("200 of a container that is dead", ok, ends=BACK, says="exited",
              before="good", after="dies"),
        Probe("a redirect", (302, there, b"ok"), says="302", ends=BACK),
        Probe("a redirect for ever", (307, [("Location", "#")], b"ok"), says="307",
              ends=BACK),
        Probe("another body", (200, [], b"Bad Gateway"), says="is not in the body",
              ends=BACK),
        Probe("an empty body", (200, [], b""), says="is not in the body", ends=BACK),
        Probe("201", (201, [], b"ok"), says="201", ends=BACK),
        Probe("503 with the right body", (503, [], b"ok"), says="503", ends=BACK),
    ]


def table():
    return (honest() + transport() + events() + inspecting() + listing() + building() +
            restarting() + undoing() + in_rounds() + going_away() + probing())
