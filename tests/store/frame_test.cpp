#include "store/columns.hpp"
#include "store/frame.hpp"
#include "tests/store/frames.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <limits>

using namespace alpha;
using namespace alpha::store_test;

namespace {

/// Any value a field can hold, the awkward ones often.
std::int64_t any_value(std::mt19937_64& random) {
    constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
    constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
    const std::uint64_t dice = random();
    switch (dice % 8) {
    case 0: return 0;
    case 1: return kMin;
    case 2: return kMax;
    case 3: return kMin + static_cast<std::int64_t>(dice >> 60U);
    case 4: return static_cast<std::int64_t>(dice >> 40U) * 1'000'000;
    case 5: return -static_cast<std::int64_t>(dice >> 50U);
    case 6: return static_cast<std::int64_t>(random());
    default: return static_cast<std::int64_t>(dice >> 56U);
    }
}

}  // namespace

TEST_CASE("a market of ordinary quotes comes back, and takes little room", "[store]") {
    const std::vector<Frame> frames =
        frames_of(10'000, 4'096, [](Frame& frame, Seq k) { append(frame, dull_envelope(k), dull_quote(k)); });
    for (const Frame& frame : frames) {
        check_round_trip(frame);
    }
    ByteBuffer stored;
    encode_frame(frames.front(), stored);
    CHECK(stored.size() < std::size_t{4} * frames.front().events);
}

