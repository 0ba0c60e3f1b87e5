#include "adapters/data/csv.hpp"

#include "adapters/data/byte_source.hpp"
#include "adapters/data/foreign.hpp"
#include "adapters/data/interval_guess.hpp"
#include "adapters/data/text_hash.hpp"
#include "events/assert.hpp"
#include "events/limits.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <functional>
#include <map>
#include <optional>
#include <utility>

namespace alpha {

namespace {

constexpr std::size_t kBufferBytes = 256U << 10U;
constexpr std::size_t kMaxLineBytes = 64U << 10U;

// ---- lines ------------------------------------------------------------------------------------------------------------

/// Cuts a byte source into lines, without their ends. Blank lines may only stand at the end of a
/// file. Lines are read in batches, whose text stays in the buffer, so that it can be hashed up to any line.
class LineReader {
public:
    LineReader(std::string name, std::unique_ptr<ByteSource> bytes, bool of_sender)
        : name_(std::move(name)), bytes_(std::move(bytes)), of_sender_(of_sender) {}

    /// Begins a batch behind the first `lines` lines of the last one; those behind them, if any, were bad.
    void begin_batch(std::size_t lines) {
        const std::size_t bytes = lines == 0 ? 0 : ends_[lines - 1];
        hash_.update({buffer_.data() + mark_, bytes});
        mark_ += bytes;
        offset_ += bytes;
        ends_.clear();
    }
    /// In the text, where the batch began.
    std::uint64_t batch_offset() const { return offset_; }
    /// Where the first `lines` lines of the batch end.
    std::uint64_t offset_after(std::size_t lines) const { return offset_ + (lines == 0 ? 0 : ends_[lines - 1]); }
    /// Of the text up to there.
    Digest witness_after(std::size_t lines) const {
        TextHash hash = hash_;
        hash.update({buffer_.data() + mark_, static_cast<std::size_t>(offset_after(lines) - offset_)});
        return hash.digest();
    }

    /// Goes to `offset`, in front of which `lines` lines end, reading but not cutting what is before it. False where a sender
    /// has not sent so much yet, or has left before: to be called again.
    Result<bool> go_to(std::uint64_t offset, std::uint64_t lines) {
        is_waiting_ = false;
        if (offset < offset_) {
            return tl::unexpected(changed(lines));
        }
        while (offset_ < offset) {
            if (mark_ == end_) {
                if (!bytes_->is_ready()) {
                    is_waiting_ = true;
                    return false;
                }
                const auto got = bytes_->read(buffer_);
                if (!got) {
                    return tl::unexpected(got.error());
                }
                if (*got == 0) {
                    return of_sender_ ? Result<bool>(false) : tl::unexpected(ends_before(lines));
                }
                mark_ = 0;
                end_ = *got;
            }
            const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(end_ - mark_, offset - offset_));
            hash_.update({buffer_.data() + mark_, step});
            mark_ += step;
            offset_ += step;
        }
        begin_ = mark_;
        number_ = lines;
        return true;
    }
    /// That the first `lines` lines are not what they were.
    Error changed(std::uint64_t lines) const {
        return of_sender_ ? Error{ErrorKind::data,
                                  fmt::format(
                                      "{}: the data changed: a sender that connected again did not send again what was "
                                      "taken before line {}; send the same lines from line 1, or begin a new session",
                                      name_, lines + 1)}
                          : changed_before(name_, fmt::format("line {}", origin(lines + 1).line));
    }

    /// Whether a sender's first line can be the one that was taken first, where lines up to `last` were taken: one that is later begins
    /// in the middle. `time_of` reads a line's time; where it cannot, that shows in the end. False where it has not sent so much yet.
    template <class TimeOf>
    Result<bool> begins_as_before(Time last, TimeOf time_of) {
        if (is_begun_ || !of_sender_) {
            return true;
        }
        if (!has_arrived()) {
            return false;
        }
        is_begun_ = true;
        const char* const from = buffer_.data() + begin_;
        const void* const found = std::memchr(from, '\n', end_ - begin_);
        if (found == nullptr) {
            return true;
        }
        const std::optional<Time> first =
            time_of(std::string_view(from, static_cast<std::size_t>(static_cast<const char*>(found) - from)));
        if (!first || *first <= last) {
            return true;
        }
        return tl::unexpected(
            refusal(number_ + 1, fmt::format("begins at {}, but lines up to {} were taken before; send "
                                             "the same lines from line 1, or begin a new session",
                                             to_iso(*first), to_iso(last))));
    }

    /// Whether next() has a line to give, or a failure; brings in what a sender has sent. Of a file it always has, be it the end.
    bool has_arrived() {
        is_waiting_ = false;
        while (std::memchr(buffer_.data() + begin_, '\n', end_ - begin_) == nullptr && end_ - begin_ <= kMaxLineBytes) {
            if (ended_ || !refill()) {
                return !of_sender_ || failure_;
            }
        }
        return true;
    }
    /// Whether the last call came to nothing because a sender has not sent more yet.
    bool is_waiting() const { return is_waiting_; }
    bool is_of_sender() const { return of_sender_; }
    /// Whether the last line of a file was taken although its end is not there.
    bool lacks_end() const { return lacks_end_; }

    /// False at the end, on a failure, and when more of the file is needed but the batch has lines already. The line is
    /// valid until the next call.
    bool next(std::string_view& line) {
        while (next_raw(line)) {
            ++number_;
            if (!line.empty() && line.back() == '\r') {
                line.remove_suffix(1);
            }
            if (line.empty()) [[unlikely]] {
                if (first_blank_ == 0) {
                    first_blank_ = number_;
                }
                continue;
            }
            if (first_blank_ != 0) [[unlikely]] {
                failure_ = refusal(first_blank_, "is blank, but more lines follow; remove it");
                return false;
            }
            ends_.push_back(begin_ - mark_);
            return true;
        }
        return false;
    }

