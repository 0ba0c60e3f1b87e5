#include "store/trial_ledger.hpp"

#include "store/disk.hpp"
#include "store/machine.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <set>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace alpha {

namespace {

constexpr std::string_view kHeader = "number\twhen\tfamily\tlog_head\tinitial_cash\tdays\tprevious\thash\n";
constexpr std::size_t kFields = 8;
constexpr std::size_t kBytesMax = std::size_t{1} << 31U;

Digest hash_of(std::string_view text) {
    return sha256(Bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

/// All of a row before its hash.
std::string text_of(const TrialRow& row) {
    std::string days;
    for (const auto& [date, equity] : row.days) {
        days += (days.empty() ? "" : " ") + to_iso(date) + "=" + to_string(equity);
    }
    return fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}", row.number, to_iso(row.when), row.family, row.log_head,
                       to_string(row.initial_cash), days, to_hex(row.previous));
}

/// Nothing where it is no row.
std::optional<TrialRow> row_of(std::string_view line) {
    std::array<std::string_view, kFields> fields;
    for (std::size_t i = 0; i < kFields; ++i) {
        const std::size_t tab = i + 1 == kFields ? line.size() : line.find('\t');
        if (tab == std::string_view::npos) {
            return {};
        }
        fields[i] = line.substr(0, tab);
        line.remove_prefix(std::min(tab + 1, line.size()));
    }
    TrialRow row;
    const auto number = std::from_chars(fields[0].data(), fields[0].data() + fields[0].size(), row.number);
    const Result<Timestamp> when = parse_timestamp(fields[1]);
    const Result<Money> cash = parse_money(fields[4]);
    const Result<Digest> previous = digest_from_hex(fields[6]);
    const Result<Digest> hash = digest_from_hex(fields[7]);
    if (number.ec != std::errc() || !when || !cash || !previous || !hash) {
        return {};
    }
    row.when = when->time;
    row.family = fields[2];
    row.log_head = fields[3];
    row.initial_cash = *cash;
    row.previous = *previous;
    row.hash = *hash;
    for (std::string_view days = fields[5]; !days.empty();) {
        const std::string_view day = days.substr(0, days.find(' '));
        days.remove_prefix(std::min(day.size() + 1, days.size()));
        const std::size_t equals = day.find('=');
        const Result<Date> date = parse_date(day.substr(0, equals));
        const Result<Money> equity =
            parse_money(equals == std::string_view::npos ? std::string_view() : day.substr(equals + 1));
        if (!date || !equity) {
            return {};
        }
        row.days.emplace_back(*date, *equity);
    }
    return row;
}

/// The last whole line of a file, without its end, and where it ends in the file.
struct LastLine {
    std::string text;
    std::uint64_t end = 0;
};

Result<LastLine> last_line(const File& file) {
    const Result<std::uint64_t> size = file.size();
    if (!size) {
        return tl::make_unexpected(size.error());
    }
    constexpr std::uint64_t kBlock = 64U << 10U;
    std::string tail;
    for (std::uint64_t from = *size; from > 0;) {
        const std::uint64_t begin = from - std::min(from, kBlock);
        std::string block(static_cast<std::size_t>(from - begin), '\0');
        if (Result<void> read = file.read_at(begin, reinterpret_cast<std::uint8_t*>(block.data()), block.size());
            !read) {
            return tl::make_unexpected(read.error());
        }
        tail.insert(0, block);
        from = begin;
        const std::size_t end = tail.rfind('\n');
        if (end != std::string::npos) {
            const std::size_t before = end == 0 ? std::string::npos : tail.rfind('\n', end - 1);
            if (before != std::string::npos || begin == 0) {
                const std::size_t first = before == std::string::npos ? 0 : before + 1;
                return LastLine{tail.substr(first, end - first), begin + end + 1};
            }
        }
    }
    return LastLine{};
}

Error damaged(const std::string& path, std::uint64_t line, std::string_view what) {
    return {
        ErrorKind::data,
        fmt::format("{}:{}: {}; rows are only ever added to the trial ledger: restore the file, or move it away and "
                    "begin a new one, which knows of no trial before",
                    path, line, what),
        ErrorCode::bad_record,
        {path, line, 0}};
}

/// Never waits in the system: a signal would not end that.
Result<void> lock_ledger(const File& file, const LedgerWait& wait) {
    using std::chrono::steady_clock;
    constexpr std::chrono::milliseconds kLook{5};
    constexpr std::chrono::seconds kPatience{1};
    const std::string& path = file.path();
    const auto begun = steady_clock::now();
    for (bool is_told = false; ::flock(file.descriptor(), LOCK_EX | LOCK_NB) != 0;) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return refused_by_system("The trial ledger " + path + " cannot be locked", errno, ErrorKind::usage);
        }
        if (wait.stop != nullptr && wait.stop->load()) {
            return fail(ErrorKind::transient, path + ": another process has it locked, and the wait for it was ended");
        }
        const auto waited = steady_clock::now() - begun;
        if (waited > wait.most) {
            return fail(ErrorKind::transient,
                        fmt::format("{}: another process has had it locked for {} s; look for one that was stopped",
                                    path, std::chrono::duration_cast<std::chrono::seconds>(wait.most).count()));
        }
        if (waited > kPatience && !is_told && wait.tell) {
            is_told = true;
            wait.tell(path + ", which another process has locked");
        }
        std::this_thread::sleep_for(kLook);
    }
    return {};
}

}  // namespace

