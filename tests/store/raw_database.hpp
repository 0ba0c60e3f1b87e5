#pragma once
/// A journal's database as somebody with RocksDB at hand sees it: without the store, and without its settings.

#include "events/ids.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <rocksdb/db.h>
#include <string>
#include <vector>

namespace alpha::store_test {

class RawDatabase {
public:
    enum class Mode { read, write };
    /// RocksDB tidies nothing up: files that are not touched stay as they are.
    explicit RawDatabase(const std::string& path, Mode mode = Mode::write) {
        std::vector<std::string> names;
        REQUIRE(rocksdb::DB::ListColumnFamilies({}, path, &names).ok());
        rocksdb::ColumnFamilyOptions options;
        options.disable_auto_compactions = true;
        std::vector<rocksdb::ColumnFamilyDescriptor> families;
        families.reserve(names.size());
        for (const std::string& name : names) {
            families.emplace_back(name, options);
        }
        rocksdb::DB* opened = nullptr;
        const rocksdb::Status status = mode == Mode::write
                                           ? rocksdb::DB::Open({}, path, families, &handles_, &opened)
                                           : rocksdb::DB::OpenForReadOnly({}, path, families, &handles_, &opened);
        REQUIRE(status.ok());
        db_.reset(opened);
    }
    RawDatabase(const RawDatabase&) = delete;
    RawDatabase& operator=(const RawDatabase&) = delete;
    ~RawDatabase() {
        for (rocksdb::ColumnFamilyHandle* const handle : handles_) {
            CHECK(db_->DestroyColumnFamilyHandle(handle).ok());
        }
    }

    rocksdb::DB* operator->() const { return db_.get(); }
    rocksdb::DB* get() const { return db_.get(); }
    rocksdb::ColumnFamilyHandle* family(const std::string& name) const {
        for (rocksdb::ColumnFamilyHandle* const handle : handles_) {
            if (handle->GetName() == name) {
                return handle;
            }
        }
        FAIL("the database has no family " << name);
        return nullptr;
    }
    std::vector<rocksdb::LiveFileMetaData> files() const {
        std::vector<rocksdb::LiveFileMetaData> files;
        db_->GetLiveFilesMetaData(&files);
        return files;
    }

private:
    std::unique_ptr<rocksdb::DB> db_;
    std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

/// The key of a frame, a snapshot or evidence.
inline std::string raw_key_of(Seq seq) {
    std::string key;
    for (int shift = 56; shift >= 0; shift -= 8) {
        key.push_back(static_cast<char>(seq >> static_cast<unsigned>(shift)));
    }
    return key;
}

}  // namespace alpha::store_test
