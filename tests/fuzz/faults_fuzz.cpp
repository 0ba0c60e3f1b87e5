/// Fault scripts of any text: no crash, mistakes with their place, and with what is accepted the exchange gets through some requests.

#include "config/fault_script.hpp"
#include "tests/fuzz/findings.hpp"
#include "tests/fuzz/input.hpp"

#include <string_view>

namespace {

using namespace alpha;
using kite::Caller;
using kite::Fault;

constexpr std::string_view kPath = "fuzz/faults.yaml";
constexpr Date kDay{20'784};  // 2026-11-27, a Friday

void trade_with(const std::vector<Fault>& faults) {
    kite::Instrument share;
    share.tradingsymbol = "INFY";
    share.tick = Price{kScale / 20};
    kite::Settings settings;
    settings.instruments = {share};
    settings.accounts = {{"AB1234", money_of(1'000'000)}};
    kite::KiteExchange exchange(std::move(settings), 1);
    for (const Fault& fault : faults) {
        exchange.add_fault(fault);
    }
    Time now = kite::kCashHours.midnight(kDay) + Duration{36'000 * kSecondNs};
    const Caller caller = Caller::api(exchange.login(now, "AB1234"));
    kite::PlaceOrder order;
    order.tradingsymbol = "INFY";
    order.quantity = 1;
    order.price = price_of(100);
    order.tag = "T1";
    for (int i = 0; i < 3; ++i) {
        now = now + Duration{kSecondNs};
        const std::string id = exchange.place(now, caller, order).order_id;
        now = now + Duration{kSecondNs};
        static_cast<void>(exchange.modify(now, caller, {id, 2}));
        static_cast<void>(exchange.cancel(now, caller, id));
        static_cast<void>(exchange.orders(now, caller));
        static_cast<void>(exchange.trades(now, caller));
        static_cast<void>(exchange.take_updates(now, "AB1234"));
    }
    exchange.advance(now + Duration{2 * kDayNs});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto faults = read_fault_script(text, std::string(kPath), kDay);
    if (!faults) {
        ALPHA_ASSERT(faults.error().kind == ErrorKind::usage, "a bad script is the user's mistake");
        fuzz::check_findings(faults.error().message, kPath);
        return 0;
    }
    ALPHA_ASSERT(faults->size() <= kMaxFaults, "a script is bounded");
    trade_with(*faults);
    return 0;
}
