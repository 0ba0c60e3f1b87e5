#include "tests/properties/outside_world.hpp"

#include "events/order_tag.hpp"
#include "tests/change_names.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace alpha::test {

namespace {

constexpr std::uint32_t kLog = 77;
constexpr std::size_t kInstruments = 3;
constexpr std::ptrdiff_t kMostAtOnce = 3;

template <class... Each>
struct Visitor : Each... {
    using Each::operator()...;
};

BrokerOrderSeen row_of(const BrokerOrder& order, const Said& said) {
    return {.broker_order = order.id,
            .order_tag = said.has_tag ? order.tag : std::string(),
            .instrument = order.instrument,
            .side = order.side,
            .quantity = qty_of(said.quantity),
            .filled = qty_of(said.filled),
            .price = Price{said.price * kScale},
            .trigger = {},
            .status = said.status,
            .text = {},
            .placed_at = order.placed_at};
}

bool is_asked_about(const Wire& wire) {
    return wire.state == WireState::doubtful || wire.state == WireState::unknown || wire.state == WireState::stale;
}

bool is_known_alive(const Wire& wire) {
    return wire.state == WireState::live || wire.state == WireState::stray;
}

int whole(Qty quantity) {
    return static_cast<int>(quantity.raw / kScale);
}

std::string say_where(OrderId order, const Wire& wire) {
    return fmt::format("order {} is {} ({}), cancel {}, modify {}", order.value, name_of(wire.state), name_of(wire.end),
                       name_of_change(wire.cancel), name_of_change(wire.modify));
}

}  // namespace

// ---- the fold and what its facts say ------------------------------------------------------------------------------------

Engine::Engine(OutsideRules rules) : book(kLog, rules) {}

bool Engine::knows(OrderId order, const std::string& broker_order) const {
    const Wire* wire = book.find(order);
    return wire != nullptr && (wire->broker_order == broker_order || wire->others.contains(broker_order));
}

/// Those that are over among them.
std::map<OrderId, Wire> all_wires(const OutsideBook& book) {
    std::map<OrderId, Wire> all = book.wires();
    all.insert(book.ended().begin(), book.ended().end());
    return all;
}

void Engine::take(const Input& input) {
    OutsideBook::Facts facts;
    std::visit(Visitor{[&](const Intended& i) {
                           book.intend(i.order, i.instrument, i.side, Product::none, i.quantity, i.day);
                       },
                       [&](const CancelAsked& i) { book.cancel(i.order, facts); },
                       [&](const ModifyAsked& i) { book.modify(i.order, i.quantity, facts); },
                       [&](Latched) { book.latch(facts); }, [&](Released) { book.release(); },
                       [&](const Overdue& i) { book.overdue(i.order, facts); },
                       [&](const Thawed& i) { book.thaw(i.instrument); },
                       [&](const Started& i) {
                           attempts[i.started.order][i.started.what] = i.started.attempt;
                           book.on(i.started, input.at, i.day);
                       },
                       [&](const SendEnded& i) { book.on(i, input.at, facts); },
                       [&](const BrokerOrderSeen& i) {
                           rows.insert_or_assign(i.broker_order, i);
                           book.on(i, facts);
                       },
                       [&](const BrokerTradeSeen& i) {
                           told.emplace(i.broker_order, i.trade);
                           book.on(i, facts);
                       },
                       [&](const BookRead& i) { book.on(i, input.at, facts); },
                       [&](SessionChange i) { book.on(i, facts); }, [&](const OrderResolved& i) { book.on(i, facts); }},
               input.what);
    for (OutsideFact& fact : facts) {
        const Trade trade{fact.trade.broker_order, fact.trade.trade};
        switch (fact.kind) {
        case OutsideFactKind::filled:
        case OutsideFactKind::outside_filled:
            if (!booked.emplace(trade, fact.kind == OutsideFactKind::filled ? fact.order : kOutside).second) {
                throw Broken(fmt::format("I4: trade {} of {} is booked twice", trade.second, trade.first));
            }
            break;
        case OutsideFactKind::moved:
            if (const auto at = booked.find(trade); at == booked.end() || at->second != kOutside) {
                throw Broken(fmt::format("I4: trade {} of {} moves and was not outside", trade.second, trade.first));
            }
            booked[trade] = fact.order;
            break;
        case OutsideFactKind::conflict:
        case OutsideFactKind::differs: claims.push_back(std::move(fact)); break;
        default: break;
        }
    }
}

// ---- the walk -----------------------------------------------------------------------------------------------------------

