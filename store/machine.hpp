#pragma once
/// The limits of the machine, in sentences: which one was met and what can be done about it, and what kind of error that is.

#include "events/result.hpp"

#include <string>
#include <string_view>

namespace alpha {

/// What an errno says; of a limit also how it is raised, of a lack what makes room.
std::string reason_of(int error);

/// transient: it passes by itself or once somebody makes room (full disk or quota, no descriptors, threads or memory).
/// usage: the environment forbids it (permission, read-only file system, limit on the size of files).
/// Anything else: what the caller says.
ErrorKind kind_of(int error, ErrorKind otherwise);

/// The same as a code.
ErrorCode code_of(int error);

/// The error "WHAT: REASON.", with the kind and the code that belong to the errno.
tl::unexpected<Error> refused_by_system(const std::string& what, int error, ErrorKind otherwise);

/// The same where a library tells in words what the system refused; what it says otherwise is passed on.
tl::unexpected<Error> refused_by_library(const std::string& what, const std::string& said, ErrorKind otherwise);

/// Inside of a catch: what was thrown, as an error.
Error error_of_exception() noexcept;

/// What `work` returns; an exception becomes an error. Every thread runs what it does under this, as main does.
template <class Work>
auto no_exceptions(const Work& work) -> decltype(work()) {
    try {
        return work();
    } catch (...) {
        return tl::make_unexpected(error_of_exception());
    }
}

}  // namespace alpha
