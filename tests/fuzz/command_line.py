#!/usr/bin/env python3
"""Throws random command lines at the program, in a folder full of things that must not be lost.

usage: tests/fuzz/command_line.py [--alpha build/alpha] [--count N | --seconds S] [--seed N] [--only CASE]

The options of each command are taken from its own --help, their values from a list of what people and scripts type, and worse.
After each: a documented exit code that is not "internal", in time; an error says something; nothing half-made is left; inputs,
journals, links, pipes and devices are what they were; what is new was named on the command line.
Prints the seed and case with which a failure is seen again. Exits 0 when there was none.
"""
import argparse, hashlib, json, os, pathlib, random, re, resource, shutil, signal, stat, subprocess, sys, tempfile, time

parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
parser.add_argument("--alpha", default="build/alpha")
parser.add_argument("--count", type=int)
parser.add_argument("--seconds", type=float)
parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
parser.add_argument("--only", type=int, help="run this case alone, and show it")
args = parser.parse_args()
ALPHA = str(pathlib.Path(args.alpha).resolve())

FILE_LIMIT = 8 << 20  # bytes: what would go on for ever ends in a sentence instead
PATIENCE = 60  # seconds until a command counts as hanging; a quiet machine needs a hundredth
LIVES = 1  # seconds that a session, or a log that is followed, is given before it is asked to end
DOCUMENTED = {0, 2, 3, 4, 5, 6, 75, 130}

COMMANDS = [["backtest"], ["live"], ["status"], ["kill"], ["golden", "check"], ["golden", "update"], ["log"], ["show", "portfolios"],
            ["show", "orders"], ["show", "fills"], ["show", "trades"], ["report"], ["why"], ["why-not"], ["replay"], ["verify"], ["diff"], ["fork"], ["data", "import"], ["data", "info"],
            ["data", "check"], ["init"], ["data", "synth"], ["calendar"], ["charges"], ["charges", "explain"], ["instruments", "load"], ["instruments", "show"], ["instruments", "find"], ["instruments", "diff"],
            ["tradebook", "export"], ["tradebook", "books"], ["tradebook", "compare"], ["journal", "forget-evidence"]]
QUOTES = "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n" + "".join(
    f"{1_704_080_700_000_000_000 + i * 1_000_000_000},NSE:X,{100 + i % 7}.00,50,{100 + i % 7}.05,50\n" for i in range(200))
BARS = "timestamp,open,high,low,close,volume\n" + "".join(
    f"2024-01-02T09:{15 + i}:00+05:30,100,{101 + i % 3},99,100,1000\n" for i in range(30))
INSTRUMENTS = "exchange,symbol,token,tick,lot\nNSE,X,1,0.05,1\nNSE,Y,2,0.05,1\n"
HOLD = """name: hold
account: {currency: INR, cash: 10000}
data: [{file: quotes.csv, kind: quotes}]
strategies: [{id: hold, use: buy_and_hold, instruments: ["NSE:X"], params: {quantity: 10}}]
"""
SYNTH = """name: "a name with spaces; and $more"
account: {currency: INR, cash: 1000000}
data: [{synth: {seed: 3, ticks: 20000}}]
strategies: [{id: cross, use: ema_cross, instruments: ["NSE:ALPHA"], params: {fast: 5, slow: 20, quantity: 10}}]
"""
NUMBERS = ["0", "1", "2", "7", "10", "100", "1000", "-1", "-0", "+1", "1.5", "1e9", "0x10", "010", " 1", "1 ", "", "nan", "inf", "one", "1_000",
           "4294967295", "4294967296", "9223372036854775807", "18446744073709551615", "18446744073709551616", "9" * 400, "١"]
TIMES = ["1s", "50ms", "200us", "1m", "day", "0s", "-1s", "1.5s", "s", "5", "10y", "293y", "9223372036854775807ns", "99999999999999999999d"]
WORDS = ["max", "1x", "10x", "0x", "paper", "zerodha", "quotes", "bars", "day", "1m", "NSE:X", "main", "hold", "cross", "order_filled", "fill",
         "UTC", "Asia/Kolkata", "2024-01-01", "2024-02-30", "risk.max_position=100", "risk.max_position=-1", "charges=", "=", "a=b", "story",
         "--", "-", "NSE_EQ", "XNYS", "--json", "-vvvvv", "%s%n", "\\", "'", '"', "$HOME", "*", "é", "\x7f", "\t", "x" * 5000, "../x", "a,b", "[", "{}"]
