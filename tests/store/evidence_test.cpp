#include "store/background_log.hpp"
#include "store/evidence.hpp"
#include "store/failpoint.hpp"
#include "store/journal.hpp"
#include "store/verify.hpp"
#include "tests/store/raw_database.hpp"
#include "tests/store/support.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <map>
#include <rocksdb/write_batch.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace alpha;
using namespace alpha::store_test;
namespace fs = std::filesystem;

namespace {

/// 500 events as one frame, the first at second `seq`, with evidence of the first and two pieces of the last.
Result<void> write_some(LogWriter& log, const std::string& canary = "canary") {
    Batch batch;
    batch.begin(log.next_seq());
    const Seq first = batch.frame.first_seq;
    for (Seq seq = first; seq < first + 500; ++seq) {
        append(batch.frame, Envelope{seq, Time{kSecondNs * static_cast<std::int64_t>(seq)}, kNoSeq, kNoSeq},
               dull_quote(seq));
    }
    batch.evidence.push_back({first, canary + " of " + std::to_string(first)});
    batch.evidence.push_back({first + 499, canary + " 0"});
    batch.evidence.push_back({first + 499, canary + " 1"});
    return log.append(batch);
}

std::unique_ptr<LogWriter> go_on(const std::string& path) {
    Result<std::unique_ptr<LogWriter>> log = continue_journal(path);
    INFO((log ? std::string() : log.error().message));
    REQUIRE(log);
    return std::move(*log);
}

std::unique_ptr<Journal> look_at(const std::string& path) {
    Result<std::unique_ptr<Journal>> journal = open_journal(path);
    INFO((journal ? std::string() : journal.error().message));
    REQUIRE(journal);
    return std::move(*journal);
}

using Pieces = std::map<std::pair<Seq, int>, std::string>;
Pieces pieces_in(const std::string& path, Seq from = 0) {
    Pieces found;
    REQUIRE(look_at(path)->evidence_from(from, [&](Seq seq, std::uint8_t number, std::string_view bytes) {
        found[{seq, number}] = bytes;
        return true;
    }));
    return found;
}

Forgotten forgotten_before(const std::string& path, Seq seq) {
    const Result<Forgotten> forgotten = forget_evidence(path, Time{kSecondNs * static_cast<std::int64_t>(seq)});
    INFO((forgotten ? std::string() : forgotten.error().message));
    REQUIRE(forgotten);
    return *forgotten;
}

/// Whether the bytes stand anywhere in the files of a folder.
bool is_in_files(const std::string& path, std::string_view bytes) {
    return std::ranges::any_of(fs::recursive_directory_iterator(path), [&](const fs::directory_entry& entry) {
        const std::vector<std::uint8_t> all =
            entry.is_regular_file() ? store_test::read_file(entry.path().string()) : std::vector<std::uint8_t>();
        return std::search(all.begin(), all.end(), bytes.begin(), bytes.end()) != all.end();
    });
}

std::string altered(const std::string& path) {
    const Result<Verified> verified = verify_journal(*look_at(path));
    REQUIRE_FALSE(verified);
    CHECK(verified.error().kind == ErrorKind::data);
    return verified.error().message;
}

/// As a broker's words will be.
struct Word {
    std::string text = "a";
    std::string evidence = "0123456789abcdef";
    Qty quantity;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("text", text), named("evidence", evidence));
        since(ar, 2, named("quantity", quantity));
    }
};

/// What only a whole parser would make: JSON of any shape, with the canary in the fields that are blanked and nowhere else.
class SomeJson {
public:
    explicit SomeJson(std::uint64_t seed) : random_(random_from(seed)) {}

