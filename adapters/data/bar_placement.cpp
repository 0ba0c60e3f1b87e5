#include "adapters/data/bar_placement.hpp"

#include "events/assert.hpp"
#include "events/limits.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <deque>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace alpha {

namespace {

/// Openings and closes that wait for their time, the one that leaves next in front: time, close before open, then as in the source.
/// Almost always openings follow openings in order, and closes closes, so that each kind stands in a line; only what comes out
/// of order, such as the close of a candle that its session cut short, needs a heap.
class WaitingBars {
public:
    struct Waiting {
        Time time;
        std::uint64_t row = 0;
        bool opens = false;
    };

    bool empty() const { return front_ == nullptr; }
    /// Requires that there is one. Valid until the next call.
    const Waiting& front() const { return *front_; }
    void push(const Waiting& waiting) {
        Line& line = waiting.opens ? openings_ : closes_;
        if (line.empty() || later(waiting, line.back())) {
            line.push(waiting);
        } else {
            others_.push_back(waiting);
            std::push_heap(others_.begin(), others_.end(), later);
        }
        choose_front();
    }
    void pop() {
        if (!openings_.empty() && front_ == &openings_.front()) {
            openings_.pop();
        } else if (!closes_.empty() && front_ == &closes_.front()) {
            closes_.pop();
        } else {
            std::pop_heap(others_.begin(), others_.end(), later);
            others_.pop_back();
        }
        choose_front();
    }

private:
    /// First in, first out, in one block of memory.
    class Line {
    public:
        bool empty() const { return begin_ == waiting_.size(); }
        const Waiting& front() const { return waiting_[begin_]; }
        const Waiting& back() const { return waiting_.back(); }
        void push(const Waiting& waiting) {
            constexpr std::size_t kLeft = 64;  // so seldom that moving the others to the front costs nothing
            if (begin_ >= kLeft && 2 * begin_ >= waiting_.size()) {
                waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(begin_));
                begin_ = 0;
            }
            waiting_.push_back(waiting);
        }
        void pop() { ++begin_; }

    private:
        std::vector<Waiting> waiting_;
        std::size_t begin_ = 0;  ///< before it is what has left
    };

    static bool later(const Waiting& a, const Waiting& b) {
        if (a.time != b.time) {
            return a.time > b.time;
        }
        return a.opens != b.opens ? a.opens : a.row > b.row;
    }
    void choose_front() {
        front_ = openings_.empty() ? nullptr : &openings_.front();
        if (!closes_.empty() && (front_ == nullptr || later(*front_, closes_.front()))) {
            front_ = &closes_.front();
        }
        if (!others_.empty() && (front_ == nullptr || later(*front_, others_.front()))) {
            front_ = &others_.front();
        }
    }

    Line openings_;
    Line closes_;
    std::vector<Waiting> others_;  ///< a heap
    const Waiting* front_ = nullptr;
};

/// Places bars in time: each becomes its opening, at its label, and its close. A close waits here
/// until no bar that is yet to be read can come before it; at most a few per instrument wait.
class PlacedBars final : public BarPlacement {
public:
    PlacedBars(std::unique_ptr<BarRows> rows, const TimesOf& times, bool beside_intraday, Text text,
               std::shared_ptr<IntervalWatch> interval_watch)
        : rows_(std::move(rows)),
          times_(times),
          beside_intraday_(beside_intraday),
          text_(text),
          interval_watch_(std::move(interval_watch)),
          interval_(rows_->interval()),
          date_only_(rows_->date_only()),
          anchors_{rows_->batch_begin()} {
        // A date's session lies within a day of its date's, whatever the zone, and waits for a label a day later.
        constexpr Duration kDateReach{3 * kDayNs};
        reach_ = date_only_ ? std::max(interval_, kDateReach) : interval_;
    }

    Result<std::span<FeedRecord>> next() override {
        if (goes_to_) [[unlikely]] {
            if (auto there = come_there(); !there || !*there) {
                return there ? Result<std::span<FeedRecord>>() : tl::unexpected(there.error());
            }
        }
        if (std::exchange(batch_is_next_, false)) {
            return std::span(batch_).first(size_);
        }
        begin_batch();
        while (size_ == 0 && !is_over()) {
            if (!finished_ && !read()) {
                break;
            }
            release();
        }
        if (size_ == 0 && error_) {
            return tl::unexpected(*error_);
        }
        return std::span(batch_).first(size_);
    }