const std::vector<OutsideWorld::Move>& OutsideWorld::moves() {
    using W = OutsideWorld;
    static const std::vector<Move> kMoves{
        {"intend", 6, false, &W::intend},
        {"SendStarted", 12, false, &W::starts},
        {"commit", 6, false, &W::commits},
        {"first byte", 12, false, &W::first_byte},
        {"broker takes", 8, false, &W::broker_takes},
        {"answer", 8, false, &W::answers},
        {"row moves on", 4, false, &W::moves_on},
        {"fill", 4, false, &W::fills},
        {"row visible", 5, false, &W::row_seen},
        {"trades visible", 5, false, &W::trades_seen},
        {"read begins", 5, false, &W::read_begins},
        {"read comes", 8, false, &W::read_comes},
        {"restart", 12, false, &W::restarts},
        {"up", 8, false, &W::comes_up},
        {"latch", 8, false, &W::latches},
        {"night", 4, false, &W::night},
        {"overdue", 1, true, &W::overdue},
        {"strategy cancel", 3, true, &W::strategy_cancels},
        {"strategy modify", 6, false, &W::strategy_modifies},
        {"crash", 2, true, &W::crashes},
        {"down", 1, true, &W::goes_down},
        {"kill: hold", 1, true, &W::holds},
        {"release", 2, false, &W::releases},
        {"not started", 4, true, &W::not_started},
        {"aged out", 3, true, &W::aged_out},
        {"broker refuses", 3, true, &W::broker_refuses},
        {"answer lost", 8, true, &W::answer_lost},
        {"answer 429", 6, true, &W::too_many_requests},
        {"late answer", 10, true, &W::answers_late},
        {"rejected by RMS", 1, true, &W::rejects},
        {"cancelled by hand", 1, true, &W::hand_cancels},
        {"changed by hand", 2, true, &W::hand_changes},
        {"another price by hand", 2, true, &W::hand_reprices},
        {"broker doubles", 1, true, &W::doubles},
        {"fill after cancelled", 4, true, &W::fills_late},
        {"manual trade", 1, true, &W::hand_trades},
        {"second journal places", 1, true, &W::other_journal},
        {"tag missing", 4, true, &W::loses_tag},
        {"tag found", 2, false, &W::finds_tag},
        {"final read", 1, true, &W::final_read},
        {"day over", 1, true, &W::day_over},
        {"resolve", 2, false, &W::resolves},
        {"resolve wrongly", 6, true, &W::resolves_wrongly},
        {"resolve with a wrong id", 6, true, &W::tells_wrong_id},
        {"resolve: closed", 6, true, &W::closes},
        {"thaw", 1, false, &W::thaws},
    };
    return kMoves;
}

// The same numbers on every machine and in every library: no distribution, and the seed is the argument.
OutsideWorld::OutsideWorld(std::uint64_t seed)
    : random_(seed), engine_(OutsideRules{}), at_commit_(engine_.book) {  // NOLINT(cert-msc51-cpp)
    accept_late_ = static_cast<int>(below(3));
    seen_late_ = static_cast<int>(below(3));
    rules_.reads = static_cast<std::uint8_t>(accept_late_ + seen_late_ + 1);
    rules_.seen_after = Duration{one_in(2) ? 0 : 5 * kSecondNs};
    rules_.ask_after = Duration{(one_in(2) ? 10 : 120) * kSecondNs};
    engine_ = Engine(rules_);
    at_commit_ = engine_.book;
    most_orders_ = 1 + below(one_in(2) ? 30 : 4);
    const std::size_t rarity = 1 + below(8);
    for (const Move& move : moves()) {
        const bool is_favoured = one_in(10);
        const bool is_there = is_favoured || one_in(rarity);
        weights_.push_back(is_favoured ? 5 * move.weight : !move.is_fault && one_in(4) ? 1 : move.weight);
        left_.push_back(!move.is_fault ? 1'000'000 : !is_there ? 0 : 1 + static_cast<int>(below(is_favoured ? 12 : 4)));
    }
}

void OutsideWorld::walk() {
    restarts();
    comes_up();
    const std::size_t steps = 10 + below(one_in(2) ? 1000 : 80);
    std::vector<std::size_t> tickets;
    for (std::size_t i = 0; i < moves().size(); ++i) {
        tickets.insert(tickets.end(), left_[i] > 0 ? weights_[i] : 0, i);
    }
    for (std::size_t step = 0; step < steps; ++step) {
        for (int tries = 0; tries < 60; ++tries) {
            const std::size_t drawn = tickets[below(tickets.size())];
            if (left_[drawn] <= 0) {
                continue;
            }
            const std::size_t said = trace_.size();
            trace_.emplace_back(moves()[drawn].name);
            if ((this->*moves()[drawn].go)()) {
                --left_[drawn];
                break;
            }
            trace_.resize(said);
        }
        pass(static_cast<std::int64_t>(below(400)));
        check();
        if (engine_.book.wires().size() + engine_.book.ended().size() >= most_orders_ && one_in(8) &&
            std::ranges::none_of(engine_.book.wires(), [](const auto& e) { return e.second.is_reserved(); })) {
            break;
        }
    }
    trace_.emplace_back("(and the world goes quiet)");
    go_quiet();
    check_replay();
}

template <class Range, class Test>
auto* OutsideWorld::any(Range& range, Test test) {
    decltype(&*range.begin()) chosen = nullptr;
    std::size_t seen = 0;
    for (auto& each : range) {
        if (test(each) && one_in(++seen)) {
            chosen = &each;
        }
    }
    return chosen;
}

const Wire* OutsideWorld::any_wire(bool (*test)(const Wire&), OrderId& order) {
    const std::map<OrderId, Wire> all = all_wires(engine_.book);
    const auto* found = any(all, [&](const auto& each) { return test(each.second); });
    if (found == nullptr) {
        return nullptr;
    }
    order = found->first;
    return engine_.book.find(order);
}

void OutsideWorld::say(std::string what) {
    trace_.back() += " " + std::move(what);
}

void OutsideWorld::put(decltype(Input::what) what) {
    log_.push_back({now_, std::move(what)});
    engine_.take(log_.back());
    since_.push_back(engine_.book);
    is_held_ = is_held_ || engine_.book.is_latched();
}

BrokerOrder* OutsideWorld::find(const std::string& id) {
    const auto at = std::ranges::find(orders_, id, &BrokerOrder::id);
    return at == orders_.end() ? nullptr : &*at;
}

