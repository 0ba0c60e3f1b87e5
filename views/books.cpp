#include "views/books.hpp"

#include "kernel/portfolio.hpp"
#include "kernel/risk.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace alpha {

namespace {

PortfolioResult portfolio_result(const State& state, std::size_t index) {
    const Portfolio& portfolio = state.portfolios[index];
    PortfolioResult r;
    r.portfolio = state.config.portfolios[index].name;
    if (const BrokerConfig* broker = broker_of(state.config, PortfolioId{static_cast<std::uint32_t>(index)})) {
        r.broker = broker->name;
    }
    if (!portfolio.is_open) {  // never used: it still holds what the scenario gave it
        r.initial_cash = r.cash = r.equity = state.config.portfolios[index].cash;
        return r;
    }
    const Valuation v = value(state, portfolio);
    r.initial_cash = portfolio.initial_cash;
    r.cash = v.cash;
    r.equity = v.equity;
    r.realized_pnl = v.realized_pnl;
    r.unrealized_pnl = v.unrealized_pnl;
    r.charges = v.charges;
    r.killed = portfolio.killed();
    r.latch = portfolio.latch;
    if (const auto funds = funds_of(state, RiskLimits(state.config), portfolio); funds) {
        r.beyond_power = std::max(Money{}, funds->used - funds->limit);
    }
    r.fills = portfolio.fills;
    for (std::size_t i = 0; i < portfolio.positions.size(); ++i) {
        const Position& position = portfolio.positions[i];
        const bool says_something =
            position.fills != 0 || position.net.raw != 0 || position.realized_pnl.raw != 0 || position.charges.raw != 0;
        if (says_something) {
            const Instrument& of = state.instruments[i];
            const Price mark = state.markets[i].mark;
            r.instruments.push_back({state.instruments[i].name, position.net,
                                     average_price(position.cost, of.units(position.net)), mark, position.realized_pnl,
                                     alpha::unrealized_pnl(of, position, mark), position.charges, position.traded,
                                     position.fills});
        }
    }
    return r;
}

}  // namespace

RunResult books_of(const State& state) {
    RunResult r;
    r.scenario = state.config.name;
    r.currency = state.config.currency;
    r.events = state.next_seq;
    r.ticks = state.quotes + state.trades;
    r.bars = state.bars;
    r.orders = state.orders;
    r.fills = state.fills;
    r.open_orders = state.open_orders.size();
    r.drawdown_peak = state.path.worst_peak;
    r.drawdown_trough = state.path.worst_trough;
    r.last = state.now;
    for (std::size_t s = 0; s < state.strategies.size(); ++s) {
        StrategyResult strategy;
        strategy.strategy = state.config.strategies[s].name;
        strategy.portfolio = state.config.portfolios[state.config.strategies[s].portfolio.value].name;
        strategy.halted = state.strategies[s].halted;
        r.strategies.push_back(std::move(strategy));
    }
    for (const BrokerConfig& broker : state.config.brokers) {
        r.brokers.push_back({broker.name, broker.kind, {}});
    }
    for (std::size_t p = 0; p < state.portfolios.size(); ++p) {
        PortfolioResult portfolio = portfolio_result(state, p);
        r.initial_cash += portfolio.initial_cash;
        r.cash += portfolio.cash;
        r.equity += portfolio.equity;
        r.realized_pnl += portfolio.realized_pnl;
        r.unrealized_pnl += portfolio.unrealized_pnl;
        r.charges += portfolio.charges;
        if (const auto broker = std::ranges::find(r.brokers, portfolio.broker, &BrokerResult::broker);
            broker != r.brokers.end()) {
            broker->portfolios.push_back(portfolio.portfolio);
        }
        r.portfolios.push_back(std::move(portfolio));
    }
    return r;
}

std::vector<RiskHeadroom> risk_headroom(const State& state) {
    const RiskLimits limits(state.config);
    std::vector<RiskHeadroom> all;
    for (std::size_t p = 0; p < state.portfolios.size(); ++p) {
        const Portfolio& portfolio = state.portfolios[p];
        if (!portfolio.is_open) {
            continue;
        }
        const auto add = [&](Rule rule, auto used_of) {
            if (const std::optional<Decimal>& limit = limits.of(rule)) {
                const Decimal used = used_of();
                all.push_back({state.config.portfolios[p].name, rule, *limit, used, *limit - used});
            }
        };
        add(Rule::position, [&] {
            Qty largest;
            for (const Position& position : portfolio.positions) {
                largest = std::max(largest, abs(position.net));
            }
            return Decimal{largest.raw};
        });
        add(Rule::gross_exposure, [&] { return value(state, portfolio).gross_exposure; });
        if (const auto funds = funds_of(state, limits, portfolio); funds) {
            all.push_back(
                {state.config.portfolios[p].name, funds->rule, funds->limit, funds->used, funds->limit - funds->used});
        }
        add(Rule::open_orders, [&] { return decimal_of(portfolio.open_orders); });
        add(Rule::daily_loss,
            [&] { return *limits.of(Rule::daily_loss) - Decimal(daily_loss_room(limits, portfolio)); });
    }
    return all;
}

double events_per_s(const RunResult& result, const RunFacts& facts) {
    return facts.wall_s > 0 ? static_cast<double>(result.events) / facts.wall_s : 0.0;
}

std::vector<std::string> halted_of(const RunResult& books) {
    std::vector<std::string> halted;
    for (const StrategyResult& strategy : books.strategies) {
        if (strategy.halted) {
            halted.push_back(strategy.strategy);
        }
    }
    return halted;
}

}  // namespace alpha
