#include "kernel/snapshot.hpp"
#include "kernel/visits.hpp"
#include "runtime/logging.hpp"
#include "runtime/session.hpp"
#include "tests/kernel/rich_run.hpp"
#include "tests/runtime/support.hpp"
#include "views/projection.hpp"
#include "views/read_models.hpp"
#include "views/row_check.hpp"

#include <catch2/catch.hpp>
#include <numeric>

using namespace alpha;
using namespace alpha::test;
using alpha::runtime_test::events_of;
using alpha::runtime_test::TempFolder;

namespace {

using RowsByKey = std::map<std::pair<std::uint8_t, std::string>, std::string>;

/// How many events the next frame is to hold.
using Cut = std::function<std::size_t()>;
Cut every(std::size_t events) {
    return [events] { return events; };
}

/// A checkpoint of a session holds the state as anybody else would save it.
void check_saved_alike(const State& state, const Projection& projection) {
    ByteBuffer alone;
    save_state(state, alone);
    ByteBuffer with_closed_orders_ready;
    save_state(state, projection.closed_orders(), with_closed_orders_ready);
    CHECK(std::ranges::equal(alone.view(), with_closed_orders_ready.view()));
}

/// The rows of a log as a session leaves them, its frames cut as `cut` says. Between any two frames the projection is saved
/// and loaded, where that is asked for.
RowsByKey rows_of(const std::vector<DecodedEvent>& events, const Cut& cut, bool restarted = false) {
    RowsByKey rows;
    State state;
    Projection projection;
    Frame frame;
    Rows changed;
    for (std::size_t at = 0; at < events.size();) {
        frame.begin(at);
        for (std::size_t n = cut(); n > 0 && at < events.size(); --n, ++at) {
            std::visit([&](const auto& event) { append(frame, events[at].envelope, event); }, events[at].event);
            apply(state, events[at].envelope, events[at].event);
        }
        changed.clear();
        projection.take(frame, state, changed);
        RowsByKey once;
        for (std::size_t i = 0; i < changed.size(); ++i) {
            const Row row = changed[i];
            rows[{row.table, std::string(row.key)}] = row.value;
            INFO("a frame gives a row once");
            CHECK(once.emplace(std::pair{row.table, row.key}, row.value).second);
        }
        if (restarted) {
            ByteBuffer saved;
            projection.save(saved);
            Result<Projection> loaded = Projection::load(state, saved.view());
            REQUIRE(loaded);
            projection = std::move(*loaded);
            ByteBuffer again;
            projection.save(again);
            CHECK(std::ranges::equal(saved.view(), again.view()));
            check_saved_alike(state, projection);
        }
    }
    check_saved_alike(state, projection);
    return rows;
}

RowsByKey rows_of(const Rows& list) {
    RowsByKey rows;
    for (std::size_t i = 0; i < list.size(); ++i) {
        CHECK(rows.emplace(std::pair{list[i].table, list[i].key}, list[i].value).second);
    }
    return rows;
}

std::unique_ptr<MemoryLog> log_of(const std::vector<DecodedEvent>& events) {
    std::unique_ptr<MemoryLog> log = make_memory_log();
    Batch batch;
    batch.begin(0);
    for (const DecodedEvent& each : events) {
        std::visit([&](const auto& event) { append(batch.frame, each.envelope, event); }, each.event);
    }
    REQUIRE(log->append(batch));
    return log;
}

struct Models {
    std::vector<PortfolioView> portfolios;
    std::map<std::uint64_t, OrderView> orders;
    std::vector<FillView> fills;
};

Models models_of(const ReadModels& read) {
    Models models;
    REQUIRE(read.portfolios([&](const PortfolioView& portfolio) {
        models.portfolios.push_back(portfolio);
        return true;
    }));
    REQUIRE(read.orders([&](const OrderView& order) {
        CHECK((models.orders.empty() || models.orders.rbegin()->first < order.id.value));
        models.orders.emplace(order.id.value, order);
        return true;
    }));
    REQUIRE(read.fills([&](const FillView& fill) {
        CHECK((models.fills.empty() || models.fills.back().event < fill.event));
        models.fills.push_back(fill);
        return true;
    }));
    return models;
}

/// What the log of the floor gives so far; however its frames are cut.
Models models_of(const Floor& floor) {
    Result<Rebuilt> rebuilt = rebuild_read_models(*log_of(floor.events()));
    REQUIRE(rebuilt);
    const RowsByKey rows = rows_of(rebuilt->rows);
    CHECK(rows_of(floor.events(), every(1)) == rows);
    CHECK(rows_of(floor.events(), every(3), true) == rows);
    CHECK(rebuilt->rows[rebuilt->rows.size() - 1].table == static_cast<std::uint8_t>(ReadModel::about));
    return models_of(ReadModels(std::move(rebuilt->rows)));
}

/// A floor on which the strategy has placed `terms` at the first quote, as order 1.
class OneOrder : public Floor {
public:
    explicit OneOrder(const OrderTerms& terms, const Setup& setup = Setup::simple()) : Floor(setup) {
        strategy().once([terms](Context& c) { c.place(terms); });
        quote(at(1), "10", "10.02");
    }
    OrderView row() const { return models_of(*this).orders.at(1); }
};

RunResult run(const std::string& file, LogWriter& log) {
    const Result<Scenario> scenario = load_scenario(file);
    REQUIRE(scenario);
    RunOptions options;
    const Loggers loggers({.verbosity = -1, .file = {}});
    options.log = loggers.of("session");
    const Result<RunResult> result = run_scenario(*scenario, log, options);
    REQUIRE(result);
    return *result;
}

std::unique_ptr<Journal> journal_of(const std::string& scenario, const std::string& path) {
    Result<std::unique_ptr<LogWriter>> log = create_journal(path);
    REQUIRE(log);
    run(scenario, **log);
    Result<std::unique_ptr<Journal>> journal = open_journal(path);
    REQUIRE(journal);
    return std::move(*journal);
}

std::string story(const std::string& name) {
    return std::string(ALPHA_SOURCE_DIR) + "/scenarios/stories/" + name + ".yaml";
}

RowsByKey stored_rows(const Journal& journal) {
    RowsByKey rows;
    for (unsigned table = 0; table < 256; ++table) {
        const auto number = static_cast<std::uint8_t>(table);
        REQUIRE(journal.rows(number, [&](const std::string& key, const std::string& value) {
            rows[{number, key}] = value;
            return true;
        }));
    }
    return rows;
}

}  // namespace

