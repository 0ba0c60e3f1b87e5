"""Which files the lints read, and C++ text without its comments and literals.

Blanking keeps every line break and column, so an offset in blanked text is the same place in the file.
"""

import bisect
import os
import pathlib
import re
import subprocess

CPP_SUFFIXES = (".hpp", ".cpp", ".h", ".cc", ".cxx", ".hh", ".ipp", ".inl")

# In the order in which C++ would recognise them. Numbers are matched whole so that the ' of 1'000 opens no literal.
_TOKEN = re.compile(
    r"""
    (?P<comment>//(?:\\\r?\n|[^\n])*|/\*.*?(?:\*/|\Z))
  | (?P<raw>\b(?:u8|[uUL])?R"(?P<delimiter>[^()\\\s]{0,16})\(.*?(?:\)(?P=delimiter)"|\Z))
  | (?P<string>"(?:\\.|[^"\\\n])*(?:"|(?=\n)|\Z))
  | (?P<number>\b\d(?:'?[\w.]|(?<=[eEpP])[+-])*)
  | (?P<char>'(?:\\.|[^'\\\n])*(?:'|(?=\n)|\Z))
    """,
    re.VERBOSE | re.DOTALL,
)


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


class Source:
    """One C++ file: `code` has no comments, `bare` has neither comments nor literals; both are as long as `text`."""

    def __init__(self, text):
        self.text = text
        self.comments = {}  # line -> the comments that begin or go on there
        code, bare, end = [], [], 0
        self._line_starts = [0] + [m.end() for m in re.finditer("\n", text)]
        for match in _TOKEN.finditer(text):
            between, token = text[end : match.start()], match.group()
            code.append(between)
            bare.append(between)
            if match.lastgroup == "comment":
                code.append(_blank(token))
                bare.append(_blank(token))
                for offset, line in enumerate(token.split("\n")):
                    number = self.line_of(match.start()) + offset
                    self.comments[number] = self.comments.get(number, "") + line
            elif match.group("number") is not None:
                code.append(token)
                bare.append(token)
            else:
                code.append(token)
                bare.append(_blank(token))
            end = match.end()
        self.code = "".join(code) + text[end:]
        self.bare = "".join(bare) + text[end:]

    def line_of(self, offset):
        return bisect.bisect_right(self._line_starts, offset)

    def is_comment_only(self, line):
        """Whether the line holds a comment and no code."""
        if line not in self.comments:
            return False
        begin = self._line_starts[line - 1]
        end = self._line_starts[line] if line < len(self._line_starts) else len(self.text)
        return not self.code[begin:end].strip()


def project_files(root):
    """Every file of the project under root, tracked or about to be, as sorted paths with forward slashes.

    Asks git, so that build folders and scratch files stay out; walks the folder where git knows nothing.
    """
    root = pathlib.Path(root)
    listing = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=False,
    )
    if listing.returncode == 0:
        names = {os.fsdecode(name) for name in listing.stdout.split(b"\0") if name}
        return sorted(name for name in names if (root / name).is_file())
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [f for f in folders if not f.startswith((".", "build")) and f not in ("runs", "__pycache__")]
        found += [pathlib.Path(folder, f).relative_to(root).as_posix() for f in files]
    return sorted(found)


def cpp_files(root):
    return [name for name in project_files(root) if name.endswith(CPP_SUFFIXES)]


def read(root, name):
    return (pathlib.Path(root) / name).read_text(encoding="utf-8", errors="replace")


def unit_of(name):
    """The folder that the rules speak of: events, kernel, adapters/paper, ...; empty for a file at the top."""
    parts = name.split("/")[:-1]
    return "/".join(parts[:2] if parts[:1] == ["adapters"] else parts[:1])


def report(lint, findings, files):
    """Prints what was found and gives the exit status: 0 clean, 1 found something, 2 had nothing to look at."""
    for name, line, message in sorted(findings):
        print(f"{name}:{line}: {message}")
    if not files:
        print(f"{lint}: found no C++ file to check")
        return 2
    print(f"{lint}: {len(files)} files, {len(findings)} findings")
    return 1 if findings else 0
