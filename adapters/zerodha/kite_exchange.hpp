#pragma once
/// Zerodha's Kite as a pure simulator: accounts, risk checks, the life of orders, matching, what is shown of it all, and faults by script. No
/// clock, no I/O, no threads: time comes in with every call, and never goes back. The same settings, seed and calls give the same replies and the
/// same ledger on every machine. A server with sockets, and tests in virtual time, are two faces of this one thing.
///
/// The ledger is the oracle: what really was accepted and traded. alpha never reads it; tests compare with it what alpha believes.
///
/// Units: prices and money as everywhere (events/fixed.hpp), quantities in units of the instrument, not in lots, times UTC. Times in rows are
/// cut to whole seconds, as Kite's are.
///
/// What is exact and what is assumed, graded as in KITE.md: [M] seen in Zerodha's own samples, [D] documented, [F] said by its staff,
/// [K] general knowledge, [?] nobody knows and this is a choice.
///
/// | what                                                                                             | grade |
/// |--------------------------------------------------------------------------------------------------|-------|
/// | statuses and their order; what a modify passes through; new terms are seen only after MODIFIED    | [M]   |
/// | the first row of an order has instrument token 1; CANCELLED keeps pending_quantity                | [M]   |
/// | 10 orders a calendar second of the server, 400 a minute, 5,000 a day, 25 modifications an order   | [F]   |
/// | cancels count as orders do; requests that are refused for their number do not count themselves    | [?]   |
/// | market_protection 0 is refused; a protected MARKET comes back as LIMIT, tags mktp and mktp:2.00   | [F][M]|
/// | its price: last price and per cent, to the tick towards the market, within the circuit            | [?]   |
/// | -1 protects by Settings::auto_protection; a protected SL-M becomes SL, per cent from its trigger  | [?]   |
/// | orders come from registered addresses alone; the others are answered with a PermissionException   | [F][?]|
/// | some refusals are HTTP 400 and never in the book; that it is tag, tick, lot, hours and protection | [F][?]|
/// | margin, holdings, circuit, freeze: REJECTED in the book, or HTTP 400 (Settings::checks_at_request)| [M][?]|
/// | margin: full value; a short is paid in full on top of its proceeds; what a sale brings is there   | [?]   |
/// | a stop triggers by the last price; SL keeps its type when it has triggered                        | [K]   |
/// | an order takes what the quote's other side offers, each unit once, first come first served; one   |       |
/// | that the quote was away from trades at its own limit; simulated orders never meet each other      | [?]   |
/// | DAY orders are CANCELLED at the close                                                             | [K]   |
/// | a token lives until 06:00 IST, a logout or the next login; the book is emptied in the morning     | [D][?]|
/// | updates: none for placing, UPDATE for partial fills and modifications                             | [F]   |
/// | square-off: open MIS orders are cancelled, unprotected market orders close the rest               | [K]   |
/// | positions and margins lag behind nothing; API requests alone are counted, not the phone's         | [?]   |
///
/// Not simulated: varieties but regular, TTL, MTF, disclosed quantities, pre-open and closing auctions, conversions, charges, collateral.

#include "adapters/zerodha/kite_words.hpp"
#include "events/fixed.hpp"
#include "events/side.hpp"
#include "events/time.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace alpha::kite {

// ---- what there is --------------------------------------------------------------------------------------------------

struct Instrument {
    std::string exchange = "NSE";
    std::string tradingsymbol;
    std::uint32_t token = 0;
    std::string isin;
    Price tick;
    std::int64_t lot = 1;
    std::int64_t freeze = 0;  ///< the most units of one order; 0: any
    Price lower_circuit;      ///< 0: none
    Price upper_circuit;      ///< 0: none
    Price close;              ///< of the day before
    bool is_derivative = false;
    TradingHours hours = kCashHours;
    std::int32_t square_off_s = 55'200;  ///< of MIS, after local midnight; no new MIS from then on. 0: never
};

/// The top of the book. A quote's sizes are what may be taken of it until the next one.
struct Quote {
    Price bid;  ///< 0: none
    std::int64_t bid_quantity = 0;
    Price ask;  ///< 0: none
    std::int64_t ask_quantity = 0;
    Price last;  ///< 0: none
};

/// Quotes from inside, for who has no recording: each step moves the last price by up to `ticks` either way, within the circuit.
struct Walk {
    std::string exchange;
    std::string tradingsymbol;
    Price start;
    Duration step{kSecondNs};
    std::int64_t ticks = 2;
    std::int64_t size = 100;  ///< the most lots on either side
};

