#include "tests/faults/simulated_disk.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace alpha::faults {

namespace fs = std::filesystem;
using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

/// What of a file would survive a power cut.
struct SimulatedDisk::FileRecord {
    struct Overwrite {
        std::uint64_t at = 0;
        std::string before;
        std::string after;
    };
    std::uint64_t written = 0;
    std::uint64_t durable = 0;
    std::vector<Overwrite> overwrites;  // not durable, oldest first
};

struct SimulatedDisk::NameChange {
    enum class Kind : std::uint8_t { created, renamed, deleted };
    Kind kind = Kind::created;
    std::string path;    // renamed: the new name
    std::string from;    // renamed: the old name
    std::string backup;  // what `path` held before it was deleted or renamed over; empty: nothing
};

namespace {

std::string folder_of(const std::string& path) {
    return fs::path(path).parent_path().string();
}

IOStatus refused() {
    return IOStatus::IOError();
}

class WritableFile final : public rocksdb::FSWritableFileOwnerWrapper {
public:
    WritableFile(SimulatedDisk& disk, std::shared_ptr<SimulatedDisk::FileRecord> record,
                 std::unique_ptr<rocksdb::FSWritableFile>&& file)
        : FSWritableFileOwnerWrapper(std::move(file)), disk_(disk), record_(std::move(record)) {}

    IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
        if (IOStatus ok = disk_.operate(); !ok.ok()) {
            return ok;
        }
        IOStatus done = FSWritableFileOwnerWrapper::Append(data, options, debug);
        if (done.ok()) {
            const std::lock_guard lock(disk_.mutex());
            record_->written += data.size();
        }
        return done;
    }
    IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                    IODebugContext* debug) override {
        return Append(data, options, debug);
    }
    IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* debug) override {
        IOStatus done = FSWritableFileOwnerWrapper::Truncate(size, options, debug);
        const std::lock_guard lock(disk_.mutex());
        record_->written = size;
        record_->durable = std::min(record_->durable, size);
        return done;
    }
    IOStatus Sync(const IOOptions& options, IODebugContext* debug) override { return sync(options, debug); }
    IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override { return sync(options, debug); }
    IOStatus RangeSync(std::uint64_t, std::uint64_t, const IOOptions&, IODebugContext*) override {
        return IOStatus::OK();
    }
    bool IsSyncThreadSafe() const override { return true; }

private:
    /// The real disk need not sync: only what this one remembers counts.
    IOStatus sync(const IOOptions& options, IODebugContext* debug) {
        if (IOStatus ok = disk_.operate(); !ok.ok()) {
            return ok;
        }
        if (IOStatus ok = FSWritableFileOwnerWrapper::Flush(options, debug); !ok.ok()) {
            return ok;
        }
        const std::lock_guard lock(disk_.mutex());
        record_->durable = disk_.skips_syncs() ? record_->durable : record_->written;
        return IOStatus::OK();
    }

    SimulatedDisk& disk_;
    std::shared_ptr<SimulatedDisk::FileRecord> record_;
};

class RandomRWFile final : public rocksdb::FSRandomRWFileOwnerWrapper {
public:
    RandomRWFile(SimulatedDisk& disk, std::shared_ptr<SimulatedDisk::FileRecord> record,
                 std::unique_ptr<rocksdb::FSRandomRWFile>&& file)
        : FSRandomRWFileOwnerWrapper(std::move(file)), disk_(disk), record_(std::move(record)) {}

    IOStatus Write(std::uint64_t at, const Slice& data, const IOOptions& options, IODebugContext* debug) override {
        if (IOStatus ok = disk_.operate(); !ok.ok()) {
            return ok;
        }
        std::string scratch(data.size(), '\0');
        Slice before;
        if (IOStatus ok = Read(at, data.size(), options, &before, scratch.data(), debug); !ok.ok()) {
            return ok;
        }
        {
            const std::lock_guard lock(disk_.mutex());
            record_->overwrites.push_back({at, before.ToString(), data.ToString()});
        }
        return FSRandomRWFileOwnerWrapper::Write(at, data, options, debug);
    }
    IOStatus Sync(const IOOptions&, IODebugContext*) override {
        if (IOStatus ok = disk_.operate(); !ok.ok()) {
            return ok;
        }
        const std::lock_guard lock(disk_.mutex());
        record_->overwrites.clear();
        return IOStatus::OK();
    }
    IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override { return Sync(options, debug); }

private:
    SimulatedDisk& disk_;
    std::shared_ptr<SimulatedDisk::FileRecord> record_;
};

class Folder final : public rocksdb::FSDirectoryWrapper {
public:
    Folder(SimulatedDisk& disk, std::string path, std::unique_ptr<rocksdb::FSDirectory>&& folder)
        : FSDirectoryWrapper(std::move(folder)), disk_(disk), path_(std::move(path)) {}

