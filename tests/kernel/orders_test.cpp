#include "kernel/orders.hpp"
#include "kernel/visits.hpp"
#include "tests/kernel/support.hpp"

namespace alpha::test {

namespace {

constexpr OrderStatus kStatuses[] = {OrderStatus::intended,  OrderStatus::working,  OrderStatus::filled,
                                     OrderStatus::cancelled, OrderStatus::rejected, OrderStatus::expired};
constexpr ReportKind kReports[] = {ReportKind::accepted, ReportKind::rejected,        ReportKind::triggered,
                                   ReportKind::filled,   ReportKind::cancelled,       ReportKind::expired,
                                   ReportKind::modified, ReportKind::cancel_rejected, ReportKind::modify_rejected};

}  // namespace

TEST_CASE("every report on every status does what the table in the docs says", "[kernel]") {
    Lines table;
    for (const OrderStatus status : kStatuses) {
        for (const ReportKind report : kReports) {
            const Transition t = transition(status, report);
            table.push_back(std::string(name_of(status)) + " + " + name_of(report) + " = " +
                            (t.allowed ? name_of(t.next) : "impossible"));
        }
    }
    CHECK(table == Lines{
                       "intended + accepted = working",
                       "intended + rejected = rejected",
                       "intended + triggered = working",
                       "intended + filled = working",
                       "intended + cancelled = cancelled",
                       "intended + expired = expired",
                       "intended + modified = working",
                       "intended + cancel_rejected = intended",
                       "intended + modify_rejected = intended",
                       "working + accepted = working",
                       "working + rejected = rejected",
                       "working + triggered = working",
                       "working + filled = working",
                       "working + cancelled = cancelled",
                       "working + expired = expired",
                       "working + modified = working",
                       "working + cancel_rejected = working",
                       "working + modify_rejected = working",
                       "filled + accepted = impossible",
                       "filled + rejected = impossible",
                       "filled + triggered = impossible",
                       "filled + filled = filled",
                       "filled + cancelled = impossible",
                       "filled + expired = impossible",
                       "filled + modified = impossible",
                       "filled + cancel_rejected = filled",
                       "filled + modify_rejected = filled",
                       "cancelled + accepted = impossible",
                       "cancelled + rejected = impossible",
                       "cancelled + triggered = impossible",
                       "cancelled + filled = cancelled",
                       "cancelled + cancelled = impossible",
                       "cancelled + expired = impossible",
                       "cancelled + modified = impossible",
                       "cancelled + cancel_rejected = cancelled",
                       "cancelled + modify_rejected = cancelled",
                       "rejected + accepted = impossible",
                       "rejected + rejected = impossible",
                       "rejected + triggered = impossible",
                       "rejected + filled = rejected",
                       "rejected + cancelled = impossible",
                       "rejected + expired = impossible",
                       "rejected + modified = impossible",
                       "rejected + cancel_rejected = rejected",
                       "rejected + modify_rejected = rejected",
                       "expired + accepted = impossible",
                       "expired + rejected = impossible",
                       "expired + triggered = impossible",
                       "expired + filled = expired",
                       "expired + cancelled = impossible",
                       "expired + expired = impossible",
                       "expired + modified = impossible",
                       "expired + cancel_rejected = expired",
                       "expired + modify_rejected = expired",
                   });
}

TEST_CASE("terminal stays terminal, whatever a broker reports", "[kernel]") {
    for (const OrderStatus status : kStatuses) {
        if (!is_terminal(status)) {
            continue;
        }
        for (const ReportKind report : kReports) {
            const Transition t = transition(status, report);
            CHECK((!t.allowed || t.next == status));
        }
    }
    CHECK_FALSE(is_terminal(OrderStatus::intended));
    CHECK_FALSE(is_terminal(OrderStatus::working));
    CHECK(is_terminal(OrderStatus::refused));
}

TEST_CASE("what may still fill counts the larger of the confirmed and the asked-for quantity", "[kernel]") {
    Order order;
    order.status = OrderStatus::working;
    order.terms.quantity = qty("10");
    order.filled = qty("4");
    CHECK(order.leaves() == qty("6"));
    order.pending_quantity = qty("15");
    CHECK(order.leaves() == qty("11"));
    order.pending_quantity = qty("5");
    CHECK(order.leaves() == qty("6"));
    order.filled = qty("12");
    CHECK(order.leaves() == qty("0"));
    order.filled = qty("4");
    order.status = OrderStatus::cancelled;
    CHECK(order.leaves() == qty("0"));
}

TEST_CASE("each status has a name of its own", "[kernel]") {
    Lines names;
    for (const OrderStatus status : kStatuses) {
        names.emplace_back(name_of(status));
    }
    names.emplace_back(name_of(OrderStatus::refused));
    CHECK(names == Lines{"intended", "working", "filled", "cancelled", "rejected", "expired", "refused"});
}

namespace {

/// What asking for and booking each of so many trades looks at, the most of any one of them but `apart` of all: a name for each.
std::uint64_t most_visits(std::size_t trades, const std::function<std::string(std::size_t)>& name) {
    Trades booked;
    std::uint64_t most = 0;
    for (std::size_t i = 0; i < trades; ++i) {
        const std::string trade = name(i);
        visits = 0;
        CHECK_FALSE(booked.contains(trade));
        const std::uint64_t asked = visits;
        booked.book(trade);
        CHECK(booked.contains(trade));
        CHECK(booked.contains(name(i / 2)));
        most = std::max(most, i < 100 ? asked : visits);  // the first that is no growing number makes an index
    }
    CHECK(booked.size() == trades);
    return most;
}

}  // namespace

TEST_CASE("an order's trades are told apart as quickly after eighty thousand as after some", "[kernel]") {
    const std::pair<const char*, std::function<std::string(std::size_t)>> kinds[] = {
        {"growing numbers", [](std::size_t i) { return std::to_string(1 + i); }},
        {"texts", [](std::size_t i) { return "T" + std::to_string(1 + i * 7'919 % 80'021); }},
        {"numbers that fall", [](std::size_t i) { return std::to_string(100'000 - i); }},
        {"numbers with zeros in front", [](std::size_t i) { return "0" + std::to_string(i); }},
        {"numbers, then texts", [](std::size_t i) { return i < 50 ? std::to_string(i + 1) : "x" + std::to_string(i); }},
    };
    for (const auto& [what, name] : kinds) {
        CAPTURE(what);
        CHECK(most_visits(1'000, name) <= 4 * 20);
        CHECK(most_visits(80'000, name) <= 4 * 34);  // four searches of a balanced tree, each at most twice its height
    }
}

TEST_CASE("trades are kept in the order in which they were booked, whatever index stands beside them", "[kernel]") {
    Trades trades;
    for (const char* trade : {"7", "10", "9", "abc", "08", "11"}) {
        trades.book(trade);
    }
    CHECK(trades.all() == std::vector<std::string>{"7", "10", "9", "abc", "08", "11"});
    CHECK(trades.contains("9"));
    CHECK(trades.contains("08"));
    CHECK_FALSE(trades.contains("8"));
    CHECK_FALSE(trades.contains(""));
    Trades others;
    CHECK_FALSE(others.contains(""));
    CHECK_FALSE(others == trades);
}

}  // namespace alpha::test
