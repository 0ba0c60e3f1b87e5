/// Products and corporate actions of scenarios, through the real program.

#include "tests/cli/run_alpha.hpp"

#include <catch2/catch.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace {

constexpr const char* kHead = "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n";

std::string scenario(const std::string& orders, const std::string& more) {
    return "name: actions\n"
           "account: {currency: INR, cash: 100000}\n"
           "data: [{file: q.csv, kind: quotes}]\n"
           "default_instrument: {calendar: NSE_EQ}\n"
           "strategies:\n"
           "  - {id: t, use: script, instruments: [\"NSE:TCS\"], params: {orders: " +
           orders + "}}\n" + more;
}

/// Quotes of 2026-08-03, 04 and 05, at 10:00 IST.
struct Desk : Workplace {
    Desk() {
        write("q.csv", std::string(kHead) + "1785731400000000000,NSE:TCS,100,500,100,500\n"
                                            "1785731460000000000,NSE:TCS,100,500,100,500\n"
                                            "1785817800000000000,NSE:TCS,50,500,50,500\n"
                                            "1785904200000000000,NSE:TCS,50,500,50,500\n");
    }
    Ran backtest(const std::string& text, const std::vector<std::string>& more = {}) const {
        write("s.yaml", text);
        std::vector<std::string> arguments{"backtest", "s.yaml", "--journal", "j", "--json"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return alpha(arguments);
    }
    std::string refusal(const std::string& more) const {
        const Ran ran = backtest(scenario("at 1 buy 100 NSE:TCS", more));
        CHECK(ran.code == 2);
        return ran.err;
    }
};

// ---- an independent calculation of a holding that is bought once and kept -------------------------------------------------
//
// Of the files alone: no code of alpha's, and no number but those in them. Amounts in millionths, which every price, dividend and product
// of the two files fits.

__extension__ using Wide = __int128;

Wide millionths(const std::string& text) {
    const std::size_t point = std::min(text.find('.'), text.size());
    std::string digits = text.substr(0, point);
    std::string rest = point < text.size() ? text.substr(point + 1) : "";
    rest.resize(6, '0');
    return static_cast<Wide>(std::stoll(digits)) * 1'000'000 + std::stoll(rest);
}

std::vector<std::vector<std::string>> rows_of(const std::string& file) {
    std::ifstream in(file);
    std::vector<std::vector<std::string>> rows;
    std::string line;
    std::getline(in, line);  // the header
    while (std::getline(in, line)) {
        std::vector<std::string>& row = rows.emplace_back();
        std::istringstream cells(line);
        for (std::string cell; std::getline(cells, cell, ',');) {
            row.push_back(cell);
        }
    }
    return rows;
}

struct Kept {
    Wide quantity = 0;
    Wide cash = 0;  ///< paid, and got
    Wide last = 0;  ///< close
    int splits = 0;
    int dividends = 0;
};
Kept kept(const std::string& folder, const std::string& name, Wide quantity) {
    const auto bars = rows_of(folder + "/" + name + ".csv");
    const auto actions = rows_of(folder + "/" + name + "-actions.csv");
    Kept result;
    std::size_t next = 0;
    while (next < actions.size() && actions[next][0] <= bars[0][0]) {
        ++next;
    }
    for (std::size_t i = 0; i < bars.size(); ++i) {
        for (; next < actions.size() && actions[next][0] <= bars[i][0]; ++next) {
            const Wide value = millionths(actions[next][2]);
            if (actions[next][1] == "split") {
                ++result.splits;
                result.quantity = result.quantity * value / 1'000'000;
            } else {
                ++result.dividends;
                result.cash += result.quantity * value;
            }
        }
        result.last = millionths(bars[i][4]);
        if (i == 0) {
            result.quantity = quantity;
            result.cash = -quantity * result.last;
        }
    }
    return result;
}

constexpr const char* kHold = "name: hold\n"
                              "account: {currency: USD, cash: 1000000}\n"
                              "data:\n"
                              "  - {file: 'FOLDER/aapl.csv', kind: bars, instrument: AAPL, interval: day}\n"
                              "  - {file: 'FOLDER/ibm.csv', kind: bars, instrument: IBM, interval: day}\n"
                              "default_instrument: {HOURS}\n"
                              "actions:\n"
                              "  - {file: 'FOLDER/aapl-actions.csv', instrument: AAPL}\n"
                              "  - {file: 'FOLDER/ibm-actions.csv', instrument: IBM}\n"
                              "strategies:\n"
                              "  - {id: h, use: buy_and_hold, instruments: [AAPL, IBM], params: {quantity: 101}}\n";

/// The text with another word wherever one stands in it.
std::string with(const std::string& word, const std::string& other, std::string text) {
    for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + other.size())) {
        text.replace(at, word.size(), other);
    }
    return text;
}

