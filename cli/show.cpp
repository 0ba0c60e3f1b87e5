#include "cli/command.hpp"
#include "cli/report.hpp"
#include "config/suggest.hpp"
#include "results/export.hpp"
#include "views/as_json.hpp"
#include "views/read_models.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <memory>
#include <set>

namespace alpha {
namespace {

struct ShowOptions {
    std::string journal;
    std::string portfolio;
    std::string instrument;
    std::string strategy;
    bool open = false;
    bool rounds = false;  ///< trades
    bool csv = false;     ///< trades
    std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
};

/// One name that rows are narrowed to, and those that were seen on the way.
class NameFilter {
public:
    NameFilter(const char* what, std::string wanted) : what_(what), wanted_(std::move(wanted)) {}

    bool passes(const std::string& name) {
        if (wanted_.empty()) {
            return true;
        }
        found_ = found_ || name == wanted_;
        seen_.insert(name);
        return name == wanted_;
    }
    bool missed() const { return !wanted_.empty() && !found_; }
    /// "no order of strategy crss; did you mean cross?"
    std::string explain(const char* rows) const {
        const std::vector<std::string_view> known(seen_.begin(), seen_.end());
        const std::string meant = did_you_mean(wanted_, known);
        return fmt::format("no {} of {} {}{}", rows, what_, wanted_,
                           meant.empty() ? "" : fmt::format("; did you mean {}?", meant));
    }

private:
    const char* what_;
    std::string wanted_;
    bool found_ = false;
    std::set<std::string> seen_;
};

int sign_of(Money amount) {
    return amount.raw == 0 ? 0 : (amount.raw > 0 ? 1 : -1);
}

/// What the three commands share: the journal's models, its portfolios and how money looks.
class Showing {
public:
    Showing(const ShowOptions& options, const RunConfigured& config, const ReadModels& models, Wiring& wiring)
        : options_(options),
          config_(config),
          models_(models),
          wiring_(wiring),
          portfolio_("portfolio", options.portfolio),
          instrument_("instrument", options.instrument),
          strategy_("strategy", options.strategy) {}

    Result<int> portfolios() {
        if (Result<void> ok = learn_portfolios(); !ok) {
            return tl::unexpected(ok.error());
        }
        Table books({{"portfolio", Table::Align::left},
                     {"broker", Table::Align::left},
                     {"started with"},
                     {"cash"},
                     {"realized"},
                     {"charges"},
                     {"open orders"},
                     {"fills"},
                     {"", Table::Align::left}});
        Table positions({{"portfolio", Table::Align::left},
                         {"instrument", Table::Align::left},
                         {"product", Table::Align::left},
                         {"net"},
                         {"average"},
                         {"cost"},
                         {"realized"},
                         {"charges"},
                         {"fills"},
                         {"traded"}});
        bool any = false;
        bool has_products = false;
        for (PortfolioView& each : known_) {
            if (!options_.portfolio.empty() && each.name != options_.portfolio) {
                continue;
            }
            std::erase_if(each.positions, [&](const PositionView& position) {
                return !instrument_.passes(position.instrument) || (options_.open && position.net == Qty{});
            });
            if (full()) {
                break;
            }
            if (wiring_.json) {
                wiring_.out.write(portfolio_json(each, config_) + '\n');
                continue;
            }
            const BrokerConfig* broker = broker_of(config_, each.id);
            books.row({each.name, broker == nullptr ? "-" : broker->name, money(each.initial_cash), money(each.cash),
                       gain(each.realized_pnl), money(each.charges), show_count(each.open_orders),
                       show_count(each.fills), standing_of(each)});
            for (const PositionView& position : each.positions) {
                any = true;
                positions.row({each.name, position.instrument, "", show_qty(position.net, currency()),
                               position.net == Qty{} ? "-" : price(position.average_price()), money(position.cost),
                               gain(position.realized_pnl), money(position.charges), show_count(position.fills),
                               money(position.traded)});
                for (const HoldingView& held : position.holdings) {
                    has_products = true;
                    positions.row({"", "", name_of(held.product), show_qty(held.net, currency()),
                                   price(position.average_price(held.cost, held.net)), money(held.cost), "", "", "",
                                   ""});
                }
            }
        }
        if (!has_products) {
            positions.drop("product");
        }
        if (!wiring_.json) {
            wiring_.out.write(books.text(wiring_.out_style));
            wiring_.out.write(any ? "\n" + positions.text(wiring_.out_style) : "");
        }
        return conclude("position");
    }

