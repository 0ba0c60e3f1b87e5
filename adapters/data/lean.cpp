#include "adapters/data/lean.hpp"

#include "adapters/data/foreign_rows.hpp"
#include "events/text.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <utility>

namespace alpha::foreign {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kScaled = 10'000;
constexpr std::size_t kDateDigits = 8;

bool is_digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// "20131007"
std::optional<Date> compact_date(std::string_view text) {
    if (text.size() != kDateDigits || !is_digits(text)) {
        return std::nullopt;
    }
    const auto date = parse_date(fmt::format("{}-{}-{}", text.substr(0, 4), text.substr(4, 2), text.substr(6, 2)));
    return date ? std::optional(*date) : std::nullopt;
}

std::vector<std::string_view> parts_of(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t end = std::min(text.find(separator), text.size());
        parts.push_back(text.substr(0, end));
        if (end == text.size()) {
            return parts;
        }
        text.remove_prefix(end + 1);
    }
}

std::string capitals(std::string_view text) {
    std::string name(text);
    std::ranges::transform(name, name.begin(),
                           [](char c) { return static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c); });
    return name;
}

/// "ES-20131220", "GOOG-20140118-C-700"; nothing where the name of the file does not say it.
std::string contract_of(const LeanFile& lean, std::string_view file) {
    file.remove_suffix(file.ends_with(".csv") ? 4 : 0);
    const std::vector<std::string_view> parts = parts_of(file, '_');
    const std::string_view expiry = parts.back();
    if (!compact_date(expiry)) {
        return {};
    }
    std::string name = fmt::format("{}-{}", lean.ticker, expiry);
    if (lean.type == "future") {
        return name;
    }
    if (parts.size() < 3) {
        return {};
    }
    const std::string_view right = parts[parts.size() - 3];
    Number strike;
    const bool is_good =
        (right == "call" || right == "put") && read_number(parts[parts.size() - 2], {}, strike) == nullptr;
    return is_good ? fmt::format("{}-{}-{}", name, right == "call" ? 'C' : 'P',
                                 to_string(Decimal{divide_half_even(strike.raw, kScaled)}))
                   : std::string();
}

class LeanRows final : public Records {
public:
    static Result<std::unique_ptr<Records>> open(const Part& part) {
        auto files = files_in_zip(part.path);
        if (!files) {
            return tl::unexpected(files.error());
        }
        if (files->empty() || (!part.lean->by_contract && files->size() != 1)) {
            return fail(ErrorKind::data, fmt::format("{}: holds {} files, where LEAN puts one; download it again",
                                                     part.name, files->size()));
        }
        return std::unique_ptr<Records>(new LeanRows(part, std::move(*files)));
    }

    Result<bool> next(Fields& fields, std::uint64_t& line) override {
        while (true) {
            if (lines_ == nullptr) {
                if (file_ == files_.size()) {
                    return false;
                }
                if (auto opened = open_file(); !opened) {
                    return tl::unexpected(opened.error());
                }
            }
            auto is_there = lines_->next(row_, line);
            if (!is_there) {
                return is_there;
            }
            if (!*is_there) {
                lines_.reset();
                ++file_;
                continue;
            }
            auto is_taken = read_row(line);
            if (!is_taken) {
                return is_taken;
            }
            if (*is_taken) {
                fields.set({texts_.begin(), texts_.end()});
                return true;
            }
            ++left_out_;
        }
    }
    FeedProgress progress() const override {
        const std::uint64_t inside = lines_ == nullptr ? 0 : lines_->progress().done;
        return {(bytes_ * file_ + inside) / files_.size(), bytes_};
    }

    std::uint64_t left_out() const override { return left_out_; }

private:
    LeanRows(const Part& part, std::vector<std::string> files)
        : part_(&part), lean_(&*part.lean), files_(std::move(files)) {
        std::error_code error;
        const std::uintmax_t bytes = fs::file_size(part.path, error);
        bytes_ = error ? 0 : bytes;
    }

    Result<void> open_file() {
        const std::string& file = files_[file_];
        inner_.name = files_.size() == 1 ? part_->name : fmt::format("{}({})", part_->name, printable(file));
        symbol_ = lean_->by_contract ? contract_of(*lean_, file) : part_->symbol;
        if (symbol_.empty()) {
            return fail(ErrorKind::data,
                        fmt::format("{}: {} in it does not end with a contract's expiry as LEAN's do; unpack it and "
                                    "leave that file out",
                                    part_->name, printable(file)));
        }
        auto bytes = open_in_zip(part_->path, file);
        if (!bytes) {
            return tl::unexpected(bytes.error());
        }
        lines_ = open_lines(inner_, std::move(*bytes));
        return {};
    }

    tl::unexpected<Error> refuse(std::uint64_t line, std::string_view what) const {
        return tl::unexpected(refusal_at(inner_.name, line, what));
    }

