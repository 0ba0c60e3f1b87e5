#include "tests/cli/run_alpha.hpp"
#include "tests/sender.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <fstream>
#include <memory>
#include <random>
#include <sched.h>
#include <thread>

namespace {

std::vector<std::string> live(const std::string& scenario, const std::string& journal) {
    return {"live", "--broker", "paper", "--config", scenario, "--journal", journal, "--json"};
}

/// Head and state of a run, as one text.
std::string digests(const std::string& json) {
    return json_field(json, "log_head") + json_field(json, "state_digest");
}

/// Waits until the session at the journal answers, and returns what it says.
Ran status_of(const Workplace& here, const std::string& journal) {
    Ran said;
    for (int i = 0; i < 400; ++i) {
        said = here.alpha({"status", "--journal", journal, "--json"});
        if (said.code == 0 && json_field(said.out, "state") == "\"running\"") {
            return said;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return said;
}

}  // namespace

TEST_CASE("a live session on paper is the backtest, byte for byte", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("story", 20'000) + "snapshot_interval: 300s\n");
    const Ran back = here.alpha({"backtest", "s.yaml", "--journal", "back", "--json"});
    const Ran lived = here.alpha(live("s.yaml", "live"));
    REQUIRE(back.code == 0);
    INFO(lived.err);
    REQUIRE(lived.code == 0);
    CHECK(digests(lived.out) == digests(back.out));
    CHECK(here.alpha({"diff", "back", "live"}).code == 0);
    CHECK(here.alpha({"replay", "--verify", "--journal", "live"}).code == 0);
    // Again on its finished journal: everything is compared, nothing is new.
    const Ran again = here.alpha(live("s.yaml", "live"));
    CHECK(again.code == 0);
    CHECK(digests(again.out) == digests(back.out));
}

TEST_CASE("the line of a live session is cut to the terminal's width, as it is at the moment", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("story", 200'000));
    here.write("watch.py", R"(
import fcntl, os, pty, re, select, signal, struct, sys, termios

def resize(terminal, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

process, terminal = pty.fork()
if process == 0:
    resize(2, 40)
    os.execv(sys.argv[1], sys.argv[1:2] + "live --broker paper s.yaml --journal j --speed 2000x --tz Asia/Kolkata".split())
shown = b""

def next_line():
    global shown
    while True:
        found = re.search(rb"\r([^\r\n]+?)\x1b\[K", shown)
        if found:
            shown = shown[found.end():]
            return found[1].decode()
        assert select.select([terminal], [], [], 60)[0], shown
        shown += os.read(terminal, 65536)

line = next_line()
assert len(line) == 39 and line.endswith("…") and "+05:30 " in line, line
resize(terminal, 25)
while len(line) > 24:  # one may have been drawn before
    line = next_line()
assert len(line) == 24 and line.endswith("…"), line
resize(terminal, 200)
while len(line) == 24:
    line = next_line()
assert "P&L" in line and "…" not in line, line
os.kill(process, signal.SIGTERM)
try:
    while os.read(terminal, 65536):
        pass
except OSError:
    pass  # it is gone
assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 130
)");
    const Ran watched = here.shell("python3 watch.py $ALPHA");
    INFO(watched.out << watched.err);
    CHECK(watched.code == 0);
}

TEST_CASE("a session whose terminal is held trades on, and hears and ends as ever", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("story", 40'000));
    here.write("hold.py", R"(
import json, os, pty, select, signal, subprocess, sys, time

alpha = sys.argv[1]
process, terminal = pty.fork()
if process == 0:
    os.execv(alpha, [alpha] + "live --broker paper s.yaml --journal live --speed 200x -vv".split())
shown = b""
while b"P&L" not in shown:
    assert select.select([terminal], [], [], 60)[0], shown
    shown += os.read(terminal, 65536)
os.write(terminal, b"\x13")  # Ctrl-S
time.sleep(1)

def ask(*arguments, codes=(0,)):
    asked = subprocess.run([alpha, *arguments], capture_output=True, text=True, timeout=60)
    assert asked.returncode in codes, asked
    return asked.stdout

def events():
    return json.loads(ask("status", "live", "--json"))["events"]

before = events()
end = time.time() + 30
while events() <= before:  # it takes what comes
    assert time.time() < end
    time.sleep(0.1)
assert "the kill switch is latched" in ask("kill", "--journal", "live")
os.kill(process, signal.SIGTERM)
end = time.time() + 30
while "ended cleanly" not in ask("status", "live", codes=(0, 2)):  # sealed, though nobody reads; 2: just ending
    assert time.time() < end
    time.sleep(0.1)
os.write(terminal, b"\x11")  # Ctrl-Q
try:
    while os.read(terminal, 65536):
        pass
except OSError:
    pass  # it is gone
assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 130
)");
    const Ran held = here.shell("python3 hold.py $ALPHA");
    INFO(held.out << held.err);
    CHECK(held.code == 0);
}

TEST_CASE("killed again and again, a live session ends with the head of one that never was", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("story", 150'000) + "snapshot_interval: 60s\n");
    const Ran back = here.alpha({"backtest", "s.yaml", "--journal", "back", "--json", "--fills", "back.csv"});
    REQUIRE(back.code == 0);
    const unsigned seed = std::random_device()();
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto with_days = [](std::vector<std::string> arguments) {
        arguments.insert(arguments.end(), {"--rotate", "day"});
        return arguments;
    };
    for (int i = 0; i < 8; ++i) {
        const bool cut = random() % 2 == 0;
        const pid_t process = here.start(cut ? with_days(live("s.yaml", "live")) : live("s.yaml", "live"));
        std::this_thread::sleep_for(std::chrono::milliseconds(10 + random() % 150));
        ::kill(process, SIGKILL);
        here.finish(process);
        if (here.has("live")) {
            const Ran verified = here.alpha({"verify", "--journal", "live"});
            INFO(verified.err);
            REQUIRE(verified.code == 0);
        }
    }
    std::vector<std::string> last = live("s.yaml", "live");
    last.insert(last.end(), {"--fills", "live.csv"});
    const Ran lived = here.alpha(last);
    INFO(lived.err);
    REQUIRE(lived.code == 0);
    CHECK(digests(lived.out) == digests(back.out));
    CHECK(here.read("live.csv") == here.read("back.csv"));
}

TEST_CASE("a live session is ended cleanly by a signal, and goes on from there", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("story", 2'000));
    const Ran back = here.alpha({"backtest", "s.yaml", "--journal", "back", "--json"});
    std::vector<std::string> slow = live("s.yaml", "live");
    slow.insert(slow.end(), {"--speed", "10x"});
    const int signal = GENERATE(SIGINT, SIGTERM);
    const pid_t process = here.start(slow);
    REQUIRE(status_of(here, "live").code == 0);
    REQUIRE(::kill(process, signal) == 0);
    const Ran stopped = here.finish(process);
    INFO(stopped.err);
    CHECK(stopped.code == 130);
    CHECK(json_field(stopped.out, "interrupted") == "true");
    CHECK(std::stoi(json_field(stopped.out, "ticks")) < 2'000);
    const Ran verified = here.alpha({"verify", "--journal", "live", "--json"});
    CHECK(verified.code == 0);
    CHECK(json_field(verified.out, "clean_end") == "true");
    CHECK(json_field(verified.out, "log_head") == json_field(stopped.out, "log_head"));
    const Ran lived = here.alpha(live("s.yaml", "live"));
    CHECK(lived.code == 0);
    CHECK(digests(lived.out) == digests(back.out));
}

TEST_CASE("a journal goes on with its own configuration and data only, and is left alone otherwise", "[cli]") {
    const Workplace here;
    here.write("ticks.csv", few_quotes("100.00"));
    here.write("s.yaml", hold_scenario("story", "ticks.csv"));
    const Ran first = here.alpha(live("s.yaml", "live"));
    INFO(first.err);
    REQUIRE(first.code == 0);
    SECTION("another scenario") {
        here.write("s.yaml", hold_scenario("tale", "ticks.csv"));
        const Ran refused = here.alpha(live("s.yaml", "live"));
        CHECK(refused.code == 2);
        CHECK(contains(refused.err, "another scenario: 'story', not 'tale'"));
    }
    SECTION("another configuration") {
        here.write("s.yaml", hold_scenario("story", "ticks.csv") + "snapshot_interval: 60s\n");
        const Ran refused = here.alpha(live("s.yaml", "live"));
        CHECK(refused.code == 2);
        CHECK(contains(refused.err, "configuration is not the one"));
    }
    SECTION("other data") {
        here.write("ticks.csv", few_quotes("101.00"));
        const Ran refused = here.alpha(live("s.yaml", "live"));
        CHECK(refused.code == 3);
        CHECK(contains(refused.err, "the data changed under the journal"));
    }
    SECTION("less data") {
        const std::string all = few_quotes("100.00");
        here.write("ticks.csv", all.substr(0, all.rfind('\n', all.size() - 2) + 1));
        const Ran refused = here.alpha(live("s.yaml", "live"));
        CHECK(refused.code == 3);
        CHECK(contains(refused.err, "The feeds end where the journal goes on"));
    }
    const Ran verified = here.alpha({"verify", "--journal", "live", "--json"});
    CHECK(verified.code == 0);
    CHECK(json_field(verified.out, "log_head") == json_field(first.out, "log_head"));
}

TEST_CASE("a live session says what it cannot do", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("story", 100));
    CHECK(here.alpha({"live", "--broker", "friend", "--config", "s.yaml"}).code == 2);
    const std::string speed = GENERATE("fast", "0x", "x", "1", "-1x", "1.5x");
    const Ran refused = here.alpha({"live", "--broker", "paper", "--config", "s.yaml", "--speed", speed});
    CAPTURE(speed);
    CHECK(refused.code == 2);
    CHECK(contains(refused.err, "write max, or a number with an x"));
    CHECK_FALSE(here.has("runs"));
}

namespace {

std::vector<std::string> slow_live(const std::string& scenario, const std::string& journal) {
    std::vector<std::string> arguments = live(scenario, journal);
    arguments.insert(arguments.end(), {"--speed", "20x"});
    return arguments;
}

}  // namespace

TEST_CASE("from another terminal a session tells how it stands", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("story", 2'000) + "risk: {max_position: 50, max_daily_loss: 100000}\n");
    const pid_t process = here.start(slow_live("s.yaml", "live"));
    const Ran said = status_of(here, "live");
    CHECK(json_field(said.out, "scenario") == "\"story\"");
    CHECK(json_field(said.out, "mode") == "\"paper\"");
    CHECK(json_field(said.out, "pid") == std::to_string(process));
    CHECK(contains(said.out, R"("kill_switch":{"main":false})"));
    CHECK(contains(said.out, R"("rule":"position","limit":"50")"));
    CHECK(contains(said.out, R"("latency":{"tick":{"count":)"));
    const Ran text = here.alpha({"status", "--journal", "live"});
    CHECK(contains(text.out, "story · paper · running"));
    CHECK(contains(text.out, "daily_loss"));
    ::kill(process, SIGTERM);
    here.finish(process);
    const Ran rest = here.alpha({"status", "--journal", "live", "--json"});
    CHECK(rest.code == 0);
    CHECK(json_field(rest.out, "state") == "\"not running\"");
    CHECK(json_field(rest.out, "clean_end") == "true");
    CHECK(contains(here.alpha({"status", "--journal", "live"}).out, "ended cleanly"));
}

TEST_CASE("the kill switch that a person latches holds through kill -9 and restart until it is released", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("story", 4'000));
    pid_t process = here.start(slow_live("s.yaml", "live"));
    REQUIRE(status_of(here, "live").code == 0);
    const Ran killed = here.alpha({"kill", "--journal", "live"});
    CHECK(killed.code == 0);
    CHECK(contains(killed.out, "main: the kill switch is latched"));
    ::kill(process, SIGKILL);  // at once: what kill said is on disk
    here.finish(process);
    CHECK(contains(here.alpha({"status", "--journal", "live"}).out, "! main: the kill switch is latched"));
    process = here.start(slow_live("s.yaml", "live"));
    CHECK(contains(status_of(here, "live").out, R"("kill_switch":{"main":true})"));
    const Ran released = here.alpha({"kill", "--release", "--portfolio", "main", "--journal", "live"});
    CHECK(released.code == 0);
    CHECK(contains(released.out, "released"));
    const Ran unknown = here.alpha({"kill", "--portfolio", "nobody", "--journal", "live"});
    CHECK(unknown.code == 2);
    CHECK(contains(unknown.err, "there is no portfolio 'nobody'; the session has main"));
    ::kill(process, SIGKILL);
    here.finish(process);
    const Ran ended = here.alpha(live("s.yaml", "live"));
    INFO(ended.err);
    CHECK(ended.code == 0);
    // What a person did is part of the log: it is decided again, and once each.
    CHECK(here.alpha({"replay", "--verify", "--journal", "live"}).code == 0);
    CHECK(line_count(here.alpha({"log", "--journal", "live", "--type", "kill_switch_latched"}).out) == 1);
    CHECK(line_count(here.alpha({"log", "--journal", "live", "--type", "kill_switch_released"}).out) == 1);
}

TEST_CASE("entries are shut, positions flattened and a person told, each in the journal", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("story", 4'000) + "notify: 'echo \"$ALPHA_NOTIFY\" >> told'\n");
    const pid_t process = here.start(slow_live("s.yaml", "live"));
    REQUIRE(status_of(here, "live").code == 0);
    const Ran entries = here.alpha({"kill", "--entries", "--journal", "live"});
    CHECK(entries.code == 0);
    CHECK(contains(entries.out, "main: the kill switch is latched (entries)"));
    const Ran both = here.alpha({"kill", "--entries", "--release", "--journal", "live"});
    CHECK(both.code == 2);
    const Ran flattened = here.alpha({"kill", "--flatten", "--journal", "live"});
    CHECK(flattened.code == 0);
    CHECK(contains(flattened.out, "main: the kill switch is latched (all)"));  // the touch closes at once
    CHECK_FALSE(contains(flattened.out, "holds"));
    const Ran nobody = here.alpha({"resume", "nobody", "--journal", "live"});
    CHECK(nobody.code == 2);
    CHECK(contains(nobody.err, "there is no strategy 'nobody'"));
    ::kill(process, SIGTERM);
    here.finish(process);
    const Ran latched = here.alpha({"log", "live", "--type", "kill_switch_latched"});
    CHECK(line_count(latched.out) == 3);  // entries, flatten, all
    CHECK(contains(latched.out, "scope=entries"));
    CHECK(contains(latched.out, "scope=flatten"));
    CHECK(contains(latched.out, "scope=all"));
    CHECK(line_count(here.read("told")) == 3);
    CHECK(contains(here.read("told"), "main: kill switch latched (entries) by operator_kill"));
    // Whatever was open was closed by the operator's own orders, and decided again it is the same.
    const Ran again = here.alpha({"replay", "live", "--verify"});
    INFO(again.err);
    CHECK(again.code == 0);
}

TEST_CASE("status and kill say it when there is nobody to talk to", "[cli]") {
    const Workplace here;
    CHECK(here.alpha({"status"}).code == 2);
    CHECK(contains(here.alpha({"kill"}).err, "no session runs among the journals in runs/"));
    CHECK(here.alpha({"status", "--journal", "nowhere"}).code == 2);
    here.write("s.yaml", synth_scenario("story", 100));
    REQUIRE(here.alpha(live("s.yaml", "live")).code == 0);
    const Ran refused = here.alpha({"kill", "--journal", "live"});
    CHECK(refused.code == 2);
    CHECK(contains(refused.err, "live: no session runs there"));
}

TEST_CASE("the socket at which a session is asked is in nobody's way", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("story", 4'000));
    const Ran back = here.alpha({"backtest", "s.yaml", "--journal", "back", "--json"});
    REQUIRE(back.code == 0);
    pid_t process = here.start(slow_live("s.yaml", "live"));
    REQUIRE(status_of(here, "live").code == 0);
    CHECK(here.shell("stat -c '%F %a' live/control.sock").out == "socket 600\n");
    // A journal is copied with it, and the copy is nobody's.
    CHECK(here.shell("cp -r live copy && tar -cf live.tar live").code == 0);
    CHECK(contains(here.alpha({"status", "copy"}).out, "not running"));
    CHECK(here.alpha({"kill", "--journal", "copy"}).code == 2);
    // It outlives a session that is killed, and nothing else does.
    ::kill(process, SIGKILL);
    here.finish(process);
    CHECK(here.has("live/control.sock"));
    CHECK(contains(here.alpha({"status", "live"}).out, "not running"));
    CHECK(contains(here.alpha({"kill", "--journal", "live"}).err, "live: no session runs there"));
    CHECK(here.alpha({"verify", "live"}).code == 0);
    CHECK(here.alpha({"replay", "--verify", "live"}).code == 0);
    CHECK(here.shell("chmod -R a-w live && $ALPHA status live && $ALPHA verify live; chmod -R u+w live").code == 0);
    process = here.start(slow_live("s.yaml", "live"));
    CHECK(status_of(here, "live").code == 0);
    ::kill(process, SIGTERM);
    CHECK(here.finish(process).code == 130);
    CHECK_FALSE(here.has("live/control.sock"));
    // Who takes the name first gains nothing: the session says so, trades, and is reached elsewhere.
    here.write("live/control.sock", "mine");
    REQUIRE(here.shell("mkdir -m 700 own").code == 0);
    const std::string run = "XDG_RUNTIME_DIR=$PWD/own $ALPHA ";
    const Ran taken = here.shell(
        run + "live --broker paper s.yaml --journal live --speed 20x --json 2> said & session=$!\n" +
        "for i in $(seq 400); do " + run + "kill --journal live && break; sleep 0.05; done\n" +
        "ls own | wc -l; kill $session; wait $session; echo ended $?; ls own | wc -l; cat live/control.sock");
    INFO(taken.out << taken.err);
    CHECK(contains(taken.out, "main: the kill switch is latched"));
    CHECK(contains(taken.out, "\n1\n"));
    CHECK(contains(taken.out, "\nended 130\n0\nmine"));
    CHECK(contains(here.read("said"), "live/control.sock: a file lies where the session's own socket belongs; remove"));
    REQUIRE(here.shell("rm live/control.sock").code == 0);
    REQUIRE(here.alpha({"live", "--broker", "paper", "s.yaml", "--journal", "other"}).code == 0);
}

TEST_CASE("a held session does afterwards what somebody still waits for, and hears one among thousands", "[cli]") {
    using alpha::test::Sender;
    const Workplace here;
    here.write("s.yaml", synth_scenario("story", 8'000));
    const pid_t process = here.start(slow_live("s.yaml", "live"));
    REQUIRE(status_of(here, "live").code == 0);
    const std::string where = "unix:" + here.path("live/control.sock").string();
    ::kill(process, SIGSTOP);
    {
        const Sender gone(where);
        REQUIRE(gone.send("kill text \n"));
    }
    const Sender waits(where);
    REQUIRE(waits.send("kill-entries text \n"));
    ::kill(process, SIGCONT);
    waits.wait_for_close();
    std::vector<std::unique_ptr<Sender>> silent;
    silent.reserve(500);
    for (int i = 0; i < 500; ++i) {
        silent.push_back(std::make_unique<Sender>(where));
    }
    const Ran status = here.alpha({"status", "live", "--json"});
    CHECK(status.code == 0);
    CHECK(here.alpha({"kill", "--release", "--journal", "live"}).code == 0);
    ::kill(process, SIGTERM);
    CHECK(here.finish(process).code == 130);
    const Ran latched = here.alpha({"log", "live", "--type", "kill_switch_latched"});
    CHECK(line_count(latched.out) == 1);
    CHECK(contains(latched.out, "scope=entries"));
}

TEST_CASE("a journal has one session at a time", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("story", 2'000));
    const pid_t process = here.start(slow_live("s.yaml", "live"));
    REQUIRE(status_of(here, "live").code == 0);
    CHECK(here.alpha(live("s.yaml", "live")).code == 75);
    CHECK(status_of(here, "live").code == 0);  // and the first one goes on
    ::kill(process, SIGTERM);
    CHECK(here.finish(process).code == 130);
}

TEST_CASE("a session that has lost a file goes on where its log is whole, and leaves it alone otherwise", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("story", 20'000));
    const Ran whole = here.alpha(live("s.yaml", "live"));
    REQUIRE(whole.code == 0);
    int mended = 0;
    int refused = 0;
    for (const auto& entry : std::filesystem::directory_iterator(here.path("live"))) {
        if (entry.path().extension() != ".sst") {
            continue;
        }
        const std::filesystem::path copy = here.path("copy");
        std::filesystem::remove_all(copy);
        std::filesystem::copy(here.path("live"), copy);
        std::filesystem::remove(copy / entry.path().filename());
        const Ran went_on = here.alpha(live("s.yaml", "copy"));
        INFO(went_on.err);
        if (went_on.code == 3) {
            ++refused;
            continue;
        }
        ++mended;
        CHECK(went_on.code == 0);
        CHECK(digests(went_on.out) == digests(whole.out));
        CHECK(went_on.err.find("Its log is whole") != std::string::npos);
        CHECK(here.alpha({"verify", "copy"}).code == 0);
        CHECK(here.alpha({"show", "fills", "copy"}).out == here.alpha({"show", "fills", "live"}).out);
        CHECK(here.alpha(live("s.yaml", "copy")).err.find("Its log is whole") == std::string::npos);
    }
    CHECK(mended > 0);
    CHECK(refused > 0);
}

TEST_CASE("a session whose lines come by standard input goes on when both it and the sender begin again", "[cli]") {
    const Workplace here;
    std::string lines = "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n";
    for (int i = 0; i < 120'000; ++i) {
        const int bid = 1'000 + (i * 7'919) % 200 - (i / 500) % 40;
        lines += std::to_string(1'704'080'700'000'000'000 + std::int64_t{i} * 100'000'000) + ",NSE:X," +
                 std::to_string(bid) + ",10," + std::to_string(bid + 1) + ",10\n";
    }
    here.write("q.csv", lines);
    const std::string rest =
        "account: {currency: INR, cash: 1000000}\n"
        "strategies:\n"
        "  - {id: cross, use: ema_cross, instruments: [\"NSE:X\"], params: {fast: 5, slow: 20, quantity: 1}}\n"
        "broker: {paper: {fill: touch, latency: 250ms}}\nsnapshot_interval: 60s\n";
    here.write("file.yaml", "name: story\ndata: [{file: q.csv, kind: quotes}]\n" + rest);
    here.write("in.yaml", "name: story\ndata: [{stream: stdin, kind: quotes}]\n" + rest);
    const Ran back = here.alpha({"backtest", "file.yaml", "--journal", "back", "--json"});
    INFO(back.err);
    REQUIRE(back.code == 0);
    CHECK(digests(here.shell("$ALPHA backtest in.yaml --journal back-in --json < q.csv").out) == digests(back.out));
    const unsigned seed = std::random_device()();
    CAPTURE(seed);
    std::mt19937 random(seed);
    for (int i = 0; i < 6; ++i) {
        here.shell("cat q.csv | timeout -s KILL 0." + std::to_string(100 + random() % 300) +
                   " $ALPHA live --broker paper --config in.yaml --journal live -q");
    }
    const Ran lived = here.shell("cat q.csv | $ALPHA live --broker paper --config in.yaml --journal live --json");
    INFO(lived.err);
    CHECK(lived.code == 0);
    CHECK(digests(lived.out) == digests(back.out));
    const Ran changed =
        here.shell("sed 's/,10$/,11/' q.csv | $ALPHA live --broker paper --config in.yaml --journal live --json");
    CHECK(changed.code == 3);
    CHECK(contains(changed.err, "the data changed"));
}

TEST_CASE("the log file is opened anew on SIGHUP, and the session goes on", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("story", 2'000));
    std::vector<std::string> arguments = slow_live("s.yaml", "live");
    arguments.insert(arguments.end(), {"--log-file", "a.log"});
    const pid_t process = here.start(arguments);
    REQUIRE(status_of(here, "live").code == 0);
    std::filesystem::rename(here.path("a.log"), here.path("a.log.1"));
    ::kill(process, SIGHUP);
    for (int i = 0; i < 200 && !here.has("a.log"); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    CHECK(here.has("a.log"));
    CHECK(status_of(here, "live").code == 0);
    ::kill(process, SIGTERM);
    CHECK(here.finish(process).code == 130);
    // Every component says when it begins and when it ends, in order.
    const std::string all = here.read("a.log.1") + here.read("a.log");
    std::size_t at = 0;
    for (const char* said :
         {"configuration: story loaded", "journal: 0 events", "control: listening", "broker paper: paper is ready",
          "strategy ", "feeds: reading", "the log file was opened anew", "stopping: what was received is taken",
          "feeds: ended", "journal: sealed", "stopped"}) {
        CAPTURE(said, all);
        const std::size_t found = all.find(said, at);
        REQUIRE(found != std::string::npos);
        at = found;
    }
}

TEST_CASE("a session ends cleanly when its duration is over, and goes on later", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("story", 3'000));
    const Ran back = here.alpha({"backtest", "s.yaml", "--journal", "back", "--json"});
    std::vector<std::string> brief = slow_live("s.yaml", "live");
    brief.insert(brief.end(), {"--duration", "300ms"});
    const Ran first = here.alpha(brief);
    CHECK(first.code == 0);
    CHECK(json_field(first.out, "interrupted") == "false");
    CHECK(std::stoi(json_field(first.out, "ticks")) < 3'000);
    CHECK(json_field(here.alpha({"verify", "--journal", "live", "--json"}).out, "clean_end") == "true");
    CHECK(digests(here.alpha(live("s.yaml", "live")).out) == digests(back.out));
    const char* const option = GENERATE("--duration", "--spin");
    brief[brief.size() - 2] = option;
    for (const char* bad : {"soon", "-1s", "0s", "5"}) {
        CAPTURE(bad);
        brief.back() = bad;
        const Ran refused = here.alpha(brief);
        CHECK(refused.code == 2);
        CHECK(contains(refused.err, std::string(option) + " " + bad + ": write a time such as"));
    }
}

TEST_CASE("every tick and order of a live session is timed once, and none of those only compared", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("story", 5'003));
    std::vector<std::string> arguments = live("s.yaml", "live");
    if (GENERATE(false, true)) {
        arguments.emplace_back("--commit-orders");
    }
    const auto count = [](const std::string& json, const std::string& of) {
        const std::size_t at = json.find("\"" + of + "\":{\"count\":");
        REQUIRE(at != std::string::npos);
        return json_field(json.substr(at), "count");
    };
    const Ran lived = here.alpha(arguments);
    REQUIRE(lived.code == 0);
    REQUIRE(json_field(lived.out, "orders") != "0");
    CHECK(count(lived.out, "tick") == "5003");
    CHECK(count(lived.out, "order") == json_field(lived.out, "orders"));
    const Ran again = here.alpha(arguments);
    CHECK(again.code == 0);
    CHECK(!contains(again.out, "\"latency\""));  // there is none
}

TEST_CASE("the thread that decides has the processor of --cpu to itself", "[cli]") {
    cpu_set_t ours{};
    REQUIRE(sched_getaffinity(0, sizeof ours, &ours) == 0);
    unsigned mine = 0;
    while (!CPU_ISSET(mine, &ours)) {
        ++mine;
    }
    const Workplace here;
    here.write("s.yaml", synth_scenario("story", 3'000));
    const auto on_cpu = [&](const std::string& cpu) {
        std::vector<std::string> arguments = slow_live("s.yaml", "live");
        arguments.insert(arguments.end(), {"--cpu", cpu});
        return arguments;
    };
    CHECK(contains(here.alpha(on_cpu("1000000")).err, "--cpu: there is no processor 1000000"));
    CHECK(!here.has("live"));
    if (CPU_COUNT(&ours) == 1) {
        CHECK(contains(here.alpha(on_cpu(std::to_string(mine))).err, "is the only one"));
        WARN("skipped the rest: there is one processor only");
        return;
    }
    const pid_t process = here.start(on_cpu(std::to_string(mine)));
    REQUIRE(status_of(here, "live").code == 0);
    int others = 0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task")) {
        const pid_t thread = std::stoi(task.path().filename());
        cpu_set_t allowed{};
        REQUIRE(sched_getaffinity(thread, sizeof allowed, &allowed) == 0);
        CHECK(CPU_ISSET(mine, &allowed) == (thread == process));
        CHECK((thread != process || CPU_COUNT(&allowed) == 1));
        others += thread == process ? 0 : 1;
    }
    CHECK(others >= 2);  // who reads and who writes
    REQUIRE(::kill(process, SIGTERM) == 0);
    CHECK(here.finish(process).code == 130);
}

TEST_CASE("a backtest does not wait for senders that may never come", "[cli]") {
    const Workplace here;
    here.write("s.yaml", "name: s\naccount: {currency: INR, cash: 1000}\n"
                         "data: [{stream: \"unix:feed.sock\", kind: quotes}]\n"
                         "strategies:\n  - {id: hold, use: buy_and_hold, instruments: [X], params: {quantity: 1}}\n"
                         "broker: {paper: {}}\n");
    const Ran refused = here.alpha({"backtest", "s.yaml"});
    CHECK(refused.code == 2);
    CHECK(contains(refused.err, "unix:feed.sock has no end"));
    here.write("in.yaml", "name: s\naccount: {currency: INR, cash: 1000}\ndata: [{stream: stdin, kind: quotes}]\n"
                          "strategies:\n  - {id: hold, use: buy_and_hold, instruments: [X], params: {quantity: 1}}\n"
                          "broker: {paper: {}}\n");
    // Somebody who waits for a sender can still be stopped: timeout leaves with 124 once one signal was enough.
    CHECK(here.shell("timeout -k 5 -s INT 0.3 $ALPHA backtest in.yaml < <(sleep 2)").code == 124);
    // Live it waits, answers meanwhile, and can be ended.
    const pid_t process = here.start(live("s.yaml", "live"));
    CHECK(status_of(here, "live").code == 0);
    ::kill(process, SIGTERM);
    CHECK(here.finish(process).code == 130);
    CHECK_FALSE(here.has("feed.sock"));
}

namespace {

const std::string kQuoteLines = "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n"
                                "1704167100000000000,ACME,99.95,500,100.05,500\n"
                                "1704167101000000000,ACME,100.05,500,100.15,500\n"
                                "1704167102000000000,ACME,100.15,500,100.25,500\n"
                                "1704167103000000000,ACME,100.20,500,100.30,500\n";

/// Buys ten on the first quote, and leaves an order to sell them far above.
std::string orders_scenario(const std::string& stream) {
    return "name: feed\naccount: {currency: INR, cash: 100000}\ndata: [{" + stream +
           ", kind: quotes}]\nstrategies:\n  - {id: h, use: script, instruments: [ACME], params: {orders: \"at 1 buy "
           "10 ACME; at 2 "
           "sell 10 ACME limit 200\"}}\n";
}

std::string first_quotes(std::size_t n) {
    return first_lines(kQuoteLines, n);
}

/// Waits until the session's status holds `part`.
bool comes_to(const Workplace& here, const std::string& part) {
    for (int i = 0; i < 1'000; ++i) {
        if (contains(here.alpha({"status", "--journal", "live", "--json"}).out, part)) {
            return true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
}

}  // namespace

TEST_CASE("the end of standard input is not the end of a line", "[cli]") {
    const Workplace here;
    here.write("s.yaml", orders_scenario("stream: stdin"));
    here.write("file.yaml", orders_scenario("file: whole.csv"));
    here.write("whole.csv", kQuoteLines);
    const Ran whole = here.alpha({"backtest", "file.yaml", "--journal", "whole", "--json"});
    REQUIRE(whole.code == 0);
    const std::string run = "$ALPHA live --broker paper --config s.yaml --journal live --json < ";
    // However much of its last line a sender had sent when it died.
    for (std::size_t end = first_quotes(3).size(); end < kQuoteLines.size(); end += 5) {
        CAPTURE(end);
        here.write("cut.csv", kQuoteLines.substr(0, end));
        const Ran cut = here.shell(run + "cut.csv");
        REQUIRE(cut.code == 0);
        CHECK(json_field(cut.out, "ticks") == (end < first_quotes(4).size() ? "2" : "3"));
        const bool is_whole = end == first_quotes(3).size() || end == first_quotes(4).size();
        CHECK(contains(cut.err, "standard input: ended within a line, which is not taken") == !is_whole);
    }
    const Ran lived = here.shell(run + "whole.csv");
    CHECK(lived.code == 0);
    CHECK(digests(lived.out) == digests(whole.out));
    CHECK(line_count(here.alpha({"log", "--journal", "live", "--type", "order_filled"}).out) == 1);
}

TEST_CASE("a line that is none on standard input seals the journal and cancels nothing", "[cli]") {
    const Workplace here;
    here.write("s.yaml", orders_scenario("stream: stdin"));
    here.write("file.yaml", orders_scenario("file: whole.csv"));
    here.write("whole.csv", kQuoteLines);
    const Ran whole = here.alpha({"backtest", "file.yaml", "--journal", "whole", "--json"});
    REQUIRE(whole.code == 0);
    const std::string run = "$ALPHA live --broker paper --config s.yaml --journal live --json < ";
    for (const auto& [bad, reason] :
         {std::pair<std::string, const char*>{first_quotes(3) + "rubbish\n", "standard input:4: has 1 field"},
          {first_quotes(4) + first_quotes(2).substr(first_quotes(1).size()), "standard input:5: time "},
          {first_quotes(1) + "1704167100000000000,ACME,1,500,2,500\n", "the data changed under the journal"},
          {first_quotes(2), "The feeds end where the journal goes on"}}) {
        CAPTURE(reason);
        here.write("bad.csv", bad);
        const Ran ended = here.shell(run + "bad.csv");
        CHECK(ended.code == 3);
        CHECK(contains(ended.err, reason));
        CHECK(contains(ended.err, "its journal is sealed behind what came before, and 1 order stays open"));
        const Ran verified = here.alpha({"verify", "--journal", "live", "--json"});
        CHECK(verified.code == 0);
        CHECK(json_field(verified.out, "clean_end") == "true");
        CHECK(json_field(here.alpha({"status", "--journal", "live", "--json"}).out, "open_orders") == "1");
        CHECK(line_count(here.alpha({"log", "--journal", "live", "--type", "order_cancelled"}).out) == 0);
    }
    const Ran lived = here.shell(run + "whole.csv");
    CHECK(lived.code == 0);
    CHECK(digests(lived.out) == digests(whole.out));
}

TEST_CASE("a live session on a socket outlasts its senders, and strangers", "[cli]") {
    using alpha::test::Sender;
    const Workplace here;
    here.write("s.yaml", orders_scenario("stream: \"unix:feed.sock\"") + "notify: 'echo \"$ALPHA_NOTIFY\" >> told'\n");
    const std::string stream = "unix:" + here.path("feed.sock").string();
    std::vector<std::string> arguments = live("s.yaml", "live");
    arguments.insert(arguments.end(), {"--log-file", "a.log"});
    pid_t process = here.start(arguments);
    REQUIRE(status_of(here, "live").code == 0);
    CHECK(comes_to(here, R"("connected":false)"));  // once the thread that reads it has begun
    const auto strange = [&](const std::string& text, const std::string& reason) {
        const Sender stranger(stream);
        REQUIRE(stranger.send(text));
        stranger.wait_for_close();
        CAPTURE(reason);
        CHECK(comes_to(here, reason));
    };
    strange("GET / HTTP/1.1\r\n\r\n", "feed.sock:1: is not a header");
    {
        const Sender sender(stream);
        REQUIRE(sender.send(first_quotes(3) + "1704167102000000000,ACME,100."));
        CHECK(comes_to(here, R"("feed_records":2)"));
    }
    strange(first_quotes(3) + "rubbish\n", "feed.sock:4: has 1 field");
    strange(first_quotes(1) + "1704167100000000000,ACME,99.95,500,100.05,501\n" + kQuoteLines,
            "did not send again what was taken");
    // One that begins later than what was taken is known by its first line.
    strange(first_quotes(1) + "1704167150000000000,ACME,99.95,500,100.05,501\n",
            "but lines up to 2024-01-02T03:45:01Z");
    {
        const Sender sender(stream);
        REQUIRE(sender.send(first_quotes(4)));
        CHECK(comes_to(here, R"("feed_records":3)"));
        const Ran text = here.alpha({"status", "--journal", "live"});
        CHECK(contains(text.out, "feed.sock  a sender is connected · 3 records, the last one"));
        CHECK(contains(text.out, "\n! 4 senders refused, the last one: "));
        // A person is told of each that had sent what is wanted, and not of strangers.
        const std::string told =
            here.shell("for i in $(seq 100); do [ $(wc -l < told) -ge 2 ] && break; sleep 0.1; done; cat told").out;
        CHECK(line_count(told) == 2);
        CHECK(contains(told, "feed.sock: the sender has left within a line, which is not taken"));
        CHECK(contains(told, "feed.sock:4: has 1 field"));
        ::kill(process, SIGKILL);
        here.finish(process);
        CHECK(contains(here.read("a.log"),
                       "feed.sock:4: has 1 field where the header has 6; is the line cut short?; its sender is"));
    }
    // Nothing but the log knows what was taken now.
    process = here.start(live("s.yaml", "live"));
    strange(first_quotes(1) + kQuoteLines.substr(first_quotes(3).size()), "comes where one of 'ACME'");
    const Sender sender(stream);
    REQUIRE(sender.send(kQuoteLines));
    CHECK(comes_to(here, R"("feed_records":4)"));
    ::kill(process, SIGTERM);
    CHECK(here.finish(process).code == 130);
    here.write("file.yaml", orders_scenario("file: whole.csv"));
    here.write("whole.csv", kQuoteLines);
    const Ran whole = here.alpha({"backtest", "file.yaml", "--journal", "whole", "--json"});
    CHECK(json_field(here.alpha({"verify", "--journal", "live", "--json"}).out, "log_head") ==
          json_field(whole.out, "log_head"));
    CHECK(here.alpha({"replay", "--verify", "--journal", "live"}).code == 0);
}

TEST_CASE("a session goes on without a stream that is silent for longer than its patience, and agrees when killed",
          "[cli]") {
    using alpha::test::Sender;
    const Workplace here;
    const auto scenario = [&](const std::string& idle) {
        here.write("s.yaml",
                   "name: two\naccount: {currency: INR, cash: 100000}\ndata:\n"
                   "  - {stream: \"unix:a.sock\", kind: quotes}\n  - {stream: \"unix:b.sock\", kind: quotes, idle: " +
                       idle +
                       "}\nstrategies:\n  - {id: h, use: buy_and_hold, instruments: [ACME], params: {quantity: 1}}\n");
    };
    const std::string a = "unix:" + here.path("a.sock").string();
    const std::string b = "unix:" + here.path("b.sock").string();
    const auto line_of_b = [](int second) { return "17041671" + std::to_string(second) + "000000000,OTHER,1,1,2,1\n"; };
    const std::string from_b = first_quotes(1) + line_of_b(10).replace(8, 2, "01") + line_of_b(10).replace(8, 2, "05");
    scenario("1ms");
    pid_t process = here.start(live("s.yaml", "live"));
    {
        const Sender sender_a(a);
        REQUIRE(sender_a.send(first_quotes(4)));
        CHECK(comes_to(here, R"("feed_records":3)"));
        CHECK(comes_to(here, R"("left_out":true)"));
        CHECK(
            contains(here.alpha({"status", "--journal", "live"}).out, "no sender is connected · silent, and left out"));
        const Sender sender_b(b);
        REQUIRE(sender_b.send(from_b));
        CHECK(comes_to(here, R"("refused_records":1)"));
        REQUIRE(sender_a.send(kQuoteLines.substr(first_quotes(4).size())));
        CHECK(comes_to(here, R"("feed_records":4)"));
        ::kill(process, SIGKILL);
        here.finish(process);
    }
    scenario("1h");  // it may be changed: what was left out is in the log
    process = here.start(live("s.yaml", "live"));
    const Sender sender_b(b);
    REQUIRE(sender_b.send(from_b));
    const Sender sender_a(a);
    REQUIRE(sender_a.send(kQuoteLines + "1704167106000000000,ACME,100.20,500,100.30,500\n"));
    CHECK(comes_to(here, R"("feed_records":5)"));
    ::kill(process, SIGTERM);
    CHECK(here.finish(process).code == 130);
    CHECK(here.alpha({"replay", "--verify", "--journal", "live"}).code == 0);
    CHECK(line_count(here.alpha({"log", "--journal", "live", "--type", "quote"}).out) == 5);
}

TEST_CASE("with clock: wall a timer fires in a silence, and a line that comes too late for it is refused", "[cli]") {
    const Workplace here;
    here.write("s.yaml", "name: wall\naccount: {currency: INR, cash: 1000000}\n"
                         "data: [{stream: stdin, kind: quotes, clock: wall}]\n"
                         "strategies:\n  - {id: maker, use: market_maker, instruments: [\"NSE:A\"],\n"
                         "     params: {quantity: 1, half_spread: 1, max_inventory: 5, requote: 1, refresh: 1}}\n"
                         "broker: {paper: {fill: touch}}\n");
    here.write("send.py", R"(
import json, subprocess, sys, time

alpha = sys.argv[1]
run = [alpha, "live", "--broker", "paper", "s.yaml", "--journal", "j", "--quiet"]
lines = ["ts_ns,instrument,bid,bid_qty,ask,ask_qty\n"]

def say(to, stamp):
    lines.append(f"{stamp},NSE:A,100,10,100.1,10\n")
    to.stdin.write(lines[-1])
    to.stdin.flush()

def until(holds, what):
    for _ in range(1000):
        if holds():
            return
        time.sleep(0.02)
    sys.exit("never: " + what)

def fired():
    return subprocess.run([alpha, "log", "j", "--type", "timer_fired", "--quiet"], capture_output=True, text=True).stdout.count("timer_fired")

def stream():
    said = subprocess.run([alpha, "status", "j", "--json"], capture_output=True, text=True).stdout
    return json.loads(said)["streams"][0] if said else {"refused_records": 0, "records": 0}

session = subprocess.Popen(run, stdin=subprocess.PIPE, text=True)
session.stdin.write(lines[0])
begun = time.time_ns()
say(session, begun)
until(lambda: fired() > 0, "a timer in a silence")
say(session, begun + 500_000_000)
until(lambda: stream()["refused_records"] == 1, "a late line refused")
say(session, time.time_ns())
session.stdin.close()
assert session.wait(60) == 0
quotes = subprocess.run([alpha, "log", "j", "--type", "quote"], capture_output=True, text=True).stdout.count(" quote ")
assert quotes == 2, quotes
# Again with the same lines: the late one was not taken then, and is not now.
again = subprocess.run(run, input="".join(lines), text=True, timeout=60)
assert again.returncode == 0
)");
    const Ran sent = here.shell("python3 send.py $ALPHA");
    INFO(sent.out << sent.err);
    REQUIRE(sent.code == 0);
    CHECK(here.alpha({"replay", "--verify", "--journal", "j"}).code == 0);
    const Ran paced = here.alpha({"live", "--broker", "paper", "s.yaml", "--journal", "other", "--speed", "2x"});
    CHECK(paced.code == 2);
    CHECK(contains(paced.err, "leave --speed out"));
}

TEST_CASE("a source that cannot send again is asked to after a kill, or its lines are compared with old ones",
          "[cli]") {
    const Workplace here;
    here.write("s.yaml",
               "name: wall\naccount: {currency: INR, cash: 1000000}\n"
               "data: [{stream: stdin, kind: trades, clock: wall, gives_again: false}]\n"
               "strategies: [{id: first, use: buy_and_hold, instruments: [\"NSE:A\"], params: {quantity: 10}}]\n"
               "broker: {paper: {fill: touch}}\n");
    here.write("send.py", R"(
import subprocess, sys, time

alpha = sys.argv[1]

def begin():
    session = subprocess.Popen([alpha, "live", "--broker", "paper", "s.yaml", "--journal", "j", "--quiet"], stdin=subprocess.PIPE, text=True)
    session.stdin.write("ts_ns,instrument,price,quantity\n")
    return session

def say(to, stamp, price):
    to.stdin.write(f"{stamp},NSE:A,{price},10\n")
    to.stdin.flush()

def logged():
    return subprocess.run([alpha, "log", "j", "--type", "trade", "--quiet"], capture_output=True, text=True).stdout

def until(holds, what):
    for _ in range(1000):
        if holds():
            return
        time.sleep(0.02)
    sys.exit("never: " + what)

session = begin()
begun = time.time_ns()
for i in range(3):
    say(session, begun + i, 100 + i)
until(lambda: "price=102" in logged(), "three trades in the journal")
session.kill()
session.wait(60)
session = begin()
say(session, begun + 1, 101)  # one of before comes too late
say(session, time.time_ns(), 200)
say(session, time.time_ns(), 201)
session.stdin.close()
assert session.wait(60) == 0
assert logged().count(" trade ") == 5, logged()
)");
    const Ran sent = here.shell("python3 send.py $ALPHA");
    INFO(sent.out << sent.err);
    REQUIRE(sent.code == 0);
    CHECK(here.alpha({"replay", "--verify", "--journal", "j"}).code == 0);
    CHECK(line_count(here.alpha({"log", "--journal", "j", "--type", "order_filled"}).out) == 1);
    here.write(
        "asked.yaml",
        "name: asked\naccount: {currency: INR, cash: 1}\ndata: [{stream: stdin, kind: trades, gives_again: false}]\n");
    CHECK(contains(here.alpha({"backtest", "asked.yaml", "--journal", "k"}).err,
                   "goes with a stream and clock: wall alone"));
}
