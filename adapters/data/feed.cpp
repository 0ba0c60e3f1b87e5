#include "adapters/data/feed.hpp"

#include "adapters/data/csv.hpp"
#include "adapters/data/record_stream.hpp"
#include "adapters/data/sender_records.hpp"
#include "adapters/data/stream.hpp"
#include "adapters/data/synth.hpp"
#include "events/assert.hpp"
#include "events/codec.hpp"
#include "events/limits.hpp"
#include "store/checksum.hpp"
#include "store/wire.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <compare>
#include <cstring>
#include <deque>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

namespace alpha {

namespace {

// ---- data sets --------------------------------------------------------------------------------------------------------

/// A data set's events one by one. The set's own checksums were verified by the reader; what the
/// events say is judged here as a CSV's lines are, because a set may have been made by anyone.
class SetEvents {
public:
    SetEvents(std::string name, std::unique_ptr<DataSetReader> reader)
        : name_(std::move(name)), reader_(std::move(reader)) {
        frame_.offset = reader_->position();
    }

    /// Makes rest() non-empty. False at the end.
    Result<bool> more() {
        while (at_ == bytes_.size()) {
            const std::uint64_t offset = reader_->position();
            const auto frame = reader_->next();
            if (!frame) {
                return tl::unexpected(frame.error());
            }
            if (*frame == nullptr) {
                return false;
            }
            bytes_ = (*frame)->bytes.view();
            at_ = 0;
            frame_ = {offset, records_, 0, kBeforeAll};
            events_in_frame_ = (*frame)->events;
        }
        return true;
    }
    /// In front of record `row` of the present frame, counted from the beginning, which follows one at `last`.
    RowPlace place_of(std::uint64_t row, Time last) const {
        return {frame_.offset, frame_.row, row - frame_.row, last};
    }
    /// Goes there. The set's content hash stands for what is before.
    Result<void> resume(const RowPlace& from) {
        if (auto sought = reader_->seek(from.offset, from.row); !sought) {
            return sought;
        }
        frame_.offset = from.offset;
        frame_.row = records_ = from.row;
        if (from.within == 0) {
            return {};
        }
        const auto any = more();
        if (!any) {
            return tl::unexpected(any.error());
        }
        if (!*any || from.within > events_in_frame_) {
            return tl::unexpected(changed(from.row));
        }
        // The reader has seen to it that all of a frame's records are of one size.
        at_ = bytes_.size() / events_in_frame_ * static_cast<std::size_t>(from.within);
        records_ += from.within;
        return {};
    }
    Error changed(std::uint64_t row) const { return changed_before(name_, fmt::format("record {}", row + 1)); }
    Bytes rest() const { return bytes_.subspan(at_); }
    void consume(std::size_t bytes, std::size_t records = 1) {
        at_ += bytes;
        records_ += records;
    }
    /// Of the event at the front of rest(), beginning with 1.
    std::uint64_t record() const { return records_ + 1; }
    const DataSetInfo& info() const { return reader_->info(); }
    FeedProgress progress() const { return {reader_->position(), info().file_bytes}; }
    std::string place(std::uint64_t record) const { return fmt::format("{}: record {}", name_, record); }
    Error refusal(std::uint64_t record, std::string_view what) const {
        return {ErrorKind::data, fmt::format("{}: {}; import the CSV again", place(record), what)};
    }

    /// Decodes the event at the front, which must be an E about a known instrument at a possible
    /// time.
    template <class E>
    Result<std::pair<Time, E>> take() {
        auto decoded = decode(rest(), records_);
        if (!decoded) {
            return tl::unexpected(refusal(record(), decoded.error().message));
        }
        const E* const event = std::get_if<E>(&decoded->event);
        if (event == nullptr || event->instrument.value >= info().symbols.size()) {
            return tl::unexpected(refusal(record(), "is of another kind or of an unknown instrument"));
        }
        if (std::string why = time_refusal(decoded->envelope.time); !why.empty()) {
            return tl::unexpected(refusal(record(), why));
        }
        consume(decoded->bytes);
        return std::pair(decoded->envelope.time, *event);
    }

private:
    std::string name_;
    std::unique_ptr<DataSetReader> reader_;
    Bytes bytes_;
    std::size_t at_ = 0;
    std::uint64_t records_ = 0;
    RowPlace frame_;  ///< where the present frame begins
    std::uint32_t events_in_frame_ = 0;
};

static_assert(std::endian::native == std::endian::little, "canonical bytes are copied as they are");

class SetQuotes final : public RecordStream {
public:
    explicit SetQuotes(SetEvents events)
        : events_(std::move(events)), batch_(kBatchRecords, FeedRecord{Time{}, QuoteTick{}}) {}

    Result<std::span<FeedRecord>> next() override {
        begin_ += size_;
        last_before_ = last_;
        size_ = 0;
        std::size_t& n = size_;
        // A batch ends with its frame, so that one frame is enough to say where any of its records is.
        while (n < batch_.size() && !error_ && (n == 0 || !events_.rest().empty())) {
            const auto more = events_.more();
            if (!more) {
                error_ = more.error();
            } else if (!*more) {
                break;
            } else {
                n += take_plain(std::span(batch_).subspan(n));
                if (n < batch_.size() && !events_.rest().empty()) {
                    n += take_carefully(batch_[n]) ? 1U : 0U;
                }
            }
        }
        if (n == 0 && error_) {
            return tl::unexpected(*error_);
        }
        return std::span(batch_).first(n);
    }

    const std::vector<std::string>& symbols() const override { return events_.info().symbols; }
    FeedProgress progress() const override { return events_.progress(); }

    std::string place_of(std::size_t i) const override { return events_.place(begin_ + i + 1); }
    SourcePlace place_after(std::size_t n) const override {
        SourcePlace place;
        place.from = events_.place_of(begin_ + n, n == 0 ? last_before_ : batch_[n - 1].time);
        place.witness = events_.info().content_hash;
        return place;
    }
    Result<void> resume(const SourcePlace& place) override {
        begin_ = place.from.row + place.from.within;
        if (place.witness != events_.info().content_hash) {
            return tl::unexpected(events_.changed(begin_));
        }
        last_ = last_before_ = place.from.last;
        return events_.resume(place.from);
    }

private:
    /// As encode() lays a quote out at its present version, without links: header, then the payload
    /// without gaps.
    static constexpr std::uint32_t kPayloadBytes = sizeof(std::uint32_t) + 4 * sizeof(std::int64_t);
    static constexpr std::size_t kBytes = kHeaderBytes + kPayloadBytes;
    static constexpr std::uint64_t kHead = std::uint64_t{kPayloadBytes} | (std::uint64_t{QuoteTick::tag} << 32U) |
                                           (std::uint64_t{QuoteTick::version} << 48U);

    /// Copies good quotes of the usual layout; stops at anything else. Says how many.
    std::size_t take_plain(std::span<FeedRecord> into) {
        const std::size_t symbols = events_.info().symbols.size();
        const Bytes rest = events_.rest();
        const std::size_t most = std::min(into.size(), rest.size() / kBytes);
        const std::uint8_t* p = rest.data();
        std::size_t n = 0;
        for (; n < most; ++n, p += kBytes) {
            std::uint64_t head = 0;
            std::int64_t time = 0;
            std::uint32_t instrument = 0;
            std::array<std::int64_t, 4> values{};
            std::memcpy(&head, p, sizeof head);
            std::memcpy(&time, p + 8, sizeof time);
            std::memcpy(&instrument, p + kHeaderBytes, sizeof instrument);
            std::memcpy(values.data(), p + kHeaderBytes + sizeof instrument, sizeof values);
            const QuoteTick quote{InstrumentId{instrument}, Price{values[0]}, Price{values[1]}, Qty{values[2]},
                                  Qty{values[3]}};
            if (head != kHead || Time{time} < last_ || Time{time} < kFirstStamp || time >= kMaxTime.ns ||
                instrument >= symbols || !is_good(quote)) {
                break;
            }
            last_ = Time{time};
            into[n] = FeedRecord{last_, quote};
            events_.consume(kBytes);
        }
        return n;
    }

    /// Reads the next event whatever its layout, or says in error_ what is wrong with it.
    bool take_carefully(FeedRecord& into) {
        const std::uint64_t record = events_.record();
        auto taken = events_.take<QuoteTick>();
        if (!taken) {
            error_ = taken.error();
            return false;
        }
        const auto& [time, quote] = *taken;
        std::string why = stamp_refusal(time);
        if (why.empty()) {
            why = quote_refusal(quote);
        }
        if (why.empty() && time < last_) {
            why = "its time goes back";
        }
        if (!why.empty()) {
            error_ = events_.refusal(record, why);
            return false;
        }
        last_ = time;
        into = FeedRecord{time, quote};
        return true;
    }

