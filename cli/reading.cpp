#include "cli/reading.hpp"

#include "cli/data_check.hpp"
#include "config/zones.hpp"
#include "events/fixed.hpp"
#include "store/data_set.hpp"

#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <memory>
#include <string_view>
#include <utility>

namespace alpha {
namespace {

Result<Duration> bar_length(std::string_view option, const std::string& text) {
    const Result<Duration> duration = parse_duration(text);
    if (!duration) {
        return fail(ErrorKind::usage, fmt::format("{}: {}", option, duration.error().message));
    }
    if (*duration < kShortestBar || *duration > kLongestBar) {
        return fail(ErrorKind::usage, fmt::format("{} {}: write a duration from {} to {}", option, text,
                                                  to_string(kShortestBar), to_string(kLongestBar)));
    }
    return *duration;
}

Result<void> read_bound(std::string_view option, const std::string& text, std::optional<DataBound>& into) {
    if (text.empty()) {
        return {};
    }
    auto bound = parse_bound(text);
    if (!bound) {
        return fail(ErrorKind::usage, fmt::format("{}: {}", option, bound.error().message));
    }
    into = *bound;
    return {};
}

/// What was typed of how other programs' files are read.
Result<ForeignOptions> foreign_options(const ReadRequest& request, const Zone& zone) {
    ForeignOptions options;
    for (const std::string& each : request.map) {
        const std::size_t equals = each.find('=');
        if (equals == std::string::npos || equals == 0 || equals + 1 == each.size()) {
            return fail(
                ErrorKind::usage,
                fmt::format(
                    "--map {}: write what is meant and the column that holds it, as in --map \"close=Adj Close\"",
                    each));
        }
        options.columns.emplace_back(each.substr(0, equals), each.substr(equals + 1));
    }
    if (zone.is_named()) {
        auto named = config::zone_of_data(zone.name());
        if (!named) {
            return fail(ErrorKind::usage, "--tz: " + named.error().message);
        }
        options.zone = std::move(*named);
    }
    if (auto read = read_bound("--from", request.from, options.from); !read) {
        return tl::unexpected(read.error());
    }
    if (auto read = read_bound("--until", request.until, options.to); !read) {
        return tl::unexpected(read.error());
    }
    if (options.from && options.to && is_empty_range(*options.from, *options.to)) {
        return fail(ErrorKind::usage, fmt::format("--from {} and --until {}: nothing lies between them; exchange them",
                                                  request.from, request.until));
    }
    if (!request.resample.empty()) {
        const auto length = bar_length("--resample", request.resample);
        if (!length) {
            return tl::unexpected(length.error());
        }
        options.resample = *length;
    }
    options.decimals = request.decimals;
    options.dates = request.dates == "dmy"   ? DateOrder::dmy
                    : request.dates == "mdy" ? DateOrder::mdy
                    : request.dates == "ymd" ? DateOrder::ymd
                                             : DateOrder::unknown;
    options.duplicates = request.duplicates == "first"  ? Duplicates::first
                         : request.duplicates == "last" ? Duplicates::last
                                                        : Duplicates::refuse;
    return options;
}

}  // namespace

void add_reading(const Command& command, ReadRequest& request) {
    command
        .option("--kind", request.kind,
                "What its lines are: quotes, trades or bars; default: told from the file, which never says trades")
        .one_of({"quotes", "trades", "bars"});
    command.option(
        "--instrument", request.instrument,
        "Bars: whose they are, where the file has no such column (default: the file's name), or which of its "
        "instruments to keep, separated by commas");
    command.option("--interval", request.interval,
                   "Bars: how long each is, such as 1m or day; default: the shortest distance of two of them");
    command
        .option("--map", request.map,
                "Which column holds what, as in --map \"close=Adj Close\"; may be given again for others")
        .repeatable();
    command.option("--from", request.from, "Rows from this date or time on");
    command.option("--until", request.until, "Rows up to this date, the day included, or before this time");
    command.option("--decimals", request.decimals, "How many decimals prices keep", 0, unsigned{kScaleDigits});
    command.option("--dates", request.dates, "The order of dates such as 01/02/2024").one_of({"dmy", "mdy", "ymd"});
    command
        .option("--duplicates", request.duplicates, "Which of two different bars of one time counts; default: refused")
        .one_of({"first", "last"});
    command.option("--resample", request.resample,
                   "Make bars of this length of shorter ones or of single prices, counted from the opening where "
                   "--calendar or --session says when that is, else from midnight");
    command.option("--calendar", request.calendar, "The calendar that the market trades by, such as NSE_EQ or XNYS");
    command.option("--session", request.session, "Or its hours on every day: nse, utc, or such as 09:15-15:30+05:30");
}

std::vector<std::string_view> typed_options(const ReadRequest& request) {
    std::vector<std::string_view> typed;
    for (const auto& [option, is_typed] : std::array<std::pair<std::string_view, bool>, 10>{{
             {"--kind", !request.kind.empty()},
             {"--instrument", !request.instrument.empty()},
             {"--interval", !request.interval.empty()},
             {"--map", !request.map.empty()},
             {"--from", !request.from.empty()},
             {"--until", !request.until.empty()},
             {"--decimals", request.decimals.has_value()},
             {"--dates", !request.dates.empty()},
             {"--duplicates", !request.duplicates.empty()},
             {"--resample", !request.resample.empty()},
         }}) {
        if (is_typed) {
            typed.push_back(option);
        }
    }
    return typed;
}

std::vector<std::string> named_instruments(const ReadRequest& request) {
    std::vector<std::string> named;
    const std::string& text = request.instrument;
    for (std::size_t begin = 0; !text.empty();) {
        const std::size_t comma = text.find(',', begin);
        named.push_back(text.substr(begin, comma - begin));
        if (comma == std::string::npos) {
            break;
        }
        begin = comma + 1;
    }
    return named;
}

Result<Told> source_of(const ReadRequest& request, const Zone& zone, const std::string& shown_as) {
    Told told;
    DataSource& source = told.source;
    source.shown_as = shown_as;
    source.file = request.files.front();
    source.more.assign(request.files.begin() + 1, request.files.end());
    if (looks_like_data_set(source.file)) {
        const Result<std::unique_ptr<DataSetReader>> reader = DataSetReader::open(source.file);
        if (!reader) {
            return tl::unexpected(reader.error());
        }
        if (const auto typed = typed_options(request); !typed.empty()) {
            return fail(ErrorKind::usage,
                        fmt::format("{}: is a data set, whose lines were read when it was made; leave "
                                    "out {}",
                                    source.file, fmt::join(typed, ", ")));
        }
        told.set = (*reader)->info();
        source.kind = told.set->kind;
        source.interval = told.set->interval;
        return told;
    }
    source.kind = request.kind == "bars"     ? DataKind::bars
                  : request.kind == "trades" ? DataKind::trades
                                             : DataKind::quotes;
    auto options = foreign_options(request, zone);
    if (!options) {
        return tl::unexpected(options.error());
    }
    source.foreign = std::move(*options);
    if (std::vector<std::string> named = named_instruments(request); named.size() == 1) {
        source.instrument = std::move(named.front());
    } else {
        source.foreign.only = std::move(named);
    }
    if (!request.interval.empty()) {
        const auto length = bar_length("--interval", request.interval);
        if (!length) {
            return tl::unexpected(length.error());
        }
        source.interval = *length;
    }
    const auto times = asked_times(request.calendar, request.session);
    if (!times) {
        return tl::unexpected(times.error());
    }
    if (*times) {
        told.times = [its = **times](const std::string& /*instrument*/) { return std::optional(its); };
    }
    auto foreign = complete_from_csv(source, request.kind.empty(), told.times);
    if (!foreign) {
        return tl::unexpected(foreign.error());
    }
    told.foreign = std::move(*foreign);
    if (source.kind != DataKind::bars && (!request.instrument.empty() || !request.interval.empty())) {
        return fail(ErrorKind::usage,
                    fmt::format("--instrument and --interval belong to --kind bars; {} name their instrument",
                                name_of(source.kind)));
    }
    return told;
}

}  // namespace alpha
