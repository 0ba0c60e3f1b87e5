/// Each fault of the simulated Kite's script: what a transport sees, and what really came about.

#include "tests/zerodha/kite.hpp"

#include <algorithm>

using namespace alpha;
using namespace alpha::kite;

namespace {

PlaceOrder tagged(const char* tag = "T1") {
    return limit(Side::buy, 10, rupees(990), tag);
}

std::size_t placed(const World& w, const char* tag = "T1") {
    return places_of(w.kite.ledger(), tag);
}

FaultEffect answer(ReplyKind kind, std::uint16_t http = 200, std::string type = {}, std::string message = {}) {
    FaultEffect effect;
    effect.answer = Answer{kind, http, std::move(type), std::move(message)};
    return effect;
}

FaultEffect lost(FaultEffect effect) {
    effect.is_lost = true;
    return effect;
}

Fault on(Route route, FaultEffect effect) {
    Fault fault;
    fault.when.route = route;
    fault.effect = std::move(effect);
    return fault;
}

}  // namespace

TEST_CASE("an answer that does not come says whether the order was taken", "[kite]") {
    const ReplyKind kind = GENERATE(ReplyKind::timed_out, ReplyKind::closed);
    const bool is_taken = GENERATE(true, false);
    World w;
    w.kite.add_fault(on(Route::place, is_taken ? answer(kind, 0) : lost(answer(kind, 0))));
    const Reply reply = w.place(tagged());
    CHECK(reply.kind == kind);
    CHECK_FALSE(reply.is_seen());
    CHECK(reply.order_id.empty());
    CHECK(reply.taken == is_taken);
    w.settle();
    CHECK(placed(w) == (is_taken ? 1U : 0U));
    CHECK(w.orders().size() == (is_taken ? 1U : 0U));
}

TEST_CASE("a request that is lost is answered", "[kite]") {
    World w;
    w.kite.add_fault(on(Route::place, lost({})));
    CHECK(w.place(tagged()).kind == ReplyKind::timed_out);
    CHECK(placed(w) == 0);
}

