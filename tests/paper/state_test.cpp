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

// ---- a long script of market inputs and requests, the same on every machine ----

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

using Input = std::variant<QuoteTick, BarOpened, BarClosed, TradingSessionOpened, TradingSessionClosed, Effect>;

struct Step {
    Time now;
    Input input;
};

constexpr std::uint32_t kInstruments = 3;

constexpr Duration kShortest{kSecondNs};

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
                step.input = request();
            }
        }
        return script;
    }

private:
    Price price() { return Price{(194 + dice_.roll(13)) * (kScale / 2)}; }
    Price requested_price() { return Price{(184 + dice_.roll(33)) * (kScale / 2)}; }
    Qty quantity() { return qty_of(1 + dice_.roll(50)); }

    Input market_input() {
        const InstrumentId instrument{static_cast<std::uint32_t>(dice_.roll(kInstruments))};
        if (dice_.roll(40) == 0) {
            return TradingSessionOpened{instrument, Date{static_cast<std::int32_t>(1 + dice_.roll(4))}};
        }
        if (dice_.roll(40) == 0) {
            return TradingSessionClosed{instrument, Date{static_cast<std::int32_t>(dice_.roll(4))}};
        }
        if (instrument.value == 0 || (instrument.value == 2 && dice_.roll(2) == 0)) {
            const Price bid = price();
            const Price ask{bid.raw + dice_.roll(4) * (kScale / 2)};
            const bool no_bid = dice_.roll(15) == 0;
            const bool no_ask = dice_.roll(15) == 0;
            return QuoteTick{instrument, no_bid ? Price{} : bid, no_ask ? Price{} : ask, no_bid ? Qty{} : quantity(),
                             no_ask ? Qty{} : quantity()};
        }
        const Duration interval{kShortest.ns * (1 + dice_.roll(2))};
        if (dice_.roll(2) == 0) {
            return BarOpened{instrument, price(), now_, interval};
        }
        const std::array<Price, 4> p{price(), price(), price(), price()};
        return BarClosed{instrument,
                         p[0],
                         *std::max_element(p.begin(), p.end()),
                         *std::min_element(p.begin(), p.end()),
                         p[3],
                         Qty{quantity().raw * 2},
                         Time{now_.ns - dice_.roll(4) * kSecondNs / 2},
                         interval};
    }

    OrderTerms terms() {
        OrderTerms made;
        made.instrument = InstrumentId{static_cast<std::uint32_t>(dice_.roll(kInstruments))};
        made.side = dice_.roll(2) == 0 ? Side::buy : Side::sell;
        made.type = static_cast<OrderType>(1 + dice_.roll(4));
        made.tif = static_cast<TimeInForce>(1 + dice_.roll(3));
        made.quantity = quantity();
        made.reduce_only = dice_.roll(5) == 0;
        set_prices(made.type, made.limit_price, made.stop_price);
        return made;
    }
    PlaceOrder placed(const OrderTerms& terms) {
        placed_.push_back(terms);
        return {OrderId{placed_.size()}, terms, Date{static_cast<std::int32_t>(dice_.roll(6))},
                PortfolioId{static_cast<std::uint32_t>(dice_.roll(2))}};
    }
    /// An entry with exits of a group, or legs of one.
    PlaceLinked linked() {
        PlaceLinked made;
        OrderTerms first = terms();
        const bool is_bracket = dice_.roll(2) == 0;
        const auto legs = static_cast<std::uint8_t>(2 + dice_.roll(2));
        const OrderId id{placed_.size() + 1};
        if (is_bracket) {
            made.orders.push_back(placed(first));
        }
        const OrderId group{placed_.size() + 1};
        for (int leg = 0; leg < legs; ++leg) {
            OrderTerms next = terms();
            next.instrument = first.instrument;
            next.group = group;
            next.legs = legs;
            if (is_bracket) {
                next.side = opposite(first.side);
                next.parent = id;
                next.reduce_only = true;
                next.quantity = first.quantity;
            }
            made.orders.push_back(placed(next));
            made.orders.back().portfolio = made.orders.front().portfolio;
        }
        return made;
    }

    Effect request() {
        const std::int64_t kind = placed_.empty() ? 0 : dice_.roll(10);
        if (kind < 2) {
            return linked();
        }
        if (kind < 6) {
            return placed(terms());
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
        const Qty known = std::exchange(terms.quantity, quantity());
        return ModifyOrder{OrderId{order}, terms.quantity, terms.limit_price, terms.stop_price, false, known};
    }

    void set_prices(OrderType type, Price& limit_price, Price& stop_price) {
        if (type == OrderType::limit || type == OrderType::stop_limit) {
            limit_price = requested_price();
        }
        if (type == OrderType::stop || type == OrderType::stop_limit) {
            stop_price = requested_price();
        }
    }

    Dice dice_;
    Time now_{1'700'000'000 * kSecondNs};
    std::vector<OrderTerms> placed_;
};

void play(Venue& broker, const Step& step, Reports& out) {
    struct Player {
        Venue& broker;
        Time now;
        Reports& out;
        void operator()(const QuoteTick& quote) const { broker.on_quote(now, quote, out); }
        void operator()(const BarOpened& bar) const { broker.on_bar_opened(now, bar, bar.interval == kShortest, out); }
        void operator()(const BarClosed& bar) const { broker.on_bar_closed(now, bar, out); }
        void operator()(const TradingSessionOpened& session) const { broker.on_session_opened(now, session, out); }
        void operator()(const TradingSessionClosed& session) const { broker.on_session_closed(now, session, out); }
        void operator()(const Effect& effect) const { broker.perform(now, effect, out); }
    };
    std::visit(Player{broker, step.now, out}, step.input);
}

std::vector<std::uint8_t> bytes_of(const Venue& broker) {
    ByteBuffer out;
    broker.save(out);
    return {out.data(), out.data() + out.size()};
}

std::vector<PaperSettings> every_kind_of_settings() {
    std::vector<PaperSettings> all;
    for (const FillModel fill : {FillModel::touch, FillModel::next_open}) {
        for (const bool use_size : {false, true}) {
            for (const std::int64_t latency_ns : {std::int64_t{0}, 3 * kSecondNs}) {
                PaperSettings& settings = all.emplace_back();
                settings.fill = fill;
                settings.use_size = use_size;
                settings.latency = Duration{latency_ns};
                settings.slippage = px("0.25");
                settings.limit_fill = all.size() % 2 == 0 ? LimitFill::through : LimitFill::reached;
                settings.volume_share = money_of(50);
            }
        }
    }
    return all;
}

// ---- what holds whatever happens ----

/// What is known of an order from the outside, by its requests and reports alone.
struct Followed {
    OrderTerms terms;
    PortfolioId portfolio;
    Qty first_quantity;
    bool was_changed = false;
    Qty filled;
    bool accepted = false;
    bool triggered = false;
    bool ended = false;
};

TEST_CASE("no order fills past its quantity, limit or links, speaks after its end, or takes size twice", "[paper]") {
    for (const PaperSettings& settings : every_kind_of_settings()) {
        const auto broker = make_paper_broker(settings);
        std::map<OrderId, Followed> orders;
        std::map<ReportKind, int> seen;
        std::map<InstrumentId, std::array<Qty, 2>> displayed;
        std::map<std::pair<PortfolioId, InstrumentId>, Qty> nets;
        std::uint64_t trades = 0;
        for (const Step& step : ScriptWriter(7).write(20'000)) {
            if (const auto* effect = std::get_if<Effect>(&step.input)) {
                const auto note = [&](const PlaceOrder& place) {
                    orders[place.order].terms = place.terms;
                    orders[place.order].portfolio = place.portfolio;
                    orders[place.order].first_quantity = place.terms.quantity;
                };
                if (const auto* place = std::get_if<PlaceOrder>(effect)) {
                    note(*place);
                } else if (const auto* linked = std::get_if<PlaceLinked>(effect)) {
                    std::ranges::for_each(linked->orders, note);
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
                         report.kind == ReportKind::expired || report.text == "its entry has ended"));
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
                    Qty& net = nets[{order.portfolio, order.terms.instrument}];
                    if (order.terms.reduce_only) {  // never past flat
                        REQUIRE(report.quantity <= (is_buy ? -net : net));
                    }
                    net += signed_qty(order.terms.side, report.quantity);
                    if (order.terms.parent.value != 0) {
                        REQUIRE(order.filled <= orders.at(order.terms.parent).filled);
                    }
                    if (order.terms.group.value != 0) {
                        Qty all;
                        Qty largest;
                        bool was_changed = false;
                        for (std::uint8_t leg = 0; leg < order.terms.legs; ++leg) {
                            const Followed& each = orders.at(OrderId{order.terms.group.value + leg});
                            all += each.filled;
                            largest = std::max(largest, each.first_quantity);
                            const OrderId entry = each.terms.parent;  // made larger, it takes its exits with it
                            was_changed =
                                was_changed || each.was_changed || (entry.value != 0 && orders.at(entry).was_changed);
                        }
                        REQUIRE((was_changed || all <= largest));
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
                    order.was_changed = order.was_changed || report.rule == Rule::none;
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
    PaperSettings sized;
    sized.use_size = true;
    PaperSettings late;
    late.latency = Duration{kSecondNs};

    Desk promised(sized);
    promised.opened("100");
    promised.place(buy(1));
    CHECK_FALSE(make_paper_broker({})->load(bytes_of(promised.broker())).has_value());
    Desk travelling(late);
    travelling.place(buy(1));
    CHECK_FALSE(make_paper_broker({})->load(bytes_of(travelling.broker())).has_value());
}

TEST_CASE("the state of the first edition of the rules is refused by its version", "[paper]") {
    Desk desk;
    desk.quote("99", "101");
    std::vector<std::uint8_t> bytes = bytes_of(desk.broker());
    bytes.front() = 1;
    const Result<void> loaded = make_paper_broker({})->load(bytes);
    REQUIRE_FALSE(loaded.has_value());
    CHECK(loaded.error().message == "the saved state of the paper broker has a version this program does not know");
}

/// Version 2 as it was first written. ON DISK, DO NOT CHANGE: snapshots hold these bytes.
TEST_CASE("the bytes of a snapshot do not change behind its back", "[paper]") {
    PaperSettings settings;
    settings.latency = Duration{kSecondNs};
    Desk desk(settings);
    desk.quote("1", "2", 3, 4, 1);
    desk.place(sell(5).stop("1").limit("6").day(7).of(1));
    desk.bracket(buy(2).of(1).of_portfolio(3), "1", "4");
    desk.wait(1).quote("2", "3", 3, 4, 1);
    desk.cancel(1);
    desk.place(buy(8).of(1).tagged("x"));
    desk.modify(4, 2, "5", "0", 2);
    desk.oco({sell(1).limit("9").of(1), sell(1).stop("1").of(1)});
    const std::vector<std::uint8_t> saved = bytes_of(desk.broker());
    std::string hex;
    for (const std::uint8_t byte : saved) {
        constexpr const char* kDigits = "0123456789abcdef";
        hex += kDigits[byte >> 4U];
        hex += kDigits[byte & 15U];
    }
    CHECK(hex ==
          // clang-format off
          "03" "0100000000000000" "01000000"                                                          // version, executions, books
          "01000000" "01"                                                                             // instrument, has a quote
          "00c2eb0b00000000" "00a3e11100000000" "00a3e11100000000" "0084d71700000000" "0000000000000000" "0000000000000080" // bid, ask, left of them, bar price, when
          "00" "0000000000000000"                                                                     // it is an open, left of its volume
          "03000000"                                                                                  // open orders
          "0100000000000000" "02" "04" "01" "0065cd1d00000000" "0046c32300000000" "00e1f50500000000"  // order, side, type, tif, quantity, limit, stop
          "00" "0000000000000000" "0000000000000000" "00" "00" "00"                                   // reduce-only, parent, group, legs, tag, product
          "07000000" "00000000" "40420f0000000000" "00e1f50500000000"                                 // good until, portfolio, tick, lot
          "0000000000000000" "0000000000000000" "00cac471fe9c9717" "0000000000000000" "00" "00" "00"  // filled, covered, arrived, promised, three flags
          "0300000000000000" "02" "03" "02" "00c2eb0b00000000" "0000000000000000" "00e1f50500000000"  // order, side, type, tif, quantity, limit, stop
          "01" "0200000000000000" "0300000000000000" "02" "00" "00"                                   // reduce-only, parent, group, legs, tag, product
          "00000000" "03000000" "40420f0000000000" "00e1f50500000000"                                 // good until, portfolio, tick, lot
          "0000000000000000" "00c2eb0b00000000" "00cac471fe9c9717" "0000000000000000" "00" "01" "00"  // filled, covered, arrived, promised, three flags
          "0400000000000000" "02" "02" "02" "00c2eb0b00000000" "0084d71700000000" "0000000000000000"  // order, side, type, tif, quantity, limit, stop
          "01" "0200000000000000" "0300000000000000" "02" "00" "00"                                   // reduce-only, parent, group, legs, tag, product
          "00000000" "03000000" "40420f0000000000" "00e1f50500000000"                                 // good until, portfolio, tick, lot
          "0000000000000000" "00c2eb0b00000000" "00cac471fe9c9717" "0000000000000000" "00" "01" "00"  // filled, covered, arrived, promised, three flags
          "04000000"                                                                                  // requests on their way
          "00945fadfe9c9717" "02" "0100000000000000"                                                  // cancel
          "00945fadfe9c9717" "01"                                                                     // place
          "0500000000000000" "01" "01" "02" "0008af2f00000000" "0000000000000000" "0000000000000000"  // order, side, type, tif, quantity, limit, stop
          "00" "0000000000000000" "0000000000000000" "00" "01" "78" "00"                              // reduce-only, parent, group, legs, tag, product
          "00000000" "00000000" "40420f0000000000" "00e1f50500000000"                                 // good until, portfolio, tick, lot
          "00945fadfe9c9717" "03" "0400000000000000" "00c2eb0b00000000" "0065cd1d00000000" "0000000000000000" "00" "00c2eb0b00000000" // modify
          "00945fadfe9c9717" "04" "02000000"                                                          // linked
          "0600000000000000" "02" "02" "02" "00e1f50500000000" "00e9a43500000000" "0000000000000000"  // order, side, type, tif, quantity, limit, stop
          "00" "0000000000000000" "0600000000000000" "02" "00" "00"                                   // reduce-only, parent, group, legs, tag, product
          "00000000" "00000000" "40420f0000000000" "00e1f50500000000"                                 // good until, portfolio, tick, lot
          "0700000000000000" "02" "03" "02" "00e1f50500000000" "0000000000000000" "00e1f50500000000"  // order, side, type, tif, quantity, limit, stop
          "00" "0000000000000000" "0600000000000000" "02" "00" "00"                                   // reduce-only, parent, group, legs, tag, product
          "00000000" "00000000" "40420f0000000000" "00e1f50500000000"                                 // good until, portfolio, tick, lot
          "01000000"                                                                                  // net positions
          "03000000" "00" "00c2eb0b00000000");  // portfolio, product, quantity
    // clang-format on
    const auto loaded = make_paper_broker(settings);
    REQUIRE(loaded->load(saved).has_value());
    CHECK(bytes_of(*loaded) == saved);
}

}  // namespace
}  // namespace alpha::test
