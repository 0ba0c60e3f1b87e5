#include "tests/kernel/rich_run.hpp"

namespace alpha::test {

namespace {

/// The account's equity and its deepest fall, by the definition: every mark and every fill, compared with the highest before it.
/// Slow, and of the log alone: cash and shares by portfolio, marks as docs/reference-scenario.md has them.
class SlowPath {
public:
    explicit SlowPath(const RunConfigured& config) {
        for (const PortfolioConfig& portfolio : config.portfolios) {
            cash_.push_back(portfolio.cash.raw);
        }
        shares_.resize(cash_.size());
        note();
    }
    void shares(PortfolioId portfolio, InstrumentId instrument, Int128 more) {
        shares_[portfolio.value][instrument.value] += more;
    }
    /// As if the price of a future were paid: what it is worth is the same.
    void fill(const OrderFilled& e, Int128 multiplier) {
        const bool buys = e.side == Side::buy;
        cash_[e.portfolio.value] += (buys ? -e.notional.raw : e.notional.raw) - e.charges.raw;
        shares(e.portfolio, e.instrument, (buys ? e.quantity.raw : -e.quantity.raw) * multiplier);
        note();
    }
    void settle(const PositionSettled& e, Int128 multiplier) {
        if (e.kind != SettlementKind::daily) {
            cash_[e.portfolio.value] += divide_half_even(e.price.raw * e.settled.raw * multiplier, kScale);
            shares(e.portfolio, e.instrument, -e.settled.raw * multiplier);
        }
        note();
    }
    void day_end(const ChargesBooked& e) {
        cash_[e.portfolio.value] -= e.charges.raw;
        note();
    }
    void mark(InstrumentId instrument, Price mark) {
        marks_[instrument.value] = mark.raw;
        note();
    }
    /// From here on books are worth what marks say after the action, each portfolio's once it is adjusted.
    void act() {
        before_ = marks_;
        unadjusted_.clear();
        for (std::size_t p = 0; p < cash_.size(); ++p) {
            unadjusted_.insert(p);
        }
    }
    void adjust(const PositionAdjusted& e, Qty held_before, bool is_last) {
        cash_[e.portfolio.value] += e.cash.raw;
        shares(e.portfolio, e.instrument, e.quantity.raw - held_before.raw);
        is_half_adjusted_ = !is_last;
        if (is_last) {
            unadjusted_.erase(e.portfolio.value);
            note();
        }
    }
    void end_act() { unadjusted_.clear(); }
    Int128 equity() const { return path_.back(); }
    /// Whether `peak` and `trough` are the deepest fall, as a part of its peak, of the whole path.
    bool has_deepest(Money peak, Money trough) const {
        Int128 highest = path_.front();
        bool found = peak == trough;
        for (const Int128 point : path_) {
            highest = std::max(highest, point);
            if (point * peak.raw < trough.raw * highest) {  // deeper; these accounts are small enough to multiply out
                return false;
            }
            found = found || (highest == peak.raw && point == trough.raw);
        }
        return found;
    }

private:
    void note() {
        if (is_half_adjusted_) {
            return;
        }
        Int128 sum = 0;
        for (std::size_t p = 0; p < cash_.size(); ++p) {
            sum += cash_[p];
            for (const auto& [instrument, held] : shares_[p]) {
                sum += divide_half_even(held * (unadjusted_.contains(p) ? before_ : marks_)[instrument], kScale);
            }
        }
        path_.push_back(sum);
    }
    std::vector<Int128> cash_;
    std::vector<std::map<std::uint32_t, Int128>> shares_;
    std::map<std::uint32_t, Int128> marks_;
    std::map<std::uint32_t, Int128> before_;  // an action
    std::set<std::size_t> unadjusted_;        // portfolios that it has not changed yet
    bool is_half_adjusted_ = false;
    std::vector<Int128> path_;
};

std::string fall(const State& state) {
    return to_string(state.path.worst_peak) + " to " + to_string(state.path.worst_trough);
}

}  // namespace

TEST_CASE("the deepest fall is found at the mark where it happened, though no snapshot saw it", "[kernel]") {
    Floor floor(Setup::simple().snapshots_every(86'400));
    floor.broker().fill_at("100");
    floor.place(at(1), market_order(Side::buy, "100"));
    CHECK(fall(floor.state()) == "100000 to 100000");  // no fall so far
    floor.quote(at(2), "110", "110");                  // 101,000
    floor.quote(at(3), "60", "60");                    // 96,000
    floor.quote(at(4), "200", "200");                  // 110,000
    CHECK(fall(floor.state()) == "101000 to 96000");   // 4.95 per cent
    floor.quote(at(5), "150", "150");                  // 105,000: 4.55 per cent, though as much money
    CHECK(fall(floor.state()) == "101000 to 96000");
    floor.quote(at(6), "145", "145");  // 104,500: 5 per cent
    CHECK(fall(floor.state()) == "110000 to 104500");
    floor.restart();
    CHECK(fall(floor.state()) == "110000 to 104500");
    CHECK(to_string(floor.state().path.peak) == "110000");
    CHECK(to_string(floor.state().path.equity) == "104500");
}

TEST_CASE("a fill that loses is a fall, and so are charges", "[kernel]") {
    Floor floor(Setup::simple().charges("10", "0"));
    floor.broker().fill_at("101");  // marked at 100
    floor.place(at(1), market_order(Side::buy, "10"));
    CHECK(fall(floor.state()) == "100000 to 99980");
}

TEST_CASE("all portfolios make one account: what one gains the other may lose", "[kernel]") {
    Floor floor(Setup::without_strategy()
                    .portfolio("side", "100000")
                    .strategy("one", {kIbm})
                    .strategy("two", {kIbm}, kSide)
                    .portfolio("idle", "300000"));
    floor.broker().fill_at("100");
    floor.strategy(0).once([](Context& c) { c.place(market_order(Side::buy, "100")); });
    floor.strategy(1).once([](Context& c) { c.place(market_order(Side::sell, "90")); });
    floor.quote(at(1), "100", "100");
    floor.quote(at(2), "50", "50");
    CHECK(fall(floor.state()) == "500000 to 499500");  // one that nobody uses has its cash in it all the same
}

TEST_CASE("an account that begins with nothing falls from what it has first", "[kernel]") {
    Floor floor(Setup().instrument("IBM").portfolio("main", "0").broker("desk").strategy("one", {kIbm}));
    floor.broker().fill_at("100");
    floor.place(at(1), market_order(Side::buy, "10"));
    floor.quote(at(2), "90", "90");
    CHECK(fall(floor.state()) == "0 to 0");
    floor.quote(at(3), "120", "120");  // 200
    floor.quote(at(4), "110", "110");  // 100
    CHECK(fall(floor.state()) == "200 to 100");
    floor.quote(at(5), "80", "80");  // -200: more than all of it
    CHECK(fall(floor.state()) == "200 to -200");
    floor.quote(at(6), "90", "90");
    CHECK(fall(floor.state()) == "200 to -200");
    floor.quote(at(7), "70", "70");
    CHECK(fall(floor.state()) == "200 to -300");
}

TEST_CASE("which of two falls is deeper is exact, to the last unit and at any size", "[kernel]") {
    const Money huge{Int128{1} << 107U};
    CHECK(is_deeper(money("100"), money("89"), money("100"), money("90")));
    CHECK_FALSE(is_deeper(money("100"), money("90"), money("100"), money("90")));
    CHECK_FALSE(is_deeper(money("200"), money("180"), money("100"), money("90")));  // as deep
    CHECK(is_deeper(money("200"), money("179.99999999"), money("100"), money("90")));
    CHECK_FALSE(is_deeper(money("200"), money("180.00000001"), money("100"), money("90")));
    CHECK(is_deeper(money("100"), money("-1"), money("100"), money("0")));
    CHECK_FALSE(is_deeper(money("100"), money("0"), money("100"), money("-1")));
    CHECK(is_deeper(money("100"), money("-3"), money("200"), money("-5")));
    CHECK_FALSE(is_deeper(money("200"), money("-5"), money("100"), money("-3")));
    CHECK(is_deeper(huge, Money{huge.raw - 2}, huge, Money{huge.raw - 1}));
    CHECK_FALSE(is_deeper(huge, Money{huge.raw - 1}, huge, Money{huge.raw - 1}));
    CHECK(is_deeper(Money{huge.raw - 1}, Money{huge.raw - 3}, huge, Money{huge.raw - 2}));
    CHECK(is_deeper(huge, -huge, huge, Money{1 - huge.raw}));
    // Against a division of numbers small enough for it.
    Dice dice(99);
    for (int i = 0; i < 20'000; ++i) {
        const auto some = [&](std::uint64_t most) { return static_cast<std::int64_t>(dice.below(most)); };
        const Money peak{1 + some(1'000'000)};
        const Money other_peak{1 + some(1'000'000)};
        const Money trough{peak.raw - some(2'000'000)};
        const Money other{other_peak.raw - some(2'000'000)};
        REQUIRE(is_deeper(peak, trough, other_peak, other) == (trough.raw * other_peak.raw < other.raw * peak.raw));
    }
}

TEST_CASE("the path agrees with a slow model of the whole log, whatever happens", "[kernel]") {
    for (const std::uint64_t seed : {21U, 22U, 23U, 24U}) {
        RichRun run;
        SlowPath slow(RichRun::setup().config());
        State followed;
        std::size_t seen = 0;
        for (const Move& move : moves_of(seed, 300)) {
            run.play(move);
            const auto& events = run.floor().events();
            for (; seen < events.size(); ++seen) {
                const auto* adjusted = std::get_if<PositionAdjusted>(&events[seen].event);
                if (adjusted != nullptr) {
                    const auto* next =
                        seen + 1 < events.size() ? std::get_if<PositionAdjusted>(&events[seen + 1].event) : nullptr;
                    slow.adjust(*adjusted,
                                followed.portfolios[adjusted->portfolio.value]
                                    .position(adjusted->instrument)
                                    .net_of(adjusted->product),
                                next == nullptr || next->portfolio != adjusted->portfolio);
                } else if (std::holds_alternative<CorporateAction>(events[seen].event)) {
                    slow.act();
                } else {
                    slow.end_act();
                }
                apply(followed, events[seen].envelope, events[seen].event);
                if (const auto* booked = std::get_if<ChargesBooked>(&events[seen].event)) {
                    slow.day_end(*booked);
                } else if (const auto* fill = std::get_if<OrderFilled>(&events[seen].event)) {
                    slow.fill(*fill, followed.instruments[fill->instrument.value].multiplier);
                } else if (const auto* settled = std::get_if<PositionSettled>(&events[seen].event)) {
                    slow.settle(*settled, followed.instruments[settled->instrument.value].multiplier);
                }
                for (std::uint32_t i = 0; i < followed.markets.size(); ++i) {
                    slow.mark(InstrumentId{i}, followed.markets[i].mark);
                }
            }
        }
        const EquityPath& path = run.floor().state().path;
        INFO("seed " << seed);
        CHECK(to_string(path.equity) == to_string(Money{slow.equity()}));
        CHECK(path.worst_trough < path.worst_peak);
        CHECK(slow.has_deepest(path.worst_peak, path.worst_trough));
    }
}

}  // namespace alpha::test