    /// Whether the row counts.
    Result<bool> read_row(std::uint64_t line) {
        texts_.clear();
        if (auto good = add_time(line); !good) {
            return tl::unexpected(good.error());
        }
        if (lean_->resolution == "tick") {
            return read_tick(line);
        }
        const bool is_trade = lean_->ticks == LeanFile::Ticks::trade;
        constexpr std::size_t kTradeFields = 6;
        constexpr std::size_t kQuoteFields = 11;
        if (row_.size() != (is_trade ? kTradeFields : kQuoteFields)) {
            return refuse(line, fmt::format("has {} fields, where LEAN writes {} for bars of {}", row_.size(),
                                            is_trade ? kTradeFields : kQuoteFields, is_trade ? "trades" : "quotes"));
        }
        bool is_whole = true;
        for (std::size_t p = 1; p <= 4; ++p) {
            auto there = is_trade ? add_price(p, line) : add_middle(p, p + 5, line);
            if (!there) {
                return there;
            }
            is_whole = is_whole && *there;
        }
        if (!is_whole) {
            return false;
        }
        texts_.emplace_back(is_trade ? std::string(row_[5]) : std::string("0"));
        texts_.push_back(symbol_);
        return true;
    }

    Result<bool> read_tick(std::uint64_t line) {
        const bool is_trade = lean_->ticks == LeanFile::Ticks::trade;
        constexpr std::size_t kPlainQuote = 3;
        if (row_.size() < kPlainQuote) {
            return refuse(line, fmt::format("has {} fields, fewer than LEAN writes for ticks", row_.size()));
        }
        // Behind the price and the size of a share's or a future's tick: the exchange, conditions, and whether it is suspicious.
        constexpr std::size_t kSuspiciousFields = 6;
        if (row_.size() >= kSuspiciousFields && row_[row_.size() - 1] == "1") {
            return false;
        }
        auto first = add_price(1, line);
        if (!first || !*first) {
            return first;
        }
        if (is_trade) {
            texts_.emplace_back(row_[2]);
        } else if (const auto second = add_price(row_.size() == kPlainQuote ? 2 : 3, line); !second || !*second) {
            return second;
        }
        texts_.push_back(symbol_);
        return true;
    }

    Result<void> add_time(std::uint64_t line) {
        const std::string_view text = row_[0];
        if (!lean_->day) {
            constexpr std::size_t kMinuteBytes = 14;  // 20131001 09:00
            const auto date = text.size() == kMinuteBytes ? compact_date(text.substr(0, kDateDigits)) : std::nullopt;
            if (!date) {
                return refuse(
                    line, fmt::format("{} is no time as LEAN writes it here, such as 20131001 09:00", in_quotes(text)));
            }
            const bool is_day = lean_->resolution == "daily";
            texts_.push_back(is_day ? to_iso(*date)
                                    : fmt::format("{}T{}:00{}", to_iso(*date), text.substr(kDateDigits + 1),
                                                  lean_->is_utc ? "Z" : ""));
            return {};
        }
        Number millis;
        constexpr Int128 kDayMillis = 86'400'000;
        constexpr std::int64_t kRawNs = 100;  // a raw millisecond is 1e-8 of one
        if (read_number(text, {}, millis) != nullptr || millis.raw < 0 || millis.raw >= kDayMillis * kScale) {
            return refuse(line, fmt::format("{} is no time as LEAN writes it here, the milliseconds since midnight",
                                            in_quotes(text)));
        }
        const auto ns = static_cast<std::int64_t>(millis.raw / kRawNs);
        const std::int64_t second = ns / kSecondNs;
        texts_.push_back(fmt::format("{}T{:02}:{:02}:{:02}.{:09}{}", to_iso(*lean_->day), second / 3'600,
                                     second / 60 % 60, second % 60, ns % kSecondNs, lean_->is_utc ? "Z" : ""));
        return {};
    }

    /// False where the field is empty.
    Result<bool> read_price(std::size_t field, std::uint64_t line, Int128& raw) const {
        if (row_[field].empty()) {
            return false;
        }
        Number number;
        if (const char* const why = read_number(row_[field], {}, number); why != nullptr) {
            return refuse(line, fmt::format("price {} {}", in_quotes(row_[field]), why));
        }
        raw = lean_->is_scaled ? divide_half_even(number.raw, kScaled) : number.raw;
        return true;
    }
    void add(Int128 raw) { append_decimal(texts_.emplace_back(), raw); }
    Result<bool> add_price(std::size_t field, std::uint64_t line) {
        Int128 raw = 0;
        auto there = read_price(field, line, raw);
        if (there && *there) {
            add(raw);
        }
        return there;
    }
    /// Between bid and ask; the one of them that is there where the other is not, as LEAN has it.
    Result<bool> add_middle(std::size_t bid, std::size_t ask, std::uint64_t line) {
        Int128 low = 0;
        Int128 high = 0;
        const auto has_bid = read_price(bid, line, low);
        const auto has_ask = read_price(ask, line, high);
        if (!has_bid || !has_ask) {
            return has_bid ? has_ask : has_bid;
        }
        if (*has_bid || *has_ask) {
            add(!*has_bid ? high : !*has_ask ? low : divide_half_even(low + high, 2));
        }
        return *has_bid || *has_ask;
    }