    /// The JSON, and what is to become of it.
    std::pair<std::string, std::string> pair(int depth = 0) {
        switch (pick(depth > 4 ? 4 : 6)) {
        case 0: return same(std::to_string(pick(100'000)) + (pick(2) == 0 ? "" : ".5e-3"));
        case 1: return same(std::array{"true", "false", "null"}.at(pick(3)));
        case 2: return same(string(true));
        case 3: return same(string(false));
        case 4: return list(depth);
        default: return object(depth);
        }
    }
    std::size_t pick(std::size_t n) { return random_() % n; }

private:
    static std::pair<std::string, std::string> same(const std::string& text) { return {text, text}; }
    std::string space() { return std::array{"", "", " ", "\n\t"}.at(pick(4)); }
    std::string string(bool plain) {
        return plain ? "\"abc \xE2\x82\xB9 user_id\"" : R"("\"user_id\": \\\"x\u00e9\n{[,:")";
    }
    std::pair<std::string, std::string> list(int depth) {
        std::pair<std::string, std::string> out{"[", "["};
        for (std::size_t n = pick(4); n > 0; --n) {
            const auto [given, wanted] = pair(depth + 1);
            const std::string rest = space() + (n > 1 ? "," : "") + space();
            out.first += given + rest;
            out.second += wanted + rest;
        }
        return {out.first + "]", out.second + "]"};
    }
    std::pair<std::string, std::string> object(int depth) {
        std::pair<std::string, std::string> out{"{", "{"};
        for (std::size_t n = pick(5); n > 0; --n) {
            const bool hides = pick(2) == 0;
            const std::string name =
                hides
                    ? std::array{R"("user_id")",        R"("account_id")",  R"("Email")", R"("api_secret")",
                                 R"("user\u005fname")", R"("accessToken")", R"("PAN")",   R"("placed-by")"}
                          .at(pick(8))
                    : std::array{R"("order_id")", R"("")", R"("user_i")", R"("x\"user_id")", R"("panel")"}.at(pick(5));
            const auto [given, wanted] = pair(depth + 1);
            const std::string before = space() + name + space() + ":" + space();
            const std::string rest = space() + (n > 1 ? "," : "") + space();
            out.first.append(before).append(hides ? secret(given) : given).append(rest);
            out.second.append(before).append(hides ? R"("")" : wanted).append(rest);
        }
        return {out.first + "}", out.second + "}"};
    }
    std::string secret(const std::string& other) {
        switch (pick(5)) {
        case 0: return R"("canary")";
        case 1: return R"(["canary", )" + other + R"(, {"x": "canary"}])";
        case 2: return R"({"user_id": {"y": ["canary"]}, "z": )" + other + "}";
        case 3: return R"("\"canary\\")";
        default: return other;
        }
    }

    std::mt19937_64 random_;
};

}  // namespace

// ---- what is kept ----------------------------------------------------------------------------------------------------------

TEST_CASE("the value of a field that names a person is not blanked, or another one is", "[store][evidence]") {
    CHECK(blanked(R"({"placed_by":"AB1234","order_id":"1","meta":{"user_id": "AB1234"},"tags":["t"]})") ==
          R"({"placed_by":"","order_id":"1","meta":{"user_id": ""},"tags":["t"]})");
    CHECK(blanked(R"([{"phone": 9876543210, "x": 1}, {"email": null}, {"pan": ["A", {"b": 1}], "y": [2]}])") ==
          R"([{"phone": "", "x": 1}, {"email": ""}, {"pan": "", "y": [2]}])");
    for (const char* field :
         {"account_id", "placed_by", "user_id", "user_name", "user_shortname", "email", "phone", "pan", "api_key",
          "access_token", "public_token", "enctoken", "refresh_token", "request_token", "api_secret"}) {
        CAPTURE(field);
        CHECK(blanked(std::string("{\"") + field + R"(":"canary"})") == std::string("{\"") + field + R"(":""})");
    }
    CHECK(blanked(R"({"user\u005Fid":"canary","USER-ID":"canary","userId":"canary"})") ==
          R"({"user\u005Fid":"","USER-ID":"","userId":""})");
    CHECK(blanked(R"({"a":"\"user_id\":\"","user_id":"ca\"nary\\","b":"user_id"})") ==
          R"({"a":"\"user_id\":\"","user_id":"","b":"user_id"})");
    for (const char* whole : {"", " \n", "1", R"("user_id")", "[]", "{}", R"(["user_id", "x"])", "-1.5e+3", "null"}) {
        CHECK(blanked(whole) == whole);
    }
}