    SetEvents events_;
    std::vector<FeedRecord> batch_;
    std::size_t size_ = 0;         ///< records in the batch
    std::uint64_t begin_ = 0;      ///< records before the batch
    Time last_before_ = kMinTime;  ///< the time of the last of those
    Time last_ = kMinTime;
    std::optional<Error> error_;
};

class SetBars final : public BarRows {
public:
    explicit SetBars(SetEvents events)
        : events_(std::move(events)),
          interval_(events_.info().interval),
          date_only_(events_.info().date_only),
          order_(interval_, date_only_),
          symbols_(events_.info().symbols.size()) {}

    Result<std::span<const BarRow>> next() override {
        begin_ += size_;
        last_before_ = size_ == 0 ? last_before_ : batch_[size_ - 1].label;
        size_ = 0;
        std::size_t& n = size_;
        while (n < batch_.size() && !error_ && (n == 0 || !events_.rest().empty())) {
            const auto more = events_.more();
            if (!more) {
                error_ = more.error();
            } else if (!*more) {
                break;
            } else {
                n += take_plain(std::span(batch_).subspan(n));
                if (n < batch_.size() && !events_.rest().empty()) {
                    n += take_carefully(batch_[n]) ? 1U : 0U;
                }
            }
        }
        if (n == 0 && error_) {
            return tl::unexpected(*error_);
        }
        return std::span<const BarRow>(batch_).first(n);
    }

    Duration interval() const override { return interval_; }
    bool date_only() const override { return date_only_; }
    const std::vector<std::string>& symbols() const override { return events_.info().symbols; }
    std::string place(std::uint64_t line) const override { return events_.place(line); }
    FeedProgress progress() const override { return events_.progress(); }

    RowPlace batch_begin() const override { return events_.place_of(begin_, last_before_); }
    Digest witness_after(std::size_t /*n*/) const override { return events_.info().content_hash; }
    Result<void> resume(const RowPlace& from) override {
        begin_ = from.row + from.within;
        last_before_ = from.last;
        order_.resume(from.last);
        return events_.resume(from);
    }
    Error changed(std::uint64_t row) const override { return events_.changed(row); }

private:
    /// As encode_stored_bar lays a bar out.
    static constexpr std::uint64_t kHead = std::uint64_t{kStoredBarBytes - kHeaderBytes} |
                                           (std::uint64_t{BarClosed::tag} << 32U) |
                                           (std::uint64_t{kStoredBarVersion} << 48U);

    /// Copies good bars of the usual layout that may follow each other; stops at anything else. Says how many.
    std::size_t take_plain(std::span<BarRow> into) {
        const Bytes rest = events_.rest();
        const std::size_t most = std::min(into.size(), rest.size() / kStoredBarBytes);
        const std::uint64_t first = events_.record();
        const std::uint8_t* p = rest.data();
        std::size_t n = 0;
        for (; n < most; ++n, p += kStoredBarBytes) {
            BarRow& row = into[n];
            std::uint64_t head = 0;
            std::memcpy(&head, p, sizeof head);
            std::memcpy(&row.label.ns, p + sizeof head, sizeof row.label.ns);
            const std::uint8_t* at = p + kHeaderBytes;
            const auto next = [&at](auto& number) {
                std::memcpy(&number, at, sizeof number);
                at += sizeof number;
            };
            next(row.bar.instrument.value);
            next(row.bar.open.raw);
            next(row.bar.high.raw);
            next(row.bar.low.raw);
            next(row.bar.close.raw);
            next(row.bar.volume.raw);
            row.line = first + n;
            if (head != kHead || row.bar.instrument.value >= symbols_ || !is_good(row.label) || !is_good(row.bar) ||
                (date_only_ && row.label.ns % kDayNs != 0) || !order_.accepts(row.bar.instrument.value, row.label)) {
                break;
            }
        }
        events_.consume(n * kStoredBarBytes, n);
        return n;
    }

    /// Reads the next bar whatever its layout, or says in error_ what is wrong with it.
    bool take_carefully(BarRow& row) {
        row.line = events_.record();
        auto taken = events_.take<BarClosed>();
        if (!taken) {
            error_ = taken.error();
            return false;
        }
        std::tie(row.label, row.bar) = *taken;
        std::string why = bar_refusal(row.bar);
        if (why.empty()) {
            why = order_.refusal(row.bar.instrument.value, row.label);
        }
        if (why.empty() && date_only_ && row.label.ns % kDayNs != 0) {
            why = "is not at the midnight of its date";
        }
        if (!why.empty()) {
            error_ = events_.refusal(row.line, why);
            return false;
        }
        return true;
    }

    SetEvents events_;
    Duration interval_;
    bool date_only_;
    BarOrder order_;
    std::size_t symbols_;
    std::vector<BarRow> batch_ = std::vector<BarRow>(kBatchBars);
    std::size_t size_ = 0;           ///< rows in the batch
    std::uint64_t begin_ = 0;        ///< rows before the batch
    Time last_before_ = kBeforeAll;  ///< the label of the last of those
    std::optional<Error> error_;
};

const char* name_of(DataKind kind) {
    return kind == DataKind::quotes ? "quotes" : "bars";
}

/// Opens a set and compares it with what the scenario says of it.
Result<SetEvents> open_set(const DataSource& source) {
    auto reader = DataSetReader::open(source.file);
    if (!reader) {
        return tl::unexpected(reader.error());
    }
    const DataSetInfo& info = (*reader)->info();
    const auto refuse = [&](std::string_view what) {
        return fail(ErrorKind::data, fmt::format("{}: {}", source.file, what));
    };
    if (info.kind != source.kind) {
        return refuse(fmt::format("is a data set of {}, not of {}; write kind: {}", name_of(info.kind),
                                  name_of(source.kind), name_of(info.kind)));
    }
    if (info.kind == DataKind::bars) {
        if (const std::string why = interval_refusal(info.interval); !why.empty()) {
            return refuse(why);
        }
        if (source.interval.ns != 0 && source.interval != info.interval) {
            return refuse(fmt::format("its bars last {}, not {}; write interval: {}", to_string(info.interval),
                                      to_string(source.interval), to_string(info.interval)));
        }
    }
    for (const std::string& symbol : info.symbols) {
        if (const std::string why = name_refusal(symbol); !why.empty()) {
            return refuse(why);
        }
        if (!source.instrument.empty() && symbol != source.instrument) {
            return refuse(fmt::format("holds instrument {} beside {}; leave instrument out to take every one",
                                      in_quotes(symbol), in_quotes(source.instrument)));
        }
    }
    if (info.symbols.size() > limits::kMaxInstruments) {
        return refuse(fmt::format("holds more than {} instruments", limits::kMaxInstruments));
    }
    return SetEvents(source.file, std::move(*reader));
}

// ---- bars in time -----------------------------------------------------------------------------------------------------

/// Looks out for an interval that is too short, of a stream: over all of its senders, whose labels go on from one to the next.
struct IntervalWatch {
    Spacing spacing;
    std::function<void(DataWarning)> warn;  ///< null once there is nothing to warn of any more
};

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
class PlacedBars final : public RecordStream {
public:
    /// What the rows are of. At the end of a file, or of standard input, what waits has nothing left to wait for; the rows of a
    /// sender that left or was sent away are gone on with by the next one.
    enum class Text : std::uint8_t { file, only_sender, one_of_senders };

    /// `beside_intraday`: other sources of the same feed know times of day. `interval_watch`: null for a file, which was judged.
    PlacedBars(std::unique_ptr<BarRows> rows, const HoursOf& hours, bool beside_intraday, Text text = Text::file,
               std::shared_ptr<IntervalWatch> interval_watch = nullptr)
        : rows_(std::move(rows)),
          hours_(hours),
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
        place.witness = rows_->witness_after(static_cast<std::size_t>(end - batch_row));
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
        expected_ = Expected{first + place.rows, place.witness};
        goes_to_ = place;
        return text_ == Text::file ? come_there().map([](bool) {}) : Result<void>();
    }

