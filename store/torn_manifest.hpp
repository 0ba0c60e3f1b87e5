#pragma once
/// What a power cut may leave at the end of RocksDB's MANIFEST: a record that was being written, cut short or garbled. RocksDB
/// opens after the first and refuses the second for ever, though nothing relied on the record yet: it is synced before it counts.
/// Private to store/.

#include "events/bytes.hpp"
#include "events/result.hpp"

#include <optional>
#include <rocksdb/file_system.h>
#include <string>

namespace alpha {

/// How many bytes of a MANIFEST (RocksDB's log format: blocks of 32 KB, records of u32 masked CRC-32C | u16 length | u8 type |
/// payload) are whole records with nothing but a torn one behind them. Nothing where the file is whole, where whole records
/// follow the damage (a torn write has none behind it), or where not even the first record is whole.
std::optional<std::size_t> bytes_before_torn_record(Bytes manifest);

/// Cuts a torn record off the MANIFEST of the journal in `folder`, for as long as this lives: unless keep() is called, the file
/// is then put back as it was. Does nothing where there is none.
class TornManifest {
public:
    static Result<TornManifest> cut(rocksdb::FileSystem& files, const std::string& folder);
    TornManifest(TornManifest&& other) noexcept;
    TornManifest& operator=(TornManifest&&) = delete;
    TornManifest(const TornManifest&) = delete;
    TornManifest& operator=(const TornManifest&) = delete;
    ~TornManifest();

    bool was_torn() const { return !path_.empty(); }
    void keep() { path_.clear(); }

private:
    TornManifest(rocksdb::FileSystem& files, std::string path, std::string before)
        : files_(&files), path_(std::move(path)), before_(std::move(before)) {}

    rocksdb::FileSystem* files_;
    std::string path_;  // empty: nothing to put back
    std::string before_;
};

}  // namespace alpha
