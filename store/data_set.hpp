#pragma once
/// A data set: market data in one file, as frames of canonical events with a content hash. Made
/// once from CSV, then read with no parsing and almost no copying. The instrument ids in its events
/// are indices into its own symbol table.
///
///   "alphaset" | u32 version | u32 zero
///   frames: u32 length | stored frame (store/frame.hpp), numbered by record from 0
///   footer: u8 kind | u8 date_only | u16 zero | u32 symbols | i64 interval | u64 records | i64
///   first | i64 last |
///           32 bytes content hash | per symbol: u32 length, name
///   u32 footer length | u32 CRC-32C of the footer and its length | "alphaend"
///
/// ON DISK, DO NOT CHANGE: a new shape is a new version.

#include "events/codec.hpp"
#include "store/chain.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace alpha {

enum class DataKind : std::uint8_t {
    quotes = 1,
    bars = 2,
    trades = 3  ///< no data set holds them yet
};
/// As people write it.
const char* name_of(DataKind kind);

struct DataSetInfo {
    DataKind kind = DataKind::quotes;
    Duration interval;       ///< bars
    bool date_only = false;  ///< bars whose label was a date: stored as 00:00 UTC of that date,
                             ///< placed by the session's hours
    std::vector<std::string> symbols;
    std::uint64_t records = 0;
    Time first;
    Time last;
    /// SHA-256 over the head of the records' canonical bytes, chained as a log's, and over all of
    /// the above that tells what they mean: kind, date_only, interval, symbols. The same for the
    /// same records, however they were written down.
    Digest content_hash{};
    std::uint64_t file_bytes = 0;
    bool lacks_end = false;  ///< of a text: its last line was taken although it has no line feed
};

/// Writes a set under a temporary name; finish() gives it its own. Without finish() nothing is left
/// behind. An error is final: finish() repeats it.
class DataSetWriter {
public:
    /// Refuses (kind usage) when `path` exists; parent folders are made.
    static Result<std::unique_ptr<DataSetWriter>> create(const std::string& path, DataKind kind, Duration interval,
                                                         bool date_only);
    ~DataSetWriter();
    DataSetWriter(const DataSetWriter&) = delete;
    DataSetWriter& operator=(const DataSetWriter&) = delete;

    /// The symbol's index, given on first use. A name that is empty or too long, or one too many
    /// (limits.hpp), is refused by the next add() or finish().
    InstrumentId symbol(std::string_view name);
    /// Records in feed order. Refuses (kind data) a time before the last one's or outside
    /// kMinTime..kMaxTime, and prices and quantities that are negative or beyond limits.hpp.
    /// Requires an instrument that symbol() gave.
    Result<void> add(Time time, const QuoteTick& quote);
    /// A bar at its label. As above.
    Result<void> add(Time label, const BarClosed& bar);
    Result<DataSetInfo> finish();

private:
    struct Writing;
    explicit DataSetWriter(std::unique_ptr<Writing> writing);
    std::unique_ptr<Writing> writing_;
};

class DataSetReader {
public:
    /// Refuses (kind data) what is not a whole data set of this version. Reads the footer only:
    /// damage to a frame is found when next() comes to it.
    static Result<std::unique_ptr<DataSetReader>> open(const std::string& path);
    ~DataSetReader();
    DataSetReader(const DataSetReader&) = delete;
    DataSetReader& operator=(const DataSetReader&) = delete;

    const DataSetInfo& info() const;
    /// The next frame of canonical QuoteTick or BarClosed events; null at the end. Every frame's
    /// checksum is verified, every record is what the writer accepts (kind, symbol, order and
    /// range), and the end is reached with the recorded count. The content hash is not computed:
    /// verify_data_set does. Valid until the next call. An error is final.
    Result<const Frame*> next();
    /// Bytes of the file read so far: where the next frame begins.
    std::uint64_t position() const;
    /// Goes to the frame at `position`, which begins with this record. A place where no such frame begins is refused here
    /// or by next(): a frame's checksum covers its first record's number.
    Result<void> seek(std::uint64_t position, std::uint64_t record);

private:
    struct Reading;
    explicit DataSetReader(std::unique_ptr<Reading> reading);
    std::unique_ptr<Reading> reading_;
};

/// Reads all of it and refuses (kind data) when its content is not what its hash says.
Result<DataSetInfo> verify_data_set(const std::string& path);

/// Whether the file begins as a data set does.
bool looks_like_data_set(const std::string& path);

}  // namespace alpha