OLD = ["hold.yaml", "synth.yaml", "quotes.csv", "bars.csv", "set.alpha", "journal", "other", "link", "twin", "round", "dangling", "pipe", "null",
       "empty", "folder", "noise", "./quotes.csv", "folder/../hold.yaml", "journal/CURRENT", "journal/new", "hold.yaml/x", "none", "none/x", ".",
       "..", "scenarios", "golden", "golden/story.txt", "scenarios/stories/story.yaml", "old.csv"]
NEW = ["new", "new.csv", "new.alpha", "runs/mine", "deep/er/new", "new with space", "journal2", "out.csv"]


def furnish(place):
    """The things that must not be lost."""
    def write(name, text):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(text if isinstance(text, bytes) else text.encode())

    write("hold.yaml", HOLD)
    write("synth.yaml", SYNTH)
    write("quotes.csv", QUOTES)
    write("bars.csv", BARS)
    write("instruments.csv", INSTRUMENTS)
    write("empty", "")
    write("old.csv", "old\n")
    write("folder/kept", "kept\n")
    write("noise", random.Random(1).randbytes(5000))
    write("scenarios/stories/quotes.csv", QUOTES)
    write("scenarios/stories/story.yaml", HOLD)
    os.symlink("hold.yaml", place / "link")
    os.symlink("round", place / "round")
    os.symlink("not-there", place / "dangling")
    os.link(place / "quotes.csv", place / "twin")
    os.mkfifo(place / "pipe")
    try:
        os.mknod(place / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        print("SKIPPED: no device can be made here, so none can be lost", file=sys.stderr)
    for line in (["backtest", "hold.yaml", "--journal", "journal", "-q"], ["live", "--broker", "paper", "--config", "synth.yaml", "--journal", "other", "-q"],
                 ["data", "import", "quotes.csv", "--kind", "quotes", "--to", "set.alpha", "-q"], ["golden", "update", "-q"]):
        subprocess.run([ALPHA, *line], cwd=place, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    for journal in JOURNALS:
        shown = subprocess.run([ALPHA, "verify", journal, "--json"], cwd=place, check=True, capture_output=True, text=True, env=ENVIRONMENT)
        JOURNALS[journal] = json.loads(shown.stdout)["events"]


JOURNALS = {"journal": 0, "other": 0}  # and the events they hold
ENVIRONMENT = {key: value for key, value in os.environ.items() if key not in ("CI", "NO_COLOR")}


def inventory(place):
    """What is there: kind, mode, and content or target, by path."""
    found = {}
    for folder, _, files in os.walk(place):
        for name in [".", *files]:
            path = pathlib.Path(folder) / name
            status = path.lstat()
            content = None
            if stat.S_ISREG(status.st_mode):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
            elif stat.S_ISLNK(status.st_mode):
                content = os.readlink(path)
            found[os.path.relpath(path, place)] = (status.st_mode, content)
        for name in os.listdir(folder):
            path = pathlib.Path(folder) / name
            if path.is_symlink() and path.is_dir():
                found[os.path.relpath(path, place)] = (path.lstat().st_mode, os.readlink(path))
    return found


def options_of(command):
    """[("--from", True), ...]: each option of a command and whether it takes a value, as its help has it."""
    shown = subprocess.run([ALPHA, *command, "--help"], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^ +(?:-\w,)?(--[a-z-]+)( [A-Z\[{(])?", shown, re.M)
    assert len(found) >= 3, f"{command}: its help shows no options"
    return [(name, bool(value)) for name, value in found if name != "--help"]


def spoiled(rng, word):
    if not word or rng.random() > 0.03:
        return word
    at = rng.randrange(len(word))
    return rng.choice([word[:at] + word[at + 1:], word[:at] + "x" + word[at:], word.upper(), word + word])


def value_for(rng, option):
    """Mostly something of the kind that the option wants."""
    inputs, outputs = ("--config", "--plugin", "--scenarios", "--dir"), ("--to", "--fills", "--trades", "--report", "--ledger", "--log-file")
    kind = rng.random()
    if kind < 0.1:
        return rng.choice(NUMBERS + TIMES + WORDS + OLD + NEW)
    if option in ("--from", "--to", "--limit", "--at", "--cpu", "--seed", "--ticks", "--callback-ms-max", "--caused-by") and (option != "--to" or kind < 0.5):
        return rng.choice(NUMBERS if kind < 0.4 else ["0", "1", "3", "100", "5000"])
    if option in ("--duration", "--spin", "--interval"):
        return rng.choice(TIMES if kind < 0.5 else ["1s", "200us", "1m"])
    if option == "--broker":
        return "paper"
    if option == "--kind":
        return rng.choice(["quotes", "bars"])
    if option in inputs:
        return rng.choice(OLD)
    if option == "--registry":
        return rng.choice(OLD + 3 * NEW)
    if option in outputs or option == "--journal":
        return rng.choice(OLD + 3 * NEW if option != "--journal" else 3 * ["journal", "other"] + OLD + 3 * NEW)
    return rng.choice(WORDS if kind < 0.5 else ["NSE:X", "NSE:ALPHA", "hold", "cross", "main", "order_filled", "max", "risk.max_position=100", "UTC"])


def command_line(rng):
    command = rng.choice(COMMANDS)
    line = [spoiled(rng, word) for word in command]
    if command[0] in ("backtest", "diff") or command[-1] in ("import", "info"):
        line.append(rng.choice([*4 * ["hold.yaml", "synth.yaml", "quotes.csv", "bars.csv", "journal"], *OLD]))
    if command[0] == "diff":
        line.append(rng.choice(OLD))
    if command[0] == "live":
        line += ["--broker", "paper", "--config", rng.choice(["hold.yaml", "synth.yaml", *OLD])]
    if command[0] in ("log", "show", "replay", "verify", "fork") and rng.random() < 0.8:
        line += ["--journal", rng.choice(["journal", "other"])]
    if command[0] in ("why", "why-not"):
        line += [rng.choice(["journal", "other"]), rng.choice(["1", "#2", "hold", *WORDS])]
    if command[0] == "why-not":
        line += ["--at", rng.choice(["@1", "@7", "2024-01-02T09:15:00+05:30", "2024-01-02 09:15", *WORDS])]
    if command[0] == "instruments":
        line += {"load": [rng.choice([*4 * ["instruments.csv"], *OLD]), "--date", rng.choice(WORDS if rng.random() < 0.3 else ["2024-01-01"])],
                 "diff": ["2024-01-01", rng.choice(["2024-01-02", *WORDS])]}.get(command[1], [rng.choice(["NSE:X", *WORDS])])
    if command[-1] == "import":
        line += ["--kind", rng.choice(["quotes", "bars"])]
    for _ in range(rng.randrange(5)):
        option, takes_value = rng.choice(OPTIONS[tuple(command)])
        option = spoiled(rng, option)
        value = value_for(rng, option)
        line += [option] if not takes_value else [f"{option}={value}"] if rng.random() < 0.3 else [option, value]
    if rng.random() < 0.05:
        line.insert(rng.randrange(len(line) + 1), rng.choice(NUMBERS + WORDS + OLD))
    return [word for word in line if "\0" not in word]


def run(place, line):
    """(exit code, standard error, seconds); a negative code is a signal, None a hang."""
    def limits():
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_LIMIT, FILE_LIMIT))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    begun = time.monotonic()
    with subprocess.Popen([ALPHA, *line], cwd=place, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          preexec_fn=limits, env=ENVIRONMENT) as process:
        goes_on = "live" in line or any(word.startswith("--follow") for word in line)
        errors, asked = b"", False
        for patience in ([LIVES] if goes_on else []) + [PATIENCE]:
            try:
                errors = process.communicate(timeout=patience)[1]
                # Asked to end before it had begun to listen, it has just ended.
                code = 130 if asked and process.returncode == -signal.SIGTERM else process.returncode
                return code, errors.decode(errors="replace"), time.monotonic() - begun
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGTERM)
                asked = True
        try:
            process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        return None, "", time.monotonic() - begun


def values_of(line, *options):
    """What is given to these options; without any, every word that may name something."""
    found = []
    for at, word in enumerate(line):
        name, _, value = word.partition("=")
        if not options:
            found.append(value if value and word.startswith("--") else word)
        elif name in options:
            found.append(value if "=" in word else line[at + 1] if at + 1 < len(line) else "")
    return [value for value in found if value and len(value) < 200]


def replaceable(place, line):
    """The files that the line may replace or append to: those it names as outputs, without what it reads."""
    def full(word):
        return os.path.realpath(place / word)

    outputs = values_of(line, "--fills", "--trades", "--report", "--ledger", "--log-file")
    others = [word for word in values_of(line) if word not in outputs]
    inputs = {full(word) for word in others}
    if full("hold.yaml") in inputs:
        inputs |= {full("quotes.csv"), full("twin")}
    if "golden" in line:
        inputs |= {full("scenarios/stories/quotes.csv"), full("scenarios/stories/story.yaml")}
    if line[:1] == ["backtest"] and "--ledger" not in " ".join(line):
        outputs.append("runs/ledger.tsv")  # where every run is written down
    appended = {full(word) for word in values_of(line, "--log-file", "--ledger")} - inputs
    twins = {full("quotes.csv"), full("twin")}  # one file under two names
    return {full(word) for word in outputs} - inputs | (twins if twins & appended else set())


def wrong_with(place, before, line, code, errors):
    """What should not be, or None; and whether the folder is still what it was."""
    after = inventory(place)
    if code is None:
        return "hangs", False
    if code not in DOCUMENTED:
        return f"ends with {code}", False
    says_it_on_stdout = line[:1] in (["golden"], ["diff"])
    if code not in (0, 6, 130) and not errors.strip() and not says_it_on_stdout:
        return f"ends with {code} and says nothing", False
    may_change = replaceable(place, line)
    named = {os.path.normpath(value) for value in values_of(line)}
    touched = set()
    for path in sorted(set(before) | set(after)):
        if after.get(path) == before.get(path):
            continue
        if line[:1] == ["live"] and path.split("/")[0] in JOURNALS:
            touched.add(path.split("/")[0])
            continue
        if path not in after:
            return f"removed {path}", False
        if ".partial-" in path or path.endswith((".tmp", ".building")):
            return f"left {path} half-made", False
        top = path.split("/")[0]
        if path in before:
            updated = line[:2] == ["golden", "update"] and after[path][0] == before[path][0]
            if not updated and os.path.realpath(place / path) not in may_change:
                return f"changed {path}", False
            if stat.S_IFMT(before[path][0]) != stat.S_IFMT(after[path][0]):
                return f"made {path} something else", False
        else:
            within = any(path.startswith(name + "/") or name.startswith(path.removesuffix(".")) for name in named)
            golden = line[:2] == ["golden", "update"] and path.endswith("story.txt")
            beside = line[:1] in (["data"], ["report"], ["init"]) and path.rsplit(".", 1)[-1] in ("alpha", "html", "yaml") and any(
                name.startswith(path.rsplit(".", 1)[0]) for name in named)  # named after what was read
            if path not in named and not within and not golden and not beside and top not in ("runs", "golden", "not-there", "registry"):
                return f"made {path}", False
    for journal in touched:  # by a session that goes on with it: nothing that was in it is lost
        verified = subprocess.run([ALPHA, "verify", journal, "--json"], cwd=place, capture_output=True, text=True, env=ENVIRONMENT)
        if verified.returncode != 0 or json.loads(verified.stdout)["events"] < JOURNALS[journal]:
            return f"spoiled the journal {journal}: {verified.stderr}", False
    return None, after == before


with tempfile.TemporaryDirectory(prefix="alpha-fuzz-") as parent:
    OPTIONS = {tuple(command): options_of(command) for command in COMMANDS}
    template = pathlib.Path(parent) / "template"
    template.mkdir()
    furnish(template)
    place = pathlib.Path(parent) / "place"
    before = inventory(template)
    fresh, failures, slowest, codes = False, 0, (0.0, ""), {}
    until = time.monotonic() + args.seconds if args.seconds else None
    cases = [args.only] if args.only is not None else range(args.count if args.count is not None else 1 << 62 if until else 1000)
    tried = 0
    for case in cases:
        if until and time.monotonic() > until:
            break
        rng = random.Random(f"{args.seed} {case}")
        line = command_line(rng)
        if not fresh:
            shutil.rmtree(place, ignore_errors=True)
            subprocess.run(["cp", "-a", template, place], check=True)
        code, errors, seconds = run(place, line)
        what, fresh = wrong_with(place, before, line, code, errors)
        tried += 1
        codes[code] = codes.get(code, 0) + 1
        slowest = max(slowest, (seconds, " ".join(line)[:120]))
        if what or args.only is not None:
            print(f"case {case}: {what or 'as it should be'}: alpha {subprocess.list2cmdline(line)[:600]}\n  exit code {code}, {errors[:400]}")
            failures += bool(what)
            if failures >= 10:
                break
    shown = ", ".join(f"{codes[code]} ended with {code}" for code in sorted(codes, key=str))
    print(f"{tried} command lines with --seed {args.seed}: {shown}; {failures} wrong; slowest {slowest[0]:.1f} s: alpha {slowest[1]}")
    sys.exit(1 if failures else 0)
