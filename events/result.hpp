#pragma once
/// Refusals as values. Anything that can go wrong because of what came from outside returns a Result; exceptions stay at
/// the edges (libraries that throw are caught where they are called).

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace alpha {

/// What went wrong, by whose doing. The numbers are the program's exit codes (SYSTEM: commands) and never change.
enum class ErrorKind : std::uint8_t {
    internal = 1,      ///< our own mistake
    usage = 2,         ///< command line, scenario or configuration
    data = 3,          ///< market data, journal bytes
    mismatch = 4,      ///< golden or verification differs
    broker = 5,        ///< broker or its authentication
    risk_halt = 6,     ///< trading was halted by a risk rule
    transient = 75,    ///< passes by itself or with more room: full disk, journal in use, no descriptors or memory
    interrupted = 130  ///< the user stopped it
};

/// An error a user can act on: `message` is a whole sentence and carries file:line[:column] where there is one.
struct Error {
    ErrorKind kind = ErrorKind::internal;
    std::string message;
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(ErrorKind kind, std::string message) {
    return tl::unexpected<Error>(Error{kind, std::move(message)});
}

}  // namespace alpha