TEST_CASE("a portfolio's row holds its cash before and after it is opened, and its books after a fill",
          "[read_models]") {
    Floor floor(Setup::simple().portfolio("spare", "77.5").charges("0.5", "0"));
    const Models before = models_of(floor);
    REQUIRE(before.portfolios.size() == 2);
    CHECK(before.portfolios[0].name == "main");
    CHECK(before.portfolios[0].currency == "USD");
    CHECK(before.portfolios[0].is_open);
    CHECK(before.portfolios[0].cash == money("100000"));
    CHECK(before.portfolios[0].positions.empty());
    CHECK(before.portfolios[1].name == "spare");
    CHECK_FALSE(before.portfolios[1].is_open);
    CHECK(before.portfolios[1].initial_cash == money("77.5"));
    CHECK(before.portfolios[1].cash == money("77.5"));

    floor.broker().fill_at("10.02");
    floor.strategy().once([](Context& c) { c.place(market_order(Side::buy, "10", kBac)); });
    floor.quote(at(1), "10", "10.02", kBac);
    floor.broker().fill_at("10.22");
    floor.strategy().once([](Context& c) { c.place(market_order(Side::sell, "4", kBac)); });
    floor.quote(at(2), "10.22", "10.24", kBac);
    const Models after = models_of(floor);
    const PortfolioView& main = after.portfolios[0];
    CHECK(main.cash == money("99939.68"));  // 100000 - 100.2 + 40.88 - 2 x 0.5
    CHECK(main.initial_cash == money("100000"));
    CHECK(main.realized_pnl == money("0.8"));
    CHECK(main.charges == money("1"));
    CHECK(main.fills == 2);
    CHECK(main.open_orders == 0);
    REQUIRE(main.positions.size() == 1);
    CHECK(main.positions[0] ==
          PositionView{kBac, "BAC", qty("6"), money("60.12"), money("0.8"), money("1"), money("141.08"), 2, {}});
    CHECK(after.portfolios[1] == before.portfolios[1]);
}

