#pragma once
/// Places on disk for the runtime's tests, and what is in a log.

#include "events/codec.hpp"
#include "store/event_log.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>
#include <vector>

namespace alpha::runtime_test {

/// A folder of its own for one test, removed at the end.
class TempFolder {
public:
    TempFolder() {
        static std::atomic<int> counter{0};
        path_ = std::filesystem::temp_directory_path() /
                ("alpha-runtime-test-" + std::to_string(::getpid()) + "-" + std::to_string(counter++));
        std::filesystem::create_directories(path_);
    }
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;
    ~TempFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::string operator/(const std::string& name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

inline std::string read_text(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline void write_text(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

inline std::vector<DecodedEvent> events_of(const LogReader& log) {
    std::vector<DecodedEvent> events;
    REQUIRE(for_each_event(log, 0, [&](const Envelope& envelope, const Event& event) {
        events.push_back({envelope, event, 0});
        return true;
    }));
    return events;
}

}  // namespace alpha::runtime_test
