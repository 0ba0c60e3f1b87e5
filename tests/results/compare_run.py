#!/usr/bin/env python3
"""Compares the statistics of a whole run with quantstats, backtesting.py and plain Python on the run's own equity and trades (oracle.py
says how to get them). What a run alone knows (times, exposures) is left out.

    alpha report JOURNAL --json > run.json && alpha show trades --journal JOURNAL --json > trades.jsonl
    compare_run.py run.json trades.jsonl            says every metric; exits 1 where one differs by more than 1e-9
    compare_run.py run.json trades.jsonl --write    prints tests/results/expected_aapl.csv, which tests/cli/results_test.cpp reads
"""

import csv
import datetime
import json
import math
import sys

import oracle

WITHIN = 1e-9
UNKNOWN = {"traded", "duration", "exposure_time", "average_exposure", "max_exposure", "deflated_sharpe"}


def raw(text):
    whole, _, part = str(text).lstrip("-").partition(".")
    value = int(whole) * oracle.SCALE + int((part + "0" * 8)[:8])
    return -value if str(text).startswith("-") else value


def made_of(run, trades):
    made = {
        "initial": raw(run["initial_cash"]),
        "days": [(datetime.date.fromisoformat(day["date"]) - datetime.date(1970, 1, 1)).days for day in run["days"]],
        "equity": [raw(day["equity"]) for day in run["days"]],
        "exposure": [0.0] * len(run["days"]),
        "benchmark": [day["benchmark"] for day in run["days"]],
        "trades": [],
        "charges": raw(run["charges"]),
        "traded": 0,
        "lasted": 1,
        "held": 1,
        "trials": 0,
        "trial_variance": 0.0,
    }
    for trade in trades:
        sides = [raw(trade["quantity"]) * raw(trade[price]) // oracle.SCALE for price in ("entry_price", "exit_price")]
        made["traded"] += sum(sides)
        made["trades"].append(
            {
                "gross": raw(trade["gross_pnl"]),
                "net": raw(trade["net_pnl"]),
                "notional": sides[0],
                "best": raw(trade["mfe"]),
                "worst": raw(trade["mae"]),
                "held": int(trade["exit_ts_ns"]) - int(trade["entry_ts_ns"]),
                "is_long": trade["side"] == "buy",
                "is_open": trade["ended"] == "open",
            }
        )
    return made


def same(ours, theirs):
    if ours is None or theirs is None:
        return ours is None and theirs is None
    if isinstance(theirs, str):
        return ours == theirs
    return math.isclose(float(ours), float(theirs), rel_tol=WITHIN, abs_tol=1e-12)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        run = json.load(file)
    with open(sys.argv[2], encoding="utf-8") as file:
        trades = [json.loads(line) for line in file]
    writes = sys.argv[3:] == ["--write"]
    out = csv.writer(sys.stdout, lineterminator="\n")
    if writes:
        out.writerow(["metric", "value", "oracle"])
    wrong = 0
    for metric, (theirs, by) in oracle.expect("run", made_of(run, trades)).rows.items():
        if metric in UNKNOWN:
            continue
        ours = run["statistics"].get(metric)
        if isinstance(theirs, oracle.Money):
            theirs = str(theirs)
        elif by == "formula" and isinstance(theirs, int) and metric.endswith(("_held", "_held_wins", "_held_losses")):
            theirs = theirs / 10**9  # in seconds
        good = same(ours, theirs)
        wrong += not good
        if writes:
            out.writerow([metric, "" if theirs is None else repr(theirs) if isinstance(theirs, float) else theirs, by])
        else:
            print(f"{metric:28} {ours!s:24} {theirs!s:24} {by}{'' if good else '  DIFFERS'}")
    sys.exit(1 if wrong else 0)


main()
