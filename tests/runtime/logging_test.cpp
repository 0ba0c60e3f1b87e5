#include "runtime/logging.hpp"
#include "tests/runtime/support.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <spdlog/spdlog.h>

using namespace alpha;
using namespace alpha::runtime_test;

TEST_CASE("a component gets another component's logger", "[runtime]") {
    const Loggers loggers({});
    const auto session = loggers.of("session");
    CHECK(session->name() == "session");
    CHECK(loggers.of("session") == session);
    CHECK(loggers.of("feed") != session);
    CHECK(loggers.of("feed")->name() == "feed");
}

TEST_CASE("a logger can be reached behind the wiring's back", "[runtime]") {
    const Loggers loggers({});
    loggers.of("session");
    CHECK(spdlog::get("session") == nullptr);
}

TEST_CASE("the flags -v and -q change nothing, or the wrong way round", "[runtime]") {
    const auto enabled = [](int verbosity, spdlog::level::level_enum level) {
        return Loggers({verbosity, ""}).of("x")->should_log(level);
    };
    CHECK(enabled(-1, spdlog::level::err));
    CHECK_FALSE(enabled(-1, spdlog::level::warn));
    CHECK(enabled(0, spdlog::level::warn));
    CHECK_FALSE(enabled(0, spdlog::level::info));
    CHECK(enabled(1, spdlog::level::info));
    CHECK_FALSE(enabled(1, spdlog::level::debug));
    CHECK(enabled(2, spdlog::level::debug));
    CHECK_FALSE(enabled(2, spdlog::level::trace));
    CHECK(enabled(3, spdlog::level::trace));
    CHECK(enabled(9, spdlog::level::trace));
}

TEST_CASE("the log file misses what the terminal is too quiet for", "[runtime]") {
    const TempFolder folder;
    const std::string path = folder / "alpha.log";
    {
        const Loggers loggers({-1, path});
        const auto logger = loggers.of("session");
        logger->debug("kept {}", 1);
        logger->trace("left out");
        logger->flush();
    }
    const std::string text = read_text(path);
    CHECK_THAT(text, Catch::Contains("debug session: kept 1"));
    CHECK_THAT(text, !Catch::Contains("left out"));
    // A date, a time in UTC and a level lead the line.
    CHECK(text.find("Z debug session: ") == std::string("2024-01-01T00:00:00.000000").size());
}

TEST_CASE("a log file that cannot be opened stops the program", "[runtime]") {
    const TempFolder folder;
    write_text(folder / "file", "");
    const Loggers loggers({-1, (folder / "file") + "/under-a-file/alpha.log"});
    CHECK(loggers.of("session")->should_log(spdlog::level::err));
    CHECK_FALSE(loggers.of("session")->should_log(spdlog::level::debug));
}

TEST_CASE("a log file that cannot be opened anew is done without, and had again when it can", "[runtime]") {
    const TempFolder folder;
    std::filesystem::create_directory(folder / "logs");
    const Loggers loggers({.verbosity = -1, .file = folder / "logs/a.log"});
    const auto log = loggers.of("test");
    log->info("one");
    std::filesystem::rename(folder / "logs", folder / "away");
    std::ofstream(folder / "logs") << "no folder";
    loggers.reopen();
    log->warn("two");
    log->flush();
    std::filesystem::remove(folder / "logs");
    std::filesystem::create_directory(folder / "logs");
    loggers.reopen();
    log->warn("three");
    const std::string before = read_text(folder / "away/a.log");
    CHECK(before.find("one") != std::string::npos);
    CHECK(before.find("two") == std::string::npos);
    const std::string after = read_text(folder / "logs/a.log");
    CHECK(after.find("two") == std::string::npos);
    CHECK(after.find("three") != std::string::npos);
}

TEST_CASE("a logger dies with the set it came from", "[runtime]") {
    const TempFolder folder;
    std::shared_ptr<spdlog::logger> logger;
    {
        const Loggers loggers({-1, folder / "alpha.log"});
        logger = loggers.of("late");
    }
    logger->debug("still here");
    logger->flush();
    CHECK_THAT(read_text(folder / "alpha.log"), Catch::Contains("late: still here"));
}
