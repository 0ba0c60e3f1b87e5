#include "adapters/outside/outside_venue.hpp"

#include "events/limits.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace alpha {

namespace {

constexpr std::string_view kProtection = "protection";
constexpr std::string_view kUsual = "1%";
constexpr Decimal kWhole = decimal_of(100);

const std::array kKeys{
    Key{.name = kProtection,
        .form = KeyForm::text,
        .fallback = kUsual,
        .help = "How far beyond the touch a market order is valued at; the broker makes it a limit order at some such "
                "price."}};

Result<Decimal> protection_in(const std::string& text) {
    const Result<Decimal> value = text.ends_with('%') ? parse_decimal(text.substr(0, text.size() - 1))
                                                      : Result<Decimal>(fail(ErrorKind::usage, ""));
    if (!value || *value < Decimal{} || *value > kWhole) {
        return fail(ErrorKind::usage, "'protection' must be a part such as 1%, from 0% to 100%, not '" +
                                          text.substr(0, limits::kMaxNameBytes) + "'");
    }
    return *value;
}

class OutsideVenue final : public Venue {
public:
    explicit OutsideVenue(Decimal protection) : protection_(protection) {}

    void on_quote(Time, const QuoteTick&, Reports&) override {}
    void on_bar_opened(Time, const BarOpened&, bool, Reports&) override {}
    void on_shadowed_open(Time, const BarOpened&, Reports&) override {}
    void on_bar_closed(Time, const BarClosed&, Reports&) override {}
    void on_auction(Time, const AuctionPrices&, Reports&) override {}
    void forget_price(InstrumentId) override {}
    void on_session_opened(Time, const TradingSessionOpened&, Reports&) override {}
    void on_session_closed(Time, const TradingSessionClosed&, Reports&) override {}
    void on_corporate_action(Time, const CorporateAction&, std::span<const OrderAdjusted>,
                             std::span<const PositionAdjusted>, Reports&) override {}
    void perform(Time, const Effect&, Reports&) override {}
    bool links_orders() const override { return false; }
    void save(ByteBuffer&) const override {}
    Result<void> load(Bytes bytes) override {
        return bytes.empty() ? Result<void>{} : fail(ErrorKind::data, "a broker outside has nothing to load");
    }

    Price worst_fill(Side side, Price touch, Price tick) const override {
        const Int128 more = static_cast<Int128>(touch.raw) * protection_.raw / kWhole.raw;
        const Int128 worst = side == Side::buy ? touch.raw + more : std::max<Int128>(touch.raw - more, tick.raw);
        return Price{static_cast<std::int64_t>(std::min<Int128>(worst, limits::kMaxPrice.raw))};
    }

private:
    Decimal protection_;
};

Result<std::vector<Setting>> canonical(const std::vector<Setting>& given) {
    Setting protection{std::string(kProtection), std::string(kUsual)};
    for (const Setting& setting : given) {
        if (setting.key != kProtection) {
            return fail(ErrorKind::usage, "a broker outside has no setting '" + setting.key + "'; it has protection");
        }
        protection = setting;
    }
    const Result<Decimal> value = protection_in(protection.value);
    if (!value || given.size() > 1) {
        return value ? fail(ErrorKind::usage, "'protection' is given twice") : tl::make_unexpected(value.error());
    }
    protection.value = to_string(*value) + '%';
    return std::vector{protection};
}

std::vector<SettingRemark> no_remarks(const std::vector<Setting>&, DataHeld) {
    return {};
}

Result<std::unique_ptr<Venue>> hold(const std::vector<Setting>& settings, const std::vector<Setting>&, const Venue&) {
    return make_outside_venue(settings);
}

}  // namespace

Result<std::unique_ptr<Venue>> make_outside_venue(const std::vector<Setting>& settings) {
    const Result<std::vector<Setting>> all = canonical(settings);
    if (!all) {
        return tl::make_unexpected(all.error());
    }
    return std::unique_ptr<Venue>(std::make_unique<OutsideVenue>(*protection_in(all->front().value)));
}

const BrokerSpec& zerodha_spec() {
    static const BrokerSpec kSpec{.kind = "zerodha",
                                  .help = "Zerodha's Kite Connect.",
                                  .example = "{protection: 1%}",
                                  .keys = kKeys,
                                  .canonical = canonical,
                                  .remarks = no_remarks,
                                  .make = make_outside_venue,
                                  .hold = hold};
    return kSpec;
}

}  // namespace alpha
