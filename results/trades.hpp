#pragma once
/// Trades from fills: first in, first out (lots) and from flat to flat (rounds), with how far each was up and down while it was held.
/// What prices did is seen once an event, whatever is held: O(1) a mark and O(log marks) a part of a fill that another closes.
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

/// Extremes of what was seen between any two moments. Amortized O(1) to add, O(log) to ask.
class History {
public:
    using Moment = std::size_t;

    /// What is added from here on is after it.
    Moment now() const { return levels_.empty() ? 0 : levels_.front().size(); }
    void add(const Extremes& seen);
    /// Requires from <= to <= now().
    Extremes between(Moment from, Moment to) const;
    /// Every price that was seen becomes another, in the same order: `change` of a raw price.
    template <class Change>
    void change_all(Change change) {
        for (std::vector<Extremes>& level : levels_) {
            for (Extremes& e : level) {
                e = {change(e.low), change(e.high)};
            }
        }
    }

private:
    std::vector<std::vector<Extremes>> levels_;  ///< each of the n-th is of 2^n that were added, from the first on
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
    void finish(Time now, Date today, const std::function<Price(InstrumentId)>& mark_of);
    std::vector<Trade>& lots() { return lots_; }
    std::vector<Trade>& rounds() { return rounds_; }

private:
    struct Key {
        InstrumentId instrument;
        PortfolioId portfolio;
        Product product = Product::none;
        friend auto operator<=>(const Key&, const Key&) = default;
    };
    /// What changed a trade's profit by itself, whatever its price did: what came in, less what was paid.
    struct Cash {
        History::Moment at = 0;
        Money amount;
    };
    /// What is left of a fill, first in, first out.
    struct Fill {
        std::uint64_t move = 0;
        History::Moment at = 0;
        Qty left;
        Money notional;  ///< of that
    };
    /// Fills of one order on one day, with none of another in between: what is left of them is at one price.
    struct Lot {
        TradeLeg entry;
        StrategyId strategy;
        Qty left;
        Money notional;  ///< of what is left
        Money charges;   ///< likewise
        Money income;    ///< dividends less what went with fractions
        std::vector<Fill> fills;
        std::size_t first = 0;       ///< of `fills`, of which something is left
        std::vector<Cash> later;     ///< since its entry
        bool is_filled_here = true;  ///< else its fills were of another share
    };
    /// What a trade was made of at a moment: from then on its profit is what is held at a mark, and the cash of it.
    struct Step {
        History::Moment at = 0;
        Qty held;
        Money cash;
    };
    /// An order on a day; where there was none, a move.
    struct LegKey {
        OrderId order;
        Date date;
        std::uint64_t move = 0;
        friend auto operator<=>(const LegKey&, const LegKey&) = default;
    };
    /// A row of `lots_` to which more may come: its exit is of the book's latest day.
    struct Row {
        std::size_t at = 0;            ///< in lots_
        std::uint64_t last_entry = 0;  ///< the latest move of each
        std::uint64_t last_exit = 0;
        std::vector<Step> steps;
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
        std::map<std::pair<LegKey, LegKey>, Row> rows;  ///< by entry and exit
        Date rows_date;                                 ///< of the exits of these
        History seen;
        Round round;
        bool is_active = false;
        Seq range_step = kNoSeq;  ///< the bar whose range it knows
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
        History seen;
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
    void execute(Book& book, Seq step, Move move);
    void close(Book& book, const Move& move);
    void close_lots(Book& book, const Move& move);
    void open(Book& book, const Move& move);
    void leave(Book& book, Qty part, const TradeLeg& exit, Money charges, TradeEnd end);
    Row& add_part(Book& book, Trade part);
    void end_rows(Book& book);
    void add_entries(Row& row, Lot& lot, Qty part, bool is_long);
    void note_excursion(Trade& trade, const History& seen, std::vector<Step>& steps) const;
    Qty units(InstrumentId instrument, Qty quantity) const { return Qty{quantity.raw * multiplier_[instrument.value]}; }
    void set_active(Book& book, bool is_active);
    void scale(Book& book, Qty to);
    static void pay(Book& book, Money amount);
    void receive(Book& book, const Envelope& envelope, const PositionAdjusted& adjusted, const TradeLeg& leg);
    void end_moving(const Envelope& envelope);
    void value_open(Book& book, Time now, Date today, Price mark);

    std::map<Key, Book> books_;
    std::vector<Market> markets_;
    std::vector<std::int64_t> multiplier_;  ///< by instrument
    std::vector<Trade> lots_;
    std::vector<Trade> rounds_;
    std::vector<Moving> moving_;
    std::uint64_t moves_ = 0;  ///< number of the latest
    std::size_t held_ = 0;     ///< books that are not flat
};

}  // namespace alpha