    /// What forbids the instruments known so far, before any bar is read; empty when nothing does.
    std::string refusal_of_symbols() {
        for (std::size_t i = 0; i < symbols().size(); ++i) {
            if (std::string why = hours_refusal(i); !why.empty()) {
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
    /// What the content up to a row must have as its witness.
    struct Expected {
        std::uint64_t row = 0;
        Digest witness{};
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
        const bool same = expected_->row >= row &&
                          rows_->witness_after(static_cast<std::size_t>(expected_->row - row)) == expected_->witness;
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
            const TradingHours& hours = hours_of(symbol);
            if (std::string why = hours_refusal(symbol); !why.empty()) {
                return why;
            }
            const Date date = TradingHours{}.date_of(row.label);
            opened = hours.open_on(date);
            closed = hours.close_on(date);
        } else if (const TradingHours& hours = hours_of(row.bar.instrument.value);
                   !hours.whole_day() && hours.is_open_at(opened)) {
            // A candle that reaches past its session's end is complete with it: NSE's last hourly one at 15:30.
            closed = std::min(closed, hours.close_on(hours.date_of(opened)));
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
        spacing.see(symbol, row.label, row.line, hours_of(symbol));
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

    const TradingHours& hours_of(std::size_t symbol) {
        if (symbol >= hours_by_symbol_.size()) [[unlikely]] {
            ask_hours(symbol);
        }
        return hours_by_symbol_[symbol];
    }
    void ask_hours(std::size_t symbol) {
        while (hours_by_symbol_.size() <= symbol) {
            const std::string& name = symbols()[hours_by_symbol_.size()];
            const std::optional<TradingHours> given = hours_ ? hours_(name) : std::nullopt;
            hours_by_symbol_.push_back(given.value_or(TradingHours{}));
            is_given_.push_back(given.has_value());
        }
    }

    std::string hours_refusal(std::size_t symbol) {
        const TradingHours& hours = hours_of(symbol);
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
                "known; give it a session, as in instruments: {{{}: {{session: ...}}}} (utc for the whole "
                "UTC day)",
                in_quotes(name), name);
        }
        return {};
    }

    std::unique_ptr<BarRows> rows_;
    HoursOf hours_;
    bool beside_intraday_;
    Text text_;
    std::shared_ptr<IntervalWatch> interval_watch_;
    Duration interval_;
    bool date_only_;
    std::vector<TradingHours> hours_by_symbol_;
    std::vector<bool> is_given_;  ///< by symbol: these hours were written by somebody
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

// ---- the merge --------------------------------------------------------------------------------------------------------

InstrumentId& instrument_of(MarketInput& event) {
    if (auto* const quote = std::get_if<QuoteTick>(&event)) {
        return quote->instrument;
    }
    if (auto* const opened = std::get_if<BarOpened>(&event)) {
        return opened->instrument;
    }
    return std::get<BarClosed>(event).instrument;
}

/// Among records of one time: bar close, quote, bar open.
int rank_of(const MarketInput& event) {
    constexpr int kClose = 0;
    constexpr int kQuote = 1;
    constexpr int kOpen = 2;
    if (std::holds_alternative<QuoteTick>(event)) {
        return kQuote;
    }
    return std::holds_alternative<BarOpened>(event) ? kOpen : kClose;
}

// ---- positions --------------------------------------------------------------------------------------------------------
//
//   "alphapos" | u32 version | u32 sources
//   per source: u8 form | u32 length, name | u32 length, instrument | i64 interval
//               u64 offset | u64 row | u64 within | i64 last | u64 rows | u64 handed | i64 time | u64 row | u8 opens | witness
//   last record: i64 time | u8 rank | u32 source
//   u32 symbols | per symbol: u32 length, name
//   version 2: u32 bars | per bar: u32 symbol | u32 source | u64 line | i64 open, high, low, close, volume
//   u32 CRC-32C of all before
//
// IN JOURNALS, DO NOT CHANGE: a new shape is a new version.

enum class Form : std::uint8_t { csv_quotes = 1, csv_bars, set_quotes, set_bars, synth };

/// What a source is recognized by. The folder does not matter, the name does: of two files that nothing was read of yet,
/// it alone says which is which.
struct SourceIdentity {
    Form form = Form::csv_quotes;
    std::string name;
    std::string instrument;
    Duration interval;
    friend bool operator==(const SourceIdentity&, const SourceIdentity&) = default;
};

std::string text_of(const SourceIdentity& identity) {
    constexpr std::array<const char*, 5> kForms{"quotes in CSV", "bars in CSV", "a data set of quotes",
                                                "a data set of bars", "synthetic"};
    std::string text =
        fmt::format("{} ({}", in_quotes(identity.name), kForms[static_cast<std::size_t>(identity.form) - 1]);
    if (!identity.instrument.empty()) {
        text += fmt::format(" of {}", in_quotes(identity.instrument));
    }
    if (identity.interval.ns != 0) {
        text += fmt::format(", interval {}", to_string(identity.interval));
    }
    return text + ")";
}

struct NamedStream {
    std::string name;  ///< DataSource::name()
    SourceIdentity identity;
    std::unique_ptr<RecordStream> records;
    SenderRecords* senders = nullptr;  ///< the same, where they are a stream's
    Duration patience;                 ///< DataSource::idle
    Duration max_gap;                  ///< DataSource::max_gap
};

/// The order of a feed's records; those of one source may be equal.
struct RecordKey {
    Time time = kBeforeAll;
    int rank = 0;
    std::size_t source = 0;
    friend auto operator<=>(const RecordKey&, const RecordKey&) = default;
};

/// What sources must agree on.
struct BarValues {
    Price open;
    Price high;
    Price low;
    Price close;
    Qty volume;
    friend bool operator==(const BarValues&, const BarValues&) = default;
};

BarValues values_of(const BarClosed& bar) {
    return {bar.open, bar.high, bar.low, bar.close, bar.volume};
}

/// A bar's opening or close that left the feed: what the same from another source is compared with.
struct ShownBar {
    std::uint32_t symbol = 0;
    std::uint32_t source = 0;
    std::uint64_t line = 0;
    BarValues values;
};

struct Position {
    struct Source {
        SourceIdentity identity;
        SourcePlace place;
    };
    std::vector<Source> sources;
    RecordKey last;
    std::span<const std::string> symbols;
    std::vector<ShownBar> shown;  ///< at the time and rank of the last record
};

constexpr std::string_view kPositionMagic = "alphapos";
constexpr std::uint32_t kPositionVersion = 3;
/// The one without makers' own words.
constexpr std::uint32_t kShownPositionVersion = 2;
/// The one without bars that were shown either, which is all that most feeds need.
constexpr std::uint32_t kPlainPositionVersion = 1;

Bytes bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

void put_text(ByteBuffer& out, std::string_view text) {
    put(out, static_cast<std::uint32_t>(text.size()));
    out.append(bytes_of(text));
}

std::string take_text(WireReader& in) {
    const Bytes bytes = in.take(in.get<std::uint32_t>());
    return {bytes.begin(), bytes.end()};
}

void put_position(ByteBuffer& out, const Position& position) {
    const std::size_t begin = out.size();
    out.append(bytes_of(kPositionMagic));
    const bool has_makers =
        std::ranges::any_of(position.sources, [](const auto& source) { return !source.place.maker.empty(); });
    const std::uint32_t version = has_makers               ? kPositionVersion
                                  : position.shown.empty() ? kPlainPositionVersion
                                                           : kShownPositionVersion;
    put(out, version);
    put(out, static_cast<std::uint32_t>(position.sources.size()));
    for (const auto& [identity, place] : position.sources) {
        put(out, static_cast<std::uint8_t>(identity.form));
        put_text(out, identity.name);
        put_text(out, identity.instrument);
        put(out, identity.interval.ns);
        put(out, place.from.offset);
        put(out, place.from.row);
        put(out, place.from.within);
        put(out, place.from.last.ns);
        put(out, place.rows);
        put(out, place.handed);
        put(out, place.last_time.ns);
        put(out, place.last_row);
        put(out, static_cast<std::uint8_t>(place.last_opens));
        out.append(place.witness);
        if (has_makers) {
            put(out, static_cast<std::uint32_t>(place.maker.size()));
            out.append(place.maker);
            put(out, place.ahead);
        }
    }
    put(out, position.last.time.ns);
    put(out, static_cast<std::uint8_t>(position.last.rank));
    put(out, static_cast<std::uint32_t>(position.last.source));
    put(out, static_cast<std::uint32_t>(position.symbols.size()));
    for (const std::string& symbol : position.symbols) {
        put_text(out, symbol);
    }
    if (version != kPlainPositionVersion) {
        put(out, static_cast<std::uint32_t>(position.shown.size()));
    }
    for (const ShownBar& bar : position.shown) {
        put(out, bar.symbol);
        put(out, bar.source);
        put(out, bar.line);
        for (const std::int64_t raw : {bar.values.open.raw, bar.values.high.raw, bar.values.low.raw,
                                       bar.values.close.raw, bar.values.volume.raw}) {
            put(out, raw);
        }
    }
    put(out, crc32c(out.view().subspan(begin)));
}

/// Whether no arithmetic on them can overflow.
bool is_sane(const SourcePlace& place) {
    constexpr std::uint64_t kMost = std::uint64_t{1} << 60U;
    const auto is_time = [](Time time) { return time == kBeforeAll || is_good(time); };
    return place.from.offset < kMost && place.from.row < kMost && place.from.within < kMost && place.rows < kMost &&
           place.handed <= 2 * place.rows && is_time(place.from.last) && is_time(place.last_time);
}

/// `symbols` keeps the names. Refuses whatever put_position() did not write.
Result<Position> read_position(Bytes bytes, std::vector<std::string>& symbols) {
    const auto damaged = [] { return fail(ErrorKind::data, "The feed's position is damaged; begin a new session."); };
    WireReader in(bytes);
    const Bytes magic = in.take(kPositionMagic.size());
    const auto version = in.get<std::uint32_t>();
    if (!in.ok() || !std::ranges::equal(magic, bytes_of(kPositionMagic))) {
        return damaged();
    }
    const std::size_t body = bytes.size() - std::min(bytes.size(), sizeof(std::uint32_t));
    if (crc32c(bytes.first(body)) != load<std::uint32_t>(bytes.data() + body)) {
        return damaged();
    }
    if (version < kPlainPositionVersion || version > kPositionVersion) {
        return fail(ErrorKind::data,
                    fmt::format("The feed's position has version {}, and this program reads versions up to {}; "
                                "use the program that wrote it, or begin a new session.",
                                version, kPositionVersion));
    }
    Position position;
    for (auto n = in.get<std::uint32_t>(); n > 0 && in.ok(); --n) {
        auto& [identity, place] = position.sources.emplace_back();
        identity.form = static_cast<Form>(in.get<std::uint8_t>());
        identity.name = take_text(in);
        identity.instrument = take_text(in);
        identity.interval.ns = in.get<std::int64_t>();
        place.from.offset = in.get<std::uint64_t>();
        place.from.row = in.get<std::uint64_t>();
        place.from.within = in.get<std::uint64_t>();
        place.from.last.ns = in.get<std::int64_t>();
        place.rows = in.get<std::uint64_t>();
        place.handed = in.get<std::uint64_t>();
        place.last_time.ns = in.get<std::int64_t>();
        place.last_row = in.get<std::uint64_t>();
        place.last_opens = in.get<std::uint8_t>() != 0;
        const Bytes witness = in.take(place.witness.size());
        std::ranges::copy(witness, place.witness.begin());
        if (version == kPositionVersion) {
            const Bytes maker = in.take(in.get<std::uint32_t>());
            place.maker.assign(maker.begin(), maker.end());
            place.ahead = in.get<std::uint64_t>();
        }
        if (!is_sane(place) || identity.form < Form::csv_quotes || identity.form > Form::synth) {
            return damaged();
        }
    }
    position.last.time.ns = in.get<std::int64_t>();
    position.last.rank = in.get<std::uint8_t>();
    position.last.source = in.get<std::uint32_t>();
    std::set<std::string_view> names;
    const auto count = in.get<std::uint32_t>();
    if (count > limits::kMaxInstruments) {
        return damaged();
    }
    symbols.reserve(count);
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
        symbols.push_back(take_text(in));
        if (!name_refusal(symbols.back()).empty() || !names.insert(symbols.back()).second) {
            return damaged();
        }
    }
    const auto shown = version == kPlainPositionVersion ? 0 : in.get<std::uint32_t>();
    for (std::uint32_t i = 0; i < shown && in.ok(); ++i) {
        ShownBar& bar = position.shown.emplace_back();
        bar.symbol = in.get<std::uint32_t>();
        bar.source = in.get<std::uint32_t>();
        bar.line = in.get<std::uint64_t>();
        for (std::int64_t* const raw : {&bar.values.open.raw, &bar.values.high.raw, &bar.values.low.raw,
                                        &bar.values.close.raw, &bar.values.volume.raw}) {
            *raw = in.get<std::int64_t>();
        }
        if (bar.symbol >= symbols.size() || bar.source >= position.sources.size()) {
            return damaged();
        }
    }
    if (!in.ok() || in.left() != sizeof(std::uint32_t)) {
        return damaged();
    }
    position.symbols = symbols;
    return position;
}

class MergedFeed final : public Feed {
public:
    MergedFeed(std::vector<NamedStream> streams, const Interrupt* interrupt, FeedWatch watch)
        : interrupt_(interrupt), watch_(std::move(watch)) {
        for (NamedStream& stream : streams) {
            absent_.push_back(inputs_.size());
            if (stream.senders != nullptr) {
                senders_.push_back(&stream.senders->senders());
            }
            Input& input = inputs_.emplace_back();
            input.name = std::move(stream.name);
            input.identity = std::move(stream.identity);
            input.stream = std::move(stream.records);
            input.senders = stream.senders;
            input.patience = std::chrono::nanoseconds(stream.patience.ns);
            input.max_gap = stream.max_gap;
            input.interval = input.stream->interval();
        }
        shares_bars_ = std::ranges::count_if(inputs_, &Input::has_bars) > 1;
        follows_taken_ = !senders_.empty() && watch_.taken_before != nullptr;
    }

    Result<std::span<const FeedRecord>> next() override {
        begin_batch();
        while (!error_) {
            must_wait_ = false;
            longest_wait_ = Senders::kForEver;
            const std::span<const FeedRecord> records = follows_taken_        ? next_of_taken()
                                                        : inputs_.size() == 1 ? next_of_only()
                                                                              : next_of_many();
            if (!records.empty() || (!error_ && !must_wait_)) {
                return records;
            }
            if (!error_ && !wait_for_any(senders_, interrupt_, longest_wait_)) {
                error_ = Error{ErrorKind::interrupted, "reading was ended"};
            }
        }
        return tl::unexpected(*error_);
    }

    const std::vector<std::string>& symbols() const override { return symbols_.names(); }

    FeedProgress progress() const override {
        FeedProgress sum;
        for (const Input& input : inputs_) {
            const FeedProgress one = input.stream->progress();
            sum.done += one.done;
            sum.total += one.total;
        }
        return sum;
    }

    void save_position(std::size_t taken, ByteBuffer& out) const override {
        ALPHA_ASSERT(taken <= size_, "a position is one within the last batch");
        std::vector<std::size_t> consumed;
        consumed.reserve(inputs_.size());
        for (const Input& input : inputs_) {
            consumed.push_back(input.consumed_before);
        }
        Position position;
        position.last = last_before_;
        std::size_t from = 0;
        for (const Run& run : runs_) {
            const std::size_t to = std::min(run.end, taken);
            if (from < to) {
                if (run.input != kNobody) {
                    consumed[run.input] += to - from;
                }
                position.last = key_of(run.input, record_at(to - 1));
            }
            from = to;
        }
        for (const Drop& drop : drops_) {
            consumed[drop.input] += drop.behind <= taken ? 1U : 0U;
        }
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            position.sources.push_back({inputs_[i].identity, inputs_[i].stream->place_after(consumed[i])});
        }
        for (const Shown& shown : shown_) {
            if (shown.end <= taken && shown.moment == moment_of(position.last)) {
                position.shown.push_back(shown.bar);
            }
        }
        std::size_t names = symbols_.names().size();
        for (const std::size_t at : named_at_) {
            names -= at >= taken ? 1U : 0U;
        }
        position.symbols = std::span(symbols_.names()).first(names);
        put_position(out, position);
    }

    /// Goes to the position, before the first next().
    Result<void> resume(Bytes bytes) {
        std::vector<std::string> symbols;
        const auto position = read_position(bytes, symbols);
        if (!position) {
            return tl::unexpected(position.error());
        }
        for (std::size_t i = 0; i < std::max(inputs_.size(), position->sources.size()); ++i) {
            const bool is_there = i < inputs_.size();
            const bool was_there = i < position->sources.size();
            if (is_there && was_there && inputs_[i].identity == position->sources[i].identity) {
                continue;
            }
            return fail(
                ErrorKind::data,
                fmt::format("{}: the data changed: source {} {}, and when the position was taken {}; give the same "
                            "sources in the same order, or begin a new session",
                            is_there ? inputs_[i].identity.name : position->sources[i].identity.name, i + 1,
                            is_there ? "is " + text_of(inputs_[i].identity) : "is missing",
                            was_there ? "was " + text_of(position->sources[i].identity) : "there was none"));
        }
        for (const std::string& symbol : symbols) {
            symbols_.add(symbol);
        }
        last_before_ = position->last;
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            inputs_[i].is_new = true;
            if (auto there = inputs_[i].stream->resume(position->sources[i].place); !there) {
                return there;
            }
        }
        moment_ = moment_of(position->last);
        for (const ShownBar& bar : position->shown) {
            if (!inputs_[bar.source].has_bars()) {
                return fail(ErrorKind::data, "The feed's position is damaged; begin a new session.");
            }
            show(bar, 0);
        }
        return {};
    }

private:
    struct Input {
        std::string name;
        SourceIdentity identity;
        std::unique_ptr<RecordStream> stream;
        std::span<FeedRecord> batch;             ///< what is left of the last one,
        std::size_t at = 0;                      ///< which begins there in it
        std::size_t consumed_before = 0;         ///< records of it in the batches before this one
        std::vector<std::uint32_t> feed_symbol;  ///< by the stream's own symbol
        bool is_new = false;                     ///< its first record was not compared with the position yet
        bool has_ended = false;
        Duration max_gap;  ///< between a record of it and the feed's record before that

