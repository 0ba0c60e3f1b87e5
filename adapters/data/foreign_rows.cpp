#include "adapters/data/foreign_rows.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <simdjson.h>
#include <utility>

namespace alpha::foreign {

namespace {

constexpr std::array<const char*, 4> kPriceNames{"open", "high", "low", "close"};

bool has_digit(std::string_view text) {
    return std::ranges::any_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// Whether a line carries no data: empty fields, or a remark in front of them.
bool says_nothing(const Fields& fields) {
    for (std::size_t f = 1; f < fields.size(); ++f) {
        if (!fields[f].empty()) {
            return false;
        }
    }
    return !has_digit(fields[0]);
}

// ---- lines ------------------------------------------------------------------------------------------------------------

class Lines final : public Records {
public:
    Lines(const Part& part, std::unique_ptr<ByteSource> bytes)
        : part_(&part), bytes_(std::move(bytes)), ending_(part.has_lone_cr ? '\r' : '\n') {}

    Result<bool> next(Fields& fields, std::uint64_t& line) override {
        std::string_view text;
        while (true) {
            auto is_there = next_line(text);
            if (!is_there || !*is_there) {
                return is_there;
            }
            ++number_;
            if (number_ == 1 && text.starts_with("\xEF\xBB\xBF")) {
                text.remove_prefix(3);
            }
            if (number_ <= part_->layout.header_lines || trimmed(text).empty()) {
                continue;
            }
            if (!fields.split(text, part_->layout.separator)) {
                return tl::unexpected(
                    refusal_at(part_->name, number_,
                               "a quotation mark is not closed, or text follows a closing one; write a "
                               "\" inside a quoted field as \"\""));
            }
            if (says_nothing(fields)) {
                continue;
            }
            const std::size_t expected = part_->layout.fields;
            if (expected != 0 && fields.size() != expected) {
                return tl::unexpected(refusal_at(
                    part_->name, number_,
                    fmt::format("has {} field{} where the {} has {}; {}", fields.size(), fields.size() == 1 ? "" : "s",
                                part_->layout.header_lines == 0 ? "first line" : "header", expected,
                                fields.size() < expected
                                    ? "is the line cut short?"
                                    : "a number with separators in it must stand in quotation marks")));
            }
            line = number_;
            return true;
        }
    }
    FeedProgress progress() const override { return {bytes_->consumed(), bytes_->file_bytes()}; }

private:
    Result<bool> next_line(std::string_view& line) {
        constexpr std::size_t kLongest = 4U << 20U;
        while (true) {
            const void* const found = std::memchr(buffer_.data() + scanned_, ending_, end_ - scanned_);
            if (found != nullptr || ended_) {
                const std::size_t stop =
                    found != nullptr ? static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data())
                                     : end_;
                if (found == nullptr && begin_ == end_) {
                    return false;
                }
                line = {buffer_.data() + begin_, stop - begin_};
                if (line.ends_with('\r')) {
                    line.remove_suffix(1);
                }
                begin_ = scanned_ = std::min(stop + 1, end_);
                return true;
            }
            scanned_ = end_;
            if (end_ - begin_ > kLongest) {
                return tl::unexpected(
                    refusal_at(part_->name, number_ + 1, "the line is longer than 4 MiB; is this a CSV file?"));
            }
            if (auto got = refill(); !got) {
                return tl::unexpected(got.error());
            }
        }
    }
    Result<void> refill() {
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        scanned_ -= begin_;
        begin_ = 0;
        if (buffer_.size() - end_ < kBlock) {
            buffer_.resize(end_ + kBlock);
        }
        const auto got = bytes_->read(std::span(buffer_).subspan(end_));
        if (!got) {
            return tl::unexpected(got.error());
        }
        ended_ = *got == 0;
        end_ += *got;
        return {};
    }

    static constexpr std::size_t kBlock = 256U << 10U;
    const Part* part_;
    std::unique_ptr<ByteSource> bytes_;
    char ending_;
    std::vector<char> buffer_ = std::vector<char>(kBlock);
    std::size_t begin_ = 0;
    std::size_t scanned_ = 0;  ///< no line ends between there and the beginning
    std::size_t end_ = 0;
    std::uint64_t number_ = 0;
    bool ended_ = false;
};

// ---- JSON -------------------------------------------------------------------------------------------------------------

/// Kite's candles: `{"status":"success","data":{"candles":[[time,open,high,low,close,volume,oi?],...]}}`, or the array alone.
class Candles final : public Records {
public:
    static Result<std::unique_ptr<Records>> open(const Part& part) {
        auto bytes = open_bytes(part.path);
        if (!bytes) {
            return tl::unexpected(bytes.error());
        }
        auto candles = std::unique_ptr<Candles>(new Candles);
        if (auto read = candles->read_text(part, **bytes); !read) {
            return tl::unexpected(read.error());
        }
        candles->progress_ = {(*bytes)->consumed(), (*bytes)->file_bytes()};
        if (auto parsed = candles->parse(part); !parsed) {
            return tl::unexpected(parsed.error());
        }
        return candles;
    }

