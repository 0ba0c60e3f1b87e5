#include "adapters/data/set_source.hpp"

#include "events/assert.hpp"
#include "events/codec.hpp"
#include "events/limits.hpp"
#include "store/data_set.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <optional>
#include <utility>

namespace alpha {

namespace {

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

    /// Fills a batch, `size` records so far: as many as `plain` takes of the usual layout, else one by `carefully`, which says in `error`
    /// what is wrong. It ends with its frame, so that one frame is enough to say where any of its records is.
    template <class Record, class Plain, class Carefully>
    void fill(std::vector<Record>& batch, std::size_t& size, std::optional<Error>& error, Plain plain,
              Carefully carefully) {
        while (size < batch.size() && !error && (size == 0 || !rest().empty())) {
            const auto any = more();
            if (!any) {
                error = any.error();
            } else if (!*any) {
                break;
            } else {
                size += plain(std::span(batch).subspan(size));
                if (size < batch.size() && !rest().empty()) {
                    size += carefully(batch[size]) ? 1U : 0U;
                }
            }
        }
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
        events_.fill(
            batch_, size_, error_, [&](auto into) { return take_plain(into); },
            [&](auto& into) { return take_carefully(into); });
        if (size_ == 0 && error_) {
            return tl::unexpected(*error_);
        }
        return std::span(batch_).first(size_);
    }

    const std::vector<std::string>& symbols() const override { return events_.info().symbols; }
    FeedProgress progress() const override { return events_.progress(); }

    std::string place_of(std::size_t i) const override { return events_.place(begin_ + i + 1); }
    SourcePlace place_after(std::size_t n) const override {
        SourcePlace place;
        place.from = events_.place_of(begin_ + n, n == 0 ? last_before_ : batch_[n - 1].time);
        place.content_hash = events_.info().content_hash;
        return place;
    }
    Result<void> resume(const SourcePlace& place) override {
        begin_ = place.from.row + place.from.within;
        if (place.content_hash != events_.info().content_hash) {
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
        events_.fill(
            batch_, size_, error_, [&](auto into) { return take_plain(into); },
            [&](auto& into) { return take_carefully(into); });
        if (size_ == 0 && error_) {
            return tl::unexpected(*error_);
        }
        return std::span<const BarRow>(batch_).first(size_);
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

}  // namespace

Result<std::unique_ptr<RecordStream>> open_set_quotes(const DataSource& source) {
    Result<SetEvents> events = open_set(source);
    if (!events) {
        return tl::make_unexpected(events.error());
    }
    return std::make_unique<SetQuotes>(std::move(*events));
}

Result<std::unique_ptr<BarRows>> open_set_bars(const DataSource& source) {
    Result<SetEvents> events = open_set(source);
    if (!events) {
        return tl::make_unexpected(events.error());
    }
    return std::make_unique<SetBars>(std::move(*events));
}

}  // namespace alpha
