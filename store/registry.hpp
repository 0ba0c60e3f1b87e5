#pragma once
/// The registry: what each instrument was on each day. A database of its own in a folder, filled by loading files of listings
/// (markets/instrument.hpp) and asked by exchange and symbol, by token or by ISIN, each time with a date.
///
/// **Versions.** A load is of a day. What it says of an instrument is kept as a version from that day on, and only where it differs from what
/// held before: the same dump loaded daily adds none. A field that a file has no column for stays as it was, so freeze quantities from
/// one file and lots from another live together. What is listed at an exchange that a file names, and is not in the file, is delisted from
/// that day on, unless the load is partial. On a date the version with the newest `from` up to it holds, as long as it is not one that says
/// "delisted" and its expiry has not passed. After an expiry nothing holds, whether or not a load said so.
///
/// **History is appended.** A load for a day before the newest load of its exchange is refused. The same day again takes the place of what
/// was said for it.
///
/// **Loads are atomic.** What a load writes becomes visible and durable in one step, across all of its exchanges. A process that is killed
/// before leaves what was there.
///
///   family "default"   "format"                             "alpha registry 1"
///                      "day/EXCHANGE"                       i32 day of its newest load
///   family "versions"  EXCHANGE 0 SYMBOL 0 u32 from         u8 1 | Listing: listed; u8 0: delisted
///   family "tokens"    u32 token | u32 from | EXCHANGE 0 SYMBOL   empty
///   family "isins"     ISIN 0 EXCHANGE 0 SYMBOL 0 u32 from        empty
///
/// Numbers in keys are big-endian, so that they sort. ON DISK, DO NOT CHANGE: a Listing grows as structs in events do (events/cursor.hpp).

#include "events/result.hpp"
#include "markets/instrument.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace alpha {

/// One version of an instrument.
struct ListingVersion {
    bool is_listed = true;
    markets::Listing listing;  ///< delisted: exchange, symbol and from alone
    friend bool operator==(const ListingVersion&, const ListingVersion&) = default;
};

struct LoadOptions {
    bool partial =
        false;  ///< what is not in the file stays as it is; always so of a file that says from when each row holds
    bool skip_bad = false;  ///< leave bad rows out, and what they speak of as it is, instead of refusing the file
};

/// What a load did.
struct LoadReport {
    std::uint64_t rows = 0;       ///< good ones
    std::uint64_t listed = 0;     ///< rows of instruments that were not listed the day before
    std::uint64_t changed = 0;    ///< rows that differ from what held before
    std::uint64_t unchanged = 0;  ///< rows that do not
    std::uint64_t expired = 0;    ///< rows whose expiry had passed already
    std::uint64_t delisted = 0;   ///< instruments that are listed no more
    std::uint64_t versions_written = 0;
    std::uint64_t versions_removed = 0;                ///< of the same day, by an earlier load
    std::vector<std::pair<std::string, Date>> newest;  ///< exchanges of the file, and the newest day loaded for each
};

/// What differs between two days, each in the order of exchange and symbol.
struct RegistryDiff {
    struct Change {
        markets::Listing before;
        markets::Listing after;
    };
    std::vector<markets::Listing> listed;
    std::vector<markets::Listing> delisted;  ///< as they were; expired ones are among them
    std::vector<Change> changed;
};

class RegistryDatabase;

class Registry {
public:
    enum class Access : std::uint8_t {
        read,  ///< as it is now, beside a writer
        write  ///< makes the folder where there is none; one process at a time
    };

    /// Refuses what is not there (read; code not_found), is no registry, was written by a newer alpha (code newer_format), or is being
    /// written by somebody else (write; kind transient, code in_use).
    static Result<Registry> open(const std::string& path, Access access);
    Registry(Registry&&) noexcept;
    Registry& operator=(Registry&&) noexcept;
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;
    ~Registry();

    /// Loads a file whole, or changes nothing. Requires access to write. Refuses (kind data) a file with bad rows, unless they are to be
    /// skipped, and rows for days before the newest load of their exchange. O(versions of its exchanges) in time, O(rows) in memory.
    Result<LoadReport> load(const markets::ListingFile& file, const LoadOptions& options);

    /// What holds on `date`; none where it is not listed then. O(log versions).
    Result<std::optional<markets::Listing>> find(std::string_view exchange, std::string_view symbol, Date date) const;
    /// The instrument that had the token on `date`: of several, the one that got it last. Requires a token that is not 0.
    Result<std::optional<markets::Listing>> find_token(std::uint32_t token, Date date) const;
    /// All listings with the ISIN on `date`, by exchange and symbol.
    Result<std::vector<markets::Listing>> find_isin(std::string_view isin, Date date) const;
    /// All versions, the oldest first; none of an instrument that was never listed.
    Result<std::vector<ListingVersion>> history(std::string_view exchange, std::string_view symbol) const;

    /// Listings whose symbol or name holds `text`, in whatever case (ASCII), on `date`.
    struct Found {
        std::vector<markets::Listing> listings;  ///< the first `limit`, by exchange and symbol
        std::uint64_t total = 0;
    };
    /// O(all versions), as the next ones.
    Result<Found> search(std::string_view text, Date date, std::size_t limit) const;
    /// From what was listed on `a` to what is on `b`. Of one exchange, where one is named.
    Result<RegistryDiff> diff(Date a, Date b, std::string_view exchange = {}) const;
    /// "EXCHANGE:SYMBOL" of all that was ever listed, in order.
    Result<std::vector<std::string>> names() const;

    /// Exchanges that were loaded, and the newest day of each, by name.
    Result<std::vector<std::pair<std::string, Date>>> exchanges() const;

private:
    explicit Registry(std::unique_ptr<RegistryDatabase> db);
    std::unique_ptr<RegistryDatabase> db_;
};

}  // namespace alpha