struct AccountSettings {
    std::string user_id;
    Money cash;
    std::vector<HoldingRow> holdings{};  ///< symbol, exchange, quantity and average price
    std::set<std::string> addresses{};   ///< from which orders are taken; none: from anywhere
};

/// Evenly between the two, anew each time.
struct Delay {
    Duration least;
    Duration most;
};
constexpr Delay delay_ms(std::int64_t least, std::int64_t most) {
    return {Duration{least * 1'000'000}, Duration{most * 1'000'000}};
}

/// How long an order stays in each state before the next.
struct Delays {
    Delay put_order_req_received = delay_ms(1, 5);
    Delay validation_pending = delay_ms(1, 5);
    Delay open_pending = delay_ms(5, 30);
    Delay modify_validation_pending = delay_ms(1, 5);
    Delay modify_pending = delay_ms(5, 30);
    Delay modified = delay_ms(0, 2);
    Delay cancel_pending = delay_ms(5, 30);
};

struct Limits {
    std::uint32_t orders_per_second = 10;  ///< place, modify and cancel together; a calendar second
    std::uint32_t orders_per_minute = 400;
    std::uint32_t orders_per_day = 5'000;
    std::uint32_t reads_per_second = 10;
    std::uint32_t modifications = 25;  ///< of an order
};

struct Settings {
    std::vector<Instrument> instruments;
    std::vector<AccountSettings> accounts;
    std::vector<Walk> walks{};
    std::set<Date> holidays{};  ///< besides Saturdays and Sundays
    Delays delays{};
    Limits limits{};
    Delay rows_lag = delay_ms(0, 0);       ///< how far what is read of orders is behind what is
    Delay trades_lag = delay_ms(0, 0);     ///< the same of trades
    Delay updates_lag = delay_ms(0, 0);    ///< the same of updates
    std::int32_t auto_protection = 500;    ///< hundredths of a per cent
    std::int32_t token_dies_s = 21'600;    ///< 06:00 IST
    std::int32_t book_cleared_s = 21'600;  ///< orders and trades of the day before are gone from then on
    bool checks_at_request = false;        ///< margin, holdings, circuit and freeze
    Duration clock_skew;  ///< of the server's clock: of its stamps, and of the seconds that limits count by
};

// ---- requests -------------------------------------------------------------------------------------------------------

enum class Route : std::uint8_t {
    any = 0,
    place,
    modify,
    cancel,
    orders,
    order,
    trades,
    positions,
    holdings,
    margins,
    profile,
    updates
};

/// Who asks. By a token, as programs do; or by name, as the user with his phone does, for whom there are no limits and no faults.
struct Caller {
    std::string access_token;
    std::string address;
    std::string phone_of;  ///< a user's id
    static Caller api(std::string token, std::string address = {}) {
        return {std::move(token), std::move(address), {}};
    }
    static Caller phone(std::string user) { return {{}, {}, std::move(user)}; }
};

// ---- replies -----------------------------------------------------------------------------------------------------------

using Data = std::variant<std::monostate, std::vector<OrderRow>, std::vector<TradeRow>, std::vector<PositionRow>,
                          std::vector<HoldingRow>, Margins, Profile>;

enum class ReplyKind : std::uint8_t {
    json = 1,    ///< whole, as it should be
    html,        ///< a page in place of JSON
    cut,         ///< half of the body
    wrong_type,  ///< JSON of another shape
    closed,      ///< the connection ends without an answer
    timed_out    ///< nothing comes until whoever asked gives up
};

/// What a transport would see, but for `taken`.
struct Reply {
    ReplyKind kind = ReplyKind::json;
    std::uint16_t http = 200;
    std::string error_type;
    std::string message;
    std::string order_id;
    Data data;
    Time date;           ///< the server's clock, to the second
    bool taken = false;  ///< of a place, modify or cancel: it takes effect, or has. For tests alone
    bool is_success() const { return kind == ReplyKind::json && http == 200; }
    bool is_seen() const { return kind < ReplyKind::closed; }
    friend bool operator==(const Reply&, const Reply&) = default;
};

// ---- faults ---------------------------------------------------------------------------------------------------------

/// Which requests of the API a fault is for: of those that came past token, address and limits. The phone has none.
struct FaultWhen {
    Route route = Route::any;
    std::uint32_t nth = 0;  ///< of those that the rest of this fits, from 1; 0: each
    std::string tag{};      ///< of a place, or of the order that is changed; empty: any
    Time from = kBeforeAll;
    Time until = kNever;                ///< not including
    std::uint32_t per_thousand = 1000;  ///< how probable
    std::uint32_t times = 0;            ///< at most; 0: no bound
    friend bool operator==(const FaultWhen&, const FaultWhen&) = default;
};

