#pragma once
/// From the log to rows: what each frame changed, and the whole log anew.

#include "kernel/order_bytes.hpp"
#include "kernel/state.hpp"
#include "store/journal.hpp"
#include "views/rows.hpp"

#include <deque>
#include <map>
#include <string>
#include <vector>

namespace alpha {

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
    bool has_revived_ = false;       // in the frame at hand: an order that was over is open again
    ByteBuffer encoded_;             // one at a time, on its way into either of them
    Seq next_seq_ = 0;
    std::uint64_t ticks_ = 0;
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

}  // namespace alpha
