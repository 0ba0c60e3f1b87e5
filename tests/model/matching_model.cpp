// The matching rules once more, written from their words in adapters/paper/paper_broker.hpp and not from the broker: what counts is
// found by looking back over everything that came, an order is a record, and nothing is kept that could be looked up.

#include "tests/model/scenario.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace alpha::model {
namespace {

constexpr int kNotOfADay = std::numeric_limits<int>::max();  // lasts until it is cancelled
constexpr int kNextSession = kNotOfADay - 1;                 // a DAY order that waits for a session to open

struct Order {
    int id = 0;
    int portfolio = 0;
    int instrument = 0;
    Leg terms;  // quantity: the present total
    int parent = 0;
    int group = 0;
    int good_until = kNotOfADay;

    bool at_venue = false;
    bool ended = false;
    bool cancel_under_way = false;
    bool modify_under_way = false;
    Units filled = 0;
    Units released =
        0;  // exits: how much of the total may fill, fills included; what its entry filled less what links took
    bool triggered = false;
    long queue = 0;  // its place in time
    bool arrived = false;
    Nanos arrived_at = 0;
    Units promised = 0;     // what it would have filled at when a bar opened; 0: nothing
    Nanos promised_at = 0;  // that bar's label

    // While a bar's range is matched.
    bool was_there = false;    // it had arrived by the open's instant
    Units fresh = 0;           // what came alive since
    bool born_inside = false;  // of a fill in the range
    Units no_better_than = 0;  // the price that the bar had come to
    bool triggered_in_range = false;

    bool is_buy() const { return terms.side == Side::buy; }
    bool is_exit() const { return parent != 0; }
    Units alive() const {
        if (ended || !at_venue) {
            return 0;
        }
        return is_exit() ? std::max<Units>(0, std::min(terms.quantity, released) - filled) : terms.quantity - filled;
    }
    bool is_like_market() const { return terms.type == Type::market || (terms.type == Type::stop && triggered); }
    bool has_stop() const { return terms.type == Type::stop || terms.type == Type::stop_limit; }
    bool is_waiting_stop() const { return !triggered && has_stop(); }
    bool is_like_limit() const { return terms.type == Type::limit || (terms.type == Type::stop_limit && triggered); }
    /// From its own side: a price that is at the limit or better, better than the limit, at the stop or beyond.
    bool can_trade_at(Units price) const { return is_buy() ? price <= terms.limit : price >= terms.limit; }
    bool is_beyond_limit(Units price) const { return is_buy() ? price < terms.limit : price > terms.limit; }
    bool is_at_stop(Units price) const { return is_buy() ? price >= terms.stop : price <= terms.stop; }
    Units worse_of(Units one, Units other) const { return is_buy() ? std::max(one, other) : std::min(one, other); }
};

struct Wish {
    Request::Kind kind = Request::Kind::place;
    Nanos due = 0;
    int instrument = 0;
    std::vector<int> orders;  // placed together; or the one that is changed
    Units quantity = 0;
    Units limit = 0;
    Units stop = 0;
    Units known = 0;
};

class Venue {
public:
    explicit Venue(const Scenario& scenario) : s_(scenario.settings), all_(scenario.inputs) {}

    Outcome run() {
        for (at_ = 0; at_ < all_.size(); ++at_) {
            const Input& input = all_[at_];
            now_ = input.time;
            switch (input.kind) {
            case Input::Kind::quote: on_quote(input); break;
            case Input::Kind::trade: on_trade(input); break;
            case Input::Kind::bar_opened:
                if (open_counts(at_)) {
                    on_open(input);
                } else if (is_shortest(at_)) {
                    on_awaited_open(input);
                }
                break;
            case Input::Kind::bar_closed:
                if (!is_shadowed(at_)) {
                    on_close(input);
                }
                break;
            case Input::Kind::session_opened: on_session_opened(input); break;
            case Input::Kind::session_closed: on_session_closed(input); break;
            case Input::Kind::timer: break;
            }
            for (int strategy = 0; strategy < 2; ++strategy) {
                seen_ = orders_;  // a strategy asks all it asks before it hears what came of it
                for (const Request& request : input.requests) {
                    if (request.strategy == strategy) {
                        ask(request);
                    }
                }
            }
        }
        std::ranges::stable_sort(out_.ends, {}, [](const End& e) { return std::pair(e.time, e.order); });
        return out_;
    }

private:
    // ---- what counts: looking back --------------------------------------------------------------------------------------

