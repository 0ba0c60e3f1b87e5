#pragma once
/// How files of market data are read, as typed: the options that `data import`, `data info`, `data check` and `init` share.

#include "adapters/data/import.hpp"
#include "cli/options.hpp"
#include "cli/zone.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace alpha {

struct ReadRequest {
    std::vector<std::string> files;
    std::string kind;  ///< empty: told from the file, as is what follows
    std::string instrument;
    std::string interval;
    std::vector<std::string> map;
    std::string from;
    std::string until;
    std::optional<std::uint32_t> decimals;
    std::string dates;
    std::string duplicates;
    std::string resample;
    std::string calendar;
    std::string session;
};

/// What --tz is for besides, in the help of these commands.
inline constexpr const char* kReadsIn = ". A file's times without an offset are read in it";

/// Declares all but the files.
void add_reading(const Command& command, ReadRequest& request);

/// Those that were typed and say how the lines of a file are read, but for --tz: "--from", "--until".
std::vector<std::string_view> typed_options(const ReadRequest& request);

/// The instruments that --instrument names.
std::vector<std::string> named_instruments(const ReadRequest& request);

/// A source, and what its files are.
struct Told {
    DataSource source;
    TimesOf times;
    std::optional<ForeignReport> foreign;  ///< of another program's
    std::optional<DataSetInfo> set;        ///< of a data set
};

/// What the request leaves open, the files say. `shown_as`: how messages call them, where not by their path. Refuses (kind usage) what
/// was typed wrongly, or of a data set, and (kind data) what is wrong with the files.
Result<Told> source_of(const ReadRequest& request, const Zone& zone, const std::string& shown_as = {});

}  // namespace alpha
