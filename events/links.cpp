#include "events/links.hpp"

#include <algorithm>

namespace alpha {

void cut_to_net(std::span<ReducingOrder> oldest_first, Qty net) {
    Qty left_to_buys = reducible(Side::buy, net);
    Qty left_to_sells = reducible(Side::sell, net);
    for (std::size_t i = 0; i < oldest_first.size(); ++i) {
        ReducingOrder& order = oldest_first[i];
        Qty& left = order.side == Side::buy ? left_to_buys : left_to_sells;
        Qty shared;  // with legs before it: their numbers are consecutive, so they stand right there
        for (std::size_t k = i; order.group.value != 0 && k > 0 && oldest_first[k - 1].group == order.group; --k) {
            if (oldest_first[k - 1].side == order.side) {
                shared = std::max(shared, oldest_first[k - 1].leaves);
            }
        }
        order.leaves = std::min(order.leaves, shared + left);
        if (order.leaves > shared) {
            left -= order.leaves - shared;
        }
    }
}

}  // namespace alpha