    /// "when a quote, a trade, or a bar of a shorter interval, of its instrument arrived in [label, end)": the shorter bar that closes as this
    /// one begins is of the time before.
    bool is_shadowed(std::size_t closing) const {
        const Input& bar = all_[closing];
        for (std::size_t i = 0; i < closing; ++i) {
            const Input& other = all_[i];
            if (other.instrument != bar.instrument || other.time < bar.bar.label || other.time >= bar.time) {
                continue;
            }
            const bool is_inside = other.kind == Input::Kind::bar_opened ||
                                   (other.kind == Input::Kind::bar_closed && other.time > bar.bar.label);
            const bool is_tick = other.kind == Input::Kind::quote || other.kind == Input::Kind::trade;
            if (is_tick || (is_inside && other.bar.interval < bar.bar.interval)) {
                return true;
            }
        }
        return false;
    }
    /// "Its open counts unless the previous bar of that interval was shadowed"
    bool open_counts(std::size_t opening) const {
        const Input& bar = all_[opening];
        for (std::size_t i = opening; i-- > 0;) {
            const Input& other = all_[i];
            if (other.kind == Input::Kind::bar_closed && other.instrument == bar.instrument &&
                other.bar.interval == bar.bar.interval) {
                return !is_shadowed(i);
            }
        }
        return true;
    }
    bool is_shortest(std::size_t opening) const {
        const Input& bar = all_[opening];
        for (std::size_t i = 0; i < opening; ++i) {
            const Input& other = all_[i];
            const bool is_bar = other.kind == Input::Kind::bar_opened || other.kind == Input::Kind::bar_closed;
            if (is_bar && other.instrument == bar.instrument && other.bar.interval < bar.bar.interval) {
                return false;
            }
        }
        return true;
    }
    /// The newest input of the instrument that is a price to who arrives: a trade is none while a quote stands.
    std::optional<std::size_t> newest_price(int instrument) const {
        std::optional<std::size_t> trade;
        for (std::size_t i = at_ + 1; i-- > 0;) {
            const Input& other = all_[i];
            if (other.instrument != instrument) {
                continue;
            }
            if (other.kind == Input::Kind::quote) {
                return i;
            }
            if (other.kind == Input::Kind::trade && !trade) {
                trade = i;
            }
            if ((other.kind == Input::Kind::bar_opened && open_counts(i)) ||
                (other.kind == Input::Kind::bar_closed && !is_shadowed(i))) {
                return trade ? trade : i;
            }
        }
        return trade;
    }

    // ---- requests and wishes --------------------------------------------------------------------------------------------

