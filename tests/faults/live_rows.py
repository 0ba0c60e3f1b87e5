#!/usr/bin/env python3
"""Damages what stands beside the log of live sessions, rows and checkpoints, and sometimes the log, and starts them again.

usage: tests/faults/live_rows.py [--alpha build/alpha] [--rounds 200] [--seed N] [--only STORY,...]

A session is killed with -9 or ended, or it still runs; then bits are flipped in its tables of one or both families, or tables are cut or
deleted. The next session must say so, drop and make them anew before it takes a record, and come to the head, state and rows of a session that
nobody touched. Where the log itself is damaged it must be refused with exit code 3 and every file left as it was.
Whether a damage is one (a flipped bit of padding is not) `alpha verify` says before: the session must see what it sees.
Prints what it did, and the seed with which it does it again.
"""
import argparse, functools, json, pathlib, random, re, shutil, signal, subprocess, sys, tempfile, time
from collections import Counter

import sessions
from sessions import HEAD, STORIES, bars_csv, digests, quotes_csv

parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
parser.add_argument("--alpha", default="build/alpha")
parser.add_argument("--rounds", type=int, default=200)
parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
parser.add_argument("--ticks", type=int, default=150_000)
parser.add_argument("--only", default=",".join(STORIES), metavar="STORY,...")
args = parser.parse_args()
ALPHA = str(pathlib.Path(args.alpha).resolve())

# What RocksDB writes into a table about itself. Its properties are never compressed.
FAMILY = re.compile(rb"column\.family\.id.{0,16}name(default|log|snapshots|models|evidence)", re.S)
WORDS = {"models": "has lost rows of its read models, or they are damaged", "snapshots": "has lost checkpoints, or they are damaged"}
WAYS = ("flipped", "cut", "deleted")


def tables(journal, families):
    """Its tables of these families; one that is only half written is of none as yet."""
    found = []
    for path in sorted(journal.glob("*.sst")):
        family = FAMILY.search(path.read_bytes())
        if family and family[1].decode() in families:
            found.append(path)
    return found


def harm(rng, path):
    """Damages a file and says how, in words for a failure."""
    way, size = rng.choice(WAYS), path.stat().st_size
    if way == "deleted":
        path.unlink()
        return f"{path.name} deleted"
    at = rng.randrange(size)
    with open(path, "r+b") as file:
        if way == "cut":
            file.truncate(at)
        else:
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ 1 << rng.randrange(8)]))
    return f"{path.name} {way} at {at} of {size}"


def harm_some(rng, paths):
    """Damages one of these files, or all."""
    return "; ".join([harm(rng, path) for path in (paths if rng.random() < 0.3 else [rng.choice(paths)])])


def contents(journal):
    """Every name, and the bytes of what is a file: one that was killed leaves its socket behind."""
    return {path.name: path.read_bytes() if path.is_file() else None for path in journal.iterdir()}


