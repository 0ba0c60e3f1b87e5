#pragma once
/// Whose fault it was. While code that is not ours runs on a thread, the thread knows its name; when such code brings the process
/// down (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT), the last line on standard error and in the log file says so, and the
/// process then ends as it would have: same status, same core. AbortEnds makes an exit code of an abort.

#include <string>
#include <string_view>

namespace alpha {

/// Names the code that runs on this thread for as long as this lives; costs two stores. The texts outlive it. Not nested.
class CrashContext {
public:
    CrashContext(const char* who, const char* doing);
    ~CrashContext();
    CrashContext(const CrashContext&) = delete;
    CrashContext& operator=(const CrashContext&) = delete;
};

/// Whether such code runs on this thread.
bool is_blamed();

/// From here on crashes are told, once there is somebody to blame. A second call changes nothing.
void tell_of_crashes();
/// Where to, besides standard error: the file is opened when it comes to that. Empty: nowhere.
void tell_of_crashes_in(const std::string& log_file);

/// While one lives, an abort (a library's, or one of our asserts) is not a crash: `message` goes to standard error as "error: ..." and
/// the process ends with `exit_code`. For reading what others may have damaged in a process that nobody watches over. Not nested.
class AbortEnds {
public:
    AbortEnds(const std::string& message, int exit_code);
    ~AbortEnds();
    AbortEnds(const AbortEnds&) = delete;
    AbortEnds& operator=(const AbortEnds&) = delete;
};

/// Whether this line of a log was written so.
bool tells_of_a_crash(std::string_view line);

}  // namespace alpha
