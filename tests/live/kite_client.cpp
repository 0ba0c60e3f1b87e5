#include "tests/live/kite_client.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace alpha::test {

namespace {

constexpr std::int32_t kProtection = 100;  // one per cent

kite::Answered seen_of(const kite::Reply& reply) {
    kite::Answered seen;
    seen.http = reply.http;
    if (reply.kind == kite::ReplyKind::json) {
        seen.error_type = reply.error_type;
        seen.message = reply.message;
        seen.order_id = reply.order_id;
    }
    return seen;
}

/// Null where the reply holds no such rows.
template <class Row>
const std::vector<Row>* rows_of(const kite::Reply& reply) {
    return reply.is_success() ? std::get_if<std::vector<Row>>(&reply.data) : nullptr;
}

}  // namespace

void KiteClient::later(Duration wait, std::function<void()> task) {
    line_.timeline_.after(wait, [alive = std::weak_ptr(ears_), task = std::move(task)] {
        if (!alive.expired()) {
            task();
        }
    });
}

void KiteClient::answer(SendToken token, const SendAnswer& answer) {
    later(way(), [this, token, answer] { ears_->answered(token, answer); });
}

void KiteClient::begin(SendToken token, const OutsideMessage& message) {
    if (line_.random_.below(1'000) < line_.trouble_.unreachable_per_thousand) {
        return answer(token, {SendOutcome::not_started, {}, "no connection"});
    }
    send(token, message);
}

void KiteClient::send(SendToken token, const OutsideMessage& message) {
    const bool is_place = message.started.what == Send::place;
    if (is_place) {
        line_.on_the_way_.insert(message.tag);
    }
    // The bytes are out: they get there though this process may not be there any more to hear of it.
    line_.timeline_.after(way(), [this, token, message, is_place, &line = line_, alive = std::weak_ptr(ears_)] {
        const kite::Caller caller = kite::Caller::api(line.token_);
        const Time now = line.timeline_.now();
        kite::Reply reply;
        if (is_place) {
            line.on_the_way_.erase(line.on_the_way_.find(message.tag));
            ++line.arrivals_[message.tag];
            const Result<kite::PlaceOrder> order = kite::order_of(message, line.names_, kProtection);
            reply = line.exchange_.place(now, caller, order.value());
        } else if (message.started.what == Send::modify) {
            reply = line.exchange_.modify(now, caller, kite::change_of(message).value());
        } else {
            reply = line.exchange_.cancel(now, caller, message.started.broker_order);
        }
        if (alive.expired()) {
            return;
        }
        if (reply.is_seen()) {
            return answer(token, kite::outcome_of(seen_of(reply)));
        }
        if (line.trouble_.sends_again && is_place) {
            return send(token, message);
        }
        if (line.trouble_.denies_what_it_sent) {
            return answer(token, {SendOutcome::not_started, {}, "the connection was closed"});
        }
        if (reply.kind == kite::ReplyKind::closed) {
            answer(token, {SendOutcome::unknown, {}, "the connection was closed"});
        }
    });
}

// ---- reads --------------------------------------------------------------------------------------------------------------

void KiteClient::read_book() {
    const auto reading = std::make_shared<Reading>();
    later(way(), [this, reading] {
        const Time now = line_.timeline_.now();
        const kite::BookDay book = kite::book_day(now);
        reading->read.day = book.day;
        reading->read.is_final = book.is_final;
        const kite::Reply reply = line_.exchange_.orders(now, kite::Caller::api(line_.token_));
        const auto* const rows = rows_of<kite::OrderRow>(reply);
        reading->is_whole = rows != nullptr;
        for (std::size_t i = 0; rows != nullptr && i < rows->size(); ++i) {
            const Result<BrokerOrderSeen> word = kite::word_of((*rows)[i], line_.names_);
            reading->is_whole = reading->is_whole && word.has_value();
            if (word) {
                reading->read.orders.push_back({*word});
            }
        }
        reading->is_whole ? read_trades(reading) : end_read(reading);
    });
}

void KiteClient::read_trades(const std::shared_ptr<Reading>& reading) {
    later(way(), [this, reading] {
        const kite::Reply reply = line_.exchange_.trades(line_.timeline_.now(), kite::Caller::api(line_.token_));
        const auto* const rows = rows_of<kite::TradeRow>(reply);
        reading->is_whole = rows != nullptr;
        for (std::size_t i = 0; rows != nullptr && i < rows->size(); ++i) {
            const Result<BrokerTradeSeen> word = kite::word_of((*rows)[i], line_.names_);
            reading->is_whole = reading->is_whole && word.has_value();
            if (word) {
                reading->read.trades.push_back({*word});
            }
        }
        reading->is_whole ? read_positions(reading) : end_read(reading);
    });
}

// What the account holds may be missing from a read that is whole otherwise.
void KiteClient::read_positions(const std::shared_ptr<Reading>& reading) {
    later(way(), [this, reading] {
        const kite::Reply reply = line_.exchange_.positions(line_.timeline_.now(), kite::Caller::api(line_.token_));
        if (const auto* const rows = rows_of<kite::PositionRow>(reply); rows != nullptr) {
            reading->positions = *rows;
            return read_holdings(reading);
        }
        end_read(reading);
    });
}

void KiteClient::read_holdings(const std::shared_ptr<Reading>& reading) {
    later(way(), [this, reading] {
        const kite::Reply reply = line_.exchange_.holdings(line_.timeline_.now(), kite::Caller::api(line_.token_));
        if (const auto* const rows = rows_of<kite::HoldingRow>(reply); rows != nullptr) {
            for (const AccountRead& row : kite::words_of(reading->positions, *rows, line_.names_, reading->read.day)) {
                reading->read.account.push_back({row});
            }
            reading->read.with_account = true;
        }
        end_read(reading);
    });
}

void KiteClient::end_read(const std::shared_ptr<Reading>& reading) {
    later(way(), [this, reading] {
        // A book that was cleared while it was read is of no day.
        const bool is_of_one_day = kite::book_day(line_.timeline_.now()).day == reading->read.day;
        ears_->was_read(reading->is_whole && is_of_one_day ? std::optional(reading->read) : std::nullopt);
    });
}

}  // namespace alpha::test