    void ask(const Request& request) {
        if (request.kind == Request::Kind::cancel || request.kind == Request::Kind::modify) {
            ask_change(request);
            return;
        }
        // The kernel asks for some price to judge a market order by.
        const bool is_refused =
            !newest_price(request.instrument) && std::ranges::any_of(request.legs, [&](const Leg& leg) {
                const bool is_exit = request.kind == Request::Kind::bracket && &leg != &request.legs.front();
                return leg.type == Type::market && !is_exit;
            });
        Wish wish{request.kind, now_ + s_.latency, request.instrument, {}, 0, 0, 0, 0};
        const int first = next_order_;
        for (const Leg& leg : request.legs) {
            Order order;
            order.id = next_order_++;
            order.portfolio = request.strategy;
            order.instrument = request.instrument;
            order.terms = leg;
            if (request.kind == Request::Kind::bracket) {
                order.parent = order.id == first ? 0 : first;
                order.group = order.id > first && request.is_grouped ? first + 1 : 0;
            } else if (request.kind == Request::Kind::oco) {
                order.group = first;
            }
            if (leg.tif == Tif::day) {
                order.good_until = session_of(request.instrument);
            }
            orders_.emplace(order.id, order);
            seen_.emplace(order.id, order);
            wish.orders.push_back(order.id);
            if (is_refused) {
                orders_.at(order.id).ended = true;
                out_.ends.push_back({now_, order.id, "refused: no_market"});
            }
        }
        ids_[request.key] = first;
        if (!is_refused) {
            give(wish);
        }
    }
    void ask_change(const Request& request) {
        const auto found = ids_.find(request.target);
        if (found == ids_.end()) {
            return;
        }
        const int id = found->second + request.target_leg;
        Order& order = orders_.at(id);
        Order& seen = seen_.try_emplace(id, order).first->second;  // placed just now: as it was placed
        const bool is_modify = request.kind == Request::Kind::modify;
        if (seen.ended || seen.cancel_under_way ||
            (is_modify && (seen.modify_under_way || request.quantity <= seen.filled))) {
            return;  // refused by the kernel
        }
        for (Order* each : {&order, &seen}) {
            (is_modify ? each->modify_under_way : each->cancel_under_way) = true;
        }
        give({request.kind,
              now_ + s_.latency,
              order.instrument,
              {id},
              request.quantity,
              request.limit,
              request.stop,
              seen.terms.quantity});
    }
    /// "A wish becomes effective at once when the latency is zero, else with the first price at or after it is due"
    void give(const Wish& wish) {
        if (s_.latency == 0) {
            take_effect(wish, [this](Order& order) { meet_present(order); });
        } else {
            under_way_.push_back(wish);
        }
    }
    void take_due(int instrument, const std::function<void(Order&)>& meet) { take_due(instrument, meet, now_); }
    void take_due(int instrument, const std::function<void(Order&)>& meet, Nanos until) {
        std::vector<Wish> due;
        std::erase_if(under_way_, [&](const Wish& wish) {
            const bool is_due = wish.instrument == instrument && wish.due <= until;
            if (is_due) {
                due.push_back(wish);
            }
            return is_due;
        });
        for (const Wish& wish : due) {
            take_effect(wish, meet);
        }
    }
    void take_effect(const Wish& wish, const std::function<void(Order&)>& meet) {
        if (wish.kind == Request::Kind::cancel) {
            Order& order = orders_.at(wish.orders.front());
            order.cancel_under_way = false;
            end(order, "cancelled: asked");
            return;
        }
        if (wish.kind == Request::Kind::modify) {
            modify(wish, meet);
            return;
        }
        for (const int id : wish.orders) {
            Order& order = orders_.at(id);
            order.at_venue = !order.ended;
            order.queue = ++queue_;
        }
        follow_net(orders_.at(wish.orders.front()));
        std::vector<int> arriving;
        for (const int id : wish.orders) {
            if (!orders_.at(id).is_exit()) {
                arriving.push_back(id);
            }
        }
        meet_each(std::move(arriving), meet);
    }
    /// "modified with the new total and prices, then it arrives anew"
    void modify(const Wish& wish, const std::function<void(Order&)>& meet) {
        Order& order = orders_.at(wish.orders.front());
        order.modify_under_way = false;
        Units quantity = wish.quantity - (wish.known - order.terms.quantity);  // what links took since it was asked for
        if (order.ended || quantity <= order.filled) {
            return;
        }
        if (order.is_exit() && orders_.at(order.parent).ended) {
            quantity = std::min(quantity, order.released);  // no more than its entry has filled
        }
        const bool only_smaller =
            quantity <= order.terms.quantity && wish.limit == order.terms.limit && wish.stop == order.terms.stop;
        // "an entry that is made larger takes its exits with it, as far as they are smaller than it"
        if (const Units more = quantity - order.terms.quantity; more > 0) {
            for (auto& [id, exit] : orders_) {
                if (exit.parent == order.id && !exit.ended && exit.terms.quantity < quantity) {
                    exit.terms.quantity += std::min(more, quantity - exit.terms.quantity);
                }
            }
        }
        order.terms.quantity = quantity;
        order.terms.limit = wish.limit;
        order.terms.stop = wish.stop;
        if (!only_smaller) {
            order.queue = ++queue_;
            order.arrived = false;
            order.promised = 0;
        }
        follow_net(order);
        if (!only_smaller && order.alive() > 0) {
            meet_each({order.id}, meet);
        }
    }

    // ---- fills and links ------------------------------------------------------------------------------------------------