    bool is_waiting() const override { return is_waiting_; }
    bool is_there() const override { return !goes_to_ && rows_->is_there(); }
    bool lacks_end() const override { return rows_->lacks_end(); }
    const std::vector<std::string>& symbols() const override { return rows_->symbols(); }
    FeedProgress progress() const override { return rows_->progress(); }
    Duration interval() const override { return interval_; }
    const BarRow* bar_of(std::size_t i) const override { return &row_at(origins_[i].row).bar; }
    std::string place(std::uint64_t line) const override { return rows_->place(line); }

    SourcePlace place_after(std::size_t n) const override {
        const std::size_t taken = batch_is_next_ ? 0 : n;
        const Origin last = taken == 0 ? last_before_ : origins_[taken - 1];
        const std::uint64_t batch_row = row_of(rows_->batch_begin());
        // Rows before the present batch of them can no longer be hashed one by one.
        const std::uint64_t end = std::max(last.rows, batch_row);
        SourcePlace place;
        place.from = anchors_.front();
        place.rows = end - row_of(place.from);
        place.handed = handed_before_ + taken - 2 * row_of(place.from);
        place.last_time = last.time;
        place.last_row = last.row;
        place.last_opens = last.opens;
        place.content_hash = rows_->witness_after(static_cast<std::size_t>(end - batch_row));
        return place;
    }

    Result<void> resume(const SourcePlace& place) override {
        if (auto there = rows_->resume(place.from); !there) {
            return there;
        }
        const std::uint64_t first = row_of(place.from);
        anchors_ = {place.from};
        ordinal_ = first_placed_ = next_in_line_ = first;
        last_label_ = place.from.last;
        expected_ = Expected{first + place.rows, place.content_hash};
        goes_to_ = place;
        return text_ == Text::file ? come_there().map([](bool) {}) : Result<void>();
    }

    std::string refusal_of_symbols() override {
        for (std::size_t i = 0; i < symbols().size(); ++i) {
            if (std::string why = times_refusal(i); !why.empty()) {
                return why;
            }
        }
        return {};
    }

private:
    /// Where a record handed out came from.
    struct Origin {
        Time time = kBeforeAll;
        std::uint64_t row = 0;
        bool opens = false;
        std::uint64_t rows = 0;  ///< as many rows are needed for all records up to this one
    };
    /// A row of which a record waits or is in the batch.
    struct PlacedRow {
        BarRow bar;
        Time opened;
        Time closed;
        bool has_left = false;  ///< its opening and its close are in the batch, or were
    };
    /// What the content up to a row must have as its content_hash.
    struct Expected {
        std::uint64_t row = 0;
        Digest content_hash{};
    };

    static std::uint64_t row_of(const RowPlace& place) { return place.row + place.within; }

    bool is_over() const { return finished_ && (!anything_waits() || text_ == Text::one_of_senders); }
    bool anything_waits() const { return is_in_line_ ? next_in_line_ != ordinal_ : !waiting_.empty(); }

    /// Reads again what is needed to go on at the place. False where a sender has not sent so much yet, or has left before.
    Result<bool> come_there() {
        const SourcePlace& place = *goes_to_;
        const std::uint64_t first = row_of(place.from);
        while ((expected_ || size_ < place.handed) && !finished_) {
            if (!read()) {
                return false;
            }
            release();
        }
        if (expected_ || size_ < place.handed) {
            const bool ended = text_ != Text::file && !differs_;
            return !ended   ? tl::unexpected(rows_->changed(first + place.rows))
                   : error_ ? tl::unexpected(*error_)
                            : Result<bool>(false);
        }
        if (place.handed != 0) {
            const auto handed = static_cast<std::size_t>(place.handed);
            last_before_ = origins_[handed - 1];
            // Rows added behind the end may belong between those that were handed out.
            if (last_before_.time != place.last_time || last_before_.row != place.last_row ||
                last_before_.opens != place.last_opens) {
                return tl::unexpected(rows_->changed(first + place.rows + 1));
            }
            batch_.erase(batch_.begin(), batch_.begin() + static_cast<std::ptrdiff_t>(handed));
            origins_.erase(origins_.begin(), origins_.begin() + static_cast<std::ptrdiff_t>(handed));
            size_ -= handed;
        }
        handed_before_ = 2 * first + place.handed;
        batch_is_next_ = size_ != 0;
        goes_to_.reset();
        return true;
    }

