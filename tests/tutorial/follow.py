#!/usr/bin/env python3
"""Follows a tutorial word for word, in a fresh home folder, as a reader would with a shell.

    ```cpp my_cross.cpp    a block with a file's name is written to that file
    ```sh                  a block of commands is run, in one shell from the first to the last
    ```text                what the commands before it print; … stands for anything, and a line of it for any lines

usage: follow.py PAGE BUILD    BUILD is alpha's build folder, which the page calls `build`.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"^```(?P<language>\w+)(?: (?P<name>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def pattern_of(text):
    """What a shown output matches."""
    lines = []
    for line in text.splitlines():
        exact = ".*".join(re.escape(part.rstrip()) for part in line.split("…"))
        lines.append(r"(?:.*\n)*" if line == "…" else exact + r"[ ]*\n")
    return re.compile("".join(lines))


def script_of(page, outputs):
    """Gives the page as a script, and what each part of it is to print: (file, text)."""
    parts, expected, printed = ["set -euo pipefail\n"], [], None
    for number, block in enumerate(BLOCK.finditer(page)):
        language, name, text = block.group("language", "name", "text")
        if name:
            parts.append(f"mkdir -p \"$(dirname '{name}')\"\ncat >'{name}' <<'END OF {name}'\n{text}END OF {name}\n")
        elif language == "sh":
            printed = outputs / str(number)
            parts.append(f"{{\n{text}}} >'{printed}' 2>&1 || {{ cat '{printed}'; exit 1; }}\n")
        elif language == "text":
            expected.append((printed, text))
    return "".join(parts), expected


def main(page, build):
    with tempfile.TemporaryDirectory(prefix="alpha-tutorial-") as folder:
        home, outputs, source = (pathlib.Path(folder, name) for name in ("home", "outputs", "alpha"))
        for each in (home, outputs, source):
            each.mkdir()
        (source / "build").symlink_to(pathlib.Path(build).resolve())
        script, expected = script_of(pathlib.Path(page).read_text(encoding="utf-8"), outputs)
        if not expected:
            sys.exit(f"{page}: nothing is shown that could be compared")
        ran = subprocess.run(["bash", "-c", script], cwd=source, env={**os.environ, "HOME": str(home)}, check=False)
        if ran.returncode != 0:
            sys.exit(f"{page}: a command failed")
        for printed, text in expected:
            got = printed.read_text(encoding="utf-8")
            if not pattern_of(text).fullmatch(got):
                sys.exit(f"{page} shows\n{text}\nand the commands print\n{got}")


if __name__ == "__main__":
    main(*sys.argv[1:])
