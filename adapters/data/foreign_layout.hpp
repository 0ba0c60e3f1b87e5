#pragma once
/// Inside adapters/data: which program wrote a file, told from how it begins.

#include "adapters/data/foreign_values.hpp"
#include "events/result.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace alpha::foreign {

/// The fields of one line: quoted as in RFC 4180, without line breaks inside, and no spaces around them.
class Fields {
public:
    /// False when a quoted field does not end, or goes on behind its closing quotation mark.
    bool split(std::string_view line, char separator);
    std::size_t size() const { return fields_.size(); }
    std::string_view operator[](std::size_t i) const { return fields_[i]; }
    void replace(std::size_t i, std::string_view field) { fields_[i] = field; }
    /// Of what has no separators: they must outlive their use.
    void set(std::vector<std::string_view> fields) { fields_ = std::move(fields); }

private:
    std::vector<std::string_view> fields_;
    std::string unquoted_;
};

/// What a column can hold.
enum class Role : std::uint8_t {
    time,
    clock,
    open,
    high,
    low,
    close,
    volume,
    symbol,
    price,
    quantity,
    bid,
    ask,  // of any table
    series,
    expiry,
    strike,
    option,
    type,
    exchange,
    segment,
    contract  // of an exchange's
};
inline constexpr std::size_t kRoles = 20;
inline constexpr std::size_t kAbsent = static_cast<std::size_t>(-1);

/// Columns of one instrument that stand beside those of others.
struct Group {
    std::string symbol;
    std::array<std::size_t, 5> field{kAbsent, kAbsent, kAbsent, kAbsent, kAbsent};  ///< open, high, low, close, volume
    std::size_t unadjusted = kAbsent;  ///< the close that the other prices go with, where another counts
};

enum class Naming : std::uint8_t {
    file,     ///< after the file
    column,   ///< a column says it
    equity,   ///< NSE's symbol and series
    nse_fo,   ///< NSE's old table of contracts
    udiff,    ///< the exchanges' common table
    contract  ///< of columns for the underlying, the expiry and, of options, the strike and the type
};
enum class Content : std::uint8_t { bars, trades, quotes };

struct Layout {
    std::string name;  ///< of whoever writes so
    bool is_json = false;
    char separator = ',';
    std::uint64_t header_lines = 0;
    std::size_t fields = 0;  ///< a row has; 0: it may differ
    std::array<std::size_t, kRoles> field_of{};
    std::vector<Group> groups;
    Naming naming = Naming::file;
    Content content = Content::bars;
    bool drops_untraded = false;       ///< an open or a volume of 0 says that nothing was traded
    bool keeps_sides = false;          ///< an empty bid or ask is the one before
    std::size_t unadjusted = kAbsent;  ///< the close that open, high and low go with, where another counts

    std::size_t of(Role role) const { return field_of[static_cast<std::size_t>(role)]; }
    void put(Role role, std::size_t field) { field_of[static_cast<std::size_t>(role)] = field; }
    bool has(Role role) const { return of(role) != kAbsent; }
};

/// How a file begins.
struct Head {
    std::string text;          ///< unpacked, up to 64 KiB, without a byte-order mark
    bool is_whole = false;     ///< there is no more
    bool has_lone_cr = false;  ///< its lines end with a carriage return alone
    std::vector<std::string_view> lines() const;
};

/// How the file is written; nothing where it is alpha's own, or so bad that alpha's own reader says best what is wrong. Refuses (kind
/// data) what is no market data, with what to download instead. `has_zone`: local times can be told. `is_one_of_many`: a table of bars is
/// read together with others, alpha's own, too.
Result<std::optional<Layout>> recognise(const Head& head, const std::string& name, const ForeignOptions& options,
                                        bool has_zone, bool is_one_of_many);

/// "RELIANCE.NS" as Kite names it, "NSE:RELIANCE"; ".BO" is BSE's. Other names stay.
std::string name_of_yahoo(std::string_view ticker);

Error refusal_at(const std::string& name, std::uint64_t line, std::string_view what);

}  // namespace alpha::foreign
