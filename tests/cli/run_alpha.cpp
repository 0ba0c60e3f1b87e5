#include "tests/cli/run_alpha.hpp"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace {

std::string read_whole(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace

Workplace::Workplace() {
    static std::atomic<int> count{0};
    const fs::path unique = fs::temp_directory_path() / fmt::format("alpha-cli-{}-{}", getpid(), ++count);
    folder_ = unique / "work";
    outputs_ = unique / "outputs";
    fs::create_directories(folder_);
    fs::create_directories(outputs_);
}

Workplace::~Workplace() {
    std::error_code ignored;
    fs::remove_all(folder_.parent_path(), ignored);
}

void Workplace::write(std::string_view name, std::string_view text) const {
    fs::create_directories(path(name).parent_path());
    std::ofstream(path(name), std::ios::binary) << text;
}

std::string Workplace::read(std::string_view name) const {
    return read_whole(path(name));
}

std::vector<std::string> Workplace::names() const {
    std::vector<std::string> names;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder_)) {
        names.push_back(entry.path().lexically_relative(folder_).string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

Ran Workplace::alpha(const std::vector<std::string>& arguments) const {
    return finish(start(arguments));
}

Ran Workplace::shell(const std::string& line) const {
    return finish(launch({"/bin/bash", "-c", "ALPHA='" ALPHA_PROGRAM "'; " + line}));
}

pid_t Workplace::start(const std::vector<std::string>& arguments) const {
    std::vector<std::string> command{ALPHA_PROGRAM};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return launch(command);
}

Ran Workplace::finish(pid_t process) const {
    int status = 0;
    REQUIRE(waitpid(process, &status, 0) == process);
    Ran ran;
    ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    ran.out = read_whole(outputs_ / "out");
    ran.err = read_whole(outputs_ / "err");
    return ran;
}

pid_t Workplace::launch(const std::vector<std::string>& command) const {
    std::vector<char*> argv;
    argv.reserve(command.size() + 1);
    for (const std::string& argument : command) {
        argv.push_back(const_cast<char*>(argument.c_str()));
    }
    argv.push_back(nullptr);
    // The program must not see that it runs under CI or in a terminal without colours, unless a
    // test says so.
    std::vector<std::string> kept;
    for (char** each = environ; *each != nullptr; ++each) {
        const std::string_view variable(*each);
        if (!variable.starts_with("CI=") && !variable.starts_with("NO_COLOR=") && !variable.starts_with("TERM=")) {
            kept.emplace_back(variable);
        }
    }
    kept.emplace_back("TERM=xterm");
    std::vector<char*> envp;
    envp.reserve(kept.size() + 1);
    for (std::string& variable : kept) {
        envp.push_back(variable.data());
    }
    envp.push_back(nullptr);

    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    constexpr int kCreate = O_WRONLY | O_CREAT | O_TRUNC;
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, (outputs_ / "out").c_str(), kCreate, 0600);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, (outputs_ / "err").c_str(), kCreate, 0600);
    posix_spawn_file_actions_addchdir_np(&files, folder_.c_str());
    pid_t process = 0;
    const int failed = posix_spawn(&process, argv[0], &files, nullptr, argv.data(), envp.data());
    posix_spawn_file_actions_destroy(&files);
    REQUIRE(failed == 0);
    return process;
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

std::size_t line_count(std::string_view text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

std::string first_lines(std::string_view text, std::size_t count) {
    std::size_t end = 0;
    for (; count > 0; --count) {
        end = text.find('\n', end) + 1;
    }
    return std::string(text.substr(0, end));
}

std::string json_field(std::string_view json, std::string_view key) {
    const std::string wanted = fmt::format("\"{}\":", key);
    const std::size_t at = json.find(wanted);
    if (at == std::string_view::npos) {
        return {};
    }
    const std::string_view rest = json.substr(at + wanted.size());
    return std::string(rest.substr(0, rest.find_first_of(",}")));
}

std::string synth_scenario(std::string_view name, int ticks) {
    return fmt::format(R"(name: {}
account: {{currency: INR, cash: 1000000}}
data: [{{synth: {{seed: 3, ticks: {}}}}}]
strategies:
  - {{id: cross, use: ema_cross, instruments: ["NSE:ALPHA", "NSE:BETA"], params: {{fast: 5, slow: 20, quantity: 10}}}}
broker: {{paper: {{fill: touch}}}}
charges: none
)",
                       name, ticks);
}

std::string hold_scenario(std::string_view name, std::string_view file) {
    return fmt::format(R"(# Buys ten and holds them.
# Nothing else happens.
name: {}
account: {{currency: INR, cash: 10000}}
data: [{{file: {}, kind: quotes}}]
strategies:
  - {{id: hold, use: buy_and_hold, instruments: ["NSE:X"], params: {{quantity: 10}}}}
broker: {{paper: {{fill: touch}}}}
charges: none
)",
                       name, file);
}

std::string few_quotes(std::string_view last_bid) {
    return fmt::format("ts_ns,instrument,bid,bid_qty,ask,ask_qty\n"
                       "1704080700000000000,NSE:X,100.00,50,100.05,50\n"
                       "1704080701000000000,NSE:X,100.10,50,100.15,50\n"
                       "1704080702000000000,NSE:X,{},50,100.35,50\n",
                       last_bid);
}
