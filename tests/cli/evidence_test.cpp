#include "store/evidence.hpp"
#include "store/journal.hpp"
#include "tests/cli/run_alpha.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

namespace {

constexpr const char* kRow = R"({"placed_by":"","order_id":"240101000000001","status":"COMPLETE"})";

/// A quote a day from 2024-01-01T20:00 UTC on, in a journal "j" that has not ended. The first two and the last have evidence.
std::unique_ptr<alpha::LogWriter> begin_journal(const Workplace& here) {
    alpha::Result<std::unique_ptr<alpha::LogWriter>> log = alpha::continue_journal(here.path("j").string());
    REQUIRE(log);
    alpha::Batch batch;
    batch.begin(0);
    for (alpha::Seq seq = 0; seq < 4; ++seq) {
        const alpha::Time time{1'704'139'200'000'000'000 + static_cast<std::int64_t>(seq) * alpha::kDayNs};
        append(batch.frame, {seq, time, alpha::kNoSeq, alpha::kNoSeq},
               alpha::QuoteTick{alpha::InstrumentId{0}, alpha::Price{100}, alpha::Price{101}, alpha::Qty{1},
                                alpha::Qty{1}});
    }
    batch.evidence = {{0, kRow}, {1, "HTTP 502\n\x1b[2J"}, {1, "again"}, {3, "last"}};
    REQUIRE((*log)->append(batch));
    REQUIRE((*log)->commit());
    return std::move(*log);
}

std::string piece_json(int seq, int number, const std::string& bytes, const std::string& text) {
    return R"({"seq":)" + std::to_string(seq) + R"(,"number":)" + std::to_string(number) + R"(,"evidence":")" +
           alpha::evidence_of(bytes) + R"(","agrees":false,"bytes":)" + std::to_string(bytes.size()) + R"(,"text":")" +
           text + "\"}\n";
}

}  // namespace

TEST_CASE("the evidence of an event is not printed, or rewrites the terminal", "[cli]") {
    const Workplace here;
    const auto log = begin_journal(here);
    // Exit code 3: quotes speak of no evidence, so none is theirs. It is shown all the same.
    const Ran row = here.alpha({"log", "j", "--evidence", "0", "-q"});
    CHECK(row.code == 3);
    CHECK(row.out == std::string(kRow) + "\n");
    CHECK(contains(row.err, "j: this is not what event 0 was decided by: piece 0 is " + alpha::evidence_of(kRow) +
                                ", and the event speaks of none"));
    CHECK(here.alpha({"log", "j", "--evidence", "1"}).out ==
          "event 1 quote · piece 0 · 13 bytes · " + alpha::evidence_of("HTTP 502\n\x1b[2J") +
              "\nHTTP 502\n?[2J\nevent 1 quote · piece 1 · 5 bytes · " + alpha::evidence_of("again") + "\nagain\n");
    const Ran json = here.alpha({"log", "j", "--evidence", "1", "--json"});
    CHECK(first_lines(json.out, 2) ==
          piece_json(1, 0, "HTTP 502\n\x1b[2J", R"(HTTP 502\n\u001b[2J)") + piece_json(1, 1, "again", "again"));
}

TEST_CASE("it is not said why an event has no evidence", "[cli]") {
    const Workplace here;
    begin_journal(here);
    const Ran none = here.alpha({"log", "j", "--evidence", "2"});
    CHECK(none.code == 2);
    CHECK(none.out.empty());
    CHECK(contains(none.err, "j: event 2, quote, has no evidence: only what a broker outside said has some"));
    const Ran beyond = here.alpha({"log", "j", "--evidence", "4"});
    CHECK(beyond.code == 2);
    CHECK(contains(beyond.err, "There is no event 4: the log holds 4, numbered from 0."));
    for (const std::string other :
         {"--from 1", "--to 3", "--type quote", "--instrument X", "--limit 1", "--caused-by 1", "--follow"}) {
        CAPTURE(other);
        const Ran both = here.shell("$ALPHA log j --evidence 0 " + other);
        CHECK(both.code == 2);
        CHECK(contains(both.err, "--evidence prints what one event has; leave the other options out"));
    }
    REQUIRE(here.alpha({"journal", "forget-evidence", "j", "--before", "2024-01-03"}).code == 0);
    const Ran forgotten = here.alpha({"log", "j", "--evidence", "1"});
    CHECK(forgotten.code == 2);
    CHECK(contains(forgotten.err, "j: event 1 has no evidence: that of all events before 2 was forgotten"));
    CHECK(contains(here.alpha({"log", "j", "--evidence", "3"}).out, "last"));
}

