#include "adapters/data/feed.hpp"

#include "adapters/data/csv.hpp"
#include "adapters/data/record_stream.hpp"
#include "adapters/data/synth.hpp"
#include "events/assert.hpp"
#include "events/codec.hpp"
#include "events/limits.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fmt/format.h>
#include <optional>
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
        : name_(std::move(name)), reader_(std::move(reader)) {}

    /// Makes rest() non-empty. False at the end.
    Result<bool> more() {
        while (at_ == bytes_.size()) {
            const auto frame = reader_->next();
            if (!frame) {
                return tl::unexpected(frame.error());
            }
            if (*frame == nullptr) {
                return false;
            }
            bytes_ = (*frame)->bytes.view();
            at_ = 0;
        }
        return true;
    }
    Bytes rest() const { return bytes_.subspan(at_); }
    void consume(std::size_t bytes) {
        at_ += bytes;
        ++records_;
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
};

static_assert(std::endian::native == std::endian::little, "canonical bytes are copied as they are");

class SetQuotes final : public RecordStream {
public:
    explicit SetQuotes(SetEvents events)
        : events_(std::move(events)), batch_(kBatchRecords, FeedRecord{Time{}, QuoteTick{}}) {}

    Result<std::span<FeedRecord>> next() override {
        std::size_t n = 0;
        while (n < batch_.size() && !error_) {
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
            if (head != kHead || Time{time} < last_ || time >= kMaxTime.ns || instrument >= symbols ||
                !is_good(quote)) {
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
        std::string why = quote_refusal(quote);
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
    Time last_ = kMinTime;
    std::optional<Error> error_;
};

class SetBars final : public BarRows {
public:
    explicit SetBars(SetEvents events)
        : events_(std::move(events)), order_(events_.info().interval, events_.info().date_only) {}

    Result<std::span<const BarRow>> next() override {
        std::size_t n = 0;
        while (n < batch_.size() && !error_) {
            const auto more = events_.more();
            if (!more) {
                error_ = more.error();
            } else if (!*more) {
                break;
            } else if (take(batch_[n])) {
                ++n;
            }
        }
        if (n == 0 && error_) {
            return tl::unexpected(*error_);
        }
        return std::span<const BarRow>(batch_).first(n);
    }

    Duration interval() const override { return events_.info().interval; }
    bool date_only() const override { return events_.info().date_only; }
    const std::vector<std::string>& symbols() const override { return events_.info().symbols; }
    std::string place(std::uint64_t line) const override { return events_.place(line); }
    FeedProgress progress() const override { return events_.progress(); }

private:
    bool take(BarRow& row) {
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
        if (why.empty() && date_only() && row.label.ns % kDayNs != 0) {
            why = "is not at the midnight of its date";
        }
        if (!why.empty()) {
            error_ = events_.refusal(row.line, why);
            return false;
        }
        return true;
    }

    SetEvents events_;
    BarOrder order_;
    std::vector<BarRow> batch_ = std::vector<BarRow>(kBatchRecords);
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

/// Places bars in time: each becomes its opening, at its label, and its close. A close waits here
/// until no bar that is yet to be read can come before it; at most a few per instrument wait.
class PlacedBars final : public RecordStream {
public:
    /// `beside_intraday`: other sources of the same feed know times of day.
    PlacedBars(std::unique_ptr<BarRows> rows, const HoursOf& hours, bool beside_intraday)
        : rows_(std::move(rows)), hours_(hours), beside_intraday_(beside_intraday) {}

    Result<std::span<FeedRecord>> next() override {
        batch_.clear();
        while (batch_.empty() && !(finished_ && waiting_.empty())) {
            if (!finished_) {
                read();
            }
            release();
        }
        if (batch_.empty() && error_) {
            return tl::unexpected(*error_);
        }
        return std::span(batch_);
    }

    const std::vector<std::string>& symbols() const override { return rows_->symbols(); }
    FeedProgress progress() const override { return rows_->progress(); }

    /// What forbids the instruments known so far, before any bar is read; empty when nothing does.
    std::string refusal_of_symbols() {
        for (std::size_t i = 0; i < symbols().size(); ++i) {
            if (std::string why = hours_refusal(hours_of(i), symbols()[i]); !why.empty()) {
                return why;
            }
        }
        return {};
    }

private:
    struct Waiting {
        FeedRecord record;
        std::uint64_t ordinal = 0;
    };
    /// The order in which waiting records leave: time, close before open, then as in the source.
    static bool later(const Waiting& a, const Waiting& b) {
        if (a.record.time != b.record.time) {
            return a.record.time > b.record.time;
        }
        const bool a_opens = std::holds_alternative<BarOpened>(a.record.event);
        const bool b_opens = std::holds_alternative<BarOpened>(b.record.event);
        return a_opens != b_opens ? a_opens : a.ordinal > b.ordinal;
    }

    void read() {
        const auto rows = rows_->next();
        if (!rows || rows->empty()) {
            finished_ = true;
            safe_until_ = kNever;
            if (!rows) {
                error_ = rows.error();
            }
            return;
        }
        for (const BarRow& row : *rows) {
            const std::string why = place(row);
            if (!why.empty()) {
                error_ = Error{ErrorKind::data, fmt::format("{}: {}", rows_->place(row.line), why)};
                finished_ = true;
                safe_until_ = kNever;
                return;
            }
            // Later rows have the same label or a later one. A date's session may open up to a day
            // before 00:00 UTC.
            safe_until_ = rows_->date_only() ? row.label - Duration{kDayNs} : row.label;
            release();
        }
    }

    std::string place(const BarRow& row) {
        Time opened = row.label;
        Time closed = row.label + rows_->interval();
        if (rows_->date_only()) {
            const std::size_t symbol = row.bar.instrument.value;
            const TradingHours& hours = hours_of(symbol);
            if (std::string why = hours_refusal(hours, symbols()[symbol]); !why.empty()) {
                return why;
            }
            const Date date = TradingHours{}.date_of(row.label);
            opened = hours.open_on(date);
            closed = hours.close_on(date);
        }
        if (!is_good(opened) || !is_good(closed)) {
            return time_refusal(is_good(opened) ? closed : opened);
        }
        push({opened, BarOpened{row.bar.instrument, row.bar.open}});
        push({closed, row.bar});
        ++ordinal_;
        return {};
    }

    void push(FeedRecord record) {
        waiting_.push_back({record, ordinal_});
        std::push_heap(waiting_.begin(), waiting_.end(), later);
    }

    void release() {
        while (!waiting_.empty() && waiting_.front().record.time < safe_until_) {
            std::pop_heap(waiting_.begin(), waiting_.end(), later);
            batch_.push_back(waiting_.back().record);
            waiting_.pop_back();
        }
    }

    const TradingHours& hours_of(std::size_t symbol) {
        while (hours_by_symbol_.size() <= symbol) {
            const std::string& name = symbols()[hours_by_symbol_.size()];
            hours_by_symbol_.push_back(hours_ ? hours_(name) : TradingHours{});
        }
        return hours_by_symbol_[symbol];
    }

    std::string hours_refusal(const TradingHours& hours, const std::string& name) const {
        constexpr std::int32_t kDaySeconds = 86'400;
        if (hours.utc_offset_s < -kDaySeconds || hours.utc_offset_s > kDaySeconds || hours.open_s < 0 ||
            hours.open_s >= hours.close_s || hours.close_s > kDaySeconds) {
            return fmt::format("the session of {} does not open and close within a day; mend its session",
                               in_quotes(name));
        }
        if (beside_intraday_ && hours.whole_day()) {
            return fmt::format("daily bars of {} stand beside data with times of day, but when its day opens and "
                               "closes is not "
                               "known; give it a session, as in instruments: {{{}: {{session: ...}}}}",
                               in_quotes(name), name);
        }
        return {};
    }

    std::unique_ptr<BarRows> rows_;
    HoursOf hours_;
    bool beside_intraday_;
    std::vector<TradingHours> hours_by_symbol_;
    std::vector<Waiting> waiting_;  ///< a heap: what leaves next is in front
    std::vector<FeedRecord> batch_;
    std::uint64_t ordinal_ = 0;
    Time safe_until_ = kBeforeAll;
    bool finished_ = false;
    std::optional<Error> error_;
};

// ---- the merge --------------------------------------------------------------------------------------------------------

InstrumentId& instrument_of(FeedEvent& event) {
    if (auto* const quote = std::get_if<QuoteTick>(&event)) {
        return quote->instrument;
    }
    if (auto* const opened = std::get_if<BarOpened>(&event)) {
        return opened->instrument;
    }
    return std::get<BarClosed>(event).instrument;
}

/// Among records of one time: bar close, quote, bar open.
int rank_of(const FeedEvent& event) {
    constexpr int kClose = 0;
    constexpr int kQuote = 1;
    constexpr int kOpen = 2;
    if (std::holds_alternative<QuoteTick>(event)) {
        return kQuote;
    }
    return std::holds_alternative<BarOpened>(event) ? kOpen : kClose;
}

class MergedFeed final : public Feed {
public:
    explicit MergedFeed(std::vector<std::unique_ptr<RecordStream>> streams) {
        for (auto& stream : streams) {
            inputs_.push_back(Input{std::move(stream), {}, {}});
        }
    }

    Result<std::span<const FeedRecord>> next() override {
        if (error_) {
            return tl::unexpected(*error_);
        }
        const std::span<const FeedRecord> records = inputs_.size() == 1 ? next_of_only() : next_of_many();
        if (records.empty() && error_) {
            return tl::unexpected(*error_);
        }
        return records;
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

private:
    struct Input {
        std::unique_ptr<RecordStream> stream;
        std::span<FeedRecord> batch;             ///< what is left of the last one; empty only at the end
        std::vector<std::uint32_t> feed_symbol;  ///< by the stream's own symbol
    };

    /// Gives the record the feed's symbol. Names are numbered when a record of theirs leaves the
    /// feed, so their order is that of the merged records, whatever a source has read ahead. False
    /// with error_ when there are too many.
    bool rename(Input& input, FeedRecord& record) {
        InstrumentId& instrument = instrument_of(record.event);
        if (instrument.value >= input.feed_symbol.size()) [[unlikely]] {
            input.feed_symbol.resize(input.stream->symbols().size(), SymbolTable::kUnknown);
        }
        std::uint32_t& symbol = input.feed_symbol[instrument.value];
        if (symbol == SymbolTable::kUnknown) [[unlikely]] {
            const std::string& name = input.stream->symbols()[instrument.value];
            symbol = symbols_.find(name);
            if (symbol == SymbolTable::kUnknown && symbols_.names().size() == limits::kMaxInstruments) {
                error_ =
                    Error{ErrorKind::data, fmt::format("the data hold more than {} instruments at {}; leave files out",
                                                       limits::kMaxInstruments, in_quotes(name))};
                return false;
            }
            if (symbol == SymbolTable::kUnknown) {
                symbol = symbols_.add(name);
            }
        }
        instrument.value = symbol;
        return true;
    }

    std::span<const FeedRecord> next_of_only() {
        Input& input = inputs_.front();
        auto batch = input.stream->next();
        if (!batch) {
            error_ = batch.error();
            return {};
        }
        for (std::size_t i = 0; i < batch->size(); ++i) {
            if (!rename(input, (*batch)[i])) {
                return batch->first(i);
            }
        }
        return *batch;
    }

    /// Brings in the input's next batch. False with error_ when it fails.
    bool load(Input& input) {
        auto batch = input.stream->next();
        if (!batch) {
            error_ = batch.error();
            return false;
        }
        input.batch = *batch;
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
        const auto order = [this](std::size_t a, std::size_t b) { return after(a, b); };
        out_.clear();
        if (!started_) {
            started_ = true;
            for (std::size_t i = 0; i < inputs_.size(); ++i) {
                if (!load(inputs_[i])) {
                    return {};
                }
                if (!inputs_[i].batch.empty()) {
                    heap_.push_back(i);
                }
            }
            std::make_heap(heap_.begin(), heap_.end(), order);
        }
        while (out_.size() < kBatchRecords && !heap_.empty()) {
            std::pop_heap(heap_.begin(), heap_.end(), order);
            const std::size_t first = heap_.back();
            heap_.pop_back();
            if (!drain(first)) {
                return out_;
            }
            if (!inputs_[first].batch.empty()) {
                heap_.push_back(first);
                std::push_heap(heap_.begin(), heap_.end(), order);
            }
        }
        return out_;
    }

    /// Takes records of input `i`, which has the earliest, for as long as it has and there is room.
    /// False with error_.
    bool drain(std::size_t i) {
        Input& input = inputs_[i];
        do {
            FeedRecord& record = input.batch.front();
            if (!rename(input, record)) {
                return false;
            }
            out_.push_back(record);
            input.batch = input.batch.subspan(1);
            if (input.batch.empty() && !load(input)) {
                return false;
            }
        } while (!input.batch.empty() && out_.size() < kBatchRecords && (heap_.empty() || !after(i, heap_.front())));
        return true;
    }

    std::vector<Input> inputs_;
    std::vector<std::size_t> heap_;  ///< inputs that have records, the earliest in front
    std::vector<FeedRecord> out_;
    SymbolTable symbols_;
    bool started_ = false;
    std::optional<Error> error_;
};

// ---- opening ----------------------------------------------------------------------------------------------------------

/// A source opened: records that are in time already, or bars yet to be placed.
struct Opened {
    std::unique_ptr<RecordStream> records;
    std::unique_ptr<BarRows> bars;
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
    if (source.synth) {
        return open_synth(*source.synth).map(keep);
    }
    if (looks_like_data_set(source.file)) {
        auto events = open_set(source);
        if (!events) {
            return tl::unexpected(events.error());
        }
        if (source.kind == DataKind::quotes) {
            opened.records = std::make_unique<SetQuotes>(std::move(*events));
        } else {
            opened.bars = std::make_unique<SetBars>(std::move(*events));
        }
        return opened;
    }
    if (source.kind == DataKind::quotes) {
        return open_csv_quotes(source).map(keep);
    }
    return open_csv_bars(source).map(keep);
}

}  // namespace

Result<std::unique_ptr<Feed>> open_feed(const std::vector<DataSource>& sources, const HoursOf& hours) {
    std::vector<Opened> opened;
    bool intraday = false;
    for (const DataSource& source : sources) {
        auto one = open_source(source);
        if (!one) {
            return tl::unexpected(one.error());
        }
        intraday = intraday || one->bars == nullptr || !one->bars->date_only();
        opened.push_back(std::move(*one));
    }
    std::vector<std::unique_ptr<RecordStream>> streams;
    for (std::size_t i = 0; i < opened.size(); ++i) {
        if (opened[i].bars == nullptr) {
            streams.push_back(std::move(opened[i].records));
            continue;
        }
        const bool date_only = opened[i].bars->date_only();
        auto placed = std::make_unique<PlacedBars>(std::move(opened[i].bars), hours, intraday);
        if (const std::string why = date_only ? placed->refusal_of_symbols() : std::string(); !why.empty()) {
            return fail(ErrorKind::data, fmt::format("{}: {}", sources[i].file, why));
        }
        streams.push_back(std::move(placed));
    }
    return std::make_unique<MergedFeed>(std::move(streams));
}

}  // namespace alpha