    void end(Order& order, const std::string& how) {
        if (order.ended) {
            return;
        }
        order.ended = true;
        out_.ends.push_back({now_, order.id, how});
        after_end(order);
    }
    /// An exit ends with its entry where nothing of it has filled; else it can be no more than what has filled.
    void after_end(const Order& entry) {
        for (auto& [id, exit] : orders_) {
            if (exit.parent == entry.id && !exit.ended) {
                exit.terms.quantity = std::min(exit.terms.quantity, std::max(exit.released, exit.filled));
                if (exit.terms.quantity == exit.filled) {
                    end(exit, "cancelled: its entry has ended");
                }
            }
        }
    }
    void fill(Order& order, Units quantity, Units price) {
        if (quantity <= 0) {
            return;
        }
        out_.fills.push_back({now_, order.id, quantity, price});
        order.filled += quantity;
        net_[{order.portfolio, order.instrument}] += order.is_buy() ? quantity : -quantity;
        const bool whole = order.filled == order.terms.quantity;
        order.ended = order.ended || whole;
        std::vector<int> came_alive;
        for (auto& [id, exit] : orders_) {  // bracket: exits come alive with the entry's fills
            if (exit.parent == order.id && !exit.ended) {
                const bool was_asleep = exit.alive() == 0;
                exit.released += quantity;
                if (was_asleep) {
                    exit.arrived = false;
                    came_alive.push_back(id);
                }
                exit.fresh += quantity;
            }
        }
        for (auto& [id, other] : orders_) {  // one cancels the other
            if (order.group != 0 && other.group == order.group && id != order.id && !other.ended) {
                other.terms.quantity -= quantity;
                other.released -= quantity;
                if (whole || other.terms.quantity <= other.filled) {
                    end(other, "cancelled: linked");
                }
            }
        }
        if (whole) {
            after_end(order);
        }
        follow_net(order);
        std::ranges::sort(came_alive, {}, [this](int id) { return orders_.at(id).queue; });
        for (const bool stops : {true, false}) {  // those that limit a loss first
            for (const int id : came_alive) {
                Order& exit = orders_.at(id);
                if (exit.has_stop() == stops && exit.alive() > 0 && !exit.arrived) {
                    meet_born_(exit);
                }
            }
        }
    }
    /// "reduce-only orders are cut to the portfolio's net position, the oldest first": the oldest keep what there is. The legs of a
    /// group are one order here, because only one of them fills.
    void follow_net(const Order& cause) {
        const int portfolio = cause.portfolio;
        const int instrument = cause.instrument;
        for (const Side side : {Side::buy, Side::sell}) {
            const Units net = net_[{portfolio, instrument}];
            Units room = std::max<Units>(0, side == Side::sell ? net : -net);
            std::set<int> groups_done;
            for (auto& [id, order] : orders_) {
                if (!order.terms.reduce_only || order.ended || !order.at_venue || order.portfolio != portfolio ||
                    order.instrument != instrument || order.terms.side != side ||
                    (order.group != 0 && !groups_done.insert(order.group).second)) {
                    continue;
                }
                std::vector<int> unit{id};
                for (auto& [other_id, other] : orders_) {
                    if (order.group != 0 && other.group == order.group && other_id != id && !other.ended &&
                        other.terms.reduce_only && other.terms.side == side) {
                        unit.push_back(other_id);
                    }
                }
                Units used = 0;
                for (const int member : unit) {
                    Order& leg = orders_.at(member);
                    const Units kept = std::min(leg.alive(), room);
                    const Units cut = leg.alive() - kept;
                    used = std::max(used, kept);
                    leg.terms.quantity -= cut;
                    leg.released -= cut;
                    if (leg.terms.quantity <= leg.filled) {
                        end(leg, "cancelled: nothing to reduce");
                    }
                }
                room -= used;
            }
        }
    }

    // ---- prices ---------------------------------------------------------------------------------------------------------

