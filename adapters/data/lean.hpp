#pragma once
/// Inside adapters/data: the zip archives of QuantConnect's LEAN. Their rows say neither their day, nor what they are of, nor whether prices
/// are written in ten-thousandths: the folders and names around them do, as in equity/usa/minute/aapl/20131007_trade.zip
/// (https://www.quantconnect.com/docs/v2/lean-engine/data-format).

#include "adapters/data/foreign_layout.hpp"

#include <memory>
#include <optional>
#include <string>

namespace alpha::foreign {

struct Part;    // adapters/data/foreign_rows.hpp
class Records;  // adapters/data/foreign_rows.hpp

/// What the path of an archive says.
struct LeanFile {
    enum class Ticks : std::uint8_t { trade, quote, other };
    std::string type;        ///< "equity"
    std::string resolution;  ///< "minute"
    std::string ticker;      ///< in capitals
    Ticks ticks = Ticks::trade;
    std::optional<Date> day;   ///< of rows that give a time of day alone
    bool by_contract = false;  ///< an archive of several files, one a contract
    bool is_scaled = false;    ///< prices in ten-thousandths
    bool is_utc = false;
};

/// Nothing where the path is not one of LEAN's, or the file no zip archive. Refuses (kind data) LEAN's other archives.
Result<std::optional<LeanFile>> lean_file(const std::string& path, const std::string& name);
Layout layout_of(const LeanFile& lean);
/// The rows with their times written out and their prices in units of their currency.
Result<std::unique_ptr<Records>> open_lean(const Part& part);

/// Whether a line looks like one of LEAN's, of which nothing around it says what it is.
bool is_like_lean(std::string_view line);

}  // namespace alpha::foreign
