#pragma once
/// The books a second time, slowly: every question is answered from the list of all fills, in fractions of integers, by
/// arithmetic that shares nothing with kernel/portfolio.cpp or events/fixed.cpp. Amounts are raw integers at 1e-8, and stay
/// below 2^62 or so: the tests see to it.

#include <cstdint>
#include <stdexcept>
#include <variant>
#include <vector>

namespace alpha::model {

__extension__ using Wide = __int128;

/// n / d, d > 0.
struct Fraction {
    Wide n;
    Wide d;
};

/// The integer nearest to the fraction; of two equally near, the even one.
inline Wide nearest(Fraction f) {
    Wide below = f.n / f.d;
    if (below * f.d > f.n) {
        below -= 1;  // C++ divides towards zero; this is the floor
    }
    const Wide twice_rest = 2 * (f.n - below * f.d);
    if (twice_rest < f.d) {
        return below;
    }
    if (twice_rest > f.d) {
        return below + 1;
    }
    return below % 2 == 0 ? below : below + 1;
}

constexpr Wide kOne = 100'000'000;

struct Fill {
    bool buy;
    Wide quantity;
    Wide price;
    Wide charges;
    Wide multiplier = 1;
};

inline Wide notional_of(Wide price, Wide quantity) {
    return nearest({price * quantity, kOne});
}

/// `many` new shares in place of each `few` old ones: whole ones, and the rest of one paid at the price of a whole one.
struct Split {
    Wide many;
    Wide few;
    Wide price;
};
struct Dividend {
    Wide per_share;
};
/// A future: what it is worth at the price of settlement comes in, less what was settled before; it may end.
struct Settled {
    Wide value;
    bool ends;
};
/// What came from elsewhere, or went there.
struct Moved {
    Wide quantity;
    Wide cost;
    Wide cash;
    Wide realized;
};

/// Average-cost books. A long and a short are two separate piles, of which at most one is not empty; each pile knows what
/// was paid into it (a short's proceeds).
class Books {
public:
    /// Of a future only profit is paid.
    explicit Books(bool is_future = false) : is_future_(is_future) {}
    void fill(const Fill& f) { entries_.push_back(f); }
    template <class Action>
    void act(const Action& action) {
        entries_.push_back(action);
    }

    struct Sums {
        Wide long_quantity = 0;
        Wide long_paid = 0;
        Wide short_quantity = 0;
        Wide short_received = 0;
        Wide realized = 0;
        Wide cash = 0;
        Wide charges = 0;
        Wide net() const { return long_quantity - short_quantity; }
        Wide cost() const { return long_paid - short_received; }
    };

    /// All fills from the first to the last, again.
    Sums sums() const {
        Sums s;
        for (const auto& entry : entries_) {
            const Wide realized = s.realized;
            const Wide charges = s.charges;
            const Wide cash = s.cash;
            std::visit([&](const auto& each) { one(s, each); }, entry);
            if (is_future_) {
                s.cash = cash + (s.realized - realized) - (s.charges - charges);
            }
        }
        return s;
    }

private:
    static void one(Sums& s, const Fill& f) {
        const Wide whole = notional_of(f.price, f.quantity * f.multiplier);
        s.cash += (f.buy ? -whole : whole) - f.charges;
        s.charges += f.charges;
        Wide& other_quantity = f.buy ? s.short_quantity : s.long_quantity;
        Wide& other_money = f.buy ? s.short_received : s.long_paid;
        Wide& own_quantity = f.buy ? s.long_quantity : s.short_quantity;
        Wide& own_money = f.buy ? s.long_paid : s.short_received;
        Wide closed = 0;
        Wide closed_notional = 0;
        if (other_quantity > 0) {
            closed = f.quantity < other_quantity ? f.quantity : other_quantity;
            closed_notional = closed == f.quantity ? whole : notional_of(f.price, closed * f.multiplier);
            const Wide share = closed == other_quantity ? other_money : nearest({other_money * closed, other_quantity});
            other_quantity -= closed;
            other_money -= share;
            s.realized += f.buy ? share - closed_notional : closed_notional - share;
        }
        if (closed < f.quantity) {
            own_quantity += f.quantity - closed;
            own_money += whole - closed_notional;
        }
        if (s.long_quantity != 0 && s.short_quantity != 0) {
            throw std::logic_error("long and short at once");
        }
    }

    static void one(Sums& s, const Split& split) {
        for (const bool is_long : {true, false}) {
            Wide& quantity = is_long ? s.long_quantity : s.short_quantity;
            Wide& money = is_long ? s.long_paid : s.short_received;
            if (quantity == 0) {
                continue;
            }
            const Wide all = quantity * split.many / split.few;
            const Wide whole = all / kOne * kOne;
            const Wide share = whole == 0 ? money : nearest({money * (all - whole), all});
            const Wide paid = nearest({split.price * (all - whole), kOne});
            quantity = whole;
            money -= share;
            s.cash += is_long ? paid : -paid;
            s.realized += is_long ? paid - share : share - paid;
        }
    }
    static void one(Sums& s, const Dividend& dividend) {
        const Wide paid = nearest({dividend.per_share * s.net(), kOne});
        s.cash += paid;
        s.realized += paid;
    }
    static void one(Sums& s, const Settled& settled) {
        s.realized += settled.value - s.cost();
        if (settled.ends) {
            s.long_quantity = s.short_quantity = 0;
        }
        s.long_paid = s.long_quantity > 0 ? settled.value : 0;
        s.short_received = s.short_quantity > 0 ? -settled.value : 0;
    }
    static void one(Sums& s, const Moved& moved) {
        s.long_quantity = moved.quantity > 0 ? moved.quantity : 0;
        s.short_quantity = moved.quantity < 0 ? -moved.quantity : 0;
        s.long_paid = moved.quantity > 0 ? moved.cost : 0;
        s.short_received = moved.quantity < 0 ? -moved.cost : 0;
        s.cash += moved.cash;
        s.realized += moved.realized;
    }

    bool is_future_;
    std::vector<std::variant<Fill, Split, Dividend, Settled, Moved>> entries_;
};

}  // namespace alpha::model
