#pragma once
/// CRC-32C (Castagnoli): finds damage, proves nothing. The hash chain (store/chain.hpp) is what
/// tampering cannot pass.

#include "events/bytes.hpp"

#include <cstdint>

namespace alpha {

/// The checksum of `bytes`, going on from that of what stood before them. About 1.5 GB/s, without
/// special instructions.
std::uint32_t crc32c(Bytes bytes, std::uint32_t before = 0);

}  // namespace alpha
