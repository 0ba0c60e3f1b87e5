#pragma once
/// Between what Kite says (kite_words.hpp) and what the session hears: rows become words, answers outcomes, messages requests. Pure; what can't be
/// understood is refused, and makes a read no read.
///
/// | answer to an order, a change or a cancel                                                   | outcome            |
/// |--------------------------------------------------------------------------------------------|--------------------|
/// | 200 with an order id                                                                       | acked              |
/// | 403 TokenException                                                                         | refused, log in    |
/// | 403 or 400 PermissionException                                                             | refused            |
/// | 400 MarginException, HoldingException, UserException                                       | refused            |
/// | 400 InputException that speaks of no time-out, order book, retry, processing or network    | refused            |
/// | 429                                                                                        | doubtful           |
/// | anything else, and no answer                                                               | unknown            |
///
/// Kite answers 400 to orders that it has placed all the same, so what is not in the list is not believed.

#include "adapters/zerodha/kite_words.hpp"
#include "events/event.hpp"
#include "events/outside_client.hpp"
#include "events/result.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace alpha::kite {

// ---- answers --------------------------------------------------------------------------------------------------------

/// As it came over the line. What is no JSON, or not whole, has no error type and no order id.
struct Answered {
    std::uint16_t http = 0;  ///< 0: nothing came
    std::string error_type{};
    std::string message{};
    std::string order_id{};
};
SendAnswer outcome_of(const Answered& answer);

// ---- names ----------------------------------------------------------------------------------------------------------

/// What the session's instruments are called, "NSE:INFY", and those that are the same share by its ISIN: holdings are not an exchange's.
class Symbols {
public:
    explicit Symbols(const std::vector<alpha::Instrument>& instruments);
    /// kUnknownInstrument where the session has none.
    InstrumentId find(std::string_view exchange, std::string_view tradingsymbol) const;
    InstrumentId find_share(const HoldingRow& holding) const;
    /// Exchange and symbol. Requires an instrument that is known.
    std::pair<std::string, std::string> of(InstrumentId instrument) const;

private:
    std::vector<std::string> names_;
    std::map<std::string, InstrumentId, std::less<>> by_name_;
    std::map<std::string, InstrumentId, std::less<>> by_isin_;
};

// ---- rows -----------------------------------------------------------------------------------------------------------

Result<BrokerOrderSeen> word_of(const OrderRow& row, const Symbols& names);
Result<BrokerTradeSeen> word_of(const TradeRow& row, const Symbols& names);
/// What the account holds, whole: what was there in the morning and what came of the day, each without what is nothing.
std::vector<AccountRead> words_of(const std::vector<PositionRow>& positions, const std::vector<HoldingRow>& holdings,
                                  const Symbols& names, Date day);

/// Of which day of trading the books are that are read at a time: they're emptied in the morning, and nothing of a day comes any more an hour
/// after its close.
struct BookDay {
    Date day;
    bool is_final = false;
};
BookDay book_day(Time now);

// ---- requests -------------------------------------------------------------------------------------------------------

/// `protection`: of orders without a limit, hundredths of a per cent. Refuses (kind usage) what Kite does not have: an order without a product, and
/// a quantity that isn't whole.
Result<PlaceOrder> order_of(const OutsideMessage& message, const Symbols& names, std::int32_t protection);
Result<ModifyOrder> change_of(const OutsideMessage& message);

}  // namespace alpha::kite