    /// Of the line last given, beginning with 1.
    std::uint64_t number() const { return number_; }
    const std::optional<Error>& failure() const { return failure_; }
    FeedProgress progress() const { return {bytes_->consumed(), bytes_->file_bytes()}; }
    std::string place(std::uint64_t line) const {
        const ErrorPlace at = origin(line);
        return fmt::format("{}:{}", at.file, at.line);
    }
    Error refusal(std::uint64_t line, std::string_view what) const {
        const ErrorPlace at = origin(line);
        return {ErrorKind::data, fmt::format("{}:{}: {}", at.file, at.line, what), ErrorCode::bad_record, at};
    }
    Error refusal(std::string_view what) const { return refusal(number_, what); }

private:
    bool next_raw(std::string_view& line) {
        const char* const from = buffer_.data() + begin_;
        const void* const found = std::memchr(from, '\n', end_ - begin_);
        if (found == nullptr) [[unlikely]] {
            return next_after_refill(line);
        }
        return take(line, static_cast<std::size_t>(static_cast<const char*>(found) - from), 1);
    }

    bool take(std::string_view& line, std::size_t bytes, std::size_t ending) {
        line = {buffer_.data() + begin_, bytes};
        begin_ += bytes + ending;
        if (bytes > kMaxLineBytes) [[unlikely]] {
            failure_ = refusal(number_ + 1,
                               fmt::format("the line is longer than {} bytes; is this a CSV file?", kMaxLineBytes));
            return false;
        }
        return true;
    }

    /// Brings in blocks until a line is whole, or the rest of the file is the last one.
    [[gnu::noinline]] bool next_after_refill(std::string_view& line) {
        is_waiting_ = false;
        while (!failure_ && ends_.empty()) {
            const std::size_t rest = end_ - begin_;
            if (rest > kMaxLineBytes || (ended_ && !of_sender_)) {
                lacks_end_ = lacks_end_ || rest != 0;
                return rest != 0 && take(line, rest, 0);
            }
            if (ended_ || !refill()) {
                return false;
            }
            const char* const from = buffer_.data() + rest;
            const void* const found = std::memchr(from, '\n', end_ - rest);
            if (found != nullptr) {
                return take(line, static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data()), 1);
            }
        }
        return false;
    }

    /// Brings in the next block. False on a failure, and where nothing has arrived. At most blank lines stand between the batch's
    /// beginning and the present line, and nothing good follows those.
    bool refill() {
        if (!bytes_->is_ready()) {
            is_waiting_ = true;
            return false;
        }
        const std::size_t rest = end_ - begin_;
        std::memmove(buffer_.data(), buffer_.data() + begin_, rest);
        begin_ = 0;
        mark_ = 0;
        end_ = rest;
        const auto got = bytes_->read(std::span(buffer_).subspan(end_));
        if (!got) {
            failure_ = got.error();
            return false;
        }
        ended_ = *got == 0;
        end_ += *got;
        return true;
    }

    /// The line as a person finds it, who may have another file before his eyes than is read here.
    ErrorPlace origin(std::uint64_t line) const {
        ErrorPlace at = bytes_->origin(line);
        return at.file.empty() ? ErrorPlace{name_, line, 0} : at;
    }

    Error ends_before(std::uint64_t lines) const {
        return {ErrorKind::data, fmt::format("{}: the data changed: the file ends before line {}, up to "
                                             "which it was read before; restore the file, or begin a new "
                                             "session",
                                             name_, lines + 1)};
    }

    std::string name_;
    std::unique_ptr<ByteSource> bytes_;
    std::vector<char> buffer_ = std::vector<char>(kBufferBytes);
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::size_t mark_ = 0;           ///< where the batch begins
    std::uint64_t offset_ = 0;       ///< the same, in the text
    TextHash hash_;                  ///< of the text before it
    std::vector<std::size_t> ends_;  ///< of the batch's lines, from its beginning
    std::uint64_t number_ = 0;
    std::uint64_t first_blank_ = 0;
    bool ended_ = false;
    bool of_sender_;
    bool is_waiting_ = false;
    bool lacks_end_ = false;
    bool is_begun_ = false;  ///< a sender's first line was looked at
    std::optional<Error> failure_;
};

// ---- fields -----------------------------------------------------------------------------------------------------------

/// The fields of one line. Quoted fields as in RFC 4180, without line breaks inside.
class Fields {
public:
    /// False when a quoted field does not end, or goes on behind its closing quotation mark.
    bool split(std::string_view line) {
        fields_.clear();
        if (std::memchr(line.data(), '"', line.size()) != nullptr) [[unlikely]] {
            return split_quoted(line);
        }
        std::size_t from = 0;
        for (std::size_t comma = line.find(','); comma != std::string_view::npos; comma = line.find(',', from)) {
            fields_.push_back(line.substr(from, comma - from));
            from = comma + 1;
        }
        fields_.push_back(line.substr(from));
        return true;
    }
    std::size_t size() const { return fields_.size(); }
    std::string_view operator[](std::size_t i) const { return fields_[i]; }

private:
    bool split_quoted(std::string_view line) {
        unquoted_.clear();
        unquoted_.reserve(line.size());  // no field grows by unquoting, so views into it stay valid
        std::size_t at = 0;
        while (true) {
            if (at < line.size() && line[at] == '"') {
                const std::size_t from = unquoted_.size();
                ++at;
                while (at < line.size() && (line[at] != '"' || (at + 1 < line.size() && line[at + 1] == '"'))) {
                    unquoted_ += line[at];
                    at += line[at] == '"' ? 2U : 1U;
                }
                if (at == line.size()) {
                    return false;
                }
                ++at;
                fields_.push_back(std::string_view(unquoted_).substr(from));
            } else {
                const std::size_t comma = std::min(line.find(',', at), line.size());
                fields_.push_back(line.substr(at, comma - at));
                at = comma;
            }
            if (at == line.size()) {
                return true;
            }
            if (line[at] != ',') {
                return false;
            }
            ++at;
        }
    }

