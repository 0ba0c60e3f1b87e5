#include "adapters/paper/paper_broker.hpp"
#include "config/scenario.hpp"
#include "events/codec.hpp"
#include "events/limits.hpp"
#include "tests/runtime/support.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <sstream>

using namespace alpha;
using namespace alpha::runtime_test;

namespace {

/// A folder with the files that the scenarios here name; made once, since nothing changes them.
const TempFolder& folder() {
    static const TempFolder made;
    static const bool filled = [] {
        write_text(made / "ticks.csv", "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n");
        write_text(made / "ticks.csv.zst", "");
        write_text(made / "ibm.csv", "date,open,high,low,close,volume\n");
        std::filesystem::create_directory(made / "folder");
        return true;
    }();
    (void)filled;
    return made;
}

Result<Scenario> parse(const std::string& text) {
    return parse_scenario(text, folder() / "s.yaml");
}

Scenario good(const std::string& text) {
    auto scenario = parse(text);
    INFO((scenario ? text : scenario.error().message));
    REQUIRE(scenario);
    return *scenario;
}

/// The errors without the path, each as "line:column: text".
std::vector<std::string> errors(const std::string& text) {
    const auto scenario = parse(text);
    if (scenario) {
        return {};
    }
    CHECK(scenario.error().kind == ErrorKind::usage);
    std::vector<std::string> out;
    std::istringstream lines(scenario.error().message);
    const std::string prefix = (folder() / "s.yaml") + ":";
    for (std::string line; std::getline(lines, line);) {
        REQUIRE_THAT(line, Catch::StartsWith(prefix));
        out.push_back(line.substr(prefix.size()));
    }
    return out;
}

std::string replaced(std::string text, const std::string& old, const std::string& with) {
    const std::size_t at = text.find(old);
    REQUIRE(at != std::string::npos);
    return text.replace(at, old.size(), with);
}

// Line numbers below count in this text.
const std::string kGood = R"(name: good
account: {currency: USD, cash: 1000000}
data: [{file: ticks.csv, kind: quotes}]
strategies:
  - {id: cross, use: ema_cross, instruments: [BAC, IBM], params: {fast: 100, slow: 1000, quantity: 100}}
broker: {paper: {fill: touch}}
charges: none
)";

const std::string kBars = R"(name: bars
account: {currency: USD, cash: 1000000}
data: [{file: ibm.csv, kind: bars, instrument: IBM, interval: day}]
strategies:
  - {id: cross, use: sma_cross, instruments: [IBM], params: {fast: 10, slow: 30, quantity: 100}}
broker: {paper: {fill: next_open}}
)";

const std::string kExample = R"(name: ema-cross
account: {currency: USD, cash: 1000000}
data:
  - {file: ticks.csv.zst, kind: quotes}    # ts_ns,instrument,bid,bid_qty,ask,ask_qty
  - {file: ibm.csv, kind: bars, instrument: IBM, interval: day}
  - {synth: {seed: 7, ticks: 1000000}}     # made on the spot, always the same
instruments: {IBM: {tick: 0.01, lot: 1}}
portfolios: {main: {cash: 1000000}}
strategies:
  - {id: cross, use: ema_cross, portfolio: main, instruments: [BAC, IBM], params: {fast: 100, slow: 1000, quantity: 100}}
broker: {paper: {fill: touch}}
charges: none
risk: {max_order_quantity: 10000}
snapshot_interval: 300s
)";

Money decimal(const std::string& text) {
    return parse_money(text).value();
}

}  // namespace