        // Of bars.
        Duration interval;              ///< zero: they are quotes
        std::set<std::size_t> repeats;  ///< inputs whose bars it was seen to repeat

        bool has_bars() const { return interval.ns != 0; }
        /// Goes on behind the first `n` records at hand.
        void pass(std::size_t n) {
            batch = batch.subspan(n);
            at += n;
        }

        // Of a stream.
        SenderRecords* senders = nullptr;
        std::uint64_t sender = 0;                         ///< whose symbols those are
        std::chrono::nanoseconds patience{0};             ///< zero: without end
        std::optional<std::chrono::nanoseconds> awaited;  ///< since when others have a record and it has none
        bool is_left_out = false;

        const std::string& name_of(const FeedRecord& record) const {
            return stream
                ->symbols()[std::visit([](const auto& event) { return event.instrument.value; }, record.event)];
        }
        bool is_waiting() const { return batch.empty() && stream->is_waiting(); }
    };
    /// Records of one input that follow each other in a batch.
    struct Run {
        std::size_t input = 0;
        std::size_t end = 0;  ///< in the batch
    };
    /// In place of an input: what was taken from one that is silent now.
    static constexpr std::size_t kNobody = static_cast<std::size_t>(-1);

    /// A record that did not leave, because one like it had left.
    struct Drop {
        std::size_t input = 0;
        std::size_t behind = 0;  ///< so many records of the batch
    };
    /// Openings, or closes, of one time.
    struct Moment {
        Time time = kBeforeAll;
        int rank = 0;
        friend bool operator==(Moment, Moment) = default;
    };
    struct Shown {
        ShownBar bar;
        Moment moment;
        std::size_t end = 0;  ///< it is among the first so many records of the batch; 0: it came before
    };
    static Moment moment_of(const RecordKey& key) { return {key.time, key.rank}; }

