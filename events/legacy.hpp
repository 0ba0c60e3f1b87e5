#pragma once
/// Shapes that events had in earlier versions, and how each becomes the next. Pure and total; the kernel sees current types
/// only. Bytes once written are never rewritten.

#include "events/event.hpp"

namespace alpha::legacy {

/// PnlSnapshot before open_orders was recorded.
struct PnlSnapshotV1 {
    PortfolioId portfolio;
    Money cash;
    Money market_value;
    Money equity;
    Money realized_pnl;
    Money unrealized_pnl;
    Money charges;
    Money gross_exposure;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("portfolio", portfolio), named("cash", cash), named("market_value", market_value),
           named("equity", equity), named("realized_pnl", realized_pnl), named("unrealized_pnl", unrealized_pnl),
           named("charges", charges), named("gross_exposure", gross_exposure));
    }
};

inline PnlSnapshot upcast(const PnlSnapshotV1& old) {
    return PnlSnapshot{old.portfolio,      old.cash,    old.market_value,   old.equity, old.realized_pnl,
                       old.unrealized_pnl, old.charges, old.gross_exposure, 0};
}

}  // namespace alpha::legacy
