// What these pages say was worked out by hand from the stories before the program had said anything: prices and sizes of the quotes, and
// the numbers of events as docs/architecture.md has them follow one another (a quote, what is asked, what is answered).

#include "tests/cli/run_alpha.hpp"
#include "tests/sender.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <fmt/format.h>
#include <thread>

namespace {

/// A line of a page: its label, its sentence, and the event that says so.
std::string line(const std::string& label, const std::string& sentence, int event = -1) {
    const std::string text = fmt::format("{:<11}{}", label, sentence);
    return (event < 0 ? text : fmt::format("{:<86}event {}", text, event)) + '\n';
}
/// The first line of a page, and one that goes on with a sentence.
std::string head(const std::string& sentence, int event) {
    return fmt::format("{:<86}event {}\n", sentence, event);
}
std::string on(const std::string& sentence) {
    return line("", sentence);
}

const std::string kHeader = "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n";

/// Quotes of ACME on 2024-01-02: a second a place, from 03:45:00Z on.
std::string quote(int second, const std::string& bid, const std::string& ask, int ask_qty = 500,
                  const std::string& instrument = "ACME") {
    return fmt::format("{}000000000,{},{},500,{},{}\n", 1'704'167'100 + second, instrument, bid, ask, ask_qty);
}

/// Events: 3 quote, 4-6 order 1; 7 quote, 8-10 order 2; 11 quote, 12 cancel, 13 order 3 refused, 14 cancelled; 15 and 16 quotes; 17 quote,
/// 18-20 order 4.
void make_trades(const Workplace& here) {
    here.write("q.csv", kHeader + quote(0, "99.95", "100.00") + quote(1, "100.45", "100.50", 40) +
                            quote(2, "100.55", "100.65") + quote(3, "99.00", "99.05") + quote(5, "99.10", "99.15") +
                            quote(10, "99.20", "99.25"));
    here.write("s.yaml", "name: trades\n"
                         "account: {currency: INR, cash: 100000}\n"
                         "data: [{file: q.csv, kind: quotes}]\n"
                         "broker: {paper: {use_size: true}}\n"
                         "charges: {per_fill: 5}\n"
                         "risk: {max_position: 150}\n"
                         "strategies:\n"
                         "  - id: trader\n"
                         "    use: script\n"
                         "    instruments: [ACME]\n"
                         "    params:\n"
                         "      orders: |\n"
                         "        at 1 buy 100 ACME\n"
                         "        at 2 buy 50 ACME limit 100.5 as part\n"
                         "        at 3 cancel part\n"
                         "        at 3 buy 20 ACME\n"
                         "        at 6 sell 10 ACME\n");
    const Ran ran = here.alpha({"backtest", "s.yaml", "--journal", "j", "-q"});
    INFO(ran.err);
    REQUIRE(ran.code == 0);
}

/// A journal "j" of a story of golden/.
void make_story(const Workplace& here, const std::string& name) {
    const Ran ran = here.alpha(
        {"backtest", std::string(ALPHA_SOURCE_DIR "/scenarios/stories/") + name + ".yaml", "--journal", "j", "-q"});
    INFO(ran.err);
    REQUIRE((ran.code == 0 || ran.code == 6));
}

std::string why(const Workplace& here, const std::string& order) {
    const Ran ran = here.alpha({"why", "j", order});
    INFO(ran.err);
    CHECK(ran.code == 0);
    CHECK(ran.err.empty());
    return ran.out;
}

std::string why_not(const Workplace& here, const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"why-not", "j"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Ran ran = here.alpha(arguments);
    INFO(ran.err);
    CHECK(ran.code == 0);
    return ran.out;
}

/// A page without its layout: where its sentences are broken, and which event says them.
std::string flat(const std::string& page) {
    std::string text;
    for (std::size_t at = 0; at < page.size();) {
        const std::size_t end = page.find('\n', at);
        std::string row = page.substr(at, end - at);
        const std::size_t event = row.rfind("event ");
        if (event != std::string::npos && event > 70 &&
            row.find_first_not_of("0123456789", event + 6) == std::string::npos) {
            row.resize(row.find_last_not_of(' ', event - 1) + 1);  // it has a column of its own
        }
        const std::size_t first = row.find_first_not_of(' ');
        text += (text.empty() ? "" : first == 0 ? "\n" : " ") + row.substr(first);
        at = end + 1;
    }
    return text + '\n';
}

}  // namespace

TEST_CASE("why: a market order that fills", "[cli]") {
    const Workplace here;
    make_trades(here);
    // 100 x 100 and the charges of the one open order, 5.
    CHECK(why(here, "1") ==
          head("order 1 of trader: BUY 100 ACME at market, main via paper", 4) +
              line("because", "quote ACME 99.95 x 100.00 at 2024-01-02T03:45:00Z", 3) +
              on("trader saw mark 99.975 (99.95 x 100.00), held 0") +
              line("judged", "passed every rule, with the limits position 150, buying_power 1") +
              on("reserved ₹10,000.00; buying power then ₹10,005.00 used of ₹1,00,000.00") +
              line("sent", "accepted by paper", 5) +
              line("filled", "100 at 100.00, the ask; 0.025 worse than the mark at decision; charges", 6) +
              on("₹5.00") + line("then", "main held 100 ACME, cost ₹10,000.00") +
              line("more", "alpha log j --from 3 --to 6"));
    CHECK(why(here, "#1") == why(here, "1"));
    CHECK(here.alpha({"why", "j", "--fill", "6"}).out == why(here, "1"));
    CHECK(here.alpha({"why", "j", "1", "-q"}).out == "order 1 of trader: BUY 100 ACME at market; filled whole\n");
}

TEST_CASE("why: a limit order that fills in part, and is cancelled by its strategy", "[cli]") {
    const Workplace here;
    make_trades(here);
    // Held 100 at 100.475 and 50 at 100.50 ordered, and 5: 10,047.50 + 5,025 + 5. Equity 100,000 - 5 + 100 x 0.475.
    CHECK(why(here, "2") ==
          head("order 2 of trader: BUY 50 ACME limit 100.50, main via paper", 8) +
              line("because", "quote ACME 100.45 x 100.50 at 2024-01-02T03:45:01Z", 7) +
              on("trader saw mark 100.475 (100.45 x 100.50), held 100") +
              line("judged", "passed every rule, with the limits position 150, buying_power 1") +
              on("reserved ₹5,025.00; buying power then ₹15,077.50 used of ₹1,00,042.50") +
              line("sent", "accepted by paper", 9) +
              line("filled", "40 at 100.50, the ask; 0.025 worse than the mark at decision; charges", 10) +
              on("₹5.00") +
              line("cancel", "asked by trader, called with quote ACME 100.55 x 100.65 (event 11), at", 12) +
              on("2024-01-02T03:45:02Z") + line("cancelled", "by trader itself; 40 filled", 14) +
              line("then", "main held 140 ACME, cost ₹14,020.00") + line("more", "alpha log j --from 7 --to 14"));
}

TEST_CASE("why: an order that would have gone past the largest position", "[cli]") {
    const Workplace here;
    make_trades(here);
    // 140 are held, 10 may still be bought until the broker has cancelled them, and 20 more.
    CHECK(why(here, "3") ==
          head("order 3 of trader: BUY 20 ACME at market, main via paper", 13) +
              line("because", "quote ACME 100.55 x 100.65 at 2024-01-02T03:45:02Z", 11) +
              on("trader saw mark 100.60 (100.55 x 100.65), held 140") +
              line("refused", "by position: the position could have reached 170, at most 150: 20 too many") +
              line("more", "alpha log j --from 11 --to 13"));
    const std::string json = here.alpha({"why", "j", "3", "--json"}).out;
    CHECK(json_field(json, "excess") == "\"20\"");
    CHECK(json_field(json, "by") == "\"refusal\"");
}

TEST_CASE("why: the exits of a bracket, of which one cancels the other", "[cli]") {
    const Workplace here;
    make_story(here, "bracket-partial");
    CHECK(why(here, "2") ==
          head("order 2 of trader: SELL 100 ACME stop 98.00, only to reduce, main via paper", 5) +
              line("because", "quote ACME 99.95 x 100.00 at 2024-01-02T09:15:00Z", 3) +
              on("trader saw mark 99.975 (99.95 x 100.00), held 0") +
              line("linked", "order 1: BUY 100 ACME limit 100.00; the entry that it exits", 4) +
              line("linked", "order 3: SELL 100 ACME limit 103.00; one cancels the other", 6) +
              line("judged", "as an exit: it can only reduce, so no limit counts") +
              line("sent", "accepted by paper", 8) +
              line("changed", "now 60 stop 98.00, by paper, as order 3 filled: sold 40 ACME at 103.00", 13) +
              on("(event 12), at 2024-01-02T09:15:01Z") +
              line("triggered", "traded through its stop; the market showed 97.90, at 2024-01-02T09:15:03Z", 17) +
              line("filled", "60 at 97.90, the bid; 2.075 worse than the mark at decision; charges", 18) +
              on("₹0.00; realized -₹126.00") + line("then", "main held 0 ACME") +
              line("more", "alpha log j --from 3 --to 18"));
    CHECK(why(here, "3") ==
          head("order 3 of trader: SELL 100 ACME limit 103.00, only to reduce, main via paper", 6) +
              line("because", "quote ACME 99.95 x 100.00 at 2024-01-02T09:15:00Z", 3) +
              on("trader saw mark 99.975 (99.95 x 100.00), held 0") +
              line("linked", "order 1: BUY 100 ACME limit 100.00; the entry that it exits", 4) +
              line("linked", "order 2: SELL 100 ACME stop 98.00; one cancels the other", 5) +
              line("judged", "as an exit: it can only reduce, so no limit counts") +
              line("sent", "accepted by paper", 9) +
              line("filled", "40 at 103.00, the bid; 3.025 better than the mark at decision; charges", 12) +
              on("₹0.00; realized +₹120.00, at 2024-01-02T09:15:01Z") +
              line("cancelled", "by its links, as order 2 filled: sold 60 ACME at 97.90 (event 18); 40", 19) +
              on("filled, at 2024-01-02T09:15:03Z") + line("then", "main held 0 ACME") +
              line("more", "alpha log j --from 3 --to 19"));
    // The entry, which fills twice: 40 and 60, both at 100.
    const std::string entry = why(here, "1");
    CHECK(contains(entry, line("linked", "order 2: SELL 100 ACME stop 98.00; an exit, for what it fills", 5)));
    CHECK(contains(entry, line("in all", "100 in 2 fills at 100.00 on average, 0.025 worse than the mark at") +
                              on("decision; charges ₹0.00; realized ₹0.00")));
}

TEST_CASE("why: exits that are held back for a broker that knows no links", "[cli]") {
    const Workplace here;
    here.write("q.csv", kHeader + quote(0, "99.95", "100.00", 40) + quote(1, "103.00", "103.10"));
    here.write(
        "s.yaml",
        "name: held\n"
        "account: {currency: INR, cash: 100000}\n"
        "data: [{file: q.csv, kind: quotes}]\n"
        "broker: {paper: {use_size: true, links: kernel}}\n"
        "strategies: [{id: trader, use: script, instruments: [ACME], params: {orders: at 1 buy 40 ACME limit 100 "
        "then stop 98 target 103}}]\n");
    REQUIRE(here.alpha({"backtest", "s.yaml", "--journal", "j", "-q"}).code == 0);
    // 3 quote; 4, 5 and 6 the orders; 7 order 1 accepted, 8 filled; 9 and 10 its exits released, 11 and 12 accepted; 13 quote, 14 order 3
    // fills whole, 15 order 2 is to be cancelled for that, 16 is.
    CHECK(flat(why(here, "2")) ==
          "order 2 of trader: SELL 40 ACME stop 98.00, only to reduce, main via paper\n" +
              line("because", "quote ACME 99.95 x 100.00 at 2024-01-02T03:45:00Z trader saw mark 99.975 (99.95 x "
                              "100.00), held 0") +
              line("linked", "order 1: BUY 40 ACME limit 100.00; the entry that it exits") +
              line("linked", "order 3: SELL 40 ACME limit 103.00; one cancels the other") +
              line("judged", "as an exit: it can only reduce, so no limit counts") +
              line("held", "back until what it is linked with lets it go: its broker knows no links") +
              line("released", "40 to paper, as order 1 filled: bought 40 ACME at 100.00 (event 8)") +
              line("sent", "accepted by paper") +
              line("cancel", "for its links, as order 3 filled: sold 40 ACME at 103.00 (event 14), at "
                             "2024-01-02T03:45:01Z") +
              line("cancelled", "by its links, as order 3 filled: sold 40 ACME at 103.00 (event 14); nothing filled") +
              line("more", "alpha log j --from 3 --to 16"));
}

TEST_CASE("why: more than the account can pay for", "[cli]") {
    const Workplace here;
    make_story(here, "buying-power");
    CHECK(contains(why(here, "2"),
                   line("refused", "by buying_power: all that is held and ordered would have used ₹10,078.50") +
                       on("of ₹9,998.50 of buying power: ₹80.00 short")));
}

TEST_CASE("why: the kill switch refuses what opens, and leaves what closes to only reduce", "[cli]") {
    const Workplace here;
    make_story(here, "kill-switch");
    CHECK(contains(why(here, "3"), line("refused", "by kill_switch: the kill switch of main was latched") +
                                       line("more", "alpha log j --from 11 --to 15") +
                                       on("alpha log j --type kill_switch_latched,kill_switch_released")));
    const std::string exit = why(here, "2");
    CHECK(contains(flat(exit),
                   line("change", "to 1,000 limit 110.00, for rule daily_loss: kill switch of main latched by "
                                  "daily_loss, entries (event 12), at 2024-01-02T03:45:03Z")));
    CHECK(contains(exit, line("open", "1,000 of 1,000 may still fill")));
}

TEST_CASE("why: a DAY order that ends with its session", "[cli]") {
    const Workplace here;
    make_story(here, "day-order-expires");
    CHECK(why(here, "1") ==
          head("order 1 of trader: BUY 10 ACME limit 97.00, until the close of 2024-01-02, main via", 4) + "paper\n" +
              line("because", "quote ACME 99.95 x 100.05 at 2024-01-02T03:45:00Z", 3) +
              on("trader saw mark 100.00 (99.95 x 100.05), held 0") +
              line("judged", "passed every rule, with the limits buying_power 1") +
              on("reserved ₹970.00; buying power then ₹970.00 used of ₹1,00,000.00") +
              line("sent", "accepted by paper", 6) +
              line("expired", "with its session: session of ACME closed, 2024-01-02 (event 9); nothing", 10) +
              on("filled, at 2024-01-02T10:00:00Z") + line("more", "alpha log j --from 3 --to 10"));
}

TEST_CASE("why: an order of the operator's that flattens, in a session that still runs", "[cli]") {
    const Workplace here;
    here.write("s.yaml",
               "name: flat\n"
               "account: {currency: INR, cash: 100000}\n"
               "data: [{stream: \"unix:feed.sock\", kind: quotes}]\n"
               "strategies: [{id: trader, use: script, instruments: [ACME], params: {orders: at 1 buy 10 ACME}}]\n");
    const pid_t process = here.start({"live", "--broker", "paper", "--config", "s.yaml", "--journal", "j", "-q"});
    const alpha::test::Sender sender("unix:" + here.path("feed.sock").string());
    REQUIRE(sender.send(kHeader + quote(0, "99.95", "100.00") + quote(1, "100.05", "100.10")));
    const auto holds_soon = [&](const std::vector<std::string>& command, const std::string& part) {
        for (int i = 0; i < 600; ++i) {
            if (contains(here.alpha(command).out, part)) {
                return true;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return false;
    };
    REQUIRE(holds_soon({"status", "--journal", "j", "--json"}, "\"feed_records\":2"));
    REQUIRE(here.alpha({"kill", "--flatten", "--journal", "j"}).code == 0);
    REQUIRE(holds_soon({"show", "fills", "j"}, "operator"));
    // Events: 3 quote, 4-6 order 1, 7 quote, 8 the person, 9 order 2, 10 accepted, 11 filled.
    CHECK(why(here, "2") ==
          head("order 2 of operator: SELL 10 ACME at market, only to reduce, main via paper", 9) +
              line("because", "kill switch of main latched by a person, flatten at 2024-01-02T03:45:01Z", 8) +
              on("the books saw mark 100.075 (100.05 x 100.10), held 10") +
              line("judged", "by no rule: it closes what is held, for the operator or the broker") +
              line("sent", "accepted by paper", 10) +
              line("filled", "10 at 100.05, the bid; 0.025 worse than the mark at decision; charges", 11) +
              on("₹0.00; realized +₹0.50") + line("then", "main held 0 ACME") +
              line("more", "alpha log j --from 8 --to 11"));
    ::kill(process, SIGTERM);
    here.finish(process);
}

TEST_CASE("why: of hundreds of fills the first and the last are shown, and all are summed up", "[cli]") {
    const Workplace here;
    std::string quotes = kHeader;
    for (int i = 0; i < 30; ++i) {
        quotes += quote(i, "99.95", "100.00", 10);
    }
    here.write("q.csv", quotes);
    here.write("s.yaml",
               "name: many\n"
               "account: {currency: USD, cash: 100000}\n"
               "data: [{file: q.csv, kind: quotes}]\n"
               "broker: {paper: {use_size: true}}\n"
               "strategies: [{id: trader, use: script, instruments: [ACME], params: {orders: at 1 buy 300 ACME limit "
               "100}}]\n");
    REQUIRE(here.alpha({"backtest", "s.yaml", "--journal", "j", "-q"}).code == 0);
    const std::string page = why(here, "1");
    // Accepted and 30 fills are 31 facts: four, 24 that are left out, three.
    CHECK(contains(page, "24 events more, 24 fills of 240\n"));
    CHECK(contains(page, line("in all", "300 in 30 fills at 100.00 on average, 0.025 worse than the mark at") +
                             on("decision; charges $0.00; realized $0.00")));
    CHECK(line_count(page) < 35);
    CHECK(contains(page, line("then", "main held 300 ACME, cost $30,000.00")));
}

TEST_CASE("why and why-not say the same whether a snapshot is near or none is", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("s", 70'000));
    const Ran ran = here.alpha({"backtest", "s.yaml", "--journal", "j", "--json"});
    REQUIRE(ran.code == 0);
    REQUIRE(here.alpha({"live", "--broker", "paper", "s.yaml", "--journal", "lived", "-q"}).code == 0);
    REQUIRE(json_field(here.alpha({"verify", "j", "--json"}).out, "snapshots") !=
            json_field(here.alpha({"verify", "lived", "--json"}).out, "snapshots"));
    const std::uint64_t orders = line_count(here.alpha({"show", "orders", "j", "--json"}).out);
    const std::uint64_t events = std::stoull(json_field(ran.out, "events"));
    REQUIRE(orders > 20);
    for (const std::uint64_t order : {std::uint64_t{1}, orders / 2, orders - 1, orders}) {
        CAPTURE(order);
        const Ran of_j = here.alpha({"why", "j", std::to_string(order), "--json"});
        CHECK(of_j.code == 0);
        CHECK(here.alpha({"why", "lived", std::to_string(order), "--json"}).out == of_j.out);
    }
    const std::string strategy = here.shell("$ALPHA show orders j --json --limit 1 | grep -o '\"strategy\":\"[^\"]*' | "
                                            "cut -d'\"' -f4 | tr -d '\\n'")
                                     .out;
    for (const std::uint64_t at : {std::uint64_t{2}, events / 3, events - 1'000, events - 1}) {
        CAPTURE(at, strategy);
        const std::string moment = "@" + std::to_string(at);
        const Ran of_j = here.alpha({"why-not", "j", strategy, "--at", moment, "--json"});
        CHECK(of_j.code == 0);
        CHECK(here.alpha({"why-not", "lived", strategy, "--at", moment, "--json"}).out == of_j.out);
    }
}

TEST_CASE("why-not: what a strategy was last called with lies far behind the nearest snapshot", "[cli]") {
    const Workplace here;
    std::string quotes = kHeader + quote(0, "99.95", "100.00");
    for (int i = 1; i <= 70'000; ++i) {  // a session that lives takes a snapshot every 65,536 events
        quotes += quote(i / 10 + 1, "9.95", i % 2 == 0 ? "10.00" : "10.05", 500, "BETA");
    }
    here.write("q.csv", quotes);
    here.write("s.yaml", "name: far\n"
                         "account: {currency: INR, cash: 100000}\n"
                         "data: [{file: q.csv, kind: quotes}]\n"
                         "strategies:\n"
                         "  - {id: one, use: script, instruments: [ACME], params: {orders: at 9 buy 1 ACME}}\n"
                         "  - {id: other, use: script, instruments: [BETA], params: {orders: at 90000 buy 1 BETA}}\n");
    // A session that has no time for a snapshot takes none: on a busy machine it is run again.
    std::string snapshots = "0";
    for (int tries = 0; tries < 20 && snapshots == "0"; ++tries) {
        here.shell("rm -rf j");
        REQUIRE(here.alpha({"live", "--broker", "paper", "s.yaml", "--journal", "j", "-q"}).code == 0);
        snapshots = json_field(here.alpha({"verify", "j", "--json"}).out, "snapshots");
    }
    REQUIRE(snapshots != "0");
    // 2 ACME's session, 3 its only quote.
    const std::string page = flat(why_not(here, {"one", "--at", "@70000"}));
    CHECK(contains(page, line("answer", "it was not called: nothing that it trades on came behind event 3; at event 3 "
                                        "it asked for no order")));
    CHECK(contains(page, "its market event 9; it has seen 1."));
}

TEST_CASE("why says what it was not given, and how many orders there are", "[cli]") {
    const Workplace here;
    make_trades(here);
    const auto refused = [&](const std::vector<std::string>& arguments, const std::string& part) {
        std::vector<std::string> all{"why", "j"};
        all.insert(all.end(), arguments.begin(), arguments.end());
        const Ran ran = here.alpha(all);
        CAPTURE(arguments, ran.err);
        CHECK(ran.code == 2);
        CHECK(ran.out.empty());
        CHECK(contains(ran.err, part));
    };
    refused({"99"}, "The journal j has no order 99: it has 4, numbered from 1 to 4, refused ones among them");
    refused({"0"}, "has no order 0");
    refused({"twelve"}, "twelve: an order is a number, such as 12; alpha show orders j lists them");
    refused({"18446744073709551616"}, "an order is a number");
    refused({}, "which order?");
    refused({"1", "--fill", "6"}, "order 1 and --fill 6: give one of them");
    refused({"--fill", "3"}, "event 3 is of type quote and about no order");
    refused({"--fill", "21"}, "holds 21 events, numbered from 0; there is no event 21");
}

TEST_CASE("why-not: called, and it asked for nothing", "[cli]") {
    const Workplace here;
    make_trades(here);
    const std::string page = why_not(here, {"trader", "--at", "2024-01-02T03:45:04Z"});
    CHECK(flat(page) ==
          "trader (script) of main at 2024-01-02T03:45:04Z, behind 16 events of 21\n" +
              line("answer", "it was called with quote ACME 99.00 x 99.05 and asked for no order") +
              line("switches", "not halted; the kill switch of main is not latched") +
              line("ACME", "mark 99.025 (99.00 x 99.05) of 2024-01-02T03:45:03Z; main holds 140; no open orders") +
              line("waits for", "its market event 6; it has seen 4. The next line is: at 6 sell 10 ACME") +
              line("called", "with quote ACME 99.00 x 99.05, at 2024-01-02T03:45:03Z: asked for nothing") +
              line("next", "with quote ACME 99.10 x 99.15, at 2024-01-02T03:45:05Z: asked for nothing") +
              line("last order", "order 3: BUY 20 ACME at market, refused by position") +
              line("next order", "order 4: SELL 10 ACME at market, in the end filled") +
              line("more", "alpha log j --from 15 --to 16 alpha why j 4"));
    CHECK(contains(page,
                   line("called", "with quote ACME 99.00 x 99.05, at 2024-01-02T03:45:03Z: asked for nothing", 15)));
    // The same moment by other clocks, and the same step by its event.
    const std::string json = why_not(here, {"trader", "--at", "2024-01-02T03:45:04Z", "--json"});
    CHECK(json_field(json, "answer") == "\"looked\"");
    CHECK(why_not(here, {"trader", "--at", "2024-01-02T09:15:04+05:30", "--json"}) == json);
    CHECK(why_not(here, {"trader", "--at", "2024-01-02 09:15:04", "--tz", "Asia/Kolkata", "--json"}) == json);
    CHECK(why_not(here, {"trader", "--at", "2024-01-01T22:45:04", "--tz", "-05:00", "--json"}) == json);
    CHECK(contains(why_not(here, {"trader", "--at", "@15", "--instrument", "ACME"}), "behind 16 events of 21\n"));
    CHECK(why_not(here, {"trader", "--at", "@15", "-q"}) ==
          "trader: it was called with quote ACME 99.00 x 99.05 and asked for no order\n");
}

TEST_CASE("why-not: it did ask", "[cli]") {
    const Workplace here;
    make_trades(here);
    // Event 12 is of the step of event 11, which ends with event 14.
    const std::string refused = flat(why_not(here, {"trader", "--at", "@12"}));
    CHECK(contains(refused, "behind 15 events of 21\n"));
    CHECK(contains(refused,
                   line("answer", "it asked, and was refused: order 3: BUY 20 ACME at market, refused by position")));
    CHECK(contains(refused, line("called", "with quote ACME 100.55 x 100.65, at 2024-01-02T03:45:02Z: asked for cancel "
                                           "of order 2, order 3: BUY 20 ACME at market, refused by position")));
    CHECK(contains(why_not(here, {"trader", "--at", "2024-01-02T03:45:01Z"}),
                   line("answer", "there is one: order 2: BUY 50 ACME limit 100.50")));
    // 10 of order 2 are left on the market.
    CHECK(contains(flat(why_not(here, {"trader", "--at", "@10"})), "main holds 140; 1 open order: 2 buy 10\n"));
    const std::string last = flat(why_not(here, {"trader", "--at", "2030-01-01T00:00:00Z"}));
    CHECK(contains(last, line("next", "it is not called again in this journal")));
    CHECK(contains(last, "all lines of its script were carried out by its market event 6; it has seen 6\n"));
}

TEST_CASE("why-not: before it was called, and between two of its records", "[cli]") {
    const Workplace here;
    here.write("q.csv", kHeader + quote(0, "9.95", "10.00", 500, "BETA") + quote(1, "99.95", "100.00") +
                            quote(2, "9.95", "10.00", 500, "BETA") + quote(3, "99.95", "100.00"));
    here.write("s.yaml", "name: two\n"
                         "account: {currency: INR, cash: 100000}\n"
                         "data: [{file: q.csv, kind: quotes}]\n"
                         "strategies:\n"
                         "  - {id: one, use: script, instruments: [ACME], params: {orders: at 9 buy 1 ACME}}\n"
                         "  - {id: other, use: script, instruments: [BETA], params: {orders: at 9 buy 1 BETA}}\n");
    REQUIRE(here.alpha({"backtest", "s.yaml", "--journal", "j", "-q"}).code == 0);
    // 2 BETA's session, 3 BETA; 4 ACME's session, 5 ACME; 6 BETA; 7 ACME.
    const std::string before = flat(why_not(here, {"one", "--at", "2024-01-02T03:45:00Z"}));
    CHECK(contains(before, line("answer", "nothing it trades on had come yet: it had not been called")));
    CHECK(contains(before, line("ACME", "no price yet; no session has opened yet; main holds 0; no open orders")));
    CHECK(contains(flat(why_not(here, {"one", "--at", "2024-01-02T03:45:02Z"})),
                   line("answer", "it was not called: nothing that it trades on came between event 5 and event 7; at "
                                  "event 5 it asked for no order")));
    CHECK(
        contains(why_not(here, {"one", "--at", "1969-12-31T00:00:00Z"}), line("answer", "the session had not begun")));
}

TEST_CASE("why-not: averages that have not seen enough, and that have not crossed", "[cli]") {
    const Workplace here;
    // Closes 100, 102, 104, 102, 101, 105 at 03:46 to 03:51Z.
    here.write("b.csv", "timestamp,open,high,low,close,volume\n"
                        "2024-01-02T09:15:00+05:30,100,100,100,100,10\n"
                        "2024-01-02T09:16:00+05:30,102,102,102,102,10\n"
                        "2024-01-02T09:17:00+05:30,104,104,104,104,10\n"
                        "2024-01-02T09:18:00+05:30,102,102,102,102,10\n"
                        "2024-01-02T09:19:00+05:30,101,101,101,101,10\n"
                        "2024-01-02T09:20:00+05:30,105,105,105,105,10\n");
    here.write(
        "s.yaml",
        "name: cross\n"
        "account: {currency: INR, cash: 100000}\n"
        "data: [{file: b.csv, kind: bars, instrument: ACME, interval: 1m}]\n"
        "strategies: [{id: cross, use: sma_cross, instruments: [ACME], params: {fast: 2, slow: 3, quantity: 1}}]\n");
    REQUIRE(here.alpha({"backtest", "s.yaml", "--journal", "j", "-q"}).code == 0);
    CHECK(contains(flat(why_not(here, {"cross", "--at", "2024-01-02T09:17:30+05:30"})),
                   line("answer", "it has not seen enough to decide: 2 of the 3 closed bars of ACME that it needs")));
    // Nothing but its open is known of the first bar.
    CHECK(contains(flat(why_not(here, {"cross", "--at", "2024-01-02T09:15:30+05:30"})),
                   "; no bar has closed yet; main holds 0"));
    // The last two closes 102 and 101; the last three 104, 102 and 101.
    const std::string below = flat(why_not(here, {"cross", "--at", "2024-01-02T03:50:00Z"}));
    CHECK(contains(below, line("answer", "it was called with 1m bar of ACME closed at 101.00, between 101.00 and "
                                         "101.00 and asked for no order")));
    CHECK(contains(below, line("waits for", "a cross in ACME: its fast average 101.50 is below the slow one 102.3333; "
                                            "it buys when one close finds it below and the next above")));
    CHECK(contains(below, line("next order", "order 1: BUY 1 ACME at market, in the end filled")));
    // Which the next close does: 101 and 105 are more than 102, 101 and 105. It signals, then orders.
    const std::string order = why(here, "1");
    CHECK(contains(order, line("", "cross saw mark 105.00, held 0; signalled long", 15)));
    CHECK(contains(order, "1 at 105.00, the market's price; as the mark at decision; charges ₹0.00"));
}

TEST_CASE("why-not: halted, latched, and a market that is closed", "[cli]") {
    const Workplace here;
    make_story(here, "day-order-expires");
    // Two hours after the close.
    CHECK(contains(flat(why_not(here, {"trader", "--at", "2024-01-02T12:00:00Z"})),
                   "; its market is closed; main holds 0; 1 open order: 2 buy 20\n"));
    const Workplace latched;
    make_story(latched, "kill-switch");
    const std::string page = why_not(latched, {"trader", "--at", "2024-01-02T05:00:00Z"});
    CHECK(contains(page, "the kill switch of main is latched by daily_loss (entries)"));
    CHECK(contains(page, line("no room", "daily_loss: 2950 used of 2000")));

    // It must be told which bars to average, and is halted by the first that makes it a question: the latter of two at 09:16Z.
    const Workplace halted;
    const std::string header = "timestamp,instrument,open,high,low,close,volume\n";
    halted.write("1m.csv", header + "2024-01-02T09:15:00Z,A,10,10,10,10,1\n2024-01-02T09:16:00Z,A,11,11,11,11,1\n");
    halted.write("5m.csv", header + "2024-01-02T09:15:00Z,A,10,12,10,12,9\n");
    halted.write("s.yaml",
                 "name: s\naccount: {currency: INR, cash: 1000}\n"
                 "data: [{file: 1m.csv, kind: bars, interval: 1m}, {file: 5m.csv, kind: bars, interval: 5m}]\n"
                 "strategies:\n  - {id: cross, use: sma_cross, instruments: [A], params: {fast: 1, slow: 2, quantity: "
                 "1}}\n");
    REQUIRE(halted.alpha({"backtest", "s.yaml", "--journal", "j", "-q"}).code == 6);
    const std::string still = flat(why_not(halted, {"cross", "--at", "2024-01-02T09:30:00Z"}));
    CHECK(contains(still, line("answer",
                               "it was halted, and is told nothing until a person resumes it: sma_cross reads bars of "
                               "one interval, and A has bars of 1m and 5m; say which: write interval: 1m or 5m among "
                               "its params")));
    CHECK(contains(still, line("next", "it is not called again in this journal")));
}

TEST_CASE("why-not says what it does not know", "[cli]") {
    const Workplace here;
    make_trades(here);
    const auto refused = [&](const std::vector<std::string>& arguments, const std::string& part) {
        std::vector<std::string> all{"why-not", "j"};
        all.insert(all.end(), arguments.begin(), arguments.end());
        const Ran ran = here.alpha(all);
        CAPTURE(arguments, ran.err);
        CHECK(ran.code == 2);
        CHECK(ran.out.empty());
        CHECK(contains(ran.err, part));
    };
    refused({"trade", "--at", "@3"}, "The journal j has no strategy trade; did you mean trader?");
    refused({"zzz", "--at", "@3"}, "has no strategy zzz; there is trader");
    refused({"trader", "--at", "@3", "--instrument", "ACMEE"}, "trader has no instrument ACMEE; did you mean ACME?");
    refused({"trader", "--at", "@21"}, "holds 21 events, numbered from 0; there is no event 21");
    refused({"trader", "--at", "@"}, "write an event as @261");
    refused({"trader", "--at", "2024-01-02T03:45:04"}, "of which time zone is that?");
    refused({"trader", "--at", "yesterday"}, "--at yesterday: ");
    refused({"trader"}, "--at is required");
}

TEST_CASE("why: what is held of one product is called what is held", "[cli]") {
    const Workplace here;
    std::string quotes = kHeader;
    for (int i = 0; i < 3; ++i) {
        quotes += quote(i, "99.90", "100.00", 500, "NSE:A&B");
    }
    here.write("q.csv", quotes);
    here.write("s.yaml",
               "name: s\naccount: {currency: INR, cash: 100000}\ndata: [{file: q.csv, kind: quotes}]\n"
               "default_instrument: {session: nse}\ncharges: none\nstrategies:\n"
               "  - {id: c, use: script, instruments: [\"NSE:A&B\"], product: cnc, params: {orders: \"at 1 buy 20 "
               "NSE:A&B\"}}\n"
               "  - {id: m, use: script, instruments: [\"NSE:A&B\"], product: mis, params: {orders: \"at 2 sell 45 "
               "NSE:A&B\"}}\n");
    REQUIRE(here.alpha({"backtest", "s.yaml", "--journal", "j", "-q"}).code == 0);
    const std::string first = here.alpha({"why", "j", "1"}).out;
    CHECK(contains(first, on("c saw mark 99.95 (99.90 x 100.00), held 0 in cnc")));
    CHECK(contains(first, line("then", "main held 20 NSE:A&B in cnc, cost ₹2,000.00")));
    const std::string second = here.alpha({"why", "j", "2"}).out;
    CHECK(contains(second, on("m saw mark 99.95 (99.90 x 100.00), held 0 in mis, 20 in all")));
    CHECK(contains(second, line("then", "main held -45 NSE:A&B in mis, -25 in all, cost in mis -₹4,495.50")));
    const std::string json = here.alpha({"why", "j", "2", "--json"}).out;
    CHECK(contains(json, "\"held\":\"0\",\"cost\":\"0\",\"net\":\"20\"}"));
    CHECK(contains(json, "\"held_after\":\"-45\",\"cost_after\":\"-4495.5\",\"net_after\":\"-25\"}"));
}