    static RecordKey key_of(std::size_t input, const FeedRecord& record) {
        return {record.time, rank_of(record.event), input == kNobody ? 0 : input};
    }
    const FeedRecord& record_at(std::size_t i) const { return is_only_ ? only_[i] : out_[i]; }

    void begin_batch() {
        if (!runs_.empty()) {
            last_before_ = key_of(runs_.back().input, record_at(size_ - 1));
        }
        std::size_t from = 0;
        for (const Run& run : runs_) {
            if (run.input != kNobody) {
                inputs_[run.input].consumed_before += run.end - from;
            }
            from = run.end;
        }
        for (const Drop& drop : drops_) {
            ++inputs_[drop.input].consumed_before;
        }
        keep_moment();
        drops_.clear();
        runs_.clear();
        named_at_.clear();
        out_.clear();
        is_only_ = false;
        size_ = 0;
    }

    /// Gives the record the feed's symbol. Names are numbered when a record of theirs leaves the
    /// feed, so their order is that of the merged records, whatever a source has read ahead. False
    /// with error_ when there are too many.
    bool rename(Input& input, FeedRecord& record, std::size_t at) {
        InstrumentId& instrument = instrument_of(record.event);
        instrument.value = feed_symbol(input, instrument, at);
        return instrument.value != SymbolTable::kUnknown;
    }
    /// kUnknown with error_ when there are too many.
    std::uint32_t feed_symbol(Input& input, InstrumentId instrument, std::size_t at) {
        if (instrument.value >= input.feed_symbol.size()) [[unlikely]] {
            input.feed_symbol.resize(input.stream->symbols().size(), SymbolTable::kUnknown);
        }
        std::uint32_t& symbol = input.feed_symbol[instrument.value];
        if (symbol == SymbolTable::kUnknown) [[unlikely]] {
            symbol = symbol_of(input.stream->symbols()[instrument.value], at);
        }
        return symbol;
    }
    /// kUnknown with error_ when there are too many.
    std::uint32_t symbol_of(std::string_view name, std::size_t at) {
        const std::uint32_t symbol = symbols_.find(name);
        if (symbol != SymbolTable::kUnknown) {
            return symbol;
        }
        if (symbols_.names().size() == limits::kMaxInstruments) {
            error_ = Error{ErrorKind::data, fmt::format("the data hold more than {} instruments at {}; leave files out",
                                                        limits::kMaxInstruments, in_quotes(name))};
            return symbol;
        }
        named_at_.push_back(at);
        return symbols_.add(name);
    }

    std::span<const FeedRecord> next_of_only() {
        Input& input = inputs_.front();
        do {  // until there is something, unless nothing comes: of a sender that is sent away nothing may be left
            if (!bring_in(0)) {
                return {};
            }
            must_wait_ = input.is_waiting();
            is_only_ = true;
            only_ = std::exchange(input.batch, {});
            Time last = last_before_.time;
            while (size_ < only_.size() && is_near(0, input.at + size_, only_[size_].time, last) &&
                   rename(input, only_[size_], size_)) {
                last = only_[size_].time;
                ++size_;
            }
        } while (size_ == 0 && to_refuse_);
        if (size_ != 0) {
            runs_.push_back({0, size_});
        }
        return only_.first(size_);
    }

    /// Brings in the input's next batch. False with error_ when it fails.
    bool load(std::size_t i) {
        Input& input = inputs_[i];
        input.consumed_before = 0;
        input.batch = {};
        input.at = 0;
        auto batch = input.stream->next();
        if (!batch) {
            error_ = batch.error();
            return false;
        }
        input.batch = *batch;
        if (batch->empty() && !input.stream->is_waiting() && !std::exchange(input.has_ended, true) && watch_.warn) {
            const SourcePlace end = input.stream->place_after(0);
            if (end.from.row + end.from.within + end.rows == 0) {
                watch_.warn({fmt::format("{}: holds no record", input.name), true});
            } else if (input.stream->lacks_end()) {
                watch_.warn({fmt::format("{}: {}", input.name, kLacksEnd), true});
            }
        }
        if (input.sender != input.stream->sender()) {
            input.sender = input.stream->sender();
            input.feed_symbol.clear();
        }
        return true;
    }

    /// Brings in the input's next record, if there is one yet, which must not belong before those that were taken. False with error_.
    bool bring_in(std::size_t i) {
        Input& input = inputs_[i];
        if (to_refuse_ && to_refuse_->first == i) [[unlikely]] {
            const bool refused = refuse(i, std::exchange(to_refuse_, std::nullopt)->second);
            ALPHA_ASSERT(refused, "another sender may follow the one that is to be refused");
        }
        do {
            if (input.batch.empty() && !load(i)) {
                return false;
            }
            if (input.batch.empty()) {
                return true;
            }
            if (input.is_new && has_followed_) {
                pass_repeats(i, last_before_);
            }
            if (input.batch.empty()) {
                continue;
            }
            if (input.patience.count() != 0) {
                refuse_late(i, last_before_);
            } else if (std::exchange(input.is_new, false) && key_of(i, input.batch.front()) < last_before_)
                [[unlikely]] {
                const std::string why =
                    fmt::format("{}: the data changed: a record at {} follows, which belongs before those that "
                                "were read before; restore the file, or begin a new session",
                                input.identity.name, to_iso(input.batch.front().time));
                if (!refuse(i, why)) {
                    error_ = Error{ErrorKind::data, why};
                    return false;
                }
            }
        } while (input.batch.empty());
        return true;
    }

    /// Passes over the records at hand that belong before what was taken already. They count as read.
    void refuse_late(std::size_t i, const RecordKey& taken) {
        Input& input = inputs_[i];
        const Time first = input.batch.front().time;
        std::size_t late = 0;
        while (late < input.batch.size() && key_of(i, input.batch[late]) < taken) {
            ++late;
        }
        if (late == 0) {
            return;
        }
        input.pass(late);
        input.consumed_before += late;
        change_status(input, [late](StreamStatus& status) { status.refused_records += late; });
        tell(fmt::format("{}: {} record{} of {} and later came after the feed had gone on to {}, and {} refused",
                         input.name, late, late == 1 ? "" : "s", to_iso(first), to_iso(taken.time),
                         late == 1 ? "is" : "are"),
             Notice::warning);
    }

