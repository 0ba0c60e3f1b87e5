#pragma once
/// Named places in the writer at which a test can end the process, or refuse the work, as a crash or a disk would. Nothing
/// but a test can arm one: there is no option and no variable of the environment for it.

#include <atomic>
#include <functional>
#include <string>

namespace alpha {

namespace failpoint_detail {
extern std::atomic<bool> armed;
void reached(const char* name);
}  // namespace failpoint_detail

/// Calls what was armed, if anything was. One relaxed load otherwise.
inline void failpoint(const char* name) {
    if (failpoint_detail::armed.load(std::memory_order_relaxed)) [[unlikely]] {
        failpoint_detail::reached(name);
    }
}

/// From now on `on_reach` is called with the name of every failpoint that is reached, on the thread that reaches it; null
/// disarms. For tests only; not to be called while a writer is at work.
void arm_failpoints(std::function<void(const std::string& name)> on_reach);

}  // namespace alpha
