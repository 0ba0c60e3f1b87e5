#include "runtime/control.hpp"
#include "runtime/meeting_place.hpp"
#include "tests/runtime/support.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <future>
#include <mutex>
#include <optional>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>
#include <sstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>

using namespace alpha;
using namespace alpha::runtime_test;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

/// A session's side: says what it was asked, or keeps who asked for later.
struct Session {
    explicit Session(const std::string& journal, const ControlLimits& limits = {}) {
        Result<std::unique_ptr<Control>> listening = Control::listen(
            journal,
            [this](const std::string& line, std::shared_ptr<Control::Asker> asker) {
                if (line == "wait") {
                    const std::lock_guard lock(mutex);
                    waiting.push_back(std::move(asker));
                } else {
                    asker->answer([line] { return "heard " + line; });
                }
            },
            nullptr, std::make_shared<spdlog::logger>("control", std::make_shared<spdlog::sinks::ostream_sink_mt>(log)),
            limits);
        REQUIRE(listening);
        control = std::move(*listening);
    }
    /// Whoever asked "wait", once so many have.
    std::vector<std::shared_ptr<Control::Asker>> askers(std::size_t count) {
        for (int i = 0; i < 1'000; ++i) {
            {
                const std::lock_guard lock(mutex);
                if (waiting.size() >= count) {
                    return waiting;
                }
            }
            std::this_thread::sleep_for(10ms);
        }
        FAIL("nobody asked");
        return {};
    }

    std::ostringstream log;
    std::mutex mutex;
    std::vector<std::shared_ptr<Control::Asker>> waiting;
    std::unique_ptr<Control> control;  // last: it uses all of the above
};

/// Somebody at a socket, who knows no manners.
class Caller {
public:
    explicit Caller(const std::string& where) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        REQUIRE(where.size() < sizeof address.sun_path);
        std::memcpy(address.sun_path, where.data(), where.size());
        connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }
    Caller(Caller&& other) noexcept : socket_(std::exchange(other.socket_, -1)), connected_(other.connected_) {}
    Caller(const Caller&) = delete;
    Caller& operator=(const Caller&) = delete;
    Caller& operator=(Caller&&) = delete;
    ~Caller() { hang_up(); }
    bool connected() const { return connected_; }
    void say(const std::string& text) const {
        static_cast<void>(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL));
    }
    void say_no_more() const { ::shutdown(socket_, SHUT_WR); }
    void hang_up() {
        if (socket_ >= 0) {
            ::close(std::exchange(socket_, -1));
        }
    }
    /// All that is said until the other side closes the connection.
    std::string hear() const {
        std::string heard;
        char piece[256];
        for (ssize_t n = 0; (n = ::recv(socket_, piece, sizeof piece, 0)) > 0;) {
            heard.append(piece, static_cast<std::size_t>(n));
        }
        return heard;
    }

private:
    int socket_;
    bool connected_ = false;
};

/// A variable of the environment for one test.
class Variable {
public:
    Variable(const char* name, const std::string& value) : name_(name) {
        const char* const before = std::getenv(name);
        before_ = before == nullptr ? std::nullopt : std::optional<std::string>(before);
        ::setenv(name, value.c_str(), 1);
    }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;
    ~Variable() {
        if (before_) {
            ::setenv(name_, before_->c_str(), 1);
        } else {
            ::unsetenv(name_);
        }
    }

private:
    const char* name_;
    std::optional<std::string> before_;
};

std::string make_folder(const std::string& path) {
    fs::create_directories(path);
    return path;
}

struct stat status_of(const std::string& path) {
    struct stat status{};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status;
}

/// The socket of a session that was killed.
void leave_a_socket(const std::string& where) {
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    where.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::close(socket);
}

template <class Condition>
bool comes_true(Condition condition) {
    for (int i = 0; i < 1'000; ++i) {
        if (condition()) {
            return true;
        }
        std::this_thread::sleep_for(10ms);
    }
    return false;
}

std::size_t lines_of(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

}  // namespace

