#include "tests/live/live_world.hpp"

#include "adapters/outside/outside_venue.hpp"
#include "adapters/paper/spec.hpp"
#include "events/order_tag.hpp"
#include "events/text.hpp"
#include "kernel/snapshot.hpp"
#include "runtime/reexecution.hpp"
#include "tests/change_names.hpp"
#include "tests/live/trader.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <fmt/format.h>
#include <tuple>

namespace alpha::test {

namespace {

constexpr Date kThursday{20'783};  // 2026-11-26
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
constexpr Duration kSettling = seconds(20);
constexpr Duration kLongestStuck = seconds(90);  ///< an order at the exchange
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
    Time busy_until = kBeforeAll;  ///< the deciding thread
};

/// Of one process with one broker.
struct LiveWorld::Link {
    Outbox outbox;
    std::optional<Sends> sends;
    std::unique_ptr<KiteClient> client;
    std::optional<Gateway> gateway;
    std::deque<OutsideWord> words;  ///< said by the gateway, and not taken yet
    Time event_time;                ///< as the broker's thread knows it
    std::set<OrderId> unwanted;     ///< to be cancelled, as the deciding thread has told the outbox
    Time busy_until = kBeforeAll;   ///< the broker's thread
    bool hears = false;             ///< the broker may have something to say by itself
    bool is_connected = false;
    std::size_t kills = 0;  ///< that were heard of, and that the kernel has not heard of yet
};

/// A broker outside, and what people do there. What happens at one depends on nothing of another's.
struct LiveWorld::Broker {
    Broker(LiveWorld& world, std::size_t index)
        : id{static_cast<std::uint32_t>(index)},
          plan(world.plan_.of_brokers[index]),
          seed(world.seed_of(index)),
          is_calm(world.is_calm(index)),
          dice(seed + 5),
          exchange(world.make_exchange(index), seed),
          line(world.timeline_, exchange, world.names_,
               {.unreachable_per_thousand = is_calm || seed % 3 != 0 ? 0U : 60U,
                .slowest = is_calm ? ms(20) : plan.slowest_line,
                .sends_again = world.breaks_.sends_again,
                .denies_what_it_sent = world.breaks_.denies_what_it_sent},
               seed + 7) {
        for (std::uint32_t p = 0; p < world.config_.portfolios.size(); ++p) {
            if (world.config_.strategies[p].broker == id) {
                portfolios.push_back(PortfolioId{p});
            }
        }
    }
    bool has(PortfolioId portfolio) const { return std::ranges::find(portfolios, portfolio) != portfolios.end(); }
    PortfolioId any_portfolio() { return portfolios[dice.below(portfolios.size())]; }

