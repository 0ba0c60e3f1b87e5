#pragma once
/// How far a journal had come when it last promised something: the one thing said of it outside RocksDB, so that a log that
/// has lost its tail cannot pass for a shorter one (RocksDB 7.8.3 opens without a word after 391 of 391 single-bit flips of
/// its write-ahead log, after a deleted one, and after some of its MANIFEST).
///
/// The file "anchor" holds two slots, each in a page of its own. A new record goes into the slot that does not hold the
/// newest one, and is durable before anything that relies on it happens: a torn write loses at most what nobody was promised.
///
///   slot   "alpha anchor 1\n\0" | u64 generation | u64 next_seq | head (32 bytes) | u32 CRC-32C of all before
///   file   slot, zeros up to 4096, slot, zeros up to 8192
///
/// The slot of an even generation is the first. ON DISK, DO NOT CHANGE.

#include "events/ids.hpp"
#include "store/chain.hpp"

#include <array>
#include <memory>
#include <optional>
#include <string>

namespace rocksdb {
class FileSystem;
class FSRandomRWFile;
}  // namespace rocksdb

namespace alpha {

inline constexpr std::size_t kAnchorBytes = 8'192;
inline constexpr char kAnchorFile[] = "anchor";

struct AnchorRecord {
    std::uint64_t generation = 0;
    Seq next_seq = 0;  ///< the log held all events before this one
    Digest head{};     ///< and this was its head
    friend bool operator==(const AnchorRecord&, const AnchorRecord&) = default;
};

/// What an anchor's bytes say.
struct AnchorSlots {
    std::array<std::optional<AnchorRecord>, 2> slots;  ///< empty: damaged, or never written
    bool in_order = false;                             ///< both slots whole and nothing else in the file

    /// Null when no slot can be read.
    const AnchorRecord* newest() const;
};

/// Reads the slots; never fails, whatever the bytes are.
AnchorSlots parse_anchor(Bytes bytes);

/// Reads the anchor of the journal in `folder`. Refuses (kind data) a file that is missing or has no whole slot.
Result<AnchorSlots> read_anchor(rocksdb::FileSystem& files, const std::string& folder);

/// The anchor of a journal that is being written. One owner.
class Anchor {
public:
    /// A new anchor with `record` in both slots, durable as a file; its folder is the caller's to sync.
    static Result<Anchor> create(rocksdb::FileSystem& files, const std::string& folder, Seq next_seq,
                                 const Digest& head);
    static Result<Anchor> open(rocksdb::FileSystem& files, const std::string& folder);
    Anchor(Anchor&&) noexcept;
    Anchor& operator=(Anchor&&) noexcept;
    ~Anchor();

    /// Durable once this returns. After a failure the other slot still holds what was promised before.
    Result<void> write(Seq next_seq, const Digest& head);
    const AnchorRecord& newest() const { return newest_; }

private:
    Anchor(std::unique_ptr<rocksdb::FSRandomRWFile> file, std::string path, const AnchorRecord& newest);

    std::unique_ptr<rocksdb::FSRandomRWFile> file_;
    std::string path_;
    AnchorRecord newest_;
};

}  // namespace alpha
