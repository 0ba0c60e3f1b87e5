#include "cli/data_check.hpp"

#include "cli/reading.hpp"
#include "config/fields.hpp"
#include "config/market.hpp"
#include "config/scenario.hpp"
#include "config/suggest.hpp"
#include "config/zones.hpp"
#include "markets/quality.hpp"
#include "store/data_set.hpp"
#include "store/disk.hpp"
#include "views/json.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace alpha {
namespace {

struct CheckRequest {
    ReadRequest read;
    std::string tick;
    std::uint32_t limit = 50;
    bool is_strict = false;
};

/// What is checked as one feed: a file, or all data of a scenario.
struct Checked {
    std::string name;
    std::vector<DataSource> sources;
    std::optional<Scenario> scenario;
    std::optional<markets::Calendars> calendars;  ///< the scenario's
};

/// What the command line says of instruments that no scenario describes.
struct Given {
    std::optional<markets::DayTimes> times;
    Price tick{};
};

struct Found {
    std::string file;
    markets::DataFinding finding;
};

struct Report {
    std::vector<Found> found;
    std::uint64_t quotes = 0;
    std::uint64_t trades = 0;  ///< only counted
    std::uint64_t bars = 0;
    std::uint64_t instruments = 0;
    std::array<std::uint64_t, 3> by_gravity{};
    bool is_empty() const { return quotes == 0 && trades == 0 && bars == 0; }
    /// Of what could not be read to its end: what is above was found before that.
    std::optional<Error> error;
};

bool is_scenario(const std::string& file) {
    return file.ends_with(".yaml") || file.ends_with(".yml");
}

// ---- what is asked for ------------------------------------------------------------------------------------------------

Result<markets::DayTimes> times_of_calendar(const std::string& name) {
    Result<std::vector<markets::CalendarDraft>> drafts = config::calendar_drafts({});
    if (!drafts) {
        return tl::unexpected(drafts.error());
    }
    std::vector<std::string_view> names;
    for (markets::CalendarDraft& draft : *drafts) {
        if (draft.table.name == name) {
            return config::calendar_of(std::move(draft)).map([](markets::Calendar calendar) {
                return markets::DayTimes(std::make_shared<const markets::Calendar>(std::move(calendar)),
                                         markets::UnknownDays::lenient, {});
            });
        }
        names.emplace_back(draft.table.name);
    }
    return fail(ErrorKind::usage,
                fmt::format("--calendar {}: there is no such calendar; write {}", name, config::one_of(names)));
}

Result<Given> given_by(const CheckRequest& request) {
    Given given;
    auto times = asked_times(request.read.calendar, request.read.session);
    if (!times) {
        return tl::unexpected(times.error());
    }
    given.times = std::move(*times);
    if (!request.tick.empty()) {
        const Result<Price> tick = parse_price(request.tick);
        if (!tick || tick->raw <= 0) {
            return fail(ErrorKind::usage, fmt::format("--tick {}: write a price step such as 0.05", request.tick));
        }
        given.tick = *tick;
    }
    return given;
}

/// Of a file that is no scenario.
Result<DataSource> source_of_file(const std::string& file, const ReadRequest& request, const Zone& zone) {
    const Result<bool> exists = is_there(file);
    if (!exists) {
        return tl::unexpected(exists.error());
    }
    if (!*exists && file.find_first_of("*?") == std::string::npos) {
        return fail(ErrorKind::usage, fmt::format("{}: there is no such file", file), ErrorCode::not_found);
    }
    ReadRequest one = request;
    one.files = {file};
    return source_of(one, zone).map([](Told told) { return std::move(told.source); });
}

Result<Checked> checked_of(const std::string& file, const CheckRequest& request, const Zone& zone) {
    Checked checked;
    checked.name = file;
    if (!is_scenario(file)) {
        return source_of_file(file, request.read, zone).map([&](DataSource source) {
            checked.sources.push_back(std::move(source));
            return std::move(checked);
        });
    }
    std::vector<std::string_view> typed = typed_options(request.read);
    for (const auto& [option, text] :
         {std::pair<std::string_view, const std::string&>{"--calendar", request.read.calendar},
          {"--session", request.read.session},
          {"--tick", request.tick}}) {
        if (!text.empty()) {
            typed.push_back(option);
        }
    }
    if (!typed.empty()) {
        return fail(ErrorKind::usage,
                    fmt::format("{}: a scenario says itself how its files are read, when its instruments trade and in "
                                "which ticks; leave out {}",
                                file, fmt::join(typed, ", ")));
    }
    Result<Scenario> scenario = load_scenario(file);
    if (!scenario) {
        return tl::unexpected(scenario.error());
    }
    Result<markets::Calendars> calendars = markets::Calendars::make(scenario->market);
    if (!calendars) {
        return tl::unexpected(calendars.error());
    }
    for (const DataSource& source : scenario->data) {
        if (source.is_stream()) {
            return fail(ErrorKind::usage, fmt::format("{}: {} is a sender's, which cannot be read ahead; check the "
                                                      "file it sends",
                                                      file, source.name()));
        }
    }
    checked.sources = scenario->data;
    checked.calendars = std::move(*calendars);
    checked.scenario = std::move(*scenario);
    return checked;
}

// ---- the check --------------------------------------------------------------------------------------------------------

const Instrument& instrument_of(const Scenario& scenario, const std::string& name) {
    const auto& named = scenario.config.instruments;
    const auto found = std::ranges::find(named, name, &Instrument::name);
    return found == named.end() ? scenario.config.default_instrument : *found;
}

/// When an instrument trades; nothing where nobody has said.
std::optional<markets::DayTimes> times_of(const Checked& checked, const Given& given, const std::string& name) {
    if (!checked.scenario) {
        return given.times;
    }
    const markets::DayTimes its = checked.calendars->times_of(instrument_of(*checked.scenario, name));
    const auto& written = checked.scenario->with_session;
    return written.contains(name) || written.contains("") || !its.is_always_open() ? std::optional(its) : std::nullopt;
}

/// Tells a DataQuality of records, by the feed's symbols.
class Teller {
public:
    Teller(const Checked& checked, const Given& given) : checked_(checked), given_(given) {}