class Story:
    """A session that nobody touched, and such as are damaged."""

    def __init__(self, name, work, done):
        text, stdin = STORIES[name]
        self.name, self.work, self.done, self.feed = name, work, done, work / stdin if stdin else None
        (work / f"{name}.yaml").write_text(HEAD + text)
        self.run = functools.partial(sessions.run, ALPHA, cwd=work)
        whole, begun = work / f"{name}-whole", time.perf_counter()
        self.want = digests(self.run(*self.live(whole), stdin=self.feed))
        self.seconds = time.perf_counter() - begun
        self.rows = self.shown(whole)

    def live(self, journal):
        return ["live", "--broker", "paper", "--config", f"{self.name}.yaml", "--journal", journal, "--json"]

    def shown(self, journal):
        return [self.run("show", what, journal, "--json") for what in ("portfolios", "orders", "fills")]

    def start(self, journal, **streams):
        with open(self.feed or "/dev/null", "rb") as source:
            return subprocess.Popen([ALPHA, *map(str, self.live(journal))], cwd=self.work,
                                    **{"stdin": source, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL} | streams)

    def left(self, rng, journal):
        """Sessions on this journal, each killed or ended at some moment, until there are tables of both families."""
        for attempt in range(20):
            process = self.start(journal)
            time.sleep(rng.uniform(0.2, 0.9) * self.seconds * (1 + attempt / 4))  # the machine may have become slower since
            # What was killed is in the write-ahead log, and in tables once the next session has begun.
            process.send_signal(rng.choice((signal.SIGKILL, signal.SIGTERM)))
            code = process.wait()
            assert code in (0, 130, -signal.SIGKILL, -signal.SIGTERM), f"{self.name}: a session that was left ended with {code}"
            if all(tables(journal, [family]) for family in WORDS):
                return
        raise AssertionError(f"{self.name}: no tables of rows and checkpoints after {attempt + 1} sessions")

    def is_damaged(self, journal):
        done = subprocess.run([ALPHA, "verify", journal], capture_output=True, text=True)
        assert done.returncode in (0, 3), f"verify: exit {done.returncode}: {done.stderr.strip()[-600:]}"
        return done.returncode == 3

    def check_told(self, said, damaged, families):
        told = {family for family, word in WORDS.items() if word in said}
        assert told <= set(families), f"{told} are said to be damaged, which nobody touched: {said[-600:]}"
        assert bool(told) == damaged, f"verify sees {'a' if damaged else 'no'} damage, and the session says: {said[-600:] or 'nothing'}"
        self.done["told" if damaged else "no damage"] += 1

    def check_as_untouched(self, journal, printed):
        assert digests(printed) == self.want, f"the head is {digests(printed)[0][:16]}, not {self.want[0][:16]}"
        assert self.shown(journal) == self.rows, "the rows are not those of the session that nobody touched"
        self.run("verify", journal)

    def goes_on(self, journal, damaged, families):
        """The next session, to the end of its data."""
        with tempfile.TemporaryFile("w+") as err:
            process = self.start(journal, stdout=subprocess.PIPE, stderr=err, text=True)
            printed = process.communicate()[0]
            err.seek(0)
            said = err.read()
        assert process.returncode == 0, f"the next session ended with {process.returncode}: {said.strip()[-600:]}"
        self.check_told(said, damaged, families)
        self.check_as_untouched(journal, printed)

    def between(self, rng, journal):
        """Damage while no session runs."""
        families = rng.choice((["models"], ["snapshots"], ["models", "snapshots"]))
        how = harm_some(rng, tables(journal, families))
        yield how
        self.goes_on(journal, self.is_damaged(journal), families)

    def during(self, rng, journal):
        """Damage under a session that runs. It may never look there again or stop; what it acknowledged is in the log."""
        families = rng.choice((["models"], ["snapshots"]))
        process = self.start(journal)
        time.sleep(rng.uniform(0.05, 0.4) * self.seconds)
        process.send_signal(signal.SIGSTOP)  # so that it is not over before the damage is done
        runs = process.poll() is None
        found = tables(journal, families)  # none where the session has just dropped what the last one left
        how = harm_some(rng, found) if found else "nothing there"
        process.send_signal(signal.SIGCONT)
        if rng.random() < 0.3:
            process.kill()
        code = process.wait()
        self.done[f"under a session that ran and ended with {code}" if runs else "just after a session"] += 1
        yield how
        assert code in (0, 3, 75, -signal.SIGKILL), f"the session under which it happened ended with {code}"
        self.goes_on(journal, self.is_damaged(journal), families)

    def log(self, rng, journal):
        """Damage of the log or of what is said of it, with rows damaged beside it or not."""
        how = harm_some(rng, tables(journal, ["log", "default"]))
        # A log that is whole after all, a bit of padding flipped, goes on.
        damaged = self.is_damaged(journal)
        beside = damaged and rng.random() < 0.5
        how += "; " + harm_some(rng, tables(journal, WORDS)) if beside else ""
        yield how
        if not damaged:
            self.goes_on(journal, False, [])
            return
        before = contents(journal)
        self.run(*self.live(journal), stdin=self.feed, expect=3)
        assert contents(journal) == before, "the journal was refused, and it is not as it was"
        self.done["refused"] += 1

    def silent(self, rng, journal):
        """Before the sender has said a word, all is told and made anew."""
        before, events = self.shown(journal), json.loads(self.run("verify", journal, "--json"))["events"]
        families = rng.choice((["models"], ["snapshots"], ["models", "snapshots"]))
        yield harm_some(rng, tables(journal, families))
        damaged = self.is_damaged(journal)
        with tempfile.TemporaryFile("w+") as err:
            process = self.start(journal, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=err)
            try:
                while True:
                    asked = subprocess.run([ALPHA, "status", "--journal", journal, "--json"], capture_output=True, text=True)
                    if asked.returncode == 0 and json.loads(asked.stdout)["state"] in ("running", "catching up"):
                        break
                    assert process.poll() is None, f"the session ended with {process.returncode} before a record came"
                    time.sleep(0.02)
                assert json.loads(asked.stdout)["events"] == events, "something was decided before a record came"
                assert self.shown(journal) == before, "before a record came the rows are not what they were"
                err.seek(0)
                self.check_told(err.read(), damaged, families)
                printed = process.communicate(self.feed.read_bytes())[0]
            finally:
                process.kill()
                process.wait()
        assert process.returncode == 0, f"the session ended with {process.returncode}"
        self.check_as_untouched(journal, printed)
        self.done["before a record came"] += 1


def main():
    print(f"seed {args.seed}", flush=True)
    rng, done = random.Random(args.seed), Counter()
    work = pathlib.Path(tempfile.mkdtemp(prefix="alpha-live-rows-"))
    where = ""
    try:
        quotes_csv(work / "quotes.csv", args.ticks)
        bars_csv(work / "bars.csv", args.ticks // 3)
        stories = [Story(name, work, done) for name in args.only.split(",")]
        for round in range(args.rounds):
            story = stories[round % len(stories)]
            ways = [story.between, story.during, story.log] + ([story.silent] if story.feed else [])
            way = ways[(round // len(stories)) % len(ways)]
            journal = work / f"{story.name}-{round}"
            where = f"round {round}, {story.name}, {way.__name__}"
            story.left(rng, journal)
            for how in way(rng, journal):
                where += f", {how}"
            shutil.rmtree(journal)
        # Where most damages are none, nothing was shown.
        assert done["told"] + done["refused"] > 2 * done["no damage"], f"too few damages were any: {dict(done)}"
        print(f"ok: {args.rounds} rounds; " + ", ".join(f"{what}: {times}" for what, times in sorted(done.items())), flush=True)
    except AssertionError as failure:
        sys.exit(f"FAILED with seed {args.seed}: {where}: {failure}")
    finally:
        shutil.rmtree(work, ignore_errors=True)


main()
