// Takes words of the order protocol, one a line, and answers each with what the book then holds of every order (compare.py).
//
//   walk                              a new book
//   session up|restarted
//   kill / release
//   intend K DAY                      quantities are those of the model: an order is of 2
//   cancel K / modify K / overdue K
//   start K place|cxl|ocxl|mod DAY
//   end K place|cxl|ocxl|mod OUTCOME ID
//   row ID K QUANTITY STATUS FILLED   K: whose tag it has, -1: none of ours
//   trade ID N DAY
//   read DAY FINAL AGREE
//   resolve K placed|not_placed|closed ID
//
// The answer: of each order "state/end/booked/cancel/modify", or "-".

#include "events/order_tag.hpp"
#include "kernel/outside.hpp"
#include "tests/change_names.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <utility>

using namespace alpha;
using alpha::test::name_of_change;

namespace {

constexpr std::uint32_t kLog = 7;
constexpr std::int64_t kFirstDay = 20'000;
constexpr std::uint64_t kOrders = 2;
constexpr InstrumentId kInstrument{0};

OutsideRules rules() {
    OutsideRules rules;
    rules.ask_after = Duration{};
    rules.seen_after = Duration{};
    return rules;
}

std::string id_of(int id) {
    return id < 0 ? std::string() : fmt::format("B{}", id);
}
OrderId order_at(int k) {
    return OrderId{static_cast<std::uint64_t>(k) + 1};
}
Date day_of(int day) {
    return Date{static_cast<std::int32_t>(kFirstDay + day)};
}

class Steps {
public:
    void take(const std::string& line) {
        std::istringstream in(line);
        std::string what;
        in >> what;
        now_ = now_ + Duration{2 * kSecondNs};
        OutsideBook::Facts facts;
        if (what == "session") {
            std::string change;
            in >> change;
            book_.on(change == "up" ? SessionChange::up : SessionChange::restarted, facts);
        } else if (what == "kill") {
            book_.latch(facts);
        } else if (what == "release") {
            book_.release();
        } else if (what == "row") {
            row(in, facts);
        } else if (what == "trade") {
            trade(in, facts);
        } else if (what == "read") {
            int day = 0;
            BookRead read;
            in >> day >> read.is_final >> read.positions_agree;
            read.day = day_of(day);
            read.begun_at = now_;
            read.with_account = true;
            book_.on(read, now_, facts);
        } else {
            int k = 0;
            in >> k;
            of_order(what, k, in, facts);
        }
        // As the kernel does: whatever is in conflict latches.
        const bool is_conflict =
            std::ranges::any_of(facts, [](const OutsideFact& fact) { return fact.kind == OutsideFactKind::conflict; });
        if (is_conflict) {
            book_.latch(facts);
        }
    }

    std::string said() const {
        std::string text;
        for (std::uint64_t k = 1; k <= kOrders; ++k) {
            const Wire* const wire = book_.find(OrderId{k});
            text += wire == nullptr ? "- "
                                    : fmt::format("{}/{}/{}/{}/{} ", name_of(wire->state), name_of(wire->end),
                                                  wire->booked.raw / kScale, name_of_change(wire->cancel),
                                                  name_of_change(wire->modify));
        }
        return text;
    }

private:
    void of_order(const std::string& what, int k, std::istringstream& in, OutsideBook::Facts& facts) {
        const OrderId order = order_at(k);
        const Wire* const wire = book_.find(order);
        if (what == "intend") {
            int day = 0;
            in >> day;
            book_.intend(order, kInstrument, Side::buy, Product::mis, qty_of(2), day_of(day), now_);
        } else if (what == "cancel") {
            book_.cancel(order, facts);
        } else if (what == "modify") {
            book_.modify(order, wire->confirmed + qty_of(1), facts);
        } else if (what == "overdue") {
            book_.overdue(order, facts);
        } else if (what == "start") {
            start(order, *wire, in);
        } else if (what == "end") {
            end(order, in, facts);
        } else if (what == "resolve") {
            std::string how;
            int id = 0;
            in >> how >> id;
            const Resolution resolution = how == "placed"       ? Resolution::placed
                                          : how == "not_placed" ? Resolution::not_placed
                                                                : Resolution::closed;
            book_.on(OrderResolved{order, resolution, id_of(id), "ann", "looked"}, facts);
        }
    }

