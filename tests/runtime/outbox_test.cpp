#include "adapters/outside/outside_venue.hpp"
#include "events/codec.hpp"
#include "runtime/outbox.hpp"
#include "runtime/sends.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

using namespace alpha;

namespace {

OutsideMessage message(Seq seq, Send what = Send::place, Time decided = Time{0}) {
    OutsideMessage made;
    made.started.order = OrderId{seq};
    made.started.what = what;
    made.seq = seq;
    made.decided = decided;
    made.age_most = Duration{2 * kSecondNs};
    return made;
}
std::vector<Seq> taken(Outbox& outbox) {
    std::vector<Seq> all;
    while (const auto next = outbox.take()) {
        all.push_back(next->seq);
    }
    return all;
}

}  // namespace

TEST_CASE("a message leaves before it is durable", "[outbox]") {
    int woken = 0;
    Outbox outbox([&woken] { ++woken; });
    outbox.push(message(10));
    outbox.push(message(12));
    CHECK_FALSE(outbox.take());
    outbox.set_durable(10);  // what stands before it is
    CHECK_FALSE(outbox.take());
    CHECK(woken == 0);
    outbox.set_durable(11);
    CHECK(woken == 1);
    CHECK(taken(outbox) == std::vector<Seq>{10});
    outbox.set_durable(5);  // an older word changes nothing
    outbox.push(message(13));
    CHECK_FALSE(outbox.take());
    outbox.set_durable(20);
    CHECK(taken(outbox) == std::vector<Seq>{12, 13});
    outbox.push(message(15));  // durable when it comes
    CHECK(woken == 3);
    CHECK(outbox.size() == 1);
    CHECK(taken(outbox) == std::vector<Seq>{15});
}

TEST_CASE("a cancel waits behind orders", "[outbox]") {
    Outbox outbox;
    outbox.push(message(1));
    outbox.push(message(2));
    outbox.push(message(3, Send::cancel));
    outbox.push(message(4, Send::modify));
    outbox.push(message(5, Send::cancel));
    outbox.set_durable(5);
    CHECK(taken(outbox) == std::vector<Seq>{3, 1, 2, 4});
    outbox.set_durable(6);
    CHECK(taken(outbox) == std::vector<Seq>{5});
}

TEST_CASE("an order begins under a kill, or one of before it after its release", "[outbox]") {
    Outbox outbox;
    const Time now{kSecondNs};
    CHECK(outbox.turn_of(message(5), now) == Turn::begin);
    outbox.hold_places(true);
    CHECK(outbox.turn_of(message(5), now) == Turn::withhold_killed);
    CHECK(outbox.turn_of(message(6, Send::cancel), now) == Turn::begin);
    CHECK(outbox.turn_of(message(6, Send::modify), now) == Turn::begin);
    outbox.release(9);
    CHECK(outbox.turn_of(message(5), now) == Turn::withhold_killed);
    CHECK(outbox.turn_of(message(9), now) == Turn::begin);
    CHECK(outbox.turn_of(message(10), now) == Turn::begin);
}

TEST_CASE("an order begins that was to be cancelled while it waited", "[outbox]") {
    Outbox outbox;
    for (const Seq seq : {Seq{1}, Seq{2}, Seq{3}}) {
        outbox.push(message(seq));
    }
    outbox.set_durable(9);
    CHECK(outbox.turn_of(*outbox.take(), Time{0}) == Turn::begin);
    outbox.withdraw(OrderId{1});  // it has begun
    outbox.withdraw(OrderId{3});
    outbox.withdraw(OrderId{7});  // was never there
    CHECK(outbox.turn_of(*outbox.take(), Time{0}) == Turn::begin);
    CHECK(outbox.turn_of(*outbox.take(), Time{0}) == Turn::withhold_cancelled);
    outbox.push(message(7));
    CHECK(outbox.turn_of(*outbox.take(), Time{0}) == Turn::begin);
}

TEST_CASE("an order is begun on a market that is gone", "[outbox]") {
    const Outbox outbox;
    CHECK(outbox.turn_of(message(1, Send::place, Time{kSecondNs}), Time{3 * kSecondNs}) == Turn::begin);
    CHECK(outbox.turn_of(message(1, Send::place, Time{kSecondNs}), Time{3 * kSecondNs + 1}) == Turn::withhold_old);
    CHECK(outbox.turn_of(message(1, Send::cancel, Time{kSecondNs}), Time{9 * kSecondNs}) == Turn::begin);
    OutsideMessage ageless = message(1);
    ageless.age_most = Duration{};
    CHECK(outbox.turn_of(ageless, Time{900 * kSecondNs}) == Turn::begin);
}

TEST_CASE("what falls due at a moment without an input is done because a broker's messages were looked at",
          "[outbox]") {
    const std::unique_ptr<Venue> venue = *make_outside_venue({});
    Frame frame;
    frame.begin(0);
    Kernel::Components parts;
    parts.venues = {venue.get()};
    Kernel kernel(std::move(parts), frame);
    RunConfigured config;
    config.currency = "INR";
    Instrument instrument;
    instrument.name = "NSE:A";
    instrument.tick = Price{kScale / 20};
    config.instruments = {instrument};
    config.portfolios = {{"main", money_of(1'000)}};
    config.brokers = {{"zerodha", "zerodha", {{"protection", "1%"}}}};
    config.snapshot_interval = Duration{60 * kSecondNs};
    const Time begin{20'000 * kDayNs};
    kernel.configure(config, begin);
    kernel.take(begin, BrokerRulesSet{BrokerId{0}, 7, OutsideRules{}});
    kernel.take(begin, QuoteTick{InstrumentId{0}, price_of(10), price_of(11), qty_of(1), qty_of(1)});
    Outbox outbox;
    Sends sends(kernel.state(), BrokerId{0}, outbox);
    const Time due = kernel.next_due();
    REQUIRE(due != kNever);
    const Seq before = kernel.state().next_seq;
    kernel.take(begin, BrokerSessionChanged{BrokerId{0}, SessionChange::up});  // there may be something to send
    const Seq said = kernel.state().next_seq;
    CHECK(said > before);
    CHECK(sends.start(kernel, due) == 0);
    CHECK(kernel.state().next_seq == said);
    CHECK(sends.next_due() > due);
    CHECK(sends.start(kernel, due + Duration{1}) == 0);
    CHECK(kernel.state().next_seq > said);  // the moment is past
}

TEST_CASE("three threads lose a message, double one, or take one before it is durable", "[outbox]") {
    constexpr Seq kMessages = 20'000;
    std::atomic<Seq> durable{0};
    Outbox outbox;
    std::thread log([&] {
        for (Seq seq = 1; seq <= kMessages; seq += 3) {
            durable.store(seq);
            outbox.set_durable(seq);
        }
        durable.store(kMessages + 1);
        outbox.set_durable(kMessages + 1);
    });
    std::vector<bool> seen(kMessages, false);
    std::size_t count = 0;
    bool is_early = false;
    std::thread broker([&] {
        while (count < kMessages) {
            if (const auto next = outbox.take()) {
                is_early = is_early || next->seq >= durable.load() || seen[next->seq];
                seen[next->seq] = true;
                ++count;
            } else {
                std::this_thread::yield();
            }
        }
    });
    for (Seq seq = 0; seq < kMessages; ++seq) {
        outbox.push(message(seq, seq % 5 == 0 ? Send::cancel : Send::place));
    }
    log.join();
    broker.join();
    CHECK(count == kMessages);
    CHECK_FALSE(is_early);
    CHECK(outbox.size() == 0);
}