    Result<int> orders() {
        if (Result<void> ok = learn_portfolios(); !ok) {
            return tl::unexpected(ok.error());
        }
        Table table({{"order"},
                     {"created", Table::Align::left},
                     {"strategy", Table::Align::left},
                     {"portfolio", Table::Align::left},
                     {"instrument", Table::Align::left},
                     {"product", Table::Align::left},
                     {"side", Table::Align::left},
                     {"type", Table::Align::left},
                     {"tif", Table::Align::left},
                     {"quantity"},
                     {"limit"},
                     {"stop"},
                     {"filled"},
                     {"average"},
                     {"status", Table::Align::left}});
        bool has_products = false;
        const Result<void> read = models_.orders([&](const OrderView& each) {
            if (!passes(each) || (options_.open && is_terminal(each.status))) {
                return !wiring_.out.closed();
            }
            if (full()) {
                return false;
            }
            has_products = has_products || each.terms.product != Product::none;
            if (wiring_.json) {
                wiring_.out.write(order_json(each) + '\n');
                return !wiring_.out.closed();
            }
            table.row({std::to_string(each.id.value), wiring_.zone.show(each.created_time), each.strategy,
                       each.portfolio, each.instrument, name_of(each.terms.product), name_of(each.terms.side),
                       name_of(each.terms.type), name_of(each.terms.tif), show_qty(each.terms.quantity, currency()),
                       price(each.terms.limit_price), price(each.terms.stop_price), show_qty(each.filled, currency()),
                       price(each.average_price()), standing_of(each)});
            return true;
        });
        if (!read) {
            return tl::unexpected(read.error());
        }
        if (!has_products) {
            table.drop("product");
        }
        wiring_.out.write(wiring_.json ? "" : table.text(wiring_.out_style));
        return conclude("order");
    }

    Result<int> fills() {
        if (Result<void> ok = learn_portfolios(); !ok) {
            return tl::unexpected(ok.error());
        }
        Table table({{"event"},
                     {"time", Table::Align::left},
                     {"order"},
                     {"strategy", Table::Align::left},
                     {"portfolio", Table::Align::left},
                     {"instrument", Table::Align::left},
                     {"product", Table::Align::left},
                     {"side", Table::Align::left},
                     {"quantity"},
                     {"price"},
                     {"notional"},
                     {"charges"},
                     {"realized"}});
        bool has_products = false;
        const Result<void> read = models_.fills([&](const FillView& each) {
            if (!passes(each)) {
                return !wiring_.out.closed();
            }
            if (full()) {
                return false;
            }
            has_products = has_products || each.product != Product::none;
            if (wiring_.json) {
                wiring_.out.write(fill_json(each) + '\n');
                return !wiring_.out.closed();
            }
            table.row({std::to_string(each.event), wiring_.zone.show(each.time), std::to_string(each.order.value),
                       each.strategy, each.portfolio, each.instrument, name_of(each.product), name_of(each.side),
                       show_qty(each.quantity, currency()), price(each.price), money(each.notional),
                       money(each.charges), gain(each.realized_pnl)});
            return true;
        });
        if (!read) {
            return tl::unexpected(read.error());
        }
        if (!has_products) {
            table.drop("product");
        }
        wiring_.out.write(wiring_.json ? "" : table.text(wiring_.out_style));
        return conclude("fill");
    }

private:
    /// All portfolios have a row from the beginning, so a name without one is misspelt.
    Result<void> learn_portfolios() {
        Result<void> read = models_.portfolios([&](const PortfolioView& each) {
            known_.push_back(each);
            portfolio_.passes(each.name);
            return true;
        });
        if (read && portfolio_.missed()) {
            return fail(ErrorKind::usage, fmt::format("{}: {}", options_.journal, portfolio_.explain("row")));
        }
        return read;
    }

    template <class Model>
    bool passes(const Model& model) {
        const bool ours = portfolio_.passes(model.portfolio);
        const bool of_strategy = strategy_.passes(model.strategy);
        return instrument_.passes(model.instrument) && of_strategy && ours;
    }
    /// Whether --limit is reached; else counts one more.
    bool full() {
        if (shown_ >= options_.limit) {
            return true;
        }
        ++shown_;
        return false;
    }

    /// An instrument or a strategy that never traded has no rows, so its name may be right.
    int conclude(const char* rows) {
        for (const NameFilter* filter : {&instrument_, &strategy_}) {
            if (filter->missed() && shown_ < options_.limit) {
                wiring_.note(fmt::format("{}: {}", options_.journal, filter->explain(rows)));
            }
        }
        return kExitOk;
    }