/// As alpha writes amounts: no zeros behind.
std::string text_of(Wide amount) {
    std::string digits = std::to_string(static_cast<std::int64_t>(amount % 1'000'000));
    digits.insert(0, 6 - digits.size(), '0');
    while (!digits.empty() && digits.back() == '0') {
        digits.pop_back();
    }
    return std::to_string(static_cast<std::int64_t>(amount / 1'000'000)) + (digits.empty() ? "" : "." + digits);
}

}  // namespace

TEST_CASE("who bought AAPL and IBM in 1998 has what an independent calculation says", "[cli][actions]") {
    const std::string folder = std::string(ALPHA_SOURCE_DIR) + "/../shared/data/daily";
    if (!std::filesystem::exists(folder)) {
        WARN("skipped: there is no " + folder);
        return;
    }
    const Kept aapl = kept(folder, "aapl", 101);
    const Kept ibm = kept(folder, "ibm", 101);
    CHECK(aapl.splits == 4);
    CHECK(ibm.splits == 1);
    CHECK(aapl.dividends > 30);
    CHECK(ibm.dividends > 90);
    const Workplace here;
    for (const char* hours : {"calendar: XNYS", "session: utc"}) {
        CAPTURE(hours);
        here.write("s.yaml", with("HOURS", hours, with("FOLDER", folder, kHold)));
        std::filesystem::remove_all(here.path("j"));
        const Ran ran = here.alpha({"backtest", "s.yaml", "--journal", "j", "--json"});
        CAPTURE(ran.err);
        REQUIRE(ran.code == 0);
        CHECK(json_field(ran.out, "cash") == with("#", text_of(1'000'000'000'000 + aapl.cash + ibm.cash), "\"#\""));
        CHECK(json_field(ran.out, "AAPL") == with("#", text_of(aapl.quantity * 1'000'000), "\"#\""));
        CHECK(json_field(ran.out, "IBM") == with("#", text_of(ibm.quantity * 1'000'000), "\"#\""));
        const Wide equity =
            1'000'000'000'000 + aapl.cash + ibm.cash + aapl.quantity * aapl.last + ibm.quantity * ibm.last;
        CHECK(json_field(ran.out, "equity") == with("#", text_of(equity), "\"#\""));
        CHECK(here.alpha({"replay", "--verify", "--journal", "j"}).code == 0);
        // Neither of the shares' splits is suspected; two days on which the data jump are.
        CHECK_FALSE(contains(ran.err, "2000-06-21"));
        CHECK(contains(ran.err, "AAPL opened on 2000-09-29 at 28.06 after 53.38"));
    }
}

TEST_CASE("a split that nobody has told of is suspected, and one that is told of is not", "[cli][actions]") {
    const Desk here;
    const Ran untold = here.backtest(scenario("at 1 buy 100 NSE:TCS", ""));
    CHECK(untold.code == 0);
    CHECK(contains(untold.err, "NSE:TCS opened on 2026-08-04 at 50 after 100: as after a split of 2 for 1"));
    CHECK(json_field(untold.out, "equity") == "\"95000\"");
    std::filesystem::remove_all(here.path("j"));
    here.write("a.csv", "instrument,ex_date,action,value\nNSE:TCS,2026-08-04,split,2\n");
    const Ran told = here.backtest(scenario("at 1 buy 100 NSE:TCS", "actions: a.csv\n"));
    CHECK(told.code == 0);
    CHECK_FALSE(contains(told.err, "split"));
    CHECK(json_field(told.out, "equity") == "\"100000\"");
    // Shown again from the log, and the same wherever the session was interrupted.
    const Ran shown = here.alpha({"log", "--journal", "j", "--type", "corporate_action"});
    CHECK(contains(shown.out, "kind=split ex_date=2026-08-04 new_shares=2 old_shares=1"));
    CHECK(here.alpha({"replay", "--verify", "--journal", "j"}).code == 0);
}