    void begin_batch() {
        handed_before_ += size_;
        last_before_ = size_ == 0 ? last_before_ : origins_[size_ - 1];
        size_ = 0;
        forget_rows();
        // Behind an anchor all begins anew: the records of every row before it were handed out, and no bar of those can
        // overlap one that is yet to be read.
        while (anchors_.size() > 1 && anchors_[1].last + reach_ < last_label_) {
            anchors_.pop_front();
        }
    }

    /// Whether the content is the expected one, as far as that can be said after `n` rows of a batch that began at `row`.
    bool as_expected(std::uint64_t row, std::size_t n) {
        if (!expected_ || expected_->row > row + n) {
            return true;
        }
        const bool same =
            expected_->row >= row &&
            rows_->witness_after(static_cast<std::size_t>(expected_->row - row)) == expected_->content_hash;
        if (same) {
            expected_.reset();
        }
        return same;
    }

    /// False where a sender has not sent more yet.
    bool read() {
        const auto rows = rows_->next();
        is_waiting_ = rows && rows->empty() && rows_->is_waiting();
        if (is_waiting_) {
            return false;
        }
        const RowPlace begin = rows_->batch_begin();
        if (!as_expected(row_of(begin), rows ? rows->size() : 0)) {
            differs_ = true;
            finished_ = true;
            return true;
        }
        if (!rows || rows->empty()) {
            finish(rows ? std::nullopt : std::optional(rows.error()));
            return true;
        }
        if (row_of(begin) != row_of(anchors_.back())) {
            anchors_.push_back(begin);
        } else if (text_ != Text::file) {
            anchors_.back() = begin;  // only now it has shown where its rows begin
        }
        for (const BarRow& row : *rows) {
            std::string why = place(row);
            if (why.empty() && expected_ && text_ != Text::file && row.label > goes_to_->last_time) {
                why = fmt::format(
                    "a bar of {} comes where bars up to {} were taken before; send the same lines from line "
                    "1, or begin a new session",
                    to_iso(row.label), to_iso(goes_to_->last_time));
            }
            if (!why.empty()) {
                finish(Error{ErrorKind::data, fmt::format("{}: {}", rows_->place(row.line), why)});
                return true;
            }
            // Later rows have the same label or a later one. A date's session may open up to a day
            // before 00:00 UTC.
            safe_until_ = date_only_ ? row.label - Duration{kDayNs} : row.label;
            last_label_ = row.label;
            if (!is_in_line_) {
                release();
            }
        }
        return true;
    }

    void finish(std::optional<Error> error) {
        finished_ = true;
        error_ = std::move(error);
        safe_until_ = text_ == Text::one_of_senders ? safe_until_ : kNever;
    }

    std::string place(const BarRow& row) {
        Time opened = row.label;
        Time closed = row.label + interval_;
        if (date_only_) {
            const std::size_t symbol = row.bar.instrument.value;
            const markets::DayTimes& times = times_of(symbol);
            if (std::string why = times_refusal(symbol); !why.empty()) {
                return why;
            }
            const Date date = TradingHours{}.date_of(row.label);
            opened = times.open_on(date);
            closed = times.close_on(date);
        } else if (const markets::DayTimes& times = times_of(row.bar.instrument.value); !times.is_always_open()) {
            // A candle that reaches past its session's end is complete with it: NSE's last hourly one at 15:30.
            closed = std::min(closed, session_end(row.bar.instrument.value, times, opened));
        }
        if (!is_good(opened) || !is_good(closed)) {
            return time_refusal(is_good(opened) ? closed : opened);
        }
        if (interval_watch_ != nullptr && interval_watch_->warn) {
            watch_interval(row);
        }
        if (is_in_line_ && opened < last_closed_) {
            leave_line();
        }
        last_closed_ = closed;
        rows_placed_.emplace_back(row, opened, closed);
        if (!is_in_line_) {
            waiting_.push({opened, ordinal_, true});
            waiting_.push({closed, ordinal_, false});
        }
        ++ordinal_;
        return {};
    }

