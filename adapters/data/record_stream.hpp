#pragma once
/// Inside adapters/data: a source of records before sources are merged, and what every record must
/// satisfy whatever form it is stored in. A CSV file and the data set made of it pass the same
/// checks and give the same records.

#include "adapters/data/feed.hpp"
#include "events/limits.hpp"
#include "store/chain.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alpha {

/// Records handed over at a time: 32 KiB, which stays in the cache between producer and consumer.
inline constexpr std::size_t kBatchRecords = 512;
/// Rows of bars handed over at a time: each becomes two records, and is kept until both have left.
inline constexpr std::size_t kBatchBars = 128;

/// Where a source can begin to read: in front of a row.
struct RowPlace {
    std::uint64_t offset = 0;  ///< CSV: in the text, unpacked; data set: in the file, of the row's frame; else 0
    std::uint64_t row = 0;     ///< rows before it
    std::uint64_t within = 0;  ///< data set: how many of those are in the row's own frame
    Time last = kBeforeAll;    ///< the time or label of the row before it
};

/// How far the records of a source were handed out, and what shows that they are still the same.
struct SourcePlace {
    RowPlace from;
    std::uint64_t rows = 0;       ///< bars: to be read again from there on, because closes of theirs were waiting
    std::uint64_t handed = 0;     ///< bars: records of those rows that were handed out
    Time last_time = kBeforeAll;  ///< bars: the last record handed out: its time,
    std::uint64_t last_row = 0;   ///< its row, counted from the beginning,
    bool last_opens = false;      ///< and whether it is the row's opening
    Digest content_hash{};        ///< of the content up to the end of `rows`
    /// Of who makes records instead of reading them: how it stood `ahead` records before the place, as it wrote it itself.
    std::vector<std::uint8_t> maker;
    std::uint64_t ahead = 0;
};

struct BarRow;

/// One source's records in order: time, then bar close < quote and trade < bar open, then as they stand in
/// the source. Their `instrument` is an index into this source's own symbols().
class RecordStream {
public:
    virtual ~RecordStream() = default;
    /// The next records; empty at the end, and where is_waiting(). Good records come before the error that follows them.
    /// Valid until the next call; the caller may overwrite them.
    virtual Result<std::span<FeedRecord>> next() = 0;
    /// Whether next() came back empty because a sender has not sent more yet.
    virtual bool is_waiting() const { return false; }
    /// Whether a sender has sent a header and what precedes the place that this was to go to.
    virtual bool is_there() const { return true; }
    /// Whether the last line of a file was taken although its end is not there: it may have been cut short.
    virtual bool lacks_end() const { return false; }
    virtual const std::vector<std::string>& symbols() const = 0;
    /// Counts the senders whose records these are: with each of them symbols() begins anew.
    virtual std::uint64_t sender() const { return 0; }
    /// The last batch's records behind the first `n` cannot be taken, because of `why`: their sender is sent away, and next()
    /// goes on with the next one. False where there is none to come.
    virtual bool refuse_after(std::size_t /*n*/, const std::string& /*why*/) { return false; }
    virtual FeedProgress progress() const = 0;
    /// Of bars: how long they last; else nothing, and what follows is not asked.
    virtual Duration interval() const { return {}; }
    /// The whole bar whose opening or close record `i` of the last batch is; its instrument is as in the record.
    virtual const BarRow* bar_of(std::size_t /*i*/) const { return nullptr; }
    /// How an error about record `i` of the last batch begins, e.g. "ticks.csv:7". Of bars nothing: bar_of() and place() say it.
    virtual std::string place_of(std::size_t /*i*/) const { return {}; }
    /// As BarRows::place().
    virtual std::string place(std::uint64_t /*line*/) const { return {}; }
    /// Where the first `n` records of the last batch end.
    virtual SourcePlace place_after(std::size_t n) const = 0;
    /// Goes to a place that place_after() gave, before the first next(). Refuses (kind data) when the content before it is
    /// another now; whatever else the place says is refused here or by next(), and of a sender's text, which comes later, all.
    virtual Result<void> resume(const SourcePlace& place) = 0;
};

