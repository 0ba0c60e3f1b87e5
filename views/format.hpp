#pragma once
/// Values as people read them: money and counts in their usual grouping, per cent, sizes, and words for a shell. Pure text in, pure text
/// out (UTF-8), the same on every machine and in every locale. Programs read JSON and CSV instead.

#include "events/fixed.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace alpha {

/// What a person types into a shell to mean this one word, or this path, to a command; quoted where it must be.
std::string shell_word(const std::string& text);
std::string shell_path(const std::string& path);

/// "1,234,567".
std::string show_count(std::uint64_t count);
/// "1 fill", "2 fills".
std::string counted(std::uint64_t count, std::string_view what);
/// Two decimals, half-even, in the currency's own grouping: "₹12,34,567.50" for INR,
/// "$1,234,567.50" for USD, else "EUR 1,234,567.50". A loss is "-₹100.00".
std::string show_money(Money amount, std::string_view currency);
/// As show_money, with "+" in front of a gain.
std::string show_gain(Money amount, std::string_view currency);
/// Two to four decimals, half-even, grouped as money of the currency, without its sign.
std::string show_price(Price price, std::string_view currency);
/// As many decimals as it has, grouped as money of the currency.
std::string show_qty(Qty quantity, std::string_view currency);
/// "+1.23%"; `ratio` 0.0123. "n/a" for what is not finite.
std::string show_percent(double ratio);
/// "1.3 MB", decimal units.
std::string show_bytes(double bytes);
/// "0.4 s", "2 min 05 s", "1 h 02 min".
std::string show_seconds(double seconds);

}  // namespace alpha
