#pragma once
/// A data set: market data in one file, as frames of canonical events with a content hash. Made once from CSV, then read with
/// no parsing and almost no copying. The instrument ids in its events are indices into its own symbol table.

#include "events/codec.hpp"
#include "store/chain.hpp"

#include <memory>
#include <string>
#include <vector>

namespace alpha {

enum class DataKind : std::uint8_t { quotes = 1, bars = 2 };

struct DataSetInfo {
    DataKind kind = DataKind::quotes;
    Duration interval;       ///< bars
    bool date_only = false;  ///< bars whose label was a date: stored as 00:00 UTC of that date, placed by the session's hours
    std::vector<std::string> symbols;
    std::uint64_t records = 0;
    Time first;
    Time last;
    Digest content_hash{};  ///< over the canonical bytes, chained as a log's head; the same for the same records
    std::uint64_t file_bytes = 0;
};

/// Writes a set under a temporary name; finish() gives it its own. Without finish() nothing is left behind.
class DataSetWriter {
public:
    /// Refuses (kind usage) when `path` exists.
    static Result<std::unique_ptr<DataSetWriter>> create(const std::string& path, DataKind kind, Duration interval,
                                                         bool date_only);
    ~DataSetWriter();
    DataSetWriter(const DataSetWriter&) = delete;
    DataSetWriter& operator=(const DataSetWriter&) = delete;

    /// The symbol's index, given on first use.
    InstrumentId symbol(std::string_view name);
    /// Records in feed order; times never go back.
    Result<void> add(Time time, const QuoteTick& quote);
    /// A bar at its label.
    Result<void> add(Time label, const BarClosed& bar);
    Result<DataSetInfo> finish();

private:
    struct Writing;
    explicit DataSetWriter(std::unique_ptr<Writing> writing);
    std::unique_ptr<Writing> writing_;
};

class DataSetReader {
public:
    /// Refuses (kind data) what is not a whole data set of this version.
    static Result<std::unique_ptr<DataSetReader>> open(const std::string& path);
    ~DataSetReader();
    DataSetReader(const DataSetReader&) = delete;
    DataSetReader& operator=(const DataSetReader&) = delete;

    const DataSetInfo& info() const;
    /// The next frame of canonical QuoteTick or BarClosed events; null at the end. Every frame's checksum is verified.
    /// Valid until the next call.
    Result<const Frame*> next();
    /// Bytes of the file read so far.
    std::uint64_t position() const;

private:
    struct Reading;
    explicit DataSetReader(std::unique_ptr<Reading> reading);
    std::unique_ptr<Reading> reading_;
};

/// Whether the file begins as a data set does.
bool looks_like_data_set(const std::string& path);

}  // namespace alpha
