#include "events/order_tag.hpp"

#include "events/assert.hpp"

namespace alpha {

namespace {

// Crockford's base 32: no letter that looks like a digit or another letter.
constexpr std::string_view kDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr unsigned kBits = 5;
constexpr std::size_t kLogDigits = 6;
constexpr std::size_t kOrderDigits = 10;
constexpr std::size_t kCheckDigits = 3;
constexpr char kVersion = 'A';
constexpr std::size_t kLength = 1 + kLogDigits + kOrderDigits + kCheckDigits;

void put(std::string& text, std::uint64_t value, std::size_t digits) {
    for (std::size_t i = digits; i-- > 0;) {
        text += kDigits[value >> (i * kBits) & (kDigits.size() - 1)];
    }
}

std::optional<std::uint64_t> take(std::string_view digits) {
    std::uint64_t value = 0;
    for (const char c : digits) {
        const std::size_t digit = kDigits.find(c);
        if (digit == std::string_view::npos) {
            return std::nullopt;
        }
        value = value << kBits | digit;
    }
    return value;
}

/// CRC-15 as on the CAN bus: finds every change of up to five bits and every run of up to fifteen in so short a word.
std::uint64_t check_of(std::string_view text) {
    constexpr std::uint32_t kPolynomial = 0x4599;
    constexpr std::uint32_t kTop = 1U << 14U;
    std::uint32_t crc = 0;
    for (const char c : text) {
        for (unsigned bit = 8; bit-- > 0;) {
            const bool is_set = ((static_cast<unsigned char>(c) >> bit & 1U) != 0) != ((crc & kTop) != 0);
            crc = (crc << 1U & (2 * kTop - 1)) ^ (is_set ? kPolynomial : 0U);
        }
    }
    return crc;
}

}  // namespace

std::string to_string(const OrderTag& tag) {
    ALPHA_ASSERT(tag.log <= kMaxLogNumber && tag.order.value <= kMaxTaggedOrder, "a tag has room for its numbers");
    std::string text(1, kVersion);
    put(text, tag.log, kLogDigits);
    put(text, tag.order.value, kOrderDigits);
    put(text, check_of(text), kCheckDigits);
    return text;
}

std::optional<OrderTag> parse_order_tag(std::string_view text) {
    if (text.size() != kLength || text.front() != kVersion) {
        return std::nullopt;
    }
    const auto log = take(text.substr(1, kLogDigits));
    const auto order = take(text.substr(1 + kLogDigits, kOrderDigits));
    const auto check = take(text.substr(kLength - kCheckDigits));
    if (!log || !order || !check || *check != check_of(text.substr(0, kLength - kCheckDigits))) {
        return std::nullopt;
    }
    return OrderTag{static_cast<std::uint32_t>(*log), OrderId{*order}};
}

}  // namespace alpha
