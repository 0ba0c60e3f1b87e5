#include "runtime/operator.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace alpha {

namespace {

template <class Config>
tl::unexpected<Error> there_is_no(const char* what, const std::string& name, const std::vector<Config>& all) {
    std::vector<std::string> names;
    names.reserve(all.size());
    for (const Config& each : all) {
        names.push_back(each.name);
    }
    return fail(ErrorKind::usage,
                fmt::format("there is no {} '{}'; the session has {}", what, name, fmt::join(names, ", ")));
}

}  // namespace

Result<std::vector<Input>> inputs_of(const OperatorRequest& request, const State& state) {
    std::vector<Input> inputs;
    if (request.kind == OperatorRequest::Kind::resume) {
        const std::vector<StrategyConfig>& strategies = state.config.strategies;
        const auto found = std::ranges::find(strategies, request.name, &StrategyConfig::name);
        if (found == strategies.end()) {
            return there_is_no("strategy", request.name, strategies);
        }
        inputs.emplace_back(ResumeRequest{StrategyId{static_cast<std::uint32_t>(found - strategies.begin())}});
        return inputs;
    }
    for (std::uint32_t p = 0; p < state.portfolios.size(); ++p) {
        const bool is_meant =
            request.name.empty() ? state.portfolios[p].is_open : state.config.portfolios[p].name == request.name;
        if (!is_meant) {
            continue;
        }
        if (request.kind == OperatorRequest::Kind::kill) {
            inputs.emplace_back(KillRequest{PortfolioId{p}, request.scope});
        } else {
            inputs.emplace_back(ReleaseRequest{PortfolioId{p}});
        }
    }
    if (inputs.empty()) {
        return there_is_no("portfolio", request.name, state.config.portfolios);
    }
    return inputs;
}

}  // namespace alpha
