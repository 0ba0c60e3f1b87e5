#include "store/chain.hpp"
#include "tests/store/support.hpp"

#include <catch2/catch.hpp>

using namespace alpha;
using namespace alpha::store_test;

namespace {

void append_dull(Frame& frame, Seq k) {
    append(frame, dull_envelope(k), dull_quote(k));
}

std::string head_of(Seq events, std::uint32_t per_frame) {
    ChainHasher hasher;
    for (const Frame& frame : frames_of(events, per_frame, append_dull)) {
        hasher.append(frame);
    }
    return to_hex(hasher.head());
}

}  // namespace

// The hashes below were computed by Python's hashlib from bytes packed by Python's struct, not by
// this code.

TEST_CASE("the head of two quotes is the published construction", "[store]") {
    Frame frame;
    frame.begin(0);
    append(frame, Envelope{0, Time{1'381'152'600'072'000'000}, kNoSeq, kNoSeq},
           QuoteTick{InstrumentId{0}, Price{18'169'000'000}, Price{18'190'000'000}, Qty{20'000'000'000},
                     Qty{10'000'000'000}});
    append(frame, Envelope{1, Time{1'381'152'600'073'000'000}, kNoSeq, kNoSeq},
           QuoteTick{InstrumentId{1}, Price{1'391'000'000}, Price{1'392'000'000}, Qty{1'680'000'000'000},
                     Qty{2'200'000'000'000}});
    ChainHasher hasher;
    hasher.append(frame);
    CHECK(to_hex(hasher.head()) == "ea055e1e3d29dfa8e68586aa9ad2f81bee4f31ac4d8aa2d8054edc19c4da1432");
    CHECK(hasher.chain() == Digest{});
    CHECK(hasher.next_seq() == 2);
}

TEST_CASE("leaves end at 4096 and 8192 events, not one sooner or later", "[store]") {
    CHECK(head_of(4'096, 1'000) == "39ed6ddf3f3c6cdc3db2242941778738a9d1b8267cd1b6f2e0e826c99b6bd6fa");
    CHECK(head_of(4'097, 1'000) == "098455ec3f2bc41b4d0dc422c96093b4a23239955274bf039a4c8668b27c8e87");
    CHECK(head_of(8'192, 1'000) == "576ebb60cd84a9c9b3c8021e442f88f20648b252a1ea8b15066e3eeb470215aa");
    CHECK(head_of(8'193, 1'000) == "3096ea8c58b8b81a2cbde0011ef5daf61e48b7bfe3d071e510abd77bb1947c45");
}

TEST_CASE("an empty log's head is 32 zero bytes", "[store]") {
    CHECK(ChainHasher().head() == Digest{});
    CHECK(head_of(0, 1) == std::string(64, '0'));
}

TEST_CASE("the head does not tell how the log was cut into frames", "[store]") {
    for (const Seq events : {1U, 4'095U, 4'096U, 4'097U, 12'288U, 20'000U}) {
        const std::string head = head_of(events, 1);
        for (const std::uint32_t per_frame : {7U, 1'024U, 4'096U, 5'000U, 9'000U}) {
            CHECK(head_of(events, per_frame) == head);
        }
    }
}

TEST_CASE("asking for the head does not move it", "[store]") {
    ChainHasher asked;
    for (const Frame& frame : frames_of(9'000, 100, append_dull)) {
        asked.append(frame);
        CHECK(asked.head() == asked.head());
    }
    CHECK(to_hex(asked.head()) == head_of(9'000, 9'000));
}

TEST_CASE("a chain resumed at a full leaf ends as one that never stopped", "[store]") {
    for (const std::uint32_t per_frame : {1'024U, 4'096U}) {
        const std::vector<Frame> frames = frames_of(10'000, per_frame, append_dull);
        ChainHasher whole;
        ChainHasher resumed;
        bool copying = false;
        for (const Frame& frame : frames) {
            whole.append(frame);
            if (copying) {
                resumed.append(frame);
            }
            if (whole.next_seq() == 8'192) {
                resumed.resume(8'192, whole.chain());
                CHECK(resumed.head() == whole.head());
                copying = true;
            }
        }
        REQUIRE(copying);
        CHECK(resumed.head() == whole.head());
        CHECK(resumed.next_seq() == 10'000);
    }
}

TEST_CASE("one changed byte, or two events in another order, change the head", "[store]") {
    const std::string head = head_of(5'000, 5'000);
    std::vector<Frame> frames = frames_of(5'000, 5'000, append_dull);
    frames[0].bytes.data()[1'000] ^= 1U;
    ChainHasher changed;
    changed.append(frames[0]);
    CHECK(to_hex(changed.head()) != head);

    ChainHasher swapped;
    for (const Frame& frame : frames_of(5'000, 5'000, [](Frame& f, Seq k) {
             append(f, dull_envelope(k), dull_quote(k == 10 ? 11 : k == 11 ? 10 : k));
         })) {
        swapped.append(frame);
    }
    CHECK(to_hex(swapped.head()) != head);
}

TEST_CASE("a digest reads back from its own text and from no other", "[store]") {
    const Digest digest = sha256({});
    CHECK(to_hex(digest) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(digest_from_hex(to_hex(digest)) == digest);
    for (const std::string& text :
         {std::string(), std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'g'), std::string(64, 'A')}) {
        CHECK_FALSE(digest_from_hex(text));
    }
}
