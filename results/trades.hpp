#pragma once
/// Trades from fills: first in, first out (lots) and from flat to flat (rounds), with how far each was up and down while it was held.
/// What prices did is seen once an event, whatever is held: O(1) a mark and amortized O(1) a lot.
///
/// Over all trades of what is flat at the end, exactly: sum of gross = realized profit of the books, and sum of charges = charges of
/// fills and settlements. Daily settlement of futures moves cash and no trade: a trade's profit is that from its entry to its exit.
/// A dividend is part of the gross of the trades that were open on its ex-date.

#include "results/results.hpp"

#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <vector>

namespace alpha {

/// Lowest and highest mark.
struct Extremes {
    std::int64_t low = std::numeric_limits<std::int64_t>::max();
    std::int64_t high = std::numeric_limits<std::int64_t>::min();

    bool is_any() const { return low <= high; }
    void add(std::int64_t raw) {
        low = raw < low ? raw : low;
        high = raw > high ? raw : high;
    }
    void add(const Extremes& other) {
        low = other.low < low ? other.low : low;
        high = other.high > high ? other.high : high;
    }
};

/// Extremes since each of several moments, of which the first is taken away first. Amortized O(1).
class ExtremesSince {
public:
    /// From here on.
    void push() { back_.push_back({}); }
    void add(const Extremes& seen) {
        since_.add(seen);
        if (!back_.empty()) {
            back_.back().add(seen);
        }
    }
    /// Since the first of them. Requires one.
    Extremes front();
    void pop();
    /// Every price that was seen becomes another: `change` of a raw price.
    template <class Change>
    void change_all(Change change) {
        const auto each = [&](Extremes& e) {
            if (e.is_any()) {
                e = {change(e.low), change(e.high)};
            }
        };
        for (Extremes& e : front_) {
            each(e);
        }
        for (Extremes& e : back_) {
            each(e);
        }
        each(since_);
    }

private:
    void settle();
    std::vector<Extremes> front_;  ///< the first is last; each is that of itself and all behind it in here
    std::vector<Extremes> back_;   ///< each from its moment to the next one's
    Extremes since_;               ///< since the first of `back_`, or since `front_` was made where there is none
};

class TradeBook {
public:
    /// The mark of an instrument moved.
    void mark(InstrumentId instrument, Price mark) {
        Market& market = market_of(instrument);
        if (market.active.empty()) {
            return;
        }
        if (market.range_step != kNoSeq) [[unlikely]] {
            flush(market);
            apply_range(market);
        }
        market.segment.add(mark.raw);
    }
    /// A bar that nothing finer was seen of has closed. What fills on it (in its step) ended somewhere within it: its range counts for what
    /// is still held afterwards.
    void range(InstrumentId instrument, Price high, Price low, Seq step);

    /// An execution. `of`: its instrument, `date`: its trading day.
    void fill(const Envelope& envelope, Date date, const Instrument& of, const OrderFilled& fill);
    /// What an action did to what is held; `action` is the one that it follows from, `date` its ex-date. Requires that the facts of a
    /// portfolio's merger or demerger come old share first, as the kernel writes them.
    void adjust(const Envelope& envelope, const CorporateAction& action, const Instrument& of,
                const PositionAdjusted& adjusted, Date date);
    void settle(const Envelope& envelope, const Instrument& of, const PositionSettled& settled);

    /// Whether anything is held.
    bool is_flat() const { return held_ == 0; }
    /// Ends the book: what is open is valued at `mark_of` of its instrument. Nothing may follow.
    void finish(const std::vector<Instrument>& instruments, Time now, Date today,
                const std::function<Price(InstrumentId)>& mark_of);
    std::vector<Trade>& lots() { return lots_; }
    std::vector<Trade>& rounds() { return rounds_; }

private:
    struct Key {
        InstrumentId instrument;
        PortfolioId portfolio;
        Product product = Product::none;
        friend auto operator<=>(const Key&, const Key&) = default;
    };
    struct Lot {
        TradeLeg entry;
        StrategyId strategy;
        Qty left;
        Money notional;  ///< of what is left
        Money charges;   ///< likewise
        Money income;    ///< dividends less what went with fractions
        std::uint32_t fills = 0;
    };
    /// What is held from flat to flat.
    struct Round {
        Trade trade;
        Qty net;      ///< absolute
        Qty entered;  ///< and left, for the average prices
        Qty left;
        Money cash;  ///< received less paid so far
    };
    struct Book {
        Key key;
        Side side = Side::buy;  ///< of what is held
        std::deque<Lot> lots;
        ExtremesSince seen;
        Round round;
        bool is_active = false;
        Seq range_step = kNoSeq;                                               ///< the bar whose range it knows
        std::size_t last_lot_trade = std::numeric_limits<std::size_t>::max();  ///< in lots_
    };
    struct Market {
        Extremes segment;  ///< since the books were last told
        Extremes range;    ///< of the latest bar, and its step; kNoSeq: every book knows it
        Seq range_step = kNoSeq;
        std::vector<Book*> active;
    };
    /// What moves a book: a fill, or what is like one.
    struct Move {
        Side side = Side::buy;
        Qty quantity;
        Money notional;
        Money charges;
        TradeLeg leg;
        StrategyId strategy;
        TradeEnd end = TradeEnd::fill;
    };
    /// What is on its way from one share to another.
    struct Moving {
        Seq step = kNoSeq;
        Key key;
        Side side = Side::buy;
        std::deque<Lot> lots;
        Round round;
        TradeLeg leg;  ///< its end, where no share comes for it
    };

    Market& market_of(InstrumentId instrument) {
        if (instrument.value >= markets_.size()) [[unlikely]] {
            markets_.resize(instrument.value + 1);
        }
        return markets_[instrument.value];
    }
    Book& book_of(const Instrument& of, InstrumentId instrument, PortfolioId portfolio, Product product);
    void see(Book& book, const Extremes& seen);
    void flush(Market& market);
    void apply_range(Market& market);
    void execute(Book& book, const Instrument& of, Seq step, Move move);
    void close(Book& book, const Instrument& of, const Move& move);
    void close_lots(Book& book, const Instrument& of, const Move& move);
    void open(Book& book, const Instrument& of, const Move& move);
    void add_lot_trade(Book& book, const Instrument& of, Trade trade);
    static void note_excursion(Trade& trade, const Instrument& of, const Extremes& seen);
    void set_active(Book& book, bool is_active);
    static void scale(Book& book, Qty to);
    static void pay(Book& book, Money amount);
    void receive(Book& book, const Instrument& of, const Envelope& envelope, const PositionAdjusted& adjusted,
                 const TradeLeg& leg);
    void end_moving(const Envelope& envelope);
    void value_open(Book& book, const Instrument& of, Time now, Date today, Price mark);

    std::map<Key, Book> books_;
    std::vector<Market> markets_;
    std::vector<std::int64_t> multiplier_;  ///< by instrument
    std::vector<Trade> lots_;
    std::vector<Trade> rounds_;
    std::vector<Moving> moving_;
    std::size_t held_ = 0;  ///< books that are not flat
};

}  // namespace alpha
