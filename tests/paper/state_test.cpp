#include "events/limits.hpp"
#include "tests/paper/desk.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <variant>

namespace alpha::test {
namespace {

// ---- a long script of market inputs and wishes, the same on every machine ----

/// xorshift64*: good enough to wander, and ours.
class Dice {
public:
    explicit Dice(std::uint64_t seed) : state_(seed) {}
    /// 0..sides-1.
    std::int64_t roll(std::int64_t sides) {
        state_ ^= state_ >> 12U;
        state_ ^= state_ << 25U;
        state_ ^= state_ >> 27U;
        return static_cast<std::int64_t>((state_ * 2'685'821'657'736'338'717U >> 33U) %
                                         static_cast<std::uint64_t>(sides));
    }

private:
    std::uint64_t state_;
};

using Input = std::variant<QuoteTick, BarOpened, BarClosed, SessionClosed, Effect>;

struct Step {
    Time now;
    Input input;
};

constexpr std::uint32_t kInstruments = 3;

/// Instrument 0 has quotes, 1 has bars, 2 has both. Markets wander in 97..103 and orders are made
/// at 92..108, in steps of a half: much is marketable, much is touched later, some rests for good.
class ScriptWriter {
public:
    explicit ScriptWriter(std::uint64_t seed) : dice_(seed) {}

    std::vector<Step> write(std::size_t steps) {
        std::vector<Step> script;
        while (script.size() < steps) {
            now_ = now_ + Duration{dice_.roll(3) * kSecondNs / 2};
            Step& step = script.emplace_back();
            step.now = now_;
            if (dice_.roll(100) < 55) {
                step.input = market_input();
            } else {
                step.input = wish();
            }
        }
        return script;
    }

private:
    Price price() { return Price{(194 + dice_.roll(13)) * (kScale / 2)}; }
    Price wished_price() { return Price{(184 + dice_.roll(33)) * (kScale / 2)}; }
    Qty quantity() { return qty_of(1 + dice_.roll(50)); }

    Input market_input() {
        const InstrumentId instrument{static_cast<std::uint32_t>(dice_.roll(kInstruments))};
        if (dice_.roll(40) == 0) {
            return SessionClosed{instrument, Date{static_cast<std::int32_t>(dice_.roll(4))}};
        }
        if (instrument.value == 0 || (instrument.value == 2 && dice_.roll(2) == 0)) {
            const Price bid = price();
            const Price ask{bid.raw + dice_.roll(4) * (kScale / 2)};
            const bool no_bid = dice_.roll(15) == 0;
            const bool no_ask = dice_.roll(15) == 0;
            return QuoteTick{instrument, no_bid ? Price{} : bid, no_ask ? Price{} : ask, no_bid ? Qty{} : quantity(),
                             no_ask ? Qty{} : quantity()};
        }
        if (dice_.roll(2) == 0) {
            return BarOpened{instrument, price()};
        }
        const std::array<Price, 4> p{price(), price(), price(), price()};
        return BarClosed{
            instrument, p[0],      *std::max_element(p.begin(), p.end()), *std::min_element(p.begin(), p.end()),
            p[3],       quantity()};
    }

    Effect wish() {
        const std::int64_t kind = placed_.empty() ? 0 : dice_.roll(10);
        if (kind < 6) {
            OrderTerms terms;
            terms.instrument = InstrumentId{static_cast<std::uint32_t>(dice_.roll(kInstruments))};
            terms.side = dice_.roll(2) == 0 ? Side::buy : Side::sell;
            terms.type = static_cast<OrderType>(1 + dice_.roll(4));
            terms.tif = static_cast<TimeInForce>(1 + dice_.roll(3));
            terms.quantity = quantity();
            set_prices(terms.type, terms.limit_price, terms.stop_price);
            placed_.push_back(terms);
            return PlaceOrder{OrderId{placed_.size()}, terms, Date{static_cast<std::int32_t>(dice_.roll(6))}};
        }
        // Among the latest few, so that many are still open.
        const auto back = std::min(static_cast<std::int64_t>(placed_.size()), 1 + dice_.roll(12));
        const std::size_t order = placed_.size() - static_cast<std::size_t>(back) + 1;
        if (kind < 8) {
            return CancelOrder{OrderId{order}};
        }
        OrderTerms& terms = placed_[order - 1];
        if (dice_.roll(2) == 0) {
            set_prices(terms.type, terms.limit_price, terms.stop_price);
        }
        return ModifyOrder{OrderId{order}, quantity(), terms.limit_price, terms.stop_price};
    }

