#include "tests/live/live_world.hpp"

#include "adapters/outside/outside_venue.hpp"
#include "adapters/paper/spec.hpp"
#include "events/order_tag.hpp"
#include "events/text.hpp"
#include "kernel/snapshot.hpp"
#include "runtime/reexecution.hpp"
#include "tests/live/trader.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <tuple>

namespace alpha::test {

namespace {

constexpr Date kThursday{20'783};  // 2026-11-26
constexpr BrokerId kZerodha{0};
constexpr std::uint32_t kLogNumber = 7;
constexpr std::uint32_t kOtherLog = 8;
constexpr const char* kUser = "AB1234";
constexpr Price kTick{kScale / 20};
const std::array<const char*, 2> kSymbols{"INFY", "SBIN"};

constexpr Duration seconds(std::int64_t count) {
    return Duration{count * kSecondNs};
}
constexpr Duration ms(std::int64_t count) {
    return Duration{count * 1'000'000};
}
Time on_day(int days, std::int64_t second) {
    return kite::kCashHours.midnight(Date{kThursday.days + days}) + seconds(second);
}

kite::PlaceOrder by_hand(Random& random, std::size_t instruments, const std::vector<Price>& mids, bool is_intraday) {
    const std::size_t i = random.below(instruments);
    kite::PlaceOrder order;
    order.tradingsymbol = kSymbols.at(i);
    order.transaction_type = random.one_in(2) ? Side::buy : Side::sell;
    order.product = is_intraday ? kite::Product::mis : kite::Product::cnc;
    order.quantity = random.between(1, 9);
    const std::int64_t beyond = (order.transaction_type == Side::buy ? 8 : -8) * kTick.raw;
    order.price = Price{mids[i].raw + beyond};
    return order;
}

}  // namespace

// ---- the log ------------------------------------------------------------------------------------------------------------

void LiveWorld::Log::add(const Frame& frame) {
    if (frame.events != 0) {
        const Bytes made = frame.bytes.view();
        bytes.insert(bytes.end(), made.begin(), made.end());
        cuts.push_back({frame.next_seq(), bytes.size()});
    }
}

void LiveWorld::Log::cut_to(Seq seq) {
    while (cuts.size() > 1 && cuts[cuts.size() - 2].seq >= seq) {
        cuts.pop_back();
    }
    bytes.resize(cuts.back().at);
}

Frame LiveWorld::Log::frame(Seq from, Seq end) const {
    const auto at = [&](Seq seq) {
        const auto cut = std::ranges::lower_bound(cuts, seq, {}, &Cut::seq);
        return seq == 0 ? 0 : cut->at;
    };
    Frame frame;
    frame.begin(from);
    frame.bytes.append(Bytes(bytes).subspan(at(from), at(end) - at(from)));
    frame.events = static_cast<std::uint32_t>(end - from);
    return frame;
}

// ---- a process ----------------------------------------------------------------------------------------------------------

struct LiveWorld::Life {
    std::unique_ptr<Frame> frame = std::make_unique<Frame>();
    std::vector<std::unique_ptr<Venue>> venues;
    std::unique_ptr<Kernel> kernel;
    Outbox outbox;
    std::optional<Sends> sends;
    std::unique_ptr<KiteClient> client;
    std::optional<Gateway> gateway;
    std::deque<OutsideWord> words;  ///< said by the gateway, and not taken yet
    Time event_time;                ///< as the broker's thread knows it
    std::uint64_t expected_at = 0;
    Time busy_until = kBeforeAll;         ///< the deciding thread
    Time broker_busy_until = kBeforeAll;  ///< the broker's
};

LiveWorld::Plan LiveWorld::make_plan(std::uint64_t seed) {
    Random random(seed);
    const auto often = [&](std::uint64_t in_ten) { return random.below(10) < in_ten; };
    Plan plan;
    plan.has_shadow = random.below(100) < 12;
    plan.instruments = random.one_in(2) ? 1 : 2;
    plan.portfolios = random.one_in(3) ? 2 : 1;
    plan.is_intraday = often(7);
    constexpr std::int64_t kMorning = 36'000;
    constexpr std::int64_t kBeforeSquareOff = 55'170;
    constexpr std::int64_t kBeforeClose = 55'770;
    const std::array<std::int64_t, 8> begins{kMorning, kMorning, kMorning,         kMorning,
                                             kMorning, kMorning, kBeforeSquareOff, kBeforeClose};
    plan.begins = on_day(0, begins.at(random.below(begins.size())));
    plan.trades_for = seconds(random.between(15, 60));
    plan.activity = static_cast<std::uint64_t>(random.between(50, 400));
    plan.rules.ask_after = seconds(std::array<std::int64_t, 4>{5, 10, 20, 120}.at(random.below(4)));
    plan.rules.market_rest = random.one_in(3) ? Duration{} : seconds(random.between(1, 4));
    plan.rules.market_age = seconds(random.between(1, 3));
    plan.rules.backlog = static_cast<std::uint16_t>(random.between(2, 20));
    if (random.one_in(4)) {
        plan.limits.in_window = 4;
        plan.limits.kept_for_cancels = 1;
    }
    plan.crashes = !plan.has_shadow && often(5);
    plan.disconnects = often(3);
    plan.kills = often(3);
    plan.has_hands = often(4);
    plan.has_other_journal = often(2);
    plan.has_next_day = random.below(100) < 25;
    plan.has_final_read = often(6);
    plan.slowest_line = ms(random.one_in(3) ? 900 : 60);
    plan.slowest_disk = ms(random.one_in(4) ? 3'000 : 20);
    plan.slowest_thread = ms(random.one_in(3) ? 200 : 3);
    return plan;
}

RunConfigured LiveWorld::make_config() const {
    RunConfigured config;
    config.name = "live world";
    config.currency = "INR";
    for (std::size_t i = 0; i < plan_.instruments; ++i) {
        Instrument instrument;
        instrument.name = std::string("NSE:") + kSymbols.at(i);
        instrument.tick = kTick;
        instrument.hours = kite::kCashHours;
        instrument.exchange = "NSE";
        config.instruments.push_back(instrument);
    }
    config.brokers.push_back({"zerodha", "zerodha", zerodha_spec().canonical({}).value()});
    config.brokers.push_back({"paper", "paper", paper_spec().canonical({}).value()});
    std::vector<InstrumentId> all;
    all.reserve(plan_.instruments);
    for (std::uint32_t i = 0; i < plan_.instruments; ++i) {
        all.push_back(InstrumentId{i});
    }
    const std::size_t portfolios = plan_.portfolios + (plan_.has_shadow ? 1 : 0);
    for (std::uint32_t p = 0; p < portfolios; ++p) {
        const bool is_shadow = p == plan_.portfolios;
        config.portfolios.push_back({is_shadow ? "shadow" : "real" + std::to_string(p), money_of(100'000'000)});
        StrategyConfig strategy{"trader" + std::to_string(p),  "trader", PortfolioId{p},
                                BrokerId{is_shadow ? 1U : 0U}, all,      {}};
        strategy.product = is_shadow ? Product::none : plan_.is_intraday ? Product::mis : Product::cnc;
        config.strategies.push_back(strategy);
    }
    config.snapshot_interval = seconds(30);
    return config;
}

Result<Components> LiveWorld::make_parts(const RunConfigured& config) const {
    Components parts;
    for (const BrokerConfig& broker : config.brokers) {
        const BrokerSpec& spec = broker.kind == "zerodha" ? zerodha_spec() : paper_spec();
        parts.venues.push_back(spec.make(broker.settings).value());
    }
    for (std::size_t s = 0; s < config.strategies.size(); ++s) {
        parts.strategies.push_back(std::make_unique<Trader>(seed_ * 31 + s, plan_.activity));
    }
    return parts;
}

kite::Settings LiveWorld::make_exchange() const {
    kite::Settings settings;
    for (std::size_t i = 0; i < plan_.instruments; ++i) {
        kite::Instrument share;
        share.tradingsymbol = kSymbols.at(i);
        share.token = static_cast<std::uint32_t>(1'000 + i);
        share.tick = kTick;
        share.close = price_of(1'000);
        settings.instruments.push_back(share);
    }
    kite::AccountSettings account;
    account.user_id = kUser;
    account.cash = money_of(is_mild_ || seed_ % 5 != 0 ? 100'000'000 : 100'000);
    if (!plan_.is_intraday || seed_ % 3 == 0) {
        kite::HoldingRow held;
        held.exchange = "NSE";
        held.tradingsymbol = kSymbols.front();
        held.quantity = 40;
        held.average_price = price_of(900);
        account.holdings.push_back(held);
    }
    settings.accounts.push_back(account);
    if (!is_mild_) {
        Random random(seed_ + 11);
        settings.rows_lag = kite::delay_ms(0, random.one_in(2) ? 1'500 : 0);
        settings.trades_lag = kite::delay_ms(0, random.one_in(2) ? 2'500 : 0);
        settings.updates_lag = kite::delay_ms(0, 2'000);
        if (random.one_in(4)) {
            settings.delays.open_pending = kite::delay_ms(5, 2'000);
            settings.delays.cancel_pending = kite::delay_ms(5, 1'500);
            settings.delays.modify_pending = kite::delay_ms(5, 1'500);
        }
    }
    return settings;
}

/// What goes wrong at the exchange as long as things may.
void LiveWorld::script() {
    using kite::Answer;
    using kite::ReplyKind;
    using kite::Route;
    Random random(seed_ + 17);
    const Time until = plan_.begins + plan_.trades_for;
    const auto add_always = [&](Route route, std::uint32_t per_thousand, kite::FaultEffect effect) {
        kite::FaultWhen when;
        when.route = route;
        when.per_thousand = per_thousand;
        when.until = until;
        exchange_.add_fault({when, std::move(effect)});
    };
    const Answer silence{ReplyKind::timed_out, 0};
    const Answer closed{ReplyKind::closed, 0};
    const Answer bad_gateway{ReplyKind::html, 502};
    const Answer cut{ReplyKind::cut, 200};
    const Answer timed_out{ReplyKind::json, 400, "InputException", "The order timed out. Please check the order book."};
    const Answer too_many{ReplyKind::json, 429, "NetworkException", "Too many requests"};
    const Answer no_money{ReplyKind::json, 400, "MarginException", "Insufficient funds."};
    const Answer processing{ReplyKind::json, 400, "InputException",
                            "Order cannot be modified or cancelled as it is being processed."};
    // How often is diced after the effect was: of the arguments of a call the compiler decides which comes first.
    const auto add = [&](Route route, std::uint32_t most, kite::FaultEffect effect) {
        add_always(route, static_cast<std::uint32_t>(random.below(most)), std::move(effect));
    };
    for (const Route route : {Route::place, Route::cancel, Route::modify}) {
        for (const Answer& answer : {silence, closed, bad_gateway, cut, timed_out}) {
            if (random.one_in(2)) {
                add(route, 50, {.answer = answer});
                add(route, 50, {.answer = answer, .is_lost = true});
                add(route, 30, {.answer = answer, .late = seconds(random.between(1, 8))});
            }
        }
        add(route, 30, {.is_lost = true});
        add(route, 40, {.answer = too_many, .is_lost = true});
    }
    add(Route::place, 20, {.answer = too_many, .late = ms(random.between(0, 2'000))});
    add(Route::place, 60, {.stuck = seconds(random.one_in(8) ? 90 : random.between(1, 15))});
    add(Route::place, 60, {.rms_rejects = "RMS: blocked for the day"});
    add(Route::place, 40, {.odd_status = "AMO REQ RECEIVED"});
    add(Route::cancel, 80, {.answer = processing, .is_lost = true});
    add(Route::cancel, 80, {.late_fill = ms(random.between(10, 6'000))});
    if (random.one_in(4)) {  // what the broker should never do
        // One of them: without its tag nobody could tell what was refused, or is there twice, from an order by hand.
        const std::array<kite::FaultEffect, 3> never{
            kite::FaultEffect{.answer = no_money}, {.is_untagged = true}, {.again = 1}};
        add(Route::place, 100, never.at(random.below(3)));
    }
    for (const Route route : {Route::orders, Route::trades, Route::positions, Route::holdings}) {
        add(route, 80, {.answer = bad_gateway});
        add(route, 80, {.is_doubled = true});
        add(route, 80, {.is_permuted = true});
        add(route, 40, {.answer = silence});
        if (route == Route::orders || route == Route::trades) {
            add(route, 100, {.lag = ms(random.between(100, 2'000))});
            add(route, 60, {.missing = 1});
        }
    }
    add_always(Route::updates, 200, {.late = seconds(3)});
    add_always(Route::updates, 200, {.is_lost = true});
    add_always(Route::updates, 200, {.is_doubled = true, .is_permuted = true});
}

LiveWorld::LiveWorld(std::uint64_t seed, Breaks breaks, bool is_mild)
    : seed_(seed),
      breaks_(breaks),
      is_mild_(is_mild),
      plan_(make_plan(seed)),
      market_(seed + 3),
      dice_(seed + 5),
      config_(make_config()),
      names_(config_.instruments),
      exchange_(make_exchange(), seed),
      line_(timeline_, exchange_, names_,
            {.unreachable_per_thousand = is_mild || seed % 3 != 0 ? 0U : 60U,
             .slowest = is_mild ? ms(20) : plan_.slowest_line,
             .sends_again = breaks.sends_again,
             .denies_what_it_sent = breaks.denies_what_it_sent},
            seed + 7),
      mids_(plan_.instruments, price_of(1'000)) {}

LiveWorld::~LiveWorld() = default;

void LiveWorld::broken(const std::string& what) const {
    throw Broken(what);
}

void LiveWorld::after_input() {
    log_.add(*life_->frame);
    life_->frame->begin(life_->kernel->state().next_seq);
    check_state();
}

template <class E>
void LiveWorld::take(const E& input) {
    life_->kernel->take(timeline_.now(), input);
    after_input();
}

void LiveWorld::begin() {
    life_ = std::make_unique<Life>();
    Components parts = make_parts(config_).value();
    Kernel::Components kernel_parts{std::move(parts.strategies), parts.venue_pointers(), nullptr};
    life_->venues = std::move(parts.venues);
    life_->frame->begin(0);
    life_->kernel = std::make_unique<Kernel>(std::move(kernel_parts), *life_->frame);
    life_->kernel->configure(config_, timeline_.now());
    after_input();
    take(BrokerRulesSet{kZerodha, kLogNumber, plan_.rules});
    durable_ = log_.next_seq();
    make_links();
}

void LiveWorld::make_links() {
    Life& life = *life_;
    life.event_time = timeline_.now();
    life.sends.emplace(life.kernel->state(), kZerodha, life.outbox, plan_.limits);
    life.client =
        std::make_unique<KiteClient>(line_, KiteClient::Ears{[&life, this](SendToken token, const SendAnswer& answer) {
                                                                 life.gateway->answered(token, answer, timeline_.now());
                                                             },
                                                             [&life, this](const std::optional<OutsideRead>& read) {
                                                                 life.gateway->was_read(read, timeline_.now());
                                                             }});
    life.gateway.emplace(
        *life.client, [&life](const OutsideWord& word, std::string_view) { life.words.push_back(word); },
        [this](const OutsideMessage& message, Time now) {
            const Turn turn = turn_of(message, now);
            if (turn == Turn::begin) {
                on_begin(message);
            }
            return turn;
        },
        GatewaySettings{}, [&life] { return life.event_time; });
    life.outbox.set_durable(breaks_.sends_before_durable ? kNoSeq : durable_);
    connect();
}

void LiveWorld::connect() {
    line_.login(kUser);
    is_connected_ = true;
    life_->gateway->connect(timeline_.now());
}

void LiveWorld::disconnect(SessionChange why) {
    is_connected_ = false;
    life_->gateway->disconnect(why);
}

/// The process is gone, with all that was not durable; the disk may hold more than it has promised.
void LiveWorld::crash() {
    if (checkpoint_ && checkpoint_->next_seq > durable_) {
        checkpoint_.reset();
    }
    const Seq end = log_.next_seq();
    log_.cut_to(dice_.one_in(2) ? durable_ : durable_ + dice_.below(end - durable_ + 1));
    durable_ = log_.next_seq();
    life_.reset();
    killed_before_.clear();
    is_connected_ = false;
}

void LiveWorld::restart() {
    auto life = std::make_unique<Life>();
    const ComponentsMaker make = [this](const RunConfigured& config) { return make_parts(config); };
    std::unique_ptr<Reexecution> again;
    if (checkpoint_ && dice_.one_in(2)) {
        auto from = Reexecution::from(*checkpoint_, *life->frame, nullptr, make);
        if (!from) {
            broken("a checkpoint cannot be gone on from: " + from.error().message);
        }
        again = std::move(*from);
    } else {
        again = std::make_unique<Reexecution>(*life->frame, nullptr, make);
    }
    const Result<bool> fed = again->feed(log_.frame(again->next_seq(), log_.next_seq()));
    if (!fed || !*fed || !again->end()) {
        broken("a log is decided otherwise after a crash" + (fed ? std::string() : ": " + fed.error().message));
    }
    Reexecution::Revived revived = again->release();
    life->venues = std::move(revived.venues);
    life->kernel = std::move(revived.kernel);
    life_ = std::move(life);
    life_->frame->begin(life_->kernel->state().next_seq);
    restarted_ = timeline_.now();
    if (!breaks_.restarts_in_silence) {
        take(BrokerSessionChanged{kZerodha, SessionChange::restarted});
    }
    make_links();
}

Turn LiveWorld::turn_of(const OutsideMessage& message, Time now) const {
    return breaks_.places_after_kill ? Turn::begin : life_->outbox.turn_of(message, now);
}

/// The first byte of it is about to leave.
void LiveWorld::on_begin(const OutsideMessage& message) {
    if (message.seq >= durable_) {
        broken("a message leaves that a crash would forget");
    }
    if (message.started.what != Send::place) {
        return;
    }
    const Order* const order = life_->kernel->state().find_order(message.started.order);
    // An exit is decided when its entry fills.
    const Wire& wire = *life_->kernel->state().outside.at(kZerodha).book.find(order->id);
    if (wire.decided < restarted_) {
        broken("an order leaves that was decided before a restart");
    }
    if (const auto at = killed_before_.find(order->portfolio); at != killed_before_.end() && order->id < at->second) {
        broken("an order leaves after a kill");
    }
}

/// As the threads of a session do it: words, what is wished after them, and the broker's side.
void LiveWorld::pump() {
    if (!runs()) {
        return;
    }
    Life& life = *life_;
    const Time now = timeline_.now();
    if (now >= life.busy_until) {
        while (life.kernel->next_due() < now) {
            life.kernel->advance(now, 1);
            after_input();
        }
        while (!life.words.empty()) {
            OutsideWord word = std::move(life.words.front());
            life.words.pop_front();
            std::visit(overloaded{[&](SessionChange change) { take(BrokerSessionChanged{kZerodha, change}); },
                                  [&](auto& said) {
                                      if constexpr (requires { said.broker = kZerodha; }) {
                                          said.broker = kZerodha;
                                      }
                                      take(said);
                                      if constexpr (std::same_as<decltype(said), SendEnded&>) {
                                          if (said.outcome == SendOutcome::doubtful) {
                                              life.sends->halve(now);
                                          }
                                      }
                                  }},
                       word);
        }
        start_sends();
        if (!is_mild_ && dice_.one_in(8)) {
            life.busy_until = now + dice_.ms(0, plan_.slowest_thread.ns / 1'000'000);
        }
    }
    if (now >= life.broker_busy_until) {
        serve_gateway();
        if (!is_mild_ && dice_.one_in(8)) {
            life.broker_busy_until = now + dice_.ms(0, plan_.slowest_thread.ns / 1'000'000);
        }
    }
}

void LiveWorld::start_sends() {
    Life& life = *life_;
    const std::size_t begun = life.sends->start(*life.kernel, timeline_.now());
    after_input();
    life.event_time = timeline_.now();
    const OutsideBook& book = life.kernel->state().outside.at(kZerodha).book;
    if (std::exchange(life.expected_at, book.changes()) != book.changes()) {
        std::size_t unsure = 0;
        std::size_t working = 0;
        for (const auto& [id, wire] : book.wires()) {
            const bool waits = wire.is_nobody_sure() || wire.is_ending || wire.cancel != ChangeState::none ||
                               wire.modify != ChangeState::none;
            unsure += waits ? 1U : 0U;
            working += !waits && wire.is_reserved() ? 1U : 0U;
        }
        life.gateway->expect(unsure, working);
    }
    if (begun != 0) {
        const Duration disk = is_mild_ ? ms(1) : dice_.ms(0, plan_.slowest_disk.ns / 1'000'000);
        timeline_.after(disk, [this, seq = log_.next_seq(), is = life_.get()] {
            if (life_.get() == is) {
                durable_ = std::max(durable_, seq);
                is->outbox.set_durable(seq);
            }
        });
    }
}

void LiveWorld::serve_gateway() {
    Life& life = *life_;
    const Time now = timeline_.now();
    const std::vector<kite::OrderRow> updates = exchange_.take_updates(now, kUser);
    if (!updates.empty() && is_connected_) {
        if (breaks_.takes_hints_for_truth) {
            for (const kite::OrderRow& row : updates) {
                life.words.emplace_back(kite::word_of(row, names_).value());
            }
        } else {
            life.gateway->hint(now);
        }
    }
    while (const std::optional<OutsideMessage> message = life.outbox.take()) {
        life.gateway->send(*message, now);
    }
    life.gateway->tick(now);
}

void LiveWorld::run_until(Time end) {
    while (timeline_.now() < end) {
        pump();
        Time next = std::min(timeline_.next(), end);
        if (runs()) {
            const Life& life = *life_;
            const bool waits = !life.words.empty();
            const Time due = life.kernel->next_due();
            const Time decides = std::min({due == kNever ? due : due + Duration{1}, life.sends->next_due(),
                                           waits ? timeline_.now() + Duration{1} : kNever});
            const bool is_held_up = life.broker_busy_until > timeline_.now();
            const Time talks = is_held_up ? life.broker_busy_until : life.gateway->next_due();
            next = std::min({next, std::max(decides, life.busy_until), talks});
        }
        next = std::max(next, timeline_.now() + Duration{1});
        if (timeline_.next() <= next) {
            timeline_.run_next();
        } else {
            timeline_.come_to(next);
        }
    }
    pump();
}

// ---- what happens -------------------------------------------------------------------------------------------------------

/// As long as the market is open; the kernel misses what comes while nobody runs.
void LiveWorld::quote() {
    const Time now = timeline_.now();
    const std::size_t i = market_.below(plan_.instruments);
    mids_[i].raw += market_.between(-4, 4) * kTick.raw;
    const Price bid{mids_[i].raw - market_.between(0, 2) * kTick.raw};
    const Price ask{mids_[i].raw + market_.between(1, 3) * kTick.raw};
    const std::int64_t bids = market_.between(1, 20);
    const std::int64_t asks = market_.between(1, 20);
    const Duration next = market_.ms(100, 1'500);
    timeline_.after(next, [this] {
        if (is_trading_) {
            quote();
        }
    });
    if (!kite::kCashHours.is_open_at(now)) {
        return;
    }
    exchange_.quote(now, "NSE", kSymbols.at(i), {bid, bids, ask, asks, mids_[i]});
    if (runs()) {
        while (life_->kernel->next_due() < now) {
            life_->kernel->advance(now, 1);
        }
        take(QuoteTick{InstrumentId{static_cast<std::uint32_t>(i)}, bid, ask, qty_of(bids), qty_of(asks)});
    }
}

/// Again and again as long as things may go wrong.
void LiveWorld::someday(std::int64_t least_ms, std::int64_t most_ms, void (LiveWorld::*what)()) {
    timeline_.after(dice_.ms(least_ms, most_ms), [this, least_ms, most_ms, what] {
        if (is_faulty_) {
            (this->*what)();
            someday(least_ms, most_ms, what);
        }
    });
}

void LiveWorld::crash_someday() {
    if (runs()) {
        crash();
        timeline_.after(dice_.ms(100, 9'000), [this] { restart(); });
    }
}

void LiveWorld::disconnect_someday() {
    if (runs() && is_connected_) {
        disconnect(dice_.one_in(2) ? SessionChange::down : SessionChange::login_needed);
        timeline_.after(dice_.ms(10, 6'000), [this, is = life_.get()] {
            if (life_.get() == is && !is_connected_) {
                connect();
            }
        });
    }
}

/// Whoever hears of it first holds places back; the kernel hears of it later.
void LiveWorld::kill_someday() {
    if (!runs()) {
        return;
    }
    const PortfolioId portfolio{static_cast<std::uint32_t>(dice_.below(plan_.portfolios))};
    const LatchScope scope = dice_.one_in(4)   ? LatchScope::entries
                             : dice_.one_in(3) ? LatchScope::flatten
                                               : LatchScope::all;
    life_->outbox.hold_places(true);
    const bool kills_all =
        scope != LatchScope::entries && life_->kernel->state().portfolios[portfolio.value].latch < scope;
    if (kills_all) {
        killed_before_[portfolio] = life_->kernel->state().next_order;
    }
    timeline_.after(dice_.ms(0, 50), [this, portfolio, scope, kills_all, is = life_.get()] {
        if (life_.get() != is) {
            return;
        }
        const OrderId next = life_->kernel->state().next_order;
        take(KillRequest{portfolio, scope});
        if (kills_all) {
            killed_before_[portfolio] = next;
        }
        life_->outbox.release(life_->kernel->state().next_seq);
    });
}

void LiveWorld::release_someday() {
    for (std::uint32_t p = 0; runs() && p < plan_.portfolios; ++p) {
        if (life_->kernel->state().portfolios[p].latch != LatchScope::none) {
            take(ReleaseRequest{PortfolioId{p}});
        }
    }
}

void LiveWorld::trade_by_hand() {
    (void)exchange_.place(timeline_.now(), kite::Caller::phone(kUser),
                          by_hand(dice_, plan_.instruments, mids_, plan_.is_intraday));
}

void LiveWorld::other_journal_trades() {
    kite::PlaceOrder order = by_hand(dice_, plan_.instruments, mids_, plan_.is_intraday);
    order.tag = to_string(OrderTag{breaks_.tags_without_log ? kLogNumber : kOtherLog, OrderId{++other_orders_}});
    (void)exchange_.place(timeline_.now(), kite::Caller::phone(kUser), order);
}

/// A person cancels or changes an order of ours.
void LiveWorld::change_by_hand() {
    std::vector<const kite::LedgerRow*> ours;
    for (const kite::LedgerRow& row : exchange_.ledger()) {
        if (row.what == kite::LedgerWhat::place && row.origin == kite::Origin::api) {
            ours.push_back(&row);
        }
    }
    if (ours.empty()) {
        return;
    }
    const kite::LedgerRow& row = *ours[ours.size() - 1 - dice_.below(std::min<std::size_t>(ours.size(), 3))];
    const kite::Caller phone = kite::Caller::phone(kUser);
    if (dice_.one_in(2)) {
        (void)exchange_.cancel(timeline_.now(), phone, std::string(row.order_id));
        return;
    }
    kite::ModifyOrder change;
    change.order_id = row.order_id;
    change.quantity = std::max<std::int64_t>(1, row.terms.quantity + dice_.between(-2, 5));
    if (dice_.one_in(2) && row.terms.price.raw != 0) {
        change.price = Price{row.terms.price.raw + dice_.between(-3, 3) * kTick.raw};
    }
    (void)exchange_.modify(timeline_.now(), phone, change);
}

void LiveWorld::thaw_someday() {
    if (runs()) {
        const std::set<InstrumentId> frozen = life_->kernel->state().outside.at(kZerodha).book.frozen();
        for (const InstrumentId instrument : frozen) {
            take(InstrumentThawed{kZerodha, instrument, "ann", "looked at"});
        }
    }
}

void LiveWorld::halt_someday() {
    if (!runs()) {
        return;
    }
    const StrategyId strategy{static_cast<std::uint32_t>(dice_.below(plan_.portfolios))};
    life_->kernel->state().strategies[strategy.value].halted ? take(ResumeRequest{strategy})
                                                             : take(HaltRequest{strategy, "too slow"});
}

void LiveWorld::keep_checkpoint() {
    if (runs()) {
        checkpoint_.emplace();
        checkpoint_->next_seq = life_->kernel->state().next_seq;
        const Kernel& kernel = *life_->kernel;
        save_checkpoint(kernel.state(), kernel.parts().strategies, kernel.parts().venues, std::nullopt,
                        checkpoint_->bytes);
    }
}

/// A person looks at the broker's own book, and says what became of orders that nobody can tell of.
void LiveWorld::resolve_stale() {
    if (!runs()) {
        return;
    }
    std::vector<OrderResolved> said;
    const OutsideBook& book = life_->kernel->state().outside.at(kZerodha).book;
    for (const auto& [id, wire] : book.wires()) {
        if (wire.state != WireState::stale && wire.state != WireState::unknown) {
            continue;
        }
        const std::string tag = to_string(OrderTag{kLogNumber, id});
        std::vector<std::string> there;
        for (const kite::LedgerRow& row : exchange_.ledger()) {
            if (row.what == kite::LedgerWhat::place && row.tag == tag) {
                there.push_back(row.order_id);
            }
        }
        if (there.empty() && !line_.is_on_its_way(tag)) {
            said.push_back({id, Resolution::not_placed, {}, "ann", "the book does not have it"});
        } else if (there.size() == 1 && placed_by_person_.insert(id).second) {
            said.push_back({id, Resolution::placed, there.front(), "ann", "it is in the book"});
        } else if (there.size() == 1 && line_.arrivals(tag) == 1) {
            // It was changed by hand, or its trades are booked outside: they stay there, and the order is over here.
            (void)exchange_.cancel(timeline_.now(), kite::Caller::phone(kUser), there.front());
            disowned_.insert(there.front());
            said.push_back({id, Resolution::not_placed, {}, "ann", "it is looked after by hand"});
        }
    }
    for (const OrderResolved& resolved : said) {
        take(resolved);
    }
}

bool LiveWorld::is_quiet() const {
    if (!runs() || !life_->words.empty() || life_->outbox.size() != 0 || !life_->gateway->is_up() ||
        life_->gateway->in_flight() != 0) {
        return false;
    }
    return std::ranges::all_of(life_->kernel->state().outside.at(kZerodha).book.wires(), [](const auto& each) {
        const Wire& wire = each.second;
        return wire.state == WireState::live && !wire.is_ending && wire.cancel == ChangeState::none &&
               (wire.modify == ChangeState::none || wire.is_pending) &&  // a status that nobody knows answers nothing
               std::ranges::all_of(wire.others,
                                   [](const auto& other) { return other.second.cancel == ChangeState::none; });
    });
}

/// Nothing goes wrong any more, nobody decides any more, and people answer what they are asked.
void LiveWorld::go_quiet() {
    is_trading_ = false;
    is_faulty_ = false;
    line_.mend();
    run_until(timeline_.now() + seconds(20));
    if (!runs()) {
        restart();
    }
    if (!is_connected_) {
        connect();
    }
    run_until(timeline_.now() + seconds(90));  // an order may have been stuck for so long
    for (int round = 0; round < 20; ++round) {
        resolve_stale();
        run_until(timeline_.now() + seconds(8));
        if (round > 0 && is_quiet()) {
            return;
        }
    }
    std::string open;
    for (const auto& [id, wire] : life_->kernel->state().outside.at(kZerodha).book.wires()) {
        open += fmt::format(" {} {} cancel {} modify {} ending {} others {};", id.value, name_of(wire.state),
                            static_cast<int>(wire.cancel), static_cast<int>(wire.modify), wire.is_ending,
                            wire.others.size());
    }
    broken("it does not come to rest:" + open);
}

void LiveWorld::next_day() {
    disconnect(SessionChange::down);
    if (plan_.has_final_read) {
        run_until(std::max(timeline_.now(), on_day(0, 55'900)));
        timeline_.come_to(on_day(0, 59'460));
        exchange_.advance(timeline_.now());
        connect();
        run_until(timeline_.now() + seconds(60));
        resolve_stale();
        run_until(timeline_.now() + seconds(60));
        check_settled();
        disconnect(SessionChange::down);
    }
    run_until(std::max(timeline_.now(), on_day(1, 33'000)));
    connect();
    run_until(on_day(1, 33'400));
    is_trading_ = true;
    quote();
    run_until(timeline_.now() + plan_.trades_for);
    go_quiet();
}

void LiveWorld::walk() {
    timeline_.come_to(plan_.begins);
    exchange_.advance(timeline_.now());
    if (!is_mild_) {
        script();
    }
    begin();
    quote();
    someday(300, 4'000, &LiveWorld::keep_checkpoint);
    if (!is_mild_) {
        if (plan_.crashes) {
            someday(1'000, 15'000, &LiveWorld::crash_someday);
        }
        if (plan_.disconnects) {
            someday(1'000, 20'000, &LiveWorld::disconnect_someday);
        }
        if (plan_.kills) {
            someday(1'000, 20'000, &LiveWorld::kill_someday);
            someday(5'000, 20'000, &LiveWorld::halt_someday);
        }
        if (plan_.has_hands) {
            someday(1'000, 10'000, &LiveWorld::trade_by_hand);
            someday(1'000, 10'000, &LiveWorld::change_by_hand);
        }
        if (plan_.has_other_journal) {
            someday(1'000, 10'000, &LiveWorld::other_journal_trades);
        }
        someday(3'000, 15'000, &LiveWorld::release_someday);
        someday(3'000, 15'000, &LiveWorld::thaw_someday);
    }
    run_until(plan_.begins + plan_.trades_for);
    go_quiet();
    check_settled();
    if (plan_.has_next_day && !is_mild_) {
        next_day();
        if (plan_.has_final_read) {
            check_settled();
        }
    }
    check_again();
}

// ---- what must hold -----------------------------------------------------------------------------------------------------

void LiveWorld::check_state() const {
    const State& state = life_->kernel->state();
    check_invariants(state);
    const OutsideBook* const book = state.outside.contains(kZerodha) ? &state.outside.at(kZerodha).book : nullptr;
    if (book == nullptr) {
        return;
    }
    for (const auto* const wires : {&book->wires(), &book->ended()}) {
        for (const auto& [id, wire] : *wires) {
            const Order* const order = state.find_order(id);
            if (order == nullptr) {
                broken("an order is forgotten of which something may come: " + std::to_string(id.value));
            }
            // Fills of a second order of one tag are the first one's here, which may be filled by them; and one that is being made larger by
            // hand fills here when its old total has.
            const bool may_be_filled = wire.is_conflict || wire.announced > wire.confirmed;
            const bool is_over = wire.state == WireState::ended || (may_be_filled && is_terminal(order->status));
            if (is_terminal(order->status) != is_over) {
                broken(fmt::format("an order is over on one side alone: {} {} and {}", id.value, name_of(order->status),
                                   name_of(wire.state)));
            }
        }
    }
    for (const auto& [id, order] : state.open_orders) {
        if (order.broker == kZerodha && !order.held && book->find(id) == nullptr) {
            broken("an open order is not known to its broker's book: " + std::to_string(id.value));
        }
    }
}

namespace {

/// What the exchange knows of one order.
struct Really {
    kite::Origin origin = kite::Origin::api;
    std::string tag;
    Side side = Side::buy;
    std::string symbol;
    bool is_changed_by_hand = false;
    std::int64_t filled = 0;
    std::set<std::string> trades;
    std::vector<kite::Status> ends;
};

}  // namespace

/// All is quiet: what is believed here is what is so there.
void LiveWorld::check_settled() {
    const State& state = life_->kernel->state();
    const OutsideBroker& outside = state.outside.at(kZerodha);
    std::map<std::string, Really> there;
    for (const kite::LedgerRow& row : exchange_.ledger()) {
        Really& really = there[row.order_id];
        switch (row.what) {
        case kite::LedgerWhat::place:
            really.origin = row.origin;
            really.tag = row.tag;
            really.side = row.terms.transaction_type;
            really.symbol = row.terms.tradingsymbol;
            break;
        case kite::LedgerWhat::trade:
            really.filled += row.quantity;
            really.trades.insert(row.terms.exchange + ':' + row.trade_id);
            break;
        case kite::LedgerWhat::end: really.ends.push_back(row.status); break;
        case kite::LedgerWhat::modify:
            really.is_changed_by_hand = really.is_changed_by_hand || row.origin == kite::Origin::phone;
            break;
        case kite::LedgerWhat::cancel: break;
        }
    }
    std::map<std::string, std::vector<const Really*>> by_tag;
    std::map<std::string, std::int64_t> ours;
    std::map<std::string, std::int64_t> others;
    for (const auto& [id, really] : there) {
        const std::int64_t net = really.side == Side::buy ? really.filled : -really.filled;
        if (really.origin == kite::Origin::api && !disowned_.contains(id)) {
            by_tag[really.tag].push_back(&really);
            ours[really.symbol] += net;
        } else {
            others[really.symbol] += net;
        }
    }
    // What the log says that it knows.
    std::set<OrderId> conflicts;
    std::set<OrderId> accepted;
    std::set<OrderId> guessed;  // over, by a fact of no row's
    std::map<OrderId, std::set<std::string>> booked;
    std::map<OrderId, std::vector<std::string>> of_order;
    Bytes rest(log_.bytes);
    for (Seq seq = 0; seq < log_.next_seq(); ++seq) {
        const Result<DecodedEvent> event = decode(rest, seq);
        rest = rest.subspan(event->bytes);
        std::visit(overloaded{[&](const OrderConflict& e) { conflicts.insert(e.order); },
                              [&](const OrderAccepted& e) { accepted.insert(e.order); },
                              [&](const OrderFilled& e) { booked[e.order].insert(e.trade); },
                              [&](const OrderRejected& e) {
                                  if (!accepted.contains(e.order)) {
                                      guessed.insert(e.order);
                                  }
                              },
                              [&](const OrderCancelled& e) {
                                  if (!accepted.contains(e.order)) {
                                      guessed.insert(e.order);
                                  }
                              },
                              [](const auto&) {}},
                   event->event);
    }
    const auto each = [&](const Order& order) {
        if (order.broker != kZerodha) {
            return;
        }
        const std::string tag = to_string(OrderTag{kLogNumber, order.id});
        const auto at = by_tag.find(tag);
        const std::string name = fmt::format("order {} ({}, {} of {})", order.id.value, name_of(order.status),
                                             to_string(order.filled), to_string(order.terms.quantity));
        if (line_.arrivals(tag) > 1) {
            broken(fmt::format("an order is sent twice: {}", name));
        }
        if (at == by_tag.end()) {
            if (!is_terminal(order.status) && !order.held) {
                broken("an order is open that the broker never had: " + name);
            }
            if (order.filled.raw != 0) {
                broken("an order has fills that the broker never had: " + name);
            }
            return;
        }
        const std::vector<const Really*>& reals = at->second;
        const bool is_disputed = conflicts.contains(order.id);
        if (reals.size() > 1 && !is_disputed) {
            broken("the broker has an order twice, and nobody says so: " + name);
        }
        if (guessed.contains(order.id) && !is_disputed) {
            broken("an order is said to be over that the broker took, and nobody says so: " + name);
        }
        const bool has_reason = reals.size() > 1 || reals.front()->is_changed_by_hand || guessed.contains(order.id) ||
                                placed_by_person_.contains(order.id);
        if (is_disputed && !has_reason) {
            broken("everything is latched for an order that is as it was sent: " + name);
        }
        std::int64_t filled = 0;
        std::set<std::string> trades;
        bool is_open = false;
        for (const Really* const real : reals) {
            filled += real->filled;
            trades.insert(real->trades.begin(), real->trades.end());
            is_open = is_open || real->ends.empty();
        }
        if (qty_of(filled) != order.filled || trades != booked[order.id]) {
            broken(fmt::format("the fills of an order are not the broker's: {}, there {}", name, filled));
        }
        if (is_open == is_terminal(order.status)) {
            broken(fmt::format("an order is {} at the broker and not here: {}", is_open ? "open" : "over", name));
        }
        // One that was made larger by hand may fill to its total, or beyond, before its row says so.
        const bool is_grown = reals.front()->is_changed_by_hand && order.status == OrderStatus::filled;
        if (!is_open && !is_disputed && !is_grown && reals.size() == 1) {
            const kite::Status last = reals.front()->ends.front();
            const OrderStatus said = last == kite::Status::complete    ? OrderStatus::filled
                                     : last == kite::Status::cancelled ? OrderStatus::cancelled
                                                                       : OrderStatus::rejected;
            const bool was_late = reals.front()->ends.size() > 1;
            if (order.status != said && !(was_late && order.status == OrderStatus::filled)) {
                broken(fmt::format("an order ended otherwise at the broker ({}): {}", kite::text_of(last), name));
            }
        }
    };
    for (const auto* const orders : {&state.open_orders, &state.closed_orders}) {
        for (const auto& [id, order] : *orders) {
            each(order);
        }
    }
    std::map<InstrumentId, Qty> apart;
    for (const auto& [key, held] : outside.outside) {
        apart[key.first] += held.net;
    }
    for (std::uint32_t i = 0; i < plan_.instruments; ++i) {
        Qty net;
        for (std::uint32_t p = 0; p < plan_.portfolios; ++p) {
            net += state.portfolios[p].position(InstrumentId{i}).net;
        }
        if (net != qty_of(ours[kSymbols.at(i)])) {
            broken(fmt::format("a position is not the sum of its trades: {} here, {} there", to_string(net),
                               ours[kSymbols.at(i)]));
        }
        std::int64_t before = 0;
        for (const kite::AccountSettings& account : make_exchange().accounts) {
            for (const kite::HoldingRow& holding : account.holdings) {
                before += holding.tradingsymbol == kSymbols.at(i) ? holding.quantity : 0;
            }
        }
        if (apart[InstrumentId{i}] != qty_of(others[kSymbols.at(i)] + before)) {
            broken(fmt::format("what is held outside is not what others traded: {} here, {} there",
                               to_string(apart[InstrumentId{i}]), others[kSymbols.at(i)] + before));
        }
    }
    if (const auto differing = differing_positions(state, kZerodha); !differing.empty()) {
        broken("books and account differ when all is quiet");
    }
}

/// The whole log, decided again: once from its beginning, and from a snapshot taken on the way.
void LiveWorld::check_again() const {
    const ComponentsMaker make = [this](const RunConfigured& config) { return make_parts(config); };
    const auto say = [](const Reexecution& again) {
        const Disagreement& at = again.disagreement();
        return fmt::format(" at {}: {} logged, {} decided", at.seq,
                           at.logged ? to_text(at.logged->envelope, at.logged->event, at.names) : "nothing",
                           at.decided ? to_text(at.decided->envelope, at.decided->event, at.names) : "nothing");
    };
    Random random(seed_ + 23);
    Frame frame;
    Reexecution whole(frame, nullptr, make);
    StoredSnapshot snapshot;
    const Seq middle = log_.cuts[log_.cuts.size() / 4 + random.below(log_.cuts.size() / 2)].seq;
    for (const Seq end : {middle, log_.next_seq()}) {
        const Result<bool> fed = whole.feed(log_.frame(whole.next_seq(), end));
        if (!fed) {
            broken("the log cannot be decided again: " + fed.error().message);
        }
        if (!*fed || (end != middle && !whole.end())) {
            broken("the log is decided otherwise the second time" + say(whole));
        }
        if (end == middle && whole.catch_up() && whole.is_between_inputs()) {
            snapshot.next_seq = middle;
            const Kernel& kernel = *whole.kernel();
            save_checkpoint(kernel.state(), kernel.parts().strategies, kernel.parts().venues, std::nullopt,
                            snapshot.bytes);
        }
    }
    if (!(whole.kernel()->state() == life_->kernel->state())) {
        broken("the state is another one the second time");
    }
    if (snapshot.next_seq == 0) {
        return;
    }
    Frame rest;
    const auto cut = Reexecution::from(snapshot, rest, nullptr, make);
    if (!cut) {
        broken("a snapshot cannot be gone on from: " + cut.error().message);
    }
    const Result<bool> fed = (*cut)->feed(log_.frame(middle, log_.next_seq()));
    if (!fed || !*fed || !(*cut)->end()) {
        broken("the log is decided otherwise from a snapshot" + (fed ? say(**cut) : ": " + fed.error().message));
    }
    State folded;
    Bytes bytes(log_.bytes);
    for (Seq seq = 0; seq < log_.next_seq(); ++seq) {
        const Result<DecodedEvent> event = decode(bytes, seq);
        apply(folded, event->envelope, event->event);
        bytes = bytes.subspan(event->bytes);
    }
    if (!(folded == life_->kernel->state())) {
        broken("the log folds into another state");
    }
}

std::vector<std::string> LiveWorld::story(std::size_t most) const {
    std::vector<std::string> lines;
    Names names;
    Bytes bytes(log_.bytes);
    for (Seq seq = 0; seq < log_.next_seq(); ++seq) {
        const Result<DecodedEvent> event = decode(bytes, seq);
        names.learn(event->event);
        if (!std::holds_alternative<QuoteTick>(event->event)) {
            lines.push_back(to_text(event->envelope, event->event, names));
        }
        bytes = bytes.subspan(event->bytes);
    }
    if (lines.size() > most) {
        lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(most));
    }
    return lines;
}

std::vector<std::string> LiveWorld::shadow() const {
    const PortfolioId mine{static_cast<std::uint32_t>(plan_.portfolios)};
    std::map<OrderId, std::size_t> orders;
    std::vector<std::string> lines;
    Bytes bytes(log_.bytes);
    for (Seq seq = 0; seq < log_.next_seq(); ++seq) {
        const Result<DecodedEvent> event = decode(bytes, seq);
        bytes = bytes.subspan(event->bytes);
        const Time at = event->envelope.time;
        const auto say = [&](OrderId order, const char* what, const std::string& how) {
            if (const auto known = orders.find(order); known != orders.end()) {
                lines.push_back(fmt::format("{} order {} {} {}", to_iso(at), known->second, what, how));
            }
        };
        std::visit(overloaded{[&](const OrderIntended& e) {
                                  if (e.portfolio == mine) {
                                      orders.emplace(e.order, orders.size());
                                      say(e.order, "intended",
                                          to_string(e.terms.quantity) + ' ' + to_string(e.terms.limit_price));
                                  }
                              },
                              [&](const OrderFilled& e) {
                                  say(e.order, "filled", to_string(e.quantity) + ' ' + to_string(e.price));
                              },
                              [&](const OrderModified& e) {
                                  say(e.order, "modified", to_string(e.quantity) + ' ' + to_string(e.limit_price));
                              },
                              [&](const OrderCancelled& e) { say(e.order, "cancelled", e.reason); },
                              [&](const OrderRejected& e) { say(e.order, "rejected", e.reason); },
                              [&](const OrderExpired& e) { say(e.order, "expired", {}); }, [](const auto&) {}},
                   event->event);
    }
    return lines;
}

}  // namespace alpha::test
