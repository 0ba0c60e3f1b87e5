#include "results/overfitting.hpp"
#include "tests/results/support.hpp"

#include <limits>

using namespace alpha;
using namespace alpha::results_test;

namespace {

std::vector<std::vector<double>> trial_returns(std::int64_t trials, std::int64_t days, std::int64_t seed,
                                               std::int64_t skill_ppm) {
    Lcg lcg(static_cast<std::uint64_t>(seed));
    std::vector<std::vector<double>> rows;
    for (std::int64_t trial = 0; trial < trials; ++trial) {
        std::vector<double>& row = rows.emplace_back();
        for (std::int64_t day = 0; day < days; ++day) {
            row.push_back(static_cast<double>(lcg.next() % 20'001 - 10'000 + (trial == trials - 1 ? skill_ppm : 0)) /
                          1e6);
        }
    }
    return rows;
}

}  // namespace

TEST_CASE("the probability of overfitting is that of the paper's steps", "[results]") {
    std::size_t cases = 0;
    for (const auto& [name, row] : expected()) {
        if (!name.starts_with("overfitting")) {
            continue;
        }
        ++cases;
        CAPTURE(name);
        const auto number = [&](const char* key) { return std::stoll(row.at(key)); };
        const auto found =
            overfitting_of(trial_returns(number("trials"), number("days"), number("seed"), number("skill_ppm")),
                           static_cast<std::size_t>(number("blocks")));
        REQUIRE(found);
        CHECK(found->splits == static_cast<std::uint64_t>(number("splits")));
        CHECK(found->blocks == static_cast<std::size_t>(number("blocks")));
        CHECK(is_close(found->probability, std::stod(row.at("probability"))));
    }
    CHECK(cases == 4);
}

TEST_CASE("overfitting of what cannot be split is not said", "[results]") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK(!overfitting_of({}));
    CHECK(!overfitting_of(trial_returns(1, 100, 1, 0)));
    CHECK(!overfitting_of(trial_returns(2, 3, 1, 0)));
    CHECK(!overfitting_of(trial_returns(2, 100, 1, 0), 1));
    CHECK(!overfitting_of(std::vector<std::vector<double>>{{0.1, 0.2, 0.1, 0.2}, {0.1, 0.2, 0.1}}));
    CHECK(!overfitting_of(std::vector<std::vector<double>>{{0.1, 0.2, 0.1, 0.2}, {0.1, 0.2, 0.1, nan}}));
    // As many blocks as have two days each, an even number, sixteen at most.
    CHECK(overfitting_of(trial_returns(2, 4, 1, 0))->blocks == 2);
    CHECK(overfitting_of(trial_returns(2, 15, 1, 0))->blocks == 6);
    CHECK(overfitting_of(trial_returns(2, 100, 1, 0), 7)->blocks == 6);
    CHECK(overfitting_of(trial_returns(2, 100, 1, 0), 40)->splits == 12'870);
}

TEST_CASE("skill is overfitted", "[results]") {
    // The last of them gains one in a hundred a day more than the others: it is the best of either half.
    CHECK(overfitting_of(trial_returns(10, 64, 5, 10'000))->probability == 0);
    // The same by hand: what wins in one half loses in the other.
    const std::vector<std::vector<double>> turned{{0.02, 0.01, -0.02, -0.01}, {-0.02, -0.01, 0.02, 0.01}};
    CHECK(overfitting_of(turned)->probability == 1);
    CHECK(overfitting_of(turned)->splits == 2);
}

TEST_CASE("a tie for the best is taken for evidence of overfitting", "[results]") {
    const std::vector<double> still(32, 0.0);
    CHECK(!overfitting_of(std::vector<std::vector<double>>(4, still)));
    const std::vector<std::vector<double>> skilled = trial_returns(10, 64, 5, 10'000);
    CHECK(!overfitting_of(std::vector<std::vector<double>>(4, skilled.front())));
    // One that ran twice counts once.
    std::vector<std::vector<double>> twice = trial_returns(5, 64, 5, 0);
    const auto once = overfitting_of(twice);
    twice.insert(twice.end(), {twice[0], twice[3], twice[3]});
    CHECK(overfitting_of(twice)->probability == once->probability);
    CHECK(overfitting_of(twice)->splits == once->splits);
    // By hand, two blocks of two days. In the first nothing moves; of the second the third is the best, and one of three equals before it.
    const std::vector<std::vector<double>> late{{0, 0, 0.01, -0.02}, {0, 0, 0.01, 0.02}, {0, 0, 0.02, 0.03}};
    CHECK(overfitting_of(late)->splits == 1);
    CHECK(overfitting_of(late)->probability == 1);
}

TEST_CASE("the highest Sharpe ratio to expect grows with the trials", "[results]") {
    CHECK(expected_max_sharpe(1, 4) == 0);
    CHECK(expected_max_sharpe(10, 0) == 0);
    // The paper's own example: of 100 trials with a variance of 1/2 a year of 250 days, 0.1132 a day.
    CHECK(std::abs(expected_max_sharpe(100, 0.5 / 250) - 0.1132) < 0.00005);
    CHECK(is_close(expected_max_sharpe(1000, 4), 2 * expected_max_sharpe(1000, 1)));
    CHECK(expected_max_sharpe(1001, 1) > expected_max_sharpe(1000, 1));
    CHECK(std::isfinite(expected_max_sharpe(std::numeric_limits<std::uint64_t>::max(), 1)));
}