    Result<bool> next(Fields& fields, std::uint64_t& line) override {
        if (at_ == ends_.size()) {
            return false;
        }
        const std::size_t from = at_ == 0 ? 0 : ends_[at_ - 1];
        fields.set({tokens_.begin() + static_cast<std::ptrdiff_t>(from),
                    tokens_.begin() + static_cast<std::ptrdiff_t>(ends_[at_])});
        line = lines_[at_++];
        return true;
    }
    FeedProgress progress() const override { return progress_; }

private:
    Result<void> read_text(const Part& part, ByteSource& bytes) {
        constexpr std::size_t kMost = 1U << 30U;
        constexpr std::size_t kBlock = 1U << 20U;
        std::size_t size = 0;
        while (true) {
            text_.resize(size + kBlock);
            const auto got = bytes.read(std::span(text_).subspan(size));
            if (!got) {
                return tl::unexpected(got.error());
            }
            size += *got;
            if (*got == 0) {
                break;
            }
            if (size > kMost) {
                return fail(ErrorKind::data, fmt::format("{}: is a JSON file of more than 1 GiB; split it", part.name));
            }
        }
        text_.resize(size);
        text_.reserve(size + simdjson::SIMDJSON_PADDING);
        if (text_.starts_with("\xEF\xBB\xBF")) {
            text_.replace(0, 3, "   ");
        }
        return {};
    }
    std::uint64_t line_of(const char* at) {
        counted_ = std::min(counted_, at);
        line_ = counted_ == text_.data() ? 1 : line_;
        line_ += static_cast<std::uint64_t>(std::count(counted_, at, '\n'));
        counted_ = at;
        return line_;
    }

    Result<void> parse(const Part& part) {
        namespace od = simdjson::ondemand;
        constexpr std::string_view kForm =
            R"(candles look like {"data":{"candles":[["2024-01-02T09:15:00+0530",1704.5,1705,1699.25,1702.8,2499]]}})";
        counted_ = text_.data();
        const auto refuse = [&](std::uint64_t line, std::string_view what) {
            return tl::unexpected(refusal_at(part.name, line, what));
        };
        od::parser parser;
        od::document document;
        const auto broken = [&](simdjson::error_code error) {
            return refuse(line_,
                          fmt::format("is not whole JSON ({}); download it again", simdjson::error_message(error)));
        };
        if (const auto error =
                parser.iterate(simdjson::padded_string_view(text_.data(), text_.size(), text_.capacity()))
                    .get(document)) {
            return broken(error);
        }
        // The whole text is judged first: what is read on demand is only safe where it is whole.
        simdjson::dom::parser judge;
        simdjson::dom::element whole;
        if (const auto error = judge.parse(text_.data(), text_.size(), false).get(whole)) {
            return broken(error);
        }
        od::array candles;
        od::json_type type{};
        if (const auto error = document.type().get(type)) {
            return broken(error);
        }
        if (type == od::json_type::object) {
            std::string_view status;
            if (!document.find_field_unordered("status").get_string().get(status) && status == "error") {
                std::string_view message;
                if (document.find_field_unordered("message").get_string().get(message)) {
                    message = "without a reason";
                }
                return refuse(1,
                              fmt::format("is an answer that tells of an error ({}), and holds no candles; ask again",
                                          in_quotes(message)));
            }
            if (document.find_field_unordered("data").find_field_unordered("candles").get_array().get(candles)) {
                return refuse(1, fmt::format("is JSON, but holds no candles; {}", kForm));
            }
        } else if (document.get_array().get(candles)) {
            return refuse(1, fmt::format("is JSON, but holds no candles; {}", kForm));
        }
        for (auto each : candles) {
            od::value value;
            od::array candle;
            if (const auto error = each.get(value)) {
                return broken(error);
            }
            const std::string_view token = value.raw_json_token();
            const std::uint64_t line =
                line_of(token.data());  // NOLINT(bugprone-suspicious-stringview-data-usage): a place
            if (value.get_array().get(candle)) {
                return refuse(line, fmt::format("is no candle; {}", kForm));
            }
            std::size_t fields = 0;
            for (auto one : candle) {
                od::value field;
                if (const auto error = one.get(field)) {
                    return broken(error);
                }
                od::json_type kind{};
                if (field.type().get(kind) || kind == od::json_type::array || kind == od::json_type::object) {
                    return refuse(line, fmt::format("is no candle; {}", kForm));
                }
                std::string_view text = field.raw_json_token();
                while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') {
                    text.remove_suffix(1);
                }
                if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
                    text = text.substr(1, text.size() - 2);
                }
                tokens_.push_back(text);
                ++fields;
            }
            constexpr std::size_t kFewest = 6;
            constexpr std::size_t kMost = 7;
            if (fields < kFewest || fields > kMost) {
                return refuse(line, fmt::format("a candle has {} values, not 6 or 7; {}", fields, kForm));
            }
            ends_.push_back(tokens_.size());
            lines_.push_back(line);
        }
        return {};
    }

