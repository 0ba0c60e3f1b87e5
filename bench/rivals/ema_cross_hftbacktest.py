#!/usr/bin/env python3
"""The EMA cross of alpha's ema_cross strategy in hftbacktest: the same ticks, market orders filled at the touch, in memory.

usage: ema_cross_hftbacktest.py TICKS.csv [FILLS THAT ALPHA HAD]

A quote becomes one to four depth events (an old level goes, a new one comes), so that each side of the book has one level. The
engine wakes the strategy once per time stamp, and many quotes share one: each gets a time of its own, 1 us after the one
before. Latencies are zero, so an order meets the quote it was placed on. Compiling (numba) is not measured.
"""
import sys

import numpy as np
from numba import njit
import hftbacktest as hft
from hftbacktest import (BUY_EVENT, DEPTH_EVENT, EXCH_EVENT, GTC, LOCAL_EVENT, MARKET, SELL_EVENT, BacktestAsset,
                         HashMapMarketDepthBacktest)
from hftbacktest.types import event_dtype

import quotes as common

BID, ASK = (DEPTH_EVENT | side | EXCH_EVENT | LOCAL_EVENT for side in (BUY_EVENT, SELL_EVENT))
STEP = 1_000  # ns between two quotes
FOREVER = 1_000_000_000_000_000


def events_of(times, bid, bid_qty, ask, ask_qty):
    """The quotes of one instrument as its depth events."""
    events = np.zeros((len(times), 4), event_dtype)
    kept = np.ones(events.shape, np.bool_)
    events["exch_ts"] = events["local_ts"] = times[:, np.newaxis]
    # What has gone, before what has come: a book is never crossed on the way.
    for slot, (side, price, qty) in enumerate(((BID, bid, bid_qty), (ASK, ask, ask_qty))):
        events["ev"][:, slot] = events["ev"][:, slot + 2] = side
        events["px"][1:, slot] = price[:-1]
        events["px"][:, slot + 2], events["qty"][:, slot + 2] = price, qty
        kept[0, slot], kept[1:, slot] = False, price[1:] != price[:-1]
    return events[kept]


@njit
def trade(hbt, assets, asset_at, first, fast_n, slow_n, quantity):
    fast_weight, slow_weight = 2 / (fast_n + 1), 2 / (slow_n + 1)
    fast, slow = np.zeros(assets), np.zeros(assets)
    seen, held = np.zeros(assets, np.int64), np.zeros(assets, np.bool_)
    order = 0
    while hbt.wait_next_feed(False, FOREVER) == 2:
        asset = asset_at[(hbt.current_timestamp - first) // STEP]
        depth = hbt.depth(asset)
        bid, ask = depth.best_bid, depth.best_ask
        mid = (bid + ask) * 0.5
        if np.isnan(mid):
            continue
        if seen[asset] == 0:
            fast[asset] = slow[asset] = mid
        fast[asset] += fast_weight * (mid - fast[asset])
        slow[asset] += slow_weight * (mid - slow[asset])
        seen[asset] += 1
        want = fast[asset] > slow[asset]
        if seen[asset] >= slow_n and want != held[asset]:
            held[asset] = want
            order += 1
            if want:
                hbt.submit_buy_order(asset, order, ask, quantity, GTC, MARKET, False)
            else:
                hbt.submit_sell_order(asset, order, bid, quantity, GTC, MARKET, False)
            hbt.clear_inactive_orders(asset)
    fills = 0
    for asset in range(assets):
        fills += hbt.state_values(asset).num_trades
    return fills


def run(quotes, tick, clock=None):
    """How many fills."""
    first = int(quotes.ts_ns.iloc[0])
    times = first + np.arange(len(quotes), dtype=np.int64) * STEP
    asset_at = quotes.instrument.cat.codes.to_numpy().astype(np.int64)
    kept, assets = [], []  # an asset does not keep its events alive itself
    for asset in range(len(quotes.instrument.cat.categories)):
        mine = asset_at == asset
        kept.append(events_of(times[mine], *(quotes[c].to_numpy()[mine] for c in ("bid", "bid_qty", "ask", "ask_qty"))))
        assets.append(BacktestAsset().data(kept[-1]).linear_asset(1.0).constant_order_latency(0, 0).risk_adverse_queue_model()
                      .no_partial_fill_exchange().trading_value_fee_model(0.0, 0.0).tick_size(tick).lot_size(1.0))
    hbt = HashMapMarketDepthBacktest(assets)
    if clock:
        clock.running()
    fills = trade(hbt, len(assets), asset_at, first, common.FAST, common.SLOW, float(common.QUANTITY))
    if clock:
        clock.ended()
    hbt.close()
    return int(fills)


if __name__ == "__main__":
    expected = int(sys.argv[2]) if len(sys.argv) > 2 else None
    sample = common.read(sys.argv[1]).head(5_000)
    run(sample, common.tick_of(sample)[1])
    clock = common.Clock()
    quotes = common.read(sys.argv[1])
    tick = common.tick_of(quotes)[1]
    fills = run(quotes, tick, clock)
    one_sided = int((np.round(quotes.bid / tick) >= np.round(quotes.ask / tick)).sum())
    clock.report("hftbacktest", hft.__version__, len(quotes), fills, expected,
                 f"{one_sided} quotes have a bid at or above the ask, which its book cannot hold, so the strategy never sees them")
