#include "adapters/zerodha/tradebook.hpp"

#include "cli/command.hpp"
#include "config/market.hpp"
#include "config/suggest.hpp"
#include "results/export.hpp"
#include "results/tradebook_books.hpp"
#include "results/tradebook_compare.hpp"
#include "store/journal.hpp"
#include "views/json.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace alpha {

namespace {

/// What a tradebook is in, whichever account it is of.
constexpr const char* kRupees = "INR";

struct TradebookRequest {
    std::string journal;
    std::vector<std::string> files;
    std::string from;
    std::string to;
    std::string portfolio;
    std::string charges;
    bool trades = false;
};

struct Days {
    Date from = kNoDay;
    Date to{std::numeric_limits<std::int32_t>::max()};
    bool has(Date day) const { return day >= from && day <= to; }
    bool is_narrowed() const { return from != kNoDay || to.days != std::numeric_limits<std::int32_t>::max(); }
};

Result<Days> days_of(const TradebookRequest& request) {
    Days days;
    for (const auto& [option, text, into] :
         {std::tuple("--from", &request.from, &days.from), std::tuple("--to", &request.to, &days.to)}) {
        if (text->empty()) {
            continue;
        }
        const Result<Date> day = date_option(option, *text);
        if (!day) {
            return tl::make_unexpected(day.error());
        }
        *into = *day;
    }
    if (days.from > days.to) {
        return fail(ErrorKind::usage, fmt::format("--from {} is after --to {}", request.from, request.to));
    }
    return days;
}

/// The journal's fills of these days and this portfolio.
Result<JournalTrades> trades_of(const TradebookRequest& request, const Days& days) {
    const Result<std::unique_ptr<Journal>> journal = open_journal(request.journal);
    if (!journal) {
        return tl::make_unexpected(journal.error());
    }
    Result<JournalTrades> trades = trades_of_journal(**journal);
    if (!trades) {
        return trades;
    }
    const std::vector<std::string_view> names(trades->portfolios.begin(), trades->portfolios.end());
    if (!request.portfolio.empty() && std::ranges::find(names, request.portfolio) == names.end()) {
        return fail(ErrorKind::usage, fmt::format("no portfolio {}; {}", request.portfolio,
                                                  config::suggestion(request.portfolio, names, true)));
    }
    JournalTrades kept;
    kept.portfolios = trades->portfolios;
    kept.currency = trades->currency;
    for (std::size_t i = 0; i < trades->rows.size(); ++i) {
        const PortfolioId portfolio = trades->portfolio_of[i];
        if (days.has(trades->rows[i].date) &&
            (request.portfolio.empty() || names[portfolio.value] == request.portfolio)) {
            kept.rows.push_back(std::move(trades->rows[i]));
            kept.portfolio_of.push_back(portfolio);
        }
    }
    return kept;
}

Result<Tradebook> read_files(const std::vector<std::string>& files) {
    TradebookReader reader;
    for (const std::string& file : files) {
        if (const Result<void> read = reader.add_file(file); !read) {
            return tl::make_unexpected(read.error());
        }
    }
    return reader.finish();
}

std::string money(Money amount) {
    return show_money(amount, kRupees);
}
std::string quantity(Qty value) {
    return show_qty(value, kRupees);
}
std::string gain(Money amount, const Style& style) {
    return style.gain(amount.raw == 0 ? 0 : (amount.raw > 0 ? 1 : -1), show_gain(amount, kRupees));
}

// ---- export ------------------------------------------------------------------------------------------------------------------

Result<int> export_journal(const TradebookRequest& request, Wiring& wiring) {
    const Result<Days> days = days_of(request);
    if (!days) {
        return tl::make_unexpected(days.error());
    }
    const Result<JournalTrades> trades = trades_of(request, *days);
    if (!trades) {
        return tl::make_unexpected(trades.error());
    }
    if (!wiring.json) {
        wiring.out.write(tradebook_csv(trades->rows));
        return kExitOk;
    }
    for (std::size_t i = 0; i < trades->rows.size() && !wiring.out.closed(); ++i) {
        wiring.out.write(tradebook_json(trades->rows[i]) + '\n');
    }
    return kExitOk;
}

// ---- books -------------------------------------------------------------------------------------------------------------------

/// The sum of all scrips.
ScripBook total_of(const TradebookBooks& books) {
    ScripBook all;
    for (const ScripBook& scrip : books.scrips) {
        all.trades += scrip.trades;
        all.bought_amount += scrip.bought_amount;
        all.sold_amount += scrip.sold_amount;
        all.cost += scrip.cost;
        all.realized += scrip.realized;
        all.intraday += scrip.intraday;
        all.short_term += scrip.short_term;
        all.long_term += scrip.long_term;
        all.contracts += scrip.contracts;
    }
    return all;
}

/// Contracts that ended within the days of the files and are still held there.
std::vector<const ScripBook*> expired(const TradebookBooks& books) {
    std::vector<const ScripBook*> found;
    for (const ScripBook& scrip : books.scrips) {
        if (scrip.expiry != kNoDay && scrip.expiry <= books.last && scrip.net() != Qty{}) {
            found.push_back(&scrip);
        }
    }
    return found;
}

/// What the numbers cannot be trusted in, a sentence each.
std::vector<std::string> doubts_of(const Tradebook& tradebook, const TradebookBooks& books) {
    std::vector<std::string> doubts;
    if (books.oversold) {
        const TradebookRow& row = tradebook.rows[books.oversold->row];
        const std::uint64_t others = books.oversold->shares - 1;
        doubts.push_back(fmt::format(
            "{}: {} of {} are sold beyond what the files bought until then{}. Either it is a short, as which it is "
            "taken, or the shares are from before the files: then give the tradebooks from the first purchase on",
            tradebook.place_of(row), to_string(books.oversold->beyond), printable(instrument_of(row)),
            others == 0 ? "" : fmt::format(", and so it is with {}", counted(others, "other share"))));
    }
    if (const std::vector<const ScripBook*> held = expired(books); !held.empty()) {
        doubts.push_back(fmt::format("{} expired and {} still held, {} first: a tradebook has no settlements, so what "
                                     "{} settled at is not in the profit",
                                     counted(held.size(), "contract"), held.size() == 1 ? "is" : "are",
                                     printable(held.front()->name), held.size() == 1 ? "it" : "they"));
    }
    const auto lots = std::ranges::find_if(tradebook.rows, is_in_lots);
    if (lots != tradebook.rows.end()) {
        doubts.push_back(fmt::format("{}: {} is traded in lots, and a tradebook does not say of how many units: its "
                                     "amounts are those of one unit a lot",
                                     tradebook.place_of(*lots), printable(instrument_of(*lots))));
    }
    const auto is_after_midnight = [](const TradebookRow& row) { return row.executed_on() != row.date; };
    if (const auto late = std::ranges::find_if(tradebook.rows, is_after_midnight); late != tradebook.rows.end()) {
        const auto others = static_cast<std::uint64_t>(std::ranges::count_if(tradebook.rows, is_after_midnight) - 1);
        doubts.push_back(
            fmt::format("{}: {} was executed after the midnight of its trade_date, {}, and counts as of that "
                        "day{}",
                        tradebook.place_of(*late), printable(instrument_of(*late)), to_iso(late->date),
                        others == 0 ? "" : fmt::format(", and so do {}", counted(others, "other trade"))));
    }
    return doubts;
}

std::string scrip_json(const ScripBook& scrip) {
    JsonObject object;
    object.text("instrument", scrip.name)
        .text("isin", scrip.isin)
        .count("trades", scrip.trades)
        .decimal("bought", scrip.bought)
        .decimal("sold", scrip.sold)
        .decimal("net", scrip.net())
        .decimal("average_price", scrip.average)
        .decimal("cost", scrip.cost)
        .decimal("bought_amount", scrip.bought_amount)
        .decimal("sold_amount", scrip.sold_amount)
        .decimal("realized_pnl", scrip.realized)
        .decimal("intraday", scrip.intraday)
        .decimal("short_term", scrip.short_term)
        .decimal("long_term", scrip.long_term)
        .decimal("contracts", scrip.contracts);
    return object.done();
}

std::string books_json(const Tradebook& tradebook, const TradebookBooks& books,
                       const std::optional<TradebookCharges>& charges) {
    std::vector<std::string> scrips;
    scrips.reserve(books.scrips.size());
    for (const ScripBook& scrip : books.scrips) {
        scrips.push_back(scrip_json(scrip));
    }
    const ScripBook all = total_of(books);
    JsonObject object;
    object.count("files", tradebook.files.size())
        .count("trades", tradebook.rows.size())
        .count("duplicates", tradebook.duplicates)
        .decimal("bought_amount", all.bought_amount)
        .decimal("sold_amount", all.sold_amount)
        .decimal("realized_pnl", all.realized)
        .decimal("intraday", all.intraday)
        .decimal("short_term", all.short_term)
        .decimal("long_term", all.long_term)
        .decimal("contracts", all.contracts);
    if (charges) {
        object.decimal("note_charges", charges->notes)
            .decimal("ledger_charges", charges->ledger)
            .decimal("net_pnl", all.realized - charges->total());
    }
    object.json("scrips", json_array(scrips)).texts("doubts", doubts_of(tradebook, books));
    return object.done();
}

std::string books_text(const Tradebook& tradebook, const TradebookBooks& books,
                       const std::optional<TradebookCharges>& charges, const Style& style) {
    const ScripBook all = total_of(books);
    Table table({{"instrument", Table::Align::left},
                 {"trades"},
                 {"bought"},
                 {"sold"},
                 {"net"},
                 {"average"},
                 {"realized"},
                 {"intraday"},
                 {"short term"},
                 {"long term"},
                 {"contracts"}});
    const auto part = [&](Money amount) { return amount.raw == 0 ? "-" : gain(amount, style); };
    for (const ScripBook& scrip : books.scrips) {
        table.row({printable(scrip.name), show_count(scrip.trades), quantity(scrip.bought), quantity(scrip.sold),
                   quantity(scrip.net()), scrip.net() == Qty{} ? "-" : show_price(scrip.average, kRupees),
                   gain(scrip.realized, style), part(scrip.intraday), part(scrip.short_term), part(scrip.long_term),
                   part(scrip.contracts)});
    }
    table.row({"all", show_count(all.trades), "", "", "", "", gain(all.realized, style), part(all.intraday),
               part(all.short_term), part(all.long_term), part(all.contracts)});
    const auto drop_empty = [&](const char* title, const auto& amount_of) {
        if (std::ranges::all_of(books.scrips, [&](const ScripBook& scrip) { return amount_of(scrip).raw == 0; })) {
            table.drop(title);
        }
    };
    drop_empty("intraday", [](const ScripBook& scrip) { return scrip.intraday; });
    drop_empty("short term", [](const ScripBook& scrip) { return scrip.short_term; });
    drop_empty("long term", [](const ScripBook& scrip) { return scrip.long_term; });
    drop_empty("contracts", [](const ScripBook& scrip) { return scrip.contracts; });
    std::string text = table.text(style);
    text += fmt::format("\nbought {}, sold {}, realized {} before charges\n", money(all.bought_amount),
                        money(all.sold_amount), gain(all.realized, style));
    if (charges) {
        text += fmt::format("charges of {}: {} by contract notes, {} by the depository; net {}\n",
                            counted(charges->days, "day"), money(charges->notes), money(charges->ledger),
                            gain(all.realized - charges->total(), style));
    }
    if (tradebook.duplicates != 0) {
        text += fmt::format("{} more than once, and taken once\n", counted(tradebook.duplicates, "trade"));
    }
    return text;
}

Result<int> show_books(const TradebookRequest& request, Wiring& wiring) {
    const Result<Tradebook> tradebook = read_files(request.files);
    if (!tradebook) {
        return tl::make_unexpected(tradebook.error());
    }
    const Result<TradebookBooks> books = books_of(tradebook->rows);
    if (!books) {
        return tl::make_unexpected(books.error());
    }
    std::optional<TradebookCharges> charges;
    if (!request.charges.empty()) {
        const Result<markets::ChargePlan> plan = config::is_table_file(request.charges)
                                                     ? config::charges_of_file(request.charges)
                                                     : markets::embedded_charges(request.charges);
        if (!plan) {
            return tl::make_unexpected(plan.error());
        }
        const Result<TradebookCharges> reckoned = charges_of_tradebook(*plan, tradebook->rows);
        if (!reckoned) {
            return tl::make_unexpected(reckoned.error());
        }
        charges = *reckoned;
    }
    for (const std::string& doubt : doubts_of(*tradebook, *books)) {
        wiring.alarm(doubt);
    }
    if (request.trades && wiring.json) {
        for (const Trade& trade : books->results.lots) {
            wiring.out.write(trade_json(books->results, trade) + '\n');
        }
    } else if (request.trades) {
        wiring.out.write(trades_csv(books->results, books->results.lots));
    } else {
        wiring.out.write(wiring.json ? books_json(*tradebook, *books, charges) + '\n'
                                     : books_text(*tradebook, *books, charges, wiring.out_style));
    }
    return kExitOk;
}

// ---- compare -----------------------------------------------------------------------------------------------------------------

class Comparison {
public:
    Comparison(const JournalTrades& journal, const Tradebook& tradebook)
        : journal_(journal), tradebook_(tradebook), found_(compare_tradebooks(journal.rows, tradebook.rows)) {}

