#!/usr/bin/env python3
"""Kills live sessions with -9 at random moments, over the states that are hard to come back from, and starts them again.

usage: tests/faults/live_kills.py [--alpha build/alpha] [--kills 500] [--seed N]        needs the target sma_forgets, too

Each journal is killed ten times and then run to its end: its head and state must be those of a backtest that nobody touched, its
decisions must be decided again, and after every kill the journal must verify and hold at least what it held before.
Prints what it did, and the seed with which it does it again. Exits 0 when all heads were the same.
"""
import argparse, functools, json, pathlib, random, shutil, subprocess, sys, tempfile, time

import sessions
from sessions import HEAD, bars_csv, digests, quotes_csv

parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
parser.add_argument("--alpha", default="build/alpha")
parser.add_argument("--kills", type=int, default=500)
parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
parser.add_argument("--ticks", type=int, default=150_000)
args = parser.parse_args()
ALPHA = str(pathlib.Path(args.alpha).resolve())
KILLS_A_JOURNAL = 10

LIBRARY = pathlib.Path(ALPHA).parent / "tests" / "plugins" / "libsma_forgets.so"
STORIES = sessions.STORIES | {
    # a strategy from a library that saves nothing: it decides from the first event on each time
    "plugin": (f"plugins: [\"{LIBRARY}\"]\ndata: [{{file: bars.csv, kind: bars, instrument: \"NSE:X\", interval: 1m}}]\n"
               "strategies:\n  - {id: cross, use: sma_forgets, instruments: [\"NSE:X\"], params: {fast: 3, slow: 8, quantity: 10}}\n"
               "broker: {paper: {fill: next_open}}\n", None),
}
run = functools.partial(sessions.run, ALPHA)


def main():
    print(f"seed {args.seed}", flush=True)
    rng, kills, journals, landed = random.Random(args.seed), 0, 0, 0
    work = pathlib.Path(tempfile.mkdtemp(prefix="alpha-live-kills-"))
    try:
        quotes_csv(work / "quotes.csv", args.ticks)
        bars_csv(work / "bars.csv", args.ticks // 3)
        want, whole = {}, {}
        for name, (text, stdin) in STORIES.items():
            (work / f"{name}.yaml").write_text(HEAD + text)
            feed = work / stdin if stdin else None
            out = run("backtest", f"{name}.yaml", "--journal", f"{name}-back", "--json", stdin=feed, cwd=work)
            want[name] = digests(out)
            began = time.perf_counter()
            lived = run("live", "--broker", "paper", "--config", f"{name}.yaml", "--journal", f"{name}-whole", "--json", stdin=feed, cwd=work)
            whole[name] = time.perf_counter() - began
            assert digests(lived) == want[name], f"{name}: live is not the backtest"
            print(f"{name}: {json.loads(out)['events']} events, {json.loads(out)['fills']} fills, {whole[name]:.2f} s", flush=True)
        while kills < args.kills:
            name = list(STORIES)[journals % len(STORIES)]
            stdin = work / STORIES[name][1] if STORIES[name][1] else None
            journal, before = work / f"{name}-{journals}", 0
            argv = ["live", "--broker", "paper", "--config", f"{name}.yaml", "--journal", journal, "--json", *rng.choice(([], ["--rotate", "day"]))]
            for _ in range(KILLS_A_JOURNAL):
                with open(stdin, "rb") if stdin else open("/dev/null", "rb") as source:
                    process = subprocess.Popen([ALPHA, *map(str, argv)], cwd=work, stdin=source, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(rng.uniform(0.0, 0.5) * whole[name])
                landed += process.poll() is None
                process.kill()
                process.wait()
                kills += 1
                if journal.exists():
                    events = json.loads(run("verify", "--journal", journal, "--json", cwd=work))["events"]
                    assert events >= before, f"{name}: a restart threw {before - events} events away"
                    before = events
            got = digests(run(*argv, stdin=stdin, cwd=work))
            assert got == want[name], f"{name}: after kills the head is {got[0][:16]}, not {want[name][0][:16]}"
            if journals % 5 == 0:
                run("replay", "--verify", "--journal", journal, *(["--plugin", LIBRARY] if name == "plugin" else []), cwd=work)
            shutil.rmtree(journal)
            journals += 1
        assert landed * 2 >= kills, f"only {landed} of {kills} kills found a session running"
        print(f"ok: {kills} kill -9s, {landed} of them in time, over {journals} journals: every head the same", flush=True)
    except AssertionError as failure:
        sys.exit(f"FAILED with seed {args.seed}: {failure}")
    finally:
        shutil.rmtree(work, ignore_errors=True)


main()