    IOStatus Fsync(const IOOptions&, IODebugContext*) override { return sync(); }
    IOStatus FsyncWithDirOptions(const IOOptions&, IODebugContext*, const rocksdb::DirFsyncOptions&) override {
        return sync();
    }

private:
    IOStatus sync() {
        if (IOStatus ok = disk_.operate(); !ok.ok()) {
            return ok;
        }
        disk_.folder_synced(path_);
        return IOStatus::OK();
    }

    SimulatedDisk& disk_;
    std::string path_;
};

}  // namespace

SimulatedDisk::SimulatedDisk(const DiskPlan& plan) : FileSystemWrapper(rocksdb::FileSystem::Default()), plan_(plan) {}
SimulatedDisk::~SimulatedDisk() = default;

std::uint64_t SimulatedDisk::operations() const {
    const std::lock_guard lock(mutex_);
    return operations_;
}

void SimulatedDisk::set_free_bytes(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    plan_.free_bytes = bytes;
}

IOStatus SimulatedDisk::operate() {
    const std::lock_guard lock(mutex_);
    ++operations_;
    switch (plan_.fault) {
    case Fault::none: return IOStatus::OK();
    case Fault::refuse_once: return operations_ == plan_.operation ? refused() : IOStatus::OK();
    case Fault::refuse_on: return operations_ >= plan_.operation ? refused() : IOStatus::OK();
    case Fault::power_cut:
        if (operations_ == plan_.operation) {
            cut_power();
            ::_exit(0);
        }
    }
    return IOStatus::OK();
}

std::shared_ptr<SimulatedDisk::FileRecord> SimulatedDisk::record_of(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(files_, path, [](const auto& file) { return file.first; });
    return found == files_.end() ? nullptr : found->second;
}

std::shared_ptr<SimulatedDisk::FileRecord> SimulatedDisk::record_of_existing(const std::string& path) {
    std::shared_ptr<FileRecord> record = record_of(path);
    if (record == nullptr) {  // it was there before, durably
        record = std::make_shared<FileRecord>();
        record->written = record->durable = fs::file_size(path);
        const std::lock_guard lock(mutex_);
        files_.emplace_back(path, record);
    }
    return record;
}

void SimulatedDisk::note_creation(const std::string& path) {
    const std::lock_guard lock(mutex_);
    std::erase_if(files_, [&](const auto& file) { return file.first == path; });
    files_.emplace_back(path, std::make_shared<FileRecord>());
    name_changes_.push_back({NameChange::Kind::created, path, {}, {}});
}

void SimulatedDisk::folder_synced(const std::string& folder) {
    const std::lock_guard lock(mutex_);
    std::erase_if(name_changes_, [&](const NameChange& change) {
        if (folder_of(change.path) != folder) {
            return false;
        }
        if (!change.backup.empty()) {
            fs::remove(change.backup);
        }
        return true;
    });
}

IOStatus SimulatedDisk::NewWritableFile(const std::string& path, const FileOptions& options,
                                        std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
    if (IOStatus ok = operate(); !ok.ok()) {
        return ok;
    }
    std::unique_ptr<rocksdb::FSWritableFile> real;
    IOStatus made = FileSystemWrapper::NewWritableFile(path, options, &real, debug);
    if (made.ok()) {
        note_creation(path);
        *file = std::make_unique<WritableFile>(*this, record_of(path), std::move(real));
    }
    return made;
}

IOStatus SimulatedDisk::ReopenWritableFile(const std::string& path, const FileOptions& options,
                                           std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
    if (!fs::exists(path)) {
        return NewWritableFile(path, options, file, debug);
    }
    std::unique_ptr<rocksdb::FSWritableFile> real;
    IOStatus opened = FileSystemWrapper::ReopenWritableFile(path, options, &real, debug);
    if (opened.ok()) {
        *file = std::make_unique<WritableFile>(*this, record_of_existing(path), std::move(real));
    }
    return opened;
}

IOStatus SimulatedDisk::ReuseWritableFile(const std::string&, const std::string&, const FileOptions&,
                                          std::unique_ptr<rocksdb::FSWritableFile>*, IODebugContext*) {
    return IOStatus::NotSupported("log files are not recycled");
}

IOStatus SimulatedDisk::NewRandomRWFile(const std::string& path, const FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomRWFile>* file, IODebugContext* debug) {
    std::unique_ptr<rocksdb::FSRandomRWFile> real;
    IOStatus opened = FileSystemWrapper::NewRandomRWFile(path, options, &real, debug);
    if (opened.ok()) {
        *file = std::make_unique<RandomRWFile>(*this, record_of_existing(path), std::move(real));
    }
    return opened;
}