TEST_CASE("events between quotes keep their places and their bytes", "[store]") {
    for (const std::uint32_t per_frame : {1U, 2U, 100U, 513U, 5'000U}) {
        for (const Frame& frame : frames_of(12'345, per_frame, append_mixed)) {
            check_round_trip(frame);
        }
    }
}

TEST_CASE("no value of a quote is too strange for the columns", "[store]") {
    std::mt19937_64 random = random_from(20'131'007);
    for (int round = 0; round < 200; ++round) {
        Frame frame;
        frame.begin(static_cast<Seq>(round) * 777);
        const std::uint64_t events = 1 + random() % 1'500;
        for (std::uint64_t i = 0; i < events; ++i) {
            const Envelope envelope{frame.next_seq(), Time{any_value(random)}, kNoSeq, kNoSeq};
            append(frame, envelope,
                   QuoteTick{InstrumentId{static_cast<std::uint32_t>(any_value(random))}, Price{any_value(random)},
                             Price{any_value(random)}, Qty{any_value(random)}, Qty{any_value(random)}});
        }
        check_round_trip(frame);
    }
}

TEST_CASE("every size of difference is stored in as many bytes as it needs", "[store]") {
    for (unsigned bits = 0; bits < 64; ++bits) {
        Frame frame;
        frame.begin(0);
        for (const std::int64_t value : around_power_of_two(bits)) {
            append(frame, Envelope{frame.next_seq(), Time{value}, kNoSeq, kNoSeq},
                   QuoteTick{InstrumentId{static_cast<std::uint32_t>(value)}, Price{value}, Price{~value}, Qty{0},
                             Qty{value}});
        }
        check_round_trip(frame);
    }
}

TEST_CASE("instruments that share a slot do not get each other's prices", "[store]") {
    Frame frame;
    frame.begin(0);
    for (Seq k = 0; k < 3'000; ++k) {
        QuoteTick quote = dull_quote(k);
        quote.instrument.value = static_cast<std::uint32_t>(k * 1'024 % 100'000);
        append(frame, dull_envelope(k), quote);
    }
    check_round_trip(frame);
}

TEST_CASE("a quote with links or of another version is not taken for a plain one", "[store]") {
    Frame frame;
    frame.begin(10);
    append(frame, Envelope{10, Time{5}, 3, 4}, dull_quote(1));
    append(frame, Envelope{11, Time{6}, kNoSeq, kNoSeq}, dull_quote(2));
    append(frame, Envelope{12, Time{7}, kNoSeq, kNoSeq}, dull_quote(3));
    frame.bytes.data()[kHeaderBytes + kLinkBytes + 36 + 6] = 2;  // the second one's version
    check_round_trip(frame);
}

TEST_CASE("an empty frame and one of a single large event come back", "[store]") {
    Frame frame;
    frame.begin(7);
    check_round_trip(frame);
    RunConfigured configured;
    configured.name = std::string(1'000, 'n');
    configured.instruments.resize(20'000);
    frame.begin(0);
    append(frame, Envelope{}, configured);
    check_round_trip(frame);
}

TEST_CASE("frames stored by earlier versions can still be read", "[store]") {
    // Never edited, only added to: these bytes are in users' journals.
    const std::string hex = "a1020000020000005d00000066000000c3b323eaf00f01000000020000002900000001010"
                            "90000000b0001014054f5dbf8d62a131600000200040800002e0000020041030012e62100"
                            "f004010c01000006020200070202000b0707000a012400f00102f28d02360e039a9999999"
                            "999190102";
    std::vector<std::uint8_t> stored;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        stored.push_back(static_cast<std::uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
    }
    Frame expected;
    expected.begin(41);
    append(expected, Envelope{41, Time{1'381'152'600'072'000'000}, kNoSeq, kNoSeq},
           QuoteTick{InstrumentId{0}, Price{18'169'000'000}, Price{18'190'000'000}, Qty{20'000'000'000},
                     Qty{10'000'000'000}});
    append(expected, Envelope{42, Time{1'381'152'600'073'000'000}, 41, 41},
           SignalRaised{StrategyId{1}, InstrumentId{0}, Direction::shorten});
    Frame frame;
    REQUIRE(decode_frame(stored, 41, frame));
    CHECK(frame.events == 2);
    CHECK(bytes_of(frame.bytes) == bytes_of(expected.bytes));
}

TEST_CASE("a frame that is cut short is refused", "[store]") {
    const Frame frame = std::move(frames_of(600, 600, append_mixed).front());
    ByteBuffer stored;
    encode_frame(frame, stored);
    Frame back;
    for (std::size_t size = 0; size < stored.size(); ++size) {
        // A copy of its own, so that a sanitizer sees a read past its end.
        const std::vector<std::uint8_t> cut(stored.view().begin(), stored.view().begin() + static_cast<long>(size));
        const Result<void> ok = decode_frame(cut, 0, back);
        REQUIRE_FALSE(ok);
        REQUIRE(ok.error().kind == ErrorKind::data);
        REQUIRE(back.events == 0);
    }
}

TEST_CASE("a frame in another's place is refused", "[store]") {
    const Frame frame = std::move(frames_of(600, 600, append_mixed).front());
    ByteBuffer stored;
    encode_frame(frame, stored);
    Frame back;
    CHECK_FALSE(decode_frame(stored.view(), 600, back));
    CHECK(decode_frame(stored.view(), 0, back));
}

TEST_CASE("a damaged frame never comes back as something else", "[store]") {
    std::mt19937_64 random = random_from(7);
    for (const bool mixed : {false, true}) {
        const Frame frame = std::move(frames_of(300, 300, [&](Frame& f, Seq k) {
                                          mixed ? append_mixed(f, k) : append(f, dull_envelope(k), dull_quote(k));
                                      }).front());
        ByteBuffer buffer;
        encode_frame(frame, buffer);
        const std::vector<std::uint8_t> stored = bytes_of(buffer);
        Frame back;
        for (int round = 0; round < 10'000; ++round) {
            std::vector<std::uint8_t> bytes = stored;
            const std::uint64_t changes = 1 + random() % 4;
            for (std::uint64_t i = 0; i < changes; ++i) {
                bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
            }
            if (bytes != stored) {
                REQUIRE_FALSE(decode_frame(bytes, 0, back));
            }
        }
    }
}

TEST_CASE("columns from anywhere are read within their bounds, checksum or not", "[store]") {
    // What a checksum would keep out goes to the columns directly here.
    std::mt19937_64 random = random_from(11);
    const Frame frame = std::move(frames_of(1'100, 1'100, append_mixed).front());
    ByteBuffer columns;
    to_columns(frame, columns);
    const std::vector<std::uint8_t> good = bytes_of(columns);
    Frame back;
    int accepted = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::vector<std::uint8_t> bytes = good;
        const std::uint64_t changes = 1 + random() % 3;
        for (std::uint64_t i = 0; i < changes; ++i) {
            // The first bytes hold sizes and runs: half of the changes go there.
            const std::size_t range = random() % 2 == 0 ? std::min<std::size_t>(bytes.size(), 200) : bytes.size();
            bytes[random() % range] = static_cast<std::uint8_t>(random() % 3 == 0 ? 0xFF : random());
        }
        if (random() % 4 == 0) {
            bytes.resize(random() % bytes.size());
        }
        const std::size_t size = bytes.size();
        bytes.resize(size + kColumnPadding);
        back.begin(0);
        const bool ok = from_columns({bytes.data(), size}, frame.events, frame.bytes.size(), back);
        accepted += ok ? 1 : 0;
        REQUIRE((!ok || back.bytes.size() == frame.bytes.size()));
    }
    CHECK(accepted > 0);       // a changed difference is another value, not an error
    CHECK(accepted < 20'000);  // but a changed length or count is one
}

TEST_CASE("a claimed size sets no memory aside", "[store]") {
    Frame frame;
    frame.begin(0);
    append(frame, Envelope{}, dull_quote(0));
    ByteBuffer stored;
    encode_frame(frame, stored);
    std::vector<std::uint8_t> bytes = bytes_of(stored);
    for (const std::size_t field : {4U, 8U, 12U}) {
        std::vector<std::uint8_t> claim = bytes;
        std::memset(claim.data() + field, 0xFF, 4);
        Frame back;
        CHECK_FALSE(decode_frame(claim, 0, back));
    }
}
