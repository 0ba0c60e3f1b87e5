"""The sessions that live_kills.py and live_rows.py break: states that are hard to come back from."""
import json, random, subprocess, time

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
# Of each its scenario, and the file that comes on standard input.
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
}


def run(alpha, *argv, stdin=None, expect=0, **more):
    """What alpha prints; `stdin` is a file for its standard input."""
    with open(stdin or "/dev/null", "rb") as source:
        done = subprocess.run([alpha, *map(str, argv)], stdin=source, capture_output=True, text=True, **more)
    if done.returncode != expect:
        raise AssertionError(f"alpha {' '.join(map(str, argv))}: exit {done.returncode}: {done.stderr.strip()[-600:]}")
    return done.stdout


def digests(text):
    result = json.loads(text)
    return result["log_head"], result["state_digest"]