    bool is_same() const { return found_.is_same(); }

    std::string json() const {
        std::vector<std::string> positions;
        for (const TradebookComparison::Position& each : found_.positions) {
            JsonObject object;
            object.text("instrument", each.instrument).decimal("journal", each.ours).decimal("files", each.theirs);
            positions.push_back(object.done());
        }
        JsonObject object;
        object.flag("same", is_same())
            .count("journal_trades", journal_.rows.size())
            .count("file_trades", tradebook_.rows.size())
            .count("duplicates", tradebook_.duplicates)
            .count("same_trades", found_.same)
            .count("orders_cut_otherwise", found_.cut_otherwise)
            .count("apart_s_max", static_cast<std::uint64_t>(found_.apart_s_max))
            .count("differences", found_.differences.size())
            .json("first", is_same() ? "null" : first_json())
            .json("positions", json_array(positions));
        return object.done();
    }

    std::string text(const Style& style, bool is_narrowed) const {
        return is_same() ? same_text() : different_text(style, is_narrowed);
    }

private:
    const TradebookRow* ours(const TradeDifference& each) const {
        return each.ours ? &journal_.rows[*each.ours] : nullptr;
    }
    const TradebookRow* theirs(const TradeDifference& each) const {
        return each.theirs ? &tradebook_.rows[*each.theirs] : nullptr;
    }