bool OutsideWorld::is_told(const BrokerOrder& order) const {
    const auto row = engine_.rows.find(order.id);
    return row != engine_.rows.end() && row->second == row_of(order, order.is);
}

bool OutsideWorld::is_in_flight(OrderId order) const {
    return std::ranges::any_of(messages_, [&](const Message& m) {
        return m.started.order == order && m.started.what == Send::place && m.fate == Message::Fate::open;
    });
}

// ---- the kernel and its strategies --------------------------------------------------------------------------------------

bool OutsideWorld::intend() {
    const OrderId order{engine_.book.wires().size() + engine_.book.ended().size() + 1};
    const InstrumentId instrument{static_cast<std::uint32_t>(1 + below(kInstruments))};
    if (!is_running_ || order.value > most_orders_ ||
        std::ranges::count_if(engine_.book.wires(), [](const auto& e) { return e.second.is_reserved(); }) >=
            kMostAtOnce ||
        !engine_.book.is_up() || engine_.book.is_latched() || engine_.book.is_frozen(instrument) || is_closed_) {
        return false;
    }
    say(std::to_string(order.value));
    born_[order] = life_;
    put(Intended{order, instrument, one_in(2) ? Side::buy : Side::sell, qty_of(1 + static_cast<int>(below(4))), day_});
    return true;
}

bool OutsideWorld::overdue() {
    OrderId order;
    if (!is_running_ || any_wire([](const Wire& w) { return w.state == WireState::held; }, order) == nullptr) {
        return false;
    }
    say(std::to_string(order.value));
    put(Overdue{order});
    return true;
}

bool OutsideWorld::strategy_cancels() {
    OrderId order;
    if (!is_running_ || any_wire([](const Wire& w) { return w.is_reserved(); }, order) == nullptr) {
        return false;
    }
    say(std::to_string(order.value));
    put(CancelAsked{order});
    return true;
}

bool OutsideWorld::strategy_modifies() {
    OrderId order;
    const auto can = [](const Wire& w) {
        return (w.state == WireState::live && !w.is_ending && w.modify == ChangeState::none &&
                w.cancel == ChangeState::none) ||
               (w.state == WireState::held && w.asked == w.confirmed && w.attempts > 0);
    };
    const Wire* wire = is_running_ ? any_wire(can, order) : nullptr;
    if (wire == nullptr) {
        return false;
    }
    const int to = std::max(1, whole(wire->confirmed) - 1 + static_cast<int>(below(4)));  // the same: another price
    say(fmt::format("{} to {}", order.value, to));
    put(ModifyAsked{order, qty_of(to)});
    return true;
}

void OutsideWorld::start(const SendWish& wish) {
    const std::uint8_t attempt = static_cast<std::uint8_t>(engine_.attempts[wish.order][wish.what] + 1U);
    const SendStarted started{wish.order, wish.what, attempt, wish.broker_order};
    const int price = 100 + static_cast<int>(below(50));
    const int quantity = whole(engine_.book.find(wish.order)->asked);
    outbox_.push_back({started, quantity, price, log_.size()});
    put(Started{started, day_});
}

bool OutsideWorld::starts() {
    const std::vector<SendWish> wishes = engine_.book.wishes();
    if (!is_running_ || wishes.empty()) {
        return false;
    }
    const SendWish& wish = wishes[below(wishes.size())];
    say(fmt::format("{} {}", name_of(wish.what), wish.order.value));
    start(wish);
    return true;
}

// ---- the log ------------------------------------------------------------------------------------------------------------

bool OutsideWorld::commits() {
    if (!is_running_ || since_.empty()) {
        return false;
    }
    for (std::size_t i = durable_; i < log_.size(); ++i) {
        last_release_ = std::holds_alternative<Released>(log_[i].what) ? i : last_release_;
    }
    durable_ = log_.size();
    at_commit_ = engine_.book;
    since_.clear();
    is_held_ = is_kill_asked_ || engine_.book.is_latched();  // a release lifts it once it is durable
    return true;
}

bool OutsideWorld::crashes() {
    if (!is_running_) {
        return false;
    }
    const std::size_t keep = below(since_.size() + 1);
    say(fmt::format("keeping {} of {}", keep, since_.size()));
    const OutsideBook& before = keep == 0 ? at_commit_ : since_[keep - 1];
    log_.resize(durable_ + keep);
    Engine again(rules_);
    for (const Input& input : log_) {
        again.take(input);
    }
    if (!(again.book == before)) {
        throw Broken("I8: the kept inputs give another state");
    }
    engine_ = std::move(again);
    at_commit_ = engine_.book;
    since_.clear();
    durable_ = log_.size();
    last_release_ = 0;
    outbox_.clear();
    reported_.clear();
    reading_.reset();
    is_running_ = false;
    is_kill_asked_ = false;
    is_held_ = engine_.book.is_latched();
    std::erase_if(messages_, [](const Message& m) { return m.fate != Message::Fate::open; });
    for (Message& message : messages_) {
        message.is_answered = true;  // nobody listens
        message.may_answer_late = false;
    }
    return true;
}

bool OutsideWorld::restarts() {
    if (is_running_) {
        return false;
    }
    is_running_ = true;
    ++life_;
    put(SessionChange::restarted);
    put(SessionChange::reconciling);
    return true;
}

bool OutsideWorld::comes_up() {
    if (!is_running_ || engine_.book.is_up()) {
        return false;
    }
    put(SessionChange::up);
    return true;
}

