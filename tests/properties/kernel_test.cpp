#include "tests/kernel/rich_run.hpp"
#include "tests/properties/exact_model.hpp"

#include <map>
#include <rapidcheck/catch.h>
#include <set>
#include <tuple>

namespace rc {

template <>
struct Arbitrary<alpha::test::Move> {
    static Gen<alpha::test::Move> arbitrary() {
        using alpha::test::Move;
        const auto any = gen::inRange<std::uint32_t>(0, 1U << 24U);
        return gen::build<Move>(gen::set(&Move::kind, any), gen::set(&Move::wait_ms, any), gen::set(&Move::price, any),
                                gen::set(&Move::dice));
    }
};

}  // namespace rc

namespace alpha::test {

std::ostream& operator<<(std::ostream& out, const Move& m) {
    return out << '{' << m.kind << ',' << m.wait_ms << ',' << m.price << ',' << m.dice << '}';
}

namespace {

/// Some fifty moves: enough for nights, kills and orders that meet their end.
std::vector<Move> some_moves() {
    const auto count = *rc::gen::inRange<std::size_t>(1, 90);
    return *rc::gen::container<std::vector<Move>>(count, rc::gen::arbitrary<Move>());
}

/// The state without what a mere record moves.
State without_place(State state) {
    state.next_seq = 0;
    state.next_order = {};
    state.now = {};
    return state;
}

void fold_all(State& state, const std::vector<DecodedEvent>& events, std::size_t from) {
    for (std::size_t i = from; i < events.size(); ++i) {
        apply(state, events[i].envelope, events[i].event);
    }
}

}  // namespace

// Floor checks after every step: invariants, the log folds to the state, the saved state comes back.
TEST_CASE("whatever market, strategies and brokers do, the books of the log are those of the exact model",
          "[properties]") {
    rc::prop("cash = initial + ledger, positions and profit to the last unit, and every P&L snapshot adds up", [] {
        RichRun run;
        run.play(some_moves());
        std::map<std::tuple<std::uint32_t, std::uint32_t, Product>, model::Books> books;
        CorporateAction action;
        std::vector<model::Wide> day_ends(run.floor().state().portfolios.size());
        const State& state = run.floor().state();
        const auto book_of = [&](const auto& fact) -> model::Books& {
            const bool is_future = state.instruments[fact.instrument.value].is_marked_daily();
            return books.try_emplace({fact.portfolio.value, fact.instrument.value, fact.product}, is_future)
                .first->second;
        };
        for (const DecodedEvent& e : run.floor().events()) {
            if (const auto* fill = std::get_if<OrderFilled>(&e.event)) {
                const Instrument& of = state.instruments[fill->instrument.value];
                book_of(*fill).fill(
                    {fill->side == Side::buy, fill->quantity.raw, fill->price.raw, fill->charges.raw, of.multiplier});
                RC_ASSERT(fill->notional.raw ==
                          model::notional_of(fill->price.raw, model::Wide{fill->quantity.raw} * of.multiplier));
            } else if (const auto* booked = std::get_if<ChargesBooked>(&e.event)) {
                model::Wide sum = 0;
                for (const markets::ChargeAmount& each : booked->lines) {
                    sum += each.amount.raw;
                }
                RC_ASSERT(sum == booked->charges.raw);
                day_ends[booked->portfolio.value] += sum;
            } else if (const auto* taken = std::get_if<CorporateAction>(&e.event)) {
                action = *taken;
            } else if (const auto* adjusted = std::get_if<PositionAdjusted>(&e.event)) {
                model::Books& book = book_of(*adjusted);
                if (action.kind == ActionKind::split) {
                    book.act(model::Split{action.new_shares, action.old_shares, action.fraction_price.raw});
                } else if (action.kind == ActionKind::dividend) {
                    book.act(model::Dividend{action.amount.raw});
                } else {
                    book.act(model::Moved{adjusted->quantity.raw, adjusted->cost.raw, adjusted->cash.raw,
                                          adjusted->realized_pnl.raw});
                }
            } else if (const auto* settled = std::get_if<PositionSettled>(&e.event)) {
                RC_ASSERT(settled->charges == Money{});
                book_of(*settled).act(
                    model::Settled{model::nearest({settled->price.raw * settled->settled.raw *
                                                       state.instruments[settled->instrument.value].multiplier,
                                                   kScale}),
                                   settled->kind != SettlementKind::daily});
            } else if (const auto* p = std::get_if<PnlSnapshot>(&e.event)) {
                const Money initial = state.portfolios[p->portfolio.value].initial_cash;
                RC_ASSERT(p->equity == p->cash + p->market_value);
                RC_ASSERT(p->equity == initial + p->realized_pnl + p->unrealized_pnl - p->charges);
            }
        }
        std::vector<model::Wide> cash;
        cash.reserve(state.portfolios.size());
        for (const Portfolio& portfolio : state.portfolios) {
            cash.push_back(portfolio.initial_cash.raw - day_ends[cash.size()]);
            RC_ASSERT(portfolio.day_end_charges.raw == day_ends[cash.size() - 1]);
        }
        std::map<std::pair<std::uint32_t, std::uint32_t>, model::Books::Sums> together;
        for (const auto& [key, book] : books) {
            const auto [portfolio, instrument, product] = key;
            const auto exact = book.sums();
            const Holding held = state.portfolios[portfolio].position(InstrumentId{instrument}).of(product);
            RC_ASSERT(held.net.raw == exact.net());
            RC_ASSERT(held.cost.raw == exact.cost());
            model::Books::Sums& sums = together[{portfolio, instrument}];
            sums.realized += exact.realized;
            sums.charges += exact.charges;
            cash[portfolio] += exact.cash;
        }
        for (const auto& [key, sums] : together) {
            const Position& position = state.portfolios[key.first].position(InstrumentId{key.second});
            RC_ASSERT(position.realized_pnl.raw == sums.realized);
            RC_ASSERT(position.charges.raw == sums.charges);
        }
        for (std::size_t p = 0; p < cash.size(); ++p) {
            RC_ASSERT(state.portfolios[p].cash.raw == cash[p]);
        }
        RC_CLASSIFY(state.fills > 5, "more than five fills");
    });
}

TEST_CASE("a snapshot and the rest of the log are the whole log", "[properties]") {
    rc::prop("wherever the snapshot was taken", [] {
        const auto moves = some_moves();
        const auto cut = *rc::gen::inRange<std::size_t>(0, moves.size() + 1);
        RichRun run;
        std::size_t events = run.floor().events().size();
        std::vector<std::uint8_t> image = run.floor().saved();
        for (std::size_t i = 0; i < moves.size(); ++i) {
            run.play(moves[i]);
            if (i + 1 == cut) {
                image = run.floor().saved();
                events = run.floor().events().size();
            }
        }
        auto state = load_state(image);
        RC_ASSERT(state.has_value());
        fold_all(*state, run.floor().events(), events);
        RC_ASSERT(*state == run.floor().state());
        State from_nothing;
        fold_all(from_nothing, run.floor().events(), 0);
        RC_ASSERT(from_nothing == run.floor().state());
    });

    rc::prop("and a kernel that goes on from it writes the same bytes", [] {
        const auto moves = some_moves();
        const auto cut = *rc::gen::inRange<std::size_t>(0, moves.size());
        RichRun whole;
        RichRun broken;
        for (std::size_t i = 0; i < moves.size(); ++i) {
            if (i == cut) {
                broken.floor().restart();
            }
            whole.play(moves[i]);
            broken.play(moves[i]);
            RC_ASSERT(whole.floor().step_bytes() == broken.floor().step_bytes());
        }
    });
}

TEST_CASE("executions told twice change nothing", "[properties]") {
    rc::prop("not even after the end of their orders", [] {
        RichRun run;
        run.play(some_moves());
        Floor& floor = run.floor();
        for (const BrokerReport& execution : run.executions()) {
            const Order* order = floor.state().find_order(execution.order);
            if (order == nullptr || !order->trades.contains(execution.trade)) {
                continue;  // it was not booked the first time
            }
            // What falls due in the meantime is over with the first look.
            floor.tell(run.now(), execution);
            const State before = floor.state();
            floor.tell(run.now(), execution);
            RC_ASSERT(without_place(floor.state()) == without_place(before));
            RC_ASSERT(floor.state().next_seq == before.next_seq + 1);
        }
    });
}

TEST_CASE("a terminal order stays as it ended", "[properties]") {
    rc::prop("whatever is reported of it later", [] {
        RichRun run;
        std::map<OrderId, OrderStatus> ended;
        for (const Move& move : some_moves()) {
            run.play(move);
            const State& state = run.floor().state();
            for (const auto& [id, status] : ended) {
                RC_ASSERT(state.open_orders.count(id) == 0U);
                RC_ASSERT(state.closed_orders.at(id).status == status);
            }
            for (const auto& [id, order] : state.closed_orders) {
                ended.emplace(id, order.status);
            }
        }
        RC_CLASSIFY(ended.size() > 10, "more than ten orders ended");
    });
}

TEST_CASE("a refusal changes nothing but its own record", "[properties]") {
    rc::prop("in any state", [] {
        const auto moves = some_moves();
        const OrderTerms refused[] = {market_order(Side::buy, "0"), limit_order(Side::sell, "1", "0.005"),
                                      market_order(Side::buy, "1", InstrumentId{99}),
                                      market_order(Side::sell, "100000000")};
        const OrderTerms terms = refused[*rc::gen::inRange<std::size_t>(0, std::size(refused))];
        RichRun with;
        RichRun without;
        with.play(moves);
        without.play(moves);
        RC_ASSERT(with.floor().saved() == without.floor().saved());
        const auto count = with.floor().count_of("order_refused");
        const auto quote = [&](RichRun& run, bool ask) {
            for (std::size_t s = 0; s < 3; ++s) {
                ScriptedStrategy& script = run.floor().strategy(s);
                script = {};
                if (ask && s == 0) {
                    script.on_quote = [&](const QuoteTick&, Context& c) { c.place(terms); };
                }
            }
            for (std::size_t b = 0; b < 2; ++b) {
                run.floor().broker(b).at_market = nullptr;
            }
            run.floor().quote(run.now(), "99", "101");
        };
        quote(with, true);
        quote(without, false);
        RC_ASSERT(without_place(with.floor().state()) == without_place(without.floor().state()));
        if (!with.floor().state().strategies[0].halted) {
            RC_ASSERT(with.floor().count_of("order_refused") == count + 1);
        }
    });
}

TEST_CASE("random runs visit what they are meant to", "[properties]") {
    std::map<std::string, std::size_t> seen;
    for (const std::uint64_t seed : {21U, 22U, 23U, 24U, 25U, 26U}) {
        RichRun run;
        run.play(moves_of(seed, 300));
        for (const DecodedEvent& e : run.floor().events()) {
            ++seen[type_name(e.event)];
        }
    }
    // What a broker outside and a live source lead to is visited by tests/live.
    const std::set<std::string> elsewhere{"trade",
                                          "broker_rules_set",
                                          "broker_session_changed",
                                          "send_started",
                                          "send_ended",
                                          "broker_order_seen",
                                          "broker_trade_seen",
                                          "book_read",
                                          "order_resolved",
                                          "account_read",
                                          "funds_read",
                                          "outside_assigned",
                                          "instrument_thawed",
                                          "order_overdue",
                                          "outcome_unknown",
                                          "outcome_stale",
                                          "order_revived",
                                          "order_conflict",
                                          "outside_filled",
                                          "reconciliation_differs",
                                          "reconciled",
                                          "feed_changed"};
    for (const char* type : all_type_names()) {
        if (elsewhere.contains(type)) {
            continue;
        }
        INFO(type);
        CHECK(seen[type] > 0);
    }
}

}  // namespace alpha::test