    std::string first_json() const {
        const TradeDifference& first = found_.differences.front();
        JsonObject object;
        object.json("journal", first.ours ? tradebook_json(*ours(first)) : "null")
            .json("file", first.theirs ? tradebook_json(*theirs(first)) : "null")
            .texts("columns", first.columns);
        if (first.ours) {
            object.count("event", ours(first)->line);
        }
        if (first.theirs) {
            object.text("place", tradebook_.place_of(*theirs(first)));
        }
        return object.done();
    }

    std::string notes_text() const {
        std::string text;
        if (found_.cut_otherwise != 0) {
            text += fmt::format("{} {} cut into trades otherwise: the same price and the same sum\n",
                                counted(found_.cut_otherwise, "order"), found_.cut_otherwise == 1 ? "is" : "are");
        }
        if (found_.apart_s_max != 0) {
            text += fmt::format("times of trades with the same ids are up to {} apart\n",
                                show_seconds(static_cast<double>(found_.apart_s_max)));
        }
        if (tradebook_.duplicates != 0) {
            text += fmt::format("{} more than once in the files, and taken once\n",
                                counted(tradebook_.duplicates, "trade"));
        }
        return text;
    }

    std::string same_text() const {
        Money bought;
        Money sold;
        for (const TradebookRow& row : journal_.rows) {
            (row.side == Side::buy ? bought : sold) += row.amount();
        }
        return fmt::format("the same: {}, bought {}, sold {}\n", counted(journal_.rows.size(), "trade"), money(bought),
                           money(sold)) +
               notes_text();
    }