TEST_CASE("a fill's row says all that the execution was", "[read_models]") {
    OneOrder floor(limit_order(Side::buy, "10", "10"), Setup::simple().charges("0.5", "0"));
    floor.tell(at(2), filled(1, "4", "9.99", "T-1"));
    const Models models = models_of(floor);
    REQUIRE(models.fills.size() == 1);
    const FillView& fill = models.fills[0];
    CHECK(std::holds_alternative<OrderFilled>(floor.events().at(fill.event).event));
    CHECK(fill == FillView{fill.event, at(2), OrderId{1}, "one", "main", "IBM", Side::buy, qty("4"), px("9.99"),
                           money("39.96"), money("0.5"), money("0"), "T-1"});
}

TEST_CASE("an order's row follows it from its intent to the broker's last word", "[read_models]") {
    OneOrder floor(limit_order(Side::buy, "10", "9.5", kIbm, TimeInForce::day));
    OrderView row = floor.row();
    CHECK(row.strategy == "one");
    CHECK(row.portfolio == "main");
    CHECK(row.broker == "desk");
    CHECK(row.instrument == "IBM");
    CHECK(row.terms == limit_order(Side::buy, "10", "9.5", kIbm, TimeInForce::day));
    CHECK(row.good_until == floor.order(1).good_until);
    CHECK(row.status == OrderStatus::intended);
    CHECK(row.created == floor.order(1).intent);
    CHECK(row.updated == row.created);
    CHECK(row.created_time == at(1));
    CHECK(models_of(floor).portfolios[0].open_orders == 1);
    const Seq created = row.created;

    floor.tell(at(2), report(ReportKind::accepted, 1, "B-17"));
    row = floor.row();
    CHECK(row.status == OrderStatus::working);
    CHECK(row.broker_order == "B-17");
    CHECK(row.updated > created);
    CHECK(row.updated_time == at(2));

    floor.tell(at(3), filled(1, "4", "9.5", "t1"));
    floor.tell(at(4), filled(1, "1", "9", "t2"));
    row = floor.row();
    CHECK(row.status == OrderStatus::working);
    CHECK(row.filled == qty("5"));
    CHECK(row.filled_notional == money("47"));
    CHECK(row.average_price() == px("9.4"));

    floor.strategy().once([](Context& c) { c.modify(OrderId{1}, qty("8"), px("9.75"), {}); });
    floor.quote(at(5), "10", "10.02");
    CHECK(floor.row().modify_pending);
    CHECK(floor.row().terms.quantity == qty("10"));
    floor.tell(at(6), report(ReportKind::modify_rejected, 1, "no"));
    CHECK_FALSE(floor.row().modify_pending);
    floor.strategy().once([](Context& c) { c.modify(OrderId{1}, qty("8"), px("9.75"), {}); });
    floor.quote(at(7), "10", "10.02");
    floor.tell(at(8), modified(1, "8", "9.75"));
    row = floor.row();
    CHECK_FALSE(row.modify_pending);
    CHECK(row.terms.quantity == qty("8"));
    CHECK(row.terms.limit_price == px("9.75"));

    floor.strategy().once([](Context& c) { c.cancel(OrderId{1}); });
    floor.quote(at(9), "10", "10.02");
    CHECK(floor.row().cancel_pending);
    floor.tell(at(10), report(ReportKind::cancelled, 1, "as asked"));
    row = floor.row();
    CHECK(row.status == OrderStatus::cancelled);
    CHECK(row.reason == "as asked");
    CHECK_FALSE(row.cancel_pending);
    CHECK(row.updated_time == at(10));
    CHECK(models_of(floor).portfolios[0].open_orders == 0);

    floor.tell(at(11), filled(1, "1", "9.75", "t3"));  // late
    row = floor.row();
    CHECK(row.status == OrderStatus::cancelled);
    CHECK(row.filled == qty("6"));
    CHECK(row.filled_notional == money("56.75"));
    CHECK(row.reason == "as asked");
    CHECK(row.created == created);
    CHECK(row.created_time == at(1));
    CHECK(row.updated_time == at(11));
    CHECK(models_of(floor).orders.size() == 1);
}