TEST_CASE("an order that was told to have timed out does not come later", "[kite]") {
    World w;
    FaultEffect effect = answer(ReplyKind::json, 400, "OrderException", "The request timed out; check the order book.");
    effect.late = seconds(8);
    w.kite.add_fault(on(Route::place, effect));
    const Reply reply = w.place(tagged());
    CHECK(reply.http == 400);
    CHECK(reply.taken);
    w.pass(ms(7'999));
    CHECK(w.orders().empty());
    CHECK(placed(w) == 0);
    w.pass(ms(1));
    REQUIRE(w.orders().size() == 1);
    CHECK(w.orders()[0].order_timestamp == ist(10, 0, 8));
    CHECK(placed(w) == 1);
}

TEST_CASE("an error hides that the order was taken", "[kite]") {
    const std::uint16_t http = GENERATE(as<std::uint16_t>{}, 429, 403, 500, 502, 503, 504);
    const ReplyKind kind = GENERATE(ReplyKind::json, ReplyKind::html, ReplyKind::cut, ReplyKind::wrong_type);
    World w;
    Fault first = on(Route::place, lost(answer(kind, http, "NetworkException", "no")));
    first.when.nth = 1;
    w.kite.add_fault(first);
    first.when.nth = 2;
    first.effect.is_lost = false;
    w.kite.add_fault(first);
    const Reply untaken = w.place(tagged("T1"));
    CHECK(untaken.http == http);
    CHECK(untaken.kind == kind);
    CHECK_FALSE(untaken.taken);
    const Reply taken = w.place(tagged("T2"));
    CHECK(taken.http == http);
    CHECK(taken.taken);
    CHECK(w.place(tagged("T3")).is_success());
    CHECK(placed(w, "T1") == 0);
    CHECK(placed(w, "T2") == 1);
    CHECK(placed(w, "T3") == 1);
}

TEST_CASE("RMS does not reject what was answered with success", "[kite]") {
    World w;
    FaultEffect effect;
    effect.rms_rejects = "RMS: blocked";
    w.kite.add_fault(on(Route::place, effect));
    const std::string id = w.open(tagged());
    CHECK(w.row(id).status == "REJECTED");
    CHECK(w.row(id).status_message == "RMS: blocked");
    CHECK(w.row(id).status_message_raw == "RMS: blocked");
}

TEST_CASE("an order is not stuck for as long as it should be", "[kite]") {
    World w;
    FaultEffect effect = answer(ReplyKind::timed_out, 0);
    effect.stuck = seconds(90);
    w.kite.add_fault(on(Route::place, effect));
    w.place(tagged());
    w.pass(seconds(90));
    REQUIRE(w.orders().size() == 1);
    CHECK(w.orders()[0].status == "PUT ORDER REQ RECEIVED");
    w.settle();
    CHECK(w.orders()[0].status == "OPEN");
}

TEST_CASE("an order is not doubled", "[kite]") {
    World w;
    FaultEffect effect;
    effect.again = 1;
    w.kite.add_fault(on(Route::place, effect));
    const std::string id = w.open(tagged());
    REQUIRE(w.orders().size() == 2);
    CHECK(w.orders()[0].order_id == id);
    CHECK(w.orders()[1].order_id != id);
    CHECK(w.orders()[1].tag == "T1");
    CHECK(placed(w) == 2);
}

TEST_CASE("rows of an order have the tag they should have lost", "[kite]") {
    World w;
    FaultEffect effect;
    effect.is_untagged = true;
    w.kite.add_fault(on(Route::place, effect));
    const std::string id = w.open(tagged());
    CHECK_FALSE(w.row(id).tag);
    CHECK(w.row(id).tags.empty());
    CHECK(placed(w) == 1);  // the ledger knows
}

TEST_CASE("a status that nobody knows is not shown", "[kite]") {
    World w;
    FaultEffect effect;
    effect.odd_status = "LAPSED";
    w.kite.add_fault(on(Route::place, effect));
    const std::string id = w.open(tagged());
    CHECK(w.row(id).status == "LAPSED");
    w.quote("INFY", rupees(980), 100, rupees(990), 100, rupees(990));
    CHECK(w.row(id).status == "COMPLETE");
}

TEST_CASE("a fill does not come after CANCELLED, or comes without its fault", "[kite]") {
    const bool has_fault = GENERATE(true, false);
    World w;
    if (has_fault) {
        FaultEffect effect;
        effect.late_fill = seconds(3'600);
        w.kite.add_fault(on(Route::cancel, effect));
    }
    const std::string id = w.open(limit(Side::buy, 150, rupees(1'000), "T1"));
    w.cancel(id);
    w.settle();
    CHECK(w.row(id).status == "CANCELLED");
    w.pass(seconds(3'600));
    CHECK(w.row(id).status == (has_fault ? "COMPLETE" : "CANCELLED"));
    CHECK(w.row(id).filled_quantity == (has_fault ? 150 : 100));
    CHECK(w.row(id).cancelled_quantity == (has_fault ? 0 : 50));
    CHECK(w.positions()[0].quantity == (has_fault ? 150 : 100));
    CHECK(w.trades().size() == (has_fault ? 2U : 1U));
}

TEST_CASE("a cancel or modify is late, lost or unheard in name only", "[kite]") {
    World w;
    const std::string id = w.open(tagged());
    Fault fault = on(Route::cancel, lost({}));
    fault.when.nth = 1;
    fault.when.tag = "T1";
    w.kite.add_fault(fault);
    CHECK(w.cancel(id).kind == ReplyKind::timed_out);
    w.settle();
    CHECK(w.row(id).status == "OPEN");
    FaultEffect late = answer(ReplyKind::timed_out, 0);
    late.late = seconds(5);
    w.kite.add_fault(on(Route::modify, late));
    CHECK_FALSE(w.modify({id, 20}).is_seen());
    w.pass(seconds(4));
    CHECK(w.row(id).status == "OPEN");
    w.pass(seconds(2));
    CHECK(w.row(id).quantity == 20);
    CHECK_FALSE(w.modify({id, 30}).is_seen());
    CHECK(w.cancel(id).is_success());
    w.pass(seconds(6));
    CHECK(w.row(id).status == "CANCELLED");
    CHECK(w.row(id).quantity == 20);
}

TEST_CASE("a book that is read is not short, late, doubled or in another order", "[kite]") {
    World w;
    for (const char* tag : {"T1", "T2", "T3", "T4", "T5"}) {
        w.id_of(tagged(tag));
    }
    w.settle();
    const auto read = [&](FaultEffect effect) {
        Fault fault = on(Route::orders, std::move(effect));
        fault.when.from = w.now;
        fault.when.until = w.now + ms(1);
        w.kite.add_fault(fault);
        Texts tags;
        for (const OrderRow& row : World::rows<OrderRow>(w.kite.orders(w.now, w.api()))) {
            tags.push_back(*row.tag);
        }
        w.pass(seconds(1));
        return tags;
    };
    const Texts all{"T1", "T2", "T3", "T4", "T5"};
    FaultEffect effect;
    CHECK(read(effect) == all);
    effect.missing = 2;
    CHECK(read(effect) == Texts{"T1", "T2", "T3"});
    effect.missing = 9;
    CHECK(read(effect).empty());
    effect = {};
    effect.is_doubled = true;
    CHECK(read(effect) == Texts{"T1", "T1", "T2", "T2", "T3", "T3", "T4", "T4", "T5", "T5"});
    effect = {};
    effect.is_permuted = true;
    Texts permuted = read(effect);
    CHECK(permuted != all);
    std::ranges::sort(permuted);
    CHECK(permuted == all);
    effect = {};
    effect.lag = seconds(60);
    CHECK(read(effect).empty());
    CHECK(read({}) == all);
    CHECK(w.kite.orders(w.now, Caller::phone("AB1234")).is_success());
    w.kite.add_fault(on(Route::orders, answer(ReplyKind::cut)));
    const Reply cut = w.kite.orders(w.now, w.api());
    CHECK(cut.kind == ReplyKind::cut);
    CHECK(std::holds_alternative<std::monostate>(cut.data));
}

TEST_CASE("trades do not lag behind their orders", "[kite]") {
    World w;
    const std::string id = w.open(limit(Side::buy, 10, rupees(1'000)));
    FaultEffect effect;
    effect.lag = seconds(5);
    w.kite.add_fault(on(Route::trades, effect));
    CHECK(w.row(id).status == "COMPLETE");
    CHECK(World::rows<TradeRow>(w.kite.trades(w.now, w.api())).empty());
    CHECK(World::rows<TradeRow>(w.kite.order_trades(w.now, w.api(), id)).empty());
    w.pass(seconds(5));
    CHECK(World::rows<TradeRow>(w.kite.trades(w.now, w.api())).size() == 1);
    CHECK(World::rows<TradeRow>(w.kite.order_trades(w.now, w.api(), "1")).empty());
}

TEST_CASE("updates are not lost, late, doubled or in another order", "[kite]") {
    World w;
    const auto happen = [&] {
        w.quote("INFY", rupees(999), 100, rupees(1'000), 100, rupees(1'000));
        for (int i = 0; i < 6; ++i) {
            w.id_of(limit(Side::buy, 1 + i, rupees(1'000)));
        }
        w.pass(seconds(1));
    };
    const auto with = [&](const FaultEffect& effect) {
        Fault fault = on(Route::updates, effect);
        fault.when.times = 1;
        w.kite.add_fault(fault);
    };
    const auto quantities = [&] {
        std::vector<std::int64_t> told;
        for (const OrderRow& row : w.kite.take_updates(w.now, "AB1234")) {
            told.push_back(row.quantity);
        }
        return told;
    };
    happen();
    const std::vector<std::int64_t> all{quantities()};
    CHECK(all.size() == 6);
    FaultEffect effect;
    happen();
    effect.is_lost = true;
    with(effect);
    CHECK(quantities().empty());
    CHECK(quantities().empty());
    happen();
    effect = {};
    effect.late = seconds(3);
    with(effect);
    CHECK(quantities().empty());
    w.pass(ms(2'999));
    CHECK(quantities().empty());
    w.pass(ms(1));
    CHECK(quantities().size() == 6);
    happen();
    effect = {};
    effect.is_doubled = true;
    with(effect);
    CHECK(quantities().size() == 12);
    happen();
    effect = {};
    effect.is_permuted = true;
    with(effect);
    std::vector<std::int64_t> permuted = quantities();
    REQUIRE(permuted.size() == 6);
    CHECK_FALSE(std::ranges::is_sorted(permuted));
}

TEST_CASE("a fault strikes another than it is for", "[kite]") {
    World w;
    Fault fault = on(Route::place, answer(ReplyKind::json, 500, "GeneralException", "no"));
    fault.when.tag = "T2";
    fault.when.nth = 2;
    w.kite.add_fault(fault);
    fault.when = {};
    fault.when.route = Route::place;
    fault.when.tag = "T3";
    fault.when.from = ist(10, 0, 1);
    fault.when.until = ist(10, 0, 2);
    fault.when.times = 1;
    w.kite.add_fault(fault);
    CHECK(w.place(tagged("T2")).is_success());
    CHECK(w.place(tagged("T1")).is_success());
    CHECK(w.place(tagged("T2")).http == 500);
    CHECK(w.place(tagged("T2")).is_success());
    CHECK(w.place(tagged("T3")).is_success());
    w.pass(seconds(1));
    CHECK(w.kite.place(w.now, Caller::phone("AB1234"), tagged("T3")).is_success());
    CHECK(w.place(tagged("T3")).http == 500);
    CHECK(w.place(tagged("T3")).is_success());
    w.pass(seconds(1));
    CHECK(w.place(tagged("T3")).is_success());
}

TEST_CASE("a fault's probability is none", "[kite]") {
    World w;
    Fault fault = on(Route::profile, answer(ReplyKind::json, 500, "GeneralException", "no"));
    fault.when.per_thousand = 300;
    w.kite.add_fault(fault);
    int struck = 0;
    for (int i = 0; i < 1'000; ++i) {
        struck += w.kite.profile(w.now, w.api()).is_success() ? 0 : 1;
        w.pass(seconds(1));
    }
    CHECK(struck > 250);
    CHECK(struck < 350);
}

TEST_CASE("faults of one request do not add up", "[kite]") {
    World w;
    FaultEffect stuck;
    stuck.stuck = seconds(10);
    FaultEffect doubled;
    doubled.again = 1;
    w.kite.add_fault(on(Route::any, stuck));
    w.kite.add_fault(on(Route::place, doubled));
    w.kite.add_fault(on(Route::place, answer(ReplyKind::closed, 0)));
    CHECK(w.place(tagged()).kind == ReplyKind::closed);
    w.pass(seconds(9));
    REQUIRE(w.orders().size() == 2);
    CHECK(w.orders()[1].status == "PUT ORDER REQ RECEIVED");
}