TEST_CASE("evidence is forgotten of other days than those before the one that is named", "[cli]") {
    const Workplace here;
    begin_journal(here);
    const std::string head = alpha::to_hex((*alpha::open_journal(here.path("j").string()))->head());
    const Ran ran = here.alpha({"journal", "forget-evidence", "--journal", "j", "--before", "2024-01-02"});
    CHECK(ran.code == 0);
    CHECK(ran.err.empty());
    CHECK(ran.out ==
          "j: 1 piece of evidence forgotten, 65 B, of the events before 2024-01-02 (event 1); 3 pieces left\n");
    // Event 1 is of 2024-01-02T20:00 UTC, which is the next day in India.
    CHECK(here.alpha({"journal", "forget-evidence", "j", "--before", "2024-01-03", "--tz", "Asia/Kolkata", "--json"})
              .out == R"({"journal":"j","before":"2024-01-03","before_seq":1,"pieces":0,"bytes":0,"pieces_left":3})"
                      "\n");
    CHECK(here.alpha({"journal", "forget-evidence", "j", "--before", "2024-01-03", "--json"}).out ==
          R"({"journal":"j","before":"2024-01-03","before_seq":2,"pieces":2,"bytes":18,"pieces_left":1})"
          "\n");
    CHECK(alpha::to_hex((*alpha::open_journal(here.path("j").string()))->head()) == head);
    const Ran wrong = here.alpha({"journal", "forget-evidence", "j", "--before", "yesterday"});
    CHECK(wrong.code == 2);
    CHECK(contains(wrong.err, "--before yesterday: "));
    CHECK(contains(here.alpha({"journal", "forget-evidence", "j"}).err, "--before is required"));
    CHECK(here.alpha({"journal", "forget-evidence", "nothing", "--before", "2024-01-03"}).code == 2);
}

TEST_CASE("evidence is forgotten while a session writes the journal, or the journal of a run does not verify after",
          "[cli]") {
    const Workplace here;
    {
        const auto log = begin_journal(here);
        const Ran ran = here.alpha({"journal", "forget-evidence", "j", "--before", "2024-01-03"});
        CHECK(ran.code == 75);
        CHECK(contains(ran.err, "j is being written by"));
    }
    here.write("s.yaml", synth_scenario("s", 2'000));
    REQUIRE(here.alpha({"live", "--broker", "paper", "s.yaml", "--journal", "lived", "-q"}).code == 0);
    const std::string events = json_field(here.alpha({"verify", "lived", "--json"}).out, "events");
    {
        const auto log = alpha::continue_journal(here.path("lived").string());
        REQUIRE(log);
        alpha::Batch batch;
        batch.begin((*log)->next_seq());
        const alpha::Time time{4'000'000'000'000'000'000};
        append(batch.frame, {batch.frame.next_seq(), time, alpha::kNoSeq, alpha::kNoSeq},
               alpha::QuoteTick{alpha::InstrumentId{0}, alpha::Price{100}, alpha::Price{101}, alpha::Qty{1},
                                alpha::Qty{1}});
        batch.evidence = {{batch.frame.first_seq, kRow}};
        REQUIRE((*log)->append(batch));
        REQUIRE((*log)->finish({}));
    }
    const Ran planted = here.alpha({"verify", "lived"});
    CHECK(planted.code == 3);
    CHECK(contains(planted.err, "has evidence of event " + events + " that is not its own: piece 0 is "));
    CHECK(contains(here.alpha({"journal", "forget-evidence", "lived", "--before", "2199-01-01"}).out,
                   "1 piece of evidence forgotten"));
    CHECK(here.alpha({"verify", "lived"}).code == 0);
}
