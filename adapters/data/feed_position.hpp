#pragma once
/// Inside adapters/data: where a feed stands, in bytes that a session goes on from.
///
///   "alphapos" | u32 version | u32 sources
///   per source: u8 form | u32 length, name | u32 length, instrument | i64 interval
///               u64 offset | u64 row | u64 within | i64 last | u64 rows | u64 handed | i64 time | u64 row | u8 opens | content_hash
///   last record: i64 time | u8 rank | u32 source
///   u32 symbols | per symbol: u32 length, name
///   version 2: u32 bars | per bar: u32 symbol | u32 source | u64 line | i64 open, high, low, close, volume
///   u32 CRC-32C of all before
///
/// IN JOURNALS, DO NOT CHANGE: a new shape is a new version.

#include "adapters/data/record_stream.hpp"

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace alpha {

enum class SourceForm : std::uint8_t { csv_quotes = 1, csv_bars, set_quotes, set_bars, synth, csv_trades };

/// What a source is recognized by. The folder does not matter, the name does: of two files that nothing was read of yet,
/// it alone says which is which.
struct SourceIdentity {
    SourceForm form = SourceForm::csv_quotes;
    std::string name;
    std::string instrument;
    Duration interval;
    friend bool operator==(const SourceIdentity&, const SourceIdentity&) = default;
};

/// For messages.
std::string text_of(const SourceIdentity& identity);

/// The order of a feed's records; those of one source may be equal.
struct RecordKey {
    Time time = kBeforeAll;
    int rank = 0;
    std::size_t source = 0;
    friend auto operator<=>(const RecordKey&, const RecordKey&) = default;
};

/// What sources must agree on.
struct BarValues {
    Price open;
    Price high;
    Price low;
    Price close;
    Volume volume;
    friend bool operator==(const BarValues&, const BarValues&) = default;
};

inline BarValues values_of(const BarClosed& bar) {
    return {bar.open, bar.high, bar.low, bar.close, bar.volume};
}

/// A bar's opening or close that left the feed: what the same from another source is compared with.
struct ShownBar {
    std::uint32_t symbol = 0;
    std::uint32_t source = 0;
    std::uint64_t line = 0;
    BarValues values;
};

struct FeedPosition {
    struct Source {
        SourceIdentity identity;
        SourcePlace place;
    };
    std::vector<Source> sources;
    RecordKey last;
    std::span<const std::string> symbols;
    std::vector<ShownBar> shown;  ///< at the time and rank of the last record
};

void put_position(ByteBuffer& out, const FeedPosition& position);
/// `symbols` keeps the names. Refuses whatever put_position() did not write.
Result<FeedPosition> read_position(Bytes bytes, std::vector<std::string>& symbols);

}  // namespace alpha
