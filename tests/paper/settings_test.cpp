#include "adapters/paper/paper_broker.hpp"
#include "events/limits.hpp"

#include <catch2/catch.hpp>
#include <utility>

namespace alpha {
namespace {

std::string refusal(const std::vector<Setting>& settings) {
    const Result<PaperSettings> read = paper_settings(settings);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().kind == ErrorKind::usage);
    return read.error().message;
}

TEST_CASE("settings come back from the log unchanged", "[paper]") {
    std::vector<PaperSettings> all(1);
    const auto each = [&](auto change, const auto& values) {
        std::vector<PaperSettings> next;
        for (const PaperSettings& settings : all) {
            for (const auto& value : values) {
                change(next.emplace_back(settings), value);
            }
        }
        all = std::move(next);
    };
    each([](PaperSettings& s, FillModel v) { s.fill = v; }, std::vector{FillModel::touch, FillModel::next_open});
    each([](PaperSettings& s, LimitFill v) { s.limit_fill = v; }, std::vector{LimitFill::reached, LimitFill::through});
    each([](PaperSettings& s, Links v) { s.links = v; }, std::vector{Links::venue, Links::kernel});
    each([](PaperSettings& s, Duration v) { s.latency = v; },
         std::vector{Duration{0}, Duration{1'500'000}, kMaxPaperLatency});
    each([](PaperSettings& s, bool v) { s.use_size = v; }, std::vector<char>{0, 1});
    each([](PaperSettings& s, Decimal v) { s.volume_share = v; },
         std::vector{Decimal{1}, decimal_of(10), decimal_of(100)});
    const std::vector<PaperSettings> without_slippage = all;
    each([](PaperSettings& s, Price v) { s.slippage = v; }, std::vector{Price{0}, Price{1}, limits::kMaxPrice});
    const std::vector<PaperSettings> by_price = std::exchange(all, without_slippage);
    each([](PaperSettings& s, std::int64_t v) { s.slippage_ticks = v; },
         std::vector{std::int64_t{1}, kMaxSlippageTicks});
    const std::vector<PaperSettings> by_ticks = std::exchange(all, without_slippage);
    each([](PaperSettings& s, Decimal v) { s.slippage_percent = v; }, std::vector{Decimal{1}, decimal_of(100)});
    for (const std::vector<PaperSettings>* some : {&by_price, &by_ticks, &std::as_const(all)}) {
        for (const PaperSettings& settings : *some) {
            const Result<PaperSettings> read = paper_settings(to_settings(settings));
            REQUIRE(read.has_value());
            REQUIRE(*read == settings);
        }
    }
}

TEST_CASE("two spellings of the same settings are one configuration", "[paper]") {
    const std::vector<Setting> canonical{{"fill", "next_open"},   {"latency", "1500ms"}, {"limit_fill", "through"},
                                         {"links", "kernel"},     {"slippage", "0.05"},  {"use_size", "true"},
                                         {"volume_share", "2.5%"}};
    const Result<PaperSettings> read = paper_settings({{"use_size", "true"},
                                                       {"slippage", "0.0500"},
                                                       {"volume_share", "2.50%"},
                                                       {"latency", "1500000us"},
                                                       {"links", "kernel"},
                                                       {"limit_fill", "through"},
                                                       {"fill", "next_open"}});
    REQUIRE(read.has_value());
    CHECK(to_settings(*read) == canonical);
    CHECK(to_settings({}) == std::vector<Setting>{{"fill", "touch"},
                                                  {"latency", "0s"},
                                                  {"limit_fill", "reached"},
                                                  {"links", "venue"},
                                                  {"slippage", "0"},
                                                  {"use_size", "false"},
                                                  {"volume_share", "10%"}});
    CHECK(paper_settings({}).value() == PaperSettings{});
}

TEST_CASE("slippage is a price, ticks or a part of the price, and one of them only", "[paper]") {
    const auto spelled = [](const char* text) {
        const Result<PaperSettings> read = paper_settings({{"slippage", text}});
        REQUIRE(read.has_value());
        return to_settings(*read).at(4).value;
    };
    CHECK(spelled("0.05") == "0.05");
    CHECK(spelled("2 ticks") == "2 ticks");
    CHECK(spelled("2.0 ticks") == "2 ticks");
    CHECK(spelled("0.10%") == "0.1%");
    CHECK(spelled("0 ticks") == "0");
    CHECK(spelled("0%") == "0");
}

TEST_CASE("a slip in a setting is never taken for something else", "[paper]") {
    CHECK(refusal({{"fil", "touch"}}) ==
          "paper broker: unknown setting 'fil'; known are fill, latency, limit_fill, links, "
          "slippage, use_size and volume_share");
    CHECK(refusal({{"fill", "Touch"}}) == "paper broker: 'fill' must be touch or next_open, not 'Touch'");
    CHECK(refusal({{"limit_fill", "touch"}}) == "paper broker: 'limit_fill' must be reached or through, not 'touch'");
    CHECK(refusal({{"links", "broker"}}) == "paper broker: 'links' must be venue or kernel, not 'broker'");
    CHECK(refusal({{"use_size", "yes"}}) == "paper broker: 'use_size' must be true or false, not 'yes'");
    CHECK(refusal({{"fill", "touch"}, {"fill", "touch"}}) == "paper broker: 'fill' is given more than once");
    for (const char* latency : {"", "5", "-5s", "1.5s", "25h", "day ", "999999999999999999d"}) {
        CHECK(refusal({{"latency", latency}}) ==
              "paper broker: 'latency' must be a duration such as 250ms, from 0s to 1d, not '" + std::string(latency) +
                  "'");
    }
    for (const char* slippage : {"", "-0.01", "1e3", "0.000000001", "10000000000.01", "-1 ticks", "1.5 ticks",
                                 "1000001 ticks", "1 tick", "-1%", "100.1%", "%", "1 %"}) {
        CHECK(
            refusal({{"slippage", slippage}}) ==
            "paper broker: 'slippage' must be a price difference such as 0.05, from 0 to 10000000000; or '2 ticks'; or "
            "'0.1%', not '" +
                std::string(slippage) + "'");
    }
    for (const char* share : {"", "10", "0%", "-1%", "100.1%", "ten%"}) {
        CHECK(refusal({{"volume_share", share}}) ==
              "paper broker: 'volume_share' must be a part of a bar's volume such as 10%, more than 0% and at "
              "most 100%, not '" +
                  std::string(share) + "'");
    }
}

}  // namespace
}  // namespace alpha
