/// Funds and margins, by the tables of tests/kernel/market_rules.hpp: cnc in full, mis a fifth; of futures and options that are sold, in
/// nrml, 10 % and 2 %. Amounts were computed by hand from the table in kernel/margin.hpp. What no sequence of fills may do is
/// margin_model_test.cpp's.

#include "kernel/margin.hpp"
#include "kernel/visits.hpp"
#include "tests/kernel/market_rules.hpp"
#include "tests/kernel/support.hpp"

#include <catch2/catch.hpp>

using namespace alpha;
using namespace alpha::test;

namespace {

constexpr InstrumentId kShare{0};
constexpr InstrumentId kIndex{1};
constexpr InstrumentId kNear{2};
constexpr InstrumentId kFar{3};
constexpr InstrumentId kCall100{4};
constexpr InstrumentId kCall120{5};
constexpr InstrumentId kPut100{6};
constexpr InstrumentId kLoose{7};  ///< a call on what nobody lists

Setup market() {
    return Setup()
        .instrument("SHARE")
        .instrument("INDEX")
        .instrument("NEAR")
        .contract(InstrumentKind::future, "2024-01-31", 10, "INDEX")
        .instrument("FAR")
        .contract(InstrumentKind::future, "2024-02-28", 10, "INDEX")
        .instrument("C100")
        .contract(InstrumentKind::call, "2024-01-31", 10, "INDEX", "1000")
        .instrument("C120")
        .contract(InstrumentKind::call, "2024-01-31", 10, "INDEX", "1020")
        .instrument("P100")
        .contract(InstrumentKind::put, "2024-01-31", 10, "INDEX", "1000")
        .instrument("LOOSE")
        .contract(InstrumentKind::call, "2024-01-31", 10, "NOWHERE", "500")
        .portfolio("main", "10000")
        .broker("desk")
        .strategy("one", {kShare, kIndex, kNear, kFar, kCall100, kCall120, kPut100, kLoose});
}

OrderTerms as(Product product, OrderTerms terms, InstrumentId instrument = kShare) {
    terms.product = product;
    terms.instrument = instrument;
    return terms;
}
OrderTerms cnc(Side side, std::string_view quantity) {
    return as(Product::cnc, market_order(side, quantity));
}
OrderTerms mis(Side side, std::string_view quantity) {
    return as(Product::mis, market_order(side, quantity));
}
OrderTerms stop_order(Side side, std::string_view quantity, std::string_view stop) {
    return {kShare, side, OrderType::stop, TimeInForce::gtc, qty(quantity), {}, px(stop)};
}
OrderTerms nrml(Side side, std::string_view quantity, InstrumentId instrument) {
    return as(Product::nrml, market_order(side, quantity), instrument);
}

/// A floor where the share stands at 100, the index and its futures at 1,000, and options at 30, 20, 25 and 5; the broker only accepts.
struct Pit : Floor {
    explicit Pit(const Setup& setup = market(), const MarginRules& rules = small_margins()) : Floor(setup) {
        broker().obey();
        margins(Time{0}, rules);
        all("100", "1000", "1000", "30", "20", "25", "5");
    }
    void all(std::string_view share, std::string_view near, std::string_view far, std::string_view c100,
             std::string_view c120, std::string_view p100, std::string_view loose) {
        mark(share, kShare);
        mark(near, kIndex);
        mark(near, kNear);
        mark(far, kFar);
        mark(c100, kCall100);
        mark(c120, kCall120);
        mark(p100, kPut100);
        mark(loose, kLoose);
    }
    void mark(std::string_view price, InstrumentId instrument) { quote(tick(), price, price, instrument); }
    Time tick() { return at(++seconds_); }