    /// Sends away the sender of the records at hand. False where no other one can come.
    bool refuse(std::size_t i, const std::string& why) {
        Input& input = inputs_[i];
        if (!input.stream->refuse_after(input.consumed_before, why)) {
            return false;
        }
        input.batch = {};
        input.consumed_before = 0;
        input.is_new = true;
        return true;
    }

    /// Whether input `a`'s front record comes after input `b`'s.
    bool after(std::size_t a, std::size_t b) const {
        const FeedRecord& left = inputs_[a].batch.front();
        const FeedRecord& right = inputs_[b].batch.front();
        if (left.time != right.time) {
            return left.time > right.time;
        }
        const int left_rank = rank_of(left.event);
        const int right_rank = rank_of(right.event);
        return left_rank != right_rank ? left_rank > right_rank : a > b;
    }

    std::span<const FeedRecord> next_of_many() {
        for (;;) {
            if (!bring_in_absent()) {
                return {};
            }
            const bool is_end = heap_.empty();
            merge();
            if (!out_.empty() || error_ || is_end) {
                return out_;
            }
            begin_batch();  // all that there was was dropped, and an empty batch would be the end
        }
    }

    void merge() {
        const auto order = [this](std::size_t a, std::size_t b) { return after(a, b); };
        bool is_whole = true;  // for every input is there that has more
        while (out_.size() < kBatchRecords && !heap_.empty() && is_whole) {
            std::pop_heap(heap_.begin(), heap_.end(), order);
            const std::size_t first = heap_.back();
            heap_.pop_back();
            const bool good = drain(first);
            size_ = out_.size();
            if (size_ != (runs_.empty() ? 0 : runs_.back().end)) {
                runs_.push_back({first, size_});
            }
            if (!good) {
                if (to_refuse_) {
                    absent_.push_back(first);
                }
                break;
            }
            // What it has next is brought in with the next batch: until then, a position within this one needs what it
            // had before.
            is_whole = !inputs_[first].batch.empty();
            if (is_whole) {
                heap_.push_back(first);
                std::push_heap(heap_.begin(), heap_.end(), order);
            } else {
                absent_.push_back(first);
            }
        }
    }

    /// Puts those that have records again among those that have. False with error_, and where the merge must wait.
    bool bring_in_absent() {
        for (std::size_t at = 0; at < absent_.size();) {
            const std::size_t i = absent_[at];
            if (!bring_in(i)) {
                return false;
            }
            if (inputs_[i].is_waiting()) {
                ++at;
                continue;
            }
            absent_.erase(absent_.begin() + static_cast<std::ptrdiff_t>(at));
            if (!inputs_[i].batch.empty()) {
                expect_again(inputs_[i]);
                heap_.push_back(i);
                std::push_heap(heap_.begin(), heap_.end(),
                               [this](std::size_t a, std::size_t b) { return after(a, b); });
            }
        }
        must_wait_ = heap_.empty() && !absent_.empty();
        for (const std::size_t i : absent_) {
            must_wait_ = !is_left_out(inputs_[i], !heap_.empty()) || must_wait_;
        }
        return !must_wait_;
    }

    /// Whether the feed goes on without an input that has no record; else it has to wait, at most for longest_wait_.
    bool is_left_out(Input& input, bool others_have) {
        if (input.is_left_out || input.patience.count() == 0) {
            return input.is_left_out;
        }
        if (!others_have) {
            return false;
        }
        const std::chrono::nanoseconds now = watch_.now();
        input.awaited = input.awaited.value_or(now);
        if (const auto waited = now - *input.awaited; waited < input.patience) {
            longest_wait_ = std::min(longest_wait_, input.patience - waited);
            return false;
        }
        input.is_left_out = true;
        change_status(input, [](StreamStatus& status) { status.is_left_out = true; });
        tell(fmt::format("{}: silent for {} while others have records: the feed goes on without it", input.name,
                         to_string(Duration{input.patience.count()})),
             Notice::loss);
        return true;
    }
    /// It has a record, and is waited for again.
    void expect_again(Input& input) {
        input.awaited.reset();
        if (std::exchange(input.is_left_out, false)) {
            change_status(input, [](StreamStatus& status) { status.is_left_out = false; });
            tell(fmt::format("{}: sends again, and the feed waits for it as before", input.name), Notice::note);
        }
    }

    // ---- what was taken before ---------------------------------------------------------------------------------------------

    /// Hands out again what was taken before, in that order, from whoever has it at hand.
    std::span<const FeedRecord> next_of_taken() {
        while (out_.size() < kBatchRecords && know_next_taken()) {
            if (const std::size_t i = giver_of_taken(); i != kNobody) {
                Input& input = inputs_[i];
                expect_again(input);
                if (!rename(input, input.batch.front(), out_.size())) {
                    return out_;
                }
                if (shares_bars_ && input.has_bars()) {
                    come_to(input.batch.front());
                    show(bar_at_hand(i), out_.size() + 1);
                }
                out_.push_back(input.batch.front());
                input.pass(1);
                add_to_runs(i);
                taken_.reset();
            } else if (!out_.empty() || !seek_giver()) {
                break;  // a position within this batch needs what the inputs had
            }
        }
        return out_;
    }

    /// False when there is none any more, or with error_.
    bool know_next_taken() {
        if (taken_ || !follows_taken_) {
            return taken_.has_value();
        }
        Result<std::optional<TakenRecord>> next = watch_.taken_before();
        if (!next) {
            error_ = next.error();
            return false;
        }
        taken_ = *next;
        if (!taken_) {
            stop_following();
        }
        return taken_.has_value();
    }
    /// From here on the merge decides.
    void stop_following() {
        follows_taken_ = false;
        watch_.taken_before = nullptr;
        has_followed_ = true;
        taken_.reset();
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            inputs_[i].is_new = true;
        }
        must_wait_ = out_.empty();  // for nothing: next() asks the merge
        longest_wait_ = std::chrono::nanoseconds(0);
    }