    std::vector<std::string_view> fields_;
    std::string unquoted_;
};

constexpr std::string_view kBadQuotes = "a quotation mark is not closed, or text follows a closing "
                                        "one; write a \" inside a quoted field as \"\"";

/// Whole nanoseconds at `p`, which moves to the comma or the end behind them. False for anything
/// unusual.
bool read_ns(const char*& p, const char* end, std::int64_t& ns) {
    constexpr std::ptrdiff_t kMostDigits = 19;  // below 2^64
    const char* const first = p;
    std::uint64_t value = 0;
    while (p != end && static_cast<unsigned char>(*p - '0') <= 9) {
        value = value * 10 + static_cast<unsigned char>(*p - '0');
        ++p;
    }
    if (p == first || p - first > kMostDigits || value >= static_cast<std::uint64_t>(kMaxTime.ns)) {
        return false;
    }
    ns = static_cast<std::int64_t>(value);
    return p == end || *p == ',';
}

/// A plain decimal at `p` as a raw 1e-8 value; `p` moves to the comma or the end behind it. False
/// for anything unusual: a sign, more than ten digits in front of the point, more than eight behind
/// it. parse_price and parse_qty judge those.
bool read_fixed(const char*& p, const char* end, std::int64_t& raw) {
    constexpr std::array<std::uint64_t, kScaleDigits + 1> kPowers{1,       10,        100,        1'000,      10'000,
                                                                  100'000, 1'000'000, 10'000'000, 100'000'000};
    constexpr std::ptrdiff_t kMostWholeDigits = 10;
    const char* const first = p;
    std::uint64_t value = 0;
    while (p != end && static_cast<unsigned char>(*p - '0') <= 9) {
        value = value * 10 + static_cast<unsigned char>(*p - '0');
        ++p;
    }
    if (p == first || p - first > kMostWholeDigits) {
        return false;
    }
    std::size_t decimals = 0;
    if (p != end && *p == '.') {
        const char* const point = p++;
        while (p != end && static_cast<unsigned char>(*p - '0') <= 9) {
            value = value * 10 + static_cast<unsigned char>(*p - '0');
            ++p;
        }
        decimals = static_cast<std::size_t>(p - point) - 1;
        if (decimals == 0 || decimals > kScaleDigits) {
            return false;
        }
    }
    raw = static_cast<std::int64_t>(value * kPowers[kScaleDigits - decimals]);
    return p == end || *p == ',';
}

// ---- headers ----------------------------------------------------------------------------------------------------------

/// Insertions, deletions and replacements that make `a` out of `b`.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        row[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row[b.size()];
}

/// The one of `names` that `word` was probably meant to be, else empty.
std::string_view closest(std::string_view word, const std::vector<std::string_view>& names) {
    constexpr std::size_t kSlips = 2;
    std::string_view best;
    std::size_t fewest = kSlips + 1;
    for (const std::string_view name : names) {
        const std::size_t distance = word.size() <= limits::kMaxNameBytes ? edit_distance(word, name) : fewest;
        if (distance < fewest && distance * 2 < name.size()) {
            fewest = distance;
            best = name;
        }
    }
    return best;
}

/// What a first line that holds no text may be instead of CSV; empty when it may be text.
std::string_view not_text(std::string_view line) {
    struct Kind {
        std::string_view begins;
        std::string_view text;
    };
    static constexpr std::array<Kind, 6> kKinds{{
        {"PK\x03\x04", "is a zip or Excel file; save the sheet as CSV, or unpack it"},
        {"PAR1", "is a Parquet file; export it as CSV"},
        {"\xFD"
         "7zXZ",
         "is compressed with xz; unpack it, or use gzip or zstd"},
        {"BZh", "is compressed with bzip2; unpack it, or use gzip or zstd"},
        {"\xFF\xFE", "is UTF-16 text; save it as UTF-8"},
        {"\xFE\xFF", "is UTF-16 text; save it as UTF-8"},
    }};
    for (const Kind& kind : kKinds) {
        if (line.substr(0, kind.begins.size()) == kind.begins) {
            return kind.text;
        }
    }
    for (const char c : line) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte < 0x20 && c != '\t') || byte == 0x7F) {
            return "looks binary; a CSV file is text that begins with a header";
        }
    }
    return {};
}

struct ColumnName {
    std::string_view name;
    bool required = true;
};

constexpr std::size_t kAbsent = static_cast<std::size_t>(-1);

constexpr std::array<ColumnName, 6> kQuoteColumns{
    {{"ts_ns"}, {"instrument"}, {"bid"}, {"bid_qty"}, {"ask"}, {"ask_qty"}}};
/// Of all ticks, then those of quotes.
enum TickColumn : std::uint8_t { kTsNs, kInstrument };
enum QuoteColumn : std::uint8_t { kBid = kInstrument + 1, kBidQty, kAsk, kAskQty };

constexpr std::array<ColumnName, 7> kTradeColumns{{{"ts_ns"},
                                                   {"instrument"},
                                                   {"price"},
                                                   {"quantity"},
                                                   {"volume", false},
                                                   {"open_interest", false},
                                                   {"exchange_ns", false}}};
enum TradeColumn : std::uint8_t { kPrice = kInstrument + 1, kQuantity, kDayVolume, kOpenInterest, kExchangeNs };

constexpr std::array<ColumnName, 8> kBarColumns{{{"date", false},
                                                 {"timestamp", false},
                                                 {"open"},
                                                 {"high"},
                                                 {"low"},
                                                 {"close"},
                                                 {"volume", false},
                                                 {"instrument", false}}};
enum BarColumn : std::uint8_t { kDate, kTimestamp, kOpen, kHigh, kLow, kClose, kVolume, kBarInstrument };

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return out;
}