    void start(OrderId order, const Wire& wire, std::istringstream& in) {
        std::string what;
        int day = 0;
        in >> what >> day;
        SendStarted started;
        started.order = order;
        started.what = what == "place" ? Send::place : what == "mod" ? Send::modify : Send::cancel;
        started.attempt = ++attempts_[{order, what}];
        if (started.what == Send::place) {
            started.order_tag = to_string(OrderTag{kLog, order});
        } else if (what == "ocxl") {
            started.broker_order = wire.others.begin()->first;
        } else {
            started.broker_order = wire.broker_order;
        }
        started_[{order, what}] = started;
        book_.on(started, now_, day_of(day));
    }

    void end(OrderId order, std::istringstream& in, OutsideBook::Facts& facts) {
        std::string what;
        std::string outcome;
        int id = 0;
        in >> what >> outcome >> id;
        const SendStarted& started = started_.at({order, what});
        SendEnded ended;
        ended.order = order;
        ended.what = started.what;
        ended.attempt = started.attempt;
        ended.outcome = outcome == "acked"         ? SendOutcome::acked
                        : outcome == "refused"     ? SendOutcome::refused
                        : outcome == "doubtful"    ? SendOutcome::doubtful
                        : outcome == "not_started" ? SendOutcome::not_started
                        : outcome == "withheld"    ? SendOutcome::withheld
                                                   : SendOutcome::unknown;
        const bool has_id = started.what == Send::place && ended.outcome == SendOutcome::acked;
        ended.broker_order = has_id ? id_of(id) : started.broker_order;
        book_.on(ended, now_, facts);
    }

    void row(std::istringstream& in, OutsideBook::Facts& facts) {
        int id = 0;
        int k = 0;
        int quantity = 0;
        std::string status;
        int filled = 0;
        in >> id >> k >> quantity >> status >> filled;
        BrokerOrderSeen row;
        row.broker_order = id_of(id);
        row.order_tag = k < 0 ? std::string() : to_string(OrderTag{kLog, order_at(k)});
        row.instrument = kInstrument;
        row.side = k < 0 ? Side::sell : Side::buy;  // nobody else's order looks like one of ours
        row.product = Product::mis;
        row.quantity = qty_of(quantity);
        row.filled = qty_of(filled);
        row.status = status == "open"   ? RowStatus::open
                     : status == "done" ? RowStatus::complete
                     : status == "cxl"  ? RowStatus::cancelled
                                        : RowStatus::rejected;
        row.placed_at = placed_.try_emplace(id, now_).first->second;
        book_.on(row, facts);
    }

    void trade(std::istringstream& in, OutsideBook::Facts& facts) {
        int id = 0;
        int number = 0;
        int day = 0;
        in >> id >> number >> day;
        BrokerTradeSeen trade;
        trade.broker_order = id_of(id);
        trade.exchange = "NSE";
        trade.trade = fmt::format("T{}", number);
        trade.instrument = kInstrument;
        trade.quantity = qty_of(1);
        trade.price = price_of(10);
        trade.day = day_of(day);
        book_.on(trade, facts);
    }

    OutsideBook book_{kLog, rules()};
    Time now_{kFirstDay * kDayNs};
    std::map<std::pair<OrderId, std::string>, std::uint8_t> attempts_;
    std::map<std::pair<OrderId, std::string>, SendStarted> started_;
    std::map<int, Time> placed_;
};

}  // namespace

int main() {
    Steps steps;
    std::string line;
    while (std::getline(std::cin, line)) {
        if (line == "walk") {
            steps = Steps();
            steps.take("session up");
            continue;
        }
        steps.take(line);
        std::cout << steps.said() << '\n';
    }
    return 0;
}
