# SPDX-License-Identifier: LGPL-2.1-or-later
"""One scene of t/liar/protected: a world of its own with a protected service, who
may try what in it, and a cell for each try: files (bytes, inode, times), image
names, images, containers and events are compared before and after."""
import hashlib
import json
import os
import subprocess
import sys

from engine import Engine
from lies import Lie
from world import World

ROOT, FETTLE, LIBDIR = sys.argv[1:4]
LIMIT_S = 60

PROJECT = """fettle: 1
project: {name}
compose: {{ files: [docker-compose.yml] }}
services:
  api: {{ allow: ["api/**"], protected: true, aliases: [backend] }}
"""
SITE = """fettle: 1
principals:
  ann: { users: [ann, ann-admin], roles: [sre, lead] }
  bob: { users: [bob], roles: [sre] }
  eve: { users: [eve, eve2], roles: [sre] }
  cook: { users: [cook], roles: [kitchen] }
  gone: { users: [gone], roles: [sre], disabled: true }
  robot: { users: [robot], class: agent, roles: [sre] }
  mill: { users: [mill], class: worker, roles: [sre] }
  hook: { users: [hook], class: webhook, roles: [sre] }
"""
APPROVAL = "policies: [{ uses: approval, with: { roles: [sre], quorum: 2 } }]\n"
# `approval` takes no less than a minute.
SHORT = "policies: [{ uses: ask, with: { quorum: 2, valid_for: 1s } }]\n"
SHORT_BACK = SHORT.replace("with: {", "with: { before: rollback,")
HEAD = """fettle: 1
name: p
inputs: { instruction: { type: string }, service: { type: service } }
"""
STEPS = {
    "patch": "{ id: patch, uses: patch/apply, with: { edits: "
             "[{ op: add_line, path: api/requirements.txt, line: PyYAML }] } }",
    "build": "{ id: build, uses: build/compose }",
    "restart": "{ id: restart, uses: restart/compose }",
    "verify": "{ id: verify, uses: verify/service, with: { within: 1s, for: 0s } }",
    "look": "{ id: look, uses: analyze/command, with: { argv: ['true'] } }",
}
UNDO = "on_failure: [{ id: rollback, uses: rollback/compose }]\n"
COMPOSE_UP = ("argv: [env, 'DOCKER_HOST=unix://{socket}', docker-compose, "
              "--project-name, {name}, up, -d, --scale, api=1]")


def pipeline(*steps, more="", head=HEAD, undo=UNDO):
    lines = ["  - %s\n" % STEPS.get(step, step) for step in steps]
    return head + more + "steps:\n" + "".join(lines) + undo


WHOLE = ("patch", "build", "restart", "verify")

# Who cannot agree, in which words, and the code that says why; and how many of
# these codes do not depend on what the run is doing.
STRANGERS = [
    ("nobody", None, "approver_unknown"),
    ("stranger", "mallory", "approver_unknown"),
    ("disabled human", "gone", "approver_unknown"),
    ("agent", "robot", "approver_class"),
    ("worker", "mill", "approver_class"),
    ("webhook", "hook", "approver_class"),
]
UNFIT = [
    ("requester", "ann", "right", "self_approval"),
    ("requester's other account", "ann-admin", "right", "self_approval"),
    ("human without the role", "cook", "right", "approver_role"),
    ("human without a digest", "bob", None, "approval.digest_required"),
    ("human with a made-up digest", "bob", "0" * 64, "approval_invalid"),
]
GOOD = [("first human", "bob"), ("second human", "eve")]

# Other ways to make a waiting run go on, and the codes they may end with.
NUDGES = [
    ("work --once", ["work", "--once"], None),
    ("retry", ["retry", "RUN"], "retry_not_allowed"),
    ("retry --from build", ["retry", "RUN", "--from", "build"], "retry_not_allowed"),
    ("retry --whole", ["retry", "RUN", "--whole"], "retry_not_allowed"),
    ("rollback", ["rollback", "RUN"], None),
    ("resume", ["resume"], None),
    ("plan", ["plan", "-p", "../p.yaml", "-s", "api"], None),
]