    void watch_interval(const BarRow& row) {
        Spacing& spacing = interval_watch_->spacing;
        const std::uint32_t symbol = row.bar.instrument.value;
        spacing.see(symbol, row.label, row.line, times_of(symbol));
        std::string why = spacing.refusal(kMendInterval);
        if (!why.empty()) {
            interval_watch_->warn({fmt::format("{}: {}", rows_->place(spacing.line()), why)});
        }
        if (!why.empty() || spacing.is_settled()) {
            interval_watch_->warn = nullptr;
        }
    }

    void release() {
        if (is_in_line_) {
            release_line();
            return;
        }
        for (; !waiting_.empty() && waiting_.front().time < safe_until_; waiting_.pop()) {
            const WaitingBars::Waiting& next = waiting_.front();
            next.opens ? hand_out_opening(next.row) : hand_out_close(next.row);
        }
    }
    /// As long as no bar opens before the one in front of it has closed, records leave as their rows came, and need no queue.
    void release_line() {
        for (; next_in_line_ != ordinal_; ++next_in_line_) {
            const PlacedRow& row = row_at(next_in_line_);
            if (!has_opened_ && row.opened < safe_until_) {
                hand_out_opening(next_in_line_);
                has_opened_ = true;
            }
            if (row.closed >= safe_until_) {
                return;
            }
            hand_out_close(next_in_line_);
            has_opened_ = false;
        }
    }
    /// From here on bars overlap.
    void leave_line() {
        is_in_line_ = false;
        for (; next_in_line_ != ordinal_; ++next_in_line_) {
            const PlacedRow& row = row_at(next_in_line_);
            if (!std::exchange(has_opened_, false)) {
                waiting_.push({row.opened, next_in_line_, true});
            }
            waiting_.push({row.closed, next_in_line_, false});
        }
    }
    void hand_out_opening(std::uint64_t number) {
        const PlacedRow& row = row_at(number);
        const BarClosed& bar = row.bar.bar;
        // Made where it stays: a copy of what was just written field by field would have to wait for it.
        next_record(row.opened, number, true)
            .event.emplace<BarOpened>(BarOpened{bar.instrument, bar.open, row.opened, told_interval()});
    }
    void hand_out_close(std::uint64_t number) {
        PlacedRow& row = row_at(number);
        const BarClosed& bar = row.bar.bar;
        next_record(row.closed, number, false)
            .event.emplace<BarClosed>(BarClosed{bar.instrument, bar.open, bar.high, bar.low, bar.close, bar.volume,
                                                row.opened, told_interval()});
        row.has_left = true;  // no bar closes before it opens
    }
    Duration told_interval() const { return date_only_ ? Duration{kDayNs} : interval_; }
    /// The record that leaves next; what it is of is still to be filled in.
    FeedRecord& next_record(Time time, std::uint64_t row, bool opens) {
        if (size_ == batch_.size()) [[unlikely]] {
            batch_.resize(2 * size_ + 2 * kBatchBars);
            origins_.resize(batch_.size());
        }
        rows_needed_ = std::max(rows_needed_, row + 1);
        origins_[size_] = {time, row, opens, rows_needed_};
        FeedRecord& record = batch_[size_++];
        record.time = time;
        return record;
    }

    PlacedRow& row_at(std::uint64_t row) { return rows_placed_[static_cast<std::size_t>(row - first_placed_)]; }
    const PlacedRow& row_at(std::uint64_t row) const {
        return rows_placed_[static_cast<std::size_t>(row - first_placed_)];
    }
    /// Rows in front that have left with batches before this one.
    void forget_rows() {
        const auto first = is_in_line_
                               ? rows_placed_.begin() + static_cast<std::ptrdiff_t>(next_in_line_ - first_placed_)
                               : std::ranges::find_if(rows_placed_, [](const PlacedRow& row) { return !row.has_left; });
        first_placed_ += static_cast<std::uint64_t>(first - rows_placed_.begin());
        rows_placed_.erase(rows_placed_.begin(), first);
    }

    const markets::DayTimes& times_of(std::size_t symbol) {
        if (symbol >= times_by_symbol_.size()) [[unlikely]] {
            ask_times(symbol);
        }
        return times_by_symbol_[symbol];
    }
    void ask_times(std::size_t symbol) {
        while (times_by_symbol_.size() <= symbol) {
            const std::string& name = symbols()[times_by_symbol_.size()];
            const std::optional<markets::DayTimes> given = times_ ? times_(name) : std::nullopt;
            times_by_symbol_.push_back(given.value_or(markets::DayTimes()));
            is_given_.push_back(given.has_value());
            sessions_.emplace_back();
        }
    }

