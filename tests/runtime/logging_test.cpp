#include "runtime/logging.hpp"
#include "tests/runtime/support.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

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

TEST_CASE("who logs waits for a pipe that nobody reads", "[runtime]") {
    std::signal(SIGPIPE, SIG_IGN);  // as the program has it
    const TempFolder folder;
    const std::string pipe = folder / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    REQUIRE(reader >= 0);
    const std::string line(200, 'x');
    const Loggers loggers({-1, pipe});
    const auto logger = loggers.of("session");
    loggers.begin_aside();
    loggers.begin_aside();  // it has begun
    for (int i = 0; i < 5'000; ++i) {
        logger->warn(line);  // far more than a pipe holds, and each flushes
    }
    loggers.reopen();  // does not wait either
    SECTION("and it is read at last") {
        std::string text;
        while (text.find("lines are missing here: they could not be written") == std::string::npos) {
            char piece[4'096];
            const ssize_t n = ::read(reader, piece, sizeof piece);
            if (n > 0) {
                text.append(piece, static_cast<std::size_t>(n));
            } else {
                logger->debug("more");
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
        }
        const auto whole = static_cast<int>(std::ranges::count(text, '\n'));
        CHECK(whole > 1'000);
        CHECK(whole < 5'000);
    }
    SECTION("and it is never read") {
        const auto begun = std::chrono::steady_clock::now();
        loggers.end_aside();
        logger->warn("nobody waits for this one");
        logger->flush();
        CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(30));
        // Its thread is let go by the reader's end.
    }
    ::close(reader);
}

TEST_CASE("what is written aside comes late, out of order or not at all", "[runtime]") {
    const TempFolder folder;
    const std::string path = folder / "alpha.log";
    const Loggers loggers({-1, path});
    const auto logger = loggers.of("session");
    logger->debug("line 0");
    loggers.begin_aside();
    for (int i = 1; i < 500; ++i) {
        logger->debug("line {}", i);
    }
    SECTION("at the end") {
        loggers.end_aside();
    }
    SECTION("behind a last word") {
        logger->critical("line 500");
        logger->flush();
    }
    const std::string text = read_text(path);
    std::size_t at = 0;
    for (int i = 0; i < 500; ++i) {
        at = text.find("session: line " + std::to_string(i) + "\n", at);
        REQUIRE(at != std::string::npos);
    }
    loggers.end_aside();
    logger->debug("afterwards");
    logger->flush();
    CHECK_THAT(read_text(path), Catch::Contains("session: afterwards"));
}

TEST_CASE("a log file that cannot be opened again ends the program", "[runtime]") {
    const TempFolder folder;
    const std::string path = folder / "alpha.log";
    const Loggers loggers({-1, path});
    const auto logger = loggers.of("session");
    const bool is_aside = GENERATE(false, true);
    if (is_aside) {
        loggers.begin_aside();
    }
    std::filesystem::remove(path);
    std::filesystem::create_directory(path);
    loggers.reopen();
    logger->debug("dropped");
    logger->flush();
    loggers.end_aside();  // it has been tried
    std::filesystem::remove(path);
    loggers.reopen();
    logger->debug("kept");
    loggers.end_aside();
    logger->flush();
    CHECK_THAT(read_text(path), Catch::Contains("session: kept"));
    CHECK_THAT(read_text(path), !Catch::Contains("dropped"));
}