bool OutsideWorld::goes_down() {
    constexpr std::array kWays{SessionChange::down, SessionChange::login_needed, SessionChange::halted};
    if (!is_running_ || !engine_.book.is_up()) {
        return false;
    }
    put(kWays[below(kWays.size())]);
    return true;
}

// ---- people -------------------------------------------------------------------------------------------------------------

bool OutsideWorld::holds() {
    if (!is_running_ || is_held_) {
        return false;
    }
    is_held_ = true;
    is_kill_asked_ = true;
    return true;
}

bool OutsideWorld::latches() {
    if (!is_running_ || !is_kill_asked_) {
        return false;
    }
    is_kill_asked_ = false;
    put(Latched{});
    return true;
}

bool OutsideWorld::releases() {
    if (!is_running_ || !engine_.book.is_latched()) {
        return false;
    }
    put(Released{});
    return true;
}

bool OutsideWorld::resolve(OrderId order, Resolution how, const std::string& id) {
    say(fmt::format("{} as {} {}", order.value, name_of(how), id));
    const OutsideBook before = engine_.book;
    put(OrderResolved{order, how, id, "somebody"});
    return !(engine_.book == before);
}

/// As it is: a person looks into the broker's own page, which is never late.
bool OutsideWorld::resolves() {
    OrderId order;
    if (!is_running_ || any_wire(is_asked_about, order) == nullptr || is_in_flight(order)) {
        return false;
    }
    const BrokerOrder* its = any(orders_, [&](const BrokerOrder& b) { return b.order == order; });
    if (its != nullptr && its->day != day_) {
        return false;
    }
    resolve(order, its == nullptr ? Resolution::not_placed : Resolution::placed, its == nullptr ? "" : its->id);
    return true;
}

bool OutsideWorld::resolves_wrongly() {
    OrderId order;
    if (!is_running_ || any_wire(is_asked_about, order) == nullptr) {
        return false;
    }
    misjudged_.insert(order);
    resolve(order, Resolution::not_placed, "");
    return true;
}

bool OutsideWorld::tells_wrong_id() {
    OrderId order;
    const BrokerOrder* others = any(orders_, [&](const BrokerOrder& b) { return b.day == day_; });
    if (!is_running_ || any_wire(is_asked_about, order) == nullptr || others == nullptr || others->order == order) {
        return false;
    }
    misjudged_.insert(order);
    resolve(order, Resolution::placed, others->id);
    return true;
}

bool OutsideWorld::closes() {
    OrderId order;
    const Wire* wire = is_running_ ? any_wire(is_known_alive, order) : nullptr;
    if (wire == nullptr || !wire->is_missing ||
        std::ranges::any_of(orders_, [&](const BrokerOrder& b) { return b.order == order && b.is_alive(); })) {
        return false;
    }
    closed_.insert(order);
    resolve(order, Resolution::closed, "");
    return true;
}

bool OutsideWorld::thaws() {
    const InstrumentId instrument{static_cast<std::uint32_t>(1 + below(kInstruments))};
    if (!is_running_ || !engine_.book.is_frozen(instrument)) {
        return false;
    }
    thawed_.insert(instrument);
    put(Thawed{instrument});
    return true;
}

// ---- the gateway --------------------------------------------------------------------------------------------------------

bool OutsideWorld::withdraw(Request request, SendOutcome outcome) {
    say(fmt::format("{} {}", name_of(request.started.what), request.started.order.value));
    std::erase_if(outbox_, [&](const Request& r) { return r.at == request.at; });
    put(SendEnded{request.started.order, request.started.what, request.started.attempt, outcome,
                  request.started.broker_order, ""});
    return true;
}

void OutsideWorld::begin(Request request) {
    const SendStarted& started = request.started;
    if (started.what == Send::place && (is_held_ || request.at < last_release_)) {
        withdraw(std::move(request), SendOutcome::withheld);
        return;
    }
    say(fmt::format("{} {}", name_of(started.what), started.order.value));
    std::erase_if(outbox_, [&](const Request& r) { return r.at == request.at; });
    if (request.at >= durable_) {
        throw Broken("I2: a byte leaves before its SendStarted is durable");
    }
    if (started.what == Send::place) {
        if (at_commit_.is_latched()) {
            throw Broken(fmt::format("I2: order {} leaves after a durable kill", started.order.value));
        }
        if (born_[started.order] != life_) {
            throw Broken(fmt::format("I7: order {} was decided before the restart", started.order.value));
        }
        if (!sent_.insert(started.order).second) {
            throw Broken(fmt::format("I1: order {} leaves twice", started.order.value));
        }
    }
    Message& message = messages_.emplace_back();
    message.started = started;
    message.quantity = request.quantity;
    message.price = request.price;
}

bool OutsideWorld::first_byte() {
    const Request* request =
        any(outbox_, [&](const Request& r) { return r.at < durable_ || (is_held_ && r.started.what == Send::place); });
    if (!is_running_ || request == nullptr) {
        return false;
    }
    begin(*request);
    return true;
}

bool OutsideWorld::not_started() {
    return is_running_ && !outbox_.empty() && withdraw(outbox_[below(outbox_.size())], SendOutcome::not_started);
}

bool OutsideWorld::aged_out() {
    return is_running_ && !outbox_.empty() && withdraw(outbox_[below(outbox_.size())], SendOutcome::withheld);
}

void OutsideWorld::answer(Message& message, SendOutcome outcome) {
    const SendStarted& s = message.started;
    say(fmt::format("{} {} {}", name_of(outcome), name_of(s.what), s.order.value));
    const std::string id = s.what != Send::place           ? s.broker_order
                           : outcome == SendOutcome::acked ? message.id
                                                           : std::string();
    message.is_answered = true;
    put(SendEnded{s.order, s.what, s.attempt, outcome, id, ""});
}

