#include "store/event_log.hpp"
#include "tests/kernel/support.hpp"
#include "views/as_json.hpp"
#include "views/projection.hpp"
#include "views/read_models.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <string>

using namespace alpha;
using namespace alpha::test;

namespace {

/// Ten shares bought at 10.02, and marked at 11 since.
class Bought : public Floor {
public:
    Bought() : Floor(Setup::simple()) {
        broker().fill_at("10.02");
        strategy().once([](Context& c) { c.place(market_order(Side::buy, "10")); });
        quote(at(1), "10", "10.02");
        quote(at(2), "11", "11");
    }
};

bool holds(const std::string& json, const std::string& part) {
    INFO(json);
    return json.find(part) != std::string::npos && json.find('\n') == std::string::npos;
}

}  // namespace

TEST_CASE("JSON quotes names and keeps counts numbers and amounts strings", "[views]") {
    JsonObject object;
    object.text("name", "a\"b\n")
        .count("fills", 3)
        .decimal("cash", money("-1.50"))
        .flag("killed", false)
        .texts("none", {});
    CHECK(object.done() == R"({"name":"a\"b\n","fills":3,"cash":"-1.5","killed":false,"none":[]})");
    CHECK(JsonObject().done() == "{}");
}

TEST_CASE("a state is shown as a book", "[views]") {
    const Bought bought;
    const std::string json = journal_json("runs/one", books_of(bought.state()), true, risk_headroom(bought.state()));
    CHECK(holds(json, R"({"journal":"runs/one",)"));
    CHECK(holds(json, R"("state":"not running","clean_end":true,"open_orders":0,)"));
    CHECK(holds(json, R"("orders":1,"fills":1,)"));
    CHECK(holds(json, R"("realized_pnl":"0","unrealized_pnl":"9.8",)"));
    CHECK(holds(json, R"("kill_switch":{"main":false},"halted_strategies":[],)"));
    CHECK(holds(json, R"("positions":{")" + bought.state().instruments[0].name + R"(":"10"})"));
}

TEST_CASE("a session's status says how long its streams are silent, by the clock of the status", "[views]") {
    const Bought bought;
    SessionStatus status;
    status.books = books_of(bought.state());
    status.durable_seq = status.books.events - 2;
    status.at = std::chrono::seconds(100);
    status.streams.resize(2);
    status.streams[0].name = "prices";
    status.streams[0].heard = std::chrono::milliseconds(98'500);
    status.streams[1].heard = std::chrono::seconds(101);  // between the clock and the look at the stream
    const std::string json = status_json(status, {"runs/one", "paper", 42});
    CHECK(holds(json, R"("mode":"paper","state":"running","pid":42,)"));
    CHECK(holds(json, R"("lag_events":2,)"));
    CHECK(holds(json, R"("silent_s":1.500,)"));
    CHECK(holds(json, R"("silent_s":0.000,)"));
    status.is_catching_up = true;
    CHECK(std::string(standing_of(status)) == "catching up");
    status.is_stopping = true;
    CHECK(std::string(standing_of(status)) == "stopping");
}

TEST_CASE("a log's rows are shown", "[views]") {
    const Bought bought;
    const std::unique_ptr<MemoryLog> log = make_memory_log();
    Batch batch;
    batch.begin(0);
    for (const DecodedEvent& each : bought.events()) {
        std::visit([&](const auto& event) { append(batch.frame, each.envelope, event); }, each.event);
    }
    REQUIRE(log->append(batch));
    Result<Rebuilt> rebuilt = rebuild_read_models(*log);
    REQUIRE(rebuilt);
    const RunConfigured config = rebuilt->state.config;
    const ReadModels models(std::move(rebuilt->rows));
    std::string json;
    const auto note = [&](const std::string& row) {
        json += row;
        return true;
    };
    REQUIRE(models.portfolios([&](const PortfolioView& each) { return note(portfolio_json(each, config)); }));
    REQUIRE(models.orders([&](const OrderView& each) { return note(order_json(each)); }));
    REQUIRE(models.fills([&](const FillView& each) { return note(fill_json(each)); }));
    CHECK(holds(json, R"({"portfolio":"main","broker":")" + config.brokers[0].name + '"'));
    CHECK(holds(json, R"("net":"10","average_price":"10.02",)"));
    CHECK(holds(json, R"({"order":1,)"));
    CHECK(holds(json, R"("status":"filled","filled":"10",)"));
    CHECK(holds(json, R"("quantity":"10","price":"10.02","notional":"100.2",)"));
}
