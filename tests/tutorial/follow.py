#!/usr/bin/env python3
"""Follows a page of the documentation word for word, in a fresh home folder and a fresh copy of alpha's sources, as a reader would
with an editor and a shell.

    ```cpp my_cross.cpp    a block with a file's name is written to that file
    ```diff catalog.cpp    what stands behind a minus, found once in that file, becomes what stands behind a plus
    ```sh                  a block of commands is run, in one shell from the first to the last
    ```text                what the commands before it print; … stands for anything, and a line of it for any lines

usage: follow.py PAGE [BUILD]    BUILD is alpha's build folder, which the page calls `build`; without it the page builds its own.
"""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

ALPHA = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(?P<language>\w+)(?: (?P<name>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
# What the machine at hand tells programs, and a reader's may not.
NOT_A_READERS = {"CI", "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "NO_COLOR"}


def pattern_of(text):
    """What a shown output matches."""
    lines = []
    for line in text.splitlines():
        exact = ".*".join(re.escape(part.rstrip()) for part in line.split("…"))
        lines.append(r"(?:.*\n)*" if line == "…" else exact + r"[ ]*\n")
    return re.compile("".join(lines))


def edit(name, diff):
    """Makes a change by hand: what the diff takes away must be there, once."""
    file = pathlib.Path(name)
    text = file.read_text(encoding="utf-8")
    lines = diff.splitlines(keepends=True)
    old, new = ("".join(line[1:] for line in lines if line[0] in kept).removesuffix("\n") for kept in (" -", " +"))
    if text.count(old) != 1:
        sys.exit(f"{name} has {text.count(old)} places that read\n{old}")
    file.write_text(text.replace(old, new), encoding="utf-8")


def script_of(page, outputs):
    """Gives the page as a script, and what each part of it is to print: (file, text)."""
    parts, expected, printed = ["set -euo pipefail\n"], [], None
    for number, block in enumerate(BLOCK.finditer(page)):
        language, name, text = block.group("language", "name", "text")
        if name:
            whole = f"<<'END OF {name}'\n{text}END OF {name}\n"
            if language == "diff":
                parts.append(f"{shlex.quote(sys.executable)} -B {shlex.quote(__file__)} --edit '{name}' {whole}")
            else:
                parts.append(f"mkdir -p \"$(dirname '{name}')\"\ncat >'{name}' {whole}")
        elif language == "sh":
            printed = outputs / str(number)
            parts.append(f"{{\n{text}}} >'{printed}' 2>&1 || {{ cat '{printed}'; exit 1; }}\n")
        elif language == "text":
            expected.append((printed, text))
    return "".join(parts), expected


def follow(page, build=None):
    with tempfile.TemporaryDirectory(prefix="alpha-tutorial-") as folder:
        home, outputs, source = (pathlib.Path(folder, name) for name in ("home", "outputs", "alpha"))
        for each in (home, outputs):
            each.mkdir()
        shutil.copytree(ALPHA, source, ignore=shutil.ignore_patterns(".git", "build", "build-*", "runs"))
        if build:
            (source / "build").symlink_to(pathlib.Path(build).resolve())
        script, expected = script_of(pathlib.Path(page).read_text(encoding="utf-8"), outputs)
        if not expected:
            sys.exit(f"{page}: nothing is shown that could be compared")
        environment = {name: value for name, value in os.environ.items() if name not in NOT_A_READERS}
        if shutil.which("ccache"):  # the one thing of the old home that is kept: what is compiled already
            ccache = subprocess.run(["ccache", "--get-config", "cache_dir"], stdout=subprocess.PIPE, text=True, check=True)
            environment["CCACHE_DIR"] = ccache.stdout.strip()
        ran = subprocess.run(["bash", "-c", script], cwd=source, env={**environment, "HOME": str(home)}, check=False)
        if ran.returncode != 0:
            sys.exit(f"{page}: a command failed")
        for printed, text in expected:
            got = printed.read_text(encoding="utf-8")
            if not pattern_of(text).fullmatch(got):
                sys.exit(f"{page} shows\n{text}\nand the commands print\n{got}")


if __name__ == "__main__":
    if sys.argv[1] == "--edit":
        edit(sys.argv[2], sys.stdin.read())
    else:
        follow(*sys.argv[1:])