    const std::string& currency() const {
        static const std::string kNone;
        return known_.empty() ? kNone : known_.front().currency;
    }
    std::string money(Money amount) const { return show_money(amount, currency()); }
    std::string price(Price value) const { return value == Price{} ? "-" : show_price(value, currency()); }
    std::string gain(Money amount) const {
        return wiring_.out_style.gain(sign_of(amount), show_gain(amount, currency()));
    }

    std::string standing_of(const PortfolioView& portfolio) const {
        if (portfolio.killed) {
            return wiring_.out_style.red(fmt::format("killed by {}", name_of(portfolio.killed_by)));
        }
        return portfolio.is_open ? "" : "never used";
    }
    static std::string standing_of(const OrderView& order) {
        std::string text = name_of(order.status);
        if (order.status == OrderStatus::refused) {
            text += fmt::format(" by {}", name_of(order.refused_by));
        }
        text += order.triggered && !is_terminal(order.status) ? ", triggered" : "";
        text += order.cancel_pending ? ", cancel asked" : "";
        text += order.modify_pending ? ", change asked" : "";
        return text;
    }

    const ShowOptions& options_;
    const RunConfigured& config_;
    const ReadModels& models_;
    Wiring& wiring_;
    NameFilter portfolio_;
    NameFilter instrument_;
    NameFilter strategy_;
    std::vector<PortfolioView> known_;
    std::uint64_t shown_ = 0;
};

Result<int> show(const ShowOptions& options, Result<int> (Showing::*what)(), Wiring& wiring) {
    const Result<std::unique_ptr<Journal>> journal = open_journal(options.journal);
    if (!journal) {
        return tl::unexpected(journal.error());
    }
    const Result<ReadModels> models = ReadModels::of(**journal);
    if (!models) {
        return tl::unexpected(models.error());
    }
    RunConfigured config;
    if ((*journal)->next_seq() != 0) {
        const Result<DecodedEvent> first = read_event(**journal, 0);
        if (!first) {
            return tl::unexpected(first.error());
        }
        if (const auto* configured = std::get_if<RunConfigured>(&first->event)) {
            config = *configured;
        }
    }
    Showing showing(options, config, *models, wiring);
    return (showing.*what)();
}

/// Trades are no rows: they follow from the whole log.
class ShowingTrades {
public:
    ShowingTrades(const ShowOptions& options, Wiring& wiring)
        : options_(options),
          wiring_(wiring),
          portfolio_("portfolio", options.portfolio),
          instrument_("instrument", options.instrument),
          strategy_("strategy", options.strategy) {}

    Result<int> show() {
        const Result<FoldedResults> folded = results_of_journal(options_.journal, {}, "");
        if (!folded) {
            return tl::make_unexpected(folded.error());
        }
        const Results& results = folded->results;
        const std::vector<Trade>& all = options_.rounds ? results.rounds : results.lots;
        std::vector<Trade> shown;
        for (const Trade& trade : all) {
            // Each filter sees every trade, so that it knows what a name may have meant.
            const bool of_portfolio = portfolio_.passes(results.portfolios[trade.portfolio.value]);
            const bool of_instrument = instrument_.passes(results.instruments[trade.instrument.value]);
            const bool of_strategy = strategy_.passes(strategy_of(results, trade));
            if (of_portfolio && of_instrument && of_strategy && (!options_.open || trade.is_open()) &&
                shown.size() < options_.limit) {
                shown.push_back(trade);
            }
        }
        if (options_.csv) {
            wiring_.out.write(trades_csv(results, shown));
        } else if (wiring_.json) {
            for (std::size_t i = 0; i < shown.size() && !wiring_.out.closed(); ++i) {
                wiring_.out.write(trade_json(results, shown[i]) + '\n');
            }
        } else {
            wiring_.out.write(table(results, shown));
        }
        for (const NameFilter* const filter : {&portfolio_, &instrument_, &strategy_}) {
            if (filter->missed()) {
                wiring_.note(fmt::format("{}: {}", options_.journal, filter->explain("trade")));
            }
        }
        return kExitOk;
    }

private:
    std::string table(const Results& results, const std::vector<Trade>& trades) const {
        const std::string& currency = results.currency;
        Table table({{"entered", Table::Align::left},
                     {"left", Table::Align::left},
                     {"instrument", Table::Align::left},
                     {"side", Table::Align::left},
                     {"quantity"},
                     {"entry"},
                     {"exit"},
                     {"gross"},
                     {"charges"},
                     {"net"},
                     {"worst", Table::Align::right, true},
                     {"best", Table::Align::right, true},
                     {"held"},
                     {"strategy", Table::Align::left, true},
                     {"by", Table::Align::left, true}});
        const auto gain = [&](Money amount) {
            return wiring_.out_style.gain(sign_of(amount), show_gain(amount, currency));
        };
        for (const Trade& trade : trades) {
            const double held_s = static_cast<double>(trade.held().ns) / static_cast<double>(kSecondNs);
            const std::string by = !trade.exit.tag.empty() ? printable(trade.exit.tag) : name_of(trade.end);
            table.row({wiring_.zone.show(trade.entry.time), trade.is_open() ? "-" : wiring_.zone.show(trade.exit.time),
                       results.instruments[trade.instrument.value], trade.side == Side::buy ? "long" : "short",
                       show_qty(trade.quantity, currency), show_price(trade.entry.price, currency),
                       show_price(trade.exit.price, currency), gain(trade.gross), show_money(trade.charges, currency),
                       gain(trade.net()), show_gain(trade.worst, currency), show_gain(trade.best, currency),
                       show_seconds(held_s), strategy_of(results, trade), by});
        }
        return table.text(wiring_.out_style);
    }

