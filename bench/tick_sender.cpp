/// Sends quotes of four instruments to standard output, so many a second of event time, for as long as it is told:
///
///   tick_sender RATE SECONDS paced    each when its time has come, as a market does
///   tick_sender RATE SECONDS ahead    as fast as they are taken; the reader holds them back
///
/// The prices go up and down so that a fast moving average crosses a slow one now and then.

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

void add(std::string& line, std::int64_t value) {
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    line.append(digits.data(), end);
}

void add_price(std::string& line, std::int64_t cents) {
    add(line, cents / 100);
    line += '.';
    line += static_cast<char>('0' + cents / 10 % 10);
    line += static_cast<char>('0' + cents % 10);
}

bool write_all(std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
        if (written <= 0) {
            return false;
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fputs("usage: tick_sender RATE SECONDS paced|ahead\n", stderr);
        return 2;
    }
    const std::int64_t rate = std::atoll(argv[1]);
    const std::int64_t ticks = rate * std::atoll(argv[2]);
    const bool paced = std::string_view(argv[3]) == "paced";
    const std::int64_t step_ns = 1'000'000'000 / rate;
    constexpr std::int64_t kBegin = 1'704'080'700'000'000'000;
    constexpr std::size_t kBlock = 16'384;
    std::array<std::int64_t, 4> bid{30'000, 40'000, 50'000, 60'000};
    std::uint64_t random = 88'172'645'463'325'252U;
    std::string block = "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n";
    const Clock::time_point begun = Clock::now();
    for (std::int64_t i = 0; i < ticks; ++i) {
        random ^= random << 13U;
        random ^= random >> 7U;
        random ^= random << 17U;
        const std::size_t which = random & 3U;
        bid[which] =
            std::clamp<std::int64_t>(bid[which] + static_cast<std::int64_t>(random >> 8U & 7U) - 3, 20'000, 80'000);
        add(block, kBegin + i * step_ns);
        block += ",T";
        block += static_cast<char>('0' + which);
        block += ',';
        add_price(block, bid[which]);
        block += ",100,";
        add_price(block, bid[which] + 5);
        block += ",100\n";
        if (paced) {
            const Clock::time_point due = begun + std::chrono::nanoseconds((i + 1) * step_ns);
            if (due <= Clock::now()) {
                continue;  // late already: together with the next one
            }
            if (!write_all(block)) {
                return 1;
            }
            block.clear();
            std::this_thread::sleep_until(due);
        } else if (block.size() >= kBlock) {
            if (!write_all(block)) {
                return 1;
            }
            block.clear();
        }
    }
    return write_all(block) ? 0 : 1;
}
