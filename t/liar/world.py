# SPDX-License-Identifier: LGPL-2.1-or-later
"""A little world as a Docker engine would keep it: one project with services
api (built), db and web (their neighbours), their containers, images, image
names and events. It does honestly what it is asked; it knows nothing of HTTP
and of lies. is_well() and is_back() are the truth that claims are held against.
"""
import hashlib
import json
import os
import threading
import time

OLD_LOG = ("Traceback (most recent call last):\n"
           "  File \"/srv/api.py\", line 1, in <module>\n"
           "ModuleNotFoundError: No module named 'yaml'\n")


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def rfc3339(seconds):
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return "%s.%09dZ" % (whole, (seconds % 1) * 1e9)


class World:
    """`before`: how the old image does (`good`, `sick`, `dies`), None: there is no
    container and no image. `after`: how what is built with PyYAML in it does."""

    def __init__(self, directory, project, is_v2, before, after, replicas=1):
        self.lock = threading.RLock()
        self.directory, self.project, self.is_v2 = directory, project, is_v2
        self.before, self.after, self.replicas = before, after, replicas
        self.image = project + ("-" if is_v2 else "_") + "api"
        self.phase = "plan"
        self.images = {}        # ID: how it does
        self.tags = {}          # reference: ID
        self.containers = []
        self.events = []
        self.is_flapping = False        # set by lies that make it so
        self.more = {}          # of the configuration of the api
        self.born, self.old = 0, None
        self.clock = time.time() - 3600
        base = self.new_image("base", "good")
        self.tags["base:1"] = base
        for service in ("db", "web"):
            self.start_container(service, 1, base, "base:1")
        if before:
            self.old = self.tags[self.image] = self.new_image(self.manifest(), before)
            for number in range(replicas):
                self.start_container("api", number + 1, self.tags[self.image], self.image)
        self.start = self.snapshot()
        self.events.clear()

    # ---- what it looks like ------------------------------------------------

    def manifest(self):
        with open(os.path.join(self.directory, "api/requirements.txt")) as file:
            return file.read()

    def of(self, service):
        return [c for c in self.containers if c["service"] == service]

    def find(self, name):
        for c in self.containers:
            if name and (c["id"].startswith(name) or c["name"] == name):
                return c
        return None

    def image_id(self, reference):
        if reference in self.images:
            return reference
        if reference.endswith(":latest"):
            reference = reference[:-len(":latest")]
        return self.tags.get(reference)

    def level(self, c):
        return {"created": 1, "running": 3}.get(c["status"], 2)

    def snapshot(self):
        return {
            "tag": self.tags.get(self.image),
            "api": sorted(c["image"] for c in self.of("api")),
            "level": min([self.level(c) for c in self.of("api")], default=0),
            "ids": {c["id"] for c in self.of("api")},
            "others": sorted((c["id"], c["status"], c["started_at"])
                             for c in self.containers if c["service"] != "api"),
        }

    def is_well(self):
        """Recreated, on what its name stands for, which is new, and running well."""
        now, was = self.snapshot(), self.start
        return (not self.is_flapping and now["others"] == was["others"] and
                len(now["api"]) == self.replicas and not now["ids"] & was["ids"] and
                all(i == now["tag"] and i != was["tag"] for i in now["api"]) and
                all(c["status"] == "running" and self.images.get(c["image"]) == "good"
                    and c["restart_count"] == 0 for c in self.of("api")))

    def is_back(self):
        now, was = self.snapshot(), self.start
        return (now["tag"] == was["tag"] and now["api"] == was["api"] and
                now["level"] >= was["level"] and now["others"] == was["others"] and
                not self.is_flapping)

    def answers(self):
        """What a client of the api sees: does it answer well?"""
        return any(c["status"] == "running" and self.images.get(c["image"]) == "good"
                   for c in self.of("api"))

    # ---- what happens in it ------------------------------------------------

    def now(self):
        self.clock = max(self.clock + 1e-6, time.time() if self.phase != "plan" else 0)
        return self.clock

    def new_image(self, content, behaviour):
        image = "sha256:" + digest(self.project + content)
        self.images[image] = behaviour
        return image

    def event(self, c, action):
        self.events.append({
            "Type": "container", "Action": action, "status": action, "id": c["id"],
            "Actor": {"ID": c["id"], "Attributes": {"name": c["name"], **c["labels"]}},
            "time": int(self.now()), "timeNano": int(self.clock * 1e9)})

    def hash_of(self, service):
        return digest("configuration of " + service)

    def start_container(self, service, number, image, reference):
        self.born += 1
        dash = "-" if self.is_v2 else "_"
        c = {
            "id": digest("%s %d" % (self.project, self.born)), "service": service,
            "name": dash.join((self.project, service, str(number))),
            "image": image, "reference": reference, "status": "running", "exit": 0,
            "restart_count": 0, "health": None, "error": "", "log": "",
            "finished_at": rfc3339(0).replace("1970", "0001"),
            "labels": {
                "com.docker.compose.project": self.project,
                "com.docker.compose.service": service,
                "com.docker.compose.oneoff": "False",
                "com.docker.compose.container-number": str(number),
                "com.docker.compose.config-hash": self.hash_of(service),
                "com.docker.compose.project.working_dir": self.directory,
                "com.docker.compose.project.config_files": "docker-compose.yml",
            }}
        self.containers.append(c)
        self.event(c, "create")
        self.event(c, "start")
        c["started_at"] = rfc3339(self.now())
        c["log"] = OLD_LOG if image == self.old else "listening\n"
        if self.images[image] == "dies":
            self.die(c, 1)
        return c

    def die(self, c, status):
        c.update(status="exited", exit=status, finished_at=rfc3339(self.now()))
        self.event(c, "die")

    def stop(self, c):
        self.event(c, "kill")
        if c["status"] == "running":
            self.die(c, 143)
        self.event(c, "stop")

    def restart(self, c):
        self.stop(c)
        c.update(status="running", started_at=rfc3339(self.now()))
        self.event(c, "start")
        self.event(c, "restart")

    def remove(self, c):
        if c["status"] == "running":
            self.stop(c)
        self.containers.remove(c)
        self.event(c, "destroy")

    def tag(self, image, reference):
        if image not in self.images:
            return False
        self.tags[reference] = image
        return True

    def remove_image(self, image):
        self.images.pop(image, None)
        self.tags = {r: i for r, i in self.tags.items() if i != image}

    # ---- what compose does -------------------------------------------------

    def config(self):
        services = {"api": {"build": {"context": self.directory + "/api"}, **self.more},
                    "db": {"image": "base:1"}, "web": {"image": "base:1"}}
        return json.dumps({"services": services, "version": "2.4"})

    def hashes(self):
        return "".join("%s %s\n" % (s, self.hash_of(s)) for s in ("api", "db", "web"))

    def build(self):
        """The same files make the same image; with PyYAML in them it does as `after`."""
        content = self.manifest()
        behaviour = self.after if "PyYAML" in content else self.before or "good"
        self.tags[self.image] = self.new_image(content, behaviour)
        return "Successfully built %s\n" % self.tags[self.image][7:19]

    def up(self, replicas):
        for c in self.of("api"):
            self.remove(c)
        for number in range(replicas):
            self.start_container("api", number + 1, self.tags[self.image], self.image)
        return "Recreating api ... done\n"
