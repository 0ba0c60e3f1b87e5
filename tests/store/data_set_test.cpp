#include "store/checksum.hpp"
#include "store/data_set.hpp"
#include "tests/store/support.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <sys/resource.h>

using namespace alpha;
using namespace alpha::store_test;

namespace {

std::unique_ptr<DataSetWriter> new_set(const std::string& path, DataKind kind = DataKind::quotes,
                                       Duration interval = {}, bool date_only = false) {
    Result<std::unique_ptr<DataSetWriter>> writer = DataSetWriter::create(path, kind, interval, date_only);
    REQUIRE(writer);
    return std::move(*writer);
}

Result<DataSetInfo> write_quotes(const std::string& path, Seq records, const std::string& prefix = "NSE:") {
    const std::unique_ptr<DataSetWriter> writer = new_set(path);
    for (Seq k = 0; k < records; ++k) {
        QuoteTick quote = dull_quote(k);
        quote.instrument = writer->symbol(prefix + std::to_string(k % 7));
        REQUIRE(writer->add(dull_envelope(k).time, quote));
    }
    return writer->finish();
}

/// All canonical bytes, or the error that reading ended in.
Result<std::vector<std::uint8_t>> read_all(const std::string& path) {
    Result<std::unique_ptr<DataSetReader>> reader = DataSetReader::open(path);
    if (!reader) {
        return tl::make_unexpected(reader.error());
    }
    std::vector<std::uint8_t> bytes;
    Seq next = 0;
    for (;;) {
        const Result<const Frame*> frame = (*reader)->next();
        if (!frame) {
            return tl::make_unexpected(frame.error());
        }
        if (*frame == nullptr) {
            return bytes;
        }
        REQUIRE((*frame)->first_seq == next);
        next = (*frame)->next_seq();
        bytes.insert(bytes.end(), (*frame)->bytes.view().begin(), (*frame)->bytes.view().end());
    }
}

}  // namespace