TEST_CASE("a session is asked at its journal, by its owner alone, and leaves nothing behind", "[runtime]") {
    const TempFolder folder;
    const std::string journal = make_folder(folder / "journal");
    const mode_t mask = GENERATE(0U, 022U, 0777U);
    CAPTURE(mask);
    CHECK_FALSE(is_session_running(journal));
    CHECK(ask_session(journal, "hello").error().kind == ErrorKind::usage);
    {
        const mode_t before = ::umask(mask);
        const Session session(journal);
        CHECK(::umask(before) == mask);
        CHECK(session.control->where() == journal + "/control.sock");
        CHECK(status_of(journal + "/control.sock").st_mode == (S_IFSOCK | S_IRUSR | S_IWUSR));
        CHECK(is_session_running(journal));
        CHECK(ask_session(journal, "hello").value() == "heard hello");
        CHECK(ask_session(journal, "a\nb").error().kind == ErrorKind::usage);
        CHECK(ask_session(journal, std::string(4'096, 'x')).error().kind == ErrorKind::usage);
        CHECK(ask_session(journal, std::string(4'095, 'x')).value().size() == 4'101);
        // A renamed folder takes its socket along; a copy's is nobody's.
        fs::rename(journal, folder / "renamed");
        CHECK(ask_session(folder / "renamed", "you").value() == "heard you");
        CHECK(std::system(("cp -r " + (folder / "renamed") + " " + journal).c_str()) == 0);
        CHECK_FALSE(is_session_running(journal));
        const Session of_the_copy(journal);
        CHECK(ask_session(journal, "copy").value() == "heard copy");
    }
    CHECK(fs::is_empty(journal));
    CHECK(fs::is_empty(folder / "renamed"));
    CHECK(ask_session(journal, "hello").error().message == journal + ": no session runs there");
}

TEST_CASE("a session is asked at a journal whose path no socket address could hold", "[runtime]") {
    const TempFolder folder;
    const std::string journal = make_folder(folder / (std::string(120, 'a') + "/" + std::string(120, 'b')));
    const Session session(journal);
    CHECK(session.control->where() == journal + "/control.sock");
    CHECK(fs::is_socket(journal + "/control.sock"));
    CHECK(ask_session(journal, "hello").value() == "heard hello");
}

TEST_CASE("what a killed session left is replaced, and whatever else lies there stays", "[runtime]") {
    const TempFolder folder;
    const std::string journal = make_folder(folder / "journal");
    const std::string name = journal + "/control.sock";
    const std::string own = make_folder(folder / "runtime");
    const bool has_other_place = GENERATE(true, false);
    const Variable place("XDG_RUNTIME_DIR", has_other_place ? own : "");
    ::chmod(own.c_str(), 0700);
    SECTION("our own socket") {
        leave_a_socket(name);
        CHECK_FALSE(is_session_running(journal));
        const Session session(journal);
        CHECK(session.control->where() == name);
        CHECK(ask_session(journal, "hello").value() == "heard hello");
        CHECK(session.log.str().empty());
    }
    SECTION("no socket of ours") {
        std::string what;
        SECTION("a file") {
            write_text(name, "precious");
            what = "a file";
        }
        SECTION("a link to another session") {
            make_folder(folder / "other");
            fs::create_symlink(folder / "other/control.sock", name);
            what = "a link";
        }
        SECTION("a pipe") {
            REQUIRE(::mkfifo(name.c_str(), 0600) == 0);
            what = "a pipe";
        }
        SECTION("a folder") {
            make_folder(name);
            what = "a folder";
        }
        SECTION("another user's socket") {
            leave_a_socket(name);
            if (::chown(name.c_str(), 65'534, 65'534) != 0) {
                return;  // only root can give it away
            }
            what = "a socket of another user";
        }
        if (what.empty()) {
            return;
        }
        const struct stat before = status_of(name);
        {
            std::optional<Session> other;
            if (what == "a link") {
                other.emplace(folder / "other");
            }
            const Session session(journal);
            CHECK(session.log.str().find(name + ": " + what + " lies where the session's own socket belongs; remove") !=
                  std::string::npos);
            CHECK(session.control->where().starts_with(own) == has_other_place);
            CHECK(is_session_running(journal) == has_other_place);
            const Result<std::string> answer = ask_session(journal, "hello");
            CHECK(answer.has_value() == has_other_place);
            if (has_other_place) {
                CHECK(status_of(session.control->where()).st_mode == (S_IFSOCK | S_IRUSR | S_IWUSR));
            }
        }
        CHECK(status_of(name).st_ino == before.st_ino);
        CHECK(fs::is_empty(own));
    }
}

TEST_CASE("a folder in which others may write is no place to meet", "[runtime]") {
    const TempFolder folder;
    const std::string journal = make_folder(folder / "journal");
    write_text(journal + "/control.sock", "");
    const std::string own = make_folder(folder / "runtime");
    ::chmod(own.c_str(), 0770);
    const Variable place("XDG_RUNTIME_DIR", own);
    const Session session(journal);
    CHECK(session.control->where().empty());
    CHECK(fs::is_empty(own));
}

TEST_CASE("a session that nobody can reach still opens its log file anew", "[runtime]") {
    const TempFolder folder;
    const std::string journal = make_folder(folder / "journal");
    const bool is_reachable = GENERATE(false, true);
    if (!is_reachable) {
        write_text(journal + "/control.sock", "");
    }
    const Variable place("XDG_RUNTIME_DIR", "");
    std::atomic<int> hangups{0};
    const Result<std::unique_ptr<Control>> control =
        Control::listen(journal, nullptr, [&] { ++hangups; }, std::make_shared<spdlog::logger>("control"));
    REQUIRE(control);
    CHECK((*control)->where().empty() != is_reachable);
    for (int i = 1; i <= 2; ++i) {
        REQUIRE(::kill(::getpid(), SIGHUP) == 0);
        CHECK(comes_true([&] { return hangups == i; }));
    }
}

TEST_CASE("only its own socket is removed when a session ends", "[runtime]") {
    const TempFolder folder;
    const std::string journal = make_folder(folder / "journal");
    std::optional<Session> first(journal);
    const Session second(journal);  // as after a folder was put back from elsewhere
    first.reset();
    CHECK(ask_session(journal, "hello").value() == "heard hello");
}

TEST_CASE("who says nothing, too much, or too late is let go, and counted", "[runtime]") {
    const TempFolder folder;
    const std::string journal = make_folder(folder / "journal");
    ControlLimits limits;
    limits.silence = 100ms;
    limits.wait = 100ms;
    Session session(journal, limits);
    const std::string where = session.control->where();
    CHECK(Caller(where).hear().empty());
    CHECK(session.control->counts().turned_away == 1);
    const Caller endless(where);
    endless.say(std::string(5'000, 'x'));
    CHECK(endless.hear().empty());
    CHECK(session.control->counts().turned_away == 2);
    const Caller patient(where);
    patient.say("wait\n");
    CHECK(patient.hear().empty());
    const auto asker = session.askers(1).front();
    CHECK_FALSE(asker->is_there());
    asker->answer([] { return "too late"; });
    const Caller polite(where);
    polite.say("hello\n");
    CHECK(polite.hear() == "heard hello");
    CHECK(session.control->counts().turned_away == 2);
}

TEST_CASE("thousands who say nothing do not keep one from being heard", "[runtime]") {
    const TempFolder folder;
    const std::string journal = make_folder(folder / "journal");
    ControlLimits limits;
    limits.silence = 1h;
    Session session(journal, limits);
    const std::string where = session.control->where();
    std::vector<Caller> silent;
    for (int i = 0; i < 500; ++i) {
        silent.emplace_back(where);
    }
    CHECK(ask_session(journal, "hello").value() == "heard hello");
    std::atomic<bool> over{false};
    std::thread flood([&] {
        for (int i = 0; i < 5'000 && !over; ++i) {
            silent[static_cast<std::size_t>(i) % silent.size()].hang_up();
            const Caller more(where);
        }
    });
    for (int i = 0; i < 20; ++i) {
        CHECK(ask_session(journal, "hello").value_or("not heard") == "heard hello");
    }
    over = true;
    flood.join();
    CHECK(session.control->counts().turned_away >= 500 - limits.connections);
    session.control.reset();
    CHECK(lines_of(session.log.str()) <= 2);
    CHECK(session.log.str().find("so far 0 connections of other users and ") != std::string::npos);
}

TEST_CASE("who has asked keeps its place, and the next one is let in when one goes", "[runtime]") {
    const TempFolder folder;
    const std::string journal = make_folder(folder / "journal");
    ControlLimits limits;
    limits.connections = 2;
    Session session(journal, limits);
    const std::string where = session.control->where();
    Caller first(where);
    first.say("wait\n");
    const Caller second(where);
    second.say("wait\n");
    const auto askers = session.askers(2);
    CHECK(ask_session(journal, "hello", 300ms).error().kind == ErrorKind::transient);
    first.hang_up();
    CHECK(ask_session(journal, "hello").value() == "heard hello");
    askers[1]->answer([] { return "at last"; });
    CHECK(second.hear() == "at last");
}

TEST_CASE("it is known at once that an asker has gone, and that one only says no more", "[runtime]") {
    const TempFolder folder;
    const std::string journal = make_folder(folder / "journal");
    Session session(journal);
    Caller caller(session.control->where());
    caller.say("wait\n");
    const auto asker = session.askers(1).front();
    CHECK(asker->is_there());
    caller.say_no_more();
    CHECK(asker->is_there());
    SECTION("it still hears") {
        asker->answer([] { return "first"; });
        asker->answer([] { return "second"; });
        CHECK(caller.hear() == "first");
        CHECK(comes_true([&] { return !asker->is_there(); }));
    }
    SECTION("it hangs up") {
        caller.hang_up();
        CHECK_FALSE(asker->is_there());
        asker->answer([] { return "nobody hears this"; });
    }
    SECTION("the session ends") {
        session.control.reset();
        CHECK_FALSE(asker->is_there());
        asker->answer([] { return "nobody hears this"; });
        CHECK(caller.hear().empty());
    }
    SECTION("it is answered as the session ends") {
        asker->answer([] { return "the last word"; });
        session.control.reset();
        CHECK(caller.hear() == "the last word");
    }
}

TEST_CASE("askers are answered from any thread while they come and go", "[runtime]") {
    const TempFolder folder;
    const std::string journal = make_folder(folder / "journal");
    std::optional<Session> session(journal);
    std::vector<std::future<int>> callers;
    for (int i = 0; i < 4; ++i) {
        callers.push_back(std::async(std::launch::async, [&, i] {
            int heard = 0;
            for (int n = 0; n < 50; ++n) {
                Caller caller(journal + "/control.sock");
                caller.say("wait\n");
                if ((n + i) % 2 == 0) {
                    heard += caller.hear() == "answer" ? 1 : 0;
                }
            }
            return heard;
        }));
    }
    std::size_t answered = 0;
    while (answered < 200) {
        const auto askers = session->askers(answered + 1);
        for (; answered < askers.size(); ++answered) {
            static_cast<void>(askers[answered]->is_there());
            askers[answered]->answer([] { return "answer"; });
        }
    }
    for (std::future<int>& each : callers) {
        CHECK(each.get() == 25);
    }
}

TEST_CASE("who asks does not wait for ever", "[runtime]") {
    const TempFolder folder;
    const std::string journal = make_folder(folder / "journal");
    const auto begun = std::chrono::steady_clock::now();
    SECTION("for an answer") {
        Session session(journal);
        const Result<std::string> answer = ask_session(journal, "wait", 200ms);
        REQUIRE_FALSE(answer);
        CHECK(answer.error().kind == ErrorKind::transient);
        CHECK(answer.error().message.find("did not answer") != std::string::npos);
        // And so its request does not happen.
        CHECK_FALSE(session.askers(1).front()->is_there());
    }
    SECTION("to be let in") {
        const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        (journal + "/control.sock").copy(address.sun_path, sizeof address.sun_path - 1);
        REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(::listen(listener, 0) == 0);
        const Caller the_only_one(journal + "/control.sock");
        REQUIRE(the_only_one.connected());
        CHECK(ask_session(journal, "hello", 200ms).error().kind == ErrorKind::transient);
        CHECK(is_session_running(journal));
        ::close(listener);
    }
    CHECK(std::chrono::steady_clock::now() - begun < 10s);
}

TEST_CASE("other users are not heard, and counted in a line or two", "[runtime]") {
    if (::geteuid() != 0) {
        return;  // only root can be somebody else
    }
    const TempFolder folder;
    const std::string journal = make_folder(folder / "journal");
    Session session(journal);
    const std::string where = session.control->where();
    const auto connect_as_nobody = [&](int times) {
        const pid_t child = ::fork();
        if (child == 0) {
            int connected = 0;
            bool is_silent = ::setgid(65'534) == 0 && ::setuid(65'534) == 0;
            for (int i = 0; i < times; ++i) {
                const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
                sockaddr_un address{};
                address.sun_family = AF_UNIX;
                std::memcpy(address.sun_path, where.data(), where.size());
                if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
                    ++connected;
                    static_cast<void>(::send(socket, "hello\n", 6, MSG_NOSIGNAL));
                    char heard = 0;
                    is_silent = is_silent && ::recv(socket, &heard, 1, 0) <= 0;
                }
                ::close(socket);
            }
            ::_exit(!is_silent ? 3 : connected == times ? 1 : connected == 0 ? 0 : 2);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        return WEXITSTATUS(status);
    };
    CHECK(connect_as_nobody(10) == 0);  // the door is shut
    CHECK(session.control->counts().strangers == 0);
    ::chmod(where.c_str(), 0666);  // and where somebody opens it, each is looked at
    CHECK(connect_as_nobody(5'000) == 1);
    CHECK(session.control->counts().strangers == 5'000);
    CHECK(ask_session(journal, "hello").value() == "heard hello");
    session.control.reset();
    CHECK(session.log.str().find("so far 5000 connections of other users") != std::string::npos);
    CHECK(lines_of(session.log.str()) == 2);

    // The asking side looks as well: what another user has put there is not spoken to.
    const pid_t child = ::fork();
    if (child == 0) {
        ::chmod(journal.c_str(), 0777);
        const bool is_other = ::setgid(65'534) == 0 && ::setuid(65'534) == 0;
        const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, where.data(), where.size());
        const bool listens = ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                             ::listen(socket, 5) == 0;
        ::sleep(is_other && listens ? 60 : 0);
        ::_exit(0);
    }
    CHECK(comes_true([&] { return ask_session(journal, "hello").error().message.ends_with("is another user's"); }));
    CHECK_FALSE(is_session_running(journal));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
}
