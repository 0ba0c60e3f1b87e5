#pragma once
/// Refusals as values. Anything that can go wrong because of what came from outside returns a Result; exceptions stay at
/// the edges (libraries that throw are caught where they are called).

#include <cstdint>
#include <string>
#include <string_view>
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

/// Which error it is, for programs, which must not read messages: `--json` prints name_of(code). docs/reference-cli.md says what to do
/// about each. Names never change.
enum class ErrorCode : std::uint8_t {
    unspecified,  ///< the kind says all that a program needs
    not_found,    ///< no such file, journal, event
    already_exists,
    in_use,    ///< another process writes it
    moved,     ///< what was being written is no longer where it was
    no_space,  ///< disk or quota full
    no_descriptors,
    no_threads,  ///< or processes
    no_memory,
    file_too_large,  ///< beyond the limit on the size of files
    not_permitted,   ///< permissions, owners, a read-only file system
    not_a_journal,
    newer_format,       ///< written by a newer alpha
    damaged,            ///< bytes that are not what was written
    altered,            ///< whole bytes that are not what was hashed
    lost_events,        ///< what was committed is not there
    bad_scenario,       ///< place: where
    bad_record,         ///< of market data; place: where
    other_session,      ///< a journal of another scenario or configuration
    data_changed,       ///< the feeds are not those that the journal was begun with
    decided_otherwise,  ///< this program decides otherwise than the log says
};
/// "not_found"
const char* name_of(ErrorCode code);

/// Where in a file; line and column count from 1, 0: not known.
struct ErrorPlace {
    std::string file;
    std::uint64_t line = 0;
    std::uint64_t column = 0;
};

/// An error a user can act on: `message` is a whole sentence and carries file:line[:column] where there is one, and what to do.
struct Error {
    ErrorKind kind = ErrorKind::internal;
    std::string message;
    ErrorCode code = ErrorCode::unspecified;
    ErrorPlace place = {};
    const char* why =
        nullptr;  ///< of a text that is no number or time: what is wrong with it, for who quotes it in another way

    /// Whether trying again later may help.
    bool is_transient() const { return kind == ErrorKind::transient; }
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(ErrorKind kind, std::string message, ErrorCode code = ErrorCode::unspecified,
                                  ErrorPlace place = {}) {
    return tl::unexpected<Error>(Error{kind, std::move(message), code, std::move(place)});
}
/// Of a text from outside that is no number or time (kind data): quotes 48 bytes of it.
inline tl::unexpected<Error> fail_to_parse(std::string_view text, const char* why) {
    std::string message(1, '\'');
    message.append(text.substr(0, 48)).append("' ").append(why);
    return tl::unexpected<Error>(Error{ErrorKind::data, std::move(message), ErrorCode::unspecified, {}, why});
}

}  // namespace alpha