TEST_CASE("what stands behind a fault in JSON is kept", "[store][evidence]") {
    const std::map<std::string, std::string> cases{
        {"<html>canary</html>", "[cut]"},
        {"{'user_id':'canary'}", "{[cut]"},
        {R"({"a":1} {"b":"canary"})", R"({"a":1} [cut])"},
        {R"({"a":1,"user_id" "canary"})", R"({"a":1,"user_id" [cut])"},
        {R"({"a":tru,"b":"canary"})", R"({"a":[cut])"},
        {R"({"a":"b\q","c":"canary"})", R"({"a":[cut])"},
        {R"({"a":"b\u00g0","c":"canary"})", R"({"a":[cut])"},
        {"{\"a\":\"b\nc\",\"d\":\"canary\"}", "{\"a\":[cut]"},
        {R"({"user_id":"canary)", R"({"user_id":[cut])"},
        {R"({"user_id":["canary"}, "canary"])", R"({"user_id":""[cut])"},
        {R"({"a":[1}, "canary"])", R"({"a":[1[cut])"},
        {R"({"a","canary"})", R"({"a"[cut])"},
        {R"([,"canary"])", "[[cut]"},
        {R"({"a":1,,"b":"canary"})", R"({"a":1,[cut])"},
        {R"(["a":"canary"])", R"(["a"[cut])"},
        {R"({1:"canary"})", "{[cut]"},
        {R"(] "canary")", "[cut]"},
        {"\xEF\xBB\xBF{\"a\":\"canary\"}", "[cut]"},
        {R"("a\)", "[cut]"},
        {R"("\u12)", "[cut]"},
    };
    for (const auto& [given, wanted] : cases) {
        CAPTURE(given);
        CHECK(blanked(given) == wanted);
    }
    CHECK(blanked(R"({"a":[1)") == R"({"a":[1)");  // it ends too early, and nothing of it is dropped
    const std::string deep(1'000'000, '[');
    CHECK(blanked(deep) == deep);
}

TEST_CASE("a secret survives in some JSON, or a byte beside it does not", "[store][evidence]") {
    for (std::uint64_t seed = 0; seed < 3'000; ++seed) {
        CAPTURE(seed);
        SomeJson some(seed);
        const auto [given, wanted] = some.pair();
        REQUIRE(blanked(given) == wanted);
        REQUIRE(wanted.find("canary") == std::string::npos);
        REQUIRE(blanked(wanted) == wanted);
        // Cut off, or with a byte that stands nowhere in JSON: what comes before is what it would be, and nothing comes after.
        const std::size_t at = some.pick(given.size());
        std::string faulty = given;
        faulty[at] = '\x01';
        for (const std::string& begun : {blanked(given.substr(0, at)), blanked(faulty)}) {
            const bool is_cut = begun.ends_with(kEvidenceCut);
            REQUIRE(wanted.starts_with(begun.substr(0, begun.size() - (is_cut ? kEvidenceCut.size() : 0))));
        }
        REQUIRE(blanked(faulty).ends_with(kEvidenceCut));
    }
}

TEST_CASE("evidence is longer than it may be, or does not say that it was cut", "[store][evidence]") {
    const std::string fits = '"' + std::string(kMaxEvidenceRowBytes - 2, 'x') + '"';
    CHECK(kept_evidence(fits, kMaxEvidenceRowBytes) == fits);
    const std::string longer = R"({"user_id":"canary","x":")" + std::string(kMaxEvidenceRowBytes, 'x') + "\"}";
    const std::string kept = kept_evidence(longer, kMaxEvidenceRowBytes);
    CHECK(kept.size() == kMaxEvidenceRowBytes);
    CHECK(kept.starts_with(R"({"user_id":"","x":"xxx)"));
    CHECK(kept.ends_with("x[cut]"));
}

TEST_CASE("what an event says of its evidence is not found, or is not compared with it", "[store][evidence]") {
    CHECK(evidence_of("") == "e3b0c44298fc1c14");
    CHECK(evidence_of("abc") == "ba7816bf8f01cfea");
    CHECK(evidence_said(Word{}) == "0123456789abcdef");
    CHECK(evidence_said(Event(dull_quote(0))).empty());

    const std::string said = evidence_of("abc") + evidence_of("def");
    CHECK(check_evidence(said, 0, "abc"));
    CHECK(check_evidence(said, 1, "def"));
    CHECK(check_evidence(evidence_of("abc"), 0, "abd").error().message ==
          "piece 0 is a52d159f262b2c6d, and the event says ba7816bf8f01cfea");
    CHECK(check_evidence(said, 1, "abc").error().kind == ErrorKind::data);
    CHECK(check_evidence(said, 2, "abc").error().message ==
          "piece 2 is ba7816bf8f01cfea, and the event speaks of none");
    CHECK_FALSE(check_evidence(said.substr(0, 15), 0, "abc"));
    CHECK_FALSE(check_evidence("", 0, "abc"));
}

// ---- in a journal ----------------------------------------------------------------------------------------------------------

TEST_CASE("evidence is not found beside its event, or changes the log", "[store][evidence]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    const Pieces both{{{0, 0}, "canary of 0"},     {{499, 0}, "canary 0"}, {{499, 1}, "canary 1"},
                      {{500, 0}, "canary of 500"}, {{999, 0}, "canary 0"}, {{999, 1}, "canary 1"}};
    {
        const std::unique_ptr<LogWriter> log = make_background_log(go_on(path));
        REQUIRE(write_some(*log));
        REQUIRE(write_some(*log));
        REQUIRE(log->commit());
        CHECK(pieces_in(path) == both);  // while it is being written
        REQUIRE(log->finish({}));
    }
    CHECK(pieces_in(path) == both);
    CHECK(pieces_in(path, 500).size() == 3);
    const std::unique_ptr<MemoryLog> without = make_memory_log();
    for (const Frame& frame : frames_of(1'000, 500, [](Frame& into, Seq seq) {
             append(into, Envelope{seq, Time{kSecondNs * static_cast<std::int64_t>(seq)}, kNoSeq, kNoSeq},
                    dull_quote(seq));
         })) {
        REQUIRE(append_frame(*without, frame));
    }
    CHECK(look_at(path)->head() == without->head());
}

