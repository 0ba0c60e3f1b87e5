#include "adapters/outside/gateway.hpp"

#include "events/assert.hpp"

#include <algorithm>

namespace alpha {

Gateway::Gateway(OutsideClient& client, Say say, TurnOf turn_of, GatewaySettings settings,
                 std::function<Time()> event_time)
    : client_(&client),
      say_(std::move(say)),
      turn_of_(std::move(turn_of)),
      settings_(settings),
      event_time_(std::move(event_time)) {
    ALPHA_ASSERT(settings.down_after.ns > settings.read_when_quiet.ns + settings.read_within.ns,
                 "a read that is due and takes its time is no sign that the broker is down");
}

void Gateway::connect(Time now) {
    state_ = State::reconciling;
    before_.reset();
    last_whole_ = now;
    say(SessionChange::reconciling);
    begin_read(now);
}

void Gateway::disconnect(SessionChange why) {
    if (state_ == State::off) {
        return;
    }
    state_ = State::off;
    reading_since_.reset();
    say(why);
}

// ---- messages -----------------------------------------------------------------------------------------------------------

void Gateway::end(const OutsideMessage& message, const SendAnswer& answer) {
    const SendStarted& started = message.started;
    // Of a cancel or a modify it is the order that it was for.
    const std::string& id = started.what == Send::place ? answer.broker_order : started.broker_order;
    SendEnded ended{started.order, started.what, started.attempt, answer.outcome, id, answer.text};
    ended.http = answer.http;
    ended.error_type = answer.error_type;
    say(ended, answer.raw);
}

void Gateway::send(const OutsideMessage& message, Time now) {
    if (state_ == State::off) {
        return end(message, {SendOutcome::not_started, {}, "nobody is connected"});
    }
    switch (turn_of_(message, now)) {
    case Turn::withhold_killed: return end(message, {SendOutcome::withheld, {}, "killed"});
    case Turn::withhold_cancelled: return end(message, {SendOutcome::withheld, {}, "cancelled before it began"});
    case Turn::withhold_old: return end(message, {SendOutcome::withheld, {}, "too old"});
    case Turn::begin: break;
    }
    const SendToken token = ++last_token_;
    in_flight_.emplace(token, InFlight{message, Time{now.ns + settings_.answer_within.ns}});
    client_->begin(token, message);
}

void Gateway::answered(SendToken token, const SendAnswer& answer, Time now) {
    const auto at = in_flight_.find(token);
    if (at == in_flight_.end()) {
        return;  // it was given up, and said so
    }
    const OutsideMessage message = std::move(at->second.message);
    in_flight_.erase(at);
    end(message, answer);
    if (answer.needs_login) {
        return disconnect(SessionChange::login_needed);
    }
    hint(now);
}

// ---- the book -----------------------------------------------------------------------------------------------------------

void Gateway::expect(std::size_t unsure, std::size_t working) {
    unsure_ = unsure;
    working_ = working;
}

void Gateway::hint(Time now) {
    is_hinted_ = true;
    tick(now);
}

Duration Gateway::pause() const {
    const bool is_unsure = state_ == State::reconciling || unsure_ != 0 || !in_flight_.empty();
    return is_hinted_     ? settings_.read_least
           : is_unsure    ? settings_.read_when_unsure
           : working_ > 0 ? settings_.read_when_working
                          : settings_.read_when_quiet;
}

void Gateway::begin_read(Time now) {
    is_hinted_ = false;
    reading_since_ = now;
    begun_at_ = event_time_ ? event_time_() : now;
    last_read_ = now;
    client_->read_book();
}

void Gateway::was_read(const std::optional<OutsideRead>& read, Time now) {
    if (!reading_since_) {
        return;  // it took too long, or nobody is connected
    }
    reading_since_.reset();
    // A day's book only grows: one that shrank is not whole.
    const bool has_shrunk =
        read && read->day == day_ && (read->orders.size() < rows_.size() || read->trades.size() < trades_.size());
    if (!read || has_shrunk) {
        return tick(now);
    }
    last_whole_ = now;
    tell(*read);
    if (state_ == State::reconciling) {
        // What the account holds belongs to it: books that were not compared with it open no entries.
        const bool is_same = before_ && before_->day == read->day && before_->orders == read->orders &&
                             before_->trades == read->trades && read->with_account;
        before_ = *read;
        if (is_same) {
            before_.reset();
            state_ = State::up;
            say(SessionChange::up);
        }
    }
    tick(now);
}

bool Gateway::is_same_row(const AccountRead& a, const AccountRead& b) {
    return a.kind == b.kind && a.instrument == b.instrument && a.product == b.product && a.symbol == b.symbol;
}

/// Trades first, then rows that changed: so a row that says how much has filled finds its trades booked.
void Gateway::tell(const OutsideRead& read) {
    if (read.day != day_) {
        day_ = read.day;
        rows_.clear();
        trades_.clear();
    }
    for (const auto& [trade, raw] : read.trades) {
        if (trades_.emplace(trade.exchange, trade.broker_order, trade.trade).second) {
            say(trade, raw);
        }
    }
    for (const auto& [row, raw] : read.orders) {
        const auto known = rows_.find(row.broker_order);
        if (known == rows_.end() || known->second != row) {
            rows_.insert_or_assign(row.broker_order, row);
            say(row, raw);
        }
    }
    for (const auto& [row, raw] : read.account) {
        const auto known =
            std::ranges::find_if(account_, [&its = row](const AccountRead& each) { return is_same_row(each, its); });
        if (known == account_.end()) {
            account_.push_back(row);
            say(row, raw);
        } else if (*known != row) {
            *known = row;
            say(row, raw);
        }
    }
    if (read.with_account) {  // what is not there any more is gone
        for (auto at = account_.begin(); at != account_.end();) {
            const bool is_there =
                std::ranges::any_of(read.account, [&](const auto& row) { return is_same_row(*at, row.word); });
            if (!is_there) {
                at->quantity = {};
                say(*at);
            }
            at = is_there ? std::next(at) : account_.erase(at);
        }
    }
    BookRead book{begun_at_, read.day, read.is_final};
    book.orders = static_cast<std::uint32_t>(read.orders.size());
    book.trades = static_cast<std::uint32_t>(read.trades.size());
    book.with_account = read.with_account;
    say(book);
}

// ---- time ---------------------------------------------------------------------------------------------------------------

void Gateway::tick(Time now) {
    for (auto at = in_flight_.begin(); at != in_flight_.end();) {
        if (at->second.until > now) {
            ++at;
            continue;
        }
        const OutsideMessage message = std::move(at->second.message);
        client_->abandon(at->first);
        at = in_flight_.erase(at);
        end(message, {SendOutcome::unknown, {}, "no answer came in time"});
    }
    if (state_ == State::off) {
        return;
    }
    if (reading_since_ && now.ns - reading_since_->ns >= settings_.read_within.ns) {
        reading_since_.reset();
    }
    if (state_ == State::up && now.ns - last_whole_.ns >= settings_.down_after.ns) {
        state_ = State::reconciling;
        before_.reset();
        say(SessionChange::down);
    }
    if (!reading_since_ && now.ns - last_read_.ns >= pause().ns) {
        begin_read(now);
    }
}

Time Gateway::next_due() const {
    Time due = kNever;
    for (const auto& each : in_flight_) {
        due = std::min(due, each.second.until);
    }
    if (state_ == State::off) {
        return due;
    }
    if (state_ == State::up) {
        due = std::min(due, Time{last_whole_.ns + settings_.down_after.ns});
    }
    return std::min(due, reading_since_ ? Time{reading_since_->ns + settings_.read_within.ns}
                                        : Time{last_read_.ns + pause().ns});
}

}  // namespace alpha