struct Answer {
    ReplyKind kind = ReplyKind::json;
    std::uint16_t http = 200;
    std::string error_type{};
    std::string message{};
    friend bool operator==(const Answer&, const Answer&) = default;
};

/// What is other than it should be. Several may be set, and several faults may fit one request: they add up, of two answers the later holds.
struct FaultEffect {
    std::optional<Answer> answer{};  ///< in place of its own
    bool is_lost = false;            ///< a place, modify or cancel does not take effect; without `answer` there is none

    // Of a place, modify or cancel
    Duration late{};          ///< takes effect so long after it was answered
    std::uint32_t again = 0;  ///< a place is taken so many times more
    // Of a place
    Duration stuck{};                          ///< longer in PUT ORDER REQ RECEIVED
    std::optional<std::string> rms_rejects{};  ///< answered with 200, REJECTED in the book with this text
    bool is_untagged = false;                  ///< its rows have no tag
    std::optional<std::string> odd_status{};   ///< shown in place of OPEN, and of all before it
    // Of a cancel
    std::optional<Duration> late_fill{};  ///< so long after CANCELLED, the exchange says that the rest had traded

    // Of a read
    Duration lag{};             ///< it is so far behind what would be read
    std::uint32_t missing = 0;  ///< so many of the latest rows are not there
    bool is_doubled = false;    ///< each row, or update, is there twice
    bool is_permuted = false;   ///< rows, or updates, come in another order
    // Of updates: `late`, `is_lost`, `is_doubled` and `is_permuted` hold for those that one reading hands out

    friend bool operator==(const FaultEffect&, const FaultEffect&) = default;
};

struct Fault {
    FaultWhen when{};
    FaultEffect effect{};
    friend bool operator==(const Fault&, const Fault&) = default;
};

// ---- the ledger -----------------------------------------------------------------------------------------------------

/// A cancel is there when it was taken, a modify when it took effect. An order that a late fill completes has a second end.
enum class LedgerWhat : std::uint8_t { place = 1, modify, cancel, trade, end };
enum class Origin : std::uint8_t { api = 1, phone, rms };

/// What really came about, once it had.
struct LedgerRow {
    Time time;
    LedgerWhat what = LedgerWhat::place;
    Origin origin = Origin::api;
    std::string account;
    std::string tag;  ///< as it was sent
    std::string order_id;
    PlaceOrder terms;           ///< as the order stands: its price and type may have been made by protection
    std::int64_t quantity = 0;  ///< of a trade; at an end what was filled
    Price price;                ///< of a trade
    std::string trade_id;
    Status status = Status::put_order_req_received;  ///< of an end
    friend bool operator==(const LedgerRow&, const LedgerRow&) = default;
};
using Ledger = std::vector<LedgerRow>;

/// How many orders with this tag were accepted: more than one is what alpha must never cause.
std::size_t places_of(const Ledger& ledger, std::string_view tag);
/// Bought less sold.
std::int64_t net_of(const Ledger& ledger, std::string_view account, std::string_view exchange,
                    std::string_view tradingsymbol);

// ---- the simulator --------------------------------------------------------------------------------------------------

/// Requires of its settings: an account's id and an instrument's name once, ticks and lots above 0. Of its callers: time that does not go back.
/// A copy goes on by itself. What falls due is O(log), a quote O(open orders at it), a check of RMS and a read O(orders of the day).
class KiteExchange {
public:
    KiteExchange(Settings settings, std::uint64_t seed);

    /// Does all that is due until `now`, in the order in which it fell due. Every call below begins with it.
    void advance(Time now);
    /// When something falls due next; kNever before the first call.
    Time next_due() const { return tasks_.empty() ? kNever : tasks_.begin()->first.first; }

    void quote(Time now, std::string_view exchange, std::string_view tradingsymbol, const Quote& quote);

    // ---- sessions: nothing of a login page, which is the server's
    /// A new access token; the account's one before is dead. Requires an account of that name.
    std::string login(Time now, std::string_view user_id);
    Reply logout(Time now, const Caller& caller);