TEST_CASE("a batch is stored again with the evidence of the one before", "[store][evidence]") {
    Batch batch;
    batch.begin(0);
    batch.evidence.push_back({0, "x"});
    batch.begin(1);
    CHECK(batch.evidence.empty());
}

TEST_CASE("evidence that its event does not speak of is taken for whole", "[store][evidence]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    {
        const std::unique_ptr<LogWriter> log = go_on(path);
        REQUIRE(write_some(*log));
        REQUIRE(log->finish({}));
    }
    CHECK(altered(path) == "The journal " + path + " has evidence of event 0 that is not its own: piece 0 is " +
                               evidence_of("canary of 0") + ", and the event speaks of none.");
    CHECK(forgotten_before(path, 500).pieces == 3);
    CHECK(verify_journal(*look_at(path)));
    const auto plant = [&](const std::string& key) {
        const RawDatabase db(path);
        REQUIRE(db->Put({}, db.family("evidence"), key, "x").ok());
    };
    SECTION("of an event that is not there") {
        plant(raw_key_of(500) + '\0');
        CHECK(altered(path) == "The journal " + path + " has evidence of event 500, which its log does not hold.");
    }
    SECTION("under a key of another length") {
        plant(raw_key_of(3));
        CHECK(altered(path) == "The journal " + path + " has evidence of no event.");
    }
}

