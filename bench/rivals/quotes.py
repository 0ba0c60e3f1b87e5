"""What the rivals share: quotes from a CSV as arrays, and the line each of them prints."""
import json
import time

import numpy as np
import pandas as pd

FAST, SLOW, QUANTITY, CASH = 100, 1000, 100, 1_000_000


def read(path):
    """The quotes in file order: columns ts_ns, instrument, bid, bid_qty, ask, ask_qty."""
    numbers = {"ts_ns": np.int64, "bid": np.float64, "bid_qty": np.float64, "ask": np.float64, "ask_qty": np.float64}
    return pd.read_csv(path, dtype=numbers | {"instrument": "category"})


def tick_of(quotes):
    """The decimals and the tick that all prices are multiples of."""
    prices = np.concatenate([quotes.bid.to_numpy(), quotes.ask.to_numpy()])
    for decimals in (2, 3, 4):
        scaled = prices * 10**decimals
        if np.abs(scaled - np.round(scaled)).max() < 1e-4:
            return decimals, 10.0**-decimals
    raise SystemExit("a price has more than four decimals")


class Clock:
    def __init__(self):
        self.begun = time.perf_counter()
        self.run_begun = self.run_ended = None

    def running(self):
        self.run_begun = time.perf_counter()

    def ended(self):
        self.run_ended = time.perf_counter()

    def report(self, program, version, ticks, fills, expected, why):
        """run_s is the run proper, whole_s all since the quotes began to be read. `why` explains fills that are not as expected."""
        line = {"program": program, "version": version, "ticks": ticks, "fills": fills,
                "run_s": self.run_ended - self.run_begun, "whole_s": self.run_ended - self.begun}
        if expected is not None and fills != expected:
            line["why"] = f"{fills} fills where alpha has {expected}: {why}"
        print(json.dumps(line))
