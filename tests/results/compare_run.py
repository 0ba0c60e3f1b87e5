#!/usr/bin/env python3
"""Compares the statistics of a run with quantstats on the run's own daily equity (pip install quantstats==0.0.86; by hand, no test runs it).

    alpha report JOURNAL --json | compare_run.py
"""

import json
import sys
import warnings

warnings.filterwarnings("ignore")

import numpy
import pandas
import quantstats.stats as qs

WITHIN = 1e-9
said = json.load(sys.stdin)
equity = numpy.array([float(said["initial_cash"])] + [float(day["equity"]) for day in said["days"]])
returns = pandas.Series(equity[1:] / equity[:-1] - 1, index=pandas.to_datetime([day["date"] for day in said["days"]]))
expected = {
    "net_return": qs.comp, "best_day": qs.best, "worst_day": qs.worst, "annual_volatility": qs.volatility, "sharpe": qs.sharpe,
    "sortino": qs.sortino, "calmar": qs.calmar, "omega": qs.omega, "tail_ratio": qs.tail_ratio, "ulcer_index": qs.ulcer_index,
    "skew": qs.skew, "kurtosis": qs.kurtosis, "max_drawdown": qs.max_drawdown,
}
wrong = 0
for name, formula in expected.items():
    ours, theirs = said["statistics"][name], formula(returns)
    off = abs(ours - theirs) / max(abs(theirs), 1e-12)
    wrong += off > WITHIN
    print(f"{name:18} {ours:<20} {theirs:<22.15g} {off:.1e}{'  DIFFERS' if off > WITHIN else ''}")
sys.exit(1 if wrong else 0)