    bool is_at_hand(const Input& input) const {
        if (input.batch.empty() || input.batch.front().time != taken_->record.time ||
            input.name_of(input.batch.front()) != taken_->instrument) {
            return false;
        }
        MarketInput event = input.batch.front().event;
        instrument_of(event) = std::visit([](const auto& taken) { return taken.instrument; }, taken_->record.event);
        return event == taken_->record.event;
    }
    /// Who has the record at hand: rather one that cannot have been late.
    std::size_t giver_of_taken() const {
        std::size_t giver = kNobody;
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            if (is_at_hand(inputs_[i]) && (giver == kNobody || inputs_[i].patience.count() == 0)) {
                giver = i;
                if (inputs_[i].patience.count() == 0) {
                    break;
                }
            }
        }
        return giver;
    }

    /// Nobody has the record at hand: asks everybody for what comes next. False where that has to be waited for, or with error_.
    bool seek_giver() {
        const RecordKey taken = key_of(kNobody, taken_->record);
        bool is_anything_new = false;
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            Input& input = inputs_[i];
            if (input.batch.empty()) {
                if (!load(i)) {
                    return false;
                }
                is_anything_new = is_anything_new || !input.batch.empty();
            } else if (pass_repeats(i, taken)) {
                is_anything_new = true;
            } else if (key_of(kNobody, input.batch.front()) < taken) {
                // It was late then, too; of an input that has no patience nothing is late.
                if (input.patience.count() != 0) {
                    refuse_late(i, {taken.time, taken.rank, i});
                } else if (!blame(i)) {
                    return false;
                }
                is_anything_new = true;
            }
        }
        if (is_anything_new) {
            return true;
        }
        const bool is_any_at_hand = std::ranges::any_of(inputs_, [](const Input& each) { return !each.batch.empty(); });
        bool is_any_silent = false;
        for (Input& input : inputs_) {
            if (input.is_waiting()) {
                is_any_silent = true;
                must_wait_ = !is_left_out(input, is_any_at_hand) || must_wait_;
            }
        }
        if (must_wait_) {
            return false;
        }
        if (is_any_silent) {  // it was theirs
            hand_out_taken();
            return !error_;
        }
        return blame_for_lack();
    }

    void hand_out_taken() {
        const std::uint32_t symbol = symbol_of(taken_->instrument, out_.size());
        if (symbol == SymbolTable::kUnknown) {
            return;
        }
        out_.push_back(taken_->record);
        instrument_of(out_.back().event).value = symbol;
        add_to_runs(kNobody);
        taken_.reset();
    }

    /// Sends away a sender that has another record than was taken. False where none can follow it: then whoever compares what the
    /// feed gives with what it gave is to see that record.
    bool blame(std::size_t i) {
        const Input& input = inputs_[i];
        const FeedRecord& now = input.batch.front();
        const std::string& name = input.name_of(now);
        const bool is_same_place = now.time == taken_->record.time && name == taken_->instrument;
        const std::string why = fmt::format(
            "{}: the data changed: a record of {} at {} comes where one of {} at {}{} was taken before; send the same "
            "lines from line 1, or begin a new session",
            input.name, in_quotes(name), to_iso(now.time), in_quotes(taken_->instrument), to_iso(taken_->record.time),
            is_same_place ? " with other values" : "");
        if (refuse(i, why)) {
            return true;
        }
        stop_following();
        return false;
    }
    /// Everybody has shown a later record than the one that was taken. Sends away who has another one in its place, else who has named
    /// its instrument, else everybody.
    bool blame_for_lack() {
        const auto has_another = [this](const Input& input) {
            return input.batch.front().time == taken_->record.time &&
                   input.name_of(input.batch.front()) == taken_->instrument;
        };
        const auto knows_name = [this](const Input& input) {
            return std::ranges::find(input.stream->symbols(), taken_->instrument) != input.stream->symbols().end();
        };
        const auto anybody = [](const Input&) { return true; };
        return blame_those(has_another) || blame_those(knows_name) || blame_those(anybody) || (stop_following(), false);
    }
    template <class Suspect>
    bool blame_those(Suspect suspect) {
        bool any = false;
        for (std::size_t i = 0; i < inputs_.size() && follows_taken_; ++i) {
            any = (!inputs_[i].batch.empty() && suspect(inputs_[i]) && blame(i)) || any;
        }
        return any;
    }

    void add_to_runs(std::size_t input) {
        if (runs_.empty() || runs_.back().input != input) {
            runs_.push_back({input, 0});
        }
        runs_.back().end = size_ = out_.size();
    }

    // ---- told -----------------------------------------------------------------------------------------------------------

    template <class Change>
    void change_status(const Input& input, Change change) const {
        if (input.senders != nullptr && watch_.change_status) {
            watch_.change_status(input.senders->number(), change);
        }
    }
    void tell(const std::string& what, Notice kind) const {
        if (watch_.tell) {
            watch_.tell(what, kind);
        }
    }

    /// Takes records of input `i`, which has the earliest, for as long as it has and there is room.
    /// False with error_ or to_refuse_.
    bool drain(std::size_t i) {
        Input& input = inputs_[i];
        do {
            FeedRecord& record = input.batch.front();
            const Time last = out_.empty() ? last_before_.time : out_.back().time;
            if (!is_near(i, input.at, record.time, last) || !rename(input, record, out_.size())) {
                return false;
            }
            const bool may_be_shown = shares_bars_ && input.has_bars();
            if (may_be_shown && is_shown(i)) {
                if (!agrees_with_shown(i)) {
                    return false;
                }
                drops_.push_back({i, out_.size()});
            } else {
                if (may_be_shown) {
                    show(bar_at_hand(i), out_.size() + 1);
                }
                out_.push_back(record);
            }
            input.pass(1);
        } while (!input.batch.empty() && out_.size() < kBatchRecords && (heap_.empty() || !after(i, heap_.front())));
        return true;
    }

    /// Whether record `at` of the last batch of input `i` may follow one at `last`. False with error_ or to_refuse_.
    bool is_near(std::size_t i, std::size_t at, Time time, Time last) {
        const Input& input = inputs_[i];
        if (last == kBeforeAll || time - last <= input.max_gap) [[likely]] {
            return true;
        }
        const BarRow* const bar = input.stream->bar_of(at);
        const std::string place = bar != nullptr ? input.stream->place(bar->line) : input.stream->place_of(at);
        refuse_front(
            i,
            fmt::format("{}: a record at {} comes {} days after the one before it, at {}, which is more than {}",
                        place.empty() ? input.name : place, to_iso(time), (time - last).ns / kDayNs, to_iso(last),
                        to_string(input.max_gap)),
            "mend its time or, if there is such a gap, write a longer max_gap: beside its source");
        return false;
    }
    /// What input `i` has at hand cannot be taken: its sender is sent away once the batch is given out, or the feed ends.
    void refuse_front(std::size_t i, const std::string& why, std::string_view mend) {
        SenderRecords* const senders = inputs_[i].senders;
        if (senders != nullptr && senders->senders().has_next()) {
            to_refuse_ = std::pair(i, why);
        } else {
            error_ = Error{ErrorKind::data, fmt::format("{}; {}", why, mend)};
        }
    }

    // ---- bars that several sources hold

    void come_to(const FeedRecord& bar) {
        const Moment now{bar.time, rank_of(bar.event)};
        if (now != moment_) {
            moment_ = now;
            of_moment_.clear();
        }
    }
    /// Of the record at hand of input `i`, which bears the feed's symbol.
    ShownBar bar_at_hand(std::size_t i) const {
        const Input& input = inputs_[i];
        const BarRow& row = *input.stream->bar_of(input.at);
        const auto symbol_of = [](const auto& event) { return event.instrument.value; };
        return {std::visit(symbol_of, input.batch.front().event), static_cast<std::uint32_t>(i), row.line,
                values_of(row.bar)};
    }
    /// Whether the record at hand of input `i` has left already, from another one.
    bool is_shown(std::size_t i) {
        come_to(inputs_[i].batch.front());
        return of_moment_.contains({bar_at_hand(i).symbol, inputs_[i].interval});
    }
    /// Whether its bar is the one whose record has left. False with error_ or to_refuse_.
    bool agrees_with_shown(std::size_t i) {
        Input& input = inputs_[i];
        const ShownBar bar = bar_at_hand(i);
        const ShownBar& first = shown_[of_moment_.at({bar.symbol, input.interval})].bar;
        const auto found = [&] {
            const Time label = input.stream->bar_of(input.at)->label;
            return fmt::format("{}: the {} bar of {} at {} is at {} already", place_of(bar), to_string(input.interval),
                               in_quotes(symbols_.names()[bar.symbol]),
                               input.interval.ns == kDayNs ? to_iso(TradingHours{}.date_of(label)) : to_iso(label),
                               place_of(first));
        };
        if (first.values != bar.values) {
            const std::string differs =
                fmt::format("{}, with other values ({})", found(), difference(first.values, bar.values));
            refuse_front(i, differs, "remove the wrong one");
            return false;
        }
        if (watch_.warn && input.repeats.insert(first.source).second) {
            watch_.warn({found() + "; bars that both hold are taken once"});
        }
        return true;
    }
    static std::string difference(const BarValues& there, const BarValues& here) {
        const auto text = [](std::string_view name, const auto& a, const auto& b) {
            return fmt::format("{} {} there, {} here", name, to_string(a), to_string(b));
        };
        return there.open != here.open     ? text("open", there.open, here.open)
               : there.high != here.high   ? text("high", there.high, here.high)
               : there.low != here.low     ? text("low", there.low, here.low)
               : there.close != here.close ? text("close", there.close, here.close)
                                           : text("volume", there.volume, here.volume);
    }
    /// Passes over bars at hand that were dropped when they came first, which is known of bars before `taken`: the merge had
    /// waited for them. False where there are none.
    bool pass_repeats(std::size_t i, const RecordKey& taken) {
        Input& input = inputs_[i];
        const bool may_repeat = shares_bars_ && input.has_bars() && input.patience.count() == 0 &&
                                std::ranges::count(inputs_, input.interval, &Input::interval) > 1;
        std::size_t n = 0;
        while (may_repeat && n < input.batch.size() && was_dropped(input, n, taken)) {
            ++n;
        }
        input.pass(n);
        input.consumed_before += n;
        return n != 0;
    }
    /// Of record `n` of those at hand.
    bool was_dropped(const Input& input, std::size_t n, const RecordKey& taken) {
        const FeedRecord& record = input.batch[n];
        if (key_of(kNobody, record) < RecordKey{taken.time, taken.rank, 0}) {
            return true;
        }
        const auto shown = of_moment_.find({symbols_.find(input.name_of(record)), input.interval});
        return Moment{record.time, rank_of(record.event)} == moment_ && shown != of_moment_.end() &&
               shown_[shown->second].bar.values == values_of(input.stream->bar_of(input.at + n)->bar);
    }
    void show(const ShownBar& bar, std::size_t end) {
        of_moment_[{bar.symbol, inputs_[bar.source].interval}] = shown_.size();
        shown_.push_back({bar, moment_, end});
    }
    /// With the next batch, only bars of the present moment are of use.
    void keep_moment() {
        of_moment_.clear();
        for (const Shown& shown : std::exchange(shown_, {})) {
            if (shown.moment == moment_) {
                show(shown.bar, 0);
            }
        }
    }
    std::string place_of(const ShownBar& bar) const { return inputs_[bar.source].stream->place(bar.line); }

    std::vector<Input> inputs_;
    std::vector<Senders*> senders_;  ///< of the streams among them
    const Interrupt* interrupt_;
    FeedWatch watch_;
    std::vector<std::size_t> heap_;  ///< inputs that have records, the earliest in front
    std::vector<std::size_t>
        absent_;  ///< inputs that had none when they were last asked, or whose last one left with the last batch
    bool must_wait_ = false;  ///< for a sender, at most for
    std::chrono::nanoseconds longest_wait_{0};
    std::optional<std::pair<std::size_t, std::string>>
        to_refuse_;  ///< whose sender, and why, once the batch is given out
    bool follows_taken_ = false;
    bool has_followed_ = false;
    std::optional<TakenRecord> taken_;  ///< the next one of those
    std::vector<FeedRecord> out_;
    bool is_only_ = false;        ///< the last batch is only_, else out_
    std::span<FeedRecord> only_;  ///< the last batch of a feed of one input
    std::size_t size_ = 0;        ///< records in the last batch
    std::vector<Run> runs_;       ///< where those came from
    std::vector<Drop> drops_;     ///< what did not leave with those
    bool shares_bars_ = false;    ///< several sources have bars, which may be the same
    std::vector<Shown> shown_;    ///< bars of the batch, and of the moment before it
    Moment moment_;               ///< of the last bar
    std::map<std::pair<std::uint32_t, Duration>, std::size_t> of_moment_;  ///< by symbol and interval, in shown_
    std::vector<std::size_t> named_at_;                                    ///< which of those brought new symbols
    RecordKey last_before_;                                                ///< of the record before them
    SymbolTable symbols_;
    std::optional<Error> error_;
};

