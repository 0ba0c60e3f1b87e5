#include "kernel/snapshot.hpp"
#include "store/journal.hpp"
#include "tests/cli/run_alpha.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <thread>

namespace fs = std::filesystem;

namespace {

/// A journal of a short run; returns what backtest printed of it.
std::string make_journal(const Workplace& here, const std::string& name = "j", int ticks = 2'000) {
    here.write("s.yaml", synth_scenario("s", ticks));
    const Ran ran = here.alpha({"backtest", "s.yaml", "--json", "--journal", name});
    REQUIRE(ran.code == 0);
    return ran.out;
}

/// Changes a file of a journal: the largest one whose name ends so.
void damage(const fs::path& journal, std::string_view ending, const std::function<void(std::string&)>& change) {
    fs::path victim;
    for (const fs::directory_entry& entry : fs::directory_iterator(journal)) {
        if (entry.path().filename().string().ends_with(ending) &&
            (victim.empty() || entry.file_size() > fs::file_size(victim))) {
            victim = entry.path();
        }
    }
    REQUIRE_FALSE(victim.empty());
    std::ostringstream text;
    text << std::ifstream(victim, std::ios::binary).rdbuf();
    std::string bytes = text.str();
    change(bytes);
    std::ofstream(victim, std::ios::binary | std::ios::trunc) << bytes;
}

/// A quote after the others, in a batch of its own.
void append_quote(alpha::LogWriter& writer, int k) {
    alpha::Batch batch;
    batch.begin(writer.next_seq());
    append(
        batch.frame, {writer.next_seq(), alpha::Time{k}, alpha::kNoSeq, alpha::kNoSeq},
        alpha::QuoteTick{alpha::InstrumentId{0}, alpha::Price{100}, alpha::Price{101}, alpha::Qty{1}, alpha::Qty{1}});
    REQUIRE(writer.append(batch));
    REQUIRE(writer.commit());
}

/// Waits, for at most ten seconds, until what runs has printed so many lines.
bool prints_lines(const Workplace& here, std::size_t lines) {
    for (int i = 0; i < 1'000; ++i) {
        if (line_count(here.read("../outputs/out")) >= lines) {
            return true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
}

}  // namespace

// ---- replay ----------------------------------------------------------------------------------------------------------------

TEST_CASE("a journal replays into the state and the books that its run ended with, from wherever", "[cli]") {
    const Workplace here;
    const std::string ran = make_journal(here);
    const unsigned long long events = std::stoull(json_field(ran, "events"));
    for (const auto from : {0ULL, events / 3, events - 1, events}) {
        CAPTURE(from);
        const Ran replay = here.alpha({"replay", "--journal", "j", "--from", std::to_string(from), "--json"});
        REQUIRE(replay.code == 0);
        CHECK(replay.err.empty());
        for (const char* field : {"scenario", "currency", "events", "ticks", "orders", "fills", "cash", "equity",
                                  "realized_pnl", "unrealized_pnl", "charges", "log_head", "state_digest"}) {
            CAPTURE(field);
            CHECK(json_field(replay.out, field) == json_field(ran, field));
        }
        CHECK(json_field(replay.out, "from") == std::to_string(from));
        CHECK(json_field(replay.out, "folded") == std::to_string(events - from));
        CHECK(json_field(replay.out, "verified") == "false");
        const std::string portfolios = R"("portfolios":{"main":{)";
        const auto books = [&](const std::string& json) {
            const std::size_t at = json.find(portfolios);
            return json.substr(at, json.find("}}", at) - at);
        };
        CHECK(books(replay.out) == books(ran));
    }
    const Ran text = here.alpha({"replay", "--journal", "j"});
    CHECK(text.code == 0);
    CHECK(contains(text.out, "portfolio"));
    CHECK(contains(text.out, "NSE:ALPHA"));
    CHECK(line_count(here.alpha({"replay", "--journal", "j", "-q"}).out) == 1);
}

TEST_CASE("a replay ends where it is told to, and refuses a place that is not there", "[cli]") {
    const Workplace here;
    make_journal(here);
    const Ran part = here.alpha({"replay", "--journal", "j", "--from", "100", "--to", "199", "--json"});
    CHECK(part.code == 0);
    CHECK(json_field(part.out, "folded") == "100");
    CHECK(json_field(part.out, "to") == "199");
    const Ran whole = here.alpha({"replay", "--journal", "j", "--to", "199", "--json"});
    CHECK(json_field(part.out, "state_digest") == json_field(whole.out, "state_digest"));
    CHECK(json_field(whole.out, "state_digest") !=
          json_field(here.alpha({"replay", "--journal", "j", "--json"}).out, "state_digest"));
    CHECK(here.alpha({"replay", "--journal", "j", "--from", "9", "--to", "8"}).code == 2);
    const Ran beyond = here.alpha({"replay", "--journal", "j", "--from", "99999999"});
    CHECK(beyond.code == 2);
    CHECK(contains(beyond.err, "j holds"));
    CHECK(here.alpha({"replay", "--journal", "nowhere"}).code == 2);
}

TEST_CASE("a journal is decided again, byte for byte, and says so", "[cli]") {
    const Workplace here;
    make_journal(here);
    for (const char* from : {"0", "1500"}) {
        const Ran ran = here.alpha({"replay", "--journal", "j", "--from", from, "--verify", "--json"});
        CHECK(ran.code == 0);
        CHECK(json_field(ran.out, "verified") == "true");
    }
    CHECK(contains(here.alpha({"replay", "--journal", "j", "--verify"}).out, "verified"));
}

TEST_CASE("a journal whose facts were not decided by its inputs is named with the first such fact", "[cli]") {
    const Workplace here;
    make_journal(here);
    // The same events, one of them changed, hashed anew: whole by every checksum, and yet no session's.
    const auto journal = alpha::open_journal(here.path("j").string());
    REQUIRE(journal);
    const auto rewrite = [&](const std::string& to, auto change) {
        auto writer = alpha::create_journal(here.path(to).string());
        REQUIRE(writer);
        alpha::Batch batch;
        batch.begin(0);
        REQUIRE(alpha::for_each_event(**journal, 0, [&](const alpha::Envelope& envelope, const alpha::Event& event) {
            alpha::Event changed = event;
            change(changed);
            std::visit([&](const auto& each) { append(batch.frame, envelope, each); }, changed);
            return true;
        }));
        REQUIRE((*writer)->append(batch));
        REQUIRE((*writer)->finish(std::nullopt));
    };
    rewrite("forged", [done = false](alpha::Event& event) mutable {
        if (auto* fill = std::get_if<alpha::OrderFilled>(&event); fill != nullptr && !done) {
            fill->trade = "forged";
            done = true;
        }
    });
    CHECK(here.alpha({"verify", "--journal", "forged"}).code == 0);
    const Ran ran = here.alpha({"replay", "--journal", "forged", "--verify"});
    CHECK(ran.code == 4);
    CHECK(contains(ran.out, "is decided differently"));
    CHECK(contains(ran.out, "trade=forged"));
    CHECK(contains(ran.out, "caused by\n"));
    CHECK(contains(ran.out, " quote "));
    const Ran json = here.alpha({"replay", "--journal", "forged", "--verify", "--json"});
    CHECK(json.code == 4);
    CHECK(json_field(json.out, "verified") == "false");
    here.write("out.json", json.out);
    CHECK(here.shell("python3 -c 'import json; d = json.load(open(\"out.json\")); "
                     "assert d[\"logged\"][\"seq\"] == d[\"seq\"] and d[\"logged_causes\"][-1][\"type\"] == \"quote\"'")
              .code == 0);

    rewrite("unknown", [](alpha::Event& event) {
        if (auto* config = std::get_if<alpha::RunConfigured>(&event)) {
            config->strategies[0].use = "crystal_ball";
        }
    });
    CHECK(here.alpha({"replay", "--journal", "unknown"}).code == 0);
    const Ran unknown = here.alpha({"replay", "--journal", "unknown", "--verify"});
    CHECK(unknown.code == 3);
    CHECK(contains(unknown.err, "there is no strategy named 'crystal_ball'"));

    // A fact that contradicts the books stops the fold, not the shell it runs in.
    rewrite("absurd", [](alpha::Event& event) {
        if (auto* fill = std::get_if<alpha::OrderFilled>(&event)) {
            fill->order.value += 1'000'000;
        }
    });
    for (const char* command : {"verify", "replay"}) {
        const Ran absurd = here.alpha({command, "--journal", "absurd"});
        CHECK(absurd.code == 3);
        CHECK(contains(absurd.err, "Reading the journal absurd ended in signal 6 (Aborted): it is damaged."));
        CHECK(absurd.out.empty());
    }
}

// ---- verify ----------------------------------------------------------------------------------------------------------------

TEST_CASE("a healthy journal verifies, with the head and the state that its run printed", "[cli]") {
    const Workplace here;
    const std::string ran = make_journal(here);
    const Ran verified = here.alpha({"verify", "--journal", "j", "--json"});
    CHECK(verified.code == 0);
    CHECK(verified.err.empty());
    for (const char* field : {"events", "log_head", "state_digest"}) {
        CHECK(json_field(verified.out, field) == json_field(ran, field));
    }
    CHECK(json_field(verified.out, "format") == "3");
    CHECK(json_field(verified.out, "clean_end") == "true");
    CHECK(json_field(verified.out, "anchored_seq") == json_field(ran, "events"));
    CHECK(std::stoull(json_field(verified.out, "disk_bytes")) > 10'000);
    CHECK(contains(here.alpha({"verify", "--journal", "j"}).out, "as they were written"));
}

TEST_CASE("with --json an error is an object on standard output, with a code that programs go by", "[cli]") {
    const Workplace here;
    const auto error_of = [&](const std::vector<std::string>& arguments, int code) {
        const Ran ran = here.alpha(arguments);
        CHECK(ran.code == code);
        CHECK(contains(ran.err, "error: "));
        CHECK(json_field(ran.out, "exit_code") == std::to_string(code));
        return ran.out;
    };
    CHECK(json_field(error_of({"verify", "--journal", "j", "--json"}, 2), "code") == R"("not_found")");
    here.write("s.yaml", "name: s\naccount: {currency: INR}\ncashh: 3\n");
    const std::string scenario = error_of({"backtest", "s.yaml", "--json"}, 2);
    CHECK(json_field(scenario, "code") == R"("bad_scenario")");
    CHECK(json_field(scenario, "file") == R"("s.yaml")");
    CHECK(json_field(scenario, "line") != "");
    here.write("q.csv", few_quotes("100.00") + "nonsense\n");
    here.write("h.yaml", hold_scenario("h", "q.csv"));
    const std::string record = error_of({"backtest", "h.yaml", "--json", "-q"}, 3);
    CHECK(json_field(record, "code") == R"("bad_record")");
    CHECK(json_field(record, "file") == R"("q.csv")");
    CHECK(json_field(record, "transient") == "false");
    const auto writer = alpha::continue_journal(here.path("live").string());
    REQUIRE(writer);
    const std::string busy =
        error_of({"live", "--broker", "paper", "--config", "h.yaml", "--journal", "live", "--json"}, 75);
    CHECK(json_field(busy, "code") == R"("in_use")");
    CHECK(json_field(busy, "transient") == "true");
}

TEST_CASE("a journal that has just begun verifies with no events", "[cli]") {
    const Workplace here;
    const auto writer = alpha::continue_journal(here.path("j").string());
    REQUIRE(writer);
    const Ran begun = here.alpha({"verify", "--journal", "j", "--json"});
    CHECK(begun.code == 0);
    CHECK(json_field(begun.out, "events") == "0");
    CHECK(json_field(begun.out, "clean_end") == "false");
    CHECK(here.alpha({"replay", "--journal", "j"}).code == 0);
    CHECK(here.alpha({"replay", "--journal", "j", "--verify", "--json"}).code == 0);
    CHECK(here.alpha({"diff", "j", "j"}).code == 0);
}

TEST_CASE("a state that is not the one recorded at the end is a mismatch", "[cli]") {
    const Workplace here;
    const auto writer = alpha::continue_journal(here.path("j").string());
    REQUIRE(writer);
    REQUIRE((*writer)->finish(alpha::Ending{alpha::kStateVersion, alpha::Digest{1, 2, 3}}));
    const Ran ran = here.alpha({"verify", "--journal", "j"});
    CHECK(ran.code == 4);
    CHECK(contains(ran.err, "folds into the state"));
}

TEST_CASE("damage of any kind is refused by every command that reads a journal, and never ends it by a signal",
          "[cli]") {
    const Workplace here;
    make_journal(here, "good");
    const auto damaged = [&](const std::string& what, const std::function<void(const fs::path&)>& change) {
        CAPTURE(what);
        const fs::path journal = here.path("bad");
        fs::remove_all(journal);
        fs::copy(here.path("good"), journal);
        change(journal);
        for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
                 {"verify", "--journal", "bad"}, {"replay", "--journal", "bad", "--verify"}, {"diff", "good", "bad"}}) {
            const Ran ran = here.alpha(command);
            CAPTURE(command, ran.err);
            CHECK((ran.code == 3 || ran.code == 4));
            CHECK_FALSE((ran.err.empty() && ran.out.empty()));
        }
        CHECK(here.alpha({"log", "--journal", "bad"}).code < 128);
        CHECK(here.alpha({"replay", "--journal", "bad"}).code < 128);
    };
    damaged("a table cut short", [](const fs::path& journal) {
        damage(journal, ".sst", [](std::string& bytes) { bytes.resize(bytes.size() / 2); });
    });
    damaged("an empty table",
            [](const fs::path& journal) { damage(journal, ".sst", [](std::string& bytes) { bytes.clear(); }); });
    damaged("a table without its first bit", [](const fs::path& journal) {
        damage(journal, ".sst", [](std::string& bytes) { bytes[0] = static_cast<char>(bytes[0] ^ 1); });
    });
    damaged("a flipped bit amid the events", [](const fs::path& journal) {
        damage(journal, ".sst",
               [](std::string& bytes) { bytes[bytes.size() / 3] = static_cast<char>(bytes[bytes.size() / 3] ^ 16); });
    });
    damaged("no anchor", [](const fs::path& journal) { fs::remove(journal / "anchor"); });
    damaged("an anchor of nothing", [](const fs::path& journal) {
        damage(journal, "anchor", [](std::string& bytes) { std::ranges::fill(bytes, 'x'); });
    });
    damaged("a manifest of nothing", [](const fs::path& journal) {
        for (const fs::directory_entry& entry : fs::directory_iterator(journal)) {
            if (entry.path().filename().string().starts_with("MANIFEST")) {
                std::ofstream(entry.path(), std::ios::trunc) << "nothing";
            }
        }
    });
}

TEST_CASE("journals of every earlier format and edition verify, fold and print, and are decided again where the rules are the same", "[cli]") {
    const Workplace here;
    const fs::path kept = fs::path(ALPHA_SOURCE_DIR) / "tests/store/journals";
    std::ifstream heads(kept / "heads.txt");
    std::string name;
    std::string events;
    std::string head;
    std::string digest;
    std::size_t journals = 0;
    while (heads >> name >> events >> head >> digest) {  // the digest is that of an older state
        CAPTURE(name);
        ++journals;
        fs::copy(kept / name, here.path(name), fs::copy_options::recursive);
        for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
                 {"verify", "--json", "--journal", name}, {"replay", "--json", "--journal", name}}) {
            const Ran ran = here.alpha(command);
            CAPTURE(command, ran.err);
            CHECK(ran.code == 0);
            CHECK(json_field(ran.out, "events") == events);
            CHECK(json_field(ran.out, "log_head") == '"' + head + '"');
        }
        const Ran again = here.alpha({"replay", "--verify", "--journal", name});
        if (name.starts_with("v3")) {  // of the rules that there are, in older versions of some events
            CHECK(again.code == 0);
        } else {
            CHECK(again.code == 3);
            CHECK(contains(again.err, "was written under rules 1"));
        }
        CHECK(here.alpha({"show", "portfolios", "--journal", name}).code == 0);
        // What was printed then is printed still, whatever fields have come to it since.
        std::istringstream now(here.alpha({"log", "--json", "--journal", name}).out);
        std::ifstream printed(kept / (name + ".jsonl"), std::ios::binary);
        std::string then_line;
        std::string now_line;
        std::size_t lines = 0;
        while (std::getline(printed, then_line)) {
            CAPTURE(then_line);
            REQUIRE(std::getline(now, now_line));
            ++lines;
            for (const char* field : {"seq", "ts_ns", "type", "order", "quantity", "price",
                                      "cash", "notional", "realized_pnl", "rule", "reason"}) {
                CHECK(json_field(now_line, field) == json_field(then_line, field));
            }
        }
        CHECK(std::to_string(lines) == events);
        CHECK_FALSE(std::getline(now, now_line));
    }
    CHECK(journals >= 2);
}

