#include "runtime/notifier.hpp"

#include "store/machine.hpp"

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <mutex>
#include <spawn.h>
#include <spdlog/spdlog.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace alpha {

namespace {

constexpr std::size_t kMostWaiting = 100;
constexpr std::chrono::seconds kPatience{30};

class CommandNotifier final : public Notifier {
public:
    CommandNotifier(std::string command, std::shared_ptr<spdlog::logger> log)
        : command_(std::move(command)), log_(std::move(log)), thread_([this] { run(); }) {}
    CommandNotifier(const CommandNotifier&) = delete;
    CommandNotifier& operator=(const CommandNotifier&) = delete;
    ~CommandNotifier() override {
        {
            const std::lock_guard lock(mutex_);
            ending_ = true;
        }
        said_.notify_one();
        thread_.join();
    }

    void say(const std::string& sentence) override {
        {
            const std::lock_guard lock(mutex_);
            if (waiting_.size() >= kMostWaiting) {
                ++dropped_;
                return;
            }
            waiting_.push_back(sentence);
        }
        said_.notify_one();
    }

private:
    void run() {
        for (;;) {
            std::string sentence;
            std::size_t dropped = 0;
            {
                std::unique_lock lock(mutex_);
                said_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
                if (waiting_.empty()) {
                    return;
                }
                sentence = std::move(waiting_.front());
                waiting_.pop_front();
                dropped = std::exchange(dropped_, 0);
            }
            if (dropped != 0) {
                log_->warn("notify: {} more were said than could be told", dropped);
            }
            if (const Result<void> told = no_exceptions([&] { return tell(sentence), Result<void>{}; }); !told) {
                log_->warn("notify: {}", told.error().message);
            }
        }
    }

    void tell(const std::string& sentence) {
        std::vector<std::string> environment;
        for (char** each = environ; *each != nullptr; ++each) {
            environment.emplace_back(*each);
        }
        environment.push_back("ALPHA_NOTIFY=" + sentence);
        std::vector<char*> pointers;
        pointers.reserve(environment.size() + 1);
        for (std::string& each : environment) {
            pointers.push_back(each.data());
        }
        pointers.push_back(nullptr);
        std::string shell = "sh";
        std::string option = "-c";
        std::string command = command_;
        char* arguments[] = {shell.data(), option.data(), command.data(), nullptr};
        posix_spawn_file_actions_t files{};
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        // What this program ignores (cli/main.cpp), a command would ignore without knowing.
        sigset_t ignored{};
        sigemptyset(&ignored);
        sigaddset(&ignored, SIGPIPE);
        sigaddset(&ignored, SIGXFSZ);
        posix_spawnattr_t attributes{};
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setsigdefault(&attributes, &ignored);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
        pid_t child = 0;
        const int failed = posix_spawn(&child, "/bin/sh", &files, &attributes, arguments, pointers.data());
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&files);
        if (failed != 0) {
            log_->warn("notify: the command cannot be run: {}", reason_of(failed));
            return;
        }
        wait_for(child);
    }

    void wait_for(pid_t child) {
        constexpr std::chrono::milliseconds kLook{20};
        const auto end = std::chrono::steady_clock::now() + kPatience;
        int status = 0;
        pid_t ended = 0;
        while ((ended = ::waitpid(child, &status, WNOHANG)) == 0 && std::chrono::steady_clock::now() < end) {
            std::this_thread::sleep_for(kLook);
        }
        if (ended == 0) {
            ::kill(child, SIGKILL);
            ::waitpid(child, &status, 0);
            log_->warn("notify: the command took longer than {} s and was ended", kPatience.count());
        } else if (ended < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            log_->warn("notify: the command failed");
        }
    }

    std::string command_;
    std::shared_ptr<spdlog::logger> log_;
    std::mutex mutex_;
    std::condition_variable said_;
    std::deque<std::string> waiting_;
    std::size_t dropped_ = 0;
    bool ending_ = false;
    std::thread thread_;  // last: it uses all of the above
};

}  // namespace

std::unique_ptr<Notifier> make_notifier(std::string command, std::shared_ptr<spdlog::logger> log) {
    return std::make_unique<CommandNotifier>(std::move(command), std::move(log));
}

}  // namespace alpha