    void tell(const FeedRecord& record, const std::vector<std::string>& symbols) {
        if (const auto* const quote = std::get_if<QuoteTick>(&record.event)) {
            quality_.see(number_of(quote->instrument, symbols), record.time, *quote, ++quotes_);
        } else if (const auto* const trade = std::get_if<TradeTick>(&record.event)) {
            number_of(trade->instrument, symbols);
            ++trades_;
        } else if (const auto* const bar = std::get_if<BarClosed>(&record.event)) {
            quality_.see(number_of(bar->instrument, symbols), record.time, *bar, ++bars_);
        }
    }
    void report(Report& report) {
        for (markets::DataFinding& finding : quality_.finish()) {
            ++report.by_gravity[static_cast<std::size_t>(finding.gravity)];
            report.found.push_back({checked_.name, std::move(finding)});
        }
        report.quotes += quotes_;
        report.trades += trades_;
        report.bars += bars_;
        report.instruments += known_;
    }

private:
    /// Both count from 0 in the order in which the feed names them.
    std::uint32_t number_of(InstrumentId symbol, const std::vector<std::string>& symbols) {
        while (known_ <= symbol.value) {
            watch(symbols[known_]);
        }
        return symbol.value;
    }
    void watch(const std::string& name) {
        markets::WatchedInstrument its;
        its.name = name;
        its.times = times_of(checked_, given_, name).value_or(markets::DayTimes());
        its.tick = given_.tick;
        if (checked_.scenario) {
            const Instrument& instrument = instrument_of(*checked_.scenario, name);
            its.tick = instrument.tick;
            its.is_derivative = instrument.is_option() || instrument.is_marked_daily();
        }
        const std::uint32_t number = quality_.watch(std::move(its));
        ++known_;
        if (checked_.scenario) {
            for (const CorporateAction& action : checked_.scenario->actions) {
                if (checked_.scenario->config.instruments[action.instrument.value].name == name) {
                    quality_.announce(number, action.ex_date);
                }
            }
        }
    }