/// A bar as it is stored: at its label, not yet placed in time.
struct BarRow {
    Time label;              ///< date-only bars: 00:00 UTC of their date
    BarClosed bar;           ///< instrument: index into the source's symbols()
    std::uint64_t line = 0;  ///< where it stands, for BarRows::place()
};

/// One source's bars in order of their labels.
class BarRows {
public:
    virtual ~BarRows() = default;
    /// The next rows; empty at the end, and where is_waiting(). Good rows come before the error that follows them. Valid
    /// until the next call.
    virtual Result<std::span<const BarRow>> next() = 0;
    /// Whether next() came back empty because a sender has not sent more yet.
    virtual bool is_waiting() const { return false; }
    virtual bool is_there() const { return true; }
    virtual bool lacks_end() const { return false; }
    virtual Duration interval() const = 0;
    virtual bool date_only() const = 0;
    virtual const std::vector<std::string>& symbols() const = 0;
    /// How an error about the row begins, e.g. "ibm.csv:7".
    virtual std::string place(std::uint64_t line) const = 0;
    virtual FeedProgress progress() const = 0;
    /// Where the last batch began.
    virtual RowPlace batch_begin() const = 0;
    /// What tells the content up to the end of the first `n` rows of the last batch from any other.
    virtual Digest witness_after(std::size_t n) const = 0;
    /// Goes to a place that batch_begin() gave, before the first next(). What stands before it is not judged: a content_hash of
    /// it or of a later row does that.
    virtual Result<void> resume(const RowPlace& from) = 0;
    /// That the rows before number `row` are not those of the position.
    virtual Error changed(std::uint64_t row) const = 0;
};

/// Names and their indices, in the order they were added. Built for the same few names asked for
/// millions of times.
class SymbolTable {
public:
    static constexpr std::uint32_t kUnknown = 0xFFFF'FFFF;

