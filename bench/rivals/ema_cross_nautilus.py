#!/usr/bin/env python3
"""The EMA cross of alpha's ema_cross strategy in NautilusTrader: the same ticks, market orders filled at the touch, in memory.

usage: ema_cross_nautilus.py TICKS.csv [FILLS THAT ALPHA HAD]

Logging, risk checks and the analysis after the run are off; alpha's scenario has no risk rules either.
"""
import sys

import nautilus_trader
import numpy as np
import pandas as pd
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig, RiskEngineConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import Equity
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.persistence.wranglers import QuoteTickDataWrangler
from nautilus_trader.trading.strategy import Strategy

import quotes as common

VENUE = Venue("SIM")


class Trend:
    __slots__ = ("fast", "slow", "ticks", "held")

    def __init__(self, mid):
        self.fast = self.slow = mid
        self.ticks, self.held = 0, False


class EmaCross(Strategy):
    def __init__(self, instruments):
        super().__init__()
        self.instruments = instruments
        self.trends = {}
        self.fills = self.orders = self.seen = 0

    def on_start(self):
        for instrument in self.instruments:
            self.subscribe_quote_ticks(instrument.id)

    def on_quote_tick(self, tick):
        self.seen += 1
        mid = (tick.bid_price.as_double() + tick.ask_price.as_double()) * 0.5
        trend = self.trends.get(tick.instrument_id)
        if trend is None:
            trend = self.trends[tick.instrument_id] = Trend(mid)
        trend.fast += 2 / (common.FAST + 1) * (mid - trend.fast)
        trend.slow += 2 / (common.SLOW + 1) * (mid - trend.slow)
        trend.ticks += 1
        want = trend.fast > trend.slow
        if trend.ticks >= common.SLOW and want != trend.held:
            trend.held = want
            self.orders += 1
            side = OrderSide.BUY if want else OrderSide.SELL
            self.submit_order(self.order_factory.market(tick.instrument_id, side, Quantity.from_int(common.QUANTITY)))

    def on_order_filled(self, event):
        self.fills += 1


def instrument_of(name, decimals, tick):
    return Equity(instrument_id=InstrumentId(Symbol(name), VENUE), raw_symbol=Symbol(name), currency=USD,
                  price_precision=decimals, price_increment=Price(tick, decimals), lot_size=Quantity.from_int(1),
                  ts_event=0, ts_init=0)


def in_file_order(quotes, instruments):
    """QuoteTicks of all instruments, one list."""
    merged = np.empty(len(quotes), object)
    for instrument in instruments:
        mine = (quotes.instrument == instrument.raw_symbol.value).to_numpy()
        frame = quotes.loc[mine, ["bid", "ask", "bid_qty", "ask_qty"]]
        frame.columns = ["bid_price", "ask_price", "bid_size", "ask_size"]
        frame.index = pd.to_datetime(quotes.ts_ns[mine], utc=True)
        merged[mine] = QuoteTickDataWrangler(instrument).process(frame)
    return merged.tolist()


if __name__ == "__main__":
    expected = int(sys.argv[2]) if len(sys.argv) > 2 else None
    clock = common.Clock()
    quotes = common.read(sys.argv[1])
    decimals, tick = common.tick_of(quotes)
    instruments = [instrument_of(name, decimals, tick) for name in quotes.instrument.cat.categories]
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), run_analysis=False,
                                                 risk_engine=RiskEngineConfig(bypass=True)))
    engine.add_venue(venue=VENUE, oms_type=OmsType.NETTING, account_type=AccountType.CASH, base_currency=USD,
                     starting_balances=[Money(common.CASH, USD)])
    for instrument in instruments:
        engine.add_instrument(instrument)
    engine.add_data(in_file_order(quotes, instruments), sort=False)
    strategy = EmaCross(instruments)
    engine.add_strategy(strategy)
    clock.running()
    engine.run()
    clock.ended()
    clock.report("NautilusTrader", nautilus_trader.__version__, strategy.seen, strategy.fills, expected,
                 f"it fills an order in parts where less is displayed ({strategy.orders} orders)")
    engine.dispose()