/// A header as read: for each known column, the field that holds it, or kAbsent.
struct Header {
    std::vector<std::size_t> field_of;
    std::size_t fields = 0;
};

/// The columns of one kind of file.
struct Form {
    std::span<const ColumnName> columns;
    std::string_view example;
    std::string_view name;
    bool others;  ///< whether columns of other names may stand beside these
};

constexpr Form kQuoteForm{kQuoteColumns, kQuoteHeader, "quotes", false};
constexpr Form kTradeForm{kTradeColumns, kTradeHeader, "trades", false};
constexpr Form kBarForm{kBarColumns, "date,open,high,low,close,volume", "bars", true};
constexpr std::array kForms{&kQuoteForm, &kTradeForm, &kBarForm};

const ColumnName* find_column(const Form& form, std::string_view name) {
    for (const ColumnName& column : form.columns) {
        if (column.name == name) {
            return &column;
        }
    }
    return nullptr;
}

/// Whether the names are the header of such a file, or nearly.
bool resembles(const Form& form, const Fields& fields) {
    std::size_t known = 0;
    for (std::size_t f = 0; f < fields.size(); ++f) {
        known += find_column(form, lower(fields[f])) != nullptr ? 1U : 0U;
    }
    constexpr std::size_t kNearly = 4;
    return known >= kNearly;
}

/// Reads the first line of a file of this form.
Result<Header> read_header(LineReader& lines, const Form& form) {
    const std::span<const ColumnName> known = form.columns;
    const std::string_view example = form.example;
    const auto refuse = [&](std::string_view what) { return tl::unexpected(lines.refusal(1, what)); };
    std::string_view line;
    if (!lines.next(line)) {
        if (lines.failure()) {
            const bool text = line.empty() || not_text(line).empty();
            return text ? tl::unexpected(*lines.failure()) : refuse(not_text(line));
        }
        if (lines.is_waiting()) {
            return refuse(fmt::format("is blank; the first line should be {}", example));
        }
        return refuse(fmt::format("the file is empty; it should begin with the header {}", example));
    }
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (line.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
        line.remove_prefix(kByteOrderMark.size());
    }
    if (const std::string_view instead = not_text(line); !instead.empty()) {
        return refuse(instead);
    }
    Fields fields;
    if (!fields.split(line)) {
        return refuse(kBadQuotes);
    }
    Header header{std::vector<std::size_t>(known.size(), kAbsent), fields.size()};
    std::vector<std::string> unknown;
    for (std::size_t f = 0; f < fields.size(); ++f) {
        const std::string name = lower(fields[f]);
        const ColumnName* const at = find_column(form, name);
        if (at == nullptr) {
            unknown.push_back(name);
            continue;
        }
        std::size_t& field = header.field_of[static_cast<std::size_t>(at - known.data())];
        if (field != kAbsent) {
            return refuse(fmt::format("column {} is there twice; remove one of the two", name));
        }
        field = f;
    }
    for (const Form* const other : kForms) {
        if (!resembles(form, fields) && resembles(*other, fields)) {
            return refuse(fmt::format("is the header of {}, not of {}; write kind: {} (--kind {} on the command line)",
                                      other->name, form.name, other->name, other->name));
        }
    }
    if (unknown.size() == fields.size()) {
        const bool semicolons = line.find(',') == std::string_view::npos && line.find(';') != std::string_view::npos;
        return refuse(semicolons ? fmt::format("is separated by semicolons; write commas: {}", example)
                                 : fmt::format("is not a header; the first line should be {}", example));
    }
    std::vector<std::string_view> absent;
    std::vector<std::string_view> missing;
    for (std::size_t c = 0; c < known.size(); ++c) {
        if (header.field_of[c] == kAbsent) {
            absent.push_back(known[c].name);
            if (known[c].required) {
                missing.push_back(known[c].name);
            }
        }
    }
    for (const std::string& name : unknown) {
        // A slip of the hand must not turn a column that may be absent into one that is ignored.
        const std::string_view meant = closest(name, absent);
        if (!meant.empty()) {
            return refuse(fmt::format("column {} is unknown; did you mean {}? The header should be {}", in_quotes(name),
                                      meant, example));
        }
        if (!form.others) {
            return refuse(
                fmt::format("column {} is unknown; remove it: the header should be {}", in_quotes(name), example));
        }
    }
    if (!missing.empty()) {
        return refuse(fmt::format("the header lacks {}; it should be {}", fmt::join(missing, ", "), example));
    }
    return header;
}

std::string wrong_field_count(std::size_t found, std::size_t expected) {
    return fmt::format("has {} field{} where the header has {}; {}", found, found == 1 ? "" : "s", expected,
                       found < expected ? "is the line cut short?" : "write numbers without thousands separators");
}

/// What parse_price, parse_date or parse_timestamp found wrong with `text`, its quotation made fit
/// for a terminal.
std::string reason(std::string_view text, const Error& error) {
    return in_quotes(text) + ' ' + (error.why == nullptr ? "cannot be read" : error.why);
}

/// The instruments of one file, each judged once, when its name first appears.
class FileSymbols {
public:
    /// `only`: the scenario's name for the file's one instrument, or empty.
    explicit FileSymbols(std::string only) : only_(std::move(only)) {}

    /// The index of a name seen before, else SymbolTable::kUnknown.
    std::uint32_t find(std::string_view name) { return table_.find(name); }
    /// The name's index; a text says what forbids it.
    tl::expected<std::uint32_t, std::string> admit(std::string_view name) {
        const std::uint32_t known = table_.find(name);
        if (known != SymbolTable::kUnknown) {
            return known;
        }
        if (std::string why = name_refusal(name); !why.empty()) {
            return tl::unexpected(std::move(why));
        }
        if (!only_.empty() && name != only_) {
            return tl::unexpected(
                fmt::format("instrument {} is not {}, which the scenario gives for this file; leave it "
                            "out there to take every instrument of the file",
                            in_quotes(name), in_quotes(only_)));
        }
        if (table_.names().size() == limits::kMaxInstruments) {
            return tl::unexpected(
                fmt::format("holds more than {} instruments; check the columns", limits::kMaxInstruments));
        }
        return table_.add(name);
    }
    const std::vector<std::string>& names() const { return table_.names(); }

private:
    std::string only_;
    SymbolTable table_;
};

