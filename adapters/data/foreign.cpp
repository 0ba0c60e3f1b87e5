#include "adapters/data/foreign.hpp"

#include "adapters/data/foreign_rows.hpp"
#include "adapters/data/interval_guess.hpp"
#include "events/assert.hpp"
#include "events/text.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <numeric>
#include <system_error>
#include <utility>

namespace alpha {

namespace {

using namespace foreign;
namespace fs = std::filesystem;

std::string show_count(std::uint64_t count) {
    std::string text = std::to_string(count);
    for (std::size_t at = text.size(); at > 3;) {
        at -= 3;
        text.insert(at, 1, ',');
    }
    return text;
}

/// "1 row", "2,000 rows"
std::string count_of(std::uint64_t count, std::string_view what) {
    return fmt::format("{} {}{}", show_count(count), what, count == 1 ? "" : "s");
}

// ---- files ------------------------------------------------------------------------------------------------------------

/// Whether `name` fits `pattern`, in which * stands for any characters and ? for one.
bool fits(std::string_view name, std::string_view pattern) {
    std::size_t n = 0;
    std::size_t p = 0;
    std::size_t star = std::string_view::npos;
    std::size_t retry = 0;
    while (n < name.size()) {
        if (p < pattern.size() && (pattern[p] == '?' || (pattern[p] == name[n] && pattern[p] != '*'))) {
            ++n;
            ++p;
        } else if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            retry = n;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            n = ++retry;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

Result<void> add_files(const std::string& path, std::vector<std::string>& files) {
    std::error_code error;
    const bool is_pattern = path.find_first_of("*?") != std::string::npos && !fs::exists(path, error);
    if (!is_pattern && !fs::is_directory(path, error)) {
        files.push_back(path);
        return {};
    }
    const fs::path folder = is_pattern ? fs::path(path).parent_path() : fs::path(path);
    const std::string pattern = is_pattern ? fs::path(path).filename().string() : "*";
    std::vector<std::string> found;
    fs::directory_iterator each(folder.empty() ? fs::path(".") : folder, error);
    for (; !error && each != fs::directory_iterator(); each.increment(error)) {
        const std::string name = each->path().filename().string();
        if (!name.starts_with('.') && fits(name, pattern) && each->is_regular_file(error)) {
            found.push_back((folder / name).string());
        }
    }
    if (error) {
        return fail(ErrorKind::data, fmt::format("{}: the folder cannot be read ({})", path, error.message()));
    }
    if (found.empty()) {
        return fail(ErrorKind::data,
                    fmt::format("{}: {}", path,
                                is_pattern ? "no file fits this pattern; check it, and the folder it is relative to"
                                           : "the folder holds no file; name one that holds data"));
    }
    std::ranges::sort(found);
    files.insert(files.end(), found.begin(), found.end());
    return {};
}

Result<Head> head_of(const std::string& path) {
    auto bytes = open_bytes(path);
    if (!bytes) {
        return tl::unexpected(bytes.error());
    }
    constexpr std::size_t kHeadBytes = 64U << 10U;
    Head head;
    head.text.resize(kHeadBytes);
    std::size_t size = 0;
    while (size < kHeadBytes && !head.is_whole) {
        const auto got = (*bytes)->read(std::span(head.text).subspan(size));
        if (!got) {
            return tl::unexpected(got.error());
        }
        size += *got;
        head.is_whole = *got == 0;
    }
    head.text.resize(size);
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (head.text.starts_with(kByteOrderMark)) {
        head.text.erase(0, kByteOrderMark.size());
    }
    head.has_lone_cr = head.text.find('\n') == std::string::npos && head.text.find('\r') != std::string::npos;
    return head;
}

// ---- what is to be done -----------------------------------------------------------------------------------------------

/// Everything that was decided before the first row.
struct Plan {
    ForeignOptions options;
    TimesOf times;
    std::vector<Part> parts;
    Duration resample;
    bool is_sorted = true;
    bool by_date = false;  ///< the bars that come out
    IntervalGuess lengths;
    bool starts_at_midnight = true;
};

/// The rows of all files with what they share.
class Chain {
public:
    explicit Chain(const Plan& plan) : plan_(&plan) {}
    Chain(const Chain&) = delete;
    Chain& operator=(const Chain&) = delete;

    Result<bool> next(Row& row) {
        while (true) {
            if (rows_ == nullptr) {
                if (at_ == plan_->parts.size()) {
                    return false;
                }
                rows_ = std::make_unique<FileRows>(
                    plan_->parts[at_], static_cast<std::uint32_t>(at_), plan_->options, symbols,
                    [this](std::uint32_t symbol) { return zone_of(symbol); }, counts);
            }
            auto is_there = rows_->next(row);
            if (!is_there || *is_there) {
                return is_there;
            }
            done_ += rows_->progress().done;
            rows_.reset();
            ++at_;
        }
    }
    std::uint64_t consumed() const { return done_ + (rows_ == nullptr ? 0 : rows_->progress().done); }

    /// When the instrument trades, where somebody says so.
    const std::optional<markets::DayTimes>& times_of(std::uint32_t symbol) {
        while (times_.size() <= symbol) {
            times_.push_back(plan_->times ? plan_->times(symbols.names()[times_.size()]) : std::nullopt);
        }
        return times_[symbol];
    }
    const markets::Zone* zone_of(std::uint32_t symbol) {
        if (plan_->options.zone) {
            return &*plan_->options.zone;
        }
        const auto& times = times_of(symbol);
        if (!times) {
            return nullptr;
        }
        if (times->calendar() != nullptr) {
            return &times->calendar()->zone();
        }
        const std::int32_t offset_s = times->hours().utc_offset_s;
        return &fixed_.try_emplace(offset_s, markets::Zone{{}, {{kBeforeAll, offset_s}}}).first->second;
    }

    SymbolTable symbols;
    Counts counts;

private:
    const Plan* plan_;
    std::size_t at_ = 0;
    std::unique_ptr<FileRows> rows_;
    std::uint64_t done_ = 0;
    std::deque<std::optional<markets::DayTimes>> times_;
    std::map<std::int32_t, markets::Zone> fixed_;
};

// ---- bars of rows -----------------------------------------------------------------------------------------------------

/// A span of time that becomes one bar.
struct Bucket {
    Row bar;
    Date date;
    Time end;
    bool is_inside = true;
    bool is_cut = false;  ///< by midnight: a bar of the next day would begin before it ends
};

/// The rows in order of time, without repeats, made into longer bars where that is asked for.
class Pipeline {
public:
    explicit Pipeline(std::shared_ptr<const Plan> plan) : plan_(std::move(plan)), chain_(*plan_) {}

    Result<bool> next(Row& row) {
        if (plan_->resample.ns == 0) {
            return next_single(row);
        }
        while (ready_.empty()) {
            if (is_over_) {
                return false;
            }
            Row one;
            auto is_there = next_single(one);
            if (!is_there) {
                return is_there;
            }
            is_over_ = !*is_there;
            if (auto taken = is_over_ ? Result<void>() : take(one); !taken) {
                return tl::unexpected(taken.error());
            }
            release(is_over_ ? kNever : one.time);
        }
        row = ready_.front();
        ready_.pop_front();
        return true;
    }

    Chain& chain() { return chain_; }
    const Chain& chain() const { return chain_; }

private:
    /// The next row in order of time, as the files give it.
    Result<bool> next_ordered(Row& row) {
        if (plan_->is_sorted) {
            return chain_.next(row);
        }
        if (!is_loaded_) {
            is_loaded_ = true;
            Row one;
            while (true) {
                const auto is_there = chain_.next(one);
                if (!is_there) {
                    return is_there;
                }
                if (!*is_there) {
                    break;
                }
                sorted_.push_back(one);
            }
            std::ranges::stable_sort(sorted_, {}, &Row::time);
        }
        if (at_ == sorted_.size()) {
            return false;
        }
        row = sorted_[at_++];
        return true;
    }

    /// The next row that is no repeat: of a bar the same instrument and time come once.
    Result<bool> next_single(Row& row) {
        if (plan_->parts.front().layout.content != Content::bars) {
            return next_ordered(row);
        }
        if (group_at_ == group_.size()) {
            if (auto read = read_group(); !read) {
                return tl::unexpected(read.error());
            }
        }
        if (group_at_ == group_.size()) {
            return false;
        }
        row = group_[group_at_++];
        return true;
    }

    /// All rows of the next time.
    Result<void> read_group() {
        group_.clear();
        group_at_ = 0;
        of_symbol_.clear();
        if (next_group_) {
            add_to_group(*std::exchange(next_group_, std::nullopt));
        }
        while (true) {
            if (failure_) {  // what is good comes first
                return group_.empty() ? Result<void>(tl::unexpected(*failure_)) : Result<void>();
            }
            Row row;
            const auto is_there = next_ordered(row);
            if (!is_there) {
                failure_ = is_there.error();
                continue;
            }
            if (!*is_there) {
                return {};
            }
            if (!group_.empty() && row.time != group_.front().time) {
                next_group_ = row;
                return {};
            }
            add_to_group(row);
        }
    }
    /// With failure_ where it contradicts another row.
    void add_to_group(const Row& row) {
        const auto [at, is_new] = of_symbol_.emplace(row.symbol, group_.size());
        if (is_new) {
            group_.push_back(row);
            return;
        }
        Row& before = group_[at->second];
        if (before.has_same_values(row)) {
            ++chain_.counts.repeated;
            return;
        }
        if (plan_->options.duplicates == Duplicates::refuse) {
            const std::string other = before.part == row.part
                                          ? fmt::format("line {}", before.line)
                                          : fmt::format("{}:{}", plan_->parts[before.part].name, before.line);
            failure_ = refusal_at(
                plan_->parts[row.part].name, row.line,
                fmt::format(
                    "holds another bar of {} at {} than {}; remove one, or say which counts: duplicates: first or last "
                    "(--duplicates first|last)",
                    in_quotes(chain_.symbols.names()[row.symbol]),
                    plan_->by_date ? to_iso(TradingHours{}.date_of(row.time)) : to_iso(row.time), other));
            return;
        }
        ++chain_.counts.replaced;
        if (plan_->options.duplicates == Duplicates::last) {
            before = row;
        }
    }

    /// Where trading without a break lies that a time belongs to.
    struct Stretch {
        Date date;
        Time open;
        Time close;
        Time end;  ///< nothing of the same date comes any more
    };

    /// By the instrument's session, a break of the day's apart; else a day of the zone.
    Stretch stretch_of(const Row& row) {
        Stretch found;
        const auto& times = chain_.times_of(row.symbol);
        if (!times) {
            const markets::Zone* const zone = chain_.zone_of(row.symbol);
            const std::int32_t offset_s = zone == nullptr ? 0 : zone->offset_s_at(row.time);
            found.date = TradingHours{offset_s}.date_of(row.time);
            const auto midnight = [&](Date day) {
                return zone == nullptr ? TradingHours{}.midnight(day) : zone->utc_of(day, 0);
            };
            found.open = midnight(found.date);
            found.close = found.end = midnight(Date{found.date.days + 1});
            return found;
        }
        found.date = times->date_of(row.time);
        found.open = times->open_on(found.date);
        found.close = times->close_on(found.date);
        found.end = times->end_of(found.date);
        if (times->calendar() == nullptr) {
            return found;
        }
        // Worked out once a day.
        stretches_.resize(std::max<std::size_t>(stretches_.size(), row.symbol + 1));
        std::vector<Stretch>& all = stretches_[row.symbol];
        if (all.empty() || all.front().date != found.date) {
            all = stretches_within(*times, found);
        }
        const auto after = std::ranges::upper_bound(all, row.time, {}, &Stretch::open);
        return after == all.begin() ? all.front() : *std::prev(after);
    }
    /// Of a day, in order, at least one.
    static std::vector<Stretch> stretches_within(const markets::DayTimes& times, const Stretch& day) {
        std::vector<Stretch> all;
        for (const markets::PhaseTimes& phase : times.calendar()->phases_on(day.date)) {
            if (phase.close <= day.open || phase.open >= day.close || !times.trades(times.calendar()->at(phase.open))) {
                continue;
            }
            const bool goes_on = !all.empty() && all.back().close == phase.open;
            if (!goes_on && phase.phase != markets::Phase::continuous) {
                continue;  // as on other days, what is matched before an opening is in no bar
            }
            if (!goes_on) {
                all.push_back({day.date, std::max(phase.open, day.open), {}, day.end});
            }
            all.back().close = std::min(phase.close, day.close);
        }
        return all.empty() ? std::vector{day} : all;
    }

    /// The bar that a row belongs to.
    Bucket bucket_of(const Row& row) {
        const std::int64_t step = plan_->resample.ns;
        const Stretch stretch = stretch_of(row);
        Bucket bucket;
        bucket.bar = row;
        bucket.date = stretch.date;
        bucket.end = stretch.end;
        // A trade at the very end of the session still belongs to it.
        const bool is_last = row.time == stretch.close && plan_->parts.front().layout.content != Content::bars;
        bucket.is_inside = row.time >= stretch.open && (row.time < stretch.close || is_last);
        if (step == kDayNs) {
            bucket.bar.time = TradingHours{}.midnight(stretch.date);
            bucket.bar.offset_s = 0;
            return bucket;
        }
        const std::int64_t within = (is_last ? stretch.close.ns - 1 : row.time.ns) - stretch.open.ns;
        bucket.bar.time = Time{stretch.open.ns + within / step * step};
        bucket.end = std::min(Time{bucket.bar.time.ns + step}, stretch.close);
        bucket.end.ns += is_last ? 1 : 0;
        if (chain_.times_of(row.symbol)) {
            return bucket;
        }
        constexpr std::int64_t kHourNs = 3'600 * kSecondNs;
        if (const markets::Zone* const zone = chain_.zone_of(row.symbol); zone != nullptr && step > kHourNs) {
            // By what the clock shows: bars after a change of the clocks begin when those of other days do.
            const std::int64_t shown_ns =
                row.time.ns + zone->offset_s_at(row.time) * kSecondNs - TradingHours{}.midnight(stretch.date).ns;
            const auto at = [&](std::int64_t ns) {
                return zone->utc_of(stretch.date, static_cast<std::int32_t>(std::min(ns, kDayNs) / kSecondNs));
            };
            bucket.bar.time = at(shown_ns / step * step);
            bucket.end = at((shown_ns / step + 1) * step);
        }
        bucket.is_cut = (bucket.end - bucket.bar.time).ns != step;
        return bucket;
    }

    Result<void> take(const Row& row) {
        Bucket bucket = bucket_of(row);
        if (!bucket.is_inside) {
            ++chain_.counts.outside;
            return {};
        }
        if (bucket.is_cut) {
            return tl::unexpected(refusal_at(
                plan_->parts[row.part].name, row.line,
                fmt::format(
                    "bars of {} counted from midnight do not fit the day of {}, whether because a day is no "
                    "multiple of them or because the clocks were changed; say when the market trades (session: "
                    "or calendar: of the instrument, --session or --calendar on the command line), count in UTC, "
                    "or choose another length",
                    to_string(plan_->resample), to_iso(bucket.date))));
        }
        const auto [at, is_new] = open_.try_emplace({bucket.bar.time, row.symbol}, bucket);
        if (is_new) {
            return {};
        }
        Row& bar = at->second.bar;
        at->second.end = std::max(at->second.end, bucket.end);
        bar.price[1] = std::max(bar.price[1], row.price[1]);
        bar.price[2] = std::min(bar.price[2], row.price[2]);
        bar.price[3] = row.price[3];
        Volume sum;
        Volume more;
        sum.raw = bar.volume;
        more.raw = row.volume;
        const auto whole = parse_volume(to_string(Decimal{sum.scaled() + more.scaled()}));
        if (!whole) {
            return tl::unexpected(refusal_at(plan_->parts[row.part].name, row.line,
                                             "makes the volume of its bar too large; check the column of the volume"));
        }
        bar.volume = whole->raw;
        return {};
    }
    /// Hands out the bars in front of which nothing can come any more.
    void release(Time now) {
        while (!open_.empty() && (now == kNever || open_.begin()->second.end <= now)) {
            ready_.push_back(open_.begin()->second.bar);
            open_.erase(open_.begin());
        }
    }

    std::shared_ptr<const Plan> plan_;
    Chain chain_;
    bool is_loaded_ = false;
    std::vector<Row> sorted_;
    std::size_t at_ = 0;
    std::vector<Row> group_;
    std::size_t group_at_ = 0;
    std::map<std::uint32_t, std::size_t> of_symbol_;
    std::optional<Row> next_group_;
    std::optional<Error> failure_;
    std::vector<std::vector<Stretch>> stretches_;  ///< of each symbol's present day
    std::map<std::pair<Time, std::uint32_t>, Bucket> open_;
    std::deque<Row> ready_;
    bool is_over_ = false;
};

/// The rows as the text that alpha reads.
class Translation final : public ByteSource {
public:
    explicit Translation(std::shared_ptr<const Plan> plan) : plan_(std::move(plan)), pipeline_(plan_) {
        for (const Part& part : plan_->parts) {
            std::error_code error;
            const std::uintmax_t bytes = fs::file_size(part.path, error);
            file_bytes_ += error ? 0 : bytes;
        }
        text_ = plan_->by_date ? "date,open,high,low,close,volume,instrument\n"
                               : "timestamp,open,high,low,close,volume,instrument\n";
    }

    Result<std::size_t> read(std::span<char> into) override {
        constexpr std::size_t kEnough = 64U << 10U;
        if (at_ == text_.size() && !failure_) {
            text_.clear();
            at_ = 0;
            Row row;
            while (text_.size() < kEnough) {
                const auto is_there = pipeline_.next(row);
                if (!is_there) {
                    failure_ = is_there.error();
                }
                if (!is_there || !*is_there) {
                    break;
                }
                add(row);
            }
        }
        if (at_ == text_.size() && failure_) {
            return tl::unexpected(*failure_);
        }
        const std::size_t size = std::min(into.size(), text_.size() - at_);
        std::memcpy(into.data(), text_.data() + at_, size);
        at_ += size;
        return size;
    }
    std::uint64_t consumed() const override { return pipeline_.chain().consumed(); }
    std::uint64_t file_bytes() const override { return file_bytes_; }

    /// Translates up to the line again: only errors ask.
    ErrorPlace origin(std::uint64_t line) const override {
        Pipeline again(plan_);
        Row row;
        row.line = 1;
        for (std::uint64_t at = 1; at < line; ++at) {
            const auto is_there = again.next(row);
            if (!is_there || !*is_there) {
                break;
            }
        }
        return {plan_->parts[row.part].name, row.line, 0};
    }

private:
    void add(const Row& row) {
        text_ += plan_->by_date ? to_iso(TradingHours{}.date_of(row.time)) : text_of(row.time, row.offset_s);
        for (const std::int64_t price : row.price) {
            text_ += ',';
            append_decimal(text_, price);
        }
        Volume volume;
        volume.raw = row.volume;
        text_ += ',' + to_string(volume) + ',';
        const std::string& name = pipeline_.chain().symbols.names()[row.symbol];
        if (name.find_first_of(",\"") == std::string::npos) {
            text_ += name;
        } else {
            text_ += '"';
            for (const char c : name) {
                text_.append(c == '"' ? 2 : 1, c);
            }
            text_ += '"';
        }
        text_ += '\n';
    }

    std::shared_ptr<const Plan> plan_;
    Pipeline pipeline_;
    std::string text_;
    std::size_t at_ = 0;
    std::optional<Error> failure_;
    std::uint64_t file_bytes_ = 0;
};

// ---- planning ---------------------------------------------------------------------------------------------------------

/// Recognises one file. Nothing where it is alpha's own and stands alone.
Result<std::optional<Part>> part_of(const DataSource& source, const std::string& path, bool is_one_of_many,
                                    bool has_zone) {
    Part part;
    part.path = path;
    part.name = source.shown_as.empty() ? path : source.shown_as;
    auto lean = source.shown_as.empty() ? lean_file(path, part.name) : Result<std::optional<LeanFile>>();
    if (!lean) {
        return tl::unexpected(lean.error());
    }
    if (*lean) {
        part.lean = std::move(*lean);
        part.layout = layout_of(*part.lean);
        part.symbol = source.instrument.empty() ? part.lean->ticker : source.instrument;
        auto surveyed = survey(part, source.foreign);
        part.by_date = part.lean->resolution == "daily";
        return surveyed ? Result<std::optional<Part>>(std::move(part)) : tl::unexpected(surveyed.error());
    }
    const auto head = head_of(path);
    if (!head) {
        return tl::unexpected(head.error());
    }
    auto layout = recognise(*head, part.name, source.foreign, has_zone, is_one_of_many);
    if (!layout) {
        return tl::unexpected(layout.error());
    }
    if (!*layout) {
        return is_one_of_many ? fail(ErrorKind::data,
                                     fmt::format("{}: is no table of bars that could be read together with the other "
                                                 "files; make it an entry of its own, or leave it out",
                                                 part.name))
                              : Result<std::optional<Part>>(std::nullopt);
    }
    part.layout = std::move(**layout);
    part.has_lone_cr = head->has_lone_cr;
    part.symbol = source.instrument.empty() ? instrument_after(source.shown_as.empty() ? path : "") : source.instrument;
    if (source.instrument.empty() && part.layout.name == "yfinance") {
        part.symbol = name_of_yahoo(part.symbol);
    }
    if (part.layout.naming == Naming::file && part.symbol.empty()) {
        return tl::unexpected(
            refusal_at(part.name, 1,
                       "no column names an instrument, and the file's name can be none; say whose bars these are, "
                       "as in instrument: IBM (--instrument IBM on the command line)"));
    }
    if (auto surveyed = survey(part, source.foreign); !surveyed) {
        return tl::unexpected(surveyed.error());
    }
    return part;
}

std::string bound_text(const DataBound& bound) {
    return bound.day ? to_iso(*bound.day) : to_iso(bound.time);
}

/// What to say of a range in which there is no row, with what the files span.
Error nothing_in_range(const Plan& plan) {
    Plan whole = plan;
    whole.options.from.reset();
    whole.options.to.reset();
    Chain chain(whole);
    std::optional<Row> first;
    std::optional<Row> last;
    for (Row row; chain.next(row).value_or(false);) {
        first = first && first->time <= row.time ? first : row;
        last = last && last->time >= row.time ? last : row;
    }
    const auto show = [&](const Row& row) {
        const Part& part = plan.parts[row.part];
        return part.by_date ? to_iso(TradingHours{}.date_of(row.time)) : text_of(row.time, row.offset_s);
    };
    std::string range = plan.options.from ? "from " + bound_text(*plan.options.from) : std::string();
    if (plan.options.to) {
        range += (range.empty() ? "until " : " until ") + bound_text(*plan.options.to);
    }
    return refusal_at(plan.parts.front().name, 1,
                      fmt::format("no row lies in the range {}: the first is of {}, the last of {}; check the dates",
                                  range, first ? show(*first) : "", last ? show(*last) : ""));
}

/// Goes once through all rows for what must be known of them before they are translated.
Result<void> check_rows(Plan& plan) {
    Chain chain(plan);
    Row row;
    Time last = kBeforeAll;
    std::vector<Time> last_of;
    std::int64_t common = 0;
    plan.is_sorted = true;
    while (true) {
        const auto is_there = chain.next(row);
        if (!is_there) {
            // Rows before it are good: whoever reads them comes to it.
            return chain.counts.rows == 0 ? tl::unexpected(is_there.error()) : Result<void>();
        }
        if (!*is_there) {
            break;
        }
        plan.is_sorted = plan.is_sorted && row.time >= last;
        last = row.time;
        if (last_of.size() <= row.symbol) {
            last_of.resize(row.symbol + 1, kBeforeAll);
            const TradingHours there{row.offset_s};
            plan.starts_at_midnight = plan.starts_at_midnight && row.time == there.midnight(there.date_of(row.time));
        }
        const Time before = std::exchange(last_of[row.symbol], row.time);
        const std::int64_t gap = before == kBeforeAll ? 0 : std::abs(row.time.ns - before.ns);
        if (gap != 0) {
            common = std::gcd(common, gap);
            plan.lengths.add(Duration{gap});
        }
    }
    if (chain.counts.rows == 0 && chain.counts.out_of_range != 0) {
        return tl::unexpected(nothing_in_range(plan));
    }
    const std::string& name = plan.parts.front().name;
    const auto refuse = [&name](std::string_view what) { return tl::unexpected(refusal_at(name, 1, what)); };
    std::string held;
    for (const std::string& other : chain.counts.others) {
        held += (held.empty() ? "; the file holds " : ", ") + printable(other);
    }
    for (const std::string& wanted : plan.options.only) {
        if (chain.symbols.find(wanted) == SymbolTable::kUnknown) {
            return refuse(fmt::format("the file holds no row of instrument {}{}; check its name{}{}", in_quotes(wanted),
                                      plan.options.from || plan.options.to ? " in that range" : "",
                                      plan.options.from || plan.options.to ? " and the dates" : "", held));
        }
    }
    if (!plan.is_sorted && chain.counts.rows > kMaxSortedRows) {
        return refuse(fmt::format(
            "the rows are not in order of time, and there are more than {} to sort; sort the file by time, or "
            "split it",
            show_count(kMaxSortedRows)));
    }
    const bool is_bars = plan.parts.front().layout.content == Content::bars;
    if (is_bars && plan.resample.ns != 0 && plan.resample.ns != kDayNs && common != 0 &&
        plan.resample.ns % common != 0) {
        return refuse(
            fmt::format("the bars lie {} apart, and such bars do not add up to bars of {}; resample to a multiple",
                        to_string(Duration{common}), to_string(plan.resample)));
    }
    return {};
}

Result<std::shared_ptr<const Plan>> plan_of(const DataSource& source, const TimesOf& times) {
    std::shared_ptr<const Plan> none;
    const auto files = files_of(source);
    if (!files) {
        return tl::unexpected(files.error());
    }
    auto plan = std::make_shared<Plan>();
    plan->options = source.foreign;
    plan->times = times;
    const bool knows_session = times && !source.instrument.empty() && times(source.instrument).has_value();
    for (const std::string& file : *files) {
        auto part =
            part_of(source, file, files->size() > 1,
                    source.foreign.zone || knows_session || (times && times(instrument_after(file)).has_value()));
        if (!part) {
            return tl::unexpected(part.error());
        }
        if (!*part) {
            return none;
        }
        plan->parts.push_back(std::move(**part));
        const Part& first = plan->parts.front();
        const Part& last = plan->parts.back();
        if (first.by_date != last.by_date || first.layout.content != last.layout.content) {
            return fail(ErrorKind::data, fmt::format("{}: holds {}, but {} {}; make each an entry of its own",
                                                     last.name, last.by_date ? "rows of dates" : "rows of times",
                                                     first.name, first.by_date ? "rows of dates" : "other rows"));
        }
        if (first.lean && last.lean && first.lean->ticks != last.lean->ticks) {
            return fail(ErrorKind::data,
                        fmt::format("{}: holds other ticks than {}; name those of trades or those of quotes alone, as "
                                    "with *_trade.zip",
                                    last.name, first.name));
        }
    }
    const Part& first = plan->parts.front();
    if (!source.instrument.empty() && plan->options.only.empty()) {
        plan->options.only = {source.instrument};
    }
    plan->resample = source.foreign.resample;
    if (first.layout.content != Content::bars && plan->resample.ns == 0) {
        plan->resample = source.interval;
        if (plan->resample.ns == 0) {
            return tl::unexpected(
                refusal_at(first.name, 1,
                           fmt::format("holds {}, not bars; say how long the bars made of them are to last, as in "
                                       "resample: 1m (--resample 1m on "
                                       "the command line)",
                                       first.layout.content == Content::trades ? "single prices" : "bids and asks")));
        }
    }
    if (first.by_date && plan->resample.ns != 0) {
        if (plan->resample.ns != kDayNs || first.layout.content != Content::bars) {
            return tl::unexpected(
                refusal_at(first.name, first.layout.header_lines + 1,
                           fmt::format("holds a date without a time of day, of which no bars of {} can be made",
                                       to_string(plan->resample))));
        }
        plan->resample = {};
    }
    plan->by_date = first.by_date || plan->resample.ns == kDayNs;
    if (auto checked = check_rows(*plan); !checked) {
        return tl::unexpected(checked.error());
    }
    return plan;
}

std::string read_as(const Plan& plan) {
    const Part& part = plan.parts.front();
    std::string text = part.layout.name;
    for (const Part& other : plan.parts) {
        text = other.layout.name == part.layout.name ? text : "several formats";
    }
    if (plan.parts.size() > 1) {
        text += fmt::format(", {} files", plan.parts.size());
    }
    if (part.layout.header_lines > 1) {
        text += fmt::format(", {} header lines", part.layout.header_lines);
    }
    if (part.layout.separator != ',') {
        text += part.layout.separator == ';'   ? ", semicolons"
                : part.layout.separator == '|' ? ", bars between columns"
                                               : ", tabs";
    }
    if (part.numbers.point == ',') {
        text += ", decimal commas";
    }
    if (part.order != DateOrder::unknown) {
        text += fmt::format(", dates {}", name_of(part.order));
    } else if (part.by_date) {
        text += ", dates";
    }
    if (part.unit_ns != 0 && !part.by_date) {
        text += fmt::format(", times in {} since 1970", part.unit_ns == kSecondNs   ? "seconds"
                                                        : part.unit_ns == 1'000'000 ? "milliseconds"
                                                        : part.unit_ns == 1'000     ? "microseconds"
                                                                                    : "nanoseconds");
    } else if (!part.by_date && plan.options.zone) {
        text += fmt::format(", times {}", plan.options.zone->name);
    }
    return text;
}

/// How long the bars are that come out.
Duration interval_of(const Plan& plan) {
    if (plan.by_date) {
        return {kDayNs};
    }
    if (plan.resample.ns != 0) {
        return plan.resample;
    }
    if (plan.lengths.is_empty()) {
        return Duration{plan.starts_at_midnight ? kDayNs : 60 * kSecondNs};
    }
    return plan.lengths.shortest();
}

}  // namespace

Result<DataBound> parse_bound(std::string_view text) {
    if (const auto day = parse_date(text)) {
        return DataBound{*day, {}};
    }
    if (const auto stamp = parse_timestamp(text)) {
        return DataBound{std::nullopt, stamp->time};
    }
    return fail(
        ErrorKind::usage,
        fmt::format("{} is neither a date nor a time; write 2024-03-28 or 2024-03-28T09:15:00+05:30", in_quotes(text)));
}

std::string instrument_after(const std::string& file) {
    fs::path path = fs::path(file).filename();
    if (path.extension() == ".gz" || path.extension() == ".zst" || path.extension() == ".zip") {
        path = path.stem();
    }
    std::string name = path.stem().string();
    return name_refusal(name).empty() ? name : std::string();
}

Result<std::vector<std::string>> files_of(const DataSource& source) {
    std::vector<std::string> files;
    if (auto added = add_files(source.file, files); !added) {
        return tl::unexpected(added.error());
    }
    for (const std::string& more : source.more) {
        if (auto added = add_files(more, files); !added) {
            return tl::unexpected(added.error());
        }
    }
    return files;
}

Result<std::optional<ForeignReport>> look_at_foreign(const DataSource& source, const TimesOf& times) {
    const auto plan = plan_of(source, times);
    if (!plan) {
        return tl::unexpected(plan.error());
    }
    if (*plan == nullptr) {
        return std::nullopt;
    }
    Pipeline pipeline(*plan);
    ForeignReport report;
    Row row;
    while (true) {
        const auto is_there = pipeline.next(row);
        if (!is_there) {
            return tl::unexpected(is_there.error());
        }
        if (!*is_there) {
            break;
        }
        ++report.bars;
    }
    const Counts& counts = pipeline.chain().counts;
    const auto tell = [&report](std::uint64_t count, std::string text) {
        if (count != 0) {
            report.did.push_back(std::move(text));
        }
    };
    tell((*plan)->is_sorted ? 0 : 1, "sorted the rows by time");
    tell(counts.rounded, fmt::format("rounded {} to {} decimals", count_of(counts.rounded, "price"),
                                     (*plan)->parts.front().numbers.decimals));
    tell(counts.empty, fmt::format("dropped {}", count_of(counts.empty, "empty row")));
    tell(counts.untraded, fmt::format("dropped {} in which nothing was traded", count_of(counts.untraded, "row")));
    tell(counts.adjusted, fmt::format("brought open, high and low of {} to where its adjusted close is",
                                      count_of(counts.adjusted, "row")));
    tell(counts.suspicious, fmt::format("left out {} that LEAN marks as suspicious or without a price",
                                        count_of(counts.suspicious, "row")));
    tell(counts.no_volume, fmt::format("took {} as 0", count_of(counts.no_volume, "empty volume")));
    tell(counts.repeated, fmt::format("dropped {}", count_of(counts.repeated, "repeated row")));
    tell(counts.replaced, fmt::format("kept the {} of {} of one time, {}",
                                      (*plan)->options.duplicates == Duplicates::first ? "first" : "last", "the bars",
                                      count_of(counts.replaced, "time")));
    tell(counts.out_of_range, fmt::format("left out {} outside of the range", count_of(counts.out_of_range, "row")));
    tell(counts.outside, fmt::format("left out {} outside of the session", count_of(counts.outside, "row")));
    tell((*plan)->resample.ns == 0 ? 0 : 1,
         fmt::format("made bars of {} of {}", to_string((*plan)->resample), count_of(counts.rows, "row")));
    report.read_as = read_as(**plan);
    report.symbols = pipeline.chain().symbols.names();
    report.interval = interval_of(**plan);
    report.interval_doubt = (*plan)->by_date || (*plan)->resample.ns != 0 ? "" : (*plan)->lengths.doubt();
    report.names_instruments = (*plan)->parts.front().layout.naming != Naming::file || (*plan)->parts.size() > 1;
    return report;
}

Result<std::unique_ptr<ByteSource>> open_text(const DataSource& source, const TimesOf& times) {
    auto plan = plan_of(source, times);
    if (!plan) {
        return tl::unexpected(plan.error());
    }
    if (*plan == nullptr) {
        return open_bytes(source.file);
    }
    return std::make_unique<Translation>(std::move(*plan));
}

}  // namespace alpha
