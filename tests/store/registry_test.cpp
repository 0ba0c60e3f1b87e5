#include "store/database.hpp"
#include "store/failpoint.hpp"
#include "store/registry.hpp"
#include "tests/store/support.hpp"

#include <catch2/catch.hpp>
#include <csignal>
#include <fmt/format.h>
#include <map>
#include <set>
#include <sys/wait.h>
#include <thread>

using namespace alpha;
using namespace alpha::markets;
using namespace alpha::store_test;
namespace fs = std::filesystem;

namespace {

Date day(const char* text) {
    return *parse_date(text);
}

Registry opened(const std::string& path, Registry::Access access) {
    Result<Registry> registry = Registry::open(path, access);
    if (!registry) {
        FAIL(registry.error().message);
    }
    return std::move(*registry);
}
Registry to_write(const std::string& path) {
    return opened(path, Registry::Access::write);
}

Result<LoadReport> try_load(Registry& registry, const std::string& text, std::optional<Date> from = {},
                            LoadOptions options = {}) {
    return ListingFile::read("file.csv", text, from).and_then([&](const ListingFile& file) {
        return registry.load(file, options);
    });
}

LoadReport load(Registry& registry, const std::string& text, const char* from, LoadOptions options = {}) {
    Result<LoadReport> report = try_load(registry, text, day(from), options);
    if (!report) {
        FAIL(report.error().message);
    }
    return std::move(*report);
}

template <class T>
T got(Result<T> result) {
    if (!result) {
        FAIL(result.error().message);
    }
    return std::move(*result);
}

/// "2026-01-05 tick=0.05 lot=65"; "-" where nothing holds.
std::string shown(const std::optional<Listing>& listing) {
    return !listing
               ? "-"
               : fmt::format("{} tick={} lot={} freeze={} name={}", to_iso(listing->from), to_string(listing->tick),
                             to_string(listing->lot), to_string(listing->freeze), listing->name);
}
std::string on(const Registry& registry, const char* symbol, const char* date) {
    return shown(got(registry.find("NSE", symbol, day(date))));
}
std::string token_on(const Registry& registry, std::uint32_t token, const char* date) {
    const std::optional<Listing> found = got(registry.find_token(token, day(date)));
    return found ? full_name(*found) : "-";
}

constexpr const char* kHead = "exchange,symbol,token,tick,lot,name\n";
const std::string kFirst = std::string(kHead) + "NSE,A,1,0.05,1,Alpha\nNSE,B,2,0.05,1,Beta\nBSE,A,3,0.05,1,Alpha\n";

}  // namespace

TEST_CASE("the same dump loaded daily makes versions on the first day alone", "[registry]") {
    const TempFolder folder;
    Registry registry = to_write(folder / "r");
    const LoadReport first = load(registry, kFirst, "2026-01-05");
    CHECK(first.rows == 3);
    CHECK(first.listed == 3);
    CHECK(first.versions_written == 3);
    for (const char* const later : {"2026-01-05", "2026-01-06", "2026-01-07"}) {
        CAPTURE(later);
        const LoadReport again = load(registry, kFirst, later);
        CHECK(again.versions_written == 0);
        CHECK(again.versions_removed == 0);
        CHECK(again.delisted == 0);
        CHECK(again.unchanged == (std::string(later) == "2026-01-05" ? 0 : 3));
    }
    CHECK(got(registry.exchanges()) ==
          std::vector<std::pair<std::string, Date>>{{"BSE", day("2026-01-07")}, {"NSE", day("2026-01-07")}});
    CHECK(on(registry, "A", "2026-01-07") == "2026-01-05 tick=0.05 lot=1 freeze=0 name=Alpha");
}

TEST_CASE("a change of lot, tick or name is a version from its day on, and holds from that day's first moment",
          "[registry]") {
    const TempFolder folder;
    Registry registry = to_write(folder / "r");
    load(registry, kFirst, "2026-01-05");
    load(registry, std::string(kHead) + "NSE,A,1,0.05,2,Alpha\nNSE,B,2,0.05,1,Beta\n", "2026-02-01");
    load(registry, std::string(kHead) + "NSE,A,1,0.1,2,Alpha\nNSE,B,2,0.05,1,Beta\n", "2026-03-01");
    const LoadReport last =
        load(registry, std::string(kHead) + "NSE,A,1,0.1,2,Alpha & Sons\nNSE,B,2,0.05,1,Beta\n", "2026-04-01");
    CHECK(last.changed == 1);
    CHECK(last.unchanged == 1);
    CHECK(last.versions_written == 1);
    CHECK(on(registry, "A", "2026-01-04") == "-");
    CHECK(on(registry, "A", "2026-01-05") == "2026-01-05 tick=0.05 lot=1 freeze=0 name=Alpha");
    CHECK(on(registry, "A", "2026-01-31") == "2026-01-05 tick=0.05 lot=1 freeze=0 name=Alpha");
    CHECK(on(registry, "A", "2026-02-01") == "2026-02-01 tick=0.05 lot=2 freeze=0 name=Alpha");
    CHECK(on(registry, "A", "2026-03-01") == "2026-03-01 tick=0.1 lot=2 freeze=0 name=Alpha");
    CHECK(on(registry, "A", "2026-12-31") == "2026-04-01 tick=0.1 lot=2 freeze=0 name=Alpha & Sons");
    CHECK(on(registry, "A", "1969-01-01") == "-");
    CHECK(got(registry.history("NSE", "A")).size() == 4);
    CHECK(got(registry.history("NSE", "B")).size() == 1);
    CHECK(got(registry.history("NSE", "")).empty());
    const RegistryDiff diff = got(registry.diff(day("2026-02-28"), day("2026-04-01")));
    CHECK(diff.listed.empty());
    CHECK(diff.delisted.empty());
    REQUIRE(diff.changed.size() == 1);
    CHECK(shown(diff.changed[0].before) == "2026-02-01 tick=0.05 lot=2 freeze=0 name=Alpha");
    CHECK(shown(diff.changed[0].after) == "2026-04-01 tick=0.1 lot=2 freeze=0 name=Alpha & Sons");
    CHECK(got(registry.diff(day("2026-02-28"), day("2026-04-01"), "BSE")).changed.empty());
}

