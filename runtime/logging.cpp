#include "runtime/logging.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <spdlog/details/file_helper.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>
#include <vector>

namespace alpha {

namespace {

// UTC, so that lines of machines in different places can be laid side by side.
constexpr const char* kTerminalPattern = "%H:%M:%S.%eZ %l %n: %v";
constexpr const char* kFilePattern = "%Y-%m-%dT%H:%M:%S.%fZ %l %n: %v";

spdlog::level::level_enum level_of(int verbosity) {
    switch (std::clamp(verbosity, -1, 3)) {
    case -1: return spdlog::level::err;
    case 0: return spdlog::level::warn;
    case 1: return spdlog::level::info;
    case 2: return spdlog::level::debug;
    default: return spdlog::level::trace;
    }
}

void prepare(spdlog::sinks::sink& sink, const char* pattern, spdlog::level::level_enum level) {
    sink.set_formatter(std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
    sink.set_level(level);
}

/// A file that can be opened again by its name.
class FileSink final : public spdlog::sinks::base_sink<std::mutex> {
public:
    explicit FileSink(const std::string& path) {
        refuse_to_wait(path);
        file_.open(path);
    }
    void reopen() {
        const std::lock_guard lock(mutex_);
        is_open_ = false;  // until it is again: where it cannot be, nothing may be written
        refuse_to_wait(file_.filename());
        file_.reopen(false);
        is_open_ = true;
    }

protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        if (!is_open_) {
            return;
        }
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        file_.write(line);
    }
    void flush_() override {
        if (is_open_) {
            file_.flush();
        }
    }

private:
    /// Opening a pipe waits for its reader, who may never come.
    static void refuse_to_wait(const std::string& path) {
        const int descriptor = open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (descriptor >= 0) {
            close(descriptor);
        } else if (errno == ENXIO) {
            throw spdlog::spdlog_ex("nobody reads from the pipe " + path);
        }
    }

    spdlog::details::file_helper file_;
    bool is_open_ = true;
};

}  // namespace

struct Loggers::Sinks {
    std::shared_ptr<FileSink> file;  ///< null: none
    std::vector<spdlog::sink_ptr> all;
    spdlog::level::level_enum finest = spdlog::level::warn;
    std::mutex mutex;  ///< guards `made`
    std::map<std::string, std::shared_ptr<spdlog::logger>> made;
};

Loggers::Loggers(const LogOptions& options) : sinks_(std::make_unique<Sinks>()) {
    const auto level = level_of(options.verbosity);
    sinks_->finest = level;
    sinks_->all.push_back(std::make_shared<spdlog::sinks::stderr_sink_mt>());
    prepare(*sinks_->all.back(), kTerminalPattern, level);
    if (options.file.empty()) {
        return;
    }
    try {
        sinks_->file = std::make_shared<FileSink>(options.file);
        sinks_->all.push_back(sinks_->file);
        sinks_->finest = std::min(level, spdlog::level::debug);
        prepare(*sinks_->all.back(), kFilePattern, sinks_->finest);
    } catch (const spdlog::spdlog_ex& e) {
        of("logging")->error("{}; logging goes on without the file", e.what());
    }
}

Loggers::~Loggers() = default;

std::shared_ptr<spdlog::logger> Loggers::of(const std::string& component) const {
    const std::lock_guard lock(sinks_->mutex);
    std::shared_ptr<spdlog::logger>& logger = sinks_->made[component];
    if (logger == nullptr) {
        // Not by spdlog's factories: those would enter it in a registry of the whole process.
        logger = std::make_shared<spdlog::logger>(component, sinks_->all.begin(), sinks_->all.end());
        logger->set_level(sinks_->finest);
        logger->flush_on(spdlog::level::warn);
    }
    return logger;
}

void Loggers::reopen() const {
    if (sinks_->file == nullptr) {
        return;
    }
    try {
        sinks_->file->reopen();
        of("logging")->info("the log file was opened anew");
    } catch (const spdlog::spdlog_ex& e) {
        of("logging")->error("{}; logging goes on without the file", e.what());
    }
}

}  // namespace alpha