std::string trial_family(const RunConfigured& config) {
    constexpr std::size_t kNamed = 4;
    std::set<std::string> uses;
    std::set<std::string> instruments;
    for (const StrategyConfig& strategy : config.strategies) {
        uses.insert(strategy.use);
        for (const InstrumentId id : strategy.instruments) {
            instruments.insert(id.value < config.instruments.size() ? config.instruments[id.value].name : "?");
        }
    }
    const auto join = [](const auto& names, std::size_t most, std::string_view between) {
        std::string text;
        for (const std::string& name : names) {
            if (most-- == 0) {
                break;
            }
            text += text.empty() ? name : std::string(between) + name;
        }
        return text;
    };
    std::string family = join(uses, uses.size(), "+") + " on " + join(instruments, kNamed, ", ");
    if (instruments.size() > kNamed) {
        constexpr std::size_t kDigits = 12;
        const std::string all = join(instruments, instruments.size(), "\n");
        family +=
            fmt::format(" and {} more ({})", instruments.size() - kNamed, to_hex(hash_of(all)).substr(0, kDigits));
    }
    std::ranges::replace(family, '\t', ' ');
    std::ranges::replace(family, '\n', ' ');
    return family;
}

Result<void> append_trial(const std::string& path, TrialRow row, const LedgerWait& wait) {
    std::error_code ignored;
    if (const std::filesystem::path folder = std::filesystem::path(path).parent_path(); !folder.empty()) {
        std::filesystem::create_directories(folder, ignored);
    }
    constexpr mode_t kMode = 0644;
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, kMode);
    if (descriptor < 0) {
        return refused_by_system("The trial ledger " + path + " cannot be opened", errno, ErrorKind::usage);
    }
    File file(descriptor, path);
    if (Result<void> locked = lock_ledger(file, wait); !locked) {
        return locked;
    }
    const Result<LastLine> last = last_line(file);
    if (!last) {
        return tl::make_unexpected(last.error());
    }
    std::string text;
    if (last->end == 0) {
        text = kHeader;
        row.number = 1;
    } else if (last->text + '\n' == kHeader) {
        row.number = 1;
    } else {
        const std::optional<TrialRow> before = row_of(last->text);
        if (!before) {
            return tl::make_unexpected(Error{ErrorKind::data, path +
                                                                  ": its last line is no row of a trial ledger; name "
                                                                  "another file, or move this one away"});
        }
        row.number = before->number + 1;
        row.previous = before->hash;
    }
    const std::string body = text_of(row);
    text += body + '\t' + to_hex(hash_of(body)) + '\n';
    if (::ftruncate(file.descriptor(), static_cast<off_t>(last->end)) != 0) {
        return refused_by_system("The trial ledger " + path + " cannot be written", errno, ErrorKind::usage);
    }
    return file.write(Bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

Result<std::vector<TrialRow>> read_trials(const std::string& path) {
    const Result<bool> exists = is_there(path);
    if (!exists || !*exists) {
        return exists ? Result<std::vector<TrialRow>>{} : tl::make_unexpected(exists.error());
    }
    const Result<std::string> text = read_file(path, kBytesMax);
    if (!text) {
        return tl::make_unexpected(text.error());
    }
    std::vector<TrialRow> rows;
    std::uint64_t number = 0;
    for (std::string_view rest = *text; !rest.empty();) {
        ++number;
        const std::size_t end = rest.find('\n');
        if (end == std::string_view::npos) {  // what a process that was killed left
            break;
        }
        const std::string_view line = rest.substr(0, end);
        rest.remove_prefix(end + 1);
        if (number == 1) {
            if (line != kHeader.substr(0, kHeader.size() - 1)) {
                return tl::make_unexpected(damaged(path, number, "is not the header of a trial ledger"));
            }
            continue;
        }
        std::optional<TrialRow> row = row_of(line);
        if (!row || line.substr(0, line.rfind('\t')) != text_of(*row) || hash_of(text_of(*row)) != row->hash) {
            return tl::make_unexpected(damaged(path, number, "is not as it was written"));
        }
        if (row->number != rows.size() + 1 || row->previous != (rows.empty() ? Digest{} : rows.back().hash)) {
            return tl::make_unexpected(
                damaged(path, number, "does not follow from the row before it: rows are missing"));
        }
        rows.push_back(std::move(*row));
    }
    return rows;
}

}  // namespace alpha
