// Buys one on its first quote; on the quote `at` it asks for another one and goes wrong as `how` says.
#include <alpha/strategy.hpp>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <thread>
#include <time.h>

namespace {

int deeper(volatile int* of) {
    volatile int more[1024] = {*of};
    return *of < 0 ? 0 : deeper(more) + more[1];
}

class Misbehaves final : public alpha::Strategy {
public:
    static constexpr const char* name = "misbehaves";
    static constexpr const char* summary = "goes wrong";
    static constexpr alpha::Param params[] = {
        alpha::text("how", "in which way"),
        alpha::integer("at", "on which quote").at_least("1").by_default("3"),
        alpha::integer("ms", "how long it sleeps or spins").at_least("0").by_default("0"),
    };

    explicit Misbehaves(const alpha::Settings& settings)
        : how_(settings.text("how")), at_(settings.integer("at")), ms_(settings.integer("ms")) {
        if (how_ == "refuses") {
            throw std::runtime_error("not with me");
        }
    }

    void on_quote(const alpha::Quote& quote, alpha::Context& context) override {
#ifdef CRASHES
        std::abort();
#endif
        ++quotes_;
        if (quotes_ == 1 || quotes_ == at_) {
            context.buy(quote.instrument, {100'000'000});
        }
        if (quotes_ != at_) {
            return;
        }
        if (how_ == "throws") {
            throw std::runtime_error("all is \x1b[31m lost");
        }
        if (how_ == "throws a number") {
            throw 42;
        }
        if (how_ == "asks for what there is not") {
            static_cast<void>(context.market(4'711));
        }
        if (how_ == "sleeps") {
            std::this_thread::sleep_for(std::chrono::milliseconds(ms_));
        }
        if (how_ == "spins") {
            // Its own time, so that a busy machine spins no less.
            timespec used{};
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
            const std::int64_t end = used.tv_sec * 1'000 + used.tv_nsec / 1'000'000 + ms_;
            while (used.tv_sec * 1'000 + used.tv_nsec / 1'000'000 < end) {
                clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
            }
        }
        if (how_ == "stops") {  // as a machine does that is suspended
            std::raise(SIGSTOP);
        }
        if (how_ == "loops") {
            for (volatile bool on = true; on;) {}
        }
        if (how_ == "segfaults") {
            std::raise(SIGSEGV);
        }
        if (how_ == "writes nowhere") {
            // Not null, which a sanitizer would see coming; it is just as little there.
            int* volatile nowhere = reinterpret_cast<int*>(4096);  // NOLINT(performance-no-int-to-ptr)
            *nowhere = 1;
        }
        if (how_ == "goes too deep") {
            volatile int one = 1;
            quotes_ += deeper(&one);
        }
        if (how_ == "aborts") {
            std::abort();
        }
    }

private:
    std::string how_;
    std::int64_t at_;
    std::int64_t ms_;
    std::int64_t quotes_ = 0;
};

}  // namespace

ALPHA_STRATEGY(Misbehaves)