TEST_CASE("an order's row says how it ended", "[read_models]") {
    OneOrder floor({kIbm, Side::buy, OrderType::stop_limit, TimeInForce::gtc, qty("2"), px("11"), px("10.5")});
    CHECK_FALSE(floor.row().triggered);
    SECTION("triggered and filled") {
        floor.tell(at(2), report(ReportKind::triggered, 1));
        CHECK(floor.row().triggered);
        CHECK(floor.row().status == OrderStatus::working);
        floor.tell(at(3), filled(1, "2", "10.8", "t1"));
        CHECK(floor.row().status == OrderStatus::filled);
        CHECK(floor.row().triggered);
    }
    SECTION("rejected, with the broker's words") {
        floor.tell(at(2), report(ReportKind::rejected, 1, "margin"));
        CHECK(floor.row().status == OrderStatus::rejected);
        CHECK(floor.row().reason == "margin");
    }
    SECTION("expired") {
        floor.tell(at(2), report(ReportKind::expired, 1));
        CHECK(floor.row().status == OrderStatus::expired);
    }
    SECTION("filled because a modify left nothing to fill") {
        floor.tell(at(2), filled(1, "1", "10.8", "t1"));
        floor.strategy().once([](Context& c) { c.modify(OrderId{1}, qty("1"), px("11"), px("10.5")); });
        floor.quote(at(3), "10", "10.02");
        floor.tell(at(4), modified(1, "1", "11", "10.5"));
        CHECK(floor.row().status == OrderStatus::filled);
        CHECK(floor.row().terms.quantity == qty("1"));
    }
}

TEST_CASE("a refused order has a row that names the rule, even for an instrument that does not exist",
          "[read_models]") {
    OneOrder floor(market_order(Side::buy, "11"), Setup::simple().limit(Rule::order_quantity, "10"));
    OrderView row = floor.row();
    CHECK(row.status == OrderStatus::refused);
    CHECK(row.refused_by == Rule::order_quantity);
    CHECK(row.limit == money("10"));
    CHECK(row.observed == money("11"));
    CHECK(row.broker == "desk");
    CHECK(row.created == row.updated);
    CHECK(models_of(floor).portfolios[0].open_orders == 0);
    floor.strategy().once([](Context& c) { c.place(market_order(Side::buy, "1", InstrumentId{99})); });
    floor.quote(at(2), "10", "10.02");
    const OrderView unknown = models_of(floor).orders.at(2);
    CHECK(unknown.refused_by == Rule::unknown_instrument);
    CHECK(unknown.instrument == "#99");
}

TEST_CASE("a portfolio's row says who pulled the kill switch, until it is released", "[read_models]") {
    OneOrder floor(limit_order(Side::buy, "10", "9.5"));
    floor.kill(at(2), kMain);
    Models models = models_of(floor);
    CHECK(models.portfolios[0].killed);
    CHECK(models.portfolios[0].killed_by == Rule::operator_kill);
    CHECK(models.orders.at(1).cancel_pending);
    floor.release(at(3), kMain);
    models = models_of(floor);
    CHECK_FALSE(models.portfolios[0].killed);
    CHECK(models.portfolios[0].killed_by == Rule::none);
}