IOStatus SimulatedDisk::NewDirectory(const std::string& path, const IOOptions& options,
                                     std::unique_ptr<rocksdb::FSDirectory>* folder, IODebugContext* debug) {
    std::unique_ptr<rocksdb::FSDirectory> real;
    IOStatus opened = FileSystemWrapper::NewDirectory(path, options, &real, debug);
    if (opened.ok()) {
        *folder = std::make_unique<Folder>(*this, path, std::move(real));
    }
    return opened;
}

IOStatus SimulatedDisk::DeleteFile(const std::string& path, const IOOptions& options, IODebugContext* debug) {
    if (IOStatus ok = operate(); !ok.ok()) {
        return ok;
    }
    const std::lock_guard lock(mutex_);
    const std::string backup = path + ".before-" + std::to_string(next_backup_++);
    std::error_code gone;
    fs::create_hard_link(path, backup, gone);
    IOStatus deleted = FileSystemWrapper::DeleteFile(path, options, debug);
    if (deleted.ok()) {
        name_changes_.push_back({NameChange::Kind::deleted, path, {}, backup});
    }
    return deleted;
}

IOStatus SimulatedDisk::RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                                   IODebugContext* debug) {
    if (IOStatus ok = operate(); !ok.ok()) {
        return ok;
    }
    const std::lock_guard lock(mutex_);
    std::string backup;
    if (fs::exists(to)) {
        backup = to + ".before-" + std::to_string(next_backup_++);
        fs::create_hard_link(to, backup);
    }
    IOStatus renamed = FileSystemWrapper::RenameFile(from, to, options, debug);
    if (renamed.ok()) {
        name_changes_.push_back({NameChange::Kind::renamed, to, from, backup});
        for (auto& [path, record] : files_) {
            path = path == from ? to : path;
        }
    }
    return renamed;
}

IOStatus SimulatedDisk::GetFreeSpace(const std::string& path, const IOOptions& options, std::uint64_t* free,
                                     IODebugContext* debug) {
    IOStatus asked = FileSystemWrapper::GetFreeSpace(path, options, free, debug);
    const std::lock_guard lock(mutex_);
    *free = plan_.free_bytes == ~std::uint64_t{0} ? *free : plan_.free_bytes;
    return asked;
}

/// Called with the mutex held, by a process that ends right after.
void SimulatedDisk::cut_power() {
    std::mt19937_64 random(plan_.seed);
    const auto one_in = [&](std::uint64_t n) { return random() % n == 0; };
    for (const auto& [path, record] : files_) {
        if (!fs::exists(path)) {
            continue;
        }
        if (record->written > record->durable) {
            const std::uint64_t lost = record->written - record->durable;
            const std::uint64_t survives = one_in(3) ? 0 : one_in(2) ? lost : random() % (lost + 1);
            fs::resize_file(path, record->durable + survives);
            if (survives > 0 && one_in(3)) {  // a sector that was being written when the power went
                std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
                const std::uint64_t garbled = 1 + random() % std::min<std::uint64_t>(survives, 512);
                file.seekp(static_cast<std::streamoff>(record->durable + survives - garbled));
                for (std::uint64_t i = 0; i < garbled; ++i) {
                    file.put(static_cast<char>(random()));
                }
            }
        }
        for (auto at = record->overwrites.rbegin(); at != record->overwrites.rend(); ++at) {
            const std::uint64_t kept = one_in(3) ? 0 : one_in(2) ? at->after.size() : random() % (at->after.size() + 1);
            const std::string now =
                at->after.substr(0, kept) + at->before.substr(std::min<std::size_t>(kept, at->before.size()));
            std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
            file.seekp(static_cast<std::streamoff>(at->at));
            file.write(now.data(), static_cast<std::streamsize>(now.size()));
        }
    }
    // A folder's changes reach the disk in order, so what is lost of them is their tail.
    const std::size_t survive = name_changes_.empty() ? 0 : random() % (name_changes_.size() + 1);
    for (std::size_t i = name_changes_.size(); i-- > 0;) {
        const NameChange& change = name_changes_[i];
        if (i >= survive) {
            std::error_code ignored;
            switch (change.kind) {
            case NameChange::Kind::created: fs::remove(change.path, ignored); break;
            case NameChange::Kind::renamed: fs::rename(change.path, change.from, ignored); break;
            case NameChange::Kind::deleted: break;
            }
            if (!change.backup.empty()) {
                fs::rename(change.backup, change.path, ignored);
            }
        } else if (!change.backup.empty()) {
            fs::remove(change.backup);
        }
    }
}

}  // namespace alpha::faults