// ---- diff ------------------------------------------------------------------------------------------------------------------

TEST_CASE("runs that differ in a setting are told apart by it, and by the first event it led to", "[cli]") {
    const Workplace here;
    make_journal(here, "a");
    std::string other = synth_scenario("s", 2'000);
    other.replace(other.find("quantity: 10"), 12, "quantity: 11");
    here.write("other.yaml", other);
    REQUIRE(here.alpha({"backtest", "other.yaml", "--journal", "b"}).code == 0);

    const Ran same = here.alpha({"diff", "a", "a"});
    CHECK(same.code == 0);
    CHECK(same.out.starts_with("identical: "));

    const Ran ran = here.alpha({"diff", "a", "b"});
    CHECK(ran.code == 4);
    CHECK(ran.err.empty());
    CHECK(contains(ran.out, "event 0 differs"));
    CHECK(contains(ran.out, "strategies[cross].params[quantity]  10  11\n"));
    CHECK(contains(ran.out, "order_intended order=1"));
    CHECK(contains(ran.out, "caused in both by\n"));
    CHECK(contains(ran.out, "main cash"));
    CHECK(contains(ran.out, "buy 10 NSE:"));
    CHECK(contains(ran.out, "buy 11 NSE:"));

    const Ran json = here.alpha({"diff", "a", "b", "--json"});
    CHECK(json.code == 4);
    here.write("out.json", json.out);
    CHECK(
        here.shell(
                "python3 -c 'import json; d = json.load(open(\"out.json\")); first, then = d[\"differences\"]; "
                "assert not d[\"identical\"] and first[\"seq\"] == 0 and len(first[\"settings\"]) == 1; "
                "assert then[\"a\"][\"type\"] == \"order_intended\" and then[\"causes_a\"][-1][\"type\"] == \"quote\"; "
                "assert any(s[\"name\"] == \"order 1\" for s in then[\"states\"])'")
            .code == 0);
}

TEST_CASE("a journal that ends earlier differs where it ends", "[cli]") {
    const Workplace here;
    make_journal(here, "long");
    const auto events = std::stoull(json_field(make_journal(here, "short", 1'000), "events"));
    const Ran ran = here.alpha({"diff", "short", "long"});
    CHECK(ran.code == 4);
    CHECK(contains(ran.out, fmt::format("A ends at event {}; B goes on with\n  {} ", events - 1, events)));
    CHECK(contains(here.alpha({"diff", "long", "short"}).out, "B ends at event"));
    CHECK(here.alpha({"diff", "long", "nowhere"}).code == 2);
    CHECK(here.alpha({"diff", "long"}).code == 2);
}

// ---- log -------------------------------------------------------------------------------------------------------------------

TEST_CASE("the log shows all that an event led to, and nothing else", "[cli]") {
    const Workplace here;
    make_journal(here);
    const std::string fill = here.alpha({"log", "--journal", "j", "--type", "order_filled", "--limit", "1"}).out;
    const std::string root = fill.substr(fill.find(" root=") + 6, fill.find('\n') - fill.find(" root=") - 6);
    const Ran ran = here.alpha({"log", "--journal", "j", "--caused-by", root});
    CHECK(ran.code == 0);
    CHECK(ran.out.starts_with(root + " "));
    CHECK(contains(ran.out, fill));
    // By hand: whoever's chain of causes leads there.
    here.write("log.jsonl", here.alpha({"log", "--journal", "j", "--json"}).out);
    const Ran by_hand =
        here.shell(fmt::format("python3 -c 'import json\ncaused = {{{}}}\nfor line in open(\"log.jsonl\"):\n"
                               " e = json.loads(line)\n"
                               " if e.get(\"cause\") in caused: caused.add(e[\"seq\"])\n"
                               "print(len(caused))'",
                               root));
    CHECK(std::to_string(line_count(ran.out)) + "\n" == by_hand.out);
    CHECK(line_count(ran.out) >= 4);
    CHECK(here.alpha({"log", "--journal", "j", "--caused-by", root, "--type", "order_filled"}).out == fill);
    CHECK(line_count(here.alpha({"log", "--journal", "j", "--caused-by", root, "--limit", "2"}).out) == 2);
    CHECK(here.alpha({"log", "--journal", "j", "--caused-by", root, "--to", root}).out.starts_with(root));
    const Ran beyond = here.alpha({"log", "--journal", "j", "--caused-by", "99999999"});
    CHECK(beyond.code == 2);
    CHECK(contains(beyond.err, "there is no event 99999999"));
}

TEST_CASE("a log is followed while it is written, until it has ended", "[cli]") {
    const Workplace here;
    const auto writer = alpha::continue_journal(here.path("j").string());
    REQUIRE(writer);
    for (int k = 0; k < 3; ++k) {
        append_quote(**writer, k);
    }
    const pid_t follower = here.start({"log", "--journal", "j", "--follow"});
    CHECK(prints_lines(here, 3));
    for (int k = 3; k < 8; ++k) {
        append_quote(**writer, k);
    }
    CHECK(prints_lines(here, 8));
    append_quote(**writer, 8);
    REQUIRE((*writer)->finish(std::nullopt));
    const Ran ran = here.finish(follower);
    CHECK(ran.code == 0);
    CHECK(ran.err.empty());
    CHECK(line_count(ran.out) == 9);
    CHECK(ran.out == here.alpha({"log", "--journal", "j"}).out);
}

TEST_CASE("whoever follows a log can stop: by a limit, or by Ctrl-C", "[cli]") {
    const Workplace here;
    const auto writer = alpha::continue_journal(here.path("j").string());
    REQUIRE(writer);
    append_quote(**writer, 0);
    append_quote(**writer, 1);
    CHECK(line_count(here.alpha({"log", "--journal", "j", "--follow", "--limit", "1"}).out) == 1);
    const pid_t follower = here.start({"log", "--journal", "j", "--follow"});
    CHECK(prints_lines(here, 2));
    kill(follower, SIGINT);
    const Ran ran = here.finish(follower);
    CHECK(ran.code == 130);
    CHECK(line_count(ran.out) == 2);
}

TEST_CASE("the child that reads does not outlive the program that was told to", "[cli]") {
    const Workplace here;
    const auto writer = alpha::continue_journal(here.path("j").string());
    REQUIRE(writer);
    append_quote(**writer, 0);
    const pid_t follower = here.start({"log", "--journal", "j", "--follow"});
    REQUIRE(prints_lines(here, 1));
    pid_t child = 0;
    std::ifstream(fmt::format("/proc/{0}/task/{0}/children", follower)) >> child;
    REQUIRE(child > 0);
    kill(follower, SIGKILL);
    CHECK(here.finish(follower).code == 128 + SIGKILL);
    const auto is_alive = [&] {
        std::string stat;
        std::getline(std::ifstream(fmt::format("/proc/{}/stat", child)), stat);
        return !stat.empty() && !contains(stat, ") Z ");
    };
    for (int i = 0; i < 500 && is_alive(); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    CHECK_FALSE(is_alive());
}
