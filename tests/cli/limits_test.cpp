/// Limits of the machine end in a sentence that names them, the documented exit code, and nothing half-made.

#include "tests/cli/run_alpha.hpp"

#include <catch2/catch.hpp>
#include <unistd.h>

namespace {

#if defined(ALPHA_SANITIZED)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

/// Whether a sanitizer, which needs memory, threads and descriptors of its own, is in the way.
bool skipped() {
    if (kSanitized) {
        WARN("SKIPPED: sanitizers need more of the machine than this takes away");
    }
    return kSanitized;
}

/// Runs the line and expects this end of it, with nothing new but what is named.
void ends(const Workplace& here, const std::string& line, int code, const std::string& says,
          const std::string& made = "") {
    CAPTURE(line);
    const std::string before = here.shell("find . | sort").out;
    const Ran ran = here.shell(line);
    CAPTURE(ran.err);
    CHECK(ran.code == code);
    CHECK(contains(ran.err, says));
    CHECK(here.shell("find . | grep -c partial").out == "0\n");
    if (made.empty()) {
        CHECK(here.shell("find . | sort").out == before);
    }
}

constexpr const char* kQuotes = "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n";

}  // namespace

TEST_CASE("a limit on the size of files ends in a sentence and leaves nothing behind", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("s", 400'000));
    const std::string says = "files may not grow beyond 512 kB here; raise the limit on their size (ulimit -f)";
    ends(here, "ulimit -f 512; exec $ALPHA backtest s.yaml --journal j --fills f.csv -q", 2, says);
    ends(here, "ulimit -f 512; exec $ALPHA data synth --ticks 100000 --to t.csv -q", 2, says);
    ends(here, "ulimit -f 512; exec $ALPHA data synth --ticks 400000 --to t.alpha -q", 2, says);
    ends(here, "ulimit -f 512; exec $ALPHA live --broker paper --config s.yaml --journal live -q", 2, says, "live");
    CHECK(here.alpha({"verify", "--journal", "live"}).code == 0);
    CHECK(here.alpha({"live", "--broker", "paper", "--config", "s.yaml", "--journal", "live", "-q"}).code == 0);
}

TEST_CASE("without memory a run ends in a sentence and leaves nothing behind", "[cli]") {
    if (skipped()) {
        return;
    }
    const Workplace here;
    here.write("s.yaml", synth_scenario("s", 400'000));
    REQUIRE(here.alpha({"backtest", "s.yaml", "--journal", "good", "-q"}).code == 0);
    // From what hardly begins to what suffices.
    int refused = 0;
    for (int kb = 50'000;; kb += 5'000) {
        const std::string limit = "ulimit -v " + std::to_string(kb) + "; exec $ALPHA ";
        CAPTURE(kb);
        const Ran ran = here.shell(limit + "backtest s.yaml --journal j --fills f.csv -q");
        CAPTURE(ran.err);
        if (ran.code == 0) {
            break;
        }
        ++refused;
        // Where a thread begins, the C library may end the process itself and ask nobody.
        if (contains(ran.err, "Fatal glibc error")) {
            here.shell("ls | grep -vxE 'good|s.yaml' | xargs -r rm -r");
            continue;
        }
        REQUIRE(ran.code == 75);
        CHECK((contains(ran.err, "there is not enough memory") || contains(ran.err, "no more threads")));
        CHECK(line_count(ran.err) == 1);
        CHECK(here.shell("ls | tr '\\n' ' '").out == "good runs s.yaml ");
        const Ran read = here.shell(limit + "replay --journal good --verify -q");
        CAPTURE(read.err);
        CHECK((read.code == 0 || read.code == 75));
    }
    CHECK(refused >= 3);
}

TEST_CASE("without descriptors a command ends in a sentence and leaves nothing behind", "[cli]") {
    if (skipped()) {  // they open a pipe to see whether an object is there, and take "no descriptor" for "no object"
        return;
    }
    const Workplace here;
    here.write("s.yaml", synth_scenario("s", 20'000));
    REQUIRE(here.alpha({"backtest", "s.yaml", "--journal", "good", "-q"}).code == 0);
    for (const int files : {6, 8, 10, 12, 14, 16}) {
        const std::string limit = "ulimit -n " + std::to_string(files) + "; exec $ALPHA ";
        const std::string says =
            "no more than " + std::to_string(files) + " files may be open at once; raise that limit (ulimit -n)";
        CAPTURE(files);
        for (const std::string line :
             {"backtest s.yaml --journal j --fills f.csv -q", "live --broker paper --config s.yaml --journal j -q",
              "verify --journal good", "data synth --ticks 10 --to t.alpha"}) {
            CAPTURE(line);
            const Ran ran = here.shell(limit + line);
            CAPTURE(ran.err);
            CHECK((ran.code == 0 || (ran.code == 75 && contains(ran.err, says))));
            CHECK(here.shell("find . | grep -c partial").out == "0\n");
            here.shell("rm -rf j f.csv t.alpha");
        }
    }
}

TEST_CASE("a stack that is too small ends in a sentence", "[cli]") {
    if (skipped()) {
        return;
    }
    const Workplace here;
    here.write("s.yaml", synth_scenario("s", 20'000));
    ends(here, "ulimit -s 96; exec $ALPHA backtest s.yaml --journal j -q", 75,
         "the stack may not grow beyond 96 kB here");
    ends(here, "ulimit -s 256; exec $ALPHA backtest s.yaml --journal j -q", 0, "", "j");
}

TEST_CASE("without threads a command ends in a sentence and leaves nothing behind", "[cli]") {
    if (skipped()) {
        return;
    }
    const Workplace here;
    here.write("s.yaml", synth_scenario("s", 20'000));
    REQUIRE(here.alpha({"backtest", "s.yaml", "--journal", "good", "-q"}).code == 0);
    for (const int threads : {0, 1, 2, 3, 5, 7}) {
        CAPTURE(threads);
        const std::string limit =
            "THREADS=" + std::to_string(threads) + " LD_PRELOAD=" ALPHA_FEW_THREADS " exec $ALPHA ";
        for (const std::string line :
             {"backtest s.yaml --journal j --fills f.csv -q", "live --broker paper --config s.yaml --journal j -q",
              "verify --journal good", "replay --journal good --verify", "log --journal good -q"}) {
            CAPTURE(line);
            const Ran ran = here.shell(limit + line + " >out");
            CAPTURE(ran.err);
            CHECK((ran.code == 0 || (ran.code == 75 && contains(ran.err, "no more threads or processes"))));
            CHECK(here.shell("find . | grep -c partial").out == "0\n");
            here.shell("rm -rf j f.csv");
        }
    }
}

TEST_CASE("a permission that lacks is called that", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("s", 1'000));
    here.write("ticks.csv", few_quotes("100.00"));
    here.write("hold.yaml", hold_scenario("hold", "ticks.csv"));
    here.write("deep.yaml", hold_scenario("deep", "locked/ticks.csv"));
    here.write("locked/ticks.csv", few_quotes("100.00"));
    here.write("locked/s.yaml", synth_scenario("s", 1'000));
    here.write("plugin.yaml", synth_scenario("s", 1'000) + "plugins: [locked/lib.so]\n");
    here.write("kept.csv", kQuotes);
    REQUIRE(here.alpha({"backtest", "s.yaml", "--journal", "good", "-q"}).code == 0);
    REQUIRE(here.alpha({"backtest", "s.yaml", "--journal", "locked/good", "-q"}).code == 0);
    // Somebody without any right here; root is refused nothing.
    const bool root = ::geteuid() == 0;
    const std::string nobody =
        root ? "exec setpriv --reuid=65534 --regid=65534 --clear-groups $ALPHA " : "exec $ALPHA ";
    if (here.shell("chmod 755 . ..; mkdir own; chmod 777 own; " + nobody + " --version").code != 0) {
        WARN("SKIPPED: nobody else may run the program here (setpriv), so no permission was missing");
        return;
    }
    here.shell("chmod a+r *.yaml; chmod 0 ticks.csv good/*; chmod 700 good/..; chmod 0 locked; chmod 444 kept.csv; "
               "chmod 755 .");
    if (!root) {
        here.shell("chmod 555 .");
    }
    for (const std::string line : {
             "backtest locked/s.yaml --journal own/j",
             "backtest ticks.csv --journal own/j",
             "backtest hold.yaml --journal own/j",
             "backtest deep.yaml --journal own/j",
             "backtest plugin.yaml --journal own/j",
             "backtest s.yaml --journal j",
             "backtest s.yaml",
             "backtest s.yaml --journal own/j --fills kept.csv",
             "backtest s.yaml --journal own/j --fills f.csv",
             "backtest s.yaml --journal own/j --fills locked/f.csv",
             "live --broker paper --config s.yaml --journal good",
             "live --broker paper --config s.yaml --journal locked/good",
             "verify --journal good",
             "verify --journal locked/good",
             "log --journal good",
             "data info ticks.csv",
             "data info locked/ticks.csv",
             "data import ticks.csv --kind quotes --to own/x.alpha",
             "data synth --ticks 10 --to x.csv",
             "data synth --ticks 10 --to x.alpha",
         }) {
        CAPTURE(line);
        const Ran ran = here.shell(nobody + line);
        CAPTURE(ran.err);
        CHECK(ran.code == 2);
        CHECK(contains(ran.err, "permission denied"));
        CHECK_FALSE(contains(ran.err, "does not exist"));
        CHECK_FALSE(contains(ran.err, "damaged"));
        CHECK_FALSE(contains(ran.err, "There is no"));
    }
    here.shell("chmod 755 . locked; chmod -R u+rwX .");
    CHECK(here.shell("find . | grep -c partial").out == "0\n");
    CHECK(here.read("kept.csv") == kQuotes);
    CHECK(here.shell("ls own").out.empty());
}

TEST_CASE("what never ends or never begins is no scenario and no data", "[cli]") {
    const Workplace here;
    here.shell("mkfifo pipe");
    here.write("s.yaml", hold_scenario("s", "pipe"));
    const std::string says = "is a pipe or a device; write the scenario into a file and name that";
    ends(here, "exec timeout 20 $ALPHA backtest pipe", 2, "pipe: " + says);
    ends(here, "exec timeout 20 $ALPHA backtest /dev/zero", 2, "/dev/zero: " + says);
    ends(here, "exec timeout 20 $ALPHA backtest <(echo name: x)", 2, says);
    ends(here, "exec timeout 20 $ALPHA live --broker paper --config pipe", 2, says);
    ends(here, "exec timeout 20 $ALPHA backtest s.yaml --journal j", 2, "'pipe' is not a file");
    ends(here, "exec timeout 20 $ALPHA data info pipe", 3, "is not a regular file");
    ends(here, "exec timeout 20 $ALPHA data import pipe --kind quotes --to x.alpha", 3, "is not a regular file");
    ends(here, "exec timeout 20 $ALPHA verify --journal pipe", 3, "pipe is not a journal");
    ends(here,
         "mkdir -p scenarios/stories golden; mkfifo golden/x.txt; cp s.yaml scenarios/stories/x.yaml; "
         "exec timeout 20 $ALPHA golden check",
         2, "", "golden");
}
