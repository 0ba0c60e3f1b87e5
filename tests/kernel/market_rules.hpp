#pragma once
/// Small rules of a market for tests of the kernel: a calendar like India's in 2026, known for a few weeks, and a plan of charges.

#include "events/event.hpp"
#include "events/market.hpp"
#include "events/time.hpp"

#include <string>

namespace alpha::test {

inline markets::Source stated() {
    return {"test", markets::Grade::stated};
}

/// Monday to Friday, UTC: pre-opening from 09:00, continuous trading from 09:15 to 15:15, closing auction to 15:35. Known from
/// 2024-01-01 to 2024-02-29; 2024-01-26 is a holiday, of 2024-02-01 nobody said when it trades.
inline markets::CalendarRules auction_calendar() {
    using namespace markets;
    CalendarTable table;
    table.name = "AUCTION";
    table.zone_name = "UTC";
    const Date first = parse_date("2024-01-01").value();
    const Date last = parse_date("2024-02-29").value();
    table.trading_known = {{first, last, stated()}};
    const auto row = [&](Phase phase, int open_minute, int close_minute) {
        table.sessions.push_back({"regular", 0b11111, first, kNoLastDate, phase, open_minute * 60, close_minute * 60,
                                  close_minute * 60, stated()});
    };
    row(Phase::pre_open, 9 * 60, 9 * 60 + 5);
    row(Phase::pre_open_limit, 9 * 60 + 5, 9 * 60 + 10);
    row(Phase::pre_open_match, 9 * 60 + 10, 9 * 60 + 12);
    row(Phase::pre_open_buffer, 9 * 60 + 12, 9 * 60 + 15);
    row(Phase::continuous, 9 * 60 + 15, 15 * 60 + 15);
    row(Phase::closing_reference, 15 * 60 + 15, 15 * 60 + 20);
    row(Phase::closing_entry, 15 * 60 + 20, 15 * 60 + 25);
    row(Phase::closing_limit, 15 * 60 + 25, 15 * 60 + 30);
    row(Phase::closing_match, 15 * 60 + 30, 15 * 60 + 35);
    row(Phase::post_close, 15 * 60 + 50, 16 * 60);
    table.days = {{parse_date("2024-01-26").value(), DayKind::holiday, "", false, "Republic Day", stated()},
                  {parse_date("2024-02-01").value(), DayKind::hours_unknown, "", false, "Muhurat", stated()}};
    return {table, {"UTC", {{kBeforeAll, 0}}}};
}

/// On any exchange, in 2024: 0.1 per cent of turnover but at most 2 an order; a tax of 0.1 per cent on sells, to the whole unit; 18 per cent
/// on the first; 13 and tax where shares leave the account.
inline markets::ChargePlan small_plan() {
    using namespace markets;
    ChargePlan plan;
    plan.name = "small";
    const auto row = [&](ChargeLine line, ChargeBase base) {
        ChargeRow each;
        each.line = each.shown = line;
        each.base = base;
        each.from = parse_date("2024-01-01").value();
        each.to = parse_date("2024-12-31").value();
        each.source = stated();
        each.rounding = ChargeRounding::paisa;
        return each;
    };
    constexpr std::int64_t kPerMille = kChargeRateOne / 1'000;
    ChargeRow brokerage = row(ChargeLine::brokerage, ChargeBase::turnover);
    brokerage.rate = {kPerMille};
    brokerage.maximum = money_of(2);
    brokerage.in_gst_base = true;
    ChargeRow tax = row(ChargeLine::stt, ChargeBase::turnover);
    tax.side = Side::sell;
    tax.rate = {kPerMille};
    tax.rounding = ChargeRounding::rupee;
    ChargeRow no_tax = tax;
    no_tax.side = Side::buy;
    no_tax.rate = {};
    ChargeRow gst = row(ChargeLine::gst, ChargeBase::charges);
    gst.rate = {180 * kPerMille};
    ChargeRow dp = row(ChargeLine::dp, ChargeBase::scrip_day);
    dp.side = Side::sell;
    dp.amount = money_of(13);
    dp.in_gst_base = true;
    plan.rows = {brokerage, no_tax, tax, gst, dp};
    return plan;
}

/// Of instruments whose exchange nobody names: cnc is delivered after a day, mis is closed an hour before trading ends, nrml is carried.
inline ProductRules small_products(bool sells_unarrived = true) {
    ProductRules rules;
    rules.name = "small";
    for (const Product product : {Product::cnc, Product::mis, Product::nrml}) {
        ProductRow row;
        row.product = product;
        row.shorts = product != Product::cnc;
        row.square_off_s = product == Product::mis ? 3'600 : 0;
        row.delivery_days = product == Product::cnc ? 1 : 0;
        row.sells_unarrived = product == Product::cnc && sells_unarrived;
        row.from = Date{0};
        row.to = Date{40'000};
        row.source = stated();
        rules.rows.push_back(row);
    }
    return rules;
}

inline MarginRow margin_row(Product product, MarginKind kind, std::string_view rate) {
    MarginRow row;
    row.product = product;
    row.kind = kind;
    row.rate = parse_decimal(rate).value();
    row.from = Date{0};
    row.to = Date{40'000};
    row.source = stated();
    return row;
}

/// Of instruments whose exchange nobody names: cnc in full, mis a fifth; futures 10 % and 2 %, 1 % of spreads; options that are sold 10 % and
/// 2 %, 3 % more on their last day.
inline MarginRules small_margins() {
    MarginRules rules;
    rules.name = "small";
    rules.rows = {margin_row(Product::cnc, MarginKind::share, "1"), margin_row(Product::mis, MarginKind::share, "0.2")};
    for (const MarginKind kind : {MarginKind::future, MarginKind::option}) {
        MarginRow& row = rules.rows.emplace_back(margin_row(Product::nrml, kind, "0.1"));
        row.exposure = parse_decimal("0.02").value();
        (kind == MarginKind::future ? row.spread : row.expiry_exposure) =
            parse_decimal(kind == MarginKind::future ? "0.01" : "0.03").value();
    }
    return rules;
}

/// `new_shares` in place of each `old_shares`; a whole new share is paid at `fraction_price`.
inline CorporateAction split(InstrumentId instrument, std::int64_t new_shares, std::int64_t old_shares,
                             Price fraction_price = {}) {
    CorporateAction action;
    action.instrument = action.other = instrument;
    action.kind = ActionKind::split;
    action.ex_date = parse_date("2024-01-03").value();
    action.new_shares = new_shares;
    action.old_shares = old_shares;
    action.fraction_price = fraction_price;
    action.source = stated();
    return action;
}
inline CorporateAction dividend(InstrumentId instrument, Decimal amount) {
    CorporateAction action = split(instrument, 1, 1);
    action.kind = ActionKind::dividend;
    action.amount = amount;
    return action;
}

}  // namespace alpha::test
