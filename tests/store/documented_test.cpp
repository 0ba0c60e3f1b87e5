/// The worked example of docs/event_log.md, made anew and compared with what the page shows.

#include "store/anchor.hpp"
#include "store/frame.hpp"
#include "tests/store/support.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <rocksdb/file_system.h>
#include <string>

using namespace alpha;
using namespace alpha::store_test;

namespace {

/// The hexadecimal digits of the fenced block of that name, what stands behind # left out.
std::string documented(const std::string& name) {
    std::ifstream page(ALPHA_SOURCE_DIR "/docs/event_log.md");
    std::string hex;
    bool inside = false;
    bool found = false;
    for (std::string line; std::getline(page, line);) {
        if (line == "```" + name) {
            inside = found = true;
        } else if (line == "```") {
            inside = false;
        } else if (inside) {
            for (const char c : line.substr(0, line.find('#'))) {
                if (c != ' ') {
                    hex += c;
                }
            }
        }
    }
    INFO("block " << name);
    REQUIRE(found);
    return hex;
}

std::string hex_of(Bytes bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string hex;
    for (const std::uint8_t byte : bytes) {
        hex += kDigits[byte >> 4U];
        hex += kDigits[byte & 0xFU];
    }
    return hex;
}

}  // namespace

TEST_CASE("docs/event_log.md shows the very bytes of an event, a leaf, a head, a frame and an anchor", "[store]") {
    Frame frame;
    frame.begin(0);
    append(frame, Envelope{0, Time{1'381'152'600'072'000'000}, kNoSeq, kNoSeq},
           QuoteTick{InstrumentId{0}, Price{18'169'000'000}, Price{18'190'000'000}, Qty{20'000'000'000},
                     Qty{10'000'000'000}});
    CHECK(hex_of(frame.bytes.view()) == documented("event"));

    ChainHasher hasher;
    hasher.append(frame);
    CHECK(hex_of(*hasher.partial_leaf()) == documented("leaf"));
    CHECK(hex_of(hasher.head()) == documented("head"));

    ByteBuffer stored;
    encode_frame(frame, stored);
    CHECK(hex_of(stored.view()) == documented("frame"));

    const TempFolder folder;
    REQUIRE(Anchor::create(*rocksdb::FileSystem::Default(), folder / "", 1, hasher.head()));
    const std::vector<std::uint8_t> anchor = read_file(folder / kAnchorFile);
    REQUIRE(anchor.size() == kAnchorBytes);
    CHECK(hex_of(Bytes(anchor).subspan(kAnchorBytes / 2, 68)) == documented("anchor"));
}