    const Checked& checked_;
    const Given& given_;
    markets::DataQuality quality_;
    std::uint32_t known_ = 0;
    std::uint64_t quotes_ = 0;
    std::uint64_t trades_ = 0;
    std::uint64_t bars_ = 0;
};

/// Reads all of it. What cannot be read any further leaves its error in the report, behind what was found before.
void check(const Checked& checked, const Given& given, Report& report, const Wiring& wiring) {
    const TimesOf times = [&](const std::string& name) { return times_of(checked, given, name); };
    FeedWatch watch;
    watch.warn = [&](const DataWarning& warning) { wiring.alarm(warning.text); };
    const Result<std::unique_ptr<Feed>> feed = open_feed(checked.sources, times, watch);
    if (!feed) {
        report.error = feed.error();
        return;
    }
    Teller teller(checked, given);
    ProgressBar progress(wiring.progress);
    while (true) {
        const auto records = (*feed)->next();
        if (!records) {
            report.error = records.error();
            break;
        }
        if (records->empty()) {
            break;
        }
        for (const FeedRecord& record : *records) {
            teller.tell(record, (*feed)->symbols());
        }
        const FeedProgress at = (*feed)->progress();
        progress.update(at.done, at.total);
    }
    progress.clear();
    teller.report(report);
}

// ---- what is printed --------------------------------------------------------------------------------------------------

std::string painted(const Style& style, markets::Gravity gravity) {
    const std::string_view name = name_of(gravity);
    return gravity == markets::Gravity::serious    ? style.red(name)
           : gravity == markets::Gravity::doubtful ? style.yellow(name)
                                                   : style.dim(name);
}

std::string text_of(const Found& found, const Style& style, const Zone& zone) {
    const markets::DataFinding& finding = found.finding;
    return fmt::format("{}: {} {}: {} ({})\n  {}\n", found.file, painted(style, finding.gravity),
                       style.bold(name_of(finding.flaw)), finding.instrument, show_count(finding.count),
                       zone.show_all(finding.sentence));
}

std::string json_of(const Found& found) {
    const markets::DataFinding& finding = found.finding;
    JsonObject object;
    object.text("file", found.file)
        .text("instrument", finding.instrument)
        .text("kind", name_of(finding.flaw))
        .text("gravity", name_of(finding.gravity))
        .count("count", finding.count)
        .time_ns("first_ts_ns", finding.first);
    if (finding.first_record != 0) {
        object.count("first_record", finding.first_record);
    }
    return object.text("sentence", finding.sentence).done() + '\n';
}

constexpr std::size_t index_of(markets::Gravity gravity) {
    return static_cast<std::size_t>(gravity);
}

std::string verdict_text(const Report& report) {
    std::string records;
    const auto add = [&](std::uint64_t count, std::string_view what) {
        records += records.empty() ? "" : " and ";
        records += counted(count, what);
    };
    if (report.bars != 0 || report.quotes + report.trades == 0) {
        add(report.bars, "bar");
    }
    if (report.quotes != 0) {
        add(report.quotes, "quote");
    }
    if (report.trades != 0) {
        add(report.trades, "trade");
        records += " (which are read, but not looked at)";
    }
    const std::string of = fmt::format("{} of {}", records, counted(report.instruments, "instrument"));
    const auto& [serious, doubtful, notes] = report.by_gravity;
    if (report.is_empty()) {
        return "no records at all\n";
    }
    if (report.found.empty()) {
        return fmt::format("nothing found in {}\n", of);
    }
    return fmt::format("{} serious, {} doubtful, {} in {}\n", show_count(serious), show_count(doubtful),
                       counted(notes, "note"), of);
}

std::string verdict_json(const Report& report) {
    return JsonObject()
               .text("verdict", report.error                                                   ? "unreadable"
                                : report.is_empty()                                            ? "empty"
                                : report.by_gravity[index_of(markets::Gravity::serious)] != 0  ? "serious"
                                : report.by_gravity[index_of(markets::Gravity::doubtful)] != 0 ? "doubtful"
                                                                                               : "good")
               .count("serious", report.by_gravity[index_of(markets::Gravity::serious)])
               .count("doubtful", report.by_gravity[index_of(markets::Gravity::doubtful)])
               .count("notes", report.by_gravity[index_of(markets::Gravity::note)])
               .count("instruments", report.instruments)
               .count("bars", report.bars)
               .count("quotes", report.quotes)
               .count("trades", report.trades)
               .done() +
           '\n';
}

void print(const Report& report, std::uint32_t limit, Wiring& wiring) {
    const std::size_t shown = limit == 0 ? report.found.size() : std::min<std::size_t>(report.found.size(), limit);
    if (!wiring.quiet || wiring.json) {
        for (std::size_t i = 0; i < shown; ++i) {
            wiring.out.write(wiring.json ? json_of(report.found[i])
                                         : text_of(report.found[i], wiring.out_style, wiring.zone));
        }
    }
    if (wiring.json) {
        wiring.out.write(verdict_json(report));
        return;
    }
    if (shown < report.found.size() && !wiring.quiet) {
        wiring.out.write(
            fmt::format("{} more; --limit 0 shows all\n", counted(report.found.size() - shown, "finding")));
    }
    wiring.out.write(verdict_text(report));
}

Result<int> data_check(const CheckRequest& request, Wiring& wiring) {
    const Result<Given> given = given_by(request);
    if (!given) {
        return tl::unexpected(given.error());
    }
    Report report;
    for (const std::string& file : request.read.files) {
        const Result<Checked> checked = checked_of(file, request, wiring.zone);
        if (checked) {
            check(*checked, *given, report, wiring);
        } else {
            report.error = checked.error();
        }
        if (report.error) {
            break;
        }
    }
    if (report.error && report.is_empty()) {
        return tl::make_unexpected(*std::move(report.error));
    }
    std::ranges::stable_sort(report.found, {}, [](const Found& found) { return found.finding.gravity; });
    print(report, request.limit, wiring);
    if (report.error) {
        return tl::make_unexpected(*std::move(report.error));
    }
    const bool is_serious = report.is_empty() || report.by_gravity[index_of(markets::Gravity::serious)] != 0;
    return request.is_strict && is_serious ? static_cast<int>(ErrorKind::data) : kExitOk;
}

}  // namespace