TEST_CASE("evidence that is forgotten stays in the files, or takes something with it", "[store][evidence]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    const bool ends = GENERATE(true, false);  // or as after a crash, with all of it in the write-ahead log
    {
        const std::unique_ptr<LogWriter> log = go_on(path);
        REQUIRE(write_some(*log, "bird"));
        if (ends) {
            REQUIRE(log->finish(Ending{7, Digest{1, 2, 3}}));
        }
    }
    {
        const std::unique_ptr<LogWriter> log = go_on(path);
        REQUIRE(write_some(*log, "fish"));
        if (ends) {
            REQUIRE(log->finish(Ending{7, Digest{1, 2, 3}}));
        }
    }
    const Digest head = look_at(path)->head();
    REQUIRE(is_in_files(path, "bird"));

    const Forgotten forgotten = forgotten_before(path, 500);
    CHECK(forgotten.before == 500);
    CHECK(forgotten.pieces == 3);
    CHECK(forgotten.bytes == 9 + 6 + 6);
    CHECK(forgotten.pieces_left == 3);
    CHECK(pieces_in(path) == Pieces{{{500, 0}, "fish of 500"}, {{999, 0}, "fish 0"}, {{999, 1}, "fish 1"}});
    CHECK_FALSE(is_in_files(path, "bird"));
    CHECK(is_in_files(path, "fish"));
    const auto is_as_it_was = [&] {
        const std::unique_ptr<Journal> journal = look_at(path);
        CHECK(journal->head() == head);
        CHECK(journal->info().clean_end == ends);
        CHECK(journal->info().ending == (ends ? std::optional(Ending{7, Digest{1, 2, 3}}) : std::nullopt));
        CHECK(journal->info().forgotten_before == 500);
        CHECK(verify_chain(*journal, {.promised = journal->promised()}));
        CHECK(journal->check_rest());
    };
    is_as_it_was();
    // Nothing more, nor less, by asking again.
    CHECK(forgotten_before(path, 500).pieces == 0);
    CHECK(forgotten_before(path, 0).pieces == 0);
    is_as_it_was();

    CHECK(forgotten_before(path, 10'000).pieces == 3);
    CHECK(look_at(path)->info().forgotten_before == 1'000);
    CHECK(verify_journal(*look_at(path)));
    const std::unique_ptr<LogWriter> log = go_on(path);
    CHECK(log->head() == head);
    REQUIRE(write_some(*log));
    REQUIRE(log->commit());
    CHECK(pieces_in(path).size() == 3);
}

TEST_CASE("evidence is forgotten under a session, or a journal without any is touched", "[store][evidence]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    {
        const std::unique_ptr<LogWriter> log = go_on(path);
        REQUIRE(append_frame(*log, frames_of(10, 10, append_mixed).front()));
        const Result<Forgotten> refused = forget_evidence(path, kMaxTime);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().kind == ErrorKind::transient);
        REQUIRE(log->finish({}));
    }
    const auto contents = [&] {
        std::map<std::string, std::vector<std::uint8_t>> found;
        for (const auto& entry : fs::directory_iterator(path)) {
            found[entry.path().filename().string()] = store_test::read_file(entry.path().string());
        }
        return found;
    };
    const auto before = contents();
    CHECK(forgotten_before(path, 1'000).pieces == 0);
    CHECK(contents() == before);
    CHECK(forget_evidence(folder / "nothing", kMaxTime).error().kind == ErrorKind::usage);
    const std::string old = folder / "old";
    fs::copy(ALPHA_SOURCE_DIR "/tests/store/journals/v1-kill-switch", old);
    CHECK(pieces_in(old).empty());
    const Result<Forgotten> none = forget_evidence(old, kMaxTime);
    REQUIRE(none);
    CHECK(none->pieces == 0);
    CHECK(look_at(old)->info().format == 1);
}

TEST_CASE("evidence without its frame, or a frame without its evidence, is left by a process that ends",
          "[store][evidence][forks]") {
    const TempFolder folder;
    const std::vector<std::string> places{"append: batch made, not written", "append: batch written",
                                          "commit: synced, not anchored", "forget: noted, not removed"};
    // All of them first: RocksDB's threads do not come along into a child.
    for (const std::string& place : places) {
        CAPTURE(place);
        const pid_t child = ::fork();
        if (child == 0) {
            ::alarm(60);
            const std::string path = folder / place;
            int left = 2;  // the second time that it is come by
            Result<std::unique_ptr<LogWriter>> log = continue_journal(path);
            bool done = log.has_value();
            arm_failpoints([&](const std::string& name) {
                if (name == place && (--left == 0 || name.starts_with("forget"))) {
                    ::_exit(42);
                }
            });
            for (int i = 0; i < 3; ++i) {
                done = done && write_some(**log).has_value() && (*log)->commit().has_value();
            }
            log = tl::make_unexpected(Error{});
            done = done && forget_evidence(path, Time{kSecondNs * 600}).has_value();
            ::_exit(done ? 0 : 1);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        REQUIRE(WIFEXITED(status));
        REQUIRE(WEXITSTATUS(status) == 42);
    }
    for (const std::string& place : places) {
        CAPTURE(place);
        const std::string path = folder / place;
        REQUIRE(go_on(path)->next_seq() % 500 == 0);
        const bool forgets = place.starts_with("forget");
        const Seq events = look_at(path)->next_seq();
        CHECK(events == (place == "append: batch made, not written" ? 500U : forgets ? 1'500U : 1'000U));
        CHECK(pieces_in(path).size() == (forgets ? 5 : events / 500 * 3));
        if (forgets) {  // what was noted alone is done when it is asked for again
            CHECK(forgotten_before(path, 600).pieces == 0);
            CHECK_FALSE(is_in_files(path, "canary of 0"));
            CHECK(pieces_in(path).size() == 5);
        }
    }
}
