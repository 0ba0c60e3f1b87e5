// A live session with a broker outside, all of its threads under virtual time: from a strategy's order to its fill and back, and what a journal says
// after a crash, a kill or a broker that does not answer.

#include "config/scenario.hpp"
#include "events/order_tag.hpp"
#include "runtime/components.hpp"
#include "runtime/fork.hpp"
#include "runtime/inbox.hpp"
#include "runtime/operator.hpp"
#include "runtime/reexecution.hpp"
#include "runtime/session.hpp"
#include "store/background_log.hpp"
#include "store/evidence.hpp"
#include "store/journal.hpp"
#include "store/verify.hpp"
#include "tests/runtime/support.hpp"
#include "tests/virtual_clock.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>
#include <vector>

using namespace alpha;
using namespace alpha::runtime_test;
using alpha::test::TakesPart;
using alpha::test::VirtualClock;

namespace {

constexpr std::uint32_t kLogNumber = 4'711;
constexpr const char* kUser = "AB1234";

/// 2024-01-01, a Monday, in India.
Time india(int hour, int minute, int second = 0) {
    return Time{(19'723LL * 86'400 + (hour * 60LL + minute) * 60 + second - 19'800) * kSecondNs};
}
constexpr Date kDay{19'723};

/// Two sides that move a little every minute, from the open on.
void write_quotes(const std::string& path, int minutes) {
    std::string text = "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n";
    for (int i = 0; i < minutes; ++i) {
        const int paise = 10'000 + (i * 37) % 200;
        text += fmt::format("{},NSE:A,{}.{:02},75,{}.{:02},75\n", india(9, 15).ns + i * (60 * kSecondNs), paise / 100,
                            paise / 5 * 5 % 100, (paise + 10) / 100, (paise + 10) / 5 * 5 % 100);
    }
    write_text(path, text);
}

/// One that quotes both sides at a broker outside.
Scenario story(const std::string& data) {
    Result<Scenario> scenario = parse_scenario(
        fmt::format("name: day\naccount: {{currency: INR, cash: 1000000}}\ndata: [{{file: {}, kind: quotes}}]\n"
                    "default_instrument: {{tick: 0.05, lot: 1, session: nse}}\n"
                    "strategies:\n  - {{id: maker, use: market_maker, instruments: [\"NSE:A\"],\n"
                    "     params: {{quantity: 5, half_spread: 0.1, max_inventory: 50, requote: 0.1, refresh: 60}}}}\n"
                    "broker: {{paper: {{fill: touch}}}}\n",
                    data),
        "day.yaml");
    INFO((scenario ? "" : scenario.error().message));
    REQUIRE(scenario);
    scenario->config.brokers[0] = {"zerodha", "zerodha", {{"protection", "1%"}}};
    scenario->config.strategies[0].product = Product::mis;
    return *scenario;
}

/// What a broker has, shared with who looks at it. Under its lock.
struct Exchange {
    std::mutex mutex;
    std::vector<BrokerOrderSeen> rows;
    std::vector<BrokerTradeSeen> trades;
    std::vector<std::string> begun;    ///< tags of places, in their order
    std::function<bool(int)> answers;  ///< of the nth place, from 0; empty: all
    std::function<bool(int)> takes;    ///< the same: whether it is there at all
    bool fills = true;                 ///< what is placed fills at once
    int places = 0;
    int cancels = 0;
};

class Client final : public OutsideClient {
public:
    Client(std::shared_ptr<Exchange> exchange, BrokerThread::Post post, Clock& clock)
        : exchange_(std::move(exchange)), post_(std::move(post)), clock_(clock) {}

    void begin(SendToken token, const OutsideMessage& message) override {
        SendAnswer answer{SendOutcome::acked, message.started.broker_order, ""};
        answer.http = 200;
        answer.raw = fmt::format(R"({{"status":"success","user_id":"{}"}})", kUser);
        {
            const std::lock_guard lock(exchange_->mutex);
            if (message.started.what == Send::place) {
                const int nth = exchange_->places++;
                exchange_->begun.push_back(message.tag);
                answer.broker_order = fmt::format("B{}", nth + 1);
                if (!exchange_->takes || exchange_->takes(nth)) {
                    place(message, answer.broker_order);
                }
                if (exchange_->answers && !exchange_->answers(nth)) {
                    return;
                }
            } else if (message.started.what == Send::cancel) {
                ++exchange_->cancels;
                for (BrokerOrderSeen& row : exchange_->rows) {
                    if (row.broker_order == message.started.broker_order && row.status == RowStatus::open) {
                        row.status = RowStatus::cancelled;
                    }
                }
            }
        }
        post_([token, answer](Gateway& gateway, Time now) { gateway.answered(token, answer, now); });
    }
    void abandon(SendToken) override {}
    void read_book() override {
        OutsideRead read;
        read.day = kDay;
        read.is_final = clock_.wall() >= india(16, 30);
        const std::lock_guard lock(exchange_->mutex);
        for (const BrokerOrderSeen& row : exchange_->rows) {
            const char* const status = row.status == RowStatus::complete ? "COMPLETE" : "OPEN";
            read.orders.push_back({row, fmt::format(R"({{"placed_by":"{}","order_id":"{}","status":"{}"}})", kUser,
                                                    row.broker_order, status)});
        }
        for (const BrokerTradeSeen& trade : exchange_->trades) {
            read.trades.push_back({trade, fmt::format(R"({{"trade_id":"{}"}})", trade.trade)});
        }
        read.with_account = true;
        AccountRead net{BrokerId{}, AccountRowKind::position, InstrumentId{0}, Product::mis, Qty{}, Price{}, kDay};
        for (const BrokerTradeSeen& trade : exchange_->trades) {
            net.quantity += signed_qty(trade.side, trade.quantity);
        }
        if (net.quantity.raw != 0) {
            read.account.push_back({net});
        }
        post_([read](Gateway& gateway, Time now) { gateway.was_read(read, now); });
    }

private:
    void place(const OutsideMessage& message, const std::string& id) {
        BrokerOrderSeen row;
        row.broker_order = id;
        row.order_tag = message.tag;
        row.instrument = message.terms.instrument;
        row.side = message.terms.side;
        row.product = message.terms.product;
        row.quantity = message.terms.quantity;
        row.price = message.terms.limit_price;
        row.status = RowStatus::open;
        row.placed_at = clock_.wall();
        if (exchange_->fills) {
            row.filled = row.quantity;
            row.status = RowStatus::complete;
            exchange_->trades.push_back({id, "NSE", "T" + id, row.instrument, row.side, row.quantity, row.price, kDay});
        }
        exchange_->rows.push_back(row);
    }

    std::shared_ptr<Exchange> exchange_;
    BrokerThread::Post post_;
    Clock& clock_;
};

OutsideBrokerOptions broker_at(const char* name, VirtualClock& clock, const std::shared_ptr<Exchange>& exchange) {
    OutsideBrokerOptions broker;
    broker.broker = name;
    broker.log_number = kLogNumber;
    broker.make_client = [exchange, &clock](BrokerThread::Post post) {
        return std::make_unique<Client>(exchange, std::move(post), clock);
    };
    return broker;
}

RunOptions live_at(VirtualClock& clock, const std::shared_ptr<Exchange>& exchange) {
    RunOptions options;
    options.log = std::make_shared<spdlog::logger>("session", std::make_shared<spdlog::sinks::null_sink_mt>());
    options.is_live = true;
    options.speed = 1;
    options.clock = &clock;
    options.spin = std::chrono::nanoseconds(0);
    options.look_for_stop = std::chrono::hours(24);
    options.outside = {broker_at("zerodha", clock, exchange)};
    return options;
}

template <class Meanwhile>
RunResult trade(const Scenario& scenario, const std::string& journal, VirtualClock& clock, RunOptions options,
                Meanwhile meanwhile) {
    Result<std::unique_ptr<LogWriter>> log = continue_journal(journal);
    INFO((log ? "" : log.error().message));
    REQUIRE(log);
    Result<std::unique_ptr<Journal>> stored = open_journal(journal);
    REQUIRE(stored);
    std::jthread beside;  // outlives the session's part in time
    const TakesPart session(clock);
    BackgroundOptions how;
    how.clock = &clock;
    const std::unique_ptr<BackgroundLog> background = make_background_log(std::move(*log), how);
    options.background = background.get();
    beside = start_thread(clock, [&] { meanwhile(); });
    Result<RunResult> result = run_scenario(scenario, *background, options, std::move(*stored));
    INFO((result ? "" : result.error().message));
    REQUIRE(result);
    return *result;
}

std::vector<DecodedEvent> events_in(const std::string& journal) {
    const Result<std::unique_ptr<Journal>> stored = open_journal(journal);
    REQUIRE(stored);
    return events_of(**stored);
}

/// A log in memory that notes what was committed.
struct CommitWatch final : LogWriter {
    std::unique_ptr<MemoryLog> memory = make_memory_log();
    std::atomic<Seq> committed{0};

    Result<void> append(Batch& batch) override { return memory->append(batch); }
    Result<void> commit() override {
        committed = memory->next_seq();
        return memory->commit();
    }
    Result<void> finish(const std::optional<Ending>& ending) override { return memory->finish(ending); }
    Seq next_seq() const override { return memory->next_seq(); }
    Digest head() const override { return memory->head(); }
    std::unique_ptr<FrameCursor> frames(Seq from) const override {
        return static_cast<const LogReader&>(*memory).frames(from);
    }
};

template <class E>
std::vector<std::pair<Envelope, E>> all_of(const std::vector<DecodedEvent>& events) {
    std::vector<std::pair<Envelope, E>> found;
    for (const DecodedEvent& each : events) {
        if (const auto* const event = std::get_if<E>(&each.event)) {
            found.emplace_back(each.envelope, *event);
        }
    }
    return found;
}

/// Decided again from its inputs alone.
void check_again(const std::string& journal) {
    const Result<std::unique_ptr<Journal>> stored = open_journal(journal);
    REQUIRE(stored);
    const Result<Reexecuted> again = reexecute(**stored, 0, (*stored)->next_seq());
    INFO((again ? "" : again.error().message));
    REQUIRE(again);
    INFO((again->disagreement ? fmt::format("differs at {}", again->disagreement->seq) : ""));
    CHECK_FALSE(again->disagreement.has_value());
}

}  // namespace

TEST_CASE("orders of a live session do not come back from a broker outside as fills", "[runtime][virtual][outside]") {
    const TempFolder folder;
    write_quotes(folder / "quotes.csv", 30);
    const Scenario scenario = story(folder / "quotes.csv");
    VirtualClock clock(india(9, 15));
    const auto exchange = std::make_shared<Exchange>();
    const RunResult result = trade(scenario, folder / "journal", clock, live_at(clock, exchange), [] {});

    const std::vector<DecodedEvent> events = events_in(folder / "journal");
    const auto started = all_of<SendStarted>(events);
    const auto filled = all_of<OrderFilled>(events);
    REQUIRE(exchange->places > 10);
    CHECK(result.fills == filled.size());
    // Those of the last quote are there once the next session looks.
    CHECK(filled.size() + 2 >= exchange->trades.size());
    CHECK(std::set(exchange->begun.begin(), exchange->begun.end()).size() == exchange->begun.size());
    std::size_t places = 0;
    for (const auto& [envelope, start] : started) {
        if (start.what == Send::place) {
            ++places;
            const std::optional<OrderTag> tag = parse_order_tag(start.order_tag);
            REQUIRE(tag);
            CHECK(tag->log == kLogNumber);
            CHECK(tag->order == start.order);
        }
    }
    CHECK(places == exchange->begun.size());
    // A fill can be walked back to the record that led to its order.
    for (const auto& [envelope, fill] : filled) {
        const Envelope& word = events[envelope.causation].envelope;
        CHECK(std::holds_alternative<BrokerTradeSeen>(events[envelope.causation].event));
        CHECK(std::holds_alternative<SendStarted>(events[word.causation].event));
        CHECK(envelope.correlation == word.correlation);
    }
    CHECK(all_of<Reconciled>(events).size() == 1);
    check_again(folder / "journal");

    // What the broker would have answered to other orders nobody knows; the same orders are forked as they were.
    const Result<std::unique_ptr<Journal>> stored = open_journal(folder / "journal");
    REQUIRE(stored);
    ForkOptions fork;
    fork.at = events.size() / 2;
    const std::unique_ptr<MemoryLog> same = make_memory_log();
    const Result<Forked> forked = fork_journal(**stored, *same, fork);
    INFO((forked ? "" : forked.error().message));
    REQUIRE(forked);
    CHECK(forked->now.log_head == forked->then.log_head);
    fork.settings = {"strategies.maker.params.quantity=7"};
    const Result<Forked> other = fork_journal(**stored, *make_memory_log(), fork);
    REQUIRE_FALSE(other);
    CHECK(other.error().kind == ErrorKind::usage);
    INFO(other.error().message);
    CHECK(other.error().message.find("broker outside") != std::string::npos);
}

TEST_CASE("the raw bytes behind a broker's words are not kept, or name a person", "[runtime][virtual][outside]") {
    const TempFolder folder;
    write_quotes(folder / "quotes.csv", 10);
    VirtualClock clock(india(9, 15));
    const auto exchange = std::make_shared<Exchange>();
    trade(story(folder / "quotes.csv"), folder / "journal", clock, live_at(clock, exchange), [] {});
    const std::vector<DecodedEvent> events = events_in(folder / "journal");
    const Result<std::unique_ptr<Journal>> stored = open_journal(folder / "journal");
    REQUIRE(stored);
    std::map<Seq, std::string> kept;
    REQUIRE((*stored)->evidence_from(0, [&](Seq seq, std::uint8_t, std::string_view bytes) {
        kept[seq] = bytes;
        return true;
    }));
    const auto check = [&](const Envelope& envelope, const std::string& said, const std::string& raw) {
        REQUIRE(kept.contains(envelope.seq));
        CHECK(kept[envelope.seq] == raw);
        CHECK(said == evidence_of(raw));
        kept.erase(envelope.seq);
    };
    REQUIRE_FALSE(all_of<BrokerTradeSeen>(events).empty());
    for (const auto& [envelope, trade] : all_of<BrokerTradeSeen>(events)) {
        check(envelope, trade.evidence, fmt::format(R"({{"trade_id":"{}"}})", trade.trade));
    }
    for (const auto& [envelope, row] : all_of<BrokerOrderSeen>(events)) {
        const char* const status = row.status == RowStatus::complete ? "COMPLETE" : "OPEN";
        check(envelope, row.evidence,
              fmt::format(R"({{"placed_by":"","order_id":"{}","status":"{}"}})", row.broker_order, status));
    }
    for (const auto& [envelope, ended] : all_of<SendEnded>(events)) {
        check(envelope, ended.evidence, R"({"status":"success","user_id":""})");
        CHECK(ended.http == 200);
    }
    CHECK(kept.empty());
    const Result<Verified> verified = verify_journal(**stored);
    INFO((verified ? "" : verified.error().message));
    CHECK(verified.has_value());
}

TEST_CASE("an order is sent before the log has it on disk", "[runtime][virtual][outside]") {
    const TempFolder folder;
    write_quotes(folder / "quotes.csv", 10);
    const Scenario scenario = story(folder / "quotes.csv");
    VirtualClock clock(india(9, 15));
    const auto exchange = std::make_shared<Exchange>();
    CommitWatch log;
    RunOptions options = live_at(clock, exchange);
    std::vector<std::pair<std::string, Seq>> begun;  // with what was durable then
    exchange->takes = [&](int) {
        begun.emplace_back(exchange->begun.back(), log.committed.load());
        return true;
    };
    {
        const TakesPart session(clock);
        REQUIRE(run_scenario(scenario, log, options));
    }
    CHECK(begun.size() > 3);
    std::map<std::string, Seq> started;
    for (const auto& [envelope, start] : all_of<SendStarted>(events_of(*log.memory))) {
        started[start.order_tag] = envelope.seq;
    }
    for (const auto& [tag, committed] : begun) {
        CHECK(started.at(tag) < committed);
    }
}

TEST_CASE("an order that nobody answered is taken for rejected, or sent again", "[runtime][virtual][outside]") {
    const TempFolder folder;
    write_quotes(folder / "quotes.csv", 12);
    const Scenario scenario = story(folder / "quotes.csv");
    VirtualClock clock(india(9, 15));
    const auto exchange = std::make_shared<Exchange>();
    exchange->answers = [](int nth) { return nth != 0; };  // it is there, and the answer is lost
    trade(scenario, folder / "journal", clock, live_at(clock, exchange), [] {});
    const std::vector<DecodedEvent> events = events_in(folder / "journal");
    const auto unknown = all_of<OutcomeUnknown>(events);
    const auto accepted = all_of<OrderAccepted>(events);
    const std::string first = exchange->begun.front();
    CHECK(std::ranges::count(exchange->begun, first) == 1);
    // The book was read before seven seconds were over, or after: it is adopted either way.
    CHECK(unknown.size() <= 1);
    const auto its =
        std::ranges::find(accepted, parse_order_tag(first)->order, [](const auto& each) { return each.second.order; });
    REQUIRE(its != accepted.end());
    CHECK(its->second.broker_order == "B1");
    CHECK(all_of<OrderRejected>(events).empty());
    check_again(folder / "journal");
}

TEST_CASE("an order of which nobody knows ends with the session", "[runtime][virtual][outside]") {
    const TempFolder folder;
    write_quotes(folder / "quotes.csv", 12);
    const Scenario scenario = story(folder / "quotes.csv");
    VirtualClock clock(india(9, 15));
    const auto exchange = std::make_shared<Exchange>();
    exchange->answers = [](int) { return false; };
    exchange->takes = [](int) { return false; };
    const RunResult result = trade(scenario, folder / "journal", clock, live_at(clock, exchange), [] {});
    const std::vector<DecodedEvent> events = events_in(folder / "journal");
    const std::size_t unknown = all_of<OutcomeUnknown>(events).size();
    CHECK(unknown > 0);
    CHECK(all_of<OutcomeStale>(events).size() == unknown);  // two minutes, and a person is asked
    CHECK(result.open_orders == unknown);                   // nothing was guessed
    check_again(folder / "journal");
}

TEST_CASE("a broker that is silent, or a kill at it, is felt at another beside it", "[runtime][virtual][outside]") {
    const TempFolder folder;
    write_quotes(folder / "quotes.csv", 30);
    Scenario scenario = story(folder / "quotes.csv");
    scenario.config.brokers.push_back({"second", "zerodha", {{"protection", "1%"}}});
    scenario.config.portfolios.push_back({"second", scenario.config.portfolios.front().cash});
    StrategyConfig strategy = scenario.config.strategies.front();
    strategy.name = "second";
    strategy.portfolio = PortfolioId{1};
    strategy.broker = BrokerId{1};
    scenario.config.strategies.push_back(strategy);
    // What the second broker was asked for, and what came of it.
    const auto orders_beside = [&](const char* name, bool is_trouble) {
        VirtualClock clock(india(9, 15));
        const auto first = std::make_shared<Exchange>();
        const auto second = std::make_shared<Exchange>();
        first->answers = [&](int) { return !is_trouble; };
        first->takes = first->answers;
        Inbox inbox(clock);
        RunOptions options = live_at(clock, first);
        options.outside.push_back(broker_at("second", clock, second));
        options.inbox = &inbox;
        int places_at_kill = 0;
        trade(scenario, folder / name, clock, options, [&] {
            test::sleep(clock, india(9, 30, 30));
            if (is_trouble) {
                const std::string killed = scenario.config.portfolios.front().name;
                inbox.post({[killed](const State& state) {
                                return inputs_of(OperatorRequest{OperatorRequest::Kind::kill, LatchScope::all, killed},
                                                 state);
                            },
                            {},
                            killed});
            }
            const std::lock_guard lock(first->mutex);
            places_at_kill = first->places;
        });
        CHECK((first->places == places_at_kill) == is_trouble);
        CHECK(first->places > 0);
        check_again(folder / name);
        std::vector<std::string> orders;
        for (const BrokerOrderSeen& row : second->rows) {
            orders.push_back(fmt::format("{} {} at {}, {}, {}", row.side == Side::buy ? "buy" : "sell",
                                         to_string(row.quantity), to_string(row.price), name_of(row.status),
                                         to_iso(row.placed_at)));
        }
        return orders;
    };
    const std::vector<std::string> calm = orders_beside("calm", false);
    CHECK(calm.size() > 10);
    CHECK(orders_beside("trouble", true) == calm);
}

TEST_CASE("a kill does not stop what was decided and not begun", "[runtime][virtual][outside]") {
    const TempFolder folder;
    write_quotes(folder / "quotes.csv", 30);
    const Scenario scenario = story(folder / "quotes.csv");
    VirtualClock clock(india(9, 15));
    const auto exchange = std::make_shared<Exchange>();
    exchange->fills = false;
    Inbox inbox(clock);
    RunOptions options = live_at(clock, exchange);
    options.inbox = &inbox;
    int places_at_kill = 0;
    trade(scenario, folder / "journal", clock, options, [&] {
        test::sleep(clock, india(9, 25, 30));
        inbox.post({[](const State& state) {
                        return inputs_of(OperatorRequest{OperatorRequest::Kind::kill, LatchScope::all, ""}, state);
                    },
                    {},
                    std::string()});
        const std::lock_guard lock(exchange->mutex);
        places_at_kill = exchange->places;
    });
    REQUIRE(places_at_kill > 0);
    CHECK(exchange->places == places_at_kill);
    for (const BrokerOrderSeen& row : exchange->rows) {
        CHECK(row.status == RowStatus::cancelled);  // nothing is left open
    }
    const std::vector<DecodedEvent> events = events_in(folder / "journal");
    CHECK(all_of<KillSwitchLatched>(events).size() == 1);
    check_again(folder / "journal");
}

TEST_CASE("a session that is restarted sends what was decided before", "[runtime][virtual][outside]") {
    const TempFolder folder;
    write_quotes(folder / "quotes.csv", 40);
    const Scenario scenario = story(folder / "quotes.csv");
    const auto exchange = std::make_shared<Exchange>();
    exchange->fills = false;
    exchange->answers = [](int nth) { return nth % 3 != 2; };
    std::atomic<bool> stop{false};
    {
        VirtualClock clock(india(9, 15));
        Inbox inbox(clock);
        RunOptions options = live_at(clock, exchange);
        options.inbox = &inbox;
        options.stop = &stop;
        trade(scenario, folder / "journal", clock, options, [&] {
            test::sleep(clock, india(9, 20, 1));
            stop = true;
            inbox.ask_status({{}, [](const Reply::Outcome&) {}});
        });
    }
    const int places_before = exchange->places;
    REQUIRE(places_before > 1);
    stop = false;
    {
        VirtualClock clock(india(9, 21));  // as its next record, so that recorded time is that of the clock
        trade(scenario, folder / "journal", clock, live_at(clock, exchange), [] {});
    }
    const std::vector<DecodedEvent> events = events_in(folder / "journal");
    const auto sessions = all_of<BrokerSessionChanged>(events);
    const auto restarted =
        std::ranges::find(sessions, SessionChange::restarted, [](const auto& each) { return each.second.change; });
    REQUIRE(restarted != sessions.end());
    // Nothing that was intended before the restart is begun after it.
    std::map<OrderId, Seq> intended;
    for (const auto& [envelope, order] : all_of<OrderIntended>(events)) {
        intended[order.order] = envelope.seq;
    }
    std::size_t after = 0;
    for (const auto& [envelope, start] : all_of<SendStarted>(events)) {
        if (start.what == Send::place && envelope.seq > restarted->first.seq) {
            CHECK(intended.at(start.order) > restarted->first.seq);
            ++after;
        }
    }
    CHECK(after > 0);
    CHECK(std::set(exchange->begun.begin(), exchange->begun.end()).size() == exchange->begun.size());
    CHECK(all_of<BrokerRulesSet>(events).size() == 1);
    check_again(folder / "journal");
}
