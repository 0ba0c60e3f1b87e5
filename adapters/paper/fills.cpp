#include "adapters/paper/matching.hpp"
#include "events/links.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace alpha::paper {

namespace {

constexpr const char* kLinked = "linked";
constexpr const char* kNothingToReduce = "nothing to reduce";

Qty net_of(const Book& book, PortfolioId portfolio, Product product) {
    const auto at = std::ranges::lower_bound(book.nets, std::pair(portfolio, product), {}, &Net::key);
    return at != book.nets.end() && at->key() == std::pair(portfolio, product) ? at->quantity : Qty{};
}
void hold(Book& book, PortfolioId portfolio, Product product, Qty change) {
    const auto at = std::ranges::lower_bound(book.nets, std::pair(portfolio, product), {}, &Net::key);
    if (at == book.nets.end() || at->key() != std::pair(portfolio, product)) {
        book.nets.insert(at, {portfolio, product, change});
    } else if (at->quantity += change; at->quantity.raw == 0) {
        book.nets.erase(at);
    }
}

}  // namespace

BrokerReport& report(OrderId id, ReportKind kind, const char* text, Reports& out) {
    BrokerReport& answer = out.emplace_back();
    answer.order = id;
    answer.kind = kind;
    answer.text = text;
    return answer;
}

void report_modified(const OpenOrder& order, Rule rule, Reports& out) {
    BrokerReport& modified = report(order.id, ReportKind::modified, "", out);
    modified.quantity = order.terms.quantity;
    modified.limit_price = order.terms.limit_price;
    modified.stop_price = order.terms.stop_price;
    modified.reduce_only = order.terms.reduce_only;
    modified.rule = rule;
}

OpenOrder* find_order(Book& book, OrderId id) {
    const auto found =
        std::ranges::find_if(book.orders, [id](const OpenOrder& order) { return order.id == id && !order.is_done; });
    return found == book.orders.end() ? nullptr : &*found;
}

/// Fills as much as there is at `price`, off the stock that all share, and lets the links act.
/// `market`: inside a bar, where its price stood.
void Matching::fill(Pass& pass, OpenOrder& order, Qty* left, Price price, Moment moment, Price market) {
    // An exit that rests takes inside the bar what it guarded at its open; the rest came while it lasted.
    const bool is_target = moment == Moment::inside && !order.triggered_now;
    Qty quantity = is_target ? order.leaves() - order.fresh : order.leaves();
    if (left != nullptr && *left < quantity) {
        quantity = *left;
        if (left == &pass.book.volume_left) {  // nobody sells a part of a lot
            quantity -= Qty{quantity.raw % order.lot.raw};
        }
    }
    if (quantity <= Qty{0}) {
        return;
    }
    if (left != nullptr) {
        *left -= quantity;
    }
    order.filled += quantity;
    ++state_.trades;
    BrokerReport& filled = report(order.id, ReportKind::filled, "", pass.out);
    filled.quantity = quantity;
    filled.price = price;
    filled.trade = std::to_string(state_.trades);
    if (order.is_exit()) {
        order.covered -= quantity;
    }
    if (order.terms.quantity <= order.filled) {
        order.is_done = true;
        state_.whereabouts.erase(order.id);
    }
    hold(pass.book, order.portfolio, order.terms.product, signed_qty(order.terms.side, quantity));
    if (pass.book.linked != 0) {
        follow_links(pass, order, quantity, moment, market);
    }
}

/// After a fill and before the next: other legs shrink or end, exits come alive, what only reduces follows the net.
void Matching::follow_links(Pass& pass, const OpenOrder& filled, Qty quantity, Moment moment, Price market) {
    if (filled.terms.legs != 0) {
        each_order(pass, [&](OpenOrder& leg) {
            if (leg.terms.group == filled.terms.group && leg.id != filled.id) {
                filled.is_done ? finish(pass, leg, ReportKind::cancelled, kLinked)
                               : take_off(pass, leg, quantity, kLinked);
            }
        });
    }
    bool has_born = false;
    each_order(pass, [&](OpenOrder& exit) {
        if (exit.terms.parent != filled.id) {
            return;
        }
        if (exit.is_asleep()) {
            has_born = true;
            exit.arrived = moment == Moment::at_open ? pass.bar->label : pass.now;
            exit.born_inside = moment == Moment::inside;
            exit.is_born = !exit.born_inside;
            pass.has_born = pass.has_born || exit.born_inside;
            exit.born_at = market;
            // More of a stop-limit that the bar has triggered already rests with it.
            exit.awaits = moment != Moment::inside || !exit.triggered_now;
        }
        exit.covered += quantity;
        exit.fresh += moment == Moment::inside ? quantity : Qty{};
    });
    if (filled.is_done) {
        end_entry(pass, filled.id);
    }
    cut_reducing_orders(pass, filled.portfolio, filled.terms.product);
    if (has_born && moment != Moment::inside) {
        pass.born.push_back({filled.id, moment});
    }
}

