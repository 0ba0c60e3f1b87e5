#!/usr/bin/env python3
"""Names that could make two runs of the same log differ, banned where results are decided.

The folds (events/, kernel/, markets/, each folder of adapters/ with a Venue, as paper/, and the files in PURE) and strategies/ may not see a clock, randomness, the environment, files, a locale,
hash order, pointer order or threads. The folds may not use floating point at all; strategies may, but no libm function whose last
bit differs between machines. Build files may not relax floating-point arithmetic.

An argued exception carries its reason on the same line, or in a comment right above it:
    const double shown = to_double(price);  // determinism-ok: for display, never folded

usage: determinism.py [ROOT]     prints file:line: message for each breach; exits 1 if there is any.
"""

import pathlib
import re
import sys

from cpp_source import Source, cpp_files, project_files, read, report, unit_of

FOLDS = {"events", "kernel", "markets", "adapters/paper", "adapters/outside"}
STRICT = FOLDS | {"strategies"}
PURE = {f"adapters/zerodha/kite_{name}" for name in ("exchange.hpp", "exchange.cpp", "orders.cpp", "words.hpp", "words.cpp", "translate.hpp", "translate.cpp")}  # folds beside files that are none


def words(names):
    return r"\b(?:" + "|".join(names.split()) + r")\b"


def std(names):
    return r"\bstd\s*::\s*(?:ranges\s*::\s*)?(?:" + "|".join(names.split()) + r")\b"


# What each rule looks for in code without comments and literals, where it holds, and what to do instead.
NAMES = [
    (
        words(
            "(?:system|steady|high_resolution|utc|tai|gps|file)_clock gettimeofday clock_gettime clock_nanosleep timespec_get ftime "
            "(?:local|gm)time(?:_[rs])? mktime __rdtsc __DATE__ __TIME__ __TIMESTAMP__ current_zone locate_zone get_tzdb"
        )
        + "|"
        + std("time clock"),
        STRICT,
        "reads a clock or the machine's time zone: take the time from the envelope",
    ),
    (
        words(
            r"random_device mt19937(?:_64)? minstd_rand0? default_random_engine ranlux\w+ knuth_b mersenne_twister_engine "
            r"linear_congruential_engine s?rand [dlm]rand48 rand_r getrandom getentropy arc4random\w* RAND_bytes "
            r"uuid\w* boost\s*::\s*uuids random_generator (?:uniform_int|uniform_real|normal|bernoulli|poisson|exponential)_distribution"
        )
        + "|"
        + std(r"\w+_distribution shuffle sample")
        + r"|<random>",
        STRICT,
        "is random, or differs between standard libraries: own the generator and its seed in the state, derive ids from (log id, seq)",
    ),
    (
        words(r"(?:secure_)?getenv setenv putenv unsetenv environ"),
        STRICT,
        "reads the environment: make it a field of the configuration, which is event 0",
    ),
    (
        words(r"[io]?fstream fopen freopen popen") + r"|\bstd\s*::\s*filesystem\b|<filesystem>",
        STRICT,
        "reads a file: let runtime/ or an adapter read it and hand it in as an event or as configuration",
    ),
    (
        words("locale setlocale uselocale newlocale localeconv nl_langinfo imbue use_facet"),
        STRICT,
        "depends on the locale: format with events/text",
    ),
    (
        words(r"unordered_(?:multi)?(?:map|set) unordered_flat_(?:map|set) flat_hash_(?:map|set) hash_map hash_set")
        + "|"
        + std("hash")
        + r"|(?<![\w:])hash\s*<[^<>;]*>\s*[({]",
        STRICT,
        "has an order that differs between libraries: use a sorted vector, std::map or an array by dense id",
    ),
    (
        words("uintptr_t intptr_t") + r"|\b(?:less|greater)\s*<[^<>;]*\*\s*>|" + std("owner_less"),
        STRICT,
        "orders by address: order by id",
    ),
    (
        std(
            r"j?thread (?:recursive_|shared_|timed_|recursive_timed_|shared_timed_)?mutex atomic\w* async future shared_future promise "
            r"packaged_task condition_variable(?:_any)? barrier latch counting_semaphore binary_semaphore call_once once_flag this_thread "
            r"stop_token stop_source lock_guard unique_lock scoped_lock shared_lock execution"
        )
        + "|"
        + words(r"thread_local pthread_\w+ _Atomic")
        + r"|<(?:thread|(?:shared_)?mutex|atomic|future|condition_variable|barrier|latch|semaphore|stop_token|execution)>",
        STRICT,
        "brings in threads: the kernel is one thread; runtime/ owns the others",
    ),
    (r"\busing\s+namespace\s+std\b", STRICT, "hides names from this lint: qualify them"),
    (
        words(r"float double float_t double_t _Float\d+x? __float128")
        + r"|(?<![\w.])(?:\d[\d']*\.[\d']*|\.\d[\d']*)(?:[eE][+-]?\d+)?[fFlL]?|(?<![\w.])\d[\d']*[eE][+-]?\d+[fFlL]?",
        FOLDS,
        "is floating point: use Price, Qty, Money or integers",
    ),
    (r"\blong\s+double\b", {"strategies"}, "has another width on each machine: use double"),
    (std("reduce transform_reduce lerp"), {"strategies"}, "adds in no fixed order: use a loop or std::accumulate"),
]
NAMES = [(re.compile(pattern), where, message) for pattern, where, message in NAMES]