TEST_CASE("an action is taken once, however often a session is resumed", "[cli][actions]") {
    const Desk here;
    here.write("a.csv", "instrument,ex_date,action,value\nNSE:TCS,2026-08-04,split,2\nNSE:TCS,2026-08-04,dividend,1\n");
    const std::string whole = here.read("q.csv");
    const Ran once = here.backtest(scenario("at 1 buy 100 NSE:TCS", "actions: a.csv\n"));
    REQUIRE(once.code == 0);
    CHECK(json_field(once.out, "cash") == "\"90200\"");
    for (std::size_t lines = 2; lines <= 5; ++lines) {
        here.write("q.csv", first_lines(whole, lines));
        const Ran ran = here.alpha({"live", "--broker", "paper", "--config", "s.yaml", "--journal", "l", "--json"});
        CAPTURE(lines, ran.err);
        REQUIRE(ran.code == 0);
    }
    CHECK(here.alpha({"diff", "j", "l"}).code == 0);
}

TEST_CASE("a table of actions is refused by its place", "[cli][actions]") {
    const Desk here;
    const auto said = [&](const std::string& row, const std::string& columns = "instrument,ex_date,action,value") {
        here.write("a.csv", columns + "\n" + row + "\n");
        return here.refusal("actions: a.csv\n");
    };
    CHECK(contains(said("NSE:TCS,2026-08-04,split,two"),
                   "a.csv:2: column 'value' has 'two': it is no ratio: write 2, 3:2"));
    CHECK(contains(said("NSE:TCS,2026-08-04,split,0"), "is no ratio"));
    CHECK(contains(said("NSE:TCS,2026-08-04,dividend,0"), "it is no dividend: write an amount above zero"));
    CHECK(contains(said("NSE:TCS,2026-08-04,splitt,2"), "write split, bonus, dividend, rename, merger or demerger"));
    CHECK(contains(said("NSE:TCS,04-08-2026,split,2"), "a.csv:2: column 'ex_date'"));
    CHECK(contains(said("NSE:TCS,2026-08-04,merger,1:1"), "it has to name the instrument whose shares are given"));
    CHECK(contains(said("NSE:TCS,2026-08-04,rename,NSE:TCS"), "cannot be the new name: another instrument has it"));
    CHECK(contains(said("NSE:TSC,2026-08-04,split,2"), "did you mean 'NSE:TCS'?"));
    CHECK(contains(said("2026-08-04,split,2", "ex_date,action,value"), "a.csv:2: says of no instrument"));
    CHECK(contains(said("NSE:TCS,2026-08-04,demerger,1:1,NSE:X,25%,10",
                        "instrument,ex_date,action,value,other,cost_part,fraction_price"),
                   "gives shares of 'NSE:X', which the scenario does not name"));
    here.write("a.csv", "ex_date,action,value\n2026-08-04,split,2\n");
    CHECK(contains(here.refusal("actions: [{file: a.csv, instrument: TCS}]\n"), "actions: nobody trades 'TCS'"));
    CHECK(contains(here.refusal("actions: no.csv\n"), "s.yaml:7:10: actions: "));
    // A table may be of all that is listed.
    here.write("a.csv", "instrument,ex_date,action,value\nNSE:ABC,2026-08-04,split,2\nNSE:TCS,2026-08-04,split,2\n");
    const Ran ran = here.backtest(scenario("at 1 buy 1 NSE:TCS", "actions: a.csv\n"));
    CAPTURE(ran.err);
    CHECK(ran.code == 0);
}