TEST_CASE("what is in the file no more is delisted from that day on, and may be listed again", "[registry]") {
    const TempFolder folder;
    Registry registry = to_write(folder / "r");
    load(registry, kFirst, "2026-01-05");
    const LoadReport gone = load(registry, std::string(kHead) + "NSE,A,1,0.05,1,Alpha\n", "2026-01-06");
    CHECK(gone.delisted == 1);  // NSE:B; the file does not name BSE
    CHECK(gone.versions_written == 1);
    load(registry, std::string(kHead) + "NSE,A,1,0.05,1,Alpha\n", "2026-01-07");
    CHECK(load(registry, kFirst, "2026-01-08").listed == 1);
    CHECK(on(registry, "B", "2026-01-05") != "-");
    CHECK(on(registry, "B", "2026-01-06") == "-");
    CHECK(on(registry, "B", "2026-01-07") == "-");
    CHECK(on(registry, "B", "2026-01-08") == "2026-01-08 tick=0.05 lot=1 freeze=0 name=Beta");
    CHECK(token_on(registry, 2, "2026-01-05") == "NSE:B");
    CHECK(token_on(registry, 2, "2026-01-07") == "-");
    CHECK(got(registry.find("BSE", "A", day("2026-01-07"))).has_value());
    const std::vector<ListingVersion> history = got(registry.history("NSE", "B"));
    REQUIRE(history.size() == 3);
    CHECK_FALSE(history[1].is_listed);
    CHECK(history[1].listing.from == day("2026-01-06"));
    SECTION("a partial load leaves the others alone") {
        const LoadReport partial =
            load(registry, std::string(kHead) + "NSE,C,9,0.05,1,Gamma\n", "2026-01-09", {.partial = true});
        CHECK(partial.delisted == 0);
        CHECK(partial.listed == 1);
        CHECK(on(registry, "A", "2026-01-09") != "-");
        CHECK(on(registry, "C", "2026-01-09") != "-");
    }
}