    SymbolTable() { recent_.fill(kUnknown); }
    /// The index, or kUnknown.
    std::uint32_t find(std::string_view name) {
        std::uint32_t& recent = recent_[slot_of(name)];
        if (recent != kUnknown && names_[recent] == name) [[likely]] {
            return recent;
        }
        const auto at = index_.find(name);
        if (at == index_.end()) {
            return kUnknown;
        }
        return recent = at->second;
    }
    /// Requires that the name is not there yet.
    std::uint32_t add(std::string_view name);
    const std::vector<std::string>& names() const { return names_; }

private:
    static constexpr std::size_t kSlots = 256;
    /// Names of one market differ at their ends more than at their fronts.
    static std::size_t slot_of(std::string_view name) {
        std::uint64_t key = name.size();
        const std::size_t from = name.size() > 8 ? name.size() - 8 : 0;
        for (std::size_t i = from; i < name.size(); ++i) {
            key = key * 0x100'0000'01B3U + static_cast<unsigned char>(name[i]);
        }
        return (key * 0x9E37'79B9'7F4A'7C15U) >> 56U;
    }

    std::vector<std::string> names_;
    std::map<std::string, std::uint32_t, std::less<>> index_;
    std::array<std::uint32_t, kSlots> recent_{};
};

// What forbids a value; empty when nothing does. Each text says what is wrong and how to mend it.

std::string name_refusal(std::string_view name);
std::string time_refusal(Time time);
/// The same of a time that was written as a number: one that is seconds, milliseconds or microseconds is refused.
std::string stamp_refusal(Time time);
std::string quote_refusal(const QuoteTick& quote);
std::string trade_refusal(const TradeTick& trade);
std::string bar_refusal(const BarClosed& bar);
std::string interval_refusal(Duration interval);

inline bool is_good(Time time) {
    return time >= kMinTime && time < kMaxTime;
}
/// A number from here on cannot be of a longer unit than nanoseconds: 1990-01-01, before anybody recorded ticks.
inline constexpr Time kFirstStamp{7'305 * kDayNs};
/// Whether quote_refusal would be empty, without building a text.
inline bool is_good(const QuoteTick& quote) {
    const auto within = [](std::int64_t raw, std::int64_t max) { return raw >= 0 && raw <= max; };
    return within(quote.bid.raw, limits::kMaxPrice.raw) && within(quote.ask.raw, limits::kMaxPrice.raw) &&
           within(quote.bid_qty.raw, limits::kMaxQty.raw) && within(quote.ask_qty.raw, limits::kMaxQty.raw) &&
           (quote.bid.raw | quote.ask.raw) != 0;
}

/// Whether trade_refusal would be empty, without building a text.
inline bool is_good(const TradeTick& trade) {
    return trade.price.raw > 0 && trade.price <= limits::kMaxPrice && trade.quantity.raw >= 0 &&
           trade.quantity <= limits::kMaxQty && trade.volume.is_valid() && trade.open_interest.is_valid() &&
           is_good(trade.exchange_time);
}

/// Whether bar_refusal would be empty, without building a text.
inline bool is_good(const BarClosed& bar) {
    // Of four prices, none is below the low and none above the high: two bounds are enough for all.
    return bar.low.raw > 0 && bar.high <= limits::kMaxPrice && bar.low <= bar.open && bar.open <= bar.high &&
           bar.low <= bar.close && bar.close <= bar.high && bar.volume.is_valid();
}

/// How the bars of one source may follow each other: labels never go back, and bars of one
/// instrument neither repeat nor overlap.
class BarOrder {
public:
    BarOrder(Duration interval, bool date_only) : interval_(interval), date_only_(date_only) {}
    /// Whether refusal() would be empty, without building a text; then the bar counts as seen. Says no of a first bar, whatever it is.
    bool accepts(std::uint32_t symbol, Time label) {
        if (label < last_ || symbol >= last_of_.size() || last_of_[symbol] == kBeforeAll ||
            label < last_of_[symbol] + interval_ || label == last_of_[symbol]) {
            return false;
        }
        last_of_[symbol] = last_ = label;
        return true;
    }
    /// What forbids a bar of `symbol` at `label` now; empty when nothing does, and then it counts
    /// as seen.
    std::string refusal(std::uint32_t symbol, Time label);
    /// The label of the last bar, or kBeforeAll.
    Time last() const { return last_; }
    /// Goes on behind a bar at `last`; requires that no bar before overlaps those to come.
    void resume(Time last) { last_ = last; }

private:
    std::string text(Time label) const;

    Duration interval_;
    bool date_only_;
    Time last_ = kBeforeAll;
    std::vector<Time> last_of_;  ///< by symbol
};

/// Whether bars can be as short as is said of them. Bars of five minutes that are taken for bars of one are closed four minutes
/// before their prices were traded; nothing else would show it. All bars of a source are of one interval, so the gaps of all
/// its instruments count together, but only those within a session: a night or a weekend is no bar. Where three or more
/// are all multiples of the shortest of them, and that is longer than the interval, it is the interval. Minutes in which nothing was
/// traded leave gaps, too, but not such ones.
class Spacing {
public:
    explicit Spacing(Duration interval) : interval_(interval) {}
    /// No bar to come can make the interval look too short.
    bool is_settled() const { return gaps_ != 0 && common_ <= interval_; }
    /// Rows that were seen before, of a sender that came again, say nothing new.
    void see(std::uint32_t symbol, Time label, std::uint64_t line, const markets::DayTimes& times);
    /// What is wrong with the interval, as far as was seen, then `mend` and the right one; empty when nothing is.
    std::string refusal(std::string_view mend) const;
    /// Of a bar behind a gap.
    std::uint64_t line() const { return line_; }

private:
    Duration interval_;
    std::vector<Time> last_of_;  ///< by symbol
    std::uint64_t gaps_ = 0;
    Duration shortest_;
    Duration common_;  ///< the longest that all gaps are multiples of
    std::uint64_t line_ = 0;
};

inline constexpr std::string_view kMendInterval = "write interval: ";

/// Reads the first rows of a source, which is of no use afterwards, and refuses (kind data) an interval that is too short for
/// them, with Spacing::refusal. Other errors are left to who reads the source for what it holds.
Result<void> judge_interval(BarRows& rows, const TimesOf& times, std::string_view mend = kMendInterval);

/// That what stands before `place`, e.g. "line 7 of ibm.csv", is not what was read there before.
Error changed_before(std::string_view file, std::string_view place);

/// `text` with what could confuse a terminal replaced by '?', cut to a readable length, in
/// quotation marks.
std::string in_quotes(std::string_view text);

}  // namespace alpha
