#pragma once
/// Read models: what the log says of portfolios, orders and fills, kept beside it as rows, so that who asks need not fold the
/// log. Rows are written together with the frame they follow from and can be made anew from the log at any time; nothing in
/// the engine reads them back.
///
/// What needs a price (equity, unrealized profit) is not in them: it would change with every tick.

#include "kernel/order_bytes.hpp"
#include "kernel/state.hpp"
#include "store/journal.hpp"

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace alpha {

/// Which table a row is in. Numbers are big-endian in keys, so that rows come in their order. ON DISK: never renumber.
enum class ReadModel : std::uint8_t {
    portfolios = 1,  ///< u32 portfolio; behind each, u32 portfolio | u32 instrument: its positions
    orders = 2,      ///< u64 order, refused ones included
    fills = 3,       ///< u64 event
    about = 4        ///< one row, without a key: there since event 0, so no row is missing
};

/// Every row's first byte. Raised whenever a row's fields change: rows of another version are rebuilt, never converted.
inline constexpr std::uint8_t kReadModelVersion = 2;

struct PositionView {
    InstrumentId id;
    std::string instrument;
    Qty net;
    Money cost;
    Money realized_pnl;
    Money charges;
    Money traded;
    std::uint64_t fills = 0;
    friend bool operator==(const PositionView&, const PositionView&) = default;
};

struct PortfolioView {
    PortfolioId id;
    std::string name;
    std::string currency;
    bool is_open = false;  ///< until it is, it holds what the scenario will give it
    Money initial_cash;
    Money cash;
    Money realized_pnl;
    Money charges;
    bool killed = false;
    Rule killed_by = Rule::none;
    std::uint32_t open_orders = 0;
    std::uint64_t fills = 0;
    std::vector<PositionView> positions;  ///< those ever traded, by instrument id
    friend bool operator==(const PortfolioView&, const PortfolioView&) = default;
};

struct OrderView {
    OrderId id;
    std::string strategy;
    std::string portfolio;
    std::string broker;
    std::string instrument;
    OrderTerms terms;  ///< as last confirmed by the broker
    Date good_until;   ///< DAY orders: the trading day whose close ends them
    OrderStatus status = OrderStatus::intended;
    bool triggered = false;
    bool cancel_pending = false;
    bool modify_pending = false;
    Rule refused_by = Rule::none;  ///< and the limit it broke, in the rule's units
    Money limit;
    Money observed;
    Qty filled;
    Money filled_notional;     ///< price x quantity of all its fills
    std::string broker_order;  ///< the broker's own id
    std::string reason;        ///< the broker's words where it rejected or cancelled
    Seq created = 0;           ///< the event that intended or refused it
    Time created_time;
    Seq updated = 0;  ///< the last event that changed it
    Time updated_time;
    friend bool operator==(const OrderView&, const OrderView&) = default;

    /// Half-even; zero before the first fill.
    Price average_price() const { return alpha::average_price(filled_notional, filled); }
};

struct FillView {
    Seq event = 0;
    Time time;
    OrderId order;
    std::string strategy;
    std::string portfolio;
    std::string instrument;
    Side side = Side::buy;
    Qty quantity;
    Price price;
    Money notional;
    Money charges;
    Money realized_pnl;
    std::string trade;  ///< the broker's own id
    friend bool operator==(const FillView&, const FillView&) = default;
};

/// Turns frames into rows, one after the other, beginning with event 0. It goes wherever the state goes: what it remembers
/// of orders follows from the log alone, so that rows do not depend on where frames end, and is saved with a snapshot.
class Projection {
public:
    /// Adds the rows that the frame changed, each once. Requires the frame behind the one taken before, of events that
    /// decode, and the state after it. A frame of quotes alone costs nothing.
    void take(const Frame& frame, const State& after, Rows& rows);

    /// Appends what the state does not know. O(bytes): each order's were made when it changed.
    void save(ByteBuffer& out) const;
    std::size_t saved_bytes() const { return saved_.bytes(); }  ///< about
    /// The closed orders of that state, each as save_order (kernel/snapshot.hpp) gives it.
    const OrderBytes& closed_orders() const { return closed_; }
    /// Goes on beside `state`. Refuses (kind data) what was not saved beside it.
    static Result<Projection> load(const State& state, Bytes bytes);

private:
    class Pass;
    /// An order that the state still knows.
    struct Tracked {
        StrategyId strategy;
        PortfolioId portfolio;
        BrokerId broker;
        OrderTerms terms;
        Date good_until;
        OrderStatus status = OrderStatus::intended;
        bool triggered = false;
        Qty filled;
        Money filled_notional;
        std::string broker_order;
        std::string reason;
        Seq created = 0;
        Time created_time;
        Seq updated = 0;
        Time updated_time;
    };
    void keep(OrderId id, const Tracked& order, const Order* known);
    void forget(OrderId id);
    void forget_with(const State& after);

    std::map<InstrumentId, std::vector<OrderId>> undated_;  // DAY orders whose day the next session gives them
    std::map<OrderId, Tracked> orders_;
    std::deque<OrderId> closings_;   // as State::closings was after the frame before
    std::uint64_t queued_ever_ = 0;  // how many had ever stood there, the forgotten ones included
    OrderBytes saved_;               // of each of those
    OrderBytes closed_;              // of those that the state has closed
    ByteBuffer encoded_;             // one at a time, on its way into either of them
    Seq next_seq_ = 0;
    std::uint64_t quotes_ = 0;
};

/// Everything folded from the first event on. Its rows are sorted by table and key; that of ReadModel::about comes last,
/// so that they may be written in pieces.
struct Rebuilt {
    State state;
    Projection projection;
    Rows rows;
};
/// Folds the whole log. Memory grows with its orders and fills, some 300 bytes each. Facts that no kernel wrote stop the
/// process, as everywhere where a log is folded: verify_chain first what may be damaged.
Result<Rebuilt> rebuild_read_models(const LogReader& log);

/// Whether the journal's rows are whole and of this version: not so in format 1, or where another version wrote them.
Result<bool> has_read_models(const Journal& journal);

/// Compares the journal's rows with those its log gives. Refuses (kind data) the first row that differs, is missing or should
/// not be there. A journal without rows, or with those of another version, has nothing to compare. Memory as rebuild_read_models.
Result<void> verify_read_models(const Journal& journal);

/// Whether a journal's rows are those its log gives, for who folds that log anyway. Keeps a sum over the rows and the digests of those
/// that may still change, so memory does not grow with the log. Finds damage, not forgery: rows are no evidence of anything.
class RowCheck {
public:
    /// As Projection::take.
    void take(const Frame& frame, const State& after);
    /// Behind the last frame: refuses what verify_read_models does.
    Result<void> compare(const Journal& journal) const;

private:
    using Sum = std::array<std::uint64_t, 4>;
    static void add(Sum& sum, const Sum& row);
    static Sum digest(const Row& row);
    void forget_closed(const State& state);

    Projection projection_;
    Rows rows_;
    Sum sum_{};
    std::map<std::pair<std::uint8_t, std::string>, Sum>
        changing_;  ///< of all rows but fills and orders that the state forgot
    std::size_t swept_at_ = kSweepRows;
    static constexpr std::size_t kSweepRows = 4'096;
};

/// The rows of a journal, read; where it has none that can be read, they are folded from its log.
class ReadModels {
public:
    /// `journal` must outlive what is returned.
    static Result<ReadModels> of(const Journal& journal);
    explicit ReadModels(Rebuilt rebuilt) : rebuilt_(std::move(rebuilt.rows)) {}

    // By id, until `visit` returns false. A row that cannot be read is refused (kind data).
    Result<void> portfolios(const std::function<bool(const PortfolioView&)>& visit) const;
    Result<void> orders(const std::function<bool(const OrderView&)>& visit) const;
    Result<void> fills(const std::function<bool(const FillView&)>& visit) const;

private:
    explicit ReadModels(const Journal& journal) : journal_(&journal) {}
    Result<void> rows(ReadModel table,
                      const std::function<bool(const std::string& key, const std::string& value)>& visit) const;
    template <class Model>
    Result<void> each(ReadModel table, const std::function<bool(const Model&)>& visit) const;

    const Journal* journal_ = nullptr;  // null: rebuilt
    Rows rebuilt_;
};

}  // namespace alpha