    std::string difference_text(const TradeDifference& difference, const Style& style) const {
        const TradebookRow* const a = ours(difference);
        const TradebookRow* const b = theirs(difference);
        Table table({{"", Table::Align::left},
                     {a == nullptr ? "journal" : fmt::format("journal, event {}", a->line), Table::Align::left},
                     {b == nullptr ? "files" : printable(tradebook_.place_of(*b)), Table::Align::left},
                     {"", Table::Align::left}});
        const auto add = [&](const char* column, auto text_of) {
            const bool differs =
                std::ranges::find(difference.columns, std::string_view(column)) != difference.columns.end();
            table.row({column, a == nullptr ? "-" : printable(text_of(*a)), b == nullptr ? "-" : printable(text_of(*b)),
                       differs ? style.red("differs") : ""});
        };
        add("symbol", instrument_of);
        add("trade_date", [](const TradebookRow& row) { return to_iso(row.date); });
        add("trade_type", [](const TradebookRow& row) { return std::string(name_of(row.side)); });
        add("quantity", [](const TradebookRow& row) { return to_string(row.quantity); });
        add("price", [](const TradebookRow& row) { return to_string(row.price); });
        add("order_execution_time", [](const TradebookRow& row) { return india_time(row.time); });
        add("trade_id", [](const TradebookRow& row) { return row.trade; });
        add("order_id", [](const TradebookRow& row) { return row.order; });
        return table.text(style);
    }

