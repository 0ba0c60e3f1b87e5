#!/usr/bin/env python3
"""Series that alpha and backtesting.py both trade, and the trades that backtesting.py makes of them.

    peers.py bars N        bars of series N (1 to 3) as CSV
    peers.py orders        series 3: the orders, in alpha's script language
    peers.py expected N    trades by backtesting.py (pip install backtesting==0.6.6), as tests/results/backtesting_py_N.csv has them
"""

import sys

SERIES = {1: (20261128, 600, 5, 20), 2: (7, 900, 3, 11), 3: (99, 400, 0, 0)}  # seed, bars, fast, slow


def dice(seed):
    """A linear congruential generator (Knuth's MMIX), its upper half: the same everywhere."""
    state = seed
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield state >> 33


def bars(number):
    """(date, open, high, low, close, volume) with prices in cents."""
    import datetime

    seed, count, _, _ = SERIES[number]
    roll = dice(seed)
    day = datetime.date(2020, 1, 1)
    close = 10_000
    for _ in range(count):
        opened = max(100, close + next(roll) % 101 - 50)
        close = max(100, opened + next(roll) % 301 - 150)
        high = max(opened, close) + next(roll) % 40
        low = min(opened, close) - next(roll) % 40
        yield day.isoformat(), opened, high, low, close, 1_000 + next(roll) % 1_000
        day += datetime.timedelta(days=1)


def orders():
    """(bar, signed quantity) of series 3: in, more, out in part, through flat to the other side."""
    seed, count, _, _ = SERIES[3]
    roll = dice(seed + 1)
    held = 0
    for bar in range(5, count - 5):
        if next(roll) % 3 == 0:
            quantity = 1 + next(roll) % 9
            signed = quantity if next(roll) % 2 == 0 else -quantity
            if abs(held + signed) <= 25:
                held += signed
                yield bar, signed


def text(cents):
    return f"{cents // 100}.{cents % 100:02}"


def expected(number):
    import backtesting
    import pandas
    from backtesting import Backtest, Strategy

    _, _, fast, slow = SERIES[number]
    rows = list(bars(number))
    frame = pandas.DataFrame(
        [[o / 100, h / 100, l / 100, c / 100, v] for _, o, h, l, c, v in rows],
        columns=["Open", "High", "Low", "Close", "Volume"],
        index=pandas.to_datetime([r[0] for r in rows]),
    )
    closes = [r[4] for r in rows]
    by_bar = dict(orders())

    class Crosses(Strategy):
        """Averages compared as integers: no float decides."""

        def init(self):
            pass

        def side(self, end):
            f, s = sum(closes[end - fast : end]), sum(closes[end - slow : end])
            return (f * slow > s * fast) - (f * slow < s * fast)

        def next(self):
            end = len(self.data)
            if end <= slow:
                return
            before, now = self.side(end - 1), self.side(end)
            if before < 0 < now and not self.position:
                self.buy(size=10)
            elif now < 0 < before and self.position:
                self.position.close()

    class Written(Strategy):
        def init(self):
            pass

        def next(self):
            quantity = by_bar.get(len(self.data), 0)
            if quantity > 0:
                self.buy(size=quantity)
            elif quantity < 0:
                self.sell(size=-quantity)

    run = Backtest(frame, Written if number == 3 else Crosses, cash=1_000_000, margin=0.01, trade_on_close=False).run()
    trades = run._trades.sort_values(["ExitBar", "EntryBar"], kind="stable")
    print(f"# backtesting.py {backtesting.__version__}: trades that ended")
    print("size,entry_date,exit_date,entry_price,exit_price,pnl")
    for _, t in trades.iterrows():
        print(f"{t.Size},{t.EntryTime.date()},{t.ExitTime.date()},{t.EntryPrice:.2f},{t.ExitPrice:.2f},{t.PnL:.2f}")


if __name__ == "__main__":
    what = sys.argv[1] if len(sys.argv) > 1 else ""
    if what == "bars":
        print("date,open,high,low,close,volume")
        for date, *prices, volume in bars(int(sys.argv[2])):
            print(",".join([date, *map(text, prices), str(volume)]))
    elif what == "orders":
        for bar, quantity in orders():
            print(f"at {2 * bar} {'buy' if quantity > 0 else 'sell'} {abs(quantity)} X")
    elif what == "expected":
        expected(int(sys.argv[2]))
    else:
        sys.exit(__doc__)
