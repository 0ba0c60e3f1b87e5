#pragma once
/// What the tests of events/ share: literals, how failures print, and one hand-made event of every type.

#include "events/codec.hpp"
#include "events/event.hpp"
#include "events/fixed.hpp"

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace alpha {

// Catch2 prints values by these when a check fails.
inline std::ostream& operator<<(std::ostream& out, Price value) {
    return out << to_string(value);
}
inline std::ostream& operator<<(std::ostream& out, Qty value) {
    return out << to_string(value);
}
inline std::ostream& operator<<(std::ostream& out, Money value) {
    return out << to_string(value);
}
inline std::ostream& operator<<(std::ostream& out, Time value) {
    return out << value.ns << " ns";
}
inline std::ostream& operator<<(std::ostream& out, Duration value) {
    return out << value.ns << " ns";
}
inline std::ostream& operator<<(std::ostream& out, Date value) {
    return out << value.days << " days";
}

}  // namespace alpha

namespace alpha::test {

inline Price px(std::string_view text) {
    return parse_price(text).value();
}
inline Qty qty(std::string_view text) {
    return parse_qty(text).value();
}
inline Money money(std::string_view text) {
    return parse_money(text).value();
}

/// An event with the envelope it is encoded under.
struct Sample {
    Envelope envelope;
    Event event;
};

/// One event of every type, in tag order, with every field different from its default. FROZEN: frozen_test.cpp holds
/// their bytes and text_test.cpp their text, so a change here hides a change there. A new event type is appended.
std::vector<Sample> samples();

std::string hex(Bytes bytes);
std::vector<std::uint8_t> encoded(const Envelope& envelope, const Event& event);

/// Why `text` is not one JSON value as RFC 8259 has it, in valid UTF-8 and with no key twice in an object; empty when
/// it is.
std::string json_fault(std::string_view text);

}  // namespace alpha::test