TEST_CASE("products are those of a table, and a mistake in them is told", "[cli][actions]") {
    const Desk here;
    const auto with = [&](const std::string& strategy, const std::string& more) {
        std::string text = scenario("at 1 buy 1 NSE:TCS", more);
        text.replace(text.find("use: script"), 11, strategy);
        if (strategy.find("script") == std::string::npos) {
            text.replace(text.find("params: {orders: at 1 buy 1 NSE:TCS}"), 36, "params: {quantity: 1}");
        }
        return here.backtest(text);
    };
    CHECK(contains(with("use: buy_and_hold, product: nrml", "").err,
                   "strategies.product: nrml is not one of NSE:TCS; write cnc, mis or mtf"));
    CHECK(contains(with("use: buy_and_hold", "products: zerodha\n").err, "none is not one of NSE:TCS"));
    CHECK(contains(with("use: buy_and_hold, product: cnc", "products: zerodah\n").err, "did you mean 'zerodha'?"));
    here.write("p.csv", "product,exchange,shorts\ncnc,NSE,no\ncnc,NSE,no\n");
    CHECK(contains(with("use: buy_and_hold, product: cnc", "products: p.csv\n").err,
                   "p.csv:3: cnc of NSE has another row for 0001-01-01, in line 2"));
    here.write("p.csv", "product,exchange,shorts,delivery_days\ncnc,NSE,yes,1\n");
    CHECK(contains(with("use: buy_and_hold, product: cnc", "products: p.csv\n").err,
                   "p.csv:2: column 'shorts' has 'yes': it cannot be: what is delivered is not sold short"));
    here.write("p.csv", "product,exchange,shorts\ncnc,NSE,no\n");
    const Ran ran = with("use: script, product: cnc", "products: p.csv\n");
    CAPTURE(ran.err);
    CHECK(ran.code == 0);
    const Ran fills = here.alpha({"show", "fills", "--journal", "j"});
    CHECK(contains(fills.out, "product"));
    CHECK(contains(fills.out, "cnc"));
    const Ran positions = here.alpha({"show", "portfolios", "--journal", "j", "--json"});
    CHECK(contains(positions.out, "\"products\":{\"cnc\":{\"net\":\"1\",\"average_price\":\"100\",\"cost\":\"100\"}}"));
    CHECK(here.alpha({"replay", "--verify", "--journal", "j"}).code == 0);
    std::filesystem::remove_all(here.path("j"));
    // Without a table a product decides nothing but charges.
    CHECK(with("use: script, product: nrml", "products: none\n").code == 0);
}

TEST_CASE("margins follow the products, and a mistake in them is told", "[cli][actions]") {
    const Desk here;
    const auto with = [&](const std::string& orders, const std::string& more) {
        std::filesystem::remove_all(here.path("j"));
        std::string text = scenario(orders, more);
        text.replace(text.find("use: script"), 11, "use: script, product: mis");
        return here.backtest(text);
    };
    const auto refusals = [&] { return here.alpha({"log", "--journal", "j", "--type", "order_refused"}).out; };
    REQUIRE(with("at 1 buy 4000 NSE:TCS", "").code == 0);
    CHECK(refusals().empty());  // 4,000 at 100, of 100,000
    const Ran portfolios = here.alpha({"status", "--journal", "j", "--json"});
    CHECK(contains(portfolios.out, "\"rule\":\"margin\""));
    REQUIRE(with("at 1 buy 6000 NSE:TCS", "").code == 0);
    CHECK(contains(refusals(), "rule=margin limit=100000 observed=120"));
    CHECK(contains(refusals(), " short=20"));
    CHECK(here.alpha({"replay", "--verify", "--journal", "j"}).code == 0);
    REQUIRE(with("at 1 buy 4000 NSE:TCS", "margins: none\n").code == 0);
    CHECK(contains(refusals(), "rule=buying_power"));
    here.write("m.csv", "product,exchange,kind,rate\nmis,NSE,share,50%\n");
    REQUIRE(with("at 1 buy 4000 NSE:TCS", "margins: m.csv\n").code == 0);
    CHECK(contains(refusals(), "rule=margin limit=100000 observed=200"));
    CHECK(contains(with("at 1 buy 1 NSE:TCS", "margins: zerodah\n").err, "did you mean 'zerodha'?"));
    here.write("m.csv", "product,exchange,kind,rate\nmis,NSE,share,half\n");
    CHECK(contains(with("at 1 buy 1 NSE:TCS", "margins: m.csv\n").err, "m.csv:2: column 'rate' has 'half'"));
}
