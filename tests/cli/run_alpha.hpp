#pragma once
/// Drives the built program as a shell would: real arguments, real files, real exit codes.

#include <filesystem>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

/// What a program left behind.
struct Ran {
    int code = 0;  ///< exit code; 128 + signal where one ended it
    std::string out;
    std::string err;
};

/// A folder of its own, removed at the end.
class Workplace {
public:
    Workplace();
    ~Workplace();
    Workplace(const Workplace&) = delete;
    Workplace& operator=(const Workplace&) = delete;

    std::filesystem::path path(std::string_view name) const { return folder_ / name; }
    void write(std::string_view name, std::string_view text) const;
    std::string read(std::string_view name) const;
    bool has(std::string_view name) const { return std::filesystem::exists(folder_ / name); }
    /// Everything below, folders included, sorted: "a.yaml runs runs/a-1 ...".
    std::vector<std::string> names() const;

    /// Runs alpha here with these arguments; stdout and stderr are files.
    Ran alpha(const std::vector<std::string>& arguments) const;
    /// Runs a line of bash here; $ALPHA is the program.
    Ran shell(const std::string& line) const;

    /// Starts alpha here without waiting for it; finish() waits.
    pid_t start(const std::vector<std::string>& arguments) const;
    Ran finish(pid_t process) const;

private:
    pid_t launch(const std::vector<std::string>& command) const;
    std::filesystem::path folder_;
    std::filesystem::path outputs_;
};

bool contains(std::string_view text, std::string_view part);
std::size_t line_count(std::string_view text);
/// The first `count` lines, of which there have to be as many.
std::string first_lines(std::string_view text, std::size_t count);
/// The raw text behind the first `"key":` of a JSON object: a number, or a string with its quotes.
std::string json_field(std::string_view json, std::string_view key);

/// A scenario on synthetic quotes that trades often.
std::string synth_scenario(std::string_view name, int ticks);
/// A scenario that buys ten of NSE:X on the first quote of `file` and holds them.
std::string hold_scenario(std::string_view name, std::string_view file);
/// Quotes of NSE:X for `hold_scenario`: `last_bid` is the last quote's.
std::string few_quotes(std::string_view last_bid);
