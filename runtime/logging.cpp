#include "runtime/logging.hpp"

#include "events/text.hpp"
#include "store/machine.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <mutex>
#include <poll.h>
#include <spdlog/details/log_msg_buffer.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <string_view>
#include <thread>
#include <unistd.h>
#include <utility>
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

/// Lines to a descriptor, not by stdio: a write that waits for ever must not hold what others need to end the program.
class LineSink : public spdlog::sinks::base_sink<std::mutex> {
public:
    /// Keeps up to `most_kept` bytes back until it is flushed.
    LineSink(int descriptor, std::size_t most_kept) : descriptor_(descriptor), most_kept_(most_kept) {}
    LineSink(const LineSink&) = delete;
    LineSink& operator=(const LineSink&) = delete;
    ~LineSink() override {
        static_cast<void>(no_exceptions([this] { return write_out(), Result<void>{}; }));
    }
    /// Text as it is.
    void show(std::string_view text) {
        const std::lock_guard lock(mutex_);
        kept_.append(text.data(), text.data() + text.size());
        write_out();
    }

protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        const std::string text = revealed({message.payload.data(), message.payload.size()});
        spdlog::details::log_msg shown = message;
        shown.payload = text;
        formatter_->format(shown, kept_);
        if (kept_.size() > most_kept_) {
            write_out();
        }
    }
    void flush_() override { write_out(); }
    void write_out() {
        const spdlog::memory_buf_t lines = std::move(kept_);
        kept_.clear();
        const char* at = lines.data();
        const char* const end = at + lines.size();
        while (descriptor_ >= 0 && at != end) {
            const ssize_t written = ::write(descriptor_, at, static_cast<std::size_t>(end - at));
            if (written >= 0) {
                at += written;
            } else if (errno == EAGAIN) {  // somebody else at the same terminal made it so
                pollfd room{descriptor_, POLLOUT, 0};
                ::poll(&room, 1, -1);
            } else if (errno != EINTR) {
                throw spdlog::spdlog_ex("cannot write to the log", errno);
            }
        }
    }

    int descriptor_;  // -1: what is logged here is dropped

private:
    std::size_t most_kept_;
    spdlog::memory_buf_t kept_;
};

/// A file that can be opened again by its name.
class FileSink final : public LineSink {
public:
    explicit FileSink(std::string path) : LineSink(-1, kKeptOfFile), path_(std::move(path)) { open(); }
    FileSink(const FileSink&) = delete;
    FileSink& operator=(const FileSink&) = delete;
    ~FileSink() override { close(); }
    /// Where that does not work, nothing is written any more.
    void reopen() {
        const std::lock_guard lock(mutex_);
        close();
        open();
    }

private:
    static constexpr std::size_t kKeptOfFile = 4'096;

    void open() {
        std::error_code ignored;
        std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), ignored);
        // Opening a pipe waits for its reader, who may never come.
        descriptor_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
        if (descriptor_ < 0) {
            throw spdlog::spdlog_ex(errno == ENXIO ? "nobody reads from the pipe " + path_
                                                   : "cannot open the log file " + path_ + ": " + reason_of(errno));
        }
        ::fcntl(descriptor_, F_SETFL, O_APPEND);
    }
    void close() {
        static_cast<void>(no_exceptions([this] { return write_out(), Result<void>{}; }));
        if (descriptor_ >= 0) {
            ::close(std::exchange(descriptor_, -1));
        }
    }

    std::string path_;
};

/// Hands lines to a sink: at once, or between begin() and end() on a thread of its own, so that nobody who logs waits for a
/// terminal that is held, a pipe that nobody reads or a disk. What there is no room for is lost, and counted.
class Aside final : public spdlog::sinks::sink {
public:
    explicit Aside(std::shared_ptr<LineSink> inner) : lane_(std::make_shared<Lane>()) {
        lane_->inner = std::move(inner);
    }
    Aside(const Aside&) = delete;
    Aside& operator=(const Aside&) = delete;
    ~Aside() override { end(); }

    void begin() {
        const std::lock_guard lock(lane_->mutex);
        if (lane_->mode == Mode::direct) {
            lane_->is_ending = false;
            thread_ = std::thread([lane = lane_] { lane->run(); });
            lane_->mode = Mode::aside;
        }
    }
    /// Waits for what is on its way, but not for ever. Where it does not get away, it and all that follows is lost.
    void end() {
        if (!thread_.joinable()) {
            return;
        }
        std::unique_lock lock(lane_->mutex);
        lane_->is_ending = true;
        lane_->changed.notify_all();
        if (lane_->changed.wait_for(lock, kPatience, [this] { return lane_->mode == Mode::direct; })) {
            lock.unlock();
            thread_.join();
            return;
        }
        lane_->mode = Mode::lost;
        thread_.detach();
    }