    const Part* part_;
    const LeanFile* lean_;
    std::vector<std::string> files_;
    std::uint64_t bytes_ = 0;  ///< of the archive
    std::size_t file_ = 0;
    Part inner_;
    std::unique_ptr<Records> lines_;
    std::string symbol_;
    Fields row_;
    std::vector<std::string> texts_;
    std::uint64_t left_out_ = 0;
};

}  // namespace

Result<std::optional<LeanFile>> lean_file(const std::string& path, const std::string& name) {
    constexpr std::array<std::string_view, 9> kTypes{"equity", "option", "index",        "indexoption", "forex",
                                                     "cfd",    "crypto", "cryptofuture", "future"};
    constexpr std::array<std::string_view, 5> kResolutions{"tick", "second", "minute", "hour", "daily"};
    std::error_code error;
    const fs::path whole = fs::absolute(path, error);
    if (error || whole.extension() != ".zip") {
        return std::nullopt;
    }
    const std::vector<std::string> parts(whole.begin(), whole.end());
    // type / market / resolution / [ticker /] file
    std::size_t at = 0;
    for (const std::size_t back : {4U, 5U}) {
        if (parts.size() >= back && std::ranges::find(kTypes, parts[parts.size() - back]) != kTypes.end() &&
            std::ranges::find(kResolutions, parts[parts.size() - back + 2]) != kResolutions.end()) {
            at = parts.size() - back;
        }
    }
    if (at == 0) {
        return std::nullopt;
    }
    LeanFile lean;
    lean.type = parts[at];
    lean.resolution = parts[at + 2];
    const bool by_day = lean.resolution != "hour" && lean.resolution != "daily";
    if (by_day != (at + 5 == parts.size())) {
        return std::nullopt;
    }
    const std::string stem = whole.stem().string();
    const std::vector<std::string_view> words = parts_of(stem, '_');
    lean.ticker = capitals(by_day ? std::string_view(parts[at + 3]) : words.front());
    if (by_day) {
        lean.day = compact_date(words.front());
        if (!lean.day) {
            return std::nullopt;
        }
    }
    const auto says = [&words](std::string_view word) { return std::ranges::find(words, word) != words.end(); };
    if (says("openinterest")) {
        return tl::unexpected(refusal_at(name, 1,
                                         "holds LEAN's open interest, not prices; name the archive of trades "
                                         "or quotes, as with *_trade.zip"));
    }
    const bool is_quoted = lean.type == "forex" || lean.type == "cfd";
    lean.ticks = says("quote") || (is_quoted && !says("trade")) ? LeanFile::Ticks::quote : LeanFile::Ticks::trade;
    lean.by_contract = lean.type == "future" || lean.type == "option" || lean.type == "indexoption";
    lean.is_scaled = lean.type == "equity" || lean.type == "option" || lean.type == "indexoption";
    lean.is_utc = lean.type == "crypto" || lean.type == "cryptofuture" || lean.type == "future";
    if (lean.resolution == "tick" && lean.ticks == LeanFile::Ticks::quote && lean.type == "equity") {
        return tl::unexpected(refusal_at(name, 1,
                                         "holds LEAN's ticks of quotes of a share, each of which gives one side of the "
                                         "book alone; name its quotes by the second or the minute"));
    }
    return lean;
}

Layout layout_of(const LeanFile& lean) {
    Layout layout;
    layout.field_of.fill(kAbsent);
    layout.name = fmt::format("LEAN {} {} {}", lean.type, lean.resolution,
                              lean.ticks == LeanFile::Ticks::trade ? "trades" : "quotes");
    layout.content = lean.resolution != "tick"              ? Content::bars
                     : lean.ticks == LeanFile::Ticks::trade ? Content::trades
                                                            : Content::quotes;
    std::vector<Role> roles{Role::time, Role::open, Role::high, Role::low, Role::close, Role::volume};
    if (layout.content != Content::bars) {
        roles = layout.content == Content::trades ? std::vector{Role::time, Role::price, Role::quantity}
                                                  : std::vector{Role::time, Role::bid, Role::ask};
    }
    roles.push_back(Role::symbol);
    for (std::size_t f = 0; f < roles.size(); ++f) {
        layout.put(roles[f], f);
    }
    layout.naming = lean.by_contract ? Naming::column : Naming::file;
    return layout;
}

Result<std::unique_ptr<Records>> open_lean(const Part& part) {
    return LeanRows::open(part);
}

bool is_like_lean(std::string_view line) {
    Fields fields;
    constexpr std::size_t kTradeFields = 6;
    if (!fields.split(line, ',') || fields.size() != kTradeFields) {
        return false;
    }
    for (std::size_t f = 1; f < kTradeFields; ++f) {
        Number number;
        if (read_number(fields[f], {}, number) != nullptr) {
            return false;
        }
    }
    constexpr std::size_t kMinuteBytes = 14;
    const std::string_view time = fields[0];
    const bool is_minute =
        time.size() == kMinuteBytes && compact_date(time.substr(0, kDateDigits)) && time[kDateDigits] == ' ';
    return is_minute || (is_digits(time) && time.size() <= kDateDigits && !compact_date(time));
}

}  // namespace alpha::foreign