    /// "pass", or what is free and what was needed.
    std::string asks(const OrderTerms& terms) {
        const std::size_t before = events().size();
        strategy().once([&](Context& c) { last_ = c.place(terms); });
        mark(to_string(state().market(terms.instrument).mark), terms.instrument);
        for (std::size_t i = before; i < events().size(); ++i) {
            if (const auto* refused = std::get_if<OrderRefused>(&events()[i].event)) {
                return std::string(refused->rule == Rule::margin ? "" : name_of(refused->rule)) +
                       to_string(refused->limit) + " free, " + to_string(refused->observed) + " needed";
            }
        }
        return "pass";
    }
    /// Fills at the mark.
    void trade(const OrderTerms& terms) {
        broker().fill_at(to_string(state().market(terms.instrument).mark));
        REQUIRE(asks(terms) == "pass");
        broker().obey();
    }
    std::string used() const { return to_string(funds_of(state(), RiskLimits(state().config), portfolio())->used); }
    OrderId last() const { return last_; }
    void cancel_last() {
        strategy().once([&](Context& c) { c.cancel(last_); });
        mark(to_string(state().market(kShare).mark), kShare);
    }

private:
    std::int64_t seconds_ = 36'000;
    OrderId last_;
};

}  // namespace

TEST_CASE("delivery is paid in full and an order within the day by a fifth, and both from one equity",
          "[kernel][margin]") {
    Pit pit;
    CHECK(pit.asks(cnc(Side::buy, "101")) == "10000 free, 10100 needed");
    CHECK(pit.asks(mis(Side::buy, "501")) == "10000 free, 10020 needed");
    pit.trade(mis(Side::buy, "300"));
    CHECK(pit.used() == "6000");
    pit.trade(cnc(Side::buy, "20"));
    CHECK(pit.used() == "8000");
    CHECK(pit.asks(cnc(Side::buy, "21")) == "2000 free, 2100 needed");
    CHECK(pit.asks(as(Product::cnc, limit_order(Side::buy, "25", "80"))) == "pass");  // at its own price
    CHECK(pit.used() == "10000");
    CHECK(pit.asks(mis(Side::buy, "1")) == "0 free, 20 needed");
    CHECK(pit.asks(mis(Side::sell, "300")) == "pass");  // it only closes
    CHECK(pit.asks(mis(Side::sell, "300")) == "pass");  // and what opens as much the other way binds no more
    CHECK(pit.asks(mis(Side::sell, "1")) == "0 free, 20 needed");
    CHECK(pit.said_of("order_refused").back().find(" rule=margin limit=0 observed=20 short=20 ") != std::string::npos);
}

TEST_CASE("a gain is not free before it is taken, a loss counts at once", "[kernel][margin]") {
    Pit pit;
    pit.trade(mis(Side::buy, "400"));
    pit.mark("110", kShare);  // 4,000 gained
    CHECK(pit.used() == "12000");
    CHECK(pit.asks(mis(Side::buy, "91")) == "2000 free, 2002 needed");  // a fifth of 110, of 10 + 4 of equity
    pit.mark("95", kShare);
    CHECK(pit.used() == "7600");  // of an equity of 8,000
    CHECK(pit.asks(mis(Side::buy, "22")) == "400 free, 418 needed");
    pit.mark("75", kShare);
    CHECK(pit.used() == "6000");  // of an equity of 0
    CHECK(pit.asks(mis(Side::buy, "1")) == "-6000 free, 15 needed");
    CHECK(pit.asks(mis(Side::sell, "100")) == "pass");
}

TEST_CASE("who is short within the day binds a fifth of what it is worth now", "[kernel][margin]") {
    Pit pit;
    pit.trade(mis(Side::sell, "400"));
    CHECK(pit.used() == "8000");
    pit.mark("90", kShare);
    CHECK(pit.used() == "11200");  // 7,200 and a gain of 4,000
    pit.mark("105", kShare);
    CHECK(pit.used() == "8400");  // of 8,000
    CHECK(pit.asks(as(Product::mis, limit_order(Side::sell, "10", "120"))) == "-400 free, 240 needed");
}

TEST_CASE("orders bind what they may cost, and fills and cancels release it", "[kernel][margin]") {
    Pit pit;
    CHECK(pit.asks(as(Product::mis, limit_order(Side::buy, "100", "90"))) == "pass");
    CHECK(pit.used() == "1800");
    CHECK(pit.asks(as(Product::mis, limit_order(Side::buy, "100", "104"))) == "pass");
    CHECK(pit.used() == "4200");  // a fifth of 100, and the 4 that it may pay more than the mark
    CHECK(pit.asks(as(Product::mis, stop_order(Side::buy, "100", "110"))) == "pass");
    CHECK(pit.used() == "6400");
    pit.broker().obey();
    pit.cancel_last();
    CHECK(pit.used() == "4200");
}