    void set_prices(OrderType type, Price& limit_price, Price& stop_price) {
        if (type == OrderType::limit || type == OrderType::stop_limit) {
            limit_price = wished_price();
        }
        if (type == OrderType::stop || type == OrderType::stop_limit) {
            stop_price = wished_price();
        }
    }

    Dice dice_;
    Time now_{1'700'000'000 * kSecondNs};
    std::vector<OrderTerms> placed_;
};

void play(Broker& broker, const Step& step, Reports& out) {
    struct Player {
        Broker& broker;
        Time now;
        Reports& out;
        void operator()(const QuoteTick& quote) const { broker.on_quote(now, quote, out); }
        void operator()(const BarOpened& bar) const { broker.on_bar_opened(now, bar, out); }
        void operator()(const BarClosed& bar) const { broker.on_bar_closed(now, bar, out); }
        void operator()(const SessionClosed& session) const { broker.on_session_closed(now, session, out); }
        void operator()(const Effect& effect) const { broker.perform(now, effect, out); }
    };
    std::visit(Player{broker, step.now, out}, step.input);
}

std::vector<std::uint8_t> bytes_of(const Broker& broker) {
    ByteBuffer out;
    broker.save(out);
    return {out.data(), out.data() + out.size()};
}

std::vector<PaperSettings> every_kind_of_settings() {
    std::vector<PaperSettings> all;
    for (const FillModel fill : {FillModel::touch, FillModel::next_open}) {
        for (const bool use_size : {false, true}) {
            for (const std::int64_t latency_ns : {std::int64_t{0}, 3 * kSecondNs}) {
                all.push_back({fill, px("0.25"), Duration{latency_ns}, use_size});
            }
        }
    }
    return all;
}

// ---- what holds whatever happens ----

/// What is known of an order from the outside, by its wishes and reports alone.
struct Followed {
    OrderTerms terms;
    Qty filled;
    bool accepted = false;
    bool triggered = false;
    bool ended = false;
};

TEST_CASE("no order fills past its quantity or limit, speaks after its end, or takes size twice", "[paper]") {
    for (const PaperSettings& settings : every_kind_of_settings()) {
        const auto broker = make_paper_broker(settings);
        std::map<OrderId, Followed> orders;
        std::map<ReportKind, int> seen;
        std::map<InstrumentId, std::array<Qty, 2>> displayed;
        std::uint64_t trades = 0;
        for (const Step& step : ScriptWriter(7).write(20'000)) {
            if (const auto* effect = std::get_if<Effect>(&step.input)) {
                if (const auto* place = std::get_if<PlaceOrder>(effect)) {
                    orders[place->order].terms = place->terms;
                }
            }
            const bool is_bar =
                std::holds_alternative<BarOpened>(step.input) || std::holds_alternative<BarClosed>(step.input);
            if (const auto* quote = std::get_if<QuoteTick>(&step.input)) {
                displayed[quote->instrument] = {quote->ask_qty, quote->bid_qty};
            }
            Reports reports;
            play(*broker, step, reports);
            for (const BrokerReport& report : reports) {
                ++seen[report.kind];
                Followed& order = orders.at(report.order);
                const bool is_refusal =
                    report.kind == ReportKind::cancel_rejected || report.kind == ReportKind::modify_rejected;
                REQUIRE((is_refusal || !order.ended));
                REQUIRE((is_refusal || order.accepted || report.kind == ReportKind::accepted ||
                         report.kind == ReportKind::expired));
                switch (report.kind) {
                case ReportKind::accepted:
                    REQUIRE_FALSE(order.accepted);
                    order.accepted = true;
                    break;
                case ReportKind::triggered:
                    REQUIRE_FALSE(order.triggered);
                    REQUIRE(order.terms.stop_price > Price{});
                    order.triggered = true;
                    break;
                case ReportKind::filled: {
                    const bool is_buy = order.terms.side == Side::buy;
                    order.filled += report.quantity;
                    order.ended = order.filled == order.terms.quantity;
                    REQUIRE(report.quantity > Qty{});
                    REQUIRE(order.filled <= order.terms.quantity);
                    REQUIRE(report.price > Price{});
                    REQUIRE(report.trade == std::to_string(++trades));
                    if (order.terms.stop_price > Price{}) {
                        REQUIRE(order.triggered);
                    }
                    if (order.terms.limit_price > Price{}) {
                        REQUIRE((is_buy ? report.price <= order.terms.limit_price
                                        : report.price >= order.terms.limit_price));
                    }
                    if (settings.use_size && order.terms.instrument.value == 0 && !is_bar) {
                        Qty& left = displayed[order.terms.instrument][is_buy ? 0 : 1];
                        left -= report.quantity;
                        REQUIRE(left >= Qty{});
                    }
                    break;
                }
                case ReportKind::modified:
                    REQUIRE(report.quantity > order.filled);
                    order.terms.quantity = report.quantity;
                    order.terms.limit_price = report.limit_price;
                    order.terms.stop_price = report.stop_price;
                    break;
                case ReportKind::cancelled:
                case ReportKind::expired: order.ended = true; break;
                case ReportKind::cancel_rejected:
                case ReportKind::modify_rejected: break;
                case ReportKind::rejected: FAIL("a paper order was rejected"); break;
                }
            }
        }
        // A script that stops reaching a kind of report would let everything above pass for
        // nothing.
        for (const ReportKind kind :
             {ReportKind::accepted, ReportKind::triggered, ReportKind::filled, ReportKind::cancelled,
              ReportKind::expired, ReportKind::modified, ReportKind::cancel_rejected, ReportKind::modify_rejected}) {
            INFO("report kind " << static_cast<int>(kind));
            CHECK(seen[kind] > 50);
        }
    }
}

// ---- save and load ----

TEST_CASE("a broker loaded at any point goes on exactly like the one that was saved", "[paper]") {
    constexpr std::size_t kAhead = 60;
    for (const PaperSettings& settings : every_kind_of_settings()) {
        const std::vector<Step> script = ScriptWriter(11).write(1'500);
        const auto broker = make_paper_broker(settings);
        std::vector<std::vector<std::uint8_t>> states{bytes_of(*broker)};
        std::vector<Reports> reports;
        for (const Step& step : script) {
            play(*broker, step, reports.emplace_back());
            states.push_back(bytes_of(*broker));
        }
        for (std::size_t at = 0; at <= script.size(); ++at) {
            const auto twin = make_paper_broker(settings);
            const Result<void> loaded = twin->load(states[at]);
            INFO("at step " << at << ": " << (loaded ? "" : loaded.error().message));
            REQUIRE(loaded.has_value());
            REQUIRE(bytes_of(*twin) == states[at]);
            const std::size_t end = std::min(script.size(), at + kAhead);
            for (std::size_t i = at; i < end; ++i) {
                Reports answer;
                play(*twin, script[i], answer);
                REQUIRE(answer == reports[i]);
            }
            REQUIRE(bytes_of(*twin) == states[end]);
        }
    }
}

TEST_CASE("damaged bytes neither crash the broker nor come back as other bytes", "[paper]") {
    Dice dice(23);
    constexpr std::size_t kSavedAt = 200;
    for (const PaperSettings& settings : every_kind_of_settings()) {
        const std::vector<Step> script = ScriptWriter(5).write(2 * kSavedAt);
        const auto broker = make_paper_broker(settings);
        Reports ignored;
        for (std::size_t i = 0; i < kSavedAt; ++i) {
            play(*broker, script[i], ignored);
        }
        const std::vector<std::uint8_t> good = bytes_of(*broker);
        REQUIRE(good.size() > 300);

        for (std::size_t size = 0; size < good.size(); ++size) {
            REQUIRE_FALSE(make_paper_broker(settings)->load(Bytes(good.data(), size)).has_value());
        }
        std::vector<std::uint8_t> longer = good;
        longer.push_back(0);
        REQUIRE_FALSE(make_paper_broker(settings)->load(longer).has_value());

        int refused = 0;
        for (int mutation = 0; mutation < 2'000; ++mutation) {
            std::vector<std::uint8_t> bad = good;
            for (std::int64_t edits = 1 + dice.roll(3); edits > 0; --edits) {
                const auto at = static_cast<std::size_t>(dice.roll(static_cast<std::int64_t>(bad.size())));
                const auto where = bad.begin() + static_cast<std::ptrdiff_t>(at);
                switch (dice.roll(5)) {
                case 0: bad[at] = static_cast<std::uint8_t>(dice.roll(256)); break;
                case 1:
                    bad[at] = static_cast<std::uint8_t>(bad[at] ^ (1U << static_cast<unsigned>(dice.roll(8))));
                    break;
                case 2: bad[at] = dice.roll(2) == 0 ? 0 : 255; break;
                case 3: bad.erase(where); break;
                default: bad.insert(where, static_cast<std::uint8_t>(dice.roll(4))); break;
                }
            }
            const auto victim = make_paper_broker(settings);
            if (!victim->load(bad)) {
                ++refused;
                // A refused load leaves nothing behind.
                REQUIRE(bytes_of(*victim) == bytes_of(*make_paper_broker(settings)));
                continue;
            }
            REQUIRE(bytes_of(*victim) == bad);
            // What was believed must be something the broker can live with.
            for (std::size_t i = kSavedAt; i < script.size(); ++i) {
                if (!std::holds_alternative<Effect>(script[i].input)) {
                    play(*victim, script[i], ignored);
                }
            }
            ignored.clear();
        }
        CHECK(refused > 500);
        CHECK(refused < 2'000);
    }
}

TEST_CASE("a broker that refuses bytes keeps the state it had", "[paper]") {
    Desk desk;
    desk.quote("99", "101");
    desk.place(buy(1).limit("100"));
    const std::vector<std::uint8_t> before = bytes_of(desk.broker());
    const Result<void> loaded = desk.broker().load(Bytes(before.data(), before.size() - 1));
    REQUIRE_FALSE(loaded.has_value());
    CHECK(loaded.error().kind == ErrorKind::data);
    CHECK(loaded.error().message == "the saved state of the paper broker is cut short");
    CHECK(bytes_of(desk.broker()) == before);
    CHECK(desk.quote("99", "100") == Said{"1 filled 1 at 100 #1"});
}

TEST_CASE("bytes of another broker's settings are not believed", "[paper]") {
    PaperSettings next_open;
    next_open.fill = FillModel::next_open;
    PaperSettings late;
    late.latency = Duration{kSecondNs};

    Desk asleep(next_open);
    asleep.place(buy(1));
    CHECK_FALSE(make_paper_broker({})->load(bytes_of(asleep.broker())).has_value());
    Desk waiting;
    waiting.place(buy(1));
    CHECK_FALSE(make_paper_broker(next_open)->load(bytes_of(waiting.broker())).has_value());
    Desk travelling(late);
    travelling.place(buy(1));
    CHECK_FALSE(make_paper_broker({})->load(bytes_of(travelling.broker())).has_value());
}

/// Version 1 as it was first written. ON DISK, DO NOT CHANGE: snapshots hold these bytes.
TEST_CASE("the bytes of a snapshot do not change behind its back", "[paper]") {
    PaperSettings settings;
    settings.latency = Duration{kSecondNs};
    Desk desk(settings);
    desk.quote("1", "2", 3, 4, 1);
    desk.place(sell(5).stop("1").limit("6").day(7).of(1));
    desk.wait(1).quote("2", "3", 3, 4, 1);
    desk.cancel(1);
    desk.place(buy(8).of(1));
    desk.modify(2, 9);
    const std::vector<std::uint8_t> saved = bytes_of(desk.broker());
    std::string hex;
    for (const std::uint8_t byte : saved) {
        constexpr const char* kDigits = "0123456789abcdef";
        hex += kDigits[byte >> 4U];
        hex += kDigits[byte & 15U];
    }
    CHECK(hex ==
          // clang-format off
          "01" "0000000000000000" "01000000"                                      // version, executions, books
          "01000000" "01"                                                         // instrument, has a quote
          "00c2eb0b00000000" "00a3e11100000000" "00a3e11100000000" "0084d71700000000" "0000000000000000"
          "01000000"                                                              // open orders
          "0100000000000000" "020401" "0065cd1d00000000" "0046c32300000000" "00e1f50500000000" "07000000"
          "0000000000000000" "00" "00"                                            // filled, triggered, awaits open
          "03000000"                                                              // wishes on their way
          "00945fadfe9c9717" "02" "0100000000000000"                              // cancel
          "00945fadfe9c9717" "01" "0200000000000000"                              // place
          "010102" "0008af2f00000000" "0000000000000000" "0000000000000000" "00000000"
          "00945fadfe9c9717" "03" "0200000000000000"                              // modify
          "00e9a43500000000" "0000000000000000" "0000000000000000");
    // clang-format on
    const auto loaded = make_paper_broker(settings);
    REQUIRE(loaded->load(saved).has_value());
    CHECK(bytes_of(*loaded) == saved);
}

}  // namespace
}  // namespace alpha::test