class Wrong(Exception):
    """The scene did not come to where it should begin."""


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, 0o644)


def replace(path, old, new):
    with open(path) as file:
        text = file.read()
    if old not in text:
        raise Wrong("%s is not in %s" % (old, path))
    write(path, text.replace(old, new))


class Scene:
    def __init__(self, number, name, play):
        self.name, self.play = name, play
        self.id = "m%d" % number
        self.root = os.path.join(ROOT, self.id)
        self.project = self.root + "/project"
        self.site, self.libdir = self.root + "/site.yaml", LIBDIR
        self.cells, self.faults, self.err = [], [], ""
        self.route = self.timing = self.run = ""
        self.fit = ()           # who of UNFIT may well agree here
        self.undone = ""        # the run that is to be rolled back

    def prepare(self, policies=APPROVAL):
        write(self.project + "/fettle.yaml", PROJECT.format(name=self.id))
        write(self.project + "/docker-compose.yml", "# the scripted engine knows it\n")
        write(self.project + "/api/Dockerfile", "FROM base:1\n")
        write(self.project + "/api/requirements.txt", "# %s\n" % self.id)
        write(self.site, SITE + policies)
        write(self.root + "/p.yaml", pipeline(*WHOLE))
        self.world = World(self.project, self.id, False, "dies", "good")
        self.engine = Engine(self.world, self.root + "/s", Lie("none"))
        self.before = self.look()

    # ---- asking ------------------------------------------------------------

    def fettle(self, account, *argv, directory=None):
        """(exit status, code named)"""
        environment = dict(
            os.environ, FETTLE_STATE_DIR=self.root + "/state", FETTLE_LIBDIR=self.libdir,
            FETTLE_SITE_FILE=self.site, FETTLE_DOCKER_HOST="unix://" + self.root + "/s")
        environment.pop("SUDO_USER", None)
        if account:
            environment["SUDO_USER"] = account
        done = subprocess.run([FETTLE] + list(argv) + ["--json"], env=environment,
                              cwd=directory or self.project, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=LIMIT_S)
        self.out = done.stdout.decode("utf-8", "replace")
        self.err = done.stderr.decode("utf-8", "replace")
        self.lines = list(self.read_lines())
        return done.returncode, self.code()

    def read_lines(self):
        """The objects of standard output: one a line, or one of many lines."""
        for text in [self.out] if self.out.startswith("{\n") else self.out.splitlines():
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict):
                yield line

    def code(self):
        """What the first error, or the end of the run, is called."""
        for line in self.lines:
            if isinstance(line.get("error"), dict):
                return line["error"]["code"]
        for line in reversed(self.lines):
            if line.get("kind") == "summary":
                return line["body"].get("code") or line["body"]["state"]
        return ""

    def order(self, account, *argv, status=5, directory=None):
        """An order that must end so; remembers the run."""
        got, code = self.fettle(account, *argv, directory=directory)
        if got != status:
            raise Wrong("%s ended with %d (%s), not %d: %s" % (
                " ".join(argv), got, code, status, (self.err or self.out)[-600:]))
        self.remember()
        return code

    def remember(self):
        for line in self.lines:
            self.run = line.get("run") or self.run

    def show(self):
        self.fettle(None, "show", self.run)
        return json.loads(self.out)

    def digest(self):
        return self.show()["hold"]["digest"]

    # ---- what there is -----------------------------------------------------

    def files(self):
        found = []
        for at, directories, names in os.walk(self.project):
            directories.sort()
            for name in sorted(names):
                path = os.path.join(at, name)
                status = os.stat(path)
                with open(path, "rb") as file:
                    found.append((path, hashlib.sha256(file.read()).hexdigest(),
                                  status.st_ino, status.st_mtime_ns, status.st_mode))
        return found

    def look(self):
        w = self.world
        with w.lock:
            return (self.files(), dict(w.tags), dict(w.images), len(w.events),
                    json.dumps(w.containers, sort_keys=True))

    def is_done_once(self):
        """Repaired as agreed to, by one recreation."""
        w = self.world
        with open(self.project + "/api/requirements.txt") as file:
            lines = file.read().splitlines()
        born = [e for e in w.events if e["Action"] == "create"]
        return w.is_well() and lines.count("PyYAML") == 1 and len(born) == 1

    def is_back_once(self):
        """As it was before the repair, by one more recreation."""
        w = self.world
        with open(self.project + "/api/requirements.txt") as file:
            text = file.read()
        born = [e for e in w.events if e["Action"] == "create"]
        return w.is_back() and text == "# %s\n" % self.id and len(born) == 2

    # ---- cells -------------------------------------------------------------

    def cell(self, who, got, codes=None, status=None, change=False):
        now = self.look()
        changed = now != self.before
        self.cells.append((self.route, self.timing, who, got[1] or "status %d" % got[0],
                           changed))
        where = "%s, %s, %s" % (self.route, self.timing, who)
        if changed != change:
            self.faults.append("%s: %s (status %d, %s)" % (
                where, "changed" if changed else "nothing changed", *got))
        elif change and not (self.is_back_once() if self.undone else
                             self.is_done_once()):
            self.faults.append("%s: not what was agreed to, or not once" % where)
        if codes is not None and got[1] not in codes:
            self.faults.append("%s: code %s, not %s" % (where, got[1], " or ".join(codes)))
        if status is not None and got[0] != status:
            self.faults.append("%s: status %d, not %d: %s" % (
                where, got[0], status, (self.err or self.out)[-300:]))
        self.before = now

    def approve(self, account, digest):
        return self.fettle(account, "approve", self.run,
                           *(["--digest", digest] if digest else []))

    def try_unfit(self, digest):
        """All who cannot agree, while the run waits."""
        for who, account, code in STRANGERS:
            self.cell(who, self.approve(account, digest), [code], 2)
        for who, account, kind, code in UNFIT:
            if who not in self.fit:
                given = digest if kind == "right" else kind
                self.cell(who, self.approve(account, given), [code], 2)

    def try_late(self, digest, *codes):
        """Everybody, when there is nothing to agree to."""
        for who, account, code in STRANGERS:
            self.cell(who, self.approve(account, digest),
                      [code, "approval_not_applicable"], 2)
        for who, account, kind, _ in UNFIT:
            given = digest if kind == "right" else kind
            self.cell(who, self.approve(account, given), codes, 2)
        for who, account in GOOD:
            self.cell(who, self.approve(account, digest), codes, 2)

    def again(self):
        """The same once more, when it came to no good end."""
        self.order("ann", *(["rollback", self.undone] if self.undone else
                            ["retry", self.run]))

    def agree(self, digest):
        """The full set: one of two, the same again by another account, the other."""
        self.cell("one of two", self.approve("eve", digest), status=0)
        self.cell("the same by two accounts", self.approve("eve2", digest), status=0)
        self.cell("two valid humans", self.approve("bob", digest), ["succeeded"], 0,
                  change=True)

    def nudge(self):
        for what, argv, code in NUDGES:
            for account in ("mallory", "ann"):
                argv = [self.run if word == "RUN" else word for word in argv]
                got = self.fettle(account, *argv)
                self.cell("%s by %s" % (what, account), got, [code] if code else None)
            if self.show()["state"] != "awaiting_approval":
                self.faults.append("%s: %s ended its wait" % (self.route, what))

    def perform(self):
        try:
            self.play(self)
        except Wrong as wrong:
            self.faults.append(str(wrong))
        except Exception as error:      # one scene's trouble is not the others'
            self.faults.append("%s: %s; %s" % (type(error).__name__, error, self.err[-300:]))
        self.engine.stop()
        return self
