#pragma once
/// A scenario file, read and validated as a whole: every mistake at once, each with
/// file:line:column and a suggestion. docs/reference-scenario.md lists every key.

#include "adapters/data/source.hpp"
#include "events/event.hpp"
#include "events/result.hpp"
#include "plugins/plugin.hpp"
#include "store/disk.hpp"

#include <set>
#include <string>
#include <vector>

namespace alpha {

/// What the instruments of a scenario are from a day on, where a registry says so.
struct DatedInstrument {
    InstrumentId instrument;
    Date from;  ///< in its market's zone
    Instrument definition;
};

/// An instrument is called otherwise from a day on.
struct Rename {
    InstrumentId instrument;
    Date from;
    std::string name;
};

/// What a scenario means once every default is filled in. `config` goes into the log as event 0, `market` as
/// the event behind it; `data` stays outside. Two files that mean the same give equal configs, however they are written;
/// only the order of instruments, portfolios, brokers and strategies is meaning (it gives the ids).
struct Scenario {
    std::string path;
    RunConfigured config;
    bool declines_products = false;  ///< `products: none` is written
    ProductRules products;           ///< what ProductRulesSet says then; silent: nothing
    MarginRules margins;             ///< what MarginRulesSet says then; silent: nothing
    std::vector<CorporateAction>
        actions;  ///< by ex-date, then by instrument; those of one in the order in which they happen
    std::vector<SettlementPrice> settlements;  ///< by date
    std::vector<Rename> renames;               ///< by day
    markets::MarketRules market;               ///< what MarketRulesSet says at the session's beginning; silent: nothing
    std::vector<DataSource> data;              ///< files resolved relative to the scenario
    Plugins plugins;                     ///< the libraries that it names, loaded: what its strategies are found in
    std::vector<std::string> libraries;  ///< their files
    std::vector<std::string>
        tables;  ///< files of calendars, charges, products, margins and actions, and the registry's folder
    std::vector<DatedInstrument> dated;  ///< of a registry: what instruments are on which days
    std::set<std::string> with_session;  ///< instruments whose session or calendar is written; "" is default_instrument
    std::string notify;                  ///< a command for /bin/sh (runtime/notifier.hpp); empty: none
    std::vector<std::string> warnings;   ///< file:line:column: legal, but surely not meant
};

/// Reads `path`. An error (kind usage) holds one line a mistake, in the order of the file:
/// "file:line:column: what is wrong; what to write instead". Columns count bytes from 1.
Result<Scenario> load_scenario(const std::string& path);
/// The same from text; `path` is used in messages and to resolve data files.
Result<Scenario> parse_scenario(const std::string& text, const std::string& path);

/// What it is read from: itself, its data and libraries, and whatever is behind standard input where that sends data. None of it
/// may be written to.
std::vector<InUse> inputs_of(const Scenario& scenario);

}  // namespace alpha