    Units worsened(const Order& order, Units price) const {
        Units by = s_.slippage + s_.slippage_ticks * s_.tick;
        if (s_.slippage_percent != 0) {
            const Units part = price * s_.slippage_percent;  // in 1/10,000 of a unit
            const Units tick = s_.tick * 10'000;
            by += (part + tick - 1) / tick * s_.tick;
        }
        return order.is_buy() ? price + by : std::max<Units>(1, price - by);
    }
    /// As much as the price at hand has to offer; nobody gives a part of a lot of what a bar or a trade has.
    void fill_within_size(Order& order, Units price) { fill_within_size(order, price, order.alive()); }
    void fill_within_size(Order& order, Units price, Units at_most) {
        if (!s_.use_size) {
            fill(order, at_most, price);
            return;
        }
        const bool is_of_a_quote = size_is_of_ == SizeOf::quote;
        Units& left = size_is_of_ == SizeOf::trade
                          ? trade_left_[order.instrument]
                          : size_left_[{order.instrument, is_of_a_quote ? order.terms.side : Side::buy}];
        const Units offered = is_of_a_quote ? left : left / s_.lot * s_.lot;
        const Units quantity = at_most <= left ? at_most : offered;
        left -= quantity;
        fill(order, quantity, price);
    }
    void end_if_ioc(Order& order, const char* why) {
        if (order.terms.tif == Tif::ioc && !order.ended) {
            end(order, why);
        }
    }
    void has_arrived(Order& order) {
        if (!order.arrived) {
            order.arrived = true;
            order.arrived_at = now_;
        }
    }

    /// Lets each order meet the price at hand once; what comes alive by that meets it at once.
    void meet_each(const std::vector<int>& ids, const std::function<void(Order&)>& meet) {
        const auto before = std::exchange(meet_born_, meet);
        for (const int id : ids) {
            Order& order = orders_.at(id);
            if (order.alive() > 0) {
                meet(order);
            }
        }
        meet_born_ = before;
    }
    std::vector<int> queue_of(int instrument) const {
        std::vector<const Order*> open;
        for (const auto& [id, order] : orders_) {
            if (order.instrument == instrument && order.at_venue && !order.ended) {
                open.push_back(&order);
            }
        }
        std::ranges::sort(open, {}, &Order::queue);
        std::vector<int> ids;
        for (const Order* order : open) {
            ids.push_back(order->id);
        }
        return ids;
    }

    /// An order that arrives between two inputs.
    void meet_present(Order& order) {
        const std::optional<std::size_t> newest = newest_price(order.instrument);
        if (!newest || (s_.next_open && !order.is_exit())) {
            return;  // the next price is its arrival
        }
        const Input& price = all_[*newest];
        if (price.kind == Input::Kind::quote) {
            meet_quote(order, price.quote);
        } else if (price.time == now_ && price.kind == Input::Kind::trade) {
            meet_trade(order, price.trade);
        } else if (price.time == now_ && price.kind == Input::Kind::bar_opened) {
            meet_open(order, price.bar);
        } else if (price.time == now_) {
            meet_close_on_arrival(order, price.bar);
        }
    }

    // ---- a quote --------------------------------------------------------------------------------------------------------

    void on_quote(const Input& input) {
        size_is_of_ = SizeOf::quote;
        size_left_[{input.instrument, Side::buy}] = input.quote.ask_size;
        size_left_[{input.instrument, Side::sell}] = input.quote.bid_size;
        const auto meet = [&](Order& order) {
            forget_promise(order);
            if (order.arrived || !s_.next_open || order.is_exit()) {
                meet_quote(order, input.quote);
            }
        };
        take_due(input.instrument, meet);
        meet_each(queue_of(input.instrument), meet);
    }
    void meet_quote(Order& order, const Quote& quote) {
        size_is_of_ = SizeOf::quote;
        const Units touch = order.is_buy() ? quote.ask : quote.bid;
        bool arriving = !order.arrived;
        has_arrived(order);
        if (touch == 0) {
            end_if_ioc(order, order.terms.type == Type::market ? "cancelled: no quote" : "cancelled: ioc");
            return;
        }
        if (order.is_waiting_stop() && order.is_at_stop(touch)) {
            order.triggered = true;
            arriving = true;  // as a market or limit order
        }
        if (order.is_like_market()) {
            fill_within_size(order, worsened(order, touch));
        } else if (order.is_like_limit() && arriving && order.can_trade_at(touch)) {
            fill_within_size(order, touch);
        } else if (order.is_like_limit() && !arriving && reaches(order, touch)) {
            fill_within_size(order, order.terms.limit);
        }
        end_if_ioc(order, "cancelled: ioc");
    }
    /// Whether a price fills an order that rests.
    bool reaches(const Order& order, Units price) const {
        return s_.through ? order.is_beyond_limit(price) : order.can_trade_at(price);
    }

