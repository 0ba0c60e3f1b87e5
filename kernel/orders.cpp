#include "kernel/orders.hpp"

#include <array>

namespace alpha {

namespace {

using enum OrderStatus;

constexpr Transition kNo{};
constexpr Transition to(OrderStatus next) {
    return {true, next};
}
constexpr Transition stays(OrderStatus status) {
    return {true, status};
}

constexpr std::size_t kStatuses = 6;
constexpr std::size_t kReports = 9;

/// One row a status, one column a report. A broker that fills, cancels or expires an order it never acknowledged has
/// acknowledged it by that. A fill after the end is late, not impossible: it changes the books, never the status.
// clang-format off
constexpr std::array<std::array<Transition, kReports>, kStatuses> kTable{{
    //               accepted     rejected      triggered        filled            cancelled      expired      modified         cancel_rejected  modify_rejected
    /* intended  */ {to(working), to(rejected), to(working),     to(working),      to(cancelled), to(expired), to(working),     stays(intended), stays(intended)},
    /* working   */ {stays(working), to(rejected), stays(working),  stays(working),   to(cancelled), to(expired), stays(working),  stays(working),  stays(working)},
    /* filled    */ {kNo,         kNo,          kNo,             stays(filled),    kNo,           kNo,         kNo,             stays(filled),   stays(filled)},
    /* cancelled */ {kNo,         kNo,          kNo,             stays(cancelled), kNo,           kNo,         kNo,             stays(cancelled), stays(cancelled)},
    /* rejected  */ {kNo,         kNo,          kNo,             stays(rejected),  kNo,           kNo,         kNo,             stays(rejected), stays(rejected)},
    /* expired   */ {kNo,         kNo,          kNo,             stays(expired),   kNo,           kNo,         kNo,             stays(expired),  stays(expired)},
}};
// clang-format on

}  // namespace

const char* name_of(OrderStatus status) {
    switch (status) {
    case intended: return "intended";
    case working: return "working";
    case filled: return "filled";
    case cancelled: return "cancelled";
    case rejected: return "rejected";
    case expired: return "expired";
    case refused: return "refused";
    }
    return "?";
}

Transition transition(OrderStatus status, ReportKind kind) {
    ALPHA_ASSERT(status >= intended && status <= expired, "a status that an order in the state can have");
    return kTable[static_cast<std::size_t>(status) - 1][static_cast<std::size_t>(kind) - 1];
}

}  // namespace alpha
