#pragma once
/// Instruments as an exchange or a broker lists them, and the files that say so: Kite's dump of instruments, and a plain CSV. Nothing here
/// opens a file or keeps anything; store/registry.hpp keeps what is read, by date.
///
/// | form  | told by                                | columns                                                             |
/// |-------|----------------------------------------|---------------------------------------------------------------------|
/// | kite  | `instrument_token` and `tradingsymbol` | as Kite has them; those that are not known here are passed over     |
/// | plain | `exchange` and `symbol`                | those two, any of the names of Field, and `from`; others are refused |

#include "events/event.hpp"
#include "events/fixed.hpp"
#include "events/named.hpp"
#include "events/result.hpp"
#include "events/time.hpp"

#include <bitset>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alpha::markets {

/// In a Listing: it does not expire.
inline constexpr Date kNoExpiry{std::numeric_limits<std::int32_t>::max()};

/// An instrument as it is listed from a day on. The defaults are what holds where nobody says otherwise.
struct Listing {
    static constexpr std::uint8_t struct_version = 1;
    std::string exchange;  ///< "NSE", "NFO": letters, digits and _
    std::string symbol;    ///< "M&M", "NIFTY 50"; unique at its exchange on any one day
    Date from;             ///< the first day on which this holds

    std::uint32_t token = 0;  ///< the broker's number for it; 0: none. Tokens are given out again after an expiry
    std::string isin;         ///< empty: none known
    std::string name;
    std::string segment;  ///< as Kite says it: "NFO-OPT"
    InstrumentKind kind = InstrumentKind::other;
    std::string underlying;      ///< of a derivative: what it is written on, "NIFTY"
    Date expiry = kNoExpiry;     ///< the last day
    Price strike;                ///< of an option
    Price tick{1'000'000};       ///< smallest step of a price; 0 for an index
    Qty lot{kScale};             ///< smallest step of a quantity, in units of the instrument; 0 for an index
    Qty freeze;                  ///< a single order must be smaller or equal, in units; 0: none known
    Decimal multiplier{kScale};  ///< units of money that a move of 1.00 in the price of one unit is worth

    friend bool operator==(const Listing&, const Listing&) = default;

    /// All but exchange, symbol and from, which are the key that it is kept under.
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("token", token), named("isin", isin), named("name", name), named("segment", segment),
           named("kind", kind), named("underlying", underlying), named("expiry", expiry), named("strike", strike),
           named("tick", tick), named("lot", lot), named("freeze", freeze), named("multiplier", multiplier));
    }
};

/// What can change of a listing, in the order in which it is shown.
enum class Field : std::uint8_t {
    token,
    isin,
    name,
    segment,
    kind,
    underlying,
    expiry,
    strike,
    tick,
    lot,
    freeze,
    multiplier
};
inline constexpr std::size_t kFields = 12;
/// Bit i: the field with number i.
using FieldSet = std::bitset<kFields>;
/// "freeze"
std::string_view name_of(Field field);
/// As the plain form has it: "2026-01-27", "call", "0.05"; empty for an expiry or a text that there is none of.
std::string text_of(const Listing& listing, Field field);
/// The fields in which they differ.
FieldSet changed_fields(const Listing& a, const Listing& b);
/// Copies `fields` from `from`.
void copy_fields(Listing& to, const Listing& from, FieldSet fields);
/// "NSE:INFY"
std::string full_name(const Listing& listing);

/// Largest number of rows in a file.
inline constexpr std::size_t kMaxListingRows = 1'000'000;
/// As many bad rows are kept with their reasons; the rest is counted.
inline constexpr std::size_t kMaxBadRowsKept = 1'000;

/// A file of listings, read once and judged row by row. It keeps 56 bytes a row and looks at the text again for each row that it is asked
/// for, so a dump of 100,000 rows costs little more than its text.
class ListingFile {
public:
    /// A row's key. The views are into the text.
    struct Entry {
        std::string_view exchange;
        std::string_view symbol;
        std::uint64_t offset = 0;  ///< of the line
        std::uint32_t line = 0;
        std::uint32_t token = 0;
        Date from;
        bool is_bad = false;  ///< the row cannot be used, but says of what it speaks
    };
    struct BadRow {
        std::uint64_t line = 0;
        std::string why;  ///< without its place
    };

    /// Reads all of `text`, which `file` is called in messages and which must outlive this object. `day` is the day from which rows hold
    /// that do not say so. Refuses (kind data) a header that is of no known form or wants a column, more than kMaxListingRows rows, and
    /// a file without a row. Bad is a row that cannot be read, is negative, too large or impossible (a call without expiry, a tick of 0 for
    /// what trades), or that speaks of an instrument and day, or gives a token, that a row before it did. O(rows log rows).
    static Result<ListingFile> read(std::string file, std::string_view text, std::optional<Date> day);

    /// "kite" or "plain"
    const char* form() const { return is_kite_ ? "kite" : "plain"; }
    const std::string& file() const { return file_; }
    /// By exchange, symbol and day; bad ones among them where they could be told apart.
    std::span<const Entry> entries() const { return entries_; }
    /// The row of an entry that is not bad: fields that the file has no column for have their defaults.
    Listing listing(const Entry& entry) const;
    /// The fields that the file has columns for.
    FieldSet fields() const { return fields_; }
    /// Whether rows say from when they hold: the file is a history, not a list of all that there is.
    bool has_from() const { return has_from_; }
    /// How many rows are good.
    std::size_t good_rows() const { return good_rows_; }
    /// In the order of the file, the first kMaxBadRowsKept.
    const std::vector<BadRow>& bad_rows() const { return bad_rows_; }
    std::uint64_t bad_row_count() const { return bad_row_count_; }
    /// The refusal (kind data, code bad_record) of a file with bad rows: "FILE:LINE: why", a line each for the first ten.
    tl::unexpected<Error> bad_rows_refusal() const;

private:
    /// What a column says.
    enum class Column : std::uint8_t { field, exchange, symbol, from, passed_over };
    struct ColumnRole {
        Column what = Column::passed_over;
        Field field = Field::token;
    };
    struct Reading;

    ListingFile() = default;
    Result<void> read_header(std::span<const std::string_view> cells, std::uint64_t line);
    /// Whether a row of these cells can be used; else says why not. Keeps the texts' memory.
    bool parse(std::span<const std::string_view> cells, Listing& into, std::string& why) const;
    void take_row(std::string_view line, std::uint64_t offset, std::uint32_t number, Reading& reading);
    void refuse_twins();
    void add_bad(std::uint64_t line, std::string why);

    std::string file_;
    std::string_view text_;
    std::optional<Date> day_;
    bool is_kite_ = false;
    bool has_from_ = false;
    FieldSet fields_;
    std::vector<ColumnRole> columns_;
    std::vector<Entry> entries_;
    std::vector<BadRow> bad_rows_;
    std::uint64_t bad_row_count_ = 0;
    std::size_t good_rows_ = 0;
};

}  // namespace alpha::markets