// ---- opening ----------------------------------------------------------------------------------------------------------

/// A source opened: records that are in time already, or bars yet to be placed.
struct Opened {
    std::unique_ptr<RecordStream> records;
    std::unique_ptr<BarRows> bars;
    Form form = Form::synth;
};

Result<Opened> open_source(const DataSource& source) {
    Opened opened;
    const auto keep = [&opened](auto part) {
        if constexpr (std::is_convertible_v<decltype(part), std::unique_ptr<BarRows>>) {
            opened.bars = std::move(part);
        } else {
            opened.records = std::move(part);
        }
        return std::move(opened);
    };
    const bool quotes = source.kind == DataKind::quotes;
    if (source.synth) {
        return open_synth(*source.synth).map(keep);
    }
    if (looks_like_data_set(source.file)) {
        auto events = open_set(source);
        if (!events) {
            return tl::unexpected(events.error());
        }
        opened.form = quotes ? Form::set_quotes : Form::set_bars;
        if (quotes) {
            opened.records = std::make_unique<SetQuotes>(std::move(*events));
        } else {
            opened.bars = std::make_unique<SetBars>(std::move(*events));
        }
        return opened;
    }
    opened.form = quotes ? Form::csv_quotes : Form::csv_bars;
    if (quotes) {
        return open_csv_quotes(source).map(keep);
    }
    return open_csv_bars(source).map(keep);
}

SourceIdentity identity_of(const DataSource& source, Form form) {
    if (form == Form::synth) {
        return {form, "synthetic data", {}, {}};
    }
    if (source.is_stream()) {  // whatever way it comes: a sender may move from a pipe to a socket
        return {form, "a stream", source.instrument, source.interval};
    }
    const std::size_t slash = source.file.rfind('/');
    return {form, slash == std::string::npos ? source.file : source.file.substr(slash + 1), source.instrument,
            source.interval};
}

/// Opens a stream for senders. Refuses (kind usage) bars that the scenario does not say enough of.
Result<NamedStream> open_stream(const DataSource& source, std::size_t number, const HoursOf& hours,
                                bool beside_intraday, FeedWatch watch) {
    ALPHA_ASSERT(watch.now != nullptr, "who reads streams hands in a clock");
    watch.taken_before = nullptr;  // the feed's alone, which forgets it at its end
    const bool quotes = source.kind == DataKind::quotes;
    auto senders = Senders::open(source, watch.now);
    if (!senders) {
        return tl::unexpected(senders.error());
    }
    if (auto good = quotes ? Result<void>() : judge_csv_bars(source); !good) {
        return tl::unexpected(good.error());
    }
    const auto text = (*senders)->has_next() ? PlacedBars::Text::one_of_senders : PlacedBars::Text::only_sender;
    const auto interval_watch = std::make_shared<IntervalWatch>(IntervalWatch{Spacing(source.interval), watch.warn});
    const auto records_from = [=](std::unique_ptr<ByteSource> bytes) -> std::unique_ptr<RecordStream> {
        if (quotes) {
            return csv_quotes_from(source, std::move(bytes));
        }
        return std::make_unique<PlacedBars>(csv_bars_from(source, std::move(bytes)), hours, beside_intraday, text,
                                            interval_watch);
    };
    if (!quotes && source.interval.ns == kDayNs) {
        PlacedBars none(csv_bars_from(source, (*senders)->text()), hours, beside_intraday, text);
        if (const std::string why = none.refusal_of_symbols(); !why.empty()) {
            return fail(ErrorKind::data, fmt::format("{}: {}", source.name(), why));
        }
    }
    auto records =
        std::make_unique<SenderRecords>(source.name(), number, std::move(*senders), records_from, std::move(watch));
    SenderRecords* const same = records.get();
    return NamedStream{source.name(),      identity_of(source, quotes ? Form::csv_quotes : Form::csv_bars),
                       std::move(records), same,
                       source.idle,        source.max_gap};
}

/// Looks at a file of bars before it is read for what it holds: the first closes would be wrong already.
Result<void> judge_interval_of(const DataSource& source, Form form, const HoursOf& hours) {
    Result<Opened> again = open_source(source);
    return !again ? Result<void>()
                  : judge_interval(*again->bars, hours,
                                   form == Form::set_bars ? "import the CSV again with --interval " : kMendInterval);
}

Result<std::unique_ptr<MergedFeed>> open_all(const std::vector<DataSource>& sources, const HoursOf& hours,
                                             const FeedWatch& watch) {
    std::vector<Opened> opened;
    bool intraday = false;
    for (const DataSource& source : sources) {
        if (source.is_stream()) {
            intraday = intraday || source.kind == DataKind::quotes || source.interval.ns != kDayNs;
            opened.emplace_back();
            continue;
        }
        auto one = open_source(source);
        if (!one) {
            return tl::unexpected(one.error());
        }
        intraday = intraday || one->bars == nullptr || !one->bars->date_only();
        opened.push_back(std::move(*one));
    }
    std::vector<NamedStream> streams;
    const Interrupt* interrupt = nullptr;
    std::size_t numbered = 0;
    for (std::size_t i = 0; i < opened.size(); ++i) {
        const DataSource& source = sources[i];
        if (source.is_stream()) {
            auto stream = open_stream(source, numbered++, hours, intraday, watch);
            if (!stream) {
                return tl::unexpected(stream.error());
            }
            interrupt = source.interrupt;
            streams.push_back(std::move(*stream));
            continue;
        }
        SourceIdentity identity = identity_of(source, opened[i].form);
        if (opened[i].bars == nullptr) {
            streams.push_back(
                {source.name(), std::move(identity), std::move(opened[i].records), nullptr, {}, source.max_gap});
            continue;
        }
        if (auto good = judge_interval_of(source, opened[i].form, hours); !good) {
            return tl::unexpected(good.error());
        }
        const bool date_only = opened[i].bars->date_only();
        auto placed = std::make_unique<PlacedBars>(std::move(opened[i].bars), hours, intraday);
        if (const std::string why = date_only ? placed->refusal_of_symbols() : std::string(); !why.empty()) {
            return fail(ErrorKind::data, fmt::format("{}: {}", source.name(), why));
        }
        streams.push_back({source.name(), std::move(identity), std::move(placed), nullptr, {}, source.max_gap});
    }
    return std::make_unique<MergedFeed>(std::move(streams), interrupt, watch);
}

}  // namespace

std::string DataSource::name() const {
    return is_stream() ? stream_name(stream) : synth ? "synthetic data" : file;
}

Result<std::unique_ptr<Feed>> open_feed(const std::vector<DataSource>& sources, const HoursOf& hours,
                                        const FeedWatch& watch) {
    return open_all(sources, hours, watch);
}

Result<std::unique_ptr<Feed>> open_feed(const std::vector<DataSource>& sources, const HoursOf& hours, Bytes position,
                                        const FeedWatch& watch) {
    auto feed = open_all(sources, hours, watch);
    if (!feed) {
        return tl::unexpected(feed.error());
    }
    if (auto there = (*feed)->resume(position); !there) {
        return tl::unexpected(there.error());
    }
    return feed;
}

}  // namespace alpha