    std::string different_text(const Style& style, bool is_narrowed) const {
        const TradeDifference& first = found_.differences.front();
        std::string text = style.bold(!first.theirs ? "only the journal has this trade"
                                      : !first.ours ? "only the files have this trade"
                                                    : "the first trade that differs");
        text += fmt::format("\n\n{}\n", difference_text(first, style));
        std::size_t ours = 0;
        std::size_t theirs = 0;
        for (const TradeDifference& each : found_.differences) {
            ours += each.theirs ? 0U : 1U;
            theirs += each.ours ? 0U : 1U;
        }
        const std::size_t all = found_.differences.size();
        text += all == 1 ? "no other differs"
                         : fmt::format("{} in all: {}, {} only in the journal, {} only in the files",
                                       counted(all, "difference"),
                                       counted(all - ours - theirs, "trade") +
                                           (all - ours - theirs == 1 ? " that differs" : " that differ"),
                                       ours, theirs);
        text += fmt::format("; {} the same\n", counted(found_.same, "trade"));
        text += notes_text();
        Table table({{"instrument", Table::Align::left}, {"journal"}, {"files"}, {"", Table::Align::left}});
        for (const TradebookComparison::Position& each : found_.positions) {
            table.row({printable(each.instrument), quantity(each.ours), quantity(each.theirs),
                       each.ours == each.theirs ? "" : style.red("differs")});
        }
        text += fmt::format("\nnet by these trades\n{}", table.text(style));
        const auto day = [](const TradebookRow& row) { return row.date; };
        if (!is_narrowed && (ours != 0 || theirs != 0) && !journal_.rows.empty() && !tradebook_.rows.empty()) {
            const auto [from, to] = std::ranges::minmax(journal_.rows, {}, day);
            const auto [first_day, last_day] = std::ranges::minmax(tradebook_.rows, {}, day);
            if (from.date != first_day.date || to.date != last_day.date) {
                text +=
                    fmt::format("\nthe journal trades from {} to {}, the files from {} to {}: --from and --to compare "
                                "the days that both have\n",
                                to_iso(from.date), to_iso(to.date), to_iso(first_day.date), to_iso(last_day.date));
            }
        }
        return text;
    }