    const ShowOptions& options_;
    Wiring& wiring_;
    NameFilter portfolio_;
    NameFilter instrument_;
    NameFilter strategy_;
};

void add_trades(const Command& group, Commands& commands, const std::shared_ptr<ShowOptions>& options) {
    const Command command = commands.add(
        group, "trades", "Every trade from its entry to its exit, first in, first out; folds the log",
        "Example:\n  alpha show trades runs/demo --instrument NSE:INFY --csv\n\n"
        "A row is what one order bought and another sold (or the other way round). --rounds shows what was held from "
        "flat to flat\n"
        "instead, at average prices. \"worst\" and \"best\" are how far it was down and up while it was held.",
        [options](Wiring& wiring) {
            return read_isolated(wiring, "the journal " + options->journal,
                                 [&] { return ShowingTrades(*options, wiring).show(); });
        });
    journal_option(command, options->journal).required();
    commands.prints_times(command);
    command.option("--portfolio", options->portfolio, "Only those of this portfolio");
    command.option("--instrument", options->instrument, "Only those of this instrument");
    command.option("--strategy", options->strategy, "Only those that this strategy entered");
    command.option("--limit", options->limit, "At most so many");
    command.flag("--open", options->open, "Only what is still held, at the last mark");
    command.flag("--rounds", options->rounds, "From flat to flat, at average prices");
    command.flag("--csv", options->csv, "As CSV, with every column");
}

Command add_one(const Command& group, Commands& commands, const std::shared_ptr<ShowOptions>& options,
                const std::string& name, const std::string& summary, const std::string& example,
                Result<int> (Showing::*what)()) {
    const Command command =
        commands.add(group, name, summary, "Example:\n  alpha show " + name + example, [options, what](Wiring& wiring) {
            return read_isolated(wiring, "the journal " + options->journal,
                                 [&] { return show(*options, what, wiring); });
        });
    journal_option(command, options->journal).required();
    commands.prints_times(command);
    command.option("--portfolio", options->portfolio, "Only those of this portfolio");
    command.option("--limit", options->limit, "At most so many");
    return command;
}

}  // namespace

void add_show(Commands& commands) {
    const Command group =
        Commands::add_group(commands.program(), "show", "Print a journal's portfolios, orders, fills or trades",
                            "Example:\n  alpha show orders runs/demo --open");
    const auto options = std::make_shared<ShowOptions>();
    const Command portfolios = add_one(group, commands, options, "portfolios",
                                       "Cash, profit and positions by portfolio", " runs/demo", &Showing::portfolios);
    portfolios.option("--instrument", options->instrument, "Only positions in this instrument");
    portfolios.flag("--open", options->open, "Only positions that are not flat");
    const Command orders =
        add_one(group, commands, options, "orders", "Every order and how it stands, refused ones included",
                " runs/demo --open --portfolio main", &Showing::orders);
    orders.option("--instrument", options->instrument, "Only those of this instrument");
    orders.option("--strategy", options->strategy, "Only those of this strategy");
    orders.flag("--open", options->open, "Only orders that may still fill");
    const Command fills = add_one(group, commands, options, "fills", "Every execution",
                                  " runs/demo --instrument NSE:INFY --json", &Showing::fills);
    fills.option("--instrument", options->instrument, "Only those of this instrument");
    fills.option("--strategy", options->strategy, "Only those of this strategy");
    add_trades(group, commands, options);
}

}  // namespace alpha
