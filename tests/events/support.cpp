#include "tests/events/support.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace alpha::test {

namespace {

/// 2024-03-28 09:15:00.072 in India.
constexpr Time kWhen{1'711'597'500'072'000'000};

TradingHours indian_hours() {
    return TradingHours{19'800, 33'300, 55'800};
}

Instrument infosys() {
    Instrument e{"NSE:INFY", px("0.05"), qty_of(1), indian_hours()};
    e.calendar = "NSE_EQ_CAS";
    e.exchange = "NSE";
    e.kind = InstrumentKind::put;
    e.group = "equity_fund";
    e.isin = "INE009A01021";
    e.underlying = "NSE:NIFTY 50";
    e.multiplier = 10;
    e.freeze = qty_of(1'800);
    e.strike = px("1500.5");
    e.expiry = Date{20'781};
    e.is_delivered = true;
    return e;
}

markets::MarketRules rules() {
    using namespace markets;
    const Source source{"NSE/CMTR/73362", Grade::official};
    CalendarTable table{"NSE_EQ", "Asia/Kolkata", {{Date{18'262}, Date{20'818}, source}}, {}, {}, {}};
    table.settlement_known = {{Date{19'358}, Date{20'818}, source}};
    table.sessions = {{"regular", 31, Date{20'668}, kNoLastDate, Phase::closing_entry, 55'200, 55'500, 55'440, source}};
    table.days = {{Date{20'767}, DayKind::special, "muhurat", false, "Diwali", source}};
    ChargeRow row;
    row.line = ChargeLine::stt;
    row.shown = ChargeLine::ctt;
    row.exchange = "NSE";
    row.segment = ChargeSegment::options;
    row.group = "ordinary";
    row.product = ChargeProduct::intraday;
    row.side = Side::sell;
    row.base = ChargeBase::premium;
    row.rate = {150'000'000'000};
    row.amount = money("20");
    row.minimum = money("0.01");
    row.maximum = money("40");
    row.maximum_rate = {2'500'000'000'000};
    row.rounding = ChargeRounding::rupee;
    row.in_gst_base = true;
    row.column = "NSE";
    row.from = Date{20'544};
    row.to = Date{20'818};
    row.source = source;
    row.doubt = "who knows";
    row.line_number = 17;
    MarketRules e;
    e.unknown_days = UnknownDays::strict;
    e.calendars = {{table, {"Asia/Kolkata", {{kBeforeAll, 21'208}, {Time{-2'019'705'670'000'000'000}, 19'800}}}}};
    e.charges = {"zerodha", {row}};
    return e;
}

ProductRow product() {
    ProductRow e;
    e.product = Product::mis;
    e.exchange = "NSE";
    e.shorts = true;
    e.square_off_s = 600;
    e.delivery_days = 1;
    e.sells_unarrived = true;
    e.from = Date{20'544};
    e.to = Date{20'818};
    e.source = {"Zerodha's page", markets::Grade::broker};
    e.doubt = "who knows";
    e.line_number = 17;
    return e;
}

MarginRow margin() {
    MarginRow e;
    e.product = Product::nrml;
    e.exchange = "NFO";
    e.kind = MarginKind::option;
    e.underlying = "NIFTY";
    e.rate = money("0.1");
    e.exposure = money("0.02");
    e.expiry_exposure = money("0.03");
    e.spread = money("0.0175");
    e.from = Date{20'047};
    e.to = Date{20'818};
    e.source = {"a circular", markets::Grade::official};
    e.doubt = "perhaps";
    e.line_number = 9;
    return e;
}

OutsideRules outside_rules() {
    OutsideRules e;
    e.reads = 4;
    e.reads_to_ask = 5;
    e.ask_after = Duration{90 * kSecondNs};
    e.seen_after = Duration{6 * kSecondNs};
    e.clock_off = Duration{7 * kSecondNs};
    e.places_most = 2;
    e.cancels_most = 8;
    e.market_age = Duration{1 * kSecondNs};
    e.order_age = Duration{9 * kSecondNs};
    e.market_rest = Duration{11 * kSecondNs};
    e.backlog = 300;
    e.modifications = 24;
    e.needs_product = false;
    return e;
}

BrokerOrderSeen order_row() {
    BrokerOrderSeen e;
    e.broker_order = "240328000012345";
    e.order_tag = "A0123456000000042XYZ";
    e.instrument = InstrumentId{1};
    e.side = Side::sell;
    e.product = Product::mis;
    e.quantity = qty_of(100);
    e.filled = qty_of(40);
    e.price = px("181.65");
    e.trigger = px("182.5");
    e.status = RowStatus::trigger_pending;
    e.text = "waits for its trigger";
    e.placed_at = Time{1'711'597'498'000'000'000};
    e.raw_status = "NEW WORD";
    e.evidence = "fedcba9876543210";
    return e;
}

RunConfigured session() {
    RunConfigured e;
    e.name = "ema-cross";
    e.currency = "INR";
    e.instruments = {infosys(), {"IBM", px("0.01"), qty_of(10), TradingHours{}}};
    e.default_instrument = Instrument{"", px("0.01"), qty_of(1), TradingHours{}};
    e.portfolios = {{"main", money_of(1'000'000)}, {"hedge", money("250000.5")}};
    e.brokers = {{"paper", "paper", {{"fill", "touch"}, {"latency", "0s"}}}};
    e.strategies = {{"cross",
                     "ema_cross",
                     PortfolioId{1},
                     BrokerId{0},
                     {InstrumentId{0}, InstrumentId{1}},
                     {{"fast", "100"}, {"slow", "1000"}},
                     Product::mis}};
    e.risk = {{Rule::order_quantity, money_of(10'000)}, {Rule::daily_loss, money("0.5")}};
    e.allowed_instruments = {InstrumentId{1}};
    e.charges = {money_of(20), money("0.0003")};
    e.snapshot_interval = Duration{300 * kSecondNs};
    e.daily_loss_latch_ends = LatchEnd::released;
    return e;
}

OrderTerms terms() {
    return {InstrumentId{1}, Side::sell, OrderType::stop_limit, TimeInForce::day, qty_of(100), px("181.69"),
            px("182.5"),     true,       OrderId{40},           OrderId{41},      2,           "exit",
            Product::nrml};
}

}  // namespace

std::vector<Sample> samples() {
    const Envelope root{7, kWhen, kNoSeq, kNoSeq};
    const Envelope fact{8, kWhen, 3, 7};
    const InstrumentId ibm{1};
    const OrderId order{42};
    const StrategyId strategy{0};
    const PortfolioId portfolio{1};
    return {
        {{0, kWhen, kNoSeq, kNoSeq}, session()},
        {root, InstrumentListed{InstrumentId{2}, {"NSE:TCS", px("0.05"), qty_of(5), indian_hours()}}},
        {root, QuoteTick{ibm, px("181.69"), px("181.9"), qty_of(200), qty_of(100)}},
        {root, BarOpened{ibm, px("181.69"), kWhen, Duration{60 * kSecondNs}}},
        {root, BarClosed{ibm, px("181.69"), px("183"), px("180.00000001"), px("182.5"), qty_of(1'234'567),
                         Time{1'711'597'440'072'000'000}, Duration{60 * kSecondNs}}},
        {root, TradingSessionOpened{ibm, Date{19'810}}},
        {root, TradingSessionClosed{ibm, Date{19'810}}},
        {root, TimerFired{strategy, TimerId{9}}},
        {root, PnlSnapshot{portfolio, money("999000.25"), money("1500"), money("1000500.25"), money("-20"),
                           money("540.25"), money("20"), money("1500.5"), 3}},
        {fact, PortfolioOpened{portfolio, money("250000.5")}},
        {fact, SignalRaised{strategy, ibm, Direction::shorten}},
        {fact, OrderIntended{order, strategy, portfolio, BrokerId{0}, terms(), Date{19'810}, px("181.75"), true}},
        {fact, OrderRefused{order, strategy, portfolio, terms(), Rule::price_band, money("5"), money("7.25")}},
        {fact, CancelIntended{order, Rule::kill_switch}},
        {fact, ModifyIntended{order, qty_of(150), px("181.7"), px("182.6"), true, Rule::linked_fill, px("181.75")}},
        {fact, ChangeRefused{order, strategy, Rule::not_open, money("1"), money("2")}},
        {fact, TimerSet{strategy, TimerId{9}, Time{1'711'597'560'000'000'000}}},
        {fact, TimerCancelled{strategy, TimerId{9}}},
        {fact,
         KillSwitchLatched{portfolio, Rule::daily_loss, money("1000"), money("1000.00000001"), LatchScope::entries}},
        {fact, KillSwitchReleased{portfolio}},
        {fact, StrategyHalted{strategy, "it threw \"no\""}},
        {fact, OrderAccepted{order, "240328000012345"}},
        {fact, OrderRejected{order, "margin of 12.50 is short"}},
        {fact, OrderTriggered{order}},
        {fact, OrderFilled{order,
                           strategy,
                           portfolio,
                           ibm,
                           Side::sell,
                           qty_of(40),
                           px("182.5"),
                           money("7300"),
                           money("22.19"),
                           money("-12.5"),
                           "T1",
                           "exit",
                           Product::cnc,
                           {{markets::ChargeLine::stt, money("7.3")}, {markets::ChargeLine::gst, money("14.89")}},
                           Date{19'813}}},
        {fact, OrderCancelled{order, "ioc"}},
        {fact, OrderExpired{order}},
        {fact, OrderModified{order, qty_of(150), px("181.7"), px("182.6"), true, Rule::linked_fill}},
        {fact, ChangeRejected{order, ReportKind::modify_rejected, "already filled"}},
        {fact, ReportIgnored{order, ReportKind::filled, qty_of(40), px("182.5"), px("181.69"), px("183"), "T1",
                             "240328000012345", "duplicate trade"}},
        {root, RunReconfigured{session()}},
        {fact, OrderReleased{order, qty_of(40)}},
        {root, StrategyResumed{strategy}},
        {root, MarketRulesSet{rules()}},
        {root, InstrumentChanged{InstrumentId{0}, infosys()}},
        {fact,
         ChargesBooked{portfolio, Date{19'810}, {{markets::ChargeLine::stt, money("-0.3")}}, money("-0.3"), "why"}},
        {root, ProductRulesSet{{"zerodha", {product()}}}},
        {root, SquareOffBegun{ibm, Date{19'810}}},
        {root, CorporateAction{ibm,
                               ActionKind::demerger,
                               Date{19'811},
                               3,
                               2,
                               money("0.47"),
                               px("12.5"),
                               InstrumentId{0},
                               money("0.25"),
                               {"IBM's notice", markets::Grade::exchange}}},
        {fact, PositionAdjusted{portfolio, ibm, Product::cnc, ActionKind::split, qty_of(-150), money("-1500"),
                                qty_of(1), money("-9.5"), money("0.5"), money("0.25")}},
        {fact, OrderAdjusted{order, qty_of(300), qty_of(120), px("90.85"), px("91.25")}},
        {root, SettlementPrice{ibm, Date{19'810}, money("-37.63")}},
        {root, ContractExpired{ibm, Date{19'810}}},
        {fact, PositionSettled{portfolio,
                               ibm,
                               Product::nrml,
                               SettlementKind::exercised,
                               Date{19'810},
                               money("12.5"),
                               qty_of(-75),
                               qty_of(25),
                               money("250"),
                               money("-937.5"),
                               money("62.5"),
                               money("1.18"),
                               {{markets::ChargeLine::stt, money("1.18")}},
                               money("-3.5")}},
        {root, MarginRulesSet{{"zerodha", {margin()}}}},
        {root, TradeTick{ibm, px("181.75"), qty_of(40), Volume{qty_of(1'234'567)}, Volume{qty_of(4'500)},
                         Time{1'711'597'499'000'000'000}}},
        {root, BrokerRulesSet{BrokerId{0}, 123'456'789, outside_rules()}},
        {root, BrokerSessionChanged{BrokerId{0}, SessionChange::login_needed, "0123456789abcdef", "the token is over"}},
        {fact, SendStarted{order, Send::place, 2, "", "A0123456000000042XYZ"}},
        {fact, SendEnded{order, Send::modify, 3, SendOutcome::doubtful, "240328000012345", "too many requests", 429,
                         "NetworkException", "fedcba9876543210"}},
        {fact, order_row()},
        {fact, BrokerTradeSeen{"240328000012345", "NSE", "T77", ibm, Side::sell, qty_of(40), px("181.65"), Date{19'810},
                               BrokerId{0}, Product::mis, Time{1'711'597'499'000'000'000}, "fedcba9876543210"}},
        {root, BookRead{Time{1'711'597'499'500'000'000}, Date{19'810}, true, true, BrokerId{0}, 12, 7, true}},
        {root, OrderResolved{order, Resolution::placed, "240328000012345", "meera", "seen in the app"}},
        {root, AccountRead{BrokerId{0}, AccountRowKind::holding, ibm, Product::cnc, qty_of(-25), px("181.5"),
                           Date{19'810}, "NSE:IBM", "fedcba9876543210"}},
        {root, FundsRead{BrokerId{0}, money("1250000.5"), money("-3.25"), money("1300000")}},
        {root, OutsideAssigned{PortfolioId{1}, BrokerId{0}, ibm, Product::cnc, qty_of(-25), px("181.5"), "meera",
                               "sold in the app"}},
        {root, InstrumentThawed{BrokerId{0}, ibm, "meera", "a bonus"}},
        {root, OrderOverdue{order}},
        {fact, OutcomeUnknown{order}},
        {fact, OutcomeStale{order}},
        {fact, OrderRevived{order}},
        {fact, OrderConflict{order, "the broker has it twice, as 1 and 2"}},
        {fact, OutsideFilled{BrokerId{0}, "240328000099999", "NSE", "T78", ibm, Side::sell, Product::mis, qty_of(25),
                             px("181.7"), true, true}},
        {fact, ReconciliationDiffers{BrokerId{0}, DifferenceKind::position, DifferenceAction::frozen, order, ibm,
                                     Product::cnc, qty_of(100), qty_of(75), "the account holds another quantity"}},
        {fact, Reconciled{BrokerId{0}, 3}},
        {root, FeedChanged{"kite", FeedState::stale, "no bytes for 5 s"}},
    };
}

std::string hex(Bytes bytes) {
    std::string out;
    for (const std::uint8_t byte : bytes) {
        out += fmt::format("{:02x}", byte);
    }
    return out;
}

std::vector<std::uint8_t> encoded(const Envelope& envelope, const Event& event) {
    ByteBuffer out;
    encode(out, envelope, event);
    return {out.view().begin(), out.view().end()};
}

namespace {

/// A strict reader of JSON that keeps nothing but the keys of the objects it is in, and its own stack.
class JsonCheck {
public:
    explicit JsonCheck(std::string_view text) : text_(text) {}

    std::string run() {
        do {
            begin_value();
            while (fault_.empty() && value_ended_ && !open_.empty()) {
                end_value();
            }
        } while (fault_.empty() && !open_.empty());
        if (fault_.empty() && at_ != text_.size()) {
            refuse("something after the value");
        }
        return fault_;
    }

private:
    struct Level {
        bool object = false;
        std::vector<std::string_view> keys;
    };

    void refuse(std::string_view why) {
        if (fault_.empty()) {
            fault_ = fmt::format("at {}: {}", at_, why);
        }
    }
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool eat(char c) {
        const bool there = at_ < text_.size() && text_[at_] == c;
        at_ += there ? 1 : 0;
        return there;
    }
    /// Canonical JSON has no spaces outside of strings.
    void begin_value() {
        value_ended_ = true;
        if (eat('{')) {
            open_.push_back({true, {}});
            if (!eat('}')) {
                value_ended_ = false;
                key();
                return;
            }
            open_.pop_back();
        } else if (eat('[')) {
            if (!eat(']')) {
                open_.push_back({});
                value_ended_ = false;
            }
        } else if (peek() == '"') {
            string();
        } else if (text_.substr(at_, 4) == "null" || text_.substr(at_, 4) == "true") {
            at_ += 4;
        } else if (text_.substr(at_, 5) == "false") {
            at_ += 5;
        } else {
            number();
        }
    }
    void end_value() {
        if (eat(',')) {
            value_ended_ = false;
            if (open_.back().object) {
                key();
            }
        } else if (eat(open_.back().object ? '}' : ']')) {
            open_.pop_back();
        } else {
            refuse("neither a comma nor the end of the list or object");
        }
    }
    void key() {
        const std::size_t first = at_;
        string();
        const std::string_view name = text_.substr(first, at_ - first);
        auto& keys = open_.back().keys;
        if (std::find(keys.begin(), keys.end(), name) != keys.end()) {
            refuse("a key for the second time");
        }
        keys.push_back(name);
        if (!eat(':')) {
            refuse("no colon");
        }
    }
    void digits() {
        if (peek() < '0' || peek() > '9') {
            refuse("no value");
        }
        while (peek() >= '0' && peek() <= '9') {
            ++at_;
        }
    }
    void number() {
        eat('-');
        if (!eat('0')) {
            digits();
        }
        if (eat('.')) {
            digits();
        }
    }
    void string() {
        if (!eat('"')) {
            refuse("no string");
        }
        while (fault_.empty() && !eat('"')) {
            if (at_ >= text_.size()) {
                refuse("a string without an end");
            } else if (eat('\\')) {
                escape();
            } else if (static_cast<unsigned char>(peek()) < 0x20U) {
                refuse("a control character in a string");
            } else {
                character();
            }
        }
    }
    void escape() {
        if (eat('u')) {
            for (int i = 0; i < 4; ++i) {
                if (std::string_view("0123456789abcdefABCDEF").find(peek()) == std::string_view::npos) {
                    refuse("not four hex digits");
                }
                ++at_;
            }
        } else if (std::string_view("\"\\/bfnrt").find(peek()) == std::string_view::npos) {
            refuse("an escape that JSON does not know");
        } else {
            ++at_;
        }
    }
    /// One code point of UTF-8, decoded by arithmetic rather than by the table that events/text.cpp uses.
    void character() {
        const auto first = static_cast<unsigned char>(text_[at_++]);
        const int more = first < 0x80U   ? 0
                         : first < 0xC0U ? -1
                         : first < 0xE0U ? 1
                         : first < 0xF0U ? 2
                         : first < 0xF8U ? 3
                                         : -1;
        if (more < 0) {
            return refuse("a byte that begins no character");
        }
        std::uint32_t code = more == 0 ? first : first & (0x3FU >> static_cast<unsigned>(more));
        for (int i = 0; i < more; ++i) {
            const auto next = static_cast<unsigned char>(peek());
            if ((next & 0xC0U) != 0x80U) {
                return refuse("a character cut short");
            }
            code = (code << 6U) | (next & 0x3FU);
            ++at_;
        }
        constexpr std::uint32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
        if (code < kLeast[more] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
            refuse("a character that Unicode does not have");
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
    bool value_ended_ = false;
    std::vector<Level> open_;
    std::string fault_;
};

}  // namespace

std::string json_fault(std::string_view text) {
    return JsonCheck(text).run();
}

}  // namespace alpha::test