bool OutsideWorld::answers() {
    Message* message = any(messages_, [](const Message& m) { return m.fate != Message::Fate::open && !m.is_answered; });
    if (!is_running_ || message == nullptr) {
        return false;
    }
    answer(*message, message->fate == Message::Fate::taken ? SendOutcome::acked : SendOutcome::refused);
    return true;
}

bool OutsideWorld::answer_lost() {
    Message* message = any(messages_, [](const Message& m) { return !m.is_answered; });
    if (!is_running_ || message == nullptr) {
        return false;
    }
    message->may_answer_late = true;
    answer(*message, SendOutcome::unknown);
    return true;
}

bool OutsideWorld::too_many_requests() {
    Message* message = any(messages_, [](const Message& m) { return !m.is_answered; });
    if (!is_running_ || message == nullptr) {
        return false;
    }
    answer(*message, SendOutcome::doubtful);
    return true;
}

bool OutsideWorld::answers_late() {
    Message* message =
        any(messages_, [](const Message& m) { return m.may_answer_late && m.fate != Message::Fate::open; });
    if (!is_running_ || message == nullptr) {
        return false;
    }
    message->may_answer_late = false;
    answer(*message, message->fate == Message::Fate::taken ? SendOutcome::acked : SendOutcome::refused);
    return true;
}

// ---- the broker ---------------------------------------------------------------------------------------------------------

BrokerOrder& OutsideWorld::make(OrderId order, InstrumentId instrument, Side side, int quantity, std::string tag) {
    constexpr std::array kFirst{RowStatus::pending, RowStatus::open, RowStatus::open, RowStatus::trigger_pending};
    BrokerOrder made;
    made.id = fmt::format("B{}", orders_.size() + 1);
    made.order = order;
    made.tag = std::move(tag);
    made.instrument = instrument;
    made.side = side;
    made.day = day_;
    made.placed_at = now_;
    made.is.status = kFirst[below(kFirst.size())];
    made.is.quantity = quantity;
    made.is.price = 100 + static_cast<int>(below(50));
    say("as " + made.id);
    return orders_.emplace_back(std::move(made));
}

void OutsideWorld::decide(Message& message, bool takes) {
    const SendStarted& s = message.started;
    message.fate = Message::Fate::not_taken;
    if (!takes || is_closed_) {
        return;
    }
    if (s.what == Send::place) {
        if (std::ranges::any_of(orders_, [&](const BrokerOrder& b) { return b.order == s.order && !b.is_double; })) {
            throw Broken(fmt::format("I1: the broker took two of order {}", s.order.value));
        }
        const Wire* wire = engine_.book.find(s.order);
        message.id =
            make(s.order, wire->instrument, wire->side, message.quantity, to_string(OrderTag{kLog, s.order})).id;
        message.fate = Message::Fate::taken;
        return;
    }
    BrokerOrder* its = find(s.broker_order);
    if (its == nullptr || !its->is_alive() || its->day != day_ ||
        (s.what == Send::modify && message.quantity <= its->is.filled)) {
        return;
    }
    message.fate = Message::Fate::taken;
    if (s.what == Send::cancel) {
        its->is.status = RowStatus::cancelled;
    } else {
        its->is.quantity = message.quantity;
        its->is.price = message.price;
    }
}

bool OutsideWorld::broker_takes() {
    Message* message = any(messages_, [](const Message& m) { return m.fate == Message::Fate::open; });
    if (message == nullptr) {
        return false;
    }
    say(fmt::format("{} {}", name_of(message->started.what), message->started.order.value));
    decide(*message, true);
    return true;
}

bool OutsideWorld::broker_refuses() {
    Message* message = any(messages_, [](const Message& m) { return m.fate == Message::Fate::open; });
    if (message == nullptr) {
        return false;
    }
    say(fmt::format("{} {}", name_of(message->started.what), message->started.order.value));
    decide(*message, false);
    return true;
}

namespace {

constexpr auto is_working = [](const BrokerOrder& b) { return b.is_alive(); };
constexpr auto is_open = [](const BrokerOrder& b) { return b.is.status == RowStatus::open; };
constexpr auto is_ours = [](const BrokerOrder& b) { return b.is_alive() && b.order.value != 0; };

}  // namespace

bool OutsideWorld::moves_on() {
    BrokerOrder* order = any(orders_, [](const BrokerOrder& b) { return b.is_alive() && !is_open(b); });
    if (order == nullptr) {
        return false;
    }
    say(order->id);
    order->is.status = RowStatus::open;
    return true;
}

bool OutsideWorld::fills() {
    BrokerOrder* order = is_closed_ ? nullptr : any(orders_, is_open);
    if (order == nullptr) {
        return false;
    }
    say(order->id);
    ++order->is.filled;
    order->is.status = order->is.filled >= order->is.quantity ? RowStatus::complete : RowStatus::open;
    return true;
}

bool OutsideWorld::rejects() {
    BrokerOrder* order = any(orders_, is_ours);
    if (order == nullptr) {
        return false;
    }
    say(order->id);
    order->is.status = order->is.filled == 0 ? RowStatus::rejected : RowStatus::cancelled;
    return true;
}

bool OutsideWorld::hand_cancels() {
    BrokerOrder* order = any(orders_, is_working);
    if (order == nullptr) {
        return false;
    }
    say(order->id);
    order->is.status = RowStatus::cancelled;
    return true;
}

