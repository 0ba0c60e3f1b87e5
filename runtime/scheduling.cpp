#include "runtime/scheduling.hpp"

#include <cstdint>
#include <fmt/format.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace alpha {

namespace {

constexpr std::uint64_t kSliceNs = 100'000;  // the least that Linux grants
constexpr unsigned long kSlackNs = 1'000;

/// sched_attr of sched_setattr(2), which glibc 2.36 does not declare; the kernel's own header cannot stand beside <sched.h>.
struct SchedulingAttributes {
    std::uint32_t size = sizeof(SchedulingAttributes);
    std::uint32_t policy = 0;
    std::uint64_t flags = 0;
    std::int32_t nice = 0;
    std::uint32_t priority = 0;
    std::uint64_t runtime_ns = 0;  // of a thread under the usual policy: its slice
    std::uint64_t deadline_ns = 0;
    std::uint64_t period_ns = 0;
};
static_assert(sizeof(SchedulingAttributes) == 48, "SCHED_ATTR_SIZE_VER0");

Error not_there(unsigned cpu) {
    return {ErrorKind::usage, fmt::format("there is no processor {} that this process may use", cpu)};
}

}  // namespace

void prefer_latency() {
    prctl(PR_SET_TIMERSLACK, kSlackNs);
    SchedulingAttributes attributes;
    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) == 0 && attributes.policy == SCHED_OTHER) {
        attributes.runtime_ns = kSliceNs;
        syscall(SYS_sched_setattr, 0, &attributes, 0);
    }
}

Result<void> reserve_cpu(unsigned cpu) {
    cpu_set_t others{};
    if (sched_getaffinity(0, sizeof others, &others) != 0) {
        return tl::unexpected(not_there(cpu));
    }
    if (Result<void> there = move_to_cpu(cpu); !there) {
        return there;
    }
    CPU_CLR(cpu, &others);
    if (CPU_COUNT(&others) == 0) {
        return fail(ErrorKind::usage,
                    fmt::format("processor {} is the only one that this process may use: nothing else would run", cpu));
    }
    sched_setaffinity(0, sizeof others, &others);
    return {};
}

Result<void> move_to_cpu(unsigned cpu) {
    cpu_set_t only{};
    if (cpu >= CPU_SETSIZE) {
        return tl::unexpected(not_there(cpu));
    }
    CPU_SET(cpu, &only);
    if (sched_setaffinity(0, sizeof only, &only) != 0) {
        return tl::unexpected(not_there(cpu));
    }
    return {};
}

}  // namespace alpha