    // ---- a trade --------------------------------------------------------------------------------------------------------

    void on_trade(const Input& input) {
        trade_left_[input.instrument] = input.trade.size;
        const Input& newest = all_[*newest_price(input.instrument)];
        if (newest.kind == Input::Kind::trade) {  // "is the touch of both sides"
            const auto meet = [&](Order& order) {
                forget_promise(order);
                if (order.arrived || !s_.next_open || order.is_exit()) {
                    meet_trade(order, input.trade);
                }
            };
            take_due(input.instrument, meet);
            meet_each(queue_of(input.instrument), meet);
            return;
        }
        std::set<int> came;  // "what arrives or comes alive with it meets the quote, not this trade"
        const auto arrive = [&](Order& order) {
            came.insert(order.id);
            if (!s_.next_open || order.is_exit()) {
                meet_quote(order, newest.quote);
            }
        };
        take_due(input.instrument, arrive);
        meet_each(queue_of(input.instrument), [&](Order& order) {
            if (!order.arrived) {
                arrive(order);
            } else if (!came.contains(order.id)) {
                meet_trade_at_rest(order, input.trade, newest.quote);
            }
        });
    }
    void meet_trade(Order& order, const Trade& trade) {
        size_is_of_ = SizeOf::trade;
        bool arriving = !order.arrived;
        has_arrived(order);
        if (order.is_waiting_stop() && order.is_at_stop(trade.price)) {
            order.triggered = true;
            arriving = true;
        }
        if (order.is_like_market()) {
            fill_within_size(order, worsened(order, trade.price));
        } else if (order.is_like_limit() && arriving && order.can_trade_at(trade.price)) {
            fill_within_size(order, trade.price);
        } else if (order.is_like_limit() && !arriving && reaches(order, trade.price)) {
            fill_within_size(order, order.terms.limit);
        }
        end_if_ioc(order, "cancelled: ioc");
    }
    void meet_trade_at_rest(Order& order, const Trade& trade, const Quote& quote) {
        if (order.is_like_limit() && reaches(order, trade.price)) {
            size_is_of_ = SizeOf::trade;
            fill_within_size(order, order.terms.limit);
        } else if (order.is_waiting_stop() && order.is_at_stop(trade.price)) {
            order.triggered = true;
            size_is_of_ = SizeOf::quote;
            const Units touch = order.is_buy() ? quote.ask : quote.bid;
            if (touch != 0 && order.is_like_market()) {
                fill_within_size(order, worsened(order, touch));
            } else if (touch != 0 && order.can_trade_at(touch)) {
                fill_within_size(order, touch);
            }
        }
    }

    // ---- a bar's open ---------------------------------------------------------------------------------------------------

    void on_open(const Input& input) {
        const bool is_an_arrival = !s_.next_open || is_shortest(at_);
        const auto meet = [&](Order& order) {
            forget_promise(order);
            if (order.arrived || is_an_arrival || order.is_exit()) {
                meet_open(order, input.bar);
            }
        };
        take_due(input.instrument, meet);
        meet_each(queue_of(input.instrument), meet);
    }
    /// "the next open of the shortest interval", whatever else came in the bars; with sizes, nobody knows what such a bar trades.
    void on_awaited_open(const Input& input) {
        if (!s_.next_open || s_.use_size) {
            return;
        }
        const auto meet = [&](Order& order) {
            if (!order.arrived) {
                meet_open(order, input.bar);
            }
        };
        take_due(input.instrument, meet);
        std::vector<int> waiting = queue_of(input.instrument);  // exits wait for no open: this one is no price for them
        std::erase_if(waiting, [this](int id) { return orders_.at(id).is_exit(); });
        meet_each(std::move(waiting), meet);
    }
    /// With use_size the fill is only promised: how much the bar trades is not known yet.
    void meet_open(Order& order, const Bar& bar) {
        bool arriving = !order.arrived;
        has_arrived(order);
        if (order.is_waiting_stop() && order.is_at_stop(bar.open)) {
            order.triggered = true;
            arriving = true;
        }
        Units price = 0;
        if (order.is_like_market()) {
            price = worsened(order, bar.open);
        } else if (order.is_like_limit() && (arriving ? order.can_trade_at(bar.open) : reaches(order, bar.open))) {
            price = bar.open;
        }
        if (price != 0 && s_.use_size) {
            order.promised = price;
            order.promised_at = bar.label;
            return;
        }
        if (price != 0) {
            fill(order, order.alive(), price);
        }
        end_if_ioc(order, "cancelled: ioc");
    }