TEST_CASE("a change reserves the larger of what was and what is asked, until it is answered", "[kernel][margin]") {
    Pit pit;
    CHECK(pit.asks(as(Product::nrml, limit_order(Side::sell, "4", "1000"), kNear)) == "pass");
    CHECK(pit.used() == "4800");
    const auto change = [&](std::string_view limit) {
        pit.strategy().once([&](Context& c) { c.modify(pit.last(), qty("2"), px(limit), {}); });
        pit.mark("1000", kNear);
    };
    pit.broker().answer = nullptr;
    change("850");  // four of them may fill at 850 all the same, for the two are not confirmed: 4 x 1,500 and 4,800
    CHECK(pit.said_of("change_refused").back().find(" rule=margin limit=5200 observed=6000 short=800 ") !=
          std::string::npos);
    change("900");
    CHECK(pit.used() == "8800");
    pit.broker().obey();
}

TEST_CASE("futures of two months protect each other", "[kernel][margin]") {
    Pit pit;
    CHECK(pit.asks(nrml(Side::buy, "9", kNear)) == "10000 free, 10800 needed");
    pit.trade(nrml(Side::buy, "8", kNear));
    CHECK(pit.used() == "9600");
    pit.trade(nrml(Side::sell, "8", kFar));  // nothing is asked beside what is bound: no more may come of it
    CHECK(pit.used() == "2400");             // 1 % of 80,000 and 2 % of one side
    CHECK(pit.asks(nrml(Side::buy, "1", kNear)) == "pass");
    CHECK(pit.used() == "3600");
    pit.mark("1010", kNear);
    pit.mark("1010", kIndex);
    CHECK(pit.used() == "4516");  // 90,900 x 2 %, 10,900 x 10 %, 10.1 x 80 and the gain of 800
    // What takes the protection away is refused where it would leave too much.
    CHECK(pit.asks(nrml(Side::buy, "8", kFar)) == "6284 free, 7192 needed");
}

TEST_CASE("an option is paid in full, and who sells it is asked by what the index is worth", "[kernel][margin]") {
    Pit pit;
    pit.trade(nrml(Side::buy, "4", kCall100));
    CHECK(pit.used() == "1200");
    pit.mark("40", kCall100);
    CHECK(pit.used() == "1600");
    pit.mark("30", kCall100);
    CHECK(pit.asks(nrml(Side::sell, "8", kPut100)) == "8800 free, 9600 needed");
    pit.trade(nrml(Side::sell, "5", kPut100));
    CHECK(pit.used() == "7200");
    CHECK(pit.asks(nrml(Side::sell, "8", kPut100)) == "2800 free, 9600 needed");
    pit.mark("1100", kIndex);  // it was not traded: what is written on it is asked for more
    CHECK(pit.used() == "7800");
    pit.mark("15", kPut100);
    CHECK(pit.used() == "8300");  // and a gain of 500
}

TEST_CASE("a call with another above it asks for the distance, and a strangle for one side", "[kernel][margin]") {
    Pit pit;
    pit.trade(nrml(Side::buy, "10", kCall120));
    CHECK(pit.used() == "2000");
    CHECK(pit.asks(nrml(Side::sell, "11", kCall100)) == "pass");  // 10 x 20 and 1 x 100 a unit, and 2 %
    CHECK(pit.used() == "7200");
    pit.cancel_last();
    pit.trade(nrml(Side::sell, "10", kCall100));
    CHECK(pit.used() == "6000");  // 2,000 of premium, 10 x 10 x 20 and 2 % of 100,000
    CHECK(pit.asks(nrml(Side::sell, "1", kPut100)) == "pass");
    CHECK(pit.used() == "6200");  // 1,000 for the put is less than 2,000 for calls
    CHECK(pit.asks(nrml(Side::sell, "10", kCall120)) == "3800 free, 8000 needed");
    CHECK(pit.asks(nrml(Side::buy, "10", kCall100)) == "pass");
}

