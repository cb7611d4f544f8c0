#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The manual page of each module says what its table and its code say: all
# parameters with type and default, outputs, effects and codes, and no other.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
need python3 jq
PATH=$FETTLE_BINDIR:$PATH
export PATH

run_ok 'the modules are listed' fettle plugins --json
printf '%s\n' "$out" >modules.json
cat >compare.py <<'PY'
import glob, json, os, re, sys

source, what = sys.argv[1], sys.argv[2]
types = [None, "bool", "int", "real", "string", "choice", "duration", "size",
         "path", "list", "map", "json", "secret"]


def page_of(module):
    name = module["name"]
    if module["kind"] == "policy":
        name = "policy-" + name
    elif name.endswith("/command"):
        name = "command"
    return "fettle-" + name.replace("/", "-") + ".pod"


def items(pod, head):
    """The items of a section; those of a list inside an item are no names."""
    found = re.search(r"^=head1 " + head + r"\b.*?$(.*?)(?=^=head1 |\Z)", pod, re.M | re.S)
    lines = re.findall(r"^=item (.*)$", found.group(1), re.M) if found else []
    return [line for line in lines if '"' not in line]


def names(lines):
    plain = [re.sub(r"[BCI]<([^>]*)>", r"\1", re.sub(r" ?\(.*", "", line)) for line in lines]
    return {name for line in plain for name in re.split(r",\s*", line.strip())}


def item_of(pod, name):
    for line in items(pod, "PARAMETERS"):
        if name in names([line]):
            return line.replace('"', "").lower()
    return ""


# Codes as the calls that give them name them.
CODE = re.compile(r'(?:fault_no|fault_set|fettle_fail|fettle_error_code)\s*\([^;"]*?"([a-z]+(?:_[a-z]+)+)"')
everything = "".join(open(path).read() for folder in ("plugins", "policies", "core")
                     for path in glob.glob(source + "/" + folder + "/**/*.[ch]", recursive=True))
pages = {}
for module in json.load(open("modules.json")):
    pages.setdefault(page_of(module), []).append(module)
for page, modules in sorted(pages.items()):
    path = os.path.join(source, "doc", page)
    if not os.path.exists(path):
        if what == "pages":
            print(page, "is missing")
        continue
    pod = open(path).read()
    told = [module["description"] for module in modules]
    params = {p["name"]: p for d in told for p in d["params"]}
    if what == "parameters":
        for name in sorted(names(items(pod, "PARAMETERS")) ^ set(params)):
            print(page, "and the table differ in parameter", name)
    if what == "types":
        for name, param in params.items():
            line = item_of(pod, name)
            if line and "(" + types[param["type"]] not in line:
                print(page, "does not say that", name, "is a", types[param["type"]])
    if what == "defaults":
        for name, param in params.items():
            preset = (param["preset"] or "").replace('"', "").lower()
            if preset and preset not in item_of(pod, name):
                print(page, "does not say that", name, "is", preset, "when it is left out")
    if what == "outputs":
        for name in sorted(names(items(pod, "OUTPUTS")) ^ {o["name"] for d in told for o in d["outputs"]}):
            print(page, "and the table differ in output", name)
    if what == "effects":
        for kind in {k for d in told for k in d["effects"] + d["undoes"]}:
            kind = kind.split(" ")[0]
            if kind not in pod:
                print(page, "does not name effect kind", kind)
    if what == "codes":
        code = ""
        for module in modules:
            folder = "policies" if module["kind"] == "policy" else "plugins"
            own = os.path.join(source, folder, module["name"] + ".c")
            code += open(own).read() if os.path.exists(own) else ""
        for name in sorted(set(CODE.findall(code))):
            if not re.search(r"\b" + name + r"\b", pod):
                print(page, "does not explain code", name)
        for name in sorted(names(items(pod, "CODES"))):
            if '"' + name + '"' not in everything:
                print(page, "explains a code that nothing gives:", name)
PY
for what in pages parameters types defaults outputs effects codes; do
	run_ok "$what are compared" python3 compare.py "$FETTLE_SRC" "$what"
	is "$what of all modules are as their pages say" "$out" ''
done
if command -v podchecker >/dev/null 2>&1; then
	for page in "$FETTLE_SRC"/doc/*.pod; do
		ok "${page##*/} is well-formed" podchecker "$page"
	done
fi
done_testing
