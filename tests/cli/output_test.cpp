/// What alpha writes for a user destroys nothing, and what it was killed over does not stay.

#include "tests/cli/run_alpha.hpp"

#include <catch2/catch.hpp>
#include <csignal>
#include <set>
#include <sys/stat.h>
#include <thread>

namespace fs = std::filesystem;

namespace {

const std::string kHead =
    "ts_ns,instrument,side,quantity,price,order,strategy,portfolio,product,notional,charges,realized_pnl,tag,time\n";
const std::string kOneFill =
    kHead + "1704080700000000000,NSE:X,BUY,10,100.05,1,hold,main,,1000.5,0,0,,2024-01-01T03:45:00Z\n";

/// A scenario with one fill, its data, and a library that nobody loads.
void write_story(const Workplace& here) {
    here.write("ticks.csv", few_quotes("100.00"));
    here.write("s.yaml", hold_scenario("story", "ticks.csv"));
}

std::vector<std::string> backtest(const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"backtest", "s.yaml", "-q"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
}

/// Waits until something in the folder has a name that begins so.
std::string wait_for(const Workplace& here, std::string_view front) {
    for (int i = 0; i < 2'000; ++i) {
        for (const std::string& name : here.names()) {
            if (name.starts_with(front)) {
                return name;
            }
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return {};
}

}  // namespace

TEST_CASE("fills go through links, into pipes and devices as they are, and to standard output", "[cli]") {
    const Workplace here;
    write_story(here);
    SECTION("a link, and one that leads nowhere yet") {
        here.write("real.csv", "old");
        fs::create_symlink("real.csv", here.path("latest.csv"));
        fs::create_symlink("new.csv", here.path("next.csv"));
        CHECK(here.alpha(backtest({"--journal", "a", "--fills", "latest.csv"})).code == 0);
        CHECK(here.alpha(backtest({"--journal", "b", "--fills", "next.csv"})).code == 0);
        CHECK(fs::is_symlink(here.path("latest.csv")));
        CHECK(fs::is_symlink(here.path("next.csv")));
        CHECK(here.read("real.csv") == kOneFill);
        CHECK(here.read("new.csv") == kOneFill);
    }
    SECTION("a pipe, whose reader may come late or go early") {
        const Ran piped = here.shell(
            "mkfifo pipe; (cat pipe > from-pipe) & $ALPHA backtest s.yaml --journal j --fills pipe -q; code=$?; wait; "
            "exit $code");
        CHECK(piped.code == 0);
        CHECK(here.read("from-pipe") == kOneFill);
        CHECK(fs::is_fifo(here.path("pipe")));
        CHECK(here.shell("$ALPHA backtest s.yaml --journal k --fills >(head -c 1 >one) -q").code == 0);
    }
    SECTION("a device") {
        const Ran made = here.shell("mknod -m 666 null c 1 3 && mknod -m 666 full c 1 7 && true > null");
        if (made.code != 0) {
            WARN("SKIPPED: no device can be made here (mknod), so none was written to");
            return;
        }
        CHECK(here.alpha(backtest({"--journal", "j", "--fills", "null"})).code == 0);
        const Ran full = here.alpha(backtest({"--journal", "k", "--fills", "full"}));
        CHECK(full.code == 75);
        CHECK(contains(full.err, "Cannot write full: the disk is full"));
        CHECK(contains(full.err, "its journal is k"));
        CHECK(fs::is_character_file(here.path("null")));
        CHECK(fs::is_character_file(here.path("full")));
        CHECK(here.alpha({"verify", "--journal", "k"}).code == 0);
    }
    SECTION("standard output, be it a pipe or a file") {
        CHECK(here.shell("$ALPHA backtest s.yaml --journal j --fills /dev/stdout -q | head -n 2").out == kOneFill);
        CHECK(here.shell("$ALPHA backtest s.yaml --journal k --fills /dev/stdout -q > both").code == 0);
        CHECK(here.read("both").starts_with(kOneFill + "story: "));
    }
    CHECK(wait_for(here, "s.yaml") == "s.yaml");
    for (const std::string& name : here.names()) {
        CHECK_FALSE(contains(name, "partial"));
    }
}

TEST_CASE("a name that is a formula is none in the fills, a dash is standard output, and nothing is no name", "[cli]") {
    const Workplace here;
    here.write("q.csv", "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n1704167100000000000,=1+1,1,1,2,1\n"
                        "1704167101000000000,=1+1,1,1,2,1\n");
    here.write("s.yaml", "name: f\naccount: {currency: INR, cash: 1000}\ndata: [{file: q.csv, kind: quotes}]\n"
                         "strategies: [{id: h, use: buy_and_hold, instruments: [\"=1+1\"], params: {quantity: 1}}]\n");
    const Ran ran = here.alpha({"backtest", "s.yaml", "--fills", "-", "-q"});
    CHECK(ran.code == 0);
    CHECK(contains(ran.out, kHead + "1704167100000000000,'=1+1,BUY,1,2,1,h,main,,2,0,0,,2024-01-02T03:45:00Z\n"));
    CHECK_FALSE(here.has("-"));
    for (const std::string option : {"--fills", "--journal", "--log-file"}) {
        const Ran empty = here.alpha({"backtest", "s.yaml", option, ""});
        CHECK(empty.code == 2);
        CHECK(contains(empty.err, option + " is given, but empty; leave it out, or write a value"));
    }
}

TEST_CASE("what is said while standard streams are closed goes into no file", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("s", 2'000));
    REQUIRE(here.alpha({"backtest", "s.yaml", "--journal", "a", "--fills", "a.csv", "-q"}).code == 0);
    here.shell("$ALPHA backtest s.yaml --journal b --fills b.csv -v <&- >&- 2>&-");
    CHECK(here.read("b.csv") == here.read("a.csv"));
    here.shell("$ALPHA live --broker paper --config s.yaml --journal c -vvv <&- >&- 2>&-");
    CHECK(here.shell("grep -rl 'info session' c b").out.empty());
    CHECK(here.alpha({"verify", "c"}).code == 0);
    here.write("in.yaml", hold_scenario("s", "x.csv"));
    CHECK(here.shell("sed -i 's/file: [^,]*/stream: stdin/' in.yaml; $ALPHA backtest in.yaml -q <&-")
              .err.find("standard input: is closed") != std::string::npos);
}

TEST_CASE("no output is written over what the run reads or builds", "[cli]") {
    const Workplace here;
    write_story(here);
    here.write("lines.csv", few_quotes("100.00"));
    here.write("stdin.yaml",
               hold_scenario("in", "x").replace(hold_scenario("in", "x").find("file: x"), 7, "stream: stdin"));
    fs::create_symlink("s.yaml", here.path("link"));
    fs::create_hard_link(here.path("ticks.csv"), here.path("twin"));
    fs::copy_file(ALPHA_TEST_PLUGINS "/libsma_twin.so", here.path("lib.so"));
    here.write("plugin.yaml", hold_scenario("p", "ticks.csv") + "plugins: [lib.so]\n");
    REQUIRE(here.alpha({"live", "--broker", "paper", "--config", "s.yaml", "--journal", "live", "-q"}).code == 0);
    auto before = here.shell("find . -type f | sort | xargs sha256sum").out;
    const auto refused = [&](const std::string& line, const std::string& what) {
        CAPTURE(line);
        const Ran ran = here.shell("$ALPHA " + line);
        CHECK(ran.code == 2);
        CHECK(contains(ran.err, what));
        CHECK(ran.out.empty());
        CHECK(here.shell("find . -type f | sort | xargs sha256sum").out == before);
    };
    for (const std::string option : {"--fills", "--log-file"}) {
        refused("backtest s.yaml --journal j -q " + option + " s.yaml", option + " s.yaml is the");
        refused("backtest s.yaml --journal j " + option + " link", option + " link is the");
        refused("backtest s.yaml --journal j " + option + " ticks.csv", "is the data file ticks.csv of this run");
        refused("backtest s.yaml --journal j " + option + " ./twin", "is the data file ticks.csv of this run");
        refused("backtest plugin.yaml --journal j " + option + "=lib.so", "is the library lib.so of this run");
        refused("backtest stdin.yaml --journal j " + option + " lines.csv < lines.csv", "is standard input");
        refused("live --broker paper --config s.yaml --journal live " + option + " live/fills.csv", "lies in the");
        refused("live --broker paper --config s.yaml --journal live " + option + " live/CURRENT", "lies in the");
        refused("backtest s.yaml --journal j " + option + " j", option + " j is ");
    }
    here.shell("mkdir runs && $ALPHA backtest s.yaml --journal kept -q");
    fs::create_symlink("runs/ledger.tsv", here.path("tried"));
    before = here.shell("find . -type f | sort | xargs sha256sum").out;
    for (const std::string option : {"--fills", "--trades", "--report", "--log-file"}) {
        refused("backtest s.yaml --journal j -q --ledger h.csv " + option + " h.csv", "h.csv of this run");
        refused("backtest s.yaml --journal j -q --ledger h.csv " + option + " ./h.csv", "h.csv of this run");
        refused("backtest s.yaml --journal j " + option + " runs/ledger.tsv", "is the trial ledger runs/ledger.tsv of");
        refused("backtest s.yaml --journal j " + option + " tried", "is the trial ledger runs/ledger.tsv of this run");
        refused("live --broker paper s.yaml --journal live " + option + " tried",
                "is the trial ledger runs/ledger.tsv");
    }
    refused("report kept --to runs/ledger.tsv", "--to runs/ledger.tsv is the trial ledger runs/ledger.tsv of this run");
    refused("report kept --to tried", "is the trial ledger");
    refused("report kept --ledger s.yaml --to s.yaml", "is the trial ledger");
    refused("report kept --to r.html --log-file tried", "is the trial ledger");
    refused("backtest s.yaml --journal j --ledger j/l.tsv", "--ledger j/l.tsv lies in the journal j of this run");
    refused("backtest s.yaml --journal j --ledger j", "is the journal j of this run");
    refused("backtest s.yaml --ledger runs/story-1/l.tsv", "lies in the journal runs/story-1 of this run");
    refused("backtest s.yaml --journal j --ledger ticks.csv", "--ledger ticks.csv is the data file ticks.csv of");
    refused("backtest s.yaml --journal j --fills f.csv --log-file f.csv",
            "f.csv is what --fills names, f.csv of this run");
    refused("verify --journal live --log-file live/000001.log", "lies in what --journal names, live of this run");
    refused("data info ticks.csv --log-file ticks.csv", "is the");
    refused("data import ticks.csv --kind quotes --to ticks.csv", "exists already");
    refused("data import ticks.csv --kind quotes --to link", "exists already");
    refused("data synth --ticks 10 --to ticks.csv", "exists already");
    refused("fork --journal live --at 1 --to s.yaml", "exists already");
    refused("backtest s.yaml --journal live", "exists already");
}

TEST_CASE("a golden text is written through a link, and not over its story's data", "[cli]") {
    const Workplace here;
    here.write("scenarios/stories/ticks.csv", few_quotes("100.00"));
    here.write("scenarios/stories/story.yaml", hold_scenario("story", "ticks.csv"));
    here.write("elsewhere.txt", "old");
    fs::create_directory(here.path("golden"));
    fs::create_symlink("../elsewhere.txt", here.path("golden/story.txt"));
    CHECK(here.alpha({"golden", "update"}).code == 0);
    CHECK(fs::is_symlink(here.path("golden/story.txt")));
    CHECK(contains(here.read("elsewhere.txt"), "log_head "));
    CHECK(here.alpha({"golden", "check"}).code == 0);

    fs::remove(here.path("golden/story.txt"));
    fs::create_symlink("../scenarios/stories/ticks.csv", here.path("golden/story.txt"));
    const Ran refused = here.alpha({"golden", "update"});
    CHECK(refused.code == 2);
    CHECK(contains(refused.err, "is the data file"));
    CHECK(here.read("scenarios/stories/ticks.csv") == few_quotes("100.00"));
}

TEST_CASE("runs that are started together each take a number at their start, and all succeed", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("sweep", 20'000));
    here.shell("for i in {1..12}; do { $ALPHA backtest s.yaml -q --json >out$i 2>&1; echo $? >code$i; } & done; wait");
    std::set<std::string> journals;
    for (int i = 1; i <= 12; ++i) {
        CHECK(here.read("code" + std::to_string(i)) == "0\n");
        journals.insert(json_field(here.read("out" + std::to_string(i)), "journal"));
        CHECK(here.has("runs/sweep-" + std::to_string(i)));
    }
    CHECK(journals.size() == 12);
    CHECK(std::distance(fs::directory_iterator(here.path("runs")), {}) == 13);
}

TEST_CASE("what a killed run leaves is removed by the next of its name, what a living one builds is not", "[cli]") {
    const Workplace here;
    write_story(here);
    // Minutes of work on any machine, of which only the beginning is done.
    here.write("long.yaml", synth_scenario("story", 400'000'000));
    SECTION("killed") {
        const pid_t killed = here.start({"backtest", "long.yaml", "--fills", "f.csv"});
        const std::string left = wait_for(here, "runs/story-1.partial-");
        CHECK_FALSE(left.empty());
        CHECK_FALSE(wait_for(here, "f.csv.partial-").empty());
        REQUIRE(kill(killed, SIGKILL) == 0);
        CHECK(here.finish(killed).code == 128 + SIGKILL);
        CHECK(here.has(left));
        CHECK(here.alpha(backtest({"--fills", "f.csv"})).code == 0);
        CHECK(here.shell("ls -A . runs | grep -c partial").out == "0\n");
        CHECK(here.has("runs/story-1"));
        CHECK(here.read("f.csv") == kOneFill);
    }
    SECTION("alive") {
        const pid_t alive = here.start({"backtest", "long.yaml", "--journal", "j", "--fills", "f.csv"});
        const std::string building = wait_for(here, "j.partial-");
        REQUIRE_FALSE(building.empty());
        // Something lies in it: by then it is locked, and the lock of the folder around it was given back.
        REQUIRE_FALSE(wait_for(here, building + "/CURRENT").empty());
        REQUIRE(kill(alive, SIGSTOP) == 0);
        const Ran refused = here.alpha(backtest({"--journal", "j", "--fills", "f.csv"}));
        CHECK(refused.code == 75);
        CHECK(contains(refused.err, "j is being written by process " + std::to_string(alive)));
        CHECK(here.alpha(backtest({"--journal", "k", "--fills", "f.csv"})).code == 0);
        CHECK(here.has(building));
        REQUIRE(kill(alive, SIGCONT) == 0);
        REQUIRE(kill(alive, SIGINT) == 0);
        CHECK(here.finish(alive).code == 130);
        CHECK(here.alpha({"verify", "--journal", "j"}).code == 0);
        CHECK(here.shell("ls -A | grep -c partial").out == "0\n");
    }
}

TEST_CASE("a pipe without a reader is no place for a log, and does not stop the run", "[cli]") {
    const Workplace here;
    write_story(here);
    const Ran ran = here.shell("mkfifo pipe; $ALPHA backtest s.yaml --journal j --log-file pipe -q");
    CHECK(ran.code == 0);
    CHECK(contains(ran.err, "nobody reads from the pipe"));
}
