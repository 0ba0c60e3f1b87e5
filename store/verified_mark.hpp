#pragma once
/// What is known to be whole of a journal, so that the next start need not look again: up to which event its log was written or verified
/// by this program, in which files, and which snapshot the session itself had folded to. Private to store/.
///
///   "verified" in family "default":
///     u64 seq of the last full leaf | chain there | u64 next event | head
///     u64 next event of the snapshot, kNoSeq: none | its SHA-256
///     u32 files | of each: u64 number | u64 bytes | u64 inode | u64 time of its last change, ns
///
/// Whoever touches a file changes the time of its last change, which cannot be set: a flipped bit, a file put back or a copied folder
/// is verified from event 0 on. ON DISK, DO NOT CHANGE.

#include "store/database.hpp"
#include "store/verify.hpp"

#include <optional>
#include <string>
#include <vector>

namespace alpha {

inline constexpr char kVerifiedKey[] = "verified";

/// A file as the system sees it.
struct FileStamp {
    std::uint64_t number = 0;
    std::uint64_t bytes = 0;
    std::uint64_t inode = 0;
    std::uint64_t changed_ns = 0;
    friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

struct VerifiedMark {
    ChainPlace leaf;
    Seq next_seq = 0;
    Digest head{};
    Seq snapshot_seq = kNoSeq;
    Digest snapshot{};
    std::vector<FileStamp> files;  ///< of the log's family, by number; they hold every event before next_seq

    /// Appends the value of "verified".
    void write(ByteBuffer& out) const;
    /// Nothing where the bytes are none of these.
    static std::optional<VerifiedMark> read(Bytes bytes);
};

/// The mark of a database; nothing where there is none.
Result<std::optional<VerifiedMark>> read_mark(const Database& db);

/// The log's files in the folder at `path`, by number; nothing where the system cannot be asked, such as on a simulated disk.
std::optional<std::vector<FileStamp>> stamps_of_log(const Database& db, const std::string& path);

/// Whether each file of the mark is still there, untouched, and no other holds events before the mark's end.
bool is_untouched(const VerifiedMark& mark, const Database& db, const std::string& path);

}  // namespace alpha