bool OutsideWorld::hand_changes() {
    BrokerOrder* order = any(orders_, is_working);
    if (order == nullptr) {
        return false;
    }
    say(order->id);
    order->is.quantity = order->is.filled + 1 + static_cast<int>(below(3));
    order->is_touched = true;
    return true;
}

bool OutsideWorld::hand_reprices() {
    BrokerOrder* order = any(orders_, is_working);
    if (order == nullptr) {
        return false;
    }
    say(order->id);
    ++order->is.price;
    order->is_repriced = true;
    return true;
}

bool OutsideWorld::doubles() {
    const BrokerOrder* order = is_closed_ ? nullptr : any(orders_, is_ours);
    if (order == nullptr) {
        return false;
    }
    doubled_.insert(order->order);
    const BrokerOrder of = *order;
    make(of.order, of.instrument, of.side, of.is.quantity, of.tag).is_double = true;
    return true;
}

bool OutsideWorld::fills_late() {
    BrokerOrder* order = any(orders_, [&](const BrokerOrder& b) {
        return b.is.status == RowStatus::cancelled && b.is.filled < b.is.quantity && b.day == day_;
    });
    if (order == nullptr || is_closed_) {
        return false;
    }
    say(order->id);
    ++order->is.filled;
    order->is_touched = true;
    return true;
}

bool OutsideWorld::hand_trades() {
    if (is_closed_) {
        return false;
    }
    BrokerOrder& made = make({}, InstrumentId{static_cast<std::uint32_t>(1 + below(kInstruments))}, Side::buy, 1, "");
    made.is.filled = 1;
    made.is.status = RowStatus::complete;
    return true;
}

bool OutsideWorld::other_journal() {
    if (is_closed_) {
        return false;
    }
    make({}, InstrumentId{static_cast<std::uint32_t>(1 + below(kInstruments))}, Side::buy,
         1 + static_cast<int>(below(3)), one_in(2) ? to_string(OrderTag{kLog + 1, OrderId{1}}) : std::string());
    return true;
}

bool OutsideWorld::loses_tag() {
    BrokerOrder* order = any(orders_, [](const BrokerOrder& b) { return is_ours(b) && !b.seen && b.is.has_tag; });
    if (order == nullptr) {
        return false;
    }
    say(order->id);
    order->is.has_tag = false;
    order->has_lost_tag = true;
    return true;
}

bool OutsideWorld::finds_tag() {
    BrokerOrder* order = any(orders_, [&](const BrokerOrder& b) { return !b.is.has_tag && b.day == day_; });
    if (order == nullptr) {
        return false;
    }
    say(order->id);
    order->is.has_tag = true;
    return true;
}

void OutsideWorld::see(BrokerOrder& order) {
    order.seen = order.is;
    order.trades_seen = order.is.filled;
    order.age = 0;
}

bool OutsideWorld::row_seen() {
    BrokerOrder* order = any(orders_, [&](const BrokerOrder& b) { return b.day == day_ && b.seen != b.is; });
    if (order == nullptr) {
        return false;
    }
    say(order->id);
    order->seen = order->is;
    order->age = order->is_in_sight() ? 0 : order->age;
    return true;
}

bool OutsideWorld::trades_seen() {
    BrokerOrder* order =
        any(orders_, [&](const BrokerOrder& b) { return b.day == day_ && b.trades_seen < b.is.filled; });
    if (order == nullptr) {
        return false;
    }
    say(order->id);
    order->trades_seen = order->is.filled;
    order->age = order->is_in_sight() ? 0 : order->age;
    return true;
}

// ---- reads of the book --------------------------------------------------------------------------------------------------

/// What is in the book now. What has been late for as long as it may be is so no more.
Read OutsideWorld::read_book() {
    for (Message& message : messages_) {
        if (message.fate == Message::Fate::open && message.age++ >= accept_late_) {
            say(fmt::format("[{} {} is decided]", name_of(message.started.what), message.started.order.value));
            decide(message, !one_in(3));
        }
    }
    Read read;
    read.begun_at = now_;
    read.day = day_;
    for (BrokerOrder& order : orders_) {
        if (order.day != day_) {
            continue;
        }
        if (!order.is_in_sight() && order.age++ >= seen_late_) {
            see(order);
        }
        if (order.seen) {
            read.rows.emplace_back(order.id, *order.seen);
        }
        for (int i = 0; i < order.trades_seen; ++i) {
            read.trades.emplace_back(order.id, std::to_string(i));
        }
    }
    return read;
}

void OutsideWorld::tell(const Read& read, bool is_final) {
    std::vector<decltype(Input::what)> words;
    const auto tells_twice = [&] { return !is_quiet_ && one_in(12); };
    const auto add = [&](const auto& word) { words.insert(words.end(), tells_twice() ? 2 : 1, word); };
    for (const Engine::Trade& trade : read.trades) {
        if (!engine_.told.contains(trade) || tells_twice()) {
            const BrokerOrder& of = *find(trade.first);
            add(BrokerTradeSeen{trade.first, "NSE", trade.second, of.instrument, of.side, qty_of(1),
                                Price{of.is.price * kScale}, of.day});
        }
    }
    for (const auto& [id, said] : read.rows) {
        const auto known = reported_.find(id);
        if (known == reported_.end() || known->second != said || tells_twice()) {
            reported_.insert_or_assign(id, said);
            add(row_of(*find(id), said));
        }
    }
    for (std::size_t i = one_in(2) ? words.size() : 0; i > 1; --i) {
        std::swap(words[i - 1], words[below(i)]);
    }
    for (auto& word : words) {
        put(std::move(word));
    }
    std::size_t fills = 0;
    for (const BrokerOrder& order : orders_) {
        fills += static_cast<std::size_t>(order.is.filled);
    }
    put(BookRead{read.begun_at, read.day, is_final, engine_.told.size() == fills});
}

