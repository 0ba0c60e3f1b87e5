#include "store/clock.hpp"

#include <time.h>

namespace alpha {

namespace {

class RealClock final : public Clock {
public:
    TimePoint now() const override { return std::chrono::steady_clock::now(); }
    Time wall() const override { return Time{wall_ns_ + (nanoseconds_of(CLOCK_BOOTTIME) - booted_ns_)}; }

    void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& changed, TimePoint until,
                    const std::function<bool()>& done) override {
        if (until == TimePoint::max()) {  // added to anything it would overflow
            changed.wait(lock, done);
        } else {
            changed.wait_until(lock, until, done);
        }
    }
    void notify_all(std::condition_variable& changed) override { changed.notify_all(); }

private:
    static std::int64_t nanoseconds_of(clockid_t clock) {
        timespec now{};
        clock_gettime(clock, &now);
        return std::int64_t{now.tv_sec} * kSecondNs + now.tv_nsec;
    }

    std::int64_t wall_ns_ = nanoseconds_of(CLOCK_REALTIME);
    std::int64_t booted_ns_ = nanoseconds_of(CLOCK_BOOTTIME);
};

}  // namespace

Clock& real_clock() {
    static RealClock clock;
    return clock;
}

}  // namespace alpha