// ---- quotes and trades ------------------------------------------------------------------------------------------------

enum class FieldKind : std::uint8_t { decimal, volume, time };

/// What the columns behind time and instrument are of a quote, and of a trade.
struct QuoteFields {
    using Event = QuoteTick;
    static constexpr const Form& kForm = kQuoteForm;
    static constexpr FieldKind kind_of(std::size_t /*column*/) { return FieldKind::decimal; }
    static std::int64_t& raw_of(QuoteTick& quote, std::size_t column) {
        switch (column) {
        case kBid: return quote.bid.raw;
        case kBidQty: return quote.bid_qty.raw;
        case kAsk: return quote.ask.raw;
        default: return quote.ask_qty.raw;
        }
    }
    static std::string refusal(const QuoteTick& quote) { return quote_refusal(quote); }
};
struct TradeFields {
    using Event = TradeTick;
    static constexpr const Form& kForm = kTradeForm;
    static constexpr FieldKind kind_of(std::size_t column) {
        return column == kExchangeNs                             ? FieldKind::time
               : column == kDayVolume || column == kOpenInterest ? FieldKind::volume
                                                                 : FieldKind::decimal;
    }
    static std::int64_t& raw_of(TradeTick& trade, std::size_t column) {
        switch (column) {
        case kPrice: return trade.price.raw;
        case kQuantity: return trade.quantity.raw;
        case kDayVolume: return trade.volume.raw;
        case kOpenInterest: return trade.open_interest.raw;
        default: return trade.exchange_time.ns;
        }
    }
    static std::string refusal(const TradeTick& trade) { return trade_refusal(trade); }
};

template <class Of>
class CsvTicks final : public RecordStream {
public:
    using Event = Of::Event;

    CsvTicks(LineReader lines, std::string only)
        : lines_(std::move(lines)), symbols_(std::move(only)), batch_(kBatchRecords, FeedRecord{Time{}, Event{}}) {}

    /// Reads the header and comes to where it was to go on. False where a sender has not sent so much yet, or has left before.
    Result<bool> come_there() {
        if (!has_header_) {
            if (!lines_.has_arrived()) {
                return false;
            }
            const auto header = read_header(lines_, Of::kForm);
            if (!header) {
                return tl::unexpected(header.error());
            }
            fields_there_ = header->fields;
            for (std::size_t c = 0; c < kColumns; ++c) {
                if (header->field_of[c] != kAbsent) {
                    column_of_[header->field_of[c]] = static_cast<std::uint8_t>(c);
                }
            }
            lines_.begin_batch(1);
            has_header_ = true;
        }
        if (goes_to_) {
            const std::uint64_t lines = goes_to_->from.row + 1;
            const auto time = [this](std::string_view line) { return time_of(line); };
            if (auto begun =
                    goes_to_->from.row == 0 ? Result<bool>(true) : lines_.begins_as_before(goes_to_->from.last, time);
                !begun || !*begun) {
                return begun;
            }
            if (auto there = lines_.go_to(goes_to_->from.offset, lines); !there || !*there) {
                return there;
            }
            if (lines_.witness_after(0) != goes_to_->content_hash) {
                return tl::unexpected(lines_.changed(lines));
            }
            rows_ = goes_to_->from.row;
            last_ = last_before_ = goes_to_->from.last;
            last_line_ = lines;
            goes_to_.reset();
        }
        return true;
    }

    Result<std::span<FeedRecord>> next() override {
        if (!is_there()) [[unlikely]] {
            if (auto there = come_there(); !there || !*there) {
                return there ? Result<std::span<FeedRecord>>() : tl::unexpected(there.error());
            }
        }
        begin_batch();
        std::size_t& n = size_;
        std::string_view line;
        while (n < batch_.size() && !error_) {
            if (!lines_.next(line)) {
                error_ = lines_.failure();
                break;
            }
            Row row;
            if (!read_plain(line, row)) [[unlikely]] {
                const std::string why = read_carefully(line, row);
                if (!why.empty()) {
                    error_ = lines_.refusal(why);
                    break;
                }
            }
            last_ = row.time;
            last_line_ = lines_.number();
            batch_[n++] = FeedRecord{row.time, row.event};
        }
        if (n == 0 && error_) {
            return tl::unexpected(*error_);
        }
        return std::span(batch_).first(n);
    }

    bool is_waiting() const override { return lines_.is_waiting(); }
    bool is_there() const override { return has_header_ && !goes_to_; }
    bool lacks_end() const override { return lines_.lacks_end(); }
    const std::vector<std::string>& symbols() const override { return symbols_.names(); }
    FeedProgress progress() const override { return lines_.progress(); }

    /// Every line but the header is a row.
    std::string place_of(std::size_t i) const override { return lines_.place(rows_ + i + 2); }
    SourcePlace place_after(std::size_t n) const override {
        SourcePlace place;
        place.from = {lines_.offset_after(n), rows_ + n, 0, n == 0 ? last_before_ : batch_[n - 1].time};
        place.content_hash = lines_.witness_after(n);
        return place;
    }

    Result<void> resume(const SourcePlace& place) override {
        goes_to_ = place;
        return lines_.is_of_sender() ? Result<void>() : come_there().map([](bool) {});
    }

private:
    void begin_batch() {
        lines_.begin_batch(size_);
        rows_ += size_;
        last_before_ = last_;
        size_ = 0;
    }

    struct Row {
        Time time;
        Event event;
    };

