#include "store/machine.hpp"

#include <array>
#include <cerrno>
#include <exception>
#include <filesystem>
#include <new>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <system_error>

namespace alpha {

namespace {

/// The limit that this process has; nothing where there is none.
std::optional<rlim_t> limit_of(__rlimit_resource which) {
    rlimit limit{};
    const bool has = getrlimit(which, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    return has ? std::optional(limit.rlim_cur) : std::nullopt;
}

std::string too_large() {
    const std::optional<rlim_t> bytes = limit_of(RLIMIT_FSIZE);
    return bytes ? "files may not grow beyond " + std::to_string(*bytes / 1'024) +
                       " kB here; raise the limit on their size (ulimit -f)"
                 : "the file system takes no file of that size; choose another disk";
}

std::string too_many_open() {
    const std::optional<rlim_t> files = limit_of(RLIMIT_NOFILE);
    return (files ? "no more than " + std::to_string(*files) + " files may be open at once"
                  : std::string("too many files are open")) +
           "; raise that limit (ulimit -n), then start again";
}

/// What a person can do something about.
constexpr std::array kTold{ENOSPC, EDQUOT, EFBIG, EMFILE, ENFILE, ENOMEM, EACCES, EPERM, EROFS};

}  // namespace

std::string reason_of(int error) {
    switch (error) {
    case ENOSPC: return "the disk is full; make room, then start again";
    case EDQUOT: return "the disk quota is used up; make room, then start again";
    case EFBIG: return too_large();
    case EMFILE: return too_many_open();
    case ENFILE: return "the machine has no file descriptor left; end other programs, then start again";
    case EAGAIN:
        return "no more threads or processes may be started; end other programs or raise the limit (ulimit -u, ulimit "
               "-v)";
    case ENOMEM: return "there is not enough memory; end other programs or raise the limit (ulimit -v)";
    case EACCES:
    case EPERM: return "permission denied; ls -ld shows who may";
    case EROFS: return "its file system is read-only";
    default: return std::generic_category().message(error);
    }
}

ErrorCode code_of(int error) {
    switch (error) {
    case ENOSPC:
    case EDQUOT: return ErrorCode::no_space;
    case EMFILE:
    case ENFILE: return ErrorCode::no_descriptors;
    case EAGAIN: return ErrorCode::no_threads;
    case ENOMEM: return ErrorCode::no_memory;
    case EFBIG: return ErrorCode::file_too_large;
    case EACCES:
    case EPERM:
    case EROFS: return ErrorCode::not_permitted;
    case ENOENT: return ErrorCode::not_found;
    case EEXIST: return ErrorCode::already_exists;
    default: return ErrorCode::unspecified;
    }
}

ErrorKind kind_of(int error, ErrorKind otherwise) {
    switch (code_of(error)) {
    case ErrorCode::no_space:
    case ErrorCode::no_descriptors:
    case ErrorCode::no_threads:
    case ErrorCode::no_memory: return ErrorKind::transient;
    case ErrorCode::file_too_large:
    case ErrorCode::not_permitted: return ErrorKind::usage;
    default: return otherwise;
    }
}

tl::unexpected<Error> refused_by_system(const std::string& what, int error, ErrorKind otherwise) {
    return fail(kind_of(error, otherwise), what + ": " + reason_of(error) + ".", code_of(error));
}

tl::unexpected<Error> refused_by_library(const std::string& what, const std::string& said, ErrorKind otherwise) {
    for (const int error : kTold) {
        if (said.find(std::generic_category().message(error)) != std::string::npos) {
            return refused_by_system(what, error, otherwise);
        }
    }
    return fail(otherwise, what + ": " + said + ".");
}

Error error_of_exception() noexcept {
    try {
        throw;
    } catch (const std::bad_alloc&) {
        return {kind_of(ENOMEM, ErrorKind::internal), reason_of(ENOMEM), code_of(ENOMEM)};
    } catch (const std::filesystem::filesystem_error& error) {
        const int number = error.code().value();
        return {kind_of(number, ErrorKind::internal), error.path1().string() + ": " + reason_of(number),
                code_of(number)};
    } catch (const std::system_error& error) {
        const int number = error.code().value();
        return {kind_of(number, ErrorKind::internal), reason_of(number), code_of(number)};
    } catch (const std::exception& error) {
        return {ErrorKind::internal, std::string("internal: ") + error.what()};
    } catch (...) {
        return {ErrorKind::internal, "internal: something was thrown that is no std::exception"};
    }
}

}  // namespace alpha
