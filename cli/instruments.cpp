#include "cli/command.hpp"
#include "config/suggest.hpp"
#include "events/limits.hpp"
#include "markets/instrument.hpp"
#include "store/disk.hpp"
#include "store/registry.hpp"
#include "views/json.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace alpha {
namespace {

using namespace markets;

/// A million rows of Kite's take some 110 MB.
constexpr std::size_t kFileBytesMax = 512U << 20U;
constexpr std::uint64_t kFoundMax = 1'000'000;

struct LoadRequest {
    std::string file;
    std::string date;
    std::string registry = "registry";
    bool skip_bad = false;
    bool partial = false;
};

struct ShowRequest {
    std::string registry = "registry";
    std::string instrument;
    std::string date;
    std::string isin;
    std::optional<std::uint32_t> token;
    bool history = false;
};

struct FindRequest {
    std::string registry = "registry";
    std::string text;
    std::string date;
    std::uint64_t limit = 20;
};

struct DiffRequest {
    std::string registry = "registry";
    std::string from;
    std::string to;
    std::string exchange;
};

/// The day that was asked for, or else the newest that was loaded.
Result<Date> asked_date(const Registry& registry, const std::string& text) {
    if (!text.empty()) {
        return date_option("--date", text);
    }
    return registry.exchanges().map([](const std::vector<std::pair<std::string, Date>>& exchanges) {
        Date newest;
        for (const auto& [exchange, day] : exchanges) {
            newest = std::max(newest, day);
        }
        return newest;
    });
}

// ---- words ------------------------------------------------------------------------------------------------------------

std::string listing_json(const Listing& listing) {
    JsonObject json;
    json.text("exchange", listing.exchange).text("symbol", listing.symbol).text("from", to_iso(listing.from));
    for (std::size_t i = 0; i < kFields; ++i) {
        const auto field = static_cast<Field>(i);
        if (field == Field::token) {
            json.count(name_of(field), listing.token);
        } else {
            json.text(name_of(field), text_of(listing, field));
        }
    }
    return json.done();
}

std::vector<std::string> listings_json(const std::vector<Listing>& listings) {
    std::vector<std::string> all;
    all.reserve(listings.size());
    for (const Listing& listing : listings) {
        all.push_back(listing_json(listing));
    }
    return all;
}

/// What a person wants to see of it: no token that there is none of, no freeze quantity that is not known.
std::string shown_field(const Listing& listing, Field field) {
    const bool is_unknown = (field == Field::token && listing.token == 0) ||
                            (field == Field::freeze && listing.freeze == Qty{0}) ||
                            (field == Field::strike && listing.strike == Price{0});
    return is_unknown ? std::string() : text_of(listing, field);
}

std::string listing_text(const Listing& listing, const Style& style) {
    std::string text = fmt::format("{} · since {}\n", style.bold(full_name(listing)), to_iso(listing.from));
    for (std::size_t i = 0; i < kFields; ++i) {
        const auto field = static_cast<Field>(i);
        if (const std::string shown = shown_field(listing, field); !shown.empty()) {
            fmt::format_to(std::back_inserter(text), "{:<11} {}\n", name_of(field), shown);
        }
    }
    return text;
}

/// "lot 75 -> 65, tick 0.05 -> 0.1"
std::string changes_text(const Listing& before, const Listing& after) {
    const FieldSet changed = changed_fields(before, after);
    std::string text;
    for (std::size_t i = 0; i < kFields; ++i) {
        const auto field = static_cast<Field>(i);
        if (changed[i]) {
            const auto shown = [&](const Listing& listing) {
                const std::string value = text_of(listing, field);
                return value.empty() ? std::string("none") : value;
            };
            fmt::format_to(std::back_inserter(text), "{}{} {} -> {}", text.empty() ? "" : ", ", name_of(field),
                           shown(before), shown(after));
        }
    }
    return text;
}

std::string changes_json(const Listing& before, const Listing& after) {
    const FieldSet changed = changed_fields(before, after);
    std::vector<std::string> all;
    for (std::size_t i = 0; i < kFields; ++i) {
        const auto field = static_cast<Field>(i);
        if (changed[i]) {
            all.push_back(JsonObject()
                              .text("field", name_of(field))
                              .text("before", text_of(before, field))
                              .text("after", text_of(after, field))
                              .done());
        }
    }
    return json_array(all);
}

// ---- load -------------------------------------------------------------------------------------------------------------

std::string load_json(const LoadRequest& request, const ListingFile& file, const LoadReport& report) {
    std::vector<std::string> bad;
    bad.reserve(file.bad_rows().size());
    for (const ListingFile::BadRow& row : file.bad_rows()) {
        bad.push_back(JsonObject().count("line", row.line).text("message", row.why).done());
    }
    std::vector<std::string> exchanges;
    exchanges.reserve(report.newest.size());
    for (const auto& [exchange, day] : report.newest) {
        exchanges.push_back(JsonObject().text("exchange", exchange).text("newest", to_iso(day)).done());
    }
    return JsonObject()
               .text("registry", request.registry)
               .text("file", request.file)
               .text("form", file.form())
               .count("rows", report.rows)
               .count("listed", report.listed)
               .count("changed", report.changed)
               .count("unchanged", report.unchanged)
               .count("expired", report.expired)
               .count("delisted", report.delisted)
               .count("versions_written", report.versions_written)
               .count("versions_removed", report.versions_removed)
               .json("exchanges", json_array(exchanges))
               .count("bad_row_count", file.bad_row_count())
               .json("bad_rows", json_array(bad))
               .done() +
           '\n';
}

std::string load_text(const LoadRequest& request, const ListingFile& file, const LoadReport& report) {
    std::string text = fmt::format("{}: {} rows from {}, {} versions written\n", request.registry,
                                   show_count(report.rows), request.file, show_count(report.versions_written));
    fmt::format_to(std::back_inserter(text), "listed     {}\nchanged    {}\nunchanged  {}\ndelisted   {}\n",
                   show_count(report.listed), show_count(report.changed), show_count(report.unchanged),
                   show_count(report.delisted));
    if (report.expired != 0) {
        fmt::format_to(std::back_inserter(text), "expired    {}\n", show_count(report.expired));
    }
    if (report.versions_removed != 0) {
        fmt::format_to(std::back_inserter(text), "taken back {}\n", show_count(report.versions_removed));
    }
    if (file.bad_row_count() != 0) {
        fmt::format_to(std::back_inserter(text), "skipped    {}\n", show_count(file.bad_row_count()));
    }
    for (const auto& [exchange, day] : report.newest) {
        fmt::format_to(std::back_inserter(text), "{:<10} loaded up to {}\n", exchange, to_iso(day));
    }
    return text;
}

void note_bad_rows(const ListingFile& file, const Wiring& wiring) {
    for (const ListingFile::BadRow& row : file.bad_rows()) {
        wiring.note(fmt::format("{}:{}: {}", file.file(), row.line, row.why));
    }
    if (file.bad_row_count() > file.bad_rows().size()) {
        wiring.note(fmt::format("and {} bad rows more", show_count(file.bad_row_count() - file.bad_rows().size())));
    }
}

Result<int> load(const LoadRequest& request, Wiring& wiring) {
    std::optional<Date> day;
    if (!request.date.empty()) {
        const Result<Date> date = date_option("--date", request.date);
        if (!date) {
            return tl::make_unexpected(date.error());
        }
        day = *date;
    }
    const Result<std::string> text = read_file(request.file, kFileBytesMax);
    if (!text) {
        return tl::make_unexpected(text.error());
    }
    if (text->size() > kFileBytesMax) {
        return fail(ErrorKind::data, fmt::format("{} is larger than {}; cut it", request.file,
                                                 show_bytes(static_cast<double>(kFileBytesMax))));
    }
    const Result<ListingFile> file = ListingFile::read(request.file, *text, day);
    if (!file) {
        return tl::make_unexpected(file.error());
    }
    if (file->bad_row_count() != 0 && !request.skip_bad) {
        return file->bad_rows_refusal();  // before a registry is made for nothing
    }
    Result<Registry> registry = Registry::open(request.registry, Registry::Access::write);
    if (!registry) {
        return tl::make_unexpected(registry.error());
    }
    const Result<LoadReport> report = registry->load(*file, {.partial = request.partial, .skip_bad = request.skip_bad});
    if (!report) {
        return tl::make_unexpected(report.error());
    }
    if (wiring.json) {
        wiring.out.write(load_json(request, *file, *report));
    } else {
        note_bad_rows(*file, wiring);
        wiring.out.write(load_text(request, *file, *report));
    }
    return kExitOk;
}

// ---- show -------------------------------------------------------------------------------------------------------------

/// "NSE:INFY" in two; without an exchange it is empty.
std::pair<std::string, std::string> split_name(const std::string& name) {
    const std::size_t colon = name.find(':');
    return colon == std::string::npos ? std::pair{std::string(), name}
                                      : std::pair{name.substr(0, colon), name.substr(colon + 1)};
}

/// The refusal of a name that nothing has.
tl::unexpected<Error> not_found(const Registry& registry, const ShowRequest& request, const std::string& when) {
    const auto& [exchange, symbol] = split_name(request.instrument);
    const Result<std::vector<std::string>> names = registry.names();
    if (!names) {
        return tl::make_unexpected(names.error());
    }
    std::vector<std::string_view> known;
    known.reserve(names->size());
    for (const std::string_view name : *names) {
        const std::string_view of = exchange.empty() ? name.substr(name.find(':') + 1) : name;
        if (of == request.instrument) {
            return fail(ErrorKind::usage,
                        fmt::format("{} is not listed{}; --history shows when it was", request.instrument, when),
                        ErrorCode::not_found);
        }
        known.push_back(of);
    }
    const std::string close = did_you_mean(request.instrument, known);
    return fail(ErrorKind::usage,
                fmt::format("there is no instrument '{}'; {}", printable(request.instrument),
                            close.empty() ? "look for it with alpha instruments find"
                                          : fmt::format("did you mean '{}'?", close)),
                ErrorCode::not_found);
}

/// Of one exchange where it is named, else of all that know the symbol.
Result<std::vector<std::string>> exchanges_of(const Registry& registry, const std::string& named) {
    if (!named.empty()) {
        return std::vector{named};
    }
    return registry.exchanges().map([](const std::vector<std::pair<std::string, Date>>& exchanges) {
        std::vector<std::string> names;
        names.reserve(exchanges.size());
        for (const auto& [exchange, day] : exchanges) {
            names.push_back(exchange);
        }
        return names;
    });
}

std::string state_text(const std::vector<ListingVersion>& versions, std::size_t i) {
    const ListingVersion& version = versions[i];
    if (!version.is_listed) {
        return "delisted";
    }
    if (i == 0 || !versions[i - 1].is_listed || versions[i - 1].listing.expiry < version.listing.from) {
        return "listed";
    }
    return changes_text(versions[i - 1].listing, version.listing);
}

Result<int> show_history(const Registry& registry, const ShowRequest& request, Wiring& wiring) {
    const auto& [named, symbol] = split_name(request.instrument);
    const Result<std::vector<std::string>> exchanges = exchanges_of(registry, named);
    if (!exchanges) {
        return tl::make_unexpected(exchanges.error());
    }
    std::string text;
    std::vector<std::string> all;
    for (const std::string& exchange : *exchanges) {
        const Result<std::vector<ListingVersion>> versions = registry.history(exchange, symbol);
        if (!versions) {
            return tl::make_unexpected(versions.error());
        }
        if (versions->empty()) {
            continue;
        }
        Table table({{"from", Table::Align::left},
                     {"lot"},
                     {"tick"},
                     {"freeze"},
                     {"expiry", Table::Align::left},
                     {"what changed", Table::Align::left}});
        std::vector<std::string> of_this;
        for (std::size_t i = 0; i < versions->size(); ++i) {
            const auto& [is_listed, listing] = (*versions)[i];
            const auto cell = [&, listed = is_listed, &shown = listing](Field field) {
                return listed ? shown_field(shown, field) : std::string();
            };
            table.row({to_iso(listing.from), cell(Field::lot), cell(Field::tick), cell(Field::freeze),
                       cell(Field::expiry), state_text(*versions, i)});
            JsonObject json;
            json.text("from", to_iso(listing.from)).flag("listed", is_listed);
            of_this.push_back(is_listed ? json.json("listing", listing_json(listing)).done() : json.done());
        }
        text +=
            fmt::format("{}{}\n\n{}", text.empty() ? "" : "\n",
                        wiring.out_style.bold(fmt::format("{}:{}", exchange, symbol)), table.text(wiring.out_style));
        all.push_back(JsonObject()
                          .text("exchange", exchange)
                          .text("symbol", symbol)
                          .json("versions", json_array(of_this))
                          .done());
    }
    if (all.empty()) {
        return not_found(registry, request, "");
    }
    wiring.out.write(wiring.json ? JsonObject().json("instruments", json_array(all)).done() + '\n' : text);
    return kExitOk;
}

Result<std::vector<Listing>> asked_listings(const Registry& registry, const ShowRequest& request, Date date) {
    if (!request.isin.empty()) {
        return registry.find_isin(request.isin, date);
    }
    std::vector<Listing> found;
    const auto add = [&](std::optional<Listing> listing) {
        if (listing) {
            found.push_back(std::move(*listing));
        }
    };
    if (request.token) {
        return registry.find_token(*request.token, date).map(add).map([&] { return std::move(found); });
    }
    const auto& [named, symbol] = split_name(request.instrument);
    const Result<std::vector<std::string>> exchanges = exchanges_of(registry, named);
    if (!exchanges) {
        return tl::make_unexpected(exchanges.error());
    }
    for (const std::string& exchange : *exchanges) {
        if (const Result<void> ok = registry.find(exchange, symbol, date).map(add); !ok) {
            return tl::make_unexpected(ok.error());
        }
    }
    return found;
}

Result<int> show(const ShowRequest& request, Wiring& wiring) {
    const Result<Registry> registry = Registry::open(request.registry, Registry::Access::read);
    if (!registry) {
        return tl::make_unexpected(registry.error());
    }
    if (request.history) {
        return show_history(*registry, request, wiring);
    }
    const Result<Date> date = asked_date(*registry, request.date);
    if (!date) {
        return tl::make_unexpected(date.error());
    }
    const Result<std::vector<Listing>> found = asked_listings(*registry, request, *date);
    if (!found) {
        return tl::make_unexpected(found.error());
    }
    if (found->empty() && !request.instrument.empty()) {
        return not_found(*registry, request, " on " + to_iso(*date));
    }
    if (found->empty()) {
        return fail(ErrorKind::usage,
                    fmt::format("no instrument had {} on {}; another --date may have one",
                                request.token ? fmt::format("the token {}", *request.token)
                                              : fmt::format("the ISIN '{}'", printable(request.isin)),
                                to_iso(*date)),
                    ErrorCode::not_found);
    }
    if (wiring.json) {
        wiring.out.write(
            JsonObject().text("date", to_iso(*date)).json("listings", json_array(listings_json(*found))).done() + '\n');
        return kExitOk;
    }
    std::string text = fmt::format("on {}\n", to_iso(*date));
    for (const Listing& listing : *found) {
        text += '\n';
        text += listing_text(listing, wiring.out_style);
    }
    wiring.out.write(text);
    return kExitOk;
}

/// What can be told without a look at the registry.
Result<void> check_show(const ShowRequest& request) {
    const int ways = (request.instrument.empty() ? 0 : 1) + (request.isin.empty() ? 0 : 1) + (request.token ? 1 : 0);
    if (ways != 1) {
        return fail(ErrorKind::usage,
                    "say which instrument, in one way: SYMBOL, EXCHANGE:SYMBOL, --isin or --token; see --help");
    }
    if (request.history && (request.instrument.empty() || !request.date.empty())) {
        return fail(ErrorKind::usage,
                    "--history shows all days of SYMBOL or EXCHANGE:SYMBOL: give it with nothing else");
    }
    return {};
}

// ---- find and diff ----------------------------------------------------------------------------------------------------

Result<int> find(const FindRequest& request, Wiring& wiring) {
    const Result<Registry> registry = Registry::open(request.registry, Registry::Access::read);
    if (!registry) {
        return tl::make_unexpected(registry.error());
    }
    const Result<Date> date = asked_date(*registry, request.date);
    if (!date) {
        return tl::make_unexpected(date.error());
    }
    const Result<Registry::Found> found = registry->search(request.text, *date, request.limit);
    if (!found) {
        return tl::make_unexpected(found.error());
    }
    if (wiring.json) {
        wiring.out.write(JsonObject()
                             .text("date", to_iso(*date))
                             .count("total", found->total)
                             .json("listings", json_array(listings_json(found->listings)))
                             .done() +
                         '\n');
        return kExitOk;
    }
    Table table({{"instrument", Table::Align::left},
                 {"kind", Table::Align::left},
                 {"expiry", Table::Align::left},
                 {"lot"},
                 {"tick"},
                 {"freeze"},
                 {"token"},
                 {"name", Table::Align::left}});
    for (const Listing& listing : found->listings) {
        table.row({full_name(listing), text_of(listing, Field::kind), text_of(listing, Field::expiry),
                   text_of(listing, Field::lot), text_of(listing, Field::tick), shown_field(listing, Field::freeze),
                   shown_field(listing, Field::token), listing.name});
    }
    const std::string what =
        fmt::format("{} of {} on {}\n", found->listings.size(), show_count(found->total), to_iso(*date));
    wiring.out.write(found->listings.empty() ? what : what + '\n' + table.text(wiring.out_style));
    return kExitOk;
}

Result<int> diff(const DiffRequest& request, Wiring& wiring) {
    const Result<Date> from = date_option("the first day", request.from);
    const Result<Date> to = date_option("the second day", request.to);
    if (!from || !to) {
        return tl::make_unexpected(!from ? from.error() : to.error());
    }
    const Result<Registry> registry = Registry::open(request.registry, Registry::Access::read);
    if (!registry) {
        return tl::make_unexpected(registry.error());
    }
    const Result<std::vector<std::string>> exchanges = exchanges_of(*registry, {});
    if (!exchanges) {
        return tl::make_unexpected(exchanges.error());
    }
    if (!request.exchange.empty() && std::ranges::find(*exchanges, request.exchange) == exchanges->end()) {
        return fail(ErrorKind::usage,
                    fmt::format("--exchange: '{}' was never loaded; {}", printable(request.exchange),
                                config::suggestion(request.exchange, {exchanges->begin(), exchanges->end()})),
                    ErrorCode::not_found);
    }
    const Result<RegistryDiff> diff = registry->diff(*from, *to, request.exchange);
    if (!diff) {
        return tl::make_unexpected(diff.error());
    }
    if (wiring.json) {
        std::vector<std::string> changed;
        changed.reserve(diff->changed.size());
        for (const auto& [before, after] : diff->changed) {
            changed.push_back(JsonObject()
                                  .text("exchange", after.exchange)
                                  .text("symbol", after.symbol)
                                  .text("since", to_iso(after.from))
                                  .json("changes", changes_json(before, after))
                                  .done());
        }
        wiring.out.write(JsonObject()
                             .text("from", to_iso(*from))
                             .text("to", to_iso(*to))
                             .json("listed", json_array(listings_json(diff->listed)))
                             .json("delisted", json_array(listings_json(diff->delisted)))
                             .json("changed", json_array(changed))
                             .done() +
                         '\n');
        return kExitOk;
    }
    std::string text = fmt::format("{} → {}: {} listed, {} delisted, {} changed\n", to_iso(*from), to_iso(*to),
                                   show_count(diff->listed.size()), show_count(diff->delisted.size()),
                                   show_count(diff->changed.size()));
    for (const Listing& listing : diff->listed) {
        fmt::format_to(std::back_inserter(text), "+ {}  {}\n", full_name(listing), name_of(listing.kind));
    }
    for (const Listing& listing : diff->delisted) {
        const bool has_expired = listing.expiry < *to;
        fmt::format_to(std::back_inserter(text), "- {}  {}{}\n", full_name(listing), name_of(listing.kind),
                       has_expired ? ", expired " + to_iso(listing.expiry) : "");
    }
    for (const auto& [before, after] : diff->changed) {
        fmt::format_to(std::back_inserter(text), "~ {}  {}\n", full_name(after), changes_text(before, after));
    }
    wiring.out.write(text);
    return kExitOk;
}

// ---- declarations -----------------------------------------------------------------------------------------------------

void registry_option(const Command& command, std::string& into) {
    command.option("--registry", into, "The folder that holds the registry").shows_default();
}

void add_load(const Command& group, Commands& commands) {
    auto request = std::make_shared<LoadRequest>();
    const Command command =
        commands.add(group, "load", "Load Kite's dump of instruments, or a plain CSV, as of a day: whole or not at all",
                     "Example:\n"
                     "  alpha instruments load instruments.csv --date 2026-01-05\n\n"
                     "What is listed at an exchange of the file, and not in it, is delisted from that day on.\n"
                     "docs/reference-instruments.md says how the files look.",
                     [request](Wiring& wiring) { return load(*request, wiring); });
    command.option("file", request->file, "The CSV").required();
    command.option("--date", request->date,
                   "The day from which it holds, YYYY-MM-DD; needed where rows do not say so themselves");
    registry_option(command, request->registry);
    command.flag("--skip-bad", request->skip_bad, "Leave bad rows out and list them, instead of loading nothing");
    command.flag("--partial", request->partial, "Leave what is not in the file as it is: nothing is delisted");
}

void add_show_instrument(const Command& group, Commands& commands) {
    auto request = std::make_shared<ShowRequest>();
    const Command command = commands.add(group, "show", "What an instrument is on a day, or all that it ever was",
                                         "Example:\n"
                                         "  alpha instruments show NSE:INFY --date 2026-01-05",
                                         [request](Wiring& wiring) -> Result<int> {
                                             if (const Result<void> ok = check_show(*request); !ok) {
                                                 return tl::make_unexpected(ok.error());
                                             }
                                             return read_isolated(wiring, "the registry " + request->registry,
                                                                  [&] { return show(*request, wiring); });
                                         });
    command.option("instrument", request->instrument, "SYMBOL, at every exchange, or EXCHANGE:SYMBOL");
    command.option("--date", request->date, "The day, YYYY-MM-DD; default: the newest that was loaded");
    command.flag("--history", request->history, "All versions, the oldest first");
    command.option("--isin", request->isin, "Instead of a symbol: all listings with this ISIN");
    command.option("--token", request->token, "Instead of a symbol: who had this token on the day", 1U);
    registry_option(command, request->registry);
}

void add_find(const Command& group, Commands& commands) {
    auto request = std::make_shared<FindRequest>();
    const Command command = commands.add(group, "find", "Instruments with a text in their symbol or name",
                                         "Example:\n"
                                         "  alpha instruments find infosys --limit 5",
                                         [request](Wiring& wiring) {
                                             return read_isolated(wiring, "the registry " + request->registry,
                                                                  [&] { return find(*request, wiring); });
                                         });
    command.option("text", request->text, "The text, in whatever case").required();
    command.option("--date", request->date, "The day, YYYY-MM-DD; default: the newest that was loaded");
    command.option("--limit", request->limit, "At most so many", 0, kFoundMax).shows_default();
    registry_option(command, request->registry);
}

void add_instruments_diff(const Command& group, Commands& commands) {
    auto request = std::make_shared<DiffRequest>();
    const Command command = commands.add(group, "diff", "What was listed, delisted and changed from one day to another",
                                         "Example:\n"
                                         "  alpha instruments diff 2026-01-05 2026-02-02 --exchange NFO",
                                         [request](Wiring& wiring) {
                                             return read_isolated(wiring, "the registry " + request->registry,
                                                                  [&] { return diff(*request, wiring); });
                                         });
    command.option("from", request->from, "The first day, YYYY-MM-DD").required();
    command.option("to", request->to, "The second day").required();
    command.option("--exchange", request->exchange, "Only this exchange");
    registry_option(command, request->registry);
}

}  // namespace

void add_instruments(Commands& commands) {
    const Command group = Commands::add_group(commands.program(), "instruments",
                                              "What each instrument was on each day: load lists of them, and ask",
                                              "Example:\n  alpha instruments load instruments.csv --date 2026-01-05");
    add_load(group, commands);
    add_show_instrument(group, commands);
    add_find(group, commands);
    add_instruments_diff(group, commands);
}

}  // namespace alpha