TEST_CASE("quotes come back from a data set as they went in", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "new/quotes.alpha";
    const Result<DataSetInfo> written = write_quotes(path, 10'000);
    REQUIRE(written);

    const Result<std::unique_ptr<DataSetReader>> reader = DataSetReader::open(path);
    REQUIRE(reader);
    const DataSetInfo& info = (*reader)->info();
    CHECK(info.kind == DataKind::quotes);
    CHECK(info.records == 10'000);
    CHECK(info.first == dull_envelope(0).time);
    CHECK(info.last == dull_envelope(9'999).time);
    CHECK(info.symbols == written->symbols);
    CHECK(info.symbols.size() == 7);
    CHECK(info.symbols[3] == "NSE:3");
    CHECK(info.content_hash == written->content_hash);
    CHECK(info.file_bytes == written->file_bytes);
    CHECK(info.file_bytes == std::filesystem::file_size(path));

    std::vector<std::uint8_t> expected;
    for (const Frame& frame :
         frames_of(10'000, 10'000, [](Frame& f, Seq k) { append(f, dull_envelope(k), dull_quote(k)); })) {
        expected = bytes_of(frame.bytes);
    }
    CHECK(read_all(path) == expected);
    CHECK(verify_data_set(path));
    CHECK(looks_like_data_set(path));
}

TEST_CASE("bars keep their interval and whether their labels were dates", "[store]") {
    const TempFolder folder;
    for (const bool date_only : {false, true}) {
        const std::string path = folder / (date_only ? "daily" : "minutes");
        const Duration interval{date_only ? kDayNs : 60 * kSecondNs};
        const std::unique_ptr<DataSetWriter> writer = new_set(path, DataKind::bars, interval, date_only);
        const BarClosed bar{writer->symbol("NSE:INFY"), Price{5}, Price{9}, Price{1}, Price{7}, qty_of(12)};
        REQUIRE(writer->add(Time{0}, bar));
        REQUIRE(writer->add(Time{interval.ns}, bar));
        REQUIRE(writer->finish());

        const Result<std::unique_ptr<DataSetReader>> reader = DataSetReader::open(path);
        REQUIRE(reader);
        CHECK((*reader)->info().kind == DataKind::bars);
        CHECK((*reader)->info().interval == interval);
        CHECK((*reader)->info().date_only == date_only);
        const Result<const Frame*> frame = (*reader)->next();
        REQUIRE(frame);
        REQUIRE(*frame != nullptr);
        CHECK((*frame)->events == 2);
        const Result<DecodedEvent> decoded = decode((*frame)->bytes.view(), 0);
        REQUIRE(decoded);
        CHECK(std::get<BarClosed>(decoded->event) == bar);
        const Result<const Frame*> end = (*reader)->next();
        REQUIRE(end);
        CHECK(*end == nullptr);
    }
}

TEST_CASE("the content hash is of what the records mean, and of nothing else", "[store]") {
    const TempFolder folder;
    const Digest hash = write_quotes(folder / "a", 5'000)->content_hash;
    CHECK(write_quotes(folder / "b", 5'000)->content_hash == hash);
    CHECK(write_quotes(folder / "c", 4'999)->content_hash != hash);
    CHECK(write_quotes(folder / "d", 5'000, "BSE:")->content_hash != hash);

    const auto bars = [&](const std::string& name, Duration interval, bool date_only) {
        const std::unique_ptr<DataSetWriter> writer = new_set(folder / name, DataKind::bars, interval, date_only);
        REQUIRE(writer->add(Time{0}, BarClosed{writer->symbol("X"), {}, {}, {}, {}, {}}));
        return writer->finish()->content_hash;
    };
    const Digest daily = bars("e", Duration{kDayNs}, true);
    CHECK(bars("f", Duration{kDayNs}, false) != daily);
    CHECK(bars("g", Duration{kSecondNs}, true) != daily);
    CHECK(bars("h", Duration{kDayNs}, true) == daily);
}

TEST_CASE("an empty data set is one", "[store]") {
    const TempFolder folder;
    REQUIRE(write_quotes(folder / "empty", 0));
    const auto bytes = read_all(folder / "empty");
    REQUIRE(bytes);
    CHECK(bytes->empty());
    CHECK(verify_data_set(folder / "empty"));
}

TEST_CASE("a data set never replaces a file, and without finish leaves none", "[store]") {
    const TempFolder folder;
    write_file(folder / "taken", {1});
    const auto refused = DataSetWriter::create(folder / "taken", DataKind::quotes, {}, false);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::usage);
    {
        const std::unique_ptr<DataSetWriter> writer = new_set(folder / "late");
        const std::unique_ptr<DataSetWriter> dropped = new_set(folder / "dropped");
        write_file(folder / "late", {2});
        const Result<DataSetInfo> late = writer->finish();
        REQUIRE_FALSE(late);
        CHECK(late.error().kind == ErrorKind::usage);
    }
    std::vector<std::string> names = folder.names();
    std::sort(names.begin(), names.end());
    CHECK(names == std::vector<std::string>{"late", "taken"});
    CHECK(read_file(folder / "late") == std::vector<std::uint8_t>{2});
}

TEST_CASE("the writer refuses records that no reader would accept", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "set";
    const std::unique_ptr<DataSetWriter> writer = new_set(path);
    const InstrumentId x = writer->symbol("X");
    REQUIRE(writer->add(Time{100}, QuoteTick{x, Price{1}, Price{2}, Qty{3}, Qty{4}}));
    Result<void> ok;
    SECTION("time goes back") {
        ok = writer->add(Time{99}, QuoteTick{x, {}, {}, {}, {}});
    }
    SECTION("time is before 1800") {
        ok = writer->add(Time{kMinTime.ns - 1}, QuoteTick{x, {}, {}, {}, {}});
    }
    SECTION("time is after 2199") {
        ok = writer->add(kMaxTime, QuoteTick{x, {}, {}, {}, {}});
    }
    SECTION("a price is negative") {
        ok = writer->add(Time{100}, QuoteTick{x, Price{-1}, {}, {}, {}});
    }
    SECTION("a quantity is too large") {
        ok = writer->add(Time{100}, QuoteTick{x, {}, {}, {}, Qty{limits::kMaxQty.raw + 1}});
    }
    SECTION("the symbol has no name") {
        ok = writer->add(Time{100}, QuoteTick{writer->symbol(""), {}, {}, {}, {}});
    }
    SECTION("the symbol's name is too long") {
        ok = writer->add(Time{100}, QuoteTick{writer->symbol(std::string(65, 'x')), {}, {}, {}, {}});
    }
    REQUIRE_FALSE(ok);
    CHECK(ok.error().kind == ErrorKind::data);
    CHECK_FALSE(writer->add(Time{200}, QuoteTick{x, {}, {}, {}, {}}));
    CHECK_FALSE(writer->finish());
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("the bounds themselves are accepted", "[store]") {
    const TempFolder folder;
    const std::unique_ptr<DataSetWriter> writer = new_set(folder / "set");
    const InstrumentId x = writer->symbol(std::string(limits::kMaxNameBytes, 'x'));
    REQUIRE(writer->add(kMinTime, QuoteTick{x, limits::kMaxPrice, limits::kMaxPrice, limits::kMaxQty, {}}));
    REQUIRE(writer->add(Time{kMaxTime.ns - 1}, QuoteTick{x, {}, {}, {}, {}}));
    REQUIRE(writer->finish());
    CHECK(read_all(folder / "set"));
}

TEST_CASE("as many symbols as the engine takes, and not one more", "[store]") {
    const TempFolder folder;
    const std::unique_ptr<DataSetWriter> writer = new_set(folder / "set");
    for (std::size_t i = 0; i < limits::kMaxInstruments; ++i) {
        const InstrumentId id = writer->symbol(std::to_string(i));
        REQUIRE(writer->add(Time{1}, QuoteTick{id, Price{1}, Price{2}, Qty{1}, Qty{1}}));
    }
    SECTION("the most") {
        REQUIRE(writer->finish());
        const Result<DataSetInfo> info = verify_data_set(folder / "set");
        REQUIRE(info);
        CHECK(info->symbols.size() == limits::kMaxInstruments);
    }
    SECTION("one more") {
        static_cast<void>(writer->symbol("one more"));
        CHECK_FALSE(writer->finish());
    }
}

TEST_CASE("what is no data set is refused by its first bytes", "[store]") {
    const TempFolder folder;
    for (const std::string& text :
         {std::string(), std::string("ts_ns,instrument,bid,bid_qty,ask,ask_qty\n1,2,3,4,5,6\n"), std::string("alphase"),
          std::string("alphasex01234567890123456789012345")}) {
        write_file(folder / "file", {text.begin(), text.end()});
        CHECK_FALSE(looks_like_data_set(folder / "file"));
        const auto reader = DataSetReader::open(folder / "file");
        REQUIRE_FALSE(reader);
        CHECK(reader.error().kind == ErrorKind::data);
    }
    CHECK_FALSE(looks_like_data_set(folder / "missing"));
    CHECK_FALSE(looks_like_data_set(folder / ""));
    CHECK_FALSE(DataSetReader::open(folder / "missing"));
    CHECK_FALSE(DataSetReader::open(folder / ""));
}

TEST_CASE("a data set of a later version is refused by name", "[store]") {
    const TempFolder folder;
    REQUIRE(write_quotes(folder / "set", 10));
    std::vector<std::uint8_t> bytes = read_file(folder / "set");
    bytes[8] = 2;
    write_file(folder / "later", bytes);
    const auto reader = DataSetReader::open(folder / "later");
    REQUIRE_FALSE(reader);
    CHECK(reader.error().message.find("version 2") != std::string::npos);
}

TEST_CASE("a data set that was cut short is refused wherever the cut is", "[store]") {
    const TempFolder folder;
    REQUIRE(write_quotes(folder / "set", 10'000));
    const std::vector<std::uint8_t> good = read_file(folder / "set");
    for (std::size_t i = 0; i < 50; ++i) {
        write_file(folder / "cut", {good.begin(), good.begin() + static_cast<long>(i * good.size() / 50)});
        const auto bytes = read_all(folder / "cut");
        REQUIRE_FALSE(bytes);
        CHECK(bytes.error().kind == ErrorKind::data);
    }
    // Something missing in the middle is a cut, too.
    std::vector<std::uint8_t> hole = good;
    hole.erase(hole.begin() + 100, hole.begin() + 200);
    write_file(folder / "hole", hole);
    CHECK_FALSE(read_all(folder / "hole"));
}

TEST_CASE("a flipped bit anywhere in a data set is found", "[store]") {
    const TempFolder folder;
    REQUIRE(write_quotes(folder / "set", 300));
    const std::vector<std::uint8_t> good = read_file(folder / "set");
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::vector<std::uint8_t> bad = good;
        bad[i] ^= static_cast<std::uint8_t>(1U << (i % 8));
        write_file(folder / "bad", bad);
        const auto bytes = read_all(folder / "bad");
        REQUIRE_FALSE(bytes);
        REQUIRE(bytes.error().kind == ErrorKind::data);
    }
}

TEST_CASE("a data set whose checksums were made to fit is still not what its hash says", "[store]") {
    const TempFolder folder;
    REQUIRE(write_quotes(folder / "set", 300));
    std::vector<std::uint8_t> bytes = read_file(folder / "set");
    // Another first letter of a symbol, and a footer checksum to go with it.
    const std::size_t end = bytes.size() - 16;
    std::uint32_t footer_bytes = 0;
    std::memcpy(&footer_bytes, bytes.data() + end, sizeof footer_bytes);
    bytes[end - 5] = 'X';
    const std::uint32_t crc = crc32c(Bytes(bytes).subspan(end - footer_bytes, footer_bytes + 4));
    std::memcpy(bytes.data() + end + 4, &crc, sizeof crc);
    write_file(folder / "forged", bytes);
    CHECK(read_all(folder / "forged"));
    const Result<DataSetInfo> info = verify_data_set(folder / "forged");
    REQUIRE_FALSE(info);
    CHECK(info.error().message.find("was altered") != std::string::npos);
}

TEST_CASE("memory does not grow with the length of a data set", "[store]") {
    const TempFolder folder;
    const auto peak_kib = [] {
        struct rusage usage{};
        REQUIRE(::getrusage(RUSAGE_SELF, &usage) == 0);
        return usage.ru_maxrss;
    };
    const long before = peak_kib();
    const std::unique_ptr<DataSetWriter> writer = new_set(folder / "set");
    const InstrumentId x = writer->symbol("X");
    std::mt19937_64 random = random_from(3);
    for (std::int64_t i = 0; i < 1'500'000; ++i) {
        const auto price = [&] { return Price{static_cast<std::int64_t>(random() >> 10U)}; };
        const Price bid = price();
        REQUIRE(writer->add(Time{i}, QuoteTick{x, bid, price(), Qty{price().raw}, Qty{price().raw}}));
    }
    const Result<DataSetInfo> info = writer->finish();
    REQUIRE(info);
    REQUIRE(info->file_bytes > 30U << 20U);
    REQUIRE(verify_data_set(folder / "set"));
#if defined(ALPHA_SANITIZED)
    const long most_kib = 24L * 1'024;  // what is freed stays in quarantine for a while
#else
    const long most_kib = 12L * 1'024;
#endif
    CHECK(peak_kib() - before < most_kib);
}