    std::optional<Time> time_of(std::string_view line) {
        const auto at = static_cast<std::size_t>(std::ranges::find(column_of_, kTsNs) - column_of_.begin());
        if (!fields_.split(line) || fields_.size() <= at) {
            return std::nullopt;
        }
        Time time;
        std::from_chars(fields_[at].data(), fields_[at].data() + fields_[at].size(), time.ns);
        return time;
    }

    /// Reads a line of the usual form and judges it. False for anything else, good or bad:
    /// read_carefully decides.
    bool read_plain(std::string_view line, Row& row) {
        const char* p = line.data();
        const char* const end = p + line.size();
        for (std::size_t f = 0; f < fields_there_; ++f) {
            if (f != 0) {
                if (p == end) {
                    return false;
                }
                ++p;  // every field before this one ended at a comma
            }
            const std::size_t column = column_of_[f];
            if (column == kTsNs) {
                if (!read_ns(p, end, row.time.ns)) {
                    return false;
                }
            } else if (column == kInstrument) {
                const char* const first = p;
                while (p != end && *p != ',' && *p != '"') {
                    ++p;
                }
                const std::uint32_t symbol = symbols_.find({first, static_cast<std::size_t>(p - first)});
                if (symbol == SymbolTable::kUnknown || (p != end && *p == '"')) {
                    return false;
                }
                row.event.instrument = InstrumentId{symbol};
            } else if (!(Of::kind_of(column) == FieldKind::time ? read_ns(p, end, Of::raw_of(row.event, column))
                                                                : read_fixed(p, end, Of::raw_of(row.event, column)))) {
                return false;
            }
        }
        return p == end && row.time >= last_ && row.time >= kFirstStamp && is_good(row.event);
    }

    /// Reads any line and says what is wrong with it, or nothing.
    [[gnu::noinline]] std::string read_carefully(std::string_view line, Row& row) {
        if (!fields_.split(line)) {
            return std::string(kBadQuotes);
        }
        if (fields_.size() != fields_there_) {
            return wrong_field_count(fields_.size(), fields_there_);
        }
        std::string_view instrument;
        for (std::size_t f = 0; f < fields_there_; ++f) {
            const std::size_t column = column_of_[f];
            const std::string_view text = fields_[f];
            if (column == kInstrument) {
                instrument = text;
            } else if (std::string why = read_field(text, column, row); !why.empty()) {
                return why;
            }
        }
        if (std::string why = stamp_refusal(row.time); !why.empty()) {
            return why;
        }
        if (row.time < last_) {
            return fmt::format("time {} is before {} of line {}; sort the file by ts_ns", row.time.ns, last_.ns,
                               last_line_);
        }
        if (std::string why = Of::refusal(row.event); !why.empty()) {
            return why;
        }
        const auto symbol = symbols_.admit(instrument);
        if (!symbol) {
            return symbol.error();
        }
        row.event.instrument = InstrumentId{*symbol};
        return {};
    }
    static std::string read_field(std::string_view text, std::size_t column, Row& row) {
        const std::string_view name = Of::kForm.columns[column].name;
        if (column == kTsNs || Of::kind_of(column) == FieldKind::time) {
            std::int64_t& ns = column == kTsNs ? row.time.ns : Of::raw_of(row.event, column);
            const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), ns);
            return error == std::errc() && stop == text.data() + text.size()
                       ? std::string()
                       : fmt::format("{} {} is not a time in whole nanoseconds since 1970, such as 1381152600072000000",
                                     name, in_quotes(text));
        }
        if (Of::kind_of(column) == FieldKind::volume) {
            const Result<Volume> value = parse_volume(text);
            Of::raw_of(row.event, column) = value ? value->raw : 0;
            return value ? std::string()
                         : fmt::format("{} {}; write a decimal such as 1085, up to 9223372036854775807", name,
                                       reason(text, value.error()));
        }
        const Result<Price> value = parse_price(text);  // the same decimal form as a quantity
        Of::raw_of(row.event, column) = value ? value->raw : 0;
        return value ? std::string()
                     : fmt::format("{} {}; write a decimal such as 10.05", name, reason(text, value.error()));
    }

    static constexpr std::size_t kColumns = Of::kForm.columns.size();

    LineReader lines_;
    FileSymbols symbols_;
    bool has_header_ = false;
    std::array<std::uint8_t, kColumns> column_of_{};  ///< by field
    std::size_t fields_there_ = 0;
    std::optional<SourcePlace> goes_to_;
    std::vector<FeedRecord> batch_;
    std::size_t size_ = 0;         ///< records in the batch
    std::uint64_t rows_ = 0;       ///< before the batch
    Time last_before_ = kMinTime;  ///< the time of the last of those
    Fields fields_;
    Time last_ = kMinTime;
    std::uint64_t last_line_ = 1;
    std::optional<Error> error_;
};

// ---- bars -------------------------------------------------------------------------------------------------------------

/// Reads the header of a file of bars, whoever the bars are of.
Result<Header> read_bar_header(LineReader& lines) {
    auto header = read_header(lines, kBarForm);
    if (header && header->field_of[kDate] == kAbsent && header->field_of[kTimestamp] == kAbsent) {
        return tl::unexpected(
            lines.refusal(1, fmt::format("the header lacks date or timestamp; it should be {}", kBarForm.example)));
    }
    return header;
}

class CsvBars final : public BarRows {
public:
    CsvBars(LineReader lines, const DataSource& source)
        : lines_(std::move(lines)),
          symbols_(source.instrument),
          interval_(source.interval),
          order_(source.interval, source.interval.ns == kDayNs),
          only_(source.instrument) {
        if (!only_.empty()) {
            const bool admitted = symbols_.admit(only_).has_value();
            ALPHA_ASSERT(admitted, "the instrument's name was judged before");
        }
    }