Result<std::optional<markets::DayTimes>> asked_times(const std::string& calendar, const std::string& session) {
    if (!calendar.empty() && !session.empty()) {
        return fail(ErrorKind::usage, "--calendar and --session both say when the market trades; write one of them");
    }
    if (!calendar.empty()) {
        return times_of_calendar(calendar).map([](markets::DayTimes times) { return std::optional(std::move(times)); });
    }
    if (session.empty()) {
        return std::nullopt;
    }
    const Result<TradingHours> hours = config::parse_hours(session);
    if (!hours) {
        return fail(ErrorKind::usage, fmt::format("--session {} {}; write nse, utc, or hours such as 09:15-15:30+05:30",
                                                  session, hours.error().message));
    }
    return std::optional(markets::DayTimes(*hours));
}

void add_data_check(const Command& group, Commands& commands) {
    auto request = std::make_shared<CheckRequest>();
    const Command command = commands.add(
        group, "check", "What is odd about data: gaps, spikes, splits, stamps, stale prices, crossed quotes",
        "Example:\n"
        "  alpha data check infy-1m.csv --calendar NSE_EQ --strict\n"
        "  alpha data check scenarios/demo.yaml\n\n"
        "A scenario is checked with its calendars, ticks and corporate actions. docs/how-to-check-data.md says what "
        "each\n"
        "finding means.",
        [request](Wiring& wiring) { return data_check(*request, wiring); });
    commands.prints_times(command, kReadsIn);
    command.option("file", request->read.files, "Data sets, files as `data import` takes them, or scenarios (.yaml)")
        .required();
    add_reading(command, request->read);
    command.option("--tick", request->tick, "The step of prices, such as 0.05; default: not judged");
    command.option("--limit", request->limit, "Findings to show at most; 0: all").shows_default();
    command.flag("--strict", request->is_strict, "A serious finding is an error (exit code 3)");
}

}  // namespace alpha