TEST_CASE("on its last day an option that is sold asks for more, and months no longer protect each other",
          "[kernel][margin]") {
    Pit pit;
    pit.trade(nrml(Side::sell, "1", kCall100));
    CHECK(pit.used() == "1200");
    pit.trade(nrml(Side::buy, "1", kNear));
    pit.trade(nrml(Side::sell, "1", kFar));
    CHECK(pit.used() == "1500");
    for (const InstrumentId id : {kIndex, kNear, kFar, kCall100}) {
        pit.quote(at(30 * kDaySeconds + 36'000 + id.value), id == kCall100 ? "30" : "1000",
                  id == kCall100 ? "30" : "1000", id);
    }
    // 1,200 for one month; 1,000 for the far one and for the call, which rise together, and 200; 500 of the call.
    CHECK(pit.used() == "3900");
}

TEST_CASE("products are asked apart, and what no row names by the leverage", "[kernel][margin]") {
    Pit pit(market().limit(Rule::buying_power, "4"));
    pit.trade(mis(Side::buy, "100"));
    pit.trade(mis(Side::sell, "100"));
    pit.trade(mis(Side::buy, "100"));
    pit.trade(cnc(Side::sell, "10"));
    CHECK(pit.used() == "3000");  // 2,000, and cnc in full
    pit.trade(as(Product::none, market_order(Side::buy, "40")));
    CHECK(pit.used() == "4000");  // a fourth
    pit.trade(as(Product::none, market_order(Side::sell, "1"), kLoose));
    CHECK(pit.used() == "5250");  // a fourth of the strike: nobody knows what it is written on
    Pit unbound(market());
    unbound.trade(as(Product::none, market_order(Side::buy, "4000")));
    CHECK(unbound.used() == "0");
}

TEST_CASE("what is written on something that is listed later is asked by it from then on", "[kernel][margin]") {
    Pit pit;
    pit.trade(nrml(Side::sell, "1", kLoose));
    CHECK(pit.used() == "600");  // 12 % of the strike
    Instrument nowhere;
    nowhere.name = "NOWHERE";
    const InstrumentId id = pit.list(pit.tick(), nowhere);
    CHECK(pit.used() == "600");
    pit.mark("700", id);
    CHECK(pit.used() == "840");
    pit.restart();
    CHECK(pit.used() == "840");
}

TEST_CASE("rules that come or go hold for what is open, too", "[kernel][margin]") {
    Pit pit(market(), {});
    CHECK(pit.asks(as(Product::mis, limit_order(Side::buy, "200", "100"))) == "pass");
    CHECK_FALSE(funds_of(pit.state(), RiskLimits(pit.state().config), pit.portfolio()));
    pit.margins(pit.tick(), small_margins());
    CHECK(pit.used() == "4000");
    pit.restart();
    CHECK(pit.used() == "4000");
    pit.margins(pit.tick(), {});
    CHECK_FALSE(funds_of(pit.state(), RiskLimits(pit.state().config), pit.portfolio()));
}

TEST_CASE("a judgement looks at the family of its instrument alone", "[kernel][margin][scale]") {
    std::vector<std::uint64_t> seen;
    for (const std::uint32_t others : {10U, 200U}) {
        Setup setup = market();
        std::vector<InstrumentId> ids{kShare, kNear};
        for (std::uint32_t i = 0; i < others; ++i) {
            setup.instrument("X" + std::to_string(i));
            ids.push_back(InstrumentId{8 + i});
        }
        setup.portfolio("side", "1000000").strategy("two", ids, kSide);
        Floor floor(setup);
        floor.margins(Time{0}, small_margins());
        floor.broker().obey();
        std::int64_t second = 0;
        for (std::uint32_t i = 0; i < others; ++i) {
            const InstrumentId id{8 + i};
            floor.act(
                at(++second), [&](Context& c) { c.place(as(Product::mis, limit_order(Side::buy, "1", "90"), id)); }, 1,
                id);
        }
        floor.quote(at(++second), "100", "100", kShare);
        floor.act(at(++second), [&](Context& c) { c.place(mis(Side::buy, "1")); }, 1, kShare);
        visits = 0;
        floor.act(at(++second), [&](Context& c) { c.place(mis(Side::buy, "1")); }, 1, kShare);
        seen.push_back(visits);
    }
    CHECK(seen[0] > 0);
    CHECK(seen[1] == seen[0]);
}
