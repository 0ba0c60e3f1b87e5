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

/// One of each portfolio that it means.
template <class MakeInput>
Result<std::vector<Input>> of_portfolios(const OperatorRequest& request, const State& state, MakeInput input_of) {
    std::vector<Input> inputs;
    for (std::uint32_t p = 0; p < state.portfolios.size(); ++p) {
        const bool is_meant =
            request.name.empty() ? state.portfolios[p].is_open : state.config.portfolios[p].name == request.name;
        if (is_meant) {
            inputs.emplace_back(input_of(PortfolioId{p}));
        }
    }
    if (inputs.empty()) {
        return there_is_no("portfolio", request.name, state.config.portfolios);
    }
    return inputs;
}

Result<StrategyId> strategy_of(const OperatorRequest& request, const State& state) {
    const std::vector<StrategyConfig>& strategies = state.config.strategies;
    const auto found = std::ranges::find(strategies, request.name, &StrategyConfig::name);
    if (found == strategies.end()) {
        return there_is_no("strategy", request.name, strategies);
    }
    return StrategyId{static_cast<std::uint32_t>(found - strategies.begin())};
}

}  // namespace

Result<std::vector<Input>> inputs_of(const OperatorRequest& request, const State& state) {
    switch (request.kind) {
    case OperatorRequest::Kind::kill:
        return of_portfolios(request, state, [&](PortfolioId p) { return KillRequest{p, request.scope}; });
    case OperatorRequest::Kind::release:
        return of_portfolios(request, state, [](PortfolioId p) { return ReleaseRequest{p}; });
    case OperatorRequest::Kind::resume:
        return strategy_of(request, state).map([](StrategyId strategy) {
            return std::vector<Input>{ResumeRequest{strategy}};
        });
    }
    ALPHA_ASSERT(false, "a request of no kind");
}

}  // namespace alpha
