#!/usr/bin/env python3
"""Kills live sessions with -9 at random moments, over the states that are hard to come back from, and starts them again.

usage: tests/faults/live_kills.py [--alpha build/alpha] [--kills 500] [--seed N]        needs the target sma_forgets, too

Each journal is killed ten times and then run to its end: its head and state must be those of a backtest that nobody touched, its
decisions must be decided again, and after every kill the journal must verify and hold at least what it held before.
Prints what it did, and the seed with which it does it again. Exits 0 when all heads were the same.
"""
import argparse, json, pathlib, random, shutil, subprocess, sys, tempfile, time

parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
parser.add_argument("--alpha", default="build/alpha")
parser.add_argument("--kills", type=int, default=500)
parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
parser.add_argument("--ticks", type=int, default=150_000)
args = parser.parse_args()
ALPHA = str(pathlib.Path(args.alpha).resolve())
KILLS_A_JOURNAL = 10

LIBRARY = pathlib.Path(ALPHA).parent / "tests" / "plugins" / "libsma_forgets.so"
HEAD = "name: story\naccount: {currency: INR, cash: 10000000}\n"


def quotes_csv(path, ticks):
    """Prices that go up and down, ten a second, across days and nights."""
    rng, bid, ns = random.Random(3), {"NSE:A": 20_000, "NSE:B": 90_000}, 1_704_080_700_000_000_000
    with open(path, "w") as f:
        f.write("ts_ns,instrument,bid,bid_qty,ask,ask_qty\n")
        for i in range(ticks):
            name = rng.choice(("NSE:A", "NSE:B"))
            bid[name] = max(1_000, bid[name] + rng.randrange(-40, 41))
            ns += rng.randrange(200_000_000) if i % 20_000 else 64_800_000_000_000
            f.write(f"{ns},{name},{bid[name] / 100:.2f},{rng.randrange(1, 50)},{(bid[name] + rng.randrange(1, 30)) / 100:.2f},{rng.randrange(1, 50)}\n")


def bars_csv(path, bars):
    rng, close, day = random.Random(5), 10_000, 0
    with open(path, "w") as f:
        f.write("timestamp,open,high,low,close,volume\n")
        for i in range(bars):
            minute = i % 360
            day += minute == 0
            opened, close = close + rng.randrange(-50, 51), max(2_000, close + rng.randrange(-90, 91))
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_704_080_700 + day * 86_400 + minute * 60))
            f.write(f"{stamp},{opened / 100},{(max(opened, close) + 20) / 100},{(min(opened, close) - 20) / 100},{close / 100},100\n")


BOTH = 'instruments: ["NSE:A", "NSE:B"]'
STORIES = {
    # an order waiting for the next bar's open
    "next_open": ("data: [{file: bars.csv, kind: bars, instrument: \"NSE:X\", interval: 1m}]\n"
                  "strategies:\n  - {id: cross, use: sma_cross, instruments: [\"NSE:X\"], params: {fast: 3, slow: 8, quantity: 10}}\n"
                  "broker: {paper: {fill: next_open}}\n", None),
    # resting limits that are moved and cancelled, partly filled; DAY orders that end with sessions; P&L timers across nights
    "resting": (f"data: [{{file: quotes.csv, kind: quotes}}]\nsnapshot_interval: 300s\n"
                f"strategies:\n  - {{id: maker, use: market_maker, {BOTH}, params: {{quantity: 40, half_spread: 0.05, max_inventory: 400, requote: 0.10, refresh: 30}}}}\n"
                "broker: {paper: {fill: touch, use_size: true}}\n", None),
    # orders, cancels and changes on their way to the market
    "delayed": (f"data: [{{file: quotes.csv, kind: quotes}}]\n"
                f"strategies:\n  - {{id: cross, use: ema_cross, {BOTH}, params: {{fast: 3, slow: 9, quantity: 7}}}}\n"
                f"  - {{id: maker, use: market_maker, {BOTH}, params: {{quantity: 5, half_spread: 0.20, max_inventory: 50, requote: 0.30}}}}\n"
                "broker: {paper: {fill: touch, latency: 700ms, slippage: 0.01}}\nrisk: {max_orders_per_second: 8, max_position: 300}\n", None),
    # lines on standard input, which its sender begins again each time
    "stdin": (f"data: [{{stream: stdin, kind: quotes}}]\nsnapshot_interval: 60s\n"
              f"strategies:\n  - {{id: cross, use: ema_cross, {BOTH}, params: {{fast: 5, slow: 20, quantity: 3}}}}\n"
              "broker: {paper: {fill: touch, latency: 300ms}}\n", "quotes.csv"),
    # two brokers with fill models of their own, each with resting and delayed orders
    "brokers": (f"data: [{{file: quotes.csv, kind: quotes}}]\nsnapshot_interval: 600s\n"
                "brokers: {touch: {paper: {fill: touch, use_size: true}}, slow: {paper: {fill: touch, latency: 2s, slippage: 0.05}}}\n"
                "portfolios: {main: {cash: 5000000, broker: touch}, shadow: {cash: 5000000, broker: slow}}\n"
                "strategies:\n" + "".join(
                    f"  - {{id: maker-{p}, use: market_maker, portfolio: {p}, {BOTH}, params: {{quantity: 20, half_spread: 0.10, max_inventory: 200, requote: 0.20}}}}\n"
                    f"  - {{id: cross-{p}, use: ema_cross, portfolio: {p}, {BOTH}, params: {{fast: 5, slow: 15, quantity: 4}}}}\n"
                    for p in ("main", "shadow")), None),
    # a strategy from a library that saves nothing: it decides from the first event on each time
    "plugin": (f"plugins: [\"{LIBRARY}\"]\ndata: [{{file: bars.csv, kind: bars, instrument: \"NSE:X\", interval: 1m}}]\n"
               "strategies:\n  - {id: cross, use: sma_forgets, instruments: [\"NSE:X\"], params: {fast: 3, slow: 8, quantity: 10}}\n"
               "broker: {paper: {fill: next_open}}\n", None),
}


def run(*argv, stdin=None, expect=0, **more):
    with open(stdin, "rb") if stdin else open("/dev/null", "rb") as source:
        done = subprocess.run([ALPHA, *map(str, argv)], stdin=source, capture_output=True, text=True, **more)
    if done.returncode != expect:
        raise AssertionError(f"alpha {' '.join(map(str, argv))}: exit {done.returncode}: {done.stderr.strip()[-600:]}")
    return done.stdout


def digests(text):
    result = json.loads(text)
    return result["log_head"], result["state_digest"]


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