    /// Reads the header and comes to where it was to go on. False where a sender has not sent so much yet, or has left before.
    Result<bool> come_there() {
        if (header_.fields == 0) {
            if (!lines_.has_arrived()) {
                return false;
            }
            if (auto header = read_header(); !header) {
                return tl::unexpected(header.error());
            }
            lines_.begin_batch(1);
            begin_.offset = lines_.batch_offset();
        }
        if (goes_to_) {
            const auto time = [this](std::string_view line) { return time_of(line); };
            if (auto begun = goes_to_->row == 0 ? Result<bool>(true) : lines_.begins_as_before(goes_to_->last, time);
                !begun || !*begun) {
                return begun;
            }
            if (auto there = lines_.go_to(goes_to_->offset, goes_to_->row + 1); !there || !*there) {
                return there;
            }
            begin_ = *goes_to_;
            order_.resume(begin_.last);
            goes_to_.reset();
        }
        return true;
    }

    Result<std::span<const BarRow>> next() override {
        if (!is_there()) [[unlikely]] {
            if (auto there = come_there(); !there || !*there) {
                return there ? Result<std::span<const BarRow>>() : tl::unexpected(there.error());
            }
        }
        lines_.begin_batch(size_);
        begin_ = {lines_.batch_offset(), begin_.row + size_, 0, size_ == 0 ? begin_.last : batch_[size_ - 1].label};
        size_ = 0;
        std::size_t& n = size_;
        std::string_view line;
        while (n < batch_.size() && !error_) {
            if (!lines_.next(line)) {
                error_ = lines_.failure();
                break;
            }
            const std::string why = read(line, batch_[n]);
            if (!why.empty()) {
                error_ = lines_.refusal(why);
                break;
            }
            ++n;
        }
        if (n == 0 && error_) {
            return tl::unexpected(*error_);
        }
        return std::span<const BarRow>(batch_).first(n);
    }

    bool is_waiting() const override { return lines_.is_waiting(); }
    bool is_there() const override { return header_.fields != 0 && !goes_to_; }
    bool lacks_end() const override { return lines_.lacks_end(); }
    Duration interval() const override { return interval_; }
    /// A bar of a day is one of a calendar date, however its label is written.
    bool date_only() const override { return interval_.ns == kDayNs; }
    const std::vector<std::string>& symbols() const override { return symbols_.names(); }
    std::string place(std::uint64_t line) const override { return lines_.place(line); }
    FeedProgress progress() const override { return lines_.progress(); }

    RowPlace batch_begin() const override { return {lines_.batch_offset(), begin_.row, 0, begin_.last}; }
    Digest witness_after(std::size_t n) const override { return lines_.witness_after(n); }
    Result<void> resume(const RowPlace& from) override {
        goes_to_ = from;
        return lines_.is_of_sender() ? Result<void>() : come_there().map([](bool) {});
    }
    Error changed(std::uint64_t row) const override { return lines_.changed(row + 1); }

private:
    Result<void> read_header() {
        auto header = read_bar_header(lines_);
        if (!header) {
            return tl::unexpected(header.error());
        }
        if (header->field_of[kBarInstrument] == kAbsent && only_.empty()) {
            return tl::unexpected(
                lines_.refusal(1, "there is no instrument column; name the instrument of the file, as in "
                                  "instrument: IBM (--instrument IBM on the command line)"));
        }
        header_ = std::move(*header);
        // Where a file has both, its first time column counts.
        label_field_ = std::min(header_.field_of[kDate], header_.field_of[kTimestamp]);
        return {};
    }

    /// Says what is wrong with the line, or nothing.
    std::string read(std::string_view line, BarRow& row) {
        if (!fields_.split(line)) {
            return std::string(kBadQuotes);
        }
        if (fields_.size() != header_.fields) {
            return wrong_field_count(fields_.size(), header_.fields);
        }
        row.line = lines_.number();
        if (std::string why = read_label(fields_[label_field_], row.label); !why.empty()) {
            return why;
        }
        std::int64_t volume = 0;
        const std::array<std::pair<BarColumn, std::int64_t*>, 5> numbers{{{kOpen, &row.bar.open.raw},
                                                                          {kHigh, &row.bar.high.raw},
                                                                          {kLow, &row.bar.low.raw},
                                                                          {kClose, &row.bar.close.raw},
                                                                          {kVolume, &volume}}};
        for (const auto& [column, raw] : numbers) {
            const std::size_t field = header_.field_of[column];
            if (field == kAbsent) {
                continue;
            }
            const std::string_view text = fields_[field];
            const char* p = text.data();
            if (read_fixed(p, text.data() + text.size(), *raw) && p == text.data() + text.size()) [[likely]] {
                continue;
            }
            if (const auto large = column == kVolume ? parse_volume(text) : Result<Volume>{};
                column == kVolume && large) {
                *raw = large->raw;
                continue;
            }
            const auto value = parse_price(text);
            if (!value) {
                return fmt::format("{} {}; write a decimal such as 10.05, {}", kBarColumns[column].name,
                                   reason(text, value.error()),
                                   column == kVolume ? "up to 9223372036854775807"
                                                     : "from 0.00000001 to " + to_string(limits::kMaxPrice));
            }
            *raw = value->raw;
        }
        row.bar.volume.raw = volume;
        if (std::string why = bar_refusal(row.bar); !why.empty()) {
            return why;
        }
        const std::size_t named = header_.field_of[kBarInstrument];
        const auto symbol = symbols_.admit(named == kAbsent ? std::string_view(only_) : fields_[named]);
        if (!symbol) {
            return symbol.error();
        }
        row.bar.instrument = InstrumentId{*symbol};
        return order_.refusal(*symbol, row.label);
    }

    std::optional<Time> time_of(std::string_view line) {
        Time label;
        const bool is_read =
            fields_.split(line) && fields_.size() > label_field_ && read_label(fields_[label_field_], label).empty();
        return is_read ? std::optional(label) : std::nullopt;
    }

