#include "adapters/outside/send_rate.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <vector>

using namespace alpha;

namespace {

constexpr Date kDay{20'000};
constexpr Time kStart{kDay.days * kDayNs + 4 * 3'600LL * kSecondNs};
constexpr std::int64_t kMs = 1'000'000;

Time at(std::int64_t ms) {
    return Time{kStart.ns + ms * kMs};
}

}  // namespace

TEST_CASE("more messages leave in a window than the broker takes", "[outside]") {
    SendRate rate{SendLimits{}};
    for (int n = 0; n < 8; ++n) {
        CHECK(rate.take(Send::place, at(n), kDay));
    }
    CHECK_FALSE(rate.take(Send::place, at(8), kDay));
    CHECK_FALSE(rate.take(Send::modify, at(8), kDay));
    CHECK(rate.take(Send::cancel, at(8), kDay));  // two are kept for it
    CHECK(rate.take(Send::cancel, at(9), kDay));
    CHECK_FALSE(rate.take(Send::cancel, at(10), kDay));
    CHECK(rate.next(Send::cancel, at(10), kDay) == at(1'250));
    CHECK(rate.next(Send::place, at(10), kDay) == at(1'252));
    CHECK_FALSE(rate.take(Send::cancel, at(1'249), kDay));
    CHECK(rate.take(Send::cancel, at(1'250), kDay));
    CHECK_FALSE(rate.take(Send::place, at(1'251), kDay));
    CHECK(rate.today() == 11);
}

TEST_CASE("a calendar second of the broker's clock has more than ten", "[outside]") {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same every time
        SendRate rate{SendLimits{}};
        const std::int64_t off_ms = static_cast<std::int64_t>(random() % 1'000);
        std::map<std::int64_t, int> of_second;
        std::int64_t now = 0;
        for (int n = 0; n < 400; ++n) {
            now += static_cast<std::int64_t>(random() % (seed % 7 == 0 ? 900 : 60));
            const Send what = random() % 3 == 0 ? Send::cancel : Send::place;
            if (rate.take(what, at(now), kDay)) {
                // On its way for up to a quarter of a second.
                ++of_second[(now + off_ms + static_cast<std::int64_t>(random() % 250)) / 1'000];
            } else {
                CHECK(rate.next(what, at(now), kDay) > at(now));
            }
        }
        CHECK(std::ranges::all_of(of_second, [](const auto& each) { return each.second <= 10; }));
    }
}

TEST_CASE("what is told of the next moment is too early or too late", "[outside]") {
    std::mt19937_64 random(5);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same every time
    SendRate rate{SendLimits{.in_window = 3, .kept_for_cancels = 1, .in_minute = 20}};
    std::int64_t now = 0;
    for (int n = 0; n < 500; ++n) {
        const Send what = random() % 2 == 0 ? Send::cancel : Send::modify;
        const Time next = rate.next(what, at(now), kDay);
        REQUIRE(next < kNever);
        if (next > at(now)) {
            SendRate copy = rate;
            CHECK_FALSE(copy.take(what, Time{next.ns - 1}, kDay));
            now = (next.ns - kStart.ns + kMs - 1) / kMs;
        }
        CHECK(rate.take(what, at(now), kDay));
        now += static_cast<std::int64_t>(random() % 300);
    }
}

TEST_CASE("a minute or a day has more than the broker takes, and a cancel waits for the next day", "[outside]") {
    SendRate minute{SendLimits{.in_window = 10, .window = Duration{0}, .kept_for_cancels = 2, .in_minute = 5}};
    for (int n = 0; n < 3; ++n) {
        CHECK(minute.take(Send::place, at(n), kDay));
    }
    CHECK_FALSE(minute.take(Send::place, at(4), kDay));
    CHECK(minute.next(Send::place, at(4), kDay) == at(60'000));
    CHECK(minute.take(Send::cancel, at(4), kDay));

    SendRate day{SendLimits{.in_day = 4}, {}, 3, kDay};
    CHECK(day.take(Send::place, at(0), kDay));
    CHECK_FALSE(day.take(Send::place, at(10'000), kDay));
    CHECK(day.next(Send::place, at(10'000), kDay) == kNever);
    CHECK(day.take(Send::cancel, at(10'000), kDay));
    CHECK(day.take(Send::place, Time{kStart.ns + kDayNs}, Date{kDay.days + 1}));
    CHECK(day.today() == 1);
}

TEST_CASE("a restart begins a new second, or a new minute", "[outside]") {
    std::vector<Time> recent;
    recent.reserve(8);
    for (int n = 0; n < 8; ++n) {
        recent.push_back(at(n));
    }
    SendRate rate{SendLimits{}, recent, 8, kDay};
    CHECK_FALSE(rate.take(Send::place, at(100), kDay));
    CHECK(rate.take(Send::place, at(1'250), kDay));
}

TEST_CASE("who was told of too many goes on as before", "[outside]") {
    SendRate rate{SendLimits{}};
    rate.halve(at(0));
    for (int n = 0; n < 3; ++n) {
        CHECK(rate.take(Send::place, at(n), kDay));  // five, two of them kept
    }
    CHECK_FALSE(rate.take(Send::place, at(4), kDay));
    CHECK(rate.take(Send::cancel, at(4), kDay));
    int sent = 0;
    for (int n = 0; n < 20; ++n) {
        sent += rate.take(Send::place, at(61'000 + n), kDay) ? 1 : 0;
    }
    CHECK(sent == 8);
    SendRate narrow{SendLimits{.in_window = 2}};
    narrow.halve(at(0));
    CHECK(narrow.next(Send::place, at(1), kDay) == at(60'000));
    CHECK(SendRate{SendLimits{.in_window = 2}}.next(Send::place, at(1), kDay) == kNever);
}
