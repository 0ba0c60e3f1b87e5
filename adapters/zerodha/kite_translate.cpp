#include "adapters/zerodha/kite_translate.hpp"

#include "events/assert.hpp"
#include "events/limits.hpp"
#include "events/text.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>

namespace alpha::kite {

namespace {

std::string lowered(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return out;
}

/// "timeout", "timed out", "time-out": the two words with no more than three characters between them.
bool speaks_of_time_out(std::string_view text) {
    constexpr std::string_view kTime = "time";
    constexpr std::size_t kBetween = 3;
    for (std::size_t at = text.find(kTime); at != std::string_view::npos; at = text.find(kTime, at + 1)) {
        const std::size_t out = text.find("out", at + kTime.size());
        if (out != std::string_view::npos && out - at - kTime.size() <= kBetween) {
            return true;
        }
    }
    return false;
}

/// Whether a refusal's text says that the order may be there.
bool may_be_placed(std::string_view message) {
    constexpr std::array kWords{"order book", "orderbook", "try again", "process", "gateway", "unable", "network"};
    const std::string text = lowered(message);
    return speaks_of_time_out(text) ||
           std::ranges::any_of(kWords, [&](const char* word) { return text.find(word) != std::string::npos; });
}

bool is_refused(const Answered& answer) {
    const auto is = [&](std::string_view type) { return answer.error_type == type; };
    constexpr std::uint16_t kBadRequest = 400;
    constexpr std::uint16_t kForbidden = 403;
    if (answer.http == kForbidden) {
        return is("TokenException") || is("PermissionException");
    }
    return answer.http == kBadRequest &&
           (is("MarginException") || is("HoldingException") || is("UserException") || is("PermissionException") ||
            (is("InputException") && !may_be_placed(answer.message)));
}

}  // namespace

SendAnswer outcome_of(const Answered& answer) {
    constexpr std::uint16_t kDone = 200;
    constexpr std::uint16_t kTooMany = 429;
    SendAnswer outcome;
    outcome.text = bounded(answer.message, limits::kMaxBrokerTextBytes);
    outcome.http = answer.http;
    outcome.error_type = bounded(answer.error_type, limits::kMaxErrorTypeBytes);
    const bool is_named = !answer.order_id.empty() && answer.order_id.size() <= limits::kMaxBrokerOrderBytes &&
                          is_printable(answer.order_id);
    if (answer.http == kDone && is_named) {
        outcome.outcome = SendOutcome::acked;
        outcome.broker_order = answer.order_id;
    } else if (is_refused(answer)) {
        outcome.outcome = SendOutcome::refused;
        outcome.needs_login = answer.error_type == "TokenException";
    } else if (answer.http == kTooMany) {
        outcome.outcome = SendOutcome::doubtful;
    }
    return outcome;
}

// ---- names ----------------------------------------------------------------------------------------------------------

Symbols::Symbols(const std::vector<alpha::Instrument>& instruments) {
    for (std::uint32_t i = 0; i < instruments.size(); ++i) {
        names_.push_back(instruments[i].name);
        by_name_.emplace(instruments[i].name, InstrumentId{i});
        if (!instruments[i].isin.empty()) {
            by_isin_.emplace(instruments[i].isin, InstrumentId{i});
        }
    }
}

InstrumentId Symbols::find(std::string_view exchange, std::string_view tradingsymbol) const {
    const auto at = by_name_.find(std::string(exchange) + ':' + std::string(tradingsymbol));
    return at == by_name_.end() ? kUnknownInstrument : at->second;
}

InstrumentId Symbols::find_share(const HoldingRow& holding) const {
    const auto at = by_isin_.find(holding.isin);
    return at == by_isin_.end() ? find(holding.exchange, holding.tradingsymbol) : at->second;
}

std::pair<std::string, std::string> Symbols::of(InstrumentId instrument) const {
    ALPHA_ASSERT(instrument.value < names_.size(), "an order is in an instrument that is known");
    const std::string& name = names_[instrument.value];
    const std::size_t colon = name.find(':');
    return colon == std::string::npos ? std::pair{std::string(), name}
                                      : std::pair{name.substr(0, colon), name.substr(colon + 1)};
}

// ---- rows -----------------------------------------------------------------------------------------------------------

namespace {

alpha::Product product_of(Product product) {
    switch (product) {
    case Product::cnc: return alpha::Product::cnc;
    case Product::mis: return alpha::Product::mis;
    case Product::nrml: return alpha::Product::nrml;
    case Product::mtf: return alpha::Product::mtf;
    }
    return alpha::Product::none;
}

std::optional<Product> product_of(alpha::Product product) {
    switch (product) {
    case alpha::Product::none: break;
    case alpha::Product::cnc: return Product::cnc;
    case alpha::Product::mis: return Product::mis;
    case alpha::Product::nrml: return Product::nrml;
    case alpha::Product::mtf: return Product::mtf;
    }
    return std::nullopt;
}

/// Of words that are on the way to another, and of those that nobody knows, none.
std::optional<RowStatus> settled(std::string_view status) {
    const auto is = [&](Status of) { return status == text_of(of); };
    return is(Status::open)              ? std::optional(RowStatus::open)
           : is(Status::trigger_pending) ? std::optional(RowStatus::trigger_pending)
           : is(Status::complete)        ? std::optional(RowStatus::complete)
           : is(Status::cancelled)       ? std::optional(RowStatus::cancelled)
           : is(Status::rejected)        ? std::optional(RowStatus::rejected)
                                         : std::nullopt;
}

bool is_known(std::string_view status) {
    for (auto each = Status::put_order_req_received; each <= Status::rejected;
         each = static_cast<Status>(static_cast<std::uint8_t>(each) + 1)) {
        if (status == text_of(each)) {
            return true;
        }
    }
    return false;
}

/// What a word may hold of a quantity.
bool is_quantity(std::int64_t quantity) {
    return quantity >= 0 && quantity <= limits::kMaxQty.raw / kScale;
}

bool is_name(std::string_view text, std::size_t most) {
    return !text.empty() && text.size() <= most && is_printable(text);
}

}  // namespace

Result<BrokerOrderSeen> word_of(const OrderRow& row, const Symbols& names) {
    const bool is_priced = row.price.raw >= 0 && row.price <= limits::kMaxPrice && row.trigger_price.raw >= 0 &&
                           row.trigger_price <= limits::kMaxPrice;
    if (!is_name(row.order_id, limits::kMaxBrokerOrderBytes) || !is_quantity(row.quantity) ||
        !is_quantity(row.filled_quantity) || !is_priced) {
        return fail(ErrorKind::data,
                    "the book has an order that cannot be one: " + bounded(row.order_id, limits::kMaxBrokerOrderBytes));
    }
    BrokerOrderSeen word;
    word.broker_order = row.order_id;
    word.order_tag = bounded(row.tag.value_or(""), limits::kMaxOrderTagBytes);
    word.instrument = names.find(row.exchange, row.tradingsymbol);
    word.side = row.transaction_type;
    word.product = product_of(row.product);
    word.quantity = qty_of(row.quantity);
    word.filled = qty_of(row.filled_quantity);
    word.price = row.price;
    word.trigger = row.trigger_price;
    word.status = settled(row.status).value_or(RowStatus::pending);
    word.raw_status = is_known(row.status) ? std::string() : bounded(row.status, limits::kMaxStatusBytes);
    word.text = bounded(row.status_message.value_or(""), limits::kMaxBrokerTextBytes);
    if (word.text.empty() && word.instrument == kUnknownInstrument) {
        word.text = bounded(row.exchange + ':' + row.tradingsymbol, limits::kMaxBrokerTextBytes);
    }
    word.placed_at = row.order_timestamp;
    return word;
}

Result<BrokerTradeSeen> word_of(const TradeRow& row, const Symbols& names) {
    if (!is_name(row.order_id, limits::kMaxBrokerOrderBytes) || !is_name(row.trade_id, limits::kMaxTradeBytes) ||
        !is_name(row.exchange, limits::kMaxExchangeBytes) || row.quantity <= 0 || !is_quantity(row.quantity) ||
        row.average_price.raw <= 0 || row.average_price > limits::kMaxPrice) {
        return fail(ErrorKind::data,
                    "the book has a trade that cannot be one: " + bounded(row.trade_id, limits::kMaxTradeBytes));
    }
    BrokerTradeSeen word;
    word.broker_order = row.order_id;
    word.exchange = row.exchange;
    word.trade = row.trade_id;
    word.instrument = names.find(row.exchange, row.tradingsymbol);
    word.side = row.transaction_type;
    word.product = product_of(row.product);
    word.quantity = qty_of(row.quantity);
    word.price = row.average_price;
    word.day = kCashHours.date_of(row.fill_timestamp);
    word.traded_at = row.fill_timestamp;
    return word;
}

std::vector<AccountRead> words_of(const std::vector<PositionRow>& positions, const std::vector<HoldingRow>& holdings,
                                  const Symbols& names, Date day) {
    std::vector<AccountRead> words;
    const auto add = [&](AccountRowKind kind, InstrumentId instrument, const auto& row,
                         std::int64_t quantity) -> auto& {
        AccountRead& word = words.emplace_back();
        word.kind = kind;
        word.instrument = instrument;
        word.quantity = qty_of(quantity);
        word.day = day;
        if (instrument == kUnknownInstrument) {
            word.symbol = bounded(row.exchange + ':' + row.tradingsymbol, limits::kMaxStatusBytes);
        }
        return word;
    };
    for (const PositionRow& row : positions) {
        const InstrumentId instrument = names.find(row.exchange, row.tradingsymbol);
        if (row.overnight_quantity != 0) {
            add(AccountRowKind::holding, instrument, row, row.overnight_quantity).product = product_of(row.product);
        }
        if (row.quantity != row.overnight_quantity) {
            add(AccountRowKind::position, instrument, row, row.quantity - row.overnight_quantity).product =
                product_of(row.product);
        }
    }
    // What was sold of a holding today stands among the positions, with its sign.
    for (const HoldingRow& row : holdings) {
        if (row.opening_quantity != 0) {
            AccountRead& word = add(AccountRowKind::holding, names.find_share(row), row, row.opening_quantity);
            word.product = alpha::Product::cnc;
            word.average = row.average_price;
        }
    }
    return words;
}

BookDay book_day(Time now) {
    constexpr std::int64_t kCleared_s = 21'600;  // 06:00
    constexpr std::int64_t kFinal_s = 59'400;    // 16:30
    const Date day = kCashHours.date_of(now - Duration{kCleared_s * kSecondNs});
    return {day, now >= kCashHours.midnight(day) + Duration{kFinal_s * kSecondNs}};
}

// ---- requests -------------------------------------------------------------------------------------------------------

namespace {

Result<std::int64_t> whole(Qty quantity) {
    if (quantity.raw <= 0 || quantity.raw % kScale != 0) {
        return fail(ErrorKind::usage, "Kite takes whole quantities, not " + to_string(quantity));
    }
    return quantity.raw / kScale;
}

OrderType type_of(alpha::OrderType type) {
    switch (type) {
    case alpha::OrderType::market: return OrderType::market;
    case alpha::OrderType::limit: return OrderType::limit;
    case alpha::OrderType::stop: return OrderType::sl_m;
    case alpha::OrderType::stop_limit: return OrderType::sl;
    }
    return OrderType::limit;
}

}  // namespace

Result<PlaceOrder> order_of(const OutsideMessage& message, const Symbols& names, std::int32_t protection) {
    const OrderTerms& terms = message.terms;
    const std::optional<Product> product = product_of(terms.product);
    const Result<std::int64_t> quantity = whole(terms.quantity);
    if (!product || !quantity) {
        return product ? tl::make_unexpected(quantity.error())
                       : fail(ErrorKind::usage, "an order at Kite has a product: cnc, mis, nrml or mtf");
    }
    PlaceOrder order;
    std::tie(order.exchange, order.tradingsymbol) = names.of(terms.instrument);
    order.transaction_type = terms.side;
    order.order_type = type_of(terms.type);
    order.product = *product;
    order.quantity = *quantity;
    order.price = terms.limit_price;
    order.trigger_price = terms.stop_price;
    order.tag = message.tag;
    order.validity = terms.tif == TimeInForce::ioc ? Validity::ioc : Validity::day;
    order.market_protection = terms.limit_price.raw == 0 ? protection : kNoProtection;
    return order;
}

Result<ModifyOrder> change_of(const OutsideMessage& message) {
    const Result<std::int64_t> quantity = whole(message.terms.quantity);
    if (!quantity) {
        return tl::make_unexpected(quantity.error());
    }
    ModifyOrder change;
    change.order_id = message.started.broker_order;
    change.quantity = *quantity;
    const auto given = [](Price price) { return price.raw == 0 ? std::nullopt : std::optional(price); };
    change.price = given(message.terms.limit_price);
    change.trigger_price = given(message.terms.stop_price);
    return change;
}

}  // namespace alpha::kite
