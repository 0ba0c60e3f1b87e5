/// Breaks journals in every way we can think of, and checks after each that what was acknowledged is there, that the chain
/// verifies, and that nothing is silently different. Every failure prints the seed and the command that repeats it.
///
/// usage: journal_torture power|refuse|calls|kill|failpoints|flips|files|full|tmpfs|writers [--count N] [--seed N]
///                        [--plant skip-sync] [--folder DIR]
///
/// What an event holds follows from its number alone, so whatever comes back is compared with what must have been written.

#include "store/anchor.hpp"
#include "store/background_log.hpp"
#include "store/failpoint.hpp"
#include "store/frame.hpp"
#include "store/journal.hpp"
#include "store/verify.hpp"
#include "tests/faults/simulated_disk.hpp"
#include "tests/faults/system_calls.hpp"
#include "tests/store/support.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace alpha::faults {
namespace {

namespace fs = std::filesystem;
using store_test::append_mixed;
using store_test::TempFolder;

constexpr std::uint8_t kTable = 1;
constexpr char kRowKey[] = "end";
constexpr char kOldJournal[] = ALPHA_SOURCE_DIR "/tests/store/journals/v1-kill-switch";
constexpr Seq kOldEvents = 20;

/// What a child tells its parent, however it ends.
struct Shared {
    Seq acknowledged = 0;  ///< everything before it was committed
    Seq written = 0;       ///< everything before it was handed over
    std::uint64_t operations = 0;
    char said[4'096] = {};
};

Shared* shared_page() {
    void* const page = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        std::perror("mmap");
        std::exit(1);
    }
    return new (page) Shared;
}

void say(Shared& shared, const std::string& text) {
    std::snprintf(shared.said, sizeof shared.said, "%s", text.c_str());
}

pid_t begin_child(const std::function<int()>& body) {
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
        const rlimit none{0, 0};
        ::setrlimit(RLIMIT_CORE, &none);
        std::freopen("/dev/null", "w", stderr);  // RocksDB's last words
        ::_exit(body());
    }
    return child;
}