    std::string text_;
    std::vector<std::string_view> tokens_;
    std::vector<std::size_t> ends_;
    std::vector<std::uint64_t> lines_;
    std::size_t at_ = 0;
    const char* counted_ = nullptr;
    std::uint64_t line_ = 1;
    FeedProgress progress_;
};

// ---- what the whole file says -----------------------------------------------------------------------------------------

class Survey {
public:
    Survey(Part& part, const ForeignOptions& options) : part_(&part), options_(&options) {}

    Result<void> see(const Fields& fields, std::uint64_t line) {
        const Layout& layout = part_->layout;
        const auto at = [&](Role role) {
            const std::size_t field = layout.of(role);
            return field < fields.size() ? fields[field] : std::string_view();
        };
        TimeText time;
        if (read_time(at(Role::time), at(Role::clock), time) == nullptr) {
            if (auto seen = see_time(time, line); !seen) {
                return seen;
            }
        }
        for (const Role role : {Role::open, Role::high, Role::low, Role::close, Role::price, Role::bid, Role::ask}) {
            see_number(at(role), line);
        }
        if (layout.has(Role::expiry) && !at(Role::expiry).empty()) {
            TimeText expiry;
            Date day;
            if (read_time(at(Role::expiry), {}, expiry) == nullptr && day_of(expiry, DateOrder::unknown, day)) {
                part_->expiries[std::string(at(Role::symbol))].insert(day);
                if (at(Role::type).starts_with("FUT")) {
                    part_->futures[std::string(at(Role::symbol))].insert(day);
                }
            }
        }
        return {};
    }

    Result<void> decide() {
        if (auto decided = decide_order(); !decided) {
            return decided;
        }
        if (date_line_ != 0 && clock_line_ != 0) {
            return refuse(date_line_,
                          fmt::format("holds a date, but line {} a time of day; give every row the one or every "
                                      "row the other",
                                      clock_line_));
        }
        part_->by_date = clock_line_ == 0;
        part_->numbers.decimals = options_->decimals.value_or(unsigned{kScaleDigits});
        if (point_line_ != 0 && group_line_ != 0) {
            return refuse(std::max(point_line_, group_line_),
                          fmt::format("writes decimals in another way than line {}; write all with a point",
                                      std::min(point_line_, group_line_)));
        }
        if (point_line_ != 0) {
            part_->numbers.point = ',';
        } else if (either_line_ != 0 && group_line_ == 0 && dot_line_ == 0) {
            return refuse(either_line_,
                          "has a number such as 1,234, which may be 1.234 or 1234, and no row of the file shows "
                          "which; write its numbers with a point");
        }
        return {};
    }

private:
    tl::unexpected<Error> refuse(std::uint64_t line, std::string_view what) const {
        return tl::unexpected(refusal_at(part_->name, line, what));
    }

    Result<void> see_time(const TimeText& time, std::uint64_t line) {
        const bool is_epoch = time.shape == TimeText::Shape::epoch;
        if (is_epoch ? text_line_ != 0 : part_->unit_ns != 0) {
            return refuse(line, fmt::format("writes its time in another way than line {}; write all times alike",
                                            is_epoch ? text_line_ : epoch_line_));
        }
        if (is_epoch) {
            const std::int64_t unit = unit_of(time.digits);
            if (part_->unit_ns != 0 && part_->unit_ns != unit) {
                return refuse(line,
                              fmt::format("counts its time in another unit than line {}, to judge by its size; write "
                                          "all times alike",
                                          epoch_line_));
            }
            part_->unit_ns = unit;
            epoch_line_ = epoch_line_ == 0 ? line : epoch_line_;
            const bool at_midnight = time.fraction == 0 && time.count % (kDayNs / unit) == 0;
            clock_line_ = clock_line_ == 0 && !at_midnight ? line : clock_line_;
            return {};
        }
        text_line_ = text_line_ == 0 ? line : text_line_;
        if (!time.has_clock) {
            date_line_ = date_line_ == 0 ? line : date_line_;
        } else if (time.clock_ns != 0) {
            clock_line_ = clock_line_ == 0 ? line : clock_line_;
        }
        if (time.shape != TimeText::Shape::fixed) {
            numbers_line_ = numbers_line_ == 0 ? line : numbers_line_;
            for (std::size_t i = 0; i < kOrders.size(); ++i) {
                Date day;
                if (against_[i] == 0 && !day_of(time, kOrders[i], day)) {
                    against_[i] = line;
                }
            }
        }
        return {};
    }