void Matching::settle(Pass& pass) {
    for (const Born& born : std::exchange(pass.born, {})) {  // exits have no exits of their own
        bring_to_life(pass, born.entry, born.moment, true);
        bring_to_life(pass, born.entry, born.moment, false);
    }
    for (const Over& over : std::exchange(pass.over, {})) {
        if (OpenOrder* const order = find_order(pass.book, over.order); order != nullptr) {
            finish(pass, *order, ReportKind::cancelled, over.why);
        }
    }
}
/// Exits of the entry meet the price it has filled at: those that limit a loss first.
void Matching::bring_to_life(Pass& pass, OrderId entry, Moment moment, bool stops) {
    each_order(pass, [&](OpenOrder& exit) {
        // One that waits for a price of its own, changed in the middle of this bar, say, is none of them.
        if (exit.terms.parent != entry || needs_stop(exit.terms.type) != stops || !std::exchange(exit.is_born, false) ||
            !exit.awaits || exit.is_asleep()) {
            return;
        }
        if (moment == Moment::at_open) {
            meet(pass, exit, {PriceKind::touch, pass.bar->open, &pass.book.volume_left});
            exit.arrived = pass.bar->label;
        } else {
            arrive(pass, exit);
        }
    });
}

/// The entry can fill no more: its exits keep what has filled, and end where that is nothing.
void Matching::end_entry(Pass& pass, OrderId entry) {
    each_order(pass, [&](OpenOrder& exit) {
        if (exit.terms.parent != entry) {
            return;
        }
        exit.entry_ended = true;
        const Qty beyond = exit.terms.quantity - exit.filled - exit.covered;
        if (beyond > Qty{0}) {
            exit.terms.quantity -= beyond;
            exit.covered.raw <= 0 ? close(pass, exit, ReportKind::cancelled, kEntryEnded)
                                  : report_modified(exit, Rule::linked_fill, pass.out);
        }
    });
}

void Matching::grow_exits(Pass& pass, OrderId entry, Qty whole, Qty more) {
    each_order(pass, [&](OpenOrder& exit) {
        if (exit.terms.parent == entry && exit.terms.quantity < whole) {
            exit.terms.quantity += std::min(more, whole - exit.terms.quantity);
            report_modified(exit, Rule::linked_fill, pass.out);
        }
    });
}

/// Takes `quantity` off what the order may still fill.
void Matching::take_off(Pass& pass, OpenOrder& order, Qty quantity, const char* why) {
    order.terms.quantity = std::max(order.filled, order.terms.quantity - quantity);
    if (order.is_exit()) {
        order.covered = std::max(Qty{}, order.covered - quantity);
    }
    const bool may_wake = order.is_exit() && !order.entry_ended;
    if (order.terms.quantity <= order.filled || (order.is_asleep() && !may_wake)) {
        finish(pass, order, ReportKind::cancelled, why);
    } else {
        report_modified(order, Rule::linked_fill, pass.out);
    }
}

void Matching::cut_reducing_orders(Pass& pass, PortfolioId portfolio, Product product) {
    std::vector<ReducingOrder> reducing;
    each_order(pass, [&](const OpenOrder& order) {
        if (order.terms.reduce_only && order.portfolio == portfolio && order.terms.product == product &&
            !order.is_asleep()) {
            reducing.push_back({order.id, order.terms.side, order.terms.group, order.leaves()});
        }
    });
    if (reducing.empty()) {
        return;
    }
    std::ranges::sort(reducing, {}, &ReducingOrder::order);
    cut_to_net(reducing, net_of(pass.book, portfolio, product));
    for (const ReducingOrder& kept : reducing) {
        OpenOrder* order = find_order(pass.book, kept.order);
        if (order != nullptr && kept.leaves < order->leaves()) {
            take_off(pass, *order, order->leaves() - kept.leaves, kNothingToReduce);
        }
    }
}

void Matching::close(Pass& pass, OpenOrder& order, ReportKind kind, const char* why) {
    order.is_done = true;
    report(order.id, kind, why, pass.out);
    state_.whereabouts.erase(order.id);
}

void Matching::finish(Pass& pass, OpenOrder& order, ReportKind kind, const char* why) {
    close(pass, order, kind, why);
    if (pass.book.linked != 0 && !order.is_exit()) {
        end_entry(pass, order.id);
    }
}

}  // namespace alpha::paper
