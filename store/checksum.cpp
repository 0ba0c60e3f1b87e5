#include "store/checksum.hpp"

#include "store/wire.hpp"

#include <array>

namespace alpha {

namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78;  // Castagnoli's, bits reversed

using Table = std::array<std::array<std::uint32_t, 256>, 8>;

/// table[k][b]: what byte b does to the checksum when k more bytes follow it. Eight bytes go in one
/// round ("slicing by 8").
constexpr Table make_table() {
    Table table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? kPolynomial : 0U);
        }
        table[0][byte] = crc;
    }
    for (std::size_t k = 1; k < table.size(); ++k) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const std::uint32_t crc = table[k - 1][byte];
            table[k][byte] = (crc >> 8U) ^ table[0][crc & 0xFFU];
        }
    }
    return table;
}

constexpr Table kTable = make_table();

}  // namespace

std::uint32_t crc32c(Bytes bytes, std::uint32_t before) {
    std::uint32_t crc = ~before;
    const std::uint8_t* p = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 8; left -= 8, p += 8) {
        const std::uint64_t word = load<std::uint64_t>(p) ^ crc;
        crc = kTable[7][word & 0xFFU] ^ kTable[6][(word >> 8U) & 0xFFU] ^ kTable[5][(word >> 16U) & 0xFFU] ^
              kTable[4][(word >> 24U) & 0xFFU] ^ kTable[3][(word >> 32U) & 0xFFU] ^ kTable[2][(word >> 40U) & 0xFFU] ^
              kTable[1][(word >> 48U) & 0xFFU] ^ kTable[0][word >> 56U];
    }
    for (; left > 0; --left, ++p) {
        crc = (crc >> 8U) ^ kTable[0][(crc ^ *p) & 0xFFU];
    }
    return ~crc;
}

}  // namespace alpha
