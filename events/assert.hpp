#pragma once
/// Asserts for our own mistakes. They stay on in every build: an engine that trades money stops rather than go on from
/// a state it cannot explain. Bad input is never asserted; it is refused with a Result (events/result.hpp).

namespace alpha {

/// Prints the place, the condition and the message to stderr, then aborts. Never returns.
[[noreturn]] void assert_failed(const char* file, int line, const char* condition, const char* message) noexcept;

}  // namespace alpha

#define ALPHA_ASSERT(condition, message)                                                                               \
    do {                                                                                                               \
        if (!(condition)) [[unlikely]] {                                                                               \
            ::alpha::assert_failed(__FILE__, __LINE__, #condition, message);                                           \
        }                                                                                                              \
    } while (false)