    std::string read_label(std::string_view text, Time& label) const {
        constexpr std::size_t kDateBytes = 10;
        const bool is_date = text.size() == kDateBytes;
        if (is_date && !date_only()) {
            return fmt::format("{} is a date, but the bars last {}; give the time of day with its "
                               "offset, or write interval: day",
                               in_quotes(text), to_string(interval_));
        }
        if (is_date) {
            const auto date = parse_date(text);
            if (!date) {
                return reason(text, date.error());
            }
            label = TradingHours{}.midnight(*date);
        } else {
            const auto stamp = parse_timestamp(text);
            if (!stamp) {
                const bool lacks_zone = stamp.error().why != nullptr &&
                                        std::string_view(stamp.error().why).starts_with("has no UTC offset");
                return reason(text, stamp.error()) +
                       (lacks_zone ? ", or name the zone: tz: Asia/Kolkata in the scenario, --tz Asia/Kolkata on the "
                                     "command line"
                                   : "");
            }
            label = stamp->time;
            if (date_only()) {
                const TradingHours there{stamp->utc_offset_s};
                label = TradingHours{}.midnight(there.date_of(stamp->time));
            }
        }
        return time_refusal(label);
    }

    LineReader lines_;
    Header header_;
    FileSymbols symbols_;
    Duration interval_;
    BarOrder order_;
    std::string only_;
    std::size_t label_field_ = 0;
    std::vector<BarRow> batch_ = std::vector<BarRow>(kBatchBars);
    std::size_t size_ = 0;  ///< rows in the batch
    RowPlace begin_;        ///< where it begins
    std::optional<RowPlace> goes_to_;
    Fields fields_;
    std::optional<Error> error_;
};

/// A file's rows, once its header has been read.
template <class Rows, class Parent>
Result<std::unique_ptr<Parent>> begun(std::unique_ptr<Rows> rows) {
    return rows->come_there().map([&](bool) { return std::unique_ptr<Parent>(std::move(rows)); });
}

}  // namespace

Result<void> judge_csv_bars(const DataSource& source) {
    std::string why = interval_refusal(source.interval);
    if (why.empty() && !source.instrument.empty()) {
        why = name_refusal(source.instrument);
    }
    return why.empty() ? Result<void>() : fail(ErrorKind::usage, fmt::format("{}: {}", source.name(), why));
}

Result<std::unique_ptr<RecordStream>> open_csv_ticks(const DataSource& source) {
    auto bytes = open_bytes(source.file);
    if (!bytes) {
        return tl::unexpected(bytes.error());
    }
    const auto open = [&]<class Ticks>(std::type_identity<Ticks>) {
        return begun<Ticks, RecordStream>(
            std::make_unique<Ticks>(LineReader(source.name(), std::move(*bytes), false), source.instrument));
    };
    return source.kind == DataKind::trades ? open(std::type_identity<CsvTicks<TradeFields>>{})
                                           : open(std::type_identity<CsvTicks<QuoteFields>>{});
}

Result<std::unique_ptr<BarRows>> open_csv_bars(const DataSource& source, const TimesOf& times) {
    if (auto good = judge_csv_bars(source); !good) {
        return tl::unexpected(good.error());
    }
    auto bytes = open_text(source, times);
    if (!bytes) {
        return tl::unexpected(bytes.error());
    }
    return begun<CsvBars, BarRows>(
        std::make_unique<CsvBars>(LineReader(source.name(), std::move(*bytes), false), source));
}

std::unique_ptr<RecordStream> csv_ticks_from(const DataSource& source, std::unique_ptr<ByteSource> text) {
    LineReader lines(source.name(), std::move(text), true);
    if (source.kind == DataKind::trades) {
        return std::make_unique<CsvTicks<TradeFields>>(std::move(lines), source.instrument);
    }
    return std::make_unique<CsvTicks<QuoteFields>>(std::move(lines), source.instrument);
}

std::unique_ptr<BarRows> csv_bars_from(const DataSource& source, std::unique_ptr<ByteSource> text) {
    return std::make_unique<CsvBars>(LineReader(source.name(), std::move(text), true), source);
}

Result<BarShape> shape_of_csv_bars(const DataSource& source) {
    auto bytes = open_bytes(source.file);
    if (!bytes) {
        return tl::unexpected(bytes.error());
    }
    LineReader lines(source.name(), std::move(*bytes), false);
    const auto header = read_bar_header(lines);
    if (!header) {
        return tl::unexpected(header.error());
    }
    const std::size_t label_field = std::min(header->field_of[kDate], header->field_of[kTimestamp]);
    const std::size_t named = header->field_of[kBarInstrument];
    std::map<std::string, Time, std::less<>> last_of;
    Duration of_one{kDayNs};  // where no two bars show it
    IntervalGuess guess;
    Fields fields;
    std::string_view line;
    bool more = true;  // a date, or what whoever reads the bars refuses, ends it
    for (std::size_t n = 1; more && n != 0;) {
        lines.begin_batch(n);
        for (n = 0; more && lines.next(line); ++n) {
            more = fields.split(line) && fields.size() == header->fields;
            const auto stamp = more ? parse_timestamp(fields[label_field]) : fail(ErrorKind::data, "");
            more = stamp.has_value();
            if (!more) {
                break;
            }
            const std::string name(named == kAbsent ? std::string_view() : fields[named]);
            const auto [last, is_first] = last_of.emplace(name, stamp->time);
            if (is_first) {
                const TradingHours there{stamp->utc_offset_s};
                const bool at_midnight = stamp->time == there.midnight(there.date_of(stamp->time));
                of_one = at_midnight ? of_one : Duration{60 * kSecondNs};
                continue;
            }
            const Duration gap = stamp->time - std::exchange(last->second, stamp->time);
            if (gap.ns > 0) {
                guess.add(gap);
            }
        }
    }
    const bool is_told = !guess.is_empty() && interval_refusal(guess.shortest()).empty();
    return BarShape{named != kAbsent, is_told ? guess.shortest() : of_one, guess.doubt()};
}

}  // namespace alpha