TEST_CASE("a year of loads leaves few files", "[registry]") {
    const TempFolder folder;
    for (int i = 0; i < 60; ++i) {
        Registry registry = to_write(folder / "r");  // as one process a day does
        const std::string text = fmt::format("{}NSE,A,1,0.05,{},Alpha\nNSE,Z,2,0.05,{},Omega\n", kHead, i + 1, i + 1);
        Result<LoadReport> report = try_load(registry, text, Date{20'000 + i});
        REQUIRE(report);
        CHECK(report->versions_written == 2);
    }
    std::size_t tables = 0;
    for (const auto& entry : fs::directory_iterator(folder / "r")) {
        tables += entry.path().extension() == ".sst" ? 1U : 0U;
    }
    CHECK(tables <= 24);  // seven of each of the three families that are written
    const Registry registry = opened(folder / "r", Registry::Access::read);
    CHECK(got(registry.history("NSE", "A")).size() == 60);
    CHECK(got(registry.find("NSE", "Z", Date{20'041}))->lot == qty_of(42));
}

TEST_CASE("a token that is given out again names whoever had it on the day", "[registry]") {
    const TempFolder folder;
    Registry registry = to_write(folder / "r");
    const std::string head = "exchange,symbol,token,kind,expiry,underlying\n";
    load(registry, head + "NFO,JAN,77,future,2026-01-27,X\nNFO,FEB,78,future,2026-02-24,X\n", "2026-01-05");
    // The dump of the day after the expiry: JAN's token is APR's.
    const LoadReport next =
        load(registry, head + "NFO,FEB,78,future,2026-02-24,X\nNFO,APR,77,future,2026-04-28,X\n", "2026-01-28");
    CHECK(next.delisted == 0);  // JAN had expired, so nothing needs to be said of it
    CHECK(next.versions_written == 1);
    CHECK(token_on(registry, 77, "2026-01-04") == "-");
    CHECK(token_on(registry, 77, "2026-01-05") == "NFO:JAN");
    CHECK(token_on(registry, 77, "2026-01-27") == "NFO:JAN");
    CHECK(token_on(registry, 77, "2026-01-28") == "NFO:APR");
    CHECK(token_on(registry, 77, "2026-04-28") == "NFO:APR");
    CHECK(token_on(registry, 77, "2026-04-29") == "-");  // though no load said so
    CHECK(token_on(registry, 78, "2026-01-28") == "NFO:FEB");
    CHECK(token_on(registry, 79, "2026-01-28") == "-");
    CHECK(token_on(registry, 77, "1960-01-01") == "-");
    CHECK(got(registry.diff(day("2026-01-27"), day("2026-01-28"))).delisted.size() == 1);
    // A token that wanders while both trade belongs to who got it last.
    load(registry, head + "NFO,FEB,77,future,2026-02-24,X\n", "2026-02-02", {.partial = true});
    CHECK(token_on(registry, 77, "2026-02-02") == "NFO:FEB");
    CHECK(token_on(registry, 77, "2026-02-25") == "NFO:APR");
    CHECK(token_on(registry, 78, "2026-02-02") == "-");
}

TEST_CASE("an ISIN finds all of its listings on the day", "[registry]") {
    const TempFolder folder;
    Registry registry = to_write(folder / "r");
    const std::string head = "exchange,symbol,isin,tick\n";
    load(registry, head + "NSE,INFY,INE009A01021,0.05\nBSE,INFY,INE009A01021,0.05\nNSE,X,INE002A01018,0.05\n",
         "2026-01-05");
    load(registry, head + "NSE,INFY,INE009A01021,0.1\nNSE,X,INE009A01021,0.1\n", "2026-01-06");
    const auto names = [&](const char* isin, const char* date) {
        std::string all;
        for (const Listing& listing : got(registry.find_isin(isin, day(date)))) {
            all += full_name(listing) + ' ';
        }
        return all;
    };
    CHECK(names("INE009A01021", "2026-01-04").empty());
    CHECK(names("INE009A01021", "2026-01-05") == "BSE:INFY NSE:INFY ");
    CHECK(names("INE009A01021", "2026-01-06") == "BSE:INFY NSE:INFY NSE:X ");
    CHECK(names("INE002A01018", "2026-01-05") == "NSE:X ");
    CHECK(names("INE002A01018", "2026-01-06").empty());
    CHECK(names("INE009A0102", "2026-01-06").empty());
}

TEST_CASE("what a file has no column for stays as it was", "[registry]") {
    const TempFolder folder;
    Registry registry = to_write(folder / "r");
    load(registry, kFirst, "2026-01-05");
    const LoadReport freeze = load(registry, "exchange,symbol,freeze\nNSE,A,1800\n", "2026-01-05", {.partial = true});
    CHECK(freeze.listed == 1);  // it was not listed the day before
    CHECK(on(registry, "A", "2026-01-05") == "2026-01-05 tick=0.05 lot=1 freeze=1800 name=Alpha");
    CHECK(load(registry, kFirst, "2026-01-05").versions_written == 0);
    CHECK(load(registry, kFirst, "2026-01-06").versions_written == 0);
    load(registry, "exchange,symbol,freeze\nNSE,A,1200\n", "2026-01-07", {.partial = true});
    load(registry, kFirst, "2026-01-08");
    CHECK(on(registry, "A", "2026-01-06") == "2026-01-05 tick=0.05 lot=1 freeze=1800 name=Alpha");
    CHECK(on(registry, "A", "2026-01-08") == "2026-01-07 tick=0.05 lot=1 freeze=1200 name=Alpha");
    // Listed again it begins anew.
    load(registry, std::string(kHead) + "NSE,B,2,0.05,1,Beta\n", "2026-01-09");
    load(registry, kFirst, "2026-01-10");
    CHECK(on(registry, "A", "2026-01-10") == "2026-01-10 tick=0.05 lot=1 freeze=0 name=Alpha");
}

TEST_CASE("the same day again takes the place of what was said for it", "[registry]") {
    const TempFolder folder;
    Registry registry = to_write(folder / "r");
    load(registry, kFirst, "2026-01-05");
    // B is gone, A has another lot, C is new ...
    load(registry, std::string(kHead) + "NSE,A,1,0.05,9,Alpha\nNSE,C,4,0.05,1,Gamma\n", "2026-01-06");
    CHECK(on(registry, "A", "2026-01-06") == "2026-01-06 tick=0.05 lot=9 freeze=0 name=Alpha");
    CHECK(on(registry, "B", "2026-01-06") == "-");
    CHECK(token_on(registry, 4, "2026-01-06") == "NSE:C");
    // ... which was a mistake.
    const LoadReport again = load(registry, kFirst, "2026-01-06");
    CHECK(again.versions_written == 0);
    CHECK(again.versions_removed == 3);
    CHECK(on(registry, "A", "2026-01-06") == "2026-01-05 tick=0.05 lot=1 freeze=0 name=Alpha");
    CHECK(on(registry, "B", "2026-01-06") == "2026-01-05 tick=0.05 lot=1 freeze=0 name=Beta");
    CHECK(on(registry, "C", "2026-01-06") == "-");
    CHECK(token_on(registry, 4, "2026-01-06") == "-");
    CHECK(got(registry.history("NSE", "C")).empty());
    // Of what is replaced, the token too.
    load(registry, std::string(kHead) + "NSE,A,11,0.05,1,Alpha\nNSE,B,2,0.05,1,Beta\n", "2026-01-06");
    load(registry, std::string(kHead) + "NSE,A,12,0.05,1,Alpha\nNSE,B,2,0.05,1,Beta\n", "2026-01-06");
    CHECK(token_on(registry, 11, "2026-01-06") == "-");
    CHECK(token_on(registry, 12, "2026-01-06") == "NSE:A");
    CHECK(token_on(registry, 1, "2026-01-06") == "-");
    CHECK(token_on(registry, 1, "2026-01-05") == "NSE:A");
}

TEST_CASE("a load for a day before the newest of its exchange is refused and changes nothing", "[registry]") {
    const TempFolder folder;
    Registry registry = to_write(folder / "r");
    load(registry, kFirst, "2026-01-05");
    load(registry, std::string(kHead) + "NSE,A,1,0.05,1,Alpha\n", "2026-01-07");
    const Result<LoadReport> early = try_load(registry, kFirst, day("2026-01-06"));
    REQUIRE_FALSE(early);
    CHECK(early.error().kind == ErrorKind::data);
    CHECK(early.error().message.find(
              "file.csv:2: NSE:A is for 2026-01-06, but NSE was loaded for 2026-01-07 already") == 0);
    CHECK(on(registry, "B", "2026-01-07") == "-");
    // BSE's newest day is still the 5th.
    CHECK(load(registry, std::string(kHead) + "BSE,A,3,0.1,1,Alpha\n", "2026-01-06").changed == 1);
    CHECK(fs::exists(folder / "r"));
    CHECK_FALSE(fs::exists(folder / "r/load"));
}

TEST_CASE("bad rows refuse a file, or are left out with what they speak of as it is", "[registry]") {
    const TempFolder folder;
    Registry registry = to_write(folder / "r");
    load(registry, kFirst, "2026-01-05");
    const std::string text = std::string(kHead) + "NSE,A,1,0.05,5,Alpha\nNSE,B,2,minus,1,Beta\nBSE,A,3,0,1,Alpha\n";
    const Result<LoadReport> refused = try_load(registry, text, day("2026-01-06"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("file.csv:3: column 'tick' has 'minus'") == 0);
    CHECK(refused.error().message.find("--skip-bad") != std::string::npos);
    CHECK(on(registry, "A", "2026-01-06") == "2026-01-05 tick=0.05 lot=1 freeze=0 name=Alpha");
    const LoadReport report = load(registry, text, "2026-01-06", {.skip_bad = true});
    CHECK(report.rows == 1);
    CHECK(report.delisted == 0);  // a row that cannot be read does not delist
    CHECK(on(registry, "A", "2026-01-06") == "2026-01-06 tick=0.05 lot=5 freeze=0 name=Alpha");
    CHECK(on(registry, "B", "2026-01-06") == "2026-01-05 tick=0.05 lot=1 freeze=0 name=Beta");
    CHECK(got(registry.exchanges())[0].second == day("2026-01-05"));  // BSE was not loaded
}

TEST_CASE("a history says from when each row holds, and delists nothing", "[registry]") {
    const TempFolder folder;
    Registry registry = to_write(folder / "r");
    const Result<LoadReport> report =
        try_load(registry, "exchange,symbol,lot,from\n"
                           "NSE,N,25,2024-05-02\nNSE,N,75,2020-01-01\nNSE,N,50,2021-07-29\n"
                           "NSE,N,75,2024-11-20\nNSE,N,75,2025-01-01\nNSE,O,1,2022-01-01\n");
    REQUIRE(report);
    CHECK(report->rows == 6);
    CHECK(report->versions_written == 5);  // 75 on 2025-01-01 is as before
    CHECK(report->delisted == 0);
    for (const auto& [date, lot] : {std::pair{"2019-12-31", "-"},
                                    {"2020-01-01", "75"},
                                    {"2021-07-28", "75"},
                                    {"2021-07-29", "50"},
                                    {"2024-11-19", "25"},
                                    {"2026-01-01", "75"}}) {
        CAPTURE(date);
        const std::optional<Listing> found = got(registry.find("NSE", "N", day(date)));
        CHECK((found ? to_string(found->lot) : "-") == lot);
    }
    CHECK_FALSE(try_load(registry, "exchange,symbol,lot,from\nNSE,N,1,2024-12-31\n"));
}

TEST_CASE("a text is found in symbols and names in whatever case, so many at most", "[registry]") {
    const TempFolder folder;
    Registry registry = to_write(folder / "r");
    load(registry,
         std::string(kHead) + "NSE,INFY,1,0.05,1,Infosys Ltd\nBSE,INFY,2,0.05,1,INFOSYS\nNSE,X,3,0.05,1,none\n",
         "2026-01-05");
    const auto found = [&](const char* text, const char* date, std::size_t limit) {
        const Registry::Found all = got(registry.search(text, day(date), limit));
        std::string names = std::to_string(all.total);
        for (const Listing& listing : all.listings) {
            names += ' ' + full_name(listing);
        }
        return names;
    };
    CHECK(found("inf", "2026-01-05", 9) == "2 BSE:INFY NSE:INFY");
    CHECK(found("inf", "2026-01-05", 1) == "2 BSE:INFY");
    CHECK(found("sys ltd", "2026-01-05", 9) == "1 NSE:INFY");
    CHECK(found("", "2026-01-05", 9) == "3 BSE:INFY NSE:INFY NSE:X");
    CHECK(found("inf", "2026-01-04", 9) == "0");
    CHECK(got(registry.names()) == std::vector<std::string>{"BSE:INFY", "NSE:INFY", "NSE:X"});
}

TEST_CASE("what is no registry, or of a newer alpha, or in use is refused as that", "[registry]") {
    const TempFolder folder;
    const auto refusal = [&](const std::string& name, Registry::Access access) {
        const Result<Registry> registry = Registry::open(folder / name, access);
        return registry ? Error{ErrorKind::internal, "opened"} : registry.error();
    };
    CHECK(refusal("none", Registry::Access::read).code == ErrorCode::not_found);
    CHECK_FALSE(fs::exists(folder / "none"));
    fs::create_directory(folder / "empty");
    for (const Registry::Access access : {Registry::Access::read, Registry::Access::write}) {
        CHECK(refusal("empty", access).message.find("is no registry") != std::string::npos);
        CHECK(fs::is_empty(folder / "empty"));
    }
    write_file(folder / "file", {1, 2, 3});
    CHECK(refusal("file", Registry::Access::write).kind != ErrorKind::internal);
    {
        Registry first = to_write(folder / "r");
        load(first, kFirst, "2026-01-05");
        const Error second = refusal("r", Registry::Access::write);
        CHECK(second.code == ErrorCode::in_use);
        CHECK(second.is_transient());
        const Registry reader = opened(folder / "r", Registry::Access::read);  // beside the writer
        CHECK(on(reader, "A", "2026-01-05") != "-");
        load(first, std::string(kHead) + "NSE,A,1,0.05,7,Alpha\n", "2026-01-06");
        CHECK(on(reader, "A", "2026-01-06") == "2026-01-05 tick=0.05 lot=1 freeze=0 name=Alpha");  // as it was opened
    }
    {
        rocksdb::DB* db = nullptr;
        std::vector<rocksdb::ColumnFamilyHandle*> handles;
        std::vector<rocksdb::ColumnFamilyDescriptor> families;
        for (const char* const name : {"default", "versions", "tokens", "isins"}) {
            families.emplace_back(name, rocksdb::ColumnFamilyOptions());
        }
        REQUIRE(rocksdb::DB::Open(quiet_options(), folder / "r", families, &handles, &db).ok());
        CHECK(db->Put(rocksdb::WriteOptions(), "format", "alpha registry 2").ok());
        for (rocksdb::ColumnFamilyHandle* const handle : handles) {
            CHECK(db->DestroyColumnFamilyHandle(handle).ok());
        }
        delete db;
    }
    CHECK(refusal("r", Registry::Access::read).code == ErrorCode::newer_format);
    CHECK(refusal("r", Registry::Access::write).code == ErrorCode::newer_format);
}

TEST_CASE("the bytes of a version are what they always were", "[registry]") {
    const TempFolder folder;
    {
        Registry registry = to_write(folder / "r");
        load(registry,
             "exchange,symbol,token,isin,name,segment,kind,underlying,expiry,strike,tick,lot,freeze,multiplier\n"
             "NFO,C,258,INE009A01021,N,S,call,U,2026-01-27,25000,0.05,65,1800,1\n",
             "2026-01-05");
        load(registry, "exchange,symbol\nNFO,D\n", "2026-01-06");
    }
    rocksdb::DB* db = nullptr;
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const char* const name : {"default", "versions", "tokens", "isins"}) {
        families.emplace_back(name, rocksdb::ColumnFamilyOptions());
    }
    REQUIRE(rocksdb::DB::OpenForReadOnly(quiet_options(), folder / "r", families, &handles, &db).ok());
    const auto shown_bytes = [](const rocksdb::Slice& bytes) {  // a zero is a dot
        std::string text;
        for (const char c : bytes.ToString()) {
            text += c == 0                ? "."
                    : c > ' ' && c <= '~' ? std::string(1, c)
                                          : fmt::format("<{:02x}>", static_cast<unsigned char>(c));
        }
        return text;
    };
    std::string all;
    for (rocksdb::ColumnFamilyHandle* const handle : handles) {
        const std::unique_ptr<rocksdb::Iterator> at(db->NewIterator(rocksdb::ReadOptions(), handle));
        for (at->SeekToFirst(); at->Valid(); at->Next()) {
            all += shown_bytes(at->key()) + " = " + shown_bytes(at->value()) + '\n';
        }
    }
    for (rocksdb::ColumnFamilyHandle* const handle : handles) {
        CHECK(db->DestroyColumnFamilyHandle(handle).ok());
    }
    delete db;
    CHECK(all == "day/NFO = <eb>O..\n"
                 "format = alpha<20>registry<20>1\n"
                 "NFO.C...O<ea> = "
                 "<01><01><01>X...<02><01>..<0c>...INE009A01021<01>...N<01>...S<04><01>...U.P...<a8><9c><13>F<02>.."
                 "@KL......!n<83><01>....<08><d6><e8>)....<e1><f5><05>............\n"
                 "NFO.C...O<eb> = .\n"
                 "NFO.D...O<eb> = "
                 "<01><01><01>I...................<06>....<ff><ff><ff><7f>........@B<0f>......<e1><f5><05>..........."
                 "..<e1><f5><05>............\n"
                 "..<01><02>..O<ea>NFO.C = \n"
                 "INE009A01021.NFO.C...O<ea> = \n");
}

// ---- against a model --------------------------------------------------------------------------------------------------

namespace {

/// The registry as a table of everything on every day on which something was loaded.
class Model {
public:
    using Day = std::map<std::string, Listing>;  // by symbol

    void load(const std::string& exchange, Date date, const std::vector<Listing>& rows, FieldSet fields, bool partial) {
        std::map<Date, Day>& days = exchanges_[exchange];
        const auto after = days.lower_bound(date);
        const Day before = after == days.begin() ? Day() : std::prev(after)->second;
        const bool is_again = after != days.end() && after->first == date;
        const Day today = is_again ? after->second : Day();
        Day made = !partial ? Day() : is_again ? today : before;
        for (Listing row : rows) {
            const auto said_today = today.find(row.symbol);
            const auto said_before = before.find(row.symbol);
            if (said_today != today.end() && said_today->second.from == date) {
                copy_fields(row, said_today->second, ~fields);
            } else if (said_before != before.end() && said_before->second.expiry >= date) {
                copy_fields(row, said_before->second, ~fields);
            }
            const bool is_as_before = said_before != before.end() && changed_fields(said_before->second, row).none();
            row.from = is_as_before ? said_before->second.from : date;
            made[row.symbol] = row;
        }
        days[date] = made;
    }
    std::vector<Listing> on(const std::string& exchange, Date date) const {
        std::vector<Listing> all;
        const auto days = exchanges_.find(exchange);
        if (days != exchanges_.end()) {
            const auto after = days->second.upper_bound(date);
            for (const auto& [symbol, listing] : after == days->second.begin() ? Day() : std::prev(after)->second) {
                if (listing.expiry >= date) {
                    all.push_back(listing);
                }
            }
        }
        return all;
    }

private:
    std::map<std::string, std::map<Date, Day>> exchanges_;
};

const std::vector<std::string> kExchanges{"X", "XY", "Z"};
const std::vector<std::string> kSymbols{"A", "AB", "B", "M&M", "N 50", "C", "D"};
const std::vector<std::string> kIsins{"", "INE009A01021", "INE002A01018"};

std::string row_text(const Listing& row, const std::vector<Field>& columns) {
    std::string text = row.exchange + ',' + row.symbol;
    for (const Field field : columns) {
        text += ',' + text_of(row, field);
    }
    return text + '\n';
}

}  // namespace

TEST_CASE("any loads in any order answer every question as a table of all days would", "[registry][model]") {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        CAPTURE(seed);
        auto random = random_from(seed);
        const auto below = [&](std::uint64_t n) { return random() % n; };
        const TempFolder folder;
        Model model;
        std::optional<Registry> registry = to_write(folder / "r");
        const Date first{20'000};
        Date date = first;
        std::uint64_t written = 0;
        for (int step = 0; step < 40; ++step) {
            date.days += static_cast<std::int32_t>(below(3));
            std::vector<Field> columns;
            FieldSet fields;
            for (const Field field :
                 {Field::token, Field::isin, Field::name, Field::expiry, Field::tick, Field::lot, Field::freeze}) {
                if (below(4) != 0) {
                    columns.push_back(field);
                    fields.set(static_cast<std::size_t>(field));
                }
            }
            std::string text = "exchange,symbol";
            for (const Field field : columns) {
                text += ',' + std::string(name_of(field));
            }
            text += '\n';
            const bool partial = below(3) == 0;
            std::map<std::string, std::vector<Listing>> rows;
            std::set<std::uint32_t> tokens;
            for (const std::string& exchange : kExchanges) {
                for (const std::string& symbol : kSymbols) {
                    if (below(3) == 0) {
                        continue;
                    }
                    Listing row;
                    row.exchange = exchange;
                    row.symbol = symbol;
                    for (const Field field : columns) {
                        switch (field) {
                        case Field::token:
                            row.token = static_cast<std::uint32_t>(below(30));
                            row.token = tokens.insert(row.token).second ? row.token : 0;
                            break;
                        case Field::isin: row.isin = kIsins[below(kIsins.size())]; break;
                        case Field::name: row.name = below(2) == 0 ? "one" : "Another One"; break;
                        case Field::expiry:
                            row.expiry =
                                below(2) == 0 ? kNoExpiry : Date{date.days - 1 + static_cast<std::int32_t>(below(8))};
                            break;
                        case Field::tick: row.tick = Price{static_cast<std::int64_t>(1 + below(2))}; break;
                        case Field::lot: row.lot = qty_of(static_cast<std::int64_t>(1 + below(2))); break;
                        default: row.freeze = qty_of(static_cast<std::int64_t>(below(2))); break;
                        }
                    }
                    text += row_text(row, columns);
                    rows[exchange].push_back(row);
                }
            }
            if (rows.empty()) {
                continue;
            }
            for (const auto& [exchange, of_exchange] : rows) {
                model.load(exchange, date, of_exchange, fields, partial);
            }
            const Result<LoadReport> report = try_load(*registry, text, date, {.partial = partial});
            REQUIRE(report);
            written += report->versions_written;
            CHECK(report->rows == report->listed + report->changed + report->unchanged + report->expired);
            CHECK(got(try_load(*registry, text, date, {.partial = partial})).versions_written == 0);
            if (below(8) == 0) {
                registry.reset();
                registry = to_write(folder / "r");
            }
        }
        CHECK(written > 100);
        // Every question of every day, some days beyond either end among them.
        std::map<Date, std::vector<Listing>> all;  // of all exchanges, in order
        for (Date at{first.days - 2}; at.days <= date.days + 10; ++at.days) {
            for (const std::string& exchange : kExchanges) {
                const std::vector<Listing> expected = model.on(exchange, at);
                all[at].insert(all[at].end(), expected.begin(), expected.end());
            }
        }
        for (const auto& [at, listed] : all) {
            CAPTURE(to_iso(at));
            for (const std::string& exchange : kExchanges) {
                for (const std::string& symbol : kSymbols) {
                    const auto expected = std::ranges::find_if(
                        listed, [&](const Listing& l) { return l.exchange == exchange && l.symbol == symbol; });
                    const std::optional<Listing> found = got(registry->find(exchange, symbol, at));
                    REQUIRE(found.has_value() == (expected != listed.end()));
                    if (found) {
                        REQUIRE(*found == *expected);
                    }
                }
            }
            REQUIRE(got(registry->search("", at, 100)).listings == listed);
            for (std::uint32_t token = 1; token < 30; ++token) {
                const Listing* expected = nullptr;
                for (const Listing& listing : listed) {
                    if (listing.token == token && (expected == nullptr || expected->from <= listing.from)) {
                        expected = &listing;
                    }
                }
                const std::optional<Listing> found = got(registry->find_token(token, at));
                REQUIRE(found.has_value() == (expected != nullptr));
                if (found) {
                    REQUIRE(*found == *expected);
                }
            }
            for (const std::string& isin : {kIsins[1], kIsins[2]}) {
                std::vector<Listing> expected;
                std::ranges::copy_if(listed, std::back_inserter(expected),
                                     [&](const Listing& l) { return l.isin == isin; });
                REQUIRE(got(registry->find_isin(isin, at)) == expected);
            }
            const auto& [other_day, other] = *std::next(all.begin(), static_cast<std::ptrdiff_t>(below(all.size())));
            const RegistryDiff diff = got(registry->diff(other_day, at));
            const auto name_in = [](const std::vector<Listing>& in, const Listing& l) {
                return std::ranges::find(in, full_name(l), full_name);
            };
            std::vector<Listing> new_ones;
            std::vector<Listing> gone;
            std::size_t changed = 0;
            for (const Listing& listing : listed) {
                const auto was = name_in(other, listing);
                if (was == other.end()) {
                    new_ones.push_back(listing);
                } else {
                    changed += changed_fields(*was, listing).any() ? 1U : 0U;
                }
            }
            std::ranges::copy_if(other, std::back_inserter(gone),
                                 [&](const Listing& l) { return name_in(listed, l) == listed.end(); });
            REQUIRE(diff.listed == new_ones);
            REQUIRE(diff.delisted == gone);
            REQUIRE(diff.changed.size() == changed);
        }
        for (const std::string& exchange : kExchanges) {
            for (const std::string& symbol : kSymbols) {  // no version says what the one before it did
                const std::vector<ListingVersion> history = got(registry->history(exchange, symbol));
                for (std::size_t i = 1; i < history.size(); ++i) {
                    CHECK(history[i - 1].listing.from < history[i].listing.from);
                    CHECK((history[i - 1].is_listed != history[i].is_listed ||
                           changed_fields(history[i - 1].listing, history[i].listing).any()));
                }
            }
        }
    }
}

// ---- killed -----------------------------------------------------------------------------------------------------------

namespace {

constexpr int kMany = 20'000;

/// Of all instruments the same lot, by which a load is known.
std::string many(int lot) {
    std::string text = "exchange,symbol,token,isin,tick,lot,name\n";
    for (int i = 0; i < kMany; ++i) {
        text +=
            fmt::format("{},S{},{},INE009A01021,0.05,{},Some name {}\n", i % 2 == 0 ? "NSE" : "BSE", i, i + 1, lot, i);
    }
    return text;
}

bool loads(const std::string& path, int lot, const char* from) {
    const std::string text = many(lot);
    Result<Registry> registry = Registry::open(path, Registry::Access::write);
    return registry && try_load(*registry, text, day(from)).has_value();
}

/// Exit code of a child that does this; 128 + signal where one ended it.
template <class Work>
pid_t start(Work work) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(60);
        ::_exit(work() ? 0 : 1);
    }
    return child;
}
int end_of(pid_t child) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// The lot that all instruments have on the day, by every way to ask; 0: none is there.
int lot_of_all(const Registry& registry, const char* date) {
    const Registry::Found found = got(registry.search("", day(date), kMany + 1));
    if (found.total == 0) {
        return 0;
    }
    REQUIRE(found.total == kMany);
    const auto lot = static_cast<int>(found.listings[0].lot.raw / kScale);
    for (const Listing& listing : found.listings) {
        REQUIRE(listing.lot == qty_of(lot));
    }
    for (std::uint32_t token = 1; token <= kMany; token += 97) {
        const std::optional<Listing> listing = got(registry.find_token(token, day(date)));
        REQUIRE(listing.has_value());
        REQUIRE(listing->lot == qty_of(lot));
    }
    REQUIRE(got(registry.find_isin("INE009A01021", day(date))).size() == kMany);
    return lot;
}

}  // namespace

TEST_CASE("a process that is killed while it loads leaves all that was there, or all that is new",
          "[registry][forks]") {
    const TempFolder folder;
    // All of them first: RocksDB's threads do not come along into a child.
    const auto begun = std::chrono::steady_clock::now();
    REQUIRE(end_of(start([&] { return loads(folder / "base", 1, "2026-01-05"); })) == 0);
    const auto took = std::chrono::steady_clock::now() - begun;  // which a sanitizer makes ten times as long
    const std::vector<std::pair<std::string, int>> places{{"registry: compared, not written", 1},
                                                          {"registry: written, not handed over", 1},
                                                          {"registry: handed over", 2}};
    for (const auto& each : places) {
        const std::string& place = each.first;
        CAPTURE(place);
        fs::copy(folder / "base", folder / place, fs::copy_options::recursive);
        const pid_t child = start([&] {
            arm_failpoints([&](const std::string& name) {
                if (name == place) {
                    ::_exit(42);
                }
            });
            return loads(folder / place, 2, "2026-01-06");
        });
        REQUIRE(end_of(child) == 42);
    }
    auto random = random_from(7);
#ifdef ALPHA_SANITIZED
    constexpr int kKills = 9;
#else
    constexpr int kKills = 24;
#endif
    int killed = 0;
    for (int i = 0; i < kKills; ++i) {
        const std::string path = folder / std::to_string(i);
        const bool is_first = i % 3 == 2;  // the registry itself is being made
        if (!is_first) {
            fs::copy(folder / "base", path, fs::copy_options::recursive);
        }
        const pid_t child = start([&] { return loads(path, 2, "2026-01-06"); });
        std::this_thread::sleep_for(took * static_cast<int>(random() % 150) / 100);
        ::kill(child, SIGKILL);
        killed += end_of(child) == 128 + SIGKILL ? 1 : 0;
    }
    CHECK(killed > 0);
    for (const auto& [place, lot] : places) {
        CAPTURE(place);
        CHECK(lot_of_all(opened(folder / place, Registry::Access::read), "2026-01-06") == lot);
    }
    std::set<int> seen;
    for (int i = 0; i < kKills; ++i) {
        CAPTURE(i);
        const std::string path = folder / std::to_string(i);
        if (fs::exists(path)) {
            const int lot = lot_of_all(opened(path, Registry::Access::read), "2026-01-06");
            CHECK((lot == 2 || lot == (i % 3 == 2 ? 0 : 1)));
            seen.insert(lot);
        }
        // And the next load is as if nothing had been.
        REQUIRE(loads(path, 3, "2026-01-07"));
        CHECK(lot_of_all(opened(path, Registry::Access::read), "2026-01-07") == 3);
        CHECK_FALSE(fs::exists(path + "/load"));
    }
    CHECK(seen.size() > 1);
}
