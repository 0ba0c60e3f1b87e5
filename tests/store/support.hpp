#pragma once
/// Frames and places on disk for the store's tests.

#include "events/codec.hpp"
#include "store/event_log.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <unistd.h>
#include <vector>

namespace alpha::store_test {

/// A folder of its own for one test, removed at the end.
class TempFolder {
public:
    TempFolder() {
        static std::atomic<int> counter{0};
        path_ = std::filesystem::temp_directory_path() /
                ("alpha-store-test-" + std::to_string(::getpid()) + "-" + std::to_string(counter++));
        std::filesystem::create_directories(path_);
    }
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;
    ~TempFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::string operator/(const std::string& name) const { return (path_ / name).string(); }
    /// What lies directly in it.
    std::vector<std::string> names() const {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(path_)) {
            names.push_back(entry.path().filename().string());
        }
        return names;
    }

private:
    std::filesystem::path path_;
};

/// The same numbers every time: a failure must come back when the test is run again.
inline std::mt19937_64 random_from(std::uint64_t seed) {
    return std::mt19937_64(seed);
}

inline std::vector<std::uint8_t> bytes_of(const ByteBuffer& buffer) {
    return {buffer.view().begin(), buffer.view().end()};
}

inline std::vector<std::uint8_t> read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    const std::vector<char> chars{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    return {chars.begin(), chars.end()};
}

inline void write_file(const std::string& path, const std::vector<std::uint8_t>& bytes) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    const std::vector<char> chars(bytes.begin(), bytes.end());
    out.write(chars.data(), static_cast<std::streamsize>(chars.size()));
}

/// The k-th quote of a dull market; tests/store/chain_test.cpp keeps hashes of these.
inline QuoteTick dull_quote(Seq k) {
    const auto n = static_cast<std::int64_t>(k);
    return {InstrumentId{static_cast<std::uint32_t>(k % 7)}, Price{1'000'000 * (100 + n % 11)},
            Price{1'000'000 * (101 + n % 11)}, Qty{100'000'000 * (n % 5)}, Qty{0}};
}
inline Envelope dull_envelope(Seq k) {
    return {k, Time{1'000'000 * static_cast<std::int64_t>(k)}, kNoSeq, kNoSeq};
}

/// Appends the k-th event of a market with now and then something else than a quote in it.
inline void append_mixed(Frame& frame, Seq k) {
    const Envelope root = dull_envelope(k);
    const Envelope fact{k, root.time, k - 1, k - 1};
    if (k % 13 == 5) {
        append(frame, fact, SignalRaised{StrategyId{1}, InstrumentId{2}, Direction::lengthen});
    } else if (k % 101 == 50) {
        append(frame, root, BarOpened{InstrumentId{3}, Price{12'345}});
    } else if (k % 997 == 500) {
        append(frame, root, InstrumentListed{InstrumentId{9}, {std::string(k % 50, 'x'), {}, {}, {}}});
    } else {
        append(frame, root, dull_quote(k));
    }
}

/// Frames of `per_frame` events each, `events` in all, every event appended by `add(frame, seq)`.
template <class Add>
std::vector<Frame> frames_of(Seq events, std::uint32_t per_frame, Add add) {
    std::vector<Frame> frames;
    for (Seq seq = 0; seq < events; ++seq) {
        if (seq % per_frame == 0) {
            frames.emplace_back();
            frames.back().begin(seq);
        }
        add(frames.back(), seq);
    }
    return frames;
}

/// Appends a copy of the frame and nothing beside it.
inline Result<void> append_frame(LogWriter& log, const Frame& frame) {
    Batch batch;
    batch.begin(frame.first_seq);
    batch.frame.events = frame.events;
    batch.frame.bytes.append(frame.bytes.view());
    batch.frame.leaf_cuts = frame.leaf_cuts;
    return log.append(batch);
}

}  // namespace alpha::store_test
