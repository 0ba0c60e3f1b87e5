#include "events/result.hpp"
#include "tests/cli/run_alpha.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <sstream>

TEST_CASE("a misspelt command or option is answered with the one that was meant", "[cli]") {
    const Workplace here;
    const Ran command = here.alpha({"backtset", "s.yaml"});
    CHECK(command.code == 2);
    CHECK(contains(command.err, "did you mean backtest?"));
    CHECK(command.out.empty());

    const Ran with_options = here.alpha({"backtset", "s.yaml", "--json"});
    CHECK(with_options.code == 2);
    CHECK(contains(with_options.err, "did you mean backtest?"));

    const Ran nested = here.alpha({"golden", "chekc"});
    CHECK(nested.code == 2);
    CHECK(contains(nested.err, "did you mean check?"));

    const Ran option = here.alpha({"backtest", "s.yaml", "--jounral", "j"});
    CHECK(option.code == 2);
    CHECK(contains(option.err, "unknown option --jounral; did you mean --journal?"));

    const Ran before = here.alpha({"log", "--jornal=j"});
    CHECK(before.code == 2);
    CHECK(contains(before.err, "unknown option --jornal; did you mean --journal?"));
}

TEST_CASE("a wrong command line is a usage error, not a number of the library that parses it", "[cli]") {
    const Workplace here;
    for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
             {},
             {"golden"},
             {"backtest"},
             {"backtest", "a.yaml", "b.yaml"},
             {"log"},
             {"log", "--journal"},
             {"log", "--journal", "j", "--from", "minus one"},
             {"data", "import", "x.csv", "--kind", "candles", "--to", "x.alpha"},
         }) {
        const Ran ran = here.alpha(arguments);
        CAPTURE(arguments, ran.err);
        CHECK(ran.code == 2);
        CHECK(ran.out.empty());
        CHECK(contains(ran.err, "--help"));
    }
}

TEST_CASE("every command explains itself with an example", "[cli]") {
    const Workplace here;
    for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
             {},
             {"backtest"},
             {"golden"},
             {"golden", "check"},
             {"golden", "update"},
             {"log"},
             {"show"},
             {"show", "portfolios"},
             {"show", "orders"},
             {"show", "fills"},
             {"why"},
             {"why-not"},
             {"data"},
             {"data", "import"},
             {"data", "info"},
             {"data", "synth"},
             {"calendar"},
             {"charges"},
             {"charges", "explain"},
             {"instruments"},
             {"instruments", "load"},
             {"instruments", "show"},
             {"instruments", "find"},
             {"instruments", "diff"},
             {"journal"},
             {"journal", "forget-evidence"},
             {"tradebook"},
             {"tradebook", "export"},
             {"tradebook", "books"},
             {"tradebook", "compare"},
         }) {
        std::vector<std::string> arguments = command;
        arguments.emplace_back("--help");
        const Ran ran = here.alpha(arguments);
        CAPTURE(arguments);
        CHECK(ran.code == 0);
        CHECK(contains(ran.out, "Example:\n  alpha "));
        CHECK(ran.err.empty());
    }
}

TEST_CASE("the reference of the commands knows every option that there is", "[cli]") {
    const Workplace here;
    std::ostringstream text;
    text << std::ifstream(ALPHA_SOURCE_DIR "/docs/reference-cli.md").rdbuf();
    const std::string page = text.str();
    for (const std::string command : {"backtest",
                                      "live",
                                      "status",
                                      "golden check",
                                      "golden update",
                                      "log",
                                      "replay",
                                      "verify",
                                      "diff",
                                      "fork",
                                      "show orders",
                                      "show fills",
                                      "show portfolios",
                                      "show trades",
                                      "report",
                                      "why",
                                      "why-not",
                                      "init",
                                      "data import",
                                      "data info",
                                      "data check",
                                      "data synth",
                                      "calendar",
                                      "charges",
                                      "charges explain",
                                      "instruments load",
                                      "instruments show",
                                      "instruments find",
                                      "instruments diff",
                                      "journal forget-evidence",
                                      "tradebook export",
                                      "tradebook books",
                                      "tradebook compare"}) {
        CAPTURE(command);
        const bool grouped = command.starts_with("golden") || command.starts_with("show");
        const std::size_t begin = page.find("## alpha " + (grouped ? command.substr(0, command.find(' ')) : command));
        REQUIRE(begin != std::string::npos);
        const std::string section = page.substr(begin, page.find("\n## ", begin) - begin);
        const std::string common = page.substr(0, page.find("\n## "));
        const std::string help = here.shell("$ALPHA " + command + " --help").out;
        std::size_t options = 0;
        for (std::size_t at = help.find("--"); at != std::string::npos; at = help.find("--", at + 2)) {
            const std::size_t end = help.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", at);
            const std::string option = help.substr(at, end - at);
            CAPTURE(option);
            CHECK((contains(section, option) || contains(common, option)));
            ++options;
        }
        CHECK(options >= 5);
    }
}

TEST_CASE("the supervisor in the docs does not start again what will not pass by itself, and nothing else", "[cli]") {
    std::ostringstream text;
    text << std::ifstream(ALPHA_SOURCE_DIR "/docs/how-to-run-live.md").rdbuf();
    const std::string page = text.str();
    const std::string rule = "RestartPreventExitStatus=";
    const std::size_t at = page.find(rule);
    REQUIRE(at != std::string::npos);
    std::istringstream line(page.substr(at + rule.size(), page.find('\n', at) - at - rule.size()));
    std::set<int> stays_ended;
    for (int code = 0; line >> code;) {
        stays_ended.insert(code);
    }
    using alpha::ErrorKind;
    std::set<int> never_passes;
    for (const ErrorKind kind : {ErrorKind::usage, ErrorKind::data, ErrorKind::mismatch, ErrorKind::risk_halt}) {
        never_passes.insert(static_cast<int>(kind));
    }
    CHECK(stays_ended == never_passes);
    CHECK(page.find("\nRestart=on-failure\n") != std::string::npos);  // 75 among them
}

TEST_CASE("the version can be asked for", "[cli]") {
    const Ran ran = Workplace().alpha({"--version"});
    CHECK(ran.code == 0);
    CHECK(ran.out.starts_with("alpha 0."));
}

TEST_CASE("colours and progress appear on a terminal only, and never with NO_COLOR", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("s", 2'000));
    const std::string escape = "\x1b[";
    const Ran piped = here.alpha({"backtest", "s.yaml", "--journal", "piped"});
    REQUIRE(piped.code == 0);
    CHECK_FALSE(contains(piped.out + piped.err, escape));
    // script(1) runs a command on a terminal of its own.
    const Ran terminal = here.shell("script -qec \"$ALPHA backtest s.yaml --journal terminal\" /dev/null");
    REQUIRE(terminal.code == 0);
    CHECK(contains(terminal.out, escape));
    const Ran plain = here.shell("NO_COLOR=1 script -qec \"$ALPHA backtest s.yaml --journal plain\" /dev/null");
    REQUIRE(plain.code == 0);
    CHECK_FALSE(contains(plain.out, "\x1b[3"));
    CHECK_FALSE(contains(plain.out, "\x1b[1m"));
}

TEST_CASE("results that could not be written are not reported as written", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("s", 2'000));
    const Ran full = here.shell("$ALPHA backtest s.yaml --journal j >/dev/full");
    CHECK(full.code == 75);
    CHECK(contains(full.err, "cannot write to standard output: the disk is full"));
}
