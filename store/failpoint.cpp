#include "store/failpoint.hpp"

#include <utility>

namespace alpha {

namespace {

std::function<void(const std::string&)>& on_reach_of_all() {
    static std::function<void(const std::string&)> on_reach;
    return on_reach;
}

}  // namespace

namespace failpoint_detail {

std::atomic<bool> armed{false};

void reached(const char* name) {
    on_reach_of_all()(name);
}

}  // namespace failpoint_detail

void arm_failpoints(std::function<void(const std::string& name)> on_reach) {
    failpoint_detail::armed.store(false);
    on_reach_of_all() = std::move(on_reach);
    failpoint_detail::armed.store(static_cast<bool>(on_reach_of_all()));
}

}  // namespace alpha
