#!/usr/bin/env python3
"""Who may include whom: every #include of the tree against the one table below (docs: ARCHITECTURE, Layout).

    events <- markets <- kernel, store, views, config, runtime, cli
    events <- kernel <- strategies <- plugins <- config <- runtime <- cli
    events <- store  <- adapters/* <- config         (adapters/data: markets as well)
    kernel, store <- views <- adapters/*, runtime, cli
    views <- results <- runtime, cli

usage: layering.py [ROOT]        prints file:line: message for each breach; exits 1 if there is any.
"""

import pathlib
import posixpath
import re
import sys

from cpp_source import Source, cpp_files, read, report, unit_of

ANYTHING = None  # may include every folder of the project

ALLOWED = {
    "events": {"events"},
    "markets": {"events", "markets"},  # dated facts, and nothing of who uses them
    "kernel": {"events", "markets", "kernel"},
    "strategies": {"events", "kernel", "strategies"},
    "store": {"events", "markets", "store"},
    "views": {"events", "markets", "kernel", "store", "views"},
    "results": {"events", "markets", "kernel", "store", "views", "results"},
    "adapters/paper": {"events", "adapters/paper"},  # a pure fold as the kernel is: it must not know how facts are kept
    "adapters/outside": {"events", "adapters/outside"},  # driven by time that comes in, as a fold is
    "adapters/data": {"events", "markets", "store", "views", "adapters/data"},
    "include": {"include"},  # what is installed: it stands alone
    "plugins": {"events", "kernel", "strategies", "store", "include", "plugins"},
    "config": {"events", "markets", "kernel", "strategies", "store", "adapters", "plugins", "config"},
    "runtime": {"events", "markets", "kernel", "strategies", "store", "views", "results", "adapters", "plugins", "config", "runtime"},
    "cli": ANYTHING,
    "tests": ANYTHING,
    "bench": ANYTHING,
}
PROJECT_FOLDERS = {unit.split("/")[0] for unit in ALLOWED}

THREADS_AND_SIGNALS = (
    "thread mutex shared_mutex atomic condition_variable future stop_token semaphore latch barrier csignal "
    "signal.h pthread.h threads.h stdatomic.h sys/time.h"
).split()
CLOCK = re.compile(r"\b(?:system|steady|high_resolution|utc|tai|gps|file)_clock\b")
WORLD = {"runtime", "store", "cli"}  # the folders that may meet threads, signals and wall clocks

# library -> (is it that library's header, the files or folders that may include it, why or what to do instead)
LIBRARIES = {
    "cereal": (
        re.compile(r"cereal/"),
        {"events/codec.cpp", "events/archive.hpp", "kernel/snapshot.cpp"},
        "describe the fields in events/archive.hpp and call events/codec.hpp or kernel/snapshot.hpp",
    ),
    "RocksDB": (re.compile(r"rocksdb/"), {"store"}, "go through store/"),
    "spdlog": (re.compile(r"spdlog/"), {"runtime", "cli"}, "return the fact or the error and let runtime/ log it"),
    "yaml-cpp": (re.compile(r"yaml-cpp/"), {"config"}, "config/ reads YAML; take the parsed value"),
    "CLI11": (re.compile(r"CLI/|CLI11"), {"cli"}, "cli/ parses arguments; take the parsed value"),
    "threads and signals": (
        re.compile("(?:" + "|".join(map(re.escape, THREADS_AND_SIGNALS)) + r")\Z"),
        WORLD | {"plugins/crash.cpp"},  # what a crash says is said by a signal handler
        "keep this folder single-threaded and let runtime/ or store/ own the thread",
    ),
}
UNRESTRICTED = {"tests", "bench"}

INCLUDE = re.compile(r"^[ \t]*(?:#|%:)[ \t]*(?:include|include_next|import)\b[ \t]*(?P<what>[^\n]*)", re.MULTILINE)
TARGET = re.compile(r'"(?P<quoted>[^"\n]+)"|<(?P<angled>[^>\n]+)>')


def may_include(unit, target):
    """Whether a file of this folder may include a header of that one; None when the folder is not in the table."""
    if unit in ALLOWED:
        allowed = ALLOWED[unit]
    elif re.fullmatch(r"adapters/\w+", unit):
        allowed = {"events", "store", "views", unit}
    else:
        return None
    return allowed is ANYTHING or target in allowed or target.split("/")[0] in allowed


def allowed_list(unit):
    return ", ".join(sorted(ALLOWED.get(unit) or {"events", "store", "views", unit}))


def check_project_include(unit, header, angled):
    target = unit_of(header)
    if angled:
        yield f'a header of the project is included with quotes: #include "{header}"'
    if not may_include(unit, target):
        yield (
            f"{unit} may not include {header} (allowed: {allowed_list(unit)}): "
            "move what both need down into events/, or hand it in from a folder above"
        )


def check_library_include(name, unit, header):
    if unit in UNRESTRICTED:
        return
    for library, (pattern, where, fix) in LIBRARIES.items():
        if pattern.match(header) and name not in where and unit not in where:
            yield f"<{header}> ({library}) belongs in {', '.join(sorted(where))} only: {fix}"


def check_file(root, name, text):
    """Yields (line, message) for each breach in one file."""
    unit = unit_of(name)
    source = Source(text)
    if may_include(unit, "events") is None:
        yield 1, f"folder {unit or 'at the top'} has no rule: add it to ALLOWED in tests/lint/layering.py, or move the file"
        return
    for match in INCLUDE.finditer(source.code):
        line = source.line_of(match.start())
        target = TARGET.match(match.group("what"))
        if not target:
            yield line, "an include through a macro can't be checked: name the header"
            continue
        angled = target.group("angled") is not None
        header = (target.group("angled") or target.group("quoted")).strip()
        if header != posixpath.normpath(header) or header.startswith((".", "/")):
            yield line, f'include from the root of the project, without dots: not "{header}"'
        elif header.split("/")[0] in PROJECT_FOLDERS:
            for message in check_project_include(unit, header, angled):
                yield line, message
        elif not angled and (pathlib.Path(root, name).parent / header).is_file():
            yield line, f'include from the root of the project: #include "{posixpath.join(posixpath.dirname(name), header)}"'
        else:
            for message in check_library_include(name, unit, header):
                yield line, message
    if unit not in WORLD | UNRESTRICTED:
        for match in CLOCK.finditer(source.bare):
            yield (
                source.line_of(match.start()),
                f"{match.group()} belongs in {', '.join(sorted(WORLD))} only: take the time as an argument",
            )


def check_tree(root):
    """Gives (findings, files), findings being (file, line, message)."""
    files = cpp_files(root)
    return [(name, *finding) for name in files for finding in check_file(root, name, read(root, name))], files


if __name__ == "__main__":
    where = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    sys.exit(report("layering", *check_tree(where)))