    void log(const spdlog::details::log_msg& message) override {
        {
            const std::lock_guard lock(lane_->mutex);
            lane_->is_last_word = lane_->is_last_word || message.level == spdlog::level::critical;
            if (lane_->mode != Mode::direct) {
                lane_->put([inner = lane_->inner, message = spdlog::details::log_msg_buffer(message)] {
                    inner->log(message);
                });
                return;
            }
        }
        lane_->inner->log(message);
    }
    /// What is put aside is flushed there. Only behind a last word is it waited for: the process ends then.
    void flush() override {
        {
            std::unique_lock lock(lane_->mutex);
            if (lane_->mode != Mode::direct) {
                if (lane_->is_last_word) {
                    lane_->changed.wait_for(lock, kPatience, [this] { return lane_->is_idle(); });
                }
                return;
            }
        }
        lane_->inner->flush();
    }
    /// Does something with the sink in its turn.
    void then(std::function<void()> work) {
        {
            const std::lock_guard lock(lane_->mutex);
            if (lane_->mode != Mode::direct) {
                lane_->put(std::move(work));
                return;
            }
        }
        work();
    }
    bool is_idle() const {
        const std::lock_guard lock(lane_->mutex);
        return lane_->mode == Mode::direct || lane_->is_idle();
    }
    void set_pattern(const std::string& pattern) override { lane_->inner->set_pattern(pattern); }
    void set_formatter(std::unique_ptr<spdlog::formatter> formatter) override {
        lane_->inner->set_formatter(std::move(formatter));
    }

private:
    using Work = std::function<void()>;
    static constexpr std::size_t kMostWaiting = 1'000;
    static constexpr std::chrono::seconds kPatience{1};

    enum class Mode : std::uint8_t { direct, aside, lost };

    /// What the thread needs, which may outlive all else in a write that does not return.
    struct Lane {
        std::mutex mutex;  ///< guards all but `inner`
        std::condition_variable changed;
        std::deque<Work> waiting;
        Mode mode = Mode::direct;
        bool is_busy = false;
        bool is_ending = false;
        bool is_last_word = false;
        std::uint64_t lost = 0;  ///< and not told of yet
        std::shared_ptr<LineSink> inner;

        bool is_idle() const { return waiting.empty() && !is_busy; }
        /// Requires the mutex.
        void put(Work work) {
            if (mode == Mode::lost || waiting.size() >= kMostWaiting) {
                ++lost;
                return;
            }
            waiting.push_back(std::move(work));
            changed.notify_all();
        }
        void run() {
            for (;;) {
                std::deque<Work> batch;
                std::uint64_t untold = 0;
                {
                    std::unique_lock lock(mutex);
                    is_busy = false;
                    changed.notify_all();
                    changed.wait(lock, [this] { return !waiting.empty() || is_ending; });
                    if (waiting.empty()) {
                        mode = mode == Mode::aside ? Mode::direct : mode;
                        changed.notify_all();
                        return;
                    }
                    is_busy = true;
                    batch.swap(waiting);
                    untold = lost;
                }
                const Result<void> written = no_exceptions([&] {
                    for (const Work& work : batch) {
                        work();
                    }
                    inner->flush();
                    return Result<void>{};
                });
                if (!written) {  // a full disk, say
                    const std::lock_guard lock(mutex);
                    lost += batch.size();
                } else if (untold != 0 && tell_of(untold)) {
                    const std::lock_guard lock(mutex);
                    lost -= untold;
                }
            }
        }
        bool tell_of(std::uint64_t lines) const {
            const std::string text = fmt::format("{} lines are missing here: they could not be written", lines);
            return no_exceptions([&] {
                       inner->log({"logging", spdlog::level::warn, text});
                       inner->flush();
                       return Result<void>{};
                   })
                .has_value();
        }
    };

    std::shared_ptr<Lane> lane_;
    std::thread thread_;
};

}  // namespace

struct Loggers::Sinks {
    std::shared_ptr<Aside> terminal;
    std::shared_ptr<LineSink> shown;  ///< behind `terminal`
    std::shared_ptr<Aside> file;      ///< null: none
    std::shared_ptr<FileSink> kept;   ///< behind `file`
    std::vector<spdlog::sink_ptr> all;
    spdlog::level::level_enum finest = spdlog::level::warn;
    std::mutex mutex;  ///< guards `made`
    std::map<std::string, std::shared_ptr<spdlog::logger>> made;
};

Loggers::Loggers(const LogOptions& options) : sinks_(std::make_unique<Sinks>()) {
    const auto level = level_of(options.verbosity);
    sinks_->finest = level;
    sinks_->shown = std::make_shared<LineSink>(STDERR_FILENO, 0);
    sinks_->terminal = std::make_shared<Aside>(sinks_->shown);
    sinks_->all.push_back(sinks_->terminal);
    prepare(*sinks_->terminal, kTerminalPattern, level);
    if (options.file.empty()) {
        return;
    }
    try {
        sinks_->kept = std::make_shared<FileSink>(options.file);
        sinks_->file = std::make_shared<Aside>(sinks_->kept);
        sinks_->all.push_back(sinks_->file);
        sinks_->finest = std::min(level, spdlog::level::debug);
        prepare(*sinks_->file, kFilePattern, sinks_->finest);
    } catch (const spdlog::spdlog_ex& e) {
        of("logging")->error("{}; logging goes on without the file", e.what());
    }
}

Loggers::~Loggers() {
    end_aside();
}

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
    const std::shared_ptr<spdlog::logger> log = of("logging");
    // In its turn, for a pipe that nobody reads must not hold up who asks for it.
    sinks_->file->then([kept = sinks_->kept, log] {
        try {
            kept->reopen();
            log->info("the log file was opened anew");
        } catch (const spdlog::spdlog_ex& e) {
            log->error("{}; logging goes on without the file", e.what());
        }
    });
}

void Loggers::begin_aside() const {
    sinks_->terminal->begin();
    if (sinks_->file != nullptr) {
        sinks_->file->begin();
    }
}

void Loggers::end_aside() const {
    sinks_->terminal->end();
    if (sinks_->file != nullptr) {
        sinks_->file->end();
    }
}

bool Loggers::is_terminal_free() const {
    return sinks_->terminal->is_idle();
}

void Loggers::show(std::function<std::string()> text) const {
    sinks_->terminal->then([shown = sinks_->shown, text = std::move(text)] { shown->show(text()); });
}

}  // namespace alpha