    const JournalTrades& journal_;
    const Tradebook& tradebook_;
    TradebookComparison found_;
};

Result<int> compare(const TradebookRequest& request, Wiring& wiring) {
    const Result<Days> days = days_of(request);
    if (!days) {
        return tl::make_unexpected(days.error());
    }
    Result<Tradebook> tradebook = read_files(request.files);
    if (!tradebook) {
        return tl::make_unexpected(tradebook.error());
    }
    std::erase_if(tradebook->rows, [&](const TradebookRow& row) { return !days->has(row.date); });
    const Result<JournalTrades> trades = trades_of(request, *days);
    if (!trades) {
        return tl::make_unexpected(trades.error());
    }
    const Comparison comparison(*trades, *tradebook);
    wiring.out.write(wiring.json ? comparison.json() + '\n' : comparison.text(wiring.out_style, days->is_narrowed()));
    return comparison.is_same() ? kExitOk : kExitMismatch;
}

void add_days(const Command& command, TradebookRequest& request) {
    command.option("--from", request.from, "The first trading day, YYYY-MM-DD; default: all");
    command.option("--to", request.to, "The last");
    command.option("--portfolio", request.portfolio, "Only the journal's fills of this portfolio");
}

}  // namespace

void add_tradebook(Commands& commands) {
    const Command group = Commands::add_group(
        commands.program(), "tradebook", "Zerodha's tradebook: of a journal, its books, and whether both agree",
        "Example:\n  alpha tradebook books tradebook-2025.csv tradebook-2026.csv");
    const auto exporting = std::make_shared<TradebookRequest>();
    const Command to_csv =
        commands.add(group, "export", "The fills of a journal, as Zerodha's Console writes its tradebook",
                     "Example:\n  alpha tradebook export runs/demo > tradebook.csv\n\n"
                     "Times are those of India, to the second. What alpha does not know is empty.",
                     [exporting](Wiring& wiring) {
                         return read_isolated(wiring, "the journal " + exporting->journal,
                                              [&] { return export_journal(*exporting, wiring); });
                     });
    journal_option(to_csv, exporting->journal).required();
    add_days(to_csv, *exporting);

    const auto reading = std::make_shared<TradebookRequest>();
    const Command books = commands.add(
        group, "books", "What a tradebook comes to: positions and realized profit, first in, first out",
        "Example:\n  alpha tradebook books tradebook-2025.csv tradebook-2026.csv --charges zerodha\n\n"
        "Give every file from the first purchase on, in any order; a trade that stands in two of them counts once. A "
        "tradebook knows no\n"
        "splits, bonuses, dividends or settlements.",
        [reading](Wiring& wiring) { return show_books(*reading, wiring); });
    books.option("files", reading->files, "Tradebooks, CSV as Console gives them").required();
    books.option("--charges", reading->charges,
                 "Also reckon charges, day by day: zerodha, india, or the path of a table");
    books.flag("--trades", reading->trades, "Print every pair of a purchase and a sale as CSV instead");

    const auto comparing = std::make_shared<TradebookRequest>();
    const Command both = commands.add(
        group, "compare", "Compare a journal's fills with a broker's tradebook",
        "Example:\n  alpha tradebook compare runs/live tradebook.csv --from 2026-08-03\n\n"
        "Exits 0 when they agree, 4 when not, with the first trade that differs and the positions of both.",
        [comparing](Wiring& wiring) {
            return read_isolated(wiring, "the journal " + comparing->journal,
                                 [&] { return compare(*comparing, wiring); });
        });
    both.option("journal", comparing->journal, "The journal's folder").required();
    both.option("files", comparing->files, "Tradebooks, CSV as Console gives them").required();
    add_days(both, *comparing);
}

}  // namespace alpha
