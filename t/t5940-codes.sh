#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every error code that core/ can give is in fettle-codes(7), once, with what
# happened and what to do; and no other is.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
need python3

page=$FETTLE_SRC/doc/fettle-codes.pod
cat >codes.py <<'PY'
"""Prints every error code of the C files below a folder, each with its files.

A code is what stands where a parameter called `code` is due (err_set() and all that
hand theirs on to it), what is assigned to a variable of that name, what is copied
into an err's code, and what follows "code" in JSON. What is given as a code and is
none of these is printed behind a question mark: no code comes in by another door.
"""
import collections
import glob
import re
import sys

FORM = re.compile(r"[a-z]+(?:[._][a-z0-9_]+)*")
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
DOTTED = re.compile(r'"([a-z]+\.[a-z_]+)"')


def read(path):
    """Without comments and quoted signs, and with each blank a single space."""
    text = re.sub(r"/\*.*?\*/", " ", open(path, encoding="utf-8").read(), flags=re.S)
    return re.sub(r"'[\"()]'", "' '", text)


def arguments(text, at):
    """What stands between the commas from `at` to the end of the call."""
    found, begin, depth, quoted = [], at, 0, False
    while True:
        c = text[at]
        if quoted:
            at += c == "\\"
            quoted = c != '"'
        elif c == '"':
            quoted = True
        elif c in "([{":
            depth += 1
        elif c in ")]}" and depth > 0:
            depth -= 1
        elif c in ")]}" or (c == "," and depth == 0):
            found.append(text[begin:at])
            begin = at + 1
            if c != ",":
                return found
        at += 1


def takers(text):
    """Functions declared here with a parameter `code`, and which one that is."""
    found = {}
    for m in re.finditer(r"\b(\w+)\s*\(", text):
        if "const char *code" not in text[m.end():m.end() + 400]:
            continue
        for place, argument in enumerate(arguments(text, m.end())):
            if argument.strip() == "const char *code":
                found[m.group(1)] = place
    return found


def follow(text, argument):
    """The codes that an argument without a literal stands for; None: unknown."""
    argument = argument.strip()
    if argument == "code":
        return []  # handed on, or assigned
    if re.fullmatch(r"[A-Z_]+", argument):
        return re.findall(r"#define " + argument + r' "([^"]*)"', text) or None
    call = re.match(r"(\w+)\(", argument)
    if call:
        body = re.search(r"^" + call.group(1) + r"\(.*?^}", text, re.M | re.S)
        return DOTTED.findall(body.group(0)) if body else None
    member = re.fullmatch(r"(\w+)(?:->|\.)code", argument)
    if member and re.search(r"struct err \*?" + member.group(1) + r"\b", text):
        return []  # handed on
    return DOTTED.findall(text) if member else None  # of a table


def main(core):
    codes = collections.defaultdict(set)
    paths = sorted(glob.glob(core + "/**/*.[ch]", recursive=True))
    texts = {path: read(path) for path in paths}
    known = {}
    for path, text in texts.items():
        known |= takers(text) if path.endswith(".h") else {}
    for path, text in texts.items():
        name, given = path[len(core) + 1:], []
        for function, place in (known | takers(text)).items():
            for m in re.finditer(r"\b" + function + r"\s*\(", text):
                call = arguments(text, m.end())
                if len(call) <= place or "const char *" in call[place]:
                    continue
                found = LITERAL.findall(call[place]) or follow(text, call[place])
                given += found if found is not None else ["? " + call[place].strip()]
        given += re.findall(r'\b(?:ret_)?code = "([^"]+)"', text)
        given += re.findall(r'code, sizeof[^;]*?, "([^"]*)"', text)
        for m in re.finditer(r'"code",', text):
            given += LITERAL.findall(arguments(text, m.end())[0])
        for code in given:
            codes[code].add(name)
    codes.pop("code", None)  # the member's own name
    for code in sorted(codes):
        mark = "" if FORM.fullmatch(code) else "? "
        print(mark + code, *sorted(codes[code]))


main(sys.argv[1])
PY
run_ok 'the codes are collected' python3 codes.py "$FETTLE_SRC/core"
printf '%s\n' "$out" >found
is 'each can be followed to where it is written' "$(grep '^?' found)" ''
cut -d' ' -f1 found | LC_ALL=C sort -u >given
for code in yaml.depth type.int ref.grammar plugin.description store_unavailable \
	rollback_failed usage; do
	ok "$code is among them" grep -qx "$code" given
done

sed -n 's/^=item //p' "$page" | grep -o 'C<[^>]*>' | sed 's/^C<//; s/>$//' >told
is 'no code is explained twice' "$(LC_ALL=C sort told | uniq -d)" ''
LC_ALL=C sort -u told >explained
is 'every code is explained in fettle-codes(7)' "$(comm -23 given explained)" ''
is 'and no other' "$(comm -13 given explained)" ''
is 'each with two sentences at least: what happened, and what to do' "$(awk '
	/^=item / { item = $0; text = ""; next }
	item != "" && text != "" && /^$/ { if (text !~ /\. [A-Z]/) print item; item = "" }
	item != "" { text = text " " $0 }' "$page")" ''
diag "$(wc -l <given) codes"
done_testing
