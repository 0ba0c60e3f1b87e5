#pragma once
/// Tables of markets out of files, over those of the program.

#include "events/result.hpp"
#include "markets/actions.hpp"
#include "markets/calendar.hpp"
#include "markets/charges.hpp"
#include "markets/instrument.hpp"
#include "markets/margins.hpp"
#include "markets/products.hpp"
#include "store/registry.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace alpha::config {

/// Files of a user's own that go over the program's calendars; empty: none.
struct CalendarFiles {
    std::string calendars;
    std::string sessions;
    std::string days;
};
/// The program's calendars, and over them those of the files. Refused with file:line.
Result<std::vector<markets::CalendarDraft>> calendar_drafts(const CalendarFiles& files);

/// Whether what is named is a file rather than a table of the program: it has a dot or a slash.
bool is_table_file(std::string_view named);

/// The table of products or margins, the corporate actions and the settlement prices in a file. Refused with file:line.
Result<ProductRules> products_of_file(const std::string& file);
Result<MarginRules> margins_of_file(const std::string& file);
Result<std::vector<markets::ActionRow>> actions_of_file(const std::string& file);
/// At what something settles on a day: CSV with the columns instrument, date and price, which may be below zero.
struct SettlementRow {
    std::string instrument;
    Date date;
    Decimal price;
};
Result<std::vector<SettlementRow>> settlements_of_file(const std::string& file);

/// The plan of charges in a file: CSV, or YAML with the same columns as keys, where it ends in .yaml or .yml. Refused with file:line.
Result<markets::ChargePlan> charges_of_file(const std::string& file);

/// What instruments are on which days: a registry, or a file of them that holds on every day but where its rows say from when.
class InstrumentSource {
public:
    /// `path`: a registry's folder, or Kite's dump or a plain CSV. Refuses what is neither, and a file with a bad row, by file:line.
    static Result<InstrumentSource> open(const std::string& path);

    /// All that it says of an instrument, the oldest first: terms over those of `given`, whose name is "EXCHANGE:SYMBOL". One that is
    /// delisted has the day before as its last. Refused (kind usage): a name that is not there, with what was probably meant, and terms
    /// that no session can go by yet.
    Result<std::vector<std::pair<Date, Instrument>>> versions_of(const Instrument& given) const;

private:
    InstrumentSource() = default;
    Result<std::vector<ListingVersion>> history(std::string_view exchange, std::string_view symbol) const;
    Result<std::vector<std::string>> names() const;

    std::optional<Registry> registry_;
    std::unique_ptr<const std::string> text_;  // of file_
    std::optional<markets::ListingFile> file_;
};

}  // namespace alpha::config
