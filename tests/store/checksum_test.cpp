#include "store/checksum.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <string_view>

using namespace alpha;

namespace {

Bytes bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

TEST_CASE("the checksum is the published CRC-32C, not one of our own", "[store]") {
    // RFC 3720, B.4, and the usual check value.
    CHECK(crc32c(bytes_of("123456789")) == 0xE3069283);
    CHECK(crc32c(std::array<std::uint8_t, 32>{}) == 0x8A9136AA);
    CHECK(crc32c({}) == 0);
}

TEST_CASE("a checksum continued over pieces is that of the whole", "[store]") {
    const std::string_view text = "the quick brown fox jumps over the lazy dog";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        CHECK(crc32c(bytes_of(text.substr(cut)), crc32c(bytes_of(text.substr(0, cut)))) == crc32c(bytes_of(text)));
    }
}