TIME_CALL = re.compile(r"\btime\s*\((?P<classic>\s*(?:nullptr|NULL|0|&\s*\w+)\s*\))?")
CLOCK_CALL = re.compile(r"\bclock\s*\((?P<classic>\s*\))?")
LIBM = (
    "exp exp2 expm1 exp10 log log2 log10 log1p pow sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh cbrt hypot "
    "erf erfc tgamma lgamma"
)
LIBM_NAME = r"(?:" + "|".join(LIBM.split()) + r")[fl]?"
LIBM_CALL = re.compile(rf"\b(?:__builtin_)?{LIBM_NAME}\s*\(")
LIBM_QUALIFIED = re.compile(rf"\bstd\s*::\s*{LIBM_NAME}\b")
ORDERED = re.compile(r"\b(?:multi|flat_)?(?:multi)?(?:map|set)\s*<")
STATEMENT_WORDS = {"return", "co_return", "co_yield", "case", "else", "throw", "and", "or", "not", "do"}
PRAGMA = re.compile(r"optimize\s*\(|FP_CONTRACT\s+(?:ON|DEFAULT)|float_control|fp\s+(?:contract|reassociate)")

VENUE = re.compile(r"\bpublic\s+(?:alpha\s*::\s*)?Venue\b")
ESCAPE = re.compile(r"determinism-ok\b(?P<reason>:\s*\S.*)?")

BUILD_FLAGS = re.compile(
    r"-(?:Ofast|ffast-math|funsafe-math-optimizations|fassociative-math|freciprocal-math|ffinite-math-only|fno-signed-zeros"
    r"|ffp-contract=fast|fp-model=fast)\b"
)
BUILD_FILE = re.compile(r"(?:^|/)(?:CMakeLists\.txt|CMake\w*Presets\.json|Makefile|[^/]+\.(?:cmake|mk))$")


def is_free_call(code, begin):
    """Whether the name at `begin` is called as a free or std function: no member, no other namespace, no declaration."""
    before = code[:begin].rstrip()
    if before.endswith("::"):
        qualifier = re.search(r"(\w+)\s*::$", before)
        return qualifier is None or qualifier.group(1) in STATEMENT_WORDS | {"std"}
    if before.endswith((".", "->")):
        return False
    word = re.search(r"[A-Za-z_]\w*$", before)
    return word is None or word.group() in STATEMENT_WORDS


def first_argument(code, begin):
    """The first template argument that follows the < just before `begin`."""
    depth = 0
    for end in range(begin, min(len(code), begin + 2000)):
        character = code[end]
        if character in "<([{":
            depth += 1
        elif character in ")]}" or (character == ">" and depth > 0):
            depth -= 1
        elif character in ",>;" and depth == 0:
            return code[begin:end]
    return ""


