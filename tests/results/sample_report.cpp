/// Prints a report of results that were made up: what tests/report/ looks at in a browser.
/// usage: sample_report [full|empty|losses|short|hostile|many]

#include "results/report.hpp"
#include "tests/results/sample_results.hpp"

#include <cstdio>
#include <string>
#include <string_view>

int main(int argc, char** argv) {
    using namespace alpha;
    const std::string_view kind = argc > 1 ? argv[1] : "full";
    Results results;
    if (kind == "full") {
        results = sample_results();
    } else if (kind == "empty") {
        results = empty_results();
    } else if (kind == "losses") {
        results =
            sample_results({.days = 90, .trades = 24, .edge_paise = -1'000, .luck_paise = 900, .has_benchmark = false});
    } else if (kind == "short") {
        results = sample_results({.days = 2, .trades = 9});
    } else if (kind == "hostile") {
        results = sample_results({.prefix = kHostileName});
    } else if (kind == "many") {
        results = sample_results({.days = 2'500, .trades = 100'000});
    } else {
        std::fputs("usage: sample_report [full|empty|losses|short|hostile|many]\n", stderr);
        return 2;
    }
    std::fputs(report_html(results).c_str(), stdout);
    return 0;
}
