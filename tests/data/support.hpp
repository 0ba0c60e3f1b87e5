#pragma once
/// What the tests of adapters/data share: a folder that vanishes, and a feed read to its end as
/// text.

#include "adapters/data/feed.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace alpha::test {

/// A fresh folder for one test, removed with everything in it.
class TempDir {
public:
    TempDir();
    ~TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    std::string path(std::string_view name) const { return path_ + "/" + std::string(name); }
    /// Writes a file and gives its path.
    std::string write(std::string_view name, std::string_view content) const;
    /// How many files the folder holds.
    std::size_t files() const;

private:
    std::string path_;
};

std::string gzip(std::string_view content);
std::string zstd(std::string_view content);

/// A feed read to its end: a line a record, "time kind NAME values", and how it ended.
struct Reading {
    std::vector<std::string> lines;
    std::vector<std::string> symbols;
    std::vector<std::string> warnings;  ///< "lacks: " before what an error may be made of
    std::string error;                  ///< empty at a good end
    ErrorKind kind = ErrorKind::internal;
};

/// A record as one of those lines.
std::string text_of(const FeedRecord& record, const std::vector<std::string>& symbols);

Reading read_all(const std::vector<DataSource>& sources, const TimesOf& hours = {});

DataSource quotes(const std::string& file);
DataSource trades(const std::string& file);
DataSource bars(const std::string& file, Duration interval, const std::string& instrument = {});
/// The source, and its records may be as far ahead of others as they like.
DataSource whatever_gaps(DataSource source);

inline constexpr Duration kMinute{60 * kSecondNs};
/// Where minutes are counted from in what tests make up: nearer to 1970, a number of nanoseconds may look like one of milliseconds.
inline constexpr Date kFirstDay{10'957};  // 2000-01-01
inline constexpr Time kStart{kFirstDay.days * kDayNs};
inline constexpr Duration kDay{kDayNs};

/// NSE's session for every instrument.
TradingHours nse_hours(const std::string& instrument);

}  // namespace alpha::test