    // ---- routes
    Reply place(Time now, const Caller& caller, const PlaceOrder& order);
    Reply modify(Time now, const Caller& caller, const ModifyOrder& change);
    Reply cancel(Time now, const Caller& caller, const std::string& order_id);
    Reply orders(Time now, const Caller& caller);
    Reply order(Time now, const Caller& caller, const std::string& order_id);  ///< all its states, the oldest first
    Reply trades(Time now, const Caller& caller);
    Reply order_trades(Time now, const Caller& caller, const std::string& order_id);
    Reply positions(Time now, const Caller& caller);
    Reply holdings(Time now, const Caller& caller);
    Reply margins(Time now, const Caller& caller);
    Reply profile(Time now, const Caller& caller);

    /// What the web socket has said to the account since it was asked last; tokens, limits and the socket are the server's.
    std::vector<OrderRow> take_updates(Time now, std::string_view user_id);

    // ---- by hand, besides Caller::phone
    /// Closes the account's MIS positions as RMS does at the instrument's time.
    void square_off(Time now, std::string_view user_id);
    void add_fault(Fault fault) { faults_.push_back({std::move(fault), 0, 0}); }

    const Ledger& ledger() const { return ledger_; }

private:
    struct Order {
        std::size_t account = 0;
        std::size_t instrument = 0;
        Origin origin = Origin::api;
        PlaceOrder terms;
        std::optional<PlaceOrder> asked;  ///< by the modify that is pending
        bool holds_asked = false;         ///< RMS let it pass: what it needs is held besides
        Origin changed_by = Origin::api;
        Status status = Status::put_order_req_received;
        std::uint32_t step = 0;  ///< a task of another one is of a state that is over
        std::uint32_t modifications = 0;
        bool is_checked = false;  ///< by RMS: it counts in the margin
        bool is_triggered = false;
        bool rests = false;  ///< the quote has been away from its limit
        std::int64_t filled = 0;
        std::int64_t cancelled = 0;
        Money value;  ///< of what is filled
        Duration stuck{};
        std::optional<std::string> rms_rejects;
        std::optional<std::string> odd_status;
        std::optional<Duration> late_fill;
        OrderRow row;
        std::vector<std::pair<Time, OrderRow>> states;
        std::int64_t left() const { return terms.quantity - filled; }
    };
    struct Position {
        std::int64_t overnight = 0;
        std::int64_t bought = 0;
        std::int64_t sold = 0;
        Money buy_value;
        Money sell_value;
        Money short_proceeds;  ///< of what is short
        Money short_margin;    ///< held besides
        std::int64_t net() const { return overnight + bought - sold; }
        Money used() const { return buy_value - sell_value + short_proceeds + short_margin; }
    };
    struct Count {
        std::int64_t window = 0;
        std::uint32_t used = 0;
    };
    struct Trade {
        Time at;
        TradeRow row;
    };
    struct Account {
        AccountSettings settings;
        std::string token;
        Time token_dies = kBeforeAll;
        std::map<std::pair<std::size_t, Product>, Position> positions;
        std::map<std::size_t, HoldingRow> holdings;  ///< by instrument
        std::vector<Trade> trades;
        Time rows_seen = kBeforeAll;  ///< a read never goes back behind an earlier one
        Time trades_seen = kBeforeAll;
        std::vector<std::pair<Time, OrderRow>> updates;
        std::array<Count, 3> orders;  ///< a second, a minute, a day
        Count reads;
    };
    struct Market {
        Instrument instrument;
        Quote quote;
        std::int64_t bid_left = 0;
        std::int64_t ask_left = 0;
        std::set<std::string> working;  ///< orders at the exchange
    };
    struct ScriptedFault {
        Fault fault;
        std::uint32_t fitted = 0;
        std::uint32_t fired = 0;
    };
    struct Random {
        std::uint64_t state;
        std::uint64_t next();
        /// Evenly from 0 to n - 1; n above 0.
        std::int64_t below(std::int64_t n);
    };

    // What falls due.
    struct StepDue {
        std::string order_id;
        std::uint32_t step;
    };
    struct PlaceDue {
        std::string order_id;
        std::size_t account;
        Origin origin;
        PlaceOrder order;
        FaultEffect effect;
    };
    struct ModifyDue {
        ModifyOrder change;
        Origin origin;
    };
    struct CancelDue {
        std::string order_id;
        Origin origin;
        std::optional<Duration> late_fill;
    };
    struct LateFillDue {
        std::string order_id;
    };
    struct SquareOffDue {
        std::size_t instrument;
    };
    struct CloseDue {
        std::size_t instrument;
    };
    struct WalkDue {
        std::size_t walk;
    };
    struct DayDue {};
    struct ClearDue {};
    using Task = std::variant<StepDue, PlaceDue, ModifyDue, CancelDue, LateFillDue, SquareOffDue, CloseDue, WalkDue,
                              DayDue, ClearDue>;
    void schedule(Time at, Task task) { tasks_.emplace(std::pair{at, ++task_number_}, std::move(task)); }
    void run(const StepDue& due);
    void run(const PlaceDue& due);
    void run(const ModifyDue& due);
    void run(const CancelDue& due);
    void run(const LateFillDue& due);
    void run(const SquareOffDue& due);
    void run(const CloseDue& due);
    void run(const WalkDue& due);
    void run(const DayDue& due);
    void run(const ClearDue& due);