    /// When the session ends in which a bar opens; kNever where it opens in none.
    Time session_end(std::size_t symbol, const markets::DayTimes& times, Time opened) {
        const markets::Calendar* const calendar = times.calendar();
        if (calendar == nullptr) {
            const TradingHours& hours = times.hours();
            return hours.is_open_at(opened) ? hours.close_on(hours.date_of(opened)) : kNever;
        }
        KnownSession& known = sessions_[symbol];
        if (opened < known.since || opened >= known.until) {
            const markets::Moment moment = calendar->at(opened);
            const Time closes = calendar->closes(moment.date);
            known = {opened, moment.until, times.opens(moment) && opened < closes ? closes : kNever};
        }
        return known.ends;
    }

    std::string times_refusal(std::size_t symbol) {
        const markets::DayTimes& times = times_of(symbol);
        const TradingHours& hours = times.hours();
        const std::string& name = symbols()[symbol];
        constexpr std::int32_t kDaySeconds = 86'400;
        if (hours.utc_offset_s < -kDaySeconds || hours.utc_offset_s > kDaySeconds || hours.open_s < 0 ||
            hours.open_s >= hours.close_s || hours.close_s > kDaySeconds) {
            return fmt::format("the session of {} does not open and close within a day; mend its session",
                               in_quotes(name));
        }
        if (beside_intraday_ && !is_given_[symbol]) {
            return fmt::format(
                "daily bars of {} stand beside data with times of day, but when its day opens and "
                "closes is not "
                "known; give it a calendar or a session, as in instruments: {{{}: {{session: ...}}}} (utc for the "
                "whole UTC day)",
                in_quotes(name), name);
        }
        return {};
    }

    /// What a calendar said of a stretch of time.
    struct KnownSession {
        Time since = kNever;
        Time until = kNever;
        Time ends = kNever;
    };

    std::unique_ptr<BarRows> rows_;
    TimesOf times_;
    bool beside_intraday_;
    Text text_;
    std::shared_ptr<IntervalWatch> interval_watch_;
    Duration interval_;
    bool date_only_;
    std::vector<markets::DayTimes> times_by_symbol_;
    std::vector<bool> is_given_;          ///< by symbol: these were written by somebody
    std::vector<KnownSession> sessions_;  ///< by symbol
    WaitingBars waiting_;
    std::vector<PlacedRow> rows_placed_;
    std::uint64_t first_placed_ = 0;  ///< the number of the first of those
    bool is_in_line_ = true;          ///< no bar has overlapped the one before it, and nothing stands in waiting_
    std::uint64_t next_in_line_ = 0;  ///< the row of the record that leaves next
    bool has_opened_ = false;         ///< that record is its close
    Time last_closed_ = kBeforeAll;   ///< of the last row that was placed
    std::uint64_t rows_needed_ = 0;   ///< for all records up to the last one
    std::vector<FeedRecord> batch_;   ///< its first size_ records are meant: the others are overwritten, not made anew
    std::vector<Origin> origins_;     ///< of those records
    std::size_t size_ = 0;
    std::uint64_t handed_before_ = 0;  ///< records before the batch
    Origin last_before_;               ///< of the last of those
    bool batch_is_next_ = false;       ///< the batch is what resume() read too much
    std::deque<RowPlace> anchors_;     ///< beginnings of batches of rows; a position leads to the first
    Duration reach_;                   ///< rows that far apart have nothing to do with each other
    Time last_label_ = kBeforeAll;
    std::optional<SourcePlace> goes_to_;
    std::optional<Expected> expected_;
    bool differs_ = false;  ///< from what was expected
    bool is_waiting_ = false;
    std::uint64_t ordinal_ = 0;
    Time safe_until_ = kBeforeAll;
    bool finished_ = false;
    std::optional<Error> error_;
};

}  // namespace

std::unique_ptr<BarPlacement> place_bars(std::unique_ptr<BarRows> rows, const TimesOf& times, bool beside_intraday,
                                         BarPlacement::Text text, std::shared_ptr<IntervalWatch> interval_watch) {
    return std::make_unique<PlacedBars>(std::move(rows), times, beside_intraday, text, std::move(interval_watch));
}

}  // namespace alpha