def breaches(unit, source):
    """Yields (offset, message) for each banned name, excused or not."""
    code = source.bare
    for pattern, where, message in NAMES:
        if unit in where:
            for match in pattern.finditer(code):
                yield match.start(), f"{' '.join(match.group().split())} {message}"
    for pattern in (TIME_CALL, CLOCK_CALL):
        for match in pattern.finditer(code):
            # `Clock(Time time) : time(t)` is an initialiser; the C function is told by its argument or by where it stands.
            initialiser = code[: match.start()].rstrip()[-1:] in (":", ",", "&", "*", ">")
            free = is_free_call(code, match.start())
            qualified = code[: match.start()].rstrip().endswith("::")
            if free and not re.search(r"std\s*::\s*$", code[: match.start()]) and (match.group("classic") or qualified or not initialiser):
                yield match.start(), f"{match.group()} reads a clock: take the time from the envelope"
    for match in ORDERED.finditer(code):
        key = first_argument(code, match.end())
        if "*" in key or re.match(r"\s*(?:std\s*::\s*)?(?:shared|unique|weak)_ptr\b", key):
            yield match.start(), f"{match.group().strip()}{key.strip()}, ...> is ordered by address: order by id"
    if unit == "strategies":
        calls = {m.start() for m in LIBM_CALL.finditer(code) if is_free_call(code, m.start())}
        calls -= {m.end() - len(m.group().split("::")[1].strip()) for m in LIBM_QUALIFIED.finditer(code)}
        for offset in sorted(calls | {m.start() for m in LIBM_QUALIFIED.finditer(code)}):
            name = re.match(r"(?:std\s*::\s*)?\w+", code[offset:]).group()
            yield offset, f"{name} comes from libm and differs between machines: use + - * / and std::sqrt, or own a series"
    for match in PRAGMA.finditer(code):
        line = code[code.rfind("\n", 0, match.start()) + 1 : match.end()]
        if "#" in line or "_Pragma" in line or "__attribute__" in line or "gnu" in line:
            yield match.start(), f"{match.group().strip()} may change floating-point results: leave flags to cmake/"


def escapes(source):
    """Line of code -> (line of the comment, reason) for each determinism-ok; the comment stands there or right above."""
    found = {}
    for line, comment in sorted(source.comments.items()):
        match = ESCAPE.search(comment)
        if match:
            target = line
            while source.is_comment_only(target):
                target += 1
            found[target] = (line, (match.group("reason") or "").lstrip(": ").rstrip("*/ "))
    return found


def check_file(unit, text):
    """Yields (line, message) for each breach in one file of a strict folder."""
    source = Source(text)
    excused, used = escapes(source), set()
    for offset, message in breaches(unit, source):
        line = source.line_of(offset)
        if line in excused:
            used.add(line)
        else:
            yield line, message
    for target, (line, reason) in excused.items():
        if not reason:
            yield line, "determinism-ok needs its reason: // determinism-ok: why this cannot change a result"
        elif target not in used:
            yield line, "determinism-ok excuses nothing here any more: remove it"


def check_build_file(name, text):
    """Yields (line, message) for each flag that lets the compiler change floating-point results."""
    for number, line in enumerate(text.split("\n"), start=1):
        code = line if name.endswith(".json") else re.sub(r"(?:^|\s)#.*", "", line)
        for match in BUILD_FLAGS.finditer(code):
            yield number, f"{match.group()} lets the compiler change floating-point results: remove it"


def strict_files(root):
    """Gives {file: folder whose rules hold for it}: one that executes orders inside the process is a fold, whatever it is called."""
    names = list(cpp_files(root))
    venues = {unit_of(name) for name in names if name.startswith("adapters/") and VENUE.search(Source(read(root, name)).bare)}
    units = {name: "adapters/paper" if unit_of(name) in venues or name in PURE else unit_of(name) for name in names}
    return {name: unit for name, unit in units.items() if unit in STRICT}


def check_tree(root):
    """Gives (findings, files), findings being (file, line, message)."""
    files = strict_files(root)
    findings = [(name, *finding) for name, unit in files.items() for finding in check_file(unit, read(root, name))]
    builds = [name for name in project_files(root) if BUILD_FILE.search(name)]
    findings += [(name, *finding) for name in builds for finding in check_build_file(name, read(root, name))]
    return findings, files


if __name__ == "__main__":
    where = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    sys.exit(report("determinism", *check_tree(where)))
