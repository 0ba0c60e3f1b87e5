#pragma once
/// A disk that can lose power. Everything a journal writes goes through it to real files; it remembers what was not yet made
/// durable, and at a power cut takes that away again: whole, torn in the middle, or not at all, as a disk may.
///
///   data          of a file is durable up to its last sync; of what came after, any prefix may survive, its tail garbled
///   file names    new, renamed and deleted ones are durable once their folder is synced; until then either state may survive
///   overwrites    (the anchor) survive whole, torn at a byte, or not at all

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <rocksdb/file_system.h>
#include <string>
#include <vector>

namespace alpha::faults {

enum class Fault : std::uint8_t {
    power_cut,    ///< at the n-th operation: what was not durable goes, and so does the process (_exit)
    refuse_once,  ///< the n-th operation fails with an I/O error
    refuse_on,    ///< all operations from the n-th on do
    none
};

struct DiskPlan {
    Fault fault = Fault::none;
    std::uint64_t operation = 0;                   ///< the n-th write, sync, creation, rename or deletion, from 1
    std::uint64_t seed = 0;                        ///< decides what survives a power cut
    bool skip_syncs = false;                       ///< planted: syncs of files say yes and do nothing (the anchor's do)
    std::uint64_t free_bytes = ~std::uint64_t{0};  ///< what the disk says is free; all ones: ask the real one
};

class SimulatedDisk final : public rocksdb::FileSystemWrapper {
public:
    explicit SimulatedDisk(const DiskPlan& plan);
    ~SimulatedDisk() override;
    const char* Name() const override { return "SimulatedDisk"; }

    std::uint64_t operations() const;
    void set_free_bytes(std::uint64_t bytes);

    // What the files below call. Not ok: the operation must fail with that.
    rocksdb::IOStatus operate();
    struct FileRecord;
    std::shared_ptr<FileRecord> record_of(const std::string& path) const;
    std::shared_ptr<FileRecord> record_of_existing(const std::string& path);
    bool skips_syncs() const { return plan_.skip_syncs; }
    std::mutex& mutex() { return mutex_; }
    void folder_synced(const std::string& folder);

    rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* file,
                                      rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                         std::unique_ptr<rocksdb::FSWritableFile>* file,
                                         rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus ReuseWritableFile(const std::string& path, const std::string& old_path,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSWritableFile>* file,
                                        rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus NewRandomRWFile(const std::string& path, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSRandomRWFile>* file,
                                      rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                   std::unique_ptr<rocksdb::FSDirectory>* folder,
                                   rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                                 rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                                 rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus GetFreeSpace(const std::string& path, const rocksdb::IOOptions& options, std::uint64_t* free,
                                   rocksdb::IODebugContext* debug) override;

private:
    struct NameChange;
    void cut_power();
    void note_creation(const std::string& path);

    DiskPlan plan_;
    mutable std::mutex mutex_;
    std::uint64_t operations_ = 0;
    std::vector<std::pair<std::string, std::shared_ptr<FileRecord>>> files_;
    std::vector<NameChange> name_changes_;  // oldest first
    std::uint64_t next_backup_ = 0;
};

}  // namespace alpha::faults