    void see_number(std::string_view text, std::uint64_t line) {
        const auto note = [line](std::uint64_t& first) { first = first == 0 ? line : first; };
        switch (comma_of(text)) {
        case CommaSays::point:
            // Between commas it is a number that is badly grouped.
            return part_->layout.separator == ',' ? void() : note(point_line_);
        case CommaSays::group: return note(group_line_);
        case CommaSays::either: return note(either_line_);
        case CommaSays::nothing: break;
        }
        // 1.234 may have its digits grouped; 12.5 has not.
        constexpr std::size_t kGroup = 3;
        const std::size_t point = text.find('.');
        if (point != std::string_view::npos && point == text.rfind('.') && text.size() - point - 1 != kGroup) {
            note(dot_line_);
        }
    }

    Result<void> decide_order() {
        part_->order = options_->dates;
        if (numbers_line_ == 0) {
            return {};
        }
        if (options_->dates != DateOrder::unknown) {
            return {};
        }
        std::vector<DateOrder> left;
        for (std::size_t i = 0; i < kOrders.size(); ++i) {
            if (against_[i] == 0) {
                left.push_back(kOrders[i]);
            }
        }
        if (left.size() == 1) {
            part_->order = left.front();
            return {};
        }
        if (left.empty()) {
            return refuse(
                std::max(against_[0], against_[1]),
                fmt::format("has a date that the order of day and month in line {} does not allow; write all dates "
                            "alike, best as YYYY-MM-DD",
                            std::min(against_[0], against_[1])));
        }
        std::string ways;
        for (const DateOrder order : left) {
            ways += fmt::format("{}{}", ways.empty() ? "" : " or ", name_of(order));
        }
        return refuse(
            numbers_line_,
            fmt::format("has a date whose day and month no row of the file tells apart; say which comes first: dates: "
                        "{} in the scenario, --dates {} on the command line",
                        ways, ways));
    }

    static constexpr std::array<DateOrder, 3> kOrders{DateOrder::dmy, DateOrder::mdy, DateOrder::ymd};
    Part* part_;
    const ForeignOptions* options_;
    // The first lines that show it; 0: none does.
    std::uint64_t text_line_ = 0;
    std::uint64_t epoch_line_ = 0;
    std::uint64_t date_line_ = 0;
    std::uint64_t clock_line_ = 0;    ///< a time that is not midnight
    std::uint64_t numbers_line_ = 0;  ///< a date of numbers in which the year does not stand first
    std::array<std::uint64_t, 3> against_{0, 0, 0};
    std::uint64_t point_line_ = 0;
    std::uint64_t group_line_ = 0;
    std::uint64_t either_line_ = 0;
    std::uint64_t dot_line_ = 0;
};

// ---- names of contracts -----------------------------------------------------------------------------------------------

constexpr std::array<std::string_view, 12> kMonths{"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                   "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};

struct Civil {
    int year;
    unsigned month;
    unsigned day;
};
Civil civil_of(Date date) {
    const std::string iso = to_iso(date);
    return {std::stoi(iso.substr(0, 4)), static_cast<unsigned>(std::stoi(iso.substr(5, 2))),
            static_cast<unsigned>(std::stoi(iso.substr(8, 2)))};
}

/// A contract as Kite names it. Which expiry of a month is the monthly one, whose name has no day, the exchange's own name says where
/// there is one; else it is the one that has a future, and where none of the month has, the last of the month in the file.
std::string contract_name(const Part& part, std::string_view underlying, Date expiry, std::string_view strike,
                          std::string_view option, std::string_view own_name) {
    const Civil day = civil_of(expiry);
    const std::string year = fmt::format("{}{:02}", underlying, day.year % 100);
    const std::string monthly = year + std::string(kMonths[day.month - 1]);
    constexpr std::string_view kWeekMonths = "123456789OND";
    const std::string weekly = fmt::format("{}{}{:02}", year, kWeekMonths[day.month - 1], day.day);
    bool is_monthly = own_name.starts_with(monthly);
    if (!is_monthly && !own_name.starts_with(weekly)) {
        is_monthly = true;
        const auto of_futures = part.futures.find(underlying);
        const auto in_month = [&day](Date other) {
            const Civil its = civil_of(other);
            return its.year == day.year && its.month == day.month;
        };
        if (of_futures != part.futures.end() && std::ranges::any_of(of_futures->second, in_month)) {
            is_monthly = of_futures->second.contains(expiry);
        } else if (const auto found = part.expiries.find(underlying); found != part.expiries.end()) {
            const auto later = found->second.upper_bound(expiry);
            const Civil next = later == found->second.end() ? Civil{0, 0, 0} : civil_of(*later);
            is_monthly = next.year != day.year || next.month != day.month;
        }
    }
    if (option != "CE" && option != "PE") {
        return monthly + "FUT";
    }
    Number price;
    const std::string shown =
        read_number(strike, {}, price) == nullptr ? to_string(Decimal{price.raw}) : std::string(strike);
    return (is_monthly ? monthly : weekly) + shown + std::string(option);
}

