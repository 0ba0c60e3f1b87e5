#include "views/format.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

namespace alpha {
namespace {

bool is_indian(std::string_view currency) {
    return currency == "INR";
}

/// 1,234,567 or, Indian, 12,34,567: the last three digits, then groups of two.
std::string group_digits(std::string_view digits, bool indian) {
    std::string grouped;
    const std::size_t step = indian ? 2 : 3;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        const std::size_t left = digits.size() - i;
        if (i != 0 && left >= 3 && (left - 3) % step == 0) {
            grouped += ',';
        }
        grouped += digits[i];
    }
    return grouped;
}

/// Groups the whole part of a plain decimal without a sign.
std::string group_decimal(std::string_view decimal, bool indian) {
    const std::size_t point = std::min(decimal.find('.'), decimal.size());
    return group_digits(decimal.substr(0, point), indian) + std::string(decimal.substr(point));
}

/// |raw| (at 1e-8) rounded half-even to `decimals` and grouped.
std::string show_rounded(Int128 raw, int decimals, bool indian) {
    Int128 unit = 1;
    for (int i = decimals; i < kScaleDigits; ++i) {
        unit *= 10;
    }
    std::string text;
    append_decimal(text, divide_half_even(raw < 0 ? -raw : raw, unit) * unit);
    std::size_t point = text.find('.');
    if (point == std::string::npos) {
        point = text.size();
        text += '.';
    }
    text.resize(std::max(text.size(), point + 3), '0');
    return group_decimal(text, indian);
}

bool rounds_to_zero(Money amount) {
    return divide_half_even(abs(amount).raw, 1'000'000) == 0;
}

std::string unsigned_money(Money amount, std::string_view currency) {
    std::string symbol;
    if (is_indian(currency)) {
        symbol = "₹";
    } else if (currency == "USD") {
        symbol = "$";
    } else {
        symbol = std::string(currency) + ' ';
    }
    return symbol + show_rounded(amount.raw, 2, is_indian(currency));
}

}  // namespace

std::string shell_word(const std::string& text) {
    constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+=:@,";
    if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) {
        return text;
    }
    std::string quoted = "'";
    for (const char c : text) {
        quoted += c == '\'' ? "'\\''" : std::string(1, c);
    }
    return quoted + "'";
}

std::string shell_path(const std::string& path) {
    return shell_word(path.starts_with('-') ? "./" + path : path);  // it is no option
}

std::string show_count(std::uint64_t count) {
    return group_digits(std::to_string(count), false);
}

std::string counted(std::uint64_t count, std::string_view what) {
    return fmt::format("{} {}{}", show_count(count), what, count == 1 ? "" : "s");
}

std::string show_money(Money amount, std::string_view currency) {
    const bool minus = amount.raw < 0 && !rounds_to_zero(amount);
    return (minus ? "-" : "") + unsigned_money(amount, currency);
}

std::string show_gain(Money amount, std::string_view currency) {
    const bool plus = amount.raw > 0 && !rounds_to_zero(amount);
    return (plus ? "+" : "") + show_money(amount, currency);
}

std::string show_price(Price price, std::string_view currency) {
    return (price.raw < 0 ? "-" : "") + show_rounded(price.raw, 4, is_indian(currency));
}

std::string show_qty(Qty quantity, std::string_view currency) {
    std::string text = to_string(quantity);
    const bool minus = text.front() == '-';
    return (minus ? "-" : "") + group_decimal(std::string_view(text).substr(minus ? 1 : 0), is_indian(currency));
}

std::string show_percent(double ratio) {
    if (!std::isfinite(ratio)) {
        return "n/a";
    }
    const std::string text = fmt::format("{:+.2f}%", ratio * 100.0);
    return text == "-0.00%" || text == "+0.00%" ? "0.00%" : text;
}

std::string show_bytes(double bytes) {
    constexpr std::array<const char*, 5> kUnits{"B", "kB", "MB", "GB", "TB"};
    std::size_t unit = 0;
    while (bytes >= 999.95 && unit + 1 < kUnits.size()) {
        bytes /= 1000.0;
        ++unit;
    }
    return fmt::format("{:.{}f} {}", bytes, unit == 0 ? 0 : 1, kUnits[unit]);
}

std::string show_seconds(double seconds) {
    if (seconds < 9.95) {
        return fmt::format("{:.1f} s", seconds);
    }
    const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
    if (whole < 60) {
        return fmt::format("{} s", whole);
    }
    if (whole < 3600) {
        return fmt::format("{} min {:02} s", whole / 60, whole % 60);
    }
    return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

}  // namespace alpha