/// How a child ended: its exit code, or minus the signal.
int wait_for(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int in_child(const std::function<int()>& body) {
    return wait_for(begin_child(body));
}

// ---- a session that writes ------------------------------------------------------------------------------------------------

std::string text(std::initializer_list<std::string_view> parts) {
    std::string whole;
    for (const std::string_view part : parts) {
        whole += part;
    }
    return whole;
}

std::string in(const std::string& folder, const std::string& name) {
    return text({folder, "/", name});
}

void fill(Batch& batch, std::uint32_t events) {
    for (std::uint32_t i = 0; i < events; ++i) {
        append_mixed(batch.frame, batch.frame.next_seq());
    }
    const std::string end = std::to_string(batch.frame.next_seq());
    batch.rows.add({kTable, kRowKey, end});
    batch.feed_records = batch.frame.next_seq();
}

/// Appends, commits, closes and opens again as the seed says, until `batches` were written or something refuses.
Result<void> write_session(const std::string& path, const JournalOptions& options, std::uint64_t seed, int batches,
                           Shared& shared) {
    std::mt19937_64 random(seed);
    while (batches > 0) {
        Result<std::unique_ptr<LogWriter>> opened = continue_journal(path, options);
        if (!opened) {
            return tl::make_unexpected(opened.error());
        }
        shared.acknowledged = std::max(shared.acknowledged, (*opened)->next_seq());
        std::unique_ptr<LogWriter> log = std::move(*opened);
        BackgroundLog* background = nullptr;
        if (random() % 2 == 0) {
            auto behind = make_background_log(std::move(log),
                                              {.queue_batches = 3, .commit_interval = std::chrono::milliseconds(1)});
            background = behind.get();
            log = std::move(behind);
        }
        Batch batch;
        batch.begin(log->next_seq());
        for (std::uint64_t until_reopened = 1 + random() % 12; until_reopened > 0 && batches > 0;
             --until_reopened, --batches) {
            fill(batch, static_cast<std::uint32_t>(1 + random() % (random() % 8 == 0 ? 5'000 : 60)));
            if (random() % 6 == 0) {
                batch.snapshot.resize(1 + random() % 3'000);
                std::ranges::fill(std::span(batch.snapshot.data(), batch.snapshot.size()),
                                  static_cast<std::uint8_t>(batch.frame.next_seq()));
            }
            shared.written = batch.frame.next_seq();
            if (Result<void> ok = log->append(batch); !ok) {
                return ok;
            }
            if (random() % 3 == 0) {
                if (Result<void> ok = log->commit(); !ok) {
                    return ok;
                }
                shared.acknowledged = log->next_seq();
            }
            if (background != nullptr) {
                shared.acknowledged = std::max(shared.acknowledged, background->durable_seq());
            }
        }
        if (random() % 3 == 0) {
            if (Result<void> ok = log->finish({}); !ok) {
                return ok;
            }
            shared.acknowledged = log->next_seq();
        }
    }
    return {};
}

// ---- what must hold afterwards ------------------------------------------------------------------------------------------

/// Compares a log with what must have been written. The first difference, or nothing.
std::string first_difference(const LogReader& log) {
    Frame expected;
    std::string different;
    const Result<void> scanned = log.scan(0, [&](const Frame& frame) {
        expected.begin(frame.first_seq);
        for (std::uint32_t i = 0; i < frame.events; ++i) {
            append_mixed(expected, expected.next_seq());
        }
        if (!std::ranges::equal(expected.bytes.view(), frame.bytes.view())) {
            different = "the frame at event " + std::to_string(frame.first_seq) + " holds something else";
        }
        return different.empty();
    });
    return scanned ? different : scanned.error().message;
}

/// Reads a journal as it is: 0 whole and as written; 3 refused; 4 silently different.
int read_journal(const std::string& path, Shared& shared) {
    const Result<std::unique_ptr<Journal>> journal = open_journal(path);
    const Result<Verified> verified = journal ? verify_journal(**journal) : tl::make_unexpected(journal.error());
    if (!verified) {
        say(shared, verified.error().message);
        return 3;
    }
    std::string different = first_difference(**journal);
    const Seq end = (*journal)->next_seq();
    std::string row = "0";
    const Result<void> rows = (*journal)->rows(kTable, [&](const std::string&, const std::string& value) {
        row = value;
        return true;
    });
    if (different.empty() && (!rows || row != std::to_string(end))) {
        different = "the row says " + row + ", the log ends at " + std::to_string(end);
    }
    const auto snapshot = (*journal)->newest_snapshot(kNoSeq - 1);
    if (different.empty() && snapshot && *snapshot &&
        !std::ranges::all_of((*snapshot)->bytes.view(),
                             [&](std::uint8_t b) { return b == static_cast<std::uint8_t>((*snapshot)->next_seq); })) {
        different = "a snapshot holds something else";
    }
    shared.written = end;
    say(shared, different);
    return different.empty() ? 0 : 4;
}

/// The acknowledged prefix is there, as it was written, and the journal can be resumed. Empty, or what is wrong.
std::string check_recovery(const std::string& path, Shared& before) {
    Shared& after = *shared_page();
    std::string wrong;
    if (fs::exists(path)) {
        int read = in_child([&] { return read_journal(path, after); });
        if (read == 3) {  // what a power cut garbles is mended by whoever goes on
            const int mended = in_child([&] { return continue_journal(path) ? 0 : 3; });
            read = mended == 0 ? in_child([&] { return read_journal(path, after); }) : read;
        }
        if (read != 0) {
            wrong = "reading it ended in " + std::to_string(read) + ": " + after.said;
        } else if (after.written < before.acknowledged) {
            wrong = std::to_string(before.acknowledged) + " events were acknowledged, " +
                    std::to_string(after.written) + " are there";
        } else if (after.written > before.written) {
            wrong = "it holds " + std::to_string(after.written) + " events, and only " +
                    std::to_string(before.written) + " were written";
        } else {
            const Seq held = after.written;
            const int went_on = in_child([&] {
                const Result<void> ok = write_session(path, {}, 1, 3, after);
                say(after, ok ? "" : ok.error().message);
                return ok ? 0 : 3;
            });
            if (went_on != 0) {
                wrong = "going on with it ended in " + std::to_string(went_on) + ": " + after.said;
            } else if (in_child([&] { return read_journal(path, after); }) != 0 || after.written <= held) {
                wrong = std::string("after going on: ") + after.said;
            }
        }
    } else if (before.acknowledged > 0) {
        wrong = "it is gone, and events were acknowledged";
    }
    ::munmap(&after, sizeof after);
    return wrong;
}

int failed(const std::string& what, std::uint64_t seed, const std::string& wrong) {
    std::printf("FAILED %s: seed %llu: %s\n  repeat: journal_torture %s --seed %llu --count 1\n", what.c_str(),
                static_cast<unsigned long long>(seed), wrong.c_str(), what.c_str(),
                static_cast<unsigned long long>(seed));
    return 1;
}

/// A small journal with a few sessions behind it, durable.
void make_journal(const std::string& path, std::uint64_t seed, Shared& shared, bool finished = true, int batches = 12) {
    const int made = in_child([&] {
        const Result<void> ok = write_session(path, {}, seed, batches, shared);
        say(shared, ok ? "" : ok.error().message);
        if (!ok) {
            return 1;
        }
        if (finished) {
            Result<std::unique_ptr<LogWriter>> log = continue_journal(path);
            return log && (*log)->finish({}) ? 0 : 1;
        }
        return 0;
    });
    if (made != 0) {
        std::printf("a journal could not even be made: %s\n", shared.said);
        std::exit(1);
    }
}

// ---- the ways to break it -------------------------------------------------------------------------------------------------

struct Options {
    std::uint64_t seed = 1;
    std::uint64_t count = 0;
    bool plant_skipped_sync = false;
    std::string folder;
};

/// Power cuts, or refused operations, at a random place of a random session.
int break_disk(const char* what, Fault fault, const Options& options) {
    Shared& shared = *shared_page();
    std::uint64_t lost = 0;
    std::uint64_t caught = 0;
    for (std::uint64_t seed = options.seed; seed < options.seed + options.count; ++seed) {
        const TempFolder folder;
        const std::string path = folder / "journal";
        shared = Shared{};
        std::mt19937_64 random(seed * 7'919);
        make_journal(path, seed, shared, random() % 2 == 0, static_cast<int>(random() % 6));
        if (!fs::exists(path)) {
            make_journal(path, seed, shared, true, 1);
        }
        DiskPlan plan{fault, 1 + random() % 150, random(), options.plant_skipped_sync};
        if (fault == Fault::refuse_once && random() % 2 == 0) {
            plan.fault = Fault::refuse_on;
        }
        in_child([&] {
            JournalOptions journal;
            const auto disk = std::make_shared<SimulatedDisk>(plan);
            journal.files = disk;
            const Result<void> ok = write_session(path, journal, seed + 1, 30, shared);
            say(shared, ok ? "" : ok.error().message);
            return 0;
        });
        const Seq acknowledged = shared.acknowledged;
        const std::string wrong = check_recovery(path, shared);
        if (!wrong.empty() && options.plant_skipped_sync) {
            ++caught;
        } else if (!wrong.empty()) {
            return failed(what, seed, wrong);
        }
        lost += shared.written - std::min(shared.written, acknowledged);
    }
    if (options.plant_skipped_sync) {
        std::printf("%s: a disk that skips syncs was caught in %llu of %llu seeds\n", what,
                    static_cast<unsigned long long>(caught), static_cast<unsigned long long>(options.count));
        return caught > 0 ? 0 : 1;
    }
    std::printf("%s: %llu seeds from %llu, nothing acknowledged was lost (of what was not, up to %llu events)\n", what,
                static_cast<unsigned long long>(options.count), static_cast<unsigned long long>(options.seed),
                static_cast<unsigned long long>(lost));
    return 0;
}

/// How a small session keeps its log: written where it has its name, the same from behind a queue, or built and named at its end.
enum class Keeping : std::uint8_t { named, behind_a_queue, built };

Result<std::unique_ptr<LogWriter>> begin_small(const std::string& path, Keeping keeping) {
    Result<std::unique_ptr<LogWriter>> log = keeping == Keeping::built ? create_journal(path) : continue_journal(path);
    if (log && keeping == Keeping::behind_a_queue) {
        log =
            make_background_log(std::move(*log), {.queue_batches = 3, .commit_interval = std::chrono::milliseconds(1)});
    }
    return log;
}

/// Appends a little, with a snapshot, commits now and then, and ends where that is asked for.
Result<void> write_little(LogWriter& log, Keeping keeping, bool finishes, Shared& shared) {
    constexpr int kBatches = 4;
    Batch batch;
    batch.begin(log.next_seq());
    for (int i = 0; i < kBatches; ++i) {
        fill(batch, 40);
        if (i == 1) {
            batch.snapshot.resize(100);
            std::ranges::fill(std::span(batch.snapshot.data(), batch.snapshot.size()),
                              static_cast<std::uint8_t>(batch.frame.next_seq()));
        }
        shared.written = batch.frame.next_seq();
        if (Result<void> ok = log.append(batch); !ok) {
            return ok;
        }
        if (i % 2 == 1) {
            if (Result<void> ok = log.commit(); !ok) {
                return ok;
            }
            // One that is being built is whole or gone: only its end is acknowledged.
            shared.acknowledged = keeping == Keeping::built ? 0 : log.next_seq();
        }
    }
    Result<void> ok = finishes ? log.finish({}) : Result<void>{};
    shared.acknowledged = ok && finishes ? log.next_seq() : shared.acknowledged;
    return ok;
}

/// All that a session does in its life: made, written, left; resumed and ended; and once more.
Result<void> live_little(const std::string& path, Keeping keeping, Shared& shared) {
    const int starts = keeping == Keeping::built ? 1 : 3;
    for (int start = 0; start < starts; ++start) {
        const Result<std::unique_ptr<LogWriter>> log = begin_small(path, keeping);
        if (!log) {
            return tl::make_unexpected(log.error());
        }
        shared.acknowledged = std::max(shared.acknowledged, (*log)->next_seq());
        if (Result<void> ok = write_little(**log, keeping, start > 0 || starts == 1, shared); !ok) {
            return ok;
        }
    }
    return {};
}

/// Whether anything lies in the folder that somebody has begun to build and left.
bool has_leftovers(const std::string& folder) {
    return std::ranges::any_of(fs::directory_iterator(folder), [](const fs::directory_entry& entry) {
        return entry.path().filename().string().find(".partial-") != std::string::npos;
    });
}

struct Refusal {
    std::uint64_t call = 0;  ///< the n-th, from 1
    int error = 0;
};

/// One session whose n-th call is refused. Empty, or what is wrong; `was_refused` says whether it had so many.
std::string refuse_one(const Refusal& refusal, Keeping keeping, Shared& shared, bool& was_refused) {
    const TempFolder folder;
    const std::string place = fs::canonical(folder / "").string();
    const std::string path = in(place, "journal");
    shared = Shared{};
    const int ended = in_child([&] {
        watch_calls({place, refusal.call, refusal.error});
        const Result<void> ok = live_little(path, keeping, shared);
        shared.operations = refused_call().empty() ? 0 : 1;
        static_cast<void>(end_watch());
        say(shared, text({refused_call(), ": ", ok ? "it went on" : ok.error().message}));
        return !ok && ok.error().message.empty() ? 2 : !ok && refused_call().empty() ? 3 : 0;
    });
    was_refused = shared.operations != 0;
    const std::string said = shared.said;
    if (ended != 0) {
        return text({"the session ended in ", std::to_string(ended), ": ", said});
    }
    std::string wrong = check_recovery(path, shared);
    if (wrong.empty() && !fs::exists(path)) {  // the next one begins from nothing
        const int begun = in_child([&] {
            const Result<void> ok = live_little(path, keeping, shared);
            say(shared, ok ? "" : ok.error().message);
            return ok ? 0 : 1;
        });
        wrong = begun == 0 ? "" : text({"the next start: ", shared.said});
        wrong = wrong.empty() && has_leftovers(place) ? "the next start left behind what it found half-made" : wrong;
    }
    return wrong.empty() ? "" : text({said, ": ", wrong});
}

/// Every call that changes or opens a file of a small session refused, one at a time, each with one of the errors that disks, quotas and
/// limits give, or a write cut short; six seeds in a row give every call every error. `count`: only every so manieth call.
int refuse_calls(const Options& options) {
    Shared& shared = *shared_page();
    static constexpr int kErrors[] = {EIO, ENOSPC, EDQUOT, EROFS, EMFILE, kShort};
    const std::uint64_t step = std::max<std::uint64_t>(options.count, 1);
    std::uint64_t refused = 0;
    for (const Keeping keeping : {Keeping::named, Keeping::behind_a_queue, Keeping::built}) {
        bool was_refused = true;
        for (std::uint64_t call = 1 + options.seed % step; was_refused; call += step) {
            const int error = kErrors[(call / step + options.seed) % std::size(kErrors)];
            if (std::string wrong = refuse_one({call, error}, keeping, shared, was_refused); !wrong.empty()) {
                std::printf("FAILED calls: call %llu, error %d, way %d: %s\n"
                            "  repeat: journal_torture calls --seed %llu --count %llu\n",
                            static_cast<unsigned long long>(call), error, static_cast<int>(keeping), wrong.c_str(),
                            static_cast<unsigned long long>(options.seed), static_cast<unsigned long long>(step));
                return 1;
            }
            refused += was_refused ? 1U : 0U;
        }
    }
    std::printf(
        "calls: %llu refused, one at a time: nothing acknowledged was lost, each was said, the next start went on\n",
        static_cast<unsigned long long>(refused));
    return refused > 0 ? 0 : 1;
}

int kill_writers(const Options& options) {
    Shared& shared = *shared_page();
    std::uint64_t landed = 0;
    constexpr std::uint64_t kKillsPerJournal = 20;
    for (std::uint64_t i = 0; i < options.count;) {
        const TempFolder folder;
        const std::string path = folder / "journal";
        shared = Shared{};
        for (std::uint64_t k = 0; k < kKillsPerJournal && i < options.count; ++k, ++i) {
            const std::uint64_t seed = options.seed + i;
            std::mt19937_64 random(seed);
            const pid_t child = begin_child([&] { return write_session(path, {}, seed, 100'000, shared) ? 0 : 3; });
            ::usleep(static_cast<useconds_t>(500 + random() % 40'000));
            ::kill(child, SIGKILL);
            const int ended = wait_for(child);
            landed += ended == -SIGKILL ? 1U : 0U;
            if (ended != -SIGKILL) {
                return failed("kill", seed, "the writer ended by itself with " + std::to_string(ended));
            }
            Shared& after = *shared_page();
            const int read = fs::exists(path) ? in_child([&] { return read_journal(path, after); }) : 0;
            const std::string said = after.said;
            const Seq held = after.written;
            ::munmap(&after, sizeof after);
            if (read != 0 || held < shared.acknowledged || held > shared.written) {
                return failed("kill", seed,
                              "reading ended in " + std::to_string(read) + " " + said + "; acknowledged " +
                                  std::to_string(shared.acknowledged) + ", there " + std::to_string(held) +
                                  ", written " + std::to_string(shared.written));
            }
        }
        if (std::string wrong = check_recovery(path, shared); !wrong.empty()) {
            return failed("kill", options.seed + i, wrong);
        }
    }
    std::printf("kill: %llu kill -9s from seed %llu, nothing acknowledged was lost\n",
                static_cast<unsigned long long>(landed), static_cast<unsigned long long>(options.seed));
    return 0;
}

/// Every failpoint that writing sessions reach, and how often.
std::map<std::string, int> reached_failpoints(bool old_format) {
    static constexpr std::size_t kNames = 64;
    struct Seen {
        char name[kNames][64] = {};
        int times[kNames] = {};
    };
    void* const page = ::mmap(nullptr, sizeof(Seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    Seen& seen = *new (page) Seen;
    Shared& shared = *shared_page();
    const TempFolder folder;
    const std::string path = folder / "journal";
    if (old_format) {
        fs::copy(kOldJournal, path, fs::copy_options::recursive);
    }
    in_child([&] {
        arm_failpoints([&](const std::string& name) {
            for (std::size_t i = 0; i < kNames; ++i) {
                if (seen.name[i][0] == '\0' || name == seen.name[i]) {
                    std::snprintf(seen.name[i], sizeof seen.name[i], "%s", name.c_str());
                    ++seen.times[i];
                    return;
                }
            }
        });
        if (old_format) {
            static_cast<void>(continue_journal(path));
            return 0;
        }
        return write_session(path, {}, 2, 40, shared) ? 0 : 1;
    });
    std::map<std::string, int> names;
    for (std::size_t i = 0; i < kNames && seen.name[i][0] != '\0'; ++i) {
        names[seen.name[i]] = seen.times[i];
    }
    ::munmap(page, sizeof seen);
    return names;
}

/// A migration that is cut off is made again by the next who opens the journal.
int end_migrations(const Options& options) {
    std::uint64_t ended = 0;
    for (const auto& [name, times] : reached_failpoints(true)) {
        const TempFolder folder;
        const std::string path = folder / "journal";
        fs::copy(kOldJournal, path, fs::copy_options::recursive);
        const int status = in_child([&] {
            arm_failpoints([&](const std::string& reached) {
                if (reached == name) {
                    ::_exit(9);
                }
            });
            return continue_journal(path) ? 0 : 3;
        });
        ended += status == 9 ? 1U : 0U;
        const int read = in_child([&] {
            const Result<std::unique_ptr<LogWriter>> log = continue_journal(path);
            const Result<std::unique_ptr<Journal>> journal = open_journal(path);
            const Result<Verified> verified =
                journal ? verify_journal(**journal) : tl::make_unexpected(journal.error());
            return log && verified && verified->events == kOldEvents && (*journal)->info().format > 1 ? 0 : 1;
        });
        if (read != 0) {
            return failed("failpoints", options.seed, "a migration that ended at \"" + name + "\" is not made again");
        }
    }
    std::printf("failpoints: %llu migrations cut off, each made again\n", static_cast<unsigned long long>(ended));
    return ended > 3 ? 0 : 1;
}

int end_at_failpoints(const Options& options) {
    const std::map<std::string, int> names = reached_failpoints(false);
    if (names.size() < 12) {
        std::printf("only %zu failpoints were reached\n", names.size());
        return 1;
    }
    Shared& shared = *shared_page();
    std::uint64_t ended = 0;
    for (const auto& [name, times] : names) {
        for (std::uint64_t k = 0; k < options.count; ++k) {
            const TempFolder folder;
            const std::string path = folder / "journal";
            shared = Shared{};
            const std::uint64_t seed = options.seed + k;
            std::mt19937_64 random(seed);
            std::uint64_t left = 1 + random() % static_cast<std::uint64_t>(times);
            const int status = in_child([&] {
                arm_failpoints([&](const std::string& reached) {
                    if (reached == name && --left == 0) {
                        ::_exit(9);
                    }
                });
                return write_session(path, {}, 2 + k, 60, shared) ? 0 : 3;
            });
            ended += status == 9 ? 1U : 0U;
            if (status != 9 && status != 0) {
                return failed("failpoints", seed, text({name, ": the writer ended with ", std::to_string(status)}));
            }
            if (std::string wrong = check_recovery(path, shared); !wrong.empty()) {
                return failed("failpoints", seed, text({name, ": ", wrong}));
            }
        }
    }
    std::printf("failpoints: %llu ends at %zu failpoints, nothing acknowledged was lost\n",
                static_cast<unsigned long long>(ended), names.size());
    return ended >= names.size() ? end_migrations(options) : 1;
}

/// The files of a journal that hold something of it. The rest is RocksDB's chatter.
std::vector<std::string> files_that_matter(const std::string& path) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path)) {
        const std::string name = entry.path().filename().string();
        const bool chatter =
            name.starts_with("LOG") || name == "LOCK" || name.starts_with("OPTIONS") || name == "IDENTITY";
        if (!chatter && fs::file_size(entry.path()) > 0) {
            names.push_back(name);
        }
    }
    std::ranges::sort(names);
    return names;
}

/// Every (count-th) bit of a journal flipped, one at a time.
int flip_bits(const Options& options) {
    const std::uint64_t step = std::max<std::uint64_t>(options.count, 1);
    Shared& shared = *shared_page();
    for (const bool finished : {true, false}) {
        const TempFolder folder;
        const std::string path = folder / "journal";
        shared = Shared{};
        make_journal(path, options.seed, shared, finished, 4);
        // Of a journal that was never finished, what was written last was promised to nobody.
        const Seq whole = finished ? shared.written : shared.acknowledged;
        std::uint64_t refused = 0;
        std::uint64_t harmless = 0;
        std::uint64_t crashed = 0;
        for (const std::string& name : files_that_matter(path)) {
            const std::string file = in(path, name);
            const std::vector<std::uint8_t> good = store_test::read_file(file);
            for (std::uint64_t bit = options.seed % step; bit < 8 * good.size(); bit += step) {
                constexpr std::uint64_t kSlotBytes = 68;
                if (name == kAnchorFile && bit / 8 % (kAnchorBytes / 2) >= kSlotBytes && bit % 64 != 0) {
                    continue;  // of the zeros behind the slots one bit in 64 is enough
                }
                std::vector<std::uint8_t> bad = good;
                bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << bit % 8));
                store_test::write_file(file, bad);
                const int status = in_child([&] { return read_journal(path, shared); });
                refused += status == 3 ? 1U : 0U;
                crashed += status < 0 ? 1U : 0U;
                harmless += status == 0 ? 1U : 0U;
                if (status == 4 || status == 1 || (status == 0 && shared.written < whole)) {
                    return failed("flips", options.seed,
                                  text({name, ", bit ", std::to_string(bit), ": ", shared.said, ", ",
                                        std::to_string(shared.written), " of ", std::to_string(whole), " events"}));
                }
            }
            store_test::write_file(file, good);
        }
        std::printf("flips: %s journal: %llu refused, %llu harmless, %llu stopped by RocksDB itself, none silent\n",
                    finished ? "finished" : "unfinished", static_cast<unsigned long long>(refused),
                    static_cast<unsigned long long>(harmless), static_cast<unsigned long long>(crashed));
        if (refused + crashed < harmless / 100) {
            std::printf("FAILED flips: hardly any was noticed\n");
            return 1;
        }
    }
    return 0;
}

/// Files cut, deleted, and replaced by older copies of themselves.
int damage_files(const Options& options) {
    Shared& shared = *shared_page();
    std::uint64_t tried = 0;
    std::uint64_t noticed = 0;
    for (std::uint64_t seed = options.seed; seed < options.seed + std::max<std::uint64_t>(options.count, 1); ++seed) {
        for (const bool finished : {true, false}) {
            const TempFolder folder;
            const std::string path = folder / "journal";
            const std::string older = folder / "older";
            const std::string copy = folder / "copy";
            shared = Shared{};
            make_journal(path, seed, shared, finished, 6);
            fs::copy(path, older, fs::copy_options::recursive);
            make_journal(path, seed + 1, shared, finished, 6);
            // Of a journal that was never finished, what was written last was promised to nobody.
            const Seq whole = finished ? shared.written : shared.acknowledged;
            const auto check = [&](const std::string& file, const std::string& damage) -> std::string {
                const int status = in_child([&] { return read_journal(copy, shared); });
                ++tried;
                noticed += status != 0 ? 1U : 0U;
                const bool silent = status == 4 || status == 1 || (status == 0 && shared.written < whole);
                return silent ? text({file, " ", damage, ": ", shared.said, ", ", std::to_string(shared.written),
                                      " of ", std::to_string(whole)})
                              : "";
            };
            const auto fresh = [&] {
                fs::remove_all(copy);
                fs::copy(path, copy, fs::copy_options::recursive);
            };
            std::string wrong;
            for (const std::string& name : files_that_matter(path)) {
                const auto size = fs::file_size(in(path, name));
                for (const std::uint64_t left : {std::uint64_t{0}, std::uint64_t{size / 2}, std::uint64_t{size - 1}}) {
                    fresh();
                    fs::resize_file(in(copy, name), left);
                    wrong = wrong.empty() ? check(name, "cut to " + std::to_string(left)) : wrong;
                }
                fresh();
                fs::remove(in(copy, name));
                wrong = wrong.empty() ? check(name, "deleted") : wrong;
                for (const std::string& old : files_that_matter(older)) {
                    const bool same_kind = old == name || (fs::path(old).extension() == fs::path(name).extension() &&
                                                           !fs::path(old).extension().empty());
                    if (same_kind && name != "ballast") {
                        fresh();
                        fs::copy_file(in(older, old), in(copy, name), fs::copy_options::overwrite_existing);
                        // An older anchor promises less, and that is kept.
                        wrong = wrong.empty() ? check(name, text({"replaced by an older ", old})) : wrong;
                    }
                }
            }
            // Everything older but the anchor.
            fs::remove_all(copy);
            fs::copy(older, copy, fs::copy_options::recursive);
            fs::copy_file(in(path, kAnchorFile), in(copy, kAnchorFile), fs::copy_options::overwrite_existing);
            const std::string rolled_back = check("the whole journal", "rolled back behind its anchor");
            wrong = wrong.empty() ? rolled_back : wrong;
            if (!wrong.empty()) {
                return failed("files", seed, wrong);
            }
        }
    }
    std::printf("files: %llu damages, %llu noticed, none silent\n", static_cast<unsigned long long>(tried),
                static_cast<unsigned long long>(noticed));
    return noticed > tried / 2 ? 0 : 1;
}

/// Appends the i-th batch of a session on a disk that fills up, and commits every fourth. What refuses it is said.
Result<void> write_nth(LogWriter& log, Batch& batch, int i, std::uint32_t events, Shared& shared) {
    fill(batch, events);
    shared.written = batch.frame.next_seq();
    const bool commits = i % 4 == 0;
    Result<void> ok = log.append(batch);
    ok = ok && commits ? log.commit() : ok;
    if (ok) {
        shared.acknowledged = commits ? log.next_seq() : shared.acknowledged;
    } else {
        say(shared, ok.error().message);
    }
    return ok;
}

bool says_full(const Error& error) {
    return error.message.find("nearly full") != std::string::npos;
}

/// The disk fills up while a session writes; later there is room again.
int fill_disk(const Options& options) {
    Shared& shared = *shared_page();
    for (std::uint64_t seed = options.seed; seed < options.seed + options.count; ++seed) {
        const TempFolder folder;
        const std::string path = folder / "journal";
        shared = Shared{};
        make_journal(path, seed, shared, true, 3);
        const int stopped = in_child([&] {
            JournalOptions journal;
            const auto disk = std::make_shared<SimulatedDisk>(DiskPlan{});
            journal.files = disk;
            Result<std::unique_ptr<LogWriter>> log = continue_journal(path, journal);
            if (!log) {
                return 1;
            }
            Batch batch;
            batch.begin((*log)->next_seq());
            for (int i = 0; i < 2'000; ++i) {
                if (i == 20) {
                    disk->set_free_bytes(1U << 20U);
                }
                if (const Result<void> ok = write_nth(**log, batch, i, 500, shared); !ok) {
                    return says_full(ok.error()) ? 0 : 1;
                }
            }
            return 2;
        });
        if (stopped != 0) {
            return failed("full", seed, "the writer ended with " + std::to_string(stopped) + ": " + shared.said);
        }
        const int refused = in_child([&] {
            const auto disk = std::make_shared<SimulatedDisk>(DiskPlan{Fault::none, 0, 0, false, 1U << 20U});
            JournalOptions journal;
            journal.files = disk;
            const Result<std::unique_ptr<LogWriter>> log = continue_journal(path, journal);
            return !log && log.error().message.find("Make room") != std::string::npos ? 0 : 1;
        });
        if (refused != 0) {
            return failed("full", seed, "a journal on a full disk was opened for writing");
        }
        if (std::string wrong = check_recovery(path, shared); !wrong.empty()) {
            return failed("full", seed, wrong);
        }
    }
    std::printf("full: %llu full disks, each stopped in time and resumed later\n",
                static_cast<unsigned long long>(options.count));
    return 0;
}

/// The same on a real disk, which somebody else fills to the last byte: a small tmpfs at options.folder.
int fill_real_disk(const Options& options) {
    Shared& shared = *shared_page();
    const std::string path = options.folder + "/journal";
    const std::string filler = options.folder + "/filler";
    make_journal(path, options.seed, shared, true, 3);
    const pid_t writer = begin_child([&] {
        Result<std::unique_ptr<LogWriter>> log = continue_journal(path);
        Batch batch;
        batch.begin(log ? (*log)->next_seq() : 0);
        for (int i = 0; log; ++i) {
            if (const Result<void> ok = write_nth(**log, batch, i, 200, shared); !ok) {
                return says_full(ok.error()) ? 0 : 1;
            }
            ::usleep(100);
        }
        say(shared, log.error().message);
        return 2;
    });
    ::usleep(200'000);
    if (std::FILE* const file = std::fopen(filler.c_str(), "w"); file != nullptr) {
        const std::vector<char> block(1U << 16U, 'x');
        while (std::fwrite(block.data(), 1, block.size(), file) == block.size() && std::fflush(file) == 0) {}
        static_cast<void>(std::fclose(file));
    }
    const int stopped = wait_for(writer);
    std::printf("full: %s\n", shared.said);
    if (stopped != 0) {
        return failed("tmpfs", options.seed, "the writer ended with " + std::to_string(stopped));
    }
    const Shared before = shared;
    const int read = in_child([&] { return read_journal(path, shared); });
    if (read != 0 || shared.written < before.acknowledged) {
        return failed("tmpfs", options.seed, std::string("it cannot be read on the full disk: ") + shared.said);
    }
    const int refused = in_child([&] {
        const Result<std::unique_ptr<LogWriter>> log = continue_journal(path);
        say(shared, log ? "" : log.error().message);
        return !log && log.error().message.find("Make room") != std::string::npos ? 0 : 1;
    });
    if (refused != 0) {
        return failed("tmpfs", options.seed,
                      "opening it on the full disk ended with " + std::to_string(refused) + ": " + shared.said);
    }
    fs::remove(filler);
    shared = before;
    if (std::string wrong = check_recovery(path, shared); !wrong.empty()) {
        return failed("tmpfs", options.seed, wrong);
    }
    std::printf("full: with room again it went on, nothing acknowledged was lost\n");
    return 0;
}

/// A second writer is told so, and changes nothing.
int write_twice(const Options& options) {
    Shared& shared = *shared_page();
    const TempFolder folder;
    const std::string path = folder / "journal";
    make_journal(path, options.seed, shared, true, 3);
    Result<std::unique_ptr<LogWriter>> first = continue_journal(path);
    const int refused = in_child([&] {
        const Result<std::unique_ptr<LogWriter>> second = continue_journal(path);
        say(shared, second ? "it was let in" : second.error().message);
        return second || second.error().kind != ErrorKind::transient ? 1 : 0;
    });
    const std::string holder = "process " + std::to_string(::getpid());
    if (!first || refused != 0 || std::string(shared.said).find(holder) == std::string::npos) {
        return failed("writers", options.seed, shared.said);
    }
    std::printf("writers: the second one is refused: %s\n", shared.said);
    return 0;
}

int run(int argc, char** argv) {
    Options options;
    const std::string what = argc > 1 ? argv[1] : "";
    for (int i = 2; i + 1 < argc; i += 2) {
        const std::string option = argv[i];
        if (option == "--count") {
            options.count = std::strtoull(argv[i + 1], nullptr, 10);
        } else if (option == "--seed") {
            options.seed = std::strtoull(argv[i + 1], nullptr, 10);
        } else if (option == "--folder") {
            options.folder = argv[i + 1];
        } else if (option == "--plant" && std::string(argv[i + 1]) == "skip-sync") {
            options.plant_skipped_sync = true;
        } else {
            std::printf("unknown option %s\n", argv[i]);
            return 2;
        }
    }
    const std::map<std::string, std::function<int()>> ways{
        {"power", [&] { return break_disk("power", Fault::power_cut, options); }},
        {"refuse", [&] { return break_disk("refuse", Fault::refuse_once, options); }},
        {"calls", [&] { return refuse_calls(options); }},
        {"kill", [&] { return kill_writers(options); }},
        {"failpoints", [&] { return end_at_failpoints(options); }},
        {"flips", [&] { return flip_bits(options); }},
        {"files", [&] { return damage_files(options); }},
        {"full", [&] { return fill_disk(options); }},
        {"tmpfs", [&] { return fill_real_disk(options); }},
        {"writers", [&] { return write_twice(options); }},
    };
    const auto way = ways.find(what);
    if (way == ways.end()) {
        std::printf("usage: journal_torture power|refuse|calls|kill|failpoints|flips|files|full|writers [--count N] "
                    "[--seed N]\n");
        return 2;
    }
    return way->second();
}

}  // namespace
}  // namespace alpha::faults

int main(int argc, char** argv) {
    return alpha::faults::run(argc, argv);
}