    BrokerId id;
    BrokerPlan plan;
    std::uint64_t seed;
    bool is_calm;
    std::vector<PortfolioId> portfolios;
    Random dice;
    kite::KiteExchange exchange;
    KiteLine line;
    std::unique_ptr<Link> link;                    ///< while a process runs
    std::map<PortfolioId, OrderId> killed_before;  ///< orders with smaller numbers are not begun any more
    std::set<OrderId> placed_by_person;
    std::set<std::string> disowned;  ///< orders of the broker's whose trades stay outside, since a person had to say so
    std::uint64_t other_orders = 0;
};

LiveWorld::BrokerPlan LiveWorld::make_broker_plan(Random& random) {
    const auto often = [&](std::uint64_t in_ten) { return random.below(10) < in_ten; };
    BrokerPlan plan;
    plan.portfolios = random.one_in(3) ? 2 : 1;
    plan.is_intraday = often(7);
    plan.rules.ask_after = seconds(std::array<std::int64_t, 4>{5, 10, 20, 120}.at(random.below(4)));
    plan.rules.market_rest = random.one_in(3) ? Duration{} : seconds(random.between(1, 4));
    plan.rules.market_age = seconds(random.between(1, 3));
    plan.rules.backlog = static_cast<std::uint16_t>(random.between(2, 20));
    if (random.one_in(4)) {
        plan.limits.in_window = 4;
        plan.limits.kept_for_cancels = 1;
    }
    plan.disconnects = often(3);
    plan.kills = often(3);
    plan.has_hands = often(4);
    plan.has_other_journal = often(2);
    plan.assigns = often(5);
    plan.closes_missing = often(5);
    plan.slowest_line = ms(random.one_in(3) ? 900 : 60);
    plan.slowest_thread = ms(random.one_in(3) ? 200 : 3);
    return plan;
}

LiveWorld::Plan LiveWorld::make_plan(std::uint64_t seed) {
    Random random(seed);
    const auto often = [&](std::uint64_t in_ten) { return random.below(10) < in_ten; };
    Plan plan;
    plan.has_shadow = random.below(100) < 12;
    plan.brokers = random.one_in(4) ? 2 : 1;
    plan.is_compared = random.one_in(2) && plan.brokers == 2 && !plan.has_shadow;
    plan.is_second_calm = random.one_in(2) && plan.is_compared;
    plan.instruments = random.one_in(2) ? 1 : 2;
    constexpr std::int64_t kMorning = 36'000;
    constexpr std::int64_t kBeforeSquareOff = 55'170;
    constexpr std::int64_t kBeforeClose = 55'770;
    const std::array<std::int64_t, 8> begins{kMorning, kMorning, kMorning,         kMorning,
                                             kMorning, kMorning, kBeforeSquareOff, kBeforeClose};
    plan.begins = on_day(0, begins.at(random.below(begins.size())));
    plan.trades_for = seconds(random.between(15, 60));
    plan.activity = static_cast<std::uint64_t>(random.between(50, 400));
    plan.crashes = often(5) && !plan.has_shadow && !plan.is_compared;
    plan.has_next_day = random.below(100) < 25;
    plan.has_final_read = often(6);
    plan.slowest_disk = ms(random.one_in(4) ? 3'000 : 20);
    plan.slowest_thread = ms(random.one_in(3) ? 200 : 3);
    for (std::size_t b = 0; b < plan.brokers; ++b) {
        plan.of_brokers.push_back(make_broker_plan(random));
    }
    return plan;
}

/// No two brokers draw the same.
std::uint64_t LiveWorld::seed_of(std::size_t broker) const {
    constexpr std::uint64_t kApart = 1'000'003;
    return seed_ + broker * kApart;
}

bool LiveWorld::is_calm(std::size_t broker) const {
    return calm_ == Calm::everywhere || (broker == 0 ? calm_ == Calm::at_first : plan_.is_second_calm);
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
    for (std::size_t b = 0; b < plan_.brokers; ++b) {
        config.brokers.push_back({b == 0 ? "zerodha" : "other", "zerodha", zerodha_spec().canonical({}).value()});
    }
    config.brokers.push_back({"paper", "paper", paper_spec().canonical({}).value()});
    std::vector<InstrumentId> all;
    all.reserve(plan_.instruments);
    for (std::uint32_t i = 0; i < plan_.instruments; ++i) {
        all.push_back(InstrumentId{i});
    }
    const auto add = [&](const std::string& portfolio, std::uint32_t broker, Product product) {
        const PortfolioId id{static_cast<std::uint32_t>(config.portfolios.size())};
        config.portfolios.push_back({portfolio, money_of(100'000'000)});
        StrategyConfig strategy{"trader" + std::to_string(id.value), "trader", id, BrokerId{broker}, all, {}};
        strategy.product = product;
        config.strategies.push_back(strategy);
    };
    for (std::uint32_t b = 0; b < plan_.brokers; ++b) {
        const BrokerPlan& broker = plan_.of_brokers[b];
        for (std::size_t p = 0; p < broker.portfolios; ++p) {
            add("real" + std::to_string(config.portfolios.size()), b, broker.is_intraday ? Product::mis : Product::cnc);
        }
    }
    if (plan_.has_shadow) {
        add("shadow", static_cast<std::uint32_t>(plan_.brokers), Product::none);
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

kite::Settings LiveWorld::make_exchange(std::size_t broker) const {
    const std::uint64_t seed = seed_of(broker);
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
    account.cash = money_of(is_calm(broker) || seed % 5 != 0 ? 100'000'000 : 100'000);
    if (!plan_.of_brokers[broker].is_intraday || seed % 3 == 0) {
        kite::HoldingRow held;
        held.exchange = "NSE";
        held.tradingsymbol = kSymbols.front();
        held.quantity = 40;
        held.average_price = price_of(900);
        account.holdings.push_back(held);
    }
    settings.accounts.push_back(account);
    if (!is_calm(broker)) {
        Random random(seed + 11);
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
void LiveWorld::script(Broker& broker) {
    using kite::Answer;
    using kite::ReplyKind;
    using kite::Route;
    Random random(broker.seed + 17);
    const Time until = plan_.begins + plan_.trades_for;
    const auto add_always = [&](Route route, std::uint32_t per_thousand, kite::FaultEffect effect) {
        kite::FaultWhen when;
        when.route = route;
        when.per_thousand = per_thousand;
        when.until = until;
        broker.exchange.add_fault({when, std::move(effect)});
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

LiveWorld::LiveWorld(std::uint64_t seed, Breaks breaks, Calm calm)
    : seed_(seed),
      breaks_(breaks),
      calm_(calm),
      plan_(make_plan(seed)),
      market_(seed + 3),
      dice_(seed + 29),
      config_(make_config()),
      names_(config_.instruments),
      mids_(plan_.instruments, price_of(1'000)) {
    for (std::size_t b = 0; b < plan_.brokers; ++b) {
        brokers_.emplace_back(*this, b);
    }
}

LiveWorld::~LiveWorld() = default;

void LiveWorld::broken(const std::string& what) {
    throw Broken(what);
}

const OutsideBroker& LiveWorld::known_of(const Broker& broker) const {
    return life_->kernel->state().outside.at(broker.id);
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
    for (const Broker& broker : brokers_) {
        take(BrokerRulesSet{broker.id, kLogNumber, broker.plan.rules});
    }
    durable_ = log_.next_seq();
    make_links();
}

void LiveWorld::make_links() {
    for (Broker& broker : brokers_) {
        broker.link = std::make_unique<Link>();
        Link& link = *broker.link;
        link.event_time = timeline_.now();
        link.sends.emplace(life_->kernel->state(), broker.id, link.outbox, broker.plan.limits);
        link.client = std::make_unique<KiteClient>(
            broker.line, KiteClient::Ears{[&link, this](SendToken token, const SendAnswer& answer) {
                                              link.gateway->answered(token, answer, timeline_.now());
                                          },
                                          [&link, this](const std::optional<OutsideRead>& read) {
                                              link.gateway->was_read(read, timeline_.now());
                                          }});
        link.gateway.emplace(
            *link.client, [&link](const OutsideWord& word, std::string_view) { link.words.push_back(word); },
            [&broker, this](const OutsideMessage& message, Time now) {
                Turn turn = breaks_.places_after_kill ? Turn::begin : broker.link->outbox.turn_of(message, now);
                if (breaks_.places_what_is_cancelled && turn == Turn::withhold_cancelled) {
                    turn = Turn::begin;
                }
                if (turn == Turn::begin) {
                    on_begin(broker, message);
                }
                return turn;
            },
            GatewaySettings{},
            [&link, this] { return plan_.is_compared ? timeline_.now() : link.event_time; });  // nobody lags there
        link.outbox.set_durable(breaks_.sends_before_durable ? kNoSeq : durable_);
        connect(broker);
    }
}

void LiveWorld::connect(Broker& broker) {
    broker.line.login(kUser);
    broker.link->is_connected = true;
    broker.link->gateway->connect(timeline_.now());
}

void LiveWorld::disconnect(Broker& broker, SessionChange why) {
    broker.link->is_connected = false;
    broker.link->gateway->disconnect(why);
}

/// The process is gone, with all that was not durable; the disk may hold more than it has promised.
void LiveWorld::crash() {
    if (checkpoint_ && checkpoint_->next_seq > durable_) {
        checkpoint_.reset();
    }
    const Seq end = log_.next_seq();
    log_.cut_to(dice_.one_in(2) ? durable_ : durable_ + dice_.below(end - durable_ + 1));
    durable_ = log_.next_seq();
    for (Broker& broker : brokers_) {
        broker.link.reset();
        broker.killed_before.clear();
    }
    life_.reset();
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
        for (const Broker& broker : brokers_) {
            take(BrokerSessionChanged{broker.id, SessionChange::restarted});
        }
    }
    make_links();
}

/// The first byte of it is about to leave.
void LiveWorld::on_begin(const Broker& broker, const OutsideMessage& message) const {
    if (message.seq >= durable_) {
        broken("a message leaves that a crash would forget");
    }
    const Order* const order = life_->kernel->state().find_order(message.started.order);
    if (order->broker != broker.id) {
        broken("an order's message goes to another broker");
    }
    if (message.started.what != Send::place) {
        return;
    }
    // An exit is decided when its entry fills.
    const Wire& wire = *known_of(broker).book.find(order->id);
    if (wire.decided < restarted_) {
        broken("an order leaves that was decided before a restart");
    }
    if (const auto at = broker.killed_before.find(order->portfolio);
        at != broker.killed_before.end() && order->id < at->second) {
        broken("an order leaves after a kill");
    }
    if (broker.link->unwanted.contains(order->id)) {
        broken("an order leaves that was to be cancelled");
    }
}

/// As the threads of a session do it: words, what is wished after them, and the brokers' side, until there is nothing left for now.
void LiveWorld::pump() {
    const Time now = timeline_.now();
    for (bool goes_on = runs(); goes_on;) {
        if (now >= life_->busy_until) {
            decide();
        }
        for (Broker& broker : brokers_) {
            if (now >= broker.link->busy_until) {
                serve(broker);
            }
        }
        goes_on = now >= life_->busy_until &&
                  std::ranges::any_of(brokers_, [](const Broker& broker) { return !broker.link->words.empty(); });
    }
}

void LiveWorld::decide() {
    const Time now = timeline_.now();
    // Whether somebody has something to say just then changes nothing; but a session's end waits for what comes at that moment.
    const bool ends = kite::kCashHours.close_on(kite::kCashHours.date_of(now)) == now;
    while (ends ? life_->kernel->next_due() < now : life_->kernel->next_due() <= now) {
        life_->kernel->step_due(now, false);
        after_input();
    }
    for (Broker& broker : brokers_) {
        take_words(broker);
    }
    start_sends();
    // While it is busy nobody's words are taken, and what a broker does would not be told from what it does alone.
    if (calm_ != Calm::everywhere && !plan_.is_compared && dice_.one_in(8)) {
        life_->busy_until = now + dice_.ms(0, plan_.slowest_thread.ns / 1'000'000);
    }
}

void LiveWorld::take_words(Broker& broker) {
    Link& link = *broker.link;
    const BrokerId from = broker.id;
    const BrokerId rows_from = breaks_.mixes_up_rows && plan_.brokers == 2 ? BrokerId{1 - from.value} : from;
    while (!link.words.empty()) {
        OutsideWord word = std::move(link.words.front());
        link.words.pop_front();
        std::visit(overloaded{[&](SessionChange change) { take(BrokerSessionChanged{from, change}); },
                              [&](SendEnded& ended) {
                                  take(ended);
                                  if (ended.outcome == SendOutcome::doubtful) {
                                      link.sends->halve(timeline_.now());
                                  }
                              },
                              [&](BrokerOrderSeen& row) {
                                  row.broker = rows_from;
                                  take(row);
                              },
                              [&](BrokerTradeSeen& row) {
                                  row.broker = rows_from;
                                  take(row);
                              },
                              [&](auto& said) {
                                  said.broker = from;
                                  take(said);
                              }},
                   word);
    }
}

void LiveWorld::start_sends() {
    std::size_t begun = 0;
    for (Broker& broker : brokers_) {
        begun += broker.link->sends->start(*life_->kernel, timeline_.now());
        after_input();
        broker.link->event_time = timeline_.now();
        if (const auto expected = broker.link->sends->expected(life_->kernel->state())) {
            broker.link->gateway->expect(expected->unsure, expected->working);
        }
        broker.link->unwanted.clear();
        for (const auto& [id, wire] : known_of(broker).book.wires()) {
            if (wire.state == WireState::sending && wire.cancel == ChangeState::wanted) {
                broker.link->unwanted.insert(id);
            }
        }
    }
    if (begun != 0) {
        const bool is_even = calm_ == Calm::everywhere || plan_.is_compared;
        const Duration disk = is_even ? ms(1) : dice_.ms(0, plan_.slowest_disk.ns / 1'000'000);
        timeline_.after(disk, [this, seq = log_.next_seq(), is = life_.get()] {
            if (life_.get() == is) {
                durable_ = std::max(durable_, seq);
                for (Broker& broker : brokers_) {
                    broker.link->outbox.set_durable(seq);
                }
            }
        });
    }
}

/// The broker's thread, which another broker's events do not wake.
void LiveWorld::serve(Broker& broker) {
    Link& link = *broker.link;
    const Time now = timeline_.now();
    const bool is_due = link.gateway->next_due() <= now;
    bool has_work = std::exchange(link.hears, false) || is_due;
    if (has_work) {
        const std::vector<kite::OrderRow> updates = broker.exchange.take_updates(now, kUser);
        if (!updates.empty() && link.is_connected) {
            if (breaks_.takes_hints_for_truth) {
                for (const kite::OrderRow& row : updates) {
                    link.words.emplace_back(kite::word_of(row, names_).value());
                }
            } else {
                link.gateway->hint(now);
            }
        }
    }
    while (const std::optional<OutsideMessage> message = link.outbox.take()) {
        Broker& to = breaks_.mixes_up_messages && plan_.brokers == 2
                         ? (&broker == &brokers_.front() ? brokers_.back() : brokers_.front())
                         : broker;
        to.link->gateway->send(*message, now);
        has_work = true;
    }
    if (is_due) {
        link.gateway->tick(now);
    }
    if (has_work && !broker.is_calm && broker.dice.one_in(8)) {
        link.busy_until = now + broker.dice.ms(0, broker.plan.slowest_thread.ns / 1'000'000);
    }
}

void LiveWorld::run_until(Time end) {
    while (timeline_.now() < end) {
        pump();
        Time next = std::min(timeline_.next(), end);
        if (runs()) {
            Time decides = life_->kernel->next_due();
            for (const Broker& broker : brokers_) {
                const Link& link = *broker.link;
                const Time waits = link.words.empty() ? kNever : timeline_.now();
                decides = std::min({decides, link.sends->next_due(), waits});
                const bool is_held_up = link.busy_until > timeline_.now();
                next = std::min(next, is_held_up ? link.busy_until : link.gateway->next_due());
            }
            next = std::min(next, std::max(decides, life_->busy_until));
        }
        next = std::max(next, timeline_.now() + Duration{1});
        if (timeline_.next() <= next) {
            // All of one moment: whether another broker has something just then changes nothing.
            do {
                timeline_.run_next();
            } while (timeline_.next() <= timeline_.now());
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
    for (Broker& broker : brokers_) {
        broker.exchange.quote(now, "NSE", kSymbols.at(i), {bid, bids, ask, asks, mids_[i]});
        if (runs()) {
            broker.link->hears = true;
        }
    }
    if (runs()) {
        while (life_->kernel->next_due() < now) {
            life_->kernel->advance(now, 1);
        }
        take(QuoteTick{InstrumentId{static_cast<std::uint32_t>(i)}, bid, ask, qty_of(bids), qty_of(asks)});
    }
}

/// Again and again as long as things may go wrong.
void LiveWorld::someday(Random& dice, std::int64_t least_ms, std::int64_t most_ms, std::function<void()> what) {
    timeline_.after(dice.ms(least_ms, most_ms), [this, &dice, least_ms, most_ms, what = std::move(what)] {
        if (is_faulty_) {
            what();
            someday(dice, least_ms, most_ms, what);
        }
    });
}

void LiveWorld::crash_someday() {
    if (runs()) {
        crash();
        timeline_.after(dice_.ms(100, 9'000), [this] { restart(); });
    }
}

void LiveWorld::disconnect_someday(Broker& broker) {
    if (runs() && broker.link->is_connected) {
        disconnect(broker, broker.dice.one_in(2) ? SessionChange::down : SessionChange::login_needed);
        timeline_.after(broker.dice.ms(10, 6'000), [this, &broker, is = life_.get()] {
            if (life_.get() == is && !broker.link->is_connected) {
                connect(broker);
            }
        });
    }
}

/// Whoever hears of it first holds places back where the portfolio trades; the kernel hears of it later. Some kill all there is.
void LiveWorld::kill_someday(Broker& broker) {
    if (!runs()) {
        return;
    }
    std::vector<PortfolioId> killed{broker.any_portfolio()};
    const LatchScope scope = broker.dice.one_in(4)   ? LatchScope::entries
                             : broker.dice.one_in(3) ? LatchScope::flatten
                                                     : LatchScope::all;
    if (plan_.brokers == 2 && !plan_.is_compared && broker.dice.one_in(4)) {
        killed.clear();
        for (const Broker& each : brokers_) {
            killed.insert(killed.end(), each.portfolios.begin(), each.portfolios.end());
        }
    }
    const auto is_killed_at = [&](const Broker& at) {
        return std::ranges::any_of(killed, [&](PortfolioId portfolio) { return at.has(portfolio); });
    };
    std::vector<Broker*> holding;
    for (Broker& each : brokers_) {
        const bool holds =
            breaks_.holds_everywhere || (breaks_.holds_at_first ? &each == &brokers_.front() : is_killed_at(each));
        if (holds) {
            each.link->outbox.hold_places(true);
            ++each.link->kills;
            holding.push_back(&each);
        }
    }
    // The kill is for what was decided before it, where it is wider than the one that stands.
    const auto note = [this, scope](PortfolioId portfolio, OrderId next) {
        if (scope != LatchScope::entries && life_->kernel->state().portfolios[portfolio.value].latch < scope) {
            const auto at = std::ranges::find_if(brokers_, [&](const Broker& each) { return each.has(portfolio); });
            at->killed_before[portfolio] = next;
        }
    };
    for (const PortfolioId portfolio : killed) {
        note(portfolio, life_->kernel->state().next_order);
    }
    const std::int64_t latest_ms = broker.dice.one_in(3) ? 900 : 50;  // the deciding thread may be busy
    timeline_.after(broker.dice.ms(0, latest_ms), [this, killed, holding, scope, note, is = life_.get()] {
        if (life_.get() != is) {
            return;
        }
        for (const PortfolioId portfolio : killed) {
            note(portfolio, life_->kernel->state().next_order);
            take(KillRequest{portfolio, scope});
        }
        for (Broker* const each : holding) {
            if (--each->link->kills == 0) {
                each->link->outbox.release(life_->kernel->state().next_seq);
            }
        }
    });
}

void LiveWorld::release_someday(Broker& broker) {
    for (std::size_t p = 0; runs() && p < broker.portfolios.size(); ++p) {
        if (life_->kernel->state().portfolios[broker.portfolios[p].value].latch != LatchScope::none) {
            take(ReleaseRequest{broker.portfolios[p]});
        }
    }
}

void LiveWorld::trade_by_hand(Broker& broker) {
    (void)broker.exchange.place(timeline_.now(), kite::Caller::phone(kUser),
                                by_hand(broker.dice, plan_.instruments, mids_, broker.plan.is_intraday));
}

void LiveWorld::other_journal_trades(Broker& broker) {
    kite::PlaceOrder order = by_hand(broker.dice, plan_.instruments, mids_, broker.plan.is_intraday);
    order.tag = to_string(OrderTag{breaks_.tags_without_log ? kLogNumber : kOtherLog, OrderId{++broker.other_orders}});
    (void)broker.exchange.place(timeline_.now(), kite::Caller::phone(kUser), order);
}

/// A person cancels or changes an order of ours.
void LiveWorld::change_by_hand(Broker& broker) {
    std::vector<const kite::LedgerRow*> ours;
    for (const kite::LedgerRow& row : broker.exchange.ledger()) {
        if (row.what == kite::LedgerWhat::place && row.origin == kite::Origin::api) {
            ours.push_back(&row);
        }
    }
    if (ours.empty()) {
        return;
    }
    Random& dice = broker.dice;
    const kite::LedgerRow& row = *ours[ours.size() - 1 - dice.below(std::min<std::size_t>(ours.size(), 3))];
    const kite::Caller phone = kite::Caller::phone(kUser);
    if (dice.one_in(2)) {
        (void)broker.exchange.cancel(timeline_.now(), phone, std::string(row.order_id));
        return;
    }
    kite::ModifyOrder change;
    change.order_id = row.order_id;
    change.quantity = std::max<std::int64_t>(1, row.terms.quantity + dice.between(-2, 5));
    if (dice.one_in(2) && row.terms.price.raw != 0) {
        change.price = Price{row.terms.price.raw + dice.between(-3, 3) * kTick.raw};
    }
    (void)broker.exchange.modify(timeline_.now(), phone, change);
}

/// A person says whose it is what lies outside: something of it, or all.
void LiveWorld::assign(Broker& broker, bool all) {
    if (!runs()) {
        return;
    }
    const auto lying = known_of(broker).outside;
    for (const auto& [key, held] : lying) {
        const auto& [instrument, product] = key;
        const bool is_short = held.net.raw < 0;
        const std::int64_t most = abs(held.net).raw / qty_of(1).raw;
        const std::int64_t count = all ? most : broker.dice.between(1, most);
        const Price price{mids_[instrument.value].raw + broker.dice.between(-20, 20) * kTick.raw};
        take(OutsideAssigned{broker.any_portfolio(), broker.id, instrument, product, qty_of(is_short ? -count : count),
                             price, "ann", "it was meant for it"});
    }
}

void LiveWorld::thaw_someday(Broker& broker) {
    if (runs()) {
        const std::set<InstrumentId> frozen = known_of(broker).book.frozen();
        for (const InstrumentId instrument : frozen) {
            take(InstrumentThawed{broker.id, instrument, "ann", "looked at"});
        }
    }
}

void LiveWorld::halt_someday(Broker& broker) {
    if (!runs()) {
        return;
    }
    const StrategyId strategy{broker.any_portfolio().value};  // each has one
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
void LiveWorld::resolve_stale(Broker& broker) {
    if (!runs()) {
        return;
    }
    std::vector<OrderResolved> said;
    for (const auto& [id, wire] : known_of(broker).book.wires()) {
        if (wire.state != WireState::stale && wire.state != WireState::unknown) {
            continue;
        }
        const std::string tag = to_string(OrderTag{kLogNumber, id});
        std::vector<std::string> there;
        for (const kite::LedgerRow& row : broker.exchange.ledger()) {
            if (row.what == kite::LedgerWhat::place && row.tag == tag) {
                there.push_back(row.order_id);
            }
        }
        if (there.empty() && !broker.line.is_on_its_way(tag)) {
            said.push_back({id, Resolution::not_placed, {}, "ann", "the book does not have it"});
        } else if (there.size() == 1 && broker.placed_by_person.insert(id).second) {
            said.push_back({id, Resolution::placed, there.front(), "ann", "it is in the book"});
        } else if (there.size() == 1 && broker.line.arrivals(tag) == 1) {
            // It was changed by hand, or its trades are booked outside: they stay there, and the order is over here.
            (void)broker.exchange.cancel(timeline_.now(), kite::Caller::phone(kUser), there.front());
            broker.disowned.insert(there.front());
            said.push_back({id, Resolution::not_placed, {}, "ann", "it is looked after by hand"});
        }
    }
    for (const OrderResolved& resolved : said) {
        take(resolved);
    }
}

/// Orders whose day ended unseen stay open until a person says that they are over.
void LiveWorld::close_missing(const Broker& broker) {
    std::vector<OrderResolved> said;
    for (const auto& [id, wire] : known_of(broker).book.wires()) {
        if (wire.is_missing && wire.day < kite::kCashHours.date_of(timeline_.now())) {
            said.push_back({id, Resolution::closed, {}, "ann", "its day is over"});
        }
    }
    for (const OrderResolved& resolved : said) {
        take(resolved);
    }
}

bool LiveWorld::is_quiet(const Broker& broker) const {
    const Link& link = *broker.link;
    if (!link.words.empty() || link.outbox.size() != 0 || !link.gateway->is_up() || link.gateway->in_flight() != 0) {
        return false;
    }
    return std::ranges::all_of(known_of(broker).book.wires(), [](const auto& each) {
        const Wire& wire = each.second;
        return wire.state == WireState::live && !wire.is_ending && wire.cancel == ChangeState::none &&
               (wire.modify == ChangeState::none || wire.is_pending) &&  // a status that nobody knows answers nothing
               std::ranges::all_of(wire.others,
                                   [](const auto& other) { return other.second.cancel == ChangeState::none; });
    });
}

bool LiveWorld::is_quiet() const {
    return runs() && std::ranges::all_of(brokers_, [this](const Broker& broker) { return is_quiet(broker); });
}

/// Nothing goes wrong any more, nobody decides any more, and people answer what they are asked.
void LiveWorld::go_quiet() {
    is_trading_ = false;
    is_faulty_ = false;
    for (Broker& broker : brokers_) {
        broker.line.mend();
    }
    run_until(timeline_.now() + kSettling);
    if (!runs()) {
        restart();
    }
    for (Broker& broker : brokers_) {
        if (!broker.link->is_connected) {
            connect(broker);
        }
    }
    run_until(timeline_.now() + kLongestStuck);
    for (int round = 0; round < 20; ++round) {
        for (Broker& broker : brokers_) {
            resolve_stale(broker);
            if (round == 0 && broker.plan.closes_missing) {
                close_missing(broker);
            }
            if (round == 0 && broker.plan.assigns && broker.dice.one_in(3)) {
                assign(broker, true);
            }
        }
        run_until(timeline_.now() + seconds(8));
        if (round > 0 && is_quiet()) {
            return;
        }
    }
    std::string open;
    for (const Broker& broker : brokers_) {
        for (const auto& [id, wire] : known_of(broker).book.wires()) {
            open += fmt::format(" {} {} cancel {} modify {} ending {} others {};", id.value, name_of(wire.state),
                                name_of_change(wire.cancel), name_of_change(wire.modify), wire.is_ending,
                                wire.others.size());
        }
    }
    broken("it does not come to rest:" + open);
}

void LiveWorld::next_day() {
    for (Broker& broker : brokers_) {
        disconnect(broker, SessionChange::down);
    }
    if (plan_.has_final_read) {
        run_until(std::max(timeline_.now(), on_day(0, 55'900)));
        timeline_.come_to(on_day(0, 59'460));
        for (Broker& broker : brokers_) {
            broker.exchange.advance(timeline_.now());
            connect(broker);
        }
        run_until(timeline_.now() + seconds(60));
        for (Broker& broker : brokers_) {
            resolve_stale(broker);
        }
        run_until(timeline_.now() + seconds(60));
        check_settled();
        for (Broker& broker : brokers_) {
            disconnect(broker, SessionChange::down);
        }
    } else {
        blind_from_ = timeline_.now();
        blind_until_ = on_day(1, 0);
    }
    run_until(std::max(timeline_.now(), on_day(1, 33'000)));
    for (Broker& broker : brokers_) {
        connect(broker);
    }
    run_until(on_day(1, 33'400));
    is_trading_ = true;
    quote();
    run_until(timeline_.now() + plan_.trades_for);
    go_quiet();
}

void LiveWorld::begin_troubles(Broker& broker) {
    const auto may = [&](bool does, std::int64_t least_ms, std::int64_t most_ms, void (LiveWorld::*what)(Broker&)) {
        if (does) {
            someday(broker.dice, least_ms, most_ms, [this, &broker, what] { (this->*what)(broker); });
        }
    };
    may(broker.plan.disconnects, 1'000, 20'000, &LiveWorld::disconnect_someday);
    may(broker.plan.kills, 1'000, 20'000, &LiveWorld::kill_someday);
    may(broker.plan.kills, 5'000, 20'000, &LiveWorld::halt_someday);
    may(broker.plan.has_hands, 1'000, 10'000, &LiveWorld::trade_by_hand);
    may(broker.plan.has_hands, 1'000, 10'000, &LiveWorld::change_by_hand);
    may(broker.plan.has_other_journal, 1'000, 10'000, &LiveWorld::other_journal_trades);
    may(broker.plan.assigns, 2'000, 15'000, &LiveWorld::assign_something);
    may(true, 3'000, 15'000, &LiveWorld::release_someday);
    may(true, 3'000, 15'000, &LiveWorld::thaw_someday);
}

void LiveWorld::walk_alone() {
    timeline_.come_to(plan_.begins);
    for (Broker& broker : brokers_) {
        broker.exchange.advance(timeline_.now());
        if (!broker.is_calm) {
            script(broker);
        }
    }
    begin();
    quote();
    someday(dice_, 300, 4'000, [this] { keep_checkpoint(); });
    if (plan_.crashes && calm_ == Calm::nowhere) {
        someday(dice_, 1'000, 15'000, [this] { crash_someday(); });
    }
    for (Broker& broker : brokers_) {
        if (!broker.is_calm) {
            begin_troubles(broker);
        }
    }
    run_until(plan_.begins + plan_.trades_for);
    go_quiet();
    check_settled();
    if (plan_.has_next_day && calm_ == Calm::nowhere) {
        next_day();
        check_settled();
    }
    check_again();
}

void LiveWorld::walk() {
    walk_alone();
    const auto compare = [this](Calm calm, const std::vector<PortfolioId>& portfolios, const char* what) {
        LiveWorld other(seed_, breaks_, calm);
        other.walk_alone();
        const std::vector<std::string> ours = deeds(portfolios);
        const std::vector<std::string> theirs = other.deeds(portfolios);
        if (ours != theirs) {
            const auto [mine, its] = std::ranges::mismatch(ours, theirs);
            broken(fmt::format("{}: {}, and otherwise: {}", what, mine == ours.end() ? "nothing" : *mine,
                               its == theirs.end() ? "nothing" : *its));
        }
    };
    if (plan_.has_shadow) {
        compare(Calm::everywhere, {PortfolioId{static_cast<std::uint32_t>(config_.portfolios.size() - 1)}},
                "what a paper broker does depends on a broker outside");
    }
    if (plan_.is_compared) {
        compare(Calm::at_first, brokers_.back().portfolios, "what a broker does depends on another one outside");
    }
}

// ---- what must hold -----------------------------------------------------------------------------------------------------

void LiveWorld::check_state() const {
    check_invariants(life_->kernel->state());
    for (const Broker& broker : brokers_) {
        if (life_->kernel->state().outside.contains(broker.id)) {
            check_state(broker);
        }
    }
}

void LiveWorld::check_state(const Broker& broker) const {
    const State& state = life_->kernel->state();
    const OutsideBook& book = known_of(broker).book;
    for (const auto* const wires : {&book.wires(), &book.ended()}) {
        for (const auto& [id, wire] : *wires) {
            const Order* const order = state.find_order(id);
            if (order == nullptr) {
                broken("an order is forgotten of which something may come: " + std::to_string(id.value));
            }
            if (order->broker != broker.id) {
                broken("an order is in another broker's book: " + std::to_string(id.value));
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
        if (order.broker == broker.id && !order.held && book.find(id) == nullptr) {
            broken("an open order is not known to its broker's book: " + std::to_string(id.value));
        }
    }
}

/// What the exchange knows of one order.
struct LiveWorld::Really {
    kite::Origin origin = kite::Origin::api;
    std::string tag;
    Side side = Side::buy;
    std::string symbol;
    bool is_ours = false;  ///< of an order here, as far as a person has not said otherwise
    bool is_changed_by_hand = false;
    bool has_unseen = false;  ///< something became of it where nobody could see it
    std::int64_t filled = 0;  ///< as far as it could be seen, as are the trades
    std::int64_t filled_unseen = 0;
    std::set<std::string> trades;
    std::vector<kite::Status> ends;
};

std::map<std::string, LiveWorld::Really> LiveWorld::read_ledger(const Broker& broker) const {
    std::map<std::string, Really> there;
    for (const kite::LedgerRow& row : broker.exchange.ledger()) {
        Really& really = there[row.order_id];
        really.has_unseen = really.has_unseen || is_unseen(row.time);
        switch (row.what) {
        case kite::LedgerWhat::place:
            really.origin = row.origin;
            really.tag = row.tag;
            really.side = row.terms.transaction_type;
            really.symbol = row.terms.tradingsymbol;
            really.is_ours = row.origin == kite::Origin::api && !broker.disowned.contains(row.order_id);
            break;
        case kite::LedgerWhat::trade:
            if (is_unseen(row.time)) {
                really.filled_unseen += row.quantity;
            } else {
                really.filled += row.quantity;
                really.trades.insert(row.terms.exchange + ':' + row.trade_id);
            }
            break;
        case kite::LedgerWhat::end: really.ends.push_back(row.status); break;
        case kite::LedgerWhat::modify:
            really.is_changed_by_hand = really.is_changed_by_hand || row.origin == kite::Origin::phone;
            break;
        case kite::LedgerWhat::cancel: break;
        }
    }
    return there;
}

/// What the log says that it knows.
struct LiveWorld::Logged {
    using TradeKey = std::tuple<BrokerId, Date, std::string>;
    std::map<OrderId, OrderIntended> intended;
    std::set<OrderId> conflicts;
    std::set<OrderId> accepted;
    std::set<OrderId> guessed;  // over, by a fact of no row's
    std::set<OrderId> missing;  // said to differ from what the broker has
    std::map<OrderId, std::set<std::string>> booked;
    std::map<TradeKey, int> to_orders;  ///< how often it was booked
    std::map<TradeKey, int> outside;
    std::map<std::pair<PortfolioId, InstrumentId>, Qty> came;  ///< by fills, and from outside
    std::map<std::pair<BrokerId, InstrumentId>, Qty> assigned;
    std::set<std::pair<BrokerId, InstrumentId>> looked_at;  ///< by a person, since they differed
};

LiveWorld::Logged LiveWorld::read_log() const {
    Logged logged;
    Bytes rest(log_.bytes);
    for (Seq seq = 0; seq < log_.next_seq(); ++seq) {
        const Result<DecodedEvent> event = decode(rest, seq);
        rest = rest.subspan(event->bytes);
        const Date day = kite::kCashHours.date_of(event->envelope.time);
        const auto end = [&](OrderId order) {
            if (!logged.accepted.contains(order)) {
                logged.guessed.insert(order);
            }
        };
        std::visit(overloaded{[&](const OrderIntended& e) { logged.intended.emplace(e.order, e); },
                              [&](const OrderConflict& e) { logged.conflicts.insert(e.order); },
                              [&](const OrderAccepted& e) { logged.accepted.insert(e.order); },
                              [&](const OrderFilled& e) {
                                  logged.booked[e.order].insert(e.trade);
                                  logged.came[{e.portfolio, e.instrument}] += signed_qty(e.side, e.quantity);
                                  ++logged.to_orders[{logged.intended.at(e.order).broker, day, e.trade}];
                              },
                              [&](const OutsideFilled& e) {
                                  if (!e.exchange.empty()) {
                                      logged.outside[{e.broker, day, e.exchange + ':' + e.trade}] += e.leaves ? -1 : 1;
                                  }
                              },
                              [&](const OutsideAssigned& e) {
                                  logged.came[{e.portfolio, e.instrument}] += e.quantity;
                                  logged.assigned[{e.broker, e.instrument}] += e.quantity;
                                  logged.looked_at.insert({e.broker, e.instrument});
                              },
                              [&](const InstrumentThawed& e) { logged.looked_at.insert({e.broker, e.instrument}); },
                              [&](const ReconciliationDiffers& e) {
                                  logged.missing.insert(e.order);
                                  logged.looked_at.erase({e.broker, e.instrument});
                              },
                              [&](const OrderRejected& e) { end(e.order); },
                              [&](const OrderCancelled& e) { end(e.order); }, [](const auto&) {}},
                   event->event);
    }
    return logged;
}

/// All is quiet: what is believed here is what is so there, as far as it could be seen.
void LiveWorld::check_settled() {
    const Logged logged = read_log();
    for (const Broker& broker : brokers_) {
        const std::map<std::string, Really> there = read_ledger(broker);
        check_orders(broker, logged, there);
        check_trades(broker, logged);
        check_positions(broker, logged, there);
    }
}

void LiveWorld::check_orders(const Broker& broker, const Logged& logged,
                             const std::map<std::string, Really>& there) const {
    const State& state = life_->kernel->state();
    std::map<std::string, std::vector<const Really*>> by_tag;
    for (const auto& [id, really] : there) {
        if (!really.is_ours) {
            continue;
        }
        by_tag[really.tag].push_back(&really);
        const auto tag = parse_order_tag(really.tag);
        const auto order = tag ? logged.intended.find(tag->order) : logged.intended.end();
        if (order == logged.intended.end() || order->second.broker != broker.id) {
            broken("the broker has an order that nobody here gave to it: " + really.tag);
        }
    }
    const auto each = [&](const Order& order) {
        if (order.broker != broker.id) {
            return;
        }
        const std::string tag = to_string(OrderTag{kLogNumber, order.id});
        const auto at = by_tag.find(tag);
        const std::string name = fmt::format("order {} ({}, {} of {})", order.id.value, name_of(order.status),
                                             to_string(order.filled), to_string(order.terms.quantity));
        if (broker.line.arrivals(tag) > 1) {
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
        const bool is_disputed = logged.conflicts.contains(order.id);
        const bool is_guessed = logged.guessed.contains(order.id);
        if (reals.size() > 1 && !is_disputed) {
            broken("the broker has an order twice, and nobody says so: " + name);
        }
        if (is_guessed && !is_disputed) {
            broken("an order is said to be over that the broker took, and nobody says so: " + name);
        }
        const bool has_reason = reals.size() > 1 || reals.front()->is_changed_by_hand || is_guessed ||
                                broker.placed_by_person.contains(order.id);
        if (is_disputed && !has_reason) {
            broken("everything is latched for an order that is as it was sent: " + name);
        }
        std::int64_t filled = 0;
        std::set<std::string> trades;
        bool is_open = false;
        bool has_unseen = false;
        for (const Really* const real : reals) {
            filled += real->filled;
            trades.insert(real->trades.begin(), real->trades.end());
            is_open = is_open || real->ends.empty();
            has_unseen = has_unseen || real->has_unseen;
        }
        const auto booked = logged.booked.find(order.id);
        if (qty_of(filled) != order.filled ||
            trades != (booked == logged.booked.end() ? std::set<std::string>{} : booked->second)) {
            broken(fmt::format("the fills of an order are not the broker's: {}, there {}", name, filled));
        }
        const Wire* const wire = known_of(broker).book.find(order.id);
        if (has_unseen) {  // what became of it nobody guesses: it is said to be missing, and a person closes it
            if (!logged.missing.contains(order.id)) {
                broken("nobody saw what became of an order, and nobody says so: " + name);
            }
            const bool is_closed = wire != nullptr && wire->end == WireEnd::closed;
            if (is_terminal(order.status) != is_closed || is_closed != broker.plan.closes_missing) {
                broken("nobody saw what became of an order, and it was guessed: " + name);
            }
            return;
        }
        const Qty held =
            state.portfolios[order.portfolio.value].position(order.terms.instrument).net_of(order.terms.product);
        const bool reduces = (held.raw > 0) != (order.terms.side == Side::buy) && held.raw != 0;
        const bool is_as_wished =
            !is_disputed && !reals.front()->is_changed_by_hand && wire != nullptr && wire->modify == ChangeState::none;
        if (order.terms.reduce_only && is_as_wished && !is_terminal(order.status) &&
            order.leaves() > (reduces ? abs(held) : Qty{})) {
            broken(fmt::format("an order that only reduces is larger than the {} that is held: {}", to_string(held),
                               name));
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
}

/// Each trade of the broker's is booked once, and on one side, and no other is.
void LiveWorld::check_trades(const Broker& broker, const Logged& logged) const {
    std::set<Logged::TradeKey> real;
    for (const kite::LedgerRow& row : broker.exchange.ledger()) {
        if (row.what != kite::LedgerWhat::trade || is_unseen(row.time)) {
            continue;
        }
        const Logged::TradeKey key{broker.id, kite::kCashHours.date_of(row.time),
                                   row.terms.exchange + ':' + row.trade_id};
        real.insert(key);
        const auto times = [&key](const std::map<Logged::TradeKey, int>& booked) {
            const auto at = booked.find(key);
            return at == booked.end() ? 0 : at->second;
        };
        const int to_orders = times(logged.to_orders);
        const int outside = times(logged.outside);
        if (to_orders + outside != 1 || outside < 0) {
            broken(fmt::format("a trade is not booked once: {}, {} times by orders and {} outside", row.trade_id,
                               to_orders, outside));
        }
    }
    for (const auto* const booked : {&logged.to_orders, &logged.outside}) {
        for (const auto& [key, times] : *booked) {
            if (std::get<BrokerId>(key) == broker.id && times != 0 && !real.contains(key)) {
                broken("a trade is booked that the broker never made: " + std::get<std::string>(key));
            }
        }
    }
}

void LiveWorld::check_positions(const Broker& broker, const Logged& logged,
                                const std::map<std::string, Really>& there) const {
    const State& state = life_->kernel->state();
    const OutsideBroker& known = known_of(broker);
    const std::map<InstrumentId, Qty> differing = differing_positions(state, broker.id);
    const auto of = [](const auto& quantities, const auto& key) {
        const auto at = quantities.find(key);
        return at == quantities.end() ? Qty{} : at->second;
    };
    for (std::uint32_t i = 0; i < plan_.instruments; ++i) {
        const InstrumentId instrument{i};
        Qty ours = of(logged.assigned, std::pair{broker.id, instrument});
        Qty others = -ours;
        Qty unseen;
        for (const auto& [id, really] : there) {
            if (really.symbol == kSymbols.at(i)) {
                (really.is_ours ? ours : others) += signed_qty(really.side, qty_of(really.filled));
                unseen += signed_qty(really.side, qty_of(really.filled_unseen));
            }
        }
        for (const kite::AccountSettings& account : make_exchange(broker.id.value).accounts) {
            for (const kite::HoldingRow& holding : account.holdings) {
                others += holding.tradingsymbol == kSymbols.at(i) ? qty_of(holding.quantity) : Qty{};
            }
        }
        Qty net;
        for (const PortfolioId portfolio : broker.portfolios) {
            const Qty held = state.portfolios[portfolio.value].position(instrument).net;
            if (held != of(logged.came, std::pair{portfolio, instrument})) {
                broken(fmt::format("a portfolio holds {}, and {} came to it", to_string(held),
                                   to_string(of(logged.came, std::pair{portfolio, instrument}))));
            }
            net += held;
        }
        if (net != ours) {
            broken(fmt::format("a position is not the sum of its trades: {} here, {} there", to_string(net),
                               to_string(ours)));
        }
        Qty apart;
        for (const auto& [key, held] : known.outside) {
            apart += key.first == instrument ? held.net : Qty{};
        }
        if (apart != others) {
            broken(fmt::format("what is held outside is not what others traded: {} here, {} there", to_string(apart),
                               to_string(others)));
        }
        if (of(differing, instrument) != unseen) {
            broken(fmt::format("books and account differ when all is quiet: by {}, unseen {}",
                               to_string(of(differing, instrument)), to_string(unseen)));
        }
        const bool is_used =
            std::ranges::any_of(state.markets[i].users, [&](PortfolioId portfolio) { return broker.has(portfolio); });
        if (unseen.raw != 0 && is_used && !known.book.is_frozen(instrument) &&
            !logged.looked_at.contains({broker.id, instrument})) {
            broken("books and account differ, and entries go on");
        }
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

std::vector<std::string> LiveWorld::deeds(const std::vector<PortfolioId>& portfolios) const {
    const Time until = plan_.begins + plan_.trades_for + kSettling + kLongestStuck;
    std::map<OrderId, std::size_t> orders;
    std::vector<std::string> lines;
    const auto is_of_it = [&](PortfolioId portfolio) {
        return std::ranges::find(portfolios, portfolio) != portfolios.end();
    };
    Bytes bytes(log_.bytes);
    for (Seq seq = 0; seq < log_.next_seq(); ++seq) {
        const Result<DecodedEvent> event = decode(bytes, seq);
        bytes = bytes.subspan(event->bytes);
        const Time at = event->envelope.time;
        if (at >= until) {
            break;
        }
        const auto say = [&](OrderId order, const char* what, const std::string& how) {
            if (const auto known = orders.find(order); known != orders.end()) {
                lines.push_back(fmt::format("{} order {} {} {}", to_iso(at), known->second, what, how));
            }
        };
        const auto say_latch = [&](PortfolioId portfolio, const char* what) {
            if (is_of_it(portfolio)) {
                lines.push_back(fmt::format("{} portfolio {} {}", to_iso(at), portfolio.value, what));
            }
        };
        std::visit(
            overloaded{[&](const OrderIntended& e) {
                           if (is_of_it(e.portfolio)) {
                               orders.emplace(e.order, orders.size());
                               say(e.order, "intended",
                                   to_string(e.terms.quantity) + ' ' + to_string(e.terms.limit_price));
                           }
                       },
                       [&](const SendStarted& e) { say(e.order, "sent", name_of(e.what)); },
                       [&](const SendEnded& e) { say(e.order, "answered", name_of(e.outcome)); },
                       [&](const OrderAccepted& e) { say(e.order, "accepted", e.broker_order); },
                       [&](const OrderFilled& e) {
                           say(e.order, "filled", to_string(e.quantity) + ' ' + to_string(e.price) + ' ' + e.trade);
                       },
                       [&](const OrderModified& e) {
                           say(e.order, "modified", to_string(e.quantity) + ' ' + to_string(e.limit_price));
                       },
                       [&](const OrderCancelled& e) { say(e.order, "cancelled", e.reason); },
                       [&](const OrderRejected& e) { say(e.order, "rejected", e.reason); },
                       [&](const OrderExpired& e) { say(e.order, "expired", {}); },
                       [&](const OutcomeUnknown& e) { say(e.order, "unknown", {}); },
                       [&](const OrderConflict& e) { say(e.order, "in conflict", {}); },
                       [&](const KillSwitchLatched& e) { say_latch(e.portfolio, "latched"); },
                       [&](const KillSwitchReleased& e) { say_latch(e.portfolio, "released"); }, [](const auto&) {}},
            event->event);
    }
    return lines;
}

}  // namespace alpha::test