TEST_CASE("the contract's own example means something else", "[config]") {
    const Scenario s = good(kExample);
    CHECK(s.warnings.empty());
    CHECK(s.path == folder() / "s.yaml");
    CHECK(s.config.name == "ema-cross");
    CHECK(s.config.currency == "USD");
    REQUIRE(s.data.size() == 3);
    CHECK(s.data[0].file == folder() / "ticks.csv.zst");
    CHECK(s.data[0].kind == DataKind::quotes);
    CHECK_FALSE(s.data[0].synth);
    CHECK(s.data[1].kind == DataKind::bars);
    CHECK(s.data[1].instrument == "IBM");
    CHECK(s.data[1].interval.ns == kDayNs);
    REQUIRE(s.data[2].synth);
    CHECK(s.data[2].file.empty());
    CHECK(s.data[2].synth->seed == 7);
    CHECK(s.data[2].synth->ticks == 1'000'000);
    CHECK(s.data[2].synth->instruments == SynthSpec{}.instruments);
    CHECK(s.data[2].synth->first_day == SynthSpec{}.first_day);
    REQUIRE(s.config.instruments.size() == 2);
    CHECK(s.config.instruments[0].name == "IBM");
    CHECK(s.config.instruments[1].name == "BAC");
    CHECK(s.config.portfolios == std::vector<PortfolioConfig>{{"main", money_of(1'000'000)}});
    CHECK(s.config.brokers == std::vector<BrokerConfig>{{"paper", "paper", to_settings({})}});
    REQUIRE(s.config.strategies.size() == 1);
    const StrategyConfig& cross = s.config.strategies[0];
    CHECK(cross.name == "cross");
    CHECK(cross.use == "ema_cross");
    CHECK(cross.portfolio.value == 0);
    CHECK(cross.broker.value == 0);
    CHECK(cross.instruments == std::vector<InstrumentId>{{1}, {0}});
    CHECK(cross.params == std::vector<Setting>{{"fast", "100"}, {"quantity", "100"}, {"slow", "1000"}});
    CHECK(s.config.charges == ChargesConfig{});
    CHECK(s.config.risk ==
          std::vector<RiskLimit>{{Rule::order_quantity, money_of(10'000)}, {Rule::buying_power, money_of(1)}});
    CHECK(s.config.snapshot_interval.ns == 300 * kSecondNs);
}

TEST_CASE("a silent scenario gets other defaults than the engine's", "[config]") {
    const Scenario s = good("name: least\naccount: {currency: INR, cash: 5}\ndata: [{synth: }]\n"
                            "strategies: [{id: a, use: buy_and_hold, instruments: [X], params: {quantity: 1}}]\n");
    CHECK(s.config.default_instrument == Instrument{});
    Instrument x;
    x.name = "X";
    CHECK(s.config.instruments == std::vector<Instrument>{x});
    CHECK(s.config.portfolios == std::vector<PortfolioConfig>{{"main", money_of(5)}});
    CHECK(s.config.brokers == std::vector<BrokerConfig>{{"paper", "paper", to_settings(PaperSettings{})}});
    CHECK(s.config.charges == ChargesConfig{});
    CHECK(s.config.risk == std::vector<RiskLimit>{{Rule::buying_power, money_of(1)}});
    CHECK(s.config.allowed_instruments.empty());
    CHECK(s.config.snapshot_interval.ns == 0);
    REQUIRE(s.data.size() == 1);
    CHECK(s.data[0].synth->seed == SynthSpec{}.seed);
    CHECK(s.data[0].synth->ticks == SynthSpec{}.ticks);
    CHECK(s.data[0].synth->instruments == SynthSpec{}.instruments);
    CHECK(s.data[0].synth->first_day == SynthSpec{}.first_day);
}

TEST_CASE("the same meaning written differently gives another event 0", "[config]") {
    const RunConfigured plain = good(kGood).config;
    const RunConfigured dressed = good(R"(# the same, at length and in another order
snapshot_interval: none
risk:
broker:
  paper: {use_size: false, latency: 0ms, slippage: 0.00, fill: "touch", kind: paper}
charges: {rate: 0, per_fill: 0.0}
default_instrument: {session: 00:00-24:00Z, lot: 1.0, tick: '0.010'}
instruments: {}
data:
- kind: quotes
  file: ./folder/../ticks.csv
strategies:
- params: {quantity: "100", slow: 1000.0, fast: 0100}
  instruments:
  - BAC
  - 'IBM'
  use: ema_cross
  id: cross
  broker: paper
  portfolio: main
portfolios: {main: {cash: 1000000.00}}
account:
  cash: "1000000"
  currency: USD
"name": good
)")
                                      .config;
    CHECK(plain == dressed);
    // The order in which rules and allowed instruments are written is no meaning either.
    const auto with = [](const std::string& risk) { return good(kGood + risk).config; };
    CHECK(with("risk: {max_position: 5, allowed_instruments: [IBM, BAC], max_open_orders: 3, "
               "allow_short: true}") ==
          with("risk: {max_open_orders: 3.0, allowed_instruments: [BAC, IBM], max_position: 5.0, "
               "session_hours: false}"));
}

TEST_CASE("event 0 gives away where the files lie", "[config]") {
    ByteBuffer bytes;
    encode(bytes, Envelope{}, good(kExample).config);
    const Bytes view = bytes.view();
    const std::string text(view.begin(), view.end());
    for (const std::string& part :
         {std::string("/"), std::string(".csv"), std::string("ticks"), std::string(".yaml")}) {
        CHECK(text.find(part) == std::string::npos);
    }
}

TEST_CASE("a mistake is missed, misplaced or badly explained", "[config]") {
    struct Case {
        std::string old;
        std::string now;
        std::string error;  ///< how the one error begins
    };
    const std::vector<Case> cases{
        // the file
        {"name: good", "name: [good", "2:8: is not YAML: end of sequence flow not found; look for"},
        {"name: good", "name: 'good", "1:7: this quote is never closed"},
        {"name: good", "name: \"good\\\"", "1:7: this quote is never closed"},
        {"charges: none", "\tcharges: none", "7:2: is not YAML: end of map not found; indent with spaces, not tabs"},
        {"charges: none", "charges: none\n---\nname: b", "9:1: a second document begins here"},
        {"name: good", "name: &a good", "1:7: anchors (&) are not supported"},
        {"name: good", "name: !!str good", "1:7: tags (!) are not supported"},
        {"name: good", "? [a]\n: b\nname: good", "1:3: a list or map cannot be a key"},
        {"name: good", "name: g\xffod", "1:8: byte 0xFF is not text; write the file in UTF-8"},
        {"name: good", "name: g\x1b[31mod", "1:8: byte 0x1B is not text"},
        {"charges: none", "charges: [[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", "7:25: nested too deeply"},
        // keys
        {"strategies:", "strategie:", "4:1: unknown key 'strategie'; did you mean 'strategies'?"},
        {"account:", "acount:", "2:1: unknown key 'acount'; did you mean 'account'?"},
        {"charges: none", "Charges: none", "7:1: unknown key 'Charges'; did you mean 'charges'?"},
        {"currency: USD", "currency: USD, xyzzy: 1",
         "2:26: account: unknown key 'xyzzy'; write currency, cash or leverage"},
        {"fill: touch", "fil: touch", "6:18: broker.paper: unknown key 'fil'; did you mean 'fill'?"},
        {"kind: quotes", "knid: quotes, kind: quotes", "3:26: data: unknown key 'knid'; did you mean 'kind'?"},
        {"charges: none", "charges: none\ncharges: none", "8:1: 'charges' is already given at 7:1; keep one"},
        {"cash: 1000000", "cash: 1000000, cash: 5", "2:41: 'cash' is already given at 2:26; keep one"},
        {"charges: none", "<<: {a: 1}", "7:1: unknown key '<<'"},
        // the top
        {"name: good\n", "", "1:1: 'name' is missing; write name: and a name of 1 to 64"},
        {"name: good", "name:", "1:1: name: expects a value, found nothing; write a name"},
        {"name: good", "name: ''", "1:7: name: '' is not a name"},
        {"name: good", "name: {a: b}", "1:7: name: expects a value, found a map"},
        {"name: good", "name: " + std::string(65, 'x'), "1:7: name: 'xxx"},
        {"name: good", "name: \"a\\nb\"", "1:7: name: 'a?b' is not a name"},
        {"name: good", "name: \"a\\x1b[31m\"", "1:7: name: 'a?[31m' is not a name"},
        // account
        {"account: {currency: USD, cash: 1000000}\n", "", "1:1: 'account' is missing"},
        {"{currency: USD, cash: 1000000}", "USD", "2:10: account: expects a map, found 'USD'; write {currency:"},
        {"currency: USD, ", "", "2:10: account: 'currency' is missing; write currency: and three capital"},
        {"currency: USD", "currency: usd", "2:21: account.currency: 'usd' is not a currency; write three capital"},
        {", cash: 1000000", "", "2:10: account: 'cash' is missing; write cash: and a plain number above 0"},
        {"cash: 1000000", "cash: lots", "2:32: account.cash: 'lots' is not a number"},
        {"cash: 1000000", "cash: 1_000_000", "2:32: account.cash: '1_000_000' is not a number"},
        {"cash: 1000000", "cash: 1e6", "2:32: account.cash: '1e6' is not a number"},
        {"cash: 1000000", "cash: .nan", "2:32: account.cash: '.nan' is not a number"},
        {"cash: 1000000", "cash: 0", "2:32: account.cash: '0' is out of range; write a plain number above 0"},
        {"cash: 1000000", "cash: -5", "2:32: account.cash: '-5' is out of range"},
        {"cash: 1000000", "cash: 1.123456789", "2:32: account.cash: '1.123456789' is not a number with at most eight"},
        {"cash: 1000000", "cash: 1000000000000001", "2:32: account.cash: '1000000000000001' is out of range"},
        {"cash: 1000000", "cash: 1,00,00,000", "2:32: cash: a number has no commas; write 10000000, without commas"},
        {"cash: 1000000", "cash: 1,000.50", "2:32: cash: a number has no commas; write 1000.50, without commas"},
        {"cash: 1000000", "cash: 1000000, 12", "2:32: cash: a number has no commas"},
        {"cash: 1000000", "cash: [1]", "2:32: account.cash: expects a value, found a list"},
        // data
        {"data: [{file: ticks.csv, kind: quotes}]\n", "", "1:1: 'data' is missing"},
        {"[{file: ticks.csv, kind: quotes}]", "[]", "3:7: data: is empty; write at least one entry"},
        {" [{file: ticks.csv, kind: quotes}]", "", "3:1: data: is empty; write at least one entry"},
        {"[{file: ticks.csv, kind: quotes}]", "ticks.csv",
         "3:7: data: expects a list, found 'ticks.csv'; write [{file:"},
        {"{file: ticks.csv, kind: quotes}", "ticks.csv", "3:8: data: expects a map, found 'ticks.csv'; write {file:"},
        {"{file: ticks.csv, kind: quotes}", "{kind: quotes}",
         "3:8: data: an entry needs a file, a stream or synth; write"},
        {"ticks.csv", "nowhere.csv", "3:15: data.file: 'nowhere.csv' does not exist (looked for "},
        {"ticks.csv", "folder", "3:15: data.file: "},
        {"ticks.csv", "\"ticks.csv\\0x\"", "3:15: data.file: 'ticks.csv?x' is not a path"},
        {"file: ticks.csv, kind: quotes", "stream: stdin",
         "3:8: data: 'kind' is missing; write kind: and quotes, trades or bars"},
        {"kind: quotes", "kind: quote", "3:32: data.kind: 'quote' is unknown; did you mean 'quotes'?"},
        {"kind: quotes", "kind: quotes, instrument: IBM", "3:52: data.instrument: is for bars"},
        {"kind: quotes", "kind: quotes, interval: 1m", "3:50: data.interval: is for bars"},
        {"kind: quotes", "kind: quotes, max_gap: 0s", "3:49: data.max_gap: '0s' is out of range"},
        {"file: ticks.csv, kind: quotes", "synth: {}, max_gap: 5d", "3:29: data.max_gap: describes a file and cannot"},
        {"kind: quotes", "kind: quotes, idle: 5s", "3:46: data.idle: is how long a silent stream is waited for"},
        {"kind: quotes", "kind: quotes, clock: wall", "3:47: data.clock: is whose clock stamps a stream's lines"},
        {"file: ticks.csv, kind: quotes", "stream: stdin, kind: bars, interval: 1m, clock: wall",
         "3:57: data.clock: wall goes with quotes and trades alone"},
        {"[{file: ticks.csv, kind: quotes}",
         "[{stream: stdin, kind: quotes, clock: wall}, {file: ticks.csv, kind: quotes}",
         "3:45: data.clock: wall needs a session of its own"},
        {"file: ticks.csv", "stream: stdin, clock: mine", "3:31: data.clock: 'mine'"},
        {"file: ticks.csv", "stream: stdin, idle: 0s", "3:30: data.idle: '0s' is out of range"},
        {"file: ticks.csv", "stream: stdin, idle: soon", "3:30: data.idle: 'soon'"},
        {"file: ticks.csv, kind: quotes", "synth: {}, idle: 5s", "3:26: data.idle: describes a file and cannot"},
        {", kind: quotes", ", synth: {}", "3:15: data.file: describes a file and cannot stand beside synth"},
        {"file: ticks.csv, kind: quotes", "synth: {sed: 1}",
         "3:17: data.synth: unknown key 'sed'; did you mean 'seed'?"},
        {"file: ticks.csv, kind: quotes", "synth: {seed: -1}", "3:23: data.synth.seed: '-1' is out of range"},
        {"file: ticks.csv, kind: quotes", "synth: {seed: 18446744073709551616}",
         "3:23: data.synth.seed: '18446744073709551616' is out"},
        {"file: ticks.csv, kind: quotes", "synth: {ticks: 1.5}", "3:24: data.synth.ticks: '1.5' is not whole"},
        {"file: ticks.csv, kind: quotes", "synth: {ticks: 0}", "3:24: data.synth.ticks: '0' is out of range"},
        {"file: ticks.csv, kind: quotes", "synth: {first_day: 2024-02-30}",
         "3:28: data.synth.first_day: '2024-02-30' is not a day"},
        {"file: ticks.csv, kind: quotes", "synth: {first_day: 1799-12-31}",
         "3:28: data.synth.first_day: '1799-12-31' is not a day"},
        {"file: ticks.csv, kind: quotes", "synth: {instruments: []}",
         "3:30: data.synth.instruments: expects a list of names, found an empty one"},
        {"file: ticks.csv, kind: quotes", "synth: 7", "3:16: data.synth: expects a map, found '7'; write {seed: 7"},
        // instruments
        {"charges: none", "instruments: {IBM: {tick: 0}}", "7:27: instruments.IBM.tick: '0' is out of range"},
        {"charges: none", "instruments: {IBM: {lot: -1}}", "7:26: instruments.IBM.lot: '-1' is out of range"},
        {"charges: none", "instruments: {IBM: {tick: 10000000001}}",
         "7:27: instruments.IBM.tick: '10000000001' is out of range"},
        {"charges: none", "instruments: {IBM: 0.01}",
         "7:20: instruments.IBM: expects a map, found '0.01'; write {tick:"},
        {"charges: none", "instruments: [IBM]", "7:14: instruments: expects a map of names, found a list; write {IBM:"},
        {"charges: none", "instruments: {'': {}}", "7:15: instruments: '' is not a name"},
        {"charges: none", "instruments: {registry: instruments.csv}",
         "7:15: instruments.registry: There is no registry at"},
        {"charges: none", "default_instrument: {session: bse}",
         "7:31: default_instrument.session: 'bse' are no trading hours; write nse, utc"},
        {"charges: none", "default_instrument: {session: 09:15-15:30}",
         "7:31: default_instrument.session: '09:15-15:30' have no UTC offset"},
        {"charges: none", "default_instrument: {session: 15:30-09:15Z}",
         "7:31: default_instrument.session: '15:30-09:15Z' do not end after they begin"},
        {"charges: none", "default_instrument: {session: 00:00-24:01Z}",
         "7:31: default_instrument.session: '00:00-24:01Z' end after 24:00"},
        {"charges: none", "default_instrument: {session: 00:00-24:00+19:00}",
         "7:31: default_instrument.session: '00:00-24:00+19:00' have a UTC offset that"},
        {"charges: none", "default_instrument: {session: 00:60-24:00Z}",
         "7:31: default_instrument.session: '00:60-24:00Z' are no trading hours"},
        // portfolios
        {"charges: none", "portfolios: {a: {}}", "7:17: portfolios.a: 'cash' is missing"},
        {"charges: none", "portfolios: {a: {cash: 0}}", "7:24: portfolios.a.cash: '0' is out of range"},
        {"charges: none", "portfolios: {a: 5}", "7:17: portfolios.a: expects a map, found '5'; write {cash:"},
        {"charges: none", "portfolios: {a: {cash: 1000001}}",
         "2:32: account.cash: the portfolios hold 1000001, more than the account's 1000000"},
        {"charges: none", "portfolios: {a: {cash: 1}, b: {cash: 2}}",
         "5:5: strategies.portfolio is missing, and there are 2; write portfolio: and a or b"},
        // strategies
        {"strategies:", "strategies: cross\nx:", "4:13: strategies: expects a list, found 'cross'"},
        {"id: cross, ", "", "5:5: strategies: 'id' is missing"},
        {"use: ema_cross, ", "", "5:5: strategies: 'use' is missing"},
        {"use: ema_cross", "use: ema_crss",
         "5:22: strategies.use: there is no strategy 'ema_crss'; did you mean 'ema_cross'?"},
        {"use: ema_cross", "use: magic", "5:22: strategies.use: there is no strategy 'magic'; write "},
        {"id: cross", "portfolio: mian, id: cross",
         "5:17: strategies.portfolio: there is no portfolio 'mian'; did you mean 'main'?"},
        {"id: cross", "broker: papper, id: cross",
         "5:14: strategies.broker: there is no broker 'papper'; did you mean 'paper'?"},
        {"instruments: [BAC, IBM], ", "", "5:5: strategies: 'instruments' is missing"},
        {"[BAC, IBM]", "[]", "5:46: strategies.instruments: expects a list of names, found an empty one"},
        {"[BAC, IBM]", "BAC", "5:46: strategies.instruments: expects a list of names, found 'BAC'; write [BAC]"},
        {"[BAC, IBM]", "[BAC, IBM, BAC]", "5:57: strategies.instruments: 'BAC' is already in the list"},
        {"[BAC, IBM]", "[BAC, {IBM: 1}]", "5:52: strategies.instruments: a map is not a name"},
        {"[BAC, IBM]", "[BAC, null]", "5:52: strategies.instruments: nothing is not a name"},
        {"fast: 100", "fats: 100", "5:67: strategies.params: ema_cross has no parameter 'fats'; did you mean 'fast'?"},
        {"fast: 100", "fast: [100]", "5:73: strategies.params.fast: expects a value, found a list"},
        {"quantity: 100", "quantity: -5", "5:100: strategies.params: quantity must be"},
        {"fast: 100", "fast: 5000", "5:73: strategies.params: fast must be below slow"},
        {"fast: 100", "fast: 1.5", "5:73: strategies.params: fast must be a whole number"},
        {"{fast: 100, slow: 1000, quantity: 100}", "7", "5:66: strategies.params: expects a map, found '7'"},
        {"  - {id: cross,",
         "  - {id: cross, use: ema_cross, instruments: [BAC], params: {fast: 1, slow: 2, quantity: "
         "1}}\n  - {id: cross,",
         "6:10: strategies.id: 'cross' is already the id of the strategy at 5:10; write another"},
        {"  - {id: cross,", "  -\n  - {id: cross,", "6:3: strategies: this entry is empty"},
        // broker
        {"{paper: {fill: touch}}", "paper",
         "6:9: broker: expects a map of names, found 'paper'; write {paper: {fill: touch}}"},
        {"fill: touch", "fill: tuoch", "6:24: broker.paper.fill: 'tuoch' is unknown; did you mean 'touch'?"},
        {"fill: touch", "fill: next_open", "6:24: broker.paper.fill: the data has no bars to open"},
        {"fill: touch", "slippage: -1", "6:28: broker.paper.slippage: paper broker: 'slippage' must be a price"},
        {"fill: touch", "latency: 5", "6:27: broker.paper.latency: '5' is not a duration; write a duration such as 5s"},
        {"fill: touch", "latency: 2d",
         "6:27: broker.paper.latency: '2d' is out of range; write a duration such as 5s from 0s to "
         "1d"},
        {"fill: touch", "use_size: yes",
         "6:28: broker.paper.use_size: 'yes' is neither true nor false; write true or false"},
        {"{paper: {fill: touch}}", "{zerodha: {}}", "6:10: broker.zerodha: is not available yet; write paper"},
        {"{paper: {fill: touch}}", "{mine: {}}",
         "6:10: broker: 'mine' is no kind of broker; write paper, or mine: {kind: paper}"},
        {"{paper: {fill: touch}}", "{mine: {kind: papre}}",
         "6:23: broker.mine.kind: 'papre' is unknown; did you mean 'paper'?"},
        {"{paper: {fill: touch}}", "{a: {kind: paper}, b: {kind: paper}}",
         "5:5: strategies.broker is missing, and there are 2; write broker: and a or b"},
        // charges
        {"charges: none", "charges: zerodah",
         "7:10: charges: 'zerodah' is unknown; did you mean 'zerodha'?, or write the path of a table, or {per_fill"},
        {"charges: none", "charges: own.csv", "7:10: charges: Cannot open"},
        {"charges: none", "calendar: sometimes", "7:11: calendar: 'sometimes' is unknown; write lenient or strict"},
        {"charges: none", "charges: nnoe", "7:10: charges: 'nnoe' is unknown; did you mean 'none'?, or write"},
        {"charges: none", "charges: {rate: 0.2}",
         "7:17: charges.rate: '0.2' is out of range; write a plain number from 0 to 0.1"},
        {"charges: none", "charges: {per_fill: -1}", "7:21: charges.per_fill: '-1' is out of range"},
        {"charges: none", "charges: {perfill: 1}", "7:11: charges: unknown key 'perfill'; did you mean 'per_fill'?"},
        {"charges: none", "charges: []", "7:10: charges: a list is unknown; write none, zerodha"},
        // risk
        {"charges: none", "risk: {max_order_qty: 1}", "7:8: risk: unknown key 'max_order_qty'"},
        {"charges: none", "risk: {max_postion: 1}",
         "7:8: risk: unknown key 'max_postion'; did you mean 'max_position'?"},
        {"charges: none", "risk: {max_position: 0}", "7:22: risk.max_position: '0' is out of range"},
        {"charges: none", "risk: {max_open_orders: 10001}",
         "7:25: risk.max_open_orders: '10001' is out of range; write a whole number from 1 to "
         "10000"},
        {"charges: none", "risk: {max_orders_per_second: 1001}",
         "7:31: risk.max_orders_per_second: '1001' is out of range"},
        {"charges: none", "risk: {max_open_orders: 2.5}", "7:25: risk.max_open_orders: '2.5' is not whole"},
        {"charges: none", "risk: {price_band_percent: 101}", "7:28: risk.price_band_percent: '101' is out of range"},
        {"charges: none", "risk: {allow_short: no}", "7:21: risk.allow_short: 'no' is neither true nor false"},
        {"charges: none", "risk: {max_data_age: 0s}", "7:22: risk.max_data_age: '0s' is out of range"},
        {"charges: none", "risk: {max_data_age: 1000000001ns}", "7:22: risk.max_data_age: is finer than a microsecond"},
        {"charges: none", "risk: {allowed_instruments: [IBN]}",
         "7:30: risk.allowed_instruments: no strategy trades 'IBN'; did you mean 'IBM'?"},
        {"charges: none", "risk: {allowed_instruments: []}",
         "7:29: risk.allowed_instruments: expects a list of names, found an empty one"},
        {"charges: none", "risk: none", "7:7: risk: expects a map, found 'none'; write {max_order_quantity: 10000}"},
        {"charges: none", "snapshot_interval: 300",
         "7:20: snapshot_interval: '300' is not a duration; write none, or a duration"},
        {"charges: none", "snapshot_interval: 500ms", "7:20: snapshot_interval: '500ms' is out of range"},
        {"charges: none", "snapshot_interval: 32d", "7:20: snapshot_interval: '32d' is out of range"},
    };
    for (const Case& c : cases) {
        const std::string text = replaced(kGood, c.old, c.now);
        INFO(c.old << " -> " << c.now);
        std::vector<std::string> found = errors(text);
        if (c.now.ends_with("\nx:")) {
            found.erase(
                std::remove_if(found.begin(), found.end(),
                               [](const std::string& e) { return e.find("unknown key 'x'") != std::string::npos; }),
                found.end());
        }
        CAPTURE(found);
        REQUIRE(found.size() == 1);
        CHECK_THAT(found[0], Catch::StartsWith(c.error));
    }
}

TEST_CASE("bars without what they need are let through", "[config]") {
    CHECK(errors(kBars).empty());
    CHECK(errors(replaced(kBars, ", interval: day", "")).empty());  // the file says it
    CHECK_THAT(errors(replaced(kBars, "interval: day", "interval: 0s")).at(0),
               Catch::StartsWith("3:63: data.interval: '0s' is out of range"));
    CHECK_THAT(errors(replaced(kBars, "interval: day", "interval: daily")).at(0),
               Catch::StartsWith("3:63: data.interval: 'daily' is not a duration"));
    // An instrument column may name them instead.
    CHECK(errors(replaced(kBars, ", instrument: IBM", "")).empty());
}

TEST_CASE("a file that cannot be read is a mistake in every key beside it", "[config]") {
    const std::string open = replaced(kBars, "kind: bars, ", "");
    write_text(folder() / "letter.csv", "Dear reader,\nthis is no market data.\n");
    write_text(folder() / "empty.csv", "");
    for (const auto& [file, says] : {std::pair<const char*, const char*>{"nowhere.csv", "'nowhere.csv' does not exist"},
                                     {"letter.csv", "as quotes: "},
                                     {"empty.csv", "the file is empty"},
                                     {"/dev/null", "'/dev/null' is not a file"},
                                     {"none/*.csv", ""}}) {
        const std::vector<std::string> found = errors(replaced(open, "ibm.csv", file));
        CAPTURE(found);
        REQUIRE(found.size() == 1);
        CHECK_THAT(found[0],
                   Catch::StartsWith("3:15: data.file: ") && Catch::Contains(says) && !Catch::Contains("?as"));
    }
    // What is written is judged all the same.
    CHECK(errors(replaced(replaced(kBars, "ibm.csv", "nowhere.csv"), "bars, ", "quotes, ")).size() == 4);
}

TEST_CASE("from behind until is a market without a row", "[config]") {
    const auto with = [](const std::string& range) { return errors(replaced(kBars, "day}", "day, " + range + "}")); };
    CHECK(with("from: 2024-02-01, until: 2024-01-01") ==
          std::vector<std::string>{
              "3:93: data.until: nothing lies between from 2024-02-01 and until 2024-01-01; exchange them"});
    CHECK(with("from: 2024-02-01T09:15Z, until: 2024-02-01T09:15Z").size() == 1);
    CHECK(with("from: 2024-02-02, until: 2024-02-01T09:15+05:30").size() == 1);
    CHECK(with("from: 2024-02-03T09:15Z, until: 2024-02-01").size() == 1);
    write_text(folder() / "days.csv", "date,open,high,low,close\n2024-01-02,1,1,1,1\n2024-01-03,1,1,1,1\n");
    const std::string open = replaced(kBars, "ibm.csv, kind: bars, ", "days.csv, ");
    CHECK(errors(replaced(open, "interval: day", "from: 2024-02-01, until: 2024-01-01")).size() == 1);
    CHECK_THAT(errors(replaced(open, "interval: day", "from: 2025-01-01")).at(0),
               Catch::Contains("no row lies in the range from 2025-01-01: the first is of 2024-01-02"));
    // A day is one of some zone, which is not known here.
    CHECK(with("from: 2024-02-02, until: 2024-02-01T20:00Z").empty());
    CHECK(with("from: 2024-02-02T05:00Z, until: 2024-02-01").empty());
    CHECK(with("from: 2024-02-01, until: 2024-02-01").empty());
}

TEST_CASE("a number with commas is a mistake for each of its parts", "[config]") {
    CHECK(errors(replaced(kGood, "quantity: 100", "quantity: 1,00,00")) ==
          std::vector<std::string>{"5:100: quantity: a number has no commas; write 10000, without commas"});
}

TEST_CASE("mistakes come one at a time or out of order", "[config]") {
    const std::vector<std::string> found =
        errors("name: ''\n"
               "account: {currency: dollars, cash: -1, csh: 2}\n"
               "data:\n"
               "  - {file: nowhere.csv, kind: quotes}\n"
               "  - {file: ticks.csv, kind: quots}\n"
               "strategies:\n"
               "  - {id: a, use: ema_cross, instruments: [], params: {fast: 9, slow: 3, quantity: 1}}\n"
               "  - {id: a, use: emacross, instruments: [IBM]}\n"
               "risk: {max_position: none, allow_short: 1}\n"
               "snapshot: 5s\n"
               "name: b\n");
    std::vector<std::string> places;
    places.reserve(found.size());
    for (const std::string& error : found) {
        places.push_back(error.substr(0, error.find(": ")));
    }
    CHECK(places == std::vector<std::string>{"1:7", "2:21", "2:36", "2:40", "4:12", "5:29", "7:42", "7:61", "8:10",
                                             "8:18", "9:22", "9:41", "10:1", "11:1"});
}

TEST_CASE("the keys of a broker of an unknown kind are judged as another kind's", "[config]") {
    const auto found = [](const char* broker) { return errors(replaced(kGood, "{paper: {fill: touch}}", broker)); };
    CHECK(found("{zerodha: {api_key: x, fill: never}}") ==
          std::vector<std::string>{"6:10: broker.zerodha: is not available yet; write paper"});
    const std::vector<std::string> misspelt = found("{mine: {kind: papre, api_key: x, fill: never}}");
    REQUIRE(misspelt.size() == 1);
    CHECK_THAT(misspelt[0], Catch::StartsWith("6:23: broker.mine.kind: 'papre' is unknown"));
}

TEST_CASE("a file of mistakes floods the terminal", "[config]") {
    std::string text = kGood;
    for (int i = 0; i < 5'000; ++i) {
        text += "key" + std::to_string(i) + ": 1\n";
    }
    const auto scenario = parse(text);
    REQUIRE_FALSE(scenario);
    const std::string& message = scenario.error().message;
    CHECK(std::count(message.begin(), message.end(), '\n') == 100);
    CHECK_THAT(message, Catch::EndsWith("and 4900 more"));
}

TEST_CASE("an empty or foreign file is taken for a scenario", "[config]") {
    CHECK_THAT(errors("").at(0), Catch::StartsWith("1:1: is empty; write at least name"));
    CHECK_THAT(errors("# nothing\n").at(0), Catch::StartsWith("1:1: is empty"));
    CHECK_THAT(errors("~").at(0), Catch::StartsWith("1:1: is empty"));
    CHECK_THAT(errors("[a, b]").at(0), Catch::StartsWith("1:1: expects a map, found a list"));
    CHECK_THAT(errors("hello").at(0), Catch::StartsWith("1:1: expects a map, found 'hello'"));
    CHECK_THAT(errors(std::string("a\0b", 3)).at(0), Catch::StartsWith("1:2: byte 0x00 is not text"));
    CHECK_THAT(errors(std::string((1U << 20U) + 1, '#')).at(0), Catch::StartsWith("1:1: is larger than"));
    CHECK(errors("\xEF\xBB\xBF" + kGood).empty());
    CHECK(errors(replaced("\xEF\xBB\xBF" + kGood, "name: good", "name: ''")).at(0).substr(0, 4) == "1:7:");
    std::string windows;
    for (const char c : kGood) {
        windows += c == '\n' ? "\r\n" : std::string(1, c);
    }
    CHECK(good(windows).config == good(kGood).config);
}

TEST_CASE("an alias or deep nesting makes a small file a large one", "[config]") {
    CHECK_THAT(errors("a: &a [x, x]\nb: &b [*a, *a]\n").at(0), Catch::StartsWith("1:4: anchors (&)"));
    CHECK_THAT(errors("a: *a\n").at(0), Catch::Contains("the referenced anchor is not defined"));
    for (const char* piece : {"[", "{", "- ", "? ", "[a,", "{a: ", "'", "\"", "\n", ",", "|\n ", "a: b\n", "---\n"}) {
        std::string text;
        while (text.size() + 4 < 200'000) {
            text += piece;
        }
        INFO(piece);
        CHECK_FALSE(errors(text).empty());
    }
}

TEST_CASE("a scenario that is not there is an internal error", "[config]") {
    const auto missing = load_scenario(folder() / "none.yaml");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().kind == ErrorKind::usage);
    CHECK(missing.error().message == (folder() / "none.yaml") + ": does not exist; write the path of a scenario");
    const auto directory = load_scenario(folder() / "folder");
    REQUIRE_FALSE(directory);
    CHECK(directory.error().kind == ErrorKind::usage);
    const TempFolder own;
    write_text(own / "s.yaml", replaced(kGood, "file: ticks.csv", "file: " + (folder() / "ticks.csv")));
    const auto loaded = load_scenario(own / "s.yaml");
    REQUIRE(loaded);
    CHECK(loaded->config == good(kGood).config);
    CHECK(loaded->data[0].file == folder() / "ticks.csv");
    write_text(own / "large.yaml", std::string(3U << 20U, '#'));
    CHECK_THAT(load_scenario(own / "large.yaml").error().message, Catch::Contains("is larger than 1048576 bytes"));
}

TEST_CASE("instruments get other ids than the documented order gives", "[config]") {
    const Scenario s = good(R"(name: ids
account: {currency: USD, cash: 1000}
default_instrument: {tick: 0.05, session: nse}
instruments: {Z: {lot: 25}, A: , M: {tick: 1, session: 10:00-12:30-05:00}}
data:
  - {file: ibm.csv, kind: bars, instrument: D, interval: 1m}
  - {file: ibm.csv, kind: bars, instrument: A, interval: 1m}
strategies:
  - {id: one, use: sma_cross, instruments: [Q, D], params: {fast: 1, slow: 2, quantity: 1}}
  - {id: two, use: sma_cross, instruments: [B, Q], params: {fast: 1, slow: 2, quantity: 1}}
broker: {paper: {fill: next_open}}
)");
    const TradingHours nse{19'800, 33'300, 55'800};
    const Price tick{5'000'000};
    const std::vector<Instrument> want{{"Z", tick, qty_of(25), nse},
                                       {"A", tick, qty_of(1), nse},
                                       {"M", price_of(1), qty_of(1), {-18'000, 36'000, 45'000}},
                                       {"D", tick, qty_of(1), nse},
                                       {"Q", tick, qty_of(1), nse},
                                       {"B", tick, qty_of(1), nse}};
    CHECK(s.config.instruments == want);
    CHECK(s.config.default_instrument == Instrument{"", tick, qty_of(1), nse});
    CHECK(s.config.strategies[0].instruments == std::vector<InstrumentId>{{4}, {3}});
    CHECK(s.config.strategies[1].instruments == std::vector<InstrumentId>{{5}, {4}});
    CHECK(s.with_session == std::set<std::string>{"", "M"});
    CHECK(good(kGood).with_session.empty());  // a default is no word of the user's
}

TEST_CASE("a strategy trades another portfolio or broker than it names", "[config]") {
    const Scenario s = good(R"(name: many
account: {currency: USD, cash: 700}
data: [{file: ticks.csv, kind: quotes}]
portfolios: {swing: {cash: 300}, intraday: {cash: 400}}
broker:
  paper: {fill: touch, slippage: 0.01, latency: 250ms, use_size: true}
  second: {kind: paper}
strategies:
  - {id: a, use: ema_cross, portfolio: intraday, broker: paper, instruments: [X], params: {fast: 1, slow: 2, quantity: 1}}
  - {id: b, use: ema_cross, portfolio: swing, broker: second, instruments: [X], params: {fast: 1, slow: 2, quantity: 1}}
)");
    CHECK(s.warnings.empty());
    CHECK(s.config.portfolios == std::vector<PortfolioConfig>{{"swing", money_of(300)}, {"intraday", money_of(400)}});
    REQUIRE(s.config.brokers.size() == 2);
    PaperSettings paper;
    paper.slippage = Price{1'000'000};
    paper.latency = Duration{kSecondNs / 4};
    paper.use_size = true;
    CHECK(s.config.brokers[0] == BrokerConfig{"paper", "paper", to_settings(paper)});
    CHECK(s.config.brokers[1] == BrokerConfig{"second", "paper", to_settings({})});
    CHECK(s.config.strategies[0].portfolio.value == 1);
    CHECK(s.config.strategies[0].broker.value == 0);
    CHECK(s.config.strategies[1].portfolio.value == 0);
    CHECK(s.config.strategies[1].broker.value == 1);
}

TEST_CASE("the strategies of a portfolio trade where another portfolio belongs", "[config]") {
    const std::string text = R"(name: many
account: {currency: USD, cash: 700}
data: [{file: ticks.csv, kind: quotes}]
brokers:
  touch: {paper: {fill: touch, use_size: true}}
  slow: {paper: {latency: 2s}}
portfolios: {main: {cash: 300, broker: slow}, shadow: {cash: 400, broker: touch}}
strategies:
  - {id: a, use: ema_cross, portfolio: main, instruments: [X], params: {fast: 1, slow: 2, quantity: 1}}
  - {id: b, use: ema_cross, portfolio: shadow, broker: touch, instruments: [X], params: {fast: 1, slow: 2, quantity: 1}}
)";
    const Scenario s = good(text);
    CHECK(s.warnings.empty());
    PaperSettings late;
    late.latency = Duration{2 * kSecondNs};
    PaperSettings sized;
    sized.use_size = true;
    CHECK(s.config.brokers ==
          std::vector<BrokerConfig>{{"touch", "paper", to_settings(sized)}, {"slow", "paper", to_settings(late)}});
    CHECK(s.config.strategies[0].broker.value == 1);
    CHECK(s.config.strategies[1].broker.value == 0);
    CHECK(broker_of(s.config, PortfolioId{0})->name == "slow");
    CHECK(broker_of(s.config, PortfolioId{1})->name == "touch");

    // One broker is everybody's, under either key, and event 0 does not tell how it was written.
    const Scenario one = good(replaced(kGood, "broker: {paper: {fill: touch}}", "brokers: {paper: {paper: {}}}"));
    CHECK(one.config == good(kGood).config);

    struct Case {
        std::string old;
        std::string now;
        std::string error;
    };
    const std::vector<Case> cases{
        {"brokers:\n", "broker: {paper: {}}\nbrokers:\n", "6:3: brokers: cannot stand beside broker; keep one of them"},
        {"slow: {paper: {latency: 2s}}", "slow: {papre: {latency: 2s}}",
         "6:10: brokers.slow: unknown key 'papre'; did you mean 'paper'?"},
        {"slow: {paper: {latency: 2s}}", "slow: {paper: {latncy: 2s}}",
         "6:18: brokers.slow.paper: unknown key 'latncy'; did you mean 'latency'?"},
        {"slow: {paper: {latency: 2s}}", "slow: {paper: {latency: 2s, kind: paper}}",
         "6:31: brokers.slow.paper: unknown key 'kind'"},
        {"slow: {paper: {latency: 2s}}", "slow: paper",
         "6:9: brokers.slow: expects a map, found 'paper'; write {paper: {fill: touch}}"},
        {"slow: {paper: {latency: 2s}}", "slow: {}", "6:9: brokers.slow: 'paper' is missing; write paper: and a map"},
        {"slow: {paper: {latency: 2s}}", "slow: {paper: {fill: next_open}}",
         "6:24: brokers.slow.paper.fill: the data has no bars to open"},
        {"slow: {paper: {latency: 2s}}", "' slow': {paper: {}}", "6:3: brokers: ' slow' is not a name"},
        {"broker: slow", "broker: slwo",
         "7:40: portfolios.main.broker: there is no broker 'slwo'; did you mean 'slow'?"},
        {", broker: slow", "",
         "7:20: portfolios.main.broker is missing, and there are 2; write broker: and touch or slow"},
        {"shadow, broker: touch", "shadow, broker: slow",
         "10:56: strategies.broker: its portfolio 'shadow' belongs to the broker 'touch'; write that, or another"},
        {"portfolios: {main: {cash: 300, broker: slow}, shadow: {cash: 400, broker: touch}}\n", "",
         "5:3: brokers: there are 2, and no portfolio names its own; write portfolios, such as {main: {cash: 1000000, "
         "broker: touch}}"},
        {"  touch: {paper: {fill: touch, use_size: true}}\n  slow: {paper: {latency: 2s}}\n", "",
         "4:1: brokers: is empty; write at least one, such as {touch: {paper: {fill: touch}}"},
    };
    for (const Case& c : cases) {
        INFO(c.old << " -> " << c.now);
        const std::vector<std::string> found = errors(replaced(text, c.old, c.now));
        CAPTURE(found);
        REQUIRE_FALSE(found.empty());
        CHECK(std::ranges::any_of(found, [&](const std::string& each) { return each.starts_with(c.error); }));
    }
    const Scenario unused = good(replaced(text, "brokers:\n", "brokers:\n  spare: {paper: {}}\n"));
    REQUIRE(unused.warnings.size() == 1);
    CHECK_THAT(unused.warnings[0],
               Catch::Contains("5:3: brokers.spare: no portfolio belongs to it; give it one, or leave it out"));

    // Where strategies name their brokers, a portfolio's still have the same one.
    const std::string two_ways = replaced(kGood, "{paper: {fill: touch}}", "{a: {kind: paper}, b: {kind: paper}}");
    const std::string line = "{use: ema_cross, instruments: [IBM], params: {fast: 1, slow: 2, quantity: 1}, ";
    const std::vector<std::string> found =
        errors(replaced(replaced(two_ways, "id: cross,", "id: cross, broker: a,"), "broker: {a",
                        "  - " + line + "id: x}\n  - " + line + "id: y, broker: b}\nbroker: {a"));
    REQUIRE(found.size() == 1);
    CHECK_THAT(found[0], Catch::Contains("strategies.broker: its portfolio 'main' belongs to the broker 'a'"));
}

TEST_CASE("a risk rule gets lost, or another's limit", "[config]") {
    const Scenario s = good(kGood + R"(risk:
  max_daily_loss: 5000
  max_data_age: 2500ms
  session_hours: true
  allow_short: false
  allowed_instruments: [IBM]
  price_band_percent: 2.5
  max_orders_per_second: 10
  max_open_orders: 20
  max_gross_exposure: 750000.50
  max_position: 300
  max_order_notional: 50000
  max_order_quantity: 100
)");
    const std::vector<RiskLimit> want{{Rule::allowed_instruments, {}},
                                      {Rule::session_hours, {}},
                                      {Rule::stale_data, decimal("2.5")},
                                      {Rule::price_band, decimal("2.5")},
                                      {Rule::order_quantity, money_of(100)},
                                      {Rule::order_notional, money_of(50'000)},
                                      {Rule::shorting, {}},
                                      {Rule::position, money_of(300)},
                                      {Rule::gross_exposure, decimal("750000.5")},
                                      {Rule::open_orders, money_of(20)},
                                      {Rule::order_rate, money_of(10)},
                                      {Rule::daily_loss, money_of(5'000)},
                                      {Rule::buying_power, money_of(1)}};
    CHECK(s.config.risk == want);
    CHECK(s.config.allowed_instruments == std::vector<InstrumentId>{{1}});
    const ChargesConfig charges = good(replaced(kGood, "none", "{per_fill: 20, rate: 0.0003}")).config.charges;
    CHECK(charges == ChargesConfig{money_of(20), decimal("0.0003")});
}

TEST_CASE("what is legal but surely not meant passes in silence", "[config]") {
    const auto warning = [](const std::string& text) {
        const Scenario s = good(text);
        REQUIRE(s.warnings.size() == 1);
        return s.warnings[0].substr((folder() / "s.yaml").size() + 1);
    };
    CHECK_THAT(warning(kGood + "portfolios: {main: {cash: 999999}}\n"),
               Catch::StartsWith("2:32: account.cash: the portfolios hold only 999999 of the account's 1000000"));
    CHECK_THAT(warning(replaced(kBars, "next_open", "touch")),
               Catch::StartsWith("6:24: broker.paper.fill: touch fills at the close of the very bar"));
    CHECK_THAT(warning(replaced(replaced(kBars, "next_open", "next_open, use_size: true"), "data: [",
                                "data: [{file: ticks.csv, kind: quotes}, ")),
               Catch::StartsWith("6:24: broker.paper.fill: with use_size an open counts only where no quote comes"));
    CHECK_THAT(warning(kGood.substr(0, kGood.find("strategies:"))),
               Catch::StartsWith("1:1: strategies: there are none; nothing will trade"));
    CHECK(good(kGood).warnings.empty());
    CHECK(good(kBars).warnings.empty());
    // The account's cash may be left to the portfolios.
    const Scenario s = good(replaced(kGood, ", cash: 1000000", "") + "portfolios: {main: {cash: 7}}\n");
    CHECK(s.warnings.empty());
    CHECK(s.config.portfolios[0].cash == money_of(7));
}

TEST_CASE("a strategy that reads one interval is given two without a word", "[config]") {
    const std::string both =
        replaced(kBars, "interval: day}", "interval: day}, {file: ibm.csv, kind: bars, instrument: IBM, interval: 5m}");
    CHECK(errors(both) == std::vector<std::string>{
                              "5:61: strategies.params: sma_cross reads bars of one interval, and IBM has bars of 5m "
                              "and 1d; say which: write interval: 5m or 1d among its params"});
    const Scenario named = good(replaced(both, "fast: 10", "interval: day, fast: 10"));
    CHECK(named.warnings.empty());
    CHECK(text_param(named.config.strategies[0].params, "interval") == "1d");
    CHECK(text_param(good(kBars).config.strategies[0].params, "interval") == "only");
    const Scenario other = good(replaced(kBars, "fast: 10", "interval: 5m, fast: 10"));
    REQUIRE(other.warnings.size() == 1);
    CHECK_THAT(other.warnings[0],
               Catch::Contains("strategies.params: sma_cross reads bars of 5m, and the data has none of 'IBM'"));
    // Where a file names its instruments, nobody knows before it is read.
    CHECK(good(replaced(both, ", instrument: IBM, interval: 5m", ", interval: 5m")).warnings.empty());
}

TEST_CASE("a data set must be told what it holds", "[config]") {
    const TempFolder own;
    auto writer = DataSetWriter::create(own / "bars.alpha", DataKind::bars, Duration{60 * kSecondNs}, false);
    REQUIRE(writer);
    const InstrumentId id = (*writer)->symbol("IBM");
    BarClosed bar;
    bar.instrument = id;
    bar.open = bar.high = bar.low = bar.close = price_of(5);
    REQUIRE((*writer)->add(Time{kSecondNs}, bar));
    REQUIRE((*writer)->finish());
    const auto with = [&](const std::string& entry) {
        return parse_scenario(replaced(kBars, "{file: ibm.csv, kind: bars, instrument: IBM, interval: day}", entry),
                              own / "s.yaml");
    };
    const auto scenario = with("{file: bars.alpha}");
    INFO((scenario ? std::string() : scenario.error().message));
    REQUIRE(scenario);
    CHECK(scenario->warnings.empty());
    CHECK(scenario->data[0].kind == DataKind::bars);
    CHECK(scenario->data[0].interval.ns == 60 * kSecondNs);
    CHECK(with("{file: bars.alpha, kind: bars, interval: 1m}"));
    CHECK_THAT(with("{file: bars.alpha, kind: quotes}").error().message,
               Catch::Contains(":3:33: data.kind: the data set holds bars; write kind: bars or leave it out"));
    CHECK_THAT(with("{file: bars.alpha, interval: 5m}").error().message,
               Catch::Contains(":3:37: data.interval: the data set holds bars of 1m"));
}

TEST_CASE("an instrument's market is another than it names, or a mistake in it is missed", "[config]") {
    const std::string own = kGood +
                            "instruments: {BAC: {calendar: NSE_EQ_CAS, exchange: NSE, group: equity_fund, kind: call, "
                            "isin: INE467B01029, freeze: 1800, expiry: 2026-08-04}, IBM: {session: nse}}\n"
                            "default_instrument: {calendar: XNYS}\n";
    const Scenario s = good(own);
    const Instrument& bac = s.config.instruments[0];
    CHECK(bac.calendar == "NSE_EQ_CAS");
    CHECK(bac.exchange == "NSE");
    CHECK(bac.group == "equity_fund");
    CHECK(bac.kind == InstrumentKind::call);
    CHECK(bac.isin == "INE467B01029");
    CHECK(bac.freeze == qty_of(1'800));
    CHECK(to_iso(bac.expiry) == "2026-08-04");
    CHECK(s.config.instruments[1].calendar.empty());  // its session says when it trades
    CHECK(s.config.default_instrument.calendar == "XNYS");
    REQUIRE(s.market.calendars.size() == 2);
    CHECK(s.market.calendars[0].table.name == "NSE_EQ_CAS");
    CHECK(s.market.calendars[1].zone.name == "America/New_York");
    CHECK(s.market.charges.rows.empty());
    CHECK(good(kGood).market.is_silent());
    CHECK(good(replaced(kGood, "charges: none", "charges: zerodha")).market.charges.name == "zerodha");
    CHECK(good(replaced(kGood, "use: ema_cross", "use: ema_cross, product: mis")).config.strategies[0].product ==
          Product::mis);

    const auto said = [&](const std::string& instruments) { return errors(kGood + instruments + "\n"); };
    CHECK(said("instruments: {BAC: {calendar: NSE_EQQ}}") ==
          std::vector<std::string>{
              "8:31: instruments.BAC.calendar: there is no calendar 'NSE_EQQ'; did you mean 'NSE_EQ'?"});
    CHECK_THAT(said("instruments: {BAC: {calendar: NSE_EQ, session: nse}}").at(0),
               Catch::StartsWith("8:48: instruments.BAC.session: cannot stand beside calendar"));
    CHECK_THAT(said("instruments: {BAC: {expiry: soon}}").at(0), Catch::Contains("is not a day from 1800 to 2199"));
    CHECK_THAT(said("calendars: {days: none.csv}").at(0), Catch::Contains("calendars: Cannot open"));
    write_text(folder() / "days.csv",
               "calendars,date,kind,set,settles,name,source,grade\nNSE_EQ,2026-08-04,holyday,,no,x,y,stated\n");
    CHECK_THAT(said("calendars: {days: days.csv}").at(0), Catch::Contains("days.csv:2: "));
    write_text(folder() / "days.csv", "calendars,date,kind,set,settles,name,source,grade\n");
    CHECK_THAT(said("calendars: {days: days.csv}").at(0), Catch::Contains("calendars: decides nothing: no instrument"));
    CHECK_THAT(said("calendar: strict").at(0), Catch::Contains("default_instrument: {calendar: NSE_EQ}"));
    CHECK(errors(kGood + "calendar: strict\ndefault_instrument: {calendar: NSE_EQ}\n").empty());
}

TEST_CASE("a damaged scenario crashes the reader, or is refused without a place", "[config]") {
    // A linear congruential generator: the same mutations on every machine.
    std::uint64_t state = 20'240'101;
    const auto random = [&](std::size_t below) {
        state = state * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
        return static_cast<std::size_t>((state >> 33U) % below);
    };
    const std::string alphabet = "{}[]:,-#&*!|>'\"%@`~?\t\n \\0159aefxyz_\xc3\xff";
    const std::vector<std::string> words{
        "null", "- ",   ": ",         "---\n", "{",    "}",  "[",     "999999999999999999999", "-1", "0x1F", "&a ",
        "*a",   "true", "2024-01-01", "\n\n",  "name", "? ", "!!str "};
    int accepted = 0;
    int refused = 0;
    for (int i = 0; i < 2'000; ++i) {
        std::string text = i % 2 == 0 ? kExample : kGood;
        const std::size_t edits = 1 + random(4);
        for (std::size_t edit = 0; edit < edits && !text.empty(); ++edit) {
            const std::size_t at = random(text.size());
            switch (random(5)) {
            case 0: text[at] = alphabet[random(alphabet.size())]; break;
            case 1: text.erase(at, 1 + random(20)); break;
            case 2: text.insert(at, words[random(words.size())]); break;
            case 3: text.insert(at, text.substr(random(text.size()), random(40))); break;
            default: text.insert(at, 1, alphabet[random(alphabet.size())]); break;
            }
        }
        const auto scenario = parse(text);
        if (scenario) {
            ++accepted;
            continue;
        }
        ++refused;
        std::istringstream lines(scenario.error().message);
        const std::string prefix = (folder() / "s.yaml") + ":";
        for (std::string line; std::getline(lines, line);) {
            INFO(text);
            REQUIRE_THAT(line, Catch::StartsWith(prefix));
            REQUIRE(std::isdigit(static_cast<unsigned char>(line[prefix.size()])) != 0);
        }
    }
    // Both ways are walked: a reader that refused everything would pass unnoticed.
    CHECK(accepted > 50);
    CHECK(refused > 500);
}
