/// Every number that a person types is checked: on the command line, and in a scenario.

#include "tests/cli/run_alpha.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

namespace {

/// What no whole number of 64 bits is.
const std::vector<std::string> kNoNumbers{"-1",
                                          "+1",
                                          "1.5",
                                          "1e3",
                                          "0x10",
                                          "1_000",
                                          "1,000",
                                          "18446744073709551616",
                                          "1x",
                                          "x",
                                          "nan",
                                          "inf",
                                          "' 1'",
                                          "'1 '",
                                          "--5",
                                          "١٢",
                                          "1-",
                                          "0-",
                                          "99999999999999999999999999999999999999999999"};

}  // namespace

TEST_CASE("a number on the command line is whole, plain and within its bounds, or refused with what is allowed",
          "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("s", 1'000));
    REQUIRE(here.alpha({"backtest", "s.yaml", "--journal", "j", "-q"}).code == 0);
    const auto before = here.names();
    for (const std::string command : {
             "log --journal j --from",
             "log --journal j --to",
             "log --journal j --limit",
             "log --journal j --caused-by",
             "replay --journal j --from",
             "replay --journal j --to",
             "show orders --journal j --limit",
             "fork --journal j --to f --at",
             "live --broker paper --config s.yaml --journal l --cpu",
             "live --broker paper --config s.yaml --journal l --callback-ms-max",
             "data synth --to x.csv --ticks",
             "data synth --to x.csv --seed",
         }) {
        for (const std::string& number : kNoNumbers) {
            const Ran ran = here.shell(fmt::format("$ALPHA {}={}", command, number));
            CAPTURE(command, number, ran.err);
            CHECK(ran.code == 2);
            CHECK(contains(ran.err, ": write a whole number from "));
            CHECK(ran.out.empty());
        }
    }
    for (const char* const line : {
             "data synth --to x.csv --ticks 0",
             "data synth --to x.csv --ticks 10000000001",
             "live --broker paper --config s.yaml --callback-ms-max 4294967296",
             "live --broker paper --config s.yaml --cpu 4294967295",
             "fork --journal j --to f --at 18446744073709551615",
             "replay --journal j --from 18446744073709551615",
             "log --journal j --from 5 --to 4",
             "data import s.yaml --kind bars --to x.alpha --interval 0s",
             "data import s.yaml --kind bars --to x.alpha --interval 367d",
             "data import s.yaml --kind bars --to x.alpha --interval -1m",
             "data synth --to x.csv --first-day 1799-12-31",
             "data synth --to x.csv --first-day 2200-01-01",
             "data synth --to x.csv --first-day 2024-02-30",
             "live --broker paper --config s.yaml --duration 0s",
             "live --broker paper --config s.yaml --duration -1s",
             "live --broker paper --config s.yaml --duration 5",
             "live --broker paper --config s.yaml --duration 367d",
             "live --broker paper --config s.yaml --duration 99999999999999999999s",
             "live --broker paper --config s.yaml --spin 2s",
             "live --broker paper --config s.yaml --spin 1.5ms",
             "live --broker paper --config s.yaml --speed 4294967296x",
             "live --broker paper --config s.yaml --speed 0x",
             "live --broker paper --config s.yaml --speed +1x",
         }) {
        const Ran ran = here.shell(std::string("$ALPHA ") + line);
        CAPTURE(line, ran.err);
        CHECK(ran.code == 2);
        CHECK(line_count(ran.err) == 1);
    }
    CHECK(here.names() == before);
    CHECK(here.shell("$ALPHA log --journal j --from 0 --to 18446744073709551615 --limit 1").code == 0);
    CHECK(here.shell("$ALPHA data synth --seed 18446744073709551615 --ticks 1 --to x.csv").code == 0);
}

TEST_CASE("a number in a scenario is plain and within its bounds, or refused with its place and what is allowed",
          "[cli]") {
    const Workplace here;
    const std::string good = R"(name: s
account: {currency: INR, cash: 1000000}
data: [{synth: {seed: 1, ticks: 1000}}]
default_instrument: {tick: 0.05, lot: 1}
strategies:
  - {id: x, use: ema_cross, instruments: ["NSE:ALPHA"], params: {fast: 5, slow: 20, quantity: 10}}
broker: {paper: {slippage: 0, latency: 1ms}}
charges: {per_fill: 20, rate: 0.0003}
risk: {max_order_quantity: 100, max_open_orders: 5, max_data_age: 60s, price_band_percent: 10, max_daily_loss: 5000}
snapshot_interval: 300s
)";
    here.write("s.yaml", good);
    REQUIRE(here.alpha({"backtest", "s.yaml", "--journal", "good", "-q"}).code == 0);
    const auto before = here.names();
    const std::vector<std::string> never{"-1",
                                         "nan",
                                         "inf",
                                         "1e3",
                                         "0x10",
                                         "1_0",
                                         "+1",
                                         ".5",
                                         "5.",
                                         "1.123456789",
                                         "1 2",
                                         "1x",
                                         "99999999999999999999999999999999999999999999",
                                         "''",
                                         "[1]",
                                         "١٢"};
    for (const std::string key : {"cash: 1000000", "seed: 1", "ticks: 1000", "tick: 0.05", "lot: 1", "fast: 5",
                                  "slow: 20", "quantity: 10", "slippage: 0", "latency: 1ms", "per_fill: 20",
                                  "rate: 0.0003", "max_order_quantity: 100", "max_open_orders: 5", "max_data_age: 60s",
                                  "price_band_percent: 10", "max_daily_loss: 5000", "snapshot_interval: 300s"}) {
        const std::string name = key.substr(0, key.find(' ') + 1);
        const std::size_t at = good.find(key);
        REQUIRE(at != std::string::npos);
        for (const std::string& number : never) {
            std::string bad = good;
            bad.replace(at, key.size(), name + number);
            here.write("s.yaml", bad);
            const Ran ran = here.alpha({"backtest", "s.yaml", "--journal", "j", "-q"});
            CAPTURE(key, number, ran.err);
            CHECK(ran.code == 2);
            CHECK(contains(ran.err, "error: s.yaml:"));
            CHECK(contains(ran.err, name.substr(0, name.size() - 2)));
        }
    }
    CHECK(here.names() == before);
}