// ---- places in time ---------------------------------------------------------------------------------------------------

enum class Shown : std::uint8_t { once, never, twice };

/// When the clocks of the zone show so many nanoseconds since 1970.
Shown utc_of(const markets::Zone& zone, std::int64_t local_ns, Time& into, std::int32_t& offset_s) {
    std::size_t found = 0;
    const auto after = std::ranges::upper_bound(zone.changes, Time{local_ns - kDayNs}, {}, &markets::ZoneChange::from);
    std::size_t i = after == zone.changes.begin() ? 0 : static_cast<std::size_t>(after - zone.changes.begin()) - 1;
    for (; i < zone.changes.size() && (i == 0 || zone.changes[i].from.ns <= local_ns + kDayNs); ++i) {
        const Time utc{local_ns - zone.changes[i].offset_s * kSecondNs};
        const bool ends_later = i + 1 == zone.changes.size() || utc < zone.changes[i + 1].from;
        if ((i == 0 || utc >= zone.changes[i].from) && ends_later) {
            ++found;
            into = utc;
            offset_s = zone.changes[i].offset_s;
        }
    }
    return found == 1 ? Shown::once : found == 0 ? Shown::never : Shown::twice;
}

}  // namespace

std::string text_of(Time time, std::int32_t offset_s) {
    const bool is_whole = offset_s % 60 == 0;
    const Time shown{time.ns + (is_whole ? offset_s * kSecondNs : 0)};
    std::string text = to_iso(shown);
    if (is_whole && offset_s != 0) {
        const std::int32_t size = std::abs(offset_s);
        text.pop_back();
        text += fmt::format("{}{:02}:{:02}", offset_s < 0 ? '-' : '+', size / 3'600, size / 60 % 60);
    }
    return text;
}

Result<std::unique_ptr<Records>> open_records(const Part& part) {
    if (part.lean) {
        return open_lean(part);
    }
    if (part.layout.is_json) {
        return Candles::open(part);
    }
    auto bytes = open_bytes(part.path);
    if (!bytes) {
        return tl::unexpected(bytes.error());
    }
    return open_lines(part, std::move(*bytes));
}

std::unique_ptr<Records> open_lines(const Part& part, std::unique_ptr<ByteSource> bytes) {
    return std::make_unique<Lines>(part, std::move(bytes));
}

Result<void> survey(Part& part, const ForeignOptions& options) {
    auto records = open_records(part);
    if (!records) {
        return tl::unexpected(records.error());
    }
    Survey survey(part, options);
    Fields fields;
    std::uint64_t line = 0;
    while (true) {
        const auto is_there = (*records)->next(fields, line);
        if (!is_there) {
            return tl::unexpected(is_there.error());
        }
        if (!*is_there) {
            return survey.decide();
        }
        if (auto seen = survey.see(fields, line); !seen) {
            return seen;
        }
    }
}

FileRows::FileRows(const Part& part, std::uint32_t number, const ForeignOptions& options, SymbolTable& symbols,
                   ZoneOf zone_of, Counts& counts)
    : part_(&part),
      number_(number),
      options_(&options),
      symbols_(&symbols),
      zone_of_(std::move(zone_of)),
      counts_(&counts) {}

Result<bool> FileRows::next(Row& row) {
    if (records_ == nullptr) {
        auto records = open_records(*part_);
        if (!records) {
            return tl::unexpected(records.error());
        }
        records_ = std::move(*records);
    }
    while (waiting_.empty()) {
        auto is_there = records_->next(fields_, line_);
        if (!is_there || !*is_there) {
            counts_->suspicious += records_->left_out();
            return is_there;
        }
        if (auto read = read_record(); !read) {
            return tl::unexpected(read.error());
        }
        std::ranges::reverse(waiting_);
    }
    row = waiting_.back();
    waiting_.pop_back();
    ++counts_->rows;
    return true;
}

Result<void> FileRows::read_record() {
    const Layout& layout = part_->layout;
    const auto at = [&](Role role) {
        const std::size_t field = layout.of(role);
        return field < fields_.size() ? fields_[field] : std::string_view();
    };
    TimeText time;
    if (const char* const why = read_time(at(Role::time), at(Role::clock), time); why != nullptr) {
        const std::string text =
            fmt::format("{}{}{}", at(Role::time), at(Role::clock).empty() ? "" : " ", at(Role::clock));
        return tl::unexpected(refusal(
            fmt::format("{} {}; write one such as 2024-03-28 or 2024-03-28T09:15:00+05:30", in_quotes(text), why)));
    }
    if (layout.groups.empty()) {
        const std::array<std::size_t, 5> fields{layout.of(Role::open), layout.of(Role::high), layout.of(Role::low),
                                                layout.of(Role::close), layout.of(Role::volume)};
        return read_prices(fields, layout.unadjusted, symbol_of(), time);
    }
    for (const Group& group : layout.groups) {
        if (auto read = read_prices(group.field, group.unadjusted, group.symbol, time); !read) {
            return read;
        }
    }
    return {};
}

Result<bool> FileRows::read_number_at(std::size_t field, const char* what, std::int64_t& into) {
    const std::string_view text = field < fields_.size() ? fields_[field] : std::string_view();
    Number number;
    const char* why = read_number(text, part_->numbers, number);
    if (why == nullptr && (number.raw > std::numeric_limits<std::int64_t>::max() ||
                           number.raw < -std::numeric_limits<std::int64_t>::max())) {
        why = "is too large";
    }
    if (why != nullptr) {
        return tl::unexpected(
            refusal(fmt::format("{} {} {}; write a decimal such as 10.05", what, in_quotes(text), why)));
    }
    into = static_cast<std::int64_t>(number.raw);
    return number.is_rounded;
}

Result<void> FileRows::read_volume_at(std::size_t field, std::int64_t& into) {
    const std::string_view text = field < fields_.size() ? fields_[field] : std::string_view();
    if (field == kAbsent || is_absent(text)) {
        counts_->no_volume += field == kAbsent ? 0U : 1U;
        return {};
    }
    Number number;
    const NumberStyle style{part_->numbers.point, unsigned{kScaleDigits}};
    const char* why = read_number(text, style, number);
    if (why == nullptr && number.raw < 0) {
        return tl::unexpected(refusal(fmt::format("volume {} is negative; volumes are zero or more", in_quotes(text))));
    }
    constexpr Int128 kMost = static_cast<Int128>(std::numeric_limits<std::int64_t>::max()) * kScale;
    why = why == nullptr && number.raw > kMost ? "is too large" : why;
    if (why != nullptr) {
        return tl::unexpected(refusal(fmt::format("volume {} {}; write a decimal such as 1000", in_quotes(text), why)));
    }
    const auto volume = parse_volume(to_string(Decimal{number.raw}));
    into = volume ? volume->raw : 0;
    return {};
}

/// Brings open, high and low to where the close was brought, as yfinance's auto_adjust does.
Result<void> FileRows::adjust(std::size_t unadjusted, Row& row) {
    std::int64_t close = 0;
    if (auto read = read_number_at(unadjusted, "close", close); !read) {
        return tl::unexpected(read.error());
    }
    if (close <= 0) {
        return tl::unexpected(refusal("close is not positive, and the other prices cannot be adjusted as it was"));
    }
    Int128 unit = 1;
    for (unsigned digit = part_->numbers.decimals; digit < unsigned{kScaleDigits}; ++digit) {
        unit *= 10;
    }
    for (std::size_t p = 0; p < 3; ++p) {
        const Int128 scaled = divide_half_even(Int128{row.price[p]} * row.price[3], Int128{close} * unit) * unit;
        if (scaled > std::numeric_limits<std::int64_t>::max() || scaled < std::numeric_limits<std::int64_t>::min()) {
            return tl::unexpected(refusal("has a price that is too large once it is adjusted"));
        }
        row.price[p] = static_cast<std::int64_t>(scaled);
    }
    ++counts_->adjusted;
    return {};
}

Result<void> FileRows::read_prices(const std::array<std::size_t, 5>& field, std::size_t unadjusted,
                                   std::string_view symbol, const TimeText& time) {
    if (!options_->only.empty() && std::ranges::find(options_->only, symbol) == options_->only.end()) {
        constexpr std::size_t kSome = 5;
        std::vector<std::string>& others = counts_->others;
        if (others.size() < kSome && std::ranges::find(others, symbol) == others.end()) {
            others.emplace_back(symbol);
        }
        return {};
    }
    Row row;
    bool is_rounded = false;
    const auto read = [&](std::size_t from, const char* what, std::int64_t& into) -> Result<void> {
        return read_number_at(from, what, into).map([&](bool rounded) {
            counts_->rounded += rounded ? 1U : 0U;
            is_rounded = is_rounded || rounded;
        });
    };
    const Layout& layout = part_->layout;
    if (layout.content == Content::bars) {
        std::size_t absent = 0;
        const char* gap = nullptr;
        for (std::size_t p = 0; p < kPriceNames.size(); ++p) {
            if (field[p] >= fields_.size() || is_absent(fields_[field[p]])) {
                ++absent;
                gap = kPriceNames[p];
            }
        }
        if (absent == kPriceNames.size()) {
            counts_->empty += layout.groups.empty() ? 1U : 0U;
            return {};
        }
        if (absent != 0) {
            return tl::unexpected(
                refusal(fmt::format("{} is empty, but another price of the bar is not; give all four, or none", gap)));
        }
        for (std::size_t p = 0; p < kPriceNames.size(); ++p) {
            if (auto good = read(field[p], kPriceNames[p], row.price[p]); !good) {
                return good;
            }
        }
        if (auto good = read_volume_at(field[4], row.volume); !good) {
            return good;
        }
        if (layout.drops_untraded && (row.price[0] == 0 || (field[4] != kAbsent && row.volume == 0))) {
            ++counts_->untraded;
            return {};
        }
        if (auto good = unadjusted == kAbsent ? Result<void>() : adjust(unadjusted, row); !good) {
            return good;
        }
    } else {
        const bool is_trade = layout.content == Content::trades;
        const std::size_t first = layout.of(is_trade ? Role::price : Role::bid);
        const std::size_t second = layout.of(is_trade ? Role::price : Role::ask);
        if (layout.keeps_sides && !is_trade && first < fields_.size() && second < fields_.size()) {
            for (const auto& [side, at] : {std::pair(0U, first), std::pair(1U, second)}) {
                if (is_absent(fields_[at])) {
                    fields_.replace(at, sides_[side]);
                } else {
                    sides_[side] = fields_[at];
                }
            }
        }
        const bool is_missing = first >= fields_.size() || second >= fields_.size() || is_absent(fields_[first]) ||
                                is_absent(fields_[second]);
        if (is_missing) {
            ++counts_->empty;
            return {};
        }
        std::int64_t other = 0;
        if (auto good = read(first, is_trade ? "price" : "bid", row.price[0]); !good) {
            return good;
        }
        if (auto good = is_trade ? Result<void>() : read(second, "ask", other); !good) {
            return good;
        }
        if (!is_trade) {
            if (row.price[0] <= 0 || other <= 0) {  // one side of the book alone has no middle
                ++counts_->empty;
                return {};
            }
            row.price[0] = static_cast<std::int64_t>(divide_half_even(Int128{row.price[0]} + other, 2));
        } else if (auto good = read_volume_at(layout.of(Role::quantity), row.volume); !good) {
            return good;
        }
        row.price[1] = row.price[2] = row.price[3] = row.price[0];
    }
    if (std::string why = name_refusal(symbol); !why.empty()) {
        return tl::unexpected(refusal(why));
    }
    row.symbol = symbols_->find(symbol);
    if (row.symbol == SymbolTable::kUnknown) {
        if (symbols_->names().size() == limits::kMaxInstruments) {
            return tl::unexpected(
                refusal(fmt::format("holds more than {} instruments; check the columns", limits::kMaxInstruments)));
        }
        row.symbol = symbols_->add(symbol);
    }
    row.line = static_cast<std::uint32_t>(std::min<std::uint64_t>(line_, std::numeric_limits<std::uint32_t>::max()));
    row.part = number_;
    if (auto placed = place(time, row); !placed) {
        return placed;
    }
    if (std::string why = time_refusal(row.time); !why.empty()) {
        return tl::unexpected(refusal(why));
    }
    if (!is_in_range(row)) {
        ++counts_->out_of_range;
        return {};
    }
    waiting_.push_back(row);
    return {};
}

Result<void> FileRows::place(const TimeText& time, Row& row) const {
    if (time.shape == TimeText::Shape::epoch) {
        const Int128 ns = Int128{time.count} * part_->unit_ns + time.fraction / (kSecondNs / part_->unit_ns);
        if (ns < kMinTime.ns || ns >= kMaxTime.ns) {
            return tl::unexpected(refusal(fmt::format("time {} is outside 1800 to 2199", time.count)));
        }
        row.time = Time{static_cast<std::int64_t>(ns)};
        row.offset_s = shown_offset_s(row);
        return {};
    }
    Date day;
    if (!day_of(time, part_->order, day)) {
        return tl::unexpected(
            refusal(fmt::format("has a day that does not exist{}; check the date",
                                part_->order == DateOrder::unknown || time.shape == TimeText::Shape::fixed
                                    ? std::string()
                                    : fmt::format(" in the order {}", name_of(part_->order)))));
    }
    const std::int64_t least = kMinTime.ns / kDayNs;
    const std::int64_t most = kMaxTime.ns / kDayNs;
    if (day.days < least || day.days >= most) {
        return tl::unexpected(refusal("has a date outside 1800 to 2199"));
    }
    const std::int64_t local_ns = day.days * kDayNs + time.clock_ns;
    row.time = Time{local_ns};
    if (part_->by_date) {
        return {};
    }
    if (time.has_offset) {
        row.time = Time{local_ns - time.offset_s * kSecondNs};
        row.offset_s = time.offset_s == 0 ? shown_offset_s(row) : time.offset_s;
        return {};
    }
    const markets::Zone* const zone = zone_of_(row.symbol);
    if (zone == nullptr) {
        return tl::unexpected(refusal(
            fmt::format("{} has no UTC offset, and nobody says where its clock stands; name the zone, as in tz: "
                        "Asia/Kolkata in the scenario or --tz Asia/Kolkata on the command line",
                        in_quotes(to_iso(row.time).substr(0, 19)))));
    }
    const Shown shown = utc_of(*zone, local_ns, row.time, row.offset_s);
    if (shown != Shown::once) {
        return tl::unexpected(refusal(fmt::format(
            "the clocks of {} {} {}, because they were changed; write the time with its UTC offset",
            zone->name.empty() ? "the instrument's session" : zone->name,
            shown == Shown::never ? "never showed" : "showed twice", to_iso(Time{local_ns}).substr(0, 19))));
    }
    return {};
}

/// Which clock says what day a time in UTC is of: that of the market, where anybody says it.
std::int32_t FileRows::shown_offset_s(const Row& row) const {
    const markets::Zone* const zone = part_->by_date ? nullptr : zone_of_(row.symbol);
    return zone == nullptr ? 0 : zone->offset_s_at(row.time);
}

bool FileRows::is_in_range(const Row& row) const {
    const Date day = TradingHours{part_->by_date ? 0 : row.offset_s}.date_of(row.time);
    if (const auto& from = options_->from; from && (from->day ? day < *from->day : row.time < from->time)) {
        return false;
    }
    const auto& to = options_->to;
    return !to || (to->day ? day <= *to->day : row.time < to->time);
}

std::string FileRows::symbol_of() const {
    const auto at = [&](Role role) {
        const std::size_t field = part_->layout.of(role);
        return field < fields_.size() ? fields_[field] : std::string_view();
    };
    const std::string_view symbol = at(Role::symbol);
    const auto expiry_of = [&](Date& day) {
        TimeText time;
        return read_time(at(Role::expiry), {}, time) == nullptr && day_of(time, DateOrder::unknown, day);
    };
    switch (part_->layout.naming) {
    case Naming::file: return part_->symbol;
    case Naming::column: return std::string(symbol);
    case Naming::contract: {
        Date expiry;
        if (symbol.empty() || !expiry_of(expiry)) {
            return std::string(symbol);
        }
        std::string day = to_iso(expiry);
        std::erase(day, '-');
        const std::string_view option = at(Role::option);
        const bool is_option = option == "CE" || option == "PE" || option == "C" || option == "P";
        Number strike;
        return !is_option ? fmt::format("{}-{}", symbol, day)
                          : fmt::format("{}-{}-{}-{}", symbol, day, option[0],
                                        read_number(at(Role::strike), part_->numbers, strike) == nullptr
                                            ? to_string(Decimal{strike.raw})
                                            : std::string(at(Role::strike)));
    }
    case Naming::equity: {
        const std::string_view series = at(Role::series);
        const bool is_plain = series.empty() || series == "EQ" || series == "BE";
        return is_plain ? fmt::format("NSE:{}", symbol) : fmt::format("NSE:{}-{}", symbol, series);
    }
    case Naming::nse_fo: {
        Date expiry;
        return expiry_of(expiry)
                   ? "NFO:" + contract_name(*part_, symbol, expiry, at(Role::strike), at(Role::option), {})
                   : std::string();
    }
    case Naming::udiff: {
        const std::string_view source = at(Role::exchange);
        const std::string_view segment = at(Role::segment);
        if (segment == "CM") {
            const std::string_view series = at(Role::series);
            const bool is_plain = source != "NSE" || series.empty() || series == "EQ" || series == "BE";
            return is_plain ? fmt::format("{}:{}", source, symbol) : fmt::format("{}:{}-{}", source, symbol, series);
        }
        const std::string exchange = segment == "FO"   ? source == "BSE" ? "BFO" : "NFO"
                                     : segment == "CD" ? source == "BSE" ? "BCD" : "CDS"
                                                       : std::string(source);
        const std::string_view type = at(Role::type);
        const bool is_known = type == "IDF" || type == "STF" || type == "IDO" || type == "STO";
        Date expiry;
        // Of other kinds (currencies, commodities, rates) nobody here knows how Kite names them: the exchange's own name stays.
        return is_known && expiry_of(expiry)
                   ? exchange + ':' +
                         contract_name(*part_, symbol, expiry, at(Role::strike), at(Role::option), at(Role::contract))
                   : exchange + ':' + std::string(at(Role::contract));
    }
    }
    return {};
}

}  // namespace alpha::foreign