    // ---- a bar's range and close ----------------------------------------------------------------------------------------

    void on_close(const Input& input) {
        const Bar& bar = input.bar;
        size_is_of_ = SizeOf::bar;
        size_left_[{input.instrument, Side::buy}] = bar.volume * s_.volume_share / 10'000;
        for (auto& [id, order] : orders_) {
            order.triggered_in_range = false;
            order.born_inside = false;
        }
        keep_promises(input);
        for (auto& [id, order] : orders_) {
            if (order.instrument == input.instrument) {
                forget_promise(order);
            }
            order.was_there = order.arrived && order.arrived_at <= bar.label;
            order.fresh = 0;
        }
        match_range(input);
        const auto meet = [&](Order& order) {
            forget_promise(order);
            if (order.arrived || !s_.next_open || order.is_exit()) {
                meet_close(order, bar);
            }
        };
        meet_each(queue_of(input.instrument), meet);
        take_due(input.instrument, meet, now_ - 1);
        take_due(input.instrument, [this](Order& order) { meet_present(order); });  // of this very instant
    }
    /// "what would fill at an open is decided at the close, at the open's price"; exits born of that meet the open, too.
    void keep_promises(const Input& input) {
        const Bar& bar = input.bar;
        const auto is_promised = [&](const Order& order) {
            return order.promised != 0 && order.promised_at == bar.label;
        };
        std::vector<int> promised = queue_of(input.instrument);
        std::erase_if(promised, [&](int id) { return !is_promised(orders_.at(id)); });
        meet_each(std::move(promised), [&](Order& order) {
            if (!order.arrived) {  // what comes alive anew has no promise of its life before
                order.promised = 0;
            }
            if (!is_promised(order)) {
                meet_open(order, bar);
                order.arrived_at = std::min(order.arrived_at, bar.label);
            }
            if (is_promised(order)) {
                fill_within_size(order, order.promised);
                order.promised = 0;
                end_if_ioc(order, "cancelled: ioc");
            }
        });
    }
    /// Another price came first: the bar of the promise is old news, and the order has met no price of its own yet: what fills at
    /// its first price or not at all, and a market order, waits for another. A limit rests.
    void forget_promise(Order& order) {
        if (order.promised != 0) {
            order.promised = 0;
            order.arrived = order.arrived && order.terms.type != Type::market && order.terms.tif != Tif::ioc;
        }
    }
    /// Stops first: the path inside the bar is unknown. So are those of entries that a limit has just filled.
    void match_range(const Input& input) {
        meet_born_ = [this](Order& exit) { come_alive_inside(exit); };
        match_stops(input);
        for (const int id : queue_of(input.instrument)) {
            Order& order = orders_.at(id);
            if (limit_in_range(order, input.bar)) {
                market_ = order.terms.limit;
                fill_within_size(order, order.terms.limit, order.alive() - order.fresh);
                match_stops(input);
            }
        }
    }
    void match_stops(const Input& input) {
        for (bool again = true; again;) {
            again = false;
            for (const int id : queue_of(input.instrument)) {
                Order& order = orders_.at(id);
                if (stop_in_range(order, input.bar)) {
                    trigger_in_range(order, input.bar);
                    again = true;
                }
            }
        }
    }
    /// An exit of an entry that has just filled inside the bar, which had come to that price.
    void come_alive_inside(Order& exit) {
        has_arrived(exit);
        exit.was_there = false;
        exit.born_inside = true;
        exit.no_better_than = market_;
    }
    bool stop_in_range(const Order& order, const Bar& bar) const {
        const bool is_more_of_it = order.triggered_in_range && order.terms.type == Type::stop && order.born_inside;
        return order.alive() > 0 &&
               (is_more_of_it || (order.is_waiting_stop() && (order.was_there || order.born_inside))) &&
               order.is_at_stop(order.is_buy() ? bar.high : bar.low);
    }
    bool limit_in_range(const Order& order, const Bar& bar) const {
        return order.alive() > 0 && order.is_like_limit() && !order.triggered_in_range && order.was_there &&
               order.alive() > order.fresh && reaches(order, order.is_buy() ? bar.low : bar.high);
    }
    void trigger_in_range(Order& order, const Bar& bar) {
        order.triggered = order.triggered_in_range = true;
        // The open, where it did not count, may lie beyond the stop already; and nothing is sold dearer than it was bought inside.
        const Units at = order.worse_of(order.terms.stop, order.was_there ? bar.open : order.no_better_than);
        order.born_inside = false;
        market_ = at;
        if (order.terms.type == Type::stop) {
            fill_within_size(order, worsened(order, at));
        } else if (order.can_trade_at(at)) {
            fill_within_size(order, at);
        }
        end_if_ioc(order, "cancelled: ioc");
    }
    /// "market and reached stops: at the close; limits: at their limit if the close reaches it"
    void meet_close(Order& order, const Bar& bar) {
        has_arrived(order);
        const bool is_over =
            order.triggered_in_range && order.terms.type == Type::stop_limit;  // filled then or not at all
        if (order.is_waiting_stop() && order.is_at_stop(bar.close)) {
            order.triggered = true;
        }
        if (order.is_like_market()) {
            fill_within_size(order, worsened(order, bar.close));
        } else if (order.is_like_limit() && !is_over && reaches(order, bar.close)) {
            fill_within_size(order, order.terms.limit);
        }
        end_if_ioc(order, "cancelled: ioc");
    }
    /// Made at the close's very instant: it meets the close as any order meets the price it arrives with.
    void meet_close_on_arrival(Order& order, const Bar& bar) {
        size_is_of_ = SizeOf::bar;
        has_arrived(order);
        if (order.is_waiting_stop() && order.is_at_stop(bar.close)) {
            order.triggered = true;
        }
        if (order.is_like_market()) {
            fill_within_size(order, worsened(order, bar.close));
        } else if (order.is_like_limit() && order.can_trade_at(bar.close)) {
            fill_within_size(order, bar.close);
        }
        end_if_ioc(order, "cancelled: ioc");
    }

