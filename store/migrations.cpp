#include "store/migrations.hpp"

#include "store/anchor.hpp"
#include "store/disk.hpp"
#include "store/failpoint.hpp"

#include <charconv>

namespace alpha {

namespace {

Result<void> mark_format(Database& db, int format) {
    rocksdb::WriteBatch batch;
    Result<void> ok =
        db.check("cannot be written", batch.Put(db.meta(), kFormatKey, kFormatName + std::to_string(format)));
    ok = ok ? db.write(batch) : ok;
    return ok ? db.sync() : ok;
}

/// Format 1 had no anchor and no families for snapshots and read models. RocksDB made the families when it opened the
/// journal for writing; the read models are rebuilt by whoever needs them. The anchor stands before the format asks for it.
Result<void> from_1_to_2(Database& db, rocksdb::FileSystem& files, const std::string& path, const HeadRecord& head) {
    const Result<Anchor> anchor = Anchor::create(files, path, head.next_seq, head.head);
    if (!anchor) {
        return tl::make_unexpected(anchor.error());
    }
    if (Result<void> ok = sync_folder(path); !ok) {
        return ok;
    }
    failpoint("migration: anchored, format not marked");
    return mark_format(db, 2);
}

/// Format 2 had no mark of what is verified, no family for evidence, frames whose bars are not columns, and a log whose files all lay in
/// one layer. RocksDB makes the family and moves the files when it opens the journal for writing; frames stay as they are.
Result<void> from_2_to_3(Database& db, rocksdb::FileSystem& /*files*/, const std::string& /*path*/,
                         const HeadRecord& /*head*/) {
    return mark_format(db, 3);
}

using Step = Result<void> (*)(Database&, rocksdb::FileSystem&, const std::string&, const HeadRecord&);
/// By the format it starts from, beginning with 1.
constexpr Step kSteps[] = {from_1_to_2, from_2_to_3};
static_assert(std::size(kSteps) == kJournalFormat - 1, "every older format has its step");

}  // namespace

Result<int> format_of(const Database& db, const std::string& path) {
    const Result<std::string> said = db.get_meta(kFormatKey);
    if (!said) {
        return tl::make_unexpected(said.error());
    }
    const std::string_view name(kFormatName);
    int format = 0;
    const bool named = said->starts_with(name);
    const char* const end = said->data() + said->size();
    const auto read = named ? std::from_chars(said->data() + name.size(), end, format) : std::from_chars_result{};
    if (!named || read.ec != std::errc() || read.ptr != end || format < 1 || format > kJournalFormat) {
        return fail(ErrorKind::data,
                    "The journal " + path + " is of the format \"" + *said + "\", and this version reads up to \"" +
                        kFormatName + std::to_string(kJournalFormat) + "\". Use a newer alpha.",
                    ErrorCode::newer_format);
    }
    return format;
}

Result<void> migrate(Database& db, rocksdb::FileSystem& files, const std::string& path, int format,
                     const HeadRecord& head) {
    for (; format < kJournalFormat; ++format) {
        if (Result<void> ok = kSteps[format - 1](db, files, path, head); !ok) {
            return ok;
        }
    }
    return {};
}

}  // namespace alpha
