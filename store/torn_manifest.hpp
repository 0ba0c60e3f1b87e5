#pragma once
/// What a power cut may leave at the end of RocksDB's MANIFEST: a record that was being written, cut short or garbled. RocksDB
/// opens after the first and refuses the second for ever, though nothing relied on the record yet: it is synced before it counts.
/// Private to store/.

#include "events/bytes.hpp"
#include "events/result.hpp"

#include <memory>
#include <optional>
#include <rocksdb/file_system.h>
#include <string>
#include <utility>

namespace alpha {

/// How many bytes of a MANIFEST (RocksDB's log format: blocks of 32 KB, records of u32 masked CRC-32C | u16 length | u8 type |
/// payload) are whole records with nothing but a torn one behind them. Nothing where the file is whole, where whole records
/// follow the damage (a torn write has none behind it), or where not even the first record is whole.
std::optional<std::size_t> bytes_before_torn_record(Bytes manifest);

/// A journal whose MANIFEST ends in a torn record.
class TornManifest {
public:
    /// Nothing where it does not. Reads only.
    static Result<std::optional<TornManifest>> find(const std::shared_ptr<rocksdb::FileSystem>& files,
                                                    const std::string& folder);

    /// The journal's files as they would be without that record: whether it is sound then is found out before anything is written.
    std::shared_ptr<rocksdb::FileSystem> files_as_if_cut() const;
    /// Cuts the record off.
    Result<void> cut() const;

private:
    TornManifest(std::shared_ptr<rocksdb::FileSystem> files, std::string path, std::string whole)
        : files_(std::move(files)), path_(std::move(path)), whole_(std::move(whole)) {}

    std::shared_ptr<rocksdb::FileSystem> files_;
    std::string path_;
    std::string whole_;  // what of it is records
};

}  // namespace alpha