    // ---- sessions -------------------------------------------------------------------------------------------------------

    /// The day that a DAY order made now belongs to.
    int session_of(int instrument) const {
        for (std::size_t i = at_ + 1; i-- > 0;) {
            const Input& other = all_[i];
            if (other.instrument == instrument && other.kind == Input::Kind::session_closed) {
                return kNextSession;
            }
            if (other.instrument == instrument && other.kind == Input::Kind::session_opened) {
                return now_ < other.session_ends ? other.date : kNextSession;
            }
        }
        return kNextSession;
    }
    void on_session_opened(const Input& input) {
        for (auto& [id, order] : orders_) {
            if (order.instrument == input.instrument && order.good_until == kNextSession) {
                order.good_until = input.date;
            }
        }
    }
    void on_session_closed(const Input& input) {
        std::vector<int> ids = queue_of(input.instrument);
        for (const auto& [id, order] : orders_) {
            if (order.instrument == input.instrument && !order.at_venue) {  // on their way
                ids.push_back(id);
            }
        }
        for (const int id : ids) {
            if (orders_.at(id).good_until <= input.date) {
                end(orders_.at(id), "expired");
            }
        }
    }

    Settings s_;
    const std::vector<Input>& all_;
    std::size_t at_ = 0;
    Nanos now_ = 0;
    std::map<int, Order> orders_;
    std::map<int, Order> seen_;  // what the strategy that asks knows of them
    std::map<int, int> ids_;     // by request: its first order
    std::vector<Wish> under_way_;
    std::map<std::pair<int, int>, Units> net_;         // by portfolio and instrument
    std::map<std::pair<int, Side>, Units> size_left_;  // by instrument and side; of a bar: under buy
    enum class SizeOf : std::uint8_t { quote, bar, trade };
    SizeOf size_is_of_ = SizeOf::quote;
    std::map<int, Units> trade_left_;  // by instrument
    std::function<void(Order&)> meet_born_;
    Units market_ = 0;  // inside a bar: what it has come to
    int next_order_ = 1;
    long queue_ = 0;
    Outcome out_;
};

}  // namespace

Outcome expected(const Scenario& scenario) {
    return Venue(scenario).run();
}

}  // namespace alpha::model