bool OutsideWorld::read_begins() {
    if (!is_running_ || reading_) {
        return false;
    }
    pass(1000 + static_cast<std::int64_t>(below(5000)));
    reading_ = read_book();
    return true;
}

bool OutsideWorld::read_comes() {
    if (!is_running_ || !reading_) {
        return false;
    }
    tell(*std::exchange(reading_, std::nullopt), false);
    return true;
}

/// Long after the close: nothing of this day trades or comes any more.
bool OutsideWorld::final_read() {
    if (!is_running_) {
        return false;
    }
    is_closed_ = true;
    reading_.reset();
    for (Message& message : messages_) {
        if (message.fate == Message::Fate::open) {
            decide(message, false);
        }
    }
    for (BrokerOrder& order : orders_) {
        if (order.day == day_) {
            order.is.status = order.is_alive() ? RowStatus::cancelled : order.is.status;
            see(order);
        }
    }
    pass(6000);
    tell(read_book(), true);
    return true;
}

bool OutsideWorld::night() {
    return is_closed_ && day_over();
}

bool OutsideWorld::day_over() {
    if (!outbox_.empty()) {
        return false;
    }
    for (Message& message : messages_) {
        if (message.fate == Message::Fate::open) {
            decide(message, false);
        }
    }
    for (BrokerOrder& order : orders_) {
        order.is.status = order.is_alive() ? RowStatus::cancelled : order.is.status;
    }
    if (one_in(2)) {
        reading_.reset();  // else it comes after midnight, and is of the day before
    }
    reported_.clear();
    is_closed_ = false;
    ++day_.days;
    pass(60'000);
    return true;
}

// ---- what holds ---------------------------------------------------------------------------------------------------------

void OutsideWorld::check() {
    for (const auto& [order, wire] : all_wires(engine_.book)) {
        check_order(order, wire);
    }
    check_trades();
    check_claims();
}

void OutsideWorld::check_order(OrderId order, const Wire& wire) {
    const bool is_misjudged = misjudged_.contains(order);
    const bool is_over = wire.state == WireState::ended;
    const BrokerOrder* its = find(wire.broker_order);
    if (its != nullptr && its->order != order && !its->tag.empty() && !its->has_lost_tag) {
        throw Broken(fmt::format("I4: {}, and has taken {}, which bears another tag", say_where(order, wire), its->id));
    }
    int worst = is_in_flight(order) ? whole(wire.confirmed) : 0;
    bool is_touched = false;
    for (const BrokerOrder& b : orders_) {
        const bool is_given_away = std::ranges::any_of(
            misjudged_, [&](OrderId other) { return other != order && engine_.knows(other, b.id); });
        if (b.order != order || b.is_double || is_given_away) {
            continue;
        }
        const bool is_known = engine_.knows(order, b.id);
        int most = b.is_alive() ? b.is.quantity : b.is.filled;
        for (const Message& m : messages_) {
            if (m.fate == Message::Fate::open && m.started.what == Send::modify && m.started.broker_order == b.id &&
                b.is_alive()) {
                most = std::max(most, m.quantity);
            }
        }
        worst = std::max(worst, most);
        is_touched = is_touched || b.is_touched;
        // What a person said, what nobody here can have seen, and what was changed by hand since.
        const bool is_excused = closed_.contains(order) || (!is_known && (is_misjudged || doubled_.contains(order))) ||
                                (b.is_touched && (b.has_lost_tag || !is_told(b)));
        const auto other = wire.others.find(b.id);
        const bool is_going = other != wire.others.end() && other->second.cancel != ChangeState::none;
        if (is_over && b.is_alive() && !is_excused && !is_going) {
            throw Broken(fmt::format("I3: {}, and {} is alive at the broker", say_where(order, wire), b.id));
        }
    }
    const int reserved = is_over ? whole(wire.booked) : std::max(whole(wire.total()), whole(wire.booked));
    if (worst > reserved && !is_touched && !is_misjudged && !doubled_.contains(order) && !closed_.contains(order)) {
        throw Broken(fmt::format("I9: {}: at worst {}, reserved {}", say_where(order, wire), worst, reserved));
    }
}

void OutsideWorld::check_trades() {
    for (const auto& [trade, to] : engine_.booked) {
        const BrokerOrder* of = find(trade.first);
        if (of == nullptr || std::stoi(trade.second) >= of->is.filled) {
            throw Broken(fmt::format("I4: trade {} of {} is invented", trade.second, trade.first));
        }
        if (to != Engine::kOutside) {
            if (to != of->order && !misjudged_.contains(to)) {
                throw Broken(fmt::format("I4: a fill of {} is booked to order {}", of->id, to.value));
            }
            continue;
        }
        if (of->order == Engine::kOutside) {
            continue;
        }
        if (engine_.knows(of->order, of->id) || (!of->has_lost_tag && of->day == day_)) {
            throw Broken(fmt::format("I4: an own fill, of {}, is booked outside", of->id));
        }
    }
}

/// The kill switch and a frozen instrument are for what happened.
void OutsideWorld::check_claims() {
    for (const OutsideFact& claim : engine_.claims) {
        const Wire& wire = *engine_.book.find(claim.order);
        const bool is_difference = claim.kind == OutsideFactKind::differs;
        const bool is_touched = std::ranges::any_of(orders_, [&](const BrokerOrder& b) {
            return b.order == claim.order && (b.is_touched || (b.is_repriced && is_difference));
        });
        const bool is_warranted = misjudged_.contains(claim.order) || doubled_.contains(claim.order) || is_touched ||
                                  (is_difference && (closed_.contains(claim.order) || wire.day < day_));
        if (!is_warranted) {
            throw Broken(fmt::format("I10: nothing happened, and {}: {}", say_where(claim.order, wire), claim.text));
        }
    }
}

void OutsideWorld::check_replay() {
    Engine again(rules_);
    for (const Input& input : log_) {
        again.take(input);
    }
    if (!(again.book == engine_.book)) {
        throw Broken("I8: the log gives another state");
    }
}

// ---- and once it is quiet -----------------------------------------------------------------------------------------------

/// No more faults: what is wanted is done, and the book is read.
void OutsideWorld::settle(int rounds) {
    for (int round = 0; round < rounds; ++round) {
        restarts();
        comes_up();
        latches();
        commits();
        while (!outbox_.empty()) {
            begin(outbox_.front());
            commits();
        }
        for (Message& message : messages_) {
            if (message.fate == Message::Fate::open) {
                decide(message, true);
            }
        }
        for (Message& message : messages_) {
            if (!message.is_answered) {
                answer(message, message.fate == Message::Fate::taken ? SendOutcome::acked : SendOutcome::refused);
            }
        }
        messages_.clear();
        for (BrokerOrder& order : orders_) {
            if (order.day == day_) {
                order.is.status = order.is_alive() ? RowStatus::open : order.is.status;
                see(order);
            }
        }
        pass(6000);
        tell(read_book(), false);
        commits();
        for (const SendWish& wish : engine_.book.wishes()) {
            start(wish);
        }
        check();
    }
}

void OutsideWorld::check_books() {
    for (const BrokerOrder& b : orders_) {
        const Wire* wire = engine_.book.find(b.order);
        for (int i = 0; i < b.is.filled; ++i) {
            const auto at = engine_.booked.find({b.id, std::to_string(i)});
            if (at != engine_.booked.end()) {
                continue;
            }
            // The book of a day that is over is gone. Positions say what there was; an order that was ours is not over, or a person
            // closed it.
            const bool is_excused = b.day < day_ && (wire == nullptr || wire->is_reserved() || b.is_touched ||
                                                     misjudged_.contains(b.order) || doubled_.contains(b.order) ||
                                                     closed_.contains(b.order));
            if (!is_excused) {
                throw Broken(fmt::format("I5: trade {} of {} is nowhere", i, b.id));
            }
        }
        if (wire != nullptr && b.day == day_ && wire->broker_order == b.id && whole(wire->booked) != b.is.filled) {
            throw Broken(fmt::format("I5: {}, {} booked and {} filled", say_where(b.order, *wire), whole(wire->booked),
                                     b.is.filled));
        }
    }
    for (const auto& [order, wire] : all_wires(engine_.book)) {
        if (wire.is_missing && !thawed_.contains(wire.instrument) && !engine_.book.is_frozen(wire.instrument)) {
            throw Broken(fmt::format("I5: {}, fills of it are missing, and its instrument is not frozen",
                                     say_where(order, wire)));
        }
    }
}

void OutsideWorld::go_quiet() {
    is_quiet_ = true;
    settle(rules_.reads + 8);
    for (const auto& [order, wire] : all_wires(engine_.book)) {
        for (const BrokerOrder& b : orders_) {
            if (b.order != order || !b.is_alive() || !engine_.knows(order, b.id)) {
                continue;
            }
            if (engine_.book.is_latched() || wire.is_conflict) {
                throw Broken(fmt::format("I6: a kill leaves {} open: {}", b.id, say_where(order, wire)));
            }
            if (wire.cancel != ChangeState::none || wire.modify != ChangeState::none) {
                throw Broken(fmt::format("I6: never settled: {}", say_where(order, wire)));
            }
        }
    }
    check_books();
    final_read();
    settle(1);
    for (const auto& [order, wire] : all_wires(engine_.book)) {
        if (!is_asked_about(wire)) {
            continue;
        }
        const auto its = std::ranges::find_if(orders_, [&](const BrokerOrder& b) {
            return b.order == order && b.day == day_ && !engine_.knows(order, b.id);
        });
        if (its == orders_.end() || !resolve(order, Resolution::placed, its->id)) {
            misjudged_.insert(order);
            resolve(order, Resolution::not_placed, "");
        }
    }
    settle(5);
    for (const auto& [order, wire] : all_wires(engine_.book)) {
        if (is_known_alive(wire) && (wire.is_missing || wire.is_conflict)) {
            closed_.insert(order);
            resolve(order, Resolution::closed, "");
        }
    }
    settle(2);
    for (const auto& [order, wire] : all_wires(engine_.book)) {
        if (wire.state != WireState::ended) {
            throw Broken(fmt::format("I6: dead end: {}", say_where(order, wire)));
        }
    }
    if (!outbox_.empty()) {
        throw Broken(fmt::format("I6: order {} has a {} that is never done", outbox_[0].started.order.value,
                                 name_of(outbox_[0].started.what)));
    }
    check_books();
}

}  // namespace alpha::test