    // Requests.
    Reply reply() const;
    Reply refusal(std::uint16_t http, const char* error_type, std::string message) const;
    /// Nothing where it may pass; then `account` is whose it is.
    std::optional<Reply> gate(Route route, const Caller& caller, std::size_t& account);
    FaultEffect effect_of(Route route, const Caller& caller, std::string_view tag);
    template <class Fill>
    Reply read(Time now, Route route, const Caller& caller, Fill fill);
    template <class Row>
    void spoil(std::vector<Row>& rows, const FaultEffect& effect);
    std::optional<std::string> wrong_with(const PlaceOrder& order) const;
    std::optional<std::string> wrong_with(const ModifyOrder& change, std::size_t account) const;
    std::optional<std::string> wrong_with_cancel(const std::string& order_id, std::size_t account) const;
    std::optional<std::string> closed_to(const PlaceOrder& order, const Market& market) const;
    std::optional<std::size_t> find_account(std::string_view user_id) const;
    std::optional<std::size_t> find_market(std::string_view exchange, std::string_view tradingsymbol) const;
    Order* find_order(const std::string& order_id);
    const Order* find_order(const std::string& order_id) const;
    std::vector<TradeRow> trades_seen(Account& account, const FaultEffect& effect);
    Time rows_seen(Account& account, const FaultEffect& effect);
    PositionRow row_of(std::size_t instrument, Product product, const Position& position) const;
    Account& account_of(std::string_view user_id);
    std::string next_order_id();

    // The life of orders.
    void accept(const PlaceDue& due);
    void enter(Order& order, Status status, Delay delay);
    void go_on(Order& order);
    void validate(Order& order);
    void validate_change(Order& order);
    void open(Order& order);
    void settle_down(Order& order);
    void not_modified(Order& order, std::string why);
    void end(Order& order, Status status, std::string message = {});
    void show(Order& order);
    void tell(const Order& order, const char* status);
    void record(const Order& order, LedgerWhat what, Origin origin);
    /// What RMS has against it, as an error type and a text; against a new order as against new terms.
    std::optional<std::pair<const char*, std::string>> rms(const Order& order, const PlaceOrder& terms) const;
    /// Makes what it protects a limit; false where nobody knows a price.
    bool protect(PlaceOrder& terms, const Market& market, std::vector<std::string>& tags) const;
    void set_quote(std::size_t instrument, const Quote& quote);
    void match(Order& order);
    void match_all(std::size_t instrument);
    void fill(Order& order, std::int64_t quantity, Price price);
    void book(Order& order, std::int64_t quantity, Price price);
    void square_off(std::size_t account, std::optional<std::size_t> instrument);
    void settle(Account& account);

    // Money.
    Money used(std::size_t account) const;
    Money blocked(std::size_t account, const Order* instead, const PlaceOrder* terms) const;
    std::int64_t sellable(std::size_t account, std::size_t instrument, const Order* but) const;

    // Time.
    void begin();
    void begin_day(Date day);
    bool is_trading_day(Date day) const;
    bool is_open(const Market& market) const;
    Time server_time() const { return now_ + settings_.clock_skew; }
    Time stamp() const { return floor_of(server_time(), Duration{kSecondNs}); }
    Duration draw(Delay delay);

    Settings settings_;
    Random random_;
    bool has_begun_ = false;
    Time now_ = kBeforeAll;
    std::map<std::pair<Time, std::uint64_t>, Task> tasks_;
    std::uint64_t task_number_ = 0;
    std::vector<Account> accounts_;
    std::vector<Market> markets_;
    std::vector<Price> walks_;                            ///< where each is
    std::map<std::string, Order> orders_;                 ///< of the day, by id, which is by when they came
    std::map<std::string, std::uint64_t> trade_numbers_;  ///< of the day, by exchange
    std::uint64_t order_number_ = 0;
    std::uint64_t token_number_ = 0;
    std::vector<ScriptedFault> faults_;
    Ledger ledger_;
};

}  // namespace alpha::kite