TEST_CASE("what says nothing of portfolios, orders or fills moves no row", "[read_models]") {
    OneOrder floor(limit_order(Side::buy, "10", "9.5"), Setup::simple().snapshots_every(60));
    const RowsByKey before = rows_of(floor.events(), every(1));
    const std::size_t events = floor.events().size();
    floor.strategy().once([](Context& c) {
        c.signal(kIbm, Direction::lengthen);
        c.set_timer(TimerId{1}, at(30));
        c.set_timer(TimerId{2}, at(90'000));
        c.cancel_timer(TimerId{2});
        c.cancel(OrderId{5});  // there is none
    });
    floor.quote(at(20), "10", "10.02");
    floor.bar_opened(at(100), "10");
    floor.bar_closed(at(200), "10");
    floor.tell(at(201), report(ReportKind::accepted, 9));  // there is none
    Instrument found;
    found.name = "NEW";
    floor.list(at(202), found);
    floor.quote(at(kDaySeconds + 1), "10", "10.02");  // another day
    CHECK(floor.events().size() > events + 10);
    CHECK(rows_of(floor.events(), every(1)) == before);
}

TEST_CASE("what the state forgets is found without a look at the orders that are still open", "[read_models]") {
    for (const std::uint64_t open : {50U, 2'000U}) {
        CAPTURE(open);
        State state;
        Projection projection;
        Frame frame;
        Rows rows;
        const auto add = [&](const auto& event) {
            const Envelope envelope{state.next_seq, at(0), kNoSeq, kNoSeq};
            append(frame, envelope, event);
            apply(state, envelope, event);
        };
        const auto end_frame = [&] {
            rows.clear();
            projection.take(frame, state, rows);
            frame.begin(state.next_seq);
        };
        const auto intend = [&] {
            OrderIntended order;
            order.order = state.next_order;
            order.terms = limit_order(Side::buy, "1", "90");
            add(order);
            return order.order;
        };
        frame.begin(0);
        add(Setup::simple().config());
        for (std::uint64_t i = 0; i < open; ++i) {
            intend();
        }
        // Those made last close first, so that what is forgotten stands between what is open and what is not.
        const auto close_some = [&](std::size_t count) {
            std::vector<OrderId> made;
            made.reserve(count);
            for (std::size_t i = 0; i < count; ++i) {
                made.push_back(intend());
            }
            while (!made.empty()) {
                add(OrderRejected{made.back(), "no"});
                made.pop_back();
            }
            end_frame();
        };
        while (state.closings.size() < limits::kMaxClosedOrders) {
            close_some(1'024);
        }
        visits = 0;
        close_some(100);
        CHECK(visits < 100 * std::size_t{5} * OrderBytes::kIds);  // each is put twice and erased twice
        CHECK(state.open_orders.size() == open);
        check_saved_alike(state, projection);
        ByteBuffer saved;
        projection.save(saved);
        Result<Projection> loaded = Projection::load(state, saved.view());
        REQUIRE(loaded);
        projection = std::move(*loaded);
        close_some(limits::kMaxClosedOrders + 10);  // more in one frame than are remembered at all
        check_saved_alike(state, projection);
        CHECK(state.closings.size() == limits::kMaxClosedOrders);
    }
}

TEST_CASE("rows do not depend on where frames end, nor on restarts, and agree with the state", "[read_models]") {
    std::size_t fills = 0;
    for (std::uint64_t seed = 1; seed <= 25; ++seed) {
        CAPTURE(seed);
        RichRun run;
        run.play(moves_of(seed, 120));
        const std::vector<DecodedEvent>& events = run.floor().events();
        Result<Rebuilt> rebuilt = rebuild_read_models(*log_of(events));
        REQUIRE(rebuilt);
        const RowsByKey whole = rows_of(rebuilt->rows);
        CHECK(rebuilt->state == run.floor().state());
        CHECK(rows_of(events, every(1)) == whole);
        Dice dice(seed);
        CHECK(rows_of(events, [&] { return 1 + dice.below(40); }) == whole);
        CHECK(rows_of(events, [&] { return 1 + dice.below(40); }, true) == whole);

        const State& state = run.floor().state();
        const Models models = models_of(ReadModels(std::move(rebuilt->rows)));
        CHECK(models.fills.size() == state.fills);
        fills += models.fills.size();
        for (const auto* orders : {&state.open_orders, &state.closed_orders}) {
            for (const auto& [id, order] : *orders) {
                const OrderView& row = models.orders.at(id.value);
                CHECK(row.terms == order.terms);
                CHECK(row.status == order.status);
                CHECK(row.filled == order.filled);
                CHECK(row.triggered == order.triggered);
                CHECK(row.cancel_pending == order.cancel_pending);
                CHECK(row.modify_pending == order.modify_pending);
                CHECK(row.broker_order == order.broker_order);
                CHECK(row.created == order.intent);
            }
        }
        for (std::size_t p = 0; p < state.portfolios.size(); ++p) {
            const Portfolio& portfolio = state.portfolios[p];
            const PortfolioView& row = models.portfolios[p];
            CHECK(row.cash == portfolio.cash);
            CHECK(row.realized_pnl == portfolio.realized_pnl);
            CHECK(row.charges == portfolio.charges);
            CHECK(row.killed == portfolio.killed());
            CHECK(row.open_orders == portfolio.open_orders);
            CHECK(row.fills == portfolio.fills);
            for (const PositionView& position : row.positions) {
                CHECK(position.net == portfolio.position(position.id).net);
                CHECK(position.cost == portfolio.position(position.id).cost);
            }
        }
    }
    CHECK(fills > 100);
}

TEST_CASE("an order that ends and is forgotten within one frame still has its row", "[read_models]") {
    std::vector<DecodedEvent> events;
    const auto add = [&](const Event& event) {
        const Seq seq = events.size();
        events.push_back({seq == 0 ? Envelope{} : Envelope{seq, at(1), 0, 0}, event, 0});
    };
    const auto intend = [&](std::uint64_t id) {
        add(OrderIntended{OrderId{id}, StrategyId{}, kMain, BrokerId{}, limit_order(Side::buy, "2", "10"), {}});
    };
    const auto fill = [&](std::uint64_t id, const char* trade) {
        add(OrderFilled{
            OrderId{id}, StrategyId{}, kMain, kIbm, Side::buy, qty("1"), px("10"), money("10"), {}, {}, trade});
    };
    add(Setup::simple().config());
    add(PortfolioOpened{kMain, money("100000")});
    intend(1);
    fill(1, "a");
    intend(2);
    for (std::uint64_t id = 3; id < 3 + limits::kMaxClosedOrders; ++id) {
        intend(id);
        add(OrderCancelled{OrderId{id}, ""});
    }
    const std::size_t last_frame = events.size();
    fill(1, "b");  // ends order 1
    add(OrderCancelled{OrderId{2}, "enough"});
    for (std::uint64_t id = 100'000; id < 100'000 + limits::kMaxClosedOrders; ++id) {
        intend(id);
        add(OrderCancelled{OrderId{id}, ""});
    }
    std::size_t cuts = 0;
    const RowsByKey at_once = rows_of(events, [&] { return cuts++ == 0 ? last_frame : events.size(); });
    CHECK(rows_of(events, every(1'000)) == at_once);
    CHECK(rows_of(events, [&] { return cuts++ % 2 == 0 ? last_frame : 1; }) == at_once);

    Result<Rebuilt> rebuilt = rebuild_read_models(*log_of(events));
    REQUIRE(rebuilt);
    CHECK(rebuilt->state.find_order(OrderId{1}) == nullptr);
    CHECK(rebuilt->state.find_order(OrderId{2}) == nullptr);
    CHECK(rows_of(rebuilt->rows) == at_once);
    const Models models = models_of(ReadModels(std::move(rebuilt->rows)));
    CHECK(models.orders.at(1).status == OrderStatus::filled);
    CHECK(models.orders.at(1).filled == qty("2"));
    CHECK(models.orders.at(1).filled_notional == money("20"));
    CHECK(models.orders.at(2).status == OrderStatus::cancelled);
    CHECK(models.orders.at(2).reason == "enough");
    CHECK(models.orders.at(3).status == OrderStatus::cancelled);
    CHECK(models.orders.at(100'000).status == OrderStatus::cancelled);
}

TEST_CASE("what was saved beside another state is refused", "[read_models]") {
    OneOrder floor(limit_order(Side::buy, "10", "9.5"));
    const Result<Rebuilt> rebuilt = rebuild_read_models(*log_of(floor.events()));
    REQUIRE(rebuilt);
    ByteBuffer saved;
    rebuilt->projection.save(saved);
    CHECK(Projection::load(rebuilt->state, saved.view()));
    CHECK_FALSE(Projection::load(State{}, saved.view()));
    for (std::size_t size = 0; size < saved.size(); ++size) {
        CHECK_FALSE(Projection::load(rebuilt->state, saved.view().first(size)));
    }
    State other = rebuilt->state;
    other.open_orders.begin()->second.id = OrderId{2};
    other.open_orders.insert({OrderId{2}, other.open_orders.begin()->second});
    other.open_orders.erase(OrderId{1});
    CHECK_FALSE(Projection::load(other, saved.view()));
}

TEST_CASE("every story's journal keeps the rows that its log gives, however the log is cut", "[read_models]") {
    const TempFolder folder;
    int stories = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(std::string(ALPHA_SOURCE_DIR) + "/scenarios/stories")) {
        if (entry.path().extension() != ".yaml") {
            continue;
        }
        const std::string name = entry.path().stem().string();
        CAPTURE(name);
        const std::unique_ptr<Journal> journal = journal_of(story(name), folder / name);
        CHECK(has_read_models(*journal).value());
        const Result<void> verified = verify_read_models(*journal);
        CAPTURE((verified ? "" : verified.error().message));
        CHECK(verified);
        const RowsByKey stored = stored_rows(*journal);
        CHECK(stored.size() > 1);
        const std::vector<DecodedEvent> events = events_of(*journal);
        Dice dice(static_cast<std::uint64_t>(++stories));
        for (int n = 0; n < 3; ++n) {
            CHECK(rows_of(events, [&] { return 1 + dice.below(12); }, n == 0) == stored);
        }
    }
    CHECK(stories >= 20);
}

TEST_CASE("rows that the log does not give are found and named", "[read_models]") {
    const TempFolder folder;
    const std::unique_ptr<Journal> good = journal_of(story("two-portfolios"), folder / "good");
    struct OwnRow {
        std::uint8_t table = 0;
        std::string key;
        std::string value;
    };
    std::vector<OwnRow> rows;
    for (const auto& [key, value] : stored_rows(*good)) {
        rows.push_back({key.first, key.second, value});
    }
    int copies = 0;
    const auto verdict = [&](const std::vector<OwnRow>& kept) {
        const std::string path = folder / std::to_string(copies++);
        Result<std::unique_ptr<LogWriter>> log = create_journal(path);
        REQUIRE(log);
        REQUIRE(good->scan(0, [&](const Frame& frame) {
            Batch batch;
            batch.begin(frame.first_seq);
            batch.frame.events = frame.events;
            batch.frame.bytes.append(frame.bytes.view());
            batch.frame.leaf_cuts = frame.leaf_cuts;
            for (const OwnRow& row : kept) {
                batch.rows.add({row.table, row.key, row.value});
            }
            return (*log)->append(batch).has_value();
        }));
        REQUIRE((*log)->finish({}));
        const Result<std::unique_ptr<Journal>> journal = open_journal(path);
        REQUIRE(journal);
        const Result<void> verified = verify_read_models(**journal);
        CHECK((verified || verified.error().kind == ErrorKind::data));
        return verified ? std::string() : verified.error().message;
    };
    CHECK(verdict(rows).empty());
    CHECK(verdict({}).empty());  // as format 1 has them: none
    for (std::size_t i = 0; i < rows.size(); ++i) {
        std::vector<OwnRow> changed = rows;
        changed[i].value.back() = static_cast<char>(changed[i].value.back() ^ 1);
        const bool is_about = changed[i].table == static_cast<std::uint8_t>(ReadModel::about);
        CHECK((is_about || verdict(changed).find("says something else") != std::string::npos));
        changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
        CHECK(verdict(changed).find("is missing") != std::string::npos);
    }
    std::vector<OwnRow> more = rows;
    more.push_back(rows[0]);
    more.back().key = std::string("\0\0\0\7", 4);
    CHECK(verdict(more).find("the row of portfolio 7 should not be there") != std::string::npos);
    more.back() = {static_cast<std::uint8_t>(ReadModel::fills), std::string(8, '\x7f'), rows[0].value};
    CHECK(verdict(more).find("should not be there") != std::string::npos);
}

TEST_CASE("a journal of format 1 has no rows to verify, and its models are folded from the log", "[read_models]") {
    const TempFolder folder;
    std::filesystem::copy(std::string(ALPHA_SOURCE_DIR) + "/tests/store/journals/v1-two-portfolios", folder / "old",
                          std::filesystem::copy_options::recursive);
    const Result<std::unique_ptr<Journal>> old = open_journal(folder / "old");
    REQUIRE(old);
    CHECK_FALSE(has_read_models(**old).value());
    CHECK(verify_read_models(**old));
    const std::unique_ptr<Journal> present = journal_of(story("two-portfolios"), folder / "new");
    const Result<ReadModels> from_log = ReadModels::of(**old);
    const Result<ReadModels> from_rows = ReadModels::of(*present);
    REQUIRE(from_log);
    REQUIRE(from_rows);
    const Models a = models_of(*from_log);
    const Models b = models_of(*from_rows);
    CHECK(a.portfolios == b.portfolios);
    CHECK(a.orders == b.orders);
    CHECK(a.fills == b.fills);
    CHECK(a.portfolios.size() == 2);
    CHECK_FALSE(a.fills.empty());
    REQUIRE(a.orders.size() >= 2);
    const std::uint64_t second = std::next(a.orders.begin())->first;
    for (const ReadModels* models : {&*from_log, &*from_rows}) {
        std::vector<std::uint64_t> from_second;
        CHECK(models->orders(OrderId{second}, [&](const OrderView& order) {
            from_second.push_back(order.id.value);
            return true;
        }));
        CHECK(from_second.size() == a.orders.size() - 1);
        CHECK(from_second.front() == second);
        CHECK(models->orders(OrderId{second + 1'000}, [&](const OrderView&) {
            FAIL_CHECK("there is no such order");
            return true;
        }));
    }
}

TEST_CASE("reading stops where the visitor says so", "[read_models]") {
    const TempFolder folder;
    const std::unique_ptr<Journal> journal = journal_of(story("two-portfolios"), folder / "journal");
    const Result<ReadModels> models = ReadModels::of(*journal);
    REQUIRE(models);
    int seen = 0;
    const auto first_only = [&](const auto&) {
        ++seen;
        return false;
    };
    CHECK(models->portfolios(first_only));
    CHECK(models->orders(first_only));
    CHECK(models->fills(first_only));
    CHECK(seen == 3);
}

TEST_CASE("the demo's rows are what its summary says", "[read_models]") {
    const TempFolder folder;
    Result<std::unique_ptr<LogWriter>> log = create_journal(folder / "demo");
    REQUIRE(log);
    const RunResult result = run(std::string(ALPHA_SOURCE_DIR) + "/scenarios/demo.yaml", **log);
    const Result<std::unique_ptr<Journal>> journal = open_journal(folder / "demo");
    REQUIRE(journal);
    const Models models = models_of(ReadModels::of(**journal).value());
    CHECK(models.fills.size() == result.fills);
    CHECK(models.orders.size() == result.orders + result.refused);
    REQUIRE(models.portfolios.size() == result.portfolios.size());
    for (std::size_t p = 0; p < models.portfolios.size(); ++p) {
        const PortfolioView& row = models.portfolios[p];
        const PortfolioResult& said = result.portfolios[p];
        CHECK(row.name == said.portfolio);
        CHECK(row.cash == said.cash);
        CHECK(row.realized_pnl == said.realized_pnl);
        CHECK(row.charges == said.charges);
        CHECK(row.fills == said.fills);
        REQUIRE(row.positions.size() == said.instruments.size());
        for (std::size_t i = 0; i < row.positions.size(); ++i) {
            CHECK(row.positions[i].instrument == said.instruments[i].instrument);
            CHECK(row.positions[i].net == said.instruments[i].net);
            CHECK(row.positions[i].realized_pnl == said.instruments[i].realized_pnl);
            CHECK(row.positions[i].traded == said.instruments[i].traded);
        }
    }
}
